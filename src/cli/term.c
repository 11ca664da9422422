#include "cli/term.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define REPLACEMENT 0xFFFDu

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0';
}

/* Fresh machines have no locale set, and terminals that know UTF-8 all the same. */
static bool wants_utf8(void)
{
    bool none = !is_set("LC_ALL") && !is_set("LC_CTYPE") && !is_set("LANG");

    return setlocale(LC_CTYPE, "") == NULL || none || strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static unsigned width_of(bool tty)
{
    struct winsize size;
    uint64_t columns;

    if (fl_span_u64(fl_span_str(getenv("COLUMNS")), &columns) && columns >= 20 && columns <= 1000)
        return (unsigned)columns;
    if (!tty)
        return 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col;
    return 80;
}

void fl_term_init(struct fl_term *ret)
{
    const char *kind = getenv("TERM");

    ret->utf8 = wants_utf8();
    ret->tty = isatty(STDOUT_FILENO) == 1;
    ret->colour =
        ret->tty && !is_set("NO_COLOR") && kind != NULL && *kind && strcmp(kind, "dumb") != 0;
    ret->width = width_of(ret->tty);
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* for wcwidth(); built into glibc */
}

const char *fl_term_on(const struct fl_term *term, enum fl_ink ink)
{
    static const char *const codes[] = {"",         "\x1b[1m",  "\x1b[2m",
                                        "\x1b[32m", "\x1b[33m", "\x1b[31m"};

    return term->colour ? codes[ink] : "";
}

const char *fl_term_off(const struct fl_term *term, enum fl_ink ink)
{
    return term->colour && ink != FL_INK_PLAIN ? "\x1b[0m" : "";
}

const char *fl_term_dot(const struct fl_term *term)
{
    return term->utf8 ? " \xc2\xb7 " : " - ";
}

const char *fl_term_more(const struct fl_term *term)
{
    return term->utf8 ? "\xe2\x80\xa6" : "~";
}

/* Length of the sequence that the first byte of UTF-8 announces; 0 when it cannot be one. */
static size_t announced(unsigned char c)
{
    if (c < 0x80)
        return 1;
    if (c >= 0xC2 && c < 0xE0)
        return 2;
    if (c >= 0xE0 && c < 0xF0)
        return 3;
    return c >= 0xF0 && c < 0xF5 ? 4 : 0;
}

/* Decode one code point; returns its bytes, *ret = REPLACEMENT (and 1 byte) when broken. */
static size_t decode(const unsigned char *p, size_t left, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = announced(p[0]);
    uint32_t c;

    *ret = REPLACEMENT;
    if (len == 1) {
        *ret = p[0];
        return 1;
    }
    if (len == 0 || len > left)
        return 1;
    c = p[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 1;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    if (c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 1;
    *ret = c;
    return len;
}

/* Controls, direction marks, invisible joiners, tags, private use: what a terminal may act on. */
static bool is_hostile(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},        {0x61C, 0x61C},
        {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},    {0xE000, 0xF8FF},
        {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFC}, {0xE0000, 0x10FFFF},
    };

    for (size_t i = 0; i < FL_LEN(ranges); i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return false;
}

void fl_term_clean(const struct fl_term *term, struct fl_span text, bool lines, struct fl_buf *out)
{
    uint32_t c;

    for (size_t i = 0, n; i < text.len; i += n) {
        n = decode(text.ptr + i, text.len - i, &c);
        if (lines && (c == '\t' || c == '\n'))
            fl_buf_put_u8(out, (uint8_t)c);
        else if (c == REPLACEMENT || is_hostile(c) || (!term->utf8 && c >= 0x80))
            fl_buf_put_str(out, term->utf8 ? "\xef\xbf\xbd" : "?");
        else
            fl_buf_put(out, text.ptr + i, n);
    }
}

static unsigned columns_of(uint32_t c)
{
    int width = wcwidth((wchar_t)c);

    return width < 0 ? 1 : (unsigned)width;
}

size_t fl_term_fit(struct fl_span clean, unsigned width, unsigned *ret_width)
{
    unsigned used = 0;
    uint32_t c;
    size_t i, n;

    for (i = 0; i < clean.len; i += n) {
        n = decode(clean.ptr + i, clean.len - i, &c);
        if (used + columns_of(c) > width)
            break;
        used += columns_of(c);
    }
    *ret_width = used;
    return i;
}

unsigned fl_term_width(struct fl_span clean)
{
    unsigned width;

    (void)fl_term_fit(clean, UINT32_MAX / 2, &width);
    return width;
}

/* "▏" to "█" are U+258F down to U+2588; "▁" to "█" are U+2581 up to U+2588. */
static void put_block(struct fl_buf *out, unsigned last)
{
    fl_buf_put_u8(out, 0xE2);
    fl_buf_put_u8(out, 0x96);
    fl_buf_put_u8(out, (uint8_t)last);
}

static double ratio(double value, double max)
{
    if (!(max > 0) || !(value > 0))
        return 0;
    return value >= max ? 1 : value / max;
}

void fl_term_bar(const struct fl_term *term, double value, double max, unsigned width,
                 struct fl_buf *out)
{
    double part = ratio(value, max) * width;
    unsigned eighths = (unsigned)(part * 8 + 0.5);

    if (!term->utf8) {
        for (unsigned i = 0; i < (unsigned)(part + 0.5); i++)
            fl_buf_put_u8(out, '#');
        return;
    }
    if (eighths == 0 && value > 0)
        eighths = 1;
    for (; eighths >= 8; eighths -= 8)
        put_block(out, 0x88);
    if (eighths > 0)
        put_block(out, 0x90 - eighths);
}

void fl_term_spark(const struct fl_term *term, double value, double max, struct fl_buf *out)
{
    static const char ascii[] = " .:-=+*#@";
    unsigned level = (unsigned)(ratio(value, max) * 8 + 0.5);

    if (level == 0 && value > 0)
        level = 1;
    if (!term->utf8 || level == 0)
        fl_buf_put_u8(out, (uint8_t)ascii[level]);
    else
        put_block(out, 0x80 + level);
}
