#include <stdio.h>
#include <string.h>

#include "api/live.h"
#include "tap.h"

static void stat(struct fl_live *live, const char *device, uint64_t boot, uint64_t lines)
{
    struct fl_msg_device_stat msg = {.tenant = 1,
                                     .device = fl_span_str(device),
                                     .boot = boot,
                                     .lines = lines,
                                     .open = 1,
                                     .last_us = 5};

    fl_live_stat(live, &msg);
}

static uint64_t lines(const struct fl_live *live, const char *device)
{
    const struct fl_live_device *d = fl_live_device(live, 1, device);

    return d == NULL ? 999999 : d->counters.total[FL_COUNT_LINES];
}

static int count_one(void *ctx, const struct fl_counters *counters)
{
    (void)counters;
    ++*(int *)ctx;
    return 0;
}

static void count_conn(void *ctx, const struct fl_live_conn *conn)
{
    *(uint64_t *)ctx += conn->received;
}

static void conn(struct fl_live *live, uint64_t number, uint64_t received, uint8_t open)
{
    struct fl_msg_conn_stat msg = {.conn = number,
                                   .tenant = 1,
                                   .device = FL_SPAN("a"),
                                   .address = FL_SPAN("192.0.2.1:5"),
                                   .received = received,
                                   .open = open};

    fl_live_conn(live, &msg);
}

static uint64_t received(const struct fl_live *live)
{
    uint64_t sum = 0;

    fl_live_each_conn(live, 1, "a", count_conn, &sum);
    return sum;
}

int main(void)
{
    struct fl_counters kept = {.tenant = 1, .device = "kept", .boot = 3};
    struct fl_live *live;
    struct fl_err err;
    int dirty = 0, others = 0;

    if (fl_live_new(&live, &err) < 0)
        return 1;
    stat(live, "a", 7, 10);
    stat(live, "a", 7, 15);
    CHECK(lines(live, "a") == 15, "reports of one boot do not add up twice");
    stat(live, "a", 8, 4);
    CHECK(lines(live, "a") == 19, "another boot counts from its beginning");
    kept.total[FL_COUNT_LINES] = 100;
    kept.seen[FL_COUNT_LINES] = 40;
    CHECK(fl_live_load(live, &kept, &err) == 0, "load");
    stat(live, "kept", 3, 50);
    CHECK(lines(live, "kept") == 110, "what the database had goes on where it was");
    stat(live, "early", 3, 60);
    (void)snprintf(kept.device, sizeof kept.device, "early");
    CHECK(fl_live_load(live, &kept, &err) == 0 && lines(live, "early") == 120,
          "a report that comes before the database is added to what it has");
    fl_live_each_dirty(live, count_one, &dirty);
    CHECK(dirty == 3, "what changed is stored");
    fl_live_each_dirty(live, count_one, &dirty);
    CHECK(dirty == 3, "and once only");
    CHECK(fl_live_device(live, 2, "a") == NULL && fl_live_device(live, 1, "b") == NULL,
          "another tenant's device is another one");

    for (uint32_t tenant = 2; tenant < 100000; tenant++)
        others += fl_live_device(live, tenant, "a") != NULL;
    CHECK(others == 0, "also where their places in the table fall together");

    conn(live, 1, 10, 1);
    conn(live, 2, 5, 1);
    conn(live, 1, 20, 1);
    CHECK(received(live) == 25, "connections are known by number");
    conn(live, 2, 6, 0);
    CHECK(received(live) == 20, "a closed one is gone");
    fl_live_ingest_gone(live);
    CHECK(received(live) == 0 && fl_live_device(live, 1, "a")->open == 0 && lines(live, "a") == 19,
          "with ingest its connections go, the sums stay");
    fl_live_forget(live, 1, "a");
    CHECK(fl_live_device(live, 1, "a") == NULL && lines(live, "kept") == 110, "forget one");
    for (int i = 0; i < 2000; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "d%d", i);
        stat(live, name, 1, (uint64_t)i);
    }
    CHECK(lines(live, "d1999") == 1999 && lines(live, "d0") == 0, "many devices");
    fl_live_forget(live, 1, NULL);
    CHECK(fl_live_device(live, 1, "d7") == NULL, "forget a tenant");
    fl_live_free(live);
    return tap_done();
}
