/*
 * kernel.h - the inner loops of columns: what a block of 65,536 values passes through on its way
 * from bytes to numbers. Each loop exists in several variants with the same result; the fastest one
 * that this machine can run is chosen at run time.
 */
#ifndef FL_LOGS_KERNEL_H
#define FL_LOGS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FL_PACK_VALUES 1024u /* of a packed group */
#define FL_PACK_LANES  32u
#define FL_PLANES_MAX  8u

/*
 * A packed group: FL_PACK_VALUES numbers of `bits` bits (0..32) in 128 * bits bytes. Value i lies
 * in lane i % 32; the values of a lane follow each other, lowest bits first, in 32-bit words; word
 * w of lane l is word w * 32 + l of the group.
 */
struct fl_kernel {
    const char *name;
    /* to[i] = base + scale * (plane[0][i] | plane[1][i] << 8 | ...) of width 0..8 planes */
    void (*planes64)(uint64_t *to, const unsigned char *const *plane, unsigned width, size_t n,
                     uint64_t base, uint64_t scale);
    /* to[i] = add + (plane[0][i] | ...) of width 0..4 planes */
    void (*planes32)(uint32_t *to, const unsigned char *const *plane, unsigned width, size_t n,
                     uint32_t add);
    /* One packed group to numbers, add added to each. */
    void (*unpack)(uint32_t *to, const unsigned char *group, unsigned bits, uint32_t add);
    /* to[i] = base + scale * k[i] */
    void (*widen)(uint64_t *to, const uint32_t *k, size_t n, uint64_t base, uint64_t scale);
    /* Values from the front to the rows that have one; the other rows become 0. Reads as many
     * values as has[] (a bitmap, lowest bit first, rows of them) has bits. */
    void (*spread64)(uint64_t *to, const uint64_t *from, const uint8_t *has, size_t rows);
    void (*spread32)(uint32_t *to, const uint32_t *from, const uint8_t *has, size_t rows);
    /* The reverse; how many. Writes up to one value more than it returns; to may be from. */
    size_t (*gather64)(uint64_t *to, const uint64_t *from, const uint8_t *has, size_t rows);
    /* In place: 0 becomes the next number from 1 on, others stay. The last number given. */
    uint32_t (*first_use)(uint32_t *v, size_t n);
    /* to[i] = map[by[i]]; the caller knows that all of by[] is below the size of map. */
    void (*lookup)(uint32_t *to, const uint32_t *map, const uint32_t *by, size_t n);
    /* to[i] += factor * from[i]; the other: only in rows that has[] says. */
    void (*add_times)(uint64_t *to, const uint64_t *from, uint64_t factor, size_t n);
    void (*add_times_has)(uint64_t *to, const uint64_t *from, uint64_t factor, const uint8_t *has,
                          size_t rows);
    /* The first i, from `from` on, with code[i] != 0 and code[i] != map[by[i]]; n where none. */
    size_t (*mismatch)(const uint32_t *code, const uint32_t *map, const uint32_t *by, size_t from,
                       size_t n);
    /* Rows without a value become 0. */
    void (*mask64)(uint64_t *v, const uint8_t *has, size_t rows);
    void (*mask32)(uint32_t *v, const uint8_t *has, size_t rows);
    uint32_t (*max32)(const uint32_t *v, size_t n); /* 0 of none */
    size_t (*count32)(const uint32_t *v, size_t n); /* how many are not 0 */
    /* The bitmap of v[i] != 0, padding bits zero; (n + 7) / 8 bytes. How many. */
    size_t (*bits32)(uint8_t *to, const uint32_t *v, size_t n);
    /* Least and greatest of at least one v[i] ^ flip. */
    void (*range64)(const uint64_t *v, size_t n, uint64_t flip, uint64_t *ret_least,
                    uint64_t *ret_most);
    /* To planes, each n bytes: what planes64 reads with base 0 and scale 1. */
    void (*split64)(unsigned char *const *plane, const uint64_t *v, unsigned width, size_t n);
};

/* The best that this machine runs. */
const struct fl_kernel *fl_kernel(void);
/* All that this machine runs, slowest first: for tests. */
size_t fl_kernels(const struct fl_kernel *const **ret);

/* The reverse of unpack with add 0: every v[i] is below 2^bits. Writes 128 * bits bytes. */
void fl_kernel_pack(unsigned char *group, const uint32_t v[FL_PACK_VALUES], unsigned bits);

#endif
