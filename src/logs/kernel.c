#include "logs/kernel.h"

#include <string.h>

#include "base/attr.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are read as they stand on disk");

enum { GROUP_ROW_BYTES = FL_PACK_LANES * 4 };

#define INLINE static inline __attribute__((always_inline))

/* ---- the loops, as plain C: each variant below compiles them for its machine ---- */

INLINE uint64_t of_planes(const unsigned char *const *plane, unsigned width, size_t i)
{
    uint64_t v = 0;

    for (unsigned p = 0; p < width; p++)
        v |= (uint64_t)plane[p][i] << (p * 8);
    return v;
}

INLINE uint32_t of_planes32(const unsigned char *const *plane, unsigned width, size_t i)
{
    uint32_t v = 0;

    for (unsigned p = 0; p < width; p++)
        v |= (uint32_t)plane[p][i] << (p * 8);
    return v;
}

/* width is a constant where this is called, so that the loop over planes is unrolled. */
INLINE void planes64_of(uint64_t *restrict to, const unsigned char *const *plane, unsigned width,
                        size_t n, uint64_t base, uint64_t scale)
{
    const unsigned char *at[FL_PLANES_MAX] = {0};

    for (unsigned p = 0; p < width; p++)
        at[p] = plane[p];
    if (width <= 4 && scale <= UINT32_MAX) {
        const uint32_t scale32 = (uint32_t)scale;

        for (size_t i = 0; i < n; i++)
            to[i] = base + (uint64_t)scale32 * of_planes32(at, width, i);
        return;
    }
    for (size_t i = 0; i < n; i++)
        to[i] = base + scale * of_planes(at, width, i);
}

INLINE void planes64_any(uint64_t *to, const unsigned char *const *plane, unsigned width, size_t n,
                         uint64_t base, uint64_t scale)
{
    switch (width) {
    case 0:
        planes64_of(to, plane, 0, n, base, scale);
        break;
    case 1:
        planes64_of(to, plane, 1, n, base, scale);
        break;
    case 2:
        planes64_of(to, plane, 2, n, base, scale);
        break;
    case 3:
        planes64_of(to, plane, 3, n, base, scale);
        break;
    case 4:
        planes64_of(to, plane, 4, n, base, scale);
        break;
    default:
        planes64_of(to, plane, width, n, base, scale);
        break;
    }
}

INLINE void planes32_of(uint32_t *restrict to, const unsigned char *const *plane, unsigned width,
                        size_t n, uint32_t add)
{
    const unsigned char *at[4] = {0};

    for (unsigned p = 0; p < width; p++)
        at[p] = plane[p];
    for (size_t i = 0; i < n; i++)
        to[i] = add + of_planes32(at, width, i);
}

INLINE void planes32_any(uint32_t *to, const unsigned char *const *plane, unsigned width, size_t n,
                         uint32_t add)
{
    switch (width) {
    case 0:
        planes32_of(to, plane, 0, n, add);
        break;
    case 1:
        planes32_of(to, plane, 1, n, add);
        break;
    case 2:
        planes32_of(to, plane, 2, n, add);
        break;
    case 3:
        planes32_of(to, plane, 3, n, add);
        break;
    default:
        planes32_of(to, plane, 4, n, add);
        break;
    }
}

INLINE uint32_t word_at(const unsigned char *at)
{
    uint32_t w;

    memcpy(&w, at, sizeof w);
    return w;
}

INLINE void unpack_any(uint32_t *restrict to, const unsigned char *group, unsigned bits,
                       uint32_t add)
{
    const uint32_t mask = bits == 32 ? UINT32_MAX : (UINT32_C(1) << bits) - 1;

    if (bits == 0) {
        for (unsigned i = 0; i < FL_PACK_VALUES; i++)
            to[i] = add;
        return;
    }
    for (unsigned r = 0; r < FL_PACK_VALUES / FL_PACK_LANES; r++, to += FL_PACK_LANES) {
        const unsigned char *lo = group + (size_t)(r * bits / 32) * GROUP_ROW_BYTES;
        const unsigned at = r * bits % 32;

        if (at + bits <= 32) {
            for (unsigned l = 0; l < FL_PACK_LANES; l++)
                to[l] = (word_at(lo + l * 4) >> at & mask) + add;
            continue;
        }
        for (unsigned l = 0; l < FL_PACK_LANES; l++)
            to[l] =
                ((word_at(lo + l * 4) >> at | word_at(lo + GROUP_ROW_BYTES + l * 4) << (32 - at)) &
                 mask) +
                add;
    }
}

INLINE void widen_any(uint64_t *restrict to, const uint32_t *restrict k, size_t n, uint64_t base,
                      uint64_t scale)
{
    const uint32_t scale32 = (uint32_t)scale;

    if (scale == 1) {
        for (size_t i = 0; i < n; i++)
            to[i] = base + k[i];
    } else if (scale <= UINT32_MAX) {
        for (size_t i = 0; i < n; i++)
            to[i] = base + (uint64_t)scale32 * k[i];
    } else {
        for (size_t i = 0; i < n; i++)
            to[i] = base + scale * k[i];
    }
}

INLINE void spread64_any(uint64_t *restrict to, const uint64_t *restrict from, const uint8_t *has,
                         size_t rows)
{
    for (size_t row = 0; row < rows; row++) {
        const uint64_t here = has[row / 8] >> (row % 8) & 1;

        /* Without a branch; reads one value behind the last, which the caller keeps readable. */
        to[row] = *from & (UINT64_C(0) - here);
        from += here;
    }
}

INLINE void spread32_any(uint32_t *restrict to, const uint32_t *restrict from, const uint8_t *has,
                         size_t rows)
{
    for (size_t row = 0; row < rows; row++) {
        const uint32_t here = has[row / 8] >> (row % 8) & 1;

        to[row] = *from & (UINT32_C(0) - here);
        from += here;
    }
}

INLINE uint32_t first_use_any(uint32_t *v, size_t n)
{
    uint32_t given = 0;

    for (size_t i = 0; i < n; i++) {
        const uint32_t is_new = v[i] == 0;

        given += is_new;
        v[i] += given & (UINT32_C(0) - is_new);
    }
    return given;
}

INLINE void lookup_any(uint32_t *restrict to, const uint32_t *restrict map,
                       const uint32_t *restrict by, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = map[by[i]];
}

INLINE void add_times_any(uint64_t *restrict to, const uint64_t *restrict from, uint64_t factor,
                          size_t n)
{
    if (factor == 1) {
        for (size_t i = 0; i < n; i++)
            to[i] += from[i];
    } else if (factor == UINT64_MAX) {
        for (size_t i = 0; i < n; i++)
            to[i] -= from[i];
    } else {
        for (size_t i = 0; i < n; i++)
            to[i] += factor * from[i];
    }
}

INLINE void add_times_has_any(uint64_t *restrict to, const uint64_t *restrict from, uint64_t factor,
                              const uint8_t *has, size_t rows)
{
    size_t row = 0;

    for (; row + 8 <= rows; row += 8) {
        const uint64_t bits = has[row / 8];

        for (unsigned i = 0; i < 8; i++)
            to[row + i] += factor * (from[row + i] & (UINT64_C(0) - (bits >> i & 1)));
    }
    for (; row < rows; row++)
        to[row] += factor * (from[row] & (UINT64_C(0) - (uint64_t)(has[row / 8] >> (row % 8) & 1)));
}

INLINE size_t gather64_any(uint64_t *to, const uint64_t *from, const uint8_t *has, size_t rows)
{
    size_t n = 0;

    for (size_t row = 0; row < rows; row++) {
        to[n] = from[row];
        n += has[row / 8] >> (row % 8) & 1;
    }
    return n;
}

INLINE size_t mismatch_any(const uint32_t *code, const uint32_t *map, const uint32_t *by,
                           size_t from, size_t n)
{
    while (from < n && (code[from] == 0 || code[from] == map[by[from]]))
        from++;
    return from;
}

INLINE void range64_any(const uint64_t *v, size_t n, uint64_t flip, uint64_t *ret_least,
                        uint64_t *ret_most)
{
    uint64_t least = UINT64_MAX, most = 0;

    for (size_t i = 0; i < n; i++) {
        const uint64_t x = v[i] ^ flip;

        least = x < least ? x : least;
        most = x > most ? x : most;
    }
    *ret_least = least;
    *ret_most = most;
}

INLINE void mask64_any(uint64_t *v, const uint8_t *has, size_t rows)
{
    size_t row = 0;

    for (; row + 8 <= rows; row += 8) {
        const uint64_t bits = has[row / 8];

        for (unsigned i = 0; i < 8; i++)
            v[row + i] &= UINT64_C(0) - (bits >> i & 1);
    }
    for (; row < rows; row++)
        v[row] &= UINT64_C(0) - (uint64_t)(has[row / 8] >> (row % 8) & 1);
}

INLINE void mask32_any(uint32_t *v, const uint8_t *has, size_t rows)
{
    size_t row = 0;

    for (; row + 8 <= rows; row += 8) {
        const uint32_t bits = has[row / 8];

        for (unsigned i = 0; i < 8; i++)
            v[row + i] &= UINT32_C(0) - (bits >> i & 1);
    }
    for (; row < rows; row++)
        v[row] &= UINT32_C(0) - (uint32_t)(has[row / 8] >> (row % 8) & 1);
}

INLINE uint32_t max32_any(const uint32_t *v, size_t n)
{
    uint32_t most = 0;

    for (size_t i = 0; i < n; i++)
        most = v[i] > most ? v[i] : most;
    return most;
}

INLINE size_t count32_any(const uint32_t *v, size_t n)
{
    uint32_t count = 0; /* a block has fewer rows than this can count */

    for (size_t i = 0; i < n; i++)
        count += v[i] != 0;
    return count;
}

INLINE size_t bits32_any(uint8_t *restrict to, const uint32_t *restrict v, size_t n)
{
    size_t count = 0, i = 0;

    for (; i + 8 <= n; i += 8) {
        unsigned byte = 0;

        for (unsigned b = 0; b < 8; b++)
            byte |= (unsigned)(v[i + b] != 0) << b;
        to[i / 8] = (uint8_t)byte;
        count += (size_t)__builtin_popcount(byte);
    }
    if (i < n) {
        unsigned byte = 0;

        for (unsigned b = 0; i + b < n; b++)
            byte |= (unsigned)(v[i + b] != 0) << b;
        to[i / 8] = (uint8_t)byte;
        count += (size_t)__builtin_popcount(byte);
    }
    return count;
}

INLINE void split64_any(unsigned char *const *plane, const uint64_t *v, unsigned width, size_t n)
{
    for (unsigned p = 0; p < width; p++) {
        unsigned char *restrict at = plane[p];

        for (size_t i = 0; i < n; i++)
            at[i] = (unsigned char)(v[i] >> (p * 8));
    }
}

/* ---- the variants ---- */

/* clang-format off */
/* NOLINTBEGIN(bugprone-macro-parentheses): an attribute cannot stand in parentheses */
#define VARIANT(suffix, attribute)                                                                 \
    attribute static void planes64_##suffix(uint64_t *to, const unsigned char *const *plane,       \
        unsigned width, size_t n, uint64_t base, uint64_t scale)                                   \
    { planes64_any(to, plane, width, n, base, scale); }                                            \
    attribute static void planes32_##suffix(uint32_t *to, const unsigned char *const *plane,       \
        unsigned width, size_t n, uint32_t add)                                                    \
    { planes32_any(to, plane, width, n, add); }                                                    \
    attribute static void unpack_##suffix(uint32_t *to, const unsigned char *group,                \
        unsigned bits, uint32_t add)                                                               \
    { unpack_any(to, group, bits, add); }                                                          \
    attribute static void widen_##suffix(uint64_t *to, const uint32_t *k, size_t n,                \
        uint64_t base, uint64_t scale)                                                             \
    { widen_any(to, k, n, base, scale); }                                                          \
    attribute static void lookup_##suffix(uint32_t *to, const uint32_t *map, const uint32_t *by,   \
        size_t n)                                                                                  \
    { lookup_any(to, map, by, n); }                                                                \
    attribute static void add_times_##suffix(uint64_t *to, const uint64_t *from, uint64_t factor,  \
        size_t n)                                                                                  \
    { add_times_any(to, from, factor, n); }                                                        \
    attribute static void add_times_has_##suffix(uint64_t *to, const uint64_t *from,               \
        uint64_t factor, const uint8_t *has, size_t rows)                                          \
    { add_times_has_any(to, from, factor, has, rows); }                                            \
    attribute static void range64_##suffix(const uint64_t *v, size_t n, uint64_t flip,             \
        uint64_t *ret_least, uint64_t *ret_most)                                                   \
    { range64_any(v, n, flip, ret_least, ret_most); }                                              \
    attribute static void mask64_##suffix(uint64_t *v, const uint8_t *has, size_t rows)            \
    { mask64_any(v, has, rows); }                                                                  \
    attribute static void mask32_##suffix(uint32_t *v, const uint8_t *has, size_t rows)            \
    { mask32_any(v, has, rows); }                                                                  \
    attribute static uint32_t max32_##suffix(const uint32_t *v, size_t n)                          \
    { return max32_any(v, n); }                                                                    \
    attribute static size_t count32_##suffix(const uint32_t *v, size_t n)                          \
    { return count32_any(v, n); }                                                                  \
    attribute static void split64_##suffix(unsigned char *const *plane, const uint64_t *v,         \
        unsigned width, size_t n)                                                                  \
    { split64_any(plane, v, width, n); }
/* NOLINTEND(bugprone-macro-parentheses) */
#define SAME(suffix)                                                                               \
    .planes64 = planes64_##suffix, .planes32 = planes32_##suffix, .unpack = unpack_##suffix,       \
    .widen = widen_##suffix, .lookup = lookup_##suffix, .add_times = add_times_##suffix,           \
    .add_times_has = add_times_has_##suffix, .range64 = range64_##suffix,                          \
    .mask64 = mask64_##suffix, .mask32 = mask32_##suffix, .max32 = max32_##suffix,                 \
    .count32 = count32_##suffix, .split64 = split64_##suffix
/* clang-format on */

VARIANT(plain, )

static void spread64_plain(uint64_t *to, const uint64_t *from, const uint8_t *has, size_t rows)
{
    spread64_any(to, from, has, rows);
}

static void spread32_plain(uint32_t *to, const uint32_t *from, const uint8_t *has, size_t rows)
{
    spread32_any(to, from, has, rows);
}

static uint32_t first_use_plain(uint32_t *v, size_t n)
{
    return first_use_any(v, n);
}

static size_t gather64_plain(uint64_t *to, const uint64_t *from, const uint8_t *has, size_t rows)
{
    return gather64_any(to, from, has, rows);
}

static size_t mismatch_plain(const uint32_t *code, const uint32_t *map, const uint32_t *by,
                             size_t from, size_t n)
{
    return mismatch_any(code, map, by, from, n);
}

static size_t bits32_plain(uint8_t *to, const uint32_t *v, size_t n)
{
    return bits32_any(to, v, n);
}

static const struct fl_kernel plain = {.name = "plain",
                                       SAME(plain),
                                       .spread64 = spread64_plain,
                                       .spread32 = spread32_plain,
                                       .gather64 = gather64_plain,
                                       .mismatch = mismatch_plain,
                                       .first_use = first_use_plain,
                                       .bits32 = bits32_plain};

#if defined(__x86_64__)
#define AVX2   __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,bmi,bmi2,popcnt")))

VARIANT(avx2, AVX2)
VARIANT(avx512, AVX512)

AVX2 static size_t bits32_avx2(uint8_t *to, const uint32_t *v, size_t n)
{
    const __m256i zero = _mm256_setzero_si256();
    size_t count = 0, i = 0;

    for (; i + 8 <= n; i += 8) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(v + i));
        int none = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(x, zero)));

        to[i / 8] = (uint8_t)(none ^ 0xff);
        count += (size_t)__builtin_popcount((unsigned)none ^ 0xff);
    }
    return i < n ? count + bits32_any(to + i / 8, v + i, n - i) : count;
}

static const struct fl_kernel avx2 = {.name = "avx2",
                                      SAME(avx2),
                                      .spread64 = spread64_plain,
                                      .spread32 = spread32_plain,
                                      .gather64 = gather64_plain,
                                      .mismatch = mismatch_plain,
                                      .first_use = first_use_plain,
                                      .bits32 = bits32_avx2};

AVX512 static void spread64_avx512(uint64_t *to, const uint64_t *from, const uint8_t *has,
                                   size_t rows)
{
    size_t row = 0;

    for (; row + 8 <= rows; row += 8) {
        const uint8_t bits = has[row / 8];

        _mm512_storeu_si512(to + row, _mm512_maskz_expandloadu_epi64(bits, from));
        from += __builtin_popcount(bits);
    }
    if (row < rows) {
        const uint8_t bits = (uint8_t)(has[row / 8] & ((1u << (rows - row)) - 1));

        _mm512_mask_storeu_epi64(to + row, (__mmask8)((1u << (rows - row)) - 1),
                                 _mm512_maskz_expandloadu_epi64(bits, from));
    }
}

AVX512 static void spread32_avx512(uint32_t *to, const uint32_t *from, const uint8_t *has,
                                   size_t rows)
{
    size_t row = 0;

    for (; row + 8 <= rows; row += 8) {
        const uint8_t bits = has[row / 8];

        _mm256_storeu_si256((__m256i *)(void *)(to + row),
                            _mm256_maskz_expandloadu_epi32(bits, from));
        from += __builtin_popcount(bits);
    }
    if (row < rows) {
        const uint8_t bits = (uint8_t)(has[row / 8] & ((1u << (rows - row)) - 1));

        _mm256_mask_storeu_epi32(to + row, (__mmask8)((1u << (rows - row)) - 1),
                                 _mm256_maskz_expandloadu_epi32(bits, from));
    }
}

AVX512 static size_t gather64_avx512(uint64_t *to, const uint64_t *from, const uint8_t *has,
                                     size_t rows)
{
    size_t row = 0, n = 0;

    for (; row + 8 <= rows; row += 8) {
        const uint8_t bits = has[row / 8];

        /* Into a register, then stored: compressing to memory is slow. */
        _mm512_mask_storeu_epi64(to + n, (__mmask8)((1u << __builtin_popcount(bits)) - 1),
                                 _mm512_maskz_compress_epi64(bits, _mm512_loadu_si512(from + row)));
        n += (size_t)__builtin_popcount(bits);
    }
    for (; row < rows; row++)
        if ((has[row / 8] >> (row % 8) & 1) != 0)
            to[n++] = from[row];
    return n;
}

AVX512 static size_t mismatch_avx512(const uint32_t *code, const uint32_t *map, const uint32_t *by,
                                     size_t from, size_t n)
{
    for (; from + 16 <= n; from += 16) {
        __m512i c = _mm512_loadu_si512(code + from);
        __m512i m = _mm512_i32gather_epi32(_mm512_loadu_si512(by + from), map, 4);
        __mmask16 off = _mm512_mask_cmpneq_epi32_mask(_mm512_test_epi32_mask(c, c), c, m);

        if (off != 0)
            return from + (size_t)__builtin_ctz(off);
    }
    return mismatch_any(code, map, by, from, n);
}

AVX512 static uint32_t first_use_avx512(uint32_t *v, size_t n)
{
    const __m512i steps = _mm512_setr_epi32(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
    uint32_t given = 0;
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        __m512i x = _mm512_loadu_si512(v + i);
        __mmask16 is_new = _mm512_testn_epi32_mask(x, x);
        __m512i next = _mm512_add_epi32(steps, _mm512_set1_epi32((int)given));

        _mm512_storeu_si512(v + i, _mm512_mask_expand_epi32(x, is_new, next));
        given += (uint32_t)__builtin_popcount(is_new);
    }
    for (; i < n; i++)
        if (v[i] == 0)
            v[i] = ++given;
    return given;
}

AVX512 static size_t bits32_avx512(uint8_t *to, const uint32_t *v, size_t n)
{
    size_t count = 0, i = 0;

    for (; i + 16 <= n; i += 16) {
        __m512i x = _mm512_loadu_si512(v + i);
        uint16_t some = _mm512_test_epi32_mask(x, x);

        memcpy(to + i / 8, &some, sizeof some);
        count += (size_t)__builtin_popcount(some);
    }
    return i < n ? count + bits32_any(to + i / 8, v + i, n - i) : count;
}

static const struct fl_kernel avx512 = {.name = "avx512",
                                        SAME(avx512),
                                        .spread64 = spread64_avx512,
                                        .spread32 = spread32_avx512,
                                        .gather64 = gather64_avx512,
                                        .mismatch = mismatch_avx512,
                                        .first_use = first_use_avx512,
                                        .bits32 = bits32_avx512};

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

static const struct fl_kernel *const all[] = {&plain, &avx2, &avx512};

size_t fl_kernels(const struct fl_kernel *const **ret)
{
    *ret = all;
    return has_avx512() ? 3 : has_avx2() ? 2 : 1;
}
#else
static const struct fl_kernel *const all[] = {&plain};

size_t fl_kernels(const struct fl_kernel *const **ret)
{
    *ret = all;
    return 1;
}
#endif

const struct fl_kernel *fl_kernel(void)
{
    const struct fl_kernel *const *list;
    size_t count = fl_kernels(&list);

    return list[count - 1];
}

void fl_kernel_pack(unsigned char *group, const uint32_t v[FL_PACK_VALUES], unsigned bits)
{
    memset(group, 0, (size_t)bits * GROUP_ROW_BYTES);
    for (unsigned r = 0; bits > 0 && r < FL_PACK_VALUES / FL_PACK_LANES; r++, v += FL_PACK_LANES) {
        unsigned char *lo = group + (size_t)(r * bits / 32) * GROUP_ROW_BYTES;
        const unsigned at = r * bits % 32;

        for (unsigned l = 0; l < FL_PACK_LANES; l++) {
            uint32_t word = word_at(lo + l * 4) | v[l] << at;

            memcpy(lo + l * 4, &word, sizeof word);
            if (at + bits > 32) {
                word = v[l] >> (32 - at);
                memcpy(lo + GROUP_ROW_BYTES + l * 4, &word, sizeof word);
            }
        }
    }
}
