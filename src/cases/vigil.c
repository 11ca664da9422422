#include "cases/vigil.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"

#define BUCKETS 4096u

struct entry {
    struct entry *next;
    struct fl_fact fact;  /* as last told */
    struct fl_fact fresh; /* as said in this round */
    uint32_t id;          /* 0: not raised */
    int64_t since_us;     /* the condition holds */
    int64_t seen_us;      /* ... last */
    int64_t better_us;    /* it is less severe since; 0: it is not */
    int64_t noted_us;     /* last written */
    bool said;            /* in this round */
};

struct fl_vigil {
    const struct fl_vigil_ops *ops;
    void *ctx;
    struct entry *buckets[BUCKETS];
    size_t count;
    uint64_t skipped;
    int64_t now_us;
};

int fl_vigil_new(const struct fl_vigil_ops *ops, void *ctx, struct fl_vigil **ret,
                 struct fl_err *err)
{
    struct fl_vigil *v = calloc(1, sizeof *v);

    if (v == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for alarms");
    v->ops = ops;
    v->ctx = ctx;
    *ret = v;
    return FL_OK;
}

void fl_vigil_free(struct fl_vigil *v)
{
    if (v == NULL)
        return;
    for (size_t b = 0; b < BUCKETS; b++)
        while (v->buckets[b] != NULL) {
            struct entry *next = v->buckets[b]->next;

            free(v->buckets[b]);
            v->buckets[b] = next;
        }
    free(v);
}

static struct entry **find(struct fl_vigil *v, const struct fl_fact *fact)
{
    uint64_t hash = fl_span_hash(fl_span_str(fact->object)) ^
                    fact->tenant * UINT64_C(0x9E3779B97F4A7C15) ^ (uint64_t)fact->kind;
    struct entry **at = &v->buckets[hash % BUCKETS];

    while (*at != NULL && ((*at)->fact.tenant != fact->tenant || (*at)->fact.kind != fact->kind ||
                           strcmp((*at)->fact.object, fact->object) != 0))
        at = &(*at)->next;
    return at;
}

static struct entry *get(struct fl_vigil *v, const struct fl_fact *fact)
{
    struct entry **at = find(v, fact);

    if (*at != NULL || v->count == FL_VIGIL_MAX)
        return *at;
    *at = calloc(1, sizeof **at);
    if (*at == NULL)
        return NULL;
    v->count++;
    (*at)->fact = *fact;
    return *at;
}

int fl_vigil_load(struct fl_vigil *v, const struct fl_alarm *alarm, int64_t now_us,
                  struct fl_err *err)
{
    struct fl_fact fact = {.tenant = alarm->tenant,
                           .kind = fl_alarm_find(fl_span_str(alarm->kind)),
                           .severity = (enum fl_severity)alarm->severity};
    struct entry *e;

    if (fact.kind == FL_ALARM_KINDS)
        return FL_OK; /* of another version */
    memcpy(fact.object, alarm->object, sizeof fact.object);
    memcpy(fact.name, alarm->name, sizeof fact.name);
    memcpy(fact.site, alarm->site, sizeof fact.site);
    memcpy(fact.title, alarm->title, sizeof fact.title);
    memcpy(fact.where, alarm->where_text, sizeof fact.where);
    e = get(v, &fact);
    if (e == NULL)
        return fl_err_set(err, FL_E_LIMIT, "more than %u alarms", FL_VIGIL_MAX);
    e->id = alarm->id;
    e->since_us = alarm->since_us;
    e->seen_us = e->noted_us = now_us;
    return FL_OK;
}

void fl_vigil_begin(struct fl_vigil *v, int64_t now_us)
{
    v->now_us = now_us;
    v->skipped = 0;
    for (size_t b = 0; b < BUCKETS; b++)
        for (struct entry *e = v->buckets[b]; e != NULL; e = e->next)
            e->said = false;
}

void fl_vigil_say(struct fl_vigil *v, const struct fl_fact *fact)
{
    struct entry *e = get(v, fact);

    if (e == NULL) {
        v->skipped++;
        return;
    }
    if (e->since_us == 0)
        e->since_us = v->now_us;
    e->fresh = *fact;
    e->seen_us = v->now_us;
    e->said = true;
}

static int64_t seconds(uint32_t s)
{
    return (int64_t)s * FL_US_PER_S;
}

static void tell_raise(struct fl_vigil *v, struct entry *e)
{
    if (v->now_us - e->since_us < seconds(fl_alarm_rows[e->fact.kind].raise_s))
        return;
    if (v->ops->raise(v->ctx, &e->fresh, v->now_us, &e->id) < 0) {
        e->id = 0;
        return;
    }
    e->fact = e->fresh;
    e->better_us = 0;
    e->noted_us = v->now_us;
}

/* A lesser severity waits for the kind's time; the title goes with what is told. */
static void tell_change(struct fl_vigil *v, struct entry *e)
{
    enum fl_severity before = e->fact.severity;
    bool better = e->fresh.severity > before, due = v->now_us - e->noted_us >= FL_VIGIL_LAST_US;

    if (!better)
        e->better_us = 0;
    else if (e->better_us == 0)
        e->better_us = v->now_us;
    if (better && v->now_us - e->better_us < seconds(fl_alarm_rows[e->fact.kind].clear_s))
        e->fresh.severity = before;
    if (e->fresh.severity == before && !due)
        return;
    if (v->ops->change(v->ctx, e->id, &e->fresh, before, v->now_us) < 0)
        return;
    e->fact = e->fresh;
    e->noted_us = v->now_us;
    if (e->fact.severity != before)
        e->better_us = 0;
}

/* Nonzero: the entry is not needed any more. */
static int tell_gone(struct fl_vigil *v, struct entry *e)
{
    if (e->id == 0)
        return 1;
    if (v->now_us - e->seen_us < seconds(fl_alarm_rows[e->fact.kind].clear_s))
        return 0;
    return v->ops->clear(v->ctx, e->id, &e->fact, v->now_us) >= 0;
}

static int look(struct fl_vigil *v, struct entry *e)
{
    if (!e->said)
        return tell_gone(v, e);
    if (e->id == 0)
        tell_raise(v, e);
    else
        tell_change(v, e);
    return 0;
}

void fl_vigil_end(struct fl_vigil *v, unsigned kinds)
{
    for (size_t b = 0; b < BUCKETS; b++) {
        struct entry **at = &v->buckets[b];

        while (*at != NULL) {
            struct entry *e = *at;

            if ((kinds >> e->fact.kind & 1) != 0 && look(v, e) != 0) {
                *at = e->next;
                v->count--;
                free(e);
            } else {
                at = &e->next;
            }
        }
    }
}

uint64_t fl_vigil_skipped(const struct fl_vigil *v)
{
    return v->skipped;
}
