/* Housekeeping: opening, rules, sealing, retention. And the capability key, which keys sends when
 * it is linked. Part of the store role (store.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "fairleadd/store.h"

enum { RETRY_MS = 500, TICK_MS = 1000, CAP_WAIT_MS = 2000 };

static int64_t clock_us(void)
{
    return fl_now_us();
}

/* It runs on while the machine sleeps: a sleep is no leap of the wall clock. */
static int64_t boot_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_BOOTTIME, &ts);
    return ts.tv_sec * FL_US_PER_S + ts.tv_nsec / 1000;
}

/* Until it opens: the keys role may be away, the disk full. */
static void *open_store(struct fl_store_role *s)
{
    const struct fl_conf *conf = s->env->conf;
    struct fl_store_config config = {
        .dir_fd = s->env->dir_fd,
        .keyring = s->keyring,
        .ledger = s->ledger,
        .now_us = clock_us,
        .memtable_bytes = fl_conf_num(conf, FL_SET_MEMTABLE_BYTES),
        .seal_rows = (uint32_t)fl_conf_num(conf, FL_SET_SEAL_ROWS),
        .seal_s = (uint32_t)fl_conf_num(conf, FL_SET_SEAL_S),
        .max_bytes = fl_conf_num(conf, FL_SET_STORE_MAX_BYTES),
        .min_free_bytes = fl_conf_num(conf, FL_SET_MIN_FREE_BYTES),
        .mono_us = boot_us,
        .event = fl_store_on_event,
        .event_ctx = s,
    };
    int64_t logged = 0;
    void *store = NULL;

    while (!atomic_load(&s->stopping) && store == NULL) {
        struct fl_err err = {0};

        if (s->backend->open(&config, &store, &err) >= 0)
            break;
        store = NULL;
        fl_store_note(s, true, err.text);
        fl_store_log_slowly(s, &logged, FL_LOG_ERR, err.text);
        pthread_mutex_lock(&s->mu);
        if (!atomic_load(&s->stopping))
            fl_store_sleep(s, RETRY_MS);
        pthread_mutex_unlock(&s->mu);
    }
    return store;
}

static void log_opened(struct fl_store_role *s)
{
    struct fl_store_stats st;

    s->backend->stats(s->store, &st);
    fl_role_log(s->env, FL_LOG_INFO,
                "open: %llu rows in %llu segments, %llu of them replayed from the log",
                (unsigned long long)st.rows, (unsigned long long)st.segments,
                (unsigned long long)st.replayed_rows);
    if (st.damaged > 0 || st.unreadable > 0)
        fl_role_log(s->env, FL_LOG_ERR, "%llu segments and %llu pieces of the log do not open",
                    (unsigned long long)st.unreadable, (unsigned long long)st.damaged);
}

static void apply_rules(struct fl_store_role *s)
{
    struct fl_store_rule *rules;
    size_t count;

    pthread_mutex_lock(&s->mu);
    rules = s->rules;
    count = s->rule_count;
    s->rules = NULL;
    s->rule_count = s->rule_cap = 0;
    pthread_mutex_unlock(&s->mu);
    for (size_t i = 0; i < count; i++) {
        struct fl_err err = {0};

        if (s->backend->rule(s->store, &rules[i], &err) < 0)
            fl_role_log(s->env, FL_LOG_ERR, "rule of tenant %u: %s", (unsigned)rules[i].tenant,
                        err.text);
    }
    free(rules);
    if (count == 0)
        return;
    pthread_mutex_lock(&s->mu);
    s->ruled = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mu);
}

static void note_only(struct fl_store_role *s, const char *text)
{
    pthread_mutex_lock(&s->mu);
    if (!s->behind) /* what the writer says matters more */
        (void)snprintf(s->note, sizeof s->note, "%.190s", text);
    pthread_mutex_unlock(&s->mu);
}

void *fl_store_keeper(void *role)
{
    struct fl_store_role *s = role;
    void *store = open_store(s);
    int64_t logged = 0;
    bool failed = false;

    if (store == NULL)
        return NULL;
    fl_store_note(s, false, "");
    pthread_mutex_lock(&s->mu);
    s->store = store;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mu);
    log_opened(s);
    while (!atomic_load(&s->stopping)) {
        struct fl_err err = {0};

        apply_rules(s);
        if (s->backend->tick(store, &err) < 0) {
            fl_store_log_slowly(s, &logged, FL_LOG_ERR, err.text);
            note_only(s, err.text);
            failed = true;
        } else if (failed) {
            fl_role_log(s->env, FL_LOG_NOTICE, "housekeeping works again");
            note_only(s, "");
            failed = false;
        }
        (void)s->backend->work(store, TICK_MS);
    }
    return NULL;
}

/* ---- the capability key ---- */

static bool fetch_key(struct fl_store_role *s, unsigned link)
{
    FL_AUTO(fl_buf_done) struct fl_buf reply;
    struct fl_msg_cap_key msg;
    struct fl_err err;
    bool ok;

    fl_buf_init(&reply, FL_MSG_MAX_BYTES);
    ok = fl_rpc_expect(s->rpc, FL_MSG_CAP_KEY, &msg, &reply, CAP_WAIT_MS, &err) >= 0 &&
         msg.public_key.len == FL_CAP_PUBLIC_BYTES;
    pthread_mutex_lock(&s->mu);
    ok = ok && s->links_to_keys == link;
    if (ok) {
        memcpy(s->cap_key, msg.public_key.ptr, sizeof s->cap_key);
        s->has_cap_key = true;
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->mu);
    return ok;
}

void *fl_store_capper(void *role)
{
    struct fl_store_role *s = role;
    unsigned link = 0;

    while (!atomic_load(&s->stopping)) {
        bool have;

        pthread_mutex_lock(&s->mu);
        have = s->has_cap_key || s->links_to_keys == 0;
        link = s->links_to_keys;
        if (have && !atomic_load(&s->stopping))
            fl_store_sleep(s, TICK_MS);
        pthread_mutex_unlock(&s->mu);
        if (!have)
            (void)fetch_key(s, link);
    }
    return NULL;
}
