/*
 * role_keys.c - the process that holds the keys: root key, key table, the server's TLS key, the
 * certificate authority, the signing keys. It has no network and no log data; private keys never
 * leave it.
 */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/fd.h"
#include "base/rand.h"
#include "base/time.h"
#include "fairleadd/keys.h"
#include "model/slug.h"
#include "trust/destroyed.h"
#include "trust/keydisk.h"
#include "trust/share.h"

#define OUT_MAX_BYTES  ((size_t)1 << 20)
#define MINUTE_US      (60 * FL_US_PER_S)
#define RENEW_US       (90 * FL_US_PER_DAY) /* a server certificate that ends sooner is renewed */
#define GRANT_MAX_US   (31 * FL_US_PER_DAY)
#define WATCH_MS       (INT64_C(24) * 3600 * 1000)
#define HOST_BYTES_MAX 64

/* ---- telling ---- */

void fl_keys_audit_as(struct fl_keys *k, const char *event, const char *actor, const char *object,
                      struct fl_span detail)
{
    struct fl_msg_audit msg = {.at_us = fl_now_us(),
                               .event = fl_span_str(event),
                               .actor = fl_span_str(actor),
                               .object = fl_span_str(object),
                               .detail = detail};
    struct fl_err err;

    if (k->links[FL_ROLE_CORE] != NULL &&
        fl_imsg_send(k->links[FL_ROLE_CORE], FL_MSG_AUDIT, 0, &msg, -1, &err) < 0)
        fl_role_log(k->env, FL_LOG_WARN, "event %s of %s was not recorded: %s", event, object,
                    err.text);
}

void fl_keys_audit(struct fl_keys *k, const char *event, uint32_t uid, const char *object,
                   const char *detail)
{
    char actor[32];

    (void)snprintf(actor, sizeof actor,
                   uid == UINT32_MAX          ? "role:core"
                   : uid == FL_ROLE_STORE_UID ? "role:store"
                                              : "uid:%u",
                   uid);
    fl_keys_audit_as(k, event, actor, object, fl_span_str(detail));
}

/* ---- the store's file keys ---- */

static int check_file_id(struct fl_span id, struct fl_err *err)
{
    if (id.len == FL_FILE_ID_BYTES)
        return FL_OK;
    return fl_err_set(err, FL_E_PROTO, "a file's id has %d bytes, not %zu", FL_FILE_ID_BYTES,
                      id.len);
}

static int send_key(struct fl_imsg *chan, uint32_t id, int r, unsigned char key[FL_KEY_BYTES],
                    struct fl_err *err)
{
    struct fl_msg_file_key answer = {.key = fl_span_of(key, FL_KEY_BYTES)};

    if (r == 0)
        r = fl_imsg_send(chan, FL_MSG_FILE_KEY, id, &answer, -1, err);
    explicit_bzero(key, FL_KEY_BYTES);
    return r;
}

static int on_file_new(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                       struct fl_err *err)
{
    const struct fl_msg_file_key_new *ask = msg;
    struct fl_keyring *ring = fl_keytable_keyring(k->table);
    unsigned char key[FL_KEY_BYTES];
    int r = check_file_id(ask->file_id, err);

    if (r == 0)
        r = ring->ops->file_new(ring, ask->tenant, ask->day, ask->file_id.ptr, key, err);
    return send_key(chan, id, r, key, err);
}

static int on_file_ask(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                       struct fl_err *err)
{
    const struct fl_msg_file_key_ask *ask = msg;
    struct fl_keyring *ring = fl_keytable_keyring(k->table);
    unsigned char key[FL_KEY_BYTES];
    int r = check_file_id(ask->file_id, err);

    if (r == 0)
        r = ring->ops->file_get(ring, ask->tenant, ask->day, ask->file_id.ptr, key, err);
    return send_key(chan, id, r, key, err);
}

static int send_destroyed(struct fl_imsg *chan, uint32_t id, const struct fl_destroyed *d,
                          struct fl_err *err)
{
    struct fl_msg_destroyed answer = {.keys = d->keys,
                                      .epoch = d->epoch,
                                      .at_us = d->at_us,
                                      .root_kind = fl_span_str(d->root_kind),
                                      .signature = fl_span_of(d->signature, sizeof d->signature)};

    return fl_imsg_send(chan, FL_MSG_DESTROYED, id, &answer, -1, err);
}

static void tell_destroyed(struct fl_keys *k, const struct fl_msg_key_destroy *ask,
                           const struct fl_destroyed *d)
{
    char day[16] = "all days";

    if (ask->day != FL_DAY_NONE)
        fl_day_format(ask->day, day);
    /* Retired WAL files go all the time; days and tenants are worth a line. */
    fl_role_log(k->env, ask->file_id.len == 0 ? FL_LOG_NOTICE : FL_LOG_DEBUG,
                "destroyed %llu keys of tenant %u, %s; epoch %u begins",
                (unsigned long long)d->keys, ask->tenant, day, d->epoch);
}

static int on_destroy(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                      struct fl_err *err)
{
    const struct fl_msg_key_destroy *ask = msg;
    struct fl_keyring *ring = fl_keytable_keyring(k->table);
    struct fl_destroyed d = {0};
    char why[FL_MSG_TEXT_MAX + 1];
    int r = ask->file_id.len == 0 ? FL_OK : check_file_id(ask->file_id, err);

    (void)snprintf(why, sizeof why, "%.*s", FL_SPAN_ARG(ask->why));
    if (r == 0)
        r = ring->ops->destroy(ring, ask->tenant, ask->day,
                               ask->file_id.len == 0 ? NULL : ask->file_id.ptr, why, &d, err);
    if (r < 0)
        return r;
    if (d.keys > 0)
        tell_destroyed(k, ask, &d);
    return send_destroyed(chan, id, &d, err);
}

enum { FILE_ITEM_BYTES = 4 + FL_FILE_ID_BYTES };

static int read_files(struct fl_span list, struct fl_key_file *ret, uint32_t *ret_count,
                      struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(list);
    size_t count = list.len / FILE_ITEM_BYTES;

    if (list.len % FILE_ITEM_BYTES != 0 || count > FL_KEY_FILES_MAX)
        return fl_err_set(err, FL_E_PROTO, "a list of files of %zu bytes", list.len);
    for (size_t i = 0; i < count; i++) {
        ret[i].day = (int32_t)fl_cursor_u32(&cur);
        memcpy(ret[i].file_id, fl_cursor_bytes(&cur, FL_FILE_ID_BYTES).ptr, FL_FILE_ID_BYTES);
    }
    *ret_count = (uint32_t)count;
    return FL_OK;
}

static int on_destroy_files(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                            struct fl_err *err)
{
    static struct fl_key_file files[FL_KEY_FILES_MAX]; /* one loop thread */
    const struct fl_msg_key_destroy_files *ask = msg;
    struct fl_keyring *ring = fl_keytable_keyring(k->table);
    struct fl_destroyed d = {0};
    char why[FL_MSG_TEXT_MAX + 1];
    uint32_t count = 0;
    int r = read_files(ask->files, files, &count, err);

    (void)snprintf(why, sizeof why, "%.*s", FL_SPAN_ARG(ask->why));
    if (r == 0)
        r = ring->ops->destroy_files(ring, ask->tenant, files, count, why, &d, err);
    if (r < 0)
        return r;
    if (d.keys > 0)
        fl_role_log(k->env, FL_LOG_INFO,
                    "destroyed keys of %llu files of tenant %u; epoch %u begins",
                    (unsigned long long)d.keys, ask->tenant, d.epoch);
    return send_destroyed(chan, id, &d, err);
}

static int on_files_ask(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                        struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf page;
    const struct fl_msg_key_files_ask *ask = msg;
    struct fl_keyring *ring = fl_keytable_keyring(k->table);
    struct fl_key_file *files = NULL, after;
    struct fl_msg_key_files answer;
    uint32_t count = 0, n = 0;
    int r = read_files(ask->after, &after, &n, err);

    fl_buf_init(&page, FL_MSG_CHUNK_MAX);
    if (r == 0)
        r = ring->ops->list_files(ring, ask->tenant, &files, &count, err);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < count && page.len < FL_KEY_FILES_MAX * FILE_ITEM_BYTES; i++) {
        if (n > 0 && fl_destroyed_files_cmp(&files[i], &after) <= 0)
            continue;
        fl_buf_put_u32(&page, (uint32_t)files[i].day);
        fl_buf_put(&page, files[i].file_id, FL_FILE_ID_BYTES);
    }
    free(files);
    r = fl_buf_status(&page, err);
    answer.files = fl_buf_span(&page);
    return r < 0 ? r : fl_imsg_send(chan, FL_MSG_KEY_FILES, id, &answer, -1, err);
}

/* ---- the server's certificate and key ---- */

static int on_cert(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                   struct fl_err *err)
{
    struct fl_msg_cert answer = {.chain_pem = fl_buf_span(&k->tls_pem),
                                 .ca_pem = fl_buf_span(&k->ca_pem)};

    (void)msg;
    if (chan == k->links[FL_ROLE_WEB] && k->web[0].signer != NULL) {
        answer.chain_pem = fl_buf_span(&k->web[0].pem);
        answer.key = fl_span_of(k->web[0].id, sizeof k->web[0].id);
    }
    return fl_imsg_send(chan, FL_MSG_CERT, id, &answer, -1, err);
}

static int on_sign(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                   struct fl_err *err)
{
    const struct fl_msg_sign_ask *ask = msg;
    unsigned char signature[FL_CA_SIGNATURE_MAX];
    struct fl_signer *signer = k->signer;
    struct fl_msg_sign answer;
    size_t len = 0;
    int r;

    if (ask->key.len > 0) /* web alone may ask for the key that the operator brought */
        signer = chan == k->links[FL_ROLE_WEB] ? fl_keys_web_signer(k, ask->key) : NULL;
    if (signer == NULL)
        return fl_err_set(err, FL_E_NOENT, "the key of that certificate is not here any more");
    r = fl_signer_sign(signer, ask->digest, signature, &len, err);
    if (r < 0)
        return r;
    k->signs++;
    answer.signature = fl_span_of(signature, len);
    return fl_imsg_send(chan, FL_MSG_SIGN, id, &answer, -1, err);
}

/* ---- core's ---- */

static int on_db_key(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                     struct fl_err *err)
{
    unsigned char key[2][FL_KEY_BYTES];
    struct fl_msg_db_key answer = {fl_span_of(key[0], FL_KEY_BYTES),
                                   fl_span_of(key[1], FL_KEY_BYTES)};
    int r = fl_secrets_random(k->secrets, "control-db", key[0], FL_KEY_BYTES, err);

    (void)msg;
    if (r == 0)
        r = fl_secrets_random(k->secrets, "actors", key[1], FL_KEY_BYTES, err);
    if (r == 0)
        r = fl_imsg_send(chan, FL_MSG_DB_KEY, id, &answer, -1, err);
    explicit_bzero(key, sizeof key);
    return r;
}

static int on_csr(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                  struct fl_err *err)
{
    const struct fl_msg_csr_sign *ask = msg;
    FL_AUTO(fl_buf_done) struct fl_buf cert;
    struct fl_msg_csr_signed answer;
    struct fl_cert_info info;
    char name[FL_SLUG_MAX + 1], shown[65];
    int r = fl_slug_check(ask->tenant, "tenant", err);

    fl_buf_init(&cert, FL_CERT_PEM_MAX);
    if (r == 0)
        r = fl_slug_check(ask->device, "device", err);
    if (r < 0)
        return r;
    (void)snprintf(name, sizeof name, "%.*s", FL_SPAN_ARG(ask->device));
    r = fl_ca_sign_request(k->ca, ask->csr_pem, name, ask->days, fl_now_us(), &cert, &info, err);
    if (r < 0)
        return r;
    fl_cert_fingerprint_text(info.fingerprint, shown);
    fl_role_log(k->env, FL_LOG_NOTICE, "signed a certificate for %.*s/%s, %u days, %s",
                FL_SPAN_ARG(ask->tenant), name, ask->days, shown);
    answer = (struct fl_msg_csr_signed){.cert_pem = fl_buf_span(&cert),
                                        .ca_pem = fl_buf_span(&k->ca_pem),
                                        .fingerprint =
                                            fl_span_of(info.fingerprint, sizeof info.fingerprint),
                                        .not_after_us = info.not_after_us};
    return fl_imsg_send(chan, FL_MSG_CSR_SIGNED, id, &answer, -1, err);
}

/* The journal says which tenant's, for the day on which core itself was taken over. */
static int on_share(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                    struct fl_err *err)
{
    const struct fl_msg_share_sign *ask = msg;
    FL_AUTO(fl_buf_done) struct fl_buf line;
    struct fl_msg_share_signed answer;
    int r = fl_slug_check(ask->tenant, "tenant", err);

    fl_buf_init(&line, FL_SHARE_LINE_MAX);
    if (r == 0 && ask->sha256.len != 32)
        r = fl_err_set(err, FL_E_INVAL, "a hash has 32 bytes");
    if (r == 0)
        r = fl_share_make(ask->tenant, fl_now_us(), ask->sha256.ptr, k->destroy_secret, &line, err);
    if (r < 0)
        return r;
    fl_role_log(k->env, FL_LOG_NOTICE, "signed a share of the network of supply of %.*s",
                FL_SPAN_ARG(ask->tenant));
    answer = (struct fl_msg_share_signed){.line = fl_buf_span(&line)};
    return fl_imsg_send(chan, FL_MSG_SHARE_SIGNED, id, &answer, -1, err);
}

static int on_stat(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                   struct fl_err *err)
{
    struct fl_keytable_stat stat;
    struct fl_msg_keys_stat answer;

    (void)msg;
    fl_keytable_stat(k->table, &stat);
    answer = (struct fl_msg_keys_stat){.epoch = stat.epoch,
                                       .tenants = stat.tenants,
                                       .days = stat.days,
                                       .files = stat.files,
                                       .root_kind = fl_span_str(stat.root_kind),
                                       .signs = k->signs,
                                       .destroy_key =
                                           fl_span_of(k->destroy_public, sizeof k->destroy_public)};
    return fl_imsg_send(chan, FL_MSG_KEYS_STAT, id, &answer, -1, err);
}

/* ---- who may read ---- */

/* The journal line and the event are for the day on which core itself was taken over. */
static int on_grant(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                    struct fl_err *err)
{
    const struct fl_msg_grant *ask = msg;
    int64_t now_us = fl_now_us();
    int64_t have = fl_grants_until(k->grants, ask->tenant, now_us);
    char until[FL_TIME_TEXT_BYTES] = "always", object[32], detail[96];
    int r = FL_OK;

    if (ask->until_us != INT64_MAX && ask->until_us > now_us + GRANT_MAX_US)
        return fl_err_set(err, FL_E_INVAL, "local access lasts 31 days at most");
    if (have == (ask->until_us > now_us ? ask->until_us : 0))
        return fl_imsg_send(chan, FL_MSG_DONE, id, NULL, -1, err);
    r = fl_grants_set(k->grants, ask->tenant, ask->until_us, now_us, err);
    if (r < 0)
        return r;
    if (ask->until_us <= now_us)
        (void)snprintf(until, sizeof until, "ended");
    else if (ask->until_us != INT64_MAX)
        fl_time_format(ask->until_us, until);
    fl_role_log(k->env, FL_LOG_NOTICE, "local access to the logs of tenant %u: %s", ask->tenant,
                until);
    (void)snprintf(object, sizeof object, "tenant:%u", ask->tenant);
    (void)snprintf(detail, sizeof detail, "{\"tenant_id\":%u,\"until\":\"%s\"}", ask->tenant,
                   until);
    fl_keys_audit(k, "keys.grant", UINT32_MAX, object, detail);
    return fl_imsg_send(chan, FL_MSG_DONE, id, NULL, -1, err);
}

/* What a capability may be asked for, and how long it lives; a grant that ends sooner ends it. */
static const struct purpose {
    const char *name;
    uint32_t scope; /* at most */
    int64_t life_us;
} purposes[] = {
    {"query", FL_CAP_READ | FL_CAP_REVEAL, 10 * MINUTE_US},
    {"tail", FL_CAP_READ | FL_CAP_REVEAL, 12 * 60 * MINUTE_US},
    {"export", FL_CAP_READ | FL_CAP_EXPORT | FL_CAP_REVEAL, 60 * MINUTE_US},
    {"operations", FL_CAP_READ | FL_CAP_PURGE, 10 * MINUTE_US},
    {"erasure", FL_CAP_READ | FL_CAP_PURGE, 60 * MINUTE_US},
};

static const struct purpose *find_purpose(struct fl_span name)
{
    for (size_t i = 0; i < FL_LEN(purposes); i++)
        if (fl_span_eq(name, fl_span_str(purposes[i].name)))
            return &purposes[i];
    return NULL;
}

static void audit_cap(struct fl_keys *k, const char *event, const struct fl_msg_cap_ask *ask,
                      uint64_t number)
{
    const struct purpose *p = find_purpose(ask->purpose);
    char object[32], actor[32], detail[160];

    (void)snprintf(object, sizeof object, "tenant:%u", ask->tenant);
    (void)snprintf(detail, sizeof detail,
                   "{\"tenant_id\":%u,\"scope\":%u,\"purpose\":\"%s\",\"capability\":%llu}",
                   ask->tenant, ask->scope, p == NULL ? "unknown" : p->name,
                   (unsigned long long)number);
    if (ask->session == 0) {
        fl_keys_audit(k, event, ask->uid, object, detail);
        return;
    }
    (void)snprintf(actor, sizeof actor, "user:%u", fl_keys_user_of(k, ask->session));
    fl_keys_audit_as(k, event, actor, object, fl_span_str(detail));
}

/*
 * A session is held to its account, its tenant's grants and its reveals (trust/accounts.h). On the
 * local socket reading needs a living grant of the tenant, or the demonstration tenant. Purging
 * alone does not: it shows nothing, and the operator has to be able to remove a tenant; it is
 * recorded.
 */
static int decide(struct fl_keys *k, const struct fl_msg_cap_ask *ask, const struct purpose *p,
                  int64_t now_us, struct fl_cap *ret, struct fl_err *err)
{
    int64_t until = fl_grants_until(k->grants, ask->tenant, now_us);

    if (p == NULL)
        return fl_err_set(err, FL_E_DENIED,
                          "a purpose is one of query, tail, export, operations and erasure");
    if (ask->scope == 0 || (ask->scope & ~p->scope) != 0)
        return fl_err_set(err, FL_E_DENIED, "the purpose %s does not allow the scope %#x", p->name,
                          ask->scope);
    if (ask->session == 0 && until == 0 && ask->scope != FL_CAP_PURGE)
        return fl_err_set(err, FL_E_DENIED,
                          "this tenant's logs may not be read here: it has given no local access");
    *ret = (struct fl_cap){.tenant = ask->tenant,
                           .scope = ask->scope,
                           .not_after_us = now_us + p->life_us,
                           .number = k->caps + 1};
    (void)snprintf(ret->purpose, sizeof ret->purpose, "%s", p->name);
    if (ask->session != 0)
        return fl_keys_session_cap(k, ask, now_us, &ret->not_after_us, err);
    if (until != 0 && until < ret->not_after_us)
        ret->not_after_us = until;
    return FL_OK;
}

static int on_cap(struct fl_keys *k, struct fl_imsg *chan, uint32_t id, const void *msg,
                  struct fl_err *err)
{
    const struct fl_msg_cap_ask *ask = msg;
    FL_AUTO(fl_buf_done) struct fl_buf bytes;
    struct fl_msg_cap answer;
    struct fl_cap cap = {0};
    int64_t now_us = fl_now_us();
    int r = decide(k, ask, find_purpose(ask->purpose), now_us, &cap, err);

    fl_buf_init(&bytes, FL_CAP_MAX_BYTES);
    if (r < 0) {
        audit_cap(k, "cap.refused", ask, 0);
        return r;
    }
    r = fl_cap_mint(&cap, k->cap_secret, &bytes, err);
    if (r < 0)
        return r;
    k->caps++;
    /* The demonstration tenant belongs to nobody, and its screen asks every second. */
    if (fl_grants_until(k->grants, ask->tenant, now_us) != INT64_MAX)
        audit_cap(k, "cap.minted", ask, cap.number);
    answer.cap = fl_buf_span(&bytes);
    return fl_imsg_send(chan, FL_MSG_CAP, id, &answer, -1, err);
}

/* ---- links ---- */

static const struct fl_keys_request requests[] = {
    {FL_MSG_FILE_KEY_NEW, on_file_new},
    {FL_MSG_FILE_KEY_ASK, on_file_ask},
    {FL_MSG_KEY_DESTROY, on_destroy},
    {FL_MSG_CERT_ASK, on_cert},
    {FL_MSG_SIGN_ASK, on_sign},
    {FL_MSG_DB_KEY_ASK, on_db_key},
    {FL_MSG_CSR_SIGN, on_csr},
    {FL_MSG_SHARE_SIGN, on_share},
    {FL_MSG_KEYS_STAT_ASK, on_stat},
    {FL_MSG_GRANT, on_grant},
    {FL_MSG_CAP_ASK, on_cap},
    {FL_MSG_ERASURE_BEGIN, fl_keys_on_erasure_begin},
    {FL_MSG_ERASURE_DONE, fl_keys_on_erasure_done},
    {FL_MSG_ERASURE_ASK, fl_keys_on_erasure_ask},
    {FL_MSG_RECEIPT_ASK, fl_keys_on_receipt_ask},
    {FL_MSG_ROOT_CHANGE, fl_keys_on_root_change},
    {FL_MSG_KEY_DESTROY_FILES, on_destroy_files},
    {FL_MSG_KEY_FILES_ASK, on_files_ask},
};

static const struct fl_keys_request *find_request(enum fl_msg_type type)
{
    for (size_t i = 0; i < FL_LEN(requests); i++)
        if (requests[i].type == type)
            return &requests[i];
    for (size_t i = 0; i < fl_keys_people_request_count; i++)
        if (fl_keys_people_requests[i].type == type)
            return &fl_keys_people_requests[i];
    return NULL;
}

static int handle(struct fl_keys *k, struct fl_imsg *chan, const struct fl_imsg_in *in,
                  struct fl_err *err)
{
    union {
        struct fl_msg_file_key_new file_new;
        struct fl_msg_file_key_ask file_ask;
        struct fl_msg_key_destroy destroy;
        struct fl_msg_key_destroy_files destroy_files;
        struct fl_msg_key_files_ask files_ask;
        struct fl_msg_erasure erasure;
        struct fl_msg_receipt_ask receipt;
        struct fl_msg_root_change root_change;
        struct fl_msg_sign_ask sign;
        struct fl_msg_csr_sign csr;
        struct fl_msg_share_sign share;
        struct fl_msg_grant grant;
        struct fl_msg_cap_ask cap;
        union fl_keys_people_msg people;
    } msg;
    const struct fl_keys_request *request = find_request(in->type);
    int r = FL_OK;

    if (request == NULL)
        return fl_err_set(err, FL_E_PROTO, "keys does not answer %s", fl_msg_name(in->type));
    if (fl_msg_size(in->type) > 0)
        r = fl_msg_decode(in->type, in->payload, &msg, err);
    return r < 0 ? r : request->handle(k, chan, in->id, &msg, err);
}

/* A sync that failed: what the disk holds is found out by a restart, not by going on. */
static void die_if_broken(struct fl_keys *k, struct fl_imsg *chan, const struct fl_err *err)
{
    if (!fl_keytable_broken(k->table))
        return;
    fl_role_log(k->env, FL_LOG_ERR, "the key table can no longer be trusted, restarting: %s",
                err->text);
    (void)fl_imsg_flush(chan);
    _exit(1);
}

static void on_message(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct fl_keys *k = ctx;
    struct fl_err err = {0};

    fl_fd_close(&in->fd);
    if (handle(k, chan, in, &err) < 0) {
        (void)fl_imsg_fail(chan, in->id, &err);
        die_if_broken(k, chan, &err);
    }
}

static void on_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    struct fl_keys *k = ctx;

    for (size_t i = 0; i < FL_ROLE_COUNT; i++)
        if (k->links[i] == chan) {
            fl_role_log(k->env, FL_LOG_NOTICE, "%s is gone (%s)", fl_role_name((enum fl_role)i),
                        why);
            k->links[i] = NULL;
        }
    fl_imsg_free(chan);
}

static void keys_link(void *state, enum fl_role peer, int fd)
{
    static const struct fl_imsg_ops ops = {.message = on_message, .closed = on_closed};
    struct fl_keys *k = state;
    struct fl_msg_cap_key first = {fl_span_of(k->cap_public, sizeof k->cap_public)};
    struct fl_err err;
    int r;

    if (peer != FL_ROLE_STORE && peer != FL_ROLE_CORE && peer != FL_ROLE_INGEST &&
        peer != FL_ROLE_WEB) {
        fl_fd_close(&fd);
        return;
    }
    fl_imsg_free(k->links[peer]);
    k->links[peer] = NULL;
    k->core_link += peer == FL_ROLE_CORE;
    r = fl_imsg_new(k->env->loop, fd, FL_ROLE_KEYS, peer, OUT_MAX_BYTES, &ops, k, &k->links[peer],
                    &err);
    if (r == 0 && peer == FL_ROLE_STORE)
        r = fl_imsg_send(k->links[peer], FL_MSG_CAP_KEY, 0, &first, -1, &err);
    if (r < 0)
        fl_role_log(k->env, FL_LOG_ERR, "link to %s: %s", fl_role_name(peer), err.text);
}

/* ---- start ---- */

/* Private keys of the instance, made at the first start. */
static int get_key(struct fl_keys *k, const char *name, struct fl_buf *ret_der, struct fl_err *err)
{
    int r = fl_secrets_get(k->secrets, name, ret_der, err);

    if (r != FL_E_NOENT)
        return r;
    r = fl_ca_make_key(ret_der, err);
    return r < 0 ? r : fl_secrets_put(k->secrets, name, fl_buf_span(ret_der), err);
}

static int prepare_ca(struct fl_keys *k, struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf der;
    unsigned char short_id[4];
    char id[9];
    int r;

    fl_buf_init(&der, FL_SECRET_BYTES_MAX);
    r = get_key(k, "ca.key", &der, err);
    if (r == 0)
        r = fl_secrets_get(k->secrets, "ca.cert", &k->ca_pem, err);
    if (r == FL_E_NOENT) {
        fl_random(short_id, sizeof short_id);
        (void)snprintf(id, sizeof id, "%02x%02x%02x%02x", short_id[0], short_id[1], short_id[2],
                       short_id[3]);
        r = fl_ca_make(fl_buf_span(&der), id, fl_now_us(), &k->ca_pem, err);
        if (r == 0)
            r = fl_secrets_put(k->secrets, "ca.cert", fl_buf_span(&k->ca_pem), err);
    }
    if (r == 0)
        r = fl_ca_open(fl_buf_span(&der), fl_buf_span(&k->ca_pem), &k->ca, err);
    return r < 0 ? fl_err_wrap(err, "certificate authority") : r;
}

/* What the certificate is for: the setting, or what this machine is called. */
static void server_names(const struct fl_keys *k, char ret[FL_MSG_CHUNK_MAX])
{
    static const char always[] = "localhost,127.0.0.1,::1";
    const char *set = fl_conf_str(k->env->conf, FL_SET_SERVER_NAMES);
    char host[HOST_BYTES_MAX + 1] = "";

    if (*set != '\0') {
        (void)snprintf(ret, FL_MSG_CHUNK_MAX, "%s", set);
        return;
    }
    if (gethostname(host, sizeof host - 1) != 0 || strcmp(host, "localhost") == 0)
        host[0] = '\0';
    for (const char *c = host; *c != '\0'; c++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.", *c) == NULL)
            host[0] = '\0'; /* not a name that a certificate can carry */
    (void)snprintf(ret, FL_MSG_CHUNK_MAX, "%s%s%s", host, host[0] == '\0' ? "" : ",", always);
}

/* The key stays when the certificate is renewed, so that a handshake under way still fits. */
static int prepare_server(struct fl_keys *k, struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf der;
    static char names[FL_MSG_CHUNK_MAX];
    int64_t now_us = fl_now_us();
    int r;

    fl_buf_init(&der, FL_SECRET_BYTES_MAX);
    server_names(k, names);
    r = get_key(k, "tls.key", &der, err);
    if (r == 0)
        r = fl_signer_open(fl_buf_span(&der), &k->signer, err);
    if (r == 0)
        r = fl_secrets_get(k->secrets, "tls.cert", &k->tls_pem, err);
    if (r == 0 && fl_ca_server_fits(fl_buf_span(&k->tls_pem), names, now_us + RENEW_US))
        return FL_OK;
    if (r == 0 || r == FL_E_NOENT) {
        fl_buf_clear(&k->tls_pem);
        r = fl_ca_server(k->ca, fl_buf_span(&der), names, now_us, &k->tls_pem, err);
        if (r == 0)
            r = fl_secrets_put(k->secrets, "tls.cert", fl_buf_span(&k->tls_pem), err);
        if (r == 0)
            fl_role_log(k->env, FL_LOG_NOTICE, "made a server certificate for %.300s", names);
    }
    return r < 0 ? fl_err_wrap(err, "server certificate (setting server_names)") : r;
}

static bool is_there(int dir_fd, const char *name)
{
    struct stat st;

    return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A folder that holds wrapped keys and no root key has lost it: a new one would open nothing. The
 * same goes for the secrets, which are written before the table is begun. */
static int check_folder(int dir_fd, bool *ret_new, struct fl_err *err)
{
    bool table = is_there(dir_fd, FL_KEYDISK_TABLE) || is_there(dir_fd, FL_KEYDISK_EPOCH);
    bool secrets = is_there(dir_fd, FL_SECRETS_FILE);

    if (table && !secrets)
        return fl_err_set(err, FL_E_NOENT,
                          "the file " FL_SECRETS_FILE " is missing: it holds the keys of the "
                          "control database and of the certificate authority; put it back");
    *ret_new = !table && !secrets && !is_there(dir_fd, FL_GRANTS_FILE);
    return FL_OK;
}

static void keys_free(struct fl_keys *k)
{
    for (size_t i = 0; i < FL_ROLE_COUNT; i++)
        fl_imsg_free(k->links[i]);
    fl_watch_free(k->watch);
    fl_keys_people_close(k);
    fl_signer_free(k->signer);
    fl_keys_web_done(k);
    fl_ca_free(k->ca);
    fl_keys_close(k);
    fl_buf_done(&k->ca_pem);
    fl_buf_done(&k->tls_pem);
    explicit_bzero(k, sizeof *k);
    free(k);
}

static void on_watch(void *ctx)
{
    struct fl_keys *k = ctx;
    struct fl_cert_info info;

    if (fl_cert_read(fl_buf_span(&k->tls_pem), &info, NULL) == 0 &&
        info.not_after_us < fl_now_us() + RENEW_US)
        fl_role_log(k->env, FL_LOG_WARN,
                    "the server's certificate ends within 90 days; a restart renews it");
}

static int prepare(struct fl_keys *k, struct fl_err *err)
{
    bool is_new = false;
    int r = check_folder(k->env->dir_fd, &is_new, err);

    if (r == 0)
        r = fl_keys_open(k, is_new, err);
    if (r == 0)
        r = fl_keys_people_open(k, err);
    if (r == 0)
        r = prepare_ca(k, err);
    if (r == 0)
        r = prepare_server(k, err);
    if (r == 0)
        r = fl_watch_timer(k->env->loop, WATCH_MS, 1, on_watch, k, &k->watch, err);
    return r;
}

static int keys_start(struct fl_role_env *env, void **ret_state, struct fl_err *err)
{
    struct fl_keys *k = calloc(1, sizeof *k);
    int r;

    if (k == NULL || sodium_init() < 0) {
        free(k);
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    }
    k->env = env;
    fl_buf_init(&k->ca_pem, FL_CERT_PEM_MAX);
    fl_buf_init(&k->tls_pem, FL_CERT_PEM_MAX);
    fl_cap_keypair(k->cap_public, k->cap_secret); /* of this process: a restart ends all */
    r = prepare(k, err);
    if (r < 0) {
        keys_free(k);
        return r;
    }
    fl_keys_web_take(k);
    *ret_state = k;
    return FL_OK;
}

/* A new pair of files for HTTPS is there. */
static void keys_supervisor(void *state, struct fl_imsg_in *in)
{
    if (in->type == FL_MSG_DIR)
        fl_keys_web_take(state);
}

static void keys_stop(void *state)
{
    struct fl_keys *k = state;
    struct fl_loop *loop = k->env->loop;

    keys_free(k);
    fl_loop_stop(loop);
}

const struct fl_role_ops fl_role_keys = {
    .start = keys_start, .link = keys_link, .stop = keys_stop, .supervisor = keys_supervisor};
