/*
 * people.h - inside api: what users, roles, tokens, grants and sessions share, and how accounts at
 * keys are kept as the control database says. {BASE}/users and the like stand under /instance,
 * where req->tenant is 0, the operator's, and under /tenants/{t}.
 */
#ifndef FL_API_PEOPLE_H
#define FL_API_PEOPLE_H

#include "api/parts.h"
#include "db/db_people.h"
#include "trust/accounts.h"

/* keys hashes passwords for these. */
#define FL_ASK_HASH_MS (FL_SIGN_IN_WITHIN_MS + 3000)

/* Fill req->caller from a session as keys gave it: user, roles, rights. FL_E_NOENT: there is no
 * such user or token any more, or it is disabled. */
int fl_people_caller(struct fl_req *req, const struct fl_msg_session *session, struct fl_err *err)
    FL_MUST_CHECK;

/* The last {..} of the path as text; FL_E_NOENT where nothing is called so. */
int fl_people_arg(struct fl_req *req, const char *noun, char ret[FL_SLUG_MAX + 1],
                  struct fl_err *err) FL_MUST_CHECK;

/* NAME or NAME@TENANT. */
void fl_people_sign_in_name(const struct fl_user *user, const char *slug, char *ret, size_t size);
/* Who calls, for people: a name to sign in with, or "uid:N". */
void fl_people_caller_name(const struct fl_req *req, char *ret, size_t size);

/* The bits that keys lets an account have (trust/accounts.h) for these rights. Whoever sets
 * accounts has all: keys lets nobody give what he has not. */
uint32_t fl_people_scope(const struct fl_rights *rights);
/* ... of a user or a token, from its comma list of roles; an unknown role gives nothing. */
uint32_t fl_people_scope_of(struct fl_db *db, uint32_t tenant, const char *roles);
/* What a grant opens. */
uint32_t fl_people_grant_scope(const struct fl_grant *grant, bool demo);

/* Member "roles" from a comma list. */
void fl_people_put_roles(struct fl_json *json, const char *roles);
/* Member "rights" as an object of arrays. */
void fl_people_put_rights(struct fl_json *json, const struct fl_rights *rights);
/* The body's array of strings as a comma list: 1 and *ret, 0 absent, FL_E_INVAL. */
int fl_people_take_list(struct fl_req *req, const char *name, char *ret, size_t size,
                        struct fl_err *err) FL_MUST_CHECK;
/* May the caller give these roles? They are there; and each is one that comes with the program,
 * given by whoever may change roles, or within the caller's own rights. */
int fl_people_may_give(struct fl_req *req, uint32_t tenant, const char *roles, struct fl_err *err)
    FL_MUST_CHECK;
/* May the caller change this user? Who may change users, but could not give what this one has,
 * would by a new password become him. */
int fl_people_may_change(struct fl_req *req, const struct fl_user *user, struct fl_err *err)
    FL_MUST_CHECK;
/* What a password must not hold, one a line. */
#define FL_PEOPLE_WORDS_MAX (2u * FL_NAME_MAX + FL_EMAIL_MAX)
void fl_people_words(const struct fl_user *user, char ret[FL_PEOPLE_WORDS_MAX]);
/* FL_E_DENIED (409) when no user with the administrator's role who may sign in would be left
 * besides this one. */
int fl_people_check_last(struct fl_req *req, const struct fl_user *user, struct fl_err *err)
    FL_MUST_CHECK;
bool fl_people_is_admin(const struct fl_user *user);

/* Ask keys for something that is answered by DONE, ACCOUNT or FAIL, then go on. */
int fl_people_tell(struct fl_req *req, enum fl_msg_type type, const void *msg, int64_t timeout_ms,
                   int (*then)(struct fl_req *req, struct fl_err *err), struct fl_err *err)
    FL_MUST_CHECK;

/* Compare accounts and grants at keys with the database, soon. */
void fl_people_check(struct fl_api *api);

#endif
