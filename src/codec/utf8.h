/* utf8.h - is it well-formed UTF-8 (Unicode table 3-7; RFC 3629)? */
#ifndef FL_CODEC_UTF8_H
#define FL_CODEC_UTF8_H

#include <stdbool.h>

#include "base/span.h"

/* Bytes of the well-formed sequence at p, of which left > 0 bytes may be read; 0 when it is none.
 */
size_t fl_utf8_at(const unsigned char *p, size_t left);

bool fl_utf8_valid(struct fl_span s);

#endif
