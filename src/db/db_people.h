/*
 * db_people.h - the control database's people: users, roles, departments, API tokens, grants, looks
 * at personal data, and answers that are kept for whoever asks again.
 *
 * As db.h says: every call is one transaction unless fl_db_begin() joined several; errors name the
 * thing; lists are paged. tenant 0 is the operator's own.
 */
#ifndef FL_DB_DB_PEOPLE_H
#define FL_DB_DB_PEOPLE_H

#include "db/db.h"
#include "model/department.h"
#include "model/grant.h"
#include "model/role.h"
#include "model/user.h"

#define FL_DB_USERS_MAX        10000u /* of the instance */
#define FL_DB_PER_TENANT_MAX   1000u  /* roles, departments, tokens of one tenant */
#define FL_DB_AGAIN_MAX_BYTES  ((size_t)64 << 10)
#define FL_DB_AGAIN_PER_CALLER 500u

/* ---- users; by name or by the number as text ---- */

/* Fills id. FL_E_LIMIT: there are too many. */
int fl_db_user_add(struct fl_db *db, struct fl_user *user, struct fl_err *err) FL_MUST_CHECK;
int fl_db_user_get(struct fl_db *db, uint32_t tenant, const char *name, struct fl_user *ret,
                   struct fl_err *err) FL_MUST_CHECK;
int fl_db_user_by_id(struct fl_db *db, uint32_t id, struct fl_user *ret, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_user_set(struct fl_db *db, const struct fl_user *user, struct fl_err *err) FL_MUST_CHECK;
int fl_db_user_remove(struct fl_db *db, uint32_t id, struct fl_err *err) FL_MUST_CHECK;
int fl_db_users(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                int (*fn)(void *ctx, const struct fl_user *user), void *ctx, struct fl_db_list *ret,
                struct fl_err *err) FL_MUST_CHECK;
/* Of every tenant and the operator, by number. */
int fl_db_users_all(struct fl_db *db, int (*fn)(void *ctx, const struct fl_user *user), void *ctx,
                    struct fl_err *err) FL_MUST_CHECK;

/* ---- roles that were made ---- */

int fl_db_role_add(struct fl_db *db, struct fl_role_row *role, struct fl_err *err) FL_MUST_CHECK;
int fl_db_role_get(struct fl_db *db, uint32_t tenant, const char *name, struct fl_role_row *ret,
                   struct fl_err *err) FL_MUST_CHECK;
int fl_db_role_set(struct fl_db *db, const struct fl_role_row *role, struct fl_err *err)
    FL_MUST_CHECK;
/* FL_E_EXISTS: a user or a token has it. */
int fl_db_role_remove(struct fl_db *db, uint32_t tenant, const char *name, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_roles(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                int (*fn)(void *ctx, const struct fl_role_row *role), void *ctx,
                struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;
/* What the roles of a comma list give together; FL_E_NOENT names one that is not there. */
int fl_db_rights_of(struct fl_db *db, uint32_t tenant, const char *list, struct fl_rights *ret,
                    struct fl_err *err) FL_MUST_CHECK;

/* ---- departments ---- */

int fl_db_department_add(struct fl_db *db, struct fl_department *department, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_department_get(struct fl_db *db, uint32_t tenant, const char *slug,
                         struct fl_department *ret, struct fl_err *err) FL_MUST_CHECK;
int fl_db_department_set(struct fl_db *db, const struct fl_department *department,
                         struct fl_err *err) FL_MUST_CHECK;
/* FL_E_EXISTS: users belong to it. */
int fl_db_department_remove(struct fl_db *db, uint32_t tenant, const char *slug, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_departments(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                      int (*fn)(void *ctx, const struct fl_department *department), void *ctx,
                      struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;

/* ---- API tokens; by name or by the id as text ---- */

int fl_db_token_add(struct fl_db *db, struct fl_token *token, struct fl_err *err) FL_MUST_CHECK;
int fl_db_token_get(struct fl_db *db, uint32_t tenant, const char *name, struct fl_token *ret,
                    struct fl_err *err) FL_MUST_CHECK;
int fl_db_token_by_number(struct fl_db *db, uint64_t number, struct fl_token *ret,
                          struct fl_err *err) FL_MUST_CHECK;
int fl_db_token_remove(struct fl_db *db, uint32_t id, struct fl_err *err) FL_MUST_CHECK;
int fl_db_tokens(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                 int (*fn)(void *ctx, const struct fl_token *token), void *ctx,
                 struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;

/* ---- grants and looks, latest first ---- */

/* Fills id; a living one of the same kind ends. */
int fl_db_grant_add(struct fl_db *db, struct fl_grant *grant, struct fl_err *err) FL_MUST_CHECK;
int fl_db_grant_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_grant *ret,
                    struct fl_err *err) FL_MUST_CHECK;
/* FL_E_EXISTS: it has ended already. */
int fl_db_grant_end(struct fl_db *db, uint32_t tenant, uint32_t id, int64_t now_us,
                    struct fl_err *err) FL_MUST_CHECK;
int fl_db_grants(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                 int (*fn)(void *ctx, const struct fl_grant *grant), void *ctx,
                 struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;
/* The living ones: is the tenant open to the operator, and its data? */
int fl_db_grants_open(struct fl_db *db, uint32_t tenant, int64_t now_us, bool *ret_setup,
                      bool *ret_data, struct fl_err *err) FL_MUST_CHECK;

int fl_db_reveal_add(struct fl_db *db, struct fl_reveal *reveal, struct fl_err *err) FL_MUST_CHECK;
/* The living ones of a session. */
int fl_db_reveal_end(struct fl_db *db, uint32_t tenant, uint64_t session, int64_t now_us,
                     struct fl_err *err) FL_MUST_CHECK;
int fl_db_reveals(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                  int (*fn)(void *ctx, const struct fl_reveal *reveal), void *ctx,
                  struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;

/* ---- answers to a request that may come again (Idempotency-Key) ---- */

struct fl_again {
    char caller[80], name[132]; /* who; the key */
    unsigned char request[32];  /* hash of method, path and body */
    uint32_t status;            /* 0: in work */
    bool secret;                /* the body was shown once and is not kept */
    char type[80];
    int64_t at_us;
};

/* Notes that it is in work. FL_E_EXISTS: known already, see get. FL_E_LIMIT: too many in a day.
 * Those before since_us are forgotten. */
int fl_db_again_begin(struct fl_db *db, const struct fl_again *again, int64_t since_us,
                      struct fl_err *err) FL_MUST_CHECK;
/* body is appended to ret_body. */
int fl_db_again_get(struct fl_db *db, const char *caller, const char *name, struct fl_again *ret,
                    struct fl_buf *ret_body, struct fl_err *err) FL_MUST_CHECK;
int fl_db_again_end(struct fl_db *db, const struct fl_again *again, struct fl_span body,
                    struct fl_err *err) FL_MUST_CHECK;
/* It came to nothing: the same key may be tried again. caller NULL: all that are in work. */
int fl_db_again_drop(struct fl_db *db, const char *caller, const char *name, struct fl_err *err)
    FL_MUST_CHECK;

#endif
