/* Tables as text: RFC 4180, spreadsheets' ways, pieces of any size, limits. */
#include "codec/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

/* All rows as "line:cell|cell;" with a failure's text at the end. */
static void read_all(struct fl_span text, size_t piece, char *out, size_t size)
{
    struct fl_csv_row *row = malloc(sizeof *row);
    struct fl_csv FL_AUTO(fl_csv_done) csv;
    struct fl_err err = {0};
    size_t at = 0, len = 0;
    int r = 0;

    fl_csv_init(&csv);
    out[0] = '\0';
    while (row != NULL && r >= 0 && at <= text.len) {
        size_t n = piece == 0 || text.len - at < piece ? text.len - at : piece;

        if (fl_csv_feed(&csv, fl_span_of(text.ptr + at, n), at + n == text.len, &err) < 0)
            break;
        at += n;
        while ((r = fl_csv_next(&csv, row, &err)) == 1) {
            len += (size_t)snprintf(out + len, size - len, "%u:", row->line);
            for (unsigned i = 0; i < row->count && len < size; i++)
                len += (size_t)snprintf(
                    out + len, size - len, "%s%.*s", i > 0 ? "|" : "", (int)row->cell[i].len,
                    row->cell[i].len == 0 ? "" : (const char *)row->cell[i].ptr);
            len += (size_t)snprintf(out + len, size - len, ";");
        }
        if (at == text.len)
            break;
    }
    if (r < 0)
        (void)snprintf(out + len, size - len, "!%.60s", err.text);
    free(row);
}

static const struct {
    const char *name, *text, *rows;
} table[] = {
    {"plain", "a,b\n1,2\n", "1:a|b;2:1|2;"},
    {"CRLF, no end of the last line", "a,b\r\n1,2", "1:a|b;2:1|2;"},
    {"lone CR", "a,b\r1,2\r", "1:a|b;2:1|2;"},
    {"semicolons", "a;b\n1,5;2\n", "1:a|b;2:1,5|2;"},
    {"tabs", "a\tb\n1\t2\n", "1:a|b;2:1|2;"},
    {"bars", "a|b\n1|2\n", "1:a|b;2:1|2;"},
    {"a separator within quotes does not count", "\"a;b;c\",d\n1,2\n", "1:a;b;c|d;2:1|2;"},
    {"sep= of a spreadsheet", "sep=;\na;b,c\n", "2:a|b,c;"},
    {"byte order mark",
     "\xEF\xBB\xBF"
     "a,b\n",
     "1:a|b;"},
    {"quotes", "a,b\n\"x \"\"y\"\"\",\"1\n2\"\nz,w\n", "1:a|b;2:x \"y\"|1\n2;4:z|w;"},
    {"a quote within a cell", "a,b\n5\" pipe,2\n", "1:a|b;2:5\" pipe|2;"},
    {"empty cells, blank lines", "a,b,c\n\n,,\n\r\n1,,\n", "1:a|b|c;3:||;5:1||;"},
    {"Windows-1252",
     "name\nM\xFCnchen\n\x80"
     "5\n",
     "1:name;2:M\xC3\xBCnchen;3:\xE2\x82\xAC"
     "5;"},
    {"UTF-8", "name\nM\xC3\xBCnchen\n", "1:name;2:M\xC3\xBCnchen;"},
    {"an open quote", "a\n\"x\ny\n",
     "1:a;!line 2: a quote (\") is opened and never closed; close it"},
    {"text behind a quote", "a\n\"x\"y\n",
     "1:a;!line 2: text behind a closing quote; double quotes that bel"},
    {"UTF-16",
     "\xFF\xFE"
     "a",
     "!line 1: the file is UTF-16; save it as 'CSV UTF-8' and try "},
    {"nothing", "", ""},
};

static void rows(void)
{
    char got[512];
    bool same = true;

    for (size_t i = 0; i < FL_LEN(table); i++) {
        size_t len = strlen(table[i].text);

        read_all(fl_span_of(table[i].text, len), 0, got, sizeof got);
        CHECK(strncmp(got, table[i].rows, strlen(table[i].rows)) == 0 &&
                  (strchr(got, '!') != NULL || strcmp(got, table[i].rows) == 0),
              table[i].name);
        if (strstr(table[i].name, "UTF-16") != NULL || strstr(table[i].name, "sep=") != NULL ||
            len < 2)
            continue;
        for (size_t piece = strcspn(table[i].text, "\n\r") + 1; piece < len; piece++) {
            char again[512];

            read_all(fl_span_of(table[i].text, len), piece, again, sizeof again);
            same = same && strcmp(got, again) == 0;
        }
    }
    CHECK(same, "pieces of any size give the same rows");
}

static void limits(void)
{
    char *big = malloc(FL_CSV_ROW_MAX + 100), got[256];

    if (big == NULL)
        return;
    memset(big, 'x', FL_CSV_ROW_MAX + 100);
    memcpy(big, "a\n", 2);
    read_all(fl_span_of(big, FL_CSV_ROW_MAX + 100), 0, got, sizeof got);
    CHECK(strstr(got, "a row may have") != NULL, "a row is limited");
    big[2] = '"';
    read_all(fl_span_of(big, FL_CSV_ROW_MAX + 100), 1000, got, sizeof got);
    CHECK(strstr(got, "!line 2") != NULL, "also one that never ends");
    memset(big, ',', 300);
    read_all(fl_span_of(big, 300), 0, got, sizeof got);
    CHECK(strstr(got, "a row may have 256 cells") != NULL, "cells are limited");
    free(big);
}

static void writing(void)
{
    static const struct {
        const char *cell, *out;
        bool guard;
    } cells[] = {
        {"a", "a", false},           {"a,b", "\"a,b\"", false}, {"a\"b", "\"a\"\"b\"", false},
        {"a\nb", "\"a\nb\"", false}, {" a", "\" a\"", false},   {"=1+1", "'=1+1", true},
        {"=1+1", "=1+1", false},     {"-3.5", "-3.5", true},    {"-x", "'-x", true}};
    struct fl_buf FL_AUTO(fl_buf_done) buf;

    fl_buf_init(&buf, 1000);
    for (size_t i = 0; i < FL_LEN(cells); i++) {
        fl_buf_clear(&buf);
        fl_csv_put(&buf, fl_span_str(cells[i].cell), false, cells[i].guard);
        CHECK(fl_span_eq(fl_buf_span(&buf), fl_span_str(cells[i].out)), cells[i].out);
    }
}

int main(void)
{
    rows();
    limits();
    writing();
    return tap_done();
}
