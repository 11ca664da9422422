#include "logs/newest.h"

#include <stdlib.h>

enum {
    PIECES = 16,            /* of rows, that are kept */
    LOOKS = 8,              /* texts that are kept */
    LOOK_BYTES = 256 * 1024 /* of one */
};

struct piece {
    const struct fl_part *part;
    uint32_t no, from;
    struct fl_fieldset fields;
    struct fl_block *block;
};

struct fl_newest {
    struct fl_parts *parts;
    struct piece piece[PIECES];
    size_t pieces;
    struct fl_newest_look look[LOOKS];
    size_t looks;
    struct fl_block none; /* without rows */
};

int fl_newest_new(struct fl_store *store, uint32_t tenant, struct fl_newest **ret,
                  struct fl_err *err)
{
    struct fl_newest *n = calloc(1, sizeof *n);
    int r;

    if (n == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to follow rows");
    r = fl_parts_open(store, tenant, INT64_MIN, INT64_MAX, &n->parts, err);
    if (r < 0)
        free(n);
    else
        *ret = n;
    return r;
}

void fl_newest_free(struct fl_newest *n)
{
    if (n == NULL)
        return;
    for (size_t i = 0; i < n->pieces; i++)
        fl_block_free(n->piece[i].block);
    for (size_t i = 0; i < n->looks; i++)
        fl_buf_done(&n->look[i].text);
    fl_parts_free(n->parts);
    free(n);
}

struct fl_parts *fl_newest_parts(struct fl_newest *newest)
{
    return newest->parts;
}

/* ---- rows ---- */

/* How many rows of the block are not behind `after`; they are numbered without gaps. */
static uint32_t rows_before(const struct fl_part *part, uint32_t no, struct fl_pos after,
                            uint32_t rows)
{
    struct fl_part_info info;
    uint64_t first;

    fl_part_info(part, &info);
    if (info.day != after.day)
        return info.day < after.day ? rows : 0;
    first = info.first_seq;
    for (uint32_t b = 0; b < no; b++)
        first += fl_part_block_rows(part, b);
    if (after.seq < first)
        return 0;
    return after.seq - first >= rows ? rows : (uint32_t)(after.seq - first) + 1;
}

static bool covers(const struct fl_fieldset *have, const struct fl_fieldset *want)
{
    return (want->bits[0] & ~have->bits[0]) == 0 && (want->bits[1] & ~have->bits[1]) == 0;
}

int fl_newest_load(struct fl_newest *newest, struct fl_part *part, uint32_t block,
                   struct fl_pos after, const struct fl_fieldset *fields, struct fl_block **ret,
                   bool *ret_lent, struct fl_err *err)
{
    uint32_t rows = fl_part_block_rows(part, block), from = rows_before(part, block, after, rows);
    struct piece *p;
    int r;

    if (from == rows) {
        *ret = &newest->none;
        *ret_lent = true;
        return FL_OK;
    }
    for (size_t i = 0; i < newest->pieces; i++) {
        p = &newest->piece[i];
        if (p->part == part && p->no == block && p->from == from && covers(&p->fields, fields)) {
            *ret = p->block;
            *ret_lent = true;
            return FL_OK;
        }
    }
    r = fl_part_load_end(part, block, from, fields, ret, err);
    *ret_lent = r >= 0 && newest->pieces < PIECES;
    if (*ret_lent)
        newest->piece[newest->pieces++] = (struct piece){part, block, from, *fields, *ret};
    return r;
}

/* ---- texts ---- */

/* The same rows in the same form? The tenant's key of names is one. */
static bool asks_same(const struct fl_query *a, const struct fl_query *b)
{
    return a->tenant == b->tenant && a->masked == b->masked && a->original == b->original &&
           fl_span_eq(a->filter, b->filter) && fl_span_eq(a->by, b->by) &&
           fl_span_eq(a->format, b->format);
}

const struct fl_newest_look *fl_newest_find(const struct fl_newest *newest,
                                            const struct fl_query *q, struct fl_pos from)
{
    for (size_t i = 0; i < newest->looks; i++) {
        const struct fl_newest_look *look = &newest->look[i];

        if (fl_pos_cmp(look->from, from) == 0 && asks_same(look->q, q))
            return look;
    }
    return NULL;
}

void fl_newest_keep(struct fl_newest *newest, const struct fl_newest_look *look,
                    struct fl_span text)
{
    struct fl_newest_look *kept = &newest->look[newest->looks];

    if (newest->looks == LOOKS || text.len > LOOK_BYTES)
        return;
    *kept = *look;
    fl_buf_init(&kept->text, LOOK_BYTES);
    fl_buf_put_span(&kept->text, text);
    if (kept->text.failed != 0)
        fl_buf_done(&kept->text);
    else
        newest->looks++;
}
