/*
 * sock.h - bound sockets, made by the supervisor and handed to the roles.
 *
 * Addresses are numeric, "192.0.2.1:514" or "[2001:db8::1]:514"; [::] takes IPv4 too. Sockets are
 * non-blocking and close-on-exec. Error texts are sentences that name the address and say what to
 * do. FL_E_EXISTS: in use; FL_E_DENIED: not allowed; FL_E_INVAL: not an address of this machine.
 */
#ifndef FL_IO_SOCK_H
#define FL_IO_SOCK_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define FL_SOCK_TEXT_BYTES 128

/* A listening TCP socket, with TCP_NODELAY for what it accepts. */
int fl_sock_listen_tcp(const char *address, int *ret_fd, struct fl_err *err) FL_MUST_CHECK;

/* A bound UDP socket that counts what the kernel drops (SO_RXQ_OVFL), with a large buffer. */
int fl_sock_bind_udp(const char *address, int *ret_fd, struct fl_err *err) FL_MUST_CHECK;

/*
 * A listening stream socket in the file system. A socket left over by a dead process is replaced;
 * one that somebody serves is FL_E_EXISTS, and so is anything that is not a socket.
 */
int fl_sock_listen_unix(const char *path, mode_t mode, int *ret_fd, struct fl_err *err)
    FL_MUST_CHECK;

/* The address that fd is bound to, with the port that the kernel chose. */
void fl_sock_name(int fd, char ret_text[FL_SOCK_TEXT_BYTES]);

/* Two connected stream sockets, close-on-exec. */
int fl_sock_pair(int ret_fds[2], struct fl_err *err) FL_MUST_CHECK;

#endif
