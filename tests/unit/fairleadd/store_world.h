/* store_world.h - the store role on its loop in one thread; keys, core and ingest played by the
 * test on another loop, in the main thread. One test includes it. */
#ifndef FL_TESTS_STORE_WORLD_H
#define FL_TESTS_STORE_WORLD_H

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "codec/delivery.h"
#include "fairleadd/role.h"
#include "io/ring.h"
#include "logs/query.h"
#include "logs/store_job.h"
#include "tap.h"
#include "trust/cap.h"
#include "unit/logs/remove_tree.h"
#include "unit/logs/store_rows.h"

enum { TENANT = 3, WAIT_MS = 20000, QUIET_MS = 300, MAX_ACCEPTS = 64 };

static pthread_mutex_t log_mu = PTHREAD_MUTEX_INITIALIZER;
static char logged[65536];

/* Instead of role.c's, which writes to the journal. */
void fl_role_log(const struct fl_role_env *env, int level, const char *fmt, ...)
{
    size_t len;
    va_list ap;

    (void)env;
    (void)level;
    pthread_mutex_lock(&log_mu);
    len = strlen(logged);
    va_start(ap, fmt);
    (void)vsnprintf(logged + len, sizeof logged - len, fmt, ap);
    va_end(ap);
    pthread_mutex_unlock(&log_mu);
}

struct answer { /* what came back for the last request */
    struct fl_buf text;
    struct fl_msg_query_end end;
    char why[400], cursor[64];
    struct fl_msg_store_stat stat;
    struct fl_msg_store_tenant tenant;
    struct fl_msg_purged purged;
    struct fl_err fail;
    unsigned results, tenants;
    bool over;
};

struct world {
    struct memkeys keys;
    char path[64];
    int dir, ring_fd;
    struct fl_ring_writer *ring;
    struct fl_conf *conf;
    struct fl_role_env env; /* of the role */
    void *state;
    pthread_t thread;
    struct fl_loop *loop; /* ours */
    struct fl_watch *timer;
    struct fl_imsg *as_keys, *as_core, *as_ingest;
    unsigned char cap_public[FL_CAP_PUBLIC_BYTES], cap_secret[FL_CAP_SECRET_BYTES];
    uint32_t last_id;
    struct answer got;
    uint64_t accepted_conn, accepted_upto;
    bool timed_out;
    void (*other)(struct world *w, struct fl_imsg_in *in); /* of core, for an earlier question */
};

/* ---- the peers ---- */

static inline void play_keys(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct world *w = ctx;
    unsigned char key[FL_KEY_BYTES];
    struct fl_msg_file_key_new file;
    struct fl_msg_key_destroy gone;
    struct fl_msg_key_destroy_files list;
    struct fl_msg_file_key answer = {fl_span_of(key, sizeof key)};
    struct fl_msg_destroyed destroyed;
    struct fl_destroyed did;
    struct fl_err err = {0};
    int r = FL_E_PROTO;

    if ((in->type == FL_MSG_FILE_KEY_NEW || in->type == FL_MSG_FILE_KEY_ASK) &&
        fl_msg_decode(in->type, in->payload, &file, &err) >= 0)
        r = (in->type == FL_MSG_FILE_KEY_NEW ? memkeys_new : memkeys_get)(
            &w->keys.base, file.tenant, file.day, file.file_id.ptr, key, &err);
    if (r >= 0)
        r = fl_imsg_send(chan, FL_MSG_FILE_KEY, in->id, &answer, -1, &err);
    if (in->type == FL_MSG_KEY_DESTROY && fl_msg_decode(in->type, in->payload, &gone, &err) >= 0) {
        r = memkeys_destroy(&w->keys.base, gone.tenant, gone.day,
                            gone.file_id.len == 16 ? gone.file_id.ptr : NULL, "", &did, &err);
        destroyed =
            (struct fl_msg_destroyed){.keys = did.keys,
                                      .epoch = did.epoch,
                                      .root_kind = fl_span_str(did.root_kind),
                                      .signature = fl_span_of(did.signature, sizeof did.signature)};
        r = fl_imsg_send(chan, FL_MSG_DESTROYED, in->id, &destroyed, -1, &err);
    }
    if (in->type == FL_MSG_KEY_FILES_ASK) { /* one page */
        struct fl_msg_key_files_ask page;
        struct fl_msg_key_files files = {FL_SPAN("")};
        FL_AUTO(fl_buf_done) struct fl_buf items;

        fl_buf_init(&items, FL_MSG_CHUNK_MAX);
        r = fl_msg_decode(in->type, in->payload, &page, &err);
        for (size_t i = 0; r >= 0 && page.after.len == 0 && i < w->keys.count; i++) {
            fl_buf_put_u32(&items, (uint32_t)w->keys.all[i].day);
            fl_buf_put(&items, w->keys.all[i].id, FL_FILE_ID_BYTES);
        }
        files.files = fl_buf_span(&items);
        if (r >= 0)
            r = fl_imsg_send(chan, FL_MSG_KEY_FILES, in->id, &files, -1, &err);
    }
    if (in->type == FL_MSG_ERASURE_ASK) { /* nobody is to be erased */
        struct fl_msg_erasure none = {.number = 0};

        r = fl_imsg_send(chan, FL_MSG_ERASURE, in->id, &none, -1, &err);
    }
    if (in->type == FL_MSG_KEY_DESTROY_FILES &&
        fl_msg_decode(in->type, in->payload, &list, &err) >= 0) {
        uint64_t keys = 0;

        for (size_t i = 0; i + 20 <= list.files.len; i += 20) {
            int32_t day;

            memcpy(&day, list.files.ptr + i, sizeof day);
            r = memkeys_destroy(&w->keys.base, list.tenant, day, list.files.ptr + i + 4, "", &did,
                                &err);
            keys += did.keys;
        }
        destroyed =
            (struct fl_msg_destroyed){.keys = keys,
                                      .epoch = did.epoch,
                                      .root_kind = fl_span_str(did.root_kind),
                                      .signature = fl_span_of(did.signature, sizeof did.signature)};
        r = fl_imsg_send(chan, FL_MSG_DESTROYED, in->id, &destroyed, -1, &err);
    }
    if (r < 0)
        (void)fl_imsg_fail(chan, in->id, &err);
}

static inline void play_core(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct world *w = ctx;
    struct answer *got = &w->got;
    struct fl_msg_result result;
    struct fl_msg_fail fail;

    (void)chan;
    if (in->id != w->last_id) {
        if (w->other != NULL)
            w->other(w, in);
        return;
    }
    if (in->type == FL_MSG_RESULT && fl_msg_decode(in->type, in->payload, &result, NULL) >= 0) {
        fl_buf_put_span(&got->text, result.bytes);
        got->results++;
    } else if (in->type == FL_MSG_QUERY_END &&
               fl_msg_decode(in->type, in->payload, &got->end, NULL) >= 0) {
        (void)snprintf(got->why, sizeof got->why, "%.*s", FL_SPAN_ARG(got->end.text));
        got->over = true;
    } else if (in->type == FL_MSG_STORE_STAT) {
        (void)!fl_msg_decode(in->type, in->payload, &got->stat, NULL);
    } else if (in->type == FL_MSG_STORE_TENANT) {
        (void)!fl_msg_decode(in->type, in->payload, &got->tenant, NULL);
        got->tenants++;
    } else if (in->type == FL_MSG_PURGED) {
        got->over = fl_msg_decode(in->type, in->payload, &got->purged, NULL) >= 0;
    } else if (in->type == FL_MSG_FAIL && fl_msg_decode(in->type, in->payload, &fail, NULL) >= 0) {
        (void)fl_err_set(&got->fail, fail.code, "%.*s", FL_SPAN_ARG(fail.text));
        got->over = true;
    } else if (in->type == FL_MSG_DONE) {
        got->over = true;
    }
    fl_loop_stop(w->loop);
}

static inline void play_ingest(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct world *w = ctx;
    struct fl_msg_accepted msg;

    (void)chan;
    if (fl_msg_decode(in->type, in->payload, &msg, NULL) < 0)
        return;
    w->accepted_conn = msg.conn;
    w->accepted_upto = msg.upto;
    fl_loop_stop(w->loop);
}

static inline void play_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    (void)ctx, (void)chan, (void)why;
}

static inline void on_timer(void *ctx)
{
    struct world *w = ctx;

    w->timed_out = true;
    fl_loop_stop(w->loop);
}

/* Run our loop until a peer got something; false after the time. */
static inline bool pump(struct world *w, int64_t ms)
{
    w->timed_out = false;
    fl_watch_rearm(w->timer, ms);
    fl_loop_run(w->loop);
    return !w->timed_out;
}

static inline bool until_over(struct world *w)
{
    while (!w->got.over)
        if (!pump(w, WAIT_MS))
            return false;
    return true;
}

static inline bool until_accepted(struct world *w, uint64_t upto)
{
    while (w->accepted_upto < upto)
        if (!pump(w, WAIT_MS))
            return false;
    return true;
}

/* ---- the role ---- */

static inline void *run(void *ctx)
{
    fl_loop_run(ctx);
    return NULL;
}

struct linking {
    struct world *w;
    enum fl_role peer;
    int fd;
};

static inline void link_role(void *ctx)
{
    struct linking *l = ctx;

    fl_role_store.link(l->w->state, l->peer, l->fd);
    free(l);
}

static inline struct fl_imsg *new_link(struct world *w, enum fl_role peer,
                                       const struct fl_imsg_ops *ops)
{
    struct linking *l = malloc(sizeof *l);
    struct fl_imsg *chan;
    int ends[2];

    if (l == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 ||
        fl_imsg_new(w->loop, ends[1], peer, FL_ROLE_STORE, 1 << 20, ops, w, &chan, NULL) < 0)
        abort();
    *l = (struct linking){w, peer, ends[0]};
    if (fl_loop_post(w->env.loop, link_role, l) < 0)
        abort();
    return chan;
}

static inline void send_cap_key(struct world *w)
{
    struct fl_msg_cap_key first = {fl_span_of(w->cap_public, sizeof w->cap_public)};

    if (fl_imsg_send(w->as_keys, FL_MSG_CAP_KEY, 0, &first, -1, NULL) < 0)
        abort();
}

static inline void begin(struct world *w)
{
    static const struct fl_imsg_ops keys_ops = {.message = play_keys, .closed = play_closed};
    static const struct fl_imsg_ops core_ops = {.message = play_core, .closed = play_closed};
    static const struct fl_imsg_ops ingest_ops = {.message = play_ingest, .closed = play_closed};
    struct fl_err err = {0};

    w->env = (struct fl_role_env){.role = FL_ROLE_STORE,
                                  .conf = w->conf,
                                  .dir_fd = w->dir,
                                  .ring_fd = w->ring_fd,
                                  .wake_rows_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                                  .wake_room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (fl_loop_new(&w->env.loop, &err) < 0 || fl_role_store.start(&w->env, &w->state, &err) < 0 ||
        pthread_create(&w->thread, NULL, run, w->env.loop) != 0)
        abort();
    w->as_keys = new_link(w, FL_ROLE_KEYS, &keys_ops);
    w->as_core = new_link(w, FL_ROLE_CORE, &core_ops);
    w->as_ingest = new_link(w, FL_ROLE_INGEST, &ingest_ops);
}

static inline void stop_role(void *ctx)
{
    fl_role_store.stop(((struct world *)ctx)->state);
}

static inline void *wait_for_role(void *ctx)
{
    struct world *w = ctx;

    (void)pthread_join(w->thread, NULL);
    (void)!fl_loop_post(w->loop, on_timer, w);
    return NULL;
}

/* It seals while it stops, so keys must go on answering. */
static inline void end(struct world *w)
{
    pthread_t waiter;

    if (fl_loop_post(w->env.loop, stop_role, w) < 0 ||
        pthread_create(&waiter, NULL, wait_for_role, w) != 0)
        abort();
    while (pump(w, WAIT_MS))
        ;
    (void)pthread_join(waiter, NULL);
    fl_imsg_free(w->as_keys);
    fl_imsg_free(w->as_core);
    fl_imsg_free(w->as_ingest);
    fl_loop_free(w->env.loop);
    (void)close(w->env.wake_rows_fd);
    (void)close(w->env.wake_room_fd);
}

/* ---- what the test does ---- */

static inline void deliver(struct world *w, uint32_t tenant, uint64_t first, uint32_t rows,
                           bool broken)
{
    FL_AUTO(fl_buf_done) struct fl_buf batch, entry;
    struct fl_delivery_conn conn = {.conn = 77, .upto = first + rows - 1};
    const uint64_t one = 1;

    fl_buf_init(&batch, 1 << 21);
    fl_buf_init(&entry, 1 << 21);
    plain_batch(first, rows, fl_now_us(), &batch);
    if (broken)
        batch.len /= 2;
    fl_delivery_put(tenant, &conn, 1, fl_buf_span(&batch), &entry);
    if (fl_ring_put(w->ring, fl_buf_span(&entry), rows, NULL) < 0 ||
        write(w->env.wake_rows_fd, &one, sizeof one) != sizeof one)
        abort();
}

static inline void clear(struct world *w)
{
    struct answer *got = &w->got;

    fl_buf_done(&got->text);
    memset(got, 0, sizeof *got);
    fl_buf_init(&got->text, 1 << 24);
}

static inline void ask(struct world *w, enum fl_msg_type type, const void *msg)
{
    struct fl_err err = {0};

    clear(w);
    if (fl_imsg_send(w->as_core, type, ++w->last_id, msg, -1, &err) < 0)
        abort();
}

static inline void credit(struct world *w, uint64_t bytes)
{
    struct fl_msg_credit msg = {bytes};

    if (fl_imsg_send(w->as_core, FL_MSG_CREDIT, w->last_id, &msg, -1, NULL) < 0)
        abort();
}

static inline void send_rule(struct world *w, uint32_t tenant)
{
    struct fl_msg_tenant_rule msg = {.tenant = tenant,
                                     .slug = tenant == TENANT ? FL_SPAN("acme") : FL_SPAN("late"),
                                     .keep_days = 7};

    if (fl_imsg_send(w->as_core, FL_MSG_TENANT_RULE, 0, &msg, -1, NULL) < 0)
        abort();
}

static inline struct fl_span mint(struct world *w, uint32_t scope, struct fl_buf *to)
{
    struct fl_cap cap = {.tenant = TENANT,
                         .scope = scope,
                         .not_after_us = fl_now_us() + 60 * FL_US_PER_S,
                         .purpose = "query"};

    fl_buf_clear(to);
    if (fl_cap_mint(&cap, w->cap_secret, to, NULL) < 0)
        abort();
    return fl_buf_span(to);
}

static inline void query(struct world *w, enum fl_query_kind kind, struct fl_span cap)
{
    struct fl_msg_query msg = {.cap = cap,
                               .kind = (uint8_t)kind,
                               .from_us = 0,
                               .to_us = INT64_MAX,
                               .format = kind == FL_Q_COUNT ? FL_SPAN("json") : FL_SPAN("ndjson"),
                               .limit = 1000};

    ask(w, FL_MSG_QUERY, &msg);
}

static inline uint64_t rows_now(struct world *w)
{
    do { /* until the store is open */
        ask(w, FL_MSG_STORE_STAT_ASK, NULL);
        if (!until_over(w))
            return UINT64_MAX;
    } while (fl_span_eq(w->got.stat.note, FL_SPAN("opening")));
    return w->got.stat.rows;
}

/* Until then whoever asks is told to ask again. */
static inline bool until_cap_key(struct world *w)
{
    FL_AUTO(fl_buf_done) struct fl_buf cap;

    fl_buf_init(&cap, FL_CAP_MAX_BYTES);
    for (int64_t since = fl_now_mono_us(); fl_now_mono_us() - since < WAIT_MS * 1000;) {
        query(w, FL_Q_COUNT, mint(w, FL_CAP_READ, &cap));
        credit(w, 1 << 20);
        if (!until_over(w) || w->got.end.code != FL_E_AGAIN)
            return w->got.over && w->got.end.code == 0;
        (void)pump(w, 10);
    }
    return false;
}

#endif
