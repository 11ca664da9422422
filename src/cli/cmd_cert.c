/* `fairlead device cert`: keys are made here and stay here; the server sees requests only. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/device.h"
#include "trust/cert.h"

#define PEM_MAX    ((size_t)64 * 1024)
#define PREFIX_MIN 8u

static const char *const files[] = {"key.pem", "cert.pem", "ca.pem"};

/* Make the folder if need be and see that none of the files is there; returns its descriptor. */
static int open_folder(const char *path, int *ret_fd, struct fl_err *err)
{
    int fd;

    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return fl_err_sys(err, FL_E_INVAL, errno, "%.200s", path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fl_err_sys(err, FL_E_INVAL, errno, "%.200s", path);
    for (size_t i = 0; i < FL_LEN(files); i++) {
        if (faccessat(fd, files[i], F_OK, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        (void)close(fd);
        return fl_err_set(err, FL_E_INVAL,
                          "%.200s/%s exists already; nothing is overwritten, choose another folder",
                          path, files[i]);
    }
    *ret_fd = fd;
    return FL_OK;
}

static int write_file(int folder, const char *name, mode_t mode, struct fl_span text,
                      struct fl_err *err)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode), r;

    if (fd < 0)
        return fl_err_sys(err, FL_E_INVAL, errno, "%s", name);
    r = fl_fd_write_all(fd, text.ptr, text.len, err);
    if (r == FL_OK && fsync(fd) < 0)
        r = fl_err_sys(err, FL_E_IO, errno, "%s", name);
    (void)close(fd);
    return r;
}

static void port_of(const char *address, char port[8])
{
    const char *colon = strrchr(address, ':');

    (void)snprintf(port, 8, "%.6s", colon == NULL ? "6514" : colon + 1);
}

/* What a person types on a Junos device to use the three files. */
static void tell_junos(struct fl_cli *cli, const char *folder)
{
    char port[8] = "6514";
    json_t *ca = NULL;

    if (fl_cli_call(cli, "GET", "/api/v1/instance/ca", NULL, &ca) == FL_EXIT_OK)
        port_of(fl_js_text(ca, "listen"), port);
    (void)printf("\nOn a Junos device: copy the three files of %s to /var/tmp/ there, then in "
                 "configuration mode\n\n"
                 "  set security pki ca-profile fairlead ca-identity fairlead\n"
                 "  set security pki ca-profile fairlead revocation-check disable\n"
                 "  commit\n"
                 "  run request security pki ca-certificate load ca-profile fairlead filename "
                 "/var/tmp/ca.pem\n"
                 "  run request security pki local-certificate load certificate-id fairlead "
                 "filename /var/tmp/cert.pem key /var/tmp/key.pem\n"
                 "  set services ssl initiation profile fairlead trusted-ca fairlead\n"
                 "  set services ssl initiation profile fairlead client-certificate fairlead\n"
                 "  set security log mode stream\n"
                 "  set security log format sd-syslog\n"
                 "  set security log source-address ADDRESS-OF-THIS-DEVICE\n"
                 "  set security log transport protocol tls\n"
                 "  set security log transport tls-profile fairlead\n"
                 "  set security log stream fairlead host %s\n"
                 "  set security log stream fairlead host port %s\n"
                 "  commit\n\n"
                 "The server's certificate is for: %s\nIts SHA-256: %s\n"
                 "Then delete the copies of key.pem; the device keeps its own.\n",
                 folder, "ADDRESS-OF-THIS-SERVER", port, fl_js_text(ca, "server_names"),
                 fl_js_text(ca, "server_fingerprint"));
    json_decref(ca);
}

static int save(int folder, const struct fl_buf *key, const json_t *answer, struct fl_err *err)
{
    int r = write_file(folder, files[0], 0600, fl_buf_span(key), err);

    if (r == FL_OK)
        r = write_file(folder, files[1], 0644, fl_span_str(fl_js_text(answer, "cert_pem")), err);
    if (r == FL_OK)
        r = write_file(folder, files[2], 0644, fl_span_str(fl_js_text(answer, "ca_pem")), err);
    return r;
}

static int post_request(struct fl_cli *cli, const char *tenant, const char *device,
                        const struct fl_buf *csr, json_t **ret)
{
    json_t *body = json_pack("{s:s%}", "csr_pem", (const char *)csr->ptr, csr->len);
    struct fl_cli_path path;
    struct fl_err err;
    uint64_t days;
    int r = FL_EXIT_OK;

    if (cli->opt[FL_OPT_DAYS] != NULL) {
        if (fl_args_number("--days", cli->opt[FL_OPT_DAYS], 1, 825, &days, &err) < 0)
            r = fl_cli_fail(&err);
        else
            (void)json_object_set_new(body, "days", json_integer((json_int_t)days));
    }
    if (r == FL_EXIT_OK)
        r = fl_cli_call(cli, "POST",
                        fl_cli_path(&path, "/api/v1/tenants/", tenant, "/devices/", device,
                                    "/certificates", NULL),
                        body, ret);
    json_decref(body);
    return r;
}

static void say_issued(struct fl_cli *cli, const char *tenant, const char *device,
                       const char *folder, json_t *answer)
{
    char until[2 * FL_UNIT_TEXT_BYTES];

    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        (void)json_object_set_new(answer, "folder", json_string(folder));
        fl_js_line(answer);
        return;
    }
    fl_cli_when(cli, answer, "not_after", false, until);
    (void)printf("%s/key.pem, cert.pem and ca.pem are written: a certificate for device %s of "
                 "tenant %s,\nvalid until %s, SHA-256 %s\n",
                 folder, device, tenant, until, fl_js_text(answer, "fingerprint"));
    tell_junos(cli, folder);
}

static int issue(struct fl_cli *cli, int folder, const char *tenant, const char *device,
                 struct fl_buf *key, struct fl_buf *csr)
{
    struct fl_err err;
    json_t *answer = NULL;
    int r;

    if (fl_cert_make_request(device, key, csr, &err) < 0)
        return fl_cli_fail(&err);
    r = post_request(cli, tenant, device, csr, &answer);
    if (r != FL_EXIT_OK)
        return r;
    if (save(folder, key, answer, &err) < 0)
        r = fl_cli_fail(&err);
    else
        say_issued(cli, tenant, device, cli->opt[FL_OPT_OUT], answer);
    json_decref(answer);
    return r;
}

int fl_device_cert_issue(struct fl_cli *cli)
{
    char tenant[64], device[64];
    struct fl_buf key, csr;
    struct fl_err err;
    int folder = -1, r;

    if (cli->opt[FL_OPT_OUT] == NULL)
        return fl_cli_usage("--out is missing: the folder for key.pem, cert.pem and ca.pem");
    r = fl_cli_split(cli, cli->arg[0], tenant, device);
    if (r != FL_EXIT_OK)
        return r;
    if (open_folder(cli->opt[FL_OPT_OUT], &folder, &err) < 0)
        return fl_cli_fail(&err);
    fl_buf_init(&key, PEM_MAX);
    fl_buf_init(&csr, PEM_MAX);
    r = issue(cli, folder, tenant, device, &key, &csr);
    fl_buf_wipe(&key);
    fl_buf_done(&csr);
    (void)close(folder);
    return r;
}

/* The certificate of the device that begins with what was typed. */
static int find_fingerprint(struct fl_cli *cli, const char *tenant, const char *device,
                            const char *typed, char ret[65])
{
    size_t len = strlen(typed), found = 0, i;
    struct fl_cli_path path;
    json_t *answer = NULL, *one;
    int r;

    if (len < PREFIX_MIN)
        return fl_cli_usage("give at least the first %u digits of the fingerprint", PREFIX_MIN);
    r = fl_cli_call(cli, "GET", fl_device_path(&path, tenant, device), NULL, &answer);
    if (r != FL_EXIT_OK)
        return r;
    json_array_foreach(json_object_get(answer, "certificates"), i, one)
    {
        const char *fingerprint = fl_js_text(one, "fingerprint");

        if (strncasecmp(fingerprint, typed, len) == 0) {
            (void)snprintf(ret, 65, "%s", fingerprint);
            found++;
        }
    }
    json_decref(answer);
    if (found == 1)
        return FL_EXIT_OK;
    fl_cli_note(cli, "%s certificate of device %s begins with %.64s",
                found == 0 ? "no" : "more than one", device, typed);
    return FL_EXIT_NO;
}

/* With the colons of other tools taken out. */
static void plain_hex(const char *typed, char *ret, size_t size)
{
    size_t at = 0;

    for (; *typed != '\0' && at + 1 < size; typed++)
        if (*typed != ':')
            ret[at++] = *typed;
    ret[at] = '\0';
}

int fl_device_cert_revoke(struct fl_cli *cli)
{
    char tenant[64], device[64], typed[65], fingerprint[65];
    struct fl_cli_path path;
    json_t *answer = NULL;
    int r = fl_cli_split(cli, cli->arg[0], tenant, device);

    plain_hex(cli->arg[1], typed, sizeof typed);
    if (r == FL_EXIT_OK)
        r = find_fingerprint(cli, tenant, device, typed, fingerprint);
    if (r != FL_EXIT_OK)
        return r;
    if (!fl_cli_sure(cli,
                     "The certificate %.16s... of device %s/%s will be refused for good, its "
                     "connections ended.",
                     fingerprint, tenant, device))
        return FL_EXIT_USAGE;
    r = fl_cli_call(cli, "DELETE",
                    fl_cli_path(&path, "/api/v1/tenants/", tenant, "/devices/", device,
                                "/certificates/", fingerprint, NULL),
                    NULL, &answer);
    return fl_cli_done(cli, r, answer, "Revoked: %s\n", fingerprint);
}

int fl_device_cert_pin(struct fl_cli *cli)
{
    FL_AUTO(fl_buf_done) struct fl_buf pem;
    char tenant[64], device[64];
    struct fl_cli_path path;
    json_t *body, *answer = NULL;
    struct fl_err err;
    int r = fl_cli_split(cli, cli->arg[0], tenant, device);

    fl_buf_init(&pem, PEM_MAX);
    if (r != FL_EXIT_OK)
        return r;
    if (fl_cli_read(cli->arg[1], &pem, &err) < 0)
        return fl_cli_fail(&err);
    body = json_pack("{s:s%}", "cert_pem", pem.ptr == NULL ? "" : (const char *)pem.ptr, pem.len);
    if (body == NULL)
        return fl_cli_usage("%.200s is not PEM text", cli->arg[1]);
    r = fl_cli_call(
        cli, "POST",
        fl_cli_path(&path, "/api/v1/tenants/", tenant, "/devices/", device, "/certificates", NULL),
        body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer, "Device %s/%s may now connect with the certificate %s\n",
                       tenant, device, fl_js_text(answer, "fingerprint"));
}
