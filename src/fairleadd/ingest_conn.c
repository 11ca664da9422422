#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "fairleadd/ingest.h"

enum {
    SILENT_US = 3 * 1000 * 1000, /* half a line that waits so long is taken as a whole one */
    ACCEPT_TURN = 16,            /* connections taken per wake-up of a listener */
    ADDR_SLOTS_MIN = 256,
    UDP_TURN = 8 /* reads per wake-up */
};

struct fl_ingest_addr {
    struct fl_ingest_addr *next;
    unsigned char ip[16];
    uint32_t count;
};

/* ---- how many connections an address has; an IPv6 client owns its /64 ---- */

static void addr_key(const struct fl_addr *peer, unsigned char key[16])
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    memcpy(key, peer->ip, 16);
    if (memcmp(key, mapped, sizeof(mapped)) != 0)
        memset(key + 8, 0, 8);
}

static struct fl_ingest_addr **addr_find(struct fl_ingest *in, const unsigned char key[16])
{
    unsigned char seeded[24];
    struct fl_ingest_addr **at;

    memcpy(seeded, &in->addr_seed, 8);
    memcpy(seeded + 8, key, 16);
    at = &in->addrs[fl_span_hash(fl_span_of(seeded, sizeof(seeded))) & (in->addr_slots - 1)];
    while (*at != NULL && memcmp((*at)->ip, key, 16) != 0)
        at = &(*at)->next;
    return at;
}

static bool addr_enter(struct fl_ingest *in, const struct fl_addr *peer)
{
    unsigned char key[16];
    struct fl_ingest_addr **at;

    addr_key(peer, key);
    at = addr_find(in, key);
    if (*at == NULL) {
        *at = calloc(1, sizeof(**at));
        if (*at == NULL)
            return false;
        memcpy((*at)->ip, key, 16);
    }
    if ((*at)->count >= fl_conf_num(in->env->conf, FL_SET_CONNECTIONS_PER_ADDRESS))
        return false;
    (*at)->count++;
    return true;
}

static void addr_leave(struct fl_ingest *in, const struct fl_addr *peer)
{
    unsigned char key[16];
    struct fl_ingest_addr **at, *gone;

    addr_key(peer, key);
    at = addr_find(in, key);
    if (*at == NULL || --(*at)->count > 0)
        return;
    gone = *at;
    *at = gone->next;
    free(gone);
}

/* ---- sources ---- */

void fl_ingest_source_init(struct fl_ingest_source *src, struct fl_ingest *in,
                           const struct fl_role_listener *listener)
{
    *src = (struct fl_ingest_source){.in = in, .listener = listener};
    TAILQ_INIT(&src->lanes);
}

void fl_ingest_source_done(struct fl_ingest_source *src, const char *why)
{
    struct fl_ingest_lane *lane;

    while ((lane = TAILQ_FIRST(&src->lanes)) != NULL) {
        TAILQ_REMOVE(&src->lanes, lane, link);
        fl_ingest_lane_end(src->in, lane, why);
    }
    src->lane_count = 0;
    src->first_lane = NULL;
    fl_ingest_hosts_forget(src);
    fl_ingest_device_unref(src->device);
    fl_ingest_tenant_unref(src->tenant);
    src->device = NULL;
    src->tenant = NULL;
}

static void source_bind(struct fl_ingest_source *src, struct fl_ingest_tenant *tenant,
                        struct fl_ingest_device *device)
{
    src->tenant = tenant;
    fl_ingest_tenant_ref(tenant);
    src->device = device;
    if (device != NULL)
        fl_ingest_device_ref(device);
}

/* Devices behind it may have gone from the table, or have other names now. */
static void source_recheck(struct fl_ingest_source *src)
{
    struct fl_ingest_lane *lane = TAILQ_FIRST(&src->lanes);

    fl_ingest_hosts_forget(src);
    while (lane != NULL) {
        struct fl_ingest_lane *next = TAILQ_NEXT(lane, link);

        if (!lane->device->listed) {
            TAILQ_REMOVE(&src->lanes, lane, link);
            src->lane_count--;
            if (src->first_lane == lane)
                src->first_lane = NULL;
            fl_ingest_lane_end(src->in, lane, "the device was removed");
        }
        lane = next;
    }
}

/* ---- closing ---- */

static struct fl_ingest_conns *list_of(struct fl_ingest_conn *conn)
{
    return conn->state == FL_INGEST_LIVE ? &conn->src.in->live : &conn->src.in->shaking;
}

/* Closing with unread bytes resets the connection, and the peer may never see the alert that tells
 * it why. */
static void hang_up(struct fl_ingest_conn *conn)
{
    size_t n;

    fl_inet_write_end(conn->fd);
    (void)(fl_inet_read(conn->fd, conn->src.in->scratch, FL_INGEST_READ_BYTES, &n, NULL) == FL_OK);
    close(conn->fd);
}

static void leave_queue(struct fl_ingest_conn *conn)
{
    struct fl_ingest *in = conn->src.in;

    if (conn->queued)
        TAILQ_REMOVE(&in->again, conn, again);
    else if (conn->parked)
        TAILQ_REMOVE(&conn->src.tenant->parked, conn, again);
    else if (conn->handing)
        TAILQ_REMOVE(&in->hands, conn, again);
    else if (conn->held)
        TAILQ_REMOVE(&in->held, conn, again);
    in->again_count -= conn->queued;
    conn->queued = conn->parked = conn->handing = conn->held = false;
}

static void conn_free(struct fl_ingest_conn *conn, const char *why)
{
    struct fl_ingest *in = conn->src.in;

    TAILQ_REMOVE(list_of(conn), conn, link);
    leave_queue(conn);
    in->conn_count--;
    addr_leave(in, &conn->peer);
    fl_watch_free(conn->watch);
    if (conn->tls != NULL)
        fl_tls_end(conn->tls);
    fl_tls_free(conn->tls);
    hang_up(conn);
    fl_frame_free(conn->frame);
    fl_ingest_source_done(&conn->src, why);
    free(conn);
}

/* ---- going on with a connection later ---- */

static void pump(struct fl_ingest_conn *conn);
static bool take_datagrams(struct fl_ingest_udp *udp);
static void udp_listen(struct fl_ingest_udp *udp);

/* Each that waited has one turn; those that still have bytes wait for the next round. One that ends
 * ends itself alone, so that the count of the round is a safe bound. */
static void on_again(void *ctx)
{
    struct fl_ingest *in = ctx;

    in->again_posted = false;
    for (size_t round = in->again_count; round > 0 && !TAILQ_EMPTY(&in->again); round--) {
        struct fl_ingest_conn *conn = TAILQ_FIRST(&in->again);

        leave_queue(conn);
        pump(conn);
    }
}

static void post_again(struct fl_ingest *in)
{
    if (!in->again_posted && !TAILQ_EMPTY(&in->again))
        in->again_posted = fl_loop_post(in->env->loop, on_again, in) == FL_OK;
}

static void go_on_later(struct fl_ingest_conn *conn)
{
    struct fl_ingest *in = conn->src.in;

    if (!conn->queued) {
        leave_queue(conn);
        TAILQ_INSERT_TAIL(&in->again, conn, again);
        conn->queued = true;
        in->again_count++;
    }
    post_again(in);
}

static void park(struct fl_ingest_conn *conn)
{
    fl_watch_change(conn->watch, 0);
    if (conn->parked)
        return;
    leave_queue(conn);
    TAILQ_INSERT_TAIL(&conn->src.tenant->parked, conn, again);
    conn->parked = true;
}

static void hold(struct fl_ingest_conn *conn)
{
    fl_watch_change(conn->watch, 0);
    leave_queue(conn);
    TAILQ_INSERT_TAIL(&conn->src.in->held, conn, again);
    conn->held = true;
}

void fl_ingest_release(struct fl_ingest *in)
{
    struct fl_ingest_conn *conn;

    while ((conn = TAILQ_FIRST(&in->held)) != NULL) {
        fl_watch_change(conn->watch, FL_ON_READ);
        go_on_later(conn);
    }
}

void fl_ingest_resume(struct fl_ingest *in, struct fl_ingest_tenant *tenant)
{
    struct fl_ingest_conn *conn;

    while ((conn = TAILQ_FIRST(&tenant->parked)) != NULL) {
        fl_watch_change(conn->watch, FL_ON_READ);
        go_on_later(conn);
    }
    for (size_t i = 0; i < in->udp_count && !tenant->paused; i++) {
        if (in->udp[i]->src.tenant != tenant)
            continue;
        (void)take_datagrams(in->udp[i]);
        udp_listen(in->udp[i]);
    }
}

/* ---- reading ---- */

/* Hand out every message that is whole; false: a pause began. */
static bool take_messages(struct fl_ingest_conn *conn)
{
    struct fl_frame_msg msg;

    while (!conn->src.tenant->paused) {
        if (fl_frame_next(conn->frame, &msg) == 0)
            return true;
        fl_ingest_row(&conn->src, &msg);
    }
    return false;
}

/* Read until there are most bytes or nothing more is there: *ret_n bytes, whatever ended it. */
static int fill(struct fl_ingest_conn *conn, size_t most, size_t *ret_n, enum fl_tls_want *ret_want,
                struct fl_err *err)
{
    unsigned char *to = conn->src.in->scratch;
    size_t all = 0, n = 1;
    int rc = FL_OK;

    most = most < FL_INGEST_READ_BYTES ? most : FL_INGEST_READ_BYTES;
    *ret_want = FL_TLS_WANT_READ;
    if (conn->tls == NULL)
        rc = fl_inet_read(conn->fd, to, most, &all, err);
    while (conn->tls != NULL && rc == FL_OK && all < most && n > 0) {
        rc = fl_tls_read(conn->tls, to + all, most - all, &n, ret_want, err);
        all += rc == FL_OK ? n : 0;
    }
    if (rc == FL_OK && (n == 0 || all == 0))
        rc = fl_err_set(err, FL_E_IO, "the peer ended the connection");
    *ret_n = rc == FL_OK || conn->tls != NULL ? all : 0;
    return rc;
}

/* The peer has ended, or the connection broke: what is left becomes a last message. */
static void finish(struct fl_ingest_conn *conn, const char *why)
{
    if (!conn->ended)
        (void)snprintf(conn->why, sizeof(conn->why), "%.120s", why);
    conn->ended = true;
    fl_frame_finish(conn->frame);
}

static void take_all(struct fl_ingest_conn *conn)
{
    struct fl_frame_msg msg;

    while (fl_frame_next(conn->frame, &msg) == 1)
        fl_ingest_row(&conn->src, &msg);
}

/* End it from our side, pause or not: what was read is delivered, or counted as lost. */
static void drop(struct fl_ingest_conn *conn, const char *why)
{
    fl_ingest_clock(conn->src.in);
    take_all(conn);
    finish(conn, why);
    take_all(conn);
    conn_free(conn, conn->why);
}

/* How much of one connection is read before the others have their turn. */
static size_t turn_bytes(const struct fl_ingest *in)
{
    size_t bytes = FL_INGEST_ROUND_BYTES / (in->again_count + 1);

    return bytes > FL_INGEST_TURN_BYTES   ? FL_INGEST_TURN_BYTES
           : bytes < FL_INGEST_TURN_LEAST ? FL_INGEST_TURN_LEAST
                                          : bytes;
}

static void pump(struct fl_ingest_conn *conn)
{
    struct fl_ingest *in = conn->src.in;
    enum fl_tls_want want = FL_TLS_WANT_READ;
    struct fl_err err;
    size_t turn = 0, n = 0, most = turn_bytes(in);
    int rc = FL_OK;

    fl_ingest_clock(in);
    if (!take_messages(conn)) { /* what an earlier pause left over */
        park(conn);
        return;
    }
    if (!conn->ended && fl_ingest_crowded(in, conn->src.tenant)) {
        hold(conn);
        return;
    }
    while (!conn->ended && turn < most && rc == FL_OK && !conn->src.tenant->paused) {
        rc = fill(conn, most - turn, &n, &want, &err);
        turn += n;
        fl_frame_lend(conn->frame, in->scratch, n);
        (void)take_messages(conn);
        if (fl_frame_keep(conn->frame, &err) < 0)
            rc = FL_E_NOMEM;
        if (rc != FL_OK && rc != FL_E_AGAIN) {
            finish(conn, err.text);
            (void)take_messages(conn);
        }
    }
    if (turn > 0) {
        conn->read_mono_us = in->now_mono_us;
        fl_ingest_turn_over(in, conn->src.tenant);
    }
    if (conn->src.tenant->paused)
        park(conn);
    else if (conn->ended)
        conn_free(conn, conn->why);
    else if (rc == FL_OK) /* its turn is over; TLS may hold bytes that no poll would tell of */
        go_on_later(conn);
    else
        fl_watch_change(conn->watch, want == FL_TLS_WANT_WRITE ? FL_ON_WRITE : FL_ON_READ);
}

/* ---- handshake ---- */

enum fl_tls_verdict fl_ingest_admit(void *ctx, void *peer, const struct fl_tls_cert *cert)
{
    struct fl_ingest *in = ctx;
    struct fl_ingest_conn *conn = peer;

    conn->cert = *cert;
    conn->cert.leaf = conn->cert.chain = NULL; /* they end with the handshake */
    conn->id = fl_ingest_identify(in->table, cert);
    conn->refused = conn->id.reason;
    if (conn->id.device != NULL)
        fl_ingest_device_ref(conn->id.device); /* the table may change before we are done */
    return conn->id.verdict;
}

static void abandon(struct fl_ingest_conn *conn, const char *why)
{
    fl_ingest_device_unref(conn->id.device); /* fl_ingest_admit()'s reference */
    conn->id.device = NULL;
    conn_free(conn, why);
}

static void refuse(struct fl_ingest_conn *conn, const char *reason)
{
    bool named = conn->cert.subject[0] != '\0' || conn->id.reason != NULL;

    fl_ingest_rogue(conn->src.in, &conn->src, named ? &conn->cert : NULL,
                    conn->refused != NULL ? conn->refused : reason);
    abandon(conn, reason);
}

/* The certificate, or the listener, says whose the connection is. */
static void begin_live(struct fl_ingest_conn *conn)
{
    struct fl_ingest *in = conn->src.in;
    struct fl_ingest_device *device = conn->id.device;
    struct fl_ingest_tenant *tenant =
        device != NULL ? device->tenant
                       : fl_ingest_tenant_find(in->table, conn->src.listener->tenant);
    const char *gone = tenant == NULL ? "the listener's tenant does not exist" : NULL;

    if (device != NULL) /* the table may have changed since the certificate was looked at */
        gone = fl_ingest_still(in->table, device, conn->cert.fingerprint, conn->id.by_ca,
                               conn->id.ca_serial);
    if (gone == NULL &&
        fl_frame_new(fl_conf_num(in->env->conf, FL_SET_LINE_MAX), &conn->frame, NULL) != FL_OK)
        gone = "no memory";
    if (gone != NULL) {
        refuse(conn, gone);
        return;
    }
    source_bind(&conn->src, tenant, device);
    fl_ingest_device_unref(device); /* fl_ingest_admit()'s reference */
    conn->id.device = NULL;
    TAILQ_REMOVE(&in->shaking, conn, link);
    conn->state = FL_INGEST_LIVE;
    TAILQ_INSERT_TAIL(&in->live, conn, link);
    conn->read_mono_us = fl_now_mono_us();
    if (conn->src.device != NULL)
        (void)fl_ingest_lane(&conn->src, conn->src.device);
    pump(conn);
}

static void shake(struct fl_ingest_conn *conn)
{
    enum fl_tls_want want = FL_TLS_WANT_READ;
    struct fl_err err;
    int rc = fl_tls_handshake(conn->tls, &want, &err);

    if (rc == FL_E_AGAIN)
        fl_watch_change(conn->watch, want == FL_TLS_WANT_WRITE ? FL_ON_WRITE : FL_ON_READ);
    else if (rc == FL_OK)
        begin_live(conn);
    else if (rc == FL_E_IO && conn->id.reason == NULL) /* a port check, or our own trouble */
        abandon(conn, err.text);
    else
        refuse(conn, err.text);
}

/* A few of those that wait, then whatever else there is to do: when two thousand devices come back
 * together, those that are there go on. */
static void on_hands(void *ctx)
{
    struct fl_ingest *in = ctx;
    struct fl_ingest_conn *conn;

    in->hands_posted = false;
    for (int i = 0; i < FL_INGEST_HANDS_TURN && (conn = TAILQ_FIRST(&in->hands)) != NULL; i++) {
        leave_queue(conn);
        shake(conn);
    }
    if (!TAILQ_EMPTY(&in->hands))
        in->hands_posted = fl_loop_post(in->env->loop, on_hands, in) == FL_OK;
}

static void shake_later(struct fl_ingest_conn *conn)
{
    struct fl_ingest *in = conn->src.in;

    fl_watch_change(conn->watch, 0); /* it is ready: to be told again does not help */
    TAILQ_INSERT_TAIL(&in->hands, conn, again);
    conn->handing = true;
    if (!in->hands_posted)
        in->hands_posted = fl_loop_post(in->env->loop, on_hands, in) == FL_OK;
}

static void on_conn(void *ctx, int ready)
{
    struct fl_ingest_conn *conn = ctx;

    (void)ready;
    if (conn->state == FL_INGEST_HANDSHAKE)
        shake_later(conn);
    else if (conn->src.tenant->paused)
        park(conn);
    else if (!conn->queued) /* else its turn comes */
        pump(conn);
}

/* ---- accepting ---- */

static int conn_new(struct fl_ingest *in, const struct fl_role_listener *listener, int fd,
                    const struct fl_addr *peer, struct fl_err *err)
{
    struct fl_ingest_conn *conn = calloc(1, sizeof(*conn));
    struct fl_tls_ctx *tls =
        listener->kind == FL_LISTEN_TLS_MUTUAL ? in->tls_mutual : in->tls_server;
    int rc = FL_OK;

    if (conn == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a connection");
    fl_ingest_source_init(&conn->src, in, listener);
    conn->fd = fd;
    conn->peer = *peer;
    conn->since_mono_us = fl_now_mono_us();
    fl_addr_text(peer, conn->src.address);
    if (listener->kind != FL_LISTEN_TCP)
        rc = fl_tls_accept(tls, fd, conn, &conn->tls, err);
    if (rc == FL_OK)
        rc = fl_watch_fd(in->env->loop, fd, FL_ON_READ, on_conn, conn, &conn->watch, err);
    if (rc != FL_OK) {
        fl_tls_free(conn->tls);
        free(conn);
        return rc;
    }
    in->conn_count++;
    TAILQ_INSERT_TAIL(&in->shaking, conn, link);
    if (conn->tls == NULL)
        begin_live(conn);
    return FL_OK;
}

/* Caps hold before any TLS: what is over them costs an accept and a close. */
static void admit_address(struct fl_ingest *in, const struct fl_role_listener *listener, int fd,
                          const struct fl_addr *peer)
{
    struct fl_ingest_source src;
    struct fl_err err;
    const char *why = NULL;

    fl_ingest_source_init(&src, in, listener);
    fl_addr_text(peer, src.address);
    if (in->conn_count >= fl_conf_num(in->env->conf, FL_SET_CONNECTIONS_MAX))
        why = "as many connections as are allowed are open";
    else if (!addr_enter(in, peer))
        why = "its address has as many connections as are allowed";
    if (why == NULL) {
        if (conn_new(in, listener, fd, peer, &err) == FL_OK)
            return;
        addr_leave(in, peer);
        why = err.text;
    }
    fl_ingest_rogue(in, &src, NULL, why);
    close(fd);
}

static void on_listener(void *ctx, int ready)
{
    struct fl_ingest_listener *listener = ctx;
    struct fl_ingest *in = listener->in;
    struct fl_addr peer;
    struct fl_err err;
    int fd = -1, rc = FL_OK;

    (void)ready;
    for (int i = 0; i < ACCEPT_TURN && rc == FL_OK; i++) {
        rc = fl_inet_accept(listener->with->fd, &fd, &peer, &err);
        if (rc == FL_OK)
            admit_address(in, listener->with, fd, &peer);
    }
    if (rc == FL_OK || rc == FL_E_AGAIN)
        return;
    fl_role_log(in->env, FL_LOG_WARN, "%s: %s", listener->with->name, err.text);
    in->accepting = false; /* the tick begins again */
    fl_watch_change(listener->watch, 0);
}

void fl_ingest_accepting(struct fl_ingest *in)
{
    bool on = !in->stopping && fl_ingest_table_ready(in->table) && in->tls_mutual != NULL &&
              fl_now_mono_us() >= in->keys_bad_until_us;

    if (on == in->accepting)
        return;
    in->accepting = on;
    for (size_t i = 0; i < in->listener_count; i++)
        fl_watch_change(in->listeners[i].watch, on ? FL_ON_READ : 0);
    for (size_t i = 0; i < in->udp_count; i++)
        udp_listen(in->udp[i]);
}

/* ---- datagrams ---- */

static void take_datagram(struct fl_ingest_udp *udp, const struct fl_dgram *dgram)
{
    struct fl_ingest *in = udp->src.in;
    struct fl_frame_msg msg = {.bytes = dgram->bytes};
    size_t line_max = fl_conf_num(in->env->conf, FL_SET_LINE_MAX);

    while (msg.bytes.len > 0 &&
           (msg.bytes.ptr[msg.bytes.len - 1] == '\n' || msg.bytes.ptr[msg.bytes.len - 1] == '\r'))
        msg.bytes.len--;
    if (msg.bytes.len > line_max) {
        msg.bytes.len = line_max;
        msg.truncated = true;
    }
    if (msg.bytes.len > 0)
        fl_ingest_row(&udp->src, &msg);
    /* The kernel does not say whose they were: they are counted with who sent the next one. */
    if (dgram->dropped > 0 && udp->src.host_lane != NULL) {
        udp->src.host_lane->device->n.dropped += dgram->dropped;
        fl_ingest_dirty(in, udp->src.host_lane->device);
    }
}

static void udp_listen(struct fl_ingest_udp *udp)
{
    bool on = udp->src.in->accepting && udp->src.tenant != NULL && !udp->src.tenant->paused;

    fl_watch_change(udp->watch, on ? FL_ON_READ : 0);
}

/* Take what was read; false: a pause began. */
static bool take_datagrams(struct fl_ingest_udp *udp)
{
    const struct fl_ingest_tenant *tenant = udp->src.tenant;

    fl_ingest_clock(udp->src.in);
    while (udp->waiting_count > 0 && tenant != NULL && !tenant->paused) {
        take_datagram(udp, udp->waiting++);
        udp->waiting_count--;
    }
    return tenant != NULL && !tenant->paused;
}

static void on_udp(void *ctx, int ready)
{
    struct fl_ingest_udp *udp = ctx;
    int n = 1;

    (void)ready;
    for (int turn = 0; turn < UDP_TURN && n > 0 && take_datagrams(udp); turn++) {
        n = fl_dgrams_read(udp->dgrams, &udp->waiting, NULL);
        udp->waiting_count = n > 0 ? (size_t)n : 0;
    }
    if (!take_datagrams(udp))
        udp_listen(udp);
}

/* ---- whole ---- */

static int udp_new(struct fl_ingest *in, const struct fl_role_listener *listener,
                   struct fl_err *err)
{
    struct fl_ingest_udp *udp = calloc(1, sizeof(*udp));
    int rc;

    if (udp == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a listener");
    fl_ingest_source_init(&udp->src, in, listener);
    in->udp[in->udp_count++] = udp;
    rc = fl_dgrams_new(listener->fd, &udp->dgrams, err);
    return rc != FL_OK ? rc
                       : fl_watch_fd(in->env->loop, listener->fd, 0, on_udp, udp, &udp->watch, err);
}

static int listener_new(struct fl_ingest *in, const struct fl_role_listener *with,
                        struct fl_err *err)
{
    struct fl_ingest_listener *listener = &in->listeners[in->listener_count++];

    listener->in = in;
    listener->with = with;
    return fl_watch_fd(in->env->loop, with->fd, 0, on_listener, listener, &listener->watch, err);
}

int fl_ingest_conns_init(struct fl_ingest *in, struct fl_err *err)
{
    size_t max = fl_conf_num(in->env->conf, FL_SET_CONNECTIONS_MAX);
    int rc = FL_OK;

    TAILQ_INIT(&in->shaking);
    TAILQ_INIT(&in->live);
    TAILQ_INIT(&in->again);
    TAILQ_INIT(&in->hands);
    TAILQ_INIT(&in->held);
    for (in->addr_slots = ADDR_SLOTS_MIN; in->addr_slots < max; in->addr_slots *= 2)
        ;
    in->addrs = calloc(in->addr_slots, sizeof(struct fl_ingest_addr *));
    in->scratch_front = malloc(FL_LINE_MAX_BYTES + FL_FRAME_LEND_MORE + FL_INGEST_READ_BYTES);
    if (in->addrs == NULL || in->scratch_front == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for connections");
    in->scratch = in->scratch_front + FL_LINE_MAX_BYTES + FL_FRAME_LEND_MORE;
    for (size_t i = 0; i < in->env->listener_count && rc == FL_OK; i++) {
        const struct fl_role_listener *with = &in->env->listeners[i];

        if (with->kind == FL_LISTEN_UDP)
            rc = udp_new(in, with, err);
        else if (with->kind != FL_LISTEN_LOCAL)
            rc = listener_new(in, with, err);
    }
    return rc;
}

void fl_ingest_recheck(struct fl_ingest *in)
{
    struct fl_ingest_conn *conn = TAILQ_FIRST(&in->live);
    struct fl_ingest_tenant *tenant;

    while (conn != NULL) {
        struct fl_ingest_conn *next = TAILQ_NEXT(conn, link);
        const char *gone =
            conn->src.device != NULL
                ? fl_ingest_still(in->table, conn->src.device, conn->cert.fingerprint,
                                  conn->id.by_ca, conn->id.ca_serial)
            : conn->src.tenant->listed ? NULL
                                       : "the tenant was removed";

        if (gone != NULL) {
            fl_ingest_rogue(in, &conn->src, conn->src.device != NULL ? &conn->cert : NULL, gone);
            drop(conn, gone);
        } else {
            source_recheck(&conn->src);
        }
        conn = next;
    }
    for (size_t i = 0; i < in->udp_count; i++) {
        struct fl_ingest_source *src = &in->udp[i]->src;

        if (src->tenant != NULL && !src->tenant->listed)
            fl_ingest_source_done(src, "the tenant was removed");
        source_recheck(src);
        tenant = fl_ingest_tenant_find(in->table, src->listener->tenant);
        if (src->tenant == NULL && tenant != NULL)
            source_bind(src, tenant, NULL);
        udp_listen(in->udp[i]);
    }
}

void fl_ingest_conns_tick(struct fl_ingest *in)
{
    int64_t now_us = fl_now_mono_us();
    struct fl_ingest_conn *conn, *next;

    while ((conn = TAILQ_FIRST(&in->shaking)) != NULL &&
           now_us - conn->since_mono_us > (int64_t)FL_INGEST_HANDSHAKE_MS * 1000)
        refuse(conn, "no handshake within 10 s");
    fl_ingest_clock(in);
    for (conn = TAILQ_FIRST(&in->live); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        if (now_us - conn->read_mono_us < SILENT_US || fl_frame_waiting(conn->frame) == 0 ||
            conn->src.tenant->paused || conn->held)
            continue;
        fl_frame_finish(conn->frame);
        (void)take_messages(conn);
    }
    fl_ingest_accepting(in);
}

void fl_ingest_conns_end(struct fl_ingest *in, const char *why)
{
    struct fl_ingest_conn *conn, *next;

    fl_ingest_accepting(in);
    for (conn = TAILQ_FIRST(&in->live); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        if (!conn->ended && !conn->src.tenant->paused)
            pump(conn);
    }
    for (conn = TAILQ_FIRST(&in->live); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        drop(conn, why);
    }
    for (conn = TAILQ_FIRST(&in->shaking); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        abandon(conn, why);
    }
    for (size_t i = 0; i < in->udp_count; i++)
        fl_ingest_source_done(&in->udp[i]->src, why);
}

void fl_ingest_conns_done(struct fl_ingest *in)
{
    for (size_t i = 0; i < in->listener_count; i++)
        fl_watch_free(in->listeners[i].watch);
    for (size_t i = 0; i < in->udp_count; i++) {
        fl_watch_free(in->udp[i]->watch);
        fl_dgrams_free(in->udp[i]->dgrams);
        free(in->udp[i]);
    }
    free(in->addrs);
    free(in->scratch_front);
}
