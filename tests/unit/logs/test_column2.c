/* Columns of version 2: what is written comes back, in every encoding; what is cut or changed is
 * refused or harmless; both versions hold the same rows. */
#include "logs/column2.h"

#include "logs/segment.h"
#include "remove_tree.h"
#include "store_help.h"
#include "tap.h"

static bool same_rows(const struct fl_block *a, const struct fl_block *b)
{
    struct fl_event x, y;

    if (a->rows != b->rows)
        return false;
    for (uint32_t row = 0; row < a->rows; row++) {
        fl_block_row(a, row, &x);
        fl_block_row(b, row, &y);
        if (!same_event(&x, &y)) {
            printf("# row %u differs\n", (unsigned)row);
            return false;
        }
    }
    return true;
}

static struct fl_block *random_block(uint64_t seed, uint32_t rows)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct rnd r = {seed};
    struct fl_block *block;
    struct fl_event ev = {.arena = &arena};

    fl_arena_init(&arena, 1 << 20);
    if (fl_block_new(&block, NULL) < 0)
        abort();
    for (uint32_t i = 0; i < rows; i++) {
        any_event(&r, 1000 + i, &arena, &ev);
        if (fl_block_add(block, &ev, NULL) < 0)
            abort();
        fl_arena_clear(&arena);
    }
    return block;
}

#define TEXT(f, ...)                                                                               \
    ((void)snprintf(text[f], sizeof text[f], __VA_ARGS__),                                         \
     fl_event_str(ev, (f), fl_span_str(text[f])))

/* A row as a network writes them: columns that tell each other, now and then wrongly. odd: one row
 * in so many breaks the rules; 0: none. */
static void like_rows(uint64_t no, uint32_t odd, struct fl_event *ev)
{
    static char text[FL_FIELD_COUNT][40];
    static unsigned char src[16] = {[10] = 0xff, [11] = 0xff, [12] = 10}, dst[16], nat[16];
    static uint64_t session[20];
    uint64_t h = (no + 7) * UINT64_C(0x9e3779b97f4a7c15) >> 20, device = h % 20;
    bool wrong = odd != 0 && h % odd == 0, web = h / 20 % 4 == 0;
    uint32_t user = (uint32_t)(device * 10 + h / 100 % 10), app = (uint32_t)(h / 1000 % 30);

    fl_event_clear(ev);
    fl_event_num(ev, FL_F_SEQ, no);
    fl_event_time(ev, FL_F_TIME,
                  INT64_C(1700000000000000) + (int64_t)(no * 8000 + h % 3000 * 1000));
    TEXT(FL_F_DEVICE, "fw-%03u", (unsigned)device);
    TEXT(FL_F_HOST, "fw-%03u", (unsigned)device + wrong);
    TEXT(FL_F_SITE, "site %u", (unsigned)device / 4 + 100 * wrong);
    src[13] = (unsigned char)device;
    src[15] = (unsigned char)user;
    src[0] = user % 50 == 3 ? 0x20 : 0;
    fl_event_str(ev, FL_F_SRC_IP, fl_span_of(src, 16));
    TEXT(FL_F_USER, wrong ? "guest%u" : "user%04u", user);
    TEXT(FL_F_TAG, web ? "WEBFILTER" : "CLOSE");
    TEXT(FL_F_ACTION, web ? "permitted" : wrong ? "denied" : "closed");
    TEXT(FL_F_APP, "APP-%u", app);
    TEXT(FL_F_APP_NESTED, app == 7 ? "UNKNOWN" : "APP-%u", app);
    TEXT(FL_F_CATEGORY, "category %u", app % 5);
    memcpy(dst, src, 16);
    dst[12] = 93;
    dst[14] = (unsigned char)(h >> 30);
    fl_event_str(ev, FL_F_DST_IP, fl_span_of(dst, 16));
    fl_event_num(ev, FL_F_SESSION, session[device] += 1 + h % 5);
    if (web) {
        TEXT(FL_F_HOSTNAME, "www.d%u.example.com", (unsigned)(h >> 33) % 300);
        TEXT(FL_F_DOMAIN, "d%u.example.com", (unsigned)(h >> 33) % 300);
        TEXT(FL_F_URL, "%s", wrong ? "" : text[FL_F_HOSTNAME]);
        return;
    }
    memcpy(nat, src, 16);
    nat[15] = (unsigned char)device;
    fl_event_str(ev, FL_F_SRC_NAT_IP, fl_span_of(nat, 16));
    fl_event_str(ev, FL_F_DST_NAT_IP, fl_span_of(wrong ? src : dst, 16));
    fl_event_num(ev, FL_F_DURATION, h % 400);
    fl_event_time(ev, FL_F_START, (int64_t)(ev->v[FL_F_TIME].num - h % 400 * 1000000));
    fl_event_num(ev, FL_F_OUT_BYTES, h % 77777);
    fl_event_num(ev, FL_F_IN_BYTES, h % 999999 + wrong);
    fl_event_num(ev, FL_F_BYTES, h % 77777 + h % 999999);
    fl_event_num(ev, FL_F_BYTES_UP, h % 77777);
    if (!wrong)
        fl_event_num(ev, FL_F_BYTES_DOWN, h % 999999);
}

static struct fl_block *like_block(uint32_t rows, uint32_t odd)
{
    struct fl_block *block;
    struct fl_event ev = {0};

    if (fl_block_new(&block, NULL) < 0)
        abort();
    for (uint32_t i = 0; i < rows; i++) {
        like_rows(i + 1, odd, &ev);
        if (fl_block_add(block, &ev, NULL) < 0)
            abort();
    }
    return block;
}

struct encoded {
    struct fl_buf presences, col[FL_FIELD_COUNT];
    struct fl_column_meta meta[FL_FIELD_COUNT];
};

static bool encode(struct fl_column2_writer *w, const struct fl_block *block, struct encoded *e)
{
    bool ok = fl_column2_begin(w, block, NULL) == 0;

    fl_buf_init(&e->presences, 1 << 26);
    fl_column2_presences(w, &e->presences);
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        fl_buf_init(&e->col[f], 1 << 26);
        if (block->col[f].present > 0)
            ok = ok && fl_column2_encode(w, (enum fl_field)f, &e->col[f], &e->meta[f], NULL) == 0 &&
                 e->col[f].len <= fl_column_max_bytes(block->rows);
    }
    return ok;
}

static void encoded_done(struct encoded *e)
{
    fl_buf_done(&e->presences);
    for (size_t f = 0; f < FL_FIELD_COUNT; f++)
        fl_buf_done(&e->col[f]);
}

static bool decode_one(struct fl_series *s, struct fl_presences *p, const struct encoded *e,
                       size_t f, unsigned depth, struct fl_block *to)
{
    struct fl_fieldset needs = fl_column2_needs((enum fl_field)f, fl_buf_span(&e->col[f]));
    bool ok = depth < 3;

    if (e->col[f].len == 0 || to->col[f].num != NULL || to->col[f].code != NULL)
        return true;
    for (size_t n = 0; n < FL_FIELD_COUNT && ok; n++)
        if (fl_fieldset_has(&needs, (enum fl_field)n))
            ok = decode_one(s, p, e, n, depth + 1, to);
    to->col[f].loaded = true;
    return ok &&
           fl_column2_decode(s, p, (enum fl_field)f, fl_buf_span(&e->col[f]), to, NULL) == 0 &&
           to->col[f].present == e->meta[f].present;
}

static bool decode(struct fl_series *s, const struct encoded *e, uint32_t rows,
                   struct fl_block **ret)
{
    struct fl_presences p = {.rows = rows};
    bool ok = fl_block_new(ret, NULL) == 0;

    (*ret)->rows = rows;
    if (e->presences.len > 0)
        ok = ok && fl_presences_decode(fl_buf_span(&e->presences), rows, &p, NULL) == 0;
    for (size_t f = 0; f < FL_FIELD_COUNT && ok; f++)
        ok = decode_one(s, &p, e, f, 0, *ret);
    fl_presences_done(&p);
    return ok;
}

static void check_round(struct fl_column2_writer *w, struct fl_block *block, const char *name)
{
    const struct fl_kernel *const *list;
    size_t count = fl_kernels(&list);
    struct fl_series *s;
    struct encoded e = {0};
    bool ok = encode(w, block, &e);

    if (fl_series_new(&s, NULL) < 0)
        abort();
    for (size_t k = 0; k < count && ok; k++) {
        struct fl_block *back = NULL;

        fl_series_use(s, list[k]);
        ok = decode(s, &e, block->rows, &back) && same_rows(block, back);
        fl_block_free(back);
    }
    CHECK(ok, name);
    fl_series_free(s);
    encoded_done(&e);
    fl_block_free(block);
}

static void check_rounds(struct fl_column2_writer *w)
{
    static const uint32_t sizes[] = {1, 2, 7, 8, 9, 64, 255, 257, 1025, 5000, 65536};
    struct fl_event ev = {0};
    struct fl_block *block;

    for (size_t i = 0; i < FL_LEN(sizes); i++) {
        check_round(w, random_block(i + 10, sizes[i]), "random rows come back");
        check_round(w, like_block(sizes[i], 0), "rows of a network come back");
        check_round(w, like_block(sizes[i], 100), "and with some that break its rules");
        check_round(w, like_block(sizes[i], 3), "and with many");
    }
    if (fl_block_new(&block, NULL) < 0)
        abort();
    fl_event_num(&ev, FL_F_SEQ, 1);
    fl_event_time(&ev, FL_F_TIME, INT64_MIN);
    fl_event_str(&ev, FL_F_MESSAGE, FL_SPAN(""));
    if (fl_block_add(block, &ev, NULL) < 0)
        abort();
    fl_event_clear(&ev);
    fl_event_num(&ev, FL_F_SEQ, UINT64_MAX);
    fl_event_time(&ev, FL_F_TIME, INT64_MAX);
    if (fl_block_add(block, &ev, NULL) < 0)
        abort();
    check_round(w, block, "the ends of the range and an empty word");
}

static void check_encodings(struct fl_column2_writer *w)
{
    static const struct {
        enum fl_field f;
        uint8_t encoding;
        size_t most; /* bytes */
    } want[] = {
        {FL_F_SEQ, FL_ENC2_DIFF, 40},           {FL_F_HOST, FL_ENC2_FUNCTION, 120},
        {FL_F_SITE, FL_ENC2_FUNCTION, 200},     {FL_F_USER, FL_ENC2_FUNCTION, 2000},
        {FL_F_APP, FL_ENC2_WORDS, 20000},       {FL_F_APP_NESTED, FL_ENC2_FUNCTION, 200},
        {FL_F_ACTION, FL_ENC2_FUNCTION, 100},   {FL_F_URL, FL_ENC2_FUNCTION, 600},
        {FL_F_DOMAIN, FL_ENC2_FUNCTION, 6000},  {FL_F_DST_NAT_IP, FL_ENC2_FUNCTION, 8000},
        {FL_F_START, FL_ENC2_PREDICTED, 40},    {FL_F_IN_BYTES, FL_ENC2_PREDICTED, 40},
        {FL_F_BYTES_UP, FL_ENC2_PREDICTED, 40}, {FL_F_BYTES_DOWN, FL_ENC2_PREDICTED, 40},
        {FL_F_SESSION, FL_ENC2_FOLLOWS, 20000},
    };
    struct fl_block *block = like_block(20000, 0), *odd = like_block(20000, 100);
    struct encoded e = {0}, o = {0};
    bool ok = encode(w, block, &e);

    for (size_t i = 0; i < FL_LEN(want); i++) {
        const struct fl_buf *col = &e.col[want[i].f];
        bool right = col->len > 0 && col->ptr[0] == want[i].encoding && col->len <= want[i].most;

        if (!right)
            printf("# %s: %zu bytes\n", fl_fields[want[i].f].ecs, col->len);
        ok = ok && right;
    }
    CHECK(ok, "columns that tell each other take next to nothing");
    CHECK(e.presences.len > 0 && e.presences.ptr[0] == 2 &&
              e.col[FL_F_URL].ptr[1] == e.col[FL_F_DOMAIN].ptr[1] &&
              e.col[FL_F_URL].ptr[1] != e.col[FL_F_BYTES].ptr[1],
          "two bitmaps serve all columns");
    CHECK(encode(w, odd, &o) && o.col[FL_F_SITE].ptr[0] == FL_ENC2_FUNCTION &&
              o.col[FL_F_SITE].len > e.col[FL_F_SITE].len,
          "a function may have exceptions");
    encoded_done(&o);
    fl_block_free(odd);
    odd = like_block(20000, 3);
    CHECK(encode(w, odd, &o) && o.col[FL_F_SITE].ptr[0] == FL_ENC2_WORDS,
          "with too many it is none");
    encoded_done(&e);
    encoded_done(&o);
    fl_block_free(block);
    fl_block_free(odd);
}

/* What differs in every row tells everything, and nothing is saved by that. */
static void check_worth(struct fl_column2_writer *w)
{
    struct fl_block *block;
    struct fl_event ev = {0};
    struct encoded e = {0};
    char device[16], host[16];

    if (fl_block_new(&block, NULL) < 0)
        abort();
    for (unsigned i = 0; i < 5000; i++) {
        fl_event_clear(&ev);
        (void)snprintf(device, sizeof device, "fw-%u", i);
        (void)snprintf(host, sizeof host, "host-%u", i);
        fl_event_num(&ev, FL_F_SEQ, i);
        fl_event_str(&ev, FL_F_DEVICE, fl_span_str(device));
        fl_event_str(&ev, FL_F_HOST, fl_span_str(host));
        fl_event_str(&ev, FL_F_SITE, i * 7 % 3 == 0 ? FL_SPAN("berlin") : FL_SPAN("rome"));
        if (fl_block_add(block, &ev, NULL) < 0)
            abort();
    }
    CHECK(encode(w, block, &e) && e.col[FL_F_SITE].ptr[0] == FL_ENC2_WORDS &&
              e.col[FL_F_HOST].ptr[0] == FL_ENC2_FUNCTION,
          "a map as long as the column is written only for as many words");
    encoded_done(&e);
    fl_block_free(block);
}

/* Words that no row uses any more are not written. */
static void check_unused(struct fl_column2_writer *w)
{
    struct fl_block *block = like_block(5000, 0);
    struct encoded e = {0};
    bool found = false;

    for (size_t f = 0; f < FL_FIELD_COUNT; f++) { /* as if a person's rows had been taken out */
        struct fl_col *col = &block->col[f];

        for (uint32_t row = 0; col->code != NULL && row < block->rows; row++)
            if (col->code[row] == 1)
                col->code[row] = 2;
    }
    CHECK(encode(w, block, &e), "a block with unused words is written");
    for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
        const struct fl_col *col = &block->col[f];

        for (size_t at = 0; col->code != NULL && col->word_count > 2 && col->words[1].len > 5 &&
                            at + col->words[1].len <= e.col[f].len;
             at++)
            found = found || memcmp(e.col[f].ptr + at, col->words[1].ptr, col->words[1].len) == 0;
    }
    CHECK(!found && e.meta[FL_F_USER].max == block->col[FL_F_USER].word_count - 2,
          "and they are not in it");
    encoded_done(&e);
    fl_block_free(block);
}

#if defined(__SANITIZE_THREAD__)
enum { EACH = 13 }; /* some places: all are tried without it */
#else
enum { EACH = 1 };
#endif

/* No beginning of a payload decodes; a changed byte never makes the reader go wrong. */
static void check_hostile(struct fl_column2_writer *w)
{
    struct fl_block *block = like_block(300, 20);
    struct encoded e = {0};
    struct fl_series *s;
    struct rnd r = {3};
    bool ok = encode(w, block, &e) && fl_series_new(&s, NULL) == 0;
    uint64_t refused = 0, tried = 0;

    for (size_t f = 0; f < FL_FIELD_COUNT && ok; f++) {
        struct fl_buf *col = &e.col[f];
        size_t whole = col->len;

        for (size_t cut = 1; cut <= whole; cut += EACH) {
            struct fl_block *back = NULL;
            unsigned char *at = &col->ptr[cut - 1], old = *at;

            col->len = whole - cut;
            ok = ok && (col->len == 0 || !decode(s, &e, block->rows, &back));
            fl_block_free(back);
            col->len = whole;
            *at = (unsigned char)rnd_next(&r);
            back = NULL;
            refused += !decode(s, &e, block->rows, &back);
            tried++;
            for (uint32_t row = 0; back != NULL && row < back->rows; row++) {
                struct fl_event ev;

                fl_block_row(back, row, &ev);
            }
            fl_block_free(back);
            *at = old;
        }
    }
    printf("# %llu of %llu changes are refused\n", (unsigned long long)refused,
           (unsigned long long)tried);
    CHECK(ok && refused > tried / 10, "what is cut is refused, what is changed does no harm");
    fl_series_free(s);
    encoded_done(&e);
    fl_block_free(block);
}

/* ---- payloads by hand ---- */

enum { FEW = 4 };

/* Four rows; DEVICE has so many words, in turn. */
static struct fl_block *few_rows(unsigned words)
{
    struct fl_block *block;
    struct fl_event ev = {0};

    if (fl_block_new(&block, NULL) < 0)
        abort();
    for (unsigned i = 0; i < FEW; i++) {
        fl_event_clear(&ev);
        fl_event_num(&ev, FL_F_SEQ, i + 1);
        fl_event_str(&ev, FL_F_DEVICE, fl_span_of(&"abcd"[i % words], 1));
        if (fl_block_add(block, &ev, NULL) < 0)
            abort();
    }
    return block;
}

#define BY_DEVICE 5, 0, FL_F_DEVICE, 0
#define HAND(...)                                                                                  \
    ((const unsigned char[]){__VA_ARGS__}), sizeof((const unsigned char[]){__VA_ARGS__})

static const struct by_hand {
    const char *name;
    enum fl_field f;
    unsigned words; /* of DEVICE */
    bool good;
    const unsigned char *payload;
    size_t len;
} by_hand[] = {
    {"a function with two words", FL_F_SITE, 2, true,
     HAND(BY_DEVICE, 2, 0, 0, 0, 1, 0, 0, 2, 2, 0, 1, 2, 1, 0, 'x', 'y')},
    {"a function with the other's words", FL_F_SITE, 2, true,
     HAND(BY_DEVICE, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0)},
    {"a map to a word that is not there yet", FL_F_SITE, 2, false,
     HAND(BY_DEVICE, 1, 0, 0, 0, 1, 0, 0, 2, 4, 0, 1, 0, 1, 0, 'x')},
    {"a map without a word for some rows", FL_F_SITE, 2, false,
     HAND(BY_DEVICE, 1, 0, 0, 0, 1, 0, 0, 2, 0, 0, 1, 0, 1, 0, 'x')},
    {"a map whose word no row lacks", FL_F_SITE, 2, true,
     HAND(BY_DEVICE, 1, 0, 0, 0, 1, 0, 0, 2, 3, 0, 1, 0, 1, 0, 'x')},
    {"the other's word where it has none", FL_F_SITE, 2, false,
     HAND(BY_DEVICE, 0, 0, 0, 0, 1, 0, 1, 1, 1, 0)},
    {"an address that is another's text", FL_F_SRC_IP, 2, false,
     HAND(BY_DEVICE, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0)},
    {"an exception", FL_F_SITE, 2, true,
     HAND(BY_DEVICE, 1, 0, 0, 0, 1, 0, 0, 2, 3, 1, 1, 0, 3, 1, 0, 1, 1, 0, 1, 0, 'x')},
    {"an exception behind the last row", FL_F_SITE, 2, false,
     HAND(BY_DEVICE, 1, 0, 0, 0, 1, 0, 0, 2, 3, 1, 1, 0, 4, 1, 0, 1, 1, 0, 1, 0, 'x')},
    {"an exception with a word that is not there", FL_F_SITE, 2, false,
     HAND(BY_DEVICE, 1, 0, 0, 0, 1, 0, 0, 2, 3, 1, 1, 0, 3, 1, 0, 2, 1, 0, 1, 0, 'x')},
    {"more words than rows", FL_F_SITE, 4, false,
     HAND(BY_DEVICE, 1, 0, 0, 0, 1, 0, 2, 1, 1, 1, 1, 0, 1, 0, 1, 0, 'x')},
    {"a word that is stored and not used", FL_F_SITE, 2, false,
     HAND(BY_DEVICE, 2, 0, 0, 0, 1, 0, 0, 2, 3, 0, 1, 2, 1, 0, 'x', 'y')},
    {"a function of itself", FL_F_DEVICE, 2, false, HAND(BY_DEVICE, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0)},
    {"words, numbered", FL_F_SITE, 2, true,
     HAND(4, 0, 2, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 2, 1, 0, 'x', 'y')},
    {"a number behind the last word", FL_F_SITE, 2, false,
     HAND(4, 0, 2, 0, 0, 0, 0, 1, 0, 0, 1, 2, 0, 1, 2, 1, 0, 'x', 'y')},
    {"words by first use", FL_F_SITE, 2, true,
     HAND(4, 0, 2, 0, 0, 0, 1, 1, 0, 0, 0, 1, 2, 1, 2, 1, 0, 'x', 'y')},
    {"one first use too many", FL_F_SITE, 2, false,
     HAND(4, 0, 2, 0, 0, 0, 1, 1, 0, 0, 0, 0, 2, 1, 2, 1, 0, 'x', 'y')},
    {"a word that is too long", FL_F_SITE, 2, false,
     HAND(4, 0, 1, 0, 0, 0, 0, 0, 3, 0, 1, 0, 0, 0, 1, 2, 'x')},
    {"the longest word", FL_F_SITE, 2, true,
     HAND(4, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 1, 2, 'x')},
    {"a bitmap that is there", FL_F_PRI, 2, true, HAND(1, 1, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0)},
    {"a bitmap that is not", FL_F_PRI, 2, false, HAND(1, 2, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0)},
    {"a scale of zero", FL_F_PRI, 2, false, HAND(1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0)},
    {"bytes behind the end", FL_F_PRI, 2, false, HAND(1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0)},
    {"a prediction of what has none", FL_F_PRI, 2, false, HAND(3, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0)},
    {"numbers for a column of words", FL_F_SITE, 2, false,
     HAND(1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0)},
    {"words for a column of numbers", FL_F_PRI, 2, false,
     HAND(4, 0, 1, 0, 0, 0, 0, 0, 1, 2, 1, 0, 'x')},
    {"an unknown encoding", FL_F_PRI, 2, false, HAND(7, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0)},
};

static void check_by_hand(void)
{
    static const unsigned char bits[] = {1, 0, 0x05}, padding[] = {1, 0, 0x15}, none[] = {1, 0, 0};
    struct fl_presences p = {.rows = 0}, wrong = {.rows = 0};
    struct fl_series *s;

    if (fl_series_new(&s, NULL) < 0 ||
        fl_presences_decode(fl_span_of(bits, sizeof bits), FEW, &p, NULL) < 0)
        abort();
    for (size_t i = 0; i < FL_LEN(by_hand); i++) {
        struct fl_span payload = fl_span_of(by_hand[i].payload, by_hand[i].len);
        struct fl_block *block = few_rows(by_hand[i].words);
        bool itself = by_hand[i].f == FL_F_DEVICE, ok;

        if (itself) {
            ok = fl_column2_needs(FL_F_DEVICE, payload).bits[0] != 0;
        } else {
            ok = fl_column2_decode(s, &p, by_hand[i].f, payload, block, NULL) == 0;
            ok = ok && (block->col[by_hand[i].f].words == NULL ||
                        block->col[by_hand[i].f].words[1].len > 0);
        }
        CHECK(ok == by_hand[i].good, by_hand[i].name);
        fl_block_free(block);
    }
    fl_presences_done(&p);
    for (size_t i = 0; i < 2; i++) {
        struct fl_block *block = few_rows(2);

        CHECK(fl_presences_decode(fl_span_of(i == 0 ? padding : none, 3), FEW, &wrong, NULL) == 0 &&
                  fl_column2_decode(s, &wrong, FL_F_PRI,
                                    fl_span_of(HAND(1, 1, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0)), block,
                                    NULL) == FL_E_CORRUPT,
              i == 0 ? "a bitmap with rows behind the last" : "an empty bitmap");
        fl_presences_done(&wrong);
        fl_block_free(block);
    }
    fl_series_free(s);
}

/* ---- segments ---- */

/* Some rows alone, at random, against the rows as they were. */
static bool some_same(struct fl_segment *seg, uint32_t b, const struct fl_block *block)
{
    static struct rnd r = {77};
    struct fl_fieldset all = fl_fieldset_all();
    bool ok = true;

    for (int round = 0; round < 6 && ok; round++) {
        uint32_t *rows = calloc(block->rows, sizeof *rows), count = 0;
        uint64_t one_in = 1 + rnd_below(&r, round < 3 ? 3 : 400), read = 0;
        struct fl_block *back = NULL;
        struct fl_err err = {0};

        for (uint32_t row = 0; row < block->rows; row++)
            if (rnd_below(&r, one_in) == 0)
                rows[count++] = row;
        ok = fl_segment_load_rows(seg, b, &all, rows, count, &back, &read, &err) == 0;
        if (!ok)
            printf("# %s\n", err.text);
        for (uint32_t i = 0; i < count && ok; i++) {
            struct fl_event want, got;

            fl_block_row(block, rows[i], &want);
            fl_block_row(back, rows[i], &got);
            ok = same_event(&want, &got);
        }
        fl_block_free(back);
        free(rows);
    }
    return ok;
}

static bool sealed_same(struct fl_block *const *blocks, uint32_t count, uint16_t version, int dir,
                        struct memkeys *keys, uint64_t *ret_bytes)
{
    const struct fl_segment_plan plan = {.now_us = 5, .version = version};
    struct fl_fieldset all = fl_fieldset_all();
    struct fl_segment_id id = {.tenant = 3, .day = 20000};
    unsigned char key[FL_KEY_BYTES];
    struct fl_segment *seg = NULL;
    uint64_t read = 0;
    struct fl_err err = {0};
    bool ok = fl_segment_write_as(&fl_files_system, dir, &keys->base, &id, blocks, count, &plan,
                                  ret_bytes, key, &err) == 0 &&
              fl_segment_open(&fl_files_system, dir, &id, key, &seg, &err) == 0 &&
              id.version == version && fl_segment_foot(seg)->version == version;

    for (uint32_t b = 0; b < count && ok; b++) {
        struct fl_block *back = NULL;

        ok = fl_segment_load(seg, b, &all, &back, &read, &err) == 0 && same_rows(blocks[b], back) &&
             some_same(seg, b, blocks[b]);
        fl_block_free(back);
    }
    if (!ok)
        printf("# %s\n", err.text);
    fl_segment_close(seg);
    return ok;
}

/* The word of a row stands at another row's host: it is found all the same. */
static void check_far_twins(void)
{
    struct fl_event ev = {0};
    struct fl_block *block;
    struct memkeys keys;
    char path[64], host[40], domain[32];
    int dir = temp_folder(path);
    uint64_t bytes = 0;

    memkeys_init(&keys);
    if (fl_block_new(&block, NULL) < 0)
        abort();
    for (uint32_t i = 0; i < 6000; i++) {
        (void)snprintf(domain, sizeof domain, "d%u.example", (unsigned)i % 20);
        (void)snprintf(host, sizeof host, "%s%s", i < 20 ? "" : "www.", domain);
        fl_event_clear(&ev);
        fl_event_num(&ev, FL_F_SEQ, i + 1);
        fl_event_time(&ev, FL_F_TIME, i * 1000);
        fl_event_str(&ev, FL_F_HOSTNAME, fl_span_str(host));
        fl_event_str(&ev, FL_F_DOMAIN, fl_span_str(domain));
        if (fl_block_add(block, &ev, NULL) < 0)
            abort();
    }
    CHECK(sealed_same(&block, 1, 2, dir, &keys, &bytes), "words of other rows are found");
    fl_block_free(block);
    memkeys_done(&keys);
    (void)close(dir);
    remove_tree(path);
}

static void check_versions(void)
{
    static const uint32_t sizes[] = {5, 900, 4096, 20000};
    struct memkeys keys;
    char path[64];
    int dir = temp_folder(path);
    struct fl_block *gap;
    uint64_t v1 = 0, v2 = 0;

    memkeys_init(&keys);
    for (size_t i = 0; i < FL_LEN(sizes); i++) {
        struct fl_block *one[1] = {like_block(sizes[i], 50)};
        struct fl_block *two[1] = {random_block(i, sizes[i])};

        CHECK(sealed_same(one, 1, 1, dir, &keys, &v1) && sealed_same(one, 1, 2, dir, &keys, &v2) &&
                  v2 < v1,
              "both versions hold the rows of a network, the second in less");
        CHECK(sealed_same(two, 1, 1, dir, &keys, &v1) && sealed_same(two, 1, 2, dir, &keys, &v2),
              "both versions hold random rows");
        fl_block_free(one[0]);
        fl_block_free(two[0]);
    }
    gap = like_block(5000, 0);
    gap->col[FL_F_SEQ].num[4999] += 3;
    CHECK(sealed_same(&gap, 1, 2, dir, &keys, &v2), "version 2 may leave out numbers");
    CHECK(!sealed_same(&gap, 1, 1, dir, &keys, &v1), "version 1 may not");
    fl_block_free(gap);
    memkeys_done(&keys);
    (void)close(dir);
    remove_tree(path);
}

/* What a footer says is compared with itself and with the file. */
static void check_feet(void)
{
    struct memkeys keys;
    char path[64];
    int dir = temp_folder(path);

    memkeys_init(&keys);
    for (uint16_t version = 1; version <= 2; version++) {
        const struct fl_segment_plan plan = {.now_us = 5, .version = version};
        const struct fl_segment_plan ends[2] = {
            {.now_us = 5, .version = version, .first_seq = 1, .last_seq = 4000},
            {.now_us = 5, .version = version, .first_seq = 0, .last_seq = 3000}};
        struct fl_segment_id id = {.tenant = 3, .day = 20000}, other = id;
        struct fl_block *block = like_block(3000, 0);
        struct fl_segment_foot *foot = NULL, *again = NULL;
        struct fl_segment *seg;
        unsigned char key[FL_KEY_BYTES];
        FL_AUTO(fl_buf_done) struct fl_buf out;
        uint64_t bytes;

        fl_buf_init(&out, 1 << 20);
        if (fl_segment_write_as(&fl_files_system, dir, &keys.base, &id, &block, 1, &plan, &bytes,
                                key, NULL) < 0 ||
            fl_segment_open(&fl_files_system, dir, &id, key, &seg, NULL) < 0)
            abort();
        fl_segment_foot_encode(fl_segment_foot(seg), &out);
        CHECK(fl_segment_foot_decode(fl_buf_span(&out), bytes, &foot, NULL) == 0 &&
                  foot->rows == 3000 && foot->version == version,
              "a footer comes back");
        CHECK(fl_segment_foot_decode(fl_buf_span(&out), bytes / 4, &again, NULL) == FL_E_CORRUPT,
              "one of a larger file does not");
        foot->rows++;
        foot->last_seq++;
        fl_buf_clear(&out);
        fl_segment_foot_encode(foot, &out);
        CHECK(fl_segment_foot_decode(fl_buf_span(&out), bytes, &again, NULL) == FL_E_CORRUPT,
              "nor one whose blocks have other rows");
        foot->rows--;
        foot->last_seq -= 2;
        fl_buf_clear(&out);
        fl_segment_foot_encode(foot, &out);
        CHECK(fl_segment_foot_decode(fl_buf_span(&out), bytes, &again, NULL) == FL_E_CORRUPT,
              "nor one with more rows than numbers");
        foot->last_seq += 2;
        fl_buf_clear(&out);
        fl_segment_foot_encode(foot, &out);
        CHECK((fl_segment_foot_decode(fl_buf_span(&out), bytes, &again, NULL) == 0) ==
                  (version == 2),
              "more numbers than rows are of version 2");
        fl_segment_foot_free(again);
        for (size_t i = 0; i < FL_LEN(ends); i++) {
            other = (struct fl_segment_id){.tenant = 3, .day = 20000};
            CHECK((fl_segment_write_as(&fl_files_system, dir, &keys.base, &other, &block, 1,
                                       &ends[i], &bytes, key, NULL) == 0) == (version == 2),
                  "at the ends too");
        }
        fl_segment_foot_free(foot);
        fl_segment_close(seg);
        fl_block_free(block);
    }
    memkeys_done(&keys);
    (void)close(dir);
    remove_tree(path);
}

int main(void)
{
    struct fl_column2_writer *w;

    if (fl_column2_writer_new(&w, NULL) < 0)
        abort();
    check_rounds(w);
    check_encodings(w);
    check_worth(w);
    check_unused(w);
    check_hostile(w);
    check_by_hand();
    fl_column2_writer_free(w);
    check_versions();
    check_far_twins();
    check_feet();
    return tap_done();
}
