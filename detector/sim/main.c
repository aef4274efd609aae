#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "detector/sim/acquisition.h"
#include "detector/sim/command_server.h"
#include "detector/sim/listener.h"
#include "detector/sim/options.h"
#include "detector/sim/replay.h"
#include "detector/sim/synthetic.h"

static int fail(int status, const struct error *error)
{
    fprintf(stderr, "merlin-sim: %s\n", error->text);
    return status;
}

static int source_status(const struct options *options, int code)
{
    if (code == -EBADMSG)
        return EX_DATAERR;
    if (code == -ENOMEM)
        return EX_OSERR;
    return options->file ? EX_NOINPUT : EX_CANTCREAT;
}

/* SIGINT and SIGTERM become readable; threads started from now on inherit the mask. */
static int open_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int serve(const struct options *options, struct frame_source *source, int command_listener,
                 int data_listener, int signal_fd)
{
    struct error error = {0};
    struct acquisition *acquisition;
    if (acquisition_create(&acquisition, source, options, data_listener, &error) < 0)
        return fail(EX_OSERR, &error);
    printf("ready command=%u data=%u\n", options->command_port, options->data_port);
    fflush(stdout);
    struct command_context context;
    command_context_init(&context, options, source, acquisition);
    const int result = command_server_run(&context, command_listener, signal_fd);
    acquisition_destroy(acquisition);
    if (result < 0) {
        error_set(&error, result, "the command server failed: %s", strerror(-result));
        return fail(EX_OSERR, &error);
    }
    return EX_OK;
}

static int listen_and_serve(struct options *options, struct frame_source *source, int signal_fd)
{
    struct error error = {0};
    const int command_listener =
        listener_open(options->listen, &options->command_port, "command", &error);
    if (command_listener < 0)
        return fail(EX_UNAVAILABLE, &error);
    const int data_listener = listener_open(options->listen, &options->data_port, "data", &error);
    const int status = data_listener < 0
                           ? fail(EX_UNAVAILABLE, &error)
                           : serve(options, source, command_listener, data_listener, signal_fd);
    if (data_listener >= 0)
        close(data_listener);
    close(command_listener);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    const int usage = options_parse(&options, argc, argv);
    if (usage != OPTIONS_RUN)
        return usage;

    struct error error = {0};
    struct frame_source *source;
    const int code = options.file ? replay_create(&source, options.file, options.repeat, &error)
                                  : synthetic_create(&source, &options, &error);
    if (code < 0)
        return fail(source_status(&options, code), &error);
    const int signal_fd = open_signals();
    const int status = listen_and_serve(&options, source, signal_fd);
    if (signal_fd >= 0)
        close(signal_fd);
    frame_source_destroy(source);
    return status;
}
