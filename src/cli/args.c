#include "cli/args.h"

#include <inttypes.h>
#include <string.h>

#include "base/span.h"

#define WORD_MAX 40u

static const struct {
    const char *name, *value; /* value NULL: yes or no */
    const char *text;
} options[FL_OPT_COUNT] = {
    [FL_OPT_HELP] = {"help", NULL, "show this"},
    [FL_OPT_JSON] = {"json", NULL, "one JSON object a line, times in UTC"},
    [FL_OPT_TZ] = {"tz", "ZONE", "zone of the times shown: local (default), UTC, +02:00, a name"},
    [FL_OPT_SERVER] = {"server", "PLACE",
                       "the local socket or https://HOST:PORT (default: FAIRLEAD_SERVER, else "
                       "the configured socket)"},
    [FL_OPT_TENANT] = {"tenant", "TENANT",
                       "the tenant (default: FAIRLEAD_TENANT, else the only "
                       "one)"},
    [FL_OPT_YES] = {"yes", NULL, "do not ask before destroying"},
    [FL_OPT_CONF] = {"conf", "FILE", "the configuration file"},
    [FL_OPT_NAME] = {"name", "TEXT", "name for people"},
    [FL_OPT_KEEP_DAYS] = {"keep-days", "N", "days that logs are kept, 1 to 30"},
    [FL_OPT_QUOTA] = {"quota", "SIZE",
                      "most that its logs may take on disk, such as 20G; 0 = no "
                      "limit"},
    [FL_OPT_DEMO] = {"demo", NULL,
                     "a demonstration tenant: its logs are invented, anyone here may "
                     "read them"},
    [FL_OPT_FAR_ZONES] = {"far-zones", "LIST", "zones whose sessions the other site reports too"},
    [FL_OPT_FAR_INSTANCES] = {"far-instances", "LIST",
                              "routing instances whose sessions the other site reports too"},
    [FL_OPT_LOCAL_ACCESS] = {"local-access", "TIME|off",
                             "let the operator at this machine read "
                             "the tenant's logs for so long (8h)"},
    [FL_OPT_COUNTRY] = {"country", "CC", "two letters, such as DE"},
    [FL_OPT_SITE] = {"site", "SITE", "the site that the device stands at"},
    [FL_OPT_HOST] = {"host", "NAME", "the HOSTNAME in its lines, where that is not its id"},
    [FL_OPT_RELAY] = {"relay", NULL, "its certificate is a relay's: HOSTNAME chooses the device"},
    [FL_OPT_DAYS] = {"days", "N", "days that the certificate or token is valid"},
    [FL_OPT_OUT] = {"out", "PLACE", "where to write to"},
    [FL_OPT_LAST] = {"last", "TIME", "the time up to now: 15m, 1h, 7d"},
    [FL_OPT_FROM] = {"from", "TIME", "from then on: 2026-11-21, \"2026-11-21 20:04\", -90m"},
    [FL_OPT_TO] = {"to", "TIME", "up to then, not included (logs send: HOST:PORT)"},
    [FL_OPT_DAY] = {"day", "DATE", "that whole day, such as 2026-11-20"},
    [FL_OPT_WHERE] = {"where", "FILTER", "only these rows: 'site:berlin bytes>1M'"},
    [FL_OPT_BY] = {"by", "METRIC", "bytes (default), up, down, packets, sessions, seconds, rows"},
    [FL_OPT_LIMIT] = {"limit", "N", "how many"},
    [FL_OPT_STEP] = {"step", "TIME", "width of a point: 5m, 1h (default: to fit)"},
    [FL_OPT_CURSOR] = {"cursor", "CURSOR", "go on where an earlier answer ended"},
    [FL_OPT_COLUMNS] = {"columns", "LIST", "fields to show, such as time,device,app,bytes"},
    [FL_OPT_FORMAT] = {"format", "FORMAT", "ndjson (default) or csv; of events: their format"},
    [FL_OPT_ORIGINAL] = {"original", NULL, "with the line as it was received"},
    [FL_OPT_DRY_RUN] = {"dry-run", NULL, "say what would happen, change nothing"},
    [FL_OPT_CERT] = {"cert", "FILE", "the sender's certificate, PEM"},
    [FL_OPT_KEY] = {"key", "FILE", "the sender's private key, PEM"},
    [FL_OPT_CA] = {"ca", "FILE", "the CA that the server's certificate must come from"},
    [FL_OPT_FINGERPRINT] = {"fingerprint", "HEX", "the server certificate's SHA-256"},
    [FL_OPT_RATE] = {"rate", "N", "lines a second (default: as fast as they go)"},
    [FL_OPT_COUNT_MAX] = {"count", "N", "stop after so many lines"},
    [FL_OPT_LOOP] = {"loop", NULL, "begin again at the end of the file"},
    [FL_OPT_FRAMING] = {"framing", "KIND", "octet (default), newline, or as-is: the file's bytes"},
    [FL_OPT_PLAIN] = {"plain", NULL, "TCP without TLS"},
    [FL_OPT_UDP] = {"udp", NULL, "a datagram for each line, without TLS"},
    [FL_OPT_RECORD_PER_LINE] = {"record-per-line", NULL, "a TLS record for each line"},
    [FL_OPT_CONNECTIONS] = {"connections", "N", "connections that share the lines (default 1)"},
    [FL_OPT_SECONDS] = {"seconds", "N", "end after so long (default: at Ctrl-C)"},
    [FL_OPT_USER] = {"user", "NAME",
                     "the user (logs erase: rows that name it; - reads the name from stdin)"},
    [FL_OPT_IP] = {"ip", "ADDRESS", "rows with this address"},
    [FL_OPT_ROLE] = {"role", "LIST", "roles, such as viewer,analyst"},
    [FL_OPT_EMAIL] = {"email", "ADDRESS", "e-mail address of a user"},
    [FL_OPT_DEPARTMENT] = {"department", "NAME", "department of a user"},
    [FL_OPT_DISABLED] = {"disabled", NULL, "the user may not sign in"},
    [FL_OPT_TOTP] = {"totp", NULL, "the user signs in with a second factor"},
    [FL_OPT_DATA] = {"data", NULL, "the logs too"},
    [FL_OPT_HOURS] = {"hours", "N", "hours until the grant ends"},
    [FL_OPT_REASON] = {"reason", "TEXT", "why, such as the number of a ticket"},
    [FL_OPT_CITY] = {"city", "TEXT", "city of a site"},
    [FL_OPT_PLACE] = {"place", "LAT,LON", "where a site stands, in degrees, such as 52.52,13.405"},
    [FL_OPT_STATE] = {"state", "STATE", "open (default), cleared or all"},
    [FL_OPT_SEVERITY] = {"severity", "WORD", "critical, major, minor or warning"},
    [FL_OPT_EVERY] = {"every", "TIME", "run by itself so often, such as 5m; off: not any more"},
    [FL_OPT_THRESHOLD] = {"threshold", "SIGN-NUMBER", "raise an alarm then: '>100', '<5M'"},
    [FL_OPT_LAYOUT] = {"layout", "NAME",
                       "a layout of headings that is kept (default: by the headings)"},
    [FL_OPT_MAP] = {"map", "LIST", "columns by hand: 'Heading=column,Heading=column*7,Heading=-'"},
    [FL_OPT_REPLACE] = {"replace", NULL,
                        "rows of these tables that the files do not have are removed"},
    [FL_OPT_AT] = {"at", "TIME", "as it was believed then"},
    [FL_OPT_FIND] = {"find", "TEXT", "only rows that hold this text"},
    [FL_OPT_REDACT] = {"redact", "LIST",
                       "what is left out or renamed: sources, places, money, stock, contacts"},
    [FL_OPT_PART] = {"part", "ID", "only what this part or product needs"},
    [FL_OPT_EVENT] = {"event", "FILE",
                      "the event: a file of a feed, a track, or one event as JSON"},
    [FL_OPT_SITES] = {"sites", "CSV", "the sites: site_id, lat, lon; more columns may be there"},
    [FL_OPT_GRID] = {"grid", "FILE", "a ShakeMap grid.xml, used where it reaches"},
    [FL_OPT_PER] = {"per", "KIND", "of each site (default) or each node, a part at a site"},
    [FL_OPT_SIGNERS] = {"signers", "FILE", "certificates of signers of CAP alerts, PEM"},
    [FL_OPT_YEARS] = {"years", "N", "trials: years that are drawn (default 100000)"},
    [FL_OPT_SEED] = {"seed", "N", "of the draws; the same seed gives the same bytes (default 1)"},
    [FL_OPT_THREADS] = {"threads", "N", "1 to 64 (default: processors); changes nothing else"},
    [FL_OPT_PLAN] = {"plan", "FILE", "plans to compare, JSON"},
    [FL_OPT_RATES] = {"rates", "CSV", "frequencies of events of your own"},
    [FL_OPT_DAILY] = {"daily", NULL, "cost outages day by day, with lead times and allocation"},
    [FL_OPT_KIND] =
        {"kind", "KIND",
         "of a feed: usgs, gdacs, cap, jma, ...; of scores: component, product, supplier, site"},
    [FL_OPT_ID] = {"id", "ID", "one of them, with all that it stands on"},
    [FL_OPT_BOM] = {"bom", "FILE", "a bill of material as CSV: part, quantity, parent, ..."},
    [FL_OPT_STAGE] = {"stage", "STAGE",
                      "concept (default), design, prototype, production, end_of_life"},
    [FL_OPT_ENABLED] = {"enabled", NULL, "it is read by itself (--enabled=no: not any more)"},
    [FL_OPT_FIXES_ONLY] = {"fixes-only", NULL,
                           "cyclones: the wind profile at the fixes alone, to check a figure"},
    [FL_OPT_OWNER] = {"owner", "NAME", "who looks after it"},
    [FL_OPT_EXERCISE] = {"exercise", NULL, "a drill: nothing of it leaves"},
    [FL_OPT_RISK] = {"risk", "N", "the risk that it is about"},
    [FL_OPT_TEXT] = {"text", "TEXT", "in words"},
    [FL_OPT_ADD] = {"add", NULL, "add it"},
    [FL_OPT_LANGUAGE] = {"language", "CODE", "en, de, ja, zh, ko, es, pl, th or vi"},
    [FL_OPT_LINK] = {"link", NULL, "show a link once instead of mailing it"},
    [FL_OPT_COMPARE] = {"compare", NULL, "calculate what each plan avoids"},
    [FL_OPT_UNITS] = {"units", "N", "how many pieces"},
    [FL_OPT_COST] = {"cost", "N", "what it costs, in the network's currency"},
    [FL_OPT_PRODUCT] = {"product", "ID", "the product that is served first"},
    [FL_OPT_SUBJECT] = {"subject", "TEXT", "subject of a notice, one line"},
    [FL_OPT_BACK_FILL] = {"back-fill", "TIME", "first invent so much of the past (default 24h)"},
};

/* Edits between two words, a swap of neighbours counted once. */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][WORD_MAX + 1];
    size_t la = strlen(a), lb = strlen(b);

    if (la > WORD_MAX || lb > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= la; i++) {
        unsigned *cur = rows[i % 3], *prev = rows[(i + 2) % 3], *swap = rows[(i + 1) % 3];

        cur[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned best = prev[j - 1] + (a[i - 1] != b[j - 1]);

            best = prev[j] + 1 < best ? prev[j] + 1 : best;
            best = cur[j - 1] + 1 < best ? cur[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                swap[j - 2] + 1 < best)
                best = swap[j - 2] + 1;
            cur[j] = best;
        }
    }
    return rows[la % 3][lb];
}

const char *fl_args_nearest(const char *typed, const char *const *words, size_t count)
{
    const char *best = NULL;
    unsigned best_edits = WORD_MAX;

    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(typed);
        unsigned edits;

        if (words[i] == NULL)
            continue;
        edits = distance(typed, words[i]);
        if (len >= 2 && strncmp(words[i], typed, len) == 0)
            edits = 1; /* only the beginning was typed */
        if (edits < best_edits && edits <= 1 + strlen(words[i]) / 3 && edits < strlen(words[i])) {
            best = words[i];
            best_edits = edits;
        }
    }
    return best;
}

int fl_args_number(const char *what, const char *text, uint64_t low, uint64_t high, uint64_t *ret,
                   struct fl_err *err)
{
    uint64_t value;

    if (!fl_span_u64(fl_span_str(text), &value) || value < low || value > high)
        return fl_err_set(err, FL_E_INVAL,
                          "%s is a number from %" PRIu64 " to %" PRIu64 ", not '%.60s'", what, low,
                          high, text);
    *ret = value;
    return FL_OK;
}

/* "unknown WHAT 'typed'; did you mean 'x'?" */
static int unknown(struct fl_err *err, const char *what, const char *typed,
                   const char *const *words, size_t count, const char *where)
{
    const char *near = fl_args_nearest(typed, words, count);

    if (near != NULL)
        return fl_err_set(err, FL_E_INVAL, "unknown %s '%.60s'; did you mean '%s'?", what, typed,
                          near);
    return fl_err_set(err, FL_E_INVAL, "unknown %s '%.60s'; see fairlead %s%s-h", what, typed,
                      where, where[0] == '\0' ? "" : " ");
}

static bool allows(const struct fl_command *command, size_t opt)
{
    return opt == FL_OPT_HELP || opt == FL_OPT_JSON || (command->opts >> opt & 1) != 0;
}

static int unknown_option(const struct fl_noun *noun, const struct fl_command *command,
                          const char *name, struct fl_err *err)
{
    const char *names[FL_OPT_COUNT] = {NULL};
    char where[100], typed[WORD_MAX + 2];

    for (size_t i = 0; i < FL_OPT_COUNT; i++)
        if (allows(command, i))
            names[i] = options[i].name;
    (void)snprintf(where, sizeof where, "%s%s%s", noun->noun, command->verb[0] == '\0' ? "" : " ",
                   command->verb);
    (void)snprintf(typed, sizeof typed, "%.*s", (int)strcspn(name, "="), name);
    return unknown(err, "option", typed, names, FL_OPT_COUNT, where);
}

/* "--name[=value]" at argv[at]; moves at over a value that stands alone. */
static int take_option(struct fl_cli *cli, int argc, char **argv, int *at, struct fl_err *err)
{
    const char *name = argv[*at] + 2, *equals = strchr(name, '=');
    size_t len = strcspn(name, "="), opt = 0;

    while (opt < FL_OPT_COUNT && (!allows(cli->command, opt) || strlen(options[opt].name) != len ||
                                  strncmp(options[opt].name, name, len) != 0))
        opt++;
    if (opt == FL_OPT_COUNT)
        return unknown_option(cli->noun, cli->command, name, err);
    if (options[opt].value == NULL) {
        const char *value = equals == NULL ? "yes" : equals + 1;

        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
            return fl_err_set(err, FL_E_INVAL, "--%s takes =yes or =no, not '%.60s'",
                              options[opt].name, value);
        cli->opt[opt] = value;
        return FL_OK;
    }
    if (equals == NULL && *at + 1 >= argc)
        return fl_err_set(err, FL_E_INVAL, "--%s needs a value: --%s %s", options[opt].name,
                          options[opt].name, options[opt].value);
    cli->opt[opt] = equals != NULL ? equals + 1 : argv[++*at];
    return FL_OK;
}

/* "-user:j.doe", "-url~cdn": a negated term of a filter; "-": standard input. */
static bool is_argument(const char *word)
{
    return word[0] != '-' || word[1] == '\0' || strpbrk(word, ":~<>") != NULL;
}

static int take_rest(struct fl_cli *cli, int argc, char **argv, int at, struct fl_err *err)
{
    bool only_args = false;

    for (; at < argc; at++) {
        const char *word = argv[at];
        int r = FL_OK;

        if (!only_args && strcmp(word, "--") == 0) {
            only_args = true;
        } else if (!only_args && (strcmp(word, "-h") == 0)) {
            cli->opt[FL_OPT_HELP] = "yes";
        } else if (!only_args && strncmp(word, "--", 2) == 0) {
            r = take_option(cli, argc, argv, &at, err);
        } else if (!only_args && !is_argument(word)) {
            r = unknown_option(cli->noun, cli->command, word + 1, err);
        } else if (cli->args == FL_ARGS_MAX) {
            r = fl_err_set(err, FL_E_INVAL, "more than %d arguments", FL_ARGS_MAX);
        } else {
            cli->arg[cli->args++] = word;
        }
        if (r < 0)
            return r;
    }
    return FL_OK;
}

/* Number of argv words that the verb is made of; 0 when it does not match. */
static int verb_words(const char *verb, int argc, char **argv)
{
    const char *space = strchr(verb, ' ');
    size_t first = space == NULL ? strlen(verb) : (size_t)(space - verb);

    if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], verb, first) != 0)
        return 0;
    if (space == NULL)
        return 1;
    return argc >= 2 && strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

const char *fl_args_option(const struct fl_command *command, enum fl_opt opt, bool *ret_value)
{
    *ret_value = options[opt].value != NULL;
    return allows(command, opt) ? options[opt].name : NULL;
}

static bool wants_help(const char *word)
{
    return strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "help") == 0;
}

void fl_args_overview(const struct fl_noun *nouns, size_t count, FILE *out)
{
    (void)fprintf(out, "usage: fairlead NOUN VERB [ARGUMENT...] [--option value...]\n\n");
    for (size_t n = 0; n < count; n++) {
        (void)fprintf(out, "  %-8s  %s\n", nouns[n].noun, nouns[n].brief);
        for (size_t c = 0; c < nouns[n].count; c++)
            if (nouns[n].commands[c].verb[0] != '\0')
                (void)fprintf(out, "%s%s", c == 0 ? "            " : ", ",
                              nouns[n].commands[c].verb);
        if (nouns[n].commands[0].verb[0] != '\0')
            (void)fprintf(out, "\n");
    }
    (void)fprintf(out, "\nEvery level answers -h. All commands take --json; exit codes: 0 done, 1 "
                       "the answer is no,\n2 wrong use, 3 server not reached, 4 refused, 5 "
                       "partial.\n\nexamples:\n"
                       "  fairlead status\n"
                       "  fairlead logs top app --last 1h\n");
}

static void noun_usage(const struct fl_noun *noun, FILE *out)
{
    (void)fprintf(out, "usage: fairlead %s VERB [ARGUMENT...] [--option value...]\n\n%s\n\n",
                  noun->noun, noun->brief);
    for (size_t c = 0; c < noun->count; c++)
        (void)fprintf(out, "  %-12s  %s\n", noun->commands[c].verb, noun->commands[c].brief);
    (void)fprintf(out, "\nexamples:\n  %s\n  %s\n", noun->commands[0].example[0],
                  noun->commands[noun->count > 1 ? 1 : 0].example[noun->count > 1 ? 0 : 1]);
}

void fl_args_usage(const struct fl_noun *noun, const struct fl_command *command, FILE *out)
{
    char left[60];
    /* "--to" beside "--from" is a time, else a place, or of the store a version. */
    bool other, version = strcmp(noun->noun, "store") == 0;

    (void)fprintf(out, "usage: fairlead %s%s%s%s%s [--option value...]\n\n%s\n", noun->noun,
                  command->verb[0] == '\0' ? "" : " ", command->verb,
                  command->args[0] == '\0' ? "" : " ", command->args, command->brief);
    if (command->text != NULL)
        (void)fprintf(out, "\n%s\n", command->text);
    (void)fprintf(out, "\n");
    for (size_t i = 0; i < FL_OPT_COUNT; i++) {
        if (!allows(command, i))
            continue;
        other = i == FL_OPT_TO && (command->opts & FL_OPT_BIT(FROM)) == 0;
        (void)snprintf(left, sizeof left, "%s--%s%s%s", i == FL_OPT_HELP ? "-h, " : "",
                       options[i].name, options[i].value == NULL ? "" : " ",
                       other                      ? (version ? "VERSION" : "HOST:PORT")
                       : options[i].value == NULL ? ""
                                                  : options[i].value);
        (void)fprintf(out, "  %-23s  %s\n", left,
                      !other    ? options[i].text
                      : version ? "of the format: 1, or 2, which is the current one"
                                : "the listener to send to");
    }
    (void)fprintf(out, "\nexamples:\n  %s\n  %s\n", command->example[0], command->example[1]);
}

static const struct fl_noun *find_noun(const struct fl_noun *nouns, size_t count, const char *word,
                                       struct fl_err *err)
{
    const char *words[32] = {NULL};

    for (size_t n = 0; n < count; n++) {
        if (strcmp(nouns[n].noun, word) == 0)
            return &nouns[n];
        if (n < FL_LEN(words))
            words[n] = nouns[n].noun;
    }
    (void)unknown(err, "command", word, words, FL_LEN(words), "");
    return NULL;
}

/* *ret_words: how many words of argv the verb took. */
static const struct fl_command *find_verb(const struct fl_noun *noun, int argc, char **argv,
                                          int *ret_words, struct fl_err *err)
{
    const char *words[32] = {NULL};
    char typed[2 * WORD_MAX];

    for (size_t c = 0; c < noun->count; c++) {
        const char *verb = noun->commands[c].verb;

        *ret_words = verb[0] == '\0' ? 0 : verb_words(verb, argc, argv);
        if (*ret_words > 0 || verb[0] == '\0')
            return &noun->commands[c];
        if (c < FL_LEN(words))
            words[c] = verb;
    }
    (void)snprintf(typed, sizeof typed, "%.30s", argv[0]);
    for (size_t c = 0; argc > 1 && c < noun->count; c++)
        if (strchr(noun->commands[c].verb, ' ') != NULL &&
            strncmp(noun->commands[c].verb, argv[0], strcspn(noun->commands[c].verb, " ")) == 0)
            (void)snprintf(typed, sizeof typed, "%.30s %.30s", argv[0], argv[1]);
    (void)unknown(err, "verb", typed, words, FL_LEN(words), noun->noun);
    return NULL;
}

static int check_count(const struct fl_cli *cli, struct fl_err *err)
{
    const struct fl_command *command = cli->command;

    if (cli->args >= command->min && cli->args <= command->max)
        return FL_OK;
    if (cli->args > command->max)
        return fl_err_set(err, FL_E_INVAL,
                          "'%.60s' is one argument too many; usage: fairlead %s %s %s",
                          cli->arg[command->max], cli->noun->noun, command->verb, command->args);
    return fl_err_set(err, FL_E_INVAL, "%s is missing; usage: fairlead %s %s %s",
                      cli->args == 0 ? "an argument" : "one more argument", cli->noun->noun,
                      command->verb, command->args);
}

int fl_args_parse(const struct fl_noun *nouns, size_t count, int argc, char **argv,
                  struct fl_cli *cli, FILE *out, struct fl_err *err)
{
    int words, r;

    cli->nouns = nouns;
    cli->noun_count = count;
    if (argc < 2) {
        fl_args_overview(nouns, count, out);
        return fl_err_set(err, FL_E_INVAL, "a command is missing");
    }
    if (wants_help(argv[1]) && argc == 2) {
        fl_args_overview(nouns, count, out);
        return 0;
    }
    if (strcmp(argv[1], "help") == 0) { /* help NOUN VERB = NOUN VERB -h */
        argv++;
        argc--;
        cli->opt[FL_OPT_HELP] = "yes";
    }
    cli->noun =
        find_noun(nouns, count, strcmp(argv[1], "--version") == 0 ? "version" : argv[1], err);
    if (cli->noun == NULL)
        return FL_E_INVAL;
    if (cli->noun->commands[0].verb[0] != '\0' && (argc == 2 || wants_help(argv[2]))) {
        bool asked = argc > 2 || cli->opt[FL_OPT_HELP] != NULL;

        noun_usage(cli->noun, out);
        return asked ? 0 : fl_err_set(err, FL_E_INVAL, "a verb is missing behind '%s'", argv[1]);
    }
    cli->command = find_verb(cli->noun, argc - 2, argv + 2, &words, err);
    if (cli->command == NULL)
        return FL_E_INVAL;
    r = take_rest(cli, argc, argv, 2 + words, err);
    if (r < 0)
        return r;
    if (fl_cli_flag(cli, FL_OPT_HELP)) {
        fl_args_usage(cli->noun, cli->command, out);
        return 0;
    }
    r = check_count(cli, err);
    return r < 0 ? r : 1;
}
