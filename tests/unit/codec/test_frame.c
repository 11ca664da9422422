/* Every case is run with the stream cut at every step of 1..32 bytes: where records cut must not
 * matter. */
#include <stdlib.h>
#include <string.h>

#include "codec/frame.h"
#include "tap.h"

enum { OUT_BYTES = 4096 };

/* Write each message to out behind '*' (repaired) or '%' (truncated), with '|' after it. */
static void drain(struct fl_frame *dec, char *out)
{
    struct fl_frame_msg msg;

    out += strlen(out);
    while (fl_frame_next(dec, &msg) > 0) {
        if (msg.repaired)
            *out++ = '*';
        if (msg.truncated)
            *out++ = '%';
        memcpy(out, msg.bytes.ptr, msg.bytes.len);
        out += msg.bytes.len;
        *out++ = '|';
        *out = '\0';
    }
}

static bool lending; /* the decoder uses the bytes where they lie */

/* Lent in a buffer of its own, which is spoilt when the decoder has kept what it needs. */
static size_t lend(struct fl_frame *dec, const char *in, size_t n, size_t max_bytes, char *out)
{
    size_t front = max_bytes + FL_FRAME_LEND_MORE;
    unsigned char *bytes = malloc(front + n);

    if (bytes == NULL)
        abort();
    memcpy(bytes + front, in, n);
    fl_frame_lend(dec, bytes + front, n);
    drain(dec, out);
    if (fl_frame_keep(dec, NULL) < 0)
        abort();
    memset(bytes, '!', front + n);
    free(bytes);
    return n;
}

static uint64_t decode(const char *in, size_t max_bytes, size_t step, char out[OUT_BYTES])
{
    FL_AUTO(fl_frame_freep) struct fl_frame *dec = NULL;
    size_t n = strlen(in);

    out[0] = '\0';
    if (fl_frame_new(max_bytes, &dec, NULL) < 0)
        abort();
    while (n > 0) {
        size_t part = n < step ? n : step;
        size_t took = lending ? lend(dec, in, part, max_bytes, out) : fl_frame_feed(dec, in, part);

        drain(dec, out);
        in += took;
        n -= took;
    }
    fl_frame_finish(dec);
    drain(dec, out);
    return fl_frame_stats(dec)->dropped_bytes;
}

#define H5 "<14>1 2020-05-07T16:27:40.111Z h RT_FLOW - "
#define M1 H5 "APPTRACK_SESSION_CLOSE [junos@2636.1 reason=\"HA\"]"      /* 92 bytes */
#define M2 H5 "RT_FLOW_SESSION_CREATE [junos@2636.1 service-name=\"a\"]" /* 97 bytes */
#define M3                                                                                         \
    "<28>1 2020-05-07T16:27:40Z h mib2d 8 SNMP_TRAP_LINK_UP [junos@2636.1 a=\"up(1)\"] name "      \
    "st0.41"
#define MQ                                                                                         \
    H5 "WEBFILTER_URL_BLOCKED [junos@2636.1 url=\"a\n<14>1 2020-01-01 ]<1>1 - x\"]" /* 114         \
                                                                                     */
#define MN H5 "X - two\nlines <14>1 2020-01-01T"                                    /* 74 bytes */
#define MB                                                                                         \
    "<14>Dec 17 14:46:29 host RT_FLOW: APPTRACK_SESSION_CLOSE [junos@2636.1 reason=\"TCP RST\""

_Static_assert(sizeof M1 == 93 && sizeof M2 == 98 && sizeof MQ == 115 && sizeof MN == 75,
               "the counts in the cases are those of the messages");

static const struct {
    const char *name, *in, *out;
} cases[] = {
    {"nothing", "", ""},
    {"newlines only", "\n\r\n\n", ""},
    {"newline framing", "<34>a\n<34>b\r\nno PRI\n", "<34>a|<34>b|no PRI|"},
    {"the last line has no newline", "<34>a\n<34>b", "<34>a|<34>b|"},
    {"a lone CR is text", "a\rb\n\r\rc\n", "a\rb|\r\rc|"},
    {"octet counting", "92 " M1 "97 " M2, M1 "|" M2 "|"},
    {"octet counting with newlines between", "92 " M1 "\n97 " M2 "\n", M1 "|" M2 "|"},
    {"the count includes a newline", "93 " M1 "\n97 " M2 "\n", M1 "|" M2 "|"},
    {"counted message with a newline and starts in a value", "114 " MQ "92 " M1, MQ "|" M1 "|"},
    {"counted text with a newline and a start", "74 " MN "92 " M1, MN "|" M1 "|"},
    {"counted without structured data", "5 <34>a5 <34>b", "<34>a|<34>b|"},
    {"counted CEF without PRI", "11 CEF:0|a|b|c5 <34>b", "CEF:0|a|b|c|<34>b|"},
    {"counted, and brackets never close", "87 " MB "92 " M1, MB "|" M1 "|"},
    {"first newlines, then counts", "<34>a\n5 <34>b5 <34>c", "<34>a|<34>b|<34>c|"},
    {"first counts, then newlines", "5 <34>a<34>b\n<34>c\n", "<34>a|*<34>b|<34>c|"},
    {"back to back", M1 M2 "\n", "*" M1 "|" M2 "|"},
    {"back to back behind free text", M3 M3, "*" M3 "|" M3 "|"},
    {"only the first has no count", M1 "97 " M2, "*" M1 "|" M2 "|"},
    {"free text runs into a count", "92 " M1 M3 "97 " M2 "92 " M1,
     M1 "|*" M3 "97 |*" M2 "|" M1 "|"},
    {"count missing in the middle", "92 " M1 M2 "92 " M1, M1 "|*" M2 "|" M1 "|"},
    {"count too large", "99 " M1 "97 " M2 "92 " M1, "*" M1 "|" M2 "|" M1 "|"},
    {"count too large by a part of the next", "94 " M1 "97 " M2 "92 " M1, "*" M1 "|" M2 "|" M1 "|"},
    {"count too large by the whole next count", "95 " M1 "97 " M2 "92 " M1,
     "*" M1 "|" M2 "|" M1 "|"},
    {"count far too large", "9999 " M1 "97 " M2 "\n", "*" M1 "|" M2 "|"},
    {"count beyond all numbers", "99999999999999999999 " M1 "97 " M2 "92 " M1,
     "*" M1 "|" M2 "|" M1 "|"},
    {"more digits than a count has", "999999999999999999999 " M1 "\n97 " M2,
     "999999999999999999999 " M1 "|" M2 "|"},
    {"count too small, inside the header", "10 " M1 "97 " M2, "*" M1 "|" M2 "|"},
    {"count too small, inside a value", "89 " M1 "97 " M2, "*" M1 "|" M2 "|"},
    {"count too small by one", "91 " M1 "97 " M2, "*" M1 "|" M2 "|"},
    {"count too small, newline behind", "81 " M1 "\n97 " M2, "*" M1 "|" M2 "|"},
    {"count is nought", "0 " M1 "97 " M2, "*" M1 "|" M2 "|"},
    {"split count, first half lost", "1 " M1 "97 " M2, "*" M1 "|" M2 "|"},
    {"split count, a newline in between", "92 " M1 "9\n7 " M2 "92 " M1, M1 "|*" M2 "|" M1 "|"},
    {"split count, both halves lost", "92 " M1 "97\n " M2 "92 " M1, M1 "|*" M2 "|" M1 "|"},
    {"a blank is left of the count", "92 " M1 " " M2 "92 " M1, M1 "|*" M2 "|" M1 "|"},
    {"a blank is missing behind the count", "92 " M1 "97" M2 "92 " M1, M1 "|*" M2 "|" M1 "|"},
    {"a count at the end", "92 " M1 "10", M1 "|"},
    {"a line of digits is a message without counts", "<34>a\n10\n<34>b\n", "<34>a|10|<34>b|"},
    {"text before the first", "ABCD " M1 "\n", "ABCD " M1 "|"},
    {"the tail of a message first", "5.h RT_FLOW - X [junos@2636.1 reason=\"HA\"]\n92 " M1,
     "5.h RT_FLOW - X [junos@2636.1 reason=\"HA\"]|" M1 "|"},
    {"the tail of a message first, no newline", "5.h RT_FLOW - X [junos@2636.1 a=\"HA\"]92 " M1,
     "*5.h RT_FLOW - X [junos@2636.1 a=\"HA\"]|" M1 "|"},
    {"a start in a quoted value does not forge", H5 "X [a@1 url=\"<14>1 2020-01-01T0\"]\n",
     H5 "X [a@1 url=\"<14>1 2020-01-01T0\"]|"},
    {"a quote in text hides nothing", "<14>Dec 17 14:46:29 h a: 5\" disk<14>Dec 17 14:46:29 h b\n",
     "*<14>Dec 17 14:46:29 h a: 5\" disk|<14>Dec 17 14:46:29 h b|"},
    {"a relay's header stays on", "<13>Dec 17 14:46:29 relay " M1 "\n",
     "<13>Dec 17 14:46:29 relay " M1 "|"},
    {"the stream ends inside a counted message", "92 " H5 "X [a@1 b=\"c\"",
     "*" H5 "X [a@1 b=\"c\"|"},
};

static void check_cases(void)
{
    char out[OUT_BYTES];

    for (size_t i = 0; i < FL_LEN(cases); i++) {
        size_t bad = 0;

        for (size_t step = 1; step <= 33 && bad == 0; step++) {
            (void)decode(cases[i].in, 300, step == 33 ? SIZE_MAX : step, out);
            if (strcmp(out, cases[i].out) != 0) {
                bad = step;
                printf("# step %zu\n# got  %s\n# want %s\n", step, out, cases[i].out);
            }
        }
        CHECK(bad == 0, cases[i].name);
    }
}

static const struct {
    const char *name, *in, *out;
    uint64_t dropped;
} limits[] = {
    {"a line of the limit", "<1>45678\n<1>b\n", "<1>45678|<1>b|", 0},
    {"a line over the limit", "<1>456789\n<1>b\n", "%<1>45678|<1>b|", 1},
    {"a line far over the limit",
     "<1>456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123"
     "4567890123456789012345678901234567890123456789012345678901234567890123456789012345678\n<1>"
     "b\n",
     "%<1>45678|<1>b|", 170},
    {"a counted message of the limit", "8 <1>456785 <1>78", "<1>45678|<1>78|", 0},
    {"a counted message over the limit", "12 <1>4567890125 <1>78", "%<1>45678|<1>78|", 4},
    {"a counted message over the limit, with newlines", "12 <1>4567\n90125 <1>78",
     "%<1>4567\n|<1>78|", 4},
    {"back to back, and over the limit", "<1>456789<1>1 - b\n", "%<1>45678|*<1>1 - b|", 1},
    {"the stream ends over the limit", "<1>4567890123", "%<1>45678|", 5},
};

static void check_limits(void)
{
    char out[OUT_BYTES];

    for (size_t i = 0; i < FL_LEN(limits); i++) {
        size_t bad = 0;

        for (size_t step = 1; step <= 33 && bad == 0; step++) {
            uint64_t dropped = decode(limits[i].in, 8, step == 33 ? SIZE_MAX : step, out);

            if (strcmp(out, limits[i].out) != 0 || dropped != limits[i].dropped) {
                bad = step;
                printf("# step %zu dropped %llu\n# got  %s\n# want %s\n", step,
                       (unsigned long long)dropped, out, limits[i].out);
            }
        }
        CHECK(bad == 0, limits[i].name);
    }
}

/* 1 MiB in one line, with and without a count, between good messages; fed in 64 KiB. */
static void check_mebibyte(const char *front, const char *back, uint64_t more, const char *name)
{
    enum { LINE = 1 << 20, MAX = 65536 };
    FL_AUTO(fl_frame_freep) struct fl_frame *dec = NULL;
    size_t front_len = strlen(front), back_len = strlen(back), n = front_len + LINE + back_len;
    unsigned char *in = malloc(n), *at = in;
    struct fl_frame_msg msg;
    size_t messages = 0, long_bytes = 0;
    bool first = false, last = false;

    if (in == NULL || fl_frame_new(MAX, &dec, NULL) < 0)
        abort();
    memcpy(in, front, front_len);
    memset(in + front_len, 'x', LINE);
    memcpy(in + front_len, "<14>1 ", 6);
    memcpy(in + front_len + LINE, back, back_len);
    while (n > 0) {
        size_t took = fl_frame_feed(dec, at, n < MAX ? n : MAX);

        at += took;
        n -= took;
        if (n == 0)
            fl_frame_finish(dec);
        for (; fl_frame_next(dec, &msg) > 0; messages++) {
            first = first || (messages == 0 && fl_span_eq(msg.bytes, FL_SPAN(M1)));
            last = last || (messages == 2 && fl_span_eq(msg.bytes, FL_SPAN(M2)));
            if (msg.truncated)
                long_bytes = msg.bytes.len;
        }
    }
    CHECK(messages == 3 && first && last && long_bytes == MAX &&
              fl_frame_stats(dec)->truncated == 1 &&
              fl_frame_stats(dec)->dropped_bytes == LINE - MAX + more,
          name);
    free(in);
}

/* The case that depends on the cut: too small a count, in free text. */
static void check_cut_in_text(void)
{
    const char *in = "33 <14>Dec 17 14:46:29 host app: text that goes on\n5 <34>a";
    char out[OUT_BYTES];

    (void)decode(in, 300, SIZE_MAX, out);
    CHECK(strcmp(out, "*<14>Dec 17 14:46:29 host app: text that goes on|<34>a|") == 0,
          "a count too small in free text is seen by what follows");
    (void)decode(in, 300, 1, out);
    CHECK(strcmp(out, "<14>Dec 17 14:46:29 host app: tex|*t that goes on|<34>a|") == 0,
          "or, when nothing follows yet, believed, and nothing is lost");
}

/* The caller stops in the middle of what it lent: all of it is kept, and given later. */
static void check_pause(struct fl_frame *dec)
{
    static unsigned char front[100 + FL_FRAME_LEND_MORE + 60000];
    unsigned char *bytes = front + 100 + FL_FRAME_LEND_MORE;
    struct fl_frame_msg msg;
    size_t messages = 0;

    fl_frame_finish(dec); /* "<" waits */
    (void)!fl_frame_next(dec, &msg);
    for (size_t i = 0; i < 10000; i++)
        memcpy(bytes + i * 6, "<34>c\n", 6);
    fl_frame_lend(dec, bytes, 60000);
    for (; messages < 10; messages++)
        if (fl_frame_next(dec, &msg) != 1)
            break;
    CHECK(messages == 10 && fl_frame_keep(dec, NULL) == 0 && fl_frame_waiting(dec) == 59940 &&
              fl_frame_keep(dec, NULL) == 0,
          "a pause keeps more than a message");
    memset(front, '!', sizeof front);
    while (fl_frame_next(dec, &msg) == 1)
        messages += fl_span_eq(msg.bytes, FL_SPAN("<34>c"));
    CHECK(messages == 10000 && fl_frame_waiting(dec) == 0, "and nothing is lost");
    CHECK(fl_frame_feed(dec, "<34>d\n", 6) == 6 && fl_frame_next(dec, &msg) == 1 &&
              fl_span_eq(msg.bytes, FL_SPAN("<34>d")),
          "bytes can be copied in after that");
}

int main(void)
{
    struct fl_frame *dec = NULL;
    struct fl_frame_msg msg;
    struct fl_err err = {0};

    for (int i = 0; i < 2; i++) {
        lending = i == 1;
        check_cases();
        check_limits();
        check_cut_in_text();
    }
    check_mebibyte(M1 "\n", "\n" M2 "\n", 0, "a line of 1 MiB is cut and the next is whole");
    check_mebibyte("92 " M1 "1048576 ", "97 " M2, 0,
                   "1 MiB with a count is cut and the next is whole");
    check_mebibyte("92 " M1 "999999999 ", "]97 " M2, 1,
                   "1 MiB with a count far too large is cut and the next is whole");

    CHECK(fl_frame_new(0, &dec, &err) == FL_E_INVAL && dec == NULL &&
              strcmp(err.text, "frame limit of 0 bytes is not in 1..1048576") == 0,
          "limit 0 is refused");
    CHECK(fl_frame_new(FL_FRAME_MAX_BYTES + 1, &dec, NULL) == FL_E_INVAL, "err may be NULL");
    fl_frame_free(NULL);
    if (fl_frame_new(100, &dec, NULL) < 0)
        abort();
    CHECK(fl_frame_feed(dec, "<34>a", 5) == 5 && fl_frame_next(dec, &msg) == 0 &&
              fl_frame_waiting(dec) == 5,
          "a line without its newline waits");
    fl_frame_finish(dec);
    CHECK(fl_frame_next(dec, &msg) == 1 && msg.bytes.len == 5 && fl_frame_next(dec, &msg) == 0,
          "finishing an idle connection lets it out");
    CHECK(fl_frame_feed(dec, "<34>b\n<", 7) == 7 && fl_frame_next(dec, &msg) == 1 &&
              fl_frame_next(dec, &msg) == 0 && fl_frame_waiting(dec) == 1,
          "and the connection goes on");
    check_pause(dec);
    fl_frame_free(dec);
    return tap_done();
}
