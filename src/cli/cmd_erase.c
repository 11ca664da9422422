/* fairlead logs erase and receipts; fairlead keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "cli/house.h"
#include "cli/logs.h"
#include "codec/ip.h"
#include "trust/receipt.h"

enum { RECEIPTS_MAX_BYTES = 4 << 20, PAGE = 100 };

/* ---- receipts as the server has them ---- */

struct lines {
    struct fl_buf text;
    struct fl_err err;
};

static int on_piece(void *ctx, const struct fl_answer *answer, struct fl_span piece)
{
    struct lines *l = ctx;

    (void)answer;
    fl_buf_put_span(&l->text, piece);
    return fl_buf_status(&l->text, &l->err);
}

/* Lines of receipts above `after`, as they were signed. FL_EXIT_OK or it was said. */
static int get_receipts(struct fl_cli *cli, uint64_t after, unsigned limit, struct fl_buf *out)
{
    struct lines l = {.err = {0}};
    struct fl_client_ops ops = {on_piece, &l};
    struct fl_answer answer;
    struct fl_buf problem;
    struct fl_err err = {0};
    bool begun = false;
    char path[120];
    int r;

    fl_buf_init(&l.text, RECEIPTS_MAX_BYTES);
    fl_buf_init(&problem, (size_t)64 * 1024);
    fl_answer_init(&answer);
    (void)snprintf(path, sizeof path, "/api/v1/instance/receipts?after=%llu&limit=%u",
                   (unsigned long long)after, limit);
    r = fl_client_run(cli->opt[FL_OPT_SERVER], "GET", path, FL_SPAN(""), &ops, &answer, &problem,
                      &begun, &err);
    r = r < 0 ? fl_cli_fail(l.err.code != 0 ? &l.err : &err)
              : fl_cli_status(answer.status, &problem);
    if (r == FL_EXIT_OK)
        fl_buf_put_span(out, fl_buf_span(&l.text));
    fl_answer_done(&answer);
    fl_buf_done(&problem);
    fl_buf_done(&l.text);
    return r;
}

static bool next_line(struct fl_span *rest, struct fl_span *ret)
{
    const unsigned char *end = rest->len == 0 ? NULL : memchr(rest->ptr, '\n', rest->len);

    if (end == NULL)
        return false;
    *ret = fl_span_of(rest->ptr, (size_t)(end - rest->ptr));
    *rest = fl_span_of(end + 1, rest->len - ret->len - 1);
    return true;
}

static void show_could_not(const json_t *facts)
{
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(facts, "could_not"), i, item)
    {
        size_t exports = json_array_size(json_object_get(item, "list"));
        uint64_t count = exports > 0 ? exports : fl_js_num(item, "count");
        char number[FL_UNIT_TEXT_BYTES] = "";

        if (count > 0)
            fl_unit_count(count, number);
        (void)printf("  not reached: %s%s%s (%s)\n", number, count > 0 ? " " : "",
                     fl_js_text(item, "what"), fl_js_text(item, "why"));
    }
}

static void show_receipt(struct fl_cli *cli, const json_t *receipt)
{
    const json_t *facts = json_object_get(receipt, "facts"), *value;
    char rows[FL_UNIT_TEXT_BYTES], text[2 * FL_UNIT_TEXT_BYTES];
    const char *key;

    fl_cli_pair(cli, "receipt", "%llu", (unsigned long long)fl_js_num(receipt, "receipt"));
    fl_cli_when(cli, receipt, "at", false, text);
    fl_cli_pair(cli, "done", "%s%s", text,
                fl_js_bool(facts, "after_restore") ? ", again after a restore" : "");
    fl_cli_pair(cli, "tenant", "%s", fl_js_text(facts, "tenant"));
    fl_cli_pair(cli, "person", "%s (by%s%s%s)", fl_js_text(facts, "subject"),
                fl_js_bool(facts, "by_user") ? " user" : "",
                fl_js_bool(facts, "by_address") ? " address" : "",
                fl_js_bool(facts, "by_filter") ? " filter" : "");
    fl_cli_when(cli, facts, "moment", false, text);
    fl_cli_pair(cli, "up to", "%s", text);
    fl_unit_count(fl_js_num(facts, "rows"), rows);
    fl_cli_pair(cli, "erased", "%s rows in %llu of %llu segments, %llu days, %llu baselines", rows,
                (unsigned long long)fl_js_num(facts, "segments"),
                (unsigned long long)fl_js_num(facts, "segments_searched"),
                (unsigned long long)fl_js_num(facts, "days"),
                (unsigned long long)fl_js_num(facts, "baselines"));
    fl_cli_pair(cli, "keys",
                "%llu destroyed, %llu of them of logs and older files; epoch %llu "
                "(root: %s)",
                (unsigned long long)fl_js_num(facts, "keys"),
                (unsigned long long)fl_js_num(facts, "keys_of_logs"),
                (unsigned long long)fl_js_num(facts, "epoch"), fl_js_text(facts, "root_kind"));
    json_object_foreach((json_t *)(uintptr_t)json_object_get(facts, "columns"), key, value)
        fl_cli_pair(cli, "found in", "%s: %lld rows", key, json_integer_value(value));
    show_could_not(facts);
    fl_cli_pair(cli, "signed by", "%s", fl_js_text(receipt, "key"));
}

static int list_receipts(struct fl_cli *cli, struct fl_span lines)
{
    static const struct fl_table_column columns[] = {
        {"receipt", true, false, 0}, {"done", false, false, 0}, {"tenant", false, true, 0},
        {"person", false, false, 0}, {"rows", true, false, 0},  {"keys", true, false, 0},
    };
    struct fl_table *table = fl_table_new(&cli->term, columns, FL_LEN(columns));
    char text[2 * FL_UNIT_TEXT_BYTES];
    struct fl_span line;

    while (table != NULL && next_line(&lines, &line)) {
        json_t *receipt = json_loadb((const char *)line.ptr, line.len, 0, NULL);
        const json_t *facts = json_object_get(receipt, "facts");

        fl_cli_count(table, fl_js_num(receipt, "receipt"));
        fl_cli_when(cli, receipt, "at", false, text);
        fl_table_text(table, text);
        fl_table_text(table, fl_js_text(facts, "tenant"));
        fl_table_text(table, fl_js_text(facts, "subject"));
        fl_cli_count(table, fl_js_num(facts, "rows"));
        fl_cli_count(table, fl_js_num(facts, "keys"));
        json_decref(receipt);
    }
    return fl_cli_print(table);
}

static int one_receipt(struct fl_cli *cli, uint64_t number)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_span rest, line = {NULL, 0};
    json_t *receipt = NULL;
    struct fl_err err;
    int r;

    fl_buf_init(&text, RECEIPTS_MAX_BYTES);
    r = get_receipts(cli, number - 1, 1, &text);
    if (r != FL_EXIT_OK)
        return r;
    rest = fl_buf_span(&text);
    if (next_line(&rest, &line))
        receipt = json_loadb((const char *)line.ptr, line.len, 0, NULL);
    if (fl_js_num(receipt, "receipt") != number) {
        (void)fl_err_set(&err, FL_E_NOENT,
                         "there is no receipt %llu; fairlead logs receipts shows "
                         "what there is",
                         (unsigned long long)number);
        r = fl_cli_fail(&err);
    } else if (fl_cli_flag(cli, FL_OPT_JSON)) {
        (void)printf("%.*s\n", FL_SPAN_ARG(line)); /* as it was signed */
    } else {
        show_receipt(cli, receipt);
    }
    json_decref(receipt);
    return r;
}

int fl_logs_receipts(struct fl_cli *cli)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_span rest, line, last = {NULL, 0};
    uint64_t after = 0;
    struct fl_err err;
    unsigned got;
    int r = FL_EXIT_OK;

    fl_buf_init(&text, RECEIPTS_MAX_BYTES);
    if (cli->args == 1) {
        if (fl_args_number("the receipt", cli->arg[0], 1, INT64_MAX, &after, &err) < 0)
            return fl_cli_fail(&err);
        return one_receipt(cli, after);
    }
    do {
        size_t from = text.len;
        json_t *receipt;

        r = get_receipts(cli, after, PAGE, &text);
        rest = fl_span_of(text.ptr + from, text.len - from);
        for (got = 0; r == FL_EXIT_OK && next_line(&rest, &line); got++)
            last = line;
        receipt = got > 0 ? json_loadb((const char *)last.ptr, last.len, 0, NULL) : NULL;
        after = fl_js_num(receipt, "receipt");
        json_decref(receipt);
    } while (r == FL_EXIT_OK && got == PAGE && after > 0);
    if (r != FL_EXIT_OK)
        return r;
    if (!fl_cli_flag(cli, FL_OPT_JSON))
        return list_receipts(cli, fl_buf_span(&text));
    (void)printf("%.*s", FL_SPAN_ARG(fl_buf_span(&text)));
    return FL_EXIT_OK;
}

static void hex_of(const unsigned char *bytes, size_t len, char *ret)
{
    for (size_t i = 0; i < len; i++)
        (void)snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

int fl_logs_receipts_verify(struct fl_cli *cli)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    unsigned char public[FL_RECEIPT_PUBLIC_BYTES];
    char hex[2 * FL_RECEIPT_PUBLIC_BYTES + 1];
    const char *want = cli->opt[FL_OPT_FINGERPRINT];
    struct fl_err err;
    bool same;

    fl_buf_init(&text, (size_t)1 << 20);
    if (fl_cli_read(cli->arg[0], &text, &err) < 0 ||
        fl_receipt_verify(fl_buf_span(&text), public, &err) < 0) {
        (void)fl_cli_fail(&err);
        return FL_EXIT_NO;
    }
    hex_of(public, sizeof public, hex);
    same = want == NULL || strcmp(want, hex) == 0;
    if (fl_cli_flag(cli, FL_OPT_JSON))
        (void)printf("{\"valid\":%s,\"key\":\"%s\"}\n", same ? "true" : "false", hex);
    else if (same)
        (void)printf("The receipt is as it was signed, by the key %s%s.\n", hex,
                     want == NULL ? " (fairlead status shows the instance's)" : ", as expected");
    else
        (void)printf("The receipt is signed, but by another key: %s.\n", hex);
    return same ? FL_EXIT_OK : FL_EXIT_NO;
}

/* ---- erasing ---- */

static int put_time(struct fl_cli *cli, json_t *body, enum fl_opt opt, const char *name)
{
    char text[FL_TIME_TEXT_BYTES];
    struct fl_err err;
    int64_t us;

    if (cli->opt[opt] == NULL)
        return FL_EXIT_OK;
    if (fl_zone_parse(cli->opt[opt], cli->now_us, &us, &err) < 0)
        return fl_cli_fail(&err);
    fl_time_format(us, text);
    (void)json_object_set_new(body, name, json_string(text));
    return FL_EXIT_OK;
}

/* "-": from standard input, so that the name stands in no list of processes. */
static int put_user(struct fl_cli *cli, json_t *body)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    const char *user = cli->opt[FL_OPT_USER];
    struct fl_err err;

    fl_buf_init(&text, 1000);
    if (user == NULL)
        return FL_EXIT_OK;
    if (strcmp(user, "-") == 0) {
        if (fl_cli_read("-", &text, &err) < 0)
            return fl_cli_fail(&err);
        while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
            text.len--;
        (void)json_object_set_new(body, "user", json_stringn((const char *)text.ptr, text.len));
        return FL_EXIT_OK;
    }
    (void)json_object_set_new(body, "user", json_string(user));
    return FL_EXIT_OK;
}

static int make_body(struct fl_cli *cli, bool dry, json_t *body)
{
    unsigned char ip[FL_IP_BYTES];
    int r = put_user(cli, body);

    if (cli->opt[FL_OPT_USER] == NULL && cli->opt[FL_OPT_IP] == NULL &&
        cli->opt[FL_OPT_WHERE] == NULL)
        return fl_cli_usage("whom? --user, --ip or --where says it");
    if (cli->opt[FL_OPT_IP] != NULL && !fl_ip_parse(fl_span_str(cli->opt[FL_OPT_IP]), ip))
        return fl_cli_usage("--ip is one address, such as 10.12.4.77 or 2001:db8::7");
    if (cli->opt[FL_OPT_IP] != NULL)
        (void)json_object_set_new(body, "ip", json_string(cli->opt[FL_OPT_IP]));
    if (cli->opt[FL_OPT_WHERE] != NULL)
        (void)json_object_set_new(body, "where", json_string(cli->opt[FL_OPT_WHERE]));
    if (r == FL_EXIT_OK)
        r = put_time(cli, body, FL_OPT_FROM, "from");
    if (r == FL_EXIT_OK)
        r = put_time(cli, body, FL_OPT_TO, "to");
    (void)json_object_set_new(body, "dry_run", json_boolean(dry));
    return r;
}

static void say_dry(const json_t *result)
{
    char rows[FL_UNIT_TEXT_BYTES], segments[FL_UNIT_TEXT_BYTES], sums[FL_UNIT_TEXT_BYTES];
    const json_t *value;
    const char *key;

    fl_unit_count(fl_js_num(result, "rows"), rows);
    fl_unit_count(fl_js_num(result, "segments"), segments);
    fl_unit_count(fl_js_num(result, "rollup_entries"), sums);
    (void)printf(
        "%s rows in %s segments of %llu days, %s rollup entries, %llu exports. Nothing was "
        "changed; run without --dry-run to erase.\n",
        rows, segments, (unsigned long long)fl_js_num(result, "days"), sums,
        (unsigned long long)fl_js_num(result, "exports"));
    json_object_foreach((json_t *)(uintptr_t)json_object_get(result, "columns"), key, value)(void)
        printf("  found in %s: %lld rows\n", key, json_integer_value(value));
}

static int say_done(struct fl_cli *cli, const json_t *result)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    char rows[FL_UNIT_TEXT_BYTES], keys[FL_UNIT_TEXT_BYTES];
    uint64_t number = fl_js_num(result, "receipt");
    struct fl_span rest, line;
    json_t *receipt = NULL;
    int r;

    fl_buf_init(&text, RECEIPTS_MAX_BYTES);
    r = get_receipts(cli, number - 1, 1, &text);
    rest = fl_buf_span(&text);
    if (r != FL_EXIT_OK || !next_line(&rest, &line))
        return r;
    if (fl_cli_flag(cli, FL_OPT_JSON)) {
        (void)printf("%.*s\n", FL_SPAN_ARG(line));
        return FL_EXIT_OK;
    }
    receipt = json_loadb((const char *)line.ptr, line.len, 0, NULL);
    fl_unit_count(fl_js_num(result, "rows"), rows);
    fl_unit_count(fl_js_num(result, "keys"), keys);
    (void)printf("%s rows in %llu segments are erased: %s keys destroyed, key epoch %llu (root: "
                 "%s). Receipt %llu.\n",
                 rows, (unsigned long long)fl_js_num(result, "segments"), keys,
                 (unsigned long long)fl_js_num(result, "epoch"), fl_js_text(result, "root_kind"),
                 (unsigned long long)number);
    show_could_not(json_object_get(receipt, "facts"));
    json_decref(receipt);
    return FL_EXIT_OK;
}

int fl_logs_erase(struct fl_cli *cli)
{
    bool dry = fl_cli_flag(cli, FL_OPT_DRY_RUN);
    json_t *body = json_object(), *result = NULL;
    struct fl_cli_path path;
    uint64_t findings = 0;
    char tenant[64];
    int r = make_body(cli, dry, body);

    if (r == FL_EXIT_OK)
        r = fl_cli_tenant(cli, tenant);
    if (r == FL_EXIT_OK && !dry &&
        !fl_cli_sure(cli,
                     "All rows of tenant %s that name this person will be erased, keys first; "
                     "nothing brings them back (--dry-run counts them).",
                     tenant))
        r = FL_EXIT_USAGE;
    if (r == FL_EXIT_OK)
        r = fl_cli_work(cli, fl_cli_path(&path, "/api/v1/tenants/", tenant, "/logs/erase", NULL),
                        body, NULL, &result, &findings);
    json_decref(body);
    if (r == FL_EXIT_OK && dry && !fl_cli_flag(cli, FL_OPT_JSON))
        say_dry(result);
    else if (r == FL_EXIT_OK && !dry)
        r = say_done(cli, result);
    json_decref(result);
    return r;
}

/* ---- keys ---- */

static int run_root_change(struct fl_cli *cli)
{
    json_t *body, *answer = NULL;
    int r;

    if (!fl_cli_sure(cli, "A new root key is made, and the old one opens nothing any more: backups "
                          "made so far can no longer be put back."))
        return FL_EXIT_USAGE;
    body = json_object();
    r = fl_cli_call(cli, "POST", "/api/v1/instance/keys/root", body, &answer);
    json_decref(body);
    return fl_cli_done(cli, r, answer,
                       "The root key (%s) is a new one: %llu keys stand under it, key epoch %llu. "
                       "Back it up now, apart from everything else (keys/root.key in data_dir).\n",
                       fl_js_text(answer, "root_kind"),
                       (unsigned long long)fl_js_num(answer, "keys"),
                       (unsigned long long)fl_js_num(answer, "epoch"));
}

const struct fl_command fl_cmd_keys[] = {
    {"root change",
     "",
     0,
     0,
     FL_OPTS_SERVER | FL_OPT_BIT(YES),
     "make a new root key and wrap everything under it",
     "Nothing stops meanwhile. Every key between the root and the files is new as well. Whoever "
     "has\n"
     "the old root key opens nothing of this data folder with it.",
     {"fairlead keys root change", "fairlead keys root change --yes --json"},
     run_root_change},
};
const size_t fl_cmd_keys_count = FL_LEN(fl_cmd_keys);
