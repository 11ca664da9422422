/* net_build.h - inside supply: what a net is made of while and after it is built (net.h). */
#ifndef FL_SUPPLY_NET_BUILD_H
#define FL_SUPPLY_NET_BUILD_H

#include <stdatomic.h>

#include "supply/net.h"

/* Texts to numbers: open addressing, the texts belong to the arena. */
struct fl_net_ids {
    struct fl_net_id {
        struct fl_span text;
        uint32_t number;
        uint32_t hash; /* of the text, which is only looked at when it is the same */
    } * slots;
    uint32_t mask, count;
};

uint32_t fl_net_ids_find(const struct fl_net_ids *ids, struct fl_span text);
/* FL_E_EXISTS; FL_E_NOMEM. */
int fl_net_ids_put(struct fl_net_ids *ids, struct fl_span text, uint32_t number) FL_MUST_CHECK;
void fl_net_ids_done(struct fl_net_ids *ids);

struct fl_net_owned {
    struct fl_net net; /* first: what users hold */
    atomic_uint refs;
    struct fl_arena arena; /* all texts */
    struct fl_net_ids supplier_ids, site_ids, item_ids;
};

static inline struct fl_net_owned *fl_net_owner(const struct fl_net *net)
{
    return (struct fl_net_owned *)(uintptr_t)net;
}

void fl_net_owned_free(struct fl_net_owned *owned);

/* Index rows 0 .. count-1 by group_of(ctx, row), which is below `groups`. FL_E_NOMEM. */
int fl_net_index_make(struct fl_net_index *index, uint32_t count, uint32_t groups,
                      uint32_t (*group_of)(const void *ctx, uint32_t row), const void *ctx)
    FL_MUST_CHECK;

/* net->order: items behind what they are made of. FL_E_INVAL names a loop. */
int fl_net_order_make(struct fl_net *net, struct fl_err *err) FL_MUST_CHECK;

#endif
