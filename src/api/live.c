#include "api/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384u

struct entry {
    struct entry *next;
    struct fl_live_device device;
};

struct conn_entry {
    struct conn_entry *next;
    struct fl_live_conn conn;
};

struct fl_live {
    struct entry *buckets[BUCKETS];
    size_t devices;
    struct conn_entry *conns[BUCKETS];
    size_t conn_count;
};

int fl_live_new(struct fl_live **ret, struct fl_err *err)
{
    struct fl_live *live = calloc(1, sizeof *live);

    if (live == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the device counters");
    *ret = live;
    return FL_OK;
}

static void drop_conns(struct fl_live *live)
{
    for (size_t b = 0; b < BUCKETS; b++) {
        while (live->conns[b] != NULL) {
            struct conn_entry *next = live->conns[b]->next;

            free(live->conns[b]);
            live->conns[b] = next;
        }
    }
    live->conn_count = 0;
}

void fl_live_free(struct fl_live *live)
{
    if (live == NULL)
        return;
    drop_conns(live);
    for (size_t b = 0; b < BUCKETS; b++) {
        while (live->buckets[b] != NULL) {
            struct entry *next = live->buckets[b]->next;

            free(live->buckets[b]);
            live->buckets[b] = next;
        }
    }
    free(live);
}

static size_t bucket_of(uint32_t tenant, struct fl_span device)
{
    return (fl_span_hash(device) ^ tenant * UINT64_C(0x9E3779B97F4A7C15)) % BUCKETS;
}

static struct entry **find(const struct fl_live *live, uint32_t tenant, struct fl_span device)
{
    struct entry *const *at = &live->buckets[bucket_of(tenant, device)];

    while (*at != NULL && ((*at)->device.counters.tenant != tenant ||
                           !fl_span_eq(fl_span_str((*at)->device.counters.device), device)))
        at = &(*at)->next;
    return (struct entry **)(uintptr_t)at; /* const only for readers */
}

/* The entry of a device, made when there is none; NULL when the limit is reached. */
static struct entry *get(struct fl_live *live, uint32_t tenant, struct fl_span device)
{
    struct entry **at = find(live, tenant, device);
    struct fl_counters *c;

    if (*at != NULL)
        return *at;
    if (live->devices >= FL_LIVE_DEVICES_MAX || device.len > FL_SLUG_MAX)
        return NULL;
    *at = calloc(1, sizeof **at);
    if (*at == NULL)
        return NULL;
    live->devices++;
    c = &(*at)->device.counters;
    c->tenant = tenant;
    (void)snprintf(c->device, sizeof c->device, "%.*s", FL_SPAN_ARG(device));
    return *at;
}

/* The report that counters saw last, to be added to other ones. */
static struct fl_msg_device_stat report_of(const struct fl_counters *c)
{
    return (struct fl_msg_device_stat){
        .boot = c->boot,
        .lines = c->seen[FL_COUNT_LINES],
        .bytes = c->seen[FL_COUNT_BYTES],
        .unparsed = c->seen[FL_COUNT_UNPARSED],
        .raw_kept = c->seen[FL_COUNT_RAW_KEPT],
        .repaired = c->seen[FL_COUNT_REPAIRED],
        .truncated = c->seen[FL_COUNT_TRUNCATED],
        .clock_off = c->seen[FL_COUNT_CLOCK_OFF],
        .accepted = c->seen[FL_COUNT_ACCEPTED],
        .lost = c->seen[FL_COUNT_LOST],
        .dropped = c->seen[FL_COUNT_DROPPED],
        .connects = c->seen[FL_COUNT_CONNECTS],
        .gaps = c->seen[FL_COUNT_GAPS],
        .last_us = c->last_us,
        .skew_us = c->skew_us,
        .gap_us = c->gap_us,
    };
}

int fl_live_load(struct fl_live *live, const struct fl_counters *counters, struct fl_err *err)
{
    struct entry *e = get(live, counters->tenant, fl_span_str(counters->device));
    struct fl_msg_device_stat report;
    bool reported;

    if (e == NULL)
        return fl_err_set(err, FL_E_LIMIT, "counters of more than %u devices", FL_LIVE_DEVICES_MAX);
    report = report_of(&e->device.counters);
    reported = e->device.dirty;
    e->device.counters = *counters;
    if (reported)
        fl_counters_add(&e->device.counters, &report);
    return FL_OK;
}

void fl_live_stat(struct fl_live *live, const struct fl_msg_device_stat *report)
{
    struct entry *e = get(live, report->tenant, report->device);

    if (e == NULL)
        return;
    fl_counters_add(&e->device.counters, report);
    e->device.open = report->open;
    e->device.dirty = true;
}

static void put_text(char *to, size_t size, struct fl_span from)
{
    (void)snprintf(to, size, "%.*s", FL_SPAN_ARG(from));
}

static void conn_fill(struct fl_live_conn *conn, const struct fl_msg_conn_stat *report)
{
    conn->conn = report->conn;
    conn->tenant = report->tenant;
    put_text(conn->device, sizeof conn->device, report->device);
    put_text(conn->address, sizeof conn->address, report->address);
    put_text(conn->listener, sizeof conn->listener, report->listener);
    conn->since_us = report->since_us;
    conn->received = report->received;
    conn->accepted = report->accepted;
}

void fl_live_conn(struct fl_live *live, const struct fl_msg_conn_stat *report)
{
    struct conn_entry **at = &live->conns[report->conn % BUCKETS];

    while (*at != NULL && (*at)->conn.conn != report->conn)
        at = &(*at)->next;
    if (*at == NULL && report->open != 0 && live->conn_count < FL_LIVE_CONNS_MAX) {
        *at = calloc(1, sizeof **at);
        live->conn_count += *at != NULL;
    }
    if (*at == NULL)
        return;
    if (report->open != 0) {
        conn_fill(&(*at)->conn, report);
    } else {
        struct conn_entry *gone = *at;

        *at = gone->next;
        live->conn_count--;
        free(gone);
    }
}

void fl_live_ingest_gone(struct fl_live *live)
{
    drop_conns(live);
    for (size_t b = 0; b < BUCKETS; b++)
        for (struct entry *e = live->buckets[b]; e != NULL; e = e->next)
            e->device.open = 0;
}

void fl_live_forget(struct fl_live *live, uint32_t tenant, const char *device)
{
    for (size_t b = 0; b < BUCKETS; b++) {
        struct entry **at = &live->buckets[b];

        while (*at != NULL) {
            struct entry *e = *at;

            if (e->device.counters.tenant == tenant &&
                (device == NULL || strcmp(e->device.counters.device, device) == 0)) {
                *at = e->next;
                live->devices--;
                free(e);
            } else {
                at = &e->next;
            }
        }
    }
}

const struct fl_live_device *fl_live_device(const struct fl_live *live, uint32_t tenant,
                                            const char *device)
{
    struct entry *e = *find(live, tenant, fl_span_str(device));

    return e == NULL ? NULL : &e->device;
}

void fl_live_each(const struct fl_live *live, uint32_t tenant,
                  void (*fn)(void *ctx, const struct fl_live_device *device), void *ctx)
{
    for (size_t b = 0; b < BUCKETS; b++)
        for (const struct entry *e = live->buckets[b]; e != NULL; e = e->next)
            if (e->device.counters.tenant == tenant)
                fn(ctx, &e->device);
}

void fl_live_each_dirty(struct fl_live *live,
                        int (*fn)(void *ctx, const struct fl_counters *counters), void *ctx)
{
    for (size_t b = 0; b < BUCKETS; b++)
        for (struct entry *e = live->buckets[b]; e != NULL; e = e->next)
            if (e->device.dirty && fn(ctx, &e->device.counters) == 0)
                e->device.dirty = false;
}

void fl_live_each_conn(const struct fl_live *live, uint32_t tenant, const char *device,
                       void (*fn)(void *ctx, const struct fl_live_conn *conn), void *ctx)
{
    for (size_t b = 0; b < BUCKETS; b++)
        for (const struct conn_entry *e = live->conns[b]; e != NULL; e = e->next)
            if (e->conn.tenant == tenant && strcmp(e->conn.device, device) == 0)
                fn(ctx, &e->conn);
}
