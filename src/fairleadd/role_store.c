/*
 * role_store.c - the process that keeps the logs: ring -> write-ahead log -> segments, and answers.
 * It reads its own folder and nothing else; each query must carry a capability that keys minted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "fairleadd/store.h"
#include "fairleadd/store_turn.h"
#include "trust/keyring_rpc.h"
#include "trust/ledger_rpc.h"

enum { KEYS_MS = 5000 };
#define CORE_OUT_BYTES   ((size_t)32 << 20) /* queries are held back by their credit before this */
#define INGEST_OUT_BYTES ((size_t)1 << 20)
#define LOG_EVERY_US     (10 * FL_US_PER_S)

/* ---- shared by the threads ---- */

void *fl_store_opened(struct fl_store_role *s)
{
    void *store;

    pthread_mutex_lock(&s->mu);
    store = s->store;
    pthread_mutex_unlock(&s->mu);
    return store;
}

void fl_store_note(struct fl_store_role *s, bool behind, const char *text)
{
    pthread_mutex_lock(&s->mu);
    s->behind = behind;
    (void)snprintf(s->note, sizeof s->note, "%s", text);
    pthread_mutex_unlock(&s->mu);
}

void fl_store_log_slowly(struct fl_store_role *s, int64_t *last, int level, const char *text)
{
    int64_t now = fl_now_mono_us();

    if (*last != 0 && now - *last < LOG_EVERY_US)
        return;
    *last = now;
    fl_role_log(s->env, level, "%s", text);
}

void fl_store_sleep(struct fl_store_role *s, int64_t timeout_ms)
{
    int64_t until = fl_now_mono_us() + timeout_ms * 1000;
    struct timespec ts = {.tv_sec = until / FL_US_PER_S, .tv_nsec = until % FL_US_PER_S * 1000};

    (void)pthread_cond_timedwait(&s->changed, &s->mu, &ts);
}

/* ---- to ingest ---- */

bool fl_store_accepts_add(struct fl_store_accepts *a, uint64_t conn, uint64_t upto)
{
    for (size_t i = a->count; i-- > 0;) {
        if (a->item[i].conn != conn)
            continue;
        if (upto > a->item[i].upto)
            a->item[i].upto = upto;
        return true;
    }
    if (a->count == a->cap) {
        size_t cap = a->cap == 0 ? 64 : a->cap * 2;
        struct fl_store_accept *grown = realloc(a->item, cap * sizeof *grown);

        if (grown == NULL)
            return false;
        a->item = grown;
        a->cap = cap;
    }
    a->item[a->count++] = (struct fl_store_accept){conn, upto};
    return true;
}

void fl_store_send_accepts(struct fl_store_role *s)
{
    size_t sent = 0;

    while (s->ingest != NULL && sent < s->unsent.count) {
        struct fl_msg_accepted msg = {s->unsent.item[sent].conn, s->unsent.item[sent].upto};

        if (fl_imsg_send(s->ingest, FL_MSG_ACCEPTED, 0, &msg, -1, NULL) < 0)
            break; /* full: the rest goes when it has drained */
        sent++;
    }
    if (s->ingest == NULL)
        sent = s->unsent.count; /* its connections ended with it */
    s->unsent.count -= sent;
    if (s->unsent.count > 0)
        memmove(s->unsent.item, s->unsent.item + sent, s->unsent.count * sizeof *s->unsent.item);
}

void fl_store_take_accepts(struct fl_store_role *s, const struct fl_store_accepts *from)
{
    for (size_t i = 0; i < from->count; i++)
        if (!fl_store_accepts_add(&s->unsent, from->item[i].conn, from->item[i].upto))
            break; /* without memory ingest hears it with the connection's next rows */
    fl_store_send_accepts(s);
}

/* ---- statistics ---- */

struct stat_list {
    struct fl_store_role *s;
    uint32_t id;
    int failed;
};

static void send_tenant(void *ctx, const struct fl_store_tenant_stats *t)
{
    struct stat_list *list = ctx;
    struct fl_msg_store_tenant msg = {.tenant = t->tenant,
                                      .rows = t->rows,
                                      .bytes = t->bytes,
                                      .segments = t->segments,
                                      .oldest_day = t->oldest_day,
                                      .newest_day = t->newest_day,
                                      .no_baseline = t->no_baseline,
                                      .quota_bytes = t->quota_bytes,
                                      .share_bytes = t->share_bytes,
                                      .taken_days = t->taken_days,
                                      .taken_bytes = t->taken_bytes,
                                      .taken_us = t->taken_us,
                                      .taken_day = t->taken_day};

    if (list->failed == 0)
        list->failed = fl_imsg_send(list->s->core, FL_MSG_STORE_TENANT, list->id, &msg, -1, NULL);
}

/* Housekeeping, and what of it a person must see. */
static void add_house(struct fl_msg_store_stat *msg, const struct fl_store_stats *st, char *note,
                      size_t note_bytes)
{
    msg->merges = st->merges;
    msg->merged = st->merged;
    msg->retiring = st->retiring;
    msg->free_bytes = st->free_bytes;
    msg->lost_blocks = st->lost_blocks;
    msg->lost_rows = st->lost_rows;
    if (st->full)
        msg->behind = 1;
    if (note[0] != '\0')
        return;
    if (st->full)
        (void)snprintf(note, note_bytes,
                       "the disk is nearly full: nothing is accepted until "
                       "there is room (min_free_bytes)");
    else if (st->clock_odd)
        (void)snprintf(note, note_bytes,
                       "the clock leapt: nothing is destroyed by its age until "
                       "it was steady for an hour");
    else if (st->lost_blocks > 0)
        (void)snprintf(note, note_bytes,
                       "%llu damaged blocks, %llu rows lost (fairlead store repair)",
                       (unsigned long long)st->lost_blocks, (unsigned long long)st->lost_rows);
}

static void send_stat(struct fl_store_role *s, uint32_t id)
{
    struct stat_list list = {.s = s, .id = id};
    struct fl_store_stats st = {0};
    struct fl_msg_store_stat msg;
    char note[sizeof s->note];
    void *store;

    pthread_mutex_lock(&s->mu);
    store = s->store;
    msg = (struct fl_msg_store_stat){.behind = s->behind};
    (void)snprintf(note, sizeof note, "%s",
                   store == NULL && s->note[0] == '\0' ? "opening" : s->note);
    msg.rows_bad = s->dropped_rows;
    msg.batches_bad = s->dropped_entries;
    pthread_mutex_unlock(&s->mu);
    if (store != NULL)
        s->backend->stats(store, &st);
    add_house(&msg, &st, note, sizeof note);
    msg.rows = st.rows;
    msg.wal_bytes = st.wal_bytes;
    msg.wal_files = st.wal_files;
    msg.memtable_rows = st.memtable_rows;
    msg.memtable_bytes = st.memtable_bytes;
    msg.segments = st.segments;
    msg.segment_bytes = st.segment_bytes;
    msg.segments_v1 = st.versions[1];
    msg.segments_v2 = st.versions[2];
    msg.batches_bad += st.batches_bad;
    msg.rows_bad += st.rows_bad;
    msg.replayed_rows = st.replayed_rows;
    msg.syncs = st.syncs;
    msg.last_commit_us = st.last_commit_us;
    if (note[0] == '\0' && (st.damaged > 0 || st.unreadable > 0))
        (void)snprintf(note, sizeof note, "%llu segments and %llu pieces of the log do not open",
                       (unsigned long long)st.unreadable, (unsigned long long)st.damaged);
    msg.note = fl_span_str(note);
    list.failed = fl_imsg_send(s->core, FL_MSG_STORE_STAT, id, &msg, -1, NULL);
    if (store != NULL)
        s->backend->each_tenant(store, send_tenant, &list);
    if (list.failed == 0)
        list.failed = fl_imsg_send(s->core, FL_MSG_DONE, id, NULL, -1, NULL);
    if (list.failed != 0) { /* core asks again; half a list is no answer */
        struct fl_err err;

        (void)fl_err_set(&err, FL_E_AGAIN, "too much waits to be sent");
        (void)fl_imsg_fail(s->core, id, &err);
    }
}

/* ---- messages of core ---- */

static int take_rule(struct fl_store_role *s, struct fl_imsg_in *in, struct fl_err *err)
{
    struct fl_store_rule rule = {0};
    struct fl_msg_tenant_rule msg;
    int r = fl_msg_decode(in->type, in->payload, &msg, err);

    if (r < 0)
        return r;
    rule.tenant = msg.tenant;
    rule.keep_days = msg.keep_days;
    rule.quota_bytes = msg.quota_bytes;
    (void)snprintf(rule.slug, sizeof rule.slug, "%.*s", FL_SPAN_ARG(msg.slug));
    pthread_mutex_lock(&s->mu);
    if (s->rule_count == s->rule_cap) {
        size_t cap = s->rule_cap == 0 ? 16 : s->rule_cap * 2;
        struct fl_store_rule *grown = realloc(s->rules, cap * sizeof *grown);

        if (grown != NULL) {
            s->rules = grown;
            s->rule_cap = cap;
        }
    }
    if (s->rule_count < s->rule_cap)
        s->rules[s->rule_count++] = rule;
    else
        r = fl_err_set(err, FL_E_NOMEM, "no memory for the rule of tenant %s", rule.slug);
    s->rules_mono_us = fl_now_mono_us();
    pthread_cond_broadcast(&s->changed);
    if (s->store != NULL)
        s->backend->poke(s->store);
    pthread_mutex_unlock(&s->mu);
    return r;
}

static void on_core(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct fl_store_role *s = ctx;
    struct fl_err err = {0};
    int r = 0;

    fl_fd_close(&in->fd);
    if (fl_store_query_message(s, in))
        return;
    switch ((int)in->type) {
    case FL_MSG_TENANT_RULE:
        r = take_rule(s, in, &err);
        break;
    case FL_MSG_STORE_STAT_ASK:
        send_stat(s, in->id);
        break;
    default:
        r = fl_err_set(&err, FL_E_PROTO, "store does not take %s", fl_msg_name(in->type));
        (void)fl_imsg_fail(chan, in->id, &err);
    }
    if (r < 0)
        fl_role_log(s->env, FL_LOG_ERR, "%s from core: %s", fl_msg_name(in->type), err.text);
}

static void on_ingest(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct fl_store_role *s = ctx;

    (void)chan;
    fl_fd_close(&in->fd);
    fl_role_log(s->env, FL_LOG_WARN, "ingest sent %s, which store does not take",
                fl_msg_name(in->type));
}

static void on_drained(void *ctx, struct fl_imsg *chan)
{
    (void)chan;
    fl_store_send_accepts(ctx);
}

static void on_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    struct fl_store_role *s = ctx;

    if (!atomic_load(&s->stopping))
        fl_role_log(s->env, FL_LOG_NOTICE, "%s is gone (%s)", chan == s->core ? "core" : "ingest",
                    why);
    if (chan == s->core) {
        s->core = NULL;
        fl_store_cancel_all(s);
    } else if (chan == s->ingest) {
        s->ingest = NULL;
        s->unsent.count = 0;
    }
    fl_imsg_free(chan);
}

/* ---- life ---- */

static void link_core(struct fl_store_role *s, int fd, struct fl_err *err)
{
    static const struct fl_imsg_ops ops = {.message = on_core, .closed = on_closed};

    if (s->core != NULL)
        fl_store_cancel_all(s);
    fl_imsg_free(s->core);
    s->core = NULL;
    if (fl_imsg_new(s->env->loop, fd, FL_ROLE_STORE, FL_ROLE_CORE, CORE_OUT_BYTES, &ops, s,
                    &s->core, err) < 0)
        fl_role_log(s->env, FL_LOG_ERR, "link to core: %s", err->text);
    fl_store_send_events(s);
    pthread_mutex_lock(&s->mu);
    s->rules_mono_us = fl_now_mono_us();
    pthread_mutex_unlock(&s->mu);
}

static void link_ingest(struct fl_store_role *s, int fd, struct fl_err *err)
{
    static const struct fl_imsg_ops ops = {
        .message = on_ingest, .closed = on_closed, .drained = on_drained};

    fl_imsg_free(s->ingest);
    s->ingest = NULL;
    s->unsent.count = 0;
    if (fl_imsg_new(s->env->loop, fd, FL_ROLE_STORE, FL_ROLE_INGEST, INGEST_OUT_BYTES, &ops, s,
                    &s->ingest, err) < 0)
        fl_role_log(s->env, FL_LOG_ERR, "link to ingest: %s", err->text);
}

static void store_link(void *state, enum fl_role peer, int fd)
{
    struct fl_store_role *s = state;
    struct fl_err err = {0};

    if (peer == FL_ROLE_KEYS) {
        fl_rpc_relink(s->rpc, fd);
        pthread_mutex_lock(&s->mu);
        s->links_to_keys++;
        s->has_cap_key = false; /* a new keys process has a new one */
        pthread_cond_broadcast(&s->changed);
        pthread_mutex_unlock(&s->mu);
    } else if (peer == FL_ROLE_CORE) {
        link_core(s, fd, &err);
    } else if (peer == FL_ROLE_INGEST) {
        link_ingest(s, fd, &err);
    } else {
        fl_fd_close(&fd);
    }
}

static void wake_all(struct fl_store_role *s)
{
    const uint64_t one = 1;
    ssize_t n;

    atomic_store(&s->stopping, true);
    n = write(s->stop_fd, &one, sizeof one);
    (void)n; /* a new eventfd takes it */
    pthread_mutex_lock(&s->mu);
    pthread_cond_broadcast(&s->changed);
    if (s->store != NULL)
        s->backend->poke(s->store);
    pthread_mutex_unlock(&s->mu);
    fl_store_tails_wake(s);
}

static void join_all(struct fl_store_role *s)
{
    wake_all(s);
    fl_store_cancel_all(s);
    if (s->writer_on)
        (void)pthread_join(s->writer, NULL);
    if (s->keeper_on)
        (void)pthread_join(s->keeper, NULL);
    if (s->capper_on)
        (void)pthread_join(s->capper, NULL);
    for (size_t i = 0; i < s->pool_count; i++)
        (void)pthread_join(s->pool[i], NULL);
    for (size_t i = 0; i < s->tailer_count; i++)
        (void)pthread_join(s->tailer[i], NULL);
    fl_store_jobs_done(s);
}

static void free_role(struct fl_store_role *s)
{
    fl_imsg_free(s->core);
    fl_imsg_free(s->ingest);
    s->core = s->ingest = NULL;
    if (s->store != NULL)
        s->backend->close(s->store);
    fl_keyring_rpc_free(s->keyring);
    fl_ledger_rpc_free(s->ledger);
    fl_rpc_free(s->rpc);
    fl_fd_close(&s->stop_fd);
    fl_turns_free(s->turns);
    free(s->rules);
    free(s->unsent.item);
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_cond_destroy(&s->tail_changed);
    (void)pthread_mutex_destroy(&s->mu);
    free(s);
}

static void store_stop(void *state)
{
    struct fl_store_role *s = state;
    struct fl_loop *loop = s->env->loop;

    join_all(s);
    free_role(s);
    fl_loop_stop(loop);
}

static int start_threads(struct fl_store_role *s, struct fl_err *err)
{
    size_t pool = (size_t)fl_conf_num(s->env->conf, FL_SET_QUERY_THREADS);
    int bad = 0;

    s->writer_on = (bad = pthread_create(&s->writer, NULL, fl_store_writer, s)) == 0;
    if (bad == 0)
        s->keeper_on = (bad = pthread_create(&s->keeper, NULL, fl_store_keeper, s)) == 0;
    if (bad == 0)
        s->capper_on = (bad = pthread_create(&s->capper, NULL, fl_store_capper, s)) == 0;
    while (bad == 0 && s->pool_count < pool + FL_STORE_SPARE &&
           s->pool_count < FL_STORE_THREADS_MAX) {
        bad = pthread_create(&s->pool[s->pool_count], NULL, fl_store_pool, s);
        s->pool_count += bad == 0;
    }
    while (bad == 0 && s->tailer_count < FL_STORE_TAIL_THREADS) {
        bad = pthread_create(&s->tailer[s->tailer_count], NULL, fl_store_tailer, s);
        s->tailer_count += bad == 0;
    }
    return bad != 0 ? fl_err_sys(err, FL_E_NOMEM, bad, "cannot start a thread") : FL_OK;
}

static int init_shared(struct fl_store_role *s, struct fl_err *err)
{
    pthread_condattr_t attr;
    int bad = pthread_condattr_init(&attr);

    bad |= pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    bad |= pthread_cond_init(&s->changed, &attr);
    bad |= pthread_cond_init(&s->tail_changed, &attr);
    for (size_t i = 0; i < FL_STORE_TAIL_THREADS; i++)
        s->tail_busy[i] = -1;
    bad |= pthread_mutex_init(&s->mu, NULL);
    (void)pthread_condattr_destroy(&attr);
    s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bad != 0 || s->stop_fd < 0)
        return fl_err_sys(err, FL_E_NOMEM, errno, "cannot begin");
    return FL_OK;
}

static int store_start(struct fl_role_env *env, void **ret_state, struct fl_err *err)
{
    struct fl_store_role *s = calloc(1, sizeof *s);
    int r;

    if (s == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the store role");
    s->env = env;
    s->stop_fd = -1;
    s->backend = &fl_backend_segments;
    r = init_shared(s, err);
    if (r >= 0)
        r = fl_turns_new((unsigned)fl_conf_num(env->conf, FL_SET_QUERY_THREADS), &s->turns, err);
    if (r >= 0)
        r = fl_rpc_new(FL_ROLE_STORE, FL_ROLE_KEYS, &s->rpc, err);
    if (r >= 0)
        r = fl_keyring_rpc_new(s->rpc, KEYS_MS, &s->keyring, err);
    if (r >= 0)
        r = fl_ledger_rpc_new(s->rpc, KEYS_MS, &s->ledger, err);
    if (r >= 0)
        r = start_threads(s, err);
    if (r < 0) {
        join_all(s);
        free_role(s);
        return r;
    }
    *ret_state = s;
    return FL_OK;
}

const struct fl_role_ops fl_role_store = {
    .start = store_start,
    .link = store_link,
    .stop = store_stop,
};
