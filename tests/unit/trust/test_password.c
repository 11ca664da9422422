#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "trust/password.h"
#include "trust/totp.h"

static struct fl_err err;

static bool good(const char *password)
{
    return fl_password_check(fl_span_str(password), FL_SPAN("Anna Meier\nacme\nbob\n"), &err) == 0;
}

static bool refused(const char *password, const char *because)
{
    return !good(password) && err.code == FL_E_INVAL && strstr(err.text, because) != NULL;
}

/* All sixteen combinations of the four classes. */
static void check_classes(void)
{
    static const char *const parts[] = {"KVLM", "qpzt", "4719", "+ ~="};
    int wrong = 0;

    for (unsigned set = 1; set < 16; set++) {
        char text[64] = "";
        unsigned kinds = 0, n = 0;

        for (unsigned i = 0; i < 16; i++)
            if (set >> (i % 4) & 1)
                text[n++] = parts[i % 4][(i / 4 + i) % 4];
        while (n < FL_PASSWORD_MIN + 4) {
            text[n] = text[(n * 7 + 3) % (n < 4 ? n + 1 : 4)];
            if (text[n] == '\0')
                text[n] = text[0];
            n++;
        }
        for (unsigned i = 0; i < 4; i++)
            kinds += set >> i & 1;
        if (kinds < 3)
            wrong += !refused(text, "three of these four");
        else
            wrong += refused(text, "three of these four");
    }
    CHECK(wrong == 0, "classes: none, one and two are refused, three and four are not");
    CHECK(good("Kvqp zxwt mrjb"), "a space is one of the other characters");
    CHECK(good("Kvqpzxwtmrj\xc3\xa9"), "a letter beyond ASCII is, too");
}

static void check_length(void)
{
    char text[1200];

    CHECK(refused("Kv7+qpzxwtm", "this one has 11"), "11 characters are refused, and counted");
    CHECK(good("Kv7+qpzxwtmr"), "12 are taken");
    CHECK(refused("Kv7+\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", "this one has 9"),
          "characters are counted, not bytes");
    for (size_t i = 0; i < 256; i++)
        text[i] = "Kv7+qpzxwtmrjb92"[(i * 7 + i / 16) % 16];
    text[256] = '\0';
    CHECK(good(text), "256 are taken");
    text[256] = 'a';
    text[257] = '\0';
    CHECK(refused(text, "at most 256"), "257 are refused");
    CHECK(refused("Kv7+qpzxwt\xff\xfe", "UTF-8"), "what is no text is refused");
    CHECK(refused("", "this one has 0"), "nothing is refused");
}

static void check_common(void)
{
    static const char *const bad[] = {
        "Password1234",       "P@ssw0rd1234",    "Passw0rd!2024",  "Welcome2024!",
        "Welcome@12345",      "Admin123456!",    "Administrator1", "Qwertyuiop1!",
        "1qaz2wsx3EDC4rfv",   "1q2w3e4r5t6Y",    "Summer2023!!!",  "Winter-2024!!",
        "Summer-Winter-2024", "Letmein123456",   "ChangeMe1234!",  "Iloveyou12345!",
        "Football2020!",      "Abcdefgh1234",    "Aaaaaaaaaaa1",   "Abc1Abc1Abc1",
        "Passwort2024!",      "Geheim123456!",   "Sommer2024!!!",  "Qwertz123456!",
        "Dragon123456!",      "Monkey12345678!", "Juniper1234!",   "Fortigate2024!",
        "Cisco12345678!",     "Firewall2024!",   "Changeit1234!",  "Secret1234567!",
        "Liverpool2024!",     "Michael123456!",  "Sunshine2024!",  "Superman1234!",
        "TestTest1234!",      "Admin@Admin123",  "Master123456!",  "Root12345678!",
        "Default12345!",      "Support2024!!",   "Network12345!",  "Server2022!!!",
        "Monday12345!",       "Januar2024!!!",   "!QAZ2wsx3edc",   "Password!Password1",
        "$ecret123456A",      "Adm1n1str@t0r",   "Hello12345678!", "Baseball2023!",
        "Company2024!!",      "Start123456!!",   "Login123456!!",  "Access123456!",
        "zaq12wsxZAQ!",       "Asdfghjkl123!",   "Pa$$word1234",   "Letmein!2024",
    };
    static const char *const fine[] = {
        "Correct-Lamp-7-Battery", "Kv7+qpzxwtmr",         "Turnip orbit 9 gravel",
        "mo7 Zweig Lerche Kanu",  "xK9#fLq2Vb!tRz",       "Nine-Lamps-Under-Oak-3",
        "Vier Gabeln im Teich 8", "tr0ub4dor&3Xylophone",
    };
    int wrong = 0;

    for (size_t i = 0; i < FL_LEN(bad); i++)
        if (!refused(bad[i], "tried first")) {
            printf("# %s: %u\n", bad[i], fl_password_strength(fl_span_str(bad[i])));
            wrong++;
        }
    CHECK(wrong == 0, "common ones that meet the classes are refused");
    wrong = 0;
    for (size_t i = 0; i < FL_LEN(fine); i++)
        if (!good(fine[i])) {
            printf("# %s: %s\n", fine[i], err.text);
            wrong++;
        }
    CHECK(wrong == 0, "others are not");
    CHECK(refused("Kv7+acmeqpzxwt", "\"acme\"") && refused("xKv7+4CM3qpzxwt", "\"acme\"") &&
              refused("meierKv7+qpzxwt", "\"Meier\"") && refused("Kv7+Fairlead+qpz", "fairlead"),
          "names of the place and the person are refused, disguised as well");
    CHECK(good("Kv7+bobqpzxwtm"), "names of three letters are not looked for");
}

static void check_temporary(void)
{
    char a[FL_TEMPORARY_TEXT_BYTES], b[FL_TEMPORARY_TEXT_BYTES];

    fl_password_temporary(a);
    fl_password_temporary(b);
    CHECK(strlen(a) == 23 && strcmp(a, b) != 0 && strpbrk(a, "0O1lI") == NULL,
          "a temporary one is made by chance, without look-alikes");
}

static void check_hash(void)
{
    static const unsigned char pepper[FL_PEPPER_BYTES] = {1, 2, 3}, other[FL_PEPPER_BYTES] = {1};
    const struct fl_cost cheap = {8, 1}, dearer = {16, 1};
    char phc[FL_PHC_MAX], again[FL_PHC_MAX], dummy[FL_PHC_MAX];
    struct fl_cost cost = {0};

    CHECK(fl_password_hash(pepper, FL_SPAN("Kv7+"), cheap, phc, &err) == 0 &&
              fl_password_hash(pepper, FL_SPAN("Kv7+"), cheap, again, &err) == 0 &&
              strcmp(phc, again) != 0,
          "the same password has another hash each time");
    CHECK(fl_phc_parse(fl_span_str(phc), &cost, &err) == 0 && cost.kib == 8 && cost.passes == 1,
          "the hash says what it cost");
    CHECK(fl_password_verify(pepper, FL_SPAN("Kv7+"), phc, &err) == 0 &&
              fl_password_verify(pepper, FL_SPAN("Kv7"), phc, &err) == FL_E_DENIED &&
              fl_password_verify(pepper, FL_SPAN("Kv7+\0"), phc, &err) == FL_E_DENIED,
          "it fits exactly");
    CHECK(fl_password_verify(other, FL_SPAN("Kv7+"), phc, &err) == FL_E_DENIED,
          "without the pepper the right password does not fit");
    CHECK(!fl_phc_is_weak(phc, cheap) && fl_phc_is_weak(phc, dearer) &&
              fl_phc_is_weak("rubbish", cheap),
          "one that cost less is to be replaced");
    fl_phc_dummy(cheap, dummy);
    CHECK(fl_phc_parse(fl_span_str(dummy), &cost, &err) == 0 && cost.kib == 8 &&
              fl_password_verify(pepper, FL_SPAN("Kv7+"), dummy, &err) == FL_E_DENIED,
          "a dummy is like any other, and nothing fits it");
}

static void check_phc(void)
{
#define SALT "AAECAwQFBgcICQoLDA0ODw"
#define TAG  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    static const struct {
        const char *text;
        bool good;
    } table[] = {
        {"$argon2id$v=19$m=65536,t=3,p=1$" SALT "$" TAG, true},
        {"$argon2i$v=19$m=65536,t=3,p=1$" SALT "$" TAG, false},
        {"$argon2id$v=16$m=65536,t=3,p=1$" SALT "$" TAG, false},
        {"$argon2id$v=19$m=65536,t=3,p=2$" SALT "$" TAG, false},
        {"$argon2id$v=19$m=065536,t=3,p=1$" SALT "$" TAG, false},
        {"$argon2id$v=19$m=4194304,t=3,p=1$" SALT "$" TAG, false},
        {"$argon2id$v=19$m=99999999999,t=3,p=1$" SALT "$" TAG, false},
        {"$argon2id$v=19$m=65536,t=0,p=1$" SALT "$" TAG, false},
        {"$argon2id$v=19$m=65536,t=17,p=1$" SALT "$" TAG, false},
        {"$argon2id$v=19$m=7,t=3,p=1$" SALT "$" TAG, false},
        {"$argon2id$v=19$m=65536,t=3,p=1$" SALT "$" TAG "A", false},
        {"$argon2id$v=19$m=65536,t=3,p=1$" SALT "A$" TAG, false},
        {"$argon2id$v=19$m=65536,t=3,p=1$" SALT "$", false},
        {"$argon2id$v=19$m=65536,t=3,p=1$$" TAG, false},
        {"$argon2id$v=19$m=65536,t=3,p=1$" SALT "$" TAG "$", false},
        {"", false},
    };
    struct fl_cost cost;
    int wrong = 0;

    for (size_t i = 0; i < FL_LEN(table); i++)
        if ((fl_phc_parse(fl_span_str(table[i].text), &cost, &err) == 0) != table[i].good) {
            printf("# %s\n", table[i].text);
            wrong++;
        }
    CHECK(wrong == 0, "a stored hash is taken as it must be, or not at all");
}

/* RFC 6238, appendix B, and RFC 4226, appendix D. */
static void check_totp(void)
{
    static const struct {
        uint64_t time_s;
        uint32_t code;
    } table[] = {{59, 94287082},         {1111111109, 7081804},  {1111111111, 14050471},
                 {1234567890, 89005924}, {2000000000, 69279037}, {20000000000, 65353130}};
    static const uint32_t hotp[] = {755224, 287082, 359152, 969429, 338314,
                                    254676, 287922, 162583, 399871, 520489};
    const struct fl_span secret = FL_SPAN("12345678901234567890");
    const int64_t at = INT64_C(1111111111) * 1000000;
    int64_t step = 0, next = 0;
    int wrong = 0;

    for (size_t i = 0; i < FL_LEN(table); i++)
        wrong += fl_totp_code(secret, table[i].time_s / 30, 8) != table[i].code;
    CHECK(wrong == 0, "RFC 6238's vectors");
    wrong = 0;
    for (size_t i = 0; i < FL_LEN(hotp); i++)
        wrong += fl_totp_code(secret, i, 6) != hotp[i];
    CHECK(wrong == 0, "RFC 4226's vectors");
    CHECK(fl_totp_fits(secret, FL_SPAN("050471"), at, -1, &step) && step == 1111111111 / 30,
          "the code of now");
    CHECK(fl_totp_fits(secret, FL_SPAN(" 050 471 "), at, -1, &step), "with blanks");
    CHECK(!fl_totp_fits(secret, FL_SPAN("050471"), at, step, &next) && next == 0, "not twice");
    CHECK(fl_totp_fits(secret, FL_SPAN("050471"), at + FL_TOTP_STEP_US, -1, &next) &&
              fl_totp_fits(secret, FL_SPAN("050471"), at - FL_TOTP_STEP_US, -1, &next) &&
              !fl_totp_fits(secret, FL_SPAN("050471"), at + 2 * FL_TOTP_STEP_US, -1, &next) &&
              !fl_totp_fits(secret, FL_SPAN("050471"), at - 2 * FL_TOTP_STEP_US, -1, &next),
          "one step early or late, not two");
    CHECK(!fl_totp_fits(secret, FL_SPAN("50471"), at, -1, &next) &&
              !fl_totp_fits(secret, FL_SPAN("0504711"), at, -1, &next) &&
              !fl_totp_fits(secret, FL_SPAN("05047a"), at, -1, &next) &&
              !fl_totp_fits(secret, FL_SPAN(""), at, -1, &next),
          "six digits, no more, no less");
}

/* RFC 4648, section 10, without padding. */
static void check_base32(void)
{
    static const char *const table[][2] = {{"", ""},
                                           {"f", "MY"},
                                           {"fo", "MZXQ"},
                                           {"foo", "MZXW6"},
                                           {"foob", "MZXW6YQ"},
                                           {"fooba", "MZXW6YTB"},
                                           {"foobar", "MZXW6YTBOI"}};
    char text[16];
    int wrong = 0;

    for (size_t i = 0; i < FL_LEN(table); i++) {
        fl_base32(fl_span_str(table[i][0]), text);
        wrong += strcmp(text, table[i][1]) != 0;
    }
    CHECK(wrong == 0, "RFC 4648's vectors of base32");
}

int main(void)
{
    if (sodium_init() < 0)
        abort();
    check_length();
    check_classes();
    check_common();
    check_temporary();
    check_hash();
    check_phc();
    check_totp();
    check_base32();
    return tap_done();
}
