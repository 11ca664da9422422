/*
 * import_keys.h - inside import: which keys a set of files has, and on which line.
 *
 * Of tables that others refer to the ids are kept as text, of the rest 64 bits of their hash: the
 * store of rows refuses an equal key by itself, so that two keys of one hash cost no row.
 */
#ifndef FL_SUPPLY_IMPORT_KEYS_H
#define FL_SUPPLY_IMPORT_KEYS_H

#include "base/arena.h"
#include "model/supply.h"

struct fl_import_keys {
    struct fl_import_slot *slots; /* open addressing */
    uint32_t count, room;         /* room is a power of two, or 0 */
    size_t max_bytes;
    struct fl_arena texts;
    bool with_text;
};

struct fl_import_slot {
    uint64_t hash; /* 0: free */
    const char *text;
    uint32_t line, text_len;
    uint8_t file;
};

void fl_import_keys_init(struct fl_import_keys *keys, bool with_text, size_t max_bytes);
void fl_import_keys_done(struct fl_import_keys *keys);
/* 1: new; 0: there already, *ret_there says where. FL_E_LIMIT, FL_E_NOMEM. */
int fl_import_keys_add(struct fl_import_keys *keys, struct fl_span key, unsigned file,
                       uint32_t line, const struct fl_import_slot **ret_there, struct fl_err *err)
    FL_MUST_CHECK;
bool fl_import_keys_has(const struct fl_import_keys *keys, struct fl_span key);
/* The key that differs only in case, signs or zeros in front; NULL. Looks at all of them. */
const struct fl_import_slot *fl_import_keys_like(const struct fl_import_keys *keys,
                                                 struct fl_span key);

#endif
