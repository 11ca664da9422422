/* Who may send (to ingest), what is kept (to store), what is open to all (to keys). */
#include <string.h>

#include "base/time.h"
#include "fairleadd/core.h"

#define MANY_DEVICES 5000u
#define SOON_MS      0
#define SOON_MANY_MS 500
#define RETRY_MS     1000

struct table {
    struct fl_core *core;
    struct fl_imsg *chan;
    struct fl_tenant tenant;
    struct fl_device device;
    size_t rows, certificates;
    struct fl_err *err;
};

static int send_device(struct table *t, struct fl_span fingerprint, bool revoked)
{
    struct fl_msg_device msg = {
        .tenant = t->tenant.id,
        .slug = fl_span_str(t->device.slug),
        .site = fl_span_str(t->device.site),
        .fingerprint = fingerprint,
        .host = fl_span_str(t->device.host),
        .relay = t->device.relay,
        .revoked = revoked,
    };

    t->rows++;
    return fl_imsg_send(t->chan, FL_MSG_DEVICE, 0, &msg, -1, t->err);
}

static int on_certificate(void *ctx, const struct fl_certificate *cert)
{
    struct table *t = ctx;

    t->certificates++;
    return send_device(t, fl_span_of(cert->fingerprint, sizeof cert->fingerprint),
                       cert->revoked_us != 0);
}

/* One row for each certificate; one without, where there is none, for weak listeners and relays. */
static int on_device(void *ctx, const struct fl_device *device)
{
    struct table *t = ctx;
    struct fl_db_list list;
    int r;

    t->device = *device;
    t->certificates = 0;
    r = fl_db_certificates(t->core->db, device->tenant, device->slug, (struct fl_db_page){NULL, 0},
                           on_certificate, t, &list, t->err);
    if (r == FL_OK && t->certificates == 0)
        r = send_device(t, FL_SPAN(""), false);
    return r;
}

static int send_ca(struct table *t)
{
    struct fl_msg_tenant_ca msg = {.tenant = t->tenant.id};
    struct fl_tenant_ca ca;
    int r = fl_db_tenant_ca_get(t->core->db, t->tenant.id, &ca, t->err);

    if (r < 0)
        return r == FL_E_NOENT ? FL_OK : r;
    msg.ca_pem = fl_span_str(ca.pem);
    return fl_imsg_send(t->chan, FL_MSG_TENANT_CA, 0, &msg, -1, t->err);
}

static int on_tenant(void *ctx, const struct fl_tenant *tenant)
{
    struct table *t = ctx;
    struct fl_msg_tenant msg = {
        .id = tenant->id,
        .slug = fl_span_str(tenant->slug),
        .demo = tenant->demo,
        .far_zones = fl_span_str(tenant->far_zones),
        .far_instances = fl_span_str(tenant->far_instances),
    };
    struct fl_db_list list;
    int r = fl_imsg_send(t->chan, FL_MSG_TENANT, 0, &msg, -1, t->err);

    t->tenant = *tenant;
    if (r == FL_OK)
        r = send_ca(t);
    if (r == FL_OK)
        r = fl_db_devices(t->core->db, tenant->id, (struct fl_db_page){NULL, 0}, on_device, t,
                          &list, t->err);
    return r;
}

static int send_table(struct fl_core *core, struct fl_err *err)
{
    struct table t = {.core = core, .chan = core->link[FL_ROLE_INGEST], .err = err};
    struct fl_msg_table_end end = {.generation = ++core->generation};
    struct fl_db_list list;
    int r = fl_imsg_send(t.chan, FL_MSG_TABLE_BEGIN, 0, NULL, -1, err);

    if (r == FL_OK)
        r = fl_db_tenants(core->db, (struct fl_db_page){NULL, 0}, on_tenant, &t, &list, err);
    if (r == FL_OK)
        r = fl_imsg_send(t.chan, FL_MSG_TABLE_END, 0, &end, -1, err);
    core->table_devices = t.rows;
    return r;
}

static int on_rule(void *ctx, const struct fl_tenant *tenant)
{
    struct table *t = ctx;
    struct fl_msg_tenant_rule msg = {
        .tenant = tenant->id,
        .slug = fl_span_str(tenant->slug),
        .keep_days = tenant->keep_days,
        .quota_bytes = tenant->quota_bytes,
    };

    return fl_imsg_send(t->chan, FL_MSG_TENANT_RULE, 0, &msg, -1, t->err);
}

/* Demonstration tenants are open for good; keys hears it again, should it ever not have. */
static int on_demo(void *ctx, const struct fl_tenant *tenant)
{
    struct table *t = ctx;
    struct fl_msg_grant msg = {.tenant = tenant->id, .until_us = INT64_MAX};

    if (!tenant->demo)
        return FL_OK;
    return fl_imsg_send(t->chan, FL_MSG_GRANT, FL_CORE_ID_GRANT, &msg, -1, t->err);
}

static int send_each(struct fl_core *core, enum fl_role to,
                     int (*fn)(void *ctx, const struct fl_tenant *tenant), struct fl_err *err)
{
    struct table t = {.core = core, .chan = core->link[to], .err = err};
    struct fl_db_list list;

    return fl_db_tenants(core->db, (struct fl_db_page){NULL, 0}, fn, &t, &list, err);
}

static int tell_one(struct fl_core *core, unsigned what, struct fl_err *err)
{
    switch (what) {
    case FL_CHANGED_SENDERS:
        return core->link[FL_ROLE_INGEST] == NULL ? FL_OK : send_table(core, err);
    case FL_CHANGED_RULES:
        return core->link[FL_ROLE_STORE] == NULL ? FL_OK
                                                 : send_each(core, FL_ROLE_STORE, on_rule, err);
    case FL_CHANGED_GRANTS:
        if (core->link[FL_ROLE_KEYS] == NULL)
            return FL_OK;
        fl_api_people_check(core->api);
        return send_each(core, FL_ROLE_KEYS, on_demo, err);
    default:
        return FL_OK;
    }
}

/* A role that is not linked hears it when it is. */
void fl_core_tell(struct fl_core *core, unsigned what)
{
    static const unsigned all[] = {FL_CHANGED_RULES, FL_CHANGED_GRANTS, FL_CHANGED_SENDERS};
    struct fl_err err;

    if (core->db == NULL)
        return;
    for (size_t i = 0; i < FL_LEN(all); i++) {
        if ((what & all[i]) == 0 || tell_one(core, all[i], &err) == FL_OK)
            continue;
        fl_role_log(core->env, FL_LOG_WARN, "a change could not be told, trying again: %s",
                    err.text);
        core->tell_what |= all[i];
        if (core->tell != NULL)
            fl_watch_rearm(core->tell, RETRY_MS);
    }
}

static void on_tell(void *ctx)
{
    struct fl_core *core = ctx;
    unsigned what = core->tell_what;

    core->tell_what = 0;
    fl_core_tell(core, what);
}

/* Changes that come together are told together; a large table not at each of many changes. */
void fl_core_tell_later(struct fl_core *core, unsigned what)
{
    int64_t delay_ms = core->table_devices > MANY_DEVICES ? SOON_MANY_MS : SOON_MS;
    struct fl_err err;
    bool waiting = core->tell_what != 0;

    core->tell_what |= what;
    if (core->tell == NULL &&
        fl_watch_timer(core->env->loop, -1, 0, on_tell, core, &core->tell, &err) < 0) {
        fl_role_log(core->env, FL_LOG_ERR, "%s", err.text);
        on_tell(core);
        return;
    }
    if (!waiting)
        fl_watch_rearm(core->tell, delay_ms);
}
