/* What other roles report: counters, connections, refused senders, security events. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "fairleadd/core.h"

/* ---- counters ---- */

/* The board is told how far the counters moved. */
static void note_stat(struct fl_core *core, const struct fl_msg_device_stat *msg)
{
    struct fl_counters before = {.tenant = msg->tenant};
    const struct fl_live_device *device;
    char name[FL_SLUG_MAX + 1];

    (void)snprintf(name, sizeof name, "%.*s", FL_SPAN_ARG(msg->device));
    device = fl_live_device(core->live, msg->tenant, name);
    if (device != NULL)
        before = device->counters;
    fl_live_stat(core->live, msg);
    device = fl_live_device(core->live, msg->tenant, name);
    if (device != NULL)
        fl_board_add(core->board, &before, &device->counters, fl_now_us());
}

void fl_core_take_stat(struct fl_core *core, struct fl_span payload)
{
    struct fl_msg_device_stat msg;

    if (fl_msg_decode(FL_MSG_DEVICE_STAT, payload, &msg, NULL) == FL_OK)
        note_stat(core, &msg);
}

void fl_core_take_conn(struct fl_core *core, struct fl_span payload)
{
    struct fl_msg_conn_stat msg;

    if (fl_msg_decode(FL_MSG_CONN_STAT, payload, &msg, NULL) == FL_OK)
        fl_live_conn(core->live, &msg);
}

struct load {
    struct fl_core *core;
    struct fl_err *err;
};

static int load_device(void *ctx, const struct fl_device *device)
{
    struct load *l = ctx;
    struct fl_counters counters;
    int r = fl_db_counters_get(l->core->db, device->tenant, device->slug, &counters, l->err);

    if (r < 0)
        return r;
    counters.tenant = device->tenant;
    (void)snprintf(counters.device, sizeof counters.device, "%s", device->slug);
    return fl_live_load(l->core->live, &counters, l->err);
}

static int load_tenant(void *ctx, const struct fl_tenant *tenant)
{
    struct load *l = ctx;
    struct fl_db_list list;

    return fl_db_devices(l->core->db, tenant->id, (struct fl_db_page){NULL, 0}, load_device, l,
                         &list, l->err);
}

int fl_core_load_counters(struct fl_core *core, struct fl_err *err)
{
    struct load load = {core, err};
    struct fl_db_list list;

    return fl_db_tenants(core->db, (struct fl_db_page){NULL, 0}, load_tenant, &load, &list, err);
}

/* A device that is not in the database: known by its tenant's CA alone, or removed meanwhile. */
static int store_one(void *ctx, const struct fl_counters *counters)
{
    struct fl_core *core = ctx;
    struct fl_err err;
    int r = fl_db_counters_set(core->db, counters, &err);

    if (r == FL_OK || r == FL_E_NOENT)
        return FL_OK;
    fl_role_log(core->env, FL_LOG_WARN, "counters of %s: %s", counters->device, err.text);
    return r;
}

void fl_core_store_counters(struct fl_core *core)
{
    struct fl_err err;

    if (core->db == NULL)
        return;
    if (fl_db_begin(core->db, &err) < 0) {
        fl_role_log(core->env, FL_LOG_WARN, "counters are not stored: %s", err.text);
        return;
    }
    fl_live_each_dirty(core->live, store_one, core);
    if (fl_db_commit(core->db, &err) < 0) {
        fl_role_log(core->env, FL_LOG_WARN, "counters are not stored: %s", err.text);
        fl_db_rollback(core->db);
    }
}

/* ---- refused senders ---- */

static void put_text(char *to, size_t size, struct fl_span from)
{
    (void)snprintf(to, size, "%.*s", FL_SPAN_ARG(from));
}

/* Without the port, which is another one each time. */
static void put_address(char *to, size_t size, struct fl_span from)
{
    char *colon;

    put_text(to, size, from);
    colon = strrchr(to, ':');
    if (colon != NULL && (to[0] == '[' || strchr(to, ':') == colon))
        *colon = '\0';
}

/* Written about once a second in one transaction, however fast they knock. */
void fl_core_take_rogue(struct fl_core *core, struct fl_span payload)
{
    struct fl_msg_rogue msg;
    struct fl_rogue *rogue;

    if (fl_msg_decode(FL_MSG_ROGUE, payload, &msg, NULL) < 0)
        return;
    if (core->rogue_count == FL_CORE_ROGUES_MAX) {
        core->rogues_skipped++;
        return;
    }
    rogue = &core->rogues[core->rogue_count++];
    *rogue = (struct fl_rogue){.at_us = msg.at_us, .first_us = msg.at_us, .count = 1};
    if (msg.fingerprint.len == sizeof rogue->fingerprint)
        memcpy(rogue->fingerprint, msg.fingerprint.ptr, sizeof rogue->fingerprint);
    put_text(rogue->subject, sizeof rogue->subject, msg.subject);
    put_address(rogue->address, sizeof rogue->address, msg.address);
    put_text(rogue->reason, sizeof rogue->reason, msg.reason);
    put_text(rogue->listener, sizeof rogue->listener, msg.listener);
}

void fl_core_store_rogues(struct fl_core *core)
{
    struct fl_err err;
    int r;

    if (core->db == NULL || core->rogue_count == 0)
        return;
    r = fl_db_begin(core->db, &err);
    for (size_t i = 0; r == FL_OK && i < core->rogue_count; i++)
        r = fl_db_rogue_note(core->db, &core->rogues[i], &err);
    if (r == FL_OK)
        r = fl_db_commit(core->db, &err);
    if (r < 0) {
        fl_db_rollback(core->db);
        fl_role_log(core->env, FL_LOG_WARN, "refused senders are not stored: %s", err.text);
    }
    core->rogue_count = 0;
    if (core->rogues_skipped > 0)
        fl_role_log(core->env, FL_LOG_WARN, "%" PRIu64 " more refusals than can be listed",
                    core->rogues_skipped);
    core->rogues_skipped = 0;
}

/* ---- security events ---- */

/* A role speaks for itself only; keys is told by core for whom it acts. */
static void record(struct fl_core *core, enum fl_role from, const struct fl_msg_audit *msg)
{
    char actor[24];
    struct fl_audit_event event = {
        .at_us = msg->at_us,
        .event = msg->event,
        .tenant = msg->tenant,
        .object = msg->object,
        .detail = msg->detail,
    };
    struct fl_err err;

    (void)snprintf(actor, sizeof actor, "role:%s", fl_role_name(from));
    event.actor = from == FL_ROLE_KEYS && msg->actor.len > 0 ? msg->actor : fl_span_str(actor);
    if (fl_audit_record(core->audit, &event, NULL, &err) < 0)
        fl_role_log(core->env, FL_LOG_ERR, "an event of %s is not recorded: %s", fl_role_name(from),
                    err.text);
}

static void keep(struct fl_core *core, enum fl_role from, struct fl_span payload)
{
    struct fl_core_event *event = &core->events[core->event_count];

    if (core->event_count == FL_CORE_EVENTS_MAX) {
        core->events_skipped++;
        return;
    }
    event->from = from;
    fl_buf_init(&event->payload, FL_MSG_MAX_BYTES);
    fl_buf_put_span(&event->payload, payload);
    core->event_count++;
}

void fl_core_take_event(struct fl_core *core, enum fl_role from, struct fl_span payload)
{
    struct fl_msg_audit msg;

    if (fl_msg_decode(FL_MSG_AUDIT, payload, &msg, NULL) < 0)
        return;
    if (core->audit == NULL)
        keep(core, from, payload);
    else
        record(core, from, &msg);
}

void fl_core_store_events(struct fl_core *core)
{
    for (size_t i = 0; i < core->event_count; i++) {
        struct fl_core_event *event = &core->events[i];

        fl_core_take_event(core, event->from, fl_buf_span(&event->payload));
        fl_buf_done(&event->payload);
    }
    core->event_count = 0;
    if (core->events_skipped > 0)
        fl_role_log(core->env, FL_LOG_ERR,
                    "%" PRIu64 " security events came before the record was open and are lost",
                    core->events_skipped);
    core->events_skipped = 0;
}

void fl_core_notes_free(struct fl_core *core)
{
    for (size_t i = 0; i < core->event_count; i++)
        fl_buf_done(&core->events[i].payload);
    core->event_count = 0;
}
