#include "supply/revenue.h"

#include <math.h>
#include <stdlib.h>

enum { DAYS_MAX = 36525, DAY_MAX = 1000000 };

/* ---- revenue a day ---- */

struct dated {
    int32_t from_day;
    uint32_t row;
};

struct book {
    const struct fl_net *net;
    uint32_t *start; /* of products in rows */
    struct dated *rows;
    struct fl_revenue_used *used;
    uint32_t used_count;
};

static int32_t latest(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static int32_t earliest(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static void *get(struct fl_arena *arena, size_t count, size_t size, struct fl_err *err)
{
    void *p = fl_arena_get(arena, (count + 1) * size);

    if (p == NULL)
        (void)fl_err_set(err, FL_E_LIMIT, "no room for revenue");
    return p;
}

static int by_first_day(const void *a, const void *b)
{
    const struct dated *x = a, *y = b;

    if (x->from_day != y->from_day)
        return x->from_day < y->from_day ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static int open_book(const struct fl_net *net, struct fl_arena *arena, struct book *ret,
                     struct fl_err *err)
{
    struct book b = {.net = net};

    b.start = get(arena, (size_t)net->product_count + 2, sizeof *b.start, err);
    b.rows = get(arena, net->revenue_count, sizeof *b.rows, err);
    b.used = get(arena, (size_t)net->revenue_count + net->product_count, sizeof *b.used, err);
    if (b.start == NULL || b.rows == NULL || b.used == NULL)
        return FL_E_LIMIT;
    for (uint32_t v = 0; v < net->product_count + 2; v++)
        b.start[v] = 0;
    for (uint32_t i = 0; i < net->revenue_count; i++)
        b.start[net->revenue[i].product + 2]++;
    for (uint32_t v = 2; v < net->product_count + 2; v++)
        b.start[v] += b.start[v - 1];
    for (uint32_t i = 0; i < net->revenue_count; i++)
        b.rows[b.start[net->revenue[i].product + 1]++] =
            (struct dated){net->revenue[i].from_day, i};
    for (uint32_t v = 0; v < net->product_count; v++)
        qsort(b.rows + b.start[v], b.start[v + 1] - b.start[v], sizeof *b.rows, by_first_day);
    *ret = b;
    return FL_OK;
}

/* The rows of a product between two days; covered counts days that several cover once. */
static int from_rows(struct book *b, uint32_t product, int32_t from, int32_t to,
                     struct fl_revenue_day *ret, struct fl_err *err)
{
    int32_t upto = from;
    double sum = 0, covered = 0;

    for (uint32_t i = b->start[product]; i < b->start[product + 1]; i++) {
        const struct fl_net_revenue *row = &b->net->revenue[b->rows[i].row];
        int32_t first = latest(row->from_day, from), last = earliest(row->to_day, to);
        double rate = 1, day;

        if (first >= last)
            continue;
        if (fl_net_convert(b->net, 1, row->currency, row->to_day - 1, &rate, err) < 0)
            return fl_err_wrap(err, "revenue of product '%s'", b->net->products[product].id);
        day = row->amount * rate / (row->to_day - row->from_day);
        sum += day * (last - first);
        covered += latest(0, last - latest(first, upto));
        upto = latest(upto, last);
        b->used[b->used_count++] =
            (struct fl_revenue_used){b->rows[i].row, product, last - first, day, rate};
    }
    ret->covered = covered;
    ret->per_day = covered > 0 ? sum / covered : 0;
    return FL_OK;
}

static int from_rate(struct book *b, uint32_t product, int32_t from, int32_t to,
                     struct fl_revenue_day *ret, struct fl_err *err)
{
    const struct fl_net_product *p = &b->net->products[product];
    double day = p->demand_per_day * p->revenue_per_unit, rate = 1;

    if (!(day > 0))
        return FL_OK;
    if (fl_net_convert(b->net, 1, p->currency, from, &rate, err) < 0)
        return fl_err_wrap(err, "product '%s'", p->id);
    *ret = (struct fl_revenue_day){FL_REVENUE_RATE, day * rate, to - from};
    b->used[b->used_count++] =
        (struct fl_revenue_used){FL_NET_NONE, product, to - from, day * rate, rate};
    return FL_OK;
}

/* As many days, moved to where the nearest rows are: the last before, else the first after. */
static int from_nearest(struct book *b, uint32_t product, int32_t from, int32_t to,
                        struct fl_revenue_day *ret, struct fl_err *err)
{
    int32_t end = INT32_MIN, begin = INT32_MAX, days = to - from;

    for (uint32_t i = b->start[product]; i < b->start[product + 1]; i++) {
        const struct fl_net_revenue *row = &b->net->revenue[b->rows[i].row];

        end = row->to_day <= from ? latest(end, row->to_day) : end;
        begin = earliest(begin, row->from_day);
    }
    if (begin == INT32_MAX)
        return FL_OK;
    ret->from = FL_REVENUE_NEAREST;
    return end > INT32_MIN ? from_rows(b, product, end - days, end, ret, err)
                           : from_rows(b, product, begin, begin + days, ret, err);
}

static int day_of(struct book *b, uint32_t product, int32_t from, int32_t to,
                  struct fl_revenue_day *ret, struct fl_err *err)
{
    int r = from_rows(b, product, from, to, ret, err);

    if (r < 0 || ret->covered > 0) {
        ret->from = FL_REVENUE_ROWS;
        return r;
    }
    r = from_rate(b, product, from, to, ret, err);
    if (r == FL_OK && ret->from == FL_REVENUE_NOT)
        r = from_nearest(b, product, from, to, ret, err);
    return r;
}

int fl_revenue_days(const struct fl_net *net, const bool *wanted, int32_t from_day, int32_t days,
                    struct fl_arena *arena, struct fl_revenue_day *ret,
                    struct fl_revenue_used **ret_used, uint32_t *ret_used_count, struct fl_err *err)
{
    struct book b;
    int r;

    if (days < 1 || days > DAYS_MAX || from_day < -DAY_MAX || from_day > DAY_MAX)
        return fl_err_set(err, FL_E_INVAL, "revenue is looked at for 1 to %d days, near ours",
                          DAYS_MAX);
    r = open_book(net, arena, &b, err);
    for (uint32_t v = 0; r == FL_OK && v < net->product_count; v++) {
        ret[v] = (struct fl_revenue_day){0};
        if (wanted == NULL || wanted[v])
            r = day_of(&b, v, from_day, from_day + days, &ret[v], err);
    }
    if (r < 0)
        return r;
    *ret_used = b.used;
    *ret_used_count = b.used_count;
    return FL_OK;
}

/* ---- at risk ---- */

static double backlog(const struct fl_net_product *p)
{
    return p->backlog_share > 0 ? fmin(1, p->backlog_share) : 0;
}

static void add_product(const struct fl_net *net, const struct fl_loss *loss, uint32_t i,
                        double horizon, struct fl_revenue_risk *r)
{
    const struct fl_loss_product *l = &loss->products[i];
    const struct fl_net_product *p = &net->products[l->product];
    struct fl_revenue_product *to = &r->products[i];
    double lost_days = p->demand_per_day > 0 ? l->lost_units / p->demand_per_day : 0;

    to->gross = to->day.per_day * fmin(horizon, loss->days);
    to->net = to->day.per_day * fmin(lost_days, loss->days);
    to->delayed = to->net * backlog(p);
    to->timed = to->day.per_day * fmax(0, fmin(loss->days, horizon) - l->tts_days);
    r->gross += to->gross;
    r->net += to->net;
    r->delayed += to->delayed;
    r->timed += to->timed;
}

int fl_revenue_at_risk(const struct fl_net *net, const struct fl_loss *loss, int32_t from_day,
                       double horizon_days, struct fl_arena *arena, struct fl_revenue_risk *ret,
                       struct fl_err *err)
{
    double horizon = horizon_days > 0 ? horizon_days : loss->days;
    struct fl_revenue_risk r = {.from_day = from_day, .product_count = loss->product_count};
    bool *lost = get(arena, net->product_count, sizeof *lost, err);
    struct fl_revenue_day *days = get(arena, net->product_count, sizeof *days, err);
    int code;

    r.products = get(arena, loss->product_count, sizeof *r.products, err);
    if (lost == NULL || days == NULL || r.products == NULL)
        return FL_E_LIMIT;
    if (!(loss->days >= 0 && loss->days <= DAYS_MAX))
        return fl_err_set(err, FL_E_INVAL, "revenue at risk needs to know for how many days");
    for (uint32_t v = 0; v < net->product_count; v++)
        lost[v] = false;
    for (uint32_t i = 0; i < loss->product_count; i++)
        lost[loss->products[i].product] = true;
    r.to_day = from_day + (int32_t)fmax(1, ceil(loss->days));
    code = fl_revenue_days(net, lost, from_day, r.to_day - from_day, arena, days, &r.used,
                           &r.used_count, err);
    if (code < 0)
        return code;
    for (uint32_t i = 0; i < loss->product_count; i++) {
        uint32_t v = loss->products[i].product;

        r.products[i] = (struct fl_revenue_product){.product = v, .day = days[v]};
        add_product(net, loss, i, horizon, &r);
    }
    *ret = r;
    return FL_OK;
}
