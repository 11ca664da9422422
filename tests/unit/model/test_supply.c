/* The tables of a network: columns by number, cells as somebody writes them, stored rows. */
#include "model/supply.h"

#include <string.h>

#include "base/attr.h"
#include "tap.h"

static void test_tables(void)
{
    static const struct {
        enum fl_supply_table table;
        unsigned number;
        const char *name;
    } places[] = {
        {FL_SUPPLY_SUPPLIERS, FL_SUPPLIER_SAID_BY, "said_by"},
        {FL_SUPPLY_SUPPLIERS, FL_SUPPLIER_REGISTER, "register_number"},
        {FL_SUPPLY_SITES, FL_SITE_TTR, "ttr_days"},
        {FL_SUPPLY_SITES, FL_SITE_PORT, "port"},
        {FL_SUPPLY_SITES, FL_SITE_SAID_BY, "said_by"},
        {FL_SUPPLY_PARTS, FL_PART_STOCK, "stock_units"},
        {FL_SUPPLY_PARTS, FL_PART_STOCK_ON, "stock_on"},
        {FL_SUPPLY_PART_SITES, FL_SOURCE_BRING_UP, "bring_up_days"},
        {FL_SUPPLY_PART_SITES, FL_SOURCE_SAID_BY, "said_by"},
        {FL_SUPPLY_PRODUCTS, FL_PRODUCT_BACKLOG, "backlog_share"},
        {FL_SUPPLY_BOM, FL_BOM_QUANTITY, "quantity"},
        {FL_SUPPLY_REVENUE, FL_REVENUE_CURRENCY, "currency"},
        {FL_SUPPLY_RATES, FL_RATE_VALUE, "rate"},
        {FL_SUPPLY_CONTACTS, FL_CONTACT_LANGUAGE, "language"},
    };
    bool named = true, last = true;

    for (size_t i = 0; i < FL_LEN(places); i++)
        named &= fl_supply_column_find(places[i].table, fl_span_str(places[i].name)) ==
                 (int)places[i].number;
    CHECK(named, "columns stand where their numbers say");
    for (int t = 0; t < FL_SUPPLY_TABLES; t++) {
        const struct fl_supply_schema *s = &fl_supply_schemas[t];

        last &= s->count > 0 && s->count <= FL_SUPPLY_COLUMNS_MAX &&
                s->columns[s->count - 1].name != NULL &&
                (s->count == FL_SUPPLY_COLUMNS_MAX || s->columns[s->count].name == NULL);
        for (unsigned i = 0; i < s->count; i++)
            last &= s->columns[i].about != NULL && s->columns[i].aliases != NULL &&
                    (s->columns[i].kind != FL_CELL_WORD || s->columns[i].words != NULL);
    }
    CHECK(last, "every table has as many columns as it says, each with its words");
    CHECK(fl_supply_table_find(FL_SPAN("part_sites.csv")) == FL_SUPPLY_PART_SITES &&
              fl_supply_table_find(FL_SPAN("bom")) == FL_SUPPLY_BOM &&
              fl_supply_table_find(FL_SPAN("boms")) == -1,
          "a table by its name or its file's");
}

static const struct cell {
    enum fl_supply_table table;
    unsigned column;
    const char *text;
    const char *wanted; /* NULL: refused */
    const char *says;
} cells[] = {
    {FL_SUPPLY_SITES, FL_SITE_ID, "  kita ", "kita", ""},
    {FL_SUPPLY_SITES, FL_SITE_ID, "", NULL, "is required"},
    {FL_SUPPLY_SITES, FL_SITE_ID, "a@b", NULL, "'@'"},
    {FL_SUPPLY_SITES, FL_SITE_ID, "0000104417", "0000104417", ""},
    {FL_SUPPLY_SITES, FL_SITE_LAT, "39.29", "39.29", ""},
    {FL_SUPPLY_SITES, FL_SITE_LAT, "39,29", NULL, "comma"},
    {FL_SUPPLY_SITES, FL_SITE_LAT, "93", NULL, "must be 90 or less"},
    {FL_SUPPLY_SITES, FL_SITE_LAT, "0x10", NULL, "is not a number"},
    {FL_SUPPLY_SITES, FL_SITE_LAT, "inf", NULL, "is not a number"},
    {FL_SUPPLY_SITES, FL_SITE_LAT, "1e", NULL, "is not a number"},
    {FL_SUPPLY_SITES, FL_SITE_LAT, "", "", ""},
    {FL_SUPPLY_SITES, FL_SITE_TTR, "", NULL, "is required"},
    {FL_SUPPLY_SITES, FL_SITE_COUNTRY, "jp", "JP", ""},
    {FL_SUPPLY_SITES, FL_SITE_COUNTRY, "J1", NULL, "ISO 3166-1"},
    {FL_SUPPLY_SITES, FL_SITE_NAME, "K\xc3\xb6ln", "K\xc3\xb6ln", ""},
    {FL_SUPPLY_SITES, FL_SITE_NAME, "K\xf6ln", NULL, "UTF-8"},
    {FL_SUPPLY_SITES, FL_SITE_NAME,
     "a\x1f"
     "b",
     NULL, "control character 31"},
    {FL_SUPPLY_SITES, FL_SITE_VERIFIED, "22.11.2026", "2026-11-22", ""},
    {FL_SUPPLY_SITES, FL_SITE_VERIFIED, "20261122", "2026-11-22", ""},
    {FL_SUPPLY_SITES, FL_SITE_VERIFIED, "2026-11-22T05:00:00Z", "2026-11-22", ""},
    {FL_SUPPLY_SITES, FL_SITE_VERIFIED, "11/22/2026", NULL, "is not a date"},
    {FL_SUPPLY_SITES, FL_SITE_VERIFIED, "2026-02-30", NULL, "is not a date"},
    {FL_SUPPLY_BOM, FL_BOM_QUANTITY, "-2", NULL, "must be above 0"},
    {FL_SUPPLY_BOM, FL_BOM_QUANTITY, "0", NULL, "must be above 0"},
    {FL_SUPPLY_BOM, FL_BOM_QUANTITY, "0.5", "0.5", ""},
    {FL_SUPPLY_PART_SITES, FL_SOURCE_QUALIFIED, "X", "yes", ""},
    {FL_SUPPLY_PART_SITES, FL_SOURCE_QUALIFIED, "Nein", "no", ""},
    {FL_SUPPLY_PART_SITES, FL_SOURCE_QUALIFIED, "perhaps", NULL, "neither yes nor no"},
    {FL_SUPPLY_SUPPLIERS, FL_SUPPLIER_KIND, "Distributor", "distributor", ""},
    {FL_SUPPLY_SUPPLIERS, FL_SUPPLIER_KIND, "shop", NULL, "maker,distributor"},
    {FL_SUPPLY_PRODUCTS, FL_PRODUCT_CURRENCY, "usd", "USD", ""},
    {FL_SUPPLY_REVENUE, FL_REVENUE_PERIOD, "2026-q3", "2026-Q3", ""},
    {FL_SUPPLY_REVENUE, FL_REVENUE_PERIOD, "2026-13", NULL, "is not a period"},
    {FL_SUPPLY_REVENUE, FL_REVENUE_PERIOD, "2026-Q5", NULL, "is not a period"},
    {FL_SUPPLY_REVENUE, FL_REVENUE_PERIOD, "2026", "2026", ""},
};

static void test_cells(void)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;

    fl_arena_init(&arena, 64 * 1024);
    for (size_t i = 0; i < FL_LEN(cells); i++) {
        const struct cell *c = &cells[i];
        struct fl_span got = {0};
        struct fl_err err = {0};
        int r = fl_supply_cell(&fl_supply_schemas[c->table].columns[c->column],
                               fl_span_str(c->text), &arena, &got, &err);
        bool good = c->wanted != NULL ? r == FL_OK && fl_span_eq(got, fl_span_str(c->wanted))
                                      : r == FL_E_INVAL && strstr(err.text, c->says) != NULL;

        CHECK(good, c->text[0] == '\0' ? "(empty)" : c->text);
        if (!good)
            printf("# %d %s\n", r, err.text);
    }
}

static void test_rows(void)
{
    struct fl_supply_row row = {.table = FL_SUPPLY_BOM, .extras = 1}, back = {0};
    char key[FL_SUPPLY_KEY_MAX + 1];
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_err err = {0};
    struct fl_span text;
    int refused = 0;

    fl_buf_init(&out, 4096);
    row.cell[FL_BOM_PARENT] = FL_SPAN("r1");
    row.cell[FL_BOM_PART] = FL_SPAN("board");
    row.cell[FL_BOM_QUANTITY] = FL_SPAN("2");
    row.extra_name[0] = FL_SPAN("BEMERKUNG");
    row.extra[0] = FL_SPAN("bis 2028");
    fl_supply_key(&row, key);
    CHECK(strcmp(key, "r1@board") == 0, "the key");
    fl_supply_pack(&row, &out);
    text = fl_buf_span(&out);
    CHECK(fl_supply_unpack(FL_SUPPLY_BOM, text, &back, &err) == FL_OK &&
              fl_span_eq(back.cell[FL_BOM_QUANTITY], FL_SPAN("2")) && back.extras == 1 &&
              fl_span_eq(back.extra_name[0], FL_SPAN("BEMERKUNG")) &&
              fl_span_eq(back.extra[0], FL_SPAN("bis 2028")),
          "stored and back");
    for (size_t len = 0; len < text.len; len++)
        refused +=
            fl_supply_unpack(FL_SUPPLY_BOM, fl_span_of(text.ptr, len), &back, &err) == FL_E_CORRUPT;
    CHECK(refused == (int)text.len - 1, "every shorter text is refused, but the one that ends with "
                                        "the columns");
    text = fl_span_of("\x02"
                      "r1\x1f"
                      "board\x1f",
                      10);
    CHECK(fl_supply_unpack(FL_SUPPLY_BOM, text, &back, &err) == FL_OK &&
              back.cell[FL_BOM_QUANTITY].len == 0,
          "a row of an older program has empty columns at the end");
    CHECK(fl_supply_number(FL_SPAN("1e3"), -1) == 1000 && fl_supply_number(FL_SPAN(""), -1) == -1 &&
              fl_supply_day(FL_SPAN("1970-01-02")) == 1 && fl_supply_day(FL_SPAN("")) == INT32_MIN,
          "numbers and days");
}

int main(void)
{
    test_tables();
    test_cells();
    test_rows();
    return tap_done();
}
