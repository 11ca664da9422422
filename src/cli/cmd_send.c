#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/send.h"

/*
 * `fairlead logs send`: the lines of a file, over one connection or several, at a rate or as fast
 * as the other side takes them.
 */
static volatile sig_atomic_t stop_asked;

static void on_stop(int signo)
{
    (void)signo;
    stop_asked = 1;
}

enum {
    CONNECTIONS_MAX = 64,
    READ_BYTES = 256 * 1024,
    LINE_BYTES = 1 << 20,
    END_MS = 120 * 1000,
    SHOW_US = 500 * 1000
};

struct job {
    struct fl_cli *cli;
    int fd;
    bool loop, as_is;
    uint64_t rate, count_max; /* 0 = none */
    struct fl_sender *sender[CONNECTIONS_MAX];
    size_t senders, turn;
    struct fl_buf in; /* of the file, not yet sent */
    size_t at;
    bool eof;
    uint64_t lines, skipped;
    int64_t begun_us, shown_us;
};

/* ---- options ---- */

static int framing_of(const char *word, enum fl_sender_framing *ret, struct fl_err *err)
{
    static const char *const names[] = {
        [FL_SENDER_OCTET] = "octet", [FL_SENDER_NEWLINE] = "newline", [FL_SENDER_AS_IS] = "as-is"};

    for (size_t i = 0; i < FL_LEN(names); i++)
        if (word == NULL || strcmp(word, names[i]) == 0) {
            *ret = (enum fl_sender_framing)i;
            return FL_OK;
        }
    return fl_err_set(err, FL_E_INVAL, "--framing is octet, newline or as-is, not '%s'", word);
}

static int number_of(struct fl_cli *cli, enum fl_opt opt, const char *what, uint64_t max,
                     uint64_t fallback, uint64_t *ret, struct fl_err *err)
{
    *ret = fallback;
    return cli->opt[opt] == NULL ? FL_OK : fl_args_number(what, cli->opt[opt], 1, max, ret, err);
}

static int open_input(struct job *job, const char *name, struct fl_err *err)
{
    if (strcmp(name, "-") == 0) {
        job->fd = STDIN_FILENO;
        return job->loop ? fl_err_set(err, FL_E_INVAL, "standard input cannot be sent again")
                         : FL_OK;
    }
    return fl_file_open(AT_FDCWD, name, O_RDONLY, 0, &job->fd, err);
}

static int open_senders(struct job *job, struct fl_err *err)
{
    struct fl_cli *cli = job->cli;
    bool plain = fl_cli_flag(cli, FL_OPT_PLAIN) || fl_cli_flag(cli, FL_OPT_UDP);
    struct fl_sender_config config = {.to = cli->opt[FL_OPT_TO],
                                      .datagrams = fl_cli_flag(cli, FL_OPT_UDP),
                                      .record_per_line = fl_cli_flag(cli, FL_OPT_RECORD_PER_LINE)};
    uint64_t count = 0;
    int rc = framing_of(cli->opt[FL_OPT_FRAMING], &config.framing, err);

    job->as_is = config.framing == FL_SENDER_AS_IS;
    if (rc == FL_OK && job->as_is && (config.datagrams || config.record_per_line))
        rc = fl_err_set(err, FL_E_INVAL, "--framing as-is sends bytes, not lines");
    if (rc == FL_OK)
        rc = number_of(cli, FL_OPT_CONNECTIONS, "--connections", CONNECTIONS_MAX, 1, &count, err);
    if (rc == FL_OK && job->as_is && count > 1)
        rc = fl_err_set(err, FL_E_INVAL, "--framing as-is goes over one connection");
    if (rc == FL_OK && !plain)
        rc = fl_sender_tls(cli->opt[FL_OPT_CERT], cli->opt[FL_OPT_KEY], cli->opt[FL_OPT_CA],
                           cli->opt[FL_OPT_FINGERPRINT], &config.tls, err);
    while (rc == FL_OK && job->senders < count) {
        rc = fl_sender_new(&config, &job->sender[job->senders], err);
        job->senders += rc == FL_OK;
    }
    fl_tls_ctx_free(config.tls); /* the connections keep it */
    return rc;
}

/* ---- sending ---- */

static int refill(struct job *job, struct fl_err *err)
{
    void *room;
    ssize_t n;

    fl_buf_consume(&job->in, job->at);
    job->at = 0;
    room = fl_buf_reserve(&job->in, READ_BYTES);
    if (room == NULL)
        return fl_err_set(err, FL_E_LIMIT, "a line is longer than %d bytes", LINE_BYTES);
    n = read(job->fd, room, READ_BYTES);
    if (n < 0 && errno != EINTR)
        return fl_err_sys(err, FL_E_IO, errno, "reading the file");
    if (n > 0)
        job->in.len += (size_t)n;
    if (n == 0 && job->loop && job->lines > 0 && lseek(job->fd, 0, SEEK_SET) == 0)
        return FL_OK;
    job->eof = n == 0;
    return FL_OK;
}

/* The next piece to send: a line, or bytes. false: read more, or the end. */
static bool next_piece(struct job *job, struct fl_span *ret, size_t *ret_take)
{
    const unsigned char *from = job->in.ptr + job->at;
    size_t left = job->in.len - job->at;
    const unsigned char *end;

    if (left == 0)
        return false;
    if (job->as_is) {
        *ret = fl_span_of(from, left > 16384 ? 16384 : left);
        *ret_take = ret->len;
        return true;
    }
    end = memchr(from, '\n', left);
    if (end == NULL && !job->eof)
        return false;
    *ret = fl_span_of(from, end == NULL ? left : (size_t)(end - from));
    *ret_take = ret->len + (end != NULL);
    return true;
}

/* How many lines may be gone by now. */
static uint64_t allowed(const struct job *job)
{
    uint64_t most = job->count_max == 0 ? UINT64_MAX : job->count_max;
    double due;

    if (job->rate == 0)
        return most;
    due = (double)(fl_now_mono_us() - job->begun_us) / 1e6 * (double)job->rate + 1;
    return due < (double)most ? (uint64_t)due : most;
}

/* Hand lines to the senders until all are full, or none is due; 1: all was handed out. */
static int hand_out(struct job *job, struct fl_err *err)
{
    uint64_t until = allowed(job);
    size_t full = 0;

    while (job->lines < until && full < job->senders) {
        struct fl_span piece;
        size_t take;
        int rc;

        if (!next_piece(job, &piece, &take)) {
            if (job->eof)
                return 1;
            rc = refill(job, err);
            if (rc != FL_OK)
                return rc;
            continue;
        }
        rc = piece.len == 0 ? FL_OK : fl_sender_put(job->sender[job->turn], piece, err);
        if (rc == FL_E_AGAIN) {
            full++;
        } else if (rc != FL_OK) {
            return rc;
        } else {
            full = 0;
            job->at += take;
            job->lines += piece.len > 0;
        }
        job->turn = (job->turn + 1) % job->senders;
    }
    return job->count_max > 0 && job->lines >= job->count_max;
}

static uint64_t bytes_sent(const struct job *job)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < job->senders; i++)
        bytes += fl_sender_bytes(job->sender[i]);
    return bytes;
}

static void show(struct job *job)
{
    char lines[FL_UNIT_TEXT_BYTES], bytes[FL_UNIT_TEXT_BYTES], rate[FL_UNIT_TEXT_BYTES];
    int64_t now_us = fl_now_mono_us();
    int64_t us = now_us - job->begun_us;

    if (isatty(STDERR_FILENO) == 0 || now_us - job->shown_us < SHOW_US)
        return;
    job->shown_us = now_us;
    fl_unit_count(job->lines, lines);
    fl_unit_bytes(bytes_sent(job), bytes);
    fl_unit_count(us <= 0 ? 0 : (uint64_t)((double)job->lines * 1e6 / (double)us), rate);
    (void)fprintf(stderr, "\r%s lines, %s, %s lines/s\033[K", lines, bytes, rate);
    (void)fflush(stderr);
}

/* Write what the sockets take. Waits while all of them are full, or while no line is due yet. */
static int pump_all(struct job *job, bool wait, struct fl_err *err)
{
    struct pollfd pfd[CONNECTIONS_MAX];
    size_t waiting = 0;

    for (size_t i = 0; i < job->senders; i++) {
        int rc = fl_sender_pump(job->sender[i], err);

        if (rc != FL_OK)
            return rc;
        waiting += fl_sender_waiting(job->sender[i]) > 0;
        pfd[i] = (struct pollfd){.fd = fl_sender_fd(job->sender[i]),
                                 .events = fl_sender_events(job->sender[i])};
    }
    if (wait && (job->rate > 0 || waiting == job->senders))
        (void)poll(pfd, (nfds_t)job->senders, job->rate > 0 ? 5 : 250);
    return FL_OK;
}

static int send_all(struct job *job, struct fl_err *err)
{
    int done = 0, rc = FL_OK;

    job->begun_us = fl_now_mono_us();
    while (rc == FL_OK && done == 0 && stop_asked == 0) {
        done = hand_out(job, err);
        rc = done < 0 ? done : pump_all(job, done == 0, err);
        show(job);
    }
    for (size_t i = 0; i < job->senders && rc == FL_OK; i++)
        rc = fl_sender_end(job->sender[i], END_MS, err);
    return rc;
}

static void summary(const struct job *job)
{
    double seconds = (double)(fl_now_mono_us() - job->begun_us) / 1e6;
    uint64_t bytes = bytes_sent(job);
    double rate = seconds > 0 ? (double)job->lines / seconds : 0;
    char lines[FL_UNIT_TEXT_BYTES], size[FL_UNIT_TEXT_BYTES], per_s[FL_UNIT_TEXT_BYTES];

    if (isatty(STDERR_FILENO) != 0)
        (void)fprintf(stderr, "\r\033[K");
    if (fl_cli_flag(job->cli, FL_OPT_JSON)) {
        (void)printf("{\"lines\":%" PRIu64 ",\"bytes\":%" PRIu64
                     ",\"seconds\":%.3f,\"lines_per_second\":%.0f,\"connections\":%zu}\n",
                     job->lines, bytes, seconds, rate, job->senders);
        return;
    }
    fl_unit_count(job->lines, lines);
    fl_unit_bytes(bytes, size);
    fl_unit_count((uint64_t)rate, per_s);
    (void)printf("%s %s, %s in %.2f s: %s a second\n", lines, job->as_is ? "pieces" : "lines", size,
                 seconds, per_s);
}

int fl_cmd_logs_send(struct fl_cli *cli)
{
    struct job job = {.cli = cli, .fd = -1, .loop = fl_cli_flag(cli, FL_OPT_LOOP)};
    struct sigaction stop = {.sa_handler = on_stop}, ignore = {.sa_handler = SIG_IGN};
    struct fl_err err;
    int rc;

    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    fl_buf_init(&job.in, LINE_BYTES + READ_BYTES);
    if (cli->opt[FL_OPT_TO] == NULL)
        return fl_cli_usage("where to? --to HOST:PORT names the listener");
    rc = number_of(cli, FL_OPT_RATE, "--rate", 100000000, 0, &job.rate, &err);
    if (rc == FL_OK)
        rc = number_of(cli, FL_OPT_COUNT_MAX, "--count", UINT64_MAX / 2, 0, &job.count_max, &err);
    if (rc == FL_OK)
        rc = open_input(&job, cli->arg[0], &err);
    if (rc == FL_OK)
        rc = open_senders(&job, &err);
    if (rc == FL_OK) {
        rc = send_all(&job, &err);
        summary(&job);
    }
    for (size_t i = 0; i < job.senders; i++)
        fl_sender_free(job.sender[i]);
    if (job.fd != STDIN_FILENO)
        fl_fd_close(&job.fd);
    fl_buf_done(&job.in);
    return rc == FL_OK ? FL_EXIT_OK : fl_cli_fail(&err);
}
