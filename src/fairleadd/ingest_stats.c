#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "fairleadd/ingest.h"

enum {
    WAIT_TICKS = 60,
    CONN_TICKS = 5,               /* a connection is reported every so many seconds */
    SETTLE_US = 30 * 1000 * 1000, /* rows of an ended lane are waited for so long */
    LANE_SLOTS_FIRST = 256,
    ROGUE_BURST = 20, /* refusals told to core at once, and then so many a second */
    ROGUE_PER_S = 5
};

int fl_ingest_stats_init(struct fl_ingest *in, struct fl_err *err)
{
    TAILQ_INIT(&in->dirty);
    TAILQ_INIT(&in->lanes);
    in->rogue_credit = ROGUE_BURST;
    in->lane_slots = LANE_SLOTS_FIRST;
    in->lane_hash = calloc(in->lane_slots, sizeof(struct fl_ingest_lane *));
    return in->lane_hash == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory for connections") : FL_OK;
}

void fl_ingest_dirty(struct fl_ingest *in, struct fl_ingest_device *device)
{
    if (device->dirty)
        return;
    device->dirty = true;
    fl_ingest_device_ref(device);
    TAILQ_INSERT_TAIL(&in->dirty, device, dirty_link);
}

static void clean(struct fl_ingest *in, struct fl_ingest_device *device)
{
    TAILQ_REMOVE(&in->dirty, device, dirty_link);
    device->dirty = false;
    fl_ingest_device_unref(device);
}

/* ---- lanes: numbers are ours and dense, so the low bits are the hash ---- */

static struct fl_ingest_lane **slot_of(struct fl_ingest *in, uint64_t number)
{
    return &in->lane_hash[(number - (uint64_t)in->boot_us) & (in->lane_slots - 1)];
}

static void rehash(struct fl_ingest *in)
{
    size_t slots = in->lane_slots * 2;
    struct fl_ingest_lane **hash = calloc(slots, sizeof(struct fl_ingest_lane *));
    struct fl_ingest_lane *lane;

    if (hash == NULL)
        return; /* longer chains, that is all */
    free(in->lane_hash);
    in->lane_hash = hash;
    in->lane_slots = slots;
    for (lane = TAILQ_FIRST(&in->lanes); lane != NULL; lane = TAILQ_NEXT(lane, all_link)) {
        struct fl_ingest_lane **slot = slot_of(in, lane->number);

        lane->next_hash = *slot;
        *slot = lane;
    }
}

static struct fl_ingest_lane *lane_new(struct fl_ingest_source *src,
                                       struct fl_ingest_device *device)
{
    struct fl_ingest *in = src->in;
    struct fl_ingest_lane *lane = calloc(1, sizeof(*lane));
    struct fl_ingest_lane **slot;

    if (lane == NULL)
        return NULL;
    if (in->lane_count >= in->lane_slots)
        rehash(in);
    lane->number = (uint64_t)in->boot_us + ++in->lane_last;
    lane->device = device;
    fl_ingest_device_ref(device);
    (void)snprintf(lane->address, sizeof(lane->address), "%s", src->address);
    (void)snprintf(lane->listener, sizeof(lane->listener), "%s", src->listener->name);
    lane->since_us = fl_now_us();
    lane->open = lane->dirty = true;
    lane->counted = src->address[0] != '\0';
    slot = slot_of(in, lane->number);
    lane->next_hash = *slot;
    *slot = lane;
    in->lane_count++;
    src->lane_count++;
    TAILQ_INSERT_TAIL(&src->lanes, lane, link);
    TAILQ_INSERT_TAIL(&in->lanes, lane, all_link);
    if (lane->counted) {
        device->open++;
        if (device->n.connects++ > 0)
            device->n.gaps++;
    }
    fl_ingest_dirty(in, device);
    return lane;
}

struct fl_ingest_lane *fl_ingest_lane(struct fl_ingest_source *src, struct fl_ingest_device *device)
{
    struct fl_ingest_lane *lane;

    for (lane = TAILQ_FIRST(&src->lanes); lane != NULL; lane = TAILQ_NEXT(lane, link)) {
        if (lane->device != device)
            continue;
        TAILQ_REMOVE(&src->lanes, lane, link); /* to the front: it will be asked for again */
        TAILQ_INSERT_HEAD(&src->lanes, lane, link);
        return lane;
    }
    /* A relay that shows thousands of names: from here on they are counted with the first. */
    if (src->lane_count >= FL_INGEST_LANES_MAX && src->first_lane != NULL)
        return src->first_lane;
    lane = lane_new(src, device);
    if (src->first_lane == NULL)
        src->first_lane = lane;
    return lane;
}

static void lane_free(struct fl_ingest *in, struct fl_ingest_lane *lane)
{
    struct fl_ingest_lane **at = slot_of(in, lane->number);

    while (*at != lane)
        at = &(*at)->next_hash;
    *at = lane->next_hash;
    TAILQ_REMOVE(&in->lanes, lane, all_link);
    in->lane_count--;
    fl_ingest_device_unref(lane->device);
    free(lane);
}

void fl_ingest_lane_end(struct fl_ingest *in, struct fl_ingest_lane *lane, const char *why)
{
    lane->open = false;
    lane->dirty = true;
    lane->last_mono_us = fl_now_mono_us();
    (void)snprintf(lane->why, sizeof(lane->why), "%s", why);
    if (lane->counted)
        lane->device->open--;
    fl_ingest_dirty(in, lane->device);
}

void fl_ingest_accepted(struct fl_ingest *in, uint64_t number, uint64_t upto)
{
    struct fl_ingest_lane *lane = *slot_of(in, number);

    while (lane != NULL && lane->number != number)
        lane = lane->next_hash;
    if (lane == NULL || upto <= lane->accepted || upto > lane->received)
        return; /* of a connection before our restart, told twice, or not possible */
    lane->device->n.accepted += upto - lane->accepted;
    lane->accepted = upto;
    lane->dirty = true;
    fl_ingest_dirty(in, lane->device);
}

bool fl_ingest_all_accepted(const struct fl_ingest *in)
{
    const struct fl_ingest_lane *lane;

    for (lane = TAILQ_FIRST(&in->lanes); lane != NULL; lane = TAILQ_NEXT(lane, all_link))
        if (lane->accepted < lane->received)
            return false;
    return true;
}

/* ---- reports ---- */

static bool send(struct fl_ingest *in, enum fl_msg_type type, const void *msg)
{
    return in->core != NULL && fl_imsg_send(in->core, type, 0, msg, -1, NULL) == FL_OK;
}

static bool send_device(struct fl_ingest *in, const struct fl_ingest_device *device)
{
    const struct fl_ingest_counts *n = &device->n;
    struct fl_msg_device_stat msg = {
        .tenant = device->tenant->id,
        .device = fl_span_str(device->slug),
        .boot = (uint64_t)in->boot_us,
        .lines = n->lines,
        .bytes = n->bytes,
        .unparsed = n->unparsed,
        .raw_kept = n->raw_kept,
        .repaired = n->repaired,
        .truncated = n->truncated,
        .clock_off = n->clock_off,
        .accepted = n->accepted,
        .lost = n->lost,
        .dropped = n->dropped,
        .connects = n->connects,
        .open = device->open,
        .last_us = n->last_us,
        .skew_us = n->skew_us,
        .gap_us = n->gap_us,
        .gaps = n->gaps,
    };

    return send(in, FL_MSG_DEVICE_STAT, &msg);
}

static bool send_lane(struct fl_ingest *in, const struct fl_ingest_lane *lane)
{
    struct fl_msg_conn_stat msg = {
        .conn = lane->number,
        .tenant = lane->device->tenant->id,
        .device = fl_span_str(lane->device->slug),
        .address = fl_span_str(lane->address),
        .listener = fl_span_str(lane->listener),
        .since_us = lane->since_us,
        .received = lane->received,
        .accepted = lane->accepted,
        .open = lane->open,
        .why = fl_span_str(lane->why),
    };

    return send(in, FL_MSG_CONN_STAT, &msg);
}

/*
 * Has everything of an ended lane found its end? Rows that were handed over are in the ring, which
 * outlives store: they are accepted when it comes back. Once the ring is empty they were synced or
 * refused; no word within SETTLE_US means lost, unless store ended in between, whose last words
 * may have gone with it: what left the ring before that was synced.
 */
static bool settled(struct fl_ingest *in, struct fl_ingest_lane *lane, int64_t now_mono_us)
{
    struct fl_ring_stats ring;
    uint64_t missing = lane->received - lane->accepted;

    if (missing == 0)
        return true;
    if (now_mono_us - lane->last_mono_us < SETTLE_US)
        return false;
    fl_ring_stats_writer(in->ring, &ring);
    if (ring.waiting_bytes > 0)
        return false;
    if (in->store_since_mono_us > lane->last_mono_us) {
        fl_ingest_accepted(in, lane->number, lane->received);
        return true;
    }
    lane->device->n.lost += missing;
    fl_ingest_dirty(in, lane->device);
    return true;
}

static void report_lanes(struct fl_ingest *in, bool open_too)
{
    struct fl_ingest_lane *lane = TAILQ_FIRST(&in->lanes);
    int64_t now_mono_us = fl_now_mono_us();

    while (lane != NULL) {
        struct fl_ingest_lane *next = TAILQ_NEXT(lane, all_link);
        bool done = !lane->open && settled(in, lane, now_mono_us);

        if (lane->dirty && (open_too || !lane->open || !lane->told) && send_lane(in, lane)) {
            lane->dirty = false;
            lane->told = true;
        }
        if (done && (!lane->dirty || in->core == NULL))
            lane_free(in, lane);
        lane = next;
    }
}

void fl_ingest_report(struct fl_ingest *in)
{
    struct fl_ingest_device *device;

    in->ticks++;
    in->rogue_credit += in->rogue_credit + ROGUE_PER_S <= ROGUE_BURST ? ROGUE_PER_S : 0;
    if (in->rogue_unsaid > 0 && in->ticks % CONN_TICKS == 0) {
        fl_role_log(in->env, FL_LOG_WARN, "%llu more connections were refused than are listed",
                    (unsigned long long)in->rogue_unsaid);
        in->rogue_unsaid = 0;
    }
    if (in->waited.count > 0 && in->ticks % WAIT_TICKS == 0) {
        fl_role_log(
            in->env, FL_LOG_NOTICE,
            "reading waited %llu times, %.1f s in all, for room on the way to store; tenant "
            "%s the longest, %.1f s",
            (unsigned long long)in->waited.count, (double)in->waited.all_us / 1e6,
            in->waited.tenant, (double)in->waited.longest_us / 1e6);
        in->waited.count = 0;
        in->waited.all_us = in->waited.longest_us = 0;
    }
    report_lanes(in, in->ticks % CONN_TICKS == 0);
    while ((device = TAILQ_FIRST(&in->dirty)) != NULL && send_device(in, device))
        clean(in, device);
}

static void mark(void *ctx, struct fl_ingest_device *device)
{
    if (device->n.lines > 0 || device->n.connects > 0)
        fl_ingest_dirty(ctx, device);
}

void fl_ingest_report_all(struct fl_ingest *in)
{
    struct fl_ingest_lane *lane;

    for (lane = TAILQ_FIRST(&in->lanes); lane != NULL; lane = TAILQ_NEXT(lane, all_link))
        lane->dirty = true;
    fl_ingest_each_device(in->table, mark, in);
}

void fl_ingest_rogue(struct fl_ingest *in, const struct fl_ingest_source *src,
                     const struct fl_tls_cert *cert, const char *reason)
{
    struct fl_msg_rogue msg = {
        .at_us = fl_now_us(),
        .address = fl_span_str(src->address),
        .reason = fl_span_str(reason),
        .listener = fl_span_str(src->listener->name),
    };

    if (cert != NULL) {
        msg.fingerprint = fl_span_of(cert->fingerprint, sizeof(cert->fingerprint));
        msg.subject = fl_span_str(cert->subject);
    }
    if (in->rogue_credit == 0 || !send(in, FL_MSG_ROGUE, &msg))
        in->rogue_unsaid++;
    else
        in->rogue_credit--;
}

void fl_ingest_stats_done(struct fl_ingest *in)
{
    struct fl_ingest_device *device, *next_device;
    struct fl_ingest_lane *lane, *next_lane;

    for (device = TAILQ_FIRST(&in->dirty); device != NULL; device = next_device) {
        next_device = TAILQ_NEXT(device, dirty_link);
        clean(in, device);
    }
    for (lane = TAILQ_FIRST(&in->lanes); lane != NULL; lane = next_lane) {
        next_lane = TAILQ_NEXT(lane, all_link);
        lane_free(in, lane);
    }
    free(in->lane_hash);
}
