/* harness.h - an api with a real control database in a temporary folder and roles played by tests.
 */
#ifndef FL_TESTS_API_HARNESS_H
#define FL_TESTS_API_HARNESS_H

#include "api/api.h"
#include "db/db.h"
#include "trust/audit.h"

#define SENT_MAX 64

struct sent { /* what the api asked of a role */
    enum fl_role to;
    enum fl_msg_type type;
    uint32_t id;
    struct fl_buf payload;
};

struct world {
    char dir[64];
    int dir_fd;
    struct fl_conf *conf;
    struct fl_live *live;
    struct fl_db *db;
    struct fl_audit *audit;
    struct fl_api *api;
    unsigned down;    /* bits of roles that are not there */
    unsigned changed; /* bits of enum fl_changed so far */
    struct sent sent[SENT_MAX];
    size_t sent_count;

    /* the answer to the last call */
    struct fl_req *req;
    int status, heads, ends;
    char type[80];
    struct fl_buf body, trailer, headers;
};

void world_init(struct world *w, int with_db);
void world_done(struct world *w);

/* Ask; returns the status, 0 when the answer is still to come. */
int world_call(struct world *w, const char *method, const char *path, const char *body);
/* ... as somebody: as says who, by cookie, bearer, headers, local. */
int world_ask(struct world *w, const struct fl_call *as, const char *method, const char *path,
              const char *body);
/* Is the text in the body (or, with status 0, nothing)? */
int world_has(const struct world *w, const char *text);
/* Answer the newest message that was sent to a role. */
void world_answer(struct world *w, enum fl_msg_type type, const void *msg);
const struct sent *world_last(const struct world *w);

#endif
