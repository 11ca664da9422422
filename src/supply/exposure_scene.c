/* What an outage does to sites and arms, and which parts then compete for the same capacity. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "supply/exposure_int.h"

/* ---- outages ---- */

static void seed(struct fl_exposure *x, uint32_t arm)
{
    uint32_t over = x->takes_over[arm];

    if (!x->arm_on[arm])
        return;
    if (x->item_mark[x->arms[arm].part] != x->walk) {
        x->item_mark[x->arms[arm].part] = x->walk;
        x->seeds[x->seed_count++] = x->arms[arm].part;
    }
    if (over != FL_NET_NONE)
        x->arm_on[over] = true;
}

static void down_site(struct fl_exposure *x, uint32_t site, double left, double until)
{
    const struct fl_net *net = x->net;

    if (left > 0 && isinf(net->sites[site].capacity_per_day))
        return; /* what is not limited loses nothing by halves */
    if (x->site_until[site] == 0)
        x->hit_sites[x->hit_site_count++] = site;
    x->site_left[site] = fmin(x->site_left[site], left);
    x->site_until[site] = fmax(x->site_until[site], until);
    for (uint32_t i = net->sources_of_site.start[site]; i < net->sources_of_site.start[site + 1];
         i++)
        seed(x, net->sources_of_site.list[i]);
}

static void down_source(struct fl_exposure *x, uint32_t arm, double left, double until)
{
    if (left > 0 && x->arms[arm].load == 0)
        return;
    if (x->arm_until[arm] == 0)
        x->hit_arms[x->hit_arm_count++] = arm;
    x->arm_left[arm] = fmin(x->arm_left[arm], left);
    x->arm_until[arm] = fmax(x->arm_until[arm], until);
    seed(x, arm);
}

static int outage_days(const struct fl_net *net, const struct fl_outage *o, double days,
                       double *ret, struct fl_err *err)
{
    uint32_t site = o->site;

    if (o->source != FL_NET_NONE && o->source < net->source_count)
        site = net->sources[o->source].site;
    if (site >= net->site_count)
        return fl_err_set(err, FL_E_INVAL, "an outage names neither a site nor a source");
    *ret = days > 0 ? days : isnan(o->days) ? net->sites[site].ttr_days : o->days;
    if (!(*ret >= 0) || isinf(*ret))
        return fl_err_set(err, FL_E_INVAL,
                          "site '%s': its time to recover is not known; put ttr_days in, or say "
                          "how long it is down",
                          net->sites[site].id);
    if (!(o->left >= 0 && o->left <= 1))
        return fl_err_set(err, FL_E_INVAL, "site '%s': the share that is left must be 0 to 1",
                          net->sites[site].id);
    return FL_OK;
}

/* The longest ones stay down: that is what the time to survive is asked for. */
int fl_scene_set(struct fl_exposure *x, const struct fl_outage *outages, size_t count, double days,
                 double *ret_days, struct fl_err *err)
{
    double longest = 0, one = 0;

    for (size_t i = 0; i < count; i++) {
        if (outage_days(x->net, &outages[i], days, &one, err) < 0)
            return FL_E_INVAL;
        longest = fmax(longest, one);
    }
    x->walk++;
    for (size_t i = 0; i < count; i++) {
        const struct fl_outage *o = &outages[i];

        if (outage_days(x->net, o, days, &one, err) < 0)
            return FL_E_INVAL;
        if (o->left >= 1 || (one == 0 && longest > 0))
            continue;
        if (o->source == FL_NET_NONE)
            down_site(x, o->site, o->left, one < longest ? one : INFINITY);
        else
            down_source(x, o->source, o->left, one < longest ? one : INFINITY);
    }
    *ret_days = longest;
    return FL_OK;
}

static void close_over(struct fl_exposure *x, uint32_t arm)
{
    if (x->takes_over[arm] != FL_NET_NONE)
        x->arm_on[x->takes_over[arm]] = false;
}

void fl_scene_clear(struct fl_exposure *x)
{
    const struct fl_net_index *of_site = &x->net->sources_of_site;

    for (uint32_t i = 0; i < x->hit_site_count; i++) {
        uint32_t site = x->hit_sites[i];

        x->site_left[site] = 1;
        x->site_until[site] = 0;
        for (uint32_t k = of_site->start[site]; k < of_site->start[site + 1]; k++)
            close_over(x, of_site->list[k]);
    }
    for (uint32_t i = 0; i < x->hit_arm_count; i++) {
        x->arm_left[x->hit_arms[i]] = 1;
        x->arm_until[x->hit_arms[i]] = 0;
        close_over(x, x->hit_arms[i]);
    }
    x->hit_site_count = x->hit_arm_count = x->seed_count = 0;
}

double fl_scene_time(double left, double until, double t)
{
    return t <= until ? left * t : left * until + (t - until);
}

struct fl_line fl_scene_line(double left, double until, double lo)
{
    if (lo < until)
        return (struct fl_line){0, left};
    return (struct fl_line){left * until - until, 1};
}

bool fl_arm_closed(const struct fl_exposure *x, const struct fl_arm *arm, double lo)
{
    size_t i = (size_t)(arm - x->arms);

    return !x->arm_on[i] || lo < arm->bring_up ||
           (x->site_left[arm->site] == 0 && lo < x->site_until[arm->site]) ||
           (x->arm_left[i] == 0 && lo < x->arm_until[i]);
}

/* ---- groups ---- */

static bool never_opens(const struct fl_exposure *x, uint32_t arm)
{
    return fl_arm_closed(x, &x->arms[arm], FL_NEVER_DAYS);
}

/* Has it a source that gives whatever is asked, at once? Such a part binds nothing. */
static bool plenty(const struct fl_exposure *x, uint32_t part)
{
    const struct fl_net_index *of_part = &x->arms_of_part;

    for (uint32_t i = of_part->start[part]; i < of_part->start[part + 1]; i++) {
        const struct fl_arm *arm = &x->arms[of_part->list[i]];

        if (arm->load == 0 && !fl_arm_closed(x, arm, 0))
            return true;
    }
    return false;
}

/* A growing list in work: the room it has doubles. */
struct list {
    uint32_t *v, count, cap;
};

static int push(struct fl_exposure *x, struct list *list, uint32_t value, struct fl_err *err)
{
    uint32_t cap = list->cap == 0 ? 8 : list->cap * 2, *more;

    if (list->count == list->cap) {
        more = fl_exposure_get(x, cap, sizeof *more, err);
        if (more == NULL)
            return FL_E_NOMEM;
        if (list->count > 0)
            memcpy(more, list->v, list->count * sizeof *more);
        list->v = more;
        list->cap = cap;
    }
    list->v[list->count++] = value;
    return FL_OK;
}

struct walk {
    struct fl_exposure *x;
    struct list parts, arms, sites;
};

static int visit_part(struct walk *w, uint32_t part, bool always, struct fl_err *err)
{
    struct fl_exposure *x = w->x;

    if (x->item_mark[part] == x->walk)
        return FL_OK;
    x->item_mark[part] = x->walk;
    if (!(x->rate[part] > 0) || (!always && plenty(x, part)))
        return FL_OK;
    return push(x, &w->parts, part, err);
}

static int visit_arm(struct walk *w, uint32_t arm, struct fl_err *err)
{
    struct fl_exposure *x = w->x;
    uint32_t site = x->arms[arm].site;
    const struct fl_net_index *of_site = &x->arms_of_site;
    int r = FL_OK;

    if (!x->arm_on[arm] || never_opens(x, arm))
        return FL_OK;
    r = push(x, &w->arms, arm, err);
    if (r < 0 || x->arms[arm].load == 0 || x->site_mark[site] == x->walk)
        return r;
    x->site_mark[site] = x->walk;
    r = push(x, &w->sites, site, err);
    for (uint32_t i = of_site->start[site]; r == FL_OK && i < of_site->start[site + 1]; i++) {
        uint32_t other = of_site->list[i];

        if (x->arm_on[other] && !never_opens(x, other))
            r = visit_part(w, x->arms[other].part, false, err);
    }
    return r;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Where something opens or is back. */
static int find_breaks(struct fl_exposure *x, struct fl_group *g, struct fl_err *err)
{
    uint32_t n = 0, kept = 0;
    double *v = fl_exposure_get(x, 3 * (size_t)g->arm_count, sizeof *v, err);

    if (v == NULL)
        return FL_E_NOMEM;
    for (uint32_t i = 0; i < g->arm_count; i++) {
        const struct fl_arm *arm = &x->arms[g->arms[i]];
        const double at[] = {arm->bring_up, x->site_until[arm->site], x->arm_until[g->arms[i]]};

        for (size_t k = 0; k < FL_LEN(at) && x->arm_on[g->arms[i]]; k++)
            if (at[k] > 0 && at[k] < FL_NEVER_DAYS)
                v[n++] = at[k];
    }
    if (n > 0)
        qsort(v, n, sizeof *v, by_value);
    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || v[i] > v[kept - 1])
            v[kept++] = v[i];
    g->breaks = v;
    g->break_count = kept;
    return FL_OK;
}

static int take(struct walk *w, struct fl_group *ret, struct fl_err *err)
{
    *ret = (struct fl_group){.parts = w->parts.v,
                             .arms = w->arms.v,
                             .sites = w->sites.v,
                             .part_count = w->parts.count,
                             .arm_count = w->arms.count,
                             .site_count = w->sites.count,
                             .tts_days = INFINITY};
    return find_breaks(w->x, ret, err);
}

/* Parts that are reached from this one over sites with a capacity. No parts: it binds nothing. */
static int group_of(struct fl_exposure *x, uint32_t part, struct fl_group *ret, struct fl_err *err)
{
    struct walk w = {.x = x};
    const struct fl_net_index *of_part = &x->arms_of_part;
    int r = visit_part(&w, part, false, err);

    for (uint32_t k = 0; r == FL_OK && k < w.parts.count; k++) {
        uint32_t at = w.parts.v[k];

        for (uint32_t i = of_part->start[at]; r == FL_OK && i < of_part->start[at + 1]; i++)
            r = visit_arm(&w, of_part->list[i], err);
    }
    return r == FL_OK ? take(&w, ret, err) : r;
}

/* One more group, if it has parts that no group has yet. */
static int add_group(struct fl_exposure *x, uint32_t part, struct fl_group *groups, uint32_t *n,
                     struct fl_err *err)
{
    struct fl_group g = {0};
    int r = x->item_mark[part] == x->walk ? FL_OK : group_of(x, part, &g, err);

    if (r == FL_OK && g.part_count > 0)
        groups[(*n)++] = g;
    return r;
}

int fl_scene_groups(struct fl_exposure *x, struct fl_group **ret, uint32_t *ret_count,
                    struct fl_err *err)
{
    uint32_t n = 0;
    struct fl_group *groups =
        fl_exposure_get(x, (size_t)x->seed_count + x->weak_count + 1, sizeof *groups, err);
    int r = FL_OK;

    if (groups == NULL)
        return FL_E_NOMEM;
    x->walk++;
    for (uint32_t i = 0; r == FL_OK && i < x->seed_count; i++)
        r = add_group(x, x->seeds[i], groups, &n, err);
    for (uint32_t i = 0; r == FL_OK && i < x->weak_count; i++) {
        uint32_t before = n;

        r = add_group(x, x->weak[i], groups, &n, err);
        /* one that lost a part to the outage has more for the others */
        if (r < 0 || n == before || groups[before].part_count != x->weak_size[i])
            continue;
        groups[before].known = true;
        groups[before].tts_days = x->weak_days[i];
    }
    *ret = groups;
    *ret_count = n;
    return r;
}

static bool has_arms(const struct fl_exposure *x, uint32_t part)
{
    return x->arms_of_part.start[part] < x->arms_of_part.start[part + 1];
}

int fl_scene_all_groups(struct fl_exposure *x, struct fl_group **ret, uint32_t *ret_count,
                        struct fl_err *err)
{
    uint32_t n = 0, parts = x->net->part_count;
    struct fl_group *groups = fl_exposure_get(x, (size_t)parts + 1, sizeof *groups, err);

    if (groups == NULL)
        return FL_E_NOMEM;
    x->walk++;
    for (uint32_t part = 0; part < parts; part++) {
        int r = has_arms(x, part) ? add_group(x, part, groups, &n, err) : FL_OK;

        if (r < 0)
            return r;
    }
    *ret = groups;
    *ret_count = n;
    return FL_OK;
}

/* Arms that are closed, or wait to take over, are in it too: so each scene has the same columns. */
int fl_scene_whole(struct fl_exposure *x, struct fl_group *ret, struct fl_err *err)
{
    struct walk w = {.x = x};
    int r = FL_OK;

    x->walk++;
    for (uint32_t part = 0; r == FL_OK && part < x->net->part_count; part++)
        if (has_arms(x, part))
            r = visit_part(&w, part, true, err);
    for (uint32_t arm = 0; r == FL_OK && arm < x->arm_count; arm++) {
        uint32_t site = x->arms[arm].site;

        if (x->item_mark[x->arms[arm].part] != x->walk || !(x->rate[x->arms[arm].part] > 0))
            continue;
        r = push(x, &w.arms, arm, err);
        if (r == FL_OK && x->arms[arm].load > 0 && x->site_mark[site] != x->walk) {
            x->site_mark[site] = x->walk;
            r = push(x, &w.sites, site, err);
        }
    }
    return r == FL_OK ? take(&w, ret, err) : r;
}

int fl_scene_join(struct fl_exposure *x, const struct fl_group *groups, uint32_t count,
                  struct fl_group *ret, struct fl_err *err)
{
    struct walk w = {.x = x};
    int r = FL_OK;

    for (uint32_t i = 0; i < count; i++) {
        const struct fl_group *g = &groups[i];

        for (uint32_t k = 0; r == FL_OK && k < g->part_count; k++)
            r = push(x, &w.parts, g->parts[k], err);
        for (uint32_t k = 0; r == FL_OK && k < g->arm_count; k++)
            r = push(x, &w.arms, g->arms[k], err);
        for (uint32_t k = 0; r == FL_OK && k < g->site_count; k++)
            r = push(x, &w.sites, g->sites[k], err);
    }
    return r == FL_OK ? take(&w, ret, err) : r;
}
