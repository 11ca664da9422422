#include "trust/throttle.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "codec/ip.h"

enum { SLOTS = 4096, V6_NET_BYTES = 8 };
#define FULL_US ((int64_t)FL_THROTTLE_BURST * FL_THROTTLE_FILL_US)

struct fl_throttle {
    unsigned char key[crypto_shorthash_KEYBYTES];
    int64_t full_us[SLOTS]; /* when the slot's bucket is full again; 0: it is */
};

int fl_throttle_new(struct fl_throttle **ret, struct fl_err *err)
{
    struct fl_throttle *t = calloc(1, sizeof *t);

    if (t == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    fl_random(t->key, sizeof t->key);
    *ret = t;
    return FL_OK;
}

void fl_throttle_free(struct fl_throttle *t)
{
    free(t);
}

static size_t slot_of(const struct fl_throttle *t, struct fl_span peer)
{
    unsigned char ip[FL_IP_BYTES], hash[crypto_shorthash_BYTES];
    struct fl_span source = peer;
    uint64_t value;

    if (fl_ip_parse(peer, ip))
        source = fl_span_of(ip, fl_ip_is_v4(ip) ? FL_IP_BYTES : V6_NET_BYTES);
    (void)crypto_shorthash(hash, source.len == 0 ? (const unsigned char *)"" : source.ptr,
                           source.len, t->key);
    memcpy(&value, hash, sizeof value);
    return value % SLOTS;
}

/* The bucket as the time at which it is full: a try moves that time on. */
bool fl_throttle_take(struct fl_throttle *t, struct fl_span peer, int64_t now_mono_us)
{
    int64_t *at = &t->full_us[slot_of(t, peer)];
    int64_t from = *at > now_mono_us ? *at : now_mono_us;

    if (from + FL_THROTTLE_FILL_US - now_mono_us > FULL_US)
        return false;
    *at = from + FL_THROTTLE_FILL_US;
    return true;
}
