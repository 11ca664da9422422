#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "io/sock.h"

/* All that a child gets of the environment; the others are for builds with sanitizers. */
static const char *const kept[] = {"PATH",          "TZ",           "ASAN_OPTIONS",
                                   "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"};

/* Pointers into environ: valid between fork and exec. */
static void filter_env(char *ret_envp[FL_LEN(kept) + 1])
{
    size_t n = 0;

    for (size_t k = 0; k < FL_LEN(kept); k++)
        for (char **e = environ; *e != NULL; e++)
            if (strncmp(*e, kept[k], strlen(kept[k])) == 0 && (*e)[strlen(kept[k])] == '=')
                ret_envp[n++] = *e;
    ret_envp[n] = NULL;
}

/* Between fork and exec: async-signal-safe calls only. */
static FL_NORETURN void become(const char *const *argv, char *const *envp, int fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        _exit(127);
    if (fd == FL_CHILD_FD ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, FL_CHILD_FD) < 0)
        _exit(127);
    if (close_range(FL_CHILD_FD + 1, ~0u, 0) < 0)
        _exit(127);
    (void)execve("/proc/self/exe", (char *const *)(uintptr_t)argv, envp);
    _exit(127);
}

int fl_child_start(const char *const *argv, pid_t *ret_pid, int *ret_fd, struct fl_err *err)
{
    char *envp[FL_LEN(kept) + 1];
    int fds[2], r = fl_sock_pair(fds, err);
    pid_t pid;

    if (r < 0)
        return r;
    filter_env(envp);
    pid = fork();
    if (pid == 0)
        become(argv, envp, fds[1]);
    r = errno;
    fl_fd_close(&fds[1]);
    if (pid < 0) {
        fl_fd_close(&fds[0]);
        return fl_err_sys(err, FL_E_IO, r, "start a process");
    }
    *ret_pid = pid;
    *ret_fd = fds[0];
    return FL_OK;
}

pid_t fl_child_reap(char ret_how[64])
{
    int status;
    pid_t pid;

    do
        pid = waitpid(-1, &status, WNOHANG);
    while (pid < 0 && errno == EINTR);
    if (pid <= 0)
        return 0;
    if (WIFSIGNALED(status))
        (void)snprintf(ret_how, 64, "killed by signal %d (%s)", WTERMSIG(status),
                       sigabbrev_np(WTERMSIG(status)) == NULL ? "?"
                                                              : sigabbrev_np(WTERMSIG(status)));
    else
        (void)snprintf(ret_how, 64, "exit %d", WEXITSTATUS(status));
    return pid;
}

pid_t fl_child_parent(void)
{
    struct ucred cred = {0};
    socklen_t len = sizeof cred;

    return getsockopt(FL_CHILD_FD, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 ? 0 : cred.pid;
}

void fl_child_name(const char *name)
{
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
}
