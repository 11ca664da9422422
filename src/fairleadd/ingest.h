/*
 * ingest.h - the parts of the ingest role among themselves.
 *
 *   role_ingest.c   what the process is given, links to the others, start and stop
 *   ingest_conn.c   listeners, handshakes, reading, closing
 *   ingest_rows.c   one message to one row
 *   ingest_batch.c  rows to batches, batches to the ring, each tenant's share of it
 *   ingest_stats.c  what was received, accepted, lost; reports to core
 *   ingest_table.c  who may send
 *
 * Path of a line: socket -> TLS -> fl_frame -> fl_line_read -> device and site -> fl_enrich ->
 * the tenant's open batch -> ring -> store. When a tenant's share of the ring is used up, or the
 * ring is full, the tenant is `paused`: none of its sockets is read, TCP pushes back, and the
 * others go on. What is held then is bounded: per connection what was read at once and half a
 * message, per tenant one open batch and one finished one, and over all tenants a number of bytes
 * of finished ones, beyond which nobody is read whose next one would wait as well.
 *
 * Everybody has a turn: a connection is read up to a number of bytes that shrinks with the number
 * of those that wait for theirs, and handshakes, which cost as much as a thousand lines, are taken
 * a few at a time between the turns.
 *
 * One thread. Nothing here waits, except that a handshake's signature is asked of the keys role
 * and waited for (some 0.2 ms; at most SIGN_MS).
 */
#ifndef FL_FAIRLEADD_INGEST_H
#define FL_FAIRLEADD_INGEST_H

#include "base/arena.h"
#include "codec/delivery.h"
#include "codec/frame.h"
#include "codec/line.h"
#include "codec/line_reader.h"
#include "codec/record.h"
#include "fairleadd/ingest_table.h"
#include "fairleadd/role.h"
#include "io/inet.h"
#include "io/ring.h"

enum {
    FL_INGEST_READ_BYTES = 64 * 1024,   /* one read of a connection */
    FL_INGEST_TURN_BYTES = 256 * 1024,  /* of one connection, before others have their turn */
    FL_INGEST_TURN_LEAST = 16 * 1024,   /* the same when many wait: one TLS record */
    FL_INGEST_ROUND_BYTES = 4 << 20,    /* of all that wait, as far as the two above allow */
    FL_INGEST_HANDS_TURN = 4,           /* steps of handshakes between two rounds */
    FL_INGEST_FLUSH_BYTES = 512 * 1024, /* a batch that may take so much goes to the ring at once */
    FL_INGEST_FLUSH_ROWS = 2000,        /* or of so many rows */
    FL_INGEST_FLUSH_MS = 20,            /* or this old */
    FL_INGEST_WRITERS_MAX = 1024,       /* idle, kept for the next batches */
    FL_INGEST_HANDSHAKE_MS = 10 * 1000, /* from accept to the first byte of log */
    FL_INGEST_LANES_MAX = 1024,         /* devices told apart on one relay's connection */
    FL_INGEST_WHY_BYTES = 128
};

struct fl_ingest;

/*
 * A lane: the rows of one device over one connection, numbered from 1. `received` is what we put
 * into batches, `accepted` what store has synced. A relay's connection has a lane for each device
 * behind it; a UDP socket too, for its whole life.
 */
struct fl_ingest_lane {
    uint64_t number; /* unique for the life of the ring: time of start in us + count */
    struct fl_ingest_device *device; /* referenced */
    char address[FL_ADDR_TEXT_BYTES], listener[64];
    char why[FL_INGEST_WHY_BYTES]; /* it ended */
    int64_t since_us;
    uint64_t received, accepted;
    uint64_t batch_serial; /* of the open batch that lists it at batch_slot */
    uint16_t batch_slot;
    bool open;                            /* the connection is there */
    bool told;                            /* core knows of it */
    bool dirty;                           /* counters changed since the last report */
    bool counted;                         /* in device->open */
    int64_t last_mono_us;                 /* of the last row, later of the end */
    TAILQ_ENTRY(fl_ingest_lane) link;     /* of its source */
    TAILQ_ENTRY(fl_ingest_lane) all_link; /* of all lanes */
    struct fl_ingest_lane *next_hash;
};
TAILQ_HEAD(fl_ingest_lanes, fl_ingest_lane);

/* Where lines come from: a connection, or a UDP socket. */
struct fl_ingest_source {
    struct fl_ingest *in;
    const struct fl_role_listener *listener;
    struct fl_ingest_tenant *tenant;  /* referenced */
    struct fl_ingest_device *device;  /* referenced; of the certificate, NULL on weak listeners */
    char address[FL_ADDR_TEXT_BYTES]; /* "" for a UDP socket */
    struct fl_ingest_lanes lanes;
    size_t lane_count;
    struct fl_line_source read; /* what the line reader knows of its lines */
    struct fl_ingest_lane *first_lane;
    /* the last device that was chosen by HOSTNAME: mostly it is the next line's too */
    char host[256];
    size_t host_len;
    struct fl_ingest_lane *host_lane; /* NULL = none remembered */
    struct fl_ingest_hosts *hosts;    /* those before it; NULL = it was always one */
};

enum fl_ingest_state { FL_INGEST_HANDSHAKE, FL_INGEST_LIVE };

struct fl_ingest_conn {
    struct fl_ingest_source src;
    int fd;
    enum fl_ingest_state state;
    struct fl_tls *tls; /* NULL on plain TCP */
    struct fl_watch *watch;
    struct fl_addr peer;
    struct fl_tls_cert cert; /* its leaf is not kept */
    struct fl_ingest_identity id;
    const char *refused; /* why the certificate was, for the report */
    int64_t since_mono_us, read_mono_us;
    struct fl_frame *frame;
    bool queued;  /* on the list of those to go on with */
    bool parked;  /* on its tenant's list of those that wait for room in the ring */
    bool handing; /* on the list of handshakes to go on with */
    bool held;    /* on the list of those that wait until fewer deliveries do */
    bool ended;   /* the peer has finished: what is left is framed, then it is closed */
    char why[FL_INGEST_WHY_BYTES];
    TAILQ_ENTRY(fl_ingest_conn) link;  /* of its state's list, oldest first */
    TAILQ_ENTRY(fl_ingest_conn) again; /* of one of the lists that it is queued, parked ... on */
};

struct fl_ingest_udp {
    struct fl_ingest_source src;
    struct fl_dgrams *dgrams;
    struct fl_watch *watch;
    const struct fl_dgram *waiting; /* read, not yet taken, because of a pause */
    size_t waiting_count;
};

/* The rows of a tenant on their way; exists from the first row to the delivery. */
struct fl_ingest_batch {
    struct fl_ingest_tenant *tenant; /* referenced */
    struct fl_batch_writer *writer;  /* NULL: no rows */
    uint64_t serial;
    struct fl_delivery_conn *conns;
    uint16_t conn_count, conn_cap;
    struct fl_buf ready; /* a finished delivery that the ring has no room for; empty = none */
    uint32_t ready_rows;
    size_t bytes; /* of the writer, when it was looked at last */
    TAILQ_ENTRY(fl_ingest_batch) link;
    TAILQ_ENTRY(fl_ingest_batch) wait_link; /* with ready */
};
TAILQ_HEAD(fl_ingest_batches, fl_ingest_batch);

struct fl_ingest_listener { /* TLS and TCP */
    struct fl_ingest *in;
    const struct fl_role_listener *with;
    struct fl_watch *watch;
};

struct fl_ingest_addr; /* connections of one address */

struct fl_ingest {
    struct fl_role_env *env;
    int64_t boot_us;
    struct fl_ingest_table *table;
    struct fl_rpc *keys;
    struct fl_imsg *core, *store;               /* NULL: not linked now */
    int64_t store_since_mono_us;                /* when the store was linked last */
    struct fl_tls_ctx *tls_mutual, *tls_server; /* NULL until the certificate has come */
    int64_t keys_bad_until_us; /* the keys role did not answer: no handshakes till then */
    bool stopping;
    int64_t stop_until_us; /* monotonic */

    struct fl_ingest_listener listeners[FL_ROLE_MAX_LISTENERS];
    size_t listener_count;
    struct fl_ingest_udp *udp[FL_ROLE_MAX_LISTENERS];
    size_t udp_count;
    bool accepting;
    struct fl_ingest_conns shaking, live, again, hands, held;
    size_t again_count;
    bool again_posted, hands_posted;
    size_t conn_count;
    struct fl_ingest_addr **addrs; /* hash of addr_slots chains */
    size_t addr_slots;
    uint64_t addr_seed;
    unsigned char *scratch_front; /* owned: room for half a message, then */
    unsigned char *scratch;       /* FL_INGEST_READ_BYTES; lent to the connection that is read */

    /* the time of receipt of what is being read, and what follows from it */
    int64_t now_us, now_mono_us, idle_us;
    int32_t today;

    struct fl_enrich *enrich;
    struct fl_ring_writer *ring;
    struct fl_line_reader *reader;
    struct fl_arena arena;
    struct fl_event ev; /* the row at hand: large, and not to be cleared for each line */

    struct fl_ingest_batches open, idle; /* idle ones are kept for the next tenant */
    struct fl_ingest_batches waiting;    /* of the open ones, those with a delivery; oldest first */
    size_t waiting_bytes;                /* of those deliveries */
    bool waited_long;                    /* they were many since the last tick */
    struct fl_buf encoded;               /* the delivery at hand */
    struct fl_batch_writer *writers[FL_INGEST_WRITERS_MAX]; /* idle ones, warmest last */
    size_t writer_count, writer_bytes;                      /* bytes: of those in use as well */
    uint64_t batch_serial, batch_seed;
    struct fl_ingest_sent *sent; /* entries whose room is not given back, in a circle */
    size_t sent_at, sent_count, sent_cap;
    bool no_room; /* the ring had none when it was asked last */
    struct {      /* pauses of tenants since the journal was told last */
        uint64_t count;
        int64_t all_us, longest_us;
        char tenant[FL_SLUG_MAX + 1]; /* whose was the longest */
    } waited;
    bool flush_armed;
    struct fl_watch *room, *flush_timer, *retry_timer, *tick, *cert_timer, *stop_timer;

    struct fl_ingest_devices dirty;
    struct fl_ingest_lanes lanes; /* all of them */
    struct fl_ingest_lane **lane_hash;
    size_t lane_slots, lane_count;
    uint64_t lane_last;
    unsigned ticks;
    uint32_t rogue_credit;
    uint64_t rogue_unsaid;
    uint64_t torn_rows;
};

/* ---- rows ---- */

int fl_ingest_rows_init(struct fl_ingest *in, struct fl_err *err) FL_MUST_CHECK;
void fl_ingest_rows_done(struct fl_ingest *in);
/* Look at the clock: once per read, for all its rows. */
void fl_ingest_clock(struct fl_ingest *in);
/* One message of src, received at in->now_us. Counts it, and never fails: what cannot be delivered
 * is counted as lost. */
void fl_ingest_row(struct fl_ingest_source *src, const struct fl_frame_msg *msg);
/* Its lanes or the table changed: what HOSTNAMEs chose is void. */
void fl_ingest_hosts_forget(struct fl_ingest_source *src);

/* ---- batches ---- */

int fl_ingest_batches_init(struct fl_ingest *in, struct fl_err *err) FL_MUST_CHECK;
void fl_ingest_batches_done(struct fl_ingest *in);
/* The next row of the lane goes into the tenant's batch; false: it is lost. */
bool fl_ingest_add(struct fl_ingest *in, struct fl_ingest_tenant *tenant,
                   struct fl_ingest_lane *lane, const struct fl_event *ev);
/* A connection of the tenant was read for a while: look at the memory that batches take. */
void fl_ingest_turn_over(struct fl_ingest *in, struct fl_ingest_tenant *tenant);
/* Put what is collected into the ring now. */
void fl_ingest_flush(struct fl_ingest *in);
/* The ring may have room again. */
void fl_ingest_retry(struct fl_ingest *in);
/* So many deliveries wait that the tenant, whose next one would too, must not be read. */
bool fl_ingest_crowded(struct fl_ingest *in, const struct fl_ingest_tenant *tenant);
/* Once a second: memory of deliveries that waited goes back to the system. */
void fl_ingest_batches_tick(struct fl_ingest *in);

/* ---- connections ---- */

int fl_ingest_conns_init(struct fl_ingest *in, struct fl_err *err) FL_MUST_CHECK;
void fl_ingest_conns_done(struct fl_ingest *in);
/* Begin or stop accepting, as the table, the certificate and stopping have it. */
void fl_ingest_accepting(struct fl_ingest *in);
/* What a TLS context asks for each client certificate: ctx is the role, peer the connection. */
enum fl_tls_verdict fl_ingest_admit(void *ctx, void *peer, const struct fl_tls_cert *cert);
/* The table changed: end what is no longer admitted. */
void fl_ingest_recheck(struct fl_ingest *in);
/* Reading goes on after a pause of the tenant. */
void fl_ingest_resume(struct fl_ingest *in, struct fl_ingest_tenant *tenant);
/* Fewer deliveries wait: reading goes on where it was held back. */
void fl_ingest_release(struct fl_ingest *in);
/* Once a second: handshakes over time, silent connections with half a line. */
void fl_ingest_conns_tick(struct fl_ingest *in);
/* Read once more what waits, then end every connection. */
void fl_ingest_conns_end(struct fl_ingest *in, const char *why);
/* A source without a connection (UDP). */
void fl_ingest_source_init(struct fl_ingest_source *src, struct fl_ingest *in,
                           const struct fl_role_listener *listener);
void fl_ingest_source_done(struct fl_ingest_source *src, const char *why);

/* ---- accounting ---- */

int fl_ingest_stats_init(struct fl_ingest *in, struct fl_err *err) FL_MUST_CHECK;
void fl_ingest_stats_done(struct fl_ingest *in);
/* The lane of src for device; made when it is not there. NULL: no memory. */
struct fl_ingest_lane *fl_ingest_lane(struct fl_ingest_source *src,
                                      struct fl_ingest_device *device);
void fl_ingest_lane_end(struct fl_ingest *in, struct fl_ingest_lane *lane, const char *why);
void fl_ingest_accepted(struct fl_ingest *in, uint64_t number, uint64_t upto);
void fl_ingest_dirty(struct fl_ingest *in, struct fl_ingest_device *device);
/* Is every row that was read accepted? */
bool fl_ingest_all_accepted(const struct fl_ingest *in);
/* Once a second. */
void fl_ingest_report(struct fl_ingest *in);
/* Core is new: it has to be told everything again. */
void fl_ingest_report_all(struct fl_ingest *in);
/* Someone was refused; spans may be empty. Rate-limited. */
void fl_ingest_rogue(struct fl_ingest *in, const struct fl_ingest_source *src,
                     const struct fl_tls_cert *cert, const char *reason);

#endif
