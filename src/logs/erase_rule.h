/*
 * erase_rule.h - which rows are a person's: the rule as it is written down, and the search. Pure:
 * blocks in, rows out.
 *
 * A row goes when it lies in the range, was received at or before the moment, and
 *
 *   user    is found in it as a whole word, without regard to case: in any text column but site,
 *           device and format (which come from the inventory, not from the line), in the values of
 *           parameters without a column, in what is kept of a line's own text;
 *   ip      stands in an address column (source, destination, either after NAT), or is written in
 *           one of those texts;
 *   where   matches it (filter.h; nothing but the filter counts then).
 *
 * With several of the three, any of them is enough. A whole word ends where the text ends or at a
 * byte that is neither a letter, a digit, `_`, `-` nor part of a UTF-8 sequence; a dot belongs to
 * the word when a letter or digit stands on its other side. So `j.doe` is found in `CORP\j.doe`,
 * `j.doe@example.com`, `user=j.doe.`, `?u%3Dj.doe` and not in `j.doe2`, `x-j.doe` or `j.doe.smith`.
 * An IPv4 address is a whole word when no digit, letter or dot-and-digit continues it; an IPv6
 * address is recognised in any spelling.
 */
#ifndef FL_LOGS_ERASE_RULE_H
#define FL_LOGS_ERASE_RULE_H

#include "base/buf.h"
#include "logs/block.h"

#define FL_ERASE_USER_MIN    2u
#define FL_ERASE_USER_MAX    256u
#define FL_ERASE_SUBJECT_MAX 64u
#define FL_ERASE_NOTE_MAX    4096u

struct fl_erase_rule { /* spans are borrowed */
    uint32_t tenant;
    struct fl_span slug;
    int64_t from_us, to_us; /* event time, half open; INT64_MIN, INT64_MAX: all */
    int64_t moment_us;      /* rows that were received later are new data */
    struct fl_span user;    /* "": not by user */
    struct fl_span ip;      /* 16 bytes, or "" */
    struct fl_span where;   /* "" or a filter */
    struct fl_span subject; /* pseudonym, for the receipt */
    struct fl_span note;    /* a JSON array: exports that may hold the rows; or "" */
};

void fl_erase_rule_encode(const struct fl_erase_rule *rule, struct fl_buf *out);
/* Spans are borrowed from bytes. FL_E_CORRUPT. */
int fl_erase_rule_decode(struct fl_span bytes, struct fl_erase_rule *ret, struct fl_err *err)
    FL_MUST_CHECK;

struct fl_erase_match; /* of one thread */

/* Copies what it needs. FL_E_INVAL with a text for the user: no condition, or one that is none. */
int fl_erase_match_new(const struct fl_erase_rule *rule, struct fl_erase_match **ret,
                       struct fl_err *err) FL_MUST_CHECK;
void fl_erase_match_free(struct fl_erase_match *match); /* wipes; NULL is allowed */
/* The columns that it looks at. */
struct fl_fieldset fl_erase_match_fields(const struct fl_erase_match *match);

struct fl_erase_found {
    uint32_t rows;
    uint32_t by_field[FL_FIELD_COUNT]; /* rows found by this column; a row may count in several */
    uint32_t by_where;
};
/* Set the bits (lowest first) of the rows that go; hit has room for block->rows and comes back
 * whole. */
int fl_erase_match(struct fl_erase_match *match, const struct fl_block *block, uint8_t *hit,
                   struct fl_erase_found *ret, struct fl_err *err) FL_MUST_CHECK;

/* Is user (any case) a whole word of this text? For sums and tests. */
bool fl_erase_has_word(struct fl_span text, struct fl_span user);
bool fl_erase_has_ip(struct fl_span text, const unsigned char ip[16]);

#endif
