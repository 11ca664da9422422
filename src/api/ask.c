#include <stdlib.h>

#include "api/route.h"
#include "base/time.h"

#define ASKS_MAX 4096u

/* Something asked of a role and not yet answered. */
struct fl_ask {
    struct fl_ask *next;
    struct fl_req *req; /* NULL: dropped while its callback runs */
    uint32_t id;
    enum fl_role role;
    int64_t deadline_us; /* monotonic; 0 = none */
    bool (*fn)(struct fl_req *req, const struct fl_answer_in *in);
};

static struct fl_ask **find(struct fl_api *api, enum fl_role role, uint32_t id)
{
    struct fl_ask **at = &api->asks;

    while (*at != NULL && ((*at)->id != id || (*at)->role != role))
        at = &(*at)->next;
    return at;
}

static void take_out(struct fl_api *api, struct fl_ask **at)
{
    struct fl_ask *ask = *at;

    *at = ask->next;
    api->ask_count--;
    free(ask);
}

/* Ids are given round and round; one that is still in use is passed over. */
static uint32_t new_id(struct fl_api *api, enum fl_role role)
{
    do {
        api->next_id = api->next_id == UINT32_MAX ? FL_API_ID_FIRST : api->next_id + 1;
    } while (*find(api, role, api->next_id) != NULL);
    return api->next_id;
}

static int not_there(enum fl_role role, struct fl_err *err)
{
    return fl_err_set(err, FL_E_AGAIN,
                      "the %s role does not answer; it is restarted by itself, try again in a "
                      "moment (fairlead status shows the roles)",
                      fl_role_name(role));
}

int fl_answer_take(const struct fl_answer_in *in, enum fl_msg_type type, void *ret,
                   struct fl_err *err)
{
    if (in->type == FL_MSG_NONE) {
        *err = *in->err;
        return err->code;
    }
    if (in->type != type)
        return fl_err_set(err, FL_E_PROTO, "%s gave an answer that is not one",
                          fl_role_name(in->from));
    return ret == NULL ? FL_OK : fl_msg_decode(type, in->payload, ret, err);
}

int fl_ask(struct fl_req *req, enum fl_role role, enum fl_msg_type type, const void *msg,
           int64_t timeout_ms, bool (*fn)(struct fl_req *req, const struct fl_answer_in *in),
           uint32_t *ret_id, struct fl_err *err)
{
    struct fl_api *api = req->api;
    struct fl_ask *ask;
    uint32_t id = new_id(api, role);
    int r;

    if (api->ask_count >= ASKS_MAX)
        return fl_err_set(err, FL_E_AGAIN, "too many requests are in work; try again");
    r = api->env.send(api->env.ctx, role, type, id, msg, err);
    if (r == FL_E_AGAIN)
        return not_there(role, err);
    if (r < 0)
        return r;
    ask = calloc(1, sizeof *ask);
    if (ask == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    *ask = (struct fl_ask){.next = api->asks, .req = req, .id = id, .role = role, .fn = fn};
    if (timeout_ms > 0)
        ask->deadline_us = fl_now_mono_us() + timeout_ms * 1000;
    api->asks = ask;
    api->ask_count++;
    if (ret_id != NULL)
        *ret_id = id;
    return FL_OK;
}

int fl_api_send(struct fl_api *api, enum fl_role role, enum fl_msg_type type, uint32_t id,
                const void *msg)
{
    return api->env.send(api->env.ctx, role, type, id, msg, NULL);
}

void fl_ask_drop(struct fl_req *req)
{
    struct fl_ask **at = &req->api->asks;

    while (*at != NULL) {
        if ((*at)->req == req)
            take_out(req->api, at);
        else
            at = &(*at)->next;
    }
}

bool fl_api_message(struct fl_api *api, enum fl_role from, enum fl_msg_type type, uint32_t id,
                    struct fl_span payload)
{
    struct fl_answer_in in = {.from = from, .type = type, .payload = payload};
    struct fl_ask **at = find(api, from, id);
    struct fl_msg_fail fail;
    struct fl_err err;

    if (*at == NULL)
        return id >= FL_API_ID_FIRST; /* an answer that nobody waits for any more */
    if (type == FL_MSG_FAIL && fl_msg_decode(FL_MSG_FAIL, payload, &fail, &err) == FL_OK) {
        (void)fl_err_set(&err, fail.code < 0 ? fail.code : FL_E_IO, "%.*s", FL_SPAN_ARG(fail.text));
        in = (struct fl_answer_in){.from = from, .type = FL_MSG_NONE, .err = &err};
    }
    if (!(*at)->fn((*at)->req, &in)) { /* which may have dropped or added asks */
        at = find(api, from, id);
        if (*at != NULL)
            take_out(api, at);
    }
    return true;
}

/* End all that `which` says with err; the callbacks may change the list. */
static void fail_all(struct fl_api *api, bool (*which)(const struct fl_ask *ask, int64_t arg),
                     int64_t arg, const struct fl_err *err)
{
    struct fl_answer_in in = {.type = FL_MSG_NONE, .err = err};
    struct fl_ask **at = &api->asks;

    while (*at != NULL) {
        struct fl_ask *ask = *at, copy = *ask;

        if (!which(ask, arg)) {
            at = &ask->next;
            continue;
        }
        take_out(api, at);
        (void)copy.fn(copy.req, &in);
        at = &api->asks;
    }
}

static bool is_of_role(const struct fl_ask *ask, int64_t role)
{
    return (int64_t)ask->role == role;
}

static bool is_overdue(const struct fl_ask *ask, int64_t now_us)
{
    return ask->deadline_us != 0 && ask->deadline_us <= now_us;
}

void fl_api_lost(struct fl_api *api, enum fl_role role)
{
    struct fl_err err;

    (void)not_there(role, &err);
    fail_all(api, is_of_role, (int64_t)role, &err);
}

static bool reads_tenant(const struct fl_ask *ask, int64_t tenant)
{
    return ask->role == FL_ROLE_STORE && ask->req != NULL && (int64_t)ask->req->reads == tenant;
}

static void end_reads(struct fl_api *api, bool (*which)(const struct fl_ask *ask, int64_t arg),
                      int64_t arg)
{
    struct fl_err err;

    for (const struct fl_ask *ask = api->asks; ask != NULL; ask = ask->next)
        if (which(ask, arg))
            (void)fl_api_send(api, FL_ROLE_STORE, FL_MSG_CANCEL, ask->id, NULL);
    (void)fl_err_set(&err, FL_E_DENIED, "the right to read these logs has ended");
    fail_all(api, which, arg, &err);
}

void fl_ask_end_reads(struct fl_api *api, uint32_t tenant)
{
    end_reads(api, reads_tenant, (int64_t)tenant);
}

struct reader {
    uint32_t tenant;
    uint64_t session;
};

static bool is_reader(const struct fl_ask *ask, int64_t arg)
{
    const struct reader *reader = (const struct reader *)(intptr_t)arg;

    return reads_tenant(ask, (int64_t)reader->tenant) && !ask->req->caller.local &&
           ask->req->caller.session == reader->session;
}

void fl_ask_end_session_reads(struct fl_api *api, uint32_t tenant, uint64_t session)
{
    const struct reader reader = {tenant, session};

    end_reads(api, is_reader, (int64_t)(intptr_t)&reader);
}

void fl_api_tick(struct fl_api *api)
{
    struct fl_err err;

    (void)fl_err_set(&err, FL_E_TIMEOUT,
                     "a role did not answer in time; fairlead status shows the roles");
    fail_all(api, is_overdue, fl_now_mono_us(), &err);
}
