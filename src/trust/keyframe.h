/*
 * keyframe.h - the key table as bytes: frames of records, appended, replayed (FORMAT.md "Key
 * table").
 *
 * A frame is written by one write and synced before the next is begun, so only the last one can be
 * torn. A frame that begins a new epoch (a destruction) counts only once the epoch file says so.
 */
#ifndef FL_TRUST_KEYFRAME_H
#define FL_TRUST_KEYFRAME_H

#include "base/buf.h"
#include "trust/keymap.h"

#define FL_KEYFRAME_HEADER_BYTES 16u /* of the file */
#define FL_KEYFRAME_EXTRA_BYTES  20u /* of a frame besides its records */
#define FL_KEYFRAME_MAX_BYTES    (64u << 20)
#define FL_KEYFRAME_TENANT_BYTES (1u + 4 + FL_WRAP_KEY_BYTES)
#define FL_KEYFRAME_DAY_BYTES    (1u + 4 + 4 + FL_WRAP_KEY_BYTES)
#define FL_KEYFRAME_FILE_BYTES   (1u + 4 + 4 + FL_FILE_ID_BYTES + FL_WRAP_KEY_BYTES)

/* The file's header; epoch: the one in which this file was begun. */
void fl_keyframe_header(struct fl_buf *out, uint32_t epoch);

/* One frame: begin, records, end. out must be empty at the beginning. */
void fl_keyframe_begin(struct fl_buf *out, uint32_t epoch);
void fl_keyframe_tenant(struct fl_buf *out, uint32_t tenant, const unsigned char *wrap);
void fl_keyframe_day(struct fl_buf *out, uint32_t tenant, int32_t day, const unsigned char *wrap);
void fl_keyframe_file(struct fl_buf *out, uint32_t tenant, int32_t day, const unsigned char *id,
                      const unsigned char *wrap);
/* id NULL: the whole day; day FL_DAY_NONE too: the whole tenant. */
void fl_keyframe_drop(struct fl_buf *out, uint32_t tenant, int32_t day, const unsigned char *id);
int fl_keyframe_end(struct fl_buf *out, struct fl_err *err) FL_MUST_CHECK;

/* Do what a whole frame (as from fl_keyframe_end) says. FL_E_CORRUPT. */
int fl_keyframe_apply(struct fl_span frame, struct fl_keymap *map, struct fl_err *err)
    FL_MUST_CHECK;

struct fl_keyframe_report {
    uint32_t epoch;    /* of the last frame that counts; of the header where there is none */
    uint64_t frames;   /* that count */
    size_t good_bytes; /* up to here the file counts */
    size_t torn_bytes; /* behind it: an append that was not finished */
    bool uncommitted;  /* behind it: a whole frame of the next epoch that never began */
};

/*
 * Replay a whole file into an empty map, as of `epoch` (what the epoch file says).
 *
 * FL_E_CORRUPT with the offset: not a key table, or a frame is damaged that was synced, or (the
 * text says which) the table is older or newer than the epoch.
 */
int fl_keyframe_replay(struct fl_span table, uint32_t epoch, struct fl_keymap *map,
                       struct fl_keyframe_report *ret, struct fl_err *err) FL_MUST_CHECK;

#endif
