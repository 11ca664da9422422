/*
 * board.h - a short memory of what devices sent: lines in five minutes each for a day, how far the
 * store is behind, when something was last lost. In core's memory alone: it begins empty with the
 * process, and holds at most FL_BOARD_DEVICES_MAX devices (2.4 KiB each) and as many tenants as
 * there are.
 */
#ifndef FL_API_BOARD_H
#define FL_API_BOARD_H

#include "model/alarm.h"
#include "model/device.h"

#define FL_BOARD_DEVICES_MAX 10000u
#define FL_BOARD_SLOT_US     (INT64_C(300) * 1000000)

struct fl_board;

struct fl_board_device {
    uint32_t tenant;
    char device[FL_SLUG_MAX + 1];
    int64_t since_us;               /* first heard of */
    int64_t slot;                   /* number of the newest: time / FL_BOARD_SLOT_US */
    uint32_t lines[FL_ALARM_SLOTS]; /* slot n at n % FL_ALARM_SLOTS */
    uint32_t unparsed[FL_ALARM_SLOTS];
    int64_t lost_us; /* lines or datagrams were last lost; 0: never */
    uint64_t lost;   /* of them, in the last stretch (15 min without ends it) */
};

int fl_board_new(struct fl_board **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_board_free(struct fl_board *board); /* NULL is allowed */

/* A device's counters moved from before to after. */
void fl_board_add(struct fl_board *board, const struct fl_counters *before,
                  const struct fl_counters *after, int64_t now_us);
void fl_board_tick(struct fl_board *board, int64_t now_us); /* once a second */
void fl_board_forget(struct fl_board *board, uint32_t tenant, const char *device); /* NULL: all */

/* NULL: nothing was heard of it since the process began. */
const struct fl_board_device *fl_board_device(const struct fl_board *board, uint32_t tenant,
                                              const char *device);
/* The last n slots, oldest first, the one that is not over yet as the last; fills n numbers.
 * *ret_known: how many of them, from the end, the process was there for. */
void fl_board_lines(const struct fl_board_device *device, int64_t now_us, uint32_t n, uint32_t *ret,
                    uint32_t *ret_known);
/* Lines, and those of them that nobody understood, of the last n slots. */
void fl_board_sum(const struct fl_board_device *device, int64_t now_us, uint32_t n,
                  uint64_t *ret_lines, uint64_t *ret_unparsed);
/* The same for all devices of a tenant together. */
void fl_board_tenant_lines(const struct fl_board *board, uint32_t tenant, int64_t now_us,
                           uint64_t ret[FL_ALARM_SLOTS]);
/* How long the oldest line that is not stored yet has waited; 0: none waits. At most two minutes
 * are told apart. */
int64_t fl_board_lag_us(const struct fl_board *board, uint32_t tenant, int64_t now_us);
/* Lines in the last ten seconds, a second. */
double fl_board_rate(const struct fl_board *board, uint32_t tenant);

#endif
