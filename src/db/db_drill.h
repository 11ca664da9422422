/*
 * db_drill.h - the control database (db.h): drills with their script, participants, answers and
 * actions. Nothing of a drill is in any other table but its case, which is an exercise.
 */
#ifndef FL_DB_DB_DRILL_H
#define FL_DB_DB_DRILL_H

#include "db/db.h"
#include "model/drill.h"

#define FL_DB_DRILLS_MAX     2000u /* of a tenant */
#define FL_DB_DRILL_TEXT_MAX ((size_t)2 << 20)

/* Fills id and number; checks. FL_E_LIMIT beyond FL_DB_DRILLS_MAX. */
int fl_db_drill_add(struct fl_db *db, struct fl_drill *drill, struct fl_err *err) FL_MUST_CHECK;
int fl_db_drill_get(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_drill *ret,
                    struct fl_err *err) FL_MUST_CHECK;
int fl_db_drill_set(struct fl_db *db, const struct fl_drill *drill, struct fl_err *err)
    FL_MUST_CHECK; /* the whole row; checks */
/* With everything of it. */
int fl_db_drill_remove(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_err *err)
    FL_MUST_CHECK;
/* Newest first. */
int fl_db_drills(struct fl_db *db, uint32_t tenant, struct fl_db_page page,
                 int (*fn)(void *ctx, const struct fl_drill *drill), void *ctx,
                 struct fl_db_list *ret, struct fl_err *err) FL_MUST_CHECK;
/* The one that ended last before this one was made. FL_E_NOENT. */
int fl_db_drill_before(struct fl_db *db, const struct fl_drill *drill, struct fl_drill *ret,
                       struct fl_err *err) FL_MUST_CHECK;

/* Its event and its calculation: kind is "event" or "cost". get appends; FL_E_NOENT: not there. */
int fl_db_drill_text_set(struct fl_db *db, uint32_t drill, const char *kind, struct fl_span json,
                         struct fl_err *err) FL_MUST_CHECK;
int fl_db_drill_text(struct fl_db *db, uint32_t drill, const char *kind, struct fl_buf *ret,
                     struct fl_err *err) FL_MUST_CHECK;

/* Participants and script go, with the answers: for a drill that is planned anew. */
int fl_db_drill_persons_clear(struct fl_db *db, uint32_t drill, struct fl_err *err) FL_MUST_CHECK;
int fl_db_drill_injects_clear(struct fl_db *db, uint32_t drill, struct fl_err *err) FL_MUST_CHECK;

int fl_db_drill_person_add(struct fl_db *db, struct fl_drill_person *person, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_drill_person_set(struct fl_db *db, const struct fl_drill_person *person,
                           struct fl_err *err) FL_MUST_CHECK;
int fl_db_drill_persons(struct fl_db *db, uint32_t drill,
                        int (*fn)(void *ctx, const struct fl_drill_person *person), void *ctx,
                        struct fl_err *err) FL_MUST_CHECK;

int fl_db_drill_inject_add(struct fl_db *db, struct fl_drill_inject *inject, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_drill_inject_set(struct fl_db *db, const struct fl_drill_inject *inject,
                           struct fl_err *err) FL_MUST_CHECK;
int fl_db_drill_injects(struct fl_db *db, uint32_t drill,
                        int (*fn)(void *ctx, const struct fl_drill_inject *inject), void *ctx,
                        struct fl_err *err) FL_MUST_CHECK;

/* FL_E_EXISTS: this person answered this inject already. */
int fl_db_drill_answer_add(struct fl_db *db, struct fl_drill_answer *answer, struct fl_err *err)
    FL_MUST_CHECK;
/* Its grade and note; the rest stays as it is. */
int fl_db_drill_answer_set(struct fl_db *db, const struct fl_drill_answer *answer,
                           struct fl_err *err) FL_MUST_CHECK;
int fl_db_drill_answers(struct fl_db *db, uint32_t drill,
                        int (*fn)(void *ctx, const struct fl_drill_answer *answer), void *ctx,
                        struct fl_err *err) FL_MUST_CHECK;

int fl_db_drill_action_add(struct fl_db *db, struct fl_drill_action *action, struct fl_err *err)
    FL_MUST_CHECK; /* FL_E_LIMIT beyond FL_DRILL_ACTIONS_MAX */
int fl_db_drill_action_get(struct fl_db *db, uint32_t drill, uint32_t id,
                           struct fl_drill_action *ret, struct fl_err *err) FL_MUST_CHECK;
int fl_db_drill_action_set(struct fl_db *db, const struct fl_drill_action *action,
                           struct fl_err *err) FL_MUST_CHECK;
int fl_db_drill_action_remove(struct fl_db *db, uint32_t drill, uint32_t id, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_drill_actions(struct fl_db *db, uint32_t drill,
                        int (*fn)(void *ctx, const struct fl_drill_action *action), void *ctx,
                        struct fl_err *err) FL_MUST_CHECK;

#endif
