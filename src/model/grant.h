/*
 * grant.h - what a tenant lets the operator's staff do in it.
 *
 * `network` stands until it is ended: sites, devices, certificates, people; with `data` the logs
 * too. `support` runs for hours, for a reason, and opens the logs. keys knows the living ones and
 * decides (codec/msg.h, tenant_grant); what is kept here is for people to read, also afterwards.
 */
#ifndef FL_MODEL_GRANT_H
#define FL_MODEL_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/slug.h"

/* As enum fl_grant_kind of trust/accounts.h. */
enum { FL_TENANT_GRANT_NETWORK = 1, FL_TENANT_GRANT_SUPPORT = 2, FL_TENANT_GRANTS };
#define FL_SUPPORT_HOURS_MAX 168u

struct fl_grant {
    uint32_t id;     /* 0 before it is stored */
    uint32_t tenant; /* its id */
    uint32_t kind;
    bool data;        /* the logs too; support always */
    int64_t until_us; /* INT64_MAX: until it is ended */
    char reason[FL_NAME_MAX + 1];
    char given_by[2 * FL_SLUG_MAX + 2]; /* name to sign in with, "uid:0", or "start" */
    int64_t created_us, ended_us;       /* ended_us 0: was not ended */
};

const char *fl_grant_kind_name(uint32_t kind);
bool fl_grant_kind_find(struct fl_span name, uint32_t *ret);
bool fl_grant_lives(const struct fl_grant *grant, int64_t now_us);
/* FL_E_INVAL: support needs a reason and an end. */
int fl_grant_check(const struct fl_grant *grant, struct fl_err *err) FL_MUST_CHECK;

#endif
