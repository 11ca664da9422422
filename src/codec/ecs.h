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

/*
 * A parameter whose name another one of the row has already, and every one beyond the 64th, gets
 * its number behind the name ("rest#2"). A row that no parser understood has error.message.
 */

/* One JSON object without a newline. with_original adds event.original, rebuilt where needed. */
int fl_ecs_json(const struct fl_event *ev, bool with_original, struct fl_buf *out,
                struct fl_err *err) FL_MUST_CHECK;

/* The same; why (may be NULL) is what fl_line_parse() said of a line that it did not understand. */
int fl_ecs_json_why(const struct fl_event *ev, bool with_original, const char *why,
                    struct fl_buf *out, struct fl_err *err) FL_MUST_CHECK;

/* The same with event.id, which a row has once it is stored ("2026-11-21.4711"). */
int fl_ecs_json_id(const struct fl_event *ev, bool with_original, const char *id,
                   struct fl_buf *out, struct fl_err *err) FL_MUST_CHECK;

/* CSV (RFC 4180) of the fields of set in field order, ending in CRLF. Absent is empty.
 * A cell that a spreadsheet would run (= + - @ tab) gets a ' in front. fairlead.shape is no column,
 * fairlead.extra is a JSON object, event.original is rebuilt where needed. */
void fl_ecs_csv_head(const struct fl_fieldset *set, struct fl_buf *out);
void fl_ecs_csv_row(const struct fl_event *ev, const struct fl_fieldset *set, struct fl_buf *out);

#endif
