/* The factors of scores: what each stands on, and its x in 0..1. */
#include <math.h>
#include <string.h>

#include "supply/score_int.h"

#define SUPPLIER_ALL 0.25 /* of all parts with one supplier: as bad as can be */

const struct fl_score_factor_info fl_score_factors[FL_FACTORS] = {
    [FL_FACTOR_SOURCING] =
        {"sourcing", "Sourcing",
         "1: one site makes it; 0.8: one supplier at several sites; 0.5: several suppliers are "
         "qualified, one delivers; else 0.5 * hhi / 10000. At least 0.6 where all sites hang on "
         "one "
         "site below them, or one earthquake or cyclone reaches them all"},
    [FL_FACTOR_GAP] = {"gap", "Recovery gap",
                       "min(1, gap_days / 90), gap_days = max(0, TTR - TTS) of its worst source"},
    [FL_FACTOR_HAZARD] =
        {"hazard", "Site hazard",
         "1 - exp(-3 events_per_year) (1 - known): the chance of an event that stops the site "
         "within three years, or of one that is under way; of a part the mean of its sites by "
         "share"},
    [FL_FACTOR_LIFECYCLE] = {"lifecycle", "Life cycle",
                             "active 0, new 0.2, not_recommended 0.5, last_buy 0.8, end_of_life 1, "
                             "obsolete 1"},
    [FL_FACTOR_LEAD] = {"lead_time", "Lead time", "min(1, lead_days / 180)"},
    [FL_FACTOR_SUPPLIER] = {"supplier", "Supplier concentration",
                            "min(1, share / 0.25), share = parts in demand that its supplier may "
                            "deliver / all parts in demand; the mean of its sources by share"},
    [FL_FACTOR_COUNTRY] = {"country", "Country concentration",
                           "parts in demand that its country may deliver / all parts in demand; "
                           "the mean of its sources by share"},
    [FL_FACTOR_FRESH] = {"freshness", "Freshness of the map",
                         "min(1, max(0, age_days - 90) / 275) of what was confirmed longest ago; 1 "
                         "where nobody ever confirmed it"},
    [FL_FACTOR_CUSTODY] = {"custody", "Custody class", "A 1, B 0.6, C 0.3, standard 0"},
    [FL_FACTOR_STOCK] = {"stock_unknown", "Stock not known", "1 where its stock is not known"},
};

struct word {
    const char *word;
    double x;
};
static const struct word lifecycles[] = {
    {"active", 0},     {"new", 0.2},       {"not_recommended", 0.5},
    {"last_buy", 0.8}, {"end_of_life", 1}, {"obsolete", 1}};
static const struct word classes[] = {{"standard", 0}, {"A", 1}, {"B", 0.6}, {"C", 0.3}};

static double of_word(const struct word *words, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].x;
    return NAN;
}

/* ---- inputs ---- */

static void note(struct fl_score_trace *t, enum fl_score_factor f, const char *name, double value,
                 const char *text, int table, uint32_t row)
{
    if (t == NULL)
        return;
    if (t->count == FL_SCORE_INPUTS_MAX) {
        t->left_out++;
        return;
    }
    t->input[t->count++] = (struct fl_score_input){f, name, value, text, table, row};
}

static void note_number(struct fl_score_trace *t, enum fl_score_factor f, const char *name,
                        double value)
{
    note(t, f, name, value, NULL, -1, 0);
}

/* ---- sources ---- */

bool fl_score_delivers(const struct fl_net *net, uint32_t source)
{
    uint32_t supplier = net->sites[net->sources[source].site].supplier;

    return net->sources[source].qualified &&
           (supplier == FL_NET_NONE || !net->suppliers[supplier].distributor);
}

uint32_t fl_score_country(const char code[3])
{
    if (code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z')
        return FL_SCORE_COUNTRIES;
    return (uint32_t)(code[0] - 'A') * 26 + (uint32_t)(code[1] - 'A');
}

/* Today's split over the sources that deliver; equal where any of it is not known. */
struct split {
    double sum;
    uint32_t used, all;
    bool known;
};

static struct split split_of(const struct fl_net *net, uint32_t part)
{
    const struct fl_net_index *of = &net->sources_of_part;
    struct split s = {.known = true};

    for (uint32_t i = of->start[part]; i < of->start[part + 1]; i++) {
        const struct fl_net_source *src = &net->sources[of->list[i]];

        if (!fl_score_delivers(net, of->list[i]))
            continue;
        s.all++;
        s.used += src->used;
        s.known &= !isnan(src->share);
        s.sum += src->share > 0 ? src->share : 0;
    }
    return s;
}

static double share_of(const struct fl_net *net, const struct split *s, uint32_t source)
{
    const struct fl_net_source *src = &net->sources[source];

    if (!fl_score_delivers(net, source))
        return 0;
    if (s->known && s->sum > 0)
        return src->share > 0 ? src->share / s->sum : 0;
    if (s->used > 0)
        return src->used ? 1.0 / s->used : 0;
    return 1.0 / s->all;
}

/* Mean of a figure of its sources by share; what is not known is left out. */
static double mean_of_sources(const struct fl_scores *s, uint32_t part,
                              double (*of)(const struct fl_scores *s, uint32_t source))
{
    const struct fl_net_index *list = &s->net->sources_of_part;
    struct split split = split_of(s->net, part);
    double sum = 0, weight = 0;

    for (uint32_t i = list->start[part]; i < list->start[part + 1]; i++) {
        double share = share_of(s->net, &split, list->list[i]), x;

        if (!(share > 0))
            continue;
        x = of(s, list->list[i]);
        if (isnan(x))
            continue;
        sum += share * x;
        weight += share;
    }
    return weight > 0 ? sum / weight : NAN;
}

/* ---- sourcing ---- */

static double supplier_hhi(const struct fl_net *net, uint32_t part)
{
    const struct fl_net_index *of = &net->sources_of_part;
    struct split split = split_of(net, part);
    double squares = 0;

    for (uint32_t i = of->start[part]; i < of->start[part + 1]; i++) {
        uint32_t supplier = net->sites[net->sources[of->list[i]].site].supplier;
        double sum = 0;
        bool seen = false;

        for (uint32_t k = of->start[part]; k < of->start[part + 1] && !seen; k++) {
            uint32_t other = net->sites[net->sources[of->list[k]].site].supplier;
            bool same = k == i || (supplier != FL_NET_NONE && supplier == other);

            seen = k < i && same;
            sum += same ? share_of(net, &split, of->list[k]) : 0;
        }
        squares += seen ? 0 : sum * sum;
    }
    return 1e4 * squares;
}

static double sourcing(const struct fl_scores *s, uint32_t part, struct fl_score_trace *t)
{
    const struct fl_net_index *of = &s->net->sources_of_part;
    unsigned flags = s->flags[part];
    double hhi = supplier_hhi(s->net, part), x;
    uint32_t sites = split_of(s->net, part).all;

    note_number(t, FL_FACTOR_SOURCING, "suppliers", fl_part_suppliers(s->net, part));
    note_number(t, FL_FACTOR_SOURCING, "sites", sites);
    note_number(t, FL_FACTOR_SOURCING, "hhi", hhi);
    for (unsigned bit = 1; bit <= FL_HIDDEN_HUB; bit <<= 1)
        if (flags & bit)
            note(t, FL_FACTOR_SOURCING, "flag", NAN, fl_source_flag_name((enum fl_source_flag)bit),
                 -1, 0);
    for (uint32_t i = of->start[part]; t != NULL && i < of->start[part + 1]; i++)
        note(t, FL_FACTOR_SOURCING, "share", s->net->sources[of->list[i]].share,
             fl_score_delivers(s->net, of->list[i]) ? NULL : "does not count", FL_SUPPLY_PART_SITES,
             of->list[i]);
    if (sites == 0)
        return NAN; /* nobody is known: the map has a gap, which says nothing of the part */
    x = flags & FL_SINGLE_SITE     ? 1
        : flags & FL_SOLE_SOURCE   ? 0.8
        : flags & FL_SINGLE_SOURCE ? 0.5
                                   : 0.5 * hhi / 1e4;
    return flags & (FL_HIDDEN_HUB | FL_SAME_HAZARD) ? fmax(x, 0.6) : x;
}

/* ---- recovery ---- */

static double of_gap(const struct fl_exposed *e, double ttr_days)
{
    if (!(ttr_days > 0) || isnan(e->loss.tts_days))
        return NAN;
    return isinf(e->loss.tts_days) ? 0 : fmax(0, ttr_days - e->loss.tts_days);
}

void fl_score_part_gap(const struct fl_scores *s, uint32_t part, double *ret_gap, double *ret_tts,
                       uint32_t *ret_source)
{
    const struct fl_net_index *of = &s->net->sources_of_part;

    *ret_gap = *ret_tts = NAN;
    *ret_source = FL_NET_NONE;
    for (uint32_t i = of->start[part]; s->facts.nodes != NULL && i < of->start[part + 1]; i++) {
        uint32_t source = of->list[i];
        double gap;

        if (!fl_score_delivers(s->net, source))
            continue;
        gap = of_gap(&s->facts.nodes[source], s->net->sites[s->net->sources[source].site].ttr_days);
        if (isnan(gap) || (*ret_source != FL_NET_NONE && gap <= *ret_gap))
            continue;
        *ret_gap = gap;
        *ret_tts = s->facts.nodes[source].loss.tts_days;
        *ret_source = source;
    }
}

static double gap(const struct fl_scores *s, uint32_t part, struct fl_score_trace *t)
{
    double days, tts;
    uint32_t source;

    fl_score_part_gap(s, part, &days, &tts, &source);
    if (source == FL_NET_NONE)
        return NAN;
    note(t, FL_FACTOR_GAP, "source", NAN, NULL, FL_SUPPLY_PART_SITES, source);
    note(t, FL_FACTOR_GAP, "ttr_days", s->net->sites[s->net->sources[source].site].ttr_days, NULL,
         FL_SUPPLY_SITES, s->net->sources[source].site);
    note(t, FL_FACTOR_GAP, "tts_days", tts, isinf(tts) ? "no exposure" : NULL, -1, 0);
    note(t, FL_FACTOR_GAP, "gap_days", days, NULL, -1, 0);
    return fmin(1, days / FL_SCORE_GAP_DAYS);
}

static double site_gap(const struct fl_scores *s, uint32_t site, struct fl_score_trace *t)
{
    double ttr = s->net->sites[site].ttr_days, days;

    if (s->facts.sites == NULL)
        return NAN;
    days = of_gap(&s->facts.sites[site], ttr);
    if (isnan(days))
        return NAN;
    note(t, FL_FACTOR_GAP, "ttr_days", ttr, NULL, FL_SUPPLY_SITES, site);
    note(t, FL_FACTOR_GAP, "tts_days", s->facts.sites[site].loss.tts_days,
         isinf(s->facts.sites[site].loss.tts_days) ? "no exposure" : NULL, -1, 0);
    note(t, FL_FACTOR_GAP, "gap_days", days, NULL, -1, 0);
    return fmin(1, days / FL_SCORE_GAP_DAYS);
}

/* ---- hazard ---- */

void fl_score_events(const struct fl_net *net, const struct fl_event_rate *rates, uint32_t count,
                     double *ret)
{
    double of_country[FL_SCORE_COUNTRIES];

    for (uint32_t c = 0; c < FL_SCORE_COUNTRIES; c++)
        of_country[c] = NAN;
    for (uint32_t i = 0; i < net->site_count; i++) {
        uint32_t c = fl_score_country(net->sites[i].country);

        ret[i] = NAN;
        if (c == FL_SCORE_COUNTRIES || count == 0)
            continue;
        if (isnan(of_country[c])) {
            of_country[c] = 0;
            for (uint32_t k = 0; k < count; k++)
                if (fl_event_rate_holds(rates, count, &rates[k], net->sites[i].country))
                    of_country[c] += rates[k].per_year * rates[k].probability;
        }
        ret[i] = of_country[c];
    }
}

static double site_hazard(const struct fl_scores *s, uint32_t site, struct fl_score_trace *t)
{
    double events = s->events[site], known = s->facts.known == NULL ? 0 : s->facts.known[site];

    if (isnan(events))
        return NAN;
    note(t, FL_FACTOR_HAZARD, "events_per_year", events, NULL, FL_SUPPLY_SITES, site);
    if (known > 0)
        note(t, FL_FACTOR_HAZARD, "known", known, NULL, FL_SUPPLY_SITES, site);
    return 1 - exp(-FL_SCORE_YEARS * events) * (1 - known);
}

static double source_hazard(const struct fl_scores *s, uint32_t source)
{
    return site_hazard(s, s->net->sources[source].site, NULL);
}

static double hazard(const struct fl_scores *s, uint32_t part, struct fl_score_trace *t)
{
    const struct fl_net_index *of = &s->net->sources_of_part;

    for (uint32_t i = of->start[part]; t != NULL && i < of->start[part + 1]; i++)
        if (fl_score_delivers(s->net, of->list[i]))
            (void)site_hazard(s, s->net->sources[of->list[i]].site, t);
    return mean_of_sources(s, part, source_hazard);
}

/* ---- what a part is ---- */

static double lifecycle(const struct fl_scores *s, uint32_t part, struct fl_score_trace *t)
{
    const char *word = s->net->parts[part].lifecycle;

    note(t, FL_FACTOR_LIFECYCLE, "lifecycle", NAN, word, FL_SUPPLY_PARTS, part);
    return of_word(lifecycles, FL_LEN(lifecycles), word);
}

static double lead(const struct fl_scores *s, uint32_t part, struct fl_score_trace *t)
{
    double days = s->net->parts[part].lead_days;

    if (isnan(days))
        return NAN;
    note(t, FL_FACTOR_LEAD, "lead_days", days, NULL, FL_SUPPLY_PARTS, part);
    return fmin(1, fmax(0, days) / FL_SCORE_LEAD_DAYS);
}

static double custody(const struct fl_scores *s, uint32_t part, struct fl_score_trace *t)
{
    const char *word = s->net->parts[part].custody;

    note(t, FL_FACTOR_CUSTODY, "custody_class", NAN, word, FL_SUPPLY_PARTS, part);
    return of_word(classes, FL_LEN(classes), word);
}

static double stock(const struct fl_scores *s, uint32_t part, struct fl_score_trace *t)
{
    const struct fl_net_part *p = &s->net->parts[part];

    note(t, FL_FACTOR_STOCK, "stock_units", p->stock_known ? p->stock_units : NAN,
         p->stock_known ? NULL : "not known", FL_SUPPLY_PARTS, part);
    return p->stock_known ? 0 : 1;
}

/* ---- how much hangs on its supplier, its country ---- */

static double source_supplier(const struct fl_scores *s, uint32_t source)
{
    uint32_t supplier = s->net->sites[s->net->sources[source].site].supplier;

    if (supplier == FL_NET_NONE || !(s->demanded > 0))
        return NAN;
    return fmin(1, s->makes[supplier] / s->demanded / SUPPLIER_ALL);
}

static double source_country(const struct fl_scores *s, uint32_t source)
{
    uint32_t c = fl_score_country(s->net->sites[s->net->sources[source].site].country);

    return c == FL_SCORE_COUNTRIES || !(s->demanded > 0) ? NAN : s->country[c] / s->demanded;
}

static void note_supplier(const struct fl_scores *s, uint32_t site, struct fl_score_trace *t)
{
    uint32_t supplier = s->net->sites[site].supplier;

    if (supplier == FL_NET_NONE || t == NULL)
        return;
    for (uint32_t i = 0; i < t->count; i++)
        if (t->input[i].factor == FL_FACTOR_SUPPLIER && t->input[i].row == supplier)
            return;
    note(t, FL_FACTOR_SUPPLIER, "parts", s->makes[supplier], NULL, FL_SUPPLY_SUPPLIERS, supplier);
}

static void note_country(const struct fl_scores *s, uint32_t site, struct fl_score_trace *t)
{
    uint32_t c = fl_score_country(s->net->sites[site].country);

    if (c == FL_SCORE_COUNTRIES || t == NULL)
        return;
    for (uint32_t i = 0; i < t->count; i++)
        if (t->input[i].factor == FL_FACTOR_COUNTRY && t->input[i].text != NULL &&
            strcmp(t->input[i].text, s->net->sites[site].country) == 0)
            return;
    note(t, FL_FACTOR_COUNTRY, "parts", s->country[c], s->net->sites[site].country, FL_SUPPLY_SITES,
         site);
}

static void note_hands(const struct fl_scores *s, uint32_t part, struct fl_score_trace *t,
                       void (*each)(const struct fl_scores *, uint32_t, struct fl_score_trace *))
{
    const struct fl_net_index *of = &s->net->sources_of_part;

    for (uint32_t i = of->start[part]; t != NULL && i < of->start[part + 1]; i++)
        if (fl_score_delivers(s->net, of->list[i]))
            each(s, s->net->sources[of->list[i]].site, t);
}

static double supplier(const struct fl_scores *s, uint32_t part, struct fl_score_trace *t)
{
    note_hands(s, part, t, note_supplier);
    note_number(t, FL_FACTOR_SUPPLIER, "parts_in_demand", s->demanded);
    return mean_of_sources(s, part, source_supplier);
}

static double country(const struct fl_scores *s, uint32_t part, struct fl_score_trace *t)
{
    note_hands(s, part, t, note_country);
    note_number(t, FL_FACTOR_COUNTRY, "parts_in_demand", s->demanded);
    return mean_of_sources(s, part, source_country);
}

static double site_supplier(const struct fl_scores *s, uint32_t site, struct fl_score_trace *t)
{
    uint32_t is = s->net->sites[site].supplier;

    note_supplier(s, site, t);
    note_number(t, FL_FACTOR_SUPPLIER, "parts_in_demand", s->demanded);
    return is == FL_NET_NONE || !(s->demanded > 0)
               ? NAN
               : fmin(1, s->makes[is] / s->demanded / SUPPLIER_ALL);
}

static double site_country(const struct fl_scores *s, uint32_t site, struct fl_score_trace *t)
{
    uint32_t c = fl_score_country(s->net->sites[site].country);

    note_country(s, site, t);
    note_number(t, FL_FACTOR_COUNTRY, "parts_in_demand", s->demanded);
    return c == FL_SCORE_COUNTRIES || !(s->demanded > 0) ? NAN : s->country[c] / s->demanded;
}

/* ---- freshness ---- */

/* Of a source: when it was confirmed, itself or with its site. */
static int32_t confirmed(const struct fl_net *net, uint32_t source)
{
    int32_t own = net->sources[source].verified_day;
    int32_t site = net->sites[net->sources[source].site].verified_day;

    return own > site ? own : site;
}

static double fresh_of(const struct fl_scores *s, uint32_t oldest, struct fl_score_trace *t)
{
    int32_t day;
    double age;

    if (oldest == FL_NET_NONE)
        return NAN;
    day = confirmed(s->net, oldest);
    if (day == INT32_MIN) {
        note(t, FL_FACTOR_FRESH, "age_days", NAN, "never confirmed", FL_SUPPLY_PART_SITES, oldest);
        return 1;
    }
    age = fmax(0, (double)s->facts.today_day - day);
    note(t, FL_FACTOR_FRESH, "age_days", age, NULL, FL_SUPPLY_PART_SITES, oldest);
    return fmin(1,
                fmax(0, age - FL_SCORE_FRESH_DAYS) / (FL_SCORE_STALE_DAYS - FL_SCORE_FRESH_DAYS));
}

static uint32_t oldest_of(const struct fl_net *net, const struct fl_net_index *of, uint32_t i)
{
    uint32_t oldest = FL_NET_NONE;

    for (uint32_t k = of->start[i]; k < of->start[i + 1]; k++)
        if (fl_score_delivers(net, of->list[k]) &&
            (oldest == FL_NET_NONE || confirmed(net, of->list[k]) < confirmed(net, oldest)))
            oldest = of->list[k];
    return oldest;
}

static double fresh(const struct fl_scores *s, uint32_t part, struct fl_score_trace *t)
{
    return fresh_of(s, oldest_of(s->net, &s->net->sources_of_part, part), t);
}

static double site_fresh(const struct fl_scores *s, uint32_t site, struct fl_score_trace *t)
{
    return fresh_of(s, oldest_of(s->net, &s->net->sources_of_site, site), t);
}

/* ---- the table ---- */

static const struct {
    double (*part)(const struct fl_scores *s, uint32_t part, struct fl_score_trace *t);
    double (*site)(const struct fl_scores *s, uint32_t site, struct fl_score_trace *t);
    /* site NULL: the worst of the parts that it makes */
} table[FL_FACTORS] = {
    [FL_FACTOR_SOURCING] = {sourcing, NULL},
    [FL_FACTOR_GAP] = {gap, site_gap},
    [FL_FACTOR_HAZARD] = {hazard, site_hazard},
    [FL_FACTOR_LIFECYCLE] = {lifecycle, NULL},
    [FL_FACTOR_LEAD] = {lead, NULL},
    [FL_FACTOR_SUPPLIER] = {supplier, site_supplier},
    [FL_FACTOR_COUNTRY] = {country, site_country},
    [FL_FACTOR_FRESH] = {fresh, site_fresh},
    [FL_FACTOR_CUSTODY] = {custody, NULL},
    [FL_FACTOR_STOCK] = {stock, NULL},
};

double fl_score_part_x(const struct fl_scores *s, enum fl_score_factor f, uint32_t part,
                       struct fl_score_trace *trace)
{
    return table[f].part(s, part, trace);
}

double fl_score_site_x(const struct fl_scores *s, enum fl_score_factor f, uint32_t site,
                       struct fl_score_trace *trace)
{
    const struct fl_net_index *of = &s->net->sources_of_site;
    uint32_t worst = FL_NET_NONE;
    double most = NAN;

    if (table[f].site != NULL)
        return table[f].site(s, site, trace);
    for (uint32_t i = of->start[site]; i < of->start[site + 1]; i++) {
        uint32_t part = s->net->sources[of->list[i]].part;
        double x =
            s->net->sources[of->list[i]].qualified ? s->list[FL_SCORE_COMPONENT][part].x[f] : NAN;

        if (!isnan(x) && (worst == FL_NET_NONE || x > most)) {
            most = x;
            worst = part;
        }
    }
    if (worst != FL_NET_NONE && trace != NULL) {
        note(trace, f, "part", NAN, s->net->parts[worst].name, FL_SUPPLY_PARTS, worst);
        (void)table[f].part(s, worst, trace);
    }
    return most;
}
