/*
 * demo_supply.h - the demonstration's networks of supply, and the events in the world that come to
 * them. Networks and script are part of the program (data/sample-network, data/sample-events.json).
 */
#ifndef FL_CLI_DEMO_SUPPLY_H
#define FL_CLI_DEMO_SUPPLY_H

#include "cli/demo.h"

struct fl_demo_file { /* of a network */
    const char *tenant, *name, *text;
};
extern const struct fl_demo_file fl_demo_files[];
extern const unsigned fl_demo_file_count;
/* JSON array of steps by time: {after_s, key, tenant?, what?: update|withdraw, body}. In a body,
 * `from_h`, `until_h` and a fix's `in_h` are hours from when it is typed. */
extern const char *const fl_demo_events;

struct fl_demo_supply;

/* Give the tenants a network where they have none; find how far the script is. */
int fl_demo_supply_new(struct fl_demo_run *run, struct fl_demo_supply **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_demo_supply_free(struct fl_demo_supply *supply); /* NULL is allowed */
/* Type the events that are due. A failure is said once, and tried again later. */
void fl_demo_supply_turn(struct fl_demo_supply *supply);

/* A body as the API takes it: hours are times. Exposed for tests. A new reference; NULL: no
 * memory. */
json_t *fl_demo_body(const json_t *body, int64_t now_us);

#endif
