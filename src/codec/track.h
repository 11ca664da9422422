/*
 * track.h - tracks of tropical cyclones: one event per cyclone, with its fixes.
 *
 * RSMC Tokyo best track (JMA, rsmc_format.html): years of two digits (51 and later are 19xx),
 * tenths of degrees, knots as 10-minute means; the longest and shortest radius of 50 and 30 kt make
 * a circle out of centre, whose edge is taken at NE, SE, SW and NW; 30 kt stand where 34 do.
 * HURDAT2 (NHC): 1-minute means, radii of 34, 50 and 64 kt by quadrant, -99 and -999 unknown.
 * IBTrACS (NCEI, CSV with its line of units): the USA columns where they are filled, else WMO's.
 * Names: "jma:201822", "atcf:AL012014", "ibtracs:2018250N12170". A cyclone that is malformed is
 * refused whole, naming the line.
 */
#ifndef FL_CODEC_TRACK_H
#define FL_CODEC_TRACK_H

#include "codec/feed.h"

/* As fl_feed_read(); source->format says which of the three. */
int fl_track_read(const struct fl_feed_source *source, struct fl_span bytes,
                  const struct fl_event_sink *sink, struct fl_err *err) FL_MUST_CHECK;

#endif
