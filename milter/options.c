/* options.c: see options.h. */
#include <getopt.h>
#include <stdio.h>
#include "milter/options.h"
#include "schema/error.h"

static const char usage[] =
    "usage: tollgate-milter [-c FILE] [-t] [-d [--pid-file FILE]]\n"
    "\n"
    "The mail filter: enforces account status, plan and sender domains, and routes bounces.\n"
    "\n"
    "  -c, --config FILE    configuration (default: $TOLLGATE_CONFIG, else\n"
    "                       " TG_SYSCONFDIR "/tollgate/tollgate.conf)\n"
    "  -t, --test           check the configuration and exit\n"
    "  -d, --detach         go to the background once it serves\n"
    "      --pid-file FILE  with -d: where to write the process id\n"
    "  -h, --help           this text\n"
    "      --version        the version\n"
    "\n"
    "examples:\n"
    "  tollgate-milter -t -c /etc/tollgate/tollgate.conf\n"
    "  tollgate-milter -c ./tollgate.conf                # in the foreground\n"
    "\n"
    "SIGHUP reloads the configuration, SIGTERM finishes what is under way and ends.\n";

int options_read(int argc, char **argv, struct options *options)
{
    enum { PID_FILE = 256, VERSION_WANTED };
    static const struct option names[] = {
        { "config", required_argument, NULL, 'c' }, { "test", no_argument, NULL, 't' },
        { "detach", no_argument, NULL, 'd' },       { "pid-file", required_argument, NULL, PID_FILE },
        { "help", no_argument, NULL, 'h' },         { "version", no_argument, NULL, VERSION_WANTED },
        { 0 },
    };
    for (int c; (c = getopt_long(argc, argv, "c:tdh", names, NULL)) != -1;) {
        switch (c) {
        case 'c': options->config = optarg; break;
        case 't': options->test = true; break;
        case 'd': options->detach = true; break;
        case 'h': fputs(usage, stdout); return 0;
        case PID_FILE: options->pid_file = optarg; break;
        case VERSION_WANTED: puts("tollgate-milter " PACKAGE_VERSION); return 0;
        default: fputs("try tollgate-milter --help\n", stderr); return TG_USAGE;
        }
    }
    if (optind < argc)
        fprintf(stderr, "tollgate-milter: unexpected argument %s (tollgate-milter --help)\n", argv[optind]);
    else if (options->pid_file != NULL && !options->detach)
        fputs("tollgate-milter: --pid-file goes with --detach only\n", stderr);
    else
        return -1;
    return TG_USAGE;
}
