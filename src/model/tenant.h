/*
 * tenant.h - a tenant: whose devices send, how long its logs are kept, how much of them.
 *
 * `id` is given once and never used again, also not after the tenant was removed: keys and
 * capabilities name it.
 */
#ifndef FL_MODEL_TENANT_H
#define FL_MODEL_TENANT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/slug.h"

#define FL_KEEP_DAYS_MIN      1u
#define FL_KEEP_DAYS_MAX      30u
#define FL_SILENT_MINUTES_MAX 1440u
#define FL_QUOTA_BYTES_MIN    (UINT64_C(1) << 20)
#define FL_QUOTA_BYTES_MAX    (UINT64_C(1) << 50)

struct fl_tenant {
    uint32_t id; /* 0 before it is stored */
    char slug[FL_SLUG_MAX + 1];
    char name[FL_NAME_MAX + 1];
    uint32_t keep_days;
    uint64_t quota_bytes;                /* 0 = none */
    bool demo;                           /* the demonstration tenant */
    char far_zones[FL_LIST_MAX + 1];     /* comma lists: what marks the far end's copy of a */
    char far_instances[FL_LIST_MAX + 1]; /* session, so that it is not counted twice */
    int64_t created_us;
    uint32_t silent_minutes; /* a device that sends nothing for so long is silent; 0: the usual */
    int64_t local_access_us; /* end of the local-access grant as last asked of keys; 0 = none */
};

/* FL_E_INVAL: names the field and what would be right. */
int fl_tenant_check(const struct fl_tenant *tenant, struct fl_err *err) FL_MUST_CHECK;

/* A tenant's own certificate authority: devices with certificates of it are the tenant's. */
struct fl_tenant_ca {
    uint32_t tenant;
    char pem[16384];               /* one certificate */
    unsigned char fingerprint[32]; /* SHA-256 of its DER form */
    char subject[256];
    int64_t not_after_us, created_us;
};

#endif
