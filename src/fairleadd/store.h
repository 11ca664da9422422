/*
 * store.h - inside the store role: what its threads share.
 *
 * role_store.c     the loop thread: links, messages, what waits to be sent
 * store_write.c    the writer thread: ring -> WAL, acknowledgements
 * store_keep.c     the housekeeping thread: opening, rules, sealing, retention; the thread that
 *                  fetches the capability key
 * store_query.c    taking questions; the query pool; exports, purges and jobs have own threads
 * store_tail.c     live tails, which wait without a thread
 * store_reply.c    what goes to core for a question
 * store_event.c    what is to be recorded by core
 * store_turn.c     which of the questions may compute now
 *
 * Only the loop thread touches links. Other threads hand it what is to be sent with fl_loop_post().
 */
#ifndef FL_FAIRLEADD_STORE_H
#define FL_FAIRLEADD_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "codec/delivery.h"
#include "fairleadd/role.h"
#include "io/imsg.h"
#include "logs/backend.h"
#include "trust/cap.h"

#define FL_STORE_THREADS_MAX 64 /* of the query pool */
#define FL_STORE_EXTRA_MAX   16 /* exports and purges at once */
#define FL_STORE_EXTRA_EACH  8  /* exports of one tenant */
#define FL_STORE_JOBS_MAX    256
#define FL_STORE_KEPT_MAX    64 /* events that wait for core */
#define FL_STORE_JOBS_EACH   96 /* of one tenant */
#define FL_STORE_SPARE       4  /* threads of the pool for tenants that have no question running */
#define FL_STORE_TAILS_MAX   1024 /* live tails; of a tenant: the setting tail_max */

enum { FL_STORE_TAIL_THREADS = 2 };

struct fl_store_accept { /* rows of a connection that are synced */
    uint64_t conn, upto;
};
struct fl_store_accepts { /* one per connection, the latest */
    struct fl_store_accept *item;
    size_t count, cap;
};
/* False without memory. */
bool fl_store_accepts_add(struct fl_store_accepts *a, uint64_t conn, uint64_t upto);

struct fl_store_job; /* store_job.h */

struct fl_store_kept { /* an event that is to be recorded */
    int64_t at_us;
    char name[40];
    struct fl_store_event event; /* its name is above */
};

struct fl_store_role {
    struct fl_role_env *env;
    const struct fl_backend *backend;
    struct fl_rpc *rpc; /* to keys */
    struct fl_keyring *keyring;
    struct fl_ledger_link *ledger; /* of erasures, kept by keys */
    int stop_fd;                   /* eventfd: readable once stopping */
    atomic_bool stopping;

    /* loop thread only */
    struct fl_imsg *core, *ingest;
    struct fl_store_accepts unsent; /* acknowledgements that the link had no room for */
    struct fl_store_kept kept[FL_STORE_KEPT_MAX];
    size_t kept_count;

    pthread_mutex_t mu; /* all below */
    pthread_cond_t changed;
    void *store;                 /* NULL until it is open */
    bool ruled;                  /* rules have been applied */
    int64_t rules_mono_us;       /* when the latest rule or link to core came */
    struct fl_store_rule *rules; /* waiting to be applied */
    size_t rule_count, rule_cap;
    unsigned links_to_keys; /* counts them */
    bool has_cap_key;
    unsigned char cap_key[FL_CAP_PUBLIC_BYTES];
    bool behind;                            /* the writer cannot commit */
    char note[200];                         /* what is wrong, for status; "" */
    uint64_t dropped_rows, dropped_entries; /* of tenants that nobody knows, or malformed */
    struct fl_store_job *jobs;              /* all, in order of arrival */
    unsigned extra;                         /* threads of exports and purges */
    pthread_cond_t tail_changed;
    uint64_t commits;                         /* of rows */
    uint32_t tail_last;                       /* tenant whose tails were served last */
    int64_t tail_busy[FL_STORE_TAIL_THREADS]; /* tenants that workers have; -1: none */
    atomic_size_t tailers_begun;
    atomic_size_t posted_bytes, queued_bytes; /* results on their way: to the loop, to core */
    struct fl_turns *turns;                   /* own lock: as many as questions run at once */

    pthread_t writer, keeper, capper, pool[FL_STORE_THREADS_MAX];
    pthread_t tailer[FL_STORE_TAIL_THREADS];
    size_t pool_count, tailer_count;
    bool writer_on, keeper_on, capper_on;
};

/* The open store, or NULL. */
void *fl_store_opened(struct fl_store_role *s);
void fl_store_note(struct fl_store_role *s, bool behind, const char *text);
/* At most one line in ten seconds per place; *last is the place's. */
void fl_store_log_slowly(struct fl_store_role *s, int64_t *last, int level, const char *text);
/* Wait on `changed`, mu held; until_mono_us. */
void fl_store_sleep(struct fl_store_role *s, int64_t timeout_ms);

void *fl_store_writer(void *role);
void *fl_store_keeper(void *role);
void *fl_store_capper(void *role);
void *fl_store_pool(void *role);
void *fl_store_tailer(void *role);
/* Rows were committed, or the role stops. */
void fl_store_tails_wake(struct fl_store_role *s);

/* Loop thread. Sends accepted rows to ingest; what does not fit waits for the link to drain. */
void fl_store_send_accepts(struct fl_store_role *s);
void fl_store_take_accepts(struct fl_store_role *s, const struct fl_store_accepts *from);

/* Any thread: an event of the store (fl_store_config.event). */
void fl_store_on_event(void *role, const struct fl_store_event *event);
/* Loop thread: what waits for core. */
void fl_store_send_events(struct fl_store_role *s);

/* Loop thread: a message of core that belongs to queries; false: it is not one. */
bool fl_store_query_message(struct fl_store_role *s, struct fl_imsg_in *in);
void fl_store_cancel_all(struct fl_store_role *s);
/* Wait until no export, tail or purge runs; free what is queued. After the pool was joined. */
void fl_store_jobs_done(struct fl_store_role *s);

#endif
