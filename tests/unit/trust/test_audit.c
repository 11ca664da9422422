#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "db/db.h"
#include "tap.h"
#include "trust/audit.h"
#include "unit/trust/folder.h"

#define NOW_US INT64_C(1795000000000000)

static const unsigned char key[FL_AUDIT_KEY_BYTES] = "thirty-two bytes of actor key..";
static struct fl_err err;

static struct fl_audit *open_log(const struct folder *dir, struct fl_db *db)
{
    struct fl_audit *a = NULL;

    if (fl_audit_open(dir->fd, FL_AUDIT_FILE, db, key, NOW_US, &a, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return a;
}

static int record(struct fl_audit *a, const char *event, const char *detail)
{
    struct fl_audit_event e = {.at_us = NOW_US + 1,
                               .event = fl_span_str(event),
                               .tenant = FL_SPAN("acme"),
                               .actor = FL_SPAN("uid:1000"),
                               .object = FL_SPAN("br-0421 \"\\\n\xff"),
                               .detail = fl_span_str(detail)};

    return fl_audit_record(a, &e, NULL, &err);
}

static int verify(const struct folder *dir, struct fl_audit_verdict *ret)
{
    FL_AUTO(fl_fd_closep) int fd = openat(dir->fd, FL_AUDIT_FILE, O_RDONLY | O_CLOEXEC);

    return fl_audit_verify(fd, ret, &err);
}

struct seen {
    uint64_t numbers[64];
    char lines[64][400];
    size_t count;
};

static int see(void *ctx, uint64_t number, struct fl_span line)
{
    struct seen *s = ctx;

    if (s->count == 64)
        return FL_E_LIMIT;
    (void)snprintf(s->lines[s->count], sizeof s->lines[0], "%.*s", FL_SPAN_ARG(line));
    s->numbers[s->count++] = number;
    return 0;
}

static const char *text_of(const json_t *line, const char *name)
{
    const char *text = json_string_value(json_object_get(line, name));

    return text == NULL ? "" : text;
}

static void check_recording(void)
{
    struct folder dir = folder_new();
    struct fl_audit *a = open_log(&dir, NULL), *second = NULL;
    struct fl_audit_verdict v;
    struct seen seen = {0};
    unsigned char hash[FL_AUDIT_HASH_BYTES];
    uint64_t next = 99;
    json_t *line;

    CHECK(fl_audit_last(a, hash) == 0 && sodium_is_zero(hash, sizeof hash), "empty");
    CHECK(record(a, "cert.issued", "{\"days\": 90, \"days2\": [1, 2]}") == 0 &&
              record(a, "b", "") == 0 && record(a, "c", "not \"JSON\"") == 0 &&
              record(a, "d", "{\"a\":1,\"a\":2}") == 0 && record(a, "e", "[1]") == 0,
          "five events");
    CHECK(fl_audit_open(dir.fd, FL_AUDIT_FILE, NULL, key, 0, &second, &err) == FL_E_EXISTS,
          "one writer");
    CHECK(fl_audit_read(a, 0, 0, see, &seen, &next, &err) == 0 && seen.count == 5 && next == 0 &&
              seen.numbers[0] == 1 && seen.numbers[4] == 5,
          "read back");
    line = json_loads(seen.lines[0], 0, NULL);
    CHECK(line != NULL && json_integer_value(json_object_get(line, "n")) == 1 &&
              strcmp(text_of(line, "at"), "2026-11-18T11:06:40.000001Z") == 0 &&
              strcmp(text_of(line, "event"), "cert.issued") == 0 &&
              strcmp(text_of(line, "tenant"), "acme") == 0 &&
              strcmp(text_of(line, "object"), "br-0421 \"\\\n\xef\xbf\xbd") == 0 &&
              json_integer_value(json_object_get(json_object_get(line, "detail"), "days")) == 90 &&
              strlen(text_of(line, "hash")) == 64,
          "a line is a JSON object with its members");
    CHECK(strncmp(text_of(line, "actor"), "a-", 2) == 0 && strlen(text_of(line, "actor")) == 18 &&
              strstr(seen.lines[0], "1000") == NULL,
          "the actor is a pseudonym");
    json_decref(line);
    CHECK(strstr(seen.lines[1], "detail") == NULL &&
              strstr(seen.lines[2], "\"detail\":{\"text\":\"not \\\"JSON\\\"\"}") != NULL &&
              strstr(seen.lines[3], "\"detail\":{\"text\":") != NULL &&
              strstr(seen.lines[4], "\"detail\":{\"text\":\"[1]\"}") != NULL,
          "a detail that is no object is kept as text");
    CHECK(verify(&dir, &v) == 0 && v.entries == 5 && !v.torn && v.first_us == NOW_US + 1 &&
              fl_audit_last(a, hash) == 5 && memcmp(hash, v.last_hash, sizeof hash) == 0,
          "it verifies");
    fl_audit_close(a);
    a = open_log(&dir, NULL);
    CHECK(record(a, "f", "") == 0 && verify(&dir, &v) == 0 && v.entries == 6,
          "the chain goes on after a restart");
    fl_audit_close(a);
    folder_free(&dir);
}

static void check_limits(void)
{
    struct folder dir = folder_new();
    struct fl_audit *a = open_log(&dir, NULL);
    struct fl_audit_event e = {.event = FL_SPAN("x"), .actor = FL_SPAN("uid:0")};
    struct fl_audit_verdict v;
    static char big[40000];

    memset(big, 'x', sizeof big - 1);
    e.object = fl_span_str(big);
    CHECK(fl_audit_record(a, &e, NULL, &err) == FL_E_LIMIT, "a line over its limit");
    e.object.len = 0;
    e.detail = fl_span_of(big, 8193);
    CHECK(fl_audit_record(a, &e, NULL, &err) == FL_E_LIMIT, "a detail over its limit");
    e.detail = fl_span_of(big, 8192);
    CHECK(fl_audit_record(a, &e, NULL, &err) == 0, "at it");
    e.actor.len = 0;
    CHECK(fl_audit_record(a, &e, NULL, &err) == FL_E_INVAL, "nobody did it");
    e.actor = FL_SPAN("uid:0");
    e.event.len = 0;
    CHECK(fl_audit_record(a, &e, NULL, &err) == FL_E_INVAL, "nothing happened");
    CHECK(verify(&dir, &v) == 0 && v.entries == 1, "what was refused left no trace");
    fl_audit_close(a);
    folder_free(&dir);
}

/* Any byte of any line changed, any line removed, doubled, or two exchanged. */
static void check_tampering(void)
{
    struct folder dir = folder_new();
    struct fl_audit *a = open_log(&dir, NULL);
    struct fl_audit_verdict v;
    struct fl_buf file;
    int silent = 0;
    size_t first;

    for (int i = 0; i < 3; i++)
        if (record(a, "e", "{}") < 0)
            abort();
    fl_audit_close(a);
    fl_buf_init(&file, 1 << 20);
    if (fl_file_read(dir.fd, FL_AUDIT_FILE, &file, &err) < 0)
        abort();
    for (size_t i = 0; i < file.len; i++) {
        unsigned char was = file.ptr[i];

        file.ptr[i] = was == 'z' ? 'y' : 'z';
        if (fl_file_write(dir.fd, FL_AUDIT_FILE, fl_buf_span(&file), 0600, &err) < 0)
            abort();
        silent += verify(&dir, &v) == 0 && !v.torn;
        file.ptr[i] = was;
    }
    CHECK(silent == 0, "a changed byte is found");
    first = (size_t)((unsigned char *)memchr(file.ptr, '\n', file.len) - file.ptr) + 1;
    if (fl_file_write(dir.fd, FL_AUDIT_FILE, fl_span_of(file.ptr + first, file.len - first), 0600,
                      &err) < 0)
        abort();
    CHECK(verify(&dir, &v) == FL_E_CORRUPT && strstr(err.text, "line 1 has the number 2") != NULL,
          "a line removed at the front");
    {
        struct fl_buf cut;

        fl_buf_init(&cut, 1 << 20);
        fl_buf_put(&cut, file.ptr, first);
        fl_buf_put(&cut, file.ptr + 2 * first, file.len - 2 * first);
        if (fl_file_write(dir.fd, FL_AUDIT_FILE, fl_buf_span(&cut), 0600, &err) < 0)
            abort();
        CHECK(verify(&dir, &v) == FL_E_CORRUPT && v.entries == 1, "one removed in the middle");
        fl_buf_done(&cut);
    }
    if (fl_file_write(dir.fd, FL_AUDIT_FILE, FL_SPAN(""), 0600, &err) < 0)
        abort();
    CHECK(verify(&dir, &v) == 0 && v.entries == 0, "an empty file has no entries");
    fl_buf_done(&file);
    folder_free(&dir);
}

/* A forger who knows the format: the first line changed, with a hash that fits it. */
static void check_forged(void)
{
    static const char hash_at[] = ",\"hash\":\"";
    struct folder dir = folder_new();
    struct fl_audit *a = open_log(&dir, NULL);
    unsigned char text[FL_AUDIT_HASH_BYTES + 4096] = {0}, hash[FL_AUDIT_HASH_BYTES], *at;
    struct fl_audit_verdict v;
    struct fl_buf file;
    size_t len;

    (void)record(a, "one", "");
    (void)record(a, "two", "");
    fl_audit_close(a);
    fl_buf_init(&file, 1 << 20);
    if (fl_file_read(dir.fd, FL_AUDIT_FILE, &file, &err) < 0)
        abort();
    at = memmem(file.ptr, file.len, "acme", 4);
    memcpy(at, "evil", 4);
    at = memmem(file.ptr, file.len, hash_at, sizeof hash_at - 1);
    len = (size_t)(at - file.ptr);
    memcpy(text + FL_AUDIT_HASH_BYTES, file.ptr, len); /* behind 32 zeros: nothing was before */
    (void)crypto_hash_sha256(hash, text, FL_AUDIT_HASH_BYTES + len);
    for (size_t i = 0; i < sizeof hash; i++) {
        char hex[3];

        (void)snprintf(hex, sizeof hex, "%02x", hash[i]);
        memcpy(at + sizeof hash_at - 1 + 2 * i, hex, 2);
    }
    if (fl_file_write(dir.fd, FL_AUDIT_FILE, fl_buf_span(&file), 0600, &err) < 0)
        abort();
    CHECK(verify(&dir, &v) == FL_E_CORRUPT && v.entries == 1 && strstr(err.text, "entry 2") != NULL,
          "a line that was forged with its own hash does not fit the next");
    fl_buf_done(&file);
    folder_free(&dir);
}

/* The last line cut at every byte. */
static void check_torn(void)
{
    struct folder dir = folder_new();
    struct fl_audit *a = open_log(&dir, NULL);
    struct fl_audit_verdict v;
    struct fl_buf file;
    size_t first;
    int bad = 0;

    (void)record(a, "one", "");
    (void)record(a, "two", "");
    fl_audit_close(a);
    fl_buf_init(&file, 1 << 20);
    if (fl_file_read(dir.fd, FL_AUDIT_FILE, &file, &err) < 0)
        abort();
    first = (size_t)((unsigned char *)memchr(file.ptr, '\n', file.len) - file.ptr) + 1;
    for (size_t len = first + 1; len < file.len; len++) {
        struct seen seen = {0};
        uint64_t next;

        if (fl_file_write(dir.fd, FL_AUDIT_FILE, fl_span_of(file.ptr, len), 0600, &err) < 0)
            abort();
        bad += verify(&dir, &v) != 0 || !v.torn || v.entries != 1;
        a = open_log(&dir, NULL);
        bad += record(a, "three", "") != 0 || verify(&dir, &v) != 0 || v.entries != 3 || v.torn ||
               fl_audit_read(a, 0, 0, see, &seen, &next, &err) != 0 ||
               strstr(seen.lines[1], "audit.repaired") == NULL ||
               strstr(seen.lines[1], "\"bytes_cut\":") == NULL;
        fl_audit_close(a);
    }
    CHECK(bad == 0, "an unfinished line is cut off, said, and the chain goes on");
    for (int i = 0; i < 2000; i++)
        fl_buf_put_str(&file, "longer than what follows");
    if (fl_file_write(dir.fd, FL_AUDIT_FILE, fl_buf_span(&file), 0600, &err) < 0)
        abort();
    a = open_log(&dir, NULL);
    CHECK(verify(&dir, &v) == 0 && !v.torn && v.entries == 3, "nothing of it stays behind");
    fl_audit_close(a);
    if (fl_file_write(dir.fd, FL_AUDIT_FILE, FL_SPAN("something else\n"), 0600, &err) < 0)
        abort();
    CHECK(fl_audit_open(dir.fd, FL_AUDIT_FILE, NULL, key, 0, &a, &err) == FL_E_CORRUPT,
          "a file that is none is not written to");
    fl_buf_done(&file);
    folder_free(&dir);
}

static void check_full(void)
{
    struct folder dir = folder_new();
    struct fl_audit *a = open_log(&dir, NULL);
    struct fl_audit_verdict v;
    struct stat st;
    int bad = 0;

    (void)record(a, "one", "");
    (void)fstatat(dir.fd, FL_AUDIT_FILE, &st, 0);
    for (uint64_t more = 0; more < 100; more += 9) {
        folder_full_at((uint64_t)st.st_size + more);
        bad += record(a, "two", "") != FL_E_IO;
    }
    folder_full_at(RLIM_INFINITY);
    CHECK(bad == 0 && verify(&dir, &v) == 0 && v.entries == 1 && !v.torn,
          "a full disk: said, and nothing half written");
    CHECK(record(a, "two", "") == 0 && verify(&dir, &v) == 0 && v.entries == 2,
          "and it goes on when there is room");
    fl_audit_close(a);
    folder_free(&dir);
}

static void check_reading(void)
{
    struct folder dir = folder_new();
    struct fl_audit *a = open_log(&dir, NULL);
    static char detail[700];
    int bad = 0;

    (void)snprintf(detail, sizeof detail, "{\"pad\":\"%0600d\"}", 1);
    for (int i = 0; i < 2000; i++)
        if (record(a, "e", detail) < 0)
            abort();
    for (uint64_t after = 0; after < 2000; after += after < 50 ? 1 : 37) {
        struct seen seen = {0};
        uint64_t next = 7;

        bad += fl_audit_read(a, after, 3, see, &seen, &next, &err) != 0 ||
               seen.numbers[0] != after + 1 ||
               (after < 1997 ? seen.count != 3 || next != after + 3 : next != 0);
    }
    CHECK(bad == 0, "pages from anywhere in a long file");
    {
        struct seen seen = {0};
        uint64_t next = 7;

        CHECK(fl_audit_read(a, 2000, 3, see, &seen, &next, &err) == 0 && seen.count == 0 &&
                  next == 0 && fl_audit_read(a, UINT64_MAX, 3, see, &seen, &next, &err) == 0 &&
                  seen.count == 0,
              "behind the end there is nothing");
        CHECK(fl_audit_read(a, 0, 0, see, &seen, &next, &err) == FL_E_LIMIT && seen.count == 64,
              "the reader may stop");
    }
    fl_audit_close(a);
    folder_free(&dir);
}

static void check_actors(void)
{
    static const unsigned char db_key[FL_SQL_KEY_BYTES];
    struct folder dir = folder_new();
    struct fl_db *db = NULL;
    struct fl_audit *a;
    char pseudonym[FL_AUDIT_ACTOR_MAX], clear[FL_DB_CLEAR_MAX + 1], path[64];
    unsigned char mac[32];
    char want[20] = "a-";

    (void)snprintf(path, sizeof path, "%s/x.db", dir.path);
    if (fl_db_open(path, db_key, 1, &db, &err) < 0)
        abort();
    a = open_log(&dir, db);
    (void)crypto_auth_hmacsha256(mac, (const unsigned char *)"uid:1000", 8, key);
    for (int i = 0; i < 8; i++)
        (void)snprintf(want + 2 + 2 * i, 3, "%02x", mac[i]);
    fl_audit_actor(a, FL_SPAN("uid:1000"), pseudonym);
    CHECK(strcmp(pseudonym, want) == 0, "HMAC-SHA-256 of the clear id");
    CHECK(record(a, "e", "") == 0 && fl_db_actor_get(db, pseudonym, clear, &err) == 0 &&
              strcmp(clear, "uid:1000") == 0,
          "who it is stands in the database");
    CHECK(fl_db_actor_forget(db, pseudonym, &err) == 0 &&
              fl_db_actor_get(db, pseudonym, clear, &err) == FL_E_NOENT,
          "from where it can be erased");
    fl_audit_close(a);
    fl_db_close(db);
    folder_free(&dir);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    check_recording();
    check_limits();
    check_tampering();
    check_forged();
    check_torn();
    check_full();
    check_reading();
    check_actors();
    return tap_done();
}
