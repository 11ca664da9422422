/* Rows to a net: each table's rows are kept as they come, then references are resolved. */
#include "supply/net_build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/time.h"

/* A reference by id that is resolved at the end, beside the row it stands in. */
struct pending {
    struct fl_span first, second;
};

struct rows {
    void *rows;
    struct pending *refs;
    uint32_t count, cap;
};

struct fl_net_builder {
    struct fl_net_owned *owned;
    struct rows rows[FL_SUPPLY_TABLES];
    struct fl_net_ids keys[FL_SUPPLY_TABLES]; /* of those tables that have no ids of their own */
    size_t used_bytes, max_bytes;
};

static const size_t row_bytes[FL_SUPPLY_TABLES] = {
    [FL_SUPPLY_SUPPLIERS] = sizeof(struct fl_net_supplier),
    [FL_SUPPLY_SITES] = sizeof(struct fl_net_site),
    [FL_SUPPLY_PARTS] = sizeof(struct fl_net_part),
    [FL_SUPPLY_PART_SITES] = sizeof(struct fl_net_source),
    [FL_SUPPLY_PRODUCTS] = sizeof(struct fl_net_product),
    [FL_SUPPLY_BOM] = sizeof(struct fl_net_use),
    [FL_SUPPLY_REVENUE] = sizeof(struct fl_net_revenue),
    [FL_SUPPLY_RATES] = sizeof(struct fl_net_rate),
    [FL_SUPPLY_CONTACTS] = 0, /* nothing is calculated from them */
};

void fl_net_owned_free(struct fl_net_owned *owned)
{
    struct fl_net *net = &owned->net;
    struct fl_net_index *const indexes[] = {&net->sites_of_supplier, &net->sources_of_part,
                                            &net->sources_of_site, &net->uses_of_parent,
                                            &net->uses_of_part};
    void *const tables[] = {net->suppliers, net->sites, net->parts,   net->products, net->sources,
                            net->uses,      net->rates, net->revenue, net->order};

    for (size_t i = 0; i < FL_LEN(indexes); i++) {
        free(indexes[i]->start);
        free(indexes[i]->list);
    }
    for (size_t i = 0; i < FL_LEN(tables); i++)
        free(tables[i]);
    fl_net_ids_done(&owned->supplier_ids);
    fl_net_ids_done(&owned->site_ids);
    fl_net_ids_done(&owned->item_ids);
    fl_arena_done(&owned->arena);
    free(owned);
}

int fl_net_builder_new(size_t max_bytes, const char *base_currency, struct fl_net_builder **ret,
                       struct fl_err *err)
{
    struct fl_net_builder *b = calloc(1, sizeof *b);

    if (b != NULL)
        b->owned = calloc(1, sizeof *b->owned);
    if (b == NULL || b->owned == NULL) {
        free(b);
        return fl_err_set(err, FL_E_NOMEM, "there is no memory for a network");
    }
    b->max_bytes = max_bytes;
    fl_arena_init(&b->owned->arena, max_bytes);
    atomic_init(&b->owned->refs, 1);
    (void)snprintf(b->owned->net.base_currency, sizeof b->owned->net.base_currency, "%s",
                   base_currency);
    *ret = b;
    return FL_OK;
}

void fl_net_builder_free(struct fl_net_builder *b)
{
    if (b == NULL)
        return;
    for (int i = 0; i < FL_SUPPLY_TABLES; i++) {
        free(b->rows[i].rows);
        free(b->rows[i].refs);
        fl_net_ids_done(&b->keys[i]);
    }
    if (b->owned != NULL)
        fl_net_owned_free(b->owned);
    free(b);
}

/* ---- one row ---- */

static int no_memory(struct fl_err *err)
{
    return fl_err_set(err, FL_E_NOMEM, "there is no memory for the network");
}

/* Room for one more row; what it holds is zero. */
static int row_new(struct fl_net_builder *b, enum fl_supply_table table, void **ret,
                   struct pending **ret_refs, struct fl_err *err)
{
    struct rows *t = &b->rows[table];

    if (t->count == t->cap) {
        uint32_t cap = t->cap == 0 ? 64 : 2 * t->cap;
        size_t more = (size_t)(cap - t->cap) * (row_bytes[table] + sizeof *t->refs);
        void *rows, *refs;

        if (more > b->max_bytes - b->used_bytes)
            return fl_err_set(err, FL_E_LIMIT, "the network is larger than %zu bytes",
                              b->max_bytes);
        rows = realloc(t->rows, cap * row_bytes[table]);
        if (rows == NULL)
            return no_memory(err);
        t->rows = rows;
        refs = realloc(t->refs, cap * sizeof *t->refs);
        if (refs == NULL)
            return no_memory(err);
        t->refs = refs;
        t->cap = cap;
        b->used_bytes += more;
    }
    *ret = (char *)t->rows + t->count * row_bytes[table];
    *ret_refs = &t->refs[t->count];
    memset(*ret, 0, row_bytes[table]);
    **ret_refs = (struct pending){0};
    return FL_OK;
}

/* The texts of a row in work; a failure sticks. */
struct texts {
    struct fl_arena *arena;
    const struct fl_supply_row *row;
    bool failed;
};

static struct fl_span span(struct texts *t, unsigned column)
{
    struct fl_span s = fl_arena_copy(t->arena, t->row->cell[column]);

    t->failed |= s.ptr == NULL;
    return s;
}

static const char *text(struct texts *t, unsigned column)
{
    return t->row->cell[column].len == 0 ? "" : (const char *)span(t, column).ptr;
}

/* Empty means the first word. */
static const char *word(struct texts *t, unsigned column)
{
    const char *words = fl_supply_schemas[t->row->table].columns[column].words;

    if (t->row->cell[column].len > 0)
        return text(t, column);
    return (const char *)fl_arena_copy(t->arena, fl_span_of(words, strcspn(words, ","))).ptr;
}

static double number(const struct texts *t, unsigned column, double none)
{
    return fl_supply_number(t->row->cell[column], none);
}

static void letters(const struct texts *t, unsigned column, char *ret, size_t size)
{
    struct fl_span s = t->row->cell[column];

    if (s.len < size)
        memcpy(ret, s.ptr == NULL ? (const unsigned char *)"" : s.ptr, s.len);
}

static bool is(const struct texts *t, unsigned column, const char *value)
{
    return fl_span_eq(t->row->cell[column], fl_span_str(value));
}

static void put_supplier(struct texts *t, void *row, struct pending *refs)
{
    struct fl_net_supplier *s = row;

    s->id = text(t, FL_SUPPLIER_ID);
    s->name = text(t, FL_SUPPLIER_NAME);
    letters(t, FL_SUPPLIER_COUNTRY, s->country, sizeof s->country);
    s->tier = (uint32_t)number(t, FL_SUPPLIER_TIER, 0);
    s->distributor = is(t, FL_SUPPLIER_KIND, "distributor") ||
                     is(t, FL_SUPPLIER_KIND, "warehouse") || is(t, FL_SUPPLIER_KIND, "broker");
    s->verified_day = fl_supply_day(t->row->cell[FL_SUPPLIER_VERIFIED]);
    refs->first = span(t, FL_SUPPLIER_PARENT);
}

static void put_site(struct texts *t, void *row, struct pending *refs)
{
    struct fl_net_site *s = row;

    s->id = text(t, FL_SITE_ID);
    s->name = text(t, FL_SITE_NAME);
    s->city = text(t, FL_SITE_CITY);
    s->port = text(t, FL_SITE_PORT);
    s->activity = text(t, FL_SITE_ACTIVITY);
    s->lat = number(t, FL_SITE_LAT, (double)NAN);
    s->lon = number(t, FL_SITE_LON, (double)NAN);
    s->radius_km = number(t, FL_SITE_RADIUS, 0);
    letters(t, FL_SITE_COUNTRY, s->country, sizeof s->country);
    s->ttr_days = number(t, FL_SITE_TTR, 0);
    s->capacity_per_day = number(t, FL_SITE_CAPACITY, (double)INFINITY);
    s->bring_up_days = number(t, FL_SITE_BRING_UP, 0);
    s->verified_day = fl_supply_day(t->row->cell[FL_SITE_VERIFIED]);
    refs->first = span(t, FL_SITE_SUPPLIER);
    refs->second = span(t, FL_SITE_ALTERNATE);
}

static void put_part(struct texts *t, void *row, struct pending *refs)
{
    struct fl_net_part *p = row;

    (void)refs;
    p->id = text(t, FL_PART_ID);
    p->name = text(t, FL_PART_NAME);
    p->class_name = text(t, FL_PART_CLASS);
    p->lifecycle = word(t, FL_PART_LIFECYCLE);
    p->custody = word(t, FL_PART_CUSTODY);
    p->stock_known = t->row->cell[FL_PART_STOCK].len > 0;
    p->stock_units = number(t, FL_PART_STOCK, 0);
    p->lead_days = number(t, FL_PART_LEAD, (double)NAN);
    p->unit_cost = number(t, FL_PART_COST, (double)NAN);
    letters(t, FL_PART_CURRENCY, p->currency, sizeof p->currency);
}

static void put_source(struct texts *t, void *row, struct pending *refs)
{
    struct fl_net_source *s = row;

    s->share = number(t, FL_SOURCE_SHARE, (double)NAN);
    s->qualified = !is(t, FL_SOURCE_QUALIFIED, "no");
    s->used = s->qualified && !(s->share <= 0);
    s->bring_up_days = number(t, FL_SOURCE_BRING_UP, 0);
    s->origin = text(t, FL_SOURCE_SOURCE);
    s->verified_day = fl_supply_day(t->row->cell[FL_SOURCE_VERIFIED]);
    refs->first = span(t, FL_SOURCE_PART);
    refs->second = span(t, FL_SOURCE_SITE);
}

static void put_product(struct texts *t, void *row, struct pending *refs)
{
    struct fl_net_product *p = row;

    (void)refs;
    p->id = text(t, FL_PRODUCT_ID);
    p->name = text(t, FL_PRODUCT_NAME);
    p->stage = word(t, FL_PRODUCT_STAGE);
    p->demand_per_day = number(t, FL_PRODUCT_DEMAND, 0);
    p->profit_per_unit = number(t, FL_PRODUCT_PROFIT, 0);
    p->revenue_per_unit = number(t, FL_PRODUCT_REVENUE, 0);
    p->stock_units = number(t, FL_PRODUCT_STOCK, 0);
    p->backlog_share = number(t, FL_PRODUCT_BACKLOG, 0);
    letters(t, FL_PRODUCT_CURRENCY, p->currency, sizeof p->currency);
}

static void put_use(struct texts *t, void *row, struct pending *refs)
{
    ((struct fl_net_use *)row)->quantity = number(t, FL_BOM_QUANTITY, 0);
    refs->first = span(t, FL_BOM_PARENT);
    refs->second = span(t, FL_BOM_PART);
}

/* A canonical period (2026, 2026-Q3, 2026-07) as days, half open. */
static void period(struct fl_span text, int32_t *from, int32_t *to)
{
    int year = 0, month = 1, months = 12;

    for (size_t i = 0; i < 4 && i < text.len; i++)
        year = year * 10 + (text.ptr[i] - '0');
    if (text.len == 7 && text.ptr[5] == 'Q') {
        month = (text.ptr[6] - '1') * 3 + 1;
        months = 3;
    } else if (text.len == 7) {
        month = (text.ptr[5] - '0') * 10 + (text.ptr[6] - '0');
        months = 1;
    }
    *from = (int32_t)fl_days_from_civil(year, month, 1);
    month += months;
    *to = (int32_t)(month > 12 ? fl_days_from_civil(year + 1, month - 12, 1)
                               : fl_days_from_civil(year, month, 1));
}

static void put_revenue(struct texts *t, void *row, struct pending *refs)
{
    struct fl_net_revenue *v = row;

    period(t->row->cell[FL_REVENUE_PERIOD], &v->from_day, &v->to_day);
    v->amount = number(t, FL_REVENUE_AMOUNT, 0);
    letters(t, FL_REVENUE_CURRENCY, v->currency, sizeof v->currency);
    refs->first = span(t, FL_REVENUE_PRODUCT);
}

static void put_rate(struct texts *t, void *row, struct pending *refs)
{
    struct fl_net_rate *rate = row;

    (void)refs;
    letters(t, FL_RATE_CURRENCY, rate->currency, sizeof rate->currency);
    rate->day = fl_supply_day(t->row->cell[FL_RATE_DATE]);
    rate->value = number(t, FL_RATE_VALUE, 1);
}

static void (*const put[FL_SUPPLY_TABLES])(struct texts *t, void *row, struct pending *refs) = {
    [FL_SUPPLY_SUPPLIERS] = put_supplier, [FL_SUPPLY_SITES] = put_site,
    [FL_SUPPLY_PARTS] = put_part,         [FL_SUPPLY_PART_SITES] = put_source,
    [FL_SUPPLY_PRODUCTS] = put_product,   [FL_SUPPLY_BOM] = put_use,
    [FL_SUPPLY_REVENUE] = put_revenue,    [FL_SUPPLY_RATES] = put_rate,
};

/* Where the ids of a table are kept: parts and products share one list. */
static struct fl_net_ids *ids_of(struct fl_net_builder *b, enum fl_supply_table table)
{
    switch (table) {
    case FL_SUPPLY_SUPPLIERS:
        return &b->owned->supplier_ids;
    case FL_SUPPLY_SITES:
        return &b->owned->site_ids;
    case FL_SUPPLY_PARTS:
    case FL_SUPPLY_PRODUCTS:
        return &b->owned->item_ids;
    case FL_SUPPLY_PART_SITES:
    case FL_SUPPLY_BOM:
    case FL_SUPPLY_REVENUE:
    case FL_SUPPLY_RATES:
    case FL_SUPPLY_CONTACTS:
    case FL_SUPPLY_TABLES:
        break;
    }
    return &b->keys[table];
}

/* Products are numbered behind the parts, whose number is known at the end. */
#define PRODUCT_BIT 0x80000000u

int fl_net_put(struct fl_net_builder *b, const struct fl_supply_row *row, struct fl_err *err)
{
    struct texts t = {&b->owned->arena, row, false};
    const char *noun = fl_supply_schemas[row->table].noun;
    char key[FL_SUPPLY_KEY_MAX + 1];
    struct pending *refs = NULL;
    struct fl_span kept;
    uint32_t number;
    void *to = NULL;
    int r;

    if (put[row->table] == NULL)
        return FL_OK;
    r = row_new(b, row->table, &to, &refs, err);
    if (r < 0)
        return r;
    fl_supply_key(row, key);
    kept = fl_arena_copy(t.arena, fl_span_str(key));
    put[row->table](&t, to, refs);
    if (t.failed || kept.ptr == NULL)
        return fl_err_set(err, FL_E_LIMIT, "the network is larger than %zu bytes", b->max_bytes);
    number = b->rows[row->table].count | (row->table == FL_SUPPLY_PRODUCTS ? PRODUCT_BIT : 0);
    r = fl_net_ids_put(ids_of(b, row->table), kept, number);
    if (r == FL_E_EXISTS)
        return fl_err_set(err, r, "%s '%s' stands twice%s", noun, key,
                          ids_of(b, row->table) == &b->owned->item_ids
                              ? " (parts and products share their ids)"
                              : "");
    if (r < 0)
        return no_memory(err);
    b->rows[row->table].count++;
    return FL_OK;
}

/* ---- references ---- */

struct resolve {
    struct fl_net_builder *b;
    struct fl_net *net;
    struct fl_err *err;
};

/* The id that looks most like it, to be proposed: the same letters without case, or one apart. */
static bool alike(struct fl_span a, struct fl_span b)
{
    size_t i = 0, from_end = 0;

    if (a.len > b.len + 1 || b.len > a.len + 1)
        return false;
    while (i < a.len && i < b.len && (a.ptr[i] | 0x20) == (b.ptr[i] | 0x20))
        i++;
    while (from_end + i < a.len && from_end + i < b.len &&
           (a.ptr[a.len - 1 - from_end] | 0x20) == (b.ptr[b.len - 1 - from_end] | 0x20))
        from_end++;
    return i + from_end + 1 >= (a.len > b.len ? a.len : b.len) && i + from_end > 0;
}

static struct fl_span nearest(const struct fl_net_ids *ids, struct fl_span id)
{
    struct fl_span found = {0};

    for (uint32_t i = 0; ids->slots != NULL && i <= ids->mask; i++) {
        struct fl_span s = ids->slots[i].text;

        if (s.ptr != NULL && alike(id, s) &&
            (found.ptr == NULL ||
             memcmp(s.ptr, found.ptr, s.len < found.len ? s.len : found.len) < 0))
            found = s;
    }
    return found;
}

static int missing(const struct resolve *x, enum fl_supply_table of, const char *key,
                   enum fl_supply_table table, struct fl_span id)
{
    struct fl_span guess = nearest(ids_of(x->b, table), id);

    return fl_err_set(x->err, FL_E_INVAL, "%s '%.80s': there is no %s '%.*s'%s%.*s%s",
                      fl_supply_schemas[of].noun, key, fl_supply_schemas[table].noun,
                      (int)(id.len > 63 ? 63 : id.len), (const char *)id.ptr,
                      guess.len > 0 ? "; '" : "", (int)guess.len, (const char *)guess.ptr,
                      guess.len > 0 ? "' meant?" : "");
}

/* The number that an id of `table` stands for; an empty id is FL_NET_NONE. */
static int resolve(const struct resolve *x, enum fl_supply_table of, const char *key,
                   enum fl_supply_table table, struct fl_span id, uint32_t *ret)
{
    uint32_t number = fl_net_ids_find(ids_of(x->b, table), id);

    if (id.len == 0) {
        *ret = FL_NET_NONE;
        return FL_OK;
    }
    if (number == FL_NET_NONE)
        return missing(x, of, key, table, id);
    if ((table == FL_SUPPLY_PARTS && number >= x->net->part_count) ||
        (table == FL_SUPPLY_PRODUCTS && number < x->net->part_count))
        return fl_err_set(x->err, FL_E_INVAL, "%s '%.80s': '%.*s' is a %s, not a %s",
                          fl_supply_schemas[of].noun, key, (int)id.len, (const char *)id.ptr,
                          table == FL_SUPPLY_PARTS ? "product" : "part",
                          fl_supply_schemas[table].noun);
    *ret = number;
    return FL_OK;
}

static int link_suppliers(const struct resolve *x)
{
    int r = FL_OK;

    for (uint32_t i = 0; i < x->net->supplier_count && r == FL_OK; i++)
        r = resolve(x, FL_SUPPLY_SUPPLIERS, x->net->suppliers[i].id, FL_SUPPLY_SUPPLIERS,
                    x->b->rows[FL_SUPPLY_SUPPLIERS].refs[i].first, &x->net->suppliers[i].parent);
    return r;
}

static int link_sites(const struct resolve *x)
{
    int r = FL_OK;

    for (uint32_t i = 0; i < x->net->site_count && r == FL_OK; i++) {
        struct fl_net_site *s = &x->net->sites[i];
        const struct pending *refs = &x->b->rows[FL_SUPPLY_SITES].refs[i];

        r = resolve(x, FL_SUPPLY_SITES, s->id, FL_SUPPLY_SUPPLIERS, refs->first, &s->supplier);
        if (r == FL_OK)
            r = resolve(x, FL_SUPPLY_SITES, s->id, FL_SUPPLY_SITES, refs->second, &s->alternate);
    }
    return r;
}

static void pair(char *key, size_t size, const struct pending *refs)
{
    (void)snprintf(key, size, "%.*s@%.*s", (int)refs->first.len, (const char *)refs->first.ptr,
                   (int)refs->second.len, (const char *)refs->second.ptr);
}

static int link_sources(const struct resolve *x)
{
    char key[FL_SUPPLY_KEY_MAX + 1];
    int r = FL_OK;

    for (uint32_t i = 0; i < x->net->source_count && r == FL_OK; i++) {
        struct fl_net_source *s = &x->net->sources[i];
        const struct pending *refs = &x->b->rows[FL_SUPPLY_PART_SITES].refs[i];

        pair(key, sizeof key, refs);
        r = resolve(x, FL_SUPPLY_PART_SITES, key, FL_SUPPLY_PARTS, refs->first, &s->part);
        if (r == FL_OK)
            r = resolve(x, FL_SUPPLY_PART_SITES, key, FL_SUPPLY_SITES, refs->second, &s->site);
    }
    return r;
}

static int link_uses(const struct resolve *x)
{
    char key[FL_SUPPLY_KEY_MAX + 1];
    int r = FL_OK;

    for (uint32_t i = 0; i < x->net->use_count && r == FL_OK; i++) {
        struct fl_net_use *u = &x->net->uses[i];
        const struct pending *refs = &x->b->rows[FL_SUPPLY_BOM].refs[i];

        pair(key, sizeof key, refs);
        u->parent = fl_net_ids_find(&x->b->owned->item_ids, refs->first);
        if (u->parent == FL_NET_NONE)
            return missing(x, FL_SUPPLY_BOM, key, FL_SUPPLY_PARTS, refs->first);
        r = resolve(x, FL_SUPPLY_BOM, key, FL_SUPPLY_PARTS, refs->second, &u->part);
    }
    return r;
}

static int link_revenue(const struct resolve *x)
{
    int r = FL_OK;

    for (uint32_t i = 0; i < x->net->revenue_count && r == FL_OK; i++) {
        struct fl_net_revenue *v = &x->net->revenue[i];
        struct fl_span id = x->b->rows[FL_SUPPLY_REVENUE].refs[i].first;
        uint32_t item = FL_NET_NONE;

        r = resolve(x, FL_SUPPLY_REVENUE, (const char *)id.ptr, FL_SUPPLY_PRODUCTS, id, &item);
        if (r < 0)
            return r;
        v->product = item - x->net->part_count;
        if (v->currency[0] == '\0')
            memcpy(v->currency, x->net->products[v->product].currency, sizeof v->currency);
    }
    return r;
}

/* ---- the whole ---- */

static void take(struct fl_net_builder *b, enum fl_supply_table table, void **to, uint32_t *count)
{
    *to = b->rows[table].rows;
    *count = b->rows[table].count;
    b->rows[table].rows = NULL;
}

static void take_all(struct fl_net_builder *b, struct fl_net *net)
{
    struct fl_net_ids *items = &b->owned->item_ids;

    take(b, FL_SUPPLY_SUPPLIERS, (void **)&net->suppliers, &net->supplier_count);
    take(b, FL_SUPPLY_SITES, (void **)&net->sites, &net->site_count);
    take(b, FL_SUPPLY_PARTS, (void **)&net->parts, &net->part_count);
    take(b, FL_SUPPLY_PRODUCTS, (void **)&net->products, &net->product_count);
    take(b, FL_SUPPLY_PART_SITES, (void **)&net->sources, &net->source_count);
    take(b, FL_SUPPLY_BOM, (void **)&net->uses, &net->use_count);
    take(b, FL_SUPPLY_REVENUE, (void **)&net->revenue, &net->revenue_count);
    take(b, FL_SUPPLY_RATES, (void **)&net->rates, &net->rate_count);
    for (uint32_t i = 0; items->slots != NULL && i <= items->mask; i++)
        if ((items->slots[i].number & PRODUCT_BIT) != 0)
            items->slots[i].number = net->part_count + (items->slots[i].number & ~PRODUCT_BIT);
}

static int by_part(const void *a, const void *b)
{
    const struct fl_net_source *x = a, *y = b;

    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    return x->site < y->site ? -1 : x->site > y->site;
}

static int by_parent(const void *a, const void *b)
{
    const struct fl_net_use *x = a, *y = b;

    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    return x->part < y->part ? -1 : x->part > y->part;
}

static int by_day(const void *a, const void *b)
{
    const struct fl_net_rate *x = a, *y = b;
    int r = strcmp(x->currency, y->currency);

    return r != 0 ? r : x->day < y->day ? -1 : x->day > y->day;
}

static void sort(void *rows, uint32_t count, size_t size,
                 int (*compare)(const void *, const void *))
{
    if (count > 1)
        qsort(rows, count, size, compare);
}

static uint32_t group_supplier(const void *net, uint32_t i)
{
    return ((const struct fl_net *)net)->sites[i].supplier;
}
static uint32_t group_part(const void *net, uint32_t i)
{
    return ((const struct fl_net *)net)->sources[i].part;
}
static uint32_t group_site(const void *net, uint32_t i)
{
    return ((const struct fl_net *)net)->sources[i].site;
}
static uint32_t group_parent(const void *net, uint32_t i)
{
    return ((const struct fl_net *)net)->uses[i].parent;
}
static uint32_t group_used(const void *net, uint32_t i)
{
    return ((const struct fl_net *)net)->uses[i].part;
}

static int index_all(struct fl_net *net, struct fl_err *err)
{
    uint32_t items = fl_net_item_count(net);
    int r = fl_net_index_make(&net->sites_of_supplier, net->site_count, net->supplier_count,
                              group_supplier, net);

    if (r == FL_OK)
        r = fl_net_index_make(&net->sources_of_part, net->source_count, net->part_count, group_part,
                              net);
    if (r == FL_OK)
        r = fl_net_index_make(&net->sources_of_site, net->source_count, net->site_count, group_site,
                              net);
    if (r == FL_OK)
        r = fl_net_index_make(&net->uses_of_parent, net->use_count, items, group_parent, net);
    if (r == FL_OK)
        r = fl_net_index_make(&net->uses_of_part, net->use_count, net->part_count, group_used, net);
    return r == FL_OK ? r : no_memory(err);
}

/* That of most products; some thousands of them tell enough. */
static void choose_currency(struct fl_net *net)
{
    uint32_t best = 0, count = net->product_count < 4096 ? net->product_count : 4096;

    if (net->base_currency[0] != '\0')
        return;
    memcpy(net->base_currency, "EUR", 4);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t same = 0;

        for (uint32_t k = 0; k < count && net->products[i].currency[0] != '\0'; k++)
            same += strcmp(net->products[i].currency, net->products[k].currency) == 0;
        if (same > best) {
            best = same;
            memcpy(net->base_currency, net->products[i].currency, sizeof net->base_currency);
        }
    }
}

static int build(struct fl_net_builder *b, struct fl_err *err)
{
    struct fl_net *net = &b->owned->net;
    struct resolve x = {b, net, err};
    int r;

    take_all(b, net);
    choose_currency(net);
    r = link_suppliers(&x);
    if (r == FL_OK)
        r = link_sites(&x);
    if (r == FL_OK)
        r = link_sources(&x);
    if (r == FL_OK)
        r = link_uses(&x);
    if (r == FL_OK)
        r = link_revenue(&x);
    if (r < 0)
        return r;
    sort(net->sources, net->source_count, sizeof *net->sources, by_part);
    sort(net->uses, net->use_count, sizeof *net->uses, by_parent);
    sort(net->rates, net->rate_count, sizeof *net->rates, by_day);
    r = index_all(net, err);
    return r == FL_OK ? fl_net_order_make(net, err) : r;
}

int fl_net_build(struct fl_net_builder *b, struct fl_net **ret, struct fl_err *err)
{
    int r = build(b, err);

    if (r == FL_OK) {
        *ret = &b->owned->net;
        b->owned = NULL;
    }
    fl_net_builder_free(b);
    return r;
}
