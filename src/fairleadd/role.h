/*
 * role.h - what every process of fairleadd has in common: what it is given, and how it begins.
 *
 * main.c forks and executes itself once per role; the child reads CONF, DIR, LISTEN, RING, WAKE and
 * LINK messages on descriptor 3 until START, drops its rights (io/sandbox.h), then calls ops->start
 * and runs the loop. LINK messages that come later (a peer was restarted) reach ops->link again.
 */
#ifndef FL_FAIRLEADD_ROLE_H
#define FL_FAIRLEADD_ROLE_H

#include "codec/msg.h"
#include "conf/conf.h"
#include "io/imsg.h"
#include "io/loop.h"

#define FL_ROLE_MAX_LISTENERS 32

struct fl_role_listener {
    int fd;
    enum fl_listen_kind kind;
    char name[64], tenant[FL_SLUG_MAX + 1], address[128];
};

struct fl_role_env {
    enum fl_role role;
    struct fl_loop *loop;
    const struct fl_conf *conf; /* the settings, as sent by the supervisor */
    struct fl_imsg *supervisor;
    int dir_fd;    /* folder of this role's files (store, keys, control; web: the screen), or
      -1 */
    int ledger_fd; /* folder of the ledger of erasures (keys), or -1 */
    int web_cert_fd, web_key_fd;      /* files that keys is to read, or -1; who reads closes */
    int ca_fd, secret_fd, signers_fd; /* outbound: authorities, password for mail, whose alerts are
                                         believed; or -1 */
    int ring_fd;                      /* ingest, store */
    int wake_rows_fd, wake_room_fd;   /* eventfds between ingest and store */
    struct fl_role_listener listeners[FL_ROLE_MAX_LISTENERS];
    size_t listener_count;
};

struct fl_role_ops {
    /* Called once, sandboxed, before any link. *ret_state is handed to the others. */
    int (*start)(struct fl_role_env *env, void **ret_state, struct fl_err *err);
    /* A link to peer: take fd (it is yours). Replaces an earlier link to the same peer. */
    void (*link)(void *state, enum fl_role peer, int fd);
    void (*stop)(void *state); /* finish what is in hand, free everything, stop the loop */
    /* Answers to FL_MSG_ROLES_ASK (core); FL_MSG_DIR when web_cert_fd and web_key_fd are new
       (keys). May be NULL. */
    void (*supervisor)(void *state, struct fl_imsg_in *in);
};

extern const struct fl_role_ops fl_role_ingest, fl_role_core, fl_role_store, fl_role_keys,
    fl_role_web, fl_role_outbound;

/* The one way in which roles write to the journal: "<level>role: text" on stderr, one line. */
void fl_role_log(const struct fl_role_env *env, int level, const char *fmt, ...) FL_PRINTF(3, 4);
enum { FL_LOG_ERR = 3, FL_LOG_WARN = 4, FL_LOG_NOTICE = 5, FL_LOG_INFO = 6, FL_LOG_DEBUG = 7 };

#endif
