#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "cli/demo.h"
#include "trust/cert.h"

#define ANSWER_MAX_BYTES ((size_t)16 << 20)
#define PEM_MAX_BYTES    ((size_t)64 * 1024)
#define TENANTS_PATH     "/api/v1/tenants"

static int gather(void *ctx, const struct fl_answer *answer, struct fl_span piece)
{
    struct fl_buf *text = ctx;

    (void)answer;
    fl_buf_put_span(text, piece);
    return fl_buf_status(text, NULL);
}

int fl_demo_send(struct fl_demo_run *run, const char *method, const char *path, struct fl_span body,
                 int *ret_status, json_t **ret, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text, problem;
    FL_AUTO(fl_answer_done) struct fl_answer answer;
    struct fl_client_ops ops = {gather, &text};
    const struct fl_buf *said;
    bool begun;
    int rc;

    *ret = NULL;
    fl_buf_init(&text, ANSWER_MAX_BYTES);
    fl_buf_init(&problem, ANSWER_MAX_BYTES);
    fl_answer_init(&answer);
    rc = fl_client_run(run->cli->opt[FL_OPT_SERVER], method, path, body, &ops, &answer, &problem,
                       &begun, err);
    run->interrupted = run->interrupted || fl_client_interrupted();
    if (rc != FL_OK)
        return rc;
    *ret_status = answer.status;
    said = answer.status >= 300 ? &problem : &text;
    if (said->len > 0)
        *ret = json_loadb((const char *)said->ptr, said->len, 0, NULL);
    return FL_OK;
}

int fl_demo_ask(struct fl_demo_run *run, const char *method, const char *path, const json_t *body,
                int *ret_status, json_t **ret, struct fl_err *err)
{
    char *dump = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    int rc = fl_demo_send(run, method, path, fl_span_str(dump), ret_status, ret, err);

    free(dump);
    return rc;
}

/* The same, where any other answer than success is an error. */
static int must(struct fl_demo_run *run, const char *method, const char *path, const json_t *body,
                json_t **ret, struct fl_err *err)
{
    int status = 0;
    int rc = fl_demo_ask(run, method, path, body, &status, ret, err);

    if (rc == FL_OK && status >= 300) {
        const char *detail = fl_js_text(*ret, "detail");

        rc = fl_err_set(err, status == 403 ? FL_E_DENIED : FL_E_IO, "%s %s: %s", method, path,
                        detail[0] == '\0' ? "refused" : detail);
        json_decref(*ret);
        *ret = NULL;
    }
    return rc;
}

/* Make the thing unless GET finds it. */
static int ensure(struct fl_demo_run *run, const char *at, const char *collection, json_t *body,
                  bool *ret_made, json_t **ret, struct fl_err *err)
{
    int status = 0;
    int rc = fl_demo_ask(run, "GET", at, NULL, &status, ret, err);

    *ret_made = false;
    if (rc == FL_OK && status >= 300) {
        json_decref(*ret);
        *ret_made = true;
        rc = must(run, "POST", collection, body, ret, err);
    }
    json_decref(body);
    return rc;
}

/* *ret_made: it was not there before. */
static int ensure_tenant(struct fl_demo_run *run, const struct fl_demo_tenant *one, bool *ret_made,
                         struct fl_err *err)
{
    json_t *body =
        json_pack("{s:s, s:s, s:b, s:s, s:s}", "slug", one->slug, "name", one->name, "demo", 1,
                  "far_zones", FL_DEMO_FAR_ZONES, "far_instances", FL_DEMO_FAR_INSTANCES);
    struct fl_cli_path path;
    json_t *tenant = NULL;
    int rc = ensure(run, fl_cli_path(&path, TENANTS_PATH "/", one->slug, NULL), TENANTS_PATH, body,
                    ret_made, &tenant, err);

    if (rc == FL_OK && !*ret_made && !fl_js_bool(tenant, "demo"))
        rc = fl_err_set(err, FL_E_EXISTS,
                        "there is a tenant '%s' that is no demonstration tenant: invented logs do "
                        "not belong there",
                        one->slug);
    json_decref(tenant);
    return rc;
}

static int ensure_site(struct fl_demo_run *run, const struct fl_demo_site *site, struct fl_err *err)
{
    const char *tenant = fl_demo_tenants[site->tenant].slug;
    struct fl_cli_path one, all;
    json_t *answer = NULL;
    bool made;
    int rc = ensure(run, fl_cli_path(&one, TENANTS_PATH "/", tenant, "/sites/", site->slug, NULL),
                    fl_cli_path(&all, TENANTS_PATH "/", tenant, "/sites", NULL),
                    json_pack("{s:s, s:s, s:s, s:s, s:f, s:f}", "slug", site->slug, "name",
                              site->name, "country", site->country, "city", site->city, "lat",
                              site->lat, "lon", site->lon),
                    &made, &answer, err);

    json_decref(answer);
    return rc;
}

static const char *tenant_of(size_t device)
{
    return fl_demo_tenants[fl_demo_sites[fl_demo_devices[device].site].tenant].slug;
}

/* ---- certificates ---- */

static int write_new(int folder, const char *name, struct fl_span text, mode_t mode,
                     struct fl_err *err)
{
    return fl_file_write(folder, name, text, mode, err);
}

static int issue(struct fl_demo_run *run, size_t i, int folder, struct fl_err *err)
{
    const char *device = fl_demo_devices[i].slug;
    struct fl_buf key, csr;
    struct fl_cli_path path;
    json_t *answer = NULL;
    int rc;

    fl_buf_init(&key, PEM_MAX_BYTES);
    fl_buf_init(&csr, PEM_MAX_BYTES);
    rc = fl_cert_make_request(device, &key, &csr, err);
    if (rc == FL_OK) {
        json_t *body = json_pack("{s:s%}", "csr_pem", (const char *)csr.ptr, csr.len);

        rc = must(run, "POST",
                  fl_cli_path(&path, TENANTS_PATH "/", tenant_of(i), "/devices/", device,
                              "/certificates", NULL),
                  body, &answer, err);
        json_decref(body);
    }
    if (rc == FL_OK)
        rc = write_new(folder, "key.pem", fl_buf_span(&key), 0600, err);
    if (rc == FL_OK)
        rc = write_new(folder, "cert.pem", fl_span_str(fl_js_text(answer, "cert_pem")), 0644, err);
    if (rc == FL_OK)
        rc = write_new(folder, "ca.pem", fl_span_str(fl_js_text(answer, "ca_pem")), 0644, err);
    json_decref(answer);
    fl_buf_wipe(&key);
    fl_buf_done(&csr);
    return rc;
}

/* Is the certificate of an earlier run one that the server still takes? */
static bool usable(const json_t *device, int folder)
{
    FL_AUTO(fl_buf_done) struct fl_buf pem;
    unsigned char theirs[FL_CERT_FINGERPRINT_BYTES];
    struct fl_cert_info info;
    const json_t *one;
    size_t i;

    fl_buf_init(&pem, PEM_MAX_BYTES);
    if (faccessat(folder, "key.pem", R_OK, 0) != 0 || faccessat(folder, "ca.pem", R_OK, 0) != 0 ||
        fl_file_read(folder, "cert.pem", &pem, NULL) != FL_OK ||
        fl_cert_read(fl_buf_span(&pem), &info, NULL) != FL_OK ||
        info.not_after_us < fl_now_us() + FL_US_PER_DAY)
        return false;
    json_array_foreach(json_object_get(device, "certificates"), i, one)
    {
        if (fl_cert_fingerprint_parse(fl_span_str(fl_js_text(one, "fingerprint")), theirs) &&
            memcmp(theirs, info.fingerprint, sizeof(theirs)) == 0 &&
            fl_js_text(one, "revoked_at")[0] == '\0')
            return true;
    }
    return false;
}

static int open_folder(const char *path, int *ret_fd, struct fl_err *err)
{
    return fl_dir_make(AT_FDCWD, path, 0700, ret_fd, err);
}

static int load_tls(struct fl_demo_run *run, size_t i, struct fl_err *err)
{
    char cert[640], key[640], ca[640];
    const char *slug = fl_demo_devices[i].slug;

    (void)snprintf(cert, sizeof(cert), "%s/%s/cert.pem", run->folder, slug);
    (void)snprintf(key, sizeof(key), "%s/%s/key.pem", run->folder, slug);
    (void)snprintf(ca, sizeof(ca), "%s/%s/ca.pem", run->folder, slug);
    return fl_sender_tls(cert, key, ca, NULL, &run->tls[i], err);
}

static int ensure_device(struct fl_demo_run *run, size_t i, struct fl_err *err)
{
    const struct fl_demo_device *device = &fl_demo_devices[i];
    struct fl_cli_path one, all;
    char folder_path[600];
    json_t *answer = NULL;
    int folder = -1;
    bool made;
    int rc = ensure(
        run, fl_cli_path(&one, TENANTS_PATH "/", tenant_of(i), "/devices/", device->slug, NULL),
        fl_cli_path(&all, TENANTS_PATH "/", tenant_of(i), "/devices", NULL),
        json_pack("{s:s, s:s, s:s}", "slug", device->slug, "name", device->name, "site",
                  fl_demo_sites[device->site].slug),
        &made, &answer, err);

    (void)snprintf(folder_path, sizeof(folder_path), "%s/%s", run->folder, device->slug);
    if (rc == FL_OK)
        rc = open_folder(folder_path, &folder, err);
    if (rc == FL_OK && !usable(answer, folder))
        rc = issue(run, i, folder, err);
    if (rc == FL_OK)
        rc = load_tls(run, i, err);
    fl_fd_close(&folder);
    json_decref(answer);
    return rc;
}

/* ---- where to ---- */

/* "[::]:6514" is where the server listens; from here it is reached at the loopback address. */
static void reachable(const char *listen, char *to, size_t size)
{
    const char *colon = strrchr(listen, ':');

    if (colon == NULL)
        (void)snprintf(to, size, "127.0.0.1:6514");
    else if (strncmp(listen, "[::]", 4) == 0 || strncmp(listen, "0.0.0.0", 7) == 0 ||
             listen[0] == '*' || colon == listen)
        (void)snprintf(to, size, "127.0.0.1%s", colon);
    else
        (void)snprintf(to, size, "%s", listen);
}

static int find_listener(struct fl_demo_run *run, struct fl_err *err)
{
    json_t *ca = NULL;
    int rc = must(run, "GET", "/api/v1/instance/ca", NULL, &ca, err);

    if (rc != FL_OK)
        return rc;
    reachable(run->cli->opt[FL_OPT_TO] != NULL ? run->cli->opt[FL_OPT_TO]
                                               : fl_js_text(ca, "listen"),
              run->to, sizeof(run->to));
    json_decref(ca);
    return FL_OK;
}

static int find_folder(struct fl_demo_run *run, struct fl_err *err)
{
    const char *named = run->cli->opt[FL_OPT_OUT], *home = getenv("FAIRLEAD_HOME");
    int fd = -1;
    int rc;

    if (named != NULL)
        (void)snprintf(run->folder, sizeof(run->folder), "%.400s", named);
    else if (home != NULL && home[0] != '\0')
        (void)snprintf(run->folder, sizeof(run->folder), "%.400s/demo", home);
    else
        return fl_err_set(err, FL_E_INVAL,
                          "where may the devices' certificates be kept? --out FOLDER, or "
                          "FAIRLEAD_HOME");
    rc = open_folder(run->folder, &fd, err);
    fl_fd_close(&fd);
    return rc;
}

int fl_demo_setup(struct fl_demo_run *run, struct fl_err *err)
{
    bool made = false;
    int rc = find_folder(run, err);

    for (size_t i = 0; i < FL_DEMO_TENANTS && rc == FL_OK; i++) {
        rc = ensure_tenant(run, &fl_demo_tenants[i], &made, err);
        if (i == 0)
            run->fresh = made;
    }
    for (size_t i = 0; i < FL_DEMO_SITES && rc == FL_OK; i++)
        rc = ensure_site(run, &fl_demo_sites[i], err);
    for (size_t i = 0; i < FL_DEMO_DEVICES && rc == FL_OK; i++)
        rc = ensure_device(run, i, err);
    if (rc == FL_OK)
        rc = find_listener(run, err);
    return rc;
}

/* ---- counters ---- */

static void add_counts(struct fl_demo_counts *counts, const json_t *devices)
{
    const json_t *one;
    size_t i;

    json_array_foreach(devices, i, one)
    {
        const json_t *live = json_object_get(one, "live");

        for (size_t k = 0; k < FL_DEMO_DEVICES; k++)
            if (strcmp(fl_js_text(one, "slug"), fl_demo_devices[k].slug) == 0) {
                counts->device_lines[k] = fl_js_num(live, "lines");
                counts->device_accepted[k] = fl_js_num(live, "accepted");
                counts->lines += counts->device_lines[k];
                counts->accepted += counts->device_accepted[k];
                counts->lost += fl_js_num(live, "lost");
            }
    }
}

int fl_demo_counts(struct fl_demo_run *run, struct fl_demo_counts *ret, struct fl_err *err)
{
    struct fl_demo_counts counts = {.lines = 0};
    int rc = FL_OK;

    for (size_t i = 0; i < FL_DEMO_TENANTS && rc == FL_OK; i++) {
        struct fl_cli_path path;
        json_t *answer = NULL;

        rc = must(run, "GET",
                  fl_cli_path(&path, TENANTS_PATH "/", fl_demo_tenants[i].slug,
                              "/devices?limit=1000", NULL),
                  NULL, &answer, err);
        add_counts(&counts, json_object_get(answer, "items"));
        json_decref(answer);
    }
    if (rc == FL_OK)
        *ret = counts;
    return rc;
}

/* ---- how far earlier runs came ---- */

static void last_path(const struct fl_demo_run *run, char path[600])
{
    (void)snprintf(path, 600, "%s/last", run->folder);
}

int64_t fl_demo_last(const struct fl_demo_run *run)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    char path[600];
    int64_t at_us = 0;

    last_path(run, path);
    fl_buf_init(&text, 64);
    if (run->fresh || fl_file_read(AT_FDCWD, path, &text, NULL) != FL_OK ||
        !fl_time_parse(fl_buf_span(&text), &at_us))
        return 0;
    return at_us;
}

void fl_demo_keep_last(const struct fl_demo_run *run, int64_t at_us)
{
    char path[600], text[FL_TIME_TEXT_BYTES];
    int rc;

    last_path(run, path);
    fl_time_format(at_us, text);
    rc = fl_file_write(AT_FDCWD, path, fl_span_str(text), 0600, NULL);
    (void)rc; /* the next run then invents some lines again */
}
