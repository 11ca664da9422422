/*
 * junos.h - Junos: structured messages ([junos@...]) and the unstructured RT_FLOW ones.
 *
 * Which parameter goes to which column is one table, fl_junos_params in junos.c.
 */
#ifndef FL_CODEC_JUNOS_H
#define FL_CODEC_JUNOS_H

#include "codec/value.h"

/* Parameters that have a column. */
extern const struct fl_params fl_junos_params;

/* The SD-ID prefix is what tells it; the enterprise number is not looked at. */
bool fl_junos_parse(struct fl_parse *p);

/* "session created|closed|denied ..." of any release: which field stands where is found by what the
 * fields look like (rtflow.c). */
bool fl_rtflow_parse(struct fl_parse *p);

/* What a message says happened: "created", "closed", ...; empty for tags that say nothing of the
 * kind. A static string. */
struct fl_span fl_junos_action(struct fl_span tag);

#endif
