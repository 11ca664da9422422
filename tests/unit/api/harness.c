#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t now = INT64_C(1795000000000000); /* 2026-11-18 */

static int64_t now_us(void)
{
    return now;
}

static int send_to(void *ctx, enum fl_role to, enum fl_msg_type type, uint32_t id, const void *msg,
                   struct fl_err *err)
{
    struct world *w = ctx;
    struct sent *s = &w->sent[w->sent_count % SENT_MAX];

    if ((w->down >> to & 1) != 0)
        return fl_err_set(err, FL_E_AGAIN, "away");
    fl_buf_clear(&s->payload);
    s->to = to;
    s->type = type;
    s->id = id;
    w->sent_count++;
    return fl_msg_encode(type, msg, &s->payload, err);
}

static void changed(void *ctx, unsigned what)
{
    ((struct world *)ctx)->changed |= what;
}

void world_init(struct world *w, int with_db)
{
    static const unsigned char key[FL_SQL_KEY_BYTES] = {7}, actor_key[FL_AUDIT_KEY_BYTES] = {9};
    struct fl_api_env env = {.ctx = w, .now_us = now_us, .send = send_to, .changed = changed};
    char path[100];
    struct fl_err err = {0};

    memset(w, 0, sizeof *w);
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/fl-test-api-XXXXXX");
    if (mkdtemp(w->dir) == NULL || (w->dir_fd = open(w->dir, O_RDONLY | O_DIRECTORY)) < 0 ||
        fl_conf_defaults(&w->conf, &err) < 0 || fl_live_new(&w->live, &err) < 0)
        abort();
    fl_buf_init(&w->body, (size_t)1 << 20);
    fl_buf_init(&w->trailer, 4096);
    fl_buf_init(&w->headers, 16384);
    for (size_t i = 0; i < SENT_MAX; i++)
        fl_buf_init(&w->sent[i].payload, FL_MSG_MAX_BYTES);
    env.conf = w->conf;
    env.live = w->live;
    if (fl_api_new(&env, &w->api, &err) < 0)
        abort();
    if (!with_db)
        return;
    (void)snprintf(path, sizeof path, "%s/control.db", w->dir);
    if (fl_db_open(path, key, now, &w->db, &err) < 0 ||
        fl_audit_open(w->dir_fd, FL_AUDIT_FILE, w->db, actor_key, now, &w->audit, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
    fl_api_open(w->api, w->db, w->audit);
}

void world_done(struct world *w)
{
    static const char *const files[] = {"control.db", "control.db-wal", "control.db-shm",
                                        FL_AUDIT_FILE};

    fl_req_free(w->req);
    fl_api_free(w->api);
    fl_audit_close(w->audit);
    fl_db_close(w->db);
    fl_live_free(w->live);
    fl_conf_free(w->conf);
    fl_buf_done(&w->body);
    fl_buf_done(&w->trailer);
    fl_buf_done(&w->headers);
    for (size_t i = 0; i < SENT_MAX; i++)
        fl_buf_done(&w->sent[i].payload);
    for (size_t i = 0; i < FL_LEN(files); i++)
        (void)unlinkat(w->dir_fd, files[i], 0);
    (void)close(w->dir_fd);
    (void)rmdir(w->dir);
}

static void on_head(void *ctx, int status, const char *type, struct fl_span headers)
{
    struct world *w = ctx;

    w->heads++;
    fl_buf_clear(&w->headers);
    fl_buf_put_span(&w->headers, headers);
    w->status = status;
    (void)snprintf(w->type, sizeof w->type, "%s", type);
}

static void on_body(void *ctx, struct fl_span piece)
{
    fl_buf_put_span(&((struct world *)ctx)->body, piece);
}

static void on_trailer(void *ctx, struct fl_span json)
{
    fl_buf_put_span(&((struct world *)ctx)->trailer, json);
}

static void on_end(void *ctx)
{
    ((struct world *)ctx)->ends++;
}

int world_call(struct world *w, const char *method, const char *path, const char *body)
{
    struct fl_call call = {.local = true, .uid = 1000};

    return world_ask(w, &call, method, path, body);
}

int world_ask(struct world *w, const struct fl_call *as, const char *method, const char *path,
              const char *body)
{
    static const struct fl_reply_ops ops = {on_head, on_body, on_trailer, on_end};
    struct fl_call call = *as;
    struct fl_err err;

    call.method = fl_span_str(method);
    call.path = fl_span_str(path);
    call.type = FL_SPAN("application/json");
    call.body = fl_span_str(body);
    fl_req_free(w->req);
    w->req = NULL;
    w->status = w->heads = w->ends = 0;
    fl_buf_clear(&w->body);
    fl_buf_clear(&w->trailer);
    if (fl_api_begin(w->api, &call, &ops, w, &w->req, &err) < 0)
        abort();
    return w->status;
}

int world_has(const struct world *w, const char *text)
{
    return w->body.len > 0 && memmem(w->body.ptr, w->body.len, text, strlen(text)) != NULL;
}

const struct sent *world_last(const struct world *w)
{
    return &w->sent[(w->sent_count + SENT_MAX - 1) % SENT_MAX];
}

void world_answer(struct world *w, enum fl_msg_type type, const void *msg)
{
    const struct sent *s = world_last(w);
    FL_AUTO(fl_buf_done) struct fl_buf payload;
    struct fl_err err;

    fl_buf_init(&payload, FL_MSG_MAX_BYTES);
    if (fl_msg_encode(type, msg, &payload, &err) < 0)
        abort();
    (void)fl_api_message(w->api, s->to, type, s->id, fl_buf_span(&payload));
}
