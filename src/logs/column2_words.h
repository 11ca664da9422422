/*
 * column2_words.h - inside column2.c: the words of a column of version 2 (FORMAT.md "Column, block
 * version 2"), all or some. Any bytes are taken; false: malformed, or no memory.
 */
#ifndef FL_LOGS_COLUMN2_WORDS_H
#define FL_LOGS_COLUMN2_WORDS_H

#include "logs/block.h"
#include "logs/series.h"

/* So many words, as code 1..; ips: they are addresses. */
bool fl_words_read(struct fl_series *s, struct fl_cursor *cur, bool ips, uint32_t words,
                   struct fl_col *ret);
/*
 * Of so many words those numbered at[0..count-1], from 1, rising, not above words. The cursor goes
 * behind all. They are borrowed from *room, which the caller gives to fl_vec_put(), also after
 * false.
 */
bool fl_words_pick(struct fl_series *s, struct fl_cursor *cur, bool ips, uint32_t words,
                   const uint32_t *at, uint32_t count, struct fl_span *ret, void **room);

#endif
