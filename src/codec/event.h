/*
 * event.h - one log row in memory: a value for each field that the line gave.
 *
 * Parsers write it, the record codec carries it between processes, the store
 * turns rows of it into columns, outputs read it. Strings are borrowed from the
 * line or from event->arena, and end with fl_event_clear() or the line.
 */
#ifndef FL_CODEC_EVENT_H
#define FL_CODEC_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"
#include "codec/field.h"

struct fl_event {
    struct fl_fieldset has;
    /* Names the bytes of FL_F_SHAPE within this process: two events with the same number, not 0,
     * have the same shape, so that nobody needs to compare or hash it. Never reused. 0: unknown. */
    uint32_t shape_no;
    union {
        uint64_t num;       /* FL_T_NUM; FL_T_TIME as (uint64_t)(int64_t)us */
        struct fl_span str; /* FL_T_STR; FL_T_IP with len 16 */
    } v[FL_FIELD_COUNT];
    struct fl_arena *arena; /* for derived and unescaped strings; borrowed */
};

static inline void fl_event_clear(struct fl_event *ev) /* keeps arena; does not clear it */
{
    ev->has = (struct fl_fieldset){{0, 0}};
    ev->shape_no = 0;
}

static inline bool fl_event_has(const struct fl_event *ev, enum fl_field f)
{
    return fl_fieldset_has(&ev->has, f);
}

static inline void fl_event_num(struct fl_event *ev, enum fl_field f, uint64_t num)
{
    ev->v[f].num = num;
    fl_fieldset_add(&ev->has, f);
}

static inline void fl_event_time(struct fl_event *ev, enum fl_field f, int64_t us)
{
    fl_event_num(ev, f, (uint64_t)us);
}

static inline void fl_event_str(struct fl_event *ev, enum fl_field f, struct fl_span str)
{
    ev->v[f].str = str;
    fl_fieldset_add(&ev->has, f);
}

static inline void fl_event_flag(struct fl_event *ev, enum fl_row_flag flag)
{
    uint64_t flags = fl_event_has(ev, FL_F_FLAGS) ? ev->v[FL_F_FLAGS].num : 0;

    fl_event_num(ev, FL_F_FLAGS, flags | (uint64_t)flag);
}

/* 0 and the empty span where the field is absent. */
static inline uint64_t fl_event_get_num(const struct fl_event *ev, enum fl_field f)
{
    return fl_event_has(ev, f) ? ev->v[f].num : 0;
}

static inline struct fl_span fl_event_get_str(const struct fl_event *ev, enum fl_field f)
{
    return fl_event_has(ev, f) ? ev->v[f].str : (struct fl_span){NULL, 0};
}

#endif
