#include "logs/enrich.h"

#include <libpsl.h>
#include <stdlib.h>

#include "codec/ip.h"
#include "logs/enrich_tables.h"

enum {
    NAME_MAX_BYTES = 255,
    SITES = 32768, /* remembered: powers of two */
    APPS = 512,
    SITE_BYTES = 49, /* longer names are looked up each time */
    APP_BYTES = 47
};

/* What a host name comes to; one lookup in the suffix list costs as much as a parsed line. Only
 * names in lower case that are hosts are remembered. */
struct site {
    const unsigned char *category;
    uint16_t category_len;
    uint16_t len; /* 0: free */
    uint16_t domain_len;
    unsigned char name[SITE_BYTES + 1];
};
_Static_assert(sizeof(struct site) == 64, "a line of the processor's cache");

/* What an application's name comes to. */
struct app {
    const unsigned char *category;
    uint16_t category_len;
    uint8_t len; /* 0: free */
    bool says_little;
    unsigned char name[APP_BYTES + 5];
};
_Static_assert(sizeof(struct app) == 64, "a line of the processor's cache");

struct fl_enrich {
    const psl_ctx_t *psl;
    psl_ctx_t *own; /* psl, where it was loaded here */
    struct app apps[APPS];
    struct site sites[SITES];
};

int fl_enrich_new(struct fl_enrich **ret, struct fl_err *err)
{
    struct fl_enrich *enrich = calloc(1, sizeof *enrich);

    if (enrich == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the public suffix list");
    enrich->psl = psl_builtin(); /* part of the library: no file is read */
    if (enrich->psl == NULL)
        enrich->psl = enrich->own = psl_latest(NULL);
    if (enrich->psl == NULL) {
        free(enrich);
        return fl_err_set(err, FL_E_NOENT, "libpsl has no public suffix list");
    }
    *ret = enrich;
    return FL_OK;
}

void fl_enrich_free(struct fl_enrich *enrich)
{
    if (enrich == NULL)
        return;
    psl_free(enrich->own);
    free(enrich);
}

void fl_enrich_freep(struct fl_enrich **enrich)
{
    fl_enrich_free(*enrich);
    *enrich = NULL;
}

const char *fl_enrich_version(void)
{
    return fl_enrich_tables;
}

/* ---- tables ---- */

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

static uint64_t hash_lower(struct fl_span s)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ lower(s.ptr[i])) * UINT64_C(0x100000001b3);
    return hash;
}

static bool same_lower(struct fl_span s, const char *name)
{
    for (size_t i = 0; i < s.len; i++) {
        if (lower(s.ptr[i]) != (unsigned char)name[i])
            return false;
    }
    return true;
}

static struct fl_span look_up(const struct fl_enrich_row *rows, size_t slots, struct fl_span name)
{
    size_t at = (size_t)hash_lower(name) & (slots - 1);

    for (; rows[at].name != NULL; at = (at + 1) & (slots - 1)) {
        if (rows[at].name_len == name.len && same_lower(name, rows[at].name))
            return fl_span_of(rows[at].category, rows[at].category_len);
    }
    return (struct fl_span){NULL, 0};
}

static struct fl_span without_prefix(struct fl_span app)
{
    static const char *const prefixes[] = {"junos:", "junos-"};

    for (size_t i = 0; i < FL_LEN(prefixes); i++) {
        size_t n = strlen(prefixes[i]);

        if (app.len > n && same_lower(fl_span_of(app.ptr, n), prefixes[i]))
            return fl_span_of(app.ptr + n, app.len - n);
    }
    return app;
}

struct fl_span fl_enrich_app_category(struct fl_span app)
{
    struct fl_span category, bare = without_prefix(app);

    if (app.len == 0 || app.len > NAME_MAX_BYTES)
        return (struct fl_span){NULL, 0};
    category = look_up(fl_enrich_apps, fl_enrich_apps_slots, app);
    if (category.len == 0 && bare.len != app.len)
        category = look_up(fl_enrich_apps, fl_enrich_apps_slots, bare);
    return category;
}

/* Names that say how something is carried, not what it is. */
static bool says_little(struct fl_span app)
{
    static const char *const names[] = {"unknown",    "unspecified", "unspecified-encrypted",
                                        "incomplete", "http",        "https",
                                        "http2",      "http3",       "ssl",
                                        "tls",        "quic",        "spdy",
                                        "tcp",        "udp",         "web-browsing",
                                        "http-proxy", "http-ext"};
    struct fl_span bare = without_prefix(app);

    for (size_t i = 0; i < FL_LEN(names); i++) {
        if (bare.len == strlen(names[i]) && same_lower(bare, names[i]))
            return true;
    }
    return app.len == 0;
}

/* The host itself, then each name above it, down to the registrable domain. */
static struct fl_span site_category(struct fl_span host, struct fl_span domain)
{
    struct fl_span category = {NULL, 0};

    while (host.len >= domain.len && host.len > 0) {
        const unsigned char *dot;

        category = look_up(fl_enrich_sites, fl_enrich_sites_slots, host);
        dot = memchr(host.ptr, '.', host.len);
        if (category.len > 0 || dot == NULL)
            break;
        host = fl_span_of(dot + 1, host.len - (size_t)(dot + 1 - host.ptr));
    }
    return category;
}

/* ---- host names ---- */

static struct fl_span up_to(struct fl_span s, const char *stops)
{
    size_t n = 0;

    while (n < s.len && (s.ptr[n] == '\0' || strchr(stops, s.ptr[n]) == NULL))
        n++;
    return fl_span_of(s.ptr, n);
}

static struct fl_span behind(struct fl_span s, size_t n)
{
    return fl_span_of(s.ptr + n, s.len - n);
}

/* A fair spread is all that is asked: whoever makes names collide has them looked up. */
static size_t hash_of(struct fl_span s)
{
    uint64_t hash = s.len, word = 0;
    size_t i = 0;

    for (; i + 8 <= s.len; i += 8) {
        memcpy(&word, s.ptr + i, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    word = 0;
    if (i < s.len)
        memcpy(&word, s.ptr + i, s.len - i);
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(hash >> 32);
}

/* Position behind "scheme://" or a leading "//"; 0 when there is neither. */
static size_t scheme_len(struct fl_span url)
{
    for (size_t i = 0; i + 1 < url.len && i < 32; i++) {
        if (url.ptr[i] == '/')
            return url.ptr[i + 1] == '/' && (i == 0 || url.ptr[i - 1] == ':') ? i + 2 : 0;
        if (url.ptr[i] == '.' || url.ptr[i] == '?')
            return 0;
    }
    return 0;
}

/* The host of a URL, of host[:port][/path] or of host alone; brackets of IPv6 are taken off. */
static struct fl_span host_of(struct fl_span url)
{
    struct fl_span host = up_to(behind(url, scheme_len(url)), "/?#\\");
    const unsigned char *at = host.len == 0 ? NULL : memrchr(host.ptr, '@', host.len);

    if (at != NULL)
        host = behind(host, (size_t)(at + 1 - host.ptr));
    if (host.len > 0 && host.ptr[0] == '[')
        return up_to(behind(host, 1), "]");
    host = up_to(host, ":");
    while (host.len > 0 && host.ptr[host.len - 1] == '.')
        host.len--;
    return host;
}

static bool is_host(struct fl_span host)
{
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = lower(host.ptr[i]);

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' &&
            c != ':' && c < 0x80)
            return false;
        if (c == '.' && (i == 0 || host.ptr[i - 1] == '.'))
            return false;
    }
    return host.len > 0 && host.len <= NAME_MAX_BYTES;
}

/* Nothing but what host names are made of, in lower case, as most URLs of the web filter are? */
static bool is_plain(struct fl_span url)
{
    static const uint8_t plain[256] = {
        ['-'] = 1, ['.'] = 1, ['_'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1,
        ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1,
        ['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1,
        ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1,
        ['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1};
    uint8_t all = 1;

    for (size_t i = 0; i < url.len; i++)
        all &= plain[url.ptr[i]];
    return all != 0 && url.len > 0 && url.ptr[url.len - 1] != '.';
}

/* ---- registrable domains ---- */

static size_t ask_psl(const struct fl_enrich *enrich, const char *name)
{
    const char *domain = psl_registrable_domain(enrich->psl, name);

    return domain == NULL ? strlen(name) : strlen(domain); /* a public suffix stands for itself */
}

/* The domain is in lower case, so that one site has one name; a host name already so is shared. */
static struct fl_span domain_of(const struct fl_enrich *enrich, struct fl_span host,
                                struct fl_arena *arena)
{
    char name[NAME_MAX_BYTES + 1];
    unsigned char ip[FL_IP_BYTES];
    size_t len;
    bool changed = false;

    while (host.len > 0 && host.ptr[host.len - 1] == '.')
        host.len--;
    if (!is_host(host) || memchr(host.ptr, '\0', host.len) != NULL)
        return (struct fl_span){NULL, 0};
    for (size_t i = 0; i < host.len; i++) {
        name[i] = (char)lower(host.ptr[i]);
        changed |= name[i] != (char)host.ptr[i];
    }
    name[host.len] = '\0';
    len = host.len;
    if (memchr(name, '.', host.len) != NULL && !fl_ip_parse(host, ip))
        len = ask_psl(enrich, name);
    if (len > host.len)
        len = host.len;
    if (!changed)
        return behind(host, host.len - len);
    if (arena == NULL)
        return (struct fl_span){NULL, 0};
    return fl_arena_copy(arena, fl_span_of(name + host.len - len, len));
}

/* ---- what is remembered ---- */

/* NULL: not there. *ret_at is where it belongs; NULL: it is not remembered. */
static const struct site *recall(struct fl_enrich *enrich, struct fl_span host,
                                 struct site **ret_at)
{
    struct site *at = NULL;

    *ret_at = NULL;
    if (host.len == 0 || host.len > SITE_BYTES)
        return NULL;
    *ret_at = at = &enrich->sites[hash_of(host) & (SITES - 1)];
    return at->len == host.len && memcmp(at->name, host.ptr, host.len) == 0 ? at : NULL;
}

/* The domain must be the end of the host, which is_host() and in lower case. */
static const struct site *remember(struct site *at, struct fl_span host, struct fl_span domain)
{
    struct fl_span category = site_category(host, domain);

    at->category = category.ptr;
    at->category_len = (uint16_t)category.len;
    at->domain_len = (uint16_t)domain.len;
    at->len = (uint16_t)host.len;
    memcpy(at->name, host.ptr, host.len);
    return at;
}

/* Host name and domain, where they are absent. The site that they come to, where it is known. */
static const struct site *fill_site(struct fl_enrich *enrich, struct fl_event *ev)
{
    bool named = fl_event_has(ev, FL_F_HOSTNAME);
    struct fl_span host = fl_event_get_str(ev, named ? FL_F_HOSTNAME : FL_F_URL), domain;
    const struct site *site;
    struct site *at;

    if (!named && host.len > 0 && !is_plain(host))
        host = host_of(host);
    site = recall(enrich, host, &at);
    if (!named && (site != NULL || is_host(host)))
        fl_event_str(ev, FL_F_HOSTNAME, host);
    if (fl_event_has(ev, FL_F_DOMAIN) || !fl_event_has(ev, FL_F_HOSTNAME))
        return NULL;
    if (site != NULL) {
        fl_event_str(ev, FL_F_DOMAIN, behind(host, host.len - site->domain_len));
        return site;
    }
    domain = domain_of(enrich, host, ev->arena);
    if (domain.len == 0)
        return NULL;
    fl_event_str(ev, FL_F_DOMAIN, domain);
    return at == NULL || !is_plain(host) ? NULL : remember(at, host, domain);
}

static struct app app_of(struct fl_span name)
{
    struct fl_span category = fl_enrich_app_category(name);

    return (struct app){.category = category.ptr,
                        .category_len = (uint16_t)category.len,
                        .says_little = says_little(name)};
}

static struct app recall_app(struct fl_enrich *enrich, struct fl_span name)
{
    struct app *at;

    if (name.len == 0)
        return (struct app){.says_little = true};
    if (name.len > APP_BYTES)
        return app_of(name);
    at = &enrich->apps[hash_of(name) & (APPS - 1)];
    if (at->len != name.len || memcmp(at->name, name.ptr, name.len) != 0) {
        *at = app_of(name);
        at->len = (uint8_t)name.len;
        memcpy(at->name, name.ptr, name.len);
    }
    return *at;
}

static void fill_category(struct fl_enrich *enrich, struct fl_event *ev, const struct site *site)
{
    struct app app = recall_app(enrich, fl_event_get_str(ev, FL_F_APP));
    struct fl_span category = {NULL, 0};

    if (app.says_little && site != NULL)
        category = fl_span_of(site->category, site->category_len);
    else if (app.says_little)
        category =
            site_category(fl_event_get_str(ev, FL_F_HOSTNAME), fl_event_get_str(ev, FL_F_DOMAIN));
    if (category.len == 0)
        category = fl_span_of(app.category, app.category_len);
    if (category.len > 0)
        fl_event_str(ev, FL_F_CATEGORY, category);
}

void fl_enrich(struct fl_enrich *enrich, struct fl_event *ev)
{
    const struct site *site = NULL;

    if (fl_event_has(ev, FL_F_HOSTNAME) || fl_event_has(ev, FL_F_URL))
        site = fill_site(enrich, ev);
    if (!fl_event_has(ev, FL_F_CATEGORY))
        fill_category(enrich, ev, site);
}
