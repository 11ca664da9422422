#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logs/erase_rule.h"
#include "tap.h"

static void check_words(void)
{
    static const struct {
        const char *text;
        bool has;
    } rows[] = {
        {"j.doe", true},          {"J.DOE", true},
        {"CORP\\j.doe", true},    {"j.doe@example.com", true},
        {"user=j.doe.", true},    {"'j.doe'", true},
        {"(j.doe)", true},        {"j.doe:x", true},
        {"?u%3Dj.doe&x", true},   {"/home/j.doe/x", true},
        {"j.doe2", false},        {"xj.doe", false},
        {"j.doe.smith", false},   {"a.j.doe", false},
        {"x-j.doe", false},       {"j.doe-pc", false},
        {"j_doe", false},         {"jxdoe", false},
        {"j.doe\xc3\xa9", false}, {"\xc3\xa9j.doe", false},
        {"xj.doe j.doe", true},   {"", false},
        {"j.do", false},          {"_j.doe", false},
        {"...j.doe...", true},    {"j.doej.doe", false},
    };
    unsigned wrong = 0;

    for (size_t i = 0; i < FL_LEN(rows); i++)
        if (fl_erase_has_word(fl_span_str(rows[i].text), FL_SPAN("j.doe")) != rows[i].has) {
            printf("# %s\n", rows[i].text);
            wrong++;
        }
    CHECK(wrong == 0, "whole words");
}

static void check_addresses(void)
{
    static const unsigned char v4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3};
    static const unsigned char v6[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
    static const struct {
        const char *text;
        const unsigned char *ip;
        bool has;
    } rows[] = {
        {"10.1.2.3", v4, true},
        {"from 10.1.2.3:443", v4, true},
        {"10.1.2.3.", v4, true},
        {"[10.1.2.3]", v4, true},
        {"10.1.2.3/24", v4, true},
        {"::ffff:10.1.2.3", v4, true},
        {"10.1.2.30", v4, false},
        {"110.1.2.3", v4, false},
        {"10.1.2.3.4", v4, false},
        {"9.10.1.2.3", v4, false},
        {"10.1.2", v4, false},
        {"2001:db8::7", v6, true},
        {"2001:0DB8:0:0:0:0:0:7", v6, true},
        {"[2001:db8::7]:443", v6, true},
        {"at 2001:db8::7, x", v6, true},
        {"2001:db8::7.", v6, true},
        {"2001:db8::70", v6, false},
        {"2001:db8::7:1", v6, false},
        {"12001:db8::7", v6, false},
        {"2001:db8::", v6, false},
        {"ab:cd", v6, false},
    };
    unsigned wrong = 0;

    for (size_t i = 0; i < FL_LEN(rows); i++)
        if (fl_erase_has_ip(fl_span_str(rows[i].text), rows[i].ip) != rows[i].has) {
            printf("# %s\n", rows[i].text);
            wrong++;
        }
    CHECK(wrong == 0, "addresses in texts");
}

static void check_bytes(void)
{
    static unsigned char ip[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 7};
    struct fl_erase_rule rule, back;
    struct fl_erase_match *match = NULL;
    struct fl_buf bytes;
    struct fl_err err;
    unsigned bad = 0;

    fl_buf_init(&bytes, 100000);
    rule = (struct fl_erase_rule){.tenant = 3,
                                  .slug = FL_SPAN("acme"),
                                  .from_us = -5,
                                  .to_us = INT64_MAX,
                                  .moment_us = 77,
                                  .user = FL_SPAN("j.doe"),
                                  .subject = FL_SPAN("p-1")};
    rule.where = FL_SPAN("app:x");
    rule.ip = fl_span_of(ip, 16);
    rule.note = FL_SPAN("[]");
    fl_erase_rule_encode(&rule, &bytes);
    CHECK(fl_erase_rule_decode(fl_buf_span(&bytes), &back, &err) == 0 && back.tenant == 3 &&
              fl_span_eq(back.user, rule.user) && fl_span_eq(back.ip, rule.ip) &&
              fl_span_eq(back.where, rule.where) && fl_span_eq(back.subject, rule.subject) &&
              fl_span_eq(back.note, rule.note) && fl_span_eq(back.slug, rule.slug) &&
              back.from_us == rule.from_us && back.to_us == rule.to_us &&
              back.moment_us == rule.moment_us,
          "a rule as bytes and back");
    for (size_t len = 0; len < bytes.len; len++)
        bad += fl_erase_rule_decode(fl_span_of(bytes.ptr, len), &back, &err) >= 0;
    CHECK(bad == 0, "cut short it is none");
    fl_buf_done(&bytes);
    rule = (struct fl_erase_rule){.tenant = 3, .to_us = INT64_MAX, .moment_us = INT64_MAX};
    CHECK(fl_erase_match_new(&rule, &match, &err) == FL_E_INVAL, "a rule needs a condition");
    rule.user = FL_SPAN("x");
    CHECK(fl_erase_match_new(&rule, &match, &err) == FL_E_INVAL, "of some length");
    rule.user = FL_SPAN("");
    rule.where = FL_SPAN("  ");
    CHECK(fl_erase_match_new(&rule, &match, &err) == FL_E_INVAL, "and one that is not empty");
    rule.where = FL_SPAN("nofield:x");
    CHECK(fl_erase_match_new(&rule, &match, &err) == FL_E_INVAL, "and of this language");
}

static bool finds(enum fl_field f, struct fl_span text)
{
    struct fl_erase_rule rule = {
        .from_us = INT64_MIN, .to_us = INT64_MAX, .moment_us = INT64_MAX, .user = FL_SPAN("j.doe")};
    struct fl_erase_match *match = NULL;
    struct fl_erase_found found = {0};
    struct fl_block *block = NULL;
    struct fl_event ev = {0};
    uint8_t hit[1];

    fl_event_time(&ev, FL_F_TIME, 1);
    fl_event_time(&ev, FL_F_RECEIVED, 1);
    fl_event_num(&ev, FL_F_SEQ, 1);
    fl_event_str(&ev, f, text);
    if (fl_block_new(&block, NULL) < 0 || fl_block_add(block, &ev, NULL) < 0 ||
        fl_erase_match_new(&rule, &match, NULL) < 0 ||
        fl_erase_match(match, block, hit, &found, NULL) < 0)
        abort();
    fl_erase_match_free(match);
    fl_block_free(block);
    return found.rows == 1 && found.by_field[f] == 1 && hit[0] == 1;
}

/* Bytes of the format that look like letters do not hide a name, nor make one. */
static void check_columns(void)
{
    char extra[130], shape[40];

    (void)snprintf(extra, sizeof extra, "\001ad%-100s", "j.doe");
    CHECK(extra[2] == 100 && finds(FL_F_EXTRA, fl_span_of(extra, 103)),
          "a value whose length is a letter");
    (void)snprintf(extra, sizeof extra, "\004xj.d\003oe2");
    CHECK(!finds(FL_F_EXTRA, fl_span_str(extra)), "not over two values");
    (void)snprintf(extra, sizeof extra, "d j.doe");
    CHECK(finds(FL_F_EXTRA, fl_span_str(extra)), "what is not as it should be is one text");
    (void)snprintf(shape, sizeof shape, "a %c%csj.doe b", 0x1e, FL_F_USER + 0x20);
    CHECK(finds(FL_F_SHAPE, fl_span_str(shape)), "a literal behind a placeholder");
    (void)snprintf(shape, sizeof shape, "a %c%ct1234j.doe", 0x1e, FL_F_TIME + 0x20);
    CHECK(finds(FL_F_SHAPE, fl_span_str(shape)), "and behind its operands");
    CHECK(finds(FL_F_MESSAGE, FL_SPAN("x J.DOE y")) && finds(FL_F_POLICY, FL_SPAN("J.doe")) &&
              !finds(FL_F_DEVICE, FL_SPAN("j.doe")) && !finds(FL_F_SITE, FL_SPAN("j.doe")),
          "every text of the line, and none of the inventory");
}

int main(void)
{
    check_words();
    check_addresses();
    check_bytes();
    check_columns();
    return tap_done();
}
