#include "logs/query_emit.h"

#include "codec/ecs.h"

enum { ROW_BYTES = 16 << 20 }; /* a row comes from a batch of at most 1 MiB */

static const enum fl_field csv_columns[] = {
    FL_F_TIME,     FL_F_SITE,     FL_F_DEVICE,   FL_F_TAG,      FL_F_ACTION,   FL_F_SRC_IP,
    FL_F_SRC_PORT, FL_F_DST_IP,   FL_F_DST_PORT, FL_F_PROTO,    FL_F_APP,      FL_F_CATEGORY,
    FL_F_USER,     FL_F_SESSION,  FL_F_POLICY,   FL_F_BYTES,    FL_F_BYTES_UP, FL_F_BYTES_DOWN,
    FL_F_PACKETS,  FL_F_SECONDS,  FL_F_URL,      FL_F_HOSTNAME, FL_F_DOMAIN,   FL_F_URL_CATEGORY,
    FL_F_THREAT,   FL_F_SEVERITY, FL_F_MESSAGE,
};

static int add_column(struct fl_emit *emit, struct fl_span name, struct fl_err *err)
{
    enum fl_field field = fl_field_find(name);

    if (field == FL_FIELD_COUNT || field == FL_F_SHAPE)
        return fl_err_set(err, FL_E_INVAL, "no column \"%.*s\"", name.len < 64 ? (int)name.len : 64,
                          (const char *)name.ptr);
    fl_fieldset_add(&emit->columns, field);
    return FL_OK;
}

static int read_columns(struct fl_emit *emit, struct fl_span list, struct fl_err *err)
{
    int r = FL_OK;

    while (r == FL_OK && list.len > 0) {
        const unsigned char *comma = memchr(list.ptr, ',', list.len);
        size_t n = comma == NULL ? list.len : (size_t)(comma - list.ptr);

        r = add_column(emit, fl_span_of(list.ptr, n), err);
        n += comma != NULL;
        list = fl_span_of(list.ptr + n, list.len - n);
    }
    return r;
}

int fl_emit_init(struct fl_emit *emit, struct fl_run *run, struct fl_err *err)
{
    const struct fl_query *q = run->q;
    bool chosen = q->by.len > 0 && q->kind != FL_Q_CONTEXT;
    int r = FL_OK;

    *emit = (struct fl_emit){.original = q->original};
    fl_arena_init(&emit->arena, ROW_BYTES);
    if (fl_span_eq(q->format, FL_SPAN("csv")))
        emit->csv = true;
    else if (q->format.len > 0 && !fl_span_eq(q->format, FL_SPAN("ndjson")) &&
             !fl_span_eq(q->format, FL_SPAN("json")))
        return fl_err_set(err, FL_E_INVAL, "rows are written as ndjson or csv");
    if (chosen)
        r = read_columns(emit, q->by, err);
    for (size_t i = 0; !chosen && emit->csv && i < FL_LEN(csv_columns); i++)
        fl_fieldset_add(&emit->columns, csv_columns[i]);
    emit->load = emit->columns;
    if (!emit->csv && (!chosen || emit->original))
        emit->load = fl_fieldset_all();
    fl_fieldset_add(&emit->load, FL_F_SEQ); /* the row's id */
    emit->shown = emit->load;
    if (run->mask != NULL)
        fl_mask_fields(&emit->load);
    if (r == FL_OK && emit->csv)
        fl_ecs_csv_head(&emit->columns, &run->out);
    return r;
}

void fl_emit_done(struct fl_emit *emit)
{
    fl_arena_done(&emit->arena);
}

/* A line that cannot be rebuilt is still a row: it goes out without its original. */
static int put_json(struct fl_emit *emit, struct fl_run *run, const struct fl_event *ev,
                    struct fl_pos pos, struct fl_err *err)
{
    size_t before = run->out.len;
    char id[64];
    int r;

    fl_pos_format(pos, id);
    r = fl_ecs_json_id(ev, emit->original, id, &run->out, err);

    if (r < 0 && r != FL_E_NOMEM && emit->original && run->out.failed == 0) {
        run->out.len = before;
        fl_run_partial(run, "an original line could not be rebuilt: %.120s",
                       err == NULL ? "" : err->text);
        r = fl_ecs_json_id(ev, false, id, &run->out, err);
    }
    fl_buf_put_u8(&run->out, '\n');
    return r;
}

static void keep_only(struct fl_event *ev, const struct fl_fieldset *set)
{
    for (size_t i = 0; i < FL_LEN(ev->has.bits); i++)
        ev->has.bits[i] &= set->bits[i];
}

static bool wants_line(const struct fl_emit *emit)
{
    return emit->original || (emit->csv && fl_fieldset_has(&emit->columns, FL_F_RAW));
}

int fl_emit_row(struct fl_emit *emit, struct fl_run *run, const struct fl_block *block,
                uint32_t row, struct fl_pos pos, struct fl_err *err)
{
    struct fl_event ev = {.arena = &emit->arena};
    int r = FL_OK;

    fl_arena_clear(&emit->arena);
    fl_block_row(block, row, &ev);
    keep_only(&ev, &emit->load); /* not what only the filter looked at */
    if (run->mask != NULL)
        r = fl_mask_event(run->mask, &ev, wants_line(emit), err);
    if (r < 0)
        return r;
    keep_only(&ev, &emit->shown);
    if (emit->csv)
        fl_ecs_csv_row(&ev, &emit->columns, &run->out);
    else
        r = put_json(emit, run, &ev, pos, err);
    run->end->rows_matched++;
    return r < 0 ? r : fl_run_flush(run, false, err);
}
