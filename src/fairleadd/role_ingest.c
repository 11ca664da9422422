#include <string.h>
#include <unistd.h>

#include "base/rand.h"
#include "base/time.h"
#include "fairleadd/ingest.h"
#include "logs/enrich.h"

enum {
    TICK_MS = 1000,
    SIGN_MS = 2000, /* a handshake waits so long for its signature */
    CERT_MS = 2000, /* and the start for the certificate, then again after CERT_RETRY_MS */
    CERT_RETRY_MS = 500,
    KEYS_REST_US = 1000 * 1000, /* after a failure no handshake is begun for so long */
    STOP_MS = 3000,             /* at the end rows wait so long to be accepted */
    STOP_STEP_MS = 20,
    CORE_OUT_BYTES = 8 << 20,
    STORE_OUT_BYTES = 64 << 10
};

/* One per process, and it stays: a callback that was posted before the end may still come. */
static struct fl_ingest ingest;

/* ---- keys: certificate and signatures ---- */

static int on_sign(void *ctx, struct fl_span digest, unsigned char *sig, size_t *ret_len,
                   struct fl_err *err)
{
    struct fl_ingest *in = ctx;
    struct fl_msg_sign_ask ask = {.digest = digest};
    struct fl_msg_sign answer;
    struct fl_buf reply;
    int rc;

    if (fl_now_mono_us() < in->keys_bad_until_us)
        return fl_err_set(err, FL_E_AGAIN, "the keys role did not answer a moment ago");
    fl_buf_init(&reply, FL_MSG_MAX_BYTES);
    rc = fl_rpc_call(in->keys, FL_MSG_SIGN_ASK, &ask, FL_MSG_SIGN, &answer, &reply, SIGN_MS, err);
    if (rc == FL_OK && answer.signature.len > FL_TLS_SIGNATURE_MAX)
        rc = fl_err_set(err, FL_E_PROTO, "a signature of %zu bytes", answer.signature.len);
    if (rc == FL_OK) {
        memcpy(sig, answer.signature.ptr, answer.signature.len);
        *ret_len = answer.signature.len;
    } else {
        in->keys_bad_until_us = fl_now_mono_us() + KEYS_REST_US;
        fl_role_log(in->env, FL_LOG_WARN, "handshakes rest for 1 s: %s", err->text);
        fl_ingest_accepting(in);
    }
    fl_buf_done(&reply);
    return rc;
}

static int tls_prepare(struct fl_ingest *in, struct fl_span chain, struct fl_err *err)
{
    struct fl_tls_server_config config = {
        .chain_pem = chain, .mutual = true, .sign = on_sign, .admit = fl_ingest_admit, .ctx = in};
    struct fl_tls_ctx *mutual = NULL, *server = NULL;
    int rc = fl_tls_server_new(&config, &mutual, err);

    config.mutual = false;
    if (rc == FL_OK)
        rc = fl_tls_server_new(&config, &server, err);
    if (rc != FL_OK) {
        fl_tls_ctx_free(mutual);
        return rc;
    }
    fl_tls_ctx_free(in->tls_mutual); /* connections that are there go on with the old one */
    fl_tls_ctx_free(in->tls_server);
    in->tls_mutual = mutual;
    in->tls_server = server;
    return FL_OK;
}

static void cert_load(void *ctx)
{
    struct fl_ingest *in = ctx;
    struct fl_msg_cert cert;
    struct fl_buf reply;
    struct fl_err err;
    int rc;

    fl_buf_init(&reply, FL_MSG_MAX_BYTES);
    rc = fl_rpc_call(in->keys, FL_MSG_CERT_ASK, NULL, FL_MSG_CERT, &cert, &reply, CERT_MS, &err);
    if (rc == FL_OK)
        rc = tls_prepare(in, cert.chain_pem, &err);
    fl_buf_done(&reply);
    if (rc != FL_OK) {
        fl_role_log(in->env, FL_LOG_WARN, "no server certificate yet: %s", err.text);
        fl_watch_rearm(in->cert_timer, CERT_RETRY_MS);
        return;
    }
    in->keys_bad_until_us = 0;
    fl_ingest_accepting(in);
}

/* ---- core: who may send ---- */

static int table_message(struct fl_ingest *in, struct fl_imsg_in *msg, struct fl_err *err)
{
    union {
        struct fl_msg_tenant tenant;
        struct fl_msg_device device;
        struct fl_msg_tenant_ca ca;
        struct fl_msg_table_end end;
    } m;
    size_t bad_cas = 0;
    int rc = FL_OK;

    if (fl_msg_size(msg->type) > 0)
        rc = fl_msg_decode(msg->type, msg->payload, &m, err);
    if (rc != FL_OK)
        return rc;
    if (msg->type == FL_MSG_TABLE_BEGIN)
        fl_ingest_table_begin(in->table);
    else if (msg->type == FL_MSG_TENANT)
        rc = fl_ingest_table_tenant(in->table, &m.tenant, err);
    else if (msg->type == FL_MSG_DEVICE)
        rc = fl_ingest_table_device(in->table, &m.device, err);
    else if (msg->type == FL_MSG_TENANT_CA)
        rc = fl_ingest_table_ca(in->table, &m.ca, err);
    else if (msg->type == FL_MSG_TABLE_END) {
        rc = fl_ingest_table_commit(in->table, &bad_cas, err);
        if (rc == FL_OK) {
            if (bad_cas > 0)
                fl_role_log(in->env, FL_LOG_WARN, "%zu tenants' authorities cannot be read",
                            bad_cas);
            fl_ingest_recheck(in);
            fl_ingest_accepting(in);
        }
    }
    return rc;
}

static void on_core(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *msg)
{
    struct fl_ingest *in = ctx;
    struct fl_err err;

    (void)chan;
    if (table_message(in, msg, &err) != FL_OK)
        fl_role_log(in->env, FL_LOG_ERR, "the table of devices: %s", err.text);
}

static void on_core_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    struct fl_ingest *in = ctx;

    fl_role_log(in->env, FL_LOG_NOTICE, "core is gone (%s); the devices known stay connected", why);
    in->core = NULL;
    fl_imsg_free(chan);
}

/* ---- store: what is safe ---- */

static void on_store(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *msg)
{
    struct fl_ingest *in = ctx;
    struct fl_msg_accepted accepted;

    (void)chan;
    if (msg->type == FL_MSG_ACCEPTED &&
        fl_msg_decode(msg->type, msg->payload, &accepted, NULL) == FL_OK)
        fl_ingest_accepted(in, accepted.conn, accepted.upto);
}

static void on_store_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    struct fl_ingest *in = ctx;

    fl_role_log(in->env, FL_LOG_NOTICE, "store is gone (%s); rows wait in the ring", why);
    in->store = NULL;
    fl_imsg_free(chan);
}

static void take_link(struct fl_ingest *in, enum fl_role peer, int fd, size_t out_bytes,
                      const struct fl_imsg_ops *ops, struct fl_imsg **at)
{
    struct fl_err err;

    if (*at != NULL)
        fl_imsg_free(*at);
    *at = NULL;
    if (fl_imsg_new(in->env->loop, fd, FL_ROLE_INGEST, peer, out_bytes, ops, in, at, &err) != FL_OK)
        fl_role_log(in->env, FL_LOG_ERR, "no link to %s: %s", fl_role_name(peer), err.text);
}

static void ingest_link(void *state, enum fl_role peer, int fd)
{
    static const struct fl_imsg_ops core_ops = {.message = on_core, .closed = on_core_closed};
    static const struct fl_imsg_ops store_ops = {.message = on_store, .closed = on_store_closed};
    struct fl_ingest *in = state;

    if (peer == FL_ROLE_CORE) {
        take_link(in, peer, fd, CORE_OUT_BYTES, &core_ops, &in->core);
        fl_ingest_report_all(in);
    } else if (peer == FL_ROLE_STORE) {
        take_link(in, peer, fd, STORE_OUT_BYTES, &store_ops, &in->store);
        in->store_since_mono_us = fl_now_mono_us();
    } else if (peer == FL_ROLE_KEYS) {
        fl_rpc_relink(in->keys, fd);
        fl_watch_rearm(in->cert_timer, 0);
    } else {
        close(fd);
    }
}

/* ---- start and stop ---- */

static void on_tick(void *ctx)
{
    struct fl_ingest *in = ctx;

    fl_ingest_conns_tick(in);
    fl_ingest_batches_tick(in);
    fl_ingest_report(in);
}

static int ingest_start(struct fl_role_env *env, void **ret_state, struct fl_err *err)
{
    struct fl_ingest *in = &ingest;
    int rc;

    in->env = env;
    in->boot_us = fl_now_us();
    in->addr_seed = fl_random_u64();
    rc = fl_ingest_table_new(&in->table, err);
    if (rc == FL_OK)
        rc = fl_rpc_new(FL_ROLE_INGEST, FL_ROLE_KEYS, &in->keys, err);
    if (rc == FL_OK)
        rc = fl_enrich_new(&in->enrich, err);
    if (rc == FL_OK)
        rc = fl_ingest_stats_init(in, err);
    if (rc == FL_OK)
        rc = fl_ingest_rows_init(in, err);
    if (rc == FL_OK)
        rc = fl_ingest_conns_init(in, err);
    if (rc == FL_OK)
        rc = fl_watch_timer(env->loop, -1, 0, cert_load, in, &in->cert_timer, err);
    if (rc == FL_OK)
        rc = fl_watch_timer(env->loop, TICK_MS, 1, on_tick, in, &in->tick, err);
    if (rc == FL_OK)
        *ret_state = in;
    return rc;
}

static void stop_now(struct fl_ingest *in)
{
    fl_ingest_report(in);
    if (in->core != NULL) {
        (void)fl_imsg_flush(in->core);
        fl_imsg_free(in->core);
    }
    if (in->store != NULL)
        fl_imsg_free(in->store);
    in->core = in->store = NULL;
    fl_ingest_conns_done(in);
    fl_ingest_rows_done(in);
    fl_ingest_stats_done(in);
    fl_watch_free(in->tick);
    fl_watch_free(in->cert_timer);
    fl_watch_free(in->stop_timer);
    fl_tls_ctx_free(in->tls_mutual);
    fl_tls_ctx_free(in->tls_server);
    fl_rpc_free(in->keys);
    fl_ingest_table_free(in->table);
    fl_enrich_free(in->enrich);
    fl_loop_stop(in->env->loop);
}

/* Rows that were read have to reach the ring, and their acceptance has to be known. */
static void on_stopping(void *ctx)
{
    struct fl_ingest *in = ctx;

    fl_ingest_retry(in);
    if ((TAILQ_EMPTY(&in->waiting) && fl_ingest_all_accepted(in)) ||
        fl_now_mono_us() > in->stop_until_us)
        stop_now(in);
}

static void ingest_stop(void *state)
{
    struct fl_ingest *in = state;

    if (in->stopping)
        return;
    in->stopping = true;
    in->stop_until_us = fl_now_mono_us() + STOP_MS * INT64_C(1000);
    fl_ingest_conns_end(in, "this server is stopping");
    fl_ingest_flush(in);
    if (fl_watch_timer(in->env->loop, STOP_STEP_MS, 1, on_stopping, in, &in->stop_timer, NULL) !=
        FL_OK)
        stop_now(in);
}

const struct fl_role_ops fl_role_ingest = {
    .start = ingest_start,
    .link = ingest_link,
    .stop = ingest_stop,
};
