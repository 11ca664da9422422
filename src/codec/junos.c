#include "codec/junos.h"

#include <string.h>

#include "codec/sd.h"

/*
 * Parameters that have a column. First RT_FLOW_SESSION_CLOSE in wire order, with those of it that
 * have none, so that the next name is nearly always the next row; then what other messages add.
 */
static const struct fl_param rows[] = {
    FL_PARAM("reason", FL_F_REASON),
    FL_PARAM("source-address", FL_F_SRC_IP),
    FL_PARAM("source-port", FL_F_SRC_PORT),
    FL_PARAM("destination-address", FL_F_DST_IP),
    FL_PARAM("destination-port", FL_F_DST_PORT),
    FL_PARAM("connection-tag", FL_FIELD_COUNT),
    FL_PARAM("service-name", FL_F_SERVICE),
    FL_PARAM("nat-source-address", FL_F_SRC_NAT_IP),
    FL_PARAM("nat-source-port", FL_F_SRC_NAT_PORT),
    FL_PARAM("nat-destination-address", FL_F_DST_NAT_IP),
    FL_PARAM("nat-destination-port", FL_F_DST_NAT_PORT),
    FL_PARAM("nat-connection-tag", FL_FIELD_COUNT),
    FL_PARAM("src-nat-rule-type", FL_FIELD_COUNT),
    FL_PARAM("src-nat-rule-name", FL_FIELD_COUNT),
    FL_PARAM("dst-nat-rule-type", FL_FIELD_COUNT),
    FL_PARAM("dst-nat-rule-name", FL_FIELD_COUNT),
    FL_PARAM("protocol-id", FL_F_PROTO),
    FL_PARAM("policy-name", FL_F_POLICY),
    FL_PARAM("source-zone-name", FL_F_SRC_ZONE),
    FL_PARAM("destination-zone-name", FL_F_DST_ZONE),
    FL_PARAM("session-id", FL_F_SESSION),
    FL_PARAM("session-id-32", FL_F_SESSION),
    FL_PARAM("packets-from-client", FL_F_OUT_PACKETS),
    FL_PARAM("bytes-from-client", FL_F_OUT_BYTES),
    FL_PARAM("packets-from-server", FL_F_IN_PACKETS),
    FL_PARAM("bytes-from-server", FL_F_IN_BYTES),
    FL_PARAM("elapsed-time", FL_F_DURATION),
    FL_PARAM("application", FL_F_APP_OUTER),
    FL_PARAM("nested-application", FL_F_APP_NESTED),
    FL_PARAM("username", FL_F_USER),
    FL_PARAM("roles", FL_F_ROLES),
    FL_PARAM("packet-incoming-interface", FL_F_IN_IF),
    FL_PARAM("encrypted", FL_FIELD_COUNT),
    FL_PARAM("application-category", FL_F_CATEGORY),
    FL_PARAM("application-sub-category", FL_FIELD_COUNT),
    FL_PARAM("application-risk", FL_FIELD_COUNT),
    FL_PARAM("application-characteristics", FL_FIELD_COUNT),
    FL_PARAM("secure-web-proxy-session-type", FL_FIELD_COUNT),
    FL_PARAM("peer-session-id", FL_FIELD_COUNT),
    FL_PARAM("peer-source-address", FL_FIELD_COUNT),
    FL_PARAM("peer-source-port", FL_FIELD_COUNT),
    FL_PARAM("peer-destination-address", FL_FIELD_COUNT),
    FL_PARAM("peer-destination-port", FL_FIELD_COUNT),
    FL_PARAM("hostname", FL_FIELD_COUNT),
    FL_PARAM("src-vrf-grp", FL_FIELD_COUNT),
    FL_PARAM("dst-vrf-grp", FL_FIELD_COUNT),
    FL_PARAM("tunnel-inspection", FL_FIELD_COUNT),
    FL_PARAM("tunnel-inspection-policy-set", FL_FIELD_COUNT),
    FL_PARAM("session-flag", FL_FIELD_COUNT),
    FL_PARAM("source-tenant", FL_FIELD_COUNT),
    FL_PARAM("destination-service", FL_FIELD_COUNT),
    FL_PARAM("user-type", FL_FIELD_COUNT),
    /* APPTRACK_*, APPQOE_* */
    FL_PARAM("apbr-profile", FL_F_PROFILE),
    FL_PARAM("apbr-rule", FL_F_RULE),
    FL_PARAM("profile-name", FL_F_PROFILE),
    FL_PARAM("rule-name", FL_F_RULE),
    FL_PARAM("routing-instance", FL_F_INSTANCE),
    FL_PARAM("destination-interface-name", FL_F_OUT_IF),
    FL_PARAM("uplink-incoming-interface-name", FL_FIELD_COUNT),
    FL_PARAM("uplink-tx-bytes", FL_FIELD_COUNT),
    FL_PARAM("uplink-rx-bytes", FL_FIELD_COUNT),
    FL_PARAM_IN("category", FL_F_CATEGORY, "APPTRACK_"),
    FL_PARAM("ip-dscp", FL_FIELD_COUNT),
    FL_PARAM("sla-rule", FL_F_SLA_RULE),
    FL_PARAM("rtt-jitter", FL_F_JITTER_US),
    FL_PARAM("rtt", FL_F_RTT_US),
    FL_PARAM("pkt-loss", FL_F_LOSS_PCT),
    FL_PARAM("violation-reason", FL_F_VIOLATION),
    /* RT_UTM */
    FL_PARAM("source-zone", FL_F_SRC_ZONE),
    FL_PARAM("destination-zone", FL_F_DST_ZONE),
    FL_PARAM_IN("category", FL_F_URL_CATEGORY, "WEBFILTER_"),
    FL_PARAM("profile", FL_F_PROFILE),
    FL_PARAM("url", FL_F_URL),
    FL_PARAM("obj", FL_F_URL_PATH),
    FL_PARAM("filename", FL_F_FILE),
    FL_PARAM("file-name", FL_F_FILE),
    FL_PARAM_IN("name", FL_F_THREAT, "AV_"),
    FL_PARAM("action", FL_F_VERDICT),
    FL_PARAM("protocol", FL_F_PROTO),
    FL_PARAM("protocol-name", FL_F_PROTO),
    /* RT_IDP, RT_IDS, AAMW, SECINTEL */
    FL_PARAM("attack-name", FL_F_THREAT),
    FL_PARAM("threat-severity", FL_F_SEVERITY),
    FL_PARAM("source-interface-name", FL_F_IN_IF),
    FL_PARAM("interface-name", FL_F_IN_IF),
    FL_PARAM("application-name", FL_F_APP_OUTER),
    FL_PARAM("ddos-application-name", FL_F_THREAT),
    FL_PARAM("malware-info", FL_F_THREAT),
    FL_PARAM("sample-sha256", FL_F_FILE_SHA256),
    FL_PARAM("client-ip", FL_F_SRC_IP),
    FL_PARAM("http-host", FL_F_URL),
    FL_PARAM("message", FL_F_MESSAGE),
    FL_PARAM("user-name", FL_F_USER),
};
const struct fl_params fl_junos_params = {rows, FL_LEN(rows)};

/* Where "[junos@" stands at or behind i; line.len when it does not. */
static size_t find_id(struct fl_span line, size_t i)
{
    static const struct fl_span id = {(const unsigned char *)"[junos@", 7};
    const unsigned char *hit;

    for (; i < line.len && (hit = memchr(line.ptr + i, '[', line.len - i)) != NULL; i++) {
        i = (size_t)(hit - line.ptr);
        if (line.len - i >= id.len && memcmp(hit, id.ptr, id.len) == 0)
            return i;
    }
    return line.len;
}

static bool is_tag_char(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/*
 * Text between header and brackets, or a line that lost its front: the last word is the message's
 * name if it looks like one, the rest is kept.
 */
static void read_front(struct fl_parse *p, size_t id)
{
    size_t to = id, from, text_to;

    while (to > p->body && p->line.ptr[to - 1] == ' ')
        to--;
    for (from = to; from > p->body && is_tag_char(p->line.ptr[from - 1]); from--)
        ;
    if (fl_event_has(p->ev, FL_F_TAG) || to - from < 3 ||
        (from > p->body && p->line.ptr[from - 1] != ' '))
        from = to;
    for (text_to = from; text_to > p->body && p->line.ptr[text_to - 1] == ' '; text_to--)
        ;
    if (text_to > p->body)
        fl_shape_named(&p->shape, p->body, text_to, FL_SHAPE_REST, 's');
    if (from < to)
        fl_value_token(p, FL_F_TAG, from, to);
}

bool fl_junos_parse(struct fl_parse *p)
{
    size_t id = find_id(p->line, p->body), end;
    bool whole;

    if (id == p->line.len)
        return false;
    if (id > p->body && p->line.ptr[p->body] == '[' && p->has_header) {
        /* another element first: [origin ...][junos@...] */
        const struct fl_parse_mark mark = fl_parse_mark(p);

        end = fl_sd_parse(p, p->body, &fl_junos_params, &whole);
        if (whole && end > id) {
            fl_value_message(p, end, p->line.len);
            return true;
        }
        fl_parse_back(p, &mark);
    }
    if (id > p->body)
        read_front(p, id);
    end = fl_sd_parse(p, id, &fl_junos_params, &whole);
    if (whole)
        fl_value_message(p, end, p->line.len);
    return true;
}

struct fl_span fl_junos_action(struct fl_span tag)
{
    static const struct {
        const char *front, *action;
    } actions[] = {
        {"RT_FLOW_SESSION_CREATE", "created"},
        {"RT_FLOW_SESSION_CLOSE", "closed"},
        {"RT_FLOW_SESSION_DENY", "denied"},
        {"APPTRACK_SESSION_CREATE", "created"},
        {"APPTRACK_SESSION_CLOSE", "closed"},
        {"APPTRACK_SESSION_VOL_UPDATE", "updated"},
        {"APPTRACK_SESSION_APP_UPDATE", "updated"},
        {"APPTRACK_SESSION_ROUTE_UPDATE", "routed"},
        {"RT_FLOW_NEXTHOP_CHANGE", "routed"},
        {"APPQOE_SLA_METRIC_VIOLATION", "violated"},
        {"APPQOE_BEST_PATH_SELECTED", "switched"},
        {"APPQOE_", "measured"},
        {"WEBFILTER_URL_BLOCKED", "blocked"},
        {"WEBFILTER_URL_PERMITTED", "permitted"},
        {"WEBFILTER_URL_REDIRECTED", "redirected"},
        {"CONTENT_FILTERING_BLOCKED", "blocked"},
        {"ANTISPAM_SPAM_DETECTED", "detected"},
        {"AV_VIRUS_DETECTED", "detected"},
        {"AV_", "blocked"},
        {"IDP_", "detected"},
        {"RT_SCREEN_", "detected"},
        {"AAMW_", "detected"},
        {"SRX_AAMW_", "detected"},
        {"SECINTEL_", "detected"},
        {"FLOW_MCAST_RPF_FAIL", "dropped"},
        {"FLOW_LOG_PKT_DROP", "dropped"},
        {"SNMP_TRAP_LINK_UP", "up"},
        {"SNMP_TRAP_LINK_DOWN", "down"},
        {"UI_DBASE_LOGIN", "login"},
        {"UI_DBASE_LOGOUT", "logout"},
        {"UI_LOGIN", "login"},
        {"UI_LOGOUT", "logout"},
        {"UI_COMMIT", "committed"},
    };

    for (size_t i = 0; i < FL_LEN(actions); i++) {
        size_t n = strlen(actions[i].front);

        if (tag.len >= n && memcmp(tag.ptr, actions[i].front, n) == 0)
            return fl_span_str(actions[i].action);
    }
    return (struct fl_span){NULL, 0};
}
