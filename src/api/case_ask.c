#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/cases.h"
#include "base/rand.h"
#include "base/time.h"
#include "db/db_supply.h"

#define HOUR_US       (INT64_C(3600) * FL_US_PER_S)
#define DUE_AT_A_TIME 50u

static void put(char *to, size_t size, const char *from)
{
    memset(to, 0, size);
    (void)snprintf(to, size, "%.*s", (int)size - 1, from);
}

static void put_span(char *to, size_t size, struct fl_span from)
{
    memset(to, 0, size);
    (void)snprintf(to, size, "%.*s", (int)(from.len < size ? from.len : size - 1),
                   from.len == 0 ? "" : (const char *)from.ptr);
}

static const char *name_of(const struct fl_question *q)
{
    return q->site_name[0] == '\0' ? q->site : q->site_name;
}

/* ---- the network of supply: sites and contacts ---- */

static int look_row(const struct fl_case_kit *kit, enum fl_supply_table table, const char *key,
                    struct fl_buf *cells, struct fl_supply_row *ret, struct fl_err *err)
{
    uint64_t since;
    int r = fl_db_supply_get(kit->db, kit->tenant.id, table, key, 0, cells, &since, err);

    return r < 0 ? r : fl_supply_unpack(table, fl_buf_span(cells), ret, err);
}

int fl_case_site_look(const struct fl_case_kit *kit, struct fl_case_site *site, char country[3],
                      struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf cells;
    FL_AUTO(fl_buf_done) struct fl_buf more;
    struct fl_supply_row row;
    int r;

    fl_buf_init(&cells, 64 * 1024);
    fl_buf_init(&more, 64 * 1024);
    country[0] = '\0';
    r = look_row(kit, FL_SUPPLY_SITES, site->site, &cells, &row, err);
    if (r < 0)
        return r;
    if (site->name[0] == '\0')
        put_span(site->name, sizeof site->name, row.cell[FL_SITE_NAME]);
    if (site->supplier[0] == '\0')
        put_span(site->supplier, sizeof site->supplier, row.cell[FL_SITE_SUPPLIER]);
    put_span(country, 3, row.cell[FL_SITE_COUNTRY]);
    if (site->down_m == FL_CASE_UNKNOWN && row.cell[FL_SITE_TTR].len > 0)
        site->down_m = (int64_t)(fl_supply_number(row.cell[FL_SITE_TTR], 0) * 1000);
    if (site->supplier_name[0] != '\0' || site->supplier[0] == '\0')
        return FL_OK;
    r = look_row(kit, FL_SUPPLY_SUPPLIERS, site->supplier, &more, &row, err);
    if (r == FL_OK)
        put_span(site->supplier_name, sizeof site->supplier_name, row.cell[FL_SUPPLIER_NAME]);
    return r == FL_E_NOENT ? FL_OK : r;
}

struct pick {
    const char *supplier;
    uint32_t after;
    struct fl_contact best; /* number 0: none so far */
    struct fl_err *err;
};

/* Keys stand in the order of their texts ("S1@10" before "S1@2"): the smallest number counts. */
static int pick_contact(void *ctx, const struct fl_db_supply_row *stored)
{
    struct pick *p = ctx;
    size_t len = strlen(p->supplier);
    struct fl_supply_row row;
    uint64_t number = 0;
    int r;

    if (stored->key.len <= len || memcmp(stored->key.ptr, p->supplier, len) != 0 ||
        stored->key.ptr[len] != '@')
        return 1; /* behind the supplier's rows */
    r = fl_supply_unpack(FL_SUPPLY_CONTACTS, stored->cells, &row, p->err);
    if (r < 0)
        return r;
    number = (uint64_t)fl_supply_number(row.cell[FL_CONTACT_NUMBER], 0);
    if (number <= p->after || number > UINT32_MAX || row.cell[FL_CONTACT_EMAIL].len == 0 ||
        (p->best.number != 0 && number >= p->best.number))
        return 0;
    p->best.number = (uint32_t)number;
    put_span(p->best.name, sizeof p->best.name, row.cell[FL_CONTACT_NAME]);
    put_span(p->best.email, sizeof p->best.email, row.cell[FL_CONTACT_EMAIL]);
    put_span(p->best.language, sizeof p->best.language, row.cell[FL_CONTACT_LANGUAGE]);
    return 0;
}

int fl_case_contact(const struct fl_case_kit *kit, const char *supplier, uint32_t after,
                    struct fl_contact *ret, struct fl_err *err)
{
    struct pick p = {.supplier = supplier, .after = after, .err = err};
    struct fl_db_supply_list list;
    char from[FL_SUPPLY_KEY_MAX + 1];
    int r = FL_OK;

    (void)snprintf(from, sizeof from, "%s@", supplier);
    if (supplier[0] != '\0')
        r = fl_db_supply_rows(kit->db, kit->tenant.id, FL_SUPPLY_CONTACTS, 0, from, "", 1000,
                              pick_contact, &p, &list, err);
    if (r < 0)
        return r;
    if (p.best.number == 0)
        return fl_err_set(err, FL_E_NOENT,
                          "the table of contacts has nobody%s for supplier '%s'; give an address "
                          "with 'to', or ask with a link",
                          after == 0 ? "" : " else", supplier);
    *ret = p.best;
    return FL_OK;
}

/* ---- links ---- */

void fl_case_token_hash(const unsigned char token[FL_TOKEN_BYTES], unsigned char ret[32])
{
    (void)crypto_generichash(ret, 32, token, FL_TOKEN_BYTES, (const unsigned char *)"fl-answer", 9);
}

static void lower(char *to, size_t size, const char *from)
{
    put(to, size, from);
    for (char *p = to; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p | 0x20);
}

/* Where the screen is, as suppliers reach it. */
static void put_base(const struct fl_conf *conf, struct fl_buf *out)
{
    const char *url = fl_conf_str(conf, FL_SET_WEB_URL);
    const char *names = fl_conf_str(conf, FL_SET_SERVER_NAMES);
    const char *listen = fl_conf_str(conf, FL_SET_WEB_LISTEN), *port = strrchr(listen, ':');
    size_t len = strlen(url);

    while (len > 0 && url[len - 1] == '/')
        len--;
    if (len > 0) {
        fl_buf_put(out, url, len);
        return;
    }
    len = strcspn(names, ", ");
    fl_buf_printf(out, "https://%.*s", len == 0 ? 9 : (int)len, len == 0 ? "localhost" : names);
    if (port != NULL && strcmp(port, ":443") != 0)
        fl_buf_put_str(out, port);
}

/* A new link for the question; email "": shown to the asker. */
static int make_link(const struct fl_case_kit *kit, const struct fl_question *q, const char *email,
                     struct fl_buf *out, struct fl_err *err)
{
    unsigned char token[FL_TOKEN_BYTES];
    char text[FL_TOKEN_TEXT + 1];
    struct fl_question_token row;
    int r;

    memset(&row, 0, sizeof row);
    row.question = q->id;
    row.tenant = q->tenant;
    row.made_us = kit->now_us;
    row.expires_us = q->expires_us;
    lower(row.email, sizeof row.email, email);
    fl_random(token, sizeof token);
    fl_case_token_hash(token, row.hash);
    fl_token_write(token, text);
    r = fl_db_question_token_add(kit->db, &row, err);
    if (r == FL_OK) {
        put_base(kit->conf, out);
        fl_buf_printf(out, "/answer/%s", text);
        r = fl_buf_status(out, err);
    }
    explicit_bzero(token, sizeof token);
    explicit_bzero(text, sizeof text);
    return r;
}

static void replace(struct fl_buf *body, const char *marker, struct fl_span with)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf text;
    size_t len = strlen(marker), at = 0;

    fl_buf_init(&text, body->max_bytes);
    while (at < body->len)
        if (body->len - at >= len && memcmp(body->ptr + at, marker, len) == 0) {
            fl_buf_put_span(&text, with);
            at += len;
        } else {
            fl_buf_put_u8(&text, body->ptr[at++]);
        }
    fl_buf_clear(body);
    fl_buf_put_span(body, fl_buf_span(&text));
}

static bool wants_answer(const struct fl_question *q, int64_t now_us)
{
    return q->answered_us == 0 && strcmp(q->state, "withdrawn") != 0 && q->expires_us > now_us;
}

int fl_case_link_fill(struct fl_api *api, const struct fl_notice *out, struct fl_buf *body,
                      struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf link;
    struct fl_case_notice n;
    struct fl_case_kit kit;
    struct fl_question q;
    struct fl_case c;
    int r;

    fl_buf_init(&link, FL_LINK_MAX);
    if (strncmp(out->about, "case:", 5) != 0 || strstr(out->about, "/question:") == NULL)
        return FL_OK;
    r = fl_case_kit_system(api, out->tenant, &kit, err);
    if (r == FL_OK)
        r = fl_db_case_notice_of(kit.db, out->id, &n, err);
    if (r == FL_OK)
        r = fl_db_question_get(kit.db, n.tenant, n.case_id, n.question, &q, err);
    if (r == FL_OK)
        r = fl_db_case_get(kit.db, n.tenant, n.case_id, &c, err);
    if (r == FL_OK && (!wants_answer(&q, kit.now_us) || c.closed_us != 0 || c.exercise))
        r = fl_err_set(err, FL_E_NOENT, "the question was answered or withdrawn meanwhile");
    if (r == FL_OK)
        r = make_link(&kit, &q, n.to_addr, &link, err);
    if (r == FL_OK)
        replace(body, FL_QUESTION_LINK, fl_buf_span(&link));
    return r < 0 ? r : fl_buf_status(body, err);
}

/* ---- mails ---- */

static void compose(const struct fl_case_kit *kit, const struct fl_case *c,
                    const struct fl_question *q, const struct fl_clock *clock, bool again,
                    struct fl_case_notice *n)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    const struct fl_question_mail mail = {.question = q,
                                          .customer = kit->tenant.name,
                                          .event =
                                              c->event_title[0] != '\0' ? c->event_title : c->title,
                                          .link = FL_QUESTION_LINK,
                                          .reminder = again,
                                          .exercise = c->exercise,
                                          .due_us = clock->due_us};

    fl_buf_init(&text, FL_CASE_NOTICE_BODY_MAX);
    fl_question_subject(&mail, &text);
    for (size_t i = 0; i < text.len; i++) /* a title from a feed may have lines */
        if (text.ptr[i] < ' ' || text.ptr[i] == 127)
            text.ptr[i] = ' ';
    put_span(n->subject, sizeof n->subject, fl_buf_span(&text));
    for (size_t len = strlen(n->subject); len > 0; len--) /* no half a character at the end */
        if (((unsigned char)n->subject[len - 1] & 0xc0) != 0x80) {
            if (strlen(n->subject) + 1 >= sizeof n->subject &&
                ((unsigned char)n->subject[len - 1] & 0x80) != 0)
                n->subject[len - 1] = '\0';
            break;
        }
    fl_buf_clear(&text);
    fl_question_body(&mail, &text);
    put_span(n->body, sizeof n->body, fl_buf_span(&text));
}

static int send_mail(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_question *q,
                     const struct fl_clock *clock, const char *what, struct fl_err *err)
{
    struct fl_case_notice n;
    int r;

    memset(&n, 0, sizeof n);
    n.tenant = c->tenant;
    n.case_id = c->id;
    n.question = q->id;
    n.kind = FL_NOTICE_MAIL;
    n.created_us = kit->now_us;
    put(n.what, sizeof n.what, what);
    put(n.to_name, sizeof n.to_name, q->to_name);
    put(n.to_addr, sizeof n.to_addr, q->to_email);
    put(n.by, sizeof n.by, kit->who);
    compose(kit, c, q, clock, strcmp(what, "reminder") == 0, &n);
    r = fl_db_case_notice_send(kit->db, &n, err);
    if (r < 0)
        return r;
    q->out = n.out;
    if (strcmp(n.state, "withheld") == 0) {
        put(q->state, sizeof q->state, "withheld");
        q->next_us = 0;
    }
    return FL_OK;
}

/* ---- asking ---- */

static void schedule(struct fl_question *q, const struct fl_clock *clock, int64_t now_us)
{
    int64_t next_us = 0;

    if (strcmp(q->state, "withheld") == 0 || strcmp(q->state, "silent") == 0)
        next_us = strcmp(q->state, "silent") == 0 ? q->expires_us : 0;
    else if (fl_question_due(q, clock, now_us, &next_us) != FL_QUESTION_WAIT)
        next_us = now_us;
    q->next_us = next_us;
}

static int begin_question(const struct fl_case_kit *kit, const struct fl_case *c,
                          struct fl_question *q, unsigned hours, struct fl_clock *ret_clock,
                          struct fl_err *err)
{
    char object[FL_CASE_WORD_MAX + 1];
    int r;

    q->tenant = c->tenant;
    q->case_id = c->id;
    q->asked_us = kit->now_us;
    q->days_m = FL_CASE_UNKNOWN;
    if (q->expires_us == 0)
        q->expires_us = kit->now_us + (int64_t)FL_QUESTION_DAYS * FL_US_PER_DAY;
    put(q->asked_by, sizeof q->asked_by, kit->who);
    put(q->state, sizeof q->state, "waiting");
    r = fl_question_check(q, err);
    if (r == FL_OK)
        r = fl_db_question_add(kit->db, q, err);
    (void)snprintf(object, sizeof object, "question %u", q->id);
    if (r == FL_OK)
        r = fl_case_clock_begin(kit, c, "answer", object, (int64_t)hours * HOUR_US, ret_clock, err);
    if (r == FL_OK)
        q->clock = ret_clock->id;
    return r;
}

int fl_case_ask(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_question *q,
                unsigned hours, bool link, char ret_link[FL_LINK_MAX], struct fl_err *err)
{
    FL_AUTO(fl_buf_wipe) struct fl_buf text;
    struct fl_clock clock;
    int r;

    ret_link[0] = '\0';
    fl_buf_init(&text, FL_LINK_MAX);
    if (c->closed_us != 0)
        return fl_err_set(err, FL_E_DENIED, "the case is over; open it again to ask");
    r = begin_question(kit, c, q, hours, &clock, err);
    if (r < 0)
        return r;
    if (c->exercise) {
        put(q->state, sizeof q->state, "withheld");
        if (!link)
            r = send_mail(kit, c, q, &clock, "question", err); /* written down, and kept back */
    } else if (link) {
        q->sent_us = kit->now_us;
        put(q->state, sizeof q->state, "sent");
        r = make_link(kit, q, "", &text, err);
        put_span(ret_link, FL_LINK_MAX, fl_buf_span(&text));
    } else {
        r = send_mail(kit, c, q, &clock, "question", err);
    }
    schedule(q, &clock, kit->now_us);
    if (r == FL_OK)
        r = fl_db_question_set(kit->db, q, err);
    if (r == FL_OK)
        r = fl_case_note(kit, c, "question", err, "%s (%s) asked about %s%s", q->supplier_name,
                         link ? "by a link" : q->to_email, name_of(q),
                         c->exercise ? "; nothing was sent, it is an exercise" : "");
    return r < 0 ? r : fl_case_record(kit, c, "case.ask", "", err);
}

int fl_case_remind(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_question *q,
                   struct fl_err *err)
{
    struct fl_clock clock;
    int r = fl_db_clock_get(kit->db, q->tenant, q->case_id, q->clock, &clock, err);

    if (r < 0)
        return r;
    if (!wants_answer(q, kit->now_us) || strcmp(q->state, "withheld") == 0)
        return fl_err_set(err, FL_E_DENIED, "the question is '%s': there is nobody to remind",
                          q->state);
    if (q->to_email[0] == '\0')
        return fl_err_set(err, FL_E_DENIED,
                          "this question went as a link without an address; ask again with one");
    r = send_mail(kit, c, q, &clock, "reminder", err);
    q->reminders++;
    schedule(q, &clock, kit->now_us);
    if (r == FL_OK)
        r = fl_db_question_set(kit->db, q, err);
    return r < 0 ? r
                 : fl_case_note(kit, c, "reminder", err, "%s was reminded about %s", q->to_email,
                                name_of(q));
}

int fl_case_withdraw(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_question *q,
                     const char *reason, struct fl_err *err)
{
    char object[FL_CASE_WORD_MAX + 1];
    int r = fl_machine_move(&fl_machine_question, q->state, "withdrawn", kit->by, reason, err);

    (void)snprintf(object, sizeof object, "question %u", q->id);
    if (r == FL_OK)
        put(q->state, sizeof q->state, "withdrawn");
    q->next_us = 0;
    if (r == FL_OK)
        r = fl_db_question_set(kit->db, q, err);
    if (r == FL_OK)
        r = fl_case_clock_end(kit, c, "answer", object, "the question was withdrawn", err);
    return r < 0 ? r
                 : fl_case_note(kit, c, "question", err,
                                "the question about %s was withdrawn%s%.500s", name_of(q),
                                reason[0] == '\0' ? "" : ": ", reason);
}

/* ---- answers ---- */

/* What the answer says about the site; a status that somebody set since is not undone by it. */
static int say_site(const struct fl_case_kit *kit, const struct fl_case *c,
                    const struct fl_question *q, struct fl_err *err)
{
    struct fl_case_kit as = *kit;
    const char *status = q->impact == FL_ANSWER_YES ? "confirmed" : "no_impact";
    struct fl_case_site site;
    int r = fl_db_case_site_find(kit->db, c->id, q->site, &site, err);

    if (r < 0)
        return r == FL_E_NOENT ? FL_OK : r;
    if (as.by != FL_BY_PERSON)
        (void)snprintf(as.who, sizeof as.who, "%.80s%s%.60s", q->answered_by,
                       q->answered_by[0] == '\0' ? "" : ", ", q->supplier_name);
    if (fl_machine_move(&fl_machine_site, site.status, status, as.by, q->answer, err) < 0)
        return fl_case_note(&as, c, "site", err, "%s stays '%s', the answer says '%s'", name_of(q),
                            site.status, status);
    return fl_case_say(&as, c, &site, status,
                       q->impact == FL_ANSWER_YES ? q->days_m : FL_CASE_UNKNOWN, q->answer, err);
}

static int note_answer(const struct fl_case_kit *kit, const struct fl_case *c,
                       const struct fl_question *q, struct fl_err *err)
{
    char days[40] = "";

    if (q->impact == FL_ANSWER_YES && q->days_m != FL_CASE_UNKNOWN)
        (void)snprintf(days, sizeof days, " for %g days", (double)q->days_m / 1000);
    return fl_case_note(kit, c, "answer", err, "%s: %s%s%s%s%s%.1400s", name_of(q),
                        q->impact == FL_ANSWER_YES ? "affected" : "not affected", days,
                        q->answered_by[0] == '\0' ? "" : ", says ", q->answered_by,
                        q->answer[0] == '\0' ? "" : ": ", q->answer);
}

int fl_case_answered(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_question *q,
                     const struct fl_case_answer *answer, struct fl_err *err)
{
    char object[FL_CASE_WORD_MAX + 1], detail[120];
    int r = fl_machine_move(&fl_machine_question, q->state, "answered", kit->by, answer->text, err);

    if (r < 0)
        return r;
    q->impact = answer->impact;
    q->days_m = answer->days_m;
    q->answered_us = kit->now_us;
    q->next_us = 0;
    put(q->state, sizeof q->state, "answered");
    put(q->answer, sizeof q->answer, answer->text);
    put(q->answered_by, sizeof q->answered_by, answer->name);
    put(q->via, sizeof q->via, answer->via);
    (void)snprintf(object, sizeof object, "question %u", q->id);
    (void)snprintf(detail, sizeof detail, "{\"question\":%u,\"impact\":\"%s\",\"via\":\"%s\"}",
                   q->id, q->impact == FL_ANSWER_YES ? "yes" : "no", q->via);
    r = fl_question_check(q, err);
    if (r == FL_OK)
        r = fl_db_question_set(kit->db, q, err);
    if (r == FL_OK)
        r = fl_case_clock_end(kit, c, "answer", object, "the answer is there", err);
    if (r == FL_OK)
        r = note_answer(kit, c, q, err);
    if (r == FL_OK)
        r = say_site(kit, c, q, err);
    return r < 0 ? r : fl_case_record(kit, c, "case.answer", detail, err);
}

/* ---- silence: reminders, the next contact ---- */

static int escalate_to(const struct fl_case_kit *kit, const struct fl_case *c,
                       struct fl_question *q, struct fl_clock *clock,
                       const struct fl_contact *contact, struct fl_err *err)
{
    char reason[200];
    int64_t span_us = kit->now_us - clock->due_us + clock->span_us; /* his time begins now */
    int r;

    (void)snprintf(reason, sizeof reason, "no answer from %.100s; contact %u is asked",
                   q->to_email[0] == '\0' ? "whoever has the link" : q->to_email, contact->number);
    r = fl_case_clock_step(kit, c, clock, FL_CLOCK_EXTEND, span_us, reason, err);
    if (r < 0)
        return r;
    q->contact = contact->number;
    q->escalations++;
    q->reminders = q->escalations; /* one more is due to him */
    q->sent_us = kit->now_us;
    put(q->state, sizeof q->state, "waiting");
    put(q->to_name, sizeof q->to_name, contact->name);
    put(q->to_email, sizeof q->to_email, contact->email);
    if (fl_language_has(fl_span_str(contact->language)))
        put(q->language, sizeof q->language, contact->language);
    r = send_mail(kit, c, q, clock, "escalation", err);
    return r < 0 ? r : fl_case_note(kit, c, "escalation", err, "%s: %s", name_of(q), reason);
}

static int escalate(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_question *q,
                    struct fl_clock *clock, struct fl_err *err)
{
    struct fl_contact contact;
    int r = fl_case_contact(kit, q->supplier, q->contact, &contact, err);

    if (r == FL_OK)
        r = escalate_to(kit, c, q, clock, &contact, err);
    if (r != FL_E_NOENT && r != FL_E_INVAL) /* the clock was extended as often as it may be */
        return r;
    put(q->state, sizeof q->state, "silent");
    return fl_case_note(kit, c, "silent", err,
                        "%s: nobody is left to ask at %s; somebody has to telephone", name_of(q),
                        q->supplier_name[0] == '\0' ? "the supplier" : q->supplier_name);
}

static int act(const struct fl_case_kit *kit, const struct fl_case *c, struct fl_question *q,
               struct fl_clock *clock, struct fl_err *err)
{
    int64_t next_us;

    switch (fl_question_due(q, clock, kit->now_us, &next_us)) {
    case FL_QUESTION_EXPIRE:
        return fl_case_note(kit, c, "question", err, "the link about %s has expired", name_of(q));
    case FL_QUESTION_REMIND:
        if (q->to_email[0] != '\0')
            return fl_case_remind(kit, c, q, err);
        q->reminders++;
        return fl_case_note(kit, c, "reminder", err,
                            "%s: half of the time is over; the question went as a link, so remind "
                            "by hand",
                            name_of(q));
    case FL_QUESTION_ESCALATE:
        return strcmp(q->state, "silent") == 0 ? FL_OK : escalate(kit, c, q, clock, err);
    case FL_QUESTION_WAIT:
    default:
        return FL_OK;
    }
}

static int look_at(struct fl_api *api, const struct fl_question *seen, struct fl_err *err)
{
    struct fl_case_kit kit;
    struct fl_clock clock = {.id = 0};
    struct fl_question q = *seen;
    struct fl_case c = {.id = 0};
    int r = fl_case_kit_system(api, q.tenant, &kit, err);

    if (r == FL_OK)
        r = fl_db_case_get(kit.db, q.tenant, q.case_id, &c, err);
    if (r == FL_OK)
        r = fl_db_clock_get(kit.db, q.tenant, q.case_id, q.clock, &clock, err);
    if (r < 0)
        return r;
    if (c.closed_us == 0)
        r = act(&kit, &c, &q, &clock, err);
    schedule(&q, &clock, kit.now_us);
    if (c.closed_us != 0 || q.expires_us <= kit.now_us || !wants_answer(&q, kit.now_us))
        q.next_us = 0;
    else if (q.next_us <= kit.now_us)
        q.next_us = kit.now_us + FL_US_PER_S;
    return r < 0 ? r : fl_db_question_set(kit.db, &q, err);
}

int fl_case_question_again(const struct fl_case_kit *kit, uint32_t clock, uint32_t case_id,
                           struct fl_err *err)
{
    return fl_db_questions_wake(kit->db, case_id, clock, kit->now_us, err);
}

/* ---- what became of mails ---- */

static int told(struct fl_api *api, const struct fl_question *seen, struct fl_err *err)
{
    struct fl_question q = *seen;
    struct fl_case_kit kit;
    struct fl_notice out = {.id = 0};
    struct fl_case c = {.id = 0};
    int r = fl_case_kit_system(api, q.tenant, &kit, err);

    if (r == FL_OK)
        r = fl_db_case_get(kit.db, q.tenant, q.case_id, &c, err);
    if (r == FL_OK)
        r = fl_db_notice_get(kit.db, q.tenant, q.out, &out, err);
    if (r < 0)
        return r;
    if (out.state == FL_NOTICE_SENT) {
        put(q.state, sizeof q.state, "sent");
        q.sent_us = out.done_us;
        r = fl_case_note(&kit, &c, "sent", err, "%s has the question about %s: %.300s", q.to_email,
                         name_of(&q), out.answer);
    } else {
        put(q.state, sizeof q.state, "failed");
        r = fl_case_note(&kit, &c, "failed", err, "the mail to %s about %s failed: %.300s",
                         q.to_email, name_of(&q), out.answer);
    }
    return r < 0 ? r : fl_db_question_set(kit.db, &q, err);
}

/* ---- every second ---- */

struct batch {
    struct fl_question q[DUE_AT_A_TIME];
    size_t count;
};

static int collect(void *ctx, const struct fl_question *q)
{
    struct batch *b = ctx;

    if (b->count < DUE_AT_A_TIME)
        b->q[b->count++] = *q;
    return 0;
}

static void each(struct fl_api *api, const struct batch *b,
                 int (*fn)(struct fl_api *api, const struct fl_question *q, struct fl_err *err))
{
    struct fl_err err;

    for (size_t i = 0; i < b->count; i++) {
        int r = fl_db_begin(api->db, &err);

        if (r == FL_OK)
            r = fn(api, &b->q[i], &err);
        if (r == FL_OK)
            r = fl_db_commit(api->db, &err);
        else
            fl_db_rollback(api->db);
        /* One that cannot be moved must not hold up the others: it is tried again later. */
        if (r < 0)
            (void)!fl_db_questions_put_off(api->db, b->q[i].id,
                                           api->env.now_us() + 60 * FL_US_PER_S, NULL);
    }
}

void fl_api_cases_tick(struct fl_api *api)
{
    FL_AUTO(fl_buf_done) struct fl_buf room;
    struct batch *b;

    fl_buf_init(&room, sizeof *b);
    if (api->db == NULL)
        return;
    b = fl_buf_reserve(&room, sizeof *b);
    if (b == NULL)
        return;
    b->count = 0;
    if (fl_db_questions_told(api->db, DUE_AT_A_TIME, collect, b, NULL) == FL_OK)
        each(api, b, told);
    b->count = 0;
    if (fl_db_questions_due(api->db, api->env.now_us(), DUE_AT_A_TIME, collect, b, NULL) == FL_OK)
        each(api, b, look_at);
}
