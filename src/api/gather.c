#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/parts.h"

static void gathered_free(void *state)
{
    struct fl_gathered *got = state;

    if (got != NULL)
        free(got->tenant);
    free(got);
}

static void put_text(char *to, size_t size, struct fl_span from)
{
    (void)snprintf(to, size, "%.*s", FL_SPAN_ARG(from));
}

/* One of the parts is complete, or will not be: the last one answers the request. */
static void part_done(struct fl_req *req)
{
    struct fl_gathered *got = req->state;

    req->waiting--;
    if (req->waiting == 0)
        got->done(req, got);
}

static bool on_role(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_gathered *got = req->state;
    struct fl_msg_role_state msg;

    if (in->type == FL_MSG_ROLE_STATE) {
        if (got->role_count < FL_ROLE_COUNT &&
            fl_msg_decode(in->type, in->payload, &msg, NULL) == FL_OK) {
            put_text(got->note[got->role_count], sizeof got->note[0], msg.note);
            got->role[got->role_count++] = msg;
        }
        return true;
    }
    got->roles = in->type == FL_MSG_DONE;
    if (in->err != NULL)
        (void)snprintf(got->roles_problem, sizeof got->roles_problem, "%s", in->err->text);
    part_done(req);
    return false;
}

static void take_tenant(struct fl_gathered *got, const struct fl_answer_in *in)
{
    struct fl_msg_store_tenant msg, *grown;

    if (got->tenant_count == FL_GATHER_TENANTS ||
        fl_msg_decode(in->type, in->payload, &msg, NULL) < 0)
        return;
    if (got->tenant_count % 64 == 0) {
        grown = realloc(got->tenant, (got->tenant_count + 64) * sizeof *grown);
        if (grown == NULL)
            return;
        got->tenant = grown;
    }
    got->tenant[got->tenant_count++] = msg;
}

static bool on_store(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_gathered *got = req->state;

    if (in->type == FL_MSG_STORE_STAT) {
        if (fl_msg_decode(in->type, in->payload, &got->stat, NULL) == FL_OK)
            put_text(got->stat_note, sizeof got->stat_note, got->stat.note);
        return true;
    }
    if (in->type == FL_MSG_STORE_TENANT) {
        take_tenant(got, in);
        return true;
    }
    got->store = in->type == FL_MSG_DONE;
    if (in->err != NULL)
        (void)snprintf(got->store_problem, sizeof got->store_problem, "%s", in->err->text);
    part_done(req);
    return false;
}

static bool on_keys(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_gathered *got = req->state;

    if (in->type == FL_MSG_KEYS_STAT &&
        fl_msg_decode(in->type, in->payload, &got->key_stat, NULL) == FL_OK) {
        got->keys = true;
        put_text(got->root_kind, sizeof got->root_kind, got->key_stat.root_kind);
    }
    if (in->err != NULL)
        (void)snprintf(got->keys_problem, sizeof got->keys_problem, "%s", in->err->text);
    part_done(req);
    return false;
}

static const struct {
    unsigned want;
    enum fl_role role;
    enum fl_msg_type type;
    int64_t timeout_ms;
    bool (*fn)(struct fl_req *req, const struct fl_answer_in *in);
} questions[] = {
    {FL_WANT_ROLES, FL_ROLE_SUPERVISOR, FL_MSG_ROLES_ASK, FL_ASK_MS, on_role},
    {FL_WANT_STORE, FL_ROLE_STORE, FL_MSG_STORE_STAT_ASK, FL_ASK_STORE_MS, on_store},
    {FL_WANT_KEYS, FL_ROLE_KEYS, FL_MSG_KEYS_STAT_ASK, FL_ASK_MS, on_keys},
};

int fl_gather(struct fl_req *req, unsigned want,
              void (*done)(struct fl_req *req, const struct fl_gathered *got), struct fl_err *err)
{
    struct fl_gathered *got = calloc(1, sizeof *got);
    struct fl_err why;

    if (got == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    got->done = done;
    req->state = got;
    req->state_free = gathered_free;
    req->waiting = 1; /* holds the answer back until all were asked */
    for (size_t i = 0; i < FL_LEN(questions); i++) {
        struct fl_answer_in none = {.type = FL_MSG_NONE, .err = &why};

        if ((want & questions[i].want) == 0)
            continue;
        req->waiting++;
        if (fl_ask(req, questions[i].role, questions[i].type, NULL, questions[i].timeout_ms,
                   questions[i].fn, NULL, &why) < 0)
            (void)questions[i].fn(req, &none);
    }
    part_done(req);
    return FL_OK;
}

const struct fl_msg_store_tenant *fl_gathered_tenant(const struct fl_gathered *got, uint32_t id)
{
    for (size_t i = 0; i < got->tenant_count; i++)
        if (got->tenant[i].tenant == id)
            return &got->tenant[i];
    return NULL;
}

void fl_part_house(struct fl_json *json, const struct fl_msg_store_tenant *t)
{
    if (t->quota_bytes == 0)
        fl_json_null(json, "used_percent");
    else
        fl_json_u64(json, "used_percent",
                    (uint64_t)((double)t->bytes * 100.0 / (double)t->quota_bytes + 0.5));
    if (t->share_bytes == UINT64_MAX || t->share_bytes == 0)
        fl_json_null(json, "share_bytes");
    else
        fl_json_u64(json, "share_bytes", t->share_bytes);
    fl_json_u64(json, "taken_days", t->taken_days);
    fl_json_u64(json, "taken_bytes", t->taken_bytes);
    fl_part_time(json, "taken_at", t->taken_us);
    fl_part_day(json, "taken_day", t->taken_us == 0 ? INT32_MIN : t->taken_day);
}

void fl_gathered_data(struct fl_json *json, const struct fl_gathered *got, uint32_t tenant)
{
    const struct fl_msg_store_tenant *t = fl_gathered_tenant(got, tenant);
    static const struct fl_msg_store_tenant nothing = {.oldest_day = INT32_MIN,
                                                       .newest_day = INT32_MIN};

    if (!got->store) {
        fl_json_null(json, "data");
        return;
    }
    if (t == NULL)
        t = &nothing;
    fl_json_object(json, "data");
    fl_json_u64(json, "rows", t->rows);
    fl_json_u64(json, "bytes", t->bytes);
    fl_json_u64(json, "segments", t->segments);
    fl_part_day(json, "oldest_day", t->rows == 0 ? INT32_MIN : t->oldest_day);
    fl_part_day(json, "newest_day", t->rows == 0 ? INT32_MIN : t->newest_day);
    fl_json_u64(json, "no_baseline", t->no_baseline);
    fl_part_house(json, t);
    fl_json_end(json);
}
