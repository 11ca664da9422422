#include <stdio.h>
#include <string.h>

#include "model/device.h"
#include "model/site.h"
#include "model/tenant.h"
#include "tap.h"

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* text NULL: right; otherwise what the error must say. */
struct text_case {
    const char *text, *says;
};

static const struct text_case slugs[] = {
    {"a", NULL},
    {"br-0421", NULL},
    {"0", NULL},
    {A63, NULL},
    {A63 "a", "1 to 63 characters, not 64"},
    {"", "1 to 63 characters, not 0"},
    {"Berlin", "character 1 is none"},
    {"a_b", "character 2 is none"},
    {"a/b", "character 2 is none"},
    {"a.b", "character 2 is none"},
    {"b\xc3\xa4r", "character 2 is none"},
    {"-a", "begin or end with '-'"},
    {"a-", "begin or end with '-'"},
    {"-", "begin or end with '-'"},
};

static const struct text_case names[] = {
    {"Berlin Mitte", NULL},
    {"Stra\xc3\x9f"
     "e 1 \xe6\x9d\xb1\xe4\xba\xac \xf0\x9f\x8f\xa0",
     NULL},
    {A63 A63, "1 to 120 bytes, not 126"},
    {"", "not 0"},
    {" a", "blank"},
    {"a ", "blank"},
    {"a\tb", "control characters; byte 2"},
    {"a\x7f", "control characters; byte 2"},
    {"a\xc2\x85", "control characters; byte 2"},
    {"a\xe2\x80\xae"
     "b",
     "control characters; byte 2"},
    {"a\xe2\x81\xa6"
     "b",
     "control characters; byte 2"},
    {"a\xc0\xaf", "UTF-8; byte 2"},
    {"a\xed\xa0\x80", "UTF-8; byte 2"},
    {"a\xf4\x90\x80\x80", "UTF-8; byte 2"},
    {"a\xe2\x80", "UTF-8; byte 2"},
    {"a\x80", "UTF-8; byte 2"},
    {"a\xff", "UTF-8; byte 2"},
};

static const struct text_case hosts[] = {
    {"", NULL},       {"fw1.example.net", NULL}, {"10.0.0.1", NULL},
    {"FW_1/a", NULL}, {"fw 1", "character 3"},   {"fw\x80", "character 3"},
};

static const struct text_case countries[] = {
    {"", NULL},        {"DE", NULL},     {"ZW", NULL},       {"AD", NULL},      {"de", "capital"},
    {"XX", "capital"}, {"D", "capital"}, {"DEU", "capital"}, {"E ", "capital"}, {" D", "capital"},
};

static const struct text_case lists[] = {
    {"", NULL},
    {"untrust", NULL},
    {"untrust,vpn-1", NULL},
    {"a,", "missing at character 2"},
    {",a", "missing at character 1"},
    {"a,,b", "missing at character 3"},
    {"a, b", "character 3 is not"},
};

static int check_slug(struct fl_span s, struct fl_err *err)
{
    return fl_slug_check(s, "tenant", err);
}
static int check_name(struct fl_span s, struct fl_err *err)
{
    return fl_name_check(s, "name", err);
}
static int check_list(struct fl_span s, struct fl_err *err)
{
    return fl_list_check(s, "far_zones", err);
}

static const struct {
    const char *what;
    int (*check)(struct fl_span s, struct fl_err *err);
    const struct text_case *cases;
    size_t count;
} kinds[] = {
    {"slug", check_slug, slugs, FL_LEN(slugs)},
    {"name", check_name, names, FL_LEN(names)},
    {"host", fl_host_check, hosts, FL_LEN(hosts)},
    {"country", fl_country_check, countries, FL_LEN(countries)},
    {"list", check_list, lists, FL_LEN(lists)},
};

static void check_texts(void)
{
    for (size_t k = 0; k < FL_LEN(kinds); k++)
        for (size_t i = 0; i < kinds[k].count; i++) {
            const struct text_case *c = &kinds[k].cases[i];
            struct fl_err err = {0};
            int r = kinds[k].check(fl_span_str(c->text), &err);
            char name[200];

            (void)snprintf(name, sizeof name, "%s, case %zu: %s", kinds[k].what, i,
                           c->says == NULL ? "right" : c->says);
            CHECK(c->says == NULL ? r == 0 : r == FL_E_INVAL && strstr(err.text, c->says) != NULL,
                  name);
        }
}

static void check_tenants(void)
{
    static const struct {
        uint32_t keep_days;
        uint64_t quota;
        const char *says;
    } cases[] = {{1, 0, NULL},
                 {30, FL_QUOTA_BYTES_MIN, NULL},
                 {0, 0, "1 to 30 days, not 0"},
                 {31, 0, "1 to 30 days, not 31"},
                 {7, 1, "between 1 MiB and 1 PiB"},
                 {7, FL_QUOTA_BYTES_MAX + 1, "between 1 MiB and 1 PiB"}};

    for (size_t i = 0; i < FL_LEN(cases); i++) {
        struct fl_tenant t = {.slug = "acme", .name = "Acme"};
        struct fl_err err = {0};
        int r;

        t.keep_days = cases[i].keep_days;
        t.quota_bytes = cases[i].quota;
        r = fl_tenant_check(&t, &err);
        CHECK(cases[i].says == NULL ? r == 0
                                    : r == FL_E_INVAL && strstr(err.text, cases[i].says) != NULL,
              cases[i].says == NULL ? "a tenant" : cases[i].says);
    }
}

static void check_places(void)
{
    struct fl_site site = {.slug = "berlin", .name = "Berlin", .country = "DE"};
    struct fl_device device = {.slug = "fw-1", .name = "Firewall", .site = "berlin"};
    struct fl_tenant tenant = {.slug = "acme", .name = "Acme", .keep_days = 7};
    struct fl_err err;

    CHECK(fl_site_check(&site, &err) == 0 && fl_device_check(&device, &err) == 0, "site, device");
    memset(site.country, 'D', 3);
    CHECK(fl_site_check(&site, &err) == FL_E_INVAL, "an array without its NUL is not read past");
    device.site[0] = '\0';
    CHECK(fl_device_check(&device, &err) == FL_E_INVAL && strncmp(err.text, "site:", 5) == 0,
          "a device needs a site");
    (void)snprintf(tenant.far_instances, sizeof tenant.far_instances, "a b");
    CHECK(fl_tenant_check(&tenant, &err) == FL_E_INVAL &&
              strncmp(err.text, "far_instances:", 14) == 0,
          "the field is named");
}

static void check_counters(void)
{
    struct fl_counters c = {.tenant = 1};
    struct fl_msg_device_stat report = {
        .boot = 7, .lines = 10, .gaps = 1, .last_us = 5, .skew_us = -3, .gap_us = 9};

    fl_counters_add(&c, &report);
    CHECK(c.total[FL_COUNT_LINES] == 10 && c.total[FL_COUNT_GAPS] == 1 && c.skew_us == -3,
          "the first report counts whole");
    report.lines = 25;
    report.gap_us = 4;
    fl_counters_add(&c, &report);
    CHECK(c.total[FL_COUNT_LINES] == 25 && c.total[FL_COUNT_GAPS] == 1 && c.gap_us == 9,
          "the next of the same boot by its difference; the longest gap stays");
    report = (struct fl_msg_device_stat){.boot = 8, .lines = 3};
    fl_counters_add(&c, &report);
    CHECK(c.total[FL_COUNT_LINES] == 28 && c.last_us == 5, "another boot counts from zero");
    report.lines = 2;
    fl_counters_add(&c, &report);
    CHECK(c.total[FL_COUNT_LINES] == 28, "a counter that goes back adds nothing");
    report.boot = 7;
    report.lines = 25;
    fl_counters_add(&c, &report);
    CHECK(c.total[FL_COUNT_LINES] == 53, "a boot that returns is another boot");
    for (int i = 0; i < FL_COUNTS; i++)
        CHECK(fl_count_name((enum fl_count)i) != NULL, "each counter has a name");
}

int main(void)
{
    check_texts();
    check_tenants();
    check_places();
    check_counters();
    return tap_done();
}
