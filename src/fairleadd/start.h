/*
 * start.h - inside fairleadd: what its own files share. main.c reads the options; supervisor.c
 * binds, starts and restarts; role.c is every child's beginning; lockdown.c proves the sandboxes.
 */
#ifndef FL_FAIRLEADD_START_H
#define FL_FAIRLEADD_START_H

#include <stdarg.h>

#include "codec/msg.h"
#include "conf/conf.h"
#include "fairleadd/role.h"
#include "io/sandbox.h"

#define FL_ROLE_FIRST FL_ROLE_INGEST
#define FL_ROLE_LAST  FL_ROLE_OUTBOUND

/* What a role may do: one row. */
struct fl_role_row {
    const struct fl_role_ops *ops;
    const char *dir; /* folder in data_dir, or NULL */
    unsigned may;    /* bits of enum fl_sandbox_may */
};
const struct fl_role_row *fl_role_row(enum fl_role role); /* FL_ROLE_FIRST to FL_ROLE_LAST */
/* Do the settings have work for it? web runs only with web_listen, outbound only where something
 * may be connected to. */
bool fl_role_wanted(enum fl_role role, const struct fl_conf *conf);

/* Their operations; the roles' own program files give it. */
const struct fl_role_ops *fl_role_ops_of(enum fl_role role);

/* The user that a role runs as: 0 = stay with the starter. */
uid_t fl_role_uid(enum fl_role role, const struct fl_conf *conf);

struct fl_sandbox fl_role_box(enum fl_role role, const struct fl_conf *conf, int dir_fd,
                              pid_t parent);

/* A child's whole life. Returns the exit code. */
int fl_role_main(enum fl_role role);

/* The supervisor's whole life: until SIGTERM or SIGINT. conf becomes its own. */
int fl_supervisor_main(struct fl_conf *conf, struct fl_err *err) FL_MUST_CHECK;

/* Try from inside each role's sandbox what it must not do; TAP on stdout. The
 * settings' data_dir becomes a temporary folder. Returns the exit code. */
int fl_lockdown_main(struct fl_conf *conf);

/* "<level>who: text" on stderr, one line, one write. */
void fl_log_line(int level, const char *who, const char *fmt, va_list ap) FL_PRINTF(3, 0);

#endif
