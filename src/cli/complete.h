/* complete.h - completion of words for bash and zsh, written from the tables of commands. */
#ifndef FL_CLI_COMPLETE_H
#define FL_CLI_COMPLETE_H

#include <stdio.h>

#include "cli/args.h"

/* Print the script for "bash" or "zsh"; FL_E_INVAL for another shell. */
int fl_complete(const struct fl_noun *nouns, size_t count, const char *shell, FILE *out,
                struct fl_err *err) FL_MUST_CHECK;

#endif
