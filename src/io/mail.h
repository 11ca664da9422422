/*
 * mail.h - one mail handed to a server (RFC 5321, 5322) over libcurl. Blocks: for a thread of its
 * own.
 *
 * Plain text in UTF-8, always base64, so no line of it is looked at by anybody on the way; the
 * subject as encoded words (RFC 2047). Nothing that is given can end up as a header of its own:
 * control characters are refused. TLS from the first byte, or STARTTLS that must be offered, or
 * none; a name and password are never given without TLS.
 */
#ifndef FL_IO_MAIL_H
#define FL_IO_MAIL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/buf.h"
#include "io/outside.h"

#define FL_MAIL_BODY_MAX   ((size_t)64 * 1024)
#define FL_MAIL_ANSWER_MAX 400u

enum fl_mail_tls { FL_MAIL_STARTTLS, FL_MAIL_TLS, FL_MAIL_PLAIN };

struct fl_mail_server {
    char host[FL_HOST_LEN + 1];
    uint16_t port;
    enum fl_mail_tls tls;
    const char *from; /* address */
    const char *user; /* "": no signing in */
    struct fl_span password;
    const struct fl_outside *to; /* private_ok and ca_pem; allow is not asked */
};

struct fl_mail {
    struct fl_span to;      /* one address */
    struct fl_span subject; /* UTF-8 */
    struct fl_span body;    /* UTF-8, lines end with \n */
    struct fl_span id;      /* of letters, digits, . and -: the left part of its Message-ID */
    int64_t now_us;         /* for Date */
};

/* The mail as it goes over the wire, dot-stuffing apart. FL_E_INVAL names what does not fit. Pure.
 */
int fl_mail_write(const struct fl_mail *mail, const char *from, struct fl_buf *out,
                  struct fl_err *err) FL_MUST_CHECK;

/*
 * FL_OK: the server has taken it over; answer has its last line ("250 2.0.0 queued as 4711").
 * *ret_again: a failure that may pass (the server is away, or says 4xx). FL_E_DENIED: it says no,
 * or our rules do. FL_E_IO, FL_E_TIMEOUT, FL_E_INVAL.
 */
int fl_mail_send(const struct fl_mail_server *server, const struct fl_mail *mail,
                 const atomic_bool *stop, char ret_answer[FL_MAIL_ANSWER_MAX + 1], bool *ret_again,
                 struct fl_err *err) FL_MUST_CHECK;

#endif
