/*
 * db_risk.h - the control database (db.h): what events in the world mean for a tenant. One row per
 * tenant and event; how its figures came about stands beside it as JSON.
 *
 * Money is in hundredths of the base currency of the tenant's network (`currency`), times in
 * thousandths of a day (-1: none), probabilities in millionths.
 */
#ifndef FL_DB_DB_RISK_H
#define FL_DB_DB_RISK_H

#include "db/db.h"

#define FL_RISK_WHY_MAX     240u
#define FL_RISK_TEXT_MAX    256u
#define FL_RISK_LIST_MAX    1400u
#define FL_RISK_LISTED_MAX  12u
#define FL_RISK_DETAILS_MAX ((size_t)4 << 20)
#define FL_RISK_NONE        INT64_C(-1)

enum fl_risk_state {
    FL_RISK_OPEN,      /* ranked and shown */
    FL_RISK_SMALL,     /* below what the tenant wants to see */
    FL_RISK_UNTOUCHED, /* no site of the network that makes anything is hit */
    FL_RISK_ENDED,     /* withdrawn, or its time is over */
    FL_RISK_STATES
};
const char *fl_risk_state_name(enum fl_risk_state state);

enum fl_risk_verdict { FL_RISK_UNJUDGED, FL_RISK_CONFIRMED, FL_RISK_FALSE };

struct fl_risk {
    uint32_t id, tenant, event;
    uint32_t state;
    bool exercise;
    uint64_t net_version;
    int64_t first_us;    /* the event was first looked at for this tenant */
    int64_t shown_us;    /* first shown; 0: never */
    int64_t computed_us; /* the figures below are of then */
    int64_t ends_us;     /* open until then; 0: no end known */
    /* of the event, for lists */
    char event_type[32], title[FL_RISK_TEXT_MAX], place[FL_RISK_TEXT_MAX], severity[24], source[64];
    bool verified;
    int64_t from_us, until_us;
    /* what it costs */
    char currency[4];
    int64_t net_loss_cents;  /* expected: what it is ranked by */
    int64_t potential_cents; /* revenue lost if all sites are hit, at worst */
    int64_t confirmed_cents; /* revenue behind what suppliers confirmed */
    int64_t probability_ppm; /* that any site is hit */
    uint32_t sites, parts, sole_parts, products;
    char product_list[FL_RISK_LIST_MAX]; /* "id TAB name LF", those that lose most */
    bool placed;                         /* the event has one point */
    int64_t lat_e6, lon_e6;
    char first_product[64], first_name[FL_RISK_TEXT_MAX]; /* what stops first; "": nothing */
    int64_t tts_mdays, ttr_mdays;
    char why[FL_RISK_WHY_MAX];
    char failure[FL_RISK_WHY_MAX]; /* it could not be calculated; "" */
    /* what people say */
    int64_t muted_us; /* until then; 0: not */
    char mute_reason[FL_RISK_TEXT_MAX], mute_by[128];
    int64_t mute_ppm; /* above this probability it is shown all the same */
    uint32_t verdict;
    int64_t verdict_us;
    char verdict_by[128];
    uint32_t case_id; /* db_case.h; 0: none */
};
bool fl_risk_muted(const struct fl_risk *risk, int64_t now_us);

struct fl_risk_note {
    uint32_t id, risk;
    int64_t at_us;
    char what[24]; /* "shown", "changed", "muted", "unmuted", "confirmed", "false", "ended", ... */
    char who[128];
    char text[FL_RISK_TEXT_MAX];
};

/* FL_E_NOENT: there is none. */
int fl_db_risk_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_risk *ret,
                   struct fl_err *err) FL_MUST_CHECK;
int fl_db_risk_of(struct fl_db *db, uint32_t tenant, uint32_t event, struct fl_risk *ret,
                  struct fl_err *err) FL_MUST_CHECK;
/* A new row (id 0: it is filled), or this one again. */
int fl_db_risk_put(struct fl_db *db, struct fl_risk *risk, struct fl_err *err) FL_MUST_CHECK;
/* The case whose word counts (0: none), where something was said just now: what is confirmed is to
 * be calculated again. A case that is over counts as long as no other was opened. */
int fl_db_risk_case_set(struct fl_db *db, uint32_t tenant, uint32_t id, uint32_t case_id,
                        struct fl_err *err) FL_MUST_CHECK;
/* Counts up with each of those; 0 where there is no such risk. */
int fl_db_risk_case_turn(struct fl_db *db, uint32_t tenant, uint32_t event, uint64_t *ret,
                         struct fl_err *err) FL_MUST_CHECK;
/* What was said up to this turn is in its figures. */
int fl_db_risk_case_done(struct fl_db *db, uint32_t tenant, uint32_t event, uint64_t turn,
                         struct fl_err *err) FL_MUST_CHECK;
/* Events of risks of which something was said since; at most `limit`. */
int fl_db_risks_said(struct fl_db *db, uint32_t tenant, uint32_t limit,
                     int (*fn)(void *ctx, uint32_t event), void *ctx, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_risk_details_set(struct fl_db *db, uint32_t id, struct fl_span json, struct fl_err *err)
    FL_MUST_CHECK;
/* FL_E_NOENT: nothing was calculated yet. */
int fl_db_risk_details(struct fl_db *db, uint32_t id, struct fl_buf *ret, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_risk_note(struct fl_db *db, const struct fl_risk_note *note, struct fl_err *err)
    FL_MUST_CHECK;
/* Oldest first, the newest 200. */
int fl_db_risk_notes(struct fl_db *db, uint32_t risk,
                     int (*fn)(void *ctx, const struct fl_risk_note *note), void *ctx,
                     struct fl_err *err) FL_MUST_CHECK;

enum fl_risk_pick {
    FL_RISKS_OPEN,  /* shown: open and not muted */
    FL_RISKS_MUTED, /* open, but muted */
    FL_RISKS_SMALL,
    FL_RISKS_UNTOUCHED,
    FL_RISKS_ENDED,
    FL_RISKS_ALL,
    FL_RISKS_PICKS
};
const char *fl_risk_pick_name(enum fl_risk_pick pick);

/* By net loss, falling; the cursor is "cents.id". */
int fl_db_risks(struct fl_db *db, uint32_t tenant, enum fl_risk_pick pick, int64_t now_us,
                struct fl_db_page page, int (*fn)(void *ctx, const struct fl_risk *risk), void *ctx,
                struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;
/* How many stand before this one among those that are shown. */
int fl_db_risk_rank(struct fl_db *db, const struct fl_risk *risk, int64_t now_us, uint64_t *ret,
                    struct fl_err *err) FL_MUST_CHECK;

struct fl_risk_counts {
    uint64_t received; /* first looked at since `since_us` */
    uint64_t open, untouched, small, muted;
};
int fl_db_risk_counts(struct fl_db *db, uint32_t tenant, int64_t since_us, int64_t now_us,
                      struct fl_risk_counts *ret, struct fl_err *err) FL_MUST_CHECK;

struct fl_risk_week {
    int64_t from_us;                    /* Monday, 00:00 UTC */
    uint64_t confirmed, refuted, total; /* of those that were first shown in this week */
};
/* The last `weeks` weeks up to now, oldest first; exercises do not count. */
int fl_db_risk_precision(struct fl_db *db, uint32_t tenant, int64_t now_us, unsigned weeks,
                         struct fl_risk_week *ret, struct fl_err *err) FL_MUST_CHECK;

/* Those whose time is over end: at most `limit` of them; fn is called for each. */
int fl_db_risks_expire(struct fl_db *db, int64_t now_us, uint32_t limit,
                       int (*fn)(void *ctx, const struct fl_risk *risk), void *ctx,
                       struct fl_err *err) FL_MUST_CHECK;
/* Events whose figures are of another version of the network, or that changed since, or do not
 * stand any more: fn(event); at most `limit`. */
int fl_db_risks_stale(struct fl_db *db, uint32_t tenant, uint64_t net_version, uint32_t after_event,
                      uint32_t limit, int (*fn)(void *ctx, uint32_t event), void *ctx,
                      struct fl_err *err) FL_MUST_CHECK;
/* Ended rows that nobody judged, older than this, go. */
int fl_db_risks_forget(struct fl_db *db, int64_t before_us, struct fl_err *err) FL_MUST_CHECK;

#define FL_RISK_SMALL_PRESET INT64_C(100000) /* 1,000.00 */
int fl_db_risk_small(struct fl_db *db, uint32_t tenant, int64_t *ret_cents, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_risk_small_set(struct fl_db *db, uint32_t tenant, int64_t cents, struct fl_err *err)
    FL_MUST_CHECK;

#define FL_RISK_ALARM_PRESET INT64_C(10000000) /* 100,000.00 */
#define FL_RISK_ALARM_NEVER  INT64_C(-1)
/* The net loss from which a risk is an alarm; FL_RISK_ALARM_NEVER. */
int fl_db_risk_alarm(struct fl_db *db, uint32_t tenant, int64_t *ret_cents, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_risk_alarm_set(struct fl_db *db, uint32_t tenant, int64_t cents, struct fl_err *err)
    FL_MUST_CHECK;
/* Risks that lose as much: open, not muted, not judged false, no exercises; worst first. */
int fl_db_risks_alarming(struct fl_db *db, uint32_t tenant, int64_t cents, int64_t now_us,
                         uint32_t limit, int (*fn)(void *ctx, const struct fl_risk *risk),
                         void *ctx, struct fl_err *err) FL_MUST_CHECK;

#endif
