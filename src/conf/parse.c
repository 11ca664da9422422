#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "conf/schema.h"

enum { LINE_MAX_BYTES = 4096, SHOWN_MAX_BYTES = 40, NAME_MAX_BYTES = 40 };

static const char *const part_examples[FL_CONF_PARTS] = {"kind = udp", "address = 192.0.2.1:514",
                                                         "tenant = acme"};

struct parser {
    const char *file;
    struct fl_buf *errors;
    unsigned line;
    unsigned error_count;
    struct fl_conf *conf;
    unsigned seen[FL_SETTING_COUNT]; /* line of each setting; 0: absent */
    bool in_section;
    bool section_bad; /* its head was wrong: its lines are checked, and kept nowhere */
    unsigned seen_part[FL_CONF_PARTS];
    bool no_memory;
};

/* What stood in the file, fit to be shown: cut, and without what a terminal would obey. */
static void put_shown(struct fl_buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        fl_buf_put_u8(out, c < 0x20 || c == 0x7f ? '?' : c);
    }
}

static void complain(struct parser *p, unsigned line, struct fl_span setting, const char *fmt, ...)
    FL_PRINTF(4, 5);

static void complain(struct parser *p, unsigned line, struct fl_span setting, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    int n;

    p->error_count++;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    fl_buf_printf(p->errors, "%s:%u: ", p->file, line);
    put_shown(p->errors, (const char *)setting.ptr,
              setting.len > SHOWN_MAX_BYTES ? SHOWN_MAX_BYTES : setting.len);
    fl_buf_put_str(p->errors, setting.len > 0 ? ": " : "");
    put_shown(p->errors, text, strlen(text));
    fl_buf_put_str(p->errors, "\n");
}

static struct fl_span trim(struct fl_span s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = fl_span_of(s.ptr + 1, s.len - 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* Levenshtein; names are short. */
static size_t distance(struct fl_span a, struct fl_span b)
{
    size_t row[NAME_MAX_BYTES + 1];

    if (a.len > NAME_MAX_BYTES || b.len > NAME_MAX_BYTES)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);

            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.len];
}

/* The row of that name: 1; 0 and the nearest name, or NULL where none is near. */
static int find_row(const struct fl_conf_row *rows, size_t count, struct fl_span name,
                    size_t *ret_index, const char **ret_near)
{
    size_t best = name.len / 2 < 4 ? name.len / 2 + 1 : 4; /* so many mistakes are no typo */

    *ret_near = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(name, fl_span_str(rows[i].name));

        if (d == 0) {
            *ret_index = i;
            return 1;
        }
        if (d < best) {
            best = d;
            *ret_near = rows[i].name;
        }
    }
    return 0;
}

static void unknown(struct parser *p, struct fl_span name, const char *near)
{
    if (near != NULL)
        complain(p, p->line, name, "unknown setting; did you mean %s?", near);
    else
        complain(p, p->line, name, "unknown setting; fairlead.conf(5) lists all");
}

static void take_setting(struct parser *p, struct fl_span name, struct fl_span value)
{
    const char *near;
    struct fl_err err;
    size_t i;

    if (!find_row(fl_conf_rows, FL_SETTING_COUNT, name, &i, &near)) {
        unknown(p, name, near);
        return;
    }
    if (p->seen[i] != 0) {
        complain(p, p->line, name, "given twice; it stands on line %u already", p->seen[i]);
        return;
    }
    p->seen[i] = p->line;
    if ((i == FL_SET_DATA_DIR || i == FL_SET_LEDGER_DIR) && value.len == 0) {
        complain(p, p->line, name, "it is empty; write an absolute path");
        return;
    }
    if (fl_conf_set(p->conf, (enum fl_setting)i, value, &err) < 0) {
        const char *text = strstr(err.text, ": "); /* fl_conf_set() put the name in front */

        if (err.code == FL_E_NOMEM)
            p->no_memory = true;
        complain(p, p->line, name, "%s", text == NULL ? err.text : text + 2);
    }
}

static void take_part(struct parser *p, struct fl_span name, struct fl_span value)
{
    struct fl_conf_section *section = &p->conf->sections[p->conf->section_count - 1];
    const char *near;
    struct fl_err err;
    uint64_t num;
    size_t i;

    if (!find_row(fl_conf_parts, FL_CONF_PARTS, name, &i, &near)) {
        size_t other;

        if (find_row(fl_conf_rows, FL_SETTING_COUNT, name, &other, &near))
            complain(p, p->line, name,
                     "it does not belong in a [listener] section; write it above the first");
        else
            complain(p, p->line, name,
                     "unknown in a [listener] section; it takes kind, address "
                     "and tenant");
        return;
    }
    if (p->seen_part[i] != 0) {
        complain(p, p->line, name, "given twice; it stands on line %u already", p->seen_part[i]);
        return;
    }
    p->seen_part[i] = p->line;
    if (value.len == 0) {
        complain(p, p->line, name, "it is empty; write it as %s", part_examples[i]);
        return;
    }
    if (fl_conf_check(&fl_conf_parts[i], value, &num, &err) < 0) {
        complain(p, p->line, name, "%s", err.text);
        return;
    }
    if (p->section_bad)
        return;
    section->parts[i] = strndup((const char *)value.ptr, value.len);
    if (section->parts[i] == NULL)
        p->no_memory = true;
}

/* The section is over: is it whole? */
static void end_section(struct parser *p)
{
    struct fl_conf_section *section;

    if (!p->in_section)
        return;
    section = &p->conf->sections[p->conf->section_count - 1];
    for (size_t i = 0; i < FL_CONF_PARTS && !p->section_bad; i++)
        if (p->seen_part[i] == 0)
            complain(p, section->line, FL_SPAN("listener"), "%s has no %s; add a line such as %s",
                     section->name, fl_conf_parts[i].name, part_examples[i]);
    section->view = (struct fl_conf_listener){.name = section->name,
                                              .kind = section->parts[FL_CONF_PART_KIND],
                                              .address = section->parts[FL_CONF_PART_ADDRESS],
                                              .tenant = section->parts[FL_CONF_PART_TENANT]};
}

static bool name_is_free(struct parser *p, struct fl_span name)
{
    if (fl_span_eq(name, FL_SPAN("tls")) || fl_span_eq(name, FL_SPAN("local")))
        return false;
    for (size_t i = 0; i + 1 < p->conf->section_count; i++)
        if (fl_span_eq(name, fl_span_str(p->conf->sections[i].name)))
            return false;
    return true;
}

static int add_section(struct parser *p, struct fl_span name)
{
    struct fl_conf *conf = p->conf;
    struct fl_conf_section *grown;

    grown = realloc(conf->sections, (conf->section_count + 1) * sizeof *grown);
    if (grown == NULL)
        return FL_E_NOMEM;
    conf->sections = grown;
    grown[conf->section_count] = (struct fl_conf_section){
        .line = p->line, .name = strndup(name.len == 0 ? "" : (const char *)name.ptr, name.len)};
    if (grown[conf->section_count].name == NULL)
        return FL_E_NOMEM;
    conf->section_count++;
    return FL_OK;
}

static void take_head(struct parser *p, struct fl_span line)
{
    struct fl_span name = fl_span_of(line.ptr + 1, line.len - 1);
    const struct fl_span word = FL_SPAN("listener");
    bool closed = name.len > 0 && name.ptr[name.len - 1] == ']';

    end_section(p);
    name = trim(fl_span_of(name.ptr, name.len - (closed ? 1 : 0)));
    memset(p->seen_part, 0, sizeof p->seen_part);
    p->section_bad = true;
    if (!closed || name.len < word.len || memcmp(name.ptr, word.ptr, word.len) != 0 ||
        (name.len > word.len && name.ptr[word.len] != ' ' && name.ptr[word.len] != '\t')) {
        complain(p, p->line, line, "no such section; write [listener NAME]");
        name.len = 0;
    } else {
        name = trim(fl_span_of(name.ptr + word.len, name.len - word.len));
        p->section_bad = !fl_conf_is_slug(name);
        if (p->section_bad)
            complain(p, p->line, word,
                     "'%.*s' is no name; it has lower case letters, digits and "
                     "hyphens, up to 63",
                     name.len > SHOWN_MAX_BYTES ? SHOWN_MAX_BYTES : (int)name.len,
                     (const char *)name.ptr);
    }
    if (p->conf->section_count == FL_CONF_LISTENERS_MAX) {
        complain(p, p->line, word, "there are more than %u; it takes %u", FL_CONF_LISTENERS_MAX,
                 FL_CONF_LISTENERS_MAX);
        p->section_bad = true;
        return;
    }
    if (add_section(p, name) < 0) {
        p->no_memory = true;
        return;
    }
    p->in_section = true;
    if (!p->section_bad && !name_is_free(p, name)) {
        complain(p, p->line, word, "the name %.*s is taken; choose another", FL_SPAN_ARG(name));
        p->section_bad = true;
    }
}

/* A comment begins at the line's first byte or after a blank. */
static struct fl_span without_comment(struct fl_span line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] == '#' && (i == 0 || line.ptr[i - 1] == ' ' || line.ptr[i - 1] == '\t'))
            return fl_span_of(line.ptr, i);
    return line;
}

static void take_line(struct parser *p, struct fl_span line)
{
    struct fl_span name, value;

    if (line.len > LINE_MAX_BYTES) {
        complain(p, p->line, FL_SPAN(""), "the line has %zu bytes; it takes up to %d", line.len,
                 LINE_MAX_BYTES);
        return;
    }
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    line = trim(without_comment(line));
    if (line.len == 0)
        return;
    if (line.ptr[0] == '[') {
        take_head(p, line);
        return;
    }
    name = line;
    name.len = 0;
    while (name.len < line.len && line.ptr[name.len] != '=')
        name.len++;
    if (name.len == line.len) {
        complain(p, p->line, line, "this is no setting; write it as name = value");
        return;
    }
    value = trim(fl_span_of(line.ptr + name.len + 1, line.len - name.len - 1));
    name = trim(name);
    if (p->in_section)
        take_part(p, name, value);
    else
        take_setting(p, name, value);
}

static bool is_stream(const char *kind)
{
    return strcmp(kind, "udp") != 0;
}

static bool any_port(const char *address)
{
    const char *colon = strrchr(address, ':');

    return colon != NULL && strcmp(colon, ":0") == 0;
}

/* Two listeners on one address would only fail when they are bound, one restart later. */
static void check_addresses(struct parser *p)
{
    const char *tls = fl_conf_str(p->conf, FL_SET_LISTEN_TLS);

    for (size_t i = 0; i < p->conf->section_count; i++) {
        const struct fl_conf_section *a = &p->conf->sections[i];

        if (a->view.address == NULL || a->view.kind == NULL || any_port(a->view.address))
            continue;
        if (is_stream(a->view.kind) && strcmp(a->view.address, tls) == 0)
            complain(p, a->line, FL_SPAN("listener"),
                     "%s and listen_tls have the same address; give each its own port", a->name);
        for (size_t j = 0; j < i; j++) {
            const struct fl_conf_section *b = &p->conf->sections[j];

            if (b->view.address != NULL && b->view.kind != NULL &&
                is_stream(a->view.kind) == is_stream(b->view.kind) &&
                strcmp(a->view.address, b->view.address) == 0)
                complain(p, a->line, FL_SPAN("listener"),
                         "%s and %s have the same address; give each its own port", a->name,
                         b->name);
        }
    }
}

/* What one row cannot know. */
static void check_whole(struct parser *p)
{
    const struct fl_conf *conf = p->conf;
    const char *socket = fl_conf_str(conf, FL_SET_LOCAL_SOCKET);

    check_addresses(p);
    if (strlen(socket) > 107)
        complain(p,
                 p->seen[FL_SET_LOCAL_SOCKET] ? p->seen[FL_SET_LOCAL_SOCKET]
                                              : p->seen[FL_SET_DATA_DIR],
                 FL_SPAN("local_socket"),
                 "the path of %zu bytes is too long for a socket; set "
                 "local_socket to one of up to 107",
                 strlen(socket));
}

static int conclude(const struct parser *p, struct fl_err *err)
{
    if (p->no_memory)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the settings");
    if (p->error_count > 0)
        return fl_err_set(err, FL_E_INVAL, "%u error%s in %s", p->error_count,
                          p->error_count == 1 ? "" : "s", p->file);
    return FL_OK;
}

int fl_conf_parse(const char *file, struct fl_span text, struct fl_conf **ret,
                  struct fl_buf *errors, struct fl_err *err)
{
    FL_AUTO(fl_conf_freep) struct fl_conf *conf = NULL;
    struct parser p = {.file = file, .errors = errors};
    int r = fl_conf_defaults(&conf, err);

    if (r < 0)
        return r;
    p.conf = conf;
    while (text.len > 0 && !p.no_memory) {
        struct fl_span line = text;
        size_t n = 0;

        while (n < text.len && text.ptr[n] != '\n')
            n++;
        line.len = n;
        p.line++;
        take_line(&p, line);
        n += n < text.len ? 1 : 0;
        text = fl_span_of(text.ptr + n, text.len - n);
    }
    end_section(&p);
    if (!p.no_memory)
        check_whole(&p);
    r = conclude(&p, err);
    if (r < 0)
        return r;
    *ret = conf;
    conf = NULL;
    return FL_OK;
}

int fl_conf_read(const char *path, struct fl_conf **ret, struct fl_buf *errors, struct fl_err *err)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    int r;

    fl_buf_init(&text, FL_CONF_FILE_MAX);
    r = fl_file_read(AT_FDCWD, path, &text, err);
    if (r < 0)
        return r;
    return fl_conf_parse(path, fl_buf_span(&text), ret, errors, err);
}
