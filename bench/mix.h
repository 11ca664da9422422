/*
 * mix.h - the log lines that figures are measured with: the same seed gives the same lines.
 *
 * 200 devices at 50 sites, 10,000 users, 300 applications and 20,000 domains by Zipf's law with
 * exponent 1.0, 3 % of the users with IPv6, 25 % lines of the web filter with a URL, the others
 * ends of sessions; RFC 5424 with structured data as Junos writes it, 825 bytes on average. A
 * line's time is up to 1.5 s before or behind its place.
 */
#ifndef FL_BENCH_MIX_H
#define FL_BENCH_MIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FL_MIX_LINE_MAX 2048
#define FL_MIX_DEVICES  200u
#define FL_MIX_SITES    50u /* device / 4 */
#define FL_MIX_USERS    10000u
#define FL_MIX_APPS     300u
#define FL_MIX_DOMAINS  20000u

#define FL_MIX_START_US (INT64_C(1763683200) * 1000000) /* 2025-11-21 */
#define FL_MIX_SPAN_US  INT64_C(86400000000)

struct fl_mix_config {
    uint64_t seed;
    uint64_t rows;    /* that the span is divided by */
    int64_t start_us; /* UTC */
    int64_t span_us;
};

struct fl_mix_row {
    uint64_t number;
    int64_t time_us; /* whole milliseconds */
    uint32_t device, user, app, domain;
    bool web;                                /* else the end of a session */
    unsigned char src[16], dst[16], nat[16]; /* IPv6, or IPv4 mapped */
    uint16_t src_port, dst_port, nat_port;
    uint64_t session;
    uint32_t policy, seconds;
    uint64_t out_bytes, in_bytes, out_packets, in_packets; /* 0 with web */
    uint32_t path[2];                                      /* of the URL: /p/<0>/<1> */
    bool idle;                                             /* ended by a timeout */
};

struct fl_mix;

struct fl_mix *fl_mix_new(const struct fl_mix_config *config); /* NULL: no memory */
void fl_mix_free(struct fl_mix *m);

void fl_mix_next(struct fl_mix *m, struct fl_mix_row *ret);
/* The line of a row, without framing or NUL; returns its length. */
size_t fl_mix_line(const struct fl_mix_row *row, char ret[FL_MIX_LINE_MAX]);
/* Its 22 columns as one line of tab-separated text, newline included; web columns are \N where
 * there are none, as COPY of PostgreSQL takes it. */
size_t fl_mix_tsv(const struct fl_mix_row *row, char ret[FL_MIX_LINE_MAX]);

#endif
