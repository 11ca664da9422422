/*
 * alarm.h - alarms: what is wrong, with what, since when, who looks after it (after RFC 8632).
 *
 * An alarm is known by its kind and its object within a tenant (0: the instance): the same trouble
 * is one alarm however often it is seen. It is raised, changes its severity, is cleared by the
 * program alone; apart from that an operator acknowledges it, takes it over, mutes it until a time
 * (RFC 8632: shelving). Each change is an event in its history. One that comes back within
 * FL_ALARM_BACK_US is the same alarm again. Pure: the clock is handed in.
 */
#ifndef FL_MODEL_ALARM_H
#define FL_MODEL_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "model/slug.h"

#define FL_ALARM_TEXT_MAX   400u
#define FL_ALARM_WHERE_MAX  400u
#define FL_ALARM_REASON_MAX 200u
#define FL_ALARM_OWNER_MAX  127u
#define FL_ALARM_OBJECT_MAX 127u
#define FL_ALARM_BACK_US    (INT64_C(3600) * 1000000)
#define FL_ALARM_KEEP_US    (INT64_C(365) * 86400 * 1000000) /* cleared ones, with their history */
#define FL_ALARM_MUTE_US    (INT64_C(90) * 86400 * 1000000)  /* longest */

enum fl_severity {
    FL_SEVERITY_CRITICAL,
    FL_SEVERITY_MAJOR,
    FL_SEVERITY_MINOR,
    FL_SEVERITY_WARNING,
    FL_SEVERITIES
};
const char *fl_severity_name(enum fl_severity severity);
/* FL_SEVERITIES: no such word. */
enum fl_severity fl_severity_find(struct fl_span name);

/* Stored by name; the table in alarm.c has severity, times and words of each. */
enum fl_alarm_kind {
    FL_ALARM_SILENT,      /* a device sends nothing, longer than it is used to */
    FL_ALARM_LAG,         /* lines wait to be stored */
    FL_ALARM_SKEW,        /* a device's clock is off */
    FL_ALARM_UNPARSED,    /* too many lines that no parser understands */
    FL_ALARM_DROPPED,     /* datagrams or lines in flight were lost */
    FL_ALARM_CERTIFICATE, /* a device's certificate ends soon, or has ended */
    FL_ALARM_CA,          /* the tenant's own authority ends soon, or has ended */
    FL_ALARM_REFUSED,     /* a known certificate was refused: revoked, expired */
    FL_ALARM_ROGUE,       /* peers that nobody knows knock */
    FL_ALARM_QUOTA,       /* the tenant's quota is nearly used up */
    FL_ALARM_TAKEN,       /* days were destroyed for the quota or a full disk */
    FL_ALARM_ROLE,        /* a process of the program is away, or was restarted */
    FL_ALARM_DISK,        /* little room */
    FL_ALARM_DAMAGE,      /* blocks that do not open */
    FL_ALARM_SEARCH,      /* a saved search passed its threshold */
    FL_ALARM_SEARCH_DEAD, /* a saved search cannot run */
    FL_ALARM_SUPPLY_RISK, /* an event in the world is expected to cost as much as was set */
    FL_ALARM_KINDS
};

struct fl_alarm_row {
    const char *name;   /* "silent" */
    const char *object; /* "device", "tenant", "role", ... */
    const char *text;   /* what to do about it */
    uint32_t raise_s;   /* the condition must hold so long */
    uint32_t clear_s;   /* ... and be gone so long */
};
extern const struct fl_alarm_row fl_alarm_rows[FL_ALARM_KINDS];
/* FL_ALARM_KINDS: no such word. */
enum fl_alarm_kind fl_alarm_find(struct fl_span name);

/* A condition that holds at this moment. Spans of text end with their arrays. */
struct fl_fact {
    uint32_t tenant;
    enum fl_alarm_kind kind;
    enum fl_severity severity;
    char object[FL_ALARM_OBJECT_MAX + 1]; /* id of what it is about, within the tenant */
    char name[FL_NAME_MAX + 1];           /* for people */
    char site[FL_SLUG_MAX + 1];           /* slug, or "" */
    char title[FL_ALARM_TEXT_MAX + 1];    /* one line, with figures */
    char where[FL_ALARM_WHERE_MAX + 1];   /* filter of the lines behind it, or "" */
};

struct fl_alarm {
    uint32_t id;
    uint32_t tenant; /* 0: the instance */
    char kind[FL_SLUG_MAX + 1];
    uint32_t severity;
    char object[FL_ALARM_OBJECT_MAX + 1];
    char name[FL_NAME_MAX + 1];
    char site[FL_SLUG_MAX + 1];
    char title[FL_ALARM_TEXT_MAX + 1];
    char where_text[FL_ALARM_WHERE_MAX + 1];
    int64_t since_us, last_us;
    int64_t cleared_us; /* 0: it stands */
    uint32_t raises;    /* how often */
    char owner[FL_ALARM_OWNER_MAX + 1];
    int64_t acked_us; /* 0: nobody has */
    char acked_by[FL_ALARM_OWNER_MAX + 1];
    int64_t muted_us; /* until then; 0: not */
    char mute_reason[FL_ALARM_REASON_MAX + 1];
};

struct fl_alarm_event {
    uint32_t id;
    uint32_t alarm, tenant;
    int64_t at_us;
    char what[FL_SLUG_MAX + 1]; /* raised, severity, cleared, acknowledged, assigned, muted, ... */
    uint32_t severity;
    char who[FL_ALARM_OWNER_MAX + 1]; /* "" : the program */
    char text[FL_ALARM_TEXT_MAX + 1];
};

/* What an operator may set. FL_E_INVAL: a mute without its reason, beyond its longest, or past. */
int fl_alarm_check(const struct fl_alarm *alarm, int64_t now_us, struct fl_err *err) FL_MUST_CHECK;

/* ---- words and grades ---- */

/* "90 s", "17 min", "5 h", "3 days". */
#define FL_ALARM_SPAN_BYTES 32
void fl_alarm_span_text(int64_t us, char text[FL_ALARM_SPAN_BYTES]);
/* Of what ends: it has ended: major; within a week: minor; within 30 days: warning. False: later.
 */
bool fl_alarm_grade_end(int64_t left_us, enum fl_severity *ret);

/* ---- what counts as silent ---- */

#define FL_ALARM_SILENT_MIN 15u /* minutes, where a tenant chose none */
#define FL_ALARM_SILENT_MAX 1440u
#define FL_ALARM_SLOTS      288u /* of five minutes: a day */

/*
 * How long a device may be quiet before it is silent: at least `minutes`, and half again as long as
 * the second longest quiet stretch of the last day (the longest may have been an outage). slots:
 * lines in five minutes each, oldest first; with less than six hours known, gap_us (the longest gap
 * that was counted) stands in, up to six hours.
 */
int64_t fl_alarm_silent_us(uint32_t minutes, const uint32_t *slots, uint32_t known, int64_t gap_us);

#endif
