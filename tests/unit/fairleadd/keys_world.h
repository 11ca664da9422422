/* keys_world.h - the keys role on its loop in a thread of its own; the test plays its peers. */
#ifndef FL_TESTS_KEYS_WORLD_H
#define FL_TESTS_KEYS_WORLD_H

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fairleadd/role.h"
#include "io/imsg.h"

static char logged[65536];

/* Instead of role.c's, which writes to the journal; called in the role's thread only. */
void fl_role_log(const struct fl_role_env *env, int level, const char *fmt, ...)
{
    size_t len = strlen(logged);
    va_list ap;

    (void)env;
    (void)level;
    va_start(ap, fmt);
    (void)vsnprintf(logged + len, sizeof logged - len, fmt, ap);
    va_end(ap);
}

struct keys_role {
    struct fl_role_env env;
    void *state;
    pthread_t thread;
};

static void *keys_run(void *ctx)
{
    fl_loop_run(ctx);
    return NULL;
}

static void keys_end(void *ctx)
{
    struct keys_role *k = ctx;

    fl_role_keys.stop(k->state);
}

struct keys_linking {
    struct keys_role *keys;
    enum fl_role peer;
    int fd;
};

static void keys_take_link(void *ctx)
{
    struct keys_linking *l = ctx;

    fl_role_keys.link(l->keys->state, l->peer, l->fd);
    free(l);
}

/* Our end of a new link from `peer` to keys. */
static int keys_link(struct keys_role *k, enum fl_role peer)
{
    struct keys_linking *l = malloc(sizeof *l);
    int ends[2];

    if (l == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        abort();
    *l = (struct keys_linking){k, peer, ends[0]};
    if (fl_loop_post(k->env.loop, keys_take_link, l) < 0)
        abort();
    return ends[1];
}

/* A new peer of keys. */
static struct fl_rpc *keys_peer(struct keys_role *k, enum fl_role peer)
{
    struct fl_rpc *rpc = NULL;

    if (fl_rpc_new(peer, FL_ROLE_KEYS, &rpc, NULL) < 0)
        abort();
    fl_rpc_relink(rpc, keys_link(k, peer));
    return rpc;
}

/* In its folder, as io/sandbox.h does; ledger_fd: -1, or the ledger's. */
static int keys_start(struct keys_role *k, const struct fl_conf *conf, int dir_fd, int ledger_fd,
                      struct fl_err *err)
{
    int r;

    logged[0] = '\0';
    k->env = (struct fl_role_env){.role = FL_ROLE_KEYS,
                                  .conf = conf,
                                  .dir_fd = dir_fd,
                                  .ledger_fd = ledger_fd,
                                  .web_cert_fd = -1,
                                  .web_key_fd = -1,
                                  .ring_fd = -1};
    if (fchdir(dir_fd) < 0 || fl_loop_new(&k->env.loop, err) < 0)
        abort();
    r = fl_role_keys.start(&k->env, &k->state, err);
    if (r < 0)
        fl_loop_free(k->env.loop);
    else if (pthread_create(&k->thread, NULL, keys_run, k->env.loop) != 0)
        abort();
    return r;
}

static void keys_stop(struct keys_role *k)
{
    if (fl_loop_post(k->env.loop, keys_end, k) < 0)
        abort();
    (void)pthread_join(k->thread, NULL);
    fl_loop_free(k->env.loop);
}

#endif
