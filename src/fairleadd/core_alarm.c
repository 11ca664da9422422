/* Which alarms stand: what core knows is looked at every five seconds (cases/vigil.h decides). */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/watch.h"
#include "base/time.h"
#include "cases/vigil.h"
#include "db/db_risk.h"
#include "db/db_watch.h"
#include "fairleadd/core.h"

enum {
    ROUND_TICKS = 5,
    CERT_TICKS = 60,
    FORGET_TICKS = 3600,
    QUIET_TICKS = 60, /* after the start: reports are still coming in */
    SILENT_MAX = 5000,
    SITES_MAX = 2000,
    CERTS_MAX = 100000,
    TENANTS_MAX = 4096,
    CHANGED_MAX = 4096,
    ROGUES_LOOKED_AT = 200,
    RISKS_MAX = 500,       /* of a tenant, worst first */
    RISK_CRITICAL_AT = 10, /* times the setting */
    UNPARSED_LEAST = 100,  /* lines, to speak of a share */
    UNPARSED_PERCENT = 5
};
#define MINUTE_US   (60 * FL_US_PER_S)
#define HOUR_US     (60 * MINUTE_US)
#define SKEW_US     (5 * MINUTE_US)
#define LOST_US     (15 * MINUTE_US)
#define LAG_US      (30 * FL_US_PER_S)
#define LAG_LONG_US (100 * FL_US_PER_S)
#define GIB         (UINT64_C(1) << 30)
#define KIND(k)     (1u << FL_ALARM_##k)
#define ALL_KINDS   ((1u << FL_ALARM_KINDS) - 1)
#define STORE_KINDS (KIND(QUOTA) | KIND(TAKEN) | KIND(DISK) | KIND(DAMAGE))

struct silent { /* a device that sends nothing */
    char device[FL_SLUG_MAX + 1];
    int64_t last_us;
    bool open;
};

struct living { /* the certificate of a device that lives longest */
    uint32_t tenant;
    char device[FL_SLUG_MAX + 1];
    int64_t not_after_us;
};

struct changed { /* to be told once it is written */
    struct fl_alarm alarm;
    const char *what;
};

struct fl_core_alarms {
    struct fl_core *core;
    struct fl_vigil *vigil;
    unsigned ticks;
    bool begun; /* a transaction */
    bool risks_failed;
    int64_t risk_above_cents; /* of the tenant at hand */
    int64_t now_us;

    struct fl_msg_store_stat store, store_new; /* of the last round; as it comes */
    struct fl_msg_store_tenant *tenants, *tenants_new;
    size_t tenant_count, tenant_new_count;
    bool store_known;
    struct fl_msg_role_state roles[FL_ROLE_COUNT];
    bool role_known[FL_ROLE_COUNT];
    int64_t restarted_us[FL_ROLE_COUNT];

    struct living *certs;
    size_t cert_count, cert_cap;
    bool certs_scanned;
    struct silent *silent;
    size_t silent_count;
    struct changed *changed;
    size_t changed_count;
    struct fl_tenant tenant; /* at hand */
    uint64_t rogues;
    char rogue_title[FL_ALARM_TEXT_MAX + 1];
};

/* ---- facts ---- */

static struct fl_fact fact_of(enum fl_alarm_kind kind, enum fl_severity severity, uint32_t tenant,
                              const char *object)
{
    struct fl_fact f = {.tenant = tenant, .kind = kind, .severity = severity};

    (void)snprintf(f.object, sizeof f.object, "%s", object);
    (void)snprintf(f.name, sizeof f.name, "%s", object);
    return f;
}

static void FL_PRINTF(2, 3) title(struct fl_fact *f, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(f->title, sizeof f->title, fmt, ap);
    va_end(ap);
}

/* Name and site, as far as the database knows the device. */
static void name_device(struct fl_core_alarms *a, struct fl_fact *f)
{
    struct fl_device d;

    if (fl_db_device_get(a->core->db, f->tenant, f->object, &d, NULL) < 0)
        return;
    memcpy(f->name, d.name, sizeof f->name);
    memcpy(f->site, d.site, sizeof f->site);
}

static void say_device(struct fl_core_alarms *a, struct fl_fact *f)
{
    name_device(a, f);
    fl_vigil_say(a->vigil, f);
}

/* ---- devices ---- */

static bool is_silent(struct fl_core_alarms *a, const struct fl_live_device *d,
                      const struct fl_board_device *b)
{
    const struct fl_counters *c = &d->counters;
    uint32_t minutes =
        a->tenant.silent_minutes == 0 ? FL_ALARM_SILENT_MIN : a->tenant.silent_minutes;
    uint32_t slots[FL_ALARM_SLOTS], known = 0;
    const uint32_t *first = slots;

    if (c->last_us == 0 || a->now_us - c->last_us <= (int64_t)minutes * MINUTE_US)
        return false;
    if (b != NULL) {
        fl_board_lines(b, a->now_us, FL_ALARM_SLOTS, slots, &known);
        first = slots + FL_ALARM_SLOTS - known;
    }
    return a->now_us - c->last_us > fl_alarm_silent_us(minutes, first, known, c->gap_us);
}

static void note_silent(struct fl_core_alarms *a, const struct fl_live_device *d)
{
    struct silent *s;

    if (a->silent_count == SILENT_MAX)
        return;
    s = &a->silent[a->silent_count++];
    memcpy(s->device, d->counters.device, sizeof s->device);
    s->last_us = d->counters.last_us;
    s->open = d->open > 0;
}

static void look_at_clock(struct fl_core_alarms *a, const struct fl_counters *c)
{
    int64_t skew = c->skew_us < 0 ? -c->skew_us : c->skew_us;
    struct fl_fact f = fact_of(FL_ALARM_SKEW, FL_SEVERITY_MINOR, c->tenant, c->device);
    char text[FL_ALARM_SPAN_BYTES];

    if (skew <= SKEW_US || a->now_us - c->last_us > HOUR_US)
        return;
    fl_alarm_span_text(skew, text);
    title(&f, "The clock of %s is %s %s", c->device, text, c->skew_us < 0 ? "behind" : "ahead");
    (void)snprintf(f.where, sizeof f.where, "device:%s", c->device);
    say_device(a, &f);
}

static void look_at_lines(struct fl_core_alarms *a, const struct fl_board_device *b)
{
    struct fl_fact f = fact_of(FL_ALARM_UNPARSED, FL_SEVERITY_MINOR, b->tenant, b->device);
    struct fl_fact lost = fact_of(FL_ALARM_DROPPED, FL_SEVERITY_MINOR, b->tenant, b->device);
    uint64_t lines, unparsed;

    fl_board_sum(b, a->now_us, 3, &lines, &unparsed);
    if (lines >= UNPARSED_LEAST && unparsed > lines / 100 * UNPARSED_PERCENT) {
        title(&f,
              "%" PRIu64 " %% of the lines of %s are not understood (%" PRIu64 " of %" PRIu64 ")",
              unparsed * 100 / lines, b->device, unparsed, lines);
        (void)snprintf(f.where, sizeof f.where, "device:%s flag:unparsed", b->device);
        say_device(a, &f);
    }
    if (b->lost_us != 0 && a->now_us - b->lost_us < LOST_US) {
        title(&lost, "%" PRIu64 " lines of %s were lost on their way", b->lost, b->device);
        say_device(a, &lost);
    }
}

static void look_at_device(void *ctx, const struct fl_live_device *d)
{
    struct fl_core_alarms *a = ctx;
    const struct fl_board_device *b =
        fl_board_device(a->core->board, d->counters.tenant, d->counters.device);

    if (a->ticks > QUIET_TICKS && is_silent(a, d, b))
        note_silent(a, d);
    look_at_clock(a, &d->counters);
    if (b != NULL)
        look_at_lines(a, b);
}

/* The name stands first: a key may be the name alone. */
static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

struct sites { /* of one tenant: how many devices send at all, how many are silent */
    struct fl_core_alarms *a;
    struct {
        char slug[FL_SLUG_MAX + 1];
        uint32_t known, silent;
    } * site;
    size_t count;
};

static int count_device(void *ctx, const struct fl_device *d)
{
    struct sites *s = ctx;
    const struct fl_live_device *live = fl_live_device(s->a->core->live, d->tenant, d->slug);
    size_t i = 0;

    if (live == NULL || live->counters.last_us == 0)
        return 0;
    while (i < s->count && strcmp(s->site[i].slug, d->site) != 0)
        i++;
    if (i == SITES_MAX)
        return 0;
    if (i == s->count) {
        memcpy(s->site[s->count].slug, d->site, sizeof d->site);
        s->count++;
    }
    s->site[i].known++;
    s->site[i].silent +=
        bsearch(d->slug, s->a->silent, s->a->silent_count, sizeof *s->a->silent, by_name) != NULL;
    return 0;
}

static bool is_dark(const struct sites *s, const char *site)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->site[i].slug, site) == 0)
            return s->site[i].silent == s->site[i].known;
    return false;
}

/* A site of which nothing comes any more is worse than one device of several. */
static void say_silent(struct fl_core_alarms *a)
{
    struct sites sites = {.a = a};

    if (a->silent_count == 0)
        return;
    qsort(a->silent, a->silent_count, sizeof *a->silent, by_name);
    sites.site = calloc(SITES_MAX, sizeof *sites.site);
    if (sites.site != NULL)
        (void)!fl_db_devices(a->core->db, a->tenant.id, (struct fl_db_page){NULL, 0}, count_device,
                             &sites, NULL, NULL);
    for (size_t i = 0; i < a->silent_count; i++) {
        const struct silent *s = &a->silent[i];
        struct fl_fact f = fact_of(FL_ALARM_SILENT, FL_SEVERITY_MAJOR, a->tenant.id, s->device);
        char text[FL_ALARM_SPAN_BYTES];

        name_device(a, &f);
        if (f.site[0] != '\0' && is_dark(&sites, f.site))
            f.severity = FL_SEVERITY_CRITICAL;
        fl_alarm_span_text(a->now_us - s->last_us, text);
        title(&f, "%s has sent nothing for %s%s", s->device, text,
              s->open ? ", though it is connected" : "");
        (void)snprintf(f.where, sizeof f.where, "device:%s", s->device);
        fl_vigil_say(a->vigil, &f);
    }
    free(sites.site);
}

/* ---- certificates ---- */

static bool grow_certs(struct fl_core_alarms *a)
{
    size_t cap = a->cert_cap == 0 ? 256 : a->cert_cap * 2;
    struct living *grown;

    if (a->cert_count < a->cert_cap)
        return true;
    if (a->cert_count >= CERTS_MAX)
        return false;
    grown = realloc(a->certs, cap * sizeof *grown);
    if (grown == NULL)
        return false;
    a->certs = grown;
    a->cert_cap = cap;
    return true;
}

static int take_cert(void *ctx, const struct fl_certificate *cert)
{
    struct fl_core_alarms *a = ctx;
    struct living *c;

    if (cert->revoked_us != 0 || !grow_certs(a))
        return 0;
    c = &a->certs[a->cert_count++];
    *c = (struct living){.tenant = cert->tenant, .not_after_us = cert->not_after_us};
    memcpy(c->device, cert->device, sizeof c->device);
    return 0;
}

static int scan_tenant_certs(void *ctx, const struct fl_tenant *t)
{
    struct fl_core_alarms *a = ctx;

    return fl_db_certificates(a->core->db, t->id, NULL, (struct fl_db_page){NULL, 0}, take_cert, a,
                              NULL, NULL);
}

/* Of one device the one that lives longest first. */
static int by_device(const void *a, const void *b)
{
    const struct living *l = a, *r = b;
    int c =
        l->tenant != r->tenant ? (l->tenant < r->tenant ? -1 : 1) : strcmp(l->device, r->device);

    if (c != 0 || l->not_after_us == r->not_after_us)
        return c;
    return l->not_after_us > r->not_after_us ? -1 : 1;
}

static void scan_certs(struct fl_core_alarms *a)
{
    size_t kept = 0;

    a->cert_count = 0;
    (void)!fl_db_tenants(a->core->db, (struct fl_db_page){NULL, 0}, scan_tenant_certs, a, NULL,
                         NULL);
    if (a->cert_count > 0)
        qsort(a->certs, a->cert_count, sizeof *a->certs, by_device);
    for (size_t i = 0; i < a->cert_count; i++)
        if (kept == 0 || a->certs[kept - 1].tenant != a->certs[i].tenant ||
            strcmp(a->certs[kept - 1].device, a->certs[i].device) != 0)
            a->certs[kept++] = a->certs[i];
    a->cert_count = kept;
}

static void title_end(struct fl_fact *f, const char *what, const char *whose, int64_t left_us)
{
    char text[FL_ALARM_SPAN_BYTES];

    fl_alarm_span_text(left_us < 0 ? -left_us : left_us, text);
    if (left_us <= 0)
        title(f, "%s of %s ended %s ago", what, whose, text);
    else
        title(f, "%s of %s ends in %s", what, whose, text);
}

static void say_certs(struct fl_core_alarms *a)
{
    for (size_t i = 0; i < a->cert_count; i++) {
        const struct living *c = &a->certs[i];
        int64_t left = c->not_after_us - a->now_us;
        struct fl_fact f = fact_of(FL_ALARM_CERTIFICATE, FL_SEVERITY_WARNING, c->tenant, c->device);

        if (!fl_alarm_grade_end(left, &f.severity))
            continue;
        title_end(&f, "The certificate", c->device, left);
        say_device(a, &f);
    }
}

static void say_ca(struct fl_core_alarms *a)
{
    struct fl_tenant_ca *ca = malloc(sizeof *ca);
    struct fl_fact f = fact_of(FL_ALARM_CA, FL_SEVERITY_WARNING, a->tenant.id, a->tenant.slug);

    if (ca != NULL && fl_db_tenant_ca_get(a->core->db, a->tenant.id, ca, NULL) == FL_OK &&
        fl_alarm_grade_end(ca->not_after_us - a->now_us, &f.severity)) {
        title_end(&f, "The certificate authority", a->tenant.name, ca->not_after_us - a->now_us);
        fl_vigil_say(a->vigil, &f);
    }
    free(ca);
}

/* ---- peers that were refused ---- */

static int take_rogue(void *ctx, const struct fl_rogue *rogue)
{
    struct fl_core_alarms *a = ctx;
    struct fl_certificate cert;
    struct fl_fact f;

    if (a->now_us - rogue->at_us > HOUR_US)
        return 0;
    if (fl_db_certificate_get(a->core->db, 0, rogue->fingerprint, &cert, NULL) < 0) {
        if (a->rogues == 0)
            (void)snprintf(a->rogue_title, sizeof a->rogue_title, "the last from %.60s: %.200s",
                           rogue->address, rogue->reason);
        a->rogues++;
        return 0;
    }
    f = fact_of(FL_ALARM_REFUSED, FL_SEVERITY_MAJOR, cert.tenant, cert.device);
    title(&f, "%s was refused: %.200s (from %.60s)", cert.device, rogue->reason, rogue->address);
    say_device(a, &f);
    return 0;
}

static void say_rogues(struct fl_core_alarms *a)
{
    struct fl_fact f = fact_of(FL_ALARM_ROGUE, FL_SEVERITY_WARNING, 0, "listeners");

    a->rogues = 0;
    (void)!fl_db_rogues(a->core->db, (struct fl_db_page){NULL, ROGUES_LOOKED_AT}, take_rogue, a,
                        NULL, NULL);
    if (a->rogues == 0)
        return;
    title(&f, "%" PRIu64 " unknown peers were refused in the last hour, %s", a->rogues,
          a->rogue_title);
    fl_vigil_say(a->vigil, &f);
}

/* ---- the store ---- */

static void say_house(struct fl_core_alarms *a, const struct fl_msg_store_tenant *t,
                      const struct fl_tenant *of)
{
    struct fl_fact f = fact_of(FL_ALARM_QUOTA, FL_SEVERITY_WARNING, t->tenant, of->slug);
    struct fl_fact taken = fact_of(FL_ALARM_TAKEN, FL_SEVERITY_MAJOR, t->tenant, of->slug);
    unsigned percent =
        t->quota_bytes == 0 ? 0 : (unsigned)((double)t->bytes * 100.0 / (double)t->quota_bytes);

    (void)snprintf(f.name, sizeof f.name, "%s", of->name);
    (void)snprintf(taken.name, sizeof taken.name, "%s", of->name);
    if (percent >= 80) {
        f.severity = percent >= 95 ? FL_SEVERITY_MAJOR : FL_SEVERITY_WARNING;
        title(&f, "%u %% of the quota is used", percent);
        fl_vigil_say(a->vigil, &f);
    }
    if (t->taken_us != 0 && a->now_us - t->taken_us < FL_US_PER_DAY) {
        title(&taken, "%" PRIu64 " days of logs were destroyed before their time", t->taken_days);
        fl_vigil_say(a->vigil, &taken);
    }
}

static void say_store(struct fl_core_alarms *a)
{
    uint64_t least = fl_conf_num(a->core->env->conf, FL_SET_MIN_FREE_BYTES);
    uint64_t free_bytes = a->store.free_bytes;
    struct fl_fact disk = fact_of(FL_ALARM_DISK, FL_SEVERITY_MAJOR, 0, "store");
    struct fl_fact lost = fact_of(FL_ALARM_DAMAGE, FL_SEVERITY_CRITICAL, 0, "store");
    struct fl_fact behind = fact_of(FL_ALARM_LAG, FL_SEVERITY_MAJOR, 0, "store");

    if (free_bytes != UINT64_MAX && free_bytes < 2 * least + GIB) {
        disk.severity = free_bytes <= least ? FL_SEVERITY_CRITICAL : FL_SEVERITY_MAJOR;
        title(&disk, "%" PRIu64 " MiB are free on the disk of the data folder", free_bytes >> 20);
        fl_vigil_say(a->vigil, &disk);
    }
    if (a->store.lost_blocks > 0) {
        title(&lost, "%" PRIu64 " blocks with %" PRIu64 " rows do not open", a->store.lost_blocks,
              a->store.lost_rows);
        fl_vigil_say(a->vigil, &lost);
    }
    if (a->store.behind != 0) {
        title(&behind, "The store is behind; devices are held back");
        fl_vigil_say(a->vigil, &behind);
    }
}

/* ---- roles ---- */

static void say_roles(struct fl_core_alarms *a)
{
    for (int i = 0; i < FL_ROLE_COUNT; i++) {
        const struct fl_msg_role_state *s = &a->roles[i];
        struct fl_fact f =
            fact_of(FL_ALARM_ROLE, FL_SEVERITY_WARNING, 0, fl_role_name((enum fl_role)i));

        if (!a->role_known[i])
            continue;
        if (s->up == 0) {
            f.severity = FL_SEVERITY_MAJOR;
            title(&f, "The process %s does not run", f.object);
        } else if (a->restarted_us[i] != 0 && a->now_us - a->restarted_us[i] < HOUR_US) {
            title(&f,
                  "The process %s was started again within the last hour (%" PRIu32
                  " times in all)",
                  f.object, s->restarts);
        } else {
            continue;
        }
        fl_vigil_say(a->vigil, &f);
    }
}

/* ---- tenants ---- */

static void say_lag(struct fl_core_alarms *a)
{
    int64_t lag = fl_board_lag_us(a->core->board, a->tenant.id, a->now_us);
    struct fl_fact f = fact_of(FL_ALARM_LAG, FL_SEVERITY_MINOR, a->tenant.id, a->tenant.slug);

    if (lag < LAG_US)
        return;
    f.severity = lag >= LAG_LONG_US ? FL_SEVERITY_MAJOR : FL_SEVERITY_MINOR;
    title(&f, "Lines wait %" PRId64 " s to be stored", lag / FL_US_PER_S);
    fl_vigil_say(a->vigil, &f);
}

/* As much of a text as there is room for, whole characters. */
static void cut(char *to, size_t size, const char *text)
{
    size_t len = strlen(text);

    if (len > size - 1) {
        len = size - 1;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
            len--;
    }
    memcpy(to, text, len);
    to[len] = '\0';
}

static int look_at_risk(void *ctx, const struct fl_risk *risk)
{
    struct fl_core_alarms *a = ctx;
    char number[16], name[121];
    struct fl_fact f;

    (void)snprintf(number, sizeof number, "%" PRIu32, risk->id);
    f = fact_of(FL_ALARM_SUPPLY_RISK,
                a->risk_above_cents > 0 &&
                        risk->net_loss_cents / RISK_CRITICAL_AT >= a->risk_above_cents
                    ? FL_SEVERITY_CRITICAL
                    : FL_SEVERITY_MAJOR,
                risk->tenant, number);
    cut(f.name, sizeof f.name, risk->title);
    cut(name, sizeof name, risk->title);
    title(&f, "%s: %" PRId64 " %s are expected to be lost; %s", name, risk->net_loss_cents / 100,
          risk->currency, risk->why);
    fl_vigil_say(a->vigil, &f);
    return 0;
}

static void say_risks(struct fl_core_alarms *a)
{
    struct fl_db *db = a->core->db;

    if (fl_db_risk_alarm(db, a->tenant.id, &a->risk_above_cents, NULL) < 0 ||
        fl_db_risks_alarming(db, a->tenant.id, a->risk_above_cents, a->now_us, RISKS_MAX,
                             look_at_risk, a, NULL) < 0)
        a->risks_failed = true;
}

static int look_at_tenant(void *ctx, const struct fl_tenant *t)
{
    struct fl_core_alarms *a = ctx;

    a->tenant = *t;
    a->silent_count = 0;
    fl_live_each(a->core->live, t->id, look_at_device, a);
    say_silent(a);
    say_lag(a);
    say_ca(a);
    say_risks(a);
    for (size_t i = 0; i < a->tenant_count; i++)
        if (a->tenants[i].tenant == t->id)
            say_house(a, &a->tenants[i], t);
    return 0;
}

static int look_at_search(void *ctx, const struct fl_search *s)
{
    struct fl_core_alarms *a = ctx;
    char number[16];
    struct fl_fact f;

    (void)snprintf(number, sizeof number, "%" PRIu32, s->id);
    if (s->failure[0] != '\0') {
        f = fact_of(FL_ALARM_SEARCH_DEAD, FL_SEVERITY_MINOR, s->tenant, number);
        title(&f, "The search %s does not run: %.200s", s->name, s->failure);
    } else if (s->has_value && fl_search_over(s, s->last_value)) {
        f = fact_of(FL_ALARM_SEARCH, (enum fl_severity)s->severity, s->tenant, number);
        title(&f, "%s: %" PRIu64 "%s%s is %s %" PRIu64, s->name, s->last_value,
              s->last_key[0] == '\0' ? "" : " of ", s->last_key, fl_search_ops[s->op],
              s->threshold);
        (void)snprintf(f.where, sizeof f.where, "%.*s", (int)FL_ALARM_WHERE_MAX, s->where_text);
    } else {
        return 0;
    }
    memcpy(f.name, s->name, sizeof f.name);
    fl_vigil_say(a->vigil, &f);
    return 0;
}

/* ---- writing down ---- */

static int begin(struct fl_core_alarms *a)
{
    int r = a->begun ? FL_OK : fl_db_begin(a->core->db, NULL);

    a->begun = r == FL_OK;
    return r;
}

static void note_changed(struct fl_core_alarms *a, const struct fl_alarm *alarm, const char *what)
{
    if (a->changed_count == CHANGED_MAX)
        return; /* whoever listens reads the list again */
    a->changed[a->changed_count].alarm = *alarm;
    a->changed[a->changed_count++].what = what;
}

static int on_raise(void *ctx, const struct fl_fact *fact, int64_t now_us, uint32_t *ret_id)
{
    struct fl_core_alarms *a = ctx;
    struct fl_alarm alarm;
    int r = begin(a);

    if (r == FL_OK)
        r = fl_db_alarm_raise(a->core->db, fact, now_us, &alarm, NULL);
    if (r != FL_OK)
        return r;
    *ret_id = alarm.id;
    note_changed(a, &alarm, "raised");
    return FL_OK;
}

static int on_change(void *ctx, uint32_t id, const struct fl_fact *fact, enum fl_severity before,
                     int64_t now_us)
{
    struct fl_core_alarms *a = ctx;
    struct fl_alarm alarm;
    int r = begin(a);

    if (r == FL_OK)
        r = fl_db_alarm_change(a->core->db, id, fact, now_us, &alarm, NULL);
    if (r == FL_OK)
        note_changed(a, &alarm, before == fact->severity ? "changed" : "severity");
    return r == FL_E_NOENT ? FL_OK : r;
}

static int on_clear(void *ctx, uint32_t id, const struct fl_fact *fact, int64_t now_us)
{
    struct fl_core_alarms *a = ctx;
    struct fl_alarm alarm;
    int r = begin(a);

    (void)fact;
    if (r == FL_OK)
        r = fl_db_alarm_clear(a->core->db, id, now_us, &alarm, NULL);
    if (r == FL_OK)
        note_changed(a, &alarm, "cleared");
    return r == FL_E_NOENT ? FL_OK : r; /* its tenant was removed */
}

static int load_one(void *ctx, const struct fl_alarm *alarm)
{
    struct fl_core_alarms *a = ctx;

    return fl_vigil_load(a->vigil, alarm, a->now_us, NULL);
}

static int load_all(struct fl_core_alarms *a, struct fl_err *err)
{
    static const struct fl_vigil_ops ops = {on_raise, on_change, on_clear};
    const struct fl_db_alarm_pick pick = {
        .all_tenants = true, .state = FL_ALARMS_OPEN, .severity = -1};
    int r = fl_vigil_new(&ops, a, &a->vigil, err);

    if (r == FL_OK)
        r = fl_db_alarms(a->core->db, &pick, (struct fl_db_page){NULL, 0}, load_one, a, NULL, err);
    if (r < 0) {
        fl_vigil_free(a->vigil);
        a->vigil = NULL;
    }
    return r;
}

static void finish(struct fl_core_alarms *a)
{
    struct fl_err err = {0};
    int r = a->begun ? fl_db_commit(a->core->db, &err) : FL_OK;

    a->begun = false;
    for (size_t i = 0; r == FL_OK && i < a->changed_count; i++)
        fl_api_alarm_changed(a->core->api, &a->changed[i].alarm, a->changed[i].what);
    a->changed_count = 0;
    if (r == FL_OK)
        return;
    fl_db_rollback(a->core->db);
    fl_role_log(a->core->env, FL_LOG_WARN, "alarms are not stored: %s", err.text);
    fl_vigil_free(a->vigil); /* what it knows is not what stands there */
    a->vigil = NULL;
}

/* ---- rounds ---- */

static void ask(struct fl_core_alarms *a)
{
    struct fl_core *core = a->core;

    a->tenant_new_count = 0;
    if (core->link[FL_ROLE_STORE] != NULL)
        (void)!fl_imsg_send(core->link[FL_ROLE_STORE], FL_MSG_STORE_STAT_ASK,
                            FL_CORE_ID_ALARM_STORE, NULL, -1, NULL);
    (void)!fl_imsg_send(core->env->supervisor, FL_MSG_ROLES_ASK, FL_CORE_ID_ALARM_ROLES, NULL, -1,
                        NULL);
}

static void round_of(struct fl_core_alarms *a)
{
    unsigned kinds = ALL_KINDS;
    struct fl_err err;

    a->now_us = fl_now_us();
    if (a->vigil == NULL && load_all(a, &err) < 0) {
        fl_role_log(a->core->env, FL_LOG_WARN, "alarms: %s", err.text);
        return;
    }
    fl_vigil_begin(a->vigil, a->now_us);
    a->risks_failed = false;
    if (fl_db_tenants(a->core->db, (struct fl_db_page){NULL, 0}, look_at_tenant, a, NULL, NULL) < 0)
        kinds = 0;
    say_certs(a);
    say_rogues(a);
    say_roles(a);
    if (a->store_known)
        say_store(a);
    if (fl_db_searches_enabled(a->core->db, look_at_search, a, NULL) < 0)
        kinds &= ~(KIND(SEARCH) | KIND(SEARCH_DEAD));
    if (!a->store_known)
        kinds &= ~STORE_KINDS;
    if (a->risks_failed)
        kinds &= ~KIND(SUPPLY_RISK);
    if (a->ticks <= QUIET_TICKS)
        kinds &= ~(KIND(SILENT) | KIND(UNPARSED) | KIND(DROPPED) | KIND(LAG));
    fl_vigil_end(a->vigil, kinds);
    finish(a);
}

void fl_core_alarms_tick(struct fl_core *core)
{
    struct fl_core_alarms *a = core->alarms;

    a->ticks++;
    fl_board_tick(core->board, fl_now_us());
    if (core->db == NULL) {
        fl_vigil_free(a->vigil);
        a->vigil = NULL;
        return;
    }
    if (a->ticks % CERT_TICKS == 0 || !a->certs_scanned)
        scan_certs(a);
    a->certs_scanned = true;
    if (a->ticks % FORGET_TICKS == 0)
        (void)!fl_db_alarms_forget(core->db, fl_now_us() - FL_ALARM_KEEP_US, NULL);
    if (a->ticks % ROUND_TICKS == 0) {
        round_of(a);
        ask(a);
    }
}

/* ---- answers ---- */

static void take_store(struct fl_core_alarms *a, const struct fl_imsg_in *in)
{
    struct fl_msg_store_tenant t, *swap;

    if (in->type == FL_MSG_STORE_STAT) {
        (void)!fl_msg_decode(in->type, in->payload, &a->store_new, NULL);
        a->store_new.note = FL_SPAN("");
    } else if (in->type == FL_MSG_STORE_TENANT) {
        if (a->tenant_new_count < TENANTS_MAX &&
            fl_msg_decode(in->type, in->payload, &t, NULL) == FL_OK)
            a->tenants_new[a->tenant_new_count++] = t;
    } else if (in->type == FL_MSG_DONE) {
        swap = a->tenants;
        a->tenants = a->tenants_new;
        a->tenants_new = swap;
        a->tenant_count = a->tenant_new_count;
        a->store = a->store_new;
        a->store_known = true;
    } else {
        a->store_known = false;
    }
}

static void take_role(struct fl_core_alarms *a, const struct fl_imsg_in *in)
{
    struct fl_msg_role_state s;

    if (in->type != FL_MSG_ROLE_STATE || fl_msg_decode(in->type, in->payload, &s, NULL) < 0 ||
        s.role >= FL_ROLE_COUNT)
        return;
    s.note = FL_SPAN("");
    if (s.restarts > (a->role_known[s.role] ? a->roles[s.role].restarts : 0))
        a->restarted_us[s.role] = a->role_known[s.role] ? fl_now_us() : s.since_us;
    a->roles[s.role] = s;
    a->role_known[s.role] = true;
}

bool fl_core_alarms_message(struct fl_core *core, enum fl_role from, const struct fl_imsg_in *in)
{
    if (from == FL_ROLE_STORE && in->id == FL_CORE_ID_ALARM_STORE)
        take_store(core->alarms, in);
    else if (from == FL_ROLE_SUPERVISOR && in->id == FL_CORE_ID_ALARM_ROLES)
        take_role(core->alarms, in);
    else
        return false;
    return true;
}

void fl_core_alarms_lost(struct fl_core *core, enum fl_role role)
{
    if (role == FL_ROLE_STORE)
        core->alarms->store_known = false;
}

int fl_core_alarms_new(struct fl_core *core, struct fl_err *err)
{
    struct fl_core_alarms *a = calloc(1, sizeof *a);

    if (a == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for alarms");
    core->alarms = a;
    a->core = core;
    a->tenants = calloc(TENANTS_MAX, sizeof *a->tenants);
    a->tenants_new = calloc(TENANTS_MAX, sizeof *a->tenants_new);
    a->silent = calloc(SILENT_MAX, sizeof *a->silent);
    a->changed = calloc(CHANGED_MAX, sizeof *a->changed);
    if (a->tenants == NULL || a->tenants_new == NULL || a->silent == NULL || a->changed == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for alarms");
    return FL_OK;
}

void fl_core_alarms_free(struct fl_core *core)
{
    struct fl_core_alarms *a = core->alarms;

    if (a == NULL)
        return;
    fl_vigil_free(a->vigil);
    free(a->tenants);
    free(a->tenants_new);
    free(a->certs);
    free(a->silent);
    free(a->changed);
    free(a);
    core->alarms = NULL;
}
