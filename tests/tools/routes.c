/* The table of routes as lines: "METHOD PATH object.verb params fields", "-" for none. */
#include <stdio.h>

#include "api/route.h"

int main(void)
{
    for (size_t i = 0; i < fl_routes_count; i++) {
        const struct fl_route *r = &fl_routes[i];
        const char *params = r->params == NULL || r->params[0] == '\0' ? "-" : r->params;
        const char *fields = r->fields == NULL ? "-" : r->fields[0] == '\0' ? "{}" : r->fields;

        printf("%s %s %s.%s %s %s\n", r->method, r->path, fl_object_name(r->object),
               fl_verb_name(r->verb), params, fields);
    }
    return 0;
}
