/*
 * omts.h - the Open Multi-Tier Supply format (OMTS 0.1 to 1.x: a JSON object with `nodes` and
 * `edges`) to the CSV tables of a network of supply.
 *
 * organization -> suppliers; facility -> sites (operator by the member or an edge `operates`); good
 * -> parts, or products where org.fairlead.product is true or nothing takes it and it takes others;
 * produces -> part_sites; composed_of between goods -> bom; ownership of half or more and
 * legal_parentage -> parent_id. Other edges, persons, attestations and consignments are not taken,
 * and counted; boundary_ref becomes a supplier whose name is not known. Ids are the node ids; what
 * is longer than an id may be is refused.
 */
#ifndef FL_CODEC_OMTS_H
#define FL_CODEC_OMTS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define FL_OMTS_BYTES_MAX ((size_t)32 << 20)
#define FL_OMTS_NODES_MAX 200000u
#define FL_OMTS_EDGES_MAX 1000000u

enum fl_omts_table {
    FL_OMTS_SUPPLIERS,
    FL_OMTS_SITES,
    FL_OMTS_PARTS,
    FL_OMTS_PART_SITES,
    FL_OMTS_BOM,
    FL_OMTS_PRODUCTS,
    FL_OMTS_TABLES
};
extern const char *const fl_omts_files[FL_OMTS_TABLES]; /* "suppliers.csv", ... */

/* csv: initialised by the caller, with room; a table without rows stays empty. FL_E_INVAL says what
 * is wrong and where ("nodes[3]: ..."); FL_E_LIMIT. ret_left: nodes and edges that were not taken.
 */
int fl_omts_read(struct fl_span input, struct fl_buf csv[FL_OMTS_TABLES], unsigned *ret_left,
                 struct fl_err *err) FL_MUST_CHECK;

#endif
