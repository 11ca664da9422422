/* What an erasure tells, and with whom: the ledger, whoever asked. Declared in store_erase.h. */
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "logs/store_erase.h"
#include "logs/store_int.h"

/* ---- what is told ---- */

static void put_range(struct fl_json *j, const char *key, int64_t us)
{
    if (us == INT64_MIN || us == INT64_MAX)
        fl_json_null(j, key);
    else
        fl_json_time(j, key, us);
}

static void put_columns(struct fl_json *j, const struct fl_erase_result *res)
{
    fl_json_object(j, "columns");
    for (size_t f = 0; f < FL_FIELD_COUNT; f++)
        if (res->by_field[f] > 0)
            fl_json_u64(j, fl_fields[f].ecs, res->by_field[f]);
    if (res->by_where > 0)
        fl_json_u64(j, "filter", res->by_where);
    fl_json_end(j);
}

static void put_not(struct fl_json *j, const char *what, uint64_t count, const char *why)
{
    fl_json_object(j, NULL);
    fl_json_text(j, "what", what);
    if (count > 0)
        fl_json_u64(j, "count", count);
    fl_json_text(j, "why", why);
    fl_json_end(j);
}

/* What was not reached, and why. */
static void put_could_not(struct fl_json *j, const struct fl_erase_rule *rule,
                          const struct fl_erase_result *res)
{
    fl_json_array(j, "could_not");
    if (res->unreadable > 0)
        put_not(j, "segments that do not open", res->unreadable,
                "they could not be searched and may be other people's; see 'fairlead store "
                "verify', then erase again");
    if (res->lost_blocks > 0)
        put_not(j, "damaged blocks", res->lost_blocks,
                "they could not be searched, and were destroyed with the segments they stood in");
    if (rule->note.len > 2) {
        fl_json_object(j, NULL);
        fl_json_text(j, "what", "exports made earlier");
        fl_json_text(j, "why", "they are files of whoever asked for them");
        fl_json_key_span(j, FL_SPAN("list"));
        fl_buf_put_span(j->out, rule->note); /* JSON already */
        j->keyed = false;
        fl_json_end(j);
    }
    put_not(j, "copies in clear text outside of Fairlead", 0,
            "exports, screens, mails and the devices' own logs are not in its reach");
    put_not(j, "old bytes on the medium", 0,
            "blocks that a disk keeps after unlinking stay encrypted; their keys are destroyed");
    if (rule->user.len > 0 && rule->ip.len == 0)
        put_not(j, "rows that show an address but no name", 0,
                "they are found when the address is given as well");
    fl_json_end(j);
}

void fl_erase_facts(const struct fl_erase_rule *rule, const struct fl_erase_result *res, bool again,
                    struct fl_buf *out)
{
    struct fl_json j;

    fl_json_init(&j, out);
    fl_json_object(&j, NULL);
    fl_json_str(&j, "tenant", rule->slug);
    fl_json_str(&j, "subject", rule->subject);
    fl_json_bool(&j, "by_user", rule->user.len > 0);
    fl_json_bool(&j, "by_address", rule->ip.len > 0);
    fl_json_bool(&j, "by_filter", rule->where.len > 0);
    put_range(&j, "from", rule->from_us);
    put_range(&j, "to", rule->to_us);
    fl_json_time(&j, "moment", rule->moment_us);
    fl_json_bool(&j, "after_restore", again);
    fl_json_u64(&j, "rows", res->rows);
    put_columns(&j, res);
    fl_json_u64(&j, "segments", res->segments);
    fl_json_u64(&j, "segments_searched", res->searched);
    fl_json_u64(&j, "blocks", res->blocks);
    fl_json_u64(&j, "days", res->days);
    fl_json_u64(&j, "bytes_before", res->bytes_in);
    fl_json_u64(&j, "bytes_after", res->bytes_out);
    fl_json_u64(&j, "baselines", res->baselines);
    fl_json_u64(&j, "keys", res->keys);
    fl_json_u64(&j, "keys_of_logs", res->streams);
    fl_json_u64(&j, "epoch", res->epoch);
    fl_json_text(&j, "root_kind", res->root_kind);
    put_could_not(&j, rule, res);
    fl_json_end(&j);
}

/* ---- with the ledger ---- */

/* Steps 2 to 6 of an erasure that is in the ledger. receipt: appended to. */
static int erase_entered(struct fl_store *s, uint64_t number, const struct fl_erase_rule *rule,
                         bool again, const struct fl_erase_watch *watch,
                         struct fl_erase_result *ret, struct fl_buf *receipt, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf facts;
    struct fl_ledger_link *ledger = s->conf.ledger;
    int r = fl_store_erase(s, rule, false, watch, ret, err);

    fl_buf_init(&facts, FL_LEDGER_FACTS_MAX);
    if (r >= 0) {
        fl_erase_facts(rule, ret, again, &facts);
        r = fl_buf_status(&facts, err);
    }
    return r < 0 ? r : ledger->ops->done(ledger, number, fl_buf_span(&facts), receipt, err);
}

static int erase_next(struct fl_store *s, uint64_t *after, struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf bytes;
    FL_AUTO(fl_buf_done) struct fl_buf receipt;
    struct fl_ledger_link *ledger = s->conf.ledger;
    struct fl_erase_result res = {0};
    struct fl_erase_rule rule;
    uint64_t number = 0;
    bool again = false;
    int r;

    fl_buf_init(&bytes, FL_LEDGER_RULE_MAX);
    fl_buf_init(&receipt, FL_LEDGER_RECEIPT_MAX);
    r = ledger->ops->pending(ledger, *after, &number, &again, &bytes, err);
    *after = number;
    if (r < 0 || number == 0)
        return r;
    r = fl_erase_rule_decode(fl_buf_span(&bytes), &rule, err);
    if (r >= 0)
        r = erase_entered(s, number, &rule, again, NULL, &res, &receipt, err);
    return r < 0 && err != NULL
               ? fl_err_wrap(err, "erasure %llu of the ledger", (unsigned long long)number)
               : r;
}

int fl_store_erase_pending(struct fl_store *s, struct fl_err *err)
{
    uint64_t after = 0;
    int r = FL_OK;

    if (s->conf.ledger == NULL)
        return FL_OK;
    do
        r = erase_next(s, &after, err);
    while (r >= 0 && after > 0);
    return r;
}

#define AGAIN_US (60 * FL_US_PER_S)

int fl_store_erase_due(struct fl_store *s, struct fl_err *err)
{
    int64_t failed_us = atomic_load(&s->erase_failed_us), now_us = s->conf.now_us();
    int r;

    if (failed_us == 0 || (now_us >= failed_us && now_us - failed_us < AGAIN_US))
        return FL_OK;
    r = fl_store_erase_pending(s, err);
    atomic_store(&s->erase_failed_us, r < 0 ? now_us : 0);
    return r;
}

/* ---- as a job ---- */

static bool job_tell(void *ctx, uint64_t done, uint64_t total, int32_t day)
{
    struct fl_job *job = ctx;
    char text[16];

    fl_day_format(day, text);
    fl_job_progress(job, done, total, "segments", text);
    return !fl_job_cancelled(job);
}

/* What stands in the ledger is done, whether somebody waits for it or not. */
static bool job_tell_on(void *ctx, uint64_t done, uint64_t total, int32_t day)
{
    (void)job_tell(ctx, done, total, day);
    return true;
}

static uint64_t count_exports(struct fl_span note)
{
    uint64_t count = 0;

    for (size_t i = 0; i < note.len; i++)
        count += note.ptr[i] == '{'; /* an array of flat objects */
    return count;
}

static void job_result(struct fl_job *job, uint64_t number, const struct fl_erase_rule *rule,
                       const struct fl_erase_result *res)
{
    struct fl_json *j = fl_job_line(job, "result");

    fl_json_bool(j, "dry_run", job->ask->dry);
    if (!job->ask->dry)
        fl_json_u64(j, "receipt", number);
    fl_json_u64(j, "rows", res->rows);
    put_columns(j, res);
    fl_json_u64(j, "segments", res->segments);
    fl_json_u64(j, "segments_searched", res->searched);
    fl_json_u64(j, "days", res->days);
    fl_json_u64(j, "rollup_entries", res->rollup_entries);
    fl_json_u64(j, "exports", count_exports(rule->note));
    fl_json_u64(j, "keys", res->keys);
    fl_json_u64(j, "epoch", res->epoch);
    fl_json_text(j, "root_kind", res->root_kind);
    fl_json_u64(j, "unreadable", res->unreadable);
    fl_json_u64(j, "damaged_blocks", res->lost_blocks);
    fl_job_end(job);
}

/* Rows that were read before the moment and are still on their way. */
static void settle(void)
{
    const struct timespec ts = {.tv_nsec = 500 * 1000 * 1000};

    (void)nanosleep(&ts, NULL);
}

static int job_erase(struct fl_job *job, struct fl_erase_rule *rule, struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf bytes;
    FL_AUTO(fl_buf_done) struct fl_buf receipt;
    const struct fl_erase_watch watch = {job_tell_on, job};
    struct fl_store *s = job->store;
    struct fl_erase_result res = {0};
    uint64_t number = 0;
    int r;

    fl_buf_init(&bytes, FL_LEDGER_RULE_MAX);
    fl_buf_init(&receipt, FL_LEDGER_RECEIPT_MAX);
    if (s->conf.ledger == NULL)
        return fl_err_set(err, FL_E_INVAL, "there is no ledger of erasures");
    rule->moment_us = s->conf.now_us();
    fl_erase_rule_encode(rule, &bytes);
    r = fl_buf_status(&bytes, err);
    if (r >= 0)
        r = s->conf.ledger->ops->begin(s->conf.ledger, fl_buf_span(&bytes), &number, err);
    if (r < 0)
        return r;
    settle();
    r = erase_entered(s, number, rule, false, &watch, &res, &receipt, err);
    if (r < 0) {
        atomic_store(&s->erase_failed_us, s->conf.now_us());
        return err == NULL ? r
                           : fl_err_wrap(err,
                                         "the erasure has begun and will be finished (entry "
                                         "%llu of the ledger)",
                                         (unsigned long long)number);
    }
    job_result(job, number, rule, &res);
    return FL_OK;
}

int fl_store_erase_job(struct fl_job *job, struct fl_err *err)
{
    const struct fl_erase_watch watch = {job_tell, job};
    struct fl_erase_match *match = NULL;
    struct fl_erase_result res = {0};
    struct fl_erase_rule rule;
    int r = fl_erase_rule_decode(job->ask->args, &rule, err);

    if (r < 0)
        return r;
    rule.tenant = job->ask->tenant; /* of the capability */
    rule.moment_us = INT64_MAX;
    r = fl_erase_match_new(&rule, &match, err); /* before anything is written down */
    fl_erase_match_free(match);
    if (r < 0)
        return r;
    if (!job->ask->dry)
        return job_erase(job, &rule, err);
    r = fl_store_erase(job->store, &rule, true, &watch, &res, err);
    if (r >= 0)
        job_result(job, 0, &rule, &res);
    return r;
}
