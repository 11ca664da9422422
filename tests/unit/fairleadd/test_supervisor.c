/* The supervisor with roles that only say what they are given (stub_roles.c); argv[1] is it. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "codec/msg.h"
#include "io/sock.h"
#include "tap.h"

enum { LIMIT_S = 60 };

static const char *program;

/* One fairleadd and what it says. */
struct run {
    char dir[64], conf[96], data[96];
    pid_t pid;
    int err_fd; /* its stderr, which all roles hold too */
    char log[65536];
    size_t len, at; /* read; looked at */
    pid_t roles[FL_ROLE_COUNT];
};

static void launch(struct run *r)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        abort();
    r->len = r->at = 0;
    r->pid = fork();
    if (r->pid == 0) {
        (void)dup2(fds[1], STDERR_FILENO);
        (void)dup2(fds[1], 200); /* a starter that leaves one open */
        (void)execl(program, "fairleadd", "-c", r->conf, "-D", r->data, (char *)NULL);
        _exit(99);
    }
    (void)close(fds[1]);
    r->err_fd = fds[0];
}

static void prepare(struct run *r, const char *conf)
{
    FILE *f;

    *r = (struct run){.dir = "/tmp/fl-sv.XXXXXX", .err_fd = -1};
    if (mkdtemp(r->dir) == NULL || chmod(r->dir, 0711) < 0)
        abort();
    (void)snprintf(r->conf, sizeof r->conf, "%s/conf", r->dir);
    (void)snprintf(r->data, sizeof r->data, "%s/data", r->dir);
    f = fopen(r->conf, "w");
    if (f == NULL || fprintf(f, "%s", conf) < 0 || fclose(f) != 0)
        abort();
}

/* Read more; false at the end or when the time is over. */
static bool more(struct run *r, int64_t until_us)
{
    struct pollfd p = {.fd = r->err_fd, .events = POLLIN};
    int64_t left = (until_us - fl_now_mono_us()) / 1000;
    ssize_t n;

    if (left <= 0 || poll(&p, 1, (int)left) <= 0 || r->len + 1 >= sizeof r->log)
        return false;
    n = read(r->err_fd, r->log + r->len, sizeof r->log - 1 - r->len);
    if (n <= 0)
        return false;
    r->len += (size_t)n;
    r->log[r->len] = '\0';
    return true;
}

static void note_roles(struct run *r)
{
    for (int role = FL_ROLE_INGEST; role <= FL_ROLE_KEYS; role++) {
        char text[64];

        (void)snprintf(text, sizeof text, "supervisor: %s is up: process ",
                       fl_role_name((enum fl_role)role));
        for (const char *p = strstr(r->log, text); p != NULL; p = strstr(p + 1, text))
            r->roles[role] = (pid_t)strtol(p + strlen(text), NULL, 10);
    }
}

/* Wait for text behind what was expected before. */
static bool expect(struct run *r, const char *text)
{
    int64_t until_us = fl_now_mono_us() + LIMIT_S * FL_US_PER_S;

    r->log[r->len] = '\0';
    for (;;) {
        const char *p = strstr(r->log + r->at, text);

        if (p != NULL) {
            r->at = (size_t)(p - r->log) + strlen(text);
            note_roles(r);
            return true;
        }
        if (!more(r, until_us)) {
            printf("# '%s' never came; the log is:\n# %s\n", text, r->log + r->at);
            return false;
        }
    }
}

/* Is text anywhere in what was read, or still to come soon? Order does not matter. */
static bool said(struct run *r, const char *text)
{
    int64_t until_us = fl_now_mono_us() + LIMIT_S * FL_US_PER_S;

    for (;;) {
        if (strstr(r->log, text) != NULL)
            return true;
        if (!more(r, until_us)) {
            printf("# '%s' is nowhere in:\n# %s\n", text, r->log);
            return false;
        }
    }
}

/* All that held stderr are gone. */
static bool drained(struct run *r)
{
    int64_t until_us = fl_now_mono_us() + LIMIT_S * FL_US_PER_S;

    while (more(r, until_us))
        ;
    return fl_now_mono_us() < until_us;
}

static int ended(struct run *r)
{
    int status = -1;

    if (!drained(r) || waitpid(r->pid, &status, 0) != r->pid)
        return -1;
    fl_fd_close(&r->err_fd);
    return status;
}

static void clean_up(struct run *r)
{
    static const char *const names[] = {"data/control/mine",      "data/store/mine",
                                        "data/keys/mine",         "data/run/fairleadd.pid",
                                        "data/run/fairlead.sock", "conf"};
    static const char *const dirs[] = {"data/control", "data/store", "data/keys", "data/run",
                                       "data"};
    FL_AUTO(fl_fd_closep) int fd = open(r->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

    for (size_t i = 0; i < FL_LEN(names); i++)
        (void)unlinkat(fd, names[i], 0);
    for (size_t i = 0; i < FL_LEN(dirs); i++)
        (void)unlinkat(fd, dirs[i], AT_REMOVEDIR);
    (void)rmdir(r->dir);
}

/* The same program once, to its end: its exit code, and what it said in r->log. */
static int once(struct run *r)
{
    int status;

    launch(r);
    status = ended(r);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check_start(struct run *r)
{
    char path[160];
    struct stat st;
    struct run second;

    launch(r);
    CHECK(expect(r, "supervisor: ready: tls 127.0.0.1:"), "all roles come up");
    CHECK(said(r, "ingest: given: dir 0 ring 1 wakes 1 listeners 2, tidy"), "what ingest is given");
    CHECK(said(r, "store: given: dir 1 ring 1 wakes 1 listeners 0, tidy"), "what store is given");
    CHECK(said(r, "keys: given: dir 1 ring 0 wakes 0 listeners 0, tidy"), "what keys is given");
    CHECK(said(r, "core: given: dir 1 ring 0 wakes 0 listeners 1, tidy"), "what core is given");
    CHECK(said(r, "ingest: listener weak kind 3 tenant 'acme' at 127.0.0.1:"), "a weak listener");
    CHECK(said(r, "core: greeting from ingest") && said(r, "core: greeting from store") &&
              said(r, "core: greeting from keys"),
          "links to core carry messages");
    CHECK(said(r, "ingest: link to store") && said(r, "store: link to ingest") &&
              said(r, "store: link to keys") && said(r, "keys: link to store") &&
              said(r, "ingest: link to keys") && said(r, "keys: link to ingest"),
          "the other links");
    CHECK(said(r, "core: state of keys: restarts 0") && said(r, "core: state of supervisor"),
          "core learns the roles' states");
    for (int i = 0; i < 3; i++) {
        static const char *const dirs[] = {"control", "store", "keys"};

        (void)snprintf(path, sizeof path, "%s/%s", r->data, dirs[i]);
        CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0700 &&
                  (geteuid() != 0 || st.st_uid > 70100),
              "a role's folder is its own");
    }
    second = *r;
    CHECK(once(&second) == 1 && strstr(second.log, "another fairleadd (process ") != NULL &&
              strstr(second.log, "stop it first, or give this one its own data_dir") != NULL,
          "a second one on the same data says who is there");
}

static void check_restarts(struct run *r)
{
    static const enum fl_role order[] = {FL_ROLE_STORE, FL_ROLE_KEYS, FL_ROLE_INGEST, FL_ROLE_CORE};

    for (size_t i = 0; i < FL_LEN(order); i++) {
        const char *name = fl_role_name(order[i]);
        pid_t before = r->roles[order[i]];
        char text[120];

        r->at = r->len;
        (void)kill(before, SIGKILL);
        (void)snprintf(text, sizeof text,
                       "%s ended (killed by signal 9 (KILL)); starting it again in 100 ms", name);
        CHECK(expect(r, text), "a killed role is noticed");
        (void)snprintf(text, sizeof text, "%s is up", name);
        CHECK(expect(r, text) && r->roles[order[i]] != before, "and started again");
    }
    CHECK(said(r, "core: state of store: restarts 1"), "restarts are counted");
    r->at = r->len;
    (void)kill(r->roles[FL_ROLE_STORE], SIGKILL);
    CHECK(expect(r, "starting it again in 200 ms"), "the second time it waits longer");
    CHECK(expect(r, "ingest: link to store"), "its peers get a new link");
    CHECK(said(r, "core: state of store: restarts 2"), "and counts on");
}

static void check_stop(struct run *r)
{
    char path[160];
    int status;

    r->at = r->len;
    (void)kill(r->pid, SIGTERM);
    CHECK(expect(r, "ingest: stopping") && expect(r, "store: stopping") &&
              expect(r, "core: stopping") && expect(r, "keys: stopping") &&
              expect(r, "supervisor: stopped"),
          "stopping goes in order");
    status = ended(r);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "and exits 0");
    (void)snprintf(path, sizeof path, "%s/run/fairlead.sock", r->data);
    CHECK(access(path, F_OK) < 0, "the local socket is gone");
}

static void check_life(void)
{
    struct run r;

    prepare(&r, "listen_tls = 127.0.0.1:0\nweb_listen =\n[listener weak]\nkind = udp\naddress = "
                "127.0.0.1:0\n"
                "tenant = acme\n");
    check_start(&r);
    check_restarts(&r);
    check_stop(&r);
    launch(&r);
    CHECK(expect(&r, "supervisor: ready"), "it starts again on the same data");
    (void)kill(r.pid, SIGKILL);
    CHECK(drained(&r), "a killed supervisor takes its roles with it");
    (void)ended(&r);
    launch(&r);
    CHECK(expect(&r, "supervisor: ready"), "and what it left behind is no hindrance");
    (void)kill(r.pid, SIGINT);
    CHECK(ended(&r) == 0, "SIGINT stops it too");
    clean_up(&r);
}

static void check_bad_starts(void)
{
    struct run r;
    char conf[200], name[FL_SOCK_TEXT_BYTES];
    int fd = -1;

    prepare(&r, "listen_tls = 127.0.0.1:0\nweb_listen =\nserver_names = fail-start-core\n");
    CHECK(once(&r) == 1 && strstr(r.log, "core: told to fail") != NULL &&
              strstr(r.log, "core could not start (exit 1); its reason stands above") != NULL,
          "a role that cannot start ends it all, with the reason");
    clean_up(&r);

    if (fl_sock_listen_tcp("127.0.0.1:0", &fd, NULL) < 0)
        abort();
    fl_sock_name(fd, name);
    (void)snprintf(conf, sizeof conf, "listen_tls = %s\n", name);
    prepare(&r, conf);
    (void)snprintf(conf, sizeof conf, "listen_tls: another program listens on %s", name);
    CHECK(once(&r) == 1 && strstr(r.log, conf) != NULL, "a port that is taken");
    fl_fd_close(&fd);
    clean_up(&r);

    prepare(&r, "keep_days = 50\nx = 1\n");
    CHECK(once(&r) == 1 && strstr(r.log, "/conf:1: keep_days: 50 is out of range") != NULL &&
              strstr(r.log, "/conf:2: x: unknown setting") != NULL,
          "wrong settings");
    clean_up(&r);
}

static void check_hard_cases(void)
{
    struct run r;

    prepare(&r, "listen_tls = 127.0.0.1:0\nweb_listen =\nserver_names = hang-stop-ingest\n");
    launch(&r);
    CHECK(expect(&r, "supervisor: ready"), "roles, one of which will hang");
    (void)kill(r.pid, SIGTERM);
    CHECK(expect(&r, "ingest: stopping"), "it is asked");
    (void)kill(r.pid, SIGTERM);
    CHECK(expect(&r, "asked again: ending the roles now") && ended(&r) == 0,
          "a second signal ends them at once");
    launch(&r);
    CHECK(expect(&r, "supervisor: ready"), "once more");
    (void)kill(r.pid, SIGKILL);
    CHECK(drained(&r), "a role that hangs dies with its supervisor");
    (void)ended(&r);
    clean_up(&r);

    prepare(&r, "listen_tls = 127.0.0.1:0\nweb_listen = 127.0.0.1:0\n");
    launch(&r);
    CHECK(expect(&r, "web is up") && expect(&r, "supervisor: ready") &&
              strstr(r.log, ", web 127.0.0.1:") != NULL,
          "with web_listen there is a web role, and its address is told");
    (void)kill(r.pid, SIGTERM);
    CHECK(expect(&r, "web: stopping") && ended(&r) == 0, "it stops with the others");
    clean_up(&r);

    prepare(&r, "listen_tls = 127.0.0.1:0\nweb_cert = /x\n");
    CHECK(once(&r) == 1 && strstr(r.log, "web_cert and web_key belong together") != NULL,
          "a certificate without its key");
    clean_up(&r);

    prepare(&r, "listen_tls = 127.0.0.1:0\nweb_listen =\nserver_names = crash-store\n");
    launch(&r);
    CHECK(expect(&r, "store ended (killed by signal 6 (ABRT)); starting it again in 100 ms") &&
              expect(&r, "starting it again in 200 ms") &&
              expect(&r, "starting it again in 400 ms"),
          "a role that crashes each time is tried less and less often");
    (void)kill(r.pid, SIGTERM);
    CHECK(ended(&r) == 0, "stopping does not wait for it");
    clean_up(&r);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    program = argv[1];
    check_life();
    check_bad_starts();
    check_hard_cases();
    return tap_done();
}
