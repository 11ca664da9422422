#include "store_life.h"

#include <errno.h>

#include "codec/record.h"

int64_t life_clock_us = LIFE_NOW_US;
bool life_looks;

static const char *const slugs[LIFE_TENANTS + 1] = {"", "alpha", "beta", "gamma"};
static const unsigned char ring[16] = "the ring of life";

static int64_t now(void)
{
    return life_clock_us;
}

/* ---- the script ---- */

static void add(struct life_script *s, enum life_do what, uint32_t tenant, int32_t a, int32_t b)
{
    if (s->steps == LIFE_STEPS_MAX)
        abort();
    s->step[s->steps++] = (struct life_step){what, tenant, a, b, s->now_us};
}

static void append(struct life_script *s, uint32_t tenant, uint32_t rows)
{
    if (s->batches == LIFE_BATCHES_MAX || s->next_row[tenant] + rows > LIFE_ROWS_MAX)
        abort();
    s->batch[s->batches] = (struct life_batch){.tenant = tenant,
                                               .rows = rows,
                                               .first = s->next_row[tenant],
                                               .at_us = s->now_us,
                                               .day = fl_day_of(s->now_us)};
    s->next_row[tenant] += rows;
    add(s, LIFE_APPEND, tenant, (int32_t)s->batches++, 0);
}

static void commit(struct life_script *s)
{
    add(s, LIFE_COMMIT, 0, 0, 0);
    s->now_us += 7 * FL_US_PER_S;
}

static void tick(struct life_script *s)
{
    add(s, LIFE_TICK, 0, 0, 0);
    s->now_us += 13 * FL_US_PER_S;
}

static void one_day(struct life_script *s, int day, bool full)
{
    for (uint32_t round = 0; round < (full ? 3u : 1u); round++) {
        append(s, 1, 9);
        append(s, 2, round == 1 ? 40 : 3); /* more than a page */
        commit(s);
        append(s, 1, 12);
        append(s, 3, 5);
        commit(s);
        tick(s); /* 21 rows of tenant 1: a segment */
        append(s, 2, 4);
        commit(s);
    }
    append(s, 1, 2);
    if (day % 2 == 1) /* with something pending */
        add(s, LIFE_KILL, 0, 0, 0);
    append(s, 3, 3);
    commit(s);
    s->now_us += 400 * FL_US_PER_S;
    tick(s); /* by age */
}

void life_write(struct life_script *s, bool full)
{
    *s = (struct life_script){.now_us = LIFE_NOW_US};
    for (uint32_t t = 1; t <= LIFE_TENANTS; t++)
        s->next_row[t] = 1;
    for (uint32_t t = 1; t <= LIFE_TENANTS; t++)
        add(s, LIFE_RULE, t, t == 1 ? 1 : 9, 0);
    for (int day = 0; day < 3; day++) {
        one_day(s, day, full);
        if (day == 1) {
            add(s, LIFE_PURGE, 2, 0, 0);
            append(s, 2, 6);
            commit(s);
        }
        s->now_us = (fl_day_of(LIFE_NOW_US) + day + 1) * FL_US_PER_DAY + 5 * FL_US_PER_S;
        tick(s); /* midnight: retention */
    }
    append(s, 2, 8);
    append(s, 3, 2);
    commit(s);
    add(s, LIFE_ERASE, 1, 2, 0);
    append(s, 1, 6);
    commit(s);
    append(s, 2, 2); /* pending when its day goes */
    add(s, LIFE_PURGE, 2, 2, 3);
    append(s, 2, 7);
    commit(s);
    add(s, LIFE_PURGE, 3, INT32_MIN, INT32_MAX);
    add(s, LIFE_RULE, 3, 9, 0);
    append(s, 3, 4);
    commit(s);
    add(s, LIFE_RESTART, 0, 0, 0);
    append(s, 1, 5);
    append(s, 3, 5);
    commit(s);
    add(s, LIFE_SEAL, 0, 0, 0);
}

/* ---- rows ---- */

/* The session that a row belongs to; 0: one of its own, that ends with it. */
static uint64_t session_of(uint64_t no)
{
    return no % 8 == 0 ? 0 : 1 + no % 8 % 3;
}

static uint64_t previous_of(uint64_t no)
{
    uint64_t m = no - 1;

    while (m > 0 && session_of(m) != session_of(no))
        m--;
    return m;
}

struct texts {
    char user[24], site[24], message[400];
    unsigned char ip[2][16];
};

static void make_event(uint32_t tenant, uint64_t no, int64_t at_us, struct texts *t,
                       struct fl_event *ev)
{
    uint64_t session = session_of(no);
    int n;

    memset(t->ip, 0, sizeof t->ip);
    memset(&t->ip[0][10], 0xff, 2);
    memset(&t->ip[1][10], 0xff, 2);
    t->ip[0][12] = 10;
    t->ip[0][13] = (unsigned char)tenant;
    t->ip[0][15] = (unsigned char)(session == 0 ? 99 : session);
    t->ip[1][12] = 192;
    t->ip[1][15] = (unsigned char)session;
    (void)snprintf(t->user, sizeof t->user, "user%u", (unsigned)(no % 5));
    (void)snprintf(t->site, sizeof t->site, "site%u", (unsigned)(no % 2));
    n = snprintf(t->message, sizeof t->message, "row %llu of %u ", (unsigned long long)no,
                 (unsigned)tenant);
    for (uint64_t i = 0, x = no * 2654435761u + tenant; i < 60 + no % 90; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        t->message[n++] = (char)('a' + (x >> 40) % 26);
    }
    fl_event_clear(ev);
    fl_event_time(ev, FL_F_RECEIVED, at_us);
    fl_event_time(ev, FL_F_TIME, at_us - FL_US_PER_S);
    fl_event_str(ev, FL_F_SITE, fl_span_str(t->site));
    fl_event_str(ev, FL_F_DEVICE, FL_SPAN("fw1"));
    fl_event_str(ev, FL_F_USER, fl_span_str(t->user));
    fl_event_str(ev, FL_F_MESSAGE, fl_span_of(t->message, (size_t)n));
    fl_event_str(ev, FL_F_SRC_IP, fl_span_of(t->ip[0], 16));
    fl_event_str(ev, FL_F_DST_IP, fl_span_of(t->ip[1], 16));
    fl_event_str(ev, FL_F_ACTION,
                 session == 0           ? FL_SPAN("closed")
                 : previous_of(no) == 0 ? FL_SPAN("created")
                                        : FL_SPAN("updated"));
    fl_event_num(ev, FL_F_SESSION, session == 0 ? 1000 + no : session);
    fl_event_num(ev, FL_F_OUT_BYTES, no * 100);
    fl_event_num(ev, FL_F_IN_BYTES, no * 1000);
}

/* What the row adds, given all rows of its session before it. */
static uint64_t added_by(uint64_t no, uint64_t *ret_sessions)
{
    uint64_t before = previous_of(no);

    *ret_sessions = session_of(no) == 0;
    if (session_of(no) == 0)
        return no * 1100;
    if (before == 0)
        return 0;
    return previous_of(before) == 0 && session_of(before) != 0
               ? no * 1100 /* the first only opened it, at 0 */
               : (no - before) * 1100;
}

static bool is_derived(size_t f)
{
    return f == FL_F_SEQ || f == FL_F_FLAGS || f == FL_F_BYTES || f == FL_F_BYTES_UP ||
           f == FL_F_BYTES_DOWN || f == FL_F_PACKETS || f == FL_F_SECONDS || f == FL_F_SESSIONS ||
           f == FL_F_START;
}

static const char *wrong_row(const struct life *l, const struct life_batch *b, uint64_t no,
                             const struct fl_event *got)
{
    struct texts texts;
    struct fl_event want = {.arena = NULL};
    uint64_t sessions, bytes = added_by(no, &sessions);
    bool none = (fl_event_get_num(got, FL_F_FLAGS) & FL_ROW_NO_BASELINE) != 0;

    make_event(b->tenant, no, b->at_us, &texts, &want);
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        enum fl_field field = (enum fl_field)f;

        if (is_derived(f))
            continue;
        if (fl_event_has(&want, field) != fl_event_has(got, field))
            return "a column is there or not";
        if (fl_event_has(got, field) &&
            (fl_field_is_str(field) ? !fl_span_eq(want.v[f].str, got->v[f].str)
                                    : want.v[f].num != got->v[f].num))
            return "a column has another value";
    }
    if (l->damaged)
        return NULL;
    if (fl_event_get_num(got, FL_F_SESSIONS) != sessions)
        return "sessions counted";
    if (none && l->purged[b->tenant])
        return fl_event_get_num(got, FL_F_BYTES) == 0 ? NULL : "bytes without a baseline";
    for (uint64_t m = previous_of(no); l->purged[b->tenant] && m > 0; m = previous_of(m))
        if (fl_event_get_num(got, FL_F_BYTES) == (no - m) * 1100)
            return NULL; /* rows between were destroyed before they were durable */
    if (fl_event_get_num(got, FL_F_BYTES) != bytes)
        return none ? "a baseline is lost" : "bytes against a wrong baseline";
    return NULL;
}

/* ---- beginning and ending ---- */

void life_begin(struct life *l, const struct life_script *script, struct powerfs *fs,
                struct memkeys *keys)
{
    memset(l, 0, sizeof *l);
    l->script = script;
    l->fs = fs;
    l->keys = keys;
    l->ledger = life_ledger_new(NULL);
    memcpy(l->batch, script->batch, sizeof l->batch);
    fl_buf_init(&l->bytes, 1 << 21);
    life_clock_us = LIFE_NOW_US;
}

static void let_go(struct life *l)
{
    l->store = NULL;
    powerfs_free(l->fs);
    memkeys_done(l->keys);
    free(l->keys);
    free(l->ledger);
    fl_buf_done(&l->bytes);
    l->fs = NULL;
}

void life_end(struct life *l)
{
    fl_store_close(l->store);
    let_go(l);
}

/* Frees the store's memory; nothing that it still tries reaches the disk. */
void life_kill(struct life *l)
{
    if (l->store == NULL)
        return;
    powerfs_dead(l->fs, true);
    fl_store_close(l->store);
    l->store = NULL;
    powerfs_dead(l->fs, false);
}

void life_abandon(struct life *l)
{
    life_kill(l);
    let_go(l);
}

void life_branch(const struct life *from, struct powerfs *fs, struct life *ret)
{
    *ret = *from;
    ret->fs = fs;
    ret->keys = life_keys_copy(from->keys);
    ret->ledger = life_ledger_new(from->ledger);
    ret->store = NULL;
    fl_buf_init(&ret->bytes, 1 << 21);
}

static int give_rule(struct life *l, uint32_t tenant, struct fl_err *err)
{
    struct fl_store_rule rule = {.tenant = tenant, .keep_days = l->keep_days[tenant]};

    (void)snprintf(rule.slug, sizeof rule.slug, "%s", slugs[tenant]);
    return fl_store_rule(l->store, &rule, err);
}

int life_open(struct life *l, struct fl_err *err)
{
    struct fl_store_config conf = {.dir_fd = powerfs_root(l->fs),
                                   .keyring = &l->keys->base,
                                   .now_us = now,
                                   .memtable_bytes = 64 << 20,
                                   .seal_rows = 20,
                                   .seal_s = 300,
                                   .files = powerfs_files(l->fs),
                                   .ledger = &l->ledger->link,
                                   .wal_file_bytes = 9000,
                                   .wal_max_bytes = l->wal_max_bytes,
                                   .sessions_max = 100000,
                                   .baseline_s = 60};
    int r = fl_store_open(&conf, &l->store, err);

    for (uint32_t t = 1; t <= LIFE_TENANTS && r >= 0; t++) {
        for (uint32_t u = 0; u < LIFE_USERS; u++)
            l->erased[t][u].done = l->erased[t][u].begun;
        if (l->keep_days[t] > 0)
            r = give_rule(l, t, err);
    }
    return r;
}

/* ---- steps ---- */

static int hand_over(struct life *l, uint32_t i, struct fl_err *err)
{
    struct life_batch *b = &l->batch[i];
    struct fl_batch_writer *w = NULL;
    struct texts texts;
    struct fl_event ev = {.arena = NULL};
    uint32_t rows = 0;
    int r;

    fl_buf_clear(&l->bytes);
    if (fl_batch_writer_new(&w, NULL) < 0)
        abort();
    for (uint32_t k = 0; k < b->rows; k++) {
        make_event(b->tenant, b->first + k, b->at_us, &texts, &ev);
        if (fl_batch_add(w, &ev, NULL) < 0)
            abort();
    }
    if (fl_batch_finish(w, &l->bytes, NULL) < 0)
        abort();
    fl_batch_writer_free(w);
    r = fl_store_append(l->store, b->tenant, ring, i + 1, fl_buf_span(&l->bytes), &rows, err);
    if (r < 0)
        return r;
    if (rows != (b->state == LIFE_NOT ? b->rows : 0))
        (void)snprintf(l->wrong, sizeof l->wrong, "batch %u: %u rows were taken", (unsigned)i,
                       (unsigned)rows);
    if (l->wrong[0] != '\0')
        return fl_err_set(err, FL_E_INVAL, "batch %u: %u rows were taken", (unsigned)i,
                          (unsigned)rows);
    if (b->state == LIFE_NOT)
        b->state = LIFE_PENDING;
    return FL_OK;
}

int life_resend(struct life *l, struct fl_err *err)
{
    int64_t clock_us = life_clock_us;
    bool any = false;
    int r = 0;

    for (uint32_t i = 0; i < l->script->batches && r >= 0; i++) {
        if (l->batch[i].state != LIFE_PENDING)
            continue;
        if (l->batch[i].dying || l->keep_days[l->batch[i].tenant] == 0) {
            l->batch[i].state = LIFE_GONE; /* nobody would hand it over to be destroyed */
            continue;
        }
        l->batch[i].state = LIFE_NOT;
        life_clock_us = l->batch[i].at_us;
        r = hand_over(l, i, err);
        any = true;
    }
    life_clock_us = clock_us;
    if (r >= 0 && any)
        r = fl_store_commit(l->store, err);
    for (uint32_t i = 0; i < l->script->batches && r >= 0; i++)
        if (l->batch[i].state == LIFE_PENDING)
            l->batch[i].state = LIFE_COMMITTED;
    return r;
}

static void begin_dying(struct life *l, uint32_t tenant, int32_t from, int32_t to)
{
    for (uint32_t i = 0; i < l->script->batches; i++) {
        struct life_batch *b = &l->batch[i];

        if (b->tenant == tenant && b->day >= from && b->day <= to &&
            (b->state == LIFE_PENDING || b->state == LIFE_COMMITTED))
            b->dying = true;
    }
}

static void end_dying(struct life *l)
{
    for (uint32_t i = 0; i < l->script->batches; i++) {
        struct life_batch *b = &l->batch[i];

        if (b->dying) {
            b->state = LIFE_GONE;
            b->dying = false;
        }
    }
}

static int purge(struct life *l, const struct life_step *s, struct fl_err *err)
{
    struct fl_purge_result res;
    bool whole = s->a == INT32_MIN;
    int32_t first = fl_day_of(LIFE_NOW_US);
    int32_t from = whole ? INT32_MIN : first + s->a, to = whole ? INT32_MAX : first + s->b;
    int r;

    l->purged[s->tenant] = true;
    begin_dying(l, s->tenant, from, to);
    r = fl_store_purge(l->store, s->tenant, from, to, false, "purge", &res, err);
    if (r < 0 && r != FL_E_NOENT)
        return r;
    end_dying(l);
    if (whole)
        l->keep_days[s->tenant] = 0;
    return FL_OK;
}

/* Begun in the ledger once; whoever comes later ends it. */
static int erase(struct life *l, const struct life_step *s, struct fl_err *err)
{
    struct life_erased *e = &l->erased[s->tenant][s->a];
    FL_AUTO(fl_buf_done) struct fl_buf out;
    char user[16];
    struct fl_erase_rule rule = {.tenant = s->tenant,
                                 .slug = fl_span_str(slugs[s->tenant]),
                                 .from_us = INT64_MIN,
                                 .to_us = INT64_MAX,
                                 .moment_us = s->now_us,
                                 .subject = FL_SPAN("subject")};
    struct fl_erase_result res;
    uint64_t number = l->ledger->count;
    int r = FL_OK;

    (void)snprintf(user, sizeof user, "user%d", (int)s->a);
    rule.user = fl_span_str(user);
    fl_buf_init(&out, FL_LEDGER_RECEIPT_MAX);
    if (!e->begun) {
        for (uint32_t i = 0; i < l->script->batches; i++)
            if (l->batch[i].tenant == s->tenant && l->batch[i].state != LIFE_NOT)
                e->upto = l->batch[i].first + l->batch[i].rows - 1;
        fl_erase_rule_encode(&rule, &out);
        r = l->ledger->link.ops->begin(&l->ledger->link, fl_buf_span(&out), &number, err);
        e->begun = true;
        l->purged[s->tenant] = true;
    }
    if (e->done || r < 0)
        return r;
    r = fl_store_erase(l->store, &rule, false, NULL, &res, err);
    if (r < 0)
        return r;
    e->done = true;
    return l->ledger->link.ops->done(&l->ledger->link, number, FL_SPAN("{}"), &out, err);
}

static int tick_once(struct life *l, struct fl_err *err)
{
    int r;

    for (uint32_t t = 1; t <= LIFE_TENANTS; t++)
        if (l->keep_days[t] > 0)
            begin_dying(l, t, INT32_MIN, fl_day_of(life_clock_us) - (int32_t)l->keep_days[t] - 1);
    r = fl_store_tick(l->store, err);
    if (r >= 0)
        end_dying(l);
    return r;
}

static int committed(struct life *l)
{
    for (uint32_t i = 0; i < l->script->batches; i++)
        if (l->batch[i].state == LIFE_PENDING)
            l->batch[i].state = LIFE_COMMITTED;
    return FL_OK;
}

static int begin_again(struct life *l, bool in_order, struct fl_err *err)
{
    const char *wrong;
    int r;

    if (in_order)
        fl_store_close(l->store);
    else
        life_kill(l);
    l->store = NULL;
    r = life_open(l, err);
    if (r < 0)
        return r;
    wrong = life_check(l, false);
    if (wrong != NULL) {
        (void)snprintf(l->wrong, sizeof l->wrong, "%s", wrong);
        return fl_err_set(err, FL_E_INVAL, "%s", wrong);
    }
    return life_resend(l, err);
}

int life_step(struct life *l, struct fl_err *err)
{
    const struct life_step *s = &l->script->step[l->at];
    int r = 0;

    life_clock_us = s->now_us;
    if (l->store == NULL)
        r = begin_again(l, false, err);
    if (r < 0)
        return r;
    switch (s->what) {
    case LIFE_RULE:
        l->keep_days[s->tenant] = (uint32_t)s->a;
        r = give_rule(l, s->tenant, err);
        break;
    case LIFE_APPEND:
        if (l->batch[s->a].state != LIFE_GONE)
            r = hand_over(l, (uint32_t)s->a, err);
        break;
    case LIFE_COMMIT:
        r = fl_store_commit(l->store, err);
        if (r >= 0)
            r = committed(l);
        break;
    case LIFE_TICK:
        r = tick_once(l, err);
        break;
    case LIFE_SEAL:
        r = fl_store_seal_all(l->store, err);
        break;
    case LIFE_PURGE:
        r = purge(l, s, err);
        break;
    case LIFE_ERASE:
        r = erase(l, s, err);
        break;
    case LIFE_KILL:
    case LIFE_RESTART:
        r = begin_again(l, s->what == LIFE_RESTART, err);
        break;
    }
    if (r >= 0)
        l->at++;
    return r < 0 ? r : FL_OK;
}

/* ---- what must be so ---- */

struct seen {
    uint8_t times[LIFE_ROWS_MAX];
    uint64_t seq[LIFE_ROWS_MAX];
    char wrong[200];
};

static uint64_t number_of(struct fl_span message)
{
    uint64_t no = 0;

    for (size_t i = 4; i < message.len && message.ptr[i] >= '0' && message.ptr[i] <= '9'; i++)
        no = no * 10 + (uint64_t)(message.ptr[i] - '0');
    return no;
}

static struct life_batch *batch_of(struct life *l, uint32_t tenant, uint64_t no)
{
    for (uint32_t i = 0; i < l->script->batches; i++) {
        struct life_batch *b = &l->batch[i];

        if (b->tenant == tenant && no >= b->first && no < b->first + b->rows)
            return b;
    }
    return NULL;
}

static const struct life_erased *erased(const struct life *l, uint32_t tenant, uint64_t no)
{
    const struct life_erased *e = &l->erased[tenant][no % LIFE_USERS];

    return e->begun && no <= e->upto ? e : NULL;
}

static void see_row(struct life *l, uint32_t tenant, int32_t day, uint64_t last,
                    const struct fl_event *ev, struct seen *seen)
{
    uint64_t no = number_of(fl_event_get_str(ev, FL_F_MESSAGE));
    const struct life_batch *b = batch_of(l, tenant, no);
    uint64_t seq = fl_event_get_num(ev, FL_F_SEQ);
    const char *why = NULL;

    if (seen->wrong[0] != '\0')
        return;
    if (b == NULL)
        why = "nobody handed it over";
    else if (b->state == LIFE_NOT)
        why = "not handed over yet";
    else if (b->state == LIFE_GONE)
        why = "destroyed";
    else if (erased(l, tenant, no) != NULL && erased(l, tenant, no)->done)
        why = "erased";
    else if (seen->times[no]++ > 0)
        why = "twice";
    else if (b->day != day)
        why = "in another day";
    else if (seq <= last)
        why = "its sequence number is not above the one before";
    else if (b->seq != 0 && seq != b->seq + (no - b->first))
        why = "another sequence number than before";
    else
        why = wrong_row(l, b, no, ev);
    if (b != NULL)
        seen->seq[no] = seq;
    if (why != NULL)
        (void)snprintf(seen->wrong, sizeof seen->wrong, "tenant %u, row %llu, seq %llu: %s",
                       (unsigned)tenant, (unsigned long long)no, (unsigned long long)seq, why);
}

static void see_part(struct life *l, uint32_t tenant, struct fl_part *part, int32_t *day,
                     uint64_t *last, struct seen *seen)
{
    struct fl_fieldset all = fl_fieldset_all();
    struct fl_part_info info;
    struct fl_event ev;
    uint64_t read = 0;

    fl_part_info(part, &info);
    if (info.day != *day)
        *last = 0;
    *day = info.day;
    for (uint32_t b = 0; b < info.blocks; b++) {
        struct fl_block *block = NULL;
        struct fl_err err;

        if (fl_part_load(part, b, &all, &block, &read, &err) < 0) {
            if (l->damaged)
                continue;
            (void)snprintf(seen->wrong, sizeof seen->wrong,
                           "tenant %u: a block does not open: %.120s", (unsigned)tenant, err.text);
            return;
        }
        for (uint32_t row = 0; row < block->rows; row++) {
            fl_block_row(block, row, &ev);
            see_row(l, tenant, info.day, *last, &ev, seen);
            *last = fl_event_get_num(&ev, FL_F_SEQ);
        }
        fl_block_free(block);
    }
}

/* Rows of the batch that are there, of those whose user is not erased. */
static uint32_t there_of(const struct life *l, const struct life_batch *b, const struct seen *seen,
                         uint32_t *ret_all)
{
    uint32_t there = 0;

    *ret_all = 0;
    for (uint32_t k = 0; k < b->rows; k++) {
        if (erased(l, b->tenant, b->first + k) != NULL)
            continue;
        there += seen->times[b->first + k];
        ++*ret_all;
    }
    return there;
}

/* Of a batch that is pending, all or nothing; all of one that is committed and not dying. */
static const char *wrong_batch(const struct life *l, struct life_batch *b, const struct seen *seen)
{
    uint32_t all, there = there_of(l, b, seen, &all);
    uint64_t base = 0;

    if (there != 0 && there != all)
        return "a part of a batch";
    if (b->state == LIFE_COMMITTED && !b->dying && there != all)
        return "a committed batch is lost";
    if (there == 0)
        return NULL;
    for (uint32_t k = 0; k < b->rows; k++) {
        if (seen->times[b->first + k] == 0)
            continue;
        if (base != 0 && seen->seq[b->first + k] != base + k)
            return "a gap in the sequence numbers of a batch";
        base = seen->seq[b->first + k] - k;
    }
    if (b->state == LIFE_PENDING && !b->dying)
        b->state = LIFE_COMMITTED; /* it was written, and now it shows */
    if (b->state == LIFE_COMMITTED)
        b->seq = base;
    return NULL;
}

/* A day that is being destroyed is there or not. */
static bool half_a_day(const struct life *l, uint32_t tenant, const struct seen *seen)
{
    for (uint32_t i = 0; i < l->script->batches; i++) {
        const struct life_batch *a = &l->batch[i];

        for (uint32_t k = 0; k < i; k++) {
            const struct life_batch *b = &l->batch[k];
            uint32_t all_a, all_b;

            if (a->tenant == tenant && b->tenant == tenant && a->day == b->day && a->dying &&
                b->dying && a->state == LIFE_COMMITTED && b->state == LIFE_COMMITTED &&
                (there_of(l, a, seen, &all_a) > 0) != (there_of(l, b, seen, &all_b) > 0) &&
                all_a > 0 && all_b > 0)
                return true;
        }
    }
    return false;
}

static const char *check_tenant(struct life *l, uint32_t tenant, bool final, char text[256])
{
    struct seen *seen = calloc(1, sizeof *seen);
    struct fl_parts *parts = NULL;
    struct fl_err err;
    const char *why = NULL;
    int32_t day = INT32_MIN;
    uint64_t last = 0;

    if (seen == NULL)
        abort();
    if (fl_parts_open(l->store, tenant, INT64_MIN, INT64_MAX, &parts, &err) < 0)
        (void)snprintf(seen->wrong, sizeof seen->wrong, "parts: %.150s", err.text);
    for (size_t i = 0; parts != NULL && i < fl_parts_count(parts); i++)
        see_part(l, tenant, fl_parts_get(parts, i), &day, &last, seen);
    if (parts != NULL)
        fl_parts_free(parts);
    if (seen->wrong[0] != '\0')
        why = seen->wrong;
    for (uint32_t i = 0; i < l->script->batches && why == NULL; i++) {
        struct life_batch *b = &l->batch[i];

        if (b->tenant != tenant)
            continue;
        why = l->damaged ? NULL : wrong_batch(l, b, seen);
        if (why == NULL && final && (b->state == LIFE_NOT || b->state == LIFE_PENDING || b->dying))
            why = "a batch was not dealt with";
        if (why != NULL) {
            (void)snprintf(text, 256, "tenant %u, batch %u, day %d: %s", (unsigned)tenant,
                           (unsigned)i, (int)(b->day - fl_day_of(LIFE_NOW_US)), why);
            why = text;
        }
    }
    if (why == NULL && !l->damaged && half_a_day(l, tenant, seen))
        why = "half of a day that is being destroyed";
    if (why != NULL && why != text)
        (void)snprintf(text, 256, "%s", why);
    free(seen);
    return why == NULL ? NULL : text;
}

struct dead {
    struct life *l;
    char *text;
};

/* Bytes of a day of which nothing is left. */
static void dead_bytes(void *ctx, const char *path, uint64_t bytes)
{
    struct dead *d = ctx;
    uint32_t tenant = 1;
    int32_t day;
    size_t n = strcspn(path, "/");

    (void)bytes;
    while (tenant <= LIFE_TENANTS &&
           (strlen(slugs[tenant]) != n || strncmp(slugs[tenant], path, n) != 0))
        tenant++;
    if (tenant > LIFE_TENANTS || strlen(path) < n + 12 || path[n + 11] != '/' ||
        !fl_day_parse(fl_span_of(path + n + 1, 10), &day))
        return;
    for (uint32_t i = 0; i < d->l->script->batches; i++) {
        const struct life_batch *b = &d->l->batch[i];

        if (b->tenant == tenant && b->day == day &&
            (b->state == LIFE_PENDING || b->state == LIFE_COMMITTED))
            return;
    }
    (void)snprintf(d->text, 256, "%.120s is there, and its day is destroyed", path);
}

static const char *check_files(struct life *l, char text[256])
{
    struct fl_store_stats stats;
    struct dead dead = {l, text};

    fl_store_stats(l->store, &stats);
    if (l->damaged)
        return NULL;
    if (stats.unreadable > 0) {
        (void)snprintf(text, 256, "%u files do not open", (unsigned)stats.unreadable);
        return text;
    }
    text[0] = '\0';
    powerfs_each(l->fs, dead_bytes, &dead);
    return text[0] == '\0' ? NULL : text;
}

const char *life_check(struct life *l, bool final)
{
    static char text[256];
    bool looks = life_looks;
    const char *wrong;

    life_looks = true;
    wrong = check_files(l, text);

    for (uint32_t t = 1; t <= LIFE_TENANTS && wrong == NULL; t++)
        wrong = check_tenant(l, t, final, text);
    life_looks = looks;
    return wrong;
}
