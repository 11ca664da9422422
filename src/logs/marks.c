#include "logs/marks.h"

#include <string.h>

static uint32_t find(const struct fl_marks *m, const unsigned char source[16])
{
    uint32_t i = m->count;

    while (i > 0 && memcmp(m->mark[i - 1].source, source, 16) != 0)
        i--;
    return i; /* place + 1 */
}

uint64_t fl_marks_get(const struct fl_marks *m, const unsigned char source[16])
{
    uint32_t at = find(m, source);

    return at == 0 ? 0 : m->mark[at - 1].number;
}

void fl_marks_raise(struct fl_marks *m, const unsigned char source[16], uint64_t number)
{
    uint32_t at = find(m, source);
    struct fl_mark mark = {.number = number};

    memcpy(mark.source, source, sizeof mark.source);
    if (at != 0 && m->mark[at - 1].number > number)
        mark.number = m->mark[at - 1].number;
    if (at == 0 && m->count < FL_MARKS_MAX)
        at = ++m->count;
    else if (at == 0)
        at = 1; /* the oldest gives way */
    memmove(&m->mark[at - 1], &m->mark[at], (m->count - at) * sizeof m->mark[0]);
    m->mark[m->count - 1] = mark;
}

void fl_marks_merge(struct fl_marks *m, const struct fl_mark *marks, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        fl_marks_raise(m, marks[i].source, marks[i].number);
}
