/* Cases in the database: numbers, what stays as it was, the one door outwards, mailboxes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "db/db_case.h"
#include "db/db_int.h"
#include "db/db_notice.h"
#include "model/tenant.h"
#include "tap.h"

static struct fl_db *db;
static struct fl_err err;
static uint32_t tenant[2];

static void open_db(void)
{
    static const unsigned char key[FL_SQL_KEY_BYTES] = {1, 2, 3};
    static const char *const slugs[] = {"acme", "corvane"};

    if (fl_db_open("case.db", key, 1, &db, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    for (size_t i = 0; i < 2; i++) {
        struct fl_tenant t = {.keep_days = 7, .created_us = 5};

        (void)snprintf(t.slug, sizeof t.slug, "%s", slugs[i]);
        (void)snprintf(t.name, sizeof t.name, "%s", slugs[i]);
        if (fl_db_tenant_add(db, &t, &err) < 0)
            abort();
        tenant[i] = t.id;
    }
}

static struct fl_case add_case(uint32_t of, bool exercise)
{
    struct fl_case c = {.tenant = of,
                        .kind = "supply",
                        .title = "Quake",
                        .state = "open",
                        .exercise = exercise,
                        .opened_us = 10};

    if (fl_db_case_add(db, &c, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return c;
}

static void check_numbers(void)
{
    struct fl_case a = add_case(tenant[0], false), b = add_case(tenant[0], false),
                   c = add_case(tenant[1], false), back;
    char text[16];

    CHECK(a.number == 1 && b.number == 2 && c.number == 1, "each tenant counts its own");
    fl_case_number(&b, text);
    CHECK(strcmp(text, "SC-0002") == 0, "as people write it");
    CHECK(fl_db_case_get(db, tenant[1], a.id, &back, NULL) == FL_E_NOENT,
          "another tenant's is not there");
    CHECK(fl_db_case_remove(db, tenant[0], b.id, NULL) == 0, "removed");
    b = add_case(tenant[0], false);
    CHECK(b.number == 3, "a number is not given twice");
    back = a;
    back.exercise = true;
    CHECK(fl_db_case_set(db, &back, NULL) < 0, "a case does not become an exercise, nor back");
}

static int sql(const char *text)
{
    return fl_sql_run(db->sql, text, NULL);
}

static int count_step(void *ctx, const struct fl_clock_step *step)
{
    *(unsigned *)ctx += step->id > 0;
    return 0;
}

static void check_clocks(void)
{
    struct fl_case c = add_case(tenant[0], false);
    struct fl_clock clock = {.tenant = c.tenant,
                             .case_id = c.id,
                             .kind = "assess",
                             .first_us = 100,
                             .started_us = 100,
                             .due_us = 200,
                             .last_us = 100};
    struct fl_clock_step step = {.tenant = c.tenant, .at_us = 100, .actor = "ann", .reason = "r"};
    unsigned n = 0;

    CHECK(fl_db_clock_add(db, &clock, &err) == 0, "a clock");
    step.clock = clock.id;
    CHECK(fl_db_clock_step_add(db, &step, &err) == 0, "its first step");
    clock.started_us = 50;
    CHECK(fl_db_clock_set(db, &clock, &err) == 0, "re-dated");
    clock.first_us = 50;
    CHECK(fl_db_clock_set(db, &clock, &err) < 0, "its first start stays");
    CHECK(sql("UPDATE clock_steps SET at_us = 1") < 0, "steps are not changed");
    CHECK(sql("DELETE FROM clock_steps") < 0, "nor removed");
    CHECK(fl_db_clock_steps(db, clock.id, count_step, &n, &err) == 0 && n == 1, "it is there");
    CHECK(fl_db_case_remove(db, c.tenant, c.id, &err) == 0, "with its case it goes");
    n = 0;
    CHECK(fl_db_clock_steps(db, clock.id, count_step, &n, &err) == 0 && n == 0, "steps too");
}

static int count_due(void *ctx, const struct fl_notice *notice)
{
    *(unsigned *)ctx += notice->id > 0;
    return 0;
}

static unsigned in_queue(void)
{
    unsigned n = 0;

    if (fl_db_notices_due(db, INT64_MAX, 0, count_due, &n, &err) < 0)
        return 999;
    return n;
}

static void check_door(void)
{
    struct fl_case real = add_case(tenant[0], false), drill = add_case(tenant[0], true);
    struct fl_case_notice n = {.tenant = tenant[0],
                               .case_id = real.id,
                               .what = "notice",
                               .kind = FL_NOTICE_MAIL,
                               .to_addr = "ann@example.com",
                               .subject = "s",
                               .body = "b",
                               .state = "draft",
                               .created_us = 5};
    struct fl_case_notice d = n;

    CHECK(fl_db_case_notice_send(db, &n, &err) == 0 && strcmp(n.state, "queued") == 0 && n.out > 0,
          "a notice goes into the queue");
    CHECK(in_queue() == 1, "and stands there");
    d.case_id = drill.id;
    CHECK(fl_db_case_notice_send(db, &d, &err) == 0 && strcmp(d.state, "withheld") == 0 &&
              d.out == 0,
          "that of an exercise is withheld");
    CHECK(fl_db_case_notice_send(db, &d, &err) == 0 && strcmp(d.state, "withheld") == 0, "again");
    CHECK(in_queue() == 1, "nothing of it stands in the queue");
    n.id = 0;
    n.case_id = 4711;
    CHECK(fl_db_case_notice_send(db, &n, &err) == FL_E_NOENT, "of a case that is none: nothing");
    n.case_id = real.id;
    n.tenant = tenant[1];
    CHECK(fl_db_case_notice_send(db, &n, &err) == FL_E_NOENT, "nor of another tenant's");
}

static int count_question(void *ctx, const struct fl_question *q)
{
    *(unsigned *)ctx += q->id > 0;
    return 0;
}

static unsigned of_mailbox(const char *email, uint32_t without)
{
    unsigned n = 0;

    if (fl_db_questions_of_mailbox(db, email, without, 100, count_question, &n, &err) < 0)
        return 999;
    return n;
}

static void add_clock(const struct fl_case *c)
{
    struct fl_clock clock = {.tenant = c->tenant, .case_id = c->id, .kind = "assess"};
    struct fl_clock_step step = {.tenant = c->tenant, .at_us = 100, .actor = "a", .reason = "r"};

    if (fl_db_clock_add(db, &clock, &err) < 0)
        abort();
    step.clock = clock.id;
    if (fl_db_clock_step_add(db, &step, &err) < 0)
        abort();
}

static uint32_t ask(const struct fl_case *c, const char *email, int64_t expires_us)
{
    struct fl_question q = {.tenant = c->tenant,
                            .case_id = c->id,
                            .site = "S",
                            .language = "en",
                            .state = "sent",
                            .expires_us = expires_us,
                            .days_m = FL_CASE_UNKNOWN};
    struct fl_question_token t = {.tenant = c->tenant, .expires_us = expires_us};

    if (fl_db_question_add(db, &q, &err) < 0)
        abort();
    t.question = q.id;
    memcpy(t.hash, &q.id, sizeof q.id);
    (void)snprintf(t.email, sizeof t.email, "%s", email);
    if (fl_db_question_token_add(db, &t, &err) < 0)
        abort();
    return q.id;
}

static void check_mailboxes(void)
{
    struct fl_case a = add_case(tenant[0], false), b = add_case(tenant[1], false),
                   drill = add_case(tenant[1], true), over = add_case(tenant[1], false);
    uint32_t first = ask(&a, "m@x.jp", 900);
    struct fl_question_token t;
    unsigned char hash[32] = {0};
    struct fl_question q;

    add_clock(&b);
    (void)ask(&b, "m@x.jp", 900);
    (void)ask(&drill, "m@x.jp", 900);
    (void)ask(&b, "m@x.jp", 99); /* has expired */
    (void)ask(&b, "other@x.jp", 900);
    (void)ask(&b, "", 900);
    (void)ask(&over, "m@x.jp", 900);
    over.closed_us = 50;
    CHECK(fl_db_case_set(db, &over, &err) == 0, "a case that is over");
    CHECK(of_mailbox("m@x.jp", first) == 1, "the other customer's alone");
    CHECK(of_mailbox("", 0) == 0, "a link without a mailbox has no others");
    memcpy(hash, &first, sizeof first);
    CHECK(fl_db_question_token_get(db, hash, &t, &err) == 0 && t.question == first, "by its hash");
    hash[31] = 1;
    CHECK(fl_db_question_token_get(db, hash, &t, &err) == FL_E_NOENT, "by no other");
    CHECK(fl_db_question_get(db, tenant[1], a.id, first, &q, NULL) == FL_E_NOENT,
          "a question is its tenant's");
}

int main(void)
{
    (void)unlink("case.db");
    open_db();
    check_numbers();
    check_clocks();
    check_door();
    check_mailboxes();
    CHECK(fl_db_tenant_remove(db, "corvane", &err) == 0, "a tenant goes, with all its cases");
    fl_db_close(db);
    (void)unlink("case.db");
    (void)unlink("case.db-wal");
    (void)unlink("case.db-shm");
    return tap_done();
}
