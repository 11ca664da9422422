/*
 * What verify found, put in order: segments are written anew without their damaged blocks, filters
 * and sums are made anew, files and keys that belong to nothing go. Each step is told before it is
 * done; a dry run stops there.
 */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "logs/store_check.h"
#include "logs/store_rewrite.h"

struct repaired {
    uint64_t segments, blocks_lost, rows_lost, rows_kept, files, keys, epochs;
};

/* ---- segments ---- */

struct losing {
    struct fl_job *job;
    const struct fl_bad *bad;
    const char *file;
};

static int note_lost(void *ctx, uint32_t seg, uint32_t block, uint32_t rows,
                     const struct fl_err *why)
{
    struct losing *l = ctx;
    struct fl_json *json =
        fl_check_finding(l->job, "left_behind", l->bad->slug, l->bad->day, l->file);

    (void)seg;
    if (block == FL_SEGMENT_WHOLE)
        fl_json_text(json, "block", "all");
    else
        fl_json_u64(json, "block", block);
    fl_json_u64(json, "rows", rows);
    fl_json_text(json, "why", why->text);
    fl_job_end(l->job);
    return 0;
}

/* Where it stands now: merging may have passed it by, retention may have taken it. */
static bool find_segment(struct fl_store *s, const struct fl_bad *bad, struct fl_rewrite *rw)
{
    struct fl_store_tenant *t = fl_store_find(s, bad->tenant);
    struct fl_store_day *d;

    pthread_mutex_lock(&s->mu);
    d = t == NULL ? NULL : fl_store_day_find(t, bad->day);
    pthread_mutex_unlock(&s->mu);
    for (uint32_t i = 0; d != NULL && i < d->seg_count; i++) {
        if (memcmp(d->segs[i]->id.file_id, bad->file_id, sizeof bad->file_id) != 0)
            continue;
        rw->tenant = t;
        rw->day = d;
        rw->old = &d->segs[i];
        rw->old_count = 1;
        return true;
    }
    return false;
}

static int repair_segment(struct fl_job *job, const struct fl_bad *bad, struct repaired *sum,
                          struct fl_err *err)
{
    struct fl_store *s = job->store;
    char file[FL_SEGMENT_NAME_BYTES];
    struct losing losing = {.job = job, .bad = bad, .file = file};
    struct fl_rewrite rw = {.lost = note_lost, .ctx = &losing};
    struct fl_retired retired = {NULL, 0, 0};
    struct fl_rewrite_result res = {0};
    struct fl_destroyed gone = {0};
    int r = FL_OK;

    fl_segment_name(bad->file_id, file);
    pthread_mutex_lock(&s->maint);
    if (find_segment(s, bad, &rw)) {
        r = fl_store_rewrite(s, &rw, &retired, &res, err);
        if (r >= 0) {
            sum->segments++;
            sum->blocks_lost += res.lost_blocks;
            sum->rows_lost += res.rows_lost;
            sum->rows_kept += res.rows_out;
            r = fl_store_retire(s, &retired, "repair", &gone, err);
            sum->keys += gone.keys;
            fl_store_tell(s, "store.repair", bad->slug,
                          "{\"day\":%d,\"file\":\"%s\",\"rows_lost\":%llu,\"rows_kept\":%llu}",
                          bad->day, file, (unsigned long long)res.rows_lost,
                          (unsigned long long)res.rows_out);
        }
    }
    fl_retired_done(&retired);
    pthread_mutex_unlock(&s->maint);
    return r;
}

/* ---- files ---- */

static int remove_file(struct fl_job *job, const struct fl_bad *bad, struct repaired *sum,
                       struct fl_err *err)
{
    struct fl_store *s = job->store;
    struct fl_keyring *keys = s->conf.keyring;
    struct fl_key_file key = {.day = bad->day};
    char path[FL_STORE_PATH_BYTES], name[FL_SEGMENT_NAME_BYTES];
    struct fl_destroyed gone = {0};
    int fd = -1, r;

    fl_segment_name(bad->file_id, name);
    fl_store_path(bad->slug, bad->day, path);
    memcpy(key.file_id, bad->file_id, sizeof key.file_id);
    pthread_mutex_lock(&s->maint);
    r = keys->ops->destroy_files(keys, bad->tenant, &key, 1, "repair", &gone, err);
    if (r >= 0)
        r = fl_files_open(s->conf.files, s->conf.dir_fd, path, FL_FILE_FOLDER, &fd, err);
    if (r >= 0)
        r = fl_files_unlink(s->conf.files, fd, name, false, err);
    if (r >= 0)
        r = fl_files_sync_dir(s->conf.files, fd, err);
    fl_files_close(s->conf.files, fd);
    if (r >= 0) {
        sum->files++;
        sum->keys += gone.keys;
        fl_store_tell(s, "store.repair", bad->slug, "{\"day\":%d,\"file_removed\":\"%s\"}",
                      bad->day, name);
    }
    pthread_mutex_unlock(&s->maint);
    return r == FL_E_NOENT ? FL_OK : r;
}

/* ---- keys ---- */

static int drop_keys(struct fl_job *job, const struct fl_store_tenant *t,
                     const struct fl_streams *streams, struct repaired *sum, struct fl_err *err)
{
    struct fl_store *s = job->store;
    struct fl_keyring *keys = s->conf.keyring;
    struct fl_key_file *files = NULL;
    uint32_t count = 0, wanted = 0;
    int r = fl_check_keys(s, t, streams, &files, &count, err);

    for (uint32_t i = 0; r >= 0 && i < count; i++)
        if (fl_job_wants(job, t->id, files[i].day))
            files[wanted++] = files[i];
    for (uint32_t i = 0; r >= 0 && i < wanted; i += FL_KEY_FILES_MAX) {
        uint32_t n = wanted - i < FL_KEY_FILES_MAX ? wanted - i : FL_KEY_FILES_MAX;
        struct fl_destroyed gone = {0};

        r = keys->ops->destroy_files(keys, t->id, files + i, n, "repair: no file", &gone, err);
        sum->keys += r >= 0 ? gone.keys : 0;
        sum->epochs += r >= 0;
    }
    free(files);
    return r;
}

static int drop_all_keys(struct fl_job *job, struct repaired *sum, struct fl_err *err)
{
    struct fl_store *s = job->store;
    struct fl_streams streams = {NULL, 0, 0, false};
    int r;

    pthread_mutex_lock(&s->maint);
    r = fl_streams_find(s, &streams, err);
    for (uint32_t i = 0; i < s->tenant_count && r >= 0; i++)
        if (job->ask->tenant == 0 || job->ask->tenant == s->tenants[i]->id)
            r = drop_keys(job, s->tenants[i], &streams, sum, err);
    pthread_mutex_unlock(&s->maint);
    fl_streams_done(&streams);
    return r;
}

/* ---- all of it ---- */

static int repair_one(struct fl_job *job, const struct fl_bad *bad, struct repaired *sum,
                      struct fl_err *err)
{
    return bad->kind == FL_BAD_FILE ? remove_file(job, bad, sum, err)
                                    : repair_segment(job, bad, sum, err);
}

static void put_result(struct fl_job *job, const struct fl_checked *c, const struct repaired *sum)
{
    struct fl_json *json = fl_job_line(job, "result");

    fl_json_bool(json, "dry_run", job->ask->dry);
    fl_json_bool(json, "cancelled", job->cancelled);
    fl_checked_put(json, c);
    fl_json_u64(json, "to_repair", c->bad_count);
    fl_json_u64(json, "segments_rewritten", sum->segments);
    fl_json_u64(json, "blocks_left_behind", sum->blocks_lost);
    fl_json_u64(json, "rows_left_behind", sum->rows_lost);
    fl_json_u64(json, "rows_kept", sum->rows_kept);
    fl_json_u64(json, "files_removed", sum->files);
    fl_json_u64(json, "keys_destroyed", sum->keys);
    fl_job_end(job);
}

int fl_store_repair(struct fl_job *job, struct fl_err *err)
{
    struct repaired sum = {0};
    struct fl_checked c = {0};
    int r = fl_store_check(job, &c, err);

    for (size_t i = 0; r >= 0 && !job->ask->dry && i < c.bad_count && !fl_job_cancelled(job); i++) {
        int64_t begun_us = fl_now_mono_us();

        r = repair_one(job, &c.bad[i], &sum, err);
        fl_job_progress(job, i + 1, c.bad_count, "repairs", c.bad[i].slug);
        fl_job_pause(job, fl_now_mono_us() - begun_us);
    }
    if (r >= 0 && !job->ask->dry && c.keys_without_file > 0 && !fl_job_cancelled(job))
        r = drop_all_keys(job, &sum, err);
    if (r >= 0)
        put_result(job, &c, &sum);
    fl_checked_done(&c);
    return r < 0 ? r : FL_OK;
}
