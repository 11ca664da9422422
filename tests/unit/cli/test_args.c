#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "tap.h"

static int run(struct fl_cli *cli)
{
    (void)cli;
    return 0;
}

static const struct fl_command things[] = {
    {"list", "", 0, 0, FL_OPTS_SERVER, "the things", NULL, {"fairlead thing list", "x"}, run},
    {"cert issue",
     "THING",
     1,
     1,
     FL_OPT_BIT(OUT) | FL_OPT_BIT(DAYS) | FL_OPT_BIT(YES),
     "a key",
     "More.",
     {"fairlead thing cert issue a", "y"},
     run},
    {"query",
     "[FILTER...]",
     0,
     FL_ARGS_MAX,
     FL_OPT_BIT(LAST) | FL_OPT_BIT(FROM),
     "rows",
     NULL,
     {"fairlead thing query", "z"},
     run},
};
static const struct fl_command alone[] = {
    {"", "", 0, 0, 0, "alone", NULL, {"fairlead alone", "fairlead alone --json"}, run},
};
static const struct fl_noun nouns[] = {
    {"thing", "things there are", things, FL_LEN(things)},
    {"alone", "alone", alone, FL_LEN(alone)},
};

static const struct {
    const char *line;
    int result;       /* 1 run, 0 help, FL_E_INVAL */
    const char *verb; /* that was found, or in the error */
    const char *arg, *value;
    enum fl_opt opt;
} cases[] = {
    {"thing list", 1, "list", NULL, NULL, 0},
    {"alone", 1, "", NULL, NULL, 0},
    {"alone --json", 1, "", NULL, "yes", FL_OPT_JSON},
    {"alone --json=no", 1, "", NULL, "no", FL_OPT_JSON},
    {"thing cert issue a --out d", 1, "cert issue", "a", "d", FL_OPT_OUT},
    {"thing cert issue --out=d a", 1, "cert issue", "a", "d", FL_OPT_OUT},
    {"thing cert issue --out -x a", 1, "cert issue", "a", "-x", FL_OPT_OUT},
    {"thing query -user:j.doe", 1, "query", "-user:j.doe", NULL, 0},
    {"thing query -", 1, "query", "-", NULL, 0},
    {"thing query -- --last", 1, "query", "--last", NULL, 0},
    {"thing query --from -1h", 1, "query", NULL, "-1h", FL_OPT_FROM},
    {"-h", 0, NULL, NULL, NULL, 0},
    {"help", 0, NULL, NULL, NULL, 0},
    {"thing -h", 0, NULL, NULL, NULL, 0},
    {"help thing", 0, NULL, NULL, NULL, 0},
    {"thing list -h", 0, NULL, NULL, NULL, 0},
    {"help thing list", 0, NULL, NULL, NULL, 0},
    {"thing cert issue --help", 0, NULL, NULL, NULL, 0},
    {"", FL_E_INVAL, "a command is missing", NULL, NULL, 0},
    {"thing", FL_E_INVAL, "a verb is missing", NULL, NULL, 0},
    {"thign list", FL_E_INVAL, "unknown command 'thign'; did you mean 'thing'?", NULL, NULL, 0},
    {"thing lits", FL_E_INVAL, "unknown verb 'lits'; did you mean 'list'?", NULL, NULL, 0},
    {"thing cert isue a", FL_E_INVAL, "did you mean 'cert issue'?", NULL, NULL, 0},
    {"thing xyzzy", FL_E_INVAL, "see fairlead thing -h", NULL, NULL, 0},
    {"thing query --lats 1h", FL_E_INVAL, "unknown option 'lats'; did you mean 'last'?", NULL, NULL,
     0},
    {"thing query --out d", FL_E_INVAL, "unknown option 'out'", NULL, NULL, 0},
    {"thing query -x", FL_E_INVAL, "unknown option 'x'", NULL, NULL, 0},
    {"thing query --last", FL_E_INVAL, "--last needs a value: --last TIME", NULL, NULL, 0},
    {"thing cert issue a --yes=maybe", FL_E_INVAL, "--yes takes =yes or =no", NULL, NULL, 0},
    {"thing cert issue", FL_E_INVAL, "an argument is missing; usage: fairlead thing cert issue",
     NULL, NULL, 0},
    {"thing cert issue a b", FL_E_INVAL, "'b' is one argument too many", NULL, NULL, 0},
    {"thing list x", FL_E_INVAL, "'x' is one argument too many", NULL, NULL, 0},
};

static int parse(const char *line, struct fl_cli *cli, FILE *out, struct fl_err *err)
{
    static char words[400];
    char *argv[40] = {NULL}, *rest = words;
    int argc = 1;
    static char name[] = "fairlead";

    (void)snprintf(words, sizeof words, "%s", line);
    argv[0] = name;
    while (rest != NULL && *rest != '\0' && argc < 39)
        argv[argc++] = strsep(&rest, " ");
    return fl_args_parse(nouns, FL_LEN(nouns), argc, argv, cli, out, err);
}

static bool right(size_t i, int r, const struct fl_cli *cli, const struct fl_err *err)
{
    const char *arg = cli->args == 0 ? NULL : cli->arg[0];

    if (r != cases[i].result)
        return false;
    if (r < 0)
        return strstr(err->text, cases[i].verb) != NULL;
    if (r == 0)
        return true;
    if (strcmp(cli->command->verb, cases[i].verb) != 0 || (arg == NULL) != (cases[i].arg == NULL))
        return false;
    if (arg != NULL && strcmp(arg, cases[i].arg) != 0)
        return false;
    return cases[i].value == NULL ||
           (cli->opt[cases[i].opt] != NULL && strcmp(cli->opt[cases[i].opt], cases[i].value) == 0);
}

int main(void)
{
    static const char *const words[] = {"list", "show", "remove", NULL};
    char text[4096] = "";
    struct fl_cli cli;
    struct fl_err err;
    uint64_t n = 0;
    FILE *out;

    for (size_t i = 0; i < FL_LEN(cases); i++) {
        FILE *null = fopen("/dev/null", "w");
        int r;

        cli = (struct fl_cli){.args = 0};
        err.text[0] = '\0';
        r = parse(cases[i].line, &cli, null, &err);
        CHECK(right(i, r, &cli, &err), cases[i].line);
        if (!right(i, r, &cli, &err))
            printf("# %d %s\n", r, err.text);
        (void)fclose(null);
    }
    cli = (struct fl_cli){.args = 0};
    out = fmemopen(text, sizeof text - 1, "w");
    (void)!parse("thing cert issue -h", &cli, out, &err);
    (void)fclose(out);
    CHECK(strstr(text, "usage: fairlead thing cert issue THING") != NULL &&
              strstr(text, "--out PLACE") != NULL && strstr(text, "More.") != NULL &&
              strstr(text, "fairlead thing cert issue a\n  y\n") != NULL &&
              strstr(text, "--last") == NULL,
          "help has usage, its own options, two examples");
    CHECK(fl_args_nearest("lsit", words, 4) == words[0] &&
              fl_args_nearest("rem", words, 4) == words[2] &&
              fl_args_nearest("zzzz", words, 4) == NULL && fl_args_nearest("", words, 4) == NULL,
          "nearest words");
    CHECK(fl_args_number("n", "5", 1, 5, &n, &err) == 0 && n == 5 &&
              fl_args_number("n", "6", 1, 5, &n, &err) == FL_E_INVAL &&
              fl_args_number("n", "-1", 0, 5, &n, &err) == FL_E_INVAL &&
              fl_args_number("n", "", 0, 5, &n, &err) == FL_E_INVAL && n == 5,
          "numbers within their range");
    return tap_done();
}
