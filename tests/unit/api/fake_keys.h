/*
 * fake_keys.h - keys as the api sees it, played by a table: sessions and accounts by number. What
 * it decides itself (scopes, grants) is tests/unit/trust's; here it says yes and remembers.
 */
#ifndef FL_TESTS_API_FAKE_KEYS_H
#define FL_TESTS_API_FAKE_KEYS_H

#include "harness.h"

#define FAKE_MAX 64

struct fake_session {
    char token[32];
    uint64_t number;
    uint32_t user, tenant;
    uint8_t stage, is_token;
};

struct fake_keys {
    struct fake_session session[FAKE_MAX];
    size_t sessions;
    struct fl_msg_account account[FAKE_MAX]; /* password is not kept */
    size_t accounts;
    size_t answered;     /* of world->sent */
    unsigned seen[256];  /* messages by type */
    int refuse;          /* enum fl_msg_type that fails ... */
    int refuse_code;     /* ... with this */
    uint8_t last_active; /* of the last SESSION_ASK */
    struct fl_msg_account_set last_set;
    struct fl_msg_tenant_grant last_grant;
    struct fl_msg_reveal last_reveal;
    char last_purpose[40];
};

/* A session or API token of a user that can be asked with. */
struct fake_session *fake_session_add(struct fake_keys *keys, const char *token, uint32_t user,
                                      uint32_t tenant);
const struct fl_msg_account *fake_account(const struct fake_keys *keys, uint32_t user);

/* Answer all that was sent to keys until nothing new comes. */
void fake_pump(struct fake_keys *keys, struct world *w);

/* A request with a cookie ("": none), the CSRF header, and more headers ("name: value\n" each);
 * a token that begins with flt_ goes as bearer. The status, 0: waits for another role. */
int fake_ask(struct fake_keys *keys, struct world *w, const char *token, const char *more,
             const char *method, const char *path, const char *body);

#define FAKE_CSRF "csrf-of-the-session"

#endif
