/* units.h - numbers, sizes, spans of time and points of time as people read and write them. */
#ifndef FL_CLI_UNITS_H
#define FL_CLI_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define FL_UNIT_TEXT_BYTES 40

void fl_unit_count(uint64_t value, char text[FL_UNIT_TEXT_BYTES]); /* "1,204" */
/* "58.9 M": three digits and a power of 1000, for places without room. */
void fl_unit_short(uint64_t value, char text[FL_UNIT_TEXT_BYTES]);
void fl_unit_bytes(uint64_t value, char text[FL_UNIT_TEXT_BYTES]);    /* "18.4 GB" (10^9) */
void fl_unit_rate(double bytes_per_s, char text[FL_UNIT_TEXT_BYTES]); /* "2.4 MB/s" */
void fl_unit_share(double part, char text[FL_UNIT_TEXT_BYTES]);       /* 0.312 -> "31.2 %" */
void fl_unit_span(int64_t us, char text[FL_UNIT_TEXT_BYTES]);         /* "1.4 ms", "3 h 20 min" */
void fl_unit_ago(int64_t us, int64_t now_us, char text[FL_UNIT_TEXT_BYTES]); /* "3 s ago" */
/* "1G", "200M", "512Ki", "2GB" to bytes. */
bool fl_unit_parse_bytes(struct fl_span text, uint64_t *ret);

/*
 * The time zone of all times shown: "" or "local", "UTC", "+02:00", or a name of the zone
 * database. FL_E_INVAL for a name that this machine does not have.
 */
int fl_zone_set(const char *name, struct fl_err *err) FL_MUST_CHECK;
void fl_zone_time(int64_t us, char text[FL_UNIT_TEXT_BYTES]);  /* "2026-11-21 20:04:31" */
void fl_zone_short(int64_t us, char text[FL_UNIT_TEXT_BYTES]); /* "20:04:31" */
/*
 * A point of time as typed: RFC 3339, "2026-11-21", "2026-11-21 20:04[:31]" in the zone, "now", or
 * a span before now: "-1h", "1h".
 */
int fl_zone_parse(const char *text, int64_t now_us, int64_t *ret_us, struct fl_err *err)
    FL_MUST_CHECK;

#endif
