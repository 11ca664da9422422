#include "codec/fortigate.h"

#include <string.h>

#include "base/time.h"

static const struct fl_param rows[] = {
    FL_PARAM("devname", FL_F_HOST),
    FL_PARAM("devid", FL_FIELD_COUNT),
    FL_PARAM("logid", FL_FIELD_COUNT),
    FL_PARAM("type", FL_F_PROGRAM),
    FL_PARAM("subtype", FL_F_TAG),
    FL_PARAM("level", FL_FIELD_COUNT),
    FL_PARAM("vd", FL_F_INSTANCE),
    FL_PARAM("srcip", FL_F_SRC_IP),
    FL_PARAM("srcport", FL_F_SRC_PORT),
    FL_PARAM("srcintf", FL_F_IN_IF),
    FL_PARAM("dstip", FL_F_DST_IP),
    FL_PARAM("dstport", FL_F_DST_PORT),
    FL_PARAM("dstintf", FL_F_OUT_IF),
    FL_PARAM("poluuid", FL_FIELD_COUNT),
    FL_PARAM("sessionid", FL_F_SESSION),
    FL_PARAM("proto", FL_F_PROTO),
    FL_PARAM("action", FL_F_VERDICT),
    FL_PARAM("policyid", FL_F_POLICY),
    FL_PARAM("policytype", FL_FIELD_COUNT),
    FL_PARAM("transip", FL_F_SRC_NAT_IP),
    FL_PARAM("transport", FL_F_SRC_NAT_PORT),
    FL_PARAM("tranip", FL_F_DST_NAT_IP),
    FL_PARAM("tranport", FL_F_DST_NAT_PORT),
    FL_PARAM("service", FL_F_SERVICE),
    FL_PARAM("app", FL_F_APP_OUTER),
    FL_PARAM("appcat", FL_F_CATEGORY),
    FL_PARAM("duration", FL_F_DURATION),
    FL_PARAM("sentbyte", FL_F_OUT_BYTES),
    FL_PARAM("rcvdbyte", FL_F_IN_BYTES),
    FL_PARAM("sentpkt", FL_F_OUT_PACKETS),
    FL_PARAM("rcvdpkt", FL_F_IN_PACKETS),
    FL_PARAM("user", FL_F_USER),
    FL_PARAM("group", FL_F_ROLES),
    FL_PARAM("remip", FL_F_SRC_IP),
    FL_PARAM("url", FL_F_URL),
    FL_PARAM("hostname", FL_FIELD_COUNT),
    FL_PARAM("catdesc", FL_F_URL_CATEGORY),
    FL_PARAM("attack", FL_F_THREAT),
    FL_PARAM("virus", FL_F_THREAT),
    FL_PARAM("severity", FL_F_SEVERITY),
    FL_PARAM("crlevel", FL_FIELD_COUNT),
    FL_PARAM("filename", FL_F_FILE),
    FL_PARAM("reason", FL_F_REASON),
    FL_PARAM("msg", FL_F_MESSAGE),
    FL_PARAM("srczone", FL_F_SRC_ZONE),
    FL_PARAM("dstzone", FL_F_DST_ZONE),
};
static const struct fl_params params = {rows, FL_LEN(rows)};

static unsigned char at(const struct fl_parse *p, size_t i)
{
    return i < p->line.len ? p->line.ptr[i] : 0;
}

/* One key=value. The quotes are not part of [from, to). */
struct pair {
    size_t key, eq, from, to, end;
};

static bool read_pair(const struct fl_parse *p, size_t i, struct pair *ret)
{
    size_t key, eq, from;

    while (at(p, i) == ' ')
        i++;
    for (key = i; at(p, i) > ' ' && at(p, i) != '=' && at(p, i) != '"'; i++)
        ;
    if (i == key || at(p, i) != '=')
        return false;
    eq = i++;
    if (at(p, i) != '"') {
        for (from = i; i < p->line.len && p->line.ptr[i] != ' '; i++)
            ;
        *ret = (struct pair){key, eq, from, i, i};
        return true;
    }
    for (from = ++i; i < p->line.len && p->line.ptr[i] != '"'; i++) {
        if (p->line.ptr[i] == '\\' && i + 1 < p->line.len)
            i++;
    }
    if (i >= p->line.len)
        return false;
    *ret = (struct pair){key, eq, from, i, i + 1};
    return true;
}

static bool is_front(const struct fl_parse *p, size_t i)
{
    return p->line.len - i > 5 && memcmp(p->line.ptr + i, "date=", 5) == 0;
}

/* The value of a key anywhere behind i. */
static struct fl_span find(const struct fl_parse *p, size_t i, struct fl_span key)
{
    struct pair pair;

    for (; read_pair(p, i, &pair); i = pair.end) {
        if (fl_span_eq(fl_parse_span(p, pair.key, pair.eq), key))
            return fl_parse_span(p, pair.from, pair.to);
    }
    return (struct fl_span){NULL, 0};
}

/* "DATE" and "TIME" and "+0200" to one instant; date= and time= stay texts of the shape. */
static bool read_time(struct fl_parse *p, const struct pair *date, const struct pair *clock)
{
    struct fl_span zone = find(p, clock->end, FL_SPAN("tz"));
    size_t date_len = date->to - date->from, clock_len = clock->to - clock->from, n, len;
    struct fl_stamp stamp;
    unsigned char text[64];
    int64_t us;

    if (date_len != 10 || clock_len < 8 || clock_len > 15)
        return false;
    memcpy(text, p->line.ptr + date->from, date_len);
    text[date_len] = 'T';
    memcpy(text + date_len + 1, p->line.ptr + clock->from, clock_len);
    n = date_len + 1 + clock_len;
    if (zone.len >= 5 && zone.len <= 6) {
        memcpy(text + n, zone.ptr, zone.len);
        n += zone.len;
    }
    if (!fl_stamp_parse(fl_span_of(text, n), p->received_us, &stamp, &us, &len) || len != n)
        return false;
    fl_event_time(p->ev, FL_F_TIME, us);
    p->has_time = true;
    return true;
}

static void read_pairs(struct fl_parse *p, size_t i)
{
    struct pair pair;
    size_t hint = 0;

    for (; read_pair(p, i, &pair); i = pair.end) {
        struct fl_span key = fl_parse_span(p, pair.key, pair.eq);

        (void)fl_value_put(p, fl_param_field(&params, key, (struct fl_span){NULL, 0}, &hint),
                           (struct fl_slot){.from = pair.from,
                                            .to = pair.to,
                                            .name = pair.key,
                                            .name_len = pair.eq - pair.key,
                                            .escapes = 'k'});
    }
    while (at(p, i) == ' ')
        i++;
    if (i < p->line.len)
        fl_shape_named(&p->shape, i, p->line.len, FL_SHAPE_REST, 's');
}

bool fl_fortigate_parse(struct fl_parse *p)
{
    struct pair date, clock;

    if (!is_front(p, p->body) || !read_pair(p, p->body, &date) || !read_pair(p, date.end, &clock) ||
        !fl_span_eq(fl_parse_span(p, clock.key, clock.eq), FL_SPAN("time")))
        return false;
    if (p->has_time) { /* of a relay's header, which its shape refers to */
        read_pairs(p, p->body);
        return true;
    }
    if (!read_time(p, &date, &clock))
        return false;
    fl_shape_text(&p->shape, date.from, date.to, FL_F_TIME);
    fl_shape_text(&p->shape, clock.from, clock.to, FL_F_TIME);
    read_pairs(p, clock.end);
    return true;
}
