#include "codec/line_program.h"

#include <stdlib.h>
#include <string.h>

#include "codec/derive.h"
#include "codec/ip.h"
#include "codec/junos.h"

enum { PORT_MAX = 65535, PROTO_MAX = 255, BLANKS_MAX = 7 };

/* Each where fl_line_word_slot() says; the test of this file compares with fl_absent_words. */
const struct fl_line_word fl_line_words[FL_LINE_WORD_SLOTS] = {
    [0] = {"", 0, 0},
    [8] = {"-", 1, 1},
    [13] = {"-1", 2, 2},
    [2] = {"N/A", 3, 3},
    [1] = {"None", 4, 4},
    [15] = {"UNKNOWN", 7, 5},
    [10] = {"NA", 2, 6},
    [9] = {"unknown", 7, 7},
    [4] = {"none", 4, 8},
    [6] = {"Unknown", 7, 9},
    [14] = {"NA NA", 5, 10},
    [3] = {"N/A N/A", 7, 11},
    [12] = {"unknown-user", 12, 12},
    [5] = {"", UINT32_MAX, 0},
    [7] = {"", UINT32_MAX, 0},
    [11] = {"", UINT32_MAX, 0},
};

static bool is_escaped(const unsigned char *line, size_t from, size_t at)
{
    size_t n = 0;

    while (at - n > from && line[at - n - 1] == '\\')
        n++;
    return n % 2 == 1;
}

uint32_t fl_line_quotes(struct fl_span line, const struct fl_scan *scan, uint16_t *ret)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < scan->count; i++) {
        if (n % 2 == 1 && is_escaped(line.ptr, ret[n - 1] + (size_t)1, scan->at[i]))
            continue;
        ret[n++] = scan->at[i];
    }
    return n;
}

/* ---- compiling ---- */

/* Bytes of a name for which it is plain what every reader does. */
static bool is_name_char(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

/* TAG [junos@DIGITS.DIGITS NAME=": where NAME begins; 0: it is something else. */
static size_t find_first_name(struct fl_span front, size_t tag_len)
{
    static const struct fl_span id = {(const unsigned char *)" [junos@", 8};
    size_t at = tag_len;

    if (front.len < at + id.len || memcmp(front.ptr + at, id.ptr, id.len) != 0)
        return 0;
    for (at += id.len; at < front.len &&
                       (front.ptr[at] == '.' || (front.ptr[at] >= '0' && front.ptr[at] <= '9'));)
        at++;
    return at < front.len && front.ptr[at] == ' ' ? at + 1 : 0;
}

/* NAME=" and nothing else? Then the length of NAME, else 0. */
static size_t name_length(struct fl_span text)
{
    size_t n = 0;

    while (n < text.len && is_name_char(text.ptr[n]))
        n++;
    return n > 0 && text.len == n + 2 && text.ptr[n] == '=' && text.ptr[n + 1] == '"' ? n : 0;
}

static void add_step(struct fl_line_steps *steps, size_t param, enum fl_field field, uint16_t max)
{
    steps->step[steps->count++] = (struct fl_line_step){(uint8_t)param, (uint8_t)field, max};
}

static void add_number(struct fl_line_program *p, size_t param, enum fl_field field)
{
    uint16_t max = 0;

    switch ((unsigned)field) {
    case FL_F_SRC_PORT:
    case FL_F_DST_PORT:
    case FL_F_SRC_NAT_PORT:
    case FL_F_DST_NAT_PORT:
        max = PORT_MAX;
        break;
    case FL_F_PROTO:
        max = PROTO_MAX;
        break;
    case FL_F_RTT_US: /* some numbers of these mean none */
    case FL_F_JITTER_US:
    case FL_F_LOSS_PCT:
        p->careful = true;
        break;
    default:
        break;
    }
    add_step(&p->num, param, field, max);
    p->sig[FL_LINE_SIG_HEAD + param] = FL_SIG_NUM;
}

/* False for what no program may hold. */
static bool add_param(struct fl_line_program *p, size_t param, struct fl_span name, size_t *hint)
{
    enum fl_field field = fl_param_field(&fl_junos_params, name, p->tag, hint);

    p->field[param] = (uint8_t)field;
    p->name_len[param] = (uint8_t)name.len;
    if (field == FL_FIELD_COUNT) {
        add_step(&p->extra, param, field, 0);
        return true;
    }
    for (size_t k = 0; k < param; k++) /* the first that is not absent has the column */
        p->careful |= p->field[k] == field;
    p->careful |= field == FL_F_SLA_RULE; /* some numbers mean none */
    p->has_message |= field == FL_F_MESSAGE;
    p->asks_action |= field == FL_F_VERDICT || field == FL_F_VIOLATION;
    switch (fl_fields[field].type) {
    case FL_T_NUM:
        add_number(p, param, field);
        return true;
    case FL_T_STR:
        add_step(&p->str, param, field, 0);
        return true;
    case FL_T_IP:
        add_step(&p->ip, param, field, 0);
        p->sig[FL_LINE_SIG_HEAD + param] = FL_SIG_IP;
        return true;
    case FL_T_TIME:
        break;
    }
    return false;
}

/* '" ' NAME '="' from the quote at `from` to that at `to`. */
static bool add_name(struct fl_line_program *p, struct fl_span line, size_t from, size_t to,
                     size_t *hint)
{
    size_t len = to - from + 1, param = p->params, name;

    if (param == FL_LINE_PARAMS_MAX || len > FL_LINE_NAME_BYTES || len < 5 ||
        line.ptr[from + 1] != ' ')
        return false;
    name = name_length(fl_span_of(line.ptr + from + 2, len - 2));
    if (name == 0 || !add_param(p, param, fl_span_of(line.ptr + from + 2, name), hint))
        return false;
    memcpy(p->name[param], line.ptr + from, len);
    p->name_care[param] = len == 64 ? UINT64_MAX : (UINT64_C(1) << len) - 1;
    p->gap[2 * param - 1] = (uint16_t)(len - 1);
    p->gap_care[2 * param - 1] = UINT16_MAX;
    p->params++;
    return true;
}

static bool compile(struct fl_line_program *p, struct fl_span line, const struct fl_line_head *head,
                    const uint16_t *quote, uint32_t count)
{
    struct fl_span front;
    size_t first, name, hint = 0;

    if (count < 2 || quote[0] < head->tag.at)
        return false;
    front = fl_span_of(line.ptr + head->tag.at, quote[0] - head->tag.at + (size_t)1);
    if (front.len > FL_LINE_FRONT_BYTES || front.ptr[head->tag.len - 1] == ':' ||
        fl_span_eq(fl_span_of(front.ptr, head->tag.len), FL_SPAN("-")))
        return false; /* the first two are no tags */
    memcpy(p->front, front.ptr, front.len);
    p->front_len = (uint32_t)front.len;
    p->tag = fl_span_of(p->front, head->tag.len);
    first = find_first_name(front, head->tag.len);
    name = first == 0 ? 0 : name_length(fl_span_of(front.ptr + first, front.len - first));
    if (name == 0 || !add_param(p, 0, fl_span_of(front.ptr + first, name), &hint))
        return false;
    p->params = 1;
    for (uint32_t k = 1; k < count; k += 2) { /* the quote at k closes a value */
        if (quote[k] + (size_t)1 < line.len && line.ptr[quote[k] + 1] == ']')
            return true;
        if (k + 2 >= count || !add_name(p, line, quote[k], quote[k + 1], &hint))
            return false;
    }
    return false;
}

struct fl_line_program *fl_line_program_new(struct fl_span line, const struct fl_line_head *head,
                                            const uint16_t *quote, uint32_t count)
{
    struct fl_line_program *p = aligned_alloc(64, (sizeof *p + 63) / 64 * 64);

    if (p == NULL)
        return NULL;
    memset(p, 0, sizeof *p);
    if (!compile(p, line, head, quote, count)) {
        free(p);
        return NULL;
    }
    p->action = fl_junos_action(p->tag);
    p->asks_sla = fl_derive_asks_sla(p->tag);
    return p;
}

/* ---- the careful way ---- */

static bool put_extra(struct fl_line_work *work, size_t from, size_t to)
{
    size_t n = to - from;

    for (; n >= 0x80; n >>= 7)
        *work->extra++ = (unsigned char)(n | 0x80);
    *work->extra++ = (unsigned char)n;
    memcpy(work->extra, work->line.ptr + from, to - from);
    work->extra += to - from;
    return true;
}

/* The byte of the signature for what fl_value_take() said; -1: there is none. */
static int sig_of(char format, struct fl_span value)
{
    switch (format) {
    case FL_VALUE_ABSENT:
        return FL_SIG_WORD + (int)fl_absent_word(value);
    case FL_VALUE_VOID:
        return FL_SIG_VOID + (value.len == 3 ? 1 : 0);
    case FL_VALUE_TEXT:
        return FL_SIG_TEXT;
    case FL_VALUE_EXTRA:
        return FL_SIG_EXTRA;
    case 's':
        return FL_SIG_STR;
    case 'q':
        return FL_SIG_ESCAPED;
    case 'd':
        return FL_SIG_NUM;
    case 'i':
        return FL_SIG_IP;
    case 'U':
        return FL_SIG_PROTO_UPPER;
    case 'u':
        return FL_SIG_PROTO_LOWER;
    default:
        return -1;
    }
}

bool fl_line_take_careful(const struct fl_line_program *program, struct fl_line_work *work,
                          int64_t received_us)
{
    struct fl_parse p = {.line = work->line, .received_us = received_us, .ev = work->ev};
    struct fl_stamp stamp;

    work->ev->has = (struct fl_fieldset){{0, 0}};
    for (size_t k = 0; k < program->params; k++) {
        size_t from = work->quote[2 * k] + (size_t)1, end = work->quote[2 * k + 1], to = end;
        char format = fl_value_take(&p, program->field[k], from, &to, 'q', &stamp);
        int sig = sig_of(format, fl_parse_span(&p, from, to));

        if (sig < 0 || end - to > BLANKS_MAX)
            return false;
        if (format == FL_VALUE_TEXT || format == FL_VALUE_EXTRA)
            put_extra(work, from, to);
        work->sig[FL_LINE_SIG_HEAD + k] =
            (unsigned char)((unsigned)sig | (unsigned)(end - to) * FL_SIG_BLANK);
    }
    return true;
}

/* ---- shapes ---- */

static void shape_token(struct fl_shape *s, bool absent, struct fl_line_token t, enum fl_field f)
{
    if (!absent)
        fl_shape_field(s, t.at, t.at + (size_t)t.len, f, 's');
}

static void shape_head(struct fl_shape *s, const struct fl_line_head *head,
                       const unsigned char sig[FL_LINE_SIG_BYTES])
{
    const unsigned char *o = head->stamp_sig;
    struct fl_stamp stamp = {.style = (enum fl_stamp_style)o[0],
                             .digits = o[1],
                             .offset_min = (o[2] << 8 | o[3]) - FL_LINE_OFFSET_BIAS};

    fl_shape_field(s, 1, head->time.at - (size_t)3, FL_F_PRI, 'd');
    fl_shape_stamp(s, head->time.at, head->time.at + (size_t)head->time.len, &stamp);
    shape_token(s, sig[0] != 0, head->host, FL_F_HOST);
    shape_token(s, sig[1] != 0, head->program, FL_F_PROGRAM);
    shape_token(s, sig[2] != 0, head->procid, FL_F_PROCID);
    shape_token(s, false, head->tag, FL_F_TAG);
}

static void shape_value(struct fl_shape *s, const struct fl_line_program *program, size_t k,
                        const struct fl_line_work *work)
{
    static const char formats[FL_SIG_BLANK] = {
        [FL_SIG_STR] = 's', [FL_SIG_ESCAPED] = 'q',     [FL_SIG_NUM] = 'd',
        [FL_SIG_IP] = 'i',  [FL_SIG_PROTO_UPPER] = 'U', [FL_SIG_PROTO_LOWER] = 'u',
    };
    unsigned sig = work->sig[FL_LINE_SIG_HEAD + k];
    size_t open = work->quote[2 * k], to = work->quote[2 * k + 1] - (size_t)(sig / FL_SIG_BLANK);
    enum fl_field field = program->field[k];

    sig %= FL_SIG_BLANK;
    if (sig == FL_SIG_EXTRA)
        fl_shape_extra(s, open + 1, to, open - 1 - program->name_len[k], program->name_len[k], 'q');
    else if (sig == FL_SIG_TEXT)
        fl_shape_text(s, open + 1, to, field);
    else if (sig >= FL_SIG_STR)
        fl_shape_field(s, open + 1, to, field, formats[sig]);
}

bool fl_line_shape(const struct fl_line_program *program, const struct fl_line_head *head,
                   const struct fl_line_work *work, struct fl_span message, struct fl_span *ret)
{
    struct fl_shape s;

    fl_shape_begin(&s, work->line, work->ev->arena);
    shape_head(&s, head, work->sig);
    for (size_t k = 0; k < program->params; k++)
        shape_value(&s, program, k, work);
    if (message.len > 0)
        fl_shape_field(&s, work->line.len - message.len, work->line.len, FL_F_MESSAGE, 's');
    if (!fl_shape_end(&s, work->ev))
        return false;
    *ret = work->ev->v[FL_F_SHAPE].str;
    return true;
}

/* ---- variants ---- */

static void add_fields(struct fl_line_variant *v, const struct fl_line_program *program)
{
    static const enum fl_field always[] = {FL_F_RECEIVED, FL_F_TIME, FL_F_FORMAT,
                                           FL_F_PRI,      FL_F_TAG,  FL_F_SHAPE};
    static const enum fl_field header[] = {FL_F_HOST, FL_F_PROGRAM, FL_F_PROCID};

    for (size_t i = 0; i < FL_LEN(always); i++)
        fl_fieldset_add(&v->has, always[i]);
    for (size_t i = 0; i < FL_LEN(header); i++) {
        if (v->sig[i] == 0)
            fl_fieldset_add(&v->has, header[i]);
    }
    if (v->sig[7] != 0)
        fl_fieldset_add(&v->has, FL_F_MESSAGE);
    for (size_t k = 0; k < program->params; k++) {
        unsigned sig = v->sig[FL_LINE_SIG_HEAD + k] % FL_SIG_BLANK;

        if (sig == FL_SIG_EXTRA || sig == FL_SIG_TEXT)
            fl_fieldset_add(&v->has, FL_F_EXTRA);
        if (sig < FL_SIG_STR || sig == FL_SIG_EXTRA)
            continue;
        if (program->field[k] == FL_F_SRC_IP) {
            v->user_param = (uint8_t)k;
            v->user_text = sig == FL_SIG_IP;
        }
        fl_fieldset_add(&v->has, program->field[k]);
    }
}

void fl_line_variant_init(struct fl_line_variant *v, const struct fl_line_program *program,
                          const unsigned char sig[FL_LINE_SIG_BYTES], struct fl_span shape)
{
    static const enum fl_field apps[] = {FL_F_SERVICE, FL_F_APP_OUTER, FL_F_APP_NESTED};

    *v = (struct fl_line_variant){.program = program->id,
                                  .app_from = FL_FIELD_COUNT,
                                  .user_param = FL_LINE_PARAMS_MAX,
                                  .shape = shape};
    memcpy(v->sig, sig, sizeof v->sig);
    add_fields(v, program);
    for (size_t i = 0; i < FL_LEN(apps); i++) { /* the last that is there */
        if (fl_fieldset_has(&v->has, apps[i]))
            v->app_from = (uint8_t)apps[i];
    }
    if (v->app_from != FL_FIELD_COUNT)
        fl_fieldset_add(&v->has, FL_F_APP);
    if (fl_fieldset_has(&v->has, FL_F_USER))
        v->user_param = FL_LINE_PARAMS_MAX;
    if (v->user_param != FL_LINE_PARAMS_MAX)
        fl_fieldset_add(&v->has, FL_F_USER);
}

struct fl_line_variant *fl_line_variant_keep(const struct fl_line_variant *v)
{
    struct fl_line_variant *kept = aligned_alloc(64, (sizeof *v + v->shape.len + 63) / 64 * 64);

    if (kept == NULL)
        return NULL;
    *kept = *v;
    memcpy(kept + 1, v->shape.ptr, v->shape.len);
    kept->shape.ptr = (const unsigned char *)(kept + 1);
    return kept;
}
