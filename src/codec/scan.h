/*
 * scan.h - where the bytes stand that structure a line: every '"', whether there is a '\', and the
 * blanks of the header.
 *
 * Three ways to find them, the same result: 64 bytes at a time with AVX-512 (BW, VL, VBMI2), 64
 * with AVX2, 8 with plain C. Which one the machine has is asked once, at run time.
 * Pure: no I/O, no clock.
 */
#ifndef FL_CODEC_SCAN_H
#define FL_CODEC_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum fl_scan_kind { FL_SCAN_SCALAR, FL_SCAN_AVX2, FL_SCAN_AVX512, FL_SCAN_KINDS };

extern const char *const fl_scan_names[FL_SCAN_KINDS]; /* "scalar", "avx2", "avx512" */

/* Can this machine do it? And which is the widest that it can? */
bool fl_scan_can(enum fl_scan_kind kind);
enum fl_scan_kind fl_scan_best(void);

#define FL_SCAN_MAX_BYTES  ((size_t)16 * 1024) /* of one text */
#define FL_SCAN_MAX_QUOTES 512u
#define FL_SCAN_HEAD_WORDS 4u /* blanks are given for the first 256 bytes */

struct fl_scan {
    uint32_t count;                       /* quotes in at */
    bool backslash;                       /* somewhere in the text */
    bool overflow;                        /* more than FL_SCAN_MAX_QUOTES quotes: the rest is 0 */
    uint64_t blank[FL_SCAN_HEAD_WORDS];   /* bit i of word w: byte 64 * w + i is ' ' */
    uint16_t at[FL_SCAN_MAX_QUOTES + 64]; /* ascending; behind count: anything */
};

/* text.len at most FL_SCAN_MAX_BYTES; the machine can do kind (both asserted). */
void fl_scan(enum fl_scan_kind kind, struct fl_span text, struct fl_scan *ret);

#endif
