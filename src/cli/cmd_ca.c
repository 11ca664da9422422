#include <stdio.h>

#include "cli/cli.h"

static int run_show(struct fl_cli *cli)
{
    json_t *ca;
    int r = fl_cli_call(cli, "GET", "/api/v1/instance/ca", NULL, &ca);

    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        fl_js_line(ca);
    } else {
        (void)printf("%s", fl_js_text(ca, "ca_pem"));
        (void)fprintf(stderr, "authority, SHA-256:          %s\nserver certificate, SHA-256: %s\n",
                      fl_js_text(ca, "ca_fingerprint"), fl_js_text(ca, "server_fingerprint"));
    }
    json_decref(ca);
    return FL_EXIT_OK;
}

const struct fl_command fl_cmd_ca[] = {
    {"show",
     "",
     0,
     0,
     FL_OPTS_SERVER,
     "the CA that senders check the server with, and its certificate's fingerprint",
     NULL,
     {"fairlead ca show > fairlead-ca.pem", "fairlead ca show --json | jq -r .server_fingerprint"},
     run_show},
};
const size_t fl_cmd_ca_count = FL_LEN(fl_cmd_ca);
