/*
 * db_score.h - the control database (db.h): scores day by day, and the weights that a tenant has
 * set. Scores are in thousandths; FL_DB_SCORE_NONE: too little was known.
 */
#ifndef FL_DB_DB_SCORE_H
#define FL_DB_DB_SCORE_H

#include "db/db.h"

#define FL_DB_SCORE_NONE     INT64_C(-1)
#define FL_DB_SCORE_RULE_MAX 2048u
#define FL_DB_SCORE_DAYS     400 /* then rows go */

struct fl_db_score {
    uint32_t kind;
    const char *id;
    int32_t day; /* since 1970-01-01 */
    int64_t score_milli, high_milli;
};

/* The row of its day again, or a new one. */
int fl_db_score_put(struct fl_db *db, uint32_t tenant, const struct fl_db_score *score,
                    struct fl_err *err) FL_MUST_CHECK;
/* Of one thing, from that day on, oldest first. fn's row lives until it returns. */
int fl_db_scores(struct fl_db *db, uint32_t tenant, uint32_t kind, const char *id, int32_t from_day,
                 int (*fn)(void *ctx, const struct fl_db_score *score), void *ctx,
                 struct fl_err *err) FL_MUST_CHECK;
int fl_db_scores_forget(struct fl_db *db, uint32_t tenant, int32_t before_day, struct fl_err *err)
    FL_MUST_CHECK;

struct fl_db_score_state {
    char rule[FL_DB_SCORE_RULE_MAX + 1]; /* JSON; "": nothing was set */
    int32_t day;                         /* of the last rows; 0: none yet */
    uint64_t net_version;
};
int fl_db_score_state(struct fl_db *db, uint32_t tenant, struct fl_db_score_state *ret,
                      struct fl_err *err) FL_MUST_CHECK;
int fl_db_score_state_set(struct fl_db *db, uint32_t tenant, const struct fl_db_score_state *state,
                          struct fl_err *err) FL_MUST_CHECK;

#endif
