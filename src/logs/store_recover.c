/* Start: what is on the disk, and what only the write-ahead log has. Runs alone, without locks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "logs/store_int.h"
#include "logs/store_rewrite.h"

enum { NAME_BYTES = 80, MEMORY_TIMES = 8 };

/* ---- names of a folder, sorted ---- */

struct listing {
    char (*name)[NAME_BYTES];
    bool *folder;
    size_t count, cap;
};

static void listing_done(struct listing *l)
{
    free(l->name);
    free(l->folder);
}

static bool grow(struct listing *l)
{
    size_t cap = l->cap == 0 ? 64 : l->cap * 2;
    void *names = realloc(l->name, cap * sizeof *l->name), *folders;

    if (names == NULL)
        return false;
    l->name = names;
    folders = realloc(l->folder, cap * sizeof *l->folder);
    if (folders == NULL)
        return false;
    l->folder = folders;
    l->cap = cap;
    return true;
}

static int note(void *ctx, const char *name, bool folder)
{
    struct listing *l = ctx;

    if (strlen(name) >= NAME_BYTES)
        return 0; /* none of ours */
    if (l->count == l->cap && !grow(l))
        return -ENOMEM;
    (void)snprintf(l->name[l->count], NAME_BYTES, "%s", name);
    l->folder[l->count++] = folder;
    return 0;
}

static int list_folder(struct fl_store *s, int dir, struct listing *ret, struct fl_err *err)
{
    int r;

    *ret = (struct listing){0};
    r = s->conf.files->list(s->conf.files, dir, note, ret);
    return r < 0 ? fl_err_sys(err, FL_E_IO, -r, "cannot list a folder") : FL_OK;
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n > m && strcmp(name + n - m, end) == 0;
}

/* ---- segments ---- */

/* Rows that two segments hold: a seal was written, and again after a failure. The later one goes.
 */
static bool held_already(const struct fl_store_day *d, const struct fl_segment_foot *foot)
{
    for (uint32_t i = 0; i < d->seg_count; i++)
        if (d->segs[i]->first_seq <= foot->first_seq && d->segs[i]->last_seq >= foot->last_seq)
            return true;
    return false;
}

/* The other way round: this one holds what smaller ones hold. */
static int drop_held(struct fl_store *s, int dir, struct fl_store_day *d,
                     const struct fl_segment_foot *foot, struct fl_err *err)
{
    char name[FL_SEGMENT_NAME_BYTES];
    uint32_t kept = 0;
    int r = FL_OK;

    for (uint32_t i = 0; i < d->seg_count; i++) {
        struct fl_store_seg *seg = d->segs[i];

        if (r < 0 || seg->first_seq < foot->first_seq || seg->last_seq > foot->last_seq) {
            d->segs[kept++] = seg;
            continue;
        }
        fl_segment_name(seg->id.file_id, name);
        r = fl_files_unlink(s->conf.files, dir, name, false, err);
        s->sum.rows -= seg->rows;
        fl_store_seg_unref(seg);
    }
    d->seg_count = kept;
    return r;
}

static int take_segment(struct fl_store *s, int dir, const char *slug,
                        const struct fl_segment_id *id, struct fl_segment *seg,
                        const unsigned char key[FL_KEY_BYTES], struct fl_err *err)
{
    const struct fl_segment_foot *foot = fl_segment_foot(seg);
    struct fl_store_tenant *t = fl_store_tenant_get(s, id->tenant, fl_span_str(slug), err);
    struct fl_store_day *d = t == NULL ? NULL : fl_store_day_get(t, id->day, err);
    struct fl_store_seg *known = NULL;
    char name[FL_SEGMENT_NAME_BYTES];
    int64_t newest_us;
    int r;

    if (d == NULL)
        return FL_E_NOMEM;
    if (held_already(d, foot)) {
        fl_segment_name(id->file_id, name);
        return fl_files_unlink(s->conf.files, dir, name, false, err);
    }
    r = drop_held(s, dir, d, foot, err);
    if (r >= 0)
        r = fl_store_seg_new(id, foot, slug, fl_segment_bytes(seg), key, &known, err);
    if (r >= 0)
        r = fl_store_add_seg(d, known, err);
    if (r < 0) {
        fl_store_seg_unref(known);
        return r;
    }
    if (foot->last_seq >= d->next_seq)
        d->next_seq = foot->last_seq + 1;
    d->visible_seq = d->next_seq - 1;
    s->sum.rows += foot->rows;
    /* A merge under a wrong clock writes the file, not the rows, anew: their day bounds it. */
    newest_us = ((int64_t)id->day + 1) * FL_US_PER_DAY;
    if (foot->created_us < newest_us)
        newest_us = foot->created_us;
    if (newest_us > s->newest_us)
        s->newest_us = newest_us;
    fl_marks_merge(&s->taken, foot->mark, foot->marks);
    return FL_OK;
}

/* A segment that does not open is passed over and counted; one of an unknown version, or trouble
 * with the keyring or the disk, stops the start. */
static int open_segment(struct fl_store *s, int dir, const char *slug, int32_t day,
                        const char *name, struct fl_err *err)
{
    struct fl_keyring *keys = s->conf.keyring;
    unsigned char key[FL_KEY_BYTES];
    struct fl_segment *seg = NULL;
    struct fl_segment_id id;
    int r = fl_segment_identify(s->conf.files, dir, name, &id, err);

    if (r >= 0 && fl_store_is_retired(s, id.file_id))
        return FL_OK;
    if (r >= 0 && id.day != day)
        r = fl_err_set(err, FL_E_CORRUPT, "segment %s belongs to another day", name);
    if (r >= 0)
        r = keys->ops->file_get(keys, id.tenant, id.day, id.file_id, key, err);
    if (r >= 0)
        r = fl_segment_open(s->conf.files, dir, &id, key, &seg, err);
    if (r >= 0)
        r = take_segment(s, dir, slug, &id, seg, key, err);
    explicit_bzero(key, sizeof key);
    fl_segment_close(seg);
    if (r == FL_E_CORRUPT || r == FL_E_NOENT) {
        s->sum.unreadable++;
        return FL_OK;
    }
    return r;
}

static int open_day(struct fl_store *s, int tenant_fd, const char *slug, const char *text,
                    int32_t day, struct fl_err *err)
{
    struct listing names = {0};
    int fd = -1, r = fl_files_open(s->conf.files, tenant_fd, text, FL_FILE_FOLDER, &fd, err);

    if (r >= 0)
        r = fl_store_swaps(s, fd, slug, day, err);
    if (r >= 0)
        r = list_folder(s, fd, &names, err);
    for (size_t i = 0; i < names.count && r >= 0; i++) {
        if (ends_in(names.name[i], ".tmp"))
            r = fl_files_unlink(s->conf.files, fd, names.name[i], false, err);
        else if (ends_in(names.name[i], ".seg"))
            r = open_segment(s, fd, slug, day, names.name[i], err);
    }
    listing_done(&names);
    fl_files_close(s->conf.files, fd);
    return r;
}

/* ---- baselines ---- */

static int open_baseline(struct fl_store *s, int dir, const char *slug, const char *name,
                         struct fl_err *err)
{
    struct fl_keyring *keys = s->conf.keyring;
    unsigned char key[FL_KEY_BYTES];
    struct fl_baseline head;
    struct fl_store_tenant *t;
    struct fl_sessions_stats stats;
    int r = fl_baseline_identify(s->conf.files, dir, name, &head, err);

    if (r >= 0)
        r = keys->ops->file_get(keys, head.tenant, head.day, head.file_id, key, err);
    if (r == FL_E_NOENT) /* its day was destroyed */
        return fl_files_unlink(s->conf.files, dir, name, false, err);
    if (r == FL_E_CORRUPT) {
        s->sum.unreadable++;
        return FL_OK;
    }
    if (r < 0)
        return r;
    t = fl_store_tenant_get(s, head.tenant, fl_span_str(slug), err);
    if (t == NULL)
        return FL_E_NOMEM;
    if (t->base_day != FL_DAY_NONE && t->base_lsn >= head.lsn)
        return fl_files_unlink(s->conf.files, dir, name, false, err); /* an older one */
    r = fl_baseline_read(s->conf.files, dir, name, key, t->sessions, &head, err);
    explicit_bzero(key, sizeof key);
    if (r == FL_E_CORRUPT) {
        fl_sessions_clear(t->sessions);
        s->sum.unreadable++;
        return FL_OK;
    }
    if (r < 0)
        return r;
    fl_sessions_stats(t->sessions, &stats);
    t->base_changes = stats.changes;
    t->base_lsn = t->last_lsn = t->sealed_lsn = head.lsn;
    t->base_day = head.day;
    t->base_us = head.written_us;
    memcpy(t->base_id, head.file_id, sizeof t->base_id);
    return FL_OK;
}

static int open_baselines(struct fl_store *s, int tenant_fd, const char *slug, struct fl_err *err)
{
    struct listing names = {0};
    int fd = -1, r = fl_files_open(s->conf.files, tenant_fd, "sessions", FL_FILE_FOLDER, &fd, err);

    if (r >= 0)
        r = list_folder(s, fd, &names, err);
    for (size_t i = 0; i < names.count && r >= 0; i++) {
        if (ends_in(names.name[i], ".tmp"))
            r = fl_files_unlink(s->conf.files, fd, names.name[i], false, err);
        else if (ends_in(names.name[i], ".base"))
            r = open_baseline(s, fd, slug, names.name[i], err);
    }
    listing_done(&names);
    fl_files_close(s->conf.files, fd);
    return r;
}

static int open_tenant(struct fl_store *s, const char *slug, struct fl_err *err)
{
    struct listing names = {0};
    int fd = -1, r = fl_files_open(s->conf.files, s->conf.dir_fd, slug, FL_FILE_FOLDER, &fd, err);

    if (r >= 0)
        r = list_folder(s, fd, &names, err);
    for (size_t i = 0; i < names.count && r >= 0; i++) {
        int32_t day;

        if (!names.folder[i])
            continue;
        if (strcmp(names.name[i], "sessions") == 0)
            r = open_baselines(s, fd, slug, err);
        else if (strlen(names.name[i]) == 10 && fl_day_parse(fl_span_str(names.name[i]), &day))
            r = open_day(s, fd, slug, names.name[i], day, err);
    }
    listing_done(&names);
    fl_files_close(s->conf.files, fd);
    return r < 0 && err != NULL ? fl_err_wrap(err, "tenant %s", slug) : r;
}

static int open_tenants(struct fl_store *s, struct fl_err *err)
{
    struct listing names = {0};
    int r = list_folder(s, s->conf.dir_fd, &names, err);

    for (size_t i = 0; i < names.count && r >= 0; i++)
        if (names.folder[i] && fl_store_slug_ok(names.name[i]))
            r = open_tenant(s, names.name[i], err);
    listing_done(&names);
    return r;
}

/* ---- the write-ahead log ---- */

struct replay {
    struct fl_store *s;
    struct fl_wal_file *file;
    struct fl_sessions *scratch; /* for rows whose baselines are newer than they are */
    uint64_t last_lsn;
    uint64_t limit; /* a later file begins at this record: what this one has of it never counted */
};

static bool covered(const struct fl_store_day *d, const struct fl_wal_record *rec)
{
    for (uint32_t i = d->seg_count; i-- > 0;)
        if (d->segs[i]->first_seq <= rec->first_seq &&
            d->segs[i]->last_seq >= rec->first_seq + rec->rows - 1)
            return true;
    return false;
}

/* Rows of a memtable are without gaps: where a segment in the midst of the log is missing, what was
 * before is sealed first. */
static int begin_anew(struct fl_store *s, struct fl_store_tenant *t, const struct fl_store_day *d,
                      uint64_t first_seq, struct fl_err *err)
{
    struct fl_memtable_info info = {.rows = 0};

    if (d->active != NULL)
        fl_memtable_info(d->active, &info);
    if (info.rows == 0 || info.first_seq + info.rows == first_seq)
        return FL_OK;
    return fl_store_seal_tenant(s, t, false, err);
}

static int replay_rows(struct replay *rp, struct fl_store_tenant *t, struct fl_store_day *d,
                       const struct fl_wal_record *rec, struct fl_err *err)
{
    struct fl_store *s = rp->s;
    struct fl_sessions *sessions = rec->lsn <= t->base_lsn ? rp->scratch : t->sessions;
    bool add = !covered(d, rec);
    int r;

    if (rec->rows == 0 || (!add && sessions == rp->scratch))
        return FL_OK;
    r = add ? begin_anew(s, t, d, rec->first_seq, err) : FL_OK;
    if (r >= 0)
        r = fl_store_apply(s, t, d, sessions, rec, add, err);
    if (r == FL_E_CORRUPT) { /* it was checked when it was accepted */
        s->sum.damaged++;
        return FL_OK;
    }
    if (r < 0 || !add)
        return r;
    s->sum.replayed_rows += rec->rows;
    s->sum.rows += rec->rows;
    return FL_OK;
}

static int replay_record(void *ctx, const struct fl_wal_record *rec, struct fl_err *err)
{
    struct replay *rp = ctx;
    struct fl_store *s = rp->s;
    struct fl_store_tenant *t;
    struct fl_store_day *d;
    int r;

    if (rec->lsn <= rp->last_lsn || rec->lsn >= rp->limit)
        return FL_OK; /* of a group that failed, or was torn, and whose numbers were given again */
    rp->last_lsn = rec->lsn;
    if (rec->accepted_us > s->newest_us)
        s->newest_us = rec->accepted_us;
    fl_marks_raise(&s->taken, rec->source, rec->number);
    if (rec->body.len == 0 && rec->rows > 0 && rec->day < fl_day_of(s->conf.now_us()))
        return FL_OK; /* destroyed */
    t = fl_store_tenant_get(s, rec->tenant, rec->slug, err);
    d = t == NULL ? NULL : fl_store_day_get(t, rec->day, err);
    if (d == NULL)
        return FL_E_NOMEM;
    if (rec->first_seq + rec->rows > d->next_seq)
        d->next_seq =
            rec->first_seq + rec->rows; /* of destroyed rows too: numbers are not reused */
    if (rec->body.len == 0 && rec->rows > 0)
        return FL_OK;
    r = fl_wal_note_stream(rp->file, rec->tenant, rec->day, rec->stream, rec->lsn, err);
    if (r >= 0)
        r = replay_rows(rp, t, d, rec, err);
    if (r < 0)
        return r;
    if (rec->lsn > t->last_lsn)
        t->last_lsn = rec->lsn;
    if (atomic_load(&s->memory) > s->conf.memtable_bytes) {
        r = fl_store_seal_due(s, err);
        if (r < 0 && atomic_load(&s->memory) > s->conf.memtable_bytes * MEMORY_TIMES)
            return r; /* a full disk should not keep the store from starting, as far as it can */
    }
    return FL_OK;
}

static int read_wal(struct replay *rp, const char *name, bool newest, struct fl_err *err)
{
    struct fl_store *s = rp->s;
    struct fl_wal_reading sum = {0};
    int r = fl_wal_note_file(s->wal, name, 0, &rp->file, err);

    if (r >= 0)
        r = fl_wal_read(s->conf.files, s->wal_dir, name, newest, s->conf.keyring, replay_record, rp,
                        &s->taken, &sum, err);
    if (r == FL_E_CORRUPT && sum.bytes >= FL_WAL_HEAD_BYTES + 4) {
        s->sum.damaged++; /* kept for a person to look at: its streams are not known */
        fl_wal_note_size(rp->file, sum.bytes);
        fl_wal_note_keep(rp->file);
        return FL_OK;
    }
    if (r == FL_E_CORRUPT) /* not even its header was written */
        return FL_OK;
    if (r < 0)
        return r;
    if (sum.head.next_lsn > rp->last_lsn)
        rp->last_lsn = sum.head.next_lsn - 1;
    s->sum.damaged += sum.damaged;
    s->sum.torn += sum.torn;
    fl_wal_note_size(rp->file, sum.bytes);
    return FL_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* limits[i]: the least record number at which a file after i begins. */
static void find_limits(struct fl_store *s, const struct listing *names, uint64_t *limits)
{
    uint64_t least = UINT64_MAX;

    for (size_t i = names->count; i-- > 0;) {
        struct fl_wal_head head;

        limits[i] = least;
        if (fl_wal_peek(s->conf.files, s->wal_dir, names->name[i], &head, NULL) >= 0 &&
            head.next_lsn < least)
            least = head.next_lsn;
    }
}

static int replay_files(struct replay *rp, const struct listing *names, struct fl_err *err)
{
    uint64_t *limits = calloc(names->count + 1, sizeof *limits), number;
    size_t last = names->count;
    int r = 0;

    if (limits == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to replay");
    find_limits(rp->s, names, limits);
    while (last > 0 && !fl_wal_name_parse(names->name[last - 1], &number))
        last--;
    for (size_t i = 0; i < last && r >= 0; i++) {
        rp->limit = limits[i];
        if (fl_wal_name_parse(names->name[i], &number))
            r = read_wal(rp, names->name[i], i + 1 == last, err);
    }
    free(limits);
    return r;
}

static int replay_all(struct fl_store *s, const struct listing *names, struct fl_err *err)
{
    struct replay rp = {.s = s};
    int r = fl_sessions_new_in(s->session_pool, s->conf.sessions_max, &rp.scratch, err);

    if (r >= 0)
        r = replay_files(&rp, names, err);
    for (uint32_t i = 0; i < s->tenant_count; i++)
        if (s->tenants[i]->last_lsn > rp.last_lsn)
            rp.last_lsn = s->tenants[i]->last_lsn;
    fl_wal_resume(s->wal, rp.last_lsn + 1, &s->taken);
    fl_sessions_free(rp.scratch);
    return r;
}

static int recover_wal(struct fl_store *s, struct fl_err *err)
{
    struct fl_wal_config conf = {.fs = s->conf.files,
                                 .dir = s->wal_dir,
                                 .keys = s->conf.keyring,
                                 .now_us = s->conf.now_us,
                                 .file_bytes = s->conf.wal_file_bytes};
    struct listing names = {0};
    uint64_t number, next = 1;
    int r = list_folder(s, s->wal_dir, &names, err);

    if (names.count > 0)
        qsort(names.name, names.count, sizeof *names.name, by_name);
    for (size_t i = 0; i < names.count; i++)
        if (fl_wal_name_parse(names.name[i], &number) && number >= next)
            next = number + 1;
    if (r >= 0)
        r = fl_wal_new(&conf, next, &s->wal, err);
    if (r >= 0)
        r = replay_all(s, &names, err);
    listing_done(&names);
    return r;
}

static void show_all(struct fl_store *s)
{
    for (uint32_t i = 0; i < s->tenant_count; i++) {
        for (uint32_t k = 0; k < s->tenants[i]->day_count; k++) {
            struct fl_store_day *d = s->tenants[i]->days[k];

            d->touched = false;
            d->visible_seq = d->next_seq - 1;
            if (d->active != NULL)
                fl_memtable_show(d->active);
        }
    }
}

int fl_store_recover(struct fl_store *s, struct fl_err *err)
{
    int r;

    s->replaying = true;
    s->going = true;
    r = fl_store_finish_going(s, err);
    if (r >= 0)
        r = open_tenants(s, err);
    if (r >= 0)
        r = recover_wal(s, err);
    if (r < 0)
        return r;
    show_all(s);
    s->replaying = false;
    if (s->conf.mono_us != NULL)
        fl_wallclock_init(&s->clock, s->conf.now_us(), s->conf.mono_us(), s->newest_us);
    /* From here on everything is served. What fails now (a full disk) the ticks try again. */
    r = fl_wal_commit(s->wal, NULL); /* begins the new file: it holds the marks from now on */
    for (uint32_t i = 0; i < s->tenant_count && r >= 0; i++)
        r = fl_store_seal_tenant(s, s->tenants[i], true, NULL);
    if (r >= 0)
        r = fl_store_drop_wal(s, NULL);
    fl_store_sum_wal(s);
    return FL_OK;
}
