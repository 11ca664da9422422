/* The certificate and key that the operator brought for HTTPS: read from descriptors that the
 * supervisor opened, kept in memory only. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "fairleadd/keys.h"
#include "trust/pair.h"

static int read_fd(int *fd, const char *what, struct fl_buf *ret, struct fl_err *err)
{
    void *at = fl_buf_reserve(ret, FL_PAIR_FILE_MAX);
    ssize_t n;

    if (at == NULL)
        return fl_buf_status(ret, err);
    n = fl_fd_pread_all(*fd, at, FL_PAIR_FILE_MAX, 0, err);
    fl_fd_close(fd);
    if (n < 0)
        return fl_err_wrap(err, "%s", what);
    ret->len += (size_t)n;
    return (size_t)n < FL_PAIR_FILE_MAX
               ? FL_OK
               : fl_err_set(err, FL_E_LIMIT, "%s is larger than a PEM file is", what);
}

static void pair_done(struct fl_keys_pair *pair)
{
    fl_signer_free(pair->signer);
    fl_buf_done(&pair->pem);
    *pair = (struct fl_keys_pair){.signer = NULL};
}

void fl_keys_web_done(struct fl_keys *k)
{
    pair_done(&k->web[0]);
    pair_done(&k->web[1]);
}

/* The one before goes on signing for handshakes under way. */
static void use(struct fl_keys *k, struct fl_keys_pair *fresh)
{
    bool same_key =
        k->web[0].signer != NULL && memcmp(k->web[0].id, fresh->id, sizeof fresh->id) == 0;

    if (!same_key) {
        pair_done(&k->web[1]);
        k->web[1] = k->web[0];
    } else {
        pair_done(&k->web[0]);
    }
    k->web[0] = *fresh;
}

static int read_pair(int cert_fd, int key_fd, struct fl_keys_pair *ret, struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf key;
    FL_AUTO(fl_buf_wipe) struct fl_buf der;
    FL_AUTO(fl_fd_closep) int cert_one = cert_fd;
    FL_AUTO(fl_fd_closep) int key_one = key_fd;
    int r;

    fl_buf_init(&key, FL_PAIR_FILE_MAX);
    fl_buf_init(&der, FL_PAIR_FILE_MAX);
    fl_buf_init(&ret->pem, FL_PAIR_FILE_MAX);
    r = read_fd(&cert_one, "web_cert", &ret->pem, err);
    if (r == FL_OK)
        r = read_fd(&key_one, "web_key", &key, err);
    if (r == FL_OK)
        r = fl_pair_read(fl_buf_span(&ret->pem), fl_buf_span(&key), fl_now_us(), &der, ret->id,
                         err);
    return r == FL_OK ? fl_signer_open(fl_buf_span(&der), &ret->signer, err) : r;
}

void fl_keys_web_take(struct fl_keys *k)
{
    struct fl_keys_pair fresh = {.signer = NULL};
    int cert_fd = k->env->web_cert_fd, key_fd = k->env->web_key_fd;
    char fingerprint[65];
    struct fl_cert_info info;
    struct fl_err err;

    if (cert_fd < 0 || key_fd < 0)
        return;
    k->env->web_cert_fd = k->env->web_key_fd = -1;
    if (read_pair(cert_fd, key_fd, &fresh, &err) < 0 ||
        fl_cert_read(fl_buf_span(&fresh.pem), &info, &err) < 0) {
        fl_role_log(k->env, FL_LOG_ERR, "web_cert and web_key are not used: %s; %s", err.text,
                    k->web[0].signer != NULL ? "the pair before stays"
                                             : "the self-made certificate is used");
        pair_done(&fresh);
        return;
    }
    fl_cert_fingerprint_text(info.fingerprint, fingerprint);
    fl_role_log(k->env, FL_LOG_NOTICE, "HTTPS uses the certificate of web_cert, %s", fingerprint);
    fl_keys_audit(k, "cert.web", UINT32_MAX, fingerprint, "{}");
    use(k, &fresh);
}

struct fl_signer *fl_keys_web_signer(const struct fl_keys *k, struct fl_span id)
{
    for (size_t i = 0; i < FL_LEN(k->web); i++)
        if (k->web[i].signer != NULL &&
            fl_span_eq(id, fl_span_of(k->web[i].id, sizeof k->web[i].id)))
            return k->web[i].signer;
    return NULL;
}
