#include "logs/share.h"

#include <stdlib.h>

static uint64_t wants(const struct fl_share *t)
{
    return t->quota != 0 && t->quota < t->used ? t->quota : t->used;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

void fl_shares(struct fl_share *t, size_t count, uint64_t limit, uint64_t *scratch)
{
    uint64_t level = UINT64_MAX, left = limit;

    for (size_t i = 0; i < count; i++)
        scratch[i] = wants(&t[i]);
    if (count > 0)
        qsort(scratch, count, sizeof *scratch, ascending);
    for (size_t i = 0; i < count && level == UINT64_MAX; i++) {
        if (scratch[i] <= left / (count - i))
            left -= scratch[i];
        else
            level = left / (count - i);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t most = t[i].quota == 0 || t[i].quota > level ? level : t[i].quota;

        t[i].share = most;
    }
}
