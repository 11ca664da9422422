/* The first line of a device that somebody is just setting up: waited for, and shown as understood;
 * or the peer that was refused in its place. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/alarms.h"
#include "api/figure.h"
#include "api/gate.h"
#include "api/parts.h"
#include "base/time.h"
#include "logs/query.h"

#define WAIT_US   (25 * FL_US_PER_S)
#define WAITS_MAX 256u
#define ROGUES    50u

struct fl_first_wait {
    struct fl_first_wait *next;
    struct fl_req *req;
    struct fl_device device;
    int64_t since_us, until_us; /* until: monotonic */
    char filter[FL_SLUG_MAX + 16];
    bool waits;
    struct fl_rogue rogue; /* that was refused; id 0: none */
};

static void unlink_wait(struct fl_first_wait *w)
{
    struct fl_first_wait **at = &w->req->api->firsts;

    while (*at != NULL && *at != w)
        at = &(*at)->next;
    if (*at == w)
        *at = w->next;
    w->waits = false;
}

static void wait_gone(void *state)
{
    struct fl_first_wait *w = state;

    if (w->waits)
        unlink_wait(w);
}

/* ---- who was refused ---- */

static bool is_word(const char *word, const char *text, size_t len)
{
    return strncmp(word, text, len) == 0 && word[len] == '\0';
}

/* CN=ham-srx-01,O=... names the device by its slug, its host name or its name. */
static bool names_device(const struct fl_rogue *rogue, const struct fl_device *d)
{
    const char *cn = strstr(rogue->subject, "CN=");
    size_t len;

    if (cn == NULL)
        return false;
    cn += 3;
    len = strcspn(cn, ",/");
    return len > 0 && (is_word(d->slug, cn, len) || is_word(d->host, cn, len));
}

/* A tenant sees those that showed a certificate of this device, or its name; whoever may see the
 * instance sees all of them. */
static int take_rogue(void *ctx, const struct fl_rogue *rogue)
{
    struct fl_first_wait *w = ctx;
    struct fl_certificate cert;
    bool own;

    if (rogue->at_us <= w->since_us)
        return 0;
    own = names_device(rogue, &w->device) ||
          (fl_db_certificate_get(w->req->api->db, w->device.tenant, rogue->fingerprint, &cert,
                                 NULL) == FL_OK &&
           strcmp(cert.device, w->device.slug) == 0);
    if (!own &&
        !(w->req->caller.tenant == 0 && fl_gate_may(w->req, FL_OBJECT_HEALTH, FL_VERB_READ)))
        return 0;
    w->rogue = *rogue;
    return 1;
}

static void find_rogue(struct fl_first_wait *w)
{
    (void)!fl_db_rogues(w->req->api->db, (struct fl_db_page){NULL, ROGUES}, take_rogue, w, NULL,
                        NULL);
}

/* ---- the answer ---- */

static void put_conn(void *ctx, const struct fl_live_conn *conn)
{
    struct fl_json *json = ctx;

    fl_json_object(json, NULL);
    fl_json_text(json, "address", conn->address);
    fl_json_text(json, "listener", conn->listener);
    fl_part_time(json, "since", conn->since_us);
    fl_json_u64(json, "received", conn->received);
    fl_json_end(json);
}

static void put_rogue(struct fl_json *json, const struct fl_rogue *rogue)
{
    char hex[65];

    fl_part_hex(rogue->fingerprint, sizeof rogue->fingerprint, hex);
    fl_json_object(json, "rogue");
    fl_part_time(json, "at", rogue->at_us);
    fl_json_text(json, "fingerprint", hex);
    fl_json_text(json, "subject", rogue->subject);
    fl_json_text(json, "address", rogue->address);
    fl_json_text(json, "reason", rogue->reason);
    fl_json_text(json, "listener", rogue->listener);
    fl_json_end(json);
}

static void put_facts(struct fl_first_wait *w, struct fl_json *json, const char *state)
{
    const struct fl_api_env *env = &w->req->api->env;

    fl_json_text(json, "state", state);
    fl_json_text(json, "device", w->device.slug);
    fl_part_time(json, "now", env->now_us()); /* to go on from */
    fl_part_live(w->req, json, w->device.tenant, w->device.slug);
    fl_json_array(json, "connections");
    fl_live_each_conn(env->live, w->device.tenant, w->device.slug, put_conn, json);
    fl_json_end(json);
    if (w->rogue.id != 0)
        put_rogue(json, &w->rogue);
    else
        fl_json_null(json, "rogue");
}

/* The row comes from the store as it is: it is put in front of the other members. */
static void answer(struct fl_first_wait *w, const char *state, struct fl_span row,
                   const char *problem)
{
    struct fl_req *req = w->req;
    FL_AUTO(fl_buf_done) struct fl_buf rest;
    struct fl_json json;

    while (row.len > 0 && (row.ptr[row.len - 1] == '\n' || row.ptr[row.len - 1] == ' '))
        row.len--;
    fl_buf_init(&rest, FL_REQ_OUT_MAX);
    fl_json_init(&json, &rest);
    fl_json_object(&json, NULL);
    put_facts(w, &json, state);
    fl_json_text(&json, "row_problem", problem);
    fl_json_end(&json);
    fl_buf_clear(&req->out);
    fl_buf_put_str(&req->out, "{\"row\":");
    fl_buf_put_span(&req->out, row.len == 0 ? FL_SPAN("null") : row);
    fl_buf_put_u8(&req->out, ',');
    if (rest.len > 1)
        fl_buf_put_span(&req->out, fl_span_of(rest.ptr + 1, rest.len - 1));
    if (rest.failed != 0 || req->out.failed != 0) {
        fl_req_problem(req, 503, "no_memory", "no memory for the answer");
        return;
    }
    fl_req_head(req, 200, "application/json");
    fl_req_piece(req, fl_buf_span(&req->out));
    fl_req_end(req);
}

static void on_row(struct fl_req *req, struct fl_span result, const char *problem, void *ctx)
{
    const unsigned char *end = result.len == 0 ? NULL : memchr(result.ptr, '\n', result.len);

    (void)req;
    if (end != NULL)
        result.len = (size_t)(end - result.ptr);
    answer(ctx, "arrived", result, problem);
}

/* Who sets devices up need not be one who reads logs: then there is no row, and all the rest. */
static void show_arrived(struct fl_first_wait *w)
{
    struct fl_req *req = w->req;
    int64_t now_us = req->api->env.now_us();
    const struct fl_msg_query msg = {.kind = FL_Q_LATEST,
                                     .from_us = now_us - 400 * FL_US_PER_DAY,
                                     .to_us = now_us + 400 * FL_US_PER_DAY,
                                     .filter = fl_span_str(w->filter),
                                     .limit = 1,
                                     .original = 1};
    struct fl_err err;

    if (!fl_gate_may(req, FL_OBJECT_LOGS, FL_VERB_READ))
        answer(w, "arrived", FL_SPAN(""), "reading logs needs the right logs:read");
    else if (fl_figure_ask(req, &msg, on_row, w, &err) < 0)
        answer(w, "arrived", FL_SPAN(""), err.text);
}

/* True: there was something to say. */
static bool look(struct fl_first_wait *w)
{
    const struct fl_live_device *live =
        fl_live_device(w->req->api->env.live, w->device.tenant, w->device.slug);
    bool over = fl_now_mono_us() >= w->until_us;

    if (live != NULL && live->counters.last_us > w->since_us) {
        unlink_wait(w);
        show_arrived(w);
        return true;
    }
    if (w->req->api->db != NULL)
        find_rogue(w);
    if (w->rogue.id == 0 && !over)
        return false;
    unlink_wait(w);
    answer(w, w->rogue.id != 0 ? "refused" : "waiting", FL_SPAN(""), NULL);
    return true;
}

int fl_api_device_first(struct fl_req *req, struct fl_err *err)
{
    struct fl_first_wait *w = fl_arena_get(&req->arena, sizeof *w);
    struct fl_device d = {.id = 0};
    int64_t since_us = req->api->env.now_us();
    unsigned count = 0;
    int r = fl_part_device(req, &d, err);

    if (r == FL_OK)
        r = fl_req_param_time(req, "since", &since_us, err);
    if (r < 0)
        return r;
    for (const struct fl_first_wait *other = req->api->firsts; other != NULL; other = other->next)
        count++;
    if (w == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a request");
    if (count >= WAITS_MAX)
        return fl_err_set(err, FL_E_AGAIN, "%u wait for a device already; try again later", count);
    *w = (struct fl_first_wait){.next = req->api->firsts,
                                .req = req,
                                .device = d,
                                .since_us = since_us,
                                .until_us = fl_now_mono_us() + WAIT_US,
                                .waits = true};
    (void)snprintf(w->filter, sizeof w->filter, "device:%s", d.slug);
    req->api->firsts = w;
    req->state = w;
    req->state_free = wait_gone;
    (void)look(w);
    return FL_OK;
}

void fl_firsts_tick(struct fl_api *api)
{
    struct fl_first_wait *next;

    for (struct fl_first_wait *w = api->firsts; w != NULL; w = next) {
        next = w->next;
        (void)look(w);
    }
}
