/*
 * fake_parts.h - parts made of rows in memory, for testing queries without a store: the functions
 * of logs/part.h and fl_store_wait() over blocks that a test fills, with faults it can ask for.
 */
#ifndef FL_TESTS_FAKE_PARTS_H
#define FL_TESTS_FAKE_PARTS_H

#include <pthread.h>

#include "logs/part.h"
#include "query_oracle.h"

enum { FAKE_MAX_PARTS = 64, FAKE_MAX_BLOCKS = 64 };

struct fl_part {
    bool sealed;
    bool purged;  /* loading gives FL_E_NOENT */
    int corrupt;  /* loading this block gives FL_E_CORRUPT; -1 none */
    bool rollups; /* false: FL_E_NOENT for them, too */
    int32_t day;
    uint32_t blocks;
    struct fl_block *block[FAKE_MAX_BLOCKS];
};

struct fl_store {
    pthread_mutex_t lock;
    pthread_cond_t more;
    size_t count;
    struct fl_part part[FAKE_MAX_PARTS];
    uint32_t block_rows; /* a new block after so many */
    uint64_t loads;      /* blocks decoded */
    bool no_zones, no_blooms;
};

void fake_init(struct fl_store *store, uint32_t block_rows);
void fake_done(struct fl_store *store);
/* Begin a new part; rows go to the newest. */
void fake_part(struct fl_store *store, bool sealed, int32_t day);
/* Append a row (its FL_F_SEQ is set already) and wake who waits. */
void fake_add(struct fl_store *store, const struct fl_event *ev);

/* An oracle whose rows are in a new fake store: parts of rows_each rows, the second half received
 * on the second day; the last two are memtables when asked. fake_free() it. */
void fake_oracle(struct oracle *o, uint64_t seed, size_t parts, size_t rows_each,
                 uint32_t block_rows, bool memtables);
void fake_free(struct oracle *o);

#endif
