#include "trust/keydisk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/fd.h"
#include "base/rand.h"

#define TABLE_TMP FL_KEYDISK_TABLE ".tmp"
#define EPOCH_TMP FL_KEYDISK_EPOCH ".tmp"

enum {
    EPOCH_VERSION = 1,
    EPOCH_FILE_BYTES = 8 + 4 + 4 + FL_WRAP_KEY_BYTES,
    SPARE_BYTES = 1 << 20, /* dead bytes that are not worth a rewriting */
    FRAME_BYTES = 1 << 20  /* of one frame of a rewriting, about */
};
#define TABLE_MAX_BYTES ((size_t)1 << 30)

static const unsigned char epoch_magic[8] = "FLEPOCH";

void fl_keydisk_done(struct fl_keydisk *disk)
{
    fl_fd_close(&disk->fd);
    fl_fd_close(&disk->lock_fd);
}

static int step(struct fl_keydisk *disk, const char *what, struct fl_err *err)
{
    if (disk->step == NULL || disk->step(disk->step_ctx, what) == 0)
        return FL_OK;
    disk->broken = true;
    return fl_err_set(err, FL_E_IO, "stopped before: %s", what);
}

static int sync_fd(struct fl_keydisk *disk, int fd, const char *what, struct fl_err *err)
{
    int r = step(disk, what, err);

    if (r < 0)
        return r;
    if (fdatasync(fd) < 0) {
        disk->broken = true; /* the kernel may have dropped the pages: nothing is known any more */
        return fl_err_sys(err, FL_E_IO, errno, "%s", what);
    }
    return FL_OK;
}

static int sync_folder(struct fl_keydisk *disk, const char *name, struct fl_err *err)
{
    int r = step(disk, "sync the folder", err);

    if (r == 0)
        r = fl_dir_sync(disk->dir_fd, name, err);
    if (r < 0)
        disk->broken = true; /* either file may be the one that a restart finds */
    return r;
}

void fl_keydisk_take_back(struct fl_keydisk *disk)
{
    if (!disk->broken &&
        (ftruncate(disk->fd, (off_t)disk->file_bytes) < 0 || fdatasync(disk->fd) < 0))
        disk->broken = true;
}

int fl_keydisk_append(struct fl_keydisk *disk, struct fl_span frame, struct fl_err *err)
{
    int r = step(disk, "append to the key table", err);

    if (r < 0)
        return r;
    if (disk->file_bytes + frame.len > TABLE_MAX_BYTES)
        return fl_err_set(err, FL_E_LIMIT, "the key table is full");
    r = fl_fd_pwrite_all(disk->fd, frame.ptr, frame.len, (int64_t)disk->file_bytes, err);
    if (r < 0) {
        fl_keydisk_take_back(disk);
        return r;
    }
    return sync_fd(disk, disk->fd, "sync the key table", err);
}

/* ---- the epoch file: magic, u32 version, u32 epoch, the epoch key under the root key ---- */

static void put_u32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

/* The key is bound to all that stands before it. */
static struct fl_span epoch_head(unsigned char ret[16], uint32_t epoch)
{
    memcpy(ret, epoch_magic, sizeof epoch_magic);
    put_u32(ret + 8, EPOCH_VERSION);
    put_u32(ret + 12, epoch);
    return fl_span_of(ret, 16);
}

static int write_epoch_tmp(struct fl_keydisk *disk, struct fl_span text, struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int fd = -1;
    int r = step(disk, "write the new epoch file", err);

    if (r == 0)
        r = fl_file_open(disk->dir_fd, EPOCH_TMP, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600,
                         &fd, err);
    if (r == 0)
        r = fl_fd_write_all(fd, text.ptr, text.len, err);
    if (r == 0 && fsync(fd) < 0)
        r = fl_err_sys(err, FL_E_IO, errno, "sync the new epoch file");
    return r;
}

/* Best effort, for media that write in place: the bytes of the file that is no longer `epoch`. */
static void overwrite(int fd)
{
    unsigned char noise[EPOCH_FILE_BYTES];

    if (fd < 0)
        return;
    fl_random(noise, sizeof noise);
    if (fl_fd_pwrite_all(fd, noise, sizeof noise, 0, NULL) == 0)
        (void)fdatasync(fd);
}

int fl_keydisk_replace_epoch(struct fl_keydisk *disk, uint32_t epoch,
                             const unsigned char key[FL_KEY_BYTES], struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int old = -1;
    unsigned char text[EPOCH_FILE_BYTES];
    struct fl_span head = epoch_head(text, epoch);
    int r = disk->root->ops->seal(disk->root, head, fl_span_of(key, FL_KEY_BYTES), text + head.len,
                                  err);

    if (r == 0)
        r = write_epoch_tmp(disk, fl_span_of(text, sizeof text), err);
    if (r < 0)
        return r;
    (void)!fl_file_open(disk->dir_fd, FL_KEYDISK_EPOCH, O_WRONLY | O_NOFOLLOW, 0, &old, NULL);
    r = step(disk, "put the new epoch file in place", err);
    if (r < 0)
        return r;
    if (renameat(disk->dir_fd, EPOCH_TMP, disk->dir_fd, FL_KEYDISK_EPOCH) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "rename the new epoch file");
    r = sync_folder(disk, FL_KEYDISK_EPOCH, err);
    if (r == 0)
        overwrite(old);
    return r;
}

int fl_keydisk_write_epoch(struct fl_keydisk *disk, struct fl_root *root, const char *name,
                           uint32_t epoch, const unsigned char key[FL_KEY_BYTES],
                           struct fl_err *err)
{
    unsigned char text[EPOCH_FILE_BYTES];
    struct fl_span head = epoch_head(text, epoch);
    int r = root->ops->seal(root, head, fl_span_of(key, FL_KEY_BYTES), text + head.len, err);

    if (r == 0)
        r = step(disk, "write the epoch file of the new root key", err);
    return r < 0 ? r : fl_file_write(disk->dir_fd, name, fl_span_of(text, sizeof text), 0600, err);
}

int fl_keydisk_read_epoch(struct fl_keydisk *disk, uint32_t *ret_epoch,
                          unsigned char ret_key[FL_KEY_BYTES], struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    unsigned char head[16];
    struct fl_cursor cur;
    struct fl_span bound, wrap;
    uint32_t version, epoch;
    int r;

    fl_buf_init(&text, EPOCH_FILE_BYTES);
    r = fl_file_read(disk->dir_fd, FL_KEYDISK_EPOCH, &text, err);
    if (r < 0)
        return r;
    cur = fl_cursor_of(fl_buf_span(&text));
    bound = fl_cursor_bytes(&cur, sizeof epoch_magic);
    version = fl_cursor_u32(&cur);
    epoch = fl_cursor_u32(&cur);
    wrap = fl_cursor_bytes(&cur, FL_WRAP_KEY_BYTES);
    if (!fl_cursor_done(&cur) || memcmp(bound.ptr, epoch_magic, sizeof epoch_magic) != 0 ||
        version != EPOCH_VERSION)
        return fl_err_set(err, FL_E_CORRUPT, "the epoch file is not one of version %d",
                          EPOCH_VERSION);
    r = disk->root->ops->open(disk->root, epoch_head(head, epoch), wrap, ret_key, err);
    if (r < 0)
        return fl_err_wrap(err, "the epoch file does not open under this root key");
    *ret_epoch = epoch;
    return FL_OK;
}

/* ---- opening ---- */

static int take_lock(struct fl_keydisk *disk, struct fl_err *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int r = fl_file_open(disk->dir_fd, FL_KEYDISK_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW, 0600,
                         &disk->lock_fd, err);

    if (r < 0)
        return r;
    if (fcntl(disk->lock_fd, F_OFD_SETLK, &whole) < 0)
        return errno == EAGAIN || errno == EACCES
                   ? fl_err_set(err, FL_E_EXISTS, "another process has the key table open")
                   : fl_err_sys(err, FL_E_IO, errno, "lock the key table");
    return FL_OK;
}

static bool is_there(const struct fl_keydisk *disk, const char *name, int64_t *ret_bytes)
{
    struct stat st;

    if (fstatat(disk->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    *ret_bytes = st.st_size;
    return true;
}

/* Table first, epoch file second: a table without a frame and without an epoch file is new. */
static int begin_files(struct fl_keydisk *disk, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf header;
    unsigned char key[FL_KEY_BYTES];
    int r = step(disk, "begin a key table", err);

    fl_buf_init(&header, FL_KEYFRAME_HEADER_BYTES);
    fl_keyframe_header(&header, 1);
    if (r == 0)
        r = fl_buf_status(&header, err);
    if (r == 0)
        r = fl_file_write(disk->dir_fd, FL_KEYDISK_TABLE, fl_buf_span(&header), 0600, err);
    if (r < 0)
        return r;
    fl_random(key, sizeof key);
    r = fl_keydisk_replace_epoch(disk, 1, key, err);
    explicit_bzero(key, sizeof key);
    return r;
}

int fl_keydisk_open(struct fl_keydisk *disk, struct fl_err *err)
{
    int64_t epoch_bytes = 0, table_bytes = 0;
    bool epoch, table;
    int r = take_lock(disk, err);

    if (r < 0)
        return r;
    (void)unlinkat(disk->dir_fd, TABLE_TMP, 0);
    (void)unlinkat(disk->dir_fd, EPOCH_TMP, 0);
    epoch = is_there(disk, FL_KEYDISK_EPOCH, &epoch_bytes);
    table = is_there(disk, FL_KEYDISK_TABLE, &table_bytes);
    if (!epoch && (!table || table_bytes <= FL_KEYFRAME_HEADER_BYTES))
        return begin_files(disk, err);
    if (!epoch)
        return fl_err_set(err, FL_E_NOENT,
                          "the file " FL_KEYDISK_EPOCH
                          " is missing: without it the key table opens "
                          "nothing");
    if (!table)
        return fl_err_set(err, FL_E_NOENT,
                          "the file " FL_KEYDISK_TABLE " is missing: without it no stored file "
                          "opens; put it back");
    return FL_OK;
}

int fl_keydisk_load(struct fl_keydisk *disk, uint32_t epoch, struct fl_keymap *map,
                    struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf bytes;
    struct fl_keyframe_report report = {0};
    int r;

    fl_buf_init(&bytes, TABLE_MAX_BYTES);
    r = fl_file_read(disk->dir_fd, FL_KEYDISK_TABLE, &bytes, err);
    if (r == 0)
        r = fl_keyframe_replay(fl_buf_span(&bytes), epoch, map, &report, err);
    if (r == 0)
        r = fl_file_open(disk->dir_fd, FL_KEYDISK_TABLE, O_RDWR | O_NOFOLLOW, 0, &disk->fd, err);
    if (r < 0)
        return r;
    disk->file_bytes = report.good_bytes;
    if (bytes.len > report.good_bytes)
        fl_keydisk_take_back(disk);
    if (disk->broken)
        return fl_err_set(err, FL_E_IO, "the key table cannot be cut to its good part");
    return fl_file_settle(disk->dir_fd, FL_KEYDISK_TABLE, disk->fd,
                          fl_span_of(bytes.ptr, report.good_bytes), err);
}

/* ---- rewriting, when most of the file is dead ---- */

uint64_t fl_keydisk_live_bytes(const struct fl_keymap *map)
{
    return FL_KEYFRAME_HEADER_BYTES + map->tenant_count * FL_KEYFRAME_TENANT_BYTES +
           map->days * FL_KEYFRAME_DAY_BYTES + map->files * FL_KEYFRAME_FILE_BYTES;
}

struct rewriting {
    const struct fl_keymap *map;
    uint32_t epoch;
    struct fl_buf frame;
    int fd;
    uint64_t bytes;
};

static int flush_frame(struct rewriting *w, struct fl_err *err)
{
    int r = fl_keyframe_end(&w->frame, err);

    if (r == 0)
        r = fl_fd_write_all(w->fd, w->frame.ptr, w->frame.len, err);
    w->bytes += w->frame.len;
    fl_buf_clear(&w->frame);
    fl_keyframe_begin(&w->frame, w->epoch);
    return r;
}

static int write_day(struct rewriting *w, uint32_t tenant, const struct fl_keymap_day *day,
                     struct fl_err *err)
{
    fl_keyframe_day(&w->frame, tenant, day->day, day->wrap);
    for (size_t i = 0; i < day->cap; i++) {
        int r = 0;

        if (!day->slots[i].used)
            continue;
        fl_keyframe_file(&w->frame, tenant, day->day, day->slots[i].id, day->slots[i].wrap);
        if (w->frame.len >= FRAME_BYTES)
            r = flush_frame(w, err);
        if (r < 0)
            return r;
    }
    return FL_OK;
}

static int write_tenant(struct rewriting *w, const struct fl_keymap_tenant *tenant,
                        struct fl_err *err)
{
    fl_keyframe_tenant(&w->frame, tenant->tenant, tenant->wrap);
    for (size_t i = 0; i < tenant->day_count; i++) {
        int r = write_day(w, tenant->tenant, &tenant->days[i], err);

        if (r == 0 && w->frame.len >= FRAME_BYTES)
            r = flush_frame(w, err);
        if (r < 0)
            return r;
    }
    return w->frame.len >= FRAME_BYTES ? flush_frame(w, err) : FL_OK;
}

static int write_all(struct rewriting *w, struct fl_err *err)
{
    int r;

    fl_keyframe_header(&w->frame, w->epoch);
    r = fl_buf_status(&w->frame, err);
    if (r == 0)
        r = fl_fd_write_all(w->fd, w->frame.ptr, w->frame.len, err);
    w->bytes = w->frame.len;
    fl_buf_clear(&w->frame);
    fl_keyframe_begin(&w->frame, w->epoch);
    for (size_t i = 0; r == 0 && i < w->map->tenant_count; i++)
        r = write_tenant(w, &w->map->tenants[i], err);
    return r == 0 ? flush_frame(w, err) : r;
}

static int write_table_tmp(struct fl_keydisk *disk, struct rewriting *w, struct fl_err *err)
{
    int r = step(disk, "write the table anew", err);

    fl_buf_init(&w->frame, FRAME_BYTES + (1 << 16));
    if (r == 0)
        r = fl_file_open(disk->dir_fd, TABLE_TMP, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600,
                         &w->fd, err);
    if (r == 0)
        r = write_all(w, err);
    fl_buf_done(&w->frame);
    if (r == 0)
        r = sync_fd(disk, w->fd, "sync the new table", err);
    return r;
}

int fl_keydisk_tidy(struct fl_keydisk *disk, uint32_t epoch, const struct fl_keymap *map,
                    struct fl_err *err)
{
    struct rewriting w = {.map = map, .epoch = epoch, .fd = -1};
    int r;

    if (disk->file_bytes <= 2 * fl_keydisk_live_bytes(map) + SPARE_BYTES)
        return FL_OK;
    r = write_table_tmp(disk, &w, err);
    if (r == 0)
        r = step(disk, "put the new table in place", err);
    if (r == 0 && renameat(disk->dir_fd, TABLE_TMP, disk->dir_fd, FL_KEYDISK_TABLE) < 0)
        r = fl_err_sys(err, FL_E_IO, errno, "rename the new table");
    if (r < 0) {
        fl_fd_close(&w.fd);
        if (!disk->broken)
            (void)unlinkat(disk->dir_fd, TABLE_TMP, 0);
        return r;
    }
    fl_fd_close(&disk->fd);
    disk->fd = w.fd;
    disk->file_bytes = w.bytes;
    return sync_folder(disk, FL_KEYDISK_TABLE, err);
}
