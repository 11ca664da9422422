/* The short memory of what devices sent. */
#include <stdlib.h>
#include <string.h>

#include "api/board.h"
#include "base/time.h"
#include "tap.h"

#define S     FL_US_PER_S
#define SLOT  FL_BOARD_SLOT_US
#define BEGIN (INT64_C(6000000) * SLOT)

static void add(struct fl_board *b, const char *device, uint64_t *lines, uint64_t *done,
                uint64_t more, uint64_t stored, int64_t now_us)
{
    struct fl_counters before = {.tenant = 1}, after = {.tenant = 1};

    before.total[FL_COUNT_LINES] = *lines;
    before.total[FL_COUNT_ACCEPTED] = *done;
    *lines += more;
    *done += stored;
    after.total[FL_COUNT_LINES] = *lines;
    after.total[FL_COUNT_ACCEPTED] = *done;
    (void)snprintf(after.device, sizeof after.device, "%s", device);
    fl_board_add(b, &before, &after, now_us);
}

static void check_slots(struct fl_board *b)
{
    uint64_t lines = 0, done = 0, sum, unparsed, all[FL_ALARM_SLOTS];
    uint32_t slots[FL_ALARM_SLOTS], known;
    const struct fl_board_device *d;

    CHECK(fl_board_device(b, 1, "fw1") == NULL, "nothing was heard");
    add(b, "fw1", &lines, &done, 10, 10, BEGIN + 1);
    add(b, "fw1", &lines, &done, 5, 5, BEGIN + SLOT - 1);
    add(b, "fw1", &lines, &done, 7, 7, BEGIN + 3 * SLOT);
    d = fl_board_device(b, 1, "fw1");
    fl_board_lines(d, BEGIN + 3 * SLOT + 1, 4, slots, &known);
    CHECK(slots[0] == 15 && slots[1] == 0 && slots[2] == 0 && slots[3] == 7 && known == 4,
          "lines in five minutes each");
    fl_board_lines(d, BEGIN + 5 * SLOT, 4, slots, &known);
    CHECK(slots[0] == 0 && slots[1] == 7 && slots[3] == 0 && known == 4, "later they move on");
    fl_board_lines(d, BEGIN + 3 * SLOT, FL_ALARM_SLOTS, slots, &known);
    CHECK(known == 4 && slots[FL_ALARM_SLOTS - 1] == 7, "no more is known than there was");
    fl_board_sum(d, BEGIN + 3 * SLOT, 3, &sum, &unparsed);
    CHECK(sum == 7 && unparsed == 0, "a sum");
    fl_board_tenant_lines(b, 1, BEGIN + 3 * SLOT, all);
    CHECK(all[FL_ALARM_SLOTS - 1] == 7 && all[FL_ALARM_SLOTS - 4] == 15, "of the tenant");
    fl_board_tenant_lines(b, 2, BEGIN + 3 * SLOT, all);
    CHECK(all[FL_ALARM_SLOTS - 1] == 0, "of another tenant nothing");
    add(b, "fw1", &lines, &done, 3, 3, BEGIN + (int64_t)FL_ALARM_SLOTS * 3 * SLOT);
    fl_board_lines(d, BEGIN + (int64_t)FL_ALARM_SLOTS * 3 * SLOT, FL_ALARM_SLOTS, slots, &known);
    CHECK(slots[FL_ALARM_SLOTS - 1] == 3 && slots[0] == 0 && slots[FL_ALARM_SLOTS - 2] == 0,
          "days later nothing old is left");
    add(b, "fw1", &lines, &done, 1, 1, BEGIN);
    CHECK(fl_board_device(b, 1, "fw1") != NULL, "a clock that goes back does no harm");
    fl_board_forget(b, 1, "fw1");
    CHECK(fl_board_device(b, 1, "fw1") == NULL, "forgotten");
}

static void check_lag(void)
{
    uint64_t lines = 0, done = 0;
    struct fl_board *b;
    int64_t t = BEGIN;

    if (fl_board_new(&b, NULL) < 0)
        abort();
    CHECK(fl_board_lag_us(b, 1, t) == 0 && fl_board_rate(b, 1) < 1, "an empty board");
    for (int i = 0; i < 20; i++, t += S) {
        add(b, "fw1", &lines, &done, 100, 100, t);
        fl_board_tick(b, t);
    }
    CHECK(fl_board_lag_us(b, 1, t) == 0, "all is stored");
    CHECK(fl_board_rate(b, 1) > 99 && fl_board_rate(b, 1) < 101, "lines a second");
    for (int i = 0; i < 10; i++, t += S) {
        add(b, "fw1", &lines, &done, 100, 0, t);
        fl_board_tick(b, t);
    }
    CHECK(fl_board_lag_us(b, 1, t) == 10 * S, "the oldest waits ten seconds");
    add(b, "fw1", &lines, &done, 0, 500, t);
    CHECK(fl_board_lag_us(b, 1, t) == 5 * S, "half of them are stored");
    for (int i = 0; i < 70; i++, t += S)
        fl_board_tick(b, t);
    CHECK(fl_board_lag_us(b, 1, t) == 0, "what was never answered does not count for ever");
    fl_board_free(b);
}

static void check_loss(struct fl_board *b)
{
    struct fl_counters before = {.tenant = 3}, after = {.tenant = 3};

    (void)snprintf(after.device, sizeof after.device, "udp");
    after.total[FL_COUNT_DROPPED] = 5;
    fl_board_add(b, &before, &after, BEGIN);
    before = after;
    after.total[FL_COUNT_LOST] = 2;
    fl_board_add(b, &before, &after, BEGIN + 10 * S);
    CHECK(fl_board_device(b, 3, "udp")->lost == 7, "losses of one stretch add up");
    before = after;
    after.total[FL_COUNT_LOST] = 3;
    fl_board_add(b, &before, &after, BEGIN + 5000 * S);
    CHECK(fl_board_device(b, 3, "udp")->lost == 1, "a later one begins anew");
}

int main(void)
{
    struct fl_board *b;

    if (fl_board_new(&b, NULL) < 0)
        return 1;
    check_slots(b);
    check_loss(b);
    check_lag();
    fl_board_free(b);
    return tap_done();
}
