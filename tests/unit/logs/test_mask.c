/* Personal data is hidden in every answer of every kind, and from every condition. */
#include <stdlib.h>

#include "base/time.h"
#include "codec/ip.h"
#include "codec/line.h"
#include "fake_parts.h"
#include "logs/mask.h"
#include "logs/query.h"
#include "tap.h"
#include "trust/keytable.h"

/* The person is `v.canary`, at 10.42.7.9 and 2001:db8:1:2:3:4:5:6; VCANARY- stands in a query. */
#define DATA "[junos@2636.1.1.1.2.129 source-address="
#define TAIL                                                                                       \
    " destination-address=\"203.0.113.84\" application=\"YOUTUBE\" policy-name=\"web\" "           \
    "elapsed-time=\"413\""
static const char *const lines[] = {
    "<14>1 2026-11-21T13:29:53.653Z edge RT_FLOW - APPTRACK_SESSION_CLOSE " DATA
    "\"10.42.7.9\" username=\"v.canary\"" TAIL
    " bytes-from-client=\"10\" bytes-from-server=\"20\"]",
    "<14>1 2026-11-21T13:29:54.653Z edge RT_FLOW - APPTRACK_SESSION_CLOSE " DATA
    "\"2001:db8:1:2:3:4:5:6\" username=\"CORP\\\\V.Canary\"" TAIL
    " x-login=\"v.canary\" odd=\"v.canary-2\" "
    "peer=\"10.42.7.9\" note=\"mail v.canary@corp.example\"] free text of v.canary from 10.42.7.9",
    "<14>1 2026-11-21T13:29:55.653Z edge RT_UTM - WEBFILTER_URL_PERMITTED " DATA
    "\"10.42.7.9\" url=\"http://u:p@www.example.com/a?who=VCANARY-&b=1\" obj=\"/p?who=VCANARY-\" "
    "username=\"v.canary\"" TAIL "]",
    "<14>1 2026-11-21T13:29:56.653Z edge sshd 4 - - Accepted password for v.canary from 10.42.7.9",
    "<14>Nov 21 13:29:57 edge login: v.canary came from 10.42.7.9",
    "no header at all, v.canary 10.42.7.9",
    "<14>1 2026-11-21T13:29:58.653Z edge RT_FLOW - APPTRACK_SESSION_CLOSE " DATA
    "\"10.42.7.9\" username=\"v.canary\\\"x\"" TAIL "]",
    "<14>1 2026-11-21T13:29:59.653Z edge RT_FLOW - APPTRACK_SESSION_CLOSE " DATA
    "\"10.42.7.9\"" TAIL "]",
};
static const char *const secret[] = {"v.canary", "V.Canary", "VCANARY", "10.42.7.9", ":2:3:4:5:6"};

static unsigned char key[FL_MASK_KEY_BYTES];

static void add_line(struct fl_store *store, const char *line, uint64_t seq)
{
    int64_t at = INT64_C(1763731800) * FL_US_PER_S + (int64_t)seq * FL_US_PER_S;
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_event ev = {.arena = &arena};
    const char *why = NULL;

    fl_arena_init(&arena, 1 << 20);
    fl_line_parse(fl_span_str(line), at, &ev, &why);
    fl_event_time(&ev, FL_F_RECEIVED, at);
    fl_event_num(&ev, FL_F_SEQ, seq);
    fl_event_str(&ev, FL_F_DEVICE, FL_SPAN("edge"));
    fl_event_str(&ev, FL_F_SITE, FL_SPAN("berlin"));
    fl_event_num(&ev, FL_F_SESSIONS, 1);
    fl_event_num(&ev, FL_F_BYTES, 30);
    fl_event_num(&ev, FL_F_BYTES_DOWN, 30);
    if (!fl_event_has(&ev, FL_F_USER) && fl_event_has(&ev, FL_F_SRC_IP))
        fl_event_str(&ev, FL_F_USER, FL_SPAN("10.42.7.9"));
    fake_add(store, &ev);
}

static int take(void *ctx, struct fl_span piece)
{
    fl_buf_put_span(ctx, piece);
    return 0;
}

static int enough(void *ctx)
{
    const struct fl_buf *out = ctx;

    return out->len > 0; /* ends a tail once it said something */
}

static struct fl_query question(enum fl_query_kind kind, const char *filter)
{
    int64_t day = INT64_C(1763683200) * FL_US_PER_S;

    return (struct fl_query){.tenant = 1,
                             .kind = kind,
                             .from_us = day - 400 * FL_US_PER_DAY,
                             .to_us = day + 800 * FL_US_PER_DAY,
                             .filter = fl_span_str(filter),
                             .names_key = key,
                             .masked = true,
                             .limit = 1000};
}

static int run(struct fl_store *store, const struct fl_query *q, struct fl_buf *out,
               struct fl_query_end *end, struct fl_err *err)
{
    const struct fl_query_sink sink = {take, q->kind == FL_Q_TAIL ? enough : NULL, out};
    int r = fl_query_run(store, q, &sink, end, err);

    fl_buf_put_u8(out, 0);
    return r;
}

static const char *leak(const struct fl_buf *out)
{
    for (size_t i = 0; i < FL_LEN(secret); i++)
        if (memmem(out->ptr, out->len, secret[i], strlen(secret[i])) != NULL)
            return secret[i];
    return NULL;
}

static uint64_t rows_of(struct fl_store *store, const char *filter, bool masked)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_query q = question(FL_Q_COUNT, filter);
    struct fl_query_end end;
    struct fl_err err = {0};

    fl_buf_init(&out, 1 << 20);
    q.masked = masked;
    if (run(store, &q, &out, &end, &err) < 0)
        return UINT64_MAX;
    return end.rows_matched;
}

/* Every kind, with every way to ask for columns, originals and formats. */
static void check_kinds(struct fl_store *store)
{
    static const struct {
        enum fl_query_kind kind;
        const char *by, *format, *cursor;
        bool original;
    } cases[] = {
        {FL_Q_LATEST, "", "", "", false},
        {FL_Q_LATEST, "", "", "", true},
        {FL_Q_LATEST, "user,src,url,message,raw,path,dst", "", "", false},
        {FL_Q_LATEST, "user,src", "", "", true},
        {FL_Q_CONTEXT, "", "", "2025-11-21.3", true},
        {FL_Q_EXPORT, "", "ndjson", "", true},
        {FL_Q_EXPORT, "", "csv", "", true},
        {FL_Q_EXPORT, "time,user,src,url,path,message,fairlead.extra,raw,roles,file", "csv", "",
         true},
        {FL_Q_EXPORT, "message,raw", "csv", "", false},
        {FL_Q_EXPORT, "user", "ndjson", "", false},
        {FL_Q_TAIL, "", "", "2025-11-20.1", true},
        {FL_Q_TAIL, "", "", "2025-11-20.1", false},
        {FL_Q_TOP, "user", "", "", false},
        {FL_Q_TOP, "src", "", "", false},
        {FL_Q_TOP, "app", "", "", false},
        {FL_Q_TOP, "hostname", "", "", false},
        {FL_Q_SERIES, "user", "", "", false},
        {FL_Q_SERIES, "src", "", "", false},
        {FL_Q_FACETS, "", "", "", false},
        {FL_Q_FACETS, "user,src,srcnat,dst,domain,hostname,host,program,tag", "", "", false},
    };

    for (size_t i = 0; i < FL_LEN(cases); i++) {
        FL_AUTO(fl_buf_done) struct fl_buf out;
        struct fl_query q = question(cases[i].kind, "");
        struct fl_query_end end;
        struct fl_err err = {0};
        const char *what;
        int r;

        fl_buf_init(&out, 1 << 20);
        q.by = fl_span_str(cases[i].by);
        q.format = fl_span_str(cases[i].format);
        q.cursor = fl_span_str(cases[i].cursor);
        q.original = cases[i].original;
        r = run(store, &q, &out, &end, &err);
        what = leak(&out);
        if (r < 0 || what != NULL || out.len < 20)
            printf("# case %zu: %d %s; leaks %s in %.*s\n", i, r, err.text, what ? what : "nothing",
                   (int)(out.len < 6000 ? out.len : 6000), out.ptr);
        CHECK(r == 0 && what == NULL && out.len >= 20, "nothing leaks from an answer");
        fl_buf_clear(&out);
        q.masked = false;
        r = run(store, &q, &out, &end, &err);
        if (cases[i].original)
            CHECK(r == 0 && leak(&out) != NULL, "with sight it is there");
    }
}

static void check_groups(struct fl_store *store)
{
    static const char *const hidden[] = {"message",        "raw",   "url", "path",
                                         "fairlead.extra", "roles", "file"};

    for (size_t i = 0; i < FL_LEN(hidden); i++) {
        for (int kind = FL_Q_TOP; kind <= FL_Q_FACETS; kind++) {
            FL_AUTO(fl_buf_done) struct fl_buf out;
            struct fl_query q = question((enum fl_query_kind)kind, "");
            struct fl_query_end end;
            struct fl_err err = {0};

            fl_buf_init(&out, 1 << 20);
            if (kind == FL_Q_LATEST)
                continue;
            q.by = fl_span_str(hidden[i]);
            CHECK(run(store, &q, &out, &end, &err) == FL_E_DENIED &&
                      strstr(err.text, "purpose") != NULL,
                  "hidden texts are no groups");
        }
    }
}

static void check_conditions(struct fl_store *store)
{
    static const char *const refused[] = {
        "user:v.canary",
        "user:v.*",
        "user~canary",
        "-user:v.canary",
        "src:10.42.7.9",
        "src:10.42.7.0/24",
        "message~canary",
        "raw~canary",
        "fairlead.extra~canary",
        "src:2001:db8:1:2::/64",
        "app:youtube (user:v.canary or bytes>1)",
        "file:x",
        "dst:10.42.7.9",
    };
    static const struct {
        const char *filter;
        uint64_t rows;
    } fine[] = {
        {"user:*", 5},
        {"src:10.42.0.0/16", 4},
        {"src:10.42.\xe2\x80\xa2.\xe2\x80\xa2", 4},
        {"src:2001:db8:1:\xe2\x80\xa2:\xe2\x80\xa2:\xe2\x80\xa2:\xe2\x80\xa2:\xe2\x80\xa2", 1},
        {"dst:203.0.113.84", 5},
        {"url~www.example", 1},
        {"url~VCANARY", 0},
        {"VCANARY", 0},
        {"www.example.com", 1},
        {"canary", 0},
        {"app:youtube", 5},
        {"src:10.43.\xe2\x80\xa2.\xe2\x80\xa2", 0},
    };

    for (size_t i = 0; i < FL_LEN(refused); i++) {
        FL_AUTO(fl_buf_done) struct fl_buf out;
        struct fl_query q = question(FL_Q_COUNT, refused[i]);
        struct fl_query_end end;
        struct fl_err err = {0};
        int r;

        fl_buf_init(&out, 1 << 20);
        r = run(store, &q, &out, &end, &err);
        if (r != FL_E_DENIED)
            printf("# %s: %d %s\n", refused[i], r, err.text);
        CHECK(r == FL_E_DENIED && strstr(err.text, "purpose") != NULL,
              "a condition on what is hidden");
    }
    for (size_t i = 0; i < FL_LEN(fine); i++) {
        uint64_t rows = rows_of(store, fine[i].filter, true);

        if (rows != fine[i].rows)
            printf("# %s: %llu rows\n", fine[i].filter, (unsigned long long)rows);
        CHECK(rows == fine[i].rows, "a condition on what is shown");
    }
}

static void check_pseudonyms(struct fl_store *store)
{
    struct fl_mask *mask, *other;
    struct fl_err err;
    unsigned char key2[FL_MASK_KEY_BYTES] = {1};
    char name[FL_MASK_NAME_BYTES], filter[64], last[FL_MASK_NAME_BYTES] = "";
    bool same = true;

    if (fl_mask_new(key, &mask, &err) < 0 || fl_mask_new(key2, &other, &err) < 0)
        abort();
    (void)snprintf(name, sizeof name, "%.*s", FL_SPAN_ARG(fl_mask_name(mask, FL_SPAN("v.canary"))));
    CHECK(strncmp(name, "user ", 5) == 0 && strlen(name) == 13, "a pseudonym's form");
    CHECK(!fl_span_eq(fl_mask_name(other, FL_SPAN("v.canary")), fl_span_str(name)),
          "another tenant's is another");
    (void)snprintf(filter, sizeof filter, "user:\"%s\"", name);
    CHECK(rows_of(store, filter, true) == 2, "a pseudonym finds its rows");
    CHECK(rows_of(store, filter, false) == 2, "with sight it does, too");
    (void)snprintf(filter, sizeof filter, "-user:\"%s\"", name);
    CHECK(rows_of(store, filter, true) == FL_LEN(lines) - 2, "and its opposite");
    CHECK(rows_of(store, "user:\"user 00000000\"", true) == 0, "nobody's finds none");
    for (int i = 0; i < 2; i++) /* beyond what is remembered it is the same */
        for (uint32_t n = 0; n < 101000; n += i == 0 ? 1 : 50500) {
            char text[16];

            (void)snprintf(text, sizeof text, "p%u", n);
            (void)fl_mask_name(mask, fl_span_str(text));
        }
    (void)snprintf(last, sizeof last, "%.*s", FL_SPAN_ARG(fl_mask_name(mask, FL_SPAN("p100999"))));
    same = fl_span_eq(fl_mask_name(mask, FL_SPAN("p100999")), fl_span_str(last)) &&
           fl_span_eq(fl_mask_name(mask, FL_SPAN("v.canary")), fl_span_str(name));
    CHECK(same, "many names");
    fl_mask_free(mask);
    fl_mask_free(other);
}

static void check_texts(void)
{
    static const unsigned char ip[16] = {0x20, 1, 0xd, 0xb8, [15] = 9};
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"from 10.1.2.3:443 to 8.8.8.8", "from 10.1.\xe2\x80\xa2.\xe2\x80\xa2:443 to 8.8.8.8"},
        {"172.16.9.1/24,192.168.1.1.",
         "172.16.\xe2\x80\xa2.\xe2\x80\xa2/24,192.168.\xe2\x80\xa2.\xe2\x80\xa2."},
        {"v10.1.2.3", "v10.1.2.3"},
        {"100.64.1.1 100.128.1.1", "100.64.\xe2\x80\xa2.\xe2\x80\xa2 100.128.1.1"},
        {"fe80::1 and 2001:db8::9",
         "fe80:0:0:\xe2\x80\xa2:\xe2\x80\xa2:\xe2\x80\xa2:\xe2\x80\xa2:\xe2\x80\xa2 and "
         "2001:db8:0:\xe2\x80\xa2:\xe2\x80\xa2:\xe2\x80\xa2:\xe2\x80\xa2:\xe2\x80\xa2"},
        {"2001:db8::8", "2001:db8::8"},
        {"JDOE jdoe2 x-jdoe", FL_MASK_HIDDEN " " FL_MASK_HIDDEN "2 x-" FL_MASK_HIDDEN},
        {"http://h/p?a=1&b=2 next", "http://h/p?" FL_MASK_HIDDEN " next"},
        {"why? because", "why? because"},
        {"to a.b@c.example", "to " FL_MASK_HIDDEN "@c.example"},
        {"http://me:pw@h/", "http://" FL_MASK_HIDDEN "@h/"},
        {"[junos@2636.1 x=\"1\"]", "[junos@2636.1 x=\"1\"]"},
        {"suser=Ann msg=hi", "suser=" FL_MASK_HIDDEN " msg=hi"},
        {"username=\"An \\\" n\" a=\"b\"", "username=\"" FL_MASK_HIDDEN "\" a=\"b\""},
        {"username=\"N/A\" x", "username=\"N/A\" x"},
        {"User 'ann' did", "User '" FL_MASK_HIDDEN "' did"},
        {"12:30:45 ok", "12:30:45 ok"},
        {"", ""},
    };
    struct fl_mask_row row = {FL_SPAN("jdoe"), {ip, NULL}};

    for (size_t i = 0; i < FL_LEN(cases); i++) {
        FL_AUTO(fl_buf_done) struct fl_buf out;

        fl_buf_init(&out, 4096);
        fl_mask_text(&row, fl_span_str(cases[i].in), &out);
        if (!fl_span_eq(fl_buf_span(&out), fl_span_str(cases[i].out)))
            printf("# %s -> %.*s\n", cases[i].in, (int)out.len, out.ptr);
        CHECK(fl_span_eq(fl_buf_span(&out), fl_span_str(cases[i].out)), "a text without persons");
    }
}

int main(void)
{
    struct fl_store *store = calloc(1, sizeof *store);

    if (store == NULL)
        return 1;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)(i * 7 + 3);
    fake_init(store, 4);
    fake_part(store, true, fl_day_of(INT64_C(1763731800) * FL_US_PER_S));
    for (size_t i = 0; i < FL_LEN(lines); i++)
        add_line(store, lines[i], i + 1);
    check_texts();
    check_kinds(store);
    check_groups(store);
    check_conditions(store);
    check_pseudonyms(store);
    fake_done(store);
    free(store);
    return tap_done();
}
