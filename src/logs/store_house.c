/* What housekeeping shares: the time that counts, and what is told to whoever keeps the record. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "logs/store_int.h"

int64_t fl_store_now(struct fl_store *s)
{
    int64_t wall_us = s->conf.now_us(), now_us;
    enum fl_clock_news news;

    if (s->conf.mono_us == NULL)
        return wall_us;
    pthread_mutex_lock(&s->clock_mu);
    now_us = fl_wallclock_now(&s->clock, wall_us, s->conf.mono_us(), &news);
    if (news != FL_CLOCK_QUIET)
        s->clock_news = news;
    pthread_mutex_unlock(&s->clock_mu);
    return now_us;
}

bool fl_store_now_is_sure(struct fl_store *s)
{
    bool sure;

    if (s->conf.mono_us == NULL)
        return true;
    pthread_mutex_lock(&s->clock_mu);
    sure = fl_wallclock_is_sure(&s->clock, s->conf.mono_us());
    pthread_mutex_unlock(&s->clock_mu);
    return sure;
}

void fl_store_tell(struct fl_store *s, const char *event, const char *slug, const char *fmt, ...)
{
    struct fl_store_event ev = {.name = event};
    va_list args;

    if (s->conf.event == NULL)
        return;
    (void)snprintf(ev.slug, sizeof ev.slug, "%.63s", slug);
    va_start(args, fmt);
    (void)vsnprintf(ev.detail, sizeof ev.detail, fmt, args);
    va_end(args);
    s->conf.event(s->conf.event_ctx, &ev);
}
