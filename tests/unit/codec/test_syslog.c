#include <string.h>

#include "codec/syslog.h"
#include "tap.h"

#define N8   "abcdefgh"
#define N32  N8 N8 N8 N8
#define N128 N32 N32 N32 N32

static const struct {
    const char *message;
    bool strict;
} cases[] = {
    {"<0>1 - - - - - -", true},
    {"<191>999 2026-11-21T20:04:31.123456-23:59 h a p m [a@1 b=\"c\"][d] text", true},
    {"<34>1 2026-11-21T20:04:31Z h a p m [x y=\"\\\"\\\\\\]\\q\"]", true},
    {"<34>1 2026-11-21T20:04:31Z h a p m -", true},
    {"<34>1 2026-11-21T20:04:31Z h a p m - ", true},
    {"<34>1 - " N128 " " N32 " " N32 " " N32 " -", true},
    {"<34>1 - h " N32 N8 N8 " " N128 " " N32 " -", true},
    {"<34>1 - - - - - - \xef\xbb\xbftext \xe2\x82\xac", true},
    {"<34>1 - - - - - - any octets \xff", true},
    {"", false},
    {"<34>", false},
    {"<192>1 - - - - - -", false},
    {"<034>1 - - - - - -", false},
    {"<34>0 - - - - - -", false},
    {"<34>1000 - - - - - -", false},
    {"<34>1 - - - - -", false},
    {"<34>1  - - - - - -", false},
    {"<34>1 - - - -  - -", false},
    {"<34>1 2026-11-21T20:04:31 - - - - -", false},
    {"<34>1 2026-11-21T20:04:31z - - - - -", false},
    {"<34>1 2026-11-21 20:04:31Z - - - - -", false},
    {"<34>1 2026-11-21T20:04:31+5:00 - - - - -", false},
    {"<34>1 2026-11-21T20:04:60Z - - - - -", false},
    {"<34>1 2026-11-21T20:04:31.1234567Z - - - - -", false},
    {"<34>1 - " N128 N128 " - - - -", false},
    {"<34>1 - - " N32 N8 N8 "x - - -", false},
    {"<34>1 - - - " N128 "x - -", false},
    {"<34>1 - - - - " N32 "x -", false},
    {"<34>1 - h\xc3\xa4 - - - -", false},
    {"<34>1 - - - - - x", false},
    {"<34>1 - - - - - [a@1 b=\"c\"", false},
    {"<34>1 - - - - - [a@1 b=c]", false},
    {"<34>1 - - - - - [a@1 b=\"c]\"]", false},
    {"<34>1 - - - - - [a@1b=\"c\"]", false},
    {"<34>1 - - - - - [a@1  b=\"c\"]", false},
    {"<34>1 - - - - - [a@1 b=\"\xff\"]", false},
    {"<34>1 - - - - - [a][a]", false},
    {"<34>1 - - - - - [" N32 "x]", false},
    {"<34>1 - - - - - []", false},
    {"<34>1 - - - - - [a]x", false},
    {"<34>1 - - - - - - \xef\xbb\xbf\xff", false},
};

int main(void)
{
    for (size_t i = 0; i < FL_LEN(cases); i++)
        CHECK(fl_syslog_is_strict_5424(fl_span_str(cases[i].message)) == cases[i].strict,
              cases[i].message);
    return tap_done();
}
