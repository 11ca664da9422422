/*
 * keys.h - inside the keys role: what its files share.
 *
 * role_keys.c     the role: links, requests, start
 * keys_ledger.c   the ledger of erasures with its receipts; the change of the root key
 */
#ifndef FL_FAIRLEADD_KEYS_H
#define FL_FAIRLEADD_KEYS_H

#include <sodium.h>

#include "fairleadd/role.h"
#include "trust/ca.h"
#include "trust/cap.h"
#include "trust/grants.h"
#include "trust/keytable.h"
#include "trust/ledger_desk.h"
#include "trust/root.h"
#include "trust/secrets.h"

struct fl_keys {
    struct fl_role_env *env;
    struct fl_imsg *links[FL_ROLE_COUNT];
    struct fl_root *root;
    struct fl_secrets *secrets;
    struct fl_keytable *table;
    struct fl_grants *grants;
    struct fl_ledger *ledger; /* NULL: there is no folder for it */
    struct fl_ledger_desk desk;
    struct fl_ca *ca;
    struct fl_signer *signer;      /* of the server's TLS key */
    struct fl_buf ca_pem, tls_pem; /* certificates */
    struct fl_watch *watch;
    unsigned char destroy_public[crypto_sign_PUBLICKEYBYTES];
    unsigned char destroy_secret[crypto_sign_SECRETKEYBYTES];
    unsigned char cap_public[FL_CAP_PUBLIC_BYTES], cap_secret[FL_CAP_SECRET_BYTES];
    uint64_t caps, signs;
};

#define FL_ROLE_STORE_UID (UINT32_MAX - 1) /* as who: the role store */

/* Record a security event; uid UINT32_MAX: the role core itself. */
void fl_keys_audit(struct fl_keys *k, const char *event, uint32_t uid, const char *object,
                   const char *detail);

/* Root key, secrets, key table, grants, ledger: all that a change of the root key opens anew. */
int fl_keys_open(struct fl_keys *k, bool is_new, struct fl_err *err) FL_MUST_CHECK;
void fl_keys_close(struct fl_keys *k);

/* Requests: msg is the decoded struct. */
int fl_keys_on_erasure_begin(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                             struct fl_err *err);
int fl_keys_on_erasure_done(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                            struct fl_err *err);
int fl_keys_on_erasure_ask(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                           struct fl_err *err);
int fl_keys_on_receipt_ask(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                           struct fl_err *err);
int fl_keys_on_root_change(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                           struct fl_err *err);

#endif
