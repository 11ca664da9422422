/* logs_rows.h - log rows (nested JSON, codec/ecs.h) as lines of a table, by named columns. */
#ifndef FL_CLI_LOGS_ROWS_H
#define FL_CLI_LOGS_ROWS_H

#include <jansson.h>

#include "cli/cli.h"

struct fl_logrows;

/*
 * columns: comma list of field names (codec/field.h), or "source", "destination" (address and
 * port), "row" (what `logs context` takes); NULL for the usual ones. FL_E_INVAL names the column
 * and proposes the nearest. live: columns only grow from one print to the next, the head comes
 * once. hours: times without their date, where there is little room.
 */
int fl_logrows_new(const struct fl_cli *cli, const char *columns, bool live, bool hours,
                   struct fl_logrows **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_logrows_free(struct fl_logrows *rows);
void fl_logrows_add(struct fl_logrows *rows, const json_t *row, enum fl_ink ink);
int fl_logrows_print(struct fl_logrows *rows, struct fl_err *err) FL_MUST_CHECK;

/* The value at a dotted path ("source.ip"): nested objects, or a member of the whole name. */
const json_t *fl_logrows_at(const json_t *row, const char *path);
/* Put value under the dotted path, making objects on the way; steals value. */
void fl_logrows_put(json_t *object, const char *path, json_t *value);

/* Header and plural of a group field: "app" -> "application", "applications". */
void fl_logrows_words(const char *field, const char **ret_one, const char **ret_many);

#endif
