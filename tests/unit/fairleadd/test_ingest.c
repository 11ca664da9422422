/*
 * The ingest role in a process of its own, with the other roles played (ingest_world.h): who gets
 * in, whose line it is, and that nothing is lost when store is slow, gone, or the role is stopped.
 *
 * With the argument "bench" it measures lines per second of processor time instead.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/send.h"
#include "codec/field.h"
#include "io/inet.h"
#include "tap.h"
#include "unit/fairleadd/ingest_world.h"

static struct made fw1, fw2, hub, beta1, stranger;

/* ---- sending ---- */

static struct fl_tls_ctx *client(struct world *w, const struct made *who)
{
    struct fl_tls_client_config config = {.ca_pem = fl_span_str(w->ca.cert_pem)};
    struct fl_tls_ctx *ctx = NULL;

    if (who != NULL) {
        config.cert_pem = fl_span_str(who->cert_pem);
        config.key_pem = fl_span_str(who->key_pem);
    }
    return fl_tls_client_new(&config, &ctx, NULL) == FL_OK ? ctx : NULL;
}

static struct fl_sender *dial(struct world *w, const char *to, const struct made *who, bool tls,
                              struct fl_err *err)
{
    struct fl_sender_config config = {.to = to, .tls = tls ? client(w, who) : NULL};
    struct fl_sender *s = NULL;

    if (fl_sender_new(&config, &s, err) != FL_OK)
        s = NULL;
    fl_tls_ctx_free(config.tls);
    return s;
}

static int say(struct fl_sender *s, const char *host, unsigned from, unsigned count,
               struct fl_err *err)
{
    char line[512];
    int rc = FL_OK;

    for (unsigned i = from; i < from + count && rc == FL_OK; i++) {
        int n = snprintf(line, sizeof(line),
                         "<14>1 2026-11-21T20:04:31.000Z %s RT_FLOW - RT_FLOW_SESSION_CREATE "
                         "[junos@2636.1.1.1.2.129 source-address=\"10.0.0.1\" source-port=\"%u\" "
                         "destination-address=\"192.0.2.1\" destination-port=\"443\" "
                         "service-name=\"junos-https\" protocol-id=\"6\" session-id-32=\"%u\"]",
                         host, i % 60000, i);

        while ((rc = fl_sender_put(s, fl_span_of(line, (size_t)n), err)) == FL_E_AGAIN) {
            struct pollfd pfd = {fl_sender_fd(s), fl_sender_events(s), 0};

            rc = fl_sender_pump(s, err);
            if (rc != FL_OK)
                break;
            (void)poll(&pfd, 1, 100);
        }
    }
    return rc;
}

static bool send_all(struct world *w, const char *to, const struct made *who, bool tls,
                     const char *host, unsigned count)
{
    struct fl_err err = {.text = ""};
    struct fl_sender *s = dial(w, to, who, tls, &err);
    bool ok = s != NULL && say(s, host, 0, count, &err) == FL_OK &&
              fl_sender_end(s, 10000, &err) == FL_OK;

    if (!ok)
        printf("# %s\n", err.text);
    fl_sender_free(s);
    return ok;
}

/* ---- conditions ---- */

static bool rows_are(struct world *w, uint64_t n)
{
    return w->rows == n;
}

static bool rogues_are(struct world *w, uint64_t n)
{
    return w->rogues >= n;
}

static const char *whose;
static bool accepted_are(struct world *w, uint64_t n)
{
    return world_find(w, whose)->stat.accepted == n;
}

static bool accepted(struct world *w, const char *device, uint64_t n)
{
    whose = device;
    return world_wait(w, accepted_are, n);
}

static bool arrived_are(struct world *w, uint64_t n)
{
    return world_find(w, whose)->rows == n;
}

static bool arrived(struct world *w, const char *device, uint64_t n)
{
    whose = device;
    return world_wait(w, arrived_are, n);
}

static struct world_device of(struct world *w, const char *name)
{
    struct world_device d;

    pthread_mutex_lock(&w->lock);
    d = *world_find(w, name);
    pthread_mutex_unlock(&w->lock);
    return d;
}

static void table(struct world *w, bool fw1_revoked)
{
    world_table_begin(w);
    world_tenant(w, 1, "acme");
    world_device(w, 1, "fw1", &fw1, false, fw1_revoked);
    world_device(w, 1, "fw2", &fw2, false, false);
    world_device(w, 1, "hub", &hub, true, false);
    world_device(w, 1, "branch", NULL, false, false);
    world_tenant(w, 2, "beta");
    world_device(w, 2, "fw9", &beta1, false, false);
    world_table_end(w);
}

/* ---- cases ---- */

static void who_gets_in(struct world *w)
{
    struct fl_err err;
    struct fl_sender *s;
    char text[600];

    CHECK(send_all(w, w->mutual_at, &fw1, true, "anything", 5000), "a known device sends");
    CHECK(world_wait(w, rows_are, 5000) && of(w, "1/fw1").rows == 5000,
          "every line is a row of it, once");
    CHECK(accepted(w, "1/fw1", 5000) && of(w, "1/fw1").stat.lines == 5000 &&
              of(w, "1/fw1").stat.lost == 0,
          "what store has synced is known per device");
    CHECK(send_all(w, w->mutual_at, &beta1, true, "fw1", 10) && accepted(w, "2/fw9", 10) &&
              of(w, "1/fw1").rows == 5000,
          "the certificate says whose a line is, not its text");
    s = dial(w, w->mutual_at, &stranger, true, &err);
    CHECK(s == NULL || fl_sender_end(s, 5000, &err) == FL_E_DENIED, "a stranger is refused");
    fl_sender_free(s);
    CHECK(world_wait(w, rogues_are, 1), "and core is told");
    pthread_mutex_lock(&w->lock);
    (void)snprintf(text, sizeof(text), "%s|%s", w->rogue_reason, w->rogue_subject);
    pthread_mutex_unlock(&w->lock);
    CHECK(strcmp(text, "unknown certificate|/CN=stranger") == 0, "with reason and subject");
    s = dial(w, w->mutual_at, NULL, true, &err);
    CHECK(s == NULL || fl_sender_end(s, 5000, &err) == FL_E_DENIED, "nor is nobody let in");
    fl_sender_free(s);
    s = dial(w, w->mutual_at, NULL, false, &err);
    CHECK(s != NULL && say(s, "plain", 0, 3, &err) == FL_OK &&
              fl_sender_end(s, 5000, &err) != FL_E_TIMEOUT && world_wait(w, rogues_are, 3),
          "nor plain text");
    fl_sender_free(s);
}

static void revoking(struct world *w)
{
    struct fl_err err = {.text = ""};
    struct fl_sender *s = dial(w, w->mutual_at, &fw1, true, &err),
                     *other = dial(w, w->mutual_at, &fw2, true, &err);
    uint64_t before = of(w, "1/fw1").rows;
    int rc = FL_OK;

    CHECK(s != NULL && other != NULL && say(s, "x", 0, 10, &err) == FL_OK &&
              fl_sender_pump(s, &err) == FL_OK && arrived(w, "1/fw1", before + 10),
          "two devices are connected");
    table(w, true);
    for (int i = 0; i < 1000 && rc == FL_OK; i++) {
        struct pollfd pfd = {fl_sender_fd(s), POLLIN, 0};

        (void)poll(&pfd, 1, 10);
        rc = fl_sender_pump(s, &err);
    }
    CHECK(rc != FL_OK, "revoking ends the live connection");
    CHECK(say(other, "x", 0, 10, &err) == FL_OK && fl_sender_end(other, 5000, &err) == FL_OK &&
              arrived(w, "1/fw2", 10),
          "the other goes on");
    fl_sender_free(s);
    fl_sender_free(other);
    s = dial(w, w->mutual_at, &fw1, true, &err);
    CHECK((s == NULL || fl_sender_end(s, 5000, &err) == FL_E_DENIED) &&
              strstr(err.text, "revoked") != NULL,
          "and it cannot come back; it is told why");
    fl_sender_free(s);
    table(w, false);
    CHECK(send_all(w, w->mutual_at, &fw1, true, "x", 10) && arrived(w, "1/fw1", before + 20),
          "until it is admitted again");
}

static void relays(struct world *w)
{
    CHECK(send_all(w, w->mutual_at, &hub, true, "branch", 20) && arrived(w, "1/branch", 20),
          "behind a relay HOSTNAME chooses the device");
    CHECK((of(w, "1/branch").flags_or & FL_ROW_RELAYED) != 0, "and the row says so");
    CHECK(send_all(w, w->mutual_at, &hub, true, "fw9", 20) && arrived(w, "1/hub", 20) &&
              of(w, "2/fw9").rows == 10,
          "never another tenant's: those are the relay's own");
}

static void weak(struct world *w)
{
    struct fl_sender_config udp = {.to = w->udp_at, .datagrams = true};
    struct fl_sender *s = NULL;
    struct fl_err err = {.text = ""};

    CHECK(send_all(w, w->tcp_at, NULL, false, "Branch", 20) && arrived(w, "1/branch", 40) &&
              (of(w, "1/branch").flags_or & FL_ROW_WEAK) != 0,
          "plain TCP: the listener's tenant, marked weak");
    CHECK(send_all(w, w->server_at, NULL, true, "nobody-knows-me", 20) &&
              arrived(w, "1/unknown", 20),
          "server-only TLS: a host that nobody knows is the tenant's unknown device");
    CHECK(fl_sender_new(&udp, &s, &err) == FL_OK && say(s, "fw2", 0, 30, &err) == FL_OK &&
              fl_sender_end(s, 5000, &err) == FL_OK && arrived(w, "1/fw2", 40),
          "UDP: a datagram is a line");
    fl_sender_free(s);
}

static void put(int fd, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    while (len > 0) {
        size_t n = 0;
        int rc = fl_inet_write(fd, fl_span_of(at, len), &n, NULL);

        if (rc == FL_E_AGAIN)
            usleep(1000);
        else if (rc != FL_OK)
            return;
        at += n;
        len -= n;
    }
}

/* Raw bytes over plain TCP. */
static int raw(struct world *w)
{
    int fd = -1;

    if (fl_inet_connect(w->tcp_at, 0, 5000, &fd, NULL) != FL_OK)
        abort();
    return fd;
}

static const char short_line[] = "<14>1 2026-11-21T20:04:31Z fw1 app - - - hello";

static void framing(struct world *w)
{
    static char big[1 << 20];
    uint64_t before = of(w, "1/fw1").rows, truncated = of(w, "1/fw1").stat.truncated;
    uint64_t unknown = of(w, "1/unknown").rows;
    char text[256];
    int fd = raw(w);

    (void)snprintf(text, sizeof(text), "%zu %s%zu %s999 %s", sizeof(short_line) - 1, short_line,
                   sizeof(short_line) - 1, short_line, short_line);
    put(fd, text, strlen(text));
    close(fd);
    CHECK(accepted(w, "1/fw1", before + 3) && of(w, "1/fw1").stat.repaired > 0,
          "a wrong count at the end costs no line");
    fd = raw(w);
    memset(big, 'x', sizeof(big));
    memcpy(big, short_line, sizeof(short_line) - 1);
    big[sizeof(big) - 1] = '\n';
    put(fd, big, sizeof(big));
    put(fd, short_line, sizeof(short_line) - 1);
    put(fd, "\n", 1);
    CHECK(accepted(w, "1/fw1", before + 5) && of(w, "1/fw1").stat.truncated == truncated + 1 &&
              (of(w, "1/fw1").flags_or & FL_ROW_TRUNCATED) != 0,
          "a line of 1 MiB is cut, flagged and counted; the next is whole");
    put(fd, short_line, sizeof(short_line) - 1);
    CHECK(arrived(w, "1/fw1", before + 6), "a line without its newline counts after a silence");
    put(fd, short_line, 20);
    close(fd);
    CHECK(arrived(w, "1/unknown", unknown + 1),
          "nor is half a line at the end of a connection lost");
}

/* Send until ring, buffers and sockets are full; how many lines that were. */
static unsigned fill_up(struct fl_sender *s, const char *host)
{
    struct fl_err err = {.text = ""};
    unsigned sent = 0;
    size_t stuck = 0;

    while (stuck < 20) {
        size_t waiting = fl_sender_waiting(s);
        struct pollfd pfd = {fl_sender_fd(s), fl_sender_events(s), 0};

        if (waiting < 100000 && say(s, host, sent, 200, &err) == FL_OK)
            sent += 200;
        if (fl_sender_pump(s, &err) != FL_OK)
            return 0;
        stuck = fl_sender_waiting(s) == waiting && waiting >= 100000 ? stuck + 1 : 0;
        if (stuck > 0)
            (void)poll(&pfd, 1, 50);
    }
    return sent;
}

static void stand_still(struct world *w, const char *to, const struct made *who, bool tls)
{
    struct fl_err err = {.text = ""};
    struct fl_sender *s = dial(w, to, who, tls, &err);
    uint64_t before = of(w, "1/fw1").rows, others = of(w, "2/fw9").rows;
    unsigned sent;

    atomic_store(&w->hold, true);
    sent = s == NULL ? 0 : fill_up(s, "fw1");
    printf("# %u lines until it stood still\n", sent);
    CHECK(sent > 0, "when store takes nothing the sender has to wait");
    CHECK(!send_all(w, w->mutual_at, &stranger, true, "x", 1), "handshakes still answer");
    CHECK(send_all(w, w->mutual_at, &beta1, true, "fw9", 5000),
          "and another tenant's share of the ring is free");
    atomic_store(&w->hold, false);
    CHECK(s != NULL && fl_sender_end(s, 10000, &err) == FL_OK &&
              accepted(w, "1/fw1", before + sent) && accepted(w, "2/fw9", others + 5000),
          "when it takes again, everything arrives, once");
    fl_sender_free(s);
}

static void slow_store(struct world *w)
{
    struct fl_err err = {.text = ""};
    struct fl_sender *s;
    uint64_t before;

    stand_still(w, w->mutual_at, &fw1, true);
    stand_still(w, w->tcp_at, NULL, false);
    before = of(w, "1/fw1").rows;
    s = dial(w, w->mutual_at, &fw1, true, &err);
    CHECK(s != NULL && say(s, "x", 0, 100, &err) == FL_OK && fl_sender_pump(s, &err) == FL_OK &&
              accepted(w, "1/fw1", before + 100),
          "a connection is there while store ends");
    world_store_again(w);
    CHECK(s != NULL && say(s, "x", 0, 100, &err) == FL_OK &&
              fl_sender_end(s, 5000, &err) == FL_OK && accepted(w, "1/fw1", before + 200),
          "and goes on when it is back");
    fl_sender_free(s);
}

static void stopping(struct world *w)
{
    uint64_t rows = w->rows;
    struct fl_err err = {.text = ""};
    struct fl_sender *s = dial(w, w->mutual_at, &fw2, true, &err);

    CHECK(s != NULL && say(s, "x", 0, 300, &err) == FL_OK && fl_sender_pump(s, &err) == FL_OK &&
              fl_sender_waiting(s) == 0,
          "300 lines are on their way");
    usleep(30000);
    world_end(w);
    CHECK(WIFEXITED(w->exit_status) && WEXITSTATUS(w->exit_status) == 0, "it stops when asked to");
    CHECK(w->rows == rows + 300 && w->bad == 0 && w->torn == 0, "and hands over what it has read");
    fl_sender_free(s);
}

/* ---- measuring ---- */

static void bench(bool record_per_line)
{
    enum { LINES = 300000 };
    struct world w = {.ring_bytes = 64 << 20};
    struct fl_sender_config config = {.record_per_line = record_per_line};
    struct fl_sender *s = NULL;
    struct fl_err err = {.text = ""};
    char line[1024];
    int64_t begun_us;
    double cpu;
    int n;

    world_begin(&w);
    table(&w, false);
    n = snprintf(
        line, sizeof(line),
        "<14>1 2026-11-21T20:04:31.041Z fw1 RT_FLOW - APPTRACK_SESSION_VOL_UPDATE "
        "[junos@2636.1.1.1.2.129 source-address=\"10.226.52.206\" source-port=\"5272\" "
        "destination-address=\"10.224.128.205\" destination-port=\"5247\" "
        "service-name=\"None\" application=\"CAPWAP\" nested-application=\"802-11\" "
        "nat-source-address=\"10.226.52.206\" nat-source-port=\"5272\" "
        "nat-destination-address=\"10.224.128.205\" nat-destination-port=\"5247\" "
        "src-nat-rule-name=\"N/A\" dst-nat-rule-name=\"N/A\" protocol-id=\"17\" "
        "policy-name=\"Wireless_Controller\" source-zone-name=\"trust\" "
        "destination-zone-name=\"LAN\" session-id-32=\"434866\" "
        "packets-from-client=\"19275\" bytes-from-client=\"3841710\" "
        "packets-from-server=\"1149\" bytes-from-server=\"91790\" elapsed-time=\"24015\" "
        "username=\"N/A\" roles=\"N/A\" encrypted=\"No\" "
        "destination-interface-name=\"reth4.50\" src-vrf-grp=\"N/A\" dst-vrf-grp=\"N/A\"]");
    config.to = w.mutual_at;
    config.tls = client(&w, &fw1);
    if (fl_sender_new(&config, &s, &err) != FL_OK)
        abort();
    begun_us = fl_now_mono_us();
    for (unsigned i = 0; i < LINES; i++)
        while (fl_sender_put(s, fl_span_of(line, (size_t)n), &err) == FL_E_AGAIN) {
            struct pollfd pfd = {fl_sender_fd(s), fl_sender_events(s), 0};

            (void)poll(&pfd, 1, 100);
            if (fl_sender_pump(s, &err) != FL_OK)
                abort();
        }
    if (fl_sender_end(s, 60000, &err) != FL_OK || !world_wait(&w, rows_are, LINES))
        printf("# %s\n", err.text);
    begun_us = fl_now_mono_us() - begun_us;
    fl_sender_free(s);
    fl_tls_ctx_free(config.tls);
    world_end(&w);
    cpu = (double)w.usage.ru_utime.tv_sec + (double)w.usage.ru_utime.tv_usec / 1e6 +
          (double)w.usage.ru_stime.tv_sec + (double)w.usage.ru_stime.tv_usec / 1e6;
    printf(
        "# %d lines of %d bytes, %s: %.0f lines a CPU-second of ingest, %.0f a second; %ld KiB\n",
        LINES, n, record_per_line ? "one record a line" : "16 KiB records", LINES / cpu,
        LINES / ((double)begun_us / 1e6), w.usage.ru_maxrss);
}

int main(int argc, char **argv)
{
    struct world w = {.ring_bytes = 1 << 20, .conf_text = "line_max = 1K\n"};

    (void)setvbuf(stdout, NULL, _IOLBF, 0);

    fw1 = make_cert((struct made_how){"fw1", NULL, false, NULL, 86400});
    fw2 = make_cert((struct made_how){"fw2", NULL, false, NULL, 86400});
    hub = make_cert((struct made_how){"hub", NULL, false, NULL, 86400});
    beta1 = make_cert((struct made_how){"beta1", NULL, false, NULL, 86400});
    stranger = make_cert((struct made_how){"stranger", NULL, false, NULL, 86400});
    if (argc > 1 && strcmp(argv[1], "bench") == 0) {
        bench(false);
        bench(true);
        return 0;
    }
    world_begin(&w);
    table(&w, false);
    who_gets_in(&w);
    revoking(&w);
    relays(&w);
    weak(&w);
    framing(&w);
    slow_store(&w);
    stopping(&w);
    made_done(&fw1), made_done(&fw2), made_done(&hub), made_done(&beta1), made_done(&stranger);
    return tap_done();
}
