/*
 * client.h - one request to core, over the local socket or over HTTPS with the token that
 * FAIRLEAD_TOKEN holds; its answer as it comes.
 *
 * Ctrl-C while a request runs cancels it (closing the connection does) and ends the call with
 * FL_E_AGAIN and text "interrupted".
 */
#ifndef FL_CLI_CLIENT_H
#define FL_CLI_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define FL_CLIENT_TYPE_MAX 128

struct fl_answer {
    int status;                    /* as in HTTP */
    char type[FL_CLIENT_TYPE_MAX]; /* of the body */
    struct fl_buf trailer;         /* JSON behind a query's rows; empty when there was none */
};

struct fl_client_ops {
    /* A piece of the body of a 2xx answer. Negative ends the request. May block. */
    int (*body)(void *ctx, const struct fl_answer *answer, struct fl_span piece);
    void *ctx;
};

/*
 * socket: path, "https://HOST:PORT", or NULL for the usual one. A body of another status than 2xx
 * (a problem document) goes to *problem (cleared first). The answer's trailer must have been
 * initialised by fl_answer_init(). FL_E_NOENT, FL_E_DENIED, FL_E_IO: not reached, with what to do
 * about it; FL_E_IO also when the connection ends early (*ret_begun tells whether an answer had
 * begun).
 */
int fl_client_run(const char *socket, const char *method, const char *path, struct fl_span body,
                  const struct fl_client_ops *ops, struct fl_answer *ret, struct fl_buf *problem,
                  bool *ret_begun, struct fl_err *err) FL_MUST_CHECK;

void fl_answer_init(struct fl_answer *answer);
void fl_answer_done(struct fl_answer *answer);

/* The socket (or https://...) that is used when none is named: FAIRLEAD_SERVER, else of the
 * configuration (or of `make run`, where that one is not there). */
int fl_client_socket(const char *named, char *path, size_t size, struct fl_err *err) FL_MUST_CHECK;

/* Sleep, unless Ctrl-C; true when interrupted. */
bool fl_client_pause(int64_t ms);
bool fl_client_interrupted(void);

#endif
