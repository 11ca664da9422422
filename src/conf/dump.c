#include "conf/schema.h"

void fl_conf_value(const struct fl_conf *conf, enum fl_setting s, struct fl_buf *out)
{
    if (fl_conf_is_num(&fl_conf_rows[s]))
        fl_conf_put_num(&fl_conf_rows[s], conf->num[s], out);
    else
        fl_buf_put_str(out, fl_conf_str(conf, s));
}

static void put_line(struct fl_buf *out, const char *name)
{
    fl_buf_put_str(out, name);
    fl_buf_put_str(out, " = ");
}

void fl_conf_dump(const struct fl_conf *conf, struct fl_buf *out)
{
    for (int s = 0; s < FL_SETTING_COUNT; s++) {
        put_line(out, fl_conf_rows[s].name);
        fl_conf_value(conf, (enum fl_setting)s, out);
        fl_buf_put_str(out, "\n");
    }
    for (size_t i = 0; i < conf->section_count; i++) {
        const struct fl_conf_section *section = &conf->sections[i];

        fl_buf_printf(out, "\n[listener %s]\n", section->name);
        for (size_t p = 0; p < FL_CONF_PARTS; p++) {
            put_line(out, fl_conf_parts[p].name);
            fl_buf_put_str(out, section->parts[p]);
            fl_buf_put_str(out, "\n");
        }
    }
}

/* One word; at the beginning of a line mdoc would take a dot or an apostrophe for a request. */
static void put_word(struct fl_buf *out, struct fl_span word, bool line_start)
{
    if (line_start && word.len > 0 && (word.ptr[0] == '.' || word.ptr[0] == '\''))
        fl_buf_put_str(out, "\\&");
    for (size_t i = 0; i < word.len; i++)
        fl_buf_put_str(out, word.ptr[i] == '\\' ? "\\e" : (char[2]){(char)word.ptr[i], '\0'});
}

/* Running text: a sentence begins a new line, as mdoc wants it, and no line is long. */
static void put_text(struct fl_buf *out, const char *text)
{
    size_t column = 0;
    bool sentence = false; /* the last word ended one */

    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        struct fl_span word = fl_span_of(text, len);

        if (column > 0) {
            bool fresh = (sentence && *text >= 'A' && *text <= 'Z') || column + len > 76;

            fl_buf_put_str(out, fresh ? "\n" : " ");
            column = fresh ? 0 : column + 1;
        }
        put_word(out, word, column == 0);
        column += len;
        sentence = len > 0 && text[len - 1] == '.';
        text += len + strspn(text + len, " ");
    }
    fl_buf_put_str(out, "\n");
}

static void put_preset(const struct fl_conf_row *row, struct fl_buf *out)
{
    fl_buf_put_str(out, "Default: ");
    if (row->preset_doc != NULL) {
        put_text(out, row->preset_doc);
    } else {
        fl_buf_put_str(out, row->preset);
        fl_buf_put_str(out, "\n");
    }
    if (!fl_conf_is_num(row))
        return;
    fl_buf_put_str(out, ".Pq from ");
    fl_conf_put_num(row, row->min, out);
    fl_buf_put_str(out, " to ");
    fl_conf_put_num(row, row->max, out);
    if (row->zero_doc != NULL)
        fl_buf_printf(out, "; 0: %s", row->zero_doc);
    fl_buf_put_str(out, "\n");
}

static void put_row(const struct fl_conf_row *row, struct fl_buf *out)
{
    static const char *const values[] = {[FL_CONF_PATH] = "path",
                                         [FL_CONF_ADDRESS] = "address:port",
                                         [FL_CONF_NAMES] = "name,...",
                                         [FL_CONF_UIDS] = "uid,...",
                                         [FL_CONF_SLUG] = "tenant",
                                         [FL_CONF_LISTEN_AS] = "kind",
                                         [FL_CONF_HOSTS] = "host[:port],...",
                                         [FL_CONF_HOST] = "host[:port]",
                                         [FL_CONF_SMTP_TLS] = "starttls|tls|none",
                                         [FL_CONF_MAIL] = "address",
                                         [FL_CONF_TEXT] = "text",
                                         [FL_CONF_URL] = "https://host[:port]",
                                         [FL_CONF_COUNT] = "number",
                                         [FL_CONF_SIZE] = "size",
                                         [FL_CONF_MS] = "milliseconds",
                                         [FL_CONF_S] = "seconds"};

    fl_buf_printf(out, ".It Ic %s No = Ar %s\n", row->name, values[row->kind]);
    put_text(out, row->brief);
    if (row->help != NULL)
        put_text(out, row->help);
    if (row->preset != NULL)
        put_preset(row, out);
}

void fl_conf_man(struct fl_buf *out)
{
    fl_buf_put_str(out, ".\\\" Made by 'fairleadd -M' from the table of settings. Do not edit.\n"
                        ".Dd November 21, 2026\n"
                        ".Dt FAIRLEAD.CONF 5\n"
                        ".Os\n"
                        ".Sh NAME\n"
                        ".Nm fairlead.conf\n"
                        ".Nd settings of fairleadd\n"
                        ".Sh DESCRIPTION\n"
                        "One setting stands on each line, as\n"
                        ".Ql name = value .\n"
                        "A\n"
                        ".Ql #\n"
                        "at the beginning of a line or after a blank begins a comment.\n"
                        "A setting that is absent has its default; one that is given twice or\n"
                        "unknown is an error.\n"
                        ".Ql fairleadd -n\n"
                        "checks a file and names every error in it.\n"
                        ".Pp\n"
                        "Sizes are in bytes, or have a K, M or G behind them (1024, 1024 times\n"
                        "1024, ...).\n"
                        "Times are in the unit that their name ends in, or have ms, s, m, h or d\n"
                        "behind them.\n"
                        "The settings are:\n"
                        ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < FL_SETTING_COUNT; i++)
        put_row(&fl_conf_rows[i], out);
    fl_buf_put_str(out, ".El\n"
                        ".Ss Listeners for devices that cannot do mutual TLS\n"
                        "A line\n"
                        ".Ql \\&[listener name]\n"
                        "begins a section that adds a listener; all settings of the program stand\n"
                        "before the first.\n"
                        "The name has lower case letters, digits and hyphens.\n"
                        "A section has these lines, all of them:\n"
                        ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < FL_CONF_PARTS; i++)
        put_row(&fl_conf_parts[i], out);
    fl_buf_put_str(out, ".El\n"
                        ".Sh FILES\n"
                        ".Bl -tag -width Ds\n"
                        ".It Pa /etc/fairlead/fairlead.conf\n"
                        "The file that\n"
                        ".Xr fairleadd 8\n"
                        "reads unless told otherwise.\n"
                        ".El\n"
                        ".Sh EXAMPLES\n"
                        ".Bd -literal\n"
                        "data_dir = /srv/fairlead\n"
                        "server_names = logs.example.org, 192.0.2.10\n"
                        "keep_days = 14\n"
                        "\n"
                        "[listener old-firewalls]\n"
                        "kind = udp\n"
                        "address = 192.0.2.10:514\n"
                        "tenant = acme\n"
                        ".Ed\n"
                        ".Sh SEE ALSO\n"
                        ".Xr fairlead 1 ,\n"
                        ".Xr fairleadd 8\n");
}
