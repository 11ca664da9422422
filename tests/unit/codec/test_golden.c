/*
 * tests/golden/logs/X.log, a line of some device each, and X.json, what it must become: one object
 * a line, as `logs parse` prints it for lines received at 2026-11-22T00:00:00Z. After a wanted
 * change, read the "# got" lines of this test and put them into X.json.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "codec/ecs.h"
#include "codec/line.h"
#include "tap.h"

#define RECEIVED_US INT64_C(1795305600000000)

static const char *const names[] = {"junos-all", "junos-traps", "rtflow",
                                    "cef",       "fortigate",   "syslog"};

static json_t *parse(const char *line, struct fl_buf *text, bool *ret_rebuilt)
{
    FL_AUTO(fl_arena_done) struct fl_arena arena;
    FL_AUTO(fl_buf_done) struct fl_buf back;
    struct fl_event ev = {.arena = &arena};
    const char *why;

    fl_arena_init(&arena, (size_t)1 << 20);
    fl_buf_init(&back, (size_t)1 << 17);
    fl_line_parse(fl_span_str(line), RECEIVED_US, &ev, &why);
    *ret_rebuilt = fl_line_rebuild(&ev, &back, NULL) == 0 &&
                   fl_span_eq(fl_buf_span(&back), fl_span_str(line)) &&
                   (fl_event_get_num(&ev, FL_F_FLAGS) & FL_ROW_RAW_KEPT) == 0;
    fl_buf_clear(text);
    if (fl_ecs_json_why(&ev, false, why, text, NULL) < 0)
        return NULL;
    return json_loadb((const char *)text->ptr, text->len, JSON_DECODE_INT_AS_REAL, NULL);
}

static void check_line(const char *line, const char *want, const char *name)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    json_t *got_json, *want_json = json_loads(want, JSON_DECODE_INT_AS_REAL, NULL);
    bool rebuilt;

    fl_buf_init(&text, (size_t)1 << 20);
    got_json = parse(line, &text, &rebuilt);
    if (got_json == NULL || !json_equal(got_json, want_json))
        printf("# line %s\n# got  %.*s\n# want %s\n", line, FL_SPAN_ARG(fl_buf_span(&text)), want);
    CHECK(got_json != NULL && json_equal(got_json, want_json) && rebuilt, name);
    json_decref(got_json);
    json_decref(want_json);
}

/* The next line without its newline; false at the end. */
static bool read_line(FILE *f, char **line, size_t *cap)
{
    ssize_t n = getline(line, cap, f);

    if (n > 0 && (*line)[n - 1] == '\n')
        (*line)[n - 1] = '\0';
    return n > 0;
}

static void check_file(const char *folder, const char *name)
{
    char path[4096], *line = NULL, *want = NULL, label[64];
    size_t line_cap = 0, want_cap = 0, count = 0;
    FILE *in, *out;

    (void)snprintf(path, sizeof path, "%s/%s.log", folder, name);
    in = fopen(path, "r");
    (void)snprintf(path, sizeof path, "%s/%s.json", folder, name);
    out = fopen(path, "r");
    if (in == NULL || out == NULL) {
        CHECK(0, path);
        exit(1);
    }
    while (read_line(in, &line, &line_cap) && read_line(out, &want, &want_cap)) {
        (void)snprintf(label, sizeof label, "%s line %zu", name, ++count);
        check_line(line, want, label);
    }
    CHECK(feof(in) && getc(out) == EOF && count > 0, "as many lines as objects");
    free(line);
    free(want);
    (void)fclose(in);
    (void)fclose(out);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 1;
    for (size_t i = 0; i < FL_LEN(names); i++)
        check_file(argv[1], names[i]);
    return tap_done();
}
