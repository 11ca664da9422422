#include "supply/lp.h"

#include <coin/Clp_C_Interface.h>
#include <stdlib.h>
#include <string.h>

struct fl_lp {
    Clp_Simplex *model;
    uint32_t rows, columns;
    uint64_t steps;
};

int fl_lp_new(struct fl_lp **ret, struct fl_err *err)
{
    struct fl_lp *lp = calloc(1, sizeof *lp);

    if (lp != NULL)
        lp->model = Clp_newModel();
    if (lp == NULL || lp->model == NULL) {
        free(lp);
        return fl_err_set(err, FL_E_NOMEM, "no memory for a linear program");
    }
    Clp_setLogLevel(lp->model, 0);
    Clp_setPrimalTolerance(lp->model, FL_LP_TOLERANCE);
    Clp_setDualTolerance(lp->model, FL_LP_TOLERANCE);
    *ret = lp;
    return FL_OK;
}

void fl_lp_free(struct fl_lp *lp)
{
    if (lp == NULL)
        return;
    Clp_deleteModel(lp->model);
    free(lp);
}

int fl_lp_load(struct fl_lp *lp, const struct fl_lp_problem *p, struct fl_err *err)
{
    if (p->rows > FL_LP_SIZE_MAX || p->columns > FL_LP_SIZE_MAX ||
        p->start[p->columns] > (int)FL_LP_TERMS_MAX)
        return fl_err_set(err, FL_E_LIMIT,
                          "the program has %u rows, %u columns and %d terms; it may have %u, %u "
                          "and %u: calculate a part of the network",
                          p->rows, p->columns, p->start[p->columns], FL_LP_SIZE_MAX, FL_LP_SIZE_MAX,
                          FL_LP_TERMS_MAX);
    Clp_loadProblem(lp->model, (int)p->columns, (int)p->rows, p->start, p->row, p->term, p->low,
                    p->high, p->cost, p->row_low, p->row_high);
    lp->rows = p->rows;
    lp->columns = p->columns;
    return FL_OK;
}

void fl_lp_rows(struct fl_lp *lp, const double *row_low, const double *row_high)
{
    Clp_chgRowLower(lp->model, row_low);
    Clp_chgRowUpper(lp->model, row_high);
}

void fl_lp_basis_done(struct fl_lp_basis *basis)
{
    free(basis->status);
    *basis = (struct fl_lp_basis){0};
}

void fl_lp_begin(struct fl_lp *lp, const struct fl_lp_basis *basis)
{
    if (basis->status != NULL && basis->len == (size_t)lp->rows + lp->columns)
        Clp_copyinStatus(lp->model, basis->status);
}

int fl_lp_keep(const struct fl_lp *lp, struct fl_lp_basis *basis, struct fl_err *err)
{
    size_t len = (size_t)lp->rows + lp->columns;
    unsigned char *status = malloc(len + 1);

    if (status == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the basis of a program");
    memcpy(status, Clp_statusArray(lp->model), len);
    fl_lp_basis_done(basis);
    basis->status = status;
    basis->len = len;
    return FL_OK;
}

/* Clp's status: 0 is optimal. What one method leaves undone the other one tries. */
static bool run(struct fl_lp *lp, enum fl_lp_method method)
{
    if (method == FL_LP_DUAL)
        (void)Clp_dual(lp->model, 0);
    else
        (void)Clp_primal(lp->model, 0);
    lp->steps += (uint64_t)Clp_numberIterations(lp->model);
    return Clp_status(lp->model) == 0;
}

int fl_lp_solve(struct fl_lp *lp, enum fl_lp_method method, const double **ret_values,
                double *ret_cost, struct fl_err *err)
{
    const double *value, *cost;
    double sum = 0;
    int status;

    if (!run(lp, method) && !run(lp, method == FL_LP_DUAL ? FL_LP_PRIMAL : FL_LP_DUAL)) {
        status = Clp_status(lp->model);
        return fl_err_set(err, status == 1 || status == 2 ? FL_E_INVAL : FL_E_CORRUPT,
                          "the program of %u rows and %u columns %s", lp->rows, lp->columns,
                          status == 1   ? "has no solution"
                          : status == 2 ? "has no best solution"
                                        : "was not solved");
    }
    value = Clp_getColSolution(lp->model);
    cost = Clp_getObjCoefficients(lp->model);
    for (uint32_t i = 0; i < lp->columns; i++)
        sum += cost[i] * value[i];
    *ret_values = value;
    *ret_cost = sum;
    return FL_OK;
}

uint64_t fl_lp_steps(const struct fl_lp *lp)
{
    return lp->steps;
}
