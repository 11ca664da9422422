/*
 * dict.h - the distinct strings of one growing column: bytes to code, code to bytes.
 *
 * Codes count from 1 in order of first use; word 0 is the empty one of absent values. The hash is
 * seeded per process, because the strings come from outside.
 */
#ifndef FL_LOGS_DICT_H
#define FL_LOGS_DICT_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct fl_dict;

int fl_dict_new(struct fl_dict **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_dict_free(struct fl_dict *dict); /* NULL is allowed */
/* FL_E_NOMEM; FL_E_LIMIT beyond 2^31 words. */
int fl_dict_intern(struct fl_dict *dict, struct fl_span word, uint32_t *ret_code,
                   struct fl_err *err) FL_MUST_CHECK;

/*
 * Many words of one or several dictionaries, one behind the other: what each will look at is asked
 * for before the first looks, because it is far away. After a failure some of them are in.
 */
struct fl_dict_item {
    struct fl_dict *dict;
    struct fl_span word;
    uint32_t *ret_code;
    uint32_t tag, at, slot_count; /* of dict.c */
};
int fl_dict_intern_items(struct fl_dict_item *items, uint32_t count, struct fl_err *err)
    FL_MUST_CHECK;
/* The code of a word that is in the dictionary; 0 when it is not. */
uint32_t fl_dict_find(const struct fl_dict *dict, struct fl_span word);
/* The words by code, with word 0; moves with the next new word. */
struct fl_span *fl_dict_words(struct fl_dict *dict, uint32_t *ret_count);
size_t fl_dict_bytes(const struct fl_dict *dict);      /* memory in use */
size_t fl_dict_word_bytes(const struct fl_dict *dict); /* of the words alone */

#endif
