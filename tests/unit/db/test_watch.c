/* Alarms and saved searches in the database. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "db/db_watch.h"
#include "tap.h"

#define S FL_US_PER_S

static struct fl_db *open_db(void)
{
    static const unsigned char key[FL_SQL_KEY_BYTES] = {1, 2, 3};
    struct fl_db *db;
    struct fl_err err = {0};

    if (fl_db_open("watch.db", key, 1, &db, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return db;
}

static struct fl_fact fact(uint32_t tenant, const char *object, enum fl_severity severity)
{
    struct fl_fact f = {.tenant = tenant, .kind = FL_ALARM_SILENT, .severity = severity};

    (void)snprintf(f.object, sizeof f.object, "%s", object);
    (void)snprintf(f.site, sizeof f.site, "berlin");
    (void)snprintf(f.title, sizeof f.title, "%s is silent", object);
    return f;
}

static int count_alarm(void *ctx, const struct fl_alarm *alarm)
{
    *(unsigned *)ctx += alarm->id > 0;
    return 0;
}

static unsigned listed(struct fl_db *db, struct fl_db_alarm_pick pick)
{
    struct fl_db_list list;
    unsigned n = 0;

    if (fl_db_alarms(db, &pick, (struct fl_db_page){NULL, 0}, count_alarm, &n, &list, NULL) < 0)
        return 999;
    return list.total == n ? n : 998;
}

static int last_what(void *ctx, const struct fl_alarm_event *event)
{
    (void)snprintf(ctx, 64, "%s", event->what);
    return 0;
}

static void check_alarms(struct fl_db *db)
{
    struct fl_fact f = fact(1, "fw1", FL_SEVERITY_MAJOR), g = fact(0, "x", FL_SEVERITY_WARNING);
    const struct fl_db_alarm_pick all = {.tenant = 1, .state = FL_ALARMS_ALL, .severity = -1};
    struct fl_db_alarm_pick pick = {.tenant = 1, .state = FL_ALARMS_OPEN, .severity = -1};
    uint64_t counts[FL_SEVERITIES];
    struct fl_alarm a, b;
    struct fl_db_list list;
    char what[64] = "";

    CHECK(fl_db_alarm_raise(db, &f, 10 * S, &a, NULL) == 0 && a.id > 0 && a.raises == 1, "raised");
    CHECK(fl_db_alarm_raise(db, &f, 11 * S, &b, NULL) == 0 && b.id == a.id && b.since_us == 10 * S,
          "one per kind and object");
    CHECK(fl_db_alarm_raise(db, &g, 11 * S, &b, NULL) == 0 && b.id != a.id, "the instance's own");
    CHECK(listed(db, pick) == 1, "a tenant's alone");
    pick.severity = FL_SEVERITY_MINOR;
    CHECK(listed(db, pick) == 0, "by severity");
    pick.severity = FL_SEVERITY_MAJOR;
    pick.owner = "";
    pick.object = "fw1";
    pick.site = "berlin";
    CHECK(listed(db, pick) == 1, "by all at once");
    pick.owner = "ann";
    CHECK(listed(db, pick) == 0, "by owner");
    CHECK(fl_db_alarm_get(db, 2, a.id, &b, NULL) == FL_E_NOENT, "not of another tenant");
    f.severity = FL_SEVERITY_CRITICAL;
    CHECK(fl_db_alarm_change(db, a.id, &f, 12 * S, &a, NULL) == 0 && a.last_us == 12 * S, "worse");
    CHECK(fl_db_alarm_counts(db, 1, counts, NULL) == 0 && counts[FL_SEVERITY_CRITICAL] == 1 &&
              counts[FL_SEVERITY_MAJOR] == 0,
          "counts");
    (void)snprintf(a.owner, sizeof a.owner, "ann");
    a.acked_us = 13 * S;
    a.muted_us = 14 * S;
    CHECK(fl_db_alarm_set(db, &a, 13 * S, NULL) == FL_E_INVAL, "muted without a reason");
    (void)snprintf(a.mute_reason, sizeof a.mute_reason, "repair");
    CHECK(fl_db_alarm_set(db, &a, 13 * S, NULL) == 0, "muted");
    CHECK(fl_db_alarm_clear(db, a.id, 20 * S, &b, NULL) == 0 && b.cleared_us == 20 * S &&
              b.muted_us == 0 && strcmp(b.owner, "ann") == 0,
          "cleared: it keeps its owner");
    CHECK(listed(db, (struct fl_db_alarm_pick){.tenant = 1, .severity = -1}) == 0, "none stands");
    CHECK(fl_db_alarm_raise(db, &f, 21 * S, &b, NULL) == 0 && b.id == a.id && b.raises == 3 &&
              b.since_us == 21 * S,
          "soon again: the same");
    CHECK(fl_db_alarm_clear(db, a.id, 22 * S, &b, NULL) == 0, "cleared");
    CHECK(fl_db_alarm_raise(db, &f, 22 * S + FL_ALARM_BACK_US, &b, NULL) == 0 && b.id != a.id,
          "later: another");
    CHECK(fl_db_alarm_events(db, a.id, (struct fl_db_page){NULL, 0}, last_what, what, &list,
                             NULL) == 0 &&
              list.total == 6 && strcmp(what, "cleared") == 0,
          "history");
    CHECK(listed(db, all) == 2, "both are known");
    CHECK(fl_db_alarms_forget(db, 30 * S, NULL) == 0 && listed(db, all) == 1,
          "a year later one is");
    CHECK(fl_db_alarm_events(db, a.id, (struct fl_db_page){NULL, 0}, last_what, what, &list,
                             NULL) == 0 &&
              list.total == 0,
          "its history went with it");
}

static int one_search(void *ctx, const struct fl_search *search)
{
    *(uint32_t *)ctx = search->id;
    return 0;
}

static void check_searches(struct fl_db *db, uint32_t tenant)
{
    struct fl_search s = {.tenant = tenant, .every_minutes = 5, .enabled = true, .next_us = 50 * S};
    struct fl_search got;
    uint32_t id = 0;

    (void)snprintf(s.name, sizeof s.name, "Denied");
    (void)snprintf(s.view, sizeof s.view, "logs");
    CHECK(fl_db_search_add(db, &s, NULL) == 0 && s.id > 0, "saved");
    CHECK(fl_db_search_add(db, &s, NULL) == FL_E_EXISTS, "a name once");
    CHECK(fl_db_searches_due(db, 49 * S, 10, one_search, &id, NULL) == 0 && id == 0, "not due");
    CHECK(fl_db_searches_due(db, 50 * S, 10, one_search, &id, NULL) == 0 && id == s.id, "due");
    s.threshold = INT64_MAX;
    s.has_value = true;
    s.last_value = 77;
    CHECK(fl_db_search_set(db, &s, NULL) == 0 &&
              fl_db_search_get(db, tenant, s.id, &got, NULL) == 0 && got.last_value == 77 &&
              got.has_value && got.threshold == INT64_MAX,
          "changed");
    CHECK(fl_db_search_get(db, tenant + 1, s.id, &got, NULL) == FL_E_NOENT, "not another tenant's");
    CHECK(fl_db_search_remove(db, tenant + 1, s.id, NULL) == FL_E_NOENT &&
              fl_db_search_remove(db, tenant, s.id, NULL) == 0,
          "removed");
}

int main(void)
{
    struct fl_tenant t = {.keep_days = 7, .silent_minutes = 30}, back;
    struct fl_site site = {.place = true, .lat_e6 = -33868800, .lon_e6 = 151209300}, found;
    char folder[] = "/tmp/fl_watch_XXXXXX";
    struct fl_db *db;

    if (mkdtemp(folder) == NULL || chdir(folder) < 0)
        return 1;
    db = open_db();
    (void)snprintf(t.slug, sizeof t.slug, "acme");
    (void)snprintf(t.name, sizeof t.name, "Acme");
    CHECK(fl_db_tenant_add(db, &t, NULL) == 0 && fl_db_tenant_get(db, "acme", &back, NULL) == 0 &&
              back.silent_minutes == 30,
          "a tenant's own patience");
    site.tenant = t.id;
    (void)snprintf(site.slug, sizeof site.slug, "sydney");
    (void)snprintf(site.name, sizeof site.name, "Sydney");
    (void)snprintf(site.city, sizeof site.city, "Sydney");
    CHECK(fl_db_site_add(db, &site, NULL) == 0 &&
              fl_db_site_get(db, t.id, "sydney", &found, NULL) == 0 && found.place &&
              found.lat_e6 == site.lat_e6 && found.lon_e6 == site.lon_e6 &&
              strcmp(found.city, "Sydney") == 0,
          "a site's place");
    site.lat_e6 = 90000001;
    CHECK(fl_db_site_set(db, &site, NULL) == FL_E_INVAL, "no such latitude");
    check_alarms(db);
    check_searches(db, t.id);
    fl_db_close(db);
    db = open_db();
    CHECK(fl_db_tenant_remove(db, "acme", NULL) == 0 && fl_db_alarms_forget(db, 0, NULL) == 0 &&
              listed(db, (struct fl_db_alarm_pick){.tenant = t.id,
                                                   .state = FL_ALARMS_ALL,
                                                   .severity = -1}) == 0,
          "with the tenant its alarms go");
    fl_db_close(db);
    (void)unlink("watch.db");
    (void)unlink("watch.db-wal");
    (void)unlink("watch.db-shm");
    (void)rmdir(folder);
    return tap_done();
}
