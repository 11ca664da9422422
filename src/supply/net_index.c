/* Numbers of a net: ids to numbers, groups of rows, the order of making. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supply/net_build.h"

/* ---- ids ---- */

static uint32_t hash_of(struct fl_span text)
{
    uint64_t hash = fl_span_hash(text);

    return (uint32_t)(hash ^ hash >> 32);
}

static uint32_t slot_of(const struct fl_net_ids *ids, struct fl_span text, uint32_t hash)
{
    uint32_t at = hash & ids->mask;

    while (ids->slots[at].text.ptr != NULL &&
           (ids->slots[at].hash != hash || !fl_span_eq(ids->slots[at].text, text)))
        at = (at + 1) & ids->mask;
    return at;
}

/* Where there is room for one that is not there: no text is looked at. */
static uint32_t free_slot(const struct fl_net_ids *ids, uint32_t hash)
{
    uint32_t at = hash & ids->mask;

    while (ids->slots[at].text.ptr != NULL)
        at = (at + 1) & ids->mask;
    return at;
}

uint32_t fl_net_ids_find(const struct fl_net_ids *ids, struct fl_span text)
{
    uint32_t at;

    if (ids->slots == NULL || text.len == 0)
        return FL_NET_NONE;
    at = slot_of(ids, text, hash_of(text));
    return ids->slots[at].text.ptr == NULL ? FL_NET_NONE : ids->slots[at].number;
}

static int grow(struct fl_net_ids *ids)
{
    struct fl_net_ids more = {.mask = ids->slots == NULL ? 63 : 2 * ids->mask + 1};

    more.slots = calloc((size_t)more.mask + 1, sizeof *more.slots);
    if (more.slots == NULL)
        return FL_E_NOMEM;
    for (uint32_t i = 0; ids->slots != NULL && i <= ids->mask; i++)
        if (ids->slots[i].text.ptr != NULL)
            more.slots[free_slot(&more, ids->slots[i].hash)] = ids->slots[i];
    more.count = ids->count;
    free(ids->slots);
    *ids = more;
    return FL_OK;
}

int fl_net_ids_put(struct fl_net_ids *ids, struct fl_span text, uint32_t number)
{
    uint32_t hash = hash_of(text), at;

    if ((ids->slots == NULL || ids->count > ids->mask / 2) && grow(ids) < 0)
        return FL_E_NOMEM;
    at = slot_of(ids, text, hash);
    if (ids->slots[at].text.ptr != NULL)
        return FL_E_EXISTS;
    ids->slots[at] = (struct fl_net_id){text, number, hash};
    ids->count++;
    return FL_OK;
}

void fl_net_ids_done(struct fl_net_ids *ids)
{
    free(ids->slots);
    *ids = (struct fl_net_ids){0};
}

/* ---- groups ---- */

int fl_net_index_make(struct fl_net_index *index, uint32_t count, uint32_t groups,
                      uint32_t (*group_of)(const void *ctx, uint32_t row), const void *ctx)
{
    uint32_t *start = calloc((size_t)groups + 2, sizeof *start);
    uint32_t *list = malloc(((size_t)count + 1) * sizeof *list);

    if (start == NULL || list == NULL) {
        free(start);
        free(list);
        return FL_E_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t group = group_of(ctx, i);

        if (group != FL_NET_NONE)
            start[group + 2]++;
    }
    for (uint32_t g = 2; g <= groups; g++)
        start[g] += start[g - 1];
    for (uint32_t i = 0; i < count; i++) { /* start[g + 1] is where the next of g goes */
        uint32_t group = group_of(ctx, i);

        if (group != FL_NET_NONE)
            list[start[group + 1]++] = i;
    }
    index->start = start;
    index->list = list;
    return FL_OK;
}

/* ---- the order of making ---- */

/* Follow what cannot be ordered until an item comes again: that is the loop. */
static int tell_loop(const struct fl_net *net, const uint32_t *waits, struct fl_err *err)
{
    uint32_t items = fl_net_item_count(net), at = 0;
    char text[200] = "";
    size_t len = 0;

    while (at < items && waits[at] == 0)
        at++;
    for (uint32_t step = 0; step < items + 6; step++) {
        for (uint32_t i = net->uses_of_parent.start[at]; i < net->uses_of_parent.start[at + 1]; i++)
            if (waits[net->uses[i].part] > 0) {
                at = net->uses[i].part;
                break;
            }
        if (step >= items && len + 70 < sizeof text) { /* it is inside the loop by now */
            const char *id = fl_net_item_id(net, at);

            len += (size_t)snprintf(text + len, sizeof text - len, "%s%.60s", len > 0 ? " > " : "",
                                    id);
        }
    }
    return fl_err_set(err, FL_E_INVAL,
                      "bom: an item cannot be made of itself, but there is a loop: %s", text);
}

int fl_net_order_make(struct fl_net *net, struct fl_err *err)
{
    uint32_t items = fl_net_item_count(net), done = 0, put = 0;
    uint32_t *waits = calloc((size_t)items + 1, sizeof *waits);
    int r = FL_OK;

    net->order = malloc(((size_t)items + 1) * sizeof *net->order);
    if (waits == NULL || net->order == NULL) {
        free(waits);
        return fl_err_set(err, FL_E_NOMEM, "there is no memory to order %u items", items);
    }
    for (uint32_t i = 0; i < items; i++) {
        waits[i] = net->uses_of_parent.start[i + 1] - net->uses_of_parent.start[i];
        if (waits[i] == 0)
            net->order[put++] = i;
    }
    for (; done < put; done++) {
        uint32_t part = net->order[done];

        if (fl_net_is_product(net, part))
            continue;
        for (uint32_t i = net->uses_of_part.start[part]; i < net->uses_of_part.start[part + 1];
             i++) {
            uint32_t parent = net->uses[net->uses_of_part.list[i]].parent;

            if (--waits[parent] == 0)
                net->order[put++] = parent;
        }
    }
    if (put < items)
        r = tell_loop(net, waits, err);
    free(waits);
    return r;
}
