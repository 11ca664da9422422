#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "tap.h"
#include "trust/ledger.h"
#include "unit/trust/folder.h"

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
    struct folder keys, dir; /* the data folder's part, and the ledger's */
    struct fl_root *root;
    struct fl_ledger *ledger;
    struct fl_ledger_stat stat;
    struct fl_err err;
};

static int bench_open(struct bench *b, bool nothing_opens, struct stop *stop)
{
    struct fl_ledger_config config = {.dir_fd = b->dir.fd,
                                      .head_fd = b->keys.fd,
                                      .now_us = clock_us,
                                      .nothing_opens = nothing_opens,
                                      .step = stop == NULL ? NULL : stop_at,
                                      .step_ctx = stop};
    int r;

    fl_ledger_free(b->ledger);
    b->ledger = NULL;
    b->err = (struct fl_err){0};
    if (b->root == NULL && fl_root_file_open(b->keys.fd, true, &b->root, &b->err) < 0)
        abort();
    config.root = b->root;
    r = fl_ledger_open(&config, &b->ledger, &b->err);
    if (r == 0)
        fl_ledger_stat(b->ledger, &b->stat);
    return r;
}

static struct bench bench_new(void)
{
    struct bench b = {.keys = folder_new(), .dir = folder_new()};

    if (bench_open(&b, false, NULL) < 0) {
        printf("Bail out! %s\n", b.err.text);
        exit(1);
    }
    return b;
}

static void bench_done(struct bench *b)
{
    fl_ledger_free(b->ledger);
    fl_root_free(b->root);
    folder_free(&b->keys);
    folder_free(&b->dir);
}

static uint64_t add(struct bench *b, enum fl_ledger_kind kind, uint64_t of, const char *text)
{
    uint64_t number = 0;

    return fl_ledger_add(b->ledger, kind, of, fl_span_str(text), &number, &b->err) < 0 ? 0 : number;
}

static bool says(struct bench *b, uint64_t number, enum fl_ledger_kind kind, uint64_t of,
                 const char *text)
{
    struct fl_ledger_entry e;
    struct fl_buf buf;
    bool ok;

    fl_buf_init(&buf, FL_LEDGER_TEXT_MAX);
    ok = fl_ledger_get(b->ledger, number, &e, &buf, &b->err) == 0 && e.number == number &&
         e.kind == kind && e.of == of && e.at_us == clock_us() &&
         fl_span_eq(e.text, fl_span_str(text));
    fl_buf_done(&buf);
    return ok;
}

static bool file_holds(const struct folder *dir, const char *name, const char *text)
{
    struct fl_buf buf;
    bool found;

    fl_buf_init(&buf, 1 << 20);
    if (fl_file_read(dir->fd, name, &buf, NULL) < 0)
        abort();
    found = memmem(buf.ptr, buf.len, text, strlen(text)) != NULL;
    fl_buf_done(&buf);
    return found;
}

static void check_life(void)
{
    struct bench b = bench_new();
    struct stat st;

    CHECK(b.stat.begun && b.stat.entries == 0 && b.stat.pending == 0, "a new ledger is empty");
    CHECK(fstatat(b.dir.fd, FL_LEDGER_FILE, &st, 0) == 0 && (st.st_mode & 0777) == 0600 &&
              fstatat(b.dir.fd, FL_LEDGER_KEY_FILE, &st, 0) == 0 && (st.st_mode & 0777) == 0600,
          "its files may be read by their owner only");
    CHECK(add(&b, FL_LEDGER_ERASE, 0, "user j.doe") == 1 &&
              add(&b, FL_LEDGER_ERASE, 0, "user b.lee") == 2,
          "two erasures");
    CHECK(fl_ledger_pending(b.ledger, 0) == 1 && fl_ledger_pending(b.ledger, 1) == 2 &&
              fl_ledger_pending(b.ledger, 2) == 0,
          "are pending");
    CHECK(add(&b, FL_LEDGER_DONE, 1, "receipt") == 3 && fl_ledger_pending(b.ledger, 0) == 2,
          "one is done");
    CHECK(bench_open(&b, false, NULL) == 0 && b.stat.entries == 3 && b.stat.pending == 1 &&
              b.stat.again == 0 && !b.stat.begun && fl_ledger_pending(b.ledger, 0) == 2,
          "the same after a restart");
    CHECK(says(&b, 1, FL_LEDGER_ERASE, 0, "user j.doe") &&
              says(&b, 2, FL_LEDGER_ERASE, 0, "user b.lee") &&
              says(&b, 3, FL_LEDGER_DONE, 1, "receipt") && !says(&b, 4, FL_LEDGER_DONE, 1, ""),
          "entries are read back");
    CHECK(!file_holds(&b.dir, FL_LEDGER_FILE, "j.doe") &&
              !file_holds(&b.keys, FL_LEDGER_HEAD, "j.doe"),
          "the files tell nobody's name");
    CHECK(add(&b, FL_LEDGER_DONE, 3, "") == 0 && b.err.code == FL_E_INVAL &&
              add(&b, FL_LEDGER_DONE, 9, "") == 0 && b.err.code == FL_E_INVAL,
          "the end of what is no erasure is refused");
    bench_done(&b);
}

static void save(struct bench *b, struct folder *to, struct folder *ledger_to)
{
    folder_copy(&b->keys, FL_LEDGER_HEAD, to);
    folder_copy(&b->dir, FL_LEDGER_FILE, ledger_to);
    folder_copy(&b->dir, FL_LEDGER_KEY_FILE, ledger_to);
}

/* Copies of the one and of the other side, put back. */
static void check_restore(void)
{
    struct bench b = bench_new();
    struct folder old = folder_new(), old_ledger = folder_new(), now = folder_new(),
                  now_ledger = folder_new();

    (void)add(&b, FL_LEDGER_ERASE, 0, "first");
    (void)add(&b, FL_LEDGER_DONE, 1, "receipt 1");
    save(&b, &old, &old_ledger);
    (void)add(&b, FL_LEDGER_ERASE, 0, "second");
    (void)add(&b, FL_LEDGER_DONE, 3, "receipt 2");
    save(&b, &now, &now_ledger);

    folder_copy(&old_ledger, FL_LEDGER_FILE, &b.dir);
    CHECK(bench_open(&b, false, NULL) == FL_E_CORRUPT && strstr(b.err.text, "older") != NULL,
          "a ledger that is older than the data folder is refused");
    CHECK(bench_open(&b, true, NULL) == FL_E_CORRUPT, "whatever opens");
    (void)unlinkat(b.dir.fd, FL_LEDGER_FILE, 0);
    CHECK(bench_open(&b, false, NULL) == FL_E_NOENT && strstr(b.err.text, "ledger_dir") != NULL,
          "a missing one too, and the text says where it belongs");
    folder_copy(&now_ledger, FL_LEDGER_FILE, &b.dir);
    CHECK(bench_open(&b, false, NULL) == 0 && b.stat.pending == 0, "the right one opens");

    folder_copy(&old, FL_LEDGER_HEAD, &b.keys);
    CHECK(bench_open(&b, false, NULL) == 0 && b.stat.pending == 1 && b.stat.again == 1 &&
              fl_ledger_pending(b.ledger, 0) == 3,
          "a data folder from before: what was erased since is pending again");
    CHECK(bench_open(&b, false, NULL) == 0 && b.stat.again == 1,
          "still after a restart that did nothing");
    CHECK(add(&b, FL_LEDGER_DONE, 3, "receipt 3") == 5 && fl_ledger_pending(b.ledger, 0) == 0,
          "until it is done again");
    CHECK(bench_open(&b, false, NULL) == 0 && b.stat.pending == 0, "which holds");

    (void)unlinkat(b.keys.fd, FL_LEDGER_HEAD, 0);
    CHECK(bench_open(&b, false, NULL) == 0 && b.stat.again == 2 && b.stat.pending == 2,
          "a data folder without a head: all of them");
    (void)add(&b, FL_LEDGER_DONE, 1, "again");
    CHECK(bench_open(&b, false, NULL) == 0 && b.stat.again == 2,
          "stopped after one of two: both are pending once more");
    (void)add(&b, FL_LEDGER_DONE, 1, "again");
    (void)add(&b, FL_LEDGER_DONE, 3, "again");
    CHECK(bench_open(&b, false, NULL) == 0 && b.stat.pending == 0, "done");

    folder_copy(&now_ledger, FL_LEDGER_FILE, &b.dir);
    CHECK(bench_open(&b, false, NULL) == FL_E_CORRUPT, "and the ledger from before is refused");
    folder_free(&old);
    folder_free(&old_ledger);
    folder_free(&now);
    folder_free(&now_ledger);
    bench_done(&b);
}

static void check_missing_without_keys(void)
{
    struct bench b = bench_new();

    (void)add(&b, FL_LEDGER_ERASE, 0, "first");
    (void)unlinkat(b.dir.fd, FL_LEDGER_FILE, 0);
    (void)unlinkat(b.dir.fd, FL_LEDGER_KEY_FILE, 0);
    CHECK(bench_open(&b, true, NULL) == 0 && b.stat.begun && b.stat.entries == 0,
          "with no key of any file a missing ledger is begun anew");
    CHECK(bench_open(&b, false, NULL) == 0 && !b.stat.begun, "and is the right one from then on");
    bench_done(&b);
}

static void check_foreign(void)
{
    struct bench a = bench_new(), b = bench_new();

    (void)add(&a, FL_LEDGER_ERASE, 0, "x");
    folder_copy(&a.dir, FL_LEDGER_FILE, &b.dir);
    CHECK(bench_open(&b, false, NULL) == FL_E_CORRUPT, "another's ledger under one's own key");
    folder_copy(&a.dir, FL_LEDGER_KEY_FILE, &b.dir);
    CHECK(bench_open(&b, false, NULL) == FL_E_CORRUPT &&
              strstr(b.err.text, "another root key") != NULL,
          "another's ledger and key");
    (void)unlinkat(b.keys.fd, FL_LEDGER_HEAD, 0);
    CHECK(bench_open(&b, true, NULL) == FL_E_CORRUPT, "also in a folder without a head");
    folder_copy(&a.keys, FL_LEDGER_HEAD, &b.keys);
    CHECK(bench_open(&b, false, NULL) == FL_E_CORRUPT, "and with the other's head");
    bench_done(&a);
    bench_done(&b);
}

/* Another ledger of the same root key. */
static void check_other(void)
{
    struct bench b = bench_new();
    struct folder head = folder_new();

    folder_copy(&b.keys, FL_LEDGER_HEAD, &head);
    (void)unlinkat(b.dir.fd, FL_LEDGER_FILE, 0);
    (void)unlinkat(b.keys.fd, FL_LEDGER_HEAD, 0);
    CHECK(bench_open(&b, false, NULL) == 0, "a second ledger of the same installation");
    folder_copy(&head, FL_LEDGER_HEAD, &b.keys);
    CHECK(bench_open(&b, false, NULL) == FL_E_CORRUPT &&
              strstr(b.err.text, "not the ledger") != NULL,
          "is not taken for the first");
    folder_free(&head);
    bench_done(&b);
}

static void write_back(const struct folder *dir, const struct fl_buf *bytes, size_t len)
{
    if (fl_file_write(dir->fd, FL_LEDGER_FILE, fl_span_of(bytes->ptr, len), 0600, NULL) < 0)
        abort();
}

/* Every byte changed, every length: never a wrong entry. */
static void check_damage(void)
{
    struct bench b = bench_new();
    struct fl_buf bytes;
    unsigned wrong = 0, cut = 0;
    size_t last;

    (void)add(&b, FL_LEDGER_ERASE, 0, "first");
    (void)add(&b, FL_LEDGER_DONE, 1, "done");
    fl_buf_init(&bytes, 1 << 20);
    if (fl_file_read(b.dir.fd, FL_LEDGER_FILE, &bytes, NULL) < 0)
        abort();
    last = bytes.len;
    for (size_t i = 0; i < bytes.len; i++) {
        bytes.ptr[i] ^= 1;
        write_back(&b.dir, &bytes, bytes.len);
        bytes.ptr[i] ^= 1;
        wrong += bench_open(&b, false, NULL) != FL_E_CORRUPT;
    }
    CHECK(wrong == 0, "any changed byte is found");
    for (size_t len = 0; len < last; len++) {
        write_back(&b.dir, &bytes, len);
        cut += bench_open(&b, false, NULL) != FL_E_CORRUPT;
    }
    CHECK(cut == 0, "any missing end is found");
    /* An entry that was never acknowledged: the head does not know it. */
    write_back(&b.dir, &bytes, bytes.len);
    CHECK(bench_open(&b, false, NULL) == 0, "whole again");
    (void)add(&b, FL_LEDGER_ERASE, 0, "third");
    (void)bench_open(&b, false, NULL);
    fl_buf_clear(&bytes);
    (void)!fl_file_read(b.dir.fd, FL_LEDGER_FILE, &bytes, NULL);
    fl_buf_put(&bytes, "LENT\x40\0\0\0half an entry", 21);
    write_back(&b.dir, &bytes, bytes.len);
    CHECK(bench_open(&b, false, NULL) == 0 && b.stat.entries == 3, "a torn entry is cut off");
    CHECK(add(&b, FL_LEDGER_ERASE, 0, "fourth") == 4 && bench_open(&b, false, NULL) == 0 &&
              says(&b, 4, FL_LEDGER_ERASE, 0, "fourth"),
          "and the next one stands in its place");
    fl_buf_done(&bytes);
    bench_done(&b);
}

/* Stop before each step: what was acknowledged is there, and it opens. */
static void check_crashes(void)
{
    struct stop stop;
    char name[120];
    int at = 0;

    do {
        struct bench b = {.keys = folder_new(), .dir = folder_new()};
        uint64_t one = 0, two = 0;

        stop = (struct stop){.at = ++at};
        if (bench_open(&b, false, &stop) == 0) {
            one = add(&b, FL_LEDGER_ERASE, 0, "one");
            if (one == 1)
                two = add(&b, FL_LEDGER_DONE, 1, "end");
        }
        (void)snprintf(name, sizeof name, "stopped before '%s'", stop.what);
        if (stop.what[0] == '\0')
            (void)snprintf(name, sizeof name, "not stopped");
        CHECK(bench_open(&b, false, NULL) == 0 && b.stat.entries >= one + (two > 0) &&
                  (one == 0 || says(&b, 1, FL_LEDGER_ERASE, 0, "one")) &&
                  (two == 0 || b.stat.pending == 0) && b.stat.pending <= 1,
              name);
        bench_done(&b);
    } while (stop.what[0] != '\0' && at < 50);
    CHECK(at == 10, "all steps were tried");
}

static void check_rewrap(void)
{
    struct bench b = bench_new();
    struct folder other = folder_new();
    struct fl_root *root = NULL;

    (void)add(&b, FL_LEDGER_ERASE, 0, "one");
    if (fl_root_file_open(other.fd, true, &root, &b.err) < 0)
        abort();
    CHECK(fl_ledger_rewrap(b.ledger, root, ".next", &b.err) == 0, "key and head for another root");
    CHECK(bench_open(&b, false, NULL) == 0, "change nothing by themselves");
    if (renameat(b.keys.fd, FL_LEDGER_HEAD ".next", b.keys.fd, FL_LEDGER_HEAD) < 0)
        abort();
    fl_root_free(b.root);
    b.root = root;
    CHECK(bench_open(&b, false, NULL) == 0 && says(&b, 1, FL_LEDGER_ERASE, 0, "one"),
          "the head in place, the key not yet: it opens under the new root");
    CHECK(bench_open(&b, false, NULL) == 0 &&
              faccessat(b.dir.fd, FL_LEDGER_KEY_FILE ".next", F_OK, 0) < 0,
          "and the key is in place now");
    folder_free(&other);
    bench_done(&b);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    check_life();
    check_restore();
    check_missing_without_keys();
    check_foreign();
    check_other();
    check_damage();
    check_crashes();
    check_rewrap();
    return tap_done();
}
