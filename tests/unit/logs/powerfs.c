#include "powerfs_int.h"

/* A name changes now; it is durable with the next sync_dir of its folder. */
static uint64_t change_name(struct powerfs *fs, int folder, const char *text, int node,
                            uint64_t needs)
{
    struct change *c;

    set_name(&fs->nodes[folder].names, text, node);
    fs->changes = grown(fs->changes, &fs->change_cap, fs->change_count, sizeof *fs->changes);
    c = &fs->changes[fs->change_count++];
    *c = (struct change){.folder = folder, .no = ++fs->change_no, .needs = needs};
    (void)snprintf(c->name.text, sizeof c->name.text, "%s", text);
    c->name.node = node;
    if (node != NONE) {
        (void)snprintf(fs->nodes[node].label, NAME_BYTES, "%s", text);
        fs->nodes[node].parent = folder;
    }
    return c->no;
}

/* These bytes differ from what is durable (at most so far as that goes), and will be written. */
static void changed(struct powerfs *fs, int node, size_t at, size_t len)
{
    struct node *n = &fs->nodes[node];
    size_t from = at < n->now.len ? at : n->now.len; /* zeros in between */

    if (from < n->dirty)
        n->dirty = from;
    if (from <= n->lost_from && at + len > n->lost_from)
        n->lost_from = at + len;
    else if (from < n->lost_end && at + len >= n->lost_end)
        n->lost_end = from;
    if (n->lost_from >= n->lost_end)
        n->lost_from = n->lost_end = 0;
}

static void lose(struct node *n)
{
    if (n->dirty >= n->now.len)
        return;
    if (n->lost_end == 0 || n->dirty < n->lost_from)
        n->lost_from = n->dirty;
    n->lost_end = n->now.len;
    n->dirty = n->now.len;
}

/* ---- calls ---- */

static struct powerfs *of(const struct fl_files *files)
{
    return files->state;
}

static int ask_named(struct powerfs *fs, enum powerfs_op op, int folder, const char *name,
                     size_t len)
{
    struct powerfs_call call = {++fs->calls, op, name, fs->nodes[folder].label, len};

    if (fs->dead)
        return op < POWERFS_CREATE ? POWERFS_DO : -EIO;
    return fs->before == NULL ? POWERFS_DO : fs->before(fs->ctx, fs, &call);
}

static int ask(struct powerfs *fs, enum powerfs_op op, int node, size_t len)
{
    return ask_named(fs, op, fs->nodes[node].parent, fs->nodes[node].label, len);
}

static int node_of(const struct powerfs *fs, int fd)
{
    size_t at = (size_t)(fd - POWERFS_FD);

    if (fd < POWERFS_FD || at >= fs->open_count || fs->open[at].node == NONE)
        abort(); /* a descriptor that is not open: a bug of the code under test */
    return fs->open[at].node;
}

static int new_fd(struct powerfs *fs, int node, bool append)
{
    size_t at = 0;

    while (at < fs->open_count && fs->open[at].node != NONE)
        at++;
    if (at == fs->open_count) {
        fs->open = grown(fs->open, &fs->open_cap, fs->open_count, sizeof *fs->open);
        fs->open_count++;
    }
    fs->open[at] = (struct open_file){.node = node, .append = append};
    return POWERFS_FD + (int)at;
}

/* Through the folders of a path; *name becomes its last component. */
static int walk(const struct powerfs *fs, int folder, const char **name)
{
    const char *slash;

    while ((slash = strchr(*name, '/')) != NULL) {
        char part[NAME_BYTES];
        const struct name *at;

        if (slash - *name >= NAME_BYTES)
            return -ENAMETOOLONG;
        (void)snprintf(part, sizeof part, "%.*s", (int)(slash - *name), *name);
        at = find(&fs->nodes[folder].names, part);
        if (at == NULL || !fs->nodes[at->node].folder)
            return at == NULL ? -ENOENT : -ENOTDIR;
        folder = at->node;
        *name = slash + 1;
    }
    return folder;
}

static int open_in(struct powerfs *fs, int folder, const char *name, int flags)
{
    int node, r;
    const struct name *at = strcmp(name, ".") == 0 ? NULL : find(&fs->nodes[folder].names, name);
    bool create = (flags & O_CREAT) != 0 && at == NULL;

    r = ask_named(fs, create ? POWERFS_CREATE : POWERFS_OPEN, folder, name, 0);
    if (r < 0)
        return r;
    if (strlen(name) >= NAME_BYTES)
        return -ENAMETOOLONG;
    if (strcmp(name, ".") == 0)
        return new_fd(fs, folder, false);
    if (at != NULL && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0)
        return -EEXIST;
    if (at == NULL && (!create || fs->nodes[folder].removed))
        return -ENOENT;
    node = create ? new_node(fs, false) : at->node;
    if (create)
        (void)change_name(fs, folder, name, node, 0);
    if (fs->nodes[node].folder ? (flags & O_ACCMODE) != O_RDONLY : (flags & O_DIRECTORY) != 0)
        return fs->nodes[node].folder ? -EISDIR : -ENOTDIR;
    if ((flags & O_TRUNC) != 0) {
        changed(fs, node, 0, SIZE_MAX / 2);
        resize(&fs->nodes[node].now, 0);
    }
    return new_fd(fs, node, (flags & O_APPEND) != 0);
}

int powerfs_openat(struct powerfs *fs, int dir, const char *name, int flags)
{
    int folder = walk(fs, node_of(fs, dir), &name);

    return folder < 0 ? folder : open_in(fs, folder, name, flags);
}

static int do_open(const struct fl_files *files, int dir, const char *name, enum fl_file_mode mode)
{
    static const int flags[] = {
        [FL_FILE_READ] = O_RDONLY,
        [FL_FILE_CREATE] = O_WRONLY | O_CREAT | O_EXCL | O_APPEND,
        [FL_FILE_FOLDER] = O_RDONLY | O_DIRECTORY,
    };

    return powerfs_openat(of(files), dir, name, flags[mode]);
}

static int do_close(const struct fl_files *files, int fd)
{
    struct powerfs *fs = of(files);

    (void)node_of(fs, fd);
    if (fd == POWERFS_FD)
        abort(); /* borrowed */
    fs->open[fd - POWERFS_FD].node = NONE;
    return 0;
}

static ssize_t read_node(struct powerfs *fs, int node, void *to, size_t len, uint64_t offset)
{
    const struct bytes *b = &fs->nodes[node].now;
    int r = ask(fs, POWERFS_READ, node, len);

    if (r < 0)
        return r;
    if (fs->nodes[node].folder)
        return -EISDIR;
    if (offset >= b->len)
        return 0;
    if (len > b->len - offset)
        len = b->len - (size_t)offset;
    if (r == POWERFS_HALF)
        len = (len + 1) / 2;
    if (len > 0)
        memcpy(to, b->ptr + offset, len);
    return (ssize_t)len;
}

static ssize_t do_pread(const struct fl_files *files, int fd, void *to, size_t len, uint64_t offset)
{
    return read_node(of(files), node_of(of(files), fd), to, len, offset);
}

ssize_t powerfs_read(struct powerfs *fs, int fd, void *to, size_t len)
{
    ssize_t n = read_node(fs, node_of(fs, fd), to, len, fs->open[fd - POWERFS_FD].at);

    if (n > 0)
        fs->open[fd - POWERFS_FD].at += (uint64_t)n;
    return n;
}

ssize_t powerfs_pwrite(struct powerfs *fs, int fd, const void *from, size_t len, uint64_t at)
{
    int node = node_of(fs, fd), r = ask(fs, POWERFS_WRITE, node, len);

    if (fs->dead)
        return r;
    if (r == POWERFS_HALF || r < 0)
        len = r < 0 ? len / 2 : (len + 1) / 2;
    changed(fs, node, (size_t)at, len);
    put_at(&fs->nodes[node].now, from, len, (size_t)at);
    return r < 0 ? r : (ssize_t)len;
}

static ssize_t do_write(const struct fl_files *files, int fd, const void *from, size_t len)
{
    struct powerfs *fs = of(files);
    struct open_file *file;
    uint64_t at;
    ssize_t n;

    at = fs->nodes[node_of(fs, fd)].now.len;
    file = &fs->open[fd - POWERFS_FD];
    if (!file->append)
        at = file->at;
    n = powerfs_pwrite(fs, fd, from, len, at);
    file = &fs->open[fd - POWERFS_FD];
    if (n > 0)
        file->at = at + (uint64_t)n;
    return n;
}

int powerfs_truncate(struct powerfs *fs, int fd, uint64_t len)
{
    int node = node_of(fs, fd), r = ask(fs, POWERFS_TRUNCATE, node, (size_t)len);

    if (r >= 0) {
        changed(fs, node, (size_t)len, SIZE_MAX / 2);
        resize(&fs->nodes[node].now, (size_t)len);
    }
    return r < 0 ? r : 0;
}

static int sync_data(struct powerfs *fs, int node)
{
    int r = ask(fs, POWERFS_SYNC, node, fs->nodes[node].now.len);

    if (r < 0 && !fs->dead)
        lose(&fs->nodes[node]);
    else if (r >= 0 && r != POWERFS_LIE)
        make_safe(&fs->nodes[node]);
    return r < 0 ? r : 0;
}

static int sync_names(struct powerfs *fs, int folder)
{
    int r = ask(fs, POWERFS_SYNC_DIR, folder, 0);
    size_t kept = 0;

    if (r < 0 || r == POWERFS_LIE)
        return r < 0 ? r : 0;
    for (size_t i = 0; i < fs->change_count; i++) {
        if (fs->changes[i].folder != folder)
            fs->changes[kept++] = fs->changes[i];
    }
    fs->change_count = kept;
    copy_names(&fs->nodes[folder].safe_names, &fs->nodes[folder].names);
    return 0;
}

static int do_sync(const struct fl_files *files, int fd)
{
    return sync_data(of(files), node_of(of(files), fd));
}

static int do_sync_dir(const struct fl_files *files, int fd)
{
    return sync_names(of(files), node_of(of(files), fd));
}

static int do_sync_all(const struct fl_files *files, int dir)
{
    struct powerfs *fs = of(files);
    int r = ask(fs, POWERFS_SYNC_ALL, node_of(fs, dir), 0);

    if (r < 0 || r == POWERFS_LIE)
        return r < 0 ? r : 0;
    fs->change_count = 0;
    for (size_t i = 0; i < fs->node_count; i++) {
        copy_names(&fs->nodes[i].safe_names, &fs->nodes[i].names);
        make_safe(&fs->nodes[i]);
    }
    return 0;
}

int powerfs_fsync(struct powerfs *fs, int fd)
{
    int node = node_of(fs, fd);

    return fs->nodes[node].folder ? sync_names(fs, node) : sync_data(fs, node);
}

static int64_t do_size(const struct fl_files *files, int fd)
{
    int node = node_of(of(files), fd), r = ask(of(files), POWERFS_SIZE, node, 0);

    return r < 0 ? r : (int64_t)of(files)->nodes[node].now.len;
}

static int do_mkdir(const struct fl_files *files, int dir, const char *name)
{
    struct powerfs *fs = of(files);
    int folder = node_of(fs, dir), r = ask_named(fs, POWERFS_MKDIR, folder, name, 0);

    if (r < 0)
        return r;
    if (strlen(name) >= NAME_BYTES)
        return -ENAMETOOLONG;
    if (find(&fs->nodes[folder].names, name) != NULL)
        return -EEXIST;
    if (fs->nodes[folder].removed)
        return -ENOENT;
    r = new_node(fs, true);
    (void)change_name(fs, folder, name, r, 0);
    return 0;
}

static int do_rename(const struct fl_files *files, int from_dir, const char *from, int to_dir,
                     const char *to)
{
    struct powerfs *fs = of(files);
    int a = node_of(fs, from_dir), b = node_of(fs, to_dir);
    int r = ask_named(fs, POWERFS_RENAME, b, to, 0);
    const struct name *at = find(&fs->nodes[a].names, from);
    uint64_t no;

    if (r < 0)
        return r;
    if (at == NULL || fs->nodes[b].removed)
        return -ENOENT;
    if (strlen(to) >= NAME_BYTES)
        return -ENAMETOOLONG;
    if (fs->nodes[at->node].folder)
        return -EISDIR; /* the store has no need of it */
    no = change_name(fs, b, to, at->node, 0);
    (void)change_name(fs, a, from, NONE, no);
    return 0;
}

static int do_unlink(const struct fl_files *files, int dir, const char *name, bool folder)
{
    struct powerfs *fs = of(files);
    int parent = node_of(fs, dir), r = ask_named(fs, POWERFS_UNLINK, parent, name, 0);
    const struct name *at = find(&fs->nodes[parent].names, name);

    if (r < 0 || r == POWERFS_LIE)
        return r < 0 ? r : 0;
    if (at == NULL)
        return -ENOENT;
    if (fs->nodes[at->node].folder != folder)
        return folder ? -ENOTDIR : -EISDIR;
    if (folder && fs->nodes[at->node].names.count > 0)
        return -ENOTEMPTY;
    fs->nodes[at->node].removed = true;
    (void)change_name(fs, parent, name, NONE, 0);
    return 0;
}

static int do_list(const struct fl_files *files, int dir,
                   int (*fn)(void *ctx, const char *name, bool folder), void *ctx)
{
    struct powerfs *fs = of(files);
    int node = node_of(fs, dir), r = ask(fs, POWERFS_LIST, node, 0);
    uint64_t changes = fs->change_no;

    for (size_t i = 0; i < fs->nodes[node].names.count && r >= 0; i++) {
        struct name one = fs->nodes[node].names.all[i];

        r = fn(ctx, one.text, fs->nodes[one.node].folder);
        if (fs->change_no != changes)
            abort(); /* files.h: fn must not change the folder */
    }
    return r < 0 ? r : 0;
}

static void fill_stat(const struct powerfs *fs, int node, struct stat *ret)
{
    *ret = (struct stat){.st_mode = fs->nodes[node].folder ? S_IFDIR | 0700 : S_IFREG | 0600,
                         .st_nlink = 1,
                         .st_ino = (ino_t)node + 1,
                         .st_size = (off_t)fs->nodes[node].now.len};
}

int powerfs_stat(struct powerfs *fs, int fd, struct stat *ret)
{
    int node = node_of(fs, fd), r = ask(fs, POWERFS_SIZE, node, 0);

    if (r >= 0)
        fill_stat(fs, node, ret);
    return r < 0 ? r : 0;
}

int powerfs_statat(struct powerfs *fs, int dir, const char *name, struct stat *ret)
{
    int folder = node_of(fs, dir), r = ask_named(fs, POWERFS_SIZE, folder, name, 0);
    const struct name *at = find(&fs->nodes[folder].names, name);

    if (r < 0 || at == NULL)
        return r < 0 ? r : -ENOENT;
    fill_stat(fs, at->node, ret);
    return 0;
}

/* ---- whole file systems ---- */

static const struct fl_files calls = {
    .open = do_open,
    .close = do_close,
    .pread = do_pread,
    .write = do_write,
    .sync = do_sync,
    .sync_dir = do_sync_dir,
    .sync_all = do_sync_all,
    .size = do_size,
    .mkdir = do_mkdir,
    .rename = do_rename,
    .unlink = do_unlink,
    .list = do_list,
};

struct powerfs *powerfs_new(void)
{
    struct powerfs *fs = calloc(1, sizeof *fs);

    if (fs == NULL)
        abort();
    fs->files = calls;
    fs->files.state = fs;
    (void)new_fd(fs, new_node(fs, true), false);
    return fs;
}

void powerfs_free(struct powerfs *fs)
{
    if (fs == NULL)
        return;
    for (size_t i = 0; i < fs->node_count; i++) {
        free(fs->nodes[i].now.ptr);
        free(fs->nodes[i].safe.ptr);
        free(fs->nodes[i].names.all);
        free(fs->nodes[i].safe_names.all);
    }
    free(fs->nodes);
    free(fs->changes);
    free(fs->open);
    free(fs);
}

const struct fl_files *powerfs_files(const struct powerfs *fs)
{
    return &fs->files;
}

int powerfs_root(const struct powerfs *fs)
{
    (void)fs;
    return POWERFS_FD;
}

void powerfs_hook(struct powerfs *fs,
                  int (*before)(void *ctx, struct powerfs *fs, const struct powerfs_call *call),
                  void *ctx)
{
    fs->before = before;
    fs->ctx = ctx;
}

void powerfs_dead(struct powerfs *fs, bool dead)
{
    fs->dead = dead;
}

unsigned powerfs_open_count(const struct powerfs *fs)
{
    unsigned n = 0;

    for (size_t i = 1; i < fs->open_count; i++)
        n += fs->open[i].node != NONE;
    return n;
}

int powerfs_remove(struct powerfs *fs, const char *path)
{
    const char *name = path;
    int folder = walk(fs, 0, &name);

    if (folder < 0 || find(&fs->nodes[folder].names, name) == NULL)
        return -1;
    set_name(&fs->nodes[folder].names, name, NONE);
    set_name(&fs->nodes[folder].safe_names, name, NONE);
    return 0;
}
