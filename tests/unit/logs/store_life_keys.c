#include "store_life.h"

int (*life_key_fault)(void);

/* ---- keys that fail when told ---- */

static int fault(int when, int r, int *kind, struct fl_err *err)
{
    if (when == 1)
        *kind = life_key_fault == NULL ? 0 : life_key_fault();
    return *kind == when ? fl_err_set(err, FL_E_IO, "keys are away") : r;
}

static int key_new(struct fl_keyring *k, uint32_t tenant, int32_t day, const unsigned char *id,
                   unsigned char *ret_key, struct fl_err *err)
{
    int kind, r = fault(1, 0, &kind, err);

    if (r >= 0)
        r = memkeys_new(k, tenant, day, id, ret_key, err);
    return r < 0 ? r : fault(2, r, &kind, err);
}

static int key_get(struct fl_keyring *k, uint32_t tenant, int32_t day, const unsigned char *id,
                   unsigned char *ret_key, struct fl_err *err)
{
    int kind, r = fault(1, 0, &kind, err);

    return r < 0 || kind == 2 ? fl_err_set(err, FL_E_IO, "keys are away")
                              : memkeys_get(k, tenant, day, id, ret_key, err);
}

static int key_destroy(struct fl_keyring *k, uint32_t tenant, int32_t day, const unsigned char *id,
                       const char *why, struct fl_destroyed *ret, struct fl_err *err)
{
    int kind, r = fault(1, 0, &kind, err);

    if (r >= 0)
        r = memkeys_destroy(k, tenant, day, id, why, ret, err);
    return r < 0 ? r : fault(2, r, &kind, err);
}

static int key_destroy_files(struct fl_keyring *k, uint32_t tenant, const struct fl_key_file *files,
                             uint32_t count, const char *why, struct fl_destroyed *ret,
                             struct fl_err *err)
{
    int kind, r = fault(1, 0, &kind, err);

    if (r >= 0)
        r = memkeys_destroy_files(k, tenant, files, count, why, ret, err);
    return r < 0 ? r : fault(2, r, &kind, err);
}

static int key_list_files(struct fl_keyring *k, uint32_t tenant, struct fl_key_file **ret,
                          uint32_t *ret_count, struct fl_err *err)
{
    int kind, r = fault(1, 0, &kind, err);

    return r < 0 || kind == 2 ? fl_err_set(err, FL_E_IO, "keys are away")
                              : memkeys_list_files(k, tenant, ret, ret_count, err);
}

/* ---- a ledger ---- */

static int ledger_begin(struct fl_ledger_link *link, struct fl_span rule, uint64_t *ret_number,
                        struct fl_err *err)
{
    struct life_ledger *l = (struct life_ledger *)(void *)link;

    (void)err;
    if (l->count == FL_LEN(l->item) || rule.len > sizeof l->item[0].rule)
        abort();
    memcpy(l->item[l->count].rule, rule.ptr, rule.len);
    l->item[l->count].len = rule.len;
    *ret_number = ++l->count;
    return FL_OK;
}

static int ledger_done(struct fl_ledger_link *link, uint64_t number, struct fl_span facts,
                       struct fl_buf *receipt, struct fl_err *err)
{
    struct life_ledger *l = (struct life_ledger *)(void *)link;

    (void)facts;
    l->item[number - 1].done = true;
    fl_buf_put(receipt, "{}\n", 3);
    return fl_buf_status(receipt, err);
}

static int ledger_pending(struct fl_ledger_link *link, uint64_t after, uint64_t *ret_number,
                          bool *ret_again, struct fl_buf *rule, struct fl_err *err)
{
    struct life_ledger *l = (struct life_ledger *)(void *)link;

    *ret_number = 0;
    *ret_again = false;
    for (uint64_t i = after; i < l->count && *ret_number == 0; i++)
        if (!l->item[i].done)
            *ret_number = i + 1;
    if (*ret_number > 0)
        fl_buf_put(rule, l->item[*ret_number - 1].rule, l->item[*ret_number - 1].len);
    return fl_buf_status(rule, err);
}

struct life_ledger *life_ledger_new(const struct life_ledger *from)
{
    static const struct fl_ledger_link_ops ops = {ledger_begin, ledger_done, ledger_pending};
    struct life_ledger *l = calloc(1, sizeof *l);

    if (l == NULL)
        abort();
    if (from != NULL)
        *l = *from;
    l->link.ops = &ops;
    return l;
}

struct memkeys *life_keys_new(void)
{
    static struct fl_keyring_ops ops;
    struct memkeys *keys = calloc(1, sizeof *keys);

    if (keys == NULL)
        abort();
    memkeys_init(keys);
    ops = *keys->base.ops;
    ops.file_new = key_new;
    ops.file_get = key_get;
    ops.destroy = key_destroy;
    ops.destroy_files = key_destroy_files;
    ops.list_files = key_list_files;
    keys->base.ops = &ops;
    return keys;
}

struct memkeys *life_keys_copy(const struct memkeys *from)
{
    struct memkeys *keys = life_keys_new();

    keys->all = malloc((from->count + 1) * sizeof *keys->all);
    if (keys->all == NULL)
        abort();
    if (from->count > 0)
        memcpy(keys->all, from->all, from->count * sizeof *keys->all);
    keys->count = from->count;
    keys->cap = from->count + 1;
    keys->epoch = from->epoch;
    return keys;
}
