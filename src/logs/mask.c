#include "logs/mask.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "codec/ip.h"
#include "codec/line.h"
#include "io/aead.h"
#include "logs/dict.h"

enum {
    NAMES_MAX = 100000, /* pseudonyms that are remembered */
    USER_MAX = 256,
    USER_MIN = 2,
    PERSONAL_MAX = 64, /* parameters of a row that are looked at by name */
    V4_SHOWN = 112,    /* bits */
    V6_SHOWN = 48,
    NAME_LEN = 13 /* "user " and 8 digits */
};

struct fl_mask {
    unsigned char key[FL_MASK_KEY_BYTES];
    struct fl_dict *names;
    char (*pseudonym)[FL_MASK_NAME_BYTES]; /* by code of names */
    uint32_t cap;
    char last[FL_MASK_NAME_BYTES]; /* beyond NAMES_MAX */
    struct fl_buf text;
};

static int no_memory(struct fl_err *err)
{
    return fl_err_set(err, FL_E_NOMEM, "no memory to hide personal data");
}

/* ---- the key ---- */

static const unsigned char key_id[FL_FILE_ID_BYTES] = "fairlead.masking"; /* without its NUL */

bool fl_mask_is_key(int32_t day, const unsigned char id[FL_FILE_ID_BYTES])
{
    return day == FL_DAY_NONE && memcmp(id, key_id, sizeof key_id) == 0;
}

int fl_mask_key(struct fl_keyring *keyring, uint32_t tenant,
                unsigned char ret_key[FL_MASK_KEY_BYTES], struct fl_err *err)
{
    int r = keyring->ops->file_get(keyring, tenant, FL_DAY_NONE, key_id, ret_key, err);

    if (r != FL_E_NOENT)
        return r;
    r = keyring->ops->file_new(keyring, tenant, FL_DAY_NONE, key_id, ret_key, err);
    if (r == FL_E_EXISTS) /* two asked at once */
        r = keyring->ops->file_get(keyring, tenant, FL_DAY_NONE, key_id, ret_key, err);
    return r;
}

int fl_mask_new(const unsigned char key[FL_MASK_KEY_BYTES], struct fl_mask **ret,
                struct fl_err *err)
{
    struct fl_mask *mask = calloc(1, sizeof *mask);
    int r;

    if (mask == NULL)
        return no_memory(err);
    memcpy(mask->key, key, sizeof mask->key);
    fl_buf_init(&mask->text, 16 * FL_STR_MAX);
    r = fl_dict_new(&mask->names, err);
    if (r < 0) {
        fl_mask_free(mask);
        return r;
    }
    *ret = mask;
    return FL_OK;
}

void fl_mask_free(struct fl_mask *mask)
{
    if (mask == NULL)
        return;
    explicit_bzero(mask->key, sizeof mask->key);
    fl_dict_free(mask->names);
    free(mask->pseudonym);
    fl_buf_done(&mask->text);
    free(mask);
}

/* ---- names ---- */

static void make_name(const struct fl_mask *mask, struct fl_span name, char ret[FL_MASK_NAME_BYTES])
{
    unsigned char mac[FL_SHA256_BYTES];

    fl_hmac_sha256(fl_span_of(mask->key, sizeof mask->key), name, mac);
    (void)snprintf(ret, FL_MASK_NAME_BYTES, "user %02x%02x%02x%02x", mac[0], mac[1], mac[2],
                   mac[3]);
}

static bool grow_names(struct fl_mask *mask, uint32_t code)
{
    uint32_t cap = mask->cap == 0 ? 256 : mask->cap * 2;
    char(*grown)[FL_MASK_NAME_BYTES];

    if (code < mask->cap)
        return true;
    grown = realloc(mask->pseudonym, cap * sizeof *grown);
    if (grown == NULL)
        return false;
    mask->pseudonym = grown;
    mask->cap = cap;
    return true;
}

struct fl_span fl_mask_name(struct fl_mask *mask, struct fl_span name)
{
    uint32_t code = fl_dict_find(mask->names, name), count = 0;

    (void)fl_dict_words(mask->names, &count);
    if (code == 0 && count < NAMES_MAX && grow_names(mask, count) &&
        fl_dict_intern(mask->names, name, &code, NULL) == FL_OK && grow_names(mask, code))
        make_name(mask, name, mask->pseudonym[code]);
    if (code != 0 && code < mask->cap)
        return fl_span_str(mask->pseudonym[code]);
    make_name(mask, name, mask->last);
    return fl_span_str(mask->last);
}

/* ---- addresses ---- */

static bool is_private_v4(const unsigned char *a)
{
    return a[0] == 10 || a[0] == 127 || (a[0] == 172 && a[1] >= 16 && a[1] < 32) ||
           (a[0] == 192 && a[1] == 168) || (a[0] == 169 && a[1] == 254) ||
           (a[0] == 100 && a[1] >= 64 && a[1] < 128); /* RFC 6598 */
}

bool fl_mask_hides_ip(enum fl_field field, const unsigned char ip[16])
{
    if (fl_ip_is_v4(ip))
        return is_private_v4(ip + 12);
    if ((ip[0] & 0xfe) == 0xfc || (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80))
        return true; /* unique local, link local */
    return field == FL_F_SRC_IP || field == FL_F_SRC_NAT_IP;
}

size_t fl_mask_ip(const unsigned char ip[16], char text[FL_MASK_TEXT_BYTES])
{
    static const char dot[] = "\xe2\x80\xa2";
    int n;

    if (fl_ip_is_v4(ip))
        n = snprintf(text, FL_MASK_TEXT_BYTES, "%u.%u.%s.%s", ip[12], ip[13], dot, dot);
    else
        n = snprintf(text, FL_MASK_TEXT_BYTES, "%x:%x:%x:%s:%s:%s:%s:%s",
                     (unsigned)ip[0] << 8 | ip[1], (unsigned)ip[2] << 8 | ip[3],
                     (unsigned)ip[4] << 8 | ip[5], dot, dot, dot, dot, dot);
    return n < 0 ? 0 : (size_t)n;
}

/* ---- one row ---- */

void fl_mask_fields(struct fl_fieldset *add_to)
{
    static const enum fl_field looked_at[] = {FL_F_USER, FL_F_FORMAT, FL_F_FLAGS, FL_F_SRC_IP,
                                              FL_F_SRC_NAT_IP};

    for (size_t i = 0; i < FL_LEN(looked_at); i++)
        fl_fieldset_add(add_to, looked_at[i]);
}

struct row {
    struct fl_mask *mask;
    struct fl_event *ev;
    struct fl_mask_row of;
    unsigned char user[USER_MAX], ip[2][16];
    bool opaque;  /* nobody took it apart: its texts are hidden whole */
    bool unclean; /* the name may stand in the line in another spelling */
};

/* Of CORP\j.doe and j.doe@example.com the part that is the person's. */
static struct fl_span bare_name(struct fl_span user)
{
    for (size_t i = user.len; i-- > 0;)
        if (user.ptr[i] == '\\' || user.ptr[i] == '/') {
            user = fl_span_of(user.ptr + i + 1, user.len - i - 1);
            break;
        }
    for (size_t i = 1; i < user.len; i++)
        if (user.ptr[i] == '@')
            return fl_span_of(user.ptr, i);
    return user;
}

static void take_user(struct row *row)
{
    struct fl_span user = bare_name(fl_event_get_str(row->ev, FL_F_USER));
    unsigned char ip[16];

    if (user.len == 0 || fl_ip_parse(user, ip)) /* addresses are found by themselves */
        return;
    if (user.len > USER_MAX) {
        row->unclean = true;
        return;
    }
    for (size_t i = 0; i < user.len; i++) {
        unsigned char c = user.ptr[i];

        row->user[i] = c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
        row->unclean = row->unclean || c < 0x20 || strchr("\"\\]=|'", c) != NULL;
    }
    if (user.len >= USER_MIN)
        row->of.user = fl_span_of(row->user, user.len);
}

static void take_ip(struct row *row, size_t i, enum fl_field field)
{
    struct fl_span ip = fl_event_get_str(row->ev, field);

    if (ip.len != sizeof row->ip[i])
        return;
    memcpy(row->ip[i], ip.ptr, ip.len);
    row->of.ip[i] = row->ip[i];
}

static void look_at_row(struct row *row)
{
    static const char *const formats[] = {"junos", "rtflow", "cef", "fortigate"};
    struct fl_span format = fl_event_get_str(row->ev, FL_F_FORMAT);

    row->opaque = true;
    for (size_t i = 0; i < FL_LEN(formats); i++)
        if (fl_span_eq(format, fl_span_str(formats[i])))
            row->opaque = (fl_event_get_num(row->ev, FL_F_FLAGS) & FL_ROW_UNPARSED) != 0;
    take_user(row);
    take_ip(row, 0, FL_F_SRC_IP);
    take_ip(row, 1, FL_F_SRC_NAT_IP);
}

static int keep(struct row *row, struct fl_span text, enum fl_field field, struct fl_err *err)
{
    struct fl_span kept = fl_arena_copy(row->ev->arena, text);

    if (kept.ptr == NULL)
        return no_memory(err);
    fl_event_str(row->ev, field, kept);
    return FL_OK;
}

static int hide_text(struct row *row, enum fl_field field, struct fl_err *err)
{
    struct fl_buf *out = &row->mask->text;

    fl_buf_clear(out);
    fl_mask_text(&row->of, row->ev->v[field].str, out);
    if (row->opaque || row->unclean || out->failed != 0)
        return keep(row, FL_SPAN(FL_MASK_HIDDEN), field, err);
    return keep(row, fl_buf_span(out), field, err);
}

static int hide_ip(struct row *row, enum fl_field field, struct fl_err *err)
{
    char text[FL_MASK_TEXT_BYTES];
    struct fl_span ip = row->ev->v[field].str;

    if (ip.len != FL_IP_BYTES || !fl_mask_hides_ip(field, ip.ptr))
        return FL_OK;
    return keep(row, fl_span_of(text, fl_mask_ip(ip.ptr, text)), field, err);
}

/* ---- parameters without a column ---- */

struct personal {
    const unsigned char *at[PERSONAL_MAX];
    size_t count;
};

static void note_personal(void *ctx, struct fl_span name, struct fl_span value)
{
    struct personal *p = ctx;

    if (fl_mask_is_personal(name)) {
        if (p->count < PERSONAL_MAX)
            p->at[p->count] = value.ptr;
        p->count++;
    }
}

static bool is_noted(const struct personal *p, const unsigned char *at)
{
    for (size_t i = 0; i < p->count && i < PERSONAL_MAX; i++)
        if (p->at[i] == at)
            return true;
    return p->count > PERSONAL_MAX;
}

static int hide_extras(struct row *row, struct fl_err *err)
{
    struct fl_event *ev = row->ev;
    struct fl_cursor cur = fl_cursor_of(ev->v[FL_F_EXTRA].str);
    struct fl_arena *arena = ev->arena;
    struct fl_buf *piece = &row->mask->text;
    FL_AUTO(fl_buf_done) struct fl_buf all;
    struct personal personal = {.count = 0};

    fl_buf_init(&all, 16 * FL_STR_MAX);
    ev->arena = NULL; /* the values as they stand there */
    fl_line_extras(ev, note_personal, &personal);
    ev->arena = arena;
    while (!cur.failed && fl_cursor_left(&cur) > 0) {
        struct fl_span text = fl_cursor_lv(&cur, FL_STR_MAX);

        fl_buf_clear(piece);
        fl_mask_text(&row->of, text, piece);
        if (row->opaque || row->unclean || piece->failed != 0 || is_noted(&personal, text.ptr))
            fl_buf_put_lv(&all, FL_SPAN(FL_MASK_HIDDEN));
        else
            fl_buf_put_lv(&all, fl_buf_span(piece));
    }
    if (all.failed != 0)
        return no_memory(err);
    return keep(row, fl_buf_span(&all), FL_F_EXTRA, err);
}

/* ---- the line itself ---- */

/* Before the columns are hidden: it is rebuilt from them. */
static int hide_line(struct row *row, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf line;
    struct fl_buf *out = &row->mask->text;
    bool whole = !row->opaque && !row->unclean;

    fl_buf_init(&line, 4 * FL_STR_MAX);
    if (whole && fl_line_rebuild(row->ev, &line, NULL) < 0)
        whole = false;
    fl_buf_clear(out);
    if (whole)
        fl_mask_text(&row->of, fl_buf_span(&line), out);
    fl_fieldset_drop(&row->ev->has, FL_F_RAW);
    if (!whole || out->failed != 0)
        return keep(row, FL_SPAN(FL_MASK_HIDDEN), FL_F_RAW, err);
    return keep(row, fl_buf_span(out), FL_F_RAW, err);
}

static bool is_text(enum fl_field field)
{
    return fl_fields[field].type == FL_T_STR && fl_fields[field].personal && field != FL_F_USER &&
           field != FL_F_EXTRA && field != FL_F_RAW;
}

static int hide_columns(struct row *row, struct fl_err *err)
{
    struct fl_event *ev = row->ev;
    int r = FL_OK;

    for (int f = 0; f < FL_FIELD_COUNT && r == FL_OK; f++) {
        enum fl_field field = (enum fl_field)f;

        if (!fl_event_has(ev, field))
            continue;
        if (fl_fields[f].type == FL_T_IP)
            r = hide_ip(row, field, err);
        else if (field == FL_F_USER)
            r = keep(row, fl_mask_name(row->mask, ev->v[f].str), field, err);
        else if (is_text(field))
            r = hide_text(row, field, err);
    }
    return r;
}

int fl_mask_event(struct fl_mask *mask, struct fl_event *ev, bool original, struct fl_err *err)
{
    struct row row = {.mask = mask, .ev = ev};
    int r = FL_OK;

    look_at_row(&row);
    if (original)
        r = hide_line(&row, err);
    else
        fl_fieldset_drop(&ev->has, FL_F_RAW);
    if (r == FL_OK && fl_event_has(ev, FL_F_EXTRA))
        r = hide_extras(&row, err);
    return r < 0 ? r : hide_columns(&row, err);
}

/* ---- groups ---- */

/* Host names and domains are whom somebody visited, not who did. */
static bool is_shown(enum fl_field field)
{
    return !fl_fields[field].personal || fl_fields[field].type == FL_T_IP || field == FL_F_USER ||
           field == FL_F_HOSTNAME || field == FL_F_DOMAIN;
}

int fl_mask_may_group(enum fl_field field, struct fl_err *err)
{
    if (is_shown(field))
        return FL_OK;
    return fl_err_set(
        err, FL_E_DENIED,
        "%s may hold personal data and is hidden: state a purpose to see it, or group "
        "by domain, hostname, user, app",
        fl_fields[field].ecs);
}

struct fl_span fl_mask_group(struct fl_mask *mask, enum fl_field field, struct fl_span key,
                             char buf[FL_MASK_TEXT_BYTES])
{
    if (field == FL_F_USER)
        return fl_mask_name(mask, key);
    if (fl_fields[field].type == FL_T_IP && key.len == FL_IP_BYTES &&
        fl_mask_hides_ip(field, key.ptr))
        return fl_span_of(buf, fl_mask_ip(key.ptr, buf));
    return key;
}

/* ---- conditions ---- */

static bool is_pseudonym(struct fl_span text)
{
    if (text.len != NAME_LEN || memcmp(text.ptr, "user ", 5) != 0)
        return false;
    for (size_t i = 5; i < text.len; i++)
        if (strchr("0123456789abcdef", text.ptr[i]) == NULL || text.ptr[i] == '\0')
            return false;
    return true;
}

static bool has_name(void *ctx, const struct fl_filter *leaf, struct fl_span word)
{
    return fl_span_eq(fl_mask_name(ctx, word), leaf->text);
}

/* Which of the two it was stands in leaf->num: before the call took the place of its operator. */
static bool url_meets(void *ctx, const struct fl_filter *leaf, struct fl_span word)
{
    static const struct fl_mask_row nobody = {{NULL, 0}, {NULL, NULL}};
    struct fl_filter shown = {
        .op = (enum fl_filter_op)leaf->num, .field = leaf->field, .text = leaf->text};
    struct fl_mask *mask = ctx;

    fl_buf_clear(&mask->text);
    fl_mask_text(&nobody, word, &mask->text);
    return mask->text.failed == 0 && fl_filter_word(&shown, fl_buf_span(&mask->text));
}

static void set_call(struct fl_filter *leaf, struct fl_mask *mask,
                     bool (*call)(void *ctx, const struct fl_filter *leaf, struct fl_span word))
{
    leaf->num = (uint64_t)leaf->op;
    leaf->op = FL_OP_CALL;
    leaf->call = call;
    leaf->ctx = mask;
}

static int narrow_ip(const struct fl_filter *leaf, struct fl_err *err)
{
    uint64_t shown = fl_ip_is_v4(leaf->text.ptr) ? V4_SHOWN : V6_SHOWN;

    if (leaf->op != FL_OP_NET || leaf->num <= shown ||
        !fl_mask_hides_ip(leaf->field, leaf->text.ptr))
        return FL_OK;
    return fl_err_set(err, FL_E_DENIED,
                      "inside addresses are hidden: ask by what is shown of them, such as "
                      "%s:10.42.0.0/16, or state a purpose to see them whole",
                      fl_fields[leaf->field].alias);
}

static int narrow_leaf(struct fl_mask *mask, struct fl_filter *leaf, bool *narrowed,
                       struct fl_err *err)
{
    if (leaf->op == FL_OP_TEXT) {
        leaf->op = FL_OP_CONTAINS;
        leaf->field = FL_F_URL;
        *narrowed = true;
    }
    if (leaf->field == FL_FIELD_COUNT || leaf->op == FL_OP_HAS)
        return FL_OK;
    if (fl_fields[leaf->field].type == FL_T_IP)
        return narrow_ip(leaf, err);
    if (leaf->field == FL_F_URL || leaf->field == FL_F_URL_PATH) {
        set_call(leaf, mask, url_meets);
        return FL_OK;
    }
    if (leaf->field == FL_F_USER)
        return fl_err_set(err, FL_E_DENIED,
                          "names are hidden: ask by the pseudonym that is shown, such as "
                          "user:\"user 7f3a9c01\", or state a purpose to see them");
    if (!is_shown(leaf->field))
        return fl_err_set(
            err, FL_E_DENIED,
            "%s may hold personal data and is hidden: state a purpose to search in it",
            fl_fields[leaf->field].ecs);
    return FL_OK;
}

int fl_mask_filter(struct fl_mask *mask, struct fl_mask *names, struct fl_filter *filter,
                   bool *ret_narrowed, struct fl_err *err)
{
    int r;

    if (filter == NULL)
        return FL_OK;
    if (filter->left != NULL) {
        r = fl_mask_filter(mask, names, filter->left, ret_narrowed, err);
        return r < 0 ? r : fl_mask_filter(mask, names, filter->right, ret_narrowed, err);
    }
    if (filter->field == FL_F_USER && filter->op == FL_OP_EQ && is_pseudonym(filter->text)) {
        set_call(filter, names, has_name);
        return FL_OK;
    }
    return mask == NULL ? FL_OK : narrow_leaf(mask, filter, ret_narrowed, err);
}
