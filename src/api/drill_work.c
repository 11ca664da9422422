/* On the loop: asks for the calculation of a drill, stores it, and starts the drill with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cases.h"
#include "api/drill_int.h"
#include "api/drills.h"
#include "api/parts.h"
#include "codec/world_event.h"

static void job_free(void *arg)
{
    struct fl_drill_job *j = arg;

    fl_buf_done(&j->event);
    free(j);
}

static int open_case(struct fl_req *req, struct fl_drill_job *j, struct fl_drill *d,
                     struct fl_err *err)
{
    struct fl_case_kit kit;
    int r;

    fl_case_kit_of(req, &kit);
    (void)snprintf(j->c.title, sizeof j->c.title, "%s", d->title);
    r = fl_case_open(&kit, &j->c, err);
    for (uint32_t i = 0; r == FL_OK && i < j->sites; i++)
        r = fl_case_add_site(&kit, &j->c, &j->site[i], err);
    if (r == FL_OK)
        d->case_id = j->c.id;
    return r;
}

static int begin(struct fl_req *req, struct fl_drill_job *j, struct fl_drill *d, struct fl_err *err)
{
    int r = fl_case_conflict(req, fl_drill_start(d, req->api->env.now_us(), err));

    return r < 0 || !d->opens_case ? r : open_case(req, j, d, err);
}

static int store(struct fl_req *req, const struct fl_work_in *in, struct fl_err *err)
{
    struct fl_drill_job *j = in->arg;
    char number[FL_DRILL_NUMBER_MAX];
    struct fl_drill d;
    int r = fl_db_drill_get(req->api->db, req->tenant.id, j->drill, &d, err);

    if (r == FL_OK && j->begin)
        r = begin(req, j, &d, err);
    if (r < 0)
        return r;
    d.net_version = j->net_version;
    d.computed_us = req->api->env.now_us();
    r = fl_db_drill_text_set(req->api->db, d.id, "cost", fl_buf_span(in->out), err);
    if (r == FL_OK)
        r = fl_db_drill_set(req->api->db, &d, err);
    fl_drill_number(&d, number);
    return r < 0 ? r
                 : fl_part_audit(req, j->begin ? "drill.start" : "drill.cost", req->tenant.slug,
                                 number, "{\"exercise\":true}", err);
}

static int then(struct fl_req *req, const struct fl_work_in *in, struct fl_err *err)
{
    const struct fl_drill_job *j = in->arg;
    int r = fl_part_begin(req, err);

    if (r == FL_OK)
        r = fl_part_end(req, store(req, in, err), err);
    return r < 0 ? r : fl_drill_answer_with(req, j->drill, 200, err);
}

int fl_drill_compute(struct fl_req *req, const struct fl_drill *d, bool begin, struct fl_err *err)
{
    struct fl_drill_job *j = calloc(1, sizeof *j);
    int r;

    if (j == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a calculation");
    j->drill = d->id;
    j->begin = begin;
    j->seed = d->seed;
    j->draws = d->draws;
    fl_buf_init(&j->event, FL_EVENT_JSON_MAX);
    r = fl_db_drill_text(req->api->db, d->id, "event", &j->event, err);
    if (r < 0) {
        job_free(j);
        return r;
    }
    return fl_work_answer(req,
                          &(struct fl_work_ask){.run = fl_drill_job_run,
                                                .then = then,
                                                .arg = j,
                                                .arg_free = job_free,
                                                .net = true,
                                                .is_long = true},
                          err);
}
