/* enrich_tables.h - the shipped tables as tools/embed-tables writes them. Inside logs. */
#ifndef FL_LOGS_ENRICH_TABLES_H
#define FL_LOGS_ENRICH_TABLES_H

#include <stddef.h>
#include <stdint.h>

struct fl_enrich_row { /* name NULL: a free slot; by FNV-1a of the name, then the next one */
    const char *name, *category;
    uint8_t name_len, category_len;
};

extern const struct fl_enrich_row fl_enrich_apps[], fl_enrich_sites[];
extern const size_t fl_enrich_apps_slots, fl_enrich_sites_slots; /* powers of two */
extern const char fl_enrich_tables[];                            /* their versions */

#endif
