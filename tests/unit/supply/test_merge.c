/* The same company under several names. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "supply/import_merge.h"
#include "tap.h"

static void folding(void)
{
    static const struct {
        const char *name, *folded;
    } rows[] = {{"Acme Chips GmbH", "acme chips"},
                {"ACME-CHIPS G.m.b.H.", "acme chips"},
                {"Acme Chips GmbH & Co. KG", "acme chips"},
                {"M\xC3\xBCller S.p.A.", "mueller"},
                {"Foxconn Technology Co., Ltd.", "foxconn technology"},
                {"Group", "group"},
                {"", ""}};

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        char got[FL_MERGE_NAME_MAX];

        fl_merge_fold(fl_span_str(rows[i].name), got);
        CHECK(strcmp(got, rows[i].folded) == 0, rows[i].name);
        if (strcmp(got, rows[i].folded) != 0)
            printf("# '%s'\n", got);
    }
}

static int add_pair(void *ctx, const struct fl_merge_pair *pair)
{
    char *text = ctx;
    size_t len = strlen(text);

    (void)snprintf(text + len, 400 - len, "%u-%u ", pair->a, pair->b);
    return 0;
}

#define S(lit) FL_SPAN(lit)

static void suppliers(void)
{
    const struct fl_merge_item items[] = {
        {.id = S("a"), .name = S("Acme Chips GmbH"), .country = S("DE")},
        {.id = S("b"), .name = S("ACME CHIPS"), .country = S("DE")},
        {.id = S("c"), .name = S("Acme Chipz GmbH"), .country = S("DE")},
        {.id = S("d"), .name = S("Other Works"), .number = S("123456789")},
        {.id = S("e"), .name = S("Totally Renamed"), .number = S("123456789")},
        {.id = S("f"), .name = S("Northern Foundry"), .number = S("111111111")},
        {.id = S("g"), .name = S("Northern Foundry"), .number = S("222222222")},
        {.id = S("h"), .name = S("AMD")},
        {.id = S("i"), .name = S("AMK")},
        {.id = S("j"), .name = S("Precision Works 12")},
        {.id = S("k"), .name = S("Precision Works 13")},
    };
    char text[400] = "";
    struct fl_err err;

    CHECK(fl_merge_suppliers(items, FL_LEN(items), add_pair, text, &err) == 0, "compared");
    CHECK(strstr(text, "0-1 ") != NULL && strstr(text, "0-2 ") != NULL, "same and like names");
    CHECK(strstr(text, "3-4 ") != NULL, "the same register number");
    CHECK(strstr(text, "5-6 ") == NULL, "unequal numbers are two companies");
    CHECK(strstr(text, "7-8 ") == NULL, "short names must be equal");
    CHECK(strstr(text, "9-10 ") == NULL, "figures tell apart");
}

static void sites(void)
{
    const struct fl_merge_item items[] = {
        {.id = S("a"), .name = S("Dresden"), .supplier = S("s"), .lat = 51.05, .lon = 13.74},
        {.id = S("b"), .name = S("Fab 1"), .supplier = S("s"), .lat = 51.0505, .lon = 13.7405},
        {.id = S("c"), .name = S("Fab 1"), .supplier = S("t"), .lat = 51.0505, .lon = 13.7405},
        {.id = S("d"), .name = S("Fab 1"), .supplier = S("s"), .lat = 48, .lon = 11},
        {.id = S("e"), .name = S("Fab 9"), .supplier = S("s"), .lat = NAN, .lon = NAN},
        {.id = S("f"), .name = S("FAB 9"), .supplier = S("s"), .lat = NAN, .lon = NAN},
    };
    char text[400] = "";
    struct fl_err err;

    CHECK(fl_merge_sites(items, FL_LEN(items), add_pair, text, &err) == 0 && strlen(text) == 8 &&
              strstr(text, "0-1 ") != NULL && strstr(text, "4-5 ") != NULL,
          "near each other, or of one name: of one company");
}

static void aliases(void)
{
    struct fl_supply_row row = {.table = FL_SUPPLY_SITES};
    struct fl_merges *m = NULL;
    struct fl_err err;

    if (fl_merges_new(&m, &err) < 0)
        return;
    row.cell[FL_SITE_ID] = S("x");
    row.cell[FL_SITE_SUPPLIER] = S("s3");
    CHECK(fl_merges_row(m, &row) == 0 && !fl_merges_any(m), "nothing was decided");
    CHECK(fl_merges_add(m, FL_SUPPLY_SUPPLIERS, S("s2"), S("s1"), &err) == 0 &&
              fl_merges_add(m, FL_SUPPLY_SUPPLIERS, S("s3"), S("s2"), &err) == 0,
          "s3 is s2 is s1");
    CHECK(fl_merges_add(m, FL_SUPPLY_SUPPLIERS, S("s1"), S("s3"), &err) == FL_E_INVAL, "no ring");
    CHECK(fl_merges_row(m, &row) == 1 && fl_span_eq(row.cell[FL_SITE_SUPPLIER], S("s1")),
          "a row is read as one of the last");
    row = (struct fl_supply_row){.table = FL_SUPPLY_SUPPLIERS};
    row.cell[FL_SUPPLIER_ID] = S("s2");
    CHECK(fl_merges_row(m, &row) == 2, "the row of one that is gone");
    fl_merges_free(m);
}

/* Twenty thousand names, most of them with a word that many have. */
static void many(void)
{
    static struct fl_merge_item items[20000];
    static char names[20000][40], ids[20000][8];
    char text[400] = "";
    struct fl_err err;

    for (unsigned i = 0; i < 20000; i++) {
        (void)snprintf(names[i], sizeof names[i], "Precision %u%c Technology Works",
                       i * 7919u % 20000u, 'a' + (int)(i % 26));
        (void)snprintf(ids[i], sizeof ids[i], "%05u", i);
        items[i] = (struct fl_merge_item){.id = fl_span_str(ids[i]), .name = fl_span_str(names[i])};
    }
    CHECK(fl_merge_suppliers(items, 20000, add_pair, text, &err) == 0, "many names");
}

int main(void)
{
    folding();
    suppliers();
    sites();
    aliases();
    many();
    return tap_done();
}
