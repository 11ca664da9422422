/*
 * child.h - processes of our own program: fork, then execute the same file again.
 *
 * The new process has nothing of its parent but descriptor 3 (one end of a socketpair), stderr, and
 * an environment of a few names; stdin and stdout are /dev/null. Executing anew gives it another
 * address layout and none of the parent's memory.
 */
#ifndef FL_IO_CHILD_H
#define FL_IO_CHILD_H

#include <sys/types.h>

#include "base/err.h"

#define FL_CHILD_FD 3 /* the child's end of the socketpair */

/*
 * Start /proc/self/exe with argv (NULL at its end). *ret_fd is the parent's end, close-on-exec. A
 * child that could not execute exits with 127.
 */
int fl_child_start(const char *const *argv, pid_t *ret_pid, int *ret_fd, struct fl_err *err)
    FL_MUST_CHECK;

/* One child that has ended, or 0: its pid, and how in words ("killed by signal 9", "exit 1"). */
pid_t fl_child_reap(char ret_how[64]);

/* In a child: the process that started it, as the kernel saw it make the socketpair; 0: unknown. */
pid_t fl_child_parent(void);

/* In a child: the name in process lists, up to 15 bytes. */
void fl_child_name(const char *name);

#endif
