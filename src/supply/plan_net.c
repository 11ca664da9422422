/* A network with plans carried out: its rows again, with what the plans change. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/time.h"
#include "supply/plan.h"

static const char *const kinds[] = {[FL_PLAN_BUFFER] = "buffer",
                                    [FL_PLAN_SECOND_SOURCE] = "second_source",
                                    [FL_PLAN_ALTERNATE] = "alternate",
                                    [FL_PLAN_LAST_TIME_BUY] = "last_time_buy",
                                    [FL_PLAN_ALLOCATION] = "allocation"};

const char *fl_plan_kind_name(enum fl_plan_kind kind)
{
    return kinds[kind];
}

int fl_plan_kind_find(struct fl_span name)
{
    for (size_t i = 0; i < FL_LEN(kinds); i++)
        if (fl_span_eq(name, fl_span_str(kinds[i])))
            return (int)i;
    return -1;
}

/* ---- what plans change, resolved ---- */

struct change {
    enum fl_plan_kind kind;
    uint32_t item, site, to;
    double units, days;
};

struct writer {
    const struct fl_net *net;
    struct fl_net_builder *builder;
    struct change change[FL_PLANS_MAX];
    uint32_t count;
    struct fl_supply_row row;
    char text[FL_SUPPLY_COLUMNS_MAX][48]; /* of numbers */
};

static int lacks(const struct fl_plan *plan, const char *what, const char *id, struct fl_err *err)
{
    if (id == NULL || id[0] == '\0')
        return fl_err_set(err, FL_E_INVAL, "plan '%s' (%s) needs %s", plan->id, kinds[plan->kind],
                          what);
    return fl_err_set(err, FL_E_INVAL, "plan '%s' (%s): there is no %s '%s'", plan->id,
                      kinds[plan->kind], what, id);
}

static int site_of(const struct fl_net *net, const struct fl_plan *plan, const char *what,
                   const char *id, uint32_t *ret, struct fl_err *err)
{
    uint32_t site = fl_net_site_find(net, fl_span_str(id));

    if (site == FL_NET_NONE)
        return lacks(plan, what, id, err);
    *ret = site;
    return FL_OK;
}

static int part_of(const struct fl_net *net, const struct fl_plan *plan, uint32_t *ret,
                   struct fl_err *err)
{
    uint32_t item = fl_net_item_find(net, fl_span_str(plan->item));

    if (item == FL_NET_NONE || (plan->kind != FL_PLAN_BUFFER && fl_net_is_product(net, item)))
        return lacks(plan, "part", plan->item, err);
    *ret = item;
    return FL_OK;
}

static int resolve(const struct fl_net *net, const struct fl_plan *plan, struct change *ret,
                   struct fl_err *err)
{
    struct change c = {.kind = plan->kind,
                       .item = FL_NET_NONE,
                       .site = FL_NET_NONE,
                       .to = FL_NET_NONE,
                       .units = plan->units,
                       .days = plan->days};
    bool stock = plan->kind == FL_PLAN_BUFFER || plan->kind == FL_PLAN_LAST_TIME_BUY;
    int r = FL_OK;

    if (stock && !(plan->units > 0 && plan->units <= 1e12))
        return fl_err_set(err, FL_E_INVAL, "plan '%s' (%s) needs units above 0", plan->id,
                          kinds[plan->kind]);
    if (!stock && !(plan->days >= 0 && plan->days <= 3650))
        return fl_err_set(err, FL_E_INVAL, "plan '%s' (%s): days are 0 to 3650", plan->id,
                          kinds[plan->kind]);
    if (stock || plan->kind == FL_PLAN_SECOND_SOURCE)
        r = part_of(net, plan, &c.item, err);
    if (r == FL_OK && (plan->kind == FL_PLAN_SECOND_SOURCE || plan->kind == FL_PLAN_ALTERNATE))
        r = site_of(net, plan, "site", plan->site, &c.site, err);
    if (r == FL_OK && plan->kind == FL_PLAN_ALTERNATE)
        r = site_of(net, plan, "site to take over", plan->to, &c.to, err);
    if (r == FL_OK)
        *ret = c;
    return r;
}

/* ---- rows ---- */

static void begin(struct writer *w, enum fl_supply_table table)
{
    memset(&w->row, 0, sizeof(w->row));
    w->row.table = table;
}

static void text(struct writer *w, unsigned column, const char *value)
{
    w->row.cell[column] = fl_span_str(value);
}

static void number(struct writer *w, unsigned column, double value)
{
    char *to = w->text[column];
    size_t len;

    if (!isfinite(value))
        return; /* empty: not known, or not limited */
    (void)snprintf(to, sizeof(w->text[0]), "%.9f", value);
    for (len = strlen(to); to[len - 1] == '0'; len--)
        ;
    len -= to[len - 1] == '.';
    w->row.cell[column] = fl_span_of(to, len);
}

static int put(struct writer *w, struct fl_err *err)
{
    return fl_net_put(w->builder, &w->row, err);
}

/* Units that plans add to an item. */
static double more_stock(const struct writer *w, uint32_t item)
{
    double units = 0;

    for (uint32_t i = 0; i < w->count; i++)
        if (w->change[i].item == item && w->change[i].kind != FL_PLAN_SECOND_SOURCE)
            units += w->change[i].units;
    return units;
}

static int put_supplier(struct writer *w, uint32_t i, struct fl_err *err)
{
    const struct fl_net_supplier *s = &w->net->suppliers[i];

    begin(w, FL_SUPPLY_SUPPLIERS);
    text(w, FL_SUPPLIER_ID, s->id);
    text(w, FL_SUPPLIER_NAME, s->name);
    text(w, FL_SUPPLIER_COUNTRY, s->country);
    number(w, FL_SUPPLIER_TIER, s->tier > 0 ? s->tier : (double)NAN);
    text(w, FL_SUPPLIER_KIND, s->distributor ? "distributor" : "");
    if (s->parent != FL_NET_NONE)
        text(w, FL_SUPPLIER_PARENT, w->net->suppliers[s->parent].id);
    return put(w, err);
}

static int put_site(struct writer *w, uint32_t i, struct fl_err *err)
{
    const struct fl_net_site *s = &w->net->sites[i];
    uint32_t alternate = s->alternate;
    double days = s->bring_up_days;

    for (uint32_t k = 0; k < w->count; k++)
        if (w->change[k].kind == FL_PLAN_ALTERNATE && w->change[k].site == i) {
            alternate = w->change[k].to;
            days = w->change[k].days;
        }
    begin(w, FL_SUPPLY_SITES);
    text(w, FL_SITE_ID, s->id);
    if (s->supplier != FL_NET_NONE)
        text(w, FL_SITE_SUPPLIER, w->net->suppliers[s->supplier].id);
    text(w, FL_SITE_NAME, s->name);
    number(w, FL_SITE_LAT, s->lat);
    number(w, FL_SITE_LON, s->lon);
    text(w, FL_SITE_COUNTRY, s->country);
    text(w, FL_SITE_ACTIVITY, s->activity);
    number(w, FL_SITE_TTR, s->ttr_days);
    number(w, FL_SITE_CAPACITY, s->capacity_per_day);
    if (alternate != FL_NET_NONE) {
        text(w, FL_SITE_ALTERNATE, w->net->sites[alternate].id);
        number(w, FL_SITE_BRING_UP, days);
    }
    number(w, FL_SITE_RADIUS, s->radius_km);
    text(w, FL_SITE_CITY, s->city);
    text(w, FL_SITE_PORT, s->port);
    return put(w, err);
}

static int put_part(struct writer *w, uint32_t i, struct fl_err *err)
{
    const struct fl_net_part *p = &w->net->parts[i];
    double more = more_stock(w, i);

    begin(w, FL_SUPPLY_PARTS);
    text(w, FL_PART_ID, p->id);
    text(w, FL_PART_NAME, p->name);
    text(w, FL_PART_CLASS, p->class_name);
    number(w, FL_PART_STOCK, p->stock_known || more > 0 ? p->stock_units + more : (double)NAN);
    number(w, FL_PART_LEAD, p->lead_days);
    number(w, FL_PART_COST, p->unit_cost);
    text(w, FL_PART_CURRENCY, p->currency);
    text(w, FL_PART_LIFECYCLE, p->lifecycle);
    text(w, FL_PART_CUSTODY, p->custody);
    return put(w, err);
}

static int put_product(struct writer *w, uint32_t i, struct fl_err *err)
{
    const struct fl_net_product *p = &w->net->products[i];

    begin(w, FL_SUPPLY_PRODUCTS);
    text(w, FL_PRODUCT_ID, p->id);
    text(w, FL_PRODUCT_NAME, p->name);
    text(w, FL_PRODUCT_STAGE, p->stage);
    number(w, FL_PRODUCT_DEMAND, p->demand_per_day);
    number(w, FL_PRODUCT_PROFIT, p->profit_per_unit);
    number(w, FL_PRODUCT_REVENUE, p->revenue_per_unit);
    number(w, FL_PRODUCT_STOCK, p->stock_units + more_stock(w, fl_net_item_of_product(w->net, i)));
    text(w, FL_PRODUCT_CURRENCY, p->currency);
    number(w, FL_PRODUCT_BACKLOG, p->backlog_share);
    return put(w, err);
}

/* A second source delivers when the plan says, also where there was one that was not qualified. */
static int put_source(struct writer *w, uint32_t i, struct fl_err *err)
{
    const struct fl_net_source *s = &w->net->sources[i];
    bool qualified = s->qualified;
    double days = s->bring_up_days, share = s->share;

    for (uint32_t k = 0; k < w->count; k++)
        if (w->change[k].kind == FL_PLAN_SECOND_SOURCE && w->change[k].item == s->part &&
            w->change[k].site == s->site && !(qualified && s->used)) {
            days = qualified ? fmin(days, w->change[k].days) : w->change[k].days;
            qualified = true;
            share = 0;
        }
    begin(w, FL_SUPPLY_PART_SITES);
    text(w, FL_SOURCE_PART, w->net->parts[s->part].id);
    text(w, FL_SOURCE_SITE, w->net->sites[s->site].id);
    number(w, FL_SOURCE_SHARE, share);
    text(w, FL_SOURCE_QUALIFIED, qualified ? "yes" : "no");
    number(w, FL_SOURCE_BRING_UP, days);
    return put(w, err);
}

static int put_new_source(struct writer *w, uint32_t i, struct fl_err *err)
{
    const struct change *c = &w->change[i];

    if (c->kind != FL_PLAN_SECOND_SOURCE ||
        fl_net_source_find(w->net, c->item, c->site) != FL_NET_NONE)
        return FL_OK;
    for (uint32_t k = 0; k < i; k++)
        if (w->change[k].kind == c->kind && w->change[k].item == c->item &&
            w->change[k].site == c->site)
            return FL_OK;
    begin(w, FL_SUPPLY_PART_SITES);
    text(w, FL_SOURCE_PART, w->net->parts[c->item].id);
    text(w, FL_SOURCE_SITE, w->net->sites[c->site].id);
    number(w, FL_SOURCE_SHARE, 0);
    text(w, FL_SOURCE_QUALIFIED, "yes");
    number(w, FL_SOURCE_BRING_UP, c->days);
    return put(w, err);
}

static int put_use(struct writer *w, uint32_t i, struct fl_err *err)
{
    const struct fl_net_use *u = &w->net->uses[i];

    begin(w, FL_SUPPLY_BOM);
    text(w, FL_BOM_PARENT, fl_net_item_id(w->net, u->parent));
    text(w, FL_BOM_PART, w->net->parts[u->part].id);
    number(w, FL_BOM_QUANTITY, u->quantity);
    return put(w, err);
}

static int put_rate(struct writer *w, uint32_t i, struct fl_err *err)
{
    const struct fl_net_rate *r = &w->net->rates[i];
    char day[16];

    fl_day_format(r->day, day);
    begin(w, FL_SUPPLY_RATES);
    text(w, FL_RATE_CURRENCY, r->currency);
    text(w, FL_RATE_DATE, day);
    number(w, FL_RATE_VALUE, r->value);
    return put(w, err);
}

/* Revenue by period is left out: losses are counted by profit and price of a unit. */
static int put_all(struct writer *w, struct fl_err *err)
{
    const struct fl_net *net = w->net;
    const struct {
        int (*put)(struct writer *, uint32_t, struct fl_err *);
        uint32_t count;
    } tables[] = {
        {put_supplier, net->supplier_count}, {put_site, net->site_count},
        {put_part, net->part_count},         {put_product, net->product_count},
        {put_source, net->source_count},     {put_new_source, w->count},
        {put_use, net->use_count},           {put_rate, net->rate_count},
    };

    for (size_t t = 0; t < FL_LEN(tables); t++)
        for (uint32_t i = 0; i < tables[t].count; i++) {
            int r = tables[t].put(w, i, err);

            if (r < 0)
                return r;
        }
    return FL_OK;
}

static int allocate(const struct fl_net *net, const struct fl_plan *plan, struct fl_arena *arena,
                    struct fl_daily_rule *rule, struct fl_err *err)
{
    uint32_t *first = fl_arena_get(arena, (plan->first_count + 1u) * sizeof(*first));

    if (first == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for %u products", plan->first_count);
    for (uint32_t i = 0; i < plan->first_count; i++) {
        uint32_t item = fl_net_item_find(net, fl_span_str(plan->first[i]));

        if (item == FL_NET_NONE || !fl_net_is_product(net, item))
            return lacks(plan, "product", plan->first[i], err);
        first[i] = item - net->part_count;
    }
    rule->allocation = FL_ALLOCATE_LIST;
    rule->first = first;
    rule->first_count = plan->first_count;
    return FL_OK;
}

int fl_plan_apply(const struct fl_net *net, const struct fl_plan *const *plans, uint32_t count,
                  struct fl_arena *arena, struct fl_net **ret, struct fl_daily_rule *ret_rule,
                  struct fl_err *err)
{
    struct writer *w = calloc(1, sizeof(*w));
    struct fl_daily_rule rule = *ret_rule;
    int r = w == NULL              ? fl_err_set(err, FL_E_NOMEM, "no memory for a plan")
            : count > FL_PLANS_MAX ? fl_err_set(err, FL_E_LIMIT, "%u plans at once", count)
                                   : FL_OK;

    for (uint32_t i = 0; i < count && r == FL_OK; i++) {
        r = resolve(net, plans[i], &w->change[i], err);
        if (r == FL_OK && plans[i]->kind == FL_PLAN_ALLOCATION)
            r = allocate(net, plans[i], arena, &rule, err);
        w->count = i + 1;
    }
    if (r == FL_OK) {
        w->net = net;
        r = fl_net_builder_new((size_t)4 << 30, net->base_currency, &w->builder, err);
    }
    if (r == FL_OK) {
        r = put_all(w, err);
        if (r < 0)
            fl_net_builder_free(w->builder);
        else
            r = fl_net_build(w->builder, ret, err);
    }
    free(w);
    if (r == FL_OK)
        *ret_rule = rule;
    return r;
}

double fl_plan_cost(const struct fl_net *net, const struct fl_plan *plan)
{
    uint32_t item;
    double cost;

    if (!isnan(plan->cost))
        return plan->cost;
    if (plan->kind != FL_PLAN_BUFFER && plan->kind != FL_PLAN_LAST_TIME_BUY)
        return NAN;
    item = fl_net_item_find(net, fl_span_str(plan->item));
    if (item == FL_NET_NONE || fl_net_is_product(net, item) || isnan(net->parts[item].unit_cost))
        return NAN;
    if (fl_net_convert(net, plan->units * net->parts[item].unit_cost, net->parts[item].currency,
                       INT32_MAX, &cost, NULL) < 0)
        return NAN;
    return cost;
}
