/* The inner loops of the line reader with AVX2. What it loads near the end of the line comes from
 * the copy of the tail. */
#include <string.h>

#include "codec/ip.h"
#include "codec/line_program.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define KERNEL        fl_line_avx2
#define KERNEL_TARGET __attribute__((target("avx2,bmi,bmi2,popcnt")))

/* A window on this has its first len bytes set, or its last. */
static const unsigned char ones_first[48] = {255, 255, 255, 255, 255, 255, 255, 255,
                                             255, 255, 255, 255, 255, 255, 255, 255};
static const unsigned char ones_last[48] = {0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
                                            0,   0,   0,   0,   0,   255, 255, 255, 255, 255, 255,
                                            255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

/* Line from `from` on, with 64 bytes that may be read. */
KERNEL_TARGET static inline const unsigned char *at(const struct fl_line_work *work, size_t from)
{
    return from <= work->tail_at ? work->line.ptr + from : work->tail + (from - work->tail_at);
}

KERNEL_TARGET static inline __m128i load16(const unsigned char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

KERNEL_TARGET static inline __m256i load32(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

KERNEL_TARGET static inline bool gaps_differ(const struct fl_line_program *program,
                                             const struct fl_line_work *work)
{
    __m256i bad = _mm256_setzero_si256();

    for (uint32_t j = 0; j < 2 * program->params; j += 16) {
        __m256i off = _mm256_sub_epi16(load32(work->quote + j + 1), load32(work->quote + j));

        off = _mm256_xor_si256(off, load32(program->gap + j));
        bad = _mm256_or_si256(bad, _mm256_and_si256(off, load32(program->gap_care + j)));
    }
    return _mm256_testz_si256(bad, bad) == 0;
}

KERNEL_TARGET static inline bool names_differ(const struct fl_line_program *program,
                                              const struct fl_line_work *work)
{
    uint64_t bad = 0;

    for (uint32_t k = 1; k < program->params; k++) {
        const unsigned char *p = at(work, work->quote[2 * k - 1]), *name = program->name[k];
        __m256i low = _mm256_cmpeq_epi8(load32(p), load32(name));
        uint64_t same = (uint32_t)_mm256_movemask_epi8(low);

        if (program->name_care[k] > UINT32_MAX)
            same |= (uint64_t)(uint32_t)_mm256_movemask_epi8(
                        _mm256_cmpeq_epi8(load32(p + 32), load32(name + 32)))
                    << 32;
        bad |= ~same & program->name_care[k];
    }
    return bad != 0;
}

KERNEL_TARGET static inline unsigned word_of(const struct fl_line_work *work, size_t from,
                                             size_t len)
{
    __m128i front = load16(ones_first + 16 - (len < 16 ? len : 16));
    __m128i x = _mm_and_si128(load16(at(work, from)), front), same;
    uint32_t slot = fl_line_word_slot((uint64_t)_mm_cvtsi128_si64(x));
    const struct fl_line_word *word = &fl_line_words[slot];
    unsigned differs;

    same = _mm_cmpeq_epi8(x, _mm_load_si128((const __m128i *)(const void *)word->text));
    differs = ((unsigned)_mm_movemask_epi8(same) ^ 0xffff) | (word->len ^ (unsigned)len);
    return differs == 0 ? word->number : (unsigned)FL_SIG_STR;
}

/* Lanes over nine, as unsigned bytes. */
KERNEL_TARGET static inline unsigned over_nine(__m128i x)
{
    const __m128i nine = _mm_set1_epi8(9);

    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(x, nine), nine)) ^ 0xffff;
}

KERNEL_TARGET static inline bool read_number(const struct fl_line_work *work, size_t from,
                                             size_t len, uint64_t *ret)
{
    const __m128i ten = _mm_set1_epi16(0x010a), hundred = _mm_set1_epi32(0x00010064),
                  myriad = _mm_set1_epi32(0x00012710);
    const unsigned char *end = work->line.ptr + from + len;
    __m128i x = _mm_sub_epi8(load16(end - 16), _mm_set1_epi8('0'));
    unsigned bad;
    uint64_t both;

    x = _mm_and_si128(x, load16(ones_last + (len < 16 ? len : 16)));
    bad = over_nine(x) | (unsigned)(len - 1 > 15) |
          (unsigned)(work->line.ptr[from] == '0' && len > 1);
    x = _mm_madd_epi16(_mm_maddubs_epi16(x, ten), hundred); /* four numbers of four digits */
    x = _mm_madd_epi16(_mm_packus_epi32(x, x), myriad);     /* two of eight */
    both = (uint64_t)_mm_cvtsi128_si64(x);
    *ret = (both & UINT32_MAX) * 100000000 + (both >> 32);
    return bad == 0;
}

KERNEL_TARGET static inline bool read_v4(const struct fl_line_work *work, size_t from, size_t len,
                                         unsigned char ret[4])
{
    const __m128i lanes = _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const __m128i back = _mm_setr_epi8(1, 2, 3, 127, 1, 2, 3, 127, 1, 2, 3, 127, 1, 2, 3, 127);
    const __m128i least = _mm_setr_epi8(0, 0, 10, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i first = _mm_setr_epi8(0, -1, -1, -1, 1, -1, -1, -1, 2, -1, -1, -1, 3, -1, -1, -1);
    const __m128i pack = _mm_setr_epi8(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    __m128i in = load16(ones_first + 16 - (len < 16 ? len : 16));
    __m128i x = _mm_and_si128(load16(at(work, from)), in), from_v, to_v, value, off;
    uint32_t dots = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8('.')));
    uint32_t bad = (uint32_t)(len > 15) | ((uint32_t)_mm_popcnt_u32(dots) ^ 3);
    uint32_t d1 = _tzcnt_u32(dots), d2 = _tzcnt_u32(_blsr_u32(dots)),
             d3 = _tzcnt_u32(_blsr_u32(_blsr_u32(dots)));
    uint32_t to = d1 | d2 << 8 | d3 << 16 | (uint32_t)len << 24; /* where each part ends */
    uint32_t begin = ((d1 | d2 << 8 | d3 << 16) << 8) + 0x01010100, lens = to - begin;

    bad |= ((lens - 0x01010101) | (lens - 0x01010101 + 0x7d7d7d7d)) & 0x80808080; /* 1, 2 or 3 */
    from_v = _mm_shuffle_epi8(_mm_cvtsi32_si128((int)begin), lanes);
    to_v = _mm_sub_epi8(_mm_shuffle_epi8(_mm_cvtsi32_si128((int)to), lanes), back);
    to_v = _mm_or_si128(to_v, _mm_cmpgt_epi8(from_v, to_v)); /* no such digit: 0 */
    x = _mm_shuffle_epi8(_mm_sub_epi8(x, _mm_set1_epi8('0')), to_v);
    bad |= over_nine(x);
    value = _mm_madd_epi16(_mm_maddubs_epi16(x, _mm_set1_epi32(0x00640a01)), _mm_set1_epi16(1));
    off = _mm_cmpgt_epi32(value, _mm_set1_epi32(255));
    off = _mm_or_si128(
        off,
        _mm_cmpgt_epi32(
            _mm_shuffle_epi8(least, _mm_shuffle_epi8(_mm_cvtsi32_si128((int)lens), first)), value));
    bad |= (uint32_t)_mm_movemask_epi8(off);
    _mm_storeu_si32(ret, _mm_shuffle_epi8(value, pack));
    return bad == 0;
}

KERNEL_TARGET static inline void copy_text(unsigned char *to, const struct fl_line_work *work,
                                           size_t from, size_t len)
{
    const unsigned char *p = at(work, from);

    _mm256_storeu_si256((__m256i *)(void *)to, load32(p));
    if (__builtin_expect(len > 32, 0))
        memcpy(to + 32, work->line.ptr + from + 32, len - 32);
}

#include "codec/line_kernel.h"

#endif
