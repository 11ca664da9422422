/*
 * drills.h - inside api: what the files about drills share.
 *
 * Whoever may run drills of the tenant sees all of one. Everybody else who may read them sees an
 * inject once it is out, and of others' answers only who answered when, until the drill has ended.
 */
#ifndef FL_API_DRILLS_H
#define FL_API_DRILLS_H

#include "api/route.h"
#include "db/db_drill.h"
#include "supply/drill_score.h"

#define FL_DRILL_ARENA_MAX ((size_t)64 << 20)

/* A drill with all that belongs to it, as it stands now. */
struct fl_drill_all {
    struct fl_drill d;
    struct fl_arena arena;
    struct fl_drill_person *persons;
    struct fl_drill_inject *injects;
    struct fl_drill_answer *answers;
    struct fl_drill_action *actions;
    uint32_t person_count, inject_count, answer_count, action_count;
    struct fl_score_of of;
    struct fl_score score;
};

/* FL_E_NOENT. all is made ready; done() in any case. */
int fl_drill_load(struct fl_db *db, uint32_t tenant, uint32_t id, int64_t now_us,
                  struct fl_drill_all *all, struct fl_err *err) FL_MUST_CHECK;
void fl_drill_done(struct fl_drill_all *all); /* fit for FL_AUTO; all zeros is allowed */

/* The drill that the path names, at its second {..}. */
int fl_drill_take(struct fl_req *req, uint32_t *ret, struct fl_err *err) FL_MUST_CHECK;
int fl_drill_take_all(struct fl_req *req, struct fl_drill_all *all, struct fl_err *err)
    FL_MUST_CHECK;
/* As whom the caller takes part; NULL: he does not. */
const struct fl_drill_person *fl_drill_me(const struct fl_req *req, const struct fl_drill_all *all);
/* By number; FL_E_NOENT also for one that the caller may not see yet. */
int fl_drill_find_inject(const struct fl_req *req, const struct fl_drill_all *all, uint32_t number,
                         struct fl_drill_inject **ret, struct fl_err *err) FL_MUST_CHECK;

/* ---- drill_json.c ---- */

void fl_drill_put_head(struct fl_json *json, const struct fl_drill *d, int64_t now_us);
/* Everything that the caller may see, as members of the open object. */
int fl_drill_put_all(struct fl_req *req, const struct fl_drill_all *all, struct fl_err *err)
    FL_MUST_CHECK;
/* Read again and answer with it. */
int fl_drill_answer_with(struct fl_req *req, uint32_t id, int status, struct fl_err *err)
    FL_MUST_CHECK;
void fl_drill_put_action(struct fl_json *json, const struct fl_drill_action *a);

/* ---- drill_cap.c ---- */

/* An inject as an alert of CAP 1.2 (codec/cap.h) whose status is Exercise. */
void fl_drill_cap(const struct fl_drill *d, const struct fl_drill_inject *i, const char *tenant,
                  int64_t now_us, struct fl_buf *out);

/* ---- drill_work.c ---- */

/* Calculate what the event costs, beside the loop; begin: the drill starts then. */
int fl_drill_compute(struct fl_req *req, const struct fl_drill *d, bool begin, struct fl_err *err)
    FL_MUST_CHECK;

/* ---- handlers: api_drills.c ---- */

int fl_api_drill_scripts(struct fl_req *req, struct fl_err *err);
int fl_api_drills(struct fl_req *req, struct fl_err *err);
int fl_api_drill_add(struct fl_req *req, struct fl_err *err);
int fl_api_drill_show(struct fl_req *req, struct fl_err *err);
int fl_api_drill_set(struct fl_req *req, struct fl_err *err);
int fl_api_drill_remove(struct fl_req *req, struct fl_err *err);

/* ---- handlers: api_drill_run.c ---- */

int fl_api_drill_cost(struct fl_req *req, struct fl_err *err);
int fl_api_drill_start(struct fl_req *req, struct fl_err *err);
int fl_api_drill_pause(struct fl_req *req, struct fl_err *err);
int fl_api_drill_end(struct fl_req *req, struct fl_err *err);
int fl_api_drill_join(struct fl_req *req, struct fl_err *err);
int fl_api_drill_inject(struct fl_req *req, struct fl_err *err); /* send it now */
int fl_api_drill_answer(struct fl_req *req, struct fl_err *err);
int fl_api_drill_grade(struct fl_req *req, struct fl_err *err);
int fl_api_drill_action_add(struct fl_req *req, struct fl_err *err);
int fl_api_drill_actions_raise(struct fl_req *req, struct fl_err *err);
int fl_api_drill_action_set(struct fl_req *req, struct fl_err *err);
int fl_api_drill_action_remove(struct fl_req *req, struct fl_err *err);
int fl_api_drill_report(struct fl_req *req, struct fl_err *err);
int fl_api_drill_cap(struct fl_req *req, struct fl_err *err);

#endif
