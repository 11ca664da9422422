/* Real files of events: each is read, or refused for a reason that is stated here. */
#include <unistd.h>

#include "codec/cap_sign.h"
#include "feed_help.h"

static const struct {
    const char *file;
    unsigned events, refused;
    const char *why; /* of the refusals, or of the file; NULL: there is none */
    bool whole;      /* the file as a whole is refused */
} files[] = {
    {"cap/amber.atom", 1, 0, NULL, false},
    {"cap/bushfire_invalid.edxlde", 5, 2, "urgency: 'Foobar' is none of its words", false},
    {"cap/canada.cap", 1, 0, NULL, false},
    {"cap/canada_signed.atom", 1, 0, NULL, false},
    {"cap/cap12.xsd", 0, 0, "'schema' is none of alert, feed, rss and EDXLDistribution", true},
    {"cap/earthquake-iso8859-1.cap", 1, 0, NULL, false},
    {"cap/earthquake_index.atom", 0, 1, "only a link to its alert", false},
    {"cap/edxlde-1_0.xsd", 0, 0, "'schema' is none of alert, feed, rss and EDXLDistribution", true},
    {"cap/empty_weather_index.atom", 0, 0, NULL, false},
    {"cap/invalid.rss", 0, 1, "neither an alert nor a link to one", false},
    {"cap/no_entries.atom", 0, 1, "stands outside of every entry", false},
    {"cap/no_link.atom", 0, 1, "neither an alert nor a link to one", false},
    {"cap/no_title.atom", 0, 1, "neither an alert nor a link to one", false},
    {"cap/ny_index.rss", 0, 2, "only a link to its alert", false},
    {"cap/weather.atom", 1, 0, NULL, false},
    {"cap/weather_index.atom", 0, 2, "only a link to its alert", false},
    {"cap/xee.atom", 0, 0, "line 3: a document type declaration is not allowed", true},
    {"gdacs/1102983-1-geteventdata-source.json", 1, 0, NULL, false},
    {"gdacs/1102983-1-getgeometry-source.json", 1, 0, NULL, false},
    {"gdacs/1102983-2-geteventdata-source.json", 1, 0, NULL, false},
    {"gdacs/gdacs-rss-24h.xml", 21, 0, NULL, false},
    {"gdacs/gdacs-rss-7d.xml", 115, 0, NULL, false},
    {"gdacs/gdacs-rss.xml", 16, 0, NULL, false},
    {"earthquakes/usgs_all_week_2018.geojson", 1707, 0, NULL, false},
    {"earthquakes/usgs_event_detail_us6000pi9w.geojson", 1, 0, NULL, false},
    {"earthquakes/usgs_pager_losses_us6000pi9w.json", 0, 0, "there is no array of events", true},
    {"cyclones/hurdat2_2014_2018.txt", 71, 0, NULL, false},
    {"cyclones/jma_rsmc_tokyo_bst_all.txt", 169, 0, NULL, false},
};

static bool slurp(const char *path, struct fl_buf *out)
{
    FILE *file = fopen(path, "rb");
    char piece[65536];
    size_t n;

    if (file == NULL)
        return false;
    while ((n = fread(piece, 1, sizeof piece, file)) > 0)
        fl_buf_put(out, piece, n);
    (void)fclose(file);
    return out->failed == 0;
}

/* Each event's JSON is read back by the strict reader. */
static bool all_round(const struct feed_got *got)
{
    static struct fl_world_event event;
    const char *line = (const char *)got->events.ptr;
    bool good = true;

    while (good && *line != '\0') {
        size_t n = strcspn(line, "\n");
        struct fl_arena arena;
        struct fl_err err = {.text = ""};

        fl_arena_init(&arena, (size_t)8 << 20);
        good = fl_world_event_read(fl_span_of(line, n), &arena, &event, &err) == FL_OK;
        if (!good)
            printf("# %s: %.200s\n", err.text, line);
        fl_arena_done(&arena);
        line += n + 1;
    }
    return good;
}

static void test_file(const char *dir, size_t i)
{
    struct fl_feed_source source = {.name = FL_SPAN("shared")};
    FL_AUTO(fl_buf_done) struct fl_buf bytes;
    struct feed_got got;
    char path[4096];
    bool good;

    fl_buf_init(&bytes, FL_FEED_MAX);
    (void)snprintf(path, sizeof path, "%s/data/supply/%s", dir, files[i].file);
    if (!slurp(path, &bytes) || !fl_feed_detect(fl_buf_span(&bytes), &source.format)) {
        CHECK(0, files[i].file);
        return;
    }
    feed_got_init(&got);
    feed_read(&source, fl_buf_span(&bytes), &got);
    good = got.event_count == files[i].events && got.refused_count == files[i].refused &&
           (got.code < 0) == files[i].whole;
    if (files[i].why != NULL)
        good = good && (files[i].whole ? strstr(got.err.text, files[i].why) != NULL
                                       : feed_has(&got.refused, files[i].why));
    printf("# %s: %s, %u events, %u refused%s%s\n", files[i].file,
           fl_feed_format_name(source.format), got.event_count, got.refused_count,
           got.code < 0 ? ": " : "", got.code < 0 ? got.err.text : "");
    CHECK(good, files[i].file);
    CHECK(all_round(&got), "what it gives is read back");
    feed_got_done(&got);
}

/* The certificate that stands last in the file, as PEM. */
static void last_cert(const struct fl_buf *bytes, struct fl_buf *pem)
{
    static const char open[] = "<X509Certificate>";
    const char *at = NULL, *next = (const char *)bytes->ptr;

    while ((next = strstr(next, open)) != NULL)
        at = next++;
    if (at == NULL)
        return;
    at += sizeof open - 1;
    fl_buf_put_str(pem, "-----BEGIN CERTIFICATE-----\n");
    fl_buf_put(pem, at, strcspn(at, "<"));
    fl_buf_put_str(pem, "\n-----END CERTIFICATE-----\n");
}

/* An agency's own signature, of 2013, with its certificate known: whole, and with a word changed.
 */
static void test_signed(const char *dir)
{
    struct fl_feed_source source = {.name = FL_SPAN("shared"), .format = FL_FEED_CAP};
    FL_AUTO(fl_cap_trust_freep) struct fl_cap_trust *trust = NULL;
    FL_AUTO(fl_buf_done) struct fl_buf bytes, pem;
    struct feed_got got;
    struct fl_err err;
    char path[4096], *word;

    fl_buf_init(&bytes, FL_FEED_MAX);
    fl_buf_init(&pem, 1 << 16);
    (void)snprintf(path, sizeof path, "%s/data/supply/cap/canada_signed.atom", dir);
    CHECK(slurp(path, &bytes), "the signed alert is there");
    fl_buf_put_u8(&bytes, '\0');
    bytes.len--;
    last_cert(&bytes, &pem);
    CHECK(fl_cap_trust_new(fl_buf_span(&pem), &trust, &err) == FL_OK, "with its certificate");
    feed_got_init(&got);
    feed_read(&source, fl_buf_span(&bytes), &got);
    CHECK(feed_has(&got.events, "\"signature\":true") && !feed_has(&got.events, "\"verified\""),
          "its signer not known, it is unverified");
    feed_got_done(&got);
    source.trust = trust;
    feed_got_init(&got);
    feed_read(&source, fl_buf_span(&bytes), &got);
    CHECK(feed_has(&got.events, "\"signature\":true,\"verified\":true"), "known, it is verified");
    feed_got_done(&got);
    word = strstr((char *)bytes.ptr, "<headline>");
    CHECK(word != NULL, "it has a word to change");
    if (word != NULL)
        word[sizeof "<headline>" - 1] ^= 0x20;
    feed_got_init(&got);
    feed_read(&source, fl_buf_span(&bytes), &got);
    CHECK(got.event_count == 0 && feed_has(&got.refused, "Signature: names a signer who is known"),
          "changed, it is refused");
    feed_got_done(&got);
}

int main(int argc, char **argv)
{
    if (argc < 2 || access(argv[1], R_OK) != 0) {
        printf("1..0 # SKIP ../shared is not here\n");
        return 0;
    }
    for (size_t i = 0; i < FL_LEN(files); i++)
        test_file(argv[1], i);
    test_signed(argv[1]);
    return tap_done();
}
