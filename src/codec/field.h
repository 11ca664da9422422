/*
 * field.h - the columns of a log row: one table row per field.
 *
 * Parsers fill these fields, the store keeps one column per field, the filter
 * language and every output name them by this table. Numbers are part of the
 * stored format (FORMAT.md): append only, never reorder, never reuse.
 * Names follow the Elastic Common Schema where it has a name; ours start with "fairlead.".
 */
#ifndef FL_CODEC_FIELD_H
#define FL_CODEC_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum fl_field {
    /* the row itself */
    FL_F_RECEIVED, /* when the line was read here */
    FL_F_TIME,     /* the device's own time; the time of receipt where it gave none */
    FL_F_SEQ,      /* number within tenant and day of receipt, from 1, given at acceptance */
    FL_F_FLAGS,    /* enum fl_row_flag */
    FL_F_SITE,     /* site the device stood at when the line came */
    FL_F_DEVICE,   /* device by its certificate (or listener), not by text in the line */
    FL_F_FORMAT,   /* parser that understood the line: junos, rtflow, cef, fortigate, syslog */
    FL_F_VENDOR,   /* CEF device vendor */
    FL_F_PRODUCT,  /* CEF device product */
    FL_F_PRI,      /* syslog PRI, 0..191 */
    FL_F_HOST,     /* HOSTNAME as the line says it */
    FL_F_PROGRAM,  /* APP-NAME / TAG: RT_FLOW, rpd */
    FL_F_PROCID,   /* PROCID */
    FL_F_TAG,      /* MSGID: RT_FLOW_SESSION_CLOSE, APPTRACK_...; CEF signature id */
    FL_F_ACTION,   /* created closed updated denied blocked permitted ... (codec/junos.c) */
    /* the flow */
    FL_F_SRC_IP,
    FL_F_SRC_PORT,
    FL_F_DST_IP,
    FL_F_DST_PORT,
    FL_F_SRC_NAT_IP,
    FL_F_SRC_NAT_PORT,
    FL_F_DST_NAT_IP,
    FL_F_DST_NAT_PORT,
    FL_F_PROTO,     /* IANA protocol number */
    FL_F_SERVICE,   /* junos-https */
    FL_F_APP,       /* derived: nested application, else application, else service */
    FL_F_APP_OUTER, /* "application" as the line says it */
    FL_F_APP_NESTED,
    FL_F_CATEGORY, /* of the application: the device's word first, the shipped table second */
    FL_F_USER,     /* username, else derived: source address */
    FL_F_ROLES,
    FL_F_SESSION, /* session-id, session-id-32 */
    FL_F_POLICY,
    FL_F_SRC_ZONE,
    FL_F_DST_ZONE,
    FL_F_IN_IF,
    FL_F_OUT_IF,
    FL_F_REASON,
    FL_F_DURATION,  /* seconds, as the line says it */
    FL_F_START,     /* derived: time - duration on a close */
    FL_F_OUT_BYTES, /* client to server, as the line says it: cumulative over the session */
    FL_F_OUT_PACKETS,
    FL_F_IN_BYTES, /* server to client, cumulative */
    FL_F_IN_PACKETS,
    /* what this row adds (derived by logs/session.c; absent where no baseline is known) */
    FL_F_BYTES, /* both directions; what sums, "bytes>1M" and rollups use */
    FL_F_BYTES_UP,
    FL_F_BYTES_DOWN,
    FL_F_PACKETS,
    FL_F_SECONDS,  /* session time that this row adds */
    FL_F_SESSIONS, /* 1 on the row that counts its session, else absent */
    /* the web */
    FL_F_URL, /* as the line says it; often only a host */
    FL_F_URL_PATH,
    FL_F_HOSTNAME, /* derived: host part of the URL, or http-host */
    FL_F_DOMAIN,   /* derived: registrable domain (public suffix list) */
    FL_F_URL_CATEGORY,
    /* threats */
    FL_F_THREAT,   /* attack-name, virus or malware name */
    FL_F_SEVERITY, /* the device's word: HIGH, CRITICAL, 7 */
    FL_F_VERDICT,  /* the device's action word: DROP, BLOCK */
    FL_F_FILE,
    FL_F_FILE_SHA256,
    /* the path */
    FL_F_INSTANCE, /* routing-instance */
    FL_F_SLA_RULE,
    FL_F_PROFILE,
    FL_F_RULE,
    FL_F_RTT_US,
    FL_F_JITTER_US, /* rtt-jitter */
    FL_F_LOSS_PCT,
    FL_F_VIOLATION, /* violation-reason; 0 is over */
    /* the text */
    FL_F_MESSAGE, /* free text behind the structured part */
    FL_F_EXTRA,   /* values of parameters without a column, see codec/shape.h */
    FL_F_SHAPE,   /* how to rebuild the line, see codec/shape.h */
    FL_F_RAW,     /* the line as received, only where it cannot be rebuilt */
    FL_FIELD_COUNT
};

enum fl_type {
    FL_T_NUM,  /* unsigned 64 bits */
    FL_T_TIME, /* signed 64 bits, microseconds since 1970 UTC, carried in the unsigned */
    FL_T_STR,  /* bytes, usually UTF-8, at most FL_STR_MAX */
    FL_T_IP    /* 16 bytes: IPv6, or IPv4 mapped (::ffff:a.b.c.d) */
};

#define FL_STR_MAX ((size_t)1 << 16) /* bytes; a longer value stays in FL_F_RAW */

enum fl_row_flag {
    FL_ROW_UNPARSED = 1 << 0,    /* kept whole; no parser understood it */
    FL_ROW_RAW_KEPT = 1 << 1,    /* parsed, but the line could not be rebuilt and is kept whole */
    FL_ROW_NO_TIME = 1 << 2,     /* the line has no usable time; FL_F_TIME is the time of receipt */
    FL_ROW_CLOCK_OFF = 1 << 3,   /* device time more than a day from receipt */
    FL_ROW_FAR_END = 1 << 4,     /* the other site's copy of a session; not in sums */
    FL_ROW_NO_BASELINE = 1 << 5, /* cumulative counters without a known start; not in sums */
    FL_ROW_COPY = 1 << 6,        /* second report of a session already counted; not in sums */
    FL_ROW_RELAYED = 1 << 7,     /* device chosen by HOSTNAME behind a relay certificate */
    FL_ROW_WEAK = 1 << 8,        /* came over a listener without client certificates */
    FL_ROW_FRAMING = 1 << 9,     /* the octet count around it was wrong, missing or split */
    FL_ROW_TRUNCATED = 1 << 10,  /* the line was over the limit and is cut */
    FL_ROW_YEAR_GUESSED = 1 << 11 /* RFC 3164: no year in the line */
};

struct fl_field_info {
    const char *ecs;   /* name at the edges: "source.ip" */
    const char *alias; /* short name in filters and tables: "src"; NULL = none */
    enum fl_type type;
    const char *unit; /* "bytes", "us", "s" or "" */
    bool bloom;       /* sealed blocks carry a bloom filter for it */
    bool personal;    /* may identify a person (privacy catalogue, erasure) */
    const char *text; /* one line of help */
};

extern const struct fl_field_info fl_fields[FL_FIELD_COUNT];

static inline bool fl_field_is_str(enum fl_field f)
{
    return fl_fields[f].type == FL_T_STR || fl_fields[f].type == FL_T_IP;
}

/* By ECS name or alias; FL_FIELD_COUNT when unknown. */
enum fl_field fl_field_find(struct fl_span name);

/* Names of the bits of enum fl_row_flag, lowest first, NULL-terminated: "unparsed", ... */
extern const char *const fl_row_flag_names[];

/* A set of fields. */
struct fl_fieldset {
    uint64_t bits[2];
};
_Static_assert(FL_FIELD_COUNT <= 128, "fl_fieldset has two words");

static inline void fl_fieldset_add(struct fl_fieldset *set, enum fl_field f)
{
    set->bits[f / 64] |= UINT64_C(1) << (f % 64);
}

static inline void fl_fieldset_drop(struct fl_fieldset *set, enum fl_field f)
{
    set->bits[f / 64] &= ~(UINT64_C(1) << (f % 64));
}

static inline bool fl_fieldset_has(const struct fl_fieldset *set, enum fl_field f)
{
    return (set->bits[f / 64] >> (f % 64) & 1) != 0;
}

struct fl_fieldset fl_fieldset_all(void);

#endif
