/* watch.h - the commands about alarms and saved searches. */
#ifndef FL_CLI_WATCH_H
#define FL_CLI_WATCH_H

#include "cli/cli.h"

extern const struct fl_command fl_cmd_alarm[], fl_cmd_search[];
extern const size_t fl_cmd_alarm_count, fl_cmd_search_count;

#endif
