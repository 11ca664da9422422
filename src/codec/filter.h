/*
 * filter.h - the filter language of the CLI, the API and the screen: text to a tree.
 *
 *   app:youtube site:berlin bytes>1M url~"cdn"          all of them (and)
 *   app:youtube or app:netflix        app:(youtube,netflix)        -user:j.doe    not action:denied
 *   src:10.0.0.0/8    dport:443    dport:1000..2000    time>=2026-11-21T08:00:00Z    user:j.*
 * flag:unparsed field:*   has a value        "free words" without a field: substring of url,
 * message or raw
 *
 * `:` equals (strings without case, * matches any run), `~` contains without case, > < >= <=
 * compare numbers and times; 1K 1M 1G = powers of 1000, Ki Mi Gi of 1024; durations (5m) for fields
 * in seconds. Fields by alias or ECS name (codec/field.h). Limits: 4 KiB of text (also of the
 * normalised text), 64 terms, depth 16. Errors name the column and what would be right.
 *
 * Inside quotes every byte stands for itself but \" and \\; a * in quotes is a star, outside it is
 * any run, and pieces join: user:"j doe"* begins with `j doe`. A date alone is its whole day (UTC).
 * A row without the field meets no condition on it, so -user:x also finds rows without a user.
 */
#ifndef FL_CODEC_FILTER_H
#define FL_CODEC_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/event.h"

#define FL_FILTER_MAX_BYTES 4096u
#define FL_FILTER_MAX_TERMS 64u
#define FL_FILTER_MAX_DEPTH 16u

enum fl_filter_op {
    FL_OP_AND,
    FL_OP_OR,
    FL_OP_NOT,      /* inner nodes */
    FL_OP_EQ,       /* string or number equals */
    FL_OP_GLOB,     /* string with * */
    FL_OP_CONTAINS, /* substring without case */
    FL_OP_RANGE,    /* lo <= number <= hi */
    FL_OP_NET,      /* address within net/bits */
    FL_OP_HAS,      /* has a value */
    FL_OP_FLAG,     /* any of the bits of num in FL_F_FLAGS */
    FL_OP_TEXT,     /* free words: url, message, raw */
    FL_OP_CALL      /* what a program puts in place of a leaf: call() decides; never parsed */
};

struct fl_filter {
    enum fl_filter_op op;
    enum fl_field field;            /* leaves */
    struct fl_span text;            /* EQ/GLOB/CONTAINS/TEXT on strings; NET: 16 bytes. In a GLOB
                                       a \\ stands before a * or \\ that means itself */
    uint64_t num, num_hi;           /* EQ, RANGE, FLAG on numbers; NET: prefix bits of 128 in num */
    struct fl_filter *left, *right; /* AND, OR; NOT has only left */
    bool (*call)(void *ctx, const struct fl_filter *leaf, struct fl_span word); /* CALL */
    void *ctx;
};

/* *ret lives in arena; NULL for the empty text (everything matches). FL_E_INVAL with "column N:
 * ...". */
int fl_filter_parse(struct fl_span text, struct fl_arena *arena, struct fl_filter **ret,
                    struct fl_err *err) FL_MUST_CHECK;
/* The fields that the tree looks at. */
void fl_filter_fields(const struct fl_filter *filter, struct fl_fieldset *add_to);
bool fl_filter_match(const struct fl_filter *filter,
                     const struct fl_event *ev); /* NULL matches all */
/* Compare of one leaf with one word, for dictionaries: is it true for this string? */
bool fl_filter_word(const struct fl_filter *leaf, struct fl_span word);
/* Normalised text of the tree; parsing it gives the same tree. */
void fl_filter_print(const struct fl_filter *filter, struct fl_buf *out);

#endif
