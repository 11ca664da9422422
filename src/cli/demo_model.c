#include "cli/demo_model.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/time.h"
#include "cli/demo_world.h"

enum {
    LINE_BYTES = 8192,
    HEAP_MAX = FL_DEMO_SESSIONS_MAX + 64,
    FIRST_UPDATE_S = 60, /* AppTrack: the first report of a session, then every UPDATE_S */
    UPDATE_S = 300,
    ODD_ONE_IN = 400,
    SCAN_ONE_S = 110 /* strangers knock at each device about so often */
};

/* Sessions a day of each site at full activity all day; with the hours it is about a third. */
#define DAY_SESSIONS    7600.0
#define LINES_A_SESSION 6.6

enum what { DO_SESSION, DO_ARRIVAL, DO_SCAN, DO_PROBE, DO_STORY };

struct todo { /* on the heap, by time, then by number: order never depends on memory */
    int64_t at_us;
    uint64_t number;
    enum what what;
    unsigned index;
};

enum story_kind { STORY_SLA, STORY_ATTACK, STORY_TRAP, STORY_LOGIN, STORY_BLOCKED, STORY_COUNT };

struct story { /* a chain of lines that belong together */
    enum story_kind kind;
    unsigned device, step;
    int64_t begin_us;
    bool daily;       /* begins again the next day */
    int64_t again_us; /* or so much later; 0 = not */
};

#define STORIES 16

struct fl_demo {
    uint64_t rng;
    uint64_t numbers;
    uint32_t session_id;
    bool winding_down;
    unsigned pace;    /* counts changes of intensity: arrivals planned before are void */
    double intensity; /* times what the hour gives */
    double floor;     /* activity that there is at any hour */
    struct todo heap[HEAP_MAX];
    size_t heap_len;
    struct fl_demo_session session[FL_DEMO_SESSIONS_MAX];
    unsigned unused[FL_DEMO_SESSIONS_MAX];
    size_t unused_len;
    struct story story[STORIES];
    size_t stories;
    unsigned weight_office, weight_guest;
    struct fl_buf text;
};

/* ---- chance: splitmix64; only operations whose results are the same everywhere ---- */

static uint64_t chance(struct fl_demo *d)
{
    uint64_t z = (d->rng += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static unsigned below(struct fl_demo *d, unsigned n)
{
    return (unsigned)(chance(d) % n);
}

static double unit(struct fl_demo *d) /* [0, 1) */
{
    return (double)(chance(d) >> 11) / 9007199254740992.0;
}

/* Exponentially distributed with mean 1: -ln(u), the logarithm's mantissa taken as straight. */
static double exponential(struct fl_demo *d)
{
    uint64_t u = chance(d) | 1;
    int zeros = __builtin_clzll(u);
    double mantissa = (double)(u << zeros >> 11) / 4503599627370496.0; /* [1, 2) */

    return 0.6931471805599453 * ((double)zeros + 2.0 - mantissa);
}

/* median times 2^x, x between -range and range, mostly near 0. */
static uint64_t spread(struct fl_demo *d, uint64_t median, unsigned range)
{
    double x = (unit(d) + unit(d) - 1.0) * range;
    int whole = (int)(x + 64.0) - 64;
    double part = 1.0 + (x - whole); /* 2^part, taken as straight */
    double v = (double)median * part;

    for (; whole > 0; whole--)
        v *= 2;
    for (; whole < 0; whole++)
        v /= 2;
    return v < 1 ? 1 : (uint64_t)v;
}

/* ---- the heap ---- */

static bool sooner(const struct todo *a, const struct todo *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

static void plan(struct fl_demo *d, int64_t at_us, enum what what, unsigned index)
{
    struct todo t = {at_us, ++d->numbers, what, index};
    size_t i = d->heap_len;

    if (d->heap_len == HEAP_MAX)
        return; /* only when the pace is changed over and over */
    d->heap_len++;
    while (i > 0 && sooner(&t, &d->heap[(i - 1) / 2])) {
        d->heap[i] = d->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    d->heap[i] = t;
}

static struct todo take(struct fl_demo *d)
{
    struct todo first = d->heap[0], last = d->heap[--d->heap_len];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= d->heap_len)
            break;
        if (child + 1 < d->heap_len && sooner(&d->heap[child + 1], &d->heap[child]))
            child++;
        if (!sooner(&d->heap[child], &last))
            break;
        d->heap[i] = d->heap[child];
        i = child;
    }
    d->heap[i] = last;
    return first;
}

/* ---- sessions ---- */

static double rate_of(const struct fl_demo *d, unsigned site, int64_t at_us)
{
    double activity = fl_demo_activity(site, at_us);

    if (activity < d->floor)
        activity = d->floor;
    return DAY_SESSIONS / 86400.0 * activity * d->intensity; /* a second */
}

/* The next possible arrival; whether it happens is decided when it comes (thinning), so that the
 * rate may change with the hour. */
static void plan_arrival(struct fl_demo *d, unsigned site, int64_t now_us)
{
    double most = DAY_SESSIONS / 86400.0 * d->intensity;

    plan(d, now_us + 1000 + (int64_t)(exponential(d) / most * 1e6), DO_ARRIVAL,
         d->pace * FL_DEMO_SITES + site);
}

static const struct fl_demo_app *pick_app(struct fl_demo *d, bool guest)
{
    unsigned at = below(d, guest ? d->weight_guest : d->weight_office);

    for (size_t i = 0; i < fl_demo_app_count; i++) {
        unsigned weight = guest ? fl_demo_apps[i].guest_weight : fl_demo_apps[i].weight;

        if (at < weight)
            return &fl_demo_apps[i];
        at -= weight;
    }
    return &fl_demo_apps[0];
}

static const struct fl_demo_app *app_named(const char *outer)
{
    for (size_t i = 0; i < fl_demo_app_count; i++)
        if (fl_span_eq(fl_span_str(fl_demo_apps[i].outer), fl_span_str(outer)))
            return &fl_demo_apps[i];
    return &fl_demo_apps[0];
}

static void set_far_end(struct fl_demo *d, struct fl_demo_session *s)
{
    static const unsigned char nets[3][3] = {{203, 0, 113}, {198, 51, 100}, {192, 0, 2}};
    unsigned app = (unsigned)(s->app - fl_demo_apps);

    if (s->app->inter_site) {
        memcpy(s->dst, (unsigned char[4]){10, 20, 40, (unsigned char)(10 + app)}, 4);
        return;
    }
    memcpy(s->dst, nets[app % 2], 3); /* an application has a few addresses of its own */
    s->dst[3] = (unsigned char)(app * 10 + below(d, 8) + 1);
}

/* Where the person works: which of the site's devices, which network. */
static void set_place(struct fl_demo *d, struct fl_demo_session *s, unsigned site, int64_t now_us)
{
    bool quiet = fl_demo_activity(site, now_us) < 0.2;

    s->person = below(d, FL_DEMO_STAFF);
    s->guest = site == 0 && below(d, quiet ? 2 : 6) == 0;
    s->device = site == 0   ? (s->guest ? 1u : 0u)
                : site == 1 ? 2u
                : site == 2 ? 3u + (below(d, 4) == 0)
                            : 6u;
    s->app = s->device == 4 ? (below(d, 3) == 0 ? app_named("DNS") : app_named("MQTT"))
                            : pick_app(d, s->guest || (quiet && site != 2));
    if (s->app->inter_site && (site == 0 || fl_demo_sites[site].tenant != 0))
        s->app = app_named("SSL"); /* the server is in the same building, or another company's */
}

/* Who watches gets more sessions than the hour would give; they carry less each, so that the
 * traffic goes on as it was before. */
static uint64_t thinned(const struct fl_demo *d, unsigned site, int64_t now_us, uint64_t bytes)
{
    double hour = DAY_SESSIONS / 86400.0 * fl_demo_activity(site, now_us);
    double now = rate_of(d, site, now_us);

    return now <= hour ? bytes : 60 + (uint64_t)((double)bytes * hour / now);
}

static void begin_session(struct fl_demo *d, unsigned site, const struct fl_demo_app *app,
                          int64_t now_us)
{
    unsigned index;
    struct fl_demo_session *s;

    if (d->unused_len == 0)
        return; /* the firewall's table is full: it happens */
    index = d->unused[--d->unused_len];
    s = &d->session[index];
    *s = (struct fl_demo_session){.id = ++d->session_id, .begin_us = now_us};
    set_place(d, s, site, now_us);
    if (app != NULL)
        s->app = app;
    s->src_port = (uint16_t)(20000 + below(d, 40000));
    s->nat_port = (uint16_t)(1024 + below(d, 60000));
    s->host = s->app->host2 != NULL && below(d, 3) == 0 ? s->app->host2 : s->app->host;
    s->up = thinned(d, site, now_us, spread(d, s->app->up_bytes, s->app->spread));
    s->down = thinned(d, site, now_us, spread(d, s->app->down_bytes, s->app->spread));
    s->end_us =
        now_us +
        (int64_t)(spread(d, s->app->seconds, s->app->small ? 0 : 2) * 1000 + below(d, 1000)) * 1000;
    set_far_end(d, s);
    plan(d, now_us, DO_SESSION, index);
}

static int64_t update_at(const struct fl_demo_session *s)
{
    return s->begin_us + (FIRST_UPDATE_S + (int64_t)s->updates * UPDATE_S) * FL_US_PER_S;
}

/* What comes after the line just said, and when; false: nothing. */
static bool next_step(struct fl_demo_session *s, int64_t now_us, int64_t *ret_at_us)
{
    switch ((enum fl_demo_say)s->step) {
    case FL_DEMO_SAY_CREATE:
        s->step = s->app->small ? FL_DEMO_SAY_CLOSE : FL_DEMO_SAY_TRACK_CREATE;
        *ret_at_us = s->app->small ? s->end_us : now_us + 12000;
        return true;
    case FL_DEMO_SAY_TRACK_CREATE:
        if (s->host != NULL) {
            s->step = FL_DEMO_SAY_URL;
            *ret_at_us = now_us + 90000;
            return true;
        }
        break;
    case FL_DEMO_SAY_VOLUME:
    case FL_DEMO_SAY_TRACK_CLOSE:
        if (s->app->inter_site) { /* the server's firewall has seen it too */
            s->step =
                s->step == FL_DEMO_SAY_VOLUME ? FL_DEMO_SAY_FAR_VOLUME : FL_DEMO_SAY_FAR_CLOSE;
            *ret_at_us = now_us + 40000;
            return true;
        }
        if (s->step == FL_DEMO_SAY_VOLUME)
            break;
        s->step = FL_DEMO_SAY_CLOSE;
        *ret_at_us = now_us + 3000;
        return true;
    case FL_DEMO_SAY_FAR_CLOSE:
        s->step = FL_DEMO_SAY_CLOSE;
        *ret_at_us = now_us + 3000;
        return true;
    case FL_DEMO_SAY_CLOSE:
        return false;
    case FL_DEMO_SAY_URL:
    case FL_DEMO_SAY_FAR_VOLUME:
        break;
    }
    if (update_at(s) + FL_US_PER_S < s->end_us) {
        s->step = FL_DEMO_SAY_VOLUME;
        *ret_at_us = update_at(s);
        s->updates++;
    } else {
        s->step = FL_DEMO_SAY_TRACK_CLOSE;
        *ret_at_us = s->end_us;
    }
    if (*ret_at_us <= now_us)
        *ret_at_us = now_us + 1000;
    return true;
}

static void say_session(struct fl_demo *d, const struct todo *t, struct fl_demo_line *line)
{
    struct fl_demo_session *s = &d->session[t->index];
    enum fl_demo_say what = (enum fl_demo_say)s->step;
    unsigned odd = below(d, ODD_ONE_IN) == 0 ? 1 + below(d, FL_DEMO_ODDITIES) : 0;
    int64_t next_us;

    if (odd == 3 &&
        (what == FL_DEMO_SAY_CREATE || what == FL_DEMO_SAY_CLOSE || what == FL_DEMO_SAY_URL))
        odd = 0;
    line->device = what == FL_DEMO_SAY_FAR_VOLUME || what == FL_DEMO_SAY_FAR_CLOSE ? 0 : s->device;
    line->kind = what == FL_DEMO_SAY_URL && s->app->blocked ? FL_DEMO_BLOCKED : FL_DEMO_TRAFFIC;
    line->odd = odd > 0;
    fl_demo_say(s, what, t->at_us, odd, &d->text);
    if (next_step(s, t->at_us, &next_us)) {
        plan(d, next_us, DO_SESSION, t->index);
    } else {
        s->app = NULL;
        d->unused[d->unused_len++] = t->index;
    }
}

/* ---- strangers, probes ---- */

static void say_scan(struct fl_demo *d, const struct todo *t, struct fl_demo_line *line)
{
    static const unsigned short ports[] = {22, 23, 80, 445, 3389, 5060, 8080, 8443, 2323, 6379};
    unsigned port = ports[below(d, FL_LEN(ports))];

    line->kind = FL_DEMO_DENIED;
    line->device = t->index;
    fl_demo_head(t->index, t->at_us, 14, "RT_FLOW", "RT_FLOW_SESSION_DENY", &d->text);
    fl_buf_printf(
        &d->text,
        " source-address=\"198.51.100.%u\" source-port=\"%u\" "
        "destination-address=\"192.0.2.%u\" destination-port=\"%u\" connection-tag=\"0\" "
        "service-name=\"None\" protocol-id=\"6\" icmp-type=\"0\" policy-name=\"deny-all\" "
        "source-zone-name=\"untrust\" destination-zone-name=\"junos-host\" "
        "application=\"UNKNOWN\" nested-application=\"UNKNOWN\" username=\"N/A\" "
        "roles=\"N/A\" packet-incoming-interface=\"ge-0/0/0.0\" encrypted=\"No\" "
        "reason=\"Denied by policy\" session-id=\"%u\" application-category=\"N/A\" "
        "application-sub-category=\"N/A\" application-risk=\"-1\" "
        "application-characteristics=\"N/A\"]",
        128 + below(d, 120), 1024 + below(d, 60000), 10 + 10 * fl_demo_devices[t->index].site, port,
        ++d->session_id);
    plan(d, t->at_us + 1000 + (int64_t)(exponential(d) * SCAN_ONE_S * 1e6), DO_SCAN, t->index);
}

/* Each link's own measurement, every ten minutes. */
static void say_probe(struct fl_demo *d, const struct todo *t, struct fl_demo_line *line)
{
    unsigned device = t->index / 2, link = t->index % 2;
    unsigned rtt = (unsigned)spread(d, link == 0 ? 9000 : 21000, 1);

    line->kind = FL_DEMO_TRAFFIC;
    line->device = device;
    fl_demo_head(device, t->at_us, 14, "RT_FLOW", "APPQOE_ACTIVE_SLA_METRIC_REPORT", &d->text);
    fl_buf_printf(&d->text,
                  " source-address=\"172.16.%u.1\" source-port=\"35050\" "
                  "destination-address=\"172.16.0.1\" destination-port=\"35050\" "
                  "application=\"UDP\" protocol-id=\"17\" destination-zone-name=\"vpn\" "
                  "routing-instance=\"WAN-overlay\" destination-interface-name=\"st0.%u\" "
                  "ip-dscp=\"0\" ingress-jitter=\"%u\" egress-jitter=\"%u\" rtt-jitter=\"%u\" "
                  "rtt=\"%u\" pkt-loss=\"%u\" bytes-from-client=\"%u\" bytes-from-server=\"%u\" "
                  "packets-from-client=\"%u\" packets-from-server=\"%u\" monitoring-time=\"600\" "
                  "active-probe-params=\"probe-%u\" destination-group-name=\"hub\"]",
                  1 + device, 1 + link, 200 + below(d, 700), 200 + below(d, 700),
                  300 + below(d, 1200), rtt, below(d, 12) == 0, 19000 + below(d, 900),
                  19000 + below(d, 900), 240 + below(d, 20), 240 + below(d, 20), 1 + link);
    plan(d, t->at_us + 600 * FL_US_PER_S, DO_PROBE, t->index);
}

/* ---- stories: each says its line for `step` and when the next comes; 0: that was the last ---- */

static const char *sla_metrics(struct fl_demo *d, bool bad)
{
    static char text[320]; /* one thread; used at once */
    unsigned rtt = bad ? 180000 + below(d, 90000) : 15000 + below(d, 4000);

    (void)snprintf(text, sizeof(text),
                   "ingress-jitter=\"%u\" egress-jitter=\"%u\" rtt-jitter=\"%u\" rtt=\"%u\" "
                   "pkt-loss=\"%u\"",
                   400 + below(d, 800), 400 + below(d, 800), bad ? 9000 + below(d, 9000) : 700, rtt,
                   bad ? 2 + below(d, 4) : 0);
    return text;
}

static void put_sla_ends(struct fl_demo *d, unsigned app, struct fl_buf *out)
{
    static const char *const apps[] = {"MS-TEAMS", "SALESFORCE", "OFFICE365", "GITHUB"};

    fl_buf_printf(out,
                  " source-address=\"10.21.10.%u\" source-port=\"%u\" "
                  "destination-address=\"203.0.113.%u\" destination-port=\"443\" "
                  "apbr-profile=\"apbr1\" apbr-rule=\"business\" application=\"SSL\" "
                  "nested-application=\"%s\" group-name=\"business\" service-name=\"junos-https\" "
                  "protocol-id=\"6\" source-zone-name=\"trust\" destination-zone-name=\"vpn\"",
                  10 + below(d, FL_DEMO_STAFF), 20000 + below(d, 40000), 10 + app * 10,
                  apps[app % 4]);
}

static int64_t story_sla(struct fl_demo *d, struct story *s, int64_t at_us,
                         struct fl_demo_line *line)
{
    bool over = s->step >= 8, path = s->step % 2 == 1;
    unsigned app = s->step / 2 % 4;

    line->kind = path ? FL_DEMO_PATH : FL_DEMO_SLA;
    fl_demo_head(s->device, at_us, 12, "RT_FLOW",
                 path ? "APPQOE_BEST_PATH_SELECTED" : "APPQOE_SLA_METRIC_VIOLATION", &d->text);
    put_sla_ends(d, app, &d->text);
    fl_buf_printf(&d->text,
                  " session-id-32=\"%u\" username=\"N/A\" roles=\"N/A\" "
                  "routing-instance=\"WAN-overlay\" destination-interface-name=\"st0.%u\" "
                  "ip-dscp=\"0\"%ssla-rule=\"voice-and-business\"",
                  ++d->session_id, path == over ? 1u : 2u,
                  s->step == 4 ? "" : " "); /* as some releases do */
    if (path)
        fl_buf_printf(&d->text,
                      " elapsed-time=\"%u\" bytes-from-client=\"%u\" bytes-from-server=\"%u\" "
                      "packets-from-client=\"%u\" packets-from-server=\"%u\" "
                      "previous-interface=\"st0.%u\" active-probe-params=\"probe-1\" "
                      "destination-group-name=\"hub\" reason=\"%s\"]",
                      30 + below(d, 200), 6000 + below(d, 9000), 20000 + below(d, 90000),
                      40 + below(d, 50), 60 + below(d, 90), over ? 2u : 1u,
                      over ? "sla met" : "sla violated");
    else
        fl_buf_printf(
            &d->text,
            " %s target-jitter-type=\"2\" target-jitter=\"20000\" target-rtt=\"150000\" "
            "target-pkt-loss=\"1\" violation-reason=\"%u\" jitter-violation-count=\"0\" "
            "pkt-loss-violation-count=\"%u\" rtt-violation-count=\"%u\" "
            "violation-duration=\"%u\" bytes-from-client=\"%u\" bytes-from-server=\"%u\" "
            "packets-from-client=\"%u\" packets-from-server=\"%u\" monitoring-time=\"60\"]",
            sla_metrics(d, !over), over ? 0u : 1u, over ? 0u : 1u, over ? 0u : 3u, over ? 60u : 0u,
            9000 + below(d, 9000), 30000 + below(d, 90000), 50 + below(d, 50), 80 + below(d, 90));
    line->odd = s->step == 4;
    if (s->step == 15)
        return 0;
    return at_us + (s->step == 7 ? 55 : path ? 2 : 1) * FL_US_PER_S;
}

static void say_screen(struct fl_demo *d, const struct story *s)
{
    fl_buf_printf(&d->text,
                  " attack-name=\"TCP port scan!\" source-address=\"203.0.113.66\" "
                  "source-port=\"%u\" destination-address=\"192.0.2.%u\" destination-port=\"%u\" "
                  "source-zone-name=\"untrust\" interface-name=\"ge-0/0/0.0\" action=\"drop\"]",
                  40000 + below(d, 20000), 10 + 10 * fl_demo_devices[s->device].site,
                  1 + below(d, 9000));
}

static void say_intrusion(struct fl_demo *d, const struct story *s, int64_t at_us)
{
    static const struct {
        const char *name, *severity, *service, *app;
        unsigned port;
    } attacks[] = {
        {"HTTP:EXPLOIT:LOG4J-JNDI-RCE", "CRITICAL", "SERVICE_IDP", "HTTP", 8080},
        {"SSH:BRUTE-LOGIN", "HIGH", "SERVICE_IDP", "SSH", 22},
        {"HTTP:DIR:TRAVERSE-DIRECTORY", "MEDIUM", "SERVICE_IDP", "HTTP", 80},
    };
    unsigned a = below(d, 5) % 3;

    fl_buf_printf(&d->text,
                  " epoch-time=\"%lld\" message-type=\"SIG\" source-address=\"203.0.113.66\" "
                  "source-port=\"%u\" destination-address=\"10.20.40.%u\" destination-port=\"%u\" "
                  "protocol-name=\"TCP\" service-name=\"%s\" application-name=\"%s\" "
                  "rule-name=\"7\" rulebase-name=\"IPS\" policy-name=\"Recommended\" "
                  "export-id=\"1\" repeat-count=\"0\" action=\"DROP\" threat-severity=\"%s\" "
                  "attack-name=\"%s\" nat-source-address=\"0.0.0.0\" nat-source-port=\"0\" "
                  "nat-destination-address=\"192.0.2.%u\" nat-destination-port=\"%u\" "
                  "elapsed-time=\"0\" inbound-bytes=\"0\" outbound-bytes=\"0\" "
                  "inbound-packets=\"0\" outbound-packets=\"0\" source-zone-name=\"untrust\" "
                  "source-interface-name=\"ge-0/0/0.0\" destination-zone-name=\"servers\" "
                  "destination-interface-name=\"ge-0/0/2.0\" packet-log-id=\"0\" alert=\"no\" "
                  "username=\"N/A\" roles=\"N/A\" message=\"-\"]",
                  (long long)(at_us / FL_US_PER_S), 40000 + below(d, 20000), 10 + below(d, 4),
                  attacks[a].port, attacks[a].service, attacks[a].app, attacks[a].severity,
                  attacks[a].name, 10 + 10 * fl_demo_devices[s->device].site, attacks[a].port);
}

/* A port scan that the screen drops, then attempts that intrusion detection drops. */
static int64_t story_attack(struct fl_demo *d, struct story *s, int64_t at_us,
                            struct fl_demo_line *line)
{
    bool screen = s->step < 60;

    line->kind = FL_DEMO_ATTACK;
    fl_demo_head(s->device, at_us, screen ? 11 : 165, screen ? "RT_IDS" : "RT_IDP",
                 screen ? "RT_SCREEN_TCP" : "IDP_ATTACK_LOG_EVENT", &d->text);
    if (screen)
        say_screen(d, s);
    else
        say_intrusion(d, s, at_us);
    return s->step == 71 ? 0 : at_us + (screen ? 150 : 900) * 1000 + below(d, 200000);
}

static int64_t story_trap(struct fl_demo *d, struct story *s, int64_t at_us,
                          struct fl_demo_line *line)
{
    bool up = s->step == 1;

    line->kind = FL_DEMO_LINK;
    fl_demo_head(s->device, at_us, 28, "mib2d", up ? "SNMP_TRAP_LINK_UP" : "SNMP_TRAP_LINK_DOWN",
                 &d->text);
    fl_buf_printf(&d->text,
                  " snmp-interface-index=\"517\" admin-status=\"up(1)\" "
                  "operational-status=\"%s\" interface-name=\"ge-0/0/3\"] ifIndex 517, "
                  "ifAdminStatus up(1), ifOperStatus %s, ifName ge-0/0/3",
                  up ? "up(1)" : "down(2)", up ? "up(1)" : "down(2)");
    return up ? 0 : at_us + (40 + (int64_t)below(d, 120)) * FL_US_PER_S;
}

static int64_t story_login(struct fl_demo *d, struct story *s, int64_t at_us,
                           struct fl_demo_line *line)
{
    line->kind = FL_DEMO_SYSTEM;
    fl_demo_head(s->device, at_us, 189, "mgd", "UI_DBASE_LOGOUT_EVENT", &d->text);
    fl_buf_put_str(&d->text, " username=\"netops\"] User 'netops' exiting configuration mode");
    return 0;
}

static int64_t story_blocked(struct fl_demo *d, struct story *s, int64_t at_us,
                             struct fl_demo_line *line)
{
    for (size_t i = 0; i < fl_demo_app_count; i++)
        if (fl_demo_apps[i].blocked)
            begin_session(d, fl_demo_devices[s->device].site, &fl_demo_apps[i], at_us);
    (void)line; /* the session says it */
    return s->step == 2 ? 0 : at_us + 4 * FL_US_PER_S;
}

typedef int64_t (*story_fn)(struct fl_demo *, struct story *, int64_t, struct fl_demo_line *);

static void tell(struct fl_demo *d, const struct todo *t, struct fl_demo_line *line)
{
    static const story_fn of_kind[STORY_COUNT] = {
        [STORY_SLA] = story_sla,     [STORY_ATTACK] = story_attack,   [STORY_TRAP] = story_trap,
        [STORY_LOGIN] = story_login, [STORY_BLOCKED] = story_blocked,
    };
    struct story *s = &d->story[t->index];
    int64_t next_us;

    line->device = s->device;
    next_us = of_kind[s->kind](d, s, t->at_us, line);
    s->step++;
    if (next_us == 0 && (s->daily || s->again_us > 0)) {
        s->begin_us += s->daily ? FL_US_PER_DAY : s->again_us;
        s->step = 0;
        next_us = s->begin_us;
    }
    if (next_us > 0)
        plan(d, next_us, DO_STORY, t->index);
}

static void add_story(struct fl_demo *d, enum story_kind kind, unsigned device, int64_t begin_us,
                      bool daily, int64_t again_us)
{
    if (d->stories == STORIES)
        return;
    d->story[d->stories] = (struct story){kind, device, 0, begin_us, daily, again_us};
    plan(d, begin_us, DO_STORY, (unsigned)d->stories++);
}

/* The next time it is hour:minute UTC. */
static int64_t clock_time(int64_t from_us, unsigned hour, unsigned minute)
{
    int64_t at_us = (int64_t)fl_day_of(from_us) * FL_US_PER_DAY +
                    (int64_t)(hour * 60 + minute) * 60 * FL_US_PER_S;

    return at_us >= from_us ? at_us : at_us + FL_US_PER_DAY;
}

/* ---- whole ---- */

static void weigh(struct fl_demo *d)
{
    for (size_t i = 0; i < fl_demo_app_count; i++) {
        d->weight_office += fl_demo_apps[i].weight;
        d->weight_guest += fl_demo_apps[i].guest_weight;
    }
}

int fl_demo_new(uint64_t seed, int64_t from_us, struct fl_demo **ret, struct fl_err *err)
{
    struct fl_demo *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the demonstration");
    d->rng = seed;
    d->intensity = 1;
    /* numbers of a later run differ: they count from the time it begins */
    d->session_id = (uint32_t)(from_us / FL_US_PER_S % 100000000) * 16;
    fl_buf_init(&d->text, LINE_BYTES);
    for (unsigned i = 0; i < FL_DEMO_SESSIONS_MAX; i++)
        d->unused[d->unused_len++] = FL_DEMO_SESSIONS_MAX - 1 - i;
    weigh(d);
    for (unsigned site = 0; site < FL_DEMO_SITES; site++)
        plan_arrival(d, site, from_us);
    for (unsigned i = 0; i < FL_DEMO_REPLAY; i++) {
        plan(d, from_us + (int64_t)below(d, SCAN_ONE_S) * FL_US_PER_S, DO_SCAN, i);
        plan(d, from_us + (int64_t)below(d, 600) * FL_US_PER_S, DO_PROBE, 2 * i);
        plan(d, from_us + (int64_t)below(d, 600) * FL_US_PER_S, DO_PROBE, 2 * i + 1);
    }
    add_story(d, STORY_SLA, 2, clock_time(from_us, 9, 42), true, 0);
    add_story(d, STORY_ATTACK, 0, clock_time(from_us, 13, 20), true, 0);
    add_story(d, STORY_ATTACK, 3, clock_time(from_us, 2, 10), true, 0);
    add_story(d, STORY_TRAP, 2, clock_time(from_us, 5, 10), true, 0);
    add_story(d, STORY_TRAP, FL_DEMO_REPLAY, clock_time(from_us, 15, 5), true, 0);
    add_story(d, STORY_LOGIN, 0, clock_time(from_us, 7, 31), true, 0);
    add_story(d, STORY_LOGIN, 3, clock_time(from_us, 16, 2), true, 0);
    *ret = d;
    return FL_OK;
}

void fl_demo_free(struct fl_demo *d)
{
    if (d == NULL)
        return;
    fl_buf_done(&d->text);
    free(d);
}

static void arrive(struct fl_demo *d, const struct todo *t)
{
    double most = DAY_SESSIONS / 86400.0 * d->intensity;
    unsigned site = t->index % FL_DEMO_SITES;

    if (d->winding_down || t->index / FL_DEMO_SITES != d->pace)
        return;
    if (unit(d) * most < rate_of(d, site, t->at_us))
        begin_session(d, site, NULL, t->at_us);
    plan_arrival(d, site, t->at_us);
}

int fl_demo_next(struct fl_demo *d, int64_t until_us, struct fl_demo_line *ret)
{
    while (d->heap_len > 0 && d->heap[0].at_us < until_us) {
        struct todo t = take(d);
        struct fl_demo_line line = {.at_us = t.at_us};

        fl_buf_clear(&d->text);
        if (t.what == DO_SESSION)
            say_session(d, &t, &line);
        else if (t.what == DO_ARRIVAL)
            arrive(d, &t);
        else if (t.what == DO_STORY)
            tell(d, &t, &line);
        else if (!d->winding_down && t.what == DO_SCAN)
            say_scan(d, &t, &line);
        else if (!d->winding_down)
            say_probe(d, &t, &line);
        if (d->text.len == 0 || d->text.failed != 0)
            continue;
        line.text = fl_buf_span(&d->text);
        *ret = line;
        return 1;
    }
    return 0;
}

void fl_demo_watched(struct fl_demo *d, int64_t at_us, double lines_per_s)
{
    const int64_t every_us = 600 * FL_US_PER_S;
    double sum = 0;

    d->floor = 0.25;
    d->intensity = 1;
    for (unsigned site = 0; site < FL_DEMO_SITES; site++)
        sum += rate_of(d, site, at_us) * LINES_A_SESSION;
    if (sum > 0)
        d->intensity = lines_per_s / sum;
    d->pace++;
    for (unsigned site = 0; site < FL_DEMO_SITES; site++)
        plan_arrival(d, site, at_us);
    add_story(d, STORY_BLOCKED, 0, at_us + 8 * FL_US_PER_S, false, every_us);
    add_story(d, STORY_SLA, 2, at_us + 15 * FL_US_PER_S, false, every_us);
    add_story(d, STORY_ATTACK, 3, at_us + 30 * FL_US_PER_S, false, every_us);
}

size_t fl_demo_open(const struct fl_demo *d)
{
    return FL_DEMO_SESSIONS_MAX - d->unused_len;
}

void fl_demo_wind_down(struct fl_demo *d)
{
    d->winding_down = true;
}
