/* Keys that nothing needs any more. A WAL file is unlinked when its rows are in segments; whoever
 * kept a copy of its bytes could open it until its day ends, were it not for this. */
#include "base/time.h"
#include "logs/store_int.h"

enum { TENANTS_AT_ONCE = 16, FILES_AT_ONCE = 1024 };

/* Some streams of one tenant. 0: there are none. */
static int destroy_some(struct fl_store *s, uint32_t *ret_count, struct fl_err *err)
{
    struct fl_keyring *keys = s->conf.keyring;
    struct fl_key_file files[FILES_AT_ONCE];
    struct fl_destroyed gone;
    uint32_t tenant = 0;
    int r;

    pthread_mutex_lock(&s->wr);
    *ret_count = fl_wal_gone(s->wal, FILES_AT_ONCE, &tenant, files);
    pthread_mutex_unlock(&s->wr);
    if (*ret_count == 0)
        return FL_OK;
    r = keys->ops->destroy_files(keys, tenant, files, *ret_count, "sealed log files", &gone, err);
    if (r < 0)
        return r;
    pthread_mutex_lock(&s->wr);
    fl_wal_gone_done(s->wal, tenant, *ret_count);
    pthread_mutex_unlock(&s->wr);
    return FL_OK;
}

/* Each destruction writes the key table anew, so that it is done seldom, and for a few tenants at a
 * time. */
int fl_store_sweep(struct fl_store *s, struct fl_err *err)
{
    int64_t now_us = s->conf.now_us(), age_us = now_us - s->swept_us;
    uint32_t count = 1;
    int r = FL_OK;

    if (!s->sweeping && age_us >= 0 && age_us < (int64_t)s->conf.sweep_s * FL_US_PER_S)
        return FL_OK;
    for (int i = 0; i < TENANTS_AT_ONCE && count > 0 && r >= 0; i++)
        r = destroy_some(s, &count, err);
    s->sweeping = r >= 0 && count > 0;
    if (!s->sweeping)
        s->swept_us = now_us;
    return r;
}
