/*
 * analyzer-model.h - put in front of each file by tools/lint: what the static analyzers cannot see from one file alone.
 *
 * A failure reported through base/err.h is never 0. (err.c itself is read without this.)
 */
#include "base/err.h"

#define fl_err_set(err, code, ...)       ((void)fl_err_set(err, code, __VA_ARGS__), (code))
#define fl_err_sys(err, code, num, ...)  ((void)fl_err_sys(err, code, num, __VA_ARGS__), (code))
#define fl_err_wrap(err, ...)            ((void)fl_err_wrap(err, __VA_ARGS__), (err)->code < 0 ? (err)->code : -1)
