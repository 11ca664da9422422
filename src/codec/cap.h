/*
 * cap.h - Common Alerting Protocol, OASIS CAP 1.2 (ITU-T X.1303bis) and 1.1: one alert, or alerts
 * within the entries of Atom, the items of RSS, the contents of EDXL-DE 1.0.
 *
 * Strict about what an alert must have (3.2: identifier, sender, sent with its offset, status,
 * msgType, scope; of each info category, event, urgency, severity, certainty; areaDesc; closed
 * polygons of at least four points; circles): an alert that is not so is refused, naming the
 * element. Taken beyond the letter: "Z" as an offset, "Very Likely", Update without references.
 * Ack and Error are no events. Of several infos those in the language of the chosen one count
 * (English before the first). An AllClear ends the event at `sent`. Names are
 * "cap:SENDER,IDENTIFIER"; references likewise, the newest FL_EVENT_IDS_MAX of them. Circles of
 * radius 0 are points. Geocodes stay text. Of GDACS and the USGS the number of the event becomes
 * a name too, so that it meets the same event in their other feeds.
 */
#ifndef FL_CODEC_CAP_H
#define FL_CODEC_CAP_H

#include "codec/feed.h"

#define FL_CAP_ALERTS_MAX 2000u /* in one file */

/* As fl_feed_read(). */
int fl_cap_read(const struct fl_feed_source *source, struct fl_span bytes,
                const struct fl_event_sink *sink, struct fl_err *err) FL_MUST_CHECK;

#endif
