/* Areas on the map, and those without geography: entities, ports, countries, everywhere. */
#include <math.h>
#include <stdlib.h>

#include "supply/hazard_int.h"

static double point_radius(const struct fl_hazard_job *job)
{
    if (isfinite(job->event->radius_km))
        return fmin(20100, job->event->radius_km);
    return job->type != NULL ? job->type->radius_km : 0;
}

static bool has_point(const struct fl_hazard_job *job)
{
    return fl_geo_valid(job->event->lat, job->event->lon) && point_radius(job) > 0;
}

bool fl_hazard_is_place(const struct fl_hazard_job *job)
{
    return job->event->ring_count > 0 || job->event->circle_count > 0 || has_point(job);
}

static bool type_is(const struct fl_hazard_job *job, enum fl_event_match match)
{
    return job->type != NULL && job->type->match == match;
}

bool fl_hazard_is_entity(const struct fl_hazard_job *job)
{
    return job->event->entity_count > 0 &&
           (type_is(job, FL_MATCH_ENTITY) || !fl_hazard_is_place(job));
}

bool fl_hazard_is_port(const struct fl_hazard_job *job)
{
    return job->event->port_count > 0 && (type_is(job, FL_MATCH_PORT) || !fl_hazard_is_place(job));
}

bool fl_hazard_is_country(const struct fl_hazard_job *job)
{
    return job->event->country_count > 0;
}

bool fl_hazard_is_global(const struct fl_hazard_job *job)
{
    return type_is(job, FL_MATCH_GLOBAL);
}

/* Rings make one area; circles and the point stand each for itself: the greatest share counts,
 * since what two of them hold is one site. */
struct area {
    struct fl_geo_area *rings; /* or NULL */
    struct fl_geo_box box;
    struct fl_event_circle point; /* radius 0: none */
};

static void mark_circle(struct fl_hazard_job *job, const struct fl_event_circle *c)
{
    struct fl_geo_box box = fl_geo_box_round(c->lat, c->lon, c->radius_km);

    if (c->radius_km >= 0 && fl_geo_valid(c->lat, c->lon))
        fl_hazard_mark(job, &box);
}

/* A point beside polygons or circles says where their middle is: only they count. */
static int make_area(struct fl_hazard_job *job, struct area *ret, struct fl_err *err)
{
    const struct fl_world_event *e = job->event;
    int r = FL_OK;

    *ret = (struct area){.rings = NULL};
    if (e->ring_count > 0) {
        r = fl_geo_area_new(e->rings, e->ring_count, job->arena, &ret->rings, err);
        if (r < 0)
            return r;
        ret->box = fl_geo_area_box(ret->rings);
        fl_hazard_mark(job, &ret->box);
    }
    for (uint32_t i = 0; i < e->circle_count; i++)
        mark_circle(job, &e->circles[i]);
    if (e->ring_count == 0 && e->circle_count == 0) {
        ret->point = (struct fl_event_circle){e->lat, e->lon, point_radius(job)};
        mark_circle(job, &ret->point);
    }
    return r;
}

struct part { /* of a site that is inside */
    double share, km;
};

/* from_centre: how far a point event is, else how far the edge. */
static void take_circle(const struct fl_event_circle *c, const struct fl_net_site *site,
                        bool from_centre, struct part *part)
{
    double km = fl_geo_km(c->lat, c->lon, site->lat, site->lon);
    double share = fl_geo_disc_in_circle(km, site->radius_km, c->radius_km);

    if (!(share > 0))
        return;
    part->share = fmax(part->share, share);
    part->km = fmin(part->km, from_centre ? km : fmax(0, km - c->radius_km));
}

/* The disc is asked point by point only where an edge runs through it. */
static void take_rings(const struct area *area, const struct fl_net_site *site, struct part *part)
{
    struct fl_geo_box box = fl_geo_box_widened(area->box, fmax(0, site->radius_km));
    double radius = site->radius_km > 0 ? site->radius_km : 0, share, edge = INFINITY;
    bool inside;

    if (!fl_geo_box_has(&box, site->lat, site->lon))
        return;
    inside = fl_geo_area_has(area->rings, site->lat, site->lon);
    if (radius > 0)
        edge = fl_geo_area_edge_km(area->rings, site->lat, site->lon, radius);
    share = inside ? 1 : 0;
    if (isfinite(edge))
        share = fl_geo_area_share(area->rings, site->lat, site->lon, radius);
    if (share > 0) {
        part->share = fmax(part->share, share);
        part->km = fmin(part->km, inside ? 0 : edge);
    }
}

int fl_hazard_place(struct fl_hazard_job *job, struct fl_err *err)
{
    const struct fl_world_event *e = job->event;
    struct area area;
    int r = make_area(job, &area, err);

    if (r == FL_OK)
        r = fl_hazard_ready(job, err);
    for (uint32_t i = fl_hazard_next(job, FL_NET_NONE); r == FL_OK && i != FL_NET_NONE;
         i = fl_hazard_next(job, i)) {
        const struct fl_net_site *site = &job->net->sites[i];
        struct part part = {0, INFINITY};

        if (!fl_hazard_placed(site))
            continue;
        if (area.rings != NULL)
            take_rings(&area, site, &part);
        for (uint32_t c = 0; c < e->circle_count; c++)
            take_circle(&e->circles[c], site, false, &part);
        if (area.point.radius_km > 0)
            take_circle(&area.point, site, true, &part);
        fl_hazard_put_inside(job, i, part.km, part.share);
    }
    return r;
}

/* -- names --------------------------------------------------------------------------------- */

#define FOLDED_MAX 128u

struct folded {
    unsigned len;
    char text[FOLDED_MAX];
};

static const char *const legal_forms[] = {
    "inc", "incorporated", "ltd", "limited", "co",       "corp", "corporation", "company",
    "llc", "gmbh",         "ag",  "sa",      "plc",      "kk",   "bv",          "nv",
    "srl", "spa",          "as",  "ab",      "oy",       "kg",   "se",          "pte",
    "sdn", "bhd",          "pty", "kgaa",    "holdings",
};

static bool is_legal_form(const char *word, size_t len)
{
    for (size_t i = 0; i < FL_LEN(legal_forms); i++) {
        if (strlen(legal_forms[i]) == len && memcmp(legal_forms[i], word, len) == 0)
            return true;
    }
    return false;
}

/* Words behind the first that are but a legal form are dropped. */
static void end_word(struct folded *f, unsigned *word)
{
    if (*word > 0 && is_legal_form(f->text + *word, f->len - *word))
        f->len = *word - 1;
    *word = f->len;
}

/* Letters and digits of ASCII in lower case and everything above it; words apart by one blank. */
static struct folded fold(struct fl_span name)
{
    struct folded f = {.len = 0};
    unsigned word = 0;

    for (size_t i = 0; i < name.len && f.len + 2 < FOLDED_MAX; i++) {
        unsigned char c = name.ptr[i];
        bool keeps = c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');

        if (c >= 'A' && c <= 'Z')
            f.text[f.len++] = (char)(c + 32);
        else if (keeps)
            f.text[f.len++] = (char)c;
        else if (f.len > word && c != '.' && c != '\'') { /* "S.A." is one word */
            end_word(&f, &word);
            if (f.len > 0)
                f.text[f.len++] = ' ';
            word = f.len;
        }
    }
    if (f.len > word)
        end_word(&f, &word);
    while (f.len > 0 && f.text[f.len - 1] == ' ')
        f.len--;
    return f;
}

static int by_text(const void *a, const void *b)
{
    const struct folded *x = a, *y = b;
    int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

struct names {
    struct folded *list;
    uint32_t count;
};

static bool has(const struct names *names, const char *text)
{
    struct folded f = fold(fl_span_str(text));

    return f.len > 0 &&
           bsearch(&f, names->list, names->count, sizeof *names->list, by_text) != NULL;
}

static int make_names(struct fl_hazard_job *job, struct names *ret, struct fl_err *err)
{
    const struct fl_world_event *e = job->event;

    *ret = (struct names){fl_arena_get(job->arena, e->entity_count * sizeof *ret->list), 0};
    if (ret->list == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for names");
    for (uint32_t i = 0; i < e->entity_count; i++) {
        ret->list[ret->count] = fold(e->entities[i]);
        ret->count += ret->list[ret->count].len > 0;
    }
    qsort(ret->list, ret->count, sizeof *ret->list, by_text);
    return FL_OK;
}

/* -- sites by what stands in their row --------------------------------------------------------- */

static bool listed(const struct fl_span *list, uint32_t count, const char *code)
{
    struct fl_span want = fl_span_str(code);

    for (uint32_t i = 0; i < count && want.len > 0; i++) {
        if (fl_span_eq(list[i], want))
            return true;
    }
    return false;
}

static bool in_countries(const struct fl_hazard_job *job, const struct fl_net_site *site)
{
    return listed(job->event->countries, job->event->country_count, site->country);
}

static int put_marked(struct fl_hazard_job *job, struct fl_err *err)
{
    int r = fl_hazard_ready(job, err);

    for (uint32_t i = fl_hazard_next(job, FL_NET_NONE); r == FL_OK && i != FL_NET_NONE;
         i = fl_hazard_next(job, i))
        fl_hazard_put_inside(job, i, NAN, 1);
    return r;
}

static void mark_site(struct fl_hazard_job *job, uint32_t site)
{
    job->marked[site / 64] |= UINT64_C(1) << (site % 64);
}

static void mark_supplier(struct fl_hazard_job *job, uint32_t supplier)
{
    const struct fl_net_index *of = &job->net->sites_of_supplier;

    for (uint32_t k = of->start[supplier]; k < of->start[supplier + 1]; k++) {
        uint32_t site = of->list[k];

        if (job->event->country_count == 0 || in_countries(job, &job->net->sites[site]))
            mark_site(job, site);
    }
}

/* Up the groups that a supplier belongs to. Loops among them do not hang us. */
static bool belongs(const struct fl_net *net, const unsigned char *named, uint32_t supplier)
{
    for (unsigned depth = 0; supplier < net->supplier_count && depth < 64; depth++) {
        if (named[supplier])
            return true;
        supplier = net->suppliers[supplier].parent;
    }
    return false;
}

int fl_hazard_entity(struct fl_hazard_job *job, struct fl_err *err)
{
    const struct fl_net *net = job->net;
    unsigned char *named = fl_arena_get(job->arena, (size_t)net->supplier_count + 1);
    struct names names;
    int r = make_names(job, &names, err);

    if (r < 0 || named == NULL)
        return r < 0 ? r : fl_err_set(err, FL_E_NOMEM, "no memory for names");
    for (uint32_t i = 0; i < net->supplier_count; i++)
        named[i] = has(&names, net->suppliers[i].name) || has(&names, net->suppliers[i].id);
    for (uint32_t i = 0; i < net->supplier_count; i++) {
        if (belongs(net, named, i))
            mark_supplier(job, i);
    }
    return put_marked(job, err);
}

int fl_hazard_port(struct fl_hazard_job *job, struct fl_err *err)
{
    for (uint32_t i = 0; i < job->net->site_count; i++) {
        if (listed(job->event->ports, job->event->port_count, job->net->sites[i].port))
            mark_site(job, i);
    }
    return put_marked(job, err);
}

int fl_hazard_country(struct fl_hazard_job *job, struct fl_err *err)
{
    for (uint32_t i = 0; i < job->net->site_count; i++) {
        if (in_countries(job, &job->net->sites[i]))
            mark_site(job, i);
    }
    return put_marked(job, err);
}

int fl_hazard_global(struct fl_hazard_job *job, struct fl_err *err)
{
    fl_hazard_mark_all(job);
    return put_marked(job, err);
}
