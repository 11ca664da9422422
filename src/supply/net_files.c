#include "supply/net_files.h"

#include <stdlib.h>

struct reading {
    struct fl_net_builder *builder;
    bool own_suppliers; /* no file has them */
    struct fl_findings *findings;
};

static int put_supplier(struct reading *rd, struct fl_span id, struct fl_err *err)
{
    struct fl_supply_row row = {.table = FL_SUPPLY_SUPPLIERS};
    int r;

    row.cell[FL_SUPPLIER_ID] = row.cell[FL_SUPPLIER_NAME] = id;
    r = fl_net_put(rd->builder, &row, err);
    return r == FL_E_EXISTS ? FL_OK : r;
}

static int on_row(void *ctx, const struct fl_supply_row *row, uint32_t line, struct fl_err *err)
{
    struct reading *rd = ctx;
    int r = FL_OK;

    (void)line;
    if (rd->findings->errors > 0)
        return FL_OK; /* nothing will be built; go on for the other findings */
    if (row->table == FL_SUPPLY_SITES && rd->own_suppliers && row->cell[FL_SITE_SUPPLIER].len > 0)
        r = put_supplier(rd, row->cell[FL_SITE_SUPPLIER], err);
    return r < 0 ? r : fl_net_put(rd->builder, row, err);
}

/* A site's position is all that matters: what it refers to is not there. */
static int on_site(void *ctx, const struct fl_supply_row *row, uint32_t line, struct fl_err *err)
{
    struct fl_supply_row alone = *row;

    alone.cell[FL_SITE_SUPPLIER] = alone.cell[FL_SITE_ALTERNATE] = fl_span_of(NULL, 0);
    if (alone.cell[FL_SITE_TTR].len == 0)
        alone.cell[FL_SITE_TTR] = FL_SPAN("0");
    return on_row(ctx, &alone, line, err);
}

static void no_such_file(struct fl_findings *findings, const struct fl_net_file *file,
                         const struct fl_err *why)
{
    const struct fl_finding item = {.kind = "file",
                                    .file = file->name,
                                    .column = "",
                                    .value = "",
                                    .text = why->text,
                                    .fix = ""};

    fl_findings_add(findings, &item);
}

/* Which table each file is, by its name and first line; -1: a finding says why not. */
static int table_of(const struct fl_net_file *file, struct fl_csv_row *head,
                    struct fl_findings *findings)
{
    struct fl_csv FL_AUTO(fl_csv_done) csv;
    enum fl_supply_table table = FL_SUPPLY_SUPPLIERS;
    struct fl_err err;
    int r;

    fl_csv_init(&csv);
    r = fl_csv_feed(&csv, file->text, true, &err);
    if (r == FL_OK)
        r = fl_csv_next(&csv, head, &err);
    if (r == 0)
        r = fl_err_set(&err, FL_E_INVAL, "the file is empty; the first line names the columns");
    if (r > 0)
        r = fl_import_table(file->name, head, &table, &err);
    if (r == FL_OK)
        return (int)table;
    no_such_file(findings, file, &err);
    return -1;
}

static int read_files(struct fl_import *imp, const struct fl_net_file *files, unsigned count,
                      const int *tables, struct fl_err *err)
{
    int r = FL_OK;

    for (int t = 0; t < FL_SUPPLY_TABLES; t++)
        for (unsigned i = 0; i < count && r == FL_OK; i++) {
            if (tables[i] != t)
                continue;
            r = fl_import_begin(imp, files[i].name, t, NULL, 0, err);
            if (r == FL_OK)
                r = fl_import_feed(imp, files[i].text, true, err);
        }
    return r < 0 ? r : fl_import_end(imp, err);
}

static int read_all(struct reading *rd, const struct fl_net_file *files, unsigned count,
                    unsigned flags, size_t max_bytes, const int *tables, struct fl_err *err)
{
    const bool only = (flags & FL_NET_FILES_SITES_ONLY) != 0;
    const struct fl_import_ops ops = {.on_row = only ? on_site : on_row,
                                      .ctx = rd,
                                      .max_bytes = max_bytes,
                                      .sites_only = only,
                                      .loose = true};
    struct fl_import *imp = NULL;
    int r = fl_import_new(&ops, rd->findings, &imp, err);

    if (r == FL_OK)
        r = read_files(imp, files, count, tables, err);
    fl_import_free(imp);
    if (r == FL_OK && rd->findings->errors > 0)
        r = fl_findings_error(rd->findings, err);
    return r;
}

int fl_net_files_read(const struct fl_net_file *files, unsigned count, unsigned flags,
                      size_t max_bytes, const char *base_currency, struct fl_net **ret,
                      struct fl_findings *findings, struct fl_err *err)
{
    struct reading rd = {.own_suppliers = true, .findings = findings};
    struct fl_csv_row *head = malloc(sizeof *head);
    int tables[FL_IMPORT_FILES_MAX], r;

    if (head == NULL || count > FL_IMPORT_FILES_MAX) {
        free(head);
        return fl_err_set(err, FL_E_LIMIT, "a network may have %u files", FL_IMPORT_FILES_MAX);
    }
    for (unsigned i = 0; i < count; i++) {
        tables[i] = table_of(&files[i], head, findings);
        if (tables[i] == FL_SUPPLY_SUPPLIERS)
            rd.own_suppliers = false;
    }
    free(head);
    r = fl_net_builder_new(max_bytes, base_currency, &rd.builder, err);
    if (r == FL_OK)
        r = read_all(&rd, files, count, flags, max_bytes, tables, err);
    if (r == FL_OK) {
        r = fl_net_build(rd.builder, ret, err);
        return r;
    }
    fl_net_builder_free(rd.builder);
    return r;
}
