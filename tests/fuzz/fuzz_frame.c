/*
 * Any byte stream: no crash, always progress, spans inside the limit, and no byte lost but digits,
 * blanks and newlines, which are framing. The first bytes choose the limit and how the stream is
 * cut.
 */
#include <stdint.h>
#include <stdlib.h>

#include "codec/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct tally {
    uint64_t bytes[256];
    uint64_t messages, repaired, truncated;
};

static void drain(struct fl_frame *dec, size_t max_bytes, struct tally *t)
{
    struct fl_frame_msg msg;

    while (fl_frame_next(dec, &msg) > 0) {
        if (msg.bytes.len == 0 || msg.bytes.len > max_bytes)
            abort();
        for (size_t i = 0; i < msg.bytes.len; i++)
            t->bytes[msg.bytes.ptr[i]]++;
        t->messages++;
        t->repaired += msg.repaired ? 1 : 0;
        t->truncated += msg.truncated ? 1 : 0;
    }
}

static void check(const struct fl_frame *dec, const struct tally *in, const struct tally *out)
{
    const struct fl_frame_stats *stats = fl_frame_stats(dec);
    uint64_t missing = 0;

    if (fl_frame_waiting(dec) != 0 || stats->messages != out->messages ||
        stats->truncated != out->truncated || stats->repaired < out->repaired ||
        (stats->dropped_bytes > 0 && stats->truncated == 0))
        abort();
    for (int c = 0; c < 256; c++) {
        if (out->bytes[c] > in->bytes[c])
            abort();
        if (c != ' ' && c != '\n' && c != '\r' && (c < '0' || c > '9'))
            missing += in->bytes[c] - out->bytes[c];
    }
    if (missing > stats->dropped_bytes)
        abort();
}

/* Lent, and kept: the bytes are gone then. */
static size_t lend(struct fl_frame *dec, const uint8_t *data, size_t n, size_t max_bytes,
                   struct tally *out)
{
    size_t front = max_bytes + FL_FRAME_LEND_MORE;
    unsigned char *bytes = malloc(front + n);

    if (bytes == NULL)
        abort();
    for (size_t i = 0; i < n; i++)
        bytes[front + i] = data[i];
    fl_frame_lend(dec, bytes + front, n);
    drain(dec, max_bytes, out);
    if (fl_frame_keep(dec, NULL) < 0)
        abort();
    free(bytes);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    FL_AUTO(fl_frame_freep) struct fl_frame *dec = NULL;
    struct tally in = {{0}, 0, 0, 0}, out = {{0}, 0, 0, 0};
    size_t max_bytes, step;
    bool lending;

    if (n < 2)
        return 0;
    max_bytes = data[0] < 128 ? 1 + (size_t)data[0] : (size_t)data[0] * 64;
    step = data[1] < 2 ? SIZE_MAX : data[1];
    lending = data[1] % 2 == 1;
    if (fl_frame_new(max_bytes, &dec, NULL) < 0)
        return 0;
    data += 2;
    n -= 2;
    for (size_t i = 0; i < n; i++)
        in.bytes[data[i]]++;
    while (n > 0) {
        uint64_t before = out.messages + fl_frame_stats(dec)->dropped_bytes;
        size_t waiting = fl_frame_waiting(dec);
        size_t part = n < step ? n : step;
        size_t took =
            lending ? lend(dec, data, part, max_bytes, &out) : fl_frame_feed(dec, data, part);

        drain(dec, max_bytes, &out);
        if (took == 0 && before == out.messages + fl_frame_stats(dec)->dropped_bytes &&
            fl_frame_waiting(dec) == waiting)
            abort(); /* full and nothing to give: the caller would spin */
        data += took;
        n -= took;
    }
    fl_frame_finish(dec);
    drain(dec, max_bytes, &out);
    check(dec, &in, &out);
    return 0;
}
