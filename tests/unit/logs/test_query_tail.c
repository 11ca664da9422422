/* The live tail: rows as they come, resume by cursor, what is dropped is counted. */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/time.h"
#include "fake_parts.h"
#include "logs/query_run.h"
#include "tap.h"

static struct fl_store store;

static void add_row(uint64_t seq, int32_t day)
{
    struct fl_event ev;

    fl_event_clear(&ev);
    fl_event_time(&ev, FL_F_RECEIVED, (int64_t)day * FL_US_PER_DAY + (int64_t)seq);
    fl_event_time(&ev, FL_F_TIME, (int64_t)day * FL_US_PER_DAY + (int64_t)seq);
    fl_event_num(&ev, FL_F_SEQ, seq);
    fl_event_str(&ev, FL_F_APP, seq % 3 == 0 ? FL_SPAN("youtube") : FL_SPAN("ssh"));
    fake_add(&store, &ev);
}

/* A reader that ends the tail after so many rows or tellings. */
struct reader {
    pthread_mutex_t lock;
    char *text;
    size_t len, rows, tellings, stop_rows, stop_tellings;
    uint64_t dropped;
    struct fl_query q;
    struct fl_query_end end;
    int code;
};

static void take_line(struct reader *reader, const char *line)
{
    json_t *root = json_loads(line, 0, NULL);
    json_t *ours = json_object_get(root, "fairlead");

    if (root == NULL)
        abort();
    if (json_object_get(ours, "cursor") != NULL) {
        reader->tellings++;
        reader->dropped += (uint64_t)json_integer_value(json_object_get(ours, "dropped"));
    } else {
        reader->rows++;
    }
    json_decref(root);
}

static int take(void *ctx, struct fl_span piece)
{
    struct reader *reader = ctx;
    char *at, *end;

    (void)pthread_mutex_lock(&reader->lock);
    at = reader->text = realloc(reader->text, reader->len + piece.len + 1);
    if (at == NULL)
        abort();
    memcpy(at + reader->len, piece.ptr, piece.len);
    at[reader->len + piece.len] = '\0';
    at += reader->len;
    reader->len += piece.len;
    for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        *end = '\0';
        take_line(reader, at);
        *end = '\n';
    }
    (void)pthread_mutex_unlock(&reader->lock);
    return 0;
}

static int enough(void *ctx)
{
    struct reader *reader = ctx;
    int stop;

    (void)pthread_mutex_lock(&reader->lock);
    stop = (reader->stop_rows > 0 && reader->rows >= reader->stop_rows) ||
           (reader->stop_tellings > 0 && reader->tellings >= reader->stop_tellings);
    (void)pthread_mutex_unlock(&reader->lock);
    return stop;
}

static void *follow(void *arg)
{
    struct reader *reader = arg;
    struct fl_query_sink sink = {take, enough, reader};

    reader->code = fl_query_run(&store, &reader->q, &sink, &reader->end, NULL);
    return NULL;
}

static void reader_init(struct reader *reader, const char *filter, const char *cursor)
{
    *reader = (struct reader){.stop_rows = 0};
    (void)pthread_mutex_init(&reader->lock, NULL);
    reader->q = (struct fl_query){.tenant = 1,
                                  .kind = FL_Q_TAIL,
                                  .filter = fl_span_str(filter),
                                  .cursor = fl_span_str(cursor)};
}

static void reader_done(struct reader *reader)
{
    (void)pthread_mutex_destroy(&reader->lock);
    free(reader->text);
}

static bool has_id(const struct reader *reader, const char *day, uint64_t seq)
{
    char id[100];

    (void)snprintf(id, sizeof id, "\"id\":\"%s.%" PRIu64 "\"", day, seq);
    return reader->text != NULL && strstr(reader->text, id) != NULL;
}

/* Rows come while the tail runs, over the end of a day; each is shown once, in order. */
static void check_live(void)
{
    struct reader reader;
    pthread_t thread;
    const char *at;
    uint64_t last = 0, seen = 0;
    int32_t day = oracle_day();

    fake_init(&store, 64);
    fake_part(&store, false, day);
    for (uint64_t seq = 1; seq <= 20; seq++)
        add_row(seq, day);
    reader_init(&reader, "app:youtube", "2026-11-20.5");
    reader.stop_rows = 150;
    reader.q.limit = 100000;
    if (pthread_create(&thread, NULL, follow, &reader) != 0)
        abort();
    for (uint64_t seq = 21; seq <= 300; seq++)
        add_row(seq, day);
    fake_part(&store, false, day + 1);
    for (uint64_t seq = 1; seq <= 200; seq++)
        add_row(seq, day + 1);
    (void)pthread_join(thread, NULL);
    CHECK(reader.code == 0 && reader.rows >= 150 && reader.dropped == 0, "a tail sees new rows");
    CHECK(!has_id(&reader, "2026-11-20", 3) && has_id(&reader, "2026-11-20", 6) &&
              has_id(&reader, "2026-11-20", 300) && has_id(&reader, "2026-11-21", 3) &&
              !has_id(&reader, "2026-11-20", 7),
          "it begins behind its cursor, filters, and goes on into the next day");
    for (at = reader.text; (at = strstr(at, "\"id\":\"2026-11-")) != NULL; at++) {
        uint64_t pos = strtoull(at + 14, NULL, 10) * 1000 + strtoull(at + 17, NULL, 10);

        seen += pos > last;
        last = pos;
    }
    CHECK(seen == reader.rows, "each row once, in order");
    reader_done(&reader);
    fake_done(&store);
}

static void check_resume(void)
{
    struct reader first, second;
    int32_t day = oracle_day();
    char cursor[64];

    fake_init(&store, 50);
    fake_part(&store, true, day);
    for (uint64_t seq = 1; seq <= 100; seq++)
        add_row(seq, day);
    reader_init(&first, "", "2026-11-20.0");
    first.stop_rows = 40;
    follow(&first);
    (void)snprintf(cursor, sizeof cursor, "%s", first.end.cursor);
    reader_init(&second, "", cursor);
    second.stop_rows = 100 - first.rows;
    if (second.stop_rows > 0)
        follow(&second);
    CHECK(first.rows + second.rows == 100 && strcmp(cursor, "2026-11-20.0") != 0,
          "a tail goes on where the one before ended");
    reader_done(&first);
    reader_done(&second);
    fake_done(&store);
}

/* Without a cursor only what is new is shown; here nothing is, so the heartbeat comes. */
static void check_heartbeat(void)
{
    struct reader reader;

    fake_init(&store, 50);
    fake_part(&store, false, oracle_day());
    add_row(1, oracle_day());
    reader_init(&reader, "", "");
    reader.stop_tellings = 1;
    follow(&reader);
    CHECK(reader.rows == 0 && reader.tellings == 1 &&
              strcmp(reader.text, "{\"fairlead\":{\"dropped\":0,\"cursor\":\"2026-11-20.1\"}}\n") ==
                  0,
          "an idle tail tells where it is");
    reader_done(&reader);
    fake_done(&store);
}

static void check_backlog(void)
{
    struct reader reader;
    int32_t day = oracle_day();

    fake_init(&store, 1000);
    fake_part(&store, true, day);
    for (uint64_t seq = 1; seq <= 9000; seq++)
        add_row(seq, day);
    fake_part(&store, true, day + 1);
    for (uint64_t seq = 1; seq <= 3500; seq++)
        add_row(seq, day + 1);
    reader_init(&reader, "", "2026-11-20.1000");
    reader.q.limit = 100000;
    reader.stop_rows = 10000;
    follow(&reader);
    CHECK(reader.tellings == 1 && reader.rows == 10000 && reader.dropped == 1500,
          "a tail too far behind jumps ahead");
    CHECK(!has_id(&reader, "2026-11-20", 2500) && has_id(&reader, "2026-11-20", 2501) &&
              has_id(&reader, "2026-11-21", 3500),
          "what it drops are the oldest rows");
    reader_done(&reader);
    reader_init(&reader, "", "2026-11-21.0");
    reader.q.limit = 100;
    reader.stop_tellings = 1;
    follow(&reader);
    CHECK(reader.rows >= 100 && reader.rows < 3500 && reader.rows + reader.dropped == 3500,
          "rows over the limit per second are dropped and counted");
    reader_done(&reader);
    fake_done(&store);
}

int main(void)
{
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    check_live();
    check_resume();
    check_heartbeat();
    check_backlog();
    return tap_done();
}
