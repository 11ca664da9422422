#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "codec/ecs.h"
#include "codec/line.h"
#include "tap.h"

#define RECEIVED_US INT64_C(1795305600000000) /* 2026-11-22T00:00:00Z */

static struct fl_arena arena;
static struct fl_event ev = {.arena = &arena};
static struct fl_buf out;

static const char *json_text(bool with_original, const char *why)
{
    fl_buf_clear(&out);
    if (fl_ecs_json_why(&ev, with_original, why, &out, NULL) < 0)
        abort();
    fl_buf_put_u8(&out, 0);
    return (const char *)out.ptr;
}

/* Every field set: the nesting must come out as one object per path, in one piece. */
static void check_all_fields(void)
{
    static const unsigned char ip[16] = {0};
    json_t *root;
    size_t found = 0;

    fl_event_clear(&ev);
    for (int i = 0; i < FL_FIELD_COUNT; i++) {
        enum fl_field f = (enum fl_field)i;

        if (fl_fields[f].type == FL_T_IP)
            fl_event_str(&ev, f, fl_span_of(ip, 16));
        else if (fl_fields[f].type == FL_T_STR && f != FL_F_SHAPE && f != FL_F_EXTRA)
            fl_event_str(&ev, f, FL_SPAN("x"));
        else if (fl_fields[f].type != FL_T_STR)
            fl_event_num(&ev, f, 1);
    }
    root = json_loads(json_text(true, NULL), JSON_REJECT_DUPLICATES, NULL);
    CHECK(root != NULL, "an object without a key twice");
    for (int i = 0; i < FL_FIELD_COUNT; i++) {
        const char *at = fl_fields[i].ecs, *dot;
        const json_t *node = root;
        char key[64];

        for (; (dot = strchr(at, '.')) != NULL; at = dot + 1) {
            (void)snprintf(key, sizeof key, "%.*s", (int)(dot - at), at);
            node = json_object_get(node, key);
        }
        found += json_object_get(node, at) != NULL ? 1 : 0;
    }
    CHECK(found == FL_FIELD_COUNT - 2, "every field but shape and extra stands under its path");
    json_decref(root);
}

static void check_json(void)
{
    struct fl_span line = FL_SPAN("<14>1 2026-11-21T20:04:31Z br-1 RT_FLOW - RT_FLOW_SESSION_CLOSE "
                                  "[junos@2636.1 elapsed-time=\"2\" a=\"1\" a=\"2\" b=\"\\\"\"]");
    const char *why;

    fl_line_parse(line, RECEIVED_US, &ev, &why);
    CHECK(strcmp(json_text(false, why),
                 "{\"@timestamp\":\"2026-11-21T20:04:31.000000Z\",\"event\":{\"action\":\"closed\","
                 "\"code\":\"RT_FLOW_SESSION_CLOSE\",\"duration\":2000000000,\"ingested\":"
                 "\"2026-11-22T00:00:00.000000Z\",\"module\":\"junos\",\"start\":"
                 "\"2026-11-21T20:04:29.000000Z\"},\"fairlead\":{\"extra\":{\"a\":\"1\",\"a#2\":"
                 "\"2\",\"b\":\"\\\"\"}},\"log\":{\"syslog\":{\"appname\":\"RT_FLOW\",\"hostname\":"
                 "\"br-1\",\"priority\":14}}}") == 0,
          "a session as JSON");
    CHECK(strstr(json_text(true, why), "\"original\":\"<14>1 2026-") != NULL,
          "with the line as received");
    fl_line_parse(FL_SPAN("what\xff"), RECEIVED_US, &ev, &why);
    CHECK(strcmp(json_text(true, why),
                 "{\"@timestamp\":\"2026-11-22T00:00:00.000000Z\",\"event\":{\"ingested\":"
                 "\"2026-11-22T00:00:00.000000Z\",\"original\":\"what\\ufffd\"},\"tags\":"
                 "[\"unparsed\",\"no_time\"],\"error\":{\"message\":\"no syslog header, and no "
                 "format that goes without\"}}") == 0,
          "a line that is none");
    CHECK(strstr(json_text(false, NULL), "{\"message\":\"no parser understood the line\"}") != NULL,
          "without the reason");
    fl_event_clear(&ev);
    CHECK(strcmp(json_text(false, NULL), "{}") == 0, "an empty row");
    fl_buf_clear(&out);
    CHECK(fl_ecs_json(&ev, true, &out, NULL) == FL_E_NOENT, "an empty row has no line");
}

static void check_many_extras(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf line;
    json_t *root;
    const char *why;

    fl_buf_init(&line, 60000);
    fl_buf_put_str(&line, "<14>1 2026-11-21T20:04:31Z h a - T_X [junos@2636.1");
    for (int i = 0; i < 3000; i++)
        fl_buf_put_str(&line, " a=\"1\"");
    fl_buf_put_str(&line, "]");
    fl_line_parse(fl_buf_span(&line), RECEIVED_US, &ev, &why);
    root = json_loads(json_text(false, why), JSON_REJECT_DUPLICATES, NULL);
    CHECK(json_object_size(json_object_get(json_object_get(root, "fairlead"), "extra")) == 3000,
          "three thousand parameters of one name");
    json_decref(root);
}

static const char *csv_text(const struct fl_fieldset *set)
{
    fl_buf_clear(&out);
    fl_ecs_csv_head(set, &out);
    fl_ecs_csv_row(&ev, set, &out);
    fl_buf_put_u8(&out, 0);
    return (const char *)out.ptr;
}

static void check_csv(void)
{
    static const enum fl_field some[] = {FL_F_TIME,  FL_F_FLAGS,    FL_F_SRC_IP,
                                         FL_F_USER,  FL_F_DURATION, FL_F_URL,
                                         FL_F_EXTRA, FL_F_SHAPE,    FL_F_RAW};
    struct fl_fieldset set = {{0, 0}};
    const char *why;

    for (size_t i = 0; i < FL_LEN(some); i++)
        fl_fieldset_add(&set, some[i]);
    fl_line_parse(FL_SPAN("CEF:0|v|p|1|2|n|3|src=10.0.0.1 suser==cmd|' request=a,\"b\" x=1"),
                  RECEIVED_US, &ev, &why);
    CHECK(strcmp(csv_text(&set),
                 "@timestamp,tags,source.ip,user.name,event.duration,url.original,fairlead.extra,"
                 "event.original\r\n"
                 "2026-11-22T00:00:00.000000Z,no_time,10.0.0.1,'=cmd|',,\"a,\"\"b\"\"\",\"{"
                 "\"\"device-version\"\":\"\"1\"\",\"\"name\"\":\"\"n\"\",\"\"x\"\":\"\"1\"\"}\","
                 "\"CEF:0|v|p|1|2|n|3|src=10.0.0.1 suser==cmd|' request=a,\"\"b\"\" x=1\"\r\n") ==
              0,
          "CSV with quotes, guards and the line");
    fl_event_clear(&ev);
    CHECK(strcmp(csv_text(&set) + strlen("@timestamp,tags,source.ip,user.name,event.duration,"
                                         "url.original,fairlead.extra,event.original\r\n"),
                 ",,,,,,,\r\n") == 0,
          "absent is empty");
}

static void check_guards(void)
{
    static const char *const cells[][2] = {
        {"=1", "'=1"},  {"+1", "'+1"},        {"-1", "'-1"},
        {"@a", "'@a"},  {"\ta", "'\ta"},      {"\ra", "\"'\ra\""},
        {"a=1", "a=1"}, {"a\nb", "\"a\nb\""}, {"\"", "\"\"\"\""}};
    struct fl_fieldset set = {{0, 0}};

    fl_fieldset_add(&set, FL_F_USER);
    for (size_t i = 0; i < FL_LEN(cells); i++) {
        char want[32], name[16];

        fl_event_str(&ev, FL_F_USER, fl_span_str(cells[i][0]));
        (void)snprintf(want, sizeof want, "user.name\r\n%s\r\n", cells[i][1]);
        (void)snprintf(name, sizeof name, "cell %zu", i);
        CHECK(strcmp(csv_text(&set), want) == 0, name);
    }
}

int main(void)
{
    fl_arena_init(&arena, (size_t)1 << 20);
    fl_buf_init(&out, (size_t)1 << 20);
    check_all_fields();
    check_json();
    check_many_extras();
    check_csv();
    check_guards();
    fl_buf_done(&out);
    fl_arena_done(&arena);
    return tap_done();
}
