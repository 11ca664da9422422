#include "cli/logs_rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "codec/field.h"

/* Columns that are not one field. */
enum { PSEUDO_SOURCE = FL_FIELD_COUNT, PSEUDO_DESTINATION, PSEUDO_ROW, PSEUDO_END };

static const char usual[] = "time,device,user,source,destination,app,domain,action,bytes,row";
static const char *const pseudo_names[] = {"source", "destination", "row"};

struct fl_logrows {
    const struct fl_cli *cli;
    struct fl_table_column columns[FL_TABLE_COLUMNS];
    int field[FL_TABLE_COLUMNS]; /* enum fl_field or a PSEUDO_ */
    size_t count;
    struct fl_table *table;
    char *names; /* owned; the heads point into it */
    bool printed, live, hours;
};

void fl_logrows_free(struct fl_logrows *rows)
{
    if (rows == NULL)
        return;
    fl_table_free(rows->table);
    free(rows->names);
    free(rows);
}

static int find_column(const char *name, int *ret, struct fl_err *err)
{
    const char *words[FL_FIELD_COUNT + FL_LEN(pseudo_names)], *near;
    int field = (int)fl_field_find(fl_span_str(name));

    if (field == FL_FIELD_COUNT)
        field = PSEUDO_END;
    for (size_t i = 0; i < FL_LEN(pseudo_names); i++)
        if (strcmp(name, pseudo_names[i]) == 0)
            field = PSEUDO_SOURCE + (int)i;
    if (field != PSEUDO_END) {
        *ret = field;
        return FL_OK;
    }
    for (size_t i = 0; i < FL_FIELD_COUNT; i++)
        words[i] = fl_fields[i].alias;
    for (size_t i = 0; i < FL_LEN(pseudo_names); i++)
        words[FL_FIELD_COUNT + i] = pseudo_names[i];
    near = fl_args_nearest(name, words, FL_LEN(words));
    if (near != NULL)
        return fl_err_set(err, FL_E_INVAL, "no column '%.60s'; did you mean '%s'?", name, near);
    return fl_err_set(err, FL_E_INVAL, "no column '%.60s'; fairlead logs query -h lists them",
                      name);
}

static bool is_number(int field)
{
    return field < FL_FIELD_COUNT && fl_fields[field].type == FL_T_NUM && field != FL_F_FLAGS;
}

static bool is_key(int field)
{
    return field == FL_F_TIME || field == FL_F_BYTES;
}

/* Of the usual columns, which go first where the line is short. */
static unsigned drop_of(int field)
{
    switch (field) {
    case PSEUDO_ROW:
        return 9;
    case FL_F_ACTION:
        return 8;
    case FL_F_DEVICE:
        return 7;
    case FL_F_DOMAIN:
        return 6;
    default:
        return 0;
    }
}

/* Times and numbers are not cut; an address of IPv4 with its port stays whole. */
static unsigned shrink_of(int field)
{
    if (field == PSEUDO_SOURCE || field == PSEUDO_DESTINATION)
        return 18;
    return !is_key(field) && field != PSEUDO_ROW && !is_number(field);
}

static int add_columns(struct fl_logrows *rows, bool chosen, struct fl_err *err)
{
    char *rest = rows->names, *name;

    while ((name = strsep(&rest, ",")) != NULL) {
        int field = 0, r;

        while (*name == ' ')
            name++;
        if (*name == '\0')
            continue;
        if (rows->count == FL_TABLE_COLUMNS)
            return fl_err_set(err, FL_E_LIMIT, "more than %d columns", FL_TABLE_COLUMNS);
        r = find_column(name, &field, err);
        if (r < 0)
            return r;
        rows->field[rows->count] = field;
        rows->columns[rows->count++] = (struct fl_table_column){
            .head = name,
            .right = is_number(field),
            .shrink = shrink_of(field),
            .drop = chosen ? 0 : drop_of(field),
        };
    }
    return rows->count > 0 ? FL_OK : fl_err_set(err, FL_E_INVAL, "--columns names no column");
}

int fl_logrows_new(const struct fl_cli *cli, const char *columns, bool live, bool hours,
                   struct fl_logrows **ret, struct fl_err *err)
{
    struct fl_logrows *rows = calloc(1, sizeof *rows);
    int r;

    if (rows == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory");
    rows->cli = cli;
    rows->live = live;
    rows->hours = hours && cli->term.width > 0 && cli->term.width < 110;
    rows->names = strdup(columns == NULL ? usual : columns);
    r = rows->names == NULL ? fl_err_set(err, FL_E_NOMEM, "no memory")
                            : add_columns(rows, columns != NULL, err);
    if (r == FL_OK) {
        rows->table = fl_table_new(&cli->term, rows->columns, rows->count);
        if (rows->table == NULL)
            r = fl_err_set(err, FL_E_NOMEM, "no memory");
    }
    if (r < 0) {
        fl_logrows_free(rows);
        return r;
    }
    if (live)
        fl_table_keep_widths(rows->table);
    *ret = rows;
    return FL_OK;
}

const json_t *fl_logrows_at(const json_t *row, const char *path)
{
    const json_t *at = json_object_get(row, path);
    char part[64];

    while (at == NULL && row != NULL) {
        size_t len = strcspn(path, ".");

        if (path[len] == '\0')
            return json_object_get(row, path);
        (void)snprintf(part, sizeof part, "%.*s", (int)len, path);
        row = json_object_get(row, part);
        path += len + 1;
    }
    return at;
}

void fl_logrows_put(json_t *object, const char *path, json_t *value)
{
    const char *dot;
    char part[64];

    while ((dot = strchr(path, '.')) != NULL) {
        json_t *inner;

        (void)snprintf(part, sizeof part, "%.*s", (int)(dot - path), path);
        inner = json_object_get(object, part);
        if (inner == NULL) {
            inner = json_object();
            (void)json_object_set_new(object, part, inner);
        }
        object = inner;
        path = dot + 1;
    }
    (void)json_object_set_new(object, path, value);
}

static void put_number(const struct fl_field_info *info, enum fl_field field, int64_t value,
                       char text[FL_UNIT_TEXT_BYTES])
{
    if (field == FL_F_DURATION) /* nanoseconds in ECS */
        fl_unit_span(value / 1000, text);
    else if (strcmp(info->unit, "bytes") == 0)
        fl_unit_bytes(value < 0 ? 0 : (uint64_t)value, text);
    else if (strcmp(info->unit, "us") == 0)
        fl_unit_span(value, text);
    else if (strcmp(info->unit, "s") == 0)
        fl_unit_span(value * FL_US_PER_S, text);
    else
        (void)snprintf(text, FL_UNIT_TEXT_BYTES, "%" PRId64 "%s%s", value,
                       info->unit[0] == '\0' ? "" : " ", info->unit);
}

/* Strings, arrays of strings, or anything else as JSON. */
static void put_text(struct fl_table *table, const json_t *value)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    const json_t *item;
    size_t i;

    fl_buf_init(&text, (size_t)64 * 1024);
    if (json_is_string(value)) {
        fl_table_cell(table, fl_span_of(json_string_value(value), json_string_length(value)));
        return;
    }
    if (json_is_array(value)) {
        json_array_foreach(value, i, item)
        {
            if (i > 0)
                fl_buf_put_str(&text, ",");
            if (json_is_string(item))
                fl_buf_put_str(&text, json_string_value(item));
        }
    } else {
        char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

        fl_buf_put_str(&text, dump == NULL ? "" : dump);
        free(dump);
    }
    fl_table_cell(table, fl_buf_span(&text));
}

static void put_field(const struct fl_logrows *rows, const json_t *row, enum fl_field field)
{
    struct fl_table *table = rows->table;
    const struct fl_field_info *info = &fl_fields[field];
    const json_t *value = fl_logrows_at(row, info->ecs);
    char text[FL_UNIT_TEXT_BYTES];
    int64_t us;

    if (value == NULL || json_is_null(value)) {
        fl_table_text(table, "");
    } else if (info->type == FL_T_TIME && json_is_string(value) &&
               fl_time_parse(fl_span_str(json_string_value(value)), &us)) {
        fl_zone_time(us, text);
        fl_table_text(table, rows->hours ? text + 11 : text);
    } else if (json_is_integer(value)) {
        put_number(info, field, json_integer_value(value), text);
        fl_table_text(table, text);
    } else {
        put_text(table, value);
    }
}

static void put_endpoint(struct fl_table *table, const json_t *row, const char *ip_path,
                         const char *port_path)
{
    const char *ip = json_string_value(fl_logrows_at(row, ip_path));
    const json_t *port = fl_logrows_at(row, port_path);
    char text[80];

    if (ip == NULL)
        text[0] = '\0';
    else if (!json_is_integer(port))
        (void)snprintf(text, sizeof text, "%.60s", ip);
    else
        (void)snprintf(text, sizeof text, strchr(ip, ':') == NULL ? "%.60s:%d" : "[%.60s]:%d", ip,
                       (int)json_integer_value(port));
    fl_table_text(table, text);
}

void fl_logrows_add(struct fl_logrows *rows, const json_t *row, enum fl_ink ink)
{
    for (size_t c = 0; c < rows->count; c++) {
        switch (rows->field[c]) {
        case PSEUDO_SOURCE:
            put_endpoint(rows->table, row, "source.ip", "source.port");
            break;
        case PSEUDO_DESTINATION:
            put_endpoint(rows->table, row, "destination.ip", "destination.port");
            break;
        case PSEUDO_ROW:
            fl_table_text(rows->table, json_string_value(fl_logrows_at(row, "event.id")));
            break;
        default:
            put_field(rows, row, (enum fl_field)rows->field[c]);
            break;
        }
        fl_table_ink(rows->table, ink);
    }
}

int fl_logrows_print(struct fl_logrows *rows, struct fl_err *err)
{
    bool no_head = rows->printed && rows->live;

    rows->printed = true;
    return fl_table_print(rows->table, stdout, no_head, err);
}

void fl_logrows_words(const char *field, const char **ret_one, const char **ret_many)
{
    static const struct {
        const char *field, *one, *many;
    } words[] = {
        {"app", "application", "applications"},
        {"domain", "website", "websites"},
        {"category", "category", "categories"},
        {"user", "user", "users"},
        {"site", "site", "sites"},
        {"device", "device", "devices"},
        {"src", "source", "sources"},
        {"dst", "destination", "destinations"},
        {"hostname", "host name", "host names"},
        {"policy", "policy", "policies"},
        {"action", "action", "actions"},
        {"threat", "threat", "threats"},
    };

    *ret_one = field;
    *ret_many = "values";
    for (size_t i = 0; i < FL_LEN(words); i++) {
        if (strcmp(field, words[i].field) == 0) {
            *ret_one = words[i].one;
            *ret_many = words[i].many;
        }
    }
}
