/* The web role: HTTPS for browsers and programs. No database, no data keys. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "fairleadd/web.h"

enum {
    TICK_MS = 1000,
    SIGN_MS = 500, /* a handshake waits so long for its signature */
    CERT_MS = 1000,
    CERT_RETRY_MS = 500,
    CERT_LOOK_MS = 5000, /* is the certificate another one? */
    STOP_MS = 3000,      /* answers under way may finish so long */
    STOP_STEP_MS = 20,
    HANDSHAKE_MS = 10000,
    HEAD_MS = 10000,
    BODY_MS = 30000,
    IDLE_MS = 60000,
    STALL_MS = 60000,
    CHAIN_MAX = 64 << 10
};

#define KEYS_REST_US   FL_US_PER_S               /* after a failure of keys no handshake is begun */
#define CTX_LIFE_US    (12 * 3600 * FL_US_PER_S) /* then the keys of tickets are new ones */
#define CORE_OUT_BYTES ((size_t)16 << 20)

static struct fl_web web_state; /* one per process */

/* ---- keys: certificate and signatures ---- */

static int on_sign(void *ctx, struct fl_span digest, unsigned char *sig, size_t *ret_len,
                   struct fl_err *err)
{
    struct fl_web *web = ctx;
    struct fl_msg_sign_ask ask = {.digest = digest,
                                  .key = fl_span_of(web->key_id, web->key_id_len)};
    FL_AUTO(fl_buf_done) struct fl_buf reply;
    struct fl_msg_sign answer;
    int rc;

    fl_buf_init(&reply, FL_MSG_MAX_BYTES);
    if (fl_now_mono_us() < web->keys_bad_until_us)
        return fl_err_set(err, FL_E_AGAIN, "the keys role did not answer a moment ago");
    rc = fl_rpc_call(web->keys, FL_MSG_SIGN_ASK, &ask, FL_MSG_SIGN, &answer, &reply, SIGN_MS, err);
    if (rc == FL_OK && answer.signature.len > FL_TLS_SIGNATURE_MAX)
        rc = fl_err_set(err, FL_E_PROTO, "a signature of %zu bytes", answer.signature.len);
    if (rc == FL_OK) {
        memcpy(sig, answer.signature.ptr, answer.signature.len);
        *ret_len = answer.signature.len;
        return FL_OK;
    }
    web->keys_bad_until_us = fl_now_mono_us() + KEYS_REST_US;
    fl_role_log(web->env, FL_LOG_WARN, "handshakes rest for 1 s: %s", err->text);
    fl_watch_rearm(web->cert_timer, 0); /* the key may be another one by now */
    return rc;
}

static int use_cert(struct fl_web *web, const struct fl_msg_cert *cert, struct fl_err *err)
{
    struct fl_tls_server_config config = {
        .chain_pem = cert->chain_pem, .web = true, .sign = on_sign, .ctx = web};
    struct fl_tls_ctx *tls = NULL;
    int rc;

    if (cert->key.len > sizeof web->key_id)
        return fl_err_set(err, FL_E_PROTO, "keys gave a key's name of %zu bytes", cert->key.len);
    rc = fl_tls_server_new(&config, &tls, err);
    if (rc != FL_OK)
        return rc;
    fl_buf_clear(&web->chain);
    fl_buf_put_span(&web->chain, cert->chain_pem);
    if (cert->key.len > 0)
        memcpy(web->key_id, cert->key.ptr, cert->key.len);
    web->key_id_len = cert->key.len;
    web->cert_us = fl_now_mono_us();
    fl_httpd_use(web->httpd, tls);
    return FL_OK;
}

/* The same certificate and key as before? Then the context stays, and with it the tickets. */
static bool same_cert(const struct fl_web *web, const struct fl_msg_cert *cert)
{
    return fl_now_mono_us() - web->cert_us < CTX_LIFE_US &&
           fl_span_eq(cert->chain_pem, fl_buf_span(&web->chain)) &&
           fl_span_eq(cert->key, fl_span_of(web->key_id, web->key_id_len));
}

static void cert_load(void *ctx)
{
    struct fl_web *web = ctx;
    FL_AUTO(fl_buf_done) struct fl_buf reply;
    struct fl_msg_cert cert;
    struct fl_err err;
    int rc;

    fl_buf_init(&reply, FL_MSG_MAX_BYTES);
    rc = fl_rpc_call(web->keys, FL_MSG_CERT_ASK, NULL, FL_MSG_CERT, &cert, &reply, CERT_MS, &err);
    if (rc == FL_OK && !same_cert(web, &cert))
        rc = use_cert(web, &cert, &err);
    if (rc != FL_OK)
        fl_role_log(web->env, FL_LOG_WARN, "the server's certificate: %s", err.text);
    else
        web->keys_bad_until_us = 0;
    fl_watch_rearm(web->cert_timer, rc == FL_OK ? CERT_LOOK_MS : CERT_RETRY_MS);
}

/* ---- links ---- */

static void on_core(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    (void)chan;
    if (in->fd >= 0)
        (void)close(in->fd);
    fl_web_relay_message(ctx, in);
}

static void core_gone(struct fl_web *web)
{
    struct fl_imsg *chan = web->core;

    web->core = NULL; /* first: nothing is sent to it any more */
    fl_web_relay_lost(web);
    fl_imsg_free(chan);
}

static void on_core_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    struct fl_web *web = ctx;

    (void)chan;
    fl_role_log(web->env, FL_LOG_NOTICE, "core is gone (%s)", why);
    core_gone(web);
}

static void web_link(void *state, enum fl_role peer, int fd)
{
    static const struct fl_imsg_ops ops = {.message = on_core, .closed = on_core_closed};
    struct fl_web *web = state;
    struct fl_err err;

    if (peer == FL_ROLE_KEYS) {
        fl_rpc_relink(web->keys, fd);
        fl_watch_rearm(web->cert_timer, 0);
        return;
    }
    if (peer != FL_ROLE_CORE) {
        (void)close(fd);
        return;
    }
    if (web->core != NULL)
        core_gone(web);
    if (fl_imsg_new(web->env->loop, fd, FL_ROLE_WEB, FL_ROLE_CORE, CORE_OUT_BYTES, &ops, web,
                    &web->core, &err) < 0) {
        web->core = NULL;
        fl_role_log(web->env, FL_LOG_ERR, "no link to core: %s", err.text);
    }
}

/* ---- start and stop ---- */

static void on_tick(void *ctx)
{
    fl_web_relay_tick(ctx);
}

static int open_server(struct fl_web *web, struct fl_err *err)
{
    const struct fl_conf *conf = web->env->conf;
    const struct fl_httpd_limits limits = {
        .connections = (uint32_t)fl_conf_num(conf, FL_SET_WEB_CONNECTIONS_MAX),
        .per_source = (uint32_t)fl_conf_num(conf, FL_SET_WEB_CONNECTIONS_PER_ADDRESS),
        .body_bytes = FL_WEB_BODY_MAX,
        .handshake_ms = HANDSHAKE_MS,
        .head_ms = HEAD_MS,
        .body_ms = BODY_MS,
        .idle_ms = IDLE_MS,
        .stall_ms = STALL_MS,
        .room_bytes = FL_WEB_ROOM_BYTES};
    struct fl_httpd_ops ops = fl_web_httpd_ops;
    int r;

    ops.ctx = web;
    r = fl_httpd_new(web->env->loop, &limits, &ops, &web->httpd, err);
    for (size_t i = 0; r == FL_OK && i < web->env->listener_count; i++)
        if (web->env->listeners[i].kind == FL_LISTEN_WEB)
            r = fl_httpd_listen(web->httpd, web->env->listeners[i].fd, err);
    return r;
}

/* A screen that cannot be read is no reason to be without the API. */
static int open_files(struct fl_web *web, struct fl_err *err)
{
    int r = fl_web_files_new(web->env->dir_fd, &web->files, err);

    if (r == FL_OK)
        return r;
    fl_role_log(web->env, FL_LOG_WARN, "web_root: %s; the screen is not served", err->text);
    return fl_web_files_new(-1, &web->files, err);
}

static int web_start(struct fl_role_env *env, void **ret_state, struct fl_err *err)
{
    struct fl_web *web = &web_state;
    int r;

    web->env = env;
    fl_buf_init(&web->chain, CHAIN_MAX);
    fl_web_relay_init(web);
    r = open_files(web, err);
    if (r == FL_OK)
        r = fl_rpc_new(FL_ROLE_WEB, FL_ROLE_KEYS, &web->keys, err);
    if (r == FL_OK)
        r = fl_watch_timer(env->loop, -1, 0, cert_load, web, &web->cert_timer, err);
    if (r == FL_OK)
        r = fl_watch_timer(env->loop, TICK_MS, 1, on_tick, web, &web->tick, err);
    if (r == FL_OK)
        r = open_server(web, err);
    if (r == FL_OK)
        *ret_state = web;
    return r;
}

static void stop_now(struct fl_web *web)
{
    fl_watch_free(web->cert_timer);
    fl_watch_free(web->tick);
    fl_watch_free(web->stop_timer);
    fl_httpd_free(web->httpd); /* tells of requests that core still has */
    fl_imsg_free(web->core);
    web->core = NULL;
    fl_rpc_free(web->keys);
    fl_web_files_free(web->files);
    fl_buf_done(&web->chain);
    fl_loop_stop(web->env->loop);
}

static void on_stopping(void *ctx)
{
    struct fl_web *web = ctx;

    if (web->ask_count == web->stream_count || fl_now_mono_us() > web->stop_until_us)
        stop_now(web);
}

static void web_stop(void *state)
{
    struct fl_web *web = state;

    if (web->stop_timer != NULL)
        return;
    web->stop_until_us = fl_now_mono_us() + STOP_MS * INT64_C(1000);
    fl_httpd_close(web->httpd);
    if (fl_watch_timer(web->env->loop, STOP_STEP_MS, 1, on_stopping, web, &web->stop_timer, NULL) <
        0)
        stop_now(web);
}

const struct fl_role_ops fl_role_web = {.start = web_start, .link = web_link, .stop = web_stop};
