/* Graphs of the Open Multi-Tier Supply format become tables. Argument: ../shared. */
#include "codec/omts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

struct read {
    struct fl_buf csv[FL_OMTS_TABLES];
    unsigned left;
    struct fl_err err;
    int r;
};

static void open_read(struct read *rd, struct fl_span text)
{
    for (int i = 0; i < FL_OMTS_TABLES; i++)
        fl_buf_init(&rd->csv[i], (size_t)1 << 20);
    rd->err.text[0] = '\0';
    rd->r = fl_omts_read(text, rd->csv, &rd->left, &rd->err);
}

static void close_read(struct read *rd)
{
    for (int i = 0; i < FL_OMTS_TABLES; i++)
        fl_buf_done(&rd->csv[i]);
}

static bool holds(const struct read *rd, int table, const char *text)
{
    return fl_span_find_nocase(fl_buf_span(&rd->csv[table]), fl_span_str(text));
}

static unsigned lines(const struct read *rd, int table)
{
    unsigned n = 0;

    for (size_t i = 0; i < rd->csv[table].len; i++)
        n += rd->csv[table].ptr[i] == '\n';
    return n;
}

static const char graph[] =
    "{\"omts_version\":\"1.0.0\",\"nodes\":["
    "{\"id\":\"o1\",\"type\":\"organization\",\"name\":\"A, Inc\",\"jurisdiction\":\"DE\","
    "\"identifiers\":[{\"scheme\":\"duns\",\"value\":\"012345678\"}]},"
    "{\"id\":\"o2\",\"type\":\"boundary_ref\"},"
    "{\"id\":\"f1\",\"type\":\"facility\",\"name\":\"F\",\"geo\":{\"lat\":1.5,\"lon\":-2}},"
    "{\"id\":\"g1\",\"type\":\"good\",\"name\":\"Router\"},{\"id\":\"g2\",\"type\":\"good\"},"
    "{\"id\":\"p\",\"type\":\"person\"}],\"edges\":["
    "{\"id\":\"e1\",\"type\":\"operates\",\"source\":\"o1\",\"target\":\"f1\"},"
    "{\"id\":\"e2\",\"type\":\"produces\",\"source\":\"f1\",\"target\":\"g2\"},"
    "{\"id\":\"e3\",\"type\":\"composed_of\",\"source\":\"g1\",\"target\":\"g2\","
    "\"properties\":{\"quantity\":3}},"
    "{\"id\":\"e4\",\"type\":\"ownership\",\"source\":\"o2\",\"target\":\"o1\","
    "\"properties\":{\"percentage\":60}},"
    "{\"id\":\"e5\",\"type\":\"legal_parentage\",\"source\":\"o2\",\"target\":\"o1\"}]}";

static void check_graph(void)
{
    struct read rd;

    open_read(&rd, fl_span_str(graph));
    CHECK(rd.r == 0, "read");
    CHECK(holds(&rd, FL_OMTS_SUPPLIERS, "\no1,\"A, Inc\",DE,,,012345678,"), "a company");
    CHECK(holds(&rd, FL_OMTS_SITES, "\nf1,o1,F,1.5,-2,"), "a site with its company and place");
    CHECK(holds(&rd, FL_OMTS_PRODUCTS, "\ng1,Router") && holds(&rd, FL_OMTS_PARTS, "\ng2,"),
          "what takes others is a product, what is taken a part");
    CHECK(holds(&rd, FL_OMTS_BOM, "\ng1,g2,3\n") && holds(&rd, FL_OMTS_PART_SITES, "\ng2,f1,"),
          "its bill of material and its source");
    CHECK(rd.left == 2, "the person is left, and so is the parent that would be a ring");
    close_read(&rd);
}

static void check_refused(void)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "not JSON"},
        {"[]", "no OMTS file"},
        {"{\"omts_version\":\"1\",\"nodes\":[{}],\"edges\":[]}",
         "nodes[0]: a node has id and type"},
        {"{\"omts_version\":\"1\",\"nodes\":[{\"id\":\"a\",\"type\":\"good\"},{\"id\":\"a\","
         "\"type\":\"good\"}],\"edges\":[]}",
         "stands twice"},
        {"{\"omts_version\":\"1\",\"nodes\":[{\"id\":\"a@b\",\"type\":\"good\"}],\"edges\":[]}",
         "no '@'"},
        {"{\"omts_version\":\"1\",\"nodes\":[],\"edges\":[1]}", "edges[0]"},
        {"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", "nested deeper"},
    };

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        struct read rd;

        open_read(&rd, fl_span_str(rows[i].text));
        CHECK(rd.r < 0 && strstr(rd.err.text, rows[i].why) != NULL, rows[i].why);
        close_read(&rd);
    }
}

static void check_real(const char *shared)
{
    static const struct {
        const char *file;
        unsigned suppliers, sites, goods;
    } files[] = {{"small.omts", 23, 10, 8}, {"full-featured.omts", 3, 1, 1}};

    for (size_t i = 0; i < FL_LEN(files); i++) {
        char path[512], *text = malloc((size_t)1 << 20);
        struct read rd;
        size_t len;
        FILE *file;

        (void)snprintf(path, sizeof path, "%s/data/supply/networks/%s", shared, files[i].file);
        file = fopen(path, "rb");
        if (file == NULL || text == NULL) {
            printf("# skipped: there is no %s\n", path);
            free(text);
            continue;
        }
        len = fread(text, 1, (size_t)1 << 20, file);
        (void)fclose(file);
        open_read(&rd, fl_span_of(text, len));
        CHECK(rd.r == 0 && lines(&rd, FL_OMTS_SUPPLIERS) == files[i].suppliers + 1 &&
                  lines(&rd, FL_OMTS_SITES) == files[i].sites + 1 &&
                  lines(&rd, FL_OMTS_PARTS) == files[i].goods + 1,
              files[i].file);
        close_read(&rd);
        free(text);
    }
}

int main(int argc, char **argv)
{
    check_graph();
    check_refused();
    if (argc > 1)
        check_real(argv[1]);
    return tap_done();
}
