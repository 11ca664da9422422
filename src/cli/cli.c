#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"

#define ANSWER_MAX_BYTES ((size_t)64 << 20)

static int exit_of(int code)
{
    switch (code) {
    case FL_E_INVAL:
        return FL_EXIT_USAGE;
    case FL_E_DENIED:
        return FL_EXIT_REFUSED;
    case FL_E_IO:
    case FL_E_TIMEOUT:
    case FL_E_PROTO:
        return FL_EXIT_REACH;
    case FL_E_AGAIN:
    case FL_E_LIMIT:
        return FL_EXIT_PARTIAL;
    default:
        return FL_EXIT_NO;
    }
}

static struct fl_term stderr_term(void)
{
    struct fl_term term;

    fl_term_init(&term);
    return term;
}

/* Texts may carry words from outside: clean them like any other. */
static void say(const char *text)
{
    struct fl_term term = stderr_term();
    FL_AUTO(fl_buf_done) struct fl_buf clean;

    fl_buf_init(&clean, 4096);
    fl_term_clean(&term, fl_span_str(text), true, &clean);
    (void)fflush(stdout);
    (void)fprintf(stderr, "fairlead: %.*s\n", (int)clean.len, (const char *)clean.ptr);
}

int fl_cli_fail(const struct fl_err *err)
{
    say(err->text);
    return exit_of(err->code);
}

int fl_cli_usage(const char *fmt, ...)
{
    char text[600];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    say(text);
    return FL_EXIT_USAGE;
}

void fl_cli_note(const struct fl_cli *cli, const char *fmt, ...)
{
    char text[600];
    va_list ap;

    (void)cli;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    say(text);
}

/* A problem document (RFC 9457) as one sentence; the exit code by its status. */
static int refuse(int status, struct fl_span document)
{
    json_t *problem = json_loadb((const char *)document.ptr, document.len, 0, NULL);
    const char *title = fl_js_text(problem, "title"), *detail = fl_js_text(problem, "detail");
    char text[1600];

    if (detail[0] != '\0')
        (void)snprintf(text, sizeof text, "%s", detail);
    else if (title[0] != '\0')
        (void)snprintf(text, sizeof text, "%s", title);
    else
        (void)snprintf(text, sizeof text, "the server answered with status %d", status);
    say(text);
    json_decref(problem);
    if (status == 401 || status == 403)
        return FL_EXIT_REFUSED;
    if (status == 502 || status == 503)
        return FL_EXIT_REACH;
    return status == 400 || status == 405 || status == 413 || status == 422 ? FL_EXIT_USAGE
                                                                            : FL_EXIT_NO;
}

static int gather(void *ctx, const struct fl_answer *answer, struct fl_span piece)
{
    struct fl_buf *buf = ctx;

    (void)answer;
    fl_buf_put_span(buf, piece);
    return fl_buf_status(buf, NULL);
}

int fl_cli_status(int status, const struct fl_buf *problem)
{
    return status >= 200 && status <= 299 ? FL_EXIT_OK : refuse(status, fl_buf_span(problem));
}

static int parse(const struct fl_buf *text, json_t **ret)
{
    json_error_t why;

    *ret = NULL;
    if (text->len == 0)
        return FL_EXIT_OK;
    *ret = json_loadb((const char *)text->ptr, text->len, JSON_REJECT_DUPLICATES, &why);
    if (*ret != NULL)
        return FL_EXIT_OK;
    say("the server's answer is not JSON; are server and command line of one version?");
    return FL_EXIT_REACH;
}

int fl_cli_call(struct fl_cli *cli, const char *method, const char *path, const json_t *body,
                json_t **ret)
{
    FL_AUTO(fl_buf_done) struct fl_buf text, problem;
    FL_AUTO(fl_answer_done) struct fl_answer answer;
    char *dump = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    struct fl_client_ops ops = {gather, &text};
    struct fl_err err;
    bool begun;
    int r;

    *ret = NULL;
    fl_buf_init(&text, ANSWER_MAX_BYTES);
    fl_buf_init(&problem, ANSWER_MAX_BYTES);
    fl_answer_init(&answer);
    r = fl_client_run(cli->opt[FL_OPT_SERVER], method, path, fl_span_str(dump), &ops, &answer,
                      &problem, &begun, &err);
    free(dump);
    if (r < 0) {
        int code = fl_cli_fail(&err);

        return err.code == FL_E_NOENT ? FL_EXIT_REACH : code;
    }
    r = fl_cli_status(answer.status, &problem);
    return r == FL_EXIT_OK ? parse(&text, ret) : r;
}

int fl_cli_list(struct fl_cli *cli, const char *path, json_t **ret)
{
    FL_AUTO(fl_buf_done) struct fl_buf page;
    json_t *all = NULL, *one = NULL;
    const char *next = "";
    int r;

    fl_buf_init(&page, 4096);
    *ret = NULL;
    do {
        fl_buf_clear(&page);
        fl_buf_printf(&page, "%s%climit=1000", path, strchr(path, '?') == NULL ? '?' : '&');
        if (next[0] != '\0') {
            fl_buf_put_str(&page, "&after=");
            fl_cli_encode(&page, fl_span_str(next));
        }
        fl_buf_put_u8(&page, 0);
        r = fl_buf_status(&page, NULL) < 0
                ? FL_EXIT_USAGE
                : fl_cli_call(cli, "GET", (const char *)page.ptr, NULL, &one);
        if (r != FL_EXIT_OK) {
            json_decref(all);
            return r;
        }
        if (all == NULL) {
            all = one;
        } else {
            (void)json_array_extend(json_object_get(all, "items"), json_object_get(one, "items"));
            (void)json_object_set(all, "next", json_object_get(one, "next"));
            json_decref(one);
        }
        next = fl_js_text(all, "next");
    } while (next[0] != '\0');
    *ret = all;
    return FL_EXIT_OK;
}

void fl_cli_encode(struct fl_buf *out, struct fl_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = text.ptr[i];

        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            memchr("-._~", c, 4) != NULL)
            fl_buf_put_u8(out, c);
        else
            fl_buf_printf(out, "%%%02X", c);
    }
}

const char *fl_cli_path(struct fl_cli_path *path, ...)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;
    bool encode = false;
    const char *piece;
    va_list ap;

    fl_buf_init(&out, sizeof path->text - 1);
    va_start(ap, path);
    while ((piece = va_arg(ap, const char *)) != NULL) {
        if (encode)
            fl_cli_encode(&out, fl_span_str(piece));
        else
            fl_buf_put_str(&out, piece);
        encode = !encode;
    }
    va_end(ap);
    if (out.len > 0)
        memcpy(path->text, out.ptr, out.len);
    path->text[out.len] = '\0';
    return path->text;
}

int fl_cli_read(const char *file, struct fl_buf *out, struct fl_err *err)
{
    FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
    char piece[8192];
    size_t n;
    int r;

    if (in == NULL)
        return fl_err_sys(err, FL_E_INVAL, errno, "%.200s", file);
    while ((n = fread(piece, 1, sizeof piece, in)) > 0 && out->failed == 0)
        fl_buf_put(out, piece, n);
    r = ferror(in) ? fl_err_sys(err, FL_E_INVAL, errno, "%.200s", file) : fl_buf_status(out, err);
    if (in != stdin)
        (void)fclose(in);
    return r;
}

static int print(struct fl_table *table, bool no_head)
{
    struct fl_err err = {.code = FL_E_NOMEM, .text = "no memory for the table"};
    int r = table == NULL ? FL_E_NOMEM : fl_table_print(table, stdout, no_head, &err);

    fl_table_free(table);
    return r < 0 ? fl_cli_fail(&err) : FL_EXIT_OK;
}

int fl_cli_print(struct fl_table *table)
{
    return print(table, false);
}

int fl_cli_print_plain(struct fl_table *table)
{
    return print(table, true);
}

void fl_cli_count(struct fl_table *table, uint64_t value)
{
    char text[FL_UNIT_TEXT_BYTES];

    fl_unit_count(value, text);
    fl_table_text(table, text);
}

static int only_tenant(struct fl_cli *cli, char ret_tenant[64])
{
    json_t *answer, *items;
    int r = fl_cli_call(cli, "GET", "/api/v1/tenants?limit=2", NULL, &answer);

    if (r != FL_EXIT_OK)
        return r;
    items = json_object_get(answer, "items");
    if (json_array_size(items) == 1)
        (void)snprintf(ret_tenant, 64, "%s", fl_js_text(json_array_get(items, 0), "slug"));
    else if (json_array_size(items) == 0)
        r = fl_cli_usage("there is no tenant yet; fairlead tenant add NAME makes one");
    else
        r = fl_cli_usage("which tenant? use --tenant or FAIRLEAD_TENANT; fairlead tenant list "
                         "shows them");
    json_decref(answer);
    return r;
}

int fl_cli_tenant(struct fl_cli *cli, char ret_tenant[64])
{
    const char *named = cli->opt[FL_OPT_TENANT];

    if (named == NULL)
        named = getenv("FAIRLEAD_TENANT");
    if (named == NULL || named[0] == '\0')
        return only_tenant(cli, ret_tenant);
    if (strlen(named) > 63)
        return fl_cli_usage("'%.70s' is too long for a tenant", named);
    (void)snprintf(ret_tenant, 64, "%s", named);
    return FL_EXIT_OK;
}

int fl_cli_split(struct fl_cli *cli, const char *word, char ret_tenant[64], char ret_thing[64])
{
    const char *slash = strchr(word, '/'), *thing = slash == NULL ? word : slash + 1;

    if (thing[0] == '\0' || strlen(thing) > 63 || (slash != NULL && slash - word > 63))
        return fl_cli_usage("'%.140s' is not a name, nor TENANT/NAME", word);
    (void)snprintf(ret_thing, 64, "%s", thing);
    if (slash == NULL)
        return fl_cli_tenant(cli, ret_tenant);
    (void)snprintf(ret_tenant, 64, "%.*s", (int)(slash - word), word);
    return FL_EXIT_OK;
}

bool fl_cli_sure(const struct fl_cli *cli, const char *fmt, ...)
{
    char text[400], line[16];
    va_list ap;

    if (fl_cli_flag(cli, FL_OPT_YES))
        return true;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
        say(text);
        say("nothing was changed; without a terminal this needs --yes");
        return false;
    }
    (void)fprintf(stderr, "%s Go on? [y/N] ", text);
    (void)fflush(stderr);
    if (fgets(line, sizeof line, stdin) != NULL && (line[0] == 'y' || line[0] == 'Y'))
        return true;
    (void)fprintf(stderr, "Nothing was changed.\n");
    return false;
}

const char *fl_js_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

int64_t fl_js_int(const json_t *object, const char *key)
{
    return (int64_t)json_integer_value(json_object_get(object, key));
}

uint64_t fl_js_num(const json_t *object, const char *key)
{
    int64_t value = fl_js_int(object, key);

    return value < 0 ? 0 : (uint64_t)value;
}

bool fl_js_bool(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

bool fl_js_time(const json_t *object, const char *key, int64_t *ret)
{
    return fl_time_parse(fl_span_str(fl_js_text(object, key)), ret);
}

int fl_cli_done(const struct fl_cli *cli, int r, json_t *answer, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (r == FL_EXIT_OK && fl_cli_flag(cli, FL_OPT_JSON))
        fl_js_line(answer);
    else if (r == FL_EXIT_OK)
        (void)vprintf(fmt, ap);
    va_end(ap);
    json_decref(answer);
    return r;
}

void fl_js_line(const json_t *object)
{
    (void)json_dumpf(object, stdout, JSON_COMPACT);
    (void)fputc('\n', stdout);
}

void fl_js_items(const json_t *answer)
{
    json_t *items = json_object_get(answer, "items"), *item;
    size_t i;

    json_array_foreach(items, i, item) fl_js_line(item);
}

void fl_cli_pair(const struct fl_cli *cli, const char *name, const char *fmt, ...)
{
    FL_AUTO(fl_buf_done) struct fl_buf clean;
    char text[2048];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fl_buf_init(&clean, 8192);
    fl_term_clean(&cli->term, fl_span_str(text), false, &clean);
    (void)printf("%s%-18s%s  %.*s\n", fl_term_on(&cli->term, FL_INK_DIM), name,
                 fl_term_off(&cli->term, FL_INK_DIM), (int)clean.len, (const char *)clean.ptr);
}

void fl_cli_when(const struct fl_cli *cli, const json_t *object, const char *key, bool ago,
                 char text[2 * FL_UNIT_TEXT_BYTES])
{
    char at[FL_UNIT_TEXT_BYTES], how_long[FL_UNIT_TEXT_BYTES];
    int64_t us;

    if (!fl_js_time(object, key, &us)) {
        (void)snprintf(text, sizeof at, "never");
        return;
    }
    fl_zone_time(us, at);
    if (!ago) {
        (void)snprintf(text, sizeof at, "%s", at);
        return;
    }
    fl_unit_ago(us, cli->now_us, how_long);
    (void)snprintf(text, 2 * sizeof at, "%.30s (%.30s)", at, how_long);
}
