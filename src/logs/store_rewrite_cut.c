/* Declared in store_rewrite_cut.h. */
#include "logs/store_rewrite_cut.h"

#include <stdlib.h>
#include <string.h>

#include "logs/pick.h"

#define SUMS_MAX_BYTES ((size_t)256 << 20)

struct fl_cutter {
    struct fl_segment *seg;
    const struct fl_rewrite *rw;
    struct fl_rollup_cut *cut;
    uint32_t no; /* of the next block */
    uint8_t keep[FL_BLOCK_MAX_ROWS / 8];
    struct fl_rewrite_result sum;
    bool ended;
};

int fl_cutter_new(struct fl_segment *seg, const struct fl_rewrite *rw, struct fl_cutter **ret,
                  struct fl_err *err)
{
    struct fl_cutter *c = calloc(1, sizeof *c);
    int r;

    if (c == NULL) {
        fl_segment_close(seg);
        return fl_err_set(err, FL_E_NOMEM, "no memory to replace segments");
    }
    r = fl_rollup_cut_new(&c->cut, err);
    if (r >= 0 && (fl_segment_foot(seg)->version != FL_SEGMENT_VERSION ||
                   (rw->version != 0 && rw->version != FL_SEGMENT_VERSION)))
        r = fl_err_set(err, FL_E_CORRUPT, "the segment is of another version");
    if (r < 0) {
        fl_segment_close(seg);
        fl_cutter_free(c);
        return r;
    }
    c->seg = seg;
    c->rw = rw;
    *ret = c;
    return FL_OK;
}

void fl_cutter_free(struct fl_cutter *c)
{
    if (c == NULL)
        return;
    fl_segment_close(c->seg);
    fl_rollup_cut_free(c->cut);
    free(c);
}

bool fl_cutter_result(const struct fl_cutter *c, struct fl_rewrite_result *ret)
{
    ret->rows_in = c->sum.rows_in;
    ret->rows_out = c->sum.rows_out;
    ret->blocks_in = c->sum.blocks_in;
    ret->blocks_out = c->sum.blocks_out;
    return c->ended;
}

/* ---- blocks ---- */

/* Without the rows that go; *ret stays NULL where none is left. */
static int cut_block(struct fl_cutter *c, uint32_t no, uint32_t *ret_kept, struct fl_block **ret,
                     struct fl_err *err)
{
    const struct fl_fieldset all = fl_fieldset_all();
    FL_AUTO(fl_block_freep) struct fl_block *block = NULL;
    uint64_t read = 0;
    int r = fl_segment_load(c->seg, no, &all, &block, &read, err);

    if (r < 0)
        return r;
    r = c->rw->keep(c->rw->ctx, block, c->keep, err);
    *ret_kept = fl_pick_count(c->keep, block->rows);
    if (r >= 0)
        r = fl_rollup_cut_add(c->cut, no, block, c->keep, err);
    if (r < 0 || *ret_kept == 0)
        return r;
    r = fl_pick_drop(block, c->keep, err);
    if (r < 0)
        return r;
    *ret = block;
    block = NULL;
    return FL_OK;
}

/* For fl_segment_write_as(). */
static int load_next(void *ctx, uint32_t new_no, struct fl_block **ret, struct fl_err *err)
{
    struct fl_cutter *c = ctx;
    const struct fl_segment_foot *foot = fl_segment_foot(c->seg);
    int r = FL_OK;

    (void)new_no;
    *ret = NULL;
    while (r == FL_OK && *ret == NULL && c->no < foot->blocks) {
        uint32_t no = c->no++, rows = foot->block[no].rows, kept;

        memset(c->keep, 0xff, sizeof c->keep);
        c->rw->known(c->rw->ctx, no, rows, c->keep);
        kept = fl_pick_count(c->keep, rows);
        r = kept == rows ? (int)no + 1 : cut_block(c, no, &kept, ret, err);
        c->sum.rows_in += rows;
        c->sum.blocks_in++;
        c->sum.rows_out += kept;
        c->sum.blocks_out += kept > 0;
    }
    c->ended = r >= 0 && c->no == foot->blocks;
    return r;
}

/* ---- sums ---- */

struct out {
    struct fl_cutter *c;
    fl_rollups_put *put;
    void *ctx;
    struct fl_buf payload;
};

static int hand_over(struct out *out, bool users, enum fl_rollup_dim dim, enum fl_rollup_tier tier,
                     struct fl_err *err)
{
    int r = fl_buf_status(&out->payload, err);

    return r < 0 ? r : out->put(out->ctx, users, dim, tier, fl_buf_span(&out->payload), err);
}

static int put_sums(struct out *out, enum fl_rollup_dim dim, enum fl_rollup_tier tier,
                    struct fl_err *err)
{
    struct fl_rollup *sums = NULL;
    uint64_t read = 0;
    int r = fl_segment_rollup(out->c->seg, dim, tier, &sums, &read, err);

    if (r < 0)
        return r;
    r = fl_rollup_cut_sums(out->c->cut, dim, tier, sums, err);
    if (r >= 0 && sums->count > 0) {
        fl_buf_clear(&out->payload);
        fl_rollup_encode(sums, tier, &out->payload);
        r = hand_over(out, false, dim, tier, err);
    }
    fl_rollup_free(sums);
    return r;
}

static int put_users(struct out *out, enum fl_rollup_dim dim, struct fl_err *err)
{
    struct fl_rollup_users *users = NULL;
    uint64_t read = 0;
    int r = fl_segment_rollup_users(out->c->seg, dim, &users, &read, err);

    if (r < 0)
        return r;
    r = fl_rollup_cut_users(out->c->cut, dim, users, err);
    if (r >= 0 && users->count > 0) {
        fl_buf_clear(&out->payload);
        fl_rollup_users_encode(users, &out->payload);
        r = hand_over(out, true, dim, (enum fl_rollup_tier)0, err);
    }
    fl_rollup_users_free(users);
    return r;
}

/* Which users are still there is told by the rows only. */
static int see_rest(struct fl_cutter *c, struct fl_err *err)
{
    const struct fl_segment_foot *foot = fl_segment_foot(c->seg);
    const struct fl_fieldset fields = fl_rollup_cut_fields();
    bool any = false;
    int r = FL_OK;

    for (size_t d = 0; d < FL_ROLLUP_DIMS; d++)
        any = any || foot->users[d].bytes != 0;
    for (uint32_t no = 0; any && no < foot->blocks && r >= 0; no++) {
        struct fl_block *block = NULL;
        uint64_t read = 0;

        r = fl_segment_load(c->seg, no, &fields, &block, &read, err);
        if (r >= 0)
            r = fl_rollup_cut_rest(c->cut, no, block, err);
        fl_block_free(block);
    }
    return r;
}

static int make_sums(void *ctx, fl_rollups_put *put, void *put_ctx, struct fl_err *err)
{
    struct out out = {.c = ctx, .put = put, .ctx = put_ctx};
    const struct fl_segment_foot *foot = fl_segment_foot(out.c->seg);
    int r = see_rest(out.c, err);

    fl_buf_init(&out.payload, SUMS_MAX_BYTES);
    for (size_t d = 0; d < FL_ROLLUP_DIMS && r >= 0; d++) {
        for (size_t t = 0; t < FL_ROLLUP_TIERS && r >= 0; t++)
            if (foot->rollup[d][t].bytes != 0)
                r = put_sums(&out, (enum fl_rollup_dim)d, (enum fl_rollup_tier)t, err);
        if (r >= 0 && foot->users[d].bytes != 0)
            r = put_users(&out, (enum fl_rollup_dim)d, err);
    }
    fl_buf_done(&out.payload);
    return r;
}

void fl_cutter_plan(struct fl_cutter *c, struct fl_segment_plan *plan)
{
    plan->load = load_next;
    plan->ctx = c;
    plan->from = c->seg;
    plan->sums = make_sums;
}
