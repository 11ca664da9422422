/* What a write-ahead log holds in the clear: headers, groups, heads of records; and whole files
 * through the reader, with a keyring that knows no key and one that gives the same to all. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "logs/wal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static volatile uint64_t sink; /* so that reading is not left out */

/* A "file system" of one file in memory. */
struct memory {
    const uint8_t *data;
    size_t n;
};

static int mem_open(const struct fl_files *fs, int dir, const char *name, enum fl_file_mode mode)
{
    (void)fs, (void)dir, (void)name, (void)mode;
    return 7;
}

static int mem_close(const struct fl_files *fs, int fd)
{
    (void)fs, (void)fd;
    return 0;
}

static ssize_t mem_pread(const struct fl_files *fs, int fd, void *to, size_t len, uint64_t offset)
{
    const struct memory *m = fs->state;

    (void)fd;
    if (offset >= m->n)
        return 0;
    if (len > m->n - offset)
        len = m->n - offset;
    memcpy(to, m->data + offset, len);
    return (ssize_t)len;
}

static int64_t mem_size(const struct fl_files *fs, int fd)
{
    (void)fd;
    return (int64_t)((const struct memory *)fs->state)->n;
}

static int get(struct fl_keyring *k, uint32_t tenant, int32_t day, const unsigned char *id,
               unsigned char *ret, struct fl_err *err)
{
    (void)k, (void)tenant, (void)day;
    if (id[0] % 2 == 0)
        return fl_err_set(err, FL_E_NOENT, "no such key");
    memset(ret, 0, 32);
    return 0;
}

static int take(void *ctx, const struct fl_wal_record *rec, struct fl_err *err)
{
    (void)ctx, (void)err;
    for (size_t i = 0; i < rec->body.len; i++)
        sink = sink + rec->body.ptr[i];
    for (size_t i = 0; i < rec->slug.len; i++)
        sink = sink + rec->slug.ptr[i];
    return rec->rows == 12345 ? FL_E_NOMEM : 0;
}

static void group(struct fl_span in)
{
    struct fl_wal_record *recs;
    uint32_t count;
    uint64_t no;

    if (fl_wal_group_parse(in, false, &no, &recs, &count, NULL) < 0)
        return;
    for (uint32_t i = 0; i < count; i++)
        if (recs[i].body.len > FL_WAL_BODY_MAX_BYTES || recs[i].slug.len > FL_WAL_SLUG_MAX ||
            recs[i].tag.len != 16)
            abort();
    free(recs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct fl_keyring_ops ops = {.file_get = get};
    struct fl_keyring keys = {&ops};
    struct memory memory = {data, n};
    struct fl_files fs = {.open = mem_open,
                          .close = mem_close,
                          .pread = mem_pread,
                          .size = mem_size,
                          .state = &memory};
    struct fl_marks *marks = calloc(1, sizeof *marks);
    struct fl_wal_reading sum;
    struct fl_wal_head head;
    uint64_t number;
    char name[64] = {0};

    if (marks == NULL)
        abort();
    group(fl_span_of(data, n));
    if (fl_wal_head_parse(fl_span_of(data, n), &head, NULL) == 0 && head.marks > FL_MARKS_MAX)
        abort();
    if (n > 0)
        memcpy(name, data, n < sizeof name - 1 ? n : sizeof name - 1);
    (void)fl_wal_name_parse(name, &number);
    if (fl_wal_read(&fs, 3, "fuzz", n % 2 == 0, &keys, take, NULL, marks, &sum, NULL) == 0 &&
        (sum.head.marks > FL_MARKS_MAX || marks->count > FL_MARKS_MAX))
        abort();
    free(marks);
    return 0;
}
