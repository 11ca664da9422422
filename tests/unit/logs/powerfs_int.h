/* powerfs_int.h - inside the file system: powerfs.c has the calls, powerfs_crash.c what is left of
 * a disk. */
#ifndef FL_TESTS_POWERFS_INT_H
#define FL_TESTS_POWERFS_INT_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "powerfs.h"

enum { NAME_BYTES = 128, PAGE = 4096, NONE = -1 };

struct bytes {
    unsigned char *ptr;
    size_t len, cap;
};

struct name {
    char text[NAME_BYTES];
    int node; /* NONE: removed (in pending only) */
};

struct names {
    struct name *all;
    size_t count, cap;
};

struct node {
    bool folder, removed;
    char label[NAME_BYTES]; /* its latest name */
    int parent;
    size_t dirty; /* now and safe are the same before this */
    size_t lost_from,
        lost_end; /* a sync failed: what was dirty is clean now, and not on the disk */
    struct bytes now, safe;
    struct names names, safe_names;
};

struct change { /* of a name, that is not durable */
    int folder;
    struct name name;
    uint64_t no, needs; /* a rename's removal needs its addition */
};

struct open_file {
    int node; /* NONE: free */
    bool append;
    uint64_t at;
};

struct powerfs {
    struct fl_files files;
    struct node *nodes;
    size_t node_count, node_cap;
    struct change *changes;
    size_t change_count, change_cap;
    uint64_t change_no, calls;
    bool dead;
    struct open_file *open;
    size_t open_count, open_cap;
    int (*before)(void *ctx, struct powerfs *fs, const struct powerfs_call *call);
    void *ctx;
};

static inline void *grown(void *old, size_t *cap, size_t count, size_t size)
{
    void *p;

    if (count < *cap)
        return old;
    *cap = *cap == 0 ? 8 : *cap * 2;
    p = realloc(old, *cap * size);
    if (p == NULL)
        abort();
    return p;
}

/* ---- bytes ---- */

static inline void resize(struct bytes *b, size_t len)
{
    if (len > b->cap) {
        b->cap = len * 2;
        b->ptr = realloc(b->ptr, b->cap);
        if (b->ptr == NULL)
            abort();
    }
    if (len > b->len)
        memset(b->ptr + b->len, 0, len - b->len);
    b->len = len;
}

static inline void put_at(struct bytes *b, const void *from, size_t len, size_t at)
{
    if (len == 0)
        return;
    if (at + len > b->len)
        resize(b, at + len);
    memcpy(b->ptr + at, from, len);
}

static inline void copy_bytes(struct bytes *to, const struct bytes *from)
{
    resize(to, from->len);
    if (from->len > 0)
        memcpy(to->ptr, from->ptr, from->len);
}

static inline bool same_bytes(const struct bytes *a, const struct bytes *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->ptr, b->ptr, a->len) == 0);
}

/* ---- names ---- */

static inline struct name *find(const struct names *n, const char *text)
{
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->all[i].text, text) == 0)
            return &n->all[i];
    return NULL;
}

static inline void set_name(struct names *n, const char *text, int node)
{
    struct name *at = find(n, text);

    if (at != NULL && node == NONE) {
        *at = n->all[--n->count];
        return;
    }
    if (node == NONE)
        return;
    if (at == NULL) {
        n->all = grown(n->all, &n->cap, n->count, sizeof *n->all);
        at = &n->all[n->count++];
        (void)snprintf(at->text, sizeof at->text, "%s", text);
    }
    at->node = node;
}

static inline void copy_names(struct names *to, const struct names *from)
{
    to->count = 0;
    for (size_t i = 0; i < from->count; i++) {
        to->all = grown(to->all, &to->cap, to->count, sizeof *to->all);
        to->all[to->count++] = from->all[i];
    }
}

static inline int new_node(struct powerfs *fs, bool folder)
{
    fs->nodes = grown(fs->nodes, &fs->node_cap, fs->node_count, sizeof *fs->nodes);
    fs->nodes[fs->node_count] = (struct node){.folder = folder};
    return (int)fs->node_count++;
}

/* What a failed sync lost is as it was before: old bytes, or zeros. */
static inline void put_lost(const struct node *n, const struct bytes *old, struct bytes *to)
{
    for (size_t i = n->lost_from; i < n->lost_end && i < to->len; i++)
        to->ptr[i] = i < old->len ? old->ptr[i] : 0;
}

static inline void make_safe(struct node *n)
{
    struct bytes old = {NULL, 0, 0};
    size_t from = n->dirty < n->safe.len ? n->dirty : n->safe.len;

    if (n->lost_end > 0)
        copy_bytes(&old, &n->safe);
    resize(&n->safe, from);
    if (n->now.len > from)
        put_at(&n->safe, n->now.ptr + from, n->now.len - from, from);
    put_lost(n, &old, &n->safe);
    n->dirty = n->now.len;
    free(old.ptr);
}

#endif
