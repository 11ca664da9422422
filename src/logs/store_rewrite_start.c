/* Replaced segments at a start: declared in store_rewrite.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logs/store_rewrite.h"
#include "logs/store_swap.h"

struct found {
    unsigned char (*id)[FL_FILE_ID_BYTES];
    size_t count, cap;
};

static int note_swap(void *ctx, const char *name, bool folder)
{
    struct found *f = ctx;
    unsigned char id[FL_FILE_ID_BYTES];

    if (folder || strlen(name) != 37 || strcmp(name + 32, ".swap") != 0 || !fl_id_parse(name, id))
        return 0;
    if (f->count == f->cap) {
        size_t cap = f->cap == 0 ? 16 : f->cap * 2;
        void *grown = realloc(f->id, cap * sizeof *f->id);

        if (grown == NULL)
            return -ENOMEM;
        f->id = grown;
        f->cap = cap;
    }
    memcpy(f->id[f->count++], id, sizeof id);
    return 0;
}

static int read_swap(struct fl_store *s, int dir, const char *name, struct fl_swap *ret,
                     struct fl_err *err)
{
    const struct fl_files *fs = s->conf.files;
    unsigned char bytes[FL_SWAP_MAX_BYTES];
    uint64_t size = 0;
    int fd, r = fl_files_open(fs, dir, name, FL_FILE_READ, &fd, err);

    if (r < 0)
        return r;
    r = fl_files_size(fs, fd, &size, err);
    if (r >= 0 && size > sizeof bytes)
        r = fl_err_set(err, FL_E_CORRUPT, "%s has %llu bytes", name, (unsigned long long)size);
    if (r >= 0)
        r = fl_files_read(fs, fd, bytes, (size_t)size, 0, err);
    fl_files_close(fs, fd);
    return r < 0 ? r : fl_swap_decode(fl_span_of(bytes, (size_t)size), ret, err);
}

/* Does the new segment open? 1 or 0; what the keyring or the disk refuses is an error. */
static int is_whole(struct fl_store *s, int dir, const struct fl_swap *swap, struct fl_err *err)
{
    struct fl_keyring *keys = s->conf.keyring;
    struct fl_segment_id id = {.tenant = 0};
    char name[FL_SEGMENT_NAME_BYTES];
    unsigned char key[FL_KEY_BYTES];
    struct fl_segment *seg = NULL;
    int r;

    fl_segment_name(swap->id, name);
    r = fl_segment_identify(s->conf.files, dir, name, &id, err);
    if (r >= 0 && (id.tenant != swap->tenant || id.day != swap->day ||
                   memcmp(id.file_id, swap->id, sizeof id.file_id) != 0))
        return 0;
    if (r >= 0)
        r = keys->ops->file_get(keys, id.tenant, id.day, id.file_id, key, err);
    if (r >= 0)
        r = fl_segment_open(s->conf.files, dir, &id, key, &seg, err);
    explicit_bzero(key, sizeof key);
    fl_segment_close(seg);
    if (r == FL_E_NOENT || r == FL_E_CORRUPT)
        return 0;
    return r < 0 ? r : 1;
}

static bool is_there(struct fl_store *s, int dir, const unsigned char *file_id)
{
    char name[FL_SEGMENT_NAME_BYTES];
    int fd;

    fl_segment_name(file_id, name);
    if (fl_files_open(s->conf.files, dir, name, FL_FILE_READ, &fd, NULL) < 0)
        return false;
    fl_files_close(s->conf.files, fd);
    return true;
}

static int go_forward(struct fl_store *s, const char *slug, const struct fl_swap *swap,
                      struct fl_err *err)
{
    struct fl_retired *to = s->retiring;
    uint32_t count = swap->count + swap->nothing; /* the one without rows has a key */
    int r = fl_retired_reserve(to, count, err);

    for (uint32_t i = 0; i < count && r >= 0; i++) {
        struct fl_retired_seg *seg = &to->seg[to->count++];

        *seg = (struct fl_retired_seg){.tenant = swap->tenant, .day = swap->day};
        memcpy(seg->file_id, i < swap->count ? swap->old[i] : swap->id, sizeof seg->file_id);
        memcpy(seg->swap, swap->id, sizeof seg->swap);
        if (!swap->nothing)
            memcpy(seg->by, swap->id, sizeof seg->by);
        (void)snprintf(seg->slug, sizeof seg->slug, "%.63s", slug);
    }
    return r;
}

/* Those without a key: they were destroyed, and the power went before the bytes did. */
static int unlink_dead(struct fl_store *s, int dir, const struct fl_swap *swap, struct fl_err *err)
{
    struct fl_keyring *keys = s->conf.keyring;
    unsigned char key[FL_KEY_BYTES];
    char name[FL_SEGMENT_NAME_BYTES];
    uint32_t dead = 0;
    int r = FL_OK;

    for (uint32_t i = 0; i <= swap->count && r >= 0; i++) {
        const unsigned char *id = i < swap->count ? swap->old[i] : swap->id;

        r = keys->ops->file_get(keys, swap->tenant, swap->day, id, key, err);
        explicit_bzero(key, sizeof key);
        if (r != FL_E_NOENT)
            continue;
        fl_segment_name(id, name);
        r = fl_files_unlink(s->conf.files, dir, name, false, err);
        dead++;
    }
    return r < 0 || dead == 0 ? r : fl_files_sync_dir(s->conf.files, dir, err);
}

/* The old ones count. What there is of the new one goes, unless an old one is missing already: then
 * it was damaged later, and stays for a person to look at. */
static int go_back(struct fl_store *s, int dir, const char *name, const struct fl_swap *swap,
                   struct fl_err *err)
{
    struct fl_keyring *keys = s->conf.keyring;
    struct fl_key_file file = {.day = swap->day};
    struct fl_destroyed gone;
    char seg[FL_SEGMENT_NAME_BYTES];
    bool all = true;
    int r = FL_OK;

    for (uint32_t i = 0; i < swap->count; i++)
        all = all && is_there(s, dir, swap->old[i]);
    r = unlink_dead(s, dir, swap, err);
    if (r >= 0 && all) {
        memcpy(file.file_id, swap->id, sizeof file.file_id);
        r = keys->ops->destroy_files(keys, swap->tenant, &file, 1, "rewrite not finished", &gone,
                                     err);
        fl_segment_name(swap->id, seg);
        if (r >= 0)
            r = fl_files_unlink(s->conf.files, dir, seg, false, err);
    }
    return r < 0 ? r : fl_files_unlink(s->conf.files, dir, name, false, err);
}

static int settle(struct fl_store *s, int dir, const char *slug, int32_t day,
                  const unsigned char *id, struct fl_err *err)
{
    struct fl_swap *swap = calloc(1, sizeof *swap);
    char name[FL_SWAP_NAME_BYTES];
    int r;

    if (swap == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a .swap file");
    fl_swap_name(id, name);
    r = read_swap(s, dir, name, swap, err);
    if (r >= 0 && (swap->day != day || memcmp(swap->id, id, sizeof swap->id) != 0))
        r = fl_err_set(err, FL_E_CORRUPT, "%s belongs elsewhere", name);
    if (r >= 0)
        r = swap->nothing ? 1 : is_whole(s, dir, swap, err);
    if (r > 0)
        r = go_forward(s, slug, swap, err);
    else if (r == 0)
        r = go_back(s, dir, name, swap, err);
    free(swap);
    if (r == FL_E_CORRUPT) { /* it was written whole: whichever segments there are count */
        s->sum.damaged++;
        return FL_OK;
    }
    return r;
}

int fl_store_swaps(struct fl_store *s, int dir, const char *slug, int32_t day, struct fl_err *err)
{
    struct found found = {NULL, 0, 0};
    int r = s->conf.files->list(s->conf.files, dir, note_swap, &found);

    if (r < 0)
        r = fl_err_sys(err, FL_E_IO, -r, "cannot list a folder");
    for (size_t i = 0; i < found.count && r >= 0; i++)
        r = settle(s, dir, slug, day, found.id[i], err);
    free(found.id);
    return r;
}
