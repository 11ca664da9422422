/*
 * rollup.h - sums per site, time bucket and key, made when rows are sealed; they die with their
 * segment.
 *
 * Rows with FL_ROW_FAR_END, FL_ROW_COPY or FL_ROW_NO_BASELINE add nothing (their derived counters
 * are absent). Buckets are of event time (FL_F_TIME), aligned to the tier from 1970.
 */
#ifndef FL_LOGS_ROLLUP_H
#define FL_LOGS_ROLLUP_H

#include "logs/block.h"

enum fl_rollup_dim { FL_BY_APP, FL_BY_DOMAIN, FL_BY_CATEGORY, FL_BY_USER, FL_ROLLUP_DIMS };
enum fl_rollup_tier { FL_TIER_5M, FL_TIER_1H, FL_TIER_1D, FL_ROLLUP_TIERS };
extern const int64_t fl_rollup_tier_us[FL_ROLLUP_TIERS];
extern const enum fl_field fl_rollup_dim_field[FL_ROLLUP_DIMS]; /* FL_F_APP, FL_F_DOMAIN, ... */

struct fl_rollup_entry {
    int64_t bucket_us;
    uint32_t site, key; /* codes in sites and keys; 0 = absent */
    uint64_t rows, sessions, bytes_up, bytes_down, packets, seconds;
};

struct fl_rollup {
    struct fl_rollup_entry *entries; /* sorted by bucket, site, key */
    size_t count;
    struct fl_span *sites, *keys; /* words by code; [0] empty */
    uint32_t site_count, key_count;
};

/* Which users were seen with which key, per site (distinct users are no sum). For FL_BY_APP,
 * FL_BY_DOMAIN, FL_BY_CATEGORY. */
struct fl_rollup_users {
    struct {
        uint32_t site, key, user;
    } * pairs; /* codes; sorted; distinct */
    size_t count;
    struct fl_span *sites, *keys, *users;
    uint32_t site_count, key_count, user_count;
};

void fl_rollup_free(struct fl_rollup *r);
void fl_rollup_users_free(struct fl_rollup_users *u);

#endif
