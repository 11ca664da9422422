/* Rows: latest with a cursor, export, context; budgets, cancellation, lost blocks. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"
#include "fake_parts.h"
#include "logs/query_run.h"
#include "tap.h"

static struct fl_query question(enum fl_query_kind kind)
{
    int64_t day_us = (int64_t)oracle_day() * FL_US_PER_DAY;

    return (struct fl_query){.tenant = 1,
                             .kind = kind,
                             .from_us = day_us - 3 * FL_US_PER_DAY,
                             .to_us = day_us + 5 * FL_US_PER_DAY};
}

/* ids of an NDJSON answer, "2026-11-20.17" each; free() it and each. */
struct ids {
    char (*id)[64];
    size_t count;
};

static void read_ids(struct asked *a, struct ids *ids)
{
    char *at = a->text, *end;

    for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        json_t *root;

        *end = '\0';
        root = json_loads(at, 0, NULL);
        if (root == NULL)
            abort();
        ids->id = realloc(ids->id, (ids->count + 1) * sizeof *ids->id);
        if (ids->id == NULL)
            abort();
        (void)snprintf(ids->id[ids->count++], 64, "%s",
                       json_string_value(json_object_get(json_object_get(root, "event"), "id")));
        json_decref(root);
    }
    if (*at != '\0')
        abort();
}

/* What should come, oldest first. */
static void want_ids(struct oracle *o, const struct fl_query *q, struct ids *ids)
{
    struct fl_filter *filter = NULL;

    if (fl_filter_parse(q->filter, &o->arena, &filter, NULL) < 0)
        abort();
    ids->id = calloc(o->count + 1, sizeof *ids->id);
    if (ids->id == NULL)
        abort();
    for (size_t i = 0; i < o->count; i++) {
        struct fl_event *ev = &o->row[i];

        if (oracle_takes(q, filter, ev))
            fl_pos_format(
                (struct fl_pos){fl_day_of((int64_t)ev->v[FL_F_RECEIVED].num), ev->v[FL_F_SEQ].num},
                ids->id[ids->count++]);
    }
}

static bool same_ids(const struct ids *got, const struct ids *want, bool backwards)
{
    if (got->count != want->count)
        return false;
    for (size_t i = 0; i < got->count; i++) {
        if (strcmp(got->id[i], want->id[backwards ? want->count - 1 - i : i]) != 0)
            return false;
    }
    return true;
}

static void random_question(struct oracle *o, struct fl_query *q, struct fl_buf *text)
{
    int64_t day_us = (int64_t)oracle_day() * FL_US_PER_DAY;

    fl_buf_init(text, 4096);
    if (oracle_random(o, 5) != 0)
        oracle_filter(o, 2, text);
    q->filter = fl_buf_span(text);
    if (oracle_random(o, 2) == 0) {
        q->from_us = day_us + (int64_t)oracle_random(o, 86400 * 2) * FL_US_PER_S;
        q->to_us = q->from_us + 1 + (int64_t)oracle_random(o, 86400 * 2) * FL_US_PER_S;
    }
}

static void check_latest(struct oracle *o, int rounds)
{
    int bad = 0, long_page = 0;

    for (int i = 0; i < rounds; i++) {
        FL_AUTO(fl_buf_done) struct fl_buf text;
        struct fl_query q = question(FL_Q_LATEST);
        struct ids want = {NULL, 0}, got = {NULL, 0};
        char cursor[64] = "";

        random_question(o, &q, &text);
        q.limit = 1 + (uint32_t)oracle_random(o, 300);
        want_ids(o, &q, &want);
        for (size_t page = 0; page <= o->count; page++) {
            size_t before = got.count;
            struct asked a;

            q.cursor = fl_span_str(cursor);
            ask(o, &q, &a);
            if (a.code < 0)
                abort();
            read_ids(&a, &got);
            long_page += got.count - before > q.limit;
            bad += a.end.rows_matched != got.count - before || a.end.partial;
            (void)snprintf(cursor, sizeof cursor, "%s", a.end.cursor);
            asked_done(&a);
            if (cursor[0] == '\0')
                break;
        }
        if (!same_ids(&got, &want, true)) {
            printf("# latest where %.*s: %zu of %zu\n", FL_SPAN_ARG(q.filter), got.count,
                   want.count);
            bad++;
        }
        free(got.id);
        free(want.id);
    }
    CHECK(bad == 0, "latest: cursors walk every row once, newest first");
    CHECK(long_page == 0, "no page is longer than its limit");
}

static void check_export(struct oracle *o, int rounds)
{
    int bad = 0, csv_bad = 0;

    for (int i = 0; i < rounds; i++) {
        FL_AUTO(fl_buf_done) struct fl_buf text;
        struct fl_query q = question(FL_Q_EXPORT);
        struct ids want = {NULL, 0}, got = {NULL, 0};
        size_t lines = 0;
        struct asked a;

        random_question(o, &q, &text);
        q.limit = 3; /* does not cut */
        q.budget_ms = 1;
        want_ids(o, &q, &want);
        ask(o, &q, &a);
        read_ids(&a, &got);
        if (!same_ids(&got, &want, false) || a.end.partial)
            bad++;
        if (got.count > 0 && strcmp(a.end.cursor, got.id[got.count - 1]) != 0)
            bad++;
        asked_done(&a);
        q.format = FL_SPAN("csv");
        q.by = FL_SPAN("site,bytes,app");
        ask(o, &q, &a);
        for (const char *at = a.text; (at = strstr(at, "\r\n")) != NULL; at += 2)
            lines++;
        csv_bad += lines != want.count + 1 || strncmp(a.text, "observer.geo.name,", 18) != 0;
        asked_done(&a);
        free(got.id);
        free(want.id);
    }
    CHECK(bad == 0, "export: all rows, oldest first, whatever limit and budget say");
    CHECK(csv_bad == 0, "export as CSV has a head and a line per row");
}

static void check_export_forms(struct oracle *o)
{
    struct fl_query q = question(FL_Q_EXPORT);
    struct ids all = {NULL, 0}, rest = {NULL, 0};
    char cursor[64];
    struct asked a;

    ask(o, &q, &a);
    read_ids(&a, &all);
    asked_done(&a);
    (void)snprintf(cursor, sizeof cursor, "%s", all.id[all.count / 3]);
    q.cursor = fl_span_str(cursor);
    ask(o, &q, &a);
    read_ids(&a, &rest);
    asked_done(&a);
    CHECK(rest.count == all.count - all.count / 3 - 1 &&
              strcmp(rest.id[0], all.id[all.count / 3 + 1]) == 0,
          "an export goes on behind a cursor");
    free(all.id);
    free(rest.id);
    q.cursor = (struct fl_span){NULL, 0};
    q.by = FL_SPAN("app,nothing");
    ask(o, &q, &a);
    CHECK(a.code == FL_E_INVAL && strcmp(a.err.text, "no column \"nothing\"") == 0,
          "an unknown column is refused");
    asked_done(&a);
    q.by = FL_SPAN("app");
    q.filter = FL_SPAN("app:netflix user:*");
    ask(o, &q, &a);
    CHECK(strstr(a.text, "\"netflix\"") != NULL && strstr(a.text, "user.") == NULL &&
              strstr(a.text, "\"id\":\"2026-11-2") != NULL,
          "chosen columns are the only ones, with the id");
    asked_done(&a);
    q.format = FL_SPAN("xml");
    ask(o, &q, &a);
    CHECK(a.code == FL_E_INVAL, "an unknown format is refused");
    asked_done(&a);
}

/* ---- context ---- */

static bool in_context(const struct oracle *o, size_t at, size_t i, const struct fl_filter *filter)
{
    return i == at || (fl_span_eq(fl_event_get_str(&o->row[i], FL_F_DEVICE),
                                  fl_event_get_str(&o->row[at], FL_F_DEVICE)) &&
                       fl_filter_match(filter, &o->row[i]));
}

static void want_context(struct oracle *o, size_t at, uint32_t limit,
                         const struct fl_filter *filter, struct ids *want)
{
    size_t from = at, to = at, left = limit;

    for (size_t i = at; i-- > 0 && left > 0;) {
        if (in_context(o, at, i, filter)) {
            from = i;
            left--;
        }
    }
    left = limit;
    for (size_t i = at + 1; i < o->count && left > 0; i++) {
        if (in_context(o, at, i, filter)) {
            to = i;
            left--;
        }
    }
    want->id = calloc(to - from + 1, sizeof *want->id);
    if (want->id == NULL)
        abort();
    for (size_t i = from; i <= to; i++) {
        const struct fl_event *ev = &o->row[i];

        if (in_context(o, at, i, filter))
            fl_pos_format(
                (struct fl_pos){fl_day_of((int64_t)ev->v[FL_F_RECEIVED].num), ev->v[FL_F_SEQ].num},
                want->id[want->count++]);
    }
}

static void check_context(struct oracle *o, int rounds)
{
    struct fl_query q = question(FL_Q_CONTEXT);
    struct fl_filter *filter = NULL;
    struct asked a;
    int bad = 0;

    for (int i = 0; i < rounds; i++) {
        size_t at = i == 0 ? 0 : i == 1 ? o->count - 1 : (size_t)oracle_random(o, o->count);
        struct ids want = {NULL, 0}, got = {NULL, 0};
        char cursor[64];

        fl_pos_format((struct fl_pos){fl_day_of((int64_t)o->row[at].v[FL_F_RECEIVED].num),
                                      o->row[at].v[FL_F_SEQ].num},
                      cursor);
        q.cursor = fl_span_str(cursor);
        q.filter = i % 2 == 0 ? FL_SPAN("") : FL_SPAN("app:*t* or dport:443");
        if (fl_filter_parse(q.filter, &o->arena, &filter, NULL) < 0)
            abort();
        q.limit = 1 + (uint32_t)oracle_random(o, 40);
        want_context(o, at, q.limit, filter, &want);
        ask(o, &q, &a);
        read_ids(&a, &got);
        bad += a.code < 0 || !same_ids(&got, &want, false);
        asked_done(&a);
        free(want.id);
        free(got.id);
    }
    CHECK(bad == 0, "context: rows of the same device before and after");
    q.cursor = FL_SPAN("2026-11-20.999999");
    ask(o, &q, &a);
    CHECK(a.code == FL_E_NOENT && strstr(a.err.text, "no row 2026-11-20.999999") != NULL,
          "context of a row that is not there");
    asked_done(&a);
    q.cursor = FL_SPAN("yesterday");
    ask(o, &q, &a);
    CHECK(a.code == FL_E_INVAL, "a cursor that is none is refused");
    asked_done(&a);
}

static void check_context_filter(struct oracle *o)
{
    struct fl_query q = question(FL_Q_CONTEXT);
    struct ids got = {NULL, 0};
    char cursor[64];
    size_t at = 0;
    struct asked a;

    while (!fl_event_has(&o->row[at], FL_F_DEVICE))
        at++;
    fl_pos_format((struct fl_pos){oracle_day(), o->row[at].v[FL_F_SEQ].num}, cursor);
    q.cursor = fl_span_str(cursor);
    q.filter = FL_SPAN("app:nobody");
    ask(o, &q, &a);
    read_ids(&a, &got);
    CHECK(got.count == 1 && strcmp(got.id[0], cursor) == 0,
          "the row itself is shown whatever the filter says");
    free(got.id);
    asked_done(&a);
}

/* ---- budgets and faults ---- */

struct stop {
    int after, asked;
    bool slow, closed;
    size_t written;
};

static int cancelled(void *ctx)
{
    struct stop *stop = ctx;
    const struct timespec ts = {.tv_nsec = 3000000};

    if (stop->slow)
        (void)nanosleep(&ts, NULL);
    return stop->after > 0 && ++stop->asked > stop->after;
}

static int count_bytes(void *ctx, struct fl_span piece)
{
    struct stop *stop = ctx;

    stop->written += piece.len;
    return stop->closed ? -1 : 0;
}

static void check_stops(struct oracle *o)
{
    struct stop stop = {.after = 3};
    struct fl_query_sink sink = {count_bytes, cancelled, &stop};
    struct fl_query q = question(FL_Q_TOP);
    struct fl_query_end end;
    struct fl_err err;

    q.filter = FL_SPAN("seq:*");
    CHECK(fl_query_run(o->store, &q, &sink, &end, &err) == 0 && end.partial &&
              strcmp(end.why, "cancelled") == 0 && stop.written == 0 && end.rows_scanned < o->count,
          "a cancelled query ends early and writes nothing");
    stop = (struct stop){.slow = true};
    q.budget_ms = 1;
    CHECK(fl_query_run(o->store, &q, &sink, &end, &err) == 0 && end.partial &&
              strcmp(end.why, "the time budget of 1 ms ran out") == 0 && stop.written > 0 &&
              end.rows_scanned < o->count,
          "a query out of time says so, and what it found");
    q = question(FL_Q_EXPORT);
    stop = (struct stop){.closed = true};
    CHECK(fl_query_run(o->store, &q, &sink, &end, &err) == 0 && end.partial &&
              strcmp(end.why, "cancelled") == 0 && stop.written < 100000 &&
              end.rows_matched < o->count,
          "a sink that takes no more ends an export");
    stop = (struct stop){.after = 2};
    CHECK(fl_query_run(o->store, &q, &sink, &end, &err) == 0 && end.partial &&
              end.rows_matched < o->count && end.rows_matched > 0,
          "cancellation is seen between blocks");
}

/* Pages cut by time instead of by number join without a gap, too. */
static void check_slow_pages(struct oracle *o)
{
    struct stop stop = {.slow = true};
    struct fl_query_sink sink = {count_bytes, cancelled, &stop};
    struct fl_query q = question(FL_Q_LATEST);
    char cursor[64] = "";
    uint64_t rows = 0, want = 0;
    int pages = 0;

    q.filter = FL_SPAN("app:netflix");
    q.limit = 100000;
    q.budget_ms = 4;
    for (size_t i = 0; i < o->count; i++)
        want += fl_span_eq(fl_event_get_str(&o->row[i], FL_F_APP), FL_SPAN("netflix"));
    do {
        struct fl_query_end end;

        q.cursor = fl_span_str(cursor);
        if (fl_query_run(o->store, &q, &sink, &end, NULL) < 0 || ++pages > 1000)
            break;
        rows += end.rows_matched;
        (void)snprintf(cursor, sizeof cursor, "%s", end.cursor);
    } while (cursor[0] != '\0');
    CHECK(rows == want && pages > 3, "a search cut by time goes on where it stopped");
}

static void check_faults(struct oracle *o)
{
    struct fl_query q = question(FL_Q_COUNT);
    struct asked a;

    q.filter = FL_SPAN("seq:* or -seq:*");
    o->store->part[1].purged = true;
    ask(o, &q, &a);
    CHECK(a.code == 0 && a.end.partial && strstr(a.end.why, "were purged") != NULL &&
              a.end.rows_matched > 0 && a.end.rows_matched < o->count,
          "rows that are purged meanwhile make the answer partial");
    asked_done(&a);
    o->store->part[1].purged = false;
    o->store->part[1].corrupt = 0;
    ask(o, &q, &a);
    CHECK(a.code == 0 && a.end.partial &&
              strcmp(a.end.why,
                     "block 0 of 2026-11-20 cannot be read: the block fails its check") == 0 &&
              a.end.rows_matched == o->count - o->store->block_rows,
          "a damaged block is lost alone, and named");
    asked_done(&a);
    o->store->part[1].corrupt = -1;
    o->store->part[1].rollups = false;
    q = question(FL_Q_TOP);
    ask(o, &q, &a);
    CHECK(a.code == 0 && !a.end.partial && a.end.from_rollups && a.end.rows_matched == o->count,
          "a part whose rollups are lost is read row by row");
    asked_done(&a);
    o->store->part[1].rollups = true;
}

static void check_refused(struct oracle *o)
{
    static const struct {
        enum fl_query_kind kind;
        const char *filter, *by, *metric, *cursor, *text;
    } wrong[] = {
        {FL_Q_TOP, "ap:x", "app", "", "", "filter: column 1: no field \"ap\""},
        {FL_Q_TOP, "", "nothing", "", "", "no field \"nothing\" to group by"},
        {FL_Q_TOP, "", "time", "", "", "rows cannot be grouped by @timestamp"},
        {FL_Q_TOP, "", "app", "hours", "", "no metric \"hours\""},
        {FL_Q_FACETS, "", "app,nothing", "", "", "no field \"nothing\""},
        {FL_Q_FACETS, "", "app,app,app,app,app,app,app,app,app,app,app,app,app,app,app,app,app", "",
         "", "at most 16"},
        {FL_Q_LATEST, "", "", "", "2026-11-20", "a cursor is"},
        {FL_Q_CONTEXT, "", "", "", "", "context needs a row"},
        {FL_Q_TAIL, "", "", "", "7", "a cursor is"},
        {(enum fl_query_kind)0, "", "", "", "", "no query of kind 0"},
        {(enum fl_query_kind)99, "", "", "", "", "no query of kind 99"},
    };

    for (size_t i = 0; i < FL_LEN(wrong); i++) {
        struct fl_query q = question(wrong[i].kind);
        struct asked a;

        q.filter = fl_span_str(wrong[i].filter);
        q.by = fl_span_str(wrong[i].by);
        q.metric = fl_span_str(wrong[i].metric);
        q.cursor = fl_span_str(wrong[i].cursor);
        ask(o, &q, &a);
        CHECK(a.code == FL_E_INVAL && strstr(a.err.text, wrong[i].text) != NULL && a.len == 0,
              wrong[i].text);
        asked_done(&a);
    }
    {
        struct fl_query q = question(FL_Q_COUNT);
        struct asked a;

        q.to_us = q.from_us;
        ask(o, &q, &a);
        CHECK(a.code == FL_E_INVAL, "an empty time range is refused");
        asked_done(&a);
    }
}

static void check_empty(void)
{
    static struct oracle o;
    static const enum fl_query_kind kinds[] = {FL_Q_TOP,    FL_Q_SERIES, FL_Q_LATEST,
                                               FL_Q_FACETS, FL_Q_EXPORT, FL_Q_COUNT};
    int bad = 0;

    fake_oracle(&o, 3, 0, 0, 64, false);
    for (size_t i = 0; i < FL_LEN(kinds); i++) {
        struct fl_query q = question(kinds[i]);
        struct asked a;

        ask(&o, &q, &a);
        bad += a.code != 0 || a.end.partial || a.end.rows_matched != 0;
        if (kinds[i] != FL_Q_LATEST && kinds[i] != FL_Q_EXPORT)
            json_decref(asked_json(&a));
        asked_done(&a);
    }
    CHECK(bad == 0, "no rows at all is an answer, too");
    fake_free(&o);
}

int main(void)
{
    static struct oracle o, small;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    fake_oracle(&o, 7, 8, 600, 128, true);
    check_latest(&o, 40);
    check_export(&o, 40);
    check_export_forms(&o);
    check_context(&o, 60);
    check_context_filter(&o);
    check_stops(&o);
    check_slow_pages(&o);
    check_faults(&o);
    check_refused(&o);
    fake_free(&o);
    fake_oracle(&small, 8, 3, 100, 4096, false);
    small.store->no_zones = small.store->no_blooms = true;
    check_latest(&small, 40);
    check_context(&small, 40);
    fake_free(&small);
    check_empty();
    return tap_done();
}
