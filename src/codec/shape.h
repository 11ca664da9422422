/*
 * shape.h - how a parsed line is rebuilt: its skeleton, and the texts that no column can give back.
 *
 * FL_F_SHAPE is the line with its values taken out: literal bytes, and a placeholder where a value
 * goes back in. Lines of one message from one software release share one shape, so a store keeps it
 * once. FL_F_EXTRA holds, in wire order, the texts that stand in no column (parameters nobody
 * mapped) or whose column would not give the same text ("0443" for port 443): each a varint length
 * and the bytes as received.
 *
 * A placeholder is the escape byte 0x1e, the field's number + 0x20, a format byte, and operands:
 *
 *   's'          a string, as it is
 *   'q' 'c' 'v' 'k'  a string, with the escapes of structured data (RFC 5424 section 6.3.3: \"
 * \\ \]), of a CEF header (\| \\), a CEF extension (\= \\ \n \r) or key="value" (\" \\) 'd' a
 * number, decimal without leading zeros 'i'          an address as codec/ip.h writes it 'U' 'u' the
 * name of a protocol number, TCP or tcp 't' a b c d  a time: style (codec/stamp.h), digits of the
 * fraction, offset in minutes + 0x8000 as two bytes, high first 'x'          the next text of
 * FL_F_EXTRA; the field has the value that was understood from it
 *
 * and, with FL_F_EXTRA as the field, a parameter without a column: the next text of FL_F_EXTRA,
 * whose escapes are those of format byte q, or none when q is 's':
 *
 *   'x' d n q    its name is the n bytes that begin d bytes before the escape byte (n 0: no name)
 *   'p' i q      its name is number i of enum fl_shape_name
 *
 * Two escape bytes in a row are one literal 0x1e. All of this is stored: append only.
 */
#ifndef FL_CODEC_SHAPE_H
#define FL_CODEC_SHAPE_H

#include <stdbool.h>

#include "base/buf.h"
#include "codec/event.h"
#include "codec/stamp.h"

#define FL_SHAPE_ESC 0x1e

/* Names of texts that have none in the line. Append only. */
enum fl_shape_name {
    FL_SHAPE_REST,       /* what the parser could not read on with */
    FL_SHAPE_TEXT,       /* free text where FL_F_MESSAGE is taken */
    FL_SHAPE_RELAY_TIME, /* the header that a relay put in front */
    FL_SHAPE_RELAY_HOST,
    FL_SHAPE_RELAY_PROGRAM,
    FL_SHAPE_RELAY_PROCID,
    FL_SHAPE_RELAY_PRI,
    FL_SHAPE_DEVICE_VERSION, /* CEF */
    FL_SHAPE_NAME,           /* CEF */
    FL_SHAPE_CONNECTION_TAG, /* unstructured RT_FLOW, by the names of the structured form */
    FL_SHAPE_NAT_CONNECTION_TAG,
    FL_SHAPE_SRC_NAT_RULE_TYPE,
    FL_SHAPE_SRC_NAT_RULE_NAME,
    FL_SHAPE_DST_NAT_RULE_TYPE,
    FL_SHAPE_DST_NAT_RULE_NAME,
    FL_SHAPE_ICMP_TYPE,
    FL_SHAPE_ENCRYPTED,
    FL_SHAPE_SUB_CATEGORY,
    FL_SHAPE_RISK,
    FL_SHAPE_CHARACTERISTICS,
    FL_SHAPE_NAME_COUNT
};
extern const char *const fl_shape_names[FL_SHAPE_NAME_COUNT];

/*
 * A shape in the making. Bytes of the line are taken in order: each call names a range [from, to)
 * at or behind the end of the one before; what lies between is literal. Failure sticks.
 */
struct fl_shape {
    struct fl_span line;
    struct fl_arena *arena;
    unsigned char *out, *extra;
    size_t done; /* bytes of the line that are in out already, or stand for a value */
    size_t out_len, out_cap;
    size_t extra_len, extra_cap;
    bool escapes; /* the line holds FL_SHAPE_ESC somewhere */
    bool failed;  /* no memory, or a limit: the line must be kept whole */
};

struct fl_shape_mark {
    size_t done, out_len, extra_len;
};

void fl_shape_begin(struct fl_shape *s, struct fl_span line, struct fl_arena *arena);
void fl_shape_field(struct fl_shape *s, size_t from, size_t to, enum fl_field f, char format);
void fl_shape_stamp(struct fl_shape *s, size_t from, size_t to, const struct fl_stamp *stamp);
/* A value that the column cannot give back: its text goes to FL_F_EXTRA. */
void fl_shape_text(struct fl_shape *s, size_t from, size_t to, enum fl_field f);
/* A parameter without a column, named by the line at [name, name + name_len), or by a number. */
void fl_shape_extra(struct fl_shape *s, size_t from, size_t to, size_t name, size_t name_len,
                    char escapes);
void fl_shape_named(struct fl_shape *s, size_t from, size_t to, enum fl_shape_name name,
                    char escapes);

/* To give up a parser's work and let the next one try. */
struct fl_shape_mark fl_shape_mark(const struct fl_shape *s);
void fl_shape_back(struct fl_shape *s, struct fl_shape_mark mark);

/* Set FL_F_SHAPE and FL_F_EXTRA. False when the shape failed; the event is then unchanged. */
bool fl_shape_end(struct fl_shape *s, struct fl_event *ev) FL_MUST_CHECK;

/* Does the event rebuild to exactly this line? */
bool fl_shape_check(const struct fl_event *ev, struct fl_span line);

/* Append the line. FL_E_CORRUPT when shape, extra and fields do not fit together. */
int fl_shape_rebuild(const struct fl_event *ev, struct fl_buf *out, struct fl_err *err)
    FL_MUST_CHECK;

void fl_shape_extras(const struct fl_event *ev,
                     void (*fn)(void *ctx, struct fl_span name, struct fl_span value), void *ctx);

/*
 * The escapes of a format byte. fl_shape_unescape() returns s itself where it holds none, else a
 * copy from the arena (ptr NULL when that is full).
 */
struct fl_span fl_shape_unescape(struct fl_span s, char escapes, struct fl_arena *arena);
/* Would escaping `plain` give `raw`? */
bool fl_shape_escapes_to(struct fl_span plain, char escapes, struct fl_span raw);

/* IANA protocol numbers that devices name. NULL and -1 when unknown. Names are in lower case. */
const char *fl_proto_name(uint64_t number);
int fl_proto_number(struct fl_span name); /* ASCII letters of any case */

#endif
