/*
 * exact.h - linear programs over fractions, for small numbers: what the solver is held against.
 *
 * min cost x with A x <= b and x >= 0, by the two-phase simplex method with Bland's rule on a
 * whole tableau. Fractions of 128-bit integers; what does not fit makes the result EXACT_OVERFLOW.
 */
#ifndef FL_TESTS_EXACT_H
#define FL_TESTS_EXACT_H

#include <stdbool.h>

enum { EXACT_ROWS = 80, EXACT_COLUMNS = 64 };
enum exact_result { EXACT_OPTIMAL, EXACT_INFEASIBLE, EXACT_UNBOUNDED, EXACT_OVERFLOW };

__extension__ typedef __int128 exact_wide; /* the compiler's own */

struct exact_number {
    exact_wide n, d; /* lowest terms, d > 0 */
};

struct exact_program {
    int rows, columns;
    struct exact_number a[EXACT_ROWS][EXACT_COLUMNS], b[EXACT_ROWS], cost[EXACT_COLUMNS];
};

struct exact_number exact_of(long n, long d);
double exact_double(struct exact_number x);
enum exact_result exact_solve(const struct exact_program *p, double *ret_cost);

#endif
