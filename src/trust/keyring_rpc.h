/*
 * keyring_rpc.h - the keyring over the link to the keys role: what the store role uses.
 *
 * Calls wait for their answer, and for the link while keys is being restarted; any thread. A call
 * that failed with FL_E_IO or FL_E_TIMEOUT may have been done all the same: file_new is then asked
 * with a fresh id, destroy is asked again.
 */
#ifndef FL_TRUST_KEYRING_RPC_H
#define FL_TRUST_KEYRING_RPC_H

#include "io/imsg.h"
#include "trust/keyring.h"

/* rpc is borrowed until free. timeout_ms: of one call. */
int fl_keyring_rpc_new(struct fl_rpc *rpc, int64_t timeout_ms, struct fl_keyring **ret,
                       struct fl_err *err) FL_MUST_CHECK;
void fl_keyring_rpc_free(struct fl_keyring *keyring); /* NULL is allowed */

#endif
