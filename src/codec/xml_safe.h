/*
 * xml_safe.h - XML from outside as a tree of libxml2: no network, no document type (hence no
 * entities), limited in bytes, depth and elements.
 */
#ifndef FL_CODEC_XML_SAFE_H
#define FL_CODEC_XML_SAFE_H

#include <libxml/tree.h>

#include "base/arena.h"
#include "base/err.h"

#define FL_XML_DEPTH_MAX    64
#define FL_XML_ELEMENTS_MAX 400000

/* FL_E_INVAL: "line 3: a document type declaration is not allowed". */
int fl_xml_parse(struct fl_span bytes, size_t max_bytes, xmlDocPtr *ret, struct fl_err *err)
    FL_MUST_CHECK;
void fl_xml_freep(xmlDocPtr *doc); /* fit for FL_AUTO */

/* Is it this element? ns NULL: in any name space. */
bool fl_xml_is(const xmlNode *node, const char *name, const char *ns);
/* The first child of that name, or behind after (NULL: from the start); NULL there is none. */
xmlNode *fl_xml_child(const xmlNode *parent, const char *name, const xmlNode *after);
/* The first element child of any name. */
xmlNode *fl_xml_next(const xmlNode *parent, const xmlNode *after);
/* What text stands in it, cleaned as fl_event_clean() does; "" for NULL, empty, no memory. */
struct fl_span fl_xml_text(const xmlNode *node, struct fl_arena *arena, size_t max);
struct fl_span fl_xml_child_text(const xmlNode *parent, const char *name, struct fl_arena *arena,
                                 size_t max);
struct fl_span fl_xml_attr(const xmlNode *node, const char *name, struct fl_arena *arena,
                           size_t max);

#endif
