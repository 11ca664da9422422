/*
 * chunk.h - FORMAT.md section 3: a payload, compressed where that helps. The plaintext of all that
 * is encrypted in segments and baseline files.
 */
#ifndef FL_LOGS_CHUNK_H
#define FL_LOGS_CHUNK_H

#include <stdbool.h>

#include "base/buf.h"

#define FL_CHUNK_MAX_BYTES ((size_t)512 << 20)

struct fl_chunker; /* contexts of the compressor, for reuse; one thread at a time */

int fl_chunker_new(struct fl_chunker **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_chunker_free(struct fl_chunker *c); /* NULL is allowed */
void fl_chunker_freep(struct fl_chunker **c);

/* Append the chunk of a payload. */
int fl_chunk_pack(struct fl_chunker *c, struct fl_span payload, struct fl_buf *out,
                  struct fl_err *err) FL_MUST_CHECK;
/* The payload of a chunk: borrowed from plain or from scratch (overwritten). FL_E_CORRUPT when it
 * is not well-formed or its payload is over max_bytes. */
int fl_chunk_unpack(struct fl_chunker *c, struct fl_span plain, size_t max_bytes,
                    struct fl_buf *scratch, struct fl_span *ret, struct fl_err *err) FL_MUST_CHECK;

/* Below the chunk: bytes whose length both sides know. zip: the bytes written to out, 0 where they
 * would not fit into room (which is less than the input where that is not worth it). */
size_t fl_chunk_zip(struct fl_chunker *c, struct fl_span in, void *out, size_t room);
bool fl_chunk_unzip(struct fl_chunker *c, struct fl_span in, void *out, size_t bytes);

#endif
