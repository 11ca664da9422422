#include "mix.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { ZIPF_STEPS = 1 << 20 };

struct fl_mix {
    struct fl_mix_config conf;
    uint64_t state, number;
    uint64_t session[FL_MIX_DEVICES];
    uint32_t app[ZIPF_STEPS], domain[ZIPF_STEPS];
};

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(struct fl_mix *m)
{
    uint64_t z = m->state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static uint32_t below(struct fl_mix *m, uint32_t n)
{
    return (uint32_t)((draw(m) >> 32) * n >> 32);
}

/* Steps of the cumulated 1/rank, so that a draw is one look-up. */
static void zipf(uint32_t *steps, uint32_t n)
{
    double total = 0, sum = 0;
    uint32_t at = 0;

    for (uint32_t i = 1; i <= n; i++)
        total += 1.0 / i;
    for (uint32_t i = 1; i <= n; i++) {
        sum += 1.0 / i / total;
        while (at < ZIPF_STEPS && at < sum * ZIPF_STEPS)
            steps[at++] = i - 1;
    }
    while (at < ZIPF_STEPS)
        steps[at++] = n - 1;
}

struct fl_mix *fl_mix_new(const struct fl_mix_config *config)
{
    struct fl_mix *m = calloc(1, sizeof *m);

    if (m == NULL)
        return NULL;
    m->conf = *config;
    m->state = config->seed;
    zipf(m->app, FL_MIX_APPS);
    zipf(m->domain, FL_MIX_DOMAINS);
    return m;
}

void fl_mix_free(struct fl_mix *m)
{
    free(m);
}

static void v4(unsigned char ip[16], uint32_t address)
{
    memset(ip, 0, 10);
    ip[10] = ip[11] = 0xff;
    for (unsigned i = 0; i < 4; i++)
        ip[12 + i] = (unsigned char)(address >> (24 - 8 * i));
}

static void v6(unsigned char ip[16], unsigned char net, uint32_t host)
{
    const unsigned char prefix[8] = {0x20, 0x01, 0x0d, 0xb8, 0, net, 0, 1};

    memcpy(ip, prefix, 8);
    memset(ip + 8, 0, 4);
    for (unsigned i = 0; i < 4; i++)
        ip[12 + i] = (unsigned char)(host >> (24 - 8 * i));
}

/* A user's addresses do not change, a domain has four. */
static void addresses(struct fl_mix *m, struct fl_mix_row *r)
{
    uint32_t server = r->domain * 4 + below(m, 4);

    if (r->user % 100 < 3) {
        v6(r->src, 1, r->user);
        v6(r->dst, 2, server);
    } else {
        v4(r->src, 10u << 24 | r->device << 16 | (r->user / FL_MIX_DEVICES + 1));
        v4(r->dst, (server + 1) * 2654435761u % 0xdc000000u + 0x04000000u);
    }
    v4(r->nat, 203u << 24 | 113u << 8 | r->device);
}

static uint32_t skewed(struct fl_mix *m, uint32_t least_bits, uint32_t bits)
{
    return below(m, UINT32_C(1) << (least_bits + below(m, bits))) + 1;
}

static void counters(struct fl_mix *m, struct fl_mix_row *r)
{
    r->out_bytes = skewed(m, 6, 14);
    r->in_bytes = skewed(m, 6, 20);
    r->out_packets = r->out_bytes / 700 + 1;
    r->in_packets = r->in_bytes / 1200 + 1;
    r->seconds = skewed(m, 0, 10);
    r->idle = below(m, 3) == 0;
}

void fl_mix_next(struct fl_mix *m, struct fl_mix_row *ret)
{
    struct fl_mix_row *r = ret;
    int64_t place = m->conf.start_us +
                    (int64_t)((double)m->conf.span_us * (double)m->number / (double)m->conf.rows);

    memset(r, 0, sizeof *r);
    r->number = m->number++;
    r->time_us = (place - 1500000 + below(m, 3000000)) / 1000 * 1000;
    r->user = below(m, FL_MIX_USERS);
    r->device = r->user % FL_MIX_DEVICES;
    r->app = m->app[below(m, ZIPF_STEPS)];
    r->domain = m->domain[below(m, ZIPF_STEPS)];
    r->web = below(m, 4) == 0;
    addresses(m, r);
    r->src_port = (uint16_t)(1024 + below(m, 64000));
    r->dst_port = below(m, 10) == 0 ? 80 : 443;
    r->nat_port = (uint16_t)(1024 + below(m, 64000));
    r->session = m->session[r->device] += 1 + below(m, 5);
    r->policy = below(m, 12);
    r->path[0] = below(m, 100);
    r->path[1] = below(m, 1000);
    if (!r->web)
        counters(m, r);
}

/* ---- text ---- */

struct text {
    char *at;
};

static void put(struct text *t, const char *s)
{
    size_t n = strlen(s);

    memcpy(t->at, s, n);
    t->at += n;
}

static void put_num(struct text *t, uint64_t n)
{
    char digits[20];
    size_t i = sizeof digits;

    do
        digits[--i] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    memcpy(t->at, digits + i, sizeof digits - i);
    t->at += sizeof digits - i;
}

/* With leading zeros. */
static void put_digits(struct text *t, uint32_t n, unsigned width)
{
    for (unsigned i = width; i-- > 0; n /= 10)
        t->at[i] = (char)('0' + n % 10);
    t->at += width;
}

static void put_ip(struct text *t, const unsigned char ip[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (memcmp(ip, mapped, sizeof mapped) != 0) {
        (void)inet_ntop(AF_INET6, ip, t->at, INET6_ADDRSTRLEN);
        t->at += strlen(t->at);
        return;
    }
    for (unsigned i = 12; i < 16; i++) {
        if (i > 12)
            *t->at++ = '.';
        put_num(t, ip[i]);
    }
}

/* Days since 1970 to a date of the Gregorian calendar (Hinnant, "chrono-compatible low-level date
 * algorithms"). */
static void put_time(struct text *t, int64_t us, const char *between, const char *end)
{
    int64_t ms = us / 1000, z = ms / 86400000 + 719468;
    uint32_t in_day = (uint32_t)(ms % 86400000);
    int64_t era = z / 146097;
    uint32_t doe = (uint32_t)(z - era * 146097);
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    uint32_t month = mp < 10 ? mp + 3 : mp - 9;

    put_digits(t, (uint32_t)(yoe + era * 400) + (month <= 2), 4);
    put(t, "-");
    put_digits(t, month, 2);
    put(t, "-");
    put_digits(t, doy - (153 * mp + 2) / 5 + 1, 2);
    put(t, between);
    put_digits(t, in_day / 3600000, 2);
    put(t, ":");
    put_digits(t, in_day / 60000 % 60, 2);
    put(t, ":");
    put_digits(t, in_day / 1000 % 60, 2);
    put(t, ".");
    put_digits(t, in_day % 1000, 3);
    put(t, end);
}

static void key(struct text *t, const char *name)
{
    put(t, "\" ");
    put(t, name);
    put(t, "=\"");
}

static void key_num(struct text *t, const char *name, uint64_t n)
{
    key(t, name);
    put_num(t, n);
}

static void key_ip(struct text *t, const char *name, const unsigned char ip[16])
{
    key(t, name);
    put_ip(t, ip);
}

static void key_text(struct text *t, const char *name, const char *text)
{
    key(t, name);
    put(t, text);
}

static void put_app(struct text *t, uint32_t app)
{
    put(t, "APP-");
    put_digits(t, app, 3);
}

static void put_domain(struct text *t, uint32_t domain)
{
    put(t, "www.play-gram");
    put_num(t, domain);
    put(t, ".example"); /* each is registrable: as many domains as hosts */
}

static void put_user(struct text *t, uint32_t user)
{
    put(t, "user");
    put_digits(t, user, 5);
}

static const char *outer(const struct fl_mix_row *r)
{
    return r->app % 3 != 0 ? "HTTPS" : "SSL";
}

static void put_head(struct text *t, const struct fl_mix_row *r, const char *tag)
{
    put(t, "<14>1 ");
    put_time(t, r->time_us, "T", "Z");
    put(t, " fw-");
    put_digits(t, r->device, 3);
    put(t, " RT_FLOW - ");
    put(t, tag);
    put(t, " [junos@2636.1.1.1.2.129 ");
}

static void put_flow(struct text *t, const struct fl_mix_row *r)
{
    key_ip(t, "source-address", r->src);
    key_num(t, "source-port", r->src_port);
    key_ip(t, "destination-address", r->dst);
    key_num(t, "destination-port", r->dst_port);
}

static void put_application(struct text *t, const struct fl_mix_row *r)
{
    key_text(t, "application", outer(r));
    key(t, "nested-application");
    put_app(t, r->app);
}

static void put_close(struct text *t, const struct fl_mix_row *r)
{
    put_head(t, r, "APPTRACK_SESSION_CLOSE");
    put(t, "reason=\"");
    put(t, r->idle ? "idle Timeout" : "TCP FIN");
    put_flow(t, r);
    key_text(t, "service-name", "junos-https");
    put_application(t, r);
    key_ip(t, "nat-source-address", r->nat);
    key_num(t, "nat-source-port", r->nat_port);
    key_ip(t, "nat-destination-address", r->dst);
    key_num(t, "nat-destination-port", r->dst_port);
    key_text(t, "src-nat-rule-name", "source-nat-rule-lan");
    key_text(t, "dst-nat-rule-name", "N/A");
    key_num(t, "protocol-id", 6);
    key(t, "policy-name");
    put(t, "permit-lan-to-wan-");
    put_num(t, r->policy);
    key_text(t, "source-zone-name", "trust");
    key_text(t, "destination-zone-name", "untrust");
    key_num(t, "session-id-32", r->session);
    key_num(t, "packets-from-client", r->out_packets);
    key_num(t, "bytes-from-client", r->out_bytes);
    key_num(t, "packets-from-server", r->in_packets);
    key_num(t, "bytes-from-server", r->in_bytes);
    key_num(t, "elapsed-time", r->seconds);
    key(t, "username");
    put_user(t, r->user);
    key_text(t, "roles", "N/A");
    key_text(t, "encrypted", "Yes");
    key_text(t, "routing-instance", "WAN-1");
    key_text(t, "destination-interface-name", "ge-0/0/0.0");
    key(t, "category");
    put(t, "Category-");
    put_num(t, r->app % 20);
    key_text(t, "sub-category", "N/A");
    key_text(t, "src-vrf-grp", "N/A");
    key_text(t, "dst-vrf-grp", "N/A");
    put(t, "\"]");
}

static void put_web(struct text *t, const struct fl_mix_row *r)
{
    put_head(t, r, "WEBFILTER_URL_PERMITTED");
    put(t, "source-zone=\"trust");
    key_text(t, "destination-zone", "untrust");
    put_flow(t, r);
    key_num(t, "session-id", r->session);
    put_application(t, r);
    key(t, "category");
    put(t, "Enhanced_Category_");
    put_num(t, r->domain % 60);
    key_text(t, "reason", "BY_PRE_DEFINED");
    key_text(t, "profile", "web-filter-profile-1");
    key(t, "url");
    put_domain(t, r->domain);
    key(t, "obj");
    put(t, "/p/");
    put_num(t, r->path[0]);
    put(t, "/");
    put_num(t, r->path[1]);
    key(t, "username");
    put_user(t, r->user);
    key_text(t, "roles", "N/A");
    key_text(t, "application-sub-category", "N/A");
    key_num(t, "urlcategory-risk", r->domain % 6);
    put(t, "\"]");
}

size_t fl_mix_line(const struct fl_mix_row *row, char ret[FL_MIX_LINE_MAX])
{
    struct text t = {ret};

    (row->web ? put_web : put_close)(&t, row);
    return (size_t)(t.at - ret);
}

size_t fl_mix_tsv(const struct fl_mix_row *row, char ret[FL_MIX_LINE_MAX])
{
    const struct fl_mix_row *r = row;
    const uint64_t numbers[] = {r->src_port, r->dst_port,  r->nat_port,  r->session,
                                r->policy,   r->seconds,   r->out_bytes, r->out_packets,
                                r->in_bytes, r->in_packets};
    struct text t = {ret};

    put_time(&t, r->time_us, " ", "\tsite-");
    put_num(&t, r->device / 4);
    put(&t, "\tfw-");
    put_digits(&t, r->device, 3);
    put(&t, r->web ? "\tWEBFILTER_URL_PERMITTED\t" : "\tAPPTRACK_SESSION_CLOSE\t");
    put_user(&t, r->user);
    put(&t, "\t");
    put_app(&t, r->app);
    put(&t, "\t");
    put(&t, outer(r));
    put(&t, r->web ? "\tEnhanced_Category_" : "\tCategory-");
    put_num(&t, r->web ? r->domain % 60 : r->app % 20);
    put(&t, "\t");
    put_ip(&t, r->src);
    put(&t, "\t");
    put_ip(&t, r->dst);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        put(&t, "\t");
        put_num(&t, numbers[i]);
    }
    put(&t, "\t");
    if (r->web)
        put_domain(&t, r->domain);
    put(&t, r->web ? "\t/p/" : "\t\n");
    if (r->web) {
        put_num(&t, r->path[0]);
        put(&t, "/");
        put_num(&t, r->path[1]);
        put(&t, "\n");
    }
    return (size_t)(t.at - ret);
}
