/*
 * store_erase.h - erasing one person from the store (FORMAT.md section 9).
 *
 * What is done, in this order; a crash at any moment is made good by the next start, which asks the
 * ledger (trust/ledger_link.h) for erasures that are to be done:
 *
 *   1  the rule is in the ledger, synced
 *   2  the tenant's rows are sealed; all are searched; what is remembered of sessions of rows that
 *      go is forgotten, and the baseline written under a new key
 *   3  touched segments are rewritten without those rows, with sums of their own
 *   4  new streams of the write-ahead log are begun, what the old ones hold is sealed
 *   5  the keys of all that is no living file of the tenant are destroyed, in one epoch: replaced
 *      segments, old streams (also of log files unlinked long ago), old baselines
 *   6  bytes are unlinked; the ledger gets the receipt
 */
#ifndef FL_LOGS_STORE_ERASE_H
#define FL_LOGS_STORE_ERASE_H

#include "logs/erase_rule.h"
#include "logs/store.h"
#include "logs/store_job.h"

struct fl_erase_result {
    uint64_t rows, by_field[FL_FIELD_COUNT], by_where;
    uint64_t segments, searched; /* that hold such rows; in all */
    uint64_t blocks, days;
    uint64_t rollup_entries;      /* counted in a dry run only */
    uint64_t streams, baselines;  /* of the keys destroyed */
    uint64_t keys;                /* in all */
    uint64_t bytes_in, bytes_out; /* of the segments, before and after */
    uint64_t unreadable;          /* files of segments that do not open: not searched, kept */
    uint64_t lost_blocks,
        lost_rows; /* damaged blocks of touched segments: not searched, destroyed */
    uint32_t epoch;
    char root_kind[16];
};

/* No lock may be held. tell (or NULL): progress, in segments; false ends it, before step 3 only. */
struct fl_erase_watch {
    bool (*tell)(void *ctx, uint64_t done, uint64_t total, int32_t day);
    void *ctx;
};

/* Steps 2 to 6 without the ledger. dry: step 2's search only; nothing changes. What it began and
 * did not end is begun again by asking once more. FL_E_INVAL: the rule. */
int fl_store_erase(struct fl_store *s, const struct fl_erase_rule *rule, bool dry,
                   const struct fl_erase_watch *watch, struct fl_erase_result *ret,
                   struct fl_err *err) FL_MUST_CHECK;

/* What was done, for the receipt: a JSON object on one line. */
void fl_erase_facts(const struct fl_erase_rule *rule, const struct fl_erase_result *res, bool again,
                    struct fl_buf *out);

/* All that the ledger has pending, before anything is served; and what failed, again, now and then.
 */
int fl_store_erase_pending(struct fl_store *s, struct fl_err *err) FL_MUST_CHECK;
int fl_store_erase_due(struct fl_store *s, struct fl_err *err) FL_MUST_CHECK;

/* The kind of work: ask.args is an encoded rule; the result tells the number of the receipt. */
int fl_store_erase_job(struct fl_job *job, struct fl_err *err);

#endif
