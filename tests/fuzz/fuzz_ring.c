/* The shared pages of the ring as a writer that was taken over may leave them, and change them
 * while they are read: the reader stays within bounds and comes to an end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "io/ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { SIZE = 4096, CONTROL = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static unsigned char *page;
    static int fd = -1;
    struct fl_ring_reader *r = NULL;
    struct fl_ring_writer *w = NULL;
    struct fl_ring_stats st;
    struct fl_buf out;
    uint64_t no = 0, last = 0;

    if (page == NULL) {
        if (fl_ring_create(SIZE, &fd, NULL) < 0)
            abort();
        page = mmap(NULL, CONTROL + SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED)
            abort();
    }
    memset(page, 0, CONTROL + SIZE);
    memcpy(page, data, n < 256 ? n : 256);
    if (n > 256)
        memcpy(page + CONTROL, data + 256, n - 256 < SIZE ? n - 256 : SIZE);
    if (fl_ring_reader_open(fd, &r, NULL) < 0)
        abort();
    fl_buf_init(&out, SIZE);
    for (size_t i = 0; i < 2000; i++) {
        int got = fl_ring_take(r, SIZE, &out, &no, NULL);

        if (got == 0)
            break;
        if (got == 1 && ((last != 0 && no != last + 1) || out.len > SIZE))
            abort();
        last = got == 1 ? no : last;
        if (i % 7 == 3)
            fl_ring_commit(r, no);
        if (n > 300 && i % 5 == 4) /* the pages change underneath */
            page[64 + data[300 + i % (n - 300)] % 160] ^= (unsigned char)(i + 1);
    }
    fl_ring_commit(r, no);
    fl_ring_stats_reader(r, &st);
    fl_ring_reader_close(r);
    if (fl_ring_writer_open(fd, &w, NULL) < 0)
        abort();
    if (fl_ring_put(w, FL_SPAN("an honest entry"), 1, NULL) == FL_E_LIMIT)
        abort();
    for (size_t i = 0; n > 300 && i < 200; i++) { /* a reader that was taken over moves its marks */
        struct fl_span entry = fl_span_of(data + i % 256, data[300 + i % (n - 300)] % (n - 256));
        int got = fl_ring_put(w, entry, 1, NULL);

        if (got < 0 && got != FL_E_AGAIN && got != FL_E_LIMIT && got != FL_E_PROTO)
            abort();
        page[64 + data[300 + i % (n - 300)] % 160] ^= (unsigned char)(i + 1);
        (void)fl_ring_has_room(w, entry.len);
    }
    fl_ring_stats_writer(w, &st);
    fl_ring_writer_close(w);
    fl_buf_done(&out);
    return 0;
}
