#include <stdio.h>
#include <string.h>

#include "api/board.h"
#include "api/parts.h"
#include "base/time.h"
#include "db/db_watch.h"
#include "trust/ca.h"
#include "trust/cert.h"

#define DAYS_PRESET FL_CA_DAYS_MAX

static int put_certificate(void *ctx, const struct fl_certificate *cert)
{
    struct fl_json *json = ctx;
    char hex[65];

    fl_part_hex(cert->fingerprint, sizeof cert->fingerprint, hex);
    fl_json_object(json, NULL);
    fl_json_text(json, "fingerprint", hex);
    fl_json_text(json, "subject", cert->subject);
    fl_json_text(json, "origin", cert->origin == FL_CERTIFICATE_PINNED ? "pinned" : "issued");
    fl_part_time(json, "not_before", cert->not_before_us);
    fl_part_time(json, "not_after", cert->not_after_us);
    fl_part_time(json, "created_at", cert->created_us);
    fl_part_time(json, "revoked_at", cert->revoked_us);
    fl_json_end(json);
    return 0;
}

static void put_connection(void *ctx, const struct fl_live_conn *conn)
{
    struct fl_json *json = ctx;

    fl_json_object(json, NULL);
    fl_json_u64(json, "number", conn->conn);
    fl_json_text(json, "address", conn->address);
    fl_json_text(json, "listener", conn->listener);
    fl_part_time(json, "since", conn->since_us);
    fl_json_u64(json, "received", conn->received);
    fl_json_u64(json, "accepted", conn->accepted);
    fl_json_end(json);
}

/* ---- what the list of devices shows: when its certificate ends, what is wrong with it ---- */

struct watched {
    int64_t expires_us;
    uint32_t severity; /* of the worst alarm that is not muted; FL_SEVERITIES: none */
    char kind[FL_SLUG_MAX + 1], title[FL_ALARM_TEXT_MAX + 1];
    int64_t now_us;
};

static int take_expiry(void *ctx, const struct fl_certificate *cert)
{
    struct watched *w = ctx;

    if (cert->revoked_us == 0 && cert->not_after_us > w->expires_us)
        w->expires_us = cert->not_after_us;
    return 0;
}

static int take_alarm(void *ctx, const struct fl_alarm *a)
{
    struct watched *w = ctx;
    enum fl_alarm_kind kind = fl_alarm_find(fl_span_str(a->kind));

    if (kind == FL_ALARM_KINDS || strcmp(fl_alarm_rows[kind].object, "device") != 0 ||
        a->muted_us > w->now_us || a->severity >= w->severity)
        return 0;
    w->severity = a->severity;
    memcpy(w->kind, a->kind, sizeof w->kind);
    memcpy(w->title, a->title, sizeof w->title);
    return 0;
}

/* "sending", "quiet" (within its habit), "never"; what is wrong stands beside it as an alarm. */
static const char *state_of(const struct fl_req *req, const struct fl_device *d, int64_t now_us)
{
    const struct fl_live_device *live = fl_live_device(req->api->env.live, d->tenant, d->slug);

    if (live == NULL || live->counters.last_us == 0)
        return "never";
    return now_us - live->counters.last_us < 300 * FL_US_PER_S ? "sending" : "quiet";
}

static double rate_of(const struct fl_req *req, const struct fl_device *d, int64_t now_us)
{
    const struct fl_board_device *b =
        req->api->env.board == NULL ? NULL
                                    : fl_board_device(req->api->env.board, d->tenant, d->slug);
    uint64_t lines, unparsed;

    if (b == NULL)
        return 0;
    fl_board_sum(b, now_us, 2, &lines,
                 &unparsed); /* the last slot, and what there is of this one */
    return (double)lines * 1e6 / (double)(FL_BOARD_SLOT_US + now_us % FL_BOARD_SLOT_US);
}

static int put_watch(struct fl_req *req, struct fl_json *json, const struct fl_device *d,
                     struct fl_err *err)
{
    struct watched w = {.severity = FL_SEVERITIES, .now_us = req->api->env.now_us()};
    const struct fl_db_alarm_pick pick = {
        .tenant = d->tenant, .state = FL_ALARMS_OPEN, .severity = -1, .object = d->slug};
    const struct fl_db_page all = {NULL, 0};
    int r = fl_db_certificates(req->api->db, d->tenant, d->slug, all, take_expiry, &w, NULL, err);

    if (r >= 0)
        r = fl_db_alarms(req->api->db, &pick, all, take_alarm, &w, NULL, err);
    if (r < 0)
        return r;
    fl_part_time(json, "certificate_expires", w.expires_us);
    fl_json_text(json, "state", state_of(req, d, w.now_us));
    fl_json_f64(json, "lines_per_s", rate_of(req, d, w.now_us));
    if (w.severity == FL_SEVERITIES) {
        fl_json_null(json, "alarm");
        return FL_OK;
    }
    fl_json_object(json, "alarm");
    fl_json_text(json, "severity", fl_severity_name((enum fl_severity)w.severity));
    fl_json_text(json, "kind", w.kind);
    fl_json_text(json, "title", w.title);
    fl_json_end(json);
    return FL_OK;
}

/* Lines a second, in five minutes each, of the last day; null before the process began. */
static void put_history(struct fl_req *req, struct fl_json *json, const struct fl_device *d)
{
    const struct fl_board_device *b =
        req->api->env.board == NULL ? NULL
                                    : fl_board_device(req->api->env.board, d->tenant, d->slug);
    int64_t now_us = req->api->env.now_us(), slot = now_us / FL_BOARD_SLOT_US;
    uint32_t lines[FL_ALARM_SLOTS], known = 0;

    fl_json_array(json, "history");
    if (b != NULL)
        fl_board_lines(b, now_us, FL_ALARM_SLOTS, lines, &known);
    for (uint32_t i = FL_ALARM_SLOTS - known; i < FL_ALARM_SLOTS; i++) {
        int64_t at = (slot - (int64_t)FL_ALARM_SLOTS + 1 + i) * FL_BOARD_SLOT_US;
        int64_t span = i + 1 < FL_ALARM_SLOTS ? FL_BOARD_SLOT_US : now_us - at;

        fl_json_array(json, NULL);
        fl_json_time(json, NULL, at);
        fl_json_f64(json, NULL, span <= 0 ? 0 : (double)lines[i] * 1e6 / (double)span);
        fl_json_end(json);
    }
    fl_json_end(json);
}

static int put_device(struct fl_req *req, struct fl_json *json, const struct fl_device *d,
                      struct fl_err *err)
{
    struct fl_db_list list;
    int r;

    fl_json_text(json, "slug", d->slug);
    fl_json_text(json, "name", d->name);
    fl_json_text(json, "site", d->site);
    fl_json_text(json, "host", d->host);
    fl_json_bool(json, "relay", d->relay);
    fl_part_time(json, "created_at", d->created_us);
    fl_part_live(req, json, d->tenant, d->slug);
    fl_json_array(json, "certificates");
    r = fl_db_certificates(req->api->db, d->tenant, d->slug, (struct fl_db_page){NULL, 0},
                           put_certificate, json, &list, err);
    fl_json_end(json);
    return r < 0 ? r : put_watch(req, json, d, err);
}

struct list_ctx {
    struct fl_req *req;
    struct fl_err *err;
};

static int list_one(void *ctx, const struct fl_device *device)
{
    struct list_ctx *l = ctx;
    int r;

    fl_json_object(&l->req->json, NULL);
    r = put_device(l->req, &l->req->json, device, l->err);
    fl_json_end(&l->req->json);
    return r;
}

int fl_api_devices(struct fl_req *req, struct fl_err *err)
{
    struct list_ctx ctx = {req, err};
    struct fl_db_page page = {.limit = 0};
    struct fl_db_list list = {.total = 0};
    int r = fl_part_list_begin(req, &page, err);

    if (r == FL_OK)
        r = fl_db_devices(req->api->db, req->tenant.id, page, list_one, &ctx, &list, err);
    return fl_part_list_end(req, r, &list);
}

static int answer(struct fl_req *req, const struct fl_device *d, int status, struct fl_err *err)
{
    struct fl_json *json = fl_req_object(req);
    int r = put_device(req, json, d, err);

    if (r < 0)
        return r;
    put_history(req, json, d);
    fl_json_array(json, "connections");
    fl_live_each_conn(req->api->env.live, d->tenant, d->slug, put_connection, json);
    fl_json_end(json);
    fl_req_done(req, status);
    return FL_OK;
}

static int take_settings(struct fl_req *req, struct fl_device *d, struct fl_err *err)
{
    int r = fl_req_text(req, "name", d->name, sizeof d->name, err);

    if (r >= 0)
        r = fl_req_text(req, "site", d->site, sizeof d->site, err);
    if (r >= 0)
        r = fl_req_text(req, "host", d->host, sizeof d->host, err);
    if (r >= 0)
        r = fl_req_bool(req, "relay", &d->relay, err);
    return r < 0 ? r : FL_OK;
}

int fl_api_device_add(struct fl_req *req, struct fl_err *err)
{
    struct fl_device d = {.created_us = req->api->env.now_us()};
    int r = fl_req_need(req, "slug", d.slug, sizeof d.slug, err);

    if (r == FL_OK) {
        d.tenant = req->tenant.id;
        (void)snprintf(d.name, sizeof d.name, "%s", d.slug);
        r = take_settings(req, &d, err);
    }
    if (r == FL_OK && d.site[0] == '\0')
        r = fl_req_missing(req, "site", err);
    if (r == FL_OK)
        r = fl_device_check(&d, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_device_add(req->api->db, &d, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "device.add", req->tenant.slug, d.slug, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_part_changed(req, FL_CHANGED_SENDERS);
    return answer(req, &d, 201, err);
}

int fl_api_device_show(struct fl_req *req, struct fl_err *err)
{
    struct fl_device d = {.id = 0};
    int r = fl_part_device(req, &d, err);

    if (r < 0)
        return r;
    fl_part_etag(req, &d, sizeof d);
    return answer(req, &d, 200, err);
}

int fl_api_device_set(struct fl_req *req, struct fl_err *err)
{
    struct fl_device d = {.id = 0};
    int r = fl_part_device(req, &d, err);

    if (r == FL_OK)
        r = fl_part_match(req, &d, sizeof d, err);
    if (r == FL_OK)
        r = take_settings(req, &d, err);
    if (r == FL_OK)
        r = fl_device_check(&d, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_device_set(req->api->db, &d, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "device.set", req->tenant.slug, d.slug, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_part_changed(req, FL_CHANGED_SENDERS);
    fl_part_etag(req, &d, sizeof d);
    return answer(req, &d, 200, err);
}

int fl_api_device_remove(struct fl_req *req, struct fl_err *err)
{
    struct fl_device d = {.id = 0};
    int r = fl_part_device(req, &d, err);

    if (r == FL_OK)
        r = fl_part_match(req, &d, sizeof d, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = fl_db_device_remove(req->api->db, req->tenant.id, d.slug, err);
    if (r == FL_OK)
        r = fl_part_audit(req, "device.remove", req->tenant.slug, d.slug, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_live_forget(req->api->env.live, req->tenant.id, d.slug);
    fl_part_changed(req, FL_CHANGED_SENDERS);
    fl_json_text(fl_req_object(req), "removed", d.slug);
    fl_req_done(req, 200);
    return FL_OK;
}

/* ---- certificates ---- */

/* Store a certificate of the device that the path names; fills the numbers of tenant and device. */
static int store_certificate(struct fl_req *req, struct fl_certificate *cert, struct fl_err *err)
{
    struct fl_device d = {.id = 0};
    char hex[65];
    int r = fl_part_device(req, &d, err);

    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    cert->tenant = req->tenant.id;
    cert->created_us = req->api->env.now_us();
    (void)snprintf(cert->device, sizeof cert->device, "%s", d.slug);
    fl_part_hex(cert->fingerprint, sizeof cert->fingerprint, hex);
    r = fl_db_certificate_add(req->api->db, cert, err);
    if (r == FL_OK)
        r = fl_part_audit(req, cert->origin == FL_CERTIFICATE_PINNED ? "cert.pin" : "cert.issue",
                          req->tenant.slug, hex, "", err);
    r = fl_part_end(req, r, err);
    if (r == FL_OK)
        fl_part_changed(req, FL_CHANGED_SENDERS);
    return r;
}

/* What a certificate says of itself. */
static void take_info(struct fl_certificate *cert, const struct fl_cert_info *info)
{
    memcpy(cert->fingerprint, info->fingerprint, sizeof cert->fingerprint);
    (void)snprintf(cert->subject, sizeof cert->subject, "%s", info->subject);
    cert->not_before_us = info->not_before_us;
    cert->not_after_us = info->not_after_us;
}

static void put_result(struct fl_req *req, const struct fl_certificate *cert,
                       const struct fl_msg_csr_signed *made)
{
    struct fl_json *json = fl_req_object(req);
    char hex[65];

    fl_part_hex(cert->fingerprint, sizeof cert->fingerprint, hex);
    fl_json_text(json, "fingerprint", hex);
    fl_json_text(json, "subject", cert->subject);
    fl_part_time(json, "not_after", cert->not_after_us);
    if (made != NULL) {
        fl_json_str(json, "cert_pem", made->cert_pem);
        fl_json_str(json, "ca_pem", made->ca_pem);
    }
    fl_req_done(req, 201);
}

static bool on_signed(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_certificate cert = {.origin = FL_CERTIFICATE_ISSUED};
    struct fl_msg_csr_signed made;
    struct fl_cert_info info = {.is_ca = false};
    struct fl_err err;
    int r = fl_answer_take(in, FL_MSG_CSR_SIGNED, &made, &err);

    if (r == FL_E_INVAL)
        req->field = "csr_pem";
    if (r == FL_OK)
        r = fl_cert_read(made.cert_pem, &info, &err);
    if (r == FL_OK) {
        take_info(&cert, &info);
        r = store_certificate(req, &cert, &err);
    }
    if (r < 0)
        fl_req_fail(req, &err);
    else
        put_result(req, &cert, &made);
    return false;
}

static int issue(struct fl_req *req, const struct fl_tenant *t, const struct fl_device *d,
                 const char *csr, struct fl_err *err)
{
    struct fl_msg_csr_sign msg = {.csr_pem = fl_span_str(csr),
                                  .tenant = fl_span_str(t->slug),
                                  .device = fl_span_str(d->slug)};
    uint64_t days = DAYS_PRESET;
    int r = fl_req_num(req, "days", 1, FL_CA_DAYS_MAX, &days, err);

    if (r < 0)
        return r;
    msg.days = (uint32_t)days;
    return fl_ask(req, FL_ROLE_KEYS, FL_MSG_CSR_SIGN, &msg, FL_ASK_MS, on_signed, NULL, err);
}

static int pin(struct fl_req *req, const char *pem, struct fl_err *err)
{
    struct fl_certificate cert = {.origin = FL_CERTIFICATE_PINNED};
    struct fl_cert_info info = {.is_ca = false};
    int r = fl_cert_check_pinned(fl_span_str(pem), req->api->env.now_us(), &info, err);

    if (r < 0) {
        req->field = "cert_pem";
        return r;
    }
    take_info(&cert, &info);
    r = store_certificate(req, &cert, err);
    if (r == FL_OK)
        put_result(req, &cert, NULL);
    return r;
}

int fl_api_certificate_add(struct fl_req *req, struct fl_err *err)
{
    char pem[16384];
    struct fl_device d = {.id = 0};
    int r = fl_part_device(req, &d, err);

    if (r < 0)
        return r;
    r = fl_req_text(req, "csr_pem", pem, sizeof pem, err);
    if (r > 0)
        return issue(req, &req->tenant, &d, pem, err);
    if (r == 0)
        r = fl_req_text(req, "cert_pem", pem, sizeof pem, err);
    if (r > 0)
        return pin(req, pem, err);
    return r < 0 ? r : fl_req_missing(req, "csr_pem (or cert_pem)", err);
}

int fl_api_certificate_revoke(struct fl_req *req, struct fl_err *err)
{
    unsigned char fingerprint[32];
    struct fl_device d = {.id = 0};
    char hex[65];
    int r = fl_part_device(req, &d, err);

    if (r == FL_OK && !fl_cert_fingerprint_parse(req->arg[2], fingerprint))
        r = fl_err_set(err, FL_E_INVAL, "a fingerprint is the SHA-256 as 64 hex digits");
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    fl_part_hex(fingerprint, sizeof fingerprint, hex);
    r = fl_db_certificate_revoke(req->api->db, req->tenant.id, d.slug, fingerprint,
                                 req->api->env.now_us(), err);
    if (r == FL_OK)
        r = fl_part_audit(req, "cert.revoke", req->tenant.slug, hex, "", err);
    r = fl_part_end(req, r, err);
    if (r < 0)
        return r;
    fl_part_changed(req, FL_CHANGED_SENDERS);
    fl_json_text(fl_req_object(req), "revoked", hex);
    fl_req_done(req, 200);
    return FL_OK;
}
