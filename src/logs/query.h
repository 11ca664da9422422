/*
 * query.h - the fixed family of questions: top-N, series, latest-N, facets, context, export, tail.
 *
 * A query runs in one worker thread over fl_parts; results go out as text through a sink that may
 * block or cancel. Time and memory have budgets; a query that runs out of them says that it is
 * partial.
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
    uint32_t budget_ms;
    uint64_t budget_bytes;
    bool original;
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

/* FL_E_INVAL with a text for the user (filter or field wrong), FL_E_LIMIT (memory budget before any
 * result). */
int fl_query_run(struct fl_store *store, const struct fl_query *query,
                 const struct fl_query_sink *sink, struct fl_query_end *ret_end, struct fl_err *err)
    FL_MUST_CHECK;

#endif
