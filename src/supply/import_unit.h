/* import_unit.h - inside import: the units that people write behind a number or in a heading. */
#ifndef FL_SUPPLY_IMPORT_UNIT_H
#define FL_SUPPLY_IMPORT_UNIT_H

#include "model/supply.h"

struct fl_import_unit {
    const char *of;   /* the unit of ours: "days"; "share" of a number from 0 to 1 */
    const char *word; /* folded */
    double factor;    /* to ours */
    bool plain;       /* it is ours, or nothing worth a note */
};
extern const struct fl_import_unit fl_import_units[];
extern const unsigned fl_import_units_count;

/* Could the unit be one of this column? */
bool fl_import_unit_fits(const struct fl_import_unit *unit, const struct fl_supply_column *column);

#endif
