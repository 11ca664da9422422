/* rogue.h - a peer that was refused: it showed a certificate that is not known, or is revoked. */
#ifndef FL_MODEL_ROGUE_H
#define FL_MODEL_ROGUE_H

#include <stdint.h>

#define FL_ROGUE_TEXT_MAX 255u

struct fl_rogue {
    uint64_t id;                   /* 0 before it is stored; later sightings have greater ones */
    int64_t first_us, at_us;       /* first and last sighting */
    unsigned char fingerprint[32]; /* SHA-256; zeros: it showed no certificate */
    char subject[FL_ROGUE_TEXT_MAX + 1];
    char address[FL_ROGUE_TEXT_MAX + 1];
    char reason[FL_ROGUE_TEXT_MAX + 1];
    char listener[FL_ROGUE_TEXT_MAX + 1];
    uint64_t count; /* sightings */
};

#endif
