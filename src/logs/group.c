#include "logs/group.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/ip.h"

/* Values of a number field seen so far: value to group id. */
struct fl_groups_num {
    uint64_t *value;
    uint32_t *id; /* UINT32_MAX = free */
    uint32_t count, cap;
};

static int no_memory(struct fl_err *err)
{
    return fl_err_set(err, FL_E_NOMEM, "no memory to group rows");
}

/* ---- life ---- */

static bool grow_groups(struct fl_groups *g)
{
    uint32_t cap = g->cap == 0 ? 64 : g->cap * 2;
    struct fl_group *grown = realloc(g->group, cap * sizeof *grown);

    if (grown == NULL)
        return false;
    g->bytes += (cap - g->cap) * sizeof *grown;
    g->group = grown;
    g->cap = cap;
    return true;
}

int fl_groups_init(struct fl_groups *g, enum fl_field by, bool want_users, size_t cells,
                   size_t max_bytes, struct fl_err *err)
{
    int r;

    *g = (struct fl_groups){
        .by = by, .want_users = want_users, .cells = cells, .max_bytes = max_bytes};
    r = fl_dict_new(&g->keys, err);
    if (r == FL_OK && want_users)
        r = fl_dict_new(&g->users, err);
    if (r < 0)
        return r;
    g->row = malloc(FL_BLOCK_MAX_ROWS * sizeof *g->row);
    g->id = malloc(FL_BLOCK_MAX_ROWS * sizeof *g->id);
    g->user = malloc(FL_BLOCK_MAX_ROWS * sizeof *g->user);
    g->num = calloc(1, sizeof *g->num);
    if (g->row == NULL || g->id == NULL || g->user == NULL || g->num == NULL || !grow_groups(g))
        return no_memory(err);
    g->count = FL_GROUP_FIRST;
    memset(g->group, 0, FL_GROUP_FIRST * sizeof *g->group);
    return FL_OK;
}

void fl_groups_done(struct fl_groups *g)
{
    for (uint32_t i = 0; i < g->count; i++) {
        fl_idset_done(&g->group[i].users);
        free(g->group[i].cells);
    }
    free(g->group);
    fl_dict_free(g->keys);
    fl_dict_free(g->users);
    free(g->row);
    free(g->id);
    free(g->user);
    free(g->map);
    free(g->local);
    free(g->user_map);
    if (g->num != NULL) {
        free(g->num->value);
        free(g->num->id);
        free(g->num);
    }
    *g = (struct fl_groups){.count = 0};
}

/* ---- memory ---- */

static size_t used(const struct fl_groups *g)
{
    return g->bytes + fl_dict_bytes(g->keys) + (g->users == NULL ? 0 : fl_dict_bytes(g->users));
}

static void drop_users(struct fl_groups *g)
{
    for (uint32_t i = 0; i < g->count; i++) {
        g->bytes -= fl_idset_bytes(&g->group[i].users);
        fl_idset_done(&g->group[i].users);
    }
    fl_dict_free(g->users);
    g->users = NULL;
    g->want_users = false;
    g->users_dropped = true;
}

void fl_groups_drop_cells(struct fl_groups *g)
{
    for (uint32_t i = 0; i < g->count; i++) {
        if (g->group[i].cells != NULL)
            g->bytes -= g->cells * sizeof *g->group[i].cells;
        free(g->group[i].cells);
        g->group[i].cells = NULL;
    }
    g->cells_dropped = true;
}

/* Make room by giving up what is least needed; false when nothing is left to give. */
static bool have_room(struct fl_groups *g)
{
    if (used(g) <= g->max_bytes)
        return true;
    if (g->want_users) {
        drop_users(g);
        return used(g) <= g->max_bytes;
    }
    return false;
}

/* ---- keys ---- */

static int new_group(struct fl_groups *g, struct fl_span key, uint32_t *ret_id, struct fl_err *err)
{
    uint32_t code, words;
    int r;

    if (!have_room(g)) {
        g->keys_dropped = true;
        *ret_id = FL_GROUP_REST;
        return FL_OK;
    }
    if (g->count == g->cap && !grow_groups(g))
        return no_memory(err);
    r = fl_dict_intern(g->keys, key, &code, err);
    if (r < 0)
        return r;
    g->group[g->count] = (struct fl_group){.key = fl_dict_words(g->keys, &words)[code]};
    *ret_id = g->count++; /* codes count from 1 and groups with a key from 2, in step */
    return FL_OK;
}

int fl_groups_at(struct fl_groups *g, struct fl_span key, uint32_t *ret_id, struct fl_err *err)
{
    char shown[FL_MASK_TEXT_BYTES];
    uint32_t code;

    if (key.len == 0) {
        *ret_id = FL_GROUP_NONE;
        return FL_OK;
    }
    if (g->mask != NULL)
        key = fl_mask_group(g->mask, g->by, key, shown);
    code = fl_dict_find(g->keys, key);
    if (code == 0)
        return new_group(g, key, ret_id, err);
    *ret_id = code + FL_GROUP_FIRST - 1;
    return FL_OK;
}

static int add_user(struct fl_groups *g, uint32_t id, uint32_t user, struct fl_err *err)
{
    struct fl_idset *set = &g->group[id].users;
    uint32_t cap = set->cap;
    size_t before = cap == 0 ? 0 : fl_idset_bytes(set);

    if (!fl_idset_add(set, user, g->user_count))
        return no_memory(err);
    if (set->cap != cap) {
        g->bytes += fl_idset_bytes(set) - before;
        if (used(g) > g->max_bytes)
            drop_users(g);
    }
    return FL_OK;
}

int fl_groups_user(struct fl_groups *g, uint32_t id, struct fl_span name, uint32_t *user,
                   struct fl_err *err)
{
    int r;

    if (!g->want_users || name.len == 0)
        return FL_OK;
    if (*user == UINT32_MAX) {
        r = fl_dict_intern(g->users, name, user, err);
        if (r < 0)
            return r;
        (void)fl_dict_words(g->users, &g->user_count);
    }
    return add_user(g, id, *user, err);
}

int fl_groups_cell(struct fl_groups *g, uint32_t id, size_t cell, uint64_t value,
                   struct fl_err *err)
{
    struct fl_group *group = &g->group[id];

    if (g->cells_dropped)
        return FL_OK;
    if (group->cells == NULL) {
        if (used(g) + g->cells * sizeof *group->cells > g->max_bytes) {
            fl_groups_drop_cells(g);
            return FL_OK;
        }
        group->cells = calloc(g->cells, sizeof *group->cells);
        if (group->cells == NULL)
            return no_memory(err);
        g->bytes += g->cells * sizeof *group->cells;
    }
    group->cells[cell] += value;
    return FL_OK;
}

/* ---- blocks ---- */

void fl_groups_fields(const struct fl_groups *g, struct fl_fieldset *add_to)
{
    static const enum fl_field sums[] = {FL_F_SESSIONS, FL_F_BYTES_UP, FL_F_BYTES_DOWN,
                                         FL_F_PACKETS, FL_F_SECONDS};

    fl_fieldset_add(add_to, g->by);
    for (size_t i = 0; i < FL_LEN(sums); i++)
        fl_fieldset_add(add_to, sums[i]);
    if (g->want_users)
        fl_fieldset_add(add_to, FL_F_USER);
}

static uint32_t list_rows(const struct fl_block *block, const uint64_t *bits, uint32_t *row)
{
    uint32_t n = 0;

    for (uint32_t w = 0; w * 64 < block->rows; w++) {
        uint64_t word = bits[w];

        if (word == UINT64_MAX) {
            for (uint32_t i = 0; i < 64; i++)
                row[n++] = w * 64 + i;
            continue;
        }
        for (; word != 0; word &= word - 1)
            row[n++] = w * 64 + (uint32_t)__builtin_ctzll(word);
    }
    return n;
}

static int fresh_map(struct fl_groups *g, size_t words, struct fl_err *err)
{
    if (words > g->map_cap) {
        uint32_t *grown = realloc(g->map, words * sizeof *grown);

        if (grown == NULL)
            return no_memory(err);
        g->map = grown;
        g->map_cap = words;
    }
    memset(g->map, 0xff, words * sizeof *g->map);
    return FL_OK;
}

static int resolve_words(struct fl_groups *g, const struct fl_col *col, uint32_t n,
                         struct fl_err *err)
{
    int r = fresh_map(g, (size_t)col->word_count + 1, err);

    if (r < 0)
        return r;
    g->map[0] = FL_GROUP_NONE;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t code = col->code[g->row[i]];

        if (g->map[code] == UINT32_MAX) {
            r = fl_groups_at(g, col->words[code], &g->map[code], err);
            if (r < 0)
                return r;
        }
        g->id[i] = g->map[code];
    }
    return FL_OK;
}

static uint32_t num_place(const struct fl_groups_num *num, uint64_t value)
{
    uint32_t at = (uint32_t)((value * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (num->cap - 1);

    while (num->id[at] != UINT32_MAX && num->value[at] != value)
        at = (at + 1) & (num->cap - 1);
    return at;
}

static bool grow_num(struct fl_groups *g)
{
    struct fl_groups_num *num = g->num;
    struct fl_groups_num bigger = {.count = num->count, .cap = num->cap == 0 ? 64 : num->cap * 2};

    bigger.value = malloc(bigger.cap * sizeof *bigger.value);
    bigger.id = malloc(bigger.cap * sizeof *bigger.id);
    if (bigger.value == NULL || bigger.id == NULL) {
        free(bigger.value);
        free(bigger.id);
        return false;
    }
    memset(bigger.id, 0xff, bigger.cap * sizeof *bigger.id);
    for (uint32_t i = 0; i < num->cap; i++) {
        if (num->id[i] != UINT32_MAX) {
            uint32_t at = num_place(&bigger, num->value[i]);

            bigger.value[at] = num->value[i];
            bigger.id[at] = num->id[i];
        }
    }
    g->bytes += (bigger.cap - num->cap) * (sizeof *num->value + sizeof *num->id);
    free(num->value);
    free(num->id);
    *num = bigger;
    return true;
}

/* The key of a number is its eight bytes; the table in front saves the dictionary's hash. */
static int number_group(struct fl_groups *g, uint64_t value, uint32_t *ret_id, struct fl_err *err)
{
    uint32_t at;
    int r;

    if (g->num->count * 2 >= g->num->cap && !grow_num(g))
        return no_memory(err);
    at = num_place(g->num, value);
    if (g->num->id[at] == UINT32_MAX) {
        uint32_t id = FL_GROUP_NONE;

        r = fl_groups_at(g, fl_span_of(&value, sizeof value), &id, err);
        if (r < 0)
            return r;
        *ret_id = id;
        if (id == FL_GROUP_REST)
            return FL_OK; /* the table does not grow either */
        g->num->value[at] = value;
        g->num->id[at] = id;
        g->num->count++;
    }
    *ret_id = g->num->id[at];
    return FL_OK;
}

static int resolve_numbers(struct fl_groups *g, const struct fl_col *col, uint32_t n,
                           struct fl_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        int r = FL_OK;

        if (fl_col_has(col, g->row[i]))
            r = number_group(g, col->num[g->row[i]], &g->id[i], err);
        else
            g->id[i] = FL_GROUP_NONE;
        if (r < 0)
            return r;
    }
    return FL_OK;
}

int fl_groups_resolve(struct fl_groups *g, const struct fl_block *block, const uint64_t *bits,
                      uint32_t *ret_n, struct fl_err *err)
{
    const struct fl_col *col = &block->col[g->by];
    uint32_t n = list_rows(block, bits, g->row);

    *ret_n = n;
    if (col->present == 0) {
        memset(g->id, 0, n * sizeof *g->id); /* FL_GROUP_NONE */
        return FL_OK;
    }
    return fl_field_is_str(g->by) ? resolve_words(g, col, n, err) : resolve_numbers(g, col, n, err);
}

static void add_column(struct fl_groups *g, const struct fl_block *block, uint32_t n,
                       enum fl_field field, enum fl_sum sum)
{
    const uint64_t *num = block->col[field].num;

    if (block->col[field].present == 0 || num == NULL)
        return;
    for (uint32_t i = 0; i < n; i++)
        g->group[g->id[i]].sums.v[sum] += num[g->row[i]]; /* 0 where absent */
}

static int fresh_user_map(struct fl_groups *g, size_t words, struct fl_err *err)
{
    if (words > g->user_map_cap) {
        uint32_t *grown = realloc(g->user_map, words * sizeof *grown);

        if (grown == NULL)
            return no_memory(err);
        g->user_map = grown;
        g->user_map_cap = words;
    }
    memset(g->user_map, 0xff, words * sizeof *g->user_map);
    return FL_OK;
}

/* In a bitmap a user that is there already, or has room, needs nothing but its bit. */
static bool set_bit(struct fl_groups *g, uint32_t id, uint32_t user)
{
    struct fl_idset *set = &g->group[id].users;
    uint64_t bit = UINT64_C(1) << (user % 64);

    if (user == UINT32_MAX || set->bits == NULL || user / 64 >= set->cap)
        return false;
    set->count += (set->bits[user / 64] & bit) == 0;
    set->bits[user / 64] |= bit;
    return true;
}

int fl_groups_add_users(struct fl_groups *g, const struct fl_block *block, uint32_t n,
                        struct fl_err *err)
{
    const struct fl_col *col = &block->col[FL_F_USER];
    int r;

    if (col->present == 0)
        return FL_OK;
    r = fresh_user_map(g, (size_t)col->word_count + 1, err);
    for (uint32_t i = 0; r == FL_OK && i < n && g->want_users; i++) {
        uint32_t code = col->code[g->row[i]];

        if (code != 0 && !set_bit(g, g->id[i], g->user_map[code]))
            r = fl_groups_user(g, g->id[i], col->words[code], &g->user_map[code], err);
    }
    return r;
}

/* ---- a block at once ---- */

int fl_groups_list(struct fl_groups *g, const struct fl_block *block, const uint64_t *bits,
                   uint32_t *ret_n, struct fl_err *err)
{
    const struct fl_col *col = &block->col[g->by];

    *ret_n = list_rows(block, bits, g->row);
    return fresh_map(g, (size_t)(col->present == 0 ? 0 : col->word_count) + 1, err);
}

int fl_groups_of_code(struct fl_groups *g, const struct fl_block *block, uint32_t code,
                      uint32_t *ret_id, struct fl_err *err)
{
    int r = FL_OK;

    if (g->map[code] == UINT32_MAX) {
        if (code == 0)
            g->map[0] = FL_GROUP_NONE;
        else
            r = fl_groups_at(g, block->col[g->by].words[code], &g->map[code], err);
    }
    if (r == FL_OK)
        *ret_id = g->map[code];
    return r;
}

static int fresh_local(struct fl_groups *g, size_t words, struct fl_err *err)
{
    if (words > g->local_cap) {
        struct fl_sums *grown = realloc(g->local, words * sizeof *grown);

        if (grown == NULL)
            return no_memory(err);
        g->local = grown;
        g->local_cap = words;
    }
    memset(g->local, 0, words * sizeof *g->local);
    return FL_OK;
}

static const struct {
    enum fl_field field;
    enum fl_sum sum;
} sum_columns[] = {
    {FL_F_SESSIONS, FL_SUM_SESSIONS}, {FL_F_BYTES_UP, FL_SUM_UP},
    {FL_F_BYTES_DOWN, FL_SUM_DOWN},   {FL_F_PACKETS, FL_SUM_PACKETS},
    {FL_F_SECONDS, FL_SUM_SECONDS},
};

static void add_local(struct fl_groups *g, const struct fl_block *block, const uint32_t *code,
                      uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        g->local[code[g->row[i]]].v[FL_SUM_ROWS]++;
    for (size_t c = 0; c < FL_LEN(sum_columns); c++) {
        const struct fl_col *col = &block->col[sum_columns[c].field];
        enum fl_sum sum = sum_columns[c].sum;

        if (col->present == 0 || col->num == NULL)
            continue;
        for (uint32_t i = 0; i < n; i++)
            g->local[code[g->row[i]]].v[sum] += col->num[g->row[i]]; /* 0 where absent */
    }
}

static int join_local(struct fl_groups *g, const struct fl_block *block, uint32_t words,
                      struct fl_err *err)
{
    int r = FL_OK;

    for (uint32_t code = 0; code < words && r == FL_OK; code++) {
        uint32_t id = 0;

        if (g->local[code].v[FL_SUM_ROWS] == 0)
            continue;
        r = fl_groups_of_code(g, block, code, &id, err);
        if (r == FL_OK)
            fl_sums_join(&g->group[id].sums, &g->local[code]);
    }
    return r;
}

int fl_groups_add_block(struct fl_groups *g, const struct fl_block *block, const uint64_t *bits,
                        uint32_t *ret_n, struct fl_err *err)
{
    const struct fl_col *col = &block->col[g->by];
    uint32_t words = col->word_count;
    int r;

    if (!fl_field_is_str(g->by) || col->present == 0) {
        r = fl_groups_resolve(g, block, bits, ret_n, err);
        return r < 0 ? r : fl_groups_add(g, block, *ret_n, err);
    }
    r = fl_groups_list(g, block, bits, ret_n, err);
    if (r == FL_OK)
        r = fresh_local(g, words, err);
    if (r < 0)
        return r;
    add_local(g, block, col->code, *ret_n);
    r = join_local(g, block, words, err);
    if (r < 0 || !g->want_users)
        return r;
    for (uint32_t i = 0; i < *ret_n; i++)
        g->id[i] = g->map[col->code[g->row[i]]];
    return fl_groups_add_users(g, block, *ret_n, err);
}

int fl_groups_add(struct fl_groups *g, const struct fl_block *block, uint32_t n, struct fl_err *err)
{
    for (uint32_t i = 0; i < n; i++)
        g->group[g->id[i]].sums.v[FL_SUM_ROWS]++;
    add_column(g, block, n, FL_F_SESSIONS, FL_SUM_SESSIONS);
    add_column(g, block, n, FL_F_BYTES_UP, FL_SUM_UP);
    add_column(g, block, n, FL_F_BYTES_DOWN, FL_SUM_DOWN);
    add_column(g, block, n, FL_F_PACKETS, FL_SUM_PACKETS);
    add_column(g, block, n, FL_F_SECONDS, FL_SUM_SECONDS);
    return g->want_users ? fl_groups_add_users(g, block, n, err) : FL_OK;
}

/* ---- results ---- */

void fl_sums_join(struct fl_sums *sums, const struct fl_sums *other)
{
    for (int i = 0; i < FL_SUMS; i++)
        sums->v[i] += other->v[i];
}

struct ranked {
    uint64_t metric;
    struct fl_span key;
    uint32_t id;
    bool number;
};

static int compare_keys(const struct ranked *a, const struct ranked *b)
{
    size_t n = a->key.len < b->key.len ? a->key.len : b->key.len;
    int c;

    if (a->number && a->key.len == 8 && b->key.len == 8) {
        uint64_t x, y;

        memcpy(&x, a->key.ptr, sizeof x);
        memcpy(&y, b->key.ptr, sizeof y);
        return x < y ? -1 : x > y;
    }
    c = n == 0 ? 0 : memcmp(a->key.ptr, b->key.ptr, n);
    return c != 0 ? c : a->key.len < b->key.len ? -1 : a->key.len > b->key.len;
}

static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;

    if (a->metric != b->metric)
        return a->metric > b->metric ? -1 : 1;
    return compare_keys(a, b);
}

int fl_groups_sort(const struct fl_groups *g, uint64_t (*metric)(const struct fl_sums *s),
                   uint32_t **ret, uint32_t *ret_count, struct fl_err *err)
{
    struct ranked *list = malloc(g->count * sizeof *list);
    uint32_t *ids = malloc(g->count * sizeof *ids), n = 0;
    bool number = !fl_field_is_str(g->by);

    if (list == NULL || ids == NULL) {
        free(list);
        free(ids);
        return no_memory(err);
    }
    for (uint32_t i = 0; i < g->count; i++) {
        const struct fl_group *group = &g->group[i];

        if (i != FL_GROUP_REST && group->sums.v[FL_SUM_ROWS] > 0)
            list[n++] = (struct ranked){metric(&group->sums), group->key, i, number};
    }
    qsort(list, n, sizeof *list, compare_ranked);
    for (uint32_t i = 0; i < n; i++)
        ids[i] = list[i].id;
    free(list);
    *ret = ids;
    *ret_count = n;
    return FL_OK;
}

static struct fl_span flags_text(uint64_t flags, char buf[160])
{
    size_t n = 0;

    for (unsigned bit = 0; fl_row_flag_names[bit] != NULL; bit++) {
        int add;

        if ((flags >> bit & 1) == 0)
            continue;
        add = snprintf(buf + n, 160 - n, "%s%s", n == 0 ? "" : " ", fl_row_flag_names[bit]);
        if (add > 0 && (size_t)add < 160 - n)
            n += (size_t)add;
    }
    return fl_span_of(buf, n);
}

struct fl_span fl_groups_text(const struct fl_groups *g, uint32_t id, char buf[160])
{
    struct fl_span key = g->group[id].key;
    uint64_t value;
    int n;

    if (fl_fields[g->by].type == FL_T_STR)
        return key;
    if (fl_fields[g->by].type == FL_T_IP)
        return key.len == FL_IP_BYTES ? fl_span_of(buf, fl_ip_format(key.ptr, buf)) : key;
    if (key.len != sizeof value)
        return key;
    memcpy(&value, key.ptr, sizeof value);
    if (g->by == FL_F_FLAGS)
        return flags_text(value, buf);
    n = snprintf(buf, 160, "%" PRIu64, value);
    return fl_span_of(buf, n < 0 ? 0 : (size_t)n);
}
