/*
 * baseline.h - the state of session.c in a file, so that differences survive a restart
 * (FORMAT.md section 6).
 */
#ifndef FL_LOGS_BASELINE_H
#define FL_LOGS_BASELINE_H

#include "base/buf.h"
#include "logs/files.h"
#include "logs/session.h"
#include "trust/keyring.h"

#define FL_BASELINE_NAME_BYTES 40 /* "<32 hex>.base" and NUL */

struct fl_baseline {
    uint32_t tenant;
    int32_t day; /* its key is bound to */
    unsigned char file_id[FL_FILE_ID_BYTES];
    int64_t written_us;
    uint64_t lsn; /* records of the WAL up to this are in the state */
};

/* Write (replace) the file of head; state is what fl_sessions_save() gave. The key must exist. */
int fl_baseline_write(const struct fl_files *fs, int dir, const struct fl_baseline *head,
                      const unsigned char key[FL_KEY_BYTES], struct fl_span state,
                      struct fl_err *err) FL_MUST_CHECK;

/* The clear header alone. */
int fl_baseline_identify(const struct fl_files *fs, int dir, const char *name,
                         struct fl_baseline *ret, struct fl_err *err) FL_MUST_CHECK;
/* Header and state; the state goes into sessions. */
int fl_baseline_read(const struct fl_files *fs, int dir, const char *name,
                     const unsigned char key[FL_KEY_BYTES], struct fl_sessions *sessions,
                     struct fl_baseline *ret, struct fl_err *err) FL_MUST_CHECK;

void fl_baseline_name(const unsigned char file_id[16], char ret[FL_BASELINE_NAME_BYTES]);

#endif
