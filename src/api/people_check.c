/*
 * keys knows accounts and grants by numbers; what they may follows from roles and tenants here. At
 * each link to keys, and where a change could not be told to both, the two are compared and keys is
 * told what the database says.
 */
#include <stdlib.h>

#include "api/people.h"

struct check {
    struct fl_api *api;
    struct fl_msg_account *account; /* owned */
    size_t count, room;
    uint64_t told;
};

static void check_free(void *state)
{
    struct check *c = state;

    if (c != NULL)
        free(c->account);
    free(c);
}

/* Nobody waits for these answers: the next check sees whether they were taken. */
static void tell(struct check *c, enum fl_msg_type type, const void *msg)
{
    c->told += fl_api_send(c->api, FL_ROLE_KEYS, type, FL_API_ID_FIRST, msg) == FL_OK;
}

static struct fl_msg_account *account_of(struct check *c, uint32_t user)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->account[i].user == user)
            return &c->account[i];
    return NULL;
}

static int on_user(void *ctx, const struct fl_user *user)
{
    struct check *c = ctx;
    struct fl_msg_account *account = account_of(c, user->id);
    struct fl_msg_account_set msg = {
        .by_uid = UINT32_MAX,
        .user = user->id,
        .tenant = user->tenant,
        .scope = fl_people_scope_of(c->api->db, user->tenant, user->roles),
        .totp_required = user->totp_required,
        .disabled = user->disabled,
    };
    char words[FL_PEOPLE_WORDS_MAX];

    if (account != NULL && account->scope == msg.scope && account->disabled == msg.disabled &&
        account->totp_required == msg.totp_required) {
        account->user = 0; /* looked at */
        return 0;
    }
    if (account != NULL)
        account->user = 0;
    fl_people_words(user, words);
    msg.words = fl_span_str(words);
    tell(c, FL_MSG_ACCOUNT_SET, &msg);
    return 0;
}

/* What a tenant gives: both kinds, living or ended, as keys holds one of each. */
struct giving {
    struct check *check;
    bool living[FL_TENANT_GRANTS];
    int64_t now_us;
    bool demo;
};

static int on_grant(void *ctx, const struct fl_grant *grant)
{
    struct giving *g = ctx;
    struct fl_msg_tenant_grant msg = {
        .by_uid = UINT32_MAX,
        .tenant = grant->tenant,
        .kind = (uint8_t)grant->kind,
        .scope = fl_people_grant_scope(grant, g->demo),
        .until_us = grant->until_us,
    };

    if (!fl_grant_lives(grant, g->now_us) || grant->kind >= FL_TENANT_GRANTS)
        return 0;
    g->living[grant->kind] = true;
    tell(g->check, FL_MSG_TENANT_GRANT, &msg);
    return 0;
}

static int on_tenant(void *ctx, const struct fl_tenant *tenant)
{
    struct check *c = ctx;
    struct giving g = {.check = c, .now_us = c->api->env.now_us(), .demo = tenant->demo};
    int r = fl_db_grants(c->api->db, tenant->id, (struct fl_db_page){NULL, 0}, on_grant, &g, NULL,
                         NULL);

    for (uint8_t kind = 1; r == FL_OK && kind < FL_TENANT_GRANTS; kind++) {
        struct fl_msg_tenant_grant end = {
            .by_uid = UINT32_MAX, .tenant = tenant->id, .kind = kind, .until_us = 0};

        if (!g.living[kind])
            tell(c, FL_MSG_TENANT_GRANT, &end);
    }
    return r;
}

/* The database is the measure: also when it was put back from a copy. */
static void compare(struct check *c)
{
    if (c->api->db == NULL || fl_db_users_all(c->api->db, on_user, c, NULL) < 0)
        return;
    for (size_t i = 0; i < c->count; i++) {
        struct fl_msg_account_remove msg = {.by_uid = UINT32_MAX, .user = c->account[i].user};

        if (msg.user != 0)
            tell(c, FL_MSG_ACCOUNT_REMOVE, &msg);
    }
    (void)!fl_db_tenants(c->api->db, (struct fl_db_page){NULL, 0}, on_tenant, c, NULL, NULL);
}

static bool take(struct check *c, const struct fl_answer_in *in)
{
    struct fl_msg_account *grown;
    size_t room = c->room == 0 ? 64 : 2 * c->room;

    if (c->count == c->room) {
        grown = c->room > FL_ACCOUNTS_MAX ? NULL : realloc(c->account, room * sizeof *grown);
        if (grown == NULL)
            return false;
        c->account = grown;
        c->room = room;
    }
    if (fl_msg_decode(in->type, in->payload, &c->account[c->count], NULL) < 0)
        return false;
    c->account[c->count++].password = FL_SPAN("");
    return true;
}

static bool on_account(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_api *api = req->api;

    if (in->type == FL_MSG_ACCOUNT && take(req->state, in))
        return true;
    if (in->type == FL_MSG_DONE)
        compare(req->state);
    api->house = NULL;
    fl_req_free(req);
    if (api->house_again)
        fl_people_check(api);
    return false;
}

void fl_people_check(struct fl_api *api)
{
    struct fl_msg_account_ask ask = {.user = 0};
    struct check *c;
    struct fl_err err;

    api->house_again = api->house != NULL;
    if (api->house != NULL || api->db == NULL)
        return;
    api->house = calloc(1, sizeof *api->house);
    c = calloc(1, sizeof *c);
    if (api->house == NULL || c == NULL) {
        free(api->house);
        free(c);
        api->house = NULL;
        return;
    }
    c->api = api;
    api->house->api = api;
    api->house->state = c;
    api->house->state_free = check_free;
    if (fl_ask(api->house, FL_ROLE_KEYS, FL_MSG_ACCOUNT_ASK, &ask, FL_ASK_MS, on_account, NULL,
               &err) == FL_OK)
        return;
    fl_req_free(api->house); /* keys is away: its next link asks */
    api->house = NULL;
}

void fl_api_people_check(struct fl_api *api)
{
    fl_people_check(api);
}

void fl_api_reads_end(struct fl_api *api, struct fl_span payload)
{
    struct fl_msg_reads_end msg;

    if (fl_msg_decode(FL_MSG_READS_END, payload, &msg, NULL) == FL_OK)
        fl_ask_end_session_reads(api, msg.tenant, msg.session);
}
