/* random_rows.h - rows of any kind, told by a seed: columns that come and go, narrow and wide
 * numbers, few and many words. */
#ifndef FL_TESTS_RANDOM_ROWS_H
#define FL_TESTS_RANDOM_ROWS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/record.h"

struct chance {
    uint64_t state;
};

static inline uint64_t chance_next(struct chance *c)
{
    c->state ^= c->state << 13;
    c->state ^= c->state >> 7;
    c->state ^= c->state << 17;
    return c->state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint32_t chance_below(struct chance *c, uint32_t n)
{
    return (uint32_t)((chance_next(c) >> 32) * n >> 32);
}

enum { RANDOM_TEXT = 64 };

struct random_row {
    struct fl_event ev;
    char text[FL_FIELD_COUNT][RANDOM_TEXT];
};

/* How often a column comes: a property of the batch, so that some have none and some all. */
struct random_mix {
    uint8_t percent[FL_FIELD_COUNT];
    uint8_t bits[FL_FIELD_COUNT]; /* of numbers; words: 2^bits different ones */
    int64_t now_us;
};

static inline void random_mix(struct chance *c, int64_t now_us, struct random_mix *mix)
{
    static const uint8_t often[] = {0, 0, 0, 3, 50, 97, 100, 100};

    mix->now_us = now_us;
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        mix->percent[f] = often[chance_below(c, 8)];
        mix->bits[f] = (uint8_t)chance_below(c, fl_field_is_str((enum fl_field)f) ? 13 : 65);
    }
}

static inline void random_value(struct chance *c, const struct random_mix *mix, size_t f,
                                struct random_row *row)
{
    uint64_t n = mix->bits[f] == 0 ? 7 : chance_next(c) >> (64 - mix->bits[f]);
    enum fl_field field = (enum fl_field)f;

    if (fl_fields[f].type == FL_T_NUM) {
        fl_event_num(&row->ev, field, n);
    } else if (fl_fields[f].type == FL_T_TIME) {
        int64_t off = (int64_t)chance_below(c, 3000000) - 1500000;

        if (mix->bits[f] > 50 && chance_below(c, 100) == 0)
            off = (int64_t)chance_next(c) / (chance_below(c, 2) == 0 ? 1 : 1000);
        fl_event_time(&row->ev, field, (int64_t)((uint64_t)mix->now_us + (uint64_t)off));
    } else if (fl_fields[f].type == FL_T_IP) {
        memset(row->text[f], (int)(n % 3), 16);
        memcpy(row->text[f] + 12, &n, 4);
        fl_event_str(&row->ev, field, fl_span_of((unsigned char *)row->text[f], 16));
    } else {
        int len = snprintf(row->text[f], RANDOM_TEXT, "%.*s%llu", (int)(n % 40),
                           "words of any length, up to sixty-three bytes", (unsigned long long)n);

        fl_event_str(&row->ev, field,
                     fl_span_of((unsigned char *)row->text[f], n % 97 == 5 ? 0 : (size_t)len));
    }
}

static inline void random_row(struct chance *c, const struct random_mix *mix,
                              struct random_row *row)
{
    fl_event_clear(&row->ev);
    for (size_t f = 0; f < FL_FIELD_COUNT; f++)
        if (chance_below(c, 100) < mix->percent[f])
            random_value(c, mix, f, row);
}

/* What sessions look at, such that they meet: few devices, few numbers, few five-tuples. */
static inline void random_session(struct chance *c, struct random_row *row)
{
    static const char *const actions[] = {"created", "updated", "closed", "permitted", "denied"};
    static const enum fl_field counters[] = {FL_F_OUT_BYTES, FL_F_IN_BYTES, FL_F_OUT_PACKETS,
                                             FL_F_IN_PACKETS, FL_F_DURATION};
    uint32_t wide = chance_below(c, 20) == 0 ? 40 : 12;

    fl_event_str(&row->ev, FL_F_ACTION, fl_span_str(actions[chance_below(c, 5)]));
    if (chance_below(c, 10) > 0)
        fl_event_num(&row->ev, FL_F_SESSION, chance_below(c, 400));
    (void)snprintf(row->text[FL_F_DEVICE], RANDOM_TEXT, "fw%u", (unsigned)chance_below(c, 3));
    fl_event_str(&row->ev, FL_F_DEVICE, fl_span_str(row->text[FL_F_DEVICE]));
    for (size_t i = 0; i < FL_LEN(counters); i++)
        if (chance_below(c, 10) > 1)
            fl_event_num(&row->ev, counters[i], chance_next(c) >> (64 - wide));
    if (chance_below(c, 10) > 0) {
        memset(row->text[FL_F_SRC_IP], (int)chance_below(c, 2), 16);
        fl_event_str(&row->ev, FL_F_SRC_IP,
                     fl_span_of((unsigned char *)row->text[FL_F_SRC_IP], 16));
        fl_event_str(&row->ev, FL_F_DST_IP,
                     fl_span_of((unsigned char *)row->text[FL_F_SRC_IP], 16));
    }
    if (chance_below(c, 30) == 0)
        fl_event_num(&row->ev, FL_F_FLAGS, chance_below(c, 4096));
}

#endif
