/* An inject as an alert: for systems that speak CAP, and for people who keep the script. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/drills.h"
#include "base/time.h"
#include "codec/utf8.h"

/* Text of an element: what XML 1.0 does not take is left out (model/drill.h lets few such in). */
static void put_text(struct fl_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '&')
            fl_buf_put_str(out, "&amp;");
        else if (*text == '<')
            fl_buf_put_str(out, "&lt;");
        else if (*text == '>')
            fl_buf_put_str(out, "&gt;");
        else if ((unsigned char)*text >= 0x20 || *text == '\n' || *text == '\t')
            fl_buf_put_u8(out, (unsigned char)*text);
    }
}

static void put_element(struct fl_buf *out, const char *name, const char *text)
{
    fl_buf_printf(out, "<%s>", name);
    put_text(out, text);
    fl_buf_printf(out, "</%s>\n", name);
}

/* CAP 1.2, 3.3.2: an offset from UTC, no "Z", whole seconds. */
static void put_time(struct fl_buf *out, const char *name, int64_t us)
{
    char text[FL_TIME_TEXT_BYTES];

    fl_time_format(us, text);
    text[strlen("2026-01-01T00:00:00")] = '\0';
    fl_buf_printf(out, "<%s>%s-00:00</%s>\n", name, text, name);
}

static void put_info(const struct fl_drill *d, const struct fl_drill_inject *i, struct fl_buf *out)
{
    fl_buf_put_str(out, "<info>\n<language>en</language>\n<category>Other</category>\n");
    put_element(out, "event", "Exercise");
    fl_buf_put_str(out, "<urgency>Unknown</urgency>\n<severity>Unknown</severity>\n"
                        "<certainty>Unknown</certainty>\n");
    fl_buf_put_str(out, "<headline>EXERCISE: ");
    put_text(out, i->title);
    fl_buf_put_str(out, "</headline>\n");
    put_element(out, "description", i->text);
    if (i->minutes > 0)
        fl_buf_printf(out, "<instruction>Answer within %" PRIu32 " minutes.</instruction>\n",
                      i->minutes);
    fl_buf_printf(
        out, "<parameter><valueName>minute</valueName><value>%" PRIu32 "</value></parameter>\n",
        i->minute);
    fl_buf_put_str(out, "<area>\n");
    put_element(out, "areaDesc", d->title);
    fl_buf_put_str(out, "</area>\n</info>\n");
}

void fl_drill_cap(const struct fl_drill *d, const struct fl_drill_inject *i, const char *tenant,
                  int64_t now_us, struct fl_buf *out)
{
    char number[FL_DRILL_NUMBER_MAX];
    int64_t at_us = d->started_us == 0 ? now_us : d->started_us + fl_drill_inject_us(i);

    fl_drill_number(d, number);
    fl_buf_put_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                        "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">\n");
    fl_buf_printf(out, "<identifier>%s-%s-%" PRIu32 "</identifier>\n", tenant, number, i->number);
    fl_buf_printf(out, "<sender>%s.fairlead.invalid</sender>\n", tenant);
    put_time(out, "sent", at_us);
    fl_buf_put_str(out, "<status>Exercise</status>\n<msgType>Alert</msgType>\n"
                        "<scope>Restricted</scope>\n"
                        "<restriction>Participants of the drill</restriction>\n");
    fl_buf_put_str(out, "<note>");
    put_text(out, number);
    fl_buf_put_str(out, ": nothing of this is real.</note>\n");
    put_info(d, i, out);
    fl_buf_put_str(out, "</alert>\n");
}
