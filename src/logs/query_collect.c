#include "logs/query_collect.h"

#include <stdlib.h>

const char *fl_collect_name(enum fl_field field)
{
    return fl_fields[field].alias != NULL ? fl_fields[field].alias : fl_fields[field].ecs;
}

void fl_collect_sums(const struct fl_rollup_entry *e, struct fl_sums *add_to)
{
    add_to->v[FL_SUM_ROWS] += e->rows;
    add_to->v[FL_SUM_SESSIONS] += e->sessions;
    add_to->v[FL_SUM_UP] += e->bytes_up;
    add_to->v[FL_SUM_DOWN] += e->bytes_down;
    add_to->v[FL_SUM_PACKETS] += e->packets;
    add_to->v[FL_SUM_SECONDS] += e->seconds;
}

void fl_collect_tell(struct fl_run *run, const struct fl_groups *groups)
{
    if (groups->keys_dropped)
        fl_run_partial(run,
                       "more than %u different values of %s: the memory budget ran out, later ones "
                       "are in \"other\"",
                       (unsigned)(groups->count - FL_GROUP_FIRST), fl_collect_name(groups->by));
    else if (groups->users_dropped)
        fl_run_partial(run, "users were not counted: the memory budget ran out");
}

static enum fl_rollup_dim dim_of(enum fl_field by)
{
    int dim = 0;

    while (dim < FL_ROLLUP_DIMS && fl_rollup_dim_field[dim] != by)
        dim++;
    return (enum fl_rollup_dim)dim;
}

static bool site_only(const struct fl_filter *filter)
{
    if (filter == NULL)
        return true;
    if (filter->op == FL_OP_AND || filter->op == FL_OP_OR)
        return site_only(filter->left) && site_only(filter->right);
    if (filter->op == FL_OP_NOT)
        return site_only(filter->left);
    return filter->op != FL_OP_TEXT && filter->field == FL_F_SITE;
}

static bool on_edge(int64_t us, int64_t tier_us)
{
    return us % tier_us == 0;
}

/* Do the buckets of a tier lie wholly in the time range, or wholly outside, as far as the part has
 * them? */
static bool fits(const struct fl_run *run, const struct fl_part_info *info, int tier)
{
    const int64_t tier_us = fl_rollup_tier_us[tier];

    return info->sealed &&
           (info->min_time_us >= run->q->from_us || on_edge(run->q->from_us, tier_us)) &&
           (info->max_time_us < run->q->to_us || on_edge(run->q->to_us, tier_us));
}

/* Is the bucket in the range? One that is cut by an end lies in a part that is not. */
static bool in_range(const struct fl_run *run, const struct fl_part_info *info, int64_t bucket_us)
{
    return (info->min_time_us >= run->q->from_us || bucket_us >= run->q->from_us) &&
           (info->max_time_us < run->q->to_us || bucket_us < run->q->to_us);
}

/* For each site of a rollup: does the filter take it? */
static bool *take_sites(const struct fl_run *run, const struct fl_span *sites, uint32_t count,
                        struct fl_err *err)
{
    bool *take = calloc((size_t)count + 1, sizeof *take);

    if (take == NULL)
        (void)fl_err_set(err, FL_E_NOMEM, "no memory for sites");
    for (uint32_t i = 0; take != NULL && i < (count == 0 ? 1 : count); i++) {
        struct fl_event ev;

        fl_event_clear(&ev);
        if (i > 0)
            fl_event_str(&ev, FL_F_SITE, sites[i]);
        take[i] = fl_filter_match(run->filter, &ev);
    }
    return take;
}

/* Groups of the keys of a rollup, made when the first entry asks. */
static uint32_t *fresh_ids(uint32_t keys, struct fl_err *err)
{
    uint32_t *ids = malloc(((size_t)keys + 1) * sizeof *ids);

    if (ids == NULL)
        (void)fl_err_set(err, FL_E_NOMEM, "no memory for keys");
    else
        memset(ids, 0xff, ((size_t)keys + 1) * sizeof *ids);
    return ids;
}

static int id_of(struct fl_groups *groups, const struct fl_span *keys, uint32_t key, uint32_t *ids,
                 struct fl_err *err)
{
    if (ids[key] != UINT32_MAX)
        return FL_OK;
    return fl_groups_at(groups, key == 0 ? (struct fl_span){NULL, 0} : keys[key], &ids[key], err);
}

static int add_rollup(struct fl_run *run, const struct fl_collect *how,
                      const struct fl_part_info *info, const struct fl_rollup *u,
                      struct fl_err *err)
{
    bool *take = take_sites(run, u->sites, u->site_count, err);
    uint32_t *ids = take == NULL ? NULL : fresh_ids(u->key_count, err);
    int r = ids == NULL ? FL_E_NOMEM : FL_OK;

    for (size_t i = 0; r == FL_OK && i < u->count; i++) {
        const struct fl_rollup_entry *e = &u->entries[i];

        if (!take[e->site] || !in_range(run, info, e->bucket_us))
            continue;
        run->end->rows_matched += e->rows;
        r = id_of(how->groups, u->keys, e->key, ids, err);
        if (r == FL_OK)
            r = how->entry(how->ctx, ids[e->key], e, err);
    }
    free(take);
    free(ids);
    return r;
}

/* ---- remembered sums: numbers of the tenant's set instead of words ---- */

struct known { /* for one query */
    struct fl_sumset *set;
    enum fl_rollup_dim dim;
    uint32_t *ids; /* number of a key to group; UINT32_MAX: not yet */
    uint32_t id_count;
    signed char *take; /* number of a site: -1 not yet */
    uint32_t take_count;
};

static bool grow(void **at, uint32_t *count, uint32_t need, size_t size)
{
    uint32_t more = need > *count * 2 ? need : *count * 2;
    unsigned char *grown = need <= *count ? *at : realloc(*at, more * size);

    if (grown == NULL)
        return false;
    if (need > *count) {
        memset(grown + *count * size, 0xff, (more - *count) * size);
        *count = more;
    }
    *at = grown;
    return true;
}

static bool make_room(struct known *k)
{
    void *ids = k->ids, *take = k->take;
    bool ok = grow(&ids, &k->id_count, fl_sumset_keys(k->set, k->dim), sizeof *k->ids) &&
              grow(&take, &k->take_count, fl_sumset_sites(k->set), sizeof *k->take);

    k->ids = ids;
    k->take = take;
    return ok;
}

static bool takes_site(const struct fl_run *run, struct known *k, uint32_t site)
{
    if (k->take[site] < 0) {
        struct fl_event ev;

        fl_event_clear(&ev);
        if (site > 0)
            fl_event_str(&ev, FL_F_SITE, fl_sumset_site(k->set, site));
        k->take[site] = fl_filter_match(run->filter, &ev);
    }
    return k->take[site] != 0;
}

static int add_list(struct fl_run *run, const struct fl_collect *how,
                    const struct fl_part_info *info, struct known *k,
                    const struct fl_sum_list *list, struct fl_err *err)
{
    int r = make_room(k) ? FL_OK : fl_err_set(err, FL_E_NOMEM, "no memory for keys");

    for (size_t i = 0; r == FL_OK && i < list->count; i++) {
        const struct fl_sum_entry *s = &list->entries[i];
        const struct fl_rollup_entry e = {.bucket_us = list->bucket_us[s->bucket],
                                          .rows = s->rows,
                                          .sessions = s->sessions,
                                          .bytes_up = s->up,
                                          .bytes_down = s->down,
                                          .packets = s->packets,
                                          .seconds = s->seconds};

        if (!in_range(run, info, e.bucket_us) ||
            (run->filter != NULL && !takes_site(run, k, s->site)))
            continue;
        run->end->rows_matched += e.rows;
        if (k->ids[s->key] == UINT32_MAX)
            r = fl_groups_at(how->groups,
                             s->key == 0 ? (struct fl_span){NULL, 0}
                                         : fl_sumset_key(k->set, k->dim, s->key),
                             &k->ids[s->key], err);
        if (r == FL_OK)
            r = how->entry(how->ctx, k->ids[s->key], &e, err);
    }
    return r;
}

static int add_rollup_users(struct fl_run *run, const struct fl_collect *how,
                            const struct fl_rollup_users *u, struct fl_err *err)
{
    bool *take = take_sites(run, u->sites, u->site_count, err);
    uint32_t *ids = take == NULL ? NULL : fresh_ids(u->key_count, err);
    uint32_t *users = ids == NULL ? NULL : fresh_ids(u->user_count, err);
    int r = users == NULL ? FL_E_NOMEM : FL_OK;

    for (size_t i = 0; r == FL_OK && i < u->count; i++) {
        uint32_t key = u->pairs[i].key, user = u->pairs[i].user;

        if (!take[u->pairs[i].site] || user == 0)
            continue;
        r = id_of(how->groups, u->keys, key, ids, err);
        if (r == FL_OK)
            r = fl_groups_user(how->groups, ids[key], u->users[user], &users[user], err);
    }
    free(take);
    free(ids);
    free(users);
    return r;
}

static int users_of_rows(struct fl_run *run, const struct fl_run_block *block, void *ctx,
                         struct fl_err *err)
{
    struct fl_groups *groups = ctx;
    uint32_t n;
    int r = fl_groups_resolve(groups, &block->view, block->bits, &n, err);

    (void)run;
    return r < 0 ? r : fl_groups_add_users(groups, &block->view, n, err);
}

static bool is_inside(const struct fl_run *run, const struct fl_part_info *info)
{
    return info->min_time_us >= run->q->from_us && info->max_time_us < run->q->to_us;
}

/* Distinct users are no sum. Where their list is not stored, two columns of the rows have them. */
static int count_users(struct fl_run *run, const struct fl_collect *how,
                       const struct fl_part_info *info, enum fl_rollup_dim dim,
                       struct fl_part *part, struct fl_err *err)
{
    struct fl_fieldset fields = {{0, 0}};
    struct fl_rollup_users *users;
    int r;

    if (is_inside(run, info) && fl_part_has_rollup_users(part, dim) &&
        fl_part_rollup_users(part, dim, &users, &run->end->bytes_read, NULL) >= 0) {
        r = add_rollup_users(run, how, users, err);
        fl_rollup_users_free(users);
        return r;
    }
    fl_fieldset_add(&fields, how->groups->by);
    fl_fieldset_add(&fields, FL_F_USER);
    return fl_run_part(run, part, &fields, users_of_rows, how->groups, err);
}

/* Sums of one tier: 1 they were added, 0 there are none. */
static int add_tier(struct fl_run *run, const struct fl_collect *how,
                    const struct fl_part_info *info, struct known *k, struct fl_part *part,
                    enum fl_rollup_tier tier, struct fl_err *err)
{
    const unsigned char *id = fl_part_file_id(part);
    const struct fl_sum_list *list =
        k->set == NULL || id == NULL ? NULL : fl_sumset_get(k->set, id, k->dim, tier);
    struct fl_rollup *sums = NULL;
    bool stored = true;
    int r = FL_OK;

    if (list == NULL) {
        stored = fl_part_has_rollup(part, k->dim, tier);
        if (stored && fl_part_rollup(part, k->dim, tier, &sums, &run->end->bytes_read, NULL) < 0)
            return 0; /* the rows may tell more */
        if (k->set != NULL && id != NULL)
            list = fl_sumset_add(k->set, id, k->dim, tier, sums);
    } else {
        stored = list->bucket_us != NULL;
    }
    if (stored && list != NULL)
        r = add_list(run, how, info, k, list, err);
    else if (stored)
        r = add_rollup(run, how, info, sums, err);
    fl_sum_list_unref(list);
    fl_rollup_free(sums);
    return r < 0 ? r : stored;
}

/* 1: the part is counted; 0: it has to be read row by row. */
static int from_rollup(struct fl_run *run, const struct fl_collect *how,
                       const struct fl_part_info *info, struct known *k, struct fl_part *part,
                       struct fl_err *err)
{
    int r = 0;

    /* Sums of all sites are fewer; then the coarsest first. */
    for (int all = run->filter == NULL; all >= 0 && r == 0; all--)
        for (int tier = (int)how->tier; tier >= 0 && r == 0; tier--)
            if (fits(run, info, tier))
                r = add_tier(run, how, info, k, part,
                             (enum fl_rollup_tier)(tier + (all ? FL_TIER_5M_ALL : 0)), err);
    if (r <= 0)
        return r;
    run->end->from_rollups = true;
    run->looked = true;
    if (how->groups->want_users)
        r = count_users(run, how, info, k->dim, part, err);
    return r < 0 ? r : 1;
}

int fl_collect(struct fl_run *run, const struct fl_collect *how, struct fl_err *err)
{
    struct known known = {.set = fl_parts_sums(run->parts), .dim = dim_of(how->groups->by)};
    bool rollups =
        how->rollups && !run->q->rows_only && known.dim != FL_ROLLUP_DIMS && site_only(run->filter);
    int r = 0;

    for (size_t i = 0; r >= 0 && i < fl_parts_count(run->parts) && fl_run_goes_on(run); i++) {
        struct fl_part *part = fl_parts_get(run->parts, i);
        struct fl_part_info info;

        fl_part_info(part, &info);
        r = rollups && info.sealed ? from_rollup(run, how, &info, &known, part, err) : 0;
        if (r == 0)
            r = fl_run_part(run, part, &how->fields, how->block, how->ctx, err);
    }
    free(known.ids);
    free(known.take);
    return r < 0 ? r : FL_OK;
}
