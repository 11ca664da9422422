#include <stdlib.h>
#include <string.h>

#include "api/work_int.h"

#define ANSWERS_MAX 256u

static void drop(struct fl_work *work, struct fl_work_answer **at)
{
    struct fl_work_answer *a = *at;

    *at = a->next;
    work->answer_bytes -= a->len;
    work->answer_count--;
    free(a->question);
    free(a->bytes);
    free(a);
}

const struct fl_work_answer *fl_work_cache_find(struct fl_work *work, uint32_t tenant,
                                                uint64_t version, const char *question)
{
    for (struct fl_work_answer **at = &work->answers; *at != NULL; at = &(*at)->next) {
        struct fl_work_answer *a = *at;

        if (a->tenant != tenant || a->version != version || strcmp(a->question, question) != 0)
            continue;
        *at = a->next; /* to the front */
        a->next = work->answers;
        work->answers = a;
        return a;
    }
    return NULL;
}

void fl_work_cache_forget(struct fl_work *work, uint32_t tenant, uint64_t version)
{
    struct fl_work_answer **at = &work->answers;

    while (*at != NULL) {
        if ((*at)->tenant == tenant && (*at)->version != version)
            drop(work, at);
        else
            at = &(*at)->next;
    }
}

static void drop_oldest(struct fl_work *work)
{
    struct fl_work_answer **at = &work->answers;

    while ((*at)->next != NULL)
        at = &(*at)->next;
    drop(work, at);
}

void fl_work_cache_keep(struct fl_work *work, uint32_t tenant, uint64_t version,
                        const char *question, struct fl_span bytes)
{
    struct fl_work_answer *a;

    if (bytes.len > FL_WORK_CACHE_BYTES / 4 ||
        fl_work_cache_find(work, tenant, version, question) != NULL)
        return;
    while (work->answers != NULL && (work->answer_count >= ANSWERS_MAX ||
                                     work->answer_bytes + bytes.len > FL_WORK_CACHE_BYTES))
        drop_oldest(work);
    a = calloc(1, sizeof *a);
    if (a == NULL)
        return;
    a->bytes = malloc(bytes.len == 0 ? 1 : bytes.len);
    a->question = strdup(question);
    if (a->bytes == NULL || a->question == NULL) {
        free(a->bytes);
        free(a->question);
        free(a);
        return;
    }
    memcpy(a->bytes, bytes.ptr, bytes.len);
    a->len = bytes.len;
    a->tenant = tenant;
    a->version = version;
    a->next = work->answers;
    work->answers = a;
    work->answer_bytes += a->len;
    work->answer_count++;
}

void fl_work_cache_free(struct fl_work *work)
{
    while (work->answers != NULL)
        drop(work, &work->answers);
}
