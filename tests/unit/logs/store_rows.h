/* store_rows.h - batches of rows for tests of the store, and reading everything back. */
#ifndef FL_TESTS_STORE_ROWS_H
#define FL_TESTS_STORE_ROWS_H

#include "codec/record.h"
#include "logs/store.h"
#include "store_help.h"

static const unsigned char ring_id[16] = "a ring of tests";

/* One closed session: row `no` of a tenant, all of it told by the number. */
static inline void plain_event(uint64_t no, int64_t now_us, struct fl_event *ev, char text[3][48])
{
    static unsigned char ips[2][16] = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 0, 0},
                                       {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 93, 184, 0, 0}};

    fl_event_clear(ev);
    fl_event_time(ev, FL_F_RECEIVED, now_us);
    fl_event_time(ev, FL_F_TIME, now_us - 1000000);
    (void)snprintf(text[0], 48, "site%u", (unsigned)(no % 3));
    (void)snprintf(text[1], 48, "user%u", (unsigned)(no % 17));
    (void)snprintf(text[2], 48, "line %llu", (unsigned long long)no);
    ips[0][14] = (unsigned char)(no % 17);
    ips[1][15] = (unsigned char)no;
    fl_event_str(ev, FL_F_SITE, fl_span_str(text[0]));
    fl_event_str(ev, FL_F_DEVICE, FL_SPAN("fw1"));
    fl_event_str(ev, FL_F_USER, fl_span_str(text[1]));
    fl_event_str(ev, FL_F_MESSAGE, fl_span_str(text[2]));
    fl_event_str(ev, FL_F_APP, no % 2 == 0 ? FL_SPAN("youtube") : FL_SPAN("HTTPS"));
    fl_event_str(ev, FL_F_ACTION, FL_SPAN("closed"));
    fl_event_str(ev, FL_F_TAG, FL_SPAN("RT_FLOW_SESSION_CLOSE"));
    fl_event_str(ev, FL_F_SRC_IP, fl_span_of(ips[0], 16));
    fl_event_str(ev, FL_F_DST_IP, fl_span_of(ips[1], 16));
    fl_event_num(ev, FL_F_SESSION, no);
    fl_event_num(ev, FL_F_OUT_BYTES, no);
    fl_event_num(ev, FL_F_IN_BYTES, no * 10);
    fl_event_num(ev, FL_F_OUT_PACKETS, 1);
    fl_event_num(ev, FL_F_IN_PACKETS, 2);
    fl_event_num(ev, FL_F_DURATION, no % 60);
}

/* Rows first..first+count-1 as a batch. */
static inline void plain_batch(uint64_t first, uint32_t count, int64_t now_us, struct fl_buf *out)
{
    struct fl_batch_writer *w;
    struct fl_event ev = {0};
    char text[3][48];

    fl_buf_clear(out);
    if (fl_batch_writer_new(&w, NULL) < 0)
        abort();
    for (uint32_t i = 0; i < count; i++) {
        plain_event(first + i, now_us, &ev, text);
        if (fl_batch_add(w, &ev, NULL) < 0)
            abort();
    }
    if (fl_batch_finish(w, out, NULL) < 0)
        abort();
    fl_batch_writer_free(w);
}

struct tally { /* of all visible rows of a tenant */
    uint64_t rows, session_sum, bytes, sessions, first_seq, last_seq, gaps, parts, failed;
};

/* Reads every row; FL_F_SESSION is the number that plain_event() was given. */
static inline struct tally tally_of(struct fl_store *store, uint32_t tenant)
{
    struct tally sum = {0};
    struct fl_fieldset all = fl_fieldset_all();
    struct fl_parts *parts;
    uint64_t read = 0, next = 0;
    int32_t day = INT32_MIN;

    if (fl_parts_open(store, tenant, INT64_MIN, INT64_MAX, &parts, NULL) < 0)
        abort();
    sum.parts = fl_parts_count(parts);
    for (size_t i = 0; i < fl_parts_count(parts); i++) {
        struct fl_part *part = fl_parts_get(parts, i);
        struct fl_part_info info;

        fl_part_info(part, &info);
        if (info.day != day)
            next = 0;
        day = info.day;
        for (uint32_t b = 0; b < info.blocks; b++) {
            struct fl_block *block = NULL;
            struct fl_event ev;

            if (fl_part_load(part, b, &all, &block, &read, NULL) < 0) {
                sum.failed++;
                continue;
            }
            for (uint32_t row = 0; row < block->rows; row++) {
                uint64_t seq;

                fl_block_row(block, row, &ev);
                seq = fl_event_get_num(&ev, FL_F_SEQ);
                sum.gaps += next != 0 && seq != next;
                next = seq + 1;
                if (sum.rows++ == 0)
                    sum.first_seq = seq;
                sum.last_seq = seq;
                sum.session_sum += fl_event_get_num(&ev, FL_F_SESSION);
                sum.bytes += fl_event_get_num(&ev, FL_F_BYTES);
                sum.sessions += fl_event_get_num(&ev, FL_F_SESSIONS);
            }
            fl_block_free(block);
        }
    }
    fl_parts_free(parts);
    return sum;
}

/* Rows 1..n once each? Their sums tell. */
static inline bool whole(const struct tally *t, uint64_t n)
{
    return t->rows == n && t->session_sum == n * (n + 1) / 2 && t->bytes == n * (n + 1) / 2 * 11 &&
           t->sessions == n && t->gaps == 0 && t->failed == 0;
}

#endif
