/* Files of a network of supply, and stored rows: whatever comes in either is refused with a place,
 * or packs and unpacks to itself. */
#include <stdlib.h>

#include "supply/net_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void stored_row(const uint8_t *data, size_t size)
{
    struct fl_buf FL_AUTO(fl_buf_done) packed;
    struct fl_supply_row row;
    struct fl_err err;

    fl_buf_init(&packed, size + 4096);
    if (fl_supply_unpack((enum fl_supply_table)(data[0] % FL_SUPPLY_TABLES),
                         fl_span_of(data + 1, size - 1), &row, &err) < 0)
        return;
    fl_supply_pack(&row, &packed);
    if (packed.failed != 0 || packed.len < size - 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"a.csv",          "sites.csv",  "parts.csv",
                                        "part_sites.csv", "bom.csv",    "products.csv",
                                        "suppliers.csv",  "revenue.csv"};
    struct fl_net_file files[2];
    struct fl_findings findings;
    struct fl_net *net = NULL;
    struct fl_err err;
    size_t half = size / 2;

    if (size < 3 || fl_findings_init(&findings, &err) < 0)
        return 0;
    stored_row(data, size);
    files[0] =
        (struct fl_net_file){names[data[0] % 8], fl_span_of(data + 2, half > 2 ? half - 2 : 0)};
    files[1] = (struct fl_net_file){names[data[1] % 8], fl_span_of(data + half, size - half)};
    if (fl_net_files_read(files, 2, data[0] & 8 ? FL_NET_FILES_SITES_ONLY : 0, (size_t)16 << 20, "",
                          &net, &findings, &err) == FL_OK &&
        findings.errors > 0)
        abort();
    fl_net_unref(net);
    fl_findings_done(&findings);
    return 0;
}
