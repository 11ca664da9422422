/* rand.h - random bytes for keys, nonces and ids, from the kernel. */
#ifndef FL_BASE_RAND_H
#define FL_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

/* Fill len bytes from getrandom(2). A kernel that cannot give them ends the process. */
void fl_random(void *ret, size_t len);

uint64_t fl_random_u64(void);

#endif
