/* What single values become. Whole lines of every format are in tests/golden/logs. */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/ip.h"
#include "codec/line.h"
#include "tap.h"

#define RECEIVED_US INT64_C(1795305600000000) /* 2026-11-22T00:00:00Z */

static struct fl_arena arena;
static struct fl_event ev = {.arena = &arena};

static const char *parse(struct fl_span line)
{
    const char *why;

    fl_arena_clear(&arena);
    fl_line_parse(line, RECEIVED_US, &ev, &why);
    return why;
}

static bool rebuilds_to(struct fl_span line)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;

    fl_buf_init(&out, 2 * FL_LINE_MAX_BYTES);
    return fl_line_rebuild(&ev, &out, NULL) == 0 && fl_span_eq(fl_buf_span(&out), line);
}

/* A field as text; "" when absent. */
static const char *text_of(enum fl_field f)
{
    static char text[256];
    struct fl_span s = fl_event_get_str(&ev, f);

    text[0] = '\0';
    if (!fl_event_has(&ev, f))
        return text;
    if (fl_fields[f].type == FL_T_IP)
        (void)fl_ip_format(s.ptr, text);
    else if (fl_fields[f].type == FL_T_STR)
        (void)snprintf(text, sizeof text, "%.*s", FL_SPAN_ARG(s));
    else if (fl_fields[f].type == FL_T_TIME)
        fl_time_format((int64_t)ev.v[f].num, text);
    else
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)ev.v[f].num);
    return text;
}

#define J(tag, params)                                                                             \
    "<14>1 2026-11-21T20:04:31Z br-1 RT_FLOW - " tag " [junos@2636.1.1.1.2.129 " params "]"
#define CLOSE(params) J("RT_FLOW_SESSION_CLOSE", params)

static const struct {
    const char *line;
    enum fl_field field;
    const char *value; /* "": absent */
} fields[] = {
    /* absent values */
    {CLOSE("reason=\"N/A\""), FL_F_REASON, ""},
    {CLOSE("reason=\"None\""), FL_F_REASON, ""},
    {CLOSE("reason=\"UNKNOWN\""), FL_F_REASON, ""},
    {CLOSE("reason=\"NA NA\""), FL_F_REASON, ""},
    {CLOSE("reason=\"-1\""), FL_F_REASON, ""},
    {CLOSE("reason=\"\""), FL_F_REASON, ""},
    {CLOSE("reason=\"N/A \""), FL_F_REASON, ""},
    {CLOSE("reason=\"HA N/A\""), FL_F_REASON, "HA N/A"},
    {CLOSE("reason=\"idle \""), FL_F_REASON, "idle"},
    {CLOSE("roles=\"unknown-user\""), FL_F_ROLES, ""},
    {CLOSE("rtt=\"4294967295\""), FL_F_RTT_US, ""},
    {CLOSE("rtt=\"4294967294\""), FL_F_RTT_US, "4294967294"},
    {CLOSE("rtt-jitter=\"4294967295\""), FL_F_JITTER_US, ""},
    {CLOSE("pkt-loss=\"255\""), FL_F_LOSS_PCT, ""},
    {CLOSE("pkt-loss=\"101\""), FL_F_LOSS_PCT, "101"},
    /* numbers */
    {CLOSE("session-id-32=\"7\""), FL_F_SESSION, "7"},
    {CLOSE("session-id=\"281474976710999\""), FL_F_SESSION, "281474976710999"},
    {CLOSE("source-port=\"65535\""), FL_F_SRC_PORT, "65535"},
    {CLOSE("source-port=\"65536\""), FL_F_SRC_PORT, ""},
    {CLOSE("source-port=\"0443\""), FL_F_SRC_PORT, "443"},
    {CLOSE("source-port=\"44x\""), FL_F_SRC_PORT, ""},
    {CLOSE("protocol-id=\"256\""), FL_F_PROTO, ""},
    {CLOSE("protocol-name=\"udp\""), FL_F_PROTO, "17"},
    {CLOSE("protocol-name=\"UDP\""), FL_F_PROTO, "17"},
    {CLOSE("protocol-name=\"Udp\""), FL_F_PROTO, "17"},
    {CLOSE("protocol-name=\"ipv6-icmp\""), FL_F_PROTO, "58"},
    {CLOSE("protocol-name=\"HTTP\""), FL_F_PROTO, ""},
    {CLOSE("bytes-from-client=\"18446744073709551615\""), FL_F_OUT_BYTES, "18446744073709551615"},
    /* addresses */
    {CLOSE("source-address=\"10.0.0.1\""), FL_F_SRC_IP, "10.0.0.1"},
    {CLOSE("source-address=\"::ffff:10.0.0.1\""), FL_F_SRC_IP, "10.0.0.1"},
    {CLOSE("source-address=\"2001:DB8::0\""), FL_F_SRC_IP, "2001:db8::"},
    {CLOSE("source-address=\"10.0.0.300\""), FL_F_SRC_IP, ""},
    /* what is derived */
    {CLOSE("service-name=\"s\" application=\"a\" nested-application=\"n\""), FL_F_APP, "n"},
    {CLOSE("service-name=\"s\" application=\"a\" nested-application=\"UNKNOWN\""), FL_F_APP, "a"},
    {CLOSE("service-name=\"s\" application=\"UNKNOWN\""), FL_F_APP, "s"},
    {CLOSE("service-name=\"None\" application=\"UNKNOWN\""), FL_F_APP, ""},
    {CLOSE("username=\"u\" source-address=\"10.0.0.1\""), FL_F_USER, "u"},
    {CLOSE("username=\"N/A\" source-address=\"10.0.0.1\""), FL_F_USER, "10.0.0.1"},
    {CLOSE("username=\"unknown-user\" source-address=\"2001:db8:0::1\""), FL_F_USER, "2001:db8::1"},
    {CLOSE("username=\"N/A\""), FL_F_USER, ""},
    {CLOSE("elapsed-time=\"61\""), FL_F_START, "2026-11-21T20:03:30.000000Z"},
    {CLOSE("elapsed-time=\"99999999999\""), FL_F_START, ""},
    {CLOSE("reason=\"x\""), FL_F_START, ""},
    {J("RT_FLOW_SESSION_CREATE", "elapsed-time=\"61\""), FL_F_START, ""},
    {J("APPTRACK_SESSION_CLOSE_LS", "elapsed-time=\"61\""), FL_F_START,
     "2026-11-21T20:03:30.000000Z"},
    {J("APPTRACK_SESSION_CLOSE", "rule-name=\"a_s_gold\""), FL_F_SLA_RULE, "gold"},
    {J("APPTRACK_SESSION_CLOSE", "rule-name=\"a_s_gold_2\""), FL_F_SLA_RULE, "gold_2"},
    {J("APPTRACK_SESSION_CLOSE", "rule-name=\"a_gold\""), FL_F_SLA_RULE, "gold"},
    {J("APPTRACK_SESSION_CLOSE", "rule-name=\"gold\""), FL_F_SLA_RULE, ""},
    {J("APPTRACK_SESSION_CLOSE", "rule-name=\"gold_\""), FL_F_SLA_RULE, ""},
    {J("IDP_ATTACK_LOG_EVENT", "rule-name=\"a_s_gold\""), FL_F_SLA_RULE, ""},
    {J("APPQOE_BEST_PATH_SELECTED", "sla-rule=\"4294967295\" apbr-rule=\"a_s_b\""), FL_F_SLA_RULE,
     "b"},
    {J("APPQOE_BEST_PATH_SELECTED", "sla-rule=\"s\" apbr-rule=\"a_s_b\""), FL_F_SLA_RULE, "s"},
    {J("APPQOE_SLA_METRIC_VIOLATION", "violation-reason=\"1\""), FL_F_ACTION, "violated"},
    {J("APPQOE_SLA_METRIC_VIOLATION", "violation-reason=\"0\""), FL_F_ACTION, "recovered"},
    {J("RT_FLOW_SESSION_CREATE_LS", "a=\"b\""), FL_F_ACTION, "created"},
    {J("IDP_ATTACK_LOG_EVENT", "action=\"DROP\""), FL_F_ACTION, "dropped"},
    {J("IDP_ATTACK_LOG_EVENT", "action=\"DROP\""), FL_F_VERDICT, "DROP"},
    {J("NEW_MESSAGE_OF_A_LATER_RELEASE", "a=\"b\""), FL_F_ACTION, ""},
    /* one name, two meanings */
    {J("APPTRACK_SESSION_CLOSE", "category=\"Web\""), FL_F_CATEGORY, "Web"},
    {J("APPTRACK_SESSION_CLOSE", "category=\"Web\""), FL_F_URL_CATEGORY, ""},
    {J("WEBFILTER_URL_BLOCKED", "category=\"Web\""), FL_F_CATEGORY, ""},
    {J("WEBFILTER_URL_BLOCKED", "category=\"Web\""), FL_F_URL_CATEGORY, "Web"},
    {J("SECINTEL_ACTION_LOG", "category=\"Web\""), FL_F_CATEGORY, ""},
    {J("AV_VIRUS_DETECTED_MT", "name=\"V\""), FL_F_THREAT, "V"},
    {J("X_Y", "name=\"V\""), FL_F_THREAT, ""},
    /* the first of two wins */
    {CLOSE("reason=\"a\" reason=\"b\""), FL_F_REASON, "a"},
};

static void check_fields(void)
{
    for (size_t i = 0; i < FL_LEN(fields); i++) {
        struct fl_span line = fl_span_str(fields[i].line);
        const char *why = parse(line);

        CHECK(why[0] == '\0' && strcmp(text_of(fields[i].field), fields[i].value) == 0 &&
                  rebuilds_to(line) && !fl_event_has(&ev, FL_F_RAW),
              fields[i].line);
    }
}

static const struct {
    const char *line;
    uint64_t flags;
} flags[] = {
    {"<14>1 2026-11-21T20:04:31Z h a p m - x", 0},
    {"<14>1 2026-11-21T00:00:00Z h a p m - x", 0},
    {"<14>1 2026-11-20T23:59:59Z h a p m - x", FL_ROW_CLOCK_OFF},
    {"<14>1 2026-11-23T00:00:01Z h a p m - x", FL_ROW_CLOCK_OFF},
    {"<14>1 2017-11-21T20:04:31Z h a p m - x", FL_ROW_CLOCK_OFF},
    {"<14>1 2099-11-21T20:04:31Z h a p m - x", FL_ROW_CLOCK_OFF},
    {"<14>1 - h a p m - x", FL_ROW_NO_TIME},
    {"<14>1 2026-99-21T20:04:31Z h a p m - x", FL_ROW_NO_TIME},
    {"<14>Nov 21 20:04:31 h a: x", FL_ROW_YEAR_GUESSED},
    {"<14>Jul 21 20:04:31 h a: x", FL_ROW_YEAR_GUESSED | FL_ROW_CLOCK_OFF},
    {"no header", FL_ROW_UNPARSED | FL_ROW_NO_TIME},
    {"<999>1 2026-11-21T20:04:31Z h a p m - x", FL_ROW_UNPARSED | FL_ROW_NO_TIME},
};

static void check_flags(void)
{
    for (size_t i = 0; i < FL_LEN(flags); i++) {
        struct fl_span line = fl_span_str(flags[i].line);
        const char *why = parse(line);

        CHECK(fl_event_get_num(&ev, FL_F_FLAGS) == flags[i].flags && rebuilds_to(line) &&
                  (why[0] != '\0') == ((flags[i].flags & FL_ROW_UNPARSED) != 0),
              flags[i].line);
    }
    (void)parse(FL_SPAN("no header"));
    CHECK(fl_event_get_num(&ev, FL_F_TIME) == (uint64_t)RECEIVED_US &&
              fl_event_get_num(&ev, FL_F_RECEIVED) == (uint64_t)RECEIVED_US,
          "without a time the row has that of receipt");
}

static struct fl_span shape_of(const char *line)
{
    (void)parse(fl_span_str(line));
    return fl_event_get_str(&ev, FL_F_SHAPE);
}

/* Rows of one kind must share a shape, or the store keeps every line twice. */
static void check_shapes(void)
{
    static const char *const same[] = {
        "<14>1 2026-11-21T20:04:31.123Z br-1 RT_FLOW - T_X [junos@2636.1 source-port=\"1\" "
        "source-address=\"10.0.0.1\" url=\"a\" odd=\"1\" username=\"N/A\"] text",
        "<12>1 2027-01-01T00:00:00.000Z other RT_UTM - U_Y [junos@2636.1 source-port=\"65000\" "
        "source-address=\"2001:db8::1\" url=\"bcd\" odd=\"2222\" username=\"N/A\"] words",
    };
    static const char *const differ[] = {
        "<14>1 2026-11-21T20:04:31.123Z br-1 RT_FLOW - T_X [junos@2636.1 url=\"a\"]",
        "<14>1 2026-11-21T20:04:31.12Z br-1 RT_FLOW - T_X [junos@2636.1 url=\"a\"]",
        "<14>1 2026-11-21T20:04:31.123Z br-1 RT_FLOW - T_X [junos@2636.1 url=\"N/A\"]",
        "<14>1 2026-11-21T20:04:31.123Z br-1 RT_FLOW - T_X [junos@2636.1 url=\"a\\\"\"]",
    };
    unsigned char first[512];
    struct fl_span shape = shape_of(same[0]);
    size_t n = shape.len;
    bool distinct = true;

    if (n > sizeof first)
        abort();
    memcpy(first, shape.ptr, n);
    CHECK(fl_span_eq(shape_of(same[1]), fl_span_of(first, n)), "values are not part of the shape");
    for (size_t i = 1; i < FL_LEN(differ); i++) {
        shape = shape_of(differ[0]);
        n = shape.len;
        memcpy(first, shape.ptr, n);
        distinct = distinct && !fl_span_eq(shape_of(differ[i]), fl_span_of(first, n));
    }
    CHECK(distinct, "digits of the fraction, absent values and escapes are");
}

struct seen {
    char text[512];
};

static void collect(void *ctx, struct fl_span name, struct fl_span value)
{
    struct seen *s = ctx;
    size_t n = strlen(s->text);

    (void)snprintf(s->text + n, sizeof s->text - n, "%.*s=%.*s|", FL_SPAN_ARG(name),
                   FL_SPAN_ARG(value));
}

static const struct {
    const char *line, *extras;
} extras[] = {
    {CLOSE("a=\"1\" reason=\"x\" long-name=\"two words\" b=\"N/A\" source-port=\"01\""),
     "a=1|long-name=two words|"},
    {CLOSE("a=\"q\\\"\\]\\\\\" b=\"C:\\dir\""), "a=q\"]\\|b=C:\\dir|"},
    {CLOSE("a=\"x\\\"] y\" b=\"1\""), "a=x\"] y|b=1|"},
    {CLOSE("a=\"1\"b=\"2\"c=\"3\""), "a=1|b=2|c=3|"},
    {"<14>1 2026-11-21T20:04:31Z h a - T_X [junos@2636.1.2.3odd=\"1\" b=\"2\"]", "odd=1|b=2|"},
    {CLOSE("a=\xe2\x80\x9cx\xe2\x80\x9d b=\"y\""), "a=x|b=y|"},
    {CLOSE("source-port=\"99999\" source-address=\"x\""), "source-port=99999|source-address=x|"},
    {CLOSE("reason=\"a\" reason=\"b\""), "reason=b|"},
    {CLOSE("a=\"\x1e\" b=\"2\""), "a=\x1e|b=2|"},
    {"CEF:0|v|p|1|2|n|3|a=b c=d e f=g\\=h", "device-version=1|name=n|a=b|c=d e|f=g=h|"},
    {"date=2026-11-21 time=20:04:31 a=\"b \\\"c\\\"\" d=e", "a=b \"c\"|d=e|"},
};

static void check_extras(void)
{
    for (size_t i = 0; i < FL_LEN(extras); i++) {
        struct fl_span line = fl_span_str(extras[i].line);
        struct seen seen = {""};

        (void)parse(line);
        fl_line_extras(&ev, collect, &seen);
        CHECK(strcmp(seen.text, extras[i].extras) == 0 && rebuilds_to(line), extras[i].line);
    }
}

/* However little memory there is, the line comes back. */
static void check_memory(void)
{
    struct fl_span line = FL_SPAN(CLOSE("a=\"1\" source-address=\"10.0.0.1\" url=\"\\\"x\\\"\" "
                                        "nat-source-address=\"10.0.0.1\" username=\"N/A\""));
    bool whole = true, kept = false, shaped = false;

    for (size_t max = 0; max < 2048; max += 16) {
        struct fl_arena small;
        const char *why;

        fl_arena_init(&small, max);
        ev.arena = &small;
        fl_line_parse(line, RECEIVED_US, &ev, &why);
        whole = whole && rebuilds_to(line);
        kept = kept || (fl_event_get_num(&ev, FL_F_FLAGS) & FL_ROW_RAW_KEPT) != 0;
        shaped = shaped || fl_event_has(&ev, FL_F_SHAPE);
        fl_arena_done(&small);
    }
    ev.arena = &arena;
    CHECK(whole && kept && shaped, "short of memory the line is kept whole");
}

static void check_sizes(void)
{
    static unsigned char big[FL_LINE_MAX_BYTES + 1];
    struct fl_span front = FL_SPAN("<14>1 2026-11-21T20:04:31Z h a - T_X [junos@2636.1 a=\"");
    struct fl_span most = fl_span_of(big, FL_LINE_MAX_BYTES);

    memset(big, 'x', sizeof big);
    memcpy(big, front.ptr, front.len);
    CHECK(parse(most)[0] == '\0' && rebuilds_to(most), "the longest line, torn in a value");
    memset(big + front.len, 0x1e, sizeof big - front.len);
    CHECK(parse(most)[0] == '\0' && rebuilds_to(most), "the longest line, all escape bytes");
    for (size_t i = front.len; i + 6 < sizeof big; i += 6)
        memcpy(big + i, "\" b=\"1", 6);
    CHECK(parse(most)[0] == '\0' && rebuilds_to(most), "the longest line, ten thousand parameters");
    CHECK(parse(fl_span_of(big, sizeof big))[0] != '\0' && fl_event_has(&ev, FL_F_RAW) &&
              fl_event_get_str(&ev, FL_F_RAW).len == sizeof big,
          "a longer line is kept whole and not parsed");
    CHECK(parse(FL_SPAN(""))[0] != '\0' && rebuilds_to(FL_SPAN("")), "the empty line");
    CHECK(parse(FL_SPAN("<14>1 2026-11-21T20:04:31Z h a p m - \0\x1e\xff"))[0] == '\0' &&
              fl_event_get_str(&ev, FL_F_MESSAGE).len == 3,
          "any byte may stand in a message");
}

int main(void)
{
    fl_arena_init(&arena, (size_t)1 << 22);
    check_fields();
    check_flags();
    check_shapes();
    check_extras();
    check_memory();
    check_sizes();
    fl_arena_done(&arena);
    return tap_done();
}
