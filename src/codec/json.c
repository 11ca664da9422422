#include "codec/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "codec/ip.h"
#include "codec/utf8.h"

void fl_json_init(struct fl_json *j, struct fl_buf *out)
{
    *j = (struct fl_json){.out = out};
}

static void put_hex4(struct fl_buf *out, unsigned code)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = {'\\',
                    'u',
                    digits[code >> 12 & 15],
                    digits[code >> 8 & 15],
                    digits[code >> 4 & 15],
                    digits[code & 15]};

    fl_buf_put(out, text, sizeof text);
}

static void put_special(struct fl_buf *out, unsigned char c)
{
    switch (c) {
    case '"':
        fl_buf_put(out, "\\\"", 2);
        break;
    case '\\':
        fl_buf_put(out, "\\\\", 2);
        break;
    case '\n':
        fl_buf_put(out, "\\n", 2);
        break;
    case '\r':
        fl_buf_put(out, "\\r", 2);
        break;
    case '\t':
        fl_buf_put(out, "\\t", 2);
        break;
    default:
        put_hex4(out, c);
    }
}

static void put_string(struct fl_buf *out, struct fl_span s)
{
    size_t from = 0, i = 0;

    fl_buf_put(out, "\"", 1);
    while (i < s.len) {
        unsigned char c = s.ptr[i];
        size_t n = c < 0x80 ? 1 : fl_utf8_at(s.ptr + i, s.len - i);

        if (n > 0 && c >= 0x20 && c != '"' && c != '\\') {
            i += n;
            continue;
        }
        fl_buf_put(out, s.ptr + from, i - from);
        if (n == 0)
            put_hex4(out, 0xfffd);
        else
            put_special(out, c);
        from = ++i;
    }
    if (from < i)
        fl_buf_put(out, s.ptr + from, i - from);
    fl_buf_put(out, "\"", 1);
}

/* The comma and the key before a value. */
static void begin(struct fl_json *j, const char *key)
{
    if (j->keyed) {
        j->keyed = false;
        return;
    }
    if (j->comma[j->depth])
        fl_buf_put(j->out, ",", 1);
    j->comma[j->depth] = true;
    if (key != NULL) {
        put_string(j->out, fl_span_str(key));
        fl_buf_put(j->out, ":", 1);
    }
}

static void open(struct fl_json *j, const char *key, bool array)
{
    begin(j, key);
    assert(j->depth + 1 < FL_LEN(j->comma));
    j->depth++;
    j->comma[j->depth] = false;
    j->array[j->depth] = array;
    fl_buf_put(j->out, array ? "[" : "{", 1);
}

void fl_json_object(struct fl_json *j, const char *key)
{
    open(j, key, false);
}

void fl_json_array(struct fl_json *j, const char *key)
{
    open(j, key, true);
}

void fl_json_end(struct fl_json *j)
{
    assert(j->depth > 0);
    fl_buf_put(j->out, j->array[j->depth] ? "]" : "}", 1);
    j->depth--;
}

void fl_json_str(struct fl_json *j, const char *key, struct fl_span value)
{
    begin(j, key);
    put_string(j->out, value);
}

void fl_json_text(struct fl_json *j, const char *key, const char *value)
{
    if (value == NULL)
        fl_json_null(j, key);
    else
        fl_json_str(j, key, fl_span_str(value));
}

void fl_json_u64(struct fl_json *j, const char *key, uint64_t value)
{
    char digits[20];
    size_t n = sizeof digits;

    begin(j, key);
    do
        digits[--n] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    fl_buf_put(j->out, digits + n, sizeof digits - n);
}

void fl_json_i64(struct fl_json *j, const char *key, int64_t value)
{
    if (value >= 0) {
        fl_json_u64(j, key, (uint64_t)value);
        return;
    }
    begin(j, key);
    fl_buf_put(j->out, "-", 1);
    j->keyed = true; /* the digits follow without a comma */
    fl_json_u64(j, NULL, (uint64_t)0 - (uint64_t)value);
}

void fl_json_f64(struct fl_json *j, const char *key, double value)
{
    char text[32];

    if (!isfinite(value)) {
        fl_json_null(j, key);
        return;
    }
    begin(j, key);
    for (int digits = 15; digits <= 17; digits++) { /* the shortest that reads back the same */
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    fl_buf_put_str(j->out, text);
}

void fl_json_bool(struct fl_json *j, const char *key, bool value)
{
    begin(j, key);
    fl_buf_put_str(j->out, value ? "true" : "false");
}

void fl_json_null(struct fl_json *j, const char *key)
{
    begin(j, key);
    fl_buf_put_str(j->out, "null");
}

void fl_json_time(struct fl_json *j, const char *key, int64_t us)
{
    char text[FL_TIME_TEXT_BYTES];

    fl_time_format(us, text);
    fl_json_text(j, key, text);
}

void fl_json_ip(struct fl_json *j, const char *key, const unsigned char ip[16])
{
    char text[FL_IP_TEXT_BYTES];

    fl_json_str(j, key, fl_span_of(text, fl_ip_format(ip, text)));
}

void fl_json_key_span(struct fl_json *j, struct fl_span key)
{
    begin(j, NULL);
    put_string(j->out, key);
    fl_buf_put(j->out, ":", 1);
    j->keyed = true;
}
