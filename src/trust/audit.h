/*
 * audit.h - the record of security events: appended by one writer, never changed, checked by
 * anyone.
 *
 * A file of JSON lines (FORMAT.md "Event log"), each with its number, from 1 without gaps, and a
 * hash over itself and the hash before. Actors appear as pseudonyms only (HMAC-SHA-256 of the clear
 * id under a secret key of this instance, shown as "a-" and 16 hex digits); who is behind one
 * stands in the control database, from where it can be erased without touching the record.
 *
 * A record is on the disk when fl_audit_record() returns. One process, one thread.
 */
#ifndef FL_TRUST_AUDIT_H
#define FL_TRUST_AUDIT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define FL_AUDIT_FILE       "events.log"
#define FL_AUDIT_KEY_BYTES  32
#define FL_AUDIT_LINE_MAX   ((size_t)32 * 1024)
#define FL_AUDIT_HASH_BYTES 32
#define FL_AUDIT_ACTOR_MAX  24 /* bytes of a pseudonym with its NUL */

struct fl_audit;
struct fl_db;

/*
 * Open or make the file in the folder. A last line that was not finished is cut off, which becomes
 * an event itself ("audit.repaired"). db (or NULL) is where pseudonyms are noted; actor_key makes
 * them (32 bytes, copied; core has it from keys, FL_MSG_DB_KEY). FL_E_CORRUPT: the last whole line
 * is not an entry. FL_E_EXISTS: another process writes it.
 */
int fl_audit_open(int dir_fd, const char *name, struct fl_db *db, const unsigned char *actor_key,
                  int64_t now_us, struct fl_audit **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_audit_close(struct fl_audit *audit); /* NULL is allowed */

struct fl_audit_event {
    int64_t at_us;
    struct fl_span event;  /* "cert.issued": what happened */
    struct fl_span tenant; /* slug or "" */
    struct fl_span actor;  /* clear: "uid:1000", "role:ingest" */
    struct fl_span object; /* what it was done to, or "" */
    struct fl_span detail; /* a JSON object, or ""; what is not one is kept as {"text": ...} */
};

/* Append one entry, synced. ret_number may be NULL. FL_E_LIMIT: too long. FL_E_IO: not recorded. */
int fl_audit_record(struct fl_audit *audit, const struct fl_audit_event *event,
                    uint64_t *ret_number, struct fl_err *err) FL_MUST_CHECK;

/* The number and hash of the last entry; 0 and zeros before the first. */
uint64_t fl_audit_last(const struct fl_audit *audit, unsigned char ret_hash[FL_AUDIT_HASH_BYTES]);

/* The pseudonym of a clear id; ret holds FL_AUDIT_ACTOR_MAX bytes. */
void fl_audit_actor(const struct fl_audit *audit, struct fl_span clear, char *ret);

/*
 * The entries behind number `after`, oldest first, at most limit of them (0: all): fn gets each
 * line as it stands, a JSON object without its newline. A negative answer of fn ends the reading
 * and is returned. *ret_next: the number to go on behind, or 0 at the end.
 */
int fl_audit_read(const struct fl_audit *audit, uint64_t after, uint32_t limit,
                  int (*fn)(void *ctx, uint64_t number, struct fl_span line), void *ctx,
                  uint64_t *ret_next, struct fl_err *err) FL_MUST_CHECK;

struct fl_audit_verdict {
    uint64_t entries; /* that are right, from the first on */
    unsigned char last_hash[FL_AUDIT_HASH_BYTES];
    int64_t first_us, last_us;
    bool torn; /* the file ends within a line: an entry that was never acknowledged */
};

/*
 * Check a whole file from its beginning: every line an entry, numbers without gaps, every hash
 * right. FL_E_CORRUPT names the first line that is not; *ret is filled up to it in any case.
 */
int fl_audit_verify(int fd, struct fl_audit_verdict *ret, struct fl_err *err) FL_MUST_CHECK;

#endif
