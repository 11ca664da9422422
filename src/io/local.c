#include "io/local.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int code_of(int errnum)
{
    switch (errnum) {
    case ENOENT:
    case ENOTDIR:
        return FL_E_NOENT;
    case EACCES:
    case EPERM:
        return FL_E_DENIED;
    default:
        return FL_E_IO;
    }
}

int fl_local_connect(const char *path, int *ret_fd, struct fl_err *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    int fd;

    if (len == 0 || len >= sizeof addr.sun_path)
        return fl_err_set(err, FL_E_INVAL, "a socket path has 1 to %zu bytes, not %zu",
                          sizeof addr.sun_path - 1, len);
    memcpy(addr.sun_path, path, len + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fl_err_sys(err, FL_E_IO, errno, "no socket");
    /* Blocking only here: a listener whose queue is full keeps the caller waiting, as it should. */
    if (connect(fd, (const struct sockaddr *)&addr, sizeof addr) < 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
        int errnum = errno;

        (void)close(fd);
        return fl_err_sys(err, code_of(errnum), errnum, "%s", path);
    }
    *ret_fd = fd;
    return FL_OK;
}

int fl_local_accept(int listen_fd, int *ret_fd, struct fl_err *err)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0) {
        *ret_fd = fd;
        return FL_OK;
    }
    switch (errno) {
    case EAGAIN:
    case EINTR:
    case ECONNABORTED:
        return fl_err_set(err, FL_E_AGAIN, "nobody waits");
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
        return fl_err_sys(err, FL_E_LIMIT, errno, "accept");
    default:
        return fl_err_sys(err, FL_E_IO, errno, "accept");
    }
}
