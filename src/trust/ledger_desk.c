#include "trust/ledger_desk.h"

#include "base/time.h"

static int begin(struct fl_ledger_link *link, struct fl_span rule, uint64_t *ret_number,
                 struct fl_err *err)
{
    struct fl_ledger_desk *desk = (struct fl_ledger_desk *)link;

    if (rule.len > FL_LEDGER_RULE_MAX)
        return fl_err_set(err, FL_E_LIMIT, "a rule of %zu bytes", rule.len);
    return fl_ledger_add(desk->ledger, FL_LEDGER_ERASE, 0, rule, ret_number, err);
}

static int done(struct fl_ledger_link *link, uint64_t number, struct fl_span facts,
                struct fl_buf *receipt, struct fl_err *err)
{
    struct fl_ledger_desk *desk = (struct fl_ledger_desk *)link;
    size_t at = receipt->len;
    uint64_t entry;
    int r = fl_receipt_make(number, desk->now_us(), facts, desk->secret, receipt, err);

    if (r < 0)
        return r;
    return fl_ledger_add(desk->ledger, FL_LEDGER_DONE, number,
                         fl_span_of(receipt->ptr + at, receipt->len - at), &entry, err);
}

static int pending(struct fl_ledger_link *link, uint64_t after, uint64_t *ret_number,
                   bool *ret_again, struct fl_buf *rule, struct fl_err *err)
{
    struct fl_ledger_desk *desk = (struct fl_ledger_desk *)link;
    struct fl_ledger_entry entry;
    uint64_t number = fl_ledger_pending(desk->ledger, after);
    int r = FL_OK;

    if (number > 0)
        r = fl_ledger_get(desk->ledger, number, &entry, rule, err);
    if (r < 0)
        return r;
    *ret_number = number;
    *ret_again = number > 0 && fl_ledger_is_again(desk->ledger, number);
    return FL_OK;
}

void fl_ledger_desk_init(struct fl_ledger_desk *desk, struct fl_ledger *ledger,
                         const unsigned char *secret, int64_t (*now_us)(void))
{
    static const struct fl_ledger_link_ops ops = {begin, done, pending};

    *desk = (struct fl_ledger_desk){
        .link.ops = &ops, .ledger = ledger, .secret = secret, .now_us = now_us};
}

int fl_ledger_desk_receipt(struct fl_ledger_desk *desk, uint64_t number, struct fl_buf *out,
                           struct fl_err *err)
{
    struct fl_ledger_entry entry;
    uint64_t at = fl_ledger_done_of(desk->ledger, number);

    if (at == 0)
        return fl_err_set(err, FL_E_NOENT, "there is no receipt %llu", (unsigned long long)number);
    return fl_ledger_get(desk->ledger, at, &entry, out, err);
}
