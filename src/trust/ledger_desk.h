/* ledger_desk.h - the ledger's link on the ledger itself, with receipts signed here (keys role). */
#ifndef FL_TRUST_LEDGER_DESK_H
#define FL_TRUST_LEDGER_DESK_H

#include "trust/ledger.h"
#include "trust/ledger_link.h"
#include "trust/receipt.h"

struct fl_ledger_desk {
    struct fl_ledger_link link;
    struct fl_ledger *ledger;    /* borrowed */
    const unsigned char *secret; /* Ed25519, 64 bytes; borrowed */
    int64_t (*now_us)(void);
};
void fl_ledger_desk_init(struct fl_ledger_desk *desk, struct fl_ledger *ledger,
                         const unsigned char *secret, int64_t (*now_us)(void));

/* The receipt of this number (that of its erasure) appended to out; FL_E_NOENT. */
int fl_ledger_desk_receipt(struct fl_ledger_desk *desk, uint64_t number, struct fl_buf *out,
                           struct fl_err *err) FL_MUST_CHECK;

#endif
