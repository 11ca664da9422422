/* An OMTS graph among the files of an import: it becomes the tables that it holds. */
#include <stdio.h>
#include <stdlib.h>

#include "api/supply_session.h"
#include "codec/omts.h"

#define TABLE_BYTES ((size_t)64 << 20)

struct names {
    unsigned count;
    char name[FL_IMPORT_FILES_MAX][FL_IMPORT_FILE_NAME_MAX + 1];
    uint64_t size[FL_IMPORT_FILES_MAX];
};

static int add_name(void *ctx, const char *file, uint64_t size)
{
    struct names *n = ctx;
    size_t len = strlen(file);

    if (len <= 5 || len > FL_IMPORT_FILE_NAME_MAX || strcmp(file + len - 5, ".omts") != 0 ||
        n->count == FL_IMPORT_FILES_MAX)
        return FL_OK;
    (void)snprintf(n->name[n->count], sizeof n->name[0], "%s", file);
    n->size[n->count++] = size;
    return FL_OK;
}

static int gather(struct fl_req *req, uint32_t import, const char *file, uint64_t size,
                  struct fl_buf *ret, struct fl_err *err)
{
    int r = 1;

    if (size > FL_OMTS_BYTES_MAX)
        return fl_err_set(err, FL_E_LIMIT, "an OMTS file may have %zu MiB",
                          FL_OMTS_BYTES_MAX >> 20);
    while (r == 1 && ret->len < size)
        r = fl_db_supply_piece_get(req->api->db, import, file, ret->len, ret, err);
    return r < 0 ? r : FL_OK;
}

static int put_table(struct fl_req *req, const struct fl_db_supply_import *import, const char *file,
                     const char *table, struct fl_span csv, struct fl_err *err)
{
    char name[FL_IMPORT_FILE_NAME_MAX + 1];
    uint64_t at = 0;
    int r = FL_OK;

    if (snprintf(name, sizeof name, "%s.%s", file, table) >= (int)sizeof name)
        return fl_err_set(err, FL_E_INVAL, "the name of %s is too long", file);
    while (r == FL_OK && at < csv.len) {
        size_t len = csv.len - at > FL_API_BODY_MAX ? FL_API_BODY_MAX : csv.len - at;

        r = fl_db_supply_piece_put(req->api->db, import, name, at, fl_span_of(csv.ptr + at, len),
                                   &at, err);
    }
    return r;
}

static int convert(struct fl_req *req, const struct fl_db_supply_import *import, const char *file,
                   struct fl_span text, struct fl_err *err)
{
    struct fl_buf csv[FL_OMTS_TABLES];
    unsigned left = 0;
    int r;

    for (int i = 0; i < FL_OMTS_TABLES; i++)
        fl_buf_init(&csv[i], TABLE_BYTES);
    r = fl_omts_read(text, csv, &left, err);
    if (r < 0)
        (void)fl_err_wrap(err, "%s", file);
    for (int i = 0; i < FL_OMTS_TABLES && r == FL_OK; i++)
        r = put_table(req, import, file, fl_omts_files[i], fl_buf_span(&csv[i]), err);
    if (r == FL_OK)
        r = fl_db_supply_file_remove(req->api->db, import, file, err);
    for (int i = 0; i < FL_OMTS_TABLES; i++)
        fl_buf_done(&csv[i]);
    return r;
}

static int one_file(struct fl_req *req, const struct fl_db_supply_import *import, const char *file,
                    uint64_t size, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    int r;

    fl_buf_init(&text, FL_OMTS_BYTES_MAX + FL_API_BODY_MAX);
    r = gather(req, import->id, file, size, &text, err);
    if (r == FL_OK)
        r = fl_part_begin(req, err);
    if (r < 0)
        return r;
    r = convert(req, import, file, fl_buf_span(&text), err);
    return fl_part_end(req, r, err);
}

int fl_intake_omts(struct fl_req *req, const struct fl_db_supply_import *import, struct fl_err *err)
{
    struct names *names = calloc(1, sizeof *names);
    int r = names == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory for names")
                          : fl_db_supply_files(req->api->db, import->id, add_name, names, err);

    for (unsigned i = 0; r == FL_OK && i < names->count; i++)
        r = one_file(req, import, names->name[i], names->size[i], err);
    free(names);
    return r;
}
