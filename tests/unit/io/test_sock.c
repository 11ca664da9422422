#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "io/sock.h"
#include "tap.h"

static void check_tcp(void)
{
    char name[FL_SOCK_TEXT_BYTES], want[300];
    struct fl_err err = {.text = ""};
    int fd = -1, other = -1;

    CHECK(fl_sock_listen_tcp("127.0.0.1:0", &fd, &err) == FL_OK &&
              (fcntl(fd, F_GETFD) & FD_CLOEXEC) && (fcntl(fd, F_GETFL) & O_NONBLOCK),
          "listening, close-on-exec, non-blocking");
    fl_sock_name(fd, name);
    CHECK(strncmp(name, "127.0.0.1:", 10) == 0 && strcmp(name, "127.0.0.1:0") != 0,
          "the name has the port that was chosen");
    (void)snprintf(want, sizeof want,
                   "another program listens on %s (TCP) already; stop it or choose another port",
                   name);
    CHECK(fl_sock_listen_tcp(name, &other, &err) == FL_E_EXISTS && strcmp(err.text, want) == 0,
          "a port that is taken is said so");
    fl_fd_close(&fd);
    CHECK(fl_sock_listen_tcp("192.0.2.1:9", &fd, &err) == FL_E_INVAL &&
              strcmp(err.text, "192.0.2.1:9 (TCP) is not an address of this machine") == 0,
          "an address of another machine");
    if (fl_sock_listen_tcp("[::]:0", &fd, &err) == FL_OK) {
        struct sockaddr_in6 a;
        socklen_t len = sizeof a;
        int c;

        fl_sock_name(fd, name);
        CHECK(strncmp(name, "[::]:", 5) == 0, "IPv6");
        (void)getsockname(fd, (struct sockaddr *)&a, &len);
        c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        {
            struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = a.sin6_port};

            CHECK(connect(c, (struct sockaddr *)&v4, sizeof v4) == 0, "[::] takes IPv4 too");
        }
        (void)close(c);
        fl_fd_close(&fd);
    }
}

static void check_texts(void)
{
    static const char *const bad[] = {
        "",     "127.0.0.1",        "localhost:5", "127.0.0.1:",   "127.0.0.1:65536",
        "[::1", "[::1]:x",          "::1:5",       "127.0.0.1:5 ", "127.0.0.1:-1",
        ":5",   "[127.0.0.1]:5555", "[]:1",        "127.0.0.1:+1", "1.2.3.4.5:6"};
    unsigned wrong = 0;
    int fd = -1;

    for (size_t i = 0; i < FL_LEN(bad); i++)
        if (fl_sock_listen_tcp(bad[i], &fd, NULL) != FL_E_INVAL) {
            printf("# taken: '%s'\n", bad[i]);
            wrong++;
        }
    CHECK(wrong == 0, "what is no address is refused");
}

static void check_udp(void)
{
    struct sockaddr_storage to;
    socklen_t len = sizeof to;
    struct fl_err err;
    int fd = -1, out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char bytes[8];

    CHECK(fl_sock_bind_udp("127.0.0.1:0", &fd, &err) == FL_OK, "a UDP socket");
    (void)getsockname(fd, (struct sockaddr *)&to, &len);
    CHECK(sendto(out, "x", 1, 0, (struct sockaddr *)&to, len) == 1 &&
              recv(fd, bytes, sizeof bytes, 0) == 1,
          "receives");
    len = sizeof to;
    (void)getsockname(out, (struct sockaddr *)&to, &len);
    CHECK(sendto(fd, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&to, len) < 0, "and cannot send");
    fl_fd_close(&fd);
    (void)close(out);
}

static void check_unix(void)
{
    char dir[] = "/tmp/fl-sock.XXXXXX", path[128], path2[200];
    struct fl_err err = {.text = ""};
    struct stat st;
    int fd = -1, again = -1, file;

    if (mkdtemp(dir) == NULL)
        abort();
    (void)snprintf(path, sizeof path, "%s/s", dir);
    CHECK(fl_sock_listen_unix(path, 0660, &fd, &err) == FL_OK && stat(path, &st) == 0 &&
              (st.st_mode & 0777) == 0660,
          "a socket with its mode");
    CHECK(fl_sock_listen_unix(path, 0600, &again, &err) == FL_E_EXISTS &&
              strstr(err.text, "another fairleadd serves") != NULL,
          "one that is served is not taken over");
    fl_fd_close(&fd);
    CHECK(fl_sock_listen_unix(path, 0600, &fd, &err) == FL_OK, "one left over is replaced");
    fl_fd_close(&fd);
    (void)unlink(path);
    file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    (void)close(file);
    CHECK(fl_sock_listen_unix(path, 0600, &fd, &err) == FL_E_EXISTS &&
              strstr(err.text, "is no socket") != NULL,
          "a file of another kind stays");
    (void)unlink(path);
    (void)snprintf(path2, sizeof path2, "%s/%0120d", dir, 0);
    CHECK(fl_sock_listen_unix(path2, 0600, &fd, &err) == FL_E_INVAL, "a path too long");
    (void)rmdir(dir);
}

int main(void)
{
    check_tcp();
    check_texts();
    check_udp();
    check_unix();
    return tap_done();
}
