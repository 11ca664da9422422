#include "model/site.h"

int fl_site_check(const struct fl_site *s, struct fl_err *err)
{
    int r = fl_slug_check(fl_span_of(s->slug, strnlen(s->slug, sizeof s->slug)), "site", err);

    if (r == 0)
        r = fl_name_check(fl_span_of(s->name, strnlen(s->name, sizeof s->name)), "name", err);
    if (r == 0)
        r = fl_country_check(fl_span_of(s->country, strnlen(s->country, sizeof s->country)), err);
    return r;
}
