/* bench-simulate FOLDER [YEARS [THREADS]]: years that might come on a network of supply; one line
 * of JSON. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "supply/net_files.h"
#include "supply/simulate.h"

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double cpu(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static void *run(void *arg)
{
    struct fl_err err;

    if (fl_sim_run(arg, NULL, &err) < 0) {
        fprintf(stderr, "bench-simulate: %s\n", err.text);
        exit(1);
    }
    return NULL;
}

static struct fl_span whole(const char *folder, const char *name)
{
    char path[512];
    unsigned char *text;
    size_t len;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (file == NULL)
        return (struct fl_span){0};
    text = malloc(64u << 20);
    len = text == NULL ? 0 : fread(text, 1, 64u << 20, file);
    fclose(file);
    return fl_span_of(text, len);
}

static int load(const char *folder, struct fl_net **ret, struct fl_err *err)
{
    static const char *const names[] = {"suppliers.csv",  "sites.csv",    "parts.csv",
                                        "part_sites.csv", "products.csv", "bom.csv",
                                        "revenue.csv",    "rates.csv"};
    struct fl_net_file files[8];
    struct fl_findings findings;
    unsigned count = 0;
    int r = fl_findings_init(&findings, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < 8; i++) {
        struct fl_span text = whole(folder, names[i]);

        if (text.ptr != NULL)
            files[count++] = (struct fl_net_file){names[i], text};
    }
    r = fl_net_files_read(files, count, 0, (size_t)1 << 30, "", ret, &findings, err);
    fl_findings_done(&findings);
    for (unsigned i = 0; i < count; i++)
        free((void *)(uintptr_t)files[i].text.ptr);
    return r;
}

int main(int argc, char **argv)
{
    uint32_t years = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 100000;
    unsigned threads = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 2;
    double begun, cpu_begun, seconds;
    struct fl_sim_source *sources;
    struct fl_sim_result out;
    struct fl_sim_spec spec = {.seed = 417, .years = years};
    struct fl_sim *sim = NULL;
    struct fl_net *net = NULL;
    struct fl_arena arena;
    pthread_t thread[16];
    struct fl_err err;

    if (argc < 2 || threads < 1 || threads > 16)
        return 2;
    fl_arena_init(&arena, (size_t)1 << 30);
    if (load(argv[1], &net, &err) < 0 ||
        fl_sim_sources(net, fl_event_rates, fl_event_rate_count, &arena, &sources,
                       &spec.source_count, &err) < 0) {
        fprintf(stderr, "bench-simulate: %s\n", err.text);
        return 1;
    }
    spec.net = net;
    spec.sources = sources;
    begun = now();
    cpu_begun = cpu();
    if (fl_sim_new(&spec, &sim, &err) < 0) {
        fprintf(stderr, "bench-simulate: %s\n", err.text);
        return 1;
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_create(&thread[i], NULL, run, sim);
    for (unsigned i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    if (fl_sim_result(sim, &arena, &out, &err) < 0) {
        fprintf(stderr, "bench-simulate: %s\n", err.text);
        return 1;
    }
    seconds = now() - begun;
    fprintf(
        stderr,
        "sites %u parts %u sources %u | mean %.0f [%.0f %.0f] p50 %.0f p95 %.0f p99 %.0f cvar %.0f "
        "any %.3f | events %.2f outages %.2f sets %llu again %llu left out %llu\n",
        net->site_count, net->part_count, spec.source_count, out.mean, out.mean_low, out.mean_high,
        out.p50.value, out.p95.value, out.p99.value, out.cvar95, out.any, out.events_per_year,
        out.outages_per_year, (unsigned long long)out.sets, (unsigned long long)out.curves_again,
        (unsigned long long)out.outages_left_out);
    printf("{\"sites\": %u, \"parts\": %u, \"products\": %u, \"years\": %u, \"threads\": %u, "
           "\"seconds\": %.3f, \"cpu_s\": %.3f, \"mean\": %.6f, \"curves\": %llu}\n",
           net->site_count, net->part_count, net->product_count, years, threads, seconds,
           cpu() - cpu_begun, out.mean, (unsigned long long)out.sets);
    fl_sim_free(sim);
    fl_net_unref(net);
    fl_arena_done(&arena);
    return 0;
}
