/*
 * Saved searches that run by themselves. core has no right to read: each runs with a token that
 * keys made for its owner (read alone, personal data hidden), and fails when that has ended.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/figure.h"
#include "base/time.h"
#include "db/db_watch.h"
#include "fairleadd/core.h"
#include "logs/query.h"
#include "trust/cap.h"

enum { RUNS = 4, RESULT_MAX = 64 * 1024, BUDGET_MS = 10000, PATIENCE_S = 40 };
#define CREDIT_BYTES ((uint64_t)1 << 20)

struct run {
    bool busy, asked; /* asked: store, else keys */
    struct fl_search search;
    int64_t from_us, to_us, begun_us; /* begun: monotonic */
    struct fl_buf result;
};

struct fl_core_searches {
    struct fl_core *core;
    struct run run[RUNS];
};

static uint32_t id_of(const struct fl_core_searches *s, const struct run *run)
{
    return FL_CORE_ID_SEARCH + (uint32_t)(run - s->run);
}

/* ---- the end of a run ---- */

/* The row may have been changed or removed meanwhile: only what a run finds out is written. */
static int write_down(struct fl_core_searches *s, const struct run *run, struct fl_err *err)
{
    const struct fl_search *had = &run->search;
    struct fl_search now = {.id = 0};
    int r = fl_db_search_get(s->core->db, had->tenant, had->id, &now, err);

    if (r < 0)
        return r == FL_E_NOENT ? FL_OK : r;
    now.last_us = had->last_us;
    now.next_us = had->last_us + (int64_t)now.every_minutes * 60 * FL_US_PER_S;
    now.has_value = had->has_value;
    now.last_value = had->last_value;
    memcpy(now.last_key, had->last_key, sizeof now.last_key);
    memcpy(now.failure, had->failure, sizeof now.failure);
    now.failing_us = had->failing_us;
    return fl_db_search_set(s->core->db, &now, err);
}

static void end_run(struct fl_core_searches *s, struct run *run, const char *failure)
{
    struct fl_search *f = &run->search;
    struct fl_err err;

    f->last_us = fl_now_us();
    if (failure == NULL) {
        f->failure[0] = '\0';
        f->failing_us = 0;
    } else {
        (void)snprintf(f->failure, sizeof f->failure, "%s", failure);
        if (f->failing_us == 0)
            f->failing_us = f->last_us;
    }
    if (s->core->db != NULL && write_down(s, run, &err) < 0)
        fl_role_log(s->core->env, FL_LOG_WARN, "a saved search: %s", err.text);
    fl_buf_done(&run->result);
    run->busy = false;
}

/* ---- the figure ---- */

static bool read_figure(struct run *run)
{
    struct fl_search *f = &run->search;

    f->has_value = fl_search_figure(fl_buf_span(&run->result), f->group_by, f->metric,
                                    &f->last_value, f->last_key, sizeof f->last_key);
    return f->has_value;
}

static void take_end(struct fl_core_searches *s, struct run *run, struct fl_span payload)
{
    struct fl_msg_query_end end;
    char text[FL_ALARM_TEXT_MAX];

    if (fl_msg_decode(FL_MSG_QUERY_END, payload, &end, NULL) < 0) {
        end_run(s, run, "the store gave an answer that is not one");
        return;
    }
    (void)snprintf(text, sizeof text, "%.*s",
                   (int)(end.text.len < sizeof text - 1 ? end.text.len : sizeof text - 1),
                   end.text.len == 0 ? "" : (const char *)end.text.ptr);
    if (end.code != 0)
        end_run(s, run, text);
    else if (run->result.failed != 0 || !read_figure(run))
        end_run(s, run, "the store gave a figure that is not one");
    else
        end_run(s, run, NULL);
}

/* ---- asking ---- */

static int ask_store(struct fl_core_searches *s, struct run *run, struct fl_span cap,
                     struct fl_err *err)
{
    const struct fl_search *f = &run->search;
    struct fl_imsg *store = s->core->link[FL_ROLE_STORE];
    const struct fl_msg_credit credit = {.bytes = CREDIT_BYTES};
    const struct fl_msg_query msg = {.cap = cap,
                                     .kind = f->group_by[0] == '\0' ? FL_Q_COUNT : FL_Q_TOP,
                                     .from_us = run->from_us,
                                     .to_us = run->to_us,
                                     .filter = fl_span_str(f->where_text),
                                     .by = fl_span_str(f->group_by),
                                     .metric = fl_span_str(f->metric),
                                     .limit = f->group_by[0] == '\0' ? 0 : 1,
                                     .budget_ms = BUDGET_MS};
    int r;

    if (store == NULL)
        return fl_err_set(err, FL_E_AGAIN, "the store role does not answer");
    r = fl_imsg_send(store, FL_MSG_QUERY, id_of(s, run), &msg, -1, err);
    return r < 0 ? r : fl_imsg_send(store, FL_MSG_CREDIT, id_of(s, run), &credit, -1, err);
}

static void take_cap(struct fl_core_searches *s, struct run *run, struct fl_span payload)
{
    struct fl_msg_cap msg;
    struct fl_err err;

    run->asked = true;
    if (fl_msg_decode(FL_MSG_CAP, payload, &msg, &err) < 0 || ask_store(s, run, msg.cap, &err) < 0)
        end_run(s, run, err.text);
}

static int ask_keys(struct fl_core_searches *s, struct run *run, struct fl_err *err)
{
    const struct fl_msg_cap_ask msg = {.tenant = run->search.tenant,
                                       .scope = FL_CAP_READ,
                                       .purpose = FL_SPAN("query"),
                                       .session = run->search.right_no};

    if (s->core->link[FL_ROLE_KEYS] == NULL)
        return fl_err_set(err, FL_E_AGAIN, "the keys role does not answer");
    return fl_imsg_send(s->core->link[FL_ROLE_KEYS], FL_MSG_CAP_ASK, id_of(s, run), &msg, -1, err);
}

static void take_fail(struct fl_core_searches *s, struct run *run, struct fl_span payload)
{
    struct fl_msg_fail msg;
    char text[FL_ALARM_TEXT_MAX];

    if (fl_msg_decode(FL_MSG_FAIL, payload, &msg, NULL) < 0)
        msg = (struct fl_msg_fail){.text = FL_SPAN("keys refused it")};
    (void)snprintf(text, sizeof text, "%.*s%s", (int)(msg.text.len < 300 ? msg.text.len : 300),
                   (const char *)msg.text.ptr,
                   msg.code == FL_E_DENIED ? ": whoever may read these logs has to enable it again"
                                           : "");
    end_run(s, run, text);
}

bool fl_core_searches_message(struct fl_core *core, enum fl_role from, const struct fl_imsg_in *in)
{
    struct fl_core_searches *s = core->searches;
    struct fl_msg_result result;
    struct run *run;

    if ((from != FL_ROLE_KEYS && from != FL_ROLE_STORE) || in->id < FL_CORE_ID_SEARCH ||
        in->id >= FL_CORE_ID_SEARCH + RUNS)
        return false;
    run = &s->run[in->id - FL_CORE_ID_SEARCH];
    if (!run->busy || run->asked != (from == FL_ROLE_STORE))
        return true; /* of a run that was given up */
    if (in->type == FL_MSG_CAP && from == FL_ROLE_KEYS)
        take_cap(s, run, in->payload);
    else if (in->type == FL_MSG_RESULT &&
             fl_msg_decode(in->type, in->payload, &result, NULL) == FL_OK)
        fl_buf_put_span(&run->result, result.bytes);
    else if (in->type == FL_MSG_QUERY_END)
        take_end(s, run, in->payload);
    else if (in->type == FL_MSG_FAIL)
        take_fail(s, run, in->payload);
    return true;
}

/* ---- when ---- */

static int begin_run(void *ctx, const struct fl_search *search)
{
    struct fl_core_searches *s = ctx;
    struct run *run = NULL;

    for (size_t i = 0; i < RUNS; i++) {
        if (s->run[i].busy && s->run[i].search.id == search->id)
            return 0;
        if (!s->run[i].busy)
            run = &s->run[i];
    }
    if (run == NULL)
        return 1; /* the rest is due in the next second as well */
    *run = (struct run){.search = *search, .begun_us = fl_now_mono_us()};
    fl_buf_init(&run->result, RESULT_MAX);
    run->busy = true;
    return 0;
}

/* Writing, which begin_run() must not do while the list is read. */
static void start_run(struct fl_core_searches *s, struct run *run)
{
    struct fl_err err;

    if (fl_search_range(&run->search, fl_now_us(), &run->from_us, &run->to_us, &err) < 0 ||
        ask_keys(s, run, &err) < 0)
        end_run(s, run, err.text);
}

static void begin_due(struct fl_core_searches *s)
{
    bool was[RUNS];

    for (size_t i = 0; i < RUNS; i++)
        was[i] = s->run[i].busy;
    (void)!fl_db_searches_due(s->core->db, fl_now_us(), 2 * RUNS, begin_run, s, NULL);
    for (size_t i = 0; i < RUNS; i++)
        if (s->run[i].busy && !was[i])
            start_run(s, &s->run[i]);
}

void fl_core_searches_tick(struct fl_core *core)
{
    struct fl_core_searches *s = core->searches;
    int64_t late_us = fl_now_mono_us() - PATIENCE_S * FL_US_PER_S;

    if (core->db == NULL)
        return;
    for (size_t i = 0; i < RUNS; i++)
        if (s->run[i].busy && s->run[i].begun_us < late_us)
            end_run(s, &s->run[i], "there was no answer in time");
    if (core->link[FL_ROLE_KEYS] != NULL && core->link[FL_ROLE_STORE] != NULL)
        begin_due(s);
}

void fl_core_searches_lost(struct fl_core *core, enum fl_role role)
{
    struct fl_core_searches *s = core->searches;

    for (size_t i = 0; i < RUNS; i++)
        if (s->run[i].busy && s->run[i].asked == (role == FL_ROLE_STORE) &&
            (role == FL_ROLE_STORE || role == FL_ROLE_KEYS))
            end_run(s, &s->run[i], "a process was started again meanwhile");
}

int fl_core_searches_new(struct fl_core *core, struct fl_err *err)
{
    core->searches = calloc(1, sizeof *core->searches);
    if (core->searches == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for searches");
    core->searches->core = core;
    return FL_OK;
}

void fl_core_searches_free(struct fl_core *core)
{
    for (size_t i = 0; core->searches != NULL && i < RUNS; i++)
        if (core->searches->run[i].busy)
            fl_buf_done(&core->searches->run[i].result);
    free(core->searches);
    core->searches = NULL;
}
