/*
 * session.h - what a row adds: from cumulative counters of sessions to FL_F_BYTES, BYTES_UP,
 * BYTES_DOWN, PACKETS, SECONDS and SESSIONS.
 *
 * Pure: state and a row in, derived columns and flags out; the same rows in the same order give the
 * same result. A session is known by device and session number; its five-tuple tells a reused
 * number apart. The state is bounded: beyond `max` sessions those that closed longest ago, then
 * those not heard of for longest are forgotten and counted.
 *
 *   row                                    | known as         | adds                | row flag
 *   FL_ROW_FAR_END                         | any              | nothing, not looked at
 *   created                                | any              | nothing; baseline 0 |
 *   updated                                | open             | the difference      |
 *   updated, a counter is smaller          | open             | nothing             | COPY
 *   updated                                | not              | nothing; baseline   | NO_BASELINE
 *   updated, within 120 s or not larger    | closed           | nothing             | COPY
 *   closed                                 | open             | the difference, 1   |
 *   closed, its time is shorter            | open             | its counters, 1     |
 *   closed                                 | not              | its counters, 1     |
 *   closed, within 120 s of the close      | closed           | nothing             | COPY
 *   closed, later                          | closed           | its counters, 1     |
 *   permitted, with counters               | not              | its counters, 1     |
 *   permitted, with counters               | open             | the difference      | (COPY:
 * smaller) any other action, no session number    | -                | its counters        |
 *
 * Times here are the device's. "not" includes a known one with another five-tuple. "created",
 * "updated", "closed" and "permitted" are FL_F_ACTION; permitted rows with counters are what other
 * makers write at the end of a session or now and then while it lasts.
 */
#ifndef FL_LOGS_SESSION_H
#define FL_LOGS_SESSION_H

#include "base/buf.h"
#include "codec/event.h"
#include "codec/record.h"

#define FL_SESSIONS_MAX     200000u /* of a tenant */
#define FL_SESSIONS_ALL_MAX 300000u /* over all tenants: 24 MiB */

struct fl_sessions;

/*
 * What is remembered for all tenants together: `max` sessions (one with a counter of 2^32 or more
 * counts as two). Beyond, the tenant with most of them gives one up, so that a tenant that floods
 * takes from itself. One thread at a time, as for all of its tenants.
 */
struct fl_session_pool;
int fl_session_pool_new(uint32_t max, struct fl_session_pool **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_session_pool_free(struct fl_session_pool *pool); /* after its tenants; NULL is allowed */
size_t fl_session_pool_bytes(const struct fl_session_pool *pool);

/* max: of this tenant. */
int fl_sessions_new_in(struct fl_session_pool *pool, uint32_t max, struct fl_sessions **ret,
                       struct fl_err *err) FL_MUST_CHECK;
/* With a pool of its own. */
int fl_sessions_new(uint32_t max, struct fl_sessions **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_sessions_free(struct fl_sessions *s); /* NULL is allowed */
void fl_sessions_clear(struct fl_sessions *s);

/*
 * Derive the columns of one row; what it carries of them from outside is dropped first. accepted_us
 * orders what is forgotten. Without memory for a new session the row counts as described and the
 * session is not remembered.
 */
void fl_sessions_row(struct fl_sessions *s, struct fl_event *ev, int64_t accepted_us);
/*
 * The same for all rows of a batch, in order: its derived columns and its FL_F_FLAGS are replaced
 * by ones of the arena. Each row has FL_F_TIME. FL_E_NOMEM: nothing has changed.
 */
int fl_sessions_columns(struct fl_sessions *s, struct fl_batch_view *view, int64_t accepted_us,
                        struct fl_arena *arena, struct fl_err *err) FL_MUST_CHECK;

/* A number column of a view that may be changed: 0 and no bit where a row has none. */
struct fl_own_col {
    uint64_t *num;
    uint8_t *has;
};
/* A copy in the arena takes the column's place; false: no memory. */
bool fl_own_col(struct fl_batch_view *view, enum fl_field f, struct fl_arena *arena,
                struct fl_own_col *ret);
static inline bool fl_own_col_has(const struct fl_own_col *own, uint32_t row)
{
    return (own->has[row / 8] >> (row % 8) & 1) != 0;
}
static inline void fl_own_col_set(struct fl_own_col *own, uint32_t row, uint64_t value)
{
    own->num[row] = value;
    own->has[row / 8] = (uint8_t)(own->has[row / 8] | 1u << (row % 8));
}
/* After the changes: counts the rows that have a value. */
void fl_own_col_end(struct fl_batch_view *view, enum fl_field f);

/* Drop what is remembered of this session of a device, as if it had never been heard of. */
void fl_sessions_forget(struct fl_sessions *s, struct fl_span device, uint64_t session);

struct fl_sessions_stats {
    uint32_t open, closed;
    uint64_t no_baseline, copies, evicted;
    uint64_t changes; /* of the state, so that a snapshot can be left out */
};
void fl_sessions_stats(const struct fl_sessions *s, struct fl_sessions_stats *ret);

/* FORMAT.md section 6. Loading takes any bytes and replaces the state; FL_E_CORRUPT leaves it
 * empty. */
void fl_sessions_save(struct fl_sessions *s, struct fl_buf *out);
int fl_sessions_load(struct fl_sessions *s, struct fl_span bytes, struct fl_err *err) FL_MUST_CHECK;

#endif
