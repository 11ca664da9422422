/* The inner loops of the line reader with AVX-512. Masked loads do not touch what they mask. */
#include <string.h>

#include "codec/ip.h"
#include "codec/line_program.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define KERNEL fl_line_avx512
#define KERNEL_TARGET                                                                              \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi,bmi2,popcnt")))

KERNEL_TARGET static inline bool gaps_differ(const struct fl_line_program *program,
                                             const struct fl_line_work *work)
{
    __m512i bad = _mm512_setzero_si512();

    for (uint32_t j = 0; j < 2 * program->params; j += 32) {
        __m512i here = _mm512_loadu_si512(work->quote + j);
        __m512i next = _mm512_loadu_si512(work->quote + j + 1);
        __m512i off =
            _mm512_xor_si512(_mm512_sub_epi16(next, here), _mm512_loadu_si512(program->gap + j));

        bad =
            _mm512_or_si512(bad, _mm512_and_si512(off, _mm512_loadu_si512(program->gap_care + j)));
    }
    return _mm512_test_epi16_mask(bad, bad) != 0;
}

KERNEL_TARGET static inline bool names_differ(const struct fl_line_program *program,
                                              const struct fl_line_work *work)
{
    __m512i bad = _mm512_setzero_si512();

    for (uint32_t k = 1; k < program->params; k++) {
        const unsigned char *at = work->line.ptr + work->quote[2 * k - 1];
        __m512i x = _mm512_maskz_loadu_epi8(program->name_care[k], at);

        /* bad |= x ^ name */
        bad = _mm512_ternarylogic_epi64(bad, x, _mm512_load_si512(program->name[k]), 0xf6);
    }
    return _mm512_test_epi8_mask(bad, bad) != 0;
}

KERNEL_TARGET static inline unsigned word_of(const struct fl_line_work *work, size_t from,
                                             size_t len)
{
    __mmask16 front = (__mmask16)_bzhi_u32(0xffff, (unsigned)(len < 16 ? len : 16));
    __m128i x = _mm_maskz_loadu_epi8(front, work->line.ptr + from);
    uint32_t slot = fl_line_word_slot((uint64_t)_mm_cvtsi128_si64(x));
    const struct fl_line_word *word = &fl_line_words[slot];
    __m128i text = _mm_load_si128((const __m128i *)(const void *)word->text);
    unsigned differs = _mm_cmpneq_epi8_mask(x, text) | (word->len ^ (unsigned)len);

    return differs == 0 ? word->number : (unsigned)FL_SIG_STR;
}

KERNEL_TARGET static inline bool read_number(const struct fl_line_work *work, size_t from,
                                             size_t len, uint64_t *ret)
{
    const __m128i ten = _mm_set1_epi16(0x010a), hundred = _mm_set1_epi32(0x00010064),
                  myriad = _mm_set1_epi32(0x00012710);
    const unsigned char *end = work->line.ptr + from + len;
    __mmask16 care = (__mmask16)(0xffff0000u >> (len < 16 ? len : 16));
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(end - 16));
    unsigned bad;
    uint64_t both;

    x = _mm_maskz_sub_epi8(care, x, _mm_set1_epi8('0'));
    bad = _mm_cmpgt_epu8_mask(x, _mm_set1_epi8(9)) | (unsigned)(len - 1 > 15) |
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
    __mmask16 in = (__mmask16)_bzhi_u32(0xffff, (unsigned)(len < 16 ? len : 16));
    __m128i x = _mm_maskz_loadu_epi8(in, work->line.ptr + from), from_v, to_v, value;
    uint32_t dots = _mm_cmpeq_epi8_mask(x, _mm_set1_epi8('.')), d1 = _tzcnt_u32(dots), d2, d3;
    uint32_t to, begin, lens, bad = (uint32_t)(len > 15) | ((uint32_t)_mm_popcnt_u32(dots) ^ 3);

    dots = _blsr_u32(dots);
    d2 = _tzcnt_u32(dots);
    d3 = _tzcnt_u32(_blsr_u32(dots));
    to = d1 | d2 << 8 | d3 << 16 | (uint32_t)len << 24; /* where each part ends */
    begin = ((d1 | d2 << 8 | d3 << 16) << 8) + 0x01010100;
    lens = to - begin;
    bad |= ((lens - 0x01010101) | (lens - 0x01010101 + 0x7d7d7d7d)) & 0x80808080; /* 1, 2 or 3 */
    from_v = _mm_shuffle_epi8(_mm_cvtsi32_si128((int)begin), lanes);
    to_v = _mm_sub_epi8(_mm_shuffle_epi8(_mm_cvtsi32_si128((int)to), lanes), back);
    to_v = _mm_or_si128(to_v, _mm_cmpgt_epi8(from_v, to_v)); /* no such digit: 0 */
    x = _mm_shuffle_epi8(_mm_sub_epi8(x, _mm_set1_epi8('0')), to_v);
    bad |= _mm_cmpgt_epu8_mask(x, _mm_set1_epi8(9));
    value = _mm_madd_epi16(_mm_maddubs_epi16(x, _mm_set1_epi32(0x00640a01)), _mm_set1_epi16(1));
    bad |= _mm_cmpgt_epi32_mask(value, _mm_set1_epi32(255));
    bad |= _mm_cmplt_epi32_mask(
        value, _mm_shuffle_epi8(least, _mm_shuffle_epi8(_mm_cvtsi32_si128((int)lens), first)));
    _mm_storeu_si32(ret, _mm_cvtepi32_epi8(value));
    return bad == 0;
}

KERNEL_TARGET static inline void copy_text(unsigned char *to, const struct fl_line_work *work,
                                           size_t from, size_t len)
{
    const unsigned char *p = work->line.ptr + from;

    _mm512_storeu_si512(to, _mm512_maskz_loadu_epi8(_bzhi_u64(UINT64_MAX, (unsigned)len), p));
    if (__builtin_expect(len > 64, 0))
        memcpy(to + 64, p + 64, len - 64);
}

#include "codec/line_kernel.h"

#endif
