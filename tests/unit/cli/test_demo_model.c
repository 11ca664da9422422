/* The demonstration's model: the same seed gives the same bytes, every line is understood, every
 * session closes, counters only grow, and a day has about as many lines as it says. */
#include "cli/demo_model.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/line.h"
#include "tap.h"

#define START INT64_C(1795219200000000) /* 2026-11-21T00:00:00Z */

struct tally {
    uint64_t hash, lines, per_device[FL_DEMO_DEVICES], per_kind[FL_DEMO_KIND_COUNT], odd;
    int64_t last_us;
    bool ordered;
};

static void add(struct tally *t, const struct fl_demo_line *line)
{
    t->hash = t->hash * 1099511628211u ^ fl_span_hash(line->text);
    t->lines++;
    t->per_device[line->device]++;
    t->per_kind[line->kind]++;
    t->odd += line->odd;
    t->ordered = t->ordered && line->at_us >= t->last_us;
    t->last_us = line->at_us;
}

static struct tally day(uint64_t seed)
{
    struct tally t = {.ordered = true};
    struct fl_demo_line line;
    struct fl_demo *d = NULL;

    if (fl_demo_new(seed, START, &d, NULL) != FL_OK)
        return t;
    while (fl_demo_next(d, START + FL_US_PER_DAY, &line) == 1)
        add(&t, &line);
    fl_demo_free(d);
    return t;
}

static void same_bytes(void)
{
    struct tally a = day(7), b = day(7), c = day(8);

    CHECK(a.lines == b.lines && a.hash == b.hash, "the same seed gives the same bytes");
    CHECK(a.hash != c.hash, "another seed gives others");
    CHECK(a.ordered && c.ordered, "lines are in order of time");
    printf("# %llu lines a day, %llu odd\n", (unsigned long long)a.lines,
           (unsigned long long)a.odd);
    CHECK(a.lines > 60000 && a.lines < 100000, "a day has 60,000 to 100,000 lines");
    for (size_t i = 0; i < FL_DEMO_DEVICES; i++)
        CHECK(a.per_device[i] > 0, fl_demo_devices[i].slug);
    for (size_t i = 0; i < FL_DEMO_KIND_COUNT; i++)
        CHECK(a.per_kind[i] > 0, "every kind of line comes in a day");
    CHECK(a.odd > 50, "some lines are odd");
}

/* Open sessions by id, in a table that the ids of a day fit. */
#define IDS 4000000u
struct seen {
    uint32_t first;
    uint64_t *up; /* last counter + 1; 0 = not open */
    uint64_t opened, closed, shrunk, unparsed, kept, strange;
    struct fl_arena arena;
};

static void follow(struct seen *s, const struct fl_event *ev)
{
    struct fl_span tag = fl_event_get_str(ev, FL_F_TAG);
    uint64_t id = fl_event_get_num(ev, FL_F_SESSION) - s->first;
    uint64_t up = fl_event_get_num(ev, FL_F_OUT_BYTES);

    if (!fl_event_has(ev, FL_F_SESSION) || id >= IDS)
        return;
    if (fl_span_eq(tag, FL_SPAN("RT_FLOW_SESSION_CREATE"))) {
        s->opened++;
        s->strange += s->up[id] != 0;
        s->up[id] = 1;
    } else if (fl_span_eq(tag, FL_SPAN("APPTRACK_SESSION_VOL_UPDATE")) ||
               fl_span_eq(tag, FL_SPAN("APPTRACK_SESSION_CLOSE"))) {
        s->strange += s->up[id] == 0;
        s->shrunk += up + 1 < s->up[id];
        s->up[id] = up + 1;
    } else if (fl_span_eq(tag, FL_SPAN("RT_FLOW_SESSION_CLOSE"))) {
        s->strange += s->up[id] == 0;
        s->closed++;
        s->up[id] = 0;
    }
}

static void check_line(struct seen *s, const struct fl_demo_line *line)
{
    struct fl_event ev = {.arena = &s->arena};
    FL_AUTO(fl_buf_done) struct fl_buf back;
    const char *why = "";

    fl_arena_clear(&s->arena);
    fl_line_parse(line->text, line->at_us + 1000, &ev, &why);
    if ((fl_event_get_num(&ev, FL_F_FLAGS) & FL_ROW_UNPARSED) != 0) {
        if (s->unparsed++ < 5)
            printf("# %s: %.*s\n", why, FL_SPAN_ARG(line->text));
    }
    fl_buf_init(&back, 65536);
    s->kept +=
        fl_line_rebuild(&ev, &back, NULL) != FL_OK || !fl_span_eq(fl_buf_span(&back), line->text);
    follow(s, &ev);
}

static void every_line(void)
{
    struct seen s = {.up = calloc(IDS, sizeof(uint64_t))};
    struct fl_demo_line line;
    struct fl_demo *d = NULL;
    int64_t until_us = START + FL_US_PER_DAY;

    if (s.up == NULL || fl_demo_new(3, START, &d, NULL) != FL_OK)
        return;
    s.first = (uint32_t)(START / FL_US_PER_S % 100000000) * 16;
    fl_arena_init(&s.arena, 1 << 20);
    while (fl_demo_next(d, until_us, &line) == 1)
        check_line(&s, &line);
    CHECK(fl_demo_open(d) > 0, "at midnight some sessions are open");
    fl_demo_watched(d, until_us, 30.0);
    while (fl_demo_next(d, until_us + 120 * FL_US_PER_S, &line) == 1)
        check_line(&s, &line);
    fl_demo_wind_down(d);
    for (until_us += 120 * FL_US_PER_S; fl_demo_open(d) > 0 && until_us < START + 9 * FL_US_PER_DAY;
         until_us += FL_US_PER_DAY / 24)
        while (fl_demo_next(d, until_us, &line) == 1)
            check_line(&s, &line);
    printf("# %llu sessions\n", (unsigned long long)s.opened);
    CHECK(s.unparsed == 0, "every line is understood");
    CHECK(s.kept == 0, "every line is rebuilt as it was");
    CHECK(fl_demo_open(d) == 0 && s.opened > 0 && s.closed == s.opened, "every session closes");
    CHECK(s.shrunk == 0, "counters of a session only grow");
    CHECK(s.strange == 0, "no session is opened twice, or reported while closed");
    fl_demo_free(d);
    fl_arena_done(&s.arena);
    free(s.up);
}

static void watched(void)
{
    struct tally t = {.ordered = true};
    struct fl_demo_line line;
    struct fl_demo *d = NULL;
    int64_t night_us = START + 2 * 3600 * FL_US_PER_S;

    if (fl_demo_new(5, START, &d, NULL) != FL_OK)
        return;
    while (fl_demo_next(d, night_us, &line) == 1)
        ;
    fl_demo_watched(d, night_us, 20.0);
    while (fl_demo_next(d, night_us + 90 * FL_US_PER_S, &line) == 1)
        add(&t, &line);
    printf("# %llu lines in 90 s\n", (unsigned long long)t.lines);
    CHECK(t.lines > 90 * 10 && t.lines < 90 * 40, "watched at night, about 20 lines come a second");
    CHECK(t.per_kind[FL_DEMO_BLOCKED] > 0 && t.per_kind[FL_DEMO_SLA] > 0 &&
              t.per_kind[FL_DEMO_ATTACK] > 0 && t.per_kind[FL_DEMO_PATH] > 0,
          "who watches sees a block, a broken promise and an attack soon");
    fl_demo_free(d);
}

int main(void)
{
    same_bytes();
    every_line();
    watched();
    return tap_done();
}
