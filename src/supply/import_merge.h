/*
 * import_merge.h - the same company under several names, the same factory twice: who may be the
 * same, said with why; and rows as they are once somebody decided.
 *
 * Names are compared without legal forms (GmbH, Co., Ltd., K.K. ...), case, punctuation and
 * accents; equal register numbers (LEI, DUNS, VAT) say most, unequal ones of one kind speak
 * against. Merging is an alias, kept beside the rows: a row of the one that goes is read as one of
 * the one that stays, and reversing the decision brings it back.
 */
#ifndef FL_SUPPLY_IMPORT_MERGE_H
#define FL_SUPPLY_IMPORT_MERGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/supply.h"

#define FL_MERGE_NAME_MAX      96u
#define FL_MERGE_SUPPLIERS_MAX 200000u
#define FL_MERGE_SITES_MAX     200000u
#define FL_MERGE_SAME          0.86 /* from this likeness on it is proposed */

/* The name as it is compared: words apart by a blank, legal forms gone. */
void fl_merge_fold(struct fl_span name, char ret[FL_MERGE_NAME_MAX]);
/* 0 to 1: the better of edit likeness and shared words of two folded names. */
double fl_merge_likeness(const char *a, const char *b);

/* Those that may be the same: suppliers, or sites with their position. */
struct fl_merge_item {
    struct fl_span id, name, country, number; /* of the register; borrowed */
    struct fl_span supplier;                  /* of a site */
    double lat, lon;                          /* of a site; NAN: not known */
};
struct fl_merge_pair {
    uint32_t a, b; /* of the items; a's id is the lower one */
    double likeness;
    const char *why; /* "same register number", "same name", "like name", "same place" */
};
/*
 * Pairs, each once; fn may end it with a negative answer. Names are compared only where they share
 * a word that few have, so that the work grows with the number of suppliers. FL_E_NOMEM,
 * FL_E_LIMIT.
 */
int fl_merge_suppliers(const struct fl_merge_item *items, uint32_t count,
                       int (*fn)(void *ctx, const struct fl_merge_pair *pair), void *ctx,
                       struct fl_err *err) FL_MUST_CHECK;
/* Sites of one supplier within 150 m of each other, or of the same name in one country. */
int fl_merge_sites(const struct fl_merge_item *items, uint32_t count,
                   int (*fn)(void *ctx, const struct fl_merge_pair *pair), void *ctx,
                   struct fl_err *err) FL_MUST_CHECK;

/* ---- what was decided ---- */

struct fl_merges; /* ids that are read as others */

int fl_merges_new(struct fl_merges **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_merges_free(struct fl_merges *m); /* NULL is allowed */
/* `gone` of suppliers or sites is read as `stays`. A ring is FL_E_INVAL. Texts are copied. */
int fl_merges_add(struct fl_merges *m, enum fl_supply_table table, struct fl_span gone,
                  struct fl_span stays, struct fl_err *err) FL_MUST_CHECK;
bool fl_merges_any(const struct fl_merges *m);
struct fl_span fl_merges_of(const struct fl_merges *m, enum fl_supply_table table,
                            struct fl_span id);
/* Rewrite the row's references. 0: as it was; 1: changed (its key may be that of another row by
 * now); 2: it is the row of one that is gone. */
int fl_merges_row(const struct fl_merges *m, struct fl_supply_row *row);

#endif
