/*
 * mask.h - rows for whoever may not see personal data: names as pseudonyms, inside addresses by
 * their first half, texts without what names a person.
 *
 *   user       `user 7f3a9c01`: 32 bits of HMAC-SHA-256 over the name, under a random key of the
 *              tenant. The same over all days, other than in any other tenant, and nobody's any
 *              more when the tenant's keys are destroyed. Two names in 4 billion share one.
 *   addresses  10.42.•.• and 2001:db8:1:•:•:•:•:• - private ones of either side, and every IPv6
 *              source (behind which no translation hides the person)
 *   URLs       without what stands behind the ?
 *   texts      (message, parameters without a column, the line itself) lose the row's own user
 *              name, inside addresses, e-mail names, values of parameters about users. A line that
 *              no vendor's parser took apart is hidden whole: nobody can say where in it names are.
 *
 * A condition may look only at what is shown, or it would tell by yes and no: names by pseudonym,
 * addresses by the half that is shown, URLs without their query; free words look at URLs alone.
 * Conditions on hidden texts, and groups by them, are refused with what to do.
 *
 * One thread; strings that come out are borrowed until the next call, or from the row's arena.
 */
#ifndef FL_LOGS_MASK_H
#define FL_LOGS_MASK_H

#include "base/buf.h"
#include "codec/filter.h"
#include "trust/keyring.h"

#define FL_MASK_KEY_BYTES  FL_KEY_BYTES
#define FL_MASK_NAME_BYTES 16 /* "user 7f3a9c01" and its NUL, with room */
#define FL_MASK_TEXT_BYTES 64 /* a hidden address and its NUL */
#define FL_MASK_HIDDEN     "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"

struct fl_mask;

/* The tenant's key, made when it has none. It is a key of the tenant that belongs to no day. */
int fl_mask_key(struct fl_keyring *keyring, uint32_t tenant,
                unsigned char ret_key[FL_MASK_KEY_BYTES], struct fl_err *err) FL_MUST_CHECK;
/* Is this that key's name? Keys of files that are no longer there are destroyed; this one stays. */
bool fl_mask_is_key(int32_t day, const unsigned char id[FL_FILE_ID_BYTES]);

int fl_mask_new(const unsigned char key[FL_MASK_KEY_BYTES], struct fl_mask **ret,
                struct fl_err *err) FL_MUST_CHECK;
void fl_mask_free(struct fl_mask *mask); /* wipes; NULL is allowed */

/* A name's pseudonym. */
struct fl_span fl_mask_name(struct fl_mask *mask, struct fl_span name);
/* Is the address hidden in part in this column? */
bool fl_mask_hides_ip(enum fl_field field, const unsigned char ip[16]);
/* The half that is shown; never 16 bytes long, so that it is no address (codec/ecs.h). */
size_t fl_mask_ip(const unsigned char ip[16], char text[FL_MASK_TEXT_BYTES]);

/* ---- one row ---- */

/* The columns that fl_mask_event() looks at besides those it hides. */
void fl_mask_fields(struct fl_fieldset *add_to);
/*
 * Hide in place. original: FL_F_RAW becomes the line as it may be shown, and FL_F_SHAPE goes.
 * Strings are from ev->arena. FL_E_NOMEM.
 */
int fl_mask_event(struct fl_mask *mask, struct fl_event *ev, bool original, struct fl_err *err)
    FL_MUST_CHECK;

/* ---- groups ---- */

/* FL_E_DENIED: its values are hidden as a whole. */
int fl_mask_may_group(enum fl_field field, struct fl_err *err) FL_MUST_CHECK;
/* The key of a group (as stored) as it is shown. buf holds FL_MASK_TEXT_BYTES. */
struct fl_span fl_mask_group(struct fl_mask *mask, enum fl_field field, struct fl_span key,
                             char buf[FL_MASK_TEXT_BYTES]);

/* ---- conditions ---- */

/*
 * Make the tree look at what is shown. mask NULL: personal data is shown; then only pseudonyms of
 * `names` are resolved, as links from masked screens have them. FL_E_DENIED says which condition
 * cannot be asked and what can. *ret_narrowed: free words look at less than they would.
 */
int fl_mask_filter(struct fl_mask *mask, struct fl_mask *names, struct fl_filter *filter,
                   bool *ret_narrowed, struct fl_err *err) FL_MUST_CHECK;

/* ---- texts (mask_text.c; pure) ---- */

struct fl_mask_row {
    struct fl_span user;        /* in lower case; "": none */
    const unsigned char *ip[2]; /* the row's source addresses; NULL: none */
};
void fl_mask_text(const struct fl_mask_row *row, struct fl_span text, struct fl_buf *out);
/* Is it a parameter's name under which a person stands? */
bool fl_mask_is_personal(struct fl_span name);

#endif
