/* Hashing on threads: floods, tries side by side, deadlines; and that names that are not there cost
 * what others cost. */
#include <pthread.h>

#include "io/loop.h"
#include "trust/people.h"
#include "unit/trust/people_scene.h"

static struct scene s;
static struct fl_loop *loop;
static struct fl_people people;
static int64_t mono_us;

static int answered, wanted, dropped;
static struct fl_people_answer last, first;

static int64_t wall(void)
{
    return s.now_us;
}

static int64_t mono(void)
{
    return mono_us;
}

static void on_done(void *ctx, const struct fl_people_answer *answer)
{
    (void)ctx;
    if (answered++ == 0)
        first = *answer;
    last = *answer;
    if (answered == wanted)
        fl_loop_stop(loop);
}

static void on_drop(void *ctx)
{
    (void)ctx;
    dropped++;
}

static const struct fl_people_wait waits = {.done = on_done, .drop = on_drop};

static void begin(unsigned threads, unsigned queue)
{
    scene_new(&s);
    people = (struct fl_people){.accounts = s.acc, .now_us = wall, .mono_us = mono};
    if (fl_loop_new(&loop, &s.err) < 0 || fl_throttle_new(&people.throttle, &s.err) < 0 ||
        fl_pool_new(loop, threads, queue, &people.pool, &s.err) < 0)
        abort();
    answered = dropped = 0;
}

static void stop_loop(void *ctx)
{
    fl_loop_stop(ctx);
}

static void end(void)
{
    fl_pool_free(people.pool);
    if (fl_loop_post(loop, stop_loop, loop) < 0)
        abort();
    fl_loop_run(loop); /* a bell that was rung before the end frees the pool */
    fl_throttle_free(people.throttle);
    fl_loop_free(loop);
    scene_free(&s);
}

static int ask_sign_in(uint32_t user, const char *password, const char *peer)
{
    struct fl_msg_sign_in ask_in = {
        .user = user, .password = fl_span_str(password), .peer = fl_span_str(peer)};

    return fl_people_sign_in(&people, &ask_in, &waits, &s.err);
}

static void run_until(int count)
{
    wanted = count;
    if (answered < count)
        fl_loop_run(loop);
}

/* One, to its end: its code. */
static int sign_in_one(uint32_t user, const char *password)
{
    int r = ask_sign_in(user, password, "192.0.2.1");

    mono_us += FL_THROTTLE_FILL_US;
    if (r == 0) {
        run_until(answered + 1);
        s.last = last.session;
        r = last.code;
    }
    return r;
}

static int change_one(const char *old, const char *fresh)
{
    struct fl_msg_session_password ask_change = {
        .token = fl_span_str(s.last.token), .old = fl_span_str(old), .fresh = fl_span_str(fresh)};
    int r = fl_people_change(&people, &ask_change, &waits, &s.err);

    mono_us += FL_THROTTLE_FILL_US;
    if (r == 0) {
        run_until(answered + 1);
        r = last.code;
    }
    if (r == 0)
        s.last = last.session;
    return r;
}

static void check_life(void)
{
    struct fl_msg_account_reset reset = {.user = 7, .what = FL_RESET_PASSWORD};
    char temporary[FL_TEMPORARY_TEXT_BYTES];

    begin(2, 8);
    if (set_by(&s, LOCAL, 7, 1, 0) < 0 || fl_people_reset(&people, &reset, &waits, &s.err) < 0)
        abort();
    run_until(1);
    memcpy(temporary, last.temporary, sizeof temporary);
    CHECK(last.code == 0 && strlen(temporary) == 23 && last.account.temporary,
          "a reset makes a temporary password");
    CHECK(sign_in_one(7, "wrong") == FL_E_DENIED && last.user == 7 && people.hashed == 1,
          "a wrong one is refused");
    CHECK(sign_in_one(7, temporary) == 0 && s.last.stage == FL_STAGE_PASSWORD,
          "the right one signs in");
    CHECK(change_one("wrong", FIRST) == FL_E_DENIED && change_one(temporary, "x") == FL_E_INVAL &&
              change_one(temporary, temporary) == FL_E_INVAL &&
              strstr(last.err.text, "five before") != NULL,
          "bad changes are refused");
    CHECK(change_one(temporary, FIRST) == 0 && s.last.stage == FL_STAGE_OPEN &&
              sign_in_one(7, FIRST) == 0,
          "a good one is not");
    s.now_us += DAY_US;
    CHECK(sign_in_one(7, FIRST) == 0 && change_one(FIRST, SECOND) == 0, "the next day another");
    s.now_us += DAY_US;
    CHECK(sign_in_one(7, SECOND) == 0 && change_one(SECOND, FIRST) == FL_E_INVAL,
          "and not the one before");
    reset.what = FL_RESET_LOCK;
    CHECK(fl_people_reset(&people, &reset, &waits, &s.err) == 0 && last.code == 0 &&
              last.temporary[0] == '\0',
          "a lock alone is reset at once");
    reset.user = 99;
    CHECK(fl_people_reset(&people, &reset, &waits, &s.err) == FL_E_NOENT, "of who is there");
    end();
}

static void check_parallel(void)
{
    char peer[32];
    int taken = 0;

    begin(4, 32);
    ready(&s, 7, 1, 0);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(peer, sizeof peer, "192.0.2.%d", i + 1);
        taken += ask_sign_in(7, "wrong", peer) == 0;
    }
    run_until(20);
    CHECK(taken == 20 && people.hashed == 5, "twenty tries at once: five against the stored hash");
    CHECK(last.code == FL_E_DENIED && first.code == FL_E_DENIED &&
              strcmp(first.err.text, last.err.text) == 0,
          "all with the same answer");
    CHECK(sign_in_one(7, FIRST) == FL_E_DENIED && strcmp(first.err.text, last.err.text) == 0 &&
              sign_in_one(99, FIRST) == FL_E_DENIED && strcmp(first.err.text, last.err.text) == 0 &&
              people.hashed == 5,
          "locked and unknown get that answer too");
    end();
}

static int writes;

static void count_write(void *ctx, const char *what)
{
    (void)ctx;
    writes += strcmp(what, "committed") == 0;
}

/* What it costs: writes to the disk, and one hash of which size. Not measured in time. */
static void cost_of(uint32_t user, int *ret_writes, struct fl_cost *ret_cost)
{
    struct fl_try try;
    bool locked;

    writes = 0;
    if (fl_accounts_try(s.acc, user, s.now_us, &try, &s.err) < 0 ||
        fl_phc_parse(fl_span_str(try.phc), ret_cost, &s.err) < 0 ||
        fl_password_verify(fl_accounts_pepper(s.acc), FL_SPAN("wrong"), try.phc, &s.err) !=
            FL_E_DENIED ||
        fl_accounts_fail(s.acc, &try, s.now_us, &locked, &s.err) < 0)
        abort();
    *ret_writes = writes;
}

static void check_same_cost(void)
{
    static const uint32_t users[] = {7, 99, 0,
                                     8, 9,  10}; /* there, not, 0, disabled, locked, none */
    struct fl_cost known = {0}, cost = {0};
    struct fl_msg_account_set off = {.user = 8, .tenant = 1, .disabled = 1};
    struct fl_account a;
    int known_writes = 0, n = 0, wrong = 0;

    scene_new(&s);
    ready(&s, 7, 1, 0);
    ready(&s, 8, 1, 0);
    ready(&s, 9, 1, 0);
    (void)!set_by(&s, LOCAL, 10, 1, 0);
    if (fl_accounts_set(s.acc, LOCAL, &off, s.now_us, &a, &s.err) < 0)
        abort();
    for (int i = 0; i < 5; i++)
        (void)sign_in(&s, 9, "wrong");
    s.step = count_write;
    scene_again(&s);
    cost_of(7, &known_writes, &known);
    for (size_t i = 0; i < FL_LEN(users); i++) {
        cost_of(users[i], &n, &cost);
        wrong += n != known_writes || cost.kib != known.kib || cost.passes != known.passes;
    }
    CHECK(known_writes == 2 && known.kib == CHEAP.kib, "a failure costs two writes and one hash");
    CHECK(wrong == 0, "of an account that is not there, locked, disabled, without password, too");
    scene_free(&s);
}

/* Holds the pool's only thread until it is let go. */
struct plug {
    struct fl_pool_job job;
    pthread_mutex_t mu;
};

static void plug_work(struct fl_pool_job *job)
{
    struct plug *plug = (struct plug *)job;

    pthread_mutex_lock(&plug->mu);
    pthread_mutex_unlock(&plug->mu);
}

static void plug_done(struct fl_pool_job *job)
{
    (void)job;
}

static void check_flood(void)
{
    struct plug plug = {.job = {.work = plug_work, .done = plug_done, .drop = plug_done},
                        .mu = PTHREAD_MUTEX_INITIALIZER};
    struct fl_session now;
    char token[FL_TOKEN_TEXT_MAX], peer[32];
    int taken = 0, alive = 0;

    begin(1, 8);
    ready(&s, 7, 1, 0);
    memcpy(token, s.last.token, sizeof token);
    plug.job.not_after_us = INT64_MAX;
    pthread_mutex_lock(&plug.mu);
    if (fl_pool_submit(people.pool, &plug.job, &s.err) < 0)
        abort();
    for (int i = 0; i < 500; i++) {
        (void)snprintf(peer, sizeof peer, "10.0.%d.%d", i / 200, i % 200);
        taken += ask_sign_in(99, "wrong", peer) == 0;
        alive += ask(&s, token, true, &now) == 0;
    }
    CHECK((taken == 7 || taken == 8) && ask_sign_in(99, "wrong", "10.1.1.1") == FL_E_AGAIN &&
              strstr(s.err.text, "try again") != NULL,
          "of a flood as many are taken as there is room for");
    CHECK(alive == 500, "who is signed in goes on meanwhile");
    pthread_mutex_unlock(&plug.mu);
    run_until(taken);
    CHECK(answered == taken && ask_sign_in(7, FIRST, "192.0.2.9") == 0, "then there is room again");
    run_until(taken + 1);
    CHECK(last.code == 0, "and the right password signs in");
    end();
}

static void check_throttle(void)
{
    struct fl_throttle *t = NULL;
    int taken = 0;

    if (fl_throttle_new(&t, &s.err) < 0)
        abort();
    for (int i = 0; i < 100; i++)
        taken += fl_throttle_take(t, FL_SPAN("192.0.2.1"), 5);
    CHECK(taken == (int)FL_THROTTLE_BURST, "twenty at once from an address");
    CHECK(fl_throttle_take(t, FL_SPAN("192.0.2.2"), 5), "others are free");
    CHECK(!fl_throttle_take(t, FL_SPAN("192.0.2.1"), FL_THROTTLE_FILL_US - 1) &&
              fl_throttle_take(t, FL_SPAN("192.0.2.1"), FL_THROTTLE_FILL_US + 5) &&
              !fl_throttle_take(t, FL_SPAN("192.0.2.1"), FL_THROTTLE_FILL_US + 6),
          "then one every three seconds");
    taken = 0;
    for (int i = 0; i < 40; i++) {
        char peer[48];

        (void)snprintf(peer, sizeof peer, "2001:db8:1:2::%x", i + 1);
        taken += fl_throttle_take(t, fl_span_str(peer), 5);
    }
    CHECK(taken == (int)FL_THROTTLE_BURST, "a /64 is one source");
    CHECK(fl_throttle_take(t, FL_SPAN("2001:db8:1:3::1"), 5) && fl_throttle_take(t, FL_SPAN(""), 5),
          "another is another, and no address is one too");
    taken = 0;
    for (int i = 0; i < 100; i++)
        taken += fl_throttle_take(t, FL_SPAN("192.0.2.1"), INT64_C(1000) * FL_THROTTLE_FILL_US);
    CHECK(taken == (int)FL_THROTTLE_BURST, "a rest fills it, to the brim and no further");
    fl_throttle_free(t);
    begin(1, 100);
    for (unsigned i = 0; i < FL_THROTTLE_BURST; i++)
        (void)!ask_sign_in(99, "x", "192.0.2.1");
    CHECK(ask_sign_in(7, FIRST, "192.0.2.1") == FL_E_AGAIN && strstr(s.err.text, "3 seconds"),
          "who tries too often is told to wait, before anything is counted or hashed");
    run_until((int)FL_THROTTLE_BURST);
    end();
}

struct slow {
    struct fl_pool_job job;
    bool worked, done;
};

static void slow_work(struct fl_pool_job *job)
{
    ((struct slow *)job)->worked = true;
}

static void slow_done(struct fl_pool_job *job)
{
    ((struct slow *)job)->done = true;
    fl_loop_stop(loop);
}

static void slow_drop(struct fl_pool_job *job)
{
    (void)job;
    dropped++;
}

static void check_deadline(void)
{
    struct slow late = {.job = {.work = slow_work, .done = slow_done, .drop = slow_drop}};

    begin(1, 8);
    late.job.not_after_us = fl_now_mono_us() - 1;
    if (fl_pool_submit(people.pool, &late.job, &s.err) < 0)
        abort();
    fl_loop_run(loop);
    CHECK(late.done && !late.worked && !late.job.ran, "what waited too long is not begun");
    end();
}

static void check_end(void)
{
    int taken = 0;

    begin(1, 8);
    for (int i = 0; i < 8; i++)
        taken += ask_sign_in(99, "x", "") == 0;
    fl_pool_free(people.pool); /* the loop never ran */
    people.pool = NULL;
    CHECK(dropped == taken && answered == 0, "the end of the pool drops what nobody heard of");
    end();
}

static void check_raised(void)
{
    const struct fl_cost dearer = {16, 1};
    struct fl_accounts_config config = {.path = s.path, .cost = dearer};
    struct fl_cost cost = {0};
    struct fl_try try;

    begin(1, 8);
    ready(&s, 7, 1, 0);
    fl_accounts_free(s.acc);
    config.path = s.path;
    config.secrets = s.secrets;
    if (fl_accounts_open(&config, s.now_us, &s.acc, &s.err) < 0)
        abort();
    people.accounts = s.acc;
    CHECK(sign_in_one(7, FIRST) == 0 && fl_accounts_try(s.acc, 7, s.now_us, &try, &s.err) == 0 &&
              fl_phc_parse(fl_span_str(try.phc), &cost, &s.err) == 0 && cost.kib == 16,
          "a cost that was raised is taken up at the next sign-in");
    CHECK(sign_in_one(7, FIRST) == 0, "with the same password");
    end();
}

/* The session ends while its new password is hashed. */
static void check_gone_meanwhile(void)
{
    struct fl_msg_session_password ask_change;
    uint32_t user;

    begin(1, 8);
    ready(&s, 7, 1, 0);
    s.now_us += DAY_US;
    if (sign_in_one(7, FIRST) < 0)
        abort();
    ask_change = (struct fl_msg_session_password){
        .token = fl_span_str(s.last.token), .old = FL_SPAN(FIRST), .fresh = FL_SPAN(SECOND)};
    if (fl_people_change(&people, &ask_change, &waits, &s.err) < 0 ||
        fl_accounts_end(s.acc, LOCAL, 7, 0, s.now_us, &user, &s.err) < 0)
        abort();
    run_until(answered + 1);
    CHECK(last.code == FL_E_NOENT && sign_in_one(7, FIRST) == 0, "then nothing is changed");
    end();
}

int main(void)
{
    if (sodium_init() < 0)
        abort();
    mono_us = 1;
    check_life();
    check_parallel();
    check_same_cost();
    check_flood();
    check_throttle();
    check_deadline();
    check_end();
    check_raised();
    check_gone_meanwhile();
    return tap_done();
}
