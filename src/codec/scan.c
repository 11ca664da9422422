#include "codec/scan.h"

#include <assert.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

const char *const fl_scan_names[FL_SCAN_KINDS] = {
    [FL_SCAN_SCALAR] = "scalar",
    [FL_SCAN_AVX2] = "avx2",
    [FL_SCAN_AVX512] = "avx512",
};

enum { BLOCK = 64 };

#if defined(__x86_64__)

bool fl_scan_can(enum fl_scan_kind kind)
{
    switch (kind) {
    case FL_SCAN_SCALAR:
        return true;
    case FL_SCAN_AVX2:
        return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi") != 0 &&
               __builtin_cpu_supports("bmi2") != 0 && __builtin_cpu_supports("popcnt") != 0;
    case FL_SCAN_AVX512:
        return fl_scan_can(FL_SCAN_AVX2) && __builtin_cpu_supports("avx512f") != 0 &&
               __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
               __builtin_cpu_supports("avx512vbmi2") != 0;
    case FL_SCAN_KINDS:
        break;
    }
    return false;
}

#else

bool fl_scan_can(enum fl_scan_kind kind)
{
    return kind == FL_SCAN_SCALAR;
}

#endif

enum fl_scan_kind fl_scan_best(void)
{
    enum fl_scan_kind kind = FL_SCAN_AVX512;

    while (kind != FL_SCAN_SCALAR && !fl_scan_can(kind))
        kind--;
    return kind;
}

static void begin(struct fl_scan *s)
{
    s->count = 0;
    s->backslash = false;
    s->overflow = false;
    memset(s->blank, 0, sizeof s->blank);
}

static void overflow(struct fl_scan *s)
{
    begin(s);
    s->overflow = true;
}

/* ---- plain C: eight bytes at a time, then 64 bits of one block together ---- */

#define ONES UINT64_C(0x0101010101010101)

/* Bit i set: byte i of x is c. Exact for every byte, unlike the usual trick with a subtraction. */
static uint64_t equal_bytes(uint64_t x, unsigned char c)
{
    uint64_t y = x ^ c * ONES, low = ~(ONES << 7);
    uint64_t zero = ~(((y & low) + low) | y | low); /* 0x80 where the byte is zero */

    return (zero >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

static uint64_t load_le(const unsigned char *p)
{
    uint64_t x = 0;

    memcpy(&x, p, sizeof x);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

static uint64_t equal_block(const unsigned char *p, unsigned char c)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < BLOCK; i += 8)
        bits |= equal_bytes(load_le(p + i), c) << i;
    return bits;
}

static void put_bits(struct fl_scan *s, uint64_t bits, size_t at)
{
    for (; bits != 0; bits &= bits - 1)
        s->at[s->count++] = (uint16_t)(at + (size_t)__builtin_ctzll(bits));
}

static bool scan_block(struct fl_scan *s, const unsigned char *p, size_t at)
{
    if (at / BLOCK < FL_SCAN_HEAD_WORDS)
        s->blank[at / BLOCK] = equal_block(p, ' ');
    s->backslash |= equal_block(p, '\\') != 0;
    put_bits(s, equal_block(p, '"'), at);
    return s->count <= FL_SCAN_MAX_QUOTES;
}

static void scan_scalar(struct fl_span text, struct fl_scan *s)
{
    unsigned char last[BLOCK] = {0};
    size_t at = 0;
    bool room = true;

    for (; room && text.len - at >= BLOCK; at += BLOCK)
        room = scan_block(s, text.ptr + at, at);
    if (room && at < text.len) {
        memcpy(last, text.ptr + at, text.len - at);
        room = scan_block(s, last, at);
    }
    if (!room)
        overflow(s);
}

#if defined(__x86_64__)

/* ---- AVX2 ---- */

#define TARGET_AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt")))

TARGET_AVX2 static inline uint64_t equal_avx2(__m256i low, __m256i high, char c)
{
    const __m256i want = _mm256_set1_epi8(c);
    uint32_t l = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, want));
    uint32_t h = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, want));

    return l | (uint64_t)h << 32;
}

/* Eight at once: mostly there are fewer, and what is written too much is written over. */
TARGET_AVX2 static inline uint16_t *put_bits_avx2(uint16_t *to, uint64_t bits, size_t at)
{
    size_t n = (size_t)_mm_popcnt_u64(bits);

    for (unsigned i = 0; i < 8; i++, bits = _blsr_u64(bits))
        to[i] = (uint16_t)(at + _tzcnt_u64(bits));
    for (size_t i = 8; i < n; i++, bits = _blsr_u64(bits))
        to[i] = (uint16_t)(at + _tzcnt_u64(bits));
    return to + n;
}

TARGET_AVX2 static inline uint16_t *scan_block_avx2(struct fl_scan *s, uint16_t *to,
                                                    const unsigned char *p, size_t at,
                                                    uint64_t *slashes)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));

    if (at / BLOCK < FL_SCAN_HEAD_WORDS)
        s->blank[at / BLOCK] = equal_avx2(low, high, ' ');
    *slashes |= equal_avx2(low, high, '\\');
    return put_bits_avx2(to, equal_avx2(low, high, '"'), at);
}

TARGET_AVX2 static void scan_avx2(struct fl_span text, struct fl_scan *s)
{
    unsigned char last[BLOCK] = {0};
    uint16_t *to = s->at, *const full = s->at + FL_SCAN_MAX_QUOTES;
    uint64_t slashes = 0;
    size_t at = 0;

    for (; to <= full && text.len - at >= BLOCK; at += BLOCK)
        to = scan_block_avx2(s, to, text.ptr + at, at, &slashes);
    if (to <= full && at < text.len) {
        memcpy(last, text.ptr + at, text.len - at);
        to = scan_block_avx2(s, to, last, at, &slashes);
    }
    s->backslash = slashes != 0;
    s->count = (uint32_t)(to - s->at);
    if (to > full)
        overflow(s);
}

/* ---- AVX-512: the positions of a block are compressed into their places at once ---- */

#define TARGET_AVX512                                                                              \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi,bmi2,popcnt")))

static const unsigned char index_bytes[BLOCK] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

/* Writes 32 or 64 places, of which those behind the quotes' count mean nothing. */
TARGET_AVX512 static inline uint16_t *put_mask(uint16_t *to, __mmask64 quotes, size_t at)
{
    __m512i packed = _mm512_maskz_compress_epi8(quotes, _mm512_loadu_si512(index_bytes));
    __m512i base = _mm512_set1_epi16((short)at);
    size_t n = (size_t)_mm_popcnt_u64(quotes);

    _mm512_storeu_si512(
        to, _mm512_add_epi16(_mm512_cvtepu8_epi16(_mm512_castsi512_si256(packed)), base));
    if (__builtin_expect(n > 32, 0))
        _mm512_storeu_si512(
            to + 32,
            _mm512_add_epi16(_mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(packed, 1)), base));
    return to + n;
}

/* The quotes of one block; its backslashes are added to *slashes. */
TARGET_AVX512 static inline uint16_t *scan_block_avx512(uint16_t *to, __m512i x, size_t at,
                                                        __mmask64 *slashes)
{
    *slashes |= _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\\'));
    return put_mask(to, _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('"')), at);
}

TARGET_AVX512 static inline __m512i load_part(const unsigned char *p, size_t n)
{
    return _mm512_maskz_loadu_epi8(_bzhi_u64(UINT64_MAX, (unsigned)n), p);
}

TARGET_AVX512 static void scan_avx512(struct fl_span text, struct fl_scan *s)
{
    uint16_t *to = s->at, *const full = s->at + FL_SCAN_MAX_QUOTES;
    __mmask64 slashes = 0;
    size_t at = 0;

    for (size_t w = 0; w < FL_SCAN_HEAD_WORDS && w * BLOCK < text.len; w++) {
        size_t left = text.len - w * BLOCK;
        __m512i x = load_part(text.ptr + w * BLOCK, left < BLOCK ? left : BLOCK);

        s->blank[w] = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(' '));
    }
    for (; to <= full && text.len - at >= BLOCK; at += BLOCK)
        to = scan_block_avx512(to, _mm512_loadu_si512(text.ptr + at), at, &slashes);
    if (to <= full && at < text.len)
        to = scan_block_avx512(to, load_part(text.ptr + at, text.len - at), at, &slashes);
    s->backslash = slashes != 0;
    s->count = (uint32_t)(to - s->at);
    if (to > full)
        overflow(s);
}

#endif

void fl_scan(enum fl_scan_kind kind, struct fl_span text, struct fl_scan *ret)
{
    assert(text.len <= FL_SCAN_MAX_BYTES);
    begin(ret);
    if (text.len == 0)
        return;
#if defined(__x86_64__)
    if (kind == FL_SCAN_AVX512) {
        scan_avx512(text, ret);
        return;
    }
    if (kind == FL_SCAN_AVX2) {
        scan_avx2(text, ret);
        return;
    }
#endif
    assert(kind == FL_SCAN_SCALAR);
    scan_scalar(text, ret);
}
