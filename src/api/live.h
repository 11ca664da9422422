/*
 * live.h - what is known of senders at this moment: counters by device, and open connections. Fed
 * by messages of ingest; read by handlers.
 *
 * Counters are sums over all boots of ingest (model/device.h); the program loads them from the
 * database at start and stores those that changed.
 */
#ifndef FL_API_LIVE_H
#define FL_API_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "codec/msg.h"
#include "model/device.h"

#define FL_LIVE_DEVICES_MAX 100000u
#define FL_LIVE_CONNS_MAX   20000u

struct fl_live;

struct fl_live_device {
    struct fl_counters counters;
    uint32_t open; /* connections, as ingest says; 0 while it is away */
    bool dirty;    /* changed since it was stored */
};

struct fl_live_conn {
    uint64_t conn;
    uint32_t tenant;
    char device[FL_SLUG_MAX + 1];
    char address[80], listener[64];
    int64_t since_us;
    uint64_t received, accepted;
};

int fl_live_new(struct fl_live **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_live_free(struct fl_live *live); /* NULL is allowed */

/* What the database has; a report that came before it is added to it. FL_E_LIMIT, FL_E_NOMEM. */
int fl_live_load(struct fl_live *live, const struct fl_counters *counters, struct fl_err *err)
    FL_MUST_CHECK;
void fl_live_stat(struct fl_live *live, const struct fl_msg_device_stat *report);
void fl_live_conn(struct fl_live *live, const struct fl_msg_conn_stat *report);
void fl_live_ingest_gone(struct fl_live *live); /* its connections went with it */
void fl_live_forget(struct fl_live *live, uint32_t tenant,
                    const char *device); /* NULL: all of it */

/* NULL when nothing was heard of it. Borrowed until the next change. */
const struct fl_live_device *fl_live_device(const struct fl_live *live, uint32_t tenant,
                                            const char *device);
/* Every device of the tenant that was heard of, listed or not. */
void fl_live_each(const struct fl_live *live, uint32_t tenant,
                  void (*fn)(void *ctx, const struct fl_live_device *device), void *ctx);
/* fn for each device that changed since; its mark is taken away when fn returns 0. */
void fl_live_each_dirty(struct fl_live *live,
                        int (*fn)(void *ctx, const struct fl_counters *counters), void *ctx);
void fl_live_each_conn(const struct fl_live *live, uint32_t tenant, const char *device,
                       void (*fn)(void *ctx, const struct fl_live_conn *conn), void *ctx);

#endif
