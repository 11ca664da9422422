#include "base/rand.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void fl_random(void *ret, size_t len)
{
    unsigned char *at = ret;

    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            abort(); /* a key that is not random is worse than no process */
        at += n;
        len -= (size_t)n;
    }
}

uint64_t fl_random_u64(void)
{
    uint64_t value;

    fl_random(&value, sizeof value);
    return value;
}
