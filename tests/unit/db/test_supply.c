/*
 * A network of supply in the database: rows with their history, changes that are seen at once and
 * undone as one, what a crash leaves, decisions, layouts, pieces of imports.
 *
 * test_db_supply --measure N: how long an import of N sources takes.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "db/db_supply.h"
#include "tap.h"

static struct fl_db *open_db(const char *name)
{
    static const unsigned char key[FL_SQL_KEY_BYTES] = {1, 2, 3};
    struct fl_db *db;
    struct fl_err err = {0};

    if (fl_db_open(name, key, 1, &db, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return db;
}

static uint32_t add_tenant(struct fl_db *db, const char *slug)
{
    struct fl_tenant t = {.keep_days = 7, .created_us = 5};
    struct fl_err err;

    (void)snprintf(t.slug, sizeof t.slug, "%s", slug);
    (void)snprintf(t.name, sizeof t.name, "%s", slug);
    (void)snprintf(t.far_zones, sizeof t.far_zones, "vpn");
    if (fl_db_tenant_add(db, &t, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return t.id;
}

/* A change as a test writes it: "+id=cells" puts, "-id" drops; of suppliers. */
static int change(struct fl_db *db, uint32_t tenant, int64_t at_us, const char *const *what,
                  struct fl_db_supply_change *ret, struct fl_err *err)
{
    struct fl_db_supply_change c = {
        .tenant = tenant, .at_us = at_us, .who = "ann", .kind = "edit", .title = "by hand"};
    int r = fl_db_supply_begin(db, &c, err);

    for (; r >= 0 && *what != NULL; what++) {
        const char *id = *what + 1, *equals = strchr(id, '=');
        struct fl_span key = fl_span_of(id, equals == NULL ? strlen(id) : (size_t)(equals - id));

        r = (*what)[0] == '-'
                ? fl_db_supply_drop(db, &c, FL_SUPPLY_SUPPLIERS, key, err)
                : fl_db_supply_put(db, &c, FL_SUPPLY_SUPPLIERS, key, fl_span_str(equals + 1), err);
    }
    if (r >= 0)
        r = fl_db_supply_publish(db, &c, err);
    if (ret != NULL)
        *ret = c;
    return r;
}
#define CHANGE(db, tenant, at, ...)                                                                \
    change(db, tenant, at, (const char *const[]){__VA_ARGS__, NULL}, NULL, &err)

static int add_text(void *ctx, const struct fl_db_supply_row *row)
{
    char *text = ctx;
    size_t len = strlen(text);

    (void)snprintf(text + len, 400 - len, "%.*s=%.*s ", FL_SPAN_ARG(row->key),
                   FL_SPAN_ARG(row->cells));
    return 0;
}

/* All suppliers of a version as "id=cells " in order. */
static const char *all(struct fl_db *db, uint32_t tenant, uint64_t version)
{
    static char text[400];
    struct fl_db_supply_list list;
    struct fl_err err;

    text[0] = '\0';
    if (fl_db_supply_rows(db, tenant, FL_SUPPLY_SUPPLIERS, version, "", "", 100, add_text, text,
                          &list, &err) < 0)
        return err.code == 0 ? "?" : "failed";
    return text;
}
#define IS(db, tenant, version, text) (strcmp(all(db, tenant, version), text) == 0)

static int undo(struct fl_db *db, uint32_t tenant, uint64_t number, uint32_t piece,
                struct fl_err *err)
{
    struct fl_db_supply_change c = {
        .tenant = tenant, .at_us = 99, .who = "bob", .kind = "undo", .undoes = number};
    int r = fl_db_supply_undo_check(db, tenant, number, err);

    if (r == FL_OK)
        r = fl_db_supply_begin(db, &c, err);
    for (bool more = true; r == FL_OK && more;) {
        int left = fl_db_begin(db, err);

        if (left == FL_OK)
            left = fl_db_supply_undo(db, &c, piece, err);
        more = left == 1;
        r = left < 0 ? left : fl_db_commit(db, err);
    }
    return r < 0 ? r : fl_db_supply_publish(db, &c, err);
}

static void check_history(struct fl_db *db, uint32_t t)
{
    struct fl_db_supply_head head;
    struct fl_db_supply_change got;
    struct fl_err err;
    uint64_t version = 9;
    char text[400] = "";

    CHECK(fl_db_supply_head(db, t, &head, &err) == 0 && head.version == 0, "nothing at first");
    CHECK(CHANGE(db, t, 10, "+a=1", "+b=2") == 0 && CHANGE(db, t, 20, "+b=3", "+c=4") == 0 &&
              CHANGE(db, t, 30, "-a", "+b=3") == 0,
          "three changes");
    CHECK(IS(db, t, 0, "b=3 c=4 ") && IS(db, t, 1, "a=1 b=2 ") && IS(db, t, 2, "a=1 b=3 c=4 "),
          "what was believed after each");
    CHECK(fl_db_supply_head(db, t, &head, &err) == 0 && head.version == 3 &&
              head.rows[FL_SUPPLY_SUPPLIERS] == 2 && head.changed_us == 30,
          "the head counts");
    CHECK(fl_db_supply_version_at(db, t, 25, &version, &err) == 0 && version == 2 &&
              fl_db_supply_version_at(db, t, 9, &version, &err) == 0 && version == 0,
          "a time becomes a version");
    CHECK(fl_db_supply_history(db, t, FL_SUPPLY_SUPPLIERS, "b", add_text, text, &err) == 0 &&
              strcmp(text, "b=3 b=2 ") == 0,
          "versions of a row, newest first");
    CHECK(fl_db_supply_change_get(db, t, 2, &got, &err) == 0 && got.added == 1 &&
              got.changed == 1 && got.removed == 0 && strcmp(got.who, "ann") == 0 &&
              fl_db_supply_change_get(db, t, 9, &got, &err) == FL_E_NOENT,
          "a change says what it did");
    CHECK(fl_db_supply_has(db, t, FL_SUPPLY_SUPPLIERS, FL_SPAN("b")) &&
              !fl_db_supply_has(db, t, FL_SUPPLY_SUPPLIERS, FL_SPAN("a")),
          "what is there");
}

static void check_undo(struct fl_db *db, uint32_t t)
{
    struct fl_db_supply_change got;
    struct fl_err err = {0};

    CHECK(undo(db, t, 2, 10, &err) == 0 || err.code == FL_E_EXISTS, "undo of a change in between");
    CHECK(IS(db, t, 0, "b=2 "), "brings back what it closed, takes what it brought");
    CHECK(undo(db, t, 2, 10, &err) == FL_E_EXISTS, "not twice");
    CHECK(undo(db, t, 1, 10, &err) == FL_E_EXISTS &&
              strstr(err.text, "undo that one first") != NULL,
          "not below a change that stands on it");
    CHECK(undo(db, t, 4, 1, &err) == 0 && IS(db, t, 0, "b=3 c=4 "), "undo of the undo, row by row");
    CHECK(undo(db, t, 3, 1, &err) == 0 && IS(db, t, 0, "a=1 b=3 c=4 "), "a removed row comes back");
    CHECK(fl_db_supply_change_get(db, t, 3, &got, &err) == 0 && got.undone_by == 6,
          "the change says by which it was undone");
    CHECK(IS(db, t, 3, "b=3 c=4 "), "and the past stays the past");
}

/* Nobody sees a change before it is published; a process that dies leaves nothing. */
static void check_crash(uint32_t t)
{
    struct fl_db_supply_change c = {.tenant = t, .at_us = 50, .who = "ann", .kind = "import"};
    struct fl_db *db = open_db("supply.db");
    struct fl_err err;
    int r;

    CHECK(
        fl_db_supply_begin(db, &c, &err) == 0 &&
            fl_db_supply_put(db, &c, FL_SUPPLY_SUPPLIERS, FL_SPAN("b"), FL_SPAN("9"), &err) == 2 &&
            fl_db_supply_put(db, &c, FL_SUPPLY_SUPPLIERS, FL_SPAN("b"), FL_SPAN("8"), &err) == 2 &&
            fl_db_supply_put(db, &c, FL_SUPPLY_SUPPLIERS, FL_SPAN("new"), FL_SPAN("1"), &err) ==
                1 &&
            fl_db_supply_drop(db, &c, FL_SUPPLY_SUPPLIERS, FL_SPAN("c"), &err) == 0,
        "half a change");
    CHECK(IS(db, t, 0, "a=1 b=3 c=4 "), "nobody sees it");
    fl_db_close(db);
    db = open_db("supply.db");
    CHECK(IS(db, t, 0, "a=1 b=3 c=4 "), "after the process died neither");
    do
        r = fl_db_supply_begin(db, &c, &err);
    while (r == FL_E_AGAIN);
    CHECK(r == 0 && c.number == 7, "the next one begins where it would have");
    CHECK(fl_db_supply_put(db, &c, FL_SUPPLY_SUPPLIERS, FL_SPAN("b"), FL_SPAN("3"), &err) == 0 &&
              fl_db_supply_publish(db, &c, &err) == 0 && IS(db, t, 0, "a=1 b=3 c=4 "),
          "and finds what stood, not what was cut off");
    fl_db_close(db);
}

static int count_row(void *ctx, const struct fl_db_supply_row *row)
{
    (*(unsigned *)ctx)++;
    return row->since > 0 ? 0 : FL_E_CORRUPT;
}

static int stop_row(void *ctx, const struct fl_db_supply_row *row)
{
    (void)row;
    return ++*(unsigned *)ctx == 3 ? FL_E_LIMIT : 0;
}

static void check_lists(struct fl_db *db)
{
    uint32_t t = add_tenant(db, "lists"), other = add_tenant(db, "other");
    struct fl_db_supply_change c = {.tenant = t, .at_us = 1, .who = "ann", .kind = "import"};
    struct fl_db_supply_list list = {.count = 0};
    char key[32], cells[32], after[FL_SUPPLY_KEY_MAX + 1] = "";
    unsigned n = 0, pages = 0;
    struct fl_err err;
    int r = fl_db_supply_begin(db, &c, &err);

    for (int i = 0; i < 25 && r >= 0; i++) {
        (void)snprintf(key, sizeof key, "s%02d@x", i);
        (void)snprintf(cells, sizeof cells, "Name %c", 'A' + i);
        r = fl_db_supply_put(db, &c, FL_SUPPLY_SITES, fl_span_str(key), fl_span_str(cells), &err);
    }
    CHECK(r >= 0 && fl_db_supply_publish(db, &c, &err) == 0, "25 rows");
    do {
        r = fl_db_supply_rows(db, t, FL_SUPPLY_SITES, 0, after, "", 10, count_row, &n, &list, &err);
        memcpy(after, list.next, sizeof after);
        pages++;
    } while (r == 0 && after[0] != '\0' && pages < 9);
    CHECK(n == 25 && pages == 3 && list.count == 5, "three pages");
    n = 0;
    CHECK(fl_db_supply_rows(db, t, FL_SUPPLY_SITES, 0, "", "name c", 10, count_row, &n, &list,
                            &err) == 0 &&
              n == 1,
          "a text is found without case");
    n = 0;
    CHECK(fl_db_supply_rows(db, t, FL_SUPPLY_SITES, 0, "", "", 0xFFFF, stop_row, &n, &list, &err) ==
              FL_E_LIMIT,
          "a reader may stop");
    n = 0;
    CHECK(fl_db_supply_rows(db, other, FL_SUPPLY_SITES, 0, "", "", 10, count_row, &n, &list,
                            &err) == 0 &&
              n == 0 && !fl_db_supply_has(db, other, FL_SUPPLY_SITES, FL_SPAN("s01@x")),
          "another tenant has none of them");
    {
        uint64_t under = 0;

        CHECK(fl_db_supply_under(db, t, FL_SUPPLY_SITES, "s01", &under, &err) == 0 && under == 1 &&
                  fl_db_supply_under(db, t, FL_SUPPLY_SITES, "s0", &under, &err) == 0 && under == 0,
              "rows whose key begins with an id");
    }
    CHECK(fl_db_tenant_remove(db, "lists", &err) == 0 &&
              !fl_db_supply_has(db, t, FL_SUPPLY_SITES, FL_SPAN("s01@x")),
          "a tenant's rows go with it");
}

static int last_decision(void *ctx, const struct fl_db_supply_decision *decision)
{
    *(struct fl_db_supply_decision *)ctx = *decision;
    return 0;
}

static void check_decisions(struct fl_db *db, uint32_t t)
{
    struct fl_db_supply_decision d = {.kind = "same_supplier",
                                      .subject = "s1@s2",
                                      .answer = "s1",
                                      .at_us = 3,
                                      .who = "ann"},
                                 got = {.number = 0};
    uint64_t before = 0, after = 0;
    struct fl_err err;

    CHECK(fl_db_supply_decide(db, t, &d, &err) == 0 && d.number == 1, "a decision");
    CHECK(fl_db_supply_decide(db, t, &d, &err) == FL_E_EXISTS, "once on a subject");
    CHECK(fl_db_supply_decision_version(db, t, &before, &err) == 0 &&
              fl_db_supply_reverse(db, t, 1, "bob", 7, &err) == 0 &&
              fl_db_supply_decision_version(db, t, &after, &err) == 0 && after > before,
          "reversed, and the version moves");
    CHECK(fl_db_supply_reverse(db, t, 1, "bob", 8, &err) == FL_E_EXISTS &&
              fl_db_supply_reverse(db, t, 9, "bob", 8, &err) == FL_E_NOENT,
          "not twice, not what is not there");
    CHECK(fl_db_supply_decide(db, t, &d, &err) == 0 && d.number == 2, "and decided anew");
    CHECK(fl_db_supply_decisions(db, t, true, last_decision, &got, &err) == 0 && got.number == 2 &&
              strcmp(got.subject, "s1@s2") == 0 && got.reversed_us == 0,
          "the list of those that stand");
}

static void check_layouts(struct fl_db *db, uint32_t t)
{
    struct fl_db_supply_layout l = {.headings = "aa",
                                    .name = "erp",
                                    .table = FL_SUPPLY_PARTS,
                                    .map = "MATNR\x1Fpart_id\x1F",
                                    .at_us = 1,
                                    .who = "ann"},
                               got;
    struct fl_err err;

    CHECK(fl_db_supply_layout_set(db, t, &l, &err) == 0 &&
              fl_db_supply_layout_get(db, t, "aa", NULL, &got, &err) == 0 &&
              got.table == FL_SUPPLY_PARTS && strcmp(got.map, l.map) == 0 &&
              fl_db_supply_layout_get(db, t, NULL, "erp", &got, &err) == 0,
          "a layout by its headings and by its name");
    CHECK(fl_db_supply_layout_get(db, t, "bb", NULL, &got, &err) == FL_E_NOENT &&
              fl_db_supply_layout_remove(db, t, "aa", &err) == 0 &&
              fl_db_supply_layout_get(db, t, "aa", NULL, &got, &err) == FL_E_NOENT,
          "and gone");
}

static int sum_files(void *ctx, const char *file, uint64_t size)
{
    *(uint64_t *)ctx += size + (file[0] == 's');
    return 0;
}

static void check_imports(struct fl_db *db, uint32_t t)
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;
    struct fl_db_supply_import a = {.tenant = t, .name = "week", .who = "ann", .created_us = 1000},
                               got;
    uint64_t size = 0, sum = 0;
    struct fl_err err;

    fl_buf_init(&buf, 100);
    CHECK(fl_db_supply_import_add(db, &a, &err) == 0 && a.id > 0, "an import");
    CHECK(fl_db_supply_piece_put(db, &a, "s.csv", 0, FL_SPAN("abc"), &size, &err) == 0 &&
              size == 3 &&
              fl_db_supply_piece_put(db, &a, "s.csv", 3, FL_SPAN("de"), &size, &err) == 0 &&
              size == 5,
          "two pieces");
    CHECK(fl_db_supply_piece_put(db, &a, "s.csv", 9, FL_SPAN("x"), &size, &err) == FL_E_EXISTS &&
              size == 5,
          "a gap is refused with where to go on");
    CHECK(fl_db_supply_piece_get(db, a.id, "s.csv", 3, &buf, &err) == 1 && buf.len == 2 &&
              fl_db_supply_piece_get(db, a.id, "s.csv", 5, &buf, &err) == 0,
          "read back");
    CHECK(fl_db_supply_piece_put(db, &a, "s.csv", 0, FL_SPAN("q"), &size, &err) == 0 && size == 1 &&
              fl_db_supply_import_get(db, t, a.id, &got, &err) == 0 && got.bytes == 1,
          "offset 0 begins anew");
    CHECK(fl_db_supply_files(db, a.id, sum_files, &sum, &err) == 0 && sum == 2, "its files");
    CHECK(fl_db_supply_import_get(db, t + 1, a.id, &got, &err) == FL_E_NOENT,
          "not another tenant's");
    for (unsigned i = 1; i < FL_SUPPLY_IMPORTS_MAX; i++)
        if (fl_db_supply_import_add(db, &a, &err) < 0)
            CHECK(0, "room for more imports");
    CHECK(fl_db_supply_import_add(db, &a, &err) == FL_E_LIMIT, "a limit");
    a.created_us += FL_SUPPLY_IMPORT_US + 1;
    CHECK(fl_db_supply_import_add(db, &a, &err) == 0, "old ones are forgotten");
    CHECK(fl_db_supply_import_remove(db, t, a.id, &err) == 0 &&
              fl_db_supply_import_remove(db, t, a.id, &err) == FL_E_NOENT,
          "removed");
}

/* ---- how fast ---- */

static double seconds(int64_t from_us)
{
    return (double)(fl_now_mono_us() - from_us) / 1e6;
}

static int put_many(struct fl_db *db, struct fl_db_supply_change *c, unsigned count,
                    const char *tail, int64_t *ret_worst_us, struct fl_err *err)
{
    char key[64], cells[96];
    int r = FL_OK;

    *ret_worst_us = 0;
    for (unsigned i = 0; i < count && r >= 0;) {
        int64_t from_us = fl_now_mono_us();

        r = fl_db_begin(db, err);
        for (unsigned k = 0; k < 2000 && i < count && r >= 0; k++, i++) {
            int n =
                snprintf(key, sizeof key, "part-%06u@site-%05u", i / 10, i % 10 * 10007 % 99991);
            int m = snprintf(cells, sizeof cells,
                             "\x08"
                             "part-%06u|site-%05u|0.1|yes|%s|",
                             i / 10, i % 10 * 10007 % 99991, tail);

            r = fl_db_supply_put(db, c, FL_SUPPLY_PART_SITES, fl_span_of(key, (size_t)n),
                                 fl_span_of(cells, (size_t)m), err);
        }
        if (r >= 0)
            r = fl_db_commit(db, err);
        if (fl_now_mono_us() - from_us > *ret_worst_us)
            *ret_worst_us = fl_now_mono_us() - from_us;
    }
    return r;
}

static int measure(unsigned count)
{
    struct fl_db *db = open_db("measure.db");
    uint32_t t = add_tenant(db, "big");
    struct fl_db_supply_change c = {.tenant = t, .at_us = 1, .who = "ann", .kind = "import"};
    struct fl_db_supply_list list;
    struct fl_err err = {0};
    int64_t from_us, worst_us = 0;
    unsigned n = 0;
    int r;

    for (int round = 0; round < 3; round++) {
        static const char *const tails[] = {"customer", "customer", "supplier"};

        from_us = fl_now_mono_us();
        r = fl_db_supply_begin(db, &c, &err);
        if (r == FL_OK)
            r = put_many(db, &c, count, tails[round], &worst_us, &err);
        if (r >= 0)
            r = fl_db_supply_publish(db, &c, &err);
        printf("import %d: r %d, %u rows in %.2f s, slice of 2,000 at most %.1f ms; +%llu ~%llu\n",
               round + 1, r, count, seconds(from_us), (double)worst_us / 1e3,
               (unsigned long long)c.added, (unsigned long long)c.changed);
    }
    from_us = fl_now_mono_us();
    r = fl_db_supply_rows(db, t, FL_SUPPLY_PART_SITES, 0, "", "", UINT32_MAX, count_row, &n, &list,
                          &err);
    printf("read: r %d, %u rows in %.2f s\n", r, n, seconds(from_us));
    n = 0;
    from_us = fl_now_mono_us();
    r = fl_db_supply_rows(db, t, FL_SUPPLY_PART_SITES, 1, "", "", UINT32_MAX, count_row, &n, &list,
                          &err);
    printf("read of version 1: r %d, %u rows in %.2f s\n", r, n, seconds(from_us));
    from_us = fl_now_mono_us();
    r = undo(db, t, 3, 2000, &err);
    printf("undo: r %d %s in %.2f s\n", r, r < 0 ? err.text : "", seconds(from_us));
    fl_db_close(db);
    return r < 0;
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/fl-db-supply-XXXXXX";
    struct fl_db *db;
    uint32_t t;
    int bad;

    if (mkdtemp(dir) == NULL || chdir(dir) < 0)
        return 1;
    if (argc == 3 && strcmp(argv[1], "--measure") == 0) {
        bad = measure((unsigned)strtoul(argv[2], NULL, 10));
    } else {
        db = open_db("supply.db");
        t = add_tenant(db, "acme");
        check_history(db, t);
        check_undo(db, t);
        fl_db_close(db);
        check_crash(t);
        db = open_db("supply.db");
        check_lists(db);
        check_decisions(db, t);
        check_layouts(db, t);
        check_imports(db, t);
        fl_db_close(db);
        bad = tap_done();
    }
    for (size_t i = 0; i < 6; i++)
        (void)unlink((const char *const[]){"supply.db", "supply.db-wal", "supply.db-shm",
                                           "measure.db", "measure.db-wal", "measure.db-shm"}[i]);
    return chdir("/") < 0 || rmdir(dir) < 0 || bad;
}
