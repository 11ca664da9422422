#include <stdio.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "tap.h"

static int parse(const char *text, struct fl_conf **ret, struct fl_buf *errors)
{
    fl_buf_clear(errors);
    return fl_conf_parse("f", fl_span_str(text), ret, errors, NULL);
}

static void check_defaults(void)
{
    FL_AUTO(fl_conf_freep) struct fl_conf *conf = NULL;
    struct fl_err err;

    CHECK(fl_conf_defaults(&conf, &err) == FL_OK, "the defaults pass their own checks");
    CHECK(fl_conf_num(conf, FL_SET_COMMIT_MS) == 50 &&
              fl_conf_num(conf, FL_SET_COMMIT_BYTES) == 1 << 20 &&
              fl_conf_num(conf, FL_SET_SEAL_ROWS) == 65536 &&
              fl_conf_num(conf, FL_SET_SEAL_S) == 300 &&
              fl_conf_num(conf, FL_SET_MEMTABLE_BYTES) == 96 << 20 &&
              fl_conf_num(conf, FL_SET_RING_BYTES) == 8 << 20 &&
              fl_conf_num(conf, FL_SET_QUERY_MS) == 10000 &&
              fl_conf_num(conf, FL_SET_QUERY_BYTES) == 64 << 20 &&
              fl_conf_num(conf, FL_SET_KEEP_DAYS) == 30 &&
              fl_conf_num(conf, FL_SET_LINE_MAX) == 64 << 10,
          "numbers");
    CHECK(strcmp(fl_conf_str(conf, FL_SET_LISTEN_TLS), "[::]:6514") == 0 &&
              strcmp(fl_conf_str(conf, FL_SET_LOCAL_SOCKET),
                     "/var/lib/fairlead/run/fairlead.sock") == 0 &&
              fl_conf_listeners(conf) == 0 && fl_conf_listener(conf, 0) == NULL,
          "texts");
    CHECK(fl_conf_set(conf, FL_SET_DATA_DIR, FL_SPAN("/x"), &err) == FL_OK &&
              strcmp(fl_conf_str(conf, FL_SET_LOCAL_SOCKET), "/x/run/fairlead.sock") == 0,
          "the socket follows the data folder");
    CHECK(fl_conf_set(conf, FL_SET_LOCAL_SOCKET, FL_SPAN("/s"), &err) == FL_OK &&
              fl_conf_set(conf, FL_SET_DATA_DIR, FL_SPAN("/y"), &err) == FL_OK &&
              strcmp(fl_conf_str(conf, FL_SET_LOCAL_SOCKET), "/s") == 0,
          "until it is given");
    CHECK(fl_conf_set(conf, FL_SET_KEEP_DAYS, FL_SPAN("0"), &err) == FL_E_INVAL &&
              strcmp(err.text, "keep_days: 0 is out of range; it takes 1 to 30") == 0 &&
              fl_conf_num(conf, FL_SET_KEEP_DAYS) == 30,
          "a wrong value is told and changes nothing");
}

struct number {
    enum fl_setting setting;
    const char *text, *shown;
    uint64_t value;
};

static void check_numbers(void)
{
    static const struct number good[] = {
        {FL_SET_COMMIT_MS, "7", "7ms", 7},
        {FL_SET_COMMIT_MS, "1000", "1s", 1000},
        {FL_SET_QUERY_MS, "10m", "10m", 600000},
        {FL_SET_SEAL_S, "1d", "1d", 86400},
        {FL_SET_SEAL_S, "61", "61s", 61},
        {FL_SET_MEMTABLE_BYTES, "64G", "64G", UINT64_C(64) << 30},
        {FL_SET_MEMTABLE_BYTES, "8388609", "8388609", 8388609},
        {FL_SET_LINE_MAX, "65536", "64K", 64 << 10},
        {FL_SET_UID_BASE, "0", "0", 0},
        {FL_SET_UID_BASE, "4000000000", "4000000000", 4000000000},
    };
    static const char *const bad[] = {"",
                                      "m",
                                      "1ms ",
                                      "1 ms",
                                      "0x10",
                                      "+1",
                                      "1.5s",
                                      "1S",
                                      "1ss",
                                      "99999999999999999999m",
                                      "18446744073709551615h"};
    FL_AUTO(fl_conf_freep) struct fl_conf *conf = NULL;
    FL_AUTO(fl_buf_done) struct fl_buf shown;
    unsigned wrong = 0;

    fl_buf_init(&shown, 100);
    if (fl_conf_defaults(&conf, NULL) < 0)
        return;
    for (size_t i = 0; i < FL_LEN(good); i++) {
        fl_buf_clear(&shown);
        if (fl_conf_set(conf, good[i].setting, fl_span_str(good[i].text), NULL) < 0 ||
            fl_conf_num(conf, good[i].setting) != good[i].value)
            wrong++;
        fl_conf_value(conf, good[i].setting, &shown);
        wrong += !fl_span_eq(fl_buf_span(&shown), fl_span_str(good[i].shown));
    }
    CHECK(wrong == 0, "numbers with their units, and their shortest form");
    for (size_t i = 0; i < FL_LEN(bad); i++)
        wrong += fl_conf_set(conf, FL_SET_QUERY_MS, fl_span_str(bad[i]), NULL) != FL_E_INVAL;
    wrong += fl_conf_set(conf, FL_SET_LINE_MAX, FL_SPAN("18014398509482048K"), NULL) != FL_E_INVAL;
    CHECK(wrong == 0, "what is no number of that unit, or wraps around 64 bits");
}

static void check_errors(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf errors;
    struct fl_conf *conf = NULL;
    struct fl_err err;

    fl_buf_init(&errors, 200);
    CHECK(fl_conf_parse("f", FL_SPAN("a\nb\nc\nd\ne\nf\ng\n"), &conf, &errors, &err) ==
                  FL_E_INVAL &&
              conf == NULL && strcmp(err.text, "7 errors in f") == 0 && errors.len <= 200,
          "a list of errors that is too long is cut, and their number told");
    CHECK(fl_conf_read("/nonexistent/file", &conf, &errors, &err) == FL_E_NOENT, "no file");
    CHECK(fl_conf_read("/", &conf, &errors, &err) == FL_E_IO, "a folder");
}

static void check_items(void)
{
    struct fl_span list = FL_SPAN(" a, b\t,, ,c "), item;
    char all[20] = "";

    while (fl_conf_item(&list, &item))
        (void)snprintf(all + strlen(all), sizeof all - strlen(all), "<%.*s>", FL_SPAN_ARG(item));
    CHECK(strcmp(all, "<a><b><c>") == 0, "a comma list");
}

/* What a supervisor sends and a role rebuilds is the same as what was read. */
static void check_round_trip(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf first, second, errors;
    struct fl_conf *conf = NULL, *again = NULL;

    fl_buf_init(&first, 100000);
    fl_buf_init(&second, 100000);
    fl_buf_init(&errors, 10000);
    CHECK(parse("keep_days = 3\n[listener a]\nkind=udp\naddress=[::]:514\ntenant=t\n", &conf,
                &errors) == FL_OK,
          "a file");
    fl_conf_dump(conf, &first);
    fl_buf_put_u8(&first, 0);
    CHECK(parse((const char *)first.ptr, &again, &errors) == FL_OK, "its dump reads back");
    fl_conf_dump(again, &second);
    fl_buf_put_u8(&second, 0);
    CHECK(fl_span_eq(fl_buf_span(&first), fl_buf_span(&second)), "to the same");
    fl_conf_free(conf);
    fl_conf_free(again);
}

static void check_man(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf man;
    unsigned missing = 0;

    fl_buf_init(&man, 1 << 20);
    fl_conf_man(&man);
    fl_buf_put_u8(&man, 0);
    for (int s = 0; s < FL_SETTING_COUNT; s++) {
        char item[100];

        (void)snprintf(item, sizeof item, ".It Ic %s No = ", fl_conf_name((enum fl_setting)s));
        missing += strstr((const char *)man.ptr, item) == NULL;
    }
    CHECK(missing == 0 && man.failed == 0, "the manual has every setting");
}

int main(void)
{
    check_defaults();
    check_numbers();
    check_errors();
    check_items();
    check_round_trip();
    check_man();
    return tap_done();
}
