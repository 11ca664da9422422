/*
 * fetch.h - one HTTP request to a destination that is allowed, and its answer, with limits
 * (libcurl). Blocks: for a thread of its own.
 *
 * https with TLS 1.2 at least and a certificate that is checked, or http where plain says so. Each
 * address is checked where the socket is made (outside.h). Redirects: at most FL_FETCH_HOPS, to the
 * same host only, never from https to http. No proxy, no cookies, no credentials. The answer's size
 * is limited as it comes and as it is unpacked (gzip), its time as a whole and where it stalls.
 */
#ifndef FL_IO_FETCH_H
#define FL_IO_FETCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/outside.h"

#define FL_FETCH_HOPS      3u
#define FL_FETCH_HEAD_MAX  ((size_t)64 * 1024) /* of all headers */
#define FL_FETCH_VALUE_MAX 1024u

struct fl_fetch_ask {
    struct fl_span url;
    bool plain;                  /* http is right */
    struct fl_span etag;         /* If-None-Match; empty: none */
    struct fl_span modified;     /* If-Modified-Since */
    struct fl_span post;         /* a body: POST, which is not redirected; empty: GET */
    const char *type;            /* of post */
    const char *const *headers;  /* "Name: value", NULL behind the last; may be NULL */
    uint32_t timeout_ms;         /* the whole */
    const struct fl_outside *to; /* where it may go */
    const atomic_bool *stop;     /* ends it soon with FL_E_AGAIN; may be NULL */
};

struct fl_fetch_got {
    int status; /* 0: no answer came */
    char etag[FL_FETCH_VALUE_MAX + 1], modified[FL_FETCH_VALUE_MAX + 1];
    uint32_t retry_after_s;
    uint64_t wire_bytes;      /* that came, packed */
    char url[FL_URL_MAX + 1]; /* that answered, behind redirects */
};

/* Once per process, before its first thread. */
int fl_fetch_init(struct fl_err *err) FL_MUST_CHECK;

/*
 * FL_OK: an answer is whole, with whatever status; its body is in body, whose maximum bounds it.
 * FL_E_DENIED: our own rules forbid it, or the certificate is not trusted. FL_E_LIMIT: larger than
 * body may become. FL_E_TIMEOUT, FL_E_IO, FL_E_PROTO, FL_E_INVAL (the address). *ret is filled in
 * any case, as far as it came.
 */
int fl_fetch(const struct fl_fetch_ask *ask, struct fl_buf *body, struct fl_fetch_got *ret,
             struct fl_err *err) FL_MUST_CHECK;

#endif
