/* What addresses are, what mail looks like, how webhooks are signed. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "io/hook.h"
#include "io/mail.h"
#include "io/outside.h"
#include "tap.h"

static const struct {
    const char *ip;
    enum fl_outside_kind kind;
} addresses[] = {
    {"8.8.8.8", FL_OUTSIDE_PUBLIC},
    {"1.0.0.1", FL_OUTSIDE_PUBLIC},
    {"172.15.255.255", FL_OUTSIDE_PUBLIC},
    {"172.32.0.0", FL_OUTSIDE_PUBLIC},
    {"100.63.255.255", FL_OUTSIDE_PUBLIC},
    {"0.0.0.0", FL_OUTSIDE_NEVER},
    {"0.1.2.3", FL_OUTSIDE_PRIVATE},
    {"10.0.0.1", FL_OUTSIDE_PRIVATE},
    {"100.64.0.1", FL_OUTSIDE_PRIVATE},
    {"127.0.0.1", FL_OUTSIDE_PRIVATE},
    {"127.255.255.255", FL_OUTSIDE_PRIVATE},
    {"169.254.169.254", FL_OUTSIDE_PRIVATE},
    {"172.16.0.1", FL_OUTSIDE_PRIVATE},
    {"172.31.255.255", FL_OUTSIDE_PRIVATE},
    {"192.168.1.1", FL_OUTSIDE_PRIVATE},
    {"192.0.2.1", FL_OUTSIDE_PRIVATE},
    {"198.19.255.255", FL_OUTSIDE_PRIVATE},
    {"224.0.0.1", FL_OUTSIDE_NEVER},
    {"255.255.255.255", FL_OUTSIDE_NEVER},
    {"2606:4700::1111", FL_OUTSIDE_PUBLIC},
    {"2a00:1450:4001::1", FL_OUTSIDE_PUBLIC},
    {"::", FL_OUTSIDE_NEVER},
    {"::1", FL_OUTSIDE_PRIVATE},
    {"::ffff:127.0.0.1", FL_OUTSIDE_PRIVATE},
    {"::ffff:8.8.8.8", FL_OUTSIDE_PRIVATE},
    {"::ffff:224.0.0.1", FL_OUTSIDE_NEVER},
    {"64:ff9b::8.8.8.8", FL_OUTSIDE_PUBLIC},
    {"64:ff9b::10.0.0.1", FL_OUTSIDE_PRIVATE},
    {"2002:0a00:0001::1", FL_OUTSIDE_PRIVATE},
    {"2001::1", FL_OUTSIDE_PRIVATE},
    {"2001:db8::1", FL_OUTSIDE_PRIVATE},
    {"fc00::1", FL_OUTSIDE_PRIVATE},
    {"fd12:3456::1", FL_OUTSIDE_PRIVATE},
    {"fe80::1", FL_OUTSIDE_PRIVATE},
    {"ff02::1", FL_OUTSIDE_NEVER},
};

static void test_addresses(void)
{
    for (size_t i = 0; i < FL_LEN(addresses); i++) {
        bool v6 = strchr(addresses[i].ip, ':') != NULL;
        unsigned char ip[16];

        CHECK(inet_pton(v6 ? AF_INET6 : AF_INET, addresses[i].ip, ip) == 1 &&
                  fl_outside_kind(ip, v6 ? 16 : 4) == addresses[i].kind,
              addresses[i].ip);
    }
}

static void test_rules(void)
{
    const struct fl_outside o = {.allow = FL_SPAN("a.example, b.example:8443"),
                                 .private_ok = FL_SPAN("b.example:8443")};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(0x0a000001)}};
    struct sockaddr_in all = {.sin_family = AF_INET, .sin_addr = {htonl(0xe0000001)}};
    const struct sockaddr *private = (const struct sockaddr *)&in;
    struct fl_err err = {0};

    CHECK(fl_outside_host(&o, "a.example", 443, 443, &err) == FL_OK, "a host of the list");
    CHECK(fl_outside_host(&o, "a.example", 8443, 443, &err) == FL_E_DENIED &&
              strstr(err.text, "outbound_allow") != NULL,
          "another port of it, with what to do");
    CHECK(fl_outside_address(&o, "a.example", 443, 443, private, &err) == FL_E_DENIED &&
              strstr(err.text, "10.0.0.1") != NULL && strstr(err.text, "outbound_private") != NULL,
          "a private address, with what to do");
    CHECK(fl_outside_address(&o, "b.example", 8443, 443, private, &err) == FL_OK,
          "one that is meant");
    CHECK(fl_outside_address(&o, "b.example", 8443, 443, (const struct sockaddr *)&all, &err) ==
              FL_E_DENIED,
          "multicast never");
}

static bool has(const struct fl_buf *text, const char *word)
{
    return memmem(text->ptr, text->len, word, strlen(word)) != NULL;
}

static void test_mail(void)
{
    struct fl_mail mail = {.to = FL_SPAN("jane@example.org"),
                           .subject = FL_SPAN("plain"),
                           .body = FL_SPAN("one\n.\nthree"),
                           .id = FL_SPAN("n1.2"),
                           .now_us = 1790000000 * FL_US_PER_S};
    FL_AUTO(fl_buf_done) struct fl_buf out;

    fl_buf_init(&out, 1 << 20);
    CHECK(fl_mail_write(&mail, "f@example.net", &out, NULL) == FL_OK, "a mail");
    CHECK(has(&out, "From: Fairlead <f@example.net>\r\nTo: <jane@example.org>\r\nSubject: plain\r\n"
                    "Date: Mon, 21 Sep 2026 14:13:20 +0000\r\nMessage-ID: <n1.2@example.net>\r\n"),
          "its headers");
    CHECK(has(&out, "\r\n\r\nb25lDQouDQp0aHJlZQ==\r\n"), "its body, base64 with CRLF");
    fl_buf_clear(&out);
    mail.subject = FL_SPAN("L\xc3\xa4ger \xe5\x80\x89\xe5\xba\xab");
    CHECK(fl_mail_write(&mail, "f@example.net", &out, NULL) == FL_OK &&
              has(&out, "Subject: =?UTF-8?B?TMOkZ2VyIOWAieW6qw==?=\r\n"),
          "a subject in UTF-8");
    mail.subject = FL_SPAN("a\r\nBcc: eve@example.org");
    CHECK(fl_mail_write(&mail, "f@example.net", &out, NULL) == FL_E_INVAL,
          "a line break in a subject");
    mail.subject = FL_SPAN("a");
    mail.to = FL_SPAN("jane@example.org>\r\nBcc: <eve@example.org");
    CHECK(fl_mail_write(&mail, "f@example.net", &out, NULL) == FL_E_INVAL, "one in an address");
    mail.to = FL_SPAN("jane@example.org,eve@example.org");
    CHECK(fl_mail_write(&mail, "f@example.net", &out, NULL) == FL_E_INVAL, "two addresses");
    mail.to = FL_SPAN("jane@example.org");
    mail.id = FL_SPAN("a>\r\nX: y");
    CHECK(fl_mail_write(&mail, "f@example.net", &out, NULL) == FL_E_INVAL, "a line break in an id");
}

/* Every line of a subject is a header's continuation and at most 76 bytes. */
static void test_long_subject(void)
{
    char subject[255];
    struct fl_mail mail = {.to = FL_SPAN("j@e.org"), .id = FL_SPAN("x"), .body = FL_SPAN("b")};
    FL_AUTO(fl_buf_done) struct fl_buf out;
    size_t line = 0, longest = 0;

    for (size_t i = 0; i < sizeof subject; i += 3)
        memcpy(subject + i, "\xe5\x80\x89", 3);
    mail.subject = fl_span_of(subject, sizeof subject);
    fl_buf_init(&out, 1 << 20);
    CHECK(fl_mail_write(&mail, "f@e.net", &out, NULL) == FL_OK, "a long subject");
    for (size_t i = 0; i < out.len; i++) {
        line = out.ptr[i] == '\n' ? 0 : line + 1;
        longest = line > longest ? line : longest;
    }
    CHECK(longest <= 90, "no line of it is long");
    CHECK(has(&out, "?=\r\n =?UTF-8?B?"), "it is folded");
}

/* RFC 4231, test case 2: key "Jefe"; here over "0.what do ya want for nothing?" computed apart. */
static void test_hook(void)
{
    char one[FL_HOOK_SIGNATURE_MAX], two[FL_HOOK_SIGNATURE_MAX];

    CHECK(fl_hook_sign(FL_SPAN("Jefe"), FL_SPAN("what do ya want for nothing?"), 0, one, NULL) ==
                  FL_OK &&
              strcmp(one,
                     "t=0,v1=37f471929915ccd2cbbe79feb84ffcff4f2bb25e15fc41c2506687331ae179cc") ==
                  0,
          "a signature that was computed elsewhere");
    CHECK(fl_hook_sign(FL_SPAN("Jefe"), FL_SPAN("what do ya want for nothing?"), FL_US_PER_S, two,
                       NULL) == FL_OK &&
              strcmp(one, two) != 0,
          "another at another time");
    CHECK(fl_hook_sign(FL_SPAN(""), FL_SPAN("x"), 0, two, NULL) == FL_E_INVAL,
          "none without a key");
}

int main(void)
{
    test_addresses();
    test_rules();
    test_mail();
    test_long_subject();
    test_hook();
    return tap_done();
}
