/*
 * A sequence of lines through readers of every form that the machine has: each row must be that of
 * fl_line_parse(), to the last field. After each line come some that differ from it in a byte or
 * two, because those are what a program nearly matches.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/line.h"
#include "codec/line_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define RECEIVED_US INT64_C(1795305600000000) /* 2026-11-22 */

enum { LINES_MAX = 16, MUTANTS = 12, LINE_MAX_BYTES = 4096 };

struct run {
    struct fl_line_reader *reader[FL_SCAN_KINDS]; /* NULL: the machine has no such */
    struct fl_arena arena[2];
    struct fl_event event[2];
    uint64_t state;
};

static void must(int ok)
{
    if (!ok)
        abort();
}

static uint32_t draw(struct run *r)
{
    r->state = r->state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(r->state >> 33);
}

static void check_same(const struct fl_event *a, const struct fl_event *b)
{
    must(a->has.bits[0] == b->has.bits[0] && a->has.bits[1] == b->has.bits[1]);
    for (int i = 0; i < FL_FIELD_COUNT; i++) {
        enum fl_field f = (enum fl_field)i;

        if (!fl_event_has(a, f))
            continue;
        if (fl_field_is_str(f))
            must(fl_span_eq(a->v[f].str, b->v[f].str));
        else
            must(a->v[f].num == b->v[f].num);
    }
}

/* The line stands in memory of its own, so that a byte read behind it is seen. */
static void check_line(struct run *r, struct fl_span line)
{
    unsigned char *copy = malloc(line.len == 0 ? 1 : line.len);
    const char *why[2];

    must(copy != NULL);
    if (line.len > 0)
        memcpy(copy, line.ptr, line.len);
    line = fl_span_of(copy, line.len);
    fl_arena_clear(&r->arena[0]);
    fl_line_parse(line, RECEIVED_US, &r->event[0], &why[0]);
    for (size_t k = 0; k < FL_SCAN_KINDS; k++) {
        struct fl_line_source fresh = {0}; /* so that every line is tried and learned from */

        if (r->reader[k] == NULL)
            continue;
        fl_arena_clear(&r->arena[1]);
        fl_line_read(r->reader[k], &fresh, line, RECEIVED_US, &r->event[1], &why[1]);
        check_same(&r->event[0], &r->event[1]);
        must(strcmp(why[0], why[1]) == 0);
    }
    free(copy);
}

/* A byte changed, taken out or put in. */
static struct fl_span mutate(struct run *r, struct fl_span line, unsigned char *room)
{
    static const unsigned char bytes[] = "\"\" \\\\]]=[-0019.:NA/,{}\x1e\xe2\x80";
    size_t at = draw(r) % line.len, len = line.len;
    unsigned char byte = bytes[draw(r) % (sizeof bytes - 1)];

    memcpy(room, line.ptr, line.len);
    switch (draw(r) % 4) {
    case 0:
        memmove(room + at, room + at + 1, len - at - 1);
        len--;
        break;
    case 1:
        memmove(room + at + 1, room + at, len - at);
        room[at] = byte;
        len++;
        break;
    default:
        room[at] = byte;
        break;
    }
    return fl_span_of(room, len);
}

static void check_lines(struct run *r, struct fl_span text)
{
    unsigned char room[2][LINE_MAX_BYTES + 8];

    for (int i = 0; i < LINES_MAX && text.len > 0; i++) {
        const unsigned char *end = memchr(text.ptr, '\n', text.len);
        size_t n = end == NULL ? text.len : (size_t)(end - text.ptr);
        struct fl_span line = fl_span_of(text.ptr, n);

        text = fl_span_of(text.ptr + n + (end != NULL), text.len - n - (end != NULL));
        check_line(r, line);
        check_line(r, line);
        for (int k = 0; k < MUTANTS && n > 1 && n <= LINE_MAX_BYTES; k++) {
            struct fl_span other = mutate(r, line, room[0]);

            check_line(r, other);
            if (other.len > 1)
                check_line(r, mutate(r, other, room[1]));
        }
        check_line(r, line);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct run r = {.state = 1};

    if (n == 0 || n > FL_LINE_MAX_BYTES)
        return 0;
    for (size_t i = 0; i < 2; i++) {
        fl_arena_init(&r.arena[i], (size_t)1 << 22);
        r.event[i].arena = &r.arena[i];
    }
    for (enum fl_scan_kind kind = FL_SCAN_SCALAR; kind < FL_SCAN_KINDS; kind++) {
        if (fl_scan_can(kind))
            must(fl_line_reader_new_kind(kind, &r.reader[kind], NULL) == 0);
    }
    r.state += data[0];
    check_lines(&r, fl_span_of(data + 1, n - 1));
    for (size_t i = 0; i < FL_SCAN_KINDS; i++)
        fl_line_reader_free(r.reader[i]);
    for (size_t i = 0; i < 2; i++)
        fl_arena_done(&r.arena[i]);
    return 0;
}
