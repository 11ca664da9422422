/* The writer: takes deliveries from the ring, gives them to the store, and says what is synced.
 * Part of the store role (store.h). Nothing is dropped for want of room: the ring fills, ingest
 * stops reading, devices wait. */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "fairleadd/store.h"
#include "io/ring.h"

enum { IDLE_MS = 1000, RETRY_MS = 200, WAIT_MS = 5, UNKNOWN_MAX = 64, FATAL_EXIT = 3 };
enum { KEEP_BYTES = 4 << 20, KEEP_MOST_BYTES = 64 << 20, TOP_BYTES = 1 << 20 };
#define UNKNOWN_US (3 * FL_US_PER_S) /* that a rule for a tenant is waited for */

struct writer {
    struct fl_store_role *s;
    struct fl_ring_reader *ring;
    unsigned char ring_id[FL_RING_ID_BYTES];
    struct fl_buf entry;
    struct fl_delivery *delivery;
    struct fl_store_accepts accepts; /* of the pending group */
    uint64_t last_no;                /* taken; 0: none since the last commit */
    int64_t first_mono_us;           /* when the pending group began */
    int64_t commit_us;
    uint64_t commit_bytes;
    uint32_t unknown[UNKNOWN_MAX]; /* tenants given up */
    size_t unknown_count;
    int64_t logged_commit, logged_bad, logged_unknown;
};

static bool stopping(const struct writer *w)
{
    return atomic_load(&w->s->stopping);
}

static void nap(int ms)
{
    (void)poll(NULL, 0, ms);
}

/* ---- acknowledgements ---- */

struct accept_post {
    struct fl_store_role *s;
    struct fl_store_accepts accepts;
};

static void on_loop(void *ctx)
{
    struct accept_post *post = ctx;

    fl_store_take_accepts(post->s, &post->accepts);
    free(post->accepts.item);
    free(post);
}

static void tell_ingest(struct writer *w)
{
    struct accept_post *post;
    const uint64_t one = 1;
    ssize_t n = write(w->s->env->wake_room_fd, &one, sizeof one);

    (void)n; /* EAGAIN: it is readable already */
    if (w->accepts.count == 0)
        return;
    post = malloc(sizeof *post);
    if (post != NULL) {
        *post = (struct accept_post){.s = w->s, .accepts = w->accepts};
        w->accepts = (struct fl_store_accepts){0};
        if (fl_loop_post(w->s->env->loop, on_loop, post) == FL_OK)
            return;
        w->accepts = post->accepts;
        free(post);
    }
    w->accepts.count = 0; /* without memory ingest hears it with the connection's next rows */
}

/* ---- commit ---- */

/* Until it works, or the role stops. */
static bool commit(struct writer *w)
{
    bool failed = false;
    struct fl_err err = {0};

    if (w->last_no == 0)
        return true;
    while (w->s->backend->commit(w->s->store, &err) < 0) {
        fl_store_log_slowly(w->s, &w->logged_commit, FL_LOG_ERR, err.text);
        fl_store_note(w->s, true, err.text);
        failed = true;
        if (stopping(w) || err.code == FL_E_NOMEM)
            return false;
        nap(RETRY_MS);
    }
    if (failed) {
        fl_store_note(w->s, false, "");
        fl_role_log(w->s->env, FL_LOG_NOTICE, "rows are being accepted again");
    }
    fl_ring_commit(w->ring, w->last_no);
    w->last_no = 0;
    fl_store_tails_wake(w->s);
    tell_ingest(w);
    return true;
}

static bool commit_due(const struct writer *w)
{
    return w->last_no != 0 && (fl_now_mono_us() - w->first_mono_us >= w->commit_us ||
                               w->s->backend->pending_bytes(w->s->store) >= w->commit_bytes);
}

/* ---- one delivery ---- */

static void count_dropped(struct writer *w, uint64_t rows)
{
    pthread_mutex_lock(&w->s->mu);
    w->s->dropped_entries++;
    w->s->dropped_rows += rows;
    pthread_mutex_unlock(&w->s->mu);
}

static bool is_unknown(const struct writer *w, uint32_t tenant)
{
    for (size_t i = 0; i < w->unknown_count; i++)
        if (w->unknown[i] == tenant)
            return true;
    return false;
}

/* Has a rule been waited for long enough? Rules may be on their way. */
static bool give_up(struct writer *w, uint32_t tenant, int64_t since_mono_us)
{
    int64_t rules_us;

    if (is_unknown(w, tenant))
        return true;
    pthread_mutex_lock(&w->s->mu);
    rules_us = w->s->rules_mono_us;
    pthread_mutex_unlock(&w->s->mu);
    if (fl_now_mono_us() - since_mono_us < UNKNOWN_US || fl_now_mono_us() - rules_us < UNKNOWN_US)
        return false;
    if (w->unknown_count < UNKNOWN_MAX)
        w->unknown[w->unknown_count++] = tenant;
    return true;
}

static void drop(struct writer *w, const struct fl_err *err, int64_t *logged)
{
    count_dropped(w, 0);
    fl_store_log_slowly(w->s, logged, FL_LOG_ERR, err->text);
}

/* Take it into the pending group, whatever it takes. False: the role stops, or must begin anew. */
static bool append(struct writer *w, uint64_t no)
{
    const struct fl_delivery *d = w->delivery;
    int64_t since = fl_now_mono_us();

    while (!stopping(w)) {
        struct fl_err err = {0};
        uint32_t rows = 0;
        int r =
            w->s->backend->append(w->s->store, d->tenant, w->ring_id, no, d->batch, &rows, &err);

        if (r >= 0) {
            for (size_t i = 0; i < d->count; i++)
                if (!fl_store_accepts_add(&w->accepts, d->conns[i].conn, d->conns[i].upto))
                    break;
            w->unknown_count = is_unknown(w, d->tenant) ? 0 : w->unknown_count;
            return true;
        }
        if (r == FL_E_CORRUPT) {
            drop(w, &err, &w->logged_bad);
            return true;
        }
        if (r == FL_E_NOENT && give_up(w, d->tenant, since)) {
            drop(w, &err, &w->logged_unknown);
            return true;
        }
        if (r == FL_E_NOMEM) {
            fl_role_log(w->s->env, FL_LOG_ERR, "%s", err.text);
            return false;
        }
        if (!commit(w)) /* what is pending should not wait for this one */
            return false;
        w->s->backend->poke(w->s->store);
        nap(r == FL_E_NOENT ? RETRY_MS : WAIT_MS);
    }
    return false;
}

/* 1: took one; 0: the ring is empty; -1: stop. */
static int take_one(struct writer *w)
{
    struct fl_err err = {0};
    uint64_t no = 0;
    int r = fl_ring_take(w->ring, FL_DELIVERY_MAX_BYTES, &w->entry, &no, &err);

    if (r == 0)
        return 0;
    if (r < 0) { /* skipped and counted by the ring */
        drop(w, &err, &w->logged_bad);
        return r == FL_E_LIMIT ? 1 : 0;
    }
    if (w->last_no == 0)
        w->first_mono_us = fl_now_mono_us();
    if (fl_delivery_get(fl_buf_span(&w->entry), w->delivery, &err) < 0)
        drop(w, &err, &w->logged_bad);
    else if (!append(w, no))
        return -1;
    if (w->last_no == 0) /* append may have committed what was before */
        w->first_mono_us = fl_now_mono_us();
    w->last_no = no;
    return 1;
}

/* ---- life ---- */

static void wait_for_rows(struct writer *w)
{
    struct pollfd fds[2] = {{.fd = w->s->env->wake_rows_fd, .events = POLLIN},
                            {.fd = w->s->stop_fd, .events = POLLIN}};
    int64_t ms = IDLE_MS;
    uint64_t count;
    ssize_t n;

    if (w->last_no != 0)
        ms = (w->first_mono_us + w->commit_us - fl_now_mono_us() + 999) / 1000;
    if (ms > 0)
        (void)poll(fds, 2, (int)ms);
    n = read(w->s->env->wake_rows_fd, &count, sizeof count);
    (void)n; /* EAGAIN: it was the time, not rows */
}

static bool wait_until_ready(struct fl_store_role *s)
{
    pthread_mutex_lock(&s->mu);
    while (!atomic_load(&s->stopping) && (s->store == NULL || !s->ruled))
        fl_store_sleep(s, IDLE_MS);
    pthread_mutex_unlock(&s->mu);
    return !atomic_load(&s->stopping);
}

static bool open_ring(struct writer *w)
{
    struct fl_err err = {0};

    w->delivery = malloc(sizeof *w->delivery);
    if (w->delivery == NULL || w->s->env->ring_fd < 0 ||
        fl_ring_reader_open(w->s->env->ring_fd, &w->ring, &err) < 0) {
        fl_role_log(w->s->env, FL_LOG_ERR, "cannot read the ring: %s", err.text);
        return false;
    }
    fl_ring_id(w->ring, w->ring_id);
    return true;
}

static bool run(struct writer *w)
{
    while (!stopping(w)) {
        int r = take_one(w);

        if (r < 0)
            return stopping(w);
        if (commit_due(w) && !commit(w))
            return stopping(w);
        if (r == 0)
            wait_for_rows(w);
    }
    return commit(w) || stopping(w);
}

/*
 * Memtables come and go all the time: pages that malloc() gave back after each would be asked for
 * again at once, zeroed, one fault a page. What is too much goes back with fl_vec_gone().
 */
static void keep_pages(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, KEEP_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, KEEP_MOST_BYTES);
    (void)mallopt(M_TOP_PAD, TOP_BYTES);
}

void *fl_store_writer(void *role)
{
    struct writer w = {.s = role};
    bool ok = true;

    keep_pages();
    w.commit_us = (int64_t)fl_conf_num(w.s->env->conf, FL_SET_COMMIT_MS) * 1000;
    w.commit_bytes = fl_conf_num(w.s->env->conf, FL_SET_COMMIT_BYTES);
    fl_buf_init(&w.entry, FL_DELIVERY_MAX_BYTES);
    if (wait_until_ready(w.s))
        ok = open_ring(&w) && run(&w);
    free(w.accepts.item);
    free(w.delivery);
    fl_buf_done(&w.entry);
    fl_ring_reader_close(w.ring);
    if (!ok) { /* the supervisor starts a new one; what was committed is safe */
        fl_role_log(w.s->env, FL_LOG_ERR, "the writer cannot go on; the role ends");
        _exit(FATAL_EXIT);
    }
    return NULL;
}
