/* What the store wants recorded: quotas, a full disk, an odd clock, damage. Part of the store role
 * (store.h). It comes from other threads, goes over the loop to core, and waits while core is away.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "fairleadd/store.h"

struct told {
    struct fl_store_role *s;
    struct fl_store_kept kept;
};

static bool send_one(struct fl_store_role *s, const struct fl_store_kept *kept)
{
    struct fl_msg_audit msg = {.at_us = kept->at_us,
                               .event = fl_span_str(kept->name),
                               .tenant = fl_span_str(kept->event.slug),
                               .actor = FL_SPAN("role:store"),
                               .object = fl_span_str(kept->event.slug),
                               .detail = fl_span_str(kept->event.detail)};

    return s->core != NULL && fl_imsg_send(s->core, FL_MSG_AUDIT, 0, &msg, -1, NULL) >= 0;
}

void fl_store_send_events(struct fl_store_role *s)
{
    size_t sent = 0;

    while (sent < s->kept_count && send_one(s, &s->kept[sent]))
        sent++;
    s->kept_count -= sent;
    if (sent > 0)
        memmove(s->kept, s->kept + sent, s->kept_count * sizeof *s->kept);
}

/* Loop thread. */
static void on_loop(void *ctx)
{
    struct told *told = ctx;
    struct fl_store_role *s = told->s;

    if (s->kept_count == FL_STORE_KEPT_MAX) { /* the oldest gives way; the log has it */
        s->kept_count--;
        memmove(s->kept, s->kept + 1, s->kept_count * sizeof *s->kept);
    }
    s->kept[s->kept_count++] = told->kept;
    free(told);
    fl_store_send_events(s);
}

void fl_store_on_event(void *role, const struct fl_store_event *event)
{
    struct fl_store_role *s = role;
    struct told *told = calloc(1, sizeof *told);

    fl_role_log(s->env, FL_LOG_NOTICE, "%s%s%s %s", event->name, event->slug[0] == '\0' ? "" : " ",
                event->slug, event->detail);
    if (told == NULL)
        return;
    told->s = s;
    told->kept = (struct fl_store_kept){.at_us = fl_now_us(), .event = *event};
    (void)snprintf(told->kept.name, sizeof told->kept.name, "%s", event->name);
    if (fl_loop_post(s->env->loop, on_loop, told) != FL_OK)
        free(told);
}
