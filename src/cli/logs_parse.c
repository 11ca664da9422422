/* `fairlead logs parse`: the parsers alone, on bytes as received; no server, no key, no store. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/logs.h"
#include "codec/ecs.h"
#include "codec/frame.h"
#include "codec/line.h"
#include "codec/line_reader.h"
#include "logs/enrich.h"

#define ARENA_BYTES ((size_t)1 << 20)
#define ROW_BYTES   ((size_t)4 << 20) /* of one row as JSON */
#define READ_BYTES  ((size_t)64 * 1024)

struct parse {
    struct fl_cli *cli;
    struct fl_frame *frame;
    struct fl_line_reader *reader;
    struct fl_enrich *enrich;
    struct fl_arena arena;
    struct fl_event ev;
    struct fl_buf row;
    int64_t received_us;
    uint64_t unparsed;
};

static int put_row(struct parse *p, const struct fl_frame_msg *msg, struct fl_err *err)
{
    const char *why;
    int r;

    fl_arena_clear(&p->arena);
    fl_line_read(p->reader, NULL, msg->bytes, p->received_us, &p->ev, &why);
    if (msg->repaired)
        fl_event_flag(&p->ev, FL_ROW_FRAMING);
    if (msg->truncated)
        fl_event_flag(&p->ev, FL_ROW_TRUNCATED);
    if ((fl_event_get_num(&p->ev, FL_F_FLAGS) & FL_ROW_UNPARSED) != 0)
        p->unparsed++;
    fl_enrich(p->enrich, &p->ev);
    fl_buf_clear(&p->row);
    r = fl_ecs_json_why(&p->ev, fl_cli_flag(p->cli, FL_OPT_ORIGINAL), why, &p->row, err);
    if (r < 0)
        return r;
    fl_buf_put_u8(&p->row, '\n');
    if (fwrite(p->row.ptr, 1, p->row.len, stdout) != p->row.len)
        return fl_err_sys(err, FL_E_IO, errno, "the output was closed");
    return FL_OK;
}

static int drain(struct parse *p, struct fl_err *err)
{
    struct fl_frame_msg msg;
    int r = FL_OK;

    while (r == FL_OK && fl_frame_next(p->frame, &msg) > 0)
        r = put_row(p, &msg, err);
    return r;
}

static int feed(struct parse *p, const unsigned char *bytes, size_t n, struct fl_err *err)
{
    int r = FL_OK;

    while (r == FL_OK && n > 0) {
        size_t took = fl_frame_feed(p->frame, bytes, n);

        bytes += took;
        n -= took;
        r = drain(p, err);
    }
    return r;
}

static int run(struct parse *p, int fd, const char *name, struct fl_err *err)
{
    unsigned char piece[READ_BYTES];
    ssize_t n;
    int r = FL_OK;

    while (r == FL_OK && (n = read(fd, piece, sizeof piece)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fl_err_sys(err, FL_E_INVAL, errno, "%.200s", name);
        r = feed(p, piece, (size_t)n, err);
    }
    if (r < 0)
        return r;
    fl_frame_finish(p->frame);
    return drain(p, err);
}

static void summary(const struct parse *p)
{
    const struct fl_frame_stats *stats = fl_frame_stats(p->frame);
    char messages[FL_UNIT_TEXT_BYTES], unparsed[FL_UNIT_TEXT_BYTES], repaired[FL_UNIT_TEXT_BYTES];

    (void)fflush(stdout);
    fl_unit_count(stats->messages, messages);
    fl_unit_count(p->unparsed, unparsed);
    fl_unit_count(stats->repaired, repaired);
    (void)fprintf(stderr, "%s messages, %s unparsed, %s framing repairs", messages, unparsed,
                  repaired);
    if (stats->truncated > 0)
        (void)fprintf(stderr, ", %" PRIu64 " cut at %zu bytes (%" PRIu64 " bytes dropped)",
                      stats->truncated, FL_LINE_MAX_BYTES, stats->dropped_bytes);
    (void)fprintf(stderr, "\n");
}

/* A capture was received when it was last written to; that also keeps the answer the same. */
static int64_t received(int fd, int64_t now_us)
{
    struct stat st;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return now_us;
    return (int64_t)st.st_mtim.tv_sec * FL_US_PER_S + st.st_mtim.tv_nsec / 1000;
}

int fl_logs_parse(struct fl_cli *cli)
{
    const char *name = cli->args == 0 ? "-" : cli->arg[0];
    int fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC), r;
    struct parse p = {.cli = cli};
    struct fl_err err;

    if (fd < 0) {
        (void)fl_err_sys(&err, FL_E_INVAL, errno, "%.200s", name);
        return fl_cli_fail(&err);
    }
    if (cli->args == 0 && isatty(STDIN_FILENO) == 1)
        fl_cli_note(cli, "reading standard input; end it with Ctrl-D");
    p.received_us = received(fd, cli->now_us);
    fl_arena_init(&p.arena, ARENA_BYTES);
    fl_buf_init(&p.row, ROW_BYTES);
    p.ev.arena = &p.arena;
    r = fl_frame_new(FL_LINE_MAX_BYTES, &p.frame, &err);
    if (r == FL_OK)
        r = fl_line_reader_new(&p.reader, &err);
    if (r == FL_OK)
        r = fl_enrich_new(&p.enrich, &err);
    if (r == FL_OK)
        r = run(&p, fd, name, &err);
    if (p.frame != NULL)
        summary(&p);
    fl_enrich_free(p.enrich);
    fl_line_reader_free(p.reader);
    fl_frame_free(p.frame);
    fl_buf_done(&p.row);
    fl_arena_done(&p.arena);
    if (fd != STDIN_FILENO)
        (void)close(fd);
    return r < 0 ? fl_cli_fail(&err) : FL_EXIT_OK;
}
