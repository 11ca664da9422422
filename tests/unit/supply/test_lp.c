/* The wrapper of the solver: values and costs, other bounds, a kept basis, what has no solution. */
#include "supply/lp.h"

#include <math.h>

#include "base/attr.h"
#include "tap.h"

/* min -3x - 2y with x + y <= 4, x + 3y <= 6, x <= 3: x = 3, y = 1, -11 */
static const int start[] = {0, 2, 4}, row[] = {0, 1, 0, 1};
static const double term[] = {1, 1, 1, 3}, cost[] = {-3, -2}, low[] = {0, 0};
static const double high[] = {3, INFINITY}, none[] = {-INFINITY, -INFINITY};

static int solve(struct fl_lp *lp, const double *low_of_rows, const double *high_of_rows,
                 enum fl_lp_method method, const double **values, double *sum)
{
    struct fl_lp_problem p = {2, 2, start, row, term, cost, low, high, low_of_rows, high_of_rows};
    struct fl_err err = {0};
    int r = fl_lp_load(lp, &p, &err);

    if (r == FL_OK)
        r = fl_lp_solve(lp, method, values, sum, &err);
    if (r < 0)
        printf("# %s\n", err.text);
    return r;
}

int main(void)
{
    static const double high_rows[] = {4, 6}, wider[] = {5, 6}, open[] = {INFINITY, INFINITY};
    static const double impossible[] = {100, -INFINITY};
    struct fl_lp_problem huge = {
        FL_LP_SIZE_MAX + 1, 0, (const int[]){0}, NULL, NULL, NULL, NULL, NULL, NULL, NULL};
    struct fl_lp_basis basis = {0};
    struct fl_lp *lp = NULL;
    struct fl_err err = {0};
    const double *v = NULL;
    double sum = 0;
    uint64_t steps;

    CHECK(fl_lp_new(&lp, &err) == FL_OK, "a program");
    for (int m = FL_LP_DUAL; m <= FL_LP_PRIMAL; m++)
        CHECK(solve(lp, none, high_rows, (enum fl_lp_method)m, &v, &sum) == FL_OK &&
                  fabs(v[0] - 3) < 1e-9 && fabs(v[1] - 1) < 1e-9 && fabs(sum + 11) < 1e-9,
              "its best values, and what they cost");
    CHECK(fl_lp_keep(lp, &basis, &err) == FL_OK && basis.len == 4, "its basis is kept");
    fl_lp_rows(lp, none, wider);
    CHECK(fl_lp_solve(lp, FL_LP_DUAL, &v, &sum, &err) == FL_OK && fabs(sum + 11) < 1e-9,
          "a row that does not bind alone changes nothing");
    steps = fl_lp_steps(lp);
    CHECK(fl_lp_keep(lp, &basis, &err) == FL_OK &&
              solve(lp, none, wider, FL_LP_DUAL, &v, &sum) == FL_OK && fl_lp_steps(lp) > steps,
          "from the beginning it takes steps");
    steps = fl_lp_steps(lp);
    {
        struct fl_lp_problem p = {2, 2, start, row, term, cost, low, high, none, wider};

        CHECK(fl_lp_load(lp, &p, &err) == FL_OK, "loaded again");
        fl_lp_begin(lp, &basis);
        CHECK(fl_lp_solve(lp, FL_LP_DUAL, &v, &sum, &err) == FL_OK && fl_lp_steps(lp) == steps &&
                  fabs(sum + 11) < 1e-9,
              "from the kept basis none");
    }
    CHECK(solve(lp, none, open, FL_LP_PRIMAL, &v, &sum) == FL_E_INVAL, "without an end");
    CHECK(solve(lp, impossible, high_rows, FL_LP_DUAL, &v, &sum) == FL_E_INVAL,
          "without a solution");
    CHECK(solve(lp, none, high_rows, FL_LP_DUAL, &v, &sum) == FL_OK && fabs(sum + 11) < 1e-9,
          "and after that as before");
    CHECK(fl_lp_load(lp, &huge, &err) == FL_E_LIMIT, "too large is refused with a sentence");
    printf("# %s\n", err.text);
    fl_lp_basis_done(&basis);
    fl_lp_free(lp);
    return tap_done();
}
