#include "codec/derive.h"

#include <string.h>

#include "base/time.h"
#include "codec/ip.h"
#include "codec/junos.h"

#define DURATION_MAX_S UINT64_C(3200000000) /* a hundred years: longer ones are no durations */

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

static bool is_word(struct fl_span s, const char *word)
{
    size_t i = 0;

    while (i < s.len && word[i] != '\0' && lower(s.ptr[i]) == (unsigned char)word[i])
        i++;
    return i == s.len && word[i] == '\0';
}

/* The device's word for what it did, in ours. */
static struct fl_span action_of_verdict(struct fl_span verdict)
{
    static const struct {
        const char *verdict, *action;
    } actions[] = {
        {"accept", "permitted"},
        {"allow", "permitted"},
        {"allowed", "permitted"},
        {"permit", "permitted"},
        {"pass", "permitted"},
        {"passthrough", "permitted"},
        {"deny", "denied"},
        {"denied", "denied"},
        {"reject", "denied"},
        {"block", "blocked"},
        {"blocked", "blocked"},
        {"drop", "dropped"},
        {"dropped", "dropped"},
        {"close", "closed"},
        {"timeout", "closed"},
        {"client-rst", "closed"},
        {"server-rst", "closed"},
        {"start", "created"},
        {"detected", "detected"},
        {"alert", "detected"},
        {"monitor", "detected"},
        {"redirect", "redirected"},
        {"ssl-login-fail", "login_failed"},
    };

    for (size_t i = 0; i < FL_LEN(actions); i++) {
        if (is_word(verdict, actions[i].verdict))
            return fl_span_str(actions[i].action);
    }
    return (struct fl_span){NULL, 0};
}

static bool starts_with(struct fl_span s, struct fl_span front)
{
    return s.len >= front.len && memcmp(s.ptr, front.ptr, front.len) == 0;
}

void fl_derive_action(struct fl_event *ev)
{
    struct fl_span tag = fl_event_get_str(ev, FL_F_TAG);
    struct fl_span action = action_of_verdict(fl_event_get_str(ev, FL_F_VERDICT));

    if (fl_event_has(ev, FL_F_ACTION))
        return;
    if (action.len == 0)
        action = fl_junos_action(tag);
    if (fl_span_eq(action, FL_SPAN("violated")) && fl_event_has(ev, FL_F_VIOLATION) &&
        fl_event_get_num(ev, FL_F_VIOLATION) == 0)
        action = FL_SPAN("recovered");
    if (action.len > 0)
        fl_event_str(ev, FL_F_ACTION, action);
}

static void set_app(struct fl_event *ev)
{
    static const enum fl_field order[] = {FL_F_APP_NESTED, FL_F_APP_OUTER, FL_F_SERVICE};

    for (size_t i = 0; i < FL_LEN(order); i++) {
        if (fl_event_has(ev, order[i])) {
            fl_event_str(ev, FL_F_APP, ev->v[order[i]].str);
            return;
        }
    }
}

static void set_user(struct fl_event *ev)
{
    char text[FL_IP_TEXT_BYTES];
    struct fl_span copy;

    if (fl_event_has(ev, FL_F_USER) || !fl_event_has(ev, FL_F_SRC_IP))
        return;
    copy =
        fl_arena_copy(ev->arena, fl_span_of(text, fl_ip_format(ev->v[FL_F_SRC_IP].str.ptr, text)));
    if (copy.ptr != NULL)
        fl_event_str(ev, FL_F_USER, copy);
}

bool fl_derive_asks_sla(struct fl_span tag)
{
    return starts_with(tag, FL_SPAN("APPTRACK_")) || starts_with(tag, FL_SPAN("APPQOE_"));
}

/* r_apbr_d_ENG_p_Intent-1_s_gold: what stands behind the last "_s_", else behind the last "_". */
void fl_derive_sla_rule(struct fl_event *ev)
{
    struct fl_span rule = fl_event_get_str(ev, FL_F_RULE);
    struct fl_span tag = fl_event_get_str(ev, FL_F_TAG);
    size_t from = 0;

    if (fl_event_has(ev, FL_F_SLA_RULE) || rule.len == 0 || !fl_derive_asks_sla(tag))
        return;
    for (size_t i = 0; i + 3 <= rule.len; i++) {
        if (memcmp(rule.ptr + i, "_s_", 3) == 0)
            from = i + 3;
    }
    for (size_t i = rule.len; i > 0 && from == 0; i--) {
        if (rule.ptr[i - 1] == '_')
            from = i;
    }
    if (from > 0 && from < rule.len)
        fl_event_str(ev, FL_F_SLA_RULE, fl_span_of(rule.ptr + from, rule.len - from));
}

void fl_derive_start(struct fl_event *ev)
{
    uint64_t seconds = fl_event_get_num(ev, FL_F_DURATION);

    if (!fl_event_has(ev, FL_F_DURATION) || seconds > DURATION_MAX_S ||
        !fl_span_eq(fl_event_get_str(ev, FL_F_ACTION), FL_SPAN("closed")))
        return;
    fl_event_time(ev, FL_F_START, (int64_t)ev->v[FL_F_TIME].num - (int64_t)seconds * FL_US_PER_S);
}

static void set_time(struct fl_parse *p)
{
    int64_t off_us;

    if (!p->has_time) {
        fl_event_time(p->ev, FL_F_TIME, p->received_us);
        fl_event_flag(p->ev, FL_ROW_NO_TIME);
        return;
    }
    off_us = (int64_t)p->ev->v[FL_F_TIME].num - p->received_us;
    if (off_us > FL_US_PER_DAY || off_us < -FL_US_PER_DAY)
        fl_event_flag(p->ev, FL_ROW_CLOCK_OFF);
}

void fl_derive(struct fl_parse *p)
{
    set_time(p);
    fl_derive_action(p->ev);
    set_app(p->ev);
    set_user(p->ev);
    fl_derive_sla_rule(p->ev);
    fl_derive_start(p->ev);
}
