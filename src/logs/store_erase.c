/* Erasing one person: declared in store_erase.h. */
#include "logs/store_erase.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "logs/mask.h"
#include "logs/pick.h"
#include "logs/store_int.h"
#include "logs/store_rewrite.h"

enum {
    FEW_PART = 64, /* of the rows of a segment: so many are taken out without reading the others */
    FEW_LEAST = 16,
    FEW_MOST = 512
};

struct range { /* a segment that was searched */
    int32_t day;
    uint64_t first_seq, last_seq;
    unsigned char file_id[FL_FILE_ID_BYTES];
    bool hit;
    uint32_t *found; /* owned: block << 16 | row, rising; NULL: not known, or too many */
    uint32_t count;
};
_Static_assert(FL_BLOCK_MAX_ROWS <= 1u << 16 && FL_SEGMENT_MAX_BLOCKS <= 1u << 16, "fit");

struct work {
    struct fl_store *s;
    const struct fl_erase_rule *rule;
    const struct fl_erase_watch *watch;
    struct fl_erase_match *match;
    struct fl_fieldset fields; /* to search; with those that name a session */
    bool dry;
    uint8_t hit[FL_BLOCK_MAX_ROWS / 8];
    struct range *seen; /* owned */
    size_t seen_count, seen_cap;
    uint32_t found[FEW_MOST], found_count; /* of the part that is looked at */
    const struct range *known;             /* of the segment that is rewritten; or NULL */
    struct fl_retired retired;
    struct fl_erase_result sum;
    uint64_t done, total;
    bool counting; /* rows that are found count: once each */
};

static bool tell(struct work *w, int32_t day)
{
    return w->watch == NULL || w->watch->tell == NULL ||
           w->watch->tell(w->watch->ctx, w->done, w->total, day);
}

/* ---- looking ---- */

/* What the store remembers of the sessions of these rows. */
static void forget_sessions(struct work *w, const struct fl_block *block)
{
    const struct fl_col *device = &block->col[FL_F_DEVICE], *session = &block->col[FL_F_SESSION];
    struct fl_sessions_stats before, after;
    struct fl_store_tenant *t;

    if (session->present == 0 || device->present == 0)
        return;
    pthread_mutex_lock(&w->s->wr);
    t = fl_store_find(w->s, w->rule->tenant);
    if (t != NULL) {
        fl_sessions_stats(t->sessions, &before);
        for (uint32_t i = 0; i < block->rows; i++)
            if ((w->hit[i / 8] >> (i % 8) & 1) != 0 && fl_col_has(session, i) &&
                fl_col_has(device, i))
                fl_sessions_forget(t->sessions, device->words[device->code[i]], session->num[i]);
        fl_sessions_stats(t->sessions, &after);
        t->forgets += before.changes != after.changes;
    }
    pthread_mutex_unlock(&w->s->wr);
}

/* The rows of a block that go, in w->hit. */
static int look_at(struct work *w, const struct fl_block *block, struct fl_erase_found *ret,
                   struct fl_err *err)
{
    int r = fl_erase_match(w->match, block, w->hit, ret, err);

    if (r < 0 || ret->rows == 0)
        return r;
    if (!w->dry)
        forget_sessions(w, block);
    if (!w->counting)
        return r;
    w->sum.rows += ret->rows;
    w->sum.by_where += ret->by_where;
    w->sum.blocks++;
    for (size_t f = 0; f < FL_FIELD_COUNT; f++)
        w->sum.by_field[f] += ret->by_field[f];
    return r;
}

/* Rows of block b that go; FEW_MOST: they are too many to be remembered. */
static void note_found(struct work *w, uint32_t b, uint32_t rows)
{
    for (uint32_t i = 0; i < rows && w->found_count < FEW_MOST; i++)
        if ((w->hit[i / 8] >> (i % 8) & 1) != 0)
            w->found[w->found_count++] = b << 16 | i;
}

static bool are_few(uint32_t count, uint32_t rows)
{
    return count > 0 && count < FEW_MOST && (count <= FEW_LEAST || count <= rows / FEW_PART);
}

static int note_seen(struct work *w, struct fl_part *part, const struct fl_part_info *info,
                     bool hit, struct fl_err *err)
{
    struct range *to;

    if (w->seen_count == w->seen_cap) {
        size_t cap = w->seen_cap == 0 ? 256 : w->seen_cap * 2;
        struct range *grown = realloc(w->seen, cap * sizeof *grown);

        if (grown == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory to look for a person");
        w->seen = grown;
        w->seen_cap = cap;
    }
    to = &w->seen[w->seen_count++];
    *to = (struct range){
        .day = info->day, .first_seq = info->first_seq, .last_seq = info->last_seq, .hit = hit};
    memcpy(to->file_id, fl_part_file_id(part), sizeof to->file_id);
    if (!hit || !are_few(w->found_count, info->rows))
        return FL_OK;
    to->found = malloc(w->found_count * sizeof *to->found); /* without: they are looked for again */
    if (to->found == NULL)
        return FL_OK;
    memcpy(to->found, w->found, w->found_count * sizeof *to->found);
    to->count = w->found_count;
    return FL_OK;
}

/* Sums of a part that name the person: they are made anew with the segment. */
static void count_rollups(struct work *w, struct fl_part *part)
{
    uint64_t read = 0;

    for (int tier = 0; tier < FL_ROLLUP_TIERS; tier++) {
        struct fl_rollup *sums = NULL;

        if (!fl_part_has_rollup(part, FL_BY_USER, (enum fl_rollup_tier)tier) ||
            fl_part_rollup(part, FL_BY_USER, (enum fl_rollup_tier)tier, &sums, &read, NULL) < 0)
            continue;
        for (size_t i = 0; i < sums->count; i++) {
            struct fl_span user = sums->keys[sums->entries[i].key];

            w->sum.rollup_entries +=
                (w->rule->user.len > 0 && fl_erase_has_word(user, w->rule->user)) ||
                (w->rule->ip.len > 0 && fl_erase_has_ip(user, w->rule->ip.ptr));
        }
        fl_rollup_free(sums);
    }
}

/* A block that does not open may hold anything: its segment is rewritten without it. */
static int look_at_part(struct work *w, struct fl_part *part, uint64_t *ret_rows,
                        struct fl_err *err)
{
    struct fl_part_info info;
    int r = FL_OK;

    fl_part_info(part, &info);
    *ret_rows = 0;
    w->found_count = 0;
    for (uint32_t b = 0; b < info.blocks && r >= 0; b++) {
        struct fl_erase_found found = {0};
        struct fl_block *block = NULL;
        uint64_t read = 0;

        r = fl_part_load(part, b, &w->fields, &block, &read, err);
        if (r == FL_E_CORRUPT) {
            ++*ret_rows;
            w->found_count = FEW_MOST;
            r = FL_OK;
            continue;
        }
        if (r == FL_E_NOENT) /* gone or replaced meanwhile: the new one is looked at later */
            return FL_OK;
        if (r >= 0)
            r = look_at(w, block, &found, err);
        if (found.rows > 0)
            note_found(w, b, block->rows);
        fl_block_free(block);
        *ret_rows += found.rows;
    }
    return r;
}

static int look_at_all(struct work *w, struct fl_err *err)
{
    struct fl_parts *parts = NULL;
    int32_t last_day = INT32_MIN;
    int r = fl_parts_open(w->s, w->rule->tenant, INT64_MIN, INT64_MAX, &parts, err);

    if (r < 0)
        return r;
    w->total = fl_parts_count(parts);
    for (size_t i = 0; i < fl_parts_count(parts) && r >= 0; i++) {
        struct fl_part *part = fl_parts_get(parts, i);
        struct fl_part_info info;
        uint64_t rows = 0;

        fl_part_info(part, &info);
        w->done = i;
        if (!tell(w, info.day)) {
            r = fl_err_set(err, FL_E_TIMEOUT, "the erasure was given up; nothing was changed");
            break;
        }
        if (!info.sealed && !w->dry)
            continue; /* came after the sealing: seen when it is sealed itself */
        r = look_at_part(w, part, &rows, err);
        w->sum.searched += info.sealed;
        w->sum.segments += info.sealed && rows > 0;
        w->sum.days += rows > 0 && info.day != last_day;
        last_day = rows > 0 ? info.day : last_day;
        if (r >= 0 && w->dry && info.sealed && rows > 0)
            count_rollups(w, part);
        if (r >= 0 && info.sealed)
            r = note_seen(w, part, &info, rows > 0, err);
    }
    fl_parts_free(parts);
    return r;
}

/* ---- sealing ---- */

/* All that was accepted so far is in segments, and what comes goes to new streams. maint held. */
static int turn_and_seal(struct work *w, struct fl_store_tenant *t, struct fl_err *err)
{
    struct fl_store *s = w->s;
    uint64_t forgets;
    bool there;
    int r;

    pthread_mutex_lock(&s->wr);
    r = s->broken ? fl_err_set(err, FL_E_NOMEM, "the store must begin anew")
                  : fl_store_commit_locked(s, err);
    if (r >= 0)
        fl_wal_turn(s->wal, t->id);
    pthread_mutex_unlock(&s->wr);
    there = t->base_day != FL_DAY_NONE;
    forgets = t->base_forgets;
    if (r >= 0)
        r = fl_store_seal_tenant(s, t, true, err);
    w->sum.baselines += r >= 0 && there && t->base_forgets != forgets;
    return r;
}

static int seal(struct work *w, struct fl_err *err)
{
    struct fl_store_tenant *t;
    int r = FL_OK;

    pthread_mutex_lock(&w->s->maint);
    t = fl_store_find(w->s, w->rule->tenant);
    if (t != NULL)
        r = turn_and_seal(w, t, err);
    pthread_mutex_unlock(&w->s->maint);
    return r;
}

/* ---- rewriting ---- */

/* For fl_store_rewrite(): what was found. */
static void known(void *ctx, uint32_t block, uint32_t rows, uint8_t *bits)
{
    struct work *w = ctx;

    for (uint32_t i = 0; i < w->known->count; i++) {
        uint32_t row = w->known->found[i] & 0xffff;

        if (w->known->found[i] >> 16 != block || row >= rows)
            continue;
        bits[row / 8] = (uint8_t)(bits[row / 8] & ~(1u << (row % 8)));
    }
}

static int keep(void *ctx, const struct fl_block *block, uint8_t *bits, struct fl_err *err)
{
    struct work *w = ctx;
    struct fl_erase_found found;
    int r = FL_OK;

    if (fl_pick_count(bits, block->rows) < block->rows) { /* they were found before */
        for (uint32_t i = 0; i < (block->rows + 7) / 8; i++)
            w->hit[i] = (uint8_t)~bits[i];
        forget_sessions(w, block);
        return FL_OK;
    }
    r = look_at(w, block, &found, err);
    for (uint32_t i = 0; r >= 0 && i < (block->rows + 7) / 8; i++)
        bits[i] = (uint8_t)(bits[i] & ~w->hit[i]);
    return r;
}

/* What does not open can be searched by nobody, and goes with its key. */
static int lost(void *ctx, uint32_t seg, uint32_t block, uint32_t rows, const struct fl_err *why)
{
    struct work *w = ctx;

    (void)seg, (void)block;
    if (why->code != FL_E_CORRUPT)
        return FL_E_IO; /* it may open next time */
    w->sum.lost_blocks++;
    w->sum.lost_rows += rows;
    return 0;
}

enum verdict { CLEAN, HIT, UNKNOWN };

static enum verdict verdict_of(const struct work *w, const struct fl_store_seg *seg,
                               const struct range **ret_known)
{
    *ret_known = NULL;
    for (size_t i = 0; i < w->seen_count; i++) {
        const struct range *range = &w->seen[i];

        if (range->day == seg->id.day && range->first_seq == seg->first_seq &&
            range->last_seq == seg->last_seq) {
            if (range->found != NULL &&
                memcmp(range->file_id, seg->id.file_id, sizeof range->file_id) == 0)
                *ret_known = range;
            return range->hit ? HIT : CLEAN;
        }
    }
    return UNKNOWN;
}

/* A segment that was sealed or merged since: does it hold such rows? */
static int look_into(struct work *w, struct fl_store_seg *seg, bool *ret_hit, struct fl_err *err)
{
    struct fl_erase_found found = {0};
    struct fl_segment *open = NULL;
    unsigned char key[FL_KEY_BYTES];
    char path[FL_STORE_PATH_BYTES];
    int fd, r;

    fl_store_path(seg->slug, seg->id.day, path);
    r = fl_files_open(w->s->conf.files, w->s->conf.dir_fd, path, FL_FILE_FOLDER, &fd, err);
    if (r < 0)
        return r;
    memcpy(key, seg->key, sizeof key); /* changes under maint only */
    r = fl_segment_open(w->s->conf.files, fd, &seg->id, key, &open, err);
    explicit_bzero(key, sizeof key);
    *ret_hit = false;
    for (uint32_t b = 0; r >= 0 && b < seg->blocks && !*ret_hit; b++) {
        struct fl_block *block = NULL;
        uint64_t read = 0;

        r = fl_segment_load(open, b, &w->fields, &block, &read, err);
        if (r >= 0)
            r = fl_erase_match(w->match, block, w->hit, &found, err);
        fl_block_free(block);
        *ret_hit = found.rows > 0;
    }
    if (r == FL_E_CORRUPT) {
        *ret_hit = true;
        r = FL_OK;
    }
    fl_segment_close(open);
    fl_files_close(w->s->conf.files, fd);
    return r;
}

static int rewrite(struct work *w, struct fl_store_tenant *t, struct fl_store_day *d,
                   struct fl_store_seg *seg, struct fl_err *err)
{
    struct fl_store_seg *const old[] = {seg};
    struct fl_rewrite_result res = {0};
    enum verdict verdict = verdict_of(w, seg, &w->known);
    struct fl_rewrite rw = {
        .tenant = t, .day = d, .old = old, .old_count = 1, .keep = keep, .lost = lost, .ctx = w};
    bool hit = verdict == HIT;
    int r = FL_OK;

    if (w->known != NULL)
        rw.known = known;
    if (verdict == UNKNOWN)
        r = look_into(w, seg, &hit, err);
    if (r < 0 || !hit)
        return r;
    w->counting = verdict == UNKNOWN; /* the others were counted when they were found */
    w->sum.segments += verdict == UNKNOWN;
    r = fl_store_rewrite(w->s, &rw, &w->retired, &res, err);
    w->sum.bytes_in += res.bytes_in;
    w->sum.bytes_out += res.bytes_out;
    return r;
}

/* The first segment behind (day, last number), in order. maint held. */
static struct fl_store_seg *next_seg(const struct fl_store_tenant *t, int32_t day,
                                     uint64_t last_seq, struct fl_store_day **ret_day)
{
    for (uint32_t i = 0; i < t->day_count; i++) {
        struct fl_store_day *d = t->days[i];

        if (d->day < day)
            continue;
        for (uint32_t k = 0; k < d->seg_count; k++)
            if (d->day > day || d->segs[k]->last_seq > last_seq) {
                *ret_day = d;
                return d->segs[k];
            }
    }
    return NULL;
}

static int rewrite_all(struct work *w, struct fl_err *err)
{
    int32_t day = INT32_MIN;
    uint64_t last_seq = 0;
    bool more = true;
    int r = FL_OK;

    w->done = 0;
    while (more && r >= 0) {
        struct fl_store_tenant *t;
        struct fl_store_day *d = NULL;
        struct fl_store_seg *seg;

        pthread_mutex_lock(&w->s->maint);
        t = fl_store_find(w->s, w->rule->tenant);
        seg = t == NULL ? NULL : next_seg(t, day, last_seq, &d);
        more = seg != NULL;
        if (more) {
            day = d->day;
            last_seq = seg->last_seq;
            r = rewrite(w, t, d, seg, err);
            w->done++;
        }
        pthread_mutex_unlock(&w->s->maint);
        if (more)
            (void)tell(w, day); /* it is too late to give up */
    }
    return r;
}

/* ---- keys ---- */

struct living { /* files of the tenant whose keys must stay */
    struct fl_key_file *file;
    uint32_t count, cap;
    bool failed;
    int32_t day; /* of the folder that is listed */
    struct work *w;
};

static void add_living(struct living *l, int32_t day, const unsigned char *id)
{
    if (l->count == l->cap) {
        uint32_t cap = l->cap == 0 ? 256 : l->cap * 2;
        struct fl_key_file *grown = realloc(l->file, cap * sizeof *grown);

        if (grown == NULL) {
            l->failed = true;
            return;
        }
        l->file = grown;
        l->cap = cap;
    }
    l->file[l->count].day = day;
    memcpy(l->file[l->count++].file_id, id, FL_FILE_ID_BYTES);
}

static void add_stream(void *ctx, int32_t day, const unsigned char id[16])
{
    add_living(ctx, day, id);
}

static bool is_retired(const struct work *w, const unsigned char *id)
{
    for (size_t i = 0; i < w->retired.count; i++)
        if (memcmp(w->retired.seg[i].file_id, id, FL_FILE_ID_BYTES) == 0)
            return true;
    return fl_store_is_retired(w->s, id);
}

static bool is_living(const struct living *l, int32_t day, const unsigned char *id)
{
    for (uint32_t i = 0; i < l->count; i++)
        if (l->file[i].day == day && memcmp(l->file[i].file_id, id, FL_FILE_ID_BYTES) == 0)
            return true;
    return false;
}

/* A segment on the disk that the store could not open: what it holds was not searched, and is not
 * destroyed either, for it may be other people's. */
static int note_file(void *ctx, const char *name, bool folder)
{
    struct living *l = ctx;
    unsigned char id[FL_FILE_ID_BYTES];

    if (folder || strlen(name) != 36 || strcmp(name + 32, ".seg") != 0 || !fl_id_parse(name, id) ||
        is_retired(l->w, id) || is_living(l, l->day, id))
        return 0;
    add_living(l, l->day, id);
    l->w->sum.unreadable++;
    return l->failed ? -ENOMEM : 0;
}

static int add_unreadable(struct living *l, const struct fl_store_tenant *t, struct fl_err *err)
{
    const struct fl_files *fs = l->w->s->conf.files;
    int r = FL_OK;

    l->w->sum.unreadable = 0;
    for (uint32_t i = 0; i < t->day_count && r >= 0; i++) {
        char path[FL_STORE_PATH_BYTES];
        int fd;

        l->day = t->days[i]->day;
        fl_store_path(t->slug, l->day, path);
        if (fl_files_open(fs, l->w->s->conf.dir_fd, path, FL_FILE_FOLDER, &fd, NULL) < 0)
            continue; /* a day without segments */
        r = fs->list(fs, fd, note_file, l);
        fl_files_close(fs, fd);
        if (r < 0)
            r = fl_err_sys(err, FL_E_IO, -r, "cannot list %s", path);
    }
    return r;
}

static int find_living(struct living *l, const struct fl_store_tenant *t, struct fl_err *err)
{
    struct fl_store *s = l->w->s;

    pthread_mutex_lock(&s->wr);
    fl_wal_each_stream(s->wal, t->id, add_stream, l);
    pthread_mutex_unlock(&s->wr);
    for (uint32_t i = 0; i < t->day_count; i++)
        for (uint32_t k = 0; k < t->days[i]->seg_count; k++)
            add_living(l, t->days[i]->day, t->days[i]->segs[k]->id.file_id);
    if (t->base_day != FL_DAY_NONE)
        add_living(l, t->base_day, t->base_id);
    if (l->failed)
        return fl_err_set(err, FL_E_NOMEM, "no memory to destroy keys");
    return add_unreadable(l, t, err);
}

static int by_file(const void *a, const void *b)
{
    const struct fl_key_file *l = a, *r = b;

    if (l->day != r->day)
        return l->day < r->day ? -1 : 1;
    return memcmp(l->file_id, r->file_id, FL_FILE_ID_BYTES);
}

static int destroy_listed(struct work *w, const struct fl_key_file *files, uint32_t count,
                          struct fl_err *err)
{
    struct fl_keyring *keys = w->s->conf.keyring;
    uint32_t at = 0;

    do { /* with nothing to destroy too: the epoch is told */
        uint32_t n = count - at < FL_KEY_FILES_MAX ? count - at : FL_KEY_FILES_MAX;
        struct fl_destroyed gone = {0};
        int r =
            keys->ops->destroy_files(keys, w->rule->tenant, files + at, n, "erasure", &gone, err);

        if (r < 0)
            return r;
        at += n;
        w->sum.keys += gone.keys;
        w->sum.epoch = gone.epoch;
        memcpy(w->sum.root_kind, gone.root_kind, sizeof w->sum.root_kind);
    } while (at < count);
    return FL_OK;
}

/*
 * Keys that no living file of the tenant needs. The list is taken first: a stream or segment that
 * is begun meanwhile is not on it, or is known as living below. maint held.
 */
static int destroy_rest(struct work *w, const struct fl_store_tenant *t, struct fl_err *err)
{
    struct fl_keyring *keys = w->s->conf.keyring;
    struct living l = {.w = w};
    struct fl_key_file *files = NULL;
    uint32_t count = 0, kept = 0;
    int r = keys->ops->list_files(keys, t->id, &files, &count, err);

    if (r >= 0)
        r = find_living(&l, t, err);
    if (r >= 0 && l.count > 0)
        qsort(l.file, l.count, sizeof *l.file, by_file);
    for (uint32_t i = 0; i < count && r >= 0; i++)
        if (!fl_mask_is_key(files[i].day, files[i].file_id) &&
            (l.count == 0 || bsearch(&files[i], l.file, l.count, sizeof *files, by_file) == NULL)) {
            w->sum.streams += !is_retired(w, files[i].file_id);
            files[kept++] = files[i];
        }
    if (r >= 0)
        r = destroy_listed(w, files, kept, err);
    free(files);
    free(l.file);
    return r;
}

static int end_work(struct work *w, struct fl_store_tenant *t, struct fl_err *err)
{
    struct fl_destroyed gone = {0};
    int r;

    for (size_t i = 0; i < w->retired.count; i++) /* before their keys: no query is surprised */
        if (w->retired.seg[i].seg != NULL)
            fl_store_seg_void(w->retired.seg[i].seg);
    r = turn_and_seal(w, t, err);
    if (r >= 0)
        r = destroy_rest(w, t, err);
    if (r >= 0)
        r = fl_store_retire(w->s, &w->retired, "erasure", &gone, err);
    if (r >= 0)
        r = fl_store_drop_wal(w->s, err);
    return r;
}

static int erase(struct work *w, struct fl_err *err)
{
    struct fl_store_tenant *t;
    int r = seal(w, err);

    w->counting = true;
    if (r >= 0)
        r = look_at_all(w, err);
    if (r >= 0)
        r = seal(w, err); /* the baseline too, before rows that tell of its sessions are gone */
    if (r >= 0)
        r = rewrite_all(w, err);
    pthread_mutex_lock(&w->s->maint);
    t = fl_store_find(w->s, w->rule->tenant);
    if (r >= 0 && t != NULL)
        r = end_work(w, t, err);
    if (w->retired.count > 0) { /* failed: those that stand in place of others are in use */
        struct fl_destroyed gone;

        (void)!fl_store_retire(w->s, &w->retired, "erasure", &gone, NULL);
    }
    pthread_mutex_unlock(&w->s->maint);
    return r;
}

int fl_store_erase(struct fl_store *s, const struct fl_erase_rule *rule, bool dry,
                   const struct fl_erase_watch *watch, struct fl_erase_result *ret,
                   struct fl_err *err)
{
    struct work *w = calloc(1, sizeof *w);
    int r;

    if (w == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for an erasure");
    w->s = s;
    w->rule = rule;
    w->watch = watch;
    w->dry = dry;
    w->counting = true;
    r = fl_erase_match_new(rule, &w->match, err);
    if (r >= 0) {
        w->fields = fl_erase_match_fields(w->match);
        fl_fieldset_add(&w->fields, FL_F_DEVICE);
        fl_fieldset_add(&w->fields, FL_F_SESSION);
        r = dry ? look_at_all(w, err) : erase(w, err);
    }
    if (r >= 0)
        *ret = w->sum;
    fl_erase_match_free(w->match);
    fl_retired_done(&w->retired);
    for (size_t i = 0; i < w->seen_count; i++)
        free(w->seen[i].found);
    free(w->seen);
    free(w);
    return r;
}
