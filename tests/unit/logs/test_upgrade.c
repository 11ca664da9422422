/* Segments from one version of the format to another and back, while the store lives. */
#include "house.h"
#include "logs/store_job.h"
#include "logs/store_rewrite.h"
#include "tap.h"

enum { A = 1, B = 2 };
#define DAY FL_US_PER_DAY

/* Every segment has this version; how many? 0: not so. */
static unsigned all_have(struct house *h, uint16_t version)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < h->store->tenant_count; i++) {
        const struct fl_store_tenant *t = h->store->tenants[i];

        for (uint32_t k = 0; k < t->day_count; k++) {
            for (uint32_t g = 0; g < t->days[k]->seg_count; g++) {
                if (t->days[k]->segs[g]->id.version != version)
                    return 0;
                n++;
            }
        }
    }
    return n;
}

static int run(struct house *h, const char *to, bool dry, unsigned cancel_after, struct lines *l)
{
    const struct fl_query_sink sink = {lines_write, lines_cancelled, l};
    const struct fl_job_ask ask = {.kind = FL_JOB_UPGRADE,
                                   .from_day = INT32_MIN,
                                   .to_day = INT32_MAX,
                                   .dry = dry,
                                   .args = fl_span_str(to)};
    struct fl_err err = {0};
    int r;

    *l = (struct lines){.cancel_after = cancel_after};
    r = fl_store_job(h->store, &ask, &sink, &err);
    if (r < 0)
        printf("# %s\n", err.text);
    return r;
}

static bool rows_whole(struct house *h)
{
    struct tally a = tally_of(h->store, A), b = tally_of(h->store, B);

    return whole(&a, h->rows[A]) && whole(&b, h->rows[B]);
}

static void rules(struct house *h)
{
    house_rule(h, A, 30, 0);
    house_rule(h, B, 30, 0);
}

static void begin(struct house *h)
{
    house_begin(h);
    rules(h);
    for (int day = 0; day < 2; day++, pass(DAY)) {
        house_fill(h, A, 60, true);
        house_fill(h, B, 5000, true);
    }
    house_fill(h, A, 10, true);
}

static void check_there_and_back(void)
{
    struct house h;
    struct lines l;
    struct fl_store_stats st;

    begin(&h);
    CHECK(all_have(&h, FL_SEGMENT_VERSION) == 5, "what is sealed has the current version");
    CHECK(run(&h, "1", true, 0, &l) == 0 && strstr(l.text, "\"dry_run\":true") != NULL &&
              strstr(l.text, "\"segments\":5") != NULL &&
              strstr(l.text, "\"before\":{\"v1\":0,\"v2\":5}") != NULL &&
              all_have(&h, FL_SEGMENT_VERSION) == 5,
          "a dry run counts");
    CHECK(run(&h, "1", false, 0, &l) == 0 && strstr(l.text, "{\"progress\":{") != NULL &&
              strstr(l.text, "\"to\":1") != NULL && strstr(l.text, "\"rows\":10130") != NULL &&
              strstr(l.text, "\"refused\":0") != NULL && all_have(&h, 1) == 5 && rows_whole(&h),
          "the way back: all rows in version 1");
    house_reopen(&h);
    rules(&h);
    CHECK(all_have(&h, 1) == 5 && rows_whole(&h), "after a start too");
    fl_store_stats(h.store, &st);
    CHECK(st.versions[1] == 5 && st.versions[2] == 0, "which is counted");
    house_fill(&h, A, 7, true);
    CHECK(run(&h, "", false, 0, &l) == 0 && strstr(l.text, "\"segments\":5") != NULL &&
              strstr(l.text, "\"before\":{\"v1\":5,\"v2\":1}") != NULL &&
              all_have(&h, FL_SEGMENT_VERSION) == 6 && rows_whole(&h),
          "the upgrade takes those of the older version");
    pass(61 * FL_US_PER_S);
    house_tick(&h);
    fl_store_stats(h.store, &st);
    CHECK(st.retiring == 0 && st.versions[1] == 0 && st.versions[2] == 6, "and the old ones go");
    CHECK(run(&h, "", false, 0, &l) == 0 && strstr(l.text, "\"segments\":0") != NULL,
          "twice is once");
    CHECK(run(&h, "3", false, 0, &l) == FL_E_INVAL && run(&h, "x", false, 0, &l) == FL_E_INVAL &&
              run(&h, "0", false, 0, &l) == FL_E_INVAL,
          "other versions are not known");
    house_reopen(&h);
    CHECK(rows_whole(&h), "all rows are there in the end");
    house_end(&h);
}

static void check_resumed(void)
{
    struct house h;
    struct lines l;
    unsigned runs = 0;

    begin(&h);
    do {
        runs++;
        if (run(&h, "1", false, 1, &l) < 0)
            break;
        house_reopen(&h);
    } while (runs < 20 && all_have(&h, 1) == 0);
    CHECK(runs > 1 && all_have(&h, 1) == 5 && rows_whole(&h),
          "a run that is ended again and again goes on where it stopped");
    house_end(&h);
}

static int drop_third(void *ctx, const struct fl_block *block, uint8_t *keep, struct fl_err *err)
{
    (void)ctx;
    (void)block;
    (void)err;
    keep[0] &= (uint8_t)~4u;
    return 0;
}

static void check_refused(void)
{
    struct house h;
    struct lines l;
    struct fl_rewrite rw = {.old_count = 1, .keep = drop_third};
    struct fl_retired retired = {NULL, 0, 0};
    struct fl_rewrite_result res;
    char name[FL_SEGMENT_NAME_BYTES];

    begin(&h);
    rw.tenant = h.store->tenants[0];
    rw.day = rw.tenant->days[0];
    rw.old = rw.day->segs;
    CHECK(fl_store_rewrite(h.store, &rw, &retired, &res, NULL) == 0 && res.rows_out == 59,
          "a row is taken out");
    fl_retired_done(&retired);
    fl_segment_name(rw.day->segs[0]->id.file_id, name);
    CHECK(run(&h, "1", false, 0, &l) == 0 && strstr(l.text, "\"kind\":\"refused\"") != NULL &&
              strstr(l.text, name) != NULL && strstr(l.text, "\"refused\":1") != NULL &&
              strstr(l.text, "\"segments\":4") != NULL && rw.day->segs[0]->id.version == 2,
          "a segment with a gap cannot go back: it is named, the others go");
    CHECK(tally_of(h.store, A).rows == h.rows[A] - 1, "no row is lost by it");
    house_end(&h);
}

static void check_damaged(void)
{
    struct house h;
    struct lines l;
    struct fl_segment_id *id;
    char name[FL_SEGMENT_NAME_BYTES], path[160], text[16];

    begin(&h);
    id = &h.store->tenants[1]->days[0]->segs[0]->id;
    fl_segment_name(id->file_id, name);
    fl_day_format(id->day, text);
    (void)snprintf(path, sizeof path, "tenant2/%s/%s", text, name);
    if (powerfs_damage(h.fs, path, 90, 0x40) < 0)
        abort();
    CHECK(run(&h, "1", false, 0, &l) == 0 && strstr(l.text, "\"kind\":\"damaged\"") != NULL &&
              strstr(l.text, name) != NULL && strstr(l.text, "\"damaged\":1") != NULL &&
              strstr(l.text, "\"segments\":4") != NULL,
          "a damaged segment is named and left alone");
    house_end(&h);
}

int main(void)
{
    check_there_and_back();
    check_resumed();
    check_refused();
    check_damaged();
    return tap_done();
}
