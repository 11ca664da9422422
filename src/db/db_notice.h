/*
 * db_notice.h - the control database (db.h): mail and webhooks that are to be sent, and what became
 * of them.
 *
 * A notice is added in the transaction of what it tells of, so neither stands without the other;
 * the program sends what is due (fairleadd/core_notice.c) and writes down the receipt. It may be
 * sent twice when the program dies in between; the receiver knows it by its id.
 */
#ifndef FL_DB_DB_NOTICE_H
#define FL_DB_DB_NOTICE_H

#include "db/db.h"

#define FL_NOTICE_TRIES_MAX  20u
#define FL_NOTICE_ANSWER_MAX 400u
#define FL_NOTICES_WAIT_MAX  5000u /* of a tenant, that wait */
#define FL_NOTICE_SECRET_LEN 64u   /* hex digits */

enum fl_notice_state { FL_NOTICE_WAITS, FL_NOTICE_SENT, FL_NOTICE_FAILED, FL_NOTICE_STATES };
const char *fl_notice_state_name(enum fl_notice_state state); /* "waits", "sent", "failed" */

struct fl_notice {
    uint32_t id, tenant;
    uint32_t kind;                   /* enum fl_notice_kind, codec/msg.h */
    char about[FL_SLUG_MAX + 1];     /* what it belongs to: "case:417" */
    char target[FL_MSG_URL_MAX + 1]; /* address of mail, or URL */
    char subject[FL_MSG_SUBJECT_MAX + 1];
    uint32_t state; /* enum fl_notice_state */
    int64_t created_us, next_us, done_us;
    uint32_t tries;
    char answer[FL_NOTICE_ANSWER_MAX + 1]; /* the receipt, or why it failed */
};

/* Fills id. FL_E_INVAL: an address that is none, a subject of two lines, a webhook where the tenant
 * has no key. FL_E_LIMIT. body: text, or JSON. */
int fl_db_notice_add(struct fl_db *db, struct fl_notice *notice, struct fl_span body,
                     struct fl_err *err) FL_MUST_CHECK;
int fl_db_notice_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_notice *ret,
                     struct fl_err *err) FL_MUST_CHECK;
int fl_db_notice_set(struct fl_db *db, const struct fl_notice *notice, struct fl_err *err)
    FL_MUST_CHECK;
/* Appended to out. */
int fl_db_notice_body(struct fl_db *db, uint32_t id, struct fl_buf *out, struct fl_err *err)
    FL_MUST_CHECK;
/* about NULL: of the whole tenant. Latest first. */
int fl_db_notices(struct fl_db *db, uint32_t tenant, const char *about, struct fl_db_page page,
                  int (*fn)(void *ctx, const struct fl_notice *notice), void *ctx,
                  struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;
int fl_db_notices_due(struct fl_db *db, int64_t now_us, uint32_t limit,
                      int (*fn)(void *ctx, const struct fl_notice *notice), void *ctx,
                      struct fl_err *err) FL_MUST_CHECK;

/* The key that a tenant's webhooks are signed with. FL_E_NOENT. */
int fl_db_webhook_key(struct fl_db *db, uint32_t tenant, char ret[FL_NOTICE_SECRET_LEN + 1],
                      int64_t *ret_created_us, struct fl_err *err) FL_MUST_CHECK;
int fl_db_webhook_key_set(struct fl_db *db, uint32_t tenant, const char *secret, int64_t now_us,
                          struct fl_err *err) FL_MUST_CHECK;

#endif
