/* Mail and webhooks that wait in the database: handed to outbound, and what became of them written
 * down. What may pass is tried again, ever later; what is refused is not. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cases.h"
#include "base/rand.h"
#include "base/time.h"
#include "db/db_notice.h"
#include "fairleadd/core.h"

enum { SLOTS = 8, GENERATIONS = 128, PATIENCE_S = 180, FIRST_WAIT_S = 30, MOST_WAIT_S = 6 * 3600 };

struct slot {
    bool busy;
    unsigned generation;
    uint32_t id, tenant;
    int64_t begun_us; /* monotonic */
};

struct fl_core_notices {
    struct fl_core *core;
    struct slot slot[SLOTS];
};

static uint32_t id_of(const struct fl_core_notices *n, const struct slot *slot)
{
    return FL_CORE_ID_NOTICE + slot->generation * SLOTS + (uint32_t)(slot - n->slot);
}

static void free_slot(struct slot *slot)
{
    slot->busy = false;
    slot->generation = (slot->generation + 1) % GENERATIONS;
}

/* ---- the end of a try ---- */

static int64_t wait_us(uint32_t tries, uint32_t retry_after_s)
{
    int64_t s = FIRST_WAIT_S;

    for (uint32_t i = 1; i < tries && s < MOST_WAIT_S; i++)
        s *= 2;
    s = s < MOST_WAIT_S ? s : MOST_WAIT_S;
    s += (int64_t)(fl_random_u64() % ((uint64_t)s / 10 + 1));
    if (retry_after_s > s)
        s = retry_after_s < 86400 ? retry_after_s : 86400;
    return s * FL_US_PER_S;
}

static int write_end(struct fl_core_notices *n, const struct slot *slot,
                     const struct fl_msg_notice_done *end, struct fl_err *err)
{
    struct fl_span text = end->code == FL_OK ? end->receipt : end->text;
    struct fl_notice row = {.id = 0};
    int64_t now_us = fl_now_us();
    int r = fl_db_notice_get(n->core->db, slot->tenant, slot->id, &row, err);

    if (r < 0)
        return r == FL_E_NOENT ? FL_OK : r;
    row.tries++;
    (void)snprintf(row.answer, sizeof row.answer, "%.*s",
                   (int)(text.len < sizeof row.answer ? text.len : sizeof row.answer - 1),
                   text.len == 0 ? "" : (const char *)text.ptr);
    row.next_us = now_us + wait_us(row.tries, end->retry_after_s);
    if (end->code == FL_OK)
        row.state = FL_NOTICE_SENT;
    else if (!end->again || row.tries >= FL_NOTICE_TRIES_MAX)
        row.state = FL_NOTICE_FAILED;
    if (row.state != FL_NOTICE_WAITS)
        row.done_us = now_us;
    return fl_db_notice_set(n->core->db, &row, err);
}

static void end_slot(struct fl_core_notices *n, struct slot *slot,
                     const struct fl_msg_notice_done *end)
{
    struct fl_err err;

    if (n->core->db != NULL && write_end(n, slot, end, &err) < 0)
        fl_role_log(n->core->env, FL_LOG_WARN, "a notice: %s", err.text);
    free_slot(slot);
}

static void lose_slot(struct fl_core_notices *n, struct slot *slot, const char *why)
{
    const struct fl_msg_notice_done end = {.code = FL_E_IO, .again = 1, .text = fl_span_str(why)};

    end_slot(n, slot, &end);
}

bool fl_core_notices_message(struct fl_core *core, enum fl_role from, const struct fl_imsg_in *in)
{
    struct fl_core_notices *n = core->notices;
    struct fl_msg_notice_done end;
    struct slot *slot;

    if (from != FL_ROLE_OUTBOUND || in->id < FL_CORE_ID_NOTICE ||
        in->id >= FL_CORE_ID_NOTICE + SLOTS * GENERATIONS)
        return false;
    slot = &n->slot[(in->id - FL_CORE_ID_NOTICE) % SLOTS];
    if (!slot->busy || id_of(n, slot) != in->id)
        return true;
    if (in->type == FL_MSG_NOTICE_DONE && fl_msg_decode(in->type, in->payload, &end, NULL) == FL_OK)
        end_slot(n, slot, &end);
    else
        lose_slot(n, slot, "outbound could not take it");
    return true;
}

/* ---- sending ---- */

struct due {
    struct fl_core_notices *n;
    struct fl_notice notice[SLOTS];
    unsigned count;
};

static int add_due(void *ctx, const struct fl_notice *notice)
{
    struct due *due = ctx;

    for (size_t i = 0; i < SLOTS; i++)
        if (due->n->slot[i].busy && due->n->slot[i].id == notice->id)
            return 0;
    if (due->count == SLOTS)
        return 1;
    due->notice[due->count++] = *notice;
    return 0;
}

static int send_one(struct fl_core_notices *n, struct slot *slot, const struct fl_notice *notice,
                    struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf body;
    char secret[FL_NOTICE_SECRET_LEN + 1] = "", id[32];
    struct fl_msg_notice msg = {.kind = (uint8_t)notice->kind,
                                .to = fl_span_str(notice->target),
                                .subject = fl_span_str(notice->subject)};
    int r;

    fl_buf_init(&body, FL_MSG_NOTICE_MAX);
    r = fl_db_notice_body(n->core->db, notice->id, &body, err);
    if (r == FL_OK)
        r = fl_case_link_fill(n->core->api, notice, &body, err);
    if (r == FL_OK && notice->kind == FL_NOTICE_WEBHOOK)
        r = fl_db_webhook_key(n->core->db, notice->tenant, secret, NULL, err);
    (void)snprintf(id, sizeof id, "n%u.%" PRId64, notice->id, notice->created_us);
    msg.id = fl_span_str(id);
    msg.body = fl_buf_span(&body);
    msg.secret = fl_span_str(secret);
    if (r == FL_OK)
        r = fl_imsg_send(n->core->link[FL_ROLE_OUTBOUND], FL_MSG_NOTICE, id_of(n, slot), &msg, -1,
                         err);
    explicit_bzero(secret, sizeof secret);
    return r;
}

static void begin_one(struct fl_core_notices *n, struct slot *slot, const struct fl_notice *notice)
{
    unsigned generation = slot->generation;
    struct fl_err err;
    int r;

    *slot = (struct slot){.busy = true,
                          .generation = generation,
                          .id = notice->id,
                          .tenant = notice->tenant,
                          .begun_us = fl_now_mono_us()};
    r = send_one(n, slot, notice, &err);
    if (r == FL_E_AGAIN || r == FL_E_IO)
        free_slot(slot);      /* the next second tries again */
    else if (r == FL_E_NOENT) /* nobody needs it any more, or its tenant has no key */
        end_slot(n, slot, &(struct fl_msg_notice_done){.code = r, .text = fl_span_str(err.text)});
    else if (r < 0)
        lose_slot(n, slot, err.text);
}

void fl_core_notices_tick(struct fl_core *core)
{
    struct fl_core_notices *n = core->notices;
    int64_t late_us = fl_now_mono_us() - PATIENCE_S * FL_US_PER_S;
    struct due *due;
    size_t at = 0;

    if (core->db == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        if (n->slot[i].busy && n->slot[i].begun_us < late_us)
            lose_slot(n, &n->slot[i], "there was no answer in time");
    if (core->link[FL_ROLE_OUTBOUND] == NULL)
        return;
    due = calloc(1, sizeof *due);
    if (due == NULL)
        return;
    due->n = n;
    (void)!fl_db_notices_due(core->db, fl_now_us(), 2 * SLOTS, add_due, due, NULL);
    for (unsigned i = 0; i < due->count; i++) {
        while (at < SLOTS && n->slot[at].busy)
            at++;
        if (at == SLOTS)
            break;
        begin_one(n, &n->slot[at], &due->notice[i]);
    }
    free(due);
}

void fl_core_notices_lost(struct fl_core *core, enum fl_role role)
{
    struct fl_core_notices *n = core->notices;

    for (size_t i = 0; role == FL_ROLE_OUTBOUND && i < SLOTS; i++)
        if (n->slot[i].busy)
            lose_slot(n, &n->slot[i], "the process that sends ended meanwhile");
}

int fl_core_notices_new(struct fl_core *core, struct fl_err *err)
{
    core->notices = calloc(1, sizeof *core->notices);
    if (core->notices == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for notices");
    core->notices->core = core;
    return FL_OK;
}

void fl_core_notices_free(struct fl_core *core)
{
    free(core->notices);
    core->notices = NULL;
}
