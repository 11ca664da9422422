#include "logs/idset.h"

#include <stdlib.h>
#include <string.h>

static uint32_t slot_of(uint32_t id, uint32_t cap)
{
    return (id * UINT32_C(2654435769)) >> 7 & (cap - 1);
}

/* The place of id, or the free one where it belongs. */
static uint32_t find(const struct fl_idset *set, uint32_t id)
{
    uint32_t at = slot_of(id, set->cap);

    while (set->slots[at] != 0 && set->slots[at] != id + 1)
        at = (at + 1) & (set->cap - 1);
    return at;
}

static bool grow_bits(struct fl_idset *set, uint32_t words)
{
    uint64_t *bits = realloc(set->bits, words * sizeof *bits);

    if (bits == NULL)
        return false;
    memset(bits + set->cap, 0, (words - set->cap) * sizeof *bits);
    set->bits = bits;
    set->cap = words;
    return true;
}

static bool to_bits(struct fl_idset *set, uint32_t universe)
{
    struct fl_idset bitmap = {.count = set->count};

    if (!grow_bits(&bitmap, universe / 64 + 1))
        return false;
    for (uint32_t i = 0; i < set->cap; i++) {
        if (set->slots[i] != 0)
            bitmap.bits[(set->slots[i] - 1) / 64] |= UINT64_C(1) << ((set->slots[i] - 1) % 64);
    }
    free(set->slots);
    *set = bitmap;
    return true;
}

static bool grow_slots(struct fl_idset *set)
{
    struct fl_idset bigger = {.count = set->count, .cap = set->cap == 0 ? 4 : set->cap * 2};

    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return false;
    for (uint32_t i = 0; i < set->cap; i++) {
        if (set->slots[i] != 0)
            bigger.slots[find(&bigger, set->slots[i] - 1)] = set->slots[i];
    }
    free(set->slots);
    *set = bigger;
    return true;
}

static bool add_bit(struct fl_idset *set, uint32_t id, uint32_t universe)
{
    if ((set->bits == NULL || id / 64 >= set->cap) &&
        !grow_bits(set, (universe > id ? universe : id) / 64 + 1))
        return false;
    set->count += (set->bits[id / 64] >> (id % 64) & 1) == 0;
    set->bits[id / 64] |= UINT64_C(1) << (id % 64);
    return true;
}

bool fl_idset_add(struct fl_idset *set, uint32_t id, uint32_t universe)
{
    uint32_t at;

    if (set->bits != NULL)
        return add_bit(set, id, universe);
    if (set->cap > 0) {
        at = find(set, id);
        if (set->slots[at] != 0)
            return true;
    }
    if (set->count * 2 >= set->cap) { /* at most half full */
        if ((uint64_t)set->cap * 2 * sizeof *set->slots > universe / 8 + 64)
            return to_bits(set, universe) && add_bit(set, id, universe);
        if (!grow_slots(set))
            return false;
    }
    set->slots[find(set, id)] = id + 1;
    set->count++;
    return true;
}

bool fl_idset_has(const struct fl_idset *set, uint32_t id)
{
    if (set->bits != NULL)
        return id / 64 < set->cap && (set->bits[id / 64] >> (id % 64) & 1) != 0;
    return set->cap > 0 && set->slots[find(set, id)] != 0;
}

bool fl_idset_join(struct fl_idset *set, const struct fl_idset *other, uint32_t universe)
{
    for (uint32_t i = 0; i < other->cap; i++) {
        if (other->bits == NULL) {
            if (other->slots[i] != 0 && !fl_idset_add(set, other->slots[i] - 1, universe))
                return false;
            continue;
        }
        for (uint64_t word = other->bits[i]; word != 0; word &= word - 1) {
            if (!fl_idset_add(set, i * 64 + (uint32_t)__builtin_ctzll(word), universe))
                return false;
        }
    }
    return true;
}

size_t fl_idset_bytes(const struct fl_idset *set)
{
    return set->cap * (set->bits != NULL ? sizeof *set->bits : sizeof *set->slots);
}

void fl_idset_done(struct fl_idset *set)
{
    free(set->slots);
    free(set->bits);
    *set = (struct fl_idset){.count = 0};
}
