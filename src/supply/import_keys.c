#include "supply/import_keys.h"

#include <stdlib.h>

#include "supply/import.h"

#define FIRST_ROOM 1024u

void fl_import_keys_init(struct fl_import_keys *keys, bool with_text, size_t max_bytes)
{
    *keys = (struct fl_import_keys){.with_text = with_text, .max_bytes = max_bytes};
    fl_arena_init(&keys->texts, max_bytes);
}

void fl_import_keys_done(struct fl_import_keys *keys)
{
    free(keys->slots);
    fl_arena_done(&keys->texts);
    *keys = (struct fl_import_keys){.slots = NULL};
}

static uint64_t hash_of(struct fl_span key)
{
    uint64_t hash = fl_span_hash(key);

    hash ^= hash >> 32; /* the low bits choose the slot */
    return hash == 0 ? 1 : hash;
}

static struct fl_import_slot *find(const struct fl_import_keys *keys, uint64_t hash,
                                   struct fl_span key)
{
    uint32_t at = (uint32_t)hash & (keys->room - 1);

    for (;; at = (at + 1) & (keys->room - 1)) {
        struct fl_import_slot *slot = &keys->slots[at];

        if (slot->hash == 0)
            return slot;
        if (slot->hash == hash &&
            (!keys->with_text || fl_span_eq(fl_span_of(slot->text, slot->text_len), key)))
            return slot;
    }
}

/* Where there is room for one that is not there: no text is looked at. */
static struct fl_import_slot *free_slot(const struct fl_import_keys *keys, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & (keys->room - 1);

    while (keys->slots[at].hash != 0)
        at = (at + 1) & (keys->room - 1);
    return &keys->slots[at];
}

static int grow(struct fl_import_keys *keys, struct fl_err *err)
{
    struct fl_import_keys old = *keys;
    uint32_t room = keys->room == 0 ? FIRST_ROOM : keys->room * 2;

    if (room * sizeof *keys->slots > keys->max_bytes)
        return fl_err_set(err, FL_E_LIMIT, "the files have more than %u rows; import them in parts",
                          keys->count);
    keys->slots = calloc(room, sizeof *keys->slots);
    if (keys->slots == NULL) {
        keys->slots = old.slots;
        return fl_err_set(err, FL_E_NOMEM, "no memory for the keys of %u rows", room);
    }
    keys->room = room;
    for (uint32_t i = 0; i < old.room; i++)
        if (old.slots[i].hash != 0)
            *free_slot(keys, old.slots[i].hash) = old.slots[i];
    free(old.slots);
    return FL_OK;
}

int fl_import_keys_add(struct fl_import_keys *keys, struct fl_span key, unsigned file,
                       uint32_t line, const struct fl_import_slot **ret_there, struct fl_err *err)
{
    uint64_t hash = hash_of(key);
    struct fl_import_slot *slot;
    int r = keys->count >= keys->room / 4 * 3 ? grow(keys, err) : FL_OK;

    if (r < 0)
        return r;
    slot = find(keys, hash, key);
    if (slot->hash != 0) {
        *ret_there = slot;
        return 0;
    }
    *slot = (struct fl_import_slot){.hash = hash, .line = line, .file = (uint8_t)file};
    if (keys->with_text) {
        struct fl_span text = fl_arena_copy(&keys->texts, key);

        if (text.ptr == NULL) {
            slot->hash = 0;
            return fl_err_set(err, FL_E_LIMIT, "the files have too many ids; import them in parts");
        }
        slot->text = (const char *)text.ptr;
        slot->text_len = (uint32_t)text.len;
    }
    keys->count++;
    return 1;
}

bool fl_import_keys_has(const struct fl_import_keys *keys, struct fl_span key)
{
    return keys->room > 0 && find(keys, hash_of(key), key)->hash != 0;
}

static void fold(struct fl_span key, char *ret, size_t size)
{
    while (key.len > 1 && key.ptr[0] == '0')
        key = fl_span_of(key.ptr + 1, key.len - 1);
    fl_import_fold(key, ret, size);
}

const struct fl_import_slot *fl_import_keys_like(const struct fl_import_keys *keys,
                                                 struct fl_span key)
{
    char wanted[FL_SUPPLY_ID_MAX + 1], have[FL_SUPPLY_ID_MAX + 1];

    fold(key, wanted, sizeof wanted);
    for (uint32_t i = 0; i < keys->room && keys->with_text && wanted[0] != '\0'; i++) {
        if (keys->slots[i].hash == 0)
            continue;
        fold(fl_span_of(keys->slots[i].text, keys->slots[i].text_len), have, sizeof have);
        if (strcmp(wanted, have) == 0)
            return &keys->slots[i];
    }
    return NULL;
}
