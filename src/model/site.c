#include "model/site.h"

int fl_site_check(const struct fl_site *s, struct fl_err *err)
{
    int r = fl_slug_check(fl_span_of(s->slug, strnlen(s->slug, sizeof s->slug)), "site", err);

    if (r == 0)
        r = fl_name_check(fl_span_of(s->name, strnlen(s->name, sizeof s->name)), "name", err);
    if (r == 0)
        r = fl_country_check(fl_span_of(s->country, strnlen(s->country, sizeof s->country)), err);
    if (r == 0 && s->city[0] != '\0')
        r = fl_name_check(fl_span_of(s->city, strnlen(s->city, sizeof s->city)), "city", err);
    if (r == 0 && s->place && (s->lat_e6 < -90000000 || s->lat_e6 > 90000000))
        r = fl_err_set(err, FL_E_INVAL, "lat is a latitude from -90 to 90, such as 52.52");
    if (r == 0 && s->place && (s->lon_e6 < -180000000 || s->lon_e6 > 180000000))
        r = fl_err_set(err, FL_E_INVAL, "lon is a longitude from -180 to 180, such as 13.405");
    return r;
}
