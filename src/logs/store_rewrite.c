/* Segments that take the place of others: declared in store_rewrite.h. */
#include "logs/store_rewrite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "logs/pick.h"
#include "logs/store_rewrite_cut.h"
#include "logs/store_swap.h"

_Static_assert(FL_REWRITE_MAX <= FL_SWAP_OLD_MAX, "a .swap file lists them all");

enum {
    FULL_ROWS = 49152,   /* a block that has them is not waited for to be filled */
    RETIRE_AT_ONCE = 256 /* so many do not wait for more to share their epoch */
};
#define RETIRE_AFTER_US  (10 * FL_US_PER_S)
#define RETIRE_LATEST_US (60 * FL_US_PER_S) /* that queries may hold them */

struct work {
    struct fl_store *s;
    const struct fl_rewrite *rw;
    struct fl_pick *pick;
    struct fl_cutter *cutter; /* NULL: rows are gathered anew */
    struct fl_segment *seg;   /* old[seg_no], at block_no; NULL: to be opened */
    uint32_t seg_no, block_no;
    struct fl_block *block; /* of it, whose rows from row_at on are to be taken */
    uint32_t row_at, kept;
    uint32_t blocks_max;
    struct fl_marks marks;
    uint8_t keep[FL_BLOCK_MAX_ROWS / 8];
    struct fl_rewrite_result sum;
    bool ended; /* every row was looked at */
};

static void work_free(struct work *w)
{
    if (w == NULL)
        return;
    fl_segment_close(w->seg);
    fl_block_free(w->block);
    fl_pick_free(w->pick);
    fl_cutter_free(w->cutter);
    free(w);
}

/* ---- the rows that stay ---- */

static int open_old(struct fl_store *s, struct fl_store_seg *seg, struct fl_segment **ret,
                    struct fl_err *err)
{
    unsigned char key[FL_KEY_BYTES];
    char path[FL_STORE_PATH_BYTES];
    int fd, r;

    fl_store_path(seg->slug, seg->id.day, path);
    r = fl_files_open(s->conf.files, s->conf.dir_fd, path, FL_FILE_FOLDER, &fd, err);
    if (r < 0)
        return r;
    pthread_mutex_lock(&seg->key_mu);
    memcpy(key, seg->key, sizeof key);
    pthread_mutex_unlock(&seg->key_mu);
    r = fl_segment_open(s->conf.files, fd, &seg->id, key, ret, err);
    explicit_bzero(key, sizeof key);
    fl_files_close(s->conf.files, fd);
    return r;
}

/* May this block be left behind? */
static int lose(struct work *w, uint32_t block, uint32_t rows, const struct fl_err *why,
                struct fl_err *err)
{
    bool damaged = why->code == FL_E_CORRUPT || why->code == FL_E_IO ||
                   (why->code == FL_E_NOENT && block == FL_SEGMENT_WHOLE);

    if (w->rw->lost == NULL || !damaged || w->rw->lost(w->rw->ctx, w->seg_no, block, rows, why) < 0)
        return fl_err_set(err, why->code, "%s", why->text);
    w->sum.lost_blocks += block == FL_SEGMENT_WHOLE ? w->rw->old[w->seg_no]->blocks : 1;
    w->sum.rows_lost += rows;
    return FL_OK;
}

/* w->block was loaded: which of its rows stay? */
static int choose(struct work *w, struct fl_err *err)
{
    int r = FL_OK;

    w->row_at = 0;
    w->kept = w->block->rows;
    w->sum.rows_in += w->block->rows;
    w->sum.blocks_in++;
    if (w->rw->keep == NULL)
        return FL_OK;
    memset(w->keep, 0xff, sizeof w->keep);
    r = w->rw->keep(w->rw->ctx, w->block, w->keep, err);
    w->kept = fl_pick_count(w->keep, w->block->rows);
    return r;
}

/* The next old block into w->block; it stays NULL at the end. */
static int next_block(struct work *w, struct fl_err *err)
{
    const struct fl_fieldset all = fl_fieldset_all();
    int r = FL_OK;

    while (r >= 0 && w->block == NULL && w->seg_no < w->rw->old_count) {
        struct fl_store_seg *old = w->rw->old[w->seg_no];
        struct fl_err why = {0};
        uint64_t read = 0;

        if (w->seg == NULL && open_old(w->s, old, &w->seg, &why) < 0) {
            r = lose(w, FL_SEGMENT_WHOLE, old->rows, &why, err);
            w->seg_no++;
            continue;
        }
        if (w->block_no == old->blocks) {
            fl_segment_close(w->seg);
            w->seg = NULL;
            w->seg_no++;
            w->block_no = 0;
        } else if (fl_segment_load(w->seg, w->block_no++, &all, &w->block, &read, &why) < 0) {
            r = lose(w, w->block_no - 1, fl_segment_foot(w->seg)->block[w->block_no - 1].rows, &why,
                     err);
        } else {
            r = choose(w, err);
        }
    }
    return r;
}

static struct fl_block *take_block(struct work *w)
{
    struct fl_block *block = w->block;

    w->block = NULL;
    return block;
}

/* For fl_segment_write_as(): the next new block, NULL at the end. */
static int load_next(void *ctx, uint32_t no, struct fl_block **ret, struct fl_err *err)
{
    struct work *w = ctx;
    int r = FL_OK;

    (void)no;
    *ret = NULL;
    while (r >= 0 && *ret == NULL) {
        r = next_block(w, err);
        if (r < 0 || w->block == NULL)
            break;
        if (w->kept >= FULL_ROWS && fl_pick_rows(w->pick) == 0 && w->row_at == 0) {
            if (w->kept < w->block->rows)
                r = fl_pick_drop(w->block, w->keep, err);
            *ret = r < 0 ? NULL : take_block(w); /* full as it is */
            break;
        }
        if (w->kept > 0)
            r = fl_pick_add(w->pick, w->block, w->rw->keep != NULL ? w->keep : NULL, &w->row_at,
                            err);
        if (r < 0 || (w->kept > 0 && w->row_at < w->block->rows)) {
            *ret = r < 0 ? NULL : fl_pick_take(w->pick); /* full */
            break;
        }
        fl_block_free(take_block(w));
        if (fl_pick_rows(w->pick) >= FULL_ROWS)
            *ret = fl_pick_take(w->pick);
    }
    w->ended = r >= 0 && w->block == NULL && w->seg_no == w->rw->old_count;
    if (w->ended && *ret == NULL && fl_pick_rows(w->pick) > 0)
        *ret = fl_pick_take(w->pick);
    if (r >= 0 && *ret != NULL) {
        w->sum.rows_out += (*ret)->rows;
        w->sum.blocks_out++;
    }
    return r;
}

/* Marks of all; how many blocks can there be? */
static int look_at_all(struct work *w, struct fl_err *err)
{
    for (uint32_t i = 0; i < w->rw->old_count; i++) {
        struct fl_segment *seg = NULL;

        w->sum.bytes_in += w->rw->old[i]->bytes;
        w->blocks_max += w->rw->old[i]->blocks;
        if (open_old(w->s, w->rw->old[i], &seg, NULL) < 0)
            continue; /* load_next() meets it again */
        fl_marks_merge(&w->marks, fl_segment_foot(seg)->mark, fl_segment_foot(seg)->marks);
        fl_segment_close(seg);
    }
    if (w->blocks_max > FL_SEGMENT_MAX_BLOCKS)
        return fl_err_set(err, FL_E_LIMIT, "%u blocks do not go into one segment",
                          (unsigned)w->blocks_max);
    return fl_pick_new(&w->pick, err);
}

/* ---- the new segment takes their place ---- */

int fl_retired_reserve(struct fl_retired *r, size_t more, struct fl_err *err)
{
    struct fl_retired_seg *grown;
    size_t cap = r->count + more;

    if (cap <= r->cap)
        return FL_OK;
    grown = realloc(r->seg, cap * 2 * sizeof *grown);
    if (grown == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for replaced segments");
    r->seg = grown;
    r->cap = cap * 2;
    return FL_OK;
}

static int write_swap(struct work *w, int dir, const struct fl_segment_id *id, bool nothing,
                      struct fl_err *err)
{
    struct fl_swap *swap = calloc(1, sizeof *swap);
    FL_AUTO(fl_buf_done) struct fl_buf bytes;
    char name[FL_SWAP_NAME_BYTES];
    int r;

    fl_buf_init(&bytes, FL_SWAP_MAX_BYTES);
    if (swap == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to replace segments");
    swap->tenant = id->tenant;
    swap->day = id->day;
    swap->nothing = nothing;
    swap->count = w->rw->old_count;
    memcpy(swap->id, id->file_id, sizeof swap->id);
    for (uint32_t i = 0; i < swap->count; i++)
        memcpy(swap->old[i], w->rw->old[i]->id.file_id, sizeof swap->old[i]);
    fl_swap_encode(swap, &bytes);
    free(swap);
    fl_swap_name(id->file_id, name);
    r = fl_buf_status(&bytes, err);
    return r < 0 ? r : fl_files_replace(w->s->conf.files, dir, name, fl_buf_span(&bytes), err);
}

static int write_new(struct work *w, int dir, struct fl_segment_id *id, struct fl_store_seg **ret,
                     struct fl_err *err)
{
    const struct fl_rewrite *rw = w->rw;
    struct fl_store *s = w->s;
    struct fl_segment_plan plan = {.marks = w->marks.mark,
                                   .mark_count = w->marks.count,
                                   .now_us = s->conf.now_us(),
                                   .first_seq = rw->old[0]->first_seq,
                                   .last_seq = rw->old[rw->old_count - 1]->last_seq,
                                   .version = rw->version,
                                   .load = load_next,
                                   .ctx = w};
    unsigned char key[FL_KEY_BYTES];
    struct fl_segment *seg = NULL;
    int r;

    if (w->cutter != NULL)
        fl_cutter_plan(w->cutter, &plan);
    r = fl_segment_write_as(s->conf.files, dir, s->conf.keyring, id, NULL, w->blocks_max, &plan,
                            &w->sum.bytes_out, key, err);
    if (w->cutter != NULL)
        w->ended = fl_cutter_result(w->cutter, &w->sum);
    if (r < 0)
        return r;
    r = fl_segment_open(s->conf.files, dir, id, key, &seg, err); /* what it says of itself */
    if (r >= 0)
        r = fl_store_seg_new(id, fl_segment_foot(seg), rw->old[0]->slug, w->sum.bytes_out, key, ret,
                             err);
    fl_segment_close(seg);
    explicit_bzero(key, sizeof key);
    return r;
}

/* Where the old ones stand in the day; they are neighbours. */
static int find_old(const struct fl_rewrite *rw, uint32_t *ret_at, struct fl_err *err)
{
    const struct fl_store_day *d = rw->day;
    uint32_t at = 0;

    while (at < d->seg_count && d->segs[at] != rw->old[0])
        at++;
    for (uint32_t i = 0; i < rw->old_count; i++)
        if (at + i >= d->seg_count || d->segs[at + i] != rw->old[i])
            return fl_err_set(err, FL_E_INVAL, "the segments to be replaced are no neighbours");
    *ret_at = at;
    return FL_OK;
}

static void add_retired(struct fl_retired *retired, const struct fl_segment_id *id,
                        const char *slug, const unsigned char *swap_id,
                        const struct fl_store_seg *new, struct fl_store_seg *seg)
{
    struct fl_retired_seg *to = &retired->seg[retired->count++];

    *to = (struct fl_retired_seg){
        .tenant = id->tenant, .day = id->day, .bytes = seg == NULL ? 0 : seg->bytes, .seg = seg};
    memcpy(to->file_id, id->file_id, sizeof to->file_id);
    memcpy(to->swap, swap_id, sizeof to->swap);
    if (new != NULL)
        memcpy(to->by, swap_id, sizeof to->by);
    (void)snprintf(to->slug, sizeof to->slug, "%.63s", slug);
}

/* Room was reserved. old may be a part of day->segs itself, which changes here. */
static void swap_in(struct work *w, struct fl_store_seg *new, const struct fl_segment_id *id,
                    uint32_t at, struct fl_retired *retired)
{
    struct fl_store_day *d = w->rw->day;
    uint32_t gone = w->rw->old_count, come = new != NULL;

    if (new == NULL) /* it has a key, though it has no rows */
        add_retired(retired, id, d->segs[at]->slug, id->file_id, NULL, NULL);
    for (uint32_t i = 0; i < gone; i++)
        add_retired(retired, &d->segs[at + i]->id, d->segs[at + i]->slug, id->file_id, new,
                    d->segs[at + i]);
    pthread_mutex_lock(&w->s->mu);
    if (new != NULL)
        d->segs[at] = new;
    memmove(&d->segs[at + come], &d->segs[at + gone],
            (d->seg_count - at - gone) * sizeof(*d->segs));
    d->seg_count -= gone - come;
    w->s->sum.rows -= w->sum.rows_in + w->sum.rows_lost - w->sum.rows_out;
    pthread_mutex_unlock(&w->s->mu);
}

/* Nothing of the new one may open again, not even after a power loss. */
static void undo(struct work *w, int dir, const struct fl_segment_id *id)
{
    const struct fl_files *fs = w->s->conf.files;
    struct fl_keyring *keys = w->s->conf.keyring;
    char seg[FL_SEGMENT_NAME_BYTES], swap[FL_SWAP_NAME_BYTES];
    struct fl_destroyed gone;
    struct fl_key_file file = {.day = id->day};
    int r;

    fl_segment_name(id->file_id, seg);
    fl_swap_name(id->file_id, swap);
    memcpy(file.file_id, id->file_id, sizeof file.file_id);
    r = keys->ops->destroy_files(keys, id->tenant, &file, 1, "rewrite failed", &gone, NULL);
    if (r >= 0)
        r = fl_files_unlink(fs, dir, seg, false, NULL);
    if (r >= 0)
        r = fl_files_sync_dir(fs, dir, NULL);
    if (r >= 0)
        r = fl_files_unlink(fs, dir, swap, false, NULL);
    if (r < 0)
        fl_store_stray(w->s, id, w->rw->old[0]->slug);
}

static int replace(struct work *w, uint32_t at, struct fl_retired *retired, struct fl_err *err)
{
    struct fl_segment_id id = {.tenant = w->rw->tenant->id, .day = w->rw->day->day};
    struct fl_store_seg *new = NULL;
    char path[FL_STORE_PATH_BYTES];
    int dir, r = fl_id_new(id.file_id, err);

    fl_store_path(w->rw->old[0]->slug, id.day, path);
    if (r >= 0)
        r = fl_files_open(w->s->conf.files, w->s->conf.dir_fd, path, FL_FILE_FOLDER, &dir, err);
    if (r < 0)
        return r;
    r = write_swap(w, dir, &id, false, err);
    if (r >= 0) {
        r = write_new(w, dir, &id, &new, err);
        if (r == FL_E_NOENT && w->ended && w->sum.blocks_out == 0)
            r = write_swap(w, dir, &id, true, err);
    }
    if (r >= 0)
        swap_in(w, new, &id, at, retired);
    else
        undo(w, dir, &id);
    fl_files_close(w->s->conf.files, dir);
    return r;
}

/* What does not come out is written row by row, as if it was not known what goes. */
static int cut(struct work *w, uint32_t at, struct fl_retired *retired, struct fl_err *err)
{
    struct fl_segment *old = NULL;
    struct fl_err why = {0};
    int r = open_old(w->s, w->rw->old[0], &old, &why);

    if (r >= 0)
        r = fl_cutter_new(old, w->rw, &w->cutter, &why);
    if (r >= 0)
        r = replace(w, at, retired, &why);
    fl_cutter_free(w->cutter);
    w->cutter = NULL;
    if (r >= 0)
        return r;
    if (r != FL_E_CORRUPT)
        return fl_err_set(err, r, "%s", why.text);
    w->sum = (struct fl_rewrite_result){.bytes_in = w->sum.bytes_in};
    w->ended = false;
    return replace(w, at, retired, err);
}

int fl_store_rewrite(struct fl_store *s, const struct fl_rewrite *rw, struct fl_retired *retired,
                     struct fl_rewrite_result *ret, struct fl_err *err)
{
    struct work *w = NULL;
    uint32_t at = 0;
    int r;

    if (rw->old_count == 0 || rw->old_count > FL_REWRITE_MAX)
        return fl_err_set(err, FL_E_INVAL, "%u segments to be replaced", (unsigned)rw->old_count);
    r = find_old(rw, &at, err);
    if (r >= 0)
        r = fl_retired_reserve(retired, rw->old_count + 1, err);
    if (r < 0)
        return r;
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to replace segments");
    w->s = s;
    w->rw = rw;
    r = look_at_all(w, err);
    if (r >= 0)
        r = rw->known != NULL && rw->old_count == 1 ? cut(w, at, retired, err)
                                                    : replace(w, at, retired, err);
    if (r >= 0)
        *ret = w->sum;
    work_free(w);
    return r;
}

/* ---- the old ones go ---- */

void fl_retired_done(struct fl_retired *r)
{
    for (size_t i = 0; i < r->count; i++)
        fl_store_seg_unref(r->seg[i].seg);
    free(r->seg);
    *r = (struct fl_retired){NULL, 0, 0};
}

static int by_place(const void *a, const void *b)
{
    const struct fl_retired_seg *x = a, *y = b;
    int slug;

    if (x->tenant != y->tenant)
        return x->tenant < y->tenant ? -1 : 1;
    slug = strcmp(x->slug, y->slug);
    if (slug != 0)
        return slug;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return memcmp(x->swap, y->swap, sizeof x->swap);
}

static bool same_day(const struct fl_retired_seg *a, const struct fl_retired_seg *b)
{
    return a->tenant == b->tenant && a->day == b->day && strcmp(a->slug, b->slug) == 0;
}

static int destroy_keys(struct fl_store *s, const struct fl_retired_seg *seg, size_t count,
                        const char *why, struct fl_destroyed *sum, struct fl_err *err)
{
    struct fl_keyring *keys = s->conf.keyring;
    struct fl_key_file *files = calloc(count, sizeof *files);
    struct fl_destroyed gone = {0};
    int r;

    if (files == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to destroy keys");
    for (size_t i = 0; i < count; i++) {
        files[i].day = seg[i].day;
        memcpy(files[i].file_id, seg[i].file_id, sizeof files[i].file_id);
    }
    r = keys->ops->destroy_files(keys, seg->tenant, files, (uint32_t)count, why, &gone, err);
    free(files);
    if (r < 0)
        return r;
    gone.keys += sum->keys;
    *sum = gone;
    return FL_OK;
}

/* All of one folder. The .swap goes when the bytes it speaks of are gone for good. */
static int unlink_day(struct fl_store *s, const struct fl_retired_seg *seg, size_t count,
                      struct fl_err *err)
{
    const struct fl_files *fs = s->conf.files;
    char path[FL_STORE_PATH_BYTES], name[FL_SEGMENT_NAME_BYTES];
    int fd = -1, r;

    fl_store_path(seg->slug, seg->day, path);
    r = fl_files_open(fs, s->conf.dir_fd, path, FL_FILE_FOLDER, &fd, err);
    if (r == FL_E_NOENT) /* the day is gone meanwhile */
        return FL_OK;
    for (size_t i = 0; i < count && r >= 0; i++) {
        fl_segment_name(seg[i].file_id, name);
        r = fl_files_unlink(fs, fd, name, false, err);
    }
    if (r >= 0)
        r = fl_files_sync_dir(fs, fd, err);
    for (size_t i = 0; i < count && r >= 0; i++) {
        if (i > 0 && memcmp(seg[i].swap, seg[i - 1].swap, sizeof seg->swap) == 0)
            continue;
        fl_swap_name(seg[i].swap, name);
        r = fl_files_unlink(fs, fd, name, false, err);
    }
    fl_files_close(fs, fd);
    return r;
}

static int retire_all(struct fl_store *s, const struct fl_retired *retired, const char *why,
                      struct fl_destroyed *sum, struct fl_err *err)
{
    const struct fl_retired_seg *seg = retired->seg;
    size_t count = retired->count, n;
    int r = FL_OK;

    for (size_t i = 0; i < count; i++)
        if (seg[i].seg != NULL)
            fl_store_seg_void(seg[i].seg);
    for (size_t i = 0; i < count && r >= 0; i += n) {
        for (n = 1; i + n < count && n < FL_KEY_FILES_MAX && seg[i + n].tenant == seg[i].tenant;)
            n++;
        r = destroy_keys(s, &seg[i], n, why, sum, err);
    }
    for (size_t i = 0; i < count && r >= 0; i += n) {
        for (n = 1; i + n < count && same_day(&seg[i], &seg[i + n]);)
            n++;
        r = unlink_day(s, &seg[i], n, err);
    }
    return r;
}

/* All of from behind those of to. */
static int append(struct fl_retired *to, struct fl_retired *from, struct fl_err *err)
{
    int r = from->count == 0 ? FL_OK : fl_retired_reserve(to, from->count, err);

    if (r >= 0 && from->count > 0) {
        memcpy(to->seg + to->count, from->seg, from->count * sizeof *from->seg);
        to->count += from->count;
        from->count = 0;
    }
    fl_retired_done(from); /* without memory: the next start finds their .swap files */
    return r;
}

static void note_retiring(struct fl_store *s)
{
    pthread_mutex_lock(&s->mu);
    s->sum.retiring = s->retiring->count;
    pthread_mutex_unlock(&s->mu);
}

int fl_store_retire(struct fl_store *s, struct fl_retired *retired, const char *why,
                    struct fl_destroyed *ret, struct fl_err *err)
{
    struct fl_destroyed sum = {0};
    int r;

    if (retired->count > 0)
        qsort(retired->seg, retired->count, sizeof *retired->seg, by_place);
    r = retire_all(s, retired, why, &sum, err);
    if (r >= 0) {
        fl_retired_done(retired);
        note_retiring(s);
        *ret = sum;
        return FL_OK;
    }
    s->retiring_us = s->conf.now_us();
    (void)append(s->retiring, retired, NULL);
    note_retiring(s);
    return err != NULL ? fl_err_wrap(err, "the replaced segments will be destroyed later") : r;
}

int fl_store_retire_later(struct fl_store *s, struct fl_retired *retired, struct fl_err *err)
{
    int r;

    if (s->retiring->count == 0)
        s->retiring_us = s->conf.now_us();
    r = append(s->retiring, retired, err);
    note_retiring(s);
    return r;
}

void fl_store_stray(struct fl_store *s, const struct fl_segment_id *id, const char *slug)
{
    struct fl_retired one = {NULL, 0, 0};

    if (fl_retired_reserve(&one, 1, NULL) < 0 || one.seg == NULL)
        return;
    one.seg[one.count] = (struct fl_retired_seg){.tenant = id->tenant, .day = id->day};
    memcpy(one.seg[one.count].file_id, id->file_id, sizeof id->file_id);
    memcpy(one.seg[one.count].swap, id->file_id, sizeof id->file_id);
    (void)snprintf(one.seg[one.count++].slug, sizeof one.seg->slug, "%.63s", slug);
    (void)!fl_store_retire_later(s, &one, NULL);
}

static bool is_held(const struct fl_retired *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->seg[i].seg != NULL && atomic_load(&r->seg[i].seg->refs) > 1)
            return true;
    return false;
}

int fl_store_retire_due(struct fl_store *s, struct fl_err *err)
{
    struct fl_retired now = {NULL, 0, 0};
    struct fl_destroyed gone;
    int64_t age_us = s->conf.now_us() - s->retiring_us;
    bool soon = age_us >= 0 && age_us < RETIRE_AFTER_US && s->retiring->count < RETIRE_AT_ONCE;

    if (s->retiring->count == 0 || soon)
        return FL_OK;
    if (age_us >= 0 && age_us < RETIRE_LATEST_US && is_held(s->retiring))
        return FL_OK;
    now = *s->retiring;
    *s->retiring = (struct fl_retired){NULL, 0, 0};
    return fl_store_retire(s, &now, "rewritten", &gone, err);
}

bool fl_store_is_retired(const struct fl_store *s, const unsigned char file_id[FL_FILE_ID_BYTES])
{
    for (size_t i = 0; i < s->retiring->count; i++)
        if (memcmp(s->retiring->seg[i].file_id, file_id, FL_FILE_ID_BYTES) == 0)
            return true;
    return false;
}
