/* Countries by any of their names, and positions that cannot be in them. */
#include "supply/place.h"

#include <stdio.h>

#include "tap.h"

static void names(void)
{
    static const struct {
        const char *text, *iso2; /* "": none */
    } rows[] = {{"DE", "DE"},       {"deu", "DE"},
                {"Germany", "DE"},  {" Deutschland ", "DE"},
                {"USA", "US"},      {"United States", "US"},
                {"Korea", "KR"},    {"Taiwan", "TW"},
                {"Viet Nam", "VN"}, {"P.R. China", "CN"},
                {"XX", ""},         {"", ""},
                {"Atlantis", ""},   {"d", ""}};

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        const struct fl_country *c = fl_country_find(fl_span_str(rows[i].text));

        CHECK(rows[i].iso2[0] == '\0' ? c == NULL : c != NULL && strcmp(c->iso2, rows[i].iso2) == 0,
              rows[i].text);
    }
}

static void addresses(void)
{
    static const struct {
        const char *text, *iso2;
    } rows[] = {{"577 Keumeui-ri, Hwaseong, Gyeonggi-Do, Korea", "KR"},
                {"905 Adams Street, Hutchinson, Minnesota, USA", "US"},
                {"1 Main Street, Palo Alto, CA", ""},
                {"Taiwan", ""},
                {"Berlin, Germany.", "DE"}};

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        const struct fl_country *c = fl_country_of_address(fl_span_str(rows[i].text));

        CHECK(rows[i].iso2[0] == '\0' ? c == NULL : c != NULL && strcmp(c->iso2, rows[i].iso2) == 0,
              rows[i].text);
    }
}

static void positions(void)
{
    static const struct {
        const char *country;
        double lat, lon;
        enum fl_place_fault fault;
        double fix_lat, fix_lon;
    } rows[] = {
        {"DE", 52.5, 13.4, FL_PLACE_RIGHT, 0, 0},
        {"DE", 13.4, 52.5, FL_PLACE_SWAPPED, 52.5, 13.4},
        {"US", 37.4, 122.1, FL_PLACE_LON_SIGN, 37.4, -122.1},
        {"AU", 33.9, 151.2, FL_PLACE_LAT_SIGN, -33.9, 151.2},
        {"AR", 34.6, 58.4, FL_PLACE_SIGNS, -34.6, -58.4},
        {"KR", 41.58, -71.48, FL_PLACE_OTHER_CONTINENT, 0, 0},
        {"JP", 31.2, 121.5, FL_PLACE_OTHER_COUNTRY, 0, 0},
        {"DE", 0, 0, FL_PLACE_ZERO, 0, 0},
        {"FJ", -17.8, 178.0, FL_PLACE_RIGHT, 0, 0},
        {"FJ", -16.8, -179.9, FL_PLACE_RIGHT, 0, 0},
        {"SG", 1.3, 103.8, FL_PLACE_RIGHT, 0, 0},
    };

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        struct fl_place_finding got;
        char name[80];

        fl_place_check(fl_country_find(fl_span_str(rows[i].country)), rows[i].lat, rows[i].lon,
                       &got);
        (void)snprintf(name, sizeof name, "%s at %g,%g", rows[i].country, rows[i].lat, rows[i].lon);
        CHECK(got.fault == rows[i].fault, name);
        if (fl_place_has_fix(got.fault))
            CHECK(got.lat == rows[i].fix_lat && got.lon == rows[i].fix_lon, "with the fix");
    }
}

/* Every country's own box must not be taken for another place. */
static void table(void)
{
    bool ordered = true, sound = true;

    for (unsigned i = 0; i < fl_countries_count; i++) {
        const struct fl_country *c = &fl_countries[i];

        ordered = ordered && (i == 0 || strcmp(fl_countries[i - 1].iso2, c->iso2) < 0);
        sound = sound && strcmp(fl_continent_name(c->continent), c->continent) != 0 &&
                fl_country_find(fl_span_str(c->name)) == c &&
                fl_country_find(fl_span_str(c->iso3)) == c;
        for (unsigned k = 0; k < c->box_count; k++)
            sound = sound && c->boxes[k].lat_min <= c->boxes[k].lat_max &&
                    c->boxes[k].lon_min <= c->boxes[k].lon_max && c->boxes[k].lat_min >= -90 &&
                    c->boxes[k].lat_max <= 90 && c->boxes[k].lon_min >= -180 &&
                    c->boxes[k].lon_max <= 180;
    }
    CHECK(fl_countries_count == 250, "250 countries");
    CHECK(ordered, "in order of their code");
    CHECK(sound, "each is found by its name, each box is one, each continent has a name");
}

int main(void)
{
    names();
    addresses();
    positions();
    table();
    return tap_done();
}
