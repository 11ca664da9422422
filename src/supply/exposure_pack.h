/*
 * exposure_pack.h - small programs that pack: max gain * made, with use * made <= room and
 * 0 <= made <= top, where no use and no room is below 0. Dense. The next one, with more rows, other
 * room and other tops, begins where the last one ended: what comes out depends on what was asked
 * since `known` was 0, and on nothing before.
 */
#ifndef FL_SUPPLY_EXPOSURE_PACK_H
#define FL_SUPPLY_EXPOSURE_PACK_H

#include <stdbool.h>
#include <stdint.h>

struct fl_pack {
    uint32_t columns, rows;
    double *gain, *top; /* of columns */
    double *use, *room; /* rows by columns, one row after the other; of rows */
    /* Out, of the caller's room. */
    double *made, *worth; /* of columns; what one more of top would bring */
    double *price;        /* of rows: what one more of room would bring */
    /* The dictionary between calls; what grows with rows has to be kept by whoever makes room. */
    uint32_t known;             /* rows that are in it; 0: begin anew */
    double *table, *value;      /* rows by columns; of rows */
    double *old_room, *old_top; /* of rows; of columns: what they were */
    double *off;                /* of columns */
    uint32_t *basic, *other;    /* of rows, of columns: variables, rows numbered behind columns */
    bool *turned;               /* of variables */
};

/* False: it gave up, which rounding alone could bring about. */
bool fl_pack_solve(struct fl_pack *p);

#endif
