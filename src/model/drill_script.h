/* drill_script.h - the scripts of drills that come with the program (data/drills), as JSON: key,
 * title, about, minutes, event (codec/world_event.h, or null), roles, script. */
#ifndef FL_MODEL_DRILL_SCRIPT_H
#define FL_MODEL_DRILL_SCRIPT_H

#include <stdint.h>

struct fl_drill_script {
    const char *key;
    const char *json;
};
extern const struct fl_drill_script fl_drill_scripts[];
extern const uint32_t fl_drill_script_count;

#endif
