/* What was found in files: kept with its text up to a number, counted beyond. */
#include "supply/import.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_BYTES_MAX ((size_t)4 << 20)
#define VALUE_MAX      80u

int fl_findings_init(struct fl_findings *f, struct fl_err *err)
{
    *f = (struct fl_findings){.list = calloc(FL_FINDINGS_MAX, sizeof *f->list)};
    fl_arena_init(&f->arena, TEXT_BYTES_MAX);
    return f->list == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory for findings") : FL_OK;
}

void fl_findings_done(struct fl_findings *f)
{
    free(f->list);
    fl_arena_done(&f->arena);
    *f = (struct fl_findings){.list = NULL};
}

static const char *copy(struct fl_findings *f, const char *text, size_t max)
{
    struct fl_span s = fl_span_str(text);

    if (s.len > max) {
        s.len = max;
        while (s.len > 0 && (s.ptr[s.len] & 0xC0) == 0x80) /* no cut within a character */
            s.len--;
    }
    s = fl_arena_copy(&f->arena, s);
    return s.ptr == NULL ? "" : (const char *)s.ptr;
}

/* Where the next one goes: errors take the place of the newest warning when all places are taken.
 */
static struct fl_finding *place_for(struct fl_findings *f, bool warning)
{
    if (f->count < FL_FINDINGS_MAX)
        return &f->list[f->count++];
    for (unsigned i = f->count; !warning && i-- > 0;)
        if (f->list[i].warning)
            return &f->list[i];
    return NULL;
}

void fl_findings_add(struct fl_findings *f, const struct fl_finding *item)
{
    struct fl_finding *to = place_for(f, item->warning);

    if (item->warning)
        f->warnings++;
    else
        f->errors++;
    if (to == NULL)
        return;
    *to = *item;
    to->file = copy(f, item->file, FL_IMPORT_FILE_NAME_MAX);
    to->column = copy(f, item->column, FL_IMPORT_HEADING_MAX);
    to->value = copy(f, item->value, VALUE_MAX);
    to->text = copy(f, item->text, sizeof(((struct fl_err *)0)->text));
    to->fix = copy(f, item->fix, VALUE_MAX);
}

int fl_findings_error(const struct fl_findings *f, struct fl_err *err)
{
    const struct fl_finding *first = NULL;
    char more[48] = "";

    for (unsigned i = 0; i < f->count && first == NULL; i++)
        if (!f->list[i].warning)
            first = &f->list[i];
    if (first == NULL)
        return fl_err_set(err, FL_E_INVAL, "nothing was read");
    if (f->errors > 1)
        (void)snprintf(more, sizeof more, " (and %llu more)", (unsigned long long)(f->errors - 1));
    if (first->file[0] == '\0')
        return fl_err_set(err, FL_E_INVAL, "%s%s", first->text, more);
    if (first->line == 0)
        return fl_err_set(err, FL_E_INVAL, "%s: %s%s", first->file, first->text, more);
    return fl_err_set(err, FL_E_INVAL, "%s line %u%s%s: %s%s", first->file, first->line,
                      first->column[0] == '\0' ? "" : ", ", first->column, first->text, more);
}
