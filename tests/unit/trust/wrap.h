/*
 * wrap.h - the system calls of the code under test, put upon a powerfs: the linker turns each call
 * of openat(), fsync() and so on into one of __wrap_openat() here (-Wl,--wrap), and those on
 * descriptors of the powerfs go there. Everything else goes to the system.
 */
#ifndef FL_TESTS_TRUST_WRAP_H
#define FL_TESTS_TRUST_WRAP_H

#include "unit/logs/powerfs.h"

extern struct powerfs *wrap_disk; /* whose descriptors are meant */

#endif
