/* Shapes as they may come from a damaged store, and what each placeholder writes. */
#include <string.h>

#include "codec/shape.h"
#include "tap.h"

#define ESC "\x1e"

static const unsigned char v4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1};

static struct fl_event ev;

/* Field f's placeholder with a format byte. */
static size_t place(unsigned char *out, enum fl_field f, char format)
{
    out[0] = FL_SHAPE_ESC;
    out[1] = (unsigned char)(0x20 + f);
    out[2] = (unsigned char)format;
    return 3;
}

static const struct {
    enum fl_field field;
    const char *format; /* and operands */
    size_t len;
    const char *out; /* NULL: refused */
} cases[] = {
    {FL_F_URL, "s", 1, "a\"]\\|=\n"},
    {FL_F_URL, "q", 1, "a\\\"\\]\\\\|=\n"},
    {FL_F_URL, "c", 1, "a\"]\\\\\\|=\n"},
    {FL_F_URL, "v", 1, "a\"]\\\\|\\=\\n"},
    {FL_F_URL, "k", 1, "a\\\"]\\\\|=\n"},
    {FL_F_URL, "d", 1, NULL},
    {FL_F_URL, "i", 1, NULL},
    {FL_F_SRC_PORT, "d", 1, "443"},
    {FL_F_SRC_PORT, "s", 1, NULL},
    {FL_F_SRC_IP, "i", 1, "10.0.0.1"},
    {FL_F_SRC_IP, "d", 1, NULL},
    {FL_F_DST_IP, "i", 1, NULL}, /* absent */
    {FL_F_PROTO, "U", 1, "TCP"},
    {FL_F_PROTO, "u", 1, "tcp"},
    {FL_F_PROTO, "d", 1, "6"},
    {FL_F_SRC_PORT, "U", 1, NULL}, /* no protocol has that number */
    {FL_F_TIME, "tZ\x00\x80\x00", 5, "1970-01-01T00:00:00Z"},
    {FL_F_TIME, "to\x03\x80\x3c", 5, "1970-01-01T01:00:00.000+01:00"},
    {FL_F_TIME, "tb\x00\x80\x00", 5, "Jan  1 00:00:00"},
    {FL_F_TIME, "tZ\x07\x80\x00", 5, NULL},
    {FL_F_TIME, "to\x00\xff\xff", 5, NULL},
    {FL_F_TIME, "tZ\x00", 3, NULL},
    {FL_F_SRC_PORT, "tZ\x00\x80\x00", 5, NULL},
    {FL_F_SRC_PORT, "x", 1, "text"},
    {FL_F_EXTRA, "x\x00\x00s", 4, "text"},
    {FL_F_EXTRA, "x\xff\xffs", 4, "text"},
    {FL_F_EXTRA, "x\x00", 2, NULL},
    {FL_F_EXTRA, "p\x00s", 3, "text"},
    {FL_F_EXTRA, "p\xffs", 3, "text"},
    {FL_F_EXTRA, "s", 1, NULL},
    {FL_F_URL, "z", 1, NULL},
    {FL_FIELD_COUNT, "s", 1, NULL},
};

static void fill(void)
{
    fl_event_clear(&ev);
    fl_event_str(&ev, FL_F_URL, FL_SPAN("a\"]\\|=\n"));
    fl_event_num(&ev, FL_F_SRC_PORT, 443);
    fl_event_str(&ev, FL_F_SRC_IP, fl_span_of(v4, sizeof v4));
    fl_event_num(&ev, FL_F_PROTO, 6);
    fl_event_time(&ev, FL_F_TIME, 0);
}

static void check_cases(void)
{
    for (size_t i = 0; i < FL_LEN(cases); i++) {
        FL_AUTO(fl_buf_done) struct fl_buf out;
        struct fl_err err = {0};
        unsigned char shape[32];
        char name[64];
        size_t n = place(shape, cases[i].field, cases[i].format[0]);
        int r;

        fill();
        memcpy(shape + n, cases[i].format + 1, cases[i].len - 1);
        n += cases[i].len - 1;
        fl_event_str(&ev, FL_F_SHAPE, fl_span_of(shape, n));
        if (cases[i].format[0] == 'x' || cases[i].format[0] == 'p')
            fl_event_str(&ev, FL_F_EXTRA, FL_SPAN("\x04text"));
        fl_buf_init(&out, 1000);
        r = fl_shape_rebuild(&ev, &out, &err);
        (void)snprintf(name, sizeof name, "field %d, format %c", cases[i].field,
                       cases[i].format[0]);
        CHECK(cases[i].out == NULL
                  ? r == FL_E_CORRUPT && err.code == r
                  : r == 0 && fl_span_eq(fl_buf_span(&out), fl_span_str(cases[i].out)),
              name);
    }
}

static int rebuild(struct fl_span shape, struct fl_span extra, size_t max_bytes)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;

    fill();
    fl_event_str(&ev, FL_F_SHAPE, shape);
    if (extra.len > 0)
        fl_event_str(&ev, FL_F_EXTRA, extra);
    fl_buf_init(&out, max_bytes);
    return fl_shape_rebuild(&ev, &out, NULL);
}

int main(void)
{
    struct fl_span none = {NULL, 0};

    check_cases();
    CHECK(rebuild(FL_SPAN("text"), none, 100) == 0, "a shape without a placeholder");
    CHECK(rebuild(none, none, 100) == 0, "an empty shape");
    CHECK(rebuild(FL_SPAN("a" ESC), none, 100) == FL_E_CORRUPT, "an escape byte at the end");
    CHECK(rebuild(FL_SPAN("a" ESC ESC), none, 100) == 0, "a literal escape byte");
    CHECK(rebuild(FL_SPAN("a" ESC "\x05s"), none, 100) == FL_E_CORRUPT, "a field below the first");
    CHECK(rebuild(FL_SPAN("a"), FL_SPAN("\x01x"), 100) == FL_E_CORRUPT,
          "a text that none asks for");
    CHECK(rebuild(FL_SPAN("text"), none, 3) == FL_E_LIMIT, "the caller's limit");
    fl_event_clear(&ev);
    CHECK(rebuild(FL_SPAN("a"), none, 9) == 0 && !fl_shape_check(&ev, FL_SPAN("b")) &&
              !fl_shape_check(&ev, FL_SPAN("ab")) && !fl_shape_check(&ev, none) &&
              fl_shape_check(&ev, FL_SPAN("a")),
          "a check compares every byte");
    fl_event_clear(&ev);
    CHECK(fl_shape_rebuild(&ev, &(struct fl_buf){.max_bytes = 9}, NULL) == FL_E_NOENT,
          "a row without a shape");
    CHECK(fl_proto_number(FL_SPAN("Tcp")) == 6 && fl_proto_number(FL_SPAN("tc")) == -1 &&
              fl_proto_number(FL_SPAN("tcpp")) == -1 && fl_proto_name(255) == NULL,
          "names of protocols");
    return tap_done();
}
