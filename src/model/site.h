/* site.h - a site of a tenant: a place where devices stand. */
#ifndef FL_MODEL_SITE_H
#define FL_MODEL_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/slug.h"

struct fl_site {
    uint32_t id;     /* 0 before it is stored */
    uint32_t tenant; /* its id */
    char slug[FL_SLUG_MAX + 1];
    char name[FL_NAME_MAX + 1];
    char country[3];            /* ISO 3166-1 alpha-2, or "" */
    char city[FL_NAME_MAX + 1]; /* or "" */
    bool place;                 /* where it stands is known */
    int64_t lat_e6, lon_e6;     /* WGS 84, millionths of a degree */
    int64_t created_us;
};

/* FL_E_INVAL: names the field and what would be right. */
int fl_site_check(const struct fl_site *site, struct fl_err *err) FL_MUST_CHECK;

#endif
