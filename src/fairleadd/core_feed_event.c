#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "codec/json.h"
#include "fairleadd/core_feed.h"
#include "supply/identity.h"

#define ARENA_MAX      ((size_t)16 << 20) /* an event and what others say of it */
#define CANDIDATES_MAX 48u
#define KM_PER_DEG     111.2
#define MERGES_MAX     8u /* pointers that are followed */

struct take {
    struct fl_db *db;
    const char *feed;
    int64_t now_us;
    struct fl_arena arena;
    struct fl_world_event event;        /* the incoming */
    struct fl_span json;                /* ... as it came */
    uint32_t found[FL_EVENT_FOUND_MAX]; /* events that it is, oldest first */
    unsigned found_count;
};

/* ---- which events is it? ---- */

static void add_found(struct take *t, uint32_t id)
{
    unsigned at = 0;

    while (at < t->found_count && t->found[at] < id)
        at++;
    if (t->found_count == FL_EVENT_FOUND_MAX || (at < t->found_count && t->found[at] == id))
        return;
    memmove(&t->found[at + 1], &t->found[at], (t->found_count - at) * sizeof t->found[0]);
    t->found[at] = id;
    t->found_count++;
}

/* An exercise and what is actual never are the same, whatever they call each other. */
static bool same_sort(const struct take *t, const struct fl_db_event *row)
{
    return row->status == (uint32_t)t->event.status;
}

static int find_by_name(struct take *t, struct fl_span name, struct fl_err *err)
{
    struct fl_db_event row = {.id = 0};
    uint32_t id = 0;
    int r = fl_db_event_by_name(t->db, 0, name, &id, err);

    if (r < 0)
        return r == FL_E_NOENT ? FL_OK : r;
    r = fl_db_event_get(t->db, id, &row, NULL, err);
    for (unsigned i = 0; r == FL_OK && row.merged_into != 0 && i < MERGES_MAX; i++)
        r = fl_db_event_get(t->db, row.merged_into, &row, NULL, err);
    if (r == FL_OK && same_sort(t, &row))
        add_found(t, row.id);
    return r;
}

static int find_by_names(struct take *t, struct fl_err *err)
{
    int r = FL_OK;

    for (uint32_t i = 0; r == FL_OK && i < t->event.id_count; i++)
        r = find_by_name(t, t->event.ids[i], err);
    for (uint32_t i = 0; r == FL_OK && i < t->event.reference_count; i++)
        r = find_by_name(t, t->event.references[i], err);
    return r;
}

struct candidates {
    const struct take *t;
    uint32_t id[CANDIDATES_MAX];
    unsigned count;
};

static int add_candidate(void *ctx, const struct fl_db_event *row)
{
    struct candidates *c = ctx;

    if (same_sort(c->t, row) && c->count < CANDIDATES_MAX)
        c->id[c->count++] = row->id;
    return 0;
}

struct compare {
    const struct take *t;
    bool own, near; /* this feed tells of it already; one of its reports is near */
    int failed;
};

static int compare_report(void *ctx, struct fl_span feed, int64_t received_us, struct fl_span json)
{
    struct compare *c = ctx;
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_world_event *event;

    (void)received_us;
    fl_arena_init(&arena, ARENA_MAX);
    if (fl_span_eq(feed, fl_span_str(c->t->feed)))
        c->own = true;
    if (c->own || c->near)
        return 0;
    event = fl_arena_get(&arena, sizeof *event);
    if (event == NULL)
        return FL_E_NOMEM;
    if (fl_world_event_read(json, &arena, event, NULL) == FL_OK &&
        fl_identity_same(event, &c->t->event) == FL_SAME_NEAR)
        c->near = true;
    return 0;
}

/* Another feed's word of the same thing, under no name in common. */
static int find_near(struct take *t, struct fl_err *err)
{
    const struct fl_world_event *e = &t->event;
    double reach = fl_identity_reach_km(e) / KM_PER_DEG;
    int64_t reach_us = fl_identity_reach_us(e);
    struct fl_db_event here = {.id = 0};
    struct candidates c = {.t = t};
    struct fl_db_event_near near;
    int r;

    fl_db_event_fill(&here, e);
    if (!here.placed || !(reach > 0) || reach_us <= 0 || here.from_us == 0)
        return FL_OK;
    near = (struct fl_db_event_near){.from_us = here.from_us - reach_us,
                                     .to_us = here.from_us + reach_us,
                                     .south_e6 = here.lat_e6 - (int64_t)(reach * 1e6),
                                     .north_e6 = here.lat_e6 + (int64_t)(reach * 1e6)};
    r = fl_db_events_near(t->db, &near, CANDIDATES_MAX, add_candidate, &c, err);
    for (unsigned i = 0; r >= 0 && i < c.count; i++) {
        struct compare cmp = {.t = t};

        r = fl_db_reports(t->db, c.id[i], compare_report, &cmp, err);
        if (r == FL_OK && cmp.near && !cmp.own) {
            add_found(t, c.id[i]);
            break; /* the latest of them */
        }
    }
    return r < 0 ? r : FL_OK;
}

/* ---- what all say together ---- */

struct gathered {
    struct fl_arena *arena;
    const struct fl_world_event *event[FL_IDENTITY_FEEDS_MAX];
    unsigned count;
    bool stands; /* not all of them are cancels */
};

static int gather_report(void *ctx, struct fl_span feed, int64_t received_us, struct fl_span json)
{
    struct gathered *g = ctx;
    struct fl_world_event *event;

    (void)feed, (void)received_us;
    if (g->count == FL_IDENTITY_FEEDS_MAX)
        return 0; /* the latest are there */
    event = fl_arena_get(g->arena, sizeof *event);
    if (event == NULL)
        return FL_E_NOMEM;
    if (fl_world_event_read(json, g->arena, event, NULL) < 0)
        return 0; /* of an older program; the others speak */
    g->event[g->count++] = event;
    g->stands = g->stands || event->message != FL_EVENT_CANCEL;
    return 0;
}

/* The event as it stands now. A cancel counts only when nobody else still tells of it. */
static int put_together(struct take *t, uint32_t id, struct fl_world_event *ret, struct fl_err *err)
{
    struct gathered g = {.arena = &t->arena};
    unsigned kept = 0;
    int r = fl_db_reports(t->db, id, gather_report, &g, err);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < g.count; i++)
        if (!g.stands || g.event[i]->message != FL_EVENT_CANCEL)
            g.event[kept++] = g.event[i];
    if (kept == 0)
        return fl_err_set(err, FL_E_CORRUPT, "no report of the event number %u is whole", id);
    fl_identity_merge(g.event, kept, ret);
    return FL_OK;
}

static int write_event(const struct fl_world_event *event, struct fl_buf *out, struct fl_err *err)
{
    struct fl_json json;

    fl_json_init(&json, out);
    fl_world_event_write(event, &json, NULL);
    return fl_buf_status(out, err);
}

/* A version where the whole says something else than before. */
static int store_whole(struct take *t, struct fl_db_event *row, struct fl_span before,
                       const char *what, bool *ret_changed, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf now;
    struct fl_world_event *whole = fl_arena_get(&t->arena, sizeof *whole);
    bool gone;
    int r;

    fl_buf_init(&now, FL_EVENT_JSON_MAX);
    if (whole == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for an event");
    r = put_together(t, row->id, whole, err);
    if (r == FL_OK)
        r = write_event(whole, &now, err);
    if (r < 0)
        return r;
    gone = whole->message == FL_EVENT_CANCEL;
    *ret_changed = gone != (row->withdrawn_us != 0) || !fl_span_eq(fl_buf_span(&now), before);
    if (!*ret_changed)
        return FL_OK;
    fl_db_event_fill(row, whole);
    row->withdrawn_us = !gone ? 0 : row->withdrawn_us != 0 ? row->withdrawn_us : t->now_us;
    row->changed_us = t->now_us;
    return fl_db_event_put(t->db, row, fl_buf_span(&now), what, "", t->feed, err);
}

/* ---- taking it ---- */

static int add_new(struct take *t, struct fl_db_event *row, struct fl_err *err)
{
    *row = (struct fl_db_event){.first_us = t->now_us, .changed_us = t->now_us};
    (void)snprintf(row->feed, sizeof row->feed, "%s", t->feed);
    fl_db_event_fill(row, &t->event);
    if (t->event.message == FL_EVENT_CANCEL)
        row->withdrawn_us = t->now_us;
    return fl_db_event_put(t->db, row, t->json, fl_incoming_name(FL_INCOMING_NEW), "", t->feed,
                           err);
}

static int keep_names(struct take *t, uint32_t id, struct fl_err *err)
{
    int r = FL_OK;

    for (uint32_t i = 0; r == FL_OK && i < t->event.id_count; i++)
        r = fl_db_event_name(t->db, 0, t->event.ids[i], id, err);
    /* What it refers to may come later, or be referred to by the next. */
    for (uint32_t i = 0; r == FL_OK && i < t->event.reference_count; i++)
        r = fl_db_event_name(t->db, 0, t->event.references[i], id, err);
    return r;
}

/* What this feed said of it last: 1, or 0 when it said nothing yet. */
static int last_word(struct take *t, uint32_t id, struct fl_world_event **ret, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_span copy;
    int r;

    *ret = NULL;
    fl_buf_init(&text, FL_EVENT_JSON_MAX);
    r = fl_db_report_get(t->db, id, t->feed, &text, err);
    if (r < 0)
        return r == FL_E_NOENT ? 0 : r;
    if (fl_span_eq(fl_buf_span(&text), t->json))
        return 1; /* to the byte */
    copy = fl_arena_copy(&t->arena, fl_buf_span(&text));
    *ret = fl_arena_get(&t->arena, sizeof **ret);
    if (copy.ptr == NULL || *ret == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for an event");
    r = fl_world_event_read(copy, &t->arena, *ret, err);
    if (r < 0)
        *ret = NULL; /* of an older program: what comes is new */
    return r < 0 ? 0 : 1;
}

static int take_version(struct take *t, struct fl_db_event *row, struct fl_span before, bool merged,
                        bool *ret_changed, struct fl_err *err)
{
    struct fl_world_event *last = NULL;
    enum fl_incoming incoming;
    int r = last_word(t, row->id, &last, err);

    if (r < 0)
        return r;
    incoming =
        r > 0 && last == NULL ? FL_INCOMING_UNCHANGED : fl_identity_incoming(last, &t->event);
    if (incoming == FL_INCOMING_UNCHANGED && !merged)
        return FL_OK;
    if (incoming == FL_INCOMING_OLD)
        return fl_db_event_note(t->db, row, t->json, fl_incoming_name(incoming), t->feed, t->now_us,
                                err);
    r = incoming == FL_INCOMING_UNCHANGED
            ? FL_OK
            : fl_db_report_set(t->db, row->id, t->feed, t->json, t->event.from_us, t->now_us, err);
    return r < 0 ? r
                 : store_whole(t, row, before, merged ? "merge" : fl_incoming_name(incoming),
                               ret_changed, err);
}

/* Others that turn out to be the same go into the oldest. */
static int join_found(struct take *t, struct fl_err *err)
{
    int r = FL_OK;

    for (unsigned i = 1; r == FL_OK && i < t->found_count; i++)
        r = fl_db_event_merge(t->db, t->found[i], t->found[0], t->now_us, err);
    return r;
}

static int take_known(struct take *t, struct fl_db_event *row, bool *ret_changed,
                      struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf before;
    int r = join_found(t, err);

    fl_buf_init(&before, FL_EVENT_JSON_MAX);
    if (r == FL_OK)
        r = fl_db_event_get(t->db, t->found[0], row, &before, err);
    return r < 0 ? r
                 : take_version(t, row, fl_buf_span(&before), t->found_count > 1, ret_changed, err);
}

static int take_event(struct take *t, struct fl_event_taken *ret, struct fl_err *err)
{
    struct fl_db_event row = {.id = 0};
    bool changed = false;
    int r = find_by_names(t, err);

    if (r == FL_OK && t->found_count == 0)
        r = find_near(t, err);
    if (r < 0)
        return r;
    if (t->found_count == 0) {
        changed = true;
        r = add_new(t, &row, err);
        if (r == FL_OK)
            r = fl_db_report_set(t->db, row.id, t->feed, t->json, t->event.from_us, t->now_us, err);
    } else {
        r = take_known(t, &row, &changed, err);
    }
    if (r == FL_OK)
        r = keep_names(t, row.id, err);
    if (r < 0)
        return r;
    *ret =
        (struct fl_event_taken){.event = row.id, .changed = changed, .from_us = t->event.from_us};
    for (unsigned i = 1; i < t->found_count; i++)
        ret->merged[ret->merged_count++] = t->found[i];
    return FL_OK;
}

int fl_event_take(struct fl_db *db, const char *feed, struct fl_span json, int64_t now_us,
                  struct fl_event_taken *ret, struct fl_err *err)
{
    struct take *t = calloc(1, sizeof *t);
    int r;

    if (t == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for an event");
    t->db = db;
    t->feed = feed;
    t->now_us = now_us;
    t->json = json;
    fl_arena_init(&t->arena, ARENA_MAX);
    r = fl_world_event_read(json, &t->arena, &t->event, err);
    if (r == FL_OK && t->event.id_count == 0)
        r = fl_err_set(err, FL_E_INVAL, "ids: an event of a feed has a name");
    if (r == FL_OK && !fl_span_eq(t->event.feed, fl_span_str(feed)))
        r = fl_err_set(err, FL_E_INVAL, "feed: it is not of this feed");
    if (r == FL_OK)
        r = take_event(t, ret, err);
    fl_arena_done(&t->arena);
    free(t);
    return r;
}

/* ---- silence ---- */

static int cancel_report(struct take *t, uint32_t id, int64_t oldest_us, bool *ret_changed,
                         struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf before;
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_world_event *last = NULL;
    struct fl_db_event row = {.id = 0};
    int r = last_word(t, id, &last, err);

    fl_buf_init(&before, FL_EVENT_JSON_MAX);
    fl_buf_init(&text, FL_EVENT_JSON_MAX);
    if (r <= 0 || last == NULL || last->message == FL_EVENT_CANCEL ||
        !fl_identity_withdrawn(last, oldest_us))
        return r < 0 ? r : FL_OK;
    last->message = FL_EVENT_CANCEL;
    r = write_event(last, &text, err);
    if (r == FL_OK)
        r = fl_db_report_set(t->db, id, t->feed, fl_buf_span(&text), last->from_us, t->now_us, err);
    if (r == FL_OK)
        r = fl_db_event_get(t->db, id, &row, &before, err);
    return r < 0 ? r
                 : store_whole(t, &row, fl_buf_span(&before), fl_incoming_name(FL_INCOMING_CANCEL),
                               ret_changed, err);
}

int fl_event_silent(struct fl_db *db, const char *feed, uint32_t event, int64_t oldest_us,
                    int64_t now_us, bool *ret_changed, struct fl_err *err)
{
    struct take *t = calloc(1, sizeof *t);
    int r;

    *ret_changed = false;
    if (t == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for an event");
    t->db = db;
    t->feed = feed;
    t->now_us = now_us;
    fl_arena_init(&t->arena, ARENA_MAX);
    r = cancel_report(t, event, oldest_us, ret_changed, err);
    fl_arena_done(&t->arena);
    free(t);
    return r;
}
