#include "api/work_int.h"

int fl_work_exposure(struct fl_work_net *net, struct fl_exposure **ret, struct fl_err *err)
{
    struct fl_exposure *x = atomic_exchange(&net->spare, NULL);

    if (x == NULL)
        return fl_exposure_new(net->net, ret, err);
    *ret = x;
    return FL_OK;
}

void fl_work_exposure_back(struct fl_work_net *net, struct fl_exposure *x)
{
    fl_exposure_free(atomic_exchange(&net->spare, x));
}

void fl_work_exposure_drop(struct fl_work_net *net)
{
    fl_exposure_free(atomic_exchange(&net->spare, NULL));
}
