/* Figures for a monitoring system: OpenMetrics 1.0 text. What web counts stands behind it there. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/parts.h"

#define METRICS_TYPE    "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define METRICS_MAX     ((size_t)8 << 20)
#define TENANTS_METERED 4096u

/* Sums over a tenant's devices. */
struct row {
    char slug[FL_SLUG_MAX + 1];
    uint32_t id;
    uint64_t total[FL_COUNTS];
    uint64_t heard, open;
    int64_t last_us;
};

struct table {
    struct fl_req *req;
    struct row *rows; /* owned */
    size_t count;
};

static void family(struct fl_buf *out, const char *name, const char *kind, const char *help)
{
    fl_buf_printf(out, "# TYPE fairlead_%s %s\n# HELP fairlead_%s %s\n", name, kind, name, help);
}

static void single(struct fl_buf *out, const char *name, const char *kind, const char *help,
                   uint64_t value)
{
    family(out, name, kind, help);
    fl_buf_printf(out, "fairlead_%s%s %" PRIu64 "\n", name,
                  strcmp(kind, "counter") == 0 ? "_total" : "", value);
}

static void seconds(struct fl_buf *out, const char *name, int64_t us)
{
    fl_buf_printf(out, "%s %" PRId64 ".%06" PRId64 "\n", name, us / 1000000, us % 1000000);
}

/* ---- processes ---- */

static void put_roles(struct fl_buf *out, const struct fl_gathered *got)
{
    family(out, "role_up", "gauge", "Is the process there and ready?");
    for (unsigned i = 0; i < got->role_count; i++)
        fl_buf_printf(out, "fairlead_role_up{role=\"%s\"} %u\n",
                      fl_role_name((enum fl_role)got->role[i].role), got->role[i].up != 0);
    family(out, "role_restarts", "counter", "Times that the process was started again.");
    for (unsigned i = 0; i < got->role_count; i++)
        fl_buf_printf(out, "fairlead_role_restarts_total{role=\"%s\"} %" PRIu32 "\n",
                      fl_role_name((enum fl_role)got->role[i].role), got->role[i].restarts);
    family(out, "role_start_seconds", "gauge", "When it was started, since 1970.");
    for (unsigned i = 0; i < got->role_count; i++) {
        char name[80];

        (void)snprintf(name, sizeof name, "fairlead_role_start_seconds{role=\"%s\"}",
                       fl_role_name((enum fl_role)got->role[i].role));
        seconds(out, name, got->role[i].since_us);
    }
    family(out, "answers", "gauge", "Did this process answer the question for these figures?");
    fl_buf_printf(out, "fairlead_answers{role=\"store\"} %d\nfairlead_answers{role=\"keys\"} %d\n",
                  got->store, got->keys);
}

static void put_store(struct fl_buf *out, const struct fl_gathered *got)
{
    const struct fl_msg_store_stat *s = &got->stat;

    if (!got->store)
        return;
    single(out, "store_rows", "gauge", "Rows kept.", s->rows);
    single(out, "store_segments", "gauge", "Sealed segments.", s->segments);
    single(out, "store_segment_bytes", "gauge", "Their bytes on disk.", s->segment_bytes);
    single(out, "store_wal_bytes", "gauge", "Bytes of the write-ahead log.", s->wal_bytes);
    single(out, "store_wal_files", "gauge", "Its files.", s->wal_files);
    single(out, "store_queue_rows", "gauge", "Rows in memory, not sealed yet.", s->memtable_rows);
    single(out, "store_queue_bytes", "gauge", "Their bytes.", s->memtable_bytes);
    single(out, "store_behind", "gauge", "1: the disk does not keep up, devices wait.",
           s->behind != 0);
    single(out, "store_syncs", "counter", "Times that the write-ahead log was synced.", s->syncs);
    single(out, "store_bad_rows", "counter", "Rows thrown away because they were malformed.",
           s->rows_bad);
    single(out, "store_merges", "counter", "Segments written by merging.", s->merges);
    single(out, "store_damaged_blocks", "gauge", "Found by the last whole check.", s->lost_blocks);
    if (s->free_bytes != UINT64_MAX)
        single(out, "store_free_bytes", "gauge", "Free on the disk.", s->free_bytes);
    if (s->last_commit_us != 0) {
        family(out, "store_commit_seconds", "gauge", "When rows were last made safe, since 1970.");
        seconds(out, "fairlead_store_commit_seconds", s->last_commit_us);
    }
}

static void put_keys(struct fl_buf *out, const struct fl_gathered *got)
{
    if (!got->keys)
        return;
    single(out, "keys_epoch", "gauge", "Epoch of the key table.", got->key_stat.epoch);
    single(out, "keys_files", "gauge", "Keys of files that exist.", got->key_stat.files);
    single(out, "keys_signatures", "counter", "TLS handshakes signed.", got->key_stat.signs);
}

/* ---- tenants ---- */

static void add_device(void *ctx, const struct fl_live_device *device)
{
    struct row *row = ctx;

    row->heard++;
    row->open += device->open;
    for (size_t i = 0; i < FL_COUNTS; i++)
        row->total[i] += device->counters.total[i];
    if (device->counters.last_us > row->last_us)
        row->last_us = device->counters.last_us;
}

static int on_tenant(void *ctx, const struct fl_tenant *tenant)
{
    struct table *t = ctx;
    struct row *row;

    if (t->count == TENANTS_METERED)
        return 0;
    row = &t->rows[t->count++];
    memset(row, 0, sizeof *row);
    memcpy(row->slug, tenant->slug, sizeof row->slug);
    row->id = tenant->id;
    fl_live_each(t->req->api->env.live, tenant->id, add_device, row);
    return 0;
}

static void put_counters(struct fl_buf *out, const struct table *t)
{
    static const struct {
        unsigned count;
        const char *name, *help;
    } counters[] = {
        {FL_COUNT_LINES, "lines", "Log lines received."},
        {FL_COUNT_BYTES, "line_bytes", "Their bytes."},
        {FL_COUNT_UNPARSED, "lines_unparsed", "Lines that no parser knew; kept whole."},
        {FL_COUNT_ACCEPTED, "rows_accepted", "Rows that are safe on disk."},
        {FL_COUNT_LOST, "rows_lost", "Rows read, but not accepted when a connection ended."},
        {FL_COUNT_DROPPED, "datagrams_dropped", "Datagrams that the kernel dropped."},
        {FL_COUNT_GAPS, "gaps", "Silences over the limit, and reconnects."},
    };

    for (size_t c = 0; c < FL_LEN(counters); c++) {
        family(out, counters[c].name, "counter", counters[c].help);
        for (size_t i = 0; i < t->count; i++)
            fl_buf_printf(out, "fairlead_%s_total{tenant=\"%s\"} %" PRIu64 "\n", counters[c].name,
                          t->rows[i].slug, t->rows[i].total[counters[c].count]);
    }
}

static void put_senders(struct fl_buf *out, const struct table *t)
{
    int64_t now_us = t->req->api->env.now_us();

    family(out, "device_connections", "gauge", "Open connections of devices.");
    for (size_t i = 0; i < t->count; i++)
        fl_buf_printf(out, "fairlead_device_connections{tenant=\"%s\"} %" PRIu64 "\n",
                      t->rows[i].slug, t->rows[i].open);
    family(out, "devices_heard", "gauge", "Devices that were ever heard.");
    for (size_t i = 0; i < t->count; i++)
        fl_buf_printf(out, "fairlead_devices_heard{tenant=\"%s\"} %" PRIu64 "\n", t->rows[i].slug,
                      t->rows[i].heard);
    family(out, "lag_seconds", "gauge", "Since the last line of any device.");
    for (size_t i = 0; i < t->count; i++) {
        char name[FL_SLUG_MAX + 60];

        if (t->rows[i].last_us == 0 || t->rows[i].last_us > now_us)
            continue;
        (void)snprintf(name, sizeof name, "fairlead_lag_seconds{tenant=\"%s\"}", t->rows[i].slug);
        seconds(out, name, now_us - t->rows[i].last_us);
    }
}

static const char *slug_of(const struct table *t, uint32_t id)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->rows[i].id == id)
            return t->rows[i].slug;
    return NULL; /* it is just being removed */
}

static void put_kept(struct fl_buf *out, const struct table *t, const struct fl_gathered *got)
{
    static const struct {
        const char *name, *help;
        size_t at;
    } columns[] = {
        {"tenant_rows", "Rows kept.", offsetof(struct fl_msg_store_tenant, rows)},
        {"tenant_bytes", "Their bytes on disk.", offsetof(struct fl_msg_store_tenant, bytes)},
        {"tenant_segments", "Their segments.", offsetof(struct fl_msg_store_tenant, segments)},
    };

    for (size_t c = 0; c < FL_LEN(columns); c++) {
        family(out, columns[c].name, "gauge", columns[c].help);
        for (size_t i = 0; i < got->tenant_count; i++) {
            const char *slug = slug_of(t, got->tenant[i].tenant);
            uint64_t value;

            memcpy(&value, (const char *)&got->tenant[i] + columns[c].at, sizeof value);
            if (slug != NULL)
                fl_buf_printf(out, "fairlead_%s{tenant=\"%s\"} %" PRIu64 "\n", columns[c].name,
                              slug, value);
        }
    }
}

/* Without the database: what is left of it, for then one looks all the more. */
static void put_tenants(struct fl_buf *out, struct fl_req *req, const struct fl_gathered *got)
{
    struct table t = {.req = req};
    struct fl_db_list list;

    single(out, "database_open", "gauge", "Is the control database open?", req->api->db != NULL);
    if (req->api->db == NULL)
        return;
    t.rows = malloc(TENANTS_METERED * sizeof *t.rows);
    if (t.rows != NULL && fl_db_tenants(req->api->db, (struct fl_db_page){NULL, 0}, on_tenant, &t,
                                        &list, NULL) == FL_OK) {
        single(out, "tenants", "gauge", "Tenants.", list.total);
        put_counters(out, &t);
        put_senders(out, &t);
        put_kept(out, &t, got);
    }
    free(t.rows);
}

static void metrics(struct fl_req *req, const struct fl_gathered *got)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_err err;

    fl_buf_init(&out, METRICS_MAX);
    family(&out, "build", "info", "What runs.");
    fl_buf_put_str(&out, "fairlead_build_info{version=\"" FL_VERSION "\"} 1\n");
    put_roles(&out, got);
    put_store(&out, got);
    put_keys(&out, got);
    put_tenants(&out, req, got);
    fl_buf_put_str(&out, "# EOF\n");
    if (fl_buf_status(&out, &err) < 0) {
        fl_req_fail(req, &err);
        return;
    }
    fl_req_head(req, 200, METRICS_TYPE);
    fl_req_piece(req, fl_buf_span(&out));
    fl_req_end(req);
}

int fl_api_metrics(struct fl_req *req, struct fl_err *err)
{
    return fl_gather(req, FL_WANT_ROLES | FL_WANT_STORE | FL_WANT_KEYS, metrics, err);
}
