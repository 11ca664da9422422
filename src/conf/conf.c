#include "conf/conf.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/schema.h"

uint64_t fl_conf_num(const struct fl_conf *conf, enum fl_setting s)
{
    return conf->num[s];
}

const char *fl_conf_str(const struct fl_conf *conf, enum fl_setting s)
{
    return conf->str[s] == NULL ? "" : conf->str[s];
}

size_t fl_conf_listeners(const struct fl_conf *conf)
{
    return conf->section_count;
}

const struct fl_conf_listener *fl_conf_listener(const struct fl_conf *conf, size_t i)
{
    return i < conf->section_count ? &conf->sections[i].view : NULL;
}

void fl_conf_free(struct fl_conf *conf)
{
    if (conf == NULL)
        return;
    for (size_t i = 0; i < FL_SETTING_COUNT; i++)
        free(conf->str[i]);
    for (size_t i = 0; i < conf->section_count; i++) {
        free(conf->sections[i].name);
        for (size_t p = 0; p < FL_CONF_PARTS; p++)
            free(conf->sections[i].parts[p]);
    }
    free(conf->sections);
    free(conf);
}

void fl_conf_freep(struct fl_conf **conf)
{
    fl_conf_free(*conf);
    *conf = NULL;
}

static int keep_str(struct fl_conf *conf, enum fl_setting s, struct fl_span value,
                    struct fl_err *err)
{
    char *copy = malloc(value.len + 1);

    if (copy == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for a setting");
    if (value.len > 0)
        memcpy(copy, value.ptr, value.len);
    copy[value.len] = '\0';
    free(conf->str[s]);
    conf->str[s] = copy;
    return FL_OK;
}

static int set_value(struct fl_conf *conf, enum fl_setting s, struct fl_span value,
                     struct fl_err *err)
{
    const struct fl_conf_row *row = &fl_conf_rows[s];
    uint64_t num = 0;
    int r = fl_conf_check(row, value, &num, err);

    if (r < 0)
        return r;
    if (!fl_conf_is_num(row))
        return keep_str(conf, s, value, err);
    conf->num[s] = num;
    return FL_OK;
}

static int derive_one(struct fl_conf *conf, enum fl_setting s, const char *behind,
                      struct fl_err *err)
{
    char path[1100];

    if (conf->given[s])
        return FL_OK;
    (void)snprintf(path, sizeof path, "%s%s", fl_conf_str(conf, FL_SET_DATA_DIR), behind);
    return keep_str(conf, s, fl_span_str(path), err);
}

/* Socket and ledger follow data_dir until they are given themselves. */
static int derive(struct fl_conf *conf, struct fl_err *err)
{
    int r = derive_one(conf, FL_SET_LOCAL_SOCKET, "/run/fairlead.sock", err);

    return r < 0 ? r : derive_one(conf, FL_SET_LEDGER_DIR, ".ledger", err);
}

int fl_conf_set(struct fl_conf *conf, enum fl_setting s, struct fl_span value, struct fl_err *err)
{
    struct fl_err own;
    int r;

    if (err == NULL)
        err = &own;
    r = set_value(conf, s, value, err);
    if (r < 0)
        return fl_err_wrap(err, "%s", fl_conf_rows[s].name);
    conf->given[s] = (s != FL_SET_LOCAL_SOCKET && s != FL_SET_LEDGER_DIR) || value.len > 0;
    return derive(conf, err);
}

int fl_conf_defaults(struct fl_conf **ret, struct fl_err *err)
{
    struct fl_conf *conf = calloc(1, sizeof *conf);
    int r = FL_OK;

    if (conf == NULL)
        return fl_err_set(err, FL_E_NOMEM, "no memory for the settings");
    for (int s = 0; r == FL_OK && s < FL_SETTING_COUNT; s++)
        r = set_value(conf, (enum fl_setting)s, fl_span_str(fl_conf_rows[s].preset), err);
    if (r == FL_OK)
        r = derive(conf, err);
    if (r < 0) {
        fl_conf_free(conf);
        return r;
    }
    *ret = conf;
    return FL_OK;
}
