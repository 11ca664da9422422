/*
 * line_program.h - what codec/line_reader.c knows of lines it has seen; private to it and to the
 * three forms of its inner loop (line_avx512.c, line_avx2.c, line_scalar.c).
 *
 * A *program* stands for one message as one software release writes it,
 *
 *   <PRI>1 TIME HOST APP PROCID TAG [junos@ID NAME="VALUE" NAME="VALUE" ...] MESSAGE
 *
 * TAG, ID and the names in their order; everything in capitals that is not among these is value.
 * The *signature* of a line says what became of each value: one byte a value (absent, and as which
 * word; a column, and in which format; kept by name) and the blanks behind it. Program and
 * signature together determine the shape of the line, because every other byte of the line is
 * given by the program; a *variant* keeps that shape.
 */
#ifndef FL_CODEC_LINE_PROGRAM_H
#define FL_CODEC_LINE_PROGRAM_H

#include "base/err.h"
#include "codec/event.h"
#include "codec/line_head.h"
#include "codec/value.h"

enum {
    FL_LINE_PARAMS_MAX = 120,
    FL_LINE_SIG_HEAD = 8, /* which are: no host, no program, no process; time (4); message */
    FL_LINE_SIG_BYTES = FL_LINE_SIG_HEAD + FL_LINE_PARAMS_MAX,
    FL_LINE_NAME_BYTES = 64,   /* '" ' NAME '="' */
    FL_LINE_FRONT_BYTES = 256, /* TAG ' [junos@' ID ' ' NAME '="' */
    FL_LINE_TAIL_BYTES = 64
};

/* Bytes of a signature: the low five bits, and above them the count of blanks behind the value. */
enum {
    FL_SIG_WORD = 0,  /* + the number of the word in fl_absent_words */
    FL_SIG_VOID = 14, /* + 1 when it has three digits */
    FL_SIG_STR = 16,
    FL_SIG_ESCAPED,
    FL_SIG_NUM,
    FL_SIG_IP,
    FL_SIG_PROTO_UPPER,
    FL_SIG_PROTO_LOWER,
    FL_SIG_TEXT,
    FL_SIG_EXTRA,
    FL_SIG_BLANK = 32 /* one blank; there are 7 at most */
};

struct fl_line_step {
    uint8_t param;
    uint8_t field;
    uint16_t max; /* of numbers; 0: any */
};

struct fl_line_steps {
    uint32_t count;
    struct fl_line_step step[FL_LINE_PARAMS_MAX];
};

struct fl_line_program {
    uint64_t id;                  /* never reused by a reader */
    uint64_t used;                /* when last, in lines of the reader */
    struct fl_line_variant *last; /* of the line before; NULL: none, or it is gone */
    uint32_t params;
    bool careful;     /* holds parameters that only the careful way knows */
    bool has_message; /* one of the parameters is FL_F_MESSAGE */
    bool asks_action; /* the action depends on values, else it is this: */
    bool asks_sla;
    struct fl_span action; /* static; empty: none */
    struct fl_span tag;    /* of front */
    uint32_t front_len;
    unsigned char front[FL_LINE_FRONT_BYTES];
    struct fl_line_steps str, num, ip, extra; /* of a line that needs no care */
    uint8_t field[FL_LINE_PARAMS_MAX];
    uint8_t name_len[FL_LINE_PARAMS_MAX];
    uint8_t sig[FL_LINE_SIG_BYTES]; /* the usual one: what the loops do not write */
    /* gap[j] is the distance from quote j of the line to the next: that of the names is known */
    uint16_t gap[2 * FL_LINE_PARAMS_MAX + 64];
    uint16_t gap_care[2 * FL_LINE_PARAMS_MAX + 64]; /* 0xffff where it is, else 0 */
    uint64_t name_care[FL_LINE_PARAMS_MAX];         /* bit i: byte i of name counts */
    _Alignas(64) unsigned char name[FL_LINE_PARAMS_MAX][FL_LINE_NAME_BYTES]; /* [0] is not used */
};

/* What follows from program and signature. */
struct fl_line_variant {
    uint64_t program; /* its id */
    _Alignas(64) unsigned char sig[FL_LINE_SIG_BYTES];
    struct fl_fieldset has; /* but what depends on values: flags, action, start, SLA rule */
    uint32_t shape_no;
    uint8_t app_from;     /* the field that FL_F_APP is a copy of; FL_FIELD_COUNT: none */
    uint8_t user_param;   /* the parameter whose address is the user; FL_LINE_PARAMS_MAX: none */
    bool user_text;       /* ... and its text is that of fl_ip_format() */
    struct fl_span shape; /* behind the struct where the reader keeps it, else borrowed */
};

/* One line on its way through a program. */
struct fl_line_work {
    struct fl_span line;
    const uint16_t *quote; /* from the first of the first value on */
    struct fl_event *ev;
    unsigned char *ip;    /* 16 bytes a step of program->ip */
    unsigned char *extra; /* where the next text of FL_F_EXTRA goes */
    _Alignas(64) unsigned char sig[FL_LINE_SIG_BYTES];
    /* The line's last 64 bytes, and as many that may be read: for the kernel that loads more than
     * it needs. tail_at is where in the line they stand. */
    size_t tail_at;
    _Alignas(64) unsigned char tail[2 * FL_LINE_TAIL_BYTES];
};

/*
 * One form of the inner loops. What match() says: the bytes between the values are the program's.
 * What take() does: columns, FL_F_EXTRA and signature of all values, the line being matched and
 * without backslashes; false: a value needs care, and all of it must be done again.
 */
struct fl_line_kernel {
    bool (*match)(const struct fl_line_program *program, const struct fl_line_work *work);
    bool (*take)(const struct fl_line_program *program, struct fl_line_work *work);
};

extern const struct fl_line_kernel fl_line_scalar;
#if defined(__x86_64__)
extern const struct fl_line_kernel fl_line_avx2, fl_line_avx512;
#endif

/*
 * The word of fl_absent_words that a value might be: one slot, found by the value's first eight
 * bytes (zeros behind a shorter one, first byte lowest).
 */
enum { FL_LINE_WORD_SLOTS = 16 };
struct fl_line_word {
    _Alignas(32) unsigned char text[16];
    uint32_t len; /* UINT32_MAX: no word */
    uint32_t number;
};
extern const struct fl_line_word fl_line_words[FL_LINE_WORD_SLOTS];

/*
 * Compile the program of a line whose header is read. quote: as fl_line_quotes() gives them, count
 * of them. NULL: the line has another form than above, or there is no memory.
 */
struct fl_line_program *fl_line_program_new(struct fl_span line, const struct fl_line_head *head,
                                            const uint16_t *quote, uint32_t count);

/* The quotes that open and close the values of a line that holds backslashes: those behind an odd
 * number of them within a value do neither. Returns how many are in ret, which has room for all. */
uint32_t fl_line_quotes(struct fl_span line, const struct fl_scan *scan, uint16_t *ret);

/*
 * The long way of fl_line_kernel.take(): every value there is. Clears the fields of work->ev first.
 * False: the signature cannot say it, or the arena is full.
 */
bool fl_line_take_careful(const struct fl_line_program *program, struct fl_line_work *work,
                          int64_t received_us);

/*
 * The shape of a line whose values were taken: what fl_line_parse() would make, from the arena of
 * work->ev. False: it has none, or the arena is full.
 */
bool fl_line_shape(const struct fl_line_program *program, const struct fl_line_head *head,
                   const struct fl_line_work *work, struct fl_span message, struct fl_span *ret);

/* All of a variant but its number, which is 0. The shape is borrowed. */
void fl_line_variant_init(struct fl_line_variant *v, const struct fl_line_program *program,
                          const unsigned char sig[FL_LINE_SIG_BYTES], struct fl_span shape);

/* A copy with a shape of its own; free() ends it. NULL: no memory. */
struct fl_line_variant *fl_line_variant_keep(const struct fl_line_variant *v);

static inline uint32_t fl_line_word_slot(uint64_t front)
{
    return (uint32_t)(front * UINT64_C(0x19d7b4035596dfdf) >> 60);
}

#endif
