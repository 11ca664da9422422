/*
 * url.h - addresses of the web, as far as we make requests: https://host[:port]/path?query, or http
 * where that is meant. No user name, no fragment, nothing but printable ASCII (RFC 3986, 3).
 *
 * And lists of destinations: "host", "host:port", "*.example.com", "*" between commas. Pure.
 */
#ifndef FL_CODEC_URL_H
#define FL_CODEC_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define FL_URL_MAX  2048u
#define FL_HOST_LEN 253u /* of a name in the DNS */

struct fl_url {
    bool tls;
    char host[FL_HOST_LEN + 1]; /* lower case, without the brackets of an IPv6 address */
    uint16_t port;              /* 443, 80 where none stands there */
    struct fl_span target;      /* path and query, at least "/"; borrowed, or a literal */
};

/* FL_E_INVAL says what is wrong with it. plain: http is right too. */
int fl_url_parse(struct fl_span text, bool plain, struct fl_url *ret, struct fl_err *err)
    FL_MUST_CHECK;

/*
 * What `link` is, seen from `base`: a whole address, "//host/..", "/path" or a relative one.
 * Appends it to out; it is not checked further. FL_E_INVAL: it is of another kind ("mailto:").
 */
int fl_url_join(struct fl_span base, struct fl_span link, struct fl_buf *out, struct fl_err *err)
    FL_MUST_CHECK;

/* Is it of the list? A pattern without a port means the port `usual` (0: any). */
bool fl_hosts_match(struct fl_span list, const char *host, uint16_t port, uint16_t usual);

/* "host" or "host:port" of a setting; *ret_port 0: none stands there. FL_E_INVAL. */
int fl_host_parse(struct fl_span text, char ret_host[FL_HOST_LEN + 1], uint16_t *ret_port,
                  struct fl_err *err) FL_MUST_CHECK;

/* One pattern of such a list. FL_E_INVAL says what would be right. */
int fl_hosts_check(struct fl_span pattern, struct fl_err *err) FL_MUST_CHECK;

#endif
