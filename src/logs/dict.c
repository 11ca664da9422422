#include "logs/dict.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { FIRST_SLOTS = 8, FIRST_WORDS = 4, FIRST_CHUNK = 48, LAST_CHUNK = 65536, AHEAD = 32 };

struct chunk {
    struct chunk *older;
    size_t used, cap;
    unsigned char bytes[];
};

struct slot {
    uint32_t tag;  /* half of the hash: a word is looked at only where it fits */
    uint32_t code; /* 0: free */
};

struct fl_dict {
    struct chunk *chunk; /* the bytes; never moved */
    struct fl_span *words;
    struct slot *slots; /* open addressing by tag; at most three quarters full */
    uint32_t count, cap, slot_count;
    uint32_t last; /* code given last: the next row often has the same word */
    size_t bytes, word_bytes;
};

static uint64_t seeds[2];

static void make_seeds(void)
{
    if (getrandom(seeds, sizeof seeds, 0) != (ssize_t)sizeof seeds)
        seeds[0] = (uint64_t)(uintptr_t)&seeds; /* early boot only: the table works, less guarded */
    seeds[0] |= 1;
    seeds[1] |= 1;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load8(const unsigned char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t load_short(const unsigned char *p, size_t len) /* 0..8 bytes, each counts */
{
    uint32_t low, high;

    if (len == 8)
        return load8(p);
    if (len < 4)
        return len == 0 ? 0 : p[0] | (uint64_t)p[len / 2] << 8 | (uint64_t)p[len - 1] << 16;
    memcpy(&low, p, sizeof low);
    memcpy(&high, p + len - 4, sizeof high);
    return low | (uint64_t)high << 32;
}

static uint32_t hash(struct fl_span word)
{
    const unsigned char *p = word.ptr;
    size_t len = word.len;
    uint64_t h = mix(seeds[0] ^ len, seeds[1]);

    for (; len > 16; p += 16, len -= 16)
        h = mix(load8(p) ^ seeds[0] ^ h, load8(p + 8) ^ seeds[1]);
    if (len > 8)
        h = mix(load8(p) ^ seeds[0] ^ h, load8(p + len - 8) ^ seeds[1]);
    else
        h = mix(load_short(p, len) ^ seeds[0] ^ h, seeds[1] ^ word.len);
    return (uint32_t)(h ^ h >> 32);
}

int fl_dict_new(struct fl_dict **ret, struct fl_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct fl_dict *dict = calloc(1, sizeof *dict);

    (void)pthread_once(&once, make_seeds);
    if (dict == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a dictionary");
    dict->slot_count = FIRST_SLOTS;
    dict->cap = FIRST_WORDS;
    dict->slots = calloc(dict->slot_count, sizeof *dict->slots);
    dict->words = calloc(dict->cap, sizeof *dict->words);
    dict->count = 1;
    dict->bytes =
        sizeof *dict + FIRST_SLOTS * sizeof *dict->slots + FIRST_WORDS * sizeof *dict->words;
    if (dict->slots == NULL || dict->words == NULL) {
        fl_dict_free(dict);
        return fl_err_set(err, FL_E_NOMEM, "no memory for a dictionary");
    }
    *ret = dict;
    return FL_OK;
}

void fl_dict_free(struct fl_dict *dict)
{
    if (dict == NULL)
        return;
    while (dict->chunk != NULL) {
        struct chunk *older = dict->chunk->older;

        free(dict->chunk);
        dict->chunk = older;
    }
    free(dict->slots);
    free(dict->words);
    free(dict);
}

static void place(struct fl_dict *dict, struct slot slot)
{
    uint32_t at = slot.tag & (dict->slot_count - 1);

    while (dict->slots[at].code != 0)
        at = (at + 1) & (dict->slot_count - 1);
    dict->slots[at] = slot;
}

static bool grow_words(struct fl_dict *dict, uint32_t cap)
{
    struct fl_span *words = realloc(dict->words, cap * sizeof *words);

    if (words == NULL)
        return false;
    dict->bytes += (size_t)(cap - dict->cap) * sizeof *words;
    dict->words = words;
    dict->cap = cap;
    return true;
}

static bool grow_slots(struct fl_dict *dict, uint32_t slot_count)
{
    struct slot *old = dict->slots, *slots = calloc(slot_count, sizeof *slots);
    uint32_t old_count = dict->slot_count;

    if (slots == NULL)
        return false;
    dict->bytes += (size_t)(slot_count - old_count) * sizeof *slots;
    dict->slots = slots;
    dict->slot_count = slot_count;
    for (uint32_t i = 0; i < old_count; i++)
        if (old[i].code != 0)
            place(dict, old[i]);
    free(old);
    return true;
}

/* Room for some more words. */
static int reserve(struct fl_dict *dict, uint32_t more, struct fl_err *err)
{
    uint32_t need = dict->count + more, slots = dict->slot_count;

    if (need >= UINT32_C(1) << 30)
        return fl_err_set(err, FL_E_LIMIT, "a dictionary is full");
    if (need > dict->cap && !grow_words(dict, need + dict->cap / 2))
        return fl_err_set(err, FL_E_NOMEM, "no memory for %u words", (unsigned)need);
    while (need > slots - slots / 4)
        slots *= 2;
    if (slots != dict->slot_count && !grow_slots(dict, slots))
        return fl_err_set(err, FL_E_NOMEM, "no memory for %u words", (unsigned)need);
    return FL_OK;
}

static unsigned char *keep(struct fl_dict *dict, struct fl_span word)
{
    struct chunk *chunk = dict->chunk;
    unsigned char *at;

    if (chunk == NULL || chunk->cap - chunk->used < word.len) {
        size_t cap = chunk == NULL ? FIRST_CHUNK : chunk->cap * 2;

        if (cap > LAST_CHUNK)
            cap = LAST_CHUNK;
        if (cap < word.len)
            cap = word.len;
        chunk = malloc(sizeof *chunk + cap);
        if (chunk == NULL)
            return NULL;
        chunk->older = dict->chunk;
        chunk->used = 0;
        chunk->cap = cap;
        dict->chunk = chunk;
        dict->bytes += sizeof *chunk + cap;
    }
    at = chunk->bytes + chunk->used;
    if (word.len > 0)
        memcpy(at, word.ptr, word.len);
    chunk->used += word.len;
    return at;
}

/* memcmp() for words, most of which are short: two loads that overlap. */
static bool same(struct fl_span a, struct fl_span b)
{
    if (a.len != b.len)
        return false;
    if (a.len <= 8)
        return load_short(a.ptr, a.len) == load_short(b.ptr, b.len);
    if (a.len <= 16)
        return load8(a.ptr) == load8(b.ptr) && load8(a.ptr + a.len - 8) == load8(b.ptr + a.len - 8);
    return memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* From a slot on: the first that has the tag, or the free one where it belongs. */
static uint32_t next_match(const struct fl_dict *dict, uint32_t at, uint32_t tag)
{
    while (dict->slots[at].code != 0 && dict->slots[at].tag != tag)
        at = (at + 1) & (dict->slot_count - 1);
    return at;
}

/* The slot of the word, or the free one where it belongs, from a slot on. */
static struct slot *look(const struct fl_dict *dict, struct fl_span word, uint32_t at, uint32_t tag)
{
    at = next_match(dict, at, tag);
    while (dict->slots[at].code != 0 && !same(dict->words[dict->slots[at].code], word))
        at = next_match(dict, (at + 1) & (dict->slot_count - 1), tag);
    return &dict->slots[at];
}

/* There is room for a word; at: where to look from. */
static int intern(struct fl_dict *dict, struct fl_span word, uint32_t at, uint32_t tag,
                  uint32_t *ret_code, struct fl_err *err)
{
    struct slot *slot = look(dict, word, at, tag);

    if (slot->code == 0) {
        unsigned char *bytes = keep(dict, word);

        if (bytes == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory for a word of %zu bytes", word.len);
        *slot = (struct slot){tag, dict->count++};
        dict->words[slot->code] = fl_span_of(bytes, word.len);
        dict->word_bytes += word.len;
    }
    *ret_code = dict->last = slot->code;
    return FL_OK;
}

int fl_dict_intern(struct fl_dict *dict, struct fl_span word, uint32_t *ret_code,
                   struct fl_err *err)
{
    uint32_t tag;
    int r;

    if (dict->last != 0 && same(dict->words[dict->last], word)) {
        *ret_code = dict->last;
        return FL_OK;
    }
    r = reserve(dict, 1, err);
    if (r < 0)
        return r;
    tag = hash(word);
    return intern(dict, word, tag & (dict->slot_count - 1), tag, ret_code, err);
}

static int intern_item(struct fl_dict_item *item, struct fl_err *err)
{
    struct fl_dict *dict = item->dict;
    int r = reserve(dict, 1, err);

    if (r < 0)
        return r;
    if (dict->slot_count != item->slot_count) /* it grew: what was found is elsewhere */
        item->at = item->tag & (dict->slot_count - 1);
    return intern(dict, item->word, item->at, item->tag, item->ret_code, err);
}

static int intern_some(struct fl_dict_item *items, uint32_t count, struct fl_err *err)
{
    int r = FL_OK;

    for (uint32_t i = 0; i < count; i++) {
        struct fl_dict_item *item = &items[i];

        item->tag = hash(item->word);
        item->slot_count = item->dict->slot_count;
        __builtin_prefetch(&item->dict->slots[item->tag & (item->slot_count - 1)], 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct fl_dict_item *item = &items[i];

        item->at = next_match(item->dict, item->tag & (item->slot_count - 1), item->tag);
        __builtin_prefetch(&item->dict->words[item->dict->slots[item->at].code]);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct fl_dict *dict = items[i].dict;

        __builtin_prefetch(dict->words[dict->slots[items[i].at].code].ptr);
    }
    for (uint32_t i = 0; i < count && r >= 0; i++)
        r = intern_item(&items[i], err);
    return r;
}

int fl_dict_intern_items(struct fl_dict_item *items, uint32_t count, struct fl_err *err)
{
    int r = FL_OK;

    for (uint32_t i = 0; i < count && i < AHEAD; i++)
        __builtin_prefetch(items[i].dict);
    for (uint32_t i = 0; i < count && r >= 0; i += AHEAD) {
        for (uint32_t k = i + AHEAD; k < count && k < i + 2 * AHEAD; k++)
            __builtin_prefetch(items[k].dict);
        r = intern_some(items + i, count - i < AHEAD ? count - i : AHEAD, err);
    }
    return r;
}

uint32_t fl_dict_find(const struct fl_dict *dict, struct fl_span word)
{
    uint32_t tag = hash(word);

    return look(dict, word, tag & (dict->slot_count - 1), tag)->code;
}

struct fl_span *fl_dict_words(struct fl_dict *dict, uint32_t *ret_count)
{
    *ret_count = dict->count;
    return dict->words;
}

size_t fl_dict_bytes(const struct fl_dict *dict)
{
    return dict->bytes;
}

size_t fl_dict_word_bytes(const struct fl_dict *dict)
{
    return dict->word_bytes;
}
