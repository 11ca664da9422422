/*
 * place.h - inside fairleadd: what the supervisor prepares before the first role starts: the data
 * folders and their owners, the lock on them, the bound sockets, the ring and its eventfds.
 */
#ifndef FL_FAIRLEADD_PLACE_H
#define FL_FAIRLEADD_PLACE_H

#include "fairleadd/start.h"
#include "io/sock.h"

struct fl_place_listener {
    int fd;
    enum fl_listen_kind kind;
    const char *name, *tenant; /* borrowed from the settings */
    char address[FL_SOCK_TEXT_BYTES];
};

struct fl_place {
    int data_fd, lock_fd;
    int dir_fds[FL_ROLE_COUNT]; /* each role's folder; -1: none */
    int ledger_fd;              /* of the ledger of erasures, for the keys role */
    int ring_fd, wake_rows_fd, wake_room_fd;
    struct fl_place_listener
        listeners[FL_ROLE_MAX_LISTENERS + 2]; /* with web's and the local one */
    size_t listener_count;
    const char *local_path; /* to remove at the end; borrowed; NULL: not made */
};

void fl_place_init(struct fl_place *place);
void fl_place_done(struct fl_place *place); /* closes all, removes the local socket */

/* All of it, or the first thing that cannot be had, in a sentence. conf must outlive place. */
int fl_place_prepare(struct fl_place *place, const struct fl_conf *conf, struct fl_err *err)
    FL_MUST_CHECK;

/* The folders alone (also for fairleadd -T). */
int fl_place_folders(struct fl_place *place, const struct fl_conf *conf, struct fl_err *err)
    FL_MUST_CHECK;

#endif
