/*
 * The simplex method over a dictionary: basic = value - table * others, the others all at 0. One
 * that stands at its top is turned: counted from there downwards. From nothing by the primal
 * method, as making nothing is allowed; after a change by the dual one, as prices do not depend on
 * room.
 */
#include "supply/exposure_pack.h"

#include <math.h>
#include <string.h>

#define LEAST_GAIN  1e-12
#define LEAST_PIVOT 1e-9
#define ROUNDING    1e-12

static double above_0(double v)
{
    return v > 0 ? v : 0;
}

static double top_of(const struct fl_pack *p, uint32_t variable)
{
    return variable < p->columns ? p->top[variable] : INFINITY;
}

static double *row_of(const struct fl_pack *p, uint32_t i)
{
    return p->table + (size_t)i * p->columns;
}

/* ---- steps ---- */

static void turn_column(struct fl_pack *p, uint32_t j)
{
    double top = top_of(p, p->other[j]);

    for (uint32_t i = 0; i < p->rows; i++) {
        p->value[i] -= row_of(p, i)[j] * top;
        row_of(p, i)[j] *= -1;
    }
    p->off[j] = -p->off[j];
    p->turned[p->other[j]] = !p->turned[p->other[j]];
}

static void turn_row(struct fl_pack *p, uint32_t i)
{
    uint32_t variable = p->basic[i];
    double *row = row_of(p, i);

    p->value[i] = top_of(p, variable) - p->value[i];
    for (uint32_t j = 0; j < p->columns; j++)
        row[j] = -row[j];
    p->turned[variable] = !p->turned[variable];
}

static void take_off(double *restrict row, const double *restrict own, double times,
                     uint32_t columns)
{
    for (uint32_t j = 0; j < columns; j++)
        row[j] -= times * own[j];
}

static void exchange(struct fl_pack *p, uint32_t at, uint32_t column)
{
    double *own = row_of(p, at), pivot = own[column];
    uint32_t leaves = p->basic[at];

    for (uint32_t j = 0; j < p->columns; j++)
        own[j] /= pivot;
    own[column] = 1 / pivot;
    p->value[at] /= pivot;
    for (uint32_t i = 0; i <= p->rows; i++) {
        double *row = i < p->rows ? row_of(p, i) : p->off, times = row[column];

        if (i == at || times == 0)
            continue;
        row[column] = 0;
        take_off(row, own, times, p->columns);
        if (i < p->rows)
            p->value[i] -= times * p->value[at];
    }
    p->basic[at] = p->other[column];
    p->other[column] = leaves;
}

/* ---- the primal method ---- */

/* The dearest column; by number once it has taken long, for that cannot go in circles. */
static bool choose_column(const struct fl_pack *p, bool by_number, uint32_t *ret)
{
    double best = LEAST_GAIN;
    bool found = false;

    for (uint32_t j = 0; j < p->columns; j++) {
        if (!(p->off[j] > (by_number ? LEAST_GAIN : best)))
            continue;
        if (by_number && found && p->other[j] > p->other[*ret])
            continue;
        best = p->off[j];
        *ret = j;
        found = true;
    }
    return found;
}

/* rows: the column runs to its own top. */
static uint32_t choose_row(const struct fl_pack *p, uint32_t column)
{
    double least = top_of(p, p->other[column]);
    uint32_t best = p->rows;

    for (uint32_t i = 0; i < p->rows; i++) {
        double pivot = row_of(p, i)[column], by;

        if (fabs(pivot) < LEAST_PIVOT)
            continue;
        by = above_0((pivot > 0 ? p->value[i] : p->value[i] - top_of(p, p->basic[i])) / pivot);
        if (by < least || (by == least && best < p->rows && p->basic[i] < p->basic[best])) {
            least = by;
            best = i;
        }
    }
    return best;
}

static bool primal(struct fl_pack *p)
{
    uint32_t most = 100 + 10 * (p->rows + p->columns), column = 0;

    for (uint32_t n = 0; choose_column(p, n > most / 2, &column); n++) {
        uint32_t row = choose_row(p, column);

        if (n == most || (row == p->rows && isinf(top_of(p, p->other[column]))))
            return false;
        if (row == p->rows) {
            turn_column(p, column);
            continue;
        }
        if (row_of(p, row)[column] < 0)
            turn_row(p, row);
        exchange(p, row, column);
    }
    return true;
}

static void begin(struct fl_pack *p)
{
    memcpy(p->table, p->use, (size_t)p->rows * p->columns * sizeof(double));
    memcpy(p->value, p->room, p->rows * sizeof(double));
    memcpy(p->off, p->gain, p->columns * sizeof(double));
    for (uint32_t i = 0; i < p->rows; i++)
        p->basic[i] = p->columns + i;
    for (uint32_t j = 0; j < p->columns; j++)
        p->other[j] = j;
    memset(p->turned, 0, (p->rows + p->columns) * sizeof(bool));
}

/* ---- the dual method ---- */

/* A row that is not known yet, in terms of the others. */
static void enter_row(struct fl_pack *p, uint32_t at)
{
    const double *use = p->use + (size_t)at * p->columns;
    double *row = row_of(p, at);

    memset(row, 0, p->columns * sizeof *row);
    p->value[at] = p->room[at];
    for (uint32_t i = 0; i < at; i++) {
        uint32_t v = p->basic[i];
        double times = v >= p->columns ? 0 : p->turned[v] ? -use[v] : use[v];

        if (times == 0)
            continue;
        take_off(row, row_of(p, i), times, p->columns);
        p->value[at] -= times * p->value[i] + (p->turned[v] ? use[v] * p->top[v] : 0);
    }
    for (uint32_t j = 0; j < p->columns; j++) {
        uint32_t v = p->other[j];

        if (v >= p->columns)
            continue;
        row[j] += p->turned[v] ? -use[v] : use[v];
        p->value[at] -= p->turned[v] ? use[v] * p->top[v] : 0;
    }
    p->basic[at] = p->columns + at;
    p->turned[p->columns + at] = false;
}

static double moved(const struct fl_pack *p, uint32_t v)
{
    if (v >= p->columns)
        return p->room[v - p->columns] - p->old_room[v - p->columns];
    return p->turned[v] ? p->top[v] - p->old_top[v] : 0;
}

static void move(struct fl_pack *p)
{
    for (uint32_t i = 0; i < p->known; i++)
        p->value[i] += moved(p, p->basic[i]);
    for (uint32_t j = 0; j < p->columns; j++) {
        double by = moved(p, p->other[j]);

        for (uint32_t i = 0; by != 0 && i < p->known; i++)
            p->value[i] += row_of(p, i)[j] * by;
    }
    for (uint32_t i = p->known; i < p->rows; i++)
        enter_row(p, i);
}

/* The row that misses its bounds most; turned so that it is the lower one. */
static bool choose_short(struct fl_pack *p, uint32_t *ret)
{
    double worst = ROUNDING;
    bool found = false;

    for (uint32_t i = 0; i < p->rows; i++) {
        double top = top_of(p, p->basic[i]);
        double by = fmax(-p->value[i], p->value[i] - top) / (1 + (isinf(top) ? 0 : top));

        if (by > worst) {
            worst = by;
            *ret = i;
            found = true;
        }
    }
    if (found && p->value[*ret] > 0)
        turn_row(p, *ret);
    return found;
}

static bool dual(struct fl_pack *p)
{
    uint32_t most = 50 + 2 * (p->rows + p->columns), row = 0;

    for (uint32_t n = 0; choose_short(p, &row); n++) {
        const double *at = row_of(p, row);
        uint32_t best = p->columns;

        for (uint32_t j = 0; j < p->columns; j++)
            if (at[j] < -LEAST_PIVOT &&
                (best == p->columns || p->off[j] * at[best] < p->off[best] * at[j]))
                best = j;
        if (n == most || best == p->columns)
            return false;
        exchange(p, row, best);
    }
    return true;
}

/* ---- answers ---- */

static void read_answer(struct fl_pack *p)
{
    for (uint32_t i = 0; i < p->rows; i++) {
        uint32_t v = p->basic[i];

        if (v >= p->columns) {
            p->price[v - p->columns] = 0;
            continue;
        }
        p->made[v] = fmin(above_0(p->turned[v] ? p->top[v] - p->value[i] : p->value[i]), p->top[v]);
        p->worth[v] = 0;
    }
    for (uint32_t j = 0; j < p->columns; j++) {
        uint32_t v = p->other[j];

        if (v >= p->columns) {
            p->price[v - p->columns] = -p->off[j];
            continue;
        }
        p->made[v] = p->turned[v] ? p->top[v] : 0;
        p->worth[v] = p->turned[v] ? -p->off[j] : 0;
    }
}

/* Many steps add up their roundings: held against the rows themselves. */
static bool sound(const struct fl_pack *p)
{
    for (uint32_t i = 0; i < p->rows; i++) {
        const double *use = p->use + (size_t)i * p->columns;
        double sum = 0, size = 1 + p->room[i];

        for (uint32_t j = 0; j < p->columns; j++)
            sum += use[j] * p->made[j];
        if (!(sum <= p->room[i] + 1e-11 * size))
            return false;
    }
    for (uint32_t j = 0; j < p->columns; j++)
        if (p->off[j] > 1e-11)
            return false;
    return true;
}

bool fl_pack_solve(struct fl_pack *p)
{
    bool done = false;

    if (p->known > 0) {
        move(p);
        done = dual(p);
        if (done)
            read_answer(p);
        done = done && sound(p);
    }
    if (!done) {
        begin(p);
        done = primal(p);
        if (done)
            read_answer(p);
    }
    p->known = done ? p->rows : 0;
    memcpy(p->old_room, p->room, p->rows * sizeof(double));
    memcpy(p->old_top, p->top, p->columns * sizeof(double));
    return done;
}
