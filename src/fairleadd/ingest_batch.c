#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rand.h"
#include "base/time.h"
#include "fairleadd/ingest.h"

enum {
    WRITERS_BYTES = 16 << 20, /* of all writers: over it, what is open goes to the ring */
    WRITERS_MAX = FL_INGEST_WRITERS_MAX,
    WAITING_BYTES = 8 << 20, /* of deliveries that wait: over it, senders wait instead */
    WAITING_MANY = 1 << 20,  /* a heap that has grown so much is worth a look */
    USUAL_BYTES = 64 << 10,  /* of a delivery */
    RETRY_MS = 100,          /* look at the full ring again, should the doorbell be lost */
    CONNS_FIRST = 8,
    SENT_FIRST = 64
};

/* An entry of the ring whose room has not been given back. */
struct fl_ingest_sent {
    struct fl_ingest_tenant *tenant; /* referenced */
    uint64_t end;                    /* position in the ring */
    size_t bytes;
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

int fl_ingest_batches_init(struct fl_ingest *in, struct fl_err *err)
{
    struct fl_ring_stats stats;
    int rc = fl_ring_writer_open(in->env->ring_fd, &in->ring, err);

    TAILQ_INIT(&in->open);
    TAILQ_INIT(&in->idle);
    TAILQ_INIT(&in->waiting);
    fl_buf_init(&in->encoded, FL_DELIVERY_MAX_BYTES);
    in->batch_seed = fl_random_u64();
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
                    "%llu rows had been read and were not handed to store when this process ended "
                    "before; they are lost",
                    (unsigned long long)stats.torn_rows);
    return FL_OK;
}

/* ---- writers, which are large, and lent to batches that have rows ---- */

/* What the batch's writer has grown by since it was looked at last. */
static void weigh(struct fl_ingest *in, struct fl_ingest_batch *batch)
{
    size_t bytes = batch->writer == NULL ? 0 : fl_batch_memory(batch->writer);

    in->writer_bytes += bytes - batch->bytes;
    batch->bytes = bytes;
}

static bool writer_get(struct fl_ingest *in, struct fl_ingest_batch *batch)
{
    if (in->writer_count > 0) {
        batch->writer = in->writers[--in->writer_count];
        batch->bytes = fl_batch_memory(batch->writer);
        return true;
    }
    if (fl_batch_writer_new(&batch->writer, NULL) != FL_OK)
        return false;
    fl_batch_writer_seed(batch->writer, in->batch_seed);
    weigh(in, batch);
    return true;
}

/* The last one given back is the first one lent, so that few are warm instead of many cold. */
static void writer_put_back(struct fl_ingest *in, struct fl_ingest_batch *batch)
{
    weigh(in, batch);
    if (in->writer_bytes <= WRITERS_BYTES && in->writer_count < WRITERS_MAX) {
        in->writers[in->writer_count++] = batch->writer;
    } else {
        in->writer_bytes -= batch->bytes;
        fl_batch_writer_free(batch->writer);
    }
    batch->writer = NULL;
    batch->bytes = 0;
}

/* ---- batches ---- */

static uint32_t rows_of(const struct fl_ingest_batch *batch)
{
    return batch->writer == NULL ? 0 : fl_batch_rows(batch->writer);
}

static void batch_free(struct fl_ingest_batch *batch)
{
    fl_batch_writer_free(batch->writer);
    fl_buf_done(&batch->ready);
    free(batch->conns);
    free(batch);
}

/* The tenant's batch, begun when there is none. */
static struct fl_ingest_batch *batch_of(struct fl_ingest *in, struct fl_ingest_tenant *tenant)
{
    struct fl_ingest_batch *batch = tenant->batch;

    if (batch == NULL && (batch = TAILQ_FIRST(&in->idle)) != NULL)
        TAILQ_REMOVE(&in->idle, batch, link);
    if (batch == NULL && (batch = calloc(1, sizeof(*batch))) == NULL)
        return NULL;
    if (tenant->batch == NULL) {
        fl_buf_init(&batch->ready, FL_DELIVERY_MAX_BYTES);
        batch->serial = ++in->batch_serial;
        batch->conn_count = 0;
        batch->tenant = tenant;
        fl_ingest_tenant_ref(tenant);
        tenant->batch = batch;
        TAILQ_INSERT_TAIL(&in->open, batch, link);
    }
    return batch->writer != NULL || writer_get(in, batch) ? batch : NULL;
}

/* It has no rows and nothing that waits. */
static void batch_retire(struct fl_ingest *in, struct fl_ingest_batch *batch)
{
    TAILQ_REMOVE(&in->open, batch, link);
    batch->tenant->batch = NULL;
    fl_ingest_tenant_unref(batch->tenant);
    batch->tenant = NULL;
    if (batch->writer != NULL)
        writer_put_back(in, batch);
    TAILQ_INSERT_HEAD(&in->idle, batch, link);
}

/* ---- the ring, and each tenant's share of it ---- */

static void ring_bell(struct fl_ingest *in)
{
    static const uint64_t one = 1;
    ssize_t n = write(in->env->wake_rows_fd, &one, sizeof(one));

    (void)n; /* a full eventfd has been rung already */
}

/* Take off their tenants what store has given back. */
static void count_given_back(struct fl_ingest *in)
{
    uint64_t upto = fl_ring_given_back(in->ring);

    while (in->sent_count > 0 && in->sent[in->sent_at].end <= upto) {
        struct fl_ingest_sent *sent = &in->sent[in->sent_at];

        sent->tenant->ring_bytes -= sent->bytes;
        fl_ingest_tenant_unref(sent->tenant);
        in->sent_at = (in->sent_at + 1) & (in->sent_cap - 1);
        in->sent_count--;
    }
}

static bool sent_grow(struct fl_ingest *in)
{
    size_t cap = in->sent_cap == 0 ? SENT_FIRST : in->sent_cap * 2;
    struct fl_ingest_sent *sent = calloc(cap, sizeof(*sent));

    if (sent == NULL)
        return false;
    for (size_t i = 0; i < in->sent_count; i++)
        sent[i] = in->sent[(in->sent_at + i) & (in->sent_cap - 1)];
    free(in->sent);
    in->sent = sent;
    in->sent_cap = cap; /* bounded by the entries that the ring holds */
    in->sent_at = 0;
    return true;
}

/* Without memory for it the entry is nobody's: the tenant's share is a little larger then. */
static void note_sent(struct fl_ingest *in, struct fl_ingest_tenant *tenant, size_t bytes)
{
    if (in->sent_count == in->sent_cap && !sent_grow(in))
        return;
    in->sent[(in->sent_at + in->sent_count) & (in->sent_cap - 1)] =
        (struct fl_ingest_sent){tenant, fl_ring_written(in->ring), bytes};
    in->sent_count++;
    tenant->ring_bytes += bytes;
    fl_ingest_tenant_ref(tenant);
}

/*
 * May the tenant use so much of the ring now? At most twice what is still free: one alone gets two
 * thirds of it, and when many flood each gets the same, and as much as that stays free for who
 * comes next. Nothing of his in the ring: always, where there is room.
 */
static bool has_share(const struct fl_ingest *in, const struct fl_ingest_tenant *tenant, size_t len)
{
    size_t room = fl_ring_room(in->ring);

    return tenant->ring_bytes == 0 || (tenant->ring_bytes + len) / 2 <= room;
}

/* false: it has to wait. */
static bool put(struct fl_ingest *in, struct fl_ingest_tenant *tenant, struct fl_span bytes,
                uint32_t rows)
{
    struct fl_err err;
    int rc;

    count_given_back(in);
    if (in->no_room || !has_share(in, tenant, bytes.len))
        return false;
    rc = fl_ring_put(in->ring, bytes, rows, &err);
    if (rc == FL_E_AGAIN) {
        in->no_room = true; /* what comes later is behind it, else large ones would never go */
        return false;
    }
    if (rc == FL_OK) {
        note_sent(in, tenant, bytes.len);
    } else { /* larger than the ring: nothing that waiting could mend */
        fl_ring_hold(in->ring, -(int64_t)rows);
        fl_role_log(in->env, FL_LOG_ERR, "%u rows could not be handed to store: %s", (unsigned)rows,
                    err.text);
    }
    ring_bell(in);
    return true;
}

/* The delivery waits for room, and the tenant's sockets with it. */
static void wait_for_room(struct fl_ingest *in, struct fl_ingest_batch *batch, uint32_t rows)
{
    struct fl_err err;

    fl_buf_put_span(&batch->ready, fl_buf_span(&in->encoded)); /* no larger than it is */
    if (fl_buf_status(&batch->ready, &err) != FL_OK) {
        fl_role_log(in->env, FL_LOG_ERR, "%u rows of tenant %s cannot wait: %s", (unsigned)rows,
                    batch->tenant->slug, err.text);
        fl_ring_hold(in->ring, -(int64_t)rows);
        fl_buf_done(&batch->ready);
        return;
    }
    batch->ready_rows = rows;
    in->waiting_bytes += batch->ready.len;
    in->waited_long = in->waited_long || in->waiting_bytes > WAITING_MANY;
    batch->tenant->paused = true;
    batch->tenant->paused_mono_us = fl_now_mono_us();
    TAILQ_INSERT_TAIL(&in->waiting, batch, wait_link);
    fl_watch_rearm(in->retry_timer, RETRY_MS);
}

/* Finish what the batch has collected and put it into the ring, or have it wait (nothing does when
 * this is called). */
static void batch_put(struct fl_ingest *in, struct fl_ingest_batch *batch)
{
    static const struct fl_span behind = {NULL, 0};
    uint32_t rows = fl_batch_rows(batch->writer);
    struct fl_err err;
    int rc;

    fl_buf_clear(&in->encoded);
    fl_delivery_put(batch->tenant->id, batch->conns, batch->conn_count, behind, &in->encoded);
    rc = fl_batch_finish(batch->writer, &in->encoded, &err);
    if (rc == FL_OK)
        rc = fl_buf_status(&in->encoded, &err);
    batch->serial = ++in->batch_serial;
    batch->conn_count = 0;
    if (rc != FL_OK) {
        fl_role_log(in->env, FL_LOG_ERR, "%u rows of tenant %s could not be encoded: %s",
                    (unsigned)rows, batch->tenant->slug, err.text);
        fl_batch_clear(batch->writer);
        fl_ring_hold(in->ring, -(int64_t)rows);
    } else if (!put(in, batch->tenant, fl_buf_span(&in->encoded), rows)) {
        wait_for_room(in, batch, rows);
    }
    writer_put_back(in, batch);
}

void fl_ingest_flush(struct fl_ingest *in)
{
    struct fl_ingest_batch *batch = TAILQ_FIRST(&in->open);

    while (batch != NULL) {
        struct fl_ingest_batch *next = TAILQ_NEXT(batch, link);

        if (!batch->tenant->paused && rows_of(batch) > 0)
            batch_put(in, batch);
        if (!batch->tenant->paused)
            batch_retire(in, batch);
        batch = next;
    }
}

static void arm_flush(struct fl_ingest *in)
{
    if (in->flush_armed)
        return;
    in->flush_armed = true;
    fl_watch_rearm(in->flush_timer, FL_INGEST_FLUSH_MS);
}

static void count_wait(struct fl_ingest *in, const struct fl_ingest_tenant *tenant)
{
    int64_t us = fl_now_mono_us() - tenant->paused_mono_us;

    in->waited.count++;
    in->waited.all_us += us;
    if (us < in->waited.longest_us)
        return;
    in->waited.longest_us = us;
    memcpy(in->waited.tenant, tenant->slug, sizeof(tenant->slug));
}

/* The oldest first; the one that finds no room stops those behind it. */
void fl_ingest_retry(struct fl_ingest *in)
{
    struct fl_ingest_batch *batch, *next;
    bool moved = false;

    in->no_room = false;
    for (batch = TAILQ_FIRST(&in->waiting); batch != NULL && !in->no_room; batch = next) {
        struct fl_ingest_tenant *tenant = batch->tenant;

        next = TAILQ_NEXT(batch, wait_link);
        if (!put(in, tenant, fl_buf_span(&batch->ready), batch->ready_rows))
            continue;
        TAILQ_REMOVE(&in->waiting, batch, wait_link);
        in->waiting_bytes -= batch->ready.len;
        fl_buf_done(&batch->ready);
        count_wait(in, tenant);
        tenant->paused = false;
        moved = true;
        if (!in->stopping)
            fl_ingest_resume(in, tenant);
    }
    if (!TAILQ_EMPTY(&in->waiting))
        fl_watch_rearm(in->retry_timer, RETRY_MS);
    if (in->waiting_bytes <= WAITING_BYTES && !in->stopping)
        fl_ingest_release(in);
    if (moved && in->stopping)
        fl_ingest_flush(in);
    else if (moved)
        arm_flush(in);
}

bool fl_ingest_crowded(struct fl_ingest *in, const struct fl_ingest_tenant *tenant)
{
    if (in->waiting_bytes <= WAITING_BYTES)
        return false;
    count_given_back(in);
    return in->no_room || !has_share(in, tenant, USUAL_BYTES);
}

void fl_ingest_batches_tick(struct fl_ingest *in)
{
    if (!in->waited_long || in->waiting_bytes > WAITING_MANY)
        return;
    in->waited_long = false;
    (void)malloc_trim(0);
}

/* ---- rows ---- */

/* Note in the batch that it goes up to this row of the lane; false: it has too many lanes. */
static bool list_lane(struct fl_ingest_batch *batch, struct fl_ingest_lane *lane)
{
    uint16_t cap = batch->conn_cap == 0 ? CONNS_FIRST : (uint16_t)(batch->conn_cap * 2);
    struct fl_delivery_conn *grown;

    if (lane->batch_serial == batch->serial)
        return true;
    if (batch->conn_count == FL_DELIVERY_MAX_CONNS)
        return false;
    if (batch->conn_count == batch->conn_cap) {
        grown = realloc(batch->conns, cap * sizeof(*grown));
        if (grown == NULL)
            return false;
        batch->conns = grown;
        batch->conn_cap = cap;
    }
    lane->batch_serial = batch->serial;
    lane->batch_slot = batch->conn_count++;
    batch->conns[lane->batch_slot] =
        (struct fl_delivery_conn){.conn = lane->number, .upto = lane->received};
    return true;
}

/* A batch that is full goes to the ring, and the row begins the next one; while a delivery waits
 * there is no way for it. */
static bool add(struct fl_ingest *in, struct fl_ingest_batch *batch, struct fl_ingest_lane *lane,
                const struct fl_event *ev)
{
    int rc = list_lane(batch, lane) ? fl_batch_add(batch->writer, ev, NULL) : FL_E_LIMIT;

    if (rc == FL_E_LIMIT && !batch->tenant->paused && rows_of(batch) > 0) {
        batch_put(in, batch);
        if (!writer_get(in, batch))
            return false;
        rc = list_lane(batch, lane) ? fl_batch_add(batch->writer, ev, NULL) : FL_E_NOMEM;
    }
    return rc == FL_OK;
}

bool fl_ingest_add(struct fl_ingest *in, struct fl_ingest_tenant *tenant,
                   struct fl_ingest_lane *lane, const struct fl_event *ev)
{
    struct fl_ingest_batch *batch = batch_of(in, tenant);

    if (batch == NULL || !add(in, batch, lane, ev))
        return false;
    batch->conns[lane->batch_slot].upto = ++lane->received;
    fl_ring_hold(in->ring, 1);
    if (tenant->paused || (fl_batch_rows(batch->writer) < FL_INGEST_FLUSH_ROWS &&
                           fl_batch_bytes(batch->writer) < FL_INGEST_FLUSH_BYTES)) {
        arm_flush(in);
        return true;
    }
    batch_put(in, batch);
    if (!tenant->paused)
        batch_retire(in, batch);
    return true;
}

void fl_ingest_turn_over(struct fl_ingest *in, struct fl_ingest_tenant *tenant)
{
    struct fl_ingest_batch *batch = tenant->batch;

    if (batch != NULL)
        weigh(in, batch);
    while (in->writer_bytes > WRITERS_BYTES && in->writer_count > 0) {
        struct fl_batch_writer *idle = in->writers[--in->writer_count];

        in->writer_bytes -= fl_batch_memory(idle);
        fl_batch_writer_free(idle);
    }
    if (in->writer_bytes > WRITERS_BYTES)
        fl_ingest_flush(in);
}

void fl_ingest_batches_done(struct fl_ingest *in)
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
    for (; in->sent_count > 0; in->sent_count--) {
        fl_ingest_tenant_unref(in->sent[in->sent_at].tenant);
        in->sent_at = (in->sent_at + 1) & (in->sent_cap - 1);
    }
    while (in->writer_count > 0)
        fl_batch_writer_free(in->writers[--in->writer_count]);
    free(in->sent);
    fl_buf_done(&in->encoded);
    fl_watch_free(in->flush_timer);
    fl_watch_free(in->retry_timer);
    fl_watch_free(in->room);
    fl_ring_writer_close(in->ring);
}
