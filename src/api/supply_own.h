/* supply_own.h - inside api: what the files about the network of supply itself share (rows,
 * imports, changes, decisions, exports); their handlers. */
#ifndef FL_API_SUPPLY_OWN_H
#define FL_API_SUPPLY_OWN_H

#include "api/parts.h"
#include "db/db_supply.h"
#include "supply/import.h"
#include "supply/import_merge.h"

#define FL_SUPPLY_CELLS_BYTES ((size_t)128 << 10) /* of a row as it is stored */
#define FL_SUPPLY_SLICE_US    20000               /* the loop is held no longer by one step */

/* A table by the path's word; FL_E_NOENT lists what there is. */
int fl_own_table(struct fl_req *req, struct fl_span word, enum fl_supply_table *ret,
                 struct fl_err *err) FL_MUST_CHECK;
/* The version that parameter `at` names (a time, or a change's number); 0: the newest. FL_E_NOENT:
 * there was nothing yet. */
int fl_own_version(struct fl_req *req, uint64_t *ret, struct fl_err *err) FL_MUST_CHECK;
/* A change of the caller's, begun. */
int fl_own_begin(struct fl_req *req, const char *kind, const char *title,
                 struct fl_db_supply_change *ret, struct fl_err *err) FL_MUST_CHECK;
void fl_own_who(const struct fl_req *req, char *ret, size_t size);
/* Every reference of the row is there; FL_E_INVAL names the column. */
int fl_own_references(struct fl_req *req, const struct fl_supply_row *row, struct fl_err *err)
    FL_MUST_CHECK;
/* The members of a row's cells: {"part_id":"a",...}; empty ones are left out. */
void fl_own_cells(struct fl_json *json, const char *key, const struct fl_supply_row *row);
/* One finding as an object of an array. */
void fl_own_finding(struct fl_json *json, const struct fl_finding *finding);
/* Aliases of the decisions that stand. */
int fl_own_merges(struct fl_db *db, uint32_t tenant, struct fl_merges **ret, struct fl_err *err)
    FL_MUST_CHECK;
/* Kind, subject and answer fit each other; they are copied to ret. */
int fl_own_decision(const char *kind, const char *subject, const char *answer,
                    struct fl_db_supply_decision *ret, struct fl_err *err) FL_MUST_CHECK;
/* The number a path names; FL_E_NOENT. */
int fl_own_number(struct fl_req *req, unsigned arg, const char *noun, uint64_t *ret,
                  struct fl_err *err) FL_MUST_CHECK;

void fl_own_imports_free(struct fl_api *api); /* at the end of the api */

int fl_api_supply(struct fl_req *req, struct fl_err *err);
int fl_api_supply_tables(struct fl_req *req, struct fl_err *err);
int fl_api_supply_rows(struct fl_req *req, struct fl_err *err);
int fl_api_supply_row(struct fl_req *req, struct fl_err *err);
int fl_api_supply_row_set(struct fl_req *req, struct fl_err *err);
int fl_api_supply_row_remove(struct fl_req *req, struct fl_err *err);
int fl_api_supply_row_history(struct fl_req *req, struct fl_err *err);
int fl_api_supply_changes(struct fl_req *req, struct fl_err *err);
int fl_api_supply_undo(struct fl_req *req, struct fl_err *err);
int fl_api_supply_findings(struct fl_req *req, struct fl_err *err);
int fl_api_supply_decisions(struct fl_req *req, struct fl_err *err);
int fl_api_supply_decide(struct fl_req *req, struct fl_err *err);
int fl_api_supply_reverse(struct fl_req *req, struct fl_err *err);
int fl_api_supply_layouts(struct fl_req *req, struct fl_err *err);
int fl_api_supply_layout_remove(struct fl_req *req, struct fl_err *err);
int fl_api_supply_imports(struct fl_req *req, struct fl_err *err);
int fl_api_supply_import_add(struct fl_req *req, struct fl_err *err);
int fl_api_supply_import_show(struct fl_req *req, struct fl_err *err);
int fl_api_supply_import_remove(struct fl_req *req, struct fl_err *err);
int fl_api_supply_import_file(struct fl_req *req, struct fl_err *err);
int fl_api_supply_import_check(struct fl_req *req, struct fl_err *err);
int fl_api_supply_import_apply(struct fl_req *req, struct fl_err *err);
int fl_api_supply_export_table(struct fl_req *req, struct fl_err *err);
int fl_api_supply_export(struct fl_req *req, struct fl_err *err);
int fl_api_supply_share(struct fl_req *req, struct fl_err *err);

#endif
