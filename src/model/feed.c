#include "model/feed.h"

#include <stdio.h>

#include "base/time.h"

#define FAIL_MIN_US  (60 * FL_US_PER_S)
#define FAIL_MAX_US  (6 * 3600 * FL_US_PER_S)
#define RETRY_MAX_S  86400u
#define DOUBLES_MAX  12u
#define SPREAD_PARTS 10

const struct fl_feed_kind fl_feed_kinds[] = {
    {"usgs", "earthquakes as GeoJSON, as the US Geological Survey gives them"},
    {"gdacs", "the Global Disaster Alert and Coordination System's RSS"},
    {"gdacs-json", "one or more events as that system's API gives them"},
    {"cap", "alerts in CAP 1.2: one, or an index (Atom, RSS) whose entries are followed"},
    {"jma", "tracks of cyclones as the RSMC Tokyo writes them"},
    {"hurdat2", "tracks of cyclones in the National Hurricane Center's HURDAT2"},
    {"ibtracs", "tracks of cyclones in IBTrACS CSV"},
    {"list-json", "a list of events of one's own, JSON"},
    {"list-csv", "a list of events of one's own, CSV"},
};
const unsigned fl_feed_kinds_count = FL_LEN(fl_feed_kinds);

bool fl_feed_kind_is(struct fl_span name)
{
    for (unsigned i = 0; i < fl_feed_kinds_count; i++)
        if (fl_span_eq(name, fl_span_str(fl_feed_kinds[i].name)))
            return true;
    return false;
}

static int check_columns(struct fl_span text, struct fl_err *err)
{
    bool equals = false;
    size_t in_line = 0;

    for (size_t i = 0; i <= text.len; i++) {
        unsigned char c = i < text.len ? text.ptr[i] : '\n';

        if (c == '\n') {
            if (in_line > 0 && !equals)
                return fl_err_set(err, FL_E_INVAL,
                                  "columns has a line without '='; each is ours=theirs, such as "
                                  "title=headline");
            equals = false;
            in_line = 0;
            continue;
        }
        if (c < 0x20 || c == 0x7f)
            return fl_err_set(err, FL_E_INVAL, "columns has a control character");
        equals = equals || (c == '=' && in_line > 0);
        in_line++;
    }
    return FL_OK;
}

int fl_feed_check(struct fl_feed *feed, struct fl_err *err)
{
    struct fl_url url;
    int r = fl_slug_check(fl_span_str(feed->slug), "feed", err);

    if (r == FL_OK)
        r = fl_name_check(fl_span_str(feed->name), "name", err);
    if (r < 0)
        return r;
    if (!fl_feed_kind_is(fl_span_str(feed->kind)))
        return fl_err_set(err, FL_E_INVAL,
                          "kind '%s' is not known; there are usgs, gdacs, gdacs-json, cap, jma, "
                          "hurdat2, ibtracs, list-json and list-csv",
                          feed->kind);
    r = fl_url_parse(fl_span_str(feed->url), feed->plain, &url, err);
    if (r < 0)
        return fl_err_wrap(err, "url");
    if (feed->every_s < FL_FEED_EVERY_MIN_S || feed->every_s > FL_FEED_EVERY_MAX_S)
        return fl_err_set(err, FL_E_INVAL, "every_seconds is %u to %u", FL_FEED_EVERY_MIN_S,
                          FL_FEED_EVERY_MAX_S);
    r = check_columns(fl_span_str(feed->columns), err);
    if (r == FL_OK)
        (void)snprintf(feed->host, sizeof feed->host, "%s", url.host);
    return r;
}

int64_t fl_feed_next_us(const struct fl_feed *feed, uint32_t retry_s, uint32_t chance,
                        int64_t now_us)
{
    uint32_t doubles = feed->failures < DOUBLES_MAX ? feed->failures : DOUBLES_MAX;
    int64_t wait_us = (int64_t)feed->every_s * FL_US_PER_S, spread_us, retry_us;

    if (feed->failures > 0) {
        int64_t most_us = wait_us > FAIL_MAX_US ? wait_us : FAIL_MAX_US;

        wait_us = (wait_us < FAIL_MIN_US ? FAIL_MIN_US : wait_us) << doubles;
        wait_us = wait_us > most_us ? most_us : wait_us;
    }
    spread_us = wait_us / SPREAD_PARTS;
    wait_us += (int64_t)((double)spread_us * ((double)chance / (double)UINT32_MAX));
    retry_us = (int64_t)(retry_s < RETRY_MAX_S ? retry_s : RETRY_MAX_S) * FL_US_PER_S;
    return now_us + (wait_us > retry_us ? wait_us : retry_us);
}
