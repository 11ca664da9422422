/* people_scene.h - accounts in a folder of their own, with a clock that the test moves. */
#ifndef FL_TESTS_TRUST_PEOPLE_SCENE_H
#define FL_TESTS_TRUST_PEOPLE_SCENE_H

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "tap.h"
#include "trust/accounts.h"
#include "trust/totp.h"
#include "unit/trust/folder.h"

#define FIRST  "Kv7+qpzxwtmr"
#define SECOND "Turnip orbit 9 gravel"
#define DAY_US (24 * FL_HOUR_US)
#define LOCAL  ((struct fl_by){.session = 0})
#define CHEAP  ((struct fl_cost){.kib = 8, .passes = 1})

struct scene {
    struct folder dir;
    struct fl_root *root;
    struct fl_secrets *secrets;
    struct fl_accounts *acc;
    char path[64];
    int64_t now_us;
    struct fl_err err;
    struct fl_session last; /* of the latest sign-in or raise */
    void (*step)(void *ctx, const char *what);
    void *step_ctx;
};

static inline void scene_open(struct scene *s)
{
    struct fl_accounts_config config = {.path = s->path,
                                        .secrets = s->secrets,
                                        .cost = CHEAP,
                                        .step = s->step,
                                        .step_ctx = s->step_ctx};

    if (fl_accounts_open(&config, s->now_us, &s->acc, &s->err) < 0) {
        printf("# %s\n", s->err.text);
        abort();
    }
}

static inline void scene_new(struct scene *s)
{
    *s = (struct scene){.dir = folder_new(), .now_us = INT64_C(1800000000) * 1000000};
    (void)snprintf(s->path, sizeof s->path, "%s/" FL_ACCOUNTS_FILE, s->dir.path);
    if (sodium_init() < 0 || fl_root_file_open(s->dir.fd, true, &s->root, &s->err) < 0 ||
        fl_secrets_open(s->dir.fd, s->root, &s->secrets, &s->err) < 0)
        abort();
    scene_open(s);
}

static inline void scene_again(struct scene *s) /* a restart */
{
    fl_accounts_free(s->acc);
    scene_open(s);
}

static inline void scene_free(struct scene *s)
{
    fl_accounts_free(s->acc);
    fl_secrets_free(s->secrets);
    fl_root_free(s->root);
    folder_free(&s->dir);
}

static inline int set_by(struct scene *s, struct fl_by by, uint32_t user, uint32_t tenant,
                         uint32_t scope)
{
    struct fl_msg_account_set set = {
        .user = user, .tenant = tenant, .scope = scope, .words = FL_SPAN("acme\n")};
    struct fl_account account;

    return fl_accounts_set(s->acc, by, &set, s->now_us, &account, &s->err);
}

/* A password by reset, from then on temporary. */
static inline int reset_to(struct scene *s, struct fl_by by, uint32_t user, const char *password)
{
    struct fl_account account;
    char phc[FL_PHC_MAX];
    int r = fl_accounts_may_reset(s->acc, by, user, FL_RESET_PASSWORD, s->now_us, &s->err);

    if (r == 0)
        r = fl_password_hash(fl_accounts_pepper(s->acc), fl_span_str(password), CHEAP, phc,
                             &s->err);
    return r < 0 ? r
                 : fl_accounts_reset(s->acc, by, user, FL_RESET_PASSWORD, phc, s->now_us, &account,
                                     &s->err);
}

/* As fl_people_sign_in() does it, in one go. */
static inline int sign_in(struct scene *s, uint32_t user, const char *password)
{
    bool locked = false;
    struct fl_try try;
    int r = fl_accounts_try(s->acc, user, s->now_us, &try, &s->err);

    if (r == 0)
        r = fl_password_verify(fl_accounts_pepper(s->acc), fl_span_str(password), try.phc, &s->err);
    if (r == FL_E_DENIED && fl_accounts_fail(s->acc, &try, s->now_us, &locked, &s->err) < 0)
        abort();
    if (r == FL_E_DENIED && locked)
        return FL_E_LIMIT; /* tells the test that a lock began */
    return r < 0 ? r
                 : fl_accounts_sign_in(s->acc, &try, NULL, FL_SPAN("192.0.2.7"), FL_SPAN("Browser"),
                                       s->now_us, &s->last, &s->err);
}

/* As fl_people_change(). */
static inline int change(struct scene *s, const char *old, const char *fresh)
{
    const unsigned char *pepper = fl_accounts_pepper(s->acc);
    char token[FL_TOKEN_TEXT_MAX], phc[FL_PHC_MAX];
    struct fl_change c;
    bool locked;
    int r;

    memcpy(token, s->last.token, sizeof token);
    r = fl_accounts_change_begin(s->acc, fl_span_str(token), fl_span_str(fresh), s->now_us, &c,
                                 &s->err);
    if (r < 0)
        return r;
    r = fl_password_verify(pepper, fl_span_str(old), c.try.phc, &s->err);
    if (r < 0 && fl_accounts_fail(s->acc, &c.try, s->now_us, &locked, NULL) < 0)
        abort();
    for (unsigned i = 0; r == 0 && i < c.history_count; i++)
        if (fl_password_verify(pepper, fl_span_str(fresh), c.history[i], NULL) == 0)
            r = FL_E_EXISTS;
    if (r == 0 && strcmp(old, fresh) == 0)
        r = FL_E_EXISTS;
    if (r == FL_E_EXISTS && fl_accounts_untry(s->acc, &c.try, s->now_us, NULL) < 0)
        abort();
    if (r < 0)
        return r;
    r = fl_password_hash(pepper, fl_span_str(fresh), CHEAP, phc, &s->err);
    return r < 0 ? r
                 : fl_accounts_change(s->acc, fl_span_str(token), &c, phc, s->now_us, &s->last,
                                      &s->err);
}

/* Secret of the latest enrolment, as the app on a telephone has it. */
struct app {
    unsigned char secret[FL_TOTP_SECRET_BYTES];
};

static inline void app_take(struct app *app, const char *base32)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;

    for (; *base32 != '\0' && n < sizeof app->secret; base32++) {
        unsigned digit = (unsigned)(*base32 >= 'A' ? *base32 - 'A' : *base32 - '2' + 26);

        bits = bits << 5 | digit;
        have += 5;
        if (have >= 8) {
            have -= 8;
            app->secret[n++] = (unsigned char)(bits >> have);
        }
    }
}

static inline const char *app_code(const struct app *app, int64_t now_us)
{
    static char text[16];

    (void)snprintf(text, sizeof text, "%06u",
                   fl_totp_code(fl_span_of(app->secret, sizeof app->secret),
                                (uint64_t)(now_us / FL_TOTP_STEP_US), 6));
    return text;
}

static inline int enrol(struct scene *s, struct app *app)
{
    char secret[FL_TOTP_TEXT_BYTES];
    int r = fl_accounts_enrol(s->acc, fl_span_str(s->last.token), s->now_us, secret, &s->err);

    if (r == 0)
        app_take(app, secret);
    return r;
}

static inline int confirm(struct scene *s, const char *text)
{
    char token[FL_TOKEN_TEXT_MAX];
    bool locked = false;

    memcpy(token, s->last.token, sizeof token);
    return fl_accounts_confirm(s->acc, fl_span_str(token), fl_span_str(text), s->now_us, &s->last,
                               &locked, &s->err);
}

static inline int code(struct scene *s, const char *text)
{
    bool recovery = false, locked = false;
    char token[FL_TOKEN_TEXT_MAX];
    int r;

    memcpy(token, s->last.token, sizeof token);
    r = fl_accounts_code(s->acc, fl_span_str(token), fl_span_str(text), s->now_us, &s->last,
                         &recovery, &locked, &s->err);
    return locked ? FL_E_LIMIT : r;
}

static inline int ask(struct scene *s, const char *token, bool active, struct fl_session *ret)
{
    return fl_accounts_session(s->acc, fl_span_str(token), active, s->now_us, ret, &s->err);
}

static inline bool lives(struct scene *s, const char *token)
{
    struct fl_session session;

    return ask(s, token, false, &session) == 0;
}

/* An account of tenant 1 (or another) with the password FIRST, signed in, open. */
static inline void ready(struct scene *s, uint32_t user, uint32_t tenant, uint32_t scope)
{
    if (set_by(s, LOCAL, user, tenant, scope) < 0 || reset_to(s, LOCAL, user, "Temp-1") < 0 ||
        sign_in(s, user, "Temp-1") < 0 || change(s, "Temp-1", FIRST) < 0) {
        printf("# %s\n", s->err.text);
        abort();
    }
}

/* The same of the operator's staff, who need a second factor. */
static inline void ready_operator(struct scene *s, uint32_t user, uint32_t scope, struct app *app)
{
    ready(s, user, 0, scope);
    if (enrol(s, app) < 0 || confirm(s, app_code(app, s->now_us)) < 0) {
        printf("# %s\n", s->err.text);
        abort();
    }
}

#endif
