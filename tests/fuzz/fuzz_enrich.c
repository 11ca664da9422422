/* Any URL and application: the host lies in the URL, the domain is its end in lower case. */
#include <stdlib.h>
#include <string.h>

#include "codec/ip.h"
#include "logs/enrich.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(int ok)
{
    if (!ok)
        abort();
}

static unsigned char low(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static void check_domain(struct fl_span host, struct fl_span domain)
{
    while (host.len > 0 && host.ptr[host.len - 1] == '.')
        host.len--;
    must(domain.len > 0 && domain.len <= host.len);
    for (size_t i = 0; i < domain.len; i++)
        must(domain.ptr[i] == low(host.ptr[host.len - domain.len + i]));
    must(domain.len == host.len || host.ptr[host.len - domain.len - 1] == '.');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct fl_enrich *enrich;
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    struct fl_event ev = {.arena = &arena};
    struct fl_span category = {NULL, 0};
    size_t app = n > 0 ? data[0] % n : 0;

    fl_arena_init(&arena, 1 << 16);
    if (enrich == NULL)
        must(fl_enrich_new(&enrich, NULL) == 0);
    if (n == 0)
        return 0;
    fl_event_str(&ev, FL_F_URL, fl_span_of(data + 1, n - 1));
    if (app > 0)
        fl_event_str(&ev, FL_F_APP, fl_span_of(data + n - app, app));
    for (int round = 0; round < 2; round++) { /* the second time from the cache */
        fl_enrich(enrich, &ev);
        if (fl_event_has(&ev, FL_F_HOSTNAME)) {
            struct fl_span host = ev.v[FL_F_HOSTNAME].str;

            must(host.ptr >= data + 1 && host.ptr + host.len <= data + n && host.len > 0);
            must(fl_event_has(&ev, FL_F_DOMAIN));
            check_domain(host, ev.v[FL_F_DOMAIN].str);
        } else {
            must(!fl_event_has(&ev, FL_F_DOMAIN));
        }
        must(round == 0 || fl_span_eq(category, fl_event_get_str(&ev, FL_F_CATEGORY)));
        category = fl_event_get_str(&ev, FL_F_CATEGORY);
        fl_fieldset_drop(&ev.has, FL_F_HOSTNAME);
        fl_fieldset_drop(&ev.has, FL_F_DOMAIN);
        fl_fieldset_drop(&ev.has, FL_F_CATEGORY);
    }
    return 0;
}
