/* Revenue at risk in JSON, with every row that it takes to calculate it again. */
#include <math.h>
#include <stdio.h>

#include "api/supply_json.h"
#include "base/attr.h"
#include "base/time.h"
#include "supply/revenue.h"

static const char *const from_names[] = {[FL_REVENUE_NOT] = "unknown",
                                         [FL_REVENUE_ROWS] = "rows",
                                         [FL_REVENUE_RATE] = "rate",
                                         [FL_REVENUE_NEAREST] = "nearest"};

static void put_day(struct fl_json *json, const char *key, int32_t day)
{
    char text[16];

    fl_day_format(day, text);
    fl_json_text(json, key, text);
}

static void put_product(struct fl_json *json, const struct fl_net *net,
                        const struct fl_revenue_product *r, const struct fl_loss_product *l)
{
    const struct fl_net_product *p = &net->products[r->product];

    fl_json_object(json, NULL);
    fl_json_text(json, "id", p->id);
    fl_json_text(json, "name", p->name);
    fl_json_text(json, "from", from_names[r->day.from]);
    fl_json_f64(json, "per_day", r->day.per_day);
    fl_json_f64(json, "covered_days", r->day.covered);
    fl_json_f64(json, "lost_days", p->demand_per_day > 0 ? l->lost_units / p->demand_per_day : NAN);
    fl_supply_json_days(json, "tts_days", l->tts_days);
    fl_json_f64(json, "backlog_share", p->backlog_share);
    fl_json_f64(json, "gross", r->gross);
    fl_json_f64(json, "net", r->net);
    fl_json_f64(json, "delayed", r->delayed);
    fl_json_f64(json, "timed", r->timed);
    fl_json_end(json);
}

/* A row of the table revenue with its period, or the product's own demand and price. */
static void put_row(struct fl_json *json, const struct fl_net *net, const struct fl_revenue_used *u)
{
    const struct fl_net_product *p = &net->products[u->product];
    bool own = u->row == FL_NET_NONE;

    fl_json_object(json, NULL);
    fl_json_text(json, "table",
                 fl_supply_schemas[own ? FL_SUPPLY_PRODUCTS : FL_SUPPLY_REVENUE].name);
    fl_json_text(json, "product", p->id);
    if (own) {
        fl_json_f64(json, "demand_per_day", p->demand_per_day);
        fl_json_f64(json, "revenue_per_unit", p->revenue_per_unit);
        fl_json_text(json, "currency", p->currency[0] == '\0' ? net->base_currency : p->currency);
    } else {
        const struct fl_net_revenue *row = &net->revenue[u->row];

        put_day(json, "from", row->from_day);
        put_day(json, "to", row->to_day);
        fl_json_f64(json, "amount", row->amount);
        fl_json_text(json, "currency",
                     row->currency[0] == '\0' ? net->base_currency : row->currency);
    }
    fl_json_f64(json, "rate", u->rate);
    fl_json_f64(json, "per_day", u->per_day);
    fl_json_f64(json, "days", u->days);
    fl_json_end(json);
}

static void put_formula(struct fl_json *json)
{
    static const char *const lines[] = {
        "gross = sum over products that lose anything, each once, of per_day * horizon_days",
        "net = sum of per_day * lost_days; delayed = sum of net * backlog_share",
        "timed = sum of per_day * max(0, horizon_days - tts_days)",
        "per_day = sum over its rows_used of per_day * days / covered_days",
        "per_day of a row of revenue = amount * rate / (to - from)",
        "per_day of a row of products = demand_per_day * revenue_per_unit * rate",
        "rate: the last that is not after the row's last day",
    };

    fl_json_array(json, "formula");
    for (size_t i = 0; i < FL_LEN(lines); i++)
        fl_json_text(json, NULL, lines[i]);
    fl_json_end(json);
}

static void put_lists(struct fl_json *json, const struct fl_net *net, const struct fl_loss *loss,
                      const struct fl_revenue_risk *r)
{
    uint32_t shown = r->used_count < FL_SUPPLY_ROWS_SHOWN ? r->used_count : FL_SUPPLY_ROWS_SHOWN;
    uint32_t products =
        r->product_count < FL_SUPPLY_ROWS_SHOWN ? r->product_count : FL_SUPPLY_ROWS_SHOWN;

    fl_json_array(json, "products");
    for (uint32_t i = 0; i < products; i++)
        put_product(json, net, &r->products[i], &loss->products[i]);
    fl_json_end(json);
    put_formula(json);
    fl_json_array(json, "rows_used");
    for (uint32_t i = 0; i < shown; i++)
        put_row(json, net, &r->used[i]);
    fl_json_end(json);
    fl_json_u64(json, "rows_left_out", r->used_count - shown);
}

void fl_supply_json_revenue(struct fl_json *json, const char *key, const struct fl_net *net,
                            const struct fl_loss *loss, int32_t from_day, struct fl_arena *arena)
{
    struct fl_revenue_risk r = {.gross = NAN, .net = NAN, .delayed = NAN, .timed = NAN};
    struct fl_err err = {0};
    bool known = fl_revenue_at_risk(net, loss, from_day, 0, arena, &r, &err) == FL_OK;

    for (uint32_t i = 0; i < r.product_count; i++)
        if (isnan(loss->products[i].tts_days)) /* traced */
            r.timed = r.products[i].timed = NAN;
    fl_json_object(json, key);
    fl_json_text(json, "currency", net->base_currency);
    fl_json_f64(json, "gross", r.gross);
    fl_json_f64(json, "net", r.net);
    fl_json_f64(json, "delayed", r.delayed);
    fl_json_f64(json, "timed", r.timed);
    fl_json_f64(json, "horizon_days", loss->days);
    put_day(json, "as_of", from_day);
    put_day(json, "until", known ? r.to_day : from_day);
    fl_json_text(json, "problem", known ? NULL : err.text);
    put_lists(json, net, loss, &r);
    fl_json_end(json);
}
