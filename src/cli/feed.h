/* feed.h - the commands about feeds of events. */
#ifndef FL_CLI_FEED_H
#define FL_CLI_FEED_H

#include "cli/cli.h"

extern const struct fl_command fl_cmd_feed[];
extern const size_t fl_cmd_feed_count;

#endif
