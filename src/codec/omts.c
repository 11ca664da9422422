#include "codec/omts.h"

#include <jansson.h>
#include <stdlib.h>

#include "codec/csv.h"

#define ID_MAX    63u
#define DEPTH_MAX 12u

const char *const fl_omts_files[FL_OMTS_TABLES] = {"suppliers.csv",  "sites.csv", "parts.csv",
                                                   "part_sites.csv", "bom.csv",   "products.csv"};
static const char *const heads[FL_OMTS_TABLES] = {
    "supplier_id,name,country,kind,parent_id,register_number,verified_on,omts_type\n",
    "site_id,supplier_id,name,lat,lon,country,activity,ttr_days,radius_km,verified_on,address\n",
    "part_id,name,class,stock_units,commodity_code,unit\n",
    "part_id,site_id,share,qualified,source,verified_on\n",
    "parent_id,part_id,quantity\n",
    "product_id,name,demand_per_day,commodity_code\n"};

enum kind { OTHER, ORGANIZATION, FACILITY, GOOD };

struct node {
    const char *id;
    const json_t *json;
    const char *operator_id, *parent_id; /* of edges */
    enum kind kind;
    bool boundary, takes, taken; /* goods: has a bill of material, is in one */
};

struct reading {
    struct node *node; /* in order of ids */
    size_t nodes;
    struct fl_buf *csv;
    unsigned left;
    struct fl_err *err;
};

static const char *text(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));

    return s == NULL ? "" : s;
}

static bool too_deep(struct fl_span s)
{
    unsigned depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = s.ptr[i];

        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > DEPTH_MAX)
            return true;
    }
    return false;
}

/* ---- nodes ---- */

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct node *)a)->id, ((const struct node *)b)->id);
}

static struct node *find(const struct reading *rd, const char *id)
{
    const struct node wanted = {.id = id};

    return rd->nodes == 0 ? NULL : bsearch(&wanted, rd->node, rd->nodes, sizeof wanted, by_id);
}

static int take_node(struct reading *rd, const json_t *json, size_t at)
{
    static const struct {
        const char *type;
        enum kind kind;
    } kinds[] = {{"organization", ORGANIZATION},
                 {"boundary_ref", ORGANIZATION},
                 {"facility", FACILITY},
                 {"good", GOOD}};
    const char *type = text(json, "type"), *id = text(json, "id");
    struct node n = {.id = id,
                     .json = json,
                     .operator_id = text(json, "operator"),
                     .parent_id = "",
                     .boundary = strcmp(type, "boundary_ref") == 0};

    if (!json_is_object(json) || id[0] == '\0' || type[0] == '\0')
        return fl_err_set(rd->err, FL_E_INVAL, "nodes[%zu]: a node has id and type", at);
    if (strlen(id) > ID_MAX || strchr(id, '@') != NULL)
        return fl_err_set(rd->err, FL_E_INVAL, "nodes[%zu]: an id has at most %u bytes and no '@'",
                          at, ID_MAX);
    for (size_t i = 0; i < FL_LEN(kinds); i++)
        if (strcmp(type, kinds[i].type) == 0)
            n.kind = kinds[i].kind;
    if (n.kind == OTHER)
        rd->left++;
    rd->node[rd->nodes++] = n;
    return FL_OK;
}

static int take_nodes(struct reading *rd, const json_t *list)
{
    const json_t *item;
    size_t i;
    int r = FL_OK;

    rd->node = calloc(json_array_size(list) + 1, sizeof *rd->node);
    if (rd->node == NULL)
        return fl_err_set(rd->err, FL_E_NOMEM, "no memory for nodes");
    json_array_foreach(list, i, item) if (r == FL_OK) r = take_node(rd, item, i);
    if (r < 0)
        return r;
    qsort(rd->node, rd->nodes, sizeof *rd->node, by_id);
    for (i = 1; i < rd->nodes; i++)
        if (strcmp(rd->node[i - 1].id, rd->node[i].id) == 0)
            return fl_err_set(rd->err, FL_E_INVAL, "nodes: '%s' stands twice", rd->node[i].id);
    return FL_OK;
}

/* ---- rows ---- */

static void put(struct fl_buf *out, const char *cell, bool comma)
{
    fl_csv_put(out, fl_span_str(cell), comma, false);
}

static void put_number(struct fl_buf *out, const json_t *value)
{
    fl_buf_put_u8(out, ',');
    if (json_is_number(value))
        fl_buf_printf(out, "%.12g", json_number_value(value));
}

static struct fl_buf *row(struct reading *rd, enum fl_omts_table table)
{
    if (rd->csv[table].len == 0)
        fl_buf_put_str(&rd->csv[table], heads[table]);
    return &rd->csv[table];
}

/* LEI, DUNS, VAT or a national register, in this order. */
static const char *number_of(const json_t *node)
{
    static const char *const schemes[] = {"lei", "duns", "vat", "nat-reg"};
    const json_t *list = json_object_get(node, "identifiers"), *item;
    size_t i;

    for (size_t s = 0; s < FL_LEN(schemes); s++)
        json_array_foreach(list, i, item) if (strcmp(text(item, "scheme"), schemes[s]) ==
                                              0) return text(item, "value");
    return "";
}

static const char *country_of(const json_t *node)
{
    const char *code = text(node, "jurisdiction");

    return strlen(code) == 2 ? code : "";
}

static const char *verified(const json_t *node)
{
    return text(json_object_get(node, "data_quality"), "last_verified");
}

static void put_supplier(struct reading *rd, const struct node *n)
{
    struct fl_buf *out = row(rd, FL_OMTS_SUPPLIERS);

    put(out, n->id, false);
    put(out, text(n->json, "name"), true);
    put(out, country_of(n->json), true);
    put(out, "", true);
    put(out, n->parent_id, true);
    put(out, number_of(n->json), true);
    put(out, verified(n->json), true);
    put(out, n->boundary ? "boundary_ref" : "organization", true);
    fl_buf_put_u8(out, '\n');
}

static void put_site(struct reading *rd, const struct node *n)
{
    const json_t *geo = json_object_get(n->json, "geo");
    const struct node *by = find(rd, n->operator_id);
    struct fl_buf *out = row(rd, FL_OMTS_SITES);

    put(out, n->id, false);
    put(out, by != NULL && by->kind == ORGANIZATION ? by->id : "", true);
    put(out, text(n->json, "name"), true);
    put_number(out, json_object_get(geo, "lat"));
    put_number(out, json_object_get(geo, "lon"));
    put(out, country_of(n->json), true);
    put(out, text(n->json, "org.fairlead.activity"), true);
    put_number(out, json_object_get(n->json, "org.fairlead.ttr_days"));
    put_number(out, json_object_get(n->json, "org.fairlead.radius_km"));
    put(out, verified(n->json), true);
    put(out, text(n->json, "address"), true);
    fl_buf_put_u8(out, '\n');
}

static bool is_product(const struct node *n)
{
    const json_t *said = json_object_get(n->json, "org.fairlead.product");

    return said != NULL ? json_is_true(said) : n->takes && !n->taken;
}

static void put_good(struct reading *rd, const struct node *n)
{
    bool product = is_product(n);
    struct fl_buf *out = row(rd, product ? FL_OMTS_PRODUCTS : FL_OMTS_PARTS);

    put(out, n->id, false);
    put(out, text(n->json, "name"), true);
    if (product) {
        put_number(out, json_object_get(n->json, "org.fairlead.demand_per_day"));
        put(out, text(n->json, "commodity_code"), true);
    } else {
        put(out, text(n->json, "org.fairlead.class"), true);
        put_number(out, json_object_get(n->json, "org.fairlead.stock_units"));
        put(out, text(n->json, "commodity_code"), true);
        put(out, text(n->json, "unit"), true);
    }
    fl_buf_put_u8(out, '\n');
}

/* ---- edges ---- */

static void put_source(struct reading *rd, const struct node *site, const struct node *part,
                       const json_t *properties)
{
    struct fl_buf *out = row(rd, FL_OMTS_PART_SITES);

    put(out, part->id, false);
    put(out, site->id, true);
    put_number(out, json_object_get(properties, "org.fairlead.share"));
    put(out, text(properties, "org.fairlead.qualified"), true);
    put(out, "supplier", true);
    put(out, text(properties, "org.fairlead.verified_on"), true);
    fl_buf_put_u8(out, '\n');
}

static void put_use(struct reading *rd, const struct node *parent, const struct node *part,
                    const json_t *properties)
{
    const json_t *quantity = json_object_get(properties, "quantity");
    struct fl_buf *out = row(rd, FL_OMTS_BOM);

    put(out, parent->id, false);
    put(out, part->id, true);
    if (json_number_value(quantity) > 0)
        put_number(out, quantity);
    else
        put(out, "1", true);
    fl_buf_put_u8(out, '\n');
}

/* The first time round relations of nodes are noted, the second time rows are written. */
static void take_edge(struct reading *rd, const json_t *edge, bool rows)
{
    struct node *from = find(rd, text(edge, "source")), *to = find(rd, text(edge, "target"));
    const json_t *properties = json_object_get(edge, "properties");
    const char *type = text(edge, "type");
    bool used = true;

    if (from == NULL || to == NULL) {
        rd->left += rows;
    } else if (strcmp(type, "operates") == 0 && to->kind == FACILITY) {
        to->operator_id = to->operator_id[0] == '\0' ? from->id : to->operator_id;
    } else if (strcmp(type, "legal_parentage") == 0 ||
               (strcmp(type, "ownership") == 0 &&
                json_number_value(json_object_get(properties, "percentage")) >= 50)) {
        /* ownership: source owns target; parentage: source is the child */
        struct node *child = type[0] == 'o' ? to : from, *parent = type[0] == 'o' ? from : to;

        used = child != parent && child->kind == ORGANIZATION && parent->kind == ORGANIZATION;
        if (used && child->parent_id[0] == '\0')
            child->parent_id = parent->id;
    } else if (strcmp(type, "produces") == 0 && from->kind == FACILITY && to->kind == GOOD) {
        if (rows && !is_product(to))
            put_source(rd, from, to, properties);
    } else if (strcmp(type, "composed_of") == 0 && from->kind == GOOD && to->kind == GOOD) {
        from->takes = to->taken = true;
        if (rows)
            put_use(rd, from, to, properties);
    } else {
        used = false;
    }
    rd->left += rows && !used;
}

static int take_edges(struct reading *rd, const json_t *list, bool rows)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        if (!json_is_object(item))
            return fl_err_set(rd->err, FL_E_INVAL, "edges[%zu]: an edge is an object", i);
        take_edge(rd, item, rows);
    }
    return FL_OK;
}

/* A ring of parents is cut where it closes: a company is not its own group. */
static void cut_rings(struct reading *rd)
{
    for (size_t i = 0; i < rd->nodes; i++) {
        const struct node *at = &rd->node[i];

        for (unsigned step = 0; at != NULL && at->parent_id[0] != '\0'; step++) {
            at = find(rd, at->parent_id);
            if (at == &rd->node[i] || step > 64) {
                rd->node[i].parent_id = "";
                rd->left++;
                break;
            }
        }
    }
}

static int take_all(struct reading *rd, const json_t *root)
{
    const json_t *nodes = json_object_get(root, "nodes"), *edges = json_object_get(root, "edges");
    int r;

    if (!json_is_array(nodes) || !json_is_array(edges) ||
        !json_is_string(json_object_get(root, "omts_version")))
        return fl_err_set(rd->err, FL_E_INVAL,
                          "this is no OMTS file: it has omts_version, nodes and edges");
    if (json_array_size(nodes) > FL_OMTS_NODES_MAX || json_array_size(edges) > FL_OMTS_EDGES_MAX)
        return fl_err_set(rd->err, FL_E_LIMIT, "an OMTS file may have %u nodes and %u edges",
                          FL_OMTS_NODES_MAX, FL_OMTS_EDGES_MAX);
    r = take_nodes(rd, nodes);
    if (r == FL_OK)
        r = take_edges(rd, edges, false);
    if (r < 0)
        return r;
    cut_rings(rd);
    for (size_t i = 0; i < rd->nodes; i++) {
        const struct node *n = &rd->node[i];

        if (n->kind == ORGANIZATION)
            put_supplier(rd, n);
        else if (n->kind == FACILITY)
            put_site(rd, n);
        else if (n->kind == GOOD)
            put_good(rd, n);
    }
    return take_edges(rd, edges, true);
}

int fl_omts_read(struct fl_span input, struct fl_buf csv[FL_OMTS_TABLES], unsigned *ret_left,
                 struct fl_err *err)
{
    struct reading rd = {.csv = csv, .err = err};
    json_error_t why;
    json_t *root;
    int r;

    if (input.len > FL_OMTS_BYTES_MAX)
        return fl_err_set(err, FL_E_LIMIT, "an OMTS file may have %zu MiB",
                          FL_OMTS_BYTES_MAX >> 20);
    if (too_deep(input))
        return fl_err_set(err, FL_E_LIMIT, "the file is nested deeper than %u", DEPTH_MAX);
    root = json_loadb((const char *)input.ptr, input.len, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        return fl_err_set(err, FL_E_INVAL, "not JSON: line %d, column %d: %.100s", why.line,
                          why.column, why.text);
    r = take_all(&rd, root);
    for (int i = 0; i < FL_OMTS_TABLES && r == FL_OK; i++)
        r = fl_buf_status(&csv[i], err);
    if (r == FL_OK)
        *ret_left = rd.left;
    json_decref(root);
    free(rd.node);
    return r;
}
