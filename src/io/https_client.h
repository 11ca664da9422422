/*
 * https_client.h - one HTTPS request and its answer as it comes, for the command line (libcurl).
 *
 * Blocks. TLS 1.2 at least, the certificate and its name are checked, redirects are not followed,
 * no proxy is asked, nothing but https.
 */
#ifndef FL_IO_HTTPS_CLIENT_H
#define FL_IO_HTTPS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define FL_HTTPS_HEADER_MAX 8192u /* bytes of one header of an answer */

struct fl_https_ops {
    /* The status, once. */
    void (*head)(void *ctx, int status);
    /* A header or a trailer; the name in lower case. */
    void (*header)(void *ctx, struct fl_span name, struct fl_span value);
    /* A piece of the body; negative ends the request with that code. */
    int (*body)(void *ctx, struct fl_span piece);
    /* Asked about every second, and between pieces: true ends it with FL_E_AGAIN "interrupted". */
    bool (*stop)(void *ctx);
};

struct fl_https_request {
    const char *server; /* "https://host[:port]" */
    const char *method, *path;
    struct fl_span body;    /* JSON, or empty */
    const char *token;      /* for Authorization: Bearer; NULL = none */
    const char *ca_file;    /* PEM; NULL: the CAs of this machine */
    const char *accept;     /* NULL: anything */
    int64_t answer_idle_ms; /* longest silence while the answer comes; 0: no end */
};

/*
 * FL_OK when the answer is whole, whatever its status. FL_E_INVAL: the address is no such URL.
 * FL_E_IO: not reached, or it broke off. FL_E_DENIED: the certificate is not trusted.
 */
int fl_https_ask(const struct fl_https_request *request, const struct fl_https_ops *ops, void *ctx,
                 struct fl_err *err) FL_MUST_CHECK;

#endif
