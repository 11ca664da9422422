/* Any settings file: read or refused with errors; what is read dumps to a file that dumps the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void dump_of(struct fl_span text, struct fl_buf *out)
{
    FL_AUTO(fl_buf_done) struct fl_buf errors;
    struct fl_conf *conf = NULL;
    struct fl_err err;

    fl_buf_init(&errors, FL_CONF_ERRORS_MAX);
    if (fl_conf_parse("f", text, &conf, &errors, &err) == FL_OK)
        fl_conf_dump(conf, out);
    else if (err.code == FL_E_INVAL && errors.len == 0 && errors.failed == 0)
        abort(); /* refused without a word */
    fl_conf_free(conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    FL_AUTO(fl_buf_done) struct fl_buf first, second;

    fl_buf_init(&first, (size_t)4 << 20);
    fl_buf_init(&second, (size_t)4 << 20);
    dump_of(fl_span_of(data, n), &first);
    if (first.len == 0)
        return 0;
    dump_of(fl_buf_span(&first), &second);
    if (!fl_span_eq(fl_buf_span(&first), fl_buf_span(&second)))
        abort();
    return 0;
}
