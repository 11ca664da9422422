/* Drills in the database: numbers, what stays as it was, what goes with a drill. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/db_drill.h"
#include "db/db_int.h"
#include "tap.h"

static struct fl_db *db;
static struct fl_err err;
static uint32_t tenant[2];

static void open_db(void)
{
    static const unsigned char key[FL_SQL_KEY_BYTES] = {1, 2, 3};
    static const char *const slugs[] = {"acme", "corvane"};

    if (fl_db_open("drill.db", key, 1, &db, &err) < 0) {
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

static struct fl_drill add(uint32_t of)
{
    struct fl_drill d = {.tenant = of, .title = "Quake", .minutes = 60, .draws = 100, .seed = 7};

    if (fl_db_drill_add(db, &d, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return d;
}

static int count_action(void *ctx, const struct fl_drill_action *a)
{
    (void)a;
    (*(unsigned *)ctx)++;
    return 0;
}

static int last_answer(void *ctx, const struct fl_drill_answer *a)
{
    *(struct fl_drill_answer *)ctx = *a;
    return 0;
}

static int last_drill(void *ctx, const struct fl_drill *d)
{
    *(struct fl_drill *)ctx = *d;
    return 0;
}

static void check_numbers(void)
{
    struct fl_drill a = add(tenant[0]), b = add(tenant[0]), c = add(tenant[1]), last = {.id = 0};
    struct fl_drill bad = {.tenant = tenant[0], .title = "", .minutes = 60, .draws = 100};
    struct fl_db_list list;

    CHECK(a.number == 1 && b.number == 2 && c.number == 1, "each tenant counts its own");
    CHECK(fl_db_drill_remove(db, tenant[0], b.id, &err) == FL_OK && add(tenant[0]).number == 3,
          "a number is not given twice");
    CHECK(fl_db_drill_get(db, tenant[1], a.id, &b, &err) == FL_E_NOENT, "of another tenant");
    CHECK(fl_db_drill_remove(db, tenant[1], a.id, &err) == FL_E_NOENT, "... nor removed by it");
    CHECK(fl_db_drill_add(db, &bad, &err) == FL_E_INVAL, "a title");
    bad = a;
    bad.draws = 1;
    CHECK(fl_db_drill_set(db, &bad, &err) == FL_E_INVAL, "draws within their limits");
    CHECK(fl_db_drills(db, tenant[0], (struct fl_db_page){NULL, 1}, last_drill, &last, &list,
                       &err) == FL_OK &&
              list.total == 2 && last.number == 3 && list.next[0] != '\0',
          "the newest first, by pages");
    CHECK(fl_db_drills(db, tenant[0], (struct fl_db_page){list.next, 1}, last_drill, &last, &list,
                       &err) == FL_OK &&
              last.number == 1 && list.next[0] == '\0',
          "... to the last");
}

static void check_before(void)
{
    struct fl_drill a = add(tenant[1]), b = add(tenant[1]), before;

    CHECK(fl_db_drill_before(db, &b, &before, &err) == FL_E_NOENT, "none has ended before");
    a.started_us = 10;
    a.ended_us = 20;
    a.state = FL_DRILL_ENDED;
    CHECK(fl_db_drill_set(db, &a, &err) == FL_OK &&
              fl_db_drill_before(db, &b, &before, &err) == FL_OK && before.id == a.id,
          "the one that ended last");
}

static void check_parts(void)
{
    struct fl_drill d = add(tenant[0]);
    struct fl_drill_person p = {.tenant = d.tenant, .drill = d.id, .name = "Ann"};
    struct fl_drill_inject i = {.drill = d.id, .number = 1, .title = "First", .minutes = 5};
    struct fl_drill_answer a = {.drill = d.id, .text = "so", .at_us = 9, .clock_us = 3}, back;
    struct fl_drill_action n = {.drill = d.id, .text = "gap"};
    struct fl_buf text;
    unsigned count = 0;

    CHECK(fl_db_drill_person_add(db, &p, &err) == FL_OK &&
              fl_db_drill_person_add(db, &p, &err) == FL_E_EXISTS &&
              strstr(err.text, "Ann") != NULL,
          "a participant once");
    CHECK(fl_db_drill_inject_add(db, &i, &err) == FL_OK, "an inject");
    a.inject = i.id;
    a.person = p.id;
    CHECK(fl_db_drill_answer_add(db, &a, &err) == FL_OK &&
              fl_db_drill_answer_add(db, &a, &err) == FL_E_EXISTS,
          "an answer once");
    a.grade = FL_GRADE_WEAK;
    CHECK(fl_db_drill_answer_set(db, &a, &err) == FL_OK, "it may be judged");
    a.clock_us = 1;
    CHECK(fl_db_drill_answer_set(db, &a, &err) < 0, "... but stays as it was given");
    CHECK(fl_db_drill_answers(db, d.id, last_answer, &back, &err) == FL_OK && back.clock_us == 3 &&
              back.grade == FL_GRADE_WEAK,
          "... both");
    CHECK(fl_db_drill_action_add(db, &n, &err) == FL_OK, "a gap");
    fl_buf_init(&text, 4096);
    CHECK(fl_db_drill_text(db, d.id, "cost", &text, &err) == FL_E_NOENT, "nothing calculated");
    CHECK(fl_db_drill_text_set(db, d.id, "cost", FL_SPAN("{}"), &err) == FL_OK &&
              fl_db_drill_text_set(db, d.id, "cost", FL_SPAN("{\"a\":1}"), &err) == FL_OK &&
              fl_db_drill_text(db, d.id, "cost", &text, &err) == FL_OK && text.len == 7,
          "the last calculation stays");
    fl_buf_done(&text);
    CHECK(fl_db_drill_remove(db, d.tenant, d.id, &err) == FL_OK &&
              fl_db_drill_actions(db, d.id, count_action, &count, &err) == FL_OK && count == 0,
          "all of it goes with the drill");
}

int main(void)
{
    char dir[] = "/tmp/fl-test-drill-XXXXXX";

    if (mkdtemp(dir) == NULL || chdir(dir) < 0)
        return 1;
    open_db();
    check_numbers();
    check_before();
    check_parts();
    fl_db_close(db);
    (void)unlink("drill.db");
    (void)unlink("drill.db-wal");
    (void)unlink("drill.db-shm");
    (void)rmdir(dir);
    return tap_done();
}
