/* The ledger of erasures, and the change of the root key. Part of the keys role (keys.h). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "fairleadd/keys.h"
#include "trust/root_change.h"

enum { RECEIPTS_MAX = 100, FATAL_EXIT = 3 };

/* ---- opening ---- */

static int64_t clock_us(void)
{
    return fl_now_us();
}

static int open_table(struct fl_keys *k, struct fl_err *err)
{
    unsigned char seed[crypto_sign_SEEDBYTES];
    struct fl_keytable_config config = {.dir_fd = k->env->dir_fd,
                                        .root = k->root,
                                        .sign_secret = k->destroy_secret,
                                        .now_us = clock_us};
    int r = fl_secrets_random(k->secrets, "destroy.seed", seed, sizeof seed, err);

    if (r == 0) {
        (void)crypto_sign_seed_keypair(k->destroy_public, k->destroy_secret, seed);
        r = fl_keytable_open(&config, &k->table, err);
    }
    explicit_bzero(seed, sizeof seed);
    return r;
}

static int open_ledger(struct fl_keys *k, struct fl_err *err)
{
    struct fl_ledger_config config = {.dir_fd = k->env->ledger_fd,
                                      .head_fd = k->env->dir_fd,
                                      .root = k->root,
                                      .now_us = clock_us};
    struct fl_keytable_stat keys;
    struct fl_ledger_stat stat;
    int r;

    if (k->env->ledger_fd < 0)
        return FL_OK;
    fl_keytable_stat(k->table, &keys);
    config.nothing_opens = keys.files == 0;
    r = fl_ledger_open(&config, &k->ledger, err);
    if (r < 0)
        return r;
    fl_ledger_desk_init(&k->desk, k->ledger, k->destroy_secret, clock_us);
    fl_ledger_stat(k->ledger, &stat);
    if (stat.begun)
        fl_role_log(k->env, FL_LOG_NOTICE, "began a ledger of erasures");
    if (stat.again > 0)
        fl_role_log(k->env, FL_LOG_NOTICE,
                    "this data folder is older than the ledger of erasures: %llu of %llu are done "
                    "again before anything is served",
                    (unsigned long long)stat.again, (unsigned long long)stat.pending);
    else if (stat.pending > 0)
        fl_role_log(k->env, FL_LOG_NOTICE, "%llu erasures are to be finished",
                    (unsigned long long)stat.pending);
    return FL_OK;
}

int fl_keys_open(struct fl_keys *k, bool is_new, struct fl_err *err)
{
    int dir_fd = k->env->dir_fd;
    int r = fl_root_change_recover(dir_fd, k->env->ledger_fd, err);

    if (r == 0)
        r = fl_root_file_open(dir_fd, is_new, &k->root, err);
    if (r == 0)
        r = fl_secrets_open(dir_fd, k->root, &k->secrets, err);
    if (r == 0)
        r = open_table(k, err);
    if (r == 0)
        r = fl_grants_open(dir_fd, k->root, &k->grants, err);
    return r < 0 ? r : open_ledger(k, err);
}

void fl_keys_close(struct fl_keys *k)
{
    fl_ledger_free(k->ledger);
    fl_grants_free(k->grants);
    fl_keytable_free(k->table);
    fl_secrets_free(k->secrets);
    fl_root_free(k->root);
    k->ledger = NULL;
    k->grants = NULL;
    k->table = NULL;
    k->secrets = NULL;
    k->root = NULL;
}

/* ---- erasures ---- */

static int check_ledger(const struct fl_keys *k, struct fl_err *err)
{
    return k->ledger != NULL ? FL_OK
                             : fl_err_set(err, FL_E_NOENT, "there is no ledger of erasures");
}

int fl_keys_on_erasure_begin(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                             struct fl_err *err)
{
    const struct fl_msg_erasure *ask = msg;
    struct fl_msg_erasure answer = {.number = 0};
    int r = check_ledger(k, err);

    if (r == 0)
        r = k->desk.link.ops->begin(&k->desk.link, ask->text, &answer.number, err);
    if (r < 0)
        return r;
    fl_role_log(k->env, FL_LOG_NOTICE, "erasure %llu is in the ledger",
                (unsigned long long)answer.number);
    return fl_imsg_send(chan, FL_MSG_ERASURE, id, &answer, -1, err);
}

int fl_keys_on_erasure_done(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                            struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf receipt;
    const struct fl_msg_erasure *ask = msg;
    struct fl_msg_erasure answer = {.number = ask->number};
    char object[32], detail[64];
    int r = check_ledger(k, err);

    fl_buf_init(&receipt, FL_LEDGER_RECEIPT_MAX);
    if (r == 0)
        r = k->desk.link.ops->done(&k->desk.link, ask->number, ask->text, &receipt, err);
    if (r < 0)
        return r;
    (void)snprintf(object, sizeof object, "receipt %llu", (unsigned long long)ask->number);
    (void)snprintf(detail, sizeof detail, "{\"receipt\":%llu}", (unsigned long long)ask->number);
    fl_keys_audit(k, "logs.erased", FL_ROLE_STORE_UID, object, detail);
    fl_role_log(k->env, FL_LOG_NOTICE, "erasure %llu is done", (unsigned long long)ask->number);
    answer.text = fl_buf_span(&receipt);
    return fl_imsg_send(chan, FL_MSG_ERASURE, id, &answer, -1, err);
}

int fl_keys_on_erasure_ask(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                           struct fl_err *err)
{
    const struct fl_msg_erasure *ask = msg;
    struct fl_msg_erasure answer = {.number = 0};
    struct fl_buf rule;
    bool again = false;
    int r = FL_OK;

    fl_buf_init(&rule, FL_LEDGER_RULE_MAX);
    if (k->ledger != NULL)
        r = k->desk.link.ops->pending(&k->desk.link, ask->number, &answer.number, &again, &rule,
                                      err);
    answer.again = again;
    answer.text = fl_buf_span(&rule);
    if (r == 0)
        r = fl_imsg_send(chan, FL_MSG_ERASURE, id, &answer, -1, err);
    fl_buf_wipe(&rule);
    return r;
}

int fl_keys_on_receipt_ask(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                           struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    const struct fl_msg_receipt_ask *ask = msg;
    struct fl_ledger_stat stat = {.entries = 0};
    uint32_t sent = 0;
    int r = FL_OK;

    fl_buf_init(&text, FL_LEDGER_RECEIPT_MAX);
    if (k->ledger != NULL)
        fl_ledger_stat(k->ledger, &stat);
    for (uint64_t n = ask->after + 1; n <= stat.entries && sent < ask->limit && sent < RECEIPTS_MAX;
         n++) {
        struct fl_msg_receipt answer = {.number = n};

        fl_buf_clear(&text);
        r = fl_ledger_desk_receipt(&k->desk, n, &text, err);
        if (r == FL_E_NOENT) /* an entry that is none, or an erasure that is not done */
            continue;
        answer.text = fl_buf_span(&text);
        if (r == 0)
            r = fl_imsg_send(chan, FL_MSG_RECEIPT, id, &answer, -1, err);
        if (r < 0)
            return r;
        sent++;
    }
    return fl_imsg_send(chan, FL_MSG_DONE, id, NULL, -1, err);
}

/* ---- another root key ---- */

int fl_keys_on_root_change(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                           struct fl_err *err)
{
    const struct fl_msg_root_change *ask = msg;
    const struct fl_root_change change = {.dir_fd = k->env->dir_fd,
                                          .ledger_fd = k->ledger == NULL ? -1 : k->env->ledger_fd,
                                          .table = k->table,
                                          .secrets = k->secrets,
                                          .grants = k->grants,
                                          .ledger = k->ledger};
    struct fl_msg_root_changed answer;
    struct fl_keytable_stat stat;
    char detail[64];
    struct fl_err again;
    int r = fl_root_change(&change, err);

    fl_keys_close(k);
    if (fl_keys_open(k, false, &again) < 0) { /* a start of its own finds out what is there */
        fl_role_log(k->env, FL_LOG_ERR, "after a change of the root key: %s", again.text);
        _exit(FATAL_EXIT);
    }
    if (r < 0)
        return r;
    fl_keytable_stat(k->table, &stat);
    (void)snprintf(detail, sizeof detail, "{\"epoch\":%u}", stat.epoch);
    fl_keys_audit(k, "keys.root.changed", ask->uid, FL_ROOT_FILE, detail);
    fl_role_log(k->env, FL_LOG_NOTICE, "the root key was changed; epoch %u begins", stat.epoch);
    answer = (struct fl_msg_root_changed){
        .epoch = stat.epoch, .files = stat.files, .root_kind = fl_span_str(stat.root_kind)};
    return fl_imsg_send(chan, FL_MSG_ROOT_CHANGED, id, &answer, -1, err);
}
