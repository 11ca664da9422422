/*
 * Feeds: when each is due, what outbound is asked, what becomes of the answer. Events come one by
 * one, are queued, and are stored some at a time in one transaction, so that a feed of thousands
 * holds nobody up; when the queue is full, outbound waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "base/time.h"
#include "fairleadd/core.h"
#include "fairleadd/core_feed.h"

enum {
    RUNS = 8,
    GENERATIONS = 128, /* RUNS * GENERATIONS ids */
    BATCH = 64,        /* events of a transaction */
    BATCH_US = 15000,  /* or so long */
    TIMEOUT_MS = 60000,
    PATIENCE_S = 900,
    LOST_S = 5,
    FORGET_TICKS = 3600
};
#define FETCH_BYTES ((uint64_t)16 << 20)
#define QUEUE_BYTES ((size_t)4 << 20)
#define SEEN_BYTES  ((size_t)1 << 20) /* numbers of events of one run */

struct run {
    bool busy;
    bool ended; /* in the transaction under way */
    unsigned generation;
    uint32_t feed;
    char slug[FL_SLUG_MAX + 1], url[FL_URL_MAX + 1];
    int64_t begun_us; /* monotonic */
    uint64_t events, changes, refused;
    int64_t oldest_us;  /* from of the oldest event that it has; INT64_MAX: none */
    struct fl_buf seen; /* u32 each: events that it still tells of */
};

struct item {
    struct item *next;
    struct run *run;
    unsigned generation;
    enum fl_msg_type type;
    struct fl_buf payload;
};

struct fl_core_feeds {
    struct fl_core *core;
    struct run run[RUNS];
    struct item *first, **end;
    size_t queued_bytes;
    bool paused;
    struct fl_watch *work; /* timer: store some */
    struct fl_buf changed; /* u32 each: to be told behind the commit */
    struct fl_buf silent;  /* u32 each: to be looked at, at the end of a run */
};

static uint32_t id_of(const struct fl_core_feeds *f, const struct run *run)
{
    return FL_CORE_ID_FEED + run->generation * RUNS + (uint32_t)(run - f->run);
}

/* ---- the end of a run ---- */

static void free_run(struct run *run)
{
    fl_buf_done(&run->seen);
    run->busy = false;
    run->generation = (run->generation + 1) % GENERATIONS;
}

static void set_text(char *to, size_t size, struct fl_span text)
{
    (void)snprintf(to, size, "%.*s", (int)(text.len < size ? text.len : size - 1),
                   text.len == 0 ? "" : (const char *)text.ptr);
}

/* What the run found out about the feed itself. */
static void put_end(struct fl_feed *feed, const struct run *run, const struct fl_msg_fetched *end,
                    int64_t now_us)
{
    bool well = end->code == FL_OK;

    feed->last_us = now_us;
    feed->status = end->status;
    feed->runs++;
    feed->unchanged += end->not_modified ? 1 : 0;
    feed->events += run->events;
    feed->changes += run->changes;
    feed->refused += run->refused;
    feed->bytes += end->bytes;
    if (well) {
        feed->ok_us = now_us;
        feed->failures = 0;
        feed->failing_us = 0;
        feed->problem[0] = '\0';
    } else if (end->code != FL_E_AGAIN) {
        feed->failures++;
        if (feed->failing_us == 0)
            feed->failing_us = now_us;
        set_text(feed->problem, sizeof feed->problem, end->text);
    }
    if (well && strcmp(feed->url, run->url) == 0) { /* else: it was changed meanwhile */
        set_text(feed->etag, sizeof feed->etag, end->etag);
        set_text(feed->modified, sizeof feed->modified,
                 end->modified.len < sizeof feed->modified ? end->modified : FL_SPAN(""));
    }
    feed->next_us = end->code == FL_E_AGAIN ? now_us + LOST_S * FL_US_PER_S
                                            : fl_feed_next_us(feed, end->retry_after_s,
                                                              (uint32_t)fl_random_u64(), now_us);
}

static int store_end(struct fl_core_feeds *f, const struct run *run,
                     const struct fl_msg_fetched *end, struct fl_err *err)
{
    struct fl_db *db = f->core->db;
    struct fl_feed feed = {.id = 0};
    int64_t now_us = fl_now_us();
    int r = fl_db_feed_by_id(db, run->feed, &feed, err);

    if (r < 0)
        return r == FL_E_NOENT ? FL_OK : r; /* it was removed meanwhile */
    put_end(&feed, run, end, now_us);
    r = fl_db_feed_set(db, &feed, err);
    if (r == FL_OK && end->retry_after_s > 0)
        r = fl_db_feeds_hold(db, feed.host, now_us + (int64_t)end->retry_after_s * FL_US_PER_S,
                             err);
    return r;
}

static void lose_run(struct fl_core_feeds *f, struct run *run, const char *why)
{
    const struct fl_msg_fetched end = {.code = FL_E_IO, .text = fl_span_str(why)};
    struct fl_err err;

    if (f->core->db != NULL && store_end(f, run, &end, &err) < 0)
        fl_role_log(f->core->env, FL_LOG_WARN, "feed %s: %s", run->slug, err.text);
    free_run(run);
}

/* ---- silence ---- */

static int compare_ids(const void *a, const void *b)
{
    uint32_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

struct silence {
    struct fl_core_feeds *f;
    const struct run *run;
};

static int note_silent(void *ctx, uint32_t id)
{
    const struct silence *s = ctx;

    if (bsearch(&id, s->run->seen.ptr, s->run->seen.len / sizeof id, sizeof id, compare_ids) ==
        NULL)
        fl_buf_put(&s->f->silent, &id, sizeof id);
    return 0;
}

static void tell_changed(struct fl_core_feeds *f, uint32_t event)
{
    for (size_t i = 0; i + 4 <= f->changed.len && i < (size_t)4 * BATCH; i += 4)
        if (memcmp(f->changed.ptr + i, &event, 4) == 0)
            return;
    fl_buf_put(&f->changed, &event, 4);
}

/* Events of the feed that a whole answer does not have any more. */
static int take_silence(struct fl_core_feeds *f, struct run *run, const struct fl_msg_fetched *end,
                        struct fl_err *err)
{
    struct silence s = {.f = f, .run = run};
    int r;

    if (end->code != FL_OK || end->not_modified || run->events == 0 || run->refused > 0 ||
        run->seen.failed != 0)
        return FL_OK;
    fl_buf_clear(&f->silent);
    qsort(run->seen.ptr, run->seen.len / sizeof(uint32_t), sizeof(uint32_t), compare_ids);
    r = fl_db_events_of_feed(f->core->db, run->slug, run->oldest_us, note_silent, &s, err);
    for (size_t i = 0; r == FL_OK && f->silent.failed == 0 && i + 4 <= f->silent.len; i += 4) {
        bool changed = false;
        uint32_t id;

        memcpy(&id, f->silent.ptr + i, 4);
        r = fl_event_silent(f->core->db, run->slug, id, run->oldest_us, fl_now_us(), &changed, err);
        if (changed) {
            run->changes++;
            tell_changed(f, id);
        }
    }
    return r;
}

/* ---- what came ---- */

static int keep_refused(struct fl_core_feeds *f, struct run *run, struct fl_span why,
                        struct fl_span from, struct fl_span head, uint64_t bytes,
                        struct fl_err *err)
{
    const struct fl_db_refused refused = {.feed = run->feed,
                                          .at_us = fl_now_us(),
                                          .why = why,
                                          .source = from,
                                          .head = head,
                                          .bytes = bytes};
    int r = fl_db_refused_add(f->core->db, &refused, err);

    run->refused++;
    return r == FL_E_NOENT ? FL_OK : r; /* the feed was removed meanwhile */
}

static int take_event(struct fl_core_feeds *f, struct run *run, struct fl_span payload,
                      struct fl_err *err)
{
    struct fl_event_taken taken = {.event = 0};
    struct fl_msg_feed_event msg;
    int r = fl_msg_decode(FL_MSG_FEED_EVENT, payload, &msg, err);

    if (r == FL_OK)
        r = fl_event_take(f->core->db, run->slug, msg.json, fl_now_us(), &taken, err);
    if (r == FL_E_INVAL || r == FL_E_PROTO) {
        char why[sizeof err->text];

        (void)snprintf(why, sizeof why, "%s", err->text);
        msg.json.len = msg.json.len < FL_MSG_HEAD_MAX ? msg.json.len : FL_MSG_HEAD_MAX;
        return keep_refused(f, run, fl_span_str(why), FL_SPAN(""), msg.json, payload.len, err);
    }
    if (r < 0)
        return r;
    run->events++;
    run->changes += taken.changed ? 1 : 0;
    if (taken.from_us != 0 && taken.from_us < run->oldest_us)
        run->oldest_us = taken.from_us;
    fl_buf_put(&run->seen, &taken.event, sizeof taken.event);
    if (taken.changed)
        tell_changed(f, taken.event);
    for (unsigned i = 0; i < taken.merged_count; i++)
        tell_changed(f, taken.merged[i]);
    return FL_OK;
}

static int take_refused(struct fl_core_feeds *f, struct run *run, struct fl_span payload,
                        struct fl_err *err)
{
    struct fl_msg_feed_refused msg;
    int r = fl_msg_decode(FL_MSG_FEED_REFUSED, payload, &msg, err);

    return r < 0 ? r : keep_refused(f, run, msg.why, msg.from, msg.head, msg.bytes, err);
}

/* The counts of its end are more than were told, where there are many of them. */
static int take_end(struct fl_core_feeds *f, struct run *run, struct fl_span payload,
                    struct fl_err *err)
{
    struct fl_msg_fetched end;
    int r = fl_msg_decode(FL_MSG_FETCHED, payload, &end, err);

    if (r < 0)
        return r;
    if (end.refused > run->refused)
        run->refused = end.refused;
    r = take_silence(f, run, &end, err);
    if (r == FL_OK)
        r = store_end(f, run, &end, err);
    run->ended = r == FL_OK;
    return r;
}

static int take_item(struct fl_core_feeds *f, const struct item *item, struct fl_err *err)
{
    struct fl_span payload = fl_buf_span(&item->payload);

    if (!item->run->busy || item->generation != item->run->generation)
        return FL_OK;          /* of a run that was given up */
    switch ((int)item->type) { /* int: nothing else is queued */
    case FL_MSG_FEED_EVENT:
        return take_event(f, item->run, payload, err);
    case FL_MSG_FEED_REFUSED:
        return take_refused(f, item->run, payload, err);
    default:
        return take_end(f, item->run, payload, err);
    }
}

/* ---- the queue ---- */

static void drop_item(struct fl_core_feeds *f)
{
    struct item *item = f->first;

    f->first = item->next;
    if (f->first == NULL)
        f->end = &f->first;
    f->queued_bytes -= item->payload.len;
    fl_buf_done(&item->payload);
    free(item);
}

/* Some of the queue in one transaction: how many were taken, or why none was. */
static int take_some(struct fl_core_feeds *f, unsigned most, struct fl_err *err)
{
    int64_t until_us = fl_now_mono_us() + BATCH_US;
    const struct item *item = f->first;
    unsigned taken = 0;
    int r = fl_db_begin(f->core->db, err);

    if (r < 0)
        return r;
    while (r == FL_OK && item != NULL && taken < most && fl_now_mono_us() < until_us) {
        bool end = item->type == FL_MSG_FETCHED;

        r = take_item(f, item, err);
        taken++;
        item = item->next;
        if (end || (item != NULL && item->type == FL_MSG_FETCHED))
            break; /* the end of a run looks at all of it: by itself */
    }
    if (r == FL_OK)
        r = fl_db_commit(f->core->db, err);
    if (r == FL_OK)
        return (int)taken;
    fl_db_rollback(f->core->db);
    return r;
}

static void tell_all(struct fl_core_feeds *f)
{
    for (size_t i = 0; i + 4 <= f->changed.len; i += 4) {
        uint32_t event;

        memcpy(&event, f->changed.ptr + i, 4);
        fl_core_event_changed(f->core, event);
    }
    fl_buf_clear(&f->changed);
}

/* What a batch did to the runs that came to their end in it, once it is known whether it stands. */
static void settle_runs(struct fl_core_feeds *f, bool stands)
{
    for (size_t i = 0; i < RUNS; i++) {
        if (f->run[i].busy && f->run[i].ended && stands)
            free_run(&f->run[i]);
        f->run[i].ended = false;
    }
    if (!stands)
        fl_buf_clear(&f->changed);
}

/* The one at the front cannot be stored; without it the others can. */
static void give_front_up(struct fl_core_feeds *f, const struct fl_err *err)
{
    struct item *item = f->first;
    struct run *run = item->run;

    fl_role_log(f->core->env, FL_LOG_WARN, "feed %s: an event could not be stored: %s", run->slug,
                err->text);
    if (item->type == FL_MSG_FETCHED && run->busy && item->generation == run->generation)
        lose_run(f, run, err->text);
    drop_item(f);
}

static void on_work(void *ctx)
{
    struct fl_core_feeds *f = ctx;
    struct fl_imsg *link = f->core->link[FL_ROLE_OUTBOUND];
    struct fl_err err;
    int n;

    if (f->first == NULL || f->core->db == NULL)
        return;
    n = take_some(f, BATCH, &err);
    settle_runs(f, n >= 0);
    if (n < 0) {
        n = take_some(f, 1, &err);
        settle_runs(f, n >= 0);
    }
    if (n < 0)
        give_front_up(f, &err);
    for (int i = 0; i < n; i++)
        drop_item(f);
    tell_all(f);
    if (f->paused && f->queued_bytes < QUEUE_BYTES / 2 && link != NULL) {
        f->paused = false;
        fl_imsg_pause(link, 0);
    }
    if (f->first != NULL)
        fl_watch_rearm(f->work, 1); /* requests have their turn */
}

static void queue(struct fl_core_feeds *f, struct run *run, const struct fl_imsg_in *in,
                  enum fl_msg_type type, struct fl_span payload)
{
    struct item *item = calloc(1, sizeof *item);

    if (item == NULL) {
        lose_run(f, run, "no memory for what it gave");
        return;
    }
    (void)in;
    *item = (struct item){.run = run, .generation = run->generation, .type = type};
    fl_buf_init(&item->payload, FL_MSG_MAX_BYTES);
    fl_buf_put_span(&item->payload, payload);
    if (item->payload.failed != 0) {
        fl_buf_done(&item->payload);
        free(item);
        lose_run(f, run, "no memory for what it gave");
        return;
    }
    *f->end = item;
    f->end = &item->next;
    f->queued_bytes += item->payload.len;
    if (f->queued_bytes > QUEUE_BYTES && !f->paused && f->core->link[FL_ROLE_OUTBOUND] != NULL) {
        f->paused = true;
        fl_imsg_pause(f->core->link[FL_ROLE_OUTBOUND], 1);
    }
    fl_watch_rearm(f->work, 0);
}

/* A run that could not even begin there. */
static void take_fail(struct fl_core_feeds *f, struct run *run, struct fl_span payload)
{
    struct fl_msg_fail msg;
    char why[200];

    if (fl_msg_decode(FL_MSG_FAIL, payload, &msg, NULL) < 0)
        msg.text = FL_SPAN("outbound refused it");
    set_text(why, sizeof why, msg.text);
    lose_run(f, run, why);
}

bool fl_core_feeds_message(struct fl_core *core, enum fl_role from, const struct fl_imsg_in *in)
{
    struct fl_core_feeds *f = core->feeds;
    struct run *run;

    if (from != FL_ROLE_OUTBOUND || in->id < FL_CORE_ID_FEED ||
        in->id >= FL_CORE_ID_FEED + RUNS * GENERATIONS)
        return false;
    run = &f->run[(in->id - FL_CORE_ID_FEED) % RUNS];
    if (!run->busy || id_of(f, run) != in->id)
        return true; /* of a run that was given up */
    if (in->type == FL_MSG_FEED_EVENT || in->type == FL_MSG_FEED_REFUSED ||
        in->type == FL_MSG_FETCHED)
        queue(f, run, in, in->type, in->payload);
    else if (in->type == FL_MSG_FAIL)
        take_fail(f, run, in->payload);
    return true;
}

/* ---- when ---- */

struct due {
    struct fl_core_feeds *f;
    struct fl_feed feed[RUNS];
    unsigned count;
};

static int add_due(void *ctx, const struct fl_feed *feed)
{
    struct due *due = ctx;

    for (size_t i = 0; i < RUNS; i++)
        if (due->f->run[i].busy && due->f->run[i].feed == feed->id)
            return 0;
    if (due->count == RUNS)
        return 1;
    due->feed[due->count++] = *feed;
    return 0;
}

static void begin_run(struct fl_core_feeds *f, struct run *run, const struct fl_feed *feed)
{
    const struct fl_msg_fetch msg = {.feed = feed->id,
                                     .name = fl_span_str(feed->slug),
                                     .kind = fl_span_str(feed->kind),
                                     .url = fl_span_str(feed->url),
                                     .plain = feed->plain,
                                     .etag = fl_span_str(feed->etag),
                                     .modified = fl_span_str(feed->modified),
                                     .columns = fl_span_str(feed->columns),
                                     .max_bytes = FETCH_BYTES,
                                     .timeout_ms = TIMEOUT_MS};
    unsigned generation = run->generation;

    *run = (struct run){.busy = true,
                        .generation = generation,
                        .feed = feed->id,
                        .begun_us = fl_now_mono_us(),
                        .oldest_us = INT64_MAX};
    memcpy(run->slug, feed->slug, sizeof run->slug);
    memcpy(run->url, feed->url, sizeof run->url);
    fl_buf_init(&run->seen, SEEN_BYTES);
    if (fl_imsg_send(f->core->link[FL_ROLE_OUTBOUND], FL_MSG_FETCH, id_of(f, run), &msg, -1, NULL) <
        0)
        free_run(run); /* the next second tries again */
}

static void begin_due(struct fl_core_feeds *f)
{
    struct due *due = calloc(1, sizeof *due);
    size_t at = 0;

    if (due == NULL)
        return;
    due->f = f;
    (void)!fl_db_feeds_due(f->core->db, fl_now_us(), 2 * RUNS, add_due, due, NULL);
    for (unsigned i = 0; i < due->count; i++) {
        while (at < RUNS && f->run[at].busy)
            at++;
        if (at == RUNS)
            break;
        begin_run(f, &f->run[at], &due->feed[i]);
    }
    free(due);
}

void fl_core_feeds_tick(struct fl_core *core)
{
    struct fl_core_feeds *f = core->feeds;
    int64_t late_us = fl_now_mono_us() - PATIENCE_S * FL_US_PER_S;

    if (core->db == NULL)
        return;
    for (size_t i = 0; i < RUNS; i++)
        if (f->run[i].busy && f->run[i].begun_us < late_us)
            lose_run(f, &f->run[i], "it did not come to an end in 15 minutes");
    if (core->ticks % FORGET_TICKS == 0)
        (void)!fl_db_events_forget(core->db, NULL); /* of tenants that are gone; again in an hour */
    if (f->first != NULL)
        fl_watch_rearm(f->work, 0); /* what came before the database was open */
    if (core->link[FL_ROLE_OUTBOUND] != NULL)
        begin_due(f);
}

/* What was told already is stored; the rest comes with the next run. A feed that ends the process
 * each time is asked ever more seldom, as one that fails. */
void fl_core_feeds_lost(struct fl_core *core, enum fl_role role)
{
    struct fl_core_feeds *f = core->feeds;

    if (role != FL_ROLE_OUTBOUND)
        return;
    f->paused = false;
    for (size_t i = 0; i < RUNS; i++)
        if (f->run[i].busy)
            lose_run(f, &f->run[i], "the process that reads feeds ended while it read this one");
}

int fl_core_feeds_new(struct fl_core *core, struct fl_err *err)
{
    struct fl_core_feeds *f = calloc(1, sizeof *f);
    int r;

    if (f == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for feeds");
    f->core = core;
    f->end = &f->first;
    fl_buf_init(&f->silent, SEEN_BYTES);
    fl_buf_init(&f->changed, SEEN_BYTES);
    r = fl_watch_timer(core->env->loop, -1, 0, on_work, f, &f->work, err);
    if (r < 0) {
        free(f);
        return r;
    }
    core->feeds = f;
    return FL_OK;
}

void fl_core_feeds_free(struct fl_core *core)
{
    struct fl_core_feeds *f = core->feeds;

    if (f == NULL)
        return;
    while (f->first != NULL)
        drop_item(f);
    for (size_t i = 0; i < RUNS; i++)
        if (f->run[i].busy)
            free_run(&f->run[i]);
    fl_buf_done(&f->silent);
    fl_buf_done(&f->changed);
    fl_watch_free(f->work);
    free(f);
    core->feeds = NULL;
}
