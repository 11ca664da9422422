#include "query_oracle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "codec/filter.h"
#include "codec/ip.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

uint64_t oracle_random(struct oracle *o, uint64_t below)
{
    o->random = o->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (o->random >> 33) % below;
}

int32_t oracle_day(void)
{
    return (int32_t)fl_days_from_civil(2026, 11, 20);
}

/* The pattern with n in place of its %u. */
static void put_numbered(struct fl_buf *out, const char *pattern, unsigned n)
{
    const char *at = strstr(pattern, "%u");

    if (at == NULL) {
        fl_buf_put_str(out, pattern);
        return;
    }
    fl_buf_put(out, pattern, (size_t)(at - pattern));
    fl_buf_printf(out, "%u%s", n, at + 2);
}

static struct fl_span text(struct oracle *o, const char *pattern, unsigned n)
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;

    fl_buf_init(&buf, 100);
    put_numbered(&buf, pattern, n);
    return fl_arena_copy(&o->arena, fl_buf_span(&buf));
}

static const char *const apps[] = {"YouTube", "youtube", "netflix", "office365",
                                   "ssh",     "DNS",     "x y",     "quote\"d"};

static void add_strings(struct oracle *o, struct fl_event *ev)
{
    static const struct {
        enum fl_field field;
        unsigned absent, values; /* absent: one in so many */
        const char *fmt;
    } strings[] = {
        {FL_F_SITE, 9, 4, "site-%u"},         {FL_F_DEVICE, 50, 6, "dev-%u"},
        {FL_F_CATEGORY, 3, 5, "Category %u"}, {FL_F_USER, 4, 40, "user.%u"},
        {FL_F_DOMAIN, 2, 60, "d%u.example"},  {FL_F_URL, 3, 500, "http://Host%u.example/path?q"},
        {FL_F_ACTION, 5, 3, "action%u"},      {FL_F_MESSAGE, 3, 30, "Link %u went down"},
        {FL_F_TAG, 20, 5, "RT_FLOW_%u"},      {FL_F_RAW, 30, 9, "raw line %u"},
    };
    unsigned char ip[16];
    FL_AUTO(fl_buf_done) struct fl_buf ip_text;

    for (size_t i = 0; i < FL_LEN(strings); i++) {
        if (oracle_random(o, strings[i].absent) != 0)
            fl_event_str(ev, strings[i].field,
                         text(o, strings[i].fmt, (unsigned)oracle_random(o, strings[i].values)));
    }
    if (oracle_random(o, 12) != 0)
        fl_event_str(ev, FL_F_APP, fl_span_str(apps[oracle_random(o, FL_LEN(apps))]));
    fl_buf_init(&ip_text, 32);
    put_numbered(&ip_text, oracle_random(o, 5) == 0 ? "2001:db8::%u" : "10.1.2.%u",
                 (unsigned)oracle_random(o, 99));
    must(fl_ip_parse(fl_buf_span(&ip_text), ip));
    fl_event_str(ev, FL_F_SRC_IP, fl_arena_copy(&o->arena, fl_span_of(ip, 16)));
}

static void add_numbers(struct oracle *o, struct fl_event *ev)
{
    fl_event_num(ev, FL_F_DST_PORT, oracle_random(o, 3) == 0 ? 443 : oracle_random(o, 100));
    if (oracle_random(o, 10) == 0)
        fl_event_num(ev, FL_F_FLAGS, UINT64_C(1) << oracle_random(o, 12));
    if (oracle_random(o, 6) == 0)
        return; /* no baseline: nothing derived */
    fl_event_num(ev, FL_F_BYTES_UP, oracle_random(o, 5000));
    fl_event_num(ev, FL_F_BYTES_DOWN, oracle_random(o, 100000) * oracle_random(o, 30));
    fl_event_num(ev, FL_F_BYTES, ev->v[FL_F_BYTES_UP].num + ev->v[FL_F_BYTES_DOWN].num);
    fl_event_num(ev, FL_F_PACKETS, oracle_random(o, 900));
    fl_event_num(ev, FL_F_SECONDS, oracle_random(o, 60));
    if (oracle_random(o, 2) == 0)
        fl_event_num(ev, FL_F_SESSIONS, 1);
}

/* Times follow the order of receipt roughly, with a few rows far off, as clocks are. */
struct fl_event *oracle_row(struct oracle *o, size_t of, int32_t day, uint64_t seq)
{
    struct fl_event *ev = &o->row[o->count++];
    int64_t first_us = (int64_t)day * FL_US_PER_DAY, last_us = first_us + FL_US_PER_DAY - 1;
    int64_t us = (int64_t)oracle_day() * FL_US_PER_DAY +
                 (int64_t)((double)o->count / (double)of * 2 * 86400 * 1e6);

    fl_event_clear(ev);
    fl_event_time(ev, FL_F_RECEIVED, us < first_us ? first_us : us > last_us ? last_us : us);
    us += (int64_t)oracle_random(o, 4000000) - 2000000;
    if (oracle_random(o, 500) == 0)
        us += FL_US_PER_DAY * ((int64_t)oracle_random(o, 3) - 1);
    fl_event_time(ev, FL_F_TIME, us);
    fl_event_num(ev, FL_F_SEQ, seq);
    add_strings(o, ev);
    add_numbers(o, ev);
    return ev;
}

void oracle_begin(struct oracle *o, uint64_t seed, size_t rows)
{
    *o = (struct oracle){.random = seed};
    fl_arena_init(&o->arena, (size_t)1 << 30);
    o->row = calloc(rows + 1, sizeof *o->row);
    must(o->row != NULL);
}

void oracle_done(struct oracle *o)
{
    fl_arena_done(&o->arena);
    free(o->row);
}

static void leaf(struct oracle *o, struct fl_buf *out)
{
    static const char *const leaves[] = {
        "app:youtube",
        "app:*t*",
        "app~TUBE",
        "app:\"x y\"",
        "site:site-%u",
        "device:dev-%u",
        "user:user.%u",
        "user:user.%u*",
        "category:*",
        "url~host%u",
        "url~\"h?q\"",
        "url:*%u.exa*q",
        "dport:443",
        "dport<%u",
        "dport:%u..70",
        "bytes>%uK",
        "bytes<=20000",
        "packets:*",
        "sessions:1",
        "flag:weak",
        "flag:(copy,far_end,unparsed)",
        "src:10.1.2.%u",
        "src:10.1.2.0/26",
        "src:2001:db8::/64",
        "src:::/0",
        "seq<%u0",
        "seq>=%u0",
        "\"raw line %u\"",
        "down",
        "domain:d%u.example",
        "domain:*",
        "action:action1",
        "tag:RT_FLOW_1",
        "time:2026-11-20",
        "time>=2026-11-21T%u:00:00Z",
        "seconds>30s",
        "category:\"category 2\"",
        "-sport:*",
        "start:*",
        "site:(site-1,site-3)",
    };
    unsigned n = 1 + (unsigned)oracle_random(o, 59);
    size_t i = (size_t)oracle_random(o, FL_LEN(leaves));

    if (strstr(leaves[i], "T%u") != NULL)
        n = 10 + n % 14;
    put_numbered(out, leaves[i], n);
}

void oracle_filter(struct oracle *o, unsigned depth, struct fl_buf *out)
{
    uint64_t what = depth == 0 ? 0 : oracle_random(o, 6);

    if (what <= 1) {
        leaf(o, out);
    } else if (what == 2) {
        fl_buf_put_str(out, "-(");
        oracle_filter(o, depth - 1, out);
        fl_buf_put_str(out, ")");
    } else {
        fl_buf_put_str(out, "(");
        oracle_filter(o, depth - 1, out);
        fl_buf_put_str(out, what < 4 ? ") (" : ") or (");
        oracle_filter(o, depth - 1, out);
        fl_buf_put_str(out, ")");
    }
}

static int take(void *ctx, struct fl_span piece)
{
    struct asked *a = ctx;

    a->text = realloc(a->text, a->len + piece.len + 1);
    must(a->text != NULL);
    memcpy(a->text + a->len, piece.ptr, piece.len);
    a->len += piece.len;
    a->text[a->len] = '\0';
    return 0;
}

void ask(struct oracle *o, const struct fl_query *q, struct asked *ret)
{
    struct fl_query_sink sink = {.write = take, .ctx = ret};

    memset(ret, 0, sizeof *ret);
    ret->text = calloc(1, 1);
    must(ret->text != NULL);
    ret->code = fl_query_run(o->store, q, &sink, &ret->end, &ret->err);
}

void asked_done(struct asked *a)
{
    free(a->text);
}

json_t *asked_json(const struct asked *a)
{
    json_error_t error;
    json_t *root = json_loads(a->text, 0, &error);

    if (root == NULL)
        printf("# %s at %d: %.300s\n", error.text, error.position, a->text);
    must(root != NULL);
    return root;
}

bool oracle_takes(const struct fl_query *q, const struct fl_filter *filter,
                  const struct fl_event *ev)
{
    int64_t us = (int64_t)ev->v[FL_F_TIME].num;

    return us >= q->from_us && us < q->to_us && fl_filter_match(filter, ev);
}

uint64_t oracle_metric(const struct fl_event *ev, const char *metric)
{
    static const struct {
        const char *name;
        enum fl_field field;
    } metrics[] = {{"bytes", FL_F_BYTES},     {"up", FL_F_BYTES_UP},
                   {"down", FL_F_BYTES_DOWN}, {"packets", FL_F_PACKETS},
                   {"seconds", FL_F_SECONDS}, {"sessions", FL_F_SESSIONS}};

    for (size_t i = 0; i < FL_LEN(metrics); i++) {
        if (strcmp(metrics[i].name, metric) == 0)
            return fl_event_get_num(ev, metrics[i].field);
    }
    return 1;
}

bool oracle_key(const struct fl_event *ev, enum fl_field f, char key[200])
{
    if (!fl_event_has(ev, f))
        return false;
    if (fl_fields[f].type == FL_T_IP)
        (void)fl_ip_format(ev->v[f].str.ptr, key);
    else if (fl_fields[f].type == FL_T_STR)
        (void)snprintf(key, 200, "%.*s", FL_SPAN_ARG(ev->v[f].str));
    else
        (void)snprintf(key, 200, "%" PRIu64, ev->v[f].num);
    return true;
}
