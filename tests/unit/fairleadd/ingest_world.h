/*
 * ingest_world.h - the other roles around an ingest role that runs in a process of its own: core
 * with a table of devices, keys with a signing key, store at the other end of the ring.
 */
#ifndef FL_TESTS_INGEST_WORLD_H
#define FL_TESTS_INGEST_WORLD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "codec/msg.h"
#include "conf/conf.h"
#include "unit/io/tls_help.h"

#define WORLD_SEEN 32

struct world_device { /* rows that store took, and what ingest reported */
    char tenant_and_slug[80];
    uint64_t rows, flags_or;
    struct fl_msg_device_stat stat; /* its spans are void */
};

struct world {
    /* set before world_begin() */
    const char *conf_text;
    size_t ring_bytes;

    char mutual_at[128], server_at[128], tcp_at[128], udp_at[128]; /* addresses of the listeners */
    struct made ca, server;

    pthread_mutex_t lock; /* over what follows */
    struct world_device device[WORLD_SEEN];
    size_t devices;
    uint64_t rows, entries, torn;
    uint64_t bad;              /* deliveries or batches that do not read */
    struct fl_msg_rogue rogue; /* the last; its spans are void */
    char rogue_reason[256], rogue_subject[256];
    uint64_t rogues, closed;

    atomic_bool hold; /* store takes nothing */
    int pid, stop_fd;
    struct rusage usage; /* of the role, after world_end() */
    int exit_status;
    struct world_inside *in;
};

/* Starts the role; keys and store answer, core has sent no table yet. */
void world_begin(struct world *w);
/* Core's part: begin() ... end() sends a table. */
void world_table_begin(struct world *w);
void world_tenant(struct world *w, uint32_t id, const char *slug);
void world_device(struct world *w, uint32_t tenant, const char *slug, const struct made *cert,
                  bool relay, bool revoked);
void world_table_end(struct world *w);
/* Store restarts: a new link and a reader that goes on behind the last commit. */
void world_store_again(struct world *w);
/* Stop the role and wait for it. */
void world_end(struct world *w);

/* Wait (10 s at most) until cond(w, value) holds; it is called with the lock held. */
bool world_wait(struct world *w, bool (*cond)(struct world *w, uint64_t value), uint64_t value);
/* With the lock held. */
struct world_device *world_find(struct world *w, const char *tenant_and_slug);

#endif
