/*
 * conf.h - the settings: one table row each (schema.c), one file format, one snapshot.
 *
 * fairlead.conf(5): "name = value" lines, '#' comments, and "[listener NAME]" sections. A setting
 * that is absent has its default. All errors of a file are found in one pass; each names file,
 * line, setting and what would be right.
 */
#ifndef FL_CONF_CONF_H
#define FL_CONF_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct fl_conf; /* immutable once read */

enum fl_setting {
    FL_SET_DATA_DIR,     /* path; store, keys, control and run folders stand in it */
    FL_SET_LISTEN_TLS,   /* address:port of RFC 5425 syslog, "" = none; default [::]:6514 */
    FL_SET_LOCAL_SOCKET, /* path; default DATA_DIR/run/fairlead.sock */
    FL_SET_SERVER_NAMES, /* comma list of names and addresses in the server certificate */
    FL_SET_UID_BASE,     /* number; roles run as uid_base + role when started as root; 0 = stay */
    FL_SET_ADMIN_UIDS, /* comma list of user ids that may use the local socket, besides root and the
                          starter */
    FL_SET_CONNECTIONS_MAX, /* device connections in all */
    FL_SET_CONNECTIONS_PER_ADDRESS,
    FL_SET_LINE_MAX,       /* bytes of one log line */
    FL_SET_RING_BYTES,     /* ring between ingest and store */
    FL_SET_COMMIT_MS,      /* group commit: at most this long ... */
    FL_SET_COMMIT_BYTES,   /* ... or this much */
    FL_SET_MEMTABLE_BYTES, /* rows in memory over all tenants before the largest is sealed */
    FL_SET_SEAL_ROWS,      /* rows of a tenant's memtable that seal it */
    FL_SET_SEAL_S,         /* age of a tenant's memtable that seals it */
    FL_SET_KEEP_DAYS,      /* default retention of a new tenant, 1-30 */
    FL_SET_QUERY_MS,       /* time budget of one query */
    FL_SET_QUERY_BYTES,    /* memory budget of one query */
    FL_SET_QUERY_THREADS,
    FL_SET_TAIL_MAX, /* live tails per tenant */
    FL_SET_IDLE_S,   /* silence after which a device counts as gapped */
    FL_SETTING_COUNT
};

struct fl_conf_listener { /* a [listener NAME] section */
    const char *name;
    const char *kind; /* "tls-server", "tcp", "udp" */
    const char *address;
    const char *tenant;
};

uint64_t fl_conf_num(const struct fl_conf *conf, enum fl_setting s); /* numbers, sizes, times */
const char *fl_conf_str(const struct fl_conf *conf,
                        enum fl_setting s); /* strings and lists; never NULL */
size_t fl_conf_listeners(const struct fl_conf *conf);
const struct fl_conf_listener *fl_conf_listener(const struct fl_conf *conf, size_t i);

/* (the owner of this folder adds: parse from text with all errors, defaults, dump, man page text,
 * names) */

#endif
