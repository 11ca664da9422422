/*
 * cap_sign.h - enveloped XML signatures of CAP alerts (CAP 1.2, 3.3.4.1; W3C xmldsig-core1).
 *
 * The signer's certificate must be one of those known, or be issued under one of them, at the time
 * of `sent`. Only a reference to the whole alert counts, through the enveloped-signature transform
 * and canonicalizations; nothing is fetched. SHA-1 is taken, as agencies still use it: a forger
 * would need a second message of the same digest, or an agency that signs his words. MD5 is not. Of
 * several signatures each is checked with the others and without them, as some senders add theirs
 * later. Not from two threads at once (xmlsec is set up by the first call).
 */
#ifndef FL_CODEC_CAP_SIGN_H
#define FL_CODEC_CAP_SIGN_H

#include "base/err.h"
#include "base/span.h"

/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): libxml2's name */
struct _xmlNode;
struct fl_cap_trust;

enum fl_cap_signed {
    FL_CAP_UNSIGNED,
    FL_CAP_UNVERIFIED, /* the signer is not known, or the method is too weak */
    FL_CAP_VERIFIED,   /* all of it is as a known signer signed it */
    FL_CAP_FAILED      /* names a known signer, and is not as that one signed it */
};

#define FL_CAP_TRUST_MAX 64u /* certificates */

/* Certificates in PEM, one behind the other. FL_E_INVAL names which is none. */
int fl_cap_trust_new(struct fl_span pem, struct fl_cap_trust **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_cap_trust_free(struct fl_cap_trust *trust); /* NULL is allowed */
static inline void fl_cap_trust_freep(struct fl_cap_trust **trust)
{
    fl_cap_trust_free(*trust);
}

/* alert: the element; it is copied out of its document. trust NULL: nobody is known. FL_E_NOMEM. */
int fl_cap_signature(struct _xmlNode *alert, int64_t sent_us, const struct fl_cap_trust *trust,
                     enum fl_cap_signed *ret, struct fl_err *err) FL_MUST_CHECK;

#endif
