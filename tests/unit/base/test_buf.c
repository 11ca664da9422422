#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "tap.h"

static void check_round_trip(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;
    struct fl_cursor cur;

    fl_buf_init(&buf, 1000);
    fl_buf_put_u8(&buf, 1);
    fl_buf_put_u16(&buf, 0x0203);
    fl_buf_put_u32(&buf, 0x04050607);
    fl_buf_put_u64(&buf, UINT64_MAX - 1);
    fl_buf_put_varint(&buf, UINT64_MAX);
    fl_buf_put_varint(&buf, 127);
    fl_buf_put_lv(&buf, FL_SPAN("hello"));
    fl_buf_printf(&buf, "%d!", 42);
    cur = fl_cursor_of(fl_buf_span(&buf));
    CHECK(fl_cursor_u8(&cur) == 1 && fl_cursor_u16(&cur) == 0x0203 &&
              fl_cursor_u32(&cur) == 0x04050607 && fl_cursor_u64(&cur) == UINT64_MAX - 1,
          "fixed integers");
    CHECK(fl_cursor_varint(&cur) == UINT64_MAX && fl_cursor_varint(&cur) == 127, "varints");
    CHECK(fl_span_eq(fl_cursor_lv(&cur, 5), FL_SPAN("hello")), "length and value");
    CHECK(fl_span_eq(fl_cursor_bytes(&cur, 3), FL_SPAN("42!")) && fl_cursor_done(&cur),
          "printf, all read");
    CHECK(fl_cursor_u8(&cur) == 0 && cur.failed, "reading past the end fails and sticks");
}

static void check_limits(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;
    struct fl_err err = {0};
    const unsigned char eleven[11] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff};
    struct fl_cursor cur = fl_cursor_of(fl_span_of(eleven, sizeof eleven));

    fl_buf_init(&buf, 4);
    fl_buf_put_str(&buf, "abc");
    fl_buf_put_str(&buf, "de");
    fl_buf_put_str(&buf, "f");
    CHECK(buf.len == 3 && fl_buf_status(&buf, &err) == FL_E_LIMIT &&
              strcmp(err.text, "more than 4 bytes") == 0,
          "the maximum holds and the failure sticks");
    fl_buf_clear(&buf);
    fl_buf_put_str(&buf, "abcd");
    CHECK(fl_buf_status(&buf, &err) == 0, "clear forgets the failure");
    fl_buf_consume(&buf, 3);
    CHECK(fl_span_eq(fl_buf_span(&buf), FL_SPAN("d")), "consume from the front");
    (void)fl_cursor_varint(&cur);
    CHECK(cur.failed, "a varint over 64 bits is refused");
    cur = fl_cursor_of(FL_SPAN("\x05hell"));
    CHECK(fl_cursor_lv(&cur, 10).len == 0 && cur.failed, "a length beyond the end is refused");
    cur = fl_cursor_of(FL_SPAN("\x05hello"));
    CHECK(fl_cursor_lv(&cur, 4).len == 0 && cur.failed,
          "a length over the caller's maximum is refused");
}

static void check_arena(void)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_span copy;

    fl_arena_init(&arena, 40000);
    copy = fl_arena_copy(&arena, FL_SPAN("text"));
    CHECK(fl_span_eq(copy, FL_SPAN("text")) && copy.ptr[4] == '\0', "arena copies end in NUL");
    CHECK(fl_arena_get(&arena, 30000) != NULL && fl_arena_get(&arena, 30000) == NULL,
          "arena has its limit");
    fl_arena_clear(&arena);
    CHECK(fl_arena_get(&arena, 30000) != NULL, "arena is empty after clear");
    CHECK(fl_arena_get(&arena, SIZE_MAX) == NULL && fl_arena_get(&arena, SIZE_MAX - 8) == NULL,
          "no overflow");
}

static void check_span(void)
{
    uint64_t n = 7;

    CHECK(fl_span_u64(FL_SPAN("18446744073709551615"), &n) && n == UINT64_MAX, "largest number");
    CHECK(!fl_span_u64(FL_SPAN("18446744073709551616"), &n) && !fl_span_u64(FL_SPAN(""), &n) &&
              !fl_span_u64(FL_SPAN("-1"), &n) && !fl_span_u64(FL_SPAN("1 "), &n) && n == UINT64_MAX,
          "what is no number is refused and leaves the result");
    CHECK(fl_span_find_nocase(FL_SPAN("www.CDN-x.com"), FL_SPAN("cdn")) &&
              !fl_span_find_nocase(FL_SPAN("cd"), FL_SPAN("cdn")) &&
              fl_span_find_nocase(FL_SPAN(""), FL_SPAN("")),
          "substring without case");
}

int main(void)
{
    check_round_trip();
    check_limits();
    check_arena();
    check_span();
    return tap_done();
}
