/*
 * outside.h - where connections of ours may go: destinations by name, addresses by what they are.
 *
 * A name that is allowed may still lead to an address inside one's own network, by mistake or by
 * somebody's intent (the DNS is others'). So the address is looked at where the socket is made, the
 * very one that is connected to. Sources: RFC 6890 and the IANA special-purpose registries.
 */
#ifndef FL_IO_OUTSIDE_H
#define FL_IO_OUTSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "codec/url.h"

struct sockaddr;

struct fl_outside {
    struct fl_span allow;      /* list of destinations (codec/url.h); borrowed */
    struct fl_span private_ok; /* those among them whose addresses may be anything */
    struct fl_span ca_pem;     /* authorities that are trusted; empty: no TLS at all */
};

enum fl_outside_kind {
    FL_OUTSIDE_PUBLIC,
    FL_OUTSIDE_PRIVATE, /* loopback, private, link-local, shared, documentation, mapped, ... */
    FL_OUTSIDE_NEVER    /* unspecified, multicast, broadcast, of another family */
};

/* ip: 4 or 16 bytes in network order. */
enum fl_outside_kind fl_outside_kind(const unsigned char *ip, unsigned len);

/* FL_E_DENIED: the host is not in the list; says which setting to change. */
int fl_outside_host(const struct fl_outside *o, const char *host, uint16_t port, uint16_t usual,
                    struct fl_err *err) FL_MUST_CHECK;

/* FL_E_DENIED: what is wrong with the address that the name led to. */
int fl_outside_address(const struct fl_outside *o, const char *host, uint16_t port, uint16_t usual,
                       const struct sockaddr *address, struct fl_err *err) FL_MUST_CHECK;

#endif
