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
    FL_SET_LEDGER_DIR,   /* path; default DATA_DIR.ledger */
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
    FL_SET_TAIL_MAX,        /* live tails per tenant */
    FL_SET_IDLE_S,          /* silence after which a device counts as gapped */
    FL_SET_STORE_MAX_BYTES, /* of all sealed segments; 0: no limit */
    FL_SET_MIN_FREE_BYTES,  /* that the disk keeps; 0: none */
    FL_SET_WEB_LISTEN,      /* address:port of HTTPS, "" = none; default [::]:8443 */
    FL_SET_WEB_ROOT,        /* path; files of the screen; "" = beside the program, or installed */
    FL_SET_WEB_CERT,        /* path; the operator's own certificate chain, PEM; "" = self-made */
    FL_SET_WEB_KEY,         /* path; its private key, PEM */
    FL_SET_WEB_CONNECTIONS_MAX,
    FL_SET_WEB_CONNECTIONS_PER_ADDRESS,
    FL_SET_METRICS_OPEN,       /* 1: /metrics needs no token from this machine */
    FL_SET_SIGN_IN_THREADS,    /* that hash passwords */
    FL_SET_OUTBOUND_ALLOW,     /* destinations that may be connected to; "" = none */
    FL_SET_OUTBOUND_PRIVATE,   /* those among them whose addresses may be private */
    FL_SET_OUTBOUND_CA,        /* path; CAs that are trusted there, PEM; "" = the machine's */
    FL_SET_FEED_SIGNERS,       /* path; certificates whose signatures of alerts count, PEM */
    FL_SET_SMTP_SERVER,        /* host[:port]; "" = no mail */
    FL_SET_SMTP_TLS,           /* "starttls", "tls", "none" */
    FL_SET_SMTP_FROM,          /* address */
    FL_SET_SMTP_USER,          /* "" = none */
    FL_SET_SMTP_PASSWORD_FILE, /* path */
    FL_SET_WEB_URL,            /* where suppliers reach the screen; "" = by server_names */
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

void fl_conf_free(struct fl_conf *conf); /* NULL is allowed */
void fl_conf_freep(struct fl_conf **conf);

#define FL_CONF_FILE_MAX   ((size_t)256 * 1024) /* bytes of a settings file */
#define FL_CONF_ERRORS_MAX ((size_t)64 * 1024)

/* Every setting at its default, no listener sections. */
int fl_conf_defaults(struct fl_conf **ret, struct fl_err *err) FL_MUST_CHECK;

/*
 * Read the text of a settings file; file is its name for error texts. On FL_E_INVAL errors (its
 * maximum bounds the list) has one line each: "file:line: setting: what is wrong; what would be
 * right", and err says how many.
 */
int fl_conf_parse(const char *file, struct fl_span text, struct fl_conf **ret,
                  struct fl_buf *errors, struct fl_err *err) FL_MUST_CHECK;

/* The same from a file. FL_E_NOENT, FL_E_DENIED, FL_E_IO, FL_E_LIMIT when it cannot be read. */
int fl_conf_read(const char *path, struct fl_conf **ret, struct fl_buf *errors, struct fl_err *err)
    FL_MUST_CHECK;

/*
 * Change one setting before the snapshot is handed on (a command-line option). FL_E_INVAL says what
 * would be right.
 */
int fl_conf_set(struct fl_conf *conf, enum fl_setting s, struct fl_span value, struct fl_err *err)
    FL_MUST_CHECK;

/* The settings as a file that reads back to the same: every one, in the order of the table. */
void fl_conf_dump(const struct fl_conf *conf, struct fl_buf *out);

/* One value as text, as fl_conf_dump() writes it: "64M", "10s", "[::]:6514". */
void fl_conf_value(const struct fl_conf *conf, enum fl_setting s, struct fl_buf *out);

const char *fl_conf_name(enum fl_setting s); /* "listen_tls" */

/* fairlead.conf(5) in mdoc, from the table. */
void fl_conf_man(struct fl_buf *out);

/*
 * Split one item off a comma list: 1 and the item without blanks at its ends, or 0 at the end.
 * Empty items are passed over.
 */
int fl_conf_item(struct fl_span *list, struct fl_span *ret_item);

#endif
