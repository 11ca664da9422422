/* parts.h - inside api: what several resources share. */
#ifndef FL_API_PARTS_H
#define FL_API_PARTS_H

#include "api/route.h"
#include "db/db.h"
#include "trust/cap.h"

#define FL_ASK_MS       5000  /* a short answer of keys or the supervisor */
#define FL_ASK_STORE_MS 10000 /* statistics of store */
#define FL_ASK_PURGE_MS 300000

#define FL_LIST_LIMIT_MAX 1000u

/* Handlers, by resource. */
int fl_api_metrics(struct fl_req *req, struct fl_err *err);
int fl_api_status(struct fl_req *req, struct fl_err *err);
int fl_api_store(struct fl_req *req, struct fl_err *err);
int fl_api_instance_ca(struct fl_req *req, struct fl_err *err);
int fl_api_rogues(struct fl_req *req, struct fl_err *err);
int fl_api_events(struct fl_req *req, struct fl_err *err);
int fl_api_tenants(struct fl_req *req, struct fl_err *err);
int fl_api_tenant_add(struct fl_req *req, struct fl_err *err);
int fl_api_tenant_show(struct fl_req *req, struct fl_err *err);
int fl_api_tenant_set(struct fl_req *req, struct fl_err *err);
int fl_api_tenant_remove(struct fl_req *req, struct fl_err *err);
int fl_api_local_access(struct fl_req *req, struct fl_err *err);
int fl_api_tenant_ca_set(struct fl_req *req, struct fl_err *err);
int fl_api_tenant_ca_remove(struct fl_req *req, struct fl_err *err);
int fl_api_sites(struct fl_req *req, struct fl_err *err);
int fl_api_site_add(struct fl_req *req, struct fl_err *err);
int fl_api_site_show(struct fl_req *req, struct fl_err *err);
int fl_api_site_set(struct fl_req *req, struct fl_err *err);
int fl_api_site_remove(struct fl_req *req, struct fl_err *err);
int fl_api_devices(struct fl_req *req, struct fl_err *err);
int fl_api_device_add(struct fl_req *req, struct fl_err *err);
int fl_api_device_show(struct fl_req *req, struct fl_err *err);
int fl_api_device_set(struct fl_req *req, struct fl_err *err);
int fl_api_device_remove(struct fl_req *req, struct fl_err *err);
int fl_api_certificate_add(struct fl_req *req, struct fl_err *err);
int fl_api_certificate_revoke(struct fl_req *req, struct fl_err *err);
int fl_api_logs(struct fl_req *req, struct fl_err *err);
int fl_api_purge(struct fl_req *req, struct fl_err *err);
int fl_api_erase(struct fl_req *req, struct fl_err *err);
int fl_api_receipts(struct fl_req *req, struct fl_err *err);
int fl_api_root_change(struct fl_req *req, struct fl_err *err);
int fl_api_store_job(struct fl_req *req, struct fl_err *err);
int fl_api_session(struct fl_req *req, struct fl_err *err);
int fl_api_sign_in(struct fl_req *req, struct fl_err *err);
int fl_api_sign_out(struct fl_req *req, struct fl_err *err);
int fl_api_session_code(struct fl_req *req, struct fl_err *err);
int fl_api_session_password(struct fl_req *req, struct fl_err *err);
int fl_api_session_enrol(struct fl_req *req, struct fl_err *err);
int fl_api_session_confirm(struct fl_req *req, struct fl_err *err);
int fl_api_session_list(struct fl_req *req, struct fl_err *err);
int fl_api_session_end(struct fl_req *req, struct fl_err *err);
int fl_api_users(struct fl_req *req, struct fl_err *err);
int fl_api_user_add(struct fl_req *req, struct fl_err *err);
int fl_api_user_show(struct fl_req *req, struct fl_err *err);
int fl_api_user_set(struct fl_req *req, struct fl_err *err);
int fl_api_user_remove(struct fl_req *req, struct fl_err *err);
int fl_api_user_reset(struct fl_req *req, struct fl_err *err);
int fl_api_user_sign_out(struct fl_req *req, struct fl_err *err);
int fl_api_roles(struct fl_req *req, struct fl_err *err);
int fl_api_role_add(struct fl_req *req, struct fl_err *err);
int fl_api_role_show(struct fl_req *req, struct fl_err *err);
int fl_api_role_set(struct fl_req *req, struct fl_err *err);
int fl_api_role_remove(struct fl_req *req, struct fl_err *err);
int fl_api_tokens(struct fl_req *req, struct fl_err *err);
int fl_api_token_add(struct fl_req *req, struct fl_err *err);
int fl_api_token_remove(struct fl_req *req, struct fl_err *err);
int fl_api_departments(struct fl_req *req, struct fl_err *err);
int fl_api_department_add(struct fl_req *req, struct fl_err *err);
int fl_api_department_show(struct fl_req *req, struct fl_err *err);
int fl_api_department_set(struct fl_req *req, struct fl_err *err);
int fl_api_department_remove(struct fl_req *req, struct fl_err *err);
int fl_api_grants(struct fl_req *req, struct fl_err *err);
int fl_api_grant_add(struct fl_req *req, struct fl_err *err);
int fl_api_grant_end(struct fl_req *req, struct fl_err *err);
int fl_api_reveals(struct fl_req *req, struct fl_err *err);
int fl_api_reveal_add(struct fl_req *req, struct fl_err *err);
int fl_api_reveal_end(struct fl_req *req, struct fl_err *err);

/* The site or device of the tenant that the path names; FL_E_NOENT says where to look. */
int fl_part_site(struct fl_req *req, struct fl_site *ret, struct fl_err *err) FL_MUST_CHECK;
int fl_part_device(struct fl_req *req, struct fl_device *ret, struct fl_err *err) FL_MUST_CHECK;

/*
 * The version of what was read, as a row straight from the database: the answer's ETag. A change
 * asks match() with the row before it is changed, so that nobody undoes what he has not seen;
 * without If-Match nothing is asked. FL_E_DENIED, answered as 412.
 */
#define FL_ETAG_BYTES 16
#define FL_ETAG_TEXT  (2 * FL_ETAG_BYTES + 3) /* quoted, with its NUL */
void fl_part_etag(struct fl_req *req, const void *row, size_t size);
int fl_part_match(struct fl_req *req, const void *row, size_t size, struct fl_err *err)
    FL_MUST_CHECK;
void fl_part_etag_text(const void *row, size_t size, char ret[FL_ETAG_TEXT]);

/* limit (preset 100) and after of a list. */
int fl_part_page(struct fl_req *req, struct fl_db_page *ret, struct fl_err *err) FL_MUST_CHECK;
/* A list: begin() reads its page and opens "items" in req->json, where fl_db_...() puts them; end()
 * closes it with "total" and "next" and answers, or returns r < 0. */
int fl_part_list_begin(struct fl_req *req, struct fl_db_page *ret, struct fl_err *err)
    FL_MUST_CHECK;
int fl_part_list_end(struct fl_req *req, int r, const struct fl_db_list *list) FL_MUST_CHECK;

/* Tell ingest or store of a change. */
void fl_part_changed(struct fl_req *req, unsigned what);

/*
 * A change: begin, write to the database, audit, end. Either all of it stands or nothing: what
 * cannot be recorded is not done.
 */
int fl_part_begin(struct fl_req *req, struct fl_err *err) FL_MUST_CHECK;
/* Record a security event; the caller is the actor. detail: a JSON object or "". */
int fl_part_audit(struct fl_req *req, const char *event, const char *tenant, const char *object,
                  const char *detail, struct fl_err *err) FL_MUST_CHECK;
/* An event by itself: what follows is another role's to do. */
int fl_part_record(struct fl_req *req, const char *event, const char *tenant, const char *object,
                   const char *detail, struct fl_err *err) FL_MUST_CHECK;
/* Commit when r is FL_OK, else roll back and return r. */
int fl_part_end(struct fl_req *req, int r, struct fl_err *err) FL_MUST_CHECK;

/* Have store do long work (logs/store_job.h); its lines are the answer, and whoever leaves ends
 * it. The request's state is taken. */
int fl_part_job(struct fl_req *req, const struct fl_msg_store_job *msg, struct fl_err *err)
    FL_MUST_CHECK;

/* Members rows, bytes, segments, days, files, keys, epoch, root_kind. */
void fl_part_purged(struct fl_json *json, const struct fl_msg_purged *purged);

/* 64 hex digits and a NUL. */
void fl_part_hex(const unsigned char *bytes, size_t len, char *ret);

/* A member that is a time, or null for 0. */
void fl_part_time(struct fl_json *json, const char *key, int64_t us);
void fl_part_day(struct fl_json *json, const char *key, int32_t day); /* null for INT32_MIN */

/* The counters and clocks of a device as the member "live". */
void fl_part_live(struct fl_req *req, struct fl_json *json, uint32_t tenant, const char *device);

/* ---- figures of the other roles, asked for together ---- */

enum { FL_WANT_ROLES = 1, FL_WANT_STORE = 2, FL_WANT_KEYS = 4 };

#define FL_GATHER_TENANTS 4096u

struct fl_gathered {
    bool roles, store, keys; /* answered */
    struct fl_msg_role_state role[FL_ROLE_COUNT];
    char note[FL_ROLE_COUNT][FL_MSG_TEXT_MAX + 1];
    unsigned role_count;
    struct fl_msg_store_stat stat;
    char stat_note[FL_MSG_TEXT_MAX + 1];
    struct fl_msg_store_tenant *tenant; /* owned */
    size_t tenant_count;
    struct fl_msg_keys_stat key_stat;
    char root_kind[32];
    char store_problem[400], keys_problem[400], roles_problem[400];
    void (*done)(struct fl_req *req, const struct fl_gathered *got);
};

/* Ask; done is called when all have answered or failed (perhaps before this returns). */
int fl_gather(struct fl_req *req, unsigned want,
              void (*done)(struct fl_req *req, const struct fl_gathered *got), struct fl_err *err)
    FL_MUST_CHECK;
/* What store has of a tenant, or NULL. */
const struct fl_msg_store_tenant *fl_gathered_tenant(const struct fl_gathered *got, uint32_t id);
/* What quotas and limits do with it: used_percent, share_bytes, taken_days, ... */
void fl_part_house(struct fl_json *json, const struct fl_msg_store_tenant *t);
/* Member "data": an object, or null when the store did not answer. */
void fl_gathered_data(struct fl_json *json, const struct fl_gathered *got, uint32_t tenant);

/* ---- capabilities ---- */

/* Ask keys for one of the path's tenant; then then(req, cap), or the request fails with what is to
 * be done. */
int fl_part_cap(struct fl_req *req, uint32_t scope, const char *purpose,
                int (*then)(struct fl_req *req, struct fl_span cap, struct fl_err *err),
                struct fl_err *err) FL_MUST_CHECK;

#endif
