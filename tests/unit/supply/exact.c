#include "exact.h"

#include <stdlib.h>
#include <string.h>

typedef exact_wide wide;

static bool overflow;

static wide gcd(wide a, wide b)
{
    while (b != 0) {
        wide r = a % b;

        a = b;
        b = r;
    }
    return a < 0 ? -a : a;
}

static struct exact_number make(wide n, wide d)
{
    wide g = gcd(n, d);

    if (g != 0) {
        n /= g;
        d /= g;
    }
    return d < 0 ? (struct exact_number){-n, -d} : (struct exact_number){n, d};
}

struct exact_number exact_of(long n, long d)
{
    return make(n, d);
}

double exact_double(struct exact_number x)
{
    return (double)x.n / (double)x.d;
}

static wide times(wide a, wide b)
{
    wide r = 0;

    overflow |= __builtin_mul_overflow(a, b, &r);
    return r;
}

static struct exact_number mul(struct exact_number a, struct exact_number b)
{
    struct exact_number x = make(a.n, b.d), y = make(b.n, a.d);

    return make(times(x.n, y.n), times(x.d, y.d));
}

static struct exact_number divide(struct exact_number a, struct exact_number b)
{
    return mul(a, make(b.d, b.n));
}

static struct exact_number sub(struct exact_number a, struct exact_number b)
{
    wide g = gcd(a.d, b.d), n = 0;

    overflow |= __builtin_sub_overflow(times(a.n, b.d / g), times(b.n, a.d / g), &n);
    return make(n, times(a.d / g, b.d));
}

static int sign(struct exact_number x)
{
    return (x.n > 0) - (x.n < 0);
}

static bool less(struct exact_number a, struct exact_number b)
{
    return sign(sub(a, b)) < 0;
}

/* Columns: those of the program, one slack a row, one artificial a row, the right side. */
enum { WIDE = EXACT_COLUMNS + 2 * EXACT_ROWS + 1 };
static struct exact_number tableau[EXACT_ROWS + 1][WIDE];
static int basis[EXACT_ROWS];

static void pivot(int rows, int width, int row, int column)
{
    struct exact_number by = tableau[row][column];

    for (int k = 0; k < width; k++)
        if (tableau[row][k].n != 0)
            tableau[row][k] = divide(tableau[row][k], by);
    for (int i = 0; i <= rows; i++) {
        struct exact_number f = tableau[i][column];

        if (i == row || f.n == 0)
            continue;
        for (int k = 0; k < width; k++)
            if (tableau[row][k].n != 0)
                tableau[i][k] = sub(tableau[i][k], mul(f, tableau[row][k]));
    }
    basis[row] = column;
}

/* The row `rows` holds the reduced costs; the last column the right side. */
static enum exact_result simplex(int rows, int usable, int width)
{
    for (;;) {
        int enter = 0, leave = -1;

        while (enter < usable && sign(tableau[rows][enter]) >= 0)
            enter++;
        if (overflow)
            return EXACT_OVERFLOW;
        if (enter == usable)
            return EXACT_OPTIMAL;
        for (int i = 0; i < rows; i++) {
            struct exact_number ratio;

            if (sign(tableau[i][enter]) <= 0)
                continue;
            ratio = divide(tableau[i][width - 1], tableau[i][enter]);
            if (leave < 0 ||
                less(ratio, divide(tableau[leave][width - 1], tableau[leave][enter])) ||
                (!less(divide(tableau[leave][width - 1], tableau[leave][enter]), ratio) &&
                 basis[i] < basis[leave]))
                leave = i;
        }
        if (leave < 0)
            return EXACT_UNBOUNDED;
        pivot(rows, width, leave, enter);
    }
}

static void set_costs(int rows, int width, const struct exact_number *cost, int count)
{
    for (int k = 0; k < width; k++)
        tableau[rows][k] = k < count ? cost[k] : exact_of(0, 1);
    for (int i = 0; i < rows; i++) {
        struct exact_number f = tableau[rows][basis[i]];

        for (int k = 0; f.n != 0 && k < width; k++)
            tableau[rows][k] = sub(tableau[rows][k], mul(f, tableau[i][k]));
    }
}

static void fill(const struct exact_program *p, int width)
{
    for (int i = 0; i < p->rows; i++) {
        bool turn = sign(p->b[i]) < 0;
        struct exact_number one = exact_of(1, 1), minus = exact_of(-1, 1);

        for (int k = 0; k < width; k++)
            tableau[i][k] = exact_of(0, 1);
        for (int k = 0; k < p->columns; k++)
            tableau[i][k] = turn ? mul(p->a[i][k], minus) : p->a[i][k];
        tableau[i][p->columns + i] = turn ? minus : one;
        tableau[i][p->columns + p->rows + i] = one;
        tableau[i][width - 1] = turn ? mul(p->b[i], minus) : p->b[i];
        basis[i] = turn ? p->columns + p->rows + i : p->columns + i;
    }
}

enum exact_result exact_solve(const struct exact_program *p, double *ret_cost)
{
    int artificial = p->columns + p->rows, width = artificial + p->rows + 1;
    struct exact_number first[WIDE];
    enum exact_result r;

    overflow = false;
    fill(p, width);
    for (int k = 0; k < width; k++)
        first[k] = exact_of(k >= artificial && k < width - 1, 1);
    set_costs(p->rows, width, first, width - 1);
    r = simplex(p->rows, artificial, width);
    if (r != EXACT_OPTIMAL)
        return r;
    if (sign(tableau[p->rows][width - 1]) != 0)
        return EXACT_INFEASIBLE;
    for (int i = 0; i < p->rows; i++) /* artificial ones that stayed, at 0 */
        for (int k = 0; basis[i] >= artificial && k < artificial; k++)
            if (tableau[i][k].n != 0)
                pivot(p->rows, width, i, k);
    set_costs(p->rows, width, p->cost, p->columns);
    r = simplex(p->rows, artificial, width);
    *ret_cost = -exact_double(tableau[p->rows][width - 1]);
    return overflow ? EXACT_OVERFLOW : r;
}
