/*
 * fairleadd -T: each attempt runs in a process of its own that has entered the role's real sandbox.
 * A line is "ok" when the kernel refused (or, for the lines "can ...", when it did not).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rand.h"
#include "fairleadd/place.h"
#include "fairleadd/start.h"
#include "io/aead.h"

enum { TIME_LIMIT_S = 20 };

/* Exit codes of an attempt's process. */
enum { WAS_REFUSED = 10, WAS_DONE = 11, NOT_ENTERED = 12 };

/* Prepared before the sandbox is entered, as the supervisor would. */
struct scene {
    enum fl_role role;
    char base[64];                 /* temporary data_dir */
    char outside[96];              /* a file beside the roles' folders that all may write */
    int dir_fd;                    /* of the role; -1: none */
    int tcp_fd, listen_fd, udp_fd; /* a new socket, a listening one, a bound one */
    struct sockaddr_in peer;       /* where listen_fd listens */
    pid_t other;                   /* a process that is not ours to touch */
};

#define BIT(role)  (1u << FL_ROLE_##role)
#define EVERY      (INSIDE | BIT(OUTBOUND))
#define INSIDE     (BIT(INGEST) | BIT(CORE) | BIT(STORE) | BIT(KEYS) | BIT(WEB)) /* connect nowhere */
#define WITH_FILES (BIT(CORE) | BIT(STORE) | BIT(KEYS))
#define WITH_DIR   (WITH_FILES | BIT(WEB))
#define SCREEN_DIR "screen" /* what web_root is to web */

/* What alone can refuse it, for roles that may use files at all. */
enum needs { NEEDS_NOTHING, NEEDS_LANDLOCK, NEEDS_LANDLOCK_OR_UID };

struct attempt {
    const char *name;
    unsigned roles;
    bool must_work;
    enum needs needs;
    bool (*run)(const struct scene *s); /* did it work? */
};

static bool opened(int fd)
{
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static bool open_passwd(const struct scene *s)
{
    (void)s;
    return opened(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static bool list_root(const struct scene *s)
{
    (void)s;
    return opened(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static bool read_outside(const struct scene *s)
{
    return opened(open(s->outside, O_RDONLY | O_CLOEXEC));
}

static bool write_outside(const struct scene *s)
{
    return opened(open(s->outside, O_WRONLY | O_CLOEXEC));
}

static bool create_outside(const struct scene *s)
{
    char path[128];

    (void)snprintf(path, sizeof path, "/tmp/fairlead-T-made-%d", (int)getpid());
    if (!opened(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)))
        return false;
    (void)unlink(path);
    (void)s;
    return true;
}

static bool remove_outside(const struct scene *s)
{
    return unlink(s->outside) == 0;
}

static bool climb_out(const struct scene *s)
{
    return opened(openat(s->dir_fd, "../outside", O_RDONLY | O_CLOEXEC));
}

static bool open_others(const struct scene *s)
{
    bool any = false;

    for (int role = FL_ROLE_FIRST; role <= FL_ROLE_LAST; role++) {
        const char *dir = fl_role_row((enum fl_role)role)->dir;
        char path[128];

        if (dir == NULL || role == (int)s->role)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s/secret", s->base, dir);
        any |= opened(open(path, O_RDONLY | O_CLOEXEC));
        (void)snprintf(path, sizeof path, "%s/%s", s->base, dir);
        any |= opened(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    return any;
}

static bool link_out(const struct scene *s)
{
    return symlinkat("/etc/passwd", s->dir_fd, "link") == 0 ||
           linkat(AT_FDCWD, s->outside, s->dir_fd, "hard", 0) == 0;
}

static bool make_device(const struct scene *s)
{
    return mknodat(s->dir_fd, "pipe", S_IFIFO | 0600, 0) == 0;
}

static bool change_mode(const struct scene *s)
{
    return chmod(s->outside, 0777) == 0 || chown(s->outside, getuid(), getgid()) == 0;
}

static bool socket_of(int family, int type)
{
    return opened(socket(family, type | SOCK_CLOEXEC, 0));
}

static bool socket_tcp(const struct scene *s)
{
    (void)s;
    return socket_of(AF_INET, SOCK_STREAM) || socket_of(AF_INET6, SOCK_STREAM);
}

static bool socket_udp(const struct scene *s)
{
    (void)s;
    return socket_of(AF_INET, SOCK_DGRAM) || socket_of(AF_INET6, SOCK_DGRAM);
}

static bool socket_other(const struct scene *s)
{
    (void)s;
    return socket_of(AF_UNIX, SOCK_STREAM) || socket_of(AF_NETLINK, SOCK_RAW) ||
           socket_of(AF_PACKET, SOCK_RAW);
}

static bool sockets_out(const struct scene *s)
{
    (void)s;
    return socket_of(AF_INET, SOCK_STREAM) && socket_of(AF_INET, SOCK_DGRAM);
}

/* From /etc/hosts, as every name is looked for first. */
static bool resolve(const struct scene *s)
{
    struct addrinfo *list = NULL;
    bool found = getaddrinfo("localhost", NULL, NULL, &list) == 0 && list != NULL;

    (void)s;
    if (found)
        freeaddrinfo(list);
    return found;
}

/* The supervisor opens them: what connects needs no folder. */
static bool open_certificates(const struct scene *s)
{
    (void)s;
    return opened(open("/etc/ssl/certs/ca-certificates.crt", O_RDONLY | O_CLOEXEC)) ||
           opened(open("/etc/ssl/openssl.cnf", O_RDONLY | O_CLOEXEC));
}

static bool connect_out(const struct scene *s)
{
    return connect(s->tcp_fd, (const struct sockaddr *)&s->peer, sizeof s->peer) == 0;
}

static bool bind_port(const struct scene *s)
{
    struct sockaddr_in any = {.sin_family = AF_INET};

    return bind(s->tcp_fd, (const struct sockaddr *)&any, sizeof any) == 0 ||
           listen(s->tcp_fd, 1) == 0;
}

static bool send_udp(const struct scene *s)
{
    return sendto(s->udp_fd, "x", 1, 0, (const struct sockaddr *)&s->peer, sizeof s->peer) == 1;
}

static bool accept_one(const struct scene *s)
{
    int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    return opened(fd) || (fd < 0 && errno == EAGAIN); /* it was let through */
}

static bool execute(const struct scene *s)
{
    char *argv[] = {(char[]){"true"}, NULL}, *envp[] = {NULL};

    (void)s;
    (void)execve("/bin/true", argv, envp);
    return false; /* and exit 0 when it worked, which is none of our codes */
}

static bool trace(const struct scene *s)
{
    return ptrace(PTRACE_SEIZE, s->other, NULL, NULL) == 0;
}

static bool read_memory(const struct scene *s)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)(uintptr_t)s, 1};

    return process_vm_readv(s->other, &here, 1, &there, 1, 0) == 1;
}

static bool signal_other(const struct scene *s)
{
    return kill(s->other, 0) == 0 || syscall(SYS_tgkill, s->other, s->other, 0) == 0;
}

static bool signal_all(const struct scene *s)
{
    (void)s;
    return kill(-1, 0) == 0 || syscall(SYS_tkill, 1, 0) == 0;
}

static bool become_root(const struct scene *s)
{
    (void)s;
    return setuid(0) == 0 || setresuid(0, 0, 0) == 0 || setgid(0) == 0;
}

static bool new_process(const struct scene *s)
{
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0L);

    (void)s;
    if (pid == 0)
        _exit(0);
    return pid > 0;
}

static bool new_code(const struct scene *s)
{
    void *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)s;
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) != MAP_FAILED ||
           (data != MAP_FAILED && mprotect(data, 4096, PROT_READ | PROT_EXEC) == 0);
}

static bool core_dumps(const struct scene *s)
{
    struct rlimit lim = {4096, 4096};

    (void)s;
    return setrlimit(RLIMIT_CORE, &lim) == 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}

static bool namespaces(const struct scene *s)
{
    (void)s;
    return unshare(CLONE_NEWUSER) == 0;
}

static bool io_uring(const struct scene *s)
{
    char params[256] = {0};

    (void)s;
    return opened((int)syscall(SYS_io_uring_setup, 4, params));
}

static bool kernel_keys(const struct scene *s)
{
    (void)s;
    return syscall(SYS_add_key, "user", "x", "y", 1, -3) >= 0;
}

/* what must work */

static bool own_files(const struct scene *s)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    int sub = -1;
    bool ok;

    fl_buf_init(&text, 100);
    ok = fl_file_write(s->dir_fd, "a", FL_SPAN("data"), 0600, NULL) == FL_OK &&
         fl_file_read(s->dir_fd, "a", &text, NULL) == FL_OK && text.len == 4 &&
         fl_dir_make(s->dir_fd, "sub", 0700, &sub, NULL) == FL_OK &&
         renameat(s->dir_fd, "a", sub, "b") == 0 && unlinkat(sub, "b", 0) == 0 &&
         unlinkat(s->dir_fd, "sub", AT_REMOVEDIR) == 0;
    fl_fd_close(&sub);
    return ok;
}

static bool read_own_file(const struct scene *s)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;

    fl_buf_init(&text, 100);
    return fl_file_read(s->dir_fd, "secret", &text, NULL) == FL_OK && text.len == 1;
}

static bool write_own_files(const struct scene *s)
{
    return opened(openat(s->dir_fd, "secret", O_WRONLY | O_CLOEXEC)) ||
           opened(openat(s->dir_fd, "made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) ||
           unlinkat(s->dir_fd, "secret", 0) == 0 || mkdirat(s->dir_fd, "sub", 0700) == 0;
}

/* By a path relative to the working folder, as a database engine does it. */
static bool own_files_by_path(const struct scene *s)
{
    char cwd[256];

    (void)s;
    return getcwd(cwd, sizeof cwd) != NULL &&
           opened(open("db", O_RDWR | O_CREAT | O_CLOEXEC, 0600)) && unlink("db") == 0;
}

static void *thread_body(void *arg)
{
    *(int *)arg = 1;
    return NULL;
}

static bool threads(const struct scene *s)
{
    pthread_t thread;
    int ran = 0;

    (void)s;
    return pthread_create(&thread, NULL, thread_body, &ran) == 0 &&
           pthread_join(thread, NULL) == 0 && ran == 1;
}

static bool crypto(const struct scene *s)
{
    unsigned char key[32], nonce[12] = {0}, tag[16], text[5] = "text";
    struct fl_aead *aead = NULL;
    bool ok;

    (void)s;
    fl_random(key, sizeof key);
    ok = fl_aead_new(&aead, NULL) == FL_OK &&
         fl_aead_seal(aead, key, nonce, FL_SPAN(""), fl_span_of(text, 4), text, tag, NULL) == FL_OK;
    fl_aead_free(aead);
    return ok;
}

static bool memory_and_loop(const struct scene *s)
{
    size_t len = (size_t)32 << 20;
    char *bytes = malloc(len);
    struct fl_loop *loop = NULL;
    bool ok = bytes != NULL && fl_loop_new(&loop, NULL) == FL_OK;

    (void)s;
    if (bytes != NULL)
        memset(bytes, 1, len);
    fl_loop_free(loop);
    free(bytes);
    return ok;
}

static const struct attempt attempts[] = {
    {"can use files in its own folder", WITH_FILES, true, NEEDS_NOTHING, own_files},
    {"can use them by path", WITH_FILES, true, NEEDS_NOTHING, own_files_by_path},
    {"can read the files of the screen", BIT(WEB), true, NEEDS_NOTHING, read_own_file},
    {"change the files of the screen", BIT(WEB), false, NEEDS_LANDLOCK_OR_UID, write_own_files},
    {"can start threads", EVERY, true, NEEDS_NOTHING, threads},
    {"can encrypt", EVERY, true, NEEDS_NOTHING, crypto},
    {"can take memory and wait for events", EVERY, true, NEEDS_NOTHING, memory_and_loop},
    {"can accept on a socket it was given", BIT(INGEST) | BIT(CORE) | BIT(WEB), true, NEEDS_NOTHING,
     accept_one},
    {"accept a connection", BIT(STORE) | BIT(KEYS) | BIT(OUTBOUND), false, NEEDS_NOTHING,
     accept_one},
    {"can make sockets to connect", BIT(OUTBOUND), true, NEEDS_NOTHING, sockets_out},
    {"can connect a TCP socket", BIT(OUTBOUND), true, NEEDS_NOTHING, connect_out},
    {"can resolve a name", BIT(OUTBOUND), true, NEEDS_NOTHING, resolve},
    {"read the machine's certificates", BIT(OUTBOUND), false, NEEDS_LANDLOCK, open_certificates},
    {"read /etc/passwd", EVERY, false, NEEDS_LANDLOCK, open_passwd},
    {"list the root folder", EVERY, false, NEEDS_LANDLOCK, list_root},
    {"read a file outside its folder", EVERY, false, NEEDS_LANDLOCK, read_outside},
    {"write a file outside its folder", EVERY, false, NEEDS_LANDLOCK, write_outside},
    {"create a file outside its folder", EVERY, false, NEEDS_LANDLOCK, create_outside},
    {"remove a file outside its folder", EVERY, false, NEEDS_LANDLOCK_OR_UID, remove_outside},
    {"climb out of its folder by ..", WITH_DIR, false, NEEDS_LANDLOCK, climb_out},
    {"open the other roles' folders", EVERY, false, NEEDS_LANDLOCK_OR_UID, open_others},
    {"link to a file outside", WITH_DIR, false, NEEDS_NOTHING, link_out},
    {"make a pipe or device", WITH_DIR, false, NEEDS_NOTHING, make_device},
    {"change a file's mode or owner outside", EVERY, false, NEEDS_NOTHING, change_mode},
    {"make a TCP socket", INSIDE, false, NEEDS_NOTHING, socket_tcp},
    {"make a UDP socket", INSIDE, false, NEEDS_NOTHING, socket_udp},
    {"make a unix, netlink or packet socket", EVERY, false, NEEDS_NOTHING, socket_other},
    {"connect a TCP socket", INSIDE, false, NEEDS_NOTHING, connect_out},
    {"bind or listen", EVERY, false, NEEDS_NOTHING, bind_port},
    {"send from a UDP listener", EVERY, false, NEEDS_NOTHING, send_udp},
    {"execute a program", EVERY, false, NEEDS_NOTHING, execute},
    {"fork", EVERY, false, NEEDS_NOTHING, new_process},
    {"trace another process", EVERY, false, NEEDS_NOTHING, trace},
    {"read another process's memory", EVERY, false, NEEDS_NOTHING, read_memory},
    {"signal another process", EVERY, false, NEEDS_NOTHING, signal_other},
    {"signal all processes", EVERY, false, NEEDS_NOTHING, signal_all},
    {"become root again", EVERY, false, NEEDS_NOTHING, become_root},
    {"make memory executable", EVERY, false, NEEDS_NOTHING, new_code},
    {"turn core dumps on", EVERY, false, NEEDS_NOTHING, core_dumps},
    {"make a user namespace", EVERY, false, NEEDS_NOTHING, namespaces},
    {"use io_uring", EVERY, false, NEEDS_NOTHING, io_uring},
    {"use the kernel's key store", EVERY, false, NEEDS_NOTHING, kernel_keys},
};

/* What an attempt that worked may have used up. */
static void renew(struct scene *s)
{
    int fd = open(s->outside, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

    if (fd >= 0)
        (void)fchmod(fd, 0666); /* whatever the umask is; a failure shows as a failed attempt */
    fl_fd_close(&fd);
    fl_fd_close(&s->tcp_fd);
    s->tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static FL_NORETURN void child(const struct attempt *a, const struct scene *s,
                              const struct fl_conf *conf)
{
    struct fl_sandbox box = fl_role_box(s->role, conf, s->dir_fd, 0);
    struct fl_sandbox_got got;
    struct fl_err err;

    (void)alarm(TIME_LIMIT_S);
    if (s->tcp_fd < 0)
        _exit(NOT_ENTERED);
    if (fl_sandbox_enter(&box, &got, &err) < 0) {
        (void)fprintf(stderr, "# %s: %s\n", fl_role_name(s->role), err.text);
        _exit(NOT_ENTERED);
    }
    _exit(a->run(s) ? WAS_DONE : WAS_REFUSED);
}

struct tally {
    unsigned count, failed;
};

static void line(struct tally *t, bool ok, const struct attempt *a, enum fl_role role,
                 const char *tail)
{
    t->count++;
    t->failed += ok ? 0 : 1;
    (void)printf("%sok %u - %s %s%s%s\n", ok ? "" : "not ", t->count, fl_role_name(role),
                 a->must_work ? "" : "cannot ", a->name, tail);
}

/* Is there nothing on this machine that could refuse it? */
static const char *why_skip(const struct attempt *a, const struct scene *s,
                            const struct fl_conf *conf, bool landlock)
{
    if (fl_sandbox_relaxed() && !a->must_work)
        return " # SKIP a build with sanitizers has a relaxed filter";
    if (landlock || a->needs == NEEDS_NOTHING ||
        !(fl_role_row(s->role)->may & (FL_MAY_FILES | FL_MAY_READ | FL_MAY_CONNECT)))
        return NULL;
    if (a->needs == NEEDS_LANDLOCK_OR_UID && fl_role_uid(s->role, conf) != 0)
        return NULL;
    return " # SKIP the kernel has no Landlock";
}

static void try_one(struct tally *t, const struct attempt *a, struct scene *s,
                    const struct fl_conf *conf, bool landlock)
{
    const char *skip = why_skip(a, s, conf, landlock);
    int status = 0;
    pid_t pid;
    bool ok;

    if (skip != NULL) {
        line(t, true, a, s->role, skip);
        return;
    }
    renew(s);
    (void)fflush(stdout);
    pid = fork();
    if (pid == 0)
        child(a, s, conf);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    ok = a->must_work ? WIFEXITED(status) && WEXITSTATUS(status) == WAS_DONE
                      : (WIFEXITED(status) && WEXITSTATUS(status) == WAS_REFUSED) ||
                            (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
    line(t, pid > 0 && ok, a, s->role, "");
    if (!ok)
        (void)printf("# status 0x%x\n", (unsigned)status);
}

static int make_sockets(struct scene *s, struct fl_err *err)
{
    socklen_t len = sizeof s->peer;
    int r = fl_sock_listen_tcp("127.0.0.1:0", &s->listen_fd, err);

    if (r == FL_OK)
        r = fl_sock_bind_udp("127.0.0.1:0", &s->udp_fd, err);
    if (r < 0)
        return r;
    if (getsockname(s->listen_fd, (struct sockaddr *)&s->peer, &len) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "find the port of a socket");
    return FL_OK;
}

static int set_scene(struct scene *s, struct fl_place *place, struct fl_conf *conf,
                     struct fl_err *err)
{
    const uid_t stay = geteuid();
    char ledger[sizeof s->base + 8];
    int r;

    (void)snprintf(s->base, sizeof s->base, "/tmp/fairlead-T.XXXXXX");
    if (mkdtemp(s->base) == NULL || chmod(s->base, 0711) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "make a temporary folder");
    (void)snprintf(s->outside, sizeof s->outside, "%s/outside", s->base);
    (void)snprintf(ledger, sizeof ledger, "%s.ledger", s->base);
    r = fl_conf_set(conf, FL_SET_DATA_DIR, fl_span_str(s->base), err);
    if (r == FL_OK)
        r = fl_conf_set(conf, FL_SET_LEDGER_DIR, fl_span_str(ledger), err);
    if (r == FL_OK)
        r = fl_place_folders(place, conf, err);
    if (r == FL_OK)
        r = fl_dir_make(place->data_fd, SCREEN_DIR, 0755, &place->dir_fds[FL_ROLE_WEB], err);
    for (int role = FL_ROLE_FIRST; r == FL_OK && role <= FL_ROLE_LAST; role++) {
        uid_t uid = fl_role_uid((enum fl_role)role, conf);

        if (place->dir_fds[role] < 0)
            continue;
        r = fl_file_write(place->dir_fds[role], "secret", FL_SPAN("x"),
                          role == FL_ROLE_WEB ? 0644 : 0600, err);
        if (r == FL_OK && role != FL_ROLE_WEB &&
            fchownat(place->dir_fds[role], "secret", uid == 0 ? stay : uid, (gid_t)-1, 0) < 0)
            r = fl_err_sys(err, FL_E_IO, errno, "give a file away");
    }
    return r < 0 ? r : make_sockets(s, err);
}

static void clear_scene(struct scene *s, struct fl_place *place)
{
    char ledger[sizeof s->base + 8];

    for (int role = FL_ROLE_FIRST; role <= FL_ROLE_LAST; role++) {
        if (place->dir_fds[role] < 0)
            continue;
        (void)unlinkat(place->dir_fds[role], "secret", 0);
        (void)unlinkat(place->data_fd,
                       role == FL_ROLE_WEB ? SCREEN_DIR : fl_role_row((enum fl_role)role)->dir,
                       AT_REMOVEDIR);
    }
    (void)unlink(s->outside);
    if (place->data_fd >= 0)
        (void)unlinkat(place->data_fd, "run", AT_REMOVEDIR);
    (void)rmdir(s->base);
    (void)snprintf(ledger, sizeof ledger, "%s.ledger", s->base);
    (void)rmdir(ledger);
    fl_fd_close(&s->listen_fd);
    fl_fd_close(&s->udp_fd);
    fl_fd_close(&s->tcp_fd);
    fl_place_done(place);
}

int fl_lockdown_main(struct fl_conf *conf)
{
    struct scene s = {.tcp_fd = -1, .listen_fd = -1, .udp_fd = -1, .other = getpid()};
    bool landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
    struct tally t = {0, 0};
    struct fl_place place;
    struct fl_err err;

    fl_place_init(&place);
    if (set_scene(&s, &place, conf, &err) < 0) {
        (void)printf("Bail out! %s\n", err.text);
        clear_scene(&s, &place);
        return 1;
    }
    for (int role = FL_ROLE_FIRST; role <= FL_ROLE_LAST; role++) {
        s.role = (enum fl_role)role;
        s.dir_fd = place.dir_fds[role];
        for (size_t i = 0; i < FL_LEN(attempts); i++)
            if (attempts[i].roles >> role & 1)
                try_one(&t, &attempts[i], &s, conf, landlock);
    }
    (void)printf("1..%u\n", t.count);
    clear_scene(&s, &place);
    return t.failed > 0;
}
