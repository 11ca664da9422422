/* What a segment holds once decrypted: footer, columns, filters, sums, chunks. The first byte
 * chooses. What decodes must be safe to use, and must encode and decode to the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "logs/chunk.h"
#include "logs/column2.h"
#include "logs/segment.h"
#include "logs/session.h"
#include "logs/sumcache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static volatile uint64_t sink; /* so that reading is not left out */

static void use_rows(const struct fl_block *block)
{
    struct fl_event ev;

    for (uint32_t row = 0; row < block->rows; row++) {
        fl_block_row(block, row, &ev);
        for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
            if (!fl_event_has(&ev, (enum fl_field)f))
                continue;
            if (!fl_field_is_str((enum fl_field)f))
                sink = sink + ev.v[f].num;
            else if (ev.v[f].str.len > 0)
                sink = sink + ev.v[f].str.ptr[ev.v[f].str.len - 1];
        }
    }
}

static void same(const struct fl_block *a, const struct fl_block *b, enum fl_field f)
{
    struct fl_event x, y;

    for (uint32_t row = 0; row < a->rows; row++) {
        fl_block_row(a, row, &x);
        fl_block_row(b, row, &y);
        if (fl_event_has(&x, f) != fl_event_has(&y, f))
            abort();
        if (!fl_event_has(&x, f))
            continue;
        if (fl_field_is_str(f) ? !fl_span_eq(x.v[f].str, y.v[f].str) : x.v[f].num != y.v[f].num)
            abort();
    }
}

/* A block whose needed columns hold something, for payloads that lean on them. */
static struct fl_block *base_block(uint32_t rows, const struct fl_fieldset *needs)
{
    static const char words[] = "abcdefghijklmnopqrstuvwxyz";
    struct fl_event ev = {0};
    struct fl_block *block;

    if (fl_block_new(&block, NULL) < 0)
        abort();
    for (uint32_t row = 0; row < rows; row++) {
        fl_event_clear(&ev);
        for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
            if (!fl_fieldset_has(needs, (enum fl_field)f) || row % 11 == 7)
                continue;
            if (fl_field_is_str((enum fl_field)f))
                fl_event_str(&ev, (enum fl_field)f, fl_span_of(words + row % 5, 16));
            else
                fl_event_num(&ev, (enum fl_field)f, row * UINT64_C(3));
        }
        if (fl_block_add(block, &ev, NULL) < 0)
            abort();
    }
    return block;
}

static void column(struct fl_span in)
{
    struct fl_cursor cur = fl_cursor_of(in);
    enum fl_field f = (enum fl_field)(fl_cursor_u8(&cur) % FL_FIELD_COUNT);
    uint32_t rows = fl_cursor_u16(&cur) % 300 + 1;
    struct fl_span payload = fl_cursor_bytes(&cur, fl_cursor_left(&cur));
    struct fl_fieldset needs = fl_column_needs(f, payload);
    FL_AUTO(fl_block_freep) struct fl_block *block = base_block(rows, &needs);
    FL_AUTO(fl_block_freep) struct fl_block *again = NULL;
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_column_meta meta;

    fl_buf_init(&out, 1 << 26);
    if (fl_fieldset_has(&needs, f))
        abort();
    if (fl_column_decode(1, f, payload, block, NULL) < 0) {
        if (block->col[f].present != 0 || block->col[f].num != NULL || block->col[f].words != NULL)
            abort();
        return;
    }
    use_rows(block);
    fl_bloom_encode(block, &out);
    if (out.len > 0)
        (void)fl_bloom_may_hold(fl_buf_span(&out), f, FL_SPAN("word"));
    fl_buf_clear(&out);
    if (fl_column_encode(block, f, &out, &meta, NULL) < 0 || meta.present != block->col[f].present)
        abort();
    needs = fl_column_needs(f, fl_buf_span(&out));
    again = base_block(rows, &needs);
    if (fl_column_decode(1, f, fl_buf_span(&out), again, NULL) < 0)
        abort();
    same(block, again, f);
}

static struct fl_column2_writer *writer(void)
{
    static struct fl_column2_writer *w;

    if (w == NULL && fl_column2_writer_new(&w, NULL) < 0)
        abort();
    return w;
}

/* What decoded must encode and decode to the same again. */
static void again2(struct fl_block *block, enum fl_field f, struct fl_series *s)
{
    struct fl_column2_writer *w = writer();
    struct fl_presences p = {.rows = block->rows};
    FL_AUTO(fl_block_freep) struct fl_block *again = NULL;
    FL_AUTO(fl_buf_done) struct fl_buf out, bits;
    struct fl_column_meta meta;
    struct fl_fieldset needs;

    fl_buf_init(&out, 1 << 26);
    fl_buf_init(&bits, 1 << 26);
    if (fl_column2_begin(w, block, NULL) < 0 || fl_column2_encode(w, f, &out, &meta, NULL) < 0 ||
        meta.present != block->col[f].present)
        abort();
    fl_column2_presences(w, &bits);
    if (bits.len > 0 && fl_presences_decode(fl_buf_span(&bits), block->rows, &p, NULL) < 0)
        abort();
    needs = fl_column2_needs(f, fl_buf_span(&out));
    again = base_block(block->rows, &needs);
    if (fl_column2_decode(s, &p, f, fl_buf_span(&out), again, NULL) < 0)
        abort();
    same(block, again, f);
    fl_presences_done(&p);
}

/* Some rows alone: what the whole column gives for them, or at least nothing that cannot be used.
 */
static void some_rows(struct fl_series *s, struct fl_presences *p, enum fl_field f,
                      struct fl_span payload, const struct fl_block *whole)
{
    struct fl_fieldset needs = fl_column2_needs(f, payload);
    FL_AUTO(fl_block_freep) struct fl_block *block = base_block(p->rows, &needs);
    uint32_t row[1300], count = 0;

    for (uint32_t i = (uint32_t)(payload.len % 7); i < p->rows; i += 1 + i % 5 * 31)
        row[count++] = i;
    if (fl_column2_pick(s, p, f, payload, row, count, block, NULL) < 0) {
        if (whole != NULL)
            abort();
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct fl_event x, y;

        if (block->col[f].code != NULL && block->col[f].code[row[i]] >= block->col[f].word_count)
            abort();
        fl_block_row(block, row[i], &x);
        if (whole == NULL)
            continue;
        fl_block_row(whole, row[i], &y);
        if (fl_event_has(&x, f) != fl_event_has(&y, f) ||
            (fl_event_has(&x, f) &&
             (fl_field_is_str(f) ? !fl_span_eq(x.v[f].str, y.v[f].str) : x.v[f].num != y.v[f].num)))
            abort();
    }
}

static void column2(struct fl_span in)
{
    static struct fl_series *s;
    struct fl_cursor cur = fl_cursor_of(in);
    enum fl_field f = (enum fl_field)(fl_cursor_u8(&cur) % FL_FIELD_COUNT);
    uint32_t rows = fl_cursor_u16(&cur) % 1300 + 1;
    struct fl_span bits = fl_cursor_bytes(&cur, fl_cursor_u16(&cur)), payload;
    struct fl_presences p = {.rows = rows};
    FL_AUTO(fl_block_freep) struct fl_block *block = NULL;
    struct fl_fieldset needs;
    const struct fl_kernel *const *list;
    size_t kernels = fl_kernels(&list);

    if (cur.failed || (s == NULL && fl_series_new(&s, NULL) < 0))
        return;
    payload = fl_cursor_bytes(&cur, fl_cursor_left(&cur));
    needs = fl_column2_needs(f, payload);
    if (fl_fieldset_has(&needs, f))
        abort();
    block = base_block(rows, &needs);
    fl_series_use(s, list[rows % kernels]);
    if (bits.len > 0 && fl_presences_decode(bits, rows, &p, NULL) < 0)
        return;
    if (fl_column2_decode(s, &p, f, payload, block, NULL) >= 0) {
        use_rows(block);
        again2(block, f, s);
        some_rows(s, &p, f, payload, block);
    } else if (block->col[f].present != 0 || block->col[f].num != NULL ||
               block->col[f].words != NULL) {
        abort();
    } else {
        some_rows(s, &p, f, payload, NULL);
    }
    fl_presences_done(&p);
}

static void foot(struct fl_span in)
{
    struct fl_segment_foot *foot, *again;
    FL_AUTO(fl_buf_done) struct fl_buf out;

    fl_buf_init(&out, 1 << 26);
    if (fl_segment_foot_decode(in, 1 << 20, &foot, NULL) < 0)
        return;
    fl_segment_foot_encode(foot, &out);
    if (fl_segment_foot_decode(fl_buf_span(&out), 1 << 20, &again, NULL) < 0 ||
        again->rows != foot->rows || again->blocks != foot->blocks)
        abort();
    fl_segment_foot_free(foot);
    fl_segment_foot_free(again);
}

/* Without sites the sums stay what they were. */
static void all_sites(const struct fl_rollup *r)
{
    struct fl_rollup *all;
    uint64_t rows = 0;

    if (fl_rollup_coarsen(r, FL_TIER_1H_ALL, &all, NULL) < 0 || all->count > r->count)
        abort();
    for (size_t i = 0; i < r->count; i++)
        rows += r->entries[i].rows;
    for (size_t i = 0; i < all->count; i++) {
        if (all->entries[i].site != 0)
            abort();
        rows -= all->entries[i].rows;
    }
    if (rows != 0)
        abort();
    fl_rollup_free(all);
}

static void remember(const struct fl_rollup *r)
{
    static const unsigned char id[16] = "a file";
    struct fl_sumcache *cache = fl_sumcache_new(1 << 22);
    struct fl_sumset *set = cache == NULL ? NULL : fl_sumset_of(cache, 1);
    const struct fl_sum_list *list;

    if (set == NULL)
        abort();
    list = fl_sumset_add(set, id, FL_BY_APP, FL_TIER_5M, r);
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        const struct fl_sum_entry *s = &list->entries[i];
        const struct fl_rollup_entry *e = &r->entries[i];

        if (list->bucket_us[s->bucket] != e->bucket_us || s->rows != e->rows ||
            s->up != e->bytes_up || !fl_span_eq(fl_sumset_site(set, s->site), r->sites[e->site]) ||
            !fl_span_eq(fl_sumset_key(set, FL_BY_APP, s->key), r->keys[e->key]))
            abort();
    }
    fl_sum_list_unref(list);
    fl_sumset_unref(set);
    fl_sumcache_free(cache);
}

static void rollup(struct fl_span in)
{
    struct fl_rollup *r, *coarse;
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_rollup *again;

    fl_buf_init(&out, 1 << 26);
    if (fl_rollup_decode(in, FL_TIER_5M, 5000, &r, NULL) < 0)
        return;
    for (size_t i = 0; i < r->count; i++)
        if (r->entries[i].site >= r->site_count || r->entries[i].key >= r->key_count)
            abort();
    fl_rollup_encode(r, FL_TIER_5M, &out);
    if (fl_rollup_decode(fl_buf_span(&out), FL_TIER_5M, 5000, &again, NULL) < 0 ||
        again->count != r->count ||
        (r->count > 0 && memcmp(again->entries, r->entries, r->count * sizeof *r->entries) != 0))
        abort();
    if (fl_rollup_coarsen(r, FL_TIER_1D, &coarse, NULL) < 0 || coarse->count > r->count)
        abort();
    fl_rollup_free(coarse);
    all_sites(r);
    remember(r);
    fl_rollup_free(again);
    fl_rollup_free(r);
}

static void users(struct fl_span in)
{
    struct fl_rollup_users *u;

    if (fl_rollup_users_decode(in, 5000, &u, NULL) < 0)
        return;
    for (size_t i = 0; i < u->count; i++)
        if (u->pairs[i].site >= u->site_count || u->pairs[i].key >= u->key_count ||
            u->pairs[i].user >= u->user_count)
            abort();
    fl_rollup_users_free(u);
}

static void chunk(struct fl_span in)
{
    FL_AUTO(fl_chunker_freep) struct fl_chunker *c = NULL;
    FL_AUTO(fl_buf_done) struct fl_buf scratch, out;
    struct fl_span payload, again;

    fl_buf_init(&scratch, 1 << 24);
    fl_buf_init(&out, 1 << 25);
    if (fl_chunker_new(&c, NULL) < 0)
        abort();
    if (fl_chunk_unpack(c, in, 1 << 20, &scratch, &payload, NULL) >= 0 && payload.len > 1 << 20)
        abort();
    if (fl_chunk_pack(c, in, &out, NULL) < 0 ||
        fl_chunk_unpack(c, fl_buf_span(&out), in.len, &scratch, &again, NULL) < 0 ||
        !fl_span_eq(in, again))
        abort();
}

static void sessions(struct fl_span in)
{
    struct fl_sessions *s;
    struct fl_event ev = {0};

    if (fl_sessions_new(50, &s, NULL) < 0)
        abort();
    if (fl_sessions_load(s, in, NULL) >= 0) {
        fl_event_num(&ev, FL_F_SESSION, 1);
        fl_event_num(&ev, FL_F_OUT_BYTES, 1);
        fl_event_str(&ev, FL_F_ACTION, FL_SPAN("closed"));
        fl_sessions_row(s, &ev, 0);
    }
    fl_sessions_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static void (*const readers[])(struct fl_span in) = {column, foot,     rollup, users,
                                                         chunk,  sessions, column2};

    if (n < 1)
        return 0;
    if (data[0] == 255)
        (void)fl_bloom_may_hold(fl_span_of(data + 1, n - 1), FL_F_APP, FL_SPAN("word"));
    readers[data[0] % FL_LEN(readers)](fl_span_of(data + 1, n - 1));
    return 0;
}
