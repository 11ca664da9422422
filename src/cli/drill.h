/* drill.h - the commands about drills. */
#ifndef FL_CLI_DRILL_H
#define FL_CLI_DRILL_H

#include "cli/cli.h"

extern const struct fl_command fl_cmd_drill[];
extern const size_t fl_cmd_drill_count;

#endif
