#include "logs/backend.h"

#include "logs/newest.h"

static int backend_open(const struct fl_store_config *config, void **ret, struct fl_err *err)
{
    struct fl_store *store;
    int r = fl_store_open(config, &store, err);

    if (r >= 0)
        *ret = store;
    return r;
}

static void backend_close(void *b)
{
    fl_store_close(b);
}

static int backend_rule(void *b, const struct fl_store_rule *rule, struct fl_err *err)
{
    return fl_store_rule(b, rule, err);
}

static int backend_append(void *b, uint32_t tenant, const unsigned char source[16], uint64_t number,
                          struct fl_span batch, uint32_t *ret_rows, struct fl_err *err)
{
    return fl_store_append(b, tenant, source, number, batch, ret_rows, err);
}

static int backend_commit(void *b, struct fl_err *err)
{
    return fl_store_commit(b, err);
}

static int backend_tick(void *b, struct fl_err *err)
{
    return fl_store_tick(b, err);
}

static int backend_query(void *b, const struct fl_query *q, const struct fl_query_sink *sink,
                         struct fl_query_end *ret_end, struct fl_err *err)
{
    return fl_query_run(b, q, sink, ret_end, err);
}

static int backend_tail_open(void *b, const struct fl_query *q, struct fl_tail **ret,
                             struct fl_err *err)
{
    return fl_tail_open(b, q, ret, err);
}

static int backend_newest(void *b, uint32_t tenant, struct fl_newest **ret, struct fl_err *err)
{
    return fl_newest_new(b, tenant, ret, err);
}

static int backend_work(void *b, int64_t timeout_ms)
{
    return fl_store_work(b, timeout_ms);
}

static void backend_poke(void *b)
{
    fl_store_poke(b);
}

static uint64_t backend_pending_bytes(void *b)
{
    return fl_store_pending_bytes(b);
}

static void backend_stats(void *b, struct fl_store_stats *ret)
{
    fl_store_stats(b, ret);
}

static void backend_each_tenant(void *b,
                                void (*fn)(void *ctx, const struct fl_store_tenant_stats *t),
                                void *ctx)
{
    fl_store_each_tenant(b, fn, ctx);
}

static int backend_purge(void *b, uint32_t tenant, int32_t from_day, int32_t to_day, bool dry,
                         const char *why, struct fl_purge_result *ret, struct fl_err *err)
{
    return fl_store_purge(b, tenant, from_day, to_day, dry, why, ret, err);
}

static int backend_job(void *b, const struct fl_job_ask *ask, const struct fl_query_sink *sink,
                       struct fl_err *err)
{
    return fl_store_job(b, ask, sink, err);
}

const struct fl_backend fl_backend_segments = {
    .name = "segments",
    .open = backend_open,
    .close = backend_close,
    .rule = backend_rule,
    .append = backend_append,
    .commit = backend_commit,
    .tick = backend_tick,
    .query = backend_query,
    .tail_open = backend_tail_open,
    .newest = backend_newest,
    .work = backend_work,
    .poke = backend_poke,
    .pending_bytes = backend_pending_bytes,
    .stats = backend_stats,
    .each_tenant = backend_each_tenant,
    .purge = backend_purge,
    .job = backend_job,
};
