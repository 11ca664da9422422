#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "tap.h"

static struct fl_buf out;

static bool wrote(const char *text)
{
    bool same = out.failed == 0 && fl_span_eq(fl_buf_span(&out), fl_span_str(text));

    if (!same)
        printf("# got %.*s\n", (int)out.len, (const char *)out.ptr);
    fl_buf_clear(&out);
    return same;
}

static const struct {
    const char *in, *json;
} strings[] = {
    {"", "\"\""},
    {"plain", "\"plain\""},
    {"\"\\/", "\"\\\"\\\\/\""},
    {"\n\r\t\b\x01\x7f", "\"\\n\\r\\t\\u0008\\u0001\x7f\""},
    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {"a\xff"
     "b\xc3",
     "\"a\\ufffdb\\ufffd\""},
    {"\xc0\x80\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\""},
    {"\xf4\x90\x80\x80\xe2\x82", "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\""},
};

static const struct {
    double value;
    const char *json;
} doubles[] = {
    {0, "0"},          {-1.5, "-1.5"}, {0.1, "0.1"},      {1.0 / 3, "0.3333333333333333"},
    {1e300, "1e+300"}, {NAN, "null"},  {INFINITY, "null"}};

static void check_nesting(void)
{
    struct fl_json j;

    fl_json_init(&j, &out);
    fl_json_object(&j, NULL);
    fl_json_u64(&j, "a", UINT64_MAX);
    fl_json_array(&j, "b");
    fl_json_object(&j, NULL);
    fl_json_end(&j);
    fl_json_array(&j, NULL);
    fl_json_i64(&j, NULL, INT64_MIN);
    fl_json_i64(&j, NULL, 7);
    fl_json_end(&j);
    fl_json_bool(&j, NULL, true);
    fl_json_end(&j);
    fl_json_key_span(&j, FL_SPAN("k\"\xff"));
    fl_json_object(&j, NULL);
    fl_json_null(&j, "n");
    fl_json_text(&j, "t", NULL);
    fl_json_key_span(&j, FL_SPAN("x"));
    fl_json_i64(&j, NULL, -1);
    fl_json_bool(&j, "f", false);
    fl_json_end(&j);
    fl_json_end(&j);
    CHECK(wrote("{\"a\":18446744073709551615,\"b\":[{},[-9223372036854775808,7],true],"
                "\"k\\\"\\ufffd\":{\"n\":null,\"t\":null,\"x\":-1,\"f\":false}}"),
          "commas and nesting");
}

int main(void)
{
    static const unsigned char ip[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
    struct fl_json j;

    fl_buf_init(&out, 1000);
    for (size_t i = 0; i < FL_LEN(strings); i++) {
        fl_json_init(&j, &out);
        fl_json_text(&j, NULL, strings[i].in);
        CHECK(wrote(strings[i].json), strings[i].json);
    }
    for (size_t i = 0; i < FL_LEN(doubles); i++) {
        fl_json_init(&j, &out);
        fl_json_f64(&j, NULL, doubles[i].value);
        CHECK(wrote(doubles[i].json), doubles[i].json);
    }
    check_nesting();
    fl_json_init(&j, &out);
    fl_json_array(&j, NULL);
    fl_json_time(&j, NULL, 1);
    fl_json_ip(&j, NULL, ip);
    fl_json_str(&j, NULL, fl_span_of("\0", 1));
    fl_json_end(&j);
    CHECK(wrote("[\"1970-01-01T00:00:00.000001Z\",\"192.0.2.1\",\"\\u0000\"]"), "other values");
    fl_buf_done(&out);
    fl_buf_init(&out, 3);
    fl_json_init(&j, &out);
    fl_json_text(&j, NULL, "too long");
    CHECK(out.failed == FL_E_LIMIT && out.len <= 3, "the buffer's failure sticks");
    fl_buf_done(&out);
    return tap_done();
}
