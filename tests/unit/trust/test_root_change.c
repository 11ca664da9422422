#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "tap.h"
#include "trust/keydisk.h"
#include "trust/root_change.h"
#include "unit/trust/folder.h"

enum { NOW = 1000 };

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
    struct folder keys, dir;
    struct fl_root *root;
    struct fl_secrets *secrets;
    struct fl_grants *grants;
    struct fl_keytable *table;
    struct fl_ledger *ledger;
    struct fl_err err;
};

static unsigned char sign_secret[64];

static int open_all(struct bench *b, bool create, struct stop *stop)
{
    struct fl_keytable_config config = {.dir_fd = b->keys.fd,
                                        .sign_secret = sign_secret,
                                        .now_us = clock_us,
                                        .step = stop == NULL ? NULL : stop_at,
                                        .step_ctx = stop};
    struct fl_ledger_config ledger = {
        .dir_fd = b->dir.fd, .head_fd = b->keys.fd, .now_us = clock_us};
    int r = fl_root_change_recover(b->keys.fd, b->dir.fd, &b->err);

    if (r == 0)
        r = fl_root_file_open(b->keys.fd, create, &b->root, &b->err);
    config.root = ledger.root = b->root;
    if (r == 0)
        r = fl_secrets_open(b->keys.fd, b->root, &b->secrets, &b->err);
    if (r == 0)
        r = fl_keytable_open(&config, &b->table, &b->err);
    if (r == 0)
        r = fl_grants_open(b->keys.fd, b->root, &b->grants, &b->err);
    if (r == 0)
        r = fl_ledger_open(&ledger, &b->ledger, &b->err);
    return r;
}

static void close_all(struct bench *b)
{
    fl_keytable_free(b->table);
    fl_secrets_free(b->secrets);
    fl_grants_free(b->grants);
    fl_ledger_free(b->ledger);
    fl_root_free(b->root);
    b->table = NULL;
    b->secrets = NULL;
    b->grants = NULL;
    b->ledger = NULL;
    b->root = NULL;
}

static const unsigned char file_id[FL_FILE_ID_BYTES] = "a file of day 10";

struct known {
    unsigned char key[FL_KEY_BYTES], secret[32];
};

static struct bench bench_new(struct known *ret)
{
    struct bench b = {.keys = folder_new(), .dir = folder_new()};
    struct fl_keyring *ring;
    uint64_t number;

    if (open_all(&b, true, NULL) < 0) {
        printf("Bail out! %s\n", b.err.text);
        exit(1);
    }
    ring = fl_keytable_keyring(b.table);
    if (ring->ops->file_new(ring, 1, 10, file_id, ret->key, &b.err) < 0 ||
        fl_secrets_random(b.secrets, "some", ret->secret, 32, &b.err) < 0 ||
        fl_grants_set(b.grants, 7, 5000, NOW, &b.err) < 0 ||
        fl_ledger_add(b.ledger, FL_LEDGER_ERASE, 0, FL_SPAN("somebody"), &number, &b.err) < 0 ||
        fl_ledger_add(b.ledger, FL_LEDGER_DONE, 1, FL_SPAN("receipt"), &number, &b.err) < 0)
        abort();
    return b;
}

static void bench_done(struct bench *b)
{
    close_all(b);
    folder_free(&b->keys);
    folder_free(&b->dir);
}

static bool all_there(struct bench *b, const struct known *known)
{
    struct fl_keyring *ring = b->table == NULL ? NULL : fl_keytable_keyring(b->table);
    struct fl_ledger_entry entry;
    unsigned char key[FL_KEY_BYTES], secret[32];
    struct fl_buf text;
    bool ok;

    fl_buf_init(&text, 1000);
    ok = ring != NULL && ring->ops->file_get(ring, 1, 10, file_id, key, &b->err) == 0 &&
         memcmp(key, known->key, sizeof key) == 0 &&
         fl_secrets_random(b->secrets, "some", secret, 32, &b->err) == 0 &&
         memcmp(secret, known->secret, 32) == 0 && fl_grants_until(b->grants, 7, NOW) == 5000 &&
         fl_ledger_get(b->ledger, 1, &entry, &text, &b->err) == 0 &&
         fl_span_eq(entry.text, FL_SPAN("somebody"));
    fl_buf_done(&text);
    return ok;
}

static int change(struct bench *b, struct stop *stop)
{
    struct fl_root_change c = {.dir_fd = b->keys.fd,
                               .ledger_fd = b->dir.fd,
                               .table = b->table,
                               .secrets = b->secrets,
                               .grants = b->grants,
                               .ledger = b->ledger,
                               .step = stop == NULL ? NULL : stop_at,
                               .step_ctx = stop};

    return fl_root_change(&c, &b->err);
}

static void root_of(const struct bench *b, unsigned char ret[FL_KEY_BYTES])
{
    struct fl_buf text;

    fl_buf_init(&text, FL_KEY_BYTES);
    if (fl_file_read(b->keys.fd, FL_ROOT_FILE, &text, NULL) < 0 || text.len != FL_KEY_BYTES)
        abort();
    memcpy(ret, text.ptr, FL_KEY_BYTES);
    fl_buf_done(&text);
}

static bool leftovers(const struct bench *b)
{
    static const char *const names[] = {"root.key.next", "secrets.next", "grants.next",
                                        "ledger.head.next", "epoch.next"};
    bool any = faccessat(b->dir.fd, "key.next", F_OK, 0) == 0;

    for (size_t i = 0; i < FL_LEN(names); i++)
        any = any || faccessat(b->keys.fd, names[i], F_OK, 0) == 0;
    return any;
}

static void check_change(void)
{
    static const char *const names[] = {"secrets", "grants", "ledger.head", "epoch", "table"};
    struct known known;
    struct bench b = bench_new(&known);
    struct folder old = folder_new();
    unsigned char before[FL_KEY_BYTES], after[FL_KEY_BYTES];
    struct fl_keytable_stat stat;
    struct stat st;

    for (size_t i = 0; i < FL_LEN(names); i++)
        folder_copy(&b.keys, names[i], &old);
    folder_copy(&b.keys, FL_ROOT_FILE, &old);
    root_of(&b, before);
    CHECK(change(&b, NULL) == 0 && !leftovers(&b), "a new root key");
    root_of(&b, after);
    CHECK(memcmp(before, after, sizeof after) != 0 &&
              fstatat(b.keys.fd, FL_ROOT_FILE, &st, 0) == 0 && (st.st_mode & 0777) == 0600,
          "is another one, for its owner only");
    close_all(&b);
    CHECK(open_all(&b, false, NULL) == 0 && all_there(&b, &known), "everything opens under it");
    fl_keytable_stat(b.table, &stat);
    CHECK(stat.epoch == 2 && stat.files == 1, "in a new epoch");
    close_all(&b);
    folder_copy(&old, FL_ROOT_FILE, &b.keys);
    CHECK(open_all(&b, false, NULL) < 0, "the old root key does not open the folder");
    for (size_t i = 0; i < FL_LEN(names); i++) { /* nor with what else stood there */
        close_all(&b);
        folder_copy(&old, names[i], &b.keys);
        CHECK(open_all(&b, false, NULL) < 0, "nor with an old file more put beside it");
    }
    folder_free(&old);
    bench_done(&b);
}

/* Each key above the files is a new one: who knew the old table knows nothing of what comes. */
static void check_renewed(void)
{
    struct known known;
    struct bench b = bench_new(&known);
    struct fl_keyframe_report report;
    struct fl_keymap was, is;
    struct fl_buf bytes;

    fl_keymap_init(&was);
    fl_keymap_init(&is);
    fl_buf_init(&bytes, 1 << 20);
    if (fl_file_read(b.keys.fd, FL_KEYDISK_TABLE, &bytes, NULL) < 0 ||
        fl_keyframe_replay(fl_buf_span(&bytes), 1, &was, &report, NULL) < 0 || change(&b, NULL) < 0)
        abort();
    fl_buf_clear(&bytes);
    if (fl_file_read(b.keys.fd, FL_KEYDISK_TABLE, &bytes, NULL) < 0)
        abort();
    CHECK(fl_keyframe_replay(fl_buf_span(&bytes), 2, &is, &report, NULL) == 0 && is.files == 1 &&
              memcmp(fl_keymap_tenant(&is, 1)->wrap, fl_keymap_tenant(&was, 1)->wrap, 60) != 0,
          "the table has its new frame");
    CHECK(memcmp(fl_keymap_file(&is, fl_keymap_day(fl_keymap_tenant(&is, 1), 10), file_id)->wrap,
                 fl_keymap_file(&was, fl_keymap_day(fl_keymap_tenant(&was, 1), 10), file_id)->wrap,
                 60) != 0,
          "down to the files' wrappings");
    fl_keymap_done(&was);
    fl_keymap_done(&is);
    fl_buf_done(&bytes);
    bench_done(&b);
}

static void check_crashes(bool in_table)
{
    int old = 0, new = 0, at = 0;
    struct stop stop;
    char name[120];

    do {
        struct known known;
        struct bench b = bench_new(&known);
        unsigned char before[FL_KEY_BYTES], after[FL_KEY_BYTES];
        int r;

        root_of(&b, before);
        stop = (struct stop){.at = ++at};
        close_all(&b);
        if (open_all(&b, false, in_table ? &stop : NULL) < 0)
            abort();
        r = change(&b, in_table ? NULL : &stop);
        if (stop.what[0] == '\0') {
            CHECK(r == 0, "not stopped");
            bench_done(&b);
            break;
        }
        close_all(&b);
        r = open_all(&b, false, NULL);
        (void)snprintf(name, sizeof name, "stopped before '%s': it opens, all is there", stop.what);
        if (r < 0)
            printf("# %s\n", b.err.text);
        CHECK(r == 0 && all_there(&b, &known) && !leftovers(&b), name);
        root_of(&b, after);
        if (memcmp(before, after, sizeof after) == 0)
            old++;
        else
            new ++;
        r = change(&b, NULL);
        close_all(&b);
        CHECK(r == 0 && open_all(&b, false, NULL) == 0 && all_there(&b, &known),
              "and it can be changed again");
        bench_done(&b);
    } while (at < 60);
    (void)snprintf(name, sizeof name, "%d crashes left the old key, %d the new one", old, new);
    CHECK(in_table ? old == 3 && new == 0 : old == 6 && new == 5, name);
}

/* Stopped while it was being finished, and then once more. */
static void check_twice(void)
{
    struct known known;
    struct bench b = bench_new(&known);
    struct stop stop = {.at = 8};

    (void)change(&b, &stop);
    close_all(&b);
    CHECK(faccessat(b.keys.fd, "epoch.next", F_OK, 0) == 0, "not all is in its place");
    CHECK(open_all(&b, false, NULL) == 0 && all_there(&b, &known) && !leftovers(&b),
          "the next start puts it there");
    bench_done(&b);
}

static void check_pending(void)
{
    struct known known;
    struct bench b = bench_new(&known);
    uint64_t number;

    if (fl_ledger_add(b.ledger, FL_LEDGER_ERASE, 0, FL_SPAN("x"), &number, &b.err) < 0)
        abort();
    CHECK(change(&b, NULL) == FL_E_AGAIN && !leftovers(&b), "not while an erasure is open");
    CHECK(all_there(&b, &known), "and nothing has changed");
    bench_done(&b);
}

int main(void)
{
    unsigned char public[32];

    if (sodium_init() < 0)
        return 1;
    (void)crypto_sign_keypair(public, sign_secret);
    check_change();
    check_renewed();
    check_crashes(false);
    check_crashes(true);
    check_twice();
    check_pending();
    return tap_done();
}
