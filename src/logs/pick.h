/*
 * pick.h - rows picked from decoded blocks, put together as a new block: for merging small
 * segments and for leaving rows out. A word that no picked row has is not in the new block.
 */
#ifndef FL_LOGS_PICK_H
#define FL_LOGS_PICK_H

#include "logs/block.h"

struct fl_pick;

int fl_pick_new(struct fl_pick **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_pick_free(struct fl_pick *g); /* NULL is allowed */
void fl_pick_freep(struct fl_pick **g);

/*
 * Add the rows from *at on whose bit in keep is set (lowest bit first; NULL: all), until the new
 * block is full; *at moves behind the last row that was looked at. Not at block->rows afterwards:
 * take, and call again. All columns of the block must be loaded. FL_E_NOMEM: take nothing more from
 * g.
 */
int fl_pick_add(struct fl_pick *g, const struct fl_block *block, const uint8_t *keep, uint32_t *at,
                struct fl_err *err) FL_MUST_CHECK;
uint32_t fl_pick_rows(const struct fl_pick *g);
/* The block so far (at least one row), the caller's; the next row begins another. */
struct fl_block *fl_pick_take(struct fl_pick *g);

uint32_t fl_pick_count(const uint8_t *keep, uint32_t rows); /* bits that are set */

/*
 * Take the rows whose bit in keep is clear out of a decoded block, in place: cheap where they are
 * few. At least one must stay. A word that no row is left with is not in the block any more. On
 * FL_E_NOMEM the block is of no use any more. pick_drop.c.
 */
int fl_pick_drop(struct fl_block *block, const uint8_t *keep, struct fl_err *err) FL_MUST_CHECK;

#endif
