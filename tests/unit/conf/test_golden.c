/*
 * Every NAME.in of the folder: its dump, or its errors, must be NAME.ok. With a second argument the
 * .ok files are written instead.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "conf/conf.h"
#include "tap.h"

static void outcome(const char *name, struct fl_span text, struct fl_buf *out)
{
    FL_AUTO(fl_buf_done) struct fl_buf errors;
    struct fl_conf *conf = NULL;
    struct fl_err err;

    fl_buf_init(&errors, FL_CONF_ERRORS_MAX);
    if (fl_conf_parse(name, text, &conf, &errors, &err) == FL_OK) {
        fl_conf_dump(conf, out);
    } else {
        fl_buf_put_span(out, fl_buf_span(&errors));
        fl_buf_printf(out, "%s\n", err.text);
    }
    fl_conf_free(conf);
}

/* A dump is a file whose dump is itself. */
static void check_again(struct fl_span dump, const char *name)
{
    FL_AUTO(fl_buf_done) struct fl_buf again;

    fl_buf_init(&again, (size_t)1 << 20);
    outcome(name, dump, &again);
    CHECK(fl_span_eq(fl_buf_span(&again), dump), "its dump reads back to the same");
}

static void run(int dir, const char *in, int rewrite)
{
    FL_AUTO(fl_buf_done) struct fl_buf text, got, want;
    char ok[300];

    fl_buf_init(&text, FL_CONF_FILE_MAX);
    fl_buf_init(&got, (size_t)1 << 20);
    fl_buf_init(&want, (size_t)1 << 20);
    (void)snprintf(ok, sizeof ok, "%.*s.ok", (int)strlen(in) - 3, in);
    if (fl_file_read(dir, in, &text, NULL) < 0)
        abort();
    outcome(in, fl_buf_span(&text), &got);
    if (rewrite && fl_file_write(dir, ok, fl_buf_span(&got), 0644, NULL) < 0)
        abort();
    CHECK(fl_file_read(dir, ok, &want, NULL) == FL_OK &&
              fl_span_eq(fl_buf_span(&got), fl_buf_span(&want)),
          in);
    if (got.len > 9 && memcmp(got.ptr, "data_dir ", 9) == 0)
        check_again(fl_buf_span(&got), in);
}

int main(int argc, char **argv)
{
    DIR *dir = argc < 2 ? NULL : opendir(argv[1]);
    struct dirent *entry;
    int count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);

        if (len < 4 || strcmp(entry->d_name + len - 3, ".in") != 0)
            continue;
        run(dirfd(dir), entry->d_name, argc > 2);
        count++;
    }
    if (dir != NULL)
        (void)closedir(dir);
    CHECK(count > 0, "there are files to try");
    return tap_done();
}
