/*
 * A store's folder whose files were damaged: bytes flipped, files cut or taken away. It opens, what
 * shows is right and shows once, and the store goes on.
 *
 * Input: which moment of a life, then changes of six bytes: what, which file, where (u24), with.
 */
#include <stdint.h>
#include <stdlib.h>

#include "store_life.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MOMENTS = 4, CHANGES_MAX = 24, PATHS_MAX = 128 };

static struct life moments[MOMENTS];

static void live(void)
{
    static const uint32_t at[MOMENTS] = {8, 20, 45, UINT32_MAX};
    static struct life_script script;
    struct fl_err err;
    struct life l;
    size_t next = 0;

    life_write(&script, false);
    life_begin(&l, &script, powerfs_new(), life_keys_new());
    if (life_open(&l, &err) < 0)
        abort();
    for (;;) {
        bool over = l.at == script.steps;

        while (next < MOMENTS && (l.at >= at[next] || over)) {
            life_branch(&l, powerfs_copy(l.fs), &moments[next]);
            moments[next++].damaged = true;
        }
        if (over)
            break;
        if (life_step(&l, &err) < 0)
            abort();
    }
    life_end(&l);
}

struct paths {
    char path[PATHS_MAX][128];
    uint64_t bytes[PATHS_MAX];
    size_t count;
};

static void note(void *ctx, const char *path, uint64_t bytes)
{
    struct paths *p = ctx;

    if (p->count == PATHS_MAX || strlen(path) >= sizeof p->path[0])
        return;
    memcpy(p->path[p->count], path, strlen(path) + 1);
    p->bytes[p->count++] = bytes;
}

static void change(struct powerfs *fs, const struct paths *p, const uint8_t *c)
{
    size_t file = c[1] % p->count;
    uint64_t at = ((uint64_t)c[2] << 16 | (uint64_t)c[3] << 8 | c[4]) % (p->bytes[file] + 1);
    const char *path = p->path[file];

    if (c[0] % 8 == 7)
        (void)powerfs_remove(fs, path);
    else if (c[0] % 8 == 6)
        (void)powerfs_cut(fs, path, at);
    else if (c[0] % 8 == 5) /* the end: where trailers and groups are */
        (void)powerfs_damage(fs, path, p->bytes[file] - at % 64 - 1, c[5]);
    else if (c[0] % 8 == 4) /* the beginning */
        (void)powerfs_damage(fs, path, at % 128, c[5]);
    else
        (void)powerfs_damage(fs, path, at, c[5]);
}

static void check(struct life *l)
{
    const char *wrong = life_check(l, false);

    if (wrong != NULL) {
        (void)fprintf(stderr, "%s\n", wrong);
        abort();
    }
}

/* Everything is tried, and what shows stays right. */
static void go_on(struct life *l)
{
    int r;

    check(l);
    r = fl_store_tick(l->store, NULL);
    life_clock_us += 400 * FL_US_PER_S;
    if (r >= 0)
        r = fl_store_tick(l->store, NULL);
    (void)r;
    check(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct paths paths = {.count = 0};
    struct fl_err err = {.text = ""};
    struct life l;
    int r;

    if (moments[0].fs == NULL)
        live();
    if (n < 1)
        return 0;
    life_branch(&moments[data[0] % MOMENTS], powerfs_copy(moments[data[0] % MOMENTS].fs), &l);
    life_clock_us = l.script->step[l.at < l.script->steps ? l.at : l.script->steps - 1].now_us;
    powerfs_each(l.fs, note, &paths);
    for (size_t at = 1, i = 0; at + 6 <= n && i < CHANGES_MAX; at += 6, i++)
        change(l.fs, &paths, data + at);
    r = life_open(&l, &err);
    if (r < 0 && r != FL_E_INVAL) { /* only a version that is not known stops it */
        (void)fprintf(stderr, "%d %s\n", r, err.text);
        abort();
    }
    if (r >= 0) {
        go_on(&l);
        life_kill(&l);
        if (life_open(&l, &err) < 0)
            abort();
        check(&l);
    }
    life_abandon(&l);
    return 0;
}
