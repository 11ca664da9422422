/*
 * record_put.h - numbers as the bytes of a batch (record.h, version 2): for its writer.
 */
#ifndef FL_CODEC_RECORD_PUT_H
#define FL_CODEC_RECORD_PUT_H

#include <string.h>

#include "codec/record_form.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are copied as they lie");

static inline unsigned char *put_varint(unsigned char *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (unsigned char)(v | 0x80);
    *p++ = (unsigned char)v;
    return p;
}

static inline uint64_t zigzag(uint64_t v)
{
    return v << 1 ^ ((uint64_t)0 - (v >> 63));
}

static inline unsigned bytes_of(uint64_t v)
{
    unsigned n = 0;

    for (; v > 0; v >>= 8)
        n++;
    return n;
}

/* Each loop is one that compilers turn into vectors. The last store of an odd width reaches beyond
 * its value: the writer has some in reserve. */
static inline unsigned char *put_values(unsigned char *p, const uint64_t *v, uint32_t n,
                                        uint64_t least, unsigned width)
{
    uint32_t i;

    switch (width) {
    case 0:
        break;
    case 1:
        for (i = 0; i < n; i++)
            p[i] = (unsigned char)(v[i] - least);
        break;
    case 2:
        for (i = 0; i < n; i++) {
            uint16_t one = (uint16_t)(v[i] - least);

            memcpy(p + 2 * (size_t)i, &one, sizeof one);
        }
        break;
    default:
        for (i = 0; i < n; i++) {
            uint64_t one = v[i] - least;

            memcpy(p + width * (size_t)i, &one, sizeof one);
        }
    }
    return p + width * (size_t)n;
}

/* Times of devices are often whole milliseconds or seconds. */
static inline unsigned scale_of(const uint64_t *v, uint32_t n, uint64_t least)
{
    unsigned scale = FL_BATCH_SCALES - 1;

    for (uint32_t i = 0; i < n && scale > 0; i++) {
        while (scale > 0 && (v[i] - least) % fl_batch_scale[scale] != 0)
            scale--;
    }
    return scale;
}

#endif
