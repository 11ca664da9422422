/* The structural scan: every form against a plain loop, on bytes and lengths that lie badly. */
#include <stdlib.h>
#include <string.h>

#include "codec/scan.h"
#include "tap.h"

enum { LENGTHS = 400, ROUNDS = 30 };

static struct fl_scan want, got;

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

static bool is_same(void)
{
    return got.count == want.count && got.backslash == want.backslash &&
           got.overflow == want.overflow && memcmp(got.blank, want.blank, sizeof want.blank) == 0 &&
           memcmp(got.at, want.at, want.count * sizeof *want.at) == 0;
}

/* The text in memory of its own, so that a sanitizer sees a byte read behind it. */
static bool agrees(enum fl_scan_kind kind, const unsigned char *bytes, size_t len)
{
    unsigned char *copy = malloc(len == 0 ? 1 : len);
    bool same;

    if (copy == NULL)
        abort();
    memcpy(copy, bytes, len);
    memset(&got, 0xff, sizeof got);
    fl_scan(kind, fl_span_of(copy, len), &got);
    scan_plainly(fl_span_of(copy, len), &want);
    same = is_same();
    free(copy);
    return same;
}

static uint32_t draw(void)
{
    static uint64_t state = 5;

    state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

/* One byte in `sparse` is of those that count; the others are near to them in value. */
static void fill(unsigned char *bytes, size_t len, unsigned sparse)
{
    static const unsigned char marks[] = "\"\\ ", others[] = "!#[]\x1f\x21\xa2\xdc\xa0\x80\xffz";

    for (size_t i = 0; i < len; i++)
        bytes[i] = draw() % sparse == 0 ? marks[draw() % 3] : others[draw() % (sizeof others - 1)];
}

static void check_kind(enum fl_scan_kind kind)
{
    static unsigned char bytes[FL_SCAN_MAX_BYTES];
    bool all = true, each = true, dense, edge;
    char name[64];

    for (size_t len = 0; len < LENGTHS; len++) {
        for (unsigned round = 0; round < ROUNDS; round++) {
            fill(bytes, len, 1 + round);
            all = all && agrees(kind, bytes, len);
        }
    }
    (void)snprintf(name, sizeof name, "%s: every length below %d", fl_scan_names[kind], LENGTHS);
    CHECK(all, name);
    for (unsigned c = 0; c < 256; c++) {
        memset(bytes, (int)c, 200);
        each = each && agrees(kind, bytes, 200);
    }
    (void)snprintf(name, sizeof name, "%s: every byte", fl_scan_names[kind]);
    CHECK(each, name);
    memset(bytes, 'x', sizeof bytes);
    memset(bytes + 100, '"', FL_SCAN_MAX_QUOTES);
    edge = agrees(kind, bytes, sizeof bytes) && !got.overflow;
    bytes[sizeof bytes - 1] = '"';
    edge = edge && agrees(kind, bytes, sizeof bytes) && got.overflow;
    (void)snprintf(name, sizeof name, "%s: as many quotes as there may be, and one more",
                   fl_scan_names[kind]);
    CHECK(edge, name);
    memset(bytes, '"', sizeof bytes);
    dense = agrees(kind, bytes, sizeof bytes) && got.overflow && agrees(kind, bytes, 63) &&
            agrees(kind, bytes, 64) && agrees(kind, bytes, FL_SCAN_MAX_QUOTES);
    (void)snprintf(name, sizeof name, "%s: nothing but quotes", fl_scan_names[kind]);
    CHECK(dense, name);
}

int main(void)
{
    for (enum fl_scan_kind kind = FL_SCAN_SCALAR; kind < FL_SCAN_KINDS; kind++) {
        if (fl_scan_can(kind))
            check_kind(kind);
        else
            printf("# this machine has no %s\n", fl_scan_names[kind]);
    }
    CHECK(fl_scan_can(fl_scan_best()) && fl_scan_can(FL_SCAN_SCALAR), "the best is one it has");
    return tap_done();
}
