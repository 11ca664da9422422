/* TLS over a socketpair: who is let in, who is refused and how it is told, a key that is elsewhere.
 */
#include "io/tls.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "tap.h"
#include "unit/io/tls_help.h"

static struct made ca, other_ca, server, known, revoked, stranger, expired, server_use, leaf;

struct keeper { /* stands for the ingest role */
    unsigned asked, signs;
    bool cannot_sign;
    char subject[FL_TLS_SUBJECT_BYTES];
};

static int sign_cb(void *ctx, struct fl_span digest, unsigned char *sig, size_t *ret_len,
                   struct fl_err *err)
{
    struct keeper *k = ctx;

    k->signs++;
    if (k->cannot_sign || made_sign(&server, digest, sig, ret_len) != 1)
        return fl_err_set(err, FL_E_TIMEOUT, "keys did not answer");
    return FL_OK;
}

static enum fl_tls_verdict admit_cb(void *ctx, void *peer, const struct fl_tls_cert *cert)
{
    struct keeper *k = ctx;

    *(unsigned *)peer += 1;
    k->asked++;
    memcpy(k->subject, cert->subject, sizeof(k->subject));
    if (memcmp(cert->fingerprint, known.fingerprint, 32) == 0)
        return FL_TLS_ADMIT;
    if (memcmp(cert->fingerprint, revoked.fingerprint, 32) == 0)
        return FL_TLS_REVOKED;
    return cert->expired ? FL_TLS_EXPIRED : FL_TLS_UNKNOWN;
}

struct pair {
    struct fl_tls_ctx *server_ctx, *client_ctx;
    struct fl_tls *server, *client;
    int fd[2];
    unsigned peer;
    struct fl_err server_err, client_err;
    int server_rc, client_rc;
};

static void pair_open(struct pair *p, struct keeper *k, bool mutual,
                      const struct fl_tls_client_config *client)
{
    struct fl_tls_server_config config = {.chain_pem = fl_span_str(server.cert_pem),
                                          .mutual = mutual,
                                          .sign = sign_cb,
                                          .admit = admit_cb,
                                          .ctx = k};

    *p = (struct pair){.server_rc = FL_E_AGAIN, .client_rc = FL_E_AGAIN};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fd) != 0 ||
        fl_tls_server_new(&config, &p->server_ctx, &p->server_err) != FL_OK ||
        fl_tls_client_new(client, &p->client_ctx, &p->client_err) != FL_OK ||
        fl_tls_accept(p->server_ctx, p->fd[0], &p->peer, &p->server, NULL) != FL_OK ||
        fl_tls_connect(p->client_ctx, p->fd[1], &p->client, NULL) != FL_OK)
        abort();
}

/* Both sides until each is done or has failed. A client learns of a TLS 1.3 refusal by reading. */
static void pair_shake(struct pair *p)
{
    enum fl_tls_want want;
    unsigned char byte;
    size_t n;

    for (int i = 0; i < 20; i++) {
        if (p->client_rc == FL_E_AGAIN)
            p->client_rc = fl_tls_handshake(p->client, &want, &p->client_err);
        if (p->server_rc == FL_E_AGAIN)
            p->server_rc = fl_tls_handshake(p->server, &want, &p->server_err);
    }
    if (p->client_rc == FL_OK && p->server_rc != FL_OK)
        p->client_rc = fl_tls_read(p->client, &byte, 1, &n, &want, &p->client_err);
}

static void pair_close(struct pair *p)
{
    fl_tls_ctx_free(p->server_ctx); /* before its connection: that holds it */
    fl_tls_ctx_free(p->client_ctx);
    fl_tls_free(p->server);
    fl_tls_free(p->client);
    close(p->fd[0]);
    close(p->fd[1]);
}

static struct fl_tls_client_config as(const struct made *who)
{
    return (struct fl_tls_client_config){.cert_pem = fl_span_str(who->cert_pem),
                                         .key_pem = fl_span_str(who->key_pem),
                                         .ca_pem = fl_span_str(ca.cert_pem)};
}

static void admitted(void)
{
    struct fl_tls_client_config me = as(&known);
    struct keeper k = {0};
    struct pair p;
    enum fl_tls_want want;
    size_t n = 0, got = 0, sent = 0;
    unsigned char *big = calloc(1, 300000), *back = calloc(1, 300000);

    pair_open(&p, &k, true, &me);
    pair_shake(&p);
    CHECK(p.server_rc == FL_OK && p.client_rc == FL_OK, "a known certificate is let in");
    CHECK(k.asked == 1 && p.peer == 1, "and was asked about once, for its connection");
    CHECK(k.signs == 1, "the key that is elsewhere signed once");
    CHECK(strcmp(k.subject, "/CN=known\\x1B[31m\\x0A") == 0,
          "control characters in a subject are not shown");
    CHECK(strncmp(fl_tls_version(p.server), "TLSv1.3 TLS_", 12) == 0, "TLS 1.3 is spoken");
    for (size_t i = 0; i < 300000; i++)
        big[i] = (unsigned char)(i * 7);
    for (int turn = 0; turn < 10000 && got < 300000; turn++) {
        if (sent < 300000 && fl_tls_write(p.client, fl_span_of(big + sent, 300000 - sent), &n,
                                          &want, &p.client_err) == FL_OK)
            sent += n;
        while (fl_tls_read(p.server, back + got, 300000 - got, &n, &want, &p.server_err) == FL_OK)
            got += n;
    }
    CHECK(got == 300000 && memcmp(big, back, got) == 0, "300,000 bytes arrive as they were sent");
    CHECK(fl_tls_read(p.server, back, 1, &n, &want, &p.server_err) == FL_E_AGAIN &&
              want == FL_TLS_WANT_READ && !fl_tls_pending(p.server),
          "then there is nothing to read");
    fl_tls_end(p.client);
    CHECK(fl_tls_read(p.server, back, 1, &n, &want, &p.server_err) == FL_OK && n == 0,
          "the end is a read of 0 bytes");
    pair_close(&p);
    free(big);
    free(back);
}

static void refused(void)
{
    static const struct {
        const char *name;
        const struct made *who; /* NULL: without a certificate */
        const char *server_says, *client_hears;
    } cases[] = {
        {"a stranger", &stranger, "unknown certificate", "does not know this certificate"},
        {"a revoked certificate", &revoked, "revoked certificate", "was revoked"},
        {"an expired certificate", &expired, "expired certificate", "has expired"},
        {"nobody", NULL, "no client certificate", "requires a certificate"},
    };

    for (size_t i = 0; i < FL_LEN(cases); i++) {
        struct fl_tls_client_config me = {.ca_pem = fl_span_str(ca.cert_pem)};
        struct keeper k = {0};
        struct pair p;

        if (cases[i].who != NULL)
            me = as(cases[i].who);
        pair_open(&p, &k, true, &me);
        pair_shake(&p);
        CHECK(p.server_rc == FL_E_DENIED && strstr(p.server_err.text, cases[i].server_says) != NULL,
              cases[i].name);
        CHECK(p.client_rc == FL_E_DENIED &&
                  strstr(p.client_err.text, cases[i].client_hears) != NULL,
              "is told by an alert");
        if (p.client_rc != FL_E_DENIED)
            printf("# client: %d %s\n", p.client_rc, p.client_err.text);
        pair_close(&p);
    }
}

static void server_only(void)
{
    struct fl_tls_client_config me = {.server_fingerprint = fl_span_of(server.fingerprint, 32)};
    struct keeper k = {0};
    struct pair p;

    pair_open(&p, &k, false, &me);
    pair_shake(&p);
    CHECK(p.server_rc == FL_OK && p.client_rc == FL_OK && k.asked == 0,
          "without mutual no certificate is asked for; the server is checked by fingerprint");
    pair_close(&p);
}

static void wrong_server(void)
{
    struct fl_tls_client_config by_ca = as(&known), by_print = as(&known), neither = as(&known);
    struct fl_tls_ctx *ctx = NULL;
    struct keeper k = {0};
    struct pair p;
    struct fl_err err;

    by_ca.ca_pem = fl_span_str(other_ca.cert_pem);
    pair_open(&p, &k, true, &by_ca);
    pair_shake(&p);
    CHECK(p.client_rc == FL_E_DENIED && strstr(p.client_err.text, "authority") != NULL &&
              p.server_rc < 0,
          "a server of another authority is refused");
    pair_close(&p);
    by_print.server_fingerprint = fl_span_of(stranger.fingerprint, 32);
    pair_open(&p, &k, true, &by_print);
    pair_shake(&p);
    CHECK(p.client_rc == FL_E_DENIED && strstr(p.client_err.text, "fingerprint") != NULL,
          "a server with another fingerprint is refused");
    pair_close(&p);
    neither.ca_pem = fl_span_str("");
    CHECK(fl_tls_client_new(&neither, &ctx, &err) == FL_E_INVAL, "a server has to be checked");
    by_ca.key_pem = fl_span_str(stranger.key_pem);
    CHECK(fl_tls_client_new(&by_ca, &ctx, &err) == FL_E_INVAL,
          "key and certificate belong together");
}

static void authorities(void)
{
    struct fl_tls_ca *a = NULL, *b = NULL;
    struct fl_tls_cert cert = {.leaf = leaf.cert}, old = {.leaf = expired.cert},
                       use = {.leaf = server_use.cert}, self = {.leaf = stranger.cert};
    struct fl_err err;

    CHECK(fl_tls_ca_new(fl_span_str(ca.cert_pem), &a, &err) == FL_OK &&
              fl_tls_ca_new(fl_span_str(other_ca.cert_pem), &b, &err) == FL_OK,
          "authorities are read");
    CHECK(fl_tls_ca_issued(a, &cert), "what an authority issued is known as such");
    CHECK(!fl_tls_ca_issued(b, &cert), "by that one alone");
    CHECK(!fl_tls_ca_issued(a, &old), "not when it has expired");
    CHECK(!fl_tls_ca_issued(a, &use), "not when it was issued for servers only");
    CHECK(!fl_tls_ca_issued(a, &self), "not when it is self-signed");
    fl_tls_ca_free(a);
    fl_tls_ca_free(b);
    CHECK(fl_tls_ca_new(fl_span_str(leaf.cert_pem), &a, &err) == FL_E_INVAL,
          "a device's certificate is no authority");
    CHECK(fl_tls_ca_new(fl_span_str("hello"), &a, &err) == FL_E_INVAL, "nor is any text");
}

static void trouble(void)
{
    static const char plain[] = "131 <14>1 2026-11-21T20:04:31Z host app - - - plain syslog\n";
    struct fl_tls_client_config me = as(&known);
    struct keeper k = {.cannot_sign = true};
    struct pair p;

    pair_open(&p, &k, true, &me);
    pair_shake(&p);
    CHECK(p.server_rc == FL_E_IO && strstr(p.server_err.text, "keys did not answer") != NULL,
          "a signature that does not come is told as such");
    pair_close(&p);
    k.cannot_sign = false;
    pair_open(&p, &k, true, &me);
    (void)!write(p.fd[1], plain, sizeof(plain) - 1);
    pair_shake(&p);
    CHECK(p.server_rc == FL_E_PROTO, "plain text is no TLS");
    pair_close(&p);
    pair_open(&p, &k, true, &me);
    shutdown(p.fd[1], SHUT_WR);
    pair_shake(&p);
    CHECK(p.server_rc == FL_E_IO || p.server_rc == FL_E_PROTO, "an early end is an error");
    pair_close(&p);
}

/* A client of our own that would resume, were it let: what it can get of a session, or none. */
struct resumer {
    SSL_CTX *ctx;
    SSL_SESSION *session;
};

static SSL *resumer_connect(struct resumer *r, int fd, int version)
{
    BIO *cert = BIO_new_mem_buf(known.cert_pem, -1), *key = BIO_new_mem_buf(known.key_pem, -1);
    X509 *x509 = PEM_read_bio_X509(cert, NULL, NULL, NULL);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
    SSL *ssl;

    if (r->ctx == NULL && (r->ctx = SSL_CTX_new(TLS_client_method())) == NULL)
        abort();
    (void)SSL_CTX_set_max_proto_version(r->ctx, version);
    ssl = SSL_new(r->ctx);
    if (ssl == NULL || x509 == NULL || pkey == NULL || SSL_use_certificate(ssl, x509) != 1 ||
        SSL_use_PrivateKey(ssl, pkey) != 1 || SSL_set_fd(ssl, fd) != 1)
        abort();
    if (r->session != NULL)
        (void)SSL_set_session(ssl, r->session);
    SSL_set_connect_state(ssl);
    X509_free(x509);
    EVP_PKEY_free(pkey);
    BIO_free(cert);
    BIO_free(key);
    return ssl;
}

/* One connection; true when it stood. */
static bool resumer_turn(struct resumer *r, struct keeper *k, int version, bool *ret_reused)
{
    struct fl_tls_client_config me = as(&known);
    enum fl_tls_want want;
    struct pair p;
    unsigned char bytes[100];
    size_t n = 0;
    int done = 0;
    SSL *ssl;

    pair_open(&p, k, true, &me);
    ssl = resumer_connect(r, p.fd[1], version);
    for (int i = 0; i < 20; i++) {
        done = SSL_do_handshake(ssl);
        if (p.server_rc == FL_E_AGAIN)
            p.server_rc = fl_tls_handshake(p.server, &want, &p.server_err);
    }
    if (p.server_rc == FL_OK)
        p.server_rc = fl_tls_write(p.server, FL_SPAN("hello"), &n, &want, NULL);
    done = done == 1 ? SSL_read(ssl, bytes, sizeof bytes) : 0; /* tickets would come before it */
    *ret_reused = SSL_session_reused(ssl) == 1;
    SSL_SESSION_free(r->session);
    r->session = SSL_get1_session(ssl);
    SSL_shutdown(ssl);
    SSL_free(ssl);
    pair_close(&p);
    return done == 5 && p.server_rc == FL_OK;
}

/* A revoked device must not come back by what it was given before: nothing is given. */
static void no_resuming(void)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (size_t i = 0; i < FL_LEN(versions); i++) {
        struct resumer r = {.ctx = NULL};
        struct keeper k = {0};
        bool reused = false, again = true;

        CHECK(resumer_turn(&r, &k, versions[i], &reused) && !reused, "a client with a memory");
        CHECK(r.session == NULL || !SSL_SESSION_has_ticket(r.session), "is given no ticket");
        CHECK(resumer_turn(&r, &k, versions[i], &again) && !again && k.asked == 2 && k.signs == 2,
              "and proves its certificate again when it comes back");
        SSL_SESSION_free(r.session);
        SSL_CTX_free(r.ctx);
    }
}

/* Two connections share the buffer that is read into: one's bytes wait while the other reads. */
static void two_at_once(void)
{
    struct fl_tls_client_config me = as(&known);
    struct keeper k = {0};
    struct pair p[2];
    struct fl_tls *first;
    enum fl_tls_want want;
    unsigned char bytes[64];
    unsigned next[2] = {0, 0};
    bool good = true;
    size_t n;

    for (int i = 0; i < 2; i++) {
        pair_open(&p[i], &k, true, &me);
        if (i == 1) { /* over the context of the first */
            fl_tls_free(p[1].server);
            if (fl_tls_accept(p[0].server_ctx, p[1].fd[0], &p[1].peer, &p[1].server, NULL) != FL_OK)
                abort();
        }
        pair_shake(&p[i]);
        for (unsigned char line = 0; line < 200; line++) { /* a record each */
            memset(bytes, line, sizeof bytes);
            good = good && fl_tls_write(p[i].client, fl_span_of(bytes, sizeof bytes), &n, &want,
                                        NULL) == FL_OK;
        }
    }
    for (int i = 0; i < 400 && good; i++) {
        int of = i % 7 < 3 ? 0 : 1; /* turns of three and four records */

        if (next[of] == 200)
            of = 1 - of;
        good = fl_tls_read(p[of].server, bytes, sizeof bytes, &n, &want, NULL) == FL_OK &&
               n == sizeof bytes && bytes[0] == next[of] && bytes[63] == next[of];
        next[of]++;
    }
    CHECK(good && next[0] == 200 && next[1] == 200, "two connections are read in turns");
    CHECK(fl_tls_read(p[0].server, bytes, 1, &n, &want, NULL) == FL_E_AGAIN &&
              fl_tls_read(p[1].server, bytes, 1, &n, &want, NULL) == FL_E_AGAIN,
          "to the end of each");
    memset(bytes, 7, sizeof bytes);
    for (int i = 0; i < 2; i++)
        good = good && fl_tls_write(p[0].client, fl_span_of(bytes, 64), &n, &want, NULL) == FL_OK;
    first = p[0].server;
    good = good && fl_tls_read(first, bytes, 64, &n, &want, NULL) == FL_OK && n == 64;
    CHECK(good && fl_tls_pending(first) &&
              fl_tls_read(p[1].server, bytes, 1, &n, &want, NULL) == FL_E_AGAIN &&
              fl_tls_pending(first),
          "what was read ahead is known of");
    pair_close(&p[0]);
    pair_close(&p[1]);
}

int main(void)
{
    (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    ca = make_cert((struct made_how){"ca", NULL, true, NULL, 86400});
    other_ca = make_cert((struct made_how){"other ca", NULL, true, NULL, 86400});
    server = make_cert((struct made_how){"server", &ca, false, "serverAuth", 86400});
    known = make_cert((struct made_how){"known\033[31m\n", &ca, false, "clientAuth", 86400});
    revoked = make_cert((struct made_how){"revoked", &ca, false, "clientAuth", 86400});
    stranger = make_cert((struct made_how){"stranger", NULL, false, NULL, 86400});
    expired = make_cert((struct made_how){"expired", &ca, false, "clientAuth", -60});
    server_use = make_cert((struct made_how){"for servers", &ca, false, "serverAuth", 86400});
    leaf = make_cert((struct made_how){"leaf", &ca, false, "clientAuth", 86400});
    admitted();
    refused();
    server_only();
    wrong_server();
    authorities();
    trouble();
    no_resuming();
    two_at_once();
    made_done(&ca), made_done(&other_ca), made_done(&server), made_done(&known);
    made_done(&revoked), made_done(&stranger), made_done(&expired), made_done(&server_use);
    made_done(&leaf);
    return tap_done();
}
