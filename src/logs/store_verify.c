/* All that is stored, read at low priority while the store serves: declared in store_check.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "logs/mask.h"
#include "logs/store_check.h"
#include "logs/store_rewrite.h"

/* ---- what was found ---- */

void fl_checked_done(struct fl_checked *c)
{
    free(c->bad);
    c->bad = NULL;
    c->bad_count = c->bad_cap = 0;
}

bool fl_checked_ok(const struct fl_checked *c)
{
    return c->damaged_segments == 0 && c->damaged_sums == 0 && c->damaged_logs == 0 &&
           c->damaged_baselines == 0;
}

bool fl_checked_note(struct fl_checked *c, enum fl_bad_kind kind, uint32_t tenant, const char *slug,
                     int32_t day, const unsigned char file_id[FL_FILE_ID_BYTES])
{
    struct fl_bad *to;

    if (c->bad_count == c->bad_cap) {
        size_t cap = c->bad_cap == 0 ? 16 : c->bad_cap * 2;
        struct fl_bad *grown = realloc(c->bad, cap * sizeof *grown);

        if (grown == NULL)
            return false;
        c->bad = grown;
        c->bad_cap = cap;
    }
    to = &c->bad[c->bad_count++];
    *to = (struct fl_bad){.kind = kind, .tenant = tenant, .day = day};
    memcpy(to->file_id, file_id, sizeof to->file_id);
    (void)snprintf(to->slug, sizeof to->slug, "%.63s", slug);
    return true;
}

void fl_checked_put(struct fl_json *json, const struct fl_checked *c)
{
    fl_json_bool(json, "ok", fl_checked_ok(c));
    fl_json_u64(json, "segments", c->segments);
    fl_json_u64(json, "blocks", c->blocks);
    fl_json_u64(json, "rows", c->rows);
    fl_json_u64(json, "bytes", c->bytes);
    fl_json_u64(json, "log_files", c->wal_files);
    fl_json_u64(json, "baselines", c->baselines);
    fl_json_u64(json, "damaged_segments", c->damaged_segments);
    fl_json_u64(json, "damaged_blocks", c->damaged_blocks);
    fl_json_u64(json, "lost_rows", c->lost_rows);
    fl_json_u64(json, "damaged_sums", c->damaged_sums);
    fl_json_u64(json, "damaged_logs", c->damaged_logs);
    fl_json_u64(json, "damaged_baselines", c->damaged_baselines);
    fl_json_u64(json, "files_missing", c->files_missing);
    fl_json_u64(json, "files_left_over", c->files_left_over);
    fl_json_u64(json, "keys_without_file", c->keys_without_file);
}

struct fl_json *fl_check_finding(struct fl_job *job, const char *kind, const char *slug,
                                 int32_t day, const char *file)
{
    struct fl_json *json = fl_job_line(job, "finding");
    char text[16];

    fl_json_text(json, "kind", kind);
    fl_json_text(json, "tenant", slug[0] == '\0' ? NULL : slug);
    if (day == FL_DAY_NONE) {
        fl_json_null(json, "day");
    } else {
        fl_day_format(day, text);
        fl_json_text(json, "day", text);
    }
    fl_json_text(json, "file", file);
    return json;
}

/* ---- segments ---- */

struct held {
    struct fl_store_seg **seg;
    size_t count;
};

static int hold_segments(struct fl_job *job, struct held *ret, struct fl_err *err)
{
    struct fl_store *s = job->store;
    size_t n = 0;

    *ret = (struct held){NULL, 0};
    pthread_mutex_lock(&s->mu);
    for (uint32_t i = 0; i < s->tenant_count; i++)
        for (uint32_t k = 0; k < s->tenants[i]->day_count; k++)
            n += s->tenants[i]->days[k]->seg_count;
    ret->seg = calloc(n == 0 ? 1 : n, sizeof(*ret->seg));
    for (uint32_t i = 0; ret->seg != NULL && i < s->tenant_count; i++) {
        for (uint32_t k = 0; k < s->tenants[i]->day_count; k++) {
            const struct fl_store_day *d = s->tenants[i]->days[k];

            for (uint32_t g = 0; g < d->seg_count; g++) {
                if (!fl_job_wants(job, s->tenants[i]->id, d->day))
                    continue;
                atomic_fetch_add_explicit(&d->segs[g]->refs, 1, memory_order_relaxed);
                ret->seg[ret->count++] = d->segs[g];
            }
        }
    }
    pthread_mutex_unlock(&s->mu);
    return ret->seg == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory to check segments") : FL_OK;
}

static int check_segments(struct fl_job *job, struct fl_checked *c, struct fl_err *err)
{
    struct held held;
    int r = hold_segments(job, &held, err);

    for (size_t i = 0; i < held.count && r >= 0; i++) {
        char at[FL_STORE_PATH_BYTES];

        fl_store_path(held.seg[i]->slug, held.seg[i]->id.day, at);
        fl_job_progress(job, i, held.count, "segments", at);
        if (!fl_job_cancelled(job))
            fl_check_segment(job, c, held.seg[i]);
    }
    for (size_t i = 0; i < held.count; i++)
        fl_store_seg_unref(held.seg[i]);
    free(held.seg);
    return r;
}

/* ---- files that the store does not know ---- */

struct folder {
    struct fl_job *job;
    struct fl_checked *c;
    const struct fl_store_tenant *t;
    int32_t day;
};

static bool is_known(struct fl_store *s, const struct fl_store_tenant *t, int32_t day,
                     const unsigned char *id)
{
    const struct fl_store_day *d;

    pthread_mutex_lock(&s->mu);
    d = fl_store_day_find(t, day);
    pthread_mutex_unlock(&s->mu);
    for (uint32_t i = 0; d != NULL && i < d->seg_count; i++)
        if (memcmp(d->segs[i]->id.file_id, id, FL_FILE_ID_BYTES) == 0)
            return true;
    return fl_store_is_retired(s, id);
}

/* Why is it not in the store? */
static const char *reason(struct folder *f, const char *path, const char *name,
                          const unsigned char *file_id)
{
    struct fl_store *s = f->job->store;
    struct fl_keyring *keys = s->conf.keyring;
    struct fl_segment_id id;
    unsigned char key[FL_KEY_BYTES];
    const char *why = "its header is damaged";
    int fd;

    if (fl_files_open(s->conf.files, s->conf.dir_fd, path, FL_FILE_FOLDER, &fd, NULL) < 0)
        return "its folder does not open";
    if (fl_segment_identify(s->conf.files, fd, name, &id, NULL) >= 0)
        why = keys->ops->file_get(keys, f->t->id, f->day, file_id, key, NULL) == FL_E_NOENT
                  ? "its key is destroyed"
                  : "it did not open when the store began";
    explicit_bzero(key, sizeof key);
    fl_files_close(s->conf.files, fd);
    return why;
}

static int note_file(void *ctx, const char *name, bool folder)
{
    struct folder *f = ctx;
    unsigned char id[FL_FILE_ID_BYTES];
    char path[FL_STORE_PATH_BYTES];
    struct fl_json *json;
    bool segment =
        !folder && strlen(name) == 36 && fl_id_parse(name, id) && strcmp(name + 32, ".seg") == 0;

    if (!segment || is_known(f->job->store, f->t, f->day, id))
        return 0;
    fl_store_path(f->t->slug, f->day, path);
    json = fl_check_finding(f->job, "left_over_file", f->t->slug, f->day, name);
    fl_json_text(json, "why", reason(f, path, name, id));
    fl_job_end(f->job);
    f->c->files_left_over++;
    (void)fl_checked_note(f->c, FL_BAD_FILE, f->t->id, f->t->slug, f->day, id);
    return 0;
}

static int check_folder(struct folder *f, struct fl_err *err)
{
    const struct fl_files *fs = f->job->store->conf.files;
    char path[FL_STORE_PATH_BYTES];
    int fd, r;

    fl_store_path(f->t->slug, f->day, path);
    r = fl_files_open(fs, f->job->store->conf.dir_fd, path, FL_FILE_FOLDER, &fd, err);
    if (r == FL_E_NOENT)
        return FL_OK;
    if (r < 0)
        return r;
    r = fs->list(fs, fd, note_file, f);
    fl_files_close(fs, fd);
    return r < 0 ? fl_err_sys(err, FL_E_IO, -r, "cannot list %s", path) : FL_OK;
}

struct day_list {
    int32_t day[4096];
    uint32_t count;
};

static int note_day(void *ctx, const char *name, bool folder)
{
    struct day_list *days = ctx;
    int32_t day;

    if (folder && strlen(name) == 10 && fl_day_parse(fl_span_str(name), &day) &&
        days->count < FL_LEN(days->day))
        days->day[days->count++] = day;
    return 0;
}

/* Folders of a tenant; maint held: what is being written meanwhile is known. */
static int check_folders(struct fl_job *job, struct fl_checked *c, const struct fl_store_tenant *t,
                         struct fl_err *err)
{
    const struct fl_files *fs = job->store->conf.files;
    struct day_list *days = calloc(1, sizeof *days);
    int fd = -1, r;

    if (days == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to check folders");
    r = fl_files_open(fs, job->store->conf.dir_fd, t->slug, FL_FILE_FOLDER, &fd, err);
    if (r >= 0 && (r = fs->list(fs, fd, note_day, days)) < 0)
        r = fl_err_sys(err, FL_E_IO, -r, "cannot list %s", t->slug);
    fl_files_close(fs, fd);
    for (uint32_t i = 0; i < days->count && r >= 0; i++) {
        struct folder f = {.job = job, .c = c, .t = t, .day = days->day[i]};

        if (fl_job_wants(job, t->id, f.day))
            r = check_folder(&f, err);
    }
    free(days);
    return r == FL_E_NOENT ? FL_OK : r;
}

/* ---- baselines ---- */

static int check_baseline(struct fl_job *job, struct fl_checked *c, const struct fl_store_tenant *t,
                          struct fl_err *err)
{
    struct fl_store *s = job->store;
    struct fl_keyring *keys = s->conf.keyring;
    unsigned char key[FL_KEY_BYTES];
    char path[FL_STORE_PATH_BYTES], name[FL_BASELINE_NAME_BYTES];
    struct fl_sessions *scratch = NULL;
    struct fl_baseline head;
    struct fl_err why = {0};
    int fd = -1, r;

    if (t->base_day == FL_DAY_NONE)
        return FL_OK;
    r = fl_sessions_new(s->conf.sessions_max, &scratch, err);
    if (r < 0)
        return r;
    c->baselines++;
    fl_baseline_name(t->base_id, name);
    (void)snprintf(path, sizeof path, "%s/sessions", t->slug);
    r = keys->ops->file_get(keys, t->id, t->base_day, t->base_id, key, &why);
    if (r >= 0)
        r = fl_files_open(s->conf.files, s->conf.dir_fd, path, FL_FILE_FOLDER, &fd, &why);
    if (r >= 0)
        r = fl_baseline_read(s->conf.files, fd, name, key, scratch, &head, &why);
    explicit_bzero(key, sizeof key);
    fl_files_close(s->conf.files, fd);
    fl_sessions_free(scratch);
    if (r == FL_E_NOENT || r == FL_E_CORRUPT || r == FL_E_IO) { /* the next one replaces it */
        struct fl_json *json =
            fl_check_finding(job, "damaged_baseline", t->slug, t->base_day, name);

        fl_json_text(json, "why", why.text);
        fl_job_end(job);
        c->damaged_baselines++;
        r = FL_OK;
    }
    return r < 0 ? fl_err_set(err, r, "%s", why.text) : FL_OK;
}

/* ---- the log ---- */

void fl_streams_done(struct fl_streams *streams)
{
    free(streams->id);
    *streams = (struct fl_streams){NULL, 0, 0, false};
}

static void note_stream(struct fl_streams *to, const unsigned char *id)
{
    if (to->count > 0 && memcmp(to->id[to->count - 1], id, FL_FILE_ID_BYTES) == 0)
        return;
    if (to->count == to->cap) {
        size_t cap = to->cap == 0 ? 64 : to->cap * 2;
        void *grown = realloc(to->id, cap * sizeof *to->id);

        if (grown == NULL) {
            to->failed = true;
            return;
        }
        to->id = grown;
        to->cap = cap;
    }
    memcpy(to->id[to->count++], id, FL_FILE_ID_BYTES);
}

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, FL_FILE_ID_BYTES);
}

static void sort_streams(struct fl_streams *streams)
{
    size_t kept = 0;

    if (streams->count > 0)
        qsort(streams->id, streams->count, sizeof *streams->id, by_id);
    for (size_t i = 0; i < streams->count; i++)
        if (kept == 0 || by_id(streams->id[kept - 1], streams->id[i]) != 0)
            memmove(streams->id[kept++], streams->id[i], FL_FILE_ID_BYTES);
    streams->count = kept;
}

static int note_record(void *ctx, const struct fl_wal_record *rec, struct fl_err *err)
{
    (void)err;
    note_stream(ctx, rec->stream);
    return FL_OK;
}

struct log_list {
    char name[256][FL_WAL_NAME_BYTES];
    uint32_t count;
};

static int note_log(void *ctx, const char *name, bool folder)
{
    struct log_list *logs = ctx;
    uint64_t number;

    if (!folder && fl_wal_name_parse(name, &number) && logs->count < FL_LEN(logs->name))
        (void)snprintf(logs->name[logs->count++], FL_WAL_NAME_BYTES, "%s", name);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int list_logs(struct fl_store *s, struct log_list **ret, struct fl_err *err)
{
    struct log_list *logs = calloc(1, sizeof *logs);
    int r;

    if (logs == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to check the log");
    r = s->conf.files->list(s->conf.files, s->wal_dir, note_log, logs);
    if (r < 0) {
        free(logs);
        return fl_err_sys(err, FL_E_IO, -r, "cannot list the log");
    }
    qsort(logs->name, logs->count, sizeof *logs->name, by_name);
    *ret = logs;
    return FL_OK;
}

static void tell_log(struct fl_job *job, const char *name, uint64_t pieces, const char *why)
{
    struct fl_json *json = fl_check_finding(job, "damaged_log", "", FL_DAY_NONE, name);

    fl_json_u64(json, "pieces", pieces);
    fl_json_text(json, "why", why);
    fl_job_end(job);
}

/* Files go while they are looked at; the newest is being written, and may end in half a group. */
static int check_logs(struct fl_job *job, struct fl_checked *c, struct fl_streams *streams,
                      struct fl_err *err)
{
    struct fl_store *s = job->store;
    struct fl_marks *marks = calloc(1, sizeof *marks);
    struct log_list *logs = NULL;
    int r = marks == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory to check the log")
                          : list_logs(s, &logs, err);

    for (uint32_t i = 0; r >= 0 && i < logs->count && !fl_job_cancelled(job); i++) {
        struct fl_wal_reading sum = {0};
        struct fl_err why = {0};
        int64_t begun_us = fl_now_mono_us();
        int one = fl_wal_read(s->conf.files, s->wal_dir, logs->name[i], i + 1 == logs->count,
                              s->conf.keyring, note_record, streams, marks, &sum, &why);

        if (one == FL_E_NOENT)
            continue;
        c->wal_files++;
        if (one == FL_E_CORRUPT || one == FL_E_IO || sum.damaged > 0) {
            tell_log(job, logs->name[i], sum.damaged,
                     one < 0 ? why.text : "groups or records do not open");
            c->damaged_logs++;
        }
        fl_job_progress(job, i + 1, logs->count, "log files", logs->name[i]);
        fl_job_pause(job, fl_now_mono_us() - begun_us);
    }
    sort_streams(streams);
    free(logs);
    free(marks);
    return r;
}

/* ---- keys ---- */

int fl_streams_find(struct fl_store *s, struct fl_streams *ret, struct fl_err *err)
{
    struct fl_marks *marks = calloc(1, sizeof *marks);
    struct log_list *logs = NULL;
    int r = marks == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory to check keys")
                          : list_logs(s, &logs, err);

    for (uint32_t i = 0; r >= 0 && i < logs->count; i++) {
        struct fl_wal_reading sum = {0};

        r = fl_wal_read(s->conf.files, s->wal_dir, logs->name[i], i + 1 == logs->count,
                        s->conf.keyring, note_record, ret, marks, &sum, err);
        if (r == FL_E_NOENT)
            r = FL_OK;
    }
    if (r >= 0 && logs->count == FL_LEN(logs->name))
        r = fl_err_set(err, FL_E_LIMIT, "too many log files to say which keys they need");
    free(logs);
    free(marks);
    if (r >= 0 && ret->failed)
        r = fl_err_set(err, FL_E_NOMEM, "no memory to check keys");
    sort_streams(ret);
    return r;
}

static void note_living(void *ctx, int32_t day, const unsigned char id[16])
{
    (void)day;
    note_stream(ctx, id);
}

static bool in_streams(const struct fl_streams *streams, const unsigned char *id)
{
    return streams->count > 0 &&
           bsearch(id, streams->id, streams->count, sizeof *streams->id, by_id) != NULL;
}

static bool has_file(struct fl_store *s, const struct fl_store_tenant *t,
                     const struct fl_key_file *key)
{
    return fl_mask_is_key(key->day, key->file_id) || is_known(s, t, key->day, key->file_id) ||
           (t->base_day == key->day && memcmp(t->base_id, key->file_id, FL_FILE_ID_BYTES) == 0);
}

int fl_check_keys(struct fl_store *s, const struct fl_store_tenant *t,
                  const struct fl_streams *streams, struct fl_key_file **ret, uint32_t *ret_count,
                  struct fl_err *err)
{
    struct fl_keyring *keys = s->conf.keyring;
    struct fl_streams living = {NULL, 0, 0, false};
    struct fl_key_file *all = NULL;
    uint32_t count = 0, kept = 0;
    /* First the list, then what is known: a key that is made meanwhile is not in the list. */
    int r = keys->ops->list_files(keys, t->id, &all, &count, err);

    if (r < 0)
        return r;
    pthread_mutex_lock(&s->wr);
    fl_wal_each_stream(s->wal, t->id, note_living, &living);
    pthread_mutex_unlock(&s->wr);
    sort_streams(&living);
    for (uint32_t i = 0; i < count; i++)
        if (!has_file(s, t, &all[i]) && !in_streams(streams, all[i].file_id) &&
            !in_streams(&living, all[i].file_id))
            all[kept++] = all[i];
    if (living.failed) {
        free(all);
        r = fl_err_set(err, FL_E_NOMEM, "no memory to check keys");
    } else {
        *ret = all;
        *ret_count = kept;
    }
    fl_streams_done(&living);
    return r;
}

/* ---- all of it ---- */

static int check_tenant(struct fl_job *job, struct fl_checked *c, const struct fl_store_tenant *t,
                        const struct fl_streams *streams, struct fl_err *err)
{
    struct fl_key_file *files = NULL;
    uint32_t count = 0;
    int r = check_folders(job, c, t, err);

    if (r >= 0)
        r = check_baseline(job, c, t, err);
    if (r >= 0)
        r = fl_check_keys(job->store, t, streams, &files, &count, err);
    for (uint32_t i = 0; r >= 0 && i < count; i++)
        c->keys_without_file += fl_job_wants(job, t->id, files[i].day);
    free(files);
    return r;
}

/* One tenant at a time under the lock, by number: they come and go in between. */
static int check_tenants(struct fl_job *job, struct fl_checked *c, const struct fl_streams *streams,
                         struct fl_err *err)
{
    struct fl_store *s = job->store;
    uint32_t next = 0;
    int r = FL_OK;

    while (r >= 0 && !fl_job_cancelled(job)) {
        const struct fl_store_tenant *t = NULL;
        int64_t begun_us = fl_now_mono_us();

        pthread_mutex_lock(&s->maint);
        for (uint32_t i = 0; i < s->tenant_count && t == NULL; i++)
            if (s->tenants[i]->id >= next &&
                (job->ask->tenant == 0 || job->ask->tenant == s->tenants[i]->id))
                t = s->tenants[i];
        if (t != NULL) {
            next = t->id + 1;
            r = check_tenant(job, c, t, streams, err);
        }
        pthread_mutex_unlock(&s->maint);
        if (t == NULL || next == 0)
            break;
        fl_job_pause(job, fl_now_mono_us() - begun_us);
    }
    return r;
}

int fl_store_check(struct fl_job *job, struct fl_checked *c, struct fl_err *err)
{
    struct fl_streams streams = {NULL, 0, 0, false};
    int r = check_segments(job, c, err);

    if (r >= 0 && !fl_job_cancelled(job))
        r = check_logs(job, c, &streams, err);
    if (r >= 0)
        r = check_tenants(job, c, &streams, err);
    fl_streams_done(&streams);
    if (r < 0 || fl_job_cancelled(job))
        return r;
    pthread_mutex_lock(&job->store->mu);
    if (job->ask->tenant == 0 && job->ask->from_day == INT32_MIN && job->ask->to_day == INT32_MAX) {
        job->store->sum.lost_blocks = c->damaged_blocks;
        job->store->sum.lost_rows = c->lost_rows;
    }
    pthread_mutex_unlock(&job->store->mu);
    return FL_OK;
}

int fl_store_verify(struct fl_job *job, struct fl_err *err)
{
    struct fl_checked c = {0};
    struct fl_json *json;
    int r = fl_store_check(job, &c, err);

    if (r >= 0) {
        if (!fl_checked_ok(&c)) {
            pthread_mutex_lock(&job->store->maint);
            fl_store_tell(job->store, "store.damage", "",
                          "{\"segments\":%llu,\"blocks\":%llu,\"rows\":%llu,\"logs\":%llu}",
                          (unsigned long long)c.damaged_segments,
                          (unsigned long long)c.damaged_blocks, (unsigned long long)c.lost_rows,
                          (unsigned long long)c.damaged_logs);
            pthread_mutex_unlock(&job->store->maint);
        }
        json = fl_job_line(job, "result");
        fl_json_bool(json, "dry_run", true);
        fl_json_bool(json, "cancelled", job->cancelled);
        fl_checked_put(json, &c);
        fl_job_end(job);
    }
    fl_checked_done(&c);
    return r < 0 ? r : FL_OK;
}
