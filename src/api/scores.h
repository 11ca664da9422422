/*
 * scores.h - inside api: scores of a tenant's network (supply/score.h), kept while nothing that
 * they stand on changes; and their trend, stored once a day and when the network has changed.
 */
#ifndef FL_API_SCORES_H
#define FL_API_SCORES_H

#include "api/work.h"
#include "supply/score.h"

#define FL_SCORES_KEPT_MAX  4u    /* tenants */
#define FL_SCORES_RISKS_MAX 40u   /* events that are known now, the worst */
#define FL_SCORES_STORED    2000u /* of each kind, the worst */

struct fl_score_kept { /* immutable once made; references from threads and the loop */
    struct fl_score_kept *next;
    atomic_uint refs;
    uint32_t tenant;
    uint64_t signature;
    struct fl_work_net *net;
    struct fl_arena arena;
    struct fl_scores *scores;
    struct fl_score_rule rule;
    struct fl_score_facts facts;
    uint32_t *order[FL_SCORE_KINDS];
    uint32_t events; /* known now */
    int64_t computed_us;
};

/* What a question needs on its thread; embedded in the handlers' own, first. */
struct fl_score_ask {
    struct fl_score_rule rule;
    int32_t today_day;
    uint64_t signature;
    struct fl_score_kept *kept; /* a reference, or NULL: it is made by the run */
    struct fl_buf risk[FL_SCORES_RISKS_MAX];
    uint32_t risks;
};

/* On the loop: what is set, what is known. */
int fl_score_ask_init(struct fl_api *api, uint32_t tenant, struct fl_score_ask *ask,
                      struct fl_err *err) FL_MUST_CHECK;
void fl_score_ask_done(struct fl_score_ask *ask);
/* On the thread: ask->kept is there afterwards. */
int fl_score_ask_run(const struct fl_work_in *in, struct fl_score_ask *ask, struct fl_err *err)
    FL_MUST_CHECK;
/* On the loop, after it: kept for the next question. */
void fl_score_ask_keep(struct fl_api *api, struct fl_score_ask *ask);

/* The tenant's weights and stages from its settings' JSON; "" gives the preset. */
int fl_score_rule_read(const char *json, struct fl_score_rule *ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_score_rule_write(struct fl_json *json, const struct fl_score_rule *rule);

void fl_api_scores_tick(struct fl_api *api); /* about every second */
void fl_api_scores_free(struct fl_api *api);

int fl_api_scores(struct fl_req *req, struct fl_err *err);
int fl_api_score_show(struct fl_req *req, struct fl_err *err);
int fl_api_score_draft(struct fl_req *req, struct fl_err *err);
int fl_api_score_settings(struct fl_req *req, struct fl_err *err);
int fl_api_score_settings_set(struct fl_req *req, struct fl_err *err);

#endif
