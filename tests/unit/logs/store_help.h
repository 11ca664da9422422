/* store_help.h - what the tests of the store share: keys in memory that truly forget, rows from a
 * seed, a folder of their own. */
#ifndef FL_TESTS_STORE_HELP_H
#define FL_TESTS_STORE_HELP_H

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "codec/event.h"
#include "trust/keyring.h"

/* ---- keys ---- */

struct memkey {
    uint32_t tenant;
    int32_t day;
    unsigned char id[16], key[32];
};

struct memkeys {
    struct fl_keyring base;
    pthread_mutex_t mu;
    struct memkey *all;
    size_t count, cap;
    uint32_t epoch;
    unsigned fail; /* this many next calls fail with FL_E_IO */
};

static inline struct memkey *memkeys_find(struct memkeys *k, uint32_t tenant, int32_t day,
                                          const unsigned char *id)
{
    for (size_t i = k->count; i-- > 0;)
        if (k->all[i].tenant == tenant && k->all[i].day == day && memcmp(k->all[i].id, id, 16) == 0)
            return &k->all[i];
    return NULL;
}

static inline int memkeys_new(struct fl_keyring *base, uint32_t tenant, int32_t day,
                              const unsigned char *id, unsigned char *ret_key, struct fl_err *err)
{
    struct memkeys *k = (struct memkeys *)(void *)base;
    int r = 0;

    pthread_mutex_lock(&k->mu);
    if (k->fail > 0 && k->fail--)
        r = fl_err_set(err, FL_E_IO, "keys are away");
    else if (memkeys_find(k, tenant, day, id) != NULL)
        r = fl_err_set(err, FL_E_EXISTS, "key exists");
    if (r == 0) {
        if (k->count == k->cap) {
            k->cap = k->cap == 0 ? 64 : k->cap * 2;
            k->all = realloc(k->all, k->cap * sizeof *k->all);
            if (k->all == NULL)
                abort();
        }
        struct memkey *key = &k->all[k->count++];
        key->tenant = tenant;
        key->day = day;
        memcpy(key->id, id, 16);
        if (getrandom(key->key, 32, 0) != 32)
            abort();
        memcpy(ret_key, key->key, 32);
    }
    pthread_mutex_unlock(&k->mu);
    return r;
}

static inline int memkeys_get(struct fl_keyring *base, uint32_t tenant, int32_t day,
                              const unsigned char *id, unsigned char *ret_key, struct fl_err *err)
{
    struct memkeys *k = (struct memkeys *)(void *)base;
    struct memkey *key;
    int r = 0;

    pthread_mutex_lock(&k->mu);
    key = memkeys_find(k, tenant, day, id);
    if (key == NULL)
        r = fl_err_set(err, FL_E_NOENT, "no such key");
    else
        memcpy(ret_key, key->key, 32);
    pthread_mutex_unlock(&k->mu);
    return r;
}

static inline int memkeys_destroy(struct fl_keyring *base, uint32_t tenant, int32_t day,
                                  const unsigned char *id, const char *why,
                                  struct fl_destroyed *ret, struct fl_err *err)
{
    struct memkeys *k = (struct memkeys *)(void *)base;
    size_t kept = 0;

    (void)why;
    (void)err;
    pthread_mutex_lock(&k->mu);
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < k->count; i++) {
        bool hit = k->all[i].tenant == tenant && (day == FL_DAY_NONE || k->all[i].day == day) &&
                   (id == NULL || memcmp(id, k->all[i].id, 16) == 0);

        if (hit)
            ret->keys++;
        else
            k->all[kept++] = k->all[i];
    }
    k->count = kept;
    ret->epoch = ++k->epoch;
    (void)snprintf(ret->root_kind, sizeof ret->root_kind, "memory");
    pthread_mutex_unlock(&k->mu);
    return 0;
}

static inline int memkeys_destroy_files(struct fl_keyring *base, uint32_t tenant,
                                        const struct fl_key_file *files, uint32_t count,
                                        const char *why, struct fl_destroyed *ret,
                                        struct fl_err *err)
{
    struct memkeys *k = (struct memkeys *)(void *)base;
    struct fl_destroyed one;
    uint32_t epoch = k->epoch;
    uint64_t keys = 0;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < count; i++) {
        r = memkeys_destroy(base, tenant, files[i].day, files[i].file_id, why, &one, err);
        keys += r == 0 ? one.keys : 0;
    }
    if (r < 0)
        return r;
    memset(ret, 0, sizeof *ret);
    ret->keys = keys;
    ret->epoch = k->epoch = epoch + 1;
    (void)snprintf(ret->root_kind, sizeof ret->root_kind, "memory");
    return 0;
}

static inline int memkeys_list_files(struct fl_keyring *base, uint32_t tenant,
                                     struct fl_key_file **ret, uint32_t *ret_count,
                                     struct fl_err *err)
{
    struct memkeys *k = (struct memkeys *)(void *)base;
    struct fl_key_file *files;
    uint32_t count = 0;

    (void)err;
    pthread_mutex_lock(&k->mu);
    files = calloc(k->count + 1, sizeof *files);
    if (files == NULL)
        abort();
    for (size_t i = 0; i < k->count; i++) {
        if (k->all[i].tenant != tenant)
            continue;
        files[count].day = k->all[i].day;
        memcpy(files[count++].file_id, k->all[i].id, 16);
    }
    pthread_mutex_unlock(&k->mu);
    *ret = files;
    *ret_count = count;
    return 0;
}

static const struct fl_keyring_ops memkeys_ops = {memkeys_new, memkeys_get, memkeys_destroy,
                                                  memkeys_destroy_files, memkeys_list_files};

static inline void memkeys_init(struct memkeys *k)
{
    memset(k, 0, sizeof *k);
    k->base.ops = &memkeys_ops;
    pthread_mutex_init(&k->mu, NULL);
}

static inline void memkeys_done(struct memkeys *k)
{
    free(k->all);
    pthread_mutex_destroy(&k->mu);
}

/* ---- numbers and rows from a seed ---- */

struct rnd {
    uint64_t s;
};

static inline uint64_t rnd_next(struct rnd *r)
{
    uint64_t z = (r->s += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint64_t rnd_below(struct rnd *r, uint64_t n)
{
    return rnd_next(r) % n;
}

/* Any columns with any values: for formats. */
static inline void any_event(struct rnd *r, uint64_t seq, struct fl_arena *arena,
                             struct fl_event *ev)
{
    fl_event_clear(ev);
    fl_event_num(ev, FL_F_SEQ, seq);
    fl_event_time(ev, FL_F_TIME, (int64_t)(1700000000000000 + seq * 1000 + rnd_below(r, 3000000)));
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        unsigned char text[24];
        size_t len = rnd_below(r, sizeof text + 1);

        if (f == FL_F_SEQ || f == FL_F_TIME || rnd_below(r, 4) == 0 || f % 9 == 8)
            continue;
        if (fl_fields[f].type == FL_T_IP) {
            static const unsigned char v4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1};

            memcpy(text, v4, 16);
            text[14] = (unsigned char)rnd_below(r, 3);
            text[15] = (unsigned char)rnd_next(r);
            if (rnd_below(r, 5) == 0)
                text[0] = 0x20;
            len = 16;
        } else if (fl_fields[f].type == FL_T_STR) {
            for (size_t i = 0; i < len; i++)
                text[i] = (unsigned char)('a' + rnd_below(r, f % 5 == 0 ? 26 : 2));
            len = f % 7 == 3 ? 4 : len;
            if (f % 7 == 3)
                memset(text, 'q', 4);
        } else {
            uint64_t top = UINT64_C(1) << rnd_below(r, 64);

            fl_event_num(ev, (enum fl_field)f, f % 3 == 0 ? rnd_next(r) % top : 7 + seq * 5);
            continue;
        }
        fl_event_str(ev, (enum fl_field)f, fl_arena_copy(arena, fl_span_of(text, len)));
    }
}

/* ---- folders ---- */

static inline int temp_folder(char path[64])
{
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(path, 64, "%.40s/fl-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(path) == NULL)
        abort();
    return open(path, O_RDONLY | O_DIRECTORY);
}

static inline bool same_event(const struct fl_event *a, const struct fl_event *b)
{
    if (a->has.bits[0] != b->has.bits[0] || a->has.bits[1] != b->has.bits[1])
        return false;
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        if (!fl_event_has(a, (enum fl_field)f))
            continue;
        if (fl_field_is_str((enum fl_field)f) ? !fl_span_eq(a->v[f].str, b->v[f].str)
                                              : a->v[f].num != b->v[f].num)
            return false;
    }
    return true;
}

#endif
