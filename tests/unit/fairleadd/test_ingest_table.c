/* The table of devices: replaced as a whole, looked up by certificate, authority and host name. */
#include "fairleadd/ingest_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fairleadd/start.h"
#include "tap.h"
#include "unit/io/tls_help.h"

/* The other roles are played; none is started by its name. */
const struct fl_role_ops *fl_role_ops_of(enum fl_role role)
{
    (void)role;
    return NULL;
}

static struct made acme_ca, beta_ca, acme_leaf, beta_leaf, stranger;

static struct fl_span print_of(unsigned char byte)
{
    static unsigned char f[8][FL_TLS_FINGERPRINT_BYTES];

    memset(f[byte % 8], byte, sizeof(f[0]));
    return fl_span_of(f[byte % 8], sizeof(f[0]));
}

static struct fl_tls_cert cert_of(unsigned char byte)
{
    struct fl_tls_cert cert = {.leaf = stranger.cert};

    memset(cert.fingerprint, byte, sizeof(cert.fingerprint));
    return cert;
}

static struct fl_tls_cert cert_made(const struct made *m)
{
    struct fl_tls_cert cert = {.leaf = m->cert};

    memcpy(cert.fingerprint, m->fingerprint, sizeof(cert.fingerprint));
    return cert;
}

static int tenant(struct fl_ingest_table *t, uint32_t id, const char *slug)
{
    struct fl_msg_tenant msg = {.id = id,
                                .slug = fl_span_str(slug),
                                .far_zones = FL_SPAN("wan, from-*"),
                                .far_instances = FL_SPAN("LAN-*")};

    return fl_ingest_table_tenant(t, &msg, NULL);
}

static int device(struct fl_ingest_table *t, uint32_t of, const char *slug, const char *host,
                  unsigned char byte, bool revoked)
{
    struct fl_msg_device msg = {.tenant = of,
                                .slug = fl_span_str(slug),
                                .site = FL_SPAN("berlin"),
                                .host = fl_span_str(host),
                                .revoked = revoked};

    if (byte != 0)
        msg.fingerprint = print_of(byte);
    return fl_ingest_table_device(t, &msg, NULL);
}

static int authority(struct fl_ingest_table *t, uint32_t of, const struct made *ca)
{
    struct fl_msg_tenant_ca msg = {.tenant = of, .ca_pem = fl_span_str(ca->cert_pem)};

    return fl_ingest_table_ca(t, &msg, NULL);
}

static int commit(struct fl_ingest_table *t)
{
    size_t bad;

    return fl_ingest_table_commit(t, &bad, NULL);
}

static struct fl_ingest_table *two_tenants(void)
{
    struct fl_ingest_table *t = NULL;

    if (fl_ingest_table_new(&t, NULL) != FL_OK)
        abort();
    fl_ingest_table_begin(t);
    if (tenant(t, 7, "acme") != FL_OK || device(t, 7, "fw1", "", 1, false) != FL_OK ||
        device(t, 7, "fw1", "", 2, true) != FL_OK ||
        device(t, 7, "fw2", "FW2.Acme", 3, false) != FL_OK || tenant(t, 3, "beta") != FL_OK ||
        device(t, 3, "fw1", "", 4, false) != FL_OK ||
        device(t, 3, "quiet", "", 0, false) != FL_OK || authority(t, 7, &acme_ca) != FL_OK ||
        authority(t, 3, &beta_ca) != FL_OK)
        abort();
    return t;
}

static bool is(struct fl_ingest_identity id, const char *tenant_slug, const char *slug)
{
    return id.verdict == FL_TLS_ADMIT && strcmp(id.device->slug, slug) == 0 &&
           strcmp(id.device->tenant->slug, tenant_slug) == 0;
}

static void by_certificate(void)
{
    struct fl_ingest_table *t = two_tenants();
    struct fl_tls_cert one = cert_of(1), two = cert_of(2), four = cert_of(4), five = cert_of(5);
    struct fl_ingest_identity id;

    CHECK(!fl_ingest_table_ready(t) && fl_ingest_identify(t, &one).verdict == FL_TLS_UNKNOWN,
          "before the first commit nobody is known");
    CHECK(commit(t) == FL_OK && fl_ingest_table_ready(t), "the first table takes its place");
    CHECK(is(fl_ingest_identify(t, &one), "acme", "fw1"),
          "a pinned certificate leads to its device");
    CHECK(is(fl_ingest_identify(t, &four), "beta", "fw1"),
          "the same name in another tenant is another device");
    CHECK(fl_ingest_identify(t, &two).verdict == FL_TLS_REVOKED, "a revoked one is told as such");
    CHECK(fl_ingest_identify(t, &five).verdict == FL_TLS_UNKNOWN, "an unknown one is unknown");
    one.expired = true;
    CHECK(fl_ingest_identify(t, &one).verdict == FL_TLS_EXPIRED, "an expired one is refused");
    one = cert_made(&acme_leaf);
    id = fl_ingest_identify(t, &one);
    CHECK(id.verdict == FL_TLS_ADMIT && id.by_ca && strcmp(id.device->tenant->slug, "acme") == 0 &&
              strncmp(id.device->slug, "ca-", 3) == 0 && strlen(id.device->slug) == 15,
          "a certificate of a tenant's authority makes a device of that tenant");
    CHECK(fl_ingest_identify(t, &one).device == id.device, "and the same one again");
    two = cert_made(&beta_leaf);
    CHECK(strcmp(fl_ingest_identify(t, &two).device->tenant->slug, "beta") == 0,
          "the other tenant's authority leads to the other tenant");
    two = cert_made(&stranger);
    CHECK(fl_ingest_identify(t, &two).verdict == FL_TLS_UNKNOWN, "others lead nowhere");
    fl_ingest_table_free(t);
}

static void by_host(void)
{
    struct fl_ingest_table *t = two_tenants();
    struct fl_ingest_tenant *acme, *beta;

    CHECK(commit(t) == FL_OK, "committed");
    acme = fl_ingest_tenant_find(t, "acme");
    beta = fl_ingest_tenant_find(t, "beta");
    CHECK(acme != NULL && beta != NULL && fl_ingest_tenant_find(t, "gamma") == NULL,
          "tenants are found by slug");
    CHECK(strcmp(fl_ingest_by_host(t, acme, FL_SPAN("fw2.acme"))->slug, "fw2") == 0,
          "host names have no case");
    CHECK(strcmp(fl_ingest_by_host(t, acme, FL_SPAN("fw1"))->slug, "fw1") == 0,
          "without one the slug is the host name");
    CHECK(fl_ingest_by_host(t, beta, FL_SPAN("fw2.acme")) == NULL,
          "another tenant's device is never found");
    CHECK(strcmp(fl_ingest_by_host(t, beta, FL_SPAN("QUIET"))->slug, "quiet") == 0,
          "a device without a certificate is found");
    CHECK(fl_ingest_by_host(t, beta, FL_SPAN("")) == NULL, "no name is nobody");
    CHECK(fl_ingest_unknown(beta) == fl_ingest_unknown(beta) &&
              fl_ingest_unknown(beta) != fl_ingest_unknown(acme),
          "each tenant has its own unknown device");
    fl_ingest_table_free(t);
}

static void replaced(void)
{
    struct fl_ingest_table *t = two_tenants();
    struct fl_tls_cert one = cert_of(1), by_ca = cert_made(&acme_leaf);
    struct fl_ingest_device *kept, *gone, *made;
    uint64_t serial;

    CHECK(commit(t) == FL_OK, "committed");
    kept = fl_ingest_identify(t, &one).device;
    kept->n.lines = 42;
    gone = fl_ingest_by_host(t, kept->tenant, FL_SPAN("fw2.acme"));
    made = fl_ingest_identify(t, &by_ca).device;
    serial = fl_ingest_identify(t, &by_ca).ca_serial;
    fl_ingest_device_ref(gone);
    fl_ingest_device_ref(made);
    fl_ingest_table_begin(t);
    CHECK(tenant(t, 7, "acme") == FL_OK && device(t, 7, "fw1", "new-name", 1, false) == FL_OK,
          "a smaller table is collected");
    CHECK(fl_ingest_by_host(t, kept->tenant, FL_SPAN("fw2.acme")) == gone,
          "until its end the old one is in force");
    CHECK(commit(t) == FL_OK, "then the new one");
    CHECK(fl_ingest_identify(t, &one).device == kept && kept->n.lines == 42,
          "a device that stays keeps its counters");
    CHECK(fl_ingest_by_host(t, kept->tenant, FL_SPAN("new-name")) == kept, "and has its new name");
    CHECK(fl_ingest_still(t, kept, one.fingerprint, false, 0) == NULL, "it is still admitted");
    CHECK(fl_ingest_still(t, gone, print_of(3).ptr, false, 0) != NULL && !gone->listed,
          "one that is gone is not");
    CHECK(fl_ingest_still(t, made, by_ca.fingerprint, true, serial) != NULL,
          "nor one whose authority is gone");
    CHECK(fl_ingest_tenant_find(t, "beta") == NULL, "a tenant that is gone is not found");
    fl_ingest_table_begin(t);
    CHECK(tenant(t, 7, "acme") == FL_OK && device(t, 7, "fw1", "", 1, true) == FL_OK &&
              commit(t) == FL_OK && fl_ingest_still(t, kept, one.fingerprint, false, 0) != NULL,
          "a revoked certificate is no longer admitted");
    fl_ingest_device_unref(gone);
    fl_ingest_device_unref(made);
    fl_ingest_table_free(t);
}

static void spoiled(void)
{
    struct fl_ingest_table *t = two_tenants();
    struct fl_tls_cert one = cert_of(1);

    CHECK(device(t, 99, "fw", "", 6, false) == FL_OK && commit(t) != FL_OK,
          "a device of a tenant that is not there spoils the table");
    CHECK(!fl_ingest_table_ready(t), "which is not taken");
    CHECK(tenant(t, 1, "late") != FL_OK && commit(t) != FL_OK,
          "messages outside of a table neither");
    fl_ingest_table_begin(t);
    CHECK(tenant(t, 7, "acme") == FL_OK && tenant(t, 7, "again") == FL_OK && commit(t) != FL_OK,
          "nor one with a tenant twice");
    fl_ingest_table_begin(t);
    CHECK(tenant(t, 7, "acme") == FL_OK && tenant(t, 8, "beta") == FL_OK &&
              device(t, 7, "fw1", "", 1, false) == FL_OK &&
              device(t, 8, "fw1", "", 1, false) == FL_OK && authority(t, 7, &acme_ca) == FL_OK &&
              authority(t, 8, &acme_ca) == FL_OK && commit(t) == FL_OK,
          "two tenants may claim one certificate and one authority");
    CHECK(fl_ingest_identify(t, &one).verdict == FL_TLS_UNKNOWN, "then neither has the device");
    one = cert_made(&acme_leaf);
    CHECK(fl_ingest_identify(t, &one).verdict == FL_TLS_UNKNOWN, "nor what the authority issued");
    fl_ingest_table_free(t);
}

static void far_end(void)
{
    static const struct {
        const char *tag, *zone, *instance;
        bool far;
    } cases[] = {
        {"APPTRACK_SESSION_CLOSE", "", "LAN-berlin", true},
        {"APPTRACK_SESSION_CLOSE", "wan", "default", false},
        {"APPTRACK_SESSION_CLOSE_LS", "", "LAN-", true},
        {"APPTRACK_SESSION_VOL_UPDATE", "wan", "", true},
        {"APPTRACK_SESSION_VOL_UPDATE", "from-lyon", "", true},
        {"APPTRACK_SESSION_VOL_UPDATE", "wan2", "LAN-berlin", false},
        {"APPTRACK_SESSION_CREATE", "wan", "LAN-berlin", false},
        {"RT_FLOW_SESSION_CLOSE", "wan", "", false},
    };
    struct fl_ingest_table *t = two_tenants();
    struct fl_ingest_tenant *acme;

    CHECK(commit(t) == FL_OK, "committed");
    acme = fl_ingest_tenant_find(t, "acme");
    for (size_t i = 0; i < FL_LEN(cases); i++) {
        struct fl_event ev = {.arena = NULL};

        fl_event_str(&ev, FL_F_TAG, fl_span_str(cases[i].tag));
        if (cases[i].zone[0] != '\0')
            fl_event_str(&ev, FL_F_SRC_ZONE, fl_span_str(cases[i].zone));
        if (cases[i].instance[0] != '\0')
            fl_event_str(&ev, FL_F_INSTANCE, fl_span_str(cases[i].instance));
        CHECK(fl_ingest_far_end(acme, &ev) == cases[i].far, cases[i].tag);
    }
    acme->far_zones[0] = acme->far_instances[0] = '\0';
    {
        struct fl_event ev = {.arena = NULL};

        fl_event_str(&ev, FL_F_TAG, FL_SPAN("APPTRACK_SESSION_VOL_UPDATE"));
        fl_event_str(&ev, FL_F_SRC_ZONE, FL_SPAN("wan"));
        CHECK(!fl_ingest_far_end(acme, &ev), "without a list nothing is a copy");
    }
    fl_ingest_table_free(t);
}

int main(void)
{
    acme_ca = make_cert((struct made_how){"acme ca", NULL, true, NULL, 86400});
    beta_ca = make_cert((struct made_how){"beta ca", NULL, true, NULL, 86400});
    acme_leaf = make_cert((struct made_how){"x", &acme_ca, false, "clientAuth", 86400});
    beta_leaf = make_cert((struct made_how){"y", &beta_ca, false, "clientAuth", 86400});
    stranger = make_cert((struct made_how){"z", NULL, false, NULL, 86400});
    by_certificate();
    by_host();
    replaced();
    spoiled();
    far_end();
    made_done(&acme_ca), made_done(&beta_ca), made_done(&acme_leaf), made_done(&beta_leaf);
    made_done(&stranger);
    return tap_done();
}
