#include "codec/filter.h"

#include <inttypes.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/time.h"
#include "codec/filter_value.h"
#include "codec/ip.h"

/* ---- words ---- */

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

static unsigned char upper(unsigned char c)
{
    return c >= 'a' && c <= 'z' ? (unsigned char)(c - ('a' - 'A')) : c;
}

static bool same_nocase(const unsigned char *a, const unsigned char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (a[i] != b[i] && lower(a[i]) != lower(b[i]))
            return false;
    }
    return true;
}

/* Does needle begin at one of the places [from, to) of hay? */
static bool find_from(const unsigned char *hay, size_t from, size_t to, struct fl_span needle)
{
    unsigned char a = lower(needle.ptr[0]), b = upper(needle.ptr[0]);

    for (size_t at = from; at < to; at++) {
        if ((hay[at] == a || hay[at] == b) && same_nocase(hay + at, needle.ptr, needle.len))
            return true;
    }
    return false;
}

#ifdef __SSE2__
static __m128i either_case(__m128i bytes, unsigned char c)
{
    return _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)lower(c))),
                        _mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)upper(c))));
}

/* 16 places at a time: those where the first and the last byte of needle fit are looked at. */
static bool contains(struct fl_span hay, struct fl_span needle)
{
    size_t places, at = 0, last = needle.len - 1;

    if (needle.len > hay.len)
        return false;
    places = hay.len - last;
    for (; at + 16 <= places; at += 16) {
        __m128i head = _mm_loadu_si128((const __m128i *)(const void *)(hay.ptr + at));
        __m128i tail = _mm_loadu_si128((const __m128i *)(const void *)(hay.ptr + at + last));
        unsigned mask = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(either_case(head, needle.ptr[0]), either_case(tail, needle.ptr[last])));

        for (; mask != 0; mask &= mask - 1) {
            if (same_nocase(hay.ptr + at + (size_t)__builtin_ctz(mask), needle.ptr, needle.len))
                return true;
        }
    }
    return find_from(hay.ptr, at, places, needle);
}
#else
static bool contains(struct fl_span hay, struct fl_span needle)
{
    return needle.len <= hay.len && find_from(hay.ptr, 0, hay.len - needle.len + 1, needle);
}
#endif

/* One byte of the pattern at *p, escapes taken off; *p moves behind it. */
static unsigned char pattern_byte(struct fl_span pattern, size_t *p)
{
    if (pattern.ptr[*p] == '\\' && *p + 1 < pattern.len)
        ++*p;
    return pattern.ptr[(*p)++];
}

/* Only the last * needs to be tried again, further on: what the ones before took can stay. */
static bool glob(struct fl_span pattern, struct fl_span word)
{
    size_t p = 0, w = 0, back_p = SIZE_MAX, back_w = 0;

    while (w < word.len || p < pattern.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            back_p = ++p;
            back_w = w;
            continue;
        }
        if (p < pattern.len && w < word.len &&
            lower(pattern_byte(pattern, &p)) == lower(word.ptr[w])) {
            w++;
            continue;
        }
        if (back_p == SIZE_MAX || back_w >= word.len)
            return false;
        p = back_p;
        w = ++back_w;
    }
    return true;
}

static bool in_net(struct fl_span ip, struct fl_span net, uint64_t bits)
{
    size_t whole = bits / 8;

    if (ip.len != 16 || memcmp(ip.ptr, net.ptr, whole) != 0)
        return false;
    return bits % 8 == 0 || (ip.ptr[whole] ^ net.ptr[whole]) >> (8 - bits % 8) == 0;
}

bool fl_filter_word(const struct fl_filter *leaf, struct fl_span word)
{
    if (word.len == 0)
        return false; /* absent: meets no condition */
    switch (leaf->op) {
    case FL_OP_EQ:
        return word.len == leaf->text.len && same_nocase(word.ptr, leaf->text.ptr, word.len);
    case FL_OP_GLOB:
        return glob(leaf->text, word);
    case FL_OP_CONTAINS:
    case FL_OP_TEXT:
        return contains(word, leaf->text);
    case FL_OP_NET:
        return in_net(word, leaf->text, leaf->num);
    case FL_OP_HAS:
        return true;
    case FL_OP_CALL:
        return leaf->call(leaf->ctx, leaf, word);
    case FL_OP_AND:
    case FL_OP_OR:
    case FL_OP_NOT:
    case FL_OP_RANGE:
    case FL_OP_FLAG:
        break;
    }
    return false;
}

/* ---- rows ---- */

static const enum fl_field text_fields[] = {FL_F_URL, FL_F_MESSAGE, FL_F_RAW};

static bool match_number(const struct fl_filter *leaf, uint64_t num)
{
    switch (leaf->op) {
    case FL_OP_EQ:
        return num == leaf->num;
    case FL_OP_RANGE:
        if (fl_fields[leaf->field].type == FL_T_TIME)
            return (int64_t)num >= (int64_t)leaf->num && (int64_t)num <= (int64_t)leaf->num_hi;
        return num >= leaf->num && num <= leaf->num_hi;
    case FL_OP_FLAG:
        return (num & leaf->num) != 0;
    case FL_OP_HAS:
        return true;
    case FL_OP_AND:
    case FL_OP_OR:
    case FL_OP_NOT:
    case FL_OP_GLOB:
    case FL_OP_CONTAINS:
    case FL_OP_NET:
    case FL_OP_TEXT:
    case FL_OP_CALL:
        break;
    }
    return false;
}

static bool match_leaf(const struct fl_filter *leaf, const struct fl_event *ev)
{
    if (leaf->op == FL_OP_TEXT) {
        for (size_t i = 0; i < FL_LEN(text_fields); i++) {
            if (fl_filter_word(leaf, fl_event_get_str(ev, text_fields[i])))
                return true;
        }
        return false;
    }
    if (fl_field_is_str(leaf->field))
        return fl_filter_word(leaf, fl_event_get_str(ev, leaf->field));
    return fl_event_has(ev, leaf->field) && match_number(leaf, ev->v[leaf->field].num);
}

bool fl_filter_match(const struct fl_filter *filter, const struct fl_event *ev)
{
    if (filter == NULL)
        return true;
    if (filter->op == FL_OP_AND)
        return fl_filter_match(filter->left, ev) && fl_filter_match(filter->right, ev);
    if (filter->op == FL_OP_OR)
        return fl_filter_match(filter->left, ev) || fl_filter_match(filter->right, ev);
    if (filter->op == FL_OP_NOT)
        return !fl_filter_match(filter->left, ev);
    return match_leaf(filter, ev);
}

void fl_filter_fields(const struct fl_filter *filter, struct fl_fieldset *add_to)
{
    if (filter == NULL)
        return;
    if (filter->op == FL_OP_TEXT) {
        for (size_t i = 0; i < FL_LEN(text_fields); i++)
            fl_fieldset_add(add_to, text_fields[i]);
    } else if (filter->field != FL_FIELD_COUNT) {
        fl_fieldset_add(add_to, filter->field);
    }
    fl_filter_fields(filter->left, add_to);
    fl_filter_fields(filter->right, add_to);
}

/* ---- print ---- */

static bool is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '/' || c == '@' || c == '+';
}

static void print_quoted(struct fl_span text, struct fl_buf *out)
{
    fl_buf_put_u8(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            fl_buf_put_u8(out, '\\');
        fl_buf_put_u8(out, text.ptr[i]);
    }
    fl_buf_put_u8(out, '"');
}

static void print_word(struct fl_span text, struct fl_buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_plain(text.ptr[i])) {
            print_quoted(text, out);
            return;
        }
    }
    fl_buf_put_span(out, text);
}

/* Each * bare; what lies between in quotes where it has to be. */
static void print_pattern(struct fl_span pattern, struct fl_buf *out)
{
    unsigned char piece[FL_FILTER_MAX_BYTES];
    size_t n = 0;

    for (size_t p = 0; p < pattern.len;) {
        bool star = pattern.ptr[p] == '*';
        unsigned char byte = pattern_byte(pattern, &p);

        if (!star && n < sizeof piece)
            piece[n++] = byte;
        if (star || p == pattern.len) {
            print_word(fl_span_of(piece, n), out);
            n = 0;
        }
        if (star)
            fl_buf_put_u8(out, '*');
    }
}

static void print_net(const struct fl_filter *leaf, struct fl_buf *out)
{
    bool v4 = fl_ip_is_v4(leaf->text.ptr); /* then at least 96 bits: the mask would show else */
    char text[FL_IP_TEXT_BYTES];

    (void)fl_ip_format(leaf->text.ptr, text);
    fl_buf_put_str(out, text);
    if (leaf->num < 128)
        fl_buf_printf(out, "/%" PRIu64, leaf->num - (v4 ? 96 : 0));
}

static void print_number(enum fl_field f, uint64_t num, struct fl_buf *out)
{
    char text[FL_TIME_TEXT_BYTES];

    if (fl_fields[f].type != FL_T_TIME) {
        fl_buf_printf(out, "%" PRIu64, num);
        return;
    }
    fl_time_format((int64_t)num, text);
    fl_buf_put_str(out, text);
}

static void print_range(const struct fl_filter *leaf, struct fl_buf *out)
{
    bool time = fl_fields[leaf->field].type == FL_T_TIME;
    uint64_t min = time ? (uint64_t)INT64_MIN : 0, max = time ? (uint64_t)INT64_MAX : UINT64_MAX;

    if (leaf->num_hi == max) {
        fl_buf_put_str(out, ">=");
        print_number(leaf->field, leaf->num, out);
    } else if (leaf->num == min) {
        fl_buf_put_str(out, "<=");
        print_number(leaf->field, leaf->num_hi, out);
    } else {
        fl_buf_put_u8(out, ':');
        print_number(leaf->field, leaf->num, out);
        fl_buf_put_str(out, "..");
        print_number(leaf->field, leaf->num_hi, out);
    }
}

static void print_flags(uint64_t bits, struct fl_buf *out)
{
    bool many = (bits & (bits - 1)) != 0, first = true;

    fl_buf_put_str(out, many ? ":(" : ":");
    for (unsigned bit = 0; fl_row_flag_names[bit] != NULL; bit++) {
        if ((bits >> bit & 1) == 0)
            continue;
        if (!first)
            fl_buf_put_u8(out, ',');
        fl_buf_put_str(out, fl_row_flag_names[bit]);
        first = false;
    }
    if (many)
        fl_buf_put_u8(out, ')');
}

static void print_equal(const struct fl_filter *leaf, struct fl_buf *out)
{
    fl_buf_put_u8(out, ':');
    if (fl_field_is_str(leaf->field))
        print_word(leaf->text, out);
    else
        print_number(leaf->field, leaf->num, out);
}

static void print_leaf(const struct fl_filter *leaf, struct fl_buf *out)
{
    if (leaf->op == FL_OP_TEXT) {
        print_quoted(leaf->text, out);
        return;
    }
    fl_buf_put_str(out, fl_filter_name(leaf->field));
    if (leaf->op == FL_OP_EQ) {
        print_equal(leaf, out);
    } else if (leaf->op == FL_OP_GLOB) {
        fl_buf_put_u8(out, ':');
        print_pattern(leaf->text, out);
    } else if (leaf->op == FL_OP_CONTAINS) {
        fl_buf_put_u8(out, '~');
        print_quoted(leaf->text, out);
    } else if (leaf->op == FL_OP_RANGE) {
        print_range(leaf, out);
    } else if (leaf->op == FL_OP_NET) {
        fl_buf_put_u8(out, ':');
        print_net(leaf, out);
    } else if (leaf->op == FL_OP_FLAG) {
        print_flags(leaf->num, out);
    } else {
        fl_buf_put_str(out, ":*");
    }
}

static void print_in(const struct fl_filter *filter, bool parens, struct fl_buf *out)
{
    if (parens)
        fl_buf_put_u8(out, '(');
    fl_filter_print(filter, out);
    if (parens)
        fl_buf_put_u8(out, ')');
}

/* Parentheses where the tree was nested by hand, and nowhere else: the parser joins to the left. */
void fl_filter_print(const struct fl_filter *filter, struct fl_buf *out)
{
    if (filter == NULL)
        return;
    if (filter->op == FL_OP_AND || filter->op == FL_OP_OR) {
        bool and = filter->op == FL_OP_AND;
        enum fl_filter_op right = filter->right->op;

        print_in(filter->left, and&&filter->left->op == FL_OP_OR, out);
        fl_buf_put_str(out, and? " " : " or ");
        print_in(filter->right, right == FL_OP_OR || (and&&right == FL_OP_AND), out);
    } else if (filter->op == FL_OP_NOT) {
        fl_buf_put_u8(out, '-');
        print_in(filter->left, filter->left->op == FL_OP_AND || filter->left->op == FL_OP_OR, out);
    } else {
        print_leaf(filter, out);
    }
}
