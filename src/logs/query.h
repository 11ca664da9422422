/*
 * query.h - the fixed family of questions: top-N, series, latest-N, facets, context, export, tail.
 *
 * A query runs in one worker thread over fl_parts; results go out as text through a sink that may
 * block or cancel. Time and memory have budgets; a query that runs out of them says that it is
 * partial. It looks at one block at least, so that a search cut by time gets on with its cursor.
 *
 * Rows are ordered by (day of receipt, number): a cursor "2026-11-21.4711" is one row. LATEST goes
 * on before it, EXPORT and TAIL behind it, CONTEXT is about it; the time range does not bound
 * CONTEXT and TAIL. Limits (0: the default): TOP 10, at most 10,000; SERIES 10, 100; LATEST 100 and
 * CONTEXT 20 before and after, 100,000; FACETS 10 values, 1,000; TAIL rows per second 1,000,
 * 100,000; EXPORT and COUNT none. SERIES: at most 2,000 buckets; step 0 chooses one. Sums are those
 * of the columns that fl_sessions_row() derives. TOP and SERIES of app, domain, category and user
 * read rollups of sealed parts when the filter looks at nothing but the site, and the ends of the
 * range lie outside of the part or on the edge of a bucket; the result is the same. Distinct users
 * of TOP are no sum: two columns of the rows have them where their list is not stored. COUNT adds
 * up `metric`, too, where it is given. A TAIL more than 10,000 rows behind jumps ahead; what it
 * dropped it tells as {"fairlead":{"dropped":n,"cursor":"..."}}, with n 0 when it is idle.
 */
#ifndef FL_LOGS_QUERY_H
#define FL_LOGS_QUERY_H

#include "base/buf.h"
#include "logs/part.h"

enum fl_query_kind {
    FL_Q_TOP = 1, /* groups of `by`, largest by metric first: bytes, sessions, users, share */
    FL_Q_SERIES,  /* the same over time, step_us wide; the first `limit` groups and "other" */
    FL_Q_LATEST,  /* rows, newest first, with a cursor */
    FL_Q_FACETS, /* for each field of `by` (comma list; "" = a useful set) its commonest values with
                    counts */
    FL_Q_CONTEXT, /* rows around one row (cursor "day.seq") of the same device: limit before and
                     after */
    FL_Q_EXPORT,  /* all rows, oldest first, as NDJSON or CSV */
    FL_Q_TAIL,    /* rows as they are accepted, from cursor on; never ends by itself */
    FL_Q_COUNT    /* number of rows that match, for dry runs */
};

struct fl_query {
    uint32_t tenant;
    enum fl_query_kind kind;
    int64_t from_us, to_us;
    struct fl_span filter, by, metric, cursor, format;
    uint32_t limit;
    int64_t step_us;
    uint32_t budget_ms;             /* 0: none; EXPORT and TAIL have none */
    uint64_t budget_bytes;          /* of tables of groups; 0: 64 MiB */
    bool original;                  /* with event.original */
    bool rows_only;                 /* never from rollups: for comparison, the answer is the same */
    const unsigned char *names_key; /* of the tenant's pseudonyms (mask.h); NULL: there are none */
    bool masked;                    /* personal data is hidden; then names_key is needed */
    bool no_users; /* TOP: distinct users are not counted (null), also with format "sums" */
};

struct fl_query_sink {
    /* Take a piece of the result; may block until there is room. Negative ends the query
     * (cancelled). */
    int (*write)(void *ctx, struct fl_span piece);
    /* Asked now and then: nonzero ends the query. */
    int (*cancelled)(void *ctx);
    void *ctx;
};

struct fl_query_end {
    bool partial, from_rollups;
    uint64_t rows_scanned, rows_matched, bytes_read, elapsed_us;
    char cursor[64];
    char why[200]; /* why partial */
};

/*
 * FL_E_INVAL with a text for the user (filter, field, cursor or range wrong), FL_E_NOENT (CONTEXT
 * of a row that is not there), FL_E_NOMEM; nothing was written then, or the answer breaks off. A
 * part that is purged or damaged meanwhile makes the answer partial, no error.
 */
int fl_query_run(struct fl_store *store, const struct fl_query *query,
                 const struct fl_query_sink *sink, struct fl_query_end *ret_end, struct fl_err *err)
    FL_MUST_CHECK;

#endif
