/* The inner loops of the line reader in plain C. */
#include <string.h>

#include "codec/ip.h"
#include "codec/line_program.h"

#define KERNEL fl_line_scalar
#define KERNEL_TARGET

static bool gaps_differ(const struct fl_line_program *program, const struct fl_line_work *work)
{
    for (uint32_t j = 1; j + 1 < 2 * program->params; j += 2) {
        if (work->quote[j + 1] - work->quote[j] != program->gap[j])
            return true;
    }
    return false;
}

static bool names_differ(const struct fl_line_program *program, const struct fl_line_work *work)
{
    for (uint32_t k = 1; k < program->params; k++) {
        size_t from = work->quote[2 * k - 1];

        if (memcmp(work->line.ptr + from, program->name[k], program->gap[2 * k - 1] + (size_t)1) !=
            0)
            return true;
    }
    return false;
}

static inline unsigned word_of(const struct fl_line_work *work, size_t from, size_t len)
{
    size_t word = fl_absent_word(fl_span_of(work->line.ptr + from, len));

    return word < FL_ABSENT_WORDS ? (unsigned)word : FL_SIG_STR;
}

static inline bool read_number(const struct fl_line_work *work, size_t from, size_t len,
                               uint64_t *ret)
{
    const unsigned char *p = work->line.ptr + from;
    uint64_t value = 0;
    unsigned bad = len == 0 || len > 16 || (p[0] == '0' && len > 1);

    *ret = 0;
    for (size_t i = 0; i < len && bad == 0; i++) {
        bad = p[i] - (unsigned)'0' > 9;
        value = value * 10 + (p[i] - (unsigned)'0');
    }
    *ret = value;
    return bad == 0;
}

static inline bool read_v4(const struct fl_line_work *work, size_t from, size_t len,
                           unsigned char ret[4])
{
    const unsigned char *p = work->line.ptr + from, *end = p + len;

    for (unsigned part = 0; part < 4; part++) {
        const unsigned char *first = p;
        unsigned value = 0;

        for (; p < end && p - first < 3 && *p - (unsigned)'0' <= 9; p++)
            value = value * 10 + (*p - (unsigned)'0');
        if (p == first || value > 255 || (p - first > 1 && *first == '0'))
            return false;
        ret[part] = (unsigned char)value;
        if (part < 3 && (p == end || *p++ != '.'))
            return false;
    }
    return p == end;
}

static inline void copy_text(unsigned char *to, const struct fl_line_work *work, size_t from,
                             size_t len)
{
    memcpy(to, work->line.ptr + from, len);
}

#include "codec/line_kernel.h"
