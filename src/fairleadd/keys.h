/*
 * keys.h - inside the keys role: what its files share.
 *
 * role_keys.c     the role: links, requests, start
 * keys_ledger.c   the ledger of erasures with its receipts; the change of the root key
 * keys_web.c      the certificate and key that the operator brought for HTTPS
 * keys_people.c   accounts, sessions, grants
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
#include "trust/people.h"
#include "trust/root.h"
#include "trust/secrets.h"

struct fl_keys_pair { /* a certificate that the operator brought; signer NULL: none */
    struct fl_signer *signer;
    struct fl_buf pem;
    unsigned char id[32];
};

/* What a session was given a capability for: as soon as it may no longer, core is told. */
struct fl_keys_read {
    uint64_t session;
    uint32_t tenant, scope;
    int64_t until_us;
};

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
    struct fl_keys_pair web[2];    /* of HTTPS: in use, and the one before */
    struct fl_watch *watch;
    struct fl_people people;
    struct fl_keys_read *reads; /* owned */
    size_t read_count;
    struct fl_watch *people_watch;
    unsigned people_ticks;
    unsigned core_link; /* counts the links to core: an answer goes to the one that asked */
    unsigned char destroy_public[crypto_sign_PUBLICKEYBYTES];
    unsigned char destroy_secret[crypto_sign_SECRETKEYBYTES];
    unsigned char cap_public[FL_CAP_PUBLIC_BYTES], cap_secret[FL_CAP_SECRET_BYTES];
    uint64_t caps, signs;
};

#define FL_ROLE_STORE_UID (UINT32_MAX - 1) /* as who: the role store */

/* Record a security event; uid UINT32_MAX: the role core itself. */
void fl_keys_audit(struct fl_keys *k, const char *event, uint32_t uid, const char *object,
                   const char *detail);
/* The same of any actor ("user:7"). */
void fl_keys_audit_as(struct fl_keys *k, const char *event, const char *actor, const char *object,
                      struct fl_span detail);

/* Read the pair whose files env has; a bad one is named in the log, and the one before stays. */
void fl_keys_web_take(struct fl_keys *k);
void fl_keys_web_done(struct fl_keys *k);
/* Who signs for this public key; NULL: nobody. */
struct fl_signer *fl_keys_web_signer(const struct fl_keys *k, struct fl_span id);

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

struct fl_keys_request {
    enum fl_msg_type type;
    int (*handle)(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                  struct fl_err *err);
};

/* keys_people.c: after fl_keys_open(), once; a change of the root key leaves it open. */
int fl_keys_people_open(struct fl_keys *k, struct fl_err *err) FL_MUST_CHECK;
void fl_keys_people_close(struct fl_keys *k);
/* May the session have this capability? *until_us, when it ends at the latest, is made earlier. */
int fl_keys_session_cap(struct fl_keys *k, const struct fl_msg_cap_ask *ask, int64_t now_us,
                        int64_t *until_us, struct fl_err *err) FL_MUST_CHECK;
uint32_t fl_keys_user_of(struct fl_keys *k, uint64_t session); /* 0: nobody */

extern const struct fl_keys_request fl_keys_people_requests[];
extern const size_t fl_keys_people_request_count;
union fl_keys_people_msg { /* room for each of them */
    struct fl_msg_sign_in sign_in;
    struct fl_msg_session_ask session_ask;
    struct fl_msg_session_code code;
    struct fl_msg_session_password password;
    struct fl_msg_session_enrol enrol;
    struct fl_msg_session_end end;
    struct fl_msg_sessions_ask sessions;
    struct fl_msg_account_set account_set;
    struct fl_msg_account_reset account_reset;
    struct fl_msg_account_remove account_remove;
    struct fl_msg_account_ask accounts;
    struct fl_msg_token_new token;
    struct fl_msg_tenant_grant grant;
    struct fl_msg_reveal reveal;
};

#endif
