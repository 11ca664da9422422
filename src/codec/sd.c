#include "codec/sd.h"

#include <string.h>

/* UTF-8 of U+201C and U+201D; the first two bytes are the same. */
static const unsigned char curly[2] = {0xe2, 0x80};

struct reader {
    struct fl_parse *p;
    const struct fl_params *params;
    struct fl_span tag;
    size_t hint;
    size_t i;           /* next byte of the line */
    size_t name_at, eq; /* a NAME=" that was seen behind the last value; name_at 0: none */
    size_t row;         /* ... and its row in params; params->count: not looked up */
};

static unsigned char at(const struct reader *r, size_t i) /* 0 behind the end */
{
    return i < r->p->line.len ? r->p->line.ptr[i] : 0;
}

static bool is_alpha(unsigned char c)
{
    c |= 0x20;
    return c >= 'a' && c <= 'z';
}

static bool is_name_char(unsigned char c)
{
    return c > ' ' && c != '=' && c != ']' && c != '"' && c != '[';
}

/* Bytes of the quote at i: 1 for ", 3 for a curly one, 0 for none. */
static size_t quote_at(const struct reader *r, size_t i)
{
    if (at(r, i) == '"')
        return 1;
    if (at(r, i) == curly[0] && at(r, i + 1) == curly[1] &&
        (at(r, i + 2) == 0x9c || at(r, i + 2) == 0x9d))
        return 3;
    return 0;
}

enum { ROWS_AHEAD = 3 }; /* a release leaves some out */

/* Is it one of the names that usually come next? */
static bool is_expected(struct reader *r, size_t i)
{
    struct fl_span rest = fl_span_of(r->p->line.ptr + i, r->p->line.len - i);

    for (size_t k = r->hint; k < r->params->count && k < r->hint + ROWS_AHEAD; k++) {
        if (!fl_param_is(r->params, k, rest, r->tag))
            continue;
        r->name_at = i;
        r->eq = i + r->params->rows[k].len;
        r->row = k;
        return quote_at(r, r->eq + 1) > 0;
    }
    return false;
}

/* NAME=" at i? Then *ret_eq is where the = stands. */
static bool is_param(struct reader *r, size_t i, size_t *ret_eq)
{
    size_t from = i;

    if (i > 0 && (i == r->name_at || is_expected(r, i))) {
        *ret_eq = r->eq;
        return true;
    }
    r->name_at = 0;
    while (is_name_char(at(r, i)))
        i++;
    if (i == from || at(r, i) != '=' || quote_at(r, i + 1) == 0)
        return false;
    r->name_at = from;
    r->row = r->params->count;
    *ret_eq = r->eq = i;
    return true;
}

/* The column of the parameter that is_param() has seen. */
static enum fl_field field_of(struct reader *r, size_t name, size_t eq)
{
    if (r->row == r->params->count)
        return fl_param_field(r->params, fl_parse_span(r->p, name, eq), r->tag, &r->hint);
    r->hint = r->row + 1;
    return r->params->rows[r->row].field;
}

static bool is_escaped(const struct reader *r, size_t from, size_t i)
{
    size_t n = 0;

    while (i - n > from && r->p->line.ptr[i - n - 1] == '\\')
        n++;
    return n % 2 == 1;
}

/* How sure it is that a quote closes its value. Inside one, a quote may lack its backslash. */
enum closing { INSIDE, PERHAPS, SURELY };

static enum closing closes(struct reader *r, size_t from, size_t i, size_t quote)
{
    size_t next = i + quote, eq;

    if (is_escaped(r, from, i))
        return INSIDE;
    while (at(r, next) == ' ')
        next++;
    if (at(r, next) == ']' || next >= r->p->line.len)
        return SURELY;
    if (next == i + quote && !is_alpha(at(r, next)))
        return INSIDE;
    if (is_param(r, next, &eq))
        return SURELY;
    return next > i + quote ? PERHAPS : INSIDE;
}

/* Find the closing quote of the value at from: the first sure one, else the first of the others. */
static bool find_close(struct reader *r, size_t from, size_t quote, size_t *ret)
{
    struct fl_span line = r->p->line;
    bool found = false;

    for (size_t i = from; i < line.len; i++) {
        const unsigned char *hit = memchr(line.ptr + i, quote == 1 ? '"' : curly[0], line.len - i);
        enum closing c;

        if (hit == NULL)
            break;
        i = (size_t)(hit - line.ptr);
        if (found && line.ptr[i - 1] == '=')
            break; /* this one opens a value */
        c = quote_at(r, i) == quote ? closes(r, from, i, quote) : INSIDE;
        if (c == SURELY || (c == PERHAPS && !found)) {
            *ret = i;
            found = true;
        }
        if (c == SURELY)
            break;
    }
    return found;
}

/* One parameter at r->i. False when there is none; r->i has not moved then. */
static bool read_param(struct reader *r)
{
    size_t name = r->i, eq, quote, from, to;
    enum fl_field field;

    if (!is_param(r, name, &eq))
        return false;
    quote = quote_at(r, eq + 1);
    from = eq + 1 + quote;
    field = field_of(r, name, eq);
    if (!find_close(r, from, quote, &to))
        return false;
    (void)fl_value_put(
        r->p, field,
        (struct fl_slot){
            .from = from, .to = to, .name = name, .name_len = eq - name, .escapes = 'q'});
    r->i = to + quote;
    return true;
}

/* The id behind the bracket. "junos@2636.1.1.1.2.129source-address=": the name begins behind the
 * digits and dots. */
static void read_id(struct reader *r)
{
    size_t i = r->i, glued;

    while (at(r, i) > ' ' && at(r, i) != ']' && at(r, i) != '=' && at(r, i) != '"')
        i++;
    if (at(r, i) == '=' && quote_at(r, i + 1) > 0) {
        for (glued = r->i; glued < i && at(r, glued) != '@'; glued++)
            ;
        glued++;
        while (glued < i && !is_alpha(at(r, glued)))
            glued++;
        i = glued < i ? glued : r->i;
    }
    r->i = i;
}

/* One element at '['. False when something in it cannot be read; r->i stands there. */
static bool read_element(struct reader *r)
{
    r->i++;
    read_id(r);
    for (;;) {
        while (at(r, r->i) == ' ')
            r->i++;
        if (r->i >= r->p->line.len)
            return true;
        if (at(r, r->i) == ']') {
            r->i++;
            return true;
        }
        if (!read_param(r))
            return false;
    }
}

size_t fl_sd_parse(struct fl_parse *p, size_t at_bracket, const struct fl_params *params,
                   bool *ret_whole)
{
    static const struct fl_params none = {NULL, 0};
    struct reader r = {.p = p, .params = params == NULL ? &none : params, .i = at_bracket};

    r.tag = fl_event_get_str(p->ev, FL_F_TAG);
    *ret_whole = true;
    while (at(&r, r.i) == '[') {
        if (read_element(&r))
            continue;
        *ret_whole = false;
        fl_shape_named(&p->shape, r.i, p->line.len, FL_SHAPE_REST, 's');
        return p->line.len;
    }
    return r.i;
}
