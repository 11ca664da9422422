#include <stdlib.h>

#include "codec/line.h"
#include "logs/enrich.h"
#include "tap.h"

static char note[300];

static const char *named(const char *what, const char *text)
{
    (void)snprintf(note, sizeof note, "%s: %.200s", what, text);
    return note;
}

static bool is(const struct fl_event *ev, enum fl_field f, const char *want)
{
    struct fl_span got = fl_event_get_str(ev, f);
    bool same = fl_event_has(ev, f) == (want[0] != '\0') && fl_span_eq(got, fl_span_str(want));

    if (!same)
        printf("# %s is \"%.*s\", not \"%s\"\n", fl_fields[f].ecs, FL_SPAN_ARG(got), want);
    return same;
}

/* URL as a device writes it, host name, registrable domain. */
static const char *const urls[][3] = {
    {"www.example.co.uk", "www.example.co.uk", "example.co.uk"},
    {"dsp.adfarm1.adition.com", "dsp.adfarm1.adition.com", "adition.com"},
    {"http://www.example.com/a/b?c=d", "www.example.com", "example.com"},
    {"https://user:pass@www.example.com:8443/x", "www.example.com", "example.com"},
    {"//cdn.example.com/x.js", "cdn.example.com", "example.com"},
    {"example.com/path", "example.com", "example.com"},
    {"example.com:443", "example.com", "example.com"},
    {"example.com?x", "example.com", "example.com"},
    {"WWW.Example.COM", "WWW.Example.COM", "example.com"},
    {"www.example.com.", "www.example.com", "example.com"},
    {"a.b.github.io", "a.b.github.io", "b.github.io"},
    {"github.io", "github.io", "github.io"},
    {"co.uk", "co.uk", "co.uk"},
    {"printer.local", "printer.local", "printer.local"},
    {"a.b.printer.local", "a.b.printer.local", "printer.local"},
    {"intranet", "intranet", "intranet"},
    {"http://10.1.2.3:8080/x", "10.1.2.3", "10.1.2.3"},
    {"http://[2001:db8::1]:8080/x", "2001:db8::1", "2001:db8::1"},
    {"b\xc3\xbc"
     "cher.example.de",
     "b\xc3\xbc"
     "cher.example.de",
     "example.de"},
    {"www.xn--bcher-kva.example", "www.xn--bcher-kva.example", "xn--bcher-kva.example"},
    {"under_score.example.com", "under_score.example.com", "example.com"},
    {"http:///path", "", ""},
    {"", "", ""},
    {"/", "", ""},
    {"a..b", "", ""},
    {".example.com", "", ""},
    {"some text with blanks", "", ""},
    {"http://[::1", "::1", "::1"},
    {"http://@", "", ""},
};

static void check_hosts(struct fl_enrich *enrich)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    int bad = 0;

    fl_arena_init(&arena, 1 << 20);
    for (int round = 0; round < 2; round++) { /* the second time from the cache */
        for (size_t i = 0; i < FL_LEN(urls); i++) {
            struct fl_event ev = {.arena = &arena};

            fl_event_str(&ev, FL_F_URL, fl_span_str(urls[i][0]));
            fl_enrich(enrich, &ev);
            CHECK(is(&ev, FL_F_HOSTNAME, urls[i][1]) && is(&ev, FL_F_DOMAIN, urls[i][2]),
                  named(round == 0 ? "host and domain" : "again", urls[i][0]));
        }
    }
    for (size_t len = 1; len < 400; len++) { /* around every limit of length */
        struct fl_event ev = {.arena = &arena};
        char host[420];

        memset(host, 'a', len);
        (void)snprintf(host + len, sizeof host - len, ".Example.com");
        fl_event_str(&ev, FL_F_URL, fl_span_str(host));
        fl_enrich(enrich, &ev);
        bad += fl_event_has(&ev, FL_F_DOMAIN) != (len + 12 <= 255);
        bad += fl_event_has(&ev, FL_F_DOMAIN) &&
               !fl_span_eq(ev.v[FL_F_DOMAIN].str, FL_SPAN("example.com"));
    }
    CHECK(bad == 0, "names of every length");
}

/* More names than are remembered, so that each place of the cache is used by many. */
static void check_many(struct fl_enrich *enrich)
{
    int bad = 0;

    for (unsigned i = 0; i < 60000; i++) {
        struct fl_event ev = {.arena = NULL};
        char host[40];

        (void)snprintf(host, sizeof host, i % 2 == 0 ? "h%05u.example.com" : "h%05ux.exampl.com",
                       i);
        fl_event_str(&ev, FL_F_HOSTNAME, fl_span_str(host));
        fl_enrich(enrich, &ev);
        bad += !fl_span_eq(fl_event_get_str(&ev, FL_F_DOMAIN),
                           i % 2 == 0 ? FL_SPAN("example.com") : FL_SPAN("exampl.com"));
    }
    CHECK(bad == 0, "many names");
}

static void check_first_word(struct fl_enrich *enrich)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_event ev = {.arena = &arena}, bare = {.arena = NULL};

    fl_arena_init(&arena, 1 << 16);
    fl_event_str(&ev, FL_F_URL, FL_SPAN("http://a.example.com/"));
    fl_event_str(&ev, FL_F_HOSTNAME, FL_SPAN("b.example.org"));
    fl_event_str(&ev, FL_F_APP, FL_SPAN("YOUTUBE"));
    fl_event_str(&ev, FL_F_CATEGORY, FL_SPAN("Multimedia"));
    fl_enrich(enrich, &ev);
    CHECK(is(&ev, FL_F_HOSTNAME, "b.example.org") && is(&ev, FL_F_DOMAIN, "example.org") &&
              is(&ev, FL_F_CATEGORY, "Multimedia") && is(&ev, FL_F_APP, "YOUTUBE"),
          "the device's words stay");
    fl_event_str(&bare, FL_F_URL, FL_SPAN("WWW.example.com"));
    fl_enrich(enrich, &bare);
    CHECK(is(&bare, FL_F_HOSTNAME, "WWW.example.com") && is(&bare, FL_F_DOMAIN, ""),
          "without memory a field stays absent");
}

static const char *const apps[][4] = {
    /* application, URL, category, what it shows */
    {"YOUTUBE", "", "streaming", "an application of the table"},
    {"junos:YOUTUBE", "", "streaming", "with the prefix of Junos"},
    {"junos-https", "", "web", "a service of Junos"},
    {"OFFICE365-CREATE-CONVERSATION", "", "collaboration", "a nested application"},
    {"no-such-app", "", "", "an application that no table knows"},
    {"no-such-app", "www.youtube.com", "", "the site does not speak for a known name"},
    {"SSL", "r4.googlevideo.com", "streaming", "only TLS is known: by the site"},
    {"HTTP", "mail.google.com", "email", "a host is told from its domain"},
    {"HTTPS", "www.google.com", "web", "the domain of a host"},
    {"QUIC", "no.such.example", "web", "only QUIC is known, of an unknown site"},
    {"UNKNOWN", "", "unknown", "nothing is known"},
    {"", "static.xx.fbcdn.net", "social", "no application: by the site"},
    {"", "no.such.example", "", "nothing at all"},
    {"", "", "", "an empty row"},
    {"ssl", "xgooglevideo.com", "web", "a longer name is another site"},
};

static void check_categories(struct fl_enrich *enrich)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;

    fl_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < FL_LEN(apps); i++) {
        struct fl_event ev = {.arena = &arena};

        if (apps[i][0][0] != '\0')
            fl_event_str(&ev, FL_F_APP, fl_span_str(apps[i][0]));
        if (apps[i][1][0] != '\0')
            fl_event_str(&ev, FL_F_URL, fl_span_str(apps[i][1]));
        fl_enrich(enrich, &ev);
        CHECK(is(&ev, FL_F_CATEGORY, apps[i][2]) && is(&ev, FL_F_APP, apps[i][0]), apps[i][3]);
    }
    CHECK(fl_span_eq(fl_enrich_app_category(FL_SPAN("Netflix")), FL_SPAN("streaming")) &&
              fl_enrich_app_category(FL_SPAN("")).len == 0,
          "the table by itself");
    CHECK(strncmp(fl_enrich_version(), "applications 20", 15) == 0, "tables have versions");
}

/* What was filled in does not change the line that is given back. */
static void check_line(struct fl_enrich *enrich)
{
    static const char line[] =
        "<12>1 2026-11-21T08:29:28.565Z gw-1 RT_UTM - WEBFILTER_URL_BLOCKED "
        "[junos@2636.1.1.1.2.129 source-address=\"10.1.2.3\" source-port=\"59075\" "
        "destination-address=\"10.9.9.9\" destination-port=\"443\" session-id=\"16490\" "
        "application=\"SSL\" nested-application=\"UNKNOWN\" category=\"Ads\" "
        "url=\"WWW.YouTube.com\" obj=\"/\" username=\"N/A\" application-category=\"N/A\"]";
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_event ev = {.arena = &arena};
    const char *why;

    fl_arena_init(&arena, 1 << 20);
    fl_buf_init(&out, 1 << 16);
    fl_line_parse(fl_span_str(line), 1, &ev, &why);
    fl_enrich(enrich, &ev);
    CHECK(is(&ev, FL_F_CATEGORY, "streaming") && is(&ev, FL_F_DOMAIN, "youtube.com"),
          "a line of a web filter");
    CHECK(fl_line_rebuild(&ev, &out, NULL) == 0 && fl_span_eq(fl_buf_span(&out), fl_span_str(line)),
          "the line comes back as it was received");
}

int main(void)
{
    FL_AUTO(fl_enrich_freep) struct fl_enrich *enrich = NULL;

    if (fl_enrich_new(&enrich, NULL) < 0)
        return 1;
    check_hosts(enrich);
    check_many(enrich);
    check_first_word(enrich);
    check_categories(enrich);
    check_line(enrich);
    return tap_done();
}
