#include "model/role.h"

#include <string.h>

#define BIT(verb) ((uint16_t)(1u << FL_VERB_##verb))
#define CRUD      (BIT(READ) | BIT(ADD) | BIT(SET) | BIT(REMOVE))

static const struct {
    const char *name;
    uint16_t verbs;
    enum fl_reach reach;
    bool of_tenant;
} objects[FL_OBJECT_COUNT] = {
    [FL_OBJECT_OPEN] = {"open", 0, FL_REACH_FREE, false},
    [FL_OBJECT_STEP] = {"step", 0, FL_REACH_FREE, false},
    [FL_OBJECT_SELF] = {"self", 0, FL_REACH_FREE, false},
    [FL_OBJECT_HEALTH] = {"health", BIT(READ), FL_REACH_FREE, false},
    [FL_OBJECT_METRICS] = {"metrics", BIT(READ), FL_REACH_FREE, false},
    [FL_OBJECT_STORE] = {"store", BIT(READ) | BIT(RUN), FL_REACH_FREE, false},
    [FL_OBJECT_EVENTS] = {"events", BIT(READ), FL_REACH_FREE, false},
    [FL_OBJECT_TENANTS] = {"tenants", CRUD, FL_REACH_FREE, true},
    [FL_OBJECT_USERS] = {"users", CRUD, FL_REACH_SETUP, true},
    [FL_OBJECT_ROLES] = {"roles", CRUD, FL_REACH_SETUP, true},
    [FL_OBJECT_TOKENS] = {"tokens", BIT(READ) | BIT(ADD) | BIT(REMOVE), FL_REACH_SETUP, true},
    [FL_OBJECT_GRANTS] = {"grants", BIT(READ) | BIT(ADD) | BIT(REMOVE), FL_REACH_FREE, true},
    [FL_OBJECT_DEPARTMENTS] = {"departments", CRUD, FL_REACH_SETUP, true},
    [FL_OBJECT_RETENTION] = {"retention", BIT(SET), FL_REACH_SETUP, true},
    [FL_OBJECT_SITES] = {"sites", CRUD, FL_REACH_SETUP, true},
    [FL_OBJECT_DEVICES] = {"devices", CRUD, FL_REACH_SETUP, true},
    [FL_OBJECT_CERTIFICATES] = {"certificates", BIT(READ) | BIT(ADD) | BIT(REMOVE), FL_REACH_SETUP,
                                true},
    [FL_OBJECT_ALARMS] = {"alarms", BIT(READ) | BIT(SET), FL_REACH_SETUP, true},
    [FL_OBJECT_LOGS] = {"logs", BIT(READ) | BIT(EXPORT) | BIT(PURGE), FL_REACH_DATA, true},
    [FL_OBJECT_SEARCHES] = {"searches", CRUD | BIT(RUN), FL_REACH_DATA, true},
    [FL_OBJECT_PERSONAL] = {"personal", BIT(READ) | BIT(REVEAL), FL_REACH_DATA, true},
    [FL_OBJECT_FEEDS] = {"feeds", CRUD | BIT(RUN), FL_REACH_FREE, false},
    [FL_OBJECT_SUPPLY] = {"supply", CRUD | BIT(RUN) | BIT(EXPORT), FL_REACH_DATA, true},
    [FL_OBJECT_RISKS] = {"risks", BIT(READ) | BIT(ADD) | BIT(SET), FL_REACH_DATA, true},
    [FL_OBJECT_CASES] = {"cases", CRUD | BIT(RUN) | BIT(EXPORT), FL_REACH_DATA, true},
    [FL_OBJECT_DRILLS] = {"drills", CRUD | BIT(RUN), FL_REACH_DATA, true},
};

static const char *const verbs[FL_VERB_COUNT] = {
    [FL_VERB_READ] = "read",     [FL_VERB_ADD] = "add",       [FL_VERB_SET] = "set",
    [FL_VERB_REMOVE] = "remove", [FL_VERB_RUN] = "run",       [FL_VERB_EXPORT] = "export",
    [FL_VERB_PURGE] = "purge",   [FL_VERB_REVEAL] = "reveal",
};

/* ---- the roles that come with the program ---- */

#define ALL "read,add,set,remove"
#define SETUP_READ                                                                                 \
    "tenants:read departments:read sites:read devices:read certificates:read alarms:read"
#define SUPPLY_READ "supply:read risks:read cases:read drills:read"
#define SUPPLY_ALL                                                                                 \
    "supply:" ALL ",run,export risks:read,add,set cases:" ALL ",run,export drills:" ALL ",run"
#define SETUP_ALL                                                                                  \
    "departments:" ALL " retention:set sites:" ALL " devices:" ALL                                 \
    " certificates:read,add,remove alarms:read,set"

const struct fl_role_builtin fl_roles_builtin[] = {
    {"operator-admin", false, true,
     "health:read metrics:read store:read,run events:read tenants:" ALL " users:" ALL " roles:" ALL
     " tokens:read,add,remove grants:read " SETUP_ALL " feeds:" ALL ",run",
     "everything of the operator's: tenants, staff, roles, the machine; no logs"},
    {"network", false, false,
     "health:read metrics:read store:read tenants:" ALL " grants:read " SETUP_ALL
     " logs:read,export searches:" ALL ",run",
     "sites, devices and certificates of tenants under their grant; logs where it says so"},
    {"support", false, false,
     "health:read tenants:read grants:read departments:read sites:read devices:read "
     "certificates:read alarms:read,set logs:read searches:read,run personal:reveal",
     "looks into a tenant while its support grant runs"},
    {"supply", false, false,
     "tenants:read grants:read sites:read devices:read feeds:read,run " SUPPLY_ALL,
     "follows events to a tenant's parts and revenue, under a grant that includes data"},
    {"auditor", false, false,
     "health:read events:read tenants:read users:read roles:read tokens:read grants:read",
     "reads the record of events, people, roles and grants; changes nothing"},
    {"tenant-admin", true, true,
     "tenants:read users:" ALL " roles:" ALL
     " tokens:read,add,remove grants:read,add,remove " SETUP_ALL
     " logs:read,export,purge searches:" ALL ",run personal:read " SUPPLY_ALL,
     "everything of the tenant but personal data: people, grants, sites, devices, logs, supply"},
    {"analyst", true, false,
     SETUP_READ ",set logs:read,export searches:" ALL ",run personal:reveal",
     "asks the logs, saves searches, sees personal data for a stated purpose"},
    {"privacy-officer", true, false,
     SETUP_READ " users:read roles:read tokens:read grants:read,add,remove retention:set "
                "logs:read,export,purge searches:read,run personal:read,reveal",
     "grants, retention, purges and erasures; sees personal data for a stated purpose"},
    {"viewer", true, false, SETUP_READ " logs:read searches:read,run " SUPPLY_READ,
     "sees sites, alarms, figures and supply; personal data stays masked"},
    {"supply-manager", true, false,
     "tenants:read sites:read devices:read alarms:read,set " SUPPLY_ALL,
     "keeps the network of supply, opens cases, asks suppliers, runs drills"},
};
const unsigned fl_roles_builtin_count = FL_LEN(fl_roles_builtin);

const struct fl_role_builtin *fl_role_builtin_find(struct fl_span name, bool of_tenant)
{
    for (unsigned i = 0; i < fl_roles_builtin_count; i++)
        if (fl_roles_builtin[i].of_tenant == of_tenant &&
            fl_span_eq(name, fl_span_str(fl_roles_builtin[i].name)))
            return &fl_roles_builtin[i];
    return NULL;
}

/* ---- objects and verbs ---- */

const char *fl_object_name(enum fl_object object)
{
    return objects[object].name;
}

const char *fl_verb_name(enum fl_verb verb)
{
    return verbs[verb];
}

enum fl_reach fl_object_reach(enum fl_object object)
{
    return objects[object].reach;
}

bool fl_object_has(enum fl_object object, enum fl_verb verb)
{
    return (objects[object].verbs >> verb & 1) != 0;
}

bool fl_object_of_tenant(enum fl_object object)
{
    return objects[object].of_tenant;
}

/* ---- rights ---- */

bool fl_rights_has(const struct fl_rights *rights, enum fl_object object, enum fl_verb verb)
{
    return (rights->may[object] >> verb & 1) != 0;
}

void fl_rights_give(struct fl_rights *rights, enum fl_object object, enum fl_verb verb)
{
    rights->may[object] |= (uint16_t)(1u << verb);
}

void fl_rights_join(struct fl_rights *rights, const struct fl_rights *more)
{
    for (int i = 0; i < FL_OBJECT_COUNT; i++)
        rights->may[i] |= more->may[i];
}

void fl_rights_meet(struct fl_rights *rights, const struct fl_rights *only)
{
    for (int i = 0; i < FL_OBJECT_COUNT; i++)
        rights->may[i] &= only->may[i];
}

bool fl_rights_within(const struct fl_rights *rights, const struct fl_rights *of)
{
    for (int i = 0; i < FL_OBJECT_COUNT; i++)
        if ((rights->may[i] & ~of->may[i]) != 0)
            return false;
    return true;
}

void fl_rights_all(struct fl_rights *ret, bool of_tenant)
{
    *ret = (struct fl_rights){{0}};
    for (int i = FL_OBJECT_FIRST; i < FL_OBJECT_COUNT; i++)
        if (!of_tenant || objects[i].of_tenant)
            ret->may[i] = objects[i].verbs;
}

void fl_rights_write(const struct fl_rights *rights, struct fl_buf *out)
{
    bool any = false;

    for (int i = FL_OBJECT_FIRST; i < FL_OBJECT_COUNT; i++) {
        char before = ':';

        if (rights->may[i] == 0)
            continue;
        fl_buf_printf(out, "%s%s", any ? " " : "", objects[i].name);
        any = true;
        for (int v = 0; v < FL_VERB_COUNT; v++) {
            if ((rights->may[i] >> v & 1) == 0)
                continue;
            fl_buf_printf(out, "%c%s", before, verbs[v]);
            before = ',';
        }
    }
}

/* The word before any of stop; *rest begins behind it. */
static struct fl_span word(struct fl_span *rest, char stop)
{
    struct fl_span head = *rest;
    size_t len = 0;

    while (len < rest->len && rest->ptr[len] != (unsigned char)stop)
        len++;
    head.len = len;
    len += len < rest->len;
    *rest = fl_span_of(rest->ptr + len, rest->len - len);
    return head;
}

static int find_object(struct fl_span name, struct fl_err *err)
{
    for (int i = FL_OBJECT_FIRST; i < FL_OBJECT_COUNT; i++)
        if (fl_span_eq(name, fl_span_str(objects[i].name)))
            return i;
    return fl_err_set(err, FL_E_INVAL, "there is no object '%.*s' of rights",
                      (int)(name.len < 40 ? name.len : 40), (const char *)name.ptr);
}

static int find_verb(int object, struct fl_span name, struct fl_err *err)
{
    for (int v = 0; v < FL_VERB_COUNT; v++)
        if (fl_object_has((enum fl_object)object, (enum fl_verb)v) &&
            fl_span_eq(name, fl_span_str(verbs[v])))
            return v;
    return fl_err_set(err, FL_E_INVAL, "there is no right '%.*s' on %s",
                      (int)(name.len < 40 ? name.len : 40), (const char *)name.ptr,
                      objects[object].name);
}

int fl_rights_parse(struct fl_span text, struct fl_rights *ret, struct fl_err *err)
{
    struct fl_rights rights = {{0}};

    while (text.len > 0) {
        struct fl_span item = word(&text, ' '), name = word(&item, ':');
        int object, verb;

        if (name.len == 0)
            continue;
        object = find_object(name, err);
        if (object < 0)
            return object;
        if (item.len == 0)
            return fl_err_set(err, FL_E_INVAL, "%s has no verb behind it, as in %s:read",
                              objects[object].name, objects[object].name);
        while (item.len > 0) {
            verb = find_verb(object, word(&item, ','), err);
            if (verb < 0)
                return verb;
            fl_rights_give(&rights, (enum fl_object)object, (enum fl_verb)verb);
        }
    }
    *ret = rights;
    return FL_OK;
}

int fl_role_check(const struct fl_role_row *role, struct fl_err *err)
{
    struct fl_rights rights, most;
    struct fl_span name = fl_span_str(role->name);
    int r = fl_slug_check(name, "role", err);

    if (r < 0)
        return r;
    if (fl_role_builtin_find(name, true) != NULL || fl_role_builtin_find(name, false) != NULL)
        return fl_err_set(err, FL_E_INVAL,
                          "the role '%s' comes with the program; choose another name", role->name);
    r = fl_rights_parse(fl_span_str(role->rights), &rights, err);
    if (r < 0)
        return r;
    fl_rights_all(&most, role->tenant != 0);
    if (!fl_rights_within(&rights, &most))
        return fl_err_set(err, FL_E_INVAL,
                          "a tenant's role has rights on the tenant's own objects only");
    return FL_OK;
}
