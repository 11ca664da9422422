/* The power goes, or a call fails, at every write, sync, rename and unlink of the key table and of
 * the ledger: a key that was given is there, one that was destroyed is gone for good, an entry that
 * was written is there; and each sync is needed. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>

#include "base/rand.h"
#include "tap.h"
#include "trust/keytable.h"
#include "trust/ledger.h"
#include "unit/trust/folder.h"
#include "unit/trust/wrap.h"

enum { KEYS_MAX = 16384, KINDS_MAX = 24, FOUND_MAX = 5, TEXTS_MAX = 16 };
enum fate { NOT, COMING, ALIVE, DYING, DEAD };

struct known {
    uint32_t tenant;
    int32_t day;
    enum fate fate;
    unsigned char key[FL_KEY_BYTES];
};

/* What is known of the disk, whoever opens it. */
struct model {
    struct known key[KEYS_MAX];
    uint32_t keys;
    uint32_t entries; /* of the ledger that were written */
    bool entry_coming, big;
};

/* A process that has both open. */
struct process {
    int keys_fd, ledger_fd;
    struct fl_keytable *table;
    struct fl_ledger *ledger;
};

struct kind {
    char name[64];
    uint64_t calls;
};

static struct cutter {
    struct model *model;
    bool off, stop_at_first, quick, injecting;
    const char *lie;
    char last[48];
    uint64_t seed, cuts, disks, killed, found, at, no;
    struct kind kinds[KINDS_MAX];
    size_t kind_count;
} cutter;

static struct fl_root *root;
static unsigned char sign_secret[64];

static int64_t clock_us(void)
{
    return 1795000000000000;
}

static uint64_t mix(void)
{
    uint64_t z = (cutter.seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void id_of(uint32_t no, unsigned char id[FL_FILE_ID_BYTES])
{
    memset(id, 7, FL_FILE_ID_BYTES);
    memcpy(id, &no, sizeof no);
}

static void text_of(uint32_t no, char text[80])
{
    (void)snprintf(text, 80, "{\"erase\":\"what finds the rows of number %u again\"}",
                   (unsigned)no);
}

/* ---- a process ---- */

static void process_end(struct process *p)
{
    fl_keytable_free(p->table);
    fl_ledger_free(p->ledger);
    if (p->keys_fd >= 0)
        (void)close(p->keys_fd);
    if (p->ledger_fd >= 0)
        (void)close(p->ledger_fd);
    *p = (struct process){-1, -1, NULL, NULL};
}

static int process_begin(struct process *p, struct fl_err *err)
{
    struct fl_keytable_config keys = {.root = root, .sign_secret = sign_secret, .now_us = clock_us};
    struct fl_ledger_config ledger = {.root = root, .now_us = clock_us};
    int r, top = powerfs_root(wrap_disk);

    *p = (struct process){-1, -1, NULL, NULL};
    r = fl_dir_make(top, "keys", 0700, &p->keys_fd, err);
    if (r >= 0)
        r = fl_dir_make(top, "ledger", 0700, &p->ledger_fd, err);
    keys.dir_fd = ledger.head_fd = p->keys_fd;
    ledger.dir_fd = p->ledger_fd;
    if (r >= 0)
        r = fl_keytable_open(&keys, &p->table, err);
    if (r >= 0) {
        struct fl_keytable_stat stat;

        fl_keytable_stat(p->table, &stat);
        ledger.nothing_opens = stat.files == 0;
    }
    if (r >= 0)
        r = fl_ledger_open(&ledger, &p->ledger, err);
    if (r < 0)
        process_end(p);
    return r;
}

static int new_key(struct process *p, struct model *m, uint32_t tenant, int32_t day,
                   struct fl_err *err)
{
    struct fl_keyring *ring = fl_keytable_keyring(p->table);
    struct known *k = &m->key[m->keys++];
    unsigned char id[FL_FILE_ID_BYTES];
    int r;

    if (m->keys == KEYS_MAX)
        abort();
    *k = (struct known){.tenant = tenant, .day = day, .fate = COMING};
    id_of(m->keys - 1, id);
    r = ring->ops->file_new(ring, tenant, day, id, k->key, err);
    if (r >= 0)
        k->fate = ALIVE;
    return r;
}

static bool is_of(const struct known *k, uint32_t no, uint32_t tenant, int32_t day, int64_t file)
{
    return k->tenant == tenant && (day == FL_DAY_NONE || k->day == day) &&
           (file < 0 || no == (uint32_t)file);
}

/* A file, a day or a tenant. */
static int destroy(struct process *p, struct model *m, uint32_t tenant, int32_t day, int64_t file,
                   struct fl_err *err)
{
    struct fl_keyring *ring = fl_keytable_keyring(p->table);
    unsigned char id[FL_FILE_ID_BYTES];
    struct fl_destroyed gone;
    int r;

    for (uint32_t i = 0; i < m->keys; i++)
        if (is_of(&m->key[i], i, tenant, day, file) && m->key[i].fate != DEAD)
            m->key[i].fate = DYING;
    id_of((uint32_t)file, id);
    r = ring->ops->destroy(ring, tenant, day, file < 0 ? NULL : id, "test", &gone, err);
    for (uint32_t i = 0; i < m->keys && r >= 0; i++)
        if (m->key[i].fate == DYING)
            m->key[i].fate = DEAD;
    return r;
}

static int write_down(struct process *p, struct model *m, struct fl_err *err)
{
    char text[80];
    uint64_t number;
    int r;

    text_of(m->entries, text);
    m->entry_coming = true;
    r = fl_ledger_add(p->ledger, FL_LEDGER_ERASE, 0, fl_span_str(text), &number, err);
    if (r < 0)
        return r;
    m->entry_coming = false;
    m->entries++;
    return number == m->entries ? FL_OK : fl_err_set(err, FL_E_INVAL, "an entry is there twice");
}

/* ---- what must be so ---- */

static const char *wrong_key(struct process *p, const struct known *k, uint32_t no)
{
    struct fl_keyring *ring = fl_keytable_keyring(p->table);
    unsigned char id[FL_FILE_ID_BYTES], key[FL_KEY_BYTES];
    struct fl_err err = {.text = ""};
    int r;

    id_of(no, id);
    r = ring->ops->file_get(ring, k->tenant, k->day, id, key, &err);
    if (r < 0 && r != FL_E_NOENT)
        return "a key cannot be read";
    if (k->fate == DEAD && r >= 0)
        return "a destroyed key is back";
    if (k->fate == ALIVE && r < 0)
        return "a key is lost";
    if ((k->fate == ALIVE || k->fate == DYING) && r >= 0 && memcmp(key, k->key, sizeof key) != 0)
        return "a key is another one";
    return NULL;
}

static const char *wrong_ledger(struct process *p, struct model *m)
{
    struct fl_ledger_stat stat;

    fl_ledger_stat(p->ledger, &stat);
    if (stat.entries != m->entries && !(m->entry_coming && stat.entries == m->entries + 1))
        return "an entry of the ledger is lost, or one too many";
    for (uint64_t i = 1; i <= stat.entries; i++) {
        FL_AUTO(fl_buf_done) struct fl_buf text;
        struct fl_ledger_entry entry;
        char want[80];

        fl_buf_init(&text, FL_LEDGER_TEXT_MAX);
        text_of((uint32_t)i - 1, want);
        if (fl_ledger_get(p->ledger, i, &entry, &text, NULL) < 0 ||
            !fl_span_eq(fl_buf_span(&text), fl_span_str(want)))
            return "an entry of the ledger is another one";
    }
    return NULL;
}

static const char *check(struct process *p, struct model *m)
{
    const char *wrong = wrong_ledger(p, m);

    for (uint32_t i = 0; i < m->keys && wrong == NULL; i++)
        if (!m->big || i % 997 == 0 || i + 8 > m->keys)
            wrong = wrong_key(p, &m->key[i], i);
    return wrong;
}

/* What is there now stays there: who was given a key, or found one destroyed, relies on it. */
static void settle(struct process *p, struct model *m)
{
    struct fl_ledger_stat stat;

    for (uint32_t i = 0; i < m->keys; i++) {
        struct fl_keyring *ring = fl_keytable_keyring(p->table);
        unsigned char id[FL_FILE_ID_BYTES];
        int r;

        if (m->key[i].fate != COMING && m->key[i].fate != DYING)
            continue;
        id_of(i, id);
        r = ring->ops->file_get(ring, m->key[i].tenant, m->key[i].day, id, m->key[i].key, NULL);
        m->key[i].fate = r >= 0 ? ALIVE : DEAD;
    }
    fl_ledger_stat(p->ledger, &stat);
    m->entries = (uint32_t)stat.entries;
    m->entry_coming = false;
}

/* Opens the disk, checks, writes a little more, loses the power, and checks again. */
static const char *open_twice(struct model *m, struct fl_err *err)
{
    struct process p;
    struct powerfs *next;
    const char *wrong = process_begin(&p, err) < 0 ? err->text : check(&p, m);

    if (wrong != NULL) {
        process_end(&p);
        return wrong;
    }
    settle(&p, m);
    if (new_key(&p, m, 5, 3, err) < 0 || destroy(&p, m, 5, 3, m->keys - 1, err) < 0 ||
        new_key(&p, m, 1, 1, err) < 0 || write_down(&p, m, err) < 0)
        wrong = err->text;
    process_end(&p);
    next = powerfs_crash(wrap_disk, POWERFS_LEFT_NOTHING, 0);
    powerfs_free(wrap_disk);
    wrap_disk = next;
    if (wrong == NULL)
        wrong = process_begin(&p, err) < 0 ? err->text : check(&p, m);
    process_end(&p);
    return wrong;
}

static void one_disk(const struct powerfs_call *call, struct powerfs *disk, int left, bool opened)
{
    struct powerfs *outer = wrap_disk;
    struct model *m = malloc(sizeof *m);
    struct fl_err err = {.text = ""};
    struct process p;
    const char *wrong = NULL;

    if (m == NULL)
        abort();
    *m = *cutter.model;
    cutter.off = true;
    cutter.disks++;
    wrap_disk = disk;
    if (opened) { /* by a process that found what another left; then the power goes */
        struct powerfs *next;

        cutter.killed++;
        wrong = process_begin(&p, &err) < 0 ? err.text : check(&p, m);
        if (wrong == NULL)
            settle(&p, m);
        process_end(&p);
        next = powerfs_crash(wrap_disk, (enum powerfs_left)left, mix());
        powerfs_free(wrap_disk);
        wrap_disk = next;
    }
    if (wrong == NULL)
        wrong = open_twice(m, &err);
    if (wrong != NULL && cutter.found++ < FOUND_MAX && !cutter.stop_at_first)
        printf("# call %llu (%d %s/%s), left %d%s: %s\n", (unsigned long long)call->no,
               (int)call->op, call->folder, call->name, left, opened ? ", killed before" : "",
               wrong);
    powerfs_free(wrap_disk);
    wrap_disk = outer;
    cutter.off = false;
    free(m);
}

/* ---- calls ---- */

static void kind_of(const struct powerfs_call *call, char ret[64])
{
    ret[0] = '\0';
    if (call->op == POWERFS_SYNC)
        (void)snprintf(ret, 64, "sync of %.30s", call->name);
    else if (call->op == POWERFS_SYNC_ALL)
        (void)snprintf(ret, 64, "sync of everything");
    else if (call->op == POWERFS_SYNC_DIR)
        (void)snprintf(ret, 64, "sync_dir of %.12s after %.30s",
                       call->name[0] == '\0' ? "the folder" : call->name, cutter.last);
    else if (call->op == POWERFS_RENAME || call->op == POWERFS_CREATE ||
             call->op == POWERFS_MKDIR || call->op == POWERFS_UNLINK)
        (void)snprintf(cutter.last, sizeof cutter.last, "%.30s", call->name);
}

static void note_kind(const char *name)
{
    size_t i = 0;

    while (i < cutter.kind_count && strcmp(cutter.kinds[i].name, name) != 0)
        i++;
    if (i == KINDS_MAX)
        abort();
    if (i == cutter.kind_count)
        (void)snprintf(cutter.kinds[cutter.kind_count++].name, sizeof cutter.kinds[i].name, "%s",
                       name);
    cutter.kinds[i].calls++;
}

static int before(void *ctx, struct powerfs *fs, const struct powerfs_call *call)
{
    char kind[64];

    (void)ctx;
    if (cutter.off)
        return POWERFS_DO;
    cutter.no++;
    if (cutter.injecting && cutter.no != cutter.at)
        return POWERFS_DO;
    if (cutter.injecting) {
        (void)snprintf(cutter.last, sizeof cutter.last, "%d %.20s/%.20s", (int)call->op,
                       call->folder, call->name);
        return -EIO;
    }
    kind_of(call, kind);
    if (kind[0] != '\0')
        note_kind(kind);
    if (call->op >= POWERFS_CREATE && !(cutter.stop_at_first && cutter.found > 0)) {
        cutter.cuts++;
        for (int left = 0; left < POWERFS_LEFT_KINDS; left++) {
            one_disk(call, powerfs_crash(fs, (enum powerfs_left)left, mix()), left, false);
            if (!cutter.quick)
                one_disk(call, powerfs_copy(fs), left, true);
        }
    }
    return cutter.lie != NULL && strcmp(cutter.lie, kind) == 0 ? POWERFS_LIE : POWERFS_DO;
}

/* ---- a life ---- */

enum { STEPS = 23 };

static int step(struct process *p, struct model *m, int at, struct fl_err *err)
{
    switch (at) {
    case 7:
        return destroy(p, m, 1, 2, 1, err);
    case 11:
        return destroy(p, m, 2, 1, -1, err);
    case 16:
        return destroy(p, m, 1, FL_DAY_NONE, -1, err);
    case 4:
    case 9:
    case 13:
    case 19:
        return write_down(p, m, err);
    default:
        return new_key(p, m, 1 + (uint32_t)at % 3, 1 + at % 2, err);
    }
}

/* So many keys of one day, and then none: the table is written anew. */
static int grow_and_tidy(struct process *p, struct model *m, struct fl_err *err)
{
    int r = 0;

    m->big = true;
    cutter.off = true;
    for (int i = 0; i < 14000 && r >= 0; i++)
        r = new_key(p, m, 4, 9, err);
    cutter.off = false;
    return r < 0 ? r : destroy(p, m, 4, 9, -1, err);
}

/* The two folders are there before. */
static struct powerfs *new_disk(void)
{
    struct powerfs *disk = powerfs_new();
    const struct fl_files *fs = powerfs_files(disk);

    if (fs->mkdir(fs, powerfs_root(disk), "keys") < 0 ||
        fs->mkdir(fs, powerfs_root(disk), "ledger") < 0 || fs->sync_dir(fs, powerfs_root(disk)) < 0)
        abort();
    return disk;
}

static void run(bool tidy)
{
    struct model *m = calloc(1, sizeof *m);
    struct process p;
    struct fl_err err = {.text = ""};
    const char *wrong = NULL;
    int r;

    if (m == NULL)
        abort();
    cutter.model = m;
    wrap_disk = new_disk();
    powerfs_hook(wrap_disk, before, NULL);
    r = process_begin(&p, &err);
    for (int at = 0; at < STEPS && r >= 0; at++)
        r = step(&p, m, at, &err);
    if (r >= 0 && tidy)
        r = grow_and_tidy(&p, m, &err);
    cutter.off = true;
    if (r >= 0)
        wrong = check(&p, m);
    if (r < 0 || wrong != NULL) {
        printf("# the life itself: %s\n", wrong == NULL ? err.text : wrong);
        cutter.found++;
    }
    process_end(&p);
    cutter.off = false;
    powerfs_free(wrap_disk);
    wrap_disk = NULL;
    free(m);
}

/* One call fails; the process says so, another begins, and nothing is lost. */
static const char *with_error(uint64_t at)
{
    static struct model *m;
    struct process p = {-1, -1, NULL, NULL};
    static struct fl_err err;
    const char *wrong = NULL;
    int r = -1;

    if (m == NULL)
        m = malloc(sizeof *m);
    memset(m, 0, sizeof *m);
    cutter = (struct cutter){.model = m, .injecting = true, .at = at};
    wrap_disk = new_disk();
    powerfs_hook(wrap_disk, before, NULL);
    for (int step_no = 0; step_no < STEPS && wrong == NULL;) {
        r = p.table == NULL ? process_begin(&p, &err) : FL_OK;
        if (r >= 0)
            r = step(&p, m, step_no, &err);
        if (r >= 0) {
            step_no++;
            continue;
        }
        if (strlen(err.text) < 8 || cutter.no < at)
            wrong = err.text;
        process_end(&p);
        cutter.off = true;
        if (wrong == NULL)
            wrong = process_begin(&p, &err) < 0 ? err.text : check(&p, m);
        if (wrong == NULL)
            settle(&p, m);
        cutter.off = false;
    }
    cutter.off = true;
    process_end(&p);
    if (wrong == NULL)
        wrong = open_twice(m, &err);
    if (wrong == NULL && powerfs_open_count(wrap_disk) != 0)
        wrong = "a descriptor stays open";
    powerfs_free(wrap_disk);
    return wrong;
}

static void check_errors(void)
{
    unsigned found = 0;
    uint64_t at = 0;

    do {
        const char *wrong = with_error(++at);

        if (wrong != NULL && found++ < FOUND_MAX)
            printf("# call %llu (%s) fails: %s\n", (unsigned long long)at, cutter.last, wrong);
    } while (cutter.no >= at);
    printf("# %llu calls, each failed once\n", (unsigned long long)at - 1);
    CHECK(found == 0 && at > 100, "after a call that failed nothing is lost or back");
}

/* Kinds of syncs without which nothing is lost or back; NULL: it must be missed. */
static const char *why_not_missed(const char *kind)
{
    static const char *const table[][2] = {
        {"sync_dir of keys after ledger.head",
         "with an older head the folder counts as a copy from before, and what was erased since is "
         "erased again"},
        {"sync of epoch", "the old file is overwritten when it is no longer the epoch"},
    };

    for (size_t i = 0; i < FL_LEN(table); i++)
        if (strcmp(table[i][0], kind) == 0)
            return table[i][1];
    return NULL;
}

int main(void)
{
    static struct kind kinds[KINDS_MAX];
    struct folder own = folder_new();
    unsigned char public[32];
    struct fl_err err;
    size_t kind_count;

    if (sodium_init() < 0 || crypto_sign_keypair(public, sign_secret) != 0 ||
        fl_root_file_open(own.fd, true, &root, &err) < 0)
        abort();
    cutter = (struct cutter){.seed = 20251122};
    run(false);
    printf("# %llu cuts, %llu disks, %llu of them opened before\n", (unsigned long long)cutter.cuts,
           (unsigned long long)cutter.disks, (unsigned long long)cutter.killed);
    CHECK(cutter.found == 0,
          "wherever the power goes: keys and entries are there, or gone for good");
    kind_count = cutter.kind_count;
    memcpy(kinds, cutter.kinds, sizeof kinds);
    for (size_t i = 0; i < kind_count; i++) {
        char name[160];

        if (why_not_missed(kinds[i].name) != NULL) {
            printf("# '%s' is not missed: %s\n", kinds[i].name, why_not_missed(kinds[i].name));
            continue;
        }
        cutter =
            (struct cutter){.seed = 1, .lie = kinds[i].name, .stop_at_first = true, .quick = true};
        run(false);
        (void)snprintf(name, sizeof name, "without '%s' a loss is found", kinds[i].name);
        CHECK(cutter.found > 0, name);
    }
    cutter = (struct cutter){.seed = 20251122, .quick = true};
    run(true);
    printf("# %llu cuts, %llu disks with a table that is written anew\n",
           (unsigned long long)cutter.cuts, (unsigned long long)cutter.disks);
    CHECK(cutter.found == 0, "also while the table is written anew");
    check_errors();
    fl_root_free(root);
    folder_free(&own);
    return tap_done();
}
