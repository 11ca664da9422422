#include "io/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/sandbox.h"

#define CALL(name) SCMP_SYS(name)

/* What every role needs: its descriptors, memory, threads, clocks, random bytes. */
static const int common[] = {CALL(read),
                             CALL(readv),
                             CALL(write),
                             CALL(writev),
                             CALL(close),
                             CALL(close_range),
                             CALL(fstat),
                             CALL(lseek),
                             CALL(dup),
                             CALL(dup2),
                             CALL(dup3),
                             CALL(recvmsg),
                             CALL(recvmmsg),
                             CALL(recvfrom),
                             CALL(sendmsg),
                             CALL(sendmmsg),
                             CALL(sendto),
                             CALL(shutdown),
                             CALL(getsockopt),
                             CALL(setsockopt),
                             CALL(getsockname),
                             CALL(getpeername),
                             CALL(epoll_create1),
                             CALL(epoll_ctl),
                             CALL(epoll_wait),
                             CALL(epoll_pwait),
                             CALL(epoll_pwait2),
                             CALL(poll),
                             CALL(ppoll),
                             CALL(select),
                             CALL(pselect6),
                             CALL(eventfd2),
                             CALL(pipe2),
                             CALL(timerfd_create),
                             CALL(timerfd_settime),
                             CALL(munmap),
                             CALL(mremap),
                             CALL(madvise),
                             CALL(brk),
                             CALL(mlock),
                             CALL(munlock),
                             CALL(mincore),
                             CALL(membarrier),
                             CALL(futex),
                             CALL(futex_waitv),
                             CALL(set_robust_list),
                             CALL(get_robust_list),
                             CALL(rseq),
                             CALL(set_tid_address),
                             CALL(sched_yield),
                             CALL(sched_getaffinity),
                             CALL(sched_getparam),
                             CALL(sched_getscheduler),
                             CALL(getpriority),
                             CALL(getcpu),
                             CALL(rt_sigaction),
                             CALL(rt_sigprocmask),
                             CALL(rt_sigreturn),
                             CALL(rt_sigtimedwait),
                             CALL(sigaltstack),
                             CALL(restart_syscall),
                             CALL(nanosleep),
                             CALL(clock_nanosleep),
                             CALL(clock_gettime),
                             CALL(clock_getres),
                             CALL(gettimeofday),
                             CALL(time),
                             CALL(times),
                             CALL(getrandom),
                             CALL(getpid),
                             CALL(getppid),
                             CALL(gettid),
                             CALL(getuid),
                             CALL(geteuid),
                             CALL(getgid),
                             CALL(getegid),
                             CALL(uname),
                             CALL(sysinfo),
                             CALL(getrusage),
                             CALL(getrlimit),
                             CALL(exit),
                             CALL(exit_group)};

/* Files; Landlock says which. */
static const int files[] = {CALL(open),       CALL(openat),          CALL(pread64),
                            CALL(pwrite64),   CALL(preadv),          CALL(pwritev),
                            CALL(preadv2),    CALL(pwritev2),        CALL(stat),
                            CALL(lstat),      CALL(newfstatat),      CALL(statx),
                            CALL(statfs),     CALL(fstatfs),         CALL(access),
                            CALL(faccessat),  CALL(faccessat2),      CALL(readlink),
                            CALL(readlinkat), CALL(getcwd),          CALL(getdents64),
                            CALL(fsync),      CALL(fdatasync),       CALL(sync_file_range),
                            CALL(ftruncate),  CALL(fallocate),       CALL(fadvise64),
                            CALL(readahead),  CALL(flock),           CALL(unlink),
                            CALL(unlinkat),   CALL(mkdir),           CALL(mkdirat),
                            CALL(rmdir),      CALL(rename),          CALL(renameat),
                            CALL(renameat2),  CALL(fchmod),          CALL(umask),
                            CALL(utimensat),  CALL(copy_file_range), CALL(sendfile),
                            CALL(msync),      CALL(syncfs)};

/* Files that are only read; Landlock says which. */
static const int reads[] = {CALL(openat), CALL(pread64), CALL(newfstatat), CALL(statx),
                            CALL(getdents64)};

/* Names and connections; Landlock says which files names are resolved with. */
static const int connects[] = {CALL(connect), CALL(openat), CALL(newfstatat), CALL(stat)};

/* No mistake leads here: whoever calls these has taken the process over. */
static const int fatal[] = {CALL(execve),
                            CALL(execveat),
                            CALL(process_vm_readv),
                            CALL(process_vm_writev),
                            CALL(process_madvise),
                            CALL(pidfd_getfd),
                            CALL(init_module),
                            CALL(finit_module),
                            CALL(delete_module),
                            CALL(kexec_load),
                            CALL(kexec_file_load),
                            CALL(mount),
                            CALL(umount2),
                            CALL(pivot_root),
                            CALL(chroot),
                            CALL(setns),
                            CALL(unshare),
                            CALL(bpf),
                            CALL(perf_event_open),
                            CALL(userfaultfd),
                            CALL(keyctl),
                            CALL(add_key),
                            CALL(request_key),
                            CALL(reboot),
                            CALL(swapon),
                            CALL(swapoff),
                            CALL(iopl),
                            CALL(ioperm),
                            CALL(modify_ldt),
                            CALL(io_uring_setup),
                            CALL(io_uring_enter),
                            CALL(io_uring_register),
                            CALL(acct),
                            CALL(quotactl),
                            CALL(settimeofday),
                            CALL(clock_settime),
                            CALL(open_by_handle_at),
                            CALL(fanotify_init),
                            CALL(syslog)};

/* With sanitizers these alone fail; ptrace and clone are what the leak check works with. */
static const int denied_relaxed[] = {CALL(bind),      CALL(listen), CALL(setuid),
                                     CALL(setresuid), CALL(setgid), CALL(setresgid),
                                     CALL(symlink),   CALL(mknod),  CALL(linkat)};
static const int denied_connects[] = {CALL(socket), CALL(connect)}; /* where it is not given */

static int add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int r = seccomp_rule_add(ctx, action, calls[i], 0);

        if (r < 0 && r != -EDOM) /* EDOM: this machine's kind of processor has no such call */
            return r;
    }
    return 0;
}

/* A call with a condition on one of its arguments. */
struct rule {
    int call;
    unsigned arg;
    enum scmp_compare op;
    uint64_t a, b; /* value; or mask and value */
};

static int add_rules(scmp_filter_ctx ctx, const struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct scmp_arg_cmp cmp = {
            .arg = rules[i].arg, .op = rules[i].op, .datum_a = rules[i].a, .datum_b = rules[i].b};
        int r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, rules[i].call, 1, &cmp);

        if (r < 0)
            return r;
    }
    return 0;
}

static int add_conditional(scmp_filter_ctx ctx)
{
    const unsigned thread = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND;
    const struct rule rules[] = {
        /* threads, never processes */
        {CALL(clone), 0, SCMP_CMP_MASKED_EQ, thread, thread},
        /* memory that can be executed is not made any more */
        {CALL(mmap), 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0},
        {CALL(mprotect), 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0},
        /* abort() and pthread_kill() reach this process alone */
        {CALL(tgkill), 0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0},
        {CALL(rt_tgsigqueueinfo), 0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0},
        /* reading its own limits; of another process or with new values: not */
        {CALL(prlimit64), 2, SCMP_CMP_EQ, 0, 0},
        {CALL(prctl), 0, SCMP_CMP_EQ, PR_SET_NAME, 0},
        /* the calling thread's nice value, which it can only raise */
        {CALL(setpriority), 1, SCMP_CMP_EQ, 0, 0},
        {CALL(prctl), 0, SCMP_CMP_EQ, PR_GET_NAME, 0},
        /* how glibc does fstat() */
        {CALL(newfstatat), 3, SCMP_CMP_EQ, AT_EMPTY_PATH, 0},
        {CALL(ioctl), 1, SCMP_CMP_EQ, FIONREAD, 0},
        {CALL(ioctl), 1, SCMP_CMP_EQ, FIONBIO, 0},
        {CALL(ioctl), 1, SCMP_CMP_EQ, TCGETS, 0}, /* isatty() */
        /* a descriptor's flags and locks; not its owner or lease */
        {CALL(fcntl), 1, SCMP_CMP_EQ, F_GETFD, 0},
        {CALL(fcntl), 1, SCMP_CMP_EQ, F_SETFD, 0},
        {CALL(fcntl), 1, SCMP_CMP_EQ, F_GETFL, 0},
        {CALL(fcntl), 1, SCMP_CMP_EQ, F_SETFL, 0},
        {CALL(fcntl), 1, SCMP_CMP_EQ, F_GETLK, 0},
        {CALL(fcntl), 1, SCMP_CMP_EQ, F_SETLK, 0},
        {CALL(fcntl), 1, SCMP_CMP_EQ, F_SETLKW, 0},
        {CALL(fcntl), 1, SCMP_CMP_EQ, F_OFD_GETLK, 0},
        {CALL(fcntl), 1, SCMP_CMP_EQ, F_OFD_SETLK, 0},
        {CALL(fcntl), 1, SCMP_CMP_EQ, F_DUPFD, 0},
        {CALL(fcntl), 1, SCMP_CMP_EQ, F_DUPFD_CLOEXEC, 0},
        {CALL(fcntl), 1, SCMP_CMP_EQ, F_GET_SEALS, 0},
    };

    return add_rules(ctx, rules, FL_LEN(rules));
}

static int add_sockets(scmp_filter_ctx ctx)
{
    static const struct rule rules[] = {
        {CALL(socket), 0, SCMP_CMP_EQ, AF_INET, 0},
        {CALL(socket), 0, SCMP_CMP_EQ, AF_INET6, 0},
        /* a pair reaches nobody but its maker: libcurl's threads wake each other by it */
        {CALL(socketpair), 0, SCMP_CMP_EQ, AF_UNIX, 0},
    };

    return add_rules(ctx, rules, FL_LEN(rules));
}

static int build(scmp_filter_ctx ctx, unsigned may)
{
    int r = add_all(ctx, SCMP_ACT_ALLOW, common, FL_LEN(common));

    if (r == 0 && (may & FL_MAY_FILES))
        r = add_all(ctx, SCMP_ACT_ALLOW, files, FL_LEN(files));
    if (r == 0 && (may & FL_MAY_READ))
        r = add_all(ctx, SCMP_ACT_ALLOW, reads, FL_LEN(reads));
    if (r == 0 && (may & FL_MAY_ACCEPT))
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, CALL(accept4), 0);
    if (r == 0 && (may & FL_MAY_CONNECT))
        r = add_all(ctx, SCMP_ACT_ALLOW, connects, FL_LEN(connects));
    if (r == 0 && (may & FL_MAY_CONNECT))
        r = add_sockets(ctx);
    if (r == 0)
        r = add_conditional(ctx);
    if (r == 0) /* its flags lie in memory, out of the filter's sight: glibc then takes clone() */
        r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);
    if (r == 0)
        r = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, CALL(ptrace), 0);
    return r;
}

int fl_seccomp_enter(unsigned may, bool relaxed, struct fl_err *err)
{
    scmp_filter_ctx ctx = seccomp_init(relaxed ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
    int r;

    if (ctx == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a filter of system calls");
    (void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
    r = relaxed ? add_all(ctx, SCMP_ACT_ERRNO(EPERM), denied_relaxed, FL_LEN(denied_relaxed))
                : build(ctx, may);
    if (r == 0 && relaxed && !(may & FL_MAY_CONNECT))
        r = add_all(ctx, SCMP_ACT_ERRNO(EPERM), denied_connects, FL_LEN(denied_connects));
    if (r == 0)
        r = add_all(ctx, SCMP_ACT_KILL_PROCESS, fatal, FL_LEN(fatal));
    if (r == 0)
        r = seccomp_load(ctx);
    seccomp_release(ctx);
    if (r < 0)
        return fl_err_sys(err, FL_E_IO, -r, "enter the filter of system calls");
    return FL_OK;
}
