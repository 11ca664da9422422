/*
 * keydisk.h - the two files of the key table and the order in which they are written.
 *
 * `table` is appended to; `epoch` holds the epoch key under the root key and is replaced as one
 * step. The order (table synced, then epoch renamed) is what makes a destruction whole or not done
 * after a crash at any point. Used by keytable.c only; err is never NULL here.
 */
#ifndef FL_TRUST_KEYDISK_H
#define FL_TRUST_KEYDISK_H

#include "trust/keyframe.h"
#include "trust/root.h"

#define FL_KEYDISK_TABLE "table"
#define FL_KEYDISK_EPOCH "epoch" /* kept out of every backup set */
#define FL_KEYDISK_LOCK  "lock"

struct fl_keydisk {
    int dir_fd;                               /* borrowed */
    struct fl_root *root;                     /* borrowed */
    int (*step)(void *ctx, const char *what); /* see struct fl_keytable_config */
    void *step_ctx;
    int lock_fd, fd;     /* owned; fd: the table */
    uint64_t file_bytes; /* of the table that count */
    bool broken;         /* what is on the disk is not known; nothing more may be written */
};

void fl_keydisk_done(struct fl_keydisk *disk);

/*
 * Take the lock, remove what an interrupted replacement left, and begin both files where neither is
 * there. FL_E_EXISTS: another process has the table open. FL_E_NOENT: one of the two is missing.
 */
int fl_keydisk_open(struct fl_keydisk *disk, struct fl_err *err) FL_MUST_CHECK;

/* The epoch file: FL_E_CORRUPT when it is none, or does not open under the root key. */
int fl_keydisk_read_epoch(struct fl_keydisk *disk, uint32_t *ret_epoch,
                          unsigned char ret_key[FL_KEY_BYTES], struct fl_err *err) FL_MUST_CHECK;
/* Replay the table as of epoch into map; what is behind its good part is cut off. */
int fl_keydisk_load(struct fl_keydisk *disk, uint32_t epoch, struct fl_keymap *map,
                    struct fl_err *err) FL_MUST_CHECK;

/* Append behind file_bytes and sync; file_bytes stays: the caller adds frame.len once it counts. */
int fl_keydisk_append(struct fl_keydisk *disk, struct fl_span frame, struct fl_err *err)
    FL_MUST_CHECK;
/* Cut off what stands behind file_bytes. */
void fl_keydisk_take_back(struct fl_keydisk *disk);

/* The moment of a destruction: when this succeeds the old epoch key is gone. */
int fl_keydisk_replace_epoch(struct fl_keydisk *disk, uint32_t epoch,
                             const unsigned char key[FL_KEY_BYTES], struct fl_err *err)
    FL_MUST_CHECK;

/* The same file under another name, its key wrapped by another root; nothing begins with it. */
int fl_keydisk_write_epoch(struct fl_keydisk *disk, struct fl_root *root, const char *name,
                           uint32_t epoch, const unsigned char key[FL_KEY_BYTES],
                           struct fl_err *err) FL_MUST_CHECK;

uint64_t fl_keydisk_live_bytes(const struct fl_keymap *map); /* of a table without dead records */
/* Write the table anew when more than half of it is dead; the epoch stays. */
int fl_keydisk_tidy(struct fl_keydisk *disk, uint32_t epoch, const struct fl_keymap *map,
                    struct fl_err *err) FL_MUST_CHECK;

#endif
