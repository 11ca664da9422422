/*
 * Networks in memory, one per tenant. Rows are copied out of the database in slices between which
 * the loop does its other work; a thread makes the network of them. What is read is one version;
 * where there is a newer one at the end it is read again, RESTARTS times at most.
 */
#include <stdlib.h>
#include <string.h>

#include "api/work_int.h"
#include "base/cursor.h"
#include "base/time.h"
#include "supply/geo_index.h"

enum { SLICE_ROWS = 500, SLICE_US = 4000, RESTARTS = 3 };

struct fl_work_slot {
    struct fl_pool_job pool; /* first: building */
    struct fl_work *work;
    struct fl_work_slot *next;
    uint32_t tenant;
    struct fl_work_net *net; /* the newest; NULL: none yet */
    int64_t used_us;         /* monotonic */
    bool wanted, building;
    uint64_t failed_version; /* this one cannot be built: r, err */
    /* while it is loaded */
    uint64_t version;
    int64_t begun_us;
    unsigned restarts;
    struct fl_work_cursor cursor;
    struct fl_buf rows;
    struct fl_work_net *made;
    int r;
    struct fl_err err;
};

/* ---- a network, shared ---- */

struct fl_work_net *fl_work_net_ref(struct fl_work_net *net)
{
    atomic_fetch_add_explicit(&net->refs, 1, memory_order_relaxed);
    return net;
}

void fl_work_net_unref(struct fl_work_net *net)
{
    if (net == NULL || atomic_fetch_sub_explicit(&net->refs, 1, memory_order_acq_rel) != 1)
        return;
    fl_work_exposure_drop(net);
    fl_geo_index_free((struct fl_geo_index *)(uintptr_t)net->index);
    fl_net_unref((struct fl_net *)(uintptr_t)net->net);
    free(net);
}

static size_t size_of(const struct fl_net *net, size_t text_bytes)
{
    return text_bytes + net->supplier_count * sizeof *net->suppliers +
           net->site_count * sizeof *net->sites + net->part_count * sizeof *net->parts +
           net->product_count * sizeof *net->products + net->source_count * sizeof *net->sources +
           net->use_count * sizeof *net->uses + net->revenue_count * sizeof *net->revenue +
           (size_t)4 * (net->source_count + net->use_count) * sizeof(uint32_t);
}

/* ---- building: on a thread ---- */

static int put_rows(struct fl_net_builder *b, struct fl_span rows, struct fl_err *err)
{
    struct fl_cursor c = fl_cursor_of(rows);
    int r = FL_OK;

    while (r == FL_OK && fl_cursor_left(&c) > 0) {
        struct fl_supply_row row;
        unsigned table = fl_cursor_u8(&c);
        struct fl_span text = fl_cursor_lv(&c, FL_WORK_NET_BYTES);

        if (c.failed)
            return fl_err_set(err, FL_E_CORRUPT, "a row of the network is cut off");
        r = fl_supply_unpack((enum fl_supply_table)table, text, &row, err);
        if (r == FL_OK)
            r = fl_net_put(b, &row, err);
        if (r == FL_E_EXISTS) /* rows of two that were merged: the first one holds */
            r = FL_OK;
    }
    return r;
}

static int make_net(struct fl_work_slot *slot, struct fl_net **ret, struct fl_err *err)
{
    struct fl_net_builder *b = NULL;
    int r = fl_net_builder_new(FL_WORK_NET_BYTES, "", &b, err);

    if (r == FL_OK)
        r = put_rows(b, fl_buf_span(&slot->rows), err);
    if (r < 0) {
        fl_net_builder_free(b);
        return r;
    }
    return fl_net_build(b, ret, err);
}

static void build(struct fl_pool_job *job)
{
    struct fl_work_slot *slot = (struct fl_work_slot *)job;
    struct fl_work_net *made = calloc(1, sizeof *made);
    struct fl_geo_index *index = NULL;
    struct fl_net *net = NULL;

    slot->made = NULL;
    slot->r = made == NULL ? fl_err_set(&slot->err, FL_E_NOMEM, "no memory for a network")
                           : make_net(slot, &net, &slot->err);
    if (slot->r == FL_OK)
        slot->r = fl_geo_index_new(net, &index, &slot->err);
    if (slot->r < 0) {
        fl_net_unref(net);
        free(made);
        return;
    }
    net->version = slot->version;
    *made = (struct fl_work_net){.net = net,
                                 .index = index,
                                 .tenant = slot->tenant,
                                 .size_bytes = size_of(net, slot->rows.len)};
    atomic_init(&made->refs, 1);
    slot->made = made;
}

/* ---- reading: on the loop ---- */

static void next_slot(struct fl_work *work);

static void loaded(struct fl_work_slot *slot)
{
    struct fl_work *work = slot->work;
    struct fl_work_net *made = slot->made;
    uint32_t tenant = slot->tenant;
    struct fl_err err = slot->err;
    int r = slot->r;

    fl_buf_done(&slot->rows);
    slot->wanted = slot->building = false;
    slot->made = NULL;
    work->loading = NULL;
    work->load_us = fl_now_mono_us() - slot->begun_us;
    slot->used_us = fl_now_mono_us();
    if (r == FL_OK) {
        fl_work_net_unref(slot->net);
        slot->net = made;
        slot->failed_version = 0;
        fl_work_cache_forget(work, tenant, made->net->version);
        made = fl_work_net_ref(made); /* whoever is told may have it dropped */
    } else if (r == FL_E_INVAL || r == FL_E_LIMIT || r == FL_E_CORRUPT) {
        slot->failed_version = slot->version;
    }
    fl_work_net_ready(work, tenant, made, r, &err);
    fl_work_net_unref(r == FL_OK ? made : NULL);
    next_slot(work);
}

static void built(struct fl_pool_job *job)
{
    struct fl_work_slot *slot = (struct fl_work_slot *)job;

    if (!job->ran)
        slot->r = fl_err_set(&slot->err, FL_E_AGAIN,
                             "the machine calculates for others at this moment; try again shortly");
    loaded(slot);
}

static void build_drop(struct fl_pool_job *job)
{
    struct fl_work_slot *slot = (struct fl_work_slot *)job;

    slot->building = false; /* fl_work_nets_free() has the rest */
}

static void begin_reading(struct fl_work_slot *slot, uint64_t version)
{
    slot->version = version;
    slot->cursor = (struct fl_work_cursor){.table = 0};
    fl_buf_clear(&slot->rows);
}

/* All rows are here: did somebody change the network meanwhile? */
static void read_all(struct fl_work_slot *slot)
{
    struct fl_work *work = slot->work;
    uint64_t version = 0;

    slot->r = fl_work_rows_version(work->db, slot->tenant, &version, &slot->err);
    if (slot->r == FL_OK && version != slot->version && slot->restarts++ < RESTARTS) {
        begin_reading(slot, version);
        return;
    }
    if (slot->r == FL_OK) {
        slot->building = true;
        slot->pool = (struct fl_pool_job){.not_after_us = fl_now_mono_us() + FL_WORK_WAIT_US,
                                          .work = build,
                                          .done = built,
                                          .drop = build_drop};
        slot->r = fl_work_submit(work, work->slow, &slot->pool, &slot->err);
    }
    if (slot->r < 0 && work->loading == slot)
        loaded(slot);
}

/* One stretch of reading; true: there is more. */
static bool read_some(struct fl_work_slot *slot)
{
    struct fl_work *work = slot->work;
    int64_t until_us = fl_now_mono_us() + SLICE_US;
    bool whole = work->loop == NULL;

    do {
        slot->r = fl_work_rows_read(work->db, slot->tenant, slot->version, &slot->cursor,
                                    SLICE_ROWS, &slot->rows, &slot->err);
        if (slot->r < 0) {
            loaded(slot);
            return false;
        }
        if (slot->cursor.table >= FL_SUPPLY_TABLES) {
            read_all(slot);
            return work->loading == slot && !slot->building;
        }
    } while (whole || fl_now_mono_us() < until_us);
    return true;
}

static void on_turn(void *ctx)
{
    struct fl_work *work = ctx;

    if (work->loading != NULL && !work->loading->building && read_some(work->loading))
        fl_watch_rearm(work->turn, 0);
}

static void begin_slot(struct fl_work *work, struct fl_work_slot *slot, uint64_t version)
{
    work->loading = slot;
    slot->begun_us = fl_now_mono_us();
    slot->restarts = 0;
    fl_buf_init(&slot->rows, FL_WORK_NET_BYTES);
    begin_reading(slot, version);
    if (work->loop != NULL) {
        fl_watch_rearm(work->turn, 0);
        return;
    }
    while (work->loading == slot && read_some(slot))
        continue;
}

static void next_slot(struct fl_work *work)
{
    struct fl_work_slot *slot = work->slots;
    uint64_t version = 0;
    struct fl_err err;
    int r;

    while (slot != NULL && (!slot->wanted || slot->building))
        slot = slot->next;
    if (slot == NULL || work->loading != NULL)
        return;
    r = fl_work_rows_version(work->db, slot->tenant, &version, &err);
    if (r < 0) {
        slot->wanted = false;
        fl_work_net_ready(work, slot->tenant, NULL, r, &err);
        next_slot(work);
        return;
    }
    begin_slot(work, slot, version);
}

/* ---- asking ---- */

static int none(struct fl_err *err)
{
    return fl_err_set(err, FL_E_NOENT,
                      "there is no network of supply yet: import one (Supply chain > Network, or "
                      "fairlead supply import)");
}

int fl_work_version(struct fl_work *work, uint32_t tenant, uint64_t *ret, struct fl_err *err)
{
    if (work->db == NULL)
        return fl_err_set(err, FL_E_AGAIN, "the control database is not open; try again");
    return fl_work_rows_version(work->db, tenant, ret, err);
}

static struct fl_work_slot *slot_of(struct fl_work *work, uint32_t tenant)
{
    struct fl_work_slot *slot = work->slots;

    while (slot != NULL && slot->tenant != tenant)
        slot = slot->next;
    if (slot != NULL)
        return slot;
    slot = calloc(1, sizeof *slot);
    if (slot == NULL)
        return NULL;
    slot->work = work;
    slot->tenant = tenant;
    slot->next = work->slots;
    work->slots = slot;
    return slot;
}

static int timer(struct fl_work *work, struct fl_err *err)
{
    if (work->loop == NULL || work->turn != NULL)
        return FL_OK;
    return fl_watch_timer(work->loop, -1, 0, on_turn, work, &work->turn, err);
}

int fl_work_net_get(struct fl_work *work, uint32_t tenant, struct fl_work_net **ret,
                    struct fl_err *err)
{
    struct fl_work_slot *slot;
    uint64_t version = 0;
    int r = fl_work_version(work, tenant, &version, err);

    if (r == FL_OK)
        r = version == 0 ? none(err) : timer(work, err);
    if (r < 0)
        return r;
    slot = slot_of(work, tenant);
    if (slot == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a network");
    slot->used_us = fl_now_mono_us();
    if (slot->net != NULL && slot->net->net->version == version) {
        *ret = fl_work_net_ref(slot->net);
        return 1;
    }
    if (slot->failed_version == version) {
        *err = slot->err;
        return slot->r;
    }
    if (!slot->wanted) {
        slot->wanted = true;
        if (work->loading == NULL)
            next_slot(work);
    }
    return 0;
}

/* ---- time, end ---- */

static void forget_net(struct fl_work *work, struct fl_work_slot *slot)
{
    fl_work_net_unref(slot->net);
    slot->net = NULL;
    fl_work_cache_forget(work, slot->tenant, 0);
}

static size_t bytes_of(const struct fl_work *work, struct fl_work_slot **ret_oldest)
{
    size_t bytes = 0;

    *ret_oldest = NULL;
    for (struct fl_work_slot *slot = work->slots; slot != NULL; slot = slot->next) {
        if (slot->net == NULL)
            continue;
        bytes += slot->net->size_bytes;
        if (*ret_oldest == NULL || slot->used_us < (*ret_oldest)->used_us)
            *ret_oldest = slot;
    }
    return bytes;
}

void fl_work_nets_tick(struct fl_work *work)
{
    int64_t idle_us = fl_now_mono_us() - FL_WORK_IDLE_US;
    struct fl_work_slot **at = &work->slots, *oldest;
    unsigned nets = 0;

    while (*at != NULL) {
        struct fl_work_slot *slot = *at;

        if (slot->wanted || slot->building || slot->used_us > idle_us) {
            nets += slot->net != NULL;
            at = &slot->next;
            continue;
        }
        forget_net(work, slot);
        *at = slot->next;
        free(slot);
    }
    while (nets-- > 1 && bytes_of(work, &oldest) > FL_WORK_NETS_BYTES)
        forget_net(work, oldest);
}

void fl_work_nets_close(struct fl_work *work)
{
    struct fl_err err;
    struct fl_work_slot *slot = work->loading;

    (void)fl_err_set(&err, FL_E_AGAIN, "the control database is not open; try again");
    if (slot != NULL && !slot->building) {
        fl_buf_done(&slot->rows);
        work->loading = NULL;
    }
    for (slot = work->slots; slot != NULL; slot = slot->next) {
        if (slot->building)
            continue;
        slot->wanted = false;
        fl_work_net_ready(work, slot->tenant, NULL, FL_E_AGAIN, &err);
    }
}

void fl_work_nets_free(struct fl_work *work)
{
    fl_watch_free(work->turn);
    while (work->slots != NULL) {
        struct fl_work_slot *slot = work->slots;

        work->slots = slot->next;
        fl_buf_done(&slot->rows);
        fl_work_net_unref(slot->made);
        fl_work_net_unref(slot->net);
        free(slot);
    }
}

void fl_work_stat(const struct fl_work *work, struct fl_work_stat *ret)
{
    struct fl_work_slot *oldest;

    *ret = (struct fl_work_stat){.jobs = work->job_count,
                                 .answers = work->answer_count,
                                 .answer_bytes = work->answer_bytes,
                                 .load_us = work->load_us,
                                 .net_bytes = bytes_of(work, &oldest)};
    for (const struct fl_work_slot *slot = work->slots; slot != NULL; slot = slot->next)
        ret->nets += slot->net != NULL;
}
