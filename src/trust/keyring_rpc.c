#include "trust/keyring_rpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct remote {
    struct fl_keyring ring;
    struct fl_rpc *rpc;
    int64_t timeout_ms;
};

/* An answer may hold a key. */
static void reply_done(struct fl_buf *reply)
{
    if (reply->ptr != NULL)
        explicit_bzero(reply->ptr, reply->cap);
    fl_buf_done(reply);
}

static int call_for_key(struct fl_keyring *k, enum fl_msg_type type, const void *ask,
                        unsigned char ret_key[FL_KEY_BYTES], struct fl_err *err)
{
    FL_AUTO(reply_done) struct fl_buf reply;
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

static int destroy(struct fl_keyring *k, uint32_t tenant, int32_t day, const unsigned char *file_id,
                   const char *why, struct fl_destroyed *ret, struct fl_err *err)
{
    FL_AUTO(reply_done) struct fl_buf reply;
    const struct remote *remote = (const struct remote *)k;
    struct fl_msg_key_destroy ask = {
        .tenant = tenant,
        .day = day,
        .file_id = fl_span_of(file_id, file_id == NULL ? 0 : FL_FILE_ID_BYTES),
        .why = fl_span_str(why)};
    struct fl_msg_destroyed answer;
    struct fl_destroyed d = {0};
    int r;

    fl_buf_init(&reply, FL_MSG_MAX_BYTES);
    r = fl_rpc_call(remote->rpc, FL_MSG_KEY_DESTROY, &ask, FL_MSG_DESTROYED, &answer, &reply,
                    remote->timeout_ms, err);
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

int fl_keyring_rpc_new(struct fl_rpc *rpc, int64_t timeout_ms, struct fl_keyring **ret,
                       struct fl_err *err)
{
    static const struct fl_keyring_ops ops = {file_new, file_get, destroy};
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
