#include "cases/checklist.h"

#include <stdio.h>
#include <string.h>

void fl_checklist_item(const struct fl_item_row *row, uint32_t n, struct fl_case_item *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->number = n;
    ret->required = row->required;
    ret->needs_evidence = row->needs_evidence;
    (void)snprintf(ret->text, sizeof ret->text, "%s", row->text);
    (void)snprintf(ret->state, sizeof ret->state, "open");
}

static void put(char *to, size_t size, const char *from)
{
    if (from == NULL)
        return;
    memset(to, 0, size);
    (void)snprintf(to, size, "%s", from);
}

static int check(const struct fl_case_item *item, struct fl_err *err)
{
    if (strcmp(item->state, "open") == 0)
        return FL_OK;
    if (strcmp(item->state, "done") == 0)
        return !item->needs_evidence || item->evidence[0] != '\0'
                   ? FL_OK
                   : fl_err_set(err, FL_E_INVAL,
                                "evidence is missing: say what shows that item %u was done",
                                item->number);
    if (strcmp(item->state, "not_needed") == 0)
        return item->evidence[0] != '\0' ? FL_OK
                                         : fl_err_set(err, FL_E_INVAL,
                                                      "evidence is missing: say why item %u is not "
                                                      "needed",
                                                      item->number);
    return fl_err_set(err, FL_E_INVAL, "state is open, done or not_needed");
}

int fl_checklist_set(struct fl_case_item *item, const struct fl_item_change *change,
                     struct fl_err *err)
{
    struct fl_case_item next;
    int r;

    memcpy(&next, item, sizeof next);
    put(next.state, sizeof next.state, change->state);
    put(next.owner, sizeof next.owner, change->owner);
    put(next.evidence, sizeof next.evidence, change->evidence);
    r = check(&next, err);
    if (r < 0)
        return r;
    if (strcmp(next.state, item->state) != 0) {
        next.at_us = change->at_us;
        put(next.by, sizeof next.by, change->by);
    }
    memcpy(item, &next, sizeof next);
    return FL_OK;
}

size_t fl_checklist_open(const struct fl_case_item *items, size_t count, uint32_t *ret_first)
{
    size_t open = 0;

    *ret_first = 0;
    for (size_t i = 0; i < count; i++)
        if (items[i].required && strcmp(items[i].state, "open") == 0 && open++ == 0)
            *ret_first = items[i].number;
    return open;
}
