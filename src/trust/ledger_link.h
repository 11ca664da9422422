/*
 * ledger_link.h - the ledger of erasures as `store` sees it: an erasure is written down before it
 * begins, and its end with what was done, for which there is a signed receipt.
 *
 * Two implementations: trust/ledger_rpc.h over the link to the keys role (store role), and
 * trust/ledger_desk.h on the ledger itself (keys role, tests). Calls may block for a short time.
 */
#ifndef FL_TRUST_LEDGER_LINK_H
#define FL_TRUST_LEDGER_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define FL_LEDGER_RULE_MAX    ((size_t)16 * 1024)
#define FL_LEDGER_FACTS_MAX   ((size_t)16 * 1024)
#define FL_LEDGER_RECEIPT_MAX ((size_t)20 * 1024)

struct fl_ledger_link; /* interface; the first member of each implementation */

struct fl_ledger_link_ops {
    /* On the disk when it returns. rule: what finds the rows again, whatever that is. */
    int (*begin)(struct fl_ledger_link *l, struct fl_span rule, uint64_t *ret_number,
                 struct fl_err *err);
    /* facts: a JSON object. The receipt is appended to receipt: one line of JSON (receipt.h). */
    int (*done)(struct fl_ledger_link *l, uint64_t number, struct fl_span facts,
                struct fl_buf *receipt, struct fl_err *err);
    /* The first erasure above `after` that is to be done, its rule appended; *ret_number 0: none.
     * *ret_again: it was done, but not in this copy of the data folder. */
    int (*pending)(struct fl_ledger_link *l, uint64_t after, uint64_t *ret_number, bool *ret_again,
                   struct fl_buf *rule, struct fl_err *err);
};

struct fl_ledger_link {
    const struct fl_ledger_link_ops *ops;
};

#endif
