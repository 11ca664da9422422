/* What becomes of events that feeds tell of: one event whatever its names, whoever tells of it; and
 * outlines that do not fit into a message. Over a database, without processes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "codec/json.h"
#include "fairleadd/core_feed.h"
#include "fairleadd/outbound.h"
#include "tap.h"

#define S   FL_US_PER_S
#define DAY FL_US_PER_DAY
#define T0  (20000 * DAY)

struct tell {
    const char *feed, *name, *also, *refers; /* also, refers: NULL none */
    double lat, magnitude;
    int64_t from_us, issued_us;
    enum fl_event_message message;
    enum fl_event_status status;
};

static struct fl_db *open_db(void)
{
    static const unsigned char key[FL_SQL_KEY_BYTES] = {1, 2, 3};
    struct fl_db *db;
    struct fl_err err = {0};

    (void)unlink("take.db");
    if (fl_db_open("take.db", key, 1, &db, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return db;
}

static void write_event(const struct tell *tell, struct fl_buf *out)
{
    static struct fl_world_event e;
    struct fl_json json;

    fl_world_event_init(&e);
    e.feed = fl_span_str(tell->feed);
    e.type = FL_SPAN("GEO-001");
    e.kind = FL_SPAN("usgs:earthquake");
    e.title = FL_SPAN("quake");
    e.ids[e.id_count++] = fl_span_str(tell->name);
    if (tell->also != NULL)
        e.ids[e.id_count++] = fl_span_str(tell->also);
    if (tell->refers != NULL)
        e.references[e.reference_count++] = fl_span_str(tell->refers);
    e.lat = tell->lat;
    e.lon = 10;
    e.magnitude = tell->magnitude;
    e.from_us = tell->from_us;
    e.issued_us = tell->issued_us;
    e.message = tell->message;
    e.status = tell->status;
    fl_json_init(&json, out);
    fl_world_event_write(&e, &json, NULL);
}

static struct fl_event_taken take(struct fl_db *db, struct tell tell)
{
    struct fl_event_taken taken = {.event = 0};
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_err err = {0};
    int r;

    fl_buf_init(&text, FL_EVENT_JSON_MAX);
    write_event(&tell, &text);
    r = fl_db_begin(db, &err);
    if (r == FL_OK)
        r = fl_event_take(db, tell.feed, fl_buf_span(&text), tell.issued_us + S, &taken, &err);
    if (r == FL_OK)
        r = fl_db_commit(db, &err);
    if (r < 0) {
        printf("# %s\n", err.text);
        fl_db_rollback(db);
    }
    return taken;
}

static struct fl_db_event row_of(struct fl_db *db, uint32_t id)
{
    struct fl_db_event row = {.id = 0};

    (void)!fl_db_event_get(db, id, &row, NULL, NULL);
    return row;
}

static void test_names(struct fl_db *db)
{
    const struct tell a = {
        .feed = "one", .name = "usgs:a", .lat = 1, .magnitude = 6, .from_us = T0, .issued_us = T0};
    struct tell b = a;
    uint32_t id = take(db, a).event;
    struct fl_event_taken taken;

    CHECK(id > 0, "an event");
    taken = take(db, a);
    CHECK(taken.event == id && !taken.changed && row_of(db, id).version == 1, "the same again");
    b.issued_us += 60 * S;
    b.magnitude = 6.4;
    taken = take(db, b);
    CHECK(taken.event == id && taken.changed && row_of(db, id).version == 2, "a newer version");
    taken = take(db, a);
    CHECK(taken.event == id && !taken.changed && row_of(db, id).version == 3,
          "the old one, late: "
          "kept in the history, changes nothing");
    b.name = "usgs:b";
    b.also = "usgs:a";
    b.issued_us += 60 * S;
    CHECK(take(db, b).event == id, "renumbered, the old name beside the new");
    b.also = NULL;
    b.issued_us += 60 * S;
    CHECK(take(db, b).event == id, "under the new name alone");
    b.message = FL_EVENT_CANCEL;
    b.issued_us += 60 * S;
    taken = take(db, b);
    CHECK(taken.event == id && taken.changed && row_of(db, id).withdrawn_us != 0, "withdrawn");
}

static void test_feeds(struct fl_db *db)
{
    const int64_t at = T0 + 10 * DAY;
    const struct tell us = {.feed = "one",
                            .name = "usgs:n1",
                            .lat = 20,
                            .magnitude = 6.5,
                            .from_us = at,
                            .issued_us = at};
    struct tell other = {.feed = "two",
                         .name = "gdacs:EQ1",
                         .lat = 20.2,
                         .magnitude = 6.3,
                         .from_us = at + 20 * S,
                         .issued_us = at + 300 * S};
    struct tell far = other, drill = other, same = us;
    uint32_t id = take(db, us).event;

    far.name = "gdacs:EQ2";
    far.lat = 25;
    CHECK(take(db, far).event != id, "another feed, far away: another event");
    CHECK(take(db, other).event == id, "another feed, near in place and time: the same");
    CHECK(row_of(db, id).version == 2, "a version more");
    same.name = "usgs:n2";
    CHECK(take(db, same).event != id, "the same feed under another name: an aftershock");
    drill.name = "gdacs:EQ3";
    drill.status = FL_EVENT_EXERCISE;
    CHECK(take(db, drill).event != id, "an exercise is never the same");
    other.message = FL_EVENT_CANCEL;
    other.issued_us += 60 * S;
    CHECK(take(db, other).event == id && row_of(db, id).withdrawn_us == 0,
          "one of two takes it back: the other still tells of it");
}

static void test_merge(struct fl_db *db)
{
    const int64_t at = T0 + 20 * DAY;
    struct tell a = {.feed = "one",
                     .name = "usgs:m1",
                     .lat = -10,
                     .magnitude = 5,
                     .from_us = at,
                     .issued_us = at};
    struct tell b = {.feed = "two",
                     .name = "emsc:m1",
                     .lat = -30,
                     .magnitude = 5,
                     .from_us = at,
                     .issued_us = at};
    uint32_t ida = take(db, a).event, idb = take(db, b).event;
    struct fl_event_taken taken;

    CHECK(ida != idb, "two events");
    a.also = "emsc:m1";
    a.issued_us += 60 * S;
    taken = take(db, a);
    CHECK(taken.event == ida && taken.merged_count == 1 && taken.merged[0] == idb &&
              row_of(db, idb).merged_into == ida,
          "they turn out to be one, and both are told");
    CHECK(take(db, b).event == ida, "its old name leads to the one");
}

static void test_references(struct fl_db *db)
{
    const int64_t at = T0 + 30 * DAY;
    struct tell up = {.feed = "cap",
                      .name = "cap:w,2",
                      .refers = "cap:w,1",
                      .lat = 5,
                      .magnitude = NAN,
                      .from_us = at,
                      .issued_us = at + 60 * S,
                      .message = FL_EVENT_UPDATE};
    struct tell first = {.feed = "cap",
                         .name = "cap:w,1",
                         .lat = 5,
                         .magnitude = NAN,
                         .from_us = at,
                         .issued_us = at};
    uint32_t id = take(db, up).event;

    CHECK(id > 0 && take(db, first).event == id && row_of(db, id).version == 2,
          "what it refers to comes later: no second event");
}

static void test_refused(struct fl_db *db)
{
    struct fl_event_taken taken;
    struct fl_err err = {0};

    CHECK(fl_event_take(db, "one", FL_SPAN("{\"lat\":91}"), T0, &taken, &err) == FL_E_INVAL &&
              strstr(err.text, "lat") != NULL,
          "a member that is wrong is named");
    CHECK(fl_event_take(db, "one", FL_SPAN("{\"feed\":\"one\"}"), T0, &taken, &err) == FL_E_INVAL,
          "no name");
    CHECK(fl_event_take(db, "one", FL_SPAN("{\"feed\":\"two\",\"ids\":[\"x:1\"]}"), T0, &taken,
                        &err) == FL_E_INVAL,
          "another feed's");
}

static void test_silence(struct fl_db *db)
{
    const int64_t at = T0 + 40 * DAY;
    struct tell a = {
        .feed = "one", .name = "usgs:s1", .lat = 3, .magnitude = 5, .from_us = at, .issued_us = at};
    uint32_t id = take(db, a).event;
    bool changed = true;

    CHECK(fl_event_silent(db, "one", id, at + DAY, at + DAY, &changed, NULL) == FL_OK && !changed,
          "silent about what is before its window: nothing");
    CHECK(fl_event_silent(db, "two", id, at - DAY, at + DAY, &changed, NULL) == FL_OK && !changed,
          "a feed that never told of it: nothing");
    CHECK(fl_event_silent(db, "one", id, at - DAY, at + DAY, &changed, NULL) == FL_OK && changed &&
              row_of(db, id).withdrawn_us != 0,
          "silent within the window: withdrawn");
}

/* ---- outlines ---- */

static void test_thin(void)
{
    enum { POINTS = 9000 };
    static struct fl_event_point p[POINTS], hole[4] = {{10, 10}, {10, 10.001}, {10.001, 10}};
    static struct fl_world_event e, read;
    struct fl_event_ring rings[2] = {{p, POINTS, false}, {hole, 4, true}};
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    FL_AUTO(fl_buf_done) struct fl_buf out;
    bool thinned = false;
    struct fl_err err = {0};

    for (int i = 0; i < POINTS; i++) {
        double a = 2 * 3.14159265358979 * i / POINTS, r = 5 + 0.02 * sin(400 * a);

        p[i] = (struct fl_event_point){10 + r * sin(a), 10 + r * cos(a)};
    }
    fl_arena_init(&arena, 1 << 24);
    fl_buf_init(&out, FL_EVENT_JSON_MAX);
    fl_world_event_init(&e);
    e.title = FL_SPAN("coast");
    e.ids[e.id_count++] = FL_SPAN("x:1");
    e.rings = rings;
    e.ring_count = 2;
    CHECK(fl_outbound_json(&e, FL_EVENT_JSON_MAX, &out, &thinned, &err) == FL_OK && !thinned,
          "what fits stays");
    CHECK(fl_outbound_json(&e, FL_MSG_EVENT_MAX, &out, &thinned, &err) == FL_OK && thinned &&
              out.len <= FL_MSG_EVENT_MAX,
          "what does not is thinned");
    CHECK(fl_world_event_read(fl_buf_span(&out), &arena, &read, &err) == FL_OK, "it reads back");
    if (err.code != 0)
        printf("# %s\n", err.text);
    CHECK(read.ring_count == 2 && read.rings[0].count > 100 && read.rings[0].count < POINTS &&
              memmem(read.text.ptr, read.text.len, "thinned from 9004", 17) != NULL,
          "and says so");
    if (read.ring_count == 0)
        return;
    for (uint32_t i = 0; i < read.rings[0].count; i++) {
        double d = hypot(read.rings[0].points[i].lat - 10, read.rings[0].points[i].lon - 10);

        if (d < 4.97 || d > 5.03)
            thinned = false;
    }
    CHECK(thinned, "its points are those it had");
    CHECK(fl_outbound_json(&e, 200, &out, &thinned, &err) == FL_E_LIMIT, "less than a triangle");
}

int main(void)
{
    struct fl_db *db = open_db();

    test_names(db);
    test_feeds(db);
    test_merge(db);
    test_references(db);
    test_refused(db);
    test_silence(db);
    fl_db_close(db);
    (void)unlink("take.db");
    test_thin();
    return tap_done();
}
