/*
 * term.h - what the output can show: width, colour, UTF-8; and text made fit to be shown.
 *
 * Everything that came from a server, a device or a file passes fl_term_clean() before it reaches
 * a terminal: a log line must not be able to move the cursor or turn the text around.
 */
#ifndef FL_CLI_TERM_H
#define FL_CLI_TERM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/span.h"

struct fl_term {
    bool tty;       /* stdout is a terminal: fit to its width, progress, questions */
    bool colour;    /* escape sequences may be used */
    bool utf8;      /* the locale's coding; ASCII stand-ins otherwise */
    unsigned width; /* columns; 0 = not a terminal, never cut */
};

enum fl_ink { FL_INK_PLAIN, FL_INK_BOLD, FL_INK_DIM, FL_INK_GOOD, FL_INK_WARN, FL_INK_BAD };

/* Look at stdout and the environment (NO_COLOR, TERM, COLUMNS, LC_ALL, LC_CTYPE, LANG). */
void fl_term_init(struct fl_term *ret);
const char *fl_term_on(const struct fl_term *term, enum fl_ink ink); /* "" without colour */
const char *fl_term_off(const struct fl_term *term, enum fl_ink ink);
/* " · ", "…", "–" or their stand-ins. */
const char *fl_term_dot(const struct fl_term *term);
const char *fl_term_more(const struct fl_term *term);

/*
 * Append text with control characters, direction marks and broken UTF-8 replaced by U+FFFD ("?"
 * without UTF-8). With tabs and newlines kept when lines is set, replaced otherwise.
 */
void fl_term_clean(const struct fl_term *term, struct fl_span text, bool lines, struct fl_buf *out);
/* Columns that clean text takes. */
unsigned fl_term_width(struct fl_span clean);
/* Bytes of clean text that fit into width columns; *ret_width is what they take. */
size_t fl_term_fit(struct fl_span clean, unsigned width, unsigned *ret_width);

/* A bar of value/max, at most width columns, in eighths; nothing for 0. */
void fl_term_bar(const struct fl_term *term, double value, double max, unsigned width,
                 struct fl_buf *out);
/* One column of a small chart: 0..8 eighths of value/max; at least 1 for what is not 0. */
void fl_term_spark(const struct fl_term *term, double value, double max, struct fl_buf *out);

#endif
