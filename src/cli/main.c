/* fairlead: the command line. One table of nouns; each noun's file has the table of its verbs. */
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/case.h"
#include "cli/cli.h"
#include "cli/complete.h"
#include "cli/drill.h"
#include "cli/feed.h"
#include "cli/people.h"
#include "cli/send.h"
#include "cli/supply.h"
#include "cli/watch.h"

static int run_version(struct fl_cli *cli)
{
    if (fl_cli_flag(cli, FL_OPT_JSON))
        (void)printf("{\"name\":\"fairlead\",\"version\":\"%s\"}\n", FL_VERSION);
    else
        (void)printf("fairlead %s\n", FL_VERSION);
    return FL_EXIT_OK;
}

static const struct fl_command version[] = {
    {"",
     "",
     0,
     0,
     0,
     "the version of this program",
     NULL,
     {"fairlead version", "fairlead version --json"},
     run_version},
};

static int run_completion(struct fl_cli *cli)
{
    struct fl_err err;

    if (fl_complete(cli->nouns, cli->noun_count, cli->arg[0], stdout, &err) < 0)
        return fl_cli_fail(&err);
    return FL_EXIT_OK;
}

static const struct fl_command completion[] = {
    {"",
     "SHELL",
     1,
     1,
     0,
     "a script that completes words, for bash or zsh",
     NULL,
     {"source <(fairlead completion bash)",
      "fairlead completion zsh > /usr/local/share/zsh/site-functions/_fairlead"},
     run_completion},
};

int main(int argc, char **argv)
{
    const struct fl_noun nouns[] = {
        {"status", "how everything is: roles, stores, tenants, devices", fl_cmd_status,
         fl_cmd_status_count},
        {"tenant", "whose logs are kept, and for how long", fl_cmd_tenant, fl_cmd_tenant_count},
        {"site", "where a tenant's devices stand", fl_cmd_site, fl_cmd_site_count},
        {"device", "who may send logs; their certificates", fl_cmd_device, fl_cmd_device_count},
        {"logs", "ask for logs; parse, send, purge, erase", fl_cmd_logs, fl_cmd_logs_count},
        {"user", "who signs in", fl_cmd_user, fl_cmd_user_count},
        {"role", "what users may", fl_cmd_role, fl_cmd_role_count},
        {"token", "how programs sign in", fl_cmd_token, fl_cmd_token_count},
        {"grant", "what a tenant lets the operator do", fl_cmd_grant, fl_cmd_grant_count},
        {"alarm", "what is wrong, and who looks after it", fl_cmd_alarm, fl_cmd_alarm_count},
        {"search", "searches that are saved, and run by themselves", fl_cmd_search,
         fl_cmd_search_count},
        {"supply", "networks of supply: who makes what where, and what that puts at risk",
         fl_cmd_supply, fl_cmd_supply_count},
        {"feed", "where events in the world are heard from", fl_cmd_feed, fl_cmd_feed_count},
        {"case", "what is done about an event: sites, suppliers, plans", fl_cmd_case,
         fl_cmd_case_count},
        {"drill", "exercises on today's network: injects by the clock, a score", fl_cmd_drill,
         fl_cmd_drill_count},
        {"store", "the log store", fl_cmd_store, fl_cmd_store_count},
        {"keys", "the keys that everything stored is sealed with", fl_cmd_keys, fl_cmd_keys_count},
        {"ca", "what senders check the server with", fl_cmd_ca, fl_cmd_ca_count},
        {"events", "the record of security events", fl_cmd_events, fl_cmd_events_count},
        {"conf", "the configuration file", fl_cmd_conf, fl_cmd_conf_count},
        {"demo", "a demonstration with invented logs", fl_cmd_demo, fl_cmd_demo_count},
        {"completion", "completion of words for a shell", completion, FL_LEN(completion)},
        {"version", "the version of this program", version, FL_LEN(version)},
    };
    struct fl_cli cli = {.now_us = fl_now_us()};
    struct fl_err err;
    int r;

    fl_term_init(&cli.term);
    r = fl_args_parse(nouns, FL_LEN(nouns), argc, argv, &cli, stdout, &err);
    if (r < 0)
        return fl_cli_fail(&err);
    if (r == 0)
        return FL_EXIT_OK;
    if (fl_zone_set(cli.opt[FL_OPT_TZ] == NULL ? "" : cli.opt[FL_OPT_TZ], &err) < 0)
        return fl_cli_fail(&err);
    r = cli.command->run(&cli);
    if (fflush(stdout) != 0 && r == FL_EXIT_OK) {
        (void)fprintf(stderr, "fairlead: the output could not be written\n");
        r = FL_EXIT_NO;
    }
    return r;
}
