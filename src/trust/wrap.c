#include "trust/wrap.h"

#include <string.h>

#include "base/rand.h"
#include "io/aead.h"

int fl_wrap_seal(const unsigned char key[FL_KEY_BYTES], struct fl_span bound, struct fl_span plain,
                 unsigned char *ret, struct fl_err *err)
{
    FL_AUTO(fl_aead_freep) struct fl_aead *aead = NULL;
    int r = fl_aead_new(&aead, err);

    if (r < 0)
        return r;
    fl_random(ret, FL_AEAD_NONCE_BYTES);
    return fl_aead_seal(aead, key, ret, bound, plain, ret + FL_AEAD_NONCE_BYTES,
                        ret + FL_AEAD_NONCE_BYTES + plain.len, err);
}

int fl_wrap_open(const unsigned char key[FL_KEY_BYTES], struct fl_span bound, struct fl_span sealed,
                 unsigned char *ret, struct fl_err *err)
{
    FL_AUTO(fl_aead_freep) struct fl_aead *aead = NULL;
    size_t len;
    int r;

    if (sealed.len < FL_WRAP_EXTRA)
        return fl_err_set(err, FL_E_CORRUPT, "%zu bytes are not a wrapped key", sealed.len);
    len = sealed.len - FL_WRAP_EXTRA;
    r = fl_aead_new(&aead, err);
    if (r < 0)
        return r;
    r = fl_aead_open(aead, key, sealed.ptr, bound,
                     fl_span_of(sealed.ptr + FL_AEAD_NONCE_BYTES, len), ret,
                     sealed.ptr + FL_AEAD_NONCE_BYTES + len, err);
    if (r == FL_E_CORRUPT)
        return fl_err_set(err, r, "not wrapped by this key for this use, or changed since");
    return r;
}
