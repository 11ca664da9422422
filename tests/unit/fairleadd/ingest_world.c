#include "unit/fairleadd/ingest_world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "codec/delivery.h"
#include "codec/record.h"
#include "fairleadd/role.h"
#include "fairleadd/start.h"
#include "io/imsg.h"
#include "io/loop.h"
#include "io/ring.h"
#include "io/sock.h"

/* The other roles are played; none is started by its name. */
const struct fl_role_ops *fl_role_ops_of(enum fl_role role)
{
    (void)role;
    return NULL;
}

struct world_inside {
    struct world *w;
    struct fl_loop *loop;
    pthread_t thread;
    struct fl_imsg *core, *store, *keys;
    struct fl_ring_reader *reader;
    int ring_fd, rows_fd, room_fd;
    struct fl_watch *rows, *look;
    struct fl_buf entry;
    struct fl_arena arena;
    int control[2]; /* to the role: 's' stop, 'l' a new link to store follows */
};

static void die(const char *what)
{
    perror(what);
    abort();
}

/* ---- the role's side ---- */

struct child {
    struct fl_role_env env;
    struct fl_conf *conf;
    void *state;
    int control;
};

static int take_fd(int from)
{
    unsigned char role[1];
    char control[64];
    struct iovec iov = {role, 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    int fd = -1;

    if (recvmsg(from, &msg, 0) != 1)
        return -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c))
        memcpy(&fd, CMSG_DATA(c), sizeof(fd));
    return fd;
}

static void on_control(void *ctx, int ready)
{
    struct child *c = ctx;
    char what = 's';

    (void)ready;
    if (read(c->control, &what, 1) != 1)
        _exit(9);
    if (what == 's')
        fl_role_ingest.stop(c->state);
    else
        fl_role_ingest.link(c->state, FL_ROLE_STORE, take_fd(c->control));
}

static void run_child(struct child *c, const int links[3])
{
    static const enum fl_role peers[3] = {FL_ROLE_KEYS, FL_ROLE_CORE, FL_ROLE_STORE};
    struct fl_watch *watch;
    struct fl_err err;

    if (fl_loop_new(&c->env.loop, &err) != FL_OK ||
        fl_role_ingest.start(&c->env, &c->state, &err) != FL_OK ||
        fl_watch_fd(c->env.loop, c->control, FL_ON_READ, on_control, c, &watch, &err) != FL_OK) {
        (void)fprintf(stderr, "ingest: %s\n", err.text);
        exit(8);
    }
    for (int i = 0; i < 3; i++)
        fl_role_ingest.link(c->state, peers[i], links[i]);
    fl_loop_run(c->env.loop);
    fl_watch_free(watch);
    fl_loop_free(c->env.loop);
    fl_conf_free(c->conf);
    exit(0);
}

/* ---- our side: keys, core, store on one loop ---- */

struct world_device *world_find(struct world *w, const char *tenant_and_slug)
{
    for (size_t i = 0; i < w->devices; i++)
        if (strcmp(w->device[i].tenant_and_slug, tenant_and_slug) == 0)
            return &w->device[i];
    if (w->devices == WORLD_SEEN)
        abort();
    (void)snprintf(w->device[w->devices].tenant_and_slug, sizeof(w->device[0].tenant_and_slug),
                   "%s", tenant_and_slug);
    return &w->device[w->devices++];
}

static struct world_device *find_span(struct world *w, uint32_t tenant, struct fl_span slug)
{
    char name[80];

    (void)snprintf(name, sizeof(name), "%u/%.*s", tenant, FL_SPAN_ARG(slug));
    return world_find(w, name);
}

static void on_keys(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct world *w = ctx;
    struct fl_msg_cert cert = {.chain_pem = fl_span_str(w->server.cert_pem),
                               .ca_pem = fl_span_str(w->ca.cert_pem)};
    struct fl_msg_sign_ask ask;
    unsigned char sig[256];
    size_t len;

    if (in->type == FL_MSG_CERT_ASK) {
        (void)!fl_imsg_send(chan, FL_MSG_CERT, in->id, &cert, -1, NULL);
    } else if (in->type == FL_MSG_SIGN_ASK &&
               fl_msg_decode(in->type, in->payload, &ask, NULL) == 0 &&
               made_sign(&w->server, ask.digest, sig, &len) == 1) {
        struct fl_msg_sign sign = {.signature = fl_span_of(sig, len)};

        (void)!fl_imsg_send(chan, FL_MSG_SIGN, in->id, &sign, -1, NULL);
    }
}

static void copy_span(char *to, size_t size, struct fl_span from)
{
    (void)snprintf(to, size, "%.*s", FL_SPAN_ARG(from));
}

static void on_core(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct world *w = ctx;
    union {
        struct fl_msg_device_stat stat;
        struct fl_msg_rogue rogue;
        struct fl_msg_conn_stat conn;
    } m;

    (void)chan;
    if (fl_msg_decode(in->type, in->payload, &m, NULL) != 0)
        return;
    pthread_mutex_lock(&w->lock);
    if (in->type == FL_MSG_DEVICE_STAT) {
        find_span(w, m.stat.tenant, m.stat.device)->stat = m.stat;
    } else if (in->type == FL_MSG_ROGUE) {
        w->rogues++;
        copy_span(w->rogue_reason, sizeof(w->rogue_reason), m.rogue.reason);
        copy_span(w->rogue_subject, sizeof(w->rogue_subject), m.rogue.subject);
    } else if (in->type == FL_MSG_CONN_STAT && m.conn.open == 0) {
        w->closed++;
    }
    pthread_mutex_unlock(&w->lock);
}

static void on_store(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    (void)ctx;
    (void)chan;
    (void)in;
}

static void on_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    struct world *w = ctx;

    (void)why;
    if (w->in->store == chan)
        w->in->store = NULL;
    if (w->in->core == chan)
        w->in->core = NULL;
    if (w->in->keys == chan)
        w->in->keys = NULL;
    fl_imsg_free(chan);
}

static void take_entry(struct world_inside *in)
{
    static struct fl_delivery d;
    struct fl_batch_reader reader;
    struct fl_event ev = {.arena = &in->arena};
    int rc;

    fl_arena_clear(&in->arena);
    pthread_mutex_lock(&in->w->lock);
    in->w->entries++;
    if (fl_delivery_get(fl_buf_span(&in->entry), &d, NULL) != FL_OK ||
        fl_batch_read(&reader, d.batch, &in->arena, NULL) != FL_OK) {
        in->w->bad++;
        pthread_mutex_unlock(&in->w->lock);
        return;
    }
    while ((rc = fl_batch_next(&reader, &ev, NULL)) == 1) {
        struct world_device *device =
            find_span(in->w, d.tenant, fl_event_get_str(&ev, FL_F_DEVICE));

        device->rows++;
        device->flags_or |= fl_event_get_num(&ev, FL_F_FLAGS);
        in->w->rows++;
    }
    in->w->bad += rc < 0;
    pthread_mutex_unlock(&in->w->lock);
    for (unsigned i = 0; i < d.count && in->store != NULL; i++) {
        struct fl_msg_accepted accepted = {d.conns[i].conn, d.conns[i].upto};

        (void)!fl_imsg_send(in->store, FL_MSG_ACCEPTED, 0, &accepted, -1, NULL);
    }
}

static void on_rows(void *ctx, int ready)
{
    struct world_inside *in = ctx;
    uint64_t count, number;

    (void)ready;
    (void)!read(in->rows_fd, &count, sizeof(count));
    while (!atomic_load(&in->w->hold) &&
           fl_ring_take(in->reader, FL_DELIVERY_MAX_BYTES, &in->entry, &number, NULL) == 1) {
        take_entry(in);
        fl_ring_commit(in->reader, number);
        count = 1;
        (void)!write(in->room_fd, &count, sizeof(count));
    }
}

static void on_look(void *ctx) /* `hold` was changed by another thread */
{
    on_rows(ctx, 0);
}

static void *run_world(void *ctx)
{
    struct world_inside *in = ctx;

    fl_loop_run(in->loop);
    return NULL;
}

static void link_new(struct world_inside *in, enum fl_role self, struct fl_imsg **at,
                     int *ret_other)
{
    static const struct fl_imsg_ops ops[FL_ROLE_COUNT] = {
        [FL_ROLE_KEYS] = {.message = on_keys, .closed = on_closed},
        [FL_ROLE_CORE] = {.message = on_core, .closed = on_closed},
        [FL_ROLE_STORE] = {.message = on_store, .closed = on_closed},
    };
    int fds[2];

    if (fl_sock_pair(fds, NULL) != FL_OK ||
        fl_imsg_new(in->loop, fds[0], self, FL_ROLE_INGEST, 1 << 20, &ops[self], in->w, at, NULL) !=
            FL_OK)
        die("link");
    *ret_other = fds[1];
}

static void listener(struct child *c, enum fl_listen_kind kind, const char *name,
                     const char *tenant, char *at)
{
    struct fl_role_listener *l = &c->env.listeners[c->env.listener_count++];
    int rc = kind == FL_LISTEN_UDP ? fl_sock_bind_udp("127.0.0.1:0", &l->fd, NULL)
                                   : fl_sock_listen_tcp("127.0.0.1:0", &l->fd, NULL);

    if (rc != FL_OK)
        die(name);
    l->kind = kind;
    (void)snprintf(l->name, sizeof(l->name), "%s", name);
    (void)snprintf(l->tenant, sizeof(l->tenant), "%s", tenant);
    fl_sock_name(l->fd, at);
}

static void conf_read(struct world *w, struct child *c)
{
    struct fl_conf *conf = NULL;
    struct fl_buf errors;
    struct fl_err err;

    fl_buf_init(&errors, FL_CONF_ERRORS_MAX);
    if (fl_conf_parse("test", fl_span_str(w->conf_text == NULL ? "" : w->conf_text), &conf, &errors,
                      &err) != FL_OK)
        die(err.text);
    fl_buf_done(&errors);
    c->env.conf = c->conf = conf;
}

void world_begin(struct world *w)
{
    struct world_inside *in = calloc(1, sizeof(*in));
    struct child c = {.env = {.role = FL_ROLE_INGEST, .dir_fd = -1}};
    int links[3];

    (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    pthread_mutex_init(&w->lock, NULL);
    w->in = in;
    in->w = w;
    w->ca = make_cert((struct made_how){"ca", NULL, true, NULL, 86400});
    w->server = make_cert((struct made_how){"server", &w->ca, false, "serverAuth", 86400});
    if (fl_loop_new(&in->loop, NULL) != FL_OK ||
        fl_ring_create(w->ring_bytes, &in->ring_fd, NULL) != FL_OK)
        die("ring");
    in->rows_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    in->room_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    link_new(in, FL_ROLE_KEYS, &in->keys, &links[0]);
    link_new(in, FL_ROLE_CORE, &in->core, &links[1]);
    link_new(in, FL_ROLE_STORE, &in->store, &links[2]);
    if (fl_sock_pair(in->control, NULL) != FL_OK)
        die("control");
    conf_read(w, &c);
    c.env.ring_fd = in->ring_fd;
    c.env.wake_rows_fd = in->rows_fd;
    c.env.wake_room_fd = in->room_fd;
    c.control = in->control[1];
    listener(&c, FL_LISTEN_TLS_MUTUAL, "tls", "", w->mutual_at);
    listener(&c, FL_LISTEN_TLS_SERVER, "old", "acme", w->server_at);
    listener(&c, FL_LISTEN_TCP, "plain", "acme", w->tcp_at);
    listener(&c, FL_LISTEN_UDP, "dgram", "acme", w->udp_at);
    (void)fflush(stdout);
    w->pid = fork();
    if (w->pid == 0)
        run_child(&c, links);
    fl_conf_free(c.conf);
    for (int i = 0; i < 3; i++)
        close(links[i]);
    for (size_t i = 0; i < c.env.listener_count; i++)
        close(c.env.listeners[i].fd);
    close(in->control[1]);
    fl_arena_init(&in->arena, 4 << 20);
    fl_buf_init(&in->entry, FL_DELIVERY_MAX_BYTES);
    if (fl_ring_reader_open(in->ring_fd, &in->reader, NULL) != FL_OK ||
        fl_watch_fd(in->loop, in->rows_fd, FL_ON_READ, on_rows, in, &in->rows, NULL) != FL_OK ||
        fl_watch_timer(in->loop, 20, 1, on_look, in, &in->look, NULL) != FL_OK ||
        pthread_create(&in->thread, NULL, run_world, in) != 0)
        die("world");
}

/* Sent from the test's thread by way of the loop's. */
struct post {
    struct world_inside *in;
    enum fl_msg_type type;
    union {
        struct fl_msg_tenant tenant;
        struct fl_msg_device device;
        struct fl_msg_table_end end;
    } m;
    char slug[64];
    unsigned char fingerprint[32];
};

static void on_post(void *ctx)
{
    struct post *p = ctx;

    if (p->type == FL_MSG_TENANT)
        p->m.tenant.slug = fl_span_str(p->slug);
    if (p->type == FL_MSG_DEVICE) {
        p->m.device.slug = fl_span_str(p->slug);
        p->m.device.site = FL_SPAN("berlin");
        if (p->m.device.fingerprint.len > 0)
            p->m.device.fingerprint = fl_span_of(p->fingerprint, 32);
    }
    if (p->in->core != NULL &&
        fl_imsg_send(p->in->core, p->type, 0, p->type == FL_MSG_TABLE_BEGIN ? NULL : &p->m, -1,
                     NULL) != FL_OK)
        die("core cannot send");
    free(p);
}

static struct post *post_new(struct world *w, enum fl_msg_type type)
{
    struct post *p = calloc(1, sizeof(*p));

    p->in = w->in;
    p->type = type;
    return p;
}

static void post(struct world *w, struct post *p)
{
    if (fl_loop_post(w->in->loop, on_post, p) != FL_OK)
        die("post");
}

void world_table_begin(struct world *w)
{
    post(w, post_new(w, FL_MSG_TABLE_BEGIN));
}

void world_tenant(struct world *w, uint32_t id, const char *slug)
{
    struct post *p = post_new(w, FL_MSG_TENANT);

    p->m.tenant.id = id;
    (void)snprintf(p->slug, sizeof(p->slug), "%s", slug);
    post(w, p);
}

void world_device(struct world *w, uint32_t tenant, const char *slug, const struct made *cert,
                  bool relay, bool revoked)
{
    struct post *p = post_new(w, FL_MSG_DEVICE);

    p->m.device.tenant = tenant;
    p->m.device.relay = relay;
    p->m.device.revoked = revoked;
    (void)snprintf(p->slug, sizeof(p->slug), "%s", slug);
    if (cert != NULL) {
        memcpy(p->fingerprint, cert->fingerprint, 32);
        p->m.device.fingerprint.len = 32;
    }
    post(w, p);
}

void world_table_end(struct world *w)
{
    struct post *p = post_new(w, FL_MSG_TABLE_END);

    p->m.end.generation = 1;
    post(w, p);
}

static void on_store_again(void *ctx)
{
    struct world_inside *in = ctx;
    char control[CMSG_SPACE(sizeof(int))] = {0};
    char what = 'l';
    struct iovec iov = {&what, 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    int other;

    if (in->store != NULL)
        fl_imsg_free(in->store);
    fl_ring_reader_close(in->reader);
    if (fl_ring_reader_open(in->ring_fd, &in->reader, NULL) != FL_OK)
        die("reader");
    link_new(in, FL_ROLE_STORE, &in->store, &other);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &other, sizeof(int));
    if (write(in->control[0], "l", 1) != 1 || sendmsg(in->control[0], &msg, 0) != 1)
        die("link");
    close(other);
}

void world_store_again(struct world *w)
{
    if (fl_loop_post(w->in->loop, on_store_again, w->in) != FL_OK)
        die("post");
}

bool world_wait(struct world *w, bool (*cond)(struct world *w, uint64_t value), uint64_t value)
{
    bool ok = false;

    for (int i = 0; i < 2000 && !ok; i++) {
        pthread_mutex_lock(&w->lock);
        ok = cond(w, value);
        pthread_mutex_unlock(&w->lock);
        if (!ok)
            usleep(5000);
    }
    return ok;
}

static void on_end(void *ctx)
{
    fl_loop_stop(ctx);
}

void world_end(struct world *w)
{
    struct world_inside *in = w->in;
    struct fl_ring_stats stats;

    (void)!write(in->control[0], "s", 1);
    (void)wait4(w->pid, &w->exit_status, 0, &w->usage);
    (void)!fl_loop_post(in->loop, on_end, in->loop);
    pthread_join(in->thread, NULL);
    on_rows(in, 0);
    fl_ring_stats_reader(in->reader, &stats);
    w->torn = stats.torn;
    if (in->store != NULL)
        fl_imsg_free(in->store);
    if (in->core != NULL)
        fl_imsg_free(in->core);
    if (in->keys != NULL)
        fl_imsg_free(in->keys);
    in->store = NULL;
    fl_watch_free(in->rows);
    fl_watch_free(in->look);
    fl_ring_reader_close(in->reader);
    fl_loop_free(in->loop);
    fl_arena_done(&in->arena);
    fl_buf_done(&in->entry);
    close(in->ring_fd);
    close(in->rows_fd);
    close(in->room_fd);
    close(in->control[0]);
    made_done(&w->ca);
    made_done(&w->server);
    free(in);
}
