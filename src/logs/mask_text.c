/* What names a person is taken out of a text, in one pass. */
#include "codec/ip.h"
#include "codec/value.h"
#include "logs/mask.h"

enum { ANYWHERE = 4, NAME_MAX_BYTES = 64 };

struct pass {
    const struct fl_mask_row *row;
    struct fl_span text;
    size_t at;
    struct fl_buf *out;
};

/* ---- bytes ---- */

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(int c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static bool is_hex(int c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_blank(int c)
{
    return c <= ' '; /* or the text's end, -1 */
}

static int byte_at(const struct pass *p, size_t at)
{
    return at < p->text.len ? p->text.ptr[at] : -1;
}

static int byte_before(const struct pass *p, size_t at)
{
    return at > 0 ? p->text.ptr[at - 1] : -1;
}

static void hide(struct pass *p)
{
    fl_buf_put_str(p->out, FL_MASK_HIDDEN);
}

/* ---- the row's own user ---- */

static bool is_word_byte(int c)
{
    return is_alnum(c) || c == '_' || c == '-';
}

/* A short name is only a word of its own; a longer one is hidden wherever it stands. */
static bool take_user(struct pass *p)
{
    struct fl_span user = p->row->user;

    if (user.len == 0 || p->text.len - p->at < user.len)
        return false;
    for (size_t i = 0; i < user.len; i++)
        if (lower(p->text.ptr[p->at + i]) != user.ptr[i])
            return false;
    if (user.len < ANYWHERE &&
        (is_word_byte(byte_before(p, p->at)) || is_word_byte(byte_at(p, p->at + user.len))))
        return false;
    hide(p);
    p->at += user.len;
    return true;
}

/* ---- addresses ---- */

static bool is_rows(const struct pass *p, const unsigned char ip[16])
{
    for (size_t i = 0; i < FL_LEN(p->row->ip); i++)
        if (p->row->ip[i] != NULL && memcmp(p->row->ip[i], ip, 16) == 0)
            return true;
    return false;
}

static bool put_address(struct pass *p, size_t len, bool v6)
{
    char text[FL_MASK_TEXT_BYTES];
    unsigned char ip[16];
    size_t n = len;

    while (
        n > 0 && (p->text.ptr[p->at + n - 1] == '.' || p->text.ptr[p->at + n - 1] == ':') &&
        !(v6 && n >= 2 && p->text.ptr[p->at + n - 1] == ':' && p->text.ptr[p->at + n - 2] == ':'))
        n--;
    if (!fl_ip_parse(fl_span_of(p->text.ptr + p->at, n), ip))
        return false;
    if (!fl_mask_hides_ip(is_rows(p, ip) ? FL_F_SRC_IP : FL_F_DST_IP, ip))
        return false;
    fl_buf_put(p->out, text, fl_mask_ip(ip, text));
    p->at += n;
    return true;
}

static bool take_address(struct pass *p)
{
    size_t v4 = 0, all = 0, dots = 0, colons = 0;
    int before = byte_before(p, p->at);

    if (!(is_hex(byte_at(p, p->at)) || byte_at(p, p->at) == ':') || is_alnum(before) ||
        before == '.' || before == ':')
        if (!(is_hex(byte_at(p, p->at)) && before == ':')) /* src:10.1.2.3 */
            return false;
    for (; is_hex(byte_at(p, p->at + all)) || byte_at(p, p->at + all) == '.' ||
           byte_at(p, p->at + all) == ':';
         all++) {
        int c = byte_at(p, p->at + all);

        dots += c == '.';
        colons += c == ':';
        if (v4 == all && c != ':' && (is_digit(c) || c == '.'))
            v4++;
    }
    if (colons >= 2 && all <= FL_IP_TEXT_BYTES && put_address(p, all, true))
        return true;
    return dots >= 3 && v4 >= 7 && put_address(p, v4, false);
}

/* ---- queries of URLs ---- */

static bool ends_url(int c)
{
    return is_blank(c) || c == '"' || c == '\'' || c == '<' || c == '>' || c == ']';
}

static bool take_query(struct pass *p)
{
    if (byte_at(p, p->at) != '?' || ends_url(byte_at(p, p->at + 1)))
        return false;
    fl_buf_put_u8(p->out, '?');
    hide(p);
    while (!ends_url(byte_at(p, p->at)))
        p->at++;
    return true;
}

/* ---- what stands before an @ ---- */

static bool is_local(int c)
{
    return is_alnum(c) || (c > 0 && strchr("._%+-!#$&'*/=:", c) != NULL);
}

/* `[junos@2636...` begins structured data; anything else before an @ is somebody. */
static bool take_at(struct pass *p)
{
    size_t n = p->at, back = p->out->len;

    if (byte_at(p, p->at) != '@' || !is_alnum(byte_at(p, p->at + 1)) ||
        !is_local(byte_before(p, p->at)))
        return false;
    while (n > 0 && is_alnum(p->text.ptr[n - 1]))
        n--;
    if (n > 0 && p->text.ptr[n - 1] == '[')
        return false;
    while (back > 0 && is_local(p->out->ptr[back - 1]) && p->out->ptr[back - 1] != '=' &&
           p->out->ptr[back - 1] != '/')
        back--;
    p->out->len = back;
    hide(p);
    fl_buf_put_u8(p->out, '@');
    p->at++;
    return true;
}

/* ---- values of parameters about users ---- */

bool fl_mask_is_personal(struct fl_span name)
{
    static const char *const words[] = {"user",      "login",   "account", "mail",   "sender",
                                        "recipient", "subject", "owner",   "person", "passw"};

    for (size_t i = 0; i < FL_LEN(words); i++)
        if (fl_span_find_nocase(name, fl_span_str(words[i])))
            return true;
    return false;
}

static struct fl_span name_before(const struct pass *p, size_t at)
{
    size_t from = at;

    while (from > 0 && at - from < NAME_MAX_BYTES &&
           (is_alnum(p->text.ptr[from - 1]) || strchr("_-.", p->text.ptr[from - 1]) != NULL) &&
           p->text.ptr[from - 1] != '\0')
        from--;
    return fl_span_of(p->text.ptr + from, at - from);
}

static size_t value_end(const struct pass *p, size_t at, int quote)
{
    if (quote != 0) {
        while (at < p->text.len && p->text.ptr[at] != quote)
            at += p->text.ptr[at] == '\\' && at + 1 < p->text.len ? 2 : 1;
        return at;
    }
    while (at < p->text.len && !ends_url(p->text.ptr[at]) && p->text.ptr[at] != ',' &&
           p->text.ptr[at] != ';' && p->text.ptr[at] != ')')
        at++;
    return at;
}

/* At the byte behind the name: =value, ="value", : value, 'value', or a blank and a word. */
static bool take_value(struct pass *p)
{
    int c = byte_at(p, p->at), quote = 0;
    size_t at = p->at, end;

    if ((c != '=' && c != ':' && c != ' ' && c != '\'' && c != '"') ||
        !is_word_byte(byte_before(p, p->at)) || !fl_mask_is_personal(name_before(p, p->at)))
        return false;
    if (c == '=' || c == ':')
        at++;
    while (c != '=' && byte_at(p, at) == ' ')
        at++;
    if (byte_at(p, at) == '"' || byte_at(p, at) == '\'')
        quote = p->text.ptr[at++];
    end = value_end(p, at, quote);
    if (end == at || fl_value_absent(fl_span_of(p->text.ptr + at, end - at)))
        return false;
    fl_buf_put(p->out, p->text.ptr + p->at, at - p->at);
    hide(p);
    p->at = end;
    return true;
}

void fl_mask_text(const struct fl_mask_row *row, struct fl_span text, struct fl_buf *out)
{
    struct pass p = {.row = row, .text = text, .out = out};

    while (p.at < text.len && out->failed == 0) {
        if (take_value(&p) || take_user(&p) || take_address(&p) || take_query(&p) || take_at(&p))
            continue;
        fl_buf_put_u8(out, text.ptr[p.at++]);
    }
}
