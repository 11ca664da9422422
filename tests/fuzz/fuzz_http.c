/* The head of a request: whatever comes, whole or in pieces the answer is the same, views stay in
 * the bytes, and no name of a file climbs. */
#include <stdlib.h>
#include <string.h>

#include "codec/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool fine)
{
    if (!fine)
        abort();
}

static void check_view(struct fl_span bytes, struct fl_span view)
{
    need(view.len == 0 || (view.ptr >= bytes.ptr && view.ptr + view.len <= bytes.ptr + bytes.len));
}

static void check_name(struct fl_span path)
{
    FL_AUTO(fl_buf_done) struct fl_buf name;
    struct fl_span text;

    fl_buf_init(&name, FL_HTTP_TARGET_MAX);
    if (fl_http_file_name(path, &name, NULL) < 0)
        return;
    text = fl_buf_span(&name);
    need(text.len == 0 || (text.ptr[0] != '/' && text.ptr[0] != '.'));
    for (size_t i = 0; i < text.len; i++)
        need(text.ptr[i] != '\0' && text.ptr[i] != '\\' &&
             (text.ptr[i] != '/' || i + 1 == text.len ||
              (text.ptr[i + 1] != '.' && text.ptr[i + 1] != '/')));
}

static void check_head(struct fl_span bytes, const struct fl_http_head *head, int64_t n)
{
    struct fl_span inside = fl_span_of(bytes.ptr, (size_t)n);

    need(n > 0 && (size_t)n <= bytes.len && head->target.ptr[0] == '/' &&
         head->field_count <= FL_HTTP_FIELDS_MAX);
    check_view(inside, head->method);
    check_view(inside, head->target);
    check_view(inside, head->path);
    check_view(inside, head->query);
    for (size_t i = 0; i < head->field_count; i++) {
        check_view(inside, head->fields[i].name);
        check_view(inside, head->fields[i].value);
        need(head->fields[i].value.len == 0 ||
             (memchr(head->fields[i].value.ptr, '\n', head->fields[i].value.len) == NULL &&
              memchr(head->fields[i].value.ptr, '\r', head->fields[i].value.len) == NULL));
    }
    check_view(inside, fl_http_cookie(head, "__Host-fairlead"));
    check_view(inside, fl_http_bearer(head));
    (void)fl_http_takes(head, "gzip");
    (void)fl_http_none_match(head, FL_SPAN("\"x\""));
    check_name(head->path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_span bytes = fl_span_of(data, size);
    struct fl_http_head whole, part;
    int status = 0, part_status = 0;
    int64_t n, m = 0;
    size_t step = size > 256 ? size / 64 : 1;

    n = fl_http_read(bytes, 0, &whole, &status, NULL);
    need(n >= 0 || status >= 400);
    if (n > 0)
        check_head(bytes, &whole, n);
    for (size_t have = step, seen = 0; m == 0 && have <= size; seen = have, have += step)
        m = fl_http_read(fl_span_of(data, have), seen, &part, &part_status, NULL);
    if (n > 0) /* pieces may end before the end: then nothing has come yet */
        need(m == n || m == 0);
    check_name(bytes);
    return 0;
}
