#include "fairleadd/store_turn.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/time.h"

enum {
    TENANTS = 256,     /* remembered; beyond, the one that used least is forgotten */
    QUANTUM_US = 4000, /* a turn lasts so long at least while another of the tenant waits */
    AHEAD_US = 2000,   /* how much more a tenant may have had before another is due */
    NICE = 13          /* weight 56 of 1,024: two such threads take 10 % from a busy one */
};

struct usage {
    uint32_t tenant;
    int64_t used_us;
};

struct fl_turns {
    pthread_mutex_t mu;
    pthread_cond_t changed;
    unsigned left;           /* turns that nobody has */
    struct fl_turn *waiting; /* in order of arrival */
    struct usage usage[TENANTS];
    size_t tenants;
    int64_t halved_us;
};

int fl_turns_new(unsigned count, struct fl_turns **ret, struct fl_err *err)
{
    struct fl_turns *t = calloc(1, sizeof *t);

    if (t == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for turns");
    if (pthread_mutex_init(&t->mu, NULL) != 0 || pthread_cond_init(&t->changed, NULL) != 0) {
        free(t);
        return fl_err_set(err, FL_E_NOMEM, "no memory for turns");
    }
    t->left = count == 0 ? 1 : count;
    t->halved_us = fl_now_mono_us();
    *ret = t;
    return FL_OK;
}

void fl_turns_free(struct fl_turns *turns)
{
    if (turns == NULL)
        return;
    (void)pthread_cond_destroy(&turns->changed);
    (void)pthread_mutex_destroy(&turns->mu);
    free(turns);
}

static int64_t thread_us(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * FL_US_PER_S + ts.tv_nsec / 1000;
}

/* ---- what tenants have had; mu held ---- */

static void halve(struct fl_turns *t)
{
    int64_t now_us = fl_now_mono_us();

    for (; now_us - t->halved_us >= FL_US_PER_S; t->halved_us += FL_US_PER_S) {
        size_t kept = 0;

        for (size_t i = 0; i < t->tenants; i++) {
            t->usage[i].used_us /= 2;
            if (t->usage[i].used_us > 0)
                t->usage[kept++] = t->usage[i];
        }
        t->tenants = kept;
        if (kept == 0)
            t->halved_us = now_us - FL_US_PER_S; /* nothing more to halve: ends the loop */
    }
}

static int64_t used_by(const struct fl_turns *t, uint32_t tenant)
{
    for (size_t i = 0; i < t->tenants; i++)
        if (t->usage[i].tenant == tenant)
            return t->usage[i].used_us;
    return 0;
}

static void add_usage(struct fl_turns *t, uint32_t tenant, int64_t us)
{
    size_t at = 0, least = 0;

    while (at < t->tenants && t->usage[at].tenant != tenant) {
        least = t->usage[at].used_us < t->usage[least].used_us ? at : least;
        at++;
    }
    if (at == TENANTS)
        at = least;
    else if (at == t->tenants)
        t->tenants++;
    if (t->usage[at].tenant != tenant)
        t->usage[at] = (struct usage){.tenant = tenant};
    t->usage[at].used_us += us;
}

static void count_time(struct fl_turns *t, struct fl_turn *turn)
{
    int64_t now_us = thread_us();

    add_usage(t, turn->tenant, now_us - turn->cpu_us);
    turn->cpu_us = now_us;
    halve(t);
}

/* ---- turns; mu held ---- */

static struct fl_turn *most_due(const struct fl_turns *t)
{
    struct fl_turn *best = NULL;
    int64_t least = INT64_MAX;

    for (struct fl_turn *w = t->waiting; w != NULL; w = w->next) {
        int64_t used = used_by(t, w->tenant);

        if (used < least) {
            least = used;
            best = w;
        }
    }
    return best;
}

static void hand_out(struct fl_turns *t)
{
    while (t->left > 0 && t->waiting != NULL) {
        struct fl_turn *due = most_due(t), **at = &t->waiting;

        while (*at != due)
            at = &(*at)->next;
        *at = due->next;
        due->has = true;
        t->left--;
        pthread_cond_broadcast(&t->changed);
    }
}

static void wait_for(struct fl_turns *t, struct fl_turn *turn)
{
    struct fl_turn **at = &t->waiting;

    while (*at != NULL)
        at = &(*at)->next;
    turn->next = NULL;
    *at = turn;
    hand_out(t);
    while (!turn->has)
        (void)pthread_cond_wait(&t->changed, &t->mu);
    turn->cpu_us = turn->since_us = thread_us();
}

void fl_turn_take(struct fl_turns *turns, struct fl_turn *turn)
{
    if (turn->has)
        return;
    pthread_mutex_lock(&turns->mu);
    halve(turns);
    wait_for(turns, turn);
    pthread_mutex_unlock(&turns->mu);
}

void fl_turn_give(struct fl_turns *turns, struct fl_turn *turn)
{
    if (!turn->has)
        return;
    pthread_mutex_lock(&turns->mu);
    count_time(turns, turn);
    turn->has = false;
    turns->left++;
    hand_out(turns);
    pthread_mutex_unlock(&turns->mu);
}

/* Is another to go first? */
static bool is_over(const struct fl_turns *t, const struct fl_turn *turn)
{
    const struct fl_turn *due = most_due(t);

    if (due == NULL)
        return false;
    if (due->tenant == turn->tenant)
        return turn->cpu_us - turn->since_us >= QUANTUM_US;
    return used_by(t, due->tenant) + AHEAD_US <= used_by(t, turn->tenant);
}

void fl_turn_look(struct fl_turns *turns, struct fl_turn *turn)
{
    if (!turn->has) {
        fl_turn_take(turns, turn);
        return;
    }
    pthread_mutex_lock(&turns->mu);
    count_time(turns, turn);
    if (is_over(turns, turn)) {
        turn->has = false;
        turns->left++;
        hand_out(turns); /* before it waits itself: it is not to win again at once */
        wait_for(turns, turn);
    }
    pthread_mutex_unlock(&turns->mu);
}

bool fl_turn_behind(void)
{
    return setpriority(PRIO_PROCESS, 0, NICE) == 0; /* of a thread, on Linux */
}
