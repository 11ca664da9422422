/*
 * A bill of material before it is released. What it takes, and all that lies below, becomes a small
 * network of its own, with the draft as its product; parts that the network knows keep their
 * figures from there, proposed ones have what the file says.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/csv.h"
#include "supply/score_int.h"

#define DRAFT_BYTES_MAX ((size_t)256 << 20)
#define CLUSTER_KM      75.0
#define DRAFT_PRODUCT   "(draft)" /* no part is called so */

enum {
    COL_PART,
    COL_QUANTITY,
    COL_PARENT,
    COL_NAME,
    COL_SUPPLIER,
    COL_SITE,
    COL_COUNTRY,
    COL_LAT,
    COL_LON,
    COL_LIFECYCLE,
    COL_CUSTODY,
    COL_LEAD,
    COL_STOCK,
    COLUMNS
};

/* Its column here is one of a table's, which says what a cell may hold and how else it is headed.
 */
static const struct {
    const char *name, *other;
    enum fl_supply_table table;
    unsigned column;
} columns[COLUMNS] = {
    [COL_PART] = {"part", "component", FL_SUPPLY_BOM, FL_BOM_PART},
    [COL_QUANTITY] = {"quantity", "qty", FL_SUPPLY_BOM, FL_BOM_QUANTITY},
    [COL_PARENT] = {"parent", "assembly", FL_SUPPLY_BOM, FL_BOM_PARENT},
    [COL_NAME] = {"name", "description", FL_SUPPLY_PARTS, FL_PART_NAME},
    [COL_SUPPLIER] = {"supplier", "vendor", FL_SUPPLY_SITES, FL_SITE_SUPPLIER},
    [COL_SITE] = {"site", "plant", FL_SUPPLY_PART_SITES, FL_SOURCE_SITE},
    [COL_COUNTRY] = {"country", "countrycode", FL_SUPPLY_SITES, FL_SITE_COUNTRY},
    [COL_LAT] = {"lat", "latitude", FL_SUPPLY_SITES, FL_SITE_LAT},
    [COL_LON] = {"lon", "longitude", FL_SUPPLY_SITES, FL_SITE_LON},
    [COL_LIFECYCLE] = {"lifecycle", "status", FL_SUPPLY_PARTS, FL_PART_LIFECYCLE},
    [COL_CUSTODY] = {"custody", "custodyclass", FL_SUPPLY_PARTS, FL_PART_CUSTODY},
    [COL_LEAD] = {"leaddays", "leadtime", FL_SUPPLY_PARTS, FL_PART_LEAD},
    [COL_STOCK] = {"stock", "stockunits", FL_SUPPLY_PARTS, FL_PART_STOCK},
};

static const char *const flag_names[FL_DRAFT_FLAGS] = {"not_in_network", "proposed", "single_site",
                                                       "sole_source",    "hub",      "same_hazard",
                                                       "ends",           "custody"};

const char *fl_draft_flag_name(unsigned bit)
{
    for (unsigned i = 0; i < FL_DRAFT_FLAGS; i++)
        if (1u << i == bit)
            return flag_names[i];
    return NULL;
}

struct line { /* of the file */
    struct fl_span cell[COLUMNS];
    uint32_t number;
};

struct drafting {
    const struct fl_scores *old;
    const struct fl_net *net; /* the one that stands */
    struct fl_arena *arena;
    struct line *lines;
    uint32_t count;
    bool *part_in, *site_in, *supplier_in; /* of the net that stands: already taken over */
    uint32_t *queue, queued;               /* parts to be taken over with all below */
    struct fl_net_builder *b;
    struct fl_supply_row row;
    char text[FL_SUPPLY_COLUMNS_MAX][48];
};

/* ---- the file ---- */

static bool is_listed(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = list; len > 0 && at != NULL && *at != '\0';) {
        size_t n = strcspn(at, ",");

        if (n == len && memcmp(at, word, n) == 0)
            return true;
        at += n + (at[n] == ',');
    }
    return false;
}

static bool is_heading(struct fl_span text, unsigned c)
{
    const char *whole = fl_supply_schemas[columns[c].table].columns[columns[c].column].name;
    char flat[64];
    size_t n = 0;

    if (fl_span_eq(text, fl_span_str(whole)))
        return true;
    for (size_t i = 0; i < text.len && n + 1 < sizeof flat; i++) {
        unsigned char ch = text.ptr[i];

        if (ch >= 'A' && ch <= 'Z')
            ch = (unsigned char)(ch + 32);
        if ((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9'))
            flat[n++] = (char)ch;
    }
    flat[n] = '\0';
    return strcmp(flat, columns[c].name) == 0 || strcmp(flat, columns[c].other) == 0 ||
           is_listed(fl_supply_schemas[columns[c].table].columns[columns[c].column].aliases, flat);
}

static int headings(const struct fl_csv_row *row, int at[COLUMNS], struct fl_err *err)
{
    for (unsigned c = 0; c < COLUMNS; c++) {
        at[c] = -1;
        for (unsigned i = 0; i < row->count && at[c] < 0; i++)
            if (is_heading(row->cell[i], c))
                at[c] = (int)i;
    }
    if (at[COL_PART] < 0)
        return fl_err_set(err, FL_E_INVAL,
                          "line %u: there is no column 'part'; the first line names the columns, "
                          "such as part,quantity or parent,part,quantity,supplier,site,country",
                          row->line);
    return FL_OK;
}

static int take_line(struct drafting *d, const struct fl_csv_row *row, const int at[COLUMNS],
                     struct fl_err *err)
{
    struct line *line = &d->lines[d->count];
    struct fl_err why = {0};

    *line = (struct line){.number = row->line};
    for (unsigned c = 0; c < COLUMNS; c++) {
        if (at[c] < 0 || (unsigned)at[c] >= row->count || row->cell[at[c]].len == 0)
            continue;
        if (fl_supply_cell(&fl_supply_schemas[columns[c].table].columns[columns[c].column],
                           row->cell[at[c]], d->arena, &line->cell[c], &why) < 0)
            return fl_err_set(err, FL_E_INVAL, "line %u, %s: %s", row->line, columns[c].name,
                              why.text);
    }
    if (line->cell[COL_PART].len == 0)
        return fl_err_set(err, FL_E_INVAL, "line %u, part: an id is wanted", row->line);
    if (fl_span_eq(line->cell[COL_PART], line->cell[COL_PARENT]))
        return fl_err_set(err, FL_E_INVAL, "line %u: '%.*s' is made of itself", row->line,
                          FL_SPAN_ARG(line->cell[COL_PART]));
    d->count++;
    return FL_OK;
}

static int read_lines(struct drafting *d, struct fl_span text, struct fl_err *err)
{
    FL_AUTO(fl_csv_done) struct fl_csv csv = {0};
    struct fl_csv_row *row = fl_arena_get(d->arena, sizeof *row);
    int at[COLUMNS], r;
    bool head = false;

    fl_csv_init(&csv);
    d->lines = fl_arena_get(d->arena, FL_DRAFT_LINES_MAX * sizeof *d->lines);
    if (row == NULL || d->lines == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a draft");
    r = fl_csv_feed(&csv, text, true, err);
    while (r == FL_OK && (r = fl_csv_next(&csv, row, err)) == 1) {
        if (head && d->count == FL_DRAFT_LINES_MAX)
            return fl_err_set(err, FL_E_LIMIT, "line %u: a draft has at most %u lines", row->line,
                              FL_DRAFT_LINES_MAX);
        r = head ? take_line(d, row, at, err) : headings(row, at, err);
        head = true;
    }
    if (r == FL_OK && d->count == 0)
        return fl_err_set(err, FL_E_INVAL,
                          "the draft has no lines: a line of headings such as part,quantity, then "
                          "one for each part");
    return r;
}

/* ---- rows of the small network ---- */

static void begin(struct drafting *d, enum fl_supply_table table)
{
    memset(&d->row, 0, sizeof d->row);
    d->row.table = table;
}

static void text(struct drafting *d, unsigned column, const char *value)
{
    d->row.cell[column] = fl_span_str(value);
}

static void number(struct drafting *d, unsigned column, double value)
{
    if (!isfinite(value))
        return;
    (void)snprintf(d->text[column], sizeof d->text[0], "%.12g", value);
    text(d, column, d->text[column]);
}

static void day(struct drafting *d, unsigned column, int32_t value)
{
    if (value == INT32_MIN)
        return;
    fl_day_format(value, d->text[column]);
    text(d, column, d->text[column]);
}

/* The same key again is no fault here. */
static int put(struct drafting *d, struct fl_err *err)
{
    int r = fl_net_put(d->b, &d->row, err);

    return r == FL_E_EXISTS ? FL_OK : r;
}

static int put_supplier(struct drafting *d, uint32_t i, struct fl_err *err)
{
    const struct fl_net_supplier *s = &d->net->suppliers[i];

    if (d->supplier_in[i])
        return FL_OK;
    d->supplier_in[i] = true;
    begin(d, FL_SUPPLY_SUPPLIERS);
    text(d, FL_SUPPLIER_ID, s->id);
    text(d, FL_SUPPLIER_NAME, s->name);
    text(d, FL_SUPPLIER_COUNTRY, s->country);
    text(d, FL_SUPPLIER_KIND, s->distributor ? "distributor" : "");
    return put(d, err);
}

static int put_site(struct drafting *d, uint32_t i, struct fl_err *err)
{
    const struct fl_net_site *s = &d->net->sites[i];
    int r = s->supplier == FL_NET_NONE ? FL_OK : put_supplier(d, s->supplier, err);

    if (r < 0 || d->site_in[i])
        return r;
    d->site_in[i] = true;
    begin(d, FL_SUPPLY_SITES);
    text(d, FL_SITE_ID, s->id);
    if (s->supplier != FL_NET_NONE)
        text(d, FL_SITE_SUPPLIER, d->net->suppliers[s->supplier].id);
    text(d, FL_SITE_NAME, s->name);
    number(d, FL_SITE_LAT, s->lat);
    number(d, FL_SITE_LON, s->lon);
    text(d, FL_SITE_COUNTRY, s->country);
    number(d, FL_SITE_TTR, s->ttr_days > 0 ? s->ttr_days : (double)NAN);
    day(d, FL_SITE_VERIFIED, s->verified_day);
    return put(d, err);
}

static int put_source(struct drafting *d, uint32_t i, struct fl_err *err)
{
    const struct fl_net_source *s = &d->net->sources[i];
    int r = put_site(d, s->site, err);

    if (r < 0)
        return r;
    begin(d, FL_SUPPLY_PART_SITES);
    text(d, FL_SOURCE_PART, d->net->parts[s->part].id);
    text(d, FL_SOURCE_SITE, d->net->sites[s->site].id);
    number(d, FL_SOURCE_SHARE, s->share);
    text(d, FL_SOURCE_QUALIFIED, s->qualified ? "yes" : "no");
    day(d, FL_SOURCE_VERIFIED, s->verified_day);
    return put(d, err);
}

static void want(struct drafting *d, uint32_t part)
{
    if (d->part_in[part])
        return;
    d->part_in[part] = true;
    d->queue[d->queued++] = part;
}

static int put_use(struct drafting *d, struct fl_span parent, struct fl_span part, double quantity,
                   struct fl_err *err)
{
    begin(d, FL_SUPPLY_BOM);
    d->row.cell[FL_BOM_PARENT] = parent;
    d->row.cell[FL_BOM_PART] = part;
    number(d, FL_BOM_QUANTITY, quantity);
    return put(d, err);
}

/* A part as it stands, its sources, and the lines of what it is made of. */
static int put_known(struct drafting *d, uint32_t part, struct fl_err *err)
{
    const struct fl_net_part *p = &d->net->parts[part];
    const struct fl_net_index *of = &d->net->sources_of_part, *in = &d->net->uses_of_parent;
    int r;

    begin(d, FL_SUPPLY_PARTS);
    text(d, FL_PART_ID, p->id);
    text(d, FL_PART_NAME, p->name);
    number(d, FL_PART_STOCK, p->stock_known ? p->stock_units : (double)NAN);
    number(d, FL_PART_LEAD, p->lead_days);
    text(d, FL_PART_LIFECYCLE, p->lifecycle);
    text(d, FL_PART_CUSTODY, p->custody);
    r = put(d, err);
    for (uint32_t i = of->start[part]; r == FL_OK && i < of->start[part + 1]; i++)
        r = put_source(d, of->list[i], err);
    for (uint32_t i = in->start[part]; r == FL_OK && i < in->start[part + 1]; i++) {
        const struct fl_net_use *use = &d->net->uses[in->list[i]];

        want(d, use->part);
        r = put_use(d, fl_span_str(p->id), fl_span_str(d->net->parts[use->part].id), use->quantity,
                    err);
    }
    return r;
}

/* ---- what the file proposes ---- */

static uint32_t known_part(const struct drafting *d, struct fl_span id)
{
    uint32_t item = fl_net_item_find(d->net, id);

    return item == FL_NET_NONE || fl_net_is_product(d->net, item) ? FL_NET_NONE : item;
}

static int put_new_part(struct drafting *d, const struct line *l, struct fl_err *err)
{
    static const struct {
        unsigned from, to;
    } cells[] = {{COL_PART, FL_PART_ID},         {COL_NAME, FL_PART_NAME},
                 {COL_STOCK, FL_PART_STOCK},     {COL_LEAD, FL_PART_LEAD},
                 {COL_CUSTODY, FL_PART_CUSTODY}, {COL_LIFECYCLE, FL_PART_LIFECYCLE}};

    begin(d, FL_SUPPLY_PARTS);
    for (size_t i = 0; i < FL_LEN(cells); i++)
        d->row.cell[cells[i].to] = l->cell[cells[i].from];
    if (l->cell[COL_NAME].len == 0)
        d->row.cell[FL_PART_NAME] = l->cell[COL_PART];
    return put(d, err);
}

/* A site that is proposed: one of the network, or a new one, named by the supplier where the file
 * names no site. */
static int put_proposed_site(struct drafting *d, const struct line *l, struct fl_span *ret,
                             struct fl_err *err)
{
    struct fl_span supplier = l->cell[COL_SUPPLIER], site = l->cell[COL_SITE];
    uint32_t known = fl_net_site_find(d->net, site), maker = fl_net_supplier_find(d->net, supplier);
    int r = FL_OK;

    if (site.len == 0)
        site = supplier;
    *ret = site;
    if (known != FL_NET_NONE)
        return put_site(d, known, err);
    if (maker != FL_NET_NONE)
        r = put_supplier(d, maker, err);
    else if (supplier.len > 0) {
        begin(d, FL_SUPPLY_SUPPLIERS);
        d->row.cell[FL_SUPPLIER_ID] = d->row.cell[FL_SUPPLIER_NAME] = supplier;
        r = put(d, err);
    }
    if (r < 0)
        return r;
    begin(d, FL_SUPPLY_SITES);
    d->row.cell[FL_SITE_ID] = d->row.cell[FL_SITE_NAME] = site;
    d->row.cell[FL_SITE_SUPPLIER] = supplier;
    d->row.cell[FL_SITE_COUNTRY] = l->cell[COL_COUNTRY];
    d->row.cell[FL_SITE_LAT] = l->cell[COL_LAT];
    d->row.cell[FL_SITE_LON] = l->cell[COL_LON];
    return put(d, err);
}

static int put_proposed(struct drafting *d, const struct line *l, struct fl_err *err)
{
    uint32_t part = known_part(d, l->cell[COL_PART]);
    struct fl_span site;
    int r = FL_OK;

    if (part != FL_NET_NONE)
        want(d, part);
    else
        r = put_new_part(d, l, err);
    if (r < 0 || (l->cell[COL_SITE].len == 0 && l->cell[COL_SUPPLIER].len == 0))
        return r;
    r = put_proposed_site(d, l, &site, err);
    if (r < 0)
        return r;
    begin(d, FL_SUPPLY_PART_SITES);
    d->row.cell[FL_SOURCE_PART] = l->cell[COL_PART];
    d->row.cell[FL_SOURCE_SITE] = site;
    text(d, FL_SOURCE_QUALIFIED, "yes");
    return put(d, err);
}

static bool is_part_of_lines(const struct drafting *d, struct fl_span id)
{
    for (uint32_t i = 0; i < d->count; i++)
        if (fl_span_eq(d->lines[i].cell[COL_PART], id))
            return true;
    return false;
}

/* Lines below the draft itself: without a parent, or below what is no part of the draft. */
static bool is_top(const struct drafting *d, const struct line *l)
{
    return l->cell[COL_PARENT].len == 0 || !is_part_of_lines(d, l->cell[COL_PARENT]);
}

static int put_line(struct drafting *d, const struct line *l, struct fl_err *err)
{
    double quantity = fl_supply_number(l->cell[COL_QUANTITY], 1);
    struct fl_span parent = is_top(d, l) ? FL_SPAN(DRAFT_PRODUCT) : l->cell[COL_PARENT];
    int r = put_proposed(d, l, err);

    return r < 0 ? r : put_use(d, parent, l->cell[COL_PART], quantity, err);
}

static int build(struct drafting *d, enum fl_score_stage stage, struct fl_net **ret,
                 struct fl_err *err)
{
    int r = fl_net_builder_new(DRAFT_BYTES_MAX, d->net->base_currency, &d->b, err);

    if (r < 0)
        return r;
    begin(d, FL_SUPPLY_PRODUCTS);
    text(d, FL_PRODUCT_ID, DRAFT_PRODUCT);
    text(d, FL_PRODUCT_NAME, DRAFT_PRODUCT);
    text(d, FL_PRODUCT_STAGE, fl_score_stage_names[stage]);
    number(d, FL_PRODUCT_DEMAND, 1);
    r = put(d, err);
    for (uint32_t i = 0; r == FL_OK && i < d->count; i++)
        r = put_line(d, &d->lines[i], err);
    for (uint32_t at = 0; r == FL_OK && at < d->queued; at++)
        r = put_known(d, d->queue[at], err);
    if (r < 0) {
        fl_net_builder_free(d->b);
        return r;
    }
    return fl_net_build(d->b, ret, err);
}

/* ---- what it says ---- */

static const char *keep(struct fl_arena *arena, const char *word)
{
    struct fl_span s = fl_arena_copy(arena, fl_span_of(word, strlen(word) + 1));

    return s.ptr == NULL ? "" : (const char *)s.ptr;
}

static unsigned flags_of(const struct drafting *d, const struct fl_scores *s, uint32_t part)
{
    const struct fl_net_part *p = &s->net->parts[part];
    unsigned from = s->flags[part], flags = 0;
    uint32_t sources =
        s->net->sources_of_part.start[part + 1] - s->net->sources_of_part.start[part];

    if (known_part(d, fl_span_str(p->id)) == FL_NET_NONE)
        flags |= sources == 0 ? FL_DRAFT_UNKNOWN : FL_DRAFT_PROPOSED;
    flags |= from & FL_SINGLE_SITE ? FL_DRAFT_SINGLE_SITE : 0;
    flags |= from & FL_SOLE_SOURCE ? FL_DRAFT_SOLE : 0;
    flags |= from & FL_HIDDEN_HUB ? FL_DRAFT_HUB : 0;
    flags |= from & FL_SAME_HAZARD ? FL_DRAFT_SAME_HAZARD : 0;
    flags |= s->list[FL_SCORE_COMPONENT][part].x[FL_FACTOR_LIFECYCLE] >= 0.5 ? FL_DRAFT_ENDS : 0;
    flags |= s->list[FL_SCORE_COMPONENT][part].x[FL_FACTOR_CUSTODY] > 0 ? FL_DRAFT_CUSTODY : 0;
    return flags;
}

/* Of a part that the network knows, what only the whole network can say. */
static void take_over(const struct drafting *d, struct fl_scores *s, uint32_t part)
{
    static const enum fl_score_factor whole[] = {FL_FACTOR_GAP, FL_FACTOR_SUPPLIER,
                                                 FL_FACTOR_COUNTRY};
    uint32_t known = known_part(d, fl_span_str(s->net->parts[part].id));
    struct fl_risk_score *c = &s->list[FL_SCORE_COMPONENT][part];

    for (size_t i = 0; known != FL_NET_NONE && i < FL_LEN(whole); i++)
        c->x[whole[i]] = d->old->list[FL_SCORE_COMPONENT][known].x[whole[i]];
    fl_score_of(&s->rule, s->rule.stage[c->stage], c);
}

/* How many of each part one of the draft takes, over all levels. */
static void quantities(const struct fl_net *net, double *ret)
{
    for (uint32_t i = fl_net_item_count(net); i-- > 0;) {
        uint32_t item = net->order[i];
        double one = fl_net_is_product(net, item) ? 1 : ret[item];

        for (uint32_t k = net->uses_of_parent.start[item]; k < net->uses_of_parent.start[item + 1];
             k++) {
            const struct fl_net_use *use = &net->uses[net->uses_of_parent.list[k]];

            ret[use->part] += one * use->quantity;
        }
    }
}

static bool is_direct(const struct fl_net *net, uint32_t part)
{
    const struct fl_net_index *of = &net->uses_of_part;

    for (uint32_t i = of->start[part]; i < of->start[part + 1]; i++)
        if (fl_net_is_product(net, net->uses[of->list[i]].parent))
            return true;
    return false;
}

static int write_lines(const struct drafting *d, struct fl_scores *s, struct fl_draft *ret,
                       struct fl_err *err)
{
    const struct fl_net *net = s->net;
    double *quantity = fl_arena_get(d->arena, (net->part_count + 1u) * sizeof *quantity);
    uint32_t *order = NULL;
    int r = fl_score_order(s, FL_SCORE_COMPONENT, d->arena, &order, err);

    ret->lines = fl_arena_get(d->arena, (net->part_count + 1u) * sizeof *ret->lines);
    if (r < 0 || quantity == NULL || ret->lines == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for the lines of a draft");
    memset(quantity, 0, (net->part_count + 1u) * sizeof *quantity);
    quantities(net, quantity);
    for (uint32_t i = 0; i < net->part_count; i++) {
        const struct fl_net_part *p = &net->parts[order[i]];
        struct fl_draft_line *l = &ret->lines[ret->line_count++];
        const struct fl_net_index *of = &net->sources_of_part;

        *l = (struct fl_draft_line){.part = keep(d->arena, p->id),
                                    .name = keep(d->arena, p->name),
                                    .lifecycle = keep(d->arena, p->lifecycle),
                                    .custody = keep(d->arena, p->custody),
                                    .quantity = quantity[order[i]],
                                    .flags = flags_of(d, s, order[i]),
                                    .direct = is_direct(net, order[i]),
                                    .score = s->list[FL_SCORE_COMPONENT][order[i]],
                                    .suppliers = fl_part_suppliers(net, order[i])};
        for (uint32_t k = of->start[order[i]]; k < of->start[order[i] + 1]; k++)
            l->sites += fl_score_delivers(net, of->list[k]);
        ret->unknown += (l->flags & FL_DRAFT_UNKNOWN) != 0;
        ret->proposed += (l->flags & FL_DRAFT_PROPOSED) != 0;
    }
    return FL_OK;
}

static int write_hubs(const struct drafting *d, const struct fl_scores *s, struct fl_draft *ret,
                      struct fl_err *err)
{
    ret->hubs = fl_arena_get(d->arena, (s->hub_count + 1u) * sizeof *ret->hubs);
    if (ret->hubs == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for the hubs of a draft");
    for (uint32_t i = 0; i < s->hub_count; i++)
        ret->hubs[ret->hub_count++] =
            (struct fl_draft_hub){.part = keep(d->arena, s->net->parts[s->hubs[i].part].id),
                                  .site = keep(d->arena, s->net->sites[s->hubs[i].site].id),
                                  .site_name = keep(d->arena, s->net->sites[s->hubs[i].site].name),
                                  .probability = s->hubs[i].probability,
                                  .independent = s->hubs[i].independent,
                                  .exact = s->hubs[i].exact};
    return FL_OK;
}

static int answer(const struct drafting *d, const struct fl_net *net, enum fl_score_stage stage,
                  struct fl_draft *ret, struct fl_err *err)
{
    struct fl_score_facts facts = d->old->facts;
    struct fl_scores *s = NULL;
    int r;

    facts.nodes = facts.sites = NULL; /* of other nets */
    facts.known = NULL;
    r = fl_scores_new(net, &d->old->rule, &facts, NULL, d->arena, &s, err);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < net->part_count; i++)
        take_over(d, s, i);
    fl_score_roll(s, FL_SCORE_PRODUCT, 0, &s->list[FL_SCORE_PRODUCT][0]);
    *ret = (struct fl_draft){.stage = stage, .score = s->list[FL_SCORE_PRODUCT][0], .title = ""};
    for (uint32_t i = 0; i < d->count && ret->title[0] == '\0'; i++)
        if (is_top(d, &d->lines[i]) && d->lines[i].cell[COL_PARENT].len > 0)
            ret->title = (const char *)d->lines[i].cell[COL_PARENT].ptr;
    r = write_lines(d, s, ret, err);
    if (r == FL_OK)
        r = write_hubs(d, s, ret, err);
    if (r == FL_OK)
        r = fl_concentration(net, 0, CLUSTER_KM, d->arena, &ret->concentration, err);
    for (int level = 0; r == FL_OK && level < FL_LEVELS; level++) {
        struct fl_spread *spread[] = {&ret->concentration.direct[level],
                                      &ret->concentration.below[level]};

        for (size_t i = 0; i < FL_LEN(spread); i++)
            if (spread[i]->top != NULL)
                spread[i]->top = keep(d->arena, spread[i]->top);
    }
    return r;
}

int fl_draft_score(const struct fl_scores *s, struct fl_span csv, enum fl_score_stage stage,
                   struct fl_arena *arena, struct fl_draft *ret, struct fl_err *err)
{
    struct drafting *d = fl_arena_get(arena, sizeof *d);
    struct fl_net *net = NULL;
    int r;

    if (d == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a draft");
    memset(d, 0, sizeof *d);
    d->old = s;
    d->net = s->net;
    d->arena = arena;
    d->part_in = fl_arena_get(arena, s->net->part_count + 1u);
    d->site_in = fl_arena_get(arena, s->net->site_count + 1u);
    d->supplier_in = fl_arena_get(arena, s->net->supplier_count + 1u);
    d->queue = fl_arena_get(arena, (s->net->part_count + 1u) * sizeof *d->queue);
    if (d->part_in == NULL || d->site_in == NULL || d->supplier_in == NULL || d->queue == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a draft");
    memset(d->part_in, 0, s->net->part_count + 1u);
    memset(d->site_in, 0, s->net->site_count + 1u);
    memset(d->supplier_in, 0, s->net->supplier_count + 1u);
    r = read_lines(d, csv, err);
    if (r == FL_OK)
        r = build(d, stage, &net, err);
    if (r == FL_OK)
        r = answer(d, net, stage, ret, err);
    fl_net_unref(net);
    return r;
}
