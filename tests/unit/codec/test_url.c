/* Addresses of the web, links seen from them, lists of destinations. */
#include <stdio.h>
#include <string.h>

#include "codec/url.h"
#include "tap.h"

static const struct {
    const char *text;
    bool plain;
    const char *host; /* NULL: refused */
    unsigned port;
    const char *target;
} urls[] = {
    {"https://www.example.org", false, "www.example.org", 443, "/"},
    {"HTTPS://WWW.Example.ORG/A?b=c", false, "www.example.org", 443, "/A?b=c"},
    {"https://a.b:8443/x", false, "a.b", 8443, "/x"},
    {"https://[2001:db8::1]:9/x", false, "2001:db8::1", 9, "/x"},
    {"http://a.b/x", true, "a.b", 80, "/x"},
    {"http://a.b/x", false, NULL, 0, NULL},
    {"https://a.b?x", false, NULL, 0, NULL},
    {"https://u:p@a.b/", false, NULL, 0, NULL},
    {"https://a.b/#x", false, NULL, 0, NULL},
    {"https://a.b:0/", false, NULL, 0, NULL},
    {"https://a.b:65536/", false, NULL, 0, NULL},
    {"https://a.b:1x/", false, NULL, 0, NULL},
    {"https:///x", false, NULL, 0, NULL},
    {"https://a..b/", false, NULL, 0, NULL},
    {"https://a b/", false, NULL, 0, NULL},
    {"https://a.b/\\x", false, NULL, 0, NULL},
    {"https://[::1/", false, NULL, 0, NULL},
    {"ftp://a.b/", true, NULL, 0, NULL},
    {"//a.b/", true, NULL, 0, NULL},
    {"", true, NULL, 0, NULL},
};

static void test_parse(void)
{
    for (size_t i = 0; i < FL_LEN(urls); i++) {
        struct fl_url url;
        struct fl_err err = {0};
        int r = fl_url_parse(fl_span_str(urls[i].text), urls[i].plain, &url, &err);

        if (urls[i].host == NULL)
            CHECK(r == FL_E_INVAL && err.text[0] != '\0', urls[i].text);
        else
            CHECK(r == FL_OK && strcmp(url.host, urls[i].host) == 0 && url.port == urls[i].port &&
                      fl_span_eq(url.target, fl_span_str(urls[i].target)),
                  urls[i].text);
    }
}

static const struct {
    const char *base, *link, *want; /* want NULL: refused */
} links[] = {
    {"https://a.b/c/d?e", "f", "https://a.b/c/f"},
    {"https://a.b/c/d", "/f?g", "https://a.b/f?g"},
    {"https://a.b", "f", "https://a.b/f"},
    {"https://a.b/c", "//x.y/z", "https://x.y/z"},
    {"http://a.b/c", "https://x.y/z#q", "https://x.y/z"},
    {"https://a.b/c/", " g\n", "https://a.b/c/g"},
    {"https://a.b/c/d?x=/y/", "f", "https://a.b/c/f"},
    {"https://a.b/c", "mailto:x@y", NULL},
    {"https://a.b/c", "javascript:alert(1)", NULL},
};

static void test_join(void)
{
    for (size_t i = 0; i < FL_LEN(links); i++) {
        FL_AUTO(fl_buf_done) struct fl_buf out;
        int r;

        fl_buf_init(&out, FL_URL_MAX);
        r = fl_url_join(fl_span_str(links[i].base), fl_span_str(links[i].link), &out, NULL);
        if (links[i].want == NULL)
            CHECK(r == FL_E_INVAL, links[i].link);
        else
            CHECK(r == FL_OK && fl_span_eq(fl_buf_span(&out), fl_span_str(links[i].want)),
                  links[i].link);
    }
}

static const struct {
    const char *list, *host;
    unsigned port, usual;
    bool in;
} lists[] = {
    {"a.b, c.d:8443", "a.b", 443, 443, true},
    {"a.b, c.d:8443", "A.B", 443, 443, true},
    {"a.b, c.d:8443", "a.b", 8443, 443, false},
    {"a.b, c.d:8443", "c.d", 8443, 443, true},
    {"a.b, c.d:8443", "c.d", 443, 443, false},
    {"*.b.c", "a.b.c", 443, 443, true},
    {"*.b.c", "b.c", 443, 443, false},
    {"*.b.c", "xb.c", 443, 443, false},
    {"*.b.c", "a.b.c.evil", 443, 443, false},
    {"*", "any.where", 443, 443, true},
    {"*", "any.where", 25, 443, false},
    {"*:25", "any.where", 25, 443, true},
    {"", "a.b", 443, 443, false},
    {" , ,", "a.b", 443, 443, false},
    {"[::1]:8", "::1", 8, 443, true},
    {"a.b", "a.b", 80, 80, true},
};

static void test_lists(void)
{
    char name[120];

    for (size_t i = 0; i < FL_LEN(lists); i++) {
        (void)snprintf(name, sizeof name, "'%s' has %s:%u: %d", lists[i].list, lists[i].host,
                       lists[i].port, lists[i].in);
        CHECK(fl_hosts_match(fl_span_str(lists[i].list), lists[i].host, (uint16_t)lists[i].port,
                             (uint16_t)lists[i].usual) == lists[i].in,
              name);
    }
    CHECK(fl_hosts_check(FL_SPAN("*.a.b:1"), NULL) == FL_OK, "a pattern");
    CHECK(fl_hosts_check(FL_SPAN("a.*.b"), NULL) == FL_E_INVAL, "a star elsewhere");
    CHECK(fl_hosts_check(FL_SPAN("https://a.b"), NULL) == FL_E_INVAL, "an address is no pattern");
}

int main(void)
{
    test_parse();
    test_join();
    test_lists();
    return tap_done();
}
