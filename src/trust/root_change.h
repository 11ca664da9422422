/*
 * root_change.h - another root key: everything that the old one wrapped is wrapped by the new one,
 * and every key between it and the files' keys is new, in one step that a crash cannot halve.
 *
 * Order: `root.key.next`; then FILE.next for all that the root key wraps (secrets, grants, the
 * ledger's head and, in its own folder, key), a frame of the next epoch behind the key table, and
 * `epoch.next`; then `root.key.next` becomes `root.key`, which is the moment of the change; then
 * the others take their places. A start that finds `root.key.next` removes all FILE.next: nothing
 * has changed. One that finds FILE.next without it puts them in place: the change has happened.
 *
 * Afterwards the old root key opens no file of the folder. A copy of the folder from before still
 * opens under it, as far as the copy has the epoch file: what must be out of reach of an old copy
 * is destroyed by destroying its keys.
 */
#ifndef FL_TRUST_ROOT_CHANGE_H
#define FL_TRUST_ROOT_CHANGE_H

#include "trust/grants.h"
#include "trust/keytable.h"
#include "trust/ledger.h"
#include "trust/secrets.h"

struct fl_root_change {
    int dir_fd, ledger_fd; /* ledger_fd -1: there is no ledger */
    struct fl_keytable *table;
    struct fl_secrets *secrets;
    struct fl_grants *grants;
    struct fl_ledger *ledger; /* NULL with ledger_fd -1 */
    /* For tests: called before each step that touches the disk; nonzero stops there. */
    int (*step)(void *ctx, const char *what);
    void *step_ctx;
};

/*
 * Change it. All four must be closed and opened anew afterwards, whatever came back: with success
 * under the new key. FL_E_AGAIN: erasures of the ledger are still to be done.
 */
int fl_root_change(const struct fl_root_change *change, struct fl_err *err) FL_MUST_CHECK;

/* At start, before anything is opened: finish a change that has happened, undo one that has not. */
int fl_root_change_recover(int dir_fd, int ledger_fd, struct fl_err *err) FL_MUST_CHECK;

#endif
