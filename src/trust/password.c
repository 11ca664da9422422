#include "trust/password.h"

#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "codec/utf8.h"
#include "io/aead.h"

enum { SALT_BYTES = 16, TAG_BYTES = 32 };
enum { ENOUGH = 64 };                           /* strength: more is not told */
enum { KIB_MAX = 256 * 1024, PASSES_MAX = 16 }; /* of a stored hash */

/* ---- length and classes ---- */

struct shape {
    size_t points;
    bool upper, lower, digit, other;
};

static bool take_shape(struct fl_span password, struct shape *ret)
{
    struct shape s = {0};
    size_t at = 0;

    while (at < password.len) {
        unsigned char c = password.ptr[at];
        size_t n = fl_utf8_at(password.ptr + at, password.len - at);

        if (n == 0)
            return false;
        s.upper |= c >= 'A' && c <= 'Z';
        s.lower |= c >= 'a' && c <= 'z';
        s.digit |= c >= '0' && c <= '9';
        s.other |= c >= 0x80 || !isalnum(c);
        s.points++;
        at += n;
    }
    *ret = s;
    return true;
}

/* ---- how hard to guess ---- */

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

/* Does c stand for the letter, as it is or as people disguise it? */
static bool stands_for(unsigned char c, char letter)
{
    static const struct {
        char letter;
        const char *disguises;
    } table[] = {{'a', "@4"}, {'b', "8"}, {'e', "3"},  {'g', "9"},  {'i', "1!|"},
                 {'l', "1!"}, {'o', "0"}, {'s', "$5"}, {'t', "7+"}, {'z', "2"}};

    if (lower(c) == (unsigned char)letter)
        return true;
    for (size_t i = 0; i < FL_LEN(table); i++)
        if (table[i].letter == letter)
            return c != '\0' && strchr(table[i].disguises, c) != NULL;
    return false;
}

static size_t word_at(struct fl_span p, size_t at, const char *word)
{
    size_t len = strlen(word);

    if (len > p.len - at)
        return 0;
    for (size_t i = 0; i < len; i++)
        if (!stands_for(p.ptr[at + i], word[i]))
            return 0;
    return len;
}

static size_t common_at(struct fl_span p, size_t at)
{
    size_t best = 0;

    for (unsigned i = 0; i < fl_password_word_count; i++) {
        size_t len = word_at(p, at, fl_password_words[i]);

        best = len > best ? len : best;
    }
    return best;
}

/* "aaaa", "6789", "cba": steps of 0, 1 or -1, three or more. */
static size_t sequence_at(struct fl_span p, size_t at)
{
    size_t n = 1;
    int step;

    if (at + 1 >= p.len)
        return 0;
    step = lower(p.ptr[at + 1]) - lower(p.ptr[at]);
    if (step < -1 || step > 1)
        return 0;
    while (at + n < p.len && lower(p.ptr[at + n]) - lower(p.ptr[at + n - 1]) == step)
        n++;
    return n >= 3 ? n : 0;
}

/* Along a row or a column of a keyboard, either way, four or more. */
static size_t walk_at(struct fl_span p, size_t at)
{
    static const char *const walks[] = {"qwertyuiopasdfghjklzxcvbnm",
                                        "qwertzuiopasdfghjklyxcvbnm",
                                        "azertyuiopqsdfghjklmwxcvbn",
                                        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p",
                                        "1q2w3e4r5t6y7u8i9o0p",
                                        "zaq12wsxcde34rfvbgt56yhnmju78ik,.lo90p",
                                        "!@#$%^&*()",
                                        "!\"$%&/()=",
                                        "mnbvcxzlkjhgfdsapoiuytrewq"};
    size_t best = 0;

    for (size_t w = 0; w < FL_LEN(walks); w++) {
        for (const char *from = walks[w]; *from != '\0'; from++) {
            size_t n = 0;

            while (at + n < p.len && from[n] != '\0' &&
                   lower(p.ptr[at + n]) == (unsigned char)from[n])
                n++;
            best = n > best ? n : best;
        }
    }
    return best >= 4 ? best : 0;
}

static size_t year_at(struct fl_span p, size_t at)
{
    if (p.len - at < 4 || (memcmp(p.ptr + at, "19", 2) != 0 && memcmp(p.ptr + at, "20", 2) != 0))
        return 0;
    return isdigit(p.ptr[at + 2]) && isdigit(p.ptr[at + 3]) ? 4 : 0;
}

/* The length of the piece that repeats to make the whole; the whole where there is none. */
static size_t period_of(struct fl_span p)
{
    for (size_t period = 1; period <= p.len / 2; period++) {
        size_t i = period;

        while (i < p.len && lower(p.ptr[i]) == lower(p.ptr[i - period]))
            i++;
        if (i == p.len)
            return period;
    }
    return p.len;
}

unsigned fl_password_strength(struct fl_span p)
{
    unsigned strength = 0;
    size_t at = 0;

    p.len = period_of(p);
    while (at < p.len && strength < ENOUGH) {
        size_t year = year_at(p, at), piece = common_at(p, at), n = sequence_at(p, at);

        piece = n > piece ? n : piece;
        n = walk_at(p, at);
        piece = n > piece ? n : piece;
        if (piece > year) {
            strength += 2;
            at += piece;
        } else if (year > 0) {
            strength += 1;
            at += year;
        } else {
            size_t one = fl_utf8_at(p.ptr + at, p.len - at);

            strength += 1;
            at += one == 0 ? 1 : one;
        }
    }
    return strength;
}

/* ---- words of the place ---- */

static bool holds(struct fl_span p, struct fl_span word)
{
    char text[64];

    if (word.len < FL_PASSWORD_WORD_MIN || word.len >= sizeof text)
        return false;
    for (size_t i = 0; i < word.len; i++)
        text[i] = (char)lower(word.ptr[i]);
    text[word.len] = '\0';
    for (size_t at = 0; at + word.len <= p.len; at++)
        if (word_at(p, at, text) > 0)
            return true;
    return false;
}

static bool is_word_byte(unsigned char c)
{
    return c >= 0x80 || isalnum(c);
}

/* Each piece of letters and digits that the password holds; the first is written to *ret. */
static bool holds_any(struct fl_span p, struct fl_span words, struct fl_span *ret)
{
    size_t at = 0;

    while (at < words.len) {
        size_t end = at;

        while (end < words.len && is_word_byte(words.ptr[end]))
            end++;
        *ret = fl_span_of(words.ptr + at, end - at);
        if (holds(p, *ret))
            return true;
        at = end + 1;
    }
    return false;
}

int fl_password_check(struct fl_span password, struct fl_span words, struct fl_err *err)
{
    struct fl_span word;
    struct shape s;

    if (!take_shape(password, &s))
        return fl_err_set(err, FL_E_INVAL, "the password is not text in UTF-8");
    if (s.points < FL_PASSWORD_MIN)
        return fl_err_set(err, FL_E_INVAL,
                          "a password has at least %u characters; this one has %zu",
                          FL_PASSWORD_MIN, s.points);
    if (s.points > FL_PASSWORD_MAX)
        return fl_err_set(err, FL_E_INVAL, "a password has at most %u characters; this one has %zu",
                          FL_PASSWORD_MAX, s.points);
    if (s.upper + s.lower + s.digit + s.other < 3)
        return fl_err_set(err, FL_E_INVAL,
                          "use three of these four kinds: capital letters, small letters, digits, "
                          "other characters (a space is one)");
    if (holds_any(password, words, &word) || holds_any(password, FL_SPAN("fairlead"), &word))
        return fl_err_set(err, FL_E_INVAL,
                          "the password holds \"%.*s\", a name that others know; leave it out",
                          FL_SPAN_ARG(word));
    if (fl_password_strength(password) < FL_PASSWORD_STRENGTH_MIN)
        return fl_err_set(err, FL_E_INVAL,
                          "this is one of the passwords that are tried first (common words, "
                          "sequences, years); four words that have nothing to do with each other, "
                          "a digit among them, are better");
    return FL_OK;
}

void fl_password_temporary(char ret[FL_TEMPORARY_TEXT_BYTES])
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
    size_t at = 0;

    for (int group = 0; group < 4; group++) {
        for (int i = 0; i < 5; i++)
            ret[at++] = letters[randombytes_uniform(sizeof letters - 1)];
        ret[at++] = group < 3 ? '-' : '\0';
    }
}

/* ---- PHC strings ---- */

static bool eat(struct fl_span *s, const char *text)
{
    size_t len = strlen(text);

    if (s->len < len || memcmp(s->ptr, text, len) != 0)
        return false;
    s->ptr += len;
    s->len -= len;
    return true;
}

static bool eat_number(struct fl_span *s, uint32_t *ret)
{
    struct fl_span digits = fl_span_of(s->ptr, 0);
    uint64_t value = 0;

    while (digits.len < s->len && isdigit(s->ptr[digits.len]))
        digits.len++;
    if (digits.len > 9 || (digits.len > 1 && digits.ptr[0] == '0') || !fl_span_u64(digits, &value))
        return false;
    *ret = (uint32_t)value;
    s->ptr += digits.len;
    s->len -= digits.len;
    return true;
}

/* Base64 without padding of exactly len bytes, up to `end` or the end of the text. */
static bool eat_bytes(struct fl_span *s, size_t len)
{
    unsigned char out[TAG_BYTES];
    const char *stop;
    size_t got = 0;

    if (s->len == 0 || sodium_base642bin(out, sizeof out, (const char *)s->ptr, s->len, NULL, &got,
                                         &stop, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0)
        return false;
    s->len -= (size_t)(stop - (const char *)s->ptr);
    s->ptr = (const unsigned char *)stop;
    return got == len;
}

int fl_phc_parse(struct fl_span phc, struct fl_cost *ret, struct fl_err *err)
{
    struct fl_cost cost = {0};
    struct fl_span s = phc;

    if (phc.len < FL_PHC_MAX && eat(&s, "$argon2id$v=19$m=") && eat_number(&s, &cost.kib) &&
        eat(&s, ",t=") && eat_number(&s, &cost.passes) && eat(&s, ",p=1$") &&
        eat_bytes(&s, SALT_BYTES) && eat(&s, "$") && eat_bytes(&s, TAG_BYTES) && s.len == 0 &&
        cost.kib >= 8 && cost.kib <= KIB_MAX && cost.passes >= 1 && cost.passes <= PASSES_MAX) {
        *ret = cost;
        return FL_OK;
    }
    return fl_err_set(err, FL_E_CORRUPT, "a stored password hash is not one");
}

bool fl_phc_is_weak(const char *phc, struct fl_cost cost)
{
    struct fl_cost have = {0};

    return fl_phc_parse(fl_span_str(phc), &have, NULL) < 0 || have.kib < cost.kib ||
           have.passes < cost.passes;
}

void fl_phc_dummy(struct fl_cost cost, char ret[FL_PHC_MAX])
{
    unsigned char salt[SALT_BYTES], tag[TAG_BYTES];
    char salt_text[32], tag_text[48];

    fl_random(salt, sizeof salt);
    fl_random(tag, sizeof tag);
    (void)sodium_bin2base64(salt_text, sizeof salt_text, salt, sizeof salt,
                            sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    (void)sodium_bin2base64(tag_text, sizeof tag_text, tag, sizeof tag,
                            sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    (void)snprintf(ret, FL_PHC_MAX, "$argon2id$v=19$m=%u,t=%u,p=1$%s$%s", cost.kib, cost.passes,
                   salt_text, tag_text);
}

/* ---- hashing ---- */

int fl_password_hash(const unsigned char pepper[FL_PEPPER_BYTES], struct fl_span password,
                     struct fl_cost cost, char ret[FL_PHC_MAX], struct fl_err *err)
{
    unsigned char peppered[FL_SHA256_BYTES];
    char phc[crypto_pwhash_argon2id_STRBYTES] = "";
    int r;

    _Static_assert(sizeof phc <= FL_PHC_MAX, "a PHC string of libsodium fits");
    fl_hmac_sha256(fl_span_of(pepper, FL_PEPPER_BYTES), password, peppered);
    r = crypto_pwhash_argon2id_str(phc, (const char *)peppered, sizeof peppered, cost.passes,
                                   (size_t)cost.kib * 1024);
    explicit_bzero(peppered, sizeof peppered);
    if (r != 0)
        return fl_err_set(err, FL_E_NOMEM, "no memory to hash a password");
    memcpy(ret, phc, sizeof phc);
    return FL_OK;
}

int fl_password_verify(const unsigned char pepper[FL_PEPPER_BYTES], struct fl_span password,
                       const char *phc, struct fl_err *err)
{
    unsigned char peppered[FL_SHA256_BYTES];
    char text[FL_PHC_MAX] = "";
    struct fl_cost cost;
    int r = fl_phc_parse(fl_span_str(phc), &cost, err);

    if (r < 0)
        return r;
    (void)snprintf(text, sizeof text, "%s", phc);
    fl_hmac_sha256(fl_span_of(pepper, FL_PEPPER_BYTES), password, peppered);
    errno = 0;
    r = crypto_pwhash_argon2id_str_verify(text, (const char *)peppered, sizeof peppered);
    explicit_bzero(peppered, sizeof peppered);
    if (r == 0)
        return FL_OK;
    return errno == ENOMEM ? fl_err_set(err, FL_E_NOMEM, "no memory to hash a password")
                           : fl_err_set(err, FL_E_DENIED, "not this password");
}
