#include <errno.h>

#include "house.h"
#include "logs/share.h"
#include "logs/store_job.h"
#include "logs/store_rewrite.h"
#include "tap.h"

enum { A = 1, B = 2, C = 3 };
#define KIB 1024u

/* ---- clocks ---- */

#define DAY  FL_US_PER_DAY
#define HOUR (FL_US_PER_S * 3600)

static void check_wallclock(void)
{
    struct fl_wallclock c;
    enum fl_clock_news news;
    int64_t w = HOUSE_NOW_US, m = 77;

    fl_wallclock_init(&c, w, m, INT64_MIN);
    CHECK(fl_wallclock_now(&c, w + 5, m + 5, &news) == w + 5 && news == FL_CLOCK_QUIET &&
              fl_wallclock_is_sure(&c, m + 5),
          "clocks that agree");
    CHECK(fl_wallclock_now(&c, w + 20 * HOUR, m + 6, &news) == w + 20 * HOUR &&
              news == FL_CLOCK_QUIET && fl_wallclock_is_sure(&c, m + 6),
          "a step of less than a day is taken");
    w += 20 * HOUR;
    CHECK(fl_wallclock_now(&c, w + 300 * DAY, m + HOUR, &news) == w + HOUR - 6 &&
              news == FL_CLOCK_ODD && !fl_wallclock_is_sure(&c, m + HOUR),
          "a leap is not: time goes on from where it was");
    CHECK(fl_wallclock_now(&c, w + 300 * DAY + HOUR / 2, m + HOUR + HOUR / 2, &news) ==
                  w + HOUR + HOUR / 2 - 6 &&
              news == FL_CLOCK_QUIET,
          "told once");
    CHECK(fl_wallclock_now(&c, w + 300 * DAY + HOUR, m + 2 * HOUR, &news) == w + 300 * DAY + HOUR &&
              news == FL_CLOCK_BELIEVED && fl_wallclock_is_sure(&c, m + 2 * HOUR),
          "steady for an hour, it is believed");
    w += 300 * DAY + HOUR;
    m += 2 * HOUR;
    (void)fl_wallclock_now(&c, w - 9000 * DAY, m + 10, &news);
    CHECK(news == FL_CLOCK_ODD &&
              fl_wallclock_now(&c, w - 8000 * DAY, m + HOUR - 5, &news) == w + HOUR - 5 &&
              news == FL_CLOCK_ODD,
          "one that leaps again begins anew");
    CHECK(fl_wallclock_now(&c, w - 8000 * DAY, m + HOUR + 10, &news) == w + HOUR + 10 &&
              news == FL_CLOCK_QUIET && !fl_wallclock_is_sure(&c, m + HOUR + 10),
          "and is not believed before its hour is over");
    CHECK(fl_wallclock_now(&c, w + 2 * HOUR, m + 2 * HOUR, &news) == w + 2 * HOUR &&
              news == FL_CLOCK_BELIEVED && fl_wallclock_is_sure(&c, m + 2 * HOUR),
          "put right, it counts at once");
    fl_wallclock_init(&c, w, m, w - 5 * DAY);
    CHECK(fl_wallclock_now(&c, w + 1, m + 1, &news) == w + 1 && !fl_wallclock_is_sure(&c, m + 1) &&
              fl_wallclock_is_sure(&c, m + HOUR),
          "a start five days after the newest data destroys nothing for an hour");
    fl_wallclock_init(&c, 1000, m, w);
    CHECK(fl_wallclock_now(&c, 1001, m + 1, &news) == w + 1 && news == FL_CLOCK_ODD,
          "a start in 1970 goes on from the newest data");
    fl_wallclock_init(&c, w, m, w - HOUR);
    CHECK(fl_wallclock_now(&c, w, m, &news) == w && fl_wallclock_is_sure(&c, m),
          "an ordinary start");
}

/* ---- shares ---- */

static void check_shares(void)
{
    static const struct {
        uint64_t limit, used[4], quota[4], excess[4];
        const char *name;
    } rows[] = {
        {100, {10, 20, 30, 0}, {0}, {0}, "all within: nobody is over"},
        {100, {90, 30, 20, 0}, {0}, {40, 0, 0, 0}, "who uses little keeps it, the rest is shared"},
        {90, {90, 60, 20, 0}, {0}, {55, 25, 0, 0}, "two over an even share"},
        {100, {60, 60, 0, 0}, {20, 0, 0, 0}, {40, 0, 0, 0}, "a quota bounds its share"},
        {100, {60, 100, 0, 0}, {20, 0, 0, 0}, {40, 20, 0, 0}, "and leaves more to others"},
        {100, {50, 40, 30, 0}, {80, 0, 0, 0}, {15, 5, 0, 0}, "a large quota is no privilege"},
        {0, {5, 7, 0, 0}, {0}, {5, 7, 0, 0}, "no room at all"},
    };
    uint64_t scratch[4];

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        struct fl_share t[4];
        bool ok = true;

        for (size_t k = 0; k < 4; k++)
            t[k] = (struct fl_share){.used = rows[i].used[k], .quota = rows[i].quota[k]};
        fl_shares(t, 4, rows[i].limit, scratch);
        for (size_t k = 0; k < 4; k++)
            ok = ok && fl_share_excess(&t[k]) == rows[i].excess[k];
        CHECK(ok, rows[i].name);
    }
}

/* ---- merging ---- */

static void check_merge(void)
{
    struct house h;
    struct fl_store_stats st;
    struct tally t;

    house_begin(&h);
    house_rule(&h, A, 30, 0);
    house_rule(&h, B, 30, 0);
    for (int i = 0; i < 12; i++)
        house_fill(&h, i % 3 == 0 ? B : A, 40, true);
    house_tick(&h);
    fl_store_stats(h.store, &st);
    CHECK(st.segments == 12 && st.merges == 0, "today's segments are left alone");
    pass(DAY);
    house_fill(&h, A, 40, true);
    h.store->due = true;
    house_tick(&h);
    fl_store_stats(h.store, &st);
    CHECK(st.merges == 0, "nothing is merged while there is something to seal");
    h.store->due = false;
    atomic_store(&h.store->memory, 60 << 20);
    house_tick(&h);
    fl_store_stats(h.store, &st);
    CHECK(st.merges == 0, "or memory is short");
    atomic_store(&h.store->memory, 0);
    house_tick(&h);
    fl_store_stats(h.store, &st);
    CHECK(st.merges == 1 && st.merged == 8 && st.merge_rows == 320 && st.segments == 6 &&
              st.retiring == 8,
          "then a tenant's day becomes one segment");
    h.store->merge_mono_us = 0;
    house_tick(&h);
    fl_store_stats(h.store, &st);
    CHECK(st.merges == 2 && st.segments == 3, "then the next tenant's");
    t = tally_of(h.store, A);
    CHECK(whole(&t, 360) && t.parts == 2, "every row is there, once, in order");
    t = tally_of(h.store, B);
    CHECK(whole(&t, 160) && t.parts == 1, "of both");
    h.store->merge_mono_us = 0;
    pass(61 * FL_US_PER_S);
    house_tick(&h);
    fl_store_stats(h.store, &st);
    CHECK(st.merges == 2 && st.retiring == 0, "what is merged stays so; the old ones are gone");
    house_reopen(&h);
    t = tally_of(h.store, A);
    CHECK(whole(&t, 360) && fl_marks_get(&h.store->taken, ring_id) == h.number,
          "after a start as well, with the marks of deliveries");
    house_end(&h);
}

/* One tenant's many days do not keep another's waiting. */
static void check_turns(void)
{
    struct house h;

    house_begin(&h);
    house_rule(&h, A, 30, 0);
    house_rule(&h, B, 30, 0);
    for (int day = 0; day < 3; day++, pass(DAY)) {
        house_fill(&h, A, 20, true);
        house_fill(&h, A, 20, true);
    }
    house_fill(&h, B, 20, true);
    house_fill(&h, B, 20, true);
    pass(DAY);
    for (int i = 0; i < 2; i++) {
        h.store->merge_mono_us = 0;
        house_tick(&h);
    }
    CHECK(house_stats(&h, A).segments == 5 && house_stats(&h, B).segments == 1,
          "tenants take turns");
    house_end(&h);
}

static void damage_one(struct house *h)
{
    struct fl_segment_id *id = &h->store->tenants[0]->days[0]->segs[2]->id;
    char name[FL_SEGMENT_NAME_BYTES], path[160], text[16];

    fl_segment_name(id->file_id, name);
    fl_day_format(id->day, text);
    (void)snprintf(path, sizeof path, "tenant1/%s/%s", text, name);
    if (powerfs_damage(h->fs, path, 80, 0x40) < 0)
        abort();
}

static void check_merge_damaged(void)
{
    struct house h;
    struct fl_store_stats st;

    house_begin(&h);
    house_rule(&h, A, 30, 0);
    for (int i = 0; i < 6; i++)
        house_fill(&h, A, 40, true);
    pass(DAY);
    damage_one(&h);
    for (int i = 0; i < 4; i++) {
        h.store->merge_mono_us = 0;
        house_tick(&h);
    }
    fl_store_stats(h.store, &st);
    CHECK(st.merges == 2 && st.segments == 3 && tally_of(h.store, A).rows == 200 &&
              tally_of(h.store, A).failed == 1,
          "a damaged segment is passed over, the others go together");
    house_end(&h);
}

static void check_merge_now(void)
{
    struct house h;
    struct lines l = {.len = 0};
    const struct fl_query_sink sink = {lines_write, lines_cancelled, &l};
    struct fl_job_ask ask = {
        .kind = FL_JOB_MERGE, .from_day = INT32_MIN, .to_day = INT32_MAX, .dry = true};
    struct tally t;

    house_begin(&h);
    house_rule(&h, A, 30, 0);
    house_rule(&h, B, 30, 0);
    for (int day = 0; day < 3; day++, pass(DAY))
        for (int i = 0; i < 6; i++)
            house_fill(&h, i < 3 ? A : B, 30, true);
    CHECK(fl_store_job(h.store, &ask, &sink, NULL) == 0 &&
              strstr(l.text, "\"dry_run\":true") != NULL && strstr(l.text, "\"days\":6") != NULL &&
              strstr(l.text, "\"merges\":0") != NULL,
          "a dry run counts");
    l.len = 0;
    ask.dry = false;
    ask.tenant = B;
    CHECK(fl_store_job(h.store, &ask, &sink, NULL) == 0 &&
              strstr(l.text, "{\"progress\":{") != NULL && strstr(l.text, "\"merges\":3") != NULL &&
              strstr(l.text, "\"rows\":270") != NULL,
          "one tenant's days");
    t = tally_of(h.store, B);
    CHECK(whole(&t, 270) && t.parts == 3 && tally_of(h.store, A).parts == 9, "and no other's");
    l = (struct lines){.cancel_after = 1};
    ask.tenant = 0;
    CHECK(fl_store_job(h.store, &ask, &sink, NULL) == 0 &&
              strstr(l.text, "\"cancelled\":true") != NULL && tally_of(h.store, A).parts == 7,
          "cancelled, what was done stays");
    ask.from_day = 5;
    ask.to_day = 4;
    CHECK(fl_store_job(h.store, &ask, &sink, NULL) == FL_E_INVAL, "an empty range");
    ask.kind = 99;
    CHECK(fl_store_job(h.store, &ask, &sink, NULL) == FL_E_INVAL, "an unknown kind");
    house_end(&h);
}

/* ---- quota ---- */

static void check_quota(void)
{
    struct house h;
    struct fl_store_tenant_stats st;
    uint64_t day_bytes;

    house_begin(&h);
    house_rule(&h, A, 30, 0);
    house_rule(&h, B, 30, 0);
    for (int day = 0; day < 5; day++) {
        if (day > 0)
            pass(DAY);
        house_fill(&h, A, 300, true);
        house_fill(&h, B, 300, true);
    }
    day_bytes = house_stats(&h, A).bytes / 5;
    house_rule(&h, A, 30, day_bytes * 7 / 2);
    house_tick(&h);
    st = house_stats(&h, A);
    CHECK(st.rows == 900 && st.oldest_day == fl_day_of(HOUSE_NOW_US) + 2 && st.taken_days == 2 &&
              st.taken_day == fl_day_of(HOUSE_NOW_US) + 1 && st.taken_us == wall_us &&
              st.taken_bytes > day_bytes && st.quota_bytes == day_bytes * 7 / 2,
          "a tenant over its quota loses its oldest days, no more than needed");
    CHECK(house_stats(&h, B).rows == 1500 && events_named(&h, "logs.quota") == 2 &&
              strcmp(h.event[0].slug, "tenant1") == 0 &&
              strstr(h.event[0].detail, "\"day\":\"2025-06-15\"") != NULL &&
              strstr(h.event[0].detail, "the tenant's quota") != NULL,
          "another loses nothing; each day is told");
    house_rule(&h, A, 30, day_bytes / 2);
    house_tick(&h);
    st = house_stats(&h, A);
    CHECK(st.rows == 300 && st.oldest_day == fl_day_of(wall_us) &&
              events_named(&h, "logs.quota_exceeded") == 1,
          "today is not taken for it, but told");
    house_tick(&h);
    CHECK(house_stats(&h, A).rows == 300 && events_named(&h, "logs.quota_exceeded") == 1,
          "once a day");
    house_reopen(&h);
    CHECK(tally_of(h.store, A).rows == 300 && tally_of(h.store, B).rows == 1500,
          "nothing comes back");
    house_end(&h);
}

static void check_limit(void)
{
    struct house h;
    uint64_t bytes;

    house_begin(&h);
    for (uint32_t t = A; t <= C; t++)
        house_rule(&h, t, 30, 0);
    for (int day = 0; day < 4; day++) {
        if (day > 0)
            pass(DAY);
        for (int i = 0; i < 16; i++)
            house_fill(&h, A, 6000, i == 15);
        house_fill(&h, B, 300, true);
        house_fill(&h, C, 200, true);
    }
    bytes = house_stats(&h, A).bytes;
    h.store->conf.max_bytes = bytes + house_stats(&h, B).bytes + house_stats(&h, C).bytes - 1;
    house_tick(&h);
    CHECK(house_stats(&h, A).taken_days == 1 && house_stats(&h, B).taken_days == 0 &&
              house_stats(&h, C).taken_days == 0 && house_stats(&h, A).share_bytes < bytes,
          "over the limit of all, the largest gives its oldest day");
    bytes = house_stats(&h, A).bytes / 6 + house_stats(&h, B).bytes + house_stats(&h, C).bytes;
    h.store->conf.max_bytes = bytes; /* a half of A's day */
    house_tick(&h);
    CHECK(house_stats(&h, A).rows == 0 && house_stats(&h, A).taken_days == 4,
          "what floods today gives today when it has nothing older");
    CHECK(house_stats(&h, C).rows == 800 && house_stats(&h, B).rows == 1200 &&
              strstr(h.event[h.events - 1].detail, "the limit of the store") != NULL,
          "those within their share stay");
    CHECK(house_stats(&h, A).bytes + house_stats(&h, B).bytes + house_stats(&h, C).bytes <= bytes,
          "the limit holds");
    house_end(&h);
}

/* What merging replaced goes before any day does. */
static void check_replaced_first(void)
{
    struct house h;
    struct fl_store_stats st;

    house_begin(&h);
    house_rule(&h, A, 30, 0);
    for (int i = 0; i < 10; i++)
        house_fill(&h, A, 500, true);
    pass(DAY);
    house_tick(&h);
    fl_store_stats(h.store, &st);
    CHECK(st.merges == 1 && st.retiring == 10, "ten segments wait to be destroyed");
    house_space -= house_free(&h.files, 0) - 100 * 1024;
    h.store->conf.min_free_bytes = 101 * 1024;
    house_tick(&h);
    fl_store_stats(h.store, &st);
    CHECK(st.retiring == 0 && house_stats(&h, A).taken_days == 0 && house_stats(&h, A).rows == 5000,
          "that is enough: no day is taken");
    house_end(&h);
}

static void check_full_disk(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf batch;
    struct house h;
    struct fl_store_stats st;
    uint32_t got = 0;
    int64_t left;
    int r;

    fl_buf_init(&batch, 1 << 20);
    house_begin(&h);
    house_rule(&h, A, 30, 0);
    house_rule(&h, B, 30, 0);
    for (int day = 0; day < 3; day++) {
        if (day > 0)
            pass(DAY);
        house_fill(&h, A, 1000, true);
        house_fill(&h, B, 100, true);
    }
    left = house_free(&h.files, 0);
    house_space -= left - 100 * 1024; /* 100 KiB are free */
    h.store->conf.min_free_bytes = 101 * 1024;
    house_tick(&h);
    CHECK(house_stats(&h, A).taken_days == 1 && house_stats(&h, B).taken_days == 0 &&
              strstr(h.event[0].detail, "too little free disk") != NULL,
          "a disk below its floor takes a day");
    h.store->conf.min_free_bytes = 4 << 20;
    house_tick(&h);
    fl_store_stats(h.store, &st);
    CHECK(st.full && events_named(&h, "store.full") == 1 && st.free_bytes < 4 << 20 &&
              house_stats(&h, A).taken_days == 1 && house_stats(&h, B).taken_days == 0,
          "where all days would not be enough, none is taken, but told");
    plain_batch(1, 10, wall_us, &batch);
    r = fl_store_append(h.store, B, ring_id, ++h.number, fl_buf_span(&batch), &got, NULL);
    CHECK(r == FL_E_AGAIN && got == 0, "and nothing is accepted, so that senders wait");
    house_space += 5 << 20;
    house_tick(&h);
    fl_store_stats(h.store, &st);
    CHECK(!st.full && events_named(&h, "store.room") == 1 &&
              fl_store_append(h.store, B, ring_id, h.number, fl_buf_span(&batch), &got, NULL) ==
                  0 &&
              got == 10,
          "until there is room");
    house_end(&h);
}

/* ---- retention and the clock ---- */

static void check_days_roll(void)
{
    struct house h;
    bool ok = true;
    size_t keys = 0;

    house_begin(&h);
    house_rule(&h, A, 3, 0);
    for (int hour = 0; hour < 24 * 12; hour++) {
        struct fl_store_tenant_stats st;
        int32_t today;

        house_fill(&h, A, 5, hour % 2 == 0);
        house_tick(&h);
        st = house_stats(&h, A);
        today = fl_day_of(wall_us);
        ok = ok && st.newest_day == today && today - st.oldest_day <= 3 &&
             (hour < 24 * 4 || today - st.oldest_day == 3);
        if (hour == 24 * 6)
            keys = h.keys.count;
        pass(HOUR);
    }
    CHECK(ok, "twelve days in hours: three days and today are there, never more or less");
    CHECK(h.keys.count <= keys + 60 && keys > 0, "keys die with their days");
    house_reopen(&h);
    house_rule(&h, A, 3, 0);
    house_tick(&h);
    CHECK(house_stats(&h, A).oldest_day == fl_day_of(wall_us - HOUR) - 3 ||
              house_stats(&h, A).oldest_day == fl_day_of(wall_us) - 3,
          "also over a start");
    house_end(&h);
}

static void check_leap(void)
{
    struct house h;
    int64_t before;

    house_begin(&h);
    house_rule(&h, A, 2, 0);
    house_fill(&h, A, 100, true);
    pass(DAY);
    house_fill(&h, A, 100, true);
    before = wall_us;
    wall_us += 400 * DAY; /* somebody set the clock */
    house_tick(&h);
    pass(HOUR / 2);
    house_tick(&h);
    CHECK(house_stats(&h, A).rows == 200 && events_named(&h, "store.clock") == 1,
          "a clock that leaps ahead destroys nothing");
    house_fill(&h, A, 50, false);
    CHECK(house_stats(&h, A).newest_day == fl_day_of(before) && house_stats(&h, A).rows == 250,
          "rows get the day that it would be");
    wall_us -= 400 * DAY;
    house_tick(&h);
    CHECK(house_stats(&h, A).rows == 250 && events_named(&h, "store.clock") == 2,
          "put right, all is as it was");
    wall_us -= 9000 * DAY; /* 1970s */
    house_fill(&h, A, 50, false);
    house_tick(&h);
    wall_us += 9000 * DAY;
    house_tick(&h);
    CHECK(house_stats(&h, A).rows == 300,
          "rows that came while the clock was far back are not old when it is right");
    wall_us += 2 * DAY + HOUR;
    house_tick(&h);
    CHECK(house_stats(&h, A).rows == 300, "a leap of two days waits");
    for (int i = 0; i < 7; i++) {
        pass(HOUR / 6);
        house_tick(&h);
    }
    CHECK(house_stats(&h, A).rows == 200 && events_named(&h, "store.clock") == 6,
          "an hour later it is believed, and retention goes on");
    house_end(&h);
}

static void check_leap_over_start(void)
{
    struct house h;

    house_begin(&h);
    house_rule(&h, A, 2, 0);
    house_fill(&h, A, 100, true);
    fl_store_close(h.store);
    wall_us += 100 * DAY;
    mono_us = 5; /* another boot */
    house_open(&h);
    house_rule(&h, A, 2, 0);
    house_tick(&h);
    CHECK(house_stats(&h, A).rows == 100, "a machine that was off, or whose clock is wrong");
    pass(HOUR / 2);
    house_tick(&h);
    CHECK(house_stats(&h, A).rows == 100, "destroys nothing at first");
    pass(HOUR / 2);
    house_tick(&h);
    CHECK(house_stats(&h, A).rows == 0, "but after an hour");
    house_end(&h);
}

/* Files that were merged meanwhile are new, their rows are not. */
static void check_leap_and_merge(void)
{
    struct house h;

    house_begin(&h);
    house_rule(&h, A, 2, 0);
    for (int i = 0; i < 8; i++)
        house_fill(&h, A, 10, true);
    fl_store_close(h.store);
    wall_us += 100 * DAY;
    mono_us = 5;
    house_open(&h);
    house_rule(&h, A, 2, 0);
    h.store->merge_mono_us = 0;
    house_tick(&h);
    CHECK(house_stats(&h, A).rows == 80 && house_stats(&h, A).segments == 1,
          "small segments are merged under a clock that leapt");
    fl_store_close(h.store);
    house_open(&h);
    house_rule(&h, A, 2, 0);
    house_tick(&h);
    CHECK(house_stats(&h, A).rows == 80, "another start within the hour destroys nothing either");
    house_end(&h);
}

static void check_purge_counts(void)
{
    struct house h;
    struct fl_purge_result dry = {0}, real = {0};
    int32_t today;

    house_begin(&h);
    house_rule(&h, A, 30, 0);
    house_fill(&h, A, 100, true);
    house_fill(&h, A, 100, true);
    pass(2 * DAY);
    house_fill(&h, A, 10, true);
    house_fill(&h, A, 7, false);
    today = fl_day_of(wall_us);
    CHECK(fl_store_purge(h.store, A, today - 9, today, true, "purge", &dry, NULL) == 0 &&
              dry.rows == 217 && dry.segments == 3 && dry.days == 2 && dry.bytes > 0 &&
              tally_of(h.store, A).rows == 217,
          "a dry run counts rows, bytes, segments and days, and changes nothing");
    if (fl_store_purge(h.store, A, today - 9, today, false, "purge", &real, NULL) < 0)
        abort();
    CHECK(real.rows == dry.rows && real.days == 2 && real.segments == 3 && real.keys == dry.keys &&
              real.keys > 0 && tally_of(h.store, A).rows == 0,
          "a real one does what it said, with as many keys");
    house_end(&h);
}

int main(void)
{
    check_wallclock();
    check_shares();
    check_merge();
    check_turns();
    check_merge_damaged();
    check_merge_now();
    check_quota();
    check_limit();
    check_replaced_first();
    check_full_disk();
    check_days_roll();
    check_leap();
    check_leap_over_start();
    check_leap_and_merge();
    check_purge_counts();
    return tap_done();
}
