#include "cli/demo_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"

const struct fl_demo_tenant fl_demo_tenants[FL_DEMO_TENANTS] = {
    {"demo", "Demonstration"},
    {"demo-north", "Demonstration, another company"},
};

const struct fl_demo_site fl_demo_sites[FL_DEMO_SITES] = {
    {"berlin", "Berlin head office", "Berlin", "DE", 52.52, 13.405, 1, 0},
    {"lyon", "Lyon sales office", "Lyon", "FR", 45.764, 4.836, 1, 0},
    {"porto", "Porto plant", "Porto", "PT", 41.158, -8.629, 0, 0},
    {"oslo", "Oslo shop", "Oslo", "NO", 59.913, 10.752, 1, 1},
};

const struct fl_demo_device fl_demo_devices[FL_DEMO_DEVICES] = {
    {"berlin-fw1", "Berlin, first line", 0},
    {"berlin-fw2", "Berlin, guests and second line", 0},
    {"lyon-fw1", "Lyon", 1},
    {"porto-fw1", "Porto, offices", 2},
    {"porto-fw2", "Porto, machines", 2},
    {"lyon-lab", "Lyon, test bench", 1},
    {"oslo-fw1", "Oslo, tills and office", 3},
};

#define WEB  6, 443
#define QUIC 17, 443
#define K    1000u
#define M    1000000u

/* clang-format off */
const struct fl_demo_app fl_demo_apps[] = {
    {"SSL", "OFFICE365", "junos-https", "collaboration", "Office", "outlook.office365.com", "www.office.com",
     "Enhanced_Business_and_Economy", WEB, 190, 30, 220 * K, 900 * K, 240, 3, false, false, false},
    {"SSL", "MS-TEAMS", "junos-https", "collaboration", "Conference", "teams.microsoft.com", "statics.teams.cdn.office.net",
     "Enhanced_Business_and_Economy", WEB, 55, 5, 14 * M, 22 * M, 1500, 2, false, false, false},
    {"SSL", "SALESFORCE", "junos-https", "business", "CRM", "acme.my.salesforce.com", "login.salesforce.com",
     "Enhanced_Business_and_Economy", WEB, 80, 0, 150 * K, 1200 * K, 300, 2, false, false, false},
    {"SSL", "GOOGLE", "junos-https", "web", "Search", "www.google.com", "fonts.gstatic.com",
     "Enhanced_Search_Engines_and_Portals", WEB, 130, 120, 25 * K, 180 * K, 45, 3, false, false, false},
    {"QUIC", "YOUTUBE", "junos-https", "streaming", "Video-Streaming", "www.youtube.com",
     "rr4.sn-demo.googlevideo.com", "Enhanced_Streaming_Media", QUIC, 32, 190, 900 * K, 48 * M, 420, 3, false, false, false},
    {"SSL", "NETFLIX", "junos-https", "streaming", "Video-Streaming", "www.netflix.com", "ipv4.nflxvideo.net",
     "Enhanced_Streaming_Media", WEB, 3, 80, 1500 * K, 160 * M, 1800, 2, false, false, false},
    {"SSL", "SPOTIFY", "junos-https", "streaming", "Audio-Streaming", "spclient.wg.spotify.com", "open.spotify.com",
     "Enhanced_Streaming_Media", WEB, 22, 60, 120 * K, 5 * M, 900, 2, false, false, false},
    {"SSL", "GITHUB", "junos-https", "business", "Development", "github.com", "objects.githubusercontent.com",
     "Enhanced_Information_Technology", WEB, 38, 6, 300 * K, 3 * M, 180, 4, false, false, false},
    {"SSL", "LINKEDIN", "junos-https", "social", "Social-Networking", "www.linkedin.com", "static.licdn.com",
     "Enhanced_Social_Networking", WEB, 26, 25, 90 * K, 1500 * K, 200, 2, false, false, false},
    {"SSL", "INSTAGRAM", "junos-https", "social", "Social-Networking", "www.instagram.com", "scontent.cdninstagram.com",
     "Enhanced_Social_Networking", WEB, 10, 110, 400 * K, 14 * M, 300, 2, false, false, false},
    {"SSL", "DROPBOX", "junos-https", "cloud-storage", "Cloud-Storage", "www.dropbox.com", "content.dropboxapi.com",
     "Enhanced_Personal_Network_Storage", WEB, 14, 8, 9 * M, 6 * M, 240, 4, false, false, false},
    {"SSL", "WIKIPEDIA", "junos-https", "web", "Reference", "en.wikipedia.org", "upload.wikimedia.org",
     "Enhanced_Reference_Materials", WEB, 28, 20, 30 * K, 420 * K, 60, 2, false, false, false},
    {"SSL", "AMAZON", "junos-https", "shopping", "Shopping", "www.amazon.de", "m.media-amazon.com",
     "Enhanced_Shopping", WEB, 20, 40, 120 * K, 2200 * K, 180, 2, false, false, false},
    {"SSL", "UNKNOWN", "junos-https", "N/A", "N/A", "www.lemonde.fr", "www.tagesschau.de",
     "Enhanced_News_and_Media", WEB, 30, 30, 60 * K, 1300 * K, 120, 2, false, false, false},
    {"UNKNOWN", "UNKNOWN", "junos-https", "N/A", "N/A", "portal.supplier.example", "api.tracking.example",
     "Enhanced_Business_and_Economy", WEB, 34, 0, 200 * K, 300 * K, 90, 3, false, false, false},
    {"HTTP", "MICROSOFT-UPDATE", "junos-http", "update", "Software-Update", "download.windowsupdate.com", NULL,
     "Enhanced_Information_Technology", 6, 80, 7, 4, 400 * K, 90 * M, 400, 3, false, false, false},
    {"SSL", "UNKNOWN", "junos-https", "N/A", "N/A", "lucky-spins.example", "bets.example",
     "Enhanced_Gambling", WEB, 4, 9, 2 * K, 1 * K, 2, 1, true, false, false},
    {"SMB", "UNKNOWN", "junos-smb-session", "file-transfer", "File-Servers", NULL, NULL,
     NULL, 6, 445, 40, 0, 4 * M, 16 * M, 700, 4, false, true, false},
    {"SAP", "UNKNOWN", "sap-gui", "business", "ERP", NULL, NULL,
     NULL, 6, 3200, 60, 0, 300 * K, 1400 * K, 1600, 2, false, true, false},
    {"SSH", "UNKNOWN", "junos-ssh", "remote-access", "Remote-Access", NULL, NULL,
     NULL, 6, 22, 10, 0, 200 * K, 500 * K, 1200, 3, false, false, false},
    {"MQTT", "UNKNOWN", "mqtt", "infrastructure", "IoT", NULL, NULL,
     NULL, 6, 8883, 0, 0, 90 * K, 30 * K, 3000, 1, false, false, false},
    {"DNS", "UNKNOWN", "junos-dns-udp", "infrastructure", "Networking", NULL, NULL,
     NULL, 17, 53, 150, 90, 80, 220, 1, 1, false, false, true},
    {"NTP", "UNKNOWN", "junos-ntp", "infrastructure", "Networking", NULL, NULL,
     NULL, 17, 123, 20, 5, 76, 76, 1, 0, false, false, true},
};
/* clang-format on */
const size_t fl_demo_app_count = FL_LEN(fl_demo_apps);

/* By local hour, in percent of the busiest; the plant's shifts change at 6, 14 and 22. */
double fl_demo_activity(unsigned site, int64_t at_us)
{
    static const unsigned char percent[FL_DEMO_SITES][24] = {
        {2, 2, 2, 2, 2, 4, 12, 40, 80, 95, 100, 92, 60, 78, 96, 98, 90, 62, 30, 14, 8, 6, 4, 3},
        {2, 2, 2, 2, 2, 3, 8, 25, 70, 96, 100, 95, 40, 45, 90, 100, 96, 80, 45, 16, 8, 6, 4, 3},
        {52, 50, 48,  46, 48, 55, 80, 88, 92, 95, 90, 88,
         70, 90, 100, 95, 90, 84, 80, 76, 70, 66, 64, 56},
        {1, 1, 1, 1, 1, 2, 4, 10, 30, 48, 55, 60, 62, 58, 56, 60, 66, 60, 52, 40, 18, 4, 2, 1},
    };
    int64_t local_us = at_us + fl_demo_sites[site].utc_offset_h * 3600 * FL_US_PER_S;
    int64_t of_day = local_us - (int64_t)fl_day_of(local_us) * FL_US_PER_DAY;
    int64_t hour = of_day / (3600 * FL_US_PER_S);
    double part = (double)(of_day % (3600 * FL_US_PER_S)) / (3600.0 * 1e6);
    double now = percent[site][hour], next = percent[site][(hour + 1) % 24];

    return (now + (next - now) * part) / 100.0;
}

void fl_demo_person(unsigned site, unsigned person, char name[32])
{
    static const char *const surnames[FL_DEMO_SITES][12] = {
        {"fischer", "weber", "wagner", "becker", "schulz", "koch", "richter", "wolf", "neumann",
         "krueger", "hartmann", "lange"},
        {"moreau", "laurent", "girard", "roux", "fournier", "mercier", "blanc", "guerin", "faure",
         "chevalier", "renard", "marchand"},
        {"silva", "santos", "ferreira", "pereira", "oliveira", "costa", "rodrigues", "martins",
         "sousa", "fernandes", "lopes", "marques"},
        {"hansen", "johansen", "olsen", "larsen", "andersen", "pedersen", "nilsen", "kristiansen",
         "jensen", "karlsen", "johnsen", "pettersen"},
    };
    static const char initials[] = "ajmk";

    (void)snprintf(name, 32, "%c.%s", initials[(person / 12 + site) % 4],
                   surnames[site][person % 12]);
}

/* ---- lines ---- */

static void put_time(int64_t at_us, int offset_h, bool zone, struct fl_buf *out)
{
    char text[FL_TIME_TEXT_BYTES];

    fl_time_format(at_us + (int64_t)offset_h * 3600 * FL_US_PER_S, text);
    fl_buf_put(out, text, 23); /* up to the millisecond */
    if (zone && offset_h == 0)
        fl_buf_put_str(out, "Z");
    else if (zone)
        fl_buf_printf(out, "%+03d:00", offset_h);
}

static void head(unsigned device, int64_t at_us, unsigned pri, const char *program, const char *tag,
                 bool zone, struct fl_buf *out)
{
    const struct fl_demo_device *d = &fl_demo_devices[device];
    /* devices that log in their local time are as common as those that log in UTC */
    int offset_h = device % 2 == 0 ? fl_demo_sites[d->site].utc_offset_h : 0;

    fl_buf_printf(out, "<%u>1 ", pri);
    put_time(at_us, zone ? offset_h : 0, zone, out);
    fl_buf_printf(out, " %s %s - %s [junos@2636.1.1.1.2.129", d->slug, program, tag);
}

void fl_demo_head(unsigned device, int64_t at_us, unsigned pri, const char *program,
                  const char *tag, struct fl_buf *out)
{
    head(device, at_us, pri, program, tag, true, out);
}

/* Addresses and ports, as a flow's lines have them. */
struct ends {
    char src[16], dst[16], nat[16], user[32];
    const char *src_zone, *dst_zone, *roles, *in_if, *out_if, *policy, *instance;
};

static void ends_of(const struct fl_demo_session *s, struct ends *e)
{
    static const char *const roles[] = {"staff", "sales", "engineering", "finance"};
    unsigned site = fl_demo_devices[s->device].site;
    unsigned net = s->guest ? 200 : s->device == 4 ? 60 : 10;

    (void)snprintf(e->src, sizeof(e->src), "10.%u.%u.%u", 20 + site, net, 10 + s->person);
    (void)snprintf(e->dst, sizeof(e->dst), "%u.%u.%u.%u", s->dst[0], s->dst[1], s->dst[2],
                   s->dst[3]);
    if (s->app->inter_site)
        memcpy(e->nat, e->src, sizeof(e->nat));
    else
        (void)snprintf(e->nat, sizeof(e->nat), "192.0.2.%u", 10 * (site + 1));
    if (s->guest || s->device == 4)
        (void)snprintf(e->user, sizeof(e->user), "N/A");
    else
        fl_demo_person(site, s->person, e->user);
    e->roles = s->guest || s->device == 4 ? "N/A" : roles[s->person % 4];
    e->src_zone = s->guest ? "guest" : s->device == 4 ? "machines" : "trust";
    e->dst_zone = s->app->inter_site ? "vpn" : "untrust";
    e->in_if = s->guest ? "ge-0/0/5.200" : "ge-0/0/1.0";
    e->out_if = s->app->inter_site ? "st0.1" : "ge-0/0/0.0";
    e->policy = s->guest             ? "guest-internet"
                : s->app->inter_site ? "site-to-site"
                                     : "internet-access";
    e->instance = s->app->inter_site ? "WAN-overlay" : "default";
}

/* Source and destination, which nearly every message begins with. */
static void put_ends(const struct fl_demo_session *s, const struct ends *e, struct fl_buf *out)
{
    fl_buf_printf(out,
                  " source-address=\"%s\" source-port=\"%u\" destination-address=\"%s\" "
                  "destination-port=\"%u\"",
                  e->src, s->src_port, e->dst, s->app->port);
}

static void put_nat(const struct fl_demo_session *s, const struct ends *e, struct fl_buf *out)
{
    fl_buf_printf(
        out,
        " nat-source-address=\"%s\" nat-source-port=\"%u\" nat-destination-address=\"%s\" "
        "nat-destination-port=\"%u\"",
        e->nat, s->app->inter_site ? s->src_port : s->nat_port, e->dst, s->app->port);
}

static void put_zones(const struct fl_demo_session *s, const struct ends *e, const char *id,
                      struct fl_buf *out)
{
    fl_buf_printf(out,
                  " protocol-id=\"%u\" policy-name=\"%s\" source-zone-name=\"%s\" "
                  "destination-zone-name=\"%s\" %s=\"%" PRIu32 "\"",
                  s->app->proto, e->policy, e->src_zone, e->dst_zone, id, s->id);
}

/* Counters are cumulative: what the session has moved by then. */
static void put_counters(const struct fl_demo_session *s, int64_t at_us, struct fl_buf *out)
{
    int64_t whole_us = s->end_us - s->begin_us, gone_us = at_us - s->begin_us;
    uint64_t up = s->up, down = s->down;

    if (gone_us < whole_us && whole_us > 0) {
        double part = (double)gone_us / (double)whole_us;

        up = (uint64_t)((double)up * part);
        down = (uint64_t)((double)down * part);
    } else {
        gone_us = whole_us;
    }
    fl_buf_printf(out,
                  " packets-from-client=\"%" PRIu64 "\" bytes-from-client=\"%" PRIu64
                  "\" packets-from-server=\"%" PRIu64 "\" bytes-from-server=\"%" PRIu64
                  "\" elapsed-time=\"%" PRId64 "\"",
                  up / 620 + down / 2800 + 2, up, down / 1320 + 2, down, gone_us / FL_US_PER_S);
}

static void say_create(const struct fl_demo_session *s, const struct ends *e, struct fl_buf *out)
{
    put_ends(s, e, out);
    fl_buf_printf(out, " connection-tag=\"0\" service-name=\"%s\"", s->app->service);
    put_nat(s, e, out);
    fl_buf_put_str(out, " nat-connection-tag=\"0\" src-nat-rule-type=\"source rule\" "
                        "src-nat-rule-name=\"r1\" dst-nat-rule-type=\"N/A\" "
                        "dst-nat-rule-name=\"N/A\"");
    put_zones(s, e, "session-id-32", out);
    fl_buf_printf(out,
                  " username=\"%s\" roles=\"%s\" packet-incoming-interface=\"%s\" "
                  "application=\"UNKNOWN\" nested-application=\"UNKNOWN\" encrypted=\"UNKNOWN\" "
                  "application-category=\"N/A\" application-sub-category=\"N/A\" "
                  "application-risk=\"-1\" application-characteristics=\"N/A\"",
                  e->user, e->roles, e->in_if);
}

static void say_close(const struct fl_demo_session *s, const struct ends *e, int64_t at_us,
                      struct fl_buf *out)
{
    fl_buf_printf(out, " reason=\"%s\"",
                  s->app->blocked        ? "application failure or action"
                  : s->app->proto == 17  ? "idle Timeout"
                  : s->src_port % 5 == 0 ? "TCP CLIENT RST"
                                         : "TCP FIN");
    put_ends(s, e, out);
    fl_buf_printf(out, " connection-tag=\"0\" service-name=\"%s\"", s->app->service);
    put_nat(s, e, out);
    fl_buf_put_str(out, " nat-connection-tag=\"0\" src-nat-rule-type=\"source rule\" "
                        "src-nat-rule-name=\"r1\" dst-nat-rule-type=\"N/A\" "
                        "dst-nat-rule-name=\"N/A\"");
    put_zones(s, e, "session-id-32", out);
    put_counters(s, at_us, out);
    fl_buf_printf(out,
                  " application=\"%s\" nested-application=\"%s\" username=\"%s\" roles=\"%s\" "
                  "packet-incoming-interface=\"%s\" encrypted=\"%s\" application-category=\"%s\" "
                  "application-sub-category=\"%s\" application-risk=\"%d\" "
                  "application-characteristics=\"N/A\" secure-web-proxy-session-type=\"NA\" "
                  "peer-session-id=\"0\" peer-source-address=\"0.0.0.0\" peer-source-port=\"0\" "
                  "peer-destination-address=\"0.0.0.0\" peer-destination-port=\"0\" "
                  "hostname=\"NA NA\" src-vrf-grp=\"N/A\" dst-vrf-grp=\"N/A\"",
                  s->app->outer, s->app->nested, e->user, e->roles, e->in_if,
                  s->app->port == 443 ? "Yes" : "No", s->app->category, s->app->sub_category,
                  s->app->category[0] == 'N' ? -1 : 2);
}

/* APPTRACK_SESSION_*: reason, ends, names, counters. */
static void say_track(const struct fl_demo_session *s, struct ends *e, enum fl_demo_say what,
                      int64_t at_us, bool trailing_space, struct fl_buf *out)
{
    bool close = what == FL_DEMO_SAY_TRACK_CLOSE || what == FL_DEMO_SAY_FAR_CLOSE;
    bool create = what == FL_DEMO_SAY_TRACK_CREATE;

    if (what == FL_DEMO_SAY_FAR_VOLUME || what == FL_DEMO_SAY_FAR_CLOSE) {
        e->src_zone = "from-wan";
        e->dst_zone = "servers";
        e->instance = "LAN-berlin";
        e->out_if = "ge-0/0/2.0";
    }
    if (close || create)
        fl_buf_printf(out, " reason=\"%s\"", create ? "session created" : "session closed");
    put_ends(s, e, out);
    fl_buf_printf(out, " service-name=\"%s\" application=\"%s\" nested-application=\"%s\"",
                  s->app->service, create ? "UNKNOWN" : s->app->outer,
                  create ? "UNKNOWN" : s->app->nested);
    put_nat(s, e, out);
    fl_buf_put_str(out, " src-nat-rule-name=\"r1\" dst-nat-rule-name=\"N/A\"");
    put_zones(s, e, "session-id-32", out);
    if (!create)
        put_counters(s, at_us, out);
    fl_buf_printf(out, " username=\"%s\" roles=\"%s\" encrypted=\"%s%s\"", e->user, e->roles,
                  s->app->port == 443 ? "Yes" : "No", trailing_space ? " " : "");
    if (close)
        fl_buf_printf(out,
                      " profile-name=\"apbr1\" rule-name=\"r_apbr_p_%s_s_default\" "
                      "routing-instance=\"%s\" destination-interface-name=\"%s\" "
                      "uplink-incoming-interface-name=\"\" uplink-tx-bytes=\"0\" "
                      "uplink-rx-bytes=\"0\"",
                      s->app->inter_site ? "site" : "web", e->instance, e->out_if);
    else if (!create)
        fl_buf_printf(out, " destination-interface-name=\"%s\"", e->out_if);
    if (!create)
        fl_buf_printf(out,
                      " category=\"%s\" sub-category=\"%s\" src-vrf-grp=\"N/A\" "
                      "dst-vrf-grp=\"N/A\"",
                      s->app->category, s->app->sub_category);
}

static void say_url(const struct fl_demo_session *s, const struct ends *e, struct fl_buf *out)
{
    static const char *const paths[] = {"/", "/index.html", "/api/v2/items?page=2", "/news/today",
                                        "/assets/app.js"};

    fl_buf_printf(out, " source-zone=\"%s\" destination-zone=\"%s\"", e->src_zone, e->dst_zone);
    put_ends(s, e, out);
    fl_buf_printf(out,
                  " session-id=\"%" PRIu32 "\" application=\"%s\" nested-application=\"%s\" "
                  "category=\"%s\" reason=\"%s\" profile=\"web-filter-1\" url=\"%s\" obj=\"%s\" "
                  "username=\"%s\" roles=\"%s\" application-sub-category=\"%s\" "
                  "urlcategory-risk=\"%u\"",
                  s->id, s->app->outer, s->app->nested, s->app->url_category,
                  s->app->blocked ? "BY_PRE_DEFINED" : "BY_SITE_REPUTATION_SAFE", s->host,
                  paths[s->src_port % FL_LEN(paths)], e->user, e->roles, s->app->sub_category,
                  s->app->blocked ? 4u : 1u);
}

struct wording {
    unsigned pri;
    const char *program, *tag;
};

static struct wording wording_of(const struct fl_demo_session *s, enum fl_demo_say what)
{
    static const struct wording words[] = {
        [FL_DEMO_SAY_CREATE] = {14, "RT_FLOW", "RT_FLOW_SESSION_CREATE"},
        [FL_DEMO_SAY_TRACK_CREATE] = {14, "RT_FLOW", "APPTRACK_SESSION_CREATE"},
        [FL_DEMO_SAY_URL] = {14, "RT_UTM", "WEBFILTER_URL_PERMITTED"},
        [FL_DEMO_SAY_VOLUME] = {14, "RT_FLOW", "APPTRACK_SESSION_VOL_UPDATE"},
        [FL_DEMO_SAY_TRACK_CLOSE] = {14, "RT_FLOW", "APPTRACK_SESSION_CLOSE"},
        [FL_DEMO_SAY_CLOSE] = {14, "RT_FLOW", "RT_FLOW_SESSION_CLOSE"},
        [FL_DEMO_SAY_FAR_VOLUME] = {14, "RT_FLOW", "APPTRACK_SESSION_VOL_UPDATE"},
        [FL_DEMO_SAY_FAR_CLOSE] = {14, "RT_FLOW", "APPTRACK_SESSION_CLOSE"},
    };
    static const struct wording blocked = {12, "RT_UTM", "WEBFILTER_URL_BLOCKED"};

    return what == FL_DEMO_SAY_URL && s->app->blocked ? blocked : words[what];
}

/* 1: no zone in the time. 2: the first parameter glued to the SD-ID. 3: a trailing space in a
 * value. 4: a stray count behind the bracket. 5: curly quotes around a value. */
void fl_demo_say(const struct fl_demo_session *s, enum fl_demo_say what, int64_t at_us,
                 unsigned odd, struct fl_buf *out)
{
    struct wording w = wording_of(s, what);
    bool far = what == FL_DEMO_SAY_FAR_VOLUME || what == FL_DEMO_SAY_FAR_CLOSE;
    struct ends e;
    size_t params;

    ends_of(s, &e);
    head(far ? 0 : s->device, at_us, w.pri, w.program, w.tag, odd != 1, out);
    params = out->len;
    if (what == FL_DEMO_SAY_CREATE)
        say_create(s, &e, out);
    else if (what == FL_DEMO_SAY_CLOSE)
        say_close(s, &e, at_us, out);
    else if (what == FL_DEMO_SAY_URL)
        say_url(s, &e, out);
    else
        say_track(s, &e, what, at_us, odd == 3, out);
    if (odd == 2 && out->failed == 0) { /* "...2.129source-address=" */
        memmove(out->ptr + params, out->ptr + params + 1, out->len - params - 1);
        out->len--;
    }
    if (odd == 5)
        fl_buf_put_str(out, " apbr-policy-name=\xe2\x80\x9cpolicy-1\xe2\x80\x9d");
    fl_buf_put_str(out, odd == 4 ? "]17" : "]");
}
