#include "trust/ledger_rpc.h"

#include <stdlib.h>

struct remote {
    struct fl_ledger_link link;
    struct fl_rpc *rpc;
    int64_t timeout_ms;
};

/* A rule tells a name: what held it is wiped. */
static int begin(struct fl_ledger_link *link, struct fl_span rule, uint64_t *ret_number,
                 struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf reply;
    const struct remote *remote = (const struct remote *)link;
    struct fl_msg_erasure ask = {.text = rule};
    struct fl_msg_erasure answer;
    int r;

    fl_buf_init(&reply, FL_MSG_MAX_BYTES);
    r = fl_rpc_call(remote->rpc, FL_MSG_ERASURE_BEGIN, &ask, FL_MSG_ERASURE, &answer, &reply,
                    remote->timeout_ms, err);
    if (r == 0)
        *ret_number = answer.number;
    return r;
}

static int done(struct fl_ledger_link *link, uint64_t number, struct fl_span facts,
                struct fl_buf *receipt, struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf reply;
    const struct remote *remote = (const struct remote *)link;
    struct fl_msg_erasure ask = {.number = number, .text = facts};
    struct fl_msg_erasure answer;
    int r;

    fl_buf_init(&reply, FL_MSG_MAX_BYTES);
    r = fl_rpc_call(remote->rpc, FL_MSG_ERASURE_DONE, &ask, FL_MSG_ERASURE, &answer, &reply,
                    remote->timeout_ms, err);
    if (r < 0)
        return r;
    fl_buf_put_span(receipt, answer.text);
    return fl_buf_status(receipt, err);
}

static int pending(struct fl_ledger_link *link, uint64_t after, uint64_t *ret_number,
                   bool *ret_again, struct fl_buf *rule, struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf reply;
    const struct remote *remote = (const struct remote *)link;
    struct fl_msg_erasure ask = {.number = after};
    struct fl_msg_erasure answer;
    int r;

    fl_buf_init(&reply, FL_MSG_MAX_BYTES);
    r = fl_rpc_call(remote->rpc, FL_MSG_ERASURE_ASK, &ask, FL_MSG_ERASURE, &answer, &reply,
                    remote->timeout_ms, err);
    if (r < 0)
        return r;
    fl_buf_put_span(rule, answer.text);
    *ret_number = answer.number;
    *ret_again = answer.again != 0;
    return fl_buf_status(rule, err);
}

int fl_ledger_rpc_new(struct fl_rpc *rpc, int64_t timeout_ms, struct fl_ledger_link **ret,
                      struct fl_err *err)
{
    static const struct fl_ledger_link_ops ops = {begin, done, pending};
    struct remote *remote = calloc(1, sizeof *remote);

    if (remote == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    *remote = (struct remote){.link.ops = &ops, .rpc = rpc, .timeout_ms = timeout_ms};
    *ret = &remote->link;
    return FL_OK;
}

void fl_ledger_rpc_free(struct fl_ledger_link *link)
{
    free(link);
}
