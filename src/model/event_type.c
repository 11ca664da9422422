#include "model/event_type.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const footprint_names[] = {"point", "radius", "region", "country", "global"};
static const char *const match_names[] = {"place", "entity", "country", "port", "global"};

const char *fl_footprint_name(enum fl_footprint footprint)
{
    return footprint_names[footprint];
}

const char *fl_event_match_name(enum fl_event_match match)
{
    return match_names[match];
}

static int compare(const void *key, const void *row)
{
    return strcmp(key, ((const struct fl_event_type *)row)->code);
}

const struct fl_event_type *fl_event_type_find(struct fl_span code)
{
    char text[8];

    if (code.len != 7)
        return NULL;
    memcpy(text, code.ptr, 7);
    text[7] = '\0';
    for (unsigned f = 0; f < FL_EVENT_FAMILIES; f++) {
        const struct fl_event_family *family = &fl_event_families[f];

        if (strncmp(family->code, text, 3) == 0)
            return bsearch(text, fl_event_types + family->first, family->count,
                           sizeof *fl_event_types, compare);
    }
    return NULL;
}

struct word_row {
    const char *word, *code;
};

/* The USGS' `type`; what is not here (quarry blasts, sonic booms) is no event for us. */
static const struct word_row usgs_types[] = {
    {"landslide", "GEO-015"},
    {"rock slide", "GEO-016"},
    {"rockslide", "GEO-016"},
    {"volcanic eruption", "GEO-009"},
    {"mine collapse", "IND-026"},
    {"nuclear explosion", "POL-030"},
    {"rock burst", "IND-026"},
    {"meteorite", "SPC-005"},
    {"industrial explosion", "IND-005"},
    {"chemical explosion", "IND-005"},
    {"collapse", "IND-018"},
};

/* Words of CAP's `event` and of titles, lower case; the first that is found counts, hence those
 * that say more stand first. */
static const struct word_row words[] = {
    {"tsunami", "GEO-007"},
    {"aftershock", "GEO-003"},
    {"earthquake", "GEO-001"},
    {"volcanic ash", "GEO-009"},
    {"ashfall", "GEO-009"},
    {"lahar", "GEO-012"},
    {"lava", "GEO-010"},
    {"volcan", "GEO-014"},
    {"debris flow", "GEO-017"},
    {"mudslide", "GEO-017"},
    {"landslide", "GEO-015"},
    {"rockfall", "GEO-016"},
    {"sinkhole", "GEO-018"},
    {"hurricane watch", "MET-002"},
    {"hurricane warning", "MET-002"},
    {"typhoon warning", "MET-002"},
    {"cyclone warning", "MET-002"},
    {"tropical storm", "MET-003"},
    {"hurricane", "MET-001"},
    {"typhoon", "MET-001"},
    {"tropical cyclone", "MET-001"},
    {"storm surge", "HYD-011"},
    {"coastal flood", "HYD-004"},
    {"flash flood", "HYD-002"},
    {"dam failure", "UTL-018"},
    {"dam break", "UTL-018"},
    {"flood", "HYD-001"},
    {"tornado", "MET-006"},
    {"derecho", "MET-007"},
    {"squall", "MET-013"},
    {"hail", "MET-011"},
    {"thunderstorm", "MET-008"},
    {"lightning", "MET-010"},
    {"blizzard", "MET-014"},
    {"ice storm", "MET-017"},
    {"freezing rain", "MET-017"},
    {"ice jam", "HYD-008"},
    {"snow", "MET-015"},
    {"winter storm", "MET-015"},
    {"frost", "MET-019"},
    {"freeze", "MET-019"},
    {"wind chill", "MET-018"},
    {"extreme cold", "MET-018"},
    {"cold", "MET-018"},
    {"heat", "MET-020"},
    {"fog", "MET-022"},
    {"dust", "MET-023"},
    {"sandstorm", "MET-023"},
    {"air quality", "ENV-001"},
    {"smoke", "MET-024"},
    {"haze", "MET-025"},
    {"bushfire", "CLI-001"},
    {"bush fire", "CLI-001"},
    {"wildfire", "CLI-001"},
    {"wild fire", "CLI-001"},
    {"grass fire", "CLI-001"},
    {"forest fire", "CLI-003"},
    {"factory fire", "IND-001"},
    {"industrial fire", "IND-001"},
    {"warehouse fire", "IND-003"},
    {"structure fire", "IND-004"},
    {"drought", "CLI-005"},
    {"rain", "MET-021"},
    {"gale", "MET-012"},
    {"wind", "MET-012"},
    {"geomagnetic", "SPC-001"},
    {"solar flare", "SPC-002"},
    {"nuclear", "UTL-020"},
    {"radiological", "IND-017"},
    {"ammonia", "IND-012"},
    {"chlorine", "IND-013"},
    {"toxic", "IND-011"},
    {"hazardous material", "IND-010"},
    {"chemical", "IND-010"},
    {"explosion", "IND-005"},
    {"gas leak", "UTL-008"},
    {"power outage", "UTL-001"},
    {"blackout", "UTL-001"},
    {"drinking water", "UTL-011"},
    {"boil water", "UTL-011"},
    {"telephone outage", "UTL-015"},
    {"911 outage", "UTL-015"},
    {"port clos", "TRN-001"},
    {"airport clos", "TRN-014"},
    {"rail", "TRN-018"},
    {"road", "TRN-020"},
    {"bridge", "UTL-019"},
    {"strike", "LAB-001"},
    {"curfew", "POL-013"},
    {"riot", "POL-018"},
    {"civil unrest", "POL-018"},
    {"terror", "POL-021"},
    {"ransomware", "CYB-001"},
    {"pandemic", "BIO-001"},
    {"epidemic", "BIO-002"},
    {"outbreak", "BIO-002"},
    {"bankruptcy", "FIN-001"},
    {"recall", "QUA-001"},
    {"evacuation", "CLI-002"},
};

/* Where no word says it: what the category most often is. The others say too little. */
static const struct word_row categories[] = {
    {"met", "MET-008"},       {"fire", "CLI-001"},  {"health", "BIO-002"}, {"env", "ENV-002"},
    {"transport", "TRN-020"}, {"infra", "UTL-001"}, {"cbrne", "IND-010"},
};

/* What stands behind "prefix:", or false. */
static bool behind(struct fl_span kind, const char *prefix, struct fl_span *ret)
{
    size_t n = strlen(prefix);

    if (kind.len <= n || memcmp(kind.ptr, prefix, n) != 0)
        return false;
    *ret = fl_span_of(kind.ptr + n, kind.len - n);
    return true;
}

/* From which on shaking stops more than nerves: supply.md, 2.6. */
static const char *earthquake(const struct fl_world_event *event)
{
    bool strong = isnan(event->magnitude) || event->magnitude >= 5 || event->mmi >= 6;

    return strong ? "GEO-001" : "GEO-002";
}

static const char *gdacs_type(const struct fl_world_event *event, struct fl_span kind)
{
    bool grave = fl_span_eq(event->severity, FL_SPAN("severe")) ||
                 fl_span_eq(event->severity, FL_SPAN("extreme"));
    const struct {
        const char *kind, *code;
    } rows[] = {{"EQ", earthquake(event)}, {"TC", grave ? "MET-001" : "MET-002"},
                {"FL", "HYD-001"},         {"VO", grave ? "GEO-009" : "GEO-014"},
                {"DR", "CLI-005"},         {"WF", "CLI-001"},
                {"TS", "GEO-007"}};

    for (size_t i = 0; i < FL_LEN(rows); i++) {
        if (fl_span_eq(kind, fl_span_str(rows[i].kind)))
            return rows[i].code;
    }
    return NULL;
}

static const char *by_equal(const struct word_row *rows, size_t count, struct fl_span word)
{
    for (size_t i = 0; i < count; i++) {
        if (fl_span_eq(word, fl_span_str(rows[i].word)))
            return rows[i].code;
    }
    return NULL;
}

static bool starts_word(struct fl_span text, size_t at)
{
    unsigned char c = at == 0 ? ' ' : text.ptr[at - 1];

    return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

/* needle at the begin of a word: "rain" is not in "train". */
static bool has_word(struct fl_span text, const char *needle)
{
    size_t n = strlen(needle);

    for (size_t at = 0; at + n <= text.len; at++) {
        if (starts_word(text, at) && strncasecmp((const char *)text.ptr + at, needle, n) == 0)
            return true;
    }
    return false;
}

static const char *by_word(const struct fl_world_event *event, struct fl_span text)
{
    for (size_t i = 0; i < FL_LEN(words); i++) {
        if (has_word(text, words[i].word))
            return strcmp(words[i].word, "earthquake") == 0 ? earthquake(event) : words[i].code;
    }
    return NULL;
}

static const char *code_of(const struct fl_world_event *event)
{
    struct fl_span kind = event->kind;
    const char *code;

    if (behind(event->kind, "usgs:", &kind))
        return fl_span_eq(kind, FL_SPAN("earthquake"))
                   ? earthquake(event)
                   : by_equal(usgs_types, FL_LEN(usgs_types), kind);
    if (behind(event->kind, "gdacs:", &kind))
        return gdacs_type(event, kind);
    if (behind(event->kind, "track:", &kind))
        return "MET-001";
    (void)behind(event->kind, "cap:", &kind);
    code = by_word(event, kind);
    if (code == NULL)
        code = by_word(event, event->title);
    return code != NULL ? code : by_equal(categories, FL_LEN(categories), event->category);
}

const struct fl_event_type *fl_event_type_of(const struct fl_world_event *event)
{
    const struct fl_event_type *type = fl_event_type_find(event->type);
    const char *code;

    if (type != NULL)
        return type;
    code = code_of(event);
    return code == NULL ? NULL : fl_event_type_find(fl_span_str(code));
}
