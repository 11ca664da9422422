/* case.h - the commands about cases: the war room of a supply chain. */
#ifndef FL_CLI_CASE_H
#define FL_CLI_CASE_H

#include "cli/cli.h"

extern const struct fl_command fl_cmd_case[];
extern const size_t fl_cmd_case_count;

#endif
