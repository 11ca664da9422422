/*
 * web_map.h - inside web: what is made of a request's head and path, and which fields go with an
 * answer. Pure: bytes in, bytes out.
 */
#ifndef FL_FAIRLEADD_WEB_MAP_H
#define FL_FAIRLEADD_WEB_MAP_H

#include "codec/http.h"
#include "codec/msg.h"

#define FL_WEB_COOKIE      "__Host-fairlead"
#define FL_WEB_HEADERS_MAX 8192u /* bytes of fields, either way */

enum fl_web_place {
    FL_WEB_CORE,  /* core answers */
    FL_WEB_FILES, /* a file of the screen */
};
enum fl_web_place fl_web_place_of(struct fl_span path);

/*
 * The message to core. Its spans point into head and headers, which gets the fields that core knows
 * ("name: value\n", names in lower case). HEAD becomes GET. FL_E_LIMIT: a field is too long; the
 * text names it.
 */
int fl_web_request(const struct fl_http_head *head, const char *peer, struct fl_buf *headers,
                   struct fl_msg_request *ret, struct fl_err *err) FL_MUST_CHECK;

/* What kind of page the fields are for. */
enum fl_web_page {
    FL_WEB_PAGE_APP,  /* the screen: own scripts and styles, trusted types */
    FL_WEB_PAGE_DOCS, /* the reference of the API: as above, without trusted types */
    FL_WEB_PAGE_DATA  /* an answer that is no page */
};
/* The fields that keep a browser from doing what nobody asked for. own_cert: the operator brought
 * the certificate, so the browser may be told to insist on HTTPS. */
void fl_web_guard(enum fl_web_page page, bool own_cert, struct fl_buf *out);

/* How an answer of core is passed on. */
enum fl_web_flow {
    FL_WEB_HOLD,   /* small: collected, then sent with its length */
    FL_WEB_STREAM, /* as it comes; its trailer as the field Fairlead-Result */
    FL_WEB_EVENTS  /* server-sent events; its trailer as the event end */
};
enum fl_web_flow fl_web_flow_of(struct fl_span type);

/* Content type by a file's name. */
const char *fl_web_type_of(struct fl_span name);
/* Does the name carry a hash of its contents, as assets/index-BxK3a9Qz.js does? */
bool fl_web_is_hashed(struct fl_span name);

#endif
