#include "io/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "io/aead.h"
#include "io/seccomp.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RELAXED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define RELAXED 1
#endif
#endif
#ifndef RELAXED
#define RELAXED 0
#endif

/* The kernel's rights by number, because Debian 12's header ends at ABI 2. */
enum {
    FS_ABI1 = (1 << 13) - 1,
    FS_EXECUTE = 1 << 0,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_MAKE_CHAR = 1 << 6,
    FS_MAKE_SOCK = 1 << 9,
    FS_MAKE_FIFO = 1 << 10,
    FS_MAKE_BLOCK = 1 << 11,
    FS_MAKE_SYM = 1 << 12,
    FS_REFER = 1 << 13,     /* ABI 2 */
    FS_TRUNCATE = 1 << 14,  /* ABI 3 */
    FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
    NET_BIND = 1,           /* ABI 4: bind TCP */
    NET_CONNECT = 2,        /* ... and connect it */
    SCOPE_ALL = 3           /* ABI 6: abstract sockets, signals */
};

struct ruleset {
    uint64_t fs, net, scoped;
};

bool fl_sandbox_relaxed(void)
{
    return RELAXED;
}

static void note(struct fl_sandbox_got *got, const char *what)
{
    size_t len = strlen(got->note);

    (void)snprintf(got->note + len, sizeof got->note - len, "%s%s", len > 0 ? "; " : "", what);
}

static int drop_bounding_set(struct fl_err *err)
{
    for (unsigned long cap = 0; cap < 64; cap++)
        if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 &&
            errno != EPERM)
            return fl_err_sys(err, FL_E_IO, errno, "give up capability %lu", cap);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return FL_OK;
}

static int set_caps(uint64_t keep, struct fl_err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)keep, .permitted = (uint32_t)keep},
        {.effective = (uint32_t)(keep >> 32), .permitted = (uint32_t)(keep >> 32)}};

    if (syscall(SYS_capset, &head, data) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "give up capabilities");
    return FL_OK;
}

static int drop_user(const struct fl_sandbox *box, struct fl_err *err)
{
    int r = drop_bounding_set(err);

    if (r < 0)
        return r;
    if (box->uid != 0 && geteuid() == 0 &&
        (setgroups(0, NULL) < 0 || setresgid(box->uid, box->uid, box->uid) < 0 ||
         setresuid(box->uid, box->uid, box->uid) < 0))
        return fl_err_sys(err, FL_E_DENIED, errno,
                          "become the user %u; set uid_base to 0 where user ids are limited",
                          (unsigned)box->uid);
    return set_caps(0, err);
}

static int follow_parent(pid_t parent, struct fl_err *err)
{
    if (parent == 0)
        return FL_OK;
    /* After the change of user, which would have cleared it. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "follow the supervisor");
    if (getppid() != parent)
        return fl_err_set(err, FL_E_IO, "the supervisor is gone");
    return FL_OK;
}

static uint64_t fs_of(long abi)
{
    return FS_ABI1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
           (abi >= 5 ? FS_IOCTL_DEV : 0);
}

static int allow_beneath(int ruleset, int dir_fd, uint64_t rights, struct fl_err *err)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = dir_fd};

    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "add a rule to Landlock");
    return FL_OK;
}

/* Those that are there, with what they link to; a file that takes its place later is another one.
 */
static int allow_resolver(int ruleset, struct fl_err *err)
{
    static const char *const files[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
                                        "/etc/gai.conf", "/etc/host.conf"};
    int r = FL_OK;

    for (size_t i = 0; r == FL_OK && i < FL_LEN(files); i++) {
        FL_AUTO(fl_fd_closep) int fd = open(files[i], O_PATH | O_CLOEXEC);

        if (fd >= 0)
            r = allow_beneath(ruleset, fd, FS_READ_FILE, err);
    }
    return r;
}

static int allow_files(int ruleset, const struct fl_sandbox *box, long abi, struct fl_err *err)
{
    const uint64_t never = FS_EXECUTE | FS_MAKE_CHAR | FS_MAKE_SOCK | FS_MAKE_FIFO | FS_MAKE_BLOCK |
                           FS_MAKE_SYM | FS_IOCTL_DEV;
    FL_AUTO(fl_fd_closep) int random = open("/dev/urandom", O_PATH | O_CLOEXEC);
    int r = FL_OK;

    if (box->dir_fd >= 0 && (box->may & FL_MAY_FILES))
        r = allow_beneath(ruleset, box->dir_fd, fs_of(abi) & ~never, err);
    if (box->dir_fd >= 0 && (box->may & FL_MAY_READ))
        r = allow_beneath(ruleset, box->dir_fd, FS_READ_FILE | FS_READ_DIR, err);
    for (unsigned i = 0; r == FL_OK && i < box->more_count && (box->may & FL_MAY_FILES); i++)
        r = allow_beneath(ruleset, box->more_fds[i], fs_of(abi) & ~never, err);
    if (r == FL_OK && random >= 0) /* SQLite seeds itself from the clock where it is refused */
        r = allow_beneath(ruleset, random, FS_READ_FILE, err);
    if (r == FL_OK && (box->may & FL_MAY_CONNECT))
        r = allow_resolver(ruleset, err);
    if (r == FL_OK && RELAXED) { /* the sanitizers read /proc and the program to name a leak */
        FL_AUTO(fl_fd_closep) int root = open("/", O_PATH | O_CLOEXEC);

        r = allow_beneath(ruleset, root, FS_READ_FILE | FS_READ_DIR, err);
    }
    return r;
}

static int enter_landlock(const struct fl_sandbox *box, struct fl_sandbox_got *got,
                          struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int ruleset = -1;
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct ruleset attr = {.fs = fs_of(abi),
                           .net = abi < 4                       ? 0
                                  : (box->may & FL_MAY_CONNECT) ? NET_BIND
                                                                : NET_BIND | NET_CONNECT,
                           .scoped = abi >= 6 && !RELAXED ? SCOPE_ALL : 0};
    size_t size = abi >= 6 ? sizeof attr : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    int r;

    if (abi <= 0) {
        note(got, "the kernel has no Landlock: files are kept apart by user ids only");
        return FL_OK;
    }
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (ruleset < 0)
        return fl_err_sys(err, FL_E_IO, errno, "make a Landlock ruleset (ABI %ld)", abi);
    r = allow_files(ruleset, box, abi, err);
    if (r < 0)
        return r;
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "enter Landlock (ABI %ld)", abi);
    got->landlock_abi = (uint32_t)abi;
    got->net_by_landlock = attr.net != 0;
    got->scoped = attr.scoped != 0;
    return FL_OK;
}

int fl_sandbox_enter(const struct fl_sandbox *box, struct fl_sandbox_got *ret, struct fl_err *err)
{
    const struct rlimit none = {0, 0};
    struct fl_sandbox_got got = {.seccomp = false};
    int r;

    fl_crypto_warm();
    tzset();
    if (setrlimit(RLIMIT_CORE, &none) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "turn core dumps off");
    r = drop_user(box, err);
    if (r < 0)
        return r;
    if (box->dir_fd >= 0 && (box->may & FL_MAY_FILES) && fchdir(box->dir_fd) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "go to the role's folder");
    if (!RELAXED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "become undumpable");
    r = follow_parent(box->parent, err);
    if (r < 0)
        return r;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "set no_new_privs");
    r = enter_landlock(box, &got, err);
    if (r == FL_OK)
        r = fl_seccomp_enter(box->may, RELAXED, err);
    if (r < 0)
        return r;
    got.seccomp = true;
    got.uid = (uint32_t)getuid();
    if (RELAXED)
        note(&got, "a build with sanitizers: the filter of system calls is a deny-list only");
    *ret = got;
    return FL_OK;
}

int fl_sandbox_supervisor(struct fl_err *err)
{
    const uint64_t keep = UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID |
                          UINT64_C(1) << CAP_SETPCAP | UINT64_C(1) << CAP_KILL;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "set no_new_privs");
    if (geteuid() != 0)
        return FL_OK;
    for (unsigned long cap = 0; cap < 64; cap++)
        if ((cap >= 64 || !(keep >> cap & 1)) && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
            (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    return set_caps(keep, err);
}
