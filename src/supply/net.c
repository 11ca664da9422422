#include "supply/net.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "supply/net_build.h"

/* ---- what is asked of a net ---- */

const char *fl_net_item_id(const struct fl_net *net, uint32_t item)
{
    return fl_net_is_product(net, item) ? net->products[item - net->part_count].id
                                        : net->parts[item].id;
}

uint32_t fl_net_supplier_find(const struct fl_net *net, struct fl_span id)
{
    return fl_net_ids_find(&fl_net_owner(net)->supplier_ids, id);
}

uint32_t fl_net_site_find(const struct fl_net *net, struct fl_span id)
{
    return fl_net_ids_find(&fl_net_owner(net)->site_ids, id);
}

uint32_t fl_net_item_find(const struct fl_net *net, struct fl_span id)
{
    return fl_net_ids_find(&fl_net_owner(net)->item_ids, id);
}

uint32_t fl_net_source_find(const struct fl_net *net, uint32_t part, uint32_t site)
{
    uint32_t from = net->sources_of_part.start[part], to = net->sources_of_part.start[part + 1];

    while (from < to) {
        uint32_t mid = from + (to - from) / 2;

        if (net->sources[mid].site == site)
            return mid;
        if (net->sources[mid].site < site)
            from = mid + 1;
        else
            to = mid;
    }
    return FL_NET_NONE;
}

int fl_net_convert(const struct fl_net *net, double amount, const char *currency, int32_t day,
                   double *ret, struct fl_err *err)
{
    const struct fl_net_rate *found = NULL;

    if (currency[0] == '\0' || strcmp(currency, net->base_currency) == 0) {
        *ret = amount;
        return FL_OK;
    }
    for (uint32_t i = 0; i < net->rate_count; i++) {
        const struct fl_net_rate *rate = &net->rates[i];

        if (strcmp(rate->currency, currency) == 0 && (found == NULL || rate->day <= day))
            found = rate;
    }
    if (found == NULL)
        return fl_err_set(err, FL_E_NOENT, "there is no rate of %s; add one to rates.csv",
                          currency);
    *ret = amount * found->value;
    return FL_OK;
}

/* ---- its life ---- */

struct fl_net *fl_net_ref(const struct fl_net *net)
{
    struct fl_net_owned *owned = fl_net_owner(net);

    atomic_fetch_add_explicit(&owned->refs, 1, memory_order_relaxed);
    return &owned->net;
}

void fl_net_unref(struct fl_net *net)
{
    if (net == NULL)
        return;
    if (atomic_fetch_sub_explicit(&fl_net_owner(net)->refs, 1, memory_order_acq_rel) == 1)
        fl_net_owned_free(fl_net_owner(net));
}
