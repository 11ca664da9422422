/*
 * group.h - rows by the value of one field, with their sums: what top, series and facets collect.
 *
 * Memory is counted; when it passes the limit the users go first, then values not seen before are
 * added up together as `rest`, so that totals stay right. Both are told.
 */
#ifndef FL_LOGS_GROUP_H
#define FL_LOGS_GROUP_H

#include "logs/dict.h"
#include "logs/idset.h"
#include "logs/mask.h"
#include "logs/part.h"

enum fl_sum {
    FL_SUM_ROWS,
    FL_SUM_SESSIONS,
    FL_SUM_UP,
    FL_SUM_DOWN,
    FL_SUM_PACKETS,
    FL_SUM_SECONDS,
    FL_SUMS
};
struct fl_sums {
    uint64_t v[FL_SUMS];
};

enum { FL_GROUP_NONE, FL_GROUP_REST, FL_GROUP_FIRST }; /* rows without the field; over the limit */

struct fl_group {
    struct fl_span key; /* as stored: an address is 16 bytes; borrowed from the groups */
    struct fl_sums sums;
    struct fl_idset users;
    uint64_t *cells; /* series: one sum per bucket; NULL until the first */
};

struct fl_groups {
    enum fl_field by;
    struct fl_group *group; /* by code + 1; none and rest in front */
    uint32_t count, cap;
    struct fl_dict *keys;
    bool want_users, users_dropped, keys_dropped;
    struct fl_dict *users; /* codes are the ids of the sets */
    uint32_t user_count;
    size_t cells; /* buckets of a series, 0 = none */
    bool cells_dropped;
    size_t bytes, max_bytes; /* of groups, sets and cells; dictionaries are added on top */
    /* for one block */
    uint32_t *row, *id, *user; /* FL_BLOCK_MAX_ROWS each */
    uint32_t *map;             /* code of the block to group, UINT32_MAX = not yet */
    size_t map_cap;
    struct fl_groups_num *num; /* number fields: value to group */
    struct fl_sums *local;     /* by code of the block */
    uint32_t *user_map;        /* code of the block to user */
    size_t local_cap, user_map_cap;
    struct fl_mask *mask; /* borrowed; keys become groups as they are shown. NULL: as they are */
};

int fl_groups_init(struct fl_groups *g, enum fl_field by, bool want_users, size_t cells,
                   size_t max_bytes, struct fl_err *err) FL_MUST_CHECK;
void fl_groups_done(struct fl_groups *g);

/* The columns that fl_groups_add() reads. */
void fl_groups_fields(const struct fl_groups *g, struct fl_fieldset *add_to);

/* Resolve the rows of a bitmap to groups: g->row[0..n) and g->id[0..n). */
int fl_groups_resolve(struct fl_groups *g, const struct fl_block *block, const uint64_t *bits,
                      uint32_t *ret_n, struct fl_err *err) FL_MUST_CHECK;
/* Add the sums (and users) of n resolved rows. */
int fl_groups_add(struct fl_groups *g, const struct fl_block *block, uint32_t n, struct fl_err *err)
    FL_MUST_CHECK;

/*
 * Both at once, for the rows of a bitmap: sums by the block's codes first, then a group per code.
 * *ret_n rows.
 */
int fl_groups_add_block(struct fl_groups *g, const struct fl_block *block, const uint64_t *bits,
                        uint32_t *ret_n, struct fl_err *err) FL_MUST_CHECK;
/*
 * For words: g->row and g->map as above, without resolving any. Where a code has rows, the caller
 * asks fl_groups_of_code().
 */
int fl_groups_list(struct fl_groups *g, const struct fl_block *block, const uint64_t *bits,
                   uint32_t *ret_n, struct fl_err *err) FL_MUST_CHECK;
int fl_groups_of_code(struct fl_groups *g, const struct fl_block *block, uint32_t code,
                      uint32_t *ret_id, struct fl_err *err) FL_MUST_CHECK;

/* Only the users of n resolved rows. */
int fl_groups_add_users(struct fl_groups *g, const struct fl_block *block, uint32_t n,
                        struct fl_err *err) FL_MUST_CHECK;

/* The group of a key; the empty key is FL_GROUP_NONE; FL_GROUP_REST where memory is over. */
int fl_groups_at(struct fl_groups *g, struct fl_span key, uint32_t *ret_id, struct fl_err *err)
    FL_MUST_CHECK;
/* One user of a group. *user is the number of the name; UINT32_MAX: it is looked up, and kept. */
int fl_groups_user(struct fl_groups *g, uint32_t id, struct fl_span name, uint32_t *user,
                   struct fl_err *err) FL_MUST_CHECK;
/* Add to one cell; cells are dropped (all, for good) when memory is over. */
int fl_groups_cell(struct fl_groups *g, uint32_t id, size_t cell, uint64_t value,
                   struct fl_err *err) FL_MUST_CHECK;
void fl_groups_drop_cells(struct fl_groups *g);

/* Ids of groups that have rows, largest by `metric` first, equal ones by key; *ret is free()d by
 * the caller. Group rest is never among them. */
int fl_groups_sort(const struct fl_groups *g, uint64_t (*metric)(const struct fl_sums *s),
                   uint32_t **ret, uint32_t *ret_count, struct fl_err *err) FL_MUST_CHECK;
void fl_sums_join(struct fl_sums *sums, const struct fl_sums *other);
/* The key as text: addresses and flags are written out. buf holds 160 bytes. */
struct fl_span fl_groups_text(const struct fl_groups *g, uint32_t id, char buf[160]);

#endif
