#include "codec/xml_safe.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <limits.h>
#include <string.h>

#include "codec/world_event.h"

/* What the callbacks need to know of a parse; hangs at ctxt->_private. */
struct watch {
    unsigned long elements;
    unsigned depth;
    const char *refused; /* why we stopped; NULL: we did not */
};

static void stop(xmlParserCtxtPtr ctxt, const char *why)
{
    struct watch *watch = ctxt->_private;

    if (watch->refused == NULL)
        watch->refused = why;
    xmlStopParser(ctxt);
}

static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *id, const xmlChar *uri)
{
    (void)name;
    (void)id;
    (void)uri;
    stop(ctx, "a document type declaration is not allowed");
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int ns_count, const xmlChar **ns, int attrs, int defaulted,
                     const xmlChar **attributes)
{
    xmlParserCtxtPtr ctxt = ctx;
    struct watch *watch = ctxt->_private;

    if (++watch->elements > FL_XML_ELEMENTS_MAX)
        stop(ctxt, "too many elements");
    else if (++watch->depth > FL_XML_DEPTH_MAX)
        stop(ctxt, "elements are nested too deep");
    else
        xmlSAX2StartElementNs(ctx, name, prefix, uri, ns_count, ns, attrs, defaulted, attributes);
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    xmlParserCtxtPtr ctxt = ctx;
    struct watch *watch = ctxt->_private;

    watch->depth--;
    xmlSAX2EndElementNs(ctx, name, prefix, uri);
}

static int fail(xmlParserCtxtPtr ctxt, const struct watch *watch, struct fl_err *err)
{
    const xmlError *last = xmlCtxtGetLastError(ctxt);
    int line = ctxt->input != NULL ? ctxt->input->line : 0;
    const char *text = last != NULL && last->message != NULL ? last->message : "it is no XML";

    if (watch->refused != NULL)
        return fl_err_set(err, FL_E_INVAL, "line %d: %s", line, watch->refused);
    return fl_err_set(err, FL_E_INVAL, "line %d: no XML: %.*s", last != NULL ? last->line : line,
                      (int)strcspn(text, "\n"), text);
}

int fl_xml_parse(struct fl_span bytes, size_t max_bytes, xmlDocPtr *ret, struct fl_err *err)
{
    const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                        XML_PARSE_NOCDATA | XML_PARSE_COMPACT;
    struct watch watch = {0};
    xmlParserCtxtPtr ctxt;
    xmlDocPtr doc;
    int r = FL_OK;

    if (bytes.len > max_bytes || bytes.len > INT_MAX)
        return fl_err_set(err, FL_E_LIMIT, "%zu bytes are over the limit of %zu", bytes.len,
                          max_bytes);
    if (bytes.len == 0)
        return fl_err_set(err, FL_E_INVAL, "it is empty");
    xmlInitParser();
    ctxt = xmlNewParserCtxt();
    if (ctxt == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for XML");
    ctxt->_private = &watch;
    ctxt->sax->internalSubset = on_doctype;
    ctxt->sax->startElementNs = on_start;
    ctxt->sax->endElementNs = on_end;
    doc = xmlCtxtReadMemory(ctxt, (const char *)bytes.ptr, (int)bytes.len, NULL, NULL, options);
    if (doc == NULL || watch.refused != NULL || !ctxt->wellFormed)
        r = fail(ctxt, &watch, err);
    if (r < 0)
        xmlFreeDoc(doc);
    else
        *ret = doc;
    xmlFreeParserCtxt(ctxt);
    return r;
}

void fl_xml_freep(xmlDocPtr *doc)
{
    if (*doc != NULL)
        xmlFreeDoc(*doc);
}

bool fl_xml_is(const xmlNode *node, const char *name, const char *ns)
{
    if (node == NULL || node->type != XML_ELEMENT_NODE ||
        strcmp((const char *)node->name, name) != 0)
        return false;
    return ns == NULL || (node->ns != NULL && node->ns->href != NULL &&
                          strcmp((const char *)node->ns->href, ns) == 0);
}

xmlNode *fl_xml_child(const xmlNode *parent, const char *name, const xmlNode *after)
{
    xmlNode *node = parent == NULL ? NULL : after == NULL ? parent->children : after->next;

    while (node != NULL && !fl_xml_is(node, name, NULL))
        node = node->next;
    return node;
}

xmlNode *fl_xml_next(const xmlNode *parent, const xmlNode *after)
{
    xmlNode *node = parent == NULL ? NULL : after == NULL ? parent->children : after->next;

    while (node != NULL && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

static struct fl_span take(xmlChar *text, struct fl_arena *arena, size_t max)
{
    struct fl_span clean = {NULL, 0};

    if (text != NULL) {
        clean = fl_event_clean(arena, fl_span_str((const char *)text), max);
        xmlFree(text);
    }
    return clean.ptr == NULL ? FL_SPAN("") : clean;
}

struct fl_span fl_xml_text(const xmlNode *node, struct fl_arena *arena, size_t max)
{
    return node == NULL ? FL_SPAN("") : take(xmlNodeGetContent(node), arena, max);
}

struct fl_span fl_xml_child_text(const xmlNode *parent, const char *name, struct fl_arena *arena,
                                 size_t max)
{
    return fl_xml_text(fl_xml_child(parent, name, NULL), arena, max);
}

struct fl_span fl_xml_attr(const xmlNode *node, const char *name, struct fl_arena *arena,
                           size_t max)
{
    if (node == NULL)
        return FL_SPAN("");
    return take(xmlGetNoNsProp(node, (const xmlChar *)name), arena, max);
}
