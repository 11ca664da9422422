/*
 * supply_session.h - inside api: an import in work. Checking and applying go step by step, one step
 * in each request, so that the loop is held no longer than a piece of 256 KiB takes; the caller
 * asks again until the state says it is done. What is in memory goes when nobody asks for a minute;
 * pieces stay in the database for a day, so that a check can begin anew.
 *
 * Rows are written as one change that nobody sees before its end; another change of the tenant's
 * waits (FL_E_AGAIN).
 */
#ifndef FL_API_SUPPLY_INTAKE_H
#define FL_API_SUPPLY_INTAKE_H

#include "api/supply_own.h"

#define FL_INTAKES_MAX      4u /* of all tenants */
#define FL_INTAKE_IDLE_US   (INT64_C(60) * 1000000)
#define FL_INTAKE_KEY_BYTES ((size_t)192 << 20) /* of keys that are remembered */
#define FL_PROPOSALS_MAX    500u

enum fl_intake_state { FL_INTAKE_CHECKING, FL_INTAKE_CHECKED, FL_INTAKE_APPLYING };

struct fl_proposal {
    char kind[FL_SUPPLY_KIND_MAX + 1];
    char subject[FL_SUPPLY_SUBJECT_MAX + 1];
    char text[240], answer[FL_SUPPLY_ANSWER_MAX + 1]; /* answer "": nobody decided */
    double likeness, lat, lon;                        /* wrong_place: the fix; else NAN */
};

struct fl_intake_file {
    char name[FL_IMPORT_FILE_NAME_MAX + 1];
    uint64_t size, at;
    int table; /* -1: not known; the import's finding says why */
    char headings[65];
};

struct fl_intake_item { /* for comparing; texts in the session's arena */
    struct fl_merge_item *list;
    uint32_t count, room;
};

struct fl_intake {
    struct fl_intake *next;
    struct fl_db *db;
    uint32_t tenant, id;
    enum fl_intake_state state;
    int64_t used_us;
    struct fl_import *imp;
    struct fl_findings findings;
    struct fl_arena arena;
    struct fl_buf piece, cells, before;
    struct fl_intake_file file[FL_IMPORT_FILES_MAX];
    unsigned files, file_now;
    bool file_begun, ended;
    json_t *columns; /* {file: {theirs: ours}} as it was told; may be NULL */
    char layout[FL_SLUG_MAX + 1];
    struct fl_import_wish *wishes; /* of the file in hand */
    unsigned wish_count;
    uint64_t added, changed, same, removed, version;
    uint64_t matched[FL_SUPPLY_TABLES]; /* rows of the files that stand already */
    bool in_files[FL_SUPPLY_TABLES], own_suppliers, replace;
    struct fl_intake_item suppliers, sites;
    struct fl_proposal *proposals; /* FL_PROPOSALS_MAX */
    unsigned proposal_count;
    uint64_t proposals_all;
    struct fl_intake_decision {    /* that stand, in order of their names */
        const char *name, *answer; /* "kind subject" */
    } * decisions;
    uint32_t decision_count, decision_room;
    /* applying */
    struct fl_db_supply_change change;
    unsigned drop_table;
    char drop_after[FL_SUPPLY_KEY_MAX + 1];
    unsigned left_table; /* of those that are not replaced: do their references still hold? */
    char left_after[FL_SUPPLY_KEY_MAX + 1];
};

/* The session of an import; NULL: there is none in memory. */
struct fl_intake *fl_supply_session_find(struct fl_api *api, uint32_t tenant, uint32_t id);
int fl_intake_new(struct fl_req *req, uint32_t id, struct fl_intake **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_intake_drop(struct fl_api *api, struct fl_intake *s);
/* Is another change of the tenant being made? Then FL_E_AGAIN. */
int fl_intake_free_way(struct fl_api *api, uint32_t tenant, struct fl_err *err) FL_MUST_CHECK;

/* One step. 1: there is more; 0: done. */
int fl_intake_check(struct fl_intake *s, struct fl_err *err) FL_MUST_CHECK;
int fl_intake_apply(struct fl_intake *s, struct fl_err *err) FL_MUST_CHECK;
/* The first step of applying: the change in s->change is begun by the caller. */
int fl_intake_apply_begin(struct fl_intake *s, struct fl_err *err) FL_MUST_CHECK;

/* OMTS files among those of the import become files of tables (supply_omts.c). */
int fl_intake_omts(struct fl_req *req, const struct fl_db_supply_import *import, struct fl_err *err)
    FL_MUST_CHECK;

/* supply_propose.c: what may be the same, what stands in the wrong place. */
int fl_propose_row(struct fl_intake *s, const struct fl_supply_row *row, uint32_t line,
                   struct fl_err *err) FL_MUST_CHECK;
/* The decisions that stand, for the two below. */
int fl_propose_begin(struct fl_intake *s, struct fl_err *err) FL_MUST_CHECK;
int fl_propose_end(struct fl_intake *s, struct fl_err *err) FL_MUST_CHECK;
/* Put right what somebody decided about this row. */
int fl_propose_fix(struct fl_intake *s, struct fl_supply_row *row, struct fl_arena *arena,
                   struct fl_err *err) FL_MUST_CHECK;

#endif
