/*
 * lp.h - linear programs: min sum_j cost_j x_j with row_low <= A x <= row_high and
 * low <= x <= high, by the dual or primal simplex method of COIN-OR Clp. Nothing else knows Clp.
 *
 * Programs are meant to be scaled so that values are about 1 to 1000: a row or bound may be missed
 * by FL_LP_TOLERANCE, a reduced cost as well. The objective is summed up again from the values, it
 * is not the solver's. Clp writes nothing on standard output.
 */
#ifndef FL_SUPPLY_LP_H
#define FL_SUPPLY_LP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

#define FL_LP_TOLERANCE 1e-9
/* A program beyond this many rows and columns, or coefficients, is refused: about 1 GiB. */
#define FL_LP_SIZE_MAX  1000000u
#define FL_LP_TERMS_MAX 8000000u

/* By columns. Bounds may be infinite. All borrowed for the call. */
struct fl_lp_problem {
    uint32_t rows, columns;
    const int *start;                 /* columns + 1 */
    const int *row;                   /* of each coefficient */
    const double *term;               /* coefficients */
    const double *cost, *low, *high;  /* of columns */
    const double *row_low, *row_high; /* of rows */
};

enum fl_lp_method { FL_LP_DUAL, FL_LP_PRIMAL };

/* Where a solution stood, to begin the next one from: of a program of the same size. */
struct fl_lp_basis {
    unsigned char *status; /* owned; NULL: none yet */
    size_t len;
};
void fl_lp_basis_done(struct fl_lp_basis *basis);

struct fl_lp; /* a program in memory; one thread */

int fl_lp_new(struct fl_lp **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_lp_free(struct fl_lp *lp); /* NULL is allowed */

/* Replaces what was loaded. FL_E_LIMIT: too large, with a sentence. */
int fl_lp_load(struct fl_lp *lp, const struct fl_lp_problem *problem, struct fl_err *err)
    FL_MUST_CHECK;
/* Other bounds for the rows of what is loaded: the next solution starts from the last one. */
void fl_lp_rows(struct fl_lp *lp, const double *row_low, const double *row_high);
/* Begin from this basis if it is of the same size; keep the present one. */
void fl_lp_begin(struct fl_lp *lp, const struct fl_lp_basis *basis);
int fl_lp_keep(const struct fl_lp *lp, struct fl_lp_basis *basis, struct fl_err *err) FL_MUST_CHECK;

/* *ret_values: of the columns, borrowed until the next call. FL_E_INVAL: there is no solution, or
 * none that is best; FL_E_CORRUPT: the method gave up. */
int fl_lp_solve(struct fl_lp *lp, enum fl_lp_method method, const double **ret_values,
                double *ret_cost, struct fl_err *err) FL_MUST_CHECK;
/* Steps of the method since the program was made. */
uint64_t fl_lp_steps(const struct fl_lp *lp);

#endif
