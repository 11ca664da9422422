#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>

#include "codec/url.h"
#include "conf/schema.h"

enum { TEXT_MAX_BYTES = 1024, SLUG_MAX = 63, NAME_MAX_BYTES = 253, ITEMS_MAX = 64 };

struct unit {
    const char *suffix;
    uint64_t factor;
};

static const struct unit count_units[] = {{"", 1}};
static const struct unit size_units[] = {
    {"", 1}, {"K", UINT64_C(1) << 10}, {"M", UINT64_C(1) << 20}, {"G", UINT64_C(1) << 30}};
static const struct unit ms_units[] = {
    {"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
static const struct unit s_units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};

struct units {
    const struct unit *units;
    size_t count;
    const char *how; /* to write it */
};

static struct units units_of(enum fl_conf_kind kind)
{
    if (kind == FL_CONF_SIZE)
        return (struct units){size_units, FL_LEN(size_units), "a size such as 65536, 64K or 8M"};
    if (kind == FL_CONF_MS)
        return (struct units){ms_units, FL_LEN(ms_units), "a time such as 50ms, 10s or 2m"};
    if (kind == FL_CONF_S)
        return (struct units){s_units, FL_LEN(s_units), "a time such as 90s, 5m or 1h"};
    return (struct units){count_units, 1, "a whole number"};
}

bool fl_conf_is_num(const struct fl_conf_row *row)
{
    return row->kind >= FL_CONF_COUNT;
}

void fl_conf_put_num(const struct fl_conf_row *row, uint64_t value, struct fl_buf *out)
{
    struct units u = units_of(row->kind);
    size_t best = u.count > 1 && row->kind != FL_CONF_SIZE ? 1 : 0;

    for (size_t i = best + 1; i < u.count && value > 0; i++)
        if (value % u.units[i].factor == 0)
            best = i;
    fl_buf_printf(out, "%" PRIu64 "%s", value / u.units[best].factor, u.units[best].suffix);
}

static int out_of_range(const struct fl_conf_row *row, struct fl_span value, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf range;

    fl_buf_init(&range, 256);
    if (row->zero_doc != NULL)
        fl_buf_printf(&range, "0 (%s), or ", row->zero_doc);
    fl_conf_put_num(row, row->min, &range);
    fl_buf_put_str(&range, " to ");
    fl_conf_put_num(row, row->max, &range);
    return fl_err_set(err, FL_E_INVAL, "%.*s is out of range; it takes %.*s", FL_SPAN_ARG(value),
                      FL_SPAN_ARG(fl_buf_span(&range)));
}

static int check_num(const struct fl_conf_row *row, struct fl_span value, uint64_t *ret,
                     struct fl_err *err)
{
    struct units u = units_of(row->kind);
    struct fl_span digits = value, suffix;
    uint64_t n = 0, factor = 0;

    digits.len = 0;
    while (digits.len < value.len && value.ptr[digits.len] >= '0' && value.ptr[digits.len] <= '9')
        digits.len++;
    suffix = fl_span_of(value.ptr + digits.len, value.len - digits.len);
    for (size_t i = 0; i < u.count; i++)
        if (fl_span_eq(suffix, fl_span_str(u.units[i].suffix)))
            factor = u.units[i].factor;
    if (digits.len == 0 || factor == 0)
        return fl_err_set(err, FL_E_INVAL, "'%.*s' is no number that fits; write %s",
                          FL_SPAN_ARG(value), u.how);
    if (!fl_span_u64(digits, &n) || n > UINT64_MAX / factor)
        return out_of_range(row, value, err);
    n *= factor;
    if ((n < row->min || n > row->max) && !(n == 0 && row->zero_doc != NULL))
        return out_of_range(row, value, err);
    *ret = n;
    return FL_OK;
}

static bool is_ip(int family, struct fl_span s)
{
    struct in6_addr addr; /* the larger of the two */
    char text[64];

    if (s.len >= sizeof text)
        return false;
    (void)snprintf(text, sizeof text, "%.*s", FL_SPAN_ARG(s));
    return inet_pton(family, text, &addr) == 1;
}

static int check_address(struct fl_span value, struct fl_err *err)
{
    struct fl_span host = value, port;
    uint64_t n;

    if (value.len == 0)
        return FL_OK;
    while (host.len > 0 && host.ptr[host.len - 1] != ':')
        host.len--;
    port = fl_span_of(value.ptr + host.len, value.len - host.len);
    host.len -= host.len > 0 ? 1 : 0;
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
        if (!is_ip(AF_INET6, fl_span_of(host.ptr + 1, host.len - 2)))
            host.len = 0;
    } else if (!is_ip(AF_INET, host)) {
        host.len = 0;
    }
    if (host.len == 0)
        return fl_err_set(err, FL_E_INVAL,
                          "'%.*s' is no address with a port; write it as 192.0.2.1:6514 or "
                          "[2001:db8::1]:6514, with [::] for all addresses",
                          FL_SPAN_ARG(value));
    if (!fl_span_u64(port, &n) || n > 65535)
        return fl_err_set(err, FL_E_INVAL, "'%.*s' is no port; it takes 0 to 65535",
                          FL_SPAN_ARG(port));
    return FL_OK;
}

static int check_path(struct fl_span value, struct fl_err *err)
{
    if (value.len > 0 && value.ptr[0] != '/')
        return fl_err_set(err, FL_E_INVAL, "'%.*s' is not an absolute path; it has to begin with /",
                          FL_SPAN_ARG(value));
    return FL_OK;
}

static bool is_host_name(struct fl_span s)
{
    size_t label = 0;

    if (s.len == 0 || s.len > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = s.ptr[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (c == '.' ? label == 0 : !(alnum || c == '-' || (c == '*' && i == 0)))
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > SLUG_MAX)
            return false;
    }
    return label > 0;
}

int fl_conf_item(struct fl_span *list, struct fl_span *ret_item)
{
    while (list->len > 0) {
        struct fl_span item = *list;
        size_t n = 0;

        while (n < list->len && list->ptr[n] != ',')
            n++;
        item.len = n;
        *list = fl_span_of(list->ptr + n, list->len - n);
        if (list->len > 0)
            *list = fl_span_of(list->ptr + 1, list->len - 1);
        while (item.len > 0 && (item.ptr[0] == ' ' || item.ptr[0] == '\t'))
            item = fl_span_of(item.ptr + 1, item.len - 1);
        while (item.len > 0 && (item.ptr[item.len - 1] == ' ' || item.ptr[item.len - 1] == '\t'))
            item.len--;
        if (item.len == 0)
            continue;
        *ret_item = item;
        return 1;
    }
    return 0;
}

static int check_list(enum fl_conf_kind kind, struct fl_span list, struct fl_err *err)
{
    struct fl_span item;
    size_t count = 0;
    uint64_t n;

    while (fl_conf_item(&list, &item)) {
        if (++count > ITEMS_MAX)
            return fl_err_set(err, FL_E_INVAL, "the list has more than %d entries; it takes %d",
                              ITEMS_MAX, ITEMS_MAX);
        if (kind == FL_CONF_UIDS && (!fl_span_u64(item, &n) || n >= UINT32_MAX))
            return fl_err_set(err, FL_E_INVAL,
                              "'%.*s' is no user id; write numbers with commas between, as 'id -u' "
                              "prints them",
                              FL_SPAN_ARG(item));
        if (kind == FL_CONF_NAMES && !is_host_name(item) && !is_ip(AF_INET, item) &&
            !is_ip(AF_INET6, item))
            return fl_err_set(err, FL_E_INVAL,
                              "'%.*s' is neither a host name nor an address; write names such as "
                              "logs.example.org or 192.0.2.1 with commas between",
                              FL_SPAN_ARG(item));
    }
    return FL_OK;
}

bool fl_conf_is_slug(struct fl_span s)
{
    if (s.len == 0 || s.len > SLUG_MAX || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!((s.ptr[i] >= 'a' && s.ptr[i] <= 'z') || (s.ptr[i] >= '0' && s.ptr[i] <= '9') ||
              s.ptr[i] == '-'))
            return false;
    return true;
}

static int check_listen_as(struct fl_span value, struct fl_err *err)
{
    if (fl_span_eq(value, FL_SPAN("tls-server")) || fl_span_eq(value, FL_SPAN("tcp")) ||
        fl_span_eq(value, FL_SPAN("udp")))
        return FL_OK;
    return fl_err_set(err, FL_E_INVAL,
                      "'%.*s' is no kind of listener; it takes tls-server, tcp or udp",
                      FL_SPAN_ARG(value));
}

static int check_hosts(struct fl_span list, struct fl_err *err)
{
    struct fl_span item;
    size_t count = 0;
    int r = FL_OK;

    while (r == FL_OK && fl_conf_item(&list, &item)) {
        if (++count > ITEMS_MAX)
            return fl_err_set(err, FL_E_INVAL, "the list has more than %d entries; it takes %d",
                              ITEMS_MAX, ITEMS_MAX);
        r = fl_hosts_check(item, err);
    }
    return r;
}

static int check_host(struct fl_span value, struct fl_err *err)
{
    if (value.len == 0)
        return FL_OK;
    if (memchr(value.ptr, '*', value.len) != NULL || memchr(value.ptr, ',', value.len) != NULL)
        return fl_err_set(err, FL_E_INVAL, "'%.*s' is not one host; write mail.example.org:587",
                          FL_SPAN_ARG(value));
    return fl_hosts_check(value, err);
}

static int check_smtp_tls(struct fl_span value, struct fl_err *err)
{
    if (fl_span_eq(value, FL_SPAN("starttls")) || fl_span_eq(value, FL_SPAN("tls")) ||
        fl_span_eq(value, FL_SPAN("none")))
        return FL_OK;
    return fl_err_set(err, FL_E_INVAL,
                      "'%.*s' is no way to hand mail over; it takes starttls, tls "
                      "or none",
                      FL_SPAN_ARG(value));
}

static int check_url(struct fl_span value, struct fl_err *err)
{
    struct fl_url url;

    if (value.len == 0)
        return FL_OK;
    if (value.len > FL_URL_MAX / 8)
        return fl_err_set(err, FL_E_INVAL, "the address has %zu bytes; it takes %u", value.len,
                          FL_URL_MAX / 8);
    return fl_url_parse(value, false, &url, err);
}

static int check_mail(struct fl_span value, struct fl_err *err)
{
    const unsigned char *at = value.len == 0 ? NULL : memchr(value.ptr, '@', value.len);
    bool right = value.len == 0 || (at != NULL && at > value.ptr && at + 1 < value.ptr + value.len);

    for (size_t i = 0; right && i < value.len; i++)
        right =
            value.ptr[i] > 0x20 && value.ptr[i] < 0x7f && strchr("<>,;\"", value.ptr[i]) == NULL;
    if (right)
        return FL_OK;
    return fl_err_set(err, FL_E_INVAL, "'%.*s' is no address of mail; write fairlead@example.org",
                      FL_SPAN_ARG(value));
}

int fl_conf_check(const struct fl_conf_row *row, struct fl_span value, uint64_t *ret_num,
                  struct fl_err *err)
{
    if (value.len > TEXT_MAX_BYTES)
        return fl_err_set(err, FL_E_INVAL, "the value has %zu bytes; it takes up to %d", value.len,
                          TEXT_MAX_BYTES);
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < 0x20 || value.ptr[i] == 0x7f)
            return fl_err_set(err, FL_E_INVAL,
                              "the value has the control character 0x%02x; remove it",
                              (unsigned)value.ptr[i]);
    switch (row->kind) {
    case FL_CONF_PATH:
        return check_path(value, err);
    case FL_CONF_ADDRESS:
        return check_address(value, err);
    case FL_CONF_NAMES:
    case FL_CONF_UIDS:
        return check_list(row->kind, value, err);
    case FL_CONF_SLUG:
        if (!fl_conf_is_slug(value))
            return fl_err_set(err, FL_E_INVAL,
                              "'%.*s' is no id of a tenant; it has lower case letters, digits and "
                              "hyphens, up to %d",
                              FL_SPAN_ARG(value), SLUG_MAX);
        return FL_OK;
    case FL_CONF_LISTEN_AS:
        return check_listen_as(value, err);
    case FL_CONF_HOSTS:
        return check_hosts(value, err);
    case FL_CONF_HOST:
        return check_host(value, err);
    case FL_CONF_SMTP_TLS:
        return check_smtp_tls(value, err);
    case FL_CONF_MAIL:
        return check_mail(value, err);
    case FL_CONF_TEXT:
        return FL_OK;
    case FL_CONF_URL:
        return check_url(value, err);
    case FL_CONF_COUNT:
    case FL_CONF_SIZE:
    case FL_CONF_MS:
    case FL_CONF_S:
        return check_num(row, value, ret_num, err);
    }
    return fl_err_set(err, FL_E_INVAL, "unknown kind of setting");
}
