#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "fairleadd/place.h"
#include "fairleadd/start.h"
#include "io/child.h"
#include "io/imsg.h"
#include "io/loop.h"
#include "io/sandbox.h"

#define OUT_MAX_BYTES ((size_t)1 << 20) /* that may wait for a role */

enum {
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 10000,
    STEADY_MS = 60000, /* up this long, a role's next end counts as its first */
    LATE_MS = 2000,    /* between the end of its channel and its own end */
    STOP_MS = 10000,   /* to finish what is in hand */
    PAIR_LOOK_MS = 60000
};

struct child {
    struct supervisor *sv;
    enum fl_role role;
    pid_t pid; /* 0: not running */
    struct fl_imsg *chan;
    struct fl_watch *again; /* timer: start it */
    struct fl_watch *late;  /* timer: its channel is closed, it should be gone by now */
    int64_t backoff_ms;
    int64_t since_us, since_mono_us;
    uint32_t restarts;
    bool up, ever_up;
    struct fl_msg_ready ready;
    char note[256];
};

struct supervisor {
    struct fl_loop *loop;
    struct fl_conf *conf;
    struct fl_place place;
    struct child children[FL_ROLE_COUNT];
    struct fl_watch *on_term, *on_int, *on_hup, *on_child, *stop_timer, *pair_timer;
    uint64_t pair_look;     /* of the files of web_cert and web_key that keys was given */
    char pair_problem[400]; /* said already */
    int64_t since_us;
    size_t stop_at; /* index of stop_order */
    bool stopping, announced, failed;
    struct fl_err why;
};

static const enum fl_role pairs[][2] = {
    {FL_ROLE_CORE, FL_ROLE_STORE},   {FL_ROLE_CORE, FL_ROLE_KEYS},
    {FL_ROLE_CORE, FL_ROLE_INGEST},  {FL_ROLE_STORE, FL_ROLE_KEYS},
    {FL_ROLE_INGEST, FL_ROLE_KEYS},  {FL_ROLE_STORE, FL_ROLE_INGEST},
    {FL_ROLE_CORE, FL_ROLE_WEB},     {FL_ROLE_WEB, FL_ROLE_KEYS},
    {FL_ROLE_CORE, FL_ROLE_OUTBOUND}};

static const enum fl_role start_order[] = {FL_ROLE_KEYS,   FL_ROLE_STORE, FL_ROLE_CORE,
                                           FL_ROLE_INGEST, FL_ROLE_WEB,   FL_ROLE_OUTBOUND};
/* Whoever takes work in first, whoever others need last. */
static const enum fl_role stop_order[] = {FL_ROLE_WEB,   FL_ROLE_OUTBOUND, FL_ROLE_INGEST,
                                          FL_ROLE_STORE, FL_ROLE_CORE,     FL_ROLE_KEYS};

static void log_it(int level, const char *fmt, ...) FL_PRINTF(2, 3);

static void log_it(int level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fl_log_line(level, "supervisor", fmt, ap);
    va_end(ap);
}

static void stop_all(struct supervisor *sv);
static void start_child(struct child *c);

static int send_conf(struct child *c, const char *name, struct fl_span value, struct fl_err *err)
{
    struct fl_msg_conf msg = {.name = fl_span_str(name), .value = value};

    return fl_imsg_send(c->chan, FL_MSG_CONF, 0, &msg, -1, err);
}

static int send_settings(struct child *c, struct fl_err *err)
{
    const struct fl_conf *conf = c->sv->conf;
    int r = FL_OK;

    for (int s = 0; r == FL_OK && s < FL_SETTING_COUNT; s++) {
        FL_AUTO(fl_buf_done) struct fl_buf value;

        fl_buf_init(&value, FL_MSG_CHUNK_MAX);
        fl_conf_value(conf, (enum fl_setting)s, &value);
        r = send_conf(c, fl_conf_name((enum fl_setting)s), fl_buf_span(&value), err);
    }
    for (size_t i = 0; r == FL_OK && i < fl_conf_listeners(conf); i++) {
        const struct fl_conf_listener *l = fl_conf_listener(conf, i);

        r = send_conf(c, "listener", fl_span_str(l->name), err);
        if (r == FL_OK)
            r = send_conf(c, "kind", fl_span_str(l->kind), err);
        if (r == FL_OK)
            r = send_conf(c, "address", fl_span_str(l->address), err);
        if (r == FL_OK)
            r = send_conf(c, "tenant", fl_span_str(l->tenant), err);
    }
    return r;
}

/* Who accepts on a listener. */
static enum fl_role role_of_listener(enum fl_listen_kind kind)
{
    return kind == FL_LISTEN_LOCAL ? FL_ROLE_CORE
           : kind == FL_LISTEN_WEB ? FL_ROLE_WEB
                                   : FL_ROLE_INGEST;
}

static int send_listeners(struct child *c, struct fl_err *err)
{
    int r = FL_OK;

    for (size_t i = 0; r == FL_OK && i < c->sv->place.listener_count; i++) {
        const struct fl_place_listener *l = &c->sv->place.listeners[i];
        struct fl_msg_listen msg = {.kind = (uint8_t)l->kind,
                                    .name = fl_span_str(l->name),
                                    .tenant = fl_span_str(l->tenant),
                                    .address = fl_span_str(l->address)};

        if (c->role == role_of_listener(l->kind))
            r = fl_imsg_send(c->chan, FL_MSG_LISTEN, 0, &msg, l->fd, err);
    }
    return r;
}

static int send_ring(struct child *c, struct fl_err *err)
{
    const struct fl_place *place = &c->sv->place;
    struct fl_msg_wake rows = {.which = 0}, room = {.which = 1};
    int r = FL_OK;

    if (c->role != FL_ROLE_INGEST && c->role != FL_ROLE_STORE)
        return FL_OK;
    r = fl_imsg_send(c->chan, FL_MSG_RING, 0, NULL, place->ring_fd, err);
    if (r == FL_OK)
        r = fl_imsg_send(c->chan, FL_MSG_WAKE, 0, &rows, place->wake_rows_fd, err);
    if (r == FL_OK)
        r = fl_imsg_send(c->chan, FL_MSG_WAKE, 0, &room, place->wake_room_fd, err);
    return r;
}

static int send_dir(struct child *c, struct fl_err *err)
{
    int fd = c->sv->place.dir_fds[c->role];
    struct fl_msg_dir msg = {.name = fl_span_str(fl_role_row(c->role)->dir)};
    struct fl_msg_dir ledger = {.name = FL_SPAN("ledger")};
    int r = fd < 0 ? FL_OK : fl_imsg_send(c->chan, FL_MSG_DIR, 0, &msg, fd, err);

    if (r == FL_OK && c->role == FL_ROLE_KEYS)
        r = fl_imsg_send(c->chan, FL_MSG_DIR, 0, &ledger, c->sv->place.ledger_fd, err);
    return r;
}

/* ---- what outbound needs from files that it may not open ---- */

#define CA_USUAL "/etc/ssl/certs/ca-certificates.crt"

/* One file of a setting. A file that is not there is said, and the role runs without it. */
static int send_file(struct child *c, const char *path, const char *setting, const char *name,
                     struct fl_err *err)
{
    struct fl_msg_dir msg = {.name = fl_span_str(name)};
    FL_AUTO(fl_fd_closep) int fd = -1;

    if (path[0] == '\0')
        return FL_OK;
    if (fl_file_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, err) < 0) {
        log_it(FL_LOG_WARN, "%s: %s; outbound does without it", setting, err->text);
        return FL_OK;
    }
    return fl_imsg_send(c->chan, FL_MSG_DIR, 0, &msg, fd, err);
}

static int send_outbound(struct child *c, struct fl_err *err)
{
    const struct fl_conf *conf = c->sv->conf;
    const char *ca = fl_conf_str(conf, FL_SET_OUTBOUND_CA);
    int r;

    if (c->role != FL_ROLE_OUTBOUND)
        return FL_OK;
    r = send_file(c, ca[0] != '\0' ? ca : CA_USUAL, "outbound_ca", "outbound_ca", err);
    if (r == FL_OK)
        r = send_file(c, fl_conf_str(conf, FL_SET_SMTP_PASSWORD_FILE), "smtp_password_file",
                      "smtp_password", err);
    if (r == FL_OK)
        r = send_file(c, fl_conf_str(conf, FL_SET_FEED_SIGNERS), "feed_signers", "feed_signers",
                      err);
    return r;
}

/* ---- the operator's own certificate ---- */

/* So much of a file as tells whether it is another one. */
static uint64_t look_of(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return 0;
    return fl_span_hash(fl_span_of(&st.st_mtim, sizeof st.st_mtim)) ^ (uint64_t)st.st_ino << 20 ^
           (uint64_t)st.st_size;
}

static int open_pair(const struct fl_conf *conf, int ret_fds[2], struct fl_err *err)
{
    static const enum fl_setting settings[] = {FL_SET_WEB_CERT, FL_SET_WEB_KEY};

    for (size_t i = 0; i < 2; i++) {
        int r = fl_file_open(AT_FDCWD, fl_conf_str(conf, settings[i]), O_RDONLY | O_NONBLOCK, 0,
                             &ret_fds[i], err);

        if (r < 0)
            return fl_err_wrap(err, "%s", fl_conf_name(settings[i]));
    }
    return FL_OK;
}

/* keys gets the open files; nobody else reads them. changed_only: not what it was given before. */
static int send_pair(struct supervisor *sv, bool changed_only, struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int cert = -1;
    FL_AUTO(fl_fd_closep) int key = -1;
    struct child *keys = &sv->children[FL_ROLE_KEYS];
    struct fl_msg_dir names[] = {{.name = FL_SPAN("web_cert")}, {.name = FL_SPAN("web_key")}};
    int fds[2] = {-1, -1}, r;
    uint64_t look;

    if (fl_conf_str(sv->conf, FL_SET_WEB_CERT)[0] == '\0' || keys->chan == NULL)
        return FL_OK;
    r = open_pair(sv->conf, fds, err);
    cert = fds[0];
    key = fds[1];
    if (r < 0)
        return r;
    look = look_of(cert) * 31 + look_of(key);
    if (changed_only && look == sv->pair_look)
        return FL_OK;
    sv->pair_look = look;
    r = fl_imsg_send(keys->chan, FL_MSG_DIR, 0, &names[0], cert, err);
    return r < 0 ? r : fl_imsg_send(keys->chan, FL_MSG_DIR, 0, &names[1], key, err);
}

static void give_pair(struct supervisor *sv, bool changed_only)
{
    struct fl_err err;

    if (send_pair(sv, changed_only, &err) == FL_OK)
        sv->pair_problem[0] = '\0';
    else if (strcmp(sv->pair_problem, err.text) != 0) {
        log_it(FL_LOG_ERR, "%s; the certificate before stays", err.text);
        (void)snprintf(sv->pair_problem, sizeof sv->pair_problem, "%s", err.text);
    }
}

static void on_pair_timer(void *ctx)
{
    give_pair(ctx, true);
}

/* A new socketpair between two roles that run. */
static int link_pair(struct child *a, struct child *b, struct fl_err *err)
{
    struct fl_msg_link to_b = {.peer = (uint8_t)b->role}, to_a = {.peer = (uint8_t)a->role};
    int fds[2], r = fl_sock_pair(fds, err);

    if (r < 0)
        return r;
    r = fl_imsg_send(a->chan, FL_MSG_LINK, 0, &to_b, fds[0], err);
    if (r == FL_OK)
        r = fl_imsg_send(b->chan, FL_MSG_LINK, 0, &to_a, fds[1], err);
    fl_fd_close(&fds[0]);
    fl_fd_close(&fds[1]);
    return r;
}

static int link_peers(struct child *c, struct fl_err *err)
{
    for (size_t i = 0; i < FL_LEN(pairs); i++) {
        struct child *a = &c->sv->children[pairs[i][0]], *b = &c->sv->children[pairs[i][1]];

        if ((a == c || b == c) && a->chan != NULL && b->chan != NULL) {
            int r = link_pair(a, b, err);

            /* A peer that is just dying gets its link when it is back; that is not c's failure. */
            if (r < 0 && r != FL_E_IO)
                return r;
        }
    }
    return FL_OK;
}

static void all_up(struct supervisor *sv)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;

    fl_buf_init(&text, 800);
    for (int role = FL_ROLE_FIRST; role <= FL_ROLE_LAST; role++)
        if (!sv->children[role].up && fl_role_wanted((enum fl_role)role, sv->conf))
            return;
    if (sv->announced)
        return;
    sv->announced = true;
    for (size_t i = 0; i < sv->place.listener_count; i++)
        fl_buf_printf(&text, "%s%s %s", i > 0 ? ", " : "", sv->place.listeners[i].name,
                      sv->place.listeners[i].address);
    log_it(FL_LOG_NOTICE, "ready: %.*s", FL_SPAN_ARG(fl_buf_span(&text)));
}

static void take_ready(struct child *c, struct fl_imsg_in *in)
{
    struct fl_msg_ready msg;
    struct fl_err err;

    if (fl_msg_decode(in->type, in->payload, &msg, &err) < 0) {
        log_it(FL_LOG_ERR, "%s: %s", fl_role_name(c->role), err.text);
        return;
    }
    (void)snprintf(c->note, sizeof c->note, "%.*s", FL_SPAN_ARG(msg.note));
    c->ready = msg;
    c->ready.note = fl_span_str(c->note);
    c->up = c->ever_up = true;
    log_it(msg.note.len > 0 && c->restarts == 0 ? FL_LOG_WARN : FL_LOG_INFO,
           "%s is up: process %d, user %u, seccomp %s, Landlock ABI %u%s%s", fl_role_name(c->role),
           (int)c->pid, (unsigned)msg.uid, msg.seccomp ? "on" : "off", (unsigned)msg.landlock_abi,
           msg.note.len > 0 ? "; " : "", c->note);
    all_up(c->sv);
}

static int send_state(const struct supervisor *sv, struct fl_imsg *chan, uint32_t id,
                      enum fl_role role, struct fl_err *err)
{
    const struct child *c = &sv->children[role];
    struct fl_msg_role_state msg = {.role = (uint8_t)role,
                                    .pid = (uint32_t)c->pid,
                                    .restarts = c->restarts,
                                    .since_us = c->since_us,
                                    .up = c->up,
                                    .landlock_abi = c->ready.landlock_abi,
                                    .seccomp = c->ready.seccomp,
                                    .uid = c->ready.uid,
                                    .note = fl_span_str(c->note)};

    if (role == FL_ROLE_SUPERVISOR)
        msg = (struct fl_msg_role_state){.role = FL_ROLE_SUPERVISOR,
                                         .pid = (uint32_t)getpid(),
                                         .since_us = sv->since_us,
                                         .up = 1,
                                         .uid = (uint32_t)geteuid()};
    return fl_imsg_send(chan, FL_MSG_ROLE_STATE, id, &msg, -1, err);
}

static void answer_roles(const struct supervisor *sv, struct fl_imsg *chan, uint32_t id)
{
    struct fl_err err;
    int r = FL_OK;

    for (int role = FL_ROLE_SUPERVISOR; r == FL_OK && role <= FL_ROLE_LAST; role++)
        if (fl_role_wanted((enum fl_role)role, sv->conf))
            r = send_state(sv, chan, id, (enum fl_role)role, &err);
    if (r == FL_OK)
        r = fl_imsg_send(chan, FL_MSG_DONE, id, NULL, -1, &err);
    if (r < 0)
        log_it(FL_LOG_WARN, "core asked for the roles: %s", err.text);
}

static void on_message(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct child *c = ctx;

    if (in->type == FL_MSG_READY)
        take_ready(c, in);
    else if (in->type == FL_MSG_ROLES_ASK)
        answer_roles(c->sv, chan, in->id);
}

/* The end of its channel is the end of the role: one that broke the protocol is not trusted on. */
static void on_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    struct child *c = ctx;

    fl_imsg_free(chan);
    c->chan = NULL;
    if (c->pid == 0 || c->sv->stopping)
        return;
    if (strstr(why, "peer closed") != NULL) {
        fl_watch_rearm(c->late, LATE_MS); /* it is ending by itself, with a code that tells more */
        return;
    }
    log_it(FL_LOG_ERR, "%s: %s; ending it", fl_role_name(c->role), why);
    (void)kill(c->pid, SIGKILL);
}

static void on_late(void *ctx)
{
    struct child *c = ctx;

    if (c->pid > 0 && c->chan == NULL)
        (void)kill(c->pid, SIGKILL);
}

static int feed_child(struct child *c, struct fl_err *err)
{
    int r = send_settings(c, err);

    if (r == FL_OK)
        r = send_dir(c, err);
    if (r == FL_OK)
        r = send_outbound(c, err);
    if (r == FL_OK)
        r = send_listeners(c, err);
    if (r == FL_OK)
        r = send_ring(c, err);
    if (r == FL_OK)
        r = link_peers(c, err);
    if (r == FL_OK && c->role == FL_ROLE_KEYS)
        give_pair(c->sv, false);
    if (r == FL_OK)
        r = fl_imsg_send(c->chan, FL_MSG_START, 0, NULL, -1, err);
    return r;
}

static void start_later(struct child *c)
{
    c->backoff_ms = c->backoff_ms == 0                   ? BACKOFF_MIN_MS
                    : c->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS
                                                         : c->backoff_ms * 2;
    fl_watch_rearm(c->again, c->backoff_ms);
}

static int try_start(struct child *c, struct fl_err *err)
{
    static const struct fl_imsg_ops ops = {.message = on_message, .closed = on_closed};
    char option[32];
    const char *argv[] = {"fairleadd", option, NULL};
    int fd, r;

    (void)snprintf(option, sizeof option, "--role=%s", fl_role_name(c->role));
    r = fl_child_start(argv, &c->pid, &fd, err);
    if (r < 0)
        return r;
    c->since_us = fl_now_us();
    c->since_mono_us = fl_now_mono_us();
    r = fl_imsg_new(c->sv->loop, fd, FL_ROLE_SUPERVISOR, c->role, OUT_MAX_BYTES, &ops, c, &c->chan,
                    err);
    if (r == FL_OK)
        r = feed_child(c, err);
    if (r < 0)
        (void)kill(c->pid, SIGKILL); /* its end brings the next try */
    return r;
}

static void start_child(struct child *c)
{
    struct fl_err err;

    if (try_start(c, &err) < 0) {
        log_it(FL_LOG_ERR, "%s: %s", fl_role_name(c->role), err.text);
        if (c->pid == 0)
            start_later(c);
    }
}

static void on_again(void *ctx)
{
    struct child *c = ctx;

    if (c->sv->stopping || c->pid != 0)
        return;
    c->restarts++;
    start_child(c);
}

static void next_stop(struct supervisor *sv);

static void child_ended(struct child *c, const char *how)
{
    struct supervisor *sv = c->sv;
    bool clean = strcmp(how, "exit 0") == 0;

    c->pid = 0;
    c->up = false;
    fl_imsg_free(c->chan);
    c->chan = NULL;
    if (sv->stopping) {
        if (!clean)
            log_it(FL_LOG_WARN, "%s: %s while stopping", fl_role_name(c->role), how);
        next_stop(sv);
        return;
    }
    if (!c->ever_up && strncmp(how, "exit", 4) == 0) {
        sv->failed = true;
        (void)fl_err_set(&sv->why, FL_E_IO, "%s could not start (%s); its reason stands above",
                         fl_role_name(c->role), how);
        stop_all(sv);
        return;
    }
    if (fl_now_mono_us() - c->since_mono_us > INT64_C(1000) * STEADY_MS)
        c->backoff_ms = 0;
    start_later(c);
    log_it(FL_LOG_ERR, "%s ended (%s); starting it again in %lld ms", fl_role_name(c->role), how,
           (long long)c->backoff_ms);
}

static void on_child(void *ctx)
{
    struct supervisor *sv = ctx;
    char how[64];
    pid_t pid;

    while ((pid = fl_child_reap(how)) > 0)
        for (int role = FL_ROLE_FIRST; role <= FL_ROLE_LAST; role++)
            if (sv->children[role].pid == pid)
                child_ended(&sv->children[role], how);
}

/* Stop the next one that runs; when none does, leave the loop. */
static void next_stop(struct supervisor *sv)
{
    if (sv->stop_at > 0 && sv->children[stop_order[sv->stop_at - 1]].pid != 0)
        return; /* another one ended before its turn */
    for (; sv->stop_at < FL_LEN(stop_order); sv->stop_at++) {
        struct child *c = &sv->children[stop_order[sv->stop_at]];

        if (c->pid == 0)
            continue;
        if (sv->stop_timer != NULL)
            fl_watch_rearm(sv->stop_timer, STOP_MS);
        if (c->chan == NULL || fl_imsg_send(c->chan, FL_MSG_STOP, 0, NULL, -1, NULL) < 0)
            (void)kill(c->pid, SIGKILL);
        sv->stop_at++;
        return;
    }
    for (int role = FL_ROLE_FIRST; role <= FL_ROLE_LAST; role++)
        if (sv->children[role].pid != 0)
            return;
    fl_loop_stop(sv->loop);
}

static void on_stop_late(void *ctx)
{
    struct supervisor *sv = ctx;
    struct child *c = &sv->children[stop_order[sv->stop_at - 1]];

    if (c->pid > 0) {
        log_it(FL_LOG_WARN, "%s did not stop within %d s; killing it", fl_role_name(c->role),
               STOP_MS / 1000);
        (void)kill(c->pid, SIGKILL);
    }
}

static void stop_all(struct supervisor *sv)
{
    if (sv->stopping)
        return;
    sv->stopping = true;
    for (int role = FL_ROLE_FIRST; role <= FL_ROLE_LAST; role++)
        fl_watch_rearm(sv->children[role].again, -1);
    next_stop(sv);
}

static void on_stop_signal(void *ctx)
{
    struct supervisor *sv = ctx;

    if (!sv->stopping) {
        log_it(FL_LOG_NOTICE, "stopping");
        stop_all(sv);
        return;
    }
    log_it(FL_LOG_WARN, "asked again: ending the roles now");
    for (int role = FL_ROLE_FIRST; role <= FL_ROLE_LAST; role++)
        if (sv->children[role].pid > 0)
            (void)kill(sv->children[role].pid, SIGKILL);
}

static void on_hup(void *ctx)
{
    struct supervisor *sv = ctx;

    if (fl_conf_str(sv->conf, FL_SET_WEB_CERT)[0] != '\0')
        log_it(FL_LOG_NOTICE, "reading web_cert and web_key again");
    give_pair(sv, false);
    log_it(FL_LOG_NOTICE, "settings are read at the start only; stop and start to change them");
}

static int set_up_events(struct supervisor *sv, struct fl_err *err)
{
    struct fl_loop *loop;
    int r = fl_loop_new(&sv->loop, err);

    loop = sv->loop;
    if (r == FL_OK)
        r = fl_watch_signal(loop, SIGTERM, on_stop_signal, sv, &sv->on_term, err);
    if (r == FL_OK)
        r = fl_watch_signal(loop, SIGINT, on_stop_signal, sv, &sv->on_int, err);
    if (r == FL_OK)
        r = fl_watch_signal(loop, SIGHUP, on_hup, sv, &sv->on_hup, err);
    if (r == FL_OK)
        r = fl_watch_signal(loop, SIGCHLD, on_child, sv, &sv->on_child, err);
    if (r == FL_OK)
        r = fl_watch_timer(loop, -1, 0, on_stop_late, sv, &sv->stop_timer, err);
    if (r == FL_OK)
        r = fl_watch_timer(loop, PAIR_LOOK_MS, 1, on_pair_timer, sv, &sv->pair_timer, err);
    for (int role = FL_ROLE_FIRST; r == FL_OK && role <= FL_ROLE_LAST; role++) {
        struct child *c = &sv->children[role];

        r = fl_watch_timer(loop, -1, 0, on_again, c, &c->again, err);
        if (r == FL_OK)
            r = fl_watch_timer(loop, -1, 0, on_late, c, &c->late, err);
    }
    return r;
}

/* The names of the certificate, where the settings leave them to us. */
static int set_names(struct fl_conf *conf, struct fl_err *err)
{
    char host[256] = "", list[400];

    if (fl_conf_str(conf, FL_SET_SERVER_NAMES)[0] != '\0')
        return FL_OK;
    if (gethostname(host, sizeof host - 1) == 0 && host[0] != '\0') {
        (void)snprintf(list, sizeof list, "%s, localhost, 127.0.0.1, ::1", host);
        if (fl_conf_set(conf, FL_SET_SERVER_NAMES, fl_span_str(list), NULL) == FL_OK)
            return FL_OK; /* else: a host name that is none, such as one with an underscore */
    }
    return fl_conf_set(conf, FL_SET_SERVER_NAMES, FL_SPAN("localhost, 127.0.0.1, ::1"), err);
}

static int run(struct supervisor *sv, struct fl_err *err)
{
    int r = set_names(sv->conf, err);

    if (r == FL_OK)
        r = set_up_events(sv, err);
    if (r == FL_OK)
        r = fl_place_prepare(&sv->place, sv->conf, err);
    if (r == FL_OK)
        r = fl_sandbox_supervisor(err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < FL_LEN(start_order); i++)
        if (fl_role_wanted(start_order[i], sv->conf))
            start_child(&sv->children[start_order[i]]);
    fl_loop_run(sv->loop);
    if (sv->failed) {
        if (err != NULL)
            *err = sv->why;
        return sv->why.code;
    }
    log_it(FL_LOG_NOTICE, "stopped");
    return FL_OK;
}

int fl_supervisor_main(struct fl_conf *conf, struct fl_err *err)
{
    struct supervisor *sv = calloc(1, sizeof *sv);
    int r;

    if (sv == NULL) {
        fl_conf_free(conf);
        return fl_err_set(err, FL_E_NOMEM, "no memory");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    sv->conf = conf;
    sv->since_us = fl_now_us();
    fl_place_init(&sv->place);
    for (int role = 0; role < FL_ROLE_COUNT; role++)
        sv->children[role] = (struct child){.sv = sv, .role = (enum fl_role)role};
    r = run(sv, err);
    for (int role = FL_ROLE_FIRST; role <= FL_ROLE_LAST; role++) {
        fl_watch_free(sv->children[role].again);
        fl_watch_free(sv->children[role].late);
    }
    fl_watch_free(sv->on_term);
    fl_watch_free(sv->on_int);
    fl_watch_free(sv->on_hup);
    fl_watch_free(sv->on_child);
    fl_watch_free(sv->stop_timer);
    fl_watch_free(sv->pair_timer);
    fl_loop_free(sv->loop);
    fl_place_done(&sv->place);
    fl_conf_free(conf);
    free(sv);
    return r;
}
