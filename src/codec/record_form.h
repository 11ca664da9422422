/*
 * record_form.h - what writer and reader of batches (record.h, version 2) agree on.
 */
#ifndef FL_CODEC_RECORD_FORM_H
#define FL_CODEC_RECORD_FORM_H

#include "codec/record.h"

enum {
    FL_BATCH_SET_BYTES = 16,
    FL_BATCH_WORD_BYTES = 4,    /* of a word's length, at most */
    FL_BATCH_COLUMN_BYTES = 16, /* of a column's head, at most */
    /* form of a column of numbers: width of a value in bytes, 0..8, and above it the scale */
    FL_BATCH_WIDTH_MASK = 15,
    FL_BATCH_SCALE_SHIFT = 4, /* the values were divided by fl_batch_scale[form >> 4] */
    FL_BATCH_SCALES = 3,
    /* form of a column of strings: width of a code in bytes, 0..2, or 3: value n is word n */
    FL_BATCH_CODE_MASK = 3,
    FL_BATCH_CODE_OWN = 3,
    FL_BATCH_LEN_SHIFT = 2, /* width of a length: 1 << (form >> 2 & 3), of 1, 2, 4 bytes */
    FL_BATCH_LEN_MASK = 3,
    FL_BATCH_V4 = 16 /* all addresses are IPv4: words of 4 bytes */
};

static const uint64_t fl_batch_scale[FL_BATCH_SCALES] = {1, 1000, 1000000};

/* Does the column hold differences to FL_F_TIME, 0 where that is absent? */
static inline bool fl_batch_from_time(enum fl_field f)
{
    return fl_fields[f].type == FL_T_TIME && f > FL_F_TIME;
}

/* 1 or 2, or FL_E_CORRUPT: not the front of a batch, too long, or of a later version. */
int fl_batch_version(struct fl_span bytes, struct fl_err *err) FL_MUST_CHECK;
/* A view of version 1, which has rows: one behind the other, interned here. */
int fl_batch_gather(struct fl_span bytes, struct fl_arena *arena, struct fl_batch_view *ret,
                    struct fl_err *err) FL_MUST_CHECK;
/* A view of version 2; the version was looked at. */
int fl_batch_columns(struct fl_span bytes, struct fl_arena *arena, struct fl_batch_view *ret,
                     struct fl_err *err) FL_MUST_CHECK;

#endif
