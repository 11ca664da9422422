#include "io/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"

struct post {
    struct post *next;
    void (*fn)(void *ctx);
    void *ctx;
};

struct fl_loop {
    struct event_base *base;
    int bell_fd; /* eventfd: something was posted */
    struct fl_watch *bell;
    pthread_mutex_t lock; /* of the two below */
    struct post *first, **last;
};

struct fl_watch {
    struct event *event;
    struct fl_loop *loop;
    int fd;
    void (*on_fd)(void *ctx, int ready);
    void (*on_plain)(void *ctx); /* timers and signals */
    void *ctx;
};

static void run_posts(void *ctx, int ready)
{
    struct fl_loop *loop = ctx;
    struct post *list;
    uint64_t rings;

    (void)ready;
    if (read(loop->bell_fd, &rings, sizeof rings) < 0)
        rings = 0; /* another turn of the loop has emptied it */
    (void)pthread_mutex_lock(&loop->lock);
    list = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    (void)pthread_mutex_unlock(&loop->lock);
    while (list != NULL) {
        struct post *next = list->next;

        list->fn(list->ctx);
        free(list);
        list = next;
    }
}

int fl_loop_new(struct fl_loop **ret, struct fl_err *err)
{
    struct fl_loop *loop = calloc(1, sizeof *loop);
    int r;

    if (loop == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for an event loop");
    (void)pthread_mutex_init(&loop->lock, NULL);
    loop->last = &loop->first;
    loop->base = event_base_new();
    loop->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->base == NULL || loop->bell_fd < 0) {
        r = fl_err_sys(err, FL_E_IO, errno, "set up an event loop");
        fl_loop_free(loop);
        return r;
    }
    r = fl_watch_fd(loop, loop->bell_fd, FL_ON_READ, run_posts, loop, &loop->bell, err);
    if (r < 0) {
        fl_loop_free(loop);
        return r;
    }
    *ret = loop;
    return FL_OK;
}

void fl_loop_free(struct fl_loop *loop)
{
    if (loop == NULL)
        return;
    fl_watch_free(loop->bell);
    while (loop->first != NULL) {
        struct post *next = loop->first->next;

        free(loop->first);
        loop->first = next;
    }
    if (loop->base != NULL)
        event_base_free(loop->base);
    fl_fd_close(&loop->bell_fd);
    (void)pthread_mutex_destroy(&loop->lock);
    free(loop);
}

void fl_loop_run(struct fl_loop *loop)
{
    (void)event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void fl_loop_stop(struct fl_loop *loop)
{
    (void)event_base_loopbreak(loop->base);
}

static void fd_ready(evutil_socket_t fd, short what, void *arg)
{
    struct fl_watch *w = arg;

    (void)fd;
    w->on_fd(w->ctx, ((what & EV_READ) ? FL_ON_READ : 0) | ((what & EV_WRITE) ? FL_ON_WRITE : 0));
}

static void plain_ready(evutil_socket_t fd, short what, void *arg)
{
    struct fl_watch *w = arg;

    (void)fd;
    (void)what;
    w->on_plain(w->ctx);
}

static struct timeval timeval_of(int64_t delay_ms)
{
    return (struct timeval){.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
}

static struct fl_watch *watch_new(struct fl_loop *loop, int fd, void *ctx)
{
    struct fl_watch *w = calloc(1, sizeof *w);

    if (w != NULL) {
        w->loop = loop;
        w->fd = fd;
        w->ctx = ctx;
    }
    return w;
}

static int watch_failed(struct fl_watch *w, struct fl_err *err)
{
    int saved = errno;

    fl_watch_free(w);
    return fl_err_sys(err, FL_E_IO, saved, "watch an event");
}

static short bits_of(int on)
{
    int bits = EV_PERSIST;

    if (on & FL_ON_READ)
        bits |= EV_READ;
    if (on & FL_ON_WRITE)
        bits |= EV_WRITE;
    return (short)bits;
}

int fl_watch_fd(struct fl_loop *loop, int fd, int on, void (*fn)(void *ctx, int ready), void *ctx,
                struct fl_watch **ret, struct fl_err *err)
{
    struct fl_watch *w = watch_new(loop, fd, ctx);

    if (w == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to watch a descriptor");
    w->on_fd = fn;
    w->event = event_new(loop->base, fd, bits_of(on), fd_ready, w);
    if (w->event == NULL || (on != 0 && event_add(w->event, NULL) < 0))
        return watch_failed(w, err);
    *ret = w;
    return FL_OK;
}

void fl_watch_change(struct fl_watch *watch, int on)
{
    (void)event_del(watch->event);
    if (on == 0)
        return;
    (void)event_assign(watch->event, watch->loop->base, watch->fd, bits_of(on), fd_ready, watch);
    (void)event_add(watch->event, NULL);
}

int fl_watch_timer(struct fl_loop *loop, int64_t delay_ms, int repeat, void (*fn)(void *ctx),
                   void *ctx, struct fl_watch **ret, struct fl_err *err)
{
    struct fl_watch *w = watch_new(loop, -1, ctx);
    struct timeval tv = timeval_of(delay_ms);

    if (w == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a timer");
    w->on_plain = fn;
    w->event = event_new(loop->base, -1, repeat ? EV_PERSIST : 0, plain_ready, w);
    if (w->event == NULL || (delay_ms >= 0 && event_add(w->event, &tv) < 0))
        return watch_failed(w, err);
    *ret = w;
    return FL_OK;
}

void fl_watch_rearm(struct fl_watch *timer, int64_t delay_ms)
{
    struct timeval tv = timeval_of(delay_ms);

    if (delay_ms < 0)
        (void)event_del(timer->event);
    else
        (void)event_add(timer->event, &tv);
}

int fl_watch_signal(struct fl_loop *loop, int signo, void (*fn)(void *ctx), void *ctx,
                    struct fl_watch **ret, struct fl_err *err)
{
    struct fl_watch *w = watch_new(loop, -1, ctx);

    if (w == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to watch a signal");
    w->on_plain = fn;
    w->event = event_new(loop->base, signo, EV_SIGNAL | EV_PERSIST, plain_ready, w);
    if (w->event == NULL || event_add(w->event, NULL) < 0)
        return watch_failed(w, err);
    *ret = w;
    return FL_OK;
}

void fl_watch_free(struct fl_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->event != NULL)
        event_free(watch->event);
    free(watch);
}

int fl_loop_post(struct fl_loop *loop, void (*fn)(void *ctx), void *ctx)
{
    struct post *post = malloc(sizeof *post);
    const uint64_t one = 1;

    if (post == NULL)
        return FL_E_NOMEM;
    *post = (struct post){.fn = fn, .ctx = ctx};
    (void)pthread_mutex_lock(&loop->lock);
    *loop->last = post;
    loop->last = &post->next;
    (void)pthread_mutex_unlock(&loop->lock);
    /* A full counter (EAGAIN) has the bell ringing already. */
    if (write(loop->bell_fd, &one, sizeof one) < 0 && errno != EAGAIN)
        return FL_E_IO;
    return FL_OK;
}
