/*
 * ledger.h - the ledger of erasures: what was erased, kept where no backup of the data folder takes
 * it along, so that a copy that is put back can be brought up to date (FORMAT.md "Ledger").
 *
 * An erasure's entry is on the disk before its first destructive step; when all is done, a second
 * entry says so. The ledger only grows; each entry is bound to all before it by a hash, and sealed
 * under a key of the ledger's own, which the root key wraps: the file by itself tells nobody's
 * name. The data folder keeps the ledger's head (count and hash) in `ledger.head`:
 *
 *   the ledger lacks entries of which the head knows       the folder is not opened
 *   the ledger has entries of which the head does not      the folder is a copy from before: what
 *                                                           they erased must be erased again
 *
 * One process, one thread. Times are microseconds UTC.
 */
#ifndef FL_TRUST_LEDGER_H
#define FL_TRUST_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "trust/root.h"

#define FL_LEDGER_FILE     "ledger"
#define FL_LEDGER_KEY_FILE "key"         /* both in the ledger's folder */
#define FL_LEDGER_HEAD     "ledger.head" /* in the folder of the keys */
#define FL_LEDGER_TEXT_MAX ((size_t)32 * 1024)
#define FL_LEDGER_MAX      ((size_t)256 << 20) /* bytes of the file */

enum fl_ledger_kind {
    FL_LEDGER_ERASE = 1, /* an erasure begins; its text is what finds the rows again */
    FL_LEDGER_DONE = 2   /* the erasure `of` is done; its text is the receipt */
};

struct fl_ledger_entry {
    uint64_t number; /* from 1 without gaps */
    int64_t at_us;
    uint8_t kind;
    uint64_t of;         /* DONE: the number of the erasure */
    struct fl_span text; /* borrowed for the call */
};

struct fl_ledger;

struct fl_ledger_config {
    int dir_fd;           /* the ledger's folder; borrowed, as all here */
    int head_fd;          /* the folder of the keys */
    struct fl_root *root; /* until free */
    int64_t (*now_us)(void);
    /* No key of any log file is there: nothing could come back, so that a missing ledger does not
     * matter and a new one is begun. */
    bool nothing_opens;
    /* For tests: called before each step that touches the disk; nonzero stops there. */
    int (*step)(void *ctx, const char *what);
    void *step_ctx;
};

/*
 * Open, or begin where neither ledger nor head are there. FL_E_NOENT: the head knows a ledger that
 * is not there. FL_E_CORRUPT: damaged; older than the head; another one than the head's; sealed
 * under another root key. The texts say what to do. An entry that a crash tore off is cut away.
 */
int fl_ledger_open(const struct fl_ledger_config *config, struct fl_ledger **ret,
                   struct fl_err *err) FL_MUST_CHECK;
void fl_ledger_free(struct fl_ledger *ledger); /* NULL is allowed */

struct fl_ledger_stat {
    uint64_t entries;
    uint64_t pending; /* erasures that are to be done (again) */
    uint64_t again;   /* of them: done once, but not in this copy of the folder */
    bool begun;       /* by this opening */
};
void fl_ledger_stat(const struct fl_ledger *ledger, struct fl_ledger_stat *ret);

/*
 * Append an entry and sync it; then the head. After FL_E_IO the ledger takes no more until it is
 * opened again. FL_E_LIMIT, FL_E_INVAL (DONE of what is no erasure).
 */
int fl_ledger_add(struct fl_ledger *ledger, enum fl_ledger_kind kind, uint64_t of,
                  struct fl_span text, uint64_t *ret_number, struct fl_err *err) FL_MUST_CHECK;

/* The entry of this number; its text is appended to text. FL_E_NOENT. */
int fl_ledger_get(const struct fl_ledger *ledger, uint64_t number, struct fl_ledger_entry *ret,
                  struct fl_buf *text, struct fl_err *err) FL_MUST_CHECK;
/* The first erasure with a number above `after` that is to be done; 0: there is none. */
uint64_t fl_ledger_pending(const struct fl_ledger *ledger, uint64_t after);
/* Was it done, though not in this copy of the data folder? */
bool fl_ledger_is_again(const struct fl_ledger *ledger, uint64_t number);
/* The number of the latest entry that says that this erasure is done; 0: there is none. */
uint64_t fl_ledger_done_of(const struct fl_ledger *ledger, uint64_t number);

/* The ledger's key and head under another root key, as KEY.next and HEAD.next (root_change.h). */
int fl_ledger_rewrap(const struct fl_ledger *ledger, struct fl_root *root, const char *suffix,
                     struct fl_err *err) FL_MUST_CHECK;

/* ---- the file as bytes; pure, takes any ---- */

#define FL_LEDGER_HEADER_BYTES 28u
#define FL_LEDGER_HASH_BYTES   32u

struct fl_ledger_item { /* an entry in the file */
    uint64_t number, of;
    int64_t at_us;
    uint8_t kind;
    struct fl_span bound, sealed; /* borrowed */
    unsigned char hash[FL_LEDGER_HASH_BYTES];
};
/*
 * The entry at *at of a whole file; *at moves behind it. 1; 0 at the end, or where a torn entry
 * stands (*at stays); FL_E_CORRUPT. hash: of the entry before, becomes that of this one.
 */
int fl_ledger_next(struct fl_span file, size_t *at, uint64_t number,
                   unsigned char hash[FL_LEDGER_HASH_BYTES], struct fl_ledger_item *ret,
                   struct fl_err *err) FL_MUST_CHECK;

#endif
