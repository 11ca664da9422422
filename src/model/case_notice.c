#include "model/case_notice.h"

#include <string.h>

const char *const fl_notice_kinds[FL_NOTICE_KINDS] = {"mail", "webhook"};

enum fl_notice_kind fl_notice_kind_find(struct fl_span word)
{
    int i = 0;

    while (i < FL_NOTICE_KINDS && !fl_span_eq(word, fl_span_str(fl_notice_kinds[i])))
        i++;
    return (enum fl_notice_kind)i;
}

static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            return false;
    return true;
}

static int check_to(const struct fl_case_notice *n, struct fl_err *err)
{
    const char *at = strchr(n->to_addr, '@');

    if (n->kind == FL_NOTICE_WEBHOOK)
        return strncmp(n->to_addr, "https://", 8) == 0 && n->to_addr[8] != '\0' &&
                       is_plain(n->to_addr)
                   ? FL_OK
                   : fl_err_set(err, FL_E_INVAL, "to is an address that begins with https://");
    if (at != NULL && at != n->to_addr && at[1] != '\0' && is_plain(n->to_addr) &&
        strpbrk(n->to_addr, " ,<>") == NULL && strlen(n->to_addr) <= FL_EMAIL_MAX)
        return FL_OK;
    return fl_err_set(err, FL_E_INVAL, "to is one e-mail address, such as ann@example.com");
}

int fl_case_notice_check(const struct fl_case_notice *n, struct fl_err *err)
{
    int r;

    if (n->kind >= FL_NOTICE_KINDS)
        return fl_err_set(err, FL_E_INVAL, "channel is mail or webhook");
    r = check_to(n, err);
    if (r < 0)
        return r;
    if (n->subject[0] == '\0' || !is_plain(n->subject))
        return fl_err_set(err, FL_E_INVAL, "subject is one line of text, and not empty");
    if (n->body[0] == '\0')
        return fl_err_set(err, FL_E_INVAL, "body is missing: say what there is to say");
    return is_plain(n->to_name) ? FL_OK
                                : fl_err_set(err, FL_E_INVAL, "to_name is one line of text");
}
