#include "trust/root.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/rand.h"
#include "trust/wrap.h"

struct file_root {
    struct fl_root root;
    unsigned char key[FL_KEY_BYTES];
};

static int file_seal(struct fl_root *root, struct fl_span bound, struct fl_span plain,
                     unsigned char *ret, struct fl_err *err)
{
    return fl_wrap_seal(((struct file_root *)root)->key, bound, plain, ret, err);
}

static int file_open(struct fl_root *root, struct fl_span bound, struct fl_span sealed,
                     unsigned char *ret, struct fl_err *err)
{
    return fl_wrap_open(((struct file_root *)root)->key, bound, sealed, ret, err);
}

static void file_free(struct fl_root *root)
{
    struct file_root *file = (struct file_root *)root;

    explicit_bzero(file->key, sizeof file->key);
    (void)sodium_munlock(file, sizeof *file);
    free(file);
}

static const struct fl_root_ops file_ops = {"file", file_seal, file_open, file_free};

static int make_key(int dir_fd, const char *name, struct fl_err *err)
{
    unsigned char key[FL_KEY_BYTES];
    int r;

    fl_random(key, sizeof key);
    r = fl_file_write(dir_fd, name, fl_span_of(key, sizeof key), 0600, err);
    explicit_bzero(key, sizeof key);
    return r;
}

static int read_key(int dir_fd, const char *name, unsigned char ret[FL_KEY_BYTES],
                    struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int fd = -1;
    unsigned char more[FL_KEY_BYTES + 1];
    struct stat st;
    ssize_t n;
    int r = fl_file_open(dir_fd, name, O_RDONLY | O_NOFOLLOW, 0, &fd, err);

    if (r < 0)
        return r;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return fl_err_set(err, FL_E_DENIED, FL_ROOT_FILE " is not a plain file");
    if ((st.st_mode & 077) != 0)
        return fl_err_set(err, FL_E_DENIED,
                          FL_ROOT_FILE " may be read by others (mode %03o); it must be 600",
                          (unsigned)(st.st_mode & 0777));
    n = fl_fd_read_all(fd, more, sizeof more, err);
    if (n == FL_KEY_BYTES)
        memcpy(ret, more, FL_KEY_BYTES);
    explicit_bzero(more, sizeof more);
    if (n < 0)
        return (int)n;
    if (n != FL_KEY_BYTES)
        return fl_err_set(err, FL_E_CORRUPT, FL_ROOT_FILE " does not have %d bytes", FL_KEY_BYTES);
    return FL_OK;
}

int fl_root_file_open_as(int dir_fd, const char *name, bool create, struct fl_root **ret,
                         struct fl_err *err)
{
    struct file_root *root = calloc(1, sizeof *root);
    int r;

    if (root == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    root->root.ops = &file_ops;
    (void)sodium_mlock(root, sizeof *root); /* best effort: RLIMIT_MEMLOCK may be 0 */
    r = read_key(dir_fd, name, root->key, err);
    if (r == FL_E_NOENT && create) {
        r = make_key(dir_fd, name, err);
        if (r == 0)
            r = read_key(dir_fd, name, root->key, err);
    }
    if (r < 0) {
        file_free(&root->root);
        return fl_err_wrap(err, "root key");
    }
    *ret = &root->root;
    return FL_OK;
}

int fl_root_file_open(int dir_fd, bool create, struct fl_root **ret, struct fl_err *err)
{
    return fl_root_file_open_as(dir_fd, FL_ROOT_FILE, create, ret, err);
}

void fl_root_free(struct fl_root *root)
{
    if (root != NULL)
        root->ops->free(root);
}
