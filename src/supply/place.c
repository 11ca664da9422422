#include "supply/place.h"

#include <math.h>
#include <strings.h>

static bool same(struct fl_span text, const char *name, size_t len)
{
    return text.len == len && strncasecmp((const char *)text.ptr, name, len) == 0;
}

static bool named(const struct fl_country *c, struct fl_span text)
{
    size_t len;

    if (same(text, c->name, strlen(c->name)))
        return true;
    for (const char *name = c->other_names; *name != '\0'; name += len + (name[len] == '|')) {
        len = strcspn(name, "|");
        if (same(text, name, len))
            return true;
    }
    return false;
}

static struct fl_span trimmed(struct fl_span s)
{
    while (s.len > 0 && strchr(" \t.\"", s.ptr[0]) != NULL && s.ptr[0] != 0) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && strchr(" \t.\"", s.ptr[s.len - 1]) != NULL && s.ptr[s.len - 1] != 0)
        s.len--;
    return s;
}

const struct fl_country *fl_country_find(struct fl_span text)
{
    text = trimmed(text);
    for (unsigned i = 0; i < fl_countries_count && text.len > 0; i++) {
        const struct fl_country *c = &fl_countries[i];

        if ((text.len == 2 && same(text, c->iso2, 2)) || (text.len == 3 && same(text, c->iso3, 3)))
            return c;
    }
    for (unsigned i = 0; i < fl_countries_count && text.len > 1; i++)
        if (named(&fl_countries[i], text))
            return &fl_countries[i];
    return NULL;
}

/* Only what stands alone behind the last comma, and is no code of two letters: CA is California as
 * often as Canada. */
const struct fl_country *fl_country_of_address(struct fl_span address)
{
    struct fl_span last = trimmed(address);

    for (size_t i = last.len; i-- > 0;)
        if (last.ptr[i] == ',') {
            last = trimmed(fl_span_of(last.ptr + i + 1, last.len - i - 1));
            return last.len > 2 ? fl_country_find(last) : NULL;
        }
    return NULL;
}

const char *fl_continent_name(const char *continent)
{
    static const char *const names[][2] = {
        {"AF", "Africa"},        {"AN", "Antarctica"}, {"AS", "Asia"},         {"EU", "Europe"},
        {"NA", "North America"}, {"OC", "Oceania"},    {"SA", "South America"}};

    for (size_t i = 0; i < FL_LEN(names); i++)
        if (strcmp(names[i][0], continent) == 0)
            return names[i][1];
    return continent;
}

static bool within(const struct fl_country *c, double lat, double lon, double more)
{
    for (unsigned i = 0; i < c->box_count; i++)
        if (lat >= c->boxes[i].lat_min - more && lat <= c->boxes[i].lat_max + more &&
            lon >= c->boxes[i].lon_min - more && lon <= c->boxes[i].lon_max + more)
            return true;
    return false;
}

bool fl_country_holds(const struct fl_country *country, double lat, double lon)
{
    return country->box_count == 0 || within(country, lat, lon, 1);
}

static double area(const struct fl_country *c)
{
    double sum = 0;

    for (unsigned i = 0; i < c->box_count; i++)
        sum += (double)(c->boxes[i].lat_max - c->boxes[i].lat_min) *
               (c->boxes[i].lon_max - c->boxes[i].lon_min);
    return sum;
}

/* Boxes overlap: the smallest country whose box holds it says most. */
static const struct fl_country *smallest(double lat, double lon)
{
    const struct fl_country *best = NULL;

    for (unsigned i = 0; i < fl_countries_count; i++)
        if (within(&fl_countries[i], lat, lon, 0) &&
            (best == NULL || area(&fl_countries[i]) < area(best)))
            best = &fl_countries[i];
    return best;
}

static bool on_continent(const char *continent, double lat, double lon)
{
    for (unsigned i = 0; i < fl_countries_count; i++)
        if (strcmp(fl_countries[i].continent, continent) == 0 &&
            within(&fl_countries[i], lat, lon, 1))
            return true;
    return false;
}

void fl_place_check(const struct fl_country *country, double lat, double lon,
                    struct fl_place_finding *ret)
{
    const struct {
        enum fl_place_fault fault;
        double lat, lon;
    } fixes[] = {{FL_PLACE_LAT_SIGN, -lat, lon},
                 {FL_PLACE_LON_SIGN, lat, -lon},
                 {FL_PLACE_SWAPPED, lon, lat},
                 {FL_PLACE_SIGNS, -lat, -lon}};

    *ret = (struct fl_place_finding){FL_PLACE_RIGHT, lat, lon, NULL, false};
    if (fl_country_holds(country, lat, lon))
        return;
    if (lat == 0 && lon == 0) {
        ret->fault = FL_PLACE_ZERO;
        return;
    }
    ret->inside = smallest(lat, lon);
    ret->other_continent = !on_continent(country->continent, lat, lon);
    ret->fault = ret->other_continent ? FL_PLACE_OTHER_CONTINENT : FL_PLACE_OTHER_COUNTRY;
    for (size_t i = 0; i < FL_LEN(fixes); i++)
        if (fabs(fixes[i].lat) <= 90 && within(country, fixes[i].lat, fixes[i].lon, 0)) {
            ret->fault = fixes[i].fault;
            ret->lat = fixes[i].lat;
            ret->lon = fixes[i].lon;
            return;
        }
}
