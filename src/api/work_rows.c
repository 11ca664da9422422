#include <stdio.h>

#include "api/supply_own.h"
#include "api/work_int.h"
#include "db/db_supply.h"

/* What was decided about companies and sites moves the network without being a change of rows. */
#define CHANGE_BITS 40

int fl_work_rows_version(struct fl_db *db, uint32_t tenant, uint64_t *ret, struct fl_err *err)
{
    struct fl_db_supply_head head;
    uint64_t rows = 0, decisions = 0;
    int r = fl_db_supply_head(db, tenant, &head, err);

    if (r == FL_OK)
        r = fl_db_supply_decision_version(db, tenant, &decisions, err);
    if (r < 0)
        return r;
    for (unsigned t = 0; t < FL_SUPPLY_TABLES; t++)
        rows += head.rows[t];
    *ret = rows == 0
               ? 0
               : head.version | decisions << CHANGE_BITS; /* emptied is as if there was none */
    return FL_OK;
}

struct taking {
    struct fl_db *db;
    uint32_t tenant;
    unsigned table;
    struct fl_buf *rows, packed;
    struct fl_merges *merges; /* NULL: nothing was decided */
    struct fl_err *err;
};

/* A row as one of those that stay. Where these have it already, theirs holds. */
static int take_merged(struct taking *t, struct fl_span cells)
{
    struct fl_supply_row row;
    char key[FL_SUPPLY_KEY_MAX + 1];
    int r = fl_supply_unpack((enum fl_supply_table)t->table, cells, &row, t->err), what;

    if (r < 0)
        return r;
    what = fl_merges_row(t->merges, &row);
    fl_supply_key(&row, key);
    if (what == 2 || (what == 1 && t->table != FL_SUPPLY_SITES && t->table != FL_SUPPLY_SUPPLIERS &&
                      fl_db_supply_has(t->db, t->tenant, row.table, fl_span_str(key))))
        return FL_OK;
    fl_buf_clear(&t->packed);
    fl_supply_pack(&row, &t->packed);
    fl_buf_put_u8(t->rows, (uint8_t)t->table);
    fl_buf_put_lv(t->rows, fl_buf_span(&t->packed));
    return fl_buf_status(&t->packed, t->err);
}

static int take_row(void *ctx, const struct fl_db_supply_row *row)
{
    struct taking *t = ctx;

    if (t->merges != NULL)
        return take_merged(t, row->cells);
    fl_buf_put_u8(t->rows, (uint8_t)t->table);
    fl_buf_put_lv(t->rows, row->cells);
    return FL_OK;
}

static int read_rows(struct taking *t, uint64_t version, struct fl_work_cursor *cursor,
                     uint32_t limit)
{
    struct fl_db_supply_list list = {.count = 0};
    int r = fl_db_supply_rows(t->db, t->tenant, (enum fl_supply_table)cursor->table,
                              version & ((UINT64_C(1) << CHANGE_BITS) - 1), cursor->after, "",
                              limit, take_row, t, &list, t->err);

    if (r < 0)
        return r;
    (void)snprintf(cursor->after, sizeof cursor->after, "%s", list.next);
    if (list.next[0] == '\0')
        cursor->table++;
    return fl_buf_status(t->rows, t->err);
}

int fl_work_rows_read(struct fl_db *db, uint32_t tenant, uint64_t version,
                      struct fl_work_cursor *cursor, uint32_t limit, struct fl_buf *rows,
                      struct fl_err *err)
{
    struct taking t = {
        .db = db, .tenant = tenant, .table = cursor->table, .rows = rows, .err = err};
    int r = FL_OK;

    fl_buf_init(&t.packed, FL_SUPPLY_CELLS_BYTES);
    if (version >> CHANGE_BITS != 0)
        r = fl_own_merges(db, tenant, &t.merges, err);
    if (r == FL_OK)
        r = read_rows(&t, version, cursor, limit);
    fl_merges_free(t.merges);
    fl_buf_done(&t.packed);
    return r;
}
