#include "fairleadd/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "io/ring.h"

enum {
    DEPTH_MAX = 8,      /* of folders whose owner changes */
    SPARE_FILES = 1024, /* descriptors besides the connections */
    RING_STEP = 4096
};

void fl_place_init(struct fl_place *place)
{
    *place = (struct fl_place){.data_fd = -1,
                               .lock_fd = -1,
                               .ledger_fd = -1,
                               .ring_fd = -1,
                               .wake_rows_fd = -1,
                               .wake_room_fd = -1};
    for (size_t i = 0; i < FL_LEN(place->dir_fds); i++)
        place->dir_fds[i] = -1;
}

void fl_place_done(struct fl_place *place)
{
    for (size_t i = 0; i < place->listener_count; i++)
        fl_fd_close(&place->listeners[i].fd);
    if (place->local_path != NULL)
        (void)unlink(place->local_path);
    for (size_t i = 0; i < FL_LEN(place->dir_fds); i++)
        fl_fd_close(&place->dir_fds[i]);
    fl_fd_close(&place->ledger_fd);
    fl_fd_close(&place->ring_fd);
    fl_fd_close(&place->wake_rows_fd);
    fl_fd_close(&place->wake_room_fd);
    fl_fd_close(&place->lock_fd); /* last: now another fairleadd may begin */
    fl_fd_close(&place->data_fd);
    fl_place_init(place);
}

/* The roles reach their folder through the folders above it, under their own users. */
static int check_parents(const char *data_dir, uid_t uid, struct fl_err *err)
{
    char path[4096];
    struct stat st;

    if (uid == 0 || realpath(data_dir, path) == NULL)
        return FL_OK;
    for (char *slash = strrchr(path, '/'); slash != NULL && slash != path;
         slash = strrchr(path, '/')) {
        if (stat(path, &st) == 0 && !(st.st_mode & S_IXOTH) && st.st_uid != uid)
            return fl_err_set(err, FL_E_DENIED,
                              "the folder %s cannot be entered by the user %u, under whom a role "
                              "runs; do 'chmod o+x %s', choose another data_dir, or set uid_base "
                              "to 0",
                              path, (unsigned)uid, path);
        *slash = '\0';
    }
    return FL_OK;
}

static int give_tree(int dir_fd, uid_t uid, int depth, struct fl_err *err);

static int give_entry(int dir_fd, const char *name, uid_t uid, int depth, struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int fd = -1;
    struct stat st;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        fchownat(dir_fd, name, uid, uid, AT_SYMLINK_NOFOLLOW) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "give %s to the user %u", name, (unsigned)uid);
    if (!S_ISDIR(st.st_mode))
        return FL_OK;
    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fl_err_sys(err, FL_E_IO, errno, "open the folder %s", name);
    return give_tree(fd, uid, depth + 1, err);
}

static int give_tree(int dir_fd, uid_t uid, int depth, struct fl_err *err)
{
    int r = FL_OK, copy = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
    struct dirent *entry;
    DIR *dir;

    if (depth > DEPTH_MAX) {
        fl_fd_close(&copy);
        return fl_err_set(err, FL_E_LIMIT, "folders stand more than %d deep", DEPTH_MAX);
    }
    dir = copy < 0 ? NULL : fdopendir(copy);
    if (dir == NULL) {
        r = fl_err_sys(err, FL_E_IO, errno, "read a folder");
        fl_fd_close(&copy);
        return r;
    }
    while (r == FL_OK && (entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = give_entry(dir_fd, entry->d_name, uid, depth, err);
    (void)closedir(dir);
    return r;
}

/* A folder of one role; where uid_base has changed, all that is in it changes its owner too. */
static int give_folder(int fd, const char *name, enum fl_role role, const struct fl_conf *conf,
                       struct fl_err *err)
{
    uid_t uid = fl_role_uid(role, conf) != 0 ? fl_role_uid(role, conf) : geteuid();
    struct stat st;
    int r;

    if (fstat(fd, &st) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "look at the folder %s", name);
    if (st.st_uid != uid) {
        if (geteuid() != 0)
            return fl_err_set(err, FL_E_DENIED,
                              "the folder %s belongs to the user %u, not to this one; start as "
                              "that user or as root",
                              name, (unsigned)st.st_uid);
        r = give_tree(fd, uid, 0, err);
        if (r == FL_OK && fchown(fd, uid, uid) < 0) /* last, so that a cut run begins again */
            r = fl_err_sys(err, FL_E_IO, errno, "give the folder %s to its role", name);
        if (r < 0)
            return r;
    }
    if (fchmod(fd, 0700) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "close the folder %s to others", name);
    return FL_OK;
}

/* What is in a folder, and its name in the one above: else a power loss after the first start could
 * take away a folder whose files were synced. */
static int sync_name(int fd, const char *path, struct fl_err *err)
{
    char parent[PATH_MAX];
    size_t len = strlen(path);
    int r;

    while (len > 1 && path[len - 1] == '/')
        len--;
    if (fsync(fd) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "sync the folder %s", path);
    if (len >= sizeof parent)
        return fl_err_set(err, FL_E_LIMIT, "a path of %zu bytes", len);
    (void)snprintf(parent, sizeof parent, "%.*s", (int)len, path);
    r = fl_dir_sync(AT_FDCWD, parent, err);
    if (r == FL_E_DENIED) /* the folder above may not be read by everyone */
        r = syncfs(fd) < 0 ? fl_err_sys(err, FL_E_IO, errno, "sync the folder %s", path) : FL_OK;
    return r;
}

static int make_role_dir(struct fl_place *place, enum fl_role role, const struct fl_conf *conf,
                         struct fl_err *err)
{
    const char *name = fl_role_row(role)->dir;
    int r;

    if (name == NULL)
        return FL_OK;
    r = fl_dir_make(place->data_fd, name, 0700, &place->dir_fds[role], err);
    return r < 0 ? r : give_folder(place->dir_fds[role], name, role, conf, err);
}

/* A backup of the data folder must not take the ledger along. */
static int check_ledger(const char *data_dir, const char *ledger_dir, struct fl_err *err)
{
    char data[PATH_MAX], ledger[PATH_MAX];
    size_t len;

    if (realpath(data_dir, data) == NULL || realpath(ledger_dir, ledger) == NULL)
        return FL_OK;
    len = strlen(data);
    if (strncmp(ledger, data, len) != 0 || (ledger[len] != '/' && ledger[len] != '\0'))
        return FL_OK;
    return fl_err_set(err, FL_E_INVAL,
                      "the folder %s stands in data_dir, where a backup takes it along; choose one "
                      "outside",
                      ledger_dir);
}

static int make_ledger_dir(struct fl_place *place, const struct fl_conf *conf, struct fl_err *err)
{
    const char *path = fl_conf_str(conf, FL_SET_LEDGER_DIR);
    int r = fl_dir_make(AT_FDCWD, path, 0700, &place->ledger_fd, err);

    if (r < 0)
        return fl_err_wrap(err, "ledger_dir: the ledger of erasures needs a folder that fairleadd "
                                "can make or use");
    r = check_ledger(fl_conf_str(conf, FL_SET_DATA_DIR), path, err);
    if (r == FL_OK)
        r = give_folder(place->ledger_fd, path, FL_ROLE_KEYS, conf, err);
    if (r == FL_OK)
        r = sync_name(place->ledger_fd, path, err);
    return r < 0 ? fl_err_wrap(err, "ledger_dir") : r;
}

int fl_place_folders(struct fl_place *place, const struct fl_conf *conf, struct fl_err *err)
{
    const char *path = fl_conf_str(conf, FL_SET_DATA_DIR);
    FL_AUTO(fl_fd_closep) int run_fd = -1;
    int r = fl_dir_make(AT_FDCWD, path, 0711, &place->data_fd, err);

    if (r < 0)
        return fl_err_wrap(err, "data_dir");
    r = check_parents(path, fl_role_uid(FL_ROLE_CORE, conf), err);
    for (int role = FL_ROLE_FIRST; r == FL_OK && role <= FL_ROLE_LAST; role++)
        r = make_role_dir(place, (enum fl_role)role, conf, err);
    if (r == FL_OK)
        r = fl_dir_make(place->data_fd, "run", 0711, &run_fd, err);
    if (r == FL_OK) /* the names of what was made, and of the folder itself */
        r = sync_name(place->data_fd, path, err);
    if (r < 0)
        return fl_err_wrap(err, "data_dir %s", path);
    return make_ledger_dir(place, conf, err);
}

static int take_lock(struct fl_place *place, const char *data_dir, struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int run_fd = -1;
    char pid[16] = "";
    ssize_t n;
    int r = fl_dir_make(place->data_fd, "run", 0711, &run_fd, err);

    if (r == FL_OK)
        r = fl_file_open(run_fd, "fairleadd.pid", O_RDWR | O_CREAT | O_NOFOLLOW, 0644,
                         &place->lock_fd, err);
    if (r < 0)
        return fl_err_wrap(err, "%s", data_dir);
    if (flock(place->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        n = fl_fd_pread_all(place->lock_fd, pid, sizeof pid - 1, 0, NULL);
        if (n > 0 && pid[n - 1] == '\n')
            pid[n - 1] = '\0';
        return fl_err_set(err, FL_E_EXISTS,
                          "another fairleadd (process %s) uses %s; stop it first, or give this one "
                          "its own data_dir",
                          pid, data_dir);
    }
    (void)snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    if (ftruncate(place->lock_fd, 0) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "write %s/run/fairleadd.pid", data_dir);
    return fl_fd_pwrite_all(place->lock_fd, pid, strlen(pid), 0, err);
}

static int kind_of(const char *text, enum fl_listen_kind *ret)
{
    static const struct {
        const char *text;
        enum fl_listen_kind kind;
    } kinds[] = {
        {"tls-server", FL_LISTEN_TLS_SERVER}, {"tcp", FL_LISTEN_TCP}, {"udp", FL_LISTEN_UDP}};

    for (size_t i = 0; i < FL_LEN(kinds); i++)
        if (strcmp(kinds[i].text, text) == 0) {
            *ret = kinds[i].kind;
            return FL_OK;
        }
    return FL_E_INVAL;
}

static int add_inet(struct fl_place *place, enum fl_listen_kind kind, const char *name,
                    const char *tenant, const char *address, struct fl_err *err)
{
    struct fl_place_listener *l = &place->listeners[place->listener_count];
    int r;

    *l = (struct fl_place_listener){.fd = -1, .kind = kind, .name = name, .tenant = tenant};
    r = kind == FL_LISTEN_UDP ? fl_sock_bind_udp(address, &l->fd, err)
                              : fl_sock_listen_tcp(address, &l->fd, err);
    if (r < 0)
        return fl_err_wrap(err,
                           kind == FL_LISTEN_TLS_MUTUAL ? "listen_tls"
                           : kind == FL_LISTEN_WEB      ? "web_listen"
                                                        : "listener %s",
                           name);
    fl_sock_name(l->fd, l->address);
    place->listener_count++;
    return FL_OK;
}

/* Who may connect is core's to decide by user id; the file's rights only spare it the others. */
static int add_local(struct fl_place *place, const struct fl_conf *conf, struct fl_err *err)
{
    struct fl_place_listener *l = &place->listeners[place->listener_count];
    const char *path = fl_conf_str(conf, FL_SET_LOCAL_SOCKET);
    mode_t mode = fl_conf_str(conf, FL_SET_ADMIN_UIDS)[0] == '\0' ? 0600 : 0666;
    int r;

    *l = (struct fl_place_listener){
        .fd = -1, .kind = FL_LISTEN_LOCAL, .name = "local", .tenant = ""};
    r = fl_sock_listen_unix(path, mode, &l->fd, err);
    if (r < 0)
        return fl_err_wrap(err, "local_socket");
    (void)snprintf(l->address, sizeof l->address, "%s", path);
    place->local_path = path;
    place->listener_count++;
    return FL_OK;
}

static int bind_all(struct fl_place *place, const struct fl_conf *conf, struct fl_err *err)
{
    const char *tls = fl_conf_str(conf, FL_SET_LISTEN_TLS);
    const char *web = fl_conf_str(conf, FL_SET_WEB_LISTEN);
    int r = FL_OK;

    if (tls[0] != '\0')
        r = add_inet(place, FL_LISTEN_TLS_MUTUAL, "tls", "", tls, err);
    for (size_t i = 0; r == FL_OK && i < fl_conf_listeners(conf); i++) {
        const struct fl_conf_listener *l = fl_conf_listener(conf, i);
        enum fl_listen_kind kind;

        if (kind_of(l->kind, &kind) < 0)
            return fl_err_set(err, FL_E_INVAL, "listener %s: unknown kind %s", l->name, l->kind);
        r = add_inet(place, kind, l->name, l->tenant, l->address, err);
    }
    if (r == FL_OK && web[0] != '\0')
        r = add_inet(place, FL_LISTEN_WEB, "web", "", web, err);
    return r < 0 ? r : add_local(place, conf, err);
}

static int make_ring(struct fl_place *place, const struct fl_conf *conf, struct fl_err *err)
{
    size_t bytes = (size_t)fl_conf_num(conf, FL_SET_RING_BYTES);

    place->wake_rows_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    place->wake_room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (place->wake_rows_fd < 0 || place->wake_room_fd < 0)
        return fl_err_sys(err, FL_E_IO, errno, "make an eventfd");
    return fl_ring_create((bytes + RING_STEP - 1) / RING_STEP * RING_STEP, &place->ring_fd, err);
}

/* Descriptors for every connection; children inherit the limit. */
static int raise_files(const struct fl_conf *conf, struct fl_err *err)
{
    uint64_t devices = fl_conf_num(conf, FL_SET_CONNECTIONS_MAX);
    uint64_t web = fl_conf_num(conf, FL_SET_WEB_CONNECTIONS_MAX);
    rlim_t need = (rlim_t)(devices > web ? devices : web) + SPARE_FILES;
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "read the limit of open files");
    if (lim.rlim_cur >= need)
        return FL_OK;
    lim.rlim_cur = need;
    if (lim.rlim_max < need)
        lim.rlim_max = need; /* root may */
    if (setrlimit(RLIMIT_NOFILE, &lim) < 0)
        return fl_err_set(err, FL_E_DENIED,
                          "connections_max: the system's limit of open files is too low for %llu; "
                          "raise it (ulimit -n, LimitNOFILE=) to %llu or lower connections_max and "
                          "web_connections_max",
                          (unsigned long long)(need - SPARE_FILES), (unsigned long long)need);
    return FL_OK;
}

/* Ours or root's to write, nobody else's. */
static bool is_trusted(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (st.st_uid == 0 || st.st_uid == geteuid()) &&
           (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The screen's files: what stands in the setting, else where they are beside this program, built or
 * installed. The first that is there; none is no failure, for web then says what to do. */
static int open_screen(const struct fl_conf *conf, char ret_path[PATH_MAX])
{
    static const char *const beside[] = {"web", "../share/fairlead/web", "../../../web"};
    const char *set = fl_conf_str(conf, FL_SET_WEB_ROOT);
    char exe[PATH_MAX / 2], *slash;
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

    if (set[0] != '\0') {
        (void)snprintf(ret_path, PATH_MAX, "%s", set);
        return open(set, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    exe[n < 0 ? 0 : n] = '\0';
    slash = strrchr(exe, '/');
    if (slash != NULL)
        *slash = '\0';
    for (size_t i = 0; slash != NULL && i < FL_LEN(beside); i++) {
        int fd;

        (void)snprintf(ret_path, PATH_MAX, "%s/%s", exe, beside[i]);
        fd = open(ret_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && is_trusted(fd))
            return fd;
        fl_fd_close(&fd);
    }
    (void)snprintf(ret_path, PATH_MAX, "/usr/share/fairlead/web");
    return open(ret_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int find_screen(struct fl_place *place, const struct fl_conf *conf, struct fl_err *err)
{
    char path[PATH_MAX];
    struct stat st;
    int fd;

    if ((fl_conf_str(conf, FL_SET_WEB_CERT)[0] == '\0') !=
        (fl_conf_str(conf, FL_SET_WEB_KEY)[0] == '\0'))
        return fl_err_set(err, FL_E_INVAL,
                          "web_cert and web_key belong together; give both or neither");
    if (!fl_role_wanted(FL_ROLE_WEB, conf))
        return FL_OK;
    fd = open_screen(conf, path);
    if (fd < 0 && fl_conf_str(conf, FL_SET_WEB_ROOT)[0] != '\0')
        return fl_err_sys(err, FL_E_NOENT, errno, "web_root: open the folder %s", path);
    if (fd >= 0 && fstat(fd, &st) == 0 && fl_role_uid(FL_ROLE_WEB, conf) != 0 &&
        (st.st_mode & (S_IROTH | S_IXOTH)) != (S_IROTH | S_IXOTH)) {
        (void)close(fd);
        return fl_err_set(err, FL_E_DENIED,
                          "web_root: the folder %s cannot be read by the user under whom web runs; "
                          "do 'chmod -R o+rX %s'",
                          path, path);
    }
    place->dir_fds[FL_ROLE_WEB] = fd;
    return FL_OK;
}

int fl_place_prepare(struct fl_place *place, const struct fl_conf *conf, struct fl_err *err)
{
    int r = fl_place_folders(place, conf, err);

    if (r == FL_OK)
        r = take_lock(place, fl_conf_str(conf, FL_SET_DATA_DIR), err);
    if (r == FL_OK)
        r = raise_files(conf, err);
    if (r == FL_OK)
        r = find_screen(place, conf, err);
    if (r == FL_OK)
        r = bind_all(place, conf, err);
    if (r == FL_OK)
        r = make_ring(place, conf, err);
    return r;
}
