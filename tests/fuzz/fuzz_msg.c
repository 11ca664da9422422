/* Any payload of any type: decoded or refused; what decodes encodes to bytes that decode again. */
#include <stdint.h>
#include <stdlib.h>

#include "io/imsg_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Every field is at most this large; aligned for any struct. */
union any_msg {
    uint64_t align;
    unsigned char bytes[1024];
};

static void check_again(enum fl_msg_type type, const union any_msg *msg)
{
    FL_AUTO(fl_buf_done) struct fl_buf out, out2;
    union any_msg again = {.align = 0};

    fl_buf_init(&out, FL_MSG_MAX_BYTES * 2);
    fl_buf_init(&out2, FL_MSG_MAX_BYTES * 2);
    if (fl_msg_encode(type, msg, &out, NULL) < 0 ||
        fl_msg_decode(type, fl_buf_span(&out), &again, NULL) < 0 ||
        fl_msg_encode(type, &again, &out2, NULL) < 0 ||
        !fl_span_eq(fl_buf_span(&out), fl_buf_span(&out2)))
        abort();
}

/* A frame whose head is accepted is one that its sender may send. */
static void check_head(struct fl_span bytes, unsigned roles)
{
    enum fl_role self = roles % FL_ROLE_COUNT, peer = roles / FL_ROLE_COUNT % FL_ROLE_COUNT;
    struct fl_imsg_head head;
    int r = fl_imsg_get(bytes, self, peer, &head, NULL);

    if (r == 1 && (head.len < FL_IMSG_HEAD_BYTES || head.len > FL_IMSG_MAX_BYTES ||
                   !fl_msg_allowed((enum fl_msg_type)head.type, peer, self)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    union any_msg msg = {.align = 0};
    enum fl_msg_type type;

    if (n < 2)
        return 0;
    check_head(fl_span_of(data + 1, n - 1), data[0]);
    type = data[0] % FL_MSG_TYPE_COUNT;
    if (fl_msg_size(type) > sizeof msg)
        abort();
    if (fl_msg_decode(type, fl_span_of(data + 1, n - 1), &msg, NULL) == FL_OK)
        check_again(type, &msg);
    return 0;
}
