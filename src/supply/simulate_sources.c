/* Rates to sources of events: each rate over each site, supplier and country it is for. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "supply/place.h"
#include "supply/simulate.h"

enum { COUNTRIES_MAX = 1024 };
#define KM_PER_DEGREE (6371.0088 * M_PI / 180)

struct maker {
    const struct fl_net *net;
    struct fl_arena *arena;
    struct fl_sim_source *sources; /* of malloc while it grows */
    uint32_t count, cap;
    struct fl_sim_hit *hits; /* of the source that is being made; one for each site */
    uint32_t hit_count;
    const char *country[COUNTRIES_MAX]; /* distinct codes of sites; "" is one */
    bool in_force[COUNTRIES_MAX];       /* does the rate in hand hold there? */
    uint32_t country_count;
    uint16_t *country_of; /* of each site */
    uint32_t *by_lat;     /* sites that have a place, from south to north */
    uint32_t placed;
};

/* How well a region names a country: 0 not at all. */
static int fits(const char *region, const char *country)
{
    const struct fl_country *c;

    if (strcmp(region, "*") == 0)
        return 1;
    if (strlen(region) == 2)
        return strcmp(region, country) == 0 ? 3 : 0;
    c = country[0] == '\0' ? NULL : fl_country_find(fl_span_str(country));
    return c != NULL && strcasecmp(region, fl_continent_name(c->continent)) == 0 ? 2 : 0;
}

bool fl_event_rate_holds(const struct fl_event_rate *rates, uint32_t count,
                         const struct fl_event_rate *rate, const char *country)
{
    int best = fits(rate->region, country);

    for (uint32_t i = 0; best > 0 && i < count; i++)
        if (strcmp(rates[i].type, rate->type) == 0 && fits(rates[i].region, country) > best)
            return false;
    return best > 0;
}

static bool at_site(const struct maker *m, uint32_t site)
{
    return m->in_force[m->country_of[site]];
}

static void hit(struct maker *m, const struct fl_event_rate *rate, uint32_t site, double x,
                double y)
{
    const struct fl_net_site *s = &m->net->sites[site];
    double times = !rate->of_ttr ? 1 : isfinite(s->ttr_days) && s->ttr_days > 0 ? s->ttr_days : 30;
    struct fl_sim_hit *h = &m->hits[m->hit_count++];

    *h = (struct fl_sim_hit){
        .site = site, .probability = rate->probability, .left = rate->left, .x_km = x, .y_km = y};
    for (unsigned i = 0; i < 3; i++)
        h->days[i] = fmin(rate->days[i] * times, FL_SIM_DAYS_MAX);
}

/* The hits that were put together become a source. */
static int finish(struct maker *m, const struct fl_event_rate *rate, const char *what)
{
    size_t id_bytes = strlen(rate->type) + strlen(what) + 2;
    struct fl_sim_hit *hits;
    char *id;

    if (m->hit_count == 0)
        return FL_OK;
    if (m->count == m->cap) {
        uint32_t cap = m->cap == 0 ? 256 : m->cap * 2;
        struct fl_sim_source *more =
            cap > FL_SIM_SOURCES_MAX ? NULL : realloc(m->sources, cap * sizeof(*more));

        if (more == NULL)
            return FL_E_LIMIT;
        m->sources = more;
        m->cap = cap;
    }
    hits = fl_arena_get(m->arena, m->hit_count * sizeof(*hits));
    id = fl_arena_get(m->arena, id_bytes);
    if (hits == NULL || id == NULL)
        return FL_E_LIMIT;
    memcpy(hits, m->hits, m->hit_count * sizeof(*hits));
    (void)snprintf(id, id_bytes, "%s/%s", rate->type, what);
    m->sources[m->count++] = (struct fl_sim_source){.id = id,
                                                    .type = rate->type,
                                                    .per_year = rate->per_year,
                                                    .radius_km = rate->radius_km,
                                                    .length = rate->length,
                                                    .hits = hits,
                                                    .hit_count = m->hit_count};
    m->hit_count = 0;
    return FL_OK;
}

static int each_site(struct maker *m, const struct fl_event_rate *rate)
{
    for (uint32_t i = 0; i < m->net->site_count; i++) {
        int r = FL_OK;

        if (at_site(m, i)) {
            hit(m, rate, i, 0, 0);
            r = finish(m, rate, m->net->sites[i].id);
        }
        if (r < 0)
            return r;
    }
    return FL_OK;
}

static int each_supplier(struct maker *m, const struct fl_event_rate *rate)
{
    const struct fl_net *net = m->net;

    for (uint32_t i = 0; i < net->supplier_count; i++) {
        int r;

        for (uint32_t k = net->sites_of_supplier.start[i]; k < net->sites_of_supplier.start[i + 1];
             k++) {
            uint32_t site = net->sites_of_supplier.list[k];

            if (at_site(m, site))
                hit(m, rate, site, 0, 0);
        }
        r = finish(m, rate, net->suppliers[i].id);
        if (r < 0)
            return r;
    }
    return FL_OK;
}

static int each_country(struct maker *m, const struct fl_event_rate *rate)
{
    for (uint32_t c = 0; c < m->country_count; c++) {
        int r;

        if (m->country[c][0] == '\0' || !m->in_force[c])
            continue;
        for (uint32_t k = 0; k < m->net->site_count; k++)
            if (m->country_of[k] == c)
                hit(m, rate, k, 0, 0);
        r = finish(m, rate, m->country[c]);
        if (r < 0)
            return r;
    }
    return FL_OK;
}

/* The sites around the one at place `seed` of by_lat, on the plane that touches it there. */
static void around(struct maker *m, const struct fl_event_rate *rate, uint32_t seed)
{
    const struct fl_net_site *sites = m->net->sites, *at = &sites[m->by_lat[seed]];
    double reach = 2 * rate->radius_km;
    uint32_t k = seed;

    while (k > 0 && (at->lat - sites[m->by_lat[k - 1]].lat) * KM_PER_DEGREE <= reach)
        k--;
    for (; k < m->placed; k++) {
        const struct fl_net_site *s = &sites[m->by_lat[k]];
        double y = (s->lat - at->lat) * KM_PER_DEGREE;
        double x =
            remainder(s->lon - at->lon, 360) * KM_PER_DEGREE * cos((s->lat + at->lat) * M_PI / 360);

        if (y > reach)
            return;
        if (hypot(x, y) <= reach && at_site(m, m->by_lat[k]))
            hit(m, rate, m->by_lat[k], x, y);
    }
}

/* One source around each site with a place; it knows the others within twice the radius, for no
 * other can be reached by an event that reaches this one. */
static int each_disc(struct maker *m, const struct fl_event_rate *rate)
{
    for (uint32_t i = 0; i < m->placed; i++) {
        int r;

        if (!at_site(m, m->by_lat[i]))
            continue;
        around(m, rate, i);
        r = finish(m, rate, m->net->sites[m->by_lat[i]].id);
        if (r < 0)
            return r;
    }
    return FL_OK;
}

/* ---- all of them ---- */

struct placed {
    double lat;
    uint32_t site;
};

static int by_place(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;

    if (x->lat != y->lat)
        return x->lat < y->lat ? -1 : 1;
    return x->site < y->site ? -1 : x->site > y->site;
}

static int prepare(struct maker *m)
{
    const struct fl_net *net = m->net;
    struct placed *list = malloc((net->site_count + 1u) * sizeof(*list));

    m->hits = malloc((net->site_count + 1u) * sizeof(*m->hits));
    m->country_of = malloc((net->site_count + 1u) * sizeof(*m->country_of));
    m->by_lat = malloc((net->site_count + 1u) * sizeof(*m->by_lat));
    for (uint32_t i = 0; list != NULL && m->hits != NULL && m->country_of != NULL &&
                         m->by_lat != NULL && i < net->site_count;
         i++) {
        const struct fl_net_site *s = &net->sites[i];
        uint32_t c = 0;

        while (c < m->country_count && strcmp(m->country[c], s->country) != 0)
            c++;
        if (c == m->country_count && c < COUNTRIES_MAX)
            m->country[m->country_count++] = s->country;
        m->country_of[i] = (uint16_t)(c < COUNTRIES_MAX ? c : 0);
        if (!isnan(s->lat) && !isnan(s->lon))
            list[m->placed++] = (struct placed){s->lat, i};
    }
    if (list == NULL || m->hits == NULL || m->country_of == NULL || m->by_lat == NULL) {
        free(list);
        return FL_E_NOMEM;
    }
    qsort(list, m->placed, sizeof(*list), by_place);
    for (uint32_t i = 0; i < m->placed; i++)
        m->by_lat[i] = list[i].site;
    free(list);
    return FL_OK;
}

int fl_sim_sources(const struct fl_net *net, const struct fl_event_rate *rates, uint32_t count,
                   struct fl_arena *arena, struct fl_sim_source **ret, uint32_t *ret_count,
                   struct fl_err *err)
{
    static int (*const each[])(struct maker *,
                               const struct fl_event_rate *) = {[FL_REACH_SITE] = each_site,
                                                                [FL_REACH_SUPPLIER] = each_supplier,
                                                                [FL_REACH_COUNTRY] = each_country,
                                                                [FL_REACH_DISC] = each_disc};
    struct maker m = {.net = net, .arena = arena};
    int r = prepare(&m);

    for (uint32_t i = 0; i < count && r == FL_OK; i++) {
        for (uint32_t c = 0; c < m.country_count; c++)
            m.in_force[c] = fl_event_rate_holds(rates, count, &rates[i], m.country[c]);
        if (rates[i].per_year > 0)
            r = each[rates[i].reach](&m, &rates[i]);
    }
    *ret_count = m.count;
    *ret = r < 0 ? NULL : fl_arena_get(arena, (m.count + 1u) * sizeof(**ret));
    if (*ret != NULL && m.count > 0)
        memcpy(*ret, m.sources, m.count * sizeof(**ret));
    free(m.sources);
    free(m.hits);
    free(m.country_of);
    free(m.by_lat);
    return *ret == NULL ? fl_err_set(err, FL_E_LIMIT,
                                     "the rates over %u sites give more sources than there is room",
                                     net->site_count)
                        : FL_OK;
}

int fl_sim_source_of_hits(const char *id, const char *type, double per_year,
                          const struct fl_hits *hits, struct fl_arena *arena,
                          struct fl_sim_source *ret, struct fl_err *err)
{
    struct fl_sim_hit *own = fl_arena_get(arena, (hits->count + 1u) * sizeof(*own));

    if (own == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for %u hits", hits->count);
    for (uint32_t i = 0; i < hits->count; i++) {
        const struct fl_hit *h = &hits->hits[i];

        own[i] = (struct fl_sim_hit){.site = h->site,
                                     .probability = h->probability,
                                     .days = {h->down_days[0], h->down_days[1], h->down_days[2]},
                                     .left = 1 - h->down_share};
    }
    *ret = (struct fl_sim_source){.id = id,
                                  .type = type,
                                  .per_year = isnan(per_year) ? 0 : per_year,
                                  .certain = isnan(per_year),
                                  .length = FL_LENGTH_PERT,
                                  .hits = own,
                                  .hit_count = hits->count};
    return FL_OK;
}
