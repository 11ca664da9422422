/* Files of a network of supply on this machine. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/supply.h"

static int failed(int errnum, const char *path)
{
    struct fl_err err;

    (void)fl_err_sys(&err, errnum == ENOENT ? FL_E_NOENT : FL_E_IO, errnum, "%s", path);
    return fl_cli_fail(&err);
}

static int read_whole(FILE *file, const char *path, struct fl_buf *out)
{
    struct fl_err err;
    void *room;
    size_t got;

    fl_buf_init(out, FL_CLI_FILE_BYTES_MAX);
    do {
        room = fl_buf_reserve(out, (size_t)256 << 10);
        if (room == NULL && fl_buf_status(out, &err) < 0) {
            (void)fl_err_wrap(&err, "%s", path);
            return fl_cli_fail(&err);
        }
        got = fread(room, 1, (size_t)256 << 10, file);
        out->len += got;
    } while (got > 0);
    return ferror(file) ? failed(errno, path) : FL_EXIT_OK;
}

static int add_file(struct fl_cli_files *files, const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash == NULL ? path : slash + 1;
    unsigned at = files->count;
    FILE *file;
    int r;

    if (at == FL_IMPORT_FILES_MAX)
        return fl_cli_usage("at most %u files at once", FL_IMPORT_FILES_MAX);
    if (strlen(base) > FL_IMPORT_FILE_NAME_MAX)
        return fl_cli_usage("the name of %s is too long", path);
    file = fopen(path, "re");
    if (file == NULL)
        return failed(errno, path);
    files->count++;
    r = read_whole(file, path, &files->text[at]);
    (void)fclose(file);
    (void)snprintf(files->name[at], sizeof files->name[at], "%s", base);
    files->file[at] = (struct fl_net_file){files->name[at], fl_buf_span(&files->text[at])};
    return r;
}

static bool ends_with(const char *name, const char *ending)
{
    size_t len = strlen(name), n = strlen(ending);

    return len > n && name[0] != '.' && strcasecmp(name + len - n, ending) == 0;
}

static int add_folder(struct fl_cli_files *files, const char *path, const char *ending)
{
    struct dirent **entries = NULL;
    int n = scandir(path, &entries, NULL, alphasort), r = FL_EXIT_OK;
    char whole[4096];

    if (n < 0)
        return failed(errno, path);
    for (int i = 0; i < n; i++) {
        int len = snprintf(whole, sizeof whole, "%s/%s", path, entries[i]->d_name);

        if (r == FL_EXIT_OK && ends_with(entries[i]->d_name, ending) && len < (int)sizeof whole)
            r = add_file(files, whole);
        free(entries[i]);
    }
    free(entries);
    if (r == FL_EXIT_OK && files->count == 0)
        return fl_cli_usage("there is no *%s in %s", ending, path);
    return r;
}

int fl_cli_files(const char *const *paths, size_t count, const char *ending,
                 struct fl_cli_files *ret)
{
    int r = FL_EXIT_OK;
    struct stat st;

    *ret = (struct fl_cli_files){.count = 0};
    for (size_t i = 0; i < count && r == FL_EXIT_OK; i++) {
        if (stat(paths[i], &st) < 0)
            r = failed(errno, paths[i]);
        else
            r = S_ISDIR(st.st_mode) ? add_folder(ret, paths[i], ending) : add_file(ret, paths[i]);
    }
    return r;
}

void fl_cli_files_done(struct fl_cli_files *files)
{
    for (unsigned i = 0; i < files->count; i++)
        fl_buf_done(&files->text[i]);
    files->count = 0;
}

void fl_cli_findings(const struct fl_cli *cli, const struct fl_findings *findings, bool warnings)
{
    (void)cli;
    for (unsigned i = 0; i < findings->count; i++) {
        const struct fl_finding *f = &findings->list[i];

        if (f->warning && !warnings)
            continue;
        (void)fprintf(stderr, "%s", f->file[0] == '\0' ? "network" : f->file);
        if (f->line > 0)
            (void)fprintf(stderr, ":%u", f->line);
        (void)fprintf(stderr, ": %s%s%s%s\n", f->warning ? "warning: " : "", f->column,
                      f->column[0] == '\0' ? "" : ": ", f->text);
    }
    if (findings->errors + (warnings ? findings->warnings : 0) > findings->count)
        (void)fprintf(stderr, "... %llu errors and %llu warnings in all\n",
                      (unsigned long long)findings->errors, (unsigned long long)findings->warnings);
}

static int read_net(const struct fl_cli_files *files, unsigned flags, struct fl_net **ret)
{
    FL_AUTO(fl_findings_done) struct fl_findings findings = {.list = NULL};
    struct fl_err err;
    int r = fl_findings_init(&findings, &err);

    if (r == FL_OK)
        r = fl_net_files_read(files->file, files->count, flags, FL_CLI_SUPPLY_BYTES_MAX, "", ret,
                              &findings, &err);
    if (r == FL_OK)
        return FL_EXIT_OK;
    fl_cli_findings(NULL, &findings, false);
    if (findings.errors == 0)
        (void)fl_cli_fail(&err);
    return FL_EXIT_NO;
}

int fl_cli_net(const char *dir, unsigned flags, struct fl_net **ret)
{
    struct fl_cli_files *files = malloc(sizeof *files);
    int r;

    if (files == NULL)
        return fl_cli_usage("no memory");
    r = fl_cli_files(&dir, 1, ".csv", files);
    if (r == FL_EXIT_OK)
        r = read_net(files, flags, ret);
    fl_cli_files_done(files);
    free(files);
    return r;
}
