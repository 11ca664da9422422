/*
 * password.h - what a password must be, and how it is kept.
 *
 * Kept as Argon2id v1.3 (RFC 9106; libsodium, 64 MiB, 3 passes, 1 lane), as a PHC string. Before it
 * stands HMAC-SHA-256 under a key that only the keys role has (the pepper): the database alone
 * cannot be searched. One hash takes about 0.2 s and 64 MiB, so these run on the threads of
 * io/pool.h; the rest is quick. No clock, no files. Passwords are compared byte by byte:
 * whoever takes them in normalises them (NFC).
 */
#ifndef FL_TRUST_PASSWORD_H
#define FL_TRUST_PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define FL_PASSWORD_MIN          12u  /* code points */
#define FL_PASSWORD_MAX          256u /* code points */
#define FL_PASSWORD_BYTES_MAX    1024u
#define FL_PASSWORD_WORD_MIN     4u /* bytes of a context word; shorter ones are not looked for */
#define FL_PASSWORD_STRENGTH_MIN 8u /* fl_password_strength() */
#define FL_PEPPER_BYTES          32
#define FL_PHC_MAX               128 /* with NUL */
#define FL_PASSWORD_HISTORY      5u  /* before the current one */
#define FL_TEMPORARY_TEXT_BYTES  24  /* with NUL */

struct fl_cost {
    uint32_t kib, passes;
};
#define FL_COST_NOW                                                                                \
    (struct fl_cost)                                                                               \
    {                                                                                              \
        .kib = 64 * 1024, .passes = 3                                                              \
    }

/*
 * Is it good enough? FL_E_INVAL: the text is the sentence for the person who chose it: length,
 * three of the four classes (upper, lower, digit, other), not one of the common ones, none of the
 * words (names, one a line).
 */
int fl_password_check(struct fl_span password, struct fl_span words, struct fl_err *err)
    FL_MUST_CHECK;

/*
 * Roughly how many characters somebody who guesses would have to find: a common word, a sequence
 * ("6789"), a walk over the keyboard and a repeated letter count as two, a year as one, and what is
 * a repetition as a whole counts once. It stops counting at 64.
 */
unsigned fl_password_strength(struct fl_span password);

/* Made by chance, 20 characters (113 bits), without those that look alike. */
void fl_password_temporary(char ret[FL_TEMPORARY_TEXT_BYTES]);

/* What a PHC string says. FL_E_CORRUPT: not Argon2id v19 with one lane, 16 bytes of salt and 32 of
 * tag, or over 256 MiB or 16 passes: then it is not hashed. */
int fl_phc_parse(struct fl_span phc, struct fl_cost *ret, struct fl_err *err) FL_MUST_CHECK;
/* Was it made with less than the cost? Then the next sign-in replaces it. */
bool fl_phc_is_weak(const char *phc, struct fl_cost cost);
/* One that no password fits and that takes as long: for names that are not there. */
void fl_phc_dummy(struct fl_cost cost, char ret[FL_PHC_MAX]);

/* FL_E_NOMEM. */
int fl_password_hash(const unsigned char pepper[FL_PEPPER_BYTES], struct fl_span password,
                     struct fl_cost cost, char ret[FL_PHC_MAX], struct fl_err *err) FL_MUST_CHECK;
/* FL_E_DENIED: not this one. FL_E_CORRUPT, FL_E_NOMEM: it could not be told. */
int fl_password_verify(const unsigned char pepper[FL_PEPPER_BYTES], struct fl_span password,
                       const char *phc, struct fl_err *err) FL_MUST_CHECK;

/* password_words.c: words that people take, in lower case, without digits. */
extern const char *const fl_password_words[];
extern const unsigned fl_password_word_count;

#endif
