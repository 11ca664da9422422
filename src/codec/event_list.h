/*
 * event_list.h - any source of events that is a JSON array of objects or a CSV, with a mapping.
 *
 * A mapping is text, one pair a line or after a semicolon: OURS = THEIRS, where THEIRS is a column,
 * a path of members with dots ("geometry.coordinates.1"), or a constant in quotes ('IND-001').
 * `items = data.rows` says where the array is ("": the document itself). Ours are: id title text
 * place url type kind category status message severity urgency certainty issued from until lat lon
 * radius_km magnitude depth_km probability days country port entity. Times are RFC 3339, a date, or
 * seconds or milliseconds since 1970; lists (country, port, entity) are apart by blank-less commas
 * or semicolons, or an array. Without a mapping the names are ours. Only id and one of title or
 * type are required. A bad row is refused naming member and value.
 */
#ifndef FL_CODEC_EVENT_LIST_H
#define FL_CODEC_EVENT_LIST_H

#include "codec/feed.h"

#define FL_EVENT_ROWS_MAX 50000u
#define FL_EVENT_MAP_MAX  4096u /* bytes of a mapping */

/* FL_E_INVAL names the pair and what would be right. */
int fl_event_map_new(struct fl_span text, struct fl_event_map **ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_event_map_free(struct fl_event_map *map); /* NULL is allowed */
static inline void fl_event_map_freep(struct fl_event_map **map)
{
    fl_event_map_free(*map);
}

/* As fl_feed_read(); source->format says which of the two. */
int fl_event_list_read(const struct fl_feed_source *source, struct fl_span bytes,
                       const struct fl_event_sink *sink, struct fl_err *err) FL_MUST_CHECK;

#endif
