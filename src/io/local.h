/*
 * local.h - the local socket on which the command line talks to core: connecting and accepting.
 *
 * The supervisor binds it; core accepts; who the caller is comes from the kernel
 * (fl_imsg_peer_uid), never from the message.
 */
#ifndef FL_IO_LOCAL_H
#define FL_IO_LOCAL_H

#include "base/err.h"

/*
 * Connect to the stream socket at path; the descriptor is non-blocking and closed on exec.
 * FL_E_NOENT: no such socket; FL_E_DENIED: the file's rights refuse; FL_E_IO: nobody listens, or
 * the system's reason.
 */
int fl_local_connect(const char *path, int *ret_fd, struct fl_err *err) FL_MUST_CHECK;

/* One waiting caller. FL_E_AGAIN: none waits any more; FL_E_LIMIT: out of descriptors. */
int fl_local_accept(int listen_fd, int *ret_fd, struct fl_err *err) FL_MUST_CHECK;

#endif
