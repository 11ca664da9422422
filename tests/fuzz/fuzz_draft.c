/* A bill of material from anybody: refused with a sentence, or scored within bounds. */
#include <math.h>
#include <stdlib.h>

#include "../unit/supply/net_text.h"
#include "supply/score.h"

#define ARENA_MAX ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A network that drafts may name: a part with two sources behind one hub. Made once. */
static const struct fl_scores *network(void)
{
    static const char *const rows[] = {"suppliers|s1|S1|JP|1",
                                       "suppliers|s2|S2|DE|1",
                                       "sites|a|s1|A|38.2|140.8|JP||60",
                                       "sites|b|s2|B|51.0|13.7|DE||30",
                                       "sites|c|s1|C|35.6|139.7|JP||30",
                                       "parts|two|Two||5|90",
                                       "parts|hub|Hub",
                                       "part_sites|two|b",
                                       "part_sites|two|c",
                                       "part_sites|hub|a",
                                       "products|box|Box||10|100",
                                       "bom|box|two|1",
                                       "bom|two|hub|2"};
    static struct fl_scores *scores;
    static struct fl_arena arena;
    static struct fl_net *net;
    static const struct fl_score_facts facts = {.today_day = 20779};
    struct net_text t;
    struct fl_err err;

    if (scores != NULL)
        return scores;
    t = net_text_new();
    for (size_t i = 0; i < FL_LEN(rows); i++)
        net_text_add(&t, "%s", rows[i]);
    net = net_text_done(&t);
    fl_arena_init(&arena, ARENA_MAX);
    if (fl_scores_new(net, &fl_score_preset, &facts, NULL, &arena, &scores, &err) < 0)
        abort();
    return scores;
}

static void check(const struct fl_risk_score *s)
{
    if (!(s->low >= 0) || !(s->high <= 100) || s->low > s->high + 1e-9 || !(s->missing >= 0) ||
        s->missing > 1 + 1e-9)
        abort();
    if (!isnan(s->score) && (s->score < 0 || s->score > 100))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_arena FL_AUTO(fl_arena_done) arena;
    struct fl_draft draft;
    struct fl_err err;

    fl_arena_init(&arena, ARENA_MAX);
    if (fl_draft_score(network(), fl_span_of(data, size), FL_STAGE_CONCEPT, &arena, &draft, &err) <
        0) {
        if (err.text[0] == '\0')
            abort();
        return 0;
    }
    check(&draft.score);
    for (uint32_t i = 0; i < draft.line_count; i++) {
        check(&draft.lines[i].score);
        if (draft.lines[i].part == NULL || draft.lines[i].part[0] == '\0')
            abort();
    }
    return 0;
}
