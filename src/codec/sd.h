/*
 * sd.h - structured data, [id name="value" ...], as RFC 5424 section 6.3 has it and as it comes:
 * the id glued to the first name, parameters glued together, curly quotes, a quote without its
 * backslash inside a value, a last bracket that is missing.
 */
#ifndef FL_CODEC_SD_H
#define FL_CODEC_SD_H

#include "codec/value.h"

/*
 * Read all elements from line[at] == '[' on. Parameters with a row in params go to their columns,
 * the others (all, when params is NULL) are kept by name. Returns where the elements end. What
 * cannot be read is kept as "rest" up to the end of the line; *ret_whole then is false.
 */
size_t fl_sd_parse(struct fl_parse *p, size_t at, const struct fl_params *params, bool *ret_whole);

#endif
