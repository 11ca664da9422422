/*
 * args.h - the command line: one table row per command and per option, parsing, help, proposals.
 *
 * `fairlead NOUN VERB... [ARGUMENT...] [--option value]`. Options may stand anywhere; "--" ends
 * them; "--name=value" and "--name value" are the same; options without a value take "=yes" or
 * "=no". A word such as "-user:j.doe" is an argument (a negated filter term), not an option.
 */
#ifndef FL_CLI_ARGS_H
#define FL_CLI_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "cli/term.h"

/* An option means the same in every command that takes it. */
enum fl_opt {
    FL_OPT_HELP,
    FL_OPT_JSON,
    FL_OPT_TZ,
    FL_OPT_SERVER,
    FL_OPT_TENANT,
    FL_OPT_YES,
    FL_OPT_CONF,
    FL_OPT_NAME,
    FL_OPT_KEEP_DAYS,
    FL_OPT_QUOTA,
    FL_OPT_DEMO,
    FL_OPT_FAR_ZONES,
    FL_OPT_FAR_INSTANCES,
    FL_OPT_LOCAL_ACCESS,
    FL_OPT_COUNTRY,
    FL_OPT_SITE,
    FL_OPT_HOST,
    FL_OPT_RELAY,
    FL_OPT_DAYS,
    FL_OPT_OUT,
    FL_OPT_LAST,
    FL_OPT_FROM,
    FL_OPT_TO,
    FL_OPT_DAY,
    FL_OPT_WHERE,
    FL_OPT_BY,
    FL_OPT_LIMIT,
    FL_OPT_STEP,
    FL_OPT_CURSOR,
    FL_OPT_COLUMNS,
    FL_OPT_FORMAT,
    FL_OPT_ORIGINAL,
    FL_OPT_DRY_RUN,
    /* logs send */
    FL_OPT_CERT,
    FL_OPT_KEY,
    FL_OPT_CA,
    FL_OPT_FINGERPRINT,
    FL_OPT_RATE,
    FL_OPT_COUNT_MAX,
    FL_OPT_LOOP,
    FL_OPT_FRAMING,
    FL_OPT_PLAIN,
    FL_OPT_UDP,
    FL_OPT_RECORD_PER_LINE,
    FL_OPT_CONNECTIONS,
    /* demo */
    FL_OPT_SECONDS,
    FL_OPT_BACK_FILL,
    /* logs erase */
    FL_OPT_USER,
    FL_OPT_IP,
    /* people */
    FL_OPT_ROLE,
    FL_OPT_EMAIL,
    FL_OPT_DEPARTMENT,
    FL_OPT_DISABLED,
    FL_OPT_TOTP,
    FL_OPT_DATA,
    FL_OPT_HOURS,
    FL_OPT_REASON,
    /* places, alarms, searches */
    FL_OPT_CITY,
    FL_OPT_PLACE,
    FL_OPT_STATE,
    FL_OPT_SEVERITY,
    FL_OPT_EVERY,
    FL_OPT_THRESHOLD,
    /* networks of supply */
    FL_OPT_LAYOUT,
    FL_OPT_MAP,
    FL_OPT_REPLACE,
    FL_OPT_AT,
    FL_OPT_FIND,
    FL_OPT_REDACT,
    FL_OPT_PART,
    /* supply hazard */
    FL_OPT_EVENT,
    FL_OPT_SITES,
    FL_OPT_GRID,
    FL_OPT_FIXES_ONLY,
    FL_OPT_SIGNERS,
    /* supply simulate */
    FL_OPT_YEARS,
    FL_OPT_SEED,
    FL_OPT_THREADS,
    FL_OPT_PLAN,
    FL_OPT_RATES,
    FL_OPT_DAILY,
    /* feeds */
    FL_OPT_KIND,
    FL_OPT_ENABLED,
    FL_OPT_PER,
    /* cases */
    FL_OPT_OWNER,
    FL_OPT_EXERCISE,
    FL_OPT_RISK,
    FL_OPT_TEXT,
    FL_OPT_ADD,
    FL_OPT_LANGUAGE,
    FL_OPT_LINK,
    FL_OPT_COMPARE,
    FL_OPT_UNITS,
    FL_OPT_COST,
    FL_OPT_PRODUCT,
    FL_OPT_SUBJECT,
    /* supply score */
    FL_OPT_ID,
    FL_OPT_BOM,
    FL_OPT_STAGE,
    FL_OPT_COUNT
};
/* A command's options: 128 bits, which both compilers have. */
__extension__ typedef unsigned __int128 fl_opts;
_Static_assert(FL_OPT_COUNT <= 128, "a command's options are 128 bits");
#define FL_OPT_BIT(name) ((fl_opts)1 << FL_OPT_##name)
/* What every command that talks to the server takes, besides -h and --json. */
#define FL_OPTS_SERVER (FL_OPT_BIT(SERVER) | FL_OPT_BIT(TZ))
#define FL_OPTS_TENANT (FL_OPTS_SERVER | FL_OPT_BIT(TENANT))

enum fl_exit {
    FL_EXIT_OK = 0,
    FL_EXIT_NO = 1,      /* a check failed, a difference, nothing of that name */
    FL_EXIT_USAGE = 2,   /* wrong use */
    FL_EXIT_REACH = 3,   /* could not reach the server, or a part of it is down */
    FL_EXIT_REFUSED = 4, /* rights */
    FL_EXIT_PARTIAL = 5  /* time or memory budget */
};

struct fl_cli;

struct fl_command {
    const char *verb;  /* one or two words: "list", "cert issue"; "" for a noun alone */
    const char *args;  /* for the usage line: "TENANT [FILE]" */
    unsigned min, max; /* arguments */
    fl_opts opts;      /* FL_OPT_BIT()s; -h and --json are always there */
    const char *brief; /* one line, no full stop */
    const char *text;  /* more, or NULL */
    const char *example[2];
    int (*run)(struct fl_cli *cli); /* returns enum fl_exit; says on stderr what went wrong */
};

struct fl_noun {
    const char *noun;
    const char *brief;
    const struct fl_command *commands;
    size_t count;
};

#define FL_ARGS_MAX 64

struct fl_cli {
    struct fl_term term;
    const struct fl_noun *nouns; /* all of them */
    size_t noun_count;
    const struct fl_noun *noun;
    const struct fl_command *command;
    const char *arg[FL_ARGS_MAX]; /* borrowed from argv */
    size_t args;
    const char *opt[FL_OPT_COUNT]; /* NULL = not given; "yes" or "no" for those without value */
    int64_t now_us;                /* when the command began */
};

static inline bool fl_cli_flag(const struct fl_cli *cli, enum fl_opt opt)
{
    return cli->opt[opt] != NULL && cli->opt[opt][0] == 'y';
}

/* 1: run cli->command. 0: help was asked for and printed to out. FL_E_INVAL: wrong use. */
int fl_args_parse(const struct fl_noun *nouns, size_t count, int argc, char **argv,
                  struct fl_cli *cli, FILE *out, struct fl_err *err) FL_MUST_CHECK;
void fl_args_overview(const struct fl_noun *nouns, size_t count, FILE *out);
void fl_args_usage(const struct fl_noun *noun, const struct fl_command *command, FILE *out);

/* The option's name where the command takes it, else NULL; *ret_value: a value follows it. */
const char *fl_args_option(const struct fl_command *command, enum fl_opt opt, bool *ret_value);

/*
 * The word of words (count of them) that is nearest to typed, or NULL when none is near: edits,
 * with neighbours swapped as one, at most a third of its length.
 */
const char *fl_args_nearest(const char *typed, const char *const *words, size_t count);

/* A number within low..high from an option or an argument; FL_E_INVAL names what. */
int fl_args_number(const char *what, const char *text, uint64_t low, uint64_t high, uint64_t *ret,
                   struct fl_err *err) FL_MUST_CHECK;

#endif
