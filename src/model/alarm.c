#include "model/alarm.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/time.h"

enum { SLOT_S = 300, SLOTS_KNOWN = 72 };

static const char *const severities[FL_SEVERITIES] = {"critical", "major", "minor", "warning"};

const char *fl_severity_name(enum fl_severity severity)
{
    return severity < FL_SEVERITIES ? severities[severity] : "warning";
}

enum fl_severity fl_severity_find(struct fl_span name)
{
    int s = 0;

    while (s < FL_SEVERITIES && !fl_span_eq(name, fl_span_str(severities[s])))
        s++;
    return (enum fl_severity)s;
}

const struct fl_alarm_row fl_alarm_rows[FL_ALARM_KINDS] = {
    [FL_ALARM_SILENT] =
        {"silent", "device",
         "Look whether the device has power and a way here; then at its log settings "
         "(stream, host, port) and at its certificate. Lines that it kept come when "
         "it connects again.",
         0, 10},
    [FL_ALARM_LAG] =
        {"lag", "tenant",
         "Lines wait because storing is slower than what arrives; devices are held back, "
         "nothing is lost. Look at the disk (fairlead store) and at what loads the "
         "machine.",
         15, 30},
    [FL_ALARM_SKEW] =
        {"skew", "device",
         "Set the device's clock: NTP server, time zone. Until then its lines stand at "
         "a wrong time in every chart.",
         60, 120},
    [FL_ALARM_UNPARSED] =
        {"unparsed", "device",
         "Open the lines behind this alarm: they are kept whole. Choose a structured "
         "format on the device (sd-syslog on Junos), or send us a sample line.",
         0, 300},
    [FL_ALARM_DROPPED] =
        {"dropped", "device",
         "Over UDP the kernel drops what comes too fast, and nobody sends it again: "
         "let the device send over TLS. Lines in flight are lost when a link breaks: "
         "look why it does.",
         0, 900},
    [FL_ALARM_CERTIFICATE] =
        {"certificate", "device",
         "Issue a new certificate for the device and load it there; when it has "
         "connected with it, revoke the old one.",
         0, 0},
    [FL_ALARM_CA] =
        {"ca", "tenant",
         "Upload the tenant's new certificate authority before the old one ends: devices "
         "with its certificates are refused from then on.",
         0, 0},
    [FL_ALARM_REFUSED] =
        {"refused", "device",
         "The device shows a certificate that may no longer be used. Load its current "
         "one there, or issue a new one.",
         0, 3600},
    [FL_ALARM_ROGUE] =
        {"rogue", "instance",
         "Somebody connects with a certificate that nobody here knows. A new device: "
         "pin its certificate. Otherwise close the port to that address.",
         0, 3600},
    [FL_ALARM_QUOTA] =
        {"quota", "tenant",
         "Raise the quota, keep logs for fewer days, or let devices log less: at the "
         "quota the oldest day is destroyed.",
         0, 300},
    [FL_ALARM_TAKEN] = {"taken", "tenant",
                        "Whole days of logs were destroyed before their time, because the quota or "
                        "the disk was full. Raise the quota or keep logs for fewer days.",
                        0, 0},
    [FL_ALARM_ROLE] =
        {"role", "role",
         "The process was started again by itself. Look at the journal for why it ended "
         "(journalctl -u fairlead); if it happens again, report it.",
         0, 60},
    [FL_ALARM_DISK] =
        {"disk", "instance",
         "Free room on the disk of the data folder, or lower the tenants' quotas: with "
         "too little room nothing more is accepted.",
         0, 60},
    [FL_ALARM_DAMAGE] =
        {"damage", "instance",
         "Run fairlead store verify: it says which days are touched. Then look at the "
         "disk itself, and restore from a backup what can be restored.",
         0, 60},
    [FL_ALARM_SEARCH] = {"search", "search",
                         "A saved search found more, or less, than its threshold. Open the lines "
                         "behind this alarm.",
                         0, 0},
    [FL_ALARM_SEARCH_DEAD] = {"search-dead", "search",
                              "The saved search cannot run; nothing watches in its place. Its last "
                              "error says why: enable it again once that is mended.",
                              0, 0},
    [FL_ALARM_SUPPLY_RISK] =
        {"supply.risk", "risk",
         "Open the risk under Supply chain: which sites, what stops first, how long stock lasts. "
         "Open a case and ask the suppliers, or mute the risk with a reason, or judge it false.",
         0, 0},
};

enum fl_alarm_kind fl_alarm_find(struct fl_span name)
{
    int k = 0;

    while (k < FL_ALARM_KINDS && !fl_span_eq(name, fl_span_str(fl_alarm_rows[k].name)))
        k++;
    return (enum fl_alarm_kind)k;
}

int fl_alarm_check(const struct fl_alarm *a, int64_t now_us, struct fl_err *err)
{
    if (a->muted_us == 0)
        return FL_OK;
    if (a->mute_reason[0] == '\0')
        return fl_err_set(err, FL_E_INVAL,
                          "mute_reason is missing: whoever comes next wants to know why");
    if (a->muted_us <= now_us)
        return fl_err_set(err, FL_E_INVAL, "muted_until must lie ahead; null ends muting");
    if (a->muted_us > now_us + FL_ALARM_MUTE_US)
        return fl_err_set(err, FL_E_INVAL, "an alarm is muted for at most 90 days");
    return FL_OK;
}

/* The second longest run of empty slots that lie between slots with lines. */
static uint32_t second_quiet(const uint32_t *slots, uint32_t known)
{
    uint32_t run = 0, longest = 0, second = 0;
    bool begun = false;

    for (uint32_t i = 0; i < known; i++) {
        if (slots[i] == 0) {
            run++;
            continue;
        }
        if (begun && run > longest) {
            second = longest;
            longest = run;
        } else if (begun && run > second) {
            second = run;
        }
        run = 0;
        begun = true;
    }
    return second;
}

int64_t fl_alarm_silent_us(uint32_t minutes, const uint32_t *slots, uint32_t known, int64_t gap_us)
{
    int64_t least = (int64_t)minutes * 60 * FL_US_PER_S, most = 6 * INT64_C(3600) * FL_US_PER_S;
    int64_t habit;

    if (known >= SLOTS_KNOWN)
        habit = (int64_t)second_quiet(slots, known) * SLOT_S * FL_US_PER_S;
    else
        habit = gap_us < most * 2 / 3 ? gap_us : most * 2 / 3;
    habit += habit / 2;
    return habit > least ? habit : least;
}

void fl_alarm_span_text(int64_t us, char text[FL_ALARM_SPAN_BYTES])
{
    int64_t s = us / FL_US_PER_S;

    if (s < 120)
        (void)snprintf(text, FL_ALARM_SPAN_BYTES, "%" PRId64 " s", s);
    else if (s < 7200)
        (void)snprintf(text, FL_ALARM_SPAN_BYTES, "%" PRId64 " min", s / 60);
    else if (s < 172800)
        (void)snprintf(text, FL_ALARM_SPAN_BYTES, "%" PRId64 " h", s / 3600);
    else
        (void)snprintf(text, FL_ALARM_SPAN_BYTES, "%" PRId64 " days", s / 86400);
}

bool fl_alarm_grade_end(int64_t left_us, enum fl_severity *ret)
{
    if (left_us > 30 * FL_US_PER_DAY)
        return false;
    *ret = left_us <= 0                   ? FL_SEVERITY_MAJOR
           : left_us <= 7 * FL_US_PER_DAY ? FL_SEVERITY_MINOR
                                          : FL_SEVERITY_WARNING;
    return true;
}
