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

#endif
