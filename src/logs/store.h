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
#include "logs/part.h"
#include "trust/keyring.h"

struct fl_store_config {
    int dir_fd;                 /* folder of the store; borrowed */
    struct fl_keyring *keyring; /* borrowed */
    int64_t (*now_us)(void);    /* wall clock, UTC */
    uint64_t memtable_bytes;    /* budget over all tenants */
    uint32_t seal_rows, seal_s;
};

struct fl_store_rule { /* per tenant; without one nothing of the tenant is accepted */
    uint32_t tenant;
    char slug[64];      /* names the folder */
    uint32_t keep_days; /* 1..30 */
    uint64_t quota_bytes;
};

/* Opens, recovers: replays WAL files (rows not yet sealed, once each), seals them, begins a new
 * WAL. */
int fl_store_open(const struct fl_store_config *config, struct fl_store **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_store_close(struct fl_store *store); /* commits and seals what is in memory */
int fl_store_rule(struct fl_store *store, const struct fl_store_rule *rule, struct fl_err *err)
    FL_MUST_CHECK;

/*
 * Take one batch (codec/record.h) of a tenant into the pending group: checked, given sequence
 * numbers and derived counters (logs/session.h), appended to the WAL buffer. source/number identify
 * the delivery (ring id and entry number): one that the WAL or a segment holds already is skipped,
 * *ret_rows = 0 and it succeeds. FL_E_CORRUPT: the batch is not well-formed (nothing of it taken).
 * FL_E_NOENT: no rule for the tenant.
 */
int fl_store_append(struct fl_store *store, uint32_t tenant, const unsigned char source[16],
                    uint64_t number, struct fl_span batch, uint32_t *ret_rows, struct fl_err *err)
    FL_MUST_CHECK;
/* Write and fdatasync the group; then, and only then, its rows become visible in parts. */
int fl_store_commit(struct fl_store *store, struct fl_err *err) FL_MUST_CHECK;
uint64_t fl_store_pending_bytes(const struct fl_store *store);

/* Seal what is due, apply retention, drop WAL files that are wholly sealed. */
int fl_store_tick(struct fl_store *store, struct fl_err *err) FL_MUST_CHECK;
int fl_store_seal_all(struct fl_store *store, struct fl_err *err) FL_MUST_CHECK;

struct fl_purge_result {
    uint64_t rows, bytes, files, keys;
    uint32_t epoch;
    char root_kind[16];
};
/* Destroy a tenant's days [from_day, to_day]: keys now, then bytes, WAL and memtable rows too. dry:
 * count only. */
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
};
void fl_store_stats(struct fl_store *store, struct fl_store_stats *ret);
struct fl_store_tenant_stats {
    uint32_t tenant;
    uint64_t rows, bytes, segments, no_baseline;
    int32_t oldest_day, newest_day;
};
/* Calls fn for each tenant with data or a rule. */
void fl_store_each_tenant(struct fl_store *store,
                          void (*fn)(void *ctx, const struct fl_store_tenant_stats *t), void *ctx);

#endif
