#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rand.h"
#include "io/ring.h"
#include "tap.h"

enum { SIZE = 16384, MAX = 8192, CONTROL = 4096 };

/* The first fields of the shared page, as ring.c lays them out. */
enum {
    AT_HEAD = 64,
    AT_NEXT_NO = 72,
    AT_BEGUN = 80,
    AT_BEGUN_AT = 88,
    AT_SLOT = 192,
    AT_TAIL0 = 200
};

static unsigned char bytes_of(uint64_t no, size_t i)
{
    return (unsigned char)(no * 31 + i);
}

static size_t len_of(uint64_t no)
{
    return (size_t)(no * 977 % (MAX / 3));
}

static struct fl_span entry(uint64_t no)
{
    static unsigned char bytes[MAX];
    size_t len = len_of(no);

    for (size_t i = 0; i < len; i++)
        bytes[i] = bytes_of(no, i);
    return fl_span_of(bytes, len);
}

static int is_entry(const struct fl_buf *buf, uint64_t no)
{
    if (buf->len != len_of(no))
        return 0;
    for (size_t i = 0; i < buf->len; i++)
        if (buf->ptr[i] != bytes_of(no, i))
            return 0;
    return 1;
}

static void poke(int fd, int64_t at, uint64_t value)
{
    if (pwrite(fd, &value, sizeof value, at) != sizeof value)
        abort();
}

static uint64_t peek(int fd, int64_t at)
{
    uint64_t value;

    if (pread(fd, &value, sizeof value, at) != sizeof value)
        abort();
    return value;
}

struct rig {
    int fd;
    struct fl_ring_writer *w;
    struct fl_ring_reader *r;
    struct fl_buf out;
};

static void rig_up(struct rig *rig)
{
    *rig = (struct rig){.fd = -1};
    fl_buf_init(&rig->out, MAX);
    if (fl_ring_create(SIZE, &rig->fd, NULL) < 0 ||
        fl_ring_writer_open(rig->fd, &rig->w, NULL) < 0 ||
        fl_ring_reader_open(rig->fd, &rig->r, NULL) < 0)
        abort();
}

static void rig_down(struct rig *rig)
{
    fl_ring_writer_close(rig->w);
    fl_ring_reader_close(rig->r);
    fl_buf_done(&rig->out);
    fl_fd_close(&rig->fd);
}

static void check_wrap(void)
{
    struct rig rig;
    struct fl_ring_stats st;
    uint64_t put = 0, took = 0, no = 0;
    unsigned full = 0, bad = 0;
    struct fl_err err;

    rig_up(&rig);
    while (took < 2000) {
        while (fl_ring_put(rig.w, entry(put + 1), 3, &err) == FL_OK)
            put++;
        full += err.code == FL_E_AGAIN;
        bad += fl_ring_has_room(rig.w, len_of(put + 1)) != 0;
        for (int k = 0; k < 3 && fl_ring_take(rig.r, MAX, &rig.out, &no, &err) == 1; k++)
            bad += !is_entry(&rig.out, ++took) || no != took;
        fl_ring_commit(rig.r, took - took % 2);
    }
    CHECK(bad == 0 && full > 100, "two thousand entries around the ring, none changed or lost");
    fl_ring_stats_reader(rig.r, &st);
    CHECK(st.entries == took && st.torn == 0 && st.resyncs == 0, "the reader's counts");
    fl_ring_stats_writer(rig.w, &st);
    CHECK(st.entries == put && st.waiting_bytes > 0 && st.waiting_bytes <= SIZE,
          "the writer's counts");
    CHECK(fl_ring_put(rig.w, fl_span_of(rig.out.ptr, SIZE), 0, &err) == FL_E_LIMIT,
          "an entry as large as the ring never fits");
    rig_down(&rig);
}

static void check_restarts(void)
{
    struct rig rig;
    unsigned char id[FL_RING_ID_BYTES], id2[FL_RING_ID_BYTES], none[FL_RING_ID_BYTES] = {0};
    uint64_t no = 0;

    rig_up(&rig);
    for (uint64_t i = 1; i <= 5; i++)
        if (fl_ring_put(rig.w, entry(i), 1, NULL) < 0)
            abort();
    fl_ring_id(rig.r, id);
    for (int i = 0; i < 4; i++)
        if (fl_ring_take(rig.r, MAX, &rig.out, &no, NULL) != 1)
            abort();
    fl_ring_commit(rig.r, 2);
    fl_ring_reader_close(rig.r);
    if (fl_ring_reader_open(rig.fd, &rig.r, NULL) < 0)
        abort();
    fl_ring_id(rig.r, id2);
    CHECK(memcmp(id, id2, sizeof id) == 0 && memcmp(id, none, sizeof id) != 0, "the ring's id");
    CHECK(fl_ring_take(rig.r, MAX, &rig.out, &no, NULL) == 1 && no == 3 && is_entry(&rig.out, 3),
          "a new reader goes on behind the last committed entry");
    fl_ring_writer_close(rig.w);
    if (fl_ring_writer_open(rig.fd, &rig.w, NULL) < 0 || fl_ring_put(rig.w, entry(6), 1, NULL) < 0)
        abort();
    for (uint64_t i = 4; i <= 6; i++)
        CHECK(fl_ring_take(rig.r, MAX, &rig.out, &no, NULL) == 1 && no == i &&
                  is_entry(&rig.out, i),
              "a new writer goes on behind the last published entry");
    CHECK(fl_ring_take(rig.r, MAX, &rig.out, &no, NULL) == 0, "nothing waits");
    fl_ring_commit(rig.r, 99);
    fl_ring_commit(rig.r, 1);
    fl_ring_commit(rig.r, 6);
    CHECK(fl_ring_has_room(rig.w, SIZE - 8), "all is given back");
    rig_down(&rig);
}

static void check_torn(void)
{
    struct rig rig;
    struct fl_ring_stats st;
    uint64_t no = 0, head;

    rig_up(&rig);
    if (fl_ring_put(rig.w, entry(1), 10, NULL) < 0)
        abort();
    head = peek(rig.fd, AT_HEAD);
    if (fl_ring_put(rig.w, entry(2), 20, NULL) < 0)
        abort();
    poke(rig.fd, AT_HEAD, head); /* as it was in the middle of the second put */
    poke(rig.fd, AT_NEXT_NO, 2);
    poke(rig.fd, AT_BEGUN, 1);
    fl_ring_writer_close(rig.w);
    if (fl_ring_writer_open(rig.fd, &rig.w, NULL) < 0 || fl_ring_put(rig.w, entry(2), 5, NULL) < 0)
        abort();
    fl_ring_stats_reader(rig.r, &st);
    CHECK(st.torn == 1 && st.torn_rows == 20, "an entry begun and not published is counted");
    CHECK(fl_ring_take(rig.r, MAX, &rig.out, &no, NULL) == 1 && no == 1 && is_entry(&rig.out, 1) &&
              fl_ring_take(rig.r, MAX, &rig.out, &no, NULL) == 1 && no == 2 &&
              is_entry(&rig.out, 2) && fl_ring_take(rig.r, MAX, &rig.out, &no, NULL) == 0,
          "and not seen");
    poke(rig.fd, AT_NEXT_NO, 2); /* published, not yet tidied up */
    poke(rig.fd, AT_BEGUN, 1);
    fl_ring_writer_close(rig.w);
    if (fl_ring_writer_open(rig.fd, &rig.w, NULL) < 0)
        abort();
    fl_ring_stats_writer(rig.w, &st);
    CHECK(st.torn == 1 && st.entries == 2, "one that was published is not torn");
    rig_down(&rig);
}

/* Rows that a writer has in hand are lost with it, and counted; a put takes its own off. */
static void check_held(void)
{
    struct rig rig;
    struct fl_ring_stats st;
    uint64_t no = 0, at;

    rig_up(&rig);
    fl_ring_hold(rig.w, 30);
    at = fl_ring_written(rig.w);
    if (fl_ring_put(rig.w, entry(1), 10, NULL) < 0)
        abort();
    fl_ring_hold(rig.w, 5);
    fl_ring_hold(rig.w, -2);
    CHECK(fl_ring_written(rig.w) > at && fl_ring_given_back(rig.w) == at &&
              fl_ring_room(rig.w) == SIZE - (fl_ring_written(rig.w) - at),
          "what was put takes room");
    fl_ring_writer_close(rig.w);
    if (fl_ring_writer_open(rig.fd, &rig.w, NULL) < 0)
        abort();
    fl_ring_stats_writer(rig.w, &st);
    CHECK(st.torn == 0 && st.torn_rows == 23, "rows that a dead writer held are counted");
    CHECK(fl_ring_take(rig.r, MAX, &rig.out, &no, NULL) == 1 && is_entry(&rig.out, 1),
          "what it had put is there");
    fl_ring_commit(rig.r, no);
    CHECK(fl_ring_given_back(rig.w) == fl_ring_written(rig.w) && fl_ring_room(rig.w) == SIZE,
          "and its room is given back");
    fl_ring_hold(rig.w, 7);
    if (fl_ring_put(rig.w, entry(2), 7, NULL) < 0)
        abort();
    fl_ring_writer_close(rig.w);
    if (fl_ring_writer_open(rig.fd, &rig.w, NULL) < 0)
        abort();
    fl_ring_stats_writer(rig.w, &st);
    CHECK(st.torn_rows == 23, "one that held nothing leaves nothing to count");
    rig_down(&rig);
}

/* A writer that dies in the middle of a copy: the second page of its entry cannot be read. */
static void check_death(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *bytes =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct rig rig;
    struct fl_ring_stats st;
    int status = 0;
    uint64_t no = 0;
    pid_t pid;

    rig_up(&rig);
    if (bytes == MAP_FAILED || mprotect(bytes + page, page, PROT_NONE) < 0 ||
        fl_ring_put(rig.w, entry(1), 1, NULL) < 0)
        abort();
    pid = fork();
    if (pid == 0) {
        (void)signal(SIGSEGV, SIG_DFL);
        _exit(fl_ring_put(rig.w, fl_span_of(bytes, 2 * page), 77, NULL) == 0);
    }
    (void)waitpid(pid, &status, 0);
    fl_ring_writer_close(rig.w);
    if (fl_ring_writer_open(rig.fd, &rig.w, NULL) < 0 || fl_ring_put(rig.w, entry(2), 1, NULL) < 0)
        abort();
    fl_ring_stats_reader(rig.r, &st);
    CHECK(WIFSIGNALED(status) && st.torn == 1 && st.torn_rows == 77,
          "a writer that died in the middle is counted, with its rows");
    CHECK(fl_ring_take(rig.r, MAX, &rig.out, &no, NULL) == 1 && is_entry(&rig.out, 1) &&
              fl_ring_take(rig.r, MAX, &rig.out, &no, NULL) == 1 && no == 2 &&
              is_entry(&rig.out, 2),
          "what is before and behind is whole");
    rig_down(&rig);
    (void)munmap(bytes, 2 * page);
}

static FL_NORETURN void write_for_ever(int fd)
{
    struct fl_ring_writer *w = NULL;
    struct fl_ring_stats st;

    if (fl_ring_writer_open(fd, &w, NULL) < 0)
        _exit(1);
    fl_ring_stats_writer(w, &st);
    for (uint64_t no = st.entries + 1;;)
        if (fl_ring_put(w, entry(no), 1, NULL) == FL_OK)
            no++;
        else
            (void)sched_yield();
}

/* Writers that are killed anywhere, one after the other; the reader must see every number once. */
static void check_kill(void)
{
    struct rig rig;
    struct fl_ring_stats st;
    uint64_t took = 0, no;
    unsigned bad = 0, kills = 0;

    rig_up(&rig);
    for (; kills < 60; kills++) {
        pid_t pid = fork();
        uint64_t upto = took + 1 + fl_random_u64() % 400;

        if (pid == 0)
            write_for_ever(rig.fd);
        while (took < upto) {
            int r = fl_ring_take(rig.r, MAX, &rig.out, &no, NULL);

            if (r == 0) {
                (void)sched_yield();
                continue;
            }
            bad += r < 0 || no != took + 1 || !is_entry(&rig.out, no);
            took = no;
            fl_ring_commit(rig.r, took);
        }
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
    while (fl_ring_take(rig.r, MAX, &rig.out, &no, NULL) == 1) {
        bad += no != took + 1 || !is_entry(&rig.out, no);
        took = no;
    }
    fl_ring_writer_close(rig.w);
    if (fl_ring_writer_open(rig.fd, &rig.w, NULL) < 0)
        abort();
    fl_ring_stats_writer(rig.w, &st);
    CHECK(bad == 0 && st.entries == took, "sixty killed writers: every entry once, none changed");
    printf("# %llu entries, %llu torn\n", (unsigned long long)took, (unsigned long long)st.torn);
    rig_down(&rig);
}

struct harm {
    const char *name;
    int64_t at;
    uint64_t value;
    int taken; /* entries that are still read */
};

/* The writer was taken over: positions of any value must not harm the reader. */
static void check_hostile(void)
{
    static const struct harm cases[] = {
        {"head far ahead", AT_HEAD, UINT64_MAX, 0},
        {"head one ring ahead", AT_HEAD, SIZE + 8, 0},
        {"head unaligned", AT_HEAD, 12, 0},
        {"head back at zero", AT_HEAD, 0, 0},
        {"head at its middle", AT_HEAD, 8, 0},
        {"length huge", CONTROL, UINT64_MAX, 0},
        {"length without its mark", CONTROL, 5, 0},
        {"length with its mark, beyond the head", CONTROL, 0x464c41cf00001388, 0},
        {"slot of no meaning", AT_SLOT, UINT64_MAX, 1},
        {"tail far ahead", AT_TAIL0, UINT64_MAX, 1},
    };

    for (size_t i = 0; i < FL_LEN(cases); i++) {
        struct rig rig;
        struct fl_ring_stats st;
        uint64_t no = 0;
        int turns = 0;

        rig_up(&rig);
        if (fl_ring_put(rig.w, entry(1), 1, NULL) < 0)
            abort();
        poke(rig.fd, cases[i].at, cases[i].value);
        while (fl_ring_take(rig.r, MAX, &rig.out, &no, NULL) != 0 && turns < 10000)
            turns++;
        fl_ring_stats_reader(rig.r, &st);
        CHECK(turns == cases[i].taken && (st.resyncs == 1) == (turns == 0 && cases[i].value != 0),
              cases[i].name);
        fl_ring_reader_close(rig.r);
        if (fl_ring_reader_open(rig.fd, &rig.r, NULL) < 0)
            abort();
        for (turns = 0; fl_ring_take(rig.r, MAX, &rig.out, &no, NULL) != 0 && turns < 10000;)
            turns++;
        /* An honest writer that follows is heard. */
        fl_ring_writer_close(rig.w);
        if (fl_ring_writer_open(rig.fd, &rig.w, NULL) < 0 ||
            fl_ring_put(rig.w, entry(7), 1, NULL) < 0)
            abort();
        for (turns = 0; !is_entry(&rig.out, 7) && turns < 10; turns++) {
            if (fl_ring_take(rig.r, MAX, &rig.out, &no, NULL) == 1)
                continue;
            if (fl_ring_put(rig.w, entry(7), 1, NULL) < 0)
                break;
        }
        CHECK(is_entry(&rig.out, 7), "and the ring goes on");
        rig_down(&rig);
    }
}

static void check_limits(void)
{
    struct rig rig;
    struct fl_err err;
    struct fl_ring_stats st;
    uint64_t no = 0;
    int fd = -1;

    rig_up(&rig);
    for (uint64_t i = 1; i <= 3; i++)
        if (fl_ring_put(rig.w, entry(i), 1, NULL) < 0)
            abort();
    CHECK(fl_ring_take(rig.r, len_of(1) - 1, &rig.out, &no, &err) == FL_E_LIMIT,
          "an entry over the limit is refused");
    CHECK(fl_ring_take(rig.r, MAX, &rig.out, &no, &err) == 1 && no == 1 && is_entry(&rig.out, 2),
          "and skipped: numbers have no gaps");
    fl_ring_stats_reader(rig.r, &st);
    CHECK(st.resyncs == 1 && st.entries == 1, "and counted");
    CHECK(fl_ring_take(rig.r, len_of(3) - 1, &rig.out, &no, &err) == FL_E_LIMIT, "another");
    fl_ring_commit(rig.r, 1);
    fl_ring_stats_writer(rig.w, &st);
    CHECK(st.waiting_bytes == 0, "room of what was skipped goes back with the entry before it");
    rig_down(&rig);

    CHECK(fl_ring_create(1000, &fd, &err) == FL_E_INVAL, "a size of odd bytes");
    fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK(ftruncate(fd, SIZE + CONTROL) == 0 && fl_ring_reader_open(fd, &rig.r, &err) == FL_E_PROTO,
          "a ring that is not sealed is refused");
    fl_fd_close(&fd);
    rig_up(&rig);
    CHECK(ftruncate(rig.fd, 0) < 0 && ftruncate(rig.fd, SIZE * 2) < 0,
          "a sealed one cannot shrink or grow");
    rig_down(&rig);
}

int main(void)
{
    check_wrap();
    check_restarts();
    check_torn();
    check_held();
    check_death();
    check_kill();
    check_hostile();
    check_limits();
    return tap_done();
}
