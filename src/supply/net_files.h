/*
 * net_files.h - the CSV set of a network (suppliers, sites, parts, part_sites, bom, products, and
 * where they are there revenue, rates, contacts), given as named texts, to a network in memory.
 */
#ifndef FL_SUPPLY_NET_FILES_H
#define FL_SUPPLY_NET_FILES_H

#include "supply/import.h"
#include "supply/net.h"

struct fl_net_file {
    const char *name; /* "sites.csv"; other names are known by their headings */
    struct fl_span text;
};

/* For what asks for positions only: nothing but sites, of which site_id, lat and lon are needed. */
#define FL_NET_FILES_SITES_ONLY 1u

/*
 * All or nothing: FL_E_INVAL when any row is wrong, err says the first ("sites.csv line 3,
 * ttr_days: ..."), findings (initialised by the caller) all of them, and warnings also of a network
 * that is built. Where suppliers are not among the files, those that sites name are taken as they
 * are. base_currency as fl_net_builder_new().
 */
int fl_net_files_read(const struct fl_net_file *files, unsigned count, unsigned flags,
                      size_t max_bytes, const char *base_currency, struct fl_net **ret,
                      struct fl_findings *findings, struct fl_err *err) FL_MUST_CHECK;

#endif
