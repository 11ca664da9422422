/*
 * cef.h - ArcSight Common Event Format, version 0 and 1:
 * CEF:0|vendor|product|device version|signature id|name|severity|key=value key=value
 *
 * Also without "CEF:" in front, as some gateways send it. A value ends where " key=" begins.
 */
#ifndef FL_CODEC_CEF_H
#define FL_CODEC_CEF_H

#include "codec/value.h"

bool fl_cef_parse(struct fl_parse *p);

#endif
