#include <stdio.h>
#include <stdlib.h>

#include "io/aead.h"
#include "tap.h"

/* AES-256-GCM: McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13 to 16. */
struct vector {
    const char *name, *key, *nonce, *aad, *plain, *cipher, *tag;
};

#define KEY15 "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
#define PLAIN15                                                                                    \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                             \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define CIPHER15                                                                                   \
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"                             \
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"

static const struct vector vectors[] = {
    {"case 13: nothing", "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"case 14: one block of zeros",
     "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"},
    {"case 15: four blocks", KEY15, "cafebabefacedbaddecaf888", "", PLAIN15 "1aafd255",
     CIPHER15 "898015ad", "b094dac5d93471bdec1a502270e3cc6c"},
    {"case 16: with associated data", KEY15, "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2", PLAIN15, CIPHER15,
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static size_t unhex(const char *hex, unsigned char *ret)
{
    size_t n = strlen(hex) / 2;

    for (size_t i = 0; i < n; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

        ret[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return n;
}

static void check_vectors(struct fl_aead *aead)
{
    for (size_t i = 0; i < FL_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        unsigned char key[32], nonce[12], aad[64], plain[64], cipher[64], tag[16], out[64] = {0},
                                                                                   got[16];
        struct fl_span a = {aad, unhex(v->aad, aad)}, p = {plain, unhex(v->plain, plain)};
        struct fl_span c = {cipher, unhex(v->cipher, cipher)};
        struct fl_err err;

        (void)unhex(v->key, key);
        (void)unhex(v->nonce, nonce);
        (void)unhex(v->tag, tag);
        CHECK(fl_aead_seal(aead, key, nonce, a, p, out, got, &err) == FL_OK &&
                  memcmp(out, cipher, c.len) == 0 && memcmp(got, tag, 16) == 0,
              v->name);
        CHECK(fl_aead_open(aead, key, nonce, a, c, out, tag, &err) == FL_OK &&
                  memcmp(out, plain, p.len) == 0,
              "and back");
        tag[i] ^= 1;
        CHECK(fl_aead_open(aead, key, nonce, a, c, out, tag, &err) == FL_E_CORRUPT,
              "a changed tag is refused");
        tag[i] ^= 1;
        if (c.len > 0) {
            unsigned char zero[64] = {0};

            cipher[c.len - 1] ^= 0x80;
            memset(out, 0xaa, sizeof out);
            CHECK(fl_aead_open(aead, key, nonce, a, c, out, tag, &err) == FL_E_CORRUPT &&
                      memcmp(out, zero, c.len) == 0,
                  "a changed byte is refused, nothing is left in the output");
            cipher[c.len - 1] ^= 0x80;
        }
        aad[a.len] = 0;
        a.len++;
        CHECK(fl_aead_open(aead, key, nonce, a, c, out, tag, &err) == FL_E_CORRUPT,
              "other associated data is refused");
        nonce[11] ^= 1;
        a.len--;
        CHECK(fl_aead_open(aead, key, nonce, a, c, out, tag, &err) == FL_E_CORRUPT,
              "another nonce is refused");
    }
}

static void check_in_place(struct fl_aead *aead)
{
    unsigned char key[32] = {1}, nonce[12] = {2}, tag[16], text[1000];
    size_t wrong = 0;

    memset(text, 'x', sizeof text);
    CHECK(fl_aead_seal(aead, key, nonce, FL_SPAN("a"), fl_span_of(text, sizeof text), text, tag,
                       NULL) == FL_OK &&
              fl_aead_open(aead, key, nonce, FL_SPAN("a"), fl_span_of(text, sizeof text), text, tag,
                           NULL) == FL_OK,
          "in place");
    for (size_t i = 0; i < sizeof text; i++)
        wrong += text[i] != 'x';
    CHECK(wrong == 0, "and back");
    CHECK(fl_aead_seal(aead, key, nonce, FL_SPAN(""), fl_span_of(text, (size_t)1 << 40), text, tag,
                       NULL) == FL_E_LIMIT,
          "more than OpenSSL can count is refused");
}

static void check_hashes(void)
{
    unsigned char want[32], got[32], key[20];

    /* FIPS 180-4 example "abc"; the empty message */
    (void)unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", want);
    fl_sha256(FL_SPAN("abc"), got);
    CHECK(memcmp(want, got, 32) == 0, "SHA-256 of abc");
    (void)unhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", want);
    fl_sha256(fl_span_of(NULL, 0), got);
    CHECK(memcmp(want, got, 32) == 0, "SHA-256 of nothing");
    /* RFC 4231, test cases 1 and 2 */
    memset(key, 0x0b, sizeof key);
    (void)unhex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", want);
    fl_hmac_sha256(fl_span_of(key, 20), FL_SPAN("Hi There"), got);
    CHECK(memcmp(want, got, 32) == 0, "HMAC, RFC 4231 case 1");
    (void)unhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", want);
    fl_hmac_sha256(FL_SPAN("Jefe"), FL_SPAN("what do ya want for nothing?"), got);
    CHECK(memcmp(want, got, 32) == 0, "HMAC, RFC 4231 case 2");
    CHECK(fl_equal_ct("abc", "abc", 3) && !fl_equal_ct("abc", "abd", 3) && fl_equal_ct("", "x", 0),
          "constant-time comparison");
}

int main(void)
{
    struct fl_aead *aead = NULL;

    if (fl_aead_new(&aead, NULL) < 0)
        return 1;
    check_vectors(aead);
    check_in_place(aead);
    check_hashes();
    fl_aead_free(aead);
    return tap_done();
}
