#include "api/board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

#define BUCKETS    4096u
#define SAMPLES    120u /* of a second each */
#define STRETCH_US (900 * FL_US_PER_S)
#define SETTLED    60u /* seconds without a change: what is missing will not come */
#define RATE_S     10u

struct device {
    struct device *next;
    struct fl_board_device d;
};

struct tenant {
    struct tenant *next;
    uint32_t id;
    uint64_t lines, done; /* since the process began */
    uint64_t quiet;       /* samples without a change */
    int64_t at_us[SAMPLES];
    uint64_t seen[SAMPLES]; /* lines then */
    uint64_t count;         /* samples taken */
};

struct fl_board {
    struct device *devices[BUCKETS];
    size_t count;
    struct tenant *tenants;
};

int fl_board_new(struct fl_board **ret, struct fl_err *err)
{
    struct fl_board *board = calloc(1, sizeof *board);

    if (board == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the board");
    *ret = board;
    return FL_OK;
}

void fl_board_free(struct fl_board *board)
{
    if (board == NULL)
        return;
    while (board->tenants != NULL) {
        struct tenant *next = board->tenants->next;

        free(board->tenants);
        board->tenants = next;
    }
    for (size_t b = 0; b < BUCKETS; b++)
        while (board->devices[b] != NULL) {
            struct device *next = board->devices[b]->next;

            free(board->devices[b]);
            board->devices[b] = next;
        }
    free(board);
}

static struct device *const *find(const struct fl_board *board, uint32_t tenant, const char *device)
{
    uint64_t hash = fl_span_hash(fl_span_str(device)) ^ tenant * UINT64_C(0x9E3779B97F4A7C15);
    struct device *const *at = &board->devices[hash % BUCKETS];

    while (*at != NULL && ((*at)->d.tenant != tenant || strcmp((*at)->d.device, device) != 0))
        at = &(*at)->next;
    return at;
}

static struct device *get(struct fl_board *board, uint32_t tenant, const char *device,
                          int64_t now_us)
{
    struct device **at = (struct device **)(uintptr_t)find(board, tenant, device);

    if (*at != NULL || board->count == FL_BOARD_DEVICES_MAX)
        return *at;
    *at = calloc(1, sizeof **at);
    if (*at == NULL)
        return NULL;
    board->count++;
    (*at)->d.tenant = tenant;
    (*at)->d.since_us = now_us;
    (*at)->d.slot = now_us / FL_BOARD_SLOT_US;
    (void)snprintf((*at)->d.device, sizeof(*at)->d.device, "%s", device);
    return *at;
}

static struct tenant *get_tenant(struct fl_board *board, uint32_t id)
{
    struct tenant *t = board->tenants;

    while (t != NULL && t->id != id)
        t = t->next;
    if (t != NULL)
        return t;
    t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->id = id;
    t->next = board->tenants;
    board->tenants = t;
    return t;
}

static const struct tenant *find_tenant(const struct fl_board *board, uint32_t id)
{
    const struct tenant *t = board->tenants;

    while (t != NULL && t->id != id)
        t = t->next;
    return t;
}

/* Slots between the newest and now were quiet. A clock that went back stays in the newest. */
static void turn_to(struct fl_board_device *d, int64_t now_us)
{
    int64_t slot = now_us / FL_BOARD_SLOT_US;

    if (slot - d->slot > FL_ALARM_SLOTS)
        d->slot = slot - FL_ALARM_SLOTS;
    while (d->slot < slot) {
        d->slot++;
        d->lines[d->slot % FL_ALARM_SLOTS] = 0;
        d->unparsed[d->slot % FL_ALARM_SLOTS] = 0;
    }
}

static uint64_t moved(const struct fl_counters *before, const struct fl_counters *after,
                      enum fl_count count)
{
    return after->total[count] > before->total[count] ? after->total[count] - before->total[count]
                                                      : 0;
}

static uint32_t clip(uint64_t sum)
{
    return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

void fl_board_add(struct fl_board *board, const struct fl_counters *before,
                  const struct fl_counters *after, int64_t now_us)
{
    uint64_t lines = moved(before, after, FL_COUNT_LINES);
    uint64_t lost = moved(before, after, FL_COUNT_LOST) + moved(before, after, FL_COUNT_DROPPED);
    struct tenant *t = get_tenant(board, after->tenant);
    struct device *e = get(board, after->tenant, after->device, now_us);
    size_t at;

    if (t != NULL) {
        t->lines += lines;
        t->done += moved(before, after, FL_COUNT_ACCEPTED) + moved(before, after, FL_COUNT_LOST);
        t->quiet = 0;
    }
    if (e == NULL)
        return;
    turn_to(&e->d, now_us);
    at = (size_t)(e->d.slot % FL_ALARM_SLOTS);
    e->d.lines[at] = clip(e->d.lines[at] + lines);
    e->d.unparsed[at] = clip(e->d.unparsed[at] + moved(before, after, FL_COUNT_UNPARSED));
    if (lost > 0) {
        e->d.lost = now_us - e->d.lost_us < STRETCH_US ? e->d.lost + lost : lost;
        e->d.lost_us = now_us;
    }
}

void fl_board_tick(struct fl_board *board, int64_t now_us)
{
    for (struct tenant *t = board->tenants; t != NULL; t = t->next) {
        if (++t->quiet > SETTLED)
            t->done = t->lines;
        t->at_us[t->count % SAMPLES] = now_us;
        t->seen[t->count % SAMPLES] = t->lines;
        t->count++;
    }
}

void fl_board_forget(struct fl_board *board, uint32_t tenant, const char *device)
{
    for (size_t b = 0; b < BUCKETS; b++) {
        struct device **at = &board->devices[b];

        while (*at != NULL) {
            struct device *e = *at;

            if (e->d.tenant == tenant && (device == NULL || strcmp(e->d.device, device) == 0)) {
                *at = e->next;
                board->count--;
                free(e);
            } else {
                at = &e->next;
            }
        }
    }
}

const struct fl_board_device *fl_board_device(const struct fl_board *board, uint32_t tenant,
                                              const char *device)
{
    const struct device *e = *find(board, tenant, device);

    return e == NULL ? NULL : &e->d;
}

static bool has_slot(const struct fl_board_device *d, int64_t slot)
{
    return slot <= d->slot && d->slot - slot < FL_ALARM_SLOTS;
}

void fl_board_lines(const struct fl_board_device *d, int64_t now_us, uint32_t n, uint32_t *ret,
                    uint32_t *ret_known)
{
    int64_t last = now_us / FL_BOARD_SLOT_US, first = last - n + 1;
    int64_t known = last - d->since_us / FL_BOARD_SLOT_US + 1;

    for (uint32_t i = 0; i < n; i++) {
        int64_t slot = first + i;

        ret[i] = has_slot(d, slot) ? d->lines[slot % FL_ALARM_SLOTS] : 0;
    }
    if (ret_known != NULL)
        *ret_known = known < 0 ? 0 : known > n ? n : (uint32_t)known;
}

void fl_board_sum(const struct fl_board_device *d, int64_t now_us, uint32_t n, uint64_t *ret_lines,
                  uint64_t *ret_unparsed)
{
    int64_t last = now_us / FL_BOARD_SLOT_US;

    *ret_lines = *ret_unparsed = 0;
    for (uint32_t i = 0; i < n; i++) {
        int64_t slot = last - i;

        if (slot < 0 || !has_slot(d, slot))
            continue;
        *ret_lines += d->lines[slot % FL_ALARM_SLOTS];
        *ret_unparsed += d->unparsed[slot % FL_ALARM_SLOTS];
    }
}

void fl_board_tenant_lines(const struct fl_board *board, uint32_t tenant, int64_t now_us,
                           uint64_t ret[FL_ALARM_SLOTS])
{
    uint32_t one[FL_ALARM_SLOTS];

    memset(ret, 0, FL_ALARM_SLOTS * sizeof *ret);
    for (size_t b = 0; b < BUCKETS; b++)
        for (const struct device *e = board->devices[b]; e != NULL; e = e->next) {
            if (e->d.tenant != tenant)
                continue;
            fl_board_lines(&e->d, now_us, FL_ALARM_SLOTS, one, NULL);
            for (uint32_t i = 0; i < FL_ALARM_SLOTS; i++)
                ret[i] += one[i];
        }
}

int64_t fl_board_lag_us(const struct fl_board *board, uint32_t tenant, int64_t now_us)
{
    const struct tenant *t = find_tenant(board, tenant);
    uint64_t first;

    if (t == NULL || t->done >= t->lines)
        return 0;
    first = t->count > SAMPLES ? t->count - SAMPLES : 0;
    for (uint64_t i = first; i < t->count; i++)
        if (t->seen[i % SAMPLES] > t->done)
            return now_us > t->at_us[i % SAMPLES] ? now_us - t->at_us[i % SAMPLES] : 0;
    return 0; /* it came since the last sample */
}

double fl_board_rate(const struct fl_board *board, uint32_t tenant)
{
    const struct tenant *t = find_tenant(board, tenant);
    uint64_t back;
    int64_t span_us;

    if (t == NULL || t->count < 2)
        return 0;
    back = t->count > RATE_S ? RATE_S : t->count - 1;
    span_us = t->at_us[(t->count - 1) % SAMPLES] - t->at_us[(t->count - 1 - back) % SAMPLES];
    if (span_us <= 0)
        return 0;
    return (double)(t->seen[(t->count - 1) % SAMPLES] - t->seen[(t->count - 1 - back) % SAMPLES]) *
           1e6 / (double)span_us;
}
