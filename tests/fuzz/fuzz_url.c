/* Addresses and links from outside: what is accepted has a right host and stays in the bytes; a
 * link that is joined either parses or is refused. The first line is the base, the rest the link.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool fine)
{
    if (!fine)
        abort();
}

static void check_url(struct fl_span text)
{
    struct fl_url url, again;
    size_t len;

    if (fl_url_parse(text, true, &url, NULL) < 0)
        return;
    len = strlen(url.host);
    need(len > 0 && len <= FL_HOST_LEN && url.port > 0 && url.target.len > 0);
    need(url.target.ptr[0] == '/' && strpbrk(url.host, "/@# \\") == NULL);
    need(fl_url_parse(text, url.tls, &again, NULL) < 0 || again.tls);
    need(fl_hosts_match(FL_SPAN("*"), url.host, url.port, 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    struct fl_span text = fl_span_of(data, size), base = text, link = {NULL, 0};
    const uint8_t *line = size == 0 ? NULL : memchr(data, '\n', size);

    fl_buf_init(&out, 2 * FL_URL_MAX);
    if (line != NULL) {
        base.len = (size_t)(line - data);
        link = fl_span_of(line + 1, size - base.len - 1);
    }
    check_url(base);
    (void)!fl_hosts_check(base, NULL);
    (void)!fl_hosts_match(text, "a.b.c", 443, 443);
    if (fl_url_join(base, link, &out, NULL) == FL_OK)
        check_url(fl_buf_span(&out));
    return 0;
}
