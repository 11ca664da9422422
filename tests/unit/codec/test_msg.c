#include <stdlib.h>
#include <string.h>

#include "codec/delivery.h"
#include "codec/msg.h"
#include "tap.h"

/* A message of zeros goes there and back; each cut and each addition is refused. */
static void check_type(enum fl_msg_type type)
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;
    size_t size = fl_msg_size(type);
    void *msg = calloc(1, size + 1), *got = calloc(1, size + 1);
    struct fl_err err = {0};
    bool refused = true;

    if (msg == NULL || got == NULL)
        abort();
    fl_buf_init(&buf, FL_MSG_MAX_BYTES);
    CHECK(fl_msg_encode(type, msg, &buf, &err) == 0 &&
              fl_msg_decode(type, fl_buf_span(&buf), got, &err) == 0,
          fl_msg_name(type));
    for (size_t n = 0; n < buf.len; n++)
        refused = refused && fl_msg_decode(type, fl_span_of(buf.ptr, n), got, NULL) == FL_E_PROTO;
    fl_buf_put_u8(&buf, 0);
    refused = refused && fl_msg_decode(type, fl_buf_span(&buf), got, NULL) == FL_E_PROTO;
    CHECK(refused, "cut short or with a byte more it is refused");
    free(msg);
    free(got);
}

static void check_values(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;
    struct fl_msg_device in = {
        .tenant = 7, .slug = FL_SPAN("br-0421"), .site = FL_SPAN("berlin"), .relay = 1};
    struct fl_msg_device out;
    struct fl_msg_key_destroy day = {.tenant = 1, .day = INT32_MIN}, got;
    struct fl_err err = {0};
    char long_slug[65] = "";

    fl_buf_init(&buf, FL_MSG_MAX_BYTES);
    CHECK(fl_msg_encode(FL_MSG_DEVICE, &in, &buf, &err) == 0 &&
              fl_msg_decode(FL_MSG_DEVICE, fl_buf_span(&buf), &out, &err) == 0 && out.tenant == 7 &&
              fl_span_eq(out.slug, in.slug) && fl_span_eq(out.site, in.site) && out.relay == 1 &&
              out.revoked == 0 && out.fingerprint.len == 0,
          "values survive");
    fl_buf_clear(&buf);
    CHECK(fl_msg_encode(FL_MSG_KEY_DESTROY, &day, &buf, &err) == 0 &&
              fl_msg_decode(FL_MSG_KEY_DESTROY, fl_buf_span(&buf), &got, &err) == 0 &&
              got.day == INT32_MIN,
          "negative numbers survive");
    memset(long_slug, 'a', 64);
    in.slug = fl_span_str(long_slug);
    fl_buf_clear(&buf);
    CHECK(fl_msg_encode(FL_MSG_DEVICE, &in, &buf, &err) == FL_E_LIMIT &&
              strcmp(err.text, "message device: a field of 64 bytes is over its 63") == 0,
          "a field over its maximum is not sent");
    fl_buf_clear(&buf);
    fl_buf_put_u32(&buf, 1);
    fl_buf_put_lv(&buf, fl_span_str(long_slug));
    CHECK(fl_msg_decode(FL_MSG_DEVICE, fl_buf_span(&buf), &out, &err) == FL_E_PROTO, "nor taken");
    CHECK(fl_msg_decode(FL_MSG_TYPE_COUNT, FL_SPAN(""), &out, &err) == FL_E_PROTO &&
              fl_msg_decode(FL_MSG_NONE, FL_SPAN(""), &out, &err) == FL_E_PROTO,
          "unknown types are refused");
}

static const struct {
    const char *name;
    enum fl_msg_type type;
    enum fl_role from, to;
    bool allowed;
} rights[] = {
    {"the client asks core", FL_MSG_REQUEST, FL_ROLE_CLIENT, FL_ROLE_CORE, true},
    {"the client never reaches store", FL_MSG_QUERY, FL_ROLE_CLIENT, FL_ROLE_STORE, false},
    {"core asks store", FL_MSG_QUERY, FL_ROLE_CORE, FL_ROLE_STORE, true},
    {"ingest asks no query", FL_MSG_QUERY, FL_ROLE_INGEST, FL_ROLE_STORE, false},
    {"store gets file keys", FL_MSG_FILE_KEY_ASK, FL_ROLE_STORE, FL_ROLE_KEYS, true},
    {"core gets no file keys", FL_MSG_FILE_KEY_ASK, FL_ROLE_CORE, FL_ROLE_KEYS, false},
    {"ingest gets no file keys", FL_MSG_FILE_KEY_ASK, FL_ROLE_INGEST, FL_ROLE_KEYS, false},
    {"store mints no capability", FL_MSG_CAP_ASK, FL_ROLE_STORE, FL_ROLE_KEYS, false},
    {"ingest signs no certificate", FL_MSG_CSR_SIGN, FL_ROLE_INGEST, FL_ROLE_KEYS, false},
    {"only keys tells store the key of capabilities", FL_MSG_CAP_KEY, FL_ROLE_CORE, FL_ROLE_STORE,
     false},
    {"only the supervisor stops a role", FL_MSG_STOP, FL_ROLE_CORE, FL_ROLE_STORE, false},
    {"only the supervisor links", FL_MSG_LINK, FL_ROLE_INGEST, FL_ROLE_STORE, false},
};

static void check_delivery(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf buf;
    static struct fl_delivery got; /* large */
    const struct fl_delivery_conn conns[] = {{1, 10}, {UINT64_MAX, 3}};
    struct fl_err err = {0};
    bool refused = true;

    fl_buf_init(&buf, FL_DELIVERY_MAX_BYTES);
    fl_delivery_put(9, conns, 2, FL_SPAN("batch"), &buf);
    CHECK(fl_delivery_get(fl_buf_span(&buf), &got, &err) == 0 && got.tenant == 9 &&
              got.count == 2 && got.conns[1].conn == UINT64_MAX && got.conns[1].upto == 3 &&
              fl_span_eq(got.batch, FL_SPAN("batch")),
          "a delivery survives");
    for (size_t n = 0; n < buf.len - 5; n++)
        refused = refused && fl_delivery_get(fl_span_of(buf.ptr, n), &got, NULL) == FL_E_CORRUPT;
    CHECK(refused, "a delivery with a cut head is refused");
    buf.ptr[5] = 0xff;
    buf.ptr[6] = 0xff;
    CHECK(fl_delivery_get(fl_buf_span(&buf), &got, &err) == FL_E_CORRUPT,
          "so are too many connections");
}

int main(void)
{
    for (int type = FL_MSG_NONE + 1; type < FL_MSG_TYPE_COUNT; type++)
        check_type((enum fl_msg_type)type);
    check_values();
    for (size_t i = 0; i < FL_LEN(rights); i++)
        CHECK(fl_msg_allowed(rights[i].type, rights[i].from, rights[i].to) == rights[i].allowed,
              rights[i].name);
    check_delivery();
    return tap_done();
}
