/*
 * slug.h - the short names in paths and commands, and the other small texts that people type.
 *
 * A slug is 1 to 63 of a-z, 0-9 and '-', without '-' at either end: fit for host names, file names
 * and URLs. All errors are FL_E_INVAL and say what would be right. `what` names the thing in them.
 */
#ifndef FL_MODEL_SLUG_H
#define FL_MODEL_SLUG_H

#include "base/err.h"
#include "base/span.h"
#include "codec/msg.h"

#define FL_NAME_MAX 120u                  /* bytes of a name for people */
#define FL_HOST_MAX 255u                  /* RFC 5424, 6.2.4 */
#define FL_LIST_MAX (FL_MSG_TEXT_MAX - 1) /* bytes of a comma list */

int fl_slug_check(struct fl_span slug, const char *what, struct fl_err *err) FL_MUST_CHECK;

/* 1 to FL_NAME_MAX bytes of UTF-8 without control characters or blanks at either end. */
int fl_name_check(struct fl_span name, const char *what, struct fl_err *err) FL_MUST_CHECK;

/* A HOSTNAME as in syslog: printable ASCII without blanks, at most FL_HOST_MAX. Empty is right. */
int fl_host_check(struct fl_span host, struct fl_err *err) FL_MUST_CHECK;

/* An ISO 3166-1 alpha-2 code that is assigned, in capitals. Empty is right: not known. */
int fl_country_check(struct fl_span country, struct fl_err *err) FL_MUST_CHECK;

/* A comma list of names as they stand in log lines: printable ASCII without blanks, none empty, at
 * most FL_LIST_MAX bytes. Empty is right. */
int fl_list_check(struct fl_span list, const char *what, struct fl_err *err) FL_MUST_CHECK;

#endif
