/*
 * place.h - countries, and whether a position can be in one: what ERP data gets wrong about where a
 * site is.
 *
 * The table is data/countries.csv: names as people write them, continent, rough boxes. A position
 * outside of all boxes of its country is looked at further: would it be right with a sign turned or
 * latitude and longitude changed over, is it on the continent at least?
 */
#ifndef FL_SUPPLY_PLACE_H
#define FL_SUPPLY_PLACE_H

#include "base/span.h"

#define FL_COUNTRY_BOXES_MAX 6u

struct fl_country_box {
    int16_t lat_min, lat_max, lon_min, lon_max; /* degrees */
};
struct fl_country {
    char iso2[3], iso3[4];
    const char *name;
    char continent[3];       /* AF AN AS EU NA OC SA */
    const char *other_names; /* apart by '|' */
    unsigned box_count;      /* 0: not known where it is */
    struct fl_country_box boxes[FL_COUNTRY_BOXES_MAX];
};
extern const struct fl_country fl_countries[]; /* in order of iso2 */
extern const unsigned fl_countries_count;

/* By ISO 3166-1 code of two or three letters or by a name, letters without case; NULL: none. */
const struct fl_country *fl_country_find(struct fl_span text);
/* The country that an address ends with ("..., Gyeonggi-Do, Korea"); NULL: none is named there. */
const struct fl_country *fl_country_of_address(struct fl_span address);
const char *fl_continent_name(const char *continent);

/* Is the position in a box of it, or within a degree of one? True where no box is known. */
bool fl_country_holds(const struct fl_country *country, double lat, double lon);

enum fl_place_fault {
    FL_PLACE_RIGHT,
    FL_PLACE_ZERO,          /* 0, 0: a position that nobody filled in */
    FL_PLACE_LAT_SIGN,      /* right with the sign of the latitude turned ... */
    FL_PLACE_LON_SIGN,      /* ... of the longitude ... */
    FL_PLACE_SIGNS,         /* ... of both */
    FL_PLACE_SWAPPED,       /* right with latitude and longitude changed over */
    FL_PLACE_OTHER_COUNTRY, /* on the continent of the country, yet not in it */
    FL_PLACE_OTHER_CONTINENT
};
struct fl_place_finding {
    enum fl_place_fault fault;
    double lat, lon;                 /* the fix, where there is one; else as given */
    const struct fl_country *inside; /* where it is; NULL: at sea, or not known */
    bool other_continent;            /* as given it is not on the country's, fix or not */
};
void fl_place_check(const struct fl_country *country, double lat, double lon,
                    struct fl_place_finding *ret);
static inline bool fl_place_has_fix(enum fl_place_fault fault)
{
    return fault >= FL_PLACE_LAT_SIGN && fault <= FL_PLACE_SWAPPED;
}

#endif
