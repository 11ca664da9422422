/* Files of somebody else: headings, units, marks of decimals, what is refused and how it is named.
 * Argument: ../shared. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "supply/import_net.h"
#include "supply/net_files.h"
#include "supply/place.h"
#include "tap.h"

#define MAX_BYTES ((size_t)64 << 20)

static const char suppliers[] = "supplier_id,name,country,tier,kind\ns1,Acme,DE,1,maker\n";
static const char sites[] = "site_id,supplier_id,name,lat,lon,country,activity,ttr_days,"
                            "capacity_per_day,alternate_site_id,bring_up_days\n"
                            "x,s1,X,52.5,13.4,DE,smt,28,,,\n";
static const char parts[] = "part_id,name,class,stock_units\na,Chip,ic,100\nb,Board,pcb,\n";
static const char part_sites[] = "part_id,site_id,share,qualified,source,verified_on\n"
                                 "a,x,1,yes,customer,2026-10-01\nb,x,1,,,\n";
static const char bom[] = "parent_id,part_id,quantity\nP,b,1\nb,a,2\n";
static const char products[] = "product_id,name,stage,demand_per_day,profit_per_unit,"
                               "revenue_per_unit,stock_units\nP,Router,production,10,100,300,40\n";

/* The set with one file in another form. */
static int read_with(const char *name, const char *text, struct fl_findings *findings,
                     struct fl_net **ret, struct fl_err *err)
{
    struct fl_net_file files[] = {{"bom.csv", fl_span_str(bom)},
                                  {"part_sites.csv", fl_span_str(part_sites)},
                                  {"suppliers.csv", fl_span_str(suppliers)},
                                  {"sites.csv", fl_span_str(sites)},
                                  {"parts.csv", fl_span_str(parts)},
                                  {"products.csv", fl_span_str(products)}};

    for (size_t i = 0; i < FL_LEN(files); i++)
        if (strcmp(files[i].name, name) == 0)
            files[i].text = fl_span_str(text);
    *ret = NULL;
    return fl_net_files_read(files, FL_LEN(files), 0, MAX_BYTES, "", ret, findings, err);
}

/* One site of a file of sites in another form: its latitude and days to recover. */
static const struct {
    const char *name, *text;
    double lat, ttr;
} forms[] = {
    {"as it should be", sites, 52.5, 28},
    {"any order, unknown columns", "ttr_days,colour,lon,lat,site_id\n28,red,13.4,52.5,x\n", 52.5,
     28},
    {"German, decimal comma, weeks",
     "Werk;Lieferant;Breite;L\xC3\xA4nge;Wiederanlauf (Wo)\nx;s1;52,5;13,4;4\n", 52.5, 28},
    {"Windows-1252", "Werk;Breite;L\xE4nge;Wiederanlauf (Wo)\nx;52,5;13,4;4\n", 52.5, 28},
    {"ERP headings", "WERKS,LIFNR,GEO_LAT,GEO_LON,TTR\nx,s1,52.5,13.4,28\n", 52.5, 28},
    {"a unit in the cell", "site_id,lat,lon,Recovery time\nx,52.5,13.4,4 weeks\n", 52.5, 28},
    {"months", "site_id,lat,lon,Recovery time (months)\nx,52.5,13.4,2\n", 52.5, 60.875},
    {"thousands and a point",
     "site_id,lat,lon,ttr_days,capacity_per_day\nx,52.5,13.4,28,"
     "\"1,234.5\"\n",
     52.5, 28},
    {"separators at the end", "site_id,lat,lon,ttr_days\nx,52.5,13.4,28,,,\n", 52.5, 28},
};

static void check_forms(void)
{
    for (size_t i = 0; i < FL_LEN(forms); i++) {
        FL_AUTO(fl_findings_done) struct fl_findings findings;
        struct fl_net *net = NULL;
        struct fl_err err = {0};
        int r;

        if (fl_findings_init(&findings, &err) < 0)
            return;
        r = read_with("sites.csv", forms[i].text, &findings, &net, &err);
        CHECK(r == 0 && fabs(net->sites[0].lat - forms[i].lat) < 1e-9 &&
                  fabs(net->sites[0].ttr_days - forms[i].ttr) < 1e-9,
              forms[i].name);
        if (r < 0)
            printf("# %s\n", err.text);
        fl_net_unref(net);
    }
}

/* What is wrong, and what is said. */
static const struct {
    const char *file, *text, *said;
} wrong[] = {
    {"sites.csv", "site_id,lat,lon\nx,1,2\n", "sites.csv: there is no column ttr_days"},
    {"sites.csv", "lat,lon,ttr_days\n1,2,3\n", "there is no column site_id"},
    {"sites.csv", "site_id,lat,lon,ttr_days\nx,1,2,\n", "sites.csv line 2, ttr_days: is required"},
    {"sites.csv", "site_id,lat,lon,ttr_days\nx,95,2,3\n", "sites.csv line 2, lat: '95' must be 90"},
    {"sites.csv", "site_id,lat,lon,ttr_days\nx,1,,3\n",
     "line 2, lon: latitude and longitude belong"},
    {"sites.csv", "site_id,lat,lon,ttr_days\n\nx,1,2,3,4\n",
     "sites.csv line 3: the row has 5 cells"},
    {"sites.csv", "site_id,lat,lon,ttr_days\nx,1,2,3\nx,1,2,3\n", "stands on line 2 of sites.csv"},
    {"sites.csv", "site_id,lat,lon,ttr_days,country\nx,1,2,3,Atlantis\n", "is no country"},
    {"sites.csv", "site_id,lat,lon,ttr_days\nx,1,2,\"1,234\"\n", "is the comma a decimal one"},
    {"sites.csv", "site_id,lat,lon,ttr_days\nx,1,2,3 moons\n", "no unit that is known"},
    {"sites.csv", "site_id,lat,lon,ttr_days\n\"x,1,2,3\n", "line 2: a quote"},
    {"sites.csv", "", "the file is empty"},
    {"part_sites.csv", "part_id,site_id\na,X\n",
     "line 2, site_id: there is no site 'X'; is 'x' meant"},
    {"part_sites.csv", "part_id,site_id\n\n\nzz,x\n", "line 4, part_id: there is no part 'zz'"},
    {"part_sites.csv", "part_id,site_id,share\na,x,2\n", "line 2, share: '2' must be 1"},
    {"bom.csv", "parent_id,part_id,quantity\nP,a,0\n", "quantity: '0' must be above 0"},
    {"bom.csv", "parent_id,part_id,quantity\nQ,a,1\n", "there is no part or product 'Q'"},
    {"products.csv", "product_id,demand_per_day\nP,-1\n", "demand_per_day: '-1' must be 0"},
};

static void check_wrong(void)
{
    for (size_t i = 0; i < FL_LEN(wrong); i++) {
        FL_AUTO(fl_findings_done) struct fl_findings findings;
        struct fl_net *net = NULL;
        struct fl_err err = {0};

        if (fl_findings_init(&findings, &err) < 0)
            return;
        CHECK(read_with(wrong[i].file, wrong[i].text, &findings, &net, &err) == FL_E_INVAL &&
                  net == NULL && strstr(err.text, wrong[i].said) != NULL,
              wrong[i].said);
        if (strstr(err.text, wrong[i].said) == NULL)
            printf("# %s\n", err.text);
    }
}

static void check_all_findings(void)
{
    FL_AUTO(fl_findings_done) struct fl_findings findings;
    struct fl_net *net = NULL;
    struct fl_buf FL_AUTO(fl_buf_done) text;
    struct fl_err err;

    fl_buf_init(&text, (size_t)1 << 20);
    if (fl_findings_init(&findings, &err) < 0)
        return;
    fl_buf_put_str(&text, "site_id,lat,lon,ttr_days\n");
    for (int i = 0; i < 2000; i++)
        fl_buf_printf(&text, "s%d,99,2,3\n", i);
    fl_buf_put_u8(&text, 0);
    CHECK(read_with("sites.csv", (const char *)text.ptr, &findings, &net, &err) == FL_E_INVAL &&
              findings.errors >= 2000 && findings.count == FL_FINDINGS_MAX,
          "all are counted, some are kept");
}

/* Headings alone tell the table. */
static void check_tables(void)
{
    static const struct {
        const char *file, *head;
        int table; /* -1: not told */
    } rows[] = {
        {"suppliers.csv", "x", FL_SUPPLY_SUPPLIERS},
        {"Lieferanten 2026.csv", "LIFNR;NAME1;LAND1", FL_SUPPLY_SUPPLIERS},
        {"export.csv", "MATNR,WERKS,Quote", FL_SUPPLY_PART_SITES},
        {"export.csv", "parent,component,qty", FL_SUPPLY_BOM},
        {"export.csv", "product,quarter,amount", FL_SUPPLY_REVENUE},
        {"export.csv", "colour,shape", -1},
    };

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        struct fl_csv_row *head = malloc(sizeof *head);
        struct fl_csv FL_AUTO(fl_csv_done) csv;
        enum fl_supply_table table = FL_SUPPLY_TABLES;
        struct fl_err err;
        int r;

        fl_csv_init(&csv);
        if (head == NULL || fl_csv_feed(&csv, fl_span_str(rows[i].head), true, &err) < 0 ||
            fl_csv_next(&csv, head, &err) != 1) {
            free(head);
            continue;
        }
        r = fl_import_table(rows[i].file, head, &table, &err);
        CHECK(rows[i].table < 0 ? r == FL_E_INVAL : r == 0 && (int)table == rows[i].table,
              rows[i].head);
        free(head);
    }
}

static void check_sites_only(void)
{
    const struct fl_net_file files[] = {{"places.csv", FL_SPAN("site_id,lat,lon\na,1,2\nb,3,4\n")}};
    FL_AUTO(fl_findings_done) struct fl_findings findings;
    struct fl_net *net = NULL;
    struct fl_err err;

    if (fl_findings_init(&findings, &err) < 0)
        return;
    CHECK(fl_net_files_read(files, 1, FL_NET_FILES_SITES_ONLY, MAX_BYTES, "", &net, &findings,
                            &err) == 0 &&
              net->site_count == 2,
          "positions alone, where positions are wanted");
    fl_net_unref(net);
}

static void check_mapped(void)
{
    FL_AUTO(fl_findings_done) struct fl_findings findings;
    struct fl_net_mapped m = {0};
    struct fl_net *net = NULL;
    struct fl_err err;

    if (fl_findings_init(&findings, &err) < 0)
        return;
    if (read_with("parts.csv", "part_id,name\na,A\nb,B\nc,C\n", &findings, &net, &err) < 0) {
        CHECK(0, err.text);
        return;
    }
    CHECK(fl_net_check(net, 20745, &findings, &m, &err) == 0 && fabs(m.confirmed - 1) < 1e-12 &&
              m.parts == 2 && m.mapped == 1 && m.stale == 1,
          "confirmed within 90 days (2026-10-01 on 2026-10-19); one part has no source");
    CHECK(fl_net_check(net, 20745 + 90, NULL, &m, &err) == 0 && fabs(m.inferred - 1) < 1e-12 &&
              m.stale == 2,
          "90 days later it is to be confirmed again");
    fl_net_unref(net);
}

/* Sites that were looked up by machine: which stand on another continent than their address. */
static void check_real(const char *shared)
{
    char path[512], *text = malloc((size_t)2 << 20);
    struct fl_csv_row *row = malloc(sizeof *row);
    struct fl_csv FL_AUTO(fl_csv_done) csv;
    unsigned rows = 0, far = 0;
    struct fl_err err;
    size_t len = 0;
    FILE *file;

    fl_csv_init(&csv);
    (void)snprintf(path, sizeof path, "%s/data/supply/sites/apple_suppliers_geocoded.csv", shared);
    file = fopen(path, "rb");
    if (file == NULL || text == NULL || row == NULL) {
        printf("# skipped: there is no %s\n", path);
        free(text);
        free(row);
        return;
    }
    len = fread(text, 1, (size_t)2 << 20, file);
    (void)fclose(file);
    if (fl_csv_feed(&csv, fl_span_of(text, len), true, &err) == 0)
        while (fl_csv_next(&csv, row, &err) == 1) {
            const struct fl_country *c;
            struct fl_place_finding found;

            if (rows++ == 0 || row->count < 6)
                continue;
            c = fl_country_of_address(row->cell[2]);
            if (c == NULL)
                continue;
            fl_place_check(c, fl_supply_number(row->cell[3], NAN),
                           fl_supply_number(row->cell[4], NAN), &found);
            if (!found.other_continent)
                continue;
            far++;
            printf("# line %u: %.*s: %.*s -> %s\n", row->line, FL_SPAN_ARG(row->cell[1]),
                   FL_SPAN_ARG(row->cell[2]), found.inside == NULL ? "?" : found.inside->name);
        }
    CHECK(rows == 779 && far == 5, "778 sites, five of them on another continent");
    printf("# %u on another continent\n", far);
    free(text);
    free(row);
}

int main(int argc, char **argv)
{
    check_forms();
    check_wrong();
    check_all_findings();
    check_tables();
    check_sites_only();
    check_mapped();
    if (argc > 1)
        check_real(argv[1]);
    return tap_done();
}
