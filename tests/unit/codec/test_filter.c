#include <stdlib.h>
#include <string.h>

#include "codec/filter.h"
#include "codec/ip.h"
#include "tap.h"

static char note[600];

static const char *parsed(const char *text, struct fl_arena *arena, struct fl_filter **ret)
{
    static char printed[FL_FILTER_MAX_BYTES + 1];
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_err err = {0};

    fl_buf_init(&out, FL_FILTER_MAX_BYTES);
    *ret = NULL;
    if (fl_filter_parse(fl_span_str(text), arena, ret, &err) < 0) {
        (void)snprintf(printed, sizeof printed, "%s", err.text);
        return printed;
    }
    fl_filter_print(*ret, &out);
    (void)snprintf(printed, sizeof printed, "%.*s", FL_SPAN_ARG(fl_buf_span(&out)));
    return printed;
}

static const char *named(const char *what, const char *text)
{
    (void)snprintf(note, sizeof note, "%s: %.200s", what, text);
    return note;
}

/* What is written, and how it comes back. */
static const char *const normal[][2] = {
    {"", ""},
    {"  \t", ""},
    {"app:youtube site:berlin bytes>1M url~\"cdn\"",
     "app:youtube site:berlin bytes>=1000001 url~\"cdn\""},
    {"app:youtube or app:netflix", "app:youtube or app:netflix"},
    {"app:(youtube,netflix)", "app:youtube or app:netflix"},
    {"app:( youtube , \"net flix\" )", "app:youtube or app:\"net flix\""},
    {"site:a app:(b,c)", "site:a (app:b or app:c)"},
    {"-user:j.doe", "-user:j.doe"},
    {"not action:denied", "-action:denied"},
    {"NOT (action:denied OR app:x) AND site:y", "-(action:denied or app:x) site:y"},
    {"src:10.0.0.0/8", "src:10.0.0.0/8"},
    {"src:10.1.2.3/8", "src:10.0.0.0/8"},
    {"src:10.1.2.3", "src:10.1.2.3"},
    {"src:0.0.0.0/0", "src:0.0.0.0/0"},
    {"src:::ffff:10.1.2.3", "src:10.1.2.3"},
    {"src:::ffff:10.1.2.3/104", "src:10.0.0.0/8"},
    {"src:2001:db8::1/33", "src:2001:db8::/33"},
    {"src:::/0", "src:::/0"},
    {"src:::ffff:0:0/95", "src:::fffe:0:0/95"},
    {"src:(10.0.0.1,2001:DB8::1)", "src:10.0.0.1 or src:2001:db8::1"},
    {"source.ip:10.0.0.1", "src:10.0.0.1"},
    {"dport:443", "dport:443"},
    {"dport:1000..2000", "dport:1000..2000"},
    {"dport:7..7", "dport:7"},
    {"dport:0..5", "dport<=5"},
    {"dport:(80,443,1000..2000)", "dport:80 or dport:443 or dport:1000..2000"},
    {"dport>=443", "dport>=443"},
    {"dport>442", "dport>=443"},
    {"dport<443", "dport<=442"},
    {"dport<=0", "dport:0"},
    {"dport>=0", "dport>=0"},
    {"bytes>=18446744073709551615", "bytes:18446744073709551615"},
    {"bytes:1K", "bytes:1000"},
    {"bytes:1k", "bytes:1000"},
    {"bytes:1Ki", "bytes:1024"},
    {"bytes:1.5M", "bytes:1500000"},
    {"bytes:2G", "bytes:2000000000"},
    {"bytes:2GiB", "bytes:2147483648"},
    {"bytes:2MB", "bytes:2000000"},
    {"bytes:7B", "bytes:7"},
    {"bytes:1T", "bytes:1000000000000"},
    {"duration>5m", "duration>=301"},
    {"seconds:2h", "seconds:7200"},
    {"seconds:1.5h", "seconds:5400"},
    {"duration:1w", "duration:604800"},
    {"rtt>20ms", "rtt>=20001"},
    {"rtt:250us", "rtt:250"},
    {"loss>3%", "loss>=4"},
    {"proto:tcp", "proto:6"},
    {"proto:(udp,1)", "proto:17 or proto:1"},
    {"time>=2026-11-21T08:00:00Z", "time>=2026-11-21T08:00:00.000000Z"},
    {"time<2026-11-21T08:00:00+01:00", "time<=2026-11-21T06:59:59.999999Z"},
    {"time:2026-11-21", "time:2026-11-21T00:00:00.000000Z..2026-11-21T23:59:59.999999Z"},
    {"time:2026-11-20..2026-11-21",
     "time:2026-11-20T00:00:00.000000Z..2026-11-21T23:59:59.999999Z"},
    {"time>2026-11-21", "time>=2026-11-22T00:00:00.000000Z"},
    {"time<=2026-11-21", "time<=2026-11-21T23:59:59.999999Z"},
    {"time:2026-11-21T08:00:00.25Z", "time:2026-11-21T08:00:00.250000Z"},
    {"start:*", "start:*"},
    {"user:j.*", "user:j.*"},
    {"user:**j**.*", "user:*j*.*"},
    {"user:\"j doe\"*", "user:\"j doe\"*"},
    {"user:\"a*b\"", "user:\"a*b\""},
    {"user:\"a*b\"*", "user:\"a*b\"*"},
    {"user:a*\"\"*b", "user:a*b"},
    {"user:x\\y*z", "user:\"x\\\\y\"*z"},
    {"url~a*b", "url:*a*b*"},
    {"url~*a", "url:*a*"},
    {"url~*", "url:*"},
    {"user:DOM\\joe", "user:\"DOM\\\\joe\""},
    {"user:\"say \\\"hi\\\" \\\\ \\x\"", "user:\"say \\\"hi\\\" \\\\ \\\\x\""},
    {"flag:unparsed", "flag:unparsed"},
    {"flag:(far_end,copy)", "flag:(far_end,copy)"},
    {"flag:(copy,far_end,copy)", "flag:(far_end,copy)"},
    {"flag:*", "flag:*"},
    {"user:*", "user:*"},
    {"src:*", "src:*"},
    {"dport:*", "dport:*"},
    {"user:\"*\"", "user:\"*\""},
    {"free", "\"free\""},
    {"free words", "\"free\" \"words\""},
    {"\"free words\" -other", "\"free words\" -\"other\""},
    {"\"or\"", "\"or\""},
    {"a*b", "\"a*b\""},
    {"a b or c d", "\"a\" \"b\" or \"c\" \"d\""},
    {"(a or b) (c or d)", "(\"a\" or \"b\") (\"c\" or \"d\")"},
    {"a (b c)", "\"a\" (\"b\" \"c\")"},
    {"(a b) c", "\"a\" \"b\" \"c\""},
    {"a or (b or c)", "\"a\" or (\"b\" or \"c\")"},
    {"(a or b) or c", "\"a\" or \"b\" or \"c\""},
    {"not not a", "--\"a\""},
    {"--a", "--\"a\""},
    {"not(a)", "-\"a\""},
    {"((a))", "\"a\""},
    {"@timestamp>=2026-11-21 network.application:x", "time>=2026-11-21T00:00:00.000000Z app:x"},
    {"fairlead.routing_instance:x", "instance:x"},
    {"app:\xc3\xa9", "app:\"\xc3\xa9\""},
    {"app:-x", "app:-x"},
    {"url~a,b", "url~\"a,b\""},
    {"and_more:x", "column 1: no field \"and_more\"; fields are app, site, user, src, url, bytes, "
                   "...; text goes in quotes"},
};

static const char *const wrong[][2] = {
    {"ap:x", "column 1: no field \"ap\"; nearest: app, up; text goes in quotes"},
    {"site:x usr:y", "column 8: no field \"usr\"; nearest: user, src, dst; text goes in quotes"},
    {"https://a", "column 1: no field \"https\""},
    {"sourceip:1", "column 1: no field \"sourceip\"; nearest: src"},
    {"app:", "column 5: a value must follow"},
    {"app: x", "column 5: a value must follow, without a blank between"},
    {"app :x", "column 5: the name of a field must stand before"},
    {"app=x", "column 4: write field:value"},
    {"app!=x", "column 4: write field:value, or -field:value"},
    {"app:\"\"", "column 5: the value is empty; rows without a app are -app:*"},
    {"src:\"\"", "column 5: the value is empty"},
    {"app:\"x", "column 5: the quote is not closed"},
    {"app:(x", "column 5: the list is not closed"},
    {"app:(x,)", "column 8: a value is missing"},
    {"app:()", "column 6: a value is missing"},
    {"app:(x y)", "column 8: values of a list are set apart by commas"},
    {"app:(x)y", "column 8: a blank is missing"},
    {"app:x(y)", "column 6: a value with a parenthesis"},
    {"app>5", "column 5: app is text and has no order"},
    {"app>(5,6)", "column 5: a list goes with : or ~ only"},
    {"dport~44", "column 7: dport is no text"},
    {"dport:x", "column 7: \"x\" is no value for dport: write a whole number"},
    {"dport:-1", "column 7: \"-1\" is no value"},
    {"dport:4*", "column 7: \"4*\" is no value"},
    {"dport:1..", "column 7: \"1..\" is no value for dport: a range has a value at both ends"},
    {"dport:2..1", "column 7: \"2..1\" is no value for dport: the range runs backwards"},
    {"dport:>5", "column 7: one operator is enough"},
    {"bytes>18446744073709551615", "no number lies beyond it"},
    {"bytes<0", "no number lies beyond it"},
    {"bytes:18446744073709551616", "is no value for bytes"},
    {"bytes:20000000T", "is no value for bytes"},
    {"bytes:1.5", "is no value for bytes"},
    {"bytes:1.0000001M", "is no value for bytes"},
    {"bytes:1.", "is no value for bytes"},
    {"bytes:5m", "is no value for bytes"},
    {"dport:5KB", "is no value for dport"},
    {"duration>5ms", "write a whole number of seconds, or 90s, 5m"},
    {"rtt>5h", "write microseconds"},
    {"proto:http", "write a number, or tcp, udp"},
    {"time>yesterday", "write 2026-11-21 or 2026-11-21T08:00:00Z"},
    {"time:1969-12-31", "write 2026-11-21"},
    {"time:9999-12-31", "write 2026-11-21"},
    {"time:2026-02-30", "write 2026-11-21"},
    {"time:2026-11-22..2026-11-21", "the range runs backwards"},
    {"src:10.0.0", "write an address"},
    {"src:10.0.0.0/33", "write /0 to /32"},
    {"src:::1/129", "write /0 to /128"},
    {"src:10.0.0.0/", "write /0 to /32"},
    {"src:10.*", "write an address"},
    {"src~10", "src is an address: write src:10.1.0.0/16"},
    {"flag:none", "write flag:name with one of unparsed, raw_kept"},
    {"flag>1", "write flag:name"},
    {"(a", "column 1: the parenthesis is not closed"},
    {"a)", "column 2: there is no ( for this parenthesis"},
    {"()", "column 2: a condition must follow here"},
    {"a or", "column 5: a condition must follow"},
    {"or a", "column 1: and, or stand between two conditions"},
    {"a and and b", "column 7: and, or stand between"},
    {"-", "column 2: a condition must follow"},
    {"- a", "column 1: a condition must follow the - without a blank"},
    {"not", "column 4: a condition must follow"},
    {"\"\"", "column 1: the text is empty"},
    {"\"a\"b:c", "column 5: text with : ~ < > = or ! in it goes in quotes"},
    {"foo-bar:x", "column 8: text with :"},
    {"((((((((((((((((((a))))))))))))))))))", "column 18: nested more than 16 deep"},
    {"-----------------a", "column 18: nested more than 16 deep"},
};

static void check_tables(void)
{
    for (size_t i = 0; i < FL_LEN(normal); i++) {
        FL_AUTO(fl_arena_done) struct fl_arena arena;
        struct fl_filter *filter, *again;
        const char *text;
        char first[FL_FILTER_MAX_BYTES + 1];

        fl_arena_init(&arena, 1 << 20);
        text = parsed(normal[i][0], &arena, &filter);
        CHECK(strcmp(text, normal[i][1]) == 0, named("reads", normal[i][0]));
        if (strcmp(text, normal[i][1]) != 0)
            printf("# got %s\n", text);
        if (strncmp(text, "column", 6) == 0)
            continue;
        (void)snprintf(first, sizeof first, "%s", text);
        CHECK(strcmp(parsed(first, &arena, &again), first) == 0, named("again", first));
    }
    for (size_t i = 0; i < FL_LEN(wrong); i++) {
        FL_AUTO(fl_arena_done) struct fl_arena arena;
        struct fl_filter *filter;
        const char *text;

        fl_arena_init(&arena, 1 << 20);
        text = parsed(wrong[i][0], &arena, &filter);
        CHECK(strncmp(text, "column ", 7) == 0 && strstr(text, wrong[i][1]) != NULL,
              named("refuses", wrong[i][0]));
        if (strstr(text, wrong[i][1]) == NULL)
            printf("# got %s\n", text);
    }
}

static void check_limits(void)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena, tiny;
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_filter *filter = NULL;
    struct fl_err err = {0};

    fl_arena_init(&arena, 1 << 20);
    fl_arena_init(&tiny, 100);
    fl_buf_init(&text, 1 << 16);
    for (int i = 0; i < 64; i++)
        fl_buf_put_str(&text, "a ");
    CHECK(fl_filter_parse(fl_buf_span(&text), &arena, &filter, &err) == 0, "64 conditions");
    fl_buf_put_str(&text, "a");
    CHECK(fl_filter_parse(fl_buf_span(&text), &arena, &filter, &err) == FL_E_INVAL &&
              strcmp(err.text, "column 129: more than 64 conditions") == 0,
          "65 conditions are refused");
    fl_buf_clear(&text);
    fl_buf_put_str(&text, "app:");
    for (int i = 0; i < 4092; i++)
        fl_buf_put_u8(&text, 'x');
    CHECK(fl_filter_parse(fl_buf_span(&text), &arena, &filter, &err) == 0, "4096 bytes");
    fl_buf_put_u8(&text, 'x');
    CHECK(fl_filter_parse(fl_buf_span(&text), &arena, &filter, &err) == FL_E_INVAL &&
              strcmp(err.text, "column 4097: a filter has at most 4096 bytes") == 0,
          "4097 bytes are refused");
    fl_buf_clear(&text);
    fl_buf_put_str(&text, "app:");
    for (int i = 0; i < 3000; i++)
        fl_buf_put_u8(&text, '\\');
    CHECK(fl_filter_parse(fl_buf_span(&text), &arena, &filter, &err) == FL_E_INVAL &&
              strcmp(err.text, "column 1: the filter, written out, is over 4096 bytes") == 0,
          "the normalised text has the same limit");
    CHECK(fl_filter_parse(FL_SPAN("app:x or app:y"), &tiny, &filter, &err) == FL_E_NOMEM,
          "a full arena is an error");
    CHECK(fl_filter_parse(fl_span_of("app:\0x*\xff", 8), &arena, &filter, &err) == 0,
          "any byte is a byte");
}

static void sample(struct fl_event *ev)
{
    static unsigned char v4[16], v6[16];

    (void)fl_ip_parse(FL_SPAN("10.4.200.7"), v4);
    (void)fl_ip_parse(FL_SPAN("2001:db8::7"), v6);
    fl_event_clear(ev);
    fl_event_time(ev, FL_F_TIME, INT64_C(1795248271000001)); /* 2026-11-21T08:04:31.000001Z */
    fl_event_num(ev, FL_F_FLAGS, FL_ROW_WEAK | FL_ROW_FAR_END);
    fl_event_str(ev, FL_F_SITE, FL_SPAN("Berlin-Mitte"));
    fl_event_str(ev, FL_F_APP, FL_SPAN("YOUTUBE"));
    fl_event_str(ev, FL_F_USER, FL_SPAN("j.doe"));
    fl_event_str(ev, FL_F_SRC_IP, fl_span_of(v4, 16));
    fl_event_str(ev, FL_F_DST_IP, fl_span_of(v6, 16));
    fl_event_num(ev, FL_F_DST_PORT, 443);
    fl_event_num(ev, FL_F_BYTES, 1000000);
    fl_event_str(ev, FL_F_URL, FL_SPAN("https://Cdn-4711.example.com/a/very/long/path?with=Query"));
    fl_event_str(ev, FL_F_MESSAGE, FL_SPAN("link Down"));
    fl_event_str(ev, FL_F_ACTION, FL_SPAN(""));
}

static const struct {
    const char *text;
    bool match;
} matches[] = {
    {"", true},
    {"app:youtube", true},
    {"app:youtub", false},
    {"app:you*", true},
    {"app:*tube", true},
    {"app:*o*u*e", true},
    {"app:*x*", false},
    {"app:youtube*", true},
    {"app:you*tube*e", false},
    {"app~TUB", true},
    {"app~tubes", false},
    {"app:(netflix,youtube)", true},
    {"app:(netflix,vimeo)", false},
    {"-app:youtube", false},
    {"-app:netflix", true},
    {"site:berlin-mitte app:youtube", true},
    {"site:berlin app:youtube", false},
    {"site:berlin or app:youtube", true},
    {"site:x or -site:berlin*", false},
    {"src:10.0.0.0/8", true},
    {"src:10.4.200.0/21", true},
    {"src:10.4.192.0/21", false},
    {"src:10.4.200.6/31", true},
    {"src:10.4.200.8/31", false},
    {"src:::/0", true},
    {"src:0.0.0.0/0", true},
    {"dst:0.0.0.0/0", false},
    {"dst:2001:db8::/32", true},
    {"dst:2001:db8::7", true},
    {"srcnat:0.0.0.0/0", false},
    {"dport:443", true},
    {"dport:1..443", true},
    {"dport:444..65535", false},
    {"sport:0", false},
    {"sport<10", false},
    {"-sport:0", true},
    {"bytes>=1M", true},
    {"bytes>1M", false},
    {"time:2026-11-21", true},
    {"time>2026-11-21T08:04:31Z", true},
    {"time<=2026-11-21T08:04:31Z", false},
    {"time<2026-11-21", false},
    {"start<2026-11-21", false},
    {"flag:weak", true},
    {"flag:copy", false},
    {"flag:(copy,weak)", true},
    {"user:*", true},
    {"roles:*", false},
    {"action:*", false},
    {"-action:*", true},
    {"sport:*", false},
    {"cdn", true},
    {"DOWN", true},
    {"\"link down\"", true},
    {"berlin", false},
    {"url~4711", true},
    {"url~\"h=query\"", true},
    {"url~\"https://cdn-4711.example.com/a/very/long/path?with=query\"", true},
    {"url~\"https://cdn-4711.example.com/a/very/long/path?with=query2\"", false},
    {"url:*cdn*long*query", true},
    {"url:*cdn*long*quer", false},
};

static void check_match(void)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_event ev;

    fl_arena_init(&arena, 1 << 20);
    sample(&ev);
    for (size_t i = 0; i < FL_LEN(matches); i++) {
        struct fl_filter *filter, *again;
        char first[FL_FILTER_MAX_BYTES + 1];

        (void)snprintf(first, sizeof first, "%s", parsed(matches[i].text, &arena, &filter));
        CHECK(fl_filter_match(filter, &ev) == matches[i].match, named("matches", matches[i].text));
        (void)parsed(first, &arena, &again);
        CHECK(fl_filter_match(again, &ev) == matches[i].match, named("printed", first));
    }
}

static void check_fields(void)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_fieldset set = {{0, 0}};
    struct fl_filter *filter;
    int n = 0;

    fl_arena_init(&arena, 1 << 20);
    (void)parsed("app:x (site:y or -bytes>5) word", &arena, &filter);
    fl_filter_fields(filter, &set);
    for (int f = 0; f < FL_FIELD_COUNT; f++)
        n += fl_fieldset_has(&set, (enum fl_field)f);
    CHECK(n == 6 && fl_fieldset_has(&set, FL_F_APP) && fl_fieldset_has(&set, FL_F_SITE) &&
              fl_fieldset_has(&set, FL_F_BYTES) && fl_fieldset_has(&set, FL_F_URL) &&
              fl_fieldset_has(&set, FL_F_MESSAGE) && fl_fieldset_has(&set, FL_F_RAW),
          "the fields that a filter looks at");
}

/* Every place and length of a needle in texts around the vector width. */
static void check_contains(void)
{
    struct fl_filter leaf = {.op = FL_OP_CONTAINS, .field = FL_F_URL};
    unsigned char hay[70], needle[70];
    int bad = 0, missed = 0;

    for (size_t len = 1; len <= sizeof hay; len++) {
        for (size_t at = 0; at < len; at++) {
            for (size_t n = 1; at + n <= len; n += 1 + n / 4) {
                memset(hay, 'a', len);
                memset(hay + at, 'B', n);
                memset(needle, 'b', n);
                leaf.text = fl_span_of(needle, n);
                missed += !fl_filter_word(&leaf, fl_span_of(hay, len));
                hay[at + n / 2] = 'c';
                bad += fl_filter_word(&leaf, fl_span_of(hay, len));
            }
        }
    }
    CHECK(missed == 0, "a part is found wherever it stands");
    CHECK(bad == 0, "what is not there is not found");
}

int main(void)
{
    check_tables();
    check_limits();
    check_match();
    check_fields();
    check_contains();
    return tap_done();
}
