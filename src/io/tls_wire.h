/*
 * tls_wire.h - the bytes of a TLS connection between its descriptor and OpenSSL. Inside io.
 *
 * OpenSSL can read ahead itself, but then it moves what it has read to the front of its buffer with
 * every record: with one record a line that costs more than reading the line does. And its buffer
 * stays with the connection. Here one buffer serves all connections of a context: a connection
 * reads 64 KiB at once, is served record by record, and keeps bytes of its own only when another
 * one reads before it has used them up.
 */
#ifndef FL_IO_TLS_WIRE_H
#define FL_IO_TLS_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/bio.h>

struct fl_tls_wire;

struct fl_tls_input {
    unsigned char *bytes; /* owned; NULL until the first read */
    size_t at, len;
    struct fl_tls_wire *of; /* whose they are; NULL: nobody's */
};

struct fl_tls_wire {
    int fd; /* borrowed */
    struct fl_tls_input *input;
    unsigned char *saved; /* owned: read earlier, and another one read since */
    size_t saved_at, saved_len;
    size_t wanted; /* bytes that the caller has room for: not much more is read at once */
    bool ended;    /* the peer closed */
};

/* A BIO over wire, which must outlive it; NULL: no memory. */
BIO *fl_tls_wire_bio(struct fl_tls_wire *wire);
/* Bytes are there that a poll of the descriptor would not tell of. */
bool fl_tls_wire_waits(const struct fl_tls_wire *wire);
void fl_tls_wire_done(struct fl_tls_wire *wire);
void fl_tls_input_done(struct fl_tls_input *input);

#endif
