#include "trust/destroyed.h"

#include <sodium.h>
#include <string.h>

enum { TEXT_MAX = 1024 };

int fl_destroyed_text(uint32_t tenant, int32_t day, const unsigned char *file_id, const char *why,
                      const struct fl_destroyed *d, struct fl_buf *out, struct fl_err *err)
{
    static const unsigned char none[FL_FILE_ID_BYTES];
    struct fl_span reason = fl_span_str(why);

    if (reason.len > FL_DESTROYED_WHY_MAX)
        return fl_err_set(err, FL_E_LIMIT, "a reason has at most %u bytes", FL_DESTROYED_WHY_MAX);
    fl_buf_put_str(out, "fairlead destruction v1");
    fl_buf_put_u32(out, tenant);
    fl_buf_put_u32(out, (uint32_t)day);
    fl_buf_put_u8(out, file_id != NULL);
    fl_buf_put(out, file_id != NULL ? file_id : none, FL_FILE_ID_BYTES);
    fl_buf_put_u64(out, d->keys);
    fl_buf_put_u32(out, d->epoch);
    fl_buf_put_u64(out, (uint64_t)d->at_us);
    fl_buf_put_lv(out, fl_span_str(d->root_kind));
    fl_buf_put_lv(out, reason);
    return fl_buf_status(out, err);
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
    if (r < 0)
        return r;
    if (crypto_sign_verify_detached(d->signature, text.ptr, text.len, public_key) != 0)
        return fl_err_set(
            err, FL_E_DENIED,
            "the certificate of destruction is not signed by this key, or was changed");
    return FL_OK;
}
