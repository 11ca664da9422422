#include "model/grant.h"

static const char *const kinds[FL_TENANT_GRANTS] = {
    [FL_TENANT_GRANT_NETWORK] = "network", [FL_TENANT_GRANT_SUPPORT] = "support"};

const char *fl_grant_kind_name(uint32_t kind)
{
    return kind > 0 && kind < FL_TENANT_GRANTS ? kinds[kind] : "unknown";
}

bool fl_grant_kind_find(struct fl_span name, uint32_t *ret)
{
    for (uint32_t i = 1; i < FL_TENANT_GRANTS; i++) {
        if (!fl_span_eq(name, fl_span_str(kinds[i])))
            continue;
        *ret = i;
        return true;
    }
    return false;
}

bool fl_grant_lives(const struct fl_grant *grant, int64_t now_us)
{
    return grant->ended_us == 0 && grant->until_us > now_us;
}

int fl_grant_check(const struct fl_grant *grant, struct fl_err *err)
{
    bool support = grant->kind == FL_TENANT_GRANT_SUPPORT;

    if (grant->kind == 0 || grant->kind >= FL_TENANT_GRANTS)
        return fl_err_set(err, FL_E_INVAL, "kind: a grant is network or support");
    if (support && grant->until_us == INT64_MAX)
        return fl_err_set(err, FL_E_INVAL, "hours: support ends after 1 to %u hours",
                          FL_SUPPORT_HOURS_MAX);
    if (support && grant->reason[0] == '\0')
        return fl_err_set(err, FL_E_INVAL,
                          "reason: say why support may look, such as a ticket's number");
    return grant->reason[0] == '\0' ? FL_OK
                                    : fl_name_check(fl_span_str(grant->reason), "reason", err);
}
