#include "model/tenant.h"

static struct fl_span text(const char *field, size_t size)
{
    return fl_span_of(field, strnlen(field, size));
}
#define TEXT(field) text(field, sizeof(field))

int fl_tenant_check(const struct fl_tenant *t, struct fl_err *err)
{
    int r = fl_slug_check(TEXT(t->slug), "tenant", err);

    if (r == 0)
        r = fl_name_check(TEXT(t->name), "name", err);
    if (r == 0 && (t->keep_days < FL_KEEP_DAYS_MIN || t->keep_days > FL_KEEP_DAYS_MAX))
        r = fl_err_set(err, FL_E_INVAL, "keep_days: logs are kept %u to %u days, not %u",
                       FL_KEEP_DAYS_MIN, FL_KEEP_DAYS_MAX, t->keep_days);
    if (r == 0 && t->quota_bytes != 0 &&
        (t->quota_bytes < FL_QUOTA_BYTES_MIN || t->quota_bytes > FL_QUOTA_BYTES_MAX))
        r = fl_err_set(err, FL_E_INVAL,
                       "quota_bytes: a quota is 0 (none) or between 1 MiB and 1 PiB");
    if (r == 0)
        r = fl_list_check(TEXT(t->far_zones), "far_zones", err);
    if (r == 0)
        r = fl_list_check(TEXT(t->far_instances), "far_instances", err);
    if (r == 0 && t->silent_minutes > FL_SILENT_MINUTES_MAX)
        r = fl_err_set(err, FL_E_INVAL,
                       "silent_minutes: a device is silent after 1 to %u minutes (0: the usual 15)",
                       FL_SILENT_MINUTES_MAX);
    return r;
}
