/*
 * syslog.h - the header of a syslog line: RFC 5424, RFC 3164, and what is sent in their name.
 *
 * Lenient about: a PRI or a host that is missing, several blanks, a version that is missing before
 * a structured message, ISO time in an RFC 3164 line, every spelling of codec/stamp.h, a BSD header
 * that a relay put in front of a structured message, a host said twice.
 */
#ifndef FL_CODEC_SYSLOG_H
#define FL_CODEC_SYSLOG_H

#include <stdbool.h>

#include "codec/value.h"

/*
 * Take the header at the front of the line into p, and set p->body and p->has_header. False, with
 * the reason in *ret_why and p unchanged, where there is none.
 */
bool fl_syslog_head(struct fl_parse *p, const char **ret_why);

/* Is the message what RFC 5424 section 6 allows, to the letter? For tests and for `logs parse`. */
bool fl_syslog_is_strict_5424(struct fl_span message);

#endif
