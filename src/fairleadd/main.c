/* fairleadd: reads its options, then is the supervisor, or one role of it. See fairleadd(8). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "fairleadd/start.h"

#define CONF_PATH "/etc/fairlead/fairlead.conf"

enum { EXIT_NO = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: fairleadd [-n [-p] | -T] [-c FILE] [-D FOLDER]\n"
    "       fairleadd -M | -V | -h\n"
    "  -c FILE    settings (default " CONF_PATH ", where it is there)\n"
    "  -D FOLDER  data folder, instead of the setting data_dir\n"
    "  -n         check the settings, say OK or every error, and exit\n"
    "  -p         with -n: print the settings in full\n"
    "  -T         try from inside each role's sandbox what it must not do; TAP lines\n"
    "  -M         print fairlead.conf(5)\n"
    "  -V         print the version\n"
    "It stays in the foreground and writes its log to standard error; stop it with SIGTERM.\n"
    "examples:\n"
    "  fairleadd -n -c /etc/fairlead/fairlead.conf\n"
    "  fairleadd -D /srv/fairlead\n";

struct options {
    const char *conf_path; /* NULL: the usual one, if it is there */
    const char *data_dir;
    bool check, print, try_sandbox;
};

const struct fl_role_ops *fl_role_ops_of(enum fl_role role)
{
    static const struct fl_role_ops *const ops[FL_ROLE_COUNT] = {
        [FL_ROLE_INGEST] = &fl_role_ingest, [FL_ROLE_CORE] = &fl_role_core,
        [FL_ROLE_STORE] = &fl_role_store,   [FL_ROLE_KEYS] = &fl_role_keys,
        [FL_ROLE_WEB] = &fl_role_web,       [FL_ROLE_OUTBOUND] = &fl_role_outbound,
    };

    return ops[role];
}

static int say(const struct fl_err *err)
{
    (void)fprintf(stderr, "fairleadd: %s\n", err->text);
    return EXIT_NO;
}

/* 0, 1 and 2 must be there, or a descriptor of ours would take their numbers. */
static void fill_standard_fds(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO && fcntl(fd, F_SETFD, 0) == 0);
    fl_fd_close(&fd);
}

static int print_man(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;

    fl_buf_init(&text, (size_t)1 << 20);
    fl_conf_man(&text);
    return fwrite(text.ptr, 1, text.len, stdout) == text.len && fflush(stdout) == 0 ? 0 : EXIT_NO;
}

static int print_conf(const struct fl_conf *conf)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;

    fl_buf_init(&text, (size_t)1 << 20);
    fl_conf_dump(conf, &text);
    return fwrite(text.ptr, 1, text.len, stdout) == text.len && fflush(stdout) == 0 ? 0 : EXIT_NO;
}

static int set_data_dir(struct fl_conf *conf, const char *given, struct fl_err *err)
{
    char cwd[2048], path[4200];

    if (given[0] == '/')
        return fl_conf_set(conf, FL_SET_DATA_DIR, fl_span_str(given), err);
    if (getcwd(cwd, sizeof cwd) == NULL)
        return fl_err_sys(err, FL_E_IO, errno, "find the working folder");
    (void)snprintf(path, sizeof path, "%s/%.2000s", cwd, given);
    return fl_conf_set(conf, FL_SET_DATA_DIR, fl_span_str(path), err);
}

/* The settings, or EXIT_NO after every error was printed. */
static int load_conf(const struct options *opt, struct fl_conf **ret)
{
    FL_AUTO(fl_buf_done) struct fl_buf errors;
    FL_AUTO(fl_conf_freep) struct fl_conf *conf = NULL;
    struct fl_err err;
    int r;

    fl_buf_init(&errors, FL_CONF_ERRORS_MAX);
    r = fl_conf_read(opt->conf_path == NULL ? CONF_PATH : opt->conf_path, &conf, &errors, &err);
    if (r == FL_E_NOENT && opt->conf_path == NULL)
        r = fl_conf_defaults(&conf, &err);
    if (r == FL_OK && opt->data_dir != NULL)
        r = set_data_dir(conf, opt->data_dir, &err);
    if (r < 0) {
        (void)fprintf(stderr, "%.*s", FL_SPAN_ARG(fl_buf_span(&errors)));
        return say(&err);
    }
    *ret = conf;
    conf = NULL;
    return 0;
}

static int run(const struct options *opt)
{
    struct fl_conf *conf = NULL;
    struct fl_err err;
    int code = load_conf(opt, &conf);

    if (code != 0)
        return code;
    if (opt->check) {
        code = opt->print ? print_conf(conf) : puts("OK") < 0;
        fl_conf_free(conf);
        return code;
    }
    if (opt->try_sandbox) {
        code = fl_lockdown_main(conf);
        fl_conf_free(conf);
        return code;
    }
    return fl_supervisor_main(conf, &err) < 0 ? say(&err) : 0;
}

static int run_role(const char *name)
{
    struct stat st;

    if (fstat(3, &st) < 0 || !S_ISSOCK(st.st_mode)) {
        (void)fprintf(stderr, "fairleadd: --role is for fairleadd itself\n");
        return EXIT_USAGE;
    }
    for (int role = FL_ROLE_FIRST; role <= FL_ROLE_LAST; role++)
        if (strcmp(name, fl_role_name((enum fl_role)role)) == 0)
            return fl_role_main((enum fl_role)role);
    return EXIT_USAGE;
}

static int wrong_use(void)
{
    (void)fputs(usage, stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct options opt = {.conf_path = NULL};
    int c;

    fill_standard_fds();
    if (argc == 2 && strncmp(argv[1], "--role=", 7) == 0)
        return run_role(argv[1] + 7);
    while ((c = getopt(argc, argv, "c:D:MTVhnp")) != -1) {
        switch (c) {
        case 'c':
            opt.conf_path = optarg;
            break;
        case 'D':
            opt.data_dir = optarg;
            break;
        case 'n':
            opt.check = true;
            break;
        case 'p':
            opt.print = true;
            break;
        case 'T':
            opt.try_sandbox = true;
            break;
        case 'M':
            return print_man();
        case 'V':
            return printf("fairleadd %s\n", FL_VERSION) < 0;
        case 'h':
            return fputs(usage, stdout) < 0;
        default:
            return wrong_use();
        }
    }
    if (optind != argc || (opt.check && opt.try_sandbox) || (opt.print && !opt.check))
        return wrong_use();
    return run(&opt);
}
