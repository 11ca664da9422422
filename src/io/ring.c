#include "io/ring.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rand.h"

/*
 * One control page, then the bytes. Positions count bytes since creation and never wrap; a byte
 * stands at position % size. An entry is a head of 8 bytes (u32 length, u32 length ^ MARK), its
 * bytes, and padding to a multiple of 8.
 *
 * Publishing is one store: `head`. The writer announces an entry (begun_*) before it copies, so
 * that its successor finds out what was lost. Giving back is one store too: `slot`, which picks
 * the valid one of two (position, number) pairs.
 */
enum {
    CONTROL_BYTES = 4096,
    HEAD_BYTES = 8,
    SIZE_MIN = 4096,
    MARK = 0x464c5247,
    SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL
};

struct writer_page {
    _Atomic uint64_t head;    /* published up to here */
    _Atomic uint64_t next_no; /* entries published + 1 */
    _Atomic uint64_t begun;   /* 1: the next three are valid */
    _Atomic uint64_t begun_at, begun_no, begun_rows;
    _Atomic uint64_t torn, torn_rows;
    _Atomic uint64_t held;       /* rows that the writer has and that are not published */
    _Atomic uint64_t begun_held; /* with begun: what held is once the entry is published */
};

struct reader_page {
    _Atomic uint64_t slot; /* 0 or 1 */
    struct {
        _Atomic uint64_t tail; /* given back up to here */
        _Atomic uint64_t no;   /* number of the last entry given back */
    } slots[2];
};

struct control {
    unsigned char id[FL_RING_ID_BYTES];
    unsigned char pad0[64 - FL_RING_ID_BYTES];
    struct writer_page w;
    unsigned char pad1[128 - sizeof(struct writer_page)];
    struct reader_page r;
};
_Static_assert(sizeof(struct control) <= CONTROL_BYTES, "the control page holds it");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "shared positions need lock-free 64 bits");

struct map {
    struct control *control;
    unsigned char *data;
    uint64_t size; /* of data; from fstat(), never from the page */
};

struct fl_ring_writer {
    struct map map;
    uint64_t head, next_no; /* ours; the page is written, not read, after opening */
};

struct fl_ring_reader {
    struct map map;
    uint64_t next;      /* position to take from */
    uint64_t tail;      /* given back up to here */
    uint64_t taken;     /* number of the last entry taken */
    uint64_t committed; /* number of the last entry given back */
    uint64_t *ends;     /* ends of entries committed + 1 ... taken, in a circle */
    size_t ends_cap, ends_at;
    struct fl_ring_stats stats;
};

int fl_ring_create(size_t size_bytes, int *ret_fd, struct fl_err *err)
{
    FL_AUTO(fl_fd_closep) int fd = -1;
    unsigned char id[FL_RING_ID_BYTES];
    const uint64_t one = 1;

    if (size_bytes < SIZE_MIN || size_bytes > (size_t)1 << 32 || size_bytes % SIZE_MIN != 0)
        return fl_err_set(err, FL_E_INVAL,
                          "a ring of %zu bytes: it takes a multiple of %d up to 4 GiB", size_bytes,
                          SIZE_MIN);
    fd = memfd_create("fairlead-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)(CONTROL_BYTES + size_bytes)) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "make a ring of %zu bytes", size_bytes);
    fl_random(id, sizeof id);
    if (fl_fd_pwrite_all(fd, id, sizeof id, offsetof(struct control, id), err) < 0 ||
        fl_fd_pwrite_all(fd, &one, sizeof one, offsetof(struct control, w.next_no), err) < 0)
        return FL_E_IO;
    if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        return fl_err_sys(err, FL_E_IO, errno, "seal the ring");
    *ret_fd = fd;
    fd = -1;
    return FL_OK;
}

static int map_ring(int fd, struct map *ret, struct fl_err *err)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    void *at;

    if (fstat(fd, &st) < 0 || seals < 0)
        return fl_err_sys(err, FL_E_IO, errno, "look at the ring");
    if ((seals & SEALS) != SEALS || st.st_size < CONTROL_BYTES + SIZE_MIN)
        return fl_err_set(err, FL_E_PROTO, "the ring is not sealed or too small");
    at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return fl_err_sys(err, FL_E_IO, errno, "map the ring");
    *ret = (struct map){.control = at,
                        .data = (unsigned char *)at + CONTROL_BYTES,
                        .size = (uint64_t)st.st_size - CONTROL_BYTES};
    return FL_OK;
}

static void unmap_ring(struct map *map)
{
    if (map->control != NULL)
        (void)munmap(map->control, (size_t)map->size + CONTROL_BYTES);
}

static void copy_in(struct map *map, uint64_t pos, const void *from, size_t len)
{
    size_t at = (size_t)(pos % map->size), first = (size_t)map->size - at;

    if (len == 0)
        return;
    if (first > len)
        first = len;
    memcpy(map->data + at, from, first);
    memcpy(map->data, (const unsigned char *)from + first, len - first);
}

static void copy_out(const struct map *map, uint64_t pos, void *to, size_t len)
{
    size_t at = (size_t)(pos % map->size), first = (size_t)map->size - at;

    if (len == 0)
        return;
    if (first > len)
        first = len;
    memcpy(to, map->data + at, first);
    memcpy((unsigned char *)to + first, map->data, len - first);
}

/* Room that an entry takes; 64 bits, because len may be anything. */
static uint64_t room_of(uint64_t len)
{
    return (HEAD_BYTES + len + 7) & ~UINT64_C(7);
}

static uint64_t shared_tail(const struct map *map)
{
    uint64_t slot = atomic_load(&map->control->r.slot) & 1;

    return atomic_load(&map->control->r.slots[slot].tail);
}

/* What a dead predecessor had begun: published whole, or torn and counted. What it held besides is
 * lost with it, and counted too. */
static void settle(struct fl_ring_writer *w)
{
    struct writer_page *page = &w->map.control->w;
    uint64_t lost = atomic_load(&page->held);

    if (atomic_load(&page->begun) == 1) {
        uint64_t rows = atomic_load(&page->begun_rows);

        w->next_no = atomic_load(&page->begun_no);
        if (atomic_load(&page->begun_at) == w->head) {
            atomic_fetch_add(&page->torn, 1);
            lost = lost > rows ? lost : rows; /* held or not, it announced them */
        } else {
            w->next_no++;
            lost = atomic_load(&page->begun_held);
        }
        atomic_store(&page->next_no, w->next_no);
    }
    atomic_fetch_add(&page->torn_rows, lost);
    atomic_store(&page->held, 0);
    atomic_store(&page->begun, 0);
}

int fl_ring_writer_open(int fd, struct fl_ring_writer **ret, struct fl_err *err)
{
    struct fl_ring_writer *w = calloc(1, sizeof *w);
    int r;

    if (w == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a ring's writer");
    r = map_ring(fd, &w->map, err);
    if (r < 0) {
        free(w);
        return r;
    }
    w->head = atomic_load(&w->map.control->w.head) & ~UINT64_C(7);
    w->next_no = atomic_load(&w->map.control->w.next_no);
    settle(w);
    *ret = w;
    return FL_OK;
}

void fl_ring_writer_close(struct fl_ring_writer *w)
{
    if (w == NULL)
        return;
    unmap_ring(&w->map);
    free(w);
}

/* Bytes that wait for the reader. A tail that makes no sense is the reader's fault and its loss:
 * the ring then counts as empty, so that the writer can go on. */
static uint64_t waiting(const struct fl_ring_writer *w)
{
    uint64_t tail = shared_tail(&w->map);

    return tail > w->head || w->head - tail > w->map.size ? 0 : w->head - tail;
}

int fl_ring_has_room(const struct fl_ring_writer *w, size_t len)
{
    return len < w->map.size && room_of(len) <= w->map.size - waiting(w);
}

int fl_ring_put(struct fl_ring_writer *w, struct fl_span entry, uint32_t rows, struct fl_err *err)
{
    struct writer_page *page = &w->map.control->w;
    uint32_t head[2] = {(uint32_t)entry.len, (uint32_t)entry.len ^ MARK};
    uint64_t held = atomic_load(&page->held);

    if (entry.len > UINT32_MAX || room_of(entry.len) > w->map.size)
        return fl_err_set(err, FL_E_LIMIT, "an entry of %zu bytes never fits the ring of %llu",
                          entry.len, (unsigned long long)w->map.size);
    if (!fl_ring_has_room(w, entry.len))
        return fl_err_set(err, FL_E_AGAIN, "the ring has no room for %zu bytes now", entry.len);
    atomic_store(&page->begun_at, w->head);
    atomic_store(&page->begun_no, w->next_no);
    atomic_store(&page->begun_rows, rows);
    atomic_store(&page->begun_held, held > rows ? held - rows : 0);
    atomic_store(&page->begun, 1);
    copy_in(&w->map, w->head, head, sizeof head);
    copy_in(&w->map, w->head + HEAD_BYTES, entry.ptr, entry.len);
    w->head += room_of(entry.len);
    w->next_no++;
    atomic_store(&page->head, w->head); /* published */
    atomic_store(&page->next_no, w->next_no);
    atomic_store(&page->held, held > rows ? held - rows : 0);
    atomic_store(&page->begun, 0);
    return FL_OK;
}

void fl_ring_hold(struct fl_ring_writer *w, int64_t rows)
{
    _Atomic uint64_t *held = &w->map.control->w.held; /* written by us alone */

    atomic_store_explicit(held, atomic_load_explicit(held, memory_order_relaxed) + (uint64_t)rows,
                          memory_order_relaxed);
}

size_t fl_ring_room(const struct fl_ring_writer *w)
{
    return (size_t)(w->map.size - waiting(w));
}

uint64_t fl_ring_written(const struct fl_ring_writer *w)
{
    return w->head;
}

uint64_t fl_ring_given_back(const struct fl_ring_writer *w)
{
    return w->head - waiting(w);
}

void fl_ring_stats_writer(const struct fl_ring_writer *w, struct fl_ring_stats *ret)
{
    const struct writer_page *page = &w->map.control->w;

    *ret = (struct fl_ring_stats){.entries = w->next_no - 1,
                                  .torn = atomic_load(&page->torn),
                                  .torn_rows = atomic_load(&page->torn_rows),
                                  .waiting_bytes = waiting(w)};
}

int fl_ring_reader_open(int fd, struct fl_ring_reader **ret, struct fl_err *err)
{
    struct fl_ring_reader *r = calloc(1, sizeof *r);
    const struct reader_page *page;
    uint64_t slot;
    int code;

    if (r == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a ring's reader");
    code = map_ring(fd, &r->map, err);
    if (code < 0) {
        free(r);
        return code;
    }
    page = &r->map.control->r;
    slot = atomic_load(&page->slot) & 1;
    r->tail = r->next = atomic_load(&page->slots[slot].tail);
    r->committed = r->taken = atomic_load(&page->slots[slot].no);
    *ret = r;
    return FL_OK;
}

void fl_ring_reader_close(struct fl_ring_reader *r)
{
    if (r == NULL)
        return;
    unmap_ring(&r->map);
    free(r->ends);
    free(r);
}

void fl_ring_id(const struct fl_ring_reader *r, unsigned char ret[FL_RING_ID_BYTES])
{
    memcpy(ret, r->map.control->id, FL_RING_ID_BYTES);
}

static void give_back(struct fl_ring_reader *r, uint64_t tail, uint64_t no)
{
    struct reader_page *page = &r->map.control->r;
    uint64_t other = (atomic_load(&page->slot) & 1) ^ 1;

    atomic_store(&page->slots[other].tail, tail);
    atomic_store(&page->slots[other].no, no);
    atomic_store(&page->slot, other);
    r->tail = tail;
    r->committed = no;
}

/* Go to `to` without an entry: what lies before it is given back with the last entry taken. */
static void skip_to(struct fl_ring_reader *r, uint64_t to)
{
    uint64_t open = r->taken - r->committed;

    assert(open == 0 || r->ends_cap > 0);
    r->next = to;
    if (open == 0)
        give_back(r, to, r->committed);
    else
        r->ends[(r->ends_at + open - 1) % r->ends_cap] = to;
}

static int grow_ends(struct fl_ring_reader *r, struct fl_err *err)
{
    uint64_t open = r->taken - r->committed;
    size_t cap = r->ends_cap == 0 ? 64 : r->ends_cap * 2;
    uint64_t *ends;

    if (open < r->ends_cap)
        return FL_OK;
    ends = calloc(cap, sizeof *ends); /* bounded: each stands for HEAD_BYTES of the ring or more */
    if (ends == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory to remember %zu entries of the ring", cap);
    for (size_t i = 0; r->ends_cap > 0 && i < open; i++)
        ends[i] = r->ends[(r->ends_at + i) % r->ends_cap];
    free(r->ends);
    r->ends = ends;
    r->ends_cap = cap;
    r->ends_at = 0;
    return FL_OK;
}

static void note_end(struct fl_ring_reader *r, uint64_t end)
{
    uint64_t open = r->taken - r->committed;

    assert(open < r->ends_cap); /* grow_ends() came before */
    r->ends[(r->ends_at + open) % r->ends_cap] = end;
    r->taken++;
    r->next = end;
}

/* The length of the next entry: 1, or 0 when nothing waits or the positions made no sense. */
static int next_len(struct fl_ring_reader *r, uint64_t *ret_len)
{
    uint64_t head = atomic_load(&r->map.control->w.head);
    uint32_t entry[2];

    if (head == r->next)
        return 0;
    if (head < r->next || head - r->tail > r->map.size || head % 8 != 0)
        goto nonsense;
    copy_out(&r->map, r->next, entry, sizeof entry); /* room_of() keeps heads from being cut */
    if ((entry[0] ^ MARK) != entry[1] || room_of(entry[0]) > head - r->next)
        goto nonsense;
    *ret_len = entry[0];
    return 1;

nonsense:
    r->stats.resyncs++;
    skip_to(r, head & ~UINT64_C(7));
    return 0;
}

int fl_ring_take(struct fl_ring_reader *r, size_t max_bytes, struct fl_buf *out, uint64_t *ret_no,
                 struct fl_err *err)
{
    uint64_t len;
    void *to;
    int code;

    fl_buf_clear(out);
    if (r->taken - r->committed > r->map.size / HEAD_BYTES)
        return 0; /* more than fit: the positions went to and fro; not before a commit */
    if (next_len(r, &len) == 0)
        return 0;
    if (len > max_bytes || len > out->max_bytes) {
        r->stats.resyncs++;
        skip_to(r, r->next + room_of(len));
        return fl_err_set(err, FL_E_LIMIT, "an entry of %llu bytes in the ring is over %zu",
                          (unsigned long long)len, max_bytes);
    }
    code = grow_ends(r, err);
    if (code < 0)
        return code;
    to = fl_buf_reserve(out, (size_t)len);
    if (to == NULL)
        return fl_buf_status(out, err);
    copy_out(&r->map, r->next + HEAD_BYTES, to, (size_t)len);
    out->len = (size_t)len;
    note_end(r, r->next + room_of(len));
    r->stats.entries++;
    *ret_no = r->taken;
    return 1;
}

void fl_ring_commit(struct fl_ring_reader *r, uint64_t no)
{
    uint64_t count;

    if (no <= r->committed || no > r->taken)
        return;
    count = no - r->committed;
    r->ends_at = (size_t)((r->ends_at + count - 1) % r->ends_cap);
    give_back(r, r->ends[r->ends_at], no);
    r->ends_at = (r->ends_at + 1) % r->ends_cap;
}

void fl_ring_stats_reader(const struct fl_ring_reader *r, struct fl_ring_stats *ret)
{
    const struct writer_page *page = &r->map.control->w;
    uint64_t head = atomic_load(&page->head);

    *ret = r->stats;
    ret->torn = atomic_load(&page->torn);
    ret->torn_rows = atomic_load(&page->torn_rows);
    ret->waiting_bytes = head < r->next || head - r->next > r->map.size ? 0 : head - r->next;
}
