/*
 * The real logs of ../shared/data/logs: every message is parsed, or kept whole and counted; the
 * rebuilt line equals the received bytes for all; what others expect of them is agreed with, or the
 * difference stands in a table here with its reason.
 */
#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "codec/frame.h"
#include "codec/ip.h"
#include "codec/line.h"
#include "codec/syslog.h"
#include "tap.h"

#define RECEIVED_US INT64_C(1795305600000000) /* 2026-11-22 */

static char base[3000]; /* .../shared/data/logs */

static struct fl_arena arena;
static struct fl_event ev = {.arena = &arena};

/* What became of the messages of one or more files. */
struct tally {
    size_t messages, unparsed, raw_kept, wrong, repaired;
    size_t format[5]; /* as in formats */
};
static const char *const formats[] = {"junos", "rtflow", "cef", "fortigate", "syslog"};

static void parse(struct fl_span line, struct tally *t)
{
    FL_AUTO(fl_buf_done) struct fl_buf back;
    const char *why;

    fl_arena_clear(&arena);
    fl_buf_init(&back, (size_t)1 << 17);
    fl_line_parse(line, RECEIVED_US, &ev, &why);
    t->messages++;
    t->unparsed += why[0] != '\0' ? 1 : 0;
    t->raw_kept += (fl_event_get_num(&ev, FL_F_FLAGS) & FL_ROW_RAW_KEPT) != 0 ? 1 : 0;
    if (fl_line_rebuild(&ev, &back, NULL) < 0 || !fl_span_eq(fl_buf_span(&back), line))
        t->wrong++;
    for (size_t i = 0; i < FL_LEN(formats); i++) {
        if (fl_span_eq(fl_event_get_str(&ev, FL_F_FORMAT), fl_span_str(formats[i])))
            t->format[i]++;
    }
}

static struct fl_span read_file(const char *path, struct fl_buf *buf)
{
    char full[4096], bytes[4096];
    size_t n;
    FILE *f;

    (void)snprintf(full, sizeof full, "%s/%s", base, path);
    f = fopen(full, "rb");
    if (f == NULL) {
        printf("Bail out! cannot read %s\n", full);
        exit(1);
    }
    fl_buf_init(buf, (size_t)1 << 22);
    while ((n = fread(bytes, 1, sizeof bytes, f)) > 0)
        fl_buf_put(buf, bytes, n);
    (void)fclose(f);
    return fl_buf_span(buf);
}

static void drain(struct fl_frame *dec, struct tally *t)
{
    struct fl_frame_msg msg;

    while (fl_frame_next(dec, &msg) > 0) {
        t->repaired += msg.repaired ? 1 : 0;
        parse(msg.bytes, t);
    }
}

/* Run files (NULL-terminated) as one stream, fed in pieces of `step` bytes. */
static struct tally run(const char *const *paths, size_t step)
{
    FL_AUTO(fl_frame_freep) struct fl_frame *dec = NULL;
    struct tally t = {0};

    if (fl_frame_new(65536, &dec, NULL) < 0)
        abort();
    for (; *paths != NULL; paths++) {
        FL_AUTO(fl_buf_done) struct fl_buf buf;
        struct fl_span bytes = read_file(*paths, &buf);

        while (bytes.len > 0) {
            size_t took = fl_frame_feed(dec, bytes.ptr, bytes.len < step ? bytes.len : step);

            drain(dec, &t);
            bytes = fl_span_of(bytes.ptr + took, bytes.len - took);
        }
    }
    fl_frame_finish(dec);
    drain(dec, &t);
    return t;
}

#define TF "tf-analytics/test_StructSys_"
#define CS "crowdsecurity-hub/"

/*
 * Streams of the framing tests: first a piece that ends in a half count, then the piece that begins
 * with its other half. The files end in a newline that the wire did not have.
 */
static const struct {
    const char *paths[3];
    size_t messages, repaired, unparsed;
} streams[] = {
    {{TF "MsgLenSplit_1.txt", TF "Buff_MsgLenSplit_1.txt"}, 7, 1, 0},
    {{TF "MsgLenSplit_2.txt", TF "Buff_MsgLenSplit_2.txt"}, 7, 1, 0},
    {{TF "MsgLenSplit_3.txt", TF "Buff_MsgLenSplit_3.txt"}, 7, 1, 0},
    {{TF "MsgLenBad.txt", TF "Buff_MsgLenBad.txt"}, 2, 0, 0},
    {{TF "SNMP.txt"}, 2, 1, 0},
    {{"contrail-specs/appqoe.log"}, 4, 0, 0},
    {{CS "fortinet-cve-2018-13379/fortinet-cve-2018-13379.log"}, 1, 0, 1}, /* a web server's line */
    {{CS "fortinet-vpn-bf/fortinet-vpn-bf.log"}, 9, 0, 0},
    {{CS "iptables-logs/iptables-logs.log"}, 4, 0, 0},
    {{CS "iptables-scan-multi-port/iptables-scan-multi-port.log"}, 49, 0, 0},
    {{CS "mikrotik-bf/mikrotik-bf.log"}, 8, 0, 0},
    {{CS "mikrotik-logs/mikrotik-logs.log"}, 7, 0, 0},
    {{CS "mikrotik-scan-multi_ports/mikrotik-scan-multi_ports.log"}, 19, 0, 0},
    {{CS "opnsense-gui-auth/opnsense-gui-auth.log"}, 6, 0, 0},
    {{CS "opnsense-sshd/opnsense-sshd.log"}, 10, 0, 0},
    {{CS "palo-alto-threat/palo-alto-threat.log"}, 2, 0, 0},
    {{CS "pf-logs/pf-logs.log"}, 9, 0, 0},
    {{CS "pf-scan-multi-port/pf-scan-multi-port.log"}, 16, 0, 0},
    {{CS "pfsense-gui-auth/pfsense-gui-auth.log"}, 9, 0, 0},
    {{CS "pfsense-rfc5424-filterlog/pfsense-rfc5424-filterlog.log"}, 4, 0, 0},
    {{CS "unifi-cef/cef-logs.log"}, 3, 0, 0},
    {{CS "unifi-logs/unifi-logs.log"}, 4, 0, 0},
};

static void check_streams(void)
{
    for (size_t i = 0; i < FL_LEN(streams); i++) {
        bool ok = true;

        for (size_t step = 1; step <= 33 && ok; step++) {
            struct tally t = run(streams[i].paths, step == 33 ? SIZE_MAX : step * step);

            ok = t.messages == streams[i].messages && t.repaired == streams[i].repaired &&
                 t.unparsed == streams[i].unparsed && t.wrong == 0 && t.raw_kept == 0;
            if (!ok)
                printf(
                    "# step %zu: %zu messages, %zu repaired, %zu unparsed, %zu kept, %zu wrong\n",
                    step * step, t.messages, t.repaired, t.unparsed, t.raw_kept, t.wrong);
        }
        CHECK(ok, streams[i].paths[0]);
    }
}

static json_t *load(const char *path)
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;
    struct fl_span text = read_file(path, &buf);
    json_t *json = json_loadb((const char *)text.ptr, text.len, 0, NULL);

    if (json == NULL) {
        printf("Bail out! %s is no JSON\n", path);
        exit(1);
    }
    return json;
}

/* The six inputs of the original product's own parser tests, each a stream. */
static void check_tf_cases(void)
{
    static const size_t messages[] = {1, 2, 1, 1, 1, 1};
    json_t *root = load("tf-analytics/structured_syslog_test.json"), *one;
    const json_t *cases = json_object_get(root, "cases");
    size_t i;

    json_array_foreach(cases, i, one)
    {
        FL_AUTO(fl_frame_freep) struct fl_frame *dec = NULL;
        const json_t *input = json_object_get(one, "input");
        struct tally t = {0};

        if (fl_frame_new(65536, &dec, NULL) < 0 || i >= FL_LEN(messages))
            abort();
        if (fl_frame_feed(dec, json_string_value(input), json_string_length(input)) == 0)
            abort();
        fl_frame_finish(dec);
        drain(dec, &t);
        CHECK(t.messages == messages[i] && t.unparsed == 0 && t.wrong == 0 &&
                  t.format[0] == t.messages,
              json_string_value(json_object_get(one, "test")));
    }
    CHECK(i == FL_LEN(messages), "all six");
    json_decref(root);
}

/* All parameters of the four APPQOE lines are in columns or kept by name. */
static void count_extra(void *ctx, struct fl_span name, struct fl_span value)
{
    (void)value;
    *(size_t *)ctx += name.len > 0 ? 1 : 0;
}

static size_t count_params(struct fl_span line, size_t *ret_absent)
{
    size_t n = 0;

    *ret_absent = 0;
    for (size_t i = 0; i + 2 < line.len; i++) {
        if (line.ptr[i] != '=' || line.ptr[i + 1] != '"')
            continue;
        n++;
        if (memcmp(line.ptr + i + 2, "N/A\"", 4) == 0 ||
            memcmp(line.ptr + i + 2, "UNKNOWN\"", 8) == 0)
            ++*ret_absent;
    }
    return n;
}

static void check_appqoe(void)
{
    static const enum fl_field derived[] = {
        FL_F_RECEIVED, FL_F_TIME,   FL_F_FLAGS, FL_F_FORMAT, FL_F_PRI,   FL_F_HOST, FL_F_TAG,
        FL_F_PROGRAM,  FL_F_ACTION, FL_F_APP,   FL_F_USER,   FL_F_EXTRA, FL_F_SHAPE};
    FL_AUTO(fl_buf_done) struct fl_buf buf;
    struct fl_span file = read_file("contrail-specs/appqoe.log", &buf);

    for (size_t at = 0, line = 1; at < file.len; line++) {
        const unsigned char *end = memchr(file.ptr + at, '\n', file.len - at);
        size_t n = end == NULL ? file.len - at : (size_t)(end - file.ptr) - at;
        size_t absent, params = count_params(fl_span_of(file.ptr + at, n), &absent), kept = 0;
        struct tally t = {0};
        char name[64];

        parse(fl_span_of(file.ptr + at, n), &t);
        fl_line_extras(&ev, count_extra, &kept);
        for (int f = 0; f < FL_FIELD_COUNT; f++)
            kept += fl_event_has(&ev, (enum fl_field)f) ? 1 : 0;
        for (size_t i = 0; i < FL_LEN(derived); i++)
            kept -= fl_event_has(&ev, derived[i]) ? 1 : 0;
        (void)snprintf(name, sizeof name, "APPQOE line %zu: %zu parameters, %zu absent", line,
                       params, absent);
        CHECK(params >= 19 && kept + absent == params, name);
        at += n + 1;
    }
}

/* Vectors where our strict verdict is not the peer's. */
static const struct {
    const char *hex, *reason;
} vector_differences[] = {
    {"3c313e31202d202d202d202d202d202d20fefeffff",
     "section 6.4: MSG-ANY may be any octets; only behind a BOM it must be UTF-8"},
    {"3c313e31202d202d202d202d202d202d20ff", "the same"},
    {"3c313e31202d202d202d202d202d202d20f8808080af", "the same"},
    {"3c313e31202d202d202d202d202d202d20e080af", "the same"},
    {"3c313e31202d202d202d202d202d202d20fc83bfbfbfbf", "the same"},
    {"3c313e31202d202d202d202d202d202d20f08fbfbf", "the same"},
    {"3c313e31202d202d202d202d202d202d20c1bf", "the same"},
    {"3c313e31202d202d202d202d202d202d20eda080", "the same"},
    {"3c313e31202d202d202d202d202d202d20edae80", "the same"},
    {"3c313e31202d202d202d202d202d202d20edb080", "the same"},
    {"3c313e31202d202d202d202d202d202d20edbfbf", "the same"},
    {"3c313e31202d202d202d202d202d202d2076616c6964efbbbfc1",
     "the same: what looks like a BOM is not at the front"},
};

static size_t unhex(const char *hex, unsigned char *out, size_t max)
{
    size_t n = 0;
    unsigned value;

    for (; n < max && sscanf(hex + 2 * n, "%2x", &value) == 1; n++)
        out[n] = (unsigned char)value;
    return n;
}

static bool may_differ(const char *hex)
{
    for (size_t i = 0; i < FL_LEN(vector_differences); i++) {
        if (strcmp(vector_differences[i].hex, hex) == 0)
            return true;
    }
    return false;
}

static void check_vectors(void)
{
    json_t *root = load("rfc5424-vectors.json"), *one;
    const json_t *vectors = json_object_get(root, "vectors");
    struct tally t = {0};
    size_t i, agreed = 0, differences = 0;
    bool as_said = true;

    json_array_foreach(vectors, i, one)
    {
        const char *hex = json_string_value(json_object_get(one, "input_hex"));
        unsigned char bytes[4096];
        struct fl_span message = fl_span_of(bytes, unhex(hex, bytes, sizeof bytes));
        bool valid = json_is_true(json_object_get(one, "valid"));
        bool ours = fl_syslog_is_strict_5424(message);

        agreed += ours == valid ? 1 : 0;
        differences += ours != valid ? 1 : 0;
        if ((ours != valid) != may_differ(hex)) {
            printf("# %s: ours %d, theirs %d\n", hex, ours, valid);
            as_said = false;
        }
        parse(message, &t);
        if (ours && fl_event_has(&ev, FL_F_RAW)) {
            printf("# %s: strictly right and not parsed\n", hex);
            as_said = false;
        }
    }
    printf("# %zu vectors: %zu agreed, %zu differ, %zu parsed leniently, %zu kept whole\n", i,
           agreed, differences, t.messages - t.unparsed, t.unparsed);
    CHECK(as_said && differences == FL_LEN(vector_differences) && i > 60,
          "verdicts of a strict RFC 5424 parser, the differences as listed");
    CHECK(t.wrong == 0, "and every vector comes back");
    json_decref(root);
}

/* napalm-logs */

/* Columns where ours is not theirs. ours "": absent. */
static const struct {
    const char *test, *key, *ours, *reason;
} napalm_differences[] = {
    {"FAILED_ALLOCATING_PACKET_BUFFER/default", "processName", "fpc0", "the card is who speaks"},
    {"FAILED_ALLOCATING_PACKET_BUFFER/default", "tag", "", "and not the name of a message"},
    {"NH_INSTALL_FAILED/default", "processName", "fpc0", "the card is who speaks"},
    {"NH_INSTALL_FAILED/default", "host", "re0.vmx01", "HOSTNAME stays as the line says it"},
    {"NTP_SERVER_UNREACHABLE/server", "host", "re0.edge01.bjm01", "the same"},
    {"NTP_SERVER_UNREACHABLE/server", "processName", "xntpd", "NAME[PID] is the program"},
    {"NTP_SERVER_UNREACHABLE/server", "tag", "", "the text names no message"},
    {"MAJOR_ALARM_SET/default", "processName", "craftd", "NAME[PID] is the program"},
    {"MAJOR_ALARM_SET/default", "tag", "", "the text names no message"},
    {"MINOR_ALARM_SET/default", "processName", "craftd", "NAME[PID] is the program"},
    {"MINOR_ALARM_SET/default", "tag", "", "the text names no message"},
    {"SYSTEM_ALARM/default", "tag", "", "\"Alarm set\" is text, no name"},
    {"SYSTEM_ALARM/default_fpc", "tag", "", "the same"},
    {"SYSTEM_ALARM/reason_nonalpha", "tag", "", "the same"},
};
static bool napalm_used[FL_LEN(napalm_differences)];

/* A field as text, "" when absent. */
static const char *text_of(enum fl_field f)
{
    static char text[1024];
    struct fl_span s = fl_event_get_str(&ev, f);

    text[0] = '\0';
    if (!fl_event_has(&ev, f))
        return text;
    if (fl_fields[f].type == FL_T_IP)
        (void)fl_ip_format(s.ptr, text);
    else if (fl_fields[f].type == FL_T_STR)
        (void)snprintf(text, sizeof text, "%.*s", FL_SPAN_ARG(s));
    else
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)ev.v[f].num);
    return text;
}

static const char *json_text(const json_t *value)
{
    static char text[32];

    if (json_is_integer(value)) {
        (void)snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        return text;
    }
    return json_is_string(value) ? json_string_value(value) : "";
}

static bool same_as_napalm(const char *test, const char *key, const char *ours, const char *theirs)
{
    for (size_t i = 0; i < FL_LEN(napalm_differences); i++) {
        if (strcmp(napalm_differences[i].test, test) == 0 &&
            strcmp(napalm_differences[i].key, key) == 0) {
            napalm_used[i] = strcmp(ours, theirs) != 0;
            return strcmp(napalm_differences[i].ours, ours) == 0;
        }
    }
    if (strcmp(ours, theirs) != 0)
        printf("# %s: %s is \"%s\", theirs \"%s\"\n", test, key, ours, theirs);
    return strcmp(ours, theirs) == 0;
}

static bool same_details(const char *test, const json_t *details)
{
    static const struct {
        const char *key;
        enum fl_field field;
    } keys[] = {{"pri", FL_F_PRI},
                {"host", FL_F_HOST},
                {"processName", FL_F_PROGRAM},
                {"processId", FL_F_PROCID},
                {"tag", FL_F_TAG}};
    char number[32];
    uint64_t pri = fl_event_get_num(&ev, FL_F_PRI);
    bool same = true;

    for (size_t i = 0; i < FL_LEN(keys); i++)
        same = same_as_napalm(test, keys[i].key, text_of(keys[i].field),
                              json_text(json_object_get(details, keys[i].key))) &&
               same;
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)(pri / 8));
    same =
        same_as_napalm(test, "facility", number, json_text(json_object_get(details, "facility"))) &&
        same;
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)(pri % 8));
    return same_as_napalm(test, "severity", number,
                          json_text(json_object_get(details, "severity"))) &&
           same;
}

/* The session of NAT_SESSION_CREATED and of FortiGate's traffic. */
static bool same_session(const char *test, const json_t *session)
{
    static const struct {
        const char *key;
        enum fl_field field;
    } keys[] = {{"source_address", FL_F_SRC_IP},
                {"source_port", FL_F_SRC_PORT},
                {"destination_address", FL_F_DST_IP},
                {"destination_port", FL_F_DST_PORT},
                {"service_name", FL_F_SERVICE},
                {"nat_source_address", FL_F_SRC_NAT_IP},
                {"nat_source_port", FL_F_SRC_NAT_PORT},
                {"nat_destination_address", FL_F_DST_NAT_IP},
                {"nat_destination_port", FL_F_DST_NAT_PORT},
                {"protocol_id", FL_F_PROTO},
                {"session_id", FL_F_SESSION},
                {"action", FL_F_VERDICT},
                {"vdom", FL_F_INSTANCE}};
    bool same = true;

    for (size_t i = 0; i < FL_LEN(keys); i++) {
        const json_t *value = json_object_get(session, keys[i].key);

        if (value != NULL)
            same =
                same_as_napalm(test, keys[i].key, text_of(keys[i].field), json_text(value)) && same;
    }
    return same;
}

static void find_rule(void *ctx, struct fl_span name, struct fl_span value)
{
    if (fl_span_eq(name, FL_SPAN("src-nat-rule-name")))
        *(struct fl_span *)ctx = value;
}

static const json_t *dig(const json_t *node, const char *a, const char *b, const char *c)
{
    return json_object_get(json_object_get(json_object_get(node, a), b), c);
}

static void check_napalm_test(const char *os, const char *test)
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;
    char path[2048];
    struct tally t = {0};
    struct fl_span line, rule = {NULL, 0};
    const json_t *yang, *session;
    json_t *root;
    bool same;

    (void)snprintf(path, sizeof path, "napalm-logs/%s/%s/syslog.msg", os, test);
    line = read_file(path, &buf);
    while (line.len > 0 && line.ptr[line.len - 1] == '\n')
        line.len--;
    parse(line, &t);
    (void)snprintf(path, sizeof path, "napalm-logs/%s/%s/yang.json", os, test);
    root = load(path);
    same = same_details(test, json_object_get(root, "message_details"));
    yang = json_object_get(root, "yang_message");
    session = dig(yang, "security", "flow", "created");
    if (session != NULL) {
        fl_line_extras(&ev, find_rule, &rule);
        same =
            same &&
            fl_span_eq(rule, fl_span_str(json_text(json_object_get(session, "src_nat_rule_name"))));
    } else {
        session = dig(yang, "session", "traffic", "forward");
        session = session != NULL ? session : dig(yang, "session", "traffic", "local");
    }
    same = same_session(test, session) && same;
    CHECK(same && t.unparsed == 0 && t.wrong == 0 && t.raw_kept == 0, test);
    json_decref(root);
}

/* Call fn for each folder in a folder of the data. */
static size_t each_folder(const char *path, void (*fn)(const char *path, const char *name))
{
    char full[4096];
    struct dirent *entry;
    size_t n = 0;
    DIR *dir;

    (void)snprintf(full, sizeof full, "%s/%s", base, path);
    dir = opendir(full);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        fn(path, entry->d_name);
        n++;
    }
    if (dir != NULL)
        (void)closedir(dir);
    return n;
}

static size_t napalm_tests;

static void on_variant(const char *path, const char *name)
{
    char test[512];
    const char *os = path + strlen("napalm-logs/"), *slash = strchr(os, '/');
    char os_name[32];

    (void)snprintf(os_name, sizeof os_name, "%.*s", (int)(slash - os), os);
    (void)snprintf(test, sizeof test, "%s/%s", slash + 1, name);
    check_napalm_test(os_name, test);
    napalm_tests++;
}

static void on_error(const char *path, const char *name)
{
    char sub[512];

    (void)snprintf(sub, sizeof sub, "%s/%s", path, name);
    (void)each_folder(sub, on_variant);
}

static void check_napalm(void)
{
    bool used = true;

    (void)each_folder("napalm-logs/junos", on_error);
    (void)each_folder("napalm-logs/fortinet", on_error);
    for (size_t i = 0; i < FL_LEN(napalm_differences); i++) {
        if (!napalm_used[i])
            printf("# no difference any more: %s %s\n", napalm_differences[i].test,
                   napalm_differences[i].key);
        used = used && napalm_used[i];
    }
    CHECK(napalm_tests == 33 && used, "33 messages, the differences as listed");
}

/*
 * crowdsecurity-hub: expectations such as
 *   results["s01-parse"]["crowdsecurity/unifi-cef"][0].Evt.Unmarshaled["unifi"]["src"] ==
 * "10.0.0.1"
 */
struct expectation {
    size_t index; /* of the message */
    char key[64], value[512];
};

static bool read_expectation(const char *line, const char *parser, struct expectation *ret)
{
    char front[128];
    const char *at, *key, *value;
    size_t n;

    (void)snprintf(front, sizeof front, "results[\"%s\"][", parser);
    at = strstr(line, parser);
    if (strncmp(line, "results[", 8) != 0 || at == NULL || (at = strstr(at, "\"][")) == NULL)
        return false;
    ret->index = (size_t)strtoul(at + 3, NULL, 10);
    value = strstr(at, "\"] == \"");
    if (value == NULL)
        return false;
    for (key = value; key > at && key[-1] != '"'; key--)
        ;
    n = (size_t)(value - key);
    (void)snprintf(ret->key, sizeof ret->key, "%.*s", (int)n, key);
    value += strlen("\"] == \"");
    n = strlen(value);
    while (n > 0 && value[n - 1] != '"')
        n--;
    (void)snprintf(ret->value, sizeof ret->value, "%.*s", (int)(n > 0 ? n - 1 : 0), value);
    return true;
}

/* Keys of their CEF parser that we have a column for. */
static const struct {
    const char *key;
    enum fl_field field;
} cef_keys[] = {
    {"cef_device_vendor", FL_F_VENDOR},
    {"cef_device_product", FL_F_PRODUCT},
    {"cef_signature_id", FL_F_TAG},
    {"cef_severity", FL_F_SEVERITY},
    {"hostname", FL_F_HOST},
    {"src", FL_F_SRC_IP},
    {"spt", FL_F_SRC_PORT},
    {"dst", FL_F_DST_IP},
    {"dpt", FL_F_DST_PORT},
    {"act", FL_F_VERDICT},
    {"app", FL_F_APP_OUTER},
    {"msg", FL_F_MESSAGE},
    {"deviceInboundInterface", FL_F_IN_IF},
    {"UNIFIipsSignature", FL_F_THREAT},
    {"UNIFIpolicyName", FL_F_POLICY},
    {"UNIFIsrcZone", FL_F_SRC_ZONE},
    {"UNIFIdstZone", FL_F_DST_ZONE},
};

struct wanted {
    struct fl_span name, value;
};

static void find_extra(void *ctx, struct fl_span name, struct fl_span value)
{
    struct wanted *w = ctx;

    if (fl_span_eq(name, w->name))
        w->value = value;
}

/* Ours for a key of theirs; NULL when we say nothing of it. */
static const char *cef_value(const char *key)
{
    static char text[1024];
    const char *name = strcmp(key, "cef_device_version") == 0 ? "device-version"
                       : strcmp(key, "cef_event_name") == 0   ? "name"
                                                              : key;
    struct wanted w = {fl_span_str(name), {NULL, 0}};

    for (size_t i = 0; i < FL_LEN(cef_keys); i++) {
        if (strcmp(cef_keys[i].key, key) == 0)
            return text_of(cef_keys[i].field);
    }
    if (strcmp(key, "proto") == 0)
        return fl_event_get_num(&ev, FL_F_PROTO) == 6 ? "TCP" : "";
    fl_line_extras(&ev, find_extra, &w);
    if (w.value.ptr == NULL)
        return NULL;
    (void)snprintf(text, sizeof text, "%.*s", FL_SPAN_ARG(w.value));
    return text;
}

/* Keys that we say nothing of: their own bookkeeping, and the time, which is one of our columns. */
static bool is_theirs(const char *key)
{
    static const char *const keys[] = {"logsource",   "program", "timestamp",
                                       "cef_version", "message", "UNIFIutcTime"};

    for (size_t i = 0; i < FL_LEN(keys); i++) {
        if (strcmp(keys[i], key) == 0)
            return true;
    }
    return false;
}

static struct fl_span line_at(struct fl_span file, size_t index)
{
    size_t at = 0;

    for (; index > 0 && at < file.len; at++)
        index -= file.ptr[at] == '\n' ? 1 : 0;
    for (size_t end = at;; end++) {
        if (end == file.len || file.ptr[end] == '\n')
            return fl_span_of(file.ptr + at, end - at);
    }
}

static void check_cef(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf log_buf, assert_buf;
    struct fl_span log = read_file(CS "unifi-cef/cef-logs.log", &log_buf);
    struct fl_span expect = read_file(CS "unifi-cef/parser.assert", &assert_buf);
    size_t checked = 0, wrong = 0, unknown = 0;
    struct tally t = {0};

    for (size_t i = 0; line_at(expect, i).len > 0 || i < 5; i++) {
        struct fl_span line = line_at(expect, i);
        struct expectation e;
        char text[1024];
        const char *ours;

        (void)snprintf(text, sizeof text, "%.*s", FL_SPAN_ARG(line));
        if (!read_expectation(text, "crowdsecurity/unifi-cef", &e) ||
            (strstr(text, ".Parsed[") == NULL && strstr(text, ".Unmarshaled[") == NULL) ||
            is_theirs(e.key) || e.value[0] == '\0')
            continue;
        parse(line_at(log, e.index), &t);
        ours = cef_value(e.key);
        checked++;
        if (ours == NULL || strcmp(ours, e.value) != 0) {
            printf("# message %zu: %s is \"%s\", theirs \"%s\"\n", e.index, e.key,
                   ours == NULL ? "(nothing)" : ours, e.value);
            wrong++;
            unknown += ours == NULL ? 1 : 0;
        }
    }
    printf("# %zu expectations of CEF fields\n", checked);
    CHECK(checked > 60 && wrong == 0 && unknown == 0, "crowdsecurity's CEF fields");
}

/* FortiGate lines and the syslog headers of the other vendors: who, when, what. */
static const struct {
    const char *folder, *log, *key;
    enum fl_field field;
} header_keys[] = {
    {CS "iptables-logs", "iptables-logs.log", "program", FL_F_PROGRAM},
    {CS "iptables-logs", "iptables-logs.log", "machine", FL_F_HOST},
    {CS "iptables-logs", "iptables-logs.log", "message", FL_F_MESSAGE},
    {CS "opnsense-sshd", "opnsense-sshd.log", "program", FL_F_PROGRAM},
    {CS "opnsense-sshd", "opnsense-sshd.log", "pid", FL_F_PROCID},
    {CS "opnsense-sshd", "opnsense-sshd.log", "machine", FL_F_HOST},
    {CS "opnsense-gui-auth", "opnsense-gui-auth.log", "program", FL_F_PROGRAM},
    {CS "opnsense-gui-auth", "opnsense-gui-auth.log", "pid", FL_F_PROCID},
    {CS "pfsense-gui-auth", "pfsense-gui-auth.log", "program", FL_F_PROGRAM},
    {CS "pfsense-gui-auth", "pfsense-gui-auth.log", "pid", FL_F_PROCID},
    {CS "pfsense-gui-auth", "pfsense-gui-auth.log", "message", FL_F_MESSAGE},
    {CS "pf-logs", "pf-logs.log", "program", FL_F_PROGRAM},
    {CS "pf-logs", "pf-logs.log", "machine", FL_F_HOST},
    {CS "pfsense-rfc5424-filterlog", "pfsense-rfc5424-filterlog.log", "program", FL_F_PROGRAM},
    {CS "pfsense-rfc5424-filterlog", "pfsense-rfc5424-filterlog.log", "machine", FL_F_HOST},
    {CS "pfsense-rfc5424-filterlog", "pfsense-rfc5424-filterlog.log", "message", FL_F_MESSAGE},
};

static void trim(char *text)
{
    size_t n = strlen(text);

    while (n > 0 && text[n - 1] == ' ')
        text[--n] = '\0';
}

static void check_header_key(size_t k)
{
    FL_AUTO(fl_buf_done) struct fl_buf log_buf, assert_buf;
    char path[512], label[256];
    struct fl_span log, expect;
    size_t checked = 0, wrong = 0;
    struct tally t = {0};

    (void)snprintf(path, sizeof path, "%s/%s", header_keys[k].folder, header_keys[k].log);
    log = read_file(path, &log_buf);
    (void)snprintf(path, sizeof path, "%s/parser.assert", header_keys[k].folder);
    expect = read_file(path, &assert_buf);
    for (size_t i = 0; i < 400; i++) {
        struct fl_span line = line_at(expect, i);
        struct expectation e;
        char text[2048];

        (void)snprintf(text, sizeof text, "%.*s", FL_SPAN_ARG(line));
        if (!read_expectation(text, "crowdsecurity/syslog-logs", &e) ||
            strcmp(e.key, header_keys[k].key) != 0 || strchr(e.value, '\\') != NULL)
            continue;
        trim(e.value);
        parse(line_at(log, e.index), &t);
        checked++;
        if (strcmp(text_of(header_keys[k].field), e.value) != 0) {
            printf("# message %zu: \"%s\", theirs \"%s\"\n", e.index, text_of(header_keys[k].field),
                   e.value);
            wrong++;
        }
    }
    (void)snprintf(label, sizeof label, "%s %s: %zu values", header_keys[k].folder,
                   header_keys[k].key, checked);
    CHECK(checked > 0 && wrong == 0, label);
}

int main(int argc, char **argv)
{
    char path[4096];
    FILE *f;

    if (argc != 2)
        return 1;
    (void)snprintf(base, sizeof base, "%s/data/logs", argv[1]);
    (void)snprintf(path, sizeof path, "%s/rfc5424-vectors.json", base);
    f = fopen(path, "rb");
    if (f == NULL) {
        printf("1..0 # SKIP no ../shared/data\n");
        return 0;
    }
    (void)fclose(f);
    fl_arena_init(&arena, (size_t)1 << 22);
    check_streams();
    check_tf_cases();
    check_appqoe();
    check_vectors();
    check_napalm();
    check_cef();
    for (size_t k = 0; k < FL_LEN(header_keys); k++)
        check_header_key(k);
    fl_arena_done(&arena);
    return tap_done();
}
