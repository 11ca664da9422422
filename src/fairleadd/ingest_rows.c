#include <stdlib.h>

#include "base/rand.h"
#include "base/time.h"
#include "fairleadd/ingest.h"
#include "logs/enrich.h"

enum {
    ARENA_BYTES = 1 << 20, /* of one line: unescaped and derived strings, shape */
    HOST_SETS = 256,       /* of a source's remembered names: a power of two */
    HOST_WAYS = 2,
    HOST_BYTES = 44 /* longer names are looked up each time */
};

/* HOSTNAMEs of one source and the lanes that they chose. */
struct fl_ingest_hosts {
    struct {
        uint32_t len; /* 0: free */
        char name[HOST_BYTES];
        struct fl_ingest_lane *lane;
    } at[HOST_SETS][HOST_WAYS];
};

int fl_ingest_rows_init(struct fl_ingest *in, struct fl_err *err)
{
    int rc = fl_ingest_batches_init(in, err);

    fl_arena_init(&in->arena, ARENA_BYTES);
    in->ev.arena = &in->arena;
    if (rc == FL_OK)
        rc = fl_line_reader_new(&in->reader, err);
    fl_ingest_clock(in);
    return rc;
}

void fl_ingest_rows_done(struct fl_ingest *in)
{
    fl_ingest_batches_done(in);
    fl_line_reader_freep(&in->reader);
    fl_arena_done(&in->arena);
}

void fl_ingest_clock(struct fl_ingest *in)
{
    in->now_us = fl_now_us();
    in->now_mono_us = fl_now_mono_us();
    in->today = fl_day_of(in->now_us);
    in->idle_us = (int64_t)fl_conf_num(in->env->conf, FL_SET_IDLE_S) * FL_US_PER_S;
}

/* ---- whose line is it? ---- */

void fl_ingest_hosts_forget(struct fl_ingest_source *src)
{
    free(src->hosts);
    src->hosts = NULL;
    src->host_lane = NULL;
}

/* The set where the name may stand; NULL: it is not remembered. */
static struct fl_ingest_hosts *hosts_of(struct fl_ingest_source *src, struct fl_span host,
                                        size_t *ret_set)
{
    if (host.len == 0 || host.len > HOST_BYTES)
        return NULL;
    *ret_set = (fl_span_hash(host) ^ src->in->addr_seed) & (HOST_SETS - 1);
    return src->hosts;
}

static struct fl_ingest_lane *host_recall(struct fl_ingest_source *src, struct fl_span host)
{
    size_t set;
    struct fl_ingest_hosts *hosts = hosts_of(src, host, &set);

    for (size_t way = 0; hosts != NULL && way < HOST_WAYS; way++) {
        if (hosts->at[set][way].len == host.len &&
            memcmp(hosts->at[set][way].name, host.ptr, host.len) == 0)
            return hosts->at[set][way].lane;
    }
    return NULL;
}

/* A source that shows one name needs no table. */
static void host_remember(struct fl_ingest_source *src, struct fl_span host,
                          struct fl_ingest_lane *lane)
{
    struct fl_ingest_hosts *hosts;
    size_t set = 0;

    if (src->host_lane != NULL && src->hosts == NULL)
        src->hosts = calloc(1, sizeof(*src->hosts));
    if (host.len < sizeof(src->host)) {
        if (host.len > 0)
            memcpy(src->host, host.ptr, host.len);
        src->host_len = host.len;
        src->host_lane = lane;
    }
    hosts = hosts_of(src, host, &set);
    if (hosts == NULL)
        return;
    hosts->at[set][1] = hosts->at[set][0];
    hosts->at[set][0].len = (uint32_t)host.len;
    memcpy(hosts->at[set][0].name, host.ptr, host.len);
    hosts->at[set][0].lane = lane;
}

/*
 * The certificate says it; behind a relay and on a weak listener the line's HOSTNAME chooses among
 * the tenant's devices, and no other tenant's.
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
    lane = host_recall(src, host);
    if (lane != NULL)
        return lane;
    device = fl_ingest_by_host(in->table, src->tenant, host);
    if (device == NULL)
        device = src->device != NULL ? src->device : fl_ingest_unknown(src->tenant);
    lane = device == NULL ? NULL : fl_ingest_lane(src, device);
    if (lane != NULL)
        host_remember(src, host, lane);
    return lane;
}

/* ---- one row ---- */

static bool is_weak(const struct fl_ingest_source *src)
{
    return src->listener->kind != FL_LISTEN_TLS_MUTUAL;
}

/* The first row after a while: silence and day. */
static void count_gap(const struct fl_ingest *in, const struct fl_ingest_lane *lane,
                      struct fl_ingest_counts *n)
{
    int64_t silent_us = n->last_us == 0 ? 0 : in->now_us - n->last_us;

    if (n->gap_day != in->today) {
        n->gap_day = in->today;
        n->gap_us = 0;
    }
    if (silent_us > n->gap_us)
        n->gap_us = silent_us;
    if (lane->received > 0 && silent_us > in->idle_us)
        n->gaps++; /* the silence before a connection's first line counts as its reconnect */
    n->last_us = in->now_us;
}

static void count_row(const struct fl_ingest *in, const struct fl_ingest_lane *lane,
                      const struct fl_frame_msg *msg, const struct fl_event *ev)
{
    struct fl_ingest_counts *n = &lane->device->n;
    uint64_t flags = fl_event_get_num(ev, FL_F_FLAGS);

    if (n->last_us != in->now_us)
        count_gap(in, lane, n);
    n->lines++;
    n->bytes += msg->bytes.len;
    n->repaired += msg->repaired;
    n->truncated += msg->truncated;
    if (flags != 0) {
        n->unparsed += (flags & FL_ROW_UNPARSED) != 0;
        n->raw_kept += (flags & FL_ROW_RAW_KEPT) != 0;
        n->clock_off += (flags & FL_ROW_CLOCK_OFF) != 0;
    }
    if ((flags & FL_ROW_NO_TIME) == 0 && fl_event_has(ev, FL_F_TIME))
        n->skew_us = (int64_t)fl_event_get_num(ev, FL_F_TIME) - in->now_us;
}

static void set_origin(const struct fl_ingest_source *src, const struct fl_ingest_lane *lane,
                       const struct fl_frame_msg *msg, struct fl_event *ev)
{
    const struct fl_ingest_device *device = lane->device;

    fl_event_str(ev, FL_F_DEVICE, fl_span_of(device->slug, device->slug_len));
    if (device->site_len > 0)
        fl_event_str(ev, FL_F_SITE, fl_span_of(device->site, device->site_len));
    if (is_weak(src))
        fl_event_flag(ev, FL_ROW_WEAK);
    else if (src->device->relay && device != src->device)
        fl_event_flag(ev, FL_ROW_RELAYED);
    if (msg->repaired)
        fl_event_flag(ev, FL_ROW_FRAMING);
    if (msg->truncated)
        fl_event_flag(ev, FL_ROW_TRUNCATED);
    if (src->tenant->far && fl_ingest_far_end(src->tenant, ev))
        fl_event_flag(ev, FL_ROW_FAR_END);
}

void fl_ingest_row(struct fl_ingest_source *src, const struct fl_frame_msg *msg)
{
    struct fl_ingest *in = src->in;
    struct fl_event *ev = &in->ev;
    struct fl_ingest_lane *lane;
    const char *why;

    fl_arena_clear(&in->arena);
    fl_line_read(in->reader, &src->read, msg->bytes, in->now_us, ev, &why);
    lane = lane_of(src, ev);
    if (lane == NULL) {
        fl_role_log(in->env, FL_LOG_ERR, "a line of tenant %s is lost: no memory",
                    src->tenant->slug);
        return;
    }
    set_origin(src, lane, msg, ev);
    fl_enrich(in->enrich, ev);
    count_row(in, lane, msg, ev);
    if (!fl_ingest_add(in, src->tenant, lane, ev))
        lane->device->n.lost++;
    lane->last_mono_us = in->now_mono_us;
    lane->dirty = true;
    if (!lane->device->dirty)
        fl_ingest_dirty(in, lane->device);
}
