/*
 * role.h - who may do what: objects, verbs, the roles that come with the program, and roles that a
 * tenant or the operator makes.
 *
 * A right is a verb on an object; every route of the API names one (api/routes.c). What is not
 * given is refused. A role's rights hold within the tenant whose user has it; the operator's staff
 * (tenant 0) reaches into a tenant only as far as the object's reach and the tenant's grants say
 * (api/gate.h). As text, in JSON and in the database: `read` on `logs` is "logs:read".
 */
#ifndef FL_MODEL_ROLE_H
#define FL_MODEL_ROLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/slug.h"

enum fl_object {
    /* Not of the table of roles: what a route without a right of its own asks for. */
    FL_OBJECT_OPEN, /* nothing: nobody is signed in yet */
    FL_OBJECT_STEP, /* a session, at any stage of signing in */
    FL_OBJECT_SELF, /* a session that is open: one's own things */
    /* The operator's. */
    FL_OBJECT_HEALTH,  /* state of the processes and the store, refused peers */
    FL_OBJECT_METRICS, /* figures for a monitoring system */
    FL_OBJECT_STORE,   /* long work on the log store, the root key */
    FL_OBJECT_EVENTS,  /* the record of security events; receipts */
    FL_OBJECT_TENANTS, /* that there are tenants, their quota, name */
    /* A tenant's, or the operator's own. */
    FL_OBJECT_USERS,
    FL_OBJECT_ROLES,
    FL_OBJECT_TOKENS,
    FL_OBJECT_GRANTS,      /* what the tenant lets the operator do */
    FL_OBJECT_DEPARTMENTS, /* to which users belong */
    FL_OBJECT_RETENTION,   /* how long logs are kept; a tenant's own name */
    FL_OBJECT_SITES,
    FL_OBJECT_DEVICES,
    FL_OBJECT_CERTIFICATES, /* of devices, and the tenant's own CA */
    FL_OBJECT_ALARMS,
    FL_OBJECT_LOGS,     /* lines, figures over lines */
    FL_OBJECT_SEARCHES, /* that are saved */
    FL_OBJECT_PERSONAL, /* names and addresses of persons in logs, which are masked otherwise; read:
                           who looked at them */
    FL_OBJECT_FEEDS,    /* where events in the world are heard from; set by the operator */
    FL_OBJECT_SUPPLY,   /* the network of supply, what is calculated from it */
    FL_OBJECT_RISKS,    /* events that touch it: typed, muted, confirmed */
    FL_OBJECT_CASES,    /* with their questions, plans, notices */
    FL_OBJECT_DRILLS,
    FL_OBJECT_COUNT
};
#define FL_OBJECT_FIRST FL_OBJECT_HEALTH /* of the table of roles */

enum fl_verb {
    FL_VERB_READ,
    FL_VERB_ADD,
    FL_VERB_SET,
    FL_VERB_REMOVE,
    FL_VERB_RUN,    /* long work, a saved search */
    FL_VERB_EXPORT, /* rows leave for a file */
    FL_VERB_PURGE,  /* destroy days, erase persons */
    FL_VERB_REVEAL, /* see what is masked */
    FL_VERB_COUNT
};

/* What the operator's staff needs, beside the right, to reach such an object of a tenant. */
enum fl_reach {
    FL_REACH_FREE,  /* nothing: it is as much the operator's */
    FL_REACH_SETUP, /* a living grant `network` */
    FL_REACH_DATA   /* a living grant `network` with data, or `support` */
};

const char *fl_object_name(enum fl_object object);
const char *fl_verb_name(enum fl_verb verb);
enum fl_reach fl_object_reach(enum fl_object object);
/* Does the verb mean anything for the object? */
bool fl_object_has(enum fl_object object, enum fl_verb verb);
/* May a tenant's role have it at all? */
bool fl_object_of_tenant(enum fl_object object);

struct fl_rights {
    uint16_t may[FL_OBJECT_COUNT]; /* bits 1 << enum fl_verb */
};
#define FL_RIGHTS_TEXT_MAX 1200u /* bytes of all rights as text */

bool fl_rights_has(const struct fl_rights *rights, enum fl_object object, enum fl_verb verb);
void fl_rights_give(struct fl_rights *rights, enum fl_object object, enum fl_verb verb);
void fl_rights_join(struct fl_rights *rights, const struct fl_rights *more);
void fl_rights_meet(struct fl_rights *rights, const struct fl_rights *only);
bool fl_rights_within(const struct fl_rights *rights, const struct fl_rights *of);
/* Every right of the table; of_tenant: every one that a tenant's role may have. */
void fl_rights_all(struct fl_rights *ret, bool of_tenant);

/* "sites:read,set devices:read": objects apart by a blank, in the order of the table. */
void fl_rights_write(const struct fl_rights *rights, struct fl_buf *out);
/* FL_E_INVAL names the word and what there is. */
int fl_rights_parse(struct fl_span text, struct fl_rights *ret, struct fl_err *err) FL_MUST_CHECK;

struct fl_role_row {
    uint32_t id;     /* 0 before it is stored, and of those that come with the program */
    uint32_t tenant; /* 0: the operator's */
    char name[FL_SLUG_MAX + 1];
    char rights[FL_RIGHTS_TEXT_MAX + 1]; /* fl_rights_write() */
    int64_t created_us;
};

/* The roles that come with the program. */
struct fl_role_builtin {
    const char *name;
    bool of_tenant;     /* else of the operator's staff */
    bool admin;         /* of whom one must stay */
    const char *rights; /* as text */
    const char *about;  /* one line, for people */
};
extern const struct fl_role_builtin fl_roles_builtin[];
extern const unsigned fl_roles_builtin_count;
/* NULL: there is none of this name for such a user. */
const struct fl_role_builtin *fl_role_builtin_find(struct fl_span name, bool of_tenant);

/* A role that is made: its name is free of built-in ones, its rights are such as its tenant's role
 * may have. FL_E_INVAL. */
int fl_role_check(const struct fl_role_row *role, struct fl_err *err) FL_MUST_CHECK;

#endif
