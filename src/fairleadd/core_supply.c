/*
 * The threads that calculate for core, and what it tells the desk of risks. Networks, jobs and the
 * pipeline itself are the api's (api/work.h, api/desk.h).
 */
#include <sched.h>

#include "api/desk.h"
#include "api/scores.h"
#include "api/work.h"
#include "base/time.h"
#include "fairleadd/core.h"

enum { THREADS = 2 };

int fl_core_supply_new(struct fl_core *core, struct fl_err *err)
{
    unsigned threads = 1;
    cpu_set_t may;

    if (sched_getaffinity(0, sizeof may, &may) == 0 && CPU_COUNT(&may) >= THREADS)
        threads = THREADS;
    return fl_work_new(core->env->loop, threads, fl_now_us, &core->work, err);
}

void fl_core_supply_free(struct fl_core *core)
{
    fl_work_free(core->work);
    core->work = NULL;
}

void fl_core_supply_tick(struct fl_core *core)
{
    fl_work_tick(core->work);
    fl_api_desk_tick(core->api);
    fl_api_scores_tick(core->api);
}

void fl_core_event_changed(struct fl_core *core, uint32_t event)
{
    fl_api_event_changed(core->api, event);
}
