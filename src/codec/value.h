/*
 * value.h - for parsers: one value of a line into its column and into the shape.
 *
 * Here is decided what counts as absent, what a column can hold, and how its text comes back.
 * Columns get the value without escapes and without trailing blanks.
 */
#ifndef FL_CODEC_VALUE_H
#define FL_CODEC_VALUE_H

#include "codec/event.h"
#include "codec/shape.h"

/* One line on its way through a parser. */
struct fl_parse {
    struct fl_span line;
    int64_t received_us;
    struct fl_event *ev;
    struct fl_shape shape;
    size_t body;     /* where the text behind the header begins; line.len when there is none */
    bool has_header; /* some syslog header was understood before the body */
    bool structured; /* ... and it was that of RFC 5424, so structured data may follow */
    bool has_time;   /* FL_F_TIME comes from the line */
};

/* A parameter name that a parser knows. Rows stand in the usual wire order: that is tried first. */
struct fl_param {
    const char *name;
    size_t len;
    enum fl_field field; /* FL_FIELD_COUNT: known, and has no column */
    const char *tag;     /* only in messages whose tag begins so; NULL: in all */
};
#define FL_PARAM(name, field)                                                                      \
    {                                                                                              \
        name, sizeof(name) - 1, field, NULL                                                        \
    }
#define FL_PARAM_IN(name, field, tag)                                                              \
    {                                                                                              \
        name, sizeof(name) - 1, field, tag                                                         \
    }

struct fl_params {
    const struct fl_param *rows;
    size_t count;
};

/* Does the row at k stand for a parameter whose "name=" begins at text? The quick way in. */
bool fl_param_is(const struct fl_params *params, size_t k, struct fl_span text, struct fl_span tag);

/* The field of a name, FL_FIELD_COUNT when it has none. *hint is where to look first, from 0. */
enum fl_field fl_param_field(const struct fl_params *params, struct fl_span name,
                             struct fl_span tag, size_t *hint);

/* Where a value stands, and its name for the case that no column takes it. */
struct fl_slot {
    size_t from, to;
    size_t name, name_len;    /* in the line; name_len 0: see known */
    enum fl_shape_name known; /* used where name_len is 0 */
    char escapes;             /* 's' none, else a format byte of codec/shape.h */
};

/*
 * Put the value at slot into field f, or keep it as a parameter without a column: when f is
 * FL_FIELD_COUNT, holds a value already, or does not take this text. Absent values ("N/A", "None",
 * "UNKNOWN", "NA NA", "-1", "-", "", ...) stay part of the shape. True when the column has it.
 */
bool fl_value_put(struct fl_parse *p, enum fl_field f, struct fl_slot slot);

/*
 * The first half of it: trim the blanks behind the value (*to), set the column, say how the text
 * comes back: a format byte of codec/shape.h with its column, or one of these. 't' comes with
 * *ret_stamp.
 */
enum {
    FL_VALUE_ABSENT = 'a', /* no value: its text is part of the shape */
    FL_VALUE_VOID = '0',   /* a number that means none: the same */
    FL_VALUE_TEXT = 'x',   /* the column has it, the text goes to FL_F_EXTRA */
    FL_VALUE_EXTRA = 'e'   /* no column has it */
};
char fl_value_take(struct fl_parse *p, enum fl_field f, size_t from, size_t *to, char escapes,
                   struct fl_stamp *ret_stamp);

/* A header's token, verbatim; "-" is absent. */
void fl_value_token(struct fl_parse *p, enum fl_field f, size_t from, size_t to);

/* The free text from here to the end of the line, without trailing blanks. */
void fl_value_message(struct fl_parse *p, size_t from, size_t to);

bool fl_value_absent(struct fl_span value);

/* The words that it knows, the empty one first; its number in the table, or FL_ABSENT_WORDS. */
enum { FL_ABSENT_WORDS = 13 };
struct fl_absent_word {
    unsigned char len;
    char text[15];
};
extern const struct fl_absent_word fl_absent_words[FL_ABSENT_WORDS];
size_t fl_absent_word(struct fl_span value);

/* Let a body parser begin, and undo what it did. */
struct fl_parse_mark {
    struct fl_shape_mark shape;
    struct fl_fieldset has;
    uint64_t flags;
    bool has_time;
};
struct fl_parse_mark fl_parse_mark(const struct fl_parse *p);
void fl_parse_back(struct fl_parse *p, const struct fl_parse_mark *mark);

static inline struct fl_span fl_parse_span(const struct fl_parse *p, size_t from, size_t to)
{
    return fl_span_of(p->line.ptr + from, to - from);
}

#endif
