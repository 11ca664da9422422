#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/desk_int.h"
#include "api/supply_json.h"
#include "base/time.h"

#define CENTS_MAX  9e16
#define DAY_MDAYS  1000.0
#define LIVES_DAYS 3.0 /* an event without an end, whose sites are not out: shown so long */

void fl_desk_batch_free(void *arg)
{
    struct fl_desk_batch *batch = arg;

    for (unsigned i = 0; i < batch->count; i++) {
        fl_buf_done(&batch->items[i].json);
        fl_buf_done(&batch->items[i].details);
        free(batch->items[i].words);
    }
    free(batch);
}

static int64_t cents(double amount)
{
    return !(amount > 0) ? 0 : (int64_t)llround(fmin(amount * 100, CENTS_MAX));
}

static int64_t mdays(double days)
{
    return isfinite(days) ? (int64_t)llround(fmax(0, fmin(days, 1e9)) * DAY_MDAYS) : FL_RISK_NONE;
}

/* As much of a text as there is room for, whole characters. */
static void put_text(char *to, size_t size, const char *text, size_t len)
{
    if (len > size - 1) {
        len = size - 1;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
            len--;
    }
    memcpy(to, text, len);
    to[len] = '\0';
}

static void put_span(char *to, size_t size, struct fl_span text)
{
    put_text(to, size, text.len == 0 ? "" : (const char *)text.ptr, text.len);
}

static void take_event(struct fl_risk *f, const struct fl_world_event *e)
{
    f->exercise = e->status == FL_EVENT_EXERCISE;
    put_span(f->event_type, sizeof f->event_type, e->type);
    put_span(f->title, sizeof f->title, e->title);
    put_span(f->place, sizeof f->place, e->place);
    put_span(f->severity, sizeof f->severity, e->severity);
    put_span(f->source, sizeof f->source, e->feed.len > 0 ? e->feed : e->sender);
    f->verified = e->verified;
    f->from_us = e->from_us != 0 ? e->from_us : e->issued_us;
    f->until_us = e->until_us;
    f->placed = isfinite(e->lat) && isfinite(e->lon);
    if (f->placed) {
        f->lat_e6 = (int64_t)llround(e->lat * 1e6);
        f->lon_e6 = (int64_t)llround(e->lon * 1e6);
    }
}

static void take_products(struct fl_risk *f, const struct fl_net *net, const struct fl_impact *im)
{
    size_t used = 0;

    f->products = im->all.product_count;
    f->product_list[0] = '\0';
    for (uint32_t i = 0; i < im->all.product_count && i < FL_RISK_LISTED_MAX; i++) {
        const struct fl_net_product *p = &net->products[im->all.products[i].product];
        char line[200];
        int len = snprintf(line, sizeof line, "%s\t%.100s\n", p->id, p->name);

        if (len < 0 || (size_t)len >= sizeof line || used + (size_t)len >= sizeof f->product_list)
            break;
        memcpy(f->product_list + used, line, (size_t)len + 1);
        used += (size_t)len;
    }
    if (im->first == FL_NET_NONE)
        return;
    put_text(f->first_product, sizeof f->first_product, net->products[im->first].id,
             strlen(net->products[im->first].id));
    put_text(f->first_name, sizeof f->first_name, net->products[im->first].name,
             strlen(net->products[im->first].name));
}

static void take_impact(struct fl_risk *f, const struct fl_net *net, const struct fl_impact *im)
{
    (void)snprintf(f->currency, sizeof f->currency, "%s", net->base_currency);
    f->net_version = net->version;
    f->net_loss_cents = cents(im->net_loss);
    f->potential_cents = cents(im->all.lost_revenue);
    f->probability_ppm = (int64_t)llround(im->probability * 1e6);
    f->sites = im->site_count;
    f->parts = im->part_count;
    f->sole_parts = im->sole_parts;
    f->tts_mdays = mdays(im->first_tts_days);
    f->ttr_mdays = im->site_count == 0 ? FL_RISK_NONE : mdays(im->ttr_days);
    put_text(f->why, sizeof f->why, im->why, strlen(im->why));
    take_products(f, net, im);
}

static int64_t end_of(const struct fl_world_event *e, const struct fl_impact *im, int64_t now_us)
{
    int64_t from_us = e->until_us != 0 ? e->until_us : e->from_us != 0 ? e->from_us : now_us;
    double days = fmax(im->ends_days, e->until_us != 0 ? 0 : LIVES_DAYS);

    return from_us + (int64_t)(fmin(days, 3650) * (double)FL_US_PER_DAY);
}

static int put_rows(struct fl_json *json, const struct fl_work_in *in, const struct fl_impact *im,
                    struct fl_err *err)
{
    struct fl_outage *outages = fl_arena_get(in->arena, (im->site_count + 1) * sizeof *outages);

    if (outages == NULL)
        return fl_err_set(err, FL_E_LIMIT, "the event hits more than can be listed");
    for (uint32_t i = 0; i < im->site_count; i++)
        outages[i] = (struct fl_outage){.site = im->sites[i].hit.site,
                                        .source = FL_NET_NONE,
                                        .left = 1 - im->sites[i].hit.down_share,
                                        .days = im->sites[i].hit.down_days[1]};
    return fl_supply_json_rows(json, in->net->net, outages, im->site_count, in->arena, err);
}

/* The day from which the sites are out. */
static int32_t begins(const struct fl_world_event *e, int64_t now_us)
{
    int64_t from_us = e->from_us != 0 ? e->from_us : e->issued_us;

    return fl_day_of(from_us != 0 ? from_us : now_us);
}

/* ---- what was confirmed ---- */

/* Revenue lost when the sites that were confirmed are down together, each for the days said. */
static int price_words(struct fl_desk_item *item, const struct fl_work_in *in,
                       struct fl_exposure *x, struct fl_err *err)
{
    const struct fl_net *net = in->net->net;
    struct fl_outage *outages = fl_arena_get(in->arena, (item->word_count + 1) * sizeof *outages);
    struct fl_loss loss;
    size_t count = 0;
    int r;

    if (outages == NULL)
        return fl_err_set(err, FL_E_LIMIT, "no room for what was confirmed");
    for (size_t i = 0; i < item->word_count; i++) {
        uint32_t site = fl_net_site_find(net, fl_span_str(item->words[i].site));

        if (site != FL_NET_NONE)
            outages[count++] = (struct fl_outage){
                .site = site, .source = FL_NET_NONE, .days = item->words[i].days};
    }
    if (count == 0)
        return FL_OK;
    r = fl_exposure_loss(x, outages, count, 0, in->arena, &loss, err);
    if (r == FL_OK)
        item->figure.confirmed_cents = cents(loss.lost_revenue);
    return r;
}

static void put_words(struct fl_json *json, const struct fl_desk_item *item,
                      const struct fl_net *net)
{
    fl_json_object(json, "confirmed_from");
    fl_json_array(json, "sites");
    for (size_t i = 0; i < item->word_count; i++) {
        uint32_t site = fl_net_site_find(net, fl_span_str(item->words[i].site));

        fl_json_object(json, NULL);
        fl_json_text(json, "site", item->words[i].site);
        fl_json_text(json, "name", site == FL_NET_NONE ? NULL : net->sites[site].name);
        fl_json_f64(json, "days",
                    isnan(item->words[i].days) && site != FL_NET_NONE ? net->sites[site].ttr_days
                                                                      : item->words[i].days);
        fl_json_end(json);
    }
    fl_json_end(json);
    fl_json_text(json, "formula",
                 "confirmed = revenue lost by the program when the sites that the case has as "
                 "confirmed are down together, each for its days");
    fl_json_end(json);
}

static int put_details(struct fl_desk_item *item, const struct fl_work_in *in,
                       const struct fl_world_event *event, const struct fl_impact *im,
                       struct fl_err *err)
{
    const struct fl_net *net = in->net->net;
    struct fl_json json;
    int r;

    fl_json_init(&json, &item->details);
    fl_json_object(&json, NULL);
    fl_json_str(&json, "about", event->text);
    fl_json_str(&json, "url", event->url);
    fl_supply_json_footprint(&json, "footprint", event);
    fl_supply_json_impact(&json, net, im);
    fl_json_f64(&json, "lost_profit", im->all.lost_profit);
    fl_json_f64(&json, "lost_revenue", im->all.lost_revenue);
    put_words(&json, item, net);
    fl_supply_json_revenue(&json, "revenue", net, &im->all, begins(event, in->now_us), in->arena);
    r = put_rows(&json, in, im, err);
    fl_supply_json_assumptions(&json);
    fl_json_end(&json);
    return r < 0 ? r : fl_buf_status(&item->details, err);
}

static int run_item(struct fl_desk_item *item, const struct fl_work_in *in, struct fl_exposure *x,
                    struct fl_err *err)
{
    struct fl_world_event event;
    struct fl_impact im;
    int r = fl_world_event_read(fl_buf_span(&item->json), in->arena, &event, err);

    if (r < 0)
        return r;
    take_event(&item->figure, &event);
    item->figure.net_version = in->net->net->version;
    r = fl_impact(&event, in->net->net, in->net->index, x, in->now_us, in->stop, in->arena, &im,
                  err);
    if (r < 0)
        return r;
    take_impact(&item->figure, in->net->net, &im);
    item->figure.ends_us = end_of(&event, &im, in->now_us);
    r = price_words(item, in, x, err);
    if (r < 0)
        return r;
    return put_details(item, in, &event, &im, err);
}

int fl_desk_run(const struct fl_work_in *in, struct fl_err *err)
{
    struct fl_desk_batch *batch = in->arg;
    struct fl_exposure *x = NULL;
    int r = fl_work_exposure(in->net, &x, err);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < batch->count && !atomic_load(in->stop); i++) {
        struct fl_desk_item *item = &batch->items[i];

        item->r = run_item(item, in, x, &item->err);
        fl_arena_clear(in->arena);
    }
    fl_work_exposure_back(in->net, x);
    return FL_OK;
}
