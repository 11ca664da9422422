/*
 * revenue.h - revenue at risk when sites are down: gross, net and delayed, with the rows it stands
 * on.
 *
 *   gross    revenue within the days of every product that loses something, whole and once, however
 *            many of its parts and sites are hit
 *   net      of that what is lost: revenue a day * days lost by the program (exposure.h)
 *   delayed  backlog_share of the net: it comes later
 *   timed    revenue a day * max(0, min(TTR, horizon) - TTS) of each product alone
 *
 * Revenue a day of a product is that of its revenue rows that lie within the days looked at: all
 * rows count (channels, periods), each spread evenly over its period; days that no row covers are
 * taken like those that some do. Where no row lies within, demand_per_day * revenue_per_unit; where
 * that is not known either, the rows nearest to those days. Money is in the net's base currency,
 * each row at the last rate that is not after the row's last day.
 */
#ifndef FL_SUPPLY_REVENUE_H
#define FL_SUPPLY_REVENUE_H

#include "supply/exposure.h"

enum fl_revenue_from {
    FL_REVENUE_NOT,    /* not known: counted as 0, and said */
    FL_REVENUE_ROWS,   /* of the table revenue */
    FL_REVENUE_RATE,   /* demand_per_day * revenue_per_unit */
    FL_REVENUE_NEAREST /* rows of other days */
};

struct fl_revenue_used {
    uint32_t row;     /* of net->revenue; FL_NET_NONE: the product's own */
    uint32_t product; /* whose */
    double days;      /* of the row's period that lie within what was looked at */
    double per_day;   /* of the row, in the base currency */
    double rate;      /* base currency for one of the row's */
};

/* per_day = sum over its rows of per_day * days / covered */
struct fl_revenue_day {
    enum fl_revenue_from from;
    double per_day;
    double covered; /* days that some row covers */
};

struct fl_revenue_product {
    uint32_t product;
    struct fl_revenue_day day;
    double gross, net, delayed, timed;
};

struct fl_revenue_risk {
    int32_t from_day, to_day; /* half open: what was looked at */
    double gross, net, delayed, timed;
    struct fl_revenue_product *products; /* as in the loss: worst first */
    uint32_t product_count;
    struct fl_revenue_used *used; /* by product; recomputes every figure above */
    uint32_t used_count;
};

/* Revenue a day of each product (ret has product_count), and the rows used. wanted: of which
 * products; NULL: all. from_day: days since 1970-01-01. FL_E_NOENT: a currency has no rate. */
int fl_revenue_days(const struct fl_net *net, const bool *wanted, int32_t from_day, int32_t days,
                    struct fl_arena *arena, struct fl_revenue_day *ret,
                    struct fl_revenue_used **ret_used, uint32_t *ret_used_count, struct fl_err *err)
    FL_MUST_CHECK;

/* from_day: when the outage begins. horizon_days limits gross and timed, not
 * above 0: the loss's own days. In arena. */
int fl_revenue_at_risk(const struct fl_net *net, const struct fl_loss *loss, int32_t from_day,
                       double horizon_days, struct fl_arena *arena, struct fl_revenue_risk *ret,
                       struct fl_err *err) FL_MUST_CHECK;

#endif
