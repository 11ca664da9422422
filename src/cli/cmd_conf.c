#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "conf/conf.h"

#define USUAL_FILE "/etc/fairlead/fairlead.conf"

/* The file asked for: argument, --conf, FAIRLEAD_CONF, the usual one. */
static const char *file_of(struct fl_cli *cli)
{
    const char *env = getenv("FAIRLEAD_CONF");

    if (cli->args > 0)
        return cli->arg[0];
    if (cli->opt[FL_OPT_CONF] != NULL)
        return cli->opt[FL_OPT_CONF];
    return env != NULL && env[0] != '\0' ? env : USUAL_FILE;
}

static int read_conf(struct fl_cli *cli, const char *file, struct fl_conf **ret)
{
    FL_AUTO(fl_buf_done) struct fl_buf errors, clean;
    struct fl_err err;
    int r;

    fl_buf_init(&errors, FL_CONF_ERRORS_MAX);
    fl_buf_init(&clean, 4 * FL_CONF_ERRORS_MAX);
    r = fl_conf_read(file, ret, &errors, &err);
    if (r == FL_OK)
        return FL_EXIT_OK;
    fl_term_clean(&cli->term, fl_buf_span(&errors), true, &clean);
    (void)fprintf(stderr, "%.*s", (int)clean.len, (const char *)clean.ptr);
    (void)fl_cli_fail(&err);
    return r == FL_E_DENIED ? FL_EXIT_REFUSED : r == FL_E_INVAL ? FL_EXIT_NO : FL_EXIT_USAGE;
}

static int run_check(struct fl_cli *cli)
{
    FL_AUTO(fl_conf_freep) struct fl_conf *conf = NULL;
    const char *file = file_of(cli);
    int r = read_conf(cli, file, &conf);

    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        json_t *line = json_pack("{s:s,s:b,s:i}", "file", file, "ok", 1, "listeners",
                                 (int)fl_conf_listeners(conf));

        fl_js_line(line);
        json_decref(line);
    } else {
        (void)printf("%s is right: %d settings, %zu further listeners\n", file,
                     (int)FL_SETTING_COUNT, fl_conf_listeners(conf));
    }
    return FL_EXIT_OK;
}

static void show_json(const struct fl_conf *conf)
{
    FL_AUTO(fl_buf_done) struct fl_buf value;

    fl_buf_init(&value, FL_CONF_FILE_MAX);
    for (int s = 0; s < FL_SETTING_COUNT; s++) {
        json_t *line;

        fl_buf_clear(&value);
        fl_conf_value(conf, (enum fl_setting)s, &value);
        line = json_pack("{s:s,s:s%}", "setting", fl_conf_name((enum fl_setting)s), "value",
                         value.ptr == NULL ? "" : (const char *)value.ptr, value.len);
        fl_js_line(line);
        json_decref(line);
    }
    for (size_t i = 0; i < fl_conf_listeners(conf); i++) {
        const struct fl_conf_listener *l = fl_conf_listener(conf, i);
        json_t *line = json_pack("{s:s,s:s,s:s,s:s}", "listener", l->name, "kind", l->kind,
                                 "address", l->address, "tenant", l->tenant);

        fl_js_line(line);
        json_decref(line);
    }
}

static int run_show(struct fl_cli *cli)
{
    FL_AUTO(fl_conf_freep) struct fl_conf *conf = NULL;
    FL_AUTO(fl_buf_done) struct fl_buf text;
    const char *file = file_of(cli);
    struct fl_err err;
    int r;

    fl_buf_init(&text, FL_CONF_FILE_MAX);
    if (cli->opt[FL_OPT_CONF] == NULL && cli->args == 0 && access(file, F_OK) != 0) {
        fl_cli_note(cli, "there is no %s; these are the defaults", file);
        r = fl_conf_defaults(&conf, &err) < 0 ? fl_cli_fail(&err) : FL_EXIT_OK;
    } else {
        r = read_conf(cli, file, &conf);
    }
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        show_json(conf);
        return FL_EXIT_OK;
    }
    fl_conf_dump(conf, &text);
    (void)fwrite(text.ptr, 1, text.len, stdout);
    return FL_EXIT_OK;
}

const struct fl_command fl_cmd_conf[] = {
    {"check",
     "[FILE]",
     0,
     1,
     FL_OPT_BIT(CONF),
     "check a configuration; every error with file, line, setting and what would be right",
     "FILE: else --conf, FAIRLEAD_CONF, or " USUAL_FILE ". Needs no server. Exit code 1: errors.",
     {"fairlead conf check", "fairlead conf check ./fairlead.conf && systemctl restart fairlead"},
     run_check},
    {"show",
     "[FILE]",
     0,
     1,
     FL_OPT_BIT(CONF),
     "every setting with its value, as a file",
     NULL,
     {"fairlead conf show",
      "fairlead conf show --json | jq -r 'select(.setting == \"keep_days\")'"},
     run_show},
};
const size_t fl_cmd_conf_count = FL_LEN(fl_cmd_conf);
