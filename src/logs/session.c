#include "logs/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/time.h"
#include "logs/session_table.h"

enum { COUNTERS = FL_SESSION_COUNTERS, DURATION = 4, ENTRY_BYTES = 80, REMEMBER_S = 600 };
#define COPY_US (120 * FL_US_PER_S) /* REMEMBER_S: of acceptance, that closed ones are kept */
#define NONE    FL_SESSION_NONE

static const enum fl_field counter_field[COUNTERS] = {
    FL_F_OUT_BYTES, FL_F_IN_BYTES, FL_F_OUT_PACKETS, FL_F_IN_PACKETS, FL_F_DURATION};

enum { DERIVED = 6, SESSIONS = 5 };
static const enum fl_field derived_field[DERIVED] = {FL_F_BYTES,   FL_F_BYTES_UP, FL_F_BYTES_DOWN,
                                                     FL_F_PACKETS, FL_F_SECONDS,  FL_F_SESSIONS};

/* ---- a row ---- */

enum kind { OTHER, CREATED, UPDATED, CLOSED, PERMITTED };

struct row {
    uint64_t device, session, tuple;
    uint64_t counter[COUNTERS];
    bool has[COUNTERS];
    bool known_session; /* it has a session number */
    enum kind kind;
    uint32_t tag; /* of the session */
    int64_t time_us, accepted_us;
};

struct delta { /* what it adds */
    uint64_t value[DERIVED];
    unsigned has; /* bit i: value[i] */
    unsigned flag;
};

static enum kind kind_of(struct fl_span action)
{
    static const char *const names[] = {
        [CREATED] = "created",
        [UPDATED] = "updated",
        [CLOSED] = "closed",
        [PERMITTED] = "permitted",
    };

    for (size_t k = CREATED; k < FL_LEN(names); k++)
        if (fl_span_eq(action, fl_span_str(names[k])))
            return (enum kind)k;
    return OTHER;
}

/* Does the row say anything about a session? */
static bool counts(const struct row *row)
{
    for (size_t i = 0; i < DURATION; i++)
        if (row->has[i])
            return true;
    return row->known_session && (row->kind == CREATED || row->kind == CLOSED);
}

static void set_sum(struct delta *to, size_t i, uint64_t a, bool has_a, uint64_t b, bool has_b)
{
    if (!has_a && !has_b)
        return;
    a = has_a ? a : 0;
    b = has_b ? b : 0;
    to->value[i] = a > UINT64_MAX - b ? UINT64_MAX : a + b;
    to->has |= 1u << i;
}

/* What this row adds: the counters minus base (NULL: 0), never below 0. */
static void add(struct delta *to, const struct row *row, const uint64_t *base, bool session)
{
    uint64_t d[COUNTERS];

    for (size_t i = 0; i < COUNTERS; i++) {
        uint64_t from = base == NULL ? 0 : base[i];

        d[i] = row->counter[i] > from ? row->counter[i] - from : 0;
    }
    set_sum(to, 0, d[0], row->has[0], d[1], row->has[1]);
    set_sum(to, 1, d[0], row->has[0], 0, false);
    set_sum(to, 2, d[1], row->has[1], 0, false);
    set_sum(to, 3, d[2], row->has[2], d[3], row->has[3]);
    set_sum(to, 4, d[DURATION], row->has[DURATION], 0, false);
    if (session)
        set_sum(to, SESSIONS, 1, true, 0, false);
}

/* ---- what is known ---- */

static uint32_t seconds(int64_t us)
{
    int64_t s = us / FL_US_PER_S;

    return s < 0 ? 0 : s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

/* The entry takes the row's counters (those that it has) and becomes the latest of its list. */
static void remember(struct fl_sessions *s, uint32_t at, const struct row *row, bool closed)
{
    struct fl_session_entry *e;
    uint64_t v[COUNTERS];

    fl_session_counters(s, at, v);
    for (size_t i = 0; i < COUNTERS; i++)
        if (row->has[i])
            v[i] = row->counter[i];
    if (!fl_session_set_counters(s, at, v)) {
        fl_session_forget(s, at);
        return;
    }
    e = fl_session_at(s, at);
    e->time_us = row->time_us;
    e->accepted_s = seconds(row->accepted_us);
    if (row->tuple != 0)
        e->tuple = row->tuple;
    fl_session_touch(s, at, closed);
    s->sum.changes++;
}

static void insert(struct fl_sessions *s, const struct row *row, bool closed)
{
    uint32_t at = NONE;

    if (row->known_session)
        at = fl_session_insert(s, row->tag, row->device, row->session, closed);
    if (at != NONE)
        remember(s, at, row, closed);
}

/* a - b; saved states may hold any times. */
static int64_t apart(int64_t a, int64_t b)
{
    int64_t d;

    return __builtin_sub_overflow(a, b, &d) ? (a < b ? INT64_MIN : INT64_MAX) : d;
}

static void expire(struct fl_sessions *s, int64_t accepted_us)
{
    for (int n = 0; n < 4; n++) { /* a few a row keep up with one new one a row */
        uint32_t at = s->lists[1].oldest;

        if (at == NONE ||
            (int64_t)seconds(accepted_us) - fl_session_at(s, at)->accepted_s < REMEMBER_S)
            return;
        fl_session_forget(s, at);
    }
}

static bool smaller(const struct row *row, const uint64_t *than)
{
    for (size_t i = 0; i < COUNTERS; i++)
        if (row->has[i] && row->counter[i] < than[i])
            return true;
    return false;
}

static bool larger(const struct row *row, const uint64_t *than)
{
    for (size_t i = 0; i < COUNTERS; i++)
        if (row->has[i] && row->counter[i] > than[i])
            return true;
    return false;
}

/* Is the row close in time to the closing of e? */
static bool near(const struct row *row, const struct fl_session_entry *e)
{
    int64_t d = apart(row->time_us, e->time_us);

    return d <= COPY_US && d >= -COPY_US;
}

static void copy(struct fl_sessions *s, struct delta *to)
{
    to->flag |= FL_ROW_COPY;
    s->sum.copies++;
}

static void created(struct fl_sessions *s, uint32_t at, const struct row *row)
{
    const struct fl_session_entry *e = at == NONE ? NULL : fl_session_at(s, at);
    struct row zero = *row;
    uint64_t was[COUNTERS];

    if (e != NULL && row->time_us <= e->time_us)
        return; /* the second report, or late: what is known is newer */
    if (e != NULL)
        fl_session_counters(s, at, was);
    if (e != NULL && !e->closed && near(row, e) && was[DURATION] == 0 && was[0] == 0)
        return; /* the second report */
    if (e != NULL)
        fl_session_forget(s, at);
    for (size_t i = 0; i < COUNTERS; i++) {
        zero.counter[i] = 0;
        zero.has[i] = true;
    }
    insert(s, &zero, false);
}

static void updated(struct fl_sessions *s, uint32_t at, const struct row *row, struct delta *to)
{
    uint64_t was[COUNTERS];

    if (at != NONE)
        fl_session_counters(s, at, was);
    if (at != NONE && fl_session_at(s, at)->closed) {
        if (near(row, fl_session_at(s, at)) || !larger(row, was)) {
            copy(s, to);
            return;
        }
        fl_session_forget(s, at);
        at = NONE;
    }
    if (at == NONE) {
        to->flag |= FL_ROW_NO_BASELINE;
        s->sum.no_baseline++;
        insert(s, row, false);
        return;
    }
    if (smaller(row, was)) {
        copy(s, to); /* out of order: what it says was counted already */
        return;
    }
    add(to, row, was, false);
    remember(s, at, row, false);
}

static void closed(struct fl_sessions *s, uint32_t at, const struct row *row, struct delta *to)
{
    const struct fl_session_entry *e = at == NONE ? NULL : fl_session_at(s, at);
    uint64_t was[COUNTERS];

    if (e != NULL && e->closed && near(row, e)) {
        copy(s, to);
        return;
    }
    if (e != NULL)
        fl_session_counters(s, at, was);
    if (e != NULL &&
        (e->closed || (row->has[DURATION] && row->counter[DURATION] < was[DURATION]))) {
        fl_session_forget(s, at); /* another session with the same number */
        e = NULL;
    }
    add(to, row, e == NULL ? NULL : was, true);
    if (e == NULL)
        insert(s, row, true);
    else
        remember(s, at, row, true);
}

/* The known session of the row; one with another five-tuple is another session: forgotten. */
static uint32_t find_same(struct fl_sessions *s, const struct row *row)
{
    uint32_t at =
        row->known_session ? fl_session_find(s, row->tag, row->device, row->session) : NONE;

    if (at == NONE || row->tuple == 0 || fl_session_at(s, at)->tuple == 0 ||
        row->tuple == fl_session_at(s, at)->tuple)
        return at;
    fl_session_forget(s, at);
    return NONE;
}

static void derive(struct fl_sessions *s, const struct row *row, struct delta *to)
{
    uint32_t at;

    if (row->kind == OTHER) {
        if (!row->known_session)
            add(to, row, NULL, false);
        return;
    }
    expire(s, row->accepted_us);
    at = find_same(s, row);
    if (row->kind == CREATED) {
        created(s, at, row);
    } else if (row->kind == CLOSED) {
        closed(s, at, row, to);
    } else if (row->kind == PERMITTED && at == NONE) {
        add(to, row, NULL, true);
        insert(s, row, false);
    } else {
        updated(s, at, row, to);
    }
}

void fl_sessions_forget(struct fl_sessions *s, struct fl_span device, uint64_t session)
{
    uint64_t hash = fl_span_hash(device);
    uint32_t at = fl_session_find(s, fl_session_tag(s, hash, session), hash, session);

    if (at == NONE)
        return;
    fl_session_forget(s, at);
}

/* ---- one row ---- */

enum { TUPLE_BYTES = 37 };

static void put_ports(unsigned char *to, uint64_t sport, uint64_t dport, uint64_t proto)
{
    to[0] = (unsigned char)sport;
    to[1] = (unsigned char)(sport >> 8);
    to[2] = (unsigned char)dport;
    to[3] = (unsigned char)(dport >> 8);
    to[4] = (unsigned char)proto;
}

static uint64_t tuple_of(const struct fl_event *ev)
{
    struct fl_span src = fl_event_get_str(ev, FL_F_SRC_IP), dst = fl_event_get_str(ev, FL_F_DST_IP);
    unsigned char bytes[TUPLE_BYTES];
    uint64_t h;

    if (src.len != 16 || dst.len != 16)
        return 0;
    memcpy(bytes, src.ptr, 16);
    memcpy(bytes + 16, dst.ptr, 16);
    put_ports(bytes + 32, fl_event_get_num(ev, FL_F_SRC_PORT), fl_event_get_num(ev, FL_F_DST_PORT),
              fl_event_get_num(ev, FL_F_PROTO));
    h = fl_span_hash(fl_span_of(bytes, sizeof bytes));
    return h == 0 ? 1 : h;
}

static void read_row(const struct fl_sessions *s, const struct fl_event *ev, int64_t accepted_us,
                     struct row *row)
{
    for (size_t i = 0; i < COUNTERS; i++) {
        row->has[i] = fl_event_has(ev, counter_field[i]);
        row->counter[i] = fl_event_get_num(ev, counter_field[i]);
    }
    row->known_session = fl_event_has(ev, FL_F_SESSION);
    row->session = fl_event_get_num(ev, FL_F_SESSION);
    row->device = fl_span_hash(fl_event_get_str(ev, FL_F_DEVICE));
    row->tag = fl_session_tag(s, row->device, row->session);
    row->tuple = tuple_of(ev);
    row->time_us = (int64_t)fl_event_get_num(ev, FL_F_TIME);
    row->accepted_us = accepted_us;
}

void fl_sessions_row(struct fl_sessions *s, struct fl_event *ev, int64_t accepted_us)
{
    struct delta delta = {.has = 0};
    struct row row;

    for (size_t i = 0; i < DERIVED; i++)
        fl_fieldset_drop(&ev->has, derived_field[i]);
    if (fl_event_has(ev, FL_F_FLAGS))
        ev->v[FL_F_FLAGS].num &= ~(uint64_t)(FL_ROW_COPY | FL_ROW_NO_BASELINE);
    if ((fl_event_get_num(ev, FL_F_FLAGS) & FL_ROW_FAR_END) != 0)
        return;
    row.kind = kind_of(fl_event_get_str(ev, FL_F_ACTION));
    read_row(s, ev, accepted_us, &row);
    if (counts(&row))
        derive(s, &row, &delta);
    for (size_t i = 0; i < DERIVED; i++)
        if ((delta.has >> i & 1) != 0)
            fl_event_num(ev, derived_field[i], delta.value[i]);
    if (delta.flag != 0)
        fl_event_flag(ev, (enum fl_row_flag)delta.flag);
}

/* ---- columns ---- */

static uint32_t count_bits(const uint8_t *bits, uint32_t rows)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < (rows + 7) / 8; i++)
        n += (uint32_t)__builtin_popcount(bits[i]);
    return n;
}

bool fl_own_col(struct fl_batch_view *view, enum fl_field f, struct fl_arena *arena,
                struct fl_own_col *ret)
{
    struct fl_batch_col *col = &view->col[f];
    size_t bits = ((size_t)view->rows + 7) / 8;
    uint64_t *num = fl_arena_get(arena, view->rows * sizeof *num);
    uint8_t *has = fl_arena_get(arena, bits);

    if (num == NULL || has == NULL)
        return false;
    memset(has, 0, bits);
    if (col->present == 0)
        memset(num, 0, view->rows * sizeof *num);
    else
        memcpy(num, col->num, view->rows * sizeof *num);
    if (col->present > 0 && col->has != NULL)
        memcpy(has, col->has, bits);
    else if (col->present > 0)
        for (uint32_t i = 0; i < view->rows; i++)
            has[i / 8] = (uint8_t)(has[i / 8] | 1u << (i % 8));
    *col = (struct fl_batch_col){.present = col->present, .num = num, .has = has};
    *ret = (struct fl_own_col){num, has};
    return true;
}

void fl_own_col_end(struct fl_batch_view *view, enum fl_field f)
{
    struct fl_batch_col *col = &view->col[f];

    col->present = col->has == NULL ? col->present : count_bits(col->has, view->rows);
    if (col->present == 0)
        *col = (struct fl_batch_col){.present = 0};
    else if (col->present == view->rows)
        col->has = NULL;
}

/* Rows that are looked at together, so that their places in memory are asked for before. */
enum { TILE = 32 };

struct work {
    struct fl_sessions *s;
    struct fl_batch_view *view;
    struct fl_arena *arena;
    int64_t accepted_us;
    const uint8_t *kinds;    /* by code of FL_F_ACTION */
    const uint64_t *devices; /* by code of FL_F_DEVICE */
    struct fl_own_col out[DERIVED], flags;
    bool own_flags;
    struct row rows[TILE];
    uint32_t at[TILE];
    uint32_t count; /* of rows */
};

static bool has(const struct fl_batch_col *col, uint32_t row)
{
    return col->present > 0 && (col->has == NULL || (col->has[row / 8] >> (row % 8) & 1) != 0);
}

static uint64_t get(const struct fl_batch_col *col, uint32_t row)
{
    return col->present > 0 ? col->num[row] : 0;
}

static uint32_t code(const struct fl_batch_col *col, uint32_t row)
{
    return col->present > 0 ? col->code[row] : 0;
}

/* What must be known before it is known whether the row counts. */
static bool look_at(struct work *w, uint32_t i)
{
    const struct fl_batch_col *col = w->view->col;
    struct row *row = &w->rows[w->count];

    if ((get(&col[FL_F_FLAGS], i) & FL_ROW_FAR_END) != 0)
        return false;
    row->kind = (enum kind)w->kinds[code(&col[FL_F_ACTION], i)];
    for (size_t k = 0; k < COUNTERS; k++) {
        row->has[k] = has(&col[counter_field[k]], i);
        row->counter[k] = get(&col[counter_field[k]], i);
    }
    row->known_session = has(&col[FL_F_SESSION], i);
    if (!counts(row))
        return false;
    row->session = get(&col[FL_F_SESSION], i);
    row->device = w->devices[code(&col[FL_F_DEVICE], i)];
    row->time_us = (int64_t)get(&col[FL_F_TIME], i);
    row->accepted_us = w->accepted_us;
    row->tag = fl_session_tag(w->s, row->device, row->session);
    if (row->known_session)
        fl_session_ask_slot(w->s, row->tag);
    w->at[w->count++] = i;
    return true;
}

/* tuple_of() for some rows at once: one byte of each after the other, because a byte waits for the
 * one before. */
static void tuples(struct work *w)
{
    static const unsigned char none[16];
    const struct fl_batch_col *col = w->view->col;
    const unsigned char *src[TILE], *dst[TILE];
    unsigned char tail[TILE][TUPLE_BYTES - 32];
    uint64_t h[TILE];
    bool known[TILE];

    for (uint32_t r = 0; r < w->count; r++) {
        uint32_t i = w->at[r], a = code(&col[FL_F_SRC_IP], i), b = code(&col[FL_F_DST_IP], i);

        known[r] = a != 0 && b != 0;
        src[r] = known[r] ? col[FL_F_SRC_IP].words[a].ptr : none;
        dst[r] = known[r] ? col[FL_F_DST_IP].words[b].ptr : none;
        put_ports(tail[r], get(&col[FL_F_SRC_PORT], i), get(&col[FL_F_DST_PORT], i),
                  get(&col[FL_F_PROTO], i));
        h[r] = UINT64_C(0xcbf29ce484222325);
    }
    for (size_t b = 0; b < 16; b++)
        for (uint32_t r = 0; r < w->count; r++)
            h[r] = (h[r] ^ src[r][b]) * UINT64_C(0x100000001b3);
    for (size_t b = 0; b < 16; b++)
        for (uint32_t r = 0; r < w->count; r++)
            h[r] = (h[r] ^ dst[r][b]) * UINT64_C(0x100000001b3);
    for (size_t b = 0; b < TUPLE_BYTES - 32; b++)
        for (uint32_t r = 0; r < w->count; r++)
            h[r] = (h[r] ^ tail[r][b]) * UINT64_C(0x100000001b3);
    for (uint32_t r = 0; r < w->count; r++)
        w->rows[r].tuple = known[r] ? (h[r] == 0 ? 1 : h[r]) : 0;
}

static void put_delta(struct work *w, uint32_t i, const struct delta *delta)
{
    for (unsigned bits = delta->has; bits != 0; bits &= bits - 1) {
        unsigned k = (unsigned)__builtin_ctz(bits);

        fl_own_col_set(&w->out[k], i, delta->value[k]);
    }
    if (delta->flag != 0)
        fl_own_col_set(&w->flags, i, w->flags.num[i] | delta->flag);
}

static void derive_tile(struct work *w)
{
    tuples(w);
    for (uint32_t r = 0; r < w->count; r++)
        if (w->rows[r].known_session)
            fl_session_ask_entry(w->s, w->rows[r].tag);
    for (uint32_t r = 0; r < w->count; r++) {
        struct delta delta = {.has = 0};

        derive(w->s, &w->rows[r], &delta);
        put_delta(w, w->at[r], &delta);
    }
    w->count = 0;
}

/* Once for each word, not for each row. */
static bool learn_words(struct work *w)
{
    const struct fl_batch_col *action = &w->view->col[FL_F_ACTION];
    const struct fl_batch_col *device = &w->view->col[FL_F_DEVICE];
    uint32_t actions = action->present == 0 ? 1 : action->word_count;
    uint32_t devices = device->present == 0 ? 1 : device->word_count;
    uint8_t *kinds = fl_arena_get(w->arena, actions);
    uint64_t *hashes = fl_arena_get(w->arena, devices * sizeof *hashes);

    if (kinds == NULL || hashes == NULL)
        return false;
    kinds[0] = OTHER;
    hashes[0] = fl_span_hash((struct fl_span){NULL, 0});
    for (uint32_t c = 1; c < actions; c++)
        kinds[c] = (uint8_t)kind_of(action->words[c]);
    for (uint32_t c = 1; c < devices; c++)
        hashes[c] = fl_span_hash(device->words[c]);
    w->kinds = kinds;
    w->devices = hashes;
    return true;
}

static bool own_columns(struct work *w)
{
    for (size_t k = 0; k < DERIVED; k++) {
        w->view->col[derived_field[k]] = (struct fl_batch_col){.present = 0};
        if (!fl_own_col(w->view, derived_field[k], w->arena, &w->out[k]))
            return false;
    }
    if (!fl_own_col(w->view, FL_F_FLAGS, w->arena, &w->flags))
        return false;
    for (uint32_t i = 0; i < w->view->rows; i++)
        w->flags.num[i] &= ~(uint64_t)(FL_ROW_COPY | FL_ROW_NO_BASELINE);
    return true;
}

int fl_sessions_columns(struct fl_sessions *s, struct fl_batch_view *view, int64_t accepted_us,
                        struct fl_arena *arena, struct fl_err *err)
{
    struct work w = {.s = s, .view = view, .arena = arena, .accepted_us = accepted_us};

    if (!own_columns(&w) || !learn_words(&w))
        return fl_err_set(err, FL_E_NOMEM, "no memory for what rows add");
    for (uint32_t i = 0; i < view->rows; i++)
        if (look_at(&w, i) && w.count == TILE)
            derive_tile(&w);
    derive_tile(&w);
    for (size_t k = 0; k < DERIVED; k++)
        fl_own_col_end(view, derived_field[k]);
    fl_own_col_end(view, FL_F_FLAGS);
    return FL_OK;
}

/* ---- as bytes ---- */

static void save_list(struct fl_sessions *s, const struct fl_session_list *l, struct fl_buf *out)
{
    for (uint32_t at = l->oldest; at != NONE; at = fl_session_at(s, at)->newer) {
        const struct fl_session_entry *e = fl_session_at(s, at);
        uint64_t counter[COUNTERS];

        fl_session_counters(s, at, counter);
        fl_buf_put_u64(out, e->device ^ s->salt);
        fl_buf_put_u64(out, e->session);
        fl_buf_put_u64(out, e->tuple);
        for (size_t i = 0; i < COUNTERS; i++)
            fl_buf_put_u64(out, counter[i]);
        fl_buf_put_u64(out, (uint64_t)e->time_us);
        fl_buf_put_u64(out, (uint64_t)e->accepted_s * FL_US_PER_S);
    }
}

void fl_sessions_save(struct fl_sessions *s, struct fl_buf *out)
{
    fl_buf_put_u32(out, s->lists[1].count);
    fl_buf_put_u32(out, s->lists[0].count);
    save_list(s, &s->lists[1], out);
    save_list(s, &s->lists[0], out);
}

static bool load_entry(struct fl_sessions *s, struct fl_cursor *cur, bool is_closed)
{
    struct row row = {.device = fl_cursor_u64(cur), .known_session = true};

    row.session = fl_cursor_u64(cur);
    row.tuple = fl_cursor_u64(cur);
    for (size_t i = 0; i < COUNTERS; i++) {
        row.counter[i] = fl_cursor_u64(cur);
        row.has[i] = true;
    }
    row.time_us = (int64_t)fl_cursor_u64(cur);
    row.accepted_us = (int64_t)fl_cursor_u64(cur);
    row.tag = fl_session_tag(s, row.device, row.session);
    if (cur->failed || fl_session_find(s, row.tag, row.device, row.session) != NONE)
        return false;
    insert(s, &row, is_closed);
    return true;
}

int fl_sessions_load(struct fl_sessions *s, struct fl_span bytes, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(bytes);
    uint64_t is_closed = fl_cursor_u32(&cur), open = fl_cursor_u32(&cur);
    bool ok;

    fl_sessions_clear(s);
    ok = !cur.failed && (is_closed + open) * ENTRY_BYTES == fl_cursor_left(&cur);
    for (uint64_t i = 0; i < is_closed + open && ok; i++)
        ok = load_entry(s, &cur, i < is_closed);
    if (!ok) {
        fl_sessions_clear(s);
        return fl_err_set(err, FL_E_CORRUPT, "saved sessions of %zu bytes are malformed",
                          bytes.len);
    }
    return FL_OK;
}
