#include "trust/keyring_rpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"

enum { FILE_ITEM_BYTES = 4 + FL_FILE_ID_BYTES }; /* of lists in messages */
#define LIST_MAX_BYTES ((size_t)64 << 20)

struct remote {
    struct fl_keyring ring;
    struct fl_rpc *rpc;
    int64_t timeout_ms;
};

/* An answer may hold a key: it is wiped. */
static int call_for_key(struct fl_keyring *k, enum fl_msg_type type, const void *ask,
                        unsigned char ret_key[FL_KEY_BYTES], struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf reply;
    const struct remote *remote = (const struct remote *)k;
    struct fl_msg_file_key answer;
    int r;

    fl_buf_init(&reply, FL_MSG_MAX_BYTES);
    r = fl_rpc_call(remote->rpc, type, ask, FL_MSG_FILE_KEY, &answer, &reply, remote->timeout_ms,
                    err);
    if (r < 0)
        return r;
    if (answer.key.len != FL_KEY_BYTES)
        return fl_err_set(err, FL_E_PROTO, "keys gave a key of %zu bytes", answer.key.len);
    memcpy(ret_key, answer.key.ptr, FL_KEY_BYTES);
    return FL_OK;
}

static int file_new(struct fl_keyring *k, uint32_t tenant, int32_t day,
                    const unsigned char file_id[FL_FILE_ID_BYTES],
                    unsigned char ret_key[FL_KEY_BYTES], struct fl_err *err)
{
    struct fl_msg_file_key_new ask = {
        .tenant = tenant, .day = day, .file_id = fl_span_of(file_id, FL_FILE_ID_BYTES)};

    return call_for_key(k, FL_MSG_FILE_KEY_NEW, &ask, ret_key, err);
}

static int file_get(struct fl_keyring *k, uint32_t tenant, int32_t day,
                    const unsigned char file_id[FL_FILE_ID_BYTES],
                    unsigned char ret_key[FL_KEY_BYTES], struct fl_err *err)
{
    struct fl_msg_file_key_ask ask = {
        .tenant = tenant, .day = day, .file_id = fl_span_of(file_id, FL_FILE_ID_BYTES)};

    return call_for_key(k, FL_MSG_FILE_KEY_ASK, &ask, ret_key, err);
}

static int call_to_destroy(const struct remote *remote, enum fl_msg_type type, const void *ask,
                           struct fl_destroyed *ret, struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf reply;
    struct fl_msg_destroyed answer;
    struct fl_destroyed d = {0};
    int r;

    fl_buf_init(&reply, FL_MSG_MAX_BYTES);
    r = fl_rpc_call(remote->rpc, type, ask, FL_MSG_DESTROYED, &answer, &reply, remote->timeout_ms,
                    err);
    if (r < 0)
        return r;
    if (answer.signature.len != sizeof d.signature || answer.root_kind.len >= sizeof d.root_kind)
        return fl_err_set(err, FL_E_PROTO, "keys gave a certificate of destruction that is none");
    d.keys = answer.keys;
    d.epoch = answer.epoch;
    d.at_us = answer.at_us;
    (void)snprintf(d.root_kind, sizeof d.root_kind, "%.*s", FL_SPAN_ARG(answer.root_kind));
    memcpy(d.signature, answer.signature.ptr, sizeof d.signature);
    if (ret != NULL)
        *ret = d;
    return FL_OK;
}

static int destroy(struct fl_keyring *k, uint32_t tenant, int32_t day, const unsigned char *file_id,
                   const char *why, struct fl_destroyed *ret, struct fl_err *err)
{
    const struct remote *remote = (const struct remote *)k;
    struct fl_msg_key_destroy ask = {
        .tenant = tenant,
        .day = day,
        .file_id = fl_span_of(file_id, file_id == NULL ? 0 : FL_FILE_ID_BYTES),
        .why = fl_span_str(why)};

    return call_to_destroy(remote, FL_MSG_KEY_DESTROY, &ask, ret, err);
}

static int destroy_files(struct fl_keyring *k, uint32_t tenant, const struct fl_key_file *files,
                         uint32_t count, const char *why, struct fl_destroyed *ret,
                         struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf list;
    struct fl_msg_key_destroy_files ask = {.tenant = tenant, .why = fl_span_str(why)};
    int r;

    fl_buf_init(&list, FL_MSG_CHUNK_MAX);
    if (count > FL_KEY_FILES_MAX)
        return fl_err_set(err, FL_E_LIMIT, "at most %u files in one destruction", FL_KEY_FILES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        fl_buf_put_u32(&list, (uint32_t)files[i].day);
        fl_buf_put(&list, files[i].file_id, FL_FILE_ID_BYTES);
    }
    r = fl_buf_status(&list, err);
    if (r < 0)
        return r;
    ask.files = fl_buf_span(&list);
    return call_to_destroy((const struct remote *)k, FL_MSG_KEY_DESTROY_FILES, &ask, ret, err);
}

/* One page behind the last of *files; more: there may be others. */
static int list_page(const struct remote *remote, uint32_t tenant, struct fl_buf *files,
                     bool *ret_more, struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf reply;
    struct fl_msg_key_files_ask ask = {.tenant = tenant};
    struct fl_msg_key_files answer;
    int r;

    fl_buf_init(&reply, FL_MSG_MAX_BYTES);
    if (files->len >= FILE_ITEM_BYTES)
        ask.after = fl_span_of(files->ptr + files->len - FILE_ITEM_BYTES, FILE_ITEM_BYTES);
    r = fl_rpc_call(remote->rpc, FL_MSG_KEY_FILES_ASK, &ask, FL_MSG_KEY_FILES, &answer, &reply,
                    remote->timeout_ms, err);
    if (r < 0)
        return r;
    if (answer.files.len % FILE_ITEM_BYTES != 0)
        return fl_err_set(err, FL_E_PROTO, "keys gave a list of %zu bytes", answer.files.len);
    fl_buf_put_span(files, answer.files);
    *ret_more = answer.files.len > 0;
    return fl_buf_status(files, err);
}

static int list_files(struct fl_keyring *k, uint32_t tenant, struct fl_key_file **ret,
                      uint32_t *ret_count, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf bytes;
    struct fl_key_file *files;
    struct fl_cursor cur;
    bool more = true;
    size_t count;
    int r = 0;

    fl_buf_init(&bytes, LIST_MAX_BYTES);
    while (r == 0 && more)
        r = list_page((const struct remote *)k, tenant, &bytes, &more, err);
    if (r < 0)
        return r;
    count = bytes.len / FILE_ITEM_BYTES;
    files = calloc(count + 1, sizeof *files);
    if (files == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    cur = fl_cursor_of(fl_buf_span(&bytes));
    for (size_t i = 0; i < count; i++) {
        files[i].day = (int32_t)fl_cursor_u32(&cur);
        memcpy(files[i].file_id, fl_cursor_bytes(&cur, FL_FILE_ID_BYTES).ptr, FL_FILE_ID_BYTES);
    }
    *ret = files;
    *ret_count = (uint32_t)count;
    return FL_OK;
}

int fl_keyring_rpc_new(struct fl_rpc *rpc, int64_t timeout_ms, struct fl_keyring **ret,
                       struct fl_err *err)
{
    static const struct fl_keyring_ops ops = {file_new, file_get, destroy, destroy_files,
                                              list_files};
    struct remote *remote = calloc(1, sizeof *remote);

    if (remote == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    *remote = (struct remote){.ring.ops = &ops, .rpc = rpc, .timeout_ms = timeout_ms};
    *ret = &remote->ring;
    return FL_OK;
}

void fl_keyring_rpc_free(struct fl_keyring *keyring)
{
    free(keyring);
}
