#include "codec/line_reader.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/derive.h"
#include "codec/ip.h"
#include "codec/line.h"
#include "codec/line_program.h"

enum {
    PROGRAM_SETS = 64,
    PROGRAM_WAYS = 4,
    VARIANT_SETS = 1024,
    VARIANT_WAYS = 4,
    VARIANTS_MAX_BYTES = 8 << 20,
    SHAPE_MAX_BYTES = 8192,
    EXTRA_SLACK_BYTES = 128, /* copy_text() of the kernels writes ahead */
    SCRATCH_BYTES = 64 << 10,
    CREDIT_LEARN = 32,               /* what it costs to learn, in hits */
    CREDIT_MIN = -32 * CREDIT_LEARN, /* a new sender may learn so often */
    CREDIT_MAX = 64 * CREDIT_LEARN,  /* more is not saved up */
    CREDIT_SLOW_LINES = 32,          /* lines read the long way that earn as much as a hit */
    MISSES_FREE = 16,                /* attempts that may fail before some are left out */
    SKIP_BITS_MAX = 8                /* of 2^8 lines one is tried at least */
};

_Static_assert(sizeof(struct fl_line_program) * PROGRAM_SETS * PROGRAM_WAYS + VARIANTS_MAX_BYTES +
                       VARIANT_SETS * VARIANT_WAYS * sizeof(struct fl_line_variant) <
                   FL_LINE_READER_MAX_BYTES,
               "the bound of the header holds");

struct variant_slot {
    uint64_t hash;
    struct fl_line_variant *variant;
};

struct fl_line_reader {
    const struct fl_line_kernel *kernel;
    enum fl_scan_kind kind;
    struct fl_line_source shared;
    struct fl_line_reader_stats stats;
    uint64_t program_id;
    size_t variants_bytes;
    uint32_t variant_turn; /* which of a full set goes next */
    struct fl_line_stamp stamps[FL_LINE_STAMPS];
    uint64_t tag_hash[PROGRAM_SETS][PROGRAM_WAYS];
    struct fl_line_program *program[PROGRAM_SETS][PROGRAM_WAYS];
    struct variant_slot variant[VARIANT_SETS][VARIANT_WAYS];
    /* of the line in hand */
    struct fl_scan scan;
    struct fl_line_head head;
    struct fl_line_work work;
    struct fl_span message;
    bool is_careful;
    struct fl_line_variant spare; /* when it has none that is kept */
    unsigned char *extra;         /* where FL_F_EXTRA begins */
    uint16_t quotes[FL_SCAN_MAX_QUOTES + 64];
    /* of learning */
    struct fl_arena scratch;
    struct fl_event again;
};

/* ---- numbers of shapes ---- */

/* One count for all readers of the process. It stops at the end: 0 only costs time. */
static uint32_t next_shape_no(void)
{
    static _Atomic uint32_t last;
    uint32_t no = atomic_load_explicit(&last, memory_order_relaxed);

    do {
        if (no == UINT32_MAX)
            return 0;
    } while (!atomic_compare_exchange_weak_explicit(&last, &no, no + 1, memory_order_relaxed,
                                                    memory_order_relaxed));
    return no + 1;
}

/* ---- life ---- */

static const struct fl_line_kernel *kernel_of(enum fl_scan_kind kind)
{
#if defined(__x86_64__)
    if (kind == FL_SCAN_AVX512)
        return &fl_line_avx512;
    if (kind == FL_SCAN_AVX2)
        return &fl_line_avx2;
#endif
    assert(kind == FL_SCAN_SCALAR);
    return &fl_line_scalar;
}

int fl_line_reader_new_kind(enum fl_scan_kind kind, struct fl_line_reader **ret, struct fl_err *err)
{
    size_t bytes = (sizeof(struct fl_line_reader) + 63) / 64 * 64;
    struct fl_line_reader *reader;

    if (!fl_scan_can(kind))
        return fl_err_set(err, FL_E_INVAL, "this machine has no %s", fl_scan_names[kind]);
    reader = aligned_alloc(64, bytes);
    if (reader == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the reader of lines");
    memset(reader, 0, bytes);
    reader->kind = kind;
    reader->kernel = kernel_of(kind);
    fl_arena_init(&reader->scratch, SCRATCH_BYTES);
    reader->again.arena = &reader->scratch;
    *ret = reader;
    return FL_OK;
}

int fl_line_reader_new(struct fl_line_reader **ret, struct fl_err *err)
{
    return fl_line_reader_new_kind(fl_scan_best(), ret, err);
}

static void forget_variants(struct fl_line_reader *reader)
{
    for (size_t i = 0; i < VARIANT_SETS; i++) {
        for (size_t k = 0; k < VARIANT_WAYS; k++) {
            free(reader->variant[i][k].variant);
            reader->variant[i][k] = (struct variant_slot){0};
        }
    }
    for (size_t i = 0; i < PROGRAM_SETS; i++) {
        for (size_t k = 0; k < PROGRAM_WAYS; k++) {
            if (reader->program[i][k] != NULL)
                reader->program[i][k]->last = NULL;
        }
    }
    reader->variants_bytes = 0;
}

void fl_line_reader_free(struct fl_line_reader *reader)
{
    if (reader == NULL)
        return;
    forget_variants(reader);
    for (size_t i = 0; i < PROGRAM_SETS; i++) {
        for (size_t k = 0; k < PROGRAM_WAYS; k++)
            free(reader->program[i][k]);
    }
    fl_arena_done(&reader->scratch);
    free(reader);
}

void fl_line_reader_freep(struct fl_line_reader **reader)
{
    fl_line_reader_free(*reader);
    *reader = NULL;
}

void fl_line_reader_stats(const struct fl_line_reader *reader, struct fl_line_reader_stats *ret)
{
    *ret = reader->stats;
}

/* ---- finding the program ---- */

static uint64_t load_any(const unsigned char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof x);
    return x;
}

/* Of the tag, and of the bytes around it where it is shorter than eight. Not 0. */
static uint64_t hash_tag(struct fl_span line, struct fl_line_token tag)
{
    const unsigned char *p = line.ptr + tag.at;
    uint64_t h = (load_any(p) ^ tag.len) * UINT64_C(0x9e3779b97f4a7c15);

    h = (h ^ (h >> 29) ^ load_any(p + tag.len - 8)) * UINT64_C(0xbf58476d1ce4e5b9);
    return (h ^ (h >> 32)) | 1;
}

/* Is everything of the line that is no value as the program has it? */
static bool is_program(const struct fl_line_reader *reader, const struct fl_line_program *program,
                       uint32_t quotes)
{
    const struct fl_line_work *work = &reader->work;
    size_t front = reader->head.tag.at;

    return quotes >= 2 * program->params && work->quote[0] - front + 1 == program->front_len &&
           memcmp(work->line.ptr + front, program->front, program->front_len) == 0 &&
           reader->kernel->match(program, work);
}

static struct fl_line_program *find_program(struct fl_line_reader *reader, uint32_t quotes)
{
    uint64_t hash = hash_tag(reader->work.line, reader->head.tag);
    size_t set = hash >> 32 & (PROGRAM_SETS - 1);

    for (size_t way = 0; way < PROGRAM_WAYS; way++) {
        struct fl_line_program *program = reader->program[set][way];

        if (reader->tag_hash[set][way] != hash || !is_program(reader, program, quotes))
            continue;
        program->used = reader->stats.lines;
        return program;
    }
    return NULL;
}

/* ---- finding the variant ---- */

static uint64_t hash_sig(const struct fl_line_program *program,
                         const unsigned char sig[FL_LINE_SIG_BYTES])
{
    uint64_t a = program->id, b = 0;

    for (size_t i = 0; i < FL_LINE_SIG_BYTES; i += 16) {
        a = (a ^ load_any(sig + i)) * UINT64_C(0x9e3779b97f4a7c15);
        b = (b ^ load_any(sig + i + 8)) * UINT64_C(0xbf58476d1ce4e5b9);
        a ^= a >> 32;
        b ^= b >> 31;
    }
    a = (a ^ b) * UINT64_C(0x94d049bb133111eb);
    return a ^ (a >> 32);
}

static struct fl_line_variant *find_variant(struct fl_line_reader *reader,
                                            struct fl_line_program *program)
{
    const unsigned char *sig = reader->work.sig;
    const struct variant_slot *set;
    uint64_t hash;

    if (program->last != NULL && memcmp(program->last->sig, sig, FL_LINE_SIG_BYTES) == 0)
        return program->last;
    hash = hash_sig(program, sig);
    set = reader->variant[hash % VARIANT_SETS];
    for (size_t way = 0; way < VARIANT_WAYS; way++) {
        struct fl_line_variant *v = set[way].variant;

        if (v == NULL || set[way].hash != hash || v->program != program->id ||
            memcmp(v->sig, sig, FL_LINE_SIG_BYTES) != 0)
            continue;
        program->last = v;
        return v;
    }
    return NULL;
}

/* ---- reading along a program ---- */

/* What stands behind the last value: ']' and nothing, or a text. */
static bool read_tail(struct fl_line_reader *reader, const struct fl_line_program *program)
{
    const struct fl_line_work *work = &reader->work;
    struct fl_span line = work->line;
    size_t at = work->quote[2 * program->params - 1] + (size_t)1;

    if (at >= line.len || line.ptr[at] != ']')
        return false;
    reader->message = (struct fl_span){NULL, 0};
    if (++at == line.len)
        return true;
    if (program->has_message || line.len - at < 2 || line.ptr[at] != ' ' ||
        line.ptr[at + 1] == ' ' || line.ptr[line.len - 1] == ' ')
        return false;
    reader->message = fl_span_of(line.ptr + at + 1, line.len - at - 1);
    return true;
}

static bool is_dash(struct fl_span line, struct fl_line_token token)
{
    return token.len == 1 && line.ptr[token.at] == '-';
}

static void begin_sig(struct fl_line_reader *reader, const struct fl_line_program *program)
{
    const struct fl_line_head *head = &reader->head;
    struct fl_line_work *work = &reader->work;

    memcpy(work->sig, program->sig, sizeof work->sig);
    work->sig[0] = is_dash(work->line, head->host);
    work->sig[1] = is_dash(work->line, head->program);
    work->sig[2] = is_dash(work->line, head->procid);
    memcpy(work->sig + 3, head->stamp_sig, sizeof head->stamp_sig);
    work->sig[7] = reader->message.len > 0;
}

/* Memory for addresses and FL_F_EXTRA. */
static bool begin_values(struct fl_line_reader *reader, const struct fl_line_program *program,
                         struct fl_event *ev)
{
    struct fl_line_work *work = &reader->work;
    size_t ips = program->ip.count * (size_t)FL_IP_BYTES;

    work->ev = ev;
    work->ip = fl_arena_get(ev->arena, ips + work->line.len + EXTRA_SLACK_BYTES);
    if (work->ip == NULL)
        return false;
    reader->extra = work->extra = work->ip + ips;
    begin_sig(reader, program);
    return true;
}

static bool take_values(struct fl_line_reader *reader, const struct fl_line_program *program,
                        struct fl_event *ev, int64_t received_us)
{
    reader->is_careful = false;
    if (!begin_values(reader, program, ev))
        return false;
    if (!program->careful && !reader->scan.backslash &&
        reader->kernel->take(program, &reader->work))
        return true;
    reader->is_careful = true;
    reader->work.extra = reader->extra;
    begin_sig(reader, program);
    return fl_line_take_careful(program, &reader->work, received_us);
}

static void set_user(struct fl_line_reader *reader, const struct fl_line_variant *v,
                     struct fl_event *ev)
{
    const struct fl_line_work *work = &reader->work;
    size_t from = work->quote[2 * v->user_param] + (size_t)1,
           to = work->quote[2 * v->user_param + 1];
    char text[FL_IP_TEXT_BYTES];
    struct fl_span user;

    to -= v->sig[FL_LINE_SIG_HEAD + v->user_param] / FL_SIG_BLANK;
    user = fl_span_of(work->line.ptr + from, to - from);
    if (!v->user_text)
        user = fl_arena_copy(ev->arena,
                             fl_span_of(text, fl_ip_format(ev->v[FL_F_SRC_IP].str.ptr, text)));
    if (user.ptr == NULL)
        fl_fieldset_drop(&ev->has, FL_F_USER);
    ev->v[FL_F_USER].str = user;
}

static void set_head(struct fl_line_reader *reader, struct fl_event *ev)
{
    const struct fl_line_head *head = &reader->head;
    const unsigned char *line = reader->work.line.ptr;

    ev->v[FL_F_PRI].num = head->pri;
    ev->v[FL_F_TIME].num = (uint64_t)head->us;
    ev->v[FL_F_HOST].str = fl_span_of(line + head->host.at, head->host.len);
    ev->v[FL_F_PROGRAM].str = fl_span_of(line + head->program.at, head->program.len);
    ev->v[FL_F_PROCID].str = fl_span_of(line + head->procid.at, head->procid.len);
    ev->v[FL_F_TAG].str = fl_span_of(line + head->tag.at, head->tag.len);
    if (reader->message.len > 0)
        ev->v[FL_F_MESSAGE].str = reader->message;
}

/* What fl_derive() does, as far as the variant does not say it. */
static void derive(const struct fl_line_program *program, int64_t received_us, struct fl_event *ev)
{
    int64_t off_us = (int64_t)ev->v[FL_F_TIME].num - received_us;

    if (off_us > FL_US_PER_DAY || off_us < -FL_US_PER_DAY)
        fl_event_flag(ev, FL_ROW_CLOCK_OFF);
    if (program->asks_action)
        fl_derive_action(ev);
    else if (program->action.len > 0)
        fl_event_str(ev, FL_F_ACTION, program->action);
    if (program->asks_sla)
        fl_derive_sla_rule(ev);
    if (fl_event_has(ev, FL_F_DURATION))
        fl_derive_start(ev);
}

/* All that is not a value between quotes. */
static void finish(struct fl_line_reader *reader, const struct fl_line_program *program,
                   const struct fl_line_variant *v, struct fl_event *ev, int64_t received_us)
{
    ev->has = v->has;
    ev->shape_no = v->shape_no;
    ev->v[FL_F_RECEIVED].num = (uint64_t)received_us;
    ev->v[FL_F_FORMAT].str = FL_SPAN("junos");
    ev->v[FL_F_SHAPE].str = v->shape;
    ev->v[FL_F_EXTRA].str = fl_span_of(reader->extra, (size_t)(reader->work.extra - reader->extra));
    set_head(reader, ev);
    if (v->app_from != FL_FIELD_COUNT)
        ev->v[FL_F_APP].str = ev->v[v->app_from].str;
    if (v->user_param != FL_LINE_PARAMS_MAX)
        set_user(reader, v, ev);
    derive(program, received_us, ev);
}

enum outcome {
    HIT,
    OTHER,      /* not of the form, which cost nothing to see */
    NO_PROGRAM, /* of the form, to be learned */
    REFUSED
};

/* "<14>1 ": the least that a line of the form has. */
static bool may_be(struct fl_span line)
{
    const unsigned char *p = line.ptr;

    return line.len >= FL_LINE_HEAD_MIN && line.len <= FL_SCAN_MAX_BYTES && p[0] == '<' &&
           ((p[3] == '>' && p[5] == ' ') || (p[4] == '>' && p[6] == ' ') ||
            (p[2] == '>' && p[4] == ' '));
}

/* The quotes that count; returns how many. */
static uint32_t begin_line(struct fl_line_reader *reader, struct fl_span line)
{
    struct fl_line_work *work = &reader->work;

    work->line = line;
    if (reader->kind == FL_SCAN_AVX2) {
        work->tail_at = line.len - FL_LINE_TAIL_BYTES;
        memcpy(work->tail, line.ptr + work->tail_at, FL_LINE_TAIL_BYTES);
    }
    if (reader->scan.backslash) {
        work->quote = reader->quotes;
        return fl_line_quotes(line, &reader->scan, reader->quotes);
    }
    work->quote = reader->scan.at;
    return reader->scan.count;
}

/* ---- learning ---- */

static bool is_same_field(const struct fl_event *a, const struct fl_event *b, enum fl_field f)
{
    if (!fl_event_has(a, f))
        return true;
    return fl_field_is_str(f) ? fl_span_eq(a->v[f].str, b->v[f].str) : a->v[f].num == b->v[f].num;
}

static bool is_same(const struct fl_event *a, const struct fl_event *b)
{
    bool same = a->has.bits[0] == b->has.bits[0] && a->has.bits[1] == b->has.bits[1];

    for (int f = 0; f < FL_FIELD_COUNT && same; f++)
        same = is_same_field(a, b, (enum fl_field)f);
    return same;
}

static void put_variant(struct fl_line_reader *reader, struct fl_line_program *program,
                        struct fl_line_variant *v)
{
    uint64_t hash = hash_sig(program, v->sig);
    struct variant_slot *set = reader->variant[hash % VARIANT_SETS], *slot = NULL;

    for (size_t way = 0; way < VARIANT_WAYS && slot == NULL; way++)
        slot = set[way].variant == NULL ? &set[way] : NULL;
    if (slot == NULL) {
        slot = &set[reader->variant_turn++ % VARIANT_WAYS];
        for (size_t i = 0; i < (size_t)PROGRAM_SETS * PROGRAM_WAYS; i++) {
            struct fl_line_program *other = reader->program[i / PROGRAM_WAYS][i % PROGRAM_WAYS];

            if (other != NULL && other->last == slot->variant)
                other->last = NULL;
        }
        reader->variants_bytes -= slot->variant->shape.len;
        free(slot->variant);
    }
    *slot = (struct variant_slot){hash, v};
    reader->variants_bytes += v->shape.len;
    reader->stats.variants++;
}

static void put_program(struct fl_line_reader *reader, struct fl_line_program *program)
{
    uint64_t hash = hash_tag(reader->work.line, reader->head.tag);
    size_t set = hash >> 32 & (PROGRAM_SETS - 1), oldest = 0;

    for (size_t way = 1; way < PROGRAM_WAYS; way++) {
        const struct fl_line_program *p = reader->program[set][way],
                                     *old = reader->program[set][oldest];

        if (old != NULL && (p == NULL || p->used < old->used))
            oldest = way;
    }
    free(reader->program[set][oldest]);
    program->used = reader->stats.lines;
    reader->program[set][oldest] = program;
    reader->tag_hash[set][oldest] = hash;
    reader->stats.programs++;
}

static bool may_learn(struct fl_line_source *source)
{
    if (source->credit < CREDIT_MIN + CREDIT_LEARN)
        return false;
    source->credit -= CREDIT_LEARN;
    return true;
}

/* Keep a variant for good, as far as there is good. NULL: it is not kept. */
static struct fl_line_variant *keep_variant(struct fl_line_reader *reader,
                                            struct fl_line_program *program,
                                            const struct fl_line_variant *spare)
{
    struct fl_line_variant *v;

    if (spare->shape.len > SHAPE_MAX_BYTES)
        return NULL;
    if (reader->variants_bytes > VARIANTS_MAX_BYTES - SHAPE_MAX_BYTES)
        forget_variants(reader);
    v = fl_line_variant_keep(spare);
    if (v == NULL)
        return NULL;
    v->shape_no = next_shape_no();
    put_variant(reader, program, v);
    return v;
}

/* The variant of the line in hand, made for it. NULL: there is none. */
static struct fl_line_variant *make_variant(struct fl_line_reader *reader,
                                            const struct fl_line_program *program)
{
    struct fl_span shape;

    if (!fl_line_shape(program, &reader->head, &reader->work, reader->message, &shape))
        return NULL;
    fl_line_variant_init(&reader->spare, program, reader->work.sig, shape);
    return &reader->spare;
}

/*
 * Compile a program from the line in hand, of which ev is what fl_line_parse() made. The line is
 * read again along it, and both must be the same; else it is not kept.
 */
static void learn(struct fl_line_reader *reader, const struct fl_event *ev)
{
    int64_t received_us = (int64_t)ev->v[FL_F_RECEIVED].num;
    uint32_t quotes = begin_line(reader, reader->work.line);
    struct fl_line_program *program =
        fl_line_program_new(reader->work.line, &reader->head, reader->work.quote, quotes);
    struct fl_line_variant *v = NULL;

    if (program == NULL)
        return;
    program->id = ++reader->program_id;
    fl_arena_clear(&reader->scratch);
    if (read_tail(reader, program) && take_values(reader, program, &reader->again, received_us))
        v = make_variant(reader, program);
    if (v != NULL)
        finish(reader, program, v, &reader->again, received_us);
    if (v == NULL || !is_same(ev, &reader->again)) {
        free(program);
        return;
    }
    put_program(reader, program);
    (void)keep_variant(reader, program, v);
}

/* ---- all together ---- */

static enum outcome attempt(struct fl_line_reader *reader, struct fl_line_source *source,
                            struct fl_span line, int64_t received_us, struct fl_event *ev)
{
    struct fl_line_program *program;
    struct fl_line_variant *v, *kept;

    if (!may_be(line))
        return OTHER;
    fl_scan(reader->kind, line, &reader->scan);
    if (!fl_line_head_read(reader->stamps, line, &reader->scan, received_us, &reader->head))
        return REFUSED;
    program = find_program(reader, begin_line(reader, line));
    if (program == NULL)
        return NO_PROGRAM;
    if (!read_tail(reader, program) || !take_values(reader, program, ev, received_us))
        return REFUSED;
    v = find_variant(reader, program);
    if (v == NULL) {
        if ((v = make_variant(reader, program)) == NULL)
            return REFUSED;
        if (may_learn(source) && (kept = keep_variant(reader, program, v)) != NULL)
            v = kept;
    }
    finish(reader, program, v, ev, received_us);
    return HIT;
}

static void count_hit(struct fl_line_reader *reader, struct fl_line_source *source)
{
    reader->stats.hits++;
    reader->stats.careful += reader->is_careful;
    source->credit += source->credit < CREDIT_MAX;
    source->misses /= 2;
}

static void count_slow(struct fl_line_source *source)
{
    if (++source->slow % CREDIT_SLOW_LINES == 0 && source->credit < CREDIT_MAX)
        source->credit++;
}

static void count_miss(struct fl_line_source *source)
{
    unsigned over;

    if (source->misses < MISSES_FREE + SKIP_BITS_MAX)
        source->misses++;
    over = source->misses > MISSES_FREE ? source->misses - MISSES_FREE : 0;
    source->skip = (uint16_t)(over == 0 ? 0 : 1u << over);
}

void fl_line_read(struct fl_line_reader *reader, struct fl_line_source *source, struct fl_span line,
                  int64_t received_us, struct fl_event *ev, const char **ret_why)
{
    enum outcome outcome = OTHER;

    reader->stats.lines++;
    if (source == NULL)
        source = &reader->shared;
    if (source->skip > 0) {
        source->skip--;
        reader->stats.skipped++;
    } else {
        outcome = attempt(reader, source, line, received_us, ev);
    }
    if (outcome == HIT) {
        *ret_why = "";
        count_hit(reader, source);
        return;
    }
    fl_line_parse(line, received_us, ev, ret_why);
    count_slow(source);
    if (outcome != OTHER)
        count_miss(source);
    if (outcome == NO_PROGRAM && may_learn(source))
        learn(reader, ev);
}
