/*
 * ecs.h - a row as JSON (nested objects, Elastic Common Schema names) and as CSV.
 *
 * Times are RFC 3339 UTC with microseconds; event.duration is in nanoseconds as ECS has it;
 * flags become the array "tags"; parameters without a column go under "fairlead.extra" by name.
 * Bytes that are not UTF-8 are written as \ufffd in JSON; event.original keeps to that rule too.
 */
#ifndef FL_CODEC_ECS_H
#define FL_CODEC_ECS_H

#include "base/buf.h"
#include "codec/event.h"

/* One JSON object without a newline. with_original adds event.original, rebuilt where needed. */
int fl_ecs_json(const struct fl_event *ev, bool with_original, struct fl_buf *out,
                struct fl_err *err) FL_MUST_CHECK;

/* CSV (RFC 4180) of the fields of set in field order, ending in CRLF. Absent is empty.
 * A cell that a spreadsheet would run (= + - @ tab) gets a ' in front. */
void fl_ecs_csv_head(const struct fl_fieldset *set, struct fl_buf *out);
void fl_ecs_csv_row(const struct fl_event *ev, const struct fl_fieldset *set, struct fl_buf *out);

#endif
