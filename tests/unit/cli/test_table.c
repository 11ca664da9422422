#include <stdio.h>
#include <string.h>

#include "cli/table.h"
#include "tap.h"

static const struct fl_table_column columns[] = {
    {"name", false, 1, 0}, {"bytes", true, 0, 0}, {"note", false, 12, 2}, {"row", false, 0, 5}};

static char out[8192];

static const char *print(const struct fl_term *term, const char *const *cells, size_t count)
{
    FILE *to = fmemopen(out, sizeof out - 1, "w");
    struct fl_table *table = fl_table_new(term, columns, FL_LEN(columns));
    struct fl_err err;

    for (size_t i = 0; i < count; i++)
        fl_table_text(table, cells[i]);
    memset(out, 0, sizeof out);
    if (fl_table_print(table, to, false, &err) < 0)
        (void)snprintf(out, sizeof out, "%s", err.text);
    fl_table_free(table);
    (void)fclose(to);
    return out;
}

static bool clean_is(const struct fl_term *term, struct fl_span in, bool lines, const char *want)
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;

    fl_buf_init(&buf, 1000);
    fl_term_clean(term, in, lines, &buf);
    return fl_span_eq(fl_buf_span(&buf), fl_span_str(want));
}

static bool bar_is(const struct fl_term *term, double value, const char *want)
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;

    fl_buf_init(&buf, 1000);
    fl_term_bar(term, value, 8, 4, &buf);
    return fl_span_eq(fl_buf_span(&buf), fl_span_str(want));
}

static bool spark_is(const struct fl_term *term, double value, const char *want)
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;

    fl_buf_init(&buf, 1000);
    fl_term_spark(term, value, 8, &buf);
    return fl_span_eq(fl_buf_span(&buf), fl_span_str(want));
}

static void check_clean(const struct fl_term *u, const struct fl_term *ascii)
{
    static const unsigned char overlong[] = {0xC0, 0xAF}, longer[] = {0xE0, 0x80, 0xAF},
                               cut[] = {'a', 0xE2, 0x82};

    CHECK(clean_is(u, FL_SPAN("a\x1b[31mb"), false, "a\xef\xbf\xbd[31mb"), "escape sequences");
    CHECK(clean_is(u, FL_SPAN("a\nb\tc"), false,
                   "a\xef\xbf\xbd"
                   "b\xef\xbf\xbd"
                   "c") &&
              clean_is(u, FL_SPAN("a\nb\tc"), true, "a\nb\tc"),
          "newlines only where lines are wanted");
    CHECK(clean_is(u,
                   FL_SPAN("x\xc2\x9b"
                           "31m"),
                   false,
                   "x\xef\xbf\xbd"
                   "31m"),
          "C1 controls");
    CHECK(clean_is(u,
                   FL_SPAN("\xe2\x80\xae"
                           "abc"),
                   false,
                   "\xef\xbf\xbd"
                   "abc"),
          "direction marks");
    CHECK(clean_is(u, fl_span_of(overlong, 2), false, "\xef\xbf\xbd\xef\xbf\xbd") &&
              clean_is(u, fl_span_of(longer, 3), false, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") &&
              clean_is(u, fl_span_of(cut, 3), false, "a\xef\xbf\xbd\xef\xbf\xbd"),
          "broken UTF-8");
    CHECK(clean_is(u, FL_SPAN("M\xc3\xbcnchen"), false, "M\xc3\xbcnchen") &&
              clean_is(ascii, FL_SPAN("M\xc3\xbcnchen"), false, "M?nchen"),
          "letters stay where the terminal has them");
    CHECK(fl_term_width(FL_SPAN("M\xc3\xbcnchen")) == 7 &&
              fl_term_width(FL_SPAN("\xe6\x9d\xb1\xe4\xba\xac")) == 4 &&
              fl_term_width(FL_SPAN("e\xcc\x81")) == 1,
          "widths of wide and combining characters");
}

int main(void)
{
    static const char *const rows[] = {
        "youtube", "18.4 GB", "a longer note of words", "r1", "dns", "7 B", "", "r2"};
    struct fl_term u, ascii, narrow;
    unsigned width;

    fl_term_init(&u);
    u = (struct fl_term){.utf8 = true};
    ascii = (struct fl_term){.utf8 = false};
    narrow = (struct fl_term){.utf8 = true, .tty = true, .width = 40};
    CHECK(strcmp(print(&u, rows, 8), "name       bytes  note                    row\n"
                                     "youtube  18.4 GB  a longer note of words  r1\n"
                                     "dns          7 B                          r2\n") == 0,
          "aligned, nothing cut in a pipe");
    CHECK(strcmp(print(&narrow, rows, 8), "name       bytes  note             row\n"
                                          "youtube  18.4 GB  a longer note\xe2\x80\xa6  r1\n"
                                          "dns          7 B                   r2\n") == 0 ||
              strstr(out, "\xe2\x80\xa6") != NULL,
          "cut to the terminal's width");
    narrow.width = 30;
    CHECK(strstr(print(&narrow, rows, 8), "r1") == NULL &&
              strstr(out, "a longer no\xe2\x80\xa6") != NULL,
          "then columns are left out, the least important first");
    narrow.width = 20;
    CHECK(strstr(print(&narrow, rows, 8), "note") == NULL &&
              strstr(out, "youtube  18.4 GB") != NULL,
          "what matters stays");
    CHECK(strcmp(print(&u, rows, 0), "name  bytes  note  row\n") == 0, "no rows");
    u.colour = true;
    CHECK(strstr(print(&u, rows, 4), "\x1b[1mname\x1b[0m") != NULL, "heads are bold with colour");
    u.colour = false;
    check_clean(&u, &ascii);
    CHECK(bar_is(&u, 8, "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88") &&
              bar_is(&u, 1, "\xe2\x96\x8c") && bar_is(&u, 0, "") &&
              bar_is(&u, 0.0001, "\xe2\x96\x8f") &&
              bar_is(&u, 99, "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88") &&
              bar_is(&ascii, 4, "##"),
          "bars in eighths");
    CHECK(spark_is(&u, 8, "\xe2\x96\x88") && spark_is(&u, 0.01, "\xe2\x96\x81") &&
              spark_is(&u, 0, " ") && spark_is(&ascii, 8, "@"),
          "small charts");
    CHECK(fl_term_fit(FL_SPAN("\xe6\x9d\xb1\xe4\xba\xac"), 3, &width) == 3 && width == 2,
          "a wide character is not cut in two");
    return tap_done();
}
