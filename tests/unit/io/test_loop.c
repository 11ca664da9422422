#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "io/loop.h"
#include "tap.h"

enum { THREADS = 4, EACH = 5000 };

struct box {
    struct fl_loop *loop;
    unsigned next[THREADS]; /* in the loop's thread only */
    unsigned disorder, left;
    struct fl_watch *watch;
    unsigned fired;
};

struct item {
    struct box *box;
    unsigned thread, no;
};

static struct item items[THREADS][EACH];

static void on_post(void *ctx)
{
    struct item *item = ctx;
    struct box *box = item->box;

    if (box->next[item->thread]++ != item->no)
        box->disorder++;
    if (--box->left == 0)
        fl_loop_stop(box->loop);
}

static void *poster(void *ctx)
{
    struct item *row = ctx;

    for (unsigned i = 0; i < EACH; i++)
        if (fl_loop_post(row[i].box->loop, on_post, &row[i]) < 0)
            return ctx;
    return NULL;
}

static void check_posts(void)
{
    struct box box = {.left = THREADS * EACH};
    pthread_t threads[THREADS];
    void *failed;
    unsigned failures = 0;

    if (fl_loop_new(&box.loop, NULL) < 0)
        return;
    for (unsigned t = 0; t < THREADS; t++) {
        for (unsigned i = 0; i < EACH; i++)
            items[t][i] = (struct item){&box, t, i};
        if (pthread_create(&threads[t], NULL, poster, items[t]) != 0)
            return;
    }
    fl_loop_run(box.loop);
    for (unsigned t = 0; t < THREADS; t++) {
        (void)pthread_join(threads[t], &failed);
        failures += failed != NULL;
    }
    CHECK(failures == 0 && box.left == 0 && box.disorder == 0,
          "posts of four threads run once each, in order");
    CHECK(fl_loop_post(box.loop, on_post, &items[0][0]) == 0, "one that will never run");
    fl_loop_free(box.loop);
}

static void free_self(void *ctx)
{
    struct box *box = ctx;

    box->fired++;
    fl_watch_free(box->watch);
    box->watch = NULL;
    fl_loop_stop(box->loop);
}

static void free_self_fd(void *ctx, int ready)
{
    (void)ready;
    free_self(ctx);
}

static void count_to_three(void *ctx)
{
    struct box *box = ctx;

    if (++box->fired == 3)
        fl_loop_stop(box->loop);
}

static void stop(void *ctx)
{
    fl_loop_stop(((struct box *)ctx)->loop);
}

static void check_watches(void)
{
    struct box box = {.fired = 0};
    struct fl_watch *timer = NULL;
    int fds[2];

    if (fl_loop_new(&box.loop, NULL) < 0 || pipe(fds) < 0)
        return;
    CHECK(fl_watch_timer(box.loop, 1, 1, free_self, &box, &box.watch, NULL) == 0, "a timer");
    fl_loop_run(box.loop);
    CHECK(box.fired == 1 && box.watch == NULL, "a repeating timer can free itself");

    CHECK(fl_watch_fd(box.loop, fds[1], FL_ON_WRITE, free_self_fd, &box, &box.watch, NULL) == 0,
          "a descriptor");
    fl_loop_run(box.loop);
    CHECK(box.fired == 2 && box.watch == NULL, "a descriptor's watch can free itself");

    box.fired = 0;
    CHECK(fl_watch_timer(box.loop, 1, 1, count_to_three, &box, &box.watch, NULL) == 0, "repeating");
    fl_loop_run(box.loop);
    CHECK(box.fired == 3, "a repeating timer repeats");
    fl_watch_rearm(box.watch, -1);
    CHECK(fl_watch_timer(box.loop, 30, 0, stop, &box, &timer, NULL) == 0, "a pause");
    fl_loop_run(box.loop);
    CHECK(box.fired == 3, "a stopped timer is quiet");
    fl_watch_free(box.watch);
    box.watch = NULL;

    CHECK(fl_watch_fd(box.loop, fds[1], 0, free_self_fd, &box, &box.watch, NULL) == 0, "paused");
    fl_watch_rearm(timer, 30);
    fl_loop_run(box.loop);
    CHECK(box.watch != NULL, "a watch for nothing is quiet");
    fl_watch_change(box.watch, FL_ON_WRITE);
    fl_loop_run(box.loop);
    CHECK(box.watch == NULL, "and works when it is changed");

    CHECK(fl_watch_signal(box.loop, SIGUSR1, free_self, &box, &box.watch, NULL) == 0, "a signal");
    (void)raise(SIGUSR1);
    fl_loop_run(box.loop);
    CHECK(box.watch == NULL, "a signal arrives, and its watch can free itself");
    fl_watch_free(timer);
    fl_watch_free(NULL);
    fl_loop_free(box.loop);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

int main(void)
{
    check_posts();
    check_watches();
    return tap_done();
}
