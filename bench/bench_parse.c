/*
 * bench-parse [LINES [ROUNDS]]: lines per CPU second of the parser, on the mix, for each form of
 * its inner loops that this machine has, and for the long way that knows no templates. NDJSON on
 * standard output; the best of ROUNDS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec/line.h"
#include "codec/line_reader.h"
#include "mix.h"

#define RECEIVED_US (FL_MIX_START_US + FL_MIX_SPAN_US / 2)

struct lines {
    char *bytes;
    size_t *at; /* count + 1 */
    size_t count;
};

static double cpu_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int make_lines(struct lines *l, size_t count)
{
    struct fl_mix_config config = {
        .seed = 7, .rows = count, .start_us = FL_MIX_START_US, .span_us = FL_MIX_SPAN_US};
    struct fl_mix *mix = fl_mix_new(&config);
    struct fl_mix_row row;

    l->bytes = malloc(count * 1100 + FL_MIX_LINE_MAX);
    l->at = malloc((count + 1) * sizeof *l->at);
    if (mix == NULL || l->bytes == NULL || l->at == NULL)
        return -1;
    l->at[0] = 0;
    for (size_t i = 0; i < count; i++) {
        fl_mix_next(mix, &row);
        l->at[i + 1] = l->at[i] + fl_mix_line(&row, l->bytes + l->at[i]);
    }
    l->count = count;
    fl_mix_free(mix);
    return 0;
}

/* Seconds for all lines; reader NULL: the long way. */
static double run(const struct lines *l, struct fl_line_reader *reader, uint64_t *ret_sum)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    static struct fl_line_source sources[FL_MIX_DEVICES];
    static struct fl_event ev;
    const char *why;
    uint64_t sum = 0;
    double begin;

    fl_arena_init(&arena, (size_t)1 << 20);
    ev.arena = &arena;
    begin = cpu_s();
    for (size_t i = 0; i < l->count; i++) {
        struct fl_span line = fl_span_of(l->bytes + l->at[i], l->at[i + 1] - l->at[i]);

        fl_arena_clear(&arena);
        if (reader == NULL)
            fl_line_parse(line, RECEIVED_US, &ev, &why);
        else
            fl_line_read(reader, &sources[i % FL_MIX_DEVICES], line, RECEIVED_US, &ev, &why);
        sum += ev.v[FL_F_SESSION].num + ev.v[FL_F_SHAPE].str.len;
    }
    *ret_sum += sum;
    return cpu_s() - begin;
}

static void print(const char *name, const struct lines *l, double seconds, double slow)
{
    printf("{\"name\":\"parse_%s\",\"value\":%.0f,\"unit\":\"lines/cpu-s\",\"cpu_s\":%.4f,"
           "\"gbytes_per_s\":%.2f,\"peer\":\"fl_line_parse\",\"peer_value\":%.0f,\"ratio\":%.2f}\n",
           name, (double)l->count / seconds, seconds, (double)l->at[l->count] / seconds * 1e-9,
           (double)l->count / slow, slow / seconds);
}

static double best(const struct lines *l, struct fl_line_reader *reader, unsigned long rounds,
                   uint64_t *sum)
{
    double least = 1e9;

    for (unsigned long i = 0; i < rounds; i++) {
        double s = run(l, reader, sum);

        least = s < least ? s : least;
    }
    return least;
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;
    struct lines l;
    uint64_t sum = 0;
    double slow;

    if (count == 0 || rounds == 0 || make_lines(&l, count) < 0)
        return 2; /* the end of the program frees */
    slow = best(&l, NULL, rounds, &sum);
    print("slow", &l, slow, slow);
    for (enum fl_scan_kind kind = FL_SCAN_SCALAR; kind < FL_SCAN_KINDS; kind++) {
        FL_AUTO(fl_line_reader_freep) struct fl_line_reader *reader = NULL;
        struct fl_line_reader_stats stats;

        if (!fl_scan_can(kind) || fl_line_reader_new_kind(kind, &reader, NULL) < 0)
            continue;
        print(fl_scan_names[kind], &l, best(&l, reader, rounds, &sum), slow);
        fl_line_reader_stats(reader, &stats);
        (void)fprintf(stderr, "%s: %.3f %% hits, %.3f %% careful, %llu programs, %llu variants\n",
                      fl_scan_names[kind], 100.0 * (double)stats.hits / (double)stats.lines,
                      100.0 * (double)stats.careful / (double)stats.lines,
                      (unsigned long long)stats.programs, (unsigned long long)stats.variants);
    }
    free(l.bytes);
    free(l.at);
    return sum == 1 ? 1 : 0;
}
