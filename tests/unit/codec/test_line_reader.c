/*
 * The reader with a memory against fl_line_parse(): the same row, to the last field, for lines that
 * are made of what differs (values of every kind, blanks, escapes, headers), for the golden ones
 * and for the real ones of ../shared. And that it remembers, and that there is an end to it.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "codec/frame.h"
#include "codec/line.h"
#include "codec/line_program.h"
#include "codec/line_reader.h"
#include "tap.h"

#define RECEIVED_US INT64_C(1795305600000000) /* 2026-11-22T00:00:00Z */

static struct fl_arena arenas[2];
static struct fl_event want = {.arena = &arenas[0]}, got = {.arena = &arenas[1]};
static struct fl_line_reader *readers[FL_SCAN_KINDS];
static struct fl_line_source sources[FL_SCAN_KINDS];

static uint32_t draw(uint32_t n) /* below n */
{
    static uint64_t state = 11;

    state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(state >> 33) % n;
}

static bool is_same(void)
{
    for (int i = 0; i < FL_FIELD_COUNT; i++) {
        enum fl_field f = (enum fl_field)i;
        bool same = fl_event_has(&want, f) == fl_event_has(&got, f);

        if (same && fl_event_has(&want, f))
            same = fl_field_is_str(f) ? fl_span_eq(want.v[f].str, got.v[f].str)
                                      : want.v[f].num == got.v[f].num;
        if (!same) {
            printf("# %s differs\n", fl_fields[f].ecs);
            return false;
        }
    }
    return true;
}

/* Every form reads it as the long way does. */
static bool agrees(struct fl_span text)
{
    unsigned char *copy = malloc(text.len + 1); /* so that a sanitizer sees what is read behind */
    struct fl_span line = fl_span_of(copy, text.len);
    const char *why[2];
    bool same = true;

    if (copy == NULL)
        abort();
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    fl_arena_clear(&arenas[0]);
    fl_line_parse(line, RECEIVED_US, &want, &why[0]);
    for (size_t kind = 0; kind < FL_SCAN_KINDS; kind++) {
        if (readers[kind] == NULL)
            continue;
        fl_arena_clear(&arenas[1]);
        fl_line_read(readers[kind], &sources[kind], line, RECEIVED_US, &got, &why[1]);
        same = same && is_same() && strcmp(why[0], why[1]) == 0;
    }
    if (!same)
        printf("# %.*s\n", FL_SPAN_ARG(line));
    free(copy);
    return same;
}

/* The second time along what was learned from the first. */
static bool agrees_twice(struct fl_span line)
{
    bool first = agrees(line);

    return agrees(line) && first;
}

static void new_readers(void)
{
    for (enum fl_scan_kind kind = FL_SCAN_SCALAR; kind < FL_SCAN_KINDS; kind++) {
        fl_line_reader_freep(&readers[kind]);
        sources[kind] = (struct fl_line_source){0};
        if (fl_scan_can(kind) && fl_line_reader_new_kind(kind, &readers[kind], NULL) < 0)
            abort();
    }
}

/* Of the reader that has read most along programs, and least: all have read the same. */
static struct fl_line_reader_stats stats_of_all(bool *ret_alike)
{
    struct fl_line_reader_stats first, stats;

    *ret_alike = true;
    fl_line_reader_stats(readers[FL_SCAN_SCALAR], &first);
    for (size_t kind = 0; kind < FL_SCAN_KINDS; kind++) {
        if (readers[kind] == NULL)
            continue;
        fl_line_reader_stats(readers[kind], &stats);
        *ret_alike = *ret_alike && memcmp(&stats, &first, sizeof stats) == 0;
    }
    return first;
}

/* ---- lines that are made here ---- */

#define TEN "0123456789"

static const char *const texts[] = {
    "trust",
    "untrust",
    "TCP FIN",
    "N/A",
    "None",
    "UNKNOWN",
    "unknown",
    "NA NA",
    "N/A N/A",
    "-1",
    "-",
    "",
    "unknown-user",
    "unknown-users",
    "N/AA",
    "NA",
    "Unknown",
    "none",
    "nonesuch",
    "a",
    " ",
    "  ",
    "x ",
    "x  ",
    "N/A ",
    "No ",
    " lead",
    "x        ",
    "a]b",
    "a[b=c",
    "corp\\\\jo",
    "corp\\jo",
    "a\\\"b",
    "a\\]b\\\\",
    "\\",
    "\xe2\x80\x9cq\xe2\x80\x9d",
    "\x1e s",
    "tab\there",
    "a, b; c",
    "0",
    "7",
    "65535",
    "65536",
    "00",
    "0443",
    "4294967295",
    "255",
    "256",
    "1234567890123456",
    "12345678901234567",
    "18446744073709551615",
    "18446744073709551616",
    "12a",
    "1 2",
    "tcp",
    "UDP",
    "Icmp",
    "99999999999999999999",
    "10.1.2.3",
    "255.255.255.255",
    "0.0.0.0",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.04",
    "1..2.3",
    "1.2.3.",
    "a.b.c.d",
    "1.2.3.4567",
    "2001:db8::1",
    "2001:DB8::1",
    "2001:db8:0:0:0:0:0:1",
    "::",
    "::ffff:1.2.3.4",
    "::1.2.3.4",
    "10.9.8.7 ",
    "2001:db8::9  ",
    "77 ",
    "1:2:3:4:5:6:7:8",
    "fe80::1%1",
    "1:0:0:2::3",
    "video.example.com/watch?v=1&t=0123456789",
    "drop",
    "PERMIT",
    "r_apbr_d_ENG_p_x_s_gold",
    "rule_7",
    TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "012345",
};

/* Mostly a value that suits the name. */
static const char *value_of(const char *name)
{
    static const char *const numbers[] = {"0", "1", "443", "61031", "23456", "98765432"},
                             *const ips[] = {"10.20.0.179", "198.51.100.7", "2001:db8:0:1::7",
                                             "8.8.8.8"},
                             *const words[] = {"SSL",    "YOUTUBE", "staff-out",
                                               "a.lind", "N/A",     "UNKNOWN"};
    size_t n = strlen(name);

    if (draw(8) == 0)
        return texts[draw(FL_LEN(texts))];
    if (strstr(name, "address") != NULL || strstr(name, "-ip") != NULL)
        return ips[draw(FL_LEN(ips))];
    if (strstr(name, "-port") != NULL || strstr(name, "bytes") != NULL ||
        strstr(name, "-id") != NULL || strstr(name, "rtt") != NULL ||
        (n > 4 && strcmp(name + n - 4, "time") == 0))
        return numbers[draw(FL_LEN(numbers))];
    return words[draw(FL_LEN(words))];
}

static const struct {
    const char *tag;
    const char *names[14];
} messages[] = {
    {"RT_FLOW_SESSION_CLOSE",
     {"reason", "source-address", "source-port", "destination-address", "nat-source-address",
      "protocol-id", "session-id-32", "bytes-from-client", "elapsed-time", "application",
      "nested-application", "username", "src-vrf-grp", "encrypted"}},
    {"RT_FLOW_SESSION_CREATE",
     {"source-address", "source-port", "service-name", "peer-session-id", "roles"}},
    {"APPTRACK_SESSION_CLOSE",
     {"source-address", "rule-name", "apbr-rule", "elapsed-time", "category", "sub-category",
      "sla-rule"}},
    {"APPQOE_SLA_METRIC_VIOLATION",
     {"source-address", "destination-address", "rtt", "rtt-jitter", "pkt-loss", "violation-reason",
      "rule-name", "sla-rule"}},
    {"WEBFILTER_URL_PERMITTED",
     {"source-zone", "source-address", "source-port", "category", "url", "obj", "username",
      "action", "urlcategory-risk"}},
    {"UI_COMMIT", {"username", "message", "user-name"}},
    {"SNMP_TRAP_LINK_UP", {"interface-name", "name", "protocol-name", "x_y.z-9"}},
    {"T", {"client-ip", "source-address", "session-id", "session-id-32"}},
};

static const char *const heads[] = {
    "<14>1 2026-11-21T20:04:31.123Z br-0421 RT_FLOW - ",
    "<14>1 2026-11-21T20:04:59Z fw RT_FLOW - ",
    "<0>1 2026-11-19T20:04:31.1+05:30 - RT_FLOW 4711 ",
    "<191>1 2026-11-21T20:04:31.123456-0800 br-0421.a-quite-long-name-of-a-host.example.net - - ",
    "<14>1 2026-11-21T20:04:00 br RT_UTM - ",
};
/* These the reader must leave to the long way. */
static const char *const odd_heads[] = {
    "<014>1 2026-11-21T20:04:31.123Z br RT_FLOW - ",
    "<192>1 2026-11-21T20:04:31.123Z br RT_FLOW - ",
    "<14>2 2026-11-21T20:04:31.123Z br RT_FLOW - ",
    "<14>1 2026-11-21T20:04:60.123Z br RT_FLOW - ",
    "<14>1 2026-11-21T20:04:31.1234567Z br RT_FLOW - ",
    "<14>1 2026-11-21T20:04:31.12xZ br RT_FLOW - ",
    "<14>1 2026-11-21T20:04:3:.123Z br RT_FLOW - ",
    "<14>1 2026-11-21T20:04:31,123Z br RT_FLOW - ",
    "<14>1 2026-11-21T20:04:31.123z br RT_FLOW - ",
    "<14>1 2026-11-21T20:04:31.123-00:00 br RT_FLOW - ",
    "<14>1 2026-11-21T20-04:31.123Z br RT_FLOW - ",
    "<14>1 2026-11-21 20:04:31.123Z br RT_FLOW - ",
    "<14>1 2026-02-30T20:04:31.123Z br RT_FLOW - ",
    "<14>1  2026-11-21T20:04:31.123Z br RT_FLOW - ",
    "<14>1 2026-11-21T20:04:31.123Z  br RT_FLOW - ",
    "<14>1 2026-11-21T20:04:31.123Z br RT_FLOW ",
    "<14>1 2026-11-21T20:04:31.123Z [br] RT_FLOW - ",
    "<14>1 - br RT_FLOW - ",
    "<14>Nov 21 20:04:31 br RT_FLOW - ",
    "<14>1 2026-11-21T20:04:31.123Z br RT_FLOW - x ",
    "",
};
static const char *const tails[] = {
    "]",
    "]",
    "]",
    "] session closed TCP FIN: 1.2.3.4/5",
    "] he said \"no\"",
    "] ",
    "]  two",
    "]x",
    "] [x] ",
    "][other@1 a=\"b\"]",
    "",
    " ]",
    "] -",
    "] x ",
};

static struct fl_span make_line(struct fl_buf *out, bool odd)
{
    size_t m = draw(FL_LEN(messages));
    const char *head =
        odd && draw(3) == 0 ? odd_heads[draw(FL_LEN(odd_heads))] : heads[draw(FL_LEN(heads))];

    fl_buf_clear(out);
    fl_buf_printf(out, "%s%s%s [junos@2636.1.1.1.2.%s ", head, messages[m].tag,
                  odd && draw(40) == 0 ? ":" : "", draw(20) == 0 ? "40" : "129");
    for (size_t i = 0; i < FL_LEN(messages[m].names) && messages[m].names[i] != NULL; i++) {
        const char *name = messages[m].names[i];

        if (odd && draw(40) == 0)
            continue;
        fl_buf_printf(out, "%s%s=\"%s\"",
                      i == 0                 ? ""
                      : odd && draw(60) == 0 ? ""
                                             : " ",
                      name, value_of(name));
    }
    fl_buf_printf(out, "%s", odd || draw(8) == 0 ? tails[draw(FL_LEN(tails))] : tails[0]);
    return fl_buf_span(out);
}

static void check_made(bool odd, size_t count, const char *name)
{
    FL_AUTO(fl_buf_done) struct fl_buf line;
    struct fl_line_reader_stats stats;
    size_t wrong = 0;
    bool alike;

    fl_buf_init(&line, FL_LINE_MAX_BYTES);
    new_readers();
    for (size_t i = 0; i < count && wrong < 10; i++) {
        for (size_t kind = 0; odd && kind < FL_SCAN_KINDS; kind++)
            sources[kind] = (struct fl_line_source){0}; /* every line is tried */
        wrong += agrees(make_line(&line, odd)) ? 0 : 1;
    }
    stats = stats_of_all(&alike);
    printf("# %llu lines, %llu hits, %llu of them careful, %llu skipped, %llu programs, "
           "%llu variants\n",
           (unsigned long long)stats.lines, (unsigned long long)stats.hits,
           (unsigned long long)stats.careful, (unsigned long long)stats.skipped,
           (unsigned long long)stats.programs, (unsigned long long)stats.variants);
    CHECK(wrong == 0, name);
    CHECK(alike && stats.hits > count / 20 && stats.careful > 0 && stats.careful < stats.hits,
          "and all forms read the same lines along programs");
}

/* ---- one line, and what it becomes when one thing is other ---- */

#define HEAD                                                                                       \
    "<14>1 2026-11-21T20:04:31.123Z br-1 RT_FLOW - RT_FLOW_SESSION_CLOSE [junos@2636.1.1.1.2.129 "

static uint64_t hits_of(const char *line)
{
    struct fl_line_reader_stats before, after;
    bool alike;

    before = stats_of_all(&alike);
    if (!agrees(fl_span_str(line)))
        return 99;
    after = stats_of_all(&alike);
    return alike ? after.hits - before.hits : 99;
}

static void check_hits(void)
{
    static const struct {
        const char *line;
        uint64_t hits;
    } cases[] = {
        {HEAD "reason=\"a\" source-address=\"10.0.0.1\" username=\"u\" x=\"1\"]", 1},
        {HEAD "reason=\"b\" source-address=\"10.0.0.255\" username=\"vw\" x=\"N/B\"]", 1},
        {HEAD "reason=\"b\" source-address=\"2001:db8::1\" username=\"vw\" x=\"N/B\"]", 1},
        {"<191>1 2026-12-01T00:00:00.000Z b RT_IDP - RT_FLOW_SESSION_CLOSE [junos@2636.1.1.1.2.129 "
         "reason=\"a\" source-address=\"10.0.0.1\" username=\"u\" x=\"1\"]",
         1},
        {HEAD "reason=\"N/A\" source-address=\"10.0.0.1\" username=\"u\" x=\"1\"]", 1},
        {HEAD "reason=\"N/A\" source-address=\"10.0.0.2\" username=\"u\" x=\"2\"]", 1},
        {HEAD "reason=\"a\\\"b\" source-address=\"10.0.0.1\" username=\"u\" x=\"1\"]", 1},
        {HEAD "reason=\"c\\\"d\" source-address=\"10.0.0.1\" username=\"u\" x=\"1\"]", 1},
        {HEAD "reason=\"a\" source-address=\"10.0.0.01\" username=\"u\" x=\"1\"]", 1},
        {HEAD "reason=\"a\" source-address=\"10.0.0.02\" username=\"u\" x=\"1\"]", 1},
        {HEAD "reason=\"a\"  source-address=\"10.0.0.1\" username=\"u\" x=\"1\"]", 0},
        {HEAD "reason=\"a\"  source-address=\"10.0.0.1\" username=\"u\" x=\"1\"]", 0},
        {HEAD "reason=\"a\" source-address=\"10.0.0.1\" username=\"u\" y=\"1\"]", 0},
        {HEAD "reason=\"a\" source-address=\"10.0.0.1\" username=\"u\" y=\"2\"]", 1},
        {HEAD "reason=\"a\" source-address=\"10.0.0.1\" username=\"u\"]", 0},
    };

    new_readers();
    CHECK(hits_of(cases[0].line) == 0, "the first of its kind goes the long way");
    for (size_t i = 0; i < FL_LEN(cases); i++) {
        uint64_t hits = hits_of(cases[i].line);

        if (hits != cases[i].hits)
            printf("# %s: %llu hits\n", cases[i].line, (unsigned long long)hits);
        CHECK(hits == cases[i].hits, cases[i].hits > 0 ? "along the program" : "the long way");
    }
}

/* Values that are absent alike and written otherwise: the shapes differ, so must the signatures. */
static void check_alike(void)
{
    static const char *const values[] = {"255",  "4294967295", "N/A", "None", "",     " ",
                                         "N/A ", "NA",         "-",   "-1",   "N/A  "};
    FL_AUTO(fl_buf_done) struct fl_buf line;
    bool same = true;

    fl_buf_init(&line, FL_LINE_MAX_BYTES);
    new_readers();
    for (size_t i = 0; i < 3 * FL_LEN(values); i++) {
        const char *value = values[i % FL_LEN(values)];

        fl_buf_clear(&line);
        fl_buf_printf(&line, "%spkt-loss=\"%s\" x=\"%s\" reason=\"%s\" peer=\"1\"]", HEAD, value,
                      value, value);
        same = same && agrees(fl_buf_span(&line));
    }
    CHECK(same && stats_of_all(&same).hits > 2 * FL_LEN(values), "words that are absent alike");
}

static void check_numbers(void)
{
    static const char a[] = HEAD "reason=\"a\" username=\"u\" ]",
                      b[] = HEAD "reason=\"a\" username=\"N/A\"]",
                      c[] = HEAD "reason=\"a\" username=\"u\"]";
    FL_AUTO(fl_line_reader_freep) struct fl_line_reader *other = NULL, *reader = NULL;
    const char *lines[] = {a, c, b, c, b, c}, *why;
    uint32_t no[FL_LEN(lines)], no_other;

    if (fl_line_reader_new(&reader, NULL) < 0 || fl_line_reader_new(&other, NULL) < 0)
        abort();
    for (size_t i = 0; i < FL_LEN(lines); i++) {
        fl_arena_clear(&arenas[1]);
        fl_line_read(reader, NULL, fl_span_str(lines[i]), RECEIVED_US, &got, &why);
        no[i] = got.shape_no;
    }
    CHECK(no[0] == 0 && no[1] == 0, "no number for what goes the long way");
    CHECK(no[2] != 0 && no[3] != 0 && no[2] != no[3] && no[4] == no[2] && no[5] == no[3],
          "the same number for the same shape, another for another");
    for (int i = 0; i < 2; i++) {
        fl_arena_clear(&arenas[1]);
        fl_line_read(other, NULL, fl_span_str(b), RECEIVED_US, &got, &why);
    }
    no_other = got.shape_no;
    CHECK(no_other != 0 && no_other != no[3] && no_other != no[4],
          "and no reader uses what another has used");
}

/* ---- an end to memory and to patience ---- */

static void read_one(struct fl_line_reader *reader, struct fl_line_source *source,
                     const struct fl_buf *line)
{
    const char *why;

    fl_arena_clear(&arenas[1]);
    fl_line_read(reader, source, fl_buf_span(line), RECEIVED_US, &got, &why);
}

static void check_stranger(void)
{
    FL_AUTO(fl_line_reader_freep) struct fl_line_reader *reader = NULL;
    FL_AUTO(fl_buf_done) struct fl_buf line, known;
    struct fl_line_source stranger = {0}, friend = {0};
    struct fl_line_reader_stats stats;
    uint64_t learned, hits;

    fl_buf_init(&line, FL_LINE_MAX_BYTES);
    fl_buf_init(&known, FL_LINE_MAX_BYTES);
    fl_buf_printf(&known, "%s", HEAD "reason=\"a\" username=\"u\"]");
    if (fl_line_reader_new(&reader, NULL) < 0)
        abort();
    read_one(reader, &friend, &known);
    for (unsigned i = 0; i < 20000; i++) {
        fl_buf_clear(&line);
        fl_buf_printf(&line, "%s%s-%u=\"x\"]", HEAD "reason=\"a\" ", "name", i);
        read_one(reader, &stranger, &line);
    }
    fl_line_reader_stats(reader, &stats);
    learned = stats.programs;
    CHECK(learned < 60, "who never sends the same form twice is soon not learned from");
    CHECK(stats.skipped > 19000, "and not tried, but for a few");
    hits = stats.hits;
    for (unsigned i = 0; i < 100; i++)
        read_one(reader, &friend, &known);
    fl_line_reader_stats(reader, &stats);
    CHECK(stats.hits - hits >= 99, "another sender is as before");
    for (unsigned i = 0; i < 2000; i++)
        read_one(reader, &stranger, &known);
    fl_line_reader_stats(reader, &stats);
    CHECK(stranger.misses < 4 && stats.hits - hits > 1700,
          "and he too, when he sends what is known");
}

static void check_bounds(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf line;
    struct fl_line_reader_stats stats;
    size_t wrong = 0;
    bool alike;

    fl_buf_init(&line, FL_LINE_MAX_BYTES);
    new_readers();
    for (unsigned i = 0; i < 6000 && wrong == 0; i++) {
        for (size_t kind = 0; kind < FL_SCAN_KINDS; kind++)
            sources[kind] = (struct fl_line_source){0};
        fl_buf_clear(&line);
        fl_buf_printf(&line, "<14>1 2026-11-21T20:04:31Z b p - TAG_%u [junos@2636.1.1.1.2.129",
                      i % 400);
        for (unsigned k = 0; k < 100; k++) {
            fl_buf_printf(&line, " n%u=\"%s\"", k, i >> k % 12 & 1 ? "N/A" : "value");
            if (i % 7 == 0 && k == 90)
                break;
        }
        fl_buf_printf(&line, "]");
        wrong += agrees_twice(fl_buf_span(&line)) ? 0 : 1;
    }
    stats = stats_of_all(&alike);
    printf("# %llu programs, %llu variants, %llu hits\n", (unsigned long long)stats.programs,
           (unsigned long long)stats.variants, (unsigned long long)stats.hits);
    CHECK(wrong == 0 && alike && stats.programs > 400 && stats.variants > 5000,
          "more than it can hold: the old goes, the rows stay right");
}

/* ---- files ---- */

static void check_words(void)
{
    size_t found = 0, words = 0;

    for (size_t i = 0; i < FL_ABSENT_WORDS; i++) {
        const struct fl_absent_word *w = &fl_absent_words[i];
        const struct fl_line_word *slot;
        uint64_t front = 0;

        for (size_t k = 0; k < 8 && k < w->len; k++)
            front |= (uint64_t)(unsigned char)w->text[k] << 8 * k;
        slot = &fl_line_words[fl_line_word_slot(front)];
        found += slot->number == i && slot->len == w->len &&
                 strcmp((const char *)slot->text, w->text) == 0;
    }
    for (size_t i = 0; i < FL_LINE_WORD_SLOTS; i++)
        words += fl_line_words[i].len != UINT32_MAX;
    CHECK(found == FL_ABSENT_WORDS && words == FL_ABSENT_WORDS,
          "the quick table of absent words holds those of fl_absent_words, each in its place");
}

static void replay(const char *path, size_t *lines, size_t *wrong)
{
    FL_AUTO(fl_frame_freep) struct fl_frame *frame = NULL;
    unsigned char bytes[4096];
    struct fl_frame_msg msg;
    FILE *f = fopen(path, "rb");
    size_t n;

    if (f == NULL || fl_frame_new(FL_LINE_MAX_BYTES, &frame, NULL) < 0)
        abort();
    while ((n = fread(bytes, 1, sizeof bytes, f)) > 0 || !feof(f)) {
        for (size_t took = 0; took < n;) {
            took += fl_frame_feed(frame, bytes + took, n - took);
            while (fl_frame_next(frame, &msg) > 0) {
                ++*lines;
                *wrong += agrees_twice(msg.bytes) ? 0 : 1;
            }
        }
    }
    fl_frame_finish(frame);
    while (fl_frame_next(frame, &msg) > 0) {
        ++*lines;
        *wrong += agrees_twice(msg.bytes) ? 0 : 1;
    }
    (void)fclose(f);
}

/* Every file that is not JSON, folder by folder. */
static void replay_folder(const char *folder, size_t *lines, size_t *wrong)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    char path[4096];

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        const char *dot = strrchr(entry->d_name, '.');

        if (entry->d_name[0] == '.' ||
            (size_t)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= sizeof path)
            continue;
        if (entry->d_type == DT_DIR)
            replay_folder(path, lines, wrong);
        else if (dot != NULL && (strcmp(dot, ".log") == 0 || strcmp(dot, ".txt") == 0))
            replay(path, lines, wrong);
    }
    if (dir != NULL)
        (void)closedir(dir);
}

static void check_files(const char *folder, size_t least, const char *name)
{
    size_t lines = 0, wrong = 0;
    bool alike;
    struct fl_line_reader_stats stats;

    new_readers();
    for (int round = 0; round < 2; round++) {
        for (size_t kind = 0; kind < FL_SCAN_KINDS; kind++)
            sources[kind] = (struct fl_line_source){0};
        replay_folder(folder, &lines, &wrong);
    }
    stats = stats_of_all(&alike);
    printf("# %zu lines, %llu hits\n", lines, (unsigned long long)stats.hits);
    if (lines == 0)
        printf("ok %d - %s # SKIP no %s\n", ++tap_run, name, folder);
    else
        CHECK(wrong == 0 && lines >= least && alike && stats.hits > 0, name);
}

int main(int argc, char **argv)
{
    char shared[4096];

    if (argc != 3)
        return 1;
    for (size_t i = 0; i < 2; i++)
        fl_arena_init(&arenas[i], (size_t)1 << 22);
    (void)snprintf(shared, sizeof shared, "%s/data/logs", argv[2]);
    check_words();
    check_hits();
    check_alike();
    check_numbers();
    check_made(false, 40000, "lines of the usual form, whatever their values");
    check_made(true, 60000, "lines of which many are odd");
    check_stranger();
    check_bounds();
    check_files(argv[1], 100, "golden logs");
    check_files(shared, 100, "real logs of ../shared");
    for (size_t kind = 0; kind < FL_SCAN_KINDS; kind++)
        fl_line_reader_free(readers[kind]);
    for (size_t i = 0; i < 2; i++)
        fl_arena_done(&arenas[i]);
    return tap_done();
}
