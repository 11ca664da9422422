/* Turns: who has had least is due, a long question of one tenant does not hold up another's, and no
 * more compute at once than there are turns. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "fairleadd/store_turn.h"
#include "tap.h"

enum { ROUNDS = 3000 };

static struct fl_turns *turns;
static atomic_int inside, most, ready;

static void burn_us(long us)
{
    struct timespec a, b;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    do
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    while ((b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000 < us);
}

static void enter(void)
{
    int now = atomic_fetch_add(&inside, 1) + 1, seen = atomic_load(&most);

    while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
        ;
}

static void leave(void)
{
    (void)atomic_fetch_sub(&inside, 1);
}

/* ---- a short question while a long one runs ---- */

static atomic_int short_done;

static void *short_question(void *ctx)
{
    struct fl_turn turn = {.tenant = 2};

    (void)ctx;
    atomic_store(&ready, 1);
    fl_turn_take(turns, &turn);
    burn_us(500);
    atomic_store(&short_done, 1);
    fl_turn_give(turns, &turn);
    return NULL;
}

/* How many blocks of the long question went by until the short one of `tenant` was through. */
static int rounds_until_short(void)
{
    struct fl_turn turn = {.tenant = 1};
    pthread_t thread;
    int rounds = 0;

    if (fl_turns_new(1, &turns, NULL) < 0)
        abort();
    atomic_store(&short_done, 0);
    atomic_store(&ready, 0);
    fl_turn_take(turns, &turn);
    burn_us(10000); /* it has had some time */
    if (pthread_create(&thread, NULL, short_question, NULL) != 0)
        abort();
    while (atomic_load(&ready) == 0)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); /* it waits by now */
    while (atomic_load(&short_done) == 0 && rounds < ROUNDS) {
        fl_turn_look(turns, &turn);
        rounds++;
        burn_us(100);
    }
    fl_turn_give(turns, &turn);
    (void)pthread_join(thread, NULL);
    fl_turns_free(turns);
    return rounds;
}

/* ---- shares ---- */

struct worker {
    uint32_t tenant;
    long got_us;
};

static atomic_long total_us;

static void *work(void *ctx)
{
    struct worker *w = ctx;
    struct fl_turn turn = {.tenant = w->tenant};

    while (atomic_load(&total_us) < 400000) {
        fl_turn_look(turns, &turn);
        enter();
        burn_us(1000);
        leave();
        w->got_us += 1000;
        (void)atomic_fetch_add(&total_us, 1000);
    }
    fl_turn_give(turns, &turn);
    return NULL;
}

/* Seven questions of one tenant, one of another; until both together had so much. */
static void check_shares(unsigned count)
{
    struct worker w[8] = {{1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, 0}, {2, 0}};
    pthread_t thread[8];
    long many = 0;

    if (fl_turns_new(count, &turns, NULL) < 0)
        abort();
    atomic_store(&total_us, 0);
    atomic_store(&most, 0);
    for (size_t i = 0; i < 8; i++)
        if (pthread_create(&thread[i], NULL, work, &w[i]) != 0)
            abort();
    for (size_t i = 0; i < 8; i++)
        (void)pthread_join(thread[i], NULL);
    for (size_t i = 0; i < 7; i++)
        many += w[i].got_us;
    printf("# %u turns: the seven had %ld ms together, the one %ld ms\n", count, many / 1000,
           w[7].got_us / 1000);
    CHECK(atomic_load(&most) <= (int)count, "no more compute at once than there are turns");
    if (count == 1) {
        CHECK(w[7].got_us * 3 > many && many * 3 > w[7].got_us,
              "one question of a tenant gets as much as seven of another");
        for (size_t i = 0; i < 7; i++)
            many = w[i].got_us < many ? w[i].got_us : many;
        CHECK(many > 0, "each of the seven gets on");
    }
    fl_turns_free(turns);
}

int main(void)
{
    struct fl_turn turn = {.tenant = 5};

    if (fl_turns_new(1, &turns, NULL) < 0)
        abort();
    fl_turn_give(turns, &turn);
    fl_turn_take(turns, &turn);
    fl_turn_take(turns, &turn);
    fl_turn_look(turns, &turn);
    CHECK(turn.has, "alone it keeps its turn");
    fl_turn_give(turns, &turn);
    CHECK(!turn.has, "and gives it back");
    fl_turns_free(turns);
    CHECK(rounds_until_short() <= 3, "a short question waits for a block of a long one, no longer");
    check_shares(1);
    check_shares(3);
    CHECK(fl_turn_behind(), "a thread may stand behind others");
    return tap_done();
}
