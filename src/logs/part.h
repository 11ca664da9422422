/*
 * part.h - what a query reads: the sealed segments and the memtables of one tenant, held together
 * as they were at one moment. Made by the store (store.c, segment.c, memtable.c), read by query*.c.
 *
 * A row is in exactly one part. Parts stay readable until fl_parts_free(), even if they are merged,
 * purged (then loading fails with FL_E_NOENT and counts as partial) or sealed meanwhile.
 */
#ifndef FL_LOGS_PART_H
#define FL_LOGS_PART_H

#include "logs/block.h"
#include "logs/rollup.h"
#include "logs/sumcache.h"

struct fl_store;
struct fl_parts;
struct fl_part;

struct fl_part_info {
    bool sealed;
    int32_t day;                      /* of receipt */
    uint64_t first_seq, last_seq;     /* FL_F_SEQ */
    int64_t min_time_us, max_time_us; /* FL_F_TIME */
    uint32_t rows, blocks;
};

/* Parts of a tenant whose event time touches [from_us, to_us), by day and sequence ascending. */
int fl_parts_open(struct fl_store *store, uint32_t tenant, int64_t from_us, int64_t to_us,
                  struct fl_parts **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_parts_free(struct fl_parts *parts);
size_t fl_parts_count(const struct fl_parts *parts);
struct fl_part *fl_parts_get(const struct fl_parts *parts, size_t i);

void fl_part_info(const struct fl_part *part, struct fl_part_info *ret);
/* Rows of block no, and the zone map of a number or time column: false when the column is all
 * absent or no zone map is known. */
uint32_t fl_part_block_rows(const struct fl_part *part, uint32_t block);
bool fl_part_block_range(const struct fl_part *part, uint32_t block, enum fl_field f,
                         uint64_t *ret_min, uint64_t *ret_max);
/* May the block hold this word in this column? true when unknown (no bloom). Filters compare text
 * without case: blooms of FL_T_STR columns hash words with A-Z as a-z, and fold word the same way.
 */
bool fl_part_block_may_hold(const struct fl_part *part, uint32_t block, enum fl_field f,
                            struct fl_span word);
/* Decode the asked columns (all others are left unloaded); *ret belongs to the caller. *bytes_read
 * is added to. */
int fl_part_load(struct fl_part *part, uint32_t block, const struct fl_fieldset *fields,
                 struct fl_block **ret, uint64_t *bytes_read, struct fl_err *err) FL_MUST_CHECK;
/* The same, of which only some rows (count of them, rising) will be looked at: values and codes of
 * others may be undefined, which takes less time. */
int fl_part_load_rows(struct fl_part *part, uint32_t block, const struct fl_fieldset *fields,
                      const uint32_t *rows, uint32_t count, struct fl_block **ret,
                      uint64_t *bytes_read, struct fl_err *err) FL_MUST_CHECK;

/* Rows of a block of a memtable without the first `from`. FL_E_INVAL for sealed parts, FL_E_NOENT
 * when the rows were purged. */
int fl_part_load_end(struct fl_part *part, uint32_t block, uint32_t from,
                     const struct fl_fieldset *fields, struct fl_block **ret, struct fl_err *err)
    FL_MUST_CHECK;

/* Are these sums stored? What is not is made from a finer tier or the rows, which takes longer than
 * reading the rows themselves would. false for memtables and what does not open. */
bool fl_part_has_rollup(struct fl_part *part, enum fl_rollup_dim dim, enum fl_rollup_tier tier);
bool fl_part_has_rollup_users(struct fl_part *part, enum fl_rollup_dim dim);
/* What is remembered of the tenant's sums (logs/sumcache.h), borrowed from parts; NULL: nothing is.
 */
struct fl_sumset *fl_parts_sums(struct fl_parts *parts);
/* Of a sealed part, 16 bytes; NULL for memtables. */
const unsigned char *fl_part_file_id(const struct fl_part *part);
/* Sealed parts only; FL_E_NOENT for memtables. What is not stored is made from what is, or from the
 * rows. */
int fl_part_rollup(struct fl_part *part, enum fl_rollup_dim dim, enum fl_rollup_tier tier,
                   struct fl_rollup **ret, uint64_t *bytes_read, struct fl_err *err) FL_MUST_CHECK;
int fl_part_rollup_users(struct fl_part *part, enum fl_rollup_dim dim, struct fl_rollup_users **ret,
                         uint64_t *bytes_read, struct fl_err *err) FL_MUST_CHECK;

#endif
