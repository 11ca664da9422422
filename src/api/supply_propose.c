/* What an import may have wrong although each cell is right: the same company or factory twice,
 * positions on another continent, a headquarters where a factory is meant. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/supply_session.h"
#include "supply/place.h"

static struct fl_proposal *propose(struct fl_intake *s, const char *kind, const char *subject)
{
    struct fl_proposal *p;

    s->proposals_all++;
    if (s->proposal_count == FL_PROPOSALS_MAX)
        return NULL;
    p = &s->proposals[s->proposal_count++];
    *p = (struct fl_proposal){.lat = NAN, .lon = NAN};
    (void)snprintf(p->kind, sizeof p->kind, "%s", kind);
    (void)snprintf(p->subject, sizeof p->subject, "%s", subject);
    return p;
}

static void warn(struct fl_intake *s, const char *kind, uint32_t line, const char *column,
                 const char *value, const char *text, const char *fix)
{
    const struct fl_finding item = {.warning = true,
                                    .kind = kind,
                                    .line = line,
                                    .column = column,
                                    .file = s->file[s->file_now].name,
                                    .value = value,
                                    .text = text,
                                    .fix = fix};

    fl_findings_add(&s->findings, &item);
}

/* ---- what was decided before ---- */

static int add_decision(void *ctx, const struct fl_db_supply_decision *d)
{
    struct fl_intake *s = ctx;
    char name[FL_SUPPLY_KIND_MAX + FL_SUPPLY_SUBJECT_MAX + 2];
    struct fl_span texts[2];

    if (s->decision_count == s->decision_room) {
        uint32_t room = s->decision_room == 0 ? 64 : s->decision_room * 2;
        struct fl_intake_decision *more = realloc(s->decisions, room * sizeof *more);

        if (more == NULL)
            return FL_E_NOMEM;
        s->decisions = more;
        s->decision_room = room;
    }
    (void)snprintf(name, sizeof name, "%s %s", d->kind, d->subject);
    texts[0] = fl_arena_copy(&s->arena, fl_span_str(name));
    texts[1] = fl_arena_copy(&s->arena, fl_span_str(d->answer));
    if (texts[0].ptr == NULL || texts[1].ptr == NULL)
        return FL_E_NOMEM;
    s->decisions[s->decision_count++] =
        (struct fl_intake_decision){(const char *)texts[0].ptr, (const char *)texts[1].ptr};
    return FL_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct fl_intake_decision *)a)->name,
                  ((const struct fl_intake_decision *)b)->name);
}

int fl_propose_begin(struct fl_intake *s, struct fl_err *err)
{
    int r;

    s->decision_count = 0;
    s->proposal_count = 0;
    s->proposals_all = 0;
    s->suppliers.count = s->sites.count = 0;
    r = fl_db_supply_decisions(s->db, s->tenant, true, add_decision, s, err);
    if (r == FL_OK && s->decision_count > 0)
        qsort(s->decisions, s->decision_count, sizeof *s->decisions, by_name);
    return r == FL_E_NOMEM ? fl_err_set(err, r, "no memory for decisions") : r;
}

/* "": nobody decided. */
static const char *decided(const struct fl_intake *s, const char *kind, const char *subject)
{
    char name[FL_SUPPLY_KIND_MAX + FL_SUPPLY_SUBJECT_MAX + 2];
    const struct fl_intake_decision wanted = {name, ""}, *found = NULL;

    (void)snprintf(name, sizeof name, "%s %s", kind, subject);
    if (s->decision_count > 0)
        found = bsearch(&wanted, s->decisions, s->decision_count, sizeof wanted, by_name);
    return found == NULL ? "" : found->answer;
}

/* ---- positions ---- */

static struct fl_span extra(const struct fl_supply_row *row, const char *name)
{
    char folded[24];

    for (unsigned i = 0; i < row->extras; i++) {
        fl_import_fold(row->extra_name[i], folded, sizeof folded);
        if (strcmp(folded, name) == 0)
            return row->extra[i];
    }
    return fl_span_of(NULL, 0);
}

/* The country that the row means: what its address ends with, else its own column. The address is
 * what people typed; country columns are often made of the very position that is in doubt. */
static const struct fl_country *meant(const struct fl_supply_row *row, bool *by_address)
{
    const struct fl_country *c = fl_country_of_address(extra(row, "address"));

    *by_address = c != NULL;
    return c != NULL ? c : fl_country_find(row->cell[FL_SITE_COUNTRY]);
}

static const char *const fault_texts[] = {
    [FL_PLACE_RIGHT] = "",
    [FL_PLACE_ZERO] = "0,0 is a position that nobody filled in",
    [FL_PLACE_LAT_SIGN] = "the position is elsewhere; perhaps the latitude's sign is turned",
    [FL_PLACE_LON_SIGN] = "the position is elsewhere; perhaps the longitude's sign is turned",
    [FL_PLACE_SIGNS] = "the position is elsewhere; perhaps both signs are turned",
    [FL_PLACE_SWAPPED] =
        "the position is elsewhere; perhaps latitude and longitude are changed over",
    [FL_PLACE_OTHER_COUNTRY] = "the position is in another country",
    [FL_PLACE_OTHER_CONTINENT] = "the position is on another continent",
};

static void check_place(struct fl_intake *s, const struct fl_supply_row *row, uint32_t line)
{
    double lat = fl_supply_number(row->cell[FL_SITE_LAT], NAN),
           lon = fl_supply_number(row->cell[FL_SITE_LON], NAN);
    bool by_address;
    const struct fl_country *country = meant(row, &by_address);
    char id[FL_SUPPLY_ID_MAX + 1], text[240], value[64], fix[64] = "";
    struct fl_place_finding found;
    const char *answer;
    struct fl_proposal *p;

    if (isnan(lat) || isnan(lon) || country == NULL)
        return;
    fl_place_check(country, lat, lon, &found);
    if (found.fault == FL_PLACE_RIGHT)
        return;
    (void)snprintf(id, sizeof id, "%.*s", FL_SPAN_ARG(row->cell[FL_SITE_ID]));
    answer = decided(s, "wrong_place", id);
    if (strcmp(answer, "right") == 0)
        return;
    if (fl_place_has_fix(found.fault))
        (void)snprintf(fix, sizeof fix, "%g,%g", found.lat, found.lon);
    (void)snprintf(value, sizeof value, "%g,%g", lat, lon);
    (void)snprintf(text, sizeof text, "%s %s, but %s%s%s%s%s%s",
                   by_address ? "the address says" : "country is", country->name,
                   fault_texts[found.fault], found.inside == NULL ? "" : " (it points to ",
                   found.inside == NULL ? "" : found.inside->name,
                   found.inside == NULL    ? ""
                   : found.other_continent ? ", another continent)"
                                           : ")",
                   fix[0] == '\0' ? "; look the address up again" : "", "");
    warn(s, "place", line, "lat,lon", value, text, fix);
    p = propose(s, "wrong_place", id);
    if (p == NULL)
        return;
    (void)snprintf(p->text, sizeof p->text, "%s", text);
    (void)snprintf(p->answer, sizeof p->answer, "%s", answer);
    if (fl_place_has_fix(found.fault)) {
        p->lat = found.lat;
        p->lon = found.lon;
    }
}

/* "fix" as it was decided, on a row as it is read. */
int fl_propose_fix(struct fl_intake *s, struct fl_supply_row *row, struct fl_arena *arena,
                   struct fl_err *err)
{
    double lat = fl_supply_number(row->cell[FL_SITE_LAT], NAN),
           lon = fl_supply_number(row->cell[FL_SITE_LON], NAN);
    bool by_address;
    const struct fl_country *country = meant(row, &by_address);
    char id[FL_SUPPLY_ID_MAX + 1], text[32];
    struct fl_place_finding found;

    if (isnan(lat) || isnan(lon) || country == NULL)
        return FL_OK;
    fl_place_check(country, lat, lon, &found);
    if (!fl_place_has_fix(found.fault))
        return FL_OK;
    (void)snprintf(id, sizeof id, "%.*s", FL_SPAN_ARG(row->cell[FL_SITE_ID]));
    if (strcmp(decided(s, "wrong_place", id), "fix") != 0)
        return FL_OK;
    (void)snprintf(text, sizeof text, "%.9g", found.lat);
    row->cell[FL_SITE_LAT] = fl_arena_copy(arena, fl_span_str(text));
    (void)snprintf(text, sizeof text, "%.9g", found.lon);
    row->cell[FL_SITE_LON] = fl_arena_copy(arena, fl_span_str(text));
    return row->cell[FL_SITE_LAT].ptr == NULL || row->cell[FL_SITE_LON].ptr == NULL
               ? fl_err_set(err, FL_E_NOMEM, "no memory for a position")
               : FL_OK;
}

/* ---- a headquarters where a factory is meant ---- */

static const char *const office_words[] = {"headquarter",  "head office",       "corporate office",
                                           "sales office", "hauptverwaltung",   "zentrale",
                                           "firmensitz",   "registered office", "siege social"};

static void check_office(struct fl_intake *s, const struct fl_supply_row *row, uint32_t line)
{
    static const int columns[] = {FL_SITE_NAME, FL_SITE_ACTIVITY};
    char value[84];

    for (size_t c = 0; c < FL_LEN(columns); c++)
        for (size_t w = 0; w < FL_LEN(office_words); w++) {
            struct fl_span cell = row->cell[columns[c]];

            if (!fl_span_find_nocase(cell, fl_span_str(office_words[w])))
                continue;
            (void)snprintf(value, sizeof value, "%.*s", (int)(cell.len > 80 ? 80 : cell.len),
                           (const char *)cell.ptr);
            warn(s, "headquarters", line,
                 fl_supply_schemas[FL_SUPPLY_SITES].columns[columns[c]].name, value,
                 "this is an office, not a factory: give the address where parts are made", "");
            return;
        }
}

/* ---- who may be the same ---- */

static int keep_item(struct fl_intake *s, struct fl_intake_item *items,
                     const struct fl_merge_item *item, struct fl_err *err)
{
    struct fl_merge_item copy = *item;
    struct fl_span *const texts[] = {&copy.id, &copy.name, &copy.country, &copy.number,
                                     &copy.supplier};

    if (items->count == items->room) {
        uint32_t room = items->room == 0 ? 256 : items->room * 2;
        struct fl_merge_item *more =
            room > 2 * FL_MERGE_SITES_MAX ? NULL : realloc(items->list, room * sizeof *more);

        if (more == NULL)
            return fl_err_set(err, FL_E_LIMIT, "more than %u suppliers or sites are not compared",
                              FL_MERGE_SITES_MAX);
        items->list = more;
        items->room = room;
    }
    for (size_t i = 0; i < FL_LEN(texts); i++) {
        *texts[i] = fl_arena_copy(&s->arena, *texts[i]);
        if (texts[i]->ptr == NULL)
            return fl_err_set(err, FL_E_LIMIT, "the import is too large to compare names");
    }
    items->list[items->count++] = copy;
    return FL_OK;
}

static int keep_supplier(struct fl_intake *s, const struct fl_supply_row *row, struct fl_err *err)
{
    const struct fl_merge_item item = {.id = row->cell[FL_SUPPLIER_ID],
                                       .name = row->cell[FL_SUPPLIER_NAME],
                                       .country = row->cell[FL_SUPPLIER_COUNTRY],
                                       .number = row->cell[FL_SUPPLIER_REGISTER]};

    return item.name.len == 0 ? FL_OK : keep_item(s, &s->suppliers, &item, err);
}

static int keep_site(struct fl_intake *s, const struct fl_supply_row *row, struct fl_err *err)
{
    const struct fl_merge_item item = {.id = row->cell[FL_SITE_ID],
                                       .name = row->cell[FL_SITE_NAME],
                                       .country = row->cell[FL_SITE_COUNTRY],
                                       .supplier = row->cell[FL_SITE_SUPPLIER],
                                       .lat = fl_supply_number(row->cell[FL_SITE_LAT], NAN),
                                       .lon = fl_supply_number(row->cell[FL_SITE_LON], NAN)};

    return item.supplier.len == 0 ? FL_OK : keep_item(s, &s->sites, &item, err);
}

int fl_propose_row(struct fl_intake *s, const struct fl_supply_row *row, uint32_t line,
                   struct fl_err *err)
{
    if (row->table == FL_SUPPLY_SUPPLIERS)
        return keep_supplier(s, row, err);
    if (row->table != FL_SUPPLY_SITES)
        return FL_OK;
    check_office(s, row, line);
    check_place(s, row, line);
    return keep_site(s, row, err);
}

/* Those that stand and that no file brings again. */
struct standing {
    struct fl_intake *s;
    enum fl_supply_table table;
    struct fl_err *err;
};

static int add_standing(void *ctx, const struct fl_db_supply_row *stored)
{
    struct standing *st = ctx;
    struct fl_supply_row row;
    int r;

    if (fl_import_has(st->s->imp, st->table, stored->key))
        return FL_OK;
    r = fl_supply_unpack(st->table, stored->cells, &row, st->err);
    if (r == FL_OK)
        r = st->table == FL_SUPPLY_SUPPLIERS ? keep_supplier(st->s, &row, st->err)
                                             : keep_site(st->s, &row, st->err);
    return r;
}

static int add_all_standing(struct fl_intake *s, enum fl_supply_table table, struct fl_err *err)
{
    struct standing st = {s, table, err};
    struct fl_db_supply_list list;

    return fl_db_supply_rows(s->db, s->tenant, table, 0, "", "", FL_MERGE_SITES_MAX, add_standing,
                             &st, &list, err);
}

struct pairs {
    struct fl_intake *s;
    const struct fl_intake_item *items;
    const char *kind;
};

static int add_pair(void *ctx, const struct fl_merge_pair *pair)
{
    struct pairs *ps = ctx;
    const struct fl_merge_item *a = &ps->items->list[pair->a], *b = &ps->items->list[pair->b];
    char subject[FL_SUPPLY_SUBJECT_MAX + 1];
    struct fl_proposal *p;

    (void)snprintf(subject, sizeof subject, "%.*s@%.*s", FL_SPAN_ARG(a->id), FL_SPAN_ARG(b->id));
    if (decided(ps->s, ps->kind, subject)[0] != '\0')
        return FL_OK; /* remembered: it is not asked again */
    p = propose(ps->s, ps->kind, subject);
    if (p == NULL)
        return FL_OK;
    p->likeness = pair->likeness;
    (void)snprintf(p->text, sizeof p->text, "%s: %.*s and %.*s", pair->why,
                   (int)(a->name.len > 80 ? 80 : a->name.len), (const char *)a->name.ptr,
                   (int)(b->name.len > 80 ? 80 : b->name.len), (const char *)b->name.ptr);
    return FL_OK;
}

int fl_propose_end(struct fl_intake *s, struct fl_err *err)
{
    struct pairs suppliers = {s, &s->suppliers, "same_supplier"},
                 sites = {s, &s->sites, "duplicate_site"};
    int r = FL_OK;

    if (s->suppliers.count > 0)
        r = add_all_standing(s, FL_SUPPLY_SUPPLIERS, err);
    if (r == FL_OK)
        r = fl_merge_suppliers(s->suppliers.list, s->suppliers.count, add_pair, &suppliers, err);
    if (r == FL_OK && s->sites.count > 0)
        r = add_all_standing(s, FL_SUPPLY_SITES, err);
    if (r == FL_OK)
        r = fl_merge_sites(s->sites.list, s->sites.count, add_pair, &sites, err);
    return r;
}
