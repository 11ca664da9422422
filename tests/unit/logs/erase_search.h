/* erase_search.h - where a person stands in the files of a store, with the keys of one keyring; and
 * which rows of test_erase.c name them. */
#ifndef FL_TESTS_ERASE_SEARCH_H
#define FL_TESTS_ERASE_SEARCH_H

#include "logs/baseline.h"
#include "logs/erase_rule.h"
#include "logs/segment.h"
#include "logs/wal.h"
#include "powerfs.h"

enum { TENANT = 3, OTHER = 4, ROWS = 400, DAYS = 3, KINDS = 20, LAST = 5000 };
#define SESSION_BASE UINT64_C(0x5e551047a0000000)
#define PERSON       "j.doe"

/* Does row `no` name the person? By what, tells no % KINDS. */
static inline bool names_person(uint64_t no)
{
    return no % KINDS < 7;
}

static inline bool names_in(const struct fl_event *ev)
{
    for (size_t f = 0; f < FL_FIELD_COUNT; f++)
        if (fl_fields[f].type == FL_T_STR && fl_event_has(ev, (enum fl_field)f) &&
            f != FL_F_EXTRA && fl_erase_has_word(ev->v[f].str, FL_SPAN(PERSON)))
            return true;
    return fl_event_has(ev, FL_F_EXTRA) &&
           memmem(ev->v[FL_F_EXTRA].str.ptr, ev->v[FL_F_EXTRA].str.len, PERSON, strlen(PERSON)) !=
               NULL;
}

/* ---- the search, file by file, with a keyring ---- */

struct search {
    const struct fl_files *fs;
    struct powerfs *disk;
    struct fl_keyring *ring;
    unsigned segments, logs, baselines;           /* opened */
    unsigned in_rows, in_sums, in_logs, in_bases; /* found in */
    unsigned clear;                               /* in clear in a file's bytes */
};

static inline void search_sums(struct search *s, struct fl_segment *seg)
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
                s->in_sums += fl_erase_has_word(sums->keys[i], FL_SPAN(PERSON));
            fl_rollup_free(sums);
        }
        if (fl_segment_rollup_users(seg, (enum fl_rollup_dim)dim, &users, &read, NULL) < 0)
            continue;
        for (uint32_t i = 1; i < users->user_count; i++)
            s->in_sums += fl_erase_has_word(users->users[i], FL_SPAN(PERSON));
        fl_rollup_users_free(users);
    }
}

static inline void search_segment(struct search *s, int dir, const char *name)
{
    const struct fl_fieldset all = fl_fieldset_all();
    unsigned char key[FL_KEY_BYTES];
    struct fl_segment *seg = NULL;
    struct fl_segment_id id;
    uint64_t read = 0;

    if (fl_segment_identify(s->fs, dir, name, &id, NULL) < 0 || id.tenant != TENANT ||
        s->ring->ops->file_get(s->ring, id.tenant, id.day, id.file_id, key, NULL) < 0 ||
        fl_segment_open(s->fs, dir, &id, key, &seg, NULL) < 0)
        return;
    s->segments++;
    for (uint32_t b = 0; b < fl_segment_foot(seg)->blocks; b++) {
        struct fl_block *block = NULL;
        struct fl_event ev;

        if (fl_segment_load(seg, b, &all, &block, &read, NULL) < 0)
            abort();
        for (uint32_t row = 0; row < block->rows; row++) {
            fl_block_row(block, row, &ev);
            s->in_rows += names_in(&ev);
        }
        fl_block_free(block);
    }
    search_sums(s, seg);
    fl_segment_close(seg);
}

static inline int search_record(void *ctx, const struct fl_wal_record *rec, struct fl_err *err)
{
    struct search *s = ctx;

    (void)err;
    if (rec->tenant != TENANT || rec->body.len == 0)
        return 0;
    s->logs++;
    for (size_t i = 0; i + strlen(PERSON) <= rec->body.len; i++) /* batches keep their words */
        if (memcmp(rec->body.ptr + i, PERSON, strlen(PERSON)) == 0 &&
            fl_erase_has_word(
                fl_span_of(rec->body.ptr + (i < 8 ? 0 : i - 8), strlen(PERSON) + (i < 8 ? i : 8)),
                FL_SPAN(PERSON))) {
            s->in_logs++;
            break;
        }
    return 0;
}

static inline void search_log(struct search *s, int dir, const char *name)
{
    struct fl_wal_reading sum;
    struct fl_marks marks = {0};

    if (fl_wal_read(s->fs, dir, name, true, s->ring, search_record, s, &marks, &sum, NULL) < 0)
        return;
}

static inline void search_baseline(struct search *s, int dir, const char *name)
{
    const uint64_t living = SESSION_BASE + (1 << 20);
    struct fl_sessions *sessions;
    unsigned char key[FL_KEY_BYTES];
    struct fl_baseline head;
    struct fl_buf state;

    if (fl_baseline_identify(s->fs, dir, name, &head, NULL) < 0 || head.tenant != TENANT ||
        s->ring->ops->file_get(s->ring, head.tenant, head.day, head.file_id, key, NULL) < 0)
        return;
    fl_buf_init(&state, 1 << 24);
    if (fl_sessions_new(10000, &sessions, NULL) < 0 ||
        fl_baseline_read(s->fs, dir, name, key, sessions, &head, NULL) < 0)
        abort();
    s->baselines++;
    fl_sessions_save(sessions, &state);
    s->in_bases += memmem(state.ptr, state.len, &living, 8) != NULL;
    for (uint64_t no = 0; no < DAYS * ROWS; no++) {
        const uint64_t session = SESSION_BASE + no;

        if (names_person(no))
            s->in_bases += memmem(state.ptr, state.len, &session, 8) != NULL;
    }
    fl_sessions_free(sessions);
    fl_buf_done(&state);
}

static inline void search_clear(struct search *s, int dir, const char *name)
{
    static unsigned char bytes[1 << 22];
    uint64_t size = 0;
    int fd;

    if (fl_files_open(s->fs, dir, name, FL_FILE_READ, &fd, NULL) < 0)
        return;
    if (fl_files_size(s->fs, fd, &size, NULL) >= 0 && size <= sizeof bytes &&
        fl_files_read(s->fs, fd, bytes, (size_t)size, 0, NULL) >= 0)
        s->clear += memmem(bytes, size, PERSON, strlen(PERSON)) != NULL;
    fl_files_close(s->fs, fd);
}

static inline void search_file(void *ctx, const char *path, uint64_t bytes)
{
    struct search *s = ctx;
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    char folders[200];
    int dir = powerfs_root(s->disk);

    (void)bytes;
    (void)snprintf(folders, sizeof folders, "%.*s", slash == NULL ? 0 : (int)(slash - path), path);
    for (char *save = NULL, *part = strtok_r(folders, "/", &save); part != NULL;
         part = strtok_r(NULL, "/", &save))
        if (fl_files_open(s->fs, dir, part, FL_FILE_FOLDER, &dir, NULL) < 0)
            abort();
    search_clear(s, dir, name);
    if (strstr(name, ".seg") != NULL)
        search_segment(s, dir, name);
    else if (strstr(name, ".wal") != NULL)
        search_log(s, dir, name);
    else if (strstr(name, ".base") != NULL)
        search_baseline(s, dir, name);
}

static inline struct search search(struct powerfs *disk, struct fl_keyring *ring)
{
    struct search s = {.fs = powerfs_files(disk), .disk = disk, .ring = ring};

    powerfs_each(disk, search_file, &s);
    return s;
}

static inline unsigned found(const struct search *s)
{
    return s->in_rows + s->in_sums + s->in_logs + s->in_bases + s->clear;
}

static inline void tell(const char *what, const struct search *s)
{
    printf("# %s: opened %u segments, %u records of logs, %u baselines; found in %u rows, %u sums, "
           "%u records, %u sessions, %u in clear\n",
           what, s->segments, s->logs, s->baselines, s->in_rows, s->in_sums, s->in_logs,
           s->in_bases, s->clear);
}

#endif
