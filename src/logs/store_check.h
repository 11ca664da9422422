/*
 * store_check.h - inside the store: everything that is stored is read and compared with what is
 * said of it. store_verify.c reads; store_repair.c acts on what was found.
 */
#ifndef FL_LOGS_STORE_CHECK_H
#define FL_LOGS_STORE_CHECK_H

#include "logs/store_int.h"
#include "logs/store_job.h"

enum fl_bad_kind {
    FL_BAD_SEGMENT, /* blocks of it are damaged, or it does not open, or its file is missing */
    FL_BAD_SUMS,    /* only its filters or sums are: they are made anew from the rows */
    FL_BAD_FILE,    /* on the disk, but not in the store: damaged, without a key, or left over */
    FL_BAD_KINDS
};

struct fl_bad {
    enum fl_bad_kind kind;
    uint32_t tenant;
    int32_t day;
    unsigned char file_id[FL_FILE_ID_BYTES];
    char slug[64];
};

struct fl_checked { /* what a run saw */
    uint64_t segments, blocks, rows, bytes, wal_files, baselines;
    uint64_t damaged_segments, damaged_blocks, lost_rows; /* lost: rows of those blocks */
    uint64_t damaged_sums, damaged_logs, damaged_baselines, files_missing, files_left_over;
    uint64_t keys_without_file;
    struct fl_bad *bad; /* owned */
    size_t bad_count, bad_cap;
};

void fl_checked_done(struct fl_checked *c);
/* Read all that the job asks for, telling findings; c begins as zeros. */
int fl_store_check(struct fl_job *job, struct fl_checked *c, struct fl_err *err) FL_MUST_CHECK;
/* Members of the result. */
void fl_checked_put(struct fl_json *json, const struct fl_checked *c);
/* Does it find that something is lost? Left-over files and keys are not. */
bool fl_checked_ok(const struct fl_checked *c);

/* One segment; findings and sums as above. */
void fl_check_segment(struct fl_job *job, struct fl_checked *sum, struct fl_store_seg *seg);
/* Note something for repair; false without memory. */
bool fl_checked_note(struct fl_checked *c, enum fl_bad_kind kind, uint32_t tenant, const char *slug,
                     int32_t day, const unsigned char file_id[FL_FILE_ID_BYTES]);
/* Begin a finding of a file; the caller adds to it and calls fl_job_end(). */
struct fl_json *fl_check_finding(struct fl_job *job, const char *kind, const char *slug,
                                 int32_t day, const char *file);

/* Which keys the files of the log need, of all tenants. maint held, so that none of them goes. */
struct fl_streams {
    unsigned char (*id)[FL_FILE_ID_BYTES]; /* sorted; owned */
    size_t count, cap;
    bool failed; /* for want of memory */
};
int fl_streams_find(struct fl_store *s, struct fl_streams *ret, struct fl_err *err) FL_MUST_CHECK;
void fl_streams_done(struct fl_streams *streams);

/* Keys of a tenant that no file has any more: of log files that were unlinked, of writes that
 * failed. free(*ret). maint held. */
int fl_check_keys(struct fl_store *s, const struct fl_store_tenant *t,
                  const struct fl_streams *streams, struct fl_key_file **ret, uint32_t *ret_count,
                  struct fl_err *err) FL_MUST_CHECK;

#endif
