/* session_oracle.h - logs/session.c as it was when it looked at one row at a time and each tenant
 * had a table of its own: what the columns are compared with. */
#ifndef FL_TESTS_SESSION_ORACLE_H
#define FL_TESTS_SESSION_ORACLE_H

#include "logs/session.h"

struct or_sessions;

int or_sessions_new(uint32_t max, struct or_sessions **ret, struct fl_err *err);
void or_sessions_free(struct or_sessions *s);
void or_sessions_row(struct or_sessions *s, struct fl_event *ev, int64_t accepted_us);
void or_sessions_stats(const struct or_sessions *s, struct fl_sessions_stats *ret);
void or_sessions_save(const struct or_sessions *s, struct fl_buf *out);

#endif
