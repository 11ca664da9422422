/*
 * filter_value.h - one value of the filter language becomes one leaf, in the type of its field.
 *
 * Inside codec: filter_parse.c reads the text, this file knows numbers, units, times, addresses.
 */
#ifndef FL_CODEC_FILTER_VALUE_H
#define FL_CODEC_FILTER_VALUE_H

#include "codec/filter.h"

enum fl_filter_cmp { FL_CMP_EQ, FL_CMP_HAS_TEXT, FL_CMP_GT, FL_CMP_GE, FL_CMP_LT, FL_CMP_LE };

struct fl_filter_value {
    struct fl_span text; /* as meant: quotes and escapes taken off; where stars is set, a pattern
                            with a \ before each * and \ that means itself */
    bool stars;          /* holds a * outside quotes */
    size_t column;       /* of its first byte, from 1 */
};

/*
 * Fill *leaf (zeroed by the caller) with the condition `field cmp value`; bytes are put into arena.
 * FL_E_INVAL with "column N: ..." and what would be right.
 */
int fl_filter_value(enum fl_field field, enum fl_filter_cmp cmp,
                    const struct fl_filter_value *value, struct fl_arena *arena,
                    struct fl_filter *leaf, struct fl_err *err) FL_MUST_CHECK;

/* Text from outside for an error message: cut at 40 bytes, unprintable bytes as '?'. */
struct fl_filter_shown {
    char text[48];
};
struct fl_filter_shown fl_filter_show(struct fl_span text);

/* The name that people use for a field: its alias, else its ECS name. */
static inline const char *fl_filter_name(enum fl_field f)
{
    return fl_fields[f].alias != NULL ? fl_fields[f].alias : fl_fields[f].ecs;
}

/* Names of IANA protocol numbers that a filter may use: proto:tcp. */
struct fl_filter_proto {
    const char *name;
    uint64_t number;
};
extern const struct fl_filter_proto fl_filter_protos[];

#endif
