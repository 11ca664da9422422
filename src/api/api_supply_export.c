/*
 * The network of supply leaves: a table as CSV, everything as lines of JSON or as an OMTS graph,
 * with or without what others need not know. Rows are read in slices between which the loop does
 * its other work, and no faster than they are taken.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/supply_own.h"
#include "api/work.h"
#include "base/time.h"
#include "supply/export.h"

#define SLICE_ROWS   2000u
#define WINDOW_BYTES ((uint64_t)256 * 1024)
#define OUT_BYTES    ((size_t)8 << 20) /* of one slice */
#define SALT_BYTES   32u

/* What is written in turn. */
enum what { NAMES, CSV, LINES, NODES, EDGES };
struct step {
    enum what what;
    int table; /* -1: the steps end */
};
#define END                                                                                        \
    {                                                                                              \
        LINES, -1                                                                                  \
    }

static const struct step line_steps[] = {{LINES, FL_SUPPLY_SUPPLIERS},  {LINES, FL_SUPPLY_SITES},
                                         {LINES, FL_SUPPLY_PARTS},      {LINES, FL_SUPPLY_PRODUCTS},
                                         {LINES, FL_SUPPLY_PART_SITES}, {LINES, FL_SUPPLY_BOM},
                                         {LINES, FL_SUPPLY_REVENUE},    {LINES, FL_SUPPLY_RATES},
                                         {LINES, FL_SUPPLY_CONTACTS},   END};
static const struct step omts_steps[] = {
    {NODES, FL_SUPPLY_SUPPLIERS},  {NODES, FL_SUPPLY_SITES},     {NODES, FL_SUPPLY_PARTS},
    {NODES, FL_SUPPLY_PRODUCTS},   {EDGES, FL_SUPPLY_SUPPLIERS}, {EDGES, FL_SUPPLY_SITES},
    {EDGES, FL_SUPPLY_PART_SITES}, {EDGES, FL_SUPPLY_BOM},       END};

struct export
{
    struct fl_req *req;
    struct step own[3];
    const struct step *steps;
    unsigned at;
    uint64_t version;
    char after[FL_SUPPLY_KEY_MAX + 1];
    struct fl_export ex;
    unsigned char salt[SALT_BYTES];
    struct fl_export_extras extras;
    struct fl_arena names, row;
    struct fl_buf out;
    struct fl_json json;
    bool omts, failed, running, inside, over, share;
    crypto_hash_sha256_state hash; /* of a share, so far */
    uint64_t waiting;              /* bytes not taken */
    struct fl_work_job *job;
    struct fl_err *err;
};

static void export_free(void *state)
{
    struct export *x = state;

    if (x->job != NULL)
        fl_work_drop(x->job);
    sodium_memzero(x->salt, sizeof x->salt);
    fl_arena_done(&x->names);
    fl_arena_done(&x->row);
    fl_buf_done(&x->out);
    free(x);
}

static void alias(void *ctx, struct fl_span id, char ret[33])
{
    struct export *x = ctx;
    unsigned char hash[16];

    (void)crypto_generichash(hash, sizeof hash, id.ptr, id.len, x->salt, sizeof x->salt);
    (void)sodium_bin2hex(ret, 33, hash, sizeof hash);
}

/* ---- rows ---- */

static int write_row(void *ctx, const struct fl_db_supply_row *stored)
{
    struct export *x = ctx;
    const struct step *step = &x->steps[x->at];
    struct fl_supply_row row;
    int r = fl_supply_unpack((enum fl_supply_table)step->table, stored->cells, &row, x->err);

    if (r < 0)
        return r;
    fl_arena_clear(&x->row);
    if (!fl_export_hide(&x->ex, &row, &x->row, &x->failed))
        return x->failed ? fl_err_set(x->err, FL_E_NOMEM, "no memory for a row") : FL_OK;
    if (step->what == NAMES)
        return fl_export_extras_add(&x->extras, &row, &x->names, x->err);
    if (step->what == CSV)
        fl_export_csv_row(&row, &x->extras, &x->out);
    else if (step->what == LINES)
        fl_export_line(&row, &x->out);
    else if (step->what == NODES)
        fl_export_omts_node(&row, (x->ex.hide & FL_HIDE_SOURCES) != 0, &x->json);
    else
        fl_export_omts_edges(&row, &x->json);
    return fl_buf_status(&x->out, x->err);
}

/* What stands between two steps. */
static void between(struct export *x, const struct step *before, const struct step *next)
{
    if (before->what == NAMES)
        fl_export_csv_head((enum fl_supply_table)before->table, &x->extras, &x->out);
    if (before->what == NODES && next->what == EDGES) {
        fl_json_end(&x->json);
        fl_json_array(&x->json, "edges");
    }
    if (next->table < 0 && x->omts) {
        fl_json_end(&x->json);
        fl_json_end(&x->json);
        fl_buf_put_u8(&x->out, '\n');
    }
}

static int slice(struct export *x, struct fl_err *err)
{
    const struct step *step = &x->steps[x->at];
    struct fl_db_supply_list list = {.count = 0};
    int r;

    x->err = err;
    r = fl_db_supply_rows(x->req->api->db, x->req->tenant.id, (enum fl_supply_table)step->table,
                          x->version, x->after, "", SLICE_ROWS, write_row, x, &list, err);
    if (r < 0)
        return r;
    memcpy(x->after, list.next, sizeof x->after);
    if (list.next[0] == '\0') {
        x->at++;
        between(x, step, &x->steps[x->at]);
    }
    return fl_buf_status(&x->out, err);
}

/* ---- pieces, as they are taken ---- */

static void go_on(struct export *x);

static bool on_signed(struct fl_req *req, const struct fl_answer_in *in)
{
    struct fl_msg_share_signed made;
    struct fl_err err;

    if (fl_answer_take(in, FL_MSG_SHARE_SIGNED, &made, &err) == FL_OK)
        fl_req_piece(req, made.line);
    fl_req_end(req);
    return false;
}

static void finish(struct export *x)
{
    unsigned char sha256[crypto_hash_sha256_BYTES];
    struct fl_msg_share_sign msg = {.tenant = fl_span_str(x->req->tenant.slug),
                                    .sha256 = fl_span_of(sha256, sizeof sha256)};
    struct fl_err err;

    x->over = true;
    if (x->share) {
        (void)crypto_hash_sha256_final(&x->hash, sha256);
        if (fl_ask(x->req, FL_ROLE_KEYS, FL_MSG_SHARE_SIGN, &msg, FL_ASK_MS, on_signed, NULL,
                   &err) == FL_OK)
            return;
    }
    fl_req_end(x->req);
}

/* Answers have begun: one that fails in the middle ends without its last line. */
static void turn(void *ctx, const struct fl_work_in *in, int r, const struct fl_err *why)
{
    struct export *x = ctx;
    struct fl_err err;

    (void)in;
    (void)why;
    x->job = NULL;
    x->running = false;
    if (r < 0 || slice(x, &err) < 0) {
        x->over = true;
        fl_req_end(x->req);
        return;
    }
    x->waiting += x->out.len;
    if (x->share)
        (void)crypto_hash_sha256_update(&x->hash, x->out.ptr, x->out.len);
    fl_req_piece(x->req, fl_buf_span(&x->out));
    fl_buf_clear(&x->out);
    if (x->steps[x->at].table < 0) {
        finish(x);
    } else if (!x->inside) {
        go_on(x);
    }
}

static int nothing(const struct fl_work_in *in, struct fl_err *err)
{
    (void)in;
    (void)err;
    return FL_OK;
}

/* A job that does nothing gives the loop its turn; without a loop it is done at once. */
static void go_on(struct export *x)
{
    static const struct fl_work_ask ask = {.run = nothing};
    struct fl_err err;

    x->inside = true;
    while (!x->over && !x->running && x->waiting < WINDOW_BYTES) {
        x->running = true;
        if (fl_work_start(x->req->api->env.work, x->req->tenant.id, &ask, turn, x, &x->job, &err) <
            0)
            turn(x, NULL, FL_OK, NULL); /* the pool is full: without a pause */
    }
    x->inside = false;
}

static void after_turn(struct fl_req *req, uint64_t bytes)
{
    struct export *x = req->state;

    x->waiting -= bytes < x->waiting ? bytes : x->waiting;
    go_on(x);
}

static int begin(struct fl_req *req, const struct step *steps, const char *type, bool omts,
                 struct fl_span hide, struct export **ret, struct fl_err *err)
{
    struct export *x = calloc(1, sizeof *x);
    int r;

    if (x == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for an export");
    x->req = req;
    x->steps = steps;
    x->omts = omts;
    fl_arena_init(&x->names, (size_t)256 << 10);
    fl_arena_init(&x->row, (size_t)64 << 10);
    fl_buf_init(&x->out, OUT_BYTES);
    fl_json_init(&x->json, &x->out);
    x->ex = (struct fl_export){.alias = alias, .ctx = x};
    randombytes_buf(x->salt, sizeof x->salt);
    req->state = x;
    req->state_free = export_free;
    r = fl_own_version(req, &x->version, err);
    if (r == FL_OK && x->version == 0) {
        struct fl_db_supply_head head;

        r = fl_db_supply_head(req->api->db, req->tenant.id, &head, err);
        x->version = head.version; /* one version throughout */
    }
    if (r == FL_OK)
        r = fl_export_hide_parse(hide, &x->ex.hide, err);
    if (r == FL_OK)
        r = fl_part_record(req, "supply.export", req->tenant.slug, "network", "", err);
    if (r < 0)
        return r;
    req->taken = after_turn;
    fl_req_head(req, 200, type);
    *ret = x;
    return FL_OK;
}

int fl_api_supply_export_table(struct fl_req *req, struct fl_err *err)
{
    enum fl_supply_table table = FL_SUPPLY_SUPPLIERS;
    struct fl_span file = req->arg[1];
    char name[80];
    struct export *x = NULL;
    int r = FL_OK;

    if (file.len > 4 && memcmp(file.ptr + file.len - 4, ".csv", 4) == 0)
        file.len -= 4;
    r = fl_own_table(req, file, &table, err);
    if (r < 0)
        return r;
    (void)snprintf(name, sizeof name, "attachment; filename=\"%s.csv\"",
                   fl_supply_schemas[table].name);
    fl_req_header(req, "content-disposition", "%s", name);
    r = begin(req, NULL, "text/csv; charset=utf-8", false, fl_req_param(req, "redact"), &x, err);
    if (r < 0)
        return r;
    x->own[0] = (struct step){NAMES, (int)table};
    x->own[1] = (struct step){CSV, (int)table};
    x->own[2] = (struct step)END;
    x->steps = x->own;
    go_on(x);
    return FL_OK;
}

static void omts_head(struct export *x)
{
    unsigned char salt[SALT_BYTES];
    char hex[2 * SALT_BYTES + 1], day[16];

    randombytes_buf(salt, sizeof salt);
    (void)sodium_bin2hex(hex, sizeof hex, salt, sizeof salt);
    fl_day_format(fl_day_of(x->req->api->env.now_us()), day);
    fl_json_object(&x->json, NULL);
    fl_json_text(&x->json, "omts_version", "1.0.0");
    fl_json_text(&x->json, "snapshot_date", day);
    fl_json_text(&x->json, "file_salt", hex);
    fl_json_text(&x->json, "disclosure_scope", x->ex.hide == 0 ? "internal" : "partner");
    fl_json_u64(&x->json, "snapshot_sequence", x->version);
    fl_json_array(&x->json, "nodes");
}

int fl_api_supply_export(struct fl_req *req, struct fl_err *err)
{
    struct fl_span format = fl_req_param(req, "format");
    bool omts = fl_span_eq(format, FL_SPAN("omts"));
    struct export *x = NULL;
    int r;

    if (!omts && format.len > 0 && !fl_span_eq(format, FL_SPAN("ndjson"))) {
        req->field = "format";
        return fl_err_set(err, FL_E_INVAL, "format is ndjson or omts");
    }
    fl_req_header(req, "content-disposition", "attachment; filename=\"%s\"",
                  omts ? "network.omts" : "network.ndjson");
    r = begin(req, omts ? omts_steps : line_steps,
              omts ? "application/json" : "application/x-ndjson", omts, fl_req_param(req, "redact"),
              &x, err);
    if (r < 0)
        return r;
    if (omts)
        omts_head(x);
    go_on(x);
    return FL_OK;
}

/* What somebody else may see of it, signed: lines of JSON, the last of which says by whom. */
int fl_api_supply_share(struct fl_req *req, struct fl_err *err)
{
    char hide[100] = "sources";
    struct export *x = NULL;
    int r = fl_req_text(req, "redact", hide, sizeof hide, err);

    if (r < 0)
        return r;
    fl_req_header(req, "content-disposition", "attachment; filename=\"share.ndjson\"");
    r = begin(req, line_steps, "application/x-ndjson", false, fl_span_str(hide), &x, err);
    if (r < 0)
        return r;
    x->share = true;
    (void)crypto_hash_sha256_init(&x->hash);
    go_on(x);
    return FL_OK;
}
