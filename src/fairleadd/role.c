#include "fairleadd/role.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "fairleadd/start.h"
#include "io/child.h"

#define OUT_MAX_BYTES ((size_t)256 * 1024) /* that may wait for the supervisor */

struct begin {
    struct fl_role_env env;
    const struct fl_role_ops *ops;
    void *state;
    struct fl_buf conf_text;
    struct fl_conf *conf;
    int links[FL_ROLE_COUNT]; /* that came before START; -1: none */
    bool started, stopping;
    int exit_code;
};

static const struct fl_role_row rows[FL_ROLE_COUNT] = {
    [FL_ROLE_INGEST] = {.dir = NULL, .may = FL_MAY_ACCEPT},
    [FL_ROLE_CORE] = {.dir = "control", .may = FL_MAY_ACCEPT | FL_MAY_FILES},
    [FL_ROLE_STORE] = {.dir = "store", .may = FL_MAY_FILES},
    [FL_ROLE_KEYS] = {.dir = "keys", .may = FL_MAY_FILES},
    [FL_ROLE_WEB] = {.dir = NULL, .may = FL_MAY_ACCEPT | FL_MAY_READ},
    [FL_ROLE_OUTBOUND] = {.dir = NULL, .may = FL_MAY_CONNECT},
};

const struct fl_role_row *fl_role_row(enum fl_role role)
{
    return &rows[role];
}

bool fl_role_wanted(enum fl_role role, const struct fl_conf *conf)
{
    if (role == FL_ROLE_WEB)
        return fl_conf_str(conf, FL_SET_WEB_LISTEN)[0] != '\0';
    return role != FL_ROLE_OUTBOUND || fl_conf_str(conf, FL_SET_OUTBOUND_ALLOW)[0] != '\0' ||
           fl_conf_str(conf, FL_SET_SMTP_SERVER)[0] != '\0';
}

uid_t fl_role_uid(enum fl_role role, const struct fl_conf *conf)
{
    uint64_t base = fl_conf_num(conf, FL_SET_UID_BASE);

    return base == 0 || geteuid() != 0 ? 0 : (uid_t)base + (uid_t)role;
}

struct fl_sandbox fl_role_box(enum fl_role role, const struct fl_conf *conf, int dir_fd,
                              pid_t parent)
{
    return (struct fl_sandbox){
        .uid = fl_role_uid(role, conf), .dir_fd = dir_fd, .may = rows[role].may, .parent = parent};
}

void fl_log_line(int level, const char *who, const char *fmt, va_list ap)
{
    char line[1024];
    int head = snprintf(line, sizeof line, "<%d>%s: ", level, who);
    int n = vsnprintf(line + head, sizeof line - (size_t)head - 1, fmt, ap);
    size_t len = (size_t)head + (n < 0 ? 0 : (size_t)n);

    if (len > sizeof line - 2)
        len = sizeof line - 2;
    for (size_t i = 0; i < len; i++) /* texts may hold what a peer sent: one line stays one line */
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[len] = '\n';
    if (fl_fd_write_all(STDERR_FILENO, line, len + 1, NULL) < 0)
        return; /* nowhere left to tell it */
}

void fl_role_log(const struct fl_role_env *env, int level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fl_log_line(level, fl_role_name(env->role), fmt, ap);
    va_end(ap);
}

static void give_up(struct begin *b, const struct fl_err *err)
{
    fl_role_log(&b->env, FL_LOG_ERR, "%s", err->text);
    b->exit_code = 1;
    fl_loop_stop(b->env.loop);
}

static void stop(struct begin *b)
{
    if (b->stopping)
        return;
    b->stopping = true;
    if (b->started)
        b->ops->stop(b->state);
    else
        fl_loop_stop(b->env.loop);
}

/* One setting back into the form that fl_conf_parse() reads. */
static int take_conf(struct begin *b, struct fl_imsg_in *in, struct fl_err *err)
{
    struct fl_msg_conf msg;
    int r = fl_msg_decode(in->type, in->payload, &msg, err);

    if (r < 0)
        return r;
    if (fl_span_eq(msg.name, FL_SPAN("listener")))
        fl_buf_printf(&b->conf_text, "[listener %.*s]\n", FL_SPAN_ARG(msg.value));
    else
        fl_buf_printf(&b->conf_text, "%.*s = %.*s\n", FL_SPAN_ARG(msg.name),
                      FL_SPAN_ARG(msg.value));
    return fl_buf_status(&b->conf_text, err);
}

static int take_listen(struct begin *b, struct fl_imsg_in *in, struct fl_err *err)
{
    struct fl_role_listener *l = &b->env.listeners[b->env.listener_count];
    struct fl_msg_listen msg;
    int r = fl_msg_decode(in->type, in->payload, &msg, err);

    if (r < 0)
        return r;
    if (b->env.listener_count == FL_ROLE_MAX_LISTENERS)
        return fl_err_set(err, FL_E_LIMIT, "more than %d listeners", FL_ROLE_MAX_LISTENERS);
    *l = (struct fl_role_listener){.fd = in->fd, .kind = (enum fl_listen_kind)msg.kind};
    (void)snprintf(l->name, sizeof l->name, "%.*s", FL_SPAN_ARG(msg.name));
    (void)snprintf(l->tenant, sizeof l->tenant, "%.*s", FL_SPAN_ARG(msg.tenant));
    (void)snprintf(l->address, sizeof l->address, "%.*s", FL_SPAN_ARG(msg.address));
    b->env.listener_count++;
    in->fd = -1;
    return FL_OK;
}

static int take_link(struct begin *b, struct fl_imsg_in *in, struct fl_err *err)
{
    struct fl_msg_link msg;
    int r = fl_msg_decode(in->type, in->payload, &msg, err);

    if (r < 0)
        return r;
    if (msg.peer >= FL_ROLE_COUNT)
        return fl_err_set(err, FL_E_PROTO, "a link to the role %u", (unsigned)msg.peer);
    if (b->started && !b->stopping) {
        int fd = in->fd;

        in->fd = -1;
        b->ops->link(b->state, (enum fl_role)msg.peer, fd);
        return FL_OK;
    }
    fl_fd_close(&b->links[msg.peer]);
    b->links[msg.peer] = in->fd;
    in->fd = -1;
    return FL_OK;
}

static int take_wake(struct begin *b, struct fl_imsg_in *in, struct fl_err *err)
{
    struct fl_msg_wake msg;
    int *slot, r = fl_msg_decode(in->type, in->payload, &msg, err);

    if (r < 0)
        return r;
    slot = msg.which == 0 ? &b->env.wake_rows_fd : &b->env.wake_room_fd;
    fl_fd_close(slot);
    *slot = in->fd;
    in->fd = -1;
    return FL_OK;
}

static void keep_fd(int *slot, struct fl_imsg_in *in)
{
    fl_fd_close(slot);
    *slot = in->fd;
    in->fd = -1;
}

static int take_dir(struct begin *b, struct fl_imsg_in *in, struct fl_err *err)
{
    struct fl_msg_dir msg;
    int r = fl_msg_decode(in->type, in->payload, &msg, err);

    if (r < 0)
        return r;
    if (fl_span_eq(msg.name, FL_SPAN("web_cert"))) {
        keep_fd(&b->env.web_cert_fd, in);
        return FL_OK;
    }
    if (fl_span_eq(msg.name, FL_SPAN("web_key"))) { /* comes second */
        keep_fd(&b->env.web_key_fd, in);
        if (b->started && !b->stopping && b->ops->supervisor != NULL)
            b->ops->supervisor(b->state, in);
        return FL_OK;
    }
    keep_fd(fl_span_eq(msg.name, FL_SPAN("ledger"))          ? &b->env.ledger_fd
            : fl_span_eq(msg.name, FL_SPAN("outbound_ca"))   ? &b->env.ca_fd
            : fl_span_eq(msg.name, FL_SPAN("smtp_password")) ? &b->env.secret_fd
            : fl_span_eq(msg.name, FL_SPAN("feed_signers"))  ? &b->env.signers_fd
                                                             : &b->env.dir_fd,
            in);
    return FL_OK;
}

static int read_conf(struct begin *b, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf errors;
    int r;

    fl_buf_init(&errors, FL_CONF_ERRORS_MAX);
    r = fl_conf_parse("settings", fl_buf_span(&b->conf_text), &b->conf, &errors, err);
    fl_buf_done(&b->conf_text);
    if (r < 0)
        return fl_err_set(err, r, "the supervisor's settings do not read back: %.*s",
                          FL_SPAN_ARG(fl_buf_span(&errors)));
    b->env.conf = b->conf;
    return FL_OK;
}

static int begin(struct begin *b, struct fl_err *err)
{
    struct fl_sandbox_got got;
    struct fl_msg_ready ready;
    struct fl_sandbox box;
    int r = read_conf(b, err);

    if (r < 0)
        return r;
    box = fl_role_box(b->env.role, b->conf, b->env.dir_fd, fl_child_parent());
    box.more_fds = &b->env.ledger_fd;
    box.more_count = b->env.ledger_fd >= 0;
    r = fl_sandbox_enter(&box, &got, err);
    if (r < 0)
        return r;
    r = b->ops->start(&b->env, &b->state, err);
    if (r < 0)
        return r;
    b->started = true;
    for (int peer = 0; peer < FL_ROLE_COUNT; peer++) {
        int fd = b->links[peer];

        b->links[peer] = -1;
        if (fd >= 0)
            b->ops->link(b->state, (enum fl_role)peer, fd);
    }
    ready = (struct fl_msg_ready){.landlock_abi = got.landlock_abi,
                                  .seccomp = got.seccomp,
                                  .uid = got.uid,
                                  .note = fl_span_str(got.note)};
    return fl_imsg_send(b->env.supervisor, FL_MSG_READY, 0, &ready, -1, err);
}

static int take(struct begin *b, struct fl_imsg_in *in, struct fl_err *err)
{
    switch ((int)in->type) { /* int: the other types are not the supervisor's to send */
    case FL_MSG_CONF:
        return take_conf(b, in, err);
    case FL_MSG_DIR:
        return take_dir(b, in, err);
    case FL_MSG_RING:
        keep_fd(&b->env.ring_fd, in);
        return FL_OK;
    case FL_MSG_WAKE:
        return take_wake(b, in, err);
    case FL_MSG_LISTEN:
        return take_listen(b, in, err);
    case FL_MSG_LINK:
        return take_link(b, in, err);
    case FL_MSG_START:
        return b->started ? FL_OK : begin(b, err);
    case FL_MSG_STOP:
        stop(b);
        return FL_OK;
    default:
        if (b->started && !b->stopping && b->ops->supervisor != NULL)
            b->ops->supervisor(b->state, in);
        return FL_OK;
    }
}

static void on_message(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct begin *b = ctx;
    struct fl_err err;

    (void)chan;
    if (take(b, in, &err) < 0)
        give_up(b, &err);
    fl_fd_close(&in->fd); /* what nobody took */
}

static void on_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    struct begin *b = ctx;

    (void)chan;
    if (!b->stopping)
        fl_role_log(&b->env, FL_LOG_NOTICE, "the supervisor is gone (%s); stopping", why);
    stop(b);
}

/* Signals are the supervisor's business: from a terminal or a service manager they reach every
 * process of the group at once, and the roles have an order to stop in. */
static void ignore_signals(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2};

    for (size_t i = 0; i < FL_LEN(ignored); i++)
        (void)signal(ignored[i], SIG_IGN);
}

static void name_process(enum fl_role role)
{
    char name[16];

    (void)snprintf(name, sizeof name, "fl-%s", fl_role_name(role));
    fl_child_name(name);
}

static void close_all(struct begin *b)
{
    fl_imsg_free(b->env.supervisor);
    fl_loop_free(b->env.loop);
    for (size_t i = 0; i < b->env.listener_count; i++)
        fl_fd_close(&b->env.listeners[i].fd);
    for (int i = 0; i < FL_ROLE_COUNT; i++)
        fl_fd_close(&b->links[i]);
    fl_fd_close(&b->env.dir_fd);
    fl_fd_close(&b->env.ledger_fd);
    fl_fd_close(&b->env.web_cert_fd);
    fl_fd_close(&b->env.web_key_fd);
    fl_fd_close(&b->env.ca_fd);
    fl_fd_close(&b->env.secret_fd);
    fl_fd_close(&b->env.signers_fd);
    fl_fd_close(&b->env.ring_fd);
    fl_fd_close(&b->env.wake_rows_fd);
    fl_fd_close(&b->env.wake_room_fd);
    fl_buf_done(&b->conf_text);
    fl_conf_free(b->conf);
}

int fl_role_main(enum fl_role role)
{
    static const struct fl_imsg_ops ops = {.message = on_message, .closed = on_closed};
    struct begin *b = calloc(1, sizeof *b);
    struct fl_err err;
    int code;

    if (b == NULL)
        return 1;
    b->env = (struct fl_role_env){.role = role,
                                  .dir_fd = -1,
                                  .ledger_fd = -1,
                                  .web_cert_fd = -1,
                                  .web_key_fd = -1,
                                  .ca_fd = -1,
                                  .secret_fd = -1,
                                  .signers_fd = -1,
                                  .ring_fd = -1,
                                  .wake_rows_fd = -1,
                                  .wake_room_fd = -1};
    b->ops = fl_role_ops_of(role);
    for (int i = 0; i < FL_ROLE_COUNT; i++)
        b->links[i] = -1;
    fl_buf_init(&b->conf_text, FL_CONF_FILE_MAX);
    ignore_signals();
    name_process(role);
    if (fl_loop_new(&b->env.loop, &err) < 0 ||
        fl_imsg_new(b->env.loop, FL_CHILD_FD, role, FL_ROLE_SUPERVISOR, OUT_MAX_BYTES, &ops, b,
                    &b->env.supervisor, &err) < 0) {
        fl_role_log(&b->env, FL_LOG_ERR, "%s", err.text);
        b->exit_code = 1;
    } else {
        fl_loop_run(b->env.loop);
    }
    code = b->exit_code;
    close_all(b);
    free(b);
    return code;
}
