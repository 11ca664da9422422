/* How the rows found spread over the values of some fields; and how many rows there are. */
#include <inttypes.h>
#include <stdlib.h>

#include "logs/query_collect.h"

enum { MAX_FACETS = 16, DEFAULT_VALUES = 10, MAX_VALUES = 1000 };

struct facets {
    struct fl_groups groups[MAX_FACETS];
    size_t count;
};

static const enum fl_field useful[] = {FL_F_SITE,     FL_F_DEVICE, FL_F_ACTION, FL_F_APP,
                                       FL_F_CATEGORY, FL_F_DOMAIN, FL_F_USER,   FL_F_TAG};

static int add_facet(struct fl_run *run, struct facets *facets, enum fl_field field,
                     uint64_t memory_bytes, struct fl_err *err)
{
    if (facets->count == MAX_FACETS)
        return fl_err_set(err, FL_E_INVAL, "at most 16 facets at once");
    return fl_run_groups(run, &facets->groups[facets->count++], field, false, 0, memory_bytes, err);
}

static int add_facets(struct fl_run *run, struct facets *facets, struct fl_err *err)
{
    struct fl_span list = run->q->by;
    uint64_t each = run->memory_bytes / MAX_FACETS;
    int r = FL_OK;

    for (size_t i = 0; list.len == 0 && r == FL_OK && i < FL_LEN(useful); i++)
        r = add_facet(run, facets, useful[i], run->memory_bytes / FL_LEN(useful), err);
    while (r == FL_OK && list.len > 0) {
        const unsigned char *comma = memchr(list.ptr, ',', list.len);
        size_t n = comma == NULL ? list.len : (size_t)(comma - list.ptr);
        enum fl_field field;

        r = fl_run_field(run, fl_span_of(list.ptr, n), &field, err);
        if (r == FL_OK)
            r = add_facet(run, facets, field, each, err);
        n += comma != NULL;
        list = fl_span_of(list.ptr + n, list.len - n);
    }
    return r;
}

static int count_values(struct fl_run *run, const struct fl_run_block *block, void *ctx,
                        struct fl_err *err)
{
    struct facets *facets = ctx;

    run->end->rows_matched += block->count;
    for (size_t i = 0; i < facets->count; i++) {
        struct fl_groups *g = &facets->groups[i];
        uint32_t n;
        int r = fl_groups_resolve(g, &block->view, block->bits, &n, err);

        if (r < 0)
            return r;
        for (uint32_t k = 0; k < n; k++)
            g->group[g->id[k]].sums.v[FL_SUM_ROWS]++;
    }
    return FL_OK;
}

static uint64_t rows_of(const struct fl_sums *sums)
{
    return sums->v[FL_SUM_ROWS];
}

static int put_facet(struct fl_run *run, struct fl_json *j, const struct fl_groups *g,
                     uint32_t limit, struct fl_err *err)
{
    uint32_t *ids, count, keys;
    char buf[160];
    int r = fl_groups_sort(g, rows_of, &ids, &count, err);

    if (r < 0)
        return r;
    keys = count - (g->group[FL_GROUP_NONE].sums.v[FL_SUM_ROWS] > 0);
    fl_json_object(j, NULL);
    fl_json_text(j, "field", fl_collect_name(g->by));
    fl_json_u64(j, "distinct", keys);
    fl_json_array(j, "values");
    for (uint32_t i = 0; r == FL_OK && i < count && limit > 0; i++) {
        if (ids[i] == FL_GROUP_NONE)
            continue;
        limit--;
        fl_json_object(j, NULL);
        fl_json_str(j, "value", fl_groups_text(g, ids[i], buf));
        fl_json_u64(j, "rows", g->group[ids[i]].sums.v[FL_SUM_ROWS]);
        fl_json_end(j);
        r = fl_run_flush(run, false, err);
    }
    fl_json_end(j);
    fl_json_end(j);
    free(ids);
    return r;
}

static int put_facets(struct fl_run *run, const struct facets *facets, struct fl_err *err)
{
    uint32_t limit = run->q->limit == 0 ? DEFAULT_VALUES : run->q->limit;
    struct fl_json j;
    int r = FL_OK;

    fl_json_init(&j, &run->out);
    fl_json_object(&j, NULL);
    fl_json_array(&j, "facets");
    for (size_t i = 0; r == FL_OK && i < facets->count; i++) {
        fl_collect_tell(run, &facets->groups[i]);
        r = put_facet(run, &j, &facets->groups[i], limit > MAX_VALUES ? MAX_VALUES : limit, err);
    }
    fl_json_end(&j);
    fl_json_u64(&j, "rows", run->end->rows_matched);
    fl_json_end(&j);
    fl_buf_put_u8(&run->out, '\n');
    return r;
}

int fl_query_facets(struct fl_run *run, struct fl_err *err)
{
    struct facets *facets = calloc(1, sizeof *facets);
    struct fl_fieldset fields = {{0, 0}};
    int r;

    if (facets == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for facets");
    r = add_facets(run, facets, err);
    for (size_t i = 0; i < facets->count; i++)
        fl_fieldset_add(&fields, facets->groups[i].by);
    if (r == FL_OK)
        r = fl_run_each(run, &fields, count_values, facets, err);
    if (r == FL_OK && !run->cancelled)
        r = put_facets(run, facets, err);
    for (size_t i = 0; i < facets->count; i++)
        fl_groups_done(&facets->groups[i]);
    free(facets);
    return r;
}

/* ---- count ---- */

struct count {
    fl_run_metric *metric; /* NULL: only rows */
    const char *name;
    struct fl_fieldset fields; /* that it is made of */
    struct fl_sums sums;
};

static const struct {
    enum fl_field field;
    enum fl_sum sum;
} count_columns[] = {
    {FL_F_SESSIONS, FL_SUM_SESSIONS}, {FL_F_BYTES_UP, FL_SUM_UP},
    {FL_F_BYTES_DOWN, FL_SUM_DOWN},   {FL_F_PACKETS, FL_SUM_PACKETS},
    {FL_F_SECONDS, FL_SUM_SECONDS},   {FL_F_BYTES, FL_SUM_UP}, /* last: up and down in one */
};

static uint64_t sum_rows(const struct fl_col *col, const struct fl_run_block *block)
{
    uint64_t sum = 0;

    for (uint32_t w = 0; w * 64 < block->view.rows && col->present > 0; w++)
        for (uint64_t bits = block->bits[w]; bits != 0; bits &= bits - 1)
            sum += col->num[w * 64 + (uint32_t)__builtin_ctzll(bits)]; /* 0 where absent */
    return sum;
}

static int count_rows(struct fl_run *run, const struct fl_run_block *block, void *ctx,
                      struct fl_err *err)
{
    struct count *count = ctx;

    (void)err;
    run->end->rows_matched += block->count;
    count->sums.v[FL_SUM_ROWS] += block->count;
    for (size_t c = 0; c < FL_LEN(count_columns); c++)
        if (fl_fieldset_has(&count->fields, count_columns[c].field) &&
            block->view.col[count_columns[c].field].num != NULL)
            count->sums.v[count_columns[c].sum] +=
                sum_rows(&block->view.col[count_columns[c].field], block);
    return FL_OK;
}

/* Only the columns that change the metric. */
static void count_fields(const struct count *count, struct fl_fieldset *add_to)
{
    bool both = count->metric != NULL && strcmp(count->name, "bytes") == 0;

    if (both)
        fl_fieldset_add(add_to, FL_F_BYTES);
    for (size_t c = 0; count->metric != NULL && !both && c + 1 < FL_LEN(count_columns); c++) {
        struct fl_sums one = {{0}};

        one.v[count_columns[c].sum] = 1;
        if (count->metric(&one) != 0)
            fl_fieldset_add(add_to, count_columns[c].field);
    }
}

int fl_query_count(struct fl_run *run, struct fl_err *err)
{
    struct count count = {.metric = NULL};
    struct fl_json j;
    int r = FL_OK;

    if (run->q->metric.len > 0)
        r = fl_run_metric_of(run->q->metric, &count.name, &count.metric, err);
    count_fields(&count, &count.fields);
    if (r == FL_OK)
        r = fl_run_each(run, &count.fields, count_rows, &count, err);
    if (r < 0 || run->cancelled)
        return r;
    fl_json_init(&j, &run->out);
    fl_json_object(&j, NULL);
    fl_json_u64(&j, "rows", run->end->rows_matched);
    if (count.metric != NULL && strcmp(count.name, "rows") != 0)
        fl_json_u64(&j, count.name, count.metric(&count.sums));
    fl_json_time(&j, "from", run->q->from_us);
    fl_json_time(&j, "to", run->q->to_us);
    fl_json_end(&j);
    fl_buf_put_u8(&run->out, '\n');
    return FL_OK;
}
