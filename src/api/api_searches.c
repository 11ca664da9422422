#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/alarms.h"
#include "api/figure.h"
#include "api/parts.h"
#include "base/time.h"
#include "codec/filter.h"
#include "db/db_watch.h"
#include "logs/query.h"
#include "trust/cap.h"

#define MINUTE_US (60 * FL_US_PER_S)

/* ---- one search ---- */

static void put_members(struct fl_json *json, const struct fl_search *s)
{
    fl_json_u64(json, "id", s->id);
    fl_json_text(json, "name", s->name);
    fl_json_text(json, "view", s->view);
    fl_json_text(json, "where", s->where_text);
    fl_json_text(json, "from", s->from_text);
    fl_json_text(json, "to", s->to_text);
    fl_json_text(json, "by", s->group_by);
    fl_json_text(json, "metric", s->metric);
    fl_json_u64(json, "every_minutes", s->every_minutes);
    fl_json_text(json, "op", fl_search_ops[s->op < FL_SEARCH_OPS ? s->op : 0]);
    fl_json_u64(json, "threshold", s->threshold);
    fl_json_text(json, "severity", fl_severity_name((enum fl_severity)s->severity));
    fl_json_bool(json, "enabled", s->enabled);
    fl_json_text(json, "owner", s->owner);
    fl_part_time(json, "created", s->created_us);
    fl_part_time(json, "last_run", s->last_us);
    if (s->has_value)
        fl_json_u64(json, "last_value", s->last_value);
    else
        fl_json_null(json, "last_value");
    fl_json_text(json, "last_key", s->last_key[0] == '\0' ? NULL : s->last_key);
    fl_json_bool(json, "over", s->enabled && s->has_value && fl_search_over(s, s->last_value));
    fl_part_time(json, "next_run", s->enabled ? s->next_us : 0);
    fl_json_text(json, "problem", s->failure[0] == '\0' ? NULL : s->failure);
    fl_part_time(json, "failing_since", s->failing_us);
}

/* What an edit must not overlook; runs come and go. */
static struct fl_search version_of(const struct fl_search *search)
{
    struct fl_search v;

    memcpy(&v, search, sizeof v); /* also what lies between the members */
    v.last_us = v.next_us = v.failing_us = 0;
    v.has_value = false;
    v.last_value = 0;
    memset(v.last_key, 0, sizeof v.last_key);
    memset(v.failure, 0, sizeof v.failure);
    return v;
}

static void answer(struct fl_req *req, const struct fl_search *s, int status)
{
    struct fl_search v = version_of(s);

    fl_part_etag(req, &v, sizeof v);
    put_members(fl_req_object(req), s);
    fl_req_done(req, status);
}

static int list_one(void *ctx, const struct fl_search *search)
{
    struct fl_req *req = ctx;

    fl_json_object(&req->json, NULL);
    put_members(&req->json, search);
    fl_json_end(&req->json);
    return 0;
}

int fl_api_searches(struct fl_req *req, struct fl_err *err)
{
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    int r = fl_part_list_begin(req, &page, err);

    if (r == FL_OK)
        r = fl_db_searches(req->api->db, req->tenant.id, page, list_one, req, &list, err);
    return fl_part_list_end(req, r, &list);
}

static int take_search(struct fl_req *req, struct fl_search *ret, struct fl_err *err)
{
    uint64_t id = 0;

    memset(ret, 0, sizeof *ret);
    if (!fl_span_u64(req->arg[1], &id) || id == 0 || id > UINT32_MAX)
        return fl_err_set(err, FL_E_NOENT, "there is no such search; its number is in the list");
    return fl_db_search_get(req->api->db, req->tenant.id, (uint32_t)id, ret, err);
}

int fl_api_search_show(struct fl_req *req, struct fl_err *err)
{
    struct fl_search s;
    int r = take_search(req, &s, err);

    if (r == FL_OK)
        answer(req, &s, 200);
    return r;
}

/* ---- what the caller sets ---- */

/* A filter that the store would refuse is refused here, with its column. */
static int check_filter(struct fl_req *req, const struct fl_search *s, struct fl_err *err)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_filter *filter = NULL;
    int r;

    fl_arena_init(&arena, 256 * 1024);
    r = fl_filter_parse(fl_span_str(s->where_text), &arena, &filter, err);
    if (r < 0) {
        req->field = "where";
        return fl_err_wrap(err, "where");
    }
    return FL_OK;
}

static int take_word(struct fl_req *req, const char *name, const char *const *words, unsigned count,
                     uint32_t *ret, struct fl_err *err)
{
    char text[32];
    int r = fl_req_text(req, name, text, sizeof text, err);

    if (r <= 0)
        return r;
    for (unsigned i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0) {
            *ret = i;
            return 1;
        }
    req->field = name;
    return fl_err_set(err, FL_E_INVAL, "%s cannot be '%s'; the manual has the words", name, text);
}

static int take_words(struct fl_req *req, struct fl_search *s, struct fl_err *err)
{
    static const char *const severities[] = {"critical", "major", "minor", "warning"};
    static const char *const metrics[] = {"",        "bytes", "sessions", "packets",
                                          "seconds", "rows",  "up",       "down"};
    uint32_t metric = UINT32_MAX;
    int r = take_word(req, "op", fl_search_ops, FL_SEARCH_OPS, &s->op, err);

    if (r >= 0)
        r = take_word(req, "severity", severities, FL_LEN(severities), &s->severity, err);
    if (r >= 0)
        r = take_word(req, "metric", metrics, FL_LEN(metrics), &metric, err);
    if (r >= 0 && metric != UINT32_MAX)
        (void)snprintf(s->metric, sizeof s->metric, "%s", metrics[metric]);
    return r;
}

static int take_by(struct fl_req *req, struct fl_search *s, struct fl_err *err)
{
    int r = fl_req_text(req, "by", s->group_by, sizeof s->group_by, err);

    if (r <= 0 || s->group_by[0] == '\0')
        return r;
    if (fl_field_find(fl_span_str(s->group_by)) != FL_FIELD_COUNT)
        return FL_OK;
    req->field = "by";
    return fl_err_set(err, FL_E_INVAL,
                      "by: there is no field '%s'; app, domain, user, site, ... are", s->group_by);
}

static int take_settings(struct fl_req *req, struct fl_search *s, struct fl_err *err)
{
    uint64_t every = s->every_minutes;
    int r = fl_req_text(req, "name", s->name, sizeof s->name, err);

    if (r >= 0)
        r = fl_req_text(req, "view", s->view, sizeof s->view, err);
    if (r >= 0)
        r = fl_req_text(req, "where", s->where_text, sizeof s->where_text, err);
    if (r >= 0)
        r = fl_req_text(req, "from", s->from_text, sizeof s->from_text, err);
    if (r >= 0)
        r = fl_req_text(req, "to", s->to_text, sizeof s->to_text, err);
    if (r >= 0)
        r = take_by(req, s, err);
    if (r >= 0)
        r = take_words(req, s, err);
    if (r >= 0)
        r = fl_req_num(req, "every_minutes", 0, FL_SEARCH_EVERY_MAX, &every, err);
    if (r >= 0)
        r = fl_req_num(req, "threshold", 0, INT64_MAX, &s->threshold, err);
    if (r >= 0)
        r = fl_req_bool(req, "enabled", &s->enabled, err);
    s->every_minutes = (uint32_t)every;
    if (r >= 0)
        r = check_filter(req, s, err);
    return r < 0 ? r : fl_search_check(s, err);
}

/* ---- the right to run by itself ---- */

struct change {
    struct fl_search search;
    bool is_new;
    uint64_t old_right; /* to be ended once the new row stands */
};

static void end_right(struct fl_req *req, uint64_t right)
{
    const struct fl_msg_session_end msg = {.by_uid = req->caller.uid, .number = right};

    if (right != 0)
        (void)fl_api_send(req->api, FL_ROLE_KEYS, FL_MSG_SESSION_END, 0, &msg);
}

static int write_search(struct fl_req *req, struct change *c, struct fl_err *err)
{
    int r = fl_part_begin(req, err);

    if (r < 0)
        return r;
    r = c->is_new ? fl_db_search_add(req->api->db, &c->search, err)
                  : fl_db_search_set(req->api->db, &c->search, err);
    if (r == FL_OK)
        r = fl_part_audit(req, c->is_new ? "search.add" : "search.set", req->tenant.slug,
                          c->search.name, c->search.enabled ? "{\"enabled\":true}" : "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    if (c->old_right != c->search.right_no)
        end_right(req, c->old_right);
    answer(req, &c->search, c->is_new ? 201 : 200);
    return FL_OK;
}

static bool on_right(struct fl_req *req, const struct fl_answer_in *in)
{
    struct change *c = req->state;
    struct fl_msg_session session;
    struct fl_err err;

    if (fl_answer_take(in, FL_MSG_SESSION, &session, &err) == FL_OK) {
        /* The token itself is nobody's: it is forgotten here, and the number asks for capabilities.
         */
        explicit_bzero((void *)(uintptr_t)session.token.ptr, session.token.len);
        c->search.right_no = session.number;
        if (write_search(req, c, &err) == FL_OK)
            return false;
        end_right(req, session.number);
    }
    fl_req_fail(req, &err);
    return false;
}

/*
 * keys mints for living sessions only, and a schedule has none: whoever enables it lets keys make a
 * token of his own for it, to read this tenant and nothing else. It ends with his account, and with
 * his right. At the machine no token is needed: there the rule of local access holds.
 */
static int take_right(struct fl_req *req, struct change *c, struct fl_err *err)
{
    const struct fl_msg_token_new msg = {
        .by = req->caller.session,
        .by_uid = req->caller.uid,
        .user = req->caller.user,
        .tenant = req->caller.tenant,
        .scope = FL_CAP_READ,
        .until_us = req->api->env.now_us() + FL_SEARCH_RIGHT_DAYS * FL_US_PER_DAY - MINUTE_US};

    c->search.owner_user = req->caller.user;
    fl_alarm_who(req, c->search.owner, sizeof c->search.owner);
    if (req->caller.local) {
        c->search.right_no = 0;
        return write_search(req, c, err);
    }
    if (req->caller.user == 0)
        return fl_err_set(err, FL_E_DENIED,
                          "a search runs by itself with the right of a person: enable it signed in "
                          "as one, not with a token of the machine");
    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_TOKEN_NEW, &msg, FL_ASK_MS, on_right, NULL, err);
}

static int store_search(struct fl_req *req, struct change *c, bool was_enabled, struct fl_err *err)
{
    req->state = c;
    c->old_right = c->search.right_no;
    if (!c->search.enabled) {
        c->search.right_no = 0;
        c->search.failure[0] = '\0';
        c->search.failing_us = 0;
        return write_search(req, c, err);
    }
    c->search.next_us = req->api->env.now_us(); /* at once: a mistake shows now, not tomorrow */
    if (was_enabled && c->search.failure[0] == '\0' && c->search.owner_user == req->caller.user &&
        (c->search.right_no != 0 || req->caller.local))
        return write_search(req, c, err);
    return take_right(req, c, err);
}

int fl_api_search_add(struct fl_req *req, struct fl_err *err)
{
    struct change *c = fl_arena_get(&req->arena, sizeof *c);
    int r;

    if (c == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    memset(c, 0, sizeof *c);
    c->is_new = true;
    c->search.tenant = req->tenant.id;
    c->search.created_us = req->api->env.now_us();
    c->search.severity = FL_SEVERITY_WARNING;
    c->search.owner_user = req->caller.user;
    (void)snprintf(c->search.view, sizeof c->search.view, "logs");
    fl_alarm_who(req, c->search.owner, sizeof c->search.owner);
    if (json_object_get(req->body, "name") == NULL)
        return fl_req_missing(req, "name", err);
    r = take_settings(req, &c->search, err);
    return r < 0 ? r : store_search(req, c, false, err);
}

int fl_api_search_set(struct fl_req *req, struct fl_err *err)
{
    struct change *c = fl_arena_get(&req->arena, sizeof *c);
    struct fl_search v;
    bool was;
    int r;

    if (c == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    memset(c, 0, sizeof *c);
    r = take_search(req, &c->search, err);
    if (r < 0)
        return r;
    v = version_of(&c->search);
    was = c->search.enabled;
    r = fl_part_match(req, &v, sizeof v, err);
    if (r == FL_OK)
        r = take_settings(req, &c->search, err);
    return r < 0 ? r : store_search(req, c, was, err);
}

int fl_api_search_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_search s, v;
    int r = take_search(req, &s, err);

    if (r < 0)
        return r;
    v = version_of(&s);
    r = fl_part_match(req, &v, sizeof v, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_search_remove(req->api->db, s.tenant, s.id, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "search.remove", req->tenant.slug, s.name, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    end_right(req, s.right_no);
    fl_json_u64(fl_req_object(req), "removed", s.id);
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- run it now, with the caller's own right ---- */

struct now {
    struct fl_search search;
    int64_t from_us, to_us;
};

static void on_figure(struct fl_req *req, struct fl_span result, const char *problem, void *ctx)
{
    struct now *n = ctx;
    struct fl_search *s = &n->search;
    struct fl_json *json;
    struct fl_err err;

    if (problem == NULL && fl_search_figure(result, s->group_by, s->metric, &s->last_value,
                                            s->last_key, sizeof s->last_key) == false)
        problem = "the store gave a figure that is not one";
    if (problem != NULL) {
        (void)fl_err_set(&err, FL_E_INVAL, "%s", problem);
        fl_req_fail(req, &err);
        return;
    }
    json = fl_req_object(req);
    fl_json_u64(json, "id", s->id);
    fl_json_u64(json, "value", s->last_value);
    fl_json_text(json, "key", s->last_key[0] == '\0' ? NULL : s->last_key);
    fl_json_bool(json, "over", fl_search_over(s, s->last_value));
    fl_part_time(json, "from", n->from_us);
    fl_part_time(json, "to", n->to_us);
    fl_req_done(req, 200);
}

int fl_api_search_run(struct fl_req *req, struct fl_err *err)
{
    struct now *n = fl_arena_get(&req->arena, sizeof *n);
    struct fl_msg_query msg;
    int r;

    if (n == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    memset(n, 0, sizeof *n);
    r = take_search(req, &n->search, err);
    if (r == FL_OK)
        r = fl_search_range(&n->search, req->api->env.now_us(), &n->from_us, &n->to_us, err);
    if (r < 0)
        return r;
    msg = (struct fl_msg_query){.kind = n->search.group_by[0] == '\0' ? FL_Q_COUNT : FL_Q_TOP,
                                .from_us = n->from_us,
                                .to_us = n->to_us,
                                .filter = fl_span_str(n->search.where_text),
                                .by = fl_span_str(n->search.group_by),
                                .metric = fl_span_str(n->search.metric),
                                .limit = n->search.group_by[0] == '\0' ? 0 : 1};
    return fl_figure_ask(req, &msg, on_figure, n, err);
}
