/* ledger_rpc.h - the ledger of erasures over the link to the keys role. */
#ifndef FL_TRUST_LEDGER_RPC_H
#define FL_TRUST_LEDGER_RPC_H

#include "io/imsg.h"
#include "trust/ledger_link.h"

/* rpc: to keys, borrowed until free. */
int fl_ledger_rpc_new(struct fl_rpc *rpc, int64_t timeout_ms, struct fl_ledger_link **ret,
                      struct fl_err *err) FL_MUST_CHECK;
void fl_ledger_rpc_free(struct fl_ledger_link *link); /* NULL is allowed */

#endif
