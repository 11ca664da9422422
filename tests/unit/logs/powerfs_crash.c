/* What a disk is after the power went, and looking at it. */
#include "powerfs_int.h"

/* The tree below one folder as plain() chooses it, with its numbers. */
struct carry {
    const struct powerfs *from;
    struct powerfs *to;
    const struct names *(*names)(const struct carry *c, int folder);
    void (*data)(struct carry *c, int node, struct bytes *ret);
    enum powerfs_left left;
    uint64_t seed;
    struct names *chosen; /* of LEFT_SOME, by folder */
    int *made;            /* by node of `from`: its node in `to`, so that two names can share one */
};

static uint64_t chance(struct carry *c)
{
    uint64_t z = (c->seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void carry_folder(struct carry *c, int from, int to)
{
    const struct names *names = c->names(c, from);

    for (size_t i = 0; i < names->count; i++) {
        const struct name *name = &names->all[i];
        const struct node *old = &c->from->nodes[name->node];
        bool first = c->made[name->node] == NONE;
        int node = first ? new_node(c->to, old->folder) : c->made[name->node];

        c->made[name->node] = node;
        set_name(&c->to->nodes[to].names, name->text, node);
        set_name(&c->to->nodes[to].safe_names, name->text, node);
        (void)snprintf(c->to->nodes[node].label, NAME_BYTES, "%s", name->text);
        c->to->nodes[node].parent = to;
        if (old->folder) {
            carry_folder(c, name->node, node);
        } else if (first) {
            c->data(c, name->node, &c->to->nodes[node].now);
            make_safe(&c->to->nodes[node]);
        }
    }
}

static struct powerfs *carry_over(struct carry *c)
{
    c->to = powerfs_new();
    c->made = malloc(c->from->node_count * sizeof *c->made);
    if (c->made == NULL)
        abort();
    for (size_t i = 0; i < c->from->node_count; i++)
        c->made[i] = NONE;
    carry_folder(c, 0, 0);
    free(c->made);
    return c->to;
}

struct powerfs *powerfs_copy(const struct powerfs *fs)
{
    struct powerfs *to = powerfs_new();

    to->nodes = realloc(to->nodes, fs->node_count * sizeof *to->nodes);
    to->changes = malloc((fs->change_count + 1) * sizeof *to->changes);
    if (to->nodes == NULL || to->changes == NULL)
        abort();
    to->node_cap = to->node_count = fs->node_count;
    for (size_t i = 0; i < fs->node_count; i++) {
        struct node *n = &to->nodes[i];

        *n = fs->nodes[i];
        n->now = n->safe = (struct bytes){NULL, 0, 0};
        n->names = n->safe_names = (struct names){NULL, 0, 0};
        copy_bytes(&n->now, &fs->nodes[i].now);
        copy_bytes(&n->safe, &fs->nodes[i].safe);
        copy_names(&n->names, &fs->nodes[i].names);
        copy_names(&n->safe_names, &fs->nodes[i].safe_names);
    }
    if (fs->change_count > 0)
        memcpy(to->changes, fs->changes, fs->change_count * sizeof *to->changes);
    to->change_count = fs->change_count;
    to->change_cap = fs->change_count + 1;
    to->change_no = fs->change_no;
    return to;
}

static const struct names *left_names(const struct carry *c, int folder)
{
    const struct node *n = &c->from->nodes[folder];

    switch (c->left) {
    case POWERFS_LEFT_ALL:
    case POWERFS_LEFT_NAMES:
        return &n->names;
    case POWERFS_LEFT_SOME:
        return &c->chosen[folder];
    case POWERFS_LEFT_NOTHING:
    case POWERFS_LEFT_DATA:
    case POWERFS_LEFT_KINDS:
        break;
    }
    return &n->safe_names;
}

/* One page: as it is now, as it was, new bytes as zeros or garbage, or torn at any byte. */
static void left_page(struct carry *c, const struct node *n, size_t at, struct bytes *ret)
{
    size_t end = at + PAGE < ret->len ? at + PAGE : ret->len;
    size_t old = n->safe.len > at ? (n->safe.len < end ? n->safe.len : end) : at;
    size_t new = n->now.len > at ? (n->now.len < end ? n->now.len : end) : at;
    uint64_t how = chance(c) % 6, torn = at + chance(c) % (end - at + 1);

    if (how == 1) { /* nothing of it; what never was is garbage */
        for (size_t i = old; i < end; i++)
            ret->ptr[i] = (unsigned char)chance(c);
    } else if (how == 2) { /* a prefix of the new bytes */
        put_at(ret, n->now.ptr + at, (torn < new ? torn : new) - at, at);
    } else if (how > 2) {
        put_at(ret, n->now.ptr + at, new - at, at);
    }
}

static void left_some(struct carry *c, const struct node *n, struct bytes *ret)
{
    size_t low = n->now.len < n->safe.len ? n->now.len : n->safe.len;
    size_t high = n->now.len < n->safe.len ? n->safe.len : n->now.len;
    size_t len = high;

    switch (chance(c) % 4) {
    case 0:
        len = low + (size_t)(chance(c) % (high - low + 1));
        break;
    case 1:
        len = n->safe.len;
        break;
    default:
        len = n->now.len;
        break;
    }
    copy_bytes(ret, &n->safe);
    resize(ret, len);
    for (size_t at = 0; at < len; at += PAGE)
        left_page(c, n, at, ret);
}

static void left_data(struct carry *c, int node, struct bytes *ret)
{
    const struct node *n = &c->from->nodes[node];

    if (c->left == POWERFS_LEFT_NOTHING) {
        copy_bytes(ret, &n->safe);
    } else if (c->left == POWERFS_LEFT_NAMES) {
        copy_bytes(ret, &n->safe);
        resize(ret, n->now.len);
    } else if (c->left == POWERFS_LEFT_SOME && !same_bytes(&n->now, &n->safe)) {
        left_some(c, n, ret);
    } else {
        copy_bytes(ret, &n->now);
    }
    put_lost(n, &n->safe, ret);
}

/* Of each name a beginning of its changes, and no rename's removal without its addition. */
static void choose_names(struct carry *c)
{
    const struct powerfs *fs = c->from;
    bool *in = calloc(fs->change_count + 1, sizeof *in), more = true;

    c->chosen = calloc(fs->node_count, sizeof *c->chosen);
    if (in == NULL || c->chosen == NULL)
        abort();
    for (size_t i = 0; i < fs->change_count; i++)
        in[i] = chance(c) % 2 == 0;
    while (more) {
        more = false;
        for (size_t i = 0; i < fs->change_count; i++) {
            for (size_t k = 0; k < fs->change_count && in[i]; k++) {
                bool before = k < i && fs->changes[k].folder == fs->changes[i].folder &&
                              strcmp(fs->changes[k].name.text, fs->changes[i].name.text) == 0;

                if (!in[k] && (before || fs->changes[k].no == fs->changes[i].needs)) {
                    in[i] = false;
                    more = true;
                }
            }
        }
    }
    for (size_t i = 0; i < fs->node_count; i++)
        copy_names(&c->chosen[i], &fs->nodes[i].safe_names);
    for (size_t i = 0; i < fs->change_count; i++)
        if (in[i])
            set_name(&c->chosen[fs->changes[i].folder], fs->changes[i].name.text,
                     fs->changes[i].name.node);
    free(in);
}

struct powerfs *powerfs_crash(const struct powerfs *fs, enum powerfs_left left, uint64_t seed)
{
    struct carry c = {
        .from = fs, .names = left_names, .data = left_data, .left = left, .seed = seed};
    struct powerfs *to;

    if (left == POWERFS_LEFT_SOME)
        choose_names(&c);
    to = carry_over(&c);
    for (size_t i = 0; c.chosen != NULL && i < fs->node_count; i++)
        free(c.chosen[i].all);
    free(c.chosen);
    return to;
}

/* ---- looking ---- */

static bool is_durable(const struct powerfs *fs, int folder)
{
    const struct node *n = &fs->nodes[folder];

    if (n->names.count != n->safe_names.count)
        return false;
    for (size_t i = 0; i < n->names.count; i++) {
        const struct name *one = &n->names.all[i], *safe = find(&n->safe_names, one->text);
        const struct node *child = &fs->nodes[one->node];

        if (safe == NULL || safe->node != one->node ||
            (child->folder ? !is_durable(fs, one->node) : !same_bytes(&child->now, &child->safe)))
            return false;
    }
    return true;
}

bool powerfs_is_durable(const struct powerfs *fs)
{
    return is_durable(fs, 0);
}

struct each {
    const struct powerfs *fs;
    struct found {
        char path[3 * NAME_BYTES];
        int node;
    } * all;
    size_t count, cap;
};

static void collect(struct each *e, int folder, const char *path)
{
    const struct names *names = &e->fs->nodes[folder].names;

    for (size_t i = 0; i < names->count; i++) {
        char full[3 * NAME_BYTES];

        if (snprintf(full, sizeof full, "%s%s", path, names->all[i].text) >= (int)sizeof full)
            abort();
        if (e->fs->nodes[names->all[i].node].folder) {
            (void)strncat(full, "/", sizeof full - strlen(full) - 1);
            collect(e, names->all[i].node, full);
            continue;
        }
        e->all = grown(e->all, &e->cap, e->count, sizeof *e->all);
        memcpy(e->all[e->count].path, full, sizeof full);
        e->all[e->count++].node = names->all[i].node;
    }
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct found *)a)->path, ((const struct found *)b)->path);
}

static struct each all_files(const struct powerfs *fs)
{
    struct each e = {.fs = fs};

    collect(&e, 0, "");
    if (e.count > 0)
        qsort(e.all, e.count, sizeof *e.all, by_path);
    return e;
}

void powerfs_each(const struct powerfs *fs, void (*fn)(void *ctx, const char *path, uint64_t bytes),
                  void *ctx)
{
    struct each e = all_files(fs);

    for (size_t i = 0; i < e.count; i++)
        fn(ctx, e.all[i].path, fs->nodes[e.all[i].node].now.len);
    free(e.all);
}

int powerfs_damage(struct powerfs *fs, const char *path, uint64_t at, unsigned char with)
{
    struct each e = all_files(fs);
    int r = -1;

    for (size_t i = 0; i < e.count && r < 0; i++) {
        struct node *n = &fs->nodes[e.all[i].node];

        if (strcmp(e.all[i].path, path) != 0 || at >= n->now.len)
            continue;
        n->now.ptr[at] ^= with;
        if (at < n->safe.len)
            n->safe.ptr[at] ^= with;
        r = 0;
    }
    free(e.all);
    return r;
}

int powerfs_cut(struct powerfs *fs, const char *path, uint64_t len)
{
    struct each e = all_files(fs);
    int r = -1;

    for (size_t i = 0; i < e.count && r < 0; i++) {
        struct node *n = &fs->nodes[e.all[i].node];

        if (strcmp(e.all[i].path, path) != 0 || len > n->now.len)
            continue;
        resize(&n->now, (size_t)len);
        copy_bytes(&n->safe, &n->now);
        n->dirty = n->now.len;
        r = 0;
    }
    free(e.all);
    return r;
}
