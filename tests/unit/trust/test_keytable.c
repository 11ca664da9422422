#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "base/rand.h"
#include "tap.h"
#include "trust/destroyed.h"
#include "trust/keydisk.h"
#include "trust/keyframe.h"
#include "trust/keytable.h"
#include "unit/trust/folder.h"

static unsigned char sign_public[32], sign_secret[64];

static int64_t clock_us(void)
{
    return 1795000000000000;
}

struct stop { /* crash before the step number `at` */
    int at, seen;
    char what[64];
};

static int stop_at(void *ctx, const char *what)
{
    struct stop *s = ctx;

    if (++s->seen != s->at)
        return 0;
    (void)snprintf(s->what, sizeof s->what, "%s", what);
    return 1;
}

struct bench {
    struct folder dir;
    struct fl_root *root;
    struct fl_keytable *table;
    struct fl_keyring *ring;
    struct fl_err err;
};

static int bench_open(struct bench *b, struct stop *stop)
{
    struct fl_keytable_config config = {.dir_fd = b->dir.fd,
                                        .root = b->root,
                                        .sign_secret = sign_secret,
                                        .now_us = clock_us,
                                        .step = stop == NULL ? NULL : stop_at,
                                        .step_ctx = stop};
    int r;

    b->err = (struct fl_err){0};
    if (b->root == NULL && fl_root_file_open(b->dir.fd, true, &b->root, &b->err) < 0)
        return b->err.code;
    config.root = b->root;
    b->table = NULL;
    r = fl_keytable_open(&config, &b->table, &b->err);
    b->ring = r < 0 ? NULL : fl_keytable_keyring(b->table);
    return r;
}

static void bench_close(struct bench *b)
{
    fl_keytable_free(b->table);
    b->table = NULL;
}

static struct bench bench_new(void)
{
    struct bench b = {.dir = folder_new()};

    if (bench_open(&b, NULL) < 0) {
        printf("Bail out! %s\n", b.err.text);
        exit(1);
    }
    return b;
}

static void bench_done(struct bench *b)
{
    bench_close(b);
    fl_root_free(b->root);
    folder_free(&b->dir);
}

static const unsigned char *id(unsigned n)
{
    static unsigned char ids[4][FL_FILE_ID_BYTES];
    static unsigned turn;
    unsigned char *at = ids[turn++ % 4];

    memset(at, 0, FL_FILE_ID_BYTES);
    memcpy(at, &n, sizeof n);
    return at;
}

static int make(struct bench *b, uint32_t tenant, int32_t day, unsigned n, unsigned char *ret)
{
    unsigned char key[FL_KEY_BYTES];

    return b->ring->ops->file_new(b->ring, tenant, day, id(n), ret == NULL ? key : ret, &b->err);
}

static bool has(struct bench *b, uint32_t tenant, int32_t day, unsigned n,
                const unsigned char *want)
{
    unsigned char key[FL_KEY_BYTES];

    return b->ring != NULL &&
           b->ring->ops->file_get(b->ring, tenant, day, id(n), key, &b->err) == 0 &&
           (want == NULL || memcmp(key, want, sizeof key) == 0);
}

static bool gone(struct bench *b, uint32_t tenant, int32_t day, unsigned n)
{
    unsigned char key[FL_KEY_BYTES];

    return b->ring->ops->file_get(b->ring, tenant, day, id(n), key, &b->err) == FL_E_NOENT;
}

static int destroy(struct bench *b, uint32_t tenant, int32_t day, const unsigned char *file,
                   struct fl_destroyed *ret)
{
    return b->ring->ops->destroy(b->ring, tenant, day, file, "purge", ret, &b->err);
}

static void check_making(void)
{
    struct bench b = bench_new();
    struct fl_keytable_stat stat;
    unsigned char a[FL_KEY_BYTES], c[FL_KEY_BYTES];
    struct stat st;

    CHECK(make(&b, 1, 20000, 1, a) == 0 && make(&b, 2, FL_DAY_NONE, 1, c) == 0, "two files' keys");
    CHECK(memcmp(a, c, sizeof a) != 0, "keys differ");
    CHECK(make(&b, 1, 20000, 1, c) == FL_E_EXISTS, "a known id is refused");
    CHECK(has(&b, 1, 20000, 1, a), "looked up");
    CHECK(gone(&b, 1, 20001, 1) && gone(&b, 3, 20000, 1) && gone(&b, 1, 20000, 2),
          "other day, tenant, id: no key");
    bench_close(&b);
    CHECK(bench_open(&b, NULL) == 0 && has(&b, 1, 20000, 1, a), "the same key after a restart");
    fl_keytable_stat(b.table, &stat);
    CHECK(stat.epoch == 1 && stat.tenants == 2 && stat.days == 2 && stat.files == 2 &&
              strcmp(stat.root_kind, "file") == 0,
          "statistics");
    CHECK(fstatat(b.dir.fd, "root.key", &st, 0) == 0 && (st.st_mode & 0777) == 0600 &&
              st.st_size == 32 && fstatat(b.dir.fd, "table", &st, 0) == 0 &&
              (st.st_mode & 0777) == 0600 && fstatat(b.dir.fd, "epoch", &st, 0) == 0 &&
              (st.st_mode & 0777) == 0600,
          "files may be read by their owner only");
    bench_done(&b);
}

static void check_two_at_once(void)
{
    struct bench b = bench_new();
    struct bench second = {.dir = b.dir, .root = b.root};

    CHECK(bench_open(&second, NULL) == FL_E_EXISTS, "a second process is refused");
    bench_done(&b);
}

/* A file, a day, a tenant: what goes, what stays, also after a restart. */
static void check_destroying(void)
{
    struct bench b = bench_new();
    struct fl_keytable_stat stat;
    struct fl_destroyed d;
    unsigned char k[8][FL_KEY_BYTES];

    (void)make(&b, 1, 10, 1, k[1]);
    (void)make(&b, 1, 10, 2, k[2]);
    (void)make(&b, 1, 11, 3, k[3]);
    (void)make(&b, 2, 10, 4, k[4]);
    (void)make(&b, 1, FL_DAY_NONE, 5, k[5]);
    CHECK(destroy(&b, 1, 10, id(1), &d) == 0 && d.keys == 1 && d.epoch == 2 &&
              d.at_us == clock_us() && strcmp(d.root_kind, "file") == 0,
          "one file");
    CHECK(fl_destroyed_verify(1, 10, id(1), "purge", &d, sign_public, &b.err) == 0,
          "its certificate is signed");
    d.keys++;
    CHECK(fl_destroyed_verify(1, 10, id(1), "purge", &d, sign_public, &b.err) == FL_E_DENIED,
          "a changed certificate is not");
    CHECK(gone(&b, 1, 10, 1) && has(&b, 1, 10, 2, k[2]) && has(&b, 1, 11, 3, k[3]) &&
              has(&b, 2, 10, 4, k[4]) && has(&b, 1, FL_DAY_NONE, 5, k[5]),
          "the others stay");
    CHECK(make(&b, 1, 10, 6, k[6]) == 0, "a new file of that day");
    bench_close(&b);
    CHECK(bench_open(&b, NULL) == 0 && gone(&b, 1, 10, 1) && has(&b, 1, 10, 2, k[2]) &&
              has(&b, 1, 10, 6, k[6]) && has(&b, 2, 10, 4, k[4]),
          "the same after a restart");
    CHECK(destroy(&b, 1, 10, NULL, &d) == 0 && d.keys == 2 && d.epoch == 3, "a day");
    CHECK(gone(&b, 1, 10, 2) && gone(&b, 1, 10, 6) && has(&b, 1, 11, 3, k[3]), "only that day");
    (void)make(&b, 1, 12, 7, NULL);
    fl_keytable_stat(b.table, &stat);
    CHECK(stat.days == 4 && destroy(&b, 1, 12, id(7), &d) == 0 && d.epoch == 4,
          "a day's last file");
    fl_keytable_stat(b.table, &stat);
    CHECK(stat.days == 3, "takes the day's key along");
    CHECK(destroy(&b, 1, FL_DAY_NONE, NULL, &d) == 0 && d.keys == 2 && d.epoch == 5, "a tenant");
    CHECK(gone(&b, 1, 11, 3) && gone(&b, 1, FL_DAY_NONE, 5) && has(&b, 2, 10, 4, k[4]),
          "only that tenant");
    CHECK(destroy(&b, 1, 11, NULL, &d) == 0 && d.keys == 0 && d.epoch == 5 &&
              fl_destroyed_verify(1, 11, NULL, "purge", &d, sign_public, &b.err) == 0,
          "what is not there: 0 keys, no new epoch, signed");
    bench_close(&b);
    CHECK(bench_open(&b, NULL) == 0 && has(&b, 2, 10, 4, k[4]) && gone(&b, 1, 11, 3),
          "the same after a restart");
    bench_done(&b);
}

/* ---- several files in one epoch ---- */

static struct fl_key_file file_of(int32_t day, unsigned n)
{
    struct fl_key_file file = {.day = day};

    memcpy(file.file_id, id(n), FL_FILE_ID_BYTES);
    return file;
}

static int destroy_list(struct bench *b, uint32_t tenant, const struct fl_key_file *files,
                        uint32_t count, struct fl_destroyed *ret)
{
    return b->ring->ops->destroy_files(b->ring, tenant, files, count, "erasure", ret, &b->err);
}

static const unsigned char list_of_two[1]; /* in place of a file: one of day 10, one of day 11 */

static int destroy_some(struct bench *b, int32_t day, const unsigned char *file,
                        struct fl_destroyed *ret)
{
    struct fl_key_file both[2];

    if (file != list_of_two)
        return destroy(b, 1, day, file, ret);
    both[0] = file_of(11, 3);
    both[1] = file_of(10, 1);
    return destroy_list(b, 1, both, 2, ret);
}

static void check_destroying_files(void)
{
    struct bench b = bench_new();
    struct fl_keytable_stat stat;
    struct fl_destroyed d, other;
    unsigned char k[8][FL_KEY_BYTES];
    /* 1 and 2 of day 10 (3 stays), the only one of day 11, one of no day, one that is not there. */
    struct fl_key_file list[] = {file_of(11, 4), file_of(10, 2),  file_of(FL_DAY_NONE, 5),
                                 file_of(10, 1), file_of(10, 99), file_of(10, 2)};
    struct fl_key_file turned[] = {list[5], list[4], list[3], list[2], list[0]};
    struct fl_key_file *many;

    (void)make(&b, 1, 10, 1, k[1]);
    (void)make(&b, 1, 10, 2, k[2]);
    (void)make(&b, 1, 10, 3, k[3]);
    (void)make(&b, 1, 11, 4, k[4]);
    (void)make(&b, 1, FL_DAY_NONE, 5, k[5]);
    (void)make(&b, 2, 10, 1, k[6]);
    (void)make(&b, 1, 12, 7, k[7]);
    CHECK(destroy_list(&b, 1, list, 6, &d) == 0 && d.keys == 4 && d.epoch == 2 &&
              d.at_us == clock_us() && strcmp(d.root_kind, "file") == 0,
          "several files: one epoch, what is not there counts nothing");
    CHECK(gone(&b, 1, 10, 1) && gone(&b, 1, 10, 2) && gone(&b, 1, 11, 4) &&
              gone(&b, 1, FL_DAY_NONE, 5),
          "all of the list are gone");
    CHECK(has(&b, 1, 10, 3, k[3]) && has(&b, 2, 10, 1, k[6]) && has(&b, 1, 12, 7, k[7]),
          "the others stay: of a touched day, of another day, of another tenant");
    fl_keytable_stat(b.table, &stat);
    CHECK(stat.days == 4 && stat.files == 3 && stat.lost == 0, "days without a file went too");
    CHECK(fl_destroyed_files_verify(1, list, 6, "erasure", &d, sign_public, &b.err) == 0 &&
              fl_destroyed_files_verify(1, turned, 5, "erasure", &d, sign_public, &b.err) == 0,
          "the certificate is signed, whatever the order of the list");
    other = d;
    other.keys++;
    CHECK(fl_destroyed_files_verify(1, list, 6, "erasure", &other, sign_public, &b.err) ==
                  FL_E_DENIED &&
              fl_destroyed_files_verify(2, list, 6, "erasure", &d, sign_public, &b.err) ==
                  FL_E_DENIED &&
              fl_destroyed_files_verify(1, list, 4, "erasure", &d, sign_public, &b.err) ==
                  FL_E_DENIED &&
              fl_destroyed_files_verify(1, list, 6, "purge", &d, sign_public, &b.err) ==
                  FL_E_DENIED,
          "and stands for this list, tenant, number and reason only");
    bench_close(&b);
    CHECK(bench_open(&b, NULL) == 0 && gone(&b, 1, 10, 1) && gone(&b, 1, 11, 4) &&
              has(&b, 1, 10, 3, k[3]) && has(&b, 2, 10, 1, k[6]) && has(&b, 1, 12, 7, k[7]),
          "the same after a restart");
    CHECK(destroy_list(&b, 1, list, 6, &d) == 0 && d.keys == 0 && d.epoch == 2 &&
              fl_destroyed_files_verify(1, list, 6, "erasure", &d, sign_public, &b.err) == 0,
          "once more: 0 keys, no new epoch, signed");
    CHECK(destroy_list(&b, 1, NULL, 0, &d) == 0 && d.keys == 0 && d.epoch == 2, "an empty list");
    many = calloc(FL_KEY_FILES_MAX + 1, sizeof *many);
    CHECK(many != NULL && destroy_list(&b, 1, many, FL_KEY_FILES_MAX + 1, &d) == FL_E_LIMIT,
          "a list over the limit is refused");
    free(many);
    bench_done(&b);
}

/* Give every epoch number in the table this value, with right checksums: what a forger would do. */
static void forge_epoch(const struct folder *dir, uint32_t epoch)
{
    struct fl_buf bytes;

    fl_buf_init(&bytes, 1 << 20);
    if (fl_file_read(dir->fd, FL_KEYDISK_TABLE, &bytes, NULL) < 0)
        abort();
    memcpy(bytes.ptr + 12, &epoch, 4);
    for (size_t at = FL_KEYFRAME_HEADER_BYTES; at < bytes.len;) {
        unsigned char hash[crypto_hash_sha256_BYTES];
        uint32_t len;

        memcpy(&len, bytes.ptr + at + 4, 4);
        memcpy(bytes.ptr + at + 8, &epoch, 4);
        (void)crypto_hash_sha256(hash, bytes.ptr + at, 12 + len);
        memcpy(bytes.ptr + at + 12 + len, hash, 8);
        at += FL_KEYFRAME_EXTRA_BYTES + len;
    }
    if (fl_file_write(dir->fd, FL_KEYDISK_TABLE, fl_buf_span(&bytes), 0600, NULL) < 0)
        abort();
    fl_buf_done(&bytes);
}

/* The promise itself: an old copy of the table, today's epoch file and root key. */
static void check_old_copy(const char *what, int32_t day, const unsigned char *file)
{
    struct bench b = bench_new();
    struct folder old = folder_new();
    struct fl_destroyed d;
    char name[100];
    unsigned char survivor[FL_KEY_BYTES];

    (void)make(&b, 1, 10, 1, NULL);
    (void)make(&b, 1, 10, 2, NULL);
    (void)make(&b, 2, 10, 3, survivor);
    folder_copy(&b.dir, FL_KEYDISK_TABLE, &old);
    folder_copy(&b.dir, FL_KEYDISK_EPOCH, &old);
    (void)destroy(&b, 1, day, file, &d);
    bench_close(&b);
    folder_copy(&b.dir, "root.key", &old);
    (void)snprintf(name, sizeof name, "%s: with its own epoch file an old table would open", what);
    {
        struct bench thief = {.dir = old};

        CHECK(bench_open(&thief, NULL) == 0 && has(&thief, 1, 10, 1, NULL), name);
        bench_close(&thief);
        fl_root_free(thief.root);
    }
    folder_copy(&b.dir, FL_KEYDISK_EPOCH, &old);
    {
        struct bench thief = {.dir = old};

        (void)snprintf(name, sizeof name, "%s: with today's it does not, and says so", what);
        CHECK(bench_open(&thief, NULL) == FL_E_CORRUPT &&
                  strstr(thief.err.text, "old copy opens nothing") != NULL,
              name);
        forge_epoch(&old, 2);
        (void)snprintf(name, sizeof name, "%s: nor when its epoch is forged", what);
        CHECK(bench_open(&thief, NULL) == FL_E_CORRUPT &&
                  strstr(thief.err.text, "not wrapped by this key") != NULL,
              name);
        fl_root_free(thief.root);
    }
    (void)snprintf(name, sizeof name, "%s: the true table opens, with what survived", what);
    CHECK(bench_open(&b, NULL) == 0 && gone(&b, 1, 10, 1) && has(&b, 2, 10, 3, survivor), name);
    folder_free(&old);
    bench_done(&b);
}

enum { OLD_FILE = 1, OLD_DAY = 2, OLD_TENANT = 4 };

/* Append to today's table, as a sound frame of today's epoch, records from an old copy. */
static void graft(const struct folder *dir, const struct fl_keymap *old, int what)
{
    const struct fl_keymap_tenant *tenant = fl_keymap_tenant(old, 1);
    const struct fl_keymap_day *day = fl_keymap_day(tenant, 10);
    const unsigned char *file = id(1);
    struct fl_buf bytes, frame;

    fl_buf_init(&bytes, 1 << 20);
    fl_buf_init(&frame, 1 << 20);
    fl_keyframe_begin(&frame, 2);
    if ((what & OLD_TENANT) != 0)
        fl_keyframe_tenant(&frame, 1, tenant->wrap);
    if ((what & OLD_DAY) != 0)
        fl_keyframe_day(&frame, 1, 10, day->wrap);
    fl_keyframe_file(&frame, 1, 10, file, fl_keymap_file(old, day, file)->wrap);
    if (fl_keyframe_end(&frame, NULL) < 0 ||
        fl_file_read(dir->fd, FL_KEYDISK_TABLE, &bytes, NULL) < 0)
        abort();
    fl_buf_put_span(&bytes, fl_buf_span(&frame));
    if (fl_file_write(dir->fd, FL_KEYDISK_TABLE, fl_buf_span(&bytes), 0600, NULL) < 0)
        abort();
    fl_buf_done(&bytes);
    fl_buf_done(&frame);
}

/*
 * Old and new put together: each key above what was destroyed must be another one now, or an old
 * record would open under it.
 */
static void check_grafted(const char *what, int32_t day, const unsigned char *file, int with)
{
    struct bench b = bench_new();
    struct fl_keyframe_report report;
    struct fl_destroyed d;
    struct fl_buf bytes;
    struct fl_keymap old;
    unsigned char key[FL_KEY_BYTES], was[FL_KEY_BYTES];
    char name[100];
    int r;

    fl_keymap_init(&old);
    fl_buf_init(&bytes, 1 << 20);
    (void)make(&b, 1, 10, 1, was);
    (void)make(&b, 1, 10, 2, NULL);
    (void)make(&b, 1, 11, 3, NULL);
    if (fl_file_read(b.dir.fd, FL_KEYDISK_TABLE, &bytes, NULL) < 0 ||
        fl_keyframe_replay(fl_buf_span(&bytes), 1, &old, &report, NULL) < 0)
        abort();
    (void)destroy_some(&b, day, file, &d);
    bench_close(&b);
    graft(&b.dir, &old, with);
    r = bench_open(&b, NULL);
    if (r == 0)
        r = b.ring->ops->file_get(b.ring, 1, 10, id(1), key, &b.err);
    (void)snprintf(name, sizeof name,
                   "%s destroyed: its old record (%d) in today's table opens not", what, with);
    CHECK(r == FL_E_CORRUPT, name);
    fl_keymap_done(&old);
    fl_buf_done(&bytes);
    bench_done(&b);
}

static int read_epoch(const struct bench *b, uint32_t *ret_epoch, unsigned char *ret_key)
{
    struct fl_keydisk disk = {.dir_fd = b->dir.fd, .root = b->root, .lock_fd = -1, .fd = -1};
    struct fl_err err;

    return fl_keydisk_read_epoch(&disk, ret_epoch, ret_key, &err);
}

/* Additional data as FORMAT.md has it, written down a second time. */
static int open_as_documented(const unsigned char *under, int level, uint32_t epoch,
                              uint32_t tenant, uint32_t day, const unsigned char *file,
                              const unsigned char *wrap, unsigned char *ret)
{
    unsigned char bound[48] = "fairlead key 1";

    bound[14] = (unsigned char)level;
    memcpy(bound + 16, &epoch, 4);
    memcpy(bound + 20, &tenant, 4);
    memcpy(bound + 24, &day, 4);
    if (file != NULL)
        memcpy(bound + 28, file, 16);
    return fl_wrap_open(under, fl_span_of(bound, sizeof bound), fl_span_of(wrap, 60), ret, NULL);
}

static int walk(const unsigned char *epoch_key, uint32_t epoch, const struct fl_keymap *map,
                unsigned char *ret)
{
    const struct fl_keymap_tenant *tenant = fl_keymap_tenant(map, 1);
    const struct fl_keymap_day *day = fl_keymap_day(tenant, 10);
    const unsigned char *file = id(1);
    unsigned char t[32], d[32];
    int r = open_as_documented(epoch_key, 2, epoch, 1, 0, NULL, tenant->wrap, t);

    if (r == 0)
        r = open_as_documented(t, 3, 0, 1, 10, NULL, day->wrap, d);
    if (r == 0)
        r = open_as_documented(d, 4, 0, 1, 10, file, fl_keymap_file(map, day, file)->wrap, ret);
    return r;
}

/* A reader of one's own, with no checks at all: it opens today's files, and not the old ones. */
static void check_documented(void)
{
    struct bench b = bench_new();
    unsigned char before[32], after[32], key[FL_KEY_BYTES], got[FL_KEY_BYTES];
    struct fl_keyframe_report report;
    struct fl_destroyed d;
    struct fl_keymap map;
    struct fl_buf bytes;
    uint32_t epoch = 0;

    fl_keymap_init(&map);
    fl_buf_init(&bytes, 1 << 20);
    (void)make(&b, 1, 10, 1, key);
    if (fl_file_read(b.dir.fd, FL_KEYDISK_TABLE, &bytes, NULL) < 0 ||
        fl_keyframe_replay(fl_buf_span(&bytes), 1, &map, &report, NULL) < 0)
        abort();
    CHECK(read_epoch(&b, &epoch, before) == 0 && epoch == 1 && walk(before, 1, &map, got) == 0 &&
              memcmp(got, key, sizeof key) == 0,
          "a key opens from the root down, as FORMAT.md says");
    (void)destroy(&b, 1, 10, id(1), &d);
    CHECK(read_epoch(&b, &epoch, after) == 0 && epoch == 2 && memcmp(before, after, 32) != 0 &&
              walk(after, 1, &map, got) != 0 && walk(after, 2, &map, got) != 0,
          "the epoch key is another one after a destruction");
    CHECK(walk(before, 2, &map, got) != 0, "and a tenant's key is bound to its epoch");
    fl_keymap_done(&map);
    fl_buf_done(&bytes);
    bench_done(&b);
}

/* An old epoch file beside today's table is refused too, and nothing is cut off. */
static void check_old_epoch(void)
{
    struct bench b = bench_new();
    struct folder old = folder_new(), now = folder_new();
    struct fl_destroyed d;

    (void)make(&b, 1, 10, 1, NULL);
    (void)make(&b, 1, 10, 2, NULL);
    folder_copy(&b.dir, FL_KEYDISK_EPOCH, &old);
    (void)destroy(&b, 1, 10, id(1), &d);
    (void)make(&b, 1, 10, 3, NULL);
    bench_close(&b);
    folder_copy(&b.dir, FL_KEYDISK_EPOCH, &now);
    folder_copy(&old, FL_KEYDISK_EPOCH, &b.dir);
    CHECK(bench_open(&b, NULL) == FL_E_CORRUPT && strstr(b.err.text, "older") != NULL,
          "an old epoch file is refused");
    folder_copy(&now, FL_KEYDISK_EPOCH, &b.dir);
    CHECK(bench_open(&b, NULL) == 0 && has(&b, 1, 10, 2, NULL) && has(&b, 1, 10, 3, NULL),
          "and nothing was lost by trying");
    bench_close(&b);
    (void)unlinkat(b.dir.fd, FL_KEYDISK_EPOCH, 0);
    CHECK(bench_open(&b, NULL) == FL_E_NOENT && strstr(b.err.text, "epoch is missing") != NULL,
          "a missing epoch file is named");
    folder_copy(&now, FL_KEYDISK_EPOCH, &b.dir);
    (void)unlinkat(b.dir.fd, FL_KEYDISK_TABLE, 0);
    CHECK(bench_open(&b, NULL) == FL_E_NOENT && strstr(b.err.text, "table is missing") != NULL,
          "a missing table is named");
    folder_free(&old);
    folder_free(&now);
    bench_done(&b);
}

/* Nothing stands behind the part that counts. */
static bool size_fits(const struct bench *b)
{
    struct fl_keytable_stat stat;
    struct stat st;

    fl_keytable_stat(b->table, &stat);
    return fstatat(b->dir.fd, FL_KEYDISK_TABLE, &st, 0) == 0 &&
           (uint64_t)st.st_size == stat.file_bytes;
}

/* Crash before each step of a destruction: a restart finds it done or not begun, never between. */
static void check_crashes(const char *what, int32_t day, const unsigned char *file)
{
    int done = 0, undone = 0, at = 0;
    struct stop stop;
    char name[120];

    do {
        struct bench b = bench_new();
        struct fl_destroyed d;
        unsigned char k[3][FL_KEY_BYTES];
        int r;

        (void)make(&b, 1, 10, 1, k[0]);
        (void)make(&b, 1, 10, 2, k[1]);
        (void)make(&b, 2, 10, 3, k[2]);
        (void)make(&b, 1, 11, 3, NULL);
        bench_close(&b);
        stop = (struct stop){.at = ++at};
        if (bench_open(&b, &stop) < 0)
            abort();
        r = destroy_some(&b, day, file, &d);
        if (stop.what[0] == '\0') {
            CHECK(r == 0 && gone(&b, 1, 10, 1), "without a crash it is done");
            bench_done(&b);
            break;
        }
        CHECK(r == FL_E_IO && make(&b, 1, 10, 9, NULL) == FL_E_IO,
              "a table whose disk is not known refuses further work");
        bench_close(&b);
        r = bench_open(&b, NULL);
        (void)snprintf(name, sizeof name, "%s, stopped before '%s': a restart opens", what,
                       stop.what);
        CHECK(r == 0 && has(&b, 2, 10, 3, k[2]) && size_fits(&b), name);
        if (r == 0 && gone(&b, 1, 10, 1))
            done++;
        else if (has(&b, 1, 10, 1, k[0]) && has(&b, 1, 10, 2, k[1]))
            undone++;
        CHECK(destroy_some(&b, day, file, &d) == 0 && gone(&b, 1, 10, 1) &&
                  make(&b, 1, 10, 7, NULL) == 0,
              "and the destruction can be asked again");
        bench_close(&b);
        CHECK(bench_open(&b, NULL) == 0 && gone(&b, 1, 10, 1) && has(&b, 1, 10, 7, NULL),
              "and holds");
        bench_done(&b);
    } while (at < 50);
    (void)snprintf(name, sizeof name, "%s: %d crashes left it undone, %d done", what, undone, done);
    CHECK(undone == 4 && done == 1 && at == 6, name);
}

/* A crash while the first table is made. */
static void check_first_crashes(void)
{
    struct stop stop;
    int at = 0;

    do {
        struct bench b = {.dir = folder_new()};

        stop = (struct stop){.at = ++at};
        if (bench_open(&b, &stop) == 0) {
            bench_done(&b);
            break;
        }
        CHECK(bench_open(&b, NULL) == 0 && make(&b, 1, 1, 1, NULL) == 0, stop.what);
        bench_done(&b);
    } while (at < 50);
    CHECK(at == 5, "four places to crash in when beginning");
}

/* The last frame cut at every byte: everything before it opens. One byte inside changed: refused.
 */
static void check_torn(void)
{
    struct bench b = bench_new();
    struct fl_keytable_stat before, after;
    struct fl_buf bytes;
    unsigned char k[FL_KEY_BYTES];
    int bad = 0, silent = 0;

    (void)make(&b, 1, 10, 1, k);
    fl_keytable_stat(b.table, &before);
    (void)make(&b, 1, 10, 2, NULL);
    fl_keytable_stat(b.table, &after);
    bench_close(&b);
    fl_buf_init(&bytes, 1 << 20);
    if (fl_file_read(b.dir.fd, FL_KEYDISK_TABLE, &bytes, &b.err) < 0)
        abort();
    for (size_t len = before.file_bytes; len < after.file_bytes; len++) {
        if (fl_file_write(b.dir.fd, FL_KEYDISK_TABLE, fl_span_of(bytes.ptr, len), 0600, NULL) < 0)
            abort();
        bad += bench_open(&b, NULL) < 0 || !has(&b, 1, 10, 1, k) || !gone(&b, 1, 10, 2) ||
               make(&b, 1, 10, 2, NULL) < 0;
        bench_close(&b);
    }
    CHECK(bad == 0, "an append cut at any byte is dropped, and the next one holds");
    for (size_t at = 0; at < before.file_bytes; at++) {
        bytes.ptr[at] ^= 0x40;
        if (fl_file_write(b.dir.fd, FL_KEYDISK_TABLE, fl_buf_span(&bytes), 0600, NULL) < 0)
            abort();
        silent += bench_open(&b, NULL) == 0;
        bench_close(&b);
        bytes.ptr[at] ^= 0x40;
    }
    CHECK(silent == 0, "any byte changed before the last frame is noticed");
    fl_buf_done(&bytes);
    bench_done(&b);
}

/* Many destructions: the file stays small, and a crash while it is rewritten loses nothing. */
static void check_rewriting(void)
{
    struct bench b = bench_new();
    struct fl_keytable_stat stat;
    uint64_t most = 0;
    unsigned char k[FL_KEY_BYTES];
    struct fl_destroyed d;
    int bad = 0, crashes = 0;

    (void)make(&b, 7, 7, 7, k);
    for (unsigned i = 0; i < 3000; i++)
        bad += make(&b, 1, 10, i, NULL) < 0;
    for (unsigned i = 0; i < 10; i++)
        bad += destroy(&b, 1, 10, id(i), &d) < 0;
    for (unsigned i = 10; i < 20; i++) {
        struct stop stop = {.at = (int)(i - 10) + 6}; /* the first five are the destruction's own */

        bench_close(&b);
        bad += bench_open(&b, &stop) < 0;
        if (b.ring == NULL || destroy(&b, 1, 10, id(i), &d) < 0 || stop.what[0] != '\0') {
            crashes += stop.what[0] != '\0';
            bench_close(&b);
            bad += bench_open(&b, NULL) < 0;
        }
        bad += !gone(&b, 1, 10, i) || !has(&b, 1, 10, 2999, NULL) || !has(&b, 7, 7, 7, k);
        fl_keytable_stat(b.table, &stat);
        most = stat.file_bytes > most ? stat.file_bytes : most;
    }
    fl_keytable_stat(b.table, &stat);
    CHECK(bad == 0 && crashes > 0, "keys survive rewriting, also when it is cut off");
    CHECK(stat.files == 2981 && most <= 2 * stat.live_bytes + (2 << 20), "the file stays small");
    bench_done(&b);
}

/* No room for an append: it fails whole, and goes on when there is room again. */
static void check_full(void)
{
    struct bench b = bench_new();
    struct fl_keytable_stat stat;
    struct fl_destroyed d;
    unsigned char k[FL_KEY_BYTES];
    int bad = 0;

    (void)make(&b, 1, 10, 1, k);
    fl_keytable_stat(b.table, &stat);
    for (uint64_t more = 0; more < 94; more += 3) { /* the smallest frame of the two */
        folder_full_at(stat.file_bytes + more);
        bad += make(&b, 1, 10, 2, NULL) != FL_E_IO || destroy(&b, 1, 10, NULL, &d) != FL_E_IO ||
               !has(&b, 1, 10, 1, k) || !gone(&b, 1, 10, 2);
    }
    folder_full_at(RLIM_INFINITY);
    CHECK(bad == 0, "a full disk: nothing is half done");
    CHECK(make(&b, 1, 10, 2, NULL) == 0 && destroy(&b, 1, 10, id(2), &d) == 0 && size_fits(&b),
          "and it goes on when there is room");
    bench_close(&b);
    CHECK(bench_open(&b, NULL) == 0 && has(&b, 1, 10, 1, k), "also after a restart");
    bench_done(&b);
}

struct worker {
    struct bench *b;
    uint32_t tenant;
    int bad;
};

/* Make, look up, destroy, as store's threads do, each with its own tenant. */
static void *work(void *ctx)
{
    struct worker *w = ctx;
    struct fl_keyring *ring = w->b->ring;

    for (int i = 0; i < 100; i++) {
        unsigned char made[FL_KEY_BYTES], got[FL_KEY_BYTES], file[FL_FILE_ID_BYTES];
        struct fl_destroyed d;
        struct fl_err err;

        fl_random(file, sizeof file);
        w->bad += ring->ops->file_new(ring, w->tenant, i % 3, file, made, &err) < 0;
        w->bad += ring->ops->file_get(ring, w->tenant, i % 3, file, got, &err) < 0 ||
                  memcmp(made, got, sizeof made) != 0;
        if (i % 10 == 9)
            w->bad += ring->ops->destroy(ring, w->tenant, i % 3, file, "", &d, &err) < 0 ||
                      d.keys != 1 ||
                      ring->ops->file_get(ring, w->tenant, i % 3, file, got, &err) != FL_E_NOENT;
    }
    return NULL;
}

static void check_threads(void)
{
    struct bench b = bench_new();
    struct fl_keytable_stat stat;
    struct worker w[4];
    pthread_t threads[4];
    int bad = 0;

    for (uint32_t i = 0; i < 4; i++) {
        w[i] = (struct worker){.b = &b, .tenant = i};
        if (pthread_create(&threads[i], NULL, work, &w[i]) != 0)
            abort();
    }
    for (int i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
        bad += w[i].bad;
    }
    bench_close(&b);
    CHECK(bad == 0 && bench_open(&b, NULL) == 0, "four threads at once");
    fl_keytable_stat(b.table, &stat);
    CHECK(stat.files == 4 * 90 && stat.epoch == 41, "and all they did is in the file");
    bench_done(&b);
}

static void check_root(void)
{
    struct folder dir = folder_new();
    struct bench other = bench_new();
    struct fl_root *root = NULL;
    struct fl_err err;

    CHECK(fl_root_file_open(dir.fd, false, &root, &err) == FL_E_NOENT, "no root key, none made");
    CHECK(fl_root_file_open(dir.fd, true, &root, &err) == 0, "made");
    fl_root_free(root);
    if (fchmodat(dir.fd, FL_ROOT_FILE, 0640, 0) < 0)
        abort();
    CHECK(fl_root_file_open(dir.fd, true, &root, &err) == FL_E_DENIED &&
              strstr(err.text, "mode 640") != NULL,
          "a root key that others may read is refused");
    if (fl_file_write(dir.fd, FL_ROOT_FILE, FL_SPAN("short"), 0600, &err) < 0)
        abort();
    CHECK(fl_root_file_open(dir.fd, true, &root, &err) == FL_E_CORRUPT, "a short one too");
    (void)unlinkat(dir.fd, FL_ROOT_FILE, 0);
    CHECK(symlinkat("/dev/zero", dir.fd, FL_ROOT_FILE) == 0 &&
              fl_root_file_open(dir.fd, true, &root, &err) < 0,
          "and a link");
    bench_close(&other);
    fl_root_free(other.root);
    other.root = NULL;
    (void)unlinkat(other.dir.fd, FL_ROOT_FILE, 0);
    CHECK(bench_open(&other, NULL) == FL_E_CORRUPT &&
              strstr(other.err.text, "does not open under this root key") != NULL,
          "another root key opens nothing");
    folder_free(&dir);
    bench_done(&other);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    (void)crypto_sign_keypair(sign_public, sign_secret);
    check_making();
    check_two_at_once();
    check_destroying();
    check_destroying_files();
    check_old_copy("file", 10, id(1));
    check_old_copy("day", 10, NULL);
    check_old_copy("tenant", FL_DAY_NONE, NULL);
    check_grafted("file", 10, id(1), OLD_FILE);
    check_grafted("file", 10, id(1), OLD_DAY | OLD_FILE);
    check_grafted("file", 10, id(1), OLD_TENANT | OLD_DAY | OLD_FILE);
    check_grafted("day", 10, NULL, OLD_DAY | OLD_FILE);
    check_grafted("day", 10, NULL, OLD_TENANT | OLD_DAY | OLD_FILE);
    check_grafted("tenant", FL_DAY_NONE, NULL, OLD_TENANT | OLD_DAY | OLD_FILE);
    check_grafted("list", 10, list_of_two, OLD_FILE);
    check_grafted("list", 10, list_of_two, OLD_DAY | OLD_FILE);
    check_grafted("list", 10, list_of_two, OLD_TENANT | OLD_DAY | OLD_FILE);
    check_documented();
    check_old_epoch();
    check_crashes("file", 10, (const unsigned char *)"\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    check_crashes("day", 10, NULL);
    check_crashes("tenant", FL_DAY_NONE, NULL);
    check_crashes("list", 10, list_of_two);
    check_first_crashes();
    check_torn();
    check_rewriting();
    check_full();
    check_threads();
    check_root();
    return tap_done();
}
