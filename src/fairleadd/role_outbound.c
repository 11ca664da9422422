/* The outbound role: connections that we make, for feeds, mail and webhooks. No database, no keys,
 * no files; what it may connect to stands in the settings, whatever core asks for. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/fd.h"
#include "base/time.h"
#include "fairleadd/outbound.h"
#include "io/fetch.h"
#include "io/hook.h"

enum { FEED_THREADS = 4, NOTICE_THREADS = 2, QUEUE = 256, SMTP_PORT = 587, SMTPS_PORT = 465 };
#define CORE_OUT_BYTES ((size_t)2 << 20)
#define CA_MAX         ((size_t)4 << 20)
#define PASSWORD_MAX   255u
#define SIGNERS_MAX    ((size_t)1 << 20)
#define RESOLVER       "/etc/resolv.conf"

struct outbound {
    struct fl_outbound shared; /* first: threads see this alone */
    struct fl_imsg *core;
    struct fl_pool *feeds, *notices;          /* a slow feed holds no notice up */
    struct fetch_job *sending, **sending_end; /* their answers wait for room */
    uint64_t link;     /* number of core's link: what an older one asked is told to nobody */
    bool resolver_was; /* it could be read */
};

struct fetch_job {
    struct fl_pool_job job; /* first */
    struct outbound *o;
    struct fetch_job *next;
    uint64_t link;
    uint32_t id;
    size_t at; /* of found: told so far */
    struct fl_outbound_fetch f;
};

struct notice_job {
    struct fl_pool_job job; /* first */
    struct outbound *o;
    uint64_t link;
    uint32_t id;
    struct fl_buf own;
    struct fl_msg_notice msg; /* spans in own */
    struct fl_msg_notice_done end;
    char answer[FL_HOOK_ANSWER_MAX + 1];
    struct fl_err err;
};

static struct outbound outbound_state; /* one per process */

/* ---- telling core ---- */

static void drop_fetch(struct fl_pool_job *job)
{
    struct fetch_job *j = (struct fetch_job *)job;

    fl_buf_done(&j->f.own);
    fl_buf_done(&j->f.found);
    free(j);
}

/* The next message of what was found. 1: sent; 0: all of it is; FL_E_AGAIN. */
static int tell_one(struct fetch_job *j)
{
    struct fl_cursor cur = fl_cursor_of(fl_buf_span(&j->f.found));
    union {
        struct fl_msg_feed_event event;
        struct fl_msg_feed_refused refused;
    } msg;
    enum fl_msg_type type;
    struct fl_span text;
    int r;

    if (j->at == j->f.found.len)
        return 0;
    (void)fl_cursor_bytes(&cur, j->at);
    type = (enum fl_msg_type)fl_cursor_u8(&cur);
    text = fl_cursor_lv(&cur, FL_MSG_MAX_BYTES);
    r = fl_msg_decode(type, text, &msg, NULL);
    if (r == FL_OK)
        r = fl_imsg_send(j->o->core, type, j->id, &msg, -1, NULL);
    if (r == FL_OK)
        j->at = (size_t)(cur.ptr - j->f.found.ptr);
    return r < 0 ? r : 1;
}

/* In order of their ends; one whose core has gone is told to nobody. */
static void tell(struct outbound *o)
{
    while (o->sending != NULL) {
        struct fetch_job *j = o->sending;
        int r = 0;

        if (o->core != NULL && j->link == o->link) {
            while ((r = tell_one(j)) == 1)
                ;
            if (r == 0)
                r = fl_imsg_send(o->core, FL_MSG_FETCHED, j->id, &j->f.end, -1, NULL);
            if (r == FL_E_AGAIN)
                return; /* on_drained() goes on */
        }
        o->sending = j->next;
        if (o->sending == NULL)
            o->sending_end = &o->sending;
        drop_fetch(&j->job);
    }
}

static void fetch_done(struct fl_pool_job *job)
{
    struct fetch_job *j = (struct fetch_job *)job;
    struct outbound *o = j->o;

    j->next = NULL;
    *o->sending_end = j;
    o->sending_end = &j->next;
    tell(o);
}

static void fetch_work(struct fl_pool_job *job)
{
    fl_outbound_fetch(&((struct fetch_job *)job)->f);
}

/* ---- requests ---- */

/* A copy of the message with what its spans point to. */
static int copy_msg(enum fl_msg_type type, struct fl_span payload, struct fl_buf *own, void *ret,
                    struct fl_err *err)
{
    int r;

    fl_buf_init(own, FL_MSG_MAX_BYTES);
    fl_buf_put_span(own, payload);
    r = fl_buf_status(own, err);
    return r < 0 ? r : fl_msg_decode(type, fl_buf_span(own), ret, err);
}

static void take_fetch(struct outbound *o, const struct fl_imsg_in *in)
{
    struct fetch_job *j = calloc(1, sizeof *j);
    struct fl_err err;
    int r = FL_E_NOMEM;

    (void)fl_err_set(&err, r, "no memory for a feed");
    if (j != NULL) {
        *j = (struct fetch_job){.job = {.not_after_us = INT64_MAX,
                                        .work = fetch_work,
                                        .done = fetch_done,
                                        .drop = drop_fetch},
                                .o = o,
                                .link = o->link,
                                .id = in->id,
                                .f = {.out = &o->shared}};
        fl_buf_init(&j->f.found, FL_OUTBOUND_FOUND_MAX);
        r = copy_msg(in->type, in->payload, &j->f.own, &j->f.msg, &err);
        if (r == FL_OK)
            r = fl_pool_submit(o->feeds, &j->job, &err);
    }
    if (r == FL_OK)
        return;
    if (j != NULL)
        drop_fetch(&j->job);
    (void)!fl_imsg_fail(o->core, in->id, &err);
}

static void drop_notice(struct fl_pool_job *job)
{
    struct notice_job *j = (struct notice_job *)job;

    fl_buf_wipe(&j->own); /* the key of the signature */
    free(j);
}

static void send_mail(struct notice_job *j)
{
    const struct fl_outbound *s = &j->o->shared;
    const struct fl_mail mail = {.to = j->msg.to,
                                 .subject = j->msg.subject,
                                 .body = j->msg.body,
                                 .id = j->msg.id,
                                 .now_us = fl_now_us()};
    bool again = false;

    if (s->mail.host[0] == '\0' || s->mail.from[0] == '\0')
        j->end.code = fl_err_set(&j->err, FL_E_DENIED,
                                 "no mail is sent: smtp_server and smtp_from are not set in "
                                 "fairlead.conf");
    else
        j->end.code = fl_mail_send(&s->mail, &mail, &s->stop, j->answer, &again, &j->err);
    j->end.again = again;
}

static void send_hook(struct notice_job *j)
{
    const struct fl_outbound *s = &j->o->shared;
    const struct fl_hook hook = {.url = j->msg.to,
                                 .id = j->msg.id,
                                 .body = j->msg.body,
                                 .secret = j->msg.secret,
                                 .now_us = fl_now_us(),
                                 .to = &s->to,
                                 .stop = &s->stop};
    bool again = false;

    j->end.code = fl_hook_send(&hook, j->answer, &again, &j->end.retry_after_s, &j->err);
    j->end.again = again;
}

static void notice_work(struct fl_pool_job *job)
{
    struct notice_job *j = (struct notice_job *)job;

    if (j->msg.kind == FL_NOTICE_MAIL)
        send_mail(j);
    else if (j->msg.kind == FL_NOTICE_WEBHOOK)
        send_hook(j);
    else
        j->end.code = fl_err_set(&j->err, FL_E_INVAL, "a notice of an unknown kind");
}

static void notice_done(struct fl_pool_job *job)
{
    struct notice_job *j = (struct notice_job *)job;
    struct outbound *o = j->o;

    if (j->end.code < 0)
        j->end.text = fl_span_str(j->err.text);
    else
        j->end.receipt = fl_span_str(j->answer);
    /* A few hundred bytes each, and core has at most a few under way: there is room. */
    if (o->core != NULL && j->link == o->link &&
        fl_imsg_send(o->core, FL_MSG_NOTICE_DONE, j->id, &j->end, -1, NULL) < 0)
        fl_role_log(o->shared.env, FL_LOG_WARN, "a receipt could not be told to core");
    drop_notice(job);
}

static void take_notice(struct outbound *o, const struct fl_imsg_in *in)
{
    struct notice_job *j = calloc(1, sizeof *j);
    struct fl_err err;
    int r = FL_E_NOMEM;

    (void)fl_err_set(&err, r, "no memory for a notice");
    if (j != NULL) {
        *j = (struct notice_job){.job = {.not_after_us = INT64_MAX,
                                         .work = notice_work,
                                         .done = notice_done,
                                         .drop = drop_notice},
                                 .o = o,
                                 .link = o->link,
                                 .id = in->id};
        r = copy_msg(in->type, in->payload, &j->own, &j->msg, &err);
        if (r == FL_OK)
            r = fl_pool_submit(o->notices, &j->job, &err);
    }
    if (r == FL_OK)
        return;
    if (j != NULL)
        drop_notice(&j->job);
    (void)!fl_imsg_fail(o->core, in->id, &err);
}

/* Landlock knows files, not names: one that took its place is closed to us until a new start. */
static bool resolver_opens(void)
{
    FL_AUTO(fl_fd_closep) int fd = open(RESOLVER, O_RDONLY | O_CLOEXEC);

    return fd >= 0 || errno == ENOENT;
}

static void outbound_stop(void *state);

static bool begin_anew(struct outbound *o)
{
    if (!o->resolver_was || resolver_opens())
        return false;
    fl_role_log(o->shared.env, FL_LOG_NOTICE, "%s is another file now; beginning anew to read it",
                RESOLVER);
    atomic_store(&o->shared.stop, true);
    if (fl_loop_post(o->shared.env->loop, outbound_stop, o) < 0)
        fl_loop_stop(o->shared.env->loop);
    return true;
}

static void on_core(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct outbound *o = ctx;

    (void)chan;
    if (in->fd >= 0)
        (void)close(in->fd);
    if (begin_anew(o))
        return;
    if (in->type == FL_MSG_FETCH)
        take_fetch(o, in);
    else if (in->type == FL_MSG_NOTICE)
        take_notice(o, in);
}

static void on_drained(void *ctx, struct fl_imsg *chan)
{
    (void)chan;
    tell(ctx);
}

static void core_gone(struct outbound *o)
{
    struct fl_imsg *chan = o->core;

    o->core = NULL;
    o->link++;
    fl_pace_forget(o->shared.pace);
    fl_imsg_free(chan);
    tell(o);
}

static void on_core_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    struct outbound *o = ctx;

    (void)chan;
    fl_role_log(o->shared.env, FL_LOG_NOTICE, "core is gone (%s)", why);
    core_gone(o);
}

static void outbound_link(void *state, enum fl_role peer, int fd)
{
    static const struct fl_imsg_ops ops = {
        .message = on_core, .closed = on_core_closed, .drained = on_drained};
    struct outbound *o = state;
    struct fl_err err;

    if (peer != FL_ROLE_CORE) {
        (void)close(fd);
        return;
    }
    if (o->core != NULL)
        core_gone(o);
    if (fl_imsg_new(o->shared.env->loop, fd, FL_ROLE_OUTBOUND, FL_ROLE_CORE, CORE_OUT_BYTES, &ops,
                    o, &o->core, &err) < 0) {
        o->core = NULL;
        fl_role_log(o->shared.env, FL_LOG_ERR, "no link to core: %s", err.text);
    }
}

/* ---- start and stop ---- */

/* A file that the supervisor opened, to its end. */
static int read_fd(int *fd, struct fl_buf *out, size_t max, struct fl_err *err)
{
    char *room;
    ssize_t n;

    fl_buf_init(out, max + 1);
    if (*fd < 0)
        return FL_OK;
    room = fl_buf_reserve(out, max + 1);
    if (room == NULL)
        return fl_buf_status(out, err);
    n = fl_fd_read_all(*fd, room, max + 1, err);
    fl_fd_close(fd);
    if (n < 0)
        return (int)n;
    if ((size_t)n > max)
        return fl_err_set(err, FL_E_LIMIT, "the file has more than %zu bytes", max);
    out->len = (size_t)n;
    return FL_OK;
}

static int read_files(struct outbound *o, struct fl_err *err)
{
    struct fl_role_env *env = o->shared.env;
    int r = read_fd(&env->ca_fd, &o->shared.ca, CA_MAX, err);

    if (r < 0)
        return fl_err_wrap(err, "outbound_ca");
    r = read_fd(&env->secret_fd, &o->shared.password, PASSWORD_MAX, err);
    if (r < 0)
        return fl_err_wrap(err, "smtp_password_file");
    for (size_t i = 0; i < o->shared.password.len; i++) /* its first line */
        if (o->shared.password.ptr[i] == '\n' || o->shared.password.ptr[i] == '\r')
            o->shared.password.len = i;
    return FL_OK;
}

static int read_signers(struct outbound *o, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf pem;
    int r = read_fd(&o->shared.env->signers_fd, &pem, SIGNERS_MAX, err);

    if (r == FL_OK && pem.len > 0)
        r = fl_cap_trust_new(fl_buf_span(&pem), &o->shared.trust, err);
    return r < 0 ? fl_err_wrap(err, "feed_signers") : r;
}

static int set_mail(struct outbound *o, struct fl_err *err)
{
    const struct fl_conf *conf = o->shared.env->conf;
    struct fl_mail_server *mail = &o->shared.mail;
    const char *server = fl_conf_str(conf, FL_SET_SMTP_SERVER);
    const char *tls = fl_conf_str(conf, FL_SET_SMTP_TLS);
    int r;

    mail->tls = strcmp(tls, "tls") == 0    ? FL_MAIL_TLS
                : strcmp(tls, "none") == 0 ? FL_MAIL_PLAIN
                                           : FL_MAIL_STARTTLS;
    mail->from = fl_conf_str(conf, FL_SET_SMTP_FROM);
    mail->user = fl_conf_str(conf, FL_SET_SMTP_USER);
    mail->password = fl_buf_span(&o->shared.password);
    mail->to = &o->shared.to;
    if (server[0] == '\0')
        return FL_OK;
    r = fl_host_parse(fl_span_str(server), mail->host, &mail->port, err);
    if (r < 0)
        return fl_err_wrap(err, "smtp_server");
    if (mail->port == 0)
        mail->port = mail->tls == FL_MAIL_TLS ? SMTPS_PORT : SMTP_PORT;
    return FL_OK;
}

static int outbound_start(struct fl_role_env *env, void **ret_state, struct fl_err *err)
{
    struct outbound *o = &outbound_state;
    int r;

    o->shared.env = env;
    o->sending_end = &o->sending;
    o->shared.to.allow = fl_span_str(fl_conf_str(env->conf, FL_SET_OUTBOUND_ALLOW));
    o->shared.to.private_ok = fl_span_str(fl_conf_str(env->conf, FL_SET_OUTBOUND_PRIVATE));
    o->resolver_was = resolver_opens();
    r = read_files(o, err);
    o->shared.to.ca_pem = fl_buf_span(&o->shared.ca);
    if (r == FL_OK)
        r = read_signers(o, err);
    if (r == FL_OK)
        r = set_mail(o, err);
    if (r == FL_OK)
        r = fl_fetch_init(err);
    if (r == FL_OK)
        r = fl_pace_new(&o->shared.pace, err);
    if (r == FL_OK)
        r = fl_pool_new(env->loop, FEED_THREADS, QUEUE, &o->feeds, err);
    if (r == FL_OK)
        r = fl_pool_new(env->loop, NOTICE_THREADS, QUEUE, &o->notices, err);
    if (r == FL_OK)
        *ret_state = o;
    return r;
}

/* Requests that run end within a second or so: they look at stop. */
static void outbound_stop(void *state)
{
    struct outbound *o = state;

    atomic_store(&o->shared.stop, true);
    fl_pool_free(o->feeds);
    fl_pool_free(o->notices);
    fl_imsg_free(o->core);
    o->core = NULL;
    tell(o); /* frees what waits */
    fl_pace_free(o->shared.pace);
    fl_cap_trust_free(o->shared.trust);
    fl_buf_done(&o->shared.ca);
    fl_buf_wipe(&o->shared.password);
    fl_loop_stop(o->shared.env->loop);
}

const struct fl_role_ops fl_role_outbound = {
    .start = outbound_start, .link = outbound_link, .stop = outbound_stop};
