/*
 * db_supply.h - the control database (db.h): a tenant's network of supply as rows with their
 * history, changes, decisions, layouts of files, and imports that are being put together.
 *
 * Everything that changes rows is a change with a number, 1 and up per tenant; a change is made row
 * by row, over several transactions if need be, and becomes visible to readers at once with
 * fl_db_supply_publish(). One is made at a time per tenant. What a crash left of one is taken back
 * when the next begins (fl_db_supply_begin() answers FL_E_AGAIN until that is done).
 *
 * Readers say a version (0: the newest): what the network was after that change.
 */
#ifndef FL_DB_DB_SUPPLY_H
#define FL_DB_DB_SUPPLY_H

#include "db/db.h"
#include "model/supply.h"

#define FL_SUPPLY_TITLE_MAX     255u
#define FL_SUPPLY_KIND_MAX      15u
#define FL_SUPPLY_WHO_MAX       (2 * FL_SLUG_MAX + 1)
#define FL_SUPPLY_SUBJECT_MAX   (2 * FL_SUPPLY_KEY_MAX + 1)
#define FL_SUPPLY_ANSWER_MAX    255u
#define FL_SUPPLY_DECISIONS_MAX 10000u /* of a tenant that stand */
#define FL_SUPPLY_LAYOUTS_MAX   200u
#define FL_SUPPLY_MAP_MAX       8192u
#define FL_SUPPLY_IMPORTS_MAX   8u /* of a tenant at a time */
#define FL_SUPPLY_IMPORT_BYTES  ((uint64_t)512 << 20)
#define FL_SUPPLY_IMPORT_US     (INT64_C(24) * 3600 * 1000000) /* then it is forgotten */

struct fl_db_supply_head {
    uint64_t version; /* of the last change; 0: there was none */
    int64_t changed_us;
    uint64_t rows[FL_SUPPLY_TABLES];
};
int fl_db_supply_head(struct fl_db *db, uint32_t tenant, struct fl_db_supply_head *ret,
                      struct fl_err *err) FL_MUST_CHECK;

/* ---- reading rows ---- */

struct fl_db_supply_row {
    struct fl_span key, cells; /* cells as fl_supply_pack(); both until the callback returns */
    uint64_t since, until;     /* changes; until 0: it stands */
};

/* FL_E_NOENT. cells go to *cells. */
int fl_db_supply_get(struct fl_db *db, uint32_t tenant, enum fl_supply_table table, const char *key,
                     uint64_t version, struct fl_buf *cells, uint64_t *ret_since,
                     struct fl_err *err) FL_MUST_CHECK;
bool fl_db_supply_has(struct fl_db *db, uint32_t tenant, enum fl_supply_table table,
                      struct fl_span key);

struct fl_db_supply_list {
    uint32_t count;
    char next[FL_SUPPLY_KEY_MAX + 1]; /* "": this was the last */
};
/*
 * Rows in order of their keys, behind `after` ("" or NULL: from the first). find ("": all): only
 * those that hold the text, letters without case; then at most FL_SUPPLY_FIND_ROWS are looked at,
 * and `next` goes on behind them. A negative answer of fn ends it.
 */
#define FL_SUPPLY_FIND_ROWS 20000u
int fl_db_supply_rows(struct fl_db *db, uint32_t tenant, enum fl_supply_table table,
                      uint64_t version, const char *after, const char *find, uint32_t limit,
                      int (*fn)(void *ctx, const struct fl_db_supply_row *row), void *ctx,
                      struct fl_db_supply_list *ret, struct fl_err *err) FL_MUST_CHECK;
/* All versions of a row, newest first. */
int fl_db_supply_history(struct fl_db *db, uint32_t tenant, enum fl_supply_table table,
                         const char *key, int (*fn)(void *ctx, const struct fl_db_supply_row *row),
                         void *ctx, struct fl_err *err) FL_MUST_CHECK;
/* How many rows of the table begin their key with "prefix@" (or hold id in another column: not
 * here). For references. */
int fl_db_supply_under(struct fl_db *db, uint32_t tenant, enum fl_supply_table table,
                       const char *prefix, uint64_t *ret, struct fl_err *err) FL_MUST_CHECK;
/* The version that stood at a time; 0: there was nothing yet. */
int fl_db_supply_version_at(struct fl_db *db, uint32_t tenant, int64_t at_us, uint64_t *ret,
                            struct fl_err *err) FL_MUST_CHECK;

/* ---- changes ---- */

struct fl_db_supply_change {
    uint32_t tenant;
    uint64_t number;
    int64_t at_us;
    char who[FL_SUPPLY_WHO_MAX + 1];
    char kind[FL_SUPPLY_KIND_MAX + 1]; /* "import", "edit", "undo", "fix" */
    char title[FL_SUPPLY_TITLE_MAX + 1];
    uint64_t added, changed, removed; /* rows */
    uint64_t undoes, undone_by;       /* 0: none */
    int64_t delta[FL_SUPPLY_TABLES];  /* while it is made */
    bool undo_brought;                /* where undoing stands: rows it closed come first ... */
    int undo_table;                   /* ... and the last one of them that was looked at */
    char undo_key[FL_SUPPLY_KEY_MAX + 1];
};

/*
 * Begin: fills number; tenant, at_us, who, kind, title are the caller's. FL_E_AGAIN: what another
 * one left is being taken back (a piece at each call), try again. FL_E_EXISTS: another one is being
 * made by this program: `busy` says so. The caller joins calls to transactions by fl_db_begin().
 */
int fl_db_supply_begin(struct fl_db *db, struct fl_db_supply_change *change, struct fl_err *err)
    FL_MUST_CHECK;
/* 0: it stands so already; 1: new; 2: changed. */
int fl_db_supply_put(struct fl_db *db, struct fl_db_supply_change *change,
                     enum fl_supply_table table, struct fl_span key, struct fl_span cells,
                     struct fl_err *err) FL_MUST_CHECK;
int fl_db_supply_drop(struct fl_db *db, struct fl_db_supply_change *change,
                      enum fl_supply_table table, struct fl_span key, struct fl_err *err)
    FL_MUST_CHECK; /* FL_E_NOENT */
/* As it stands with what the change did already (which readers do not see yet). 1: there. */
int fl_db_supply_peek(struct fl_db *db, uint32_t tenant, enum fl_supply_table table,
                      struct fl_span key, struct fl_buf *cells, struct fl_err *err) FL_MUST_CHECK;
int fl_db_supply_publish(struct fl_db *db, struct fl_db_supply_change *change, struct fl_err *err)
    FL_MUST_CHECK;
/* Take back what is not published, `limit` rows at most. 1: there is more, 0: all gone. */
int fl_db_supply_abandon(struct fl_db *db, uint32_t tenant, uint32_t limit, struct fl_err *err)
    FL_MUST_CHECK;
/* The keys of a table as the change being made sees it, behind `after`: for replacing. */
int fl_db_supply_keys(struct fl_db *db, uint32_t tenant, enum fl_supply_table table,
                      const char *after, uint32_t limit,
                      int (*fn)(void *ctx, struct fl_span key, uint64_t since), void *ctx,
                      struct fl_db_supply_list *ret, struct fl_err *err) FL_MUST_CHECK;

/*
 * Undo change `number` within `change` (begun, of kind "undo", undoes set): `limit` rows at most.
 * 1: there is more; 0: done, publish it. FL_E_EXISTS: a later change stands on it, err names it;
 * nothing was done where this comes from the first call (fl_db_supply_undo_check() looks before).
 */
int fl_db_supply_undo_check(struct fl_db *db, uint32_t tenant, uint64_t number, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_supply_undo(struct fl_db *db, struct fl_db_supply_change *change, uint32_t limit,
                      struct fl_err *err) FL_MUST_CHECK;

/* Newest first, behind (below) number `after` (0: from the newest); limit 0: all. */
int fl_db_supply_changes(struct fl_db *db, uint32_t tenant, uint64_t after, uint32_t limit,
                         int (*fn)(void *ctx, const struct fl_db_supply_change *change), void *ctx,
                         struct fl_err *err) FL_MUST_CHECK;
int fl_db_supply_change_get(struct fl_db *db, uint32_t tenant, uint64_t number,
                            struct fl_db_supply_change *ret, struct fl_err *err) FL_MUST_CHECK;

/* ---- decisions ---- */

struct fl_db_supply_decision {
    uint64_t number;
    char kind[FL_SUPPLY_KIND_MAX + 1];       /* "same_supplier", "duplicate_site", "wrong_place" */
    char subject[FL_SUPPLY_SUBJECT_MAX + 1]; /* "s1@s2" in order, or one key */
    char answer[FL_SUPPLY_ANSWER_MAX + 1];   /* "distinct", or the id that stays, "right" ... */
    int64_t at_us;
    char who[FL_SUPPLY_WHO_MAX + 1];
    int64_t reversed_us; /* 0: it stands */
    char reversed_by[FL_SUPPLY_WHO_MAX + 1];
};
/* Fills number. FL_E_EXISTS: one stands already on this subject: reverse it first. */
int fl_db_supply_decide(struct fl_db *db, uint32_t tenant, struct fl_db_supply_decision *decision,
                        struct fl_err *err) FL_MUST_CHECK;
/* FL_E_NOENT; FL_E_EXISTS: reversed already. */
int fl_db_supply_reverse(struct fl_db *db, uint32_t tenant, uint64_t number, const char *who,
                         int64_t at_us, struct fl_err *err) FL_MUST_CHECK;
/* In order of numbers; standing: without those that were reversed. */
int fl_db_supply_decisions(struct fl_db *db, uint32_t tenant, bool standing,
                           int (*fn)(void *ctx, const struct fl_db_supply_decision *decision),
                           void *ctx, struct fl_err *err) FL_MUST_CHECK;
/* Decisions move the network as changes do, without being one: the number of those that were made
 * or reversed, for whoever keeps what is calculated. */
int fl_db_supply_decision_version(struct fl_db *db, uint32_t tenant, uint64_t *ret,
                                  struct fl_err *err) FL_MUST_CHECK;

/* ---- layouts: what a set of headings means ---- */

struct fl_db_supply_layout {
    char headings[65]; /* a hash of the headings, hex */
    char name[FL_SLUG_MAX + 1];
    enum fl_supply_table table;
    char map[FL_SUPPLY_MAP_MAX + 1]; /* "theirs\x1Fours\x1F" pairs */
    int64_t at_us;
    char who[FL_SUPPLY_WHO_MAX + 1];
};
int fl_db_supply_layout_set(struct fl_db *db, uint32_t tenant,
                            const struct fl_db_supply_layout *layout, struct fl_err *err)
    FL_MUST_CHECK;
/* By headings, or by name where headings is NULL. FL_E_NOENT. */
int fl_db_supply_layout_get(struct fl_db *db, uint32_t tenant, const char *headings,
                            const char *name, struct fl_db_supply_layout *ret, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_supply_layout_remove(struct fl_db *db, uint32_t tenant, const char *headings,
                               struct fl_err *err) FL_MUST_CHECK;
int fl_db_supply_layouts(struct fl_db *db, uint32_t tenant,
                         int (*fn)(void *ctx, const struct fl_db_supply_layout *layout), void *ctx,
                         struct fl_err *err) FL_MUST_CHECK;

/* ---- imports that are being put together ---- */

struct fl_db_supply_import {
    uint32_t id, tenant;
    char name[FL_SUPPLY_TITLE_MAX + 1];
    char who[FL_SUPPLY_WHO_MAX + 1];
    int64_t created_us;
    uint64_t bytes;
};
/* Fills id. Forgets those that are too old first. FL_E_LIMIT. */
int fl_db_supply_import_add(struct fl_db *db, struct fl_db_supply_import *import,
                            struct fl_err *err) FL_MUST_CHECK;
int fl_db_supply_import_get(struct fl_db *db, uint32_t tenant, uint32_t id,
                            struct fl_db_supply_import *ret, struct fl_err *err) FL_MUST_CHECK;
int fl_db_supply_import_remove(struct fl_db *db, uint32_t tenant, uint32_t id, struct fl_err *err)
    FL_MUST_CHECK;
int fl_db_supply_imports(struct fl_db *db, uint32_t tenant,
                         int (*fn)(void *ctx, const struct fl_db_supply_import *import), void *ctx,
                         struct fl_err *err) FL_MUST_CHECK;
/* A piece at its offset; offset 0 begins the file anew. FL_E_EXISTS: not at its end; *ret_size says
 * where that is, also on success. FL_E_LIMIT. */
int fl_db_supply_piece_put(struct fl_db *db, const struct fl_db_supply_import *import,
                           const char *file, uint64_t offset, struct fl_span data,
                           uint64_t *ret_size, struct fl_err *err) FL_MUST_CHECK;
/* The piece that begins at offset; 0: there is none. */
int fl_db_supply_piece_get(struct fl_db *db, uint32_t import, const char *file, uint64_t offset,
                           struct fl_buf *ret, struct fl_err *err) FL_MUST_CHECK;
int fl_db_supply_file_remove(struct fl_db *db, const struct fl_db_supply_import *import,
                             const char *file, struct fl_err *err) FL_MUST_CHECK;
int fl_db_supply_files(struct fl_db *db, uint32_t import,
                       int (*fn)(void *ctx, const char *file, uint64_t size), void *ctx,
                       struct fl_err *err) FL_MUST_CHECK;

#endif
