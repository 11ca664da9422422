/*
 * send.h - one connection to a Fairlead listener, as a device would have it: framing, TLS, a
 * bounded buffer. For `fairlead logs send` and `fairlead demo`.
 *
 * Non-blocking except where said. One thread.
 */
#ifndef FL_CLI_SEND_H
#define FL_CLI_SEND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "cli/args.h"
#include "io/tls.h"

#define FL_SENDER_BUFFER_BYTES ((size_t)256 * 1024)

enum fl_sender_framing {
    FL_SENDER_OCTET,   /* "LEN line", RFC 5425 */
    FL_SENDER_NEWLINE, /* "line\n" */
    FL_SENDER_AS_IS    /* nothing is added */
};

struct fl_sender_config {
    const char *to;         /* "host:port" */
    struct fl_tls_ctx *tls; /* borrowed; NULL: plain */
    bool datagrams;         /* UDP: one line each, no framing */
    enum fl_sender_framing framing;
    bool record_per_line; /* one TLS record for each line, as devices do */
};

struct fl_sender;

/* Connects and shakes hands; blocks for 10 s at most. FL_E_DENIED: one side refused the other's
 * certificate. */
int fl_sender_new(const struct fl_sender_config *config, struct fl_sender **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_sender_free(struct fl_sender *s); /* NULL is allowed */

/* Take one line. FL_E_AGAIN: the buffer is full, pump first. FL_E_LIMIT: longer than the buffer. */
int fl_sender_put(struct fl_sender *s, struct fl_span line, struct fl_err *err) FL_MUST_CHECK;
/* Write what the socket takes, and notice when the other side ended it. Errors are final. */
int fl_sender_pump(struct fl_sender *s, struct fl_err *err) FL_MUST_CHECK;

size_t fl_sender_waiting(const struct fl_sender *s); /* bytes not yet written */
int fl_sender_fd(const struct fl_sender *s);         /* for poll() */
short fl_sender_events(const struct fl_sender *s);   /* what to poll for */
uint64_t fl_sender_bytes(const struct fl_sender *s); /* written, with framing, before TLS */
const char *fl_sender_version(struct fl_sender *s);  /* of TLS, or "plain" */

/*
 * Write the rest, say that it is all, and wait until the other side has read it and closed; blocks
 * for timeout_ms at most. A refusal that TLS 1.3 tells late is noticed here.
 */
int fl_sender_end(struct fl_sender *s, int64_t timeout_ms, struct fl_err *err) FL_MUST_CHECK;

/* The TLS side of a sender from files; NULL where there is none. The key is wiped after use. */
int fl_sender_tls(const char *cert, const char *key, const char *ca, const char *fingerprint_hex,
                  struct fl_tls_ctx **ret, struct fl_err *err) FL_MUST_CHECK;

/* `fairlead logs send`, `fairlead demo` */
int fl_cmd_logs_send(struct fl_cli *cli);
int fl_cmd_demo_run(struct fl_cli *cli);
extern const struct fl_command fl_cmd_demo[];
extern const size_t fl_cmd_demo_count;

#endif
