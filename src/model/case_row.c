#include "model/case_row.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"

const char *const fl_case_severities[FL_CASE_SEVERITIES] = {"low", "medium", "high", "severe"};
const char *const fl_clock_rules[FL_CLOCK_RULES] = {"start",  "redate", "pause",
                                                    "resume", "extend", "stop"};

enum fl_case_severity fl_case_severity_find(struct fl_span word)
{
    int i = 0;

    while (i < FL_CASE_SEVERITIES && !fl_span_eq(word, fl_span_str(fl_case_severities[i])))
        i++;
    return (enum fl_case_severity)i;
}

void fl_case_number(const struct fl_case *c, char ret[16])
{
    (void)snprintf(ret, 16, "SC-%04u", c->number % 100000000u);
}

static int need(const char *text, const char *what, struct fl_err *err)
{
    return text[0] != '\0' ? FL_OK : fl_err_set(err, FL_E_INVAL, "%s is missing", what);
}

int fl_case_check(const struct fl_case *c, struct fl_err *err)
{
    int r = need(c->title, "title", err);

    if (r < 0)
        return r;
    if (c->severity >= FL_CASE_SEVERITIES)
        return fl_err_set(err, FL_E_INVAL, "severity is low, medium, high or severe");
    if (c->currency[0] != '\0' && strlen(c->currency) != 3)
        return fl_err_set(err, FL_E_INVAL, "currency is three capital letters, such as EUR");
    return FL_OK;
}

static int in_days(int64_t m, const char *what, struct fl_err *err)
{
    if (m == FL_CASE_UNKNOWN || (m >= 0 && m <= INT64_C(36500) * 1000))
        return FL_OK;
    return fl_err_set(err, FL_E_INVAL, "%s are 0 to 36500 days", what);
}

int fl_case_site_check(const struct fl_case_site *s, struct fl_err *err)
{
    int r = need(s->site, "site", err);

    if (r == FL_OK)
        r = in_days(s->down_m, "down_days", err);
    if (r == FL_OK)
        r = in_days(s->stock_m, "stock_days", err);
    return r;
}

int fl_case_rule_check(const struct fl_case_rule *rule, struct fl_err *err)
{
    int r = fl_name_check(fl_span_str(rule->name), "name", err);

    if (r < 0)
        return r;
    if (rule->min_severity >= FL_CASE_SEVERITIES)
        return fl_err_set(err, FL_E_INVAL, "min_severity is low, medium, high or severe");
    if (rule->min_loss_c < 0)
        return fl_err_set(err, FL_E_INVAL, "min_net_loss is 0 or more");
    if (rule->min_loss_c == 0 && rule->min_severity == FL_CASE_LOW && rule->sites[0] == '\0')
        return fl_err_set(err, FL_E_INVAL,
                          "a rule says when: min_net_loss, min_severity or sites; this one would "
                          "open a case for everything");
    return FL_OK;
}

/* The next word of a comma list; *rest moves behind it. */
static struct fl_span next_word(struct fl_span *rest)
{
    struct fl_span word = *rest;
    size_t len = 0;

    while (len < rest->len && rest->ptr[len] != ',')
        len++;
    word.len = len;
    len += len < rest->len;
    *rest = fl_span_of(rest->ptr + len, rest->len - len);
    while (word.len > 0 && word.ptr[0] == ' ')
        word = fl_span_of(word.ptr + 1, word.len - 1);
    while (word.len > 0 && word.ptr[word.len - 1] == ' ')
        word.len--;
    return word;
}

static bool listed(struct fl_span list, struct fl_span word)
{
    while (list.len > 0)
        if (fl_span_eq(next_word(&list), word))
            return true;
    return false;
}

bool fl_case_rule_meets(const struct fl_case_rule *rule, uint32_t severity, int64_t net_loss_c,
                        const char *sites)
{
    struct fl_span hit = fl_span_str(sites), own = fl_span_str(rule->sites);

    if (!rule->enabled || severity < rule->min_severity)
        return false;
    if (rule->min_loss_c > 0 && (net_loss_c == FL_CASE_UNKNOWN || net_loss_c < rule->min_loss_c))
        return false;
    if (own.len == 0)
        return true;
    while (hit.len > 0) {
        struct fl_span word = next_word(&hit);

        if (word.len > 0 && listed(own, word))
            return true;
    }
    return false;
}
