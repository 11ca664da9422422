/* Conditions become alarms, once each, with patience at both ends. */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "cases/vigil.h"
#include "tap.h"

struct told {
    unsigned raised, changed, worse, better, cleared;
    uint32_t next;
    enum fl_severity last;
    bool refuse; /* nothing can be written */
};

static int on_raise(void *ctx, const struct fl_fact *fact, int64_t now_us, uint32_t *ret_id)
{
    struct told *t = ctx;

    (void)now_us;
    if (t->refuse)
        return FL_E_IO;
    t->raised++;
    t->last = fact->severity;
    *ret_id = ++t->next;
    return FL_OK;
}

static int on_change(void *ctx, uint32_t id, const struct fl_fact *fact, enum fl_severity before,
                     int64_t now_us)
{
    struct told *t = ctx;

    (void)id, (void)now_us;
    if (t->refuse)
        return FL_E_IO;
    t->changed++;
    t->worse += fact->severity < before;
    t->better += fact->severity > before;
    t->last = fact->severity;
    return FL_OK;
}

static int on_clear(void *ctx, uint32_t id, const struct fl_fact *fact, int64_t now_us)
{
    struct told *t = ctx;

    (void)id, (void)fact, (void)now_us;
    if (t->refuse)
        return FL_E_IO;
    t->cleared++;
    return FL_OK;
}

static const struct fl_vigil_ops ops = {on_raise, on_change, on_clear};
#define ALL ((1u << FL_ALARM_KINDS) - 1)

static struct fl_fact fact(enum fl_alarm_kind kind, const char *object, enum fl_severity severity)
{
    struct fl_fact f = {.tenant = 1, .kind = kind, .severity = severity};

    (void)snprintf(f.object, sizeof f.object, "%s", object);
    return f;
}

static void round_at(struct fl_vigil *v, int64_t second, const struct fl_fact *f, unsigned kinds)
{
    fl_vigil_begin(v, second * FL_US_PER_S);
    if (f != NULL)
        fl_vigil_say(v, f);
    fl_vigil_end(v, kinds);
}

static void check_patience(void)
{
    struct fl_fact f =
        fact(FL_ALARM_SKEW, "fw1", FL_SEVERITY_MINOR); /* 60 s to raise, 120 to clear */
    struct told t = {.next = 0};
    struct fl_vigil *v;

    if (fl_vigil_new(&ops, &t, &v, NULL) < 0)
        abort();
    round_at(v, 100, &f, ALL);
    round_at(v, 155, &f, ALL);
    CHECK(t.raised == 0, "a condition must hold for its time");
    round_at(v, 158, NULL, ALL);
    round_at(v, 160, &f, ALL);
    round_at(v, 215, &f, ALL);
    CHECK(t.raised == 0, "one that was gone begins anew");
    round_at(v, 220, &f, ALL);
    CHECK(t.raised == 1, "then it is raised");
    round_at(v, 225, &f, ALL);
    CHECK(t.raised == 1 && t.changed == 0, "once");
    round_at(v, 285, &f, ALL);
    CHECK(t.changed == 1 && t.worse + t.better == 0, "its last sighting is noted now and then");
    round_at(v, 300, NULL, ALL);
    round_at(v, 400, NULL, ALL);
    CHECK(t.cleared == 0, "it is cleared after its time");
    round_at(v, 404, &f, ALL);
    round_at(v, 500, NULL, ALL);
    round_at(v, 523, NULL, ALL);
    CHECK(t.cleared == 0, "one that flaps stands");
    round_at(v, 524, NULL, ALL);
    CHECK(t.cleared == 1, "and then it is gone");
    round_at(v, 530, NULL, ALL);
    CHECK(t.cleared == 1, "for good");
    fl_vigil_free(v);
}

static void check_severity(void)
{
    struct fl_fact bad = fact(FL_ALARM_QUOTA, "t", FL_SEVERITY_MAJOR); /* 0 s, 300 s */
    struct fl_fact mild = fact(FL_ALARM_QUOTA, "t", FL_SEVERITY_WARNING);
    struct told t = {.next = 0};
    struct fl_vigil *v;

    if (fl_vigil_new(&ops, &t, &v, NULL) < 0)
        abort();
    round_at(v, 10, &mild, ALL);
    CHECK(t.raised == 1 && t.last == FL_SEVERITY_WARNING, "raised at once");
    round_at(v, 15, &bad, ALL);
    CHECK(t.worse == 1 && t.last == FL_SEVERITY_MAJOR, "worse counts at once");
    round_at(v, 20, &mild, ALL);
    round_at(v, 300, &mild, ALL);
    CHECK(t.better == 0, "better waits");
    round_at(v, 321, &mild, ALL);
    CHECK(t.better == 1 && t.last == FL_SEVERITY_WARNING, "and counts then");
    fl_vigil_free(v);
}

static void check_unknown_and_trouble(void)
{
    struct fl_fact f = fact(FL_ALARM_DISK, "store", FL_SEVERITY_MAJOR);
    struct fl_fact other = fact(FL_ALARM_DISK, "store", FL_SEVERITY_MAJOR);
    struct fl_alarm alarm = {.id = 7, .tenant = 1, .severity = FL_SEVERITY_MAJOR, .since_us = 1};
    struct told t = {.next = 0};
    struct fl_vigil *v;

    if (fl_vigil_new(&ops, &t, &v, NULL) < 0)
        abort();
    t.refuse = true;
    round_at(v, 10, &f, ALL);
    CHECK(t.raised == 0, "what cannot be written is not told");
    t.refuse = false;
    round_at(v, 15, &f, ALL);
    CHECK(t.raised == 1, "it is told again");
    other.tenant = 2;
    round_at(v, 16, &other, ALL);
    CHECK(t.raised == 2, "another tenant's is another");
    round_at(v, 1000, NULL, ALL & ~(1u << FL_ALARM_DISK));
    CHECK(t.cleared == 0, "what was not looked at stays");
    t.refuse = true;
    round_at(v, 1005, NULL, ALL);
    t.refuse = false;
    CHECK(t.cleared == 0, "clearing fails");
    round_at(v, 1010, NULL, ALL);
    CHECK(t.cleared == 2, "and is done later");
    (void)snprintf(alarm.kind, sizeof alarm.kind, "disk");
    (void)snprintf(alarm.object, sizeof alarm.object, "store");
    CHECK(fl_vigil_load(v, &alarm, 2000 * FL_US_PER_S, NULL) == 0, "one from before");
    round_at(v, 2001, &f, ALL);
    CHECK(t.raised == 2, "is not raised again");
    round_at(v, 2070, NULL, ALL);
    CHECK(t.cleared == 3, "and is cleared like the others");
    (void)snprintf(alarm.kind, sizeof alarm.kind, "of-the-future");
    CHECK(fl_vigil_load(v, &alarm, 1, NULL) == 0, "a kind of another version is let be");
    fl_vigil_free(v);
}

static void check_many(void)
{
    struct told t = {.next = 0};
    struct fl_vigil *v;

    if (fl_vigil_new(&ops, &t, &v, NULL) < 0)
        abort();
    fl_vigil_begin(v, FL_US_PER_S);
    for (unsigned i = 0; i < FL_VIGIL_MAX + 10; i++) {
        char name[16];
        struct fl_fact f;

        (void)snprintf(name, sizeof name, "d%u", i);
        f = fact(FL_ALARM_SILENT, name, FL_SEVERITY_MAJOR);
        fl_vigil_say(v, &f);
    }
    fl_vigil_end(v, ALL);
    CHECK(t.raised == FL_VIGIL_MAX && fl_vigil_skipped(v) == 10,
          "there is a limit, and it is told");
    fl_vigil_free(v);
}

int main(void)
{
    check_patience();
    check_severity();
    check_unknown_and_trouble();
    check_many();
    return tap_done();
}
