/* demo_world.h - the tables of the demonstration, its sessions, and how a line of them looks. */
#ifndef FL_CLI_DEMO_WORLD_H
#define FL_CLI_DEMO_WORLD_H

#include "cli/demo_model.h"

#define FL_DEMO_STAFF 24 /* per site */

struct fl_demo_app {
    const char *outer, *nested; /* Junos names; "UNKNOWN" where the device does not tell */
    const char *service;        /* junos-https */
    const char *category, *sub_category;
    const char *host, *host2; /* websites; NULL: no URL; every third visit goes to host2 */
    const char *url_category;
    uint8_t proto;
    uint16_t port;
    uint16_t weight;                        /* in the office, per 1000 sessions or so */
    uint16_t guest_weight;                  /* on the guests' network and in the evening */
    uint32_t up_bytes, down_bytes, seconds; /* medians */
    uint8_t spread;                         /* powers of two around the median */
    bool blocked;                           /* by policy */
    bool inter_site; /* to the server room of the first site: reported there as well */
    bool small;      /* session log only: DNS and the like */
};
extern const struct fl_demo_app fl_demo_apps[];
extern const size_t fl_demo_app_count;

struct fl_demo_session {
    const struct fl_demo_app *app; /* NULL: free */
    unsigned device, person;
    bool guest, violated;
    uint32_t id;
    uint16_t src_port, nat_port;
    unsigned char dst[4];
    const char *host;
    int64_t begin_us, end_us;
    uint64_t up, down; /* at the end */
    unsigned step, updates;
};

/* Share of office work at this time of day of the site, 0..1; guests and machines go on. */
double fl_demo_activity(unsigned site, int64_t at_us);
/* "a.fischer" */
void fl_demo_person(unsigned site, unsigned person, char name[32]);

/* What a line can say about a session; which line it is. */
enum fl_demo_say {
    FL_DEMO_SAY_CREATE,
    FL_DEMO_SAY_TRACK_CREATE,
    FL_DEMO_SAY_URL,
    FL_DEMO_SAY_VOLUME,
    FL_DEMO_SAY_TRACK_CLOSE,
    FL_DEMO_SAY_CLOSE,
    FL_DEMO_SAY_FAR_VOLUME, /* the copy that the server's site sends */
    FL_DEMO_SAY_FAR_CLOSE
};
/* Append the whole line. odd: 0, or which deviation to show (1..FL_DEMO_ODDITIES). */
void fl_demo_say(const struct fl_demo_session *s, enum fl_demo_say what, int64_t at_us,
                 unsigned odd, struct fl_buf *out);
#define FL_DEMO_ODDITIES 5

/* "<pri>1 time host program - tag [junos@2636.1.1.1.2.129", for lines without a session. */
void fl_demo_head(unsigned device, int64_t at_us, unsigned pri, const char *program,
                  const char *tag, struct fl_buf *out);

#endif
