/* department.h - a part of a tenant's organisation, to which users belong. */
#ifndef FL_MODEL_DEPARTMENT_H
#define FL_MODEL_DEPARTMENT_H

#include <stdint.h>

#include "model/slug.h"

struct fl_department {
    uint32_t id; /* 0 before it is stored */
    uint32_t tenant;
    char slug[FL_SLUG_MAX + 1];
    char name[FL_NAME_MAX + 1];
    int64_t created_us;
};

/* FL_E_INVAL: names the field and what would be right. */
int fl_department_check(const struct fl_department *department, struct fl_err *err) FL_MUST_CHECK;

#endif
