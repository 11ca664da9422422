/* The core role: requests, control database, the record of events. No network socket. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cases.h"
#include "api/watch.h"
#include "base/time.h"
#include "fairleadd/core.h"

#define DB_FILE         "control.db"
#define TICK_MS         1000
#define COUNTERS_TICKS  10u
#define LINK_OUT_MAX    ((size_t)64 << 20) /* the whole table of senders fits */
#define QUERY_OUT_BYTES ((size_t)4 << 20)

static int send_to(void *ctx, enum fl_role to, enum fl_msg_type type, uint32_t id, const void *msg,
                   struct fl_err *err)
{
    struct fl_core *core = ctx;
    struct fl_imsg *chan = to == FL_ROLE_SUPERVISOR ? core->env->supervisor : core->link[to];
    int r;

    if (chan == NULL)
        return fl_err_set(err, FL_E_AGAIN, "%s is not there", fl_role_name(to));
    r = fl_imsg_send(chan, type, id, msg, -1, err);
    return r == FL_E_IO ? fl_err_set(err, FL_E_AGAIN, "%s is not there", fl_role_name(to)) : r;
}

static void on_changed(void *ctx, unsigned what)
{
    fl_core_tell_later(ctx, what);
}

/* ---- the control database ---- */

static void complain(struct fl_core *core, const struct fl_err *err)
{
    if (strcmp(core->open_problem, err->text) == 0)
        return;
    (void)snprintf(core->open_problem, sizeof core->open_problem, "%s", err->text);
    fl_role_log(core->env, FL_LOG_ERR, "the control database is not open: %s", err->text);
}

static void close_database(struct fl_core *core)
{
    fl_api_open(core->api, NULL, NULL);
    fl_audit_close(core->audit);
    fl_db_close(core->db);
    core->audit = NULL;
    core->db = NULL;
}

static int open_database(struct fl_core *core, const struct fl_msg_db_key *msg, struct fl_err *err)
{
    int r;

    if (msg->key.len != FL_SQL_KEY_BYTES || msg->actor_key.len != FL_AUDIT_KEY_BYTES)
        return fl_err_set(err, FL_E_PROTO, "keys gave keys of a wrong length");
    r = fl_db_open(DB_FILE, msg->key.ptr, fl_now_us(), &core->db, err);
    if (r == FL_OK)
        r = fl_audit_open(core->env->dir_fd, FL_AUDIT_FILE, core->db, msg->actor_key.ptr,
                          fl_now_us(), &core->audit, err);
    if (r == FL_OK)
        r = fl_core_load_counters(core, err);
    return r;
}

static void take_db_key(struct fl_core *core, struct fl_span payload)
{
    struct fl_msg_db_key msg;
    struct fl_err err;
    int r;

    core->key_asked = false;
    if (core->db != NULL)
        return;
    r = fl_msg_decode(FL_MSG_DB_KEY, payload, &msg, &err);
    if (r == FL_OK)
        r = open_database(core, &msg, &err);
    if (r < 0) {
        complain(core, &err);
        close_database(core);
        return;
    }
    core->open_problem[0] = '\0';
    fl_api_open(core->api, core->db, core->audit);
    fl_core_store_events(core);
    fl_core_tell(core, FL_CHANGED_SENDERS | FL_CHANGED_RULES | FL_CHANGED_GRANTS);
}

static void ask_db_key(struct fl_core *core)
{
    if (core->db != NULL || core->key_asked || core->link[FL_ROLE_KEYS] == NULL)
        return;
    core->key_asked = fl_imsg_send(core->link[FL_ROLE_KEYS], FL_MSG_DB_KEY_ASK, FL_CORE_ID_DB_KEY,
                                   NULL, -1, NULL) == FL_OK;
}

/* ---- messages ---- */

static void take_own_fail(struct fl_core *core, enum fl_role from, const struct fl_imsg_in *in)
{
    struct fl_msg_fail msg;
    struct fl_err err;

    if (fl_msg_decode(in->type, in->payload, &msg, &err) < 0)
        return;
    (void)fl_err_set(&err, msg.code, "%s: %.*s", fl_role_name(from), FL_SPAN_ARG(msg.text));
    if (in->id == FL_CORE_ID_DB_KEY) {
        core->key_asked = false; /* the next tick asks again */
        complain(core, &err);
    } else {
        fl_role_log(core->env, FL_LOG_WARN, "%s", err.text);
    }
}

static void take(struct fl_core *core, enum fl_role from, const struct fl_imsg_in *in)
{
    if (in->type == FL_MSG_AUDIT) {
        fl_core_take_event(core, from, in->payload);
        return;
    }
    if (fl_core_web_health(core, from, in) || fl_core_alarms_message(core, from, in) ||
        fl_core_searches_message(core, from, in) || fl_core_feeds_message(core, from, in) ||
        fl_core_notices_message(core, from, in) ||
        fl_api_message(core->api, from, in->type, in->id, in->payload))
        return;
    switch ((int)in->type) { /* int: the others are answers, or nobody's */
    case FL_MSG_DB_KEY:
        take_db_key(core, in->payload);
        break;
    case FL_MSG_READS_END:
        fl_api_reads_end(core->api, in->payload);
        break;
    case FL_MSG_DEVICE_STAT:
        fl_core_take_stat(core, in->payload);
        break;
    case FL_MSG_CONN_STAT:
        fl_core_take_conn(core, in->payload);
        break;
    case FL_MSG_ROGUE:
        fl_core_take_rogue(core, in->payload);
        break;
    case FL_MSG_FAIL:
        take_own_fail(core, from, in);
        break;
    default:
        break;
    }
}

static enum fl_role role_of(const struct fl_core *core, const struct fl_imsg *chan)
{
    for (int role = 0; role < FL_ROLE_COUNT; role++)
        if (core->link[role] == chan)
            return (enum fl_role)role;
    return FL_ROLE_COUNT;
}

static void on_message(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct fl_core *core = ctx;

    if (in->fd >= 0)
        (void)close(in->fd);
    take(core, role_of(core, chan), in);
}

static void unlink_role(struct fl_core *core, enum fl_role role)
{
    fl_imsg_free(core->link[role]);
    core->link[role] = NULL;
    if (role == FL_ROLE_KEYS)
        core->key_asked = false;
    if (role == FL_ROLE_INGEST) { /* what it counted is final: nobody can say it again */
        fl_live_ingest_gone(core->live);
        fl_core_store_counters(core);
    }
    fl_core_alarms_lost(core, role);
    fl_core_searches_lost(core, role);
    fl_core_feeds_lost(core, role);
    fl_core_notices_lost(core, role);
    fl_api_lost(core->api, role);
}

static void on_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    struct fl_core *core = ctx;
    enum fl_role role = role_of(core, chan);

    fl_role_log(core->env, FL_LOG_NOTICE, "the link to %s ended: %s", fl_role_name(role), why);
    unlink_role(core, role);
}

static void core_link(void *state, enum fl_role peer, int fd)
{
    static const struct fl_imsg_ops ops = {.message = on_message, .closed = on_closed};
    struct fl_core *core = state;
    size_t out_max = peer == FL_ROLE_INGEST ? LINK_OUT_MAX : QUERY_OUT_BYTES;
    struct fl_err err;

    if (peer == FL_ROLE_WEB) {
        fl_core_web_link(core, fd);
        return;
    }
    if (core->link[peer] != NULL)
        unlink_role(core, peer);
    if (fl_imsg_new(core->env->loop, fd, FL_ROLE_CORE, peer, out_max, &ops, core, &core->link[peer],
                    &err) < 0) {
        core->link[peer] = NULL;
        fl_role_log(core->env, FL_LOG_ERR, "no link to %s: %s", fl_role_name(peer), err.text);
        return;
    }
    if (peer == FL_ROLE_INGEST)
        fl_core_tell(core, FL_CHANGED_SENDERS);
    else if (peer == FL_ROLE_STORE)
        fl_core_tell(core, FL_CHANGED_RULES);
    else if (peer == FL_ROLE_KEYS)
        fl_core_tell(core, FL_CHANGED_GRANTS);
    ask_db_key(core);
}

static void core_supervisor(void *state, struct fl_imsg_in *in)
{
    struct fl_core *core = state;

    if (!fl_core_alarms_message(core, FL_ROLE_SUPERVISOR, in))
        (void)fl_api_message(core->api, FL_ROLE_SUPERVISOR, in->type, in->id, in->payload);
}

/* ---- time, beginning, end ---- */

static void on_tick(void *ctx)
{
    struct fl_core *core = ctx;

    fl_api_tick(core->api);
    fl_core_clients_tick(core);
    fl_core_web_tick(core);
    fl_core_alarms_tick(core);
    fl_core_searches_tick(core);
    fl_core_feeds_tick(core);
    fl_api_cases_tick(core->api);
    fl_core_notices_tick(core);
    fl_core_supply_tick(core);
    fl_api_watch_tick(core->api);
    fl_core_store_rogues(core);
    if (++core->ticks % COUNTERS_TICKS == 0)
        fl_core_store_counters(core);
    ask_db_key(core);
}

static void core_free(struct fl_core *core)
{
    fl_watch_free(core->tick);
    fl_watch_free(core->tell);
    fl_core_clients_free(core);
    fl_core_web_free(core);
    for (int role = 0; role < FL_ROLE_COUNT; role++)
        fl_imsg_free(core->link[role]);
    fl_core_notes_free(core);
    fl_audit_close(core->audit);
    fl_db_close(core->db);
    fl_api_free(core->api);
    fl_core_supply_free(core);
    fl_core_alarms_free(core);
    fl_core_searches_free(core);
    fl_core_feeds_free(core);
    fl_core_notices_free(core);
    fl_board_free(core->board);
    fl_live_free(core->live);
    free(core);
}

static void core_stop(void *state)
{
    struct fl_core *core = state;
    struct fl_loop *loop = core->env->loop;

    fl_core_store_rogues(core);
    fl_core_store_counters(core);
    core_free(core);
    fl_loop_stop(loop);
}

static int core_begin(struct fl_core *core, struct fl_err *err)
{
    const struct fl_api_env env = {.ctx = core,
                                   .conf = core->env->conf,
                                   .live = core->live,
                                   .board = core->board,
                                   .work = core->work,
                                   .now_us = fl_now_us,
                                   .send = send_to,
                                   .changed = on_changed};
    int r = fl_api_new(&env, &core->api, err);

    if (r == FL_OK)
        r = fl_watch_timer(core->env->loop, TICK_MS, 1, on_tick, core, &core->tick, err);
    if (r == FL_OK)
        r = fl_core_listen(core, err);
    return r;
}

static int core_start(struct fl_role_env *env, void **ret_state, struct fl_err *err)
{
    struct fl_core *core = calloc(1, sizeof *core);
    int r;

    if (core == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory");
    core->env = env;
    core->generation = (uint64_t)fl_now_us(); /* greater than any of the process before */
    r = fl_live_new(&core->live, err);
    if (r == FL_OK)
        r = fl_board_new(&core->board, err);
    if (r == FL_OK)
        r = fl_core_alarms_new(core, err);
    if (r == FL_OK)
        r = fl_core_searches_new(core, err);
    if (r == FL_OK)
        r = fl_core_feeds_new(core, err);
    if (r == FL_OK)
        r = fl_core_notices_new(core, err);
    if (r == FL_OK)
        r = fl_core_supply_new(core, err);
    if (r == FL_OK)
        r = fl_core_web_new(core, err);
    if (r == FL_OK)
        r = core_begin(core, err);
    if (r < 0) {
        core_free(core);
        return r;
    }
    *ret_state = core;
    return FL_OK;
}

const struct fl_role_ops fl_role_core = {
    .start = core_start, .link = core_link, .stop = core_stop, .supervisor = core_supervisor};
