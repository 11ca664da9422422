#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "cli/demo_supply.h"

/*
 * `fairlead demo`: makes the demonstration tenant, back-fills a day over real TLS, then streams on
 * and shows what the sites use.
 */
enum {
    SETTLE_US = 10 * 1000 * 1000, /* without news of what was sent */
    CONNECT_TRIES = 12,
    AGAIN_US = 2 * 1000 * 1000,
    SHOW_US = 2 * 1000 * 1000,
    SHOW_PLAIN_US = 10 * 1000 * 1000, /* where there is no terminal */
    STEP_MS = 100,
    END_MS = 10 * 1000,
    RATE_LINES = 25,
    FILE_MAX_BYTES = 64 << 20
};

static volatile sig_atomic_t stop_asked;

static void on_stop(int signo)
{
    (void)signo;
    stop_asked = 1;
}

static bool stopping(const struct fl_demo_run *run)
{
    return stop_asked != 0 || run->interrupted;
}

/* ---- connections ---- */

static int dial(struct fl_demo_run *run, size_t i, struct fl_err *err)
{
    struct fl_sender_config config = {
        .to = run->to, .tls = run->tls[i], .framing = FL_SENDER_OCTET};

    return fl_sender_new(&config, &run->sender[i], err);
}

/* A connection broke: as a device would, try again in a while. */
static void lose(struct fl_demo_run *run, size_t i, const struct fl_err *err)
{
    fl_sender_free(run->sender[i]);
    run->sender[i] = NULL;
    run->again_us[i] = fl_now_mono_us() + AGAIN_US;
    fl_cli_note(run->cli, "%s: %s; trying again", fl_demo_devices[i].slug, err->text);
}

static bool connected(struct fl_demo_run *run, size_t i)
{
    struct fl_err err;

    if (run->sender[i] != NULL)
        return true;
    if (fl_now_mono_us() < run->again_us[i])
        return false;
    if (dial(run, i, &err) == FL_OK)
        return true;
    run->again_us[i] = fl_now_mono_us() + AGAIN_US;
    return false;
}

static void pump_all(struct fl_demo_run *run, int wait_ms)
{
    struct pollfd pfd[FL_DEMO_DEVICES];
    nfds_t count = 0;
    struct fl_err err;

    for (size_t i = 0; i < FL_DEMO_DEVICES; i++) {
        if (run->sender[i] == NULL)
            continue;
        if (fl_sender_pump(run->sender[i], &err) != FL_OK) {
            lose(run, i, &err);
            continue;
        }
        pfd[count++] = (struct pollfd){.fd = fl_sender_fd(run->sender[i]),
                                       .events = fl_sender_events(run->sender[i])};
    }
    if (wait_ms > 0)
        (void)poll(pfd, count, wait_ms);
}

/* Hand a line to its device; when the other side does not read, wait, as a device would. */
static void send_line(struct fl_demo_run *run, const struct fl_demo_line *line)
{
    struct fl_err err;
    bool full = false;
    int rc = FL_E_AGAIN;

    while (rc == FL_E_AGAIN && connected(run, line->device) && !stopping(run)) {
        rc = fl_sender_put(run->sender[line->device], line->text, &err);
        if (rc == FL_E_AGAIN) { /* wait only when pumping does not help */
            pump_all(run, full ? STEP_MS : 0);
            full = true;
        }
    }
    if (rc == FL_OK)
        run->sent++;
    else
        run->missed++;
}

/* Dial those that are missing, then see for a while whether anybody is refused: TLS 1.3 tells that
 * after the handshake. */
static int connect_once(struct fl_demo_run *run, struct fl_err *err)
{
    int rc = FL_OK;

    for (int step = 0; step < 4 && rc == FL_OK; step++) {
        for (size_t i = 0; i < FL_DEMO_DEVICES && rc == FL_OK; i++) {
            rc = run->sender[i] == NULL ? dial(run, i, err) : fl_sender_pump(run->sender[i], err);
            if (rc != FL_OK) {
                fl_sender_free(run->sender[i]);
                run->sender[i] = NULL;
            }
        }
        (void)usleep(STEP_MS * 1000);
    }
    return rc;
}

/* A certificate that was issued a moment ago may not be known to the listener yet. */
static int connect_all(struct fl_demo_run *run, struct fl_err *err)
{
    int rc = connect_once(run, err);

    for (int i = 0; i < CONNECT_TRIES && (rc == FL_E_DENIED || rc == FL_E_IO); i++) {
        (void)usleep(4 * STEP_MS * 1000);
        rc = connect_once(run, err);
    }
    return rc == FL_OK ? FL_OK : fl_err_wrap(err, "a device of the demonstration cannot connect");
}

/* ---- the past ---- */

/* Wait until the store has taken what was sent, or nothing moves any more (what was on its way
 * when a connection broke never comes). */
static int settle(struct fl_demo_run *run, struct fl_demo_counts *ret_counts, struct fl_err *err)
{
    int64_t moved_us = fl_now_mono_us();
    uint64_t last = 0;
    int rc;

    do {
        pump_all(run, STEP_MS);
        (void)usleep(STEP_MS * 1000);
        rc = fl_demo_counts(run, ret_counts, err);
        if (rc == FL_OK && ret_counts->accepted != last)
            moved_us = fl_now_mono_us();
        last = ret_counts->accepted;
    } while (rc == FL_OK && !stopping(run) && last - run->before.accepted < run->sent &&
             fl_now_mono_us() - moved_us < SETTLE_US);
    return rc;
}

static int back_fill(struct fl_demo_run *run, struct fl_demo *model, int64_t from_us,
                     int64_t until_us, struct fl_err *err)
{
    struct fl_demo_counts counts = run->before;
    struct fl_demo_line line;
    int64_t asked_us = 0;
    int rc = FL_OK;

    while (rc == FL_OK && !stopping(run) && fl_demo_next(model, until_us, &line) == 1) {
        send_line(run, &line);
        if (run->sent % 500 != 0 || fl_now_mono_us() - asked_us < 500000)
            continue;
        asked_us = fl_now_mono_us();
        fl_demo_supply_turn(run->supply);
        pump_all(run, 0);
        rc = fl_demo_counts(run, &counts, err);
        fl_demo_progress(run, (double)(line.at_us - from_us) / (double)(until_us - from_us),
                         counts.accepted - run->before.accepted, false);
    }
    if (rc == FL_OK && !stopping(run))
        rc = settle(run, &counts, err);
    if (rc == FL_OK && !stopping(run))
        fl_demo_progress(run, 1, counts.accepted - run->before.accepted, true);
    return rc;
}

/* ---- a recorded file ---- */

/* Send its bytes as they are over a connection of their own, so that its framing stays its own. */
static int replay(struct fl_demo_run *run, const char *file, struct fl_err *err)
{
    struct fl_sender_config config = {
        .to = run->to, .tls = run->tls[FL_DEMO_REPLAY], .framing = FL_SENDER_AS_IS};
    FL_AUTO(fl_buf_done) struct fl_buf bytes;
    struct fl_sender *s = NULL;
    size_t at = 0;
    int rc;

    fl_buf_init(&bytes, FILE_MAX_BYTES);
    rc = fl_file_read(AT_FDCWD, file, &bytes, err);
    if (rc == FL_OK)
        rc = fl_sender_new(&config, &s, err);
    while (rc == FL_OK && at < bytes.len && !stopping(run)) {
        size_t piece = bytes.len - at > 16384 ? 16384 : bytes.len - at;

        rc = fl_sender_put(s, fl_span_of(bytes.ptr + at, piece), err);
        if (rc == FL_OK)
            at += piece;
        if (rc == FL_E_AGAIN)
            rc = fl_sender_pump(s, err);
    }
    if (rc == FL_OK)
        rc = fl_sender_end(s, END_MS, err);
    fl_sender_free(s);
    return rc;
}

/* How many messages did it become? The counters come once a second. */
static int replay_told(struct fl_demo_run *run, const char *file, struct fl_err *err)
{
    struct fl_demo_counts before, now;
    uint64_t messages = 0;
    int rc = fl_demo_counts(run, &before, err);

    if (rc == FL_OK)
        rc = replay(run, file, err);
    for (int i = 0; i < 60 && rc == FL_OK && !stopping(run); i++) {
        pump_all(run, 0);
        (void)usleep(STEP_MS * 1000);
        rc = fl_demo_counts(run, &now, err);
        messages = now.device_lines[FL_DEMO_REPLAY] - before.device_lines[FL_DEMO_REPLAY];
        if (i >= 25 && messages > 0 &&
            now.device_accepted[FL_DEMO_REPLAY] == now.device_lines[FL_DEMO_REPLAY])
            break;
    }
    if (rc != FL_OK)
        return rc;
    (void)printf("%s became %llu messages of device %s\n", file, (unsigned long long)messages,
                 fl_demo_devices[FL_DEMO_REPLAY].slug);
    run->before.accepted += messages; /* not among those invented */
    return FL_OK;
}

/* ---- live ---- */

struct pace {
    int64_t until_us; /* wall clock; INT64_MAX: until somebody ends it */
    double rate;
    int64_t shown_us, rated_us;
    uint64_t rated_lines;
};

static int show(struct fl_demo_run *run, struct pace *p, struct fl_err *err)
{
    int64_t now_us = fl_now_mono_us();
    struct fl_demo_counts counts;
    double rate;
    int rc;

    if (now_us - p->shown_us < (run->cli->term.tty ? SHOW_US : SHOW_PLAIN_US))
        return FL_OK;
    rc = fl_demo_counts(run, &counts, err);
    if (rc != FL_OK)
        return rc;
    rate = p->rated_us == 0
               ? 0
               : (double)(counts.accepted - p->rated_lines) * 1e6 / (double)(now_us - p->rated_us);
    p->rated_us = p->shown_us = now_us;
    p->rated_lines = counts.accepted;
    return fl_demo_show(run, &counts, rate, err);
}

static int live(struct fl_demo_run *run, struct fl_demo *model, struct pace *p, struct fl_err *err)
{
    struct fl_demo_line line;
    int64_t kept_us = 0;
    int rc = FL_OK;

    fl_demo_watched(model, fl_now_us(), p->rate);
    while (rc == FL_OK && !stopping(run) && fl_now_us() < p->until_us) {
        int64_t now_us = fl_now_us();

        while (!stopping(run) && fl_demo_next(model, now_us, &line) == 1) {
            send_line(run, &line);
            fl_demo_note(run, &line);
        }
        pump_all(run, STEP_MS);
        fl_demo_supply_turn(run->supply);
        rc = show(run, p, err);
        if (rc == FL_E_IO || rc == FL_E_TIMEOUT) { /* core restarts: go on without the table */
            fl_cli_note(run->cli, "no answer for the table: %s", err->text);
            p->shown_us = fl_now_mono_us();
            rc = FL_OK;
        }
        if (fl_now_mono_us() - kept_us > SHOW_US) {
            fl_demo_keep_last(run, now_us);
            kept_us = fl_now_mono_us();
        }
    }
    fl_demo_keep_last(run, fl_now_us());
    return rc;
}

/* ---- the end ---- */

static void end_all(struct fl_demo_run *run)
{
    struct fl_err err;

    for (size_t i = 0; i < FL_DEMO_DEVICES; i++) {
        if (run->sender[i] != NULL && fl_sender_end(run->sender[i], END_MS, &err) != FL_OK)
            fl_cli_note(run->cli, "%s: %s", fl_demo_devices[i].slug, err.text);
        fl_sender_free(run->sender[i]);
        run->sender[i] = NULL;
    }
}

static void summary(struct fl_demo_run *run)
{
    struct fl_demo_counts counts = run->before;
    char sent[FL_UNIT_TEXT_BYTES], accepted[FL_UNIT_TEXT_BYTES];
    struct fl_err err;

    stop_asked = 0;
    run->interrupted = false;
    if (settle(run, &counts, &err) != FL_OK)
        fl_cli_note(run->cli, "%s", err.text);
    fl_unit_count(run->sent, sent);
    fl_unit_count(counts.accepted - run->before.accepted, accepted);
    (void)printf("\n%s lines sent by %d devices over TLS, %s accepted, %llu lost", sent,
                 FL_DEMO_DEVICES, accepted, (unsigned long long)(counts.lost - run->before.lost));
    if (counts.accepted - run->before.accepted < run->sent)
        (void)printf(", %llu on their way when a connection broke",
                     (unsigned long long)(run->sent - (counts.accepted - run->before.accepted)));
    if (run->missed > 0)
        (void)printf(", %llu not sent while not connected", (unsigned long long)run->missed);
    (void)printf("\nAsk: fairlead logs top app --last 24h --tenant " FL_DEMO_TENANT "\n"
                 "     fairlead logs query 'action:blocked' --last 24h --tenant " FL_DEMO_TENANT
                 "\n");
}

static int tell_all(struct fl_demo_run *run, struct pace *p, int64_t back_us, struct fl_err *err)
{
    int64_t now_us = fl_now_us(), from_us = now_us - back_us, last_us = fl_demo_last(run);
    const char *file = getenv("FAIRLEAD_DEMO_LOG");
    struct fl_demo *model = NULL;
    int rc;

    if (last_us > from_us && last_us < now_us)
        from_us = last_us; /* the rest of the day is there from an earlier run */
    rc = fl_demo_new((uint64_t)from_us, from_us, &model, err);
    if (rc == FL_OK)
        rc = connect_all(run, err);
    if (rc == FL_OK)
        rc = back_fill(run, model, from_us, now_us, err);
    if (rc == FL_OK && !stopping(run))
        fl_demo_keep_last(run, now_us);
    if (rc == FL_OK && !stopping(run) && file != NULL && file[0] != '\0')
        rc = replay_told(run, file, err);
    if (p->until_us != INT64_MAX)
        p->until_us += fl_now_us();
    if (rc == FL_OK && !stopping(run))
        rc = live(run, model, p, err);
    fl_demo_free(model);
    return rc;
}

static int options(struct fl_cli *cli, struct pace *p, int64_t *ret_back_us, struct fl_err *err)
{
    uint64_t seconds = 0, rate = RATE_LINES;
    int rc = FL_OK;

    /* A little less than a day: a line over a day old would be marked as of a wrong clock. */
    *ret_back_us = FL_US_PER_DAY - 300 * FL_US_PER_S;
    if (cli->opt[FL_OPT_BACK_FILL] != NULL && strcmp(cli->opt[FL_OPT_BACK_FILL], "24h") != 0 &&
        !fl_duration_parse(fl_span_str(cli->opt[FL_OPT_BACK_FILL]), ret_back_us))
        return fl_err_set(err, FL_E_INVAL, "--back-fill is a time such as 24h or 30m, not '%.40s'",
                          cli->opt[FL_OPT_BACK_FILL]);
    if (*ret_back_us > 30 * FL_US_PER_DAY)
        return fl_err_set(err, FL_E_INVAL, "--back-fill goes up to 30d");
    if (cli->opt[FL_OPT_SECONDS] != NULL)
        rc = fl_args_number("--seconds", cli->opt[FL_OPT_SECONDS], 1, 86400000, &seconds, err);
    if (rc == FL_OK && cli->opt[FL_OPT_RATE] != NULL)
        rc = fl_args_number("--rate", cli->opt[FL_OPT_RATE], 1, 20000, &rate, err);
    p->until_us =
        seconds == 0 ? INT64_MAX : (int64_t)seconds * FL_US_PER_S; /* from the live part */
    p->rate = (double)rate;
    return rc;
}

int fl_cmd_demo_run(struct fl_cli *cli)
{
    struct sigaction stop = {.sa_handler = on_stop}, ignore = {.sa_handler = SIG_IGN};
    struct fl_demo_run run = {.cli = cli};
    struct pace pace = {.rate = RATE_LINES};
    struct fl_err err;
    int64_t back_us;
    int rc = options(cli, &pace, &back_us, &err);

    if (rc != FL_OK)
        return fl_cli_fail(&err);
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    rc = fl_demo_setup(&run, &err);
    if (rc == FL_OK)
        rc = fl_demo_supply_new(&run, &run.supply, &err);
    if (rc == FL_OK)
        rc = fl_demo_counts(&run, &run.before, &err);
    if (rc == FL_OK) {
        (void)printf("%d tenants, %d sites, %d devices with a certificate each, sending to %s\n",
                     FL_DEMO_TENANTS, FL_DEMO_SITES, FL_DEMO_DEVICES, run.to);
        (void)fflush(stdout);
        rc = tell_all(&run, &pace, back_us, &err);
        end_all(&run);
        summary(&run);
    }
    fl_demo_supply_free(run.supply);
    for (size_t i = 0; i < FL_DEMO_DEVICES; i++)
        fl_tls_ctx_free(run.tls[i]);
    return rc == FL_OK ? FL_EXIT_OK : fl_cli_fail(&err);
}

const struct fl_command fl_cmd_demo[] = {
    {"",
     "",
     0,
     0,
     FL_OPTS_SERVER | FL_OPT_BIT(SECONDS) | FL_OPT_BIT(BACK_FILL) | FL_OPT_BIT(RATE) |
         FL_OPT_BIT(OUT) | FL_OPT_BIT(TO),
     "an invented company's devices send over TLS; a live table of what its sites use",
     "Makes the tenant '" FL_DEMO_TENANT
     "' with three sites and six devices and a second tenant with "
     "one\nsite, back-fills a working day, then goes on until Ctrl-C. Certificates are kept in\n"
     "--out FOLDER (default: FAIRLEAD_HOME/demo). The file that FAIRLEAD_DEMO_LOG names is sent\n"
     "too, its bytes as they are.",
     {"fairlead demo", "fairlead demo --seconds 60 --back-fill 2h --rate 100"},
     fl_cmd_demo_run},
};
const size_t fl_cmd_demo_count = FL_LEN(fl_cmd_demo);
