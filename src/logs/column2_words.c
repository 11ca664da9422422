/* Declared in column2_words.h. */
#include "logs/column2_words.h"

#include <string.h>

#include "logs/column2.h"
#include "logs/vec.h"

enum { IP_BYTES = 16, MAPPED_BYTES = 12, V4_BYTES = 4 };

static const unsigned char mapped[MAPPED_BYTES] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* words spans, then their bytes, in one allocation. */
static bool make_words(struct fl_col *col, uint32_t words, size_t bytes, unsigned char **ret_bytes)
{
    col->words = fl_vec_get(((size_t)words + 1) * sizeof *col->words + bytes);
    if (col->words == NULL)
        return false;
    col->words[0] = fl_span_of(NULL, 0);
    col->word_count = words + 1;
    *ret_bytes = (unsigned char *)(col->words + words + 1);
    return true;
}

/* ---- strings ---- */

/* One more than words; NULL: malformed, or no memory. */
static uint32_t *get_lengths(struct fl_series *s, struct fl_cursor *cur, uint32_t words,
                             size_t *ret_total)
{
    uint32_t *lens = fl_vec_get(((size_t)words + 1) * sizeof *lens), most = 0;
    bool ok = lens != NULL && fl_series_get32(s, cur, words, 0, lens);
    size_t total = 0;

    for (uint32_t i = 0; i < words && ok; i++) {
        most |= lens[i];
        total += lens[i];
    }
    for (uint32_t i = 0; i < words && most > FL_STR_MAX; i++)
        ok = ok && lens[i] <= FL_STR_MAX;
    if (!ok || total > FL_WORDS_MAX_BYTES) {
        fl_vec_put(lens);
        return NULL;
    }
    *ret_total = total;
    return lens;
}

static bool read_strings(struct fl_series *s, struct fl_cursor *cur, uint32_t words,
                         struct fl_col *col)
{
    size_t total = 0;
    uint32_t *lens = get_lengths(s, cur, words, &total);
    unsigned char *at = NULL;
    bool ok = lens != NULL && make_words(col, words, total, &at) &&
              (total == 0 || fl_section_copy(s, cur, total, at));

    for (uint32_t i = 0; i < words && ok; i++) {
        col->words[i + 1] = fl_span_of(at, lens[i]);
        at += lens[i];
    }
    fl_vec_put(lens);
    return ok;
}

static bool pick_strings(struct fl_series *s, struct fl_cursor *cur, uint32_t words,
                         const uint32_t *at, uint32_t count, struct fl_span *ret, void **room)
{
    size_t total = 0, offset = 0;
    uint32_t *lens = get_lengths(s, cur, words, &total), done = 0;
    struct fl_span bytes = {NULL, 0};
    bool ok = lens != NULL;

    if (ok && total > 0) {
        *room = fl_vec_get(total);
        ok = *room != NULL && fl_section_get(s, cur, total, *room, &bytes);
    }
    for (uint32_t i = 0; i < count && ok; i++) {
        for (; done + 1 < at[i]; done++)
            offset += lens[done];
        ret[i] = fl_span_of(bytes.ptr == NULL ? NULL : bytes.ptr + offset, lens[done]);
    }
    fl_vec_put(lens);
    return ok;
}

/* ---- addresses ---- */

struct addresses {
    const unsigned char *six_bits, *six, *four[V4_BYTES];
    uint32_t words, sixes;
};

static bool get_section(struct fl_series *s, struct fl_cursor *cur, size_t n, unsigned char **room,
                        const unsigned char **ret)
{
    struct fl_span got;

    if (!fl_section_get(s, cur, n, *room, &got))
        return false;
    *room += n;
    *ret = got.ptr;
    return true;
}

static bool get_addresses(struct fl_series *s, struct fl_cursor *cur, struct addresses *a,
                          void **ret_room)
{
    size_t bits = (a->words + 7) / 8;
    unsigned char *room = fl_vec_get(bits + (size_t)a->words * (IP_BYTES + V4_BYTES) + 1);
    bool ok;

    *ret_room = room;
    if (room == NULL || !get_section(s, cur, bits, &room, &a->six_bits))
        return false;
    for (uint32_t i = 0; i < a->words / 8; i++)
        a->sixes += (uint32_t)__builtin_popcount(a->six_bits[i]);
    for (uint32_t i = a->words / 8 * 8; i < a->words; i++)
        a->sixes += a->six_bits[i / 8] >> (i % 8) & 1;
    a->six = room;
    for (size_t p = 0; p < V4_BYTES; p++)
        a->four[p] = room;
    ok = a->sixes == 0 || get_section(s, cur, (size_t)a->sixes * IP_BYTES, &room, &a->six);
    for (size_t p = 0; p < V4_BYTES && ok && a->sixes < a->words; p++)
        ok = get_section(s, cur, a->words - a->sixes, &room, &a->four[p]);
    return ok;
}

/* four, six: how many of each stand before. */
static void put_address(const struct addresses *a, bool is_six, uint32_t four, uint32_t six,
                        unsigned char *to)
{
    if (is_six) {
        memcpy(to, a->six + (size_t)six * IP_BYTES, IP_BYTES);
        return;
    }
    memcpy(to, mapped, MAPPED_BYTES);
    for (size_t p = 0; p < V4_BYTES; p++)
        to[MAPPED_BYTES + p] = a->four[p][four];
}

static bool is_six(const struct addresses *a, uint32_t word)
{
    return (a->six_bits[word / 8] >> (word % 8) & 1) != 0;
}

static bool read_ips(struct fl_series *s, struct fl_cursor *cur, uint32_t words, struct fl_col *col)
{
    struct addresses a = {.words = words};
    unsigned char *at = NULL;
    void *room = NULL;
    uint32_t six = 0;
    bool ok =
        get_addresses(s, cur, &a, &room) && make_words(col, words, (size_t)words * IP_BYTES, &at);

    for (uint32_t i = 0; i < words && ok; i++, at += IP_BYTES) {
        col->words[i + 1] = fl_span_of(at, IP_BYTES);
        put_address(&a, is_six(&a, i), i - six, six, at);
        six += is_six(&a, i);
    }
    fl_vec_put(room);
    return ok;
}

static bool pick_ips(struct fl_series *s, struct fl_cursor *cur, uint32_t words, const uint32_t *at,
                     uint32_t count, struct fl_span *ret, void **room)
{
    struct addresses a = {.words = words};
    unsigned char *to = fl_vec_get((size_t)count * IP_BYTES + 1);
    void *sections = NULL;
    uint32_t six = 0, done = 0;
    bool ok = get_addresses(s, cur, &a, &sections) && to != NULL;

    *room = to;
    for (uint32_t i = 0; i < count && ok; i++, to += IP_BYTES) {
        for (; done + 1 < at[i] && a.sixes > 0; done++)
            six += is_six(&a, done);
        done = at[i] - 1;
        put_address(&a, is_six(&a, done), done - six, six, to);
        ret[i] = fl_span_of(to, IP_BYTES);
    }
    fl_vec_put(sections);
    return ok;
}

bool fl_words_read(struct fl_series *s, struct fl_cursor *cur, bool ips, uint32_t words,
                   struct fl_col *ret)
{
    return ips ? read_ips(s, cur, words, ret) : read_strings(s, cur, words, ret);
}

bool fl_words_pick(struct fl_series *s, struct fl_cursor *cur, bool ips, uint32_t words,
                   const uint32_t *at, uint32_t count, struct fl_span *ret, void **room)
{
    return ips ? pick_ips(s, cur, words, at, count, ret, room)
               : pick_strings(s, cur, words, at, count, ret, room);
}
