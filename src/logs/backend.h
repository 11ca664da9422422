/*
 * backend.h - what a log store must do, so that another (a ClickHouse cluster) can stand in for the
 * segments.
 *
 * One table of functions; the embedded store (store.h) is the first row of fl_backends[]. A
 * delivery is identified by source and number so that a back end may be handed the same one twice.
 */
#ifndef FL_LOGS_BACKEND_H
#define FL_LOGS_BACKEND_H

#include "logs/query.h"
#include "logs/store.h"
#include "logs/store_job.h"
#include "logs/tail.h"

struct fl_backend {
    const char *name; /* "segments" */
    int (*open)(const struct fl_store_config *config, void **ret, struct fl_err *err);
    void (*close)(void *b);
    int (*rule)(void *b, const struct fl_store_rule *rule, struct fl_err *err);
    int (*append)(void *b, uint32_t tenant, const unsigned char source[16], uint64_t number,
                  struct fl_span batch, uint32_t *ret_rows, struct fl_err *err);
    int (*commit)(void *b, struct fl_err *err);
    int (*tick)(void *b, struct fl_err *err);
    int (*query)(void *b, const struct fl_query *q, const struct fl_query_sink *sink,
                 struct fl_query_end *ret_end, struct fl_err *err);
    /* Live tails without a thread each (tail.h, newest.h). */
    int (*tail_open)(void *b, const struct fl_query *q, struct fl_tail **ret, struct fl_err *err);
    int (*newest)(void *b, uint32_t tenant, struct fl_newest **ret, struct fl_err *err);
    /* Wait for housekeeping to do, or timeout; poke() ends it (fl_store_work). */
    int (*work)(void *b, int64_t timeout_ms);
    void (*poke)(void *b);
    uint64_t (*pending_bytes)(void *b);
    void (*stats)(void *b, struct fl_store_stats *ret);
    void (*each_tenant)(void *b, void (*fn)(void *ctx, const struct fl_store_tenant_stats *t),
                        void *ctx);
    int (*purge)(void *b, uint32_t tenant, int32_t from_day, int32_t to_day, bool dry,
                 const char *why, struct fl_purge_result *ret, struct fl_err *err);
    int (*job)(void *b, const struct fl_job_ask *ask, const struct fl_query_sink *sink,
               struct fl_err *err);
};

extern const struct fl_backend fl_backend_segments;

#endif
