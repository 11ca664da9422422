#include "supply/import_merge.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include "supply/import.h"

#define WORDS_MAX      12u
#define COMMON_WORD    40u     /* a word that more names have says nothing by itself */
#define NEAR_DEGREES   0.00135 /* 150 m */
#define PAIRS_PER_NAME 64u

/* ---- names ---- */

/* Legal forms and words that every company has. */
static const char *const empty_words[] = {
    "ag",          "gmbh", "kg",           "kgaa", "se",      "co",   "company", "corp",
    "corporation", "inc",  "incorporated", "ltd",  "limited", "llc",  "llp",     "lp",
    "plc",         "pte",  "pty",          "sa",   "sas",     "sarl", "spa",     "srl",
    "bv",          "nv",   "oy",           "ab",   "as",      "aps",  "kk",      "kabushiki",
    "kaisha",      "yk",   "sdn",          "bhd",  "jsc",     "ooo",  "doo",     "zrt",
    "kft",         "sp",   "zoo",          "spol", "sro",     "ev",   "the",     "and",
    "und",         "et",   "of",           "mbh",  "ohg",     "gbr",  "group",   "holding",
    "holdings"};

static bool is_empty_word(const char *word, size_t len)
{
    for (size_t i = 0; i < FL_LEN(empty_words); i++)
        if (strlen(empty_words[i]) == len && memcmp(empty_words[i], word, len) == 0)
            return true;
    return false;
}

/* "G.m.b.H." and "S.p.A." are one word each: a point between single letters joins them. */
static size_t next_word(struct fl_span *name, char *word, size_t size)
{
    size_t len = 0;

    while (name->len > 0) {
        unsigned char c = name->ptr[0];
        bool high = c >= 0x80, sign = !high && !isalnum(c);

        if (sign && c == '.' && len > 0 && name->len > 2 && name->ptr[2] == '.')
            sign = false; /* within an abbreviation */
        if (sign && c == '.' && len > 0 && len <= 4 && name->len > 1 && isalpha(name->ptr[1]) &&
            (name->len == 2 || !isalnum(name->ptr[2])))
            sign = false;
        if (sign && c == '\'')
            sign = false;
        if (sign && len > 0)
            break;
        if (!sign && c != '.' && c != '\'' && len + 1 < size)
            word[len++] = (char)c;
        *name = fl_span_of(name->ptr + 1, name->len - 1);
    }
    word[len] = '\0';
    return len;
}

void fl_merge_fold(struct fl_span name, char ret[FL_MERGE_NAME_MAX])
{
    char raw[FL_MERGE_NAME_MAX], word[FL_MERGE_NAME_MAX], first[FL_MERGE_NAME_MAX] = "";
    size_t len = 0;

    while (next_word(&name, raw, sizeof raw) > 0) {
        size_t n;

        fl_import_fold(fl_span_str(raw), word, sizeof word);
        if (word[0] == '\0') /* no Latin letters: as it stands */
            memcpy(word, raw, sizeof word);
        n = strlen(word);
        if (first[0] == '\0')
            memcpy(first, word, sizeof first);
        if (is_empty_word(word, n) || len + n + 2 > FL_MERGE_NAME_MAX)
            continue;
        if (len > 0)
            ret[len++] = ' ';
        memcpy(ret + len, word, n);
        len += n;
    }
    ret[len] = '\0';
    if (len == 0) /* nothing but empty words: better one than none */
        memcpy(ret, first, sizeof first);
}

/* Levenshtein; both shorter than FL_MERGE_NAME_MAX. */
static size_t edits(const char *a, const char *b)
{
    size_t row[FL_MERGE_NAME_MAX + 1], la = strlen(a), lb = strlen(b);

    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);

            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[lb];
}

/* Words of a folded name: where each begins and how long it is. */
static unsigned words_of(const char *name, struct fl_span word[WORDS_MAX])
{
    unsigned n = 0;

    while (*name != '\0' && n < WORDS_MAX) {
        size_t len = strcspn(name, " ");

        if (len > 0)
            word[n++] = fl_span_of(name, len);
        name += len + (name[len] == ' ');
    }
    return n;
}

static double shared_words(const char *a, const char *b)
{
    struct fl_span wa[WORDS_MAX], wb[WORDS_MAX];
    unsigned na = words_of(a, wa), nb = words_of(b, wb);
    size_t both = 0, all = 0;

    for (unsigned i = 0; i < na; i++)
        all += wa[i].len;
    for (unsigned j = 0; j < nb; j++)
        all += wb[j].len;
    for (unsigned i = 0; i < na; i++)
        for (unsigned j = 0; j < nb; j++)
            if (fl_span_eq(wa[i], wb[j])) {
                both += 2 * wa[i].len;
                wb[j].len = 0; /* each once */
                break;
            }
    return all == 0 ? 0 : (double)both / (double)all;
}

/* "Works 12" and "Works 13" are two: figures are equal or they tell apart. */
static bool same_figures(const char *a, const char *b)
{
    for (;; a++, b++) {
        a += strcspn(a, "0123456789");
        b += strcspn(b, "0123456789");
        if (*a != *b || *a == '\0')
            return *a == *b;
    }
}

double fl_merge_likeness(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b), longest = la > lb ? la : lb;
    double edit, words;

    if (longest == 0 || !same_figures(a, b))
        return 0;
    edit = 1 - (double)edits(a, b) / (double)longest;
    if (longest < 6 && edit < 1)
        edit = 0; /* "AMD" and "AMK" are two */
    words = shared_words(a, b);
    return edit > words ? edit : words;
}

/* ---- who may be the same ---- */

struct entry { /* a word of an item, or a place */
    uint64_t hash;
    uint32_t item;
};

static int by_hash(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

struct search {
    const struct fl_merge_item *items;
    char (*folded)[FL_MERGE_NAME_MAX];
    struct entry *entry;
    uint32_t entries, room;
    int (*fn)(void *ctx, const struct fl_merge_pair *pair);
    void *ctx;
    /* pairs that were told: open addressing, grows */
    uint64_t *told;
    uint32_t told_count, told_room;
};

static int put_entry(struct search *s, uint64_t hash, uint32_t item, struct fl_err *err)
{
    if (s->entries == s->room) {
        uint32_t room = s->room == 0 ? 1024 : s->room * 2;
        struct entry *more = realloc(s->entry, room * sizeof *more);

        if (more == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory to compare names");
        s->entry = more;
        s->room = room;
    }
    s->entry[s->entries++] = (struct entry){hash, item};
    return FL_OK;
}

static bool tell_slot(uint64_t *told, uint32_t room, uint64_t pair)
{
    uint32_t at = (uint32_t)((pair * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (room - 1);

    for (; told[at] != 0; at = (at + 1) & (room - 1))
        if (told[at] == pair)
            return false;
    told[at] = pair;
    return true;
}

/* 1: the pair is new. */
static int first_time(struct search *s, uint32_t a, uint32_t b, struct fl_err *err)
{
    uint64_t pair = ((uint64_t)a << 32 | b) + 1;

    if (s->told_count >= s->told_room / 2) {
        uint32_t room = s->told_room == 0 ? 1024 : s->told_room * 2;
        uint64_t *more = calloc(room, sizeof *more);

        if (more == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory to compare names");
        for (uint32_t i = 0; i < s->told_room; i++)
            if (s->told[i] != 0)
                (void)tell_slot(more, room, s->told[i]);
        free(s->told);
        s->told = more;
        s->told_room = room;
    }
    if (!tell_slot(s->told, s->told_room, pair))
        return 0;
    s->told_count++;
    return 1;
}

static bool lower_id(const struct search *s, uint32_t a, uint32_t b)
{
    struct fl_span x = s->items[a].id, y = s->items[b].id;
    int c = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);

    return c != 0 ? c < 0 : x.len < y.len;
}

static int tell(struct search *s, uint32_t a, uint32_t b, double likeness, const char *why,
                struct fl_err *err)
{
    struct fl_merge_pair pair = {.likeness = likeness, .why = why};
    bool turn = !lower_id(s, a, b);
    int r;

    pair.a = turn ? b : a;
    pair.b = turn ? a : b;
    if (fl_span_eq(s->items[a].id, s->items[b].id))
        return FL_OK;
    r = first_time(s, pair.a, pair.b, err);
    return r <= 0 ? r : s->fn(s->ctx, &pair);
}

/* Numbers of the same length and shape are of one register: unequal ones are two companies. */
static bool numbers_differ(const struct fl_merge_item *a, const struct fl_merge_item *b)
{
    return a->number.len > 0 && a->number.len == b->number.len && !fl_span_eq(a->number, b->number);
}

static int compare(struct search *s, uint32_t a, uint32_t b, struct fl_err *err)
{
    const struct fl_merge_item *x = &s->items[a], *y = &s->items[b];
    double likeness;

    if (x->number.len > 0 && fl_span_eq(x->number, y->number))
        return tell(s, a, b, 1, "same register number", err);
    if (numbers_differ(x, y))
        return FL_OK;
    likeness = fl_merge_likeness(s->folded[a], s->folded[b]);
    if (likeness >= 1)
        return tell(s, a, b, likeness, "same name", err);
    if (x->country.len > 0 && y->country.len > 0 && !fl_span_eq(x->country, y->country))
        likeness -= 0.05;
    return likeness < FL_MERGE_SAME ? FL_OK : tell(s, a, b, likeness, "like name", err);
}

/* Entries with the same hash stand together; a crowd is compared with its next few only. */
static int compare_groups(struct search *s,
                          int (*one)(struct search *s, uint32_t a, uint32_t b, struct fl_err *err),
                          struct fl_err *err)
{
    int r = FL_OK;

    if (s->entries > 0)
        qsort(s->entry, s->entries, sizeof *s->entry, by_hash);
    for (uint32_t i = 0, end; i < s->entries && r >= 0; i = end) {
        uint32_t reach;

        for (end = i + 1; end < s->entries && s->entry[end].hash == s->entry[i].hash; end++)
            ;
        reach = end - i > COMMON_WORD ? 2 : PAIRS_PER_NAME;
        for (uint32_t a = i; a < end && r >= 0; a++)
            for (uint32_t b = a + 1; b < end && b - a <= reach && r >= 0; b++)
                if (s->entry[a].item != s->entry[b].item)
                    r = one(s, s->entry[a].item, s->entry[b].item, err);
    }
    return r;
}

static void search_done(struct search *s)
{
    free(s->folded);
    free(s->entry);
    free(s->told);
}

static int fold_all(struct search *s, uint32_t count, uint32_t max, struct fl_err *err)
{
    if (count > max)
        return fl_err_set(err, FL_E_LIMIT, "more than %u are not compared with each other", max);
    s->folded = calloc(count == 0 ? 1 : count, sizeof *s->folded);
    if (s->folded == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to compare names");
    for (uint32_t i = 0; i < count; i++)
        fl_merge_fold(s->items[i].name, s->folded[i]);
    return FL_OK;
}

/* What brings an item together with others: its words, the beginning of its name, its number. */
static int supplier_entries(struct search *s, uint32_t i, struct fl_err *err)
{
    struct fl_span word[WORDS_MAX], whole = fl_span_str(s->folded[i]);
    unsigned n = words_of(s->folded[i], word);
    int r = FL_OK;

    for (unsigned k = 0; k < n && r == FL_OK; k++)
        if (word[k].len > 2)
            r = put_entry(s, fl_span_hash(word[k]), i, err);
    if (r == FL_OK && whole.len > 0)
        r = put_entry(s, fl_span_hash(whole) ^ 1, i, err);
    if (r == FL_OK && whole.len > 5)
        r = put_entry(s, fl_span_hash(fl_span_of(whole.ptr, 5)) ^ 2, i, err);
    if (r == FL_OK && s->items[i].number.len > 0)
        r = put_entry(s, fl_span_hash(s->items[i].number) ^ 3, i, err);
    return r;
}

int fl_merge_suppliers(const struct fl_merge_item *items, uint32_t count,
                       int (*fn)(void *ctx, const struct fl_merge_pair *pair), void *ctx,
                       struct fl_err *err)
{
    struct search s = {.items = items, .fn = fn, .ctx = ctx};
    int r = fold_all(&s, count, FL_MERGE_SUPPLIERS_MAX, err);

    if (r == FL_OK && s.folded == NULL)
        r = fl_err_set(err, FL_E_NOMEM, "no memory to compare names");
    for (uint32_t i = 0; i < count && r == FL_OK; i++)
        r = supplier_entries(&s, i, err);
    if (r == FL_OK)
        r = compare_groups(&s, compare, err);
    search_done(&s);
    return r;
}

static int compare_sites(struct search *s, uint32_t a, uint32_t b, struct fl_err *err)
{
    const struct fl_merge_item *x = &s->items[a], *y = &s->items[b];
    double dx = fabs(x->lon - y->lon) * cos(x->lat * 3.14159265358979 / 180),
           dy = fabs(x->lat - y->lat);

    if (!fl_span_eq(x->supplier, y->supplier))
        return FL_OK;
    if (hypot(dx, dy) <= NEAR_DEGREES)
        return tell(s, a, b, 1, "same place", err);
    if (s->folded[a][0] != '\0' && strcmp(s->folded[a], s->folded[b]) == 0 &&
        fl_span_eq(x->country, y->country) && (isnan(dx) || isnan(dy) || hypot(dx, dy) < 0.2))
        return tell(s, a, b, 0.9, "same name", err);
    return FL_OK;
}

/* A cell of a grid of 300 m, and its neighbours to the north and east. */
static int site_entries(struct search *s, uint32_t i, struct fl_err *err)
{
    const struct fl_merge_item *item = &s->items[i];
    uint64_t of = fl_span_hash(item->supplier);
    int r = FL_OK;

    for (int k = 0; k < 4 && r == FL_OK && !isnan(item->lat) && !isnan(item->lon); k++) {
        int64_t row = (int64_t)floor(item->lat / (2 * NEAR_DEGREES)) + (k & 1),
                column = (int64_t)floor(item->lon / (2 * NEAR_DEGREES)) + (k >> 1);

        r = put_entry(s, of ^ (uint64_t)(row * 1000003 + column) * UINT64_C(0x9E3779B97F4A7C15), i,
                      err);
    }
    if (r == FL_OK && s->folded[i][0] != '\0')
        r = put_entry(s, of ^ fl_span_hash(fl_span_str(s->folded[i])), i, err);
    return r;
}

int fl_merge_sites(const struct fl_merge_item *items, uint32_t count,
                   int (*fn)(void *ctx, const struct fl_merge_pair *pair), void *ctx,
                   struct fl_err *err)
{
    struct search s = {.items = items, .fn = fn, .ctx = ctx};
    int r = fold_all(&s, count, FL_MERGE_SITES_MAX, err);

    for (uint32_t i = 0; i < count && r == FL_OK; i++)
        r = site_entries(&s, i, err);
    if (r == FL_OK)
        r = compare_groups(&s, compare_sites, err);
    search_done(&s);
    return r;
}

/* ---- what was decided ---- */

#define MERGES_MAX 20000u

struct alias {
    uint64_t hash;
    enum fl_supply_table table;
    struct fl_span gone, stays;
};

struct fl_merges {
    struct fl_arena arena;
    struct alias *alias;
    uint32_t count, room;
    uint32_t *slot; /* of the hash; MERGES_MAX * 4 in all */
};
#define SLOTS 65536u

int fl_merges_new(struct fl_merges **ret, struct fl_err *err)
{
    struct fl_merges *m = calloc(1, sizeof *m);

    if (m != NULL)
        m->slot = calloc(SLOTS, sizeof *m->slot);
    if (m == NULL || m->slot == NULL) {
        free(m);
        return fl_err_set(err, FL_E_NOMEM, "no memory for decisions");
    }
    fl_arena_init(&m->arena, (size_t)16 << 20);
    *ret = m;
    return FL_OK;
}

void fl_merges_free(struct fl_merges *m)
{
    if (m == NULL)
        return;
    fl_arena_done(&m->arena);
    free(m->alias);
    free(m->slot);
    free(m);
}

bool fl_merges_any(const struct fl_merges *m)
{
    return m != NULL && m->count > 0;
}

static uint32_t slot_of(const struct fl_merges *m, enum fl_supply_table table, struct fl_span id,
                        uint64_t hash)
{
    uint32_t at = (uint32_t)(hash ^ hash >> 32) & (SLOTS - 1);

    for (; m->slot[at] != 0; at = (at + 1) & (SLOTS - 1)) {
        const struct alias *a = &m->alias[m->slot[at] - 1];

        if (a->hash == hash && a->table == table && fl_span_eq(a->gone, id))
            break;
    }
    return at;
}

static uint64_t hash_of(enum fl_supply_table table, struct fl_span id)
{
    return fl_span_hash(id) ^ (uint64_t)table << 60;
}

struct fl_span fl_merges_of(const struct fl_merges *m, enum fl_supply_table table,
                            struct fl_span id)
{
    for (uint32_t step = 0; m->count > 0 && id.len > 0 && step <= m->count; step++) {
        uint32_t at = slot_of(m, table, id, hash_of(table, id));

        if (m->slot[at] == 0)
            return id;
        id = m->alias[m->slot[at] - 1].stays;
    }
    return id;
}

int fl_merges_add(struct fl_merges *m, enum fl_supply_table table, struct fl_span gone,
                  struct fl_span stays, struct fl_err *err)
{
    uint64_t hash = hash_of(table, gone);
    uint32_t at;

    if (fl_span_eq(fl_merges_of(m, table, stays), gone))
        return fl_err_set(err, FL_E_INVAL, "each of them would be read as the other");
    at = slot_of(m, table, gone, hash);
    if (m->slot[at] != 0)
        return FL_OK; /* decided; the first one holds */
    if (m->count == MERGES_MAX)
        return fl_err_set(err, FL_E_LIMIT, "more than %u are merged", MERGES_MAX);
    if (m->count == m->room) {
        uint32_t room = m->room == 0 ? 64 : m->room * 2;
        struct alias *more = realloc(m->alias, room * sizeof *more);

        if (more == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory for decisions");
        m->alias = more;
        m->room = room;
    }
    gone = fl_arena_copy(&m->arena, gone);
    stays = fl_arena_copy(&m->arena, stays);
    if (gone.ptr == NULL || stays.ptr == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for decisions");
    m->alias[m->count++] = (struct alias){hash, table, gone, stays};
    m->slot[at] = m->count;
    return FL_OK;
}

int fl_merges_row(const struct fl_merges *m, struct fl_supply_row *row)
{
    const struct fl_supply_schema *schema = &fl_supply_schemas[row->table];
    int ret = 0;

    for (unsigned i = 0; i < schema->count; i++) {
        const struct fl_supply_column *c = &schema->columns[i];
        struct fl_span now;

        if ((c->kind != FL_CELL_ID && c->kind != FL_CELL_REF) ||
            (c->refers != FL_SUPPLY_SUPPLIERS && c->refers != FL_SUPPLY_SITES) ||
            row->cell[i].len == 0)
            continue;
        now = fl_merges_of(m, c->refers, row->cell[i]);
        if (fl_span_eq(now, row->cell[i]))
            continue;
        if (c->kind == FL_CELL_ID)
            return 2;
        row->cell[i] = now;
        ret = 1;
    }
    return ret;
}
