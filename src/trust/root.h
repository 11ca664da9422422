/*
 * root.h - the root key: the one thing from which everything that Fairlead sealed can be opened.
 *
 * It never leaves its holder: callers hand in what is to be wrapped or unwrapped. Today's holder is
 * a file; a PKCS#11 token or a TPM is another fl_root_ops. What it wraps is short (keys, and the
 * named secrets of trust/secrets.h).
 */
#ifndef FL_TRUST_ROOT_H
#define FL_TRUST_ROOT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct fl_root; /* interface; the first member of each implementation */

struct fl_root_ops {
    const char *kind; /* "file"; stands in certificates of destruction */
    /* ret holds plain.len + FL_WRAP_EXTRA bytes. */
    int (*seal)(struct fl_root *root, struct fl_span bound, struct fl_span plain,
                unsigned char *ret, struct fl_err *err);
    /* ret holds sealed.len - FL_WRAP_EXTRA bytes. FL_E_CORRUPT as in fl_wrap_open(). */
    int (*open)(struct fl_root *root, struct fl_span bound, struct fl_span sealed,
                unsigned char *ret, struct fl_err *err);
    void (*free)(struct fl_root *root); /* wipes */
};

struct fl_root {
    const struct fl_root_ops *ops;
};

#define FL_ROOT_FILE "root.key"

/*
 * The root key in FL_ROOT_FILE of the folder: 32 random bytes, mode 0600. create: make it where it
 * is missing. FL_E_NOENT; FL_E_DENIED when others than its owner may read it; FL_E_CORRUPT when it
 * has not 32 bytes.
 */
int fl_root_file_open(int dir_fd, bool create, struct fl_root **ret, struct fl_err *err)
    FL_MUST_CHECK;

/* The same under another name in the folder. */
int fl_root_file_open_as(int dir_fd, const char *name, bool create, struct fl_root **ret,
                         struct fl_err *err) FL_MUST_CHECK;

void fl_root_free(struct fl_root *root); /* NULL is allowed */

#endif
