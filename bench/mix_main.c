/*
 * bench-mix lines|octets|tsv ROWS [SEED [START]]: the mix on standard output, for senders and other
 * engines. START is the second, UTC, at which a day of ROWS lines begins.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mix.h"

static void one(const char *form, const struct fl_mix_row *row, char line[FL_MIX_LINE_MAX])
{
    size_t n = strcmp(form, "tsv") == 0 ? fl_mix_tsv(row, line) : fl_mix_line(row, line);

    if (strcmp(form, "octets") == 0)
        printf("%zu ", n);
    (void)fwrite(line, 1, n, stdout);
    if (strcmp(form, "lines") == 0)
        (void)putchar('\n');
}

int main(int argc, char **argv)
{
    struct fl_mix_config config = {.seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 7,
                                   .start_us = FL_MIX_START_US,
                                   .span_us = FL_MIX_SPAN_US};
    char line[FL_MIX_LINE_MAX];
    struct fl_mix_row row;
    struct fl_mix *mix;

    if (argc < 3 || (config.rows = strtoull(argv[2], NULL, 10)) == 0) {
        (void)fputs("usage: bench-mix lines|octets|tsv ROWS [SEED [START]]\n", stderr);
        return 2;
    }
    if (argc > 4)
        config.start_us = strtoll(argv[4], NULL, 10) * 1000000;
    mix = fl_mix_new(&config);
    if (mix == NULL)
        return 1;
    for (uint64_t i = 0; i < config.rows; i++) {
        fl_mix_next(mix, &row);
        one(argv[1], &row, line);
    }
    fl_mix_free(mix);
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : 1;
}
