/*
 * enrich.h - what a row can be told beyond its line: host name, registrable domain, category.
 *
 * The device's word comes first: nothing that a line gave is changed. Tables are shipped with the
 * program (data/app-categories.csv, data/site-apps.csv) and carry a version; the public suffix
 * list is libpsl's, without network.
 */
#ifndef FL_LOGS_ENRICH_H
#define FL_LOGS_ENRICH_H

#include "base/err.h"
#include "codec/event.h"

struct fl_enrich;

/* Knows the public suffix list. One object serves one thread at a time: it remembers host names. */
int fl_enrich_new(struct fl_enrich **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_enrich_free(struct fl_enrich *enrich);
void fl_enrich_freep(struct fl_enrich **enrich);

/*
 * Fill, where absent: FL_F_HOSTNAME (host of FL_F_URL), FL_F_DOMAIN (its registrable domain;
 * addresses and single labels stay as they are), FL_F_CATEGORY (by FL_F_APP; where the application
 * is unknown or only its protocol is known, by the site). New strings are in ev->arena; where that
 * is full, fields stay absent.
 */
void fl_enrich(struct fl_enrich *enrich, struct fl_event *ev);

/* By the shipped table, without case; the empty span when it does not know the application. */
struct fl_span fl_enrich_app_category(struct fl_span app);
/* Version of the tables: the first line of each file. */
const char *fl_enrich_version(void);

#endif
