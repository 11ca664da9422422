/*
 * sandbox.h - what a process gives up before it reads its first byte from anybody.
 *
 * In this order: no core dumps, the user id, all capabilities, no_new_privs, files (Landlock, as
 * far as the kernel's ABI goes), system calls (seccomp, an allow-list). There is no way back, and
 * threads made later inherit all of it. See landlock(7), seccomp(2).
 */
#ifndef FL_IO_SANDBOX_H
#define FL_IO_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum fl_sandbox_may {
    FL_MAY_ACCEPT = 1, /* take connections from listening sockets that it was given */
    FL_MAY_FILES = 2,  /* open, make and remove files, beneath dir_fd only */
    FL_MAY_READ = 4,   /* open files to read them, beneath dir_fd only */
    FL_MAY_CONNECT = 8 /* make IPv4 and IPv6 sockets and connect them; read what names are resolved
                          with (resolv.conf, hosts, nsswitch.conf, gai.conf, host.conf) */
};

struct fl_sandbox {
    uid_t uid;    /* become this user and the group of the same number; 0: stay */
    int dir_fd;   /* the only folder whose files may be used; -1: none. With FL_MAY_FILES also the
                     working folder. */
    unsigned may; /* bits of enum fl_sandbox_may */
    const int *more_fds; /* other folders whose files may be used too; borrowed */
    unsigned more_count;
    pid_t parent; /* die with it; 0: do not */
};

struct fl_sandbox_got {
    uint32_t landlock_abi; /* 0: the kernel has none */
    bool seccomp;
    bool net_by_landlock; /* TCP is refused by Landlock too (ABI 4), as far as it is not given */
    bool scoped;          /* signals and abstract sockets stay inside (ABI 6) */
    uint32_t uid;
    char note[256]; /* what could not be had, as a sentence; "" when all was */
};

/*
 * Enter. On failure the process is half locked and must exit: FL_E_DENIED (the user id cannot be
 * taken), FL_E_IO (seccomp). A kernel without Landlock is no failure; the note says so.
 */
int fl_sandbox_enter(const struct fl_sandbox *box, struct fl_sandbox_got *ret, struct fl_err *err)
    FL_MUST_CHECK;

/* Is this a build with sanitizers? Then the filter of system calls is a short deny-list, because
 * the sanitizers' own needs are many; such a build is for tests only. */
bool fl_sandbox_relaxed(void);

/* Give up what a supervisor does not need once all is bound: capabilities but setuid, setgid and
 * kill (to start roles under their users again, and to end them). */
int fl_sandbox_supervisor(struct fl_err *err) FL_MUST_CHECK;

#endif
