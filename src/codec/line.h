/*
 * line.h - one log line of any kind to one row: the table of parsers, and the way back.
 *
 * fl_line_parse() walks the header (RFC 5424, RFC 3164, or what vendors send instead), then gives
 * the body to the first parser of the table in line.c that knows it. A further vendor is one file
 * with one `fl_body_parser`, and one row there.
 * Pure: no clock (the time of receipt is passed in), no locale, no I/O.
 */
#ifndef FL_CODEC_LINE_H
#define FL_CODEC_LINE_H

#include <stdint.h>

#include "base/buf.h"
#include "codec/event.h"

#define FL_LINE_MAX_BYTES ((size_t)64 * 1024) /* longer ones are cut and flagged by the framer */

/*
 * Fill ev (cleared by this call; ev->arena must be set) from the bytes of one line without its
 * framing. It cannot fail: what no parser understands becomes a row with FL_ROW_UNPARSED and the
 * whole line in FL_F_RAW; *ret_why then says why in a few words ("" when parsed). Guarantee:
 * fl_line_rebuild() of the result gives back exactly these bytes. received_us is the time of
 * receipt, UTC; it also gives RFC 3164 lines their year. Later stages may set fields that are
 * absent; they must leave alone those that are set, because the line is rebuilt from them.
 */
void fl_line_parse(struct fl_span line, int64_t received_us, struct fl_event *ev,
                   const char **ret_why);

/* Append the received bytes: FL_F_RAW where kept, else shape and columns. */
int fl_line_rebuild(const struct fl_event *ev, struct fl_buf *out, struct fl_err *err)
    FL_MUST_CHECK;

/* Call fn for each parameter that has no column, in wire order. Names borrowed from the shape. */
void fl_line_extras(const struct fl_event *ev,
                    void (*fn)(void *ctx, struct fl_span name, struct fl_span value), void *ctx);

#endif
