/* One segment, read whole: declared in store_check.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "logs/column.h"
#include "logs/store_check.h"

struct check {
    struct fl_job *job;
    struct fl_checked *sum;
    struct fl_store_seg *known;
    struct fl_segment *seg;
    char file[FL_SEGMENT_NAME_BYTES];
    bool damaged, sums_damaged;
};

/* ---- findings ---- */

static void put_rows(struct fl_json *json, const struct fl_segment_block *block)
{
    const struct fl_segment_col *seq = &block->col[FL_F_SEQ];

    fl_json_u64(json, "rows", block->rows);
    fl_json_u64(json, "first_row", seq->min);
    fl_json_u64(json, "last_row", seq->max);
}

/* column NULL: the whole block. */
static void tell_block(struct check *c, const char *kind, uint32_t no, const char *column,
                       const char *why)
{
    struct fl_json *json =
        fl_check_finding(c->job, kind, c->known->slug, c->known->id.day, c->file);

    fl_json_u64(json, "block", no);
    if (column != NULL)
        fl_json_text(json, "column", column);
    put_rows(json, &fl_segment_foot(c->seg)->block[no]);
    fl_json_text(json, "why", why);
    fl_job_end(c->job);
}

static void tell_whole(struct check *c, const char *kind, const char *why)
{
    struct fl_json *json =
        fl_check_finding(c->job, kind, c->known->slug, c->known->id.day, c->file);

    fl_json_u64(json, "rows", c->known->rows);
    fl_json_u64(json, "first_row", c->known->first_seq);
    fl_json_u64(json, "last_row", c->known->last_seq);
    fl_json_text(json, "why", why);
    fl_job_end(c->job);
}

/* ---- a block ---- */

/* Each column by itself, so that the one that is damaged has a name. */
static void name_columns(struct check *c, uint32_t no, const struct fl_err *why)
{
    const struct fl_segment_block *block = &fl_segment_foot(c->seg)->block[no];
    bool named = false;

    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        struct fl_fieldset one = {{0, 0}};
        struct fl_block *made = NULL;
        struct fl_err err = {0};
        uint64_t read = 0;

        if (block->col[f].present == 0)
            continue;
        fl_fieldset_add(&one, (enum fl_field)f);
        if (fl_segment_load(c->seg, no, &one, &made, &read, &err) < 0) {
            tell_block(c, "damaged_block", no, fl_fields[f].ecs, err.text);
            named = true;
        }
        fl_block_free(made);
    }
    if (!named)
        tell_block(c, "damaged_block", no, NULL, why->text);
}

/* Does the zone map say what the numbers are? */
static bool range_fits(const struct fl_col *col, const struct fl_segment_col *said, uint32_t rows,
                       bool is_time)
{
    uint64_t flip = is_time ? UINT64_C(1) << 63 : 0, least = UINT64_MAX, most = 0;

    for (uint32_t i = 0; i < rows; i++) {
        uint64_t v = col->num[i] ^ flip;

        if (!fl_col_has(col, i))
            continue;
        if (v < least)
            least = v;
        if (v > most)
            most = v;
    }
    return col->present == 0 || (least == (said->min ^ flip) && most == (said->max ^ flip));
}

/* Numbers of rows rise and are within what the segment answers for; times as the footer says. */
static const char *order_fault(const struct fl_block *block, const struct fl_segment_foot *foot)
{
    const struct fl_col *seq = &block->col[FL_F_SEQ], *time = &block->col[FL_F_TIME];

    if (seq->present != block->rows || time->present != block->rows)
        return "rows without a number or a time";
    for (uint32_t i = 0; i < block->rows; i++) {
        int64_t us = (int64_t)time->num[i];

        if (seq->num[i] < foot->first_seq || seq->num[i] > foot->last_seq ||
            (i > 0 && seq->num[i] <= seq->num[i - 1]))
            return "the numbers of its rows are out of order";
        if (us < foot->min_time_us || us > foot->max_time_us)
            return "times outside of what the footer says";
    }
    return NULL;
}

static const char *content_fault(const struct fl_block *block, const struct fl_segment_foot *foot,
                                 uint32_t no)
{
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        const struct fl_col *col = &block->col[f];

        if (!fl_field_is_str((enum fl_field)f) && col->present > 0 &&
            !range_fits(col, &foot->block[no].col[f], block->rows, fl_fields[f].type == FL_T_TIME))
            return "a zone map does not fit its column";
    }
    return order_fault(block, foot);
}

static bool blooms_fit(struct check *c, const struct fl_block *block, uint32_t no)
{
    struct fl_span filters = {NULL, 0};
    int r = fl_segment_blooms(c->seg, no, &filters, NULL);

    if (r == FL_E_NOENT)
        return true;
    for (size_t f = 0; f < FL_FIELD_COUNT && r >= 0; f++) {
        const struct fl_col *col = &block->col[f];

        if (!fl_fields[f].bloom || col->present == 0)
            continue;
        for (uint32_t i = 1; i < col->word_count && r >= 0; i++)
            if (!fl_bloom_may_hold(filters, (enum fl_field)f, col->words[i]))
                r = FL_E_CORRUPT;
    }
    return r >= 0;
}

static void check_block(struct check *c, uint32_t no)
{
    const struct fl_fieldset all = fl_fieldset_all();
    const struct fl_segment_foot *foot = fl_segment_foot(c->seg);
    FL_AUTO(fl_block_freep) struct fl_block *block = NULL;
    struct fl_err err = {0};
    uint64_t read = 0;
    const char *fault;

    c->sum->blocks++;
    c->sum->rows += foot->block[no].rows;
    if (fl_segment_load(c->seg, no, &all, &block, &read, &err) < 0) {
        if (err.code == FL_E_NOMEM || atomic_load(&c->known->gone))
            return;
        c->sum->damaged_blocks++;
        c->sum->lost_rows += foot->block[no].rows;
        c->damaged = true;
        name_columns(c, no, &err);
        return;
    }
    fault = content_fault(block, foot, no);
    if (fault != NULL) { /* it opens and is served: nothing is lost, but somebody must know */
        c->sums_damaged = true;
        tell_block(c, "wrong_block", no, NULL, fault);
    } else if (!blooms_fit(c, block, no)) {
        c->sums_damaged = true;
        tell_block(c, "damaged_filters", no, NULL, "its filters do not open, or miss words");
    }
}

/* ---- sums ---- */

static void check_sums(struct check *c)
{
    uint64_t read = 0;

    for (unsigned d = 0; d < FL_ROLLUP_DIMS; d++) {
        struct fl_rollup_users *users = NULL;
        bool bad = false;
        int r = fl_segment_rollup_users(c->seg, (enum fl_rollup_dim)d, &users, &read, NULL);

        bad = r == FL_E_CORRUPT || r == FL_E_IO;
        fl_rollup_users_free(users);
        for (unsigned t = 0; t < FL_ROLLUP_TIERS; t++) {
            struct fl_rollup *sums = NULL;

            r = fl_segment_rollup(c->seg, (enum fl_rollup_dim)d, (enum fl_rollup_tier)t, &sums,
                                  &read, NULL);
            bad = bad || r == FL_E_CORRUPT || r == FL_E_IO;
            fl_rollup_free(sums);
        }
        if (bad && !atomic_load(&c->known->gone)) {
            c->sums_damaged = true;
            tell_whole(c, "damaged_sums", "its sums do not open: rows are counted instead");
        }
    }
}

/* ---- the whole ---- */

static int open_it(struct check *c, struct fl_err *err)
{
    struct fl_store *s = c->job->store;
    struct fl_keyring *keys = s->conf.keyring;
    const struct fl_segment_id *id = &c->known->id;
    unsigned char key[FL_KEY_BYTES];
    char path[FL_STORE_PATH_BYTES];
    int fd = -1, r = keys->ops->file_get(keys, id->tenant, id->day, id->file_id, key, err);

    fl_store_path(c->known->slug, id->day, path);
    if (r >= 0)
        r = fl_files_open(s->conf.files, s->conf.dir_fd, path, FL_FILE_FOLDER, &fd, err);
    if (r >= 0)
        r = fl_segment_open(s->conf.files, fd, id, key, &c->seg, err);
    explicit_bzero(key, sizeof key);
    fl_files_close(s->conf.files, fd);
    return r;
}

static void check_opened(struct check *c)
{
    const struct fl_segment_foot *foot = fl_segment_foot(c->seg);
    uint64_t last = 0;

    for (uint32_t b = 0; b < foot->blocks && !fl_job_cancelled(c->job); b++) {
        int64_t begun_us = fl_now_mono_us();

        if (foot->block[b].col[FL_F_SEQ].min <= last) {
            c->sums_damaged = true;
            tell_block(c, "wrong_block", b, NULL, "the blocks are out of order");
        }
        last = foot->block[b].col[FL_F_SEQ].max;
        check_block(c, b);
        fl_job_pause(c->job, fl_now_mono_us() - begun_us);
    }
    check_sums(c);
}

void fl_check_segment(struct fl_job *job, struct fl_checked *sum, struct fl_store_seg *seg)
{
    struct check c = {.job = job, .sum = sum, .known = seg};
    struct fl_err err = {0};
    int r;

    if (atomic_load(&seg->gone))
        return;
    fl_segment_name(seg->id.file_id, c.file);
    sum->segments++;
    sum->bytes += seg->bytes;
    r = open_it(&c, &err);
    if (r >= 0)
        check_opened(&c);
    else if ((r == FL_E_NOENT || r == FL_E_CORRUPT || r == FL_E_IO) && !atomic_load(&seg->gone)) {
        c.damaged = true;
        sum->damaged_blocks += seg->blocks;
        sum->lost_rows += seg->rows;
        sum->files_missing += r == FL_E_NOENT;
        tell_whole(&c, r == FL_E_NOENT ? "missing_file" : "damaged_segment", err.text);
    }
    sum->damaged_segments += c.damaged;
    sum->damaged_sums += c.sums_damaged && !c.damaged;
    if (c.damaged || c.sums_damaged)
        (void)fl_checked_note(sum, c.damaged ? FL_BAD_SEGMENT : FL_BAD_SUMS, seg->id.tenant,
                              seg->slug, seg->id.day, seg->id.file_id);
    fl_segment_close(c.seg);
}
