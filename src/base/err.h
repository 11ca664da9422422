/* err.h - how every function that can fail reports it: a code to decide on, a text to read. */
#ifndef FL_BASE_ERR_H
#define FL_BASE_ERR_H

#include "base/attr.h"

/* One code per decision that a caller can take, not per cause. */
enum fl_code {
    FL_OK = 0,
    FL_E_NOMEM = -1,   /* an allocation failed; the caller may retry later */
    FL_E_INVAL = -2,   /* the caller or the user gave a value outside the documented range */
    FL_E_LIMIT = -3,   /* the input asks for more than a configured maximum */
    FL_E_PROTO = -4,   /* the peer broke the protocol; close the connection */
    FL_E_IO = -5,      /* the operating system refused; the text carries its reason */
    FL_E_NOENT = -6,   /* the thing named does not exist */
    FL_E_EXISTS = -7,  /* the thing named exists already, or is in use */
    FL_E_DENIED = -8,  /* the caller lacks the right, or a capability is not valid */
    FL_E_CORRUPT = -9, /* stored bytes fail their check; what they hold is lost */
    FL_E_AGAIN = -10,  /* not now: full, behind or not ready; try again when told */
    FL_E_TIMEOUT = -11 /* the peer or the budget ran out of time */
};

struct fl_err {
    int code;       /* enum fl_code */
    char text[400]; /* NUL-terminated, outermost context first: "a: b: cause" */
};

/* Fill *err and return code. err may be NULL when the caller needs only the code. */
int fl_err_set(struct fl_err *err, int code, const char *fmt, ...) FL_PRINTF(3, 4);

/* As fl_err_set(), with ": " and the text of errnum (an errno value) behind. */
int fl_err_sys(struct fl_err *err, int code, int errnum, const char *fmt, ...) FL_PRINTF(4, 5);

/* Put "context: " in front of *err's text and return its code. err must hold an error. */
int fl_err_wrap(struct fl_err *err, const char *fmt, ...) FL_PRINTF(2, 3);

/* The stable short name of a code ("not_found"), for JSON and logs. */
const char *fl_code_name(int code);

#endif
