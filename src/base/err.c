#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fl_err_set(struct fl_err *err, int code, const char *fmt, ...)
{
    if (err != NULL) {
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
        err->code = code;
    }
    return code;
}

/* Append ": tail" to the n bytes already in text; a chain that is too long is cut at its end. */
static void append(char *text, size_t size, int n, const char *tail)
{
    if (n < 0 || (size_t)n >= size)
        return;
    if (snprintf(text + n, size - (size_t)n, ": %s", tail) < 0)
        text[n] = '\0';
}

int fl_err_sys(struct fl_err *err, int code, int errnum, const char *fmt, ...)
{
    const char *known = strerrordesc_np(errnum);
    char reason[128];
    va_list ap;
    int n;

    if (err == NULL)
        return code;
    if (known != NULL)
        (void)snprintf(reason, sizeof reason, "%s", known);
    else
        (void)snprintf(reason, sizeof reason, "error %d", errnum);
    va_start(ap, fmt);
    n = vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    append(err->text, sizeof err->text, n, reason);
    err->code = code;
    return code;
}

int fl_err_wrap(struct fl_err *err, const char *fmt, ...)
{
    struct fl_err inner = *err;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    append(err->text, sizeof err->text, n, inner.text);
    return inner.code;
}

const char *fl_code_name(int code)
{
    static const char *const names[] = {
        "ok",        "no_memory", "invalid", "over_limit", "protocol", "io",
        "not_found", "exists",    "refused", "corrupt",    "busy",     "timeout",
    };

    if (code > 0 || (size_t)-code >= FL_LEN(names))
        return "unknown";
    return names[-code];
}
