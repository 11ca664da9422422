/*
 * One person is erased; then nobody finds them: not in the living files, not in a copy of the
 * folder from before, with every key that still exists. With the destruction of keys switched off
 * (a keyring of this test alone) the same search finds them in the copy.
 */
#include "logs/store_erase.h"

#include <errno.h>
#include <sodium.h>

#include "erase_search.h"
#include "logs/store_int.h"
#include "store_rows.h"
#include "tap.h"
#include "trust/destroyed.h"
#include "trust/keydisk.h"
#include "trust/keytable.h"
#include "trust/ledger_desk.h"
#include "unit/trust/folder.h"

#define NOW_US (INT64_C(1750000000) * FL_US_PER_S) /* 2025-06-15 */

static _Atomic int64_t clock_us;
static unsigned char sign_public[32], sign_secret[64];

static int64_t now(void)
{
    return clock_us;
}

/* ---- a keyring that says yes and destroys nothing ---- */

static int no_destroy(struct fl_keyring *k, uint32_t tenant, int32_t day, const unsigned char *id,
                      const char *why, struct fl_destroyed *ret, struct fl_err *err)
{
    (void)k, (void)tenant, (void)day, (void)id, (void)why, (void)err;
    *ret = (struct fl_destroyed){.epoch = 1};
    return 0;
}

static int no_destroy_files(struct fl_keyring *k, uint32_t tenant, const struct fl_key_file *files,
                            uint32_t count, const char *why, struct fl_destroyed *ret,
                            struct fl_err *err)
{
    (void)files, (void)count;
    return no_destroy(k, tenant, 0, NULL, why, ret, err);
}

static struct fl_keyring_ops lame_ops;

/* ---- a store with its keys and its ledger ---- */

struct world {
    struct powerfs *fs;
    struct folder keys, ledger_dir;
    struct fl_root *root;
    struct fl_keytable *table;
    struct fl_keyring *ring;
    struct fl_ledger *ledger;
    struct fl_ledger_desk desk;
    struct fl_store *store;
    bool lame; /* keys are not destroyed */
    uint64_t number;
};

static void open_keys(struct world *w)
{
    struct fl_keytable_config config = {
        .dir_fd = w->keys.fd, .sign_secret = sign_secret, .now_us = now};
    struct fl_ledger_config ledger = {
        .dir_fd = w->ledger_dir.fd, .head_fd = w->keys.fd, .now_us = now};
    struct fl_err err;

    if (fl_root_file_open(w->keys.fd, true, &w->root, &err) < 0)
        abort();
    config.root = ledger.root = w->root;
    if (fl_keytable_open(&config, &w->table, &err) < 0 ||
        fl_ledger_open(&ledger, &w->ledger, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    w->ring = fl_keytable_keyring(w->table);
    if (w->lame) {
        lame_ops = *w->ring->ops;
        lame_ops.destroy = no_destroy;
        lame_ops.destroy_files = no_destroy_files;
        w->ring->ops = &lame_ops;
    }
    fl_ledger_desk_init(&w->desk, w->ledger, sign_secret, now);
}

static void close_keys(struct world *w)
{
    fl_keytable_free(w->table);
    fl_ledger_free(w->ledger);
    fl_root_free(w->root);
    w->table = NULL;
    w->ledger = NULL;
    w->root = NULL;
}

static int open_store(struct world *w, struct fl_err *err)
{
    struct fl_store_config conf = {.dir_fd = powerfs_root(w->fs),
                                   .files = powerfs_files(w->fs),
                                   .keyring = w->ring,
                                   .ledger = &w->desk.link,
                                   .now_us = now,
                                   .memtable_bytes = 64 << 20,
                                   .seal_rows = 65536,
                                   .seal_s = 300,
                                   .baseline_s = 1};
    struct fl_store_rule rule = {.tenant = TENANT, .keep_days = 30, .slug = "acme"};
    struct fl_store_rule other = {.tenant = OTHER, .keep_days = 30, .slug = "umbrella"};
    int r = fl_store_open(&conf, &w->store, err);

    if (r >= 0)
        r = fl_store_rule(w->store, &rule, err);
    if (r >= 0)
        r = fl_store_rule(w->store, &other, err);
    return r;
}

static void world_done(struct world *w)
{
    fl_store_close(w->store);
    powerfs_free(w->fs);
    close_keys(w);
    folder_free(&w->keys);
    folder_free(&w->ledger_dir);
}

/* ---- rows, some of which name the person, each in its own way ---- */

static const char *const persons[] = {"b.lee", "m.kim", "a.roe", "z.poe"};

struct text {
    char user[64], message[96], url[96], raw[96], host[64];
    unsigned char extra[96];
    unsigned char ip[16];
};

static void put_extra(struct fl_event *ev, struct text *t, const char *value)
{
    size_t len = strlen(value);

    t->extra[0] = 2;
    memcpy(t->extra + 1, "xy", 2);
    t->extra[3] = (unsigned char)len;
    memcpy(t->extra + 4, value, len);
    fl_event_str(ev, FL_F_EXTRA, fl_span_of(t->extra, 4 + len));
}

static void make_row(uint64_t no, struct fl_event *ev, struct text *t)
{
    static const unsigned char v4[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const char *who = persons[no % FL_LEN(persons)];

    fl_event_clear(ev);
    fl_event_time(ev, FL_F_RECEIVED, clock_us);
    fl_event_time(ev, FL_F_TIME, clock_us - 1000000);
    memcpy(t->ip, v4, sizeof v4);
    memcpy(t->ip + 12, (unsigned char[]){10, 0, (unsigned char)(no >> 8), (unsigned char)no}, 4);
    (void)snprintf(t->user, sizeof t->user, "%s", who);
    (void)snprintf(t->message, sizeof t->message, "line %llu of " PERSON "2 and x" PERSON,
                   (unsigned long long)no); /* others, whose names only look alike */
    (void)snprintf(t->url, sizeof t->url, "http://www.example.net/%llu", (unsigned long long)no);
    fl_event_str(ev, FL_F_DEVICE, FL_SPAN("fw1"));
    fl_event_str(ev, FL_F_SITE, FL_SPAN("berlin"));
    fl_event_str(ev, FL_F_APP, FL_SPAN("youtube"));
    fl_event_str(ev, FL_F_ACTION, FL_SPAN("closed"));
    switch (no % KINDS) {
    case 0:
        (void)snprintf(t->user, sizeof t->user, PERSON);
        break;
    case 1:
        (void)snprintf(t->user, sizeof t->user, "CORP\\J.Doe");
        break;
    case 2:
        (void)snprintf(t->message, sizeof t->message, "login of '" PERSON "' ended");
        break;
    case 3:
        (void)snprintf(t->url, sizeof t->url, "http://x.example/?to=%%3D" PERSON "@example.net");
        break;
    case 4:
        put_extra(ev, t, PERSON);
        break;
    case 5:
        (void)snprintf(t->raw, sizeof t->raw, "<14>unparsed user=" PERSON ".");
        fl_event_str(ev, FL_F_RAW, fl_span_str(t->raw));
        break;
    case 6:
        (void)snprintf(t->host, sizeof t->host, "pc." PERSON);
        (void)snprintf(t->host, sizeof t->host, "J.DOE");
        fl_event_str(ev, FL_F_HOST, fl_span_str(t->host));
        break;
    default:
        put_extra(ev, t, "somebody");
    }
    fl_event_str(ev, FL_F_USER, fl_span_str(t->user));
    fl_event_str(ev, FL_F_MESSAGE, fl_span_str(t->message));
    fl_event_str(ev, FL_F_URL, fl_span_str(t->url));
    fl_event_str(ev, FL_F_SRC_IP, fl_span_of(t->ip, 16));
    fl_event_str(ev, FL_F_DST_IP, fl_span_of(t->ip, 16));
    fl_event_num(ev, FL_F_SESSION, SESSION_BASE + no);
    fl_event_num(ev, FL_F_OUT_BYTES, no);
    fl_event_num(ev, FL_F_IN_BYTES, no * 10);
    fl_event_num(ev, FL_F_DURATION, 3);
}

/* An update of a session that lives on: of the person, or of somebody else. */
static void make_update(bool person, uint64_t bytes, struct fl_event *ev, struct text *t)
{
    make_row(person ? 0 : 7, ev, t);
    fl_event_str(ev, FL_F_ACTION, FL_SPAN("updated"));
    fl_event_num(ev, FL_F_SESSION, SESSION_BASE + (person ? 1 << 20 : 1 << 21));
    fl_event_num(ev, FL_F_OUT_BYTES, bytes);
    fl_event_num(ev, FL_F_IN_BYTES, 0);
}

static void append(struct world *w, uint32_t tenant, struct fl_batch_writer *writer)
{
    FL_AUTO(fl_buf_done) struct fl_buf batch;
    uint32_t rows = 0;

    fl_buf_init(&batch, 1 << 22);
    if (fl_batch_finish(writer, &batch, NULL) < 0 ||
        fl_store_append(w->store, tenant, ring_id, ++w->number, fl_buf_span(&batch), &rows, NULL) <
            0 ||
        fl_store_commit(w->store, NULL) < 0)
        abort();
    fl_batch_writer_free(writer);
}

static void add_rows(struct world *w, uint32_t tenant, uint64_t first, uint32_t count)
{
    struct fl_batch_writer *writer;
    struct fl_event ev = {0};
    struct text t;

    if (fl_batch_writer_new(&writer, NULL) < 0)
        abort();
    for (uint32_t i = 0; i < count; i++) {
        make_row(first + i, &ev, &t);
        if (fl_batch_add(writer, &ev, NULL) < 0)
            abort();
    }
    append(w, tenant, writer);
}

static void add_update(struct world *w, bool person, uint64_t bytes)
{
    struct fl_batch_writer *writer;
    struct fl_event ev = {0};
    struct text t;

    make_update(person, bytes, &ev, &t);
    if (fl_batch_writer_new(&writer, NULL) < 0 || fl_batch_add(writer, &ev, NULL) < 0)
        abort();
    append(w, TENANT, writer);
}

/* DAYS days with segments, the last with rows in memory and in the log alone, too; sessions live.
 */
static void world_new(struct world *w, bool lame)
{
    struct fl_err err;

    *w = (struct world){
        .fs = powerfs_new(), .keys = folder_new(), .ledger_dir = folder_new(), .lame = lame};
    clock_us = NOW_US;
    open_keys(w);
    if (open_store(w, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    for (uint64_t day = 0; day < DAYS; day++) {
        add_rows(w, TENANT, day * ROWS, ROWS / 2);
        add_rows(w, OTHER, day * ROWS, KINDS);
        add_update(w, true, 1000 * (day + 1));
        add_update(w, false, 1000 * (day + 1));
        if (fl_store_seal_all(w->store, NULL) < 0)
            abort();
        add_rows(w, TENANT, day * ROWS + ROWS / 2, ROWS / 2);
        clock_us += FL_US_PER_DAY;
    }
    clock_us -= FL_US_PER_DAY;
}

/* ---- reading everything ---- */

struct seen { /* rows by their number */
    uint64_t hash[LAST];
    unsigned count[LAST];
    uint64_t rows, updates[2], failed, names;
};

static uint64_t hash_row(const struct fl_event *ev)
{
    uint64_t h = 7;

    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        uint64_t v;

        if (!fl_event_has(ev, (enum fl_field)f))
            continue;
        v = fl_field_is_str((enum fl_field)f) ? fl_span_hash(ev->v[f].str) : ev->v[f].num;
        h = (h ^ (v + f)) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return h;
}

static void see_row(struct seen *s, const struct fl_event *ev)
{
    uint64_t no = fl_event_get_num(ev, FL_F_SESSION) - SESSION_BASE;

    s->rows++;
    s->names += names_in(ev);
    if (no >= 1 << 20) {
        s->updates[no == 1 << 20]++;
        return;
    }
    if (no >= LAST)
        abort();
    s->count[no]++;
    s->hash[no] = hash_row(ev);
}

static void see_all(struct world *w, uint32_t tenant, struct seen *s)
{
    const struct fl_fieldset all = fl_fieldset_all();
    struct fl_parts *parts;
    uint64_t read = 0;

    memset(s, 0, sizeof *s);
    if (fl_parts_open(w->store, tenant, INT64_MIN, INT64_MAX, &parts, NULL) < 0)
        abort();
    for (size_t i = 0; i < fl_parts_count(parts); i++) {
        struct fl_part *part = fl_parts_get(parts, i);
        struct fl_part_info info;

        fl_part_info(part, &info);
        for (uint32_t b = 0; b < info.blocks; b++) {
            struct fl_block *block = NULL;
            struct fl_event ev;

            if (fl_part_load(part, b, &all, &block, &read, NULL) < 0) {
                s->failed++;
                continue;
            }
            for (uint32_t row = 0; row < block->rows; row++) {
                fl_block_row(block, row, &ev);
                see_row(s, &ev);
            }
            fl_block_free(block);
        }
    }
    fl_parts_free(parts);
}

/* All others' rows, once each, as they were. */
static bool others_whole(const struct seen *before, const struct seen *after)
{
    for (uint64_t no = 0; no < DAYS * ROWS; no++) {
        unsigned want = names_person(no) ? 0 : 1;

        if (after->count[no] != want || (want == 1 && after->hash[no] != before->hash[no])) {
            printf("# row %llu: %u times\n", (unsigned long long)no, after->count[no]);
            return false;
        }
    }
    return after->failed == 0 && after->updates[0] == before->updates[0];
}

/* ---- erasing ---- */

static struct fl_erase_rule rule_of_person(void)
{
    return (struct fl_erase_rule){.tenant = TENANT,
                                  .slug = FL_SPAN("acme"),
                                  .from_us = INT64_MIN,
                                  .to_us = INT64_MAX,
                                  .moment_us = clock_us,
                                  .user = FL_SPAN(PERSON),
                                  .subject = FL_SPAN("p-0011223344556677")};
}

static uint64_t enter(struct world *w)
{
    const struct fl_erase_rule rule = rule_of_person();
    uint64_t number = 0;
    struct fl_buf bytes;

    fl_buf_init(&bytes, FL_LEDGER_RULE_MAX);
    fl_erase_rule_encode(&rule, &bytes);
    if (w->desk.link.ops->begin(&w->desk.link, fl_buf_span(&bytes), &number, NULL) < 0)
        abort();
    fl_buf_done(&bytes);
    return number;
}

static void check_erased(bool lame)
{
    struct world w;
    struct seen *before = calloc(3, sizeof *before), *after = before + 1, *other = before + 2;
    struct fl_erase_rule asked;
    struct fl_erase_result dry = {0}, res = {0};
    struct folder old_keys = folder_new();
    struct powerfs *copy;
    struct search s;
    struct fl_err err = {0};
    uint64_t want = 0;

    if (before == NULL)
        abort();
    world_new(&w, lame);
    see_all(&w, TENANT, before);
    for (uint64_t no = 0; no < DAYS * ROWS; no++)
        want += names_person(no);
    want += DAYS; /* updates */
    CHECK(before->names == want && before->rows == DAYS * ROWS + 2 * DAYS, "the rows are there");
    copy = powerfs_copy(w.fs); /* the folder, with all but the epoch file */
    folder_copy(&w.keys, FL_KEYDISK_TABLE, &old_keys);
    folder_copy(&w.keys, FL_ROOT_FILE, &old_keys);
    s = search(copy, w.ring);
    tell("before", &s);
    CHECK(s.in_rows > 0 && s.in_sums > 0 && s.in_logs > 0 && s.in_bases > 0 && s.clear == 0,
          "the search finds the person in segments, sums, log, baseline, and nowhere in clear");
    asked = rule_of_person();
    CHECK(fl_store_erase(w.store, &asked, true, NULL, &dry, &err) == 0 && dry.rows == want &&
              dry.days == DAYS && dry.keys == 0 && dry.rollup_entries > 0,
          "a dry run counts");
    see_all(&w, TENANT, after);
    CHECK(memcmp(before, after, sizeof *before) == 0, "and changes nothing");
    asked = rule_of_person();
    CHECK(fl_store_erase(w.store, &asked, false, NULL, &res, &err) == 0, "erased");
    if (err.code < 0)
        printf("# %s\n", err.text);
    CHECK(res.rows == want && res.by_field[FL_F_USER] > 0 && res.by_field[FL_F_MESSAGE] > 0 &&
              res.by_field[FL_F_URL] > 0 && res.by_field[FL_F_EXTRA] > 0 &&
              res.by_field[FL_F_RAW] > 0 && res.by_field[FL_F_HOST] > 0 && res.segments >= DAYS &&
              res.unreadable == 0 && res.lost_blocks == 0,
          "as many as were counted, in every column");
    see_all(&w, TENANT, after);
    CHECK(after->names == 0 && after->updates[1] == 0 && others_whole(before, after),
          "nobody else's row is touched");
    see_all(&w, OTHER, other);
    CHECK(other->rows == (uint64_t)DAYS * KINDS && other->names == (uint64_t)DAYS * 7,
          "another tenant's person of that name stays");
    s = search(w.fs, w.ring);
    tell("living files", &s);
    CHECK(s.segments >= DAYS && found(&s) == s.in_logs && (s.in_logs > 0) == lame,
          lame ? "the living log still has the person, its keys being there"
               : "the living files do not have the person");
    s = search(copy, w.ring);
    tell("the copy", &s);
    if (lame) {
        CHECK(s.in_rows > 0 && s.in_logs > 0 && s.in_bases > 0,
              "with the destruction of keys switched off the copy tells everything");
    } else {
        struct fl_keytable_stat stat;
        struct fl_keytable *table = NULL;
        struct fl_keytable_config config = {
            .dir_fd = old_keys.fd, .root = w.root, .sign_secret = sign_secret, .now_us = now};

        CHECK(found(&s) == 0, "nor does the copy, with the keys of today");
        fl_keytable_stat(w.table, &stat);
        CHECK(res.keys > 0 && res.epoch == stat.epoch && strcmp(res.root_kind, "file") == 0,
              "keys were destroyed, in an epoch that is told");
        folder_copy(&w.keys, FL_KEYDISK_EPOCH, &old_keys);
        CHECK(fl_keytable_open(&config, &table, &err) == FL_E_CORRUPT,
              "and the key table of the copy does not open in it");
    }
    /* Life goes on. */
    clock_us += 1000000;
    add_update(&w, false, 4000);
    add_update(&w, true, 4000);
    see_all(&w, TENANT, after);
    CHECK(after->updates[0] == DAYS + 1 && after->updates[1] == 1 && after->names == 1,
          "what comes later is new data");
    fl_store_close(w.store);
    w.store = NULL;
    CHECK(open_store(&w, &err) == 0, "a restart");
    see_all(&w, TENANT, after);
    CHECK(after->rows == before->rows - want + 2 && after->failed == 0, "finds the same");
    powerfs_free(copy);
    folder_free(&old_keys);
    world_done(&w);
    free(before);
}

/* The process ended; its disk as it was then, or as a power loss leaves it. */
static void killed(struct world *w, int left, uint64_t seed)
{
    struct powerfs *disk = left == POWERFS_LEFT_KINDS
                               ? powerfs_copy(w->fs)
                               : powerfs_crash(w->fs, (enum powerfs_left)left, seed);

    powerfs_dead(w->fs, true); /* what it would still write on its way out */
    fl_store_close(w->store);
    powerfs_free(w->fs);
    w->store = NULL;
    w->fs = disk;
    close_keys(w);
    open_keys(w);
}

/* Of the living session of somebody else the next row adds the difference; the person's own begins
 * anew. */
static void check_baselines(void)
{
    struct world w;
    struct fl_erase_rule rule;
    struct fl_erase_result res;
    struct fl_parts *parts;
    uint64_t read = 0, bytes[2] = {0, 0}, flags[2] = {0, 0};
    const struct fl_fieldset all = fl_fieldset_all();

    for (int restart = 0; restart < 2; restart++) {
        world_new(&w, false);
        rule = rule_of_person();
        if (fl_store_erase(w.store, &rule, false, NULL, &res, NULL) < 0)
            abort();
        if (restart == 1)
            killed(&w, POWERFS_LEFT_KINDS, 0);
        if (restart == 1 && open_store(&w, NULL) < 0)
            abort();
        clock_us += 1000000;
        add_update(&w, false, 4500);
        add_update(&w, true, 4500);
        if (fl_parts_open(w.store, TENANT, clock_us - 1000001, INT64_MAX, &parts, NULL) < 0)
            abort();
        for (size_t i = 0; i < fl_parts_count(parts); i++) {
            struct fl_block *block = NULL;
            struct fl_event ev;

            if (fl_part_load(fl_parts_get(parts, i), 0, &all, &block, &read, NULL) < 0)
                abort();
            for (uint32_t row = 0; row < block->rows; row++) {
                bool person;

                fl_block_row(block, row, &ev);
                if (fl_event_get_num(&ev, FL_F_OUT_BYTES) != 4500)
                    continue;
                person = fl_event_get_num(&ev, FL_F_SESSION) == SESSION_BASE + (1 << 20);
                bytes[person] = fl_event_get_num(&ev, FL_F_BYTES);
                flags[person] = fl_event_get_num(&ev, FL_F_FLAGS);
            }
            fl_block_free(block);
        }
        fl_parts_free(parts);
        CHECK(bytes[0] == 1500 && (flags[0] & FL_ROW_NO_BASELINE) == 0,
              restart ? "after kill -9 too: others' counters go on"
                      : "others' living sessions go on being counted");
        CHECK(bytes[1] == 0 && (flags[1] & FL_ROW_NO_BASELINE) != 0,
              "the person's own is not known any more");
        world_done(&w);
    }
}

/* ---- rows that come while keys are destroyed ---- */

static struct world *meanwhile;
static int (*real_list)(struct fl_keyring *k, uint32_t tenant, struct fl_key_file **ret,
                        uint32_t *ret_count, struct fl_err *err);

/* The last moment before the list of keys is taken: a new stream of the log has its key on it. */
static int list_late(struct fl_keyring *k, uint32_t tenant, struct fl_key_file **ret,
                     uint32_t *ret_count, struct fl_err *err)
{
    add_rows(meanwhile, TENANT, 2 * KINDS * 60, KINDS);
    return real_list(k, tenant, ret, ret_count, err);
}

static void check_meanwhile(void)
{
    struct world w;
    struct fl_keyring_ops ops;
    struct seen *after = calloc(1, sizeof *after);
    struct fl_erase_rule rule;
    struct fl_erase_result res;
    uint64_t rows;

    if (after == NULL)
        abort();
    world_new(&w, false);
    meanwhile = &w;
    real_list = w.ring->ops->list_files;
    ops = *w.ring->ops;
    ops.list_files = list_late;
    w.ring->ops = &ops;
    rule = rule_of_person();
    if (fl_store_erase(w.store, &rule, false, NULL, &res, NULL) < 0)
        abort();
    add_rows(&w, TENANT, 2 * KINDS * 60 + KINDS, KINDS);
    see_all(&w, TENANT, after);
    rows = after->rows;
    CHECK(after->failed == 0 && after->names == 14, "rows that come meanwhile are new data");
    killed(&w, POWERFS_LEFT_NOTHING, 0);
    if (open_store(&w, NULL) < 0)
        abort();
    see_all(&w, TENANT, after);
    CHECK(after->rows == rows && after->failed == 0,
          "their log has its keys: they are there after a power loss");
    world_done(&w);
    free(after);
}

/* ---- kill -9 at every call that changes the disk ---- */

#if defined(__SANITIZE_THREAD__)
enum { STRIDE = 11 }; /* some of the moments: all are tried without it */
#else
enum { STRIDE = 1 };
#endif

struct kill_at {
    unsigned at, calls;
    bool dead;
};

static int die(void *ctx, struct powerfs *fs, const struct powerfs_call *call)
{
    struct kill_at *k = ctx;

    if (call->op < POWERFS_CREATE || ++k->calls < k->at)
        return POWERFS_DO;
    powerfs_dead(fs, true);
    k->dead = true;
    return -EIO;
}

static void check_kills(int left)
{
    unsigned at = 1 + (unsigned)left * 3 % STRIDE, wrong = 0, again = 0, moments = 0;
    struct kill_at k;

    do {
        struct world w;
        struct seen *before = calloc(2, sizeof *before), *after = before + 1;
        struct fl_erase_rule rule;
        struct fl_erase_result res;
        struct fl_err err = {0};
        struct search s;
        int r;

        if (before == NULL)
            abort();
        world_new(&w, false);
        see_all(&w, TENANT, before);
        (void)enter(&w);
        k = (struct kill_at){.at = at};
        moments++;
        powerfs_hook(w.fs, die, &k);
        rule = rule_of_person();
        (void)!fl_store_erase(w.store, &rule, false, NULL, &res, &err);
        powerfs_hook(w.fs, NULL, NULL);
        killed(&w, left, at);
        again += fl_ledger_pending(w.ledger, 0) == 1;
        r = open_store(&w, &err);
        if (r < 0) {
            printf("# killed at %u: %s\n", at, err.text);
            wrong++;
        } else {
            see_all(&w, TENANT, after);
            s = search(w.fs, w.ring);
            if (fl_ledger_pending(w.ledger, 0) != 0 || after->names != 0 || found(&s) != 0 ||
                !others_whole(before, after)) {
                printf("# killed at %u\n", at);
                tell("found", &s);
                wrong++;
            }
        }
        world_done(&w);
        free(before);
        at += STRIDE;
    } while (k.dead && at < 2000 && wrong < 3);
    printf("# %u moments\n", moments);
    CHECK(wrong == 0 && again == moments && at > 10,
          left == POWERFS_LEFT_KINDS ? "killed at any moment, the next start finishes it"
                                     : "and when the power goes");
}

/* ---- a copy that is put back ---- */

static void check_restore(void)
{
    static const char *const names[] = {FL_KEYDISK_TABLE, FL_KEYDISK_EPOCH, FL_LEDGER_HEAD};
    struct world w;
    struct seen *before = calloc(2, sizeof *before), *after = before + 1;
    struct fl_erase_rule rule;
    struct fl_erase_result res;
    struct folder old = folder_new();
    struct powerfs *copy;
    struct fl_err err = {0};
    struct fl_buf receipt;
    unsigned char public[32];
    struct search s;
    uint64_t number;

    if (before == NULL)
        abort();
    fl_buf_init(&receipt, FL_LEDGER_RECEIPT_MAX);
    world_new(&w, false);
    see_all(&w, TENANT, before);
    copy = powerfs_copy(w.fs); /* a cold copy of all, with the epoch file */
    for (size_t i = 0; i < FL_LEN(names); i++)
        folder_copy(&w.keys, names[i], &old);
    number = enter(&w);
    rule = rule_of_person();
    if (fl_store_erase(w.store, &rule, false, NULL, &res, &err) < 0 ||
        w.desk.link.ops->done(&w.desk.link, number, FL_SPAN("{}"), &receipt, &err) < 0)
        abort();
    fl_store_close(w.store);
    w.store = NULL;
    powerfs_free(w.fs);
    close_keys(&w);
    for (size_t i = 0; i < FL_LEN(names); i++)
        folder_copy(&old, names[i], &w.keys);
    w.fs = copy;
    open_keys(&w);
    s = search(w.fs, w.ring);
    CHECK(s.in_rows > 0, "a whole copy has the person, until it is opened");
    CHECK(fl_ledger_pending(w.ledger, 0) == number, "the ledger knows what is to be erased again");
    CHECK(open_store(&w, &err) == 0, "it opens");
    see_all(&w, TENANT, after);
    s = search(w.fs, w.ring);
    tell("put back", &s);
    CHECK(after->names == 0 && found(&s) == 0 && others_whole(before, after) &&
              fl_ledger_pending(w.ledger, 0) == 0,
          "and the person is erased again before anybody is served");
    fl_buf_clear(&receipt);
    CHECK(fl_ledger_desk_receipt(&w.desk, number, &receipt, &err) == 0 &&
              fl_receipt_verify(fl_buf_span(&receipt), public, &err) == 0 &&
              memcmp(public, sign_public, 32) == 0 &&
              memmem(receipt.ptr, receipt.len, "\"after_restore\":true", 20) != NULL &&
              memmem(receipt.ptr, receipt.len, PERSON, strlen(PERSON)) == NULL,
          "with a receipt that says so and tells no name");
    fl_buf_done(&receipt);
    folder_free(&old);
    world_done(&w);
    free(before);
}

/* ---- rules ---- */

static void check_rules(void)
{
    static unsigned char ip[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 7};
    struct world w;
    struct fl_erase_rule rule;
    struct fl_erase_result res = {0};
    struct fl_err err;

    world_new(&w, false);
    rule = rule_of_person();
    rule.user = FL_SPAN("");
    rule.ip = fl_span_of(ip, 16);
    CHECK(fl_store_erase(w.store, &rule, true, NULL, &res, &err) == 0 && res.rows == 1 + DAYS &&
              res.by_field[FL_F_SRC_IP] == res.rows && res.by_field[FL_F_DST_IP] == res.rows,
          "by address");
    rule.ip = FL_SPAN("");
    rule.where = FL_SPAN("user:b.lee bytes>1000");
    CHECK(fl_store_erase(w.store, &rule, true, NULL, &res, &err) == 0 && res.rows > 50 &&
              res.rows < 400 && res.by_where == res.rows,
          "by a filter");
    rule = rule_of_person();
    rule.from_us = NOW_US + FL_US_PER_DAY - 1000000;
    rule.to_us = NOW_US + 2 * FL_US_PER_DAY - 1000000;
    CHECK(fl_store_erase(w.store, &rule, true, NULL, &res, &err) == 0 && res.days == 1 &&
              res.rows == ROWS / KINDS * 7 + 1,
          "within a range of time");
    rule.from_us = INT64_MIN;
    rule.to_us = INT64_MAX;
    rule.moment_us = NOW_US;
    CHECK(fl_store_erase(w.store, &rule, true, NULL, &res, &err) == 0 && res.days == 1,
          "up to the moment");
    rule = rule_of_person();
    rule.tenant = 99;
    CHECK(fl_store_erase(w.store, &rule, false, NULL, &res, &err) == 0 && res.rows == 0,
          "a tenant without data");
    world_done(&w);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    (void)crypto_sign_keypair(sign_public, sign_secret);
    check_rules();
    check_erased(false);
    check_erased(true);
    check_baselines();
    check_meanwhile();
    check_restore();
    check_kills(POWERFS_LEFT_KINDS);
    check_kills(POWERFS_LEFT_NOTHING);
    check_kills(POWERFS_LEFT_SOME);
    return tap_done();
}
