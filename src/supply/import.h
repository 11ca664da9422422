/*
 * import.h - files of somebody else to rows of a network of supply: which table a file is, which of
 * its columns are ours, what its cells say in our units; every row that is wrong is named by file,
 * line and column with the remedy.
 *
 * A file is read piece by piece (fl_import_begin, _feed); good rows go to on_row as they come. What
 * the whole set must fulfil is looked at while rows pass and at the end (fl_import_end): the same
 * key twice, references to what is not there. The taker of the rows keeps them apart until
 * fl_import_end() gave no error: so nothing is half-imported.
 *
 * Read: any order of columns; other headings (the aliases of model/supply.h, letters without case,
 * blanks and signs, umlauts as two letters); units in a heading or behind a number ("Recovery time
 * (weeks)", "6 wk", "40 %"); decimal comma; countries by name. Unknown columns are kept as text.
 * Zeros in front of ids stay.
 */
#ifndef FL_SUPPLY_IMPORT_H
#define FL_SUPPLY_IMPORT_H

#include "codec/csv.h"
#include "model/supply.h"

#define FL_FINDINGS_MAX         500u /* kept with their text; all are counted */
#define FL_IMPORT_FILES_MAX     32u
#define FL_IMPORT_FILE_NAME_MAX 100u
#define FL_IMPORT_HEADING_MAX   100u /* bytes of a heading */

/* ---- what was found ---- */

struct fl_finding {
    bool warning;     /* else an error: the import cannot be applied while it stands */
    const char *kind; /* a word for programs: "cell", "reference", "duplicate", "place", ... */
    const char *file; /* "" where it is about no file */
    uint32_t line;    /* 0: about the file as a whole */
    const char *column, *value, *text, *fix; /* texts; "" where there is none */
};

struct fl_findings {
    struct fl_arena arena;   /* of the texts */
    struct fl_finding *list; /* FL_FINDINGS_MAX; errors push warnings out */
    unsigned count;
    uint64_t errors, warnings; /* all of them */
};
int fl_findings_init(struct fl_findings *f, struct fl_err *err) FL_MUST_CHECK;
void fl_findings_done(struct fl_findings *f); /* fit for FL_AUTO */
/* Copies what item points to. */
void fl_findings_add(struct fl_findings *f, const struct fl_finding *item);
/* The first error as "sites.csv line 3, ttr_days: ..."; FL_E_INVAL. */
int fl_findings_error(const struct fl_findings *f, struct fl_err *err) FL_MUST_CHECK;

/* ---- columns of a file ---- */

#define FL_IMPORT_KEEP (-1) /* an unknown column: kept as it is */
#define FL_IMPORT_DROP (-2) /* not taken */

struct fl_import_column {
    const char *theirs; /* heading as it stands; in the map's memory */
    int ours;           /* column of the table, KEEP or DROP */
    double factor;      /* to our unit; 1 */
    const char *unit;   /* theirs, where it is another one: "weeks"; else "" */
    uint64_t filled;
    char first[40]; /* the first cell that is not empty, cut */
};

struct fl_import_map {
    enum fl_supply_table table;
    unsigned count, heads; /* columns; those of them that the file has: the rest are constants */
    struct fl_import_column column[FL_CSV_CELLS_MAX];
    char decimal; /* '.', ',' ; 0: not told by what was seen */
};

/* What a person said about a file's columns; those that are not named are found by themselves. */
struct fl_import_wish {
    /* theirs "=28": every row has this value. */
    struct fl_span theirs, ours; /* ours: a name, "name*7" with a factor, "" to drop it */
};

/* A heading as it is compared: lower case letters and digits only. ret holds size bytes. */
void fl_import_fold(struct fl_span heading, char *ret, size_t size);

/* The table, by the file's name, else by its headings. FL_E_INVAL says what to do. */
int fl_import_table(const char *file, const struct fl_csv_row *head, enum fl_supply_table *ret,
                    struct fl_err *err) FL_MUST_CHECK;

/* Texts are copied to arena. Keys that no heading has: FL_E_INVAL lists the headings there are. */
int fl_import_map(enum fl_supply_table table, const struct fl_csv_row *head,
                  const struct fl_import_wish *wishes, unsigned wish_count, struct fl_arena *arena,
                  struct fl_import_map *ret, struct fl_err *err) FL_MUST_CHECK;

/* Look at a row for what its numbers say about point or comma. */
void fl_import_decimal(struct fl_import_map *map, char separator, const struct fl_csv_row *row);

/* One cell as it stands, in our units and canonical; "" stays "". FL_E_INVAL as fl_supply_cell().
 */
int fl_import_cell(const struct fl_import_map *map, unsigned at, struct fl_span text,
                   struct fl_arena *arena, struct fl_span *ret, struct fl_err *err) FL_MUST_CHECK;

/* ---- a set of files ---- */

struct fl_import;

struct fl_import_ops {
    /* A good row; its cells are borrowed. Negative ends the import. NULL: only look. */
    int (*on_row)(void *ctx, const struct fl_supply_row *row, uint32_t line, struct fl_err *err);
    /* Is this id there already, beside what the files bring? NULL: nothing is. */
    bool (*known)(void *ctx, enum fl_supply_table table, struct fl_span id);
    void *ctx;
    size_t max_bytes; /* of the keys that are remembered */
    bool sites_only;  /* only sites matter, with id, lat and lon; others are passed over */
    bool loose;       /* a supplier that no file names is a warning (its file is not there) */
};

int fl_import_new(const struct fl_import_ops *ops, struct fl_findings *findings,
                  struct fl_import **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_import_free(struct fl_import *imp); /* NULL is allowed */

struct fl_import_file {
    char name[FL_IMPORT_FILE_NAME_MAX + 1];
    bool known; /* its first row was read: map holds */
    struct fl_import_map map;
    uint64_t rows, bad;
    char separator;
    const char *encoding;
};

/* table -1: found by name and headings. Wishes are borrowed until the first piece was fed. */
int fl_import_begin(struct fl_import *imp, const char *name, int table,
                    const struct fl_import_wish *wishes, unsigned wish_count, struct fl_err *err)
    FL_MUST_CHECK;
/* What is wrong with the file becomes a finding and FL_OK; negative: memory, or on_row's answer. */
int fl_import_feed(struct fl_import *imp, struct fl_span piece, bool last, struct fl_err *err)
    FL_MUST_CHECK;
/* Behind the last file: what the set as a whole lacks. */
int fl_import_end(struct fl_import *imp, struct fl_err *err) FL_MUST_CHECK;
unsigned fl_import_files(const struct fl_import *imp);
const struct fl_import_file *fl_import_file(const struct fl_import *imp, unsigned i);
/* Is this id among what was read? */
bool fl_import_has(const struct fl_import *imp, enum fl_supply_table table, struct fl_span id);

#endif
