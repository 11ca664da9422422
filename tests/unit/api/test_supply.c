/* The network of supply over the API: files in, a report, one change, rows, history, undo,
 * decisions, files out. */
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "db/db_supply.h"
#include "harness.h"
#include "tap.h"
#include "trust/share.h"

#define NET "/api/v1/tenants/acme/supply"

static struct fl_call nobody; /* the machine's socket */

static int ask(struct world *w, const char *method, const char *path, const char *body)
{
    return world_call(w, method, path, body);
}

static json_t *answer(const struct world *w)
{
    return json_loadb((const char *)w->body.ptr, w->body.len, 0, NULL);
}

static const char *text_at(const json_t *root, const char *a, const char *b)
{
    const json_t *at = json_object_get(root, a);
    const char *text = json_string_value(b == NULL ? at : json_object_get(at, b));

    return text == NULL ? "" : text;
}

static long number_at(const json_t *root, const char *a, const char *b)
{
    const json_t *at = json_object_get(root, a);

    return (long)json_number_value(b == NULL ? at : json_object_get(at, b));
}

static unsigned new_import(struct world *w, const char *name)
{
    char body[80];
    unsigned id = 0;
    json_t *a;

    (void)snprintf(body, sizeof body, "{\"name\":\"%s\"}", name);
    if (ask(w, "POST", NET "/imports", body) == 201) {
        a = answer(w);
        id = (unsigned)strtoul(text_at(a, "id", NULL), NULL, 10);
        json_decref(a);
    }
    return id;
}

static int put(struct world *w, unsigned id, const char *file, const char *text)
{
    char path[200];

    (void)snprintf(path, sizeof path, NET "/imports/%u/files/%s?offset=0", id, file);
    return ask(w, "PUT", path, text);
}

/* Until it is done; the answer's status. */
static int check(struct world *w, unsigned id, const char *body)
{
    char path[200];
    int status;

    (void)snprintf(path, sizeof path, NET "/imports/%u/check", id);
    status = ask(w, "POST", path, body);
    while (status == 202)
        status = ask(w, "POST", path, "");
    return status;
}

static int apply(struct world *w, unsigned id, const char *body)
{
    char path[200];
    int status;

    (void)snprintf(path, sizeof path, NET "/imports/%u/apply", id);
    do
        status = ask(w, "POST", path, body);
    while (status == 202);
    return status;
}

static const char suppliers[] = "supplier_id,name,country,tier,kind\n"
                                "s1,Acme Chips GmbH,DE,1,maker\n"
                                "s2,ACME CHIPS,DE,1,maker\n"
                                "s3,Other Works,JP,2,maker\n";
static const char sites[] = "Standort;Lieferant;Breite;Länge;Wiederanlauf (Wo);Werk;Land;Farbe\n"
                            "Dresden;s1;51,05;13,74;6;p1;Deutschland;blau\n"
                            "Osaka;s3;34,7;-135,5;4;p2;Japan;\n";
static const char parts[] = "part_id,name,class,stock_units\n0007,Chip,ic,100\nb,Board,pcb,\n";
static const char part_sites[] = "part_id,site_id,share,qualified,source,verified_on\n"
                                 "0007,p1,1,yes,customer,2026-10-01\nb,p2,1,yes,customer,\n";
static const char bom[] = "parent_id,part_id,quantity\nP,b,1\nb,0007,2\n";
static const char products[] = "product_id,name,stage,demand_per_day,profit_per_unit,"
                               "revenue_per_unit,stock_units\nP,Router,production,10,100,300,40\n";

static const char columns[] = "{\"columns\":{\"werke.csv\":{\"Werk\":\"site_id\",\"Standort\":"
                              "\"name\"}}}";

static void check_import(struct world *w)
{
    unsigned id = new_import(w, "first");
    json_t *a;

    CHECK(id > 0 && put(w, id, "suppliers.csv", suppliers) == 200 &&
              put(w, id, "werke.csv", sites) == 200 && put(w, id, "parts.csv", parts) == 200 &&
              put(w, id, "part_sites.csv", part_sites) == 200 &&
              put(w, id, "bom.csv", bom) == 200 && put(w, id, "products.csv", products) == 200,
          "six files");
    CHECK(apply(w, id, "{}") == 409, "what was not checked is not applied");
    CHECK(check(w, id, columns) == 200, "checked");
    a = answer(w);
    CHECK(number_at(a, "errors", NULL) == 0 && number_at(a, "would", "new") == 12,
          "nothing wrong, twelve rows");
    CHECK(world_has(w, "\"kind\":\"same_supplier\"") && world_has(w, "s1@s2"),
          "the same company is proposed");
    CHECK(world_has(w, "sign is turned") && world_has(w, "\"fix\":{\"lat\":34.7,\"lon\":135.5}"),
          "a turned sign is found, with the fix");
    CHECK(world_has(w, "wo x 7"), "weeks are days");
    json_decref(a);
    CHECK(ask(w, "GET", NET, NULL) == 200 && world_has(w, "\"version\":0"), "nothing stands yet");
    CHECK(apply(w, id, "{\"mode\":\"merge\"}") == 200 && world_has(w, "\"change\":1"), "applied");
    CHECK(ask(w, "GET", NET "/rows/sites/p1", NULL) == 200 && world_has(w, "\"ttr_days\":\"42\"") &&
              world_has(w, "\"country\":\"DE\"") && world_has(w, "\"Farbe\":\"blau\""),
          "units, country and unknown column");
    CHECK(ask(w, "GET", NET "/rows/parts/0007", NULL) == 200, "zeros in front stay");
    CHECK(ask(w, "GET", NET, NULL) == 200 && world_has(w, "\"mapped\":{\"confirmed\":"),
          "what is mapped");
    CHECK(ask(w, "GET", NET "/findings", NULL) == 200 && world_has(w, "\"what\":\"stale\""),
          "what nobody confirmed is listed");
    CHECK(ask(w, "GET", NET "/layouts", NULL) == 200 && world_has(w, "\"Werk\":\"site_id\""),
          "the layout is remembered");
}

static void check_again(struct world *w)
{
    unsigned id = new_import(w, "second");
    json_t *a;

    CHECK(put(w, id, "anything.csv", sites) == 200 && check(w, id, "{}") == 200,
          "the same headings under another name");
    a = answer(w);
    CHECK(number_at(a, "would", "same") == 2 && number_at(a, "would", "new") == 0,
          "are read as before, and nothing is new");
    json_decref(a);
    CHECK(apply(w, id, "{}") == 200 && world_has(w, "\"change\":null"), "no change comes of it");
}

static void check_bad(struct world *w)
{
    unsigned id = new_import(w, "bad");

    CHECK(put(w, id, "parts.csv", "part_id,name\nnew1,One\nnew2,Two\n") == 200 &&
              put(w, id, "part_sites.csv",
                  "part_id,site_id,share\nnew1,p1,0.5\nnew2,nowhere,2\n") == 200,
          "two files, one row of them wrong");
    CHECK(check(w, id, "{}") == 200 && world_has(w, "\"errors\":1") &&
              world_has(w, "\"file\":\"part_sites.csv\",\"line\":3,\"column\":\"share\""),
          "it is named by file, line and column");
    CHECK(apply(w, id, "{}") == 422, "and nothing is applied");
    CHECK(ask(w, "GET", NET "/rows/parts/new1", NULL) == 404, "not even the rows that are right");
    CHECK(put(w, id, "part_sites.csv", "part_id,site_id,share\nnew1,p1,0.5\nnew2,P1,1\n") == 200 &&
              check(w, id, "{}") == 200 && world_has(w, "there is no site 'P1'"),
          "a reference that leads nowhere");
    CHECK(ask(w, "PUT", NET "/imports/1/files/x?offset=0", "x") == 404, "an import that is done");
    CHECK(put(w, id, "part_sites.csv", "part_id,site_id,share\nnew1,p1,0.5\nnew2,p2,1\n") == 200 &&
              check(w, id, "{\"mode\":\"replace\"}") == 200 && world_has(w, "\"removed\":4"),
          "replacing says what goes");
    CHECK(apply(w, id, "{}") == 422 && world_has(w, "which no file replaces"),
          "what others need does not go");
    CHECK(ask(w, "GET", NET "/rows/parts/0007", NULL) == 200 &&
              ask(w, "GET", NET "/rows/parts/new1", NULL) == 404,
          "and nothing is left of the attempt");
}

static void check_rows(struct world *w)
{
    CHECK(ask(w, "PUT", NET "/rows/parts/b",
              "{\"cells\":{\"part_id\":\"b\",\"name\":\"Board 2\"}}") == 200,
          "an edit");
    CHECK(ask(w, "PUT", NET "/rows/parts/b", "{\"cells\":{\"part_id\":\"c\"}}") == 422,
          "not of another key");
    CHECK(ask(w, "PUT", NET "/rows/part_sites/b%40x",
              "{\"cells\":{\"part_id\":\"b\",\"site_id\":\"x\"}}") == 422 &&
              world_has(w, "there is no site 'x'"),
          "not to what is not there");
    CHECK(ask(w, "GET", NET "/rows/parts/b/history", NULL) == 200 && world_has(w, "Board 2") &&
              world_has(w, "\"name\":\"Board\"") && world_has(w, "\"until\":2"),
          "its history");
    CHECK(ask(w, "GET", NET "/rows/parts/b?at=1", NULL) == 200 && !world_has(w, "Board 2"),
          "what was believed before");
    CHECK(ask(w, "DELETE", NET "/rows/parts/b", NULL) == 409 && world_has(w, "refers to it"),
          "what others need is not removed");
    CHECK(ask(w, "POST", NET "/changes/2/undo", "{}") == 200 && world_has(w, "\"undoes\":2"),
          "undo");
    CHECK(ask(w, "GET", NET "/rows/parts/b", NULL) == 200 && !world_has(w, "Board 2"),
          "is as it was");
    CHECK(ask(w, "POST", NET "/changes/2/undo", "{}") == 409, "once");
    CHECK(ask(w, "GET", NET "/changes", NULL) == 200 && world_has(w, "\"undone_by\":3"),
          "the list");
    CHECK(ask(w, "GET", NET "/rows/parts?find=chip", NULL) == 200 && world_has(w, "0007") &&
              !world_has(w, "Board"),
          "a text is found");
    CHECK(ask(w, "GET", NET "/rows/nothing", NULL) == 404, "no such table");
    CHECK(ask(w, "GET", NET "/tables", NULL) == 200 && world_has(w, "\"ttr_days\""), "the tables");
}

static void check_decisions(struct world *w)
{
    unsigned id;

    CHECK(ask(w, "POST", NET "/decisions",
              "{\"kind\":\"same_supplier\",\"subject\":\"s1@s2\",\"answer\":\"s1\"}") == 201,
          "s2 is s1");
    CHECK(ask(w, "GET", "/api/v1/tenants/acme/supply/graph", NULL) == 200 &&
              !world_has(w, "\"s2\""),
          "and the network has one of them");
    CHECK(ask(w, "POST", NET "/decisions",
              "{\"kind\":\"same_supplier\",\"subject\":\"s1@s2\",\"answer\":\"s2\"}") == 422 ||
              w->status == 409,
          "decided is decided");
    id = new_import(w, "third");
    CHECK(put(w, id, "suppliers.csv", suppliers) == 200 && check(w, id, "{}") == 200 &&
              !world_has(w, "s1@s2"),
          "it is not asked again");
    CHECK(ask(w, "DELETE", NET "/decisions/1", NULL) == 200 && check(w, id, "{}") == 200 &&
              world_has(w, "s1@s2"),
          "reversed, it is asked again");
    CHECK(
        ask(w, "POST", NET "/decisions",
            "{\"kind\":\"wrong_place\",\"subject\":\"p2\",\"answer\":\"fix\",\"fix\":{\"lat\":34.7,"
            "\"lon\":135.5}}") == 201 &&
            ask(w, "GET", NET "/rows/sites/p2", NULL) == 200 && world_has(w, "\"lon\":\"135.5\""),
        "a position is put right");
    id = new_import(w, "fourth");
    CHECK(put(w, id, "werke.csv", sites) == 200 && check(w, id, "{}") == 200 &&
              world_has(w, "\"same\":2"),
          "and stays right when the file comes again");
    CHECK(ask(w, "POST", NET "/decisions",
              "{\"kind\":\"nothing\",\"subject\":\"a@b\",\"answer\":\"a\"}") == 422,
          "kinds are known");
}

/* keys signs the hash of what was given; whoever has the file can check it. */
static void check_share(struct world *w)
{
    unsigned char public[32], secret[64], other[32], hash[32];
    struct fl_buf FL_AUTO(fl_buf_done) line;
    struct fl_msg_share_signed made;
    struct fl_span last;
    struct fl_err err;

    fl_buf_init(&line, FL_SHARE_LINE_MAX);
    (void)crypto_sign_keypair(public, secret);
    (void)ask(w, "POST", NET "/shares", "{\"redact\":\"sources\"}");
    CHECK(world_last(w)->type == FL_MSG_SHARE_SIGN && !world_has(w, "Acme"), "keys is asked");
    (void)crypto_hash_sha256(hash, w->body.ptr, w->body.len);
    CHECK(fl_share_make(FL_SPAN("acme"), 5, hash, secret, &line, &err) == 0, "a line");
    made.line = fl_buf_span(&line);
    world_answer(w, FL_MSG_SHARE_SIGNED, &made);
    CHECK(fl_share_verify(fl_buf_span(&w->body), other, &last, &err) == 0 &&
              memcmp(public, other, 32) == 0,
          "the answer ends in it, and fits");
    w->body.ptr[20] ^= 1;
    CHECK(fl_share_verify(fl_buf_span(&w->body), other, &last, &err) == FL_E_DENIED,
          "what was changed does not");
    w->body.ptr[20] ^= 1;
    w->body.ptr[w->body.len - 200] ^= 1;
    CHECK(fl_share_verify(fl_buf_span(&w->body), other, &last, &err) < 0, "nor a changed line");
}

static void check_export(struct world *w)
{
    json_t *omts;

    CHECK(ask(w, "GET", NET "/export/sites.csv", NULL) == 200 &&
              world_has(w, "p1,s1,Dresden,51.05,13.74,DE,") && world_has(w, "said_by,Farbe\r\n"),
          "a table, with its unknown column");
    CHECK(ask(w, "GET", NET "/export", NULL) == 200 && world_has(w, "{\"table\":\"bom\""),
          "all of it, line by line");
    CHECK(ask(w, "GET", NET "/export?format=omts", NULL) == 200, "a graph");
    omts = answer(w);
    CHECK(omts != NULL && json_array_size(json_object_get(omts, "nodes")) == 8 &&
              json_array_size(json_object_get(omts, "edges")) == 6,
          "is JSON, with eight nodes and six edges");
    json_decref(omts);
    CHECK(ask(w, "GET", NET "/export?redact=sources,money,stock", NULL) == 200 &&
              !world_has(w, "Acme") && !world_has(w, "Dresden") && !world_has(w, "\"100\"") &&
              world_has(w, "Router"),
          "what is hidden is not in it");
    CHECK(ask(w, "GET", NET "/export?redact=nothing", NULL) == 422, "a word that is none");
    check_share(w);
}

int main(void)
{
    struct world w;

    (void)nobody;
    world_init(&w, 1);
    CHECK(world_call(&w, "POST", "/api/v1/tenants",
                     "{\"slug\":\"acme\",\"name\":\"Acme\",\"demo\":true}") == 201,
          "a tenant");
    check_import(&w);
    check_again(&w);
    check_bad(&w);
    check_rows(&w);
    check_decisions(&w);
    check_export(&w);
    world_done(&w);
    return tap_done();
}
