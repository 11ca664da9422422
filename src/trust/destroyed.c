#include "trust/destroyed.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1024 };

static int check_why(struct fl_span reason, struct fl_err *err)
{
    if (reason.len <= FL_DESTROYED_WHY_MAX)
        return FL_OK;
    return fl_err_set(err, FL_E_LIMIT, "a reason has at most %u bytes", FL_DESTROYED_WHY_MAX);
}

/* What both kinds end with. */
static int put_end(const char *why, const struct fl_destroyed *d, struct fl_buf *out,
                   struct fl_err *err)
{
    fl_buf_put_u64(out, d->keys);
    fl_buf_put_u32(out, d->epoch);
    fl_buf_put_u64(out, (uint64_t)d->at_us);
    fl_buf_put_lv(out, fl_span_str(d->root_kind));
    fl_buf_put_lv(out, fl_span_str(why));
    return fl_buf_status(out, err);
}

static int check_signature(const struct fl_buf *text, const struct fl_destroyed *d,
                           const unsigned char *public_key, struct fl_err *err)
{
    if (crypto_sign_verify_detached(d->signature, text->ptr, text->len, public_key) == 0)
        return FL_OK;
    return fl_err_set(err, FL_E_DENIED,
                      "the certificate of destruction is not signed by this key, or was changed");
}

int fl_destroyed_text(uint32_t tenant, int32_t day, const unsigned char *file_id, const char *why,
                      const struct fl_destroyed *d, struct fl_buf *out, struct fl_err *err)
{
    static const unsigned char none[FL_FILE_ID_BYTES];
    int r = check_why(fl_span_str(why), err);

    if (r < 0)
        return r;
    fl_buf_put_str(out, "fairlead destruction v1");
    fl_buf_put_u32(out, tenant);
    fl_buf_put_u32(out, (uint32_t)day);
    fl_buf_put_u8(out, file_id != NULL);
    fl_buf_put(out, file_id != NULL ? file_id : none, FL_FILE_ID_BYTES);
    return put_end(why, d, out, err);
}

int fl_destroyed_sign(uint32_t tenant, int32_t day, const unsigned char *file_id, const char *why,
                      const unsigned char *secret, struct fl_destroyed *d, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    int r;

    fl_buf_init(&text, TEXT_MAX);
    r = fl_destroyed_text(tenant, day, file_id, why, d, &text, err);
    if (r == 0)
        (void)crypto_sign_detached(d->signature, NULL, text.ptr, text.len, secret);
    return r;
}

int fl_destroyed_verify(uint32_t tenant, int32_t day, const unsigned char *file_id, const char *why,
                        const struct fl_destroyed *d, const unsigned char *public_key,
                        struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    int r;

    fl_buf_init(&text, TEXT_MAX);
    r = fl_destroyed_text(tenant, day, file_id, why, d, &text, err);
    return r < 0 ? r : check_signature(&text, d, public_key, err);
}

/* ---- lists of files ---- */

int fl_destroyed_files_cmp(const void *a, const void *b)
{
    const struct fl_key_file *l = a, *r = b;

    if (l->day != r->day)
        return l->day < r->day ? -1 : 1;
    return memcmp(l->file_id, r->file_id, FL_FILE_ID_BYTES);
}

uint32_t fl_destroyed_files_sort(struct fl_key_file *files, uint32_t count)
{
    uint32_t kept = 0;

    if (count > 1)
        qsort(files, count, sizeof *files, fl_destroyed_files_cmp);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || fl_destroyed_files_cmp(&files[kept - 1], &files[i]) != 0)
            files[kept++] = files[i];
    return kept;
}

static void put_digest(const struct fl_key_file *files, uint32_t count, struct fl_buf *out)
{
    crypto_hash_sha256_state state;
    unsigned char digest[crypto_hash_sha256_BYTES], day[4];

    (void)crypto_hash_sha256_init(&state);
    for (uint32_t i = 0; i < count; i++) {
        for (int b = 0; b < 4; b++)
            day[b] = (unsigned char)((uint32_t)files[i].day >> (8 * b));
        (void)crypto_hash_sha256_update(&state, day, sizeof day);
        (void)crypto_hash_sha256_update(&state, files[i].file_id, FL_FILE_ID_BYTES);
    }
    (void)crypto_hash_sha256_final(&state, digest);
    fl_buf_put(out, digest, sizeof digest);
}

int fl_destroyed_files_text(uint32_t tenant, const struct fl_key_file *files, uint32_t count,
                            const char *why, const struct fl_destroyed *d, struct fl_buf *out,
                            struct fl_err *err)
{
    struct fl_key_file *sorted = NULL;
    int r = check_why(fl_span_str(why), err);

    if (r == 0 && count > FL_KEY_FILES_MAX)
        r = fl_err_set(err, FL_E_LIMIT, "at most %u files in one destruction", FL_KEY_FILES_MAX);
    if (r < 0)
        return r;
    sorted = malloc((count == 0 ? 1 : count) * sizeof *sorted);
    if (sorted == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    if (count > 0)
        memcpy(sorted, files, count * sizeof *sorted);
    count = fl_destroyed_files_sort(sorted, count);
    fl_buf_put_str(out, "fairlead destruction v2");
    fl_buf_put_u32(out, tenant);
    fl_buf_put_u32(out, count);
    put_digest(sorted, count, out);
    free(sorted);
    return put_end(why, d, out, err);
}

int fl_destroyed_files_sign(uint32_t tenant, const struct fl_key_file *files, uint32_t count,
                            const char *why, const unsigned char *secret, struct fl_destroyed *d,
                            struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    int r;

    fl_buf_init(&text, TEXT_MAX);
    r = fl_destroyed_files_text(tenant, files, count, why, d, &text, err);
    if (r == 0)
        (void)crypto_sign_detached(d->signature, NULL, text.ptr, text.len, secret);
    return r;
}

int fl_destroyed_files_verify(uint32_t tenant, const struct fl_key_file *files, uint32_t count,
                              const char *why, const struct fl_destroyed *d,
                              const unsigned char *public_key, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    int r;

    fl_buf_init(&text, TEXT_MAX);
    r = fl_destroyed_files_text(tenant, files, count, why, d, &text, err);
    return r < 0 ? r : check_signature(&text, d, public_key, err);
}
