/*
 * Roles for tests of the supervisor: each says on stderr what it is given, greets core over every
 * link, and obeys words in server_names: "fail-start-ROLE", "hang-stop-ROLE", "crash-ROLE".
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "fairleadd/role.h"
#include "io/ring.h"

struct stub {
    struct fl_role_env *env;
    struct fl_imsg *links[FL_ROLE_COUNT];
};

static int told_to(const struct fl_role_env *env, const char *what)
{
    char word[64];

    (void)snprintf(word, sizeof word, "%s-%s", what, fl_role_name(env->role));
    return strstr(fl_conf_str(env->conf, FL_SET_SERVER_NAMES), word) != NULL;
}

static void on_message(void *ctx, struct fl_imsg *chan, struct fl_imsg_in *in)
{
    struct stub *s = ctx;
    struct fl_msg_audit audit;
    struct fl_msg_role_state state;

    (void)chan;
    if (in->type == FL_MSG_AUDIT && fl_msg_decode(in->type, in->payload, &audit, NULL) == FL_OK)
        fl_role_log(s->env, FL_LOG_INFO, "greeting from %.*s", FL_SPAN_ARG(audit.actor));
    if (in->type == FL_MSG_ROLE_STATE &&
        fl_msg_decode(in->type, in->payload, &state, NULL) == FL_OK)
        fl_role_log(s->env, FL_LOG_INFO, "state of %s: restarts %u",
                    fl_role_name((enum fl_role)state.role), (unsigned)state.restarts);
}

static void on_closed(void *ctx, struct fl_imsg *chan, const char *why)
{
    struct stub *s = ctx;

    (void)why;
    for (int i = 0; i < FL_ROLE_COUNT; i++)
        if (s->links[i] == chan)
            s->links[i] = NULL;
    fl_imsg_free(chan);
}

static const struct fl_imsg_ops link_ops = {.message = on_message, .closed = on_closed};

static void count_fds(const struct fl_role_env *env)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    fl_role_log(env, FL_LOG_INFO, "given: dir %d ring %d wakes %d listeners %zu, %s",
                env->dir_fd >= 0, env->ring_fd >= 0,
                env->wake_rows_fd >= 0 && env->wake_room_fd >= 0, env->listener_count,
                fcntl(200, F_GETFD) < 0 && count < 40 ? "tidy" : "a descriptor leaked");
}

static int start(struct fl_role_env *env, void **ret_state, struct fl_err *err)
{
    struct stub *s = calloc(1, sizeof *s);

    if (s == NULL || told_to(env, "fail-start"))
        return fl_err_set(err, FL_E_INVAL, "told to fail");
    s->env = env;
    count_fds(env);
    for (size_t i = 0; i < env->listener_count; i++)
        fl_role_log(env, FL_LOG_INFO, "listener %s kind %d tenant '%s' at %s",
                    env->listeners[i].name, (int)env->listeners[i].kind, env->listeners[i].tenant,
                    env->listeners[i].address);
    if (env->dir_fd >= 0 && fl_file_write(env->dir_fd, "mine", FL_SPAN("x"), 0600, err) < 0)
        return FL_E_IO;
    if (told_to(env, "crash"))
        abort();
    *ret_state = s;
    return FL_OK;
}

static void link_up(void *state, enum fl_role peer, int fd)
{
    struct stub *s = state;
    struct fl_msg_audit audit = {.event = FL_SPAN("hello"),
                                 .actor = fl_span_str(fl_role_name(s->env->role))};

    fl_role_log(s->env, FL_LOG_INFO, "link to %s", fl_role_name(peer));
    fl_imsg_free(s->links[peer]);
    s->links[peer] = NULL;
    if (fl_imsg_new(s->env->loop, fd, s->env->role, peer, 65536, &link_ops, s, &s->links[peer],
                    NULL) < 0)
        return;
    if (peer == FL_ROLE_CORE)
        if (fl_imsg_send(s->links[peer], FL_MSG_AUDIT, 0, &audit, -1, NULL) < 0)
            return;
    if (s->env->role == FL_ROLE_CORE && peer == FL_ROLE_STORE &&
        fl_imsg_send(s->env->supervisor, FL_MSG_ROLES_ASK, 7, NULL, -1, NULL) < 0)
        return;
}

static void stop(void *state)
{
    struct stub *s = state;
    struct fl_role_env *env = s->env;

    fl_role_log(env, FL_LOG_INFO, "stopping");
    if (told_to(env, "hang-stop"))
        return;
    for (int i = 0; i < FL_ROLE_COUNT; i++)
        fl_imsg_free(s->links[i]);
    free(s);
    fl_loop_stop(env->loop);
}

static void from_supervisor(void *state, struct fl_imsg_in *in)
{
    on_message(state, NULL, in);
}

#define OPS                                                                                        \
    {                                                                                              \
        .start = start, .link = link_up, .stop = stop, .supervisor = from_supervisor               \
    }

const struct fl_role_ops fl_role_ingest = OPS, fl_role_core = OPS, fl_role_store = OPS,
                         fl_role_keys = OPS, fl_role_web = OPS, fl_role_outbound = OPS;
