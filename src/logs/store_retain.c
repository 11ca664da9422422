/* Destruction of days: retention and purge (FORMAT.md section 7). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "logs/store_int.h"

enum { DAYS_MAX = 4096 };
#define LOOK_US (60 * FL_US_PER_S) /* between two looks at the folders, within a day */

struct days { /* to be destroyed, distinct */
    int32_t day[DAYS_MAX];
    uint32_t count;
    int32_t from, to;
};

static void add_day(struct days *days, int32_t day)
{
    if (day < days->from || day > days->to || days->count == DAYS_MAX)
        return;
    for (uint32_t i = 0; i < days->count; i++)
        if (days->day[i] == day)
            return;
    days->day[days->count++] = day;
}

/* ---- names ---- */

static bool day_name(const char *name, int32_t *ret_day)
{
    return strlen(name) == 10 && fl_day_parse(fl_span_str(name), ret_day);
}

static void going_name(int32_t day, uint32_t tenant, char ret[48])
{
    char text[16];

    fl_day_format(day, text);
    (void)snprintf(ret, 48, "%.15s.%u.gone", text, (unsigned)tenant);
}

/* "2026-11-21.7.gone" */
static bool going_parse(const char *name, int32_t *ret_day, uint32_t *ret_tenant)
{
    struct fl_span s = fl_span_str(name);
    uint64_t tenant;

    if (s.len < 17 || name[10] != '.' || strcmp(name + s.len - 5, ".gone") != 0 ||
        !fl_day_parse(fl_span_of(name, 10), ret_day) ||
        !fl_span_u64(fl_span_of(name + 11, s.len - 16), &tenant) || tenant > UINT32_MAX)
        return false;
    *ret_tenant = (uint32_t)tenant;
    return true;
}

/* ---- counting ---- */

static void count_day(const struct fl_store_day *d, struct fl_purge_result *sum)
{
    struct fl_memtable_info info;
    uint64_t before = sum->rows;

    for (uint32_t i = 0; i < d->seg_count; i++) {
        sum->rows += d->segs[i]->rows;
        sum->bytes += d->segs[i]->bytes;
        sum->files++;
        sum->segments++;
    }
    for (uint32_t i = 0; i <= d->frozen_count; i++) {
        struct fl_memtable *mt = i < d->frozen_count ? d->frozen[i] : d->active;

        if (mt == NULL)
            continue;
        fl_memtable_info(mt, &info);
        sum->rows += info.visible;
        sum->bytes += info.bytes;
    }
    sum->days += sum->rows > before;
}

static int note_folder(void *ctx, const char *name, bool folder)
{
    int32_t day;

    if (folder && day_name(name, &day))
        add_day(ctx, day);
    return 0;
}

/* Days of the tenant within the range: in memory, on the disk, of its baseline. */
static int find_days(struct fl_store *s, const struct fl_store_tenant *t, struct days *days,
                     struct fl_err *err)
{
    int fd, r = fl_files_open(s->conf.files, s->conf.dir_fd, t->slug, FL_FILE_FOLDER, &fd, err);

    pthread_mutex_lock(&s->mu);
    for (uint32_t i = 0; i < t->day_count; i++)
        add_day(days, t->days[i]->day);
    pthread_mutex_unlock(&s->mu);
    if (t->base_day != FL_DAY_NONE)
        add_day(days, t->base_day);
    if (r == FL_E_NOENT)
        return FL_OK;
    if (r < 0)
        return r;
    r = s->conf.files->list(s->conf.files, fd, note_folder, days);
    fl_files_close(s->conf.files, fd);
    return r < 0 ? fl_err_sys(err, FL_E_IO, -r, "cannot list %s", t->slug) : FL_OK;
}

/* ---- the steps ---- */

static int mark_going(struct fl_store *s, int tenant_fd, uint32_t tenant, const struct days *days,
                      struct fl_err *err)
{
    char name[48];

    for (uint32_t i = 0; i < days->count; i++) {
        int r;

        going_name(days->day[i], tenant, name);
        r = s->conf.files->mkdir(s->conf.files, tenant_fd, name);
        if (r < 0 && r != -EEXIST /* begun before */)
            return fl_err_sys(err, FL_E_IO, -r, "cannot make %s", name);
    }
    return fl_files_sync_dir(s->conf.files, tenant_fd, err);
}

static void detach_day(struct fl_store *s, struct fl_store_day *d)
{
    struct fl_memtable_info info;

    for (uint32_t i = 0; i < d->seg_count; i++) {
        fl_store_seg_void(d->segs[i]);
        fl_store_seg_unref(d->segs[i]);
    }
    d->seg_count = 0;
    for (uint32_t i = 0; i <= d->frozen_count; i++) {
        struct fl_memtable *mt = i < d->frozen_count ? d->frozen[i] : d->active;

        if (mt == NULL)
            continue;
        fl_memtable_info(mt, &info);
        fl_memtable_void(mt);
        atomic_fetch_sub(&s->memory, info.bytes);
        fl_memtable_unref(mt);
    }
    d->frozen_count = 0;
    d->active = NULL;
    d->touched = false;
}

/* Out of memory and of what the WAL will give back. Nothing more is accepted for these days until
 * their keys are gone. */
static int detach(struct fl_store *s, struct fl_store_tenant *t, const struct days *days,
                  struct fl_err *err)
{
    int r = 0;

    pthread_mutex_lock(&s->wr);
    pthread_mutex_lock(&s->mu);
    for (uint32_t i = 0; i < days->count; i++) {
        struct fl_store_day *d = fl_store_day_get(t, days->day[i], err);

        fl_wal_forget(s->wal, t->id, days->day[i], days->day[i]);
        if (d == NULL) {
            r = FL_E_NOMEM;
            continue;
        }
        d->going = true;
        detach_day(s, d);
        d->visible_seq = d->next_seq - 1; /* dropped rows that were pending are not to come */
    }
    pthread_mutex_unlock(&s->mu);
    pthread_mutex_unlock(&s->wr);
    return r;
}

struct names {
    char name[64][80];
    uint32_t count;
};

static int note_name(void *ctx, const char *name, bool folder)
{
    struct names *names = ctx;

    if (folder || names->count == FL_LEN(names->name))
        return 0;
    (void)snprintf(names->name[names->count++], sizeof names->name[0], "%.79s", name);
    return 0;
}

/* All files of a folder, some at a time, then the folder. */
static int remove_folder(struct fl_store *s, int dir, const char *name, uint64_t *files,
                         struct fl_err *err)
{
    const struct fl_files *fs = s->conf.files;
    struct names *names = calloc(1, sizeof *names);
    int fd = -1, r;

    if (names == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to empty %s", name);
    r = fl_files_open(fs, dir, name, FL_FILE_FOLDER, &fd, err);
    do {
        names->count = 0;
        if (r >= 0) {
            r = fs->list(fs, fd, note_name, names);
            if (r < 0)
                r = fl_err_sys(err, FL_E_IO, -r, "cannot list %s", name);
        }
        for (uint32_t i = 0; i < names->count && r >= 0; i++) {
            r = fl_files_unlink(fs, fd, names->name[i], false, err);
            *files += r >= 0;
        }
    } while (r >= 0 && names->count > 0);
    fl_files_close(fs, fd);
    free(names);
    if (r == FL_E_NOENT && fd < 0)
        return FL_OK;
    return r < 0 ? r : fl_files_unlink(fs, dir, name, true, err);
}

static void unlink_baseline(struct fl_store *s, int tenant_fd, struct fl_store_tenant *t)
{
    char name[FL_BASELINE_NAME_BYTES];
    int fd, r = fl_files_open(s->conf.files, tenant_fd, "sessions", FL_FILE_FOLDER, &fd, NULL);

    if (r < 0)
        return;
    fl_baseline_name(t->base_id, name);
    (void)s->conf.files->unlink(s->conf.files, fd, name, false); /* its key is gone already */
    fl_files_close(s->conf.files, fd);
}

/* Key, bytes, mark of one day. Everything may have been done before. */
static int destroy_day(struct fl_store *s, int tenant_fd, uint32_t tenant, int32_t day,
                       const char *why, struct fl_purge_result *sum, struct fl_err *err)
{
    struct fl_keyring *keys = s->conf.keyring;
    struct fl_destroyed gone = {0};
    char name[48], text[16];
    int r = keys->ops->destroy(keys, tenant, day, NULL, why, &gone, err);

    if (r < 0)
        return r;
    sum->keys += gone.keys;
    sum->epoch = gone.epoch;
    (void)snprintf(sum->root_kind, sizeof sum->root_kind, "%.15s", gone.root_kind);
    fl_day_format(day, text);
    r = remove_folder(s, tenant_fd, text, &sum->files, err);
    if (r >= 0)
        r = fl_files_sync_dir(s->conf.files, tenant_fd, err);
    going_name(day, tenant, name);
    if (r >= 0)
        r = fl_files_unlink(s->conf.files, tenant_fd, name, true, err);
    if (r < 0)
        return r;
    /* With the power it could come back, and take what the day accepts from now on. */
    r = fl_files_sync_dir(s->conf.files, tenant_fd, err);
    if (r < 0)
        (void)s->conf.files->mkdir(s->conf.files, tenant_fd, name); /* for the next try */
    return r;
}

static void day_is_gone(struct fl_store *s, struct fl_store_tenant *t, int32_t day)
{
    int32_t today = fl_day_of(s->conf.now_us());

    pthread_mutex_lock(&s->wr);
    pthread_mutex_lock(&s->mu);
    for (uint32_t i = 0; i < t->day_count; i++) {
        struct fl_store_day *d = t->days[i];

        if (d->day != day)
            continue;
        d->going = false;
        if (day < today && d->active == NULL && d->frozen_count == 0 && d->seg_count == 0) {
            t->day_count--;
            memmove(&t->days[i], &t->days[i + 1], (t->day_count - i) * sizeof(*t->days));
            fl_store_day_free(s, d);
        }
        break;
    }
    pthread_mutex_unlock(&s->mu);
    pthread_mutex_unlock(&s->wr);
}

/* The baseline's key died with its day, or it knows sessions of rows that are purged. */
static int renew_baseline(struct fl_store *s, struct fl_store_tenant *t, int tenant_fd,
                          const struct days *days, struct fl_err *err)
{
    bool hit = false;

    for (uint32_t i = 0; i < days->count; i++)
        hit = hit || days->day[i] == t->base_day;
    if (!hit)
        return FL_OK;
    unlink_baseline(s, tenant_fd, t);
    pthread_mutex_lock(&s->wr);
    fl_sessions_clear(t->sessions);
    pthread_mutex_unlock(&s->wr);
    t->base_day = FL_DAY_NONE;
    t->base_us = 0;
    return fl_store_seal_tenant(s, t, true, err);
}

static int destroy_days(struct fl_store *s, struct fl_store_tenant *t, const struct days *days,
                        const char *why, struct fl_purge_result *sum, struct fl_err *err)
{
    int fd = -1, r;

    if (days->count == 0)
        return FL_OK;
    r = fl_files_folder(s->conf.files, s->conf.dir_fd, t->slug, &fd, err);
    if (r >= 0)
        r = mark_going(s, fd, t->id, days, err);
    if (r >= 0) {
        s->going = true;
        r = detach(s, t, days, err);
        for (uint32_t i = 0; i < days->count && r >= 0; i++) {
            r = destroy_day(s, fd, t->id, days->day[i], why, sum, err);
            if (r >= 0)
                day_is_gone(s, t, days->day[i]);
        }
        if (r >= 0)
            s->going = false;
        if (r >= 0)
            r = renew_baseline(s, t, fd, days, err);
        if (r < 0 && err != NULL)
            r = fl_err_wrap(err, "destruction has begun and will be finished");
    }
    fl_files_close(s->conf.files, fd);
    return r;
}

/* ---- what was begun ---- */

struct going {
    struct {
        int32_t day;
        uint32_t tenant;
        char slug[64];
    } item[256];
    uint32_t count;
    const char *slug;
};

static int note_going(void *ctx, const char *name, bool folder)
{
    struct going *g = ctx;
    int32_t day;
    uint32_t tenant;

    if (!folder || g->count == FL_LEN(g->item) || !going_parse(name, &day, &tenant))
        return 0;
    g->item[g->count].day = day;
    g->item[g->count].tenant = tenant;
    (void)snprintf(g->item[g->count++].slug, sizeof g->item[0].slug, "%.63s", g->slug);
    return 0;
}

struct scan {
    struct fl_store *s;
    struct going *g;
};

static int note_tenant(void *ctx, const char *name, bool folder)
{
    struct scan *scan = ctx;
    struct fl_store *s = scan->s;
    int fd, r;

    if (!folder || !fl_store_slug_ok(name))
        return 0;
    r = fl_files_open(s->conf.files, s->conf.dir_fd, name, FL_FILE_FOLDER, &fd, NULL);
    if (r < 0)
        return r == FL_E_NOENT ? 0 : -EIO; /* it may hold one that was begun */
    scan->g->slug = name;
    r = s->conf.files->list(s->conf.files, fd, note_going, scan->g);
    fl_files_close(s->conf.files, fd);
    return r;
}

int fl_store_finish_going(struct fl_store *s, struct fl_err *err)
{
    struct going *g;
    struct scan scan = {.s = s};
    int r;

    if (!s->going)
        return FL_OK;
    scan.g = g = calloc(1, sizeof *g);
    if (g == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to finish destructions");
    r = s->conf.files->list(s->conf.files, s->conf.dir_fd, note_tenant, &scan);
    if (r < 0)
        r = fl_err_sys(err, FL_E_IO, -r, "cannot list the store");
    for (uint32_t i = 0; i < g->count && r >= 0; i++) {
        struct fl_store_tenant *t = fl_store_find(s, g->item[i].tenant);
        struct fl_purge_result sum = {0};
        int fd;

        r = fl_files_open(s->conf.files, s->conf.dir_fd, g->item[i].slug, FL_FILE_FOLDER, &fd, err);
        if (r < 0)
            break;
        r = destroy_day(s, fd, g->item[i].tenant, g->item[i].day, "finishing", &sum, err);
        if (r >= 0 && t != NULL) {
            struct days one = {.day = {g->item[i].day}, .count = 1};

            day_is_gone(s, t, g->item[i].day);
            if (!s->replaying)
                r = renew_baseline(s, t, fd, &one, err);
        }
        fl_files_close(s->conf.files, fd);
    }
    s->going = r < 0 || g->count == FL_LEN(g->item);
    free(g);
    return r;
}

/* ---- retention and purge ---- */

int fl_store_destroy_day(struct fl_store *s, struct fl_store_tenant *t, int32_t day,
                         const char *why, struct fl_purge_result *sum, struct fl_err *err)
{
    struct days *one = calloc(1, sizeof *one);
    const struct fl_store_day *d;
    int r;

    if (one == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to destroy a day");
    *one = (struct days){.day = {day}, .count = 1};
    pthread_mutex_lock(&s->mu);
    d = fl_store_day_find(t, day);
    if (d != NULL)
        count_day(d, sum);
    pthread_mutex_unlock(&s->mu);
    sum->files = 0; /* they are counted as they go */
    r = destroy_days(s, t, one, why, sum, err);
    free(one);
    return r;
}

/* What the clock did, once. */
static void tell_clock(struct fl_store *s)
{
    enum fl_clock_news news;
    int64_t by_us;

    pthread_mutex_lock(&s->clock_mu);
    news = s->clock_news;
    by_us = s->clock.odd_by_us;
    s->clock_news = FL_CLOCK_QUIET;
    pthread_mutex_unlock(&s->clock_mu);
    if (news == FL_CLOCK_ODD)
        fl_store_tell(s, "store.clock", "",
                      "{\"believed\":false,\"off_by_s\":%lld,\"retention\":\"waits\"}",
                      (long long)(by_us / FL_US_PER_S));
    else if (news == FL_CLOCK_BELIEVED)
        fl_store_tell(s, "store.clock", "", "{\"believed\":true}");
}

int fl_store_retain(struct fl_store *s, struct fl_err *err)
{
    int64_t now_us = fl_store_now(s), since_us = now_us - s->retained_us;
    int32_t today = fl_day_of(now_us);
    int r = 0;

    tell_clock(s);
    if (!fl_store_now_is_sure(s))
        return FL_OK;
    if (!s->retain_due && today == fl_day_of(s->retained_us) && since_us >= 0 && since_us < LOOK_US)
        return FL_OK;
    for (uint32_t i = 0; i < s->tenant_count; i++) {
        struct fl_store_tenant *t = s->tenants[i];
        struct fl_purge_result sum = {0};
        struct days *days;
        int one;

        if (!t->has_rule)
            continue;
        days = calloc(1, sizeof *days);
        if (days == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory for retention");
        days->from = INT32_MIN;
        days->to = today - (int32_t)t->rule.keep_days - 1;
        one = find_days(s, t, days, r < 0 ? NULL : err);
        if (one >= 0)
            one = destroy_days(s, t, days, "retention", &sum, r < 0 ? NULL : err);
        free(days);
        r = r < 0 ? r : one;
    }
    if (r >= 0) {
        s->retained_us = now_us;
        s->retain_due = false;
    }
    return r;
}

/* The tenant itself: its key, what is left of its folder, what the store knows of it. */
static int forget_tenant(struct fl_store *s, struct fl_store_tenant *t, const char *why,
                         struct fl_purge_result *sum, struct fl_err *err)
{
    struct fl_keyring *keys = s->conf.keyring;
    struct fl_destroyed gone = {0};
    uint32_t at = 0;
    int fd = -1, r = keys->ops->destroy(keys, t->id, FL_DAY_NONE, NULL, why, &gone, err);

    if (r < 0)
        return r;
    sum->keys += gone.keys;
    sum->epoch = gone.epoch;
    (void)snprintf(sum->root_kind, sizeof sum->root_kind, "%.15s", gone.root_kind);
    r = fl_files_open(s->conf.files, s->conf.dir_fd, t->slug, FL_FILE_FOLDER, &fd, NULL);
    if (r >= 0) {
        r = remove_folder(s, fd, "sessions", &sum->files, err);
        fl_files_close(s->conf.files, fd);
        /* What somebody else put into the folder keeps it. */
        (void)s->conf.files->unlink(s->conf.files, s->conf.dir_fd, t->slug, true);
    }
    pthread_mutex_lock(&s->wr);
    pthread_mutex_lock(&s->mu);
    fl_wal_forget(s->wal, t->id, INT32_MIN, INT32_MAX);
    while (s->tenants[at] != t)
        at++;
    s->tenant_count--;
    memmove(&s->tenants[at], &s->tenants[at + 1], (s->tenant_count - at) * sizeof(*s->tenants));
    fl_store_tenant_free(s, t);
    pthread_mutex_unlock(&s->mu);
    pthread_mutex_unlock(&s->wr);
    return r < 0 && r != FL_E_NOENT ? r : FL_OK;
}

/* Keys of files of these days, also of files that are no longer there. */
static int count_keys(struct fl_store *s, const struct fl_store_tenant *t, const struct days *days,
                      uint64_t *ret, struct fl_err *err)
{
    struct fl_keyring *keys = s->conf.keyring;
    struct fl_key_file *files = NULL;
    uint32_t count = 0;
    int r = keys->ops->list_files(keys, t->id, &files, &count, err);

    if (r < 0)
        return r;
    *ret = 0;
    for (uint32_t i = 0; i < count; i++)
        *ret += files[i].day >= days->from && files[i].day <= days->to &&
                (files[i].day != FL_DAY_NONE || days->from == INT32_MIN);
    free(files);
    return FL_OK;
}

static int purge(struct fl_store *s, struct fl_store_tenant *t, struct days *days, bool dry,
                 const char *why, struct fl_purge_result *sum, struct fl_err *err)
{
    struct fl_purge_result done = {0};
    int r = find_days(s, t, days, err);

    if (r < 0)
        return r;
    pthread_mutex_lock(&s->mu);
    for (uint32_t i = 0; i < days->count; i++) {
        const struct fl_store_day *d = fl_store_day_find(t, days->day[i]);

        if (d != NULL)
            count_day(d, sum);
    }
    pthread_mutex_unlock(&s->mu);
    if (dry)
        return count_keys(s, t, days, &sum->keys, err);
    if (days->from == INT32_MIN && days->to == INT32_MAX) {
        pthread_mutex_lock(&s->wr);
        t->has_rule = false; /* nothing more is accepted */
        pthread_mutex_unlock(&s->wr);
    }
    r = destroy_days(s, t, days, why, &done, err);
    sum->files = done.files;
    sum->keys = done.keys;
    sum->epoch = done.epoch;
    memcpy(sum->root_kind, done.root_kind, sizeof sum->root_kind);
    if (r >= 0 && days->from == INT32_MIN && days->to == INT32_MAX)
        r = forget_tenant(s, t, why, sum, err);
    return r;
}

int fl_store_purge(struct fl_store *s, uint32_t tenant, int32_t from_day, int32_t to_day, bool dry,
                   const char *why, struct fl_purge_result *ret, struct fl_err *err)
{
    struct fl_purge_result sum = {0};
    struct fl_store_tenant *t;
    struct days *days = calloc(1, sizeof *days);
    int r;

    if (days == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a purge");
    days->from = from_day;
    days->to = to_day;
    pthread_mutex_lock(&s->maint);
    t = fl_store_find(s, tenant);
    if (t == NULL)
        r = fl_err_set(err, FL_E_NOENT, "tenant %u has no logs here", (unsigned)tenant);
    else
        r = purge(s, t, days, dry, why, &sum, err);
    pthread_mutex_unlock(&s->maint);
    free(days);
    if (r >= 0)
        *ret = sum;
    return r;
}
