/*
 * figure.h - inside api: one short answer of the store, whole, for handlers that make something
 * else of it (an overview, a saved search). Where the caller may not read the tenant's logs the
 * handler is told so, and answers without it.
 */
#ifndef FL_API_FIGURE_H
#define FL_API_FIGURE_H

#include "api/route.h"

#define FL_FIGURE_MAX ((size_t)512 * 1024)

/* problem NULL: result is the whole answer; else why there is none. */
typedef void fl_figure_fn(struct fl_req *req, struct fl_span result, const char *problem,
                          void *ctx);

/*
 * Ask for msg (its cap is filled in) on behalf of req's tenant; done is called once, perhaps before
 * this returns. Spans of msg must live as long as the request. Takes the request's state.
 */
int fl_figure_ask(struct fl_req *req, const struct fl_msg_query *msg, fl_figure_fn *done, void *ctx,
                  struct fl_err *err) FL_MUST_CHECK;

/*
 * The figure in the answer of COUNT or TOP: {"rows":n,"bytes":n}, or
 * {"items":[{"key":..,"bytes":n}]} with the largest first. metric "": rows, or bytes of a group.
 * False: it is no such answer.
 */
bool fl_search_figure(struct fl_span result, const char *by, const char *metric, uint64_t *ret,
                      char *ret_key, size_t key_size);

/* Does the caller see personal data of the request's tenant now? */
bool fl_figure_reveals(const struct fl_req *req);

#endif
