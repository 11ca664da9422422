/*
 * user.h - a person who signs in: the operator's staff (tenant 0) or a tenant's.
 *
 * One signs in with the name, a tenant's people with NAME@TENANT: so a name is free to choose in
 * each tenant, and nobody learns of another's. `id` is given once; keys knows the account by it.
 */
#ifndef FL_MODEL_USER_H
#define FL_MODEL_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "model/slug.h"

#define FL_EMAIL_MAX      254u /* RFC 5321, 4.5.3.1.3 */
#define FL_USER_ROLES_MAX 16u  /* roles that one user or token may have */

struct fl_user {
    uint32_t id;     /* 0 before it is stored */
    uint32_t tenant; /* 0: the operator's staff */
    char name[FL_SLUG_MAX + 1];
    char display_name[FL_NAME_MAX + 1];
    char email[FL_EMAIL_MAX + 1];     /* "": none */
    char department[FL_SLUG_MAX + 1]; /* "": none */
    char roles[FL_LIST_MAX + 1];      /* comma list of names */
    bool disabled, totp_required;
    int64_t created_us;
};

/* An API token: a name and roles of its own beside what keys knows of it. */
struct fl_token {
    uint32_t id;
    uint32_t tenant;
    uint32_t user;   /* who made it: it never may more than that user may; 0: the local socket */
    uint64_t number; /* at keys */
    char name[FL_SLUG_MAX + 1];
    char roles[FL_LIST_MAX + 1];
    int64_t created_us, until_us;
};

/* Somebody who looked at personal data, for what. */
struct fl_reveal {
    uint32_t id;
    uint32_t tenant, user;
    uint64_t session;
    char who[2 * FL_SLUG_MAX + 2]; /* name to sign in with, then */
    char purpose[FL_SLUG_MAX + 1];
    char ticket[FL_NAME_MAX + 1];
    int64_t created_us, until_us, ended_us; /* ended_us 0: was not ended early */
};

/* Of users and tokens: 1 to 63 of a-z, 0-9, '.', '_' and '-', beginning with a letter, so that none
 * is a number. */
int fl_user_name_check(struct fl_span name, struct fl_err *err) FL_MUST_CHECK;
/* FL_E_INVAL: names the field and what would be right. Whether roles and department are there is
 * the database's to know. */
int fl_user_check(const struct fl_user *user, struct fl_err *err) FL_MUST_CHECK;
/* At least one, at most FL_USER_ROLES_MAX, each a slug, none twice. */
int fl_user_roles_check(const char *roles, struct fl_err *err) FL_MUST_CHECK;
/* The next of a comma list; false at its end. */
bool fl_user_role_next(struct fl_span *rest, struct fl_span *ret);
/* One of the words that say why personal data is looked at. */
bool fl_reveal_purpose(struct fl_span word);
#define FL_REVEAL_PURPOSES "incident, abuse, support, request or law"

#endif
