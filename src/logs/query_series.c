/* The largest groups over time: one sum per bucket; what is not shown apart is "other". */
#include <inttypes.h>
#include <stdlib.h>

#include "base/time.h"
#include "logs/query_collect.h"

enum {
    DEFAULT_LIMIT = 10,
    MAX_LIMIT = 100,
    MAX_BUCKETS = 2000,
    AUTO_BUCKETS = 300,
    LOCAL_CELLS = 1 << 16 /* of one block, by code and bucket */
};

#define TIME_LIMIT_US (INT64_C(1) << 60) /* the year 38,500: no arithmetic below can overflow */

struct series {
    struct fl_groups groups;
    const char *metric_name;
    fl_run_metric *metric;
    enum fl_field num[2]; /* columns whose sum is the metric; FL_FIELD_COUNT = none */
    uint64_t each;        /* added per row: 1 for rows */
    bool named;           /* by was given; else all is "other" */
    int64_t first_us, step_us;
    size_t buckets;
    uint32_t *ids, count, shown;
    uint64_t *values;             /* shown + 1 times buckets; the last is other */
    uint32_t *place;              /* second pass: group to row of values */
    uint64_t *local, *local_rows; /* LOCAL_CELLS each */
};

/* ---- arguments ---- */

static int64_t floor_to(int64_t us, int64_t step_us)
{
    int64_t rest = us % step_us;

    return us - (rest < 0 ? rest + step_us : rest);
}

static int64_t auto_step(int64_t range_us)
{
    static const int64_t steps_s[] = {1,    5,     10,    30,    60,    300,   900,
                                      3600, 10800, 21600, 43200, 86400, 604800};
    size_t i = 0;

    while (i + 1 < FL_LEN(steps_s) && range_us / (steps_s[i] * FL_US_PER_S) > AUTO_BUCKETS)
        i++;
    return steps_s[i] * FL_US_PER_S;
}

static int set_buckets(const struct fl_run *run, struct series *s, struct fl_err *err)
{
    const struct fl_query *q = run->q;
    int64_t buckets;

    if (q->from_us < -TIME_LIMIT_US || q->to_us > TIME_LIMIT_US || q->step_us < 0 ||
        q->step_us > TIME_LIMIT_US)
        return fl_err_set(err, FL_E_INVAL, "the time range or the step is out of bounds");
    s->step_us = q->step_us > 0 ? q->step_us : auto_step(q->to_us - q->from_us);
    s->first_us = floor_to(q->from_us, s->step_us);
    buckets = (q->to_us - s->first_us + s->step_us - 1) / s->step_us;
    if (buckets > MAX_BUCKETS)
        return fl_err_set(err, FL_E_INVAL,
                          "a step of %" PRId64 " s gives %" PRId64
                          " buckets; at most 2000 are drawn, so take at least %" PRId64 " s",
                          s->step_us / FL_US_PER_S, buckets,
                          (q->to_us - q->from_us) / (MAX_BUCKETS - 1) / FL_US_PER_S + 1);
    s->buckets = (size_t)buckets;
    return FL_OK;
}

static void set_columns(struct series *s)
{
    static const struct {
        const char *metric;
        enum fl_field num[2];
    } columns[] = {
        {"bytes", {FL_F_BYTES, FL_FIELD_COUNT}},     {"up", {FL_F_BYTES_UP, FL_FIELD_COUNT}},
        {"down", {FL_F_BYTES_DOWN, FL_FIELD_COUNT}}, {"sessions", {FL_F_SESSIONS, FL_FIELD_COUNT}},
        {"packets", {FL_F_PACKETS, FL_FIELD_COUNT}}, {"seconds", {FL_F_SECONDS, FL_FIELD_COUNT}},
        {"rows", {FL_FIELD_COUNT, FL_FIELD_COUNT}},
    };
    size_t i = 0;

    while (i + 1 < FL_LEN(columns) && strcmp(columns[i].metric, s->metric_name) != 0)
        i++;
    s->num[0] = columns[i].num[0];
    s->num[1] = columns[i].num[1];
    s->each = s->num[0] == FL_FIELD_COUNT;
}

/* ---- collecting ---- */

static size_t bucket_of(const struct series *s, int64_t us)
{
    return (size_t)((us - s->first_us) / s->step_us);
}

static uint64_t entry_value(const struct series *s, const struct fl_rollup_entry *e)
{
    struct fl_sums sums = {{0}};

    fl_collect_sums(e, &sums);
    return s->metric(&sums);
}

static int add_entry(void *ctx, uint32_t id, const struct fl_rollup_entry *e, struct fl_err *err)
{
    struct series *s = ctx;

    fl_collect_sums(e, &s->groups.group[id].sums);
    return fl_groups_cell(&s->groups, id, bucket_of(s, e->bucket_us), entry_value(s, e), err);
}

static uint64_t row_value(const struct series *s, const struct fl_block *block, uint32_t row)
{
    uint64_t value = s->each;

    for (int i = 0; i < 2; i++) {
        const struct fl_col *col = s->num[i] == FL_FIELD_COUNT ? NULL : &block->col[s->num[i]];

        if (col != NULL && col->present > 0)
            value += col->num[row]; /* 0 where absent */
    }
    return value;
}

/* Rows are nearly in time order, so the bucket of the row before usually holds this one, too. */
static int each_row(struct series *s, const struct fl_block *block, uint32_t n,
                    int (*add)(struct series *s, uint32_t id, size_t bucket, uint64_t value,
                               struct fl_err *err),
                    struct fl_err *err)
{
    const struct fl_col *time = &block->col[FL_F_TIME];
    int64_t from_us = 0, to_us = 0;
    size_t bucket = 0;
    int r = FL_OK;

    if (time->present == 0)
        return FL_OK;
    for (uint32_t i = 0; r == FL_OK && i < n; i++) {
        int64_t us = (int64_t)time->num[s->groups.row[i]];

        if (us < from_us || us >= to_us) {
            bucket = bucket_of(s, us);
            from_us = s->first_us + (int64_t)bucket * s->step_us;
            to_us = from_us + s->step_us;
        }
        r = add(s, s->groups.id[i], bucket, row_value(s, block, s->groups.row[i]), err);
    }
    return r;
}

static int add_cell(struct series *s, uint32_t id, size_t bucket, uint64_t value,
                    struct fl_err *err)
{
    uint64_t *cells = s->groups.group[id].cells;

    if (cells == NULL)
        return fl_groups_cell(&s->groups, id, bucket, value, err);
    cells[bucket] += value;
    return FL_OK;
}

/* FL_F_BYTES is up and down added, but it stops at the highest number, where the sums of both go
 * on modulo 2^64 as those of rollups do. */
static bool is_cut(const struct series *s, const struct fl_run_block *block)
{
    const struct fl_col *col = &block->view.col[FL_F_BYTES];
    uint64_t cut = 0;

    if (s->num[0] != FL_F_BYTES || col->present == 0)
        return false;
    for (uint32_t w = 0; w * 64 < block->view.rows; w++)
        for (uint64_t bits = block->bits[w]; bits != 0; bits &= bits - 1)
            cut |= col->num[w * 64 + (uint32_t)__builtin_ctzll(bits)] == UINT64_MAX;
    return cut != 0;
}

static int mend_bytes(struct fl_run *run, const struct fl_run_block *block, struct fl_err *err)
{
    const struct fl_block *view = &block->view;
    struct fl_fieldset fields = {{0, 0}};
    struct fl_block *parts = NULL;
    const struct fl_col *up, *down;
    int r;

    fl_fieldset_add(&fields, FL_F_BYTES_UP);
    fl_fieldset_add(&fields, FL_F_BYTES_DOWN);
    r = fl_part_load(block->part, block->no, &fields, &parts, &run->end->bytes_read, err);
    if (r < 0)
        return r;
    up = &parts->col[FL_F_BYTES_UP];
    down = &parts->col[FL_F_BYTES_DOWN];
    for (uint32_t i = 0; i < view->rows && i < parts->rows; i++)
        view->col[FL_F_BYTES].num[i] =
            (up->present == 0 ? 0 : up->num[i]) + (down->present == 0 ? 0 : down->num[i]);
    fl_block_free(parts);
    return FL_OK;
}

/* First bucket and number of buckets of the rows listed; 0: too many to count by themselves. */
static size_t local_buckets(const struct series *s, const struct fl_block *block, uint32_t n,
                            size_t *ret_first)
{
    const struct fl_col *time = &block->col[FL_F_TIME];
    int64_t first = INT64_MAX, last = INT64_MIN;
    size_t words = block->col[s->groups.by].word_count, count;

    for (uint32_t i = 0; i < n; i++) {
        int64_t us = (int64_t)time->num[s->groups.row[i]];

        first = us < first ? us : first;
        last = us > last ? us : last;
    }
    *ret_first = bucket_of(s, first);
    count = bucket_of(s, last) - *ret_first + 1;
    return words > 0 && count <= LOCAL_CELLS / words ? count : 0;
}

/* Sums of the block alone, by bucket and code: two small tables instead of a group per row. */
static void sum_local(struct series *s, const struct fl_block *block, uint32_t n, size_t first)
{
    const uint32_t *row = s->groups.row, *code = block->col[s->groups.by].code;
    const uint64_t *time = block->col[FL_F_TIME].num;
    const struct fl_col *value = s->num[0] == FL_FIELD_COUNT ? NULL : &block->col[s->num[0]];
    size_t words = block->col[s->groups.by].word_count, at = 0;
    int64_t from_us = 0;
    bool any = value != NULL && value->present > 0, begun = false;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t r = row[i];

        if (!begun || time[r] - (uint64_t)from_us >= (uint64_t)s->step_us) {
            size_t bucket = bucket_of(s, (int64_t)time[r]);

            from_us = s->first_us + (int64_t)bucket * s->step_us;
            at = (bucket - first) * words;
            begun = true;
        }
        s->local_rows[at + code[r]]++;
        if (any)
            s->local[at + code[r]] += value->num[r];
    }
}

/* The one sum that the metric asks for. */
static enum fl_sum sum_of(const struct series *s)
{
    static const struct {
        enum fl_field num;
        enum fl_sum sum;
    } sums[] = {
        {FL_F_BYTES, FL_SUM_UP},        {FL_F_BYTES_UP, FL_SUM_UP},
        {FL_F_BYTES_DOWN, FL_SUM_DOWN}, {FL_F_SESSIONS, FL_SUM_SESSIONS},
        {FL_F_PACKETS, FL_SUM_PACKETS}, {FL_F_SECONDS, FL_SUM_SECONDS},
    };
    size_t i = 0;

    while (i < FL_LEN(sums) && sums[i].num != s->num[0])
        i++;
    return i < FL_LEN(sums) ? sums[i].sum : FL_SUM_ROWS;
}

static int join_local(struct series *s, const struct fl_block *block, size_t first, size_t buckets,
                      struct fl_err *err)
{
    uint32_t words = block->col[s->groups.by].word_count;
    enum fl_sum sum = sum_of(s);
    int r = FL_OK;

    for (size_t cell = 0; cell < buckets * words && r == FL_OK; cell++) {
        uint64_t rows = s->local_rows[cell], value = s->each ? rows : s->local[cell];
        struct fl_sums *sums;
        uint32_t id = 0;

        if (rows == 0)
            continue;
        r = fl_groups_of_code(&s->groups, block, (uint32_t)(cell % words), &id, err);
        if (r < 0)
            break;
        sums = &s->groups.group[id].sums;
        sums->v[FL_SUM_ROWS] += rows;
        if (sum != FL_SUM_ROWS)
            sums->v[sum] += value;
        if (!s->groups.cells_dropped)
            r = add_cell(s, id, first + cell / words, value, err);
    }
    return r;
}

/* 1: added; 0: the block is not of the kind for it. */
static int add_dense(struct fl_run *run, struct series *s, const struct fl_run_block *block,
                     struct fl_err *err)
{
    size_t first, buckets, cells;
    uint32_t n;
    int r;

    if (!fl_field_is_str(s->groups.by) || block->view.col[s->groups.by].present == 0 ||
        block->view.col[FL_F_TIME].present == 0)
        return 0;
    r = fl_groups_list(&s->groups, &block->view, block->bits, &n, err);
    if (r < 0 || n == 0)
        return r;
    buckets = local_buckets(s, &block->view, n, &first);
    cells = buckets * block->view.col[s->groups.by].word_count;
    if (cells == 0)
        return 0;
    memset(s->local, 0, cells * sizeof *s->local);
    memset(s->local_rows, 0, cells * sizeof *s->local_rows);
    sum_local(s, &block->view, n, first);
    r = join_local(s, &block->view, first, buckets, err);
    if (r < 0)
        return r;
    run->end->rows_matched += n;
    return 1;
}

/* The sum that the metric asks for is all that is needed. */
static void add_sums(struct series *s, const struct fl_block *block, uint32_t n)
{
    enum fl_sum sum = sum_of(s);

    for (uint32_t i = 0; i < n; i++) {
        struct fl_sums *sums = &s->groups.group[s->groups.id[i]].sums;

        sums->v[FL_SUM_ROWS]++;
        if (sum != FL_SUM_ROWS)
            sums->v[sum] += row_value(s, block, s->groups.row[i]);
    }
}

static int add_block(struct fl_run *run, const struct fl_run_block *block, void *ctx,
                     struct fl_err *err)
{
    struct series *s = ctx;
    uint32_t n;
    int r = is_cut(s, block) ? mend_bytes(run, block, err) : FL_OK;

    if (r == FL_OK)
        r = add_dense(run, s, block, err);
    if (r != 0)
        return r < 0 ? r : FL_OK;
    r = fl_groups_resolve(&s->groups, &block->view, block->bits, &n, err);
    if (r < 0)
        return r;
    run->end->rows_matched += n;
    add_sums(s, &block->view, n);
    return s->groups.cells_dropped ? FL_OK : each_row(s, &block->view, n, add_cell, err);
}

/* ---- second pass, where cells of all groups did not fit: only those shown, and the rest ---- */

static int add_value(struct series *s, uint32_t id, size_t bucket, uint64_t value,
                     struct fl_err *err)
{
    (void)err;
    s->values[s->place[id] * s->buckets + bucket] += value;
    return FL_OK;
}

static int again_entry(void *ctx, uint32_t id, const struct fl_rollup_entry *e, struct fl_err *err)
{
    struct series *s = ctx;

    return add_value(s, id, bucket_of(s, e->bucket_us), entry_value(s, e), err);
}

static int again_block(struct fl_run *run, const struct fl_run_block *block, void *ctx,
                       struct fl_err *err)
{
    struct series *s = ctx;
    uint32_t n;
    int r = fl_groups_resolve(&s->groups, &block->view, block->bits, &n, err);

    if (r == FL_OK && is_cut(s, block))
        r = mend_bytes(run, block, err);
    return r < 0 ? r : each_row(s, &block->view, n, add_value, err);
}

static int fill_again(struct fl_run *run, struct series *s, const struct fl_collect *first,
                      struct fl_err *err)
{
    struct fl_collect how = *first;
    uint64_t scanned = run->end->rows_scanned, matched = run->end->rows_matched;
    uint32_t groups = s->groups.count;
    int r;

    s->place = malloc(groups * sizeof *s->place);
    if (s->place == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for series");
    for (uint32_t i = 0; i < groups; i++)
        s->place[i] = s->shown;
    for (uint32_t i = 0; i < s->shown; i++)
        s->place[s->ids[i]] = i;
    s->groups.max_bytes = 0; /* no new groups: what was not kept apart stays together */
    how.entry = again_entry;
    how.block = again_block;
    r = fl_collect(run, &how, err);
    run->end->rows_scanned = scanned;
    run->end->rows_matched = matched;
    return r;
}

static void fill_from_cells(struct series *s)
{
    uint32_t place = 0;

    for (uint32_t i = 0; i < s->count + 1; i++) {
        uint32_t id = i < s->count ? s->ids[i] : (uint32_t)FL_GROUP_REST;
        const uint64_t *cells = s->groups.group[id].cells;

        place = i < s->shown ? i : s->shown;
        for (size_t b = 0; cells != NULL && b < s->buckets; b++)
            s->values[place * s->buckets + b] += cells[b];
    }
}

/* ---- output ---- */

static int put_values(struct fl_run *run, struct fl_json *j, const uint64_t *values, size_t n,
                      struct fl_err *err)
{
    fl_json_array(j, "values");
    for (size_t i = 0; i < n; i++)
        fl_json_u64(j, NULL, values[i]);
    fl_json_end(j);
    fl_json_end(j);
    return fl_run_flush(run, false, err);
}

static int put_all(struct fl_run *run, struct fl_json *j, const struct series *s,
                   struct fl_err *err)
{
    char buf[160];
    int r = FL_OK;

    fl_json_array(j, "series");
    for (uint32_t i = 0; r == FL_OK && i < s->shown; i++) {
        fl_json_object(j, NULL);
        if (s->ids[i] == FL_GROUP_NONE)
            fl_json_null(j, "key");
        else
            fl_json_str(j, "key", fl_groups_text(&s->groups, s->ids[i], buf));
        r = put_values(run, j, s->values + i * s->buckets, s->buckets, err);
    }
    fl_json_object(j, NULL);
    fl_json_null(j, "key");
    fl_json_bool(j, "other", true);
    if (r == FL_OK)
        r = put_values(run, j, s->values + s->shown * s->buckets, s->buckets, err);
    fl_json_end(j);
    return r;
}

static int put_series(struct fl_run *run, const struct series *s, struct fl_err *err)
{
    struct fl_json j;
    int r;

    fl_json_init(&j, &run->out);
    fl_json_object(&j, NULL);
    fl_json_text(&j, "by", s->named ? fl_collect_name(s->groups.by) : NULL);
    fl_json_text(&j, "metric", s->metric_name);
    fl_json_time(&j, "from", run->q->from_us);
    fl_json_time(&j, "to", run->q->to_us);
    fl_json_i64(&j, "step_us", s->step_us);
    fl_json_array(&j, "buckets");
    for (size_t b = 0; b < s->buckets; b++)
        fl_json_time(&j, NULL, s->first_us + (int64_t)b * s->step_us);
    fl_json_end(&j);
    r = put_all(run, &j, s, err);
    fl_json_end(&j);
    fl_buf_put_u8(&run->out, '\n');
    return r;
}

/* ---- the query ---- */

/* The coarsest tier whose buckets do not straddle ours; FL_ROLLUP_TIERS when none fits. */
static enum fl_rollup_tier tier_of(int64_t step_us)
{
    int tier = FL_TIER_1D;

    while (tier >= 0 && step_us % fl_rollup_tier_us[tier] != 0)
        tier--;
    return tier < 0 ? FL_ROLLUP_TIERS : (enum fl_rollup_tier)tier;
}

static int fill(struct fl_run *run, struct series *s, const struct fl_collect *how,
                struct fl_err *err)
{
    uint32_t limit = run->q->limit == 0 ? DEFAULT_LIMIT : run->q->limit;

    limit = limit > MAX_LIMIT ? MAX_LIMIT : limit;
    s->shown = !s->named ? 0 : s->count < limit ? s->count : limit;
    s->values = calloc((s->shown + 1) * s->buckets, sizeof *s->values);
    if (s->values == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for series");
    fl_collect_tell(run, &s->groups);
    if (s->groups.cells_dropped)
        return fill_again(run, s, how, err);
    fill_from_cells(s);
    return FL_OK;
}

static int run_series(struct fl_run *run, struct series *s, struct fl_err *err)
{
    struct fl_collect how = {.groups = &s->groups,
                             .tier = tier_of(s->step_us),
                             .entry = add_entry,
                             .block = add_block,
                             .ctx = s};
    int r;

    how.rollups = how.tier != FL_ROLLUP_TIERS;
    fl_fieldset_add(&how.fields, s->groups.by);
    fl_fieldset_add(&how.fields, FL_F_TIME);
    for (int i = 0; i < 2; i++) {
        if (s->num[i] != FL_FIELD_COUNT)
            fl_fieldset_add(&how.fields, s->num[i]);
    }
    r = fl_collect(run, &how, err);
    if (r == FL_OK)
        r = fl_groups_sort(&s->groups, s->metric, &s->ids, &s->count, err);
    if (r == FL_OK && !run->cancelled)
        r = fill(run, s, &how, err);
    return r < 0 || run->cancelled ? r : put_series(run, s, err);
}

int fl_query_series(struct fl_run *run, struct fl_err *err)
{
    struct series s = {.metric_name = "bytes", .named = run->q->by.len > 0};
    enum fl_field field = FL_F_CATEGORY; /* few keys: for a total any field will do */
    int r = s.named ? fl_run_field(run, run->q->by, &field, err) : FL_OK;

    if (r == FL_OK)
        r = fl_run_metric_of(run->q->metric, &s.metric_name, &s.metric, err);
    if (r == FL_OK)
        r = set_buckets(run, &s, err);
    if (r < 0)
        return r;
    set_columns(&s);
    r = fl_run_groups(run, &s.groups, field, false, s.buckets, run->memory_bytes, err);
    s.local = malloc(LOCAL_CELLS * sizeof *s.local);
    s.local_rows = malloc(LOCAL_CELLS * sizeof *s.local_rows);
    if (r == FL_OK && (s.local == NULL || s.local_rows == NULL))
        r = fl_err_set(err, FL_E_NOMEM, "no memory for series");
    if (r == FL_OK)
        r = run_series(run, &s, err);
    fl_groups_done(&s.groups);
    free(s.ids);
    free(s.values);
    free(s.place);
    free(s.local);
    free(s.local_rows);
    return r;
}
