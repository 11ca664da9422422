#include "logs/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "tap.h"

enum { NONE = -1, FAR = FL_ROW_FAR_END, COPY = FL_ROW_COPY, BARE = FL_ROW_NO_BASELINE };

/* One row: what comes, what it must add. */
struct step {
    const char *action;
    int at_s;             /* device time */
    int number;           /* session; NONE: none */
    int port;             /* tells five-tuples apart */
    int out, in, seconds; /* cumulative; NONE: absent */
    unsigned flag;        /* that comes with it */
    int up, down, spent;  /* what it adds; NONE: absent */
    int sessions;         /* 1 or NONE */
    unsigned flags;       /* that it has then */
};

struct story {
    const char *name;
    struct step steps[6];
};

static const struct story stories[] = {
    {"a session with updates",
     {{"created", 0, 1, 1, NONE, NONE, NONE, 0, NONE, NONE, NONE, NONE, 0},
      {"updated", 60, 1, 1, 100, 1000, 60, 0, 100, 1000, 60, NONE, 0},
      {"updated", 120, 1, 1, 150, 1500, 120, 0, 50, 500, 60, NONE, 0},
      {"closed", 130, 1, 1, 160, 1600, 130, 0, 10, 100, 10, 1, 0}}},
    {"a close alone has its counters", {{"closed", 0, 1, 1, 7, 70, 5, 0, 7, 70, 5, 1, 0}}},
    {"an update without a baseline adds nothing and is the baseline",
     {{"updated", 0, 1, 1, 1000, 10000, 600, 0, NONE, NONE, NONE, NONE, BARE},
      {"updated", 60, 1, 1, 1100, 10500, 660, 0, 100, 500, 60, NONE, 0},
      {"closed", 70, 1, 1, 1101, 10501, 670, 0, 1, 1, 10, 1, 0}}},
    {"the second report of a close adds nothing",
     {{"closed", 0, 1, 1, 7, 70, 5, 0, 7, 70, 5, 1, 0},
      {"closed", 1, 1, 1, 7, 70, 5, 0, NONE, NONE, NONE, NONE, COPY},
      {"closed", 120, 1, 1, 8, 80, 5, 0, NONE, NONE, NONE, NONE, COPY},
      {"closed", 121, 1, 1, 9, 90, 6, 0, 9, 90, 6, 1, 0}}},
    {"two reports of each message",
     {{"created", 0, 1, 1, NONE, NONE, NONE, 0, NONE, NONE, NONE, NONE, 0},
      {"created", 0, 1, 1, NONE, NONE, NONE, 0, NONE, NONE, NONE, NONE, 0},
      {"updated", 60, 1, 1, 10, 10, 60, 0, 10, 10, 60, NONE, 0},
      {"closed", 61, 1, 1, 12, 12, 61, 0, 2, 2, 1, 1, 0},
      {"closed", 61, 1, 1, 12, 12, 61, 0, NONE, NONE, NONE, NONE, COPY}}},
    {"an update out of order is discarded",
     {{"created", 0, 1, 1, NONE, NONE, NONE, 0, NONE, NONE, NONE, NONE, 0},
      {"updated", 120, 1, 1, 200, 200, 120, 0, 200, 200, 120, NONE, 0},
      {"updated", 60, 1, 1, 100, 100, 60, 0, NONE, NONE, NONE, NONE, COPY},
      {"updated", 180, 1, 1, 300, 300, 180, 0, 100, 100, 60, NONE, 0}}},
    {"an update behind its close is discarded",
     {{"closed", 10, 1, 1, 20, 20, 10, 0, 20, 20, 10, 1, 0},
      {"updated", 5, 1, 1, 10, 10, 5, 0, NONE, NONE, NONE, NONE, COPY}}},
    {"the number again with another five-tuple is another session",
     {{"updated", 0, 1, 1, 500, 500, 60, 0, NONE, NONE, NONE, NONE, BARE},
      {"updated", 60, 1, 2, 600, 600, 60, 0, NONE, NONE, NONE, NONE, BARE},
      {"closed", 61, 1, 3, 5, 5, 1, 0, 5, 5, 1, 1, 0}}},
    {"the number again after a create",
     {{"created", 0, 1, 1, NONE, NONE, NONE, 0, NONE, NONE, NONE, NONE, 0},
      {"updated", 60, 1, 1, 500, 500, 60, 0, 500, 500, 60, NONE, 0},
      {"created", 90, 1, 1, NONE, NONE, NONE, 0, NONE, NONE, NONE, NONE, 0},
      {"closed", 95, 1, 1, 5, 5, 5, 0, 5, 5, 5, 1, 0}}},
    {"a shorter close is of another session",
     {{"updated", 0, 1, 1, 500, 500, 60, 0, NONE, NONE, NONE, NONE, BARE},
      {"closed", 300, 1, 1, 600, 600, 10, 0, 600, 600, 10, 1, 0}}},
    {"the far end's copy is not looked at",
     {{"created", 0, 1, 1, NONE, NONE, NONE, 0, NONE, NONE, NONE, NONE, 0},
      {"updated", 60, 1, 1, 100, 100, 60, FAR, NONE, NONE, NONE, NONE, FAR},
      {"updated", 60, 1, 1, 100, 100, 60, 0, 100, 100, 60, NONE, 0},
      {"closed", 61, 1, 1, 110, 110, 61, FAR, NONE, NONE, NONE, NONE, FAR},
      {"closed", 61, 1, 1, 110, 110, 61, 0, 10, 10, 1, 1, 0}}},
    {"rows that are no sessions",
     {{"denied", 0, NONE, 1, NONE, NONE, NONE, 0, NONE, NONE, NONE, NONE, 0},
      {"blocked", 0, 1, 1, NONE, NONE, NONE, 0, NONE, NONE, NONE, NONE, 0},
      {"routed", 0, 1, 1, 100, 100, NONE, 0, NONE, NONE, NONE, NONE, 0},
      {"updated", 0, 1, 1, NONE, NONE, NONE, 0, NONE, NONE, NONE, NONE, 0},
      {"detected", 0, NONE, 1, 9, NONE, NONE, 0, 9, NONE, NONE, NONE, 0}}},
    {"a close without counters, or without a number",
     {{"closed", 0, 1, 1, NONE, NONE, NONE, 0, NONE, NONE, NONE, 1, 0},
      {"closed", 0, NONE, 1, 5, 6, 7, 0, 5, 6, 7, 1, 0},
      {"closed", 0, NONE, 1, 5, 6, 7, 0, 5, 6, 7, 1, 0}}},
    {"permitted, told now and then",
     {{"permitted", 0, 1, 1, 10, 10, 60, 0, 10, 10, 60, 1, 0},
      {"permitted", 60, 1, 1, 30, 15, 120, 0, 20, 5, 60, NONE, 0},
      {"closed", 70, 1, 1, 31, 16, 130, 0, 1, 1, 10, 1, 0}}},
    {"what came from outside is dropped",
     {{"denied", 0, 1, 1, NONE, NONE, NONE, COPY | BARE, NONE, NONE, NONE, NONE, 0}}},
};

static void put(struct fl_event *ev, enum fl_field f, int n)
{
    if (n != NONE)
        fl_event_num(ev, f, (uint64_t)n);
}

static void make_event(const struct step *s, struct fl_event *ev)
{
    static const unsigned char ip[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1};

    fl_event_clear(ev);
    fl_event_time(ev, FL_F_TIME, 1700000000000000 + s->at_s * FL_US_PER_S);
    fl_event_str(ev, FL_F_ACTION, fl_span_str(s->action));
    fl_event_str(ev, FL_F_DEVICE, FL_SPAN("fw"));
    fl_event_str(ev, FL_F_SRC_IP, fl_span_of(ip, 16));
    fl_event_str(ev, FL_F_DST_IP, fl_span_of(ip, 16));
    put(ev, FL_F_SRC_PORT, s->port);
    put(ev, FL_F_SESSION, s->number);
    put(ev, FL_F_OUT_BYTES, s->out);
    put(ev, FL_F_IN_BYTES, s->in);
    put(ev, FL_F_OUT_PACKETS, s->out == NONE ? NONE : s->out / 10);
    put(ev, FL_F_DURATION, s->seconds);
    if (s->flag != 0)
        fl_event_num(ev, FL_F_FLAGS, s->flag);
    fl_event_num(ev, FL_F_BYTES, 123456); /* from outside: never believed */
    fl_event_num(ev, FL_F_SESSIONS, 9);
}

static bool is(const struct fl_event *ev, enum fl_field f, int want)
{
    if (want == NONE)
        return !fl_event_has(ev, f);
    return fl_event_has(ev, f) && ev->v[f].num == (uint64_t)want;
}

static bool fits(const struct step *s, const struct fl_event *ev)
{
    int both = s->up == NONE && s->down == NONE
                   ? NONE
                   : (s->up == NONE ? 0 : s->up) + (s->down == NONE ? 0 : s->down);

    return is(ev, FL_F_BYTES_UP, s->up) && is(ev, FL_F_BYTES_DOWN, s->down) &&
           is(ev, FL_F_BYTES, both) && is(ev, FL_F_SECONDS, s->spent) &&
           is(ev, FL_F_SESSIONS, s->sessions) && fl_event_get_num(ev, FL_F_FLAGS) == s->flags;
}

/* Once straight, once with a save and load between all steps. */
static void tell(const struct story *story, bool saved)
{
    FL_AUTO(fl_buf_done) struct fl_buf bytes;
    struct fl_sessions *s, *other;
    struct fl_event ev = {0};
    bool ok = true;

    fl_buf_init(&bytes, 1 << 20);
    if (fl_sessions_new(1000, &s, NULL) < 0)
        abort();
    for (size_t i = 0; i < FL_LEN(story->steps) && story->steps[i].action != NULL; i++) {
        make_event(&story->steps[i], &ev);
        fl_sessions_row(s, &ev, (int64_t)i * 1000);
        if (!fits(&story->steps[i], &ev)) {
            printf("# step %zu: bytes %llu, flags %llu\n", i,
                   (unsigned long long)fl_event_get_num(&ev, FL_F_BYTES),
                   (unsigned long long)fl_event_get_num(&ev, FL_F_FLAGS));
            ok = false;
        }
        if (!saved)
            continue;
        fl_buf_clear(&bytes);
        fl_sessions_save(s, &bytes);
        if (fl_sessions_new(1000, &other, NULL) < 0 ||
            fl_sessions_load(other, fl_buf_span(&bytes), NULL) < 0)
            abort();
        fl_sessions_free(s);
        s = other;
    }
    CHECK(ok, story->name);
    fl_sessions_free(s);
}

static void one(struct fl_sessions *s, const char *action, int number, int bytes, int64_t at_us,
                struct fl_event *ev)
{
    struct step st = {action, 0, number, 1, bytes, 0, 1, 0, 0, 0, 0, 0, 0};

    make_event(&st, ev);
    fl_sessions_row(s, ev, at_us);
}

static void check_bounds(void)
{
    struct fl_sessions *s;
    struct fl_sessions_stats stats;
    struct fl_event ev = {0};

    if (fl_sessions_new(100, &s, NULL) < 0)
        abort();
    for (int n = 0; n < 60; n++)
        one(s, "updated", n, 1, 0, &ev);
    for (int n = 100; n < 160; n++)
        one(s, "closed", n, 1, 0, &ev);
    fl_sessions_stats(s, &stats);
    CHECK(stats.open == 60 && stats.closed == 40 && stats.evicted == 20 && stats.no_baseline == 60,
          "beyond the bound the oldest closed are forgotten");
    for (int n = 200; n < 260; n++)
        one(s, "updated", n, 1, 0, &ev);
    fl_sessions_stats(s, &stats);
    CHECK(stats.open == 100 && stats.closed == 0 && stats.evicted == 80,
          "then the open ones not heard of for longest");
    one(s, "updated", 20, 1, 0, &ev);
    CHECK((fl_event_get_num(&ev, FL_F_FLAGS) & BARE) == 0, "a living one is known");
    one(s, "updated", 19, 1, 0, &ev);
    CHECK((fl_event_get_num(&ev, FL_F_FLAGS) & BARE) != 0, "a forgotten one is not");
    fl_sessions_clear(s);
    for (int n = 300; n < 350; n++)
        one(s, "closed", n, 1, 1000, &ev);
    one(s, "closed", 400, 1, 700 * FL_US_PER_S, &ev);
    for (int n = 0; n < 20; n++)
        one(s, "updated", 500 + n, 1, 700 * FL_US_PER_S, &ev);
    fl_sessions_stats(s, &stats);
    CHECK(stats.closed == 1, "closed ones are forgotten after a while");
    fl_sessions_free(s);
}

static void check_load(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf bytes;
    struct fl_sessions *s;
    struct fl_event ev = {0};
    unsigned refused = 0;

    fl_buf_init(&bytes, 1 << 20);
    if (fl_sessions_new(1000, &s, NULL) < 0)
        abort();
    for (int n = 0; n < 10; n++)
        one(s, n % 2 == 0 ? "updated" : "closed", n, 1, 0, &ev);
    fl_sessions_save(s, &bytes);
    for (size_t cut = 0; cut < bytes.len; cut++)
        refused += fl_sessions_load(s, fl_span_of(bytes.ptr, cut), NULL) == FL_E_CORRUPT;
    CHECK(refused == bytes.len, "a state that is cut is refused");
    CHECK(fl_sessions_load(s, fl_buf_span(&bytes), NULL) == 0, "the whole one is taken");
    memcpy(bytes.ptr + 8 + 80, bytes.ptr + 8, 16);
    CHECK(fl_sessions_load(s, fl_buf_span(&bytes), NULL) == FL_E_CORRUPT,
          "a session twice is refused");
    fl_sessions_free(s);
}

int main(void)
{
    for (size_t i = 0; i < FL_LEN(stories); i++) {
        tell(&stories[i], false);
        tell(&stories[i], true);
    }
    check_bounds();
    check_load();
    return tap_done();
}
