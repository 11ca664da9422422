/* Files that each version wrote, kept beside this test: every later version must read them. Their
 * rows are told by fixture_event() and large_event(). With "new" it writes them anew into the
 * folder: once per version, by hand; those of earlier versions stay what they are. */
#include "logs/baseline.h"
#include "logs/segment.h"
#include "logs/wal.h"
#include "remove_tree.h"
#include "store_help.h"
#include "tap.h"

enum { TENANT = 7, DAY = 20444, ROWS = 300, BLOCK_ROWS = 200, V1_FIELDS = FL_F_RAW + 1 };
enum { LARGE_ROWS = 4300 };

static int64_t now(void)
{
    return INT64_C(1766400000) * FL_US_PER_S;
}

/* ---- a keyring of one key: fixtures have to be opened ---- */

static int one_key(struct fl_keyring *k, uint32_t tenant, int32_t day, const unsigned char *id,
                   unsigned char *ret, struct fl_err *err)
{
    (void)k, (void)tenant, (void)day, (void)id, (void)err;
    for (size_t i = 0; i < FL_KEY_BYTES; i++)
        ret[i] = (unsigned char)(i * 7 + 1);
    return 0;
}

static const struct fl_keyring_ops one_ops = {.file_new = one_key, .file_get = one_key};
static struct fl_keyring one_ring = {&one_ops};

/* ---- rows with every field, every encoding ---- */

static void fixture_text(uint64_t no, size_t f, char text[64])
{
    switch (f % 5) {
    case 0:
        (void)snprintf(text, 64, "constant-%zu", f);
        break;
    case 1:
        (void)snprintf(text, 64, "few-%llu", (unsigned long long)(no % 4));
        break;
    case 2:
        (void)snprintf(text, 64, "each row %llu has its own", (unsigned long long)no);
        break;
    default:
        (void)snprintf(text, 64, "some-%llu", (unsigned long long)(no * no % 37));
    }
}

static void fixture_ip(uint64_t no, size_t f, unsigned char ip[16])
{
    memset(ip, 0, 16);
    ip[10] = ip[11] = 0xff;
    ip[12] = 10;
    ip[13] = (unsigned char)(f % 3);
    ip[15] = (unsigned char)(no % 50);
    if (no % 9 == 4)
        ip[0] = 0x20;
}

static char texts[FL_FIELD_COUNT][64]; /* of the event that was told last */

static void fixture_event(uint64_t no, struct fl_event *ev)
{
    static const enum fl_field cumulative[] = {FL_F_OUT_BYTES, FL_F_IN_BYTES, FL_F_OUT_PACKETS,
                                               FL_F_IN_PACKETS, FL_F_DURATION};

    fl_event_clear(ev);
    for (size_t f = 0; f < V1_FIELDS; f++) {
        if (f > FL_F_FLAGS && f != FL_F_SITE && (no + f) % 7 == 3)
            continue;
        if (fl_fields[f].type == FL_T_STR) {
            fixture_text(no, f, texts[f]);
            fl_event_str(ev, (enum fl_field)f, fl_span_str(texts[f]));
        } else if (fl_fields[f].type == FL_T_IP) {
            fixture_ip(no, f, (unsigned char *)texts[f]);
            fl_event_str(ev, (enum fl_field)f, fl_span_of(texts[f], 16));
        } else {
            fl_event_num(ev, (enum fl_field)f, no * no % 1000 << f % 40);
        }
    }
    fl_event_num(ev, FL_F_SEQ, 1000 + no);
    fl_event_time(ev, FL_F_RECEIVED, now() + (int64_t)(no / 10) * 1000);
    fl_event_time(ev, FL_F_TIME, now() - (int64_t)(no * 977 % 1000) * 1000000);
    for (size_t i = 0; i < FL_LEN(cumulative); i++)
        fl_event_num(ev, cumulative[i], no * (i + 3) % 777);
    fl_event_num(ev, FL_F_BYTES, no * 7 % 777);
    fl_event_num(ev, FL_F_BYTES_UP, no % 5 == 0 ? 1 : no * 3 % 777);
    fl_event_num(ev, FL_F_SECONDS, no * 7 % 777);
    fl_event_str(ev, FL_F_HOST, fl_event_get_str(ev, FL_F_DEVICE));
    if (!fl_event_has(ev, FL_F_DEVICE))
        fl_fieldset_drop(&ev->has, FL_F_HOST);
}

#define TEXT(f, ...)                                                                               \
    ((void)snprintf(texts[f], 64, __VA_ARGS__), fl_event_str(ev, (f), fl_span_str(texts[f])))

/* What version 2 keeps in other ways when a block is large: columns that tell each other, numbers
 * that are packed, gaps between sequence numbers. */
static void large_event(uint64_t no, struct fl_event *ev)
{
    uint64_t h = (no + 3) * UINT64_C(0x9e3779b97f4a7c15) >> 17, device = h % 12;
    bool odd = h % 90 == 0;

    fl_event_clear(ev);
    fl_event_num(ev, FL_F_SEQ, 50 + no + no / 100);
    fl_event_time(ev, FL_F_RECEIVED, now() + (int64_t)(no / 20) * 1000);
    fl_event_time(ev, FL_F_TIME, now() + (int64_t)(no * 8 + h % 3000) * 1000);
    TEXT(FL_F_DEVICE, "fw-%u", (unsigned)device);
    TEXT(FL_F_SITE, "site-%u", (unsigned)(odd ? 99 : device / 3));
    TEXT(FL_F_HOST, "fw-%u", (unsigned)device);
    TEXT(FL_F_TAG, h % 4 == 0 ? "WEB" : "CLOSE");
    TEXT(FL_F_ACTION, h % 4 == 0 ? "permitted" : "closed");
    TEXT(FL_F_APP, "APP-%u", (unsigned)(h >> 8) % 40);
    TEXT(FL_F_APP_NESTED, (h >> 8) % 40 == 5 ? "UNKNOWN" : "APP-%u", (unsigned)(h >> 8) % 40);
    fixture_ip(h % 250, 1, (unsigned char *)texts[FL_F_SRC_IP]);
    fl_event_str(ev, FL_F_SRC_IP, fl_span_of(texts[FL_F_SRC_IP], 16));
    TEXT(FL_F_USER, "user%02u", (unsigned)(h % 250 % 50));
    fl_event_num(ev, FL_F_SESSION, 1000 * device + no);
    if (h % 4 == 0) {
        TEXT(FL_F_HOSTNAME, "www.d%u.example", (unsigned)(h >> 20) % 60);
        TEXT(FL_F_DOMAIN, "d%u.example", (unsigned)(h >> 20) % 60);
        TEXT(FL_F_URL, "www.d%u.example", (unsigned)(h >> 20) % 60);
        return;
    }
    fl_event_num(ev, FL_F_OUT_BYTES, h % 70000);
    fl_event_num(ev, FL_F_IN_BYTES, h % 1000000);
    fl_event_num(ev, FL_F_BYTES, h % 70000 + h % 1000000 + odd);
    fl_event_num(ev, FL_F_BYTES_UP, h % 70000);
}

/* ---- writing ---- */

static void write_blocks(int dir, uint16_t version, struct fl_block *const *blocks, uint32_t count,
                         const char *name)
{
    struct fl_segment_id id = {.tenant = TENANT, .day = DAY};
    struct fl_mark mark = {.source = "fixture source ", .number = 4711};
    const struct fl_segment_plan plan = {
        .marks = &mark, .mark_count = 1, .now_us = now(), .version = version};
    unsigned char key[FL_KEY_BYTES];
    char as[FL_SEGMENT_NAME_BYTES];
    uint64_t bytes;

    if (fl_segment_write_as(&fl_files_system, dir, &one_ring, &id, blocks, count, &plan, &bytes,
                            key, NULL) < 0)
        abort();
    fl_segment_name(id.file_id, as);
    if (renameat(dir, as, dir, name) != 0)
        abort();
}

static void write_segments(int dir)
{
    struct fl_block *blocks[2] = {NULL, NULL}, *large = NULL;
    struct fl_event ev;

    if (fl_block_new(&blocks[0], NULL) < 0 || fl_block_new(&blocks[1], NULL) < 0 ||
        fl_block_new(&large, NULL) < 0)
        abort();
    for (uint64_t no = 0; no < ROWS; no++) {
        fixture_event(no, &ev);
        if (fl_block_add(blocks[no / BLOCK_ROWS], &ev, NULL) < 0)
            abort();
    }
    for (uint64_t no = 0; no < LARGE_ROWS; no++) {
        large_event(no, &ev);
        if (fl_block_add(large, &ev, NULL) < 0)
            abort();
    }
    write_blocks(dir, 1, blocks, 2, "fixture-v1.seg");
    write_blocks(dir, 2, blocks, 2, "fixture-v2.seg");
    write_blocks(dir, 2, &large, 1, "fixture-v2-large.seg");
    fl_block_free(blocks[0]);
    fl_block_free(blocks[1]);
    fl_block_free(large);
}

static void write_wal(int dir)
{
    struct fl_wal_config conf = {&fl_files_system, dir, &one_ring, now, 1 << 20};
    struct fl_wal *wal;
    struct fl_wal_record rec = {.tenant = TENANT, .day = DAY, .rows = 2, .slug = FL_SPAN("acme")};
    uint64_t lsn;

    if (fl_wal_new(&conf, 1, &wal, NULL) < 0)
        abort();
    for (uint64_t i = 1; i <= 4; i++) {
        rec.number = i;
        rec.first_seq = i * 2;
        rec.accepted_us = now();
        rec.body = i % 2 == 0 ? FL_SPAN("an even batch") : FL_SPAN("odd");
        if (fl_wal_put(wal, &rec, &lsn, NULL) < 0 || (i % 2 == 0 && fl_wal_commit(wal, NULL) < 0))
            abort();
    }
    fl_wal_free(wal);
}

static void sessions_of(struct fl_sessions **ret)
{
    struct fl_event ev = {0};

    if (fl_sessions_new(100, ret, NULL) < 0)
        abort();
    for (uint64_t i = 0; i < 5; i++) {
        fl_event_clear(&ev);
        fl_event_time(&ev, FL_F_TIME, now());
        fl_event_str(&ev, FL_F_DEVICE, FL_SPAN("fw"));
        fl_event_str(&ev, FL_F_ACTION, i % 2 == 0 ? FL_SPAN("updated") : FL_SPAN("closed"));
        fl_event_num(&ev, FL_F_SESSION, i);
        fl_event_num(&ev, FL_F_OUT_BYTES, 1000 + i);
        fl_sessions_row(*ret, &ev, now());
    }
}

static void write_baseline(int dir)
{
    struct fl_baseline head = {.tenant = TENANT, .day = DAY, .written_us = now(), .lsn = 99};
    FL_AUTO(fl_buf_done) struct fl_buf state;
    unsigned char key[FL_KEY_BYTES];
    char name[FL_BASELINE_NAME_BYTES];
    struct fl_sessions *s;

    fl_buf_init(&state, 1 << 20);
    sessions_of(&s);
    fl_sessions_save(s, &state);
    (void)one_key(NULL, 0, 0, NULL, key, NULL);
    memcpy(head.file_id, "baseline fixture", 16);
    if (fl_baseline_write(&fl_files_system, dir, &head, key, fl_buf_span(&state), NULL) < 0)
        abort();
    fl_baseline_name(head.file_id, name);
    if (renameat(dir, name, dir, "fixture-v1.base") != 0)
        abort();
    fl_sessions_free(s);
}

/* ---- reading ---- */

static void copy_in(int from, const char *name, int to, const char *as)
{
    static unsigned char bytes[1 << 20];
    int in = openat(from, name, O_RDONLY), out = openat(to, as, O_WRONLY | O_CREAT, 0600);
    ssize_t n = in < 0 ? -1 : read(in, bytes, sizeof bytes);

    if (n < 0 || out < 0 || write(out, bytes, (size_t)n) != n)
        abort();
    (void)close(in);
    (void)close(out);
}

typedef void tell_row(uint64_t no, struct fl_event *ev);

static bool same_block(const struct fl_block *block, uint64_t first, tell_row *row_of)
{
    struct fl_event want, got;

    for (uint32_t row = 0; row < block->rows; row++) {
        row_of(first + row, &want);
        fl_block_row(block, row, &got);
        if (!same_event(&want, &got))
            return false;
    }
    return true;
}

static struct fl_segment *open_fixture(int fixtures, int dir, const char *fixture, uint16_t version)
{
    struct fl_segment_id id = {.tenant = 0};
    struct fl_segment *seg = NULL;
    unsigned char key[FL_KEY_BYTES];
    char name[FL_SEGMENT_NAME_BYTES];
    struct fl_err err = {0};

    printf("# %s\n", fixture);
    (void)one_key(NULL, 0, 0, NULL, key, NULL);
    CHECK(fl_segment_identify(&fl_files_system, fixtures, fixture, &id, &err) == 0 &&
              id.tenant == TENANT && id.day == DAY && id.version == version,
          "a segment of an earlier time is known");
    fl_segment_name(id.file_id, name);
    copy_in(fixtures, fixture, dir, name);
    CHECK(fl_segment_open(&fl_files_system, dir, &id, key, &seg, &err) == 0, "and opens");
    if (seg == NULL)
        printf("# %s\n", err.text);
    return seg;
}

/* Rows that the sums of the first tier that is stored say; 0: none is. */
static uint64_t sum_of(struct fl_segment *seg, enum fl_rollup_dim dim)
{
    struct fl_rollup *sums = NULL;
    uint64_t read = 0, rows = 0;

    for (size_t tier = 0; tier < FL_ROLLUP_TIERS && sums == NULL; tier++)
        (void)!fl_segment_rollup(seg, dim, (enum fl_rollup_tier)tier, &sums, &read, NULL);
    for (size_t i = 0; sums != NULL && i < sums->count; i++)
        rows += sums->entries[i].rows;
    fl_rollup_free(sums);
    return rows;
}

static void check_segment(int fixtures, int dir, const char *fixture, uint16_t version)
{
    struct fl_fieldset all = fl_fieldset_all();
    struct fl_segment *seg = open_fixture(fixtures, dir, fixture, version);
    struct fl_block *a = NULL, *b = NULL;
    uint64_t read = 0;
    struct fl_err err = {0};

    if (seg == NULL)
        return;
    CHECK(fl_segment_foot(seg)->rows == ROWS && fl_segment_foot(seg)->first_seq == 1000 &&
              fl_segment_foot(seg)->mark[0].number == 4711,
          "its footer says what was written");
    CHECK(fl_segment_load(seg, 0, &all, &a, &read, &err) == 0 && same_block(a, 0, fixture_event) &&
              fl_segment_load(seg, 1, &all, &b, &read, &err) == 0 &&
              same_block(b, BLOCK_ROWS, fixture_event),
          "all rows and columns are those that were written");
    CHECK(version != 1 || sum_of(seg, FL_BY_CATEGORY) == ROWS, "and sums");
    fl_block_free(a);
    fl_block_free(b);
    fl_segment_close(seg);
}

static void check_large(int fixtures, int dir)
{
    struct fl_fieldset all = fl_fieldset_all();
    struct fl_segment *seg = open_fixture(fixtures, dir, "fixture-v2-large.seg", 2);
    struct fl_block *block = NULL;
    uint64_t read = 0;
    struct fl_err err = {0};

    if (seg == NULL)
        return;
    CHECK(fl_segment_load(seg, 0, &all, &block, &read, &err) == 0 &&
              same_block(block, 0, large_event) && block->rows == LARGE_ROWS &&
              fl_segment_foot(seg)->last_seq == 50 + LARGE_ROWS - 1 + (LARGE_ROWS - 1) / 100,
          "all rows and columns are those that were written, gaps between numbers too");
    CHECK(sum_of(seg, FL_BY_APP) == LARGE_ROWS, "and sums");
    fl_block_free(block);
    fl_segment_close(seg);
}

static int see(void *ctx, const struct fl_wal_record *rec, struct fl_err *err)
{
    uint64_t *right = ctx;

    (void)err;
    *right +=
        rec->tenant == TENANT && rec->day == DAY && rec->rows == 2 &&
        rec->first_seq == rec->number * 2 && rec->lsn == rec->number && rec->accepted_us == now() &&
        fl_span_eq(rec->slug, FL_SPAN("acme")) &&
        fl_span_eq(rec->body, rec->number % 2 == 0 ? FL_SPAN("an even batch") : FL_SPAN("odd"));
    return 0;
}

static void check_others(int fixtures)
{
    struct fl_marks marks = {.count = 0};
    struct fl_wal_reading sum;
    struct fl_baseline head;
    struct fl_sessions *s;
    struct fl_sessions_stats stats;
    unsigned char key[FL_KEY_BYTES];
    uint64_t right = 0;
    struct fl_err err = {0};

    CHECK(fl_wal_read(&fl_files_system, fixtures, "fixture-v1.wal", true, &one_ring, see, &right,
                      &marks, &sum, &err) == 0 &&
              right == 4 && sum.groups == 2 && sum.torn == 0,
          "a log of version 1 reads back");
    (void)one_key(NULL, 0, 0, NULL, key, NULL);
    if (fl_sessions_new(100, &s, NULL) < 0)
        abort();
    CHECK(fl_baseline_read(&fl_files_system, fixtures, "fixture-v1.base", key, s, &head, &err) ==
                  0 &&
              head.lsn == 99,
          "a baseline of version 1 reads back");
    fl_sessions_stats(s, &stats);
    CHECK(stats.open == 3 && stats.closed == 2, "with its sessions");
    fl_sessions_free(s);
}

int main(int argc, char **argv)
{
    char path[64];
    int dir, fixtures = argc > 1 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;

    if (fixtures < 0)
        return 2;
    if (argc > 2) { /* test_format FOLDER new */
        write_segments(fixtures);
        write_wal(fixtures);
        write_baseline(fixtures);
        return 0;
    }
    dir = temp_folder(path);
    check_segment(fixtures, dir, "fixture-v1.seg", 1);
    check_segment(fixtures, dir, "fixture-v2.seg", 2);
    check_large(fixtures, dir);
    check_others(fixtures);
    (void)close(dir);
    (void)close(fixtures);
    remove_tree(path);
    return tap_done();
}
