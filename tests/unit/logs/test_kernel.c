/* Every variant of every loop against one line of plain C; series there and back. */
#include "logs/kernel.h"

#include "logs/series.h"
#include "store_help.h"
#include "tap.h"

enum { MOST = 5000 };

static uint64_t v64[MOST + 16], w64[MOST + 16], x64[MOST + 16];
static uint32_t v32[MOST + 16], w32[MOST + 16], x32[MOST + 16];
static unsigned char bytes[FL_PLANES_MAX][MOST + 16];
static uint8_t has[MOST / 8 + 8], got_bits[MOST / 8 + 8];

static const size_t counts[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 1000, 1024, 4099};

static bool bit(size_t row)
{
    return (has[row / 8] >> (row % 8) & 1) != 0;
}

static void fill(struct rnd *r, size_t n, unsigned bits)
{
    for (size_t i = 0; i < n + 16; i++) {
        v64[i] = rnd_next(r) & (bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1);
        v32[i] = (uint32_t)v64[i];
        w64[i] = rnd_next(r);
        w32[i] = rnd_below(r, 4) == 0 ? 0 : (uint32_t)rnd_next(r);
    }
    for (size_t i = 0; i < n / 8 + 8; i++)
        has[i] = (uint8_t)rnd_next(r);
}

static bool planes(const struct fl_kernel *k, struct rnd *r, size_t n)
{
    const unsigned char *plane[FL_PLANES_MAX];
    unsigned char *room[FL_PLANES_MAX];
    bool ok = true;

    for (size_t p = 0; p < FL_PLANES_MAX; p++)
        plane[p] = room[p] = bytes[p];
    for (unsigned width = 0; width <= FL_PLANES_MAX; width++) {
        uint64_t base = rnd_next(r),
                 scale = rnd_below(r, 2) == 0 ? rnd_below(r, 5000) : rnd_next(r);

        fill(r, n, width * 8);
        k->split64(room, v64, width, n);
        k->planes64(x64, plane, width, n, base, scale);
        for (size_t i = 0; i < n; i++)
            ok = ok && x64[i] == base + scale * v64[i];
        if (width > 4)
            continue;
        k->planes32(x32, plane, width, n, (uint32_t)base);
        for (size_t i = 0; i < n; i++)
            ok = ok && x32[i] == (uint32_t)base + v32[i];
    }
    return ok;
}

static bool packing(const struct fl_kernel *k, struct rnd *r)
{
    static unsigned char group[FL_PACK_VALUES * 4];
    bool ok = true;

    for (unsigned bits = 0; bits <= 32; bits++) {
        fill(r, FL_PACK_VALUES, bits);
        fl_kernel_pack(group, v32, bits);
        k->unpack(x32, group, bits, 77);
        for (size_t i = 0; i < FL_PACK_VALUES; i++)
            ok = ok && x32[i] == v32[i] + 77;
    }
    return ok;
}

static bool spreading(const struct fl_kernel *k, struct rnd *r, size_t n)
{
    size_t at = 0;
    bool ok = true;

    fill(r, n, 40);
    k->spread64(x64, v64, has, n);
    k->spread32(x32, v32, has, n);
    for (size_t i = 0; i < n; i++) {
        ok = ok && x64[i] == (bit(i) ? v64[at] : 0) && x32[i] == (bit(i) ? v32[at] : 0);
        at += bit(i);
    }
    ok = ok && k->gather64(x64, w64, has, n) == at;
    at = 0;
    for (size_t i = 0; i < n; i++)
        if (bit(i))
            ok = ok && x64[at++] == w64[i];
    memcpy(x64, w64, sizeof x64);
    ok = ok && k->gather64(x64, x64, has, n) == at; /* in place */
    at = 0;
    for (size_t i = 0; i < n; i++)
        if (bit(i))
            ok = ok && x64[at++] == w64[i];
    memcpy(x64, v64, sizeof x64);
    memcpy(x32, v32, sizeof x32);
    k->mask64(x64, has, n);
    k->mask32(x32, has, n);
    for (size_t i = 0; i < n; i++)
        ok = ok && x64[i] == (bit(i) ? v64[i] : 0) && x32[i] == (bit(i) ? v32[i] : 0);
    return ok && x64[n] == v64[n] && x32[n] == v32[n];
}

static bool sums(const struct fl_kernel *k, struct rnd *r, size_t n)
{
    static const uint64_t factors[] = {1, UINT64_MAX, 12345, UINT64_C(0) - 1000000};
    bool ok = true;

    for (size_t f = 0; f < FL_LEN(factors); f++) {
        fill(r, n, 64);
        memcpy(x64, v64, sizeof x64);
        k->add_times(x64, w64, factors[f], n);
        for (size_t i = 0; i < n; i++)
            ok = ok && x64[i] == v64[i] + factors[f] * w64[i];
        memcpy(x64, v64, sizeof x64);
        k->add_times_has(x64, w64, factors[f], has, n);
        for (size_t i = 0; i < n; i++)
            ok = ok && x64[i] == v64[i] + (bit(i) ? factors[f] * w64[i] : 0);
        k->widen(x64, v32, n, w64[0], factors[f]);
        for (size_t i = 0; i < n; i++)
            ok = ok && x64[i] == w64[0] + factors[f] * v32[i];
    }
    return ok;
}

static bool counting(const struct fl_kernel *k, struct rnd *r, size_t n)
{
    uint32_t most = 0, given = 0, want = 0;
    uint64_t least = UINT64_MAX, top = 0, got_least = 0, got_top = 0;
    size_t some = 0;
    bool ok;

    fill(r, n, 33);
    for (size_t i = 0; i < n; i++) {
        most = w32[i] > most ? w32[i] : most;
        some += w32[i] != 0;
        least = (v64[i] ^ 5) < least ? v64[i] ^ 5 : least;
        top = (v64[i] ^ 5) > top ? v64[i] ^ 5 : top;
    }
    ok = k->max32(w32, n) == most && k->count32(w32, n) == some &&
         k->bits32(got_bits, w32, n) == some;
    for (size_t i = 0; i < (n + 7) / 8 * 8; i++)
        ok = ok && (got_bits[i / 8] >> (i % 8) & 1) == (i < n && w32[i] != 0);
    k->range64(v64, n, 5, &got_least, &got_top);
    ok = ok && got_least == least && got_top == top;
    memcpy(x32, w32, sizeof x32);
    given = k->first_use(x32, n);
    for (size_t i = 0; i < n; i++)
        ok = ok && x32[i] == (w32[i] == 0 ? ++want : w32[i]);
    return ok && given == want && x32[n] == w32[n];
}

static bool lookups(const struct fl_kernel *k, struct rnd *r, size_t n)
{
    bool ok = true;
    size_t want, from = 0;

    fill(r, n, 30);
    for (size_t i = 0; i < n + 16; i++)
        x32[i] = (uint32_t)rnd_below(r, 50);
    k->lookup(w32, v32, x32, n);
    for (size_t i = 0; i < n; i++)
        ok = ok && w32[i] == v32[x32[i]];
    for (size_t i = 0; i < n; i++)
        w32[i] = rnd_below(r, 20) == 0 ? w32[i] + 1 : rnd_below(r, 9) == 0 ? 0 : w32[i];
    do {
        for (want = from; want < n && (w32[want] == 0 || w32[want] == v32[x32[want]]);)
            want++;
        ok = ok && k->mismatch(w32, v32, x32, from, n) == want;
        from = want + 1;
    } while (want < n);
    return ok;
}

static void check_kernels(void)
{
    const struct fl_kernel *const *list;
    size_t count = fl_kernels(&list);

    CHECK(count >= 1 && fl_kernel() == list[count - 1], "the fastest is chosen");
    for (size_t v = 0; v < count; v++) {
        const struct fl_kernel *k = list[v];
        struct rnd r = {v + 1};
        bool ok[6] = {true, true, true, true, true, true};

        for (size_t c = 0; c < FL_LEN(counts); c++) {
            ok[0] = ok[0] && planes(k, &r, counts[c]);
            ok[1] = ok[1] && spreading(k, &r, counts[c]);
            ok[2] = ok[2] && sums(k, &r, counts[c]);
            ok[3] = ok[3] && counting(k, &r, counts[c]);
            ok[4] = ok[4] && lookups(k, &r, counts[c]);
        }
        ok[5] = packing(k, &r);
        printf("# variant %s\n", k->name);
        CHECK(ok[0], "planes there and back");
        CHECK(ok[1], "values to rows and back");
        CHECK(ok[2], "sums of columns");
        CHECK(ok[3], "counts, bitmaps, least and most, numbers by first use");
        CHECK(ok[4], "lookups");
        CHECK(ok[5], "packed groups");
    }
}

/* ---- series ---- */

enum kind { ALL_ZERO, SAME, SMALL, SKEWED, DRIFT, WIDE, RARE, KINDS };

static uint64_t number(struct rnd *r, enum kind kind, size_t i)
{
    switch (kind) {
    case ALL_ZERO:
        return 0;
    case SAME:
        return 300;
    case SMALL:
        return rnd_below(r, 7);
    case SKEWED:
        return rnd_next(r) >> (40 + rnd_below(r, 20));
    case DRIFT:
        return i * 8 + rnd_below(r, 3000);
    case WIDE:
        return rnd_next(r);
    case RARE:
        return rnd_below(r, 50) == 0 ? rnd_next(r) : 3;
    case KINDS:
        break;
    }
    return 0;
}

/* What was written reads back, no beginning of it does, and the other width agrees. */
static bool there_and_back(struct fl_series *s, const uint64_t *v, size_t n, bool cut)
{
    static uint64_t back[FL_SERIES_MAX];
    static uint32_t back32[FL_SERIES_MAX];
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_cursor cur;
    bool ok, narrow = true;

    fl_buf_init(&out, 1 << 22);
    fl_series_put(s, v, n, &out);
    cur = fl_cursor_of(fl_buf_span(&out));
    ok = fl_series_get(s, &cur, n, 1000, 3, back) && fl_cursor_done(&cur);
    for (size_t i = 0; i < n && ok; i++) {
        ok = back[i] == 1000 + 3 * v[i];
        narrow = narrow && v[i] <= UINT32_MAX;
    }
    cur = fl_cursor_of(fl_buf_span(&out));
    ok = ok && fl_series_get32(s, &cur, n, 5, back32) == narrow;
    for (size_t i = 0; i < n && ok && narrow; i++)
        ok = back32[i] == (uint32_t)v[i] + 5;
    for (size_t len = 0; cut && len < out.len && ok; len++) {
        struct fl_span part = fl_span_of(memcpy(malloc(len + 1), out.ptr, len), len);

        cur = fl_cursor_of(part);
        ok = !fl_series_get(s, &cur, n, 0, 1, back);
        free((void *)(uintptr_t)part.ptr);
    }
    return ok;
}

static void check_series(void)
{
    static const size_t sizes[] = {1, 2, 47, 48, 100, 1023, 1024, 1025, 4096, 65536, 65537};
    static uint64_t v[FL_SERIES_MAX];
    const struct fl_kernel *const *list;
    size_t count = fl_kernels(&list);
    struct fl_series *s;
    bool ok = true, cut_ok = true;

    if (fl_series_new(&s, NULL) < 0)
        abort();
    for (size_t z = 0; z < FL_LEN(sizes); z++) {
        for (int kind = 0; kind < KINDS; kind++) {
            struct rnd r = {z * 10 + (uint64_t)kind};

            for (size_t i = 0; i < sizes[z]; i++)
                v[i] = number(&r, (enum kind)kind, i);
            fl_series_use(s, list[(z + (size_t)kind) % count]);
            fl_series_plain(s, z % 3 == 2);
            ok = ok && there_and_back(s, v, sizes[z], false);
            if (sizes[z] <= 1024 && kind != ALL_ZERO)
                cut_ok = cut_ok && there_and_back(s, v, sizes[z], true);
        }
    }
    CHECK(ok, "series of all kinds and sizes come back");
    CHECK(cut_ok, "a series that was cut does not");
    fl_series_free(s);
}

static size_t size_of(struct fl_series *s, const uint64_t *v, size_t n)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;

    fl_buf_init(&out, 1 << 22);
    fl_series_put(s, v, n, &out);
    return out.len;
}

static void check_sizes(void)
{
    static uint64_t v[65536];
    struct rnd r = {5};
    struct fl_series *s;

    if (fl_series_new(&s, NULL) < 0)
        abort();
    CHECK(size_of(s, v, 65536) == 1, "zeros take a byte");
    for (size_t i = 0; i < 65536; i++)
        v[i] = i * 8 + rnd_below(&r, 3000);
    CHECK(size_of(s, v, 65536) < 65536 * 7 / 4 + 400, "what drifts is packed in groups");
    for (size_t i = 0; i < 65536; i++)
        v[i] = rnd_below(&r, 20) == 0 ? 80 : 443;
    CHECK(size_of(s, v, 65536) < 65536 / 2, "few values are compressed");
    for (size_t i = 0; i < 65536; i++)
        v[i] = rnd_below(&r, 65536);
    CHECK(size_of(s, v, 65536) < 65536 * 2 + 100, "noise is stored");
    fl_series_free(s);
}

static void check_by_hand(void)
{
    static unsigned char group[6 + 33 * 128] = {16, 32};
    static uint64_t v[65536], back[4];
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_cursor cur = fl_cursor_of(fl_span_of(group, sizeof group - 128));
    struct rnd r = {8};
    struct fl_series *s;

    fl_buf_init(&out, 1 << 20);
    if (fl_series_new(&s, NULL) < 0)
        abort();
    CHECK(fl_series_get(s, &cur, 4, 0, 1, back) && fl_cursor_done(&cur), "numbers of 32 bits");
    group[1] = 33;
    cur = fl_cursor_of(fl_span_of(group, sizeof group));
    CHECK(!fl_series_get(s, &cur, 4, 0, 1, back), "none of 33");
    group[0] = 9;
    cur = fl_cursor_of(fl_span_of(group, sizeof group));
    CHECK(!fl_series_get(s, &cur, 4, 0, 1, back), "no ninth plane");
    for (size_t i = 0; i < FL_LEN(v); i++)
        v[i] = rnd_below(&r, 256);
    fl_series_put(s, v, FL_LEN(v), &out);
    CHECK(out.len == 2 + FL_LEN(v) && out.ptr[0] == 1 && out.ptr[1] == 0,
          "a plane of noise is stored, not compressed");
    fl_series_free(s);
}

int main(void)
{
    check_by_hand();
    check_kernels();
    check_series();
    check_sizes();
    return tap_done();
}
