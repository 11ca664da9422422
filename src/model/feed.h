/*
 * feed.h - where events in the world are heard from: one row per feed, set by the operator of the
 * instance, the same for all tenants. And what may be set. Pure.
 */
#ifndef FL_MODEL_FEED_H
#define FL_MODEL_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/url.h"
#include "model/slug.h"

#define FL_FEEDS_MAX        500u
#define FL_FEED_EVERY_MIN_S 60u
#define FL_FEED_EVERY_MAX_S (7u * 86400u)
#define FL_FEED_COLUMNS_MAX 2000u
#define FL_FEED_PROBLEM_MAX 400u

/* The table is model/feed.c's; outbound has a reader for each. */
struct fl_feed_kind {
    const char *name;  /* "usgs" */
    const char *about; /* one line, for people */
};
extern const struct fl_feed_kind fl_feed_kinds[];
extern const unsigned fl_feed_kinds_count;
bool fl_feed_kind_is(struct fl_span name);

struct fl_feed {
    uint32_t id;
    char slug[FL_SLUG_MAX + 1];
    char name[FL_NAME_MAX + 1];
    char kind[FL_SLUG_MAX + 1];
    char url[FL_URL_MAX + 1];
    bool plain;                            /* http is meant */
    bool enabled;                          /* off: no connection is made */
    uint32_t every_s;                      /* between two looks that went well */
    char columns[FL_FEED_COLUMNS_MAX + 1]; /* of lists: "ours=theirs", a line each */
    int64_t created_us;
    /* What was found out; not set by people. */
    char host[FL_HOST_LEN + 1]; /* of url: all feeds of a host keep its distance */
    char etag[FL_MSG_TEXT_MAX + 1], modified[FL_SLUG_MAX + 1];
    int64_t last_us, ok_us, next_us; /* 0: never, never, at once */
    int64_t failing_us;              /* since when; 0: it goes well */
    uint32_t failures;               /* in a row */
    uint32_t status;                 /* of HTTP, the last */
    char problem[FL_FEED_PROBLEM_MAX + 1];
    uint64_t runs, unchanged, events, changes, refused, bytes; /* over all time */
};

/* Fills host from url. FL_E_INVAL names the field and what would be right. */
int fl_feed_check(struct fl_feed *feed, struct fl_err *err) FL_MUST_CHECK;

/*
 * When to look again. Going well: after every_s, or what the server asks for, whichever is later.
 * Failing: every_s doubled for each failure, at least a minute, at most 6 hours. Either is spread
 * by a tenth (chance: 0 to UINT32_MAX), so that feeds do not come together. retry_s at most a day.
 */
int64_t fl_feed_next_us(const struct fl_feed *feed, uint32_t retry_s, uint32_t chance,
                        int64_t now_us);

#endif
