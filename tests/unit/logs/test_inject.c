/* A call fails: the first, the second, every one of a life once; and lives in which many do.
 * Nothing crashes, the error says where, what was committed is there once, and the life goes on to
 * the same end. */
#include <errno.h>

#include "store_life.h"
#include "tap.h"

#if defined(__SANITIZE_THREAD__)
enum { STRIDE = 211, STORMS = 4, STRIDE_OF_READS = 23, STRIDE_OF_KEYS = 7 };
#elif defined(__SANITIZE_ADDRESS__)
enum { STRIDE = 17, STORMS = 40, STRIDE_OF_READS = 1, STRIDE_OF_KEYS = 1 };
#else
enum { STRIDE = 5, STORMS = 200, STRIDE_OF_READS = 1, STRIDE_OF_KEYS = 1 };
#endif
enum { TRIES = 60, FOUND_MAX = 5 };

enum how { ONCE_EIO, ONCE_NOSPACE, HALF, UNTIL_SEEN, STORM, KEY_BEFORE, KEY_AFTER, HOWS, READING };
static const char *const how_names[HOWS] = {
    "a call fails with EIO",        "a call fails with ENOSPC or EMFILE",
    "a read or a write does half",  "a call and all after it fail until a step did",
    "calls fail here and there",    "the keys are away once",
    "an answer of the keys is lost"};

static struct {
    enum how how;
    uint64_t at, no, key_no; /* the call that fails; calls so far */
    bool failing;
    uint64_t fired;
    struct rnd rnd;
    struct powerfs_call last;
    char last_name[200];
} inj;

static int error_of(const struct powerfs_call *call)
{
    if (inj.how != ONCE_NOSPACE)
        return -EIO;
    return call->op == POWERFS_OPEN || call->op == POWERFS_LIST        ? -EMFILE
           : call->op < POWERFS_CREATE || call->op == POWERFS_SYNC_DIR ? -EIO
                                                                       : -ENOSPC;
}

static bool fires(void)
{
    switch (inj.how) {
    case ONCE_EIO:
    case ONCE_NOSPACE:
    case HALF:
    case READING:
        return inj.no == inj.at;
    case UNTIL_SEEN:
        inj.failing = inj.failing || inj.no == inj.at;
        return inj.failing;
    case STORM:
        return rnd_below(&inj.rnd, 200) == 0;
    case KEY_BEFORE:
    case KEY_AFTER:
    case HOWS:
        break;
    }
    return false;
}

static int before(void *ctx, struct powerfs *fs, const struct powerfs_call *call)
{
    bool data = call->op == POWERFS_READ || call->op == POWERFS_WRITE;

    (void)ctx, (void)fs;
    if (life_looks && inj.how != READING)
        return POWERFS_DO;
    inj.no++;
    if (!fires() || (inj.how == HALF && (!data || call->len < 2)))
        return POWERFS_DO;
    inj.fired++;
    (void)snprintf(inj.last_name, sizeof inj.last_name, "call %llu: %d %.60s/%.60s",
                   (unsigned long long)inj.no, (int)call->op, call->folder, call->name);
    if (inj.how == HALF || (inj.how == STORM && data && rnd_below(&inj.rnd, 4) == 0))
        return POWERFS_HALF;
    return error_of(call);
}

static int key_fault(void)
{
    if (life_looks)
        return 0;
    inj.key_no++;
    if (inj.how == STORM && rnd_below(&inj.rnd, 50) == 0)
        return 1 + (int)rnd_below(&inj.rnd, 2);
    if ((inj.how != KEY_BEFORE && inj.how != KEY_AFTER) || inj.key_no != inj.at)
        return 0;
    inj.fired++;
    (void)snprintf(inj.last_name, sizeof inj.last_name, "key call %llu",
                   (unsigned long long)inj.key_no);
    return inj.how == KEY_BEFORE ? 1 : 2;
}

/* ---- one life ---- */

static const char *checked(struct life *l, bool final)
{
    return l->wrong[0] != '\0' ? l->wrong : life_check(l, final);
}

/* A machine that loses its power now finds everything, too. */
static const char *with_power_lost(const struct life *l, enum powerfs_left left, bool final)
{
    static char text[256];
    struct life dark;
    struct fl_err err = {.text = ""};
    int64_t clock_us = life_clock_us;
    const char *wrong;

    life_looks = true;
    life_branch(l, powerfs_crash(l->fs, left, inj.no), &dark);
    wrong = life_open(&dark, &err) < 0 ? err.text : life_check(&dark, final);
    if (wrong != NULL)
        (void)snprintf(text, sizeof text, "without power: %.200s", wrong);
    life_abandon(&dark);
    life_clock_us = clock_us;
    life_looks = false;
    return wrong == NULL ? NULL : text;
}

/* After an error: is all well as far as it goes? And now and then the process is restarted on it.
 */
static const char *after_error(struct life *l, int code, const struct fl_err *err, uint64_t times)
{
    const char *wrong = NULL;

    inj.failing = false;
    if (code != FL_E_IO && code != FL_E_AGAIN && code != FL_E_NOMEM && code != FL_E_CORRUPT)
        return l->wrong[0] != '\0' ? l->wrong : err->text;
    if (strlen(err->text) < 8)
        return "an error without a text";
    if (l->store != NULL)
        wrong = checked(l, false);
    if (wrong == NULL && times == 0)
        wrong =
            with_power_lost(l, inj.no % 2 == 0 ? POWERFS_LEFT_NOTHING : POWERFS_LEFT_SOME, false);
    if (wrong == NULL && (code == FL_E_NOMEM || inj.no % 3 == 0))
        life_kill(l);
    return wrong;
}

static const char *live(struct life *l, struct fl_err *err, uint64_t *ret_errors)
{
    const char *wrong = NULL;
    unsigned tries = 0;
    int r;

    *ret_errors = 0;
    while (wrong == NULL && l->at < l->script->steps) {
        r = life_step(l, err);
        if (r < 0) {
            wrong = after_error(l, r, err, (*ret_errors)++);
            if (wrong == NULL && ++tries > TRIES)
                wrong = "a step does not succeed any more";
        } else {
            tries = 0;
            if (l->script->step[l->at - 1].what == LIFE_TICK)
                wrong = checked(l, false);
        }
    }
    if (wrong == NULL && l->store == NULL) {
        life_looks = true;
        wrong = life_open(l, err) < 0 ? err->text : NULL;
        life_looks = false;
    }
    if (wrong == NULL)
        wrong = checked(l, true);
    if (wrong == NULL)
        wrong = with_power_lost(l, POWERFS_LEFT_NOTHING, true);
    return wrong;
}

static const char *one_life(const struct life_script *script, enum how how, uint64_t at,
                            uint64_t *ret_errors)
{
    static char text[480];
    struct life l;
    struct fl_err err = {.text = ""};
    const char *wrong;

    memset(&inj, 0, sizeof inj);
    inj.how = how;
    inj.at = at;
    inj.rnd.s = at;
    life_begin(&l, script, powerfs_new(), life_keys_new());
    powerfs_hook(l.fs, before, NULL);
    life_key_fault = key_fault;
    wrong = live(&l, &err, ret_errors);
    if (wrong == NULL && how == HALF && *ret_errors > 0)
        wrong = err.text;
    if (wrong != NULL)
        (void)snprintf(text, sizeof text, "step %u, last %s: %.200s", (unsigned)l.at, inj.last_name,
                       wrong);
    life_looks = true;
    fl_store_close(l.store);
    l.store = NULL;
    if (wrong == NULL && powerfs_open_count(l.fs) != 0) {
        (void)snprintf(text, sizeof text, "%u descriptors stay open", powerfs_open_count(l.fs));
        wrong = text;
    }
    life_key_fault = NULL;
    life_abandon(&l);
    life_looks = false;
    return wrong == NULL ? NULL : text;
}

/* A query that cannot read says so; it never gives fewer rows in silence, and the next one is
 * whole. */
static const char *failing_queries(const struct life_script *script, uint64_t *ret_calls)
{
    static char text[300];
    struct life l;
    struct fl_err err = {.text = ""};
    const char *wrong = NULL;
    uint64_t end = UINT64_MAX, n;

    memset(&inj, 0, sizeof inj);
    inj.how = HOWS;
    life_begin(&l, script, powerfs_new(), life_keys_new());
    powerfs_hook(l.fs, before, NULL);
    for (int r = life_open(&l, &err); l.at < script->steps;) {
        if (r >= 0)
            r = life_step(&l, &err);
        if (r < 0)
            abort();
    }
    inj.how = READING;
    for (n = 0; n <= end && wrong == NULL; n += n == 0 ? 1 : STRIDE_OF_READS) {
        inj.no = 0;
        inj.at = n;
        wrong = life_check(&l, true);
        if (n == 0 && wrong == NULL)
            end = inj.no;
        if (n > 0 && wrong != NULL && strstr(wrong, "Input/output error") != NULL)
            wrong = NULL;
        inj.at = 0;
        if (wrong == NULL)
            wrong = life_check(&l, true);
    }
    if (wrong != NULL)
        (void)snprintf(text, sizeof text, "read %llu: %.200s", (unsigned long long)n, wrong);
    *ret_calls = end;
    inj.how = HOWS;
    life_end(&l);
    return wrong == NULL ? NULL : text;
}

int main(int argc, char **argv)
{
    static struct life_script script;
    uint64_t stride = argc > 1 ? strtoull(argv[1], NULL, 0) : STRIDE, calls, keys;
    uint64_t storms = argc > 2 ? strtoull(argv[2], NULL, 0) : STORMS, errors;
    const char *wrong;

    life_write(&script, false);
    CHECK(one_life(&script, HOWS, 0, &errors) == NULL && errors == 0, "a life without a fault");
    calls = inj.no;
    keys = inj.key_no;
    printf("# a life has %llu calls of files and %llu of keys; each %llu. is tried\n",
           (unsigned long long)calls, (unsigned long long)keys, (unsigned long long)stride);
    for (int how = 0; how < HOWS; how++) {
        bool of_keys = how == KEY_BEFORE || how == KEY_AFTER;
        uint64_t end = how == STORM ? storms
                       : of_keys    ? keys
                                    : calls,
                 lives = 0, fired = 0, all = 0;
        unsigned found = 0;

        for (uint64_t n = 1; n <= end; n += how == STORM ? 1 : of_keys ? STRIDE_OF_KEYS : stride) {
            wrong = one_life(&script, (enum how)how, n, &errors);
            lives++;
            fired += inj.fired;
            all += errors;
            if (wrong != NULL && found++ < FOUND_MAX)
                printf("# %s, %llu: %s\n", how_names[how], (unsigned long long)n, wrong);
        }
        printf("# %s: %llu lives, %llu faults, %llu steps said so\n", how_names[how],
               (unsigned long long)lives, (unsigned long long)fired, (unsigned long long)all);
        CHECK(found == 0 && fired > 0, how_names[how]);
    }
    wrong = failing_queries(&script, &calls);
    printf("# %llu reads of queries%s%s\n", (unsigned long long)calls, wrong == NULL ? "" : ": ",
           wrong == NULL ? "" : wrong);
    CHECK(wrong == NULL, "a query that cannot read says so");
    return tap_done();
}
