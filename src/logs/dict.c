#include "logs/dict.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { FIRST_SLOTS = 16, FIRST_CHUNK = 256, LAST_CHUNK = 65536 };

struct chunk {
    struct chunk *older;
    size_t used, cap;
    unsigned char bytes[];
};

struct fl_dict {
    struct chunk *chunk; /* the bytes; never moved */
    struct fl_span *words;
    uint64_t *hashes; /* by code */
    uint32_t *slots;  /* open addressing, codes; 0 = free; at most half full */
    uint32_t count, cap, slot_count;
    uint32_t last; /* code given last: the next row often has the same word */
    size_t bytes;
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

static uint64_t load(const unsigned char *p, size_t len) /* len <= 8 */
{
    uint64_t v = 0;

    memcpy(&v, p, len);
    return v;
}

static uint64_t hash(struct fl_span word)
{
    const unsigned char *p = word.ptr;
    size_t len = word.len;
    uint64_t h = mix(seeds[0] ^ len, seeds[1]);

    for (; len > 16; p += 16, len -= 16)
        h = mix(load(p, 8) ^ seeds[0] ^ h, load(p + 8, 8) ^ seeds[1]);
    if (len > 8)
        return mix(load(p, 8) ^ seeds[0] ^ h, load(p + 8, len - 8) ^ seeds[1]);
    return mix((len == 0 ? 0 : load(p, len)) ^ seeds[0] ^ h, seeds[1] ^ word.len);
}

int fl_dict_new(struct fl_dict **ret, struct fl_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct fl_dict *dict = calloc(1, sizeof *dict);

    (void)pthread_once(&once, make_seeds);
    if (dict == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a dictionary");
    dict->slot_count = FIRST_SLOTS;
    dict->cap = FIRST_SLOTS / 2;
    dict->slots = calloc(dict->slot_count, sizeof *dict->slots);
    dict->words = calloc(dict->cap, sizeof *dict->words);
    dict->hashes = calloc(dict->cap, sizeof *dict->hashes);
    dict->count = 1;
    dict->bytes = sizeof *dict + FIRST_SLOTS * 16;
    if (dict->slots == NULL || dict->words == NULL || dict->hashes == NULL) {
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
    free(dict->hashes);
    free(dict);
}

static void place(struct fl_dict *dict, uint32_t code)
{
    uint32_t at = (uint32_t)dict->hashes[code] & (dict->slot_count - 1);

    while (dict->slots[at] != 0)
        at = (at + 1) & (dict->slot_count - 1);
    dict->slots[at] = code;
}

static bool grow(struct fl_dict *dict)
{
    uint32_t cap = dict->cap * 2;
    uint32_t *slots = calloc((size_t)cap * 2, sizeof *slots);
    struct fl_span *words = realloc(dict->words, cap * sizeof *words);
    uint64_t *hashes;

    if (words != NULL)
        dict->words = words;
    hashes = realloc(dict->hashes, cap * sizeof *hashes);
    if (hashes != NULL)
        dict->hashes = hashes;
    if (slots == NULL || words == NULL || hashes == NULL) {
        free(slots);
        return false;
    }
    dict->bytes += (size_t)(cap - dict->cap) * (sizeof *words + sizeof *hashes + 2 * sizeof *slots);
    free(dict->slots);
    dict->slots = slots;
    dict->slot_count = cap * 2;
    dict->cap = cap;
    for (uint32_t code = 1; code < dict->count; code++)
        place(dict, code);
    return true;
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

int fl_dict_intern(struct fl_dict *dict, struct fl_span word, uint32_t *ret_code,
                   struct fl_err *err)
{
    uint64_t h;
    uint32_t at, code;
    unsigned char *bytes;

    if (dict->last != 0 && fl_span_eq(dict->words[dict->last], word)) {
        *ret_code = dict->last;
        return FL_OK;
    }
    h = hash(word);
    at = (uint32_t)h & (dict->slot_count - 1);
    while ((code = dict->slots[at]) != 0) {
        if (dict->hashes[code] == h && fl_span_eq(dict->words[code], word)) {
            *ret_code = dict->last = code;
            return FL_OK;
        }
        at = (at + 1) & (dict->slot_count - 1);
    }
    if (dict->count >= UINT32_C(1) << 30)
        return fl_err_set(err, FL_E_LIMIT, "a dictionary is full");
    if (dict->count == dict->cap && !grow(dict))
        return fl_err_set(err, FL_E_NOMEM, "no memory for %u words", (unsigned)dict->count);
    bytes = keep(dict, word);
    if (bytes == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a word of %zu bytes", word.len);
    code = dict->count++;
    dict->words[code] = fl_span_of(bytes, word.len);
    dict->hashes[code] = h;
    place(dict, code);
    *ret_code = dict->last = code;
    return FL_OK;
}

uint32_t fl_dict_find(const struct fl_dict *dict, struct fl_span word)
{
    uint64_t h = hash(word);
    uint32_t at = (uint32_t)h & (dict->slot_count - 1), code;

    while ((code = dict->slots[at]) != 0) {
        if (dict->hashes[code] == h && fl_span_eq(dict->words[code], word))
            return code;
        at = (at + 1) & (dict->slot_count - 1);
    }
    return 0;
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
