#include "trust/root_change.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rand.h"
#include "trust/keydisk.h"

#define NEXT ".next"

/* In the folder of the keys, in the order in which they take their places. */
static const char *const files[] = {FL_SECRETS_FILE, FL_GRANTS_FILE, FL_LEDGER_HEAD,
                                    FL_KEYDISK_EPOCH};
#define FILES (sizeof files / sizeof *files)

static int step(const struct fl_root_change *c, const char *what, struct fl_err *err)
{
    if (c == NULL || c->step == NULL || c->step(c->step_ctx, what) == 0)
        return FL_OK;
    return fl_err_set(err, FL_E_IO, "stopped before: %s", what);
}

static bool is_there(int dir_fd, const char *name)
{
    return faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void next_of(const char *name, char ret[40])
{
    (void)snprintf(ret, 40, "%.30s" NEXT, name);
}

static int remove_next(int dir_fd, const char *name, struct fl_err *err)
{
    char next[40];

    next_of(name, next);
    if (unlinkat(dir_fd, next, 0) < 0 && errno != ENOENT)
        return fl_err_sys(err, FL_E_IO, errno, "remove %s", next);
    return FL_OK;
}

/* Best effort, for media that write in place: the bytes of a file whose name is gone. */
static void overwrite(int fd)
{
    unsigned char noise[128];
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

    if (size <= 0 || size > (off_t)sizeof noise)
        return;
    fl_random(noise, (size_t)size);
    if (fl_fd_pwrite_all(fd, noise, (size_t)size, 0, NULL) == 0)
        (void)fdatasync(fd);
}

/* NAME.next becomes NAME; wipe: the old one's bytes are overwritten. */
static int put_in_place(const struct fl_root_change *c, int dir_fd, const char *name, bool wipe,
                        struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int old = -1;
    char next[40];
    int r;

    next_of(name, next);
    if (!is_there(dir_fd, next))
        return FL_OK;
    r = step(c, name, err);
    if (r < 0)
        return r;
    if (wipe)
        (void)!fl_file_open(dir_fd, name, O_RDWR | O_NOFOLLOW, 0, &old, NULL);
    if (renameat(dir_fd, next, dir_fd, name) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "put %s in place", next);
    r = fl_dir_sync(dir_fd, name, err);
    if (r == 0)
        overwrite(old);
    return r;
}

static int finish(const struct fl_root_change *c, int dir_fd, int ledger_fd, struct fl_err *err)
{
    int r = FL_OK;

    if (ledger_fd >= 0)
        r = put_in_place(c, ledger_fd, FL_LEDGER_KEY_FILE, true, err);
    for (size_t i = 0; r == 0 && i < FILES; i++)
        r = put_in_place(c, dir_fd, files[i], i + 1 == FILES, err);
    return r;
}

/* root.key.next goes last: as long as it is there, nothing has changed. */
static int undo(int dir_fd, int ledger_fd, struct fl_err *err)
{
    int r = FL_OK;

    if (ledger_fd >= 0)
        r = remove_next(ledger_fd, FL_LEDGER_KEY_FILE, err);
    for (size_t i = 0; r == 0 && i < FILES; i++)
        r = remove_next(dir_fd, files[i], err);
    if (r == 0 && ledger_fd >= 0)
        r = fl_dir_sync(ledger_fd, FL_LEDGER_KEY_FILE, err);
    if (r == 0)
        r = fl_dir_sync(dir_fd, FL_ROOT_FILE, err);
    if (r == 0)
        r = remove_next(dir_fd, FL_ROOT_FILE, err);
    return r < 0 ? r : fl_dir_sync(dir_fd, FL_ROOT_FILE, err);
}

int fl_root_change_recover(int dir_fd, int ledger_fd, struct fl_err *err)
{
    bool any = false;
    char next[40];

    next_of(FL_ROOT_FILE, next);
    if (is_there(dir_fd, next))
        return undo(dir_fd, ledger_fd, err);
    for (size_t i = 0; i < FILES; i++) {
        next_of(files[i], next);
        any = any || is_there(dir_fd, next);
    }
    return any ? finish(NULL, dir_fd, ledger_fd, err) : FL_OK;
}

static int prepare(const struct fl_root_change *c, struct fl_root **ret, struct fl_err *err)
{
    int r = step(c, "make the new root key", err);

    if (r == 0)
        r = fl_root_file_open_as(c->dir_fd, FL_ROOT_FILE NEXT, true, ret, err);
    if (r == 0)
        r = step(c, "wrap the secrets", err);
    if (r == 0)
        r = fl_secrets_rewrap(c->secrets, *ret, FL_SECRETS_FILE NEXT, err);
    if (r == 0)
        r = step(c, "wrap the grants", err);
    if (r == 0)
        r = fl_grants_rewrap(c->grants, *ret, FL_GRANTS_FILE NEXT, err);
    if (r == 0)
        r = step(c, "wrap the ledger's key", err);
    if (r == 0 && c->ledger != NULL)
        r = fl_ledger_rewrap(c->ledger, *ret, NEXT, err);
    if (r == 0)
        r = step(c, "wrap the epoch key", err);
    if (r == 0)
        r = fl_keytable_renew(c->table, *ret, FL_KEYDISK_EPOCH NEXT, err);
    return r;
}

int fl_root_change(const struct fl_root_change *c, struct fl_err *err)
{
    struct fl_ledger_stat stat = {.pending = 0};
    struct fl_root *root = NULL;
    int r;

    if (c->ledger != NULL)
        fl_ledger_stat(c->ledger, &stat);
    if (stat.pending > 0)
        return fl_err_set(err, FL_E_AGAIN,
                          "an erasure is still to be done; change the root key "
                          "when it is");
    r = prepare(c, &root, err);
    fl_root_free(root);
    if (r == 0)
        r = put_in_place(c, c->dir_fd, FL_ROOT_FILE, true, err);
    if (r == 0)
        r = finish(c, c->dir_fd, c->ledger_fd, err);
    return r;
}
