#include <string.h>

#include "codec/ip.h"
#include "tap.h"

static const struct {
    const char *in, *out; /* out NULL: refused */
} cases[] = {
    {"0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255"},
    {"10.20.3.4", "10.20.3.4"},
    {"::", "::"},
    {"::1", "::1"},
    {"1::", "1::"},
    {"2001:db8::1", "2001:db8::1"},
    {"2001:DB8:0:0::2", "2001:db8::2"},
    {"2001:0db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
    {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
    {"fe80:0:0:0:0:0:0:0", "fe80::"},
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"::ffff:c000:201", "192.0.2.1"},
    {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
    {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
    {"1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"},
    {"", NULL},
    {"1", NULL},
    {"1.2.3", NULL},
    {"1.2.3.4.5", NULL},
    {"1.2.3.256", NULL},
    {"1.2.3.04", NULL},
    {"1.2.3.4 ", NULL},
    {"1..2.3", NULL},
    {":", NULL},
    {":::", NULL},
    {"1:", NULL},
    {"1::2::3", NULL},
    {"1:2:3:4:5:6:7", NULL},
    {"1:2:3:4:5:6:7:8:9", NULL},
    {"1:2:3:4:5:6:7::8", NULL},
    {"12345::", NULL},
    {"fe80::1%eth0", NULL},
    {"1:2:3:4:5:6:7:1.2.3.4", NULL},
    {"g::1", NULL},
};

int main(void)
{
    for (size_t i = 0; i < FL_LEN(cases); i++) {
        unsigned char ip[FL_IP_BYTES], again[FL_IP_BYTES];
        char text[FL_IP_TEXT_BYTES] = "";
        bool ok = fl_ip_parse(fl_span_str(cases[i].in), ip), same = true;

        if (ok) {
            size_t n = fl_ip_format(ip, text);

            same = n == strlen(text) && fl_ip_parse(fl_span_of(text, n), again) &&
                   memcmp(ip, again, sizeof ip) == 0;
        }
        CHECK(ok == (cases[i].out != NULL) && same && (!ok || strcmp(text, cases[i].out) == 0),
              cases[i].in);
    }
    return tap_done();
}
