/* attr.h - the compiler extensions this tree relies on (gcc >= 12, clang >= 14). */
#ifndef FL_BASE_ATTR_H
#define FL_BASE_ATTR_H

#define FL_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define FL_MUST_CHECK         __attribute__((warn_unused_result))
#define FL_AUTO(fn)           __attribute__((cleanup(fn))) /* run fn(&var) when var leaves scope */
#define FL_NORETURN           __attribute__((noreturn))
#define FL_LEN(array)         (sizeof(array) / sizeof((array)[0]))

#endif
