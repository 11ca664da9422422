#include <sodium.h>
#include <string.h>

#include "tap.h"
#include "trust/grants.h"
#include "trust/secrets.h"
#include "unit/trust/folder.h"

static struct fl_err err;

static bool is_secret(const struct fl_secrets *s, const char *name, const char *want)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;

    fl_buf_init(&out, FL_SECRET_BYTES_MAX);
    return fl_secrets_get(s, name, &out, &err) == 0 &&
           fl_span_eq(fl_buf_span(&out), fl_span_str(want));
}

static void check_secrets(struct folder *dir, struct fl_root *root)
{
    struct fl_secrets *s = NULL;
    unsigned char a[32], b[32];
    FL_AUTO(fl_buf_done) struct fl_buf out;

    fl_buf_init(&out, 100);
    CHECK(fl_secrets_open(dir->fd, root, &s, &err) == 0, "none yet");
    CHECK(fl_secrets_get(s, "a", &out, &err) == FL_E_NOENT, "not there");
    CHECK(fl_secrets_put(s, "a", FL_SPAN("alpha"), &err) == 0 &&
              fl_secrets_put(s, "b", FL_SPAN("beta"), &err) == 0 &&
              fl_secrets_put(s, "a", FL_SPAN("alpha two"), &err) == 0,
          "put, put again");
    CHECK(fl_secrets_random(s, "r", a, sizeof a, &err) == 0 &&
              fl_secrets_random(s, "r", b, sizeof b, &err) == 0 && memcmp(a, b, sizeof a) == 0,
          "random ones are made once");
    CHECK(fl_secrets_random(s, "r", b, 16, &err) == FL_E_CORRUPT, "and have their length");
    CHECK(fl_secrets_put(s, "", FL_SPAN("x"), &err) == FL_E_LIMIT &&
              fl_secrets_put(s, "a name that is longer than thirty-two bytes", FL_SPAN("x"),
                             &err) == FL_E_LIMIT,
          "names have limits");
    fl_secrets_free(s);
    CHECK(fl_secrets_open(dir->fd, root, &s, &err) == 0 && is_secret(s, "a", "alpha two") &&
              is_secret(s, "b", "beta") && fl_secrets_random(s, "r", b, 32, &err) == 0 &&
              memcmp(a, b, sizeof a) == 0,
          "all there after a restart");
    fl_secrets_free(s);
}

/* Every byte of the file changed: it is refused, or the secret in which it lies is. */
static void check_damage(struct folder *dir, struct fl_root *root)
{
    FL_AUTO(fl_buf_done) struct fl_buf file;
    int silent = 0;

    fl_buf_init(&file, 1 << 20);
    if (fl_file_read(dir->fd, FL_SECRETS_FILE, &file, &err) < 0)
        abort();
    CHECK(memmem(file.ptr, file.len, "alpha", 5) == NULL, "no secret is plain in the file");
    for (size_t i = 0; i < file.len; i++) {
        struct fl_secrets *s = NULL;
        unsigned char r[32];

        file.ptr[i] ^= 1;
        if (fl_file_write(dir->fd, FL_SECRETS_FILE, fl_buf_span(&file), 0600, &err) < 0)
            abort();
        file.ptr[i] ^= 1;
        if (fl_secrets_open(dir->fd, root, &s, &err) < 0)
            continue;
        silent += is_secret(s, "a", "alpha two") && is_secret(s, "b", "beta") &&
                  fl_secrets_get(s, "r", &(struct fl_buf){.max_bytes = 0}, &err) != FL_E_NOENT &&
                  fl_secrets_random(s, "r", r, 32, &err) == 0;
        fl_secrets_free(s);
    }
    CHECK(silent == 0, "a changed byte is noticed");
    for (size_t len = 0; len < file.len; len++) {
        struct fl_secrets *s = NULL;

        if (fl_file_write(dir->fd, FL_SECRETS_FILE, fl_span_of(file.ptr, len), 0600, &err) < 0)
            abort();
        silent += fl_secrets_open(dir->fd, root, &s, &err) == 0;
        fl_secrets_free(s);
    }
    CHECK(silent == 0, "a file that is cut is refused");
    if (fl_file_write(dir->fd, FL_SECRETS_FILE, fl_buf_span(&file), 0600, &err) < 0)
        abort();
}

/* An entry moved under another name does not open. */
static void check_swapped(struct folder *dir, struct fl_root *root)
{
    FL_AUTO(fl_buf_done) struct fl_buf file;
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_secrets *s = NULL;
    unsigned char *name;

    fl_buf_init(&file, 1 << 20);
    fl_buf_init(&out, 100);
    if (fl_file_read(dir->fd, FL_SECRETS_FILE, &file, &err) < 0)
        abort();
    name = memmem(file.ptr, file.len, "\001b", 2);
    name[1] = 'c';
    if (fl_file_write(dir->fd, FL_SECRETS_FILE, fl_buf_span(&file), 0600, &err) < 0 ||
        fl_secrets_open(dir->fd, root, &s, &err) < 0)
        abort();
    CHECK(fl_secrets_get(s, "c", &out, &err) == FL_E_CORRUPT, "a secret is bound to its name");
    fl_secrets_free(s);
}

static void check_grants(struct folder *dir, struct fl_root *root)
{
    struct fl_grants *g = NULL;

    CHECK(fl_grants_open(dir->fd, root, &g, &err) == 0 && fl_grants_until(g, 1, 0) == 0,
          "none yet");
    CHECK(fl_grants_set(g, 1, 100, 10, &err) == 0 &&
              fl_grants_set(g, 2, INT64_MAX, 10, &err) == 0 &&
              fl_grants_set(g, 3, 50, 10, &err) == 0,
          "three");
    CHECK(fl_grants_until(g, 1, 99) == 100 && fl_grants_until(g, 1, 100) == 0 &&
              fl_grants_until(g, 4, 0) == 0,
          "until their time");
    CHECK(fl_grants_set(g, 1, 200, 60, &err) == 0, "longer");
    fl_grants_free(g);
    CHECK(fl_grants_open(dir->fd, root, &g, &err) == 0 && fl_grants_until(g, 1, 150) == 200 &&
              fl_grants_until(g, 2, INT64_MAX - 1) == INT64_MAX && fl_grants_until(g, 3, 20) == 0,
          "after a restart; what was over is gone");
    CHECK(fl_grants_set(g, 1, 0, 70, &err) == 0 && fl_grants_until(g, 1, 0) == 0, "taken back");
    fl_grants_free(g);
}

static void check_forged_grants(struct folder *dir, struct fl_root *root)
{
    FL_AUTO(fl_buf_done) struct fl_buf file;
    struct fl_grants *g = NULL;
    int silent = 0;

    fl_buf_init(&file, 1 << 20);
    if (fl_file_read(dir->fd, FL_GRANTS_FILE, &file, &err) < 0)
        abort();
    for (size_t i = 0; i < file.len; i++) {
        file.ptr[i] ^= 1;
        if (fl_file_write(dir->fd, FL_GRANTS_FILE, fl_buf_span(&file), 0600, &err) < 0)
            abort();
        file.ptr[i] ^= 1;
        silent += fl_grants_open(dir->fd, root, &g, &err) == 0;
    }
    for (size_t len = 0; len < file.len; len++) {
        if (fl_file_write(dir->fd, FL_GRANTS_FILE, fl_span_of(file.ptr, len), 0600, &err) < 0)
            abort();
        silent += fl_grants_open(dir->fd, root, &g, &err) == 0;
    }
    CHECK(silent == 0, "grants that were changed or cut are refused");
}

int main(void)
{
    struct folder dir = folder_new();
    struct fl_root *root = NULL;

    if (sodium_init() < 0 || fl_root_file_open(dir.fd, true, &root, &err) < 0)
        return 1;
    check_secrets(&dir, root);
    check_damage(&dir, root);
    check_swapped(&dir, root);
    check_grants(&dir, root);
    check_forged_grants(&dir, root);
    fl_root_free(root);
    folder_free(&dir);
    return tap_done();
}
