#include "model/user.h"

#include <string.h>

static bool is_name_char(unsigned char c, bool first)
{
    bool other = (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';

    return (c >= 'a' && c <= 'z') || (!first && other);
}

int fl_user_name_check(struct fl_span name, struct fl_err *err)
{
    if (name.len == 0 || name.len > FL_SLUG_MAX)
        return fl_err_set(err, FL_E_INVAL, "name: a name has 1 to %u characters", FL_SLUG_MAX);
    for (size_t i = 0; i < name.len; i++)
        if (!is_name_char(name.ptr[i], i == 0))
            return fl_err_set(err, FL_E_INVAL,
                              "name: a name is made of a-z, 0-9, '.', '_' and '-' "
                              "and begins with a letter; character %zu is not right",
                              i + 1);
    return FL_OK;
}

/* Whoever sends the mail finds out whether it arrives; here only what cannot be one is refused. */
static int check_email(struct fl_span email, struct fl_err *err)
{
    const unsigned char *at = email.len == 0 ? NULL : memrchr(email.ptr, '@', email.len);
    bool fine = email.len == 0 || (at != NULL && at != email.ptr && at + 1 < email.ptr + email.len);

    for (size_t i = 0; i < email.len; i++)
        fine = fine && email.ptr[i] > 0x20 && email.ptr[i] != 0x7f;
    return fine ? FL_OK
                : fl_err_set(err, FL_E_INVAL, "email: an address looks like anna@example.org");
}

bool fl_user_role_next(struct fl_span *rest, struct fl_span *ret)
{
    size_t len = 0;

    if (rest->len == 0)
        return false;
    while (len < rest->len && rest->ptr[len] != ',')
        len++;
    *ret = fl_span_of(rest->ptr, len);
    len += len < rest->len;
    *rest = fl_span_of(rest->ptr + len, rest->len - len);
    return true;
}

int fl_user_roles_check(const char *roles, struct fl_err *err)
{
    struct fl_span rest = fl_span_str(roles), role, later, other;
    unsigned count = 0;

    while (fl_user_role_next(&rest, &role)) {
        int r = fl_slug_check(role, "roles", err);

        if (r < 0)
            return r;
        for (later = rest; fl_user_role_next(&later, &other);)
            if (fl_span_eq(role, other))
                return fl_err_set(err, FL_E_INVAL, "roles: %.*s is named twice", FL_SPAN_ARG(role));
        count++;
    }
    if (count == 0 || count > FL_USER_ROLES_MAX)
        return fl_err_set(err, FL_E_INVAL, "roles: name 1 to %u roles", FL_USER_ROLES_MAX);
    return FL_OK;
}

int fl_user_check(const struct fl_user *user, struct fl_err *err)
{
    int r = fl_user_name_check(fl_span_str(user->name), err);

    if (r == FL_OK)
        r = fl_name_check(fl_span_str(user->display_name), "display_name", err);
    if (r == FL_OK)
        r = check_email(fl_span_str(user->email), err);
    if (r == FL_OK && user->department[0] != '\0')
        r = fl_slug_check(fl_span_str(user->department), "department", err);
    if (r == FL_OK)
        r = fl_user_roles_check(user->roles, err);
    if (r == FL_OK && user->tenant == 0 && !user->totp_required)
        return fl_err_set(err, FL_E_INVAL,
                          "totp_required: the operator's staff signs in with a second factor");
    return r;
}

bool fl_reveal_purpose(struct fl_span word)
{
    static const char *const words[] = {"incident", "abuse", "support", "request", "law"};

    for (size_t i = 0; i < FL_LEN(words); i++)
        if (fl_span_eq(word, fl_span_str(words[i])))
            return true;
    return false;
}
