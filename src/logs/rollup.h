/*
 * rollup.h - sums per site, time bucket and key, made when rows are sealed; they die with their
 * segment.
 *
 * Rows with FL_ROW_FAR_END, FL_ROW_COPY or FL_ROW_NO_BASELINE add to `rows` only (their derived
 * counters are absent). Buckets are of event time (FL_F_TIME), aligned to the tier from 1970.
 * Pure: blocks and bytes in, sums and bytes out.
 */
#ifndef FL_LOGS_ROLLUP_H
#define FL_LOGS_ROLLUP_H

#include "base/buf.h"
#include "logs/block.h"

enum fl_rollup_dim { FL_BY_APP, FL_BY_DOMAIN, FL_BY_CATEGORY, FL_BY_USER, FL_ROLLUP_DIMS };
/* How wide a bucket is, and whether sites are kept apart: without, there are far fewer entries. */
enum fl_rollup_tier {
    FL_TIER_5M,
    FL_TIER_1H,
    FL_TIER_1D,
    FL_TIER_5M_ALL, /* of all sites together: entry.site is 0 */
    FL_TIER_1H_ALL,
    FL_TIER_1D_ALL,
    FL_ROLLUP_TIERS
};
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

/* From the columns TIME, SITE, the dimension's, and the derived counters of these blocks. */
int fl_rollup_build(struct fl_block *const *blocks, size_t count, enum fl_rollup_dim dim,
                    enum fl_rollup_tier tier, struct fl_rollup **ret, struct fl_err *err)
    FL_MUST_CHECK;
/* The same; FL_E_LIMIT as soon as there are more than max_count entries. */
int fl_rollup_build_upto(struct fl_block *const *blocks, size_t count, enum fl_rollup_dim dim,
                         enum fl_rollup_tier tier, size_t max_count, struct fl_rollup **ret,
                         struct fl_err *err) FL_MUST_CHECK;
/* From a finer tier, or from one with sites; the result is what fl_rollup_build() gives. */
int fl_rollup_coarsen(const struct fl_rollup *finer, enum fl_rollup_tier tier,
                      struct fl_rollup **ret, struct fl_err *err) FL_MUST_CHECK;
int fl_rollup_users_build(struct fl_block *const *blocks, size_t count, enum fl_rollup_dim dim,
                          struct fl_rollup_users **ret, struct fl_err *err) FL_MUST_CHECK;
int fl_rollup_users_build_upto(struct fl_block *const *blocks, size_t count, enum fl_rollup_dim dim,
                               size_t max_count, struct fl_rollup_users **ret, struct fl_err *err)
    FL_MUST_CHECK;

/*
 * All sums of one segment at once, block after block, as its writer has them: dense tables by code,
 * no hashing per row. Memory is bounded: what comes to more entries than are worth their bytes is
 * kept coarser, or given up. rollup_build.c.
 */
struct fl_rollups;
int fl_rollups_new(struct fl_rollups **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_rollups_free(struct fl_rollups *r); /* NULL is allowed */
int fl_rollups_add(struct fl_rollups *r, const struct fl_block *block, struct fl_err *err)
    FL_MUST_CHECK;
/* Hands over each payload that is worth storing (FORMAT.md "Rollups"); `users`: the pairs of the
 * dimension, tier is 0 then. What put() gives ends it when negative. */
typedef int fl_rollups_put(void *ctx, bool users, enum fl_rollup_dim dim, enum fl_rollup_tier tier,
                           struct fl_span payload, struct fl_err *err);
int fl_rollups_finish(struct fl_rollups *r, fl_rollups_put *put, void *ctx, struct fl_err *err)
    FL_MUST_CHECK;

/*
 * What is stored of the sums of one segment, less some of its rows: the same as sums of the others,
 * without reading them. rollup_cut.c.
 */
struct fl_rollup_cut;
int fl_rollup_cut_new(struct fl_rollup_cut **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_rollup_cut_free(struct fl_rollup_cut *c); /* NULL is allowed */
/* Rows of block no of the segment whose bit in keep is clear (lowest bit first) are taken out. */
int fl_rollup_cut_add(struct fl_rollup_cut *c, uint32_t no, const struct fl_block *block,
                      const uint8_t *keep, struct fl_err *err) FL_MUST_CHECK;
/* In place. FL_E_CORRUPT: the sums do not have those rows. */
int fl_rollup_cut_sums(const struct fl_rollup_cut *c, enum fl_rollup_dim dim,
                       enum fl_rollup_tier tier, struct fl_rollup *sums, struct fl_err *err)
    FL_MUST_CHECK;
/* For users every block must be shown first, in any order, with the columns of
 * fl_rollup_cut_fields(): which of the pairs do rows that stay have as well? */
struct fl_fieldset fl_rollup_cut_fields(void);
int fl_rollup_cut_rest(struct fl_rollup_cut *c, uint32_t no, const struct fl_block *block,
                       struct fl_err *err) FL_MUST_CHECK;
int fl_rollup_cut_users(const struct fl_rollup_cut *c, enum fl_rollup_dim dim,
                        struct fl_rollup_users *users, struct fl_err *err) FL_MUST_CHECK;

/* The columns that building needs. */
struct fl_fieldset fl_rollup_fields(enum fl_rollup_dim dim);
struct fl_fieldset fl_rollup_users_fields(enum fl_rollup_dim dim);

/* FORMAT.md "Rollups". The readers take any bytes; more than max_count entries are FL_E_CORRUPT. */
void fl_rollup_encode(const struct fl_rollup *r, enum fl_rollup_tier tier, struct fl_buf *out);
int fl_rollup_decode(struct fl_span payload, enum fl_rollup_tier tier, size_t max_count,
                     struct fl_rollup **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_rollup_users_encode(const struct fl_rollup_users *u, struct fl_buf *out);
int fl_rollup_users_decode(struct fl_span payload, size_t max_count, struct fl_rollup_users **ret,
                           struct fl_err *err) FL_MUST_CHECK;

#endif
