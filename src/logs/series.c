#include "logs/series.h"

#include <stdlib.h>
#include <string.h>

enum { STORED = 0, ZSTD = 1, ONE_BYTE = 2 };
enum { ZERO = 0, PACKED = 16, GROUP_HEAD_BYTES = 5 };
enum { DEARER = 3, SMALL_BYTES = 48, PACK_BITS_BYTES = FL_PACK_VALUES / 8 };
#define GROUPS_MAX ((FL_SERIES_MAX + FL_PACK_VALUES - 1) / FL_PACK_VALUES)

struct fl_series {
    struct fl_chunker *chunker;
    const struct fl_kernel *kernel;
    bool plain;                     /* sections are stored as they are */
    struct fl_buf trial;            /* a series as planes, to be compared with a packed one */
    uint64_t wide[FL_SERIES_MAX];   /* of 32-bit numbers */
    uint32_t group[FL_PACK_VALUES]; /* of a packed series */
    unsigned char room[FL_PLANES_MAX][FL_SERIES_MAX + 63]; /* planes */
};

int fl_series_new(struct fl_series **ret, struct fl_err *err)
{
    struct fl_series *s = malloc(sizeof *s);
    int r;

    if (s == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for columns");
    s->chunker = NULL;
    s->kernel = fl_kernel();
    s->plain = false;
    fl_buf_init(&s->trial, (size_t)FL_PLANES_MAX * (FL_SERIES_MAX + 1024));
    r = fl_chunker_new(&s->chunker, err);
    if (r < 0) {
        fl_series_free(s);
        return r;
    }
    *ret = s;
    return FL_OK;
}

void fl_series_free(struct fl_series *s)
{
    if (s == NULL)
        return;
    fl_chunker_free(s->chunker);
    fl_buf_done(&s->trial);
    free(s);
}

void fl_series_freep(struct fl_series **s)
{
    fl_series_free(*s);
    *s = NULL;
}

const struct fl_kernel *fl_series_kernel(const struct fl_series *s)
{
    return s->kernel;
}

void fl_series_use(struct fl_series *s, const struct fl_kernel *kernel)
{
    s->kernel = kernel;
}

void fl_series_plain(struct fl_series *s, bool plain)
{
    s->plain = plain;
}

struct fl_chunker *fl_series_chunker(struct fl_series *s)
{
    return s->chunker;
}

/* ---- sections ---- */

static void put_stored(struct fl_span bytes, struct fl_buf *out)
{
    fl_buf_put_u8(out, STORED);
    fl_buf_put_span(out, bytes);
}

void fl_section_put(struct fl_series *s, struct fl_span bytes, struct fl_buf *out)
{
    size_t room = bytes.len - bytes.len / 20, packed; /* less than 5 % gained is not worth it */
    unsigned char *at;

    if (bytes.len > 1 && memcmp(bytes.ptr, bytes.ptr + 1, bytes.len - 1) == 0) {
        fl_buf_put_u8(out, ONE_BYTE);
        fl_buf_put_u8(out, bytes.ptr[0]);
        return;
    }
    if (s->plain || bytes.len < SMALL_BYTES) {
        put_stored(bytes, out);
        return;
    }
    at = fl_buf_reserve(out, 5 + room);
    packed = at == NULL ? 0 : fl_chunk_zip(s->chunker, bytes, at + 5, room);
    if (packed == 0) {
        put_stored(bytes, out);
        return;
    }
    fl_buf_put_u8(out, ZSTD);
    fl_buf_put_u32(out, (uint32_t)packed);
    out->len += packed;
}

bool fl_section_get(struct fl_series *s, struct fl_cursor *cur, size_t n, unsigned char *room,
                    struct fl_span *ret)
{
    uint8_t kind = fl_cursor_u8(cur);
    struct fl_span packed;

    switch (kind) {
    case STORED:
        *ret = fl_cursor_bytes(cur, n);
        return !cur->failed;
    case ZSTD:
        packed = fl_cursor_bytes(cur, fl_cursor_u32(cur));
        if (cur->failed || !fl_chunk_unzip(s->chunker, packed, room, n))
            return false;
        break;
    case ONE_BYTE:
        if (n > 0)
            memset(room, fl_cursor_u8(cur), n);
        break;
    default:
        return false;
    }
    *ret = fl_span_of(room, n);
    return !cur->failed && n > 0;
}

bool fl_section_skip(struct fl_cursor *cur, size_t n)
{
    uint8_t kind = fl_cursor_u8(cur);

    if (kind > ONE_BYTE)
        return false;
    (void)fl_cursor_bytes(cur, kind == STORED ? n : kind == ZSTD ? fl_cursor_u32(cur) : 1);
    return !cur->failed;
}

bool fl_section_copy(struct fl_series *s, struct fl_cursor *cur, size_t n, unsigned char *to)
{
    struct fl_span got;

    if (!fl_section_get(s, cur, n, to, &got))
        return false;
    if (got.ptr != to && n > 0)
        memcpy(to, got.ptr, n);
    return true;
}

/* ---- writing series ---- */

struct group {
    uint32_t least;
    uint8_t bits;
};

static unsigned width_of(uint64_t most)
{
    return most == 0 ? 0 : (unsigned)(71 - __builtin_clzll(most)) / 8;
}

static uint64_t most_of(const uint64_t *k, size_t n)
{
    uint64_t all = 0; /* has the highest bit of the greatest */

    for (size_t i = 0; i < n; i++)
        all |= k[i];
    return all;
}

/* Groups of a packed series; the bytes it takes, or SIZE_MAX where it is no use. */
static size_t plan_groups(const struct fl_series *s, const uint64_t *k, size_t n, unsigned width,
                          struct group *group)
{
    size_t bytes = 1;

    if (n < FL_PACK_VALUES || width > 4)
        return SIZE_MAX;
    for (size_t at = 0; at < n; at += FL_PACK_VALUES, group++) {
        uint64_t least, most;

        s->kernel->range64(k + at, n - at < FL_PACK_VALUES ? n - at : FL_PACK_VALUES, 0, &least,
                           &most);
        group->least = (uint32_t)least;
        group->bits = most == least ? 0 : (uint8_t)(64 - __builtin_clzll(most - least));
        bytes += GROUP_HEAD_BYTES + (size_t)group->bits * PACK_BITS_BYTES;
    }
    return bytes;
}

static void put_packed(struct fl_series *s, const uint64_t *k, size_t n, const struct group *group,
                       struct fl_buf *out)
{
    size_t groups = (n + FL_PACK_VALUES - 1) / FL_PACK_VALUES;

    fl_buf_put_u8(out, PACKED);
    for (size_t g = 0; g < groups; g++)
        fl_buf_put_u8(out, group[g].bits);
    for (size_t g = 0; g < groups; g++)
        fl_buf_put_u32(out, group[g].least);
    for (size_t g = 0; g < groups; g++, k += FL_PACK_VALUES, n -= FL_PACK_VALUES) {
        size_t here = n < FL_PACK_VALUES ? n : FL_PACK_VALUES;
        size_t bytes = (size_t)group[g].bits * PACK_BITS_BYTES;
        unsigned char *at = fl_buf_reserve(out, bytes);

        if (at == NULL)
            return;
        for (size_t i = 0; i < here; i++)
            s->group[i] = (uint32_t)k[i] - group[g].least;
        memset(s->group + here, 0, (FL_PACK_VALUES - here) * sizeof *s->group);
        fl_kernel_pack(at, s->group, group[g].bits);
        out->len += bytes;
    }
}

static void put_planes(struct fl_series *s, const uint64_t *k, size_t n, unsigned width,
                       struct fl_buf *out)
{
    unsigned char *plane[FL_PLANES_MAX] = {0};

    for (unsigned p = 0; p < width; p++)
        plane[p] = s->room[p];
    s->kernel->split64(plane, k, width, n);
    fl_buf_put_u8(out, (uint8_t)width);
    for (unsigned p = 0; p < width; p++)
        fl_section_put(s, fl_span_of(s->room[p], n), out);
}

void fl_series_put(struct fl_series *s, const uint64_t *k, size_t n, struct fl_buf *out)
{
    struct group group[GROUPS_MAX];
    unsigned width = width_of(most_of(k, n));
    size_t packed;

    if (n > FL_SERIES_MAX) {
        out->failed = out->failed != 0 ? out->failed : FL_E_LIMIT;
        return;
    }
    if (width == 0) {
        fl_buf_put_u8(out, ZERO);
        return;
    }
    packed = plan_groups(s, k, n, width, group);
    if (s->plain || packed >= n * width) { /* not even less than planes as they are */
        put_planes(s, k, n, width, out);
        return;
    }
    fl_buf_clear(&s->trial);
    put_planes(s, k, n, width, &s->trial);
    if (s->trial.failed != 0)
        out->failed = out->failed != 0 ? out->failed : s->trial.failed;
    else if (packed <= s->trial.len + s->trial.len / DEARER) /* read many times faster */
        put_packed(s, k, n, group, out);
    else
        fl_buf_put_span(out, fl_buf_span(&s->trial));
}

void fl_series_put32(struct fl_series *s, const uint32_t *k, size_t n, struct fl_buf *out)
{
    if (n > FL_SERIES_MAX) {
        out->failed = out->failed != 0 ? out->failed : FL_E_LIMIT;
        return;
    }
    s->kernel->widen(s->wide, k, n, 0, 1);
    fl_series_put(s, s->wide, n, out);
}

/* ---- reading series ---- */

static bool get_planes(struct fl_series *s, struct fl_cursor *cur, size_t n, unsigned width,
                       const unsigned char *plane[FL_PLANES_MAX])
{
    struct fl_span bytes;

    for (unsigned p = 0; p < width; p++) {
        if (!fl_section_get(s, cur, n, s->room[p], &bytes))
            return false;
        plane[p] = bytes.ptr;
    }
    return true;
}

struct packed {
    struct fl_span bits, least; /* u8 and u32 per group */
    size_t groups;
};

static bool get_packed(struct fl_cursor *cur, size_t n, struct packed *ret)
{
    ret->groups = (n + FL_PACK_VALUES - 1) / FL_PACK_VALUES;
    ret->bits = fl_cursor_bytes(cur, ret->groups);
    ret->least = fl_cursor_bytes(cur, ret->groups * 4);
    return !cur->failed;
}

/* The next group of at most FL_PACK_VALUES; what lies behind n is not written. */
static bool get_group(struct fl_series *s, struct fl_cursor *cur, const struct packed *pk, size_t g,
                      uint32_t add, uint32_t *to)
{
    unsigned bits = pk->bits.ptr[g];
    struct fl_span words;
    uint32_t least;

    if (bits > 32)
        return false;
    words = fl_cursor_bytes(cur, (size_t)bits * PACK_BITS_BYTES);
    if (cur->failed)
        return false;
    memcpy(&least, pk->least.ptr + g * 4, sizeof least);
    s->kernel->unpack(to, words.ptr, bits, least + add);
    return true;
}

static bool get_packed64(struct fl_series *s, struct fl_cursor *cur, size_t n, uint64_t base,
                         uint64_t scale, uint64_t *to)
{
    struct packed pk;

    if (!get_packed(cur, n, &pk))
        return false;
    for (size_t g = 0; g < pk.groups; g++, to += FL_PACK_VALUES, n -= FL_PACK_VALUES) {
        if (!get_group(s, cur, &pk, g, 0, s->group))
            return false;
        s->kernel->widen(to, s->group, n < FL_PACK_VALUES ? n : FL_PACK_VALUES, base, scale);
    }
    return true;
}

static bool get_packed32(struct fl_series *s, struct fl_cursor *cur, size_t n, uint32_t add,
                         uint32_t *to)
{
    struct packed pk;

    if (!get_packed(cur, n, &pk))
        return false;
    for (size_t g = 0; g < pk.groups; g++, to += FL_PACK_VALUES, n -= FL_PACK_VALUES) {
        bool whole = n >= FL_PACK_VALUES;

        if (!get_group(s, cur, &pk, g, add, whole ? to : s->group))
            return false;
        if (!whole)
            memcpy(to, s->group, n * sizeof *to);
    }
    return true;
}

bool fl_series_get(struct fl_series *s, struct fl_cursor *cur, size_t n, uint64_t base,
                   uint64_t scale, uint64_t *to)
{
    const unsigned char *plane[FL_PLANES_MAX] = {0};
    uint8_t form = fl_cursor_u8(cur);

    if (cur->failed || n > FL_SERIES_MAX)
        return false;
    if (form == PACKED)
        return get_packed64(s, cur, n, base, scale, to);
    if (form > FL_PLANES_MAX || !get_planes(s, cur, n, form, plane))
        return false;
    s->kernel->planes64(to, plane, form, n, base, scale);
    return true;
}

bool fl_series_get32(struct fl_series *s, struct fl_cursor *cur, size_t n, uint32_t add,
                     uint32_t *to)
{
    const unsigned char *plane[FL_PLANES_MAX] = {0};
    uint8_t form = fl_cursor_u8(cur);

    if (cur->failed || n > FL_SERIES_MAX)
        return false;
    if (form == PACKED)
        return get_packed32(s, cur, n, add, to);
    if (form > 4 || !get_planes(s, cur, n, form, plane))
        return false;
    s->kernel->planes32(to, plane, form, n, add);
    return true;
}

/* ---- some of a series ---- */

static void pick_planes(const unsigned char *const *plane, unsigned width, uint64_t base,
                        uint64_t scale, const uint32_t *at, size_t count, uint64_t *to)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t k = 0;

        for (unsigned p = 0; p < width; p++)
            k |= (uint64_t)plane[p][at[i]] << (p * 8);
        to[i] = base + scale * k;
    }
}

/* Groups without any are passed over. */
static bool pick_packed(struct fl_series *s, struct fl_cursor *cur, size_t n, uint64_t base,
                        uint64_t scale, const uint32_t *at, size_t count, uint64_t *to)
{
    struct packed pk;
    size_t i = 0;

    if (!get_packed(cur, n, &pk))
        return false;
    for (size_t g = 0; g < pk.groups; g++) {
        size_t first = g * FL_PACK_VALUES;

        if (i == count || at[i] >= first + FL_PACK_VALUES) {
            if (pk.bits.ptr[g] > 32)
                return false;
            (void)fl_cursor_bytes(cur, (size_t)pk.bits.ptr[g] * PACK_BITS_BYTES);
            continue;
        }
        if (!get_group(s, cur, &pk, g, 0, s->group))
            return false;
        for (; i < count && at[i] < first + FL_PACK_VALUES; i++)
            to[i] = base + scale * s->group[at[i] - first];
    }
    return !cur->failed;
}

bool fl_series_pick(struct fl_series *s, struct fl_cursor *cur, size_t n, uint64_t base,
                    uint64_t scale, const uint32_t *at, size_t count, uint64_t *to)
{
    const unsigned char *plane[FL_PLANES_MAX] = {0};
    uint8_t form = fl_cursor_u8(cur);

    if (cur->failed || n > FL_SERIES_MAX)
        return false;
    if (form == PACKED)
        return pick_packed(s, cur, n, base, scale, at, count, to);
    if (form > FL_PLANES_MAX || !get_planes(s, cur, n, form, plane))
        return false;
    pick_planes(plane, form, base, scale, at, count, to);
    return true;
}
