#include "codec/url.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_MAX = 63 };

static char lower(unsigned char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static bool is_word(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* A name of the DNS or an IPv4 address: labels of letters, digits, hyphens. */
static bool is_name(struct fl_span s)
{
    size_t label = 0;

    if (s.len == 0 || s.len > FL_HOST_LEN)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '.') {
            if (label == 0)
                return false;
            label = 0;
            continue;
        }
        if (!is_word(s.ptr[i]) || ++label > LABEL_MAX)
            return false;
    }
    return label > 0;
}

static bool is_ip6(struct fl_span s)
{
    size_t colons = 0;

    if (s.len < 2 || s.len > 45)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)lower(s.ptr[i]);

        if (c == ':')
            colons++;
        else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '.'))
            return false;
    }
    return colons >= 2;
}

static bool starts(struct fl_span s, const char *word)
{
    size_t len = strlen(word);

    if (s.len < len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (lower(s.ptr[i]) != word[i])
            return false;
    return true;
}

static struct fl_span behind(struct fl_span s, size_t n)
{
    return fl_span_of(s.ptr + n, s.len - n);
}

/* "host", "host:port", "[v6]:port" to its parts; port 0: none stands there. */
static bool split_host(struct fl_span s, struct fl_span *ret_host, uint16_t *ret_port)
{
    struct fl_span host = s, rest = {NULL, 0};
    const unsigned char *colon;
    uint64_t port = 0;

    if (s.len > 0 && s.ptr[0] == '[') {
        const unsigned char *close = memchr(s.ptr, ']', s.len);

        if (close == NULL)
            return false;
        host = fl_span_of(s.ptr + 1, (size_t)(close - s.ptr) - 1);
        rest = behind(s, (size_t)(close - s.ptr) + 1);
        if (!is_ip6(host) || (rest.len > 0 && rest.ptr[0] != ':'))
            return false;
    } else {
        colon = s.len == 0 ? NULL : memchr(s.ptr, ':', s.len);
        if (colon != NULL) {
            host.len = (size_t)(colon - s.ptr);
            rest = behind(s, host.len);
        }
    }
    if (rest.len > 0 && (!fl_span_u64(behind(rest, 1), &port) || port == 0 || port > 65535))
        return false;
    *ret_host = host;
    *ret_port = (uint16_t)port;
    return true;
}

static int bad(struct fl_span text, const char *why, struct fl_err *err)
{
    char shown[121];
    size_t len = text.len < sizeof shown - 1 ? text.len : sizeof shown - 1;

    for (size_t i = 0; i < len; i++)
        shown[i] = text.ptr[i] > 0x20 && text.ptr[i] < 0x7f ? (char)text.ptr[i] : '?';
    shown[len] = '\0';
    return fl_err_set(err, FL_E_INVAL, "'%s' %s", shown, why);
}

static int check_bytes(struct fl_span text, struct fl_err *err)
{
    if (text.len > FL_URL_MAX)
        return fl_err_set(err, FL_E_INVAL, "an address has at most %u bytes", FL_URL_MAX);
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= 0x20 || text.ptr[i] >= 0x7f || text.ptr[i] == '\\')
            return bad(text,
                       "has a character that an address cannot have; write it as %20 and so "
                       "on",
                       err);
    return FL_OK;
}

int fl_url_parse(struct fl_span text, bool plain, struct fl_url *ret, struct fl_err *err)
{
    struct fl_url url = {.tls = starts(text, "https://"), .target = FL_SPAN("/")};
    struct fl_span rest, host;
    uint16_t port = 0;
    size_t n = 0;
    int r = check_bytes(text, err);

    if (r < 0)
        return r;
    if (!url.tls && !starts(text, "http://"))
        return bad(text, "is no address of the web; it begins with https://", err);
    if (!url.tls && !plain)
        return bad(text,
                   "goes over http, which anybody on the way can read and change; write "
                   "https, or say that plain http is meant",
                   err);
    rest = behind(text, url.tls ? 8 : 7);
    while (n < rest.len && strchr("/?#", rest.ptr[n]) == NULL)
        n++;
    host = fl_span_of(rest.ptr, n);
    if (memchr(host.len == 0 ? (const unsigned char *)"" : host.ptr, '@', host.len) != NULL)
        return bad(text, "holds a user name or a password; those do not belong in an address", err);
    if (memchr(text.ptr, '#', text.len) != NULL)
        return bad(text, "has a part behind #, which is for browsers only; leave it out", err);
    if (!split_host(host, &host, &port) || (!is_name(host) && !is_ip6(host)))
        return bad(text, "has no host with a right name and port", err);
    for (size_t i = 0; i < host.len; i++)
        url.host[i] = lower(host.ptr[i]);
    url.port = port != 0 ? port : url.tls ? 443 : 80;
    rest = behind(rest, n);
    if (rest.len > 0 && rest.ptr[0] != '/')
        return bad(text, "lacks the / behind its host", err);
    if (rest.len > 0)
        url.target = rest;
    *ret = url;
    return FL_OK;
}

/* ---- a link, seen from where it stands ---- */

static bool has_scheme(struct fl_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == ':')
            return i > 0;
        if (!is_word(s.ptr[i]) && s.ptr[i] != '+' && s.ptr[i] != '.')
            return false;
    }
    return false;
}

int fl_url_join(struct fl_span base, struct fl_span link, struct fl_buf *out, struct fl_err *err)
{
    struct fl_url url = {.tls = false};
    size_t scheme, path, n;
    int r = fl_url_parse(base, true, &url, err);

    if (r < 0)
        return r;
    while (link.len > 0 && link.ptr[0] <= 0x20)
        link = behind(link, 1);
    while (link.len > 0 && link.ptr[link.len - 1] <= 0x20)
        link.len--;
    for (n = 0; n < link.len && link.ptr[n] != '#'; n++)
        ;
    link.len = n;
    if (starts(link, "https://") || starts(link, "http://")) {
        fl_buf_put_span(out, link);
        return fl_buf_status(out, err);
    }
    if (has_scheme(link))
        return bad(link, "is a link of another kind than http", err);
    scheme = url.tls ? 6 : 5; /* with its colon */
    path = scheme + 2;
    while (path < base.len && base.ptr[path] != '/')
        path++;
    n = path; /* of a relative link: up to the last slash of the path */
    for (size_t i = path; i < base.len && base.ptr[i] != '?'; i++)
        if (base.ptr[i] == '/')
            n = i + 1;
    if (starts(link, "//"))
        n = scheme;
    else if (link.len == 0 || link.ptr[0] == '/')
        n = path;
    fl_buf_put(out, base.ptr, n);
    if (n == path && link.len > 0 && link.ptr[0] != '/')
        fl_buf_put_u8(out, '/');
    fl_buf_put_span(out, link);
    return fl_buf_status(out, err);
}

/* ---- lists of destinations ---- */

static bool one_matches(struct fl_span p, const char *host, uint16_t port, uint16_t usual)
{
    size_t len = strlen(host);
    struct fl_span name;
    uint16_t only;

    if (!split_host(p, &name, &only))
        return false;
    if (only == 0)
        only = usual;
    if (only != 0 && only != port)
        return false;
    if (name.len == 1 && name.ptr[0] == '*')
        return true;
    if (name.len > 2 && name.ptr[0] == '*' && name.ptr[1] == '.') {
        name = behind(name, 1); /* with its dot: never the name itself */
        if (len <= name.len)
            return false;
        host += len - name.len;
        len = name.len;
    }
    if (len != name.len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (lower(name.ptr[i]) != lower((unsigned char)host[i]))
            return false;
    return true;
}

static bool next_item(struct fl_span *list, struct fl_span *ret)
{
    while (list->len > 0) {
        const unsigned char *comma = memchr(list->ptr, ',', list->len);
        size_t n = comma == NULL ? list->len : (size_t)(comma - list->ptr);
        struct fl_span item = fl_span_of(list->ptr, n);

        *list = behind(*list, comma == NULL ? n : n + 1);
        while (item.len > 0 && item.ptr[0] <= 0x20)
            item = behind(item, 1);
        while (item.len > 0 && item.ptr[item.len - 1] <= 0x20)
            item.len--;
        if (item.len > 0) {
            *ret = item;
            return true;
        }
    }
    return false;
}

bool fl_hosts_match(struct fl_span list, const char *host, uint16_t port, uint16_t usual)
{
    struct fl_span item;

    while (next_item(&list, &item))
        if (one_matches(item, host, port, usual))
            return true;
    return false;
}

int fl_hosts_check(struct fl_span pattern, struct fl_err *err)
{
    struct fl_span name;
    uint16_t port;

    if (split_host(pattern, &name, &port)) {
        if (name.len == 1 && name.ptr[0] == '*')
            return FL_OK;
        if (name.len > 2 && name.ptr[0] == '*' && name.ptr[1] == '.')
            name = behind(name, 2);
        if (is_name(name) || is_ip6(name))
            return FL_OK;
    }
    return bad(pattern,
               "is no destination; write it as www.example.org, hooks.example.org:8443, "
               "*.example.org or *",
               err);
}

int fl_host_parse(struct fl_span text, char ret_host[FL_HOST_LEN + 1], uint16_t *ret_port,
                  struct fl_err *err)
{
    struct fl_span name;

    if (!split_host(text, &name, ret_port) || (!is_name(name) && !is_ip6(name)))
        return bad(text, "is no host; write it as mail.example.org or mail.example.org:587", err);
    for (size_t i = 0; i < name.len; i++)
        ret_host[i] = lower(name.ptr[i]);
    ret_host[name.len] = '\0';
    return FL_OK;
}
