#include "logs/query.h"

#include <stdlib.h>

#include "base/time.h"
#include "logs/query_run.h"

enum { ARENA_BYTES = 256 * 1024 };

#define OUT_MAX_BYTES ((size_t)64 << 20) /* one row, with every byte escaped */

struct kind {
    int (*run)(struct fl_run *run, struct fl_err *err);
    bool ranged;   /* looks at [from, to) */
    bool budgeted; /* ends when its time is over */
};

static const struct kind kinds[] = {
    [FL_Q_TOP] = {fl_query_top, true, true},
    [FL_Q_SERIES] = {fl_query_series, true, true},
    [FL_Q_LATEST] = {fl_query_latest, true, true},
    [FL_Q_FACETS] = {fl_query_facets, true, true},
    [FL_Q_CONTEXT] = {fl_query_context, false, true},
    [FL_Q_EXPORT] = {fl_query_export, true, false},
    [FL_Q_TAIL] = {fl_query_tail, false, false},
    [FL_Q_COUNT] = {fl_query_count, true, true},
};

/* ---- arguments ---- */

int fl_run_groups(struct fl_run *run, struct fl_groups *g, enum fl_field by, bool want_users,
                  size_t cells, size_t max_bytes, struct fl_err *err)
{
    int r = fl_groups_init(g, by, want_users, cells, max_bytes, err);

    g->mask = run->mask;
    return r;
}

int fl_run_field(struct fl_run *run, struct fl_span name, enum fl_field *ret, struct fl_err *err)
{
    enum fl_field field = fl_field_find(name);
    int show = name.len < 64 ? (int)name.len : 64;

    if (field == FL_FIELD_COUNT)
        return fl_err_set(err, FL_E_INVAL,
                          "no field \"%.*s\" to group by; fields are app, domain, category, user, "
                          "site, device, src, dst, action, ...",
                          show, (const char *)name.ptr);
    if (fl_fields[field].type == FL_T_TIME || field == FL_F_SEQ || field == FL_F_SHAPE)
        return fl_err_set(err, FL_E_INVAL, "rows cannot be grouped by %s", fl_fields[field].ecs);
    *ret = field;
    return run->mask == NULL ? FL_OK : fl_mask_may_group(field, err);
}

static uint64_t bytes_of(const struct fl_sums *sums)
{
    return sums->v[FL_SUM_UP] + sums->v[FL_SUM_DOWN];
}

static uint64_t up_of(const struct fl_sums *sums)
{
    return sums->v[FL_SUM_UP];
}

static uint64_t down_of(const struct fl_sums *sums)
{
    return sums->v[FL_SUM_DOWN];
}

static uint64_t sessions_of(const struct fl_sums *sums)
{
    return sums->v[FL_SUM_SESSIONS];
}

static uint64_t packets_of(const struct fl_sums *sums)
{
    return sums->v[FL_SUM_PACKETS];
}

static uint64_t seconds_of(const struct fl_sums *sums)
{
    return sums->v[FL_SUM_SECONDS];
}

static uint64_t rows_of(const struct fl_sums *sums)
{
    return sums->v[FL_SUM_ROWS];
}

int fl_run_metric_of(struct fl_span name, const char **ret_name, fl_run_metric **ret,
                     struct fl_err *err)
{
    static const struct {
        const char *name;
        fl_run_metric *metric;
    } metrics[] = {
        {"bytes", bytes_of},     {"sessions", sessions_of}, {"packets", packets_of},
        {"seconds", seconds_of}, {"rows", rows_of},         {"up", up_of},
        {"down", down_of},
    };

    for (size_t i = 0; i < FL_LEN(metrics); i++) {
        if (!fl_span_eq(name, fl_span_str(metrics[i].name)) && (i > 0 || name.len > 0))
            continue;
        *ret_name = metrics[i].name;
        *ret = metrics[i].metric;
        return FL_OK;
    }
    return fl_err_set(err, FL_E_INVAL,
                      "no metric \"%.*s\"; write bytes, sessions, packets, seconds, rows, up or "
                      "down",
                      name.len < 64 ? (int)name.len : 64, (const char *)name.ptr);
}

/* ---- life ---- */

/* What is hidden is hidden from the conditions too. */
static int set_mask(struct fl_run *run, struct fl_err *err)
{
    bool narrowed = false;
    int r;

    if (run->q->names_key == NULL)
        return run->q->masked ? fl_err_set(err, FL_E_DENIED, "personal data cannot be hidden")
                              : FL_OK;
    r = fl_mask_new(run->q->names_key, &run->names, err);
    if (r < 0)
        return r;
    run->mask = run->q->masked ? run->names : NULL;
    r = fl_mask_filter(run->mask, run->names, run->filter, &narrowed, err);
    if (r == FL_OK && narrowed)
        fl_run_partial(run, "free words are looked for in addresses of web pages only, while "
                            "personal data is hidden");
    return r;
}

static int begin(struct fl_run *run, const struct kind *kind, struct fl_err *err)
{
    const struct fl_query *q = run->q;
    int r;

    if (kind->ranged && q->from_us >= q->to_us)
        return fl_err_set(err, FL_E_INVAL, "the time range is empty: its end must be later");
    r = fl_filter_parse(q->filter, &run->arena, &run->filter, err);
    if (r == FL_OK)
        r = set_mask(run, err);
    if (r < 0)
        return fl_err_wrap(err, "filter");
    if (kind->budgeted && q->budget_ms > 0)
        run->deadline_us = run->begin_us + (int64_t)q->budget_ms * 1000;
    if (!kind->ranged)
        return fl_scan_init(&run->scan, run->filter, INT64_MIN, INT64_MAX, err);
    r = fl_scan_init(&run->scan, run->filter, q->from_us, q->to_us, err);
    return r < 0 ? r : fl_run_parts(run, q->from_us, q->to_us, err);
}

int fl_run_begin(struct fl_run *run, struct fl_store *store, const struct fl_query *query,
                 const struct fl_query_sink *sink, struct fl_query_end *end, struct fl_err *err)
{
    size_t kind = (size_t)query->kind;

    *run = (struct fl_run){.store = store,
                           .q = query,
                           .sink = sink,
                           .end = end,
                           .begin_us = fl_now_mono_us(),
                           .deadline_us = INT64_MAX,
                           .memory_bytes = query->budget_bytes > 0 ? query->budget_bytes
                                                                   : FL_QUERY_MEMORY_BYTES};
    fl_arena_init(&run->arena, ARENA_BYTES);
    fl_buf_init(&run->out, OUT_MAX_BYTES);
    if (kind >= FL_LEN(kinds) || kinds[kind].run == NULL)
        return fl_err_set(err, FL_E_INVAL, "no query of kind %zu", kind);
    return begin(run, &kinds[kind], err);
}

void fl_run_finish(struct fl_run *run)
{
    fl_parts_free(run->parts);
    fl_scan_done(&run->scan);
    fl_mask_free(run->names);
    fl_arena_done(&run->arena);
    fl_buf_done(&run->out);
}

int fl_query_run(struct fl_store *store, const struct fl_query *query,
                 const struct fl_query_sink *sink, struct fl_query_end *ret_end, struct fl_err *err)
{
    struct fl_run run;
    int r;

    *ret_end = (struct fl_query_end){.partial = false};
    r = fl_run_begin(&run, store, query, sink, ret_end, err);
    if (r >= 0)
        r = kinds[query->kind].run(&run, err);
    if (r >= 0)
        r = fl_run_flush(&run, true, err);
    fl_run_finish(&run);
    ret_end->elapsed_us = (uint64_t)(fl_now_mono_us() - run.begin_us);
    return r < 0 ? r : FL_OK;
}
