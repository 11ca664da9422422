/* time.h - UTC microseconds: clocks, RFC 3339, days. Civil dates are proleptic Gregorian. */
#ifndef FL_BASE_TIME_H
#define FL_BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define FL_US_PER_S   INT64_C(1000000)
#define FL_US_PER_DAY (INT64_C(86400) * FL_US_PER_S)

int64_t fl_now_us(void);      /* wall clock, UTC */
int64_t fl_now_mono_us(void); /* monotonic: for timeouts and durations */

/* The UTC day number (days since 1970-01-01), also before 1970. */
static inline int32_t fl_day_of(int64_t us)
{
    int64_t day = us / FL_US_PER_DAY;

    return (int32_t)(us % FL_US_PER_DAY < 0 ? day - 1 : day);
}

/* Days since 1970-01-01 of a civil date; the date must be valid. */
int64_t fl_days_from_civil(int year, int month, int day);
void fl_civil_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day);
bool fl_civil_valid(int year, int month, int day);

#define FL_TIME_TEXT_BYTES 32
/* "2026-11-21T20:04:31.000001Z"; years outside 0..9999 are clamped. text holds FL_TIME_TEXT_BYTES.
 */
void fl_time_format(int64_t us, char *text);
void fl_day_format(int32_t day, char text[16]); /* "2026-11-21" */

/* RFC 3339 with 0-6 digits of fraction and Z or an offset; or a date alone (midnight UTC). */
bool fl_time_parse(struct fl_span text, int64_t *ret_us);
bool fl_day_parse(struct fl_span text, int32_t *ret_day);

/* "90s", "15m", "1h", "7d", "250ms", "2w" to microseconds; at least 1 us. */
bool fl_duration_parse(struct fl_span text, int64_t *ret_us);

#endif
