#include "model/device.h"

static struct fl_span text(const char *field, size_t size)
{
    return fl_span_of(field, strnlen(field, size));
}
#define TEXT(field) text(field, sizeof(field))

int fl_device_check(const struct fl_device *d, struct fl_err *err)
{
    int r = fl_slug_check(TEXT(d->slug), "device", err);

    if (r == 0)
        r = fl_name_check(TEXT(d->name), "name", err);
    if (r == 0)
        r = fl_slug_check(TEXT(d->site), "site", err);
    if (r == 0)
        r = fl_host_check(TEXT(d->host), err);
    return r;
}

const char *fl_count_name(enum fl_count count)
{
    static const char *const names[FL_COUNTS] = {
        [FL_COUNT_LINES] = "lines",         [FL_COUNT_BYTES] = "bytes",
        [FL_COUNT_UNPARSED] = "unparsed",   [FL_COUNT_RAW_KEPT] = "raw_kept",
        [FL_COUNT_REPAIRED] = "repaired",   [FL_COUNT_TRUNCATED] = "truncated",
        [FL_COUNT_CLOCK_OFF] = "clock_off", [FL_COUNT_ACCEPTED] = "accepted",
        [FL_COUNT_LOST] = "lost",           [FL_COUNT_DROPPED] = "dropped",
        [FL_COUNT_CONNECTS] = "connects",   [FL_COUNT_GAPS] = "gaps"};

    return names[count];
}

void fl_counters_add(struct fl_counters *c, const struct fl_msg_device_stat *report)
{
    const uint64_t now[FL_COUNTS] = {
        [FL_COUNT_LINES] = report->lines,         [FL_COUNT_BYTES] = report->bytes,
        [FL_COUNT_UNPARSED] = report->unparsed,   [FL_COUNT_RAW_KEPT] = report->raw_kept,
        [FL_COUNT_REPAIRED] = report->repaired,   [FL_COUNT_TRUNCATED] = report->truncated,
        [FL_COUNT_CLOCK_OFF] = report->clock_off, [FL_COUNT_ACCEPTED] = report->accepted,
        [FL_COUNT_LOST] = report->lost,           [FL_COUNT_DROPPED] = report->dropped,
        [FL_COUNT_CONNECTS] = report->connects,   [FL_COUNT_GAPS] = report->gaps};

    for (size_t i = 0; i < FL_COUNTS; i++) {
        uint64_t before = report->boot == c->boot ? c->seen[i] : 0;

        /* A counter that went back within a boot cannot be: take nothing rather than 2^64. */
        c->total[i] += now[i] > before ? now[i] - before : 0;
        c->seen[i] = now[i];
    }
    c->boot = report->boot;
    if (report->last_us != 0) {
        c->last_us = report->last_us;
        c->skew_us = report->skew_us;
    }
    if (report->gap_us > c->gap_us)
        c->gap_us = report->gap_us;
}
