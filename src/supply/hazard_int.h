/* hazard_int.h - inside supply: one event on its way over the sites. */
#ifndef FL_SUPPLY_HAZARD_INT_H
#define FL_SUPPLY_HAZARD_INT_H

#include "model/event_type.h"
#include "supply/geo_index.h"
#include "supply/hazard.h"
#include "supply/hazard_grid.h"

struct fl_hazard_job {
    const struct fl_world_event *event;
    const struct fl_event_type *type; /* or NULL */
    const struct fl_net *net;
    const struct fl_geo_index *index; /* or NULL */
    const struct fl_grid *grid;       /* or NULL */
    struct fl_arena *arena;
    int64_t now_us;
    bool fixes_only; /* cyclones: see fl_hazard_by_fixes() */
    double min_probability;
    double happens;   /* probability of the event itself */
    double disrupts;  /* ... and of a site that is inside of it; areas only */
    uint64_t *marked; /* sites to look at */
    struct fl_hit *hits;
    uint32_t count, room;
};

/* Candidates: those near a box, then room for as many hits; or all that there are. */
void fl_hazard_mark(struct fl_hazard_job *job, const struct fl_geo_box *box);
void fl_hazard_mark_all(struct fl_hazard_job *job);
int fl_hazard_ready(struct fl_hazard_job *job, struct fl_err *err) FL_MUST_CHECK;
/* The next marked site behind `after` (FL_NET_NONE: the first); FL_NET_NONE at the end. */
uint32_t fl_hazard_next(const struct fl_hazard_job *job, uint32_t after);
/* Has it a position? */
bool fl_hazard_placed(const struct fl_net_site *site);

/* A value with normal scatter against where bands begin: probability, bands, days. */
void fl_hazard_put_value(struct fl_hazard_job *job, struct fl_hit hit,
                         const double shares[FL_BANDS], enum fl_band band);
/* A share of the site that is inside. distance_km NAN: not by place. */
void fl_hazard_put_inside(struct fl_hazard_job *job, uint32_t site, double distance_km,
                          double share);

bool fl_hazard_is_quake(const struct fl_hazard_job *job);
bool fl_hazard_is_wind(const struct fl_hazard_job *job);
bool fl_hazard_is_entity(const struct fl_hazard_job *job);
bool fl_hazard_is_port(const struct fl_hazard_job *job);
bool fl_hazard_is_place(const struct fl_hazard_job *job);
bool fl_hazard_is_country(const struct fl_hazard_job *job);
bool fl_hazard_is_global(const struct fl_hazard_job *job);
int fl_hazard_quake(struct fl_hazard_job *job, struct fl_err *err) FL_MUST_CHECK;
int fl_hazard_wind(struct fl_hazard_job *job, struct fl_err *err) FL_MUST_CHECK;
int fl_hazard_entity(struct fl_hazard_job *job, struct fl_err *err) FL_MUST_CHECK;
int fl_hazard_port(struct fl_hazard_job *job, struct fl_err *err) FL_MUST_CHECK;
int fl_hazard_place(struct fl_hazard_job *job, struct fl_err *err) FL_MUST_CHECK;
int fl_hazard_country(struct fl_hazard_job *job, struct fl_err *err) FL_MUST_CHECK;
int fl_hazard_global(struct fl_hazard_job *job, struct fl_err *err) FL_MUST_CHECK;

#endif
