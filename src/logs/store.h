/*
 * store.h - the embedded log store: batches in, synced WAL, memtables, sealed segments, retention,
 * parts out.
 *
 * Threads: fl_store_append() and fl_store_commit() from one writer thread; fl_parts_open() and what
 * reads parts from any; fl_store_tick() from one housekeeping thread. Clock and files are passed
 * in, so that tests hold both. FORMAT.md describes every byte on disk.
 */
#ifndef FL_LOGS_STORE_H
#define FL_LOGS_STORE_H

#include "base/span.h"
#include "logs/files.h"
#include "logs/part.h"
#include "trust/keyring.h"
#include "trust/ledger_link.h"

struct fl_store_event;

struct fl_store_config {
    int dir_fd;                 /* folder of the store; borrowed */
    struct fl_keyring *keyring; /* borrowed */
    int64_t (*now_us)(void);    /* wall clock, UTC */
    uint64_t
        memtable_bytes; /* over all tenants: beyond 5/8 the largest are sealed, all is the end */
    uint32_t seal_rows, seal_s;
    struct fl_ledger_link *ledger; /* borrowed; NULL: nobody can be erased */
    /* 0 or NULL: the default */
    const struct fl_files *files; /* borrowed; the system's */
    uint64_t wal_file_bytes;      /* a WAL file that has more is followed by another: 64 MiB */
    uint64_t wal_max_bytes;       /* beyond, tenants are sealed to free the oldest file: 1 GiB */
    uint32_t sessions_max;        /* per tenant (session.h): 200,000 */
    uint32_t sessions_all;        /* over all tenants: 300,000 */
    uint32_t sweep_s;             /* between two destructions of keys of unlinked WAL files: 1 h */
    uint32_t baseline_s;          /* least time between two baseline files of a tenant: 15 s */
    uint64_t max_bytes;           /* of all sealed segments; 0: no limit */
    uint64_t min_free_bytes;      /* that the disk keeps; 0: none */
    int64_t (*mono_us)(void); /* a clock that only runs forward (wallclock.h); NULL: unchecked */
    /* Something that is to be recorded; from the thread that ticks or purges, while the store is
     * locked: it must not call the store. NULL: nobody listens. */
    void (*event)(void *ctx, const struct fl_store_event *event);
    void *event_ctx;
};

struct fl_store_event {
    const char *name; /* "logs.quota", "logs.quota_exceeded", "store.full", "store.room",
                         "store.clock", "store.damage", "store.repair" */
    char slug[64];    /* of the tenant; "" where it concerns none */
    char detail[320]; /* a JSON object */
};

struct fl_store_rule { /* per tenant; without one nothing of the tenant is accepted */
    uint32_t tenant;
    char slug[64];      /* names the folder */
    uint32_t keep_days; /* 1..30 */
    uint64_t quota_bytes;
};

/*
 * Opens, recovers: finishes destructions that were begun (also erasures that the ledger has and
 * this folder does not: store_erase.h), replays WAL files (rows not yet sealed,
 * once each), seals them, begins a new WAL. FL_E_INVAL: a file has a version that is not known
 * here. Damaged files are passed over and counted. FL_E_IO and what the keyring gives: nothing is
 * lost, try again.
 */
int fl_store_open(const struct fl_store_config *config, struct fl_store **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_store_close(struct fl_store *store); /* commits and seals what is in memory */
int fl_store_rule(struct fl_store *store, const struct fl_store_rule *rule, struct fl_err *err)
    FL_MUST_CHECK;

/*
 * Take one batch (codec/record.h) of a tenant into the pending group: checked, given sequence
 * numbers and derived counters (logs/session.h), appended to the WAL buffer. source/number identify
 * the delivery (ring id and entry number): one that the WAL or a segment holds already is skipped,
 * *ret_rows = 0 and it succeeds; numbers of a source rise. FL_E_CORRUPT: the batch is not
 * well-formed (nothing of it taken). FL_E_NOENT: no rule for the tenant. FL_E_AGAIN: commit first,
 * or wait: the memtables are at their budget, or today is just being destroyed. FL_E_NOMEM
 * and after it every call: begin anew with fl_store_open(); what was committed is safe.
 *
 * The day of receipt is the UTC day of config.now_us. FL_F_SEQ and the derived counters are
 * replaced; FL_F_RECEIVED is kept within a day of now, else it becomes now; FL_F_TIME outside the
 * years 1..9999 or absent becomes the time of receipt with FL_ROW_NO_TIME.
 */
int fl_store_append(struct fl_store *store, uint32_t tenant, const unsigned char source[16],
                    uint64_t number, struct fl_span batch, uint32_t *ret_rows, struct fl_err *err)
    FL_MUST_CHECK;
/* Write and fdatasync the group; then, and only then, its rows become visible in parts. After a
 * failure everything is still pending: commit again; nothing needs to be appended again. */
int fl_store_commit(struct fl_store *store, struct fl_err *err) FL_MUST_CHECK;
uint64_t fl_store_pending_bytes(const struct fl_store *store);

/* Seal what is due, apply retention, drop WAL files that are wholly sealed. Goes on with the other
 * tenants after a failure; gives the first. */
int fl_store_tick(struct fl_store *store, struct fl_err *err) FL_MUST_CHECK;
/* Wait until a tick has something to seal, or timeout: 1 = there is. fl_store_poke() ends it. */
int fl_store_work(struct fl_store *store, int64_t timeout_ms);
void fl_store_poke(struct fl_store *store);
int fl_store_seal_all(struct fl_store *store, struct fl_err *err) FL_MUST_CHECK;

struct fl_purge_result {
    uint64_t rows, bytes, files, keys;
    uint32_t segments, days; /* days that had any data */
    uint32_t epoch;
    char root_kind[16];
};
/*
 * Destroy a tenant's days [from_day, to_day]: keys now, then bytes, WAL and memtable rows too. dry:
 * count only. INT32_MIN..INT32_MAX: the whole tenant, with its key, its baselines and its rule.
 * A failure after the beginning (text says so) is finished by later ticks; queries do not see the
 * rows any more. FL_E_NOENT: the tenant has neither data nor a rule.
 * Bytes of WAL files that other tenants still need stay, without their key, until those are sealed.
 */
int fl_store_purge(struct fl_store *store, uint32_t tenant, int32_t from_day, int32_t to_day,
                   bool dry, const char *why, struct fl_purge_result *ret, struct fl_err *err)
    FL_MUST_CHECK;

/* Wait until rows beyond (day, seq) of the tenant are visible, or timeout: for live tails. 1 =
 * there are. */
int fl_store_wait(struct fl_store *store, uint32_t tenant, int32_t day, uint64_t seq,
                  int64_t timeout_ms);

struct fl_store_stats {
    uint64_t rows, wal_bytes, wal_files, memtable_rows, memtable_bytes, segments, segment_bytes;
    uint64_t batches_bad, rows_bad, replayed_rows, syncs;
    int64_t last_commit_us;
    uint64_t damaged;    /* WAL groups, records and files that could not be read at start */
    uint64_t unreadable; /* segments that do not open: damaged, or their key is gone */
    uint64_t torn;       /* WAL files that ended in an unfinished group */
    uint64_t copies, no_baseline, sessions, sessions_evicted; /* logs/session.h, since start */
    uint64_t merges, merged, merge_rows; /* segments written by merging; read; rows, since start */
    uint64_t retiring;                   /* replaced segments that wait to be destroyed */
    uint64_t versions[3];                /* segments by version of their format, from 1 */
    uint64_t free_bytes;                 /* of the disk; UINT64_MAX: unknown */
    bool full;                           /* nothing is accepted until there is room */
    bool clock_odd; /* the machine's clock is not believed: nothing is destroyed by age */
    uint64_t lost_blocks, lost_rows; /* found damaged by verify or a query, since start */
};
void fl_store_stats(struct fl_store *store, struct fl_store_stats *ret);
struct fl_store_tenant_stats {
    uint32_t tenant;
    uint64_t rows, bytes, segments, no_baseline;
    int32_t oldest_day, newest_day;
    uint64_t quota_bytes, share_bytes; /* share: when last computed; UINT64_MAX: no limit */
    uint64_t taken_days, taken_bytes;  /* by quota or a full disk, since start */
    int64_t taken_us;                  /* when last; 0: never */
    int32_t taken_day;
};
/* Calls fn for each tenant with data or a rule. */
void fl_store_each_tenant(struct fl_store *store,
                          void (*fn)(void *ctx, const struct fl_store_tenant_stats *t), void *ctx);

#endif
