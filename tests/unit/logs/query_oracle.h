/*
 * query_oracle.h - random rows and random filters, and the slow, plain way to answer a query: row
 * by row over fl_event. What the query engine says is compared with it.
 */
#ifndef FL_TESTS_QUERY_ORACLE_H
#define FL_TESTS_QUERY_ORACLE_H

#include <jansson.h>

#include "codec/filter.h"
#include "logs/query.h"

struct oracle {
    struct fl_store *store; /* that queries go to */
    struct fl_arena arena;  /* strings of the rows */
    struct fl_event *row;
    size_t count;
    uint64_t random;
};

uint64_t oracle_random(struct oracle *o, uint64_t below);
void oracle_begin(struct oracle *o, uint64_t seed, size_t rows);
/* Append a random row to o->row; `of` rows spread over the two days from oracle_day() on. */
struct fl_event *oracle_row(struct oracle *o, size_t of, int32_t day, uint64_t seq);
void oracle_done(struct oracle *o); /* not the store */
/* A random filter; its text is put into out. */
void oracle_filter(struct oracle *o, unsigned depth, struct fl_buf *out);
int32_t oracle_day(void); /* of the first rows */

/* Run a query; *ret_text is free()d by the caller, NUL-terminated. */
struct asked {
    int code;
    struct fl_query_end end;
    struct fl_err err;
    char *text;
    size_t len;
};
void ask(struct oracle *o, const struct fl_query *q, struct asked *ret);
void asked_done(struct asked *a);
json_t *asked_json(const struct asked *a); /* aborts when it is none */

/* Rows of the oracle that lie in the range of q and match its filter. */
bool oracle_takes(const struct fl_query *q, const struct fl_filter *filter,
                  const struct fl_event *ev);
uint64_t oracle_metric(const struct fl_event *ev, const char *metric);
/* The text of a key as results show it; false when the row lacks the field. */
bool oracle_key(const struct fl_event *ev, enum fl_field f, char key[200]);

#endif
