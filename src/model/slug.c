#include "model/slug.h"

#include <stdbool.h>

static bool is_slug_char(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

int fl_slug_check(struct fl_span slug, const char *what, struct fl_err *err)
{
    if (slug.len == 0 || slug.len > FL_SLUG_MAX)
        return fl_err_set(err, FL_E_INVAL, "%s: an id has 1 to %u characters, not %zu", what,
                          FL_SLUG_MAX, slug.len);
    for (size_t i = 0; i < slug.len; i++)
        if (!is_slug_char(slug.ptr[i]))
            return fl_err_set(err, FL_E_INVAL,
                              "%s: an id is made of a-z, 0-9 and '-'; character %zu is none of "
                              "them",
                              what, i + 1);
    if (slug.ptr[0] == '-' || slug.ptr[slug.len - 1] == '-')
        return fl_err_set(err, FL_E_INVAL, "%s: an id does not begin or end with '-'", what);
    return FL_OK;
}

/* Bytes of the character at s (RFC 3629), 0 where there is none. */
static size_t utf8_len(struct fl_span s)
{
    static const struct {
        unsigned char lead, mask;
        uint32_t least;
    } forms[] = {{0x00, 0x80, 0}, {0xc0, 0xe0, 0x80}, {0xe0, 0xf0, 0x800}, {0xf0, 0xf8, 0x10000}};

    for (size_t n = 1; n <= FL_LEN(forms); n++) {
        uint32_t value;

        if ((s.ptr[0] & forms[n - 1].mask) != forms[n - 1].lead)
            continue;
        if (s.len < n)
            return 0;
        value = s.ptr[0] & (unsigned char)~forms[n - 1].mask;
        for (size_t i = 1; i < n; i++) {
            if ((s.ptr[i] & 0xc0) != 0x80)
                return 0;
            value = value << 6 | (s.ptr[i] & 0x3f);
        }
        if (value < forms[n - 1].least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
            return 0;
        return n;
    }
    return 0;
}

/* C0, DEL, C1; line and paragraph separators; marks that turn the direction of what follows. */
static bool is_control(const unsigned char *at, size_t n)
{
    if (n == 1)
        return at[0] < 0x20 || at[0] == 0x7f;
    if (n == 2)
        return at[0] == 0xc2 && at[1] < 0xa0;
    return n == 3 && at[0] == 0xe2 &&
           ((at[1] == 0x80 && at[2] >= 0xa8 && at[2] <= 0xae) ||
            (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9));
}

int fl_name_check(struct fl_span name, const char *what, struct fl_err *err)
{
    if (name.len == 0 || name.len > FL_NAME_MAX)
        return fl_err_set(err, FL_E_INVAL, "%s: a name has 1 to %u bytes, not %zu", what,
                          FL_NAME_MAX, name.len);
    if (name.ptr[0] == ' ' || name.ptr[name.len - 1] == ' ')
        return fl_err_set(err, FL_E_INVAL, "%s: a name does not begin or end with a blank", what);
    for (size_t i = 0; i < name.len;) {
        size_t n = utf8_len(fl_span_of(name.ptr + i, name.len - i));

        if (n == 0)
            return fl_err_set(err, FL_E_INVAL, "%s: a name is UTF-8; byte %zu is not", what, i + 1);
        if (is_control(name.ptr + i, n))
            return fl_err_set(err, FL_E_INVAL,
                              "%s: a name has no control characters; byte %zu begins one", what,
                              i + 1);
        i += n;
    }
    return FL_OK;
}

int fl_host_check(struct fl_span host, struct fl_err *err)
{
    if (host.len > FL_HOST_MAX)
        return fl_err_set(err, FL_E_INVAL, "host: a host name has at most %u bytes, not %zu",
                          FL_HOST_MAX, host.len);
    for (size_t i = 0; i < host.len; i++)
        if (host.ptr[i] <= ' ' || host.ptr[i] > '~')
            return fl_err_set(err, FL_E_INVAL,
                              "host: a host name is printable ASCII without blanks; character %zu "
                              "is not",
                              i + 1);
    return FL_OK;
}

int fl_country_check(struct fl_span country, struct fl_err *err)
{
    static const char codes[] =
        "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ "
        "BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM "
        "DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS "
        "GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
        "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ "
        "MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
        "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
        "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
        "VN VU WF WS YE YT ZA ZM ZW ";

    if (country.len == 0)
        return FL_OK;
    for (size_t i = 0; country.len == 2 && i + 2 < sizeof codes; i += 3)
        if (memcmp(codes + i, country.ptr, 2) == 0)
            return FL_OK;
    return fl_err_set(
        err, FL_E_INVAL,
        "country: a country is an ISO 3166 code of two capitals such as DE, or empty");
}

int fl_list_check(struct fl_span list, const char *what, struct fl_err *err)
{
    bool empty = true;

    if (list.len > FL_LIST_MAX)
        return fl_err_set(err, FL_E_INVAL, "%s: a list has at most %u bytes, not %zu", what,
                          FL_LIST_MAX, list.len);
    for (size_t i = 0; i < list.len; i++) {
        if (list.ptr[i] <= ' ' || list.ptr[i] > '~')
            return fl_err_set(err, FL_E_INVAL,
                              "%s: names in a list are printable ASCII without blanks; character "
                              "%zu is not",
                              what, i + 1);
        if (list.ptr[i] == ',' && (empty || i + 1 == list.len))
            return fl_err_set(err, FL_E_INVAL, "%s: a name is missing at character %zu", what,
                              i + 1);
        empty = list.ptr[i] == ',';
    }
    return FL_OK;
}
