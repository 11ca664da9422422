/* The store role: rules, rows, questions, work, purges. */
#include "store_world.h"

static void check_rules(struct world *w)
{
    deliver(w, TENANT, 1, 100, false);
    CHECK(rows_now(w) == 0 && !pump(w, QUIET_MS) && w->accepted_upto == 0,
          "nothing is accepted before the first rules");
    send_rule(w, TENANT);
    CHECK(until_accepted(w, 100) && w->accepted_conn == 77, "with a rule rows are accepted, and "
                                                            "ingest is told");
    deliver(w, TENANT, 101, 50, false);
    CHECK(until_accepted(w, 150) && rows_now(w) == 150 && w->got.tenants == 1 &&
              w->got.tenant.tenant == TENANT && w->got.tenant.rows == 150 &&
              w->got.stat.behind == 0,
          "the figures say so");
    deliver(w, TENANT, 500, 50, true);
    deliver(w, TENANT, 151, 50, false);
    CHECK(until_accepted(w, 200) && rows_now(w) == 200 && w->got.stat.batches_bad == 2,
          "a broken delivery is dropped and counted, the next is taken");
    deliver(w, TENANT + 1, 1, 10, false);
    (void)pump(w, QUIET_MS);
    send_rule(w, TENANT + 1);
    deliver(w, TENANT, 201, 10, false);
    CHECK(until_accepted(w, 210) && rows_now(w) == 220,
          "a tenant whose rule comes late loses nothing");
    deliver(w, TENANT + 9, 1, 10, false);
    deliver(w, TENANT + 9, 11, 10, false);
    deliver(w, TENANT, 211, 10, false);
    CHECK(until_accepted(w, 220) && rows_now(w) == 230 && w->got.stat.batches_bad >= 3,
          "rows of a tenant that nobody knows are dropped and counted in the end");
}

static void check_queries(struct world *w)
{
    FL_AUTO(fl_buf_done) struct fl_buf cap;
    unsigned before;

    fl_buf_init(&cap, FL_CAP_MAX_BYTES);
    query(w, FL_Q_COUNT, mint(w, FL_CAP_READ, &cap));
    credit(w, 1 << 20);
    CHECK(until_over(w) && w->got.end.code == 0 &&
              fl_span_find_nocase(fl_buf_span(&w->got.text), FL_SPAN("\"rows\":220")),
          "a query with a capability is answered");
    cap.ptr[cap.len - 1] ^= 1;
    query(w, FL_Q_COUNT, fl_buf_span(&cap));
    CHECK(until_over(w) && w->got.end.code == FL_E_DENIED && w->got.results == 0,
          "a capability that was changed is refused");
    query(w, FL_Q_COUNT, FL_SPAN(""));
    CHECK(until_over(w) && w->got.end.code == FL_E_DENIED, "none is refused");
    query(w, FL_Q_EXPORT, mint(w, FL_CAP_READ, &cap));
    CHECK(until_over(w) && w->got.end.code == FL_E_DENIED, "an export needs its own right");
    query(w, FL_Q_EXPORT, mint(w, FL_CAP_READ | FL_CAP_EXPORT, &cap));
    CHECK(!pump(w, QUIET_MS) && w->got.results == 0, "without credit nothing is sent");
    credit(w, 100);
    while (w->got.text.len < 100 && pump(w, WAIT_MS))
        ;
    CHECK(w->got.text.len == 100 && !pump(w, QUIET_MS), "as far as the credit goes");
    credit(w, 1 << 22);
    CHECK(until_over(w) && w->got.end.code == 0 && w->got.end.rows_matched == 220, "then the rest");
    query(w, (enum fl_query_kind)99, mint(w, FL_CAP_READ, &cap));
    CHECK(until_over(w) && w->got.end.code == FL_E_INVAL, "a kind that there is not");
    query(w, FL_Q_TAIL, mint(w, FL_CAP_READ | FL_CAP_REVEAL, &cap));
    credit(w, 1 << 20);
    (void)pump(w, QUIET_MS);
    deliver(w, TENANT, 221, 1, false);
    while (!fl_span_find_nocase(fl_buf_span(&w->got.text), FL_SPAN("line 221")) && pump(w, WAIT_MS))
        ;
    CHECK(fl_span_find_nocase(fl_buf_span(&w->got.text), FL_SPAN("line 221")), "a live tail");
    if (fl_imsg_send(w->as_core, FL_MSG_CANCEL, w->last_id, NULL, -1, NULL) < 0)
        abort();
    (void)pump(w, QUIET_MS);
    before = w->got.results;
    deliver(w, TENANT, 222, 1, false);
    CHECK(until_accepted(w, 222) && !pump(w, QUIET_MS) && w->got.results == before,
          "ends when it is cancelled");
}

/* Long work: lines under credit, one of a kind at a time. */
static void check_work(struct world *w)
{
    FL_AUTO(fl_buf_done) struct fl_buf cap;
    struct fl_msg_store_job msg = {
        .kind = FL_JOB_VERIFY, .from_day = INT32_MIN, .to_day = INT32_MAX};

    fl_buf_init(&cap, FL_CAP_MAX_BYTES);
    ask(w, FL_MSG_STORE_JOB, &msg);
    credit(w, 1 << 20);
    CHECK(until_over(w) && w->got.end.code == 0 &&
              fl_span_find_nocase(fl_buf_span(&w->got.text), FL_SPAN("\"ok\":true")),
          "verify needs no capability, it tells no rows");
    ask(w, FL_MSG_STORE_JOB, &msg);
    CHECK(!pump(w, QUIET_MS) && w->got.results == 0, "without credit it tells nothing");
    ask(w, FL_MSG_STORE_JOB, &msg);
    CHECK(until_over(w) && w->got.end.code == FL_E_AGAIN, "one at a time");
    if (fl_imsg_send(w->as_core, FL_MSG_CANCEL, w->last_id - 1, NULL, -1, NULL) < 0)
        abort();
    (void)pump(w, QUIET_MS);
    msg.kind = FL_JOB_ERASE;
    ask(w, FL_MSG_STORE_JOB, &msg);
    CHECK(until_over(w) && w->got.end.code == FL_E_DENIED, "erasing needs one");
    msg.cap = mint(w, FL_CAP_READ, &cap);
    ask(w, FL_MSG_STORE_JOB, &msg);
    CHECK(until_over(w) && w->got.end.code == FL_E_DENIED, "and the right one");
    msg.kind = 200;
    ask(w, FL_MSG_STORE_JOB, &msg);
    CHECK(until_over(w) && w->got.end.code == FL_E_INVAL, "a kind that there is not");
}

/* A process that has just begun: keys has not told its key yet, or it was not taken in. */
static void check_no_cap_key(struct world *w)
{
    FL_AUTO(fl_buf_done) struct fl_buf cap;
    struct fl_msg_purge purge = {.why = FL_SPAN("purge")};

    fl_buf_init(&cap, FL_CAP_MAX_BYTES);
    query(w, FL_Q_COUNT, mint(w, FL_CAP_READ, &cap));
    CHECK(until_over(w) && w->got.end.code == FL_E_AGAIN,
          "before the key of capabilities is there, questions cannot be answered");
    purge.cap = mint(w, FL_CAP_PURGE, &cap);
    ask(w, FL_MSG_PURGE, &purge);
    CHECK(until_over(w) && w->got.fail.code == FL_E_AGAIN, "nor can anything be purged");
}

static void check_purge(struct world *w)
{
    FL_AUTO(fl_buf_done) struct fl_buf cap;
    int32_t today = fl_day_of(fl_now_us());
    struct fl_msg_purge msg = {.from_day = today - 1, .to_day = today, .why = FL_SPAN("purge")};

    fl_buf_init(&cap, FL_CAP_MAX_BYTES);
    msg.cap = mint(w, FL_CAP_READ, &cap);
    ask(w, FL_MSG_PURGE, &msg);
    CHECK(until_over(w) && w->got.fail.code == FL_E_DENIED, "a purge needs its own right");
    msg.dry = 1;
    ask(w, FL_MSG_PURGE, &msg);
    CHECK(until_over(w) && w->got.purged.rows == 223 && w->got.purged.keys > 0 &&
              w->got.purged.days == 1 && w->got.purged.epoch == 0,
          "a dry run may be asked by who may read");
    msg.dry = 0;
    msg.cap = mint(w, FL_CAP_PURGE, &cap);
    ask(w, FL_MSG_PURGE, &msg);
    CHECK(until_over(w) && w->got.purged.rows == 223 && w->got.purged.keys > 0 &&
              w->got.purged.epoch > 0,
          "a purge is done and says what it did");
    query(w, FL_Q_COUNT, mint(w, FL_CAP_READ, &cap));
    credit(w, 1 << 20);
    CHECK(until_over(w) && fl_span_find_nocase(fl_buf_span(&w->got.text), FL_SPAN("\"rows\":0")),
          "nothing is left to read");
}

int main(void)
{
    struct world w;
    struct fl_err err = {0};

    memset(&w, 0, sizeof w);
    memkeys_init(&w.keys);
    w.dir = temp_folder(w.path);
    fl_cap_keypair(w.cap_public, w.cap_secret);
    if (fl_conf_defaults(&w.conf, &err) < 0 || fl_ring_create(4 << 20, &w.ring_fd, &err) < 0 ||
        fl_ring_writer_open(w.ring_fd, &w.ring, &err) < 0 || fl_loop_new(&w.loop, &err) < 0 ||
        fl_watch_timer(w.loop, -1, 0, on_timer, &w, &w.timer, &err) < 0)
        abort();
    begin(&w);
    send_cap_key(&w);
    check_rules(&w);
    CHECK(until_cap_key(&w), "capabilities can be checked");
    check_queries(&w);
    end(&w);
    begin(&w);
    send_cap_key(&w);
    CHECK(rows_now(&w) == 232, "a new process has the rows of the old");
    send_rule(&w, TENANT);
    w.accepted_upto = 0;
    deliver(&w, TENANT, 223, 1, false);
    CHECK(until_accepted(&w, 223) && rows_now(&w) == 233, "and goes on in the ring");
    end(&w);
    begin(&w);
    send_rule(&w, TENANT);
    (void)rows_now(&w);
    check_no_cap_key(&w);
    send_cap_key(&w);
    CHECK(until_cap_key(&w), "with it they can");
    check_work(&w);
    check_purge(&w);
    end(&w);
    if (logged[0] == '\0')
        printf("# nothing was logged\n");
    fl_buf_done(&w.got.text);
    fl_watch_free(w.timer);
    fl_loop_free(w.loop);
    fl_ring_writer_close(w.ring);
    (void)close(w.ring_fd);
    fl_conf_free(w.conf);
    memkeys_done(&w.keys);
    (void)close(w.dir);
    remove_tree(w.path);
    return tap_done();
}
