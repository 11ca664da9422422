/*
 * line_kernel.h - the inner loops of codec/line_reader.c, included once by each of line_avx512.c,
 * line_avx2.c and line_scalar.c, which define before:
 *
 *   KERNEL         name of the struct fl_line_kernel
 *   KERNEL_TARGET  attribute of every function
 *   gaps_differ(), names_differ()  for match(), see there
 *   word_of()      number of the word of fl_absent_words that a value is, else FL_SIG_STR
 *   read_number()  1 to 16 digits, no zero in front of another; false: something else
 *   read_v4()      a.b.c.d as fl_ip_parse() takes it, as four bytes in memory order
 *   copy_text()    1 to 127 bytes of the line to where there is room for 64 more
 *
 * Values of one kind are read in one loop, not in the order of the line: no branch depends on what
 * comes next, and the values do not wait for each other.
 */

KERNEL_TARGET static bool match(const struct fl_line_program *program,
                                const struct fl_line_work *work)
{
    return !gaps_differ(program, work) && !names_differ(program, work);
}

/* What stands between two quotes, without one blank at its end. */
struct value {
    size_t from, len;
    unsigned blank; /* 1: there was one */
};

KERNEL_TARGET static inline struct value value_of(const struct fl_line_work *work, size_t param,
                                                  unsigned *bad)
{
    size_t from = (size_t)work->quote[2 * param] + 1, to = work->quote[2 * param + 1];
    unsigned blank = work->line.ptr[to - 1] == ' ';

    to -= blank;
    *bad |= work->line.ptr[to - 1] == ' ';
    return (struct value){from, to - from, blank};
}

KERNEL_TARGET static inline unsigned take_strings(const struct fl_line_program *program,
                                                  struct fl_line_work *work)
{
    unsigned bad = 0;

    for (uint32_t i = 0; i < program->str.count; i++) {
        struct fl_line_step step = program->str.step[i];
        struct value v = value_of(work, step.param, &bad);

        work->ev->v[step.field].str = fl_span_of(work->line.ptr + v.from, v.len);
        work->sig[FL_LINE_SIG_HEAD + step.param] =
            (unsigned char)(word_of(work, v.from, v.len) | v.blank * FL_SIG_BLANK);
    }
    return bad;
}

KERNEL_TARGET static inline unsigned take_numbers(const struct fl_line_program *program,
                                                  struct fl_line_work *work)
{
    unsigned bad = 0;

    for (uint32_t i = 0; i < program->num.count; i++) {
        struct fl_line_step step = program->num.step[i];
        size_t from = (size_t)work->quote[2 * step.param] + 1;
        uint64_t value;

        bad |= !read_number(work, from, work->quote[2 * step.param + 1] - from, &value);
        bad |= value > (step.max == 0 ? UINT64_MAX : step.max);
        work->ev->v[step.field].num = value;
    }
    return bad;
}

KERNEL_TARGET static inline unsigned take_addresses(const struct fl_line_program *program,
                                                    struct fl_line_work *work)
{
    static const unsigned char v4_front[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    unsigned char *ip = work->ip;
    unsigned bad = 0;

    for (uint32_t i = 0; i < program->ip.count; i++, ip += FL_IP_BYTES) {
        struct fl_line_step step = program->ip.step[i];
        size_t from = (size_t)work->quote[2 * step.param] + 1;
        size_t len = work->quote[2 * step.param + 1] - from;
        bool same = false;

        work->ev->v[step.field].str = fl_span_of(ip, FL_IP_BYTES);
        memcpy(ip, v4_front, sizeof v4_front);
        if (__builtin_expect(!read_v4(work, from, len, ip + sizeof v4_front), 0))
            bad |= !fl_ip_parse_same(fl_span_of(work->line.ptr + from, len), ip, &same) || !same;
    }
    return bad;
}

KERNEL_TARGET static inline unsigned take_extras(const struct fl_line_program *program,
                                                 struct fl_line_work *work)
{
    unsigned char *to = work->extra;
    unsigned bad = 0;

    for (uint32_t i = 0; i < program->extra.count; i++) {
        size_t param = program->extra.step[i].param;
        struct value v = value_of(work, param, &bad);
        unsigned word = word_of(work, v.from, v.len);

        if (__builtin_expect(v.len > 127, 0))
            return 1;
        to[0] = (unsigned char)v.len;
        copy_text(to + 1, work, v.from, v.len);
        to += word == FL_SIG_STR ? v.len + 1 : 0;
        word += word == FL_SIG_STR ? FL_SIG_EXTRA - FL_SIG_STR : 0;
        work->sig[FL_LINE_SIG_HEAD + param] = (unsigned char)(word | v.blank * FL_SIG_BLANK);
    }
    work->extra = to;
    return bad;
}

KERNEL_TARGET static bool take(const struct fl_line_program *program, struct fl_line_work *work)
{
    unsigned bad = take_strings(program, work);

    bad |= take_numbers(program, work);
    bad |= take_addresses(program, work);
    bad |= take_extras(program, work);
    return bad == 0;
}

const struct fl_line_kernel KERNEL = {match, take};
