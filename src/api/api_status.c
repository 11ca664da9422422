#include <stdio.h>
#include <string.h>

#include "api/parts.h"
#include "trust/cert.h"

#define DEVICES_SHOWN 1000u

/* ---- listeners, as configured ---- */

static void put_listener(struct fl_json *json, const char *name, const char *kind,
                         const char *address, const char *tenant)
{
    fl_json_object(json, NULL);
    fl_json_text(json, "name", name);
    fl_json_text(json, "kind", kind);
    fl_json_text(json, "address", address);
    fl_json_text(json, "tenant", tenant);
    fl_json_bool(json, "weaker", tenant[0] != '\0'); /* no certificate names the sender */
    fl_json_end(json);
}

static void put_listeners(struct fl_json *json, const struct fl_conf *conf)
{
    const char *main_one = fl_conf_str(conf, FL_SET_LISTEN_TLS);
    const char *web = fl_conf_str(conf, FL_SET_WEB_LISTEN);

    fl_json_array(json, "listeners");
    if (main_one[0] != '\0')
        put_listener(json, "tls", "tls-mutual", main_one, "");
    if (web[0] != '\0')
        put_listener(json, "web", "https", web, "");
    for (size_t i = 0; i < fl_conf_listeners(conf); i++) {
        const struct fl_conf_listener *l = fl_conf_listener(conf, i);

        put_listener(json, l->name, l->kind, l->address, l->tenant);
    }
    fl_json_end(json);
}

/* ---- roles, store, keys ---- */

static void put_roles(struct fl_json *json, const struct fl_gathered *got)
{
    fl_json_array(json, "roles");
    for (unsigned i = 0; i < got->role_count; i++) {
        const struct fl_msg_role_state *s = &got->role[i];

        fl_json_object(json, NULL);
        fl_json_text(json, "role", fl_role_name((enum fl_role)s->role));
        fl_json_bool(json, "up", s->up != 0);
        fl_json_u64(json, "pid", s->pid);
        fl_json_u64(json, "restarts", s->restarts);
        fl_part_time(json, "since", s->since_us);
        fl_json_u64(json, "uid", s->uid);
        fl_json_u64(json, "landlock_abi", s->landlock_abi);
        fl_json_bool(json, "seccomp", s->seccomp != 0);
        fl_json_text(json, "note", got->note[i]);
        fl_json_end(json);
    }
    fl_json_end(json);
    if (!got->roles)
        fl_json_text(json, "roles_problem", got->roles_problem);
}

static void put_store(struct fl_json *json, const struct fl_gathered *got)
{
    const struct fl_msg_store_stat *s = &got->stat;

    if (!got->store) {
        fl_json_text(json, "problem", got->store_problem);
        return;
    }
    fl_json_u64(json, "rows", s->rows);
    fl_json_u64(json, "wal_bytes", s->wal_bytes);
    fl_json_u64(json, "wal_files", s->wal_files);
    fl_json_u64(json, "memtable_rows", s->memtable_rows);
    fl_json_u64(json, "memtable_bytes", s->memtable_bytes);
    fl_json_u64(json, "segments", s->segments);
    fl_json_u64(json, "segment_bytes", s->segment_bytes);
    fl_json_object(json, "versions");
    fl_json_u64(json, "v1", s->segments_v1);
    fl_json_u64(json, "v2", s->segments_v2);
    fl_json_end(json);
    fl_json_u64(json, "batches_bad", s->batches_bad);
    fl_json_u64(json, "rows_bad", s->rows_bad);
    fl_json_u64(json, "replayed_rows", s->replayed_rows);
    fl_json_u64(json, "syncs", s->syncs);
    fl_part_time(json, "last_commit_at", s->last_commit_us);
    fl_json_bool(json, "behind", s->behind != 0);
    fl_json_text(json, "note", got->stat_note);
    fl_json_u64(json, "merges", s->merges);
    fl_json_u64(json, "merged_segments", s->merged);
    fl_json_u64(json, "retiring_segments", s->retiring);
    if (s->free_bytes == UINT64_MAX)
        fl_json_null(json, "free_bytes");
    else
        fl_json_u64(json, "free_bytes", s->free_bytes);
    fl_json_u64(json, "damaged_blocks", s->lost_blocks);
    fl_json_u64(json, "damaged_rows", s->lost_rows);
}

static void put_keys(struct fl_json *json, const struct fl_gathered *got)
{
    fl_json_object(json, "keys");
    if (!got->keys) {
        fl_json_text(json, "problem", got->keys_problem);
    } else {
        fl_json_u64(json, "epoch", got->key_stat.epoch);
        fl_json_u64(json, "tenants", got->key_stat.tenants);
        fl_json_u64(json, "days", got->key_stat.days);
        fl_json_u64(json, "files", got->key_stat.files);
        fl_json_u64(json, "signatures", got->key_stat.signs);
        fl_json_text(json, "root_kind", got->root_kind);
    }
    fl_json_end(json);
}

/* ---- tenants and devices ---- */

struct walk {
    struct fl_req *req;
    const struct fl_gathered *got;
    struct fl_tenant tenant;
    uint64_t devices, open, lost, dropped, unparsed, gaps, lines;
    int64_t last_us;
    uint64_t shown, hidden;
    bool list; /* write each device, instead of adding up */
};

static void add_device(struct walk *w, const struct fl_device *d)
{
    const struct fl_live_device *live = fl_live_device(w->req->api->env.live, d->tenant, d->slug);

    w->devices++;
    if (live == NULL)
        return;
    w->open += live->open > 0;
    w->lines += live->counters.total[FL_COUNT_LINES];
    w->lost += live->counters.total[FL_COUNT_LOST];
    w->dropped += live->counters.total[FL_COUNT_DROPPED];
    w->unparsed += live->counters.total[FL_COUNT_UNPARSED];
    w->gaps += live->counters.total[FL_COUNT_GAPS];
    if (live->counters.last_us > w->last_us)
        w->last_us = live->counters.last_us;
}

static void show_device(struct walk *w, const struct fl_device *d, bool listed)
{
    struct fl_json *json = &w->req->json;

    if (w->shown == DEVICES_SHOWN) {
        w->hidden++;
        return;
    }
    w->shown++;
    fl_json_object(json, NULL);
    fl_json_text(json, "tenant", w->tenant.slug);
    fl_json_text(json, "slug", d->slug);
    fl_json_text(json, "site", d->site);
    fl_json_bool(json, "relay", d->relay);
    fl_json_bool(json, "listed", listed);
    fl_part_live(w->req, json, d->tenant, d->slug);
    fl_json_end(json);
}

static int on_device(void *ctx, const struct fl_device *d)
{
    struct walk *w = ctx;

    if (w->list)
        show_device(w, d, true);
    else
        add_device(w, d);
    return 0;
}

/* Names that ingest gives by itself: senders of a tenant's own CA, and weak ones without a name. */
static void on_heard(void *ctx, const struct fl_live_device *live)
{
    struct walk *w = ctx;
    struct fl_device d = {.tenant = w->tenant.id};
    const char *slug = live->counters.device;

    if (strncmp(slug, "ca-", 3) != 0 && strcmp(slug, "unknown") != 0)
        return;
    if (fl_db_device_get(w->req->api->db, w->tenant.id, slug, &d, NULL) == FL_OK)
        return;
    (void)snprintf(d.slug, sizeof d.slug, "%s", slug);
    if (w->list)
        show_device(w, &d, false);
    else
        add_device(w, &d);
}

static int each_device(struct walk *w)
{
    struct fl_db_list list;
    int r = fl_db_devices(w->req->api->db, w->tenant.id, (struct fl_db_page){NULL, 0}, on_device, w,
                          &list, NULL);

    fl_live_each(w->req->api->env.live, w->tenant.id, on_heard, w);
    return r;
}

static int on_tenant(void *ctx, const struct fl_tenant *t)
{
    struct walk *w = ctx;
    struct fl_json *json = &w->req->json;
    int r;

    w->tenant = *t;
    if (w->list)
        return each_device(w);
    w->devices = w->open = w->lost = w->dropped = w->unparsed = w->gaps = w->lines = 0;
    w->last_us = 0;
    r = each_device(w);
    fl_json_object(json, NULL);
    fl_json_text(json, "slug", t->slug);
    fl_json_text(json, "name", t->name);
    fl_json_bool(json, "demo", t->demo);
    fl_json_u64(json, "keep_days", t->keep_days);
    fl_json_u64(json, "quota_bytes", t->quota_bytes);
    fl_json_u64(json, "devices", w->devices);
    fl_json_u64(json, "devices_open", w->open);
    fl_part_time(json, "last_at", w->last_us);
    if (w->last_us == 0)
        fl_json_null(json, "lag_us");
    else
        fl_json_i64(json, "lag_us", w->req->api->env.now_us() - w->last_us);
    fl_json_u64(json, "lines", w->lines);
    fl_json_u64(json, "unparsed", w->unparsed);
    fl_json_u64(json, "gaps", w->gaps);
    fl_json_u64(json, "lost", w->lost);
    fl_json_u64(json, "dropped", w->dropped);
    fl_gathered_data(json, w->got, t->id);
    fl_json_end(json);
    return r < 0 ? r : 0;
}

static int each_tenant(struct walk *w, const char *member, bool list)
{
    struct fl_db_list ret;
    int r;

    w->list = list;
    fl_json_array(&w->req->json, member);
    r = fl_db_tenants(w->req->api->db, (struct fl_db_page){NULL, 0}, on_tenant, w, &ret, NULL);
    fl_json_end(&w->req->json);
    return r;
}

static int pass_rogue(void *ctx, const struct fl_rogue *rogue)
{
    (void)ctx, (void)rogue;
    return 0;
}

/* Works without the database too: then it tells of the roles, which is what one wants to see. */
static void put_database(struct fl_req *req, const struct fl_gathered *got)
{
    struct walk w = {.req = req, .got = got};
    struct fl_db_list rogues = {.total = 0};
    struct fl_json *json = &req->json;
    int r;

    fl_json_bool(json, "database", req->api->db != NULL);
    if (req->api->db == NULL)
        return;
    r = each_tenant(&w, "tenants", false);
    if (r == FL_OK)
        r = each_tenant(&w, "devices", true);
    if (r == FL_OK)
        r = fl_db_rogues(req->api->db, (struct fl_db_page){NULL, 1}, pass_rogue, NULL, &rogues,
                         NULL);
    fl_json_u64(json, "devices_more", w.hidden);
    fl_json_u64(json, "rogues", rogues.total);
    if (r < 0)
        fl_json_text(json, "database_problem", "the control database could not be read");
}

static void status(struct fl_req *req, const struct fl_gathered *got)
{
    struct fl_json *json = fl_req_object(req);

    fl_json_text(json, "version", FL_VERSION);
    fl_json_time(json, "now", req->api->env.now_us());
    fl_json_time(json, "core_since", req->api->since_us);
    put_roles(json, got);
    put_listeners(json, req->api->env.conf);
    fl_json_object(json, "store");
    put_store(json, got);
    fl_json_end(json);
    put_keys(json, got);
    put_database(req, got);
    fl_req_done(req, 200);
}

int fl_api_status(struct fl_req *req, struct fl_err *err)
{
    return fl_gather(req, FL_WANT_ROLES | FL_WANT_STORE | FL_WANT_KEYS, status, err);
}

/* ---- the store alone ---- */

static void store(struct fl_req *req, const struct fl_gathered *got)
{
    struct fl_json *json;
    struct fl_tenant t = {.id = 0};

    if (!got->store) {
        fl_req_problem(req, 503, "busy", "%s", got->store_problem);
        return;
    }
    json = fl_req_object(req);
    put_store(json, got);
    fl_json_array(json, "tenants");
    for (size_t i = 0; i < got->tenant_count; i++) {
        const struct fl_msg_store_tenant *s = &got->tenant[i];
        bool known = fl_db_tenant_by_id(req->api->db, s->tenant, &t, NULL) == FL_OK;

        fl_json_object(json, NULL);
        fl_json_u64(json, "number", s->tenant);
        fl_json_text(json, "tenant", known ? t.slug : NULL);
        fl_json_u64(json, "rows", s->rows);
        fl_json_u64(json, "bytes", s->bytes);
        fl_json_u64(json, "segments", s->segments);
        fl_part_day(json, "oldest_day", s->rows == 0 ? INT32_MIN : s->oldest_day);
        fl_part_day(json, "newest_day", s->rows == 0 ? INT32_MIN : s->newest_day);
        fl_json_u64(json, "no_baseline", s->no_baseline);
        fl_json_u64(json, "quota_bytes", s->quota_bytes);
        fl_part_house(json, s);
        fl_json_end(json);
    }
    fl_json_end(json);
    fl_req_done(req, 200);
}

int fl_api_store(struct fl_req *req, struct fl_err *err)
{
    return fl_gather(req, FL_WANT_STORE, store, err);
}

/* ---- the instance's certificates ---- */

/* The first certificate of a chain. */
static struct fl_span first_pem(struct fl_span chain)
{
    static const char end[] = "-----END CERTIFICATE-----";
    const unsigned char *at =
        chain.len == 0 ? NULL : memmem(chain.ptr, chain.len, end, sizeof end - 1);

    return at == NULL ? chain : fl_span_of(chain.ptr, (size_t)(at - chain.ptr) + sizeof end - 1);
}

static bool on_cert(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_cert_info info = {.is_ca = false}, ca = {.is_ca = true};
    struct fl_msg_cert msg;
    struct fl_json *json;
    struct fl_err err;
    char hex[65], ca_hex[65];

    if (fl_answer_take(in, FL_MSG_CERT, &msg, &err) < 0 ||
        fl_cert_read(first_pem(msg.chain_pem), &info, &err) < 0) {
        fl_req_fail(req, &err);
        return false;
    }
    fl_part_hex(info.fingerprint, sizeof info.fingerprint, hex);
    if (fl_cert_read(msg.ca_pem, &ca, &err) < 0) {
        fl_req_fail(req, &err);
        return false;
    }
    fl_part_hex(ca.fingerprint, sizeof ca.fingerprint, ca_hex);
    json = fl_req_object(req);
    fl_json_text(json, "ca_fingerprint", ca_hex);
    fl_json_str(json, "ca_pem", msg.ca_pem);
    fl_json_str(json, "chain_pem", msg.chain_pem);
    fl_json_text(json, "server_fingerprint", hex);
    fl_json_text(json, "server_subject", info.subject);
    fl_part_time(json, "server_not_after", info.not_after_us);
    fl_json_text(json, "listen", fl_conf_str(req->api->env.conf, FL_SET_LISTEN_TLS));
    fl_json_text(json, "server_names", fl_conf_str(req->api->env.conf, FL_SET_SERVER_NAMES));
    fl_req_done(req, 200);
    return false;
}

int fl_api_instance_ca(struct fl_req *req, struct fl_err *err)
{
    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_CERT_ASK, NULL, FL_ASK_MS, on_cert, NULL, err);
}
