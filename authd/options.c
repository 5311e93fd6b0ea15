/* options.c: see options.h. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "authd/options.h"

static const char usage[] =
    "Usage: tollgate-authd [-c FILE] [-t] [-d [--pid-file FILE]]\n"
    "\n"
    "Answers mail servers that ask who may log in, which clients may relay without a\n"
    "login, and who may send as which domain. tollgate-authd(8) tells of each door.\n"
    "\n"
    "  -c, --config FILE    configuration (default: $TOLLGATE_CONFIG, else\n"
    "                       " TG_SYSCONFDIR "/tollgate/tollgate.conf)\n"
    "  -t, --test           check the configuration and exit\n"
    "  -d, --detach         go to the background once it serves\n"
    "      --pid-file FILE  with -d: where to write the process id\n"
    "  -h, --help           this text\n"
    "      --version        the version\n"
    "\n"
    "SIGHUP reads the configuration again, SIGTERM ends it in good order.\n"
    "\n"
    "Examples:\n"
    "  tollgate-authd -t -c /tmp/new.conf     is this configuration right?\n"
    "  tollgate-authd -d --pid-file /run/tollgate/authd.pid\n";

enum tg_code options_read(int argc, char **argv, struct options *options, bool *done, struct tg_error *err)
{
    enum { PID_FILE = 256, VERSION_WANTED };
    static const struct option known[] = {
        { "config", required_argument, NULL, 'c' },   { "test", no_argument, NULL, 't' },
        { "detach", no_argument, NULL, 'd' },         { "help", no_argument, NULL, 'h' },
        { "pid-file", required_argument, NULL, PID_FILE }, { "version", no_argument, NULL, VERSION_WANTED },
        { NULL, 0, NULL, 0 },
    };
    memset(options, 0, sizeof *options);
    *done = false;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":c:tdh", known, NULL)) != -1;) {
        switch (c) {
        case 'c': options->config = optarg; break;
        case 't': options->check = true; break;
        case 'd': options->detach = true; break;
        case PID_FILE: options->pid_file = optarg; break;
        case 'h':
            fputs(usage, stdout);
            *done = true;
            return TG_OK;
        case VERSION_WANTED:
            puts("tollgate-authd " PACKAGE_VERSION);
            *done = true;
            return TG_OK;
        case ':':
            return tg_fail(err, TG_USAGE, "option %s needs a value (tollgate-authd --help)", argv[optind - 1]);
        default:
            return tg_fail(err, TG_USAGE, "unknown option %s (tollgate-authd --help)", argv[optind - 1]);
        }
    }
    if (optind < argc)
        return tg_fail(err, TG_USAGE, "unexpected argument %s (tollgate-authd --help)", argv[optind]);
    if (options->pid_file != NULL && !options->detach)
        return tg_fail(err, TG_USAGE, "--pid-file goes with --detach only");
    return TG_OK;
}
