#include "cli/demo_supply.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/time.h"

#define API        "/api/v1/tenants/"
#define STATE_MAX  ((size_t)16 * 1024)
#define SLICES_MAX 2000
#define AGAIN_US   (10 * FL_US_PER_S)
#define ANEW_US    (24 * 3600 * FL_US_PER_S) /* a script that ended so long ago is told again */

struct fl_demo_supply {
    struct fl_demo_run *run;
    json_t *steps;
    json_t *ids;      /* key -> number of the event */
    int64_t begun_us; /* wall clock: of step 0 */
    size_t next;
    int64_t again_us; /* monotonic: after a failure */
    bool said;
};

/* ---- asking ---- */

static int send_text(struct fl_demo_run *run, const char *method, const char *path,
                     struct fl_span body, json_t **ret, struct fl_err *err)
{
    int status = 0;
    int rc = fl_demo_send(run, method, path, body, &status, ret, err);

    if (rc == FL_OK && status >= 300) {
        const char *detail = fl_js_text(*ret, "detail");

        rc = fl_err_set(err,
                        status == 503   ? FL_E_AGAIN
                        : status == 404 ? FL_E_NOENT
                                        : FL_E_INVAL,
                        "%s %s: %s", method, path, detail[0] == '\0' ? "refused" : detail);
        json_decref(*ret);
        *ret = NULL;
    }
    return rc;
}

static int ask(struct fl_demo_run *run, const char *method, const char *path, json_t *body,
               json_t **ret, struct fl_err *err)
{
    char *dump = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    int rc = send_text(run, method, path, fl_span_str(dump), ret, err);

    free(dump);
    json_decref(body);
    return rc;
}

/* ---- the networks ---- */

static int put_files(struct fl_demo_run *run, const char *tenant, const char *import,
                     struct fl_err *err)
{
    int rc = FL_OK;

    for (unsigned i = 0; i < fl_demo_file_count && rc == FL_OK; i++) {
        struct fl_cli_path path;
        json_t *answer = NULL;

        if (strcmp(fl_demo_files[i].tenant, tenant) != 0)
            continue;
        rc = send_text(run, "PUT",
                       fl_cli_path(&path, API, tenant, "/supply/imports/", import, "/files/",
                                   fl_demo_files[i].name, NULL),
                       fl_span_str(fl_demo_files[i].text), &answer, err);
        json_decref(answer);
    }
    return rc;
}

/* A step is done in slices: asked again until it says that it is over. */
static int step(struct fl_demo_run *run, const char *tenant, const char *import, const char *what,
                const char *over, struct fl_err *err)
{
    int rc = FL_OK;
    bool done = false;

    for (int i = 0; i < SLICES_MAX && rc == FL_OK && !done; i++) {
        struct fl_cli_path path;
        json_t *answer = NULL;

        rc = ask(run, "POST",
                 fl_cli_path(&path, API, tenant, "/supply/imports/", import, "/", what, NULL),
                 i == 0 ? json_pack("{s:s}", "mode", "merge") : json_object(), &answer, err);
        done = rc == FL_OK && strcmp(fl_js_text(answer, "state"), over) == 0;
        json_decref(answer);
    }
    return rc != FL_OK || done ? rc : fl_err_set(err, FL_E_TIMEOUT, "%s does not end", what);
}

static int install(struct fl_demo_run *run, const char *tenant, struct fl_err *err)
{
    struct fl_cli_path path;
    json_t *answer = NULL;
    char import[32] = "";
    int rc = ask(run, "POST", fl_cli_path(&path, API, tenant, "/supply/imports", NULL),
                 json_pack("{s:s}", "name", "Sample network"), &answer, err);

    if (rc != FL_OK)
        return rc;
    if (json_is_string(json_object_get(answer, "id")))
        (void)snprintf(import, sizeof import, "%s", fl_js_text(answer, "id"));
    else
        (void)snprintf(import, sizeof import, "%lld",
                       (long long)json_integer_value(json_object_get(answer, "id")));
    json_decref(answer);
    rc = put_files(run, tenant, import, err);
    if (rc == FL_OK)
        rc = step(run, tenant, import, "check", "checked", err);
    if (rc == FL_OK)
        rc = step(run, tenant, import, "apply", "applied", err);
    return rc;
}

/* The version of the tenant's network; 0: none. */
static int version_of(struct fl_demo_run *run, const char *tenant, json_int_t *ret,
                      struct fl_err *err)
{
    struct fl_cli_path path;
    json_t *answer = NULL;
    int rc = ask(run, "GET", fl_cli_path(&path, API, tenant, "/supply", NULL), NULL, &answer, err);

    *ret = json_integer_value(json_object_get(answer, "version"));
    json_decref(answer);
    if (rc == FL_E_NOENT) {
        *ret = 0;
        return FL_OK;
    }
    return rc;
}

static int install_all(struct fl_demo_run *run, struct fl_err *err)
{
    int rc = FL_OK;

    for (size_t i = 0; i < FL_DEMO_TENANTS && rc == FL_OK; i++) {
        json_int_t version = 0;

        rc = version_of(run, fl_demo_tenants[i].slug, &version, err);
        if (rc == FL_OK && version == 0)
            rc = install(run, fl_demo_tenants[i].slug, err);
    }
    return rc == FL_OK ? rc : fl_err_wrap(err, "the sample network");
}

/* ---- how far the script is ---- */

static void state_path(const struct fl_demo_supply *s, char path[600])
{
    (void)snprintf(path, 600, "%s/supply.json", s->run->folder);
}

static void keep(const struct fl_demo_supply *s)
{
    json_t *state = json_pack("{s:I, s:I, s:O}", "begun_us", (json_int_t)s->begun_us, "next",
                              (json_int_t)s->next, "ids", s->ids);
    char *text = state == NULL ? NULL : json_dumps(state, JSON_COMPACT);
    char path[600];
    int rc = FL_OK;

    state_path(s, path);
    if (text != NULL)
        rc = fl_file_write(AT_FDCWD, path, fl_span_str(text), 0600, NULL);
    (void)rc; /* the next run then tells the script again */
    free(text);
    json_decref(state);
}

static void look_back(struct fl_demo_supply *s)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    json_t *state = NULL;
    char path[600];

    s->begun_us = fl_now_us();
    state_path(s, path);
    fl_buf_init(&text, STATE_MAX);
    if (!s->run->fresh && fl_file_read(AT_FDCWD, path, &text, NULL) == FL_OK)
        state = json_loadb((const char *)text.ptr, text.len, 0, NULL);
    if (json_is_object(json_object_get(state, "ids")) &&
        json_integer_value(json_object_get(state, "begun_us")) > fl_now_us() - ANEW_US) {
        s->begun_us = json_integer_value(json_object_get(state, "begun_us"));
        s->next = (size_t)json_integer_value(json_object_get(state, "next"));
        json_object_update(s->ids, json_object_get(state, "ids"));
    }
    json_decref(state);
}

/* ---- events ---- */

static int put_time(json_t *to, const char *key, double hours, int64_t now_us)
{
    char text[FL_TIME_TEXT_BYTES];

    fl_time_format(now_us + (int64_t)(hours * 3600e6), text);
    return json_object_set_new(to, key, json_string(text));
}

static json_t *fixes_of(const json_t *fixes, int64_t now_us)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < json_array_size(fixes); i++) {
        json_t *fix = json_copy(json_array_get(fixes, i));

        if (fix == NULL ||
            put_time(fix, "at", json_number_value(json_object_get(fix, "in_h")), now_us) < 0 ||
            json_object_del(fix, "in_h") < 0 || json_array_append(list, fix) < 0) {
            json_decref(fix);
            json_decref(list);
            return NULL;
        }
        json_decref(fix);
    }
    return list;
}

json_t *fl_demo_body(const json_t *body, int64_t now_us)
{
    json_t *out = json_object();
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)body, key, value)
    {
        int r;

        if (strcmp(key, "from_h") == 0)
            r = put_time(out, "from", json_number_value(value), now_us);
        else if (strcmp(key, "until_h") == 0)
            r = put_time(out, "until", json_number_value(value), now_us);
        else if (strcmp(key, "fixes") == 0)
            r = json_object_set_new(out, "fixes", fixes_of(value, now_us));
        else
            r = json_object_set(out, key, value);
        if (r < 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static int tell(struct fl_demo_supply *s, const json_t *st, struct fl_err *err)
{
    const char *tenant = json_string_value(json_object_get(st, "tenant"));
    const char *what = json_string_value(json_object_get(st, "what"));
    const char *key = json_string_value(json_object_get(st, "key"));
    json_t *body = fl_demo_body(json_object_get(st, "body"), fl_now_us()), *answer = NULL;
    char number[32] = "";
    struct fl_cli_path path;
    int rc;

    tenant = tenant == NULL ? FL_DEMO_TENANT : tenant;
    if (what != NULL)
        (void)snprintf(number, sizeof number, "%lld",
                       (long long)json_integer_value(json_object_get(s->ids, key)));
    if (what != NULL && strcmp(number, "0") == 0) { /* it was never told */
        json_decref(body);
        return FL_OK;
    }
    if (what == NULL)
        (void)fl_cli_path(&path, API, tenant, "/events", NULL);
    else
        (void)fl_cli_path(&path, API, tenant, "/events/", number, NULL);
    if (what != NULL && strcmp(what, "withdraw") == 0) {
        json_decref(body);
        body = NULL;
    }
    rc = ask(s->run,
             what == NULL   ? "POST"
             : body == NULL ? "DELETE"
                            : "PATCH",
             path.text, body, &answer, err);
    if (rc == FL_OK && what == NULL)
        (void)json_object_set(s->ids, key, json_object_get(answer, "id"));
    json_decref(answer);
    return rc;
}

void fl_demo_supply_turn(struct fl_demo_supply *s)
{
    int64_t since_us = fl_now_us() - s->begun_us;
    struct fl_err err;
    int rc = FL_OK;

    if (fl_now_mono_us() < s->again_us)
        return;
    while (rc == FL_OK && s->next < json_array_size(s->steps)) {
        const json_t *st = json_array_get(s->steps, s->next);

        if (json_integer_value(json_object_get(st, "after_s")) * FL_US_PER_S > since_us)
            break;
        rc = tell(s, st, &err);
        if (rc == FL_E_INVAL || rc == FL_E_NOENT) { /* it will not be taken later either */
            fl_cli_note(s->run->cli, "%s", err.text);
            rc = FL_OK;
        }
        if (rc == FL_OK) {
            s->next++;
            keep(s);
        }
    }
    if (rc != FL_OK) {
        s->again_us = fl_now_mono_us() + AGAIN_US;
        if (!s->said)
            fl_cli_note(s->run->cli, "events of the demonstration wait: %s", err.text);
        s->said = true;
    }
}

int fl_demo_supply_new(struct fl_demo_run *run, struct fl_demo_supply **ret, struct fl_err *err)
{
    struct fl_demo_supply *s = calloc(1, sizeof *s);
    int rc = FL_OK;

    if (s == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the sample network");
    s->run = run;
    s->ids = json_object();
    s->steps = json_loads(fl_demo_events, 0, NULL);
    if (s->ids == NULL || s->steps == NULL)
        rc = fl_err_set(err, FL_E_NOMEM, "no memory for the sample network");
    if (rc == FL_OK)
        rc = install_all(run, err);
    if (rc != FL_OK) {
        fl_demo_supply_free(s);
        return rc;
    }
    look_back(s);
    *ret = s;
    return FL_OK;
}

void fl_demo_supply_free(struct fl_demo_supply *s)
{
    if (s == NULL)
        return;
    json_decref(s->steps);
    json_decref(s->ids);
    free(s);
}
