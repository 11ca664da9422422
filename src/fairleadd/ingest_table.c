#include "fairleadd/ingest_table.h"

#include <stdio.h>
#include <stdlib.h>

/* What one DEVICE message said. */
struct entry {
    uint32_t tenant;
    char slug[FL_SLUG_MAX + 1], site[FL_SLUG_MAX + 1], host[256];
    unsigned char fingerprint[FL_TLS_FINGERPRINT_BYTES];
    bool has_fingerprint, relay, revoked;
    struct fl_ingest_device *device; /* found or made while committing */
    bool fresh;                      /* made, so freed when the commit fails */
};

struct tenant_entry {
    uint32_t id;
    char slug[FL_SLUG_MAX + 1];
    char far_zones[FL_INGEST_FAR_TEXT_BYTES], far_instances[FL_INGEST_FAR_TEXT_BYTES];
    struct fl_tls_ca *cas[FL_INGEST_CAS_MAX];
    uint64_t ca_hash[FL_INGEST_CAS_MAX];
    size_t ca_count;
    struct fl_ingest_tenant *tenant;
    bool fresh;
};

struct pin { /* a certificate */
    unsigned char fingerprint[FL_TLS_FINGERPRINT_BYTES];
    struct fl_ingest_device *device;
    bool revoked;
};

struct view {                          /* the table in force: sorted arrays */
    struct fl_ingest_tenant **tenants; /* by id */
    struct fl_ingest_tenant **slugs;   /* the same by slug */
    size_t tenant_count;
    struct fl_ingest_device **devices; /* by tenant and slug */
    struct fl_ingest_device **hosts;   /* the same by tenant and host */
    size_t device_count;
    struct pin *pins; /* by fingerprint */
    size_t pin_count;
};

struct fl_ingest_table {
    struct view view;
    bool ready;
    /* the one being collected */
    bool collecting, spoiled;
    struct tenant_entry *tenants;
    size_t tenant_count, tenant_cap;
    struct entry *entries;
    size_t entry_count, entry_cap;
    size_t bad_cas;
};

/* ---- objects ---- */

void fl_ingest_tenant_ref(struct fl_ingest_tenant *tenant)
{
    tenant->refs++;
}

void fl_ingest_tenant_unref(struct fl_ingest_tenant *tenant)
{
    if (tenant == NULL || --tenant->refs > 0)
        return;
    for (size_t i = 0; i < tenant->ca_count; i++)
        fl_tls_ca_free(tenant->cas[i]);
    free(tenant);
}

void fl_ingest_device_ref(struct fl_ingest_device *device)
{
    device->refs++;
}

void fl_ingest_device_unref(struct fl_ingest_device *device)
{
    if (device == NULL || --device->refs > 0)
        return;
    fl_ingest_tenant_unref(device->tenant);
    free(device);
}

static struct fl_ingest_device *device_new(struct fl_ingest_tenant *tenant, const char *slug)
{
    struct fl_ingest_device *device = calloc(1, sizeof(*device));

    if (device == NULL)
        return NULL;
    (void)snprintf(device->slug, sizeof(device->slug), "%s", slug);
    device->slug_len = (uint8_t)strlen(device->slug);
    device->refs = 1;
    device->tenant = tenant;
    fl_ingest_tenant_ref(tenant);
    return device;
}

static struct fl_ingest_device *made_find(const struct fl_ingest_tenant *tenant, const char *slug)
{
    struct fl_ingest_device *device;

    for (device = TAILQ_FIRST(&tenant->made); device != NULL;
         device = TAILQ_NEXT(device, made_link))
        if (strcmp(device->slug, slug) == 0)
            return device;
    return NULL;
}

static struct fl_ingest_device *made_get(struct fl_ingest_tenant *tenant, const char *slug)
{
    struct fl_ingest_device *device = made_find(tenant, slug);

    if (device != NULL)
        return device;
    if (tenant->made_count >= FL_INGEST_MADE_MAX || (device = device_new(tenant, slug)) == NULL)
        return NULL;
    device->listed = true;
    device->made = true;
    TAILQ_INSERT_TAIL(&tenant->made, device, made_link);
    tenant->made_count++;
    return device;
}

struct fl_ingest_device *fl_ingest_unknown(struct fl_ingest_tenant *tenant)
{
    return made_get(tenant, "unknown");
}

/* The made ones hold the tenant, so they go first. */
static void tenant_unlist(struct fl_ingest_tenant *tenant)
{
    struct fl_ingest_device *device;

    tenant->listed = false;
    while ((device = TAILQ_FIRST(&tenant->made)) != NULL) {
        TAILQ_REMOVE(&tenant->made, device, made_link);
        device->listed = false;
        fl_ingest_device_unref(device);
    }
    tenant->made_count = 0;
    fl_ingest_tenant_unref(tenant);
}

/* ---- order ---- */

static int by_tenant_id(const void *a, const void *b)
{
    const struct fl_ingest_tenant *const *x = a, *const *y = b;

    return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

static int by_tenant_slug(const void *a, const void *b)
{
    const struct fl_ingest_tenant *const *x = a, *const *y = b;

    return strcmp((*x)->slug, (*y)->slug);
}

static int by_device_slug(const void *a, const void *b)
{
    const struct fl_ingest_device *const *x = a, *const *y = b;
    int order = by_tenant_id(&(*x)->tenant, &(*y)->tenant);

    return order != 0 ? order : strcmp((*x)->slug, (*y)->slug);
}

static int by_device_host(const void *a, const void *b)
{
    const struct fl_ingest_device *const *x = a, *const *y = b;
    int order = by_tenant_id(&(*x)->tenant, &(*y)->tenant);

    return order != 0 ? order : strcmp((*x)->host, (*y)->host);
}

static int by_fingerprint(const void *a, const void *b)
{
    const struct pin *x = a, *y = b;

    return memcmp(x->fingerprint, y->fingerprint, sizeof(x->fingerprint));
}

static int by_entry(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->tenant != y->tenant)
        return x->tenant < y->tenant ? -1 : 1;
    return strcmp(x->slug, y->slug);
}

static int by_entry_id(const void *a, const void *b)
{
    const struct tenant_entry *x = a, *y = b;

    return x->id < y->id ? -1 : x->id > y->id;
}

/* ---- collecting ---- */

int fl_ingest_table_new(struct fl_ingest_table **ret, struct fl_err *err)
{
    struct fl_ingest_table *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the table of devices");
    *ret = t;
    return FL_OK;
}

static void staging_clear(struct fl_ingest_table *t)
{
    for (size_t i = 0; i < t->tenant_count; i++)
        for (size_t k = 0; k < t->tenants[i].ca_count; k++)
            fl_tls_ca_free(t->tenants[i].cas[k]);
    free(t->tenants);
    free(t->entries);
    t->tenants = NULL;
    t->entries = NULL;
    t->tenant_count = t->tenant_cap = t->entry_count = t->entry_cap = 0;
    t->collecting = t->spoiled = false;
    t->bad_cas = 0;
}

static void view_done(struct view *v)
{
    free(v->tenants);
    free(v->slugs);
    free(v->devices);
    free(v->hosts);
    free(v->pins);
    *v = (struct view){0};
}

void fl_ingest_table_free(struct fl_ingest_table *t)
{
    if (t == NULL)
        return;
    staging_clear(t);
    for (size_t i = 0; i < t->view.device_count; i++)
        fl_ingest_device_unref(t->view.devices[i]);
    for (size_t i = 0; i < t->view.tenant_count; i++)
        tenant_unlist(t->view.tenants[i]);
    view_done(&t->view);
    free(t);
}

void fl_ingest_table_begin(struct fl_ingest_table *t)
{
    staging_clear(t);
    t->collecting = true;
}

bool fl_ingest_table_ready(const struct fl_ingest_table *t)
{
    return t->ready;
}

static int spoil(struct fl_ingest_table *t, int rc)
{
    t->spoiled = true;
    return rc;
}

/* One more element; the array doubles. */
static void *grow(void **array, size_t *count, size_t *cap, size_t size, size_t max)
{
    void *more;

    if (*count == max)
        return NULL;
    if (*count == *cap) {
        size_t wanted = *cap == 0 ? 64 : *cap * 2;

        more = realloc(*array, wanted * size);
        if (more == NULL)
            return NULL;
        *array = more;
        *cap = wanted;
    }
    more = (char *)*array + *count * size;
    memset(more, 0, size);
    ++*count;
    return more;
}

static bool copy_text(char *to, size_t size, struct fl_span from)
{
    if (from.len >= size || (from.len > 0 && memchr(from.ptr, '\0', from.len) != NULL))
        return false;
    if (from.len > 0)
        memcpy(to, from.ptr, from.len);
    to[from.len] = '\0';
    return true;
}

static void lower(char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text | 0x20);
}

int fl_ingest_table_tenant(struct fl_ingest_table *t, const struct fl_msg_tenant *msg,
                           struct fl_err *err)
{
    struct tenant_entry *entry;
    void *array = t->tenants;

    if (!t->collecting)
        return fl_err_set(err, FL_E_PROTO, "a tenant outside of a table");
    entry = grow(&array, &t->tenant_count, &t->tenant_cap, sizeof(*entry), FL_INGEST_TENANTS_MAX);
    t->tenants = array;
    if (entry == NULL)
        return spoil(t, fl_err_set(err, FL_E_LIMIT, "more tenants than fit"));
    entry->id = msg->id;
    if (msg->slug.len == 0 || !copy_text(entry->slug, sizeof(entry->slug), msg->slug) ||
        !copy_text(entry->far_zones, sizeof(entry->far_zones), msg->far_zones) ||
        !copy_text(entry->far_instances, sizeof(entry->far_instances), msg->far_instances))
        return spoil(t, fl_err_set(err, FL_E_PROTO, "tenant %u has a text that does not fit",
                                   (unsigned)msg->id));
    return FL_OK;
}

int fl_ingest_table_device(struct fl_ingest_table *t, const struct fl_msg_device *msg,
                           struct fl_err *err)
{
    struct entry *entry;
    void *array = t->entries;

    if (!t->collecting)
        return fl_err_set(err, FL_E_PROTO, "a device outside of a table");
    entry = grow(&array, &t->entry_count, &t->entry_cap, sizeof(*entry), FL_INGEST_DEVICES_MAX);
    t->entries = array;
    if (entry == NULL)
        return spoil(t, fl_err_set(err, FL_E_LIMIT, "more devices than fit"));
    entry->tenant = msg->tenant;
    entry->relay = msg->relay != 0;
    entry->revoked = msg->revoked != 0;
    entry->has_fingerprint = msg->fingerprint.len > 0;
    if (msg->slug.len == 0 || !copy_text(entry->slug, sizeof(entry->slug), msg->slug) ||
        !copy_text(entry->site, sizeof(entry->site), msg->site) ||
        !copy_text(entry->host, sizeof(entry->host), msg->host.len > 0 ? msg->host : msg->slug) ||
        (entry->has_fingerprint && msg->fingerprint.len != FL_TLS_FINGERPRINT_BYTES))
        return spoil(t, fl_err_set(err, FL_E_PROTO,
                                   "a device of tenant %u has a field that does "
                                   "not fit",
                                   (unsigned)msg->tenant));
    if (entry->has_fingerprint)
        memcpy(entry->fingerprint, msg->fingerprint.ptr, FL_TLS_FINGERPRINT_BYTES);
    lower(entry->host);
    return FL_OK;
}

int fl_ingest_table_ca(struct fl_ingest_table *t, const struct fl_msg_tenant_ca *msg,
                       struct fl_err *err)
{
    struct tenant_entry *entry = NULL;

    for (size_t i = t->tenant_count; i-- > 0 && entry == NULL;) /* it follows its tenant */
        if (t->tenants[i].id == msg->tenant)
            entry = &t->tenants[i];
    if (!t->collecting || entry == NULL)
        return spoil(t, fl_err_set(err, FL_E_PROTO,
                                   "an authority of tenant %u, which is not in "
                                   "the table",
                                   (unsigned)msg->tenant));
    if (entry->ca_count == FL_INGEST_CAS_MAX)
        return spoil(t, fl_err_set(err, FL_E_LIMIT, "tenant %u has over %u authorities",
                                   (unsigned)msg->tenant, FL_INGEST_CAS_MAX));
    if (fl_tls_ca_new(msg->ca_pem, &entry->cas[entry->ca_count], NULL) != FL_OK) {
        t->bad_cas++; /* one tenant's bad certificate must not stop the others' devices */
        return FL_OK;
    }
    entry->ca_hash[entry->ca_count++] = fl_span_hash(msg->ca_pem);
    return FL_OK;
}

/* ---- committing ---- */

static struct fl_ingest_tenant *tenant_by_id(const struct view *v, uint32_t id)
{
    struct fl_ingest_tenant key = {.id = id};
    const struct fl_ingest_tenant *wanted = &key;
    struct fl_ingest_tenant **found =
        v->tenant_count == 0
            ? NULL
            : bsearch(&wanted, v->tenants, v->tenant_count, sizeof(*v->tenants), by_tenant_id);

    return found == NULL ? NULL : *found;
}

static struct fl_ingest_device *device_by_slug(const struct view *v, uint32_t tenant,
                                               const char *slug)
{
    struct fl_ingest_tenant of = {.id = tenant};
    struct fl_ingest_device key = {.tenant = &of};
    const struct fl_ingest_device *wanted = &key;
    struct fl_ingest_device **found;

    (void)snprintf(key.slug, sizeof(key.slug), "%s", slug);
    found = v->device_count == 0 ? NULL
                                 : bsearch(&wanted, v->devices, v->device_count,
                                           sizeof(*v->devices), by_device_slug);
    return found == NULL ? NULL : *found;
}

/* Find or make each tenant object; sorted by id, then. */
static int resolve_tenants(struct fl_ingest_table *t, struct view *next, struct fl_err *err)
{
    if (t->tenant_count > 0)
        qsort(t->tenants, t->tenant_count, sizeof(*t->tenants), by_entry_id);
    for (size_t i = 0; i < t->tenant_count; i++) {
        struct tenant_entry *entry = &t->tenants[i];

        if (i > 0 && entry[-1].id == entry->id)
            return fl_err_set(err, FL_E_PROTO, "tenant %u is twice in the table",
                              (unsigned)entry->id);
        entry->tenant = tenant_by_id(&t->view, entry->id);
        if (entry->tenant == NULL) {
            entry->tenant = calloc(1, sizeof(*entry->tenant));
            if (entry->tenant == NULL)
                return fl_err_set(err, FL_E_NOMEM, "no memory for a tenant");
            entry->fresh = true;
            entry->tenant->id = entry->id;
            entry->tenant->refs = 1;
            TAILQ_INIT(&entry->tenant->made);
            TAILQ_INIT(&entry->tenant->parked);
        }
        next->tenants[i] = next->slugs[i] = entry->tenant;
    }
    next->tenant_count = t->tenant_count;
    return FL_OK;
}

static struct tenant_entry *entry_of_tenant(const struct fl_ingest_table *t, uint32_t id)
{
    struct tenant_entry key = {.id = id};

    return t->tenant_count == 0
               ? NULL
               : bsearch(&key, t->tenants, t->tenant_count, sizeof(*t->tenants), by_entry_id);
}

/* Entries of one device stand together: one object for all of them. */
static int resolve_devices(struct fl_ingest_table *t, struct view *next, struct fl_err *err)
{
    if (t->entry_count > 0)
        qsort(t->entries, t->entry_count, sizeof(*t->entries), by_entry);
    for (size_t i = 0; i < t->entry_count; i++) {
        struct entry *entry = &t->entries[i];
        struct tenant_entry *tenant = entry_of_tenant(t, entry->tenant);

        if (tenant == NULL)
            return fl_err_set(err, FL_E_PROTO,
                              "device '%s' is of tenant %u, which is not in the "
                              "table",
                              entry->slug, (unsigned)entry->tenant);
        if (i > 0 && by_entry(entry - 1, entry) == 0) {
            entry->device = entry[-1].device;
        } else {
            entry->device = device_by_slug(&t->view, entry->tenant, entry->slug);
            if (entry->device == NULL) {
                entry->device = device_new(tenant->tenant, entry->slug);
                entry->fresh = true;
            }
            if (entry->device == NULL)
                return fl_err_set(err, FL_E_NOMEM, "no memory for a device");
            next->devices[next->device_count] = entry->device;
            next->hosts[next->device_count++] = entry->device;
        }
        if (entry->has_fingerprint) {
            struct pin *pin = &next->pins[next->pin_count++];

            memcpy(pin->fingerprint, entry->fingerprint, sizeof(pin->fingerprint));
            pin->device = entry->device;
            pin->revoked = entry->revoked;
        }
    }
    return FL_OK;
}

static int view_prepare(const struct fl_ingest_table *t, struct view *next, struct fl_err *err)
{
    size_t tenants = t->tenant_count + 1, devices = t->entry_count + 1; /* never calloc(0) */

    next->tenants = calloc(tenants, sizeof(*next->tenants));
    next->slugs = calloc(tenants, sizeof(*next->slugs));
    next->devices = calloc(devices, sizeof(*next->devices));
    next->hosts = calloc(devices, sizeof(*next->hosts));
    next->pins = calloc(devices, sizeof(*next->pins));
    if (next->tenants == NULL || next->slugs == NULL || next->devices == NULL ||
        next->hosts == NULL || next->pins == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the table of devices");
    return FL_OK;
}

static void undo(struct fl_ingest_table *t)
{
    for (size_t i = 0; i < t->entry_count; i++)
        if (t->entries[i].fresh)
            fl_ingest_device_unref(t->entries[i].device);
    for (size_t i = 0; i < t->tenant_count; i++)
        if (t->tenants[i].fresh)
            fl_ingest_tenant_unref(t->tenants[i].tenant);
}

static void take_cas(struct fl_ingest_tenant *tenant, struct tenant_entry *entry)
{
    if (tenant->ca_count != entry->ca_count ||
        memcmp(tenant->ca_hash, entry->ca_hash, sizeof(entry->ca_hash)) != 0)
        tenant->ca_serial++;
    for (size_t i = 0; i < tenant->ca_count; i++)
        fl_tls_ca_free(tenant->cas[i]);
    memcpy(tenant->cas, entry->cas, sizeof(entry->cas));
    memcpy(tenant->ca_hash, entry->ca_hash, sizeof(entry->ca_hash));
    tenant->ca_count = entry->ca_count;
    entry->ca_count = 0; /* handed over */
}

/* Nothing here can fail: the new words go into the objects, the new arrays into the table. */
static void view_swap(struct fl_ingest_table *t, struct view *next)
{
    struct view old = t->view;

    for (size_t i = 0; i < old.device_count; i++)
        old.devices[i]->listed = false;
    for (size_t i = 0; i < old.tenant_count; i++)
        old.tenants[i]->listed = false;
    for (size_t i = 0; i < t->tenant_count; i++) {
        struct fl_ingest_tenant *tenant = t->tenants[i].tenant;

        memcpy(tenant->slug, t->tenants[i].slug, sizeof(tenant->slug));
        memcpy(tenant->far_zones, t->tenants[i].far_zones, sizeof(tenant->far_zones));
        memcpy(tenant->far_instances, t->tenants[i].far_instances, sizeof(tenant->far_instances));
        tenant->far = tenant->far_zones[0] != '\0' || tenant->far_instances[0] != '\0';
        take_cas(tenant, &t->tenants[i]);
        tenant->listed = true;
    }
    for (size_t i = 0; i < t->entry_count; i++) {
        struct fl_ingest_device *device = t->entries[i].device;

        memcpy(device->site, t->entries[i].site, sizeof(device->site));
        memcpy(device->host, t->entries[i].host, sizeof(device->host));
        device->site_len = (uint8_t)strlen(device->site);
        device->relay = t->entries[i].relay;
        device->listed = true;
    }
    t->view = *next;
    if (next->tenant_count > 0)
        qsort(next->slugs, next->tenant_count, sizeof(*next->slugs), by_tenant_slug);
    if (next->device_count > 0)
        qsort(next->hosts, next->device_count, sizeof(*next->hosts), by_device_host);
    if (next->pin_count > 0)
        qsort(next->pins, next->pin_count, sizeof(*next->pins), by_fingerprint);
    for (size_t i = 0; i < old.device_count; i++)
        if (!old.devices[i]->listed)
            fl_ingest_device_unref(old.devices[i]);
    for (size_t i = 0; i < old.tenant_count; i++)
        if (!old.tenants[i]->listed)
            tenant_unlist(old.tenants[i]);
    view_done(&old);
}

int fl_ingest_table_commit(struct fl_ingest_table *t, size_t *ret_bad_cas, struct fl_err *err)
{
    struct view next = {0};
    size_t bad_cas = t->bad_cas;
    int rc;

    if (!t->collecting || t->spoiled) {
        staging_clear(t);
        return fl_err_set(err, FL_E_PROTO, "the table of devices is not whole");
    }
    rc = view_prepare(t, &next, err);
    if (rc == FL_OK)
        rc = resolve_tenants(t, &next, err);
    if (rc == FL_OK)
        rc = resolve_devices(t, &next, err);
    if (rc == FL_OK) {
        view_swap(t, &next);
        t->ready = true;
        *ret_bad_cas = bad_cas;
    } else {
        undo(t);
        view_done(&next);
    }
    staging_clear(t);
    return rc;
}

/* ---- looking up ---- */

/* The first pin with this fingerprint, and how many there are (several devices may claim one). */
static const struct pin *pins_of(const struct view *v, const unsigned char *fingerprint,
                                 size_t *ret_count)
{
    struct pin key = {.device = NULL};
    const struct pin *found;
    size_t count = 1;

    memcpy(key.fingerprint, fingerprint, sizeof(key.fingerprint));
    found = v->pin_count == 0
                ? NULL
                : bsearch(&key, v->pins, v->pin_count, sizeof(*v->pins), by_fingerprint);
    if (found == NULL)
        return NULL;
    while (found > v->pins && by_fingerprint(found - 1, &key) == 0)
        found--;
    while (found + count < v->pins + v->pin_count && by_fingerprint(found + count, &key) == 0)
        count++;
    *ret_count = count;
    return found;
}

/* true: *ret is the answer. */
static bool identify_pin(const struct fl_ingest_table *t, const unsigned char *fingerprint,
                         bool expired, struct fl_ingest_identity *ret)
{
    size_t count;
    const struct pin *pin = pins_of(&t->view, fingerprint, &count);

    if (pin == NULL)
        return false;
    *ret = (struct fl_ingest_identity){.verdict = FL_TLS_ADMIT, .device = pin->device};
    for (size_t i = 0; i < count; i++) {
        if (pin[i].device != pin->device)
            *ret = (struct fl_ingest_identity){.verdict = FL_TLS_UNKNOWN,
                                               .reason = "two devices claim this certificate"};
        if (pin[i].revoked) {
            *ret = (struct fl_ingest_identity){.verdict = FL_TLS_REVOKED,
                                               .reason = "certificate revoked"};
            break;
        }
    }
    if (ret->verdict == FL_TLS_ADMIT && expired)
        *ret =
            (struct fl_ingest_identity){.verdict = FL_TLS_EXPIRED, .reason = "certificate expired"};
    return true;
}

static struct fl_ingest_tenant *tenant_by_ca(const struct fl_ingest_table *t,
                                             const struct fl_tls_cert *cert, bool *ret_two)
{
    struct fl_ingest_tenant *found = NULL;

    *ret_two = false;
    for (size_t i = 0; i < t->view.tenant_count; i++) {
        struct fl_ingest_tenant *tenant = t->view.tenants[i];

        for (size_t k = 0; k < tenant->ca_count; k++) {
            if (!fl_tls_ca_issued(tenant->cas[k], cert))
                continue;
            *ret_two = *ret_two || (found != NULL && found != tenant);
            found = tenant;
        }
    }
    return found;
}

struct fl_ingest_identity fl_ingest_identify(struct fl_ingest_table *t,
                                             const struct fl_tls_cert *cert)
{
    struct fl_ingest_identity id = {.verdict = FL_TLS_UNKNOWN, .reason = "unknown certificate"};
    struct fl_ingest_tenant *tenant;
    const unsigned char *f = cert->fingerprint;
    char slug[FL_SLUG_MAX + 1];
    bool two;

    if (identify_pin(t, f, cert->expired, &id))
        return id;
    tenant = tenant_by_ca(t, cert, &two);
    if (tenant == NULL)
        return id;
    if (two) { /* an authority's certificate is public: whoever copies it must not get the logs */
        id.reason = "two tenants claim the authority of this certificate";
        return id;
    }
    (void)snprintf(slug, sizeof(slug), "ca-%02x%02x%02x%02x%02x%02x", f[0], f[1], f[2], f[3], f[4],
                   f[5]);
    id.device = made_get(tenant, slug);
    if (id.device == NULL) {
        id.reason = "the tenant's authority has more devices than fit";
        return id;
    }
    id.verdict = FL_TLS_ADMIT;
    id.reason = NULL;
    id.by_ca = true;
    id.ca_serial = tenant->ca_serial;
    return id;
}

const char *fl_ingest_still(const struct fl_ingest_table *t, const struct fl_ingest_device *device,
                            const unsigned char fingerprint[FL_TLS_FINGERPRINT_BYTES], bool by_ca,
                            uint64_t ca_serial)
{
    struct fl_ingest_identity id = {.verdict = FL_TLS_UNKNOWN};

    if (!device->tenant->listed)
        return "the tenant was removed";
    if (identify_pin(t, fingerprint, false, &id)) {
        if (id.verdict != FL_TLS_ADMIT)
            return id.reason;
        return id.device == device ? NULL : "the certificate belongs to another device now";
    }
    if (!by_ca)
        return device->listed ? "the certificate was removed" : "the device was removed";
    return device->tenant->ca_serial == ca_serial ? NULL : "the tenant's authority changed";
}

struct fl_ingest_tenant *fl_ingest_tenant_find(const struct fl_ingest_table *t, const char *slug)
{
    struct fl_ingest_tenant key = {.id = 0};
    const struct fl_ingest_tenant *wanted = &key;
    struct fl_ingest_tenant **found;

    (void)snprintf(key.slug, sizeof(key.slug), "%s", slug);
    found = t->view.tenant_count == 0 ? NULL
                                      : bsearch(&wanted, t->view.slugs, t->view.tenant_count,
                                                sizeof(*t->view.slugs), by_tenant_slug);
    return found == NULL ? NULL : *found;
}

struct fl_ingest_device *fl_ingest_by_host(const struct fl_ingest_table *t,
                                           const struct fl_ingest_tenant *tenant,
                                           struct fl_span host)
{
    struct fl_ingest_tenant of = {.id = tenant->id};
    struct fl_ingest_device key = {.tenant = &of};
    const struct fl_ingest_device *wanted = &key;
    struct fl_ingest_device **found;

    if (host.len == 0 || t->view.device_count == 0 || !copy_text(key.host, sizeof(key.host), host))
        return NULL;
    lower(key.host);
    found = bsearch(&wanted, t->view.hosts, t->view.device_count, sizeof(*t->view.hosts),
                    by_device_host);
    return found == NULL ? NULL : *found;
}

/* Does a comma list name the value? */
static bool in_list(const char *list, struct fl_span value)
{
    const char *at = list;

    while (*at != '\0') {
        size_t len;
        bool prefix;

        at += strspn(at, ", ");
        len = strcspn(at, ", ");
        prefix = len > 0 && at[len - 1] == '*';
        if (prefix && value.len >= len - 1 && memcmp(at, value.ptr, len - 1) == 0)
            return true;
        if (!prefix && len > 0 && fl_span_eq(fl_span_of(at, len), value))
            return true;
        at += len;
    }
    return false;
}

bool fl_ingest_far_end(const struct fl_ingest_tenant *tenant, const struct fl_event *ev)
{
    static const struct {
        const char *tag;
        enum fl_field field;
        bool zones;
    } rule[] = {
        {"_SESSION_CLOSE", FL_F_INSTANCE, false},
        {"_SESSION_VOL_UPDATE", FL_F_SRC_ZONE, true},
    };
    struct fl_span tag = fl_event_get_str(ev, FL_F_TAG);

    if (tag.len == 0)
        return false;
    for (size_t i = 0; i < FL_LEN(rule); i++) {
        const char *list = rule[i].zones ? tenant->far_zones : tenant->far_instances;
        struct fl_span value = fl_event_get_str(ev, rule[i].field);

        if (list[0] != '\0' && value.len > 0 &&
            memmem(tag.ptr, tag.len, rule[i].tag, strlen(rule[i].tag)) != NULL)
            return in_list(list, value);
    }
    return false;
}

void fl_ingest_each_device(struct fl_ingest_table *t,
                           void (*fn)(void *ctx, struct fl_ingest_device *device), void *ctx)
{
    struct fl_ingest_device *device;

    for (size_t i = 0; i < t->view.device_count; i++)
        fn(ctx, t->view.devices[i]);
    for (size_t i = 0; i < t->view.tenant_count; i++)
        for (device = TAILQ_FIRST(&t->view.tenants[i]->made); device != NULL;
             device = TAILQ_NEXT(device, made_link))
            fn(ctx, device);
}
