/* The power goes at every write, sync, rename and unlink of a life, and of the recoveries after it:
 * what was committed is there once, what was destroyed stays away. And each sync is needed: with
 * any kind of them taken out the same run finds a loss. */
#include <errno.h>

#include "store_life.h"
#include "tap.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { FULL = false }; /* a shorter life, and all syncs: these are for the store's own mistakes */
#else
enum { FULL = true };
#endif
enum { SEEDS = 2, KINDS_MAX = 32, FOUND_MAX = 5 };

struct kind { /* of syncs: "sync .wal", "sync_dir day" */
    char name[96];
};

struct cutter {
    struct life *life;
    const char *lie;        /* this kind of sync is ignored */
    uint64_t lie_at, syncs; /* or only this one, counted from 1 */
    char lied[200];
    char last[48]; /* change of a name */
    bool stop_at_first, quick;
    uint64_t seed, cuts, disks, again, resumed, killed, found;
    struct kind kinds[KINDS_MAX];
    size_t kind_count;
    uint64_t by_op[POWERFS_OPS];
};

static uint64_t mix(uint64_t *s)
{
    struct rnd r = {*s};
    uint64_t v = rnd_next(&r);

    *s = r.s;
    return v;
}

/* ---- kinds of syncs ---- */

/* "day", "tenant", "_wal", "sessions", ".seg", ".gone" and so on. */
static const char *class_of(const char *name)
{
    const char *dot = strchr(name, '.');

    if (name[0] == '\0')
        return "store";
    if (strcmp(name, "_wal") == 0 || strcmp(name, "sessions") == 0)
        return name;
    if (dot != NULL) {
        const char *last = strrchr(name, '.');

        return strcmp(last, ".gone") == 0 ? last : dot;
    }
    return name[0] == '2' ? "day" : "tenant";
}

static const char sync_all[] = "sync of everything at the start";

/* A sync of a file by its kind; of a folder by what was changed in it last. */
static void kind_of(struct cutter *c, const struct powerfs_call *call, char ret[96])
{
    static const char *const did[POWERFS_OPS] = {[POWERFS_CREATE] = "making",
                                                 [POWERFS_MKDIR] = "making",
                                                 [POWERFS_RENAME] = "renaming to",
                                                 [POWERFS_UNLINK] = "unlinking"};

    ret[0] = '\0';
    if (call->op == POWERFS_SYNC)
        (void)snprintf(ret, 96, "sync of %.40s", class_of(call->name));
    else if (call->op == POWERFS_SYNC_ALL)
        (void)snprintf(ret, 96, "%s", sync_all);
    else if (call->op == POWERFS_SYNC_DIR)
        (void)snprintf(ret, 96, "sync_dir of %.20s after %s", class_of(call->name), c->last);
    else if (did[call->op] != NULL)
        (void)snprintf(c->last, sizeof c->last, "%s %.20s", did[call->op], class_of(call->name));
}

static void note_kind(struct cutter *c, const char *name)
{
    size_t i = 0;

    while (i < c->kind_count && strcmp(c->kinds[i].name, name) != 0)
        i++;
    if (i == KINDS_MAX)
        abort();
    if (i == c->kind_count) {
        (void)snprintf(c->kinds[i].name, sizeof c->kinds[i].name, "%s", name);
        c->kind_count++;
    }
}

/* ---- one disk ---- */

static void report(struct cutter *c, const struct powerfs_call *call, enum powerfs_left left,
                   const char *where, const char *what)
{
    if (c->found++ < FOUND_MAX && !c->stop_at_first)
        printf("# step %u, call %llu (%d %s/%s), left %d: %s: %s\n", (unsigned)c->life->at,
               (unsigned long long)call->no, (int)call->op, call->folder, call->name, (int)left,
               where, what);
}

struct countdown {
    uint64_t left;
};

static int die(void *ctx, struct powerfs *fs, const struct powerfs_call *call)
{
    struct countdown *n = ctx;

    if (call->op < POWERFS_CREATE || n->left-- > 0)
        return POWERFS_DO;
    powerfs_dead(fs, true);
    return -EIO;
}

/* The life goes on from where it was, to its end. */
static const char *live_on(struct life *l, struct fl_err *err)
{
    const char *wrong = NULL;
    int r = life_resend(l, err);

    while (r >= 0 && l->at < l->script->steps)
        r = life_step(l, err);
    if (r < 0)
        return err->text;
    wrong = life_check(l, true);
    if (wrong == NULL) {
        life_kill(l);
        wrong = life_open(l, err) < 0 ? err->text : life_check(l, true);
    }
    return wrong;
}

/* Recovery itself is cut, some writes in; what that leaves is the next disk. */
static const char *cut_recovery(struct cutter *c, struct life *l, struct fl_err *err)
{
    struct countdown n = {mix(&c->seed) % 24};
    struct powerfs *next;
    const char *wrong = NULL;

    powerfs_hook(l->fs, die, &n);
    if (life_open(l, err) >= 0)
        wrong = life_check(l, false); /* it may serve before all its writing is done */
    life_kill(l);
    next = powerfs_crash(l->fs, (enum powerfs_left)(mix(&c->seed) % POWERFS_LEFT_KINDS),
                         mix(&c->seed));
    powerfs_free(l->fs);
    l->fs = next;
    c->again++;
    return wrong;
}

static void one_disk(struct cutter *c, const struct powerfs_call *call, enum powerfs_left left)
{
    struct life l;
    int64_t clock_us = life_clock_us;
    struct fl_err err = {.text = ""};
    const char *wrong = NULL, *where = "cut recovery";

    life_branch(c->life, powerfs_crash(c->life->fs, left, mix(&c->seed)), &l);
    c->disks++;
    for (uint64_t again = mix(&c->seed) % 3; again > 1 && wrong == NULL && !c->quick; again--)
        wrong = cut_recovery(c, &l, &err);
    if (wrong == NULL) {
        where = "recovered";
        wrong = life_open(&l, &err) < 0 ? err.text : life_check(&l, false);
    }
    if (wrong == NULL && !c->quick && c->disks % 16 == 5) {
        where = "lived on";
        c->resumed++;
        wrong = live_on(&l, &err);
    }
    if (wrong != NULL)
        report(c, call, left, where, wrong);
    life_abandon(&l);
    life_clock_us = clock_us;
}

/* Some steps more, until the next commit is done. */
static const char *some_steps(struct life *l, struct fl_err *err)
{
    bool durable = false;
    int r = life_resend(l, err);

    for (int i = 0; r >= 0 && l->at < l->script->steps && !(durable && i >= 4); i++) {
        durable = l->script->step[l->at].what == LIFE_COMMIT;
        r = life_step(l, err);
    }
    return r < 0 ? err->text : NULL;
}

static int lie_at_start(void *ctx, struct powerfs *fs, const struct powerfs_call *call)
{
    (void)ctx, (void)fs;
    return call->op == POWERFS_SYNC_ALL ? POWERFS_LIE : POWERFS_DO;
}

/* The process is killed; the next one may find a full disk, and serves; then the power goes. What
 * it showed is there. */
static void killed_first(struct cutter *c, const struct powerfs_call *call, bool full_disk,
                         enum powerfs_left left)
{
    struct life l;
    int64_t clock_us = life_clock_us;
    struct fl_err err = {.text = ""};
    struct powerfs *next;
    struct countdown n = {mix(&c->seed) % 6};
    const char *wrong = NULL;

    life_branch(c->life, powerfs_copy(c->life->fs), &l);
    c->killed++;
    if (full_disk)
        powerfs_hook(l.fs, die, &n);
    else if (c->lie == sync_all)
        powerfs_hook(l.fs, lie_at_start, NULL);
    if (life_open(&l, &err) >= 0)
        wrong = life_check(&l, false);
    else if (!full_disk)
        wrong = err.text;
    if (wrong == NULL && !full_disk && c->killed % 3 == 0)
        wrong = some_steps(&l, &err);
    if (wrong != NULL)
        report(c, call, left, "killed", wrong);
    life_kill(&l);
    next = powerfs_crash(l.fs, left, mix(&c->seed));
    powerfs_free(l.fs);
    l.fs = next;
    if (wrong == NULL) {
        wrong = life_open(&l, &err) < 0 ? err.text : life_check(&l, false);
        if (wrong != NULL)
            report(c, call, left, full_disk ? "killed, full disk, power" : "killed, power", wrong);
    }
    life_abandon(&l);
    life_clock_us = clock_us;
}

static int at_call(void *ctx, struct powerfs *fs, const struct powerfs_call *call)
{
    struct cutter *c = ctx;
    char kind[96];

    (void)fs;
    kind_of(c, call, kind);
    if (kind[0] != '\0')
        note_kind(c, kind);
    if (call->op >= POWERFS_CREATE && !(c->stop_at_first && c->found > 0)) {
        c->cuts++;
        c->by_op[call->op]++;
        for (int left = 0; left < POWERFS_LEFT_KINDS; left++)
            if (!c->quick || left == POWERFS_LEFT_NOTHING || left == POWERFS_LEFT_SOME)
                one_disk(c, call, (enum powerfs_left)left);
        for (int i = 1; i < (c->quick ? call->op == POWERFS_SYNC_DIR ? 6 : 1 : SEEDS); i++)
            one_disk(c, call, POWERFS_LEFT_SOME);
        for (int i = 0; i < 6 && (!c->quick || c->lie == sync_all); i++)
            killed_first(c, call, i == 0, i == 1 ? POWERFS_LEFT_NOTHING : POWERFS_LEFT_SOME);
    }
    c->syncs += kind[0] != '\0';
    if (kind[0] != '\0' && c->syncs == c->lie_at) {
        (void)snprintf(c->lied, sizeof c->lied, "step %u (%d), %s, %.60s/%.60s",
                       (unsigned)c->life->at, (int)c->life->script->step[c->life->at].what, kind,
                       call->folder, call->name);
        return POWERFS_LIE;
    }
    return c->lie != NULL && strcmp(c->lie, kind) == 0 ? POWERFS_LIE : POWERFS_DO;
}

/* ---- a whole life ---- */

static void run(struct cutter *c, const struct life_script *script)
{
    struct life l;
    struct fl_err err = {.text = ""};
    const char *wrong = NULL;
    int r;

    life_begin(&l, script, powerfs_new(), life_keys_new());
    c->life = &l;
    powerfs_hook(l.fs, at_call, c);
    r = life_open(&l, &err);
    while (r >= 0 && l.at < script->steps) {
        r = life_step(&l, &err);
        if (r >= 0)
            wrong = life_check(&l, false);
        if (wrong != NULL)
            r = fl_err_set(&err, FL_E_INVAL, "%s", wrong);
    }
    if (r >= 0 && life_check(&l, true) != NULL)
        r = fl_err_set(&err, FL_E_INVAL, "at the end: %s", life_check(&l, true));
    if (r < 0) {
        printf("# step %u of the life itself: %s\n", (unsigned)l.at, err.text);
        c->found++;
    }
    powerfs_hook(l.fs, NULL, NULL);
    life_end(&l);
}

/* Kinds of syncs without which no row is lost or comes back; NULL: it must be missed. */
static const char *why_not_missed(const char *kind)
{
    static const char *const table[][2] = {
        {"sync_dir of day after renaming to .swap",
         "either the old segments or the new one count, and the ledger has the erasure done again"},
        {"sync_dir of sessions after unlinking .base", "its key is gone before"},
    };

    for (size_t i = 0; i < FL_LEN(table); i++)
        if (strcmp(table[i][0], kind) == 0)
            return table[i][1];
    return NULL;
}

int main(int argc, char **argv)
{
    static struct life_script script;
    static struct cutter c, lying;

    c.seed = lying.seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 20251122;
    printf("# seed %llu\n", (unsigned long long)c.seed);
    life_write(&script, FULL);
    run(&c, &script);
    printf(
        "# %llu cuts: %llu create, %llu write, %llu sync, %llu sync_dir, %llu mkdir, %llu rename, "
        "%llu unlink; %llu disks, %llu recoveries cut, %llu lived on, %llu killed "
        "before\n",
        (unsigned long long)c.cuts, (unsigned long long)c.by_op[POWERFS_CREATE],
        (unsigned long long)c.by_op[POWERFS_WRITE], (unsigned long long)c.by_op[POWERFS_SYNC],
        (unsigned long long)c.by_op[POWERFS_SYNC_DIR], (unsigned long long)c.by_op[POWERFS_MKDIR],
        (unsigned long long)c.by_op[POWERFS_RENAME], (unsigned long long)c.by_op[POWERFS_UNLINK],
        (unsigned long long)c.disks, (unsigned long long)c.again, (unsigned long long)c.resumed,
        (unsigned long long)c.killed);
    CHECK(c.found == 0, "wherever the power goes: committed rows once, destroyed ones never");
    for (uint64_t k = 1; argc > 2 && strcmp(argv[2], "each") == 0 && k <= c.syncs; k++) {
        lying = (struct cutter){.seed = c.seed, .lie_at = k, .stop_at_first = true, .quick = true};
        run(&lying, &script);
        if (lying.found == 0)
            printf("# sync %llu is not missed: %s\n", (unsigned long long)k, lying.lied);
    }
    for (size_t i = 0; FULL && i < c.kind_count; i++) {
        char name[200];

        if (why_not_missed(c.kinds[i].name) != NULL) {
            printf("# '%s' is not missed: %s\n", c.kinds[i].name, why_not_missed(c.kinds[i].name));
            continue;
        }
        lying = (struct cutter){
            .seed = c.seed, .lie = c.kinds[i].name, .stop_at_first = true, .quick = true};
        if (strcmp(lying.lie, sync_all) == 0)
            lying.lie = sync_all;
        run(&lying, &script);
        (void)snprintf(name, sizeof name, "without '%s' a loss is found", c.kinds[i].name);
        CHECK(lying.found > 0, name);
    }
    return tap_done();
}
