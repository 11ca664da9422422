#include "trust/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/fd.h"
#include "base/rand.h"
#include "trust/wrap.h"

enum { VERSION = 1, ID_BYTES = 16, BODY_HEAD_BYTES = 8 + 8 + 1 + 8, ENTRY_HEAD_BYTES = 8 };
#define KEY_FILE_BYTES  (8 + 4 + ID_BYTES + FL_WRAP_KEY_BYTES)
#define HEAD_PLAIN      (ID_BYTES + 8 + FL_LEDGER_HASH_BYTES)
#define HEAD_FILE_BYTES (8 + 4 + HEAD_PLAIN + FL_WRAP_EXTRA)
#define SEALED_MAX      (FL_LEDGER_TEXT_MAX + FL_WRAP_EXTRA)
#define BOUND_BYTES     (23 + ID_BYTES + BODY_HEAD_BYTES + FL_LEDGER_HASH_BYTES)

struct place { /* of an entry */
    uint64_t offset, of;
    int64_t at_us;
    uint8_t kind;
    bool pending, again;
    unsigned char before[FL_LEDGER_HASH_BYTES]; /* hash of the entry before */
};

struct head {
    unsigned char id[ID_BYTES];
    uint64_t count;
    unsigned char hash[FL_LEDGER_HASH_BYTES];
};

struct fl_ledger {
    struct fl_ledger_config conf;
    int fd;
    unsigned char id[ID_BYTES], key[FL_KEY_BYTES];
    struct place *entries; /* owned; entries[i] has the number i + 1 */
    size_t count, cap;
    unsigned char hash[FL_LEDGER_HASH_BYTES]; /* of the last */
    uint64_t bytes;
    struct head told; /* what the data folder knows */
    bool broken, begun;
};

/* ---- bytes ---- */

static void begin_hash(const unsigned char id[ID_BYTES], unsigned char ret[FL_LEDGER_HASH_BYTES])
{
    (void)crypto_hash_sha256(ret, id, ID_BYTES);
}

static void hash_entry(const unsigned char before[FL_LEDGER_HASH_BYTES], struct fl_span entry,
                       unsigned char ret[FL_LEDGER_HASH_BYTES])
{
    crypto_hash_sha256_state state;

    (void)crypto_hash_sha256_init(&state);
    (void)crypto_hash_sha256_update(&state, before, FL_LEDGER_HASH_BYTES);
    (void)crypto_hash_sha256_update(&state, entry.ptr, entry.len);
    (void)crypto_hash_sha256_final(&state, ret);
}

static int damaged(struct fl_err *err, uint64_t number, const char *what)
{
    return fl_err_set(err, FL_E_CORRUPT, "the ledger of erasures is damaged: entry %llu %s",
                      (unsigned long long)number, what);
}

/* Does a whole entry stand anywhere behind? Then this one was synced, and is damaged, not torn. */
static bool followed(struct fl_span file, size_t at)
{
    for (size_t i = at + 1; i + ENTRY_HEAD_BYTES <= file.len; i++) {
        struct fl_cursor cur = fl_cursor_of(fl_span_of(file.ptr + i + 4, file.len - i - 4));
        uint32_t bytes;

        if (memcmp(file.ptr + i, "LENT", 4) != 0)
            continue;
        bytes = fl_cursor_u32(&cur);
        if (bytes >= BODY_HEAD_BYTES + FL_WRAP_EXTRA && bytes <= BODY_HEAD_BYTES + SEALED_MAX &&
            file.len - i - ENTRY_HEAD_BYTES >= bytes + FL_LEDGER_HASH_BYTES)
            return true;
    }
    return false;
}

int fl_ledger_next(struct fl_span file, size_t *at, uint64_t number,
                   unsigned char hash[FL_LEDGER_HASH_BYTES], struct fl_ledger_item *ret,
                   struct fl_err *err)
{
    struct fl_span rest = fl_span_of(file.ptr + *at, file.len - *at);
    struct fl_cursor cur = fl_cursor_of(rest);
    struct fl_span magic = fl_cursor_bytes(&cur, 4), body, stored;
    uint32_t bytes = fl_cursor_u32(&cur);

    if (rest.len == 0)
        return 0;
    body = fl_cursor_bytes(&cur, bytes);
    stored = fl_cursor_bytes(&cur, FL_LEDGER_HASH_BYTES);
    if (cur.failed || memcmp(magic.ptr, "LENT", 4) != 0)
        return followed(file, *at) ? damaged(err, number, "is not one") : 0;
    hash_entry(hash, fl_span_of(rest.ptr, ENTRY_HEAD_BYTES + bytes), ret->hash);
    if (memcmp(stored.ptr, ret->hash, FL_LEDGER_HASH_BYTES) != 0) {
        if (followed(file, *at) || fl_cursor_left(&cur) > 0)
            return damaged(err, number, "does not fit what stands before it");
        return 0; /* the last: its end was not written */
    }
    if (bytes < BODY_HEAD_BYTES + FL_WRAP_EXTRA || bytes > BODY_HEAD_BYTES + SEALED_MAX)
        return damaged(err, number, "has no possible length");
    ret->bound = fl_span_of(body.ptr, BODY_HEAD_BYTES);
    ret->sealed = fl_span_of(body.ptr + BODY_HEAD_BYTES, bytes - BODY_HEAD_BYTES);
    cur = fl_cursor_of(body);
    ret->number = fl_cursor_u64(&cur);
    ret->at_us = (int64_t)fl_cursor_u64(&cur);
    ret->kind = fl_cursor_u8(&cur);
    ret->of = fl_cursor_u64(&cur);
    if (ret->number != number)
        return damaged(err, number, "has another number");
    if ((ret->kind == FL_LEDGER_DONE) != (ret->of != 0) || ret->of >= number || ret->kind == 0)
        return damaged(err, number, "says what cannot be");
    memcpy(hash, ret->hash, FL_LEDGER_HASH_BYTES);
    *at += ENTRY_HEAD_BYTES + bytes + FL_LEDGER_HASH_BYTES;
    return 1;
}

/* ---- small files ---- */

static int step(const struct fl_ledger *l, const char *what, struct fl_err *err)
{
    if (l->conf.step == NULL || l->conf.step(l->conf.step_ctx, what) == 0)
        return FL_OK;
    return fl_err_set(err, FL_E_IO, "stopped before: %s", what);
}

static int read_small(int dir_fd, const char *name, const char magic[9], size_t bytes,
                      struct fl_buf *ret, struct fl_err *err)
{
    int r = fl_file_read(dir_fd, name, ret, err);

    if (r < 0)
        return r;
    if (ret->len != bytes || memcmp(ret->ptr, magic, 8) != 0 || ret->ptr[8] != VERSION ||
        ret->ptr[9] != 0 || ret->ptr[10] != 0 || ret->ptr[11] != 0)
        return fl_err_set(err, FL_E_CORRUPT, "the file %s is not one of version %d", name, VERSION);
    return FL_OK;
}

static struct fl_span bound_key(const unsigned char id[ID_BYTES], unsigned char ret[33])
{
    memcpy(ret, "fairlead ledger 1", 17);
    memcpy(ret + 17, id, ID_BYTES);
    return fl_span_of(ret, 33);
}

static int write_key(const struct fl_ledger *l, struct fl_root *root, const char *name,
                     struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf file;
    unsigned char bound[33], wrap[FL_WRAP_KEY_BYTES];
    int r = root->ops->seal(root, bound_key(l->id, bound), fl_span_of(l->key, sizeof l->key), wrap,
                            err);

    fl_buf_init(&file, KEY_FILE_BYTES);
    fl_buf_put(&file, "FLLEDKEY", 8);
    fl_buf_put_u32(&file, VERSION);
    fl_buf_put(&file, l->id, ID_BYTES);
    fl_buf_put(&file, wrap, sizeof wrap);
    if (r == 0)
        r = fl_buf_status(&file, err);
    return r < 0 ? r : fl_file_write(l->conf.dir_fd, name, fl_buf_span(&file), 0600, err);
}

static int open_key(struct fl_ledger *l, const char *name, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf file;
    unsigned char bound[33];
    int r;

    fl_buf_init(&file, KEY_FILE_BYTES);
    r = read_small(l->conf.dir_fd, name, "FLLEDKEY", KEY_FILE_BYTES, &file, err);
    if (r < 0)
        return r;
    memcpy(l->id, file.ptr + 12, ID_BYTES);
    return l->conf.root->ops->open(l->conf.root, bound_key(l->id, bound),
                                   fl_span_of(file.ptr + 12 + ID_BYTES, FL_WRAP_KEY_BYTES), l->key,
                                   err);
}

/* A change of the root key may have stopped after it counted: then the new wrapping is the right
 * one. */
static int read_key(struct fl_ledger *l, struct fl_err *err)
{
    int r = open_key(l, FL_LEDGER_KEY_FILE, err);

    if (r != FL_E_CORRUPT)
        return r;
    if (open_key(l, FL_LEDGER_KEY_FILE ".next", NULL) == 0 &&
        renameat(l->conf.dir_fd, FL_LEDGER_KEY_FILE ".next", l->conf.dir_fd, FL_LEDGER_KEY_FILE) ==
            0)
        return fl_dir_sync(l->conf.dir_fd, FL_LEDGER_KEY_FILE, err);
    return fl_err_set(err, FL_E_CORRUPT,
                      "the ledger of erasures was sealed under another root key: put back the root "
                      "key that belongs to it, or, if it is another installation's, move that "
                      "ledger away or set ledger_dir to another folder");
}

static int write_head(const struct fl_ledger *l, struct fl_root *root, const char *name,
                      const struct head *head, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf file, plain;
    unsigned char sealed[HEAD_PLAIN + FL_WRAP_EXTRA];
    int r;

    fl_buf_init(&file, HEAD_FILE_BYTES);
    fl_buf_init(&plain, HEAD_PLAIN);
    fl_buf_put(&plain, head->id, ID_BYTES);
    fl_buf_put_u64(&plain, head->count);
    fl_buf_put(&plain, head->hash, sizeof head->hash);
    r = fl_buf_status(&plain, err);
    if (r == 0)
        r = root->ops->seal(root, FL_SPAN("fairlead ledger head 1"), fl_buf_span(&plain), sealed,
                            err);
    fl_buf_put(&file, "FLLEDHED", 8);
    fl_buf_put_u32(&file, VERSION);
    fl_buf_put(&file, sealed, sizeof sealed);
    if (r == 0)
        r = fl_buf_status(&file, err);
    return r < 0 ? r : fl_file_write(l->conf.head_fd, name, fl_buf_span(&file), 0600, err);
}

static int read_head(struct fl_ledger *l, struct head *ret, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf file;
    unsigned char plain[HEAD_PLAIN];
    struct fl_cursor cur;
    int r;

    fl_buf_init(&file, HEAD_FILE_BYTES);
    r = read_small(l->conf.head_fd, FL_LEDGER_HEAD, "FLLEDHED", HEAD_FILE_BYTES, &file, err);
    if (r == 0)
        r = l->conf.root->ops->open(l->conf.root, FL_SPAN("fairlead ledger head 1"),
                                    fl_span_of(file.ptr + 12, file.len - 12), plain, err);
    if (r < 0)
        return r == FL_E_NOENT ? r : fl_err_wrap(err, "file " FL_LEDGER_HEAD);
    cur = fl_cursor_of(fl_span_of(plain, sizeof plain));
    memcpy(ret->id, fl_cursor_bytes(&cur, ID_BYTES).ptr, ID_BYTES);
    ret->count = fl_cursor_u64(&cur);
    memcpy(ret->hash, fl_cursor_bytes(&cur, FL_LEDGER_HASH_BYTES).ptr, FL_LEDGER_HASH_BYTES);
    return FL_OK;
}

/* While something is to be done again, the folder goes on knowing what it knew: a crash in between
 * must find it the same. */
static int tell_head(struct fl_ledger *l, struct fl_err *err)
{
    struct head head = {.count = l->count};
    int r;

    for (size_t i = 0; i < l->count; i++)
        if (l->entries[i].again)
            return FL_OK;
    memcpy(head.id, l->id, sizeof head.id);
    memcpy(head.hash, l->hash, sizeof head.hash);
    r = step(l, "tell the data folder of the ledger's head", err);
    if (r == 0)
        r = write_head(l, l->conf.root, FL_LEDGER_HEAD, &head, err);
    if (r == 0)
        l->told = head;
    return r;
}

/* ---- opening ---- */

static int note_entry(struct fl_ledger *l, uint64_t offset, const struct fl_ledger_item *item,
                      const unsigned char before[FL_LEDGER_HASH_BYTES], struct fl_err *err)
{
    struct place *to;

    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 64 : l->cap * 2;
        struct place *grown = realloc(l->entries, cap * sizeof *grown);

        if (grown == NULL)
            return fl_err_set(err, FL_E_NOMEM, "out of memory");
        l->entries = grown;
        l->cap = cap;
    }
    to = &l->entries[l->count++];
    *to = (struct place){.offset = offset,
                         .of = item->of,
                         .at_us = item->at_us,
                         .kind = item->kind,
                         .pending = item->kind == FL_LEDGER_ERASE};
    memcpy(to->before, before, sizeof to->before);
    memcpy(l->hash, item->hash, sizeof l->hash);
    if (item->kind == FL_LEDGER_DONE)
        l->entries[item->of - 1].pending = false;
    return FL_OK;
}

static int load(struct fl_ledger *l, struct fl_span file, struct fl_err *err)
{
    struct fl_ledger_item item;
    size_t at = FL_LEDGER_HEADER_BYTES, from;
    unsigned char before[FL_LEDGER_HASH_BYTES];
    int r;

    if (file.len < FL_LEDGER_HEADER_BYTES || memcmp(file.ptr, "FLLEDGER\1\0\0\0", 12) != 0)
        return fl_err_set(err, FL_E_CORRUPT, "not a ledger of version %d", VERSION);
    if (memcmp(file.ptr + 12, l->id, ID_BYTES) != 0)
        return fl_err_set(err, FL_E_CORRUPT, "the ledger and its key do not belong together");
    begin_hash(l->id, l->hash);
    do {
        from = at;
        memcpy(before, l->hash, sizeof before);
        r = fl_ledger_next(file, &at, l->count + 1, l->hash, &item, err);
        if (r == 1 && item.kind == FL_LEDGER_DONE &&
            l->entries[item.of - 1].kind != FL_LEDGER_ERASE)
            r = damaged(err, item.number, "is the end of no erasure");
        if (r == 1 && note_entry(l, from, &item, before, err) < 0)
            r = FL_E_NOMEM;
    } while (r == 1);
    l->bytes = at;
    return r;
}

static int cut_tail(struct fl_ledger *l, size_t file_bytes, struct fl_err *err)
{
    if (file_bytes == l->bytes)
        return FL_OK;
    if (ftruncate(l->fd, (off_t)l->bytes) < 0 || fsync(l->fd) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "cut off a torn entry of the ledger");
    return FL_OK;
}

/* What the folder knows against what the ledger has. */
static int compare(struct fl_ledger *l, const struct head *head, struct fl_err *err)
{
    const unsigned char *hash = l->hash;

    if (memcmp(head->id, l->id, ID_BYTES) != 0)
        return fl_err_set(err, FL_E_CORRUPT,
                          "this is not the ledger of erasures that belongs to the data folder: put "
                          "the right one into ledger_dir; without it nothing is opened, because "
                          "erased persons could come back");
    if (head->count > l->count)
        return fl_err_set(err, FL_E_CORRUPT,
                          "the ledger of erasures is older than the data folder (%llu entries, "
                          "%llu are known): put the latest one into ledger_dir; without it nothing "
                          "is opened, because erased persons could come back",
                          (unsigned long long)l->count, (unsigned long long)head->count);
    if (head->count < l->count)
        hash = l->entries[head->count].before;
    if (memcmp(head->hash, hash, FL_LEDGER_HASH_BYTES) != 0)
        return fl_err_set(err, FL_E_CORRUPT,
                          "the ledger of erasures has other entries than the data folder knows: "
                          "put the right one into ledger_dir");
    return FL_OK;
}

/* Erasures whose end this folder does not know of. */
static void find_again(struct fl_ledger *l, uint64_t known)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->entries[i].kind == FL_LEDGER_DONE && i >= known) {
            struct place *of = &l->entries[l->entries[i].of - 1];

            of->pending = of->again = true;
        }
    for (size_t i = 0; i < l->count && i < known; i++) /* done here before it was done again */
        if (l->entries[i].kind == FL_LEDGER_DONE) {
            struct place *of = &l->entries[l->entries[i].of - 1];

            of->pending = of->again = false;
        }
}

static int begin_new(struct fl_ledger *l, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf file;
    int r = step(l, "write the key of the ledger", err);

    fl_buf_init(&file, FL_LEDGER_HEADER_BYTES);
    fl_random(l->id, sizeof l->id);
    fl_random(l->key, sizeof l->key);
    begin_hash(l->id, l->hash);
    fl_buf_put(&file, "FLLEDGER", 8);
    fl_buf_put_u32(&file, VERSION);
    fl_buf_put(&file, l->id, sizeof l->id);
    if (r == 0)
        r = write_key(l, l->conf.root, FL_LEDGER_KEY_FILE, err);
    if (r == 0)
        r = step(l, "begin the ledger", err);
    if (r == 0)
        r = fl_buf_status(&file, err);
    if (r == 0)
        r = fl_file_write(l->conf.dir_fd, FL_LEDGER_FILE, fl_buf_span(&file), 0600, err);
    l->begun = true;
    return r;
}

static int open_file(struct fl_ledger *l, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf file;
    int r = fl_file_open(l->conf.dir_fd, FL_LEDGER_FILE, O_RDWR | O_NOFOLLOW, 0, &l->fd, err);

    fl_buf_init(&file, FL_LEDGER_MAX);
    if (r == 0)
        r = fl_file_read(l->conf.dir_fd, FL_LEDGER_FILE, &file, err);
    if (r == 0)
        r = load(l, fl_buf_span(&file), err);
    if (r == 0)
        r = cut_tail(l, file.len, err);
    return r < 0 ? r
                 : fl_file_settle(l->conf.dir_fd, FL_LEDGER_FILE, l->fd,
                                  fl_span_of(file.ptr, l->bytes), err);
}

static int open_all(struct fl_ledger *l, struct fl_err *err)
{
    struct head head = {.count = 0};
    int has_head = read_head(l, &head, err), r = FL_OK;
    bool there = faccessat(l->conf.dir_fd, FL_LEDGER_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;

    if (has_head < 0 && has_head != FL_E_NOENT)
        return has_head;
    if (!there && has_head == 0 && !l->conf.nothing_opens)
        return fl_err_set(err, FL_E_NOENT,
                          "the ledger of erasures is missing: put it back into ledger_dir (it is "
                          "no part of a backup of the data folder); without it nothing is opened, "
                          "because erased persons could come back");
    if (!there)
        r = begin_new(l, err);
    else
        r = read_key(l, err);
    if (r == 0)
        r = open_file(l, err);
    if (r == 0 && there && has_head == 0)
        r = compare(l, &head, err);
    if (r < 0)
        return r;
    find_again(l, there && has_head == 0 ? head.count : 0);
    l->told = head;
    return has_head == 0 && there && head.count == l->count ? FL_OK : tell_head(l, err);
}

int fl_ledger_open(const struct fl_ledger_config *config, struct fl_ledger **ret,
                   struct fl_err *err)
{
    struct fl_ledger *l = calloc(1, sizeof *l);
    struct fl_err aside = {0};
    int r;

    if (l == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    l->conf = *config;
    l->fd = -1;
    r = open_all(l, err == NULL ? &aside : err);
    if (r < 0) {
        fl_ledger_free(l);
        return r;
    }
    *ret = l;
    return FL_OK;
}

void fl_ledger_free(struct fl_ledger *l)
{
    if (l == NULL)
        return;
    fl_fd_close(&l->fd);
    free(l->entries);
    explicit_bzero(l, sizeof *l);
    free(l);
}

void fl_ledger_stat(const struct fl_ledger *l, struct fl_ledger_stat *ret)
{
    *ret = (struct fl_ledger_stat){.entries = l->count, .begun = l->begun};
    for (size_t i = 0; i < l->count; i++) {
        ret->pending += l->entries[i].pending;
        ret->again += l->entries[i].again;
    }
}

uint64_t fl_ledger_pending(const struct fl_ledger *l, uint64_t after)
{
    for (uint64_t i = after; i < l->count; i++)
        if (l->entries[i].pending)
            return i + 1;
    return 0;
}

bool fl_ledger_is_again(const struct fl_ledger *l, uint64_t number)
{
    return number > 0 && number <= l->count && l->entries[number - 1].again;
}

uint64_t fl_ledger_done_of(const struct fl_ledger *l, uint64_t number)
{
    for (size_t i = l->count; i-- > 0;)
        if (l->entries[i].kind == FL_LEDGER_DONE && l->entries[i].of == number)
            return i + 1;
    return 0;
}

/* ---- entries ---- */

static struct fl_span bound_entry(const struct fl_ledger *l, struct fl_span body_head,
                                  const unsigned char before[FL_LEDGER_HASH_BYTES],
                                  unsigned char ret[BOUND_BYTES])
{
    unsigned char *at = ret;

    memcpy(at, "fairlead ledger entry 1", 23);
    memcpy(at += 23, l->id, ID_BYTES);
    memcpy(at += ID_BYTES, body_head.ptr, BODY_HEAD_BYTES);
    memcpy(at + BODY_HEAD_BYTES, before, FL_LEDGER_HASH_BYTES);
    return fl_span_of(ret, BOUND_BYTES);
}

static int build(const struct fl_ledger *l, const struct fl_ledger_item *item, struct fl_span text,
                 struct fl_buf *out, unsigned char ret_hash[FL_LEDGER_HASH_BYTES],
                 struct fl_err *err)
{
    unsigned char bound[BOUND_BYTES], *at;
    struct fl_span head;
    int r;

    fl_buf_put(out, "LENT", 4);
    fl_buf_put_u32(out, (uint32_t)(BODY_HEAD_BYTES + text.len + FL_WRAP_EXTRA));
    fl_buf_put_u64(out, item->number);
    fl_buf_put_u64(out, (uint64_t)item->at_us);
    fl_buf_put_u8(out, item->kind);
    fl_buf_put_u64(out, item->of);
    at = fl_buf_reserve(out, text.len + FL_WRAP_EXTRA);
    if (at == NULL)
        return fl_buf_status(out, err);
    head = fl_span_of(out->ptr + ENTRY_HEAD_BYTES, BODY_HEAD_BYTES);
    r = fl_wrap_seal(l->key, bound_entry(l, head, l->hash, bound), text, at, err);
    if (r < 0)
        return r;
    out->len += text.len + FL_WRAP_EXTRA;
    hash_entry(l->hash, fl_buf_span(out), ret_hash);
    fl_buf_put(out, ret_hash, FL_LEDGER_HASH_BYTES);
    return fl_buf_status(out, err);
}

static int append(struct fl_ledger *l, struct fl_span bytes, struct fl_err *err)
{
    int r = step(l, "append to the ledger", err);

    if (r == 0)
        r = fl_fd_pwrite_all(l->fd, bytes.ptr, bytes.len, (int64_t)l->bytes, err);
    if (r == 0)
        r = step(l, "sync the ledger", err);
    if (r == 0 && fdatasync(l->fd) < 0)
        r = fl_err_sys(err, FL_E_IO, errno, "sync the ledger");
    if (r < 0)
        l->broken = true; /* what the disk holds is not known */
    return r;
}

static int check_add(const struct fl_ledger *l, enum fl_ledger_kind kind, uint64_t of,
                     struct fl_span text, struct fl_err *err)
{
    if (l->broken)
        return fl_err_set(err, FL_E_IO, "the ledger failed earlier; keys must be restarted");
    if (text.len > FL_LEDGER_TEXT_MAX || l->bytes + SEALED_MAX + 128 > FL_LEDGER_MAX)
        return fl_err_set(err, FL_E_LIMIT, "an entry of %zu bytes does not go into the ledger",
                          text.len);
    if (kind == FL_LEDGER_DONE &&
        (of == 0 || of > l->count || l->entries[of - 1].kind != FL_LEDGER_ERASE))
        return fl_err_set(err, FL_E_INVAL, "the ledger knows no erasure %llu",
                          (unsigned long long)of);
    return FL_OK;
}

int fl_ledger_add(struct fl_ledger *l, enum fl_ledger_kind kind, uint64_t of, struct fl_span text,
                  uint64_t *ret_number, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_ledger_item item = {.number = l->count + 1,
                                  .at_us = l->conf.now_us(),
                                  .kind = (uint8_t)kind,
                                  .of = kind == FL_LEDGER_DONE ? of : 0};
    unsigned char before[FL_LEDGER_HASH_BYTES];
    struct fl_err aside = {0};
    int r;

    err = err == NULL ? &aside : err;
    r = check_add(l, kind, of, text, err);
    fl_buf_init(&out, SEALED_MAX + 128);
    if (r == 0)
        r = build(l, &item, text, &out, item.hash, err);
    if (r == 0)
        r = append(l, fl_buf_span(&out), err);
    if (r < 0)
        return r;
    memcpy(before, l->hash, sizeof before);
    r = note_entry(l, l->bytes, &item, before, err);
    if (r < 0) {
        l->broken = true;
        return r;
    }
    l->bytes += out.len;
    if (kind == FL_LEDGER_DONE)
        l->entries[of - 1].again = false;
    *ret_number = item.number;
    /* A head that lags only makes a later start do again what is done. */
    return tell_head(l, err);
}

int fl_ledger_get(const struct fl_ledger *l, uint64_t number, struct fl_ledger_entry *ret,
                  struct fl_buf *text, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf bytes;
    unsigned char bound[BOUND_BYTES], hash[FL_LEDGER_HASH_BYTES], *to;
    const struct place *place;
    struct fl_ledger_item item;
    size_t at = 0, len;
    uint64_t end;
    ssize_t n;
    int r;

    fl_buf_init(&bytes, SEALED_MAX + 128);
    if (number == 0 || number > l->count)
        return fl_err_set(err, FL_E_NOENT, "the ledger has no entry %llu",
                          (unsigned long long)number);
    place = &l->entries[number - 1];
    end = number == l->count ? l->bytes : l->entries[number].offset;
    len = (size_t)(end - place->offset);
    to = fl_buf_reserve(&bytes, len);
    if (to == NULL)
        return fl_buf_status(&bytes, err);
    n = fl_fd_pread_all(l->fd, to, len, (int64_t)place->offset, err);
    if (n < 0)
        return (int)n;
    bytes.len = (size_t)n;
    memcpy(hash, place->before, sizeof hash);
    r = fl_ledger_next(fl_buf_span(&bytes), &at, number, hash, &item, err);
    if (r != 1)
        return r < 0 ? r : damaged(err, number, "has changed");
    to = fl_buf_reserve(text, item.sealed.len - FL_WRAP_EXTRA);
    if (to == NULL)
        return fl_buf_status(text, err);
    r = fl_wrap_open(l->key, bound_entry(l, item.bound, place->before, bound), item.sealed, to,
                     err);
    if (r < 0)
        return r;
    text->len += item.sealed.len - FL_WRAP_EXTRA;
    *ret = (struct fl_ledger_entry){.number = number,
                                    .at_us = item.at_us,
                                    .kind = item.kind,
                                    .of = item.of,
                                    .text = fl_span_of(to, item.sealed.len - FL_WRAP_EXTRA)};
    return FL_OK;
}

int fl_ledger_rewrap(const struct fl_ledger *l, struct fl_root *root, const char *suffix,
                     struct fl_err *err)
{
    char name[48];
    int r;

    (void)snprintf(name, sizeof name, FL_LEDGER_KEY_FILE "%.16s", suffix);
    r = write_key(l, root, name, err);
    (void)snprintf(name, sizeof name, FL_LEDGER_HEAD "%.16s", suffix);
    return r < 0 ? r : write_head(l, root, name, &l->told, err);
}
