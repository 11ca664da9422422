/*
 * bench-desk DIR [ROUNDS]: what the desk of risks does for one event: hits, loss of each level of
 * probability, parts, first stop, reasons; against the network in DIR (CSV). Each round is an
 * earthquake of magnitude 7 below one of its sites. NDJSON on standard output.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "supply/geo_index.h"
#include "supply/impact.h"
#include "supply/net_files.h"

#define FILE_BYTES ((size_t)1 << 30)
#define NET_BYTES  ((size_t)4 << 30)
#define ROOM_BYTES ((size_t)2 << 30)

static void die(const char *what, const struct fl_err *err)
{
    (void)fprintf(stderr, "bench-desk: %s: %s\n", what, err->text);
    exit(1);
}

static struct fl_net *load(const char *dir)
{
    static const char *const names[] = {"suppliers.csv",  "sites.csv",    "parts.csv",
                                        "part_sites.csv", "products.csv", "bom.csv",
                                        "revenue.csv",    "rates.csv"};
    struct fl_net_file files[FL_LEN(names)];
    struct fl_buf text[FL_LEN(names)];
    struct fl_findings findings;
    struct fl_net *net = NULL;
    struct fl_err err;
    unsigned count = 0;

    for (size_t i = 0; i < FL_LEN(names); i++) {
        char path[600];

        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        fl_buf_init(&text[count], FILE_BYTES);
        if (fl_file_read(AT_FDCWD, path, &text[count], &err) < 0)
            continue;
        files[count] = (struct fl_net_file){.name = names[i], .text = fl_buf_span(&text[count])};
        count++;
    }
    if (fl_findings_init(&findings, &err) < 0 ||
        fl_net_files_read(files, count, 0, NET_BYTES, "", &net, &findings, &err) < 0)
        die(dir, &err);
    fl_findings_done(&findings);
    for (unsigned i = 0; i < count; i++)
        fl_buf_done(&text[i]);
    return net;
}

/* CPU time: what others do beside it does not count. */
static double cpu_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void quake(const struct fl_net *net, unsigned round, struct fl_world_event *e)
{
    const struct fl_net_site *site = &net->sites[(round * 7919u) % net->site_count];

    fl_world_event_init(e);
    e->type = FL_SPAN("GEO-001");
    e->title = FL_SPAN("quake");
    e->probability = 1;
    e->lat = site->lat + 0.3;
    e->lon = site->lon + 0.2;
    e->depth_km = 20;
    e->magnitude = 7;
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 30, sites = 0, programs = 0;
    double *ms = calloc(rounds + 1, sizeof *ms);
    struct fl_geo_index *index = NULL;
    struct fl_exposure *x = NULL;
    struct fl_arena arena;
    struct fl_net *net;
    struct fl_err err;
    double at_ms = cpu_ms(), load_ms, ready_ms;

    if (argc < 2 || ms == NULL || rounds == 0) {
        (void)fprintf(stderr, "usage: bench-desk DIR [ROUNDS]\n");
        return 2;
    }
    net = load(argv[1]);
    if (fl_geo_index_new(net, &index, &err) < 0)
        die("index", &err);
    load_ms = cpu_ms() - at_ms;
    at_ms = cpu_ms();
    if (fl_exposure_new(net, &x, &err) < 0)
        die("exposure", &err);
    ready_ms = cpu_ms() - at_ms;
    fl_arena_init(&arena, ROOM_BYTES);
    for (unsigned i = 0; i < rounds; i++) {
        struct fl_world_event event;
        struct fl_impact im;

        quake(net, i, &event);
        at_ms = cpu_ms();
        if (fl_impact(&event, net, index, x, 0, NULL, &arena, &im, &err) < 0)
            die("impact", &err);
        ms[i] = cpu_ms() - at_ms;
        sites += im.site_count;
        programs += im.all.by_program;
        fl_arena_clear(&arena);
    }
    qsort(ms, rounds, sizeof *ms, by_value);
    (void)printf(
        "{\"what\":\"desk\",\"sites\":%u,\"sources\":%u,\"products\":%u,\"load_ms\":%.0f,"
        "\"ready_ms\":%.0f,\"rounds\":%u,\"sites_hit\":%.1f,\"by_program\":%u,\"median_ms\":%.2f,"
        "\"p95_ms\":%.2f,\"max_ms\":%.2f}\n",
        net->site_count, net->source_count, net->product_count, load_ms, ready_ms, rounds,
        (double)sites / rounds, programs, ms[rounds / 2], ms[rounds * 95 / 100], ms[rounds - 1]);
    fl_arena_done(&arena);
    fl_exposure_free(x);
    fl_geo_index_free(index);
    fl_net_unref(net);
    free(ms);
    return 0;
}
