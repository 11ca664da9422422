#include "model/department.h"

int fl_department_check(const struct fl_department *department, struct fl_err *err)
{
    int r = fl_slug_check(fl_span_str(department->slug), "slug", err);

    return r < 0 ? r : fl_name_check(fl_span_str(department->name), "name", err);
}
