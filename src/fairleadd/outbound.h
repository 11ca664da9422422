/*
 * outbound.h - inside the outbound role: what its files share.
 *
 * role_outbound.c takes requests of core, gives them to threads, sends back what they found;
 * outbound_fetch.c is the work on a feed: fetch it, read it, follow the links of an index;
 * outbound_pace.c keeps a distance between two requests to the same host and remembers which
 * entries of an index are known; outbound_thin.c makes an event fit into a message.
 */
#ifndef FL_FAIRLEADD_OUTBOUND_H
#define FL_FAIRLEADD_OUTBOUND_H

#include <stdatomic.h>

#include "codec/cap_sign.h"
#include "codec/world_event.h"
#include "fairleadd/role.h"
#include "io/mail.h"
#include "io/outside.h"
#include "io/pool.h"

#define FL_OUTBOUND_FOUND_MAX  ((size_t)64 << 20) /* bytes of what one run found */
#define FL_OUTBOUND_EVENTS_MAX 50000u
#define FL_OUTBOUND_REFUSED    50u  /* told of one run; the rest is counted */
#define FL_OUTBOUND_LINKS_MAX  100u /* of an index, followed in one run */

struct fl_pace;

/* What every thread may read. */
struct fl_outbound {
    struct fl_role_env *env;
    struct fl_outside to;
    struct fl_buf ca, password;
    struct fl_mail_server mail; /* host "": none */
    struct fl_cap_trust *trust; /* whose signatures of alerts count; NULL: nobody's */
    struct fl_pace *pace;
    atomic_bool stop;
};

/* ---- outbound_pace.c: from any thread ---- */

int fl_pace_new(struct fl_pace **ret, struct fl_err *err) FL_MUST_CHECK;
void fl_pace_free(struct fl_pace *pace);
/* Wait for one's turn with this host; false: stop was set meanwhile. */
bool fl_pace_wait(struct fl_pace *pace, const char *host, const atomic_bool *stop);
/* Was this entry read to its end before? */
bool fl_pace_knows(struct fl_pace *pace, uint32_t feed, struct fl_span entry);
void fl_pace_learn(struct fl_pace *pace, uint32_t feed, struct fl_span entry);
void fl_pace_forget(struct fl_pace *pace); /* core was started again: tell it everything */

/* ---- outbound_thin.c ---- */

/*
 * The event's JSON, at most max bytes. Outlines that are too long lose points (Douglas and Peucker)
 * until it fits, and the text says how many and how far off the rest is; *ret_thinned. FL_E_LIMIT:
 * it does not fit even so.
 */
int fl_outbound_json(const struct fl_world_event *event, size_t max, struct fl_buf *out,
                     bool *ret_thinned, struct fl_err *err) FL_MUST_CHECK;

/* ---- outbound_fetch.c: on a thread ---- */

struct fl_found; /* what a run found, in order */

struct fl_outbound_fetch {
    struct fl_outbound *out;
    struct fl_msg_fetch msg; /* spans in own */
    struct fl_buf own;
    struct fl_buf found; /* u8 type (enum fl_msg_type), then as fl_msg_encode() writes it, lv */
    struct fl_msg_fetched end;
    char text[FL_MSG_TEXT_MAX + 1], etag[FL_MSG_TEXT_MAX + 1], modified[FL_MSG_TEXT_MAX + 1];
};

void fl_outbound_fetch(struct fl_outbound_fetch *f);

#endif
