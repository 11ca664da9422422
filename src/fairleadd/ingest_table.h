/*
 * ingest_table.h - who may send: tenants, devices, their certificates, as core told it last.
 *
 * Core sends the whole table (TABLE_BEGIN, TENANT, DEVICE, TENANT_CA, TABLE_END); it is collected
 * apart and takes the old one's place in one step, or not at all. Devices and tenants are objects
 * that outlive tables: their counters go on, and who holds one (a connection) keeps it by a
 * reference. One thread; no I/O.
 */
#ifndef FL_FAIRLEADD_INGEST_TABLE_H
#define FL_FAIRLEADD_INGEST_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "codec/event.h"
#include "codec/msg.h"
#include "io/tls.h"

#define FL_INGEST_TENANTS_MAX    65536u
#define FL_INGEST_DEVICES_MAX    (1u << 18) /* entries: a device counts once per certificate */
#define FL_INGEST_MADE_MAX       16384u     /* devices of a tenant known by its authority alone */
#define FL_INGEST_CAS_MAX        4u         /* authorities of a tenant */
#define FL_INGEST_FAR_TEXT_BYTES 512

/* Since this process began; what core adds up (codec/msg.h, struct fl_msg_device_stat). */
struct fl_ingest_counts {
    uint64_t lines, bytes, unparsed, raw_kept, repaired, truncated, clock_off;
    uint64_t accepted, lost, dropped, connects, gaps;
    int64_t last_us; /* 0 = nothing yet */
    int64_t skew_us, gap_us;
    int32_t gap_day; /* UTC day that gap_us belongs to */
};

struct fl_ingest_tenant;

struct fl_ingest_device {
    struct fl_ingest_tenant *tenant; /* referenced */
    char slug[FL_SLUG_MAX + 1], site[FL_SLUG_MAX + 1];
    uint8_t slug_len, site_len;
    char host[256]; /* lower case */
    bool relay;
    bool listed;   /* in the table in force, or made from a certificate of the tenant's authority */
    bool made;     /* "ca-..." or "unknown": not in core's table */
    bool dirty;    /* on the list of devices whose counters have to be sent */
    uint32_t open; /* connections */
    unsigned refs;
    struct fl_ingest_counts n;
    TAILQ_ENTRY(fl_ingest_device) dirty_link;
    TAILQ_ENTRY(fl_ingest_device) made_link;
};
TAILQ_HEAD(fl_ingest_devices, fl_ingest_device);

struct fl_ingest_batch; /* ingest.h */
TAILQ_HEAD(fl_ingest_conns, fl_ingest_conn);

struct fl_ingest_tenant {
    uint32_t id;
    char slug[FL_SLUG_MAX + 1];
    char far_zones[FL_INGEST_FAR_TEXT_BYTES], far_instances[FL_INGEST_FAR_TEXT_BYTES];
    bool listed;
    unsigned refs;
    struct fl_tls_ca *cas[FL_INGEST_CAS_MAX];
    uint64_t ca_hash[FL_INGEST_CAS_MAX]; /* of the PEM, to see whether they changed */
    size_t ca_count;
    uint64_t ca_serial;            /* rises when the authorities change */
    struct fl_ingest_devices made; /* each referenced */
    size_t made_count;
    bool far;                      /* one of the lists has an entry */
    struct fl_ingest_batch *batch; /* rows on their way; NULL = none */
    /* its share of the ring: what is in it, and whether its sockets wait for room */
    size_t ring_bytes;
    bool paused;
    int64_t paused_mono_us;
    struct fl_ingest_conns parked;
};

struct fl_ingest_table;

int fl_ingest_table_new(struct fl_ingest_table **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_ingest_table_free(struct fl_ingest_table *t);

/* The messages, in order; a failure in between spoils the new table until the next begin. */
void fl_ingest_table_begin(struct fl_ingest_table *t);
int fl_ingest_table_tenant(struct fl_ingest_table *t, const struct fl_msg_tenant *msg,
                           struct fl_err *err) FL_MUST_CHECK;
int fl_ingest_table_device(struct fl_ingest_table *t, const struct fl_msg_device *msg,
                           struct fl_err *err) FL_MUST_CHECK;
int fl_ingest_table_ca(struct fl_ingest_table *t, const struct fl_msg_tenant_ca *msg,
                       struct fl_err *err) FL_MUST_CHECK;
/* On failure the old table stays in force. An authority that cannot be read is left out and
 * counted in *ret_bad_cas. */
int fl_ingest_table_commit(struct fl_ingest_table *t, size_t *ret_bad_cas, struct fl_err *err)
    FL_MUST_CHECK;
/* Has any table come yet? */
bool fl_ingest_table_ready(const struct fl_ingest_table *t);

/* The answer to "who is this certificate"; device (borrowed) only with FL_TLS_ADMIT. */
struct fl_ingest_identity {
    enum fl_tls_verdict verdict;
    struct fl_ingest_device *device;
    bool by_ca;         /* known by the tenant's authority, not by its fingerprint */
    uint64_t ca_serial; /* of that authority */
    const char *reason; /* why not, in words */
};
struct fl_ingest_identity fl_ingest_identify(struct fl_ingest_table *t,
                                             const struct fl_tls_cert *cert);
/* Does what was admitted before still stand? NULL, or the reason why not. */
const char *fl_ingest_still(const struct fl_ingest_table *t, const struct fl_ingest_device *device,
                            const unsigned char fingerprint[FL_TLS_FINGERPRINT_BYTES], bool by_ca,
                            uint64_t ca_serial);

/* NULL: no such tenant in the table. */
struct fl_ingest_tenant *fl_ingest_tenant_find(const struct fl_ingest_table *t, const char *slug);
/* The tenant's device that is known by this HOSTNAME (case does not matter), or NULL. */
struct fl_ingest_device *fl_ingest_by_host(const struct fl_ingest_table *t,
                                           const struct fl_ingest_tenant *tenant,
                                           struct fl_span host);
/* The tenant's device for lines whose HOSTNAME is nobody's: "unknown". NULL: no memory. */
struct fl_ingest_device *fl_ingest_unknown(struct fl_ingest_tenant *tenant);

void fl_ingest_device_ref(struct fl_ingest_device *device);
void fl_ingest_device_unref(struct fl_ingest_device *device); /* NULL is allowed */
void fl_ingest_tenant_ref(struct fl_ingest_tenant *tenant);
void fl_ingest_tenant_unref(struct fl_ingest_tenant *tenant);

/* Is the row the far site's copy of a session ? A SESSION_CLOSE whose routing
 * instance, or a VOL_UPDATE whose source zone, is in the tenant's list; '*' at the end of an entry
 * stands for anything. */
bool fl_ingest_far_end(const struct fl_ingest_tenant *tenant, const struct fl_event *ev);

/* Calls fn for every device of the table in force and every made one. */
void fl_ingest_each_device(struct fl_ingest_table *t,
                           void (*fn)(void *ctx, struct fl_ingest_device *device), void *ctx);

#endif
