/* Erasing one person, the receipts of it, and the change of the root key. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/parts.h"
#include "base/time.h"
#include "codec/ip.h"
#include "logs/erase_rule.h"
#include "logs/store_job.h"
#include "trust/audit.h"
#include "trust/ledger_link.h"

enum { EVENTS_BACK = 50000, EXPORTS_MAX = 20, TEXT_BYTES = 4200 };

struct erase { /* in the request's arena */
    struct fl_erase_rule rule;
    unsigned char ip[16];
    char user[FL_ERASE_USER_MAX + 1], address[64], where[TEXT_BYTES], subject[FL_AUDIT_ACTOR_MAX];
    struct fl_buf note, args;
    bool dry;
};

static void erase_done(void *state)
{
    struct erase *e = state;

    fl_buf_done(&e->note);
    fl_buf_wipe(&e->args);
    explicit_bzero(e, sizeof *e);
}

/* ---- what is asked ---- */

static int take_time(struct fl_req *req, const char *name, int64_t *ret, struct fl_err *err)
{
    char text[40];
    int r = fl_req_text(req, name, text, sizeof text, err);

    if (r <= 0)
        return r;
    if (fl_time_parse(fl_span_str(text), ret))
        return FL_OK;
    req->field = name;
    return fl_err_set(err, FL_E_INVAL, "%s is a time in RFC 3339, such as 2026-11-21T20:04:31Z",
                      name);
}

static int take_ip(struct fl_req *req, struct erase *e, struct fl_err *err)
{
    int r = fl_req_text(req, "ip", e->address, sizeof e->address, err);

    if (r <= 0)
        return r;
    if (fl_ip_parse(fl_span_str(e->address), e->ip)) {
        e->rule.ip = fl_span_of(e->ip, sizeof e->ip);
        return FL_OK;
    }
    req->field = "ip";
    return fl_err_set(err, FL_E_INVAL, "ip is one address, such as 10.12.4.77 or 2001:db8::7");
}

static int take_body(struct fl_req *req, struct erase *e, struct fl_err *err)
{
    int r = fl_req_text(req, "user", e->user, sizeof e->user, err);

    if (r >= 0)
        r = fl_req_text(req, "where", e->where, sizeof e->where, err);
    if (r >= 0)
        r = take_ip(req, e, err);
    if (r >= 0)
        r = take_time(req, "from", &e->rule.from_us, err);
    if (r >= 0)
        r = take_time(req, "to", &e->rule.to_us, err);
    if (r >= 0)
        r = fl_req_bool(req, "dry_run", &e->dry, err);
    if (r < 0)
        return r;
    e->rule.user = fl_span_str(e->user);
    e->rule.where = fl_span_str(e->where);
    if (e->rule.from_us >= e->rule.to_us) {
        req->field = "from";
        return fl_err_set(err, FL_E_INVAL, "from must be before to");
    }
    return FL_OK;
}

static int check_rule(struct fl_req *req, const struct erase *e, struct fl_err *err)
{
    struct fl_erase_match *match = NULL;
    int r = fl_erase_match_new(&e->rule, &match, err);

    fl_erase_match_free(match);
    if (r < 0)
        req->field = e->rule.where.len > 0 ? "where" : "user";
    return r;
}

/* The person as events and receipts name them: as an actor's pseudonym is made. */
static int take_subject(struct fl_req *req, struct erase *e, struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf clear;

    fl_buf_init(&clear, sizeof *e);
    if (req->api->audit == NULL)
        return fl_err_set(err, FL_E_AGAIN, "the record of security events is not open");
    fl_buf_printf(&clear, "person:%s:", req->tenant.slug);
    for (const char *c = e->user; *c != '\0'; c++)
        fl_buf_put_u8(&clear, *c >= 'A' && *c <= 'Z' ? (uint8_t)(*c + 32) : (uint8_t)*c);
    fl_buf_put(&clear, "\0", 1);
    fl_buf_put_span(&clear, e->rule.ip);
    fl_buf_put(&clear, "\0", 1);
    fl_buf_put_str(&clear, e->where);
    if (fl_buf_status(&clear, err) < 0)
        return err->code;
    fl_audit_actor(req->api->audit, fl_buf_span(&clear), e->subject);
    e->subject[0] = 'p';
    e->rule.subject = fl_span_str(e->subject);
    return FL_OK;
}

/* ---- exports made earlier ---- */

struct exports {
    const struct erase *e;
    const char *slug; /* of its tenant */
    struct {
        uint64_t number;
        char at[40], actor[40], from[40], to[40];
    } last[EXPORTS_MAX];
    size_t count;
};

static void copy_text(const json_t *object, const char *key, char ret[40])
{
    const char *text = json_string_value(json_object_get(object, key));

    (void)snprintf(ret, 40, "%.32s", text == NULL ? "" : text);
}

/* Does what was exported lie in the range? What says no range may. */
static bool overlaps(const struct erase *e, const char *from, const char *to)
{
    int64_t from_us = INT64_MIN, to_us = INT64_MAX;

    if (fl_time_parse(fl_span_str(from), &from_us) && from_us >= e->rule.to_us)
        return false;
    return !fl_time_parse(fl_span_str(to), &to_us) || to_us > e->rule.from_us;
}

static int note_export(void *ctx, uint64_t number, struct fl_span line)
{
    struct exports *x = ctx;
    json_t *object, *detail;
    const char *tenant;

    if (memmem(line.ptr, line.len, "\"logs.export\"", 13) == NULL)
        return 0;
    object = json_loadb((const char *)line.ptr, line.len, 0, NULL);
    tenant = json_string_value(json_object_get(object, "tenant"));
    detail = json_object_get(object, "detail");
    if (tenant != NULL && strcmp(tenant, x->slug) == 0) {
        size_t at = x->count % EXPORTS_MAX;

        x->last[at].number = number;
        copy_text(object, "at", x->last[at].at);
        copy_text(object, "actor", x->last[at].actor);
        copy_text(detail, "from", x->last[at].from);
        copy_text(detail, "to", x->last[at].to);
        x->count += overlaps(x->e, x->last[at].from, x->last[at].to);
    }
    json_decref(object);
    return 0;
}

/* Their numbers in the record of events, for the receipt: the latest, of those that can overlap. */
static int take_exports(struct fl_req *req, struct erase *e, struct fl_err *err)
{
    struct exports x = {.e = e, .slug = req->tenant.slug};
    unsigned char hash[FL_AUDIT_HASH_BYTES];
    uint64_t last = fl_audit_last(req->api->audit, hash), next;
    struct fl_json j;
    int r = fl_audit_read(req->api->audit, last > EVENTS_BACK ? last - EVENTS_BACK : 0, EVENTS_BACK,
                          note_export, &x, &next, err);

    if (r < 0)
        return r;
    fl_json_init(&j, &e->note);
    fl_json_array(&j, NULL);
    for (size_t i = x.count > EXPORTS_MAX ? x.count - EXPORTS_MAX : 0; i < x.count; i++) {
        size_t at = i % EXPORTS_MAX;

        fl_json_object(&j, NULL);
        fl_json_u64(&j, "event", x.last[at].number);
        fl_json_text(&j, "at", x.last[at].at);
        fl_json_text(&j, "actor", x.last[at].actor);
        fl_json_text(&j, "from", x.last[at].from);
        fl_json_text(&j, "to", x.last[at].to);
        fl_json_end(&j);
    }
    fl_json_end(&j);
    r = fl_buf_status(&e->note, err);
    e->rule.note = fl_buf_span(&e->note);
    return r;
}

/* ---- doing it ---- */

static int record(struct fl_req *req, const struct erase *e, struct fl_err *err)
{
    char detail[160];

    (void)snprintf(detail, sizeof detail,
                   "{\"by_user\":%s,\"by_address\":%s,\"by_filter\":%s,\"range\":%s}",
                   e->user[0] != '\0' ? "true" : "false", e->rule.ip.len > 0 ? "true" : "false",
                   e->where[0] != '\0' ? "true" : "false",
                   e->rule.from_us == INT64_MIN && e->rule.to_us == INT64_MAX ? "false" : "true");
    return fl_part_record(req, "logs.erase", req->tenant.slug, e->subject, detail, err);
}

static int ask_store(struct fl_req *req, struct fl_span cap, struct fl_err *err)
{
    struct erase *e = req->state;
    struct fl_msg_store_job msg = {.cap = cap,
                                   .kind = FL_JOB_ERASE,
                                   .dry = e->dry,
                                   .from_day = INT32_MIN,
                                   .to_day = INT32_MAX};
    int r = e->dry ? FL_OK : record(req, e, err);

    if (r == FL_OK) {
        fl_erase_rule_encode(&e->rule, &e->args);
        r = fl_buf_status(&e->args, err);
    }
    msg.args = fl_buf_span(&e->args);
    req->state = NULL; /* the job has a state of its own */
    req->state_free = NULL;
    if (r == FL_OK)
        r = fl_part_job(req, &msg, err);
    erase_done(e);
    return r;
}

int fl_api_erase(struct fl_req *req, struct fl_err *err)
{
    struct erase *e = fl_arena_get(&req->arena, sizeof *e);
    int r;

    if (e == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    *e = (struct erase){
        .rule = {.tenant = req->tenant.id, .from_us = INT64_MIN, .to_us = INT64_MAX}};
    e->rule.slug = fl_span_str(req->tenant.slug);
    fl_buf_init(&e->note, FL_ERASE_NOTE_MAX);
    fl_buf_init(&e->args, FL_JOB_ARGS_MAX);
    req->state = e;
    req->state_free = erase_done;
    r = take_body(req, e, err);
    if (r == FL_OK)
        r = check_rule(req, e, err);
    if (r == FL_OK)
        r = take_subject(req, e, err);
    if (r == FL_OK)
        r = take_exports(req, e, err);
    if (r < 0)
        return r;
    return fl_part_cap(req, e->dry ? FL_CAP_READ : FL_CAP_READ | FL_CAP_PURGE, "erasure", ask_store,
                       err);
}

/* ---- receipts ---- */

static bool on_receipt(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_msg_receipt msg;
    struct fl_err err;

    if (in->type == FL_MSG_DONE) {
        fl_req_head(req, 200, "application/x-ndjson");
        fl_req_end(req);
        return false;
    }
    if (fl_answer_take(in, FL_MSG_RECEIPT, &msg, &err) == FL_OK) {
        fl_req_head(req, 200, "application/x-ndjson");
        fl_req_piece(req, msg.text);
        fl_req_piece(req, FL_SPAN("\n"));
        return true;
    }
    if (req->begun)
        fl_req_end(req);
    else
        fl_req_fail(req, &err);
    return false;
}

int fl_api_receipts(struct fl_req *req, struct fl_err *err)
{
    struct fl_msg_receipt_ask ask = {.after = 0};
    uint64_t limit = 100;
    int r = fl_req_param_num(req, "limit", 1, FL_LIST_LIMIT_MAX, &limit, err);

    if (r >= 0)
        r = fl_req_param_num(req, "after", 0, UINT64_MAX - 1, &ask.after, err);
    if (r < 0)
        return r;
    ask.limit = (uint32_t)limit;
    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_RECEIPT_ASK, &ask, FL_ASK_MS, on_receipt, NULL, err);
}

/* ---- another root key ---- */

static bool on_changed(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_msg_root_changed msg;
    struct fl_json *json;
    struct fl_err err;

    if (fl_answer_take(in, FL_MSG_ROOT_CHANGED, &msg, &err) < 0) {
        fl_req_fail(req, &err);
        return false;
    }
    json = fl_req_object(req);
    fl_json_u64(json, "epoch", msg.epoch);
    fl_json_u64(json, "keys", msg.files);
    fl_json_str(json, "root_kind", msg.root_kind);
    fl_req_done(req, 200);
    return false;
}

int fl_api_root_change(struct fl_req *req, struct fl_err *err)
{
    struct fl_msg_root_change ask = {.uid = req->caller.uid};
    int r = fl_part_record(req, "keys.root.change", "", "root.key", "", err);

    if (r < 0)
        return r;
    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_ROOT_CHANGE, &ask, FL_ASK_STORE_MS, on_changed, NULL,
                  err);
}
