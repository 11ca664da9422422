/* Grouped queries against the slow way: scans, top, series, facets, count; rollups against rows. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/time.h"
#include "fake_parts.h"
#include "logs/query_run.h"
#include "tap.h"

enum { MAX_KEYS = 700 };

static const struct fl_field_info *info(enum fl_field f)
{
    return &fl_fields[f];
}

static struct fl_query question(enum fl_query_kind kind)
{
    int64_t day_us = (int64_t)oracle_day() * FL_US_PER_DAY;

    return (struct fl_query){.tenant = 1,
                             .kind = kind,
                             .from_us = day_us - 2 * FL_US_PER_DAY,
                             .to_us = day_us + 5 * FL_US_PER_DAY};
}

/* Sometimes all, sometimes a piece in the middle. */
static void random_range(struct oracle *o, struct fl_query *q)
{
    int64_t day_us = (int64_t)oracle_day() * FL_US_PER_DAY;

    if (oracle_random(o, 3) == 0)
        return;
    q->from_us = day_us + (int64_t)oracle_random(o, 86400 * 2) * FL_US_PER_S;
    q->to_us = q->from_us + 1 + (int64_t)oracle_random(o, 86400 * 2) * FL_US_PER_S;
    if (oracle_random(o, 2) == 0) { /* on the edges of buckets */
        q->from_us -= q->from_us % (300 * FL_US_PER_S);
        q->to_us += 300 * FL_US_PER_S - q->to_us % (300 * FL_US_PER_S);
    }
}

static struct fl_filter *parse(struct oracle *o, struct fl_span text)
{
    struct fl_filter *filter = NULL;
    struct fl_err err;

    if (fl_filter_parse(text, &o->arena, &filter, &err) < 0) {
        printf("# %.*s: %s\n", FL_SPAN_ARG(text), err.text);
        abort();
    }
    return filter;
}

/* ---- the slow way ---- */

struct sums {
    char key[200];
    bool none;
    uint64_t v[7]; /* rows sessions bytes bytes_up bytes_down packets seconds */
    uint64_t metric;
    bool user[41];
    uint64_t *cells;
};
static const char *const sum_names[] = {"rows",       "sessions", "bytes",  "bytes_up",
                                        "bytes_down", "packets",  "seconds"};

struct naive {
    struct sums group[MAX_KEYS];
    size_t count;
    struct sums total;
};

static struct sums *find_group(struct naive *n, const struct fl_event *ev, enum fl_field by)
{
    char key[200] = "";
    bool none = !oracle_key(ev, by, key);
    size_t i = 0;

    while (i < n->count && (n->group[i].none != none || strcmp(n->group[i].key, key) != 0))
        i++;
    if (i == n->count) {
        if (i == MAX_KEYS)
            abort();
        memset(&n->group[i], 0, sizeof n->group[i]);
        n->group[i].none = none;
        memcpy(n->group[i].key, key, sizeof key);
        n->count++;
    }
    return &n->group[i];
}

static void add_sums(struct sums *s, const struct fl_event *ev, const char *metric)
{
    s->v[0]++;
    s->v[1] += oracle_metric(ev, "sessions");
    s->v[2] += oracle_metric(ev, "bytes");
    s->v[3] += oracle_metric(ev, "up");
    s->v[4] += oracle_metric(ev, "down");
    s->v[5] += oracle_metric(ev, "packets");
    s->v[6] += oracle_metric(ev, "seconds");
    s->metric += oracle_metric(ev, metric);
    if (fl_event_has(ev, FL_F_USER))
        s->user[strtoul((const char *)ev->v[FL_F_USER].str.ptr + strlen("user."), NULL, 10)] = true;
}

static struct naive *slow(struct oracle *o, const struct fl_query *q, enum fl_field by,
                          const char *metric, int64_t first_us, size_t buckets)
{
    struct naive *n = calloc(1, sizeof *n);
    struct fl_filter *filter = parse(o, q->filter);

    if (n == NULL)
        abort();
    for (size_t i = 0; i < o->count; i++) {
        struct sums *s;

        if (!oracle_takes(q, filter, &o->row[i]))
            continue;
        s = find_group(n, &o->row[i], by);
        add_sums(s, &o->row[i], metric);
        add_sums(&n->total, &o->row[i], metric);
        if (buckets == 0)
            continue;
        if (s->cells == NULL)
            s->cells = calloc(buckets, sizeof *s->cells);
        if (s->cells == NULL)
            abort();
        s->cells[((int64_t)o->row[i].v[FL_F_TIME].num - first_us) / q->step_us] +=
            oracle_metric(&o->row[i], metric);
    }
    return n;
}

static void slow_done(struct naive *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->group[i].cells);
    free(n);
}

static uint64_t users(const struct sums *s)
{
    uint64_t count = 0;

    for (size_t i = 0; i < FL_LEN(s->user); i++)
        count += s->user[i];
    return count;
}

static struct sums *by_key(struct naive *n, const json_t *key)
{
    for (size_t i = 0; i < n->count; i++) {
        if (json_is_null(key)
                ? n->group[i].none
                : !n->group[i].none && strcmp(n->group[i].key, json_string_value(key)) == 0)
            return &n->group[i];
    }
    return NULL;
}

/* ---- top ---- */

static bool same_sums(const json_t *item, const struct sums *s)
{
    for (size_t i = 0; i < FL_LEN(sum_names); i++) {
        if ((uint64_t)json_integer_value(json_object_get(item, sum_names[i])) != s->v[i])
            return false;
    }
    return true;
}

static void merge(struct sums *into, const struct sums *s)
{
    for (size_t i = 0; i < FL_LEN(into->v); i++)
        into->v[i] += s->v[i];
    for (size_t i = 0; i < FL_LEN(into->user); i++)
        into->user[i] |= s->user[i];
}

static bool user_count_is(const json_t *item, enum fl_field by, uint64_t keys, const struct sums *s)
{
    uint64_t want = by == FL_F_USER ? keys : users(s);

    return (uint64_t)json_integer_value(json_object_get(item, "users")) == want;
}

static const char *wrong_item(struct naive *n, const json_t *item, enum fl_field by,
                              uint64_t *last_metric, bool *shown)
{
    struct sums *s = by_key(n, json_object_get(item, "key"));
    double share = json_number_value(json_object_get(item, "share"));
    double want;

    if (s == NULL)
        return "a key that no row has";
    if (!same_sums(item, s))
        return "sums of a key";
    if (!user_count_is(item, by, !s->none, s))
        return "users of a key";
    if (s->metric > *last_metric)
        return "order";
    want = n->total.metric == 0 ? 0 : (double)s->metric / (double)n->total.metric;
    if (share < want - 1e-6 || share > want + 1e-6)
        return "share";
    *last_metric = s->metric;
    shown[s - n->group] = true;
    return NULL;
}

/* NULL when the answer is right, else what is wrong. */
static const char *wrong_top(struct naive *n, const json_t *root, enum fl_field by, size_t limit)
{
    const json_t *items = json_object_get(root, "items"), *other = json_object_get(root, "other");
    const json_t *total = json_object_get(root, "total");
    bool shown[MAX_KEYS] = {false};
    struct sums rest = {.none = false};
    uint64_t last = UINT64_MAX, keys = 0, all_keys = 0;

    if (json_array_size(items) != (n->count < limit ? n->count : limit))
        return "number of items";
    for (size_t i = 0; i < json_array_size(items); i++) {
        const char *why = wrong_item(n, json_array_get(items, i), by, &last, shown);

        if (why != NULL)
            return why;
    }
    for (size_t i = 0; i < n->count; i++) {
        all_keys += !n->group[i].none;
        if (shown[i])
            continue;
        if (n->group[i].metric > last)
            return "a larger key is not shown";
        keys += !n->group[i].none;
        merge(&rest, &n->group[i]);
    }
    if (!same_sums(other, &rest) || !user_count_is(other, by, keys, &rest) ||
        (uint64_t)json_integer_value(json_object_get(other, "keys")) != keys)
        return "other";
    if (!same_sums(total, &n->total) || !user_count_is(total, by, all_keys, &n->total) ||
        (uint64_t)json_integer_value(json_object_get(total, "keys")) != all_keys)
        return "total";
    return NULL;
}

static const char *const metrics[] = {"bytes", "sessions", "packets", "seconds",
                                      "rows",  "up",       "down"};
static const enum fl_field groupings[] = {FL_F_APP,      FL_F_DOMAIN, FL_F_CATEGORY,
                                          FL_F_USER,     FL_F_SRC_IP, FL_F_ACTION,
                                          FL_F_DST_PORT, FL_F_SITE,   FL_F_URL};

static void check_top(struct oracle *o, int rounds)
{
    int bad = 0, rollups = 0;

    for (int i = 0; i < rounds; i++) {
        FL_AUTO(fl_buf_done) struct fl_buf text;
        struct fl_query q = question(FL_Q_TOP);
        enum fl_field by = groupings[oracle_random(o, FL_LEN(groupings))];
        const char *metric = metrics[oracle_random(o, FL_LEN(metrics))], *why;
        struct naive *n;
        struct asked a;
        json_t *root;

        fl_buf_init(&text, 4096);
        if (oracle_random(o, 4) == 0)
            fl_buf_put_str(&text, oracle_random(o, 2) == 0 ? "site:site-1 or -site:*" : "");
        else
            oracle_filter(o, 3, &text);
        q.filter = fl_buf_span(&text);
        q.by = fl_span_str(oracle_random(o, 2) != 0 && info(by)->alias != NULL ? info(by)->alias
                                                                               : info(by)->ecs);
        q.metric = fl_span_str(metric);
        q.limit = (uint32_t)oracle_random(o, 30);
        random_range(o, &q);
        ask(o, &q, &a);
        if (a.code < 0) {
            printf("# %s: %.*s\n", a.err.text, FL_SPAN_ARG(q.filter));
            abort();
        }
        n = slow(o, &q, by, metric, 0, 0);
        root = asked_json(&a);
        why = wrong_top(n, root, by, q.limit == 0 ? 10 : q.limit);
        if (why == NULL && (a.end.rows_matched != n->total.v[0] || a.end.partial))
            why = "rows matched, or partial";
        if (why != NULL)
            printf("# top %s by %s where %.*s: %s\n", fl_fields[by].ecs, metric,
                   FL_SPAN_ARG(q.filter), why);
        bad += why != NULL;
        rollups += a.end.from_rollups;
        json_decref(root);
        asked_done(&a);
        slow_done(n);
    }
    CHECK(bad == 0, "top: random questions agree with the slow way");
    CHECK(rollups > 0 && rollups < rounds, "some of them were answered from rollups");
}

/* A filter that is always true but looks at more than the site forces the rows to be read. */
static void check_rollups(struct oracle *o)
{
    static const char *const pairs[][2] = {
        {"", "seq:* or -seq:*"},
        {"site:site-2", "site:site-2 (seq:* or -seq:*)"},
        {"-site:site-2", "-site:site-2 (seq:* or -seq:*)"},
        {"site:*1 or -site:*", "(site:*1 or -site:*) (seq:* or -seq:*)"},
        {"site~TE-3", "site~TE-3 (seq:* or -seq:*)"},
    };
    static const char *const by[] = {"app", "domain", "category", "user"};
    int bad = 0, wrong_way = 0;

    for (size_t i = 0; i < FL_LEN(pairs) * FL_LEN(by) * 4; i++) {
        struct asked a, b;
        struct fl_query q = question(i % 2 == 0 ? FL_Q_TOP : FL_Q_SERIES);

        q.by = fl_span_str(by[i / 4 % FL_LEN(by)]);
        q.filter = fl_span_str(pairs[i / 4 / FL_LEN(by)][0]);
        q.step_us = i % 4 == 1 ? 3600 * FL_US_PER_S : 86400 * FL_US_PER_S;
        q.limit = 7;
        if (i % 4 == 2)
            q.from_us = (int64_t)oracle_day() * FL_US_PER_DAY + 12345678;
        ask(o, &q, &a);
        q.filter = fl_span_str(pairs[i / 4 / FL_LEN(by)][1]);
        ask(o, &q, &b);
        bad += a.code < 0 || b.code < 0 || strcmp(a.text, b.text) != 0 ||
               a.end.rows_matched != b.end.rows_matched;
        wrong_way += !a.end.from_rollups || b.end.from_rollups;
        asked_done(&a);
        asked_done(&b);
    }
    CHECK(bad == 0, "rollups and rows give the same answers, byte by byte");
    CHECK(wrong_way == 0, "each was answered from what was meant");
}

static void check_categories(struct oracle *o)
{
    struct fl_query q = question(FL_Q_TOP);
    struct asked a;
    json_t *root, *items;
    int named = 0;

    q.by = FL_SPAN("app");
    ask(o, &q, &a);
    root = asked_json(&a);
    items = json_object_get(root, "items");
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        const char *category = json_string_value(json_object_get(item, "category"));

        named += category != NULL && strncmp(category, "Category ", 9) == 0;
    }
    CHECK(named == (int)json_array_size(items) - 1, "an application has the category of its rows");
    json_decref(root);
    asked_done(&a);
    q.by = FL_SPAN("action");
    ask(o, &q, &a);
    CHECK(strstr(a.text, "category") == NULL, "only applications have one");
    asked_done(&a);
}

/* ---- series ---- */

static const char *wrong_series(struct naive *n, const json_t *root, size_t buckets, size_t limit)
{
    const json_t *series = json_object_get(root, "series");
    size_t shown = n->count < limit ? n->count : limit;
    uint64_t *rest = calloc(buckets, sizeof *rest), last = UINT64_MAX;
    const char *why = NULL;

    if (rest == NULL)
        abort();
    if (json_array_size(json_object_get(root, "buckets")) != buckets)
        why = "number of buckets";
    if (json_array_size(series) != shown + 1)
        why = "number of series";
    for (size_t i = 0; why == NULL && i < json_array_size(series); i++) {
        const json_t *one = json_array_get(series, i);
        struct sums *s = by_key(n, json_object_get(one, "key"));

        if (i < shown && (s == NULL || s->metric > last)) {
            why = "key or order";
            break;
        }
        if (i == shown) {
            for (size_t k = 0; k < n->count; k++) {
                for (size_t b = 0; n->group[k].cells != NULL && b < buckets; b++)
                    rest[b] += n->group[k].cells[b];
            }
            if (!json_is_true(json_object_get(one, "other")))
                why = "the last is other";
        }
        for (size_t b = 0; b < buckets; b++) {
            uint64_t value =
                (uint64_t)json_integer_value(json_array_get(json_object_get(one, "values"), b));

            if (value != (i < shown ? s->cells == NULL ? 0 : s->cells[b] : rest[b]))
                why = "value of a bucket";
        }
        if (i < shown) {
            last = s->metric;
            free(s->cells); /* what is shown is not in the rest */
            s->cells = NULL;
        }
    }
    free(rest);
    return why;
}

static void check_series(struct oracle *o, int rounds, uint64_t memory, const char *name)
{
    static const int64_t steps_s[] = {300, 3600, 86400, 777, 7200, 14 * 86400};
    int bad = 0, rollups = 0;

    for (int i = 0; i < rounds; i++) {
        FL_AUTO(fl_buf_done) struct fl_buf text;
        struct fl_query q = question(FL_Q_SERIES);
        enum fl_field by = groupings[oracle_random(o, FL_LEN(groupings))];
        const char *metric = metrics[oracle_random(o, FL_LEN(metrics))], *why;
        int64_t first_us;
        size_t buckets;
        struct naive *n;
        struct asked a;
        json_t *root;

        fl_buf_init(&text, 4096);
        if (oracle_random(o, 3) != 0)
            oracle_filter(o, 2, &text);
        q.filter = fl_buf_span(&text);
        q.by = fl_span_str(fl_fields[by].ecs);
        q.metric = fl_span_str(metric);
        q.limit = 1 + (uint32_t)oracle_random(o, 12);
        q.step_us = steps_s[oracle_random(o, FL_LEN(steps_s))] * FL_US_PER_S;
        q.budget_bytes = memory;
        random_range(o, &q);
        if ((q.to_us - q.from_us) / q.step_us > 1900)
            q.step_us = 3600 * FL_US_PER_S;
        first_us = q.from_us - q.from_us % q.step_us;
        buckets = (size_t)((q.to_us - first_us + q.step_us - 1) / q.step_us);
        ask(o, &q, &a);
        if (a.code < 0) {
            printf("# %s: %.*s\n", a.err.text, FL_SPAN_ARG(q.filter));
            abort();
        }
        n = slow(o, &q, by, metric, first_us, buckets);
        root = asked_json(&a);
        why = wrong_series(n, root, buckets, q.limit);
        if (why != NULL)
            printf("# series %s of %s step %" PRId64 " where %.*s: %s\n", fl_fields[by].ecs, metric,
                   q.step_us, FL_SPAN_ARG(q.filter), why);
        bad += why != NULL || a.end.partial || a.end.rows_matched != n->total.v[0];
        rollups += a.end.from_rollups;
        json_decref(root);
        asked_done(&a);
        slow_done(n);
    }
    CHECK(bad == 0, name);
    CHECK(rollups > 0, "some series were answered from rollups");
}

static void check_two_passes(struct oracle *o)
{
    struct fl_query q = question(FL_Q_SERIES);
    struct asked a, b;
    uint64_t loads;

    q.by = FL_SPAN("url");
    q.step_us = 3600 * FL_US_PER_S;
    o->store->loads = 0;
    ask(o, &q, &a);
    loads = o->store->loads;
    q.budget_bytes = 500000;
    ask(o, &q, &b);
    CHECK(strcmp(a.text, b.text) == 0 && !b.end.partial && o->store->loads == 3 * loads &&
              a.end.rows_scanned == b.end.rows_scanned && b.end.rows_matched == o->count,
          "sums that do not fit are made in a second pass, with the same result");
    asked_done(&a);
    asked_done(&b);
}

/* Too little memory for the keys: those seen first are right, the others stay in the total. */
static void check_memory(struct oracle *o)
{
    struct fl_query q = question(FL_Q_TOP);
    struct asked a, b;
    json_t *full, *tight;

    q.by = FL_SPAN("url");
    q.filter = FL_SPAN("seq:*");
    ask(o, &q, &a);
    q.budget_bytes = 60000;
    ask(o, &q, &b);
    full = asked_json(&a);
    tight = asked_json(&b);
    CHECK(b.code == 0 && b.end.partial && strstr(b.end.why, "different values of url") != NULL,
          "a query that runs out of memory says so");
    CHECK(json_is_null(json_object_get(json_object_get(tight, "total"), "users")),
          "users are given up first");
    CHECK(json_integer_value(json_object_get(json_object_get(tight, "total"), "bytes")) ==
                  json_integer_value(json_object_get(json_object_get(full, "total"), "bytes")) &&
              json_integer_value(json_object_get(json_object_get(tight, "total"), "keys")) < 400,
          "the total stays right");
    json_decref(full);
    json_decref(tight);
    asked_done(&a);
    asked_done(&b);
}

static void check_series_edges(struct oracle *o)
{
    struct fl_query q = question(FL_Q_SERIES);
    struct asked a;
    json_t *root;

    q.step_us = FL_US_PER_S;
    ask(o, &q, &a);
    CHECK(a.code == FL_E_INVAL && strstr(a.err.text, "at most 2000") != NULL,
          "too many buckets are refused, with a step that would do");
    asked_done(&a);
    q.step_us = 0;
    ask(o, &q, &a);
    root = asked_json(&a);
    CHECK(json_is_null(json_object_get(root, "by")) &&
              json_array_size(json_object_get(root, "series")) == 1 &&
              json_integer_value(json_object_get(root, "step_us")) == 3600 * FL_US_PER_S,
          "without a field there is one line, and a step is chosen");
    json_decref(root);
    asked_done(&a);
    q.from_us = INT64_MIN;
    ask(o, &q, &a);
    CHECK(a.code == FL_E_INVAL, "times out of bounds are refused");
    asked_done(&a);
}

/* ---- facets, count ---- */

static void check_facets(struct oracle *o, int rounds)
{
    int bad = 0;

    for (int i = 0; i < rounds; i++) {
        FL_AUTO(fl_buf_done) struct fl_buf text;
        static const enum fl_field fields[] = {FL_F_APP, FL_F_DST_PORT, FL_F_SRC_IP};
        struct fl_query q = question(FL_Q_FACETS);
        struct asked a;
        json_t *root;

        fl_buf_init(&text, 4096);
        oracle_filter(o, 2, &text);
        q.filter = fl_buf_span(&text);
        q.by = FL_SPAN("app,dport,source.ip");
        q.limit = 1000;
        random_range(o, &q);
        ask(o, &q, &a);
        root = asked_json(&a);
        for (size_t f = 0; f < 3; f++) {
            struct naive *n = slow(o, &q, fields[f], "rows", 0, 0);
            const json_t *facet = json_array_get(json_object_get(root, "facets"), f);
            const json_t *values = json_object_get(facet, "values");
            uint64_t keys = 0;

            for (size_t k = 0; k < n->count; k++)
                keys += !n->group[k].none;
            bad += (uint64_t)json_integer_value(json_object_get(facet, "distinct")) != keys ||
                   json_array_size(values) != keys ||
                   (uint64_t)json_integer_value(json_object_get(root, "rows")) != n->total.v[0];
            for (size_t v = 0; v < json_array_size(values); v++) {
                const json_t *one = json_array_get(values, v);
                struct sums *s = by_key(n, json_object_get(one, "value"));

                bad += s == NULL ||
                       (uint64_t)json_integer_value(json_object_get(one, "rows")) != s->v[0];
            }
            slow_done(n);
        }
        json_decref(root);
        asked_done(&a);
    }
    CHECK(bad == 0, "facets: random questions agree with the slow way");
}

static void check_count(struct oracle *o, int rounds)
{
    int bad = 0;

    for (int i = 0; i < rounds; i++) {
        FL_AUTO(fl_buf_done) struct fl_buf text;
        struct fl_query q = question(FL_Q_COUNT);
        struct fl_filter *filter;
        struct asked a;
        uint64_t want = 0;
        json_t *root;

        fl_buf_init(&text, 4096);
        if (i > 3)
            oracle_filter(o, 5, &text);
        q.filter = fl_buf_span(&text);
        random_range(o, &q);
        filter = parse(o, q.filter);
        for (size_t k = 0; k < o->count; k++)
            want += oracle_takes(&q, filter, &o->row[k]);
        ask(o, &q, &a);
        root = asked_json(&a);
        if ((uint64_t)json_integer_value(json_object_get(root, "rows")) != want) {
            printf("# count where %.*s: not %" PRIu64 "\n", FL_SPAN_ARG(q.filter), want);
            bad++;
        }
        bad += a.end.rows_matched != want;
        json_decref(root);
        asked_done(&a);
    }
    CHECK(bad == 0, "count: random filters agree with the slow way");
}

/* Ranges that begin or end exactly at the first or last time of a part. */
static void check_edges(struct oracle *o)
{
    int bad = 0;

    for (size_t i = 0; i < o->store->count * 4; i++) {
        struct fl_query q = question(FL_Q_COUNT);
        struct fl_part_info part;
        struct asked a;
        uint64_t want = 0;

        fl_part_info(&o->store->part[i / 4], &part);
        q.from_us = part.min_time_us + (int64_t)(i % 2);
        q.to_us = part.max_time_us + (int64_t)(i / 2 % 2);
        for (size_t k = 0; k < o->count; k++)
            want += oracle_takes(&q, NULL, &o->row[k]);
        ask(o, &q, &a);
        bad += a.end.rows_matched != want;
        asked_done(&a);
    }
    CHECK(bad == 0, "a time range takes its first moment and not its last");
}

/* ---- what is left out ---- */

/* Words of few letters, so that places which go over the end of a word are common. */
static void check_search(struct oracle *o, int rounds)
{
    static const char letters[] = "aaAbB.";
    struct fl_fieldset fields = {{0, 0}};
    struct fl_event ev = {.arena = NULL};
    struct fl_block *grown, *block;
    uint32_t found;
    int bad = 0, hits = 0;

    fl_fieldset_add(&fields, FL_F_URL);
    for (int i = 0; i < rounds; i++) {
        char text[64], needle[32];
        size_t len = 1 + oracle_random(o, i % 3 == 0 ? 20 : 4);
        struct fl_filter leaf = {.op = FL_OP_CONTAINS, .field = FL_F_URL};
        struct fl_scan scan;

        if (fl_block_new(&grown, NULL) < 0)
            abort();
        for (int row = 0; row < 100; row++) {
            size_t n = oracle_random(o, 40);

            for (size_t k = 0; k < n; k++)
                text[k] = letters[oracle_random(o, sizeof letters - 1)];
            fl_event_clear(&ev);
            if (oracle_random(o, 9) != 0)
                fl_event_str(&ev, FL_F_URL, fl_span_of(text, n));
            if (fl_block_add(grown, &ev, NULL) < 0)
                abort();
        }
        for (size_t k = 0; k < len; k++)
            needle[k] = letters[oracle_random(o, sizeof letters - 1)];
        leaf.text = fl_span_of(needle, len);
        if (fl_block_copy(grown, &fields, &block, NULL) < 0 ||
            fl_scan_init(&scan, &leaf, INT64_MIN, INT64_MAX, NULL) < 0 ||
            fl_scan_eval(&scan, block, false, &found, NULL) < 0)
            abort();
        for (uint32_t row = 0; row < block->rows; row++) {
            bool want;

            fl_block_row(block, row, &ev);
            want = fl_filter_match(&leaf, &ev);
            hits += want;
            bad += ((scan.bits[row / 64] >> (row % 64) & 1) != 0) != want;
        }
        fl_scan_done(&scan);
        fl_block_free(block);
        fl_block_free(grown);
    }
    CHECK(bad == 0 && hits > rounds,
          "a search over all words finds what one word after the other does");
}

static void check_pruning(struct oracle *o)
{
    static const char *const texts[] = {"src:10.9.9.9", "app:nobody", "seq>1000000", "dport>70000",
                                        "time:2020-01-01"};
    struct fl_query q = question(FL_Q_COUNT);
    uint64_t loads = 0;
    struct asked a;

    for (size_t i = 0; i < FL_LEN(texts); i++) {
        q.filter = fl_span_str(texts[i]);
        o->store->loads = 0;
        ask(o, &q, &a);
        loads += o->store->loads;
        asked_done(&a);
    }
    CHECK(loads == 0, "zone maps and blooms leave out blocks that cannot hold a row");
    q.filter = FL_SPAN("");
    o->store->loads = 0;
    ask(o, &q, &a);
    CHECK(o->store->loads == 0 && a.end.rows_matched == o->count,
          "counting all rows reads nothing");
    asked_done(&a);
    q.filter = FL_SPAN("app:YOUTUBE");
    ask(o, &q, &a);
    CHECK(a.end.rows_matched > 0, "words are found whatever their case");
    asked_done(&a);
}

int main(void)
{
    static struct oracle o, small;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);

    fake_oracle(&o, 1, 10, 900, 256, true);
    check_top(&o, 150);
    check_rollups(&o);
    check_categories(&o);
    check_series(&o, 60, 0, "series: random questions agree with the slow way");
    check_series(&o, 30, 500000, "series: the same where memory is short");
    check_two_passes(&o);
    check_memory(&o);
    check_series_edges(&o);
    check_facets(&o, 25);
    check_count(&o, 300);
    check_edges(&o);
    check_search(&o, 400);
    check_pruning(&o);
    fake_free(&o);
    fake_oracle(&small, 2, 3, 70, 4096, false);
    small.store->no_zones = small.store->no_blooms = true;
    check_top(&small, 100);
    check_count(&small, 200);
    fake_free(&small);
    return tap_done();
}
