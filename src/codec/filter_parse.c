/* Recursive descent: or > and > not, parentheses, terms. Every production returns 0 and *ret. */
#include "codec/filter.h"

#include <stdio.h>

#include "codec/filter_value.h"

struct parser {
    struct fl_span text;
    size_t at;
    unsigned terms, depth;
    struct fl_arena *arena;
    struct fl_err *err;
    unsigned char scratch[2 * FL_FILTER_MAX_BYTES]; /* the value being read */
};

static int parse_or(struct parser *p, struct fl_filter **ret);

static int fail(struct parser *p, size_t at, const char *text)
{
    return fl_err_set(p->err, FL_E_INVAL, "column %zu: %s", at + 1, text);
}

static int no_memory(struct parser *p)
{
    return fl_err_set(p->err, FL_E_NOMEM, "no memory for the filter");
}

/* ---- bytes ---- */

static int peek(const struct parser *p)
{
    return p->at < p->text.len ? p->text.ptr[p->at] : -1;
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_op(int c)
{
    return c == ':' || c == '~' || c == '<' || c == '>' || c == '=' || c == '!';
}

static bool is_name(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '@';
}

static void skip_blanks(struct parser *p)
{
    while (is_blank(peek(p)))
        p->at++;
}

static bool same_word(struct fl_span a, const char *lower_case)
{
    size_t i = 0;

    for (; i < a.len && lower_case[i] != '\0'; i++) {
        unsigned char c = a.ptr[i];

        if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != lower_case[i])
            return false;
    }
    return i == a.len && lower_case[i] == '\0';
}

/* The keyword at this place? It must end at a blank, a parenthesis or the end. */
static bool take_keyword(struct parser *p, const char *keyword)
{
    size_t end = p->at;
    int after;

    while (end < p->text.len && is_name(p->text.ptr[end]))
        end++;
    after = end < p->text.len ? p->text.ptr[end] : ' ';
    if (!same_word(fl_span_of(p->text.ptr + p->at, end - p->at), keyword) ||
        (!is_blank(after) && after != '(' && after != ')'))
        return false;
    p->at = end;
    return true;
}

static int enter(struct parser *p)
{
    if (++p->depth > FL_FILTER_MAX_DEPTH)
        return fail(p, p->at, "nested more than 16 deep");
    return FL_OK;
}

/* ---- nodes ---- */

static int new_node(struct parser *p, enum fl_filter_op op, struct fl_filter *left,
                    struct fl_filter *right, struct fl_filter **ret)
{
    struct fl_filter *node = fl_arena_get(p->arena, sizeof *node);

    if (node == NULL)
        return no_memory(p);
    *node = (struct fl_filter){.op = op, .field = FL_FIELD_COUNT, .left = left, .right = right};
    *ret = node;
    return FL_OK;
}

static int new_leaf(struct parser *p, size_t at, struct fl_filter **ret)
{
    if (++p->terms > FL_FILTER_MAX_TERMS)
        return fail(p, at, "more than 64 conditions");
    return new_node(p, FL_OP_TEXT, NULL, NULL, ret);
}

/* ---- values ---- */

/* A value while it is read, in pattern form: \ before each * and \ that means itself. */
struct collect {
    unsigned char *bytes; /* twice the text fits */
    size_t len;
    size_t after_star; /* len right behind the last bare *, 0 = none yet */
};

static void collect_literal(struct collect *c, unsigned char byte)
{
    if (byte == '*' || byte == '\\')
        c->bytes[c->len++] = '\\';
    c->bytes[c->len++] = byte;
}

static void collect_star(struct collect *c)
{
    if (c->after_star == 0 || c->after_star != c->len) /* a run of them is one */
        c->bytes[c->len++] = '*';
    c->after_star = c->len;
}

static int collect_quoted(struct parser *p, struct collect *c)
{
    size_t open = p->at++;

    while (p->at < p->text.len) {
        unsigned char byte = p->text.ptr[p->at++];

        if (byte == '"')
            return FL_OK;
        if (byte == '\\' && (peek(p) == '"' || peek(p) == '\\'))
            byte = p->text.ptr[p->at++];
        collect_literal(c, byte);
    }
    return fail(p, open, "the quote is not closed; end it with \"");
}

static bool ends_value(int c, bool in_list)
{
    return c < 0 || is_blank(c) || c == ')' || (in_list && c == ',');
}

static void strip_escapes(struct collect *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->len; i++) {
        if (c->bytes[i] == '\\' && i + 1 < c->len)
            i++;
        c->bytes[n++] = c->bytes[i];
    }
    c->len = n;
}

static int collect_piece(struct parser *p, struct collect *c, bool free_text)
{
    int byte = peek(p);

    if (byte == '(')
        return fail(p, p->at, "a value with a parenthesis in it goes in quotes");
    if (free_text && is_op(byte))
        return fail(p, p->at, "text with : ~ < > = or ! in it goes in quotes");
    if (byte == '"')
        return collect_quoted(p, c);
    if (byte == '*' && !free_text)
        collect_star(c);
    else
        collect_literal(c, (unsigned char)byte);
    p->at++;
    return FL_OK;
}

/* Pieces without a blank between: bare bytes and quoted ones. In free text a * is only a star. */
static int read_value(struct parser *p, bool in_list, bool free_text, struct fl_filter_value *ret)
{
    size_t start = p->at;
    struct collect c = {p->scratch, 0, 0};
    struct fl_span text;

    while (!ends_value(peek(p), in_list)) {
        int r = collect_piece(p, &c, free_text);

        if (r < 0)
            return r;
    }
    if (c.after_star == 0)
        strip_escapes(&c);
    text = fl_arena_copy(p->arena, fl_span_of(c.bytes, c.len));
    if (text.ptr == NULL)
        return no_memory(p);
    *ret = (struct fl_filter_value){text, c.after_star != 0, start + 1};
    return FL_OK;
}

/* ---- terms ---- */

/* Steps between two short names, at most 3 counted: insert, drop, change, as Levenshtein has it. */
static unsigned distance(struct fl_span a, struct fl_span b)
{
    unsigned row[34];

    if (a.len > 32 || b.len > 32)
        return 99;
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < b.len; j++) {
            unsigned change = diagonal + (a.ptr[i] != b.ptr[j]);
            unsigned best = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;

            diagonal = row[j + 1];
            row[j + 1] = change < best ? change : best;
        }
    }
    return row[b.len];
}

static unsigned field_distance(enum fl_field f, struct fl_span name)
{
    struct fl_span alias = fl_span_str(fl_fields[f].alias), ecs = fl_span_str(fl_fields[f].ecs);
    unsigned d = distance(ecs, name);

    if (fl_fields[f].alias != NULL && distance(alias, name) < d)
        d = distance(alias, name);
    if (d > 1 && name.len >= 3 && fl_span_find_nocase(ecs, name))
        d = 1; /* part of a longer name: "domain" of "url.domain" */
    return d;
}

static int unknown_field(struct parser *p, size_t at, struct fl_span name)
{
    char near[120] = "";
    size_t n = 0;
    unsigned shown = 0;

    for (unsigned d = 0; d <= 2 && shown < 3; d++) {
        for (int f = 0; f < FL_FIELD_COUNT && shown < 3; f++) {
            int add;

            if (field_distance((enum fl_field)f, name) != d || d >= name.len)
                continue;
            add = snprintf(near + n, sizeof near - n, "%s%s", shown == 0 ? "" : ", ",
                           fl_filter_name((enum fl_field)f));
            if (add < 0 || (size_t)add >= sizeof near - n)
                break;
            n += (size_t)add;
            shown++;
        }
    }
    return fl_err_set(p->err, FL_E_INVAL, "column %zu: no field \"%s\"; %s%s; text goes in quotes",
                      at + 1, fl_filter_show(name).text,
                      shown > 0 ? "nearest: " : "fields are app, site, user, src, url, bytes, ...",
                      near);
}

static bool take_cmp(struct parser *p, enum fl_filter_cmp *ret)
{
    static const struct {
        char text[3];
        enum fl_filter_cmp cmp;
    } ops[] = {{">=", FL_CMP_GE}, {"<=", FL_CMP_LE}, {">", FL_CMP_GT},
               {"<", FL_CMP_LT},  {":", FL_CMP_EQ},  {"~", FL_CMP_HAS_TEXT}};

    for (size_t i = 0; i < FL_LEN(ops); i++) {
        size_t n = strlen(ops[i].text);

        if (p->text.len - p->at >= n && memcmp(p->text.ptr + p->at, ops[i].text, n) == 0) {
            p->at += n;
            *ret = ops[i].cmp;
            return true;
        }
    }
    return false;
}

static int one_value(struct parser *p, enum fl_field field, enum fl_filter_cmp cmp, bool in_list,
                     struct fl_filter **ret)
{
    struct fl_filter_value value = {.stars = false};
    struct fl_filter *leaf = NULL;
    size_t start = p->at;
    int r;

    if (ends_value(peek(p), in_list))
        return fail(p, start,
                    in_list ? "a value is missing in the list"
                            : "a value must follow, without a blank between");
    if (!in_list && is_op(peek(p)) && !(peek(p) == ':' && fl_fields[field].type == FL_T_IP))
        return fail(p, start, "one operator is enough; a value that begins so goes in quotes");
    r = read_value(p, in_list, false, &value);
    if (r == FL_OK)
        r = new_leaf(p, start, &leaf);
    if (r == FL_OK)
        r = fl_filter_value(field, cmp, &value, p->arena, leaf, p->err);
    if (r == FL_OK)
        *ret = leaf;
    return r;
}

/* Two flags of one list are one leaf with both bits: any of them. */
static int join_or(struct parser *p, struct fl_filter *left, struct fl_filter *right,
                   struct fl_filter **ret)
{
    if (left == NULL) {
        *ret = right;
        return FL_OK;
    }
    if (left->op == FL_OP_FLAG && right->op == FL_OP_FLAG) {
        left->num |= right->num;
        *ret = left;
        return FL_OK;
    }
    return new_node(p, FL_OP_OR, left, right, ret);
}

static int value_list(struct parser *p, enum fl_field field, enum fl_filter_cmp cmp,
                      struct fl_filter **ret)
{
    struct fl_filter *all = NULL, *one = NULL;
    size_t open = p->at++;
    int r = enter(p);

    while (r == FL_OK) {
        skip_blanks(p);
        r = one_value(p, field, cmp, true, &one);
        if (r == FL_OK)
            r = join_or(p, all, one, &all);
        skip_blanks(p);
        if (r < 0 || peek(p) != ',')
            break;
        p->at++;
    }
    if (r < 0)
        return r;
    if (peek(p) < 0)
        return fail(p, open, "the list is not closed; write field:(a,b)");
    if (peek(p) != ')')
        return fail(p, p->at, "values of a list are set apart by commas: field:(a,b)");
    p->at++;
    p->depth--;
    *ret = all;
    return FL_OK;
}

static int field_term(struct parser *p, struct fl_span name, struct fl_filter **ret)
{
    size_t at = p->at - name.len, op_at = p->at;
    enum fl_field field = fl_field_find(name);
    enum fl_filter_cmp cmp = FL_CMP_EQ;

    if (peek(p) == '=' || peek(p) == '!')
        return fail(p, op_at,
                    "write field:value, or -field:value for the opposite, or put the "
                    "text in quotes");
    if (name.len == 0)
        return fail(p, op_at, "the name of a field must stand before, without a blank");
    if (field == FL_FIELD_COUNT)
        return unknown_field(p, at, name);
    if (!take_cmp(p, &cmp))
        return fail(p, op_at, "write field:value, field~part, field>number");
    if (peek(p) != '(')
        return one_value(p, field, cmp, false, ret);
    if (cmp != FL_CMP_EQ && cmp != FL_CMP_HAS_TEXT)
        return fail(p, p->at, "a list goes with : or ~ only");
    return value_list(p, field, cmp, ret);
}

/* Words without a field. */
static int free_term(struct parser *p, struct fl_filter **ret)
{
    size_t start = p->at;
    struct fl_filter_value value = {.stars = false};
    int r = read_value(p, false, true, &value);

    if (r < 0)
        return r;
    if (value.text.len == 0)
        return fail(p, start, "the text is empty");
    r = new_leaf(p, start, ret);
    if (r == FL_OK)
        (*ret)->text = value.text;
    return r;
}

static int parse_term(struct parser *p, struct fl_filter **ret)
{
    size_t end = p->at;
    int r;

    while (end < p->text.len && is_name(p->text.ptr[end]))
        end++;
    if (end < p->text.len && is_op(p->text.ptr[end])) {
        struct fl_span name = fl_span_of(p->text.ptr + p->at, end - p->at);

        p->at = end;
        r = field_term(p, name, ret);
    } else {
        r = free_term(p, ret);
    }
    if (r == FL_OK && !ends_value(peek(p), false))
        return fail(p, p->at, "a blank is missing here");
    return r;
}

/* ---- structure ---- */

static int parse_group(struct parser *p, struct fl_filter **ret)
{
    size_t open = p->at++;
    int r = enter(p);

    if (r == FL_OK)
        r = parse_or(p, ret);
    if (r < 0)
        return r;
    if (peek(p) != ')')
        return fail(p, open, "the parenthesis is not closed");
    p->at++;
    p->depth--;
    return FL_OK;
}

static int parse_not(struct parser *p, struct fl_filter **ret);

static int parse_unary(struct parser *p, struct fl_filter **ret)
{
    size_t at;

    skip_blanks(p);
    at = p->at;
    if (peek(p) < 0 || peek(p) == ')')
        return fail(p, at, at == 0 ? "a condition is missing" : "a condition must follow here");
    if (peek(p) == '-') {
        p->at++;
        if (is_blank(peek(p)))
            return fail(p, at, "a condition must follow the - without a blank");
        return parse_not(p, ret);
    }
    if (take_keyword(p, "not"))
        return parse_not(p, ret);
    if (take_keyword(p, "and") || take_keyword(p, "or"))
        return fail(p, at, "and, or stand between two conditions; the word itself goes in quotes");
    return peek(p) == '(' ? parse_group(p, ret) : parse_term(p, ret);
}

static int parse_not(struct parser *p, struct fl_filter **ret)
{
    struct fl_filter *inner = NULL;
    int r = enter(p);

    if (r == FL_OK)
        r = parse_unary(p, &inner);
    if (r == FL_OK)
        r = new_node(p, FL_OP_NOT, inner, NULL, ret);
    p->depth--;
    return r;
}

static int parse_and(struct parser *p, struct fl_filter **ret)
{
    struct fl_filter *left = NULL, *right = NULL;
    int r = parse_unary(p, &left);

    while (r == FL_OK) {
        size_t before;

        skip_blanks(p);
        before = p->at;
        if (peek(p) < 0 || peek(p) == ')')
            break;
        if (take_keyword(p, "or")) {
            p->at = before;
            break;
        }
        (void)take_keyword(p, "and");
        r = parse_unary(p, &right);
        if (r == FL_OK)
            r = new_node(p, FL_OP_AND, left, right, &left);
    }
    if (r == FL_OK)
        *ret = left;
    return r;
}

static int parse_or(struct parser *p, struct fl_filter **ret)
{
    struct fl_filter *left = NULL, *right = NULL;
    int r = parse_and(p, &left);

    while (r == FL_OK) {
        skip_blanks(p);
        if (!take_keyword(p, "or"))
            break;
        r = parse_and(p, &right);
        if (r == FL_OK)
            r = new_node(p, FL_OP_OR, left, right, &left);
    }
    if (r == FL_OK)
        *ret = left;
    return r;
}

/* What is parsed must also be printable within the limit, so that it can be parsed again. */
static int check_printed(struct parser *p, const struct fl_filter *filter)
{
    FL_AUTO(fl_buf_done) struct fl_buf out;

    fl_buf_init(&out, FL_FILTER_MAX_BYTES);
    fl_filter_print(filter, &out);
    if (out.failed == FL_E_NOMEM)
        return no_memory(p);
    return out.failed == 0 ? FL_OK : fail(p, 0, "the filter, written out, is over 4096 bytes");
}

int fl_filter_parse(struct fl_span text, struct fl_arena *arena, struct fl_filter **ret,
                    struct fl_err *err)
{
    struct parser p = {.text = text, .arena = arena, .err = err};
    struct fl_filter *filter = NULL;
    int r;

    if (text.len > FL_FILTER_MAX_BYTES)
        return fail(&p, FL_FILTER_MAX_BYTES, "a filter has at most 4096 bytes");
    skip_blanks(&p);
    if (peek(&p) < 0) {
        *ret = NULL;
        return FL_OK;
    }
    r = parse_or(&p, &filter);
    if (r < 0)
        return r;
    if (peek(&p) == ')')
        return fail(&p, p.at, "there is no ( for this parenthesis");
    r = check_printed(&p, filter);
    if (r < 0)
        return r;
    *ret = filter;
    return FL_OK;
}
