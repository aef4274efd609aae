/* merlind(8): see docs/man/merlind.8.scd. */

#include <blosc.h>
#include <errno.h>
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <uv.h>
#include <zmq.h>

#include "common/log.h"
#include "daemon/config/config.h"
#include "daemon/config/options.h"
#include "daemon/heap_limits.h"
#include "daemon/host_check.h"
#include "daemon/opened/helper.h"
#include "daemon/opened/low_priority.h"
#include "daemon/opened/run_card.h"
#include "daemon/service.h"

static void print_libraries(FILE *out)
{
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    fprintf(out, "libuv %s, libzmq %d.%d.%d, %s, Blosc %s\n", uv_version_string(), major, minor,
            patch, H5_VERS_INFO, BLOSC_VERSION_STRING);
}

/* What the service manager or a person should make of it: EX_UNAVAILABLE for a port that is taken,
 * EX_OSERR for the rest. */
static int exit_code(int r)
{
    if (r == 0)
        return EX_OK;
    return r == -EADDRINUSE ? EX_UNAVAILABLE : EX_OSERR;
}

struct command_line {
    int argc;
    char **argv;
};

static int load_again(void *data, struct config *fresh)
{
    const struct command_line *const line = data;
    struct options options = {.print_libraries = print_libraries,
                              .check_host = host_check,
                              .print_cards = run_cards_print};
    return options_load(line->argc, line->argv, &options, fresh) == 0 ? 0 : -EINVAL;
}

/* A helper of another merlind, which tells so by its environment (helper.h). Before anything else:
 * threads take after the one that makes them. */
static int become_helper(void)
{
    const char *const parent = getenv(HELPER_PARENT);
    if (!parent)
        return 0;
    low_priority_close_inherited(HELPER_FIRST_UNUSED);
    if (low_priority_become((pid_t)strtol(parent, NULL, 10)) == 0)
        return 0;
    log_error("merlind", "the merlind that wanted this process is gone");
    return -ECHILD;
}

int main(int argc, char **argv)
{
    if (become_helper() < 0)
        return EX_UNAVAILABLE;
    heap_limits_set();
    struct options options = {.print_libraries = print_libraries,
                              .check_host = host_check,
                              .print_cards = run_cards_print};
    struct config config;
    if (options_load(argc, argv, &options, &config) != 0)
        return options.exit_code;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit of files' sizes is an error of the recording */
    log_init(config.log_level);
    struct error error = {0};
    struct command_line command_line = {argc, argv};
    const struct config_source source = {&command_line, load_again};
    const int r = service_run(&config, &source, &error);
    if (r < 0)
        log_error("merlind", "%s", error.text);
    if (r < 0 && getenv(HELPER_PARENT))
        printf(HELPER_REFUSED "%s\n", error.text);
    config_finish(&config);
    log_finish();
    return exit_code(r);
}
