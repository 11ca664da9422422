/*
 * inet.h - TCP and UDP sockets over IPv4 and IPv6, non-blocking: what came in, what goes out.
 *
 * Addresses are 16 bytes, IPv4 mapped (::ffff:a.b.c.d). Descriptors returned here are non-blocking
 * and close-on-exec, and belong to the caller.
 */
#ifndef FL_IO_INET_H
#define FL_IO_INET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define FL_ADDR_TEXT_BYTES 64

struct fl_addr {
    unsigned char ip[16];
    uint16_t port;
};

/* "10.1.2.3:514" or "[2001:db8::1]:514" */
void fl_addr_text(const struct fl_addr *addr, char text[FL_ADDR_TEXT_BYTES]);

/*
 * The next connection that waits on a listening TCP socket, with keep-alive on, so that a peer that
 * vanished is noticed within about two minutes. FL_E_AGAIN: none waits. FL_E_LIMIT: out of
 * descriptors or memory; try again later. FL_E_IO.
 */
int fl_inet_accept(int listen_fd, int *ret_fd, struct fl_addr *ret_peer, struct fl_err *err)
    FL_MUST_CHECK;

/*
 * Connect to "host:port" or "[v6]:port"; blocks until done, at most timeout_ms per address tried.
 * datagram nonzero: a UDP socket. FL_E_INVAL (the text), FL_E_NOENT (the name), FL_E_TIMEOUT,
 * FL_E_IO.
 */
int fl_inet_connect(const char *to, int datagram, int64_t timeout_ms, int *ret_fd,
                    struct fl_err *err) FL_MUST_CHECK;

/* Up to cap bytes; *ret_n 0 means that the peer ended. FL_E_AGAIN, FL_E_IO. */
int fl_inet_read(int fd, void *buf, size_t cap, size_t *ret_n, struct fl_err *err) FL_MUST_CHECK;
/* *ret_n may be less than len. FL_E_AGAIN, FL_E_IO. */
int fl_inet_write(int fd, struct fl_span bytes, size_t *ret_n, struct fl_err *err) FL_MUST_CHECK;
/* No more will be written; what was written still arrives. */
void fl_inet_write_end(int fd);

/*
 * Datagrams, many per system call. The kernel says how many it dropped because nobody read in
 * time; that count is kept per socket and handed out with the datagram after which it rose.
 */
#define FL_DGRAM_MAX_BYTES ((size_t)65536)
#define FL_DGRAM_BATCH     32u

struct fl_dgram {
    struct fl_span bytes; /* borrowed until the next read */
    struct fl_addr from;
    uint32_t dropped; /* datagrams lost on this socket between the one before and this one */
};

struct fl_dgrams; /* room for FL_DGRAM_BATCH datagrams of one socket, 2 MiB */

/* fd stays the caller's; asks the kernel for a larger receive buffer and for the count of drops. */
int fl_dgrams_new(int fd, struct fl_dgrams **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_dgrams_free(struct fl_dgrams *d);
/* 1..FL_DGRAM_BATCH: so many wait in (*ret)[0..]; FL_E_AGAIN: none; FL_E_IO. */
int fl_dgrams_read(struct fl_dgrams *d, const struct fl_dgram **ret, struct fl_err *err)
    FL_MUST_CHECK;

#endif
