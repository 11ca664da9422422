/*
 * net.h - a network of supply in memory, ready to calculate with: immutable once built, shared by
 * reference between threads.
 *
 * Rows go in table by table, in any order (fl_net_put); fl_net_build() resolves references, refuses
 * what cannot be (a bill of material with a loop), and indexes it. Quantities are double; unknown
 * ones are NAN unless the member says otherwise. Everything is named by index; texts live as long
 * as the net.
 *
 * The nodes of the programs (Simchi-Levi et al. 2015) are the sources, a part at a site; their id
 * is "part@site". Stock of a part is shared by its sources, so sources and users of a part meet in
 * one pool: sum over users of quantity * made <= sum over sources of made + stock.
 */
#ifndef FL_SUPPLY_NET_H
#define FL_SUPPLY_NET_H

#include "model/supply.h"

#define FL_NET_NONE UINT32_MAX

struct fl_net_supplier {
    const char *id, *name;
    char country[3];  /* "" unknown */
    uint32_t tier;    /* 0 unknown */
    bool distributor; /* or a warehouse: never a second source */
    uint32_t parent;  /* group it belongs to, or FL_NET_NONE */
    int32_t verified_day;
};

struct fl_net_site {
    const char *id, *name, *city, *port; /* port: UN/LOCODE or "" */
    uint32_t supplier;                   /* or FL_NET_NONE */
    double lat, lon;                     /* degrees; NAN: not known */
    double radius_km;                    /* the position's uncertainty; 0: exact */
    char country[3];
    const char *activity;
    double ttr_days;
    double capacity_per_day; /* of all parts together; INFINITY: not limited */
    uint32_t alternate;      /* site that takes over after bring_up_days, or FL_NET_NONE */
    double bring_up_days;    /* 0 where it is not known */
    int32_t verified_day;
};

/* Parts come first, products behind them, in one numbering: the items. */
struct fl_net_part {
    const char *id, *name, *class_name, *lifecycle, *custody;
    double stock_units; /* 0 where it is not known */
    bool stock_known;
    double lead_days, unit_cost;
    char currency[4];
};

struct fl_net_product {
    const char *id, *name, *stage;
    double demand_per_day, profit_per_unit, revenue_per_unit, stock_units; /* 0 unknown */
    char currency[4];
    double backlog_share; /* of lost units that come later; 0 */
};

struct fl_net_source { /* a node */
    uint32_t part, site;
    double share;         /* of today's split; NAN unknown; does not bind the programs */
    bool qualified;       /* may deliver */
    bool used;            /* delivers today: share above 0 or unknown */
    double bring_up_days; /* until a qualified one that is not used delivers; 0 */
    const char *origin;   /* customer, supplier, both, public; "" unknown */
    int32_t verified_day; /* INT32_MIN: never */
};

struct fl_net_use {        /* a line of a bill of material */
    uint32_t parent, part; /* items; part is a part */
    double quantity;
};

struct fl_net_revenue {
    uint32_t product;
    int32_t from_day, to_day; /* half open */
    double amount;
    char currency[4];
};

struct fl_net_rate { /* one unit of currency in the base currency, from that day on */
    char currency[4];
    int32_t day;
    double value;
};

/* Numbers of one kind that belong to another: those of i are list[start[i]] .. list[start[i+1]-1],
 * in rising order. */
struct fl_net_index {
    uint32_t *start, *list;
};

struct fl_net {
    struct fl_net_supplier *suppliers;
    struct fl_net_site *sites;
    struct fl_net_part *parts;
    struct fl_net_product *products;
    struct fl_net_source *sources; /* by part, then site */
    struct fl_net_use *uses;       /* by parent, then part */
    struct fl_net_revenue *revenue;
    struct fl_net_rate *rates; /* by currency, then day */
    uint32_t supplier_count, site_count, part_count, product_count, source_count, use_count,
        revenue_count, rate_count;
    struct fl_net_index sites_of_supplier, sources_of_part, sources_of_site;
    struct fl_net_index uses_of_parent; /* item -> its lines: what it is made of */
    struct fl_net_index uses_of_part;   /* part -> lines that take it */
    uint32_t *order; /* items so that each stands behind all that it is made of; item_count long */
    char base_currency[4];
    uint64_t version; /* as the owner numbers it; 0 at first */
};

static inline uint32_t fl_net_item_count(const struct fl_net *net)
{
    return net->part_count + net->product_count;
}
static inline uint32_t fl_net_item_of_product(const struct fl_net *net, uint32_t product)
{
    return net->part_count + product;
}
static inline bool fl_net_is_product(const struct fl_net *net, uint32_t item)
{
    return item >= net->part_count;
}
const char *fl_net_item_id(const struct fl_net *net, uint32_t item);

struct fl_net_builder;

/* base_currency: "" = that of most products, else "EUR". max_bytes: of everything together. */
int fl_net_builder_new(size_t max_bytes, const char *base_currency, struct fl_net_builder **ret,
                       struct fl_err *err) FL_MUST_CHECK;
void fl_net_builder_free(struct fl_net_builder *b); /* NULL is allowed */
/* Canonical cells, copied. The same key again is FL_E_EXISTS. */
int fl_net_put(struct fl_net_builder *b, const struct fl_supply_row *row, struct fl_err *err)
    FL_MUST_CHECK;
/*
 * FL_E_INVAL names the row ("source 'p1@x': there is no site 'x'; 'x1' meant?") and, of a loop in
 * the bills of material, its items. The builder is spent either way. The net has one reference.
 */
int fl_net_build(struct fl_net_builder *b, struct fl_net **ret, struct fl_err *err) FL_MUST_CHECK;

struct fl_net *fl_net_ref(const struct fl_net *net); /* any thread */
void fl_net_unref(struct fl_net *net);               /* any thread; NULL is allowed */

/* By id; FL_NET_NONE: there is none. */
uint32_t fl_net_supplier_find(const struct fl_net *net, struct fl_span id);
uint32_t fl_net_site_find(const struct fl_net *net, struct fl_span id);
uint32_t fl_net_item_find(const struct fl_net *net, struct fl_span id); /* part or product */
uint32_t fl_net_source_find(const struct fl_net *net, uint32_t part, uint32_t site);

/* amount in the base currency on that day: the last rate not after it, else the first. FL_E_NOENT:
 * there is no rate of this currency at all. An empty currency is the base. */
int fl_net_convert(const struct fl_net *net, double amount, const char *currency, int32_t day,
                   double *ret, struct fl_err *err) FL_MUST_CHECK;

#endif
