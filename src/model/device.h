/* device.h - a device of a tenant, the certificates it may show, and what was counted of it. */
#ifndef FL_MODEL_DEVICE_H
#define FL_MODEL_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/slug.h"

#define FL_SUBJECT_MAX 255u

struct fl_device {
    uint32_t id;     /* 0 before it is stored */
    uint32_t tenant; /* its id */
    char slug[FL_SLUG_MAX + 1];
    char name[FL_NAME_MAX + 1];
    char site[FL_SLUG_MAX + 1]; /* slug of a site of the same tenant */
    char host[FL_HOST_MAX + 1]; /* HOSTNAME it is known by behind relays; "" = its slug */
    bool relay;                 /* the HOSTNAME of its lines chooses among the tenant's devices */
    int64_t created_us;
};

/* FL_E_INVAL: names the field and what would be right. */
int fl_device_check(const struct fl_device *device, struct fl_err *err) FL_MUST_CHECK;

enum fl_certificate_origin {
    FL_CERTIFICATE_ISSUED, /* signed by our own CA */
    FL_CERTIFICATE_PINNED, /* made elsewhere */
};

struct fl_certificate {
    uint32_t id;
    uint32_t tenant;
    char device[FL_SLUG_MAX + 1];
    unsigned char fingerprint[32]; /* SHA-256 of the DER form: the identity */
    char subject[FL_SUBJECT_MAX + 1];
    uint32_t origin; /* enum fl_certificate_origin */
    int64_t not_before_us, not_after_us, created_us;
    int64_t revoked_us; /* 0 = not revoked */
};

/* What is counted of a device, as `ingest` reports it (codec/msg.h, fl_msg_device_stat). */
enum fl_count {
    FL_COUNT_LINES,
    FL_COUNT_BYTES,
    FL_COUNT_UNPARSED,
    FL_COUNT_RAW_KEPT,
    FL_COUNT_REPAIRED,
    FL_COUNT_TRUNCATED,
    FL_COUNT_CLOCK_OFF,
    FL_COUNT_ACCEPTED,
    FL_COUNT_LOST,
    FL_COUNT_DROPPED,
    FL_COUNT_CONNECTS,
    FL_COUNT_GAPS,
    FL_COUNTS
};

/* Sums over all boots of ingest. Live figures (open connections) are not kept. */
struct fl_counters {
    uint32_t tenant;
    char device[FL_SLUG_MAX + 1];
    uint64_t total[FL_COUNTS];
    uint64_t boot;            /* of the report that was last added */
    uint64_t seen[FL_COUNTS]; /* what that boot had counted then */
    int64_t last_us, skew_us, gap_us;
};

/* Name of a counter in JSON and in the database ("lines", "raw_kept"). */
const char *fl_count_name(enum fl_count count);

/*
 * Add a report, which counts from the beginning of ingest's boot: the difference to what was seen
 * of that boot, or all of it when the boot is another one.
 */
void fl_counters_add(struct fl_counters *counters, const struct fl_msg_device_stat *report);

#endif
