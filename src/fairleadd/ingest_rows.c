#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "codec/line.h"
#include "fairleadd/ingest.h"
#include "logs/enrich.h"

enum {
    ARENA_BYTES = 1 << 20, /* of one line: unescaped and derived strings, shape */
    IDLE_BATCHES = 16,     /* kept for reuse; each has up to 1 MiB */
    RETRY_MS = 100         /* look at the full ring again, should the doorbell be lost */
};

static void on_flush_timer(void *ctx)
{
    struct fl_ingest *in = ctx;

    in->flush_armed = false;
    fl_ingest_flush(in);
}

static void on_retry_timer(void *ctx)
{
    fl_ingest_retry(ctx);
}

/* Store has taken entries: the doorbell is an eventfd, whose count does not matter. */
static void on_room(void *ctx, int ready)
{
    struct fl_ingest *in = ctx;
    uint64_t count;

    (void)ready;
    if (read(in->env->wake_room_fd, &count, sizeof(count)) == sizeof(count))
        fl_ingest_retry(in);
}

int fl_ingest_rows_init(struct fl_ingest *in, struct fl_err *err)
{
    struct fl_ring_stats stats;
    int rc = fl_ring_writer_open(in->env->ring_fd, &in->ring, err);

    TAILQ_INIT(&in->open);
    TAILQ_INIT(&in->idle);
    fl_arena_init(&in->arena, ARENA_BYTES);
    if (rc == FL_OK)
        rc = fl_watch_timer(in->env->loop, -1, 0, on_flush_timer, in, &in->flush_timer, err);
    if (rc == FL_OK)
        rc = fl_watch_timer(in->env->loop, -1, 0, on_retry_timer, in, &in->retry_timer, err);
    if (rc == FL_OK)
        rc = fl_watch_fd(in->env->loop, in->env->wake_room_fd, FL_ON_READ, on_room, in, &in->room,
                         err);
    if (rc != FL_OK)
        return rc;
    fl_ring_stats_writer(in->ring, &stats);
    in->torn_rows = stats.torn_rows;
    if (stats.torn_rows > 0)
        fl_role_log(in->env, FL_LOG_WARN,
                    "%llu rows were half written when this process ended before; they are lost",
                    (unsigned long long)stats.torn_rows);
    return FL_OK;
}

/* ---- batches ---- */

static void batch_free(struct fl_ingest_batch *batch)
{
    fl_batch_writer_free(batch->writer);
    fl_buf_done(&batch->ready);
    free(batch);
}

void fl_ingest_rows_done(struct fl_ingest *in)
{
    struct fl_ingest_batch *batch;

    while ((batch = TAILQ_FIRST(&in->open)) != NULL) {
        TAILQ_REMOVE(&in->open, batch, link);
        batch->tenant->batch = NULL;
        fl_ingest_tenant_unref(batch->tenant);
        batch_free(batch);
    }
    while ((batch = TAILQ_FIRST(&in->idle)) != NULL) {
        TAILQ_REMOVE(&in->idle, batch, link);
        batch_free(batch);
    }
    fl_watch_free(in->flush_timer);
    fl_watch_free(in->retry_timer);
    fl_watch_free(in->room);
    fl_ring_writer_close(in->ring);
    fl_arena_done(&in->arena);
}

static struct fl_ingest_batch *batch_new(void)
{
    struct fl_ingest_batch *batch = calloc(1, sizeof(*batch));

    if (batch == NULL)
        return NULL;
    fl_buf_init(&batch->ready, FL_DELIVERY_MAX_BYTES);
    if (fl_batch_writer_new(&batch->writer, NULL) != FL_OK) {
        free(batch);
        return NULL;
    }
    return batch;
}

/* The tenant's batch, begun when there is none. */
static struct fl_ingest_batch *batch_of(struct fl_ingest *in, struct fl_ingest_tenant *tenant)
{
    struct fl_ingest_batch *batch = tenant->batch;

    if (batch != NULL)
        return batch;
    batch = TAILQ_FIRST(&in->idle);
    if (batch != NULL) {
        TAILQ_REMOVE(&in->idle, batch, link);
        in->idle_count--;
    } else if ((batch = batch_new()) == NULL) {
        return NULL;
    }
    batch->serial = ++in->batch_serial;
    batch->conn_count = 0;
    batch->tenant = tenant;
    fl_ingest_tenant_ref(tenant);
    tenant->batch = batch;
    TAILQ_INSERT_TAIL(&in->open, batch, link);
    return batch;
}

static void batch_retire(struct fl_ingest *in, struct fl_ingest_batch *batch)
{
    TAILQ_REMOVE(&in->open, batch, link);
    batch->tenant->batch = NULL;
    fl_ingest_tenant_unref(batch->tenant);
    batch->tenant = NULL;
    if (in->idle_count == IDLE_BATCHES) {
        batch_free(batch);
        return;
    }
    TAILQ_INSERT_HEAD(&in->idle, batch, link);
    in->idle_count++;
}

static void ring_bell(struct fl_ingest *in)
{
    static const uint64_t one = 1;
    ssize_t n = write(in->env->wake_rows_fd, &one, sizeof(one));

    (void)n; /* a full eventfd has been rung already */
}

/* Put the finished delivery into the ring; false: it has no room. */
static bool put_ready(struct fl_ingest *in, struct fl_ingest_batch *batch)
{
    struct fl_err err;
    int rc = fl_ring_put(in->ring, fl_buf_span(&batch->ready), batch->ready_rows, &err);

    if (rc == FL_E_AGAIN)
        return false;
    if (rc != FL_OK) /* larger than the ring: nothing that waiting could mend */
        fl_role_log(in->env, FL_LOG_ERR, "%u rows could not be handed to store: %s",
                    (unsigned)batch->ready_rows, err.text);
    fl_buf_clear(&batch->ready);
    ring_bell(in);
    return true;
}

static void pause_reading(struct fl_ingest *in)
{
    if (!in->paused)
        fl_watch_rearm(in->retry_timer, RETRY_MS);
    in->paused = true;
}

/* Finish what the batch has collected and put it into the ring; false: the ring is full, and the
 * delivery waits (there is none waiting when this is called). */
static bool batch_put(struct fl_ingest *in, struct fl_ingest_batch *batch)
{
    static const struct fl_span behind = {NULL, 0};
    struct fl_err err;
    int rc;

    batch->ready_rows = fl_batch_rows(batch->writer);
    fl_delivery_put(batch->tenant->id, batch->conns, batch->conn_count, behind, &batch->ready);
    rc = fl_batch_finish(batch->writer, &batch->ready, &err);
    if (rc == FL_OK)
        rc = fl_buf_status(&batch->ready, &err);
    batch->serial = ++in->batch_serial;
    batch->conn_count = 0;
    if (rc != FL_OK) {
        fl_role_log(in->env, FL_LOG_ERR, "%u rows of tenant %s could not be encoded: %s",
                    (unsigned)batch->ready_rows, batch->tenant->slug, err.text);
        fl_buf_clear(&batch->ready);
        return true;
    }
    if (put_ready(in, batch))
        return true;
    pause_reading(in);
    return false;
}

void fl_ingest_flush(struct fl_ingest *in)
{
    struct fl_ingest_batch *batch = TAILQ_FIRST(&in->open);

    while (batch != NULL && !in->paused) {
        struct fl_ingest_batch *next = TAILQ_NEXT(batch, link);

        if (fl_batch_rows(batch->writer) == 0 || batch_put(in, batch))
            batch_retire(in, batch);
        batch = next;
    }
}

void fl_ingest_retry(struct fl_ingest *in)
{
    struct fl_ingest_batch *batch, *next;

    if (!in->paused)
        return;
    for (batch = TAILQ_FIRST(&in->open); batch != NULL; batch = next) {
        next = TAILQ_NEXT(batch, link);
        if (batch->ready.len > 0 && !put_ready(in, batch)) {
            fl_watch_rearm(in->retry_timer, RETRY_MS);
            return;
        }
    }
    in->paused = false;
    fl_ingest_flush(in);
    if (!in->paused && !in->stopping)
        fl_ingest_resume(in);
}

/* ---- one row ---- */

static bool is_weak(const struct fl_ingest_source *src)
{
    return src->listener->kind != FL_LISTEN_TLS_MUTUAL;
}

/*
 * Whose line is it? The certificate says so; behind a relay and on a weak listener the line's
 * HOSTNAME chooses among the tenant's devices, and no other tenant's.
 */
static struct fl_ingest_lane *lane_of(struct fl_ingest_source *src, const struct fl_event *ev)
{
    struct fl_ingest *in = src->in;
    struct fl_ingest_device *device = src->device;
    struct fl_span host = fl_event_get_str(ev, FL_F_HOST);
    struct fl_ingest_lane *lane;

    if (device != NULL && !device->relay)
        return src->host_lane != NULL ? src->host_lane
                                      : (src->host_lane = fl_ingest_lane(src, device));
    if (src->host_lane != NULL && fl_span_eq(host, fl_span_of(src->host, src->host_len)))
        return src->host_lane;
    device = fl_ingest_by_host(in->table, src->tenant, host);
    if (device == NULL)
        device = src->device != NULL ? src->device : fl_ingest_unknown(src->tenant);
    lane = device == NULL ? NULL : fl_ingest_lane(src, device);
    if (lane != NULL && host.len < sizeof(src->host)) {
        if (host.len > 0)
            memcpy(src->host, host.ptr, host.len);
        src->host_len = host.len;
        src->host_lane = lane;
    }
    return lane;
}

static void count_row(struct fl_ingest_lane *lane, const struct fl_frame_msg *msg,
                      const struct fl_event *ev, int64_t at_us, int64_t idle_us)
{
    struct fl_ingest_counts *n = &lane->device->n;
    uint64_t flags = fl_event_get_num(ev, FL_F_FLAGS);
    int64_t silent_us = n->last_us == 0 ? 0 : at_us - n->last_us;

    if (n->gap_day != fl_day_of(at_us)) {
        n->gap_day = fl_day_of(at_us);
        n->gap_us = 0;
    }
    if (silent_us > n->gap_us)
        n->gap_us = silent_us;
    if (lane->received > 0 && silent_us > idle_us)
        n->gaps++; /* the silence before a connection's first line counts as its reconnect */
    n->lines++;
    n->bytes += msg->bytes.len;
    n->unparsed += (flags & FL_ROW_UNPARSED) != 0;
    n->raw_kept += (flags & FL_ROW_RAW_KEPT) != 0;
    n->clock_off += (flags & FL_ROW_CLOCK_OFF) != 0;
    n->repaired += msg->repaired;
    n->truncated += msg->truncated;
    n->last_us = at_us;
    if ((flags & FL_ROW_NO_TIME) == 0 && fl_event_has(ev, FL_F_TIME))
        n->skew_us = (int64_t)fl_event_get_num(ev, FL_F_TIME) - at_us;
}

static void set_origin(const struct fl_ingest_source *src, const struct fl_ingest_lane *lane,
                       const struct fl_frame_msg *msg, struct fl_event *ev)
{
    fl_event_str(ev, FL_F_DEVICE, fl_span_str(lane->device->slug));
    if (lane->device->site[0] != '\0')
        fl_event_str(ev, FL_F_SITE, fl_span_str(lane->device->site));
    if (is_weak(src))
        fl_event_flag(ev, FL_ROW_WEAK);
    else if (src->device->relay && lane->device != src->device)
        fl_event_flag(ev, FL_ROW_RELAYED);
    if (msg->repaired)
        fl_event_flag(ev, FL_ROW_FRAMING);
    if (msg->truncated)
        fl_event_flag(ev, FL_ROW_TRUNCATED);
    if (fl_ingest_far_end(src->tenant, ev))
        fl_event_flag(ev, FL_ROW_FAR_END);
}

/* Note in the batch that it goes up to this row of the lane. */
static void list_lane(struct fl_ingest_batch *batch, struct fl_ingest_lane *lane)
{
    if (lane->batch_serial != batch->serial) {
        lane->batch_serial = batch->serial;
        lane->batch_slot = batch->conn_count++;
        batch->conns[lane->batch_slot].conn = lane->number;
    }
    batch->conns[lane->batch_slot].upto = ++lane->received;
}

/* A batch that is full goes to the ring and a new one takes the row: there is room for one finished
 * and one open batch, and reading pauses as soon as the first is waiting. */
static bool add_row(struct fl_ingest *in, struct fl_ingest_tenant *tenant,
                    struct fl_ingest_lane *lane, const struct fl_event *ev)
{
    struct fl_ingest_batch *batch = batch_of(in, tenant);
    struct fl_err err;
    int rc;

    if (batch == NULL)
        return false;
    rc = batch->conn_count == FL_DELIVERY_MAX_CONNS && lane->batch_serial != batch->serial
             ? FL_E_LIMIT
             : fl_batch_add(batch->writer, ev, &err);
    if (rc == FL_E_LIMIT && batch->ready.len == 0) {
        (void)batch_put(in, batch);
        rc = fl_batch_add(batch->writer, ev, &err);
    }
    if (rc != FL_OK)
        return false;
    list_lane(batch, lane);
    if (batch->ready.len == 0 && (fl_batch_rows(batch->writer) >= FL_INGEST_FLUSH_ROWS ||
                                  fl_batch_bytes(batch->writer) >= FL_INGEST_FLUSH_BYTES)) {
        if (batch_put(in, batch))
            batch_retire(in, batch);
    } else if (!in->flush_armed) {
        in->flush_armed = true;
        fl_watch_rearm(in->flush_timer, FL_INGEST_FLUSH_MS);
    }
    return true;
}

void fl_ingest_row(struct fl_ingest_source *src, const struct fl_frame_msg *msg, int64_t at_us)
{
    struct fl_ingest *in = src->in;
    struct fl_event ev = {.arena = &in->arena};
    struct fl_ingest_lane *lane;
    const char *why;

    fl_arena_clear(&in->arena);
    fl_line_parse(msg->bytes, at_us, &ev, &why);
    lane = lane_of(src, &ev);
    if (lane == NULL) {
        fl_role_log(in->env, FL_LOG_ERR, "a line of tenant %s is lost: no memory",
                    src->tenant->slug);
        return;
    }
    set_origin(src, lane, msg, &ev);
    fl_enrich(in->enrich, &ev);
    count_row(lane, msg, &ev, at_us,
              (int64_t)fl_conf_num(in->env->conf, FL_SET_IDLE_S) * FL_US_PER_S);
    if (!add_row(in, src->tenant, lane, &ev))
        lane->device->n.lost++;
    lane->last_mono_us = fl_now_mono_us();
    lane->dirty = true;
    fl_ingest_dirty(in, lane->device);
}
