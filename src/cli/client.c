#include "cli/client.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "codec/msg.h"
#include "conf/conf.h"
#include "io/https_client.h"
#include "io/imsg.h"
#include "io/local.h"
#include "io/loop.h"

#define OUT_MAX_BYTES     ((size_t)1 << 20)
#define PROBLEM_MAX_BYTES ((size_t)64 * 1024)
#define PIECE_BYTES       ((size_t)64 * 1024)
#define ANSWER_IDLE_MS    120000 /* a query may think for long before its first row */

static const char trailer_mark[] = "trailer:";

/* One request in work. */
struct run {
    struct fl_loop *loop;
    struct fl_imsg *chan;
    const struct fl_client_ops *ops;
    struct fl_answer *answer;
    struct fl_buf *problem;
    struct fl_span body;       /* not yet sent */
    struct fl_watch *patience; /* timer: shows that it is still being worked on */
    int64_t since_us;          /* monotonic */
    bool begun, done, told;
    int result;
    struct fl_err err;
};

static bool interrupted;

/* On a terminal, anything that takes longer than two seconds says so. */
static void on_patience(void *ctx)
{
    struct run *run = ctx;
    int64_t s = (fl_now_mono_us() - run->since_us) / FL_US_PER_S;

    if (run->begun || s < 2)
        return;
    run->told = true;
    (void)fprintf(stderr, "\rworking, %d s\033[K", (int)s);
}

static void end_patience(struct run *run)
{
    fl_watch_free(run->patience);
    run->patience = NULL;
    if (run->told)
        (void)fprintf(stderr, "\r\033[K");
    run->told = false;
}

static void begin_patience(struct run *run, const char *path)
{
    run->since_us = fl_now_mono_us();
    if (isatty(STDERR_FILENO) == 1 && strstr(path, "/logs/tail") == NULL &&
        fl_watch_timer(run->loop, 1000, 1, on_patience, run, &run->patience, NULL) < 0)
        run->patience = NULL; /* then without */
}

bool fl_client_interrupted(void)
{
    return interrupted;
}

void fl_answer_init(struct fl_answer *answer)
{
    *answer = (struct fl_answer){.status = 0};
    fl_buf_init(&answer->trailer, FL_MSG_TEXT_MAX);
}

void fl_answer_done(struct fl_answer *answer)
{
    fl_buf_done(&answer->trailer);
}

static void finish(struct run *run, int result)
{
    run->done = true;
    run->result = result;
    fl_loop_stop(run->loop);
}

static void on_signal(void *ctx)
{
    struct run *run = ctx;

    interrupted = true;
    if (run->ops != NULL)
        finish(run, fl_err_set(&run->err, FL_E_AGAIN, "interrupted"));
    else
        fl_loop_stop(run->loop);
}

static void take_head(struct run *run, struct fl_span payload)
{
    size_t mark = sizeof trailer_mark - 1;
    struct fl_msg_response head;

    if (fl_msg_decode(FL_MSG_RESPONSE, payload, &head, &run->err) < 0) {
        finish(run, FL_E_PROTO);
        return;
    }
    if (run->begun && head.type.len >= mark && memcmp(head.type.ptr, trailer_mark, mark) == 0) {
        fl_buf_clear(&run->answer->trailer);
        fl_buf_put(&run->answer->trailer, head.type.ptr + mark, head.type.len - mark);
        return;
    }
    run->begun = true;
    end_patience(run);
    run->answer->status = head.status;
    (void)snprintf(run->answer->type, sizeof run->answer->type, "%.*s", FL_SPAN_ARG(head.type));
}

static void take_body(struct run *run, struct fl_span payload)
{
    struct fl_msg_body body;
    int r;

    if (fl_msg_decode(FL_MSG_RESPONSE_BODY, payload, &body, &run->err) < 0) {
        finish(run, FL_E_PROTO);
        return;
    }
    if (run->answer->status < 200 || run->answer->status > 299) {
        fl_buf_put_span(run->problem, body.bytes);
        return;
    }
    r = run->ops->body(run->ops->ctx, run->answer, body.bytes);
    if (r < 0)
        finish(run, fl_err_set(&run->err, r, "the output was closed"));
}

static void on_message(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct run *run = ctx;

    (void)chan;
    if (in->fd >= 0)
        (void)close(in->fd);
    if (run->done)
        return;
    if (in->type == FL_MSG_RESPONSE)
        take_head(run, in->payload);
    else if (in->type == FL_MSG_RESPONSE_BODY)
        take_body(run, in->payload);
    else if (in->type == FL_MSG_RESPONSE_END)
        finish(run, FL_OK);
}

static void on_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    struct run *run = ctx;

    (void)chan;
    if (!run->done)
        finish(run, fl_err_set(&run->err, FL_E_IO, "the server ended the connection (%s)", why));
}

/* Give the channel as much of the body as it takes; goes on when it drained. */
static void push_body(struct run *run)
{
    while (run->body.len > 0) {
        size_t len = run->body.len < PIECE_BYTES ? run->body.len : PIECE_BYTES;
        struct fl_msg_body piece = {.bytes = fl_span_of(run->body.ptr, len)};
        int r = fl_imsg_send(run->chan, FL_MSG_REQUEST_BODY, 1, &piece, -1, &run->err);

        if (r == FL_E_AGAIN)
            return;
        if (r < 0) {
            finish(run, r);
            return;
        }
        run->body = fl_span_of(run->body.ptr + len, run->body.len - len);
    }
}

static void on_drained(void *ctx, struct fl_imsg *chan)
{
    (void)chan;
    push_body(ctx);
}

static int begin(struct run *run, const char *method, const char *path, struct fl_err *err)
{
    struct fl_msg_request request = {
        .method = fl_span_str(method),
        .path = fl_span_str(path),
        .type = run->body.len == 0 ? FL_SPAN("") : FL_SPAN("application/json"),
        .body_bytes = run->body.len,
    };

    return fl_imsg_send(run->chan, FL_MSG_REQUEST, 1, &request, -1, err);
}

static int watch_signals(struct run *run, struct fl_watch *watches[2], struct fl_err *err)
{
    int r = fl_watch_signal(run->loop, SIGINT, on_signal, run, &watches[0], err);

    return r < 0 ? r : fl_watch_signal(run->loop, SIGTERM, on_signal, run, &watches[1], err);
}

static int converse(struct run *run, int fd, const char *method, const char *path,
                    struct fl_err *err)
{
    static const struct fl_imsg_ops ops = {on_message, on_closed, on_drained};
    struct fl_watch *watches[2] = {NULL, NULL};
    int r = fl_imsg_new(run->loop, fd, FL_ROLE_CLIENT, FL_ROLE_CORE, OUT_MAX_BYTES, &ops, run,
                        &run->chan, err);

    if (r < 0)
        return r;
    r = watch_signals(run, watches, err);
    if (r == FL_OK)
        r = begin(run, method, path, err);
    if (r == FL_OK) {
        begin_patience(run, path);
        push_body(run);
        if (!run->done)
            fl_loop_run(run->loop);
        end_patience(run);
        r = run->result;
        if (r < 0)
            *err = run->err;
    }
    fl_watch_free(watches[0]);
    fl_watch_free(watches[1]);
    fl_imsg_free(run->chan);
    return r;
}

static int not_reached(const char *path, struct fl_err *err)
{
    switch (err->code) {
    case FL_E_NOENT:
        return fl_err_set(err, FL_E_NOENT,
                          "no server at %s; start it (systemctl start fairlead, or make run), or "
                          "name its socket with --server or FAIRLEAD_SERVER",
                          path);
    case FL_E_DENIED:
        return fl_err_set(err, FL_E_DENIED,
                          "%s: permission denied; run as root or as the user that started the "
                          "server, or have your user id added to admin_uids",
                          path);
    default:
        return fl_err_set(err, FL_E_IO,
                          "nobody answers at %s; is the server running? (systemctl status "
                          "fairlead, or make run)",
                          path);
    }
}

/* ---- a server on another machine ---- */

static void on_stop_signal(int number)
{
    (void)number;
    interrupted = true;
}

static void https_head(void *ctx, int status)
{
    struct run *run = ctx;

    run->begun = true;
    run->answer->status = status;
}

static void https_header(void *ctx, struct fl_span name, struct fl_span value)
{
    struct run *run = ctx;

    if (fl_span_eq(name, FL_SPAN("content-type"))) {
        (void)snprintf(run->answer->type, sizeof run->answer->type, "%.*s", FL_SPAN_ARG(value));
    } else if (fl_span_eq(name, FL_SPAN("fairlead-result"))) {
        fl_buf_clear(&run->answer->trailer);
        fl_buf_put_span(&run->answer->trailer, value);
    }
}

static int https_body(void *ctx, struct fl_span piece)
{
    struct run *run = ctx;

    if (run->answer->status >= 200 && run->answer->status <= 299)
        return run->ops->body(run->ops->ctx, run->answer, piece);
    fl_buf_put_span(run->problem, piece);
    return FL_OK;
}

static bool https_stop(void *ctx)
{
    (void)ctx;
    return interrupted;
}

/* FL_E_AGAIN: interrupted. */
static int converse_https(struct run *run, const char *server, const char *method, const char *path,
                          struct fl_err *err)
{
    static const struct fl_https_ops ops = {https_head, https_header, https_body, https_stop};
    struct sigaction stop = {.sa_handler = on_stop_signal}, before[2];
    struct fl_https_request request = {
        .server = server,
        .method = method,
        .path = path,
        .body = run->body,
        .token = getenv("FAIRLEAD_TOKEN"),
        .ca_file = getenv("FAIRLEAD_CA"),
        .answer_idle_ms = strstr(path, "/logs/tail") == NULL ? ANSWER_IDLE_MS : 0,
    };
    int r;

    if (request.token == NULL || request.token[0] == '\0')
        return fl_err_set(err, FL_E_DENIED,
                          "FAIRLEAD_TOKEN is not set: a server at %.200s wants an API token; "
                          "'fairlead token add' at the server makes one",
                          server);
    (void)sigaction(SIGINT, &stop, &before[0]);
    (void)sigaction(SIGTERM, &stop, &before[1]);
    r = fl_https_ask(&request, &ops, run, err);
    (void)sigaction(SIGINT, &before[0], NULL);
    (void)sigaction(SIGTERM, &before[1], NULL);
    return r;
}

int fl_client_run(const char *socket, const char *method, const char *path, struct fl_span body,
                  const struct fl_client_ops *ops, struct fl_answer *ret, struct fl_buf *problem,
                  bool *ret_begun, struct fl_err *err)
{
    struct run run = {.ops = ops, .answer = ret, .problem = problem, .body = body};
    char where[PATH_MAX];
    int fd, r;

    *ret_begun = false;
    fl_buf_clear(&ret->trailer);
    fl_buf_clear(problem);
    r = fl_client_socket(socket, where, sizeof where, err);
    if (r < 0)
        return r;
    if (strncmp(where, "https://", 8) == 0) {
        r = converse_https(&run, where, method, path, err);
        *ret_begun = run.begun;
        return r;
    }
    r = fl_local_connect(where, &fd, err);
    if (r < 0)
        return not_reached(where, err);
    r = fl_loop_new(&run.loop, err);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    r = converse(&run, fd, method, path, err);
    fl_loop_free(run.loop);
    *ret_begun = run.begun;
    return r;
}

static void on_time(void *ctx)
{
    fl_loop_stop(ctx);
}

bool fl_client_pause(int64_t ms)
{
    struct fl_watch *watches[2] = {NULL, NULL}, *timer = NULL;
    struct run run = {.ops = NULL};
    struct fl_err err;

    if (interrupted || fl_loop_new(&run.loop, &err) < 0)
        return true;
    if (watch_signals(&run, watches, &err) == FL_OK &&
        fl_watch_timer(run.loop, ms, 0, on_time, run.loop, &timer, &err) == FL_OK)
        fl_loop_run(run.loop);
    else
        interrupted = true;
    fl_watch_free(timer);
    fl_watch_free(watches[0]);
    fl_watch_free(watches[1]);
    fl_loop_free(run.loop);
    return interrupted;
}

/* The program's own folder is as trustworthy as the program: `make run` keeps its socket there. */
static bool beside_program(char *path, size_t size)
{
    static const char tail[] = "/run/run/fairlead.sock";
    ssize_t len = readlink("/proc/self/exe", path, size - sizeof tail);
    char *slash;

    if (len <= 0)
        return false;
    path[len] = '\0';
    slash = strrchr(path, '/');
    if (slash == NULL)
        return false;
    memcpy(slash, tail, sizeof tail);
    return access(path, F_OK) == 0;
}

static int copy_path(const char *from, char *path, size_t size, struct fl_err *err)
{
    if (snprintf(path, size, "%s", from) >= (int)size)
        return fl_err_set(err, FL_E_INVAL, "the socket's path is too long");
    return FL_OK;
}

/* What the configuration of this machine says, where it may be read. */
static int configured(char *path, size_t size, struct fl_err *err)
{
    FL_AUTO(fl_conf_freep) struct fl_conf *conf = NULL;
    FL_AUTO(fl_buf_done) struct fl_buf errors;
    const char *file = getenv("FAIRLEAD_CONF"), *socket;
    int r;

    fl_buf_init(&errors, FL_CONF_ERRORS_MAX);
    if (file == NULL || file[0] == '\0')
        file = "/etc/fairlead/fairlead.conf";
    if (fl_conf_read(file, &conf, &errors, NULL) < 0) { /* `conf check` is for its errors */
        r = fl_conf_defaults(&conf, err);
        if (r < 0)
            return r;
    }
    socket = fl_conf_str(conf, FL_SET_LOCAL_SOCKET);
    if (socket[0] != '\0')
        r = snprintf(path, size, "%s", socket);
    else
        r = snprintf(path, size, "%s/run/fairlead.sock", fl_conf_str(conf, FL_SET_DATA_DIR));
    return r >= (int)size ? fl_err_set(err, FL_E_INVAL, "the socket's path is too long") : FL_OK;
}

int fl_client_socket(const char *named, char *path, size_t size, struct fl_err *err)
{
    char beside[PATH_MAX];
    int r;

    if (named == NULL || named[0] == '\0')
        named = getenv("FAIRLEAD_SERVER");
    if (named != NULL && named[0] != '\0') {
        if (strncmp(named, "unix:", 5) == 0)
            named += 5;
        if (strstr(named, "://") != NULL && strncmp(named, "https://", 8) != 0)
            return fl_err_set(err, FL_E_INVAL,
                              "'%.80s': give the path of a local socket, or https://HOST:PORT",
                              named);
        return copy_path(named, path, size, err);
    }
    r = configured(path, size, err);
    if (r < 0)
        return r;
    if (access(path, F_OK) != 0 && beside_program(beside, sizeof beside))
        return copy_path(beside, path, size, err);
    return FL_OK;
}
