/*
 * fortigate.h - FortiGate: date=2026-11-21 time=20:04:31 devname="fw" type="traffic" srcip=10.0.0.1
 * ...
 *
 * Values are bare words or in quotes with \" and \\ as escapes. The zone comes from tz=, else UTC.
 */
#ifndef FL_CODEC_FORTIGATE_H
#define FL_CODEC_FORTIGATE_H

#include "codec/value.h"

bool fl_fortigate_parse(struct fl_parse *p);

#endif
