/* seccomp.h - inside io: the filter of system calls of a sandbox. */
#ifndef FL_IO_SECCOMP_H
#define FL_IO_SECCOMP_H

#include <stdbool.h>

#include "base/err.h"

/*
 * may: bits of enum fl_sandbox_may. relaxed: a deny-list instead of the allow-list. Calls that
 * nothing but an intruder makes end the process (SIGSYS); all others that are not allowed fail
 * with EPERM.
 */
int fl_seccomp_enter(unsigned may, bool relaxed, struct fl_err *err) FL_MUST_CHECK;

#endif
