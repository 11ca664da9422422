/* Feeds, events with their versions and names, what was refused, notices: in the database. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "db/db_event.h"
#include "db/db_notice.h"
#include "tap.h"

#define S FL_US_PER_S

static struct fl_db *open_db(void)
{
    static const unsigned char key[FL_SQL_KEY_BYTES] = {1, 2, 3};
    struct fl_db *db;
    struct fl_err err = {0};

    (void)unlink("event.db");
    if (fl_db_open("event.db", key, 1, &db, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return db;
}

static int count_feed(void *ctx, const struct fl_feed *feed)
{
    *(unsigned *)ctx += feed->enabled ? 100 : 1;
    return 0;
}

static void test_feeds(struct fl_db *db)
{
    struct fl_feed feed = {.slug = "own",
                           .name = "Own",
                           .kind = "cap",
                           .url = "https://Warn.Example.org/x",
                           .enabled = true,
                           .every_s = 300},
                   got;
    struct fl_db_list list;
    struct fl_err err = {0};
    unsigned n = 0;

    CHECK(fl_db_feeds(db, (struct fl_db_page){NULL, 0}, count_feed, &n, &list, NULL) == FL_OK &&
              list.total >= 4 && n == list.total,
          "those that come with the program are switched off");
    CHECK(fl_db_feed_add(db, &feed, NULL) == FL_OK && strcmp(feed.host, "warn.example.org") == 0,
          "a feed");
    CHECK(fl_db_feed_add(db, &feed, &err) == FL_E_EXISTS, "twice");
    feed.url[4] = ':';
    CHECK(fl_db_feed_set(db, &feed, &err) == FL_E_INVAL && strstr(err.text, "url") != NULL,
          "an address that is none");
    n = 0;
    CHECK(fl_db_feeds_due(db, S, 10, count_feed, &n, NULL) == FL_OK && n == 100, "it is due");
    CHECK(fl_db_feeds_hold(db, "warn.example.org", 50 * S, NULL) == FL_OK, "the host is held");
    n = 0;
    CHECK(fl_db_feeds_due(db, 49 * S, 10, count_feed, &n, NULL) == FL_OK && n == 0, "not yet");
    CHECK(fl_db_feed_get(db, "own", &got, NULL) == FL_OK && got.next_us == 50 * S, "until then");
    CHECK(fl_db_feed_get(db, "none", &got, &err) == FL_E_NOENT, "none of that name");
}

static void test_times(void)
{
    struct fl_feed feed = {.every_s = 300};
    int64_t last = 0;

    CHECK(fl_feed_next_us(&feed, 0, 0, 0) == 300 * S, "well: after its time");
    CHECK(fl_feed_next_us(&feed, 0, UINT32_MAX, 0) == 330 * S, "spread by a tenth");
    CHECK(fl_feed_next_us(&feed, 1000, 0, 0) == 1000 * S, "as the server asks");
    CHECK(fl_feed_next_us(&feed, UINT32_MAX, 0, 0) == 86400 * S, "but a day at most");
    for (feed.failures = 1; feed.failures < 5; feed.failures++) {
        int64_t next = fl_feed_next_us(&feed, 0, 0, 0);

        CHECK(next > last && next == (int64_t)300 * S << feed.failures, "failing: doubled");
        last = next;
    }
    feed.failures = 100;
    CHECK(fl_feed_next_us(&feed, 0, 0, 0) == 6 * 3600 * S, "at most 6 hours");
    feed.every_s = 86400;
    CHECK(fl_feed_next_us(&feed, 0, 0, 0) == 86400 * S, "or its own time");
}

static int take_refused(void *ctx, const struct fl_db_refused *refused)
{
    uint64_t *sum = ctx;

    sum[0]++;
    sum[1] += refused->count;
    return 0;
}

static void test_refused(struct fl_db *db)
{
    struct fl_db_refused one = {.feed = 1, .why = FL_SPAN("no"), .head = FL_SPAN("x"), .bytes = 1};
    struct fl_db_list list;
    uint64_t sum[2] = {0, 0};
    bool fine = true;

    fine = fl_db_begin(db, NULL) == FL_OK;
    for (unsigned i = 0; i < FL_DB_REFUSED_PER_FEED + 50; i++) {
        char head[16];

        (void)snprintf(head, sizeof head, "%u", i);
        one.head = fl_span_str(head);
        one.at_us = i;
        fine = fine && fl_db_refused_add(db, &one, NULL) == FL_OK;
        fine = fine && fl_db_refused_add(db, &one, NULL) == FL_OK;
    }
    CHECK(fine && fl_db_commit(db, NULL) == FL_OK, "many are refused");
    CHECK(fl_db_refused(db, 1, (struct fl_db_page){NULL, 0}, take_refused, sum, &list, NULL) ==
                  FL_OK &&
              sum[0] == FL_DB_REFUSED_PER_FEED && sum[1] == 2 * sum[0] && list.total == sum[0],
          "the latest are kept, the same is counted");
}

static struct fl_world_event event_of(const char *title, double lat, double lon, int64_t from_us)
{
    struct fl_world_event e;

    fl_world_event_init(&e);
    e.title = fl_span_str(title);
    e.type = FL_SPAN("GEO-001");
    e.lat = lat;
    e.lon = lon;
    e.from_us = from_us;
    return e;
}

static uint32_t put_event(struct fl_db *db, uint32_t tenant, const char *title, double lat,
                          int64_t from_us)
{
    struct fl_world_event e = event_of(title, lat, 10, from_us);
    struct fl_db_event row = {.tenant = tenant, .first_us = from_us, .changed_us = from_us};

    fl_db_event_fill(&row, &e);
    if (fl_db_event_put(db, &row, FL_SPAN("{}"), "new", "", "f", NULL) < 0 || row.version != 1)
        return 0;
    return row.id;
}

static int count_event(void *ctx, const struct fl_db_event *row)
{
    *(unsigned *)ctx += row->id > 0;
    return 0;
}

static unsigned listed(struct fl_db *db, struct fl_db_event_pick pick, uint32_t page)
{
    struct fl_db_page at = {.limit = page};
    struct fl_db_list list = {.total = 0};
    char after[FL_SLUG_MAX + 1];
    unsigned n = 0;

    do {
        if (fl_db_events(db, &pick, at, count_event, &n, &list, NULL) < 0)
            return 999;
        (void)snprintf(after, sizeof after, "%s", list.next);
        at.after = after;
    } while (after[0] != '\0');
    return list.total == n ? n : 998;
}

static int count_version(void *ctx, const struct fl_db_version *version)
{
    unsigned *sum = ctx;

    sum[0]++;
    sum[1] = version->version;
    return 0;
}

static void test_events(struct fl_db *db)
{
    struct fl_db_event row = {.id = 0};
    FL_AUTO(fl_buf_done) struct fl_buf text;
    uint32_t a = put_event(db, 0, "a", 1, 100 * S), b = put_event(db, 0, "b", 1.2, 110 * S), id = 0;
    unsigned n = 0, sum[2] = {0, 0};
    const struct fl_db_event_near near = {90 * S, 120 * S, 900000, 1100000};

    (void)put_event(db, 7, "typed", 1, 105 * S);
    fl_buf_init(&text, 1000);
    CHECK(a > 0 && b > a, "two events");
    CHECK(fl_db_event_name(db, 0, FL_SPAN("x:1"), a, NULL) == FL_OK &&
              fl_db_event_name(db, 0, FL_SPAN("x:2"), b, NULL) == FL_OK,
          "with names");
    CHECK(fl_db_event_by_name(db, 0, FL_SPAN("x:2"), &id, NULL) == FL_OK && id == b, "found again");
    CHECK(fl_db_event_by_name(db, 7, FL_SPAN("x:2"), &id, NULL) == FL_E_NOENT,
          "names are a tenant's own");
    CHECK(fl_db_events_near(db, &near, 10, count_event, &n, NULL) >= 0 && n == 1,
          "near: of feeds alone, in the box, in the time");
    CHECK(listed(db, (struct fl_db_event_pick){.tenant = 7, .standing = -1, .typed = -1}, 2) == 3 &&
              listed(db, (struct fl_db_event_pick){.tenant = 8, .standing = 1, .typed = -1}, 1) ==
                  2 &&
              listed(db, (struct fl_db_event_pick){.tenant = 7, .standing = 1, .typed = 1}, 1) == 1,
          "lists: one's own and the feeds', page by page");
    CHECK(listed(db,
                 (struct fl_db_event_pick){.tenant = 7, .standing = -1, .typed = -1, .type = "GEO"},
                 0) == 3 &&
              listed(db,
                     (struct fl_db_event_pick){
                         .tenant = 7, .standing = -1, .typed = -1, .type = "MET"},
                     0) == 0,
          "by family");
    CHECK(fl_db_report_set(db, b, "f", FL_SPAN("{\"b\":1}"), S, S, NULL) == FL_OK &&
              fl_db_event_merge(db, b, a, 200 * S, NULL) == FL_OK,
          "one turns out to be the other");
    CHECK(fl_db_event_by_name(db, 0, FL_SPAN("x:2"), &id, NULL) == FL_OK && id == a &&
              fl_db_report_get(db, a, "f", &text, NULL) == FL_OK && text.len == 7,
          "its names and reports go there");
    CHECK(fl_db_event_get(db, b, &row, NULL, NULL) == FL_OK && row.merged_into == a &&
              listed(db, (struct fl_db_event_pick){.tenant = 8, .standing = 1, .typed = -1}, 0) ==
                  1,
          "it stays as a pointer, out of lists");
    CHECK(fl_db_event_get(db, a, &row, NULL, NULL) == FL_OK, "the other");
    CHECK(fl_db_begin(db, NULL) == FL_OK, "many versions");
    for (unsigned i = 0; i < FL_DB_VERSIONS_MAX + 20; i++)
        n += (unsigned)fl_db_event_put(db, &row, FL_SPAN("{}"), "update", "", "f", NULL);
    CHECK(fl_db_commit(db, NULL) == FL_OK, "are stored");
    CHECK(fl_db_versions(db, a, (struct fl_db_page){NULL, 0}, count_version, sum, NULL, NULL) ==
                  FL_OK &&
              sum[0] == FL_DB_VERSIONS_MAX + 1 && sum[1] == FL_DB_VERSIONS_MAX + 21,
          "of many versions the first and the latest are kept");
}

static int take_notice(void *ctx, const struct fl_notice *notice)
{
    *(uint32_t *)ctx = notice->id;
    return 0;
}

static const struct {
    unsigned kind;
    const char *target, *subject;
    int want;
} notices[] = {
    {FL_NOTICE_MAIL, "jane@example.org", "Hello", FL_OK},
    {FL_NOTICE_MAIL, "jane.example.org", "Hello", FL_E_INVAL},
    {FL_NOTICE_MAIL, "jane@example", "Hello", FL_E_INVAL},
    {FL_NOTICE_MAIL, "jane@example.org\tBcc: x@y.z", "Hello", FL_E_INVAL},
    {FL_NOTICE_MAIL, "jane@example.org", "Hello\nBcc: x@y.z", FL_E_INVAL},
    {FL_NOTICE_MAIL, "jane@example.org", "", FL_E_INVAL},
    {FL_NOTICE_WEBHOOK, "http://hooks.example.org/", "Hello", FL_E_INVAL},
    {FL_NOTICE_WEBHOOK, "https://hooks.example.org/", "Hello", FL_E_NOENT},
    {FL_NOTICE_KINDS, "x", "Hello", FL_E_INVAL},
};

static void test_notices(struct fl_db *db)
{
    struct fl_tenant tenant = {.slug = "acme", .name = "acme", .keep_days = 7};
    struct fl_notice n;
    uint32_t due = 0;

    for (size_t i = 0; i < FL_LEN(notices); i++) {
        n = (struct fl_notice){.tenant = 9, .kind = notices[i].kind, .about = "case:1"};
        (void)snprintf(n.target, sizeof n.target, "%s", notices[i].target);
        (void)snprintf(n.subject, sizeof n.subject, "%s", notices[i].subject);
        CHECK(fl_db_notice_add(db, &n, FL_SPAN("text"), NULL) == notices[i].want,
              notices[i].target);
    }
    CHECK(fl_db_tenant_add(db, &tenant, NULL) == FL_OK &&
              fl_db_webhook_key_set(db, tenant.id, "00ff", 1, NULL) == FL_OK,
          "a tenant with a key");
    n = (struct fl_notice){.tenant = tenant.id, .kind = FL_NOTICE_WEBHOOK, .subject = "s"};
    (void)snprintf(n.target, sizeof n.target, "https://hooks.example.org/");
    CHECK(fl_db_notice_add(db, &n, FL_SPAN("{}"), NULL) == FL_OK, "now its webhooks can be signed");
    CHECK(fl_db_notices_due(db, S, 1, take_notice, &due, NULL) >= 0 && due != 0, "it is due");
    n.state = FL_NOTICE_SENT;
    CHECK(fl_db_notice_set(db, &n, NULL) == FL_OK, "it is sent");
    due = 0;
    CHECK(fl_db_notices(db, tenant.id, NULL, (struct fl_db_page){NULL, 0}, take_notice, &due, NULL,
                        NULL) == FL_OK &&
              due == n.id,
          "and kept");
}

int main(void)
{
    struct fl_db *db = open_db();

    test_times();
    test_feeds(db);
    test_refused(db);
    test_events(db);
    test_notices(db);
    fl_db_close(db);
    (void)unlink("event.db");
    return tap_done();
}
