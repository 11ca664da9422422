/*
 * frame.h - split the byte stream of a syslog connection into messages.
 *
 * Two framings (RFC 6587): octet counting, "11 <34>1 - - -" (the only one that RFC 5425 allows on
 * TLS), and newline. Which one a connection speaks is found out from its first bytes, and looked at
 * again after each message, because devices get it wrong: a count that is too large, too small,
 * missing, split ("1" | "011 <14>..."), messages back to back with nothing between them.
 * After a wrong count the decoder finds the next "<PRI>" that starts a message, counts a repair and
 * goes on; no byte is dropped: what belongs to no message is handed out as a message of its own.
 *
 * The rules, at the start of each message:
 *  1. Newlines and, before "<PRI>", blanks are framing. A run of digits directly before "<PRI>" is
 * a stray count, and so is a line of digits alone on a connection that counts octets.
 *  2. "digits SP" before "<PRI>" or "CEF:" is a count. It is believed when what follows the counted
 *     bytes is a newline, a further "<PRI>" or count, or nothing yet; except where the counted
 * bytes end inside a header, inside the brackets of structured data or in `]digits` (then only a
 * whole further "<PRI>" or count confirms it). A believed message is handed out exactly, whatever
 *     newlines and "<14>" it holds; one newline at its very end is framing.
 *  3. Anything else, and what stands behind a count that is not believed, ends at a newline or at a
 *     *strong start*: "<PRI>" followed by a version, a date or "CEF:", with nothing but `]`, blanks
 *     and a count between it and the text before, or with nothing at all before it; never inside a
 *     quoted value, so that a URL cannot forge a message.
 * A message is `repaired` when one of the stray things of rule 1 stood before it, when its count
 * was not believed or is missing on a connection that counts, or when it ended at a strong start.
 *
 * How the stream is cut into feeds matters in one case only: a count that is too small, ends
 * outside of structured data and happens to end a feed is believed, because the rest may never
 * come.
 *
 * Bytes come in by copy (fl_frame_feed()), or are lent by a caller that reads for many connections
 * into one buffer (fl_frame_lend(), fl_frame_keep()): then a connection holds no more memory than
 * the message that is not whole.
 *
 * Pure: no I/O, no clock, no global state.
 */
#ifndef FL_CODEC_FRAME_H
#define FL_CODEC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/span.h"

#define FL_FRAME_MAX_BYTES ((size_t)1 << 20) /* hard ceiling for max_bytes */

struct fl_frame; /* opaque; see frame.c */

struct fl_frame_msg {
    struct fl_span
        bytes;     /* without count and newline; borrowed until the next feed, lend, keep or free */
    bool repaired; /* the framing around it was wrong */
    bool truncated; /* longer than max_bytes: this is its front, the rest was dropped and counted */
};

struct fl_frame_stats {
    uint64_t messages;
    uint64_t repaired;
    uint64_t truncated;
    uint64_t dropped_bytes; /* beyond max_bytes of truncated messages only */
};

/* Errors: FL_E_INVAL (max_bytes is 0 or over FL_FRAME_MAX_BYTES), FL_E_NOMEM. */
int fl_frame_new(size_t max_bytes, struct fl_frame **ret_dec, struct fl_err *err) FL_MUST_CHECK;
void fl_frame_free(struct fl_frame *dec);
static inline void fl_frame_freep(struct fl_frame **dec)
{
    fl_frame_free(*dec);
}

/* Copy up to n bytes in; return how many were taken. Fewer than n means full: fl_frame_next() then
 * yields, or makes room by dropping the rest of a truncated message; 0 where nothing waits: no
 * memory. Undoes fl_frame_finish(). */
size_t fl_frame_feed(struct fl_frame *dec, const void *data, size_t n) FL_MUST_CHECK;

/*
 * Use n bytes where they lie, until fl_frame_keep(), which copies what is left. Before it
 * fl_frame_next() must have given 0, or nothing waits. What waits is copied to before data:
 * max_bytes
 * + FL_FRAME_LEND_MORE bytes there are the decoder's. Undoes fl_frame_finish() where n > 0.
 */
#define FL_FRAME_LEND_MORE 128
void fl_frame_lend(struct fl_frame *dec, unsigned char *data, size_t n);
/* FL_E_NOMEM: what was left is lost. */
int fl_frame_keep(struct fl_frame *dec, struct fl_err *err) FL_MUST_CHECK;

/*
 * The stream has ended or idled: what is left becomes messages too. A line without its newline and
 * a message without a count can end only so, or when the next one begins: a connection that has
 * been silent for a second or so with bytes waiting (fl_frame_waiting()) should be finished; it may
 * go on.
 */
void fl_frame_finish(struct fl_frame *dec);

/* Bytes that are held and in no message yet. */
size_t fl_frame_waiting(const struct fl_frame *dec);

/* 1 and a message, or 0 when more bytes are needed. Never fails, always makes progress. */
int fl_frame_next(struct fl_frame *dec, struct fl_frame_msg *ret_msg) FL_MUST_CHECK;

const struct fl_frame_stats *fl_frame_stats(const struct fl_frame *dec);

#endif
