#include "logs/segment.h"

#include "logs/column.h"
#include "remove_tree.h"
#include "store_help.h"
#include "tap.h"

enum { TENANT = 7, DAY = 20000 };

static struct fl_block *make_block(uint64_t seed, uint64_t first_seq, uint32_t rows,
                                   struct fl_arena *arena)
{
    struct rnd r = {seed};
    struct fl_block *block;
    struct fl_event ev = {.arena = arena};

    if (fl_block_new(&block, NULL) < 0)
        abort();
    for (uint32_t i = 0; i < rows; i++) {
        any_event(&r, first_seq + i, arena, &ev);
        if (fl_block_add(block, &ev, NULL) < 0)
            abort();
        fl_arena_clear(arena);
    }
    return block;
}

/* Rows of which b lacks what was not asked for. */
static bool same_rows(const struct fl_block *a, const struct fl_block *b, uint32_t rows)
{
    struct fl_event x, y;

    for (uint32_t row = 0; row < rows; row++) {
        fl_block_row(a, row, &x);
        fl_block_row(b, row, &y);
        if (!same_event(&x, &y))
            return false;
    }
    return true;
}

static void check_block(struct fl_arena *arena)
{
    struct fl_fieldset all = fl_fieldset_all();
    struct fl_block *block = make_block(1, 1, 3000, arena), *copy = NULL, *part = NULL;
    struct fl_fieldset two = {{0, 0}};
    struct fl_event ev = {.arena = arena}, got;
    struct rnd r = {1};
    bool same = true;

    for (uint32_t i = 0; i < 3000; i++) {
        any_event(&r, 1 + i, arena, &ev);
        fl_block_row(block, i, &got);
        same = same && same_event(&ev, &got);
        fl_arena_clear(arena);
    }
    CHECK(same, "rows come back from a growing block");
    CHECK(fl_block_copy(block, &all, &copy, NULL) == 0 && same_rows(block, copy, 3000) &&
              copy->rows == 3000,
          "a copy has the same rows");
    fl_fieldset_add(&two, FL_F_SEQ);
    fl_fieldset_add(&two, FL_F_APP);
    CHECK(fl_block_copy_rows(block, 10, &two, &part, NULL) == 0 && part->rows == 10 &&
              part->col[FL_F_APP].loaded && !part->col[FL_F_USER].loaded &&
              part->col[FL_F_SEQ].num[9] == 10,
          "a copy of some columns and rows");
    fl_block_free(part);
    fl_block_free(copy);
    fl_block_free(block);
}

static void check_limits(struct fl_arena *arena)
{
    struct fl_block *block;
    struct fl_event ev = {.arena = arena};
    uint32_t rows = 0;
    int r = 0;

    if (fl_block_new(&block, NULL) < 0)
        abort();
    fl_event_num(&ev, FL_F_SEQ, 1);
    while (r == 0 && rows < 70000) {
        r = fl_block_add(block, &ev, NULL);
        rows += r == 0;
    }
    CHECK(r == FL_E_LIMIT && rows == FL_BLOCK_MAX_ROWS && block->rows == rows,
          "a block takes 65,536 rows");
    fl_event_str(&ev, FL_F_SRC_IP, FL_SPAN("1234"));
    CHECK(block->bytes >= 65536 * 8, "memory is counted");
    fl_block_free(block);
    if (fl_block_new(&block, NULL) < 0)
        abort();
    CHECK(fl_block_add(block, &ev, NULL) == FL_E_INVAL && block->rows == 0,
          "an address has 16 bytes");
    fl_block_free(block);
}

/* The same block through the pure encoder and decoder, column by column. */
static void check_columns(struct fl_arena *arena)
{
    static const uint32_t sizes[] = {1, 2, 7, 8, 9, 255, 256, 257, 5000, 65536};

    for (size_t s = 0; s < FL_LEN(sizes); s++) {
        struct fl_block *block = make_block(s + 10, 1000, sizes[s], arena), *back;
        bool ok = true;

        if (fl_block_new(&back, NULL) < 0)
            abort();
        back->rows = block->rows;
        for (int pass = 0; pass < 2; pass++) { /* predicted columns after the others */
            for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
                FL_AUTO(fl_buf_done) struct fl_buf bytes;
                struct fl_column_meta meta;
                struct fl_fieldset needs;

                fl_buf_init(&bytes, SIZE_MAX / 2);
                if (block->col[f].present == 0)
                    continue;
                ok = ok && fl_column_encode(block, (enum fl_field)f, &bytes, &meta, NULL) == 0;
                needs = fl_column_needs((enum fl_field)f, fl_buf_span(&bytes));
                if (((needs.bits[0] | needs.bits[1]) != 0) != (pass == 1))
                    continue;
                ok = ok && bytes.len <= fl_column_max_bytes(block->rows) &&
                     fl_column_decode(1, (enum fl_field)f, fl_buf_span(&bytes), back, NULL) == 0;
            }
        }
        CHECK(ok && same_rows(block, back, block->rows), "columns encode and decode");
        fl_block_free(block);
        fl_block_free(back);
    }
}

static void check_prediction(void)
{
    struct fl_block *block;
    struct fl_event ev = {0};
    FL_AUTO(fl_buf_done) struct fl_buf bytes;
    struct fl_column_meta meta;
    bool all = true;
    static const enum fl_field derived[] = {FL_F_START, FL_F_BYTES_UP, FL_F_BYTES_DOWN,
                                            FL_F_PACKETS, FL_F_SECONDS};

    fl_buf_init(&bytes, 1 << 20);
    if (fl_block_new(&block, NULL) < 0)
        abort();
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t up = i * i * 977 % 100000, down = i * 7919 % 1000000, s = i * 31 % 400;

        fl_event_clear(&ev);
        fl_event_num(&ev, FL_F_TIME, 1700000000000000 + i * 12345);
        fl_event_num(&ev, FL_F_DURATION, s);
        fl_event_num(&ev, FL_F_START, 1700000000000000 + i * 12345 - s * 1000000);
        fl_event_num(&ev, FL_F_OUT_BYTES, up);
        fl_event_num(&ev, FL_F_IN_BYTES, down);
        fl_event_num(&ev, FL_F_OUT_PACKETS, up / 100);
        fl_event_num(&ev, FL_F_IN_PACKETS, down / 1000);
        fl_event_num(&ev, FL_F_BYTES, up + down);
        fl_event_num(&ev, FL_F_BYTES_UP, up);
        fl_event_num(&ev, FL_F_BYTES_DOWN, down);
        fl_event_num(&ev, FL_F_PACKETS, up / 100 + down / 1000);
        fl_event_num(&ev, FL_F_SECONDS, s);
        if (fl_block_add(block, &ev, NULL) < 0)
            abort();
    }
    for (size_t i = 0; i < FL_LEN(derived); i++) {
        fl_buf_clear(&bytes);
        all =
            all && fl_column_encode(block, derived[i], &bytes, &meta, NULL) == 0 && bytes.len < 24;
    }
    CHECK(all, "derived columns of closed sessions take no bytes a row");
    fl_block_free(block);
}

static void check_bloom(struct fl_arena *arena)
{
    struct fl_block *block = make_block(5, 1, 4000, arena);
    FL_AUTO(fl_buf_done) struct fl_buf bytes;
    struct fl_col *app = &block->col[FL_F_APP], *ip = &block->col[FL_F_SRC_IP];
    unsigned missing = 0, wrong = 0;
    unsigned char upper[64], text[16];

    fl_buf_init(&bytes, 1 << 24);
    fl_bloom_encode(block, &bytes);
    for (uint32_t w = 1; w < app->word_count; w++) {
        for (size_t i = 0; i < app->words[w].len && i < sizeof upper; i++)
            upper[i] = (unsigned char)(app->words[w].ptr[i] - ('a' - 'A'));
        missing +=
            !fl_bloom_may_hold(fl_buf_span(&bytes), FL_F_APP, fl_span_of(upper, app->words[w].len));
    }
    for (uint32_t w = 1; w < ip->word_count; w++)
        missing += !fl_bloom_may_hold(fl_buf_span(&bytes), FL_F_SRC_IP, ip->words[w]);
    CHECK(missing == 0, "a filter knows every word, in any case");
    for (unsigned i = 0; i < 10000; i++) {
        (void)snprintf((char *)text, sizeof text, "no%u", i);
        wrong += fl_bloom_may_hold(fl_buf_span(&bytes), FL_F_APP, fl_span_of(text, 6));
    }
    CHECK(wrong < 300, "few words that are not there pass the filter");
    CHECK(fl_bloom_may_hold(fl_buf_span(&bytes), FL_F_URL, FL_SPAN("x")) &&
              fl_bloom_may_hold(FL_SPAN("\1\0\31"), FL_F_APP, FL_SPAN("x")),
          "without a filter everything may be there");
    fl_block_free(block);
}

struct sealed {
    struct memkeys keys;
    struct fl_block *blocks[3];
    struct fl_segment_id id;
    unsigned char key[32];
    char path[64], name[FL_SEGMENT_NAME_BYTES];
    int dir;
    uint64_t bytes;
};

static void seal(struct sealed *s, uint32_t rows, uint32_t count, struct fl_arena *arena)
{
    struct fl_mark mark = {.source = "source 123456789", .number = 99};
    struct fl_err err = {0};

    memset(s, 0, sizeof *s);
    memkeys_init(&s->keys);
    s->dir = temp_folder(s->path);
    s->id = (struct fl_segment_id){.tenant = TENANT, .day = DAY};
    for (uint32_t b = 0; b < count; b++)
        s->blocks[b] = make_block(b + 3, 100 + (uint64_t)b * rows, rows, arena);
    CHECK(fl_segment_write(&fl_files_system, s->dir, &s->keys.base, &s->id, s->blocks, count, &mark,
                           1, 5, &s->bytes, s->key, &err) == 0,
          "a segment is written");
    if (err.code != 0)
        printf("# %s\n", err.text);
    CHECK(memkeys_get(&s->keys.base, TENANT, DAY, s->id.file_id, s->key, NULL) == 0,
          "its key is in the keyring");
    fl_segment_name(s->id.file_id, s->name);
}

static void unseal(struct sealed *s)
{
    for (size_t b = 0; b < FL_LEN(s->blocks); b++)
        fl_block_free(s->blocks[b]);
    memkeys_done(&s->keys);
    (void)close(s->dir);
    remove_tree(s->path);
}

static void check_segment(struct fl_arena *arena)
{
    struct fl_fieldset all = fl_fieldset_all(), one = {{0, 0}};
    struct sealed s;
    struct fl_segment_id id;
    struct fl_segment *seg = NULL;
    struct fl_block *back = NULL;
    struct fl_span blooms;
    uint64_t read = 0, read_one = 0;
    struct fl_err err = {0};

    seal(&s, 40000, 3, arena);
    CHECK(fl_segment_identify(&fl_files_system, s.dir, s.name, &id, &err) == 0 &&
              id.tenant == s.id.tenant && id.day == s.id.day &&
              memcmp(id.file_id, s.id.file_id, sizeof id.file_id) == 0,
          "the header says whose it is");
    CHECK(fl_segment_open(&fl_files_system, s.dir, &s.id, s.key, &seg, &err) == 0, "it opens");
    if (seg == NULL) {
        printf("# %s\n", err.text);
        return;
    }
    CHECK(fl_segment_foot(seg)->rows == 120000 && fl_segment_foot(seg)->first_seq == 100 &&
              fl_segment_foot(seg)->last_seq == 120099 && fl_segment_foot(seg)->marks == 1 &&
              fl_segment_foot(seg)->mark[0].number == 99 && fl_segment_bytes(seg) == s.bytes,
          "the footer knows rows, numbers and deliveries");
    for (uint32_t b = 0; b < 3; b++) {
        CHECK(fl_segment_load(seg, b, &all, &back, &read, &err) == 0 &&
                  same_rows(s.blocks[b], back, 40000),
              "a block of 40,000 rows comes back");
        fl_block_free(back);
        back = NULL;
    }
    fl_fieldset_add(&one, FL_F_BYTES_DOWN);
    CHECK(fl_segment_load(seg, 1, &one, &back, &read_one, &err) == 0 &&
              back->col[FL_F_BYTES_DOWN].loaded && !back->col[FL_F_BYTES].loaded &&
              read_one * 10 < read,
          "one column reads little");
    fl_block_free(back);
    CHECK(fl_segment_load(seg, 3, &one, &back, &read, &err) == FL_E_INVAL, "no fourth block");
    CHECK(fl_segment_blooms(seg, 2, &blooms, &err) == 0 &&
              fl_bloom_may_hold(blooms, FL_F_APP, s.blocks[2]->col[FL_F_APP].words[1]),
          "filters come back");
    fl_segment_close(seg);
    s.key[5] ^= 1;
    CHECK(fl_segment_open(&fl_files_system, s.dir, &s.id, s.key, &seg, &err) == FL_E_CORRUPT &&
              strstr(err.text, s.name) != NULL,
          "a wrong key opens nothing, and the text names the file");
    unseal(&s);
}

/* Does anything of the damaged file come out wrong? Opening, every block, filters and sums. */
static bool detected(struct sealed *s, uint64_t *ret_blocks_lost)
{
    struct fl_fieldset all = fl_fieldset_all();
    struct fl_segment *seg;
    struct fl_err err = {0};
    uint64_t read = 0;
    bool bad = false;

    *ret_blocks_lost = 0;
    if (fl_segment_open(&fl_files_system, s->dir, &s->id, s->key, &seg, &err) < 0)
        return true;
    for (uint32_t b = 0; b < 3; b++) {
        struct fl_block *back = NULL;
        struct fl_span blooms;
        char want[16];

        if (fl_segment_load(seg, b, &all, &back, &read, &err) < 0) {
            (void)snprintf(want, sizeof want, "block %u", (unsigned)b);
            bad = bad || (err.code == FL_E_CORRUPT && strstr(err.text, want) != NULL);
            ++*ret_blocks_lost;
        } else if (!same_rows(s->blocks[b], back, back->rows)) {
            fl_segment_close(seg);
            fl_block_free(back);
            return false; /* wrong rows: the worst */
        }
        fl_block_free(back);
        bad = bad || fl_segment_blooms(seg, b, &blooms, &err) < 0;
    }
    for (int d = 0; d < FL_ROLLUP_DIMS; d++) {
        struct fl_rollup_users *users = NULL;

        for (int t = 0; t < FL_ROLLUP_TIERS; t++) {
            struct fl_rollup *sums = NULL;
            int r = fl_segment_rollup(seg, (enum fl_rollup_dim)d, (enum fl_rollup_tier)t, &sums,
                                      &read, &err);

            bad = bad || (r < 0 && r != FL_E_NOENT);
            if (r == 0)
                fl_rollup_free(sums);
        }
        int r = fl_segment_rollup_users(seg, (enum fl_rollup_dim)d, &users, &read, &err);

        bad = bad || (r < 0 && r != FL_E_NOENT);
        if (r == 0)
            fl_rollup_users_free(users);
    }
    fl_segment_close(seg);
    return bad;
}

static void flip(struct sealed *s, uint64_t at)
{
    int fd = openat(s->dir, s->name, O_RDWR);
    unsigned char c;

    if (fd < 0 || pread(fd, &c, 1, (off_t)at) != 1)
        abort();
    c ^= 0x20;
    if (pwrite(fd, &c, 1, (off_t)at) != 1)
        abort();
    (void)close(fd);
}

static bool truncateat_ok(int dir, const char *name, uint64_t len)
{
    int fd = openat(dir, name, O_RDWR);
    bool ok = fd >= 0 && ftruncate(fd, (off_t)len) == 0;

    (void)close(fd);
    return ok;
}

static void check_damage(struct fl_arena *arena)
{
    struct sealed s;
    uint64_t lost, lost_most = 0, at, missed = 0, tried = 0;

    seal(&s, 120, 3, arena);
    CHECK(!detected(&s, &lost) && lost == 0, "an undamaged segment is found whole");
    for (at = 0; at < s.bytes; at += at < 200 || at + 200 > s.bytes ? 1 : 127) {
        flip(&s, at);
        if (!detected(&s, &lost)) {
            if (missed++ == 0)
                printf("# byte %llu of %llu\n", (unsigned long long)at,
                       (unsigned long long)s.bytes);
        }
        if (lost > lost_most)
            lost_most = lost;
        tried++;
        flip(&s, at);
    }
    printf("# %llu bytes changed, one by one\n", (unsigned long long)tried);
    CHECK(missed == 0, "a change of any byte is found");
    CHECK(lost_most == 1, "a damaged block is lost alone");
    for (at = s.bytes; at-- > 0;) {
        if (at + 60 < s.bytes && at % 97 != 0)
            continue;
        if (truncateat_ok(s.dir, s.name, at) && !detected(&s, &lost))
            missed++;
    }
    CHECK(missed == 0, "a shortened file is found");
    unseal(&s);
}

int main(void)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;

    fl_arena_init(&arena, 1 << 20);
    check_block(&arena);
    check_limits(&arena);
    check_columns(&arena);
    check_prediction();
    check_bloom(&arena);
    check_segment(&arena);
    check_damage(&arena);
    return tap_done();
}
