/*
 * query_run.h - one query while it runs: its parts, budgets, output. Inside logs: the kinds of
 * query (query_top.c, query_rows.c, ...) are written on it.
 *
 * A kind walks parts and blocks; before each block it asks fl_run_goes_on(), which is where
 * cancellation and the time budget are seen. What was found until then is still written.
 */
#ifndef FL_LOGS_QUERY_RUN_H
#define FL_LOGS_QUERY_RUN_H

#include "base/arena.h"
#include "codec/json.h"
#include "logs/group.h"
#include "logs/query.h"
#include "logs/scan.h"

#define FL_RUN_FEW            4096u                /* rows of a block that are decoded alone */
#define FL_QUERY_MEMORY_BYTES ((uint64_t)64 << 20) /* where the query gives no budget */

struct fl_newest; /* newest.h */

/* Position of a row: day of receipt and sequence number. Text: "2026-11-21.4711". */
struct fl_pos {
    int32_t day;
    uint64_t seq;
};

struct fl_run {
    struct fl_store *store;
    const struct fl_query *q;
    const struct fl_query_sink *sink;
    struct fl_query_end *end;
    struct fl_arena arena; /* the filter */
    struct fl_filter *filter;
    struct fl_mask *names; /* NULL: no pseudonyms are known */
    struct fl_mask *mask;  /* names, where personal data is hidden; else NULL */
    struct fl_parts *parts;
    struct fl_newest *newest; /* rows of memtables come from it, those behind `after`; or NULL */
    struct fl_pos after;
    struct fl_scan scan;
    int64_t begin_us, deadline_us; /* monotonic; deadline INT64_MAX = none */
    uint64_t memory_bytes;
    bool looked; /* at a block at least: a query always gets somewhere */
    bool stopped, cancelled;
    struct fl_buf out; /* not yet handed to the sink */
    uint32_t few[FL_RUN_FEW];
};

/* One block with its rows found: filter columns and output columns together, all borrowed. Values
 * and codes of other rows may be undefined. */
struct fl_run_block {
    struct fl_part_info info; /* of its part */
    struct fl_block view;     /* columns of both loads */
    const uint64_t *bits;
    uint32_t count;
    struct fl_part *part; /* where it is from */
    uint32_t no;
    struct fl_block *first, *second; /* owned by the run block */
    bool first_lent, second_lent;    /* not so */
};

bool fl_pos_parse(struct fl_span text, struct fl_pos *ret);
void fl_pos_format(struct fl_pos pos, char text[64]);
static inline int fl_pos_cmp(struct fl_pos a, struct fl_pos b)
{
    if (a.day != b.day)
        return a.day < b.day ? -1 : 1;
    return a.seq < b.seq ? -1 : a.seq > b.seq;
}

/* Check and take in the question. fl_run_finish() it, also when this fails. */
int fl_run_begin(struct fl_run *run, struct fl_store *store, const struct fl_query *query,
                 const struct fl_query_sink *sink, struct fl_query_end *end, struct fl_err *err)
    FL_MUST_CHECK;
void fl_run_finish(struct fl_run *run);

/* Take a snapshot of the parts that touch [from_us, to_us); the one before is let go. */
int fl_run_parts(struct fl_run *run, int64_t from_us, int64_t to_us, struct fl_err *err)
    FL_MUST_CHECK;
/* false: cancelled, or out of time after at least one block; run->end says so. */
bool fl_run_goes_on(struct fl_run *run);
/* Mark the result as partial; the first reason stays. */
void fl_run_partial(struct fl_run *run, const char *fmt, ...) FL_PRINTF(2, 3);

/*
 * Rows of a block that lie in the time range and meet the filter. 1: *ret holds `fields` and the
 * filter's columns of a block with at least one such row, fl_run_block_done() it; 0: none (or the
 * block is gone or damaged: the result is partial then); negative: stop.
 */
int fl_run_block(struct fl_run *run, struct fl_part *part, uint32_t block,
                 const struct fl_fieldset *fields, struct fl_run_block *ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_run_block_done(struct fl_run_block *block);

/* What to do with a block that holds rows found; nonzero ends the walk and is handed on. */
typedef int fl_run_block_fn(struct fl_run *run, const struct fl_run_block *block, void *ctx,
                            struct fl_err *err);
/* All blocks of one part, or of all parts, oldest first. */
int fl_run_part(struct fl_run *run, struct fl_part *part, const struct fl_fieldset *fields,
                fl_run_block_fn *fn, void *ctx, struct fl_err *err) FL_MUST_CHECK;
int fl_run_each(struct fl_run *run, const struct fl_fieldset *fields, fl_run_block_fn *fn,
                void *ctx, struct fl_err *err) FL_MUST_CHECK;

/* Rows found, one after the other: newest first or oldest first, beyond a position. */
struct fl_walk {
    bool down;           /* newest first */
    bool bounded;        /* start counts */
    struct fl_pos start; /* rows before it (down) or after it */
    struct fl_pos last;  /* everything up to here has been looked at; as given when nothing was */
    struct fl_fieldset fields; /* of the rows handed to row(); FL_F_SEQ is added */
    /* Nonzero ends the walk; a negative code is handed on. */
    int (*row)(struct fl_run *run, const struct fl_run_block *block, uint32_t row,
               struct fl_pos pos, void *ctx, struct fl_err *err);
    void *ctx;
};
int fl_run_walk(struct fl_run *run, struct fl_walk *walk, struct fl_err *err) FL_MUST_CHECK;

/*
 * Hand what is in run->out to the sink once it is worth it, or now. A sink that takes no more stops
 * the run; the error is only that of the buffer.
 */
int fl_run_flush(struct fl_run *run, bool now, struct fl_err *err) FL_MUST_CHECK;

/* A field by name for `by`: FL_E_INVAL with the nearest way out; FL_E_DENIED where it is hidden. */
int fl_run_field(struct fl_run *run, struct fl_span name, enum fl_field *ret, struct fl_err *err)
    FL_MUST_CHECK;
/* fl_groups_init() with what the run hides. */
int fl_run_groups(struct fl_run *run, struct fl_groups *g, enum fl_field by, bool want_users,
                  size_t cells, size_t max_bytes, struct fl_err *err) FL_MUST_CHECK;
typedef uint64_t fl_run_metric(const struct fl_sums *sums);
/* bytes (also for ""), sessions, packets, seconds, rows, up, down. */
int fl_run_metric_of(struct fl_span name, const char **ret_name, fl_run_metric **ret,
                     struct fl_err *err) FL_MUST_CHECK;
/* The kinds. Each checks its own arguments, walks, writes. */
int fl_query_top(struct fl_run *run, struct fl_err *err) FL_MUST_CHECK;
int fl_query_series(struct fl_run *run, struct fl_err *err) FL_MUST_CHECK;
int fl_query_latest(struct fl_run *run, struct fl_err *err) FL_MUST_CHECK;
int fl_query_facets(struct fl_run *run, struct fl_err *err) FL_MUST_CHECK;
int fl_query_context(struct fl_run *run, struct fl_err *err) FL_MUST_CHECK;
int fl_query_export(struct fl_run *run, struct fl_err *err) FL_MUST_CHECK;
int fl_query_tail(struct fl_run *run, struct fl_err *err) FL_MUST_CHECK;
int fl_query_count(struct fl_run *run, struct fl_err *err) FL_MUST_CHECK;

#endif
