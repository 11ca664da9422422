/* Rows to a net: references, indexes, loops, what is refused and how it is said. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "supply/net.h"
#include "tap.h"

struct line {
    enum fl_supply_table table;
    const char *cells; /* apart by '|' */
};

static const struct line router[] = {
    {FL_SUPPLY_SUPPLIERS, "s1|Kitasawa Power|JP|2|||"},
    {FL_SUPPLY_SUPPLIERS, "s2|Broker|DE|1|distributor|s1"},
    {FL_SUPPLY_SITES, "kita|s1|Kitakami|39.29|141.11|JP||56|100|tsu|20"},
    {FL_SUPPLY_SITES, "tsu|s1|Tsuruoka|38.73|139.83|JP||30"},
    {FL_SUPPLY_PARTS, "stage|Power stage|power|500"},
    {FL_SUPPLY_PARTS, "board|Main board|boards|"},
    {FL_SUPPLY_PART_SITES, "stage|tsu|0|yes|"},
    {FL_SUPPLY_PART_SITES, "stage|kita|1|yes|customer|2026-10-01"},
    {FL_SUPPLY_PART_SITES, "board|tsu|||"},
    {FL_SUPPLY_PRODUCTS, "r1|Heron|production|10|100|900|20|EUR"},
    {FL_SUPPLY_PRODUCTS, "r2|Tern||5|200|1500|0|EUR"},
    {FL_SUPPLY_BOM, "r1|board|1"},
    {FL_SUPPLY_BOM, "r2|board|2"},
    {FL_SUPPLY_BOM, "board|stage|3"},
    {FL_SUPPLY_REVENUE, "r1|2026-Q4|emea|1000|"},
    {FL_SUPPLY_REVENUE, "r1|2026-Q4|apac|10|USD"},
    {FL_SUPPLY_REVENUE, "r2|2026-12||7|"},
    {FL_SUPPLY_RATES, "USD|2026-01-01|0.9"},
    {FL_SUPPLY_RATES, "USD|2026-06-01|0.8"},
};

static int put(struct fl_net_builder *b, const struct line *line, struct fl_err *err)
{
    struct fl_supply_row row = {.table = line->table};
    const char *at = line->cells;

    for (unsigned i = 0; at != NULL && i < fl_supply_schemas[line->table].count; i++) {
        size_t len = strcspn(at, "|");

        row.cell[i] = fl_span_of(at, len);
        at = at[len] == '|' ? at + len + 1 : NULL;
    }
    return fl_net_put(b, &row, err);
}

/* The router's rows, and one more. */
static int with(const struct line *more, struct fl_net **ret, struct fl_err *err)
{
    struct fl_net_builder *b = NULL;
    int r = fl_net_builder_new(1 << 20, "", &b, err);

    for (size_t i = 0; i < FL_LEN(router) && r == FL_OK; i++)
        r = put(b, &router[i], err);
    if (r == FL_OK && more != NULL)
        r = put(b, more, err);
    if (r < 0) {
        fl_net_builder_free(b);
        return r;
    }
    return fl_net_build(b, ret, err);
}

static void test_whole(void)
{
    struct fl_net *net = NULL;
    struct fl_err err = {0};
    uint32_t kita, tsu, stage, board, r1, node;
    double amount = 0;

    CHECK(with(NULL, &net, &err) == FL_OK, "the network stands");
    if (net == NULL) {
        printf("# %s\n", err.text);
        return;
    }
    kita = fl_net_site_find(net, FL_SPAN("kita"));
    tsu = fl_net_site_find(net, FL_SPAN("tsu"));
    stage = fl_net_item_find(net, FL_SPAN("stage"));
    board = fl_net_item_find(net, FL_SPAN("board"));
    r1 = fl_net_item_find(net, FL_SPAN("r1"));
    CHECK(net->part_count == 2 && net->product_count == 2 && fl_net_is_product(net, r1) &&
              !fl_net_is_product(net, board) && strcmp(fl_net_item_id(net, r1), "r1") == 0,
          "products are numbered behind parts");
    CHECK(net->sites[kita].alternate == tsu && net->sites[tsu].alternate == FL_NET_NONE &&
              net->suppliers[net->sites[kita].supplier].country[0] == 'J' &&
              isinf(net->sites[tsu].capacity_per_day) && net->sites[kita].capacity_per_day == 100,
          "a site's references and what is not known");
    CHECK(net->suppliers[1].distributor && net->suppliers[1].parent == 0, "a broker of a group");
    node = fl_net_source_find(net, stage, kita);
    CHECK(node != FL_NET_NONE && net->sources[node].used &&
              !net->sources[fl_net_source_find(net, stage, tsu)].used &&
              net->sources[fl_net_source_find(net, board, tsu)].used &&
              fl_net_source_find(net, board, kita) == FL_NET_NONE,
          "sources: share 0 is qualified and not used, an unknown share is used");
    CHECK(net->sources_of_part.start[stage + 1] - net->sources_of_part.start[stage] == 2 &&
              net->sources_of_site.start[tsu + 1] - net->sources_of_site.start[tsu] == 2 &&
              net->uses_of_parent.start[board + 1] - net->uses_of_parent.start[board] == 1 &&
              net->uses_of_part.start[board + 1] - net->uses_of_part.start[board] == 2,
          "groups");
    CHECK(net->order[0] == stage && net->order[1] == board, "made in order");
    CHECK(strcmp(net->base_currency, "EUR") == 0 &&
              fl_net_convert(net, 100, "USD", 20700, &amount, &err) == FL_OK && amount == 80.0 &&
              fl_net_convert(net, 100, "USD", 20000, &amount, &err) == FL_OK && amount == 90.0 &&
              fl_net_convert(net, 1, "JPY", 20700, &amount, &err) == FL_E_NOENT,
          "money by the rate of the day, else the first");
    CHECK(net->revenue[0].to_day - net->revenue[0].from_day == 92 &&
              net->revenue[2].to_day - net->revenue[2].from_day == 31,
          "quarters and months");
    fl_net_unref(fl_net_ref(net));
    fl_net_unref(net);
}

static void test_refused(void)
{
    static const struct {
        struct line more;
        int code;
        const char *says;
    } rows[] = {
        {{FL_SUPPLY_SITES, "kita|s1||||||5"}, FL_E_EXISTS, "site 'kita' stands twice"},
        {{FL_SUPPLY_PRODUCTS, "stage|x||1|1"}, FL_E_EXISTS, "parts and products share their ids"},
        {{FL_SUPPLY_PART_SITES, "stage|kitta||"},
         FL_E_INVAL,
         "there is no site 'kitta'; 'kita' meant?"},
        {{FL_SUPPLY_PART_SITES, "r1|kita||"}, FL_E_INVAL, "'r1' is a product, not a part"},
        {{FL_SUPPLY_BOM, "r9|stage|1"}, FL_E_INVAL, "there is no part 'r9'; 'r1' meant?"},
        {{FL_SUPPLY_BOM, "stage|board|1"}, FL_E_INVAL, "loop: "},
        {{FL_SUPPLY_BOM, "stage|stage|1"}, FL_E_INVAL, "stage > stage"},
        {{FL_SUPPLY_REVENUE, "board|2026||5|"}, FL_E_INVAL, "'board' is a part, not a product"},
        {{FL_SUPPLY_BOM, "r1|board|4"}, FL_E_EXISTS, "'r1@board' stands twice"},
    };

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        struct fl_net *net = NULL;
        struct fl_err err = {0};
        int r = with(&rows[i].more, &net, &err);

        CHECK(r == rows[i].code && strstr(err.text, rows[i].says) != NULL, rows[i].says);
        if (strstr(err.text, rows[i].says) == NULL)
            printf("# %d %s\n", r, err.text);
        fl_net_unref(net);
    }
}

static void test_limit(void)
{
    struct fl_net_builder *b = NULL;
    struct fl_err err = {0};
    int r = fl_net_builder_new(4096, "EUR", &b, &err);

    for (int i = 0; i < 200 && r == FL_OK; i++) {
        char cells[64];

        (void)snprintf(cells, sizeof cells, "p%d|name|class|1", i);
        r = put(b, &(struct line){FL_SUPPLY_PARTS, cells}, &err);
    }
    CHECK(r == FL_E_LIMIT && strstr(err.text, "4096") != NULL, "a network has its limit");
    fl_net_builder_free(b);
}

int main(void)
{
    test_whole();
    test_refused();
    test_limit();
    return tap_done();
}
