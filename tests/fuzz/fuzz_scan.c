/*
 * The structural scan: every form that the machine has finds what one byte after the other finds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(int ok)
{
    if (!ok)
        abort();
}

static void scan_plainly(struct fl_span text, struct fl_scan *ret)
{
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < text.len && !ret->overflow; i++) {
        if (text.ptr[i] == '"' && ret->count == FL_SCAN_MAX_QUOTES) {
            memset(ret, 0, sizeof *ret);
            ret->overflow = true;
        } else if (text.ptr[i] == '"') {
            ret->at[ret->count++] = (uint16_t)i;
        } else if (text.ptr[i] == '\\') {
            ret->backslash = true;
        } else if (text.ptr[i] == ' ' && i < (size_t)64 * FL_SCAN_HEAD_WORDS) {
            ret->blank[i / 64] |= UINT64_C(1) << (i % 64);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct fl_scan want, got;
    unsigned char *copy;

    if (n > FL_SCAN_MAX_BYTES)
        return 0;
    copy = malloc(n == 0 ? 1 : n); /* a byte read behind it is seen */
    must(copy != NULL);
    if (n > 0)
        memcpy(copy, data, n);
    scan_plainly(fl_span_of(copy, n), &want);
    for (enum fl_scan_kind kind = FL_SCAN_SCALAR; kind < FL_SCAN_KINDS; kind++) {
        if (!fl_scan_can(kind))
            continue;
        fl_scan(kind, fl_span_of(copy, n), &got);
        must(got.count == want.count && got.backslash == want.backslash &&
             got.overflow == want.overflow);
        must(memcmp(got.blank, want.blank, sizeof want.blank) == 0);
        must(memcmp(got.at, want.at, want.count * sizeof *want.at) == 0);
    }
    free(copy);
    return 0;
}
