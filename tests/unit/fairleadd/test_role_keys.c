/* The keys role on its loop in one thread, its peers' ends of the links in another. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "tap.h"
#include "trust/ca.h"
#include "trust/cap.h"
#include "trust/destroyed.h"
#include "trust/keyring_rpc.h"
#include "trust/ledger_rpc.h"
#include "trust/receipt.h"
#include "unit/fairleadd/keys_world.h"
#include "unit/trust/folder.h"

enum { WAIT_MS = 20000 };

struct world {
    struct folder dir, ledger_dir;
    struct fl_conf *conf;
    struct keys_role keys;
    struct fl_rpc *rpc[FL_ROLE_COUNT];
    struct fl_keyring *ring;
    struct fl_buf reply;
    struct fl_err err;
    unsigned char cap_key[FL_CAP_PUBLIC_BYTES];
};

static int world_start(struct world *w)
{
    static const enum fl_role peers[] = {FL_ROLE_STORE, FL_ROLE_CORE, FL_ROLE_INGEST};
    int r = keys_start(&w->keys, w->conf, w->dir.fd, w->ledger_dir.fd, &w->err);

    if (r < 0)
        return r;
    fl_buf_init(&w->reply, FL_MSG_MAX_BYTES);
    for (size_t i = 0; i < FL_LEN(peers); i++)
        w->rpc[peers[i]] = keys_peer(&w->keys, peers[i]);
    if (fl_keyring_rpc_new(w->rpc[FL_ROLE_STORE], WAIT_MS, &w->ring, &w->err) < 0)
        abort();
    return 0;
}

static void world_stop(struct world *w)
{
    keys_stop(&w->keys);
    fl_keyring_rpc_free(w->ring);
    for (size_t i = 0; i < FL_ROLE_COUNT; i++) {
        fl_rpc_free(w->rpc[i]);
        w->rpc[i] = NULL;
    }
    fl_buf_done(&w->reply);
}

static int call(struct world *w, enum fl_role from, enum fl_msg_type type, const void *msg,
                enum fl_msg_type answer, void *ret)
{
    fl_buf_clear(&w->reply);
    w->err = (struct fl_err){0};
    return fl_rpc_call(w->rpc[from], type, msg, answer, ret, &w->reply, WAIT_MS, &w->err);
}

static bool says(const struct world *w, const char *text)
{
    bool found = strstr(w->err.text, text) != NULL;

    if (!found)
        printf("# it says: %s\n", w->err.text);
    return found;
}

/* ---- store ---- */

static void take_cap_key(struct world *w)
{
    struct fl_msg_cap_key key = {0};

    fl_buf_clear(&w->reply);
    CHECK(fl_rpc_expect(w->rpc[FL_ROLE_STORE], FL_MSG_CAP_KEY, &key, &w->reply, WAIT_MS, &w->err) ==
                  0 &&
              key.public_key.len == sizeof w->cap_key,
          "store is given the key of capabilities first");
    if (key.public_key.len == sizeof w->cap_key)
        memcpy(w->cap_key, key.public_key.ptr, sizeof w->cap_key);
}

static void check_store(struct world *w)
{
    unsigned char a[FL_KEY_BYTES], b[FL_KEY_BYTES], id[FL_FILE_ID_BYTES] = {1};
    struct fl_msg_keys_stat stat = {0};
    struct fl_destroyed d;
    struct fl_msg_file_key_ask odd = {.tenant = 1, .day = 5, .file_id = FL_SPAN("short")};
    struct fl_msg_file_key key;

    CHECK(w->ring->ops->file_new(w->ring, 1, 5, id, a, &w->err) == 0 &&
              w->ring->ops->file_get(w->ring, 1, 5, id, b, &w->err) == 0 &&
              memcmp(a, b, sizeof a) == 0,
          "a file's key over the link");
    CHECK(w->ring->ops->file_new(w->ring, 1, 5, id, a, &w->err) == FL_E_EXISTS, "made once");
    CHECK(w->ring->ops->file_get(w->ring, 2, 5, id, a, &w->err) == FL_E_NOENT,
          "of no other tenant");
    CHECK(call(w, FL_ROLE_STORE, FL_MSG_FILE_KEY_ASK, &odd, FL_MSG_FILE_KEY, &key) == FL_E_PROTO,
          "an id of another length is refused");
    CHECK(w->ring->ops->destroy(w->ring, 1, 5, id, "retention", &d, &w->err) == 0 && d.keys == 1 &&
              d.epoch == 2 && strcmp(d.root_kind, "file") == 0 &&
              w->ring->ops->file_get(w->ring, 1, 5, id, a, &w->err) == FL_E_NOENT,
          "destroyed");
    CHECK(call(w, FL_ROLE_CORE, FL_MSG_KEYS_STAT_ASK, NULL, FL_MSG_KEYS_STAT, &stat) == 0 &&
              stat.epoch == 2 && stat.destroy_key.len == 32 &&
              fl_destroyed_verify(1, 5, id, "retention", &d, stat.destroy_key.ptr, &w->err) == 0,
          "with a certificate that verifies");
    CHECK(w->ring->ops->destroy(w->ring, 9, FL_DAY_NONE, NULL, "purge", &d, &w->err) == 0 &&
              d.keys == 0,
          "of a tenant without keys");
    CHECK(w->ring->ops->file_new(w->ring, 1, 6, id, a, &w->err) == 0, "one to find again later");
}

/* Several at once, and which there are, page by page. */
static void check_lists(struct world *w)
{
    struct fl_key_file *files = calloc(FL_KEY_FILES_MAX + 10, sizeof *files), *got = NULL;
    unsigned char key[FL_KEY_BYTES];
    struct fl_destroyed d;
    uint32_t count = 0, bad = 0;
    const uint32_t n = 100;

    if (files == NULL)
        abort();
    for (uint32_t i = 0; i < n; i++) {
        files[i].day = (int32_t)(i % 3);
        memcpy(files[i].file_id, &i, sizeof i);
        bad +=
            w->ring->ops->file_new(w->ring, 12, files[i].day, files[i].file_id, key, &w->err) < 0;
    }
    CHECK(bad == 0 && w->ring->ops->list_files(w->ring, 12, &got, &count, &w->err) == 0 &&
              count == n && got[0].day == 0 && got[n - 1].day == 2,
          "the files that have keys");
    free(got);
    got = NULL;
    CHECK(w->ring->ops->destroy_files(w->ring, 12, files, n - 1, "erasure", &d, &w->err) == 0 &&
              d.keys == n - 1,
          "many destroyed at once");
    CHECK(w->ring->ops->list_files(w->ring, 12, &got, &count, &w->err) == 0 && count == 1 &&
              memcmp(got[0].file_id, files[n - 1].file_id, FL_FILE_ID_BYTES) == 0,
          "the others stay");
    free(got);
    CHECK(w->ring->ops->destroy_files(w->ring, 12, files, FL_KEY_FILES_MAX + 1, "x", &d, &w->err) ==
              FL_E_LIMIT,
          "too many are refused");
    free(files);
}

/* ---- ingest ---- */

static bool signature_holds(struct fl_span pem, struct fl_span digest, struct fl_span sig)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(X509_get0_pubkey(cert), NULL);
    bool ok = EVP_PKEY_verify_init(ctx) == 1 &&
              EVP_PKEY_verify(ctx, sig.ptr, sig.len, digest.ptr, digest.len) == 1;

    EVP_PKEY_CTX_free(ctx);
    X509_free(cert);
    BIO_free(bio);
    return ok;
}

static void check_ingest(struct world *w, unsigned char ret_ca[32])
{
    struct fl_msg_cert cert;
    struct fl_cert_info server, ca;
    struct fl_buf chain;
    unsigned char digest[32] = {9};
    struct fl_msg_sign_ask ask = {.digest = fl_span_of(digest, sizeof digest)};
    struct fl_msg_sign sign;

    fl_buf_init(&chain, FL_CERT_PEM_MAX);
    CHECK(call(w, FL_ROLE_INGEST, FL_MSG_CERT_ASK, NULL, FL_MSG_CERT, &cert) == 0 &&
              fl_cert_read(cert.chain_pem, &server, &w->err) == 0 &&
              fl_cert_check_ca(cert.ca_pem, fl_now_us(), &ca, &w->err) == 0 &&
              strncmp(ca.subject, "CN=Fairlead CA ", 15) == 0,
          "the server's certificate and the CA");
    memcpy(ret_ca, ca.fingerprint, 32);
    fl_buf_put_span(&chain, cert.chain_pem);
    CHECK(fl_ca_server_fits(fl_buf_span(&chain), "logs.example.net,192.0.2.1", fl_now_us()),
          "for the names of the settings");
    CHECK(call(w, FL_ROLE_INGEST, FL_MSG_SIGN_ASK, &ask, FL_MSG_SIGN, &sign) == 0 &&
              signature_holds(fl_buf_span(&chain), ask.digest, sign.signature),
          "a digest is signed by the certificate's key");
    ask.key = fl_span_of(digest, sizeof digest);
    CHECK(call(w, FL_ROLE_INGEST, FL_MSG_SIGN_ASK, &ask, FL_MSG_SIGN, &sign) == FL_E_NOENT,
          "not by another key");
    ask.key = FL_SPAN("");
    ask.digest.len = 31;
    CHECK(call(w, FL_ROLE_INGEST, FL_MSG_SIGN_ASK, &ask, FL_MSG_SIGN, &sign) == FL_E_INVAL &&
              says(w, "31 bytes"),
          "what is no digest is not");
    fl_buf_done(&chain);
}

/* ---- core ---- */

static void check_db_key(struct world *w, unsigned char ret[2][32])
{
    struct fl_msg_db_key key;

    CHECK(call(w, FL_ROLE_CORE, FL_MSG_DB_KEY_ASK, NULL, FL_MSG_DB_KEY, &key) == 0 &&
              key.key.len == 32 && key.actor_key.len == 32 &&
              memcmp(key.key.ptr, key.actor_key.ptr, 32) != 0,
          "keys of the database and of actors");
    memcpy(ret[0], key.key.ptr, 32);
    memcpy(ret[1], key.actor_key.ptr, 32);
}

static void check_csr(struct world *w)
{
    struct fl_buf key, csr;
    struct fl_msg_csr_sign ask = {
        .days = 30, .tenant = FL_SPAN("acme"), .device = FL_SPAN("br-0421")};
    struct fl_msg_csr_signed cert;
    struct fl_cert_info info;

    fl_buf_init(&key, 4096);
    fl_buf_init(&csr, FL_CERT_PEM_MAX);
    if (fl_cert_make_request("x", &key, &csr, &w->err) < 0)
        abort();
    ask.csr_pem = fl_buf_span(&csr);
    CHECK(call(w, FL_ROLE_CORE, FL_MSG_CSR_SIGN, &ask, FL_MSG_CSR_SIGNED, &cert) == 0 &&
              fl_cert_read(cert.cert_pem, &info, &w->err) == 0 &&
              strcmp(info.subject, "CN=br-0421") == 0 && cert.fingerprint.len == 32 &&
              memcmp(cert.fingerprint.ptr, info.fingerprint, 32) == 0 &&
              cert.not_after_us == info.not_after_us,
          "a device's request is signed");
    ask.device = FL_SPAN("a\nb");
    CHECK(call(w, FL_ROLE_CORE, FL_MSG_CSR_SIGN, &ask, FL_MSG_CSR_SIGNED, &cert) == FL_E_INVAL,
          "not for a name that is no slug");
    ask.device = FL_SPAN("ok");
    ask.days = 9999;
    CHECK(call(w, FL_ROLE_CORE, FL_MSG_CSR_SIGN, &ask, FL_MSG_CSR_SIGNED, &cert) == FL_E_INVAL &&
              says(w, "1 to 825 days"),
          "not for 9999 days");
    fl_buf_done(&key);
    fl_buf_done(&csr);
}

static int ask_cap(struct world *w, uint32_t tenant, uint32_t scope, const char *purpose,
                   struct fl_cap *ret)
{
    struct fl_msg_cap_ask ask = {tenant, scope, fl_span_str(purpose), 1000, 0};
    struct fl_msg_cap answer;
    int r = call(w, FL_ROLE_CORE, FL_MSG_CAP_ASK, &ask, FL_MSG_CAP, &answer);

    return r < 0 ? r : fl_cap_check(answer.cap, w->cap_key, fl_now_us(), scope, ret, &w->err);
}

static int grant(struct world *w, uint32_t tenant, int64_t until_us)
{
    struct fl_msg_grant ask = {tenant, until_us};

    return call(w, FL_ROLE_CORE, FL_MSG_GRANT, &ask, FL_MSG_DONE, NULL);
}

static bool was_audited(struct world *w, const char *event, const char *part)
{
    struct fl_msg_audit msg;

    fl_buf_clear(&w->reply);
    return fl_rpc_expect(w->rpc[FL_ROLE_CORE], FL_MSG_AUDIT, &msg, &w->reply, WAIT_MS, &w->err) ==
               0 &&
           fl_span_eq(msg.event, fl_span_str(event)) &&
           memmem(msg.detail.ptr, msg.detail.len, part, strlen(part)) != NULL;
}

static void check_caps(struct world *w)
{
    const int64_t minute = 60 * FL_US_PER_S;
    int64_t now = fl_now_us();
    struct fl_cap cap;

    CHECK(ask_cap(w, 5, FL_CAP_READ, "query", &cap) == FL_E_DENIED && says(w, "no local access"),
          "without a grant nothing is read");
    CHECK(was_audited(w, "cap.refused", "\"tenant_id\":5"), "the refusal is an event");
    CHECK(grant(w, 5, now + 5 * minute) == 0, "a grant");
    CHECK(was_audited(w, "keys.grant", "\"tenant_id\":5"), "is an event");
    CHECK(ask_cap(w, 5, FL_CAP_READ, "query", &cap) == 0 && cap.tenant == 5 &&
              cap.scope == FL_CAP_READ && cap.not_after_us == now + 5 * minute &&
              strcmp(cap.purpose, "query") == 0,
          "with it, until it ends at the latest");
    CHECK(was_audited(w, "cap.minted", "\"purpose\":\"query\""), "the capability is an event");
    CHECK(ask_cap(w, 6, FL_CAP_READ, "query", &cap) == FL_E_DENIED, "of that tenant only");
    CHECK(ask_cap(w, 5, FL_CAP_EXPORT, "query", &cap) == FL_E_DENIED && says(w, "does not allow"),
          "a query does not export");
    CHECK(ask_cap(w, 5, FL_CAP_READ | FL_CAP_EXPORT, "export", &cap) == 0, "an export does");
    CHECK(ask_cap(w, 5, FL_CAP_READ, "curiosity", &cap) == FL_E_DENIED && says(w, "a purpose is"),
          "an unknown purpose");
    CHECK(ask_cap(w, 5, 0, "query", &cap) == FL_E_DENIED &&
              ask_cap(w, 5, 1u << 20, "query", &cap) == FL_E_DENIED,
          "no scope, an unknown one");
    CHECK(ask_cap(w, 6, FL_CAP_PURGE, "operations", &cap) == 0 &&
              ask_cap(w, 6, FL_CAP_PURGE | FL_CAP_READ, "operations", &cap) == FL_E_DENIED,
          "purging needs no grant, reading does");
    CHECK(grant(w, 5, 0) == 0 && ask_cap(w, 5, FL_CAP_READ, "query", &cap) == FL_E_DENIED,
          "an ended grant");
    CHECK(grant(w, 5, now + 32 * FL_US_PER_DAY) == FL_E_INVAL && says(w, "31 days"), "too long");
    now = fl_now_us();
    CHECK(grant(w, 7, INT64_MAX) == 0 && ask_cap(w, 7, FL_CAP_READ, "query", &cap) == 0 &&
              cap.not_after_us >= now + 10 * minute && cap.not_after_us < now + 11 * minute,
          "the demonstration tenant: ten minutes");
    CHECK(ask_cap(w, 7, FL_CAP_READ, "tail", &cap) == 0 && cap.not_after_us >= now + 720 * minute &&
              cap.not_after_us < now + 721 * minute,
          "a tail: twelve hours");
}

static struct fl_ledger_link *link_of(struct world *w)
{
    struct fl_ledger_link *link = NULL;

    if (fl_ledger_rpc_new(w->rpc[FL_ROLE_STORE], WAIT_MS, &link, &w->err) < 0)
        abort();
    return link;
}

static void check_ledger(struct world *w)
{
    struct fl_ledger_link *link = link_of(w);
    struct fl_msg_receipt_ask ask = {.after = 0, .limit = 10};
    struct fl_msg_keys_stat stat;
    struct fl_msg_receipt receipt;
    unsigned char public[32];
    struct fl_buf text;
    uint64_t number = 0, found = 0;
    bool again = true;

    fl_buf_init(&text, 100000);
    CHECK(link->ops->begin(link, FL_SPAN("rule one"), &number, &w->err) == 0 && number == 1,
          "an erasure is written down");
    CHECK(link->ops->pending(link, 0, &found, &again, &text, &w->err) == 0 && found == 1 &&
              !again && fl_span_eq(fl_buf_span(&text), FL_SPAN("rule one")),
          "and is to be done");
    fl_buf_clear(&text);
    CHECK(link->ops->done(link, 1, FL_SPAN("{\"rows\":2}"), &text, &w->err) == 0 &&
              fl_receipt_verify(fl_buf_span(&text), public, &w->err) == 0,
          "then there is a receipt that verifies");
    CHECK(call(w, FL_ROLE_CORE, FL_MSG_KEYS_STAT_ASK, NULL, FL_MSG_KEYS_STAT, &stat) == 0 &&
              memcmp(stat.destroy_key.ptr, public, 32) == 0,
          "with the key that status shows");
    fl_buf_clear(&text);
    CHECK(link->ops->pending(link, 0, &found, &again, &text, &w->err) == 0 && found == 0,
          "nothing is left to be done");
    CHECK(link->ops->done(link, 9, FL_SPAN("{}"), &text, &w->err) == FL_E_INVAL,
          "the end of what was not begun is refused");
    CHECK(was_audited(w, "logs.erased", "\"receipt\":1"), "the end is an event");
    CHECK(call(w, FL_ROLE_CORE, FL_MSG_RECEIPT_ASK, &ask, FL_MSG_RECEIPT, &receipt) == 0 &&
              receipt.number == 1 && fl_receipt_verify(receipt.text, public, &w->err) == 0,
          "core is given the receipt");
    fl_buf_done(&text);
    fl_ledger_rpc_free(link);
}

static void check_root(struct world *w, unsigned char db_key[2][32])
{
    struct fl_msg_root_change ask = {.uid = 1000};
    struct fl_msg_root_changed changed;
    unsigned char before[32], after[32], keys[2][32], key[FL_KEY_BYTES], id[FL_FILE_ID_BYTES] = {1};
    struct fl_buf text;

    fl_buf_init(&text, 32);
    if (fl_file_read(w->dir.fd, "root.key", &text, NULL) < 0)
        abort();
    memcpy(before, text.ptr, 32);
    CHECK(call(w, FL_ROLE_CORE, FL_MSG_ROOT_CHANGE, &ask, FL_MSG_ROOT_CHANGED, &changed) == 0 &&
              changed.files >= 2 && fl_span_eq(changed.root_kind, FL_SPAN("file")),
          "another root key");
    CHECK(was_audited(w, "keys.root.changed", "\"epoch\":"), "is an event");
    fl_buf_clear(&text);
    if (fl_file_read(w->dir.fd, "root.key", &text, NULL) < 0)
        abort();
    memcpy(after, text.ptr, 32);
    CHECK(memcmp(before, after, 32) != 0, "is in the file");
    check_db_key(w, keys);
    CHECK(memcmp(keys, db_key, 64) == 0 &&
              w->ring->ops->file_get(w->ring, 1, 6, id, key, &w->err) == 0,
          "everything else stays, without a restart");
    fl_buf_done(&text);
}

/* A peer that was taken over asks for what is not its own. */
static void check_rights(struct world *w)
{
    static const struct {
        const char *name;
        enum fl_role from;
        enum fl_msg_type type;
    } cases[] = {
        {"ingest asks for the database's key", FL_ROLE_INGEST, FL_MSG_DB_KEY_ASK},
        {"store asks for the database's key", FL_ROLE_STORE, FL_MSG_DB_KEY_ASK},
        {"core asks for a file's key", FL_ROLE_CORE, FL_MSG_FILE_KEY_ASK},
        {"core asks for a signature", FL_ROLE_CORE, FL_MSG_SIGN_ASK},
        {"ingest asks for a capability", FL_ROLE_INGEST, FL_MSG_CAP_ASK},
        {"store grants itself access", FL_ROLE_STORE, FL_MSG_GRANT},
        {"core ends an erasure", FL_ROLE_CORE, FL_MSG_ERASURE_DONE},
        {"core asks who is to be erased", FL_ROLE_CORE, FL_MSG_ERASURE_ASK},
        {"store changes the root key", FL_ROLE_STORE, FL_MSG_ROOT_CHANGE},
        {"ingest asks for receipts", FL_ROLE_INGEST, FL_MSG_RECEIPT_ASK},
    };

    for (size_t i = 0; i < FL_LEN(cases); i++) {
        const unsigned char frame[12] = {12, 0, 0, 0, (unsigned char)cases[i].type, 0, 0, 0, 1};
        unsigned char in[4096];
        int fd = keys_link(&w->keys, cases[i].from);
        struct timeval limit = {.tv_sec = 20};
        ssize_t n, type = 0;

        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        if (write(fd, frame, sizeof frame) != (ssize_t)sizeof frame)
            abort();
        while ((n = read(fd, in, sizeof in)) > 0)
            type = n >= 6 ? in[4] : 0;
        CHECK(n == 0 && (type == 0 || type == FL_MSG_CAP_KEY), cases[i].name);
        (void)close(fd);
        fl_rpc_relink(w->rpc[cases[i].from], keys_link(&w->keys, cases[i].from));
    }
}

static void check_restart(struct world *w, const unsigned char ca[32],
                          const unsigned char db_key[2][32])
{
    unsigned char before[FL_CAP_PUBLIC_BYTES], again[32], keys[2][32], key[FL_KEY_BYTES];
    unsigned char id[FL_FILE_ID_BYTES] = {1};
    struct fl_cap cap;

    memcpy(before, w->cap_key, sizeof before);
    CHECK(world_start(w) == 0, "started again");
    take_cap_key(w);
    CHECK(memcmp(before, w->cap_key, sizeof before) != 0, "old capabilities are void");
    check_ingest(w, again);
    CHECK(memcmp(ca, again, 32) == 0, "the CA is the same");
    check_db_key(w, keys);
    CHECK(memcmp(keys, db_key, 64) == 0, "and the keys of the database and of actors");
    CHECK(w->ring->ops->file_get(w->ring, 1, 6, id, key, &w->err) == 0, "and a file's");
    CHECK(ask_cap(w, 7, FL_CAP_READ, "query", &cap) == 0 &&
              ask_cap(w, 5, FL_CAP_READ, "query", &cap) == FL_E_DENIED,
          "and the grants");
    world_stop(w);
    CHECK(strstr(logged, "made a server certificate") == NULL, "no new server certificate");
}

static void check_lost(struct world *w)
{
    if (renameat(w->dir.fd, "secrets", w->dir.fd, "aside") < 0)
        abort();
    CHECK(world_start(w) == FL_E_NOENT && says(w, "secrets is missing"),
          "a folder without its secrets is refused");
    if (renameat(w->dir.fd, "aside", w->dir.fd, "secrets") < 0)
        abort();
    (void)unlinkat(w->dir.fd, "root.key", 0);
    CHECK(world_start(w) == FL_E_NOENT && says(w, "root key"),
          "without its root key too, not begun anew");
}

int main(void)
{
    struct world w = {.dir = folder_new(), .ledger_dir = folder_new()};
    struct fl_buf errors;
    unsigned char ca[32], keys[2][32];

    fl_buf_init(&errors, 10000);
    if (fl_conf_parse("test.conf",
                      FL_SPAN("data_dir = /tmp\nserver_names = logs.example.net,192.0.2.1\n"),
                      &w.conf, &errors, &w.err) < 0 ||
        world_start(&w) < 0) {
        printf("Bail out! %s %.*s\n", w.err.text, FL_SPAN_ARG(fl_buf_span(&errors)));
        return 1;
    }
    take_cap_key(&w);
    check_store(&w);
    check_lists(&w);
    check_ingest(&w, ca);
    check_db_key(&w, keys);
    check_csr(&w);
    check_caps(&w);
    check_rights(&w);
    check_ledger(&w);
    check_root(&w, keys);
    world_stop(&w);
    CHECK(strstr(logged, "local access to the logs of tenant 5") != NULL &&
              strstr(logged, "signed a certificate for acme/br-0421") != NULL,
          "grants and certificates stand in the journal");
    check_restart(&w, ca, (const unsigned char(*)[32])keys);
    check_lost(&w);
    fl_conf_free(w.conf);
    fl_buf_done(&errors);
    folder_free(&w.dir);
    folder_free(&w.ledger_dir);
    return tap_done();
}
