#include "logs/erase_rule.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "codec/ip.h"
#include "codec/shape.h"
#include "logs/scan.h"

enum { VERSION = 1, IP_BYTES = 16, ROW_BYTES = FL_BLOCK_MAX_ROWS / 8 };
#define ARENA_BYTES ((size_t)1 << 20)

/* ---- the rule ---- */

void fl_erase_rule_encode(const struct fl_erase_rule *rule, struct fl_buf *out)
{
    fl_buf_put_u8(out, VERSION);
    fl_buf_put_u32(out, rule->tenant);
    fl_buf_put_lv(out, rule->slug);
    fl_buf_put_u64(out, (uint64_t)rule->from_us);
    fl_buf_put_u64(out, (uint64_t)rule->to_us);
    fl_buf_put_u64(out, (uint64_t)rule->moment_us);
    fl_buf_put_lv(out, rule->user);
    fl_buf_put_lv(out, rule->ip);
    fl_buf_put_lv(out, rule->where);
    fl_buf_put_lv(out, rule->subject);
    fl_buf_put_lv(out, rule->note);
}

int fl_erase_rule_decode(struct fl_span bytes, struct fl_erase_rule *ret, struct fl_err *err)
{
    struct fl_cursor cur = fl_cursor_of(bytes);
    struct fl_erase_rule rule = {0};

    if (fl_cursor_u8(&cur) != VERSION)
        return fl_err_set(err, FL_E_CORRUPT, "an erasure of a version that is not known here");
    rule.tenant = fl_cursor_u32(&cur);
    rule.slug = fl_cursor_lv(&cur, 63);
    rule.from_us = (int64_t)fl_cursor_u64(&cur);
    rule.to_us = (int64_t)fl_cursor_u64(&cur);
    rule.moment_us = (int64_t)fl_cursor_u64(&cur);
    rule.user = fl_cursor_lv(&cur, FL_ERASE_USER_MAX);
    rule.ip = fl_cursor_lv(&cur, IP_BYTES);
    rule.where = fl_cursor_lv(&cur, FL_FILTER_MAX_BYTES);
    rule.subject = fl_cursor_lv(&cur, FL_ERASE_SUBJECT_MAX);
    rule.note = fl_cursor_lv(&cur, FL_ERASE_NOTE_MAX);
    if (!fl_cursor_done(&cur) || (rule.ip.len != 0 && rule.ip.len != IP_BYTES))
        return fl_err_set(err, FL_E_CORRUPT, "an erasure that is not one");
    *ret = rule;
    return FL_OK;
}

/* ---- words in texts ---- */

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static bool alnum(unsigned char c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c >= 0x80;
}

static int hex_of(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1;
}

/* The byte before a word; one that a URL writes as %3D is what it stands for. */
static unsigned char byte_before(struct fl_span text, size_t at)
{
    int high = at >= 2 && text.ptr[at - 2] == '%' ? hex_of(text.ptr[at - 1]) : -1;
    int low = hex_of(text.ptr[at]);

    return high < 0 || low < 0 ? text.ptr[at] : (unsigned char)(high * 16 + low);
}

/* Does the byte at `at` continue a word whose last byte is next to it, in the direction step? */
static bool goes_on(struct fl_span text, size_t at, int step)
{
    unsigned char c;

    if (at >= text.len)
        return false;
    c = step < 0 ? byte_before(text, at) : text.ptr[at];
    if (alnum(c) || c == '_' || c == '-')
        return true;
    at += (size_t)step; /* below 0 it is beyond the end */
    return c == '.' && at < text.len && alnum(text.ptr[at]);
}

static bool same(const unsigned char *a, const unsigned char *folded, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (lower(a[i]) != folded[i])
            return false;
    return true;
}

static bool find_word(struct fl_span text, struct fl_span folded)
{
    for (size_t at = 0; at + folded.len <= text.len; at++) {
        if (lower(text.ptr[at]) != folded.ptr[0] || !same(text.ptr + at, folded.ptr, folded.len))
            continue;
        if (!goes_on(text, at - 1, -1) && !goes_on(text, at + folded.len, 1))
            return true;
    }
    return false;
}

static bool fold(struct fl_span user, unsigned char ret[FL_ERASE_USER_MAX])
{
    if (user.len == 0 || user.len > FL_ERASE_USER_MAX)
        return false;
    for (size_t i = 0; i < user.len; i++)
        ret[i] = lower(user.ptr[i]);
    return true;
}

bool fl_erase_has_word(struct fl_span text, struct fl_span user)
{
    unsigned char folded[FL_ERASE_USER_MAX];

    return fold(user, folded) && find_word(text, fl_span_of(folded, user.len));
}

/* ---- addresses in texts ---- */

static bool digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool ends_v4(struct fl_span text, size_t at, int step)
{
    unsigned char c;

    if (at >= text.len)
        return true;
    c = text.ptr[at];
    if (digit(c) || (lower(c) >= 'a' && lower(c) <= 'z'))
        return false;
    at += (size_t)step;
    return c != '.' || at >= text.len || !digit(text.ptr[at]);
}

static bool find_v4(struct fl_span text, struct fl_span dotted)
{
    for (size_t at = 0; at + dotted.len <= text.len; at++) {
        const unsigned char *hit = memmem(text.ptr + at, text.len - at, dotted.ptr, dotted.len);

        if (hit == NULL)
            return false;
        at = (size_t)(hit - text.ptr);
        if (ends_v4(text, at - 1, -1) && ends_v4(text, at + dotted.len, 1))
            return true;
    }
    return false;
}

static bool of_v6(unsigned char c)
{
    return digit(c) || (lower(c) >= 'a' && lower(c) <= 'f') || c == ':' || c == '.';
}

static bool is_ip(struct fl_span run, const unsigned char ip[IP_BYTES])
{
    unsigned char got[IP_BYTES];

    while (run.len > 0 &&
           (run.ptr[run.len - 1] == '.' ||
            (run.ptr[run.len - 1] == ':' && (run.len < 2 || run.ptr[run.len - 2] != ':'))))
        run.len--;
    return run.len >= 2 && run.len < FL_IP_TEXT_BYTES && fl_ip_parse(run, got) &&
           memcmp(got, ip, IP_BYTES) == 0;
}

/* Every run of bytes that an address is made of. */
static bool find_v6(struct fl_span text, const unsigned char ip[IP_BYTES])
{
    size_t at = 0;

    if (text.len < 2 || memchr(text.ptr, ':', text.len) == NULL)
        return false;
    while (at < text.len) {
        size_t from = at;

        while (at < text.len && of_v6(text.ptr[at]))
            at++;
        if (at > from && is_ip(fl_span_of(text.ptr + from, at - from), ip))
            return true;
        at += at == from;
    }
    return false;
}

static bool find_ip(struct fl_span text, const unsigned char ip[IP_BYTES], struct fl_span dotted)
{
    return dotted.len > 0 ? find_v4(text, dotted) : find_v6(text, ip);
}

bool fl_erase_has_ip(struct fl_span text, const unsigned char ip[IP_BYTES])
{
    char dotted[FL_IP_TEXT_BYTES];
    size_t len = fl_ip_is_v4(ip) ? fl_ip_format(ip, dotted) : 0;

    return find_ip(text, ip, fl_span_of(dotted, len));
}

/* ---- a rule that is looked for ---- */

struct fl_erase_match {
    int64_t from_us, to_us, moment_us;
    unsigned char user[FL_ERASE_USER_MAX]; /* folded */
    size_t user_len;
    struct fl_filter contains; /* fast: no word without it */
    bool has_ip;
    unsigned char ip[IP_BYTES];
    char dotted[FL_IP_TEXT_BYTES];
    size_t dotted_len;
    struct fl_arena arena; /* of the filter */
    struct fl_filter *where;
    struct fl_scan scan;
    bool scans;
    unsigned char *word_hit; /* one byte per word of a column */
    size_t word_cap;
    unsigned char *plain; /* a shape without its placeholders */
    size_t plain_cap;
};

static int take_where(struct fl_erase_match *m, struct fl_span where, struct fl_err *err)
{
    unsigned char *text;
    int r;

    if (where.len == 0)
        return FL_OK;
    text = fl_arena_get(&m->arena, where.len);
    if (text == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a filter");
    memcpy(text, where.ptr, where.len);
    r = fl_filter_parse(fl_span_of(text, where.len), &m->arena, &m->where, err);
    if (r >= 0 && m->where == NULL)
        r = fl_err_set(err, FL_E_INVAL, "the filter has no condition: it would find every row");
    if (r >= 0)
        r = fl_scan_init(&m->scan, m->where, INT64_MIN, INT64_MAX, err);
    m->scans = r >= 0;
    return r;
}

static int take_rule(struct fl_erase_match *m, const struct fl_erase_rule *rule, struct fl_err *err)
{
    if (rule->user.len == 0 && rule->ip.len == 0 && rule->where.len == 0)
        return fl_err_set(err, FL_E_INVAL, "an erasure needs a user, an address or a filter");
    if (rule->user.len != 0 && (rule->user.len < FL_ERASE_USER_MIN || !fold(rule->user, m->user)))
        return fl_err_set(err, FL_E_INVAL, "a user has %u to %u bytes here", FL_ERASE_USER_MIN,
                          FL_ERASE_USER_MAX);
    m->user_len = rule->user.len;
    m->contains = (struct fl_filter){
        .op = FL_OP_CONTAINS, .field = FL_F_MESSAGE, .text = fl_span_of(m->user, m->user_len)};
    m->has_ip = rule->ip.len == IP_BYTES;
    if (m->has_ip) {
        memcpy(m->ip, rule->ip.ptr, IP_BYTES);
        if (fl_ip_is_v4(m->ip))
            m->dotted_len = fl_ip_format(m->ip, m->dotted);
    }
    m->from_us = rule->from_us;
    m->to_us = rule->to_us;
    m->moment_us = rule->moment_us;
    return take_where(m, rule->where, err);
}

int fl_erase_match_new(const struct fl_erase_rule *rule, struct fl_erase_match **ret,
                       struct fl_err *err)
{
    struct fl_erase_match *m = calloc(1, sizeof *m);
    int r;

    if (m == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for an erasure");
    fl_arena_init(&m->arena, ARENA_BYTES);
    r = take_rule(m, rule, err);
    if (r < 0) {
        fl_erase_match_free(m);
        return r;
    }
    *ret = m;
    return FL_OK;
}

void fl_erase_match_free(struct fl_erase_match *m)
{
    if (m == NULL)
        return;
    if (m->scans)
        fl_scan_done(&m->scan);
    fl_arena_done(&m->arena);
    free(m->word_hit);
    free(m->plain);
    explicit_bzero(m, sizeof *m);
    free(m);
}

/* Site, device and format are the operator's words, not the line's. */
static bool is_searched(enum fl_field f)
{
    return fl_fields[f].type == FL_T_STR && f != FL_F_SITE && f != FL_F_DEVICE && f != FL_F_FORMAT;
}

static bool by_words(const struct fl_erase_match *m)
{
    return m->user_len > 0 || m->has_ip;
}

struct fl_fieldset fl_erase_match_fields(const struct fl_erase_match *m)
{
    struct fl_fieldset set = {{0, 0}};

    fl_fieldset_add(&set, FL_F_TIME);
    fl_fieldset_add(&set, FL_F_RECEIVED);
    if (m->where != NULL)
        fl_filter_fields(m->where, &set);
    for (int f = 0; f < FL_FIELD_COUNT; f++)
        if ((by_words(m) && is_searched((enum fl_field)f)) ||
            (m->has_ip && fl_fields[f].type == FL_T_IP))
            fl_fieldset_add(&set, (enum fl_field)f);
    return set;
}

/* ---- one text ---- */

static bool names(const struct fl_erase_match *m, struct fl_span text)
{
    if (m->user_len > 0 && fl_filter_word(&m->contains, text) &&
        find_word(text, fl_span_of(m->user, m->user_len)))
        return true;
    return m->has_ip && find_ip(text, m->ip, fl_span_of(m->dotted, m->dotted_len));
}

/* A length before a value may look like a letter: each value by itself. */
static bool names_extra(const struct fl_erase_match *m, struct fl_span text)
{
    struct fl_cursor cur = fl_cursor_of(text);

    if (!m->has_ip && !fl_filter_word(&m->contains, text))
        return false;
    while (fl_cursor_left(&cur) > 0 && !cur.failed) {
        struct fl_span value = fl_cursor_lv(&cur, FL_STR_MAX);

        if (!cur.failed && names(m, value))
            return true;
    }
    return cur.failed && names(m, text); /* not as shape.h writes it */
}

/* Bytes of a placeholder behind its escape byte (shape.h); 0: none that is known. */
static size_t placeholder(struct fl_span s, size_t at)
{
    bool extra;
    char format;

    if (at + 1 >= s.len)
        return 0;
    extra = s.ptr[at] == FL_F_EXTRA + 0x20;
    format = (char)s.ptr[at + 1];
    if (format == 't')
        return 6; /* field, format, style, digits, offset as two bytes */
    if (format == 'x')
        return extra ? 5 : 2;
    return format == 'p' && extra ? 4 : 2;
}

/* The literal bytes alone: operands of placeholders may look like letters. */
static bool names_shape(struct fl_erase_match *m, struct fl_span text)
{
    size_t n = 0;

    if (text.len > m->plain_cap) {
        unsigned char *grown = realloc(m->plain, text.len * 2);

        if (grown == NULL)
            return names(m, text);
        m->plain = grown;
        m->plain_cap = text.len * 2;
    }
    for (size_t at = 0; at < text.len; at++) {
        m->plain[n++] = text.ptr[at];
        if (text.ptr[at] != FL_SHAPE_ESC)
            continue;
        if (at + 1 < text.len && text.ptr[at + 1] == FL_SHAPE_ESC)
            at++; /* itself */
        else
            at += placeholder(text, at + 1);
    }
    return names(m, fl_span_of(m->plain, n));
}

static bool names_word(struct fl_erase_match *m, enum fl_field f, struct fl_span word)
{
    if (f == FL_F_EXTRA)
        return names_extra(m, word);
    if (f == FL_F_SHAPE)
        return names_shape(m, word) || names(m, word);
    return names(m, word);
}

/* ---- rows ---- */

static bool room_for(struct fl_erase_match *m, uint32_t words)
{
    unsigned char *grown;

    if (words <= m->word_cap)
        return true;
    grown = realloc(m->word_hit, (size_t)words * 2);
    if (grown == NULL)
        return false;
    m->word_hit = grown;
    m->word_cap = (size_t)words * 2;
    return true;
}

static void set_bit(uint8_t *bits, uint32_t row)
{
    bits[row / 8] = (uint8_t)(bits[row / 8] | 1u << (row % 8));
}

static bool get_bit(const uint8_t *bits, uint32_t row)
{
    return (bits[row / 8] >> (row % 8) & 1) != 0;
}

/* Decided once per word, then spread over the rows. */
static int match_column(struct fl_erase_match *m, const struct fl_block *block, enum fl_field f,
                        const uint8_t *within, uint8_t *hit, uint32_t *ret_rows, struct fl_err *err)
{
    const struct fl_col *col = &block->col[f];
    bool any = false;

    if (col->present == 0 || col->code == NULL)
        return FL_OK;
    if (!room_for(m, col->word_count))
        return fl_err_set(err, FL_E_NOMEM, "no memory to look for a person");
    m->word_hit[0] = 0;
    for (uint32_t w = 1; w < col->word_count; w++) {
        m->word_hit[w] = fl_fields[f].type == FL_T_IP
                             ? m->has_ip && memcmp(col->words[w].ptr, m->ip, IP_BYTES) == 0
                             : names_word(m, f, col->words[w]);
        any = any || m->word_hit[w] != 0;
    }
    for (uint32_t i = 0; any && i < block->rows; i++)
        if (m->word_hit[col->code[i]] != 0 && get_bit(within, i)) {
            set_bit(hit, i);
            ++*ret_rows;
        }
    return FL_OK;
}

/* The rows that may go at all. */
static void find_within(const struct fl_erase_match *m, const struct fl_block *block, uint8_t *ret)
{
    const struct fl_col *time = &block->col[FL_F_TIME], *received = &block->col[FL_F_RECEIVED];

    memset(ret, 0, (block->rows + 7) / 8);
    for (uint32_t i = 0; i < block->rows; i++) {
        int64_t at = fl_col_has(time, i) ? (int64_t)time->num[i] : INT64_MIN;
        int64_t came = fl_col_has(received, i) ? (int64_t)received->num[i] : INT64_MIN;

        if (at >= m->from_us && (at < m->to_us || m->to_us == INT64_MAX) && came <= m->moment_us)
            set_bit(ret, i);
    }
}

static int match_where(struct fl_erase_match *m, const struct fl_block *block,
                       const uint8_t *within, uint8_t *hit, struct fl_erase_found *found,
                       struct fl_err *err)
{
    uint32_t count = 0;
    int r = fl_scan_eval(&m->scan, block, false, &count, err);

    for (uint32_t i = 0; r >= 0 && count > 0 && i < block->rows; i++)
        if ((m->scan.bits[i / 64] >> (i % 64) & 1) != 0 && get_bit(within, i)) {
            set_bit(hit, i);
            found->by_where++;
        }
    return r;
}

int fl_erase_match(struct fl_erase_match *m, const struct fl_block *block, uint8_t *hit,
                   struct fl_erase_found *ret, struct fl_err *err)
{
    uint8_t within[ROW_BYTES];
    int r = FL_OK;

    *ret = (struct fl_erase_found){0};
    memset(hit, 0, (block->rows + 7) / 8);
    find_within(m, block, within);
    for (int f = 0; f < FL_FIELD_COUNT && r >= 0 && by_words(m); f++)
        if (is_searched((enum fl_field)f) || (m->has_ip && fl_fields[f].type == FL_T_IP))
            r = match_column(m, block, (enum fl_field)f, within, hit, &ret->by_field[f], err);
    if (r >= 0 && m->where != NULL)
        r = match_where(m, block, within, hit, ret, err);
    for (uint32_t i = 0; i < (block->rows + 7) / 8; i++)
        ret->rows += (uint32_t)__builtin_popcount(hit[i]);
    return r;
}
