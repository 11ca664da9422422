/*
 * ip.h - IP addresses as text and as 16 bytes (IPv4 mapped, ::ffff:a.b.c.d: RFC 4291
 * section 2.5.5.2).
 *
 * Own code because the text that comes back must be the same on every libc: stored lines are
 * rebuilt from it. IPv6 is written as RFC 5952 has it, IPv4-mapped always as a.b.c.d.
 */
#ifndef FL_CODEC_IP_H
#define FL_CODEC_IP_H

#include <stdbool.h>

#include "base/span.h"

#define FL_IP_BYTES      16
#define FL_IP_TEXT_BYTES 48 /* longest text and its NUL, with room */

/* All of text must be the address: a.b.c.d (no leading zeros) or IPv6 of any spelling, no scope. */
bool fl_ip_parse(struct fl_span text, unsigned char ret_ip[FL_IP_BYTES]);

/* The same; *ret_same: fl_ip_format() of it gives back this very text. */
bool fl_ip_parse_same(struct fl_span text, unsigned char ret_ip[FL_IP_BYTES], bool *ret_same);

/* Writes a NUL-terminated text and returns its length. */
size_t fl_ip_format(const unsigned char ip[FL_IP_BYTES], char text[FL_IP_TEXT_BYTES]);

bool fl_ip_is_v4(const unsigned char ip[FL_IP_BYTES]);

#endif
