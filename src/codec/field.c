#include "codec/field.h"

#define NUM(ecs, alias, unit, text)                                                                \
    {                                                                                              \
        ecs, alias, FL_T_NUM, unit, false, false, text                                             \
    }
#define TIME(ecs, alias, text)                                                                     \
    {                                                                                              \
        ecs, alias, FL_T_TIME, "us", false, false, text                                            \
    }
#define STR(ecs, alias, text)                                                                      \
    {                                                                                              \
        ecs, alias, FL_T_STR, "", false, false, text                                               \
    }
#define STR_BLOOM(ecs, alias, personal, text)                                                      \
    {                                                                                              \
        ecs, alias, FL_T_STR, "", true, personal, text                                             \
    }
#define STR_PERSONAL(ecs, alias, text)                                                             \
    {                                                                                              \
        ecs, alias, FL_T_STR, "", false, true, text                                                \
    }
#define IP(ecs, alias, bloom, text)                                                                \
    {                                                                                              \
        ecs, alias, FL_T_IP, "", bloom, true, text                                                 \
    }

const struct fl_field_info fl_fields[FL_FIELD_COUNT] = {
    [FL_F_RECEIVED] = TIME("event.ingested", "received", "when the line was read here"),
    [FL_F_TIME] = TIME("@timestamp", "time", "the device's own time"),
    [FL_F_SEQ] = NUM("event.sequence", "seq", "", "number within tenant and day of receipt"),
    [FL_F_FLAGS] = NUM("tags", "flag", "", "how the row was treated: unparsed, far_end, ..."),
    [FL_F_SITE] = STR_BLOOM("observer.geo.name", "site", false, "site of the device"),
    [FL_F_DEVICE] = STR_BLOOM("observer.name", "device", false, "device by its certificate"),
    [FL_F_FORMAT] = STR("event.module", "format", "parser that understood the line"),
    [FL_F_VENDOR] = STR("observer.vendor", "vendor", "CEF device vendor"),
    [FL_F_PRODUCT] = STR("observer.product", "product", "CEF device product"),
    [FL_F_PRI] = NUM("log.syslog.priority", "pri", "", "syslog PRI, facility * 8 + severity"),
    [FL_F_HOST] = STR("log.syslog.hostname", "host", "HOSTNAME as the line says it"),
    [FL_F_PROGRAM] = STR("log.syslog.appname", "program", "APP-NAME: RT_FLOW, rpd"),
    [FL_F_PROCID] = STR("log.syslog.procid", "procid", "PROCID"),
    [FL_F_TAG] = STR_BLOOM("event.code", "tag", false, "message: RT_FLOW_SESSION_CLOSE"),
    [FL_F_ACTION] = STR("event.action", "action", "created closed updated denied blocked ..."),
    [FL_F_SRC_IP] = IP("source.ip", "src", true, "source address"),
    [FL_F_SRC_PORT] = NUM("source.port", "sport", "", "source port"),
    [FL_F_DST_IP] = IP("destination.ip", "dst", true, "destination address"),
    [FL_F_DST_PORT] = NUM("destination.port", "dport", "", "destination port"),
    [FL_F_SRC_NAT_IP] = IP("source.nat.ip", "srcnat", false, "source address after NAT"),
    [FL_F_SRC_NAT_PORT] = NUM("source.nat.port", NULL, "", "source port after NAT"),
    [FL_F_DST_NAT_IP] = IP("destination.nat.ip", "dstnat", false, "destination after NAT"),
    [FL_F_DST_NAT_PORT] = NUM("destination.nat.port", NULL, "", "destination port after NAT"),
    [FL_F_PROTO] = NUM("network.iana_number", "proto", "", "IANA protocol number"),
    [FL_F_SERVICE] = STR("service.name", "service", "service as the device names it"),
    [FL_F_APP] = STR_BLOOM("network.application", "app", false,
                           "nested application, else application, else service"),
    [FL_F_APP_OUTER] = STR("fairlead.application", NULL, "application as the line says it"),
    [FL_F_APP_NESTED] = STR("fairlead.nested_application", NULL, "nested application"),
    [FL_F_CATEGORY] = STR("fairlead.application_category", "category", "application category"),
    [FL_F_USER] = STR_BLOOM("user.name", "user", true, "user, else the source address"),
    [FL_F_ROLES] = STR_PERSONAL("user.roles", "roles", "roles of the user"),
    [FL_F_SESSION] = NUM("fairlead.session_id", "session", "", "session number on the device"),
    [FL_F_POLICY] = STR("rule.name", "policy", "policy that decided"),
    [FL_F_SRC_ZONE] = STR("observer.ingress.zone", "szone", "source zone"),
    [FL_F_DST_ZONE] = STR("observer.egress.zone", "dzone", "destination zone"),
    [FL_F_IN_IF] = STR("observer.ingress.interface.name", "in", "incoming interface"),
    [FL_F_OUT_IF] = STR("observer.egress.interface.name", "out", "outgoing interface"),
    [FL_F_REASON] = STR("event.reason", "reason", "why the session ended or was refused"),
    [FL_F_DURATION] = NUM("event.duration", "duration", "s", "seconds, as the line says it"),
    [FL_F_START] = TIME("event.start", "start", "true start of a closed session"),
    [FL_F_OUT_BYTES] = NUM("source.bytes", NULL, "bytes", "client to server, over the session"),
    [FL_F_OUT_PACKETS] = NUM("source.packets", NULL, "", "packets client to server"),
    [FL_F_IN_BYTES] = NUM("destination.bytes", NULL, "bytes", "server to client, over the session"),
    [FL_F_IN_PACKETS] = NUM("destination.packets", NULL, "", "packets server to client"),
    [FL_F_BYTES] = NUM("network.bytes", "bytes", "bytes", "what this row adds, both directions"),
    [FL_F_BYTES_UP] = NUM("fairlead.bytes_up", "up", "bytes", "what this row adds, to the server"),
    [FL_F_BYTES_DOWN] = NUM("fairlead.bytes_down", "down", "bytes", "what this row adds, back"),
    [FL_F_PACKETS] = NUM("network.packets", "packets", "", "packets that this row adds"),
    [FL_F_SECONDS] = NUM("fairlead.seconds", "seconds", "s", "session time that this row adds"),
    [FL_F_SESSIONS] = NUM("fairlead.sessions", "sessions", "", "1 where a session is counted"),
    [FL_F_URL] = STR_PERSONAL("url.original", "url", "URL as the line says it"),
    [FL_F_URL_PATH] = STR_PERSONAL("url.path", "path", "path of the URL"),
    [FL_F_HOSTNAME] = STR_BLOOM("url.domain", "hostname", true, "host name visited"),
    [FL_F_DOMAIN] = STR_BLOOM("url.registered_domain", "domain", true, "registrable domain"),
    [FL_F_URL_CATEGORY] = STR("url.category", "urlcategory", "category of the web site"),
    [FL_F_THREAT] = STR_BLOOM("threat.name", "threat", false, "attack, virus or malware"),
    [FL_F_SEVERITY] = STR("threat.severity", "severity", "the device's word for severity"),
    [FL_F_VERDICT] = STR("rule.action", "verdict", "the device's word for what it did"),
    [FL_F_FILE] = STR_PERSONAL("file.name", "file", "file name"),
    [FL_F_FILE_SHA256] = STR("file.hash.sha256", "sha256", "file hash"),
    [FL_F_INSTANCE] = STR("fairlead.routing_instance", "instance", "routing instance"),
    [FL_F_SLA_RULE] = STR("fairlead.sla_rule", "sla", "SLA rule"),
    [FL_F_PROFILE] = STR("fairlead.profile", "profile", "profile"),
    [FL_F_RULE] = STR("fairlead.rule", "rule", "rule within the profile"),
    [FL_F_RTT_US] = NUM("fairlead.rtt_us", "rtt", "us", "round-trip time"),
    [FL_F_JITTER_US] = NUM("fairlead.jitter_us", "jitter", "us", "round-trip jitter"),
    [FL_F_LOSS_PCT] = NUM("fairlead.loss_pct", "loss", "%", "packet loss"),
    [FL_F_VIOLATION] = NUM("fairlead.violation", "violation", "", "SLA violation; 0 is over"),
    [FL_F_MESSAGE] = STR_PERSONAL("message", "message", "free text"),
    [FL_F_EXTRA] = STR_PERSONAL("fairlead.extra", NULL, "parameters without a column"),
    [FL_F_SHAPE] = STR("fairlead.shape", NULL, "how the line is rebuilt"),
    [FL_F_RAW] = STR_PERSONAL("event.original", "raw", "the line as received"),
};

const char *const fl_row_flag_names[] = {
    "unparsed", "raw_kept", "no_time",          "clock_off", "far_end",      "no_baseline", "copy",
    "relayed",  "weak",     "framing_repaired", "truncated", "year_guessed", NULL,
};

enum fl_field fl_field_find(struct fl_span name)
{
    for (int f = 0; f < FL_FIELD_COUNT; f++) {
        if (fl_span_eq(name, fl_span_str(fl_fields[f].ecs)) ||
            (fl_fields[f].alias != NULL && fl_span_eq(name, fl_span_str(fl_fields[f].alias))))
            return (enum fl_field)f;
    }
    return FL_FIELD_COUNT;
}

_Static_assert(FL_FIELD_COUNT > 64 && FL_FIELD_COUNT < 128, "the second word is used in part");

struct fl_fieldset fl_fieldset_all(void) /* without a loop: it is asked once a row */
{
    return (struct fl_fieldset){{UINT64_MAX, (UINT64_C(1) << (FL_FIELD_COUNT - 64)) - 1}};
}
