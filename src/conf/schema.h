/* schema.h - inside conf: the table of settings, and the snapshot they fill. */
#ifndef FL_CONF_SCHEMA_H
#define FL_CONF_SCHEMA_H

#include "conf/conf.h"

enum fl_conf_kind {
    FL_CONF_PATH,      /* absolute */
    FL_CONF_ADDRESS,   /* numeric address and port, or empty */
    FL_CONF_NAMES,     /* comma list of host names and addresses */
    FL_CONF_UIDS,      /* comma list of user ids */
    FL_CONF_SLUG,      /* a tenant's id */
    FL_CONF_LISTEN_AS, /* kind of a [listener] */
    FL_CONF_HOSTS,     /* comma list of destinations: host[:port], *.host, * */
    FL_CONF_HOST,      /* one host[:port], or empty */
    FL_CONF_SMTP_TLS,  /* how mail is handed over */
    FL_CONF_MAIL,      /* an address of mail, or empty */
    FL_CONF_TEXT,      /* anything printable */
    FL_CONF_URL,       /* https://host[:port][/path], or empty */
    FL_CONF_COUNT,     /* from here on: numbers */
    FL_CONF_SIZE,      /* bytes; K, M, G */
    FL_CONF_MS,        /* milliseconds; ms, s, m, h */
    FL_CONF_S          /* seconds; s, m, h, d */
};

struct fl_conf_row {
    const char *name;
    enum fl_conf_kind kind;
    const char *preset;     /* default, as it would stand in a file */
    const char *preset_doc; /* what an empty default means; NULL: the default as it stands */
    uint64_t min, max;      /* of numbers; 0 is taken too where zero_doc is set */
    const char *zero_doc;   /* what 0 means; NULL: 0 is not special */
    const char *brief;      /* one line */
    const char *help;       /* the rest of the manual's paragraph, or NULL */
};

extern const struct fl_conf_row fl_conf_rows[FL_SETTING_COUNT];

#define FL_CONF_LISTENERS_MAX 31u /* with listen_tls FL_ROLE_MAX_LISTENERS */

enum fl_conf_part { FL_CONF_PART_KIND, FL_CONF_PART_ADDRESS, FL_CONF_PART_TENANT, FL_CONF_PARTS };
extern const struct fl_conf_row fl_conf_parts[FL_CONF_PARTS]; /* lines of a [listener] section */

struct fl_conf_section {
    struct fl_conf_listener view; /* borrows from below */
    char *name;
    char *parts[FL_CONF_PARTS];
    unsigned line; /* where it begins */
};

struct fl_conf {
    uint64_t num[FL_SETTING_COUNT];
    char *str[FL_SETTING_COUNT]; /* owned; NULL for numbers */
    bool given[FL_SETTING_COUNT];
    struct fl_conf_section *sections;
    size_t section_count;
};

/*
 * Check value against a row. Numbers are written to *ret_num. FL_E_INVAL: err's text is "what is
 * wrong; what would be right".
 */
int fl_conf_check(const struct fl_conf_row *row, struct fl_span value, uint64_t *ret_num,
                  struct fl_err *err) FL_MUST_CHECK;

bool fl_conf_is_num(const struct fl_conf_row *row);

/* A number in the row's shortest exact form: 65536 of a size is "64K". */
void fl_conf_put_num(const struct fl_conf_row *row, uint64_t value, struct fl_buf *out);

/* Lower case letters, digits and inner hyphens, 1 to FL_SLUG_MAX. */
bool fl_conf_is_slug(struct fl_span s);

#endif
