/* Hundreds of live tails over one store role: each gets every row that it asked for, once and in
 * order, whatever the others do. Run it under TSan. */
#include "store_world.h"

#include <malloc.h>

enum {
    TAILS = 240, /* of TENANT */
    OTHERS = 60, /* of another one */
    ALL = TAILS + OTHERS,
    ROUNDS = 20,
    ROUND_ROWS = 20,
    FIRST_ID = 100000,
    SLOW_EACH = 10,    /* every so manieth reads nothing for a long time */
    SLOW_BYTES = 1000, /* that it takes at once */
    WINDOW_BYTES = 128 * 1024
};

struct reader {
    struct fl_buf text; /* a row that is not whole */
    uint32_t tenant;
    uint64_t rows, last; /* number of the latest row */
    unsigned step;       /* it asked for every so manieth row */
    bool slow, begun, over;
    unsigned wrong, told;
    int code;
    char why[200];
};

static struct reader readers[ALL + 1];

static const struct {
    const char *filter;
    unsigned step;
} kinds[] = {{"", 1}, {"app:youtube", 2}, {"site:site0", 3}, {"app:youtube site:site0", 6}};

static bool is_slow(size_t i)
{
    return i % SLOW_EACH == SLOW_EACH - 1;
}

static void send_to(struct world *w, enum fl_msg_type type, size_t i, const void *msg)
{
    if (fl_imsg_send(w->as_core, type, FIRST_ID + (uint32_t)i, msg, -1, NULL) < 0)
        abort();
}

static void give(struct world *w, size_t i, uint64_t bytes)
{
    struct fl_msg_credit msg = {bytes};

    send_to(w, FL_MSG_CREDIT, i, &msg);
}

static void take_row(struct reader *r, const char *line)
{
    const char *at = strstr(line, "line ");
    uint64_t no = at == NULL ? 0 : strtoull(at + 5, NULL, 10);

    if (at == NULL) {
        r->told += strstr(line, "\"fairlead\"") != NULL;
        r->wrong += strstr(line, "\"dropped\":0,") == NULL;
        return;
    }
    r->wrong += no != r->last + r->step;
    r->last = no;
    r->rows++;
}

static void take_text(struct reader *r, struct fl_span bytes)
{
    char *at, *end;

    fl_buf_put_span(&r->text, bytes);
    fl_buf_put_u8(&r->text, '\0');
    at = (char *)r->text.ptr;
    for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        *end = '\0';
        take_row(r, at);
    }
    r->text.len--;
    fl_buf_consume(&r->text, (size_t)(at - (char *)r->text.ptr));
}

static void on_other(struct world *w, struct fl_imsg_in *in)
{
    struct fl_msg_query_end end;
    struct fl_msg_result result;
    size_t i = in->id - FIRST_ID;

    if (in->id < FIRST_ID || i >= FL_LEN(readers))
        return;
    fl_loop_stop(w->loop);
    if (in->type == FL_MSG_RESULT && fl_msg_decode(in->type, in->payload, &result, NULL) >= 0) {
        readers[i].begun = true;
        take_text(&readers[i], result.bytes);
        if (!readers[i].slow && result.bytes.len > 0)
            give(w, i, result.bytes.len);
    } else if (in->type == FL_MSG_QUERY_END &&
               fl_msg_decode(in->type, in->payload, &end, NULL) >= 0) {
        readers[i].over = true;
        readers[i].code = end.code;
        (void)snprintf(readers[i].why, sizeof readers[i].why, "%.*s", FL_SPAN_ARG(end.text));
    }
}

static void open_tail(struct world *w, size_t i, uint32_t tenant, const char *filter)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_cap cap = {.tenant = tenant,
                         .scope = FL_CAP_READ | FL_CAP_REVEAL,
                         .not_after_us = fl_now_us() + 600 * FL_US_PER_S,
                         .purpose = "tail"};
    struct fl_msg_query msg = {.kind = FL_Q_TAIL,
                               .filter = fl_span_str(filter),
                               .format = FL_SPAN("ndjson"),
                               .limit = 100000};

    fl_buf_init(&text, FL_CAP_MAX_BYTES);
    if (fl_cap_mint(&cap, w->cap_secret, &text, NULL) < 0)
        abort();
    msg.cap = fl_buf_span(&text);
    send_to(w, FL_MSG_QUERY, i, &msg);
}

static bool all_begun(size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!readers[i].begun)
            return false;
    return true;
}

/* Of those for whom the rows up to `last` came: has each seen the last that it asked for? */
static bool all_there(uint64_t last, bool slow_ones)
{
    for (size_t i = 0; i < ALL; i++) {
        const struct reader *r = &readers[i];

        if (!r->over && r->slow == slow_ones && r->last + r->step <= last)
            return false;
    }
    return true;
}

static bool none_wrong(void)
{
    unsigned wrong = 0;

    for (size_t i = 0; i < ALL; i++)
        wrong += readers[i].wrong;
    return wrong == 0;
}

static bool until(struct world *w, bool (*done)(uint64_t last, bool slow_ones), uint64_t last,
                  bool slow_ones)
{
    while (!done(last, slow_ones))
        if (!pump(w, WAIT_MS))
            return false;
    return true;
}

static void open_all(struct world *w)
{
    size_t before = mallinfo2().uordblks, used;

    for (size_t i = 0; i < ALL; i++) {
        const size_t kind = i % FL_LEN(kinds);

        readers[i] = (struct reader){.tenant = i < TAILS ? TENANT : TENANT + 1,
                                     .step = kinds[kind].step,
                                     .slow = is_slow(i)};
        fl_buf_init(&readers[i].text, 1 << 22);
        open_tail(w, i, readers[i].tenant, kinds[kind].filter);
        give(w, i, is_slow(i) ? SLOW_BYTES : WINDOW_BYTES);
    }
    while (!all_begun(ALL) && pump(w, WAIT_MS))
        ;
    used = mallinfo2().uordblks - before;
    printf("# %zu bytes of memory for each tail that waits\n", used / ALL);
    CHECK(all_begun(ALL), "hundreds of tails are taken, and told so before there is a row");
    CHECK(used / ALL < 8192, "one that waits takes little memory");
}

static void check_rows(struct world *w)
{
    uint64_t last = 0;
    uint64_t slow_rows = 0;

    for (unsigned n = 0; n < ROUNDS; n++) {
        deliver(w, TENANT, last + 1, ROUND_ROWS, false);
        deliver(w, TENANT + 1, last + 1, ROUND_ROWS, false);
        last += ROUND_ROWS;
        (void)pump(w, 20);
    }
    CHECK(until(w, all_there, last, false) && none_wrong(),
          "each gets every row that it asked for, once and in order");
    for (size_t i = 0; i < ALL; i++)
        slow_rows += readers[i].slow ? readers[i].rows : 0;
    CHECK(slow_rows <= (ALL / SLOW_EACH) * 3, "while slow readers took next to nothing");
    for (size_t i = 0; i < ALL; i++)
        if (readers[i].slow)
            give(w, i, 100);
    (void)pump(w, QUIET_MS);
    for (size_t i = 0; i < ALL; i++) {
        readers[i].slow = false; /* from now on they give back what they take */
        if (is_slow(i))
            give(w, i, WINDOW_BYTES);
    }
    CHECK(until(w, all_there, last, false) && none_wrong(),
          "and go on later where they were: nothing is lost, nothing comes twice");
}

static void check_cancel(struct world *w)
{
    const uint64_t before = ROUNDS * ROUND_ROWS, last = before + 60;
    uint64_t more = 0;

    for (size_t i = 0; i < ALL; i += 2) {
        send_to(w, FL_MSG_CANCEL, i, NULL);
        readers[i].over = true;
    }
    while (pump(w, QUIET_MS))
        ;
    for (size_t i = 0; i < ALL; i += 2)
        more -= readers[i].rows;
    deliver(w, TENANT, before + 1, 60, false);
    deliver(w, TENANT + 1, before + 1, 60, false);
    CHECK(until(w, all_there, last, false) && none_wrong(), "those that are left go on");
    for (size_t i = 0; i < ALL; i += 2)
        more += readers[i].rows;
    CHECK(more == 0, "those that were cancelled get nothing more");
}

/* The setting of this test: TAILS for a tenant. */
static void check_limit(struct world *w)
{
    struct reader *r = &readers[ALL];

    fl_buf_init(&r->text, 1 << 16);
    r->step = 1;
    for (size_t i = 0; i < TAILS; i += 2) {
        readers[i].over = readers[i].begun = false;
        readers[i].last = ROUNDS * ROUND_ROWS + 60;
        readers[i].step = 1;
        open_tail(w, i, TENANT, "");
    }
    while (!all_begun(TAILS) && pump(w, WAIT_MS))
        ;
    CHECK(all_begun(TAILS), "the room of cancelled ones is given again");
    open_tail(w, ALL, TENANT, "");
    while (!r->over && pump(w, WAIT_MS))
        ;
    CHECK(r->over && !r->begun && r->code == FL_E_AGAIN &&
              strstr(r->why, "too many live tails") != NULL,
          "over the limit a tail is refused before it begins");
    r->over = false;
    open_tail(w, ALL, TENANT + 1, "app:(");
    while (!r->over && pump(w, WAIT_MS))
        ;
    CHECK(r->over && !r->begun && r->code == FL_E_INVAL, "and so is a filter that is none");
}

int main(void)
{
    struct world w;
    struct fl_err err = {0};

    memset(&w, 0, sizeof w);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    memkeys_init(&w.keys);
    w.dir = temp_folder(w.path);
    w.other = on_other;
    fl_cap_keypair(w.cap_public, w.cap_secret);
    if (fl_conf_defaults(&w.conf, &err) < 0 ||
        fl_conf_set(w.conf, FL_SET_TAIL_MAX, FL_SPAN("240"), &err) < 0 ||
        fl_ring_create(4 << 20, &w.ring_fd, &err) < 0 ||
        fl_ring_writer_open(w.ring_fd, &w.ring, &err) < 0 || fl_loop_new(&w.loop, &err) < 0 ||
        fl_watch_timer(w.loop, -1, 0, on_timer, &w, &w.timer, &err) < 0)
        abort();
    begin(&w);
    send_cap_key(&w);
    send_rule(&w, TENANT);
    send_rule(&w, TENANT + 1);
    CHECK(until_cap_key(&w), "the role is ready");
    open_all(&w);
    check_rows(&w);
    check_cancel(&w);
    check_limit(&w);
    end(&w);
    for (size_t i = 0; i <= ALL; i++)
        fl_buf_done(&readers[i].text);
    fl_buf_done(&w.got.text);
    fl_watch_free(w.timer);
    fl_loop_free(w.loop);
    fl_ring_writer_close(w.ring);
    (void)close(w.ring_fd);
    fl_conf_free(w.conf);
    memkeys_done(&w.keys);
    (void)close(w.dir);
    remove_tree(w.path);
    return tap_done();
}
