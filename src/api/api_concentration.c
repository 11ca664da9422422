/* How few hands a product's parts are in, part by part, and what hangs on one site below. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/supply_api.h"
#include "api/work.h"
#include "supply/concentration.h"

#define CLUSTER_KM  75
#define FLAGS_SHOWN 1000u
#define HUBS_SHOWN  100u
#define HUBS_PARTS  20000u /* networks with more parts: hubs of one product at a time */

struct question {
    char product[FL_SUPPLY_ID_MAX + 1]; /* "": all */
};

static void put_spread(struct fl_json *json, const char *key, const struct fl_spread *s)
{
    fl_json_object(json, key);
    fl_json_u64(json, "parts", s->parts);
    fl_json_u64(json, "unknown", s->unknown);
    fl_json_u64(json, "hands", s->hands);
    fl_json_f64(json, "hhi", s->hhi);
    fl_json_f64(json, "effective", s->effective);
    fl_json_f64(json, "top_share", s->top_share);
    fl_json_text(json, "top", s->top);
    fl_json_u64(json, "one_only", s->one_only);
    fl_json_end(json);
}

static void put_levels(struct fl_json *json, const struct fl_concentration *c)
{
    fl_json_array(json, "levels");
    for (unsigned level = 0; level < FL_LEVELS; level++) {
        fl_json_object(json, NULL);
        fl_json_text(json, "level", fl_level_name((enum fl_level)level));
        put_spread(json, "direct", &c->direct[level]);
        put_spread(json, "below", &c->below[level]);
        fl_json_end(json);
    }
    fl_json_end(json);
    fl_json_object(json, "worst");
    fl_json_text(json, "level", fl_level_name(c->worst));
    fl_json_bool(json, "below", c->worst_below);
    fl_json_end(json);
}

/* Parts below the product; all of them for FL_NET_NONE. */
static unsigned char *parts_of(const struct fl_net *net, uint32_t product, struct fl_arena *arena)
{
    uint32_t items = fl_net_item_count(net);
    const struct fl_net_index *of = &net->uses_of_parent;
    unsigned char *in = fl_arena_get(arena, items + 1);

    if (in == NULL)
        return NULL;
    memset(in, product == FL_NET_NONE, items + 1);
    if (product == FL_NET_NONE)
        return in;
    in[fl_net_item_of_product(net, product)] = 1;
    for (uint32_t i = items; i-- > 0;) { /* parents before what they are made of */
        uint32_t item = net->order[i];

        for (uint32_t k = of->start[item]; in[item] != 0 && k < of->start[item + 1]; k++)
            in[net->uses[of->list[k]].part] = 1;
    }
    return in;
}

static void put_flagged(struct fl_json *json, const struct fl_net *net, const unsigned char *in)
{
    uint32_t shown = 0, left = 0;

    fl_json_array(json, "flags");
    for (uint32_t part = 0; part < net->part_count; part++) {
        unsigned flags = in[part] != 0 ? fl_part_flags(net, part) : 0;

        if (flags == 0)
            continue;
        if (shown++ >= FLAGS_SHOWN) {
            left++;
            continue;
        }
        fl_json_object(json, NULL);
        fl_json_text(json, "part", net->parts[part].id);
        fl_json_text(json, "name", net->parts[part].name);
        fl_json_text(json, "class", net->parts[part].class_name);
        fl_json_u64(json, "suppliers", fl_part_suppliers(net, part));
        fl_json_array(json, "flags");
        for (unsigned bit = 1; bit <= FL_HIDDEN_HUB; bit <<= 1)
            if ((flags & bit) != 0)
                fl_json_text(json, NULL, fl_source_flag_name((enum fl_source_flag)bit));
        fl_json_end(json);
        fl_json_end(json);
    }
    fl_json_end(json);
    fl_json_u64(json, "flags_left_out", left);
}

static int put_hubs(struct fl_json *json, const struct fl_work_in *in, uint32_t product,
                    struct fl_err *err)
{
    const struct fl_net *net = in->net->net;
    struct fl_hub *hubs = NULL;
    uint32_t count = 0;
    int r = FL_OK;

    if (product != FL_NET_NONE || net->part_count <= HUBS_PARTS)
        r = fl_hubs(net, product, NULL, in->arena, &hubs, &count, err);
    if (r < 0)
        return r;
    fl_json_array(json, "hubs");
    for (uint32_t i = 0; i < count && i < HUBS_SHOWN; i++) {
        fl_json_object(json, NULL);
        fl_json_text(json, "part", net->parts[hubs[i].part].id);
        fl_json_text(json, "name", net->parts[hubs[i].part].name);
        fl_json_text(json, "site", net->sites[hubs[i].site].id);
        fl_json_text(json, "site_name", net->sites[hubs[i].site].name);
        fl_json_f64(json, "probability", hubs[i].probability);
        fl_json_f64(json, "independent", hubs[i].independent);
        fl_json_bool(json, "exact", hubs[i].exact);
        fl_json_end(json);
    }
    fl_json_end(json);
    return FL_OK;
}

static int run(const struct fl_work_in *in, struct fl_err *err)
{
    const struct question *q = in->arg;
    const struct fl_net *net = in->net->net;
    uint32_t product = FL_NET_NONE;
    struct fl_concentration c;
    unsigned char *below;
    struct fl_json json;
    int r;

    if (q->product[0] != '\0') {
        product = fl_net_item_find(net, fl_span_str(q->product));
        if (product == FL_NET_NONE || !fl_net_is_product(net, product))
            return fl_err_set(err, FL_E_NOENT, "there is no product '%s'", q->product);
        product -= net->part_count;
    }
    r = fl_concentration(net, product, CLUSTER_KM, in->arena, &c, err);
    if (r < 0)
        return r;
    below = parts_of(net, product, in->arena);
    if (below == NULL)
        return fl_err_set(err, FL_E_LIMIT, "the network is too large: ask for one product");
    fl_json_init(&json, in->out);
    fl_json_object(&json, NULL);
    fl_json_u64(&json, "net_version", net->version);
    fl_json_text(&json, "product", product == FL_NET_NONE ? NULL : q->product);
    fl_json_u64(&json, "cluster_km", CLUSTER_KM);
    put_levels(&json, &c);
    put_flagged(&json, net, below);
    r = put_hubs(&json, in, product, err);
    fl_json_text(&json, "formula",
                 "hhi = sum of (100 share)^2; effective = 1 / sum of share^2; a part weighs its "
                 "cost a day where every cost is known, else all alike; probability of a hub: that "
                 "the part stops when each site is down with 0.05, independent: as if its sources "
                 "had nothing in common");
    fl_json_end(&json);
    return r;
}

int fl_api_concentration(struct fl_req *req, struct fl_err *err)
{
    struct fl_span product = fl_req_param(req, "product");
    struct question *q = calloc(1, sizeof *q);
    char text[FL_SUPPLY_ID_MAX + 32];

    if (q == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a question");
    if (product.len >= sizeof q->product) {
        free(q);
        return fl_err_set(err, FL_E_NOENT, "there is no such product");
    }
    if (product.len > 0)
        memcpy(q->product, product.ptr, product.len);
    (void)snprintf(text, sizeof text, "concentration %s", q->product);

    const struct fl_work_ask ask = {
        .run = run, .arg = q, .arg_free = free, .net = true, .is_long = true, .question = text};
    return fl_work_answer(req, &ask, err);
}
