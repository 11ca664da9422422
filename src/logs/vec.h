/*
 * vec.h - memory of columns, used again: a query that decodes block after block would otherwise
 * take some hundred fresh pages per column from the kernel and give them back, each time.
 *
 * What is got is malloc()ed and may as well be free()d; what was malloc()ed may be put. Idle memory
 * is bounded, and what was idle all the time between two trims goes back. Any thread.
 */
#ifndef FL_LOGS_VEC_H
#define FL_LOGS_VEC_H

#include <stddef.h>

/* At least so many bytes, not zeroed; NULL: no memory. */
void *fl_vec_get(size_t bytes);
void fl_vec_put(void *vec); /* NULL is allowed */
/* Free what nobody needed since the last call. */
void fl_vec_trim(void);
size_t fl_vec_idle_bytes(void);
/* So many bytes of small pieces were freed: now and then what malloc() keeps of them goes back. */
void fl_vec_gone(size_t bytes);

#endif
