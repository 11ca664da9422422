/*
 * supply.h - a network of supply as tables: which files there are, which columns each has, and what
 * a cell may hold.
 *
 * One table of tables stands for everything that knows columns: reading CSV, finding other
 * headings, the rows of the database, editing, export, the help texts. A row is its cells as
 * text, in canonical form (trimmed; numbers with a point; dates YYYY-MM-DD; empty = not known),
 * in the order of the table, and beside them the cells of unknown columns, which are kept.
 * Columns are only ever added at the end of a table: rows that are stored stay readable.
 *
 * A row's key is its key cells joined by '@' ("part@site"); hence no '@' within an id.
 */
#ifndef FL_MODEL_SUPPLY_H
#define FL_MODEL_SUPPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define FL_SUPPLY_COLUMNS_MAX 24u
#define FL_SUPPLY_EXTRA_MAX   32u   /* unknown columns of a row that are kept */
#define FL_SUPPLY_CELL_MAX    1024u /* bytes */
#define FL_SUPPLY_ID_MAX      63u
#define FL_SUPPLY_KEY_MAX     191u /* three ids and what joins them */

enum fl_supply_table {
    FL_SUPPLY_SUPPLIERS,
    FL_SUPPLY_SITES,
    FL_SUPPLY_PARTS,
    FL_SUPPLY_PART_SITES, /* who makes what where: the sources of a part */
    FL_SUPPLY_PRODUCTS,
    FL_SUPPLY_BOM,
    FL_SUPPLY_REVENUE,  /* of a product in a period; all rows count */
    FL_SUPPLY_RATES,    /* of currencies, dated */
    FL_SUPPLY_CONTACTS, /* of suppliers: who is asked, who is asked next */
    FL_SUPPLY_TABLES
};

enum fl_cell_kind {
    FL_CELL_ID,       /* 1-63 bytes, no control character, no '@' */
    FL_CELL_REF,      /* an id of the table `refers` */
    FL_CELL_ITEM,     /* an id of a part or a product */
    FL_CELL_TEXT,     /* up to 1,024 bytes of UTF-8 */
    FL_CELL_NUMBER,   /* from min to max */
    FL_CELL_BOOL,     /* yes, no (also 1, 0, true, false, x) */
    FL_CELL_DATE,     /* YYYY-MM-DD */
    FL_CELL_COUNTRY,  /* ISO 3166-1 alpha-2 in capitals; alpha-3 and English names are understood */
    FL_CELL_CURRENCY, /* ISO 4217, three capitals */
    FL_CELL_PERIOD,   /* YYYY, YYYY-Qn, YYYY-MM */
    FL_CELL_WORD      /* one of `words` */
};

struct fl_supply_column {
    const char *name;
    enum fl_cell_kind kind;
    bool key, required;
    enum fl_supply_table refers; /* FL_CELL_REF */
    double min, max;             /* FL_CELL_NUMBER; min exclusive where above_min */
    bool above_min;
    const char *words;   /* FL_CELL_WORD: comma list; the first is meant by an empty cell */
    const char *unit;    /* "days", "units/day", "km"; NULL: none */
    const char *aliases; /* comma list of other headings, lower case without blanks and signs */
    const char *about;   /* one line, for people */
};

struct fl_supply_schema {
    const char *name; /* "part_sites": the file is part_sites.csv */
    const char *noun; /* "source": for sentences */
    const char *about;
    unsigned count;
    struct fl_supply_column columns[FL_SUPPLY_COLUMNS_MAX];
};
extern const struct fl_supply_schema fl_supply_schemas[FL_SUPPLY_TABLES];

/* A name ("sites", "sites.csv"); -1: there is none. */
int fl_supply_table_find(struct fl_span name);
/* A column by its own name; -1: there is none. */
int fl_supply_column_find(enum fl_supply_table table, struct fl_span name);

/* Columns by number, for those who read rows; held against the table by a test. */
enum {
    FL_SUPPLIER_ID,
    FL_SUPPLIER_NAME,
    FL_SUPPLIER_COUNTRY,
    FL_SUPPLIER_TIER,
    FL_SUPPLIER_KIND,
    FL_SUPPLIER_PARENT,
    FL_SUPPLIER_REGISTER,
    FL_SUPPLIER_VERIFIED,
    FL_SUPPLIER_SAID_BY,
    FL_SUPPLIER_COLUMNS
};
enum {
    FL_SITE_ID,
    FL_SITE_SUPPLIER,
    FL_SITE_NAME,
    FL_SITE_LAT,
    FL_SITE_LON,
    FL_SITE_COUNTRY,
    FL_SITE_ACTIVITY,
    FL_SITE_TTR,
    FL_SITE_CAPACITY,
    FL_SITE_ALTERNATE,
    FL_SITE_BRING_UP,
    FL_SITE_RADIUS,
    FL_SITE_CITY,
    FL_SITE_PORT,
    FL_SITE_VERIFIED,
    FL_SITE_SAID_BY,
    FL_SITE_COLUMNS
};
enum {
    FL_PART_ID,
    FL_PART_NAME,
    FL_PART_CLASS,
    FL_PART_STOCK,
    FL_PART_LEAD,
    FL_PART_COST,
    FL_PART_CURRENCY,
    FL_PART_LIFECYCLE,
    FL_PART_CUSTODY,
    FL_PART_STOCK_ON,
    FL_PART_COLUMNS
};
enum {
    FL_SOURCE_PART,
    FL_SOURCE_SITE,
    FL_SOURCE_SHARE,
    FL_SOURCE_QUALIFIED,
    FL_SOURCE_SOURCE,
    FL_SOURCE_VERIFIED,
    FL_SOURCE_BRING_UP,
    FL_SOURCE_SAID_BY,
    FL_SOURCE_COLUMNS
};
enum {
    FL_PRODUCT_ID,
    FL_PRODUCT_NAME,
    FL_PRODUCT_STAGE,
    FL_PRODUCT_DEMAND,
    FL_PRODUCT_PROFIT,
    FL_PRODUCT_REVENUE,
    FL_PRODUCT_STOCK,
    FL_PRODUCT_CURRENCY,
    FL_PRODUCT_BACKLOG,
    FL_PRODUCT_COLUMNS
};
enum { FL_BOM_PARENT, FL_BOM_PART, FL_BOM_QUANTITY, FL_BOM_COLUMNS };
enum {
    FL_REVENUE_PRODUCT,
    FL_REVENUE_PERIOD,
    FL_REVENUE_CHANNEL,
    FL_REVENUE_AMOUNT,
    FL_REVENUE_CURRENCY,
    FL_REVENUE_COLUMNS
};
enum { FL_RATE_CURRENCY, FL_RATE_DATE, FL_RATE_VALUE, FL_RATE_COLUMNS };
enum {
    FL_CONTACT_SUPPLIER,
    FL_CONTACT_NUMBER,
    FL_CONTACT_NAME,
    FL_CONTACT_EMAIL,
    FL_CONTACT_LANGUAGE,
    FL_CONTACT_COLUMNS
};

struct fl_supply_row {
    enum fl_supply_table table;
    struct fl_span cell[FL_SUPPLY_COLUMNS_MAX]; /* borrowed */
    unsigned extras;
    struct fl_span extra_name[FL_SUPPLY_EXTRA_MAX], extra[FL_SUPPLY_EXTRA_MAX];
};

/*
 * One cell as somebody wrote it, to its canonical form in arena. FL_E_INVAL says what is wrong with
 * it and what would be right ("'-2' must be above 0"), without naming the place.
 */
int fl_supply_cell(const struct fl_supply_column *column, struct fl_span text,
                   struct fl_arena *arena, struct fl_span *ret, struct fl_err *err) FL_MUST_CHECK;

/* ret holds FL_SUPPLY_KEY_MAX + 1 bytes. */
void fl_supply_key(const struct fl_supply_row *row, char *ret);

/* The numbers in canonical cells; `none` for an empty one. */
double fl_supply_number(struct fl_span cell, double none);
/* Days since 1970-01-01; INT32_MIN for an empty one. */
int32_t fl_supply_day(struct fl_span cell);

/*
 * A row as stored: one byte, how many columns; cells in order, each ended by 0x1F; then name, 0x1F,
 * cell, 0x1F of each unknown column. A stored row that has fewer columns is one of an older
 * program: the rest is empty. Unpacking borrows from text; FL_E_CORRUPT.
 */
void fl_supply_pack(const struct fl_supply_row *row, struct fl_buf *out);
int fl_supply_unpack(enum fl_supply_table table, struct fl_span text, struct fl_supply_row *ret,
                     struct fl_err *err) FL_MUST_CHECK;

#endif
