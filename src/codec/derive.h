/*
 * derive.h - what follows from the columns of one line alone: action, application, user, SLA rule,
 * true start, and what to think of the device's clock.
 */
#ifndef FL_CODEC_DERIVE_H
#define FL_CODEC_DERIVE_H

#include "codec/value.h"

/* Columns only: the shape is done with, and derived values must not be written into columns that a
 * placeholder refers to. */
void fl_derive(struct fl_parse *p);

/* Parts of it, for a caller who knows that the others have nothing to do (codec/line_reader.c). */
void fl_derive_action(struct fl_event *ev);
void fl_derive_sla_rule(struct fl_event *ev); /* FL_F_TAG, FL_F_RULE */
void fl_derive_start(struct fl_event *ev);    /* FL_F_ACTION, FL_F_DURATION, FL_F_TIME */
bool fl_derive_asks_sla(struct fl_span tag);  /* may fl_derive_sla_rule() do something? */

#endif
