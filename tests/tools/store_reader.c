/*
 * store_reader KEYS STORE TENANT WORD: open every file of a store folder with a folder of keys, as
 * far as the keys go, and say where a word stands. For tests of erasing; it reads only, and wants
 * folders that no fairleadd uses (copies).
 *
 * KEYS is the folder of a keys role (root.key, epoch, table). One line of JSON; exit 1 when the
 * keys do not open.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "logs/baseline.h"
#include "logs/erase_rule.h"
#include "logs/segment.h"
#include "logs/wal.h"
#include "trust/keytable.h"

static struct {
    struct fl_keyring *ring;
    uint32_t tenant;
    struct fl_span word;
    unsigned segments, records, baselines, no_key;
    unsigned rows, sums, in_records, clear;
} at;

static int64_t no_clock(void)
{
    return 0;
}

static bool stands_in(struct fl_span text)
{
    return text.len > 0 && memmem(text.ptr, text.len, at.word.ptr, at.word.len) != NULL;
}

static void read_sums(struct fl_segment *seg)
{
    uint64_t read = 0;

    for (int dim = 0; dim < FL_ROLLUP_DIMS; dim++) {
        struct fl_rollup_users *users = NULL;

        for (int tier = 0; tier < FL_ROLLUP_TIERS; tier++) {
            struct fl_rollup *sums = NULL;

            if (fl_segment_rollup(seg, (enum fl_rollup_dim)dim, (enum fl_rollup_tier)tier, &sums,
                                  &read, NULL) < 0)
                continue;
            for (uint32_t i = 1; i < sums->key_count; i++)
                at.sums += stands_in(sums->keys[i]);
            fl_rollup_free(sums);
        }
        if (fl_segment_rollup_users(seg, (enum fl_rollup_dim)dim, &users, &read, NULL) < 0)
            continue;
        for (uint32_t i = 1; i < users->user_count; i++)
            at.sums += stands_in(users->users[i]);
        fl_rollup_users_free(users);
    }
}

static void read_segment(int dir, const char *name)
{
    const struct fl_fieldset all = fl_fieldset_all();
    unsigned char key[FL_KEY_BYTES];
    struct fl_segment *seg = NULL;
    struct fl_segment_id id;
    uint64_t read = 0;

    if (fl_segment_identify(&fl_files_system, dir, name, &id, NULL) < 0 || id.tenant != at.tenant)
        return;
    if (at.ring->ops->file_get(at.ring, id.tenant, id.day, id.file_id, key, NULL) < 0 ||
        fl_segment_open(&fl_files_system, dir, &id, key, &seg, NULL) < 0) {
        at.no_key++;
        return;
    }
    at.segments++;
    for (uint32_t b = 0; b < fl_segment_foot(seg)->blocks; b++) {
        struct fl_block *block = NULL;

        if (fl_segment_load(seg, b, &all, &block, &read, NULL) < 0)
            continue;
        for (size_t f = 0; f < FL_FIELD_COUNT; f++) {
            const struct fl_col *col = &block->col[f];

            if (fl_fields[f].type != FL_T_STR || col->present == 0)
                continue;
            for (uint32_t i = 0; i < block->rows; i++)
                at.rows += col->code[i] != 0 && stands_in(col->words[col->code[i]]);
        }
        fl_block_free(block);
    }
    read_sums(seg);
    fl_segment_close(seg);
}

static int read_record(void *ctx, const struct fl_wal_record *rec, struct fl_err *err)
{
    (void)ctx, (void)err;
    if (rec->tenant != at.tenant)
        return 0;
    if (rec->body.len == 0 && rec->rows > 0) {
        at.no_key++;
        return 0;
    }
    at.records++;
    at.in_records += stands_in(rec->body);
    return 0;
}

static void read_baseline(int dir, const char *name)
{
    unsigned char key[FL_KEY_BYTES];
    struct fl_baseline head;

    if (fl_baseline_identify(&fl_files_system, dir, name, &head, NULL) < 0 ||
        head.tenant != at.tenant)
        return;
    if (at.ring->ops->file_get(at.ring, head.tenant, head.day, head.file_id, key, NULL) < 0)
        at.no_key++;
    else
        at.baselines++;
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n > m && strcmp(name + n - m, end) == 0;
}

static void read_clear(int dir, const char *name)
{
    struct fl_buf bytes;

    fl_buf_init(&bytes, (size_t)1 << 30);
    if (fl_file_read(dir, name, &bytes, NULL) >= 0)
        at.clear += stands_in(fl_buf_span(&bytes));
    fl_buf_done(&bytes);
}

static void walk(int dir)
{
    DIR *list = fdopendir(dir);

    for (struct dirent *e; list != NULL && (e = readdir(list)) != NULL;) {
        struct fl_wal_reading sum;
        struct fl_marks marks = {0};
        int sub;

        if (e->d_name[0] == '.')
            continue;
        sub = openat(dir, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (sub >= 0) {
            walk(sub);
            continue;
        }
        read_clear(dir, e->d_name);
        if (ends_in(e->d_name, ".seg"))
            read_segment(dir, e->d_name);
        else if (ends_in(e->d_name, ".base"))
            read_baseline(dir, e->d_name);
        else if (ends_in(e->d_name, ".wal"))
            (void)!fl_wal_read(&fl_files_system, dir, e->d_name, true, at.ring, read_record, NULL,
                               &marks, &sum, NULL);
    }
    if (list != NULL)
        (void)closedir(list);
}

int main(int argc, char **argv)
{
    unsigned char public[32], secret[64];
    struct fl_keytable_config config = {.sign_secret = secret, .now_us = no_clock};
    struct fl_keytable *table = NULL;
    struct fl_err err = {0};
    int store;

    if (argc != 5 || sodium_init() < 0) {
        (void)fprintf(stderr, "usage: store_reader KEYS STORE TENANT WORD\n");
        return 2;
    }
    (void)crypto_sign_keypair(public, secret);
    config.dir_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    store = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    at.tenant = (uint32_t)strtoul(argv[3], NULL, 10);
    at.word = fl_span_str(argv[4]);
    if (config.dir_fd < 0 || store < 0 ||
        fl_root_file_open(config.dir_fd, false, &config.root, &err) < 0 ||
        fl_keytable_open(&config, &table, &err) < 0) {
        (void)printf("{\"opens\":false,\"why\":\"%s\"}\n", err.text);
        fl_root_free(config.root);
        return 1;
    }
    at.ring = fl_keytable_keyring(table);
    walk(store);
    (void)printf("{\"opens\":true,\"segments\":%u,\"records\":%u,\"baselines\":%u,\"no_key\":%u,"
                 "\"in_rows\":%u,\"in_sums\":%u,\"in_records\":%u,\"in_clear\":%u}\n",
                 at.segments, at.records, at.baselines, at.no_key, at.rows, at.sums, at.in_records,
                 at.clear);
    fl_keytable_free(table);
    fl_root_free(config.root);
    return 0;
}
