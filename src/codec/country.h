/* country.h - ISO 3166-1: three letters to two. */
#ifndef FL_CODEC_COUNTRY_H
#define FL_CODEC_COUNTRY_H

#include "base/span.h"

/* "MUS" to "MU", without regard to case; two letters that are a country stay. Else empty. */
struct fl_span fl_country_iso2(struct fl_span code);

#endif
