/*
 * ring.h - bytes from one process to another through a shared memfd: one writer, one reader.
 *
 * The supervisor creates and seals it (F_SEAL_SHRINK, GROW, SEAL), so neither side can make the
 * other fault. The ring outlives both: a restarted reader goes on at the last committed entry, a
 * restarted writer behind the last published one; what a dead writer left half done was never
 * published and is counted. Nothing read from the shared pages is trusted: the reader copies an
 * entry, then checks the copy; positions out of range make it resynchronise at the head and count
 * the loss.
 */
#ifndef FL_IO_RING_H
#define FL_IO_RING_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define FL_RING_ID_BYTES 16

struct fl_ring_stats {
    uint64_t entries;   /* published (writer) or taken (reader) */
    uint64_t torn;      /* entries that a dead writer had begun */
    uint64_t torn_rows; /* rows that dead writers had announced or held, and not published */
    uint64_t resyncs;   /* times the positions made no sense */
    uint64_t waiting_bytes;
};

int fl_ring_create(size_t size_bytes, int *ret_fd, struct fl_err *err)
    FL_MUST_CHECK; /* supervisor */

struct fl_ring_writer;
int fl_ring_writer_open(int fd, struct fl_ring_writer **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_ring_writer_close(struct fl_ring_writer *w);
/* FL_E_AGAIN: no room now. rows is announced before the copy, for the count of torn rows. */
int fl_ring_put(struct fl_ring_writer *w, struct fl_span entry, uint32_t rows, struct fl_err *err)
    FL_MUST_CHECK;
/* Is there room for an entry of len bytes now? */
int fl_ring_has_room(const struct fl_ring_writer *w, size_t len);
/* The writer has so many rows more (less) in hand that will be in later entries; fl_ring_put()
 * takes its rows off. Should the writer be killed, its successor counts them in torn_rows. */
void fl_ring_hold(struct fl_ring_writer *w, int64_t rows);
/* Bytes free now; the position behind the last entry, and up to which room was given back: what
 * fl_ring_written() said after a put is given back once fl_ring_given_back() has reached it. */
size_t fl_ring_room(const struct fl_ring_writer *w);
uint64_t fl_ring_written(const struct fl_ring_writer *w);
uint64_t fl_ring_given_back(const struct fl_ring_writer *w);

struct fl_ring_reader;
int fl_ring_reader_open(int fd, struct fl_ring_reader **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_ring_reader_close(struct fl_ring_reader *r);
void fl_ring_id(const struct fl_ring_reader *r,
                unsigned char ret[FL_RING_ID_BYTES]); /* random, at creation */
/* 1: the next entry was copied into out (cleared first) and has the number *ret_no (from 1, no
 * gaps); 0: nothing waits; negative: FL_E_LIMIT (over max_bytes: skipped and counted). */
int fl_ring_take(struct fl_ring_reader *r, size_t max_bytes, struct fl_buf *out, uint64_t *ret_no,
                 struct fl_err *err) FL_MUST_CHECK;
/* Everything up to entry number no is safe elsewhere: give its room back to the writer. */
void fl_ring_commit(struct fl_ring_reader *r, uint64_t no);
/* After a restart of the reader: taking goes on behind the last committed entry. */
void fl_ring_stats_reader(const struct fl_ring_reader *r, struct fl_ring_stats *ret);
void fl_ring_stats_writer(const struct fl_ring_writer *w, struct fl_ring_stats *ret);

#endif
