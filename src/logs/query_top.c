/* Top-N: groups of one field, from rollups where they give the same sums, else from rows. */
#include <inttypes.h>
#include <stdlib.h>

#include "logs/enrich.h"
#include "logs/query_collect.h"

enum { DEFAULT_LIMIT = 10, MAX_LIMIT = 10000, CATEGORY_BLOCKS = 8 };

struct top {
    struct fl_groups groups;
    const char *metric_name;
    fl_run_metric *metric;
    struct fl_sums total;
    bool no_users;
    uint32_t *ids, count, shown; /* sorted */
    struct fl_span *category;    /* by place in ids; borrowed from words */
    struct fl_dict *words;
};

static int add_entry(void *ctx, uint32_t id, const struct fl_rollup_entry *e, struct fl_err *err)
{
    struct top *top = ctx;

    (void)err;
    fl_collect_sums(e, &top->groups.group[id].sums);
    return FL_OK;
}

static int add_block(struct fl_run *run, const struct fl_run_block *block, void *ctx,
                     struct fl_err *err)
{
    struct top *top = ctx;
    uint32_t n;
    int r = fl_groups_add_block(&top->groups, &block->view, block->bits, &n, err);

    run->end->rows_matched += r < 0 ? 0 : n;
    return r;
}

/* ---- the category beside an application: the device's word first, the shipped table second ----
 */

static void note_category(struct top *top, const struct fl_block *block, uint32_t row,
                          uint32_t *missing)
{
    const struct fl_col *app = &block->col[FL_F_APP], *category = &block->col[FL_F_CATEGORY];
    uint32_t code;

    if (!fl_col_has(app, row) || !fl_col_has(category, row))
        return;
    for (uint32_t i = 0; i < top->shown; i++) {
        if (top->category[i].len > 0 ||
            !fl_span_eq(top->groups.group[top->ids[i]].key, app->words[app->code[row]]))
            continue;
        if (fl_dict_intern(top->words, category->words[category->code[row]], &code, NULL) == 0) {
            uint32_t count;

            top->category[i] = fl_dict_words(top->words, &count)[code];
            --*missing;
        }
        return;
    }
}

static void note_block(struct top *top, const struct fl_block *block, uint32_t *missing)
{
    const struct fl_col *app = &block->col[FL_F_APP];
    unsigned char *seen = calloc(1, (size_t)app->word_count + 1);

    for (uint32_t row = block->rows; seen != NULL && row-- > 0 && *missing > 0;) {
        uint32_t code = app->present == 0 ? 0 : app->code[row];

        if (code == 0 || seen[code] != 0)
            continue;
        seen[code] = 1;
        note_category(top, block, row, missing);
    }
    free(seen);
}

/* The newest rows say it; a few blocks are enough, the table knows the rest. */
static void look_for_categories(struct fl_run *run, struct top *top, uint32_t *missing)
{
    struct fl_fieldset fields = {{0, 0}};
    unsigned left = CATEGORY_BLOCKS;

    fl_fieldset_add(&fields, FL_F_APP);
    fl_fieldset_add(&fields, FL_F_CATEGORY);
    for (size_t i = fl_parts_count(run->parts); i-- > 0 && left > 0 && *missing > 0;) {
        struct fl_part *part = fl_parts_get(run->parts, i);
        struct fl_part_info info;

        fl_part_info(part, &info);
        for (uint32_t no = info.blocks; no-- > 0 && left > 0 && *missing > 0; left--) {
            struct fl_block *block;

            if (!fl_run_goes_on(run) ||
                fl_part_load(part, no, &fields, &block, &run->end->bytes_read, NULL) < 0)
                return;
            note_block(top, block, missing);
            fl_block_free(block);
        }
    }
}

static int find_categories(struct fl_run *run, struct top *top, struct fl_err *err)
{
    uint32_t missing = 0;
    int r = fl_dict_new(&top->words, err);

    if (r < 0)
        return r;
    top->category = calloc((size_t)top->shown + 1, sizeof *top->category);
    if (top->category == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for categories");
    for (uint32_t i = 0; i < top->shown; i++)
        missing += top->groups.group[top->ids[i]].key.len > 0;
    look_for_categories(run, top, &missing);
    for (uint32_t i = 0; i < top->shown; i++) {
        if (top->category[i].len == 0)
            top->category[i] = fl_enrich_app_category(top->groups.group[top->ids[i]].key);
    }
    return FL_OK;
}

/* ---- output ---- */

static void put_sums(struct fl_json *j, const struct fl_sums *sums)
{
    fl_json_u64(j, "rows", sums->v[FL_SUM_ROWS]);
    fl_json_u64(j, "sessions", sums->v[FL_SUM_SESSIONS]);
    fl_json_u64(j, "bytes", sums->v[FL_SUM_UP] + sums->v[FL_SUM_DOWN]);
    fl_json_u64(j, "bytes_up", sums->v[FL_SUM_UP]);
    fl_json_u64(j, "bytes_down", sums->v[FL_SUM_DOWN]);
    fl_json_u64(j, "packets", sums->v[FL_SUM_PACKETS]);
    fl_json_u64(j, "seconds", sums->v[FL_SUM_SECONDS]);
}

/* Without counted users (out of memory) null, where the group is a user 1. */
static void put_users(struct fl_json *j, const struct top *top, uint64_t users)
{
    if (top->groups.users_dropped || top->no_users)
        fl_json_null(j, "users");
    else
        fl_json_u64(j, "users", users);
}

static double share_of(const struct top *top, const struct fl_sums *sums)
{
    double total = (double)top->metric(&top->total), part = (double)top->metric(sums);

    return total <= 0 ? 0 : (double)(uint64_t)(part / total * 1e6 + 0.5) / 1e6; /* six digits */
}

static int put_items(struct fl_run *run, struct fl_json *j, const struct top *top,
                     struct fl_err *err)
{
    char buf[160];
    int r = FL_OK;

    fl_json_array(j, "items");
    for (uint32_t i = 0; r == FL_OK && i < top->shown; i++) {
        uint32_t id = top->ids[i];
        const struct fl_group *group = &top->groups.group[id];

        fl_json_object(j, NULL);
        if (id == FL_GROUP_NONE)
            fl_json_null(j, "key");
        else
            fl_json_str(j, "key", fl_groups_text(&top->groups, id, buf));
        if (top->category != NULL && top->category[i].len > 0)
            fl_json_str(j, "category", top->category[i]);
        else if (top->category != NULL)
            fl_json_null(j, "category");
        put_sums(j, &group->sums);
        put_users(j, top, top->groups.by == FL_F_USER ? id != FL_GROUP_NONE : group->users.count);
        fl_json_f64(j, "share", share_of(top, &group->sums));
        fl_json_end(j);
        r = fl_run_flush(run, false, err);
    }
    fl_json_end(j);
    return r;
}

/* Sums, distinct keys and users of the groups from place `first` on, and of what was not kept
 * apart. */
static int put_rest(struct fl_json *j, const char *name, const struct top *top, uint32_t first,
                    struct fl_err *err)
{
    struct fl_sums sums = top->groups.group[FL_GROUP_REST].sums;
    struct fl_idset users = {.count = 0};
    uint64_t keys = 0;
    bool ok =
        fl_idset_join(&users, &top->groups.group[FL_GROUP_REST].users, top->groups.user_count);

    for (uint32_t i = first; ok && i < top->count; i++) {
        const struct fl_group *group = &top->groups.group[top->ids[i]];

        fl_sums_join(&sums, &group->sums);
        keys += top->ids[i] != FL_GROUP_NONE;
        ok = fl_idset_join(&users, &group->users, top->groups.user_count);
    }
    fl_json_object(j, name);
    put_sums(j, &sums);
    put_users(j, top, top->groups.by == FL_F_USER ? keys : users.count);
    fl_json_u64(j, "keys", keys);
    fl_json_end(j);
    fl_idset_done(&users);
    return ok ? FL_OK : fl_err_set(err, FL_E_NOMEM, "no memory to count users");
}

static int put_top(struct fl_run *run, const struct top *top, struct fl_err *err)
{
    struct fl_json j;
    int r;

    fl_json_init(&j, &run->out);
    fl_json_object(&j, NULL);
    fl_json_text(&j, "by", fl_collect_name(top->groups.by));
    fl_json_text(&j, "metric", top->metric_name);
    fl_json_time(&j, "from", run->q->from_us);
    fl_json_time(&j, "to", run->q->to_us);
    r = put_items(run, &j, top, err);
    if (r == FL_OK)
        r = put_rest(&j, "other", top, top->shown, err);
    if (r == FL_OK)
        r = put_rest(&j, "total", top, 0, err);
    fl_json_end(&j);
    fl_buf_put_u8(&run->out, '\n');
    return r;
}

/* ---- the query ---- */

static void done(struct top *top)
{
    fl_groups_done(&top->groups);
    fl_dict_free(top->words);
    free(top->ids);
    free(top->category);
}

static int collect(struct fl_run *run, struct top *top, struct fl_err *err)
{
    struct fl_collect how = {.groups = &top->groups,
                             .tier = FL_TIER_1D,
                             .rollups = true,
                             .entry = add_entry,
                             .block = add_block,
                             .ctx = top};
    int r;

    fl_groups_fields(&top->groups, &how.fields);
    r = fl_collect(run, &how, err);
    if (r == FL_OK)
        r = fl_groups_sort(&top->groups, top->metric, &top->ids, &top->count, err);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < top->groups.count; i++)
        fl_sums_join(&top->total, &top->groups.group[i].sums);
    return FL_OK;
}

static int run_top(struct fl_run *run, struct top *top, struct fl_err *err)
{
    uint32_t limit = run->q->limit == 0 ? DEFAULT_LIMIT : run->q->limit;
    int r = collect(run, top, err);

    if (r < 0 || run->cancelled)
        return r;
    fl_collect_tell(run, &top->groups);
    limit = limit > MAX_LIMIT ? MAX_LIMIT : limit;
    top->shown = top->count < limit ? top->count : limit;
    if (top->groups.by == FL_F_APP)
        r = find_categories(run, top, err);
    return r < 0 || run->cancelled ? r : put_top(run, top, err);
}

int fl_query_top(struct fl_run *run, struct fl_err *err)
{
    struct fl_span by = run->q->by.len > 0 ? run->q->by : FL_SPAN("app");
    struct top top = {.count = 0};
    enum fl_field field;
    int r = fl_run_field(run, by, &field, err);

    if (r == FL_OK)
        r = fl_run_metric_of(run->q->metric, &top.metric_name, &top.metric, err);
    top.no_users = run->q->no_users || fl_span_eq(run->q->format, FL_SPAN("sums"));
    if (r == FL_OK)
        r = fl_run_groups(run, &top.groups, field, field != FL_F_USER && !top.no_users, 0,
                          run->memory_bytes, err);
    if (r == FL_OK)
        r = run_top(run, &top, err);
    done(&top);
    return r;
}
