#include "logs/wal.h"

#include "remove_tree.h"
#include "store_help.h"
#include "tap.h"

enum { DAY = 20000 };

static int64_t now(void)
{
    return 1750000000000000;
}

struct bench {
    struct memkeys keys;
    struct fl_wal_config conf;
    struct fl_wal *wal;
    char path[64];
    int dir;
};

static void begin(struct bench *b, uint64_t file_bytes)
{
    memset(b, 0, sizeof *b);
    memkeys_init(&b->keys);
    b->dir = temp_folder(b->path);
    b->conf = (struct fl_wal_config){.fs = &fl_files_system,
                                     .dir = b->dir,
                                     .keys = &b->keys.base,
                                     .now_us = now,
                                     .file_bytes = file_bytes};
    if (fl_wal_new(&b->conf, 1, &b->wal, NULL) < 0)
        abort();
}

static void end(struct bench *b)
{
    fl_wal_free(b->wal);
    memkeys_done(&b->keys);
    (void)close(b->dir);
    remove_tree(b->path);
}

static void put(struct bench *b, uint32_t tenant, uint64_t number, size_t len)
{
    static unsigned char body[100000];
    struct fl_wal_record rec = {.tenant = tenant,
                                .day = DAY,
                                .number = number,
                                .accepted_us = now(),
                                .first_seq = number * 10,
                                .rows = 10,
                                .slug = FL_SPAN("acme")};
    uint64_t lsn;

    memset(body, (int)number, sizeof body);
    memcpy(rec.source, "source of a test", 16);
    rec.body = fl_span_of(body, len);
    if (fl_wal_put(b->wal, &rec, &lsn, NULL) < 0)
        abort();
}

/* ---- reading everything back ---- */

struct seen {
    uint64_t count, number_sum, last_lsn, empty;
    bool ordered, right;
};

static int see(void *ctx, const struct fl_wal_record *rec, struct fl_err *err)
{
    struct seen *seen = ctx;

    (void)err;
    seen->count++;
    seen->number_sum += rec->number;
    seen->ordered = seen->ordered && rec->lsn > seen->last_lsn;
    seen->last_lsn = rec->lsn;
    if (rec->body.len == 0) {
        seen->empty++;
        return 0;
    }
    for (size_t i = 0; i < rec->body.len; i++)
        seen->right = seen->right && rec->body.ptr[i] == (unsigned char)rec->number;
    seen->right = seen->right && fl_span_eq(rec->slug, FL_SPAN("acme")) &&
                  rec->first_seq == rec->number * 10 && rec->rows == 10 && rec->day == DAY;
    return 0;
}

struct names {
    char name[64][FL_WAL_NAME_BYTES];
    size_t count;
};

static int note(void *ctx, const char *name, bool folder)
{
    struct names *n = ctx;

    (void)folder;
    (void)snprintf(n->name[n->count++], FL_WAL_NAME_BYTES, "%s", name);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void list(struct bench *b, struct names *n)
{
    n->count = 0;
    if (fl_files_system.list(&fl_files_system, b->dir, note, n) < 0)
        abort();
    qsort(n->name, n->count, sizeof n->name[0], by_name);
}

static struct seen read_all(struct bench *b, struct fl_wal_reading *sum, struct fl_marks *marks)
{
    struct seen seen = {.ordered = true, .right = true};
    struct names n;

    memset(sum, 0, sizeof *sum);
    memset(marks, 0, sizeof *marks);
    list(b, &n);
    for (size_t i = 0; i < n.count; i++) {
        struct fl_wal_reading one;
        struct fl_err err = {0};

        if (fl_wal_read(&fl_files_system, b->dir, n.name[i], i + 1 == n.count, &b->keys.base, see,
                        &seen, marks, &one, &err) < 0) {
            printf("# %s\n", err.text);
            sum->damaged++;
        }
        sum->groups += one.groups;
        sum->damaged += one.damaged;
        sum->torn += one.torn;
        sum->no_key += one.no_key;
    }
    return seen;
}

static void check_basic(void)
{
    struct fl_wal_reading sum;
    struct fl_marks marks;
    struct fl_wal_stats stats;
    struct names n;
    struct seen s;
    struct bench b;
    uint64_t number;

    begin(&b, 5000);
    for (uint64_t i = 1; i <= 30; i++) {
        put(&b, (uint32_t)(i % 3), i, i * 20);
        if (i % 2 == 0 && fl_wal_commit(b.wal, NULL) < 0)
            abort();
    }
    s = read_all(&b, &sum, &marks);
    list(&b, &n);
    fl_wal_stats(b.wal, &stats);
    CHECK(s.count == 30 && s.number_sum == 30 * 31 / 2 && s.ordered && s.right,
          "records come back, in order");
    CHECK(sum.groups == 15 && sum.torn == 0 && sum.damaged == 0 && stats.syncs == 15,
          "one group and one sync for each commit");
    CHECK(n.count > 1 && stats.files == n.count, "a full file is followed by another");
    CHECK(fl_marks_get(fl_wal_marks(b.wal), (const unsigned char *)"source of a test") == 30 &&
              fl_marks_get(&marks, (const unsigned char *)"source of a test") > 0,
          "deliveries are marked, and each file begins with the marks");
    CHECK(fl_wal_name_parse(n.name[0], &number) && number == 1 &&
              !fl_wal_name_parse("0000000000000001.wal", &number),
          "names have numbers");
    put(&b, 1, 31, 10);
    s = read_all(&b, &sum, &marks);
    CHECK(s.count == 30, "what is pending is not in the file");
    end(&b);
}

/* Cut and change the newest file everywhere. */
static void check_torn(void)
{
    struct fl_wal_reading sum;
    struct fl_marks marks;
    struct bench b;
    struct names n;
    struct seen s;
    uint64_t bytes, bad = 0, lost = 0;
    unsigned char *whole, c;
    int fd;

    begin(&b, 1 << 20);
    for (uint64_t i = 1; i <= 6; i++) {
        put(&b, 1, i, 100);
        put(&b, 2, i + 100, 50);
        if (fl_wal_commit(b.wal, NULL) < 0)
            abort();
    }
    list(&b, &n);
    fd = openat(b.dir, n.name[0], O_RDWR);
    bytes = (uint64_t)lseek(fd, 0, SEEK_END);
    whole = malloc(bytes);
    if (whole == NULL || pread(fd, whole, bytes, 0) != (ssize_t)bytes)
        abort();
    for (uint64_t at = bytes; at-- > 68;) {
        if (ftruncate(fd, (off_t)at) != 0)
            abort();
        s = read_all(&b, &sum, &marks);
        bad += !s.right || s.count % 2 != 0 || sum.damaged != 0;
    }
    CHECK(bad == 0, "a log cut anywhere gives whole groups, and nothing wrong");
    if (pwrite(fd, whole, bytes, 0) != (ssize_t)bytes)
        abort();
    for (uint64_t at = 68; at < bytes; at++) {
        c = whole[at] ^ 4;
        if (pwrite(fd, &c, 1, (off_t)at) != 1)
            abort();
        s = read_all(&b, &sum, &marks);
        bad += !s.right || s.count == 12 || (sum.damaged == 0 && sum.torn == 0 && sum.no_key == 0);
        lost += s.count < 10;
        if (pwrite(fd, &whole[at], 1, (off_t)at) != 1)
            abort();
    }
    CHECK(bad == 0, "a change of any byte is found");
    printf("# %llu of %llu changes cost more than a group\n", (unsigned long long)lost,
           (unsigned long long)bytes - 68);
    CHECK(lost < 100, "and costs a group, unless the head of a group was hit");
    (void)close(fd);
    free(whole);
    end(&b);
}

static bool needed_until(void *ctx, uint32_t tenant, int32_t day, uint64_t last_lsn)
{
    (void)day;
    return tenant == 1 && last_lsn > *(uint64_t *)ctx;
}

static void check_drop(void)
{
    char gone[16][FL_WAL_NAME_BYTES];
    struct fl_wal_reading sum;
    struct fl_marks marks;
    struct bench b;
    struct seen s;
    uint64_t until = 4;
    size_t count;

    begin(&b, 1000);
    for (uint64_t i = 1; i <= 10; i++) {
        put(&b, (uint32_t)(1 + i % 2), i, 1000); /* a file each */
        if (fl_wal_commit(b.wal, NULL) < 0)
            abort();
    }
    count = fl_wal_take_done(b.wal, needed_until, &until, 16, gone);
    CHECK(count == 7, "files that nobody needs are given up, but not the newest");
    for (size_t i = 0; i < count; i++)
        if (unlinkat(b.dir, gone[i], 0) != 0)
            abort();
    s = read_all(&b, &sum, &marks);
    CHECK(s.count == 3 && s.number_sum == 6 + 8 + 10, "the others stay");
    put(&b, 1, 11, 10);
    fl_wal_forget(b.wal, 1, DAY, DAY);
    CHECK(fl_wal_pending_bytes(b.wal) == 0, "forgetting drops what is pending");
    until = 0;
    count = fl_wal_take_done(b.wal, needed_until, &until, 16, gone);
    CHECK(count == 2, "and what was kept for it");
    put(&b, 1, 12, 10);
    CHECK(fl_wal_commit(b.wal, NULL) == 0, "a new stream begins");
    for (size_t i = 0; i < b.keys.count; i++)
        if (b.keys.all[i].tenant == 2)
            b.keys.all[i].tenant = 77; /* as if destroyed */
    s = read_all(&b, &sum, &marks);
    CHECK(sum.damaged == 0 && s.right, "records without a key are passed over");
    end(&b);
}

static void check_marks(void)
{
    struct fl_marks m = {.count = 0};
    unsigned char source[16] = {0};

    for (unsigned i = 0; i < FL_MARKS_MAX + 10; i++) {
        source[0] = (unsigned char)i;
        source[1] = (unsigned char)(i >> 8);
        fl_marks_raise(&m, source, i + 1);
    }
    CHECK(m.count == FL_MARKS_MAX && fl_marks_get(&m, source) == FL_MARKS_MAX + 10,
          "marks have a bound");
    source[0] = 3;
    source[1] = 0;
    CHECK(fl_marks_get(&m, source) == 0, "the oldest gave way");
    source[0] = 200;
    fl_marks_raise(&m, source, 1);
    CHECK(fl_marks_get(&m, source) == 201, "a mark does not sink");
}

int main(void)
{
    check_basic();
    check_torn();
    check_drop();
    check_marks();
    return tap_done();
}
