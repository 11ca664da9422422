/* Who may change whom, API tokens, grants, reveals. */
#include "unit/trust/people_scene.h"

#define PEOPLE FL_SCOPE_PEOPLE
#define READ   ((uint32_t)FL_CAP_READ)
#define EXPORT ((uint32_t)FL_CAP_EXPORT)
#define PURGE  ((uint32_t)FL_CAP_PURGE)
#define REVEAL ((uint32_t)FL_CAP_REVEAL)

static struct fl_by session_of(struct scene *s)
{
    return (struct fl_by){.session = s->last.number};
}

static bool denied(int r, struct scene *s, const char *text)
{
    if (r == FL_E_DENIED && strstr(s->err.text, text) != NULL)
        return true;
    printf("# %d: %s\n", r, s->err.text);
    return false;
}

static void check_people(void)
{
    struct fl_msg_account_set set = {.user = 40, .tenant = 1, .scope = READ};
    struct fl_by admin, viewer, staff;
    struct fl_account a;
    struct scene s;
    struct app app;

    scene_new(&s);
    ready(&s, 10, 1, READ | EXPORT | PEOPLE);
    admin = session_of(&s);
    ready(&s, 11, 1, READ);
    viewer = session_of(&s);
    ready_operator(&s, 3, FL_SCOPE_ALL & ~PURGE, &app);
    staff = session_of(&s);
    CHECK(set_by(&s, admin, 12, 1, READ | EXPORT) == 0, "an administrator makes an account");
    CHECK(denied(set_by(&s, admin, 13, 1, READ | PURGE), &s, "more than you may"),
          "which may no more than he may");
    CHECK(denied(set_by(&s, admin, 13, 2, READ), &s, "somebody else"), "in his own tenant");
    CHECK(denied(set_by(&s, viewer, 13, 1, READ), &s, "does not allow"), "others make none");
    CHECK(denied(set_by(&s, (struct fl_by){.session = 12345}, 13, 1, READ), &s, "has ended"),
          "nor does a session that is over");
    CHECK(set_by(&s, staff, 13, 2, READ) == 0 && set_by(&s, staff, 14, 0, READ) == 0,
          "the operator's staff makes them anywhere");
    CHECK(denied(set_by(&s, staff, 15, 2, PURGE), &s, "more than you may"),
          "within their own scope as well");
    ready(&s, 16, 1, READ | PURGE);
    CHECK(denied(reset_to(&s, admin, 16, "Temp-2"), &s, "more than you may") &&
              denied(set_by(&s, admin, 16, 1, READ), &s, "more than you may"),
          "nobody takes over or cuts down a stronger account");
    CHECK(reset_to(&s, admin, 12, "Temp-2") == 0 && reset_to(&s, staff, 12, "Temp-3") == 0,
          "a weaker one can be reset");
    CHECK(set_by(&s, LOCAL, 12, 2, READ) == FL_E_INVAL, "an account stays with its tenant");
    CHECK(set_by(&s, LOCAL, 0, 1, READ) == FL_E_INVAL &&
              set_by(&s, LOCAL, 17, 1, 1u << 30) == FL_E_INVAL,
          "account 0 and unknown bits are refused");
    CHECK(denied(fl_accounts_remove(s.acc, viewer, 12, s.now_us, &s.err), &s, "does not allow") &&
              fl_accounts_remove(s.acc, admin, 12, s.now_us, &s.err) == 0,
          "removing asks for the same");
    CHECK(fl_accounts_set(s.acc, staff, &set, s.now_us, &a, &s.err) == 0 && !a.totp_required,
          "a tenant's account needs no second factor unless it was asked for");
    set.user = 41;
    set.tenant = 0;
    CHECK(fl_accounts_set(s.acc, LOCAL, &set, s.now_us, &a, &s.err) == 0 && a.totp_required,
          "the operator's always does, whatever was asked");
    if (set_by(&s, LOCAL, 18, 1, READ | PEOPLE) < 0 || reset_to(&s, LOCAL, 18, "Temp-4") < 0 ||
        sign_in(&s, 18, "Temp-4") < 0)
        abort();
    CHECK(denied(set_by(&s, session_of(&s), 12, 1, READ), &s, "finish signing in"),
          "nor one who is half signed in");
    s.now_us += FL_IDLE_US;
    CHECK(denied(set_by(&s, admin, 12, 1, READ), &s, "has ended"), "an idle administrator is none");
    scene_free(&s);
}

static struct fl_msg_token_new token_of(uint64_t by, uint32_t user, uint32_t tenant, uint32_t scope,
                                        int64_t until_us)
{
    return (struct fl_msg_token_new){
        .by = by, .user = user, .tenant = tenant, .scope = scope, .until_us = until_us};
}

static int token(struct scene *s, struct fl_msg_token_new ask, struct fl_session *ret)
{
    return fl_accounts_token(s->acc, &ask, s->now_us, ret, &s->err);
}

static void check_tokens(void)
{
    struct fl_msg_account_set off = {.user = 10, .tenant = 1, .scope = EXPORT, .disabled = 1};
    struct fl_session made, seen, more;
    struct fl_account a;
    struct scene s;
    int64_t until_us = 0;
    uint64_t self;

    scene_new(&s);
    ready(&s, 10, 1, READ | EXPORT | FL_SCOPE_GRANT);
    self = s.last.number;
    CHECK(token(&s, token_of(self, 10, 1, READ, 0), &made) == 0 && made.is_token &&
              strncmp(made.token, FL_TOKEN_PREFIX, 4) == 0 && strlen(made.token) == 47 &&
              made.until_us == s.now_us + FL_TOKEN_US && made.csrf[0] == '\0',
          "a token of one's own, for 90 days");
    CHECK(ask(&s, made.token, true, &seen) == 0 && seen.stage == FL_STAGE_OPEN &&
              seen.scope == READ && seen.user == 10 && seen.token[0] == '\0' &&
              seen.last_us == s.now_us,
          "it opens what it is for, and its use is seen");
    CHECK(token(&s, token_of(self, 10, 1, READ | PURGE, 0), &more) == FL_E_DENIED &&
              token(&s, token_of(self, 10, 1, READ | FL_SCOPE_GRANT, 0), &more) == FL_E_DENIED,
          "no more than the account, and no grants");
    CHECK(token(&s, token_of(self, 10, 1, READ, s.now_us + FL_TOKEN_MAX_US + 1), &more) ==
                  FL_E_INVAL &&
              token(&s, token_of(self, 10, 1, READ, s.now_us - 1), &more) == FL_E_INVAL &&
              token(&s, token_of(self, 10, 2, READ, 0), &more) == FL_E_INVAL &&
              token(&s, token_of(self, 99, 1, READ, 0), &more) == FL_E_NOENT,
          "within a year, of its own tenant, of somebody");
    CHECK(token(&s, token_of(made.number, 10, 1, READ, 0), &more) == FL_E_DENIED,
          "a token makes no tokens");
    CHECK(fl_accounts_may(s.acc, made.number, 1, READ, false, s.now_us, &until_us, &s.err) == 0 &&
              until_us == made.until_us &&
              fl_accounts_may(s.acc, made.number, 1, EXPORT, false, s.now_us, &until_us, &s.err) ==
                  FL_E_DENIED,
          "it reads, and does not export");
    s.now_us += 2 * DAY_US;
    CHECK(ask(&s, made.token, false, &seen) == 0, "it does not idle");
    CHECK(set_by(&s, LOCAL, 10, 1, EXPORT) == 0 && ask(&s, made.token, false, &seen) == 0 &&
              seen.scope == 0,
          "what its account loses it loses");
    CHECK(fl_accounts_set(s.acc, LOCAL, &off, s.now_us, &a, &s.err) == 0 &&
              !lives(&s, made.token) &&
              fl_accounts_may(s.acc, made.number, 1, 0, false, s.now_us, &until_us, &s.err) ==
                  FL_E_DENIED &&
              set_by(&s, LOCAL, 10, 1, EXPORT) == 0 && lives(&s, made.token),
          "while its account is disabled it is dead");
    s.now_us += FL_TOKEN_US;
    CHECK(!lives(&s, made.token), "it ends");
    for (unsigned i = 0; i < FL_TOKENS_PER_USER - 1; i++)
        if (token(&s, token_of(0, 10, 1, EXPORT, 0), &more) < 0)
            abort();
    CHECK(token(&s, token_of(0, 10, 1, EXPORT, 0), &more) == FL_E_LIMIT, "fifty of an account");
    CHECK(fl_accounts_remove(s.acc, LOCAL, 10, s.now_us, &s.err) == 0 && !lives(&s, more.token),
          "they go with it");
    scene_free(&s);
}

static int grant(struct scene *s, struct fl_by by, uint32_t tenant, uint8_t kind, uint32_t scope,
                 int64_t until_us)
{
    struct fl_msg_tenant_grant g = {
        .by = by.session, .tenant = tenant, .kind = kind, .scope = scope, .until_us = until_us};

    return fl_accounts_grant(s->acc, &g, s->now_us, &s->err);
}

static int may(struct scene *s, struct fl_by by, uint32_t tenant, uint32_t scope)
{
    int64_t until_us;

    return fl_accounts_may(s->acc, by.session, tenant, scope, false, s->now_us, &until_us, &s->err);
}

static int64_t until(struct scene *s, struct fl_by by, uint32_t tenant, uint32_t scope, bool open)
{
    int64_t until_us = 0;

    (void)!fl_accounts_may(s->acc, by.session, tenant, scope, open, s->now_us, &until_us, &s->err);
    return until_us;
}

static void check_grants(void)
{
    struct fl_by staff, admin, viewer, half;
    struct scene s;
    struct app app;

    scene_new(&s);
    ready_operator(&s, 3, READ | EXPORT | FL_SCOPE_SETUP, &app);
    staff = session_of(&s);
    CHECK(denied(may(&s, staff, 1, READ), &s, "has not granted"),
          "the operator's staff sees nothing of a tenant");
    CHECK(grant(&s, staff, 1, FL_GRANT_NETWORK, FL_SCOPE_SETUP, INT64_MAX) == 0,
          "the standing grant begins with the tenant");
    CHECK(denied(may(&s, staff, 1, READ), &s, "has not granted"), "without data");
    CHECK(denied(grant(&s, staff, 2, FL_GRANT_SUPPORT, READ, s.now_us + FL_HOUR_US), &s,
                 "tenant itself"),
          "support is the tenant's to give");
    ready(&s, 10, 1, READ | EXPORT | REVEAL | FL_SCOPE_GRANT);
    admin = session_of(&s);
    ready(&s, 11, 1, READ);
    viewer = session_of(&s);
    CHECK(denied(grant(&s, staff, 1, FL_GRANT_NETWORK, READ, INT64_MAX), &s, "tenant itself"),
          "once somebody of the tenant was there, all is");
    CHECK(denied(grant(&s, viewer, 1, FL_GRANT_SUPPORT, READ, s.now_us + FL_HOUR_US), &s,
                 "does not allow") &&
              denied(grant(&s, admin, 2, FL_GRANT_SUPPORT, READ, s.now_us + FL_HOUR_US), &s,
                     "does not allow") &&
              denied(grant(&s, admin, 1, FL_GRANT_SUPPORT, PURGE, s.now_us + FL_HOUR_US), &s,
                     "more than he may"),
          "who may, of the own tenant, no more than oneself");
    CHECK(grant(&s, admin, 1, FL_GRANT_SUPPORT, READ, s.now_us + 32 * DAY_US) == FL_E_INVAL &&
              grant(&s, admin, 1, 9, READ, s.now_us + 1) == FL_E_INVAL &&
              grant(&s, LOCAL, 0, 1, READ, s.now_us + 1) == FL_E_INVAL &&
              grant(&s, LOCAL, 1, 1, PEOPLE, s.now_us + 1) == FL_E_INVAL,
          "bad grants are refused, from anybody");
    CHECK(grant(&s, admin, 1, FL_GRANT_SUPPORT, READ, s.now_us + 10 * FL_MINUTE_US) == 0 &&
              until(&s, staff, 1, READ, false) == s.now_us + 10 * FL_MINUTE_US,
          "a support grant opens, until it ends");
    CHECK(denied(may(&s, staff, 1, EXPORT), &s, "has not granted") &&
              denied(may(&s, staff, 1, PURGE), &s, "your role") &&
              denied(may(&s, staff, 2, READ), &s, "has not granted") &&
              denied(may(&s, staff, 0, READ), &s, "another tenant"),
          "what it says, where it says");
    scene_again(&s);
    CHECK(may(&s, staff, 1, READ) == 0, "across a restart");
    s.now_us += 10 * FL_MINUTE_US;
    CHECK(denied(may(&s, staff, 1, READ), &s, "has not granted"), "and no longer");
    CHECK(grant(&s, admin, 1, FL_GRANT_NETWORK, READ | FL_SCOPE_SETUP, INT64_MAX) == 0 &&
              may(&s, staff, 1, READ) == 0 && grant(&s, staff, 1, FL_GRANT_NETWORK, 0, 0) == 0 &&
              denied(may(&s, staff, 1, READ), &s, "has not granted"),
          "the operator can give back what it has");
    CHECK(until(&s, staff, 5, READ, true) != 0, "the demonstration tenant is open to them");
    CHECK(may(&s, admin, 1, READ) == 0 && denied(may(&s, admin, 2, READ), &s, "another tenant") &&
              denied(may(&s, viewer, 1, EXPORT), &s, "your role"),
          "people of a tenant see their own, as far as they may");
    CHECK(set_by(&s, LOCAL, 12, 1, READ) == 0 && reset_to(&s, LOCAL, 12, "Temp-1") == 0 &&
              sign_in(&s, 12, "Temp-1") == 0,
          "somebody who is half signed in");
    half = session_of(&s);
    CHECK(denied(may(&s, half, 1, READ), &s, "finish signing in"), "sees nothing");
    s.now_us += FL_IDLE_US;
    CHECK(denied(may(&s, admin, 1, READ), &s, "has ended"), "nor does an idle session");
    scene_free(&s);
}

static int reveal(struct scene *s, struct fl_by by, uint32_t tenant, const char *purpose,
                  int64_t until_us)
{
    struct fl_msg_reveal ask = {.session = by.session,
                                .tenant = tenant,
                                .purpose = fl_span_str(purpose),
                                .ticket = FL_SPAN("INC-1"),
                                .until_us = until_us};

    return fl_accounts_reveal(s->acc, &ask, false, s->now_us, &s->err);
}

static void check_reveals(void)
{
    struct fl_by analyst, viewer, staff;
    struct fl_session now;
    struct scene s;
    struct app app;
    int64_t end_us;

    scene_new(&s);
    ready(&s, 11, 1, READ);
    viewer = session_of(&s);
    ready_operator(&s, 3, READ | REVEAL, &app);
    staff = session_of(&s);
    ready(&s, 10, 1, READ | REVEAL);
    analyst = session_of(&s);
    end_us = s.now_us + 10 * FL_MINUTE_US;
    CHECK(denied(may(&s, analyst, 1, READ | REVEAL), &s, "masked"), "personal data is masked");
    CHECK(reveal(&s, analyst, 1, "curiosity", end_us) == FL_E_INVAL &&
              reveal(&s, analyst, 1, "incident", s.now_us + FL_REVEAL_US + 1) == FL_E_INVAL,
          "a purpose, and an hour at most");
    CHECK(denied(reveal(&s, viewer, 1, "incident", end_us), &s, "your role") &&
              denied(reveal(&s, analyst, 2, "incident", end_us), &s, "another tenant") &&
              denied(reveal(&s, staff, 1, "incident", end_us), &s, "has not granted"),
          "who may, where one may");
    CHECK(reveal(&s, analyst, 1, "incident", end_us) == 0 &&
              until(&s, analyst, 1, READ | REVEAL, false) == end_us &&
              ask(&s, s.last.token, false, &now) == 0 && now.reveal_us == end_us &&
              now.reveal_tenant == 1,
          "then it is shown, to that session");
    CHECK(grant(&s, LOCAL, 1, FL_GRANT_SUPPORT, READ, end_us) == 0 &&
              denied(reveal(&s, staff, 1, "support", end_us), &s, "has not granted") &&
              grant(&s, LOCAL, 1, FL_GRANT_SUPPORT, READ | REVEAL, end_us) == 0 &&
              reveal(&s, staff, 1, "support", end_us) == 0 && may(&s, staff, 1, READ | REVEAL) == 0,
          "the operator's staff needs a grant that says so");
    CHECK(grant(&s, LOCAL, 2, FL_GRANT_SUPPORT, READ | REVEAL, end_us) == 0 &&
              may(&s, staff, 2, READ) == 0 &&
              denied(may(&s, staff, 2, READ | REVEAL), &s, "masked"),
          "of the tenant it was asked for, not of another");
    CHECK(reveal(&s, staff, 1, "", 0) == 0 &&
              denied(may(&s, staff, 1, READ | REVEAL), &s, "masked"),
          "it can be ended");
    s.now_us = end_us;
    CHECK(denied(may(&s, analyst, 1, READ | REVEAL), &s, "masked") &&
              may(&s, analyst, 1, READ) == 0,
          "and ends by itself");
    CHECK(reveal(&s, (struct fl_by){.session = 999}, 1, "incident", s.now_us + 1) == FL_E_NOENT,
          "of a session that is there");
    scene_free(&s);
}

int main(void)
{
    check_people();
    check_tokens();
    check_grants();
    check_reveals();
    return tap_done();
}
