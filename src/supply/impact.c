#include "supply/impact.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/time.h"
#include "supply/concentration.h"
#include "supply/trace.h"

const char fl_impact_formula[] =
    "net_loss = sum over levels k of (q[k] - q[k+1]) * (low[k] + 4 * likely[k] + high[k]) / 6; "
    "q[k] "
    "is the probability of level k, q of the one behind the last is 0; low, likely and high are "
    "the "
    "lost profit when the sites of level k are out together for their low, likely and high days";

const char fl_impact_traced_formula[] =
    "net_loss = sum over products of revenue at stake * profit per unit / revenue per unit; at "
    "stake "
    "= revenue per day * the largest expected lost days of any of its parts; stock and alternates "
    "are "
    "left out: the event hits too many sources for the programs";

static int no_memory(struct fl_err *err)
{
    return fl_err_set(err, FL_E_LIMIT, "the event hits more than can be calculated at once");
}

/* ---- the sites that matter ---- */

static int take_sites(const struct fl_net *net, struct fl_arena *arena, struct fl_impact *ret,
                      struct fl_err *err)
{
    const struct fl_net_index *of = &net->sources_of_site;

    ret->sites = fl_arena_get(arena, (ret->hits.count + 1) * sizeof *ret->sites);
    if (ret->sites == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < ret->hits.count; i++) {
        const struct fl_hit *hit = &ret->hits.hits[i];
        struct fl_impact_site site = {.hit = *hit, .loss = NAN, .tts_days = NAN};

        site.parts = of->start[hit->site + 1] - of->start[hit->site];
        if (site.parts == 0 || !(hit->probability > 0))
            continue;
        for (uint32_t k = of->start[hit->site]; k < of->start[hit->site + 1]; k++)
            site.sole += fl_source_is_sole(net, of->list[k]);
        ret->sites[ret->site_count++] = site;
        ret->probability = fmax(ret->probability, hit->probability);
        ret->ttr_days = fmax(ret->ttr_days, hit->down_days[1]);
        ret->ends_days = fmax(ret->ends_days, hit->down_days[2]);
    }
    return FL_OK;
}

static int take_parts(const struct fl_net *net, struct fl_arena *arena, struct fl_impact *ret,
                      struct fl_err *err)
{
    const struct fl_net_index *of = &net->sources_of_site;
    unsigned char *seen = fl_arena_get(arena, net->part_count + 1);
    uint32_t count = 0;

    ret->parts = fl_arena_get(arena, (net->part_count + 1) * sizeof *ret->parts);
    if (seen == NULL || ret->parts == NULL)
        return no_memory(err);
    memset(seen, 0, net->part_count + 1);
    for (uint32_t i = 0; i < ret->site_count; i++) {
        uint32_t site = ret->sites[i].hit.site;

        for (uint32_t k = of->start[site]; k < of->start[site + 1]; k++) {
            uint32_t source = of->list[k];

            seen[net->sources[source].part] |= fl_source_is_sole(net, source) ? 3 : 1;
        }
    }
    for (uint32_t part = 0; part < net->part_count; part++) {
        if (seen[part] == 0)
            continue;
        ret->parts[count++] = part;
        ret->sole_parts += seen[part] == 3;
    }
    ret->part_count = count;
    return FL_OK;
}

/* ---- what they cost ---- */

/* The first `count` sites out for their days; sites that lose no time are left out. */
static int loss_of(struct fl_exposure *x, const struct fl_impact *im, uint32_t count, unsigned days,
                   struct fl_outage *room, struct fl_arena *arena, struct fl_loss *ret,
                   struct fl_err *err)
{
    size_t n = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct fl_hit *hit = &im->sites[i].hit;

        if (hit->down_days[days] > 0 && hit->down_share > 0)
            room[n++] = (struct fl_outage){.site = hit->site,
                                           .source = FL_NET_NONE,
                                           .left = 1 - fmin(hit->down_share, 1),
                                           .days = hit->down_days[days]};
    }
    *ret = (struct fl_loss){.tts_days = INFINITY};
    return n == 0 ? FL_OK : fl_exposure_loss(x, room, n, 0, arena, ret, err);
}

/* Where one level ends and the next begins: at most FL_IMPACT_LEVELS, equal probabilities never
 * apart. */
static void take_levels(struct fl_impact *im)
{
    uint32_t distinct = 0, group = 0, at = 0;

    for (uint32_t i = 0; i < im->site_count; i++)
        distinct += i == 0 || im->sites[i].hit.probability != im->sites[i - 1].hit.probability;
    while (at < im->site_count) {
        struct fl_impact_level *level = &im->levels[im->level_count];
        uint32_t until = distinct <= FL_IMPACT_LEVELS
                             ? group + 1
                             : (im->level_count + 1) * distinct / FL_IMPACT_LEVELS;
        double sum = 0;
        uint32_t from = at;

        for (; at < im->site_count; at++) {
            if (at > from && im->sites[at].hit.probability != im->sites[at - 1].hit.probability &&
                ++group >= until)
                break;
            sum += im->sites[at].hit.probability;
        }
        level->probability = sum / (at - from);
        level->sites = at;
        im->level_count++;
    }
}

static int price_levels(struct fl_exposure *x, struct fl_impact *im, struct fl_outage *room,
                        const atomic_bool *stop, struct fl_arena *arena, struct fl_err *err)
{
    static const double weight[FL_IMPACT_DAYS] = {1, 4, 1};

    for (uint32_t k = 0; k < im->level_count; k++) {
        struct fl_impact_level *level = &im->levels[k];
        double below = k + 1 < im->level_count ? im->levels[k + 1].probability : 0, mean = 0;

        for (unsigned d = 0; d < FL_IMPACT_DAYS; d++) {
            struct fl_loss loss;
            int r;

            if (stop != NULL && atomic_load(stop))
                return fl_err_set(err, FL_E_TIMEOUT, "nobody waits for it any more");
            r = loss_of(x, im, level->sites, d, room, arena, &loss, err);
            if (r < 0)
                return r;
            level->loss[d] = loss.lost_profit;
            mean += weight[d] * loss.lost_profit / 6;
            if (d + 1 == FL_IMPACT_DAYS && k + 1 == im->level_count)
                im->all = loss;
        }
        im->net_loss += (level->probability - below) * mean;
    }
    return FL_OK;
}

static int price_alone(struct fl_exposure *x, struct fl_impact *im, struct fl_arena *arena,
                       struct fl_err *err)
{
    for (uint32_t i = 0; i < im->site_count && i < FL_IMPACT_ALONE; i++) {
        const struct fl_hit *hit = &im->sites[i].hit;
        const struct fl_outage outage = {.site = hit->site,
                                         .source = FL_NET_NONE,
                                         .left = 1 - fmin(hit->down_share, 1),
                                         .days = hit->down_days[1]};
        struct fl_loss loss = {.tts_days = INFINITY};
        int r = FL_OK;

        if (hit->down_days[1] > 0 && hit->down_share > 0)
            r = fl_exposure_loss(x, &outage, 1, 0, arena, &loss, err);
        if (r < 0)
            return r;
        im->sites[i].loss = loss.lost_profit;
        im->sites[i].tts_days = loss.tts_days;
    }
    return FL_OK;
}

/* ---- too large for programs: traced ---- */

static double per_unit(double part, double whole)
{
    return whole > 0 ? fmin(fmax(part / whole, 0), 1) : 0;
}

static int take_trace(const struct fl_net *net, const struct fl_trace_result *found,
                      struct fl_arena *arena, struct fl_impact *im, struct fl_err *err)
{
    struct fl_loss *all = &im->all;

    *all = (struct fl_loss){.tts_days = NAN, .gap_days = NAN, .days = im->ttr_days};
    all->products = fl_arena_get(arena, (found->product_count + 1) * sizeof *all->products);
    if (all->products == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < found->product_count; i++) {
        const struct fl_trace_product *t = &found->products[i];
        const struct fl_net_product *p = &net->products[t->product];
        double profit = t->at_stake * per_unit(p->profit_per_unit, p->revenue_per_unit);

        if (!(t->at_stake > 0))
            continue;
        all->products[all->product_count++] =
            (struct fl_loss_product){.product = t->product,
                                     .lost_units = p->demand_per_day * t->lost_days,
                                     .lost_profit = profit,
                                     .lost_revenue = t->at_stake,
                                     .tts_days = NAN};
        all->lost_profit += profit;
        all->lost_revenue += t->at_stake;
    }
    im->net_loss = all->lost_profit;
    im->traced = true;
    return FL_OK;
}

static int trace(const struct fl_net *net, int64_t now_us, struct fl_arena *arena,
                 struct fl_impact *im, struct fl_err *err)
{
    struct fl_trace_result found;
    struct fl_trace *t = NULL;
    int r = fl_trace_new(net, fl_day_of(now_us), &t, err);

    if (r < 0)
        return r;
    r = fl_trace_run(t, &im->hits, arena, &found, err);
    if (r == FL_OK)
        r = take_trace(net, &found, arena, im, err);
    fl_trace_free(t);
    return r;
}

static void take_first(struct fl_impact *im)
{
    im->first = FL_NET_NONE;
    im->first_tts_days = INFINITY;
    for (uint32_t i = 0; i < im->all.product_count; i++) {
        const struct fl_loss_product *p = &im->all.products[i];

        if (p->tts_days < im->first_tts_days || im->first == FL_NET_NONE) {
            im->first = p->product;
            im->first_tts_days = p->tts_days;
        }
    }
    /* Products that share a part stop earlier together than each alone. */
    if (im->first != FL_NET_NONE && im->all.tts_days < im->first_tts_days)
        im->first_tts_days = im->all.tts_days;
}

/* ---- why, in one line ---- */

struct telling {
    const struct fl_net *net;
    const struct fl_impact *im;
    char *text;
    size_t size, used;
};

static void say(struct telling *t, const char *fmt, ...) FL_PRINTF(2, 3);
static void say(struct telling *t, const char *fmt, ...)
{
    char part[FL_IMPACT_WHY_MAX];
    size_t len;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(part, sizeof part, fmt, ap);
    va_end(ap);
    len = strlen(part);
    if (t->used + len + 3 > t->size) /* whole reasons only */
        return;
    t->used += (size_t)snprintf(t->text + t->used, t->size - t->used, "%s%s",
                                t->used == 0 ? "" : "; ", part);
}

static const char *days_text(double days, char *room, size_t size)
{
    (void)snprintf(room, size, days < 10 ? "%.1f days" : "%.0f days", days);
    return room;
}

static const char *name_of(const char *name, const char *id)
{
    return name == NULL || name[0] == '\0' ? id : name;
}

static void say_nothing_stops(struct telling *t)
{
    char room[32];

    if (t->im->site_count > 0 && t->im->all.product_count == 0 && t->im->net_loss <= 0)
        say(t, "stock and other sources last %s",
            t->im->ttr_days > 0 ? days_text(t->im->ttr_days, room, sizeof room) : "as long");
}

static void say_first(struct telling *t)
{
    const struct fl_impact *im = t->im;
    const struct fl_net_product *p;
    char low[32], high[32], left[32];

    if (im->traced || im->first == FL_NET_NONE || !isfinite(im->first_tts_days))
        return;
    p = &t->net->products[im->first];
    (void)days_text(im->ttr_days, low, sizeof low);
    (void)days_text(im->ends_days, high, sizeof high);
    (void)days_text(im->first_tts_days, left, sizeof left);
    if (im->first_tts_days <= 0)
        say(t, "%.60s has no stock, sites are out %s, at worst %s", name_of(p->name, p->id), low,
            high);
    else
        say(t, "%.60s lasts %s, sites are out %s, at worst %s", name_of(p->name, p->id), left, low,
            high);
}

static void say_sole(struct telling *t)
{
    const struct fl_impact *im = t->im;

    if (im->sole_parts > 0)
        say(t, "%u of %u parts have no other source", im->sole_parts, im->part_count);
}

static void say_strongest(struct telling *t)
{
    const struct fl_hit *hit = t->im->site_count == 0 ? NULL : &t->im->sites[0].hit;
    const struct fl_net_site *site;
    const char *name;

    if (hit == NULL)
        return;
    site = &t->net->sites[hit->site];
    name = name_of(site->name, site->id);
    if (hit->measure == FL_MEASURE_MMI)
        say(t, "intensity %.1f at %.60s (%.0f %%)", hit->value, name, 100 * hit->probability);
    else if (hit->measure == FL_MEASURE_WIND)
        say(t, "wind %.0f m/s at %.60s (%.0f %%)", hit->value, name, 100 * hit->probability);
    else
        say(t, "%.60s is within (%.0f %%)", name, 100 * hit->probability);
}

static void say_many(struct telling *t)
{
    if (t->im->site_count > 1)
        say(t, "%u sites at once", t->im->site_count);
}

/* What weighs most comes first; as many as the line holds. */
static void (*const reasons[])(struct telling *) = {
    say_nothing_stops, say_first, say_sole, say_strongest, say_many,
};

static void tell_why(const struct fl_net *net, struct fl_impact *im)
{
    struct telling t = {.net = net, .im = im, .text = im->why, .size = sizeof im->why};

    for (size_t i = 0; i < FL_LEN(reasons); i++)
        reasons[i](&t);
    if (im->site_count == 0)
        say(&t, im->hits.count == 0 ? "no site within reach"
                                    : "the sites within reach make none of our parts");
}

int fl_impact(const struct fl_world_event *event, const struct fl_net *net,
              const struct fl_geo_index *index, struct fl_exposure *x, int64_t now_us,
              const atomic_bool *stop, struct fl_arena *arena, struct fl_impact *ret,
              struct fl_err *err)
{
    struct fl_impact im = {.first = FL_NET_NONE, .first_tts_days = INFINITY};
    struct fl_outage *room;
    uint64_t sources = 0;
    int r = fl_hazard(event, net, index, NULL, now_us, FL_IMPACT_MIN, arena, &im.hits, err);

    if (r == FL_OK)
        r = take_sites(net, arena, &im, err);
    if (r == FL_OK)
        r = take_parts(net, arena, &im, err);
    if (r < 0)
        return r;
    room = fl_arena_get(arena, (im.site_count + 1) * sizeof *room);
    if (room == NULL)
        return no_memory(err);
    im.all = (struct fl_loss){.tts_days = INFINITY};
    for (uint32_t i = 0; i < im.site_count; i++)
        sources += im.sites[i].parts;
    if (sources > FL_IMPACT_SOURCES) {
        r = trace(net, now_us, arena, &im, err);
    } else {
        take_levels(&im);
        r = price_levels(x, &im, room, stop, arena, err);
        if (r == FL_OK)
            r = price_alone(x, &im, arena, err);
    }
    if (r < 0)
        return r;
    take_first(&im);
    tell_why(net, &im);
    *ret = im;
    return FL_OK;
}
