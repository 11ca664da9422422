/* Declared in segment_int.h. Compressors and buffers are large, and a query opens hundreds of
 * segments: as many are kept as are used at a time, not one for each segment. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "logs/segment_int.h"

enum { KEPT = 4 };
#define KEPT_BYTES ((size_t)8 << 20) /* of one buffer */

static _Atomic(struct fl_tools *) resting[KEPT];

static void free_tools(struct fl_tools *t)
{
    fl_series_free(t->series);
    for (size_t i = 0; i < FL_TOOLS_DEPTH; i++) {
        fl_buf_done(&t->stored[i]);
        fl_buf_done(&t->scratch[i]);
    }
    free(t);
}

int fl_tools_take(struct fl_tools **ret, struct fl_err *err)
{
    struct fl_tools *t = NULL;
    int r;

    for (size_t i = 0; i < KEPT && t == NULL; i++)
        t = atomic_exchange(&resting[i], NULL);
    if (t == NULL) {
        t = calloc(1, sizeof *t);
        if (t == NULL)
            return fl_err_set(err, FL_E_NOMEM, "no memory to read a segment");
        for (size_t i = 0; i < FL_TOOLS_DEPTH; i++) {
            fl_buf_init(&t->stored[i], FL_CHUNK_MAX_BYTES + ((size_t)1 << 20));
            fl_buf_init(&t->scratch[i], FL_CHUNK_MAX_BYTES);
        }
        r = fl_series_new(&t->series, err);
        if (r < 0) {
            free_tools(t);
            return r;
        }
    }
    *ret = t;
    return FL_OK;
}

/* Whatever was read may be erased while this rests. */
static void wipe(struct fl_buf *buf)
{
    if (buf->cap > KEPT_BYTES)
        fl_buf_done(buf);
    else if (buf->len > 0)
        explicit_bzero(buf->ptr, buf->len);
    fl_buf_clear(buf);
}

void fl_tools_give(struct fl_tools *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < FL_TOOLS_DEPTH; i++) {
        wipe(&t->stored[i]);
        wipe(&t->scratch[i]);
    }
    for (size_t i = 0; i < KEPT && t != NULL; i++)
        t = atomic_exchange(&resting[i], t);
    if (t != NULL)
        free_tools(t);
}
