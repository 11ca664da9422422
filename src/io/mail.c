#include "io/mail.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

#define CONNECT_MS   10000L
#define WHOLE_MS     60000L
#define B64_LINE     57u /* bytes in, 76 letters out */
#define WORD_BYTES   45u /* bytes of an encoded word: 60 letters, below the 75 of RFC 2047 */
#define MESSAGE_MAX  (2 * FL_MAIL_BODY_MAX)
#define ADDRESS_MAX  254u
#define SUBJECT_MAX  1000u
#define LATER_FROM   400
#define REFUSED_FROM 500

/* ---- the message ---- */

static void put_b64(struct fl_buf *out, const unsigned char *p, size_t len)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        uint32_t n = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) |
                     (i + 2 < len ? p[i + 2] : 0);
        char four[4] = {letters[n >> 18], letters[n >> 12 & 63], letters[n >> 6 & 63],
                        letters[n & 63]};

        if (i + 1 >= len)
            four[2] = '=';
        if (i + 2 >= len)
            four[3] = '=';
        fl_buf_put(out, four, 4);
    }
}

static bool is_plain(struct fl_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] >= 0x7f || (s.ptr[i] == '=' && i + 1 < s.len && s.ptr[i + 1] == '?'))
            return false;
    return s.len <= 60;
}

/* RFC 2047: encoded words, each with whole characters. */
static void put_subject(struct fl_buf *out, struct fl_span s)
{
    bool first = true;

    fl_buf_put_str(out, "Subject: ");
    if (is_plain(s)) {
        fl_buf_put_span(out, s);
        fl_buf_put_str(out, "\r\n");
        return;
    }
    while (s.len > 0) {
        size_t n = s.len < WORD_BYTES ? s.len : WORD_BYTES;

        while (n > 1 && n < s.len && (s.ptr[n] & 0xc0) == 0x80)
            n--;
        fl_buf_put_str(out, first ? "=?UTF-8?B?" : " =?UTF-8?B?");
        put_b64(out, s.ptr, n);
        fl_buf_put_str(out, "?=\r\n");
        s = fl_span_of(s.ptr + n, s.len - n);
        first = false;
    }
}

static void put_body(struct fl_buf *out, struct fl_span body)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;

    fl_buf_init(&text, 2 * FL_MAIL_BODY_MAX + 2);
    for (size_t i = 0; i < body.len; i++) {
        if (body.ptr[i] == '\r')
            continue;
        if (body.ptr[i] == '\n')
            fl_buf_put_u8(&text, '\r');
        fl_buf_put_u8(&text, body.ptr[i]);
    }
    for (size_t i = 0; i < text.len; i += B64_LINE) {
        put_b64(out, text.ptr + i, text.len - i < B64_LINE ? text.len - i : B64_LINE);
        fl_buf_put_str(out, "\r\n");
    }
}

static void put_date(struct fl_buf *out, int64_t now_us)
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t s = now_us / FL_US_PER_S, day = s / 86400, rest = s % 86400;
    int y, m, d;

    fl_civil_from_days(day, &y, &m, &d);
    fl_buf_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n", days[day % 7], d,
                  months[m - 1], y, (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}

static int check_address(struct fl_span s, const char *what, struct fl_err *err)
{
    const unsigned char *at = s.len == 0 ? NULL : memchr(s.ptr, '@', s.len);

    if (at == NULL || at == s.ptr || at + 1 == s.ptr + s.len || s.len > ADDRESS_MAX)
        return fl_err_set(err, FL_E_INVAL, "%s is no address of mail", what);
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= 0x20 || s.ptr[i] >= 0x7f || strchr("<>()[],;:\\\"", s.ptr[i]) != NULL)
            return fl_err_set(err, FL_E_INVAL, "%s has a character that an address cannot have",
                              what);
    return FL_OK;
}

static int check_mail(const struct fl_mail *mail, const char *from, struct fl_err *err)
{
    int r = check_address(mail->to, "the receiver", err);

    if (r == FL_OK)
        r = check_address(fl_span_str(from), "smtp_from", err);
    if (r < 0)
        return r;
    if (mail->subject.len > SUBJECT_MAX)
        return fl_err_set(err, FL_E_INVAL, "the subject has more than %u bytes", SUBJECT_MAX);
    for (size_t i = 0; i < mail->subject.len; i++)
        if (mail->subject.ptr[i] < 0x20 || mail->subject.ptr[i] == 0x7f)
            return fl_err_set(err, FL_E_INVAL, "the subject has a control character");
    if (mail->id.len == 0 || mail->id.len > 64)
        return fl_err_set(err, FL_E_INVAL, "the id has 1 to 64 bytes");
    for (size_t i = 0; i < mail->id.len; i++) {
        unsigned char c = mail->id.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-'))
            return fl_err_set(err, FL_E_INVAL,
                              "the id has a character that is none of a-z 0-9 . -");
    }
    if (mail->body.len > FL_MAIL_BODY_MAX)
        return fl_err_set(err, FL_E_LIMIT, "a mail has at most %zu bytes", FL_MAIL_BODY_MAX);
    return FL_OK;
}

int fl_mail_write(const struct fl_mail *mail, const char *from, struct fl_buf *out,
                  struct fl_err *err)
{
    int r = check_mail(mail, from, err);

    if (r < 0)
        return r;
    fl_buf_printf(out, "From: Fairlead <%s>\r\nTo: <%.*s>\r\n", from, FL_SPAN_ARG(mail->to));
    put_subject(out, mail->subject);
    put_date(out, mail->now_us);
    fl_buf_printf(out, "Message-ID: <%.*s%s>\r\n", FL_SPAN_ARG(mail->id), strchr(from, '@'));
    fl_buf_put_str(out, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: base64\r\nAuto-Submitted: auto-generated\r\n"
                        "\r\n");
    put_body(out, mail->body);
    return fl_buf_status(out, err);
}

/* ---- sending ---- */

struct send {
    const struct fl_mail_server *server;
    const atomic_bool *stop;
    struct fl_span left;
    char answer[FL_MAIL_ANSWER_MAX + 1]; /* the server's last line */
    struct fl_err why;
    int code;
};

static size_t on_read(char *to, size_t one, size_t len, void *ctx)
{
    struct send *send = ctx;
    size_t n = one * len < send->left.len ? one * len : send->left.len;

    if (n > 0)
        memcpy(to, send->left.ptr, n);
    send->left = fl_span_of(send->left.ptr + n, send->left.len - n);
    return n;
}

static size_t on_line(char *ptr, size_t one, size_t len, void *ctx)
{
    struct send *send = ctx;
    size_t n = one * len;

    while (n > 0 && (unsigned char)ptr[n - 1] <= ' ')
        n--;
    if (n >= 3 && memcmp(ptr, "221", 3) == 0)
        return one * len; /* good-bye: what was said before it counts */
    if (n > FL_MAIL_ANSWER_MAX)
        n = FL_MAIL_ANSWER_MAX;
    for (size_t i = 0; i < n; i++)
        send->answer[i] =
            (unsigned char)ptr[i] < 0x20 || (unsigned char)ptr[i] >= 0x7f ? '?' : ptr[i];
    send->answer[n] = '\0';
    return one * len;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct send *send = ctx;

    (void)a, (void)b, (void)c, (void)d;
    return send->stop != NULL && atomic_load(send->stop) ? 1 : 0;
}

static uint16_t usual_port(const struct fl_mail_server *server)
{
    return server->tls == FL_MAIL_TLS ? 465 : 587;
}

static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct send *send = ctx;
    const struct fl_mail_server *s = send->server;
    struct fl_err why;

    (void)purpose;
    if (fl_outside_address(s->to, s->host, s->port, usual_port(s), &address->addr, &why) < 0) {
        send->why = why;
        send->code = why.code;
        return CURL_SOCKET_BAD;
    }
    send->code = 0;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_safety(CURL *curl, struct send *send)
{
    const struct fl_mail_server *s = send->server;
    struct curl_blob ca = {.data = (void *)(uintptr_t)s->to->ca_pem.ptr,
                           .len = s->to->ca_pem.len,
                           .flags = CURL_BLOB_NOCOPY};

    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, s->tls == FL_MAIL_TLS ? "smtps" : "smtp");
    (void)curl_easy_setopt(curl, CURLOPT_USE_SSL,
                           s->tls == FL_MAIL_PLAIN ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    (void)curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
    if (ca.len > 0)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &ca);
    (void)curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    (void)curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, send);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, WHOLE_MS);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_line);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, send);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, send);
}

static void sign_in(CURL *curl, const struct fl_mail_server *s)
{
    char password[256];

    if (s->user[0] == '\0' || s->tls == FL_MAIL_PLAIN || s->password.len >= sizeof password)
        return;
    (void)snprintf(password, sizeof password, "%.*s", FL_SPAN_ARG(s->password));
    (void)curl_easy_setopt(curl, CURLOPT_USERNAME, s->user);
    (void)curl_easy_setopt(curl, CURLOPT_PASSWORD, password);
    explicit_bzero(password, sizeof password);
}

static int explain(const struct send *send, CURLcode code, long status, const char *detail,
                   bool *ret_again, struct fl_err *err)
{
    const struct fl_mail_server *s = send->server;

    *ret_again = false;
    if (send->code < 0) {
        *err = send->why;
        return send->code;
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return fl_err_set(err, FL_E_DENIED, "the certificate of %s is not trusted (%s)", s->host,
                          detail);
    if (code == CURLE_LOGIN_DENIED)
        return fl_err_set(err, FL_E_DENIED, "%s refuses smtp_user and its password", s->host);
    if (code == CURLE_USE_SSL_FAILED)
        return fl_err_set(err, FL_E_DENIED,
                          "%s offers no STARTTLS, so it gets no mail; smtp_tls says otherwise",
                          s->host);
    *ret_again = true;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return fl_err_set(err, FL_E_AGAIN, "interrupted");
    if (status >= REFUSED_FROM) {
        *ret_again = false;
        return fl_err_set(err, FL_E_DENIED, "%s refuses it: %s", s->host, send->answer);
    }
    if (status >= LATER_FROM)
        return fl_err_set(err, FL_E_IO, "%s cannot take it now: %s", s->host, send->answer);
    return fl_err_set(err, code == CURLE_OPERATION_TIMEDOUT ? FL_E_TIMEOUT : FL_E_IO, "%s: %s",
                      s->host, detail[0] != '\0' ? detail : curl_easy_strerror(code));
}

static int perform(CURL *curl, struct send *send, const struct fl_mail *mail, const char *url,
                   bool *ret_again, struct fl_err *err)
{
    char detail[CURL_ERROR_SIZE] = "", from[ADDRESS_MAX + 4], to[ADDRESS_MAX + 4];
    struct curl_slist *receivers;
    long status = 0;
    CURLcode code;

    (void)snprintf(from, sizeof from, "<%s>", send->server->from);
    (void)snprintf(to, sizeof to, "<%.*s>", FL_SPAN_ARG(mail->to));
    receivers = curl_slist_append(NULL, to);
    if (receivers == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a mail");
    set_safety(curl, send);
    sign_in(curl, send->server);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from);
    (void)curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, receivers);
    (void)curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    (void)curl_easy_setopt(curl, CURLOPT_READDATA, send);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(receivers);
    return code == CURLE_OK ? FL_OK : explain(send, code, status, detail, ret_again, err);
}

int fl_mail_send(const struct fl_mail_server *server, const struct fl_mail *mail,
                 const atomic_bool *stop, char ret_answer[FL_MAIL_ANSWER_MAX + 1], bool *ret_again,
                 struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct send send = {.server = server, .stop = stop};
    bool v6 = strchr(server->host, ':') != NULL;
    char url[2 * FL_HOST_LEN + 64];
    struct fl_err own;
    CURL *curl;
    int r;

    if (err == NULL)
        err = &own;
    *ret_again = false;
    fl_buf_init(&text, MESSAGE_MAX);
    r = fl_mail_write(mail, server->from, &text, err);
    if (r < 0)
        return r;
    send.left = fl_buf_span(&text);
    /* The path is the name that we greet with. */
    (void)snprintf(url, sizeof url, "%s://%s%s%s:%u/%s",
                   server->tls == FL_MAIL_TLS ? "smtps" : "smtp", v6 ? "[" : "", server->host,
                   v6 ? "]" : "", (unsigned)server->port, strchr(server->from, '@') + 1);
    curl = curl_easy_init();
    if (curl == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a mail");
    r = perform(curl, &send, mail, url, ret_again, err);
    if (r == FL_OK) /* before the good-bye, which gets an answer too */
        (void)snprintf(ret_answer, FL_MAIL_ANSWER_MAX + 1, "%s", send.answer);
    curl_easy_cleanup(curl);
    return r;
}
