#include <errno.h>
#include <math.h>
#include <time.h>

#include "clients/ctl/arguments.h"
#include "clients/ctl/commands.h"
#include "clients/ctl/companion.h"
#include "clients/ctl/interrupt.h"
#include "clients/ctl/output.h"
#include "clients/ctl/progress.h"
#include "clients/ctl/summary.h"
#include "common/clock.h"

/* start, view, record, stop and run: whatever moves a run or waits for one. */

#define POLL_PERIOD_NS (100 * NS_PER_MS)
#define POLLS_PER_RING_LOOK 5

/* The answer to start comes when the detector is set up and armed, a dozen exchanges with it. */
#define START_TIMEOUT_S 30

/* A detector in its error state is given some seconds to recover. */
#define STOP_TIMEOUT_S 15

/* NULL with a sentence: the file of positions cannot be used. */
static json_t *start_arguments(const struct options *options, const char *mode, struct error *error)
{
    json_t *const arguments = json_pack("{s:s}", "mode", mode);
    if (arguments_add_geometry(arguments, options, error) < 0) {
        json_decref(arguments);
        return NULL;
    }
    if (options->given & OPTION_FLYBACK)
        json_object_set_new(arguments, "flyback", json_string("exposure"));
    if (options->given & OPTION_TRIGGER)
        json_object_set_new(arguments, "trigger", json_string(options->trigger));
    if (options->given & OPTION_PRESET)
        json_object_set_new(arguments, "preset", json_string(options->preset));
    if (options->parameters)
        json_object_set(arguments, "parameters", options->parameters);
    if (options->given & OPTION_RECORD)
        json_object_set_new(arguments, "recording", json_boolean(options->record));
    if (options->ask)
        json_object_set_new(arguments, "recording", json_string("ask"));
    if (options->name)
        json_object_set_new(arguments, "name", json_string(options->name));
    if (options->directory)
        json_object_set_new(arguments, "directory", json_string(options->directory));
    if (options->given & OPTION_SERIES)
        json_object_set_new(
            arguments, "series",
            json_pack("{s:I, s:s*}", "scans", options->scans, "drift", options->drift));
    if (options->labels)
        json_object_set(arguments, "labels", options->labels);
    return arguments;
}

static void sleep_ns(uint64_t ns)
{
    nanosleep(
        &(struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)},
        NULL);
}

/* How full the daemon's ring is, 0..1; negative when it does not say. */
static double look_at_ring(struct client *client)
{
    struct reply reply;
    struct error error;
    double fill = -1;
    if (client_request(client, "status", NULL, &reply, &error) == 0)
        fill = member_number(json_object_get(reply.result, "ring"), "fill");
    reply_finish(&reply);
    return fill;
}

/* Asks for the run until it is finished. Returns what client_request returns; the last reply is the
 * caller's to finish. */
static int poll_until_finished(struct client *client, const char *id, struct progress *progress,
                               struct reply *reply, struct error *error)
{
    double ring_fill = -1;
    for (unsigned round = 0;; round++) {
        const uint64_t began = clock_monotonic_ns();
        const int result =
            client_request(client, "run", json_pack("{s:s}", "id", id), reply, error);
        if (result)
            return result;
        struct summary summary;
        summary_read(&summary, reply->result);
        if (summary_is_finished(&summary))
            return 0;
        if (progress->shown && round % POLLS_PER_RING_LOOK == 0)
            ring_fill = look_at_ring(client);
        progress_draw(progress, &summary, ring_fill);
        reply_finish(reply);
        const uint64_t spent = clock_monotonic_ns() - began;
        if (!interrupt_caught() && spent < POLL_PERIOD_NS)
            sleep_ns(POLL_PERIOD_NS - spent);
        if (interrupt_caught())
            return error_set(error, -EINTR, "interrupted");
    }
}

/* `id` is empty when the answer to start had not come yet. */
static int say_interrupted(const struct options *options, const char *id)
{
    fprintf(stderr,
            "merlinctl: no longer waiting, but the run goes on; \"merlinctl run%s%s --wait\" waits "
            "for it again, "
            "\"merlinctl stop\" ends it\n",
            *id ? " " : "", id);
    output_error(options, "interrupted", "no longer waiting, but the run goes on", NULL);
    return 128 + interrupt_caught();
}

/* Tells about a finished run and judges it. */
static int report_finished(const struct options *options, const json_t *json)
{
    struct summary summary;
    summary_read(&summary, json);
    if (options->json)
        output_json(json);
    else
        summary_print(stdout, &summary);
    /* Also of "record", which says it by its name. */
    const bool must_record = (options->given & OPTION_RECORD && options->record) ||
                             options->command->run == command_record;
    return summary_is_complete(&summary, must_record) ? 0 : EXIT_INCOMPLETE;
}

static int wait_for_run(const struct options *options, struct client *client, const char *id)
{
    client_set_timeout(client, options->timeout_s);
    struct progress progress;
    progress_init(&progress, options->progress);
    struct reply reply;
    struct error error = {0};
    const int result = poll_until_finished(client, id, &progress, &reply, &error);
    progress_finish(&progress);

    int exit_code;
    if (result == 0) {
        exit_code = report_finished(options, reply.result);
    } else if (result == -EINTR) {
        exit_code = say_interrupted(options, id);
    } else {
        error_prefix(&error, "while waiting for run %s", id);
        exit_code = command_failed(options, &reply, result, &error);
        /* The run was taken; that the daemon no longer knows it says that it was restarted, not
         * that it refuses. */
        if (exit_code >= EXIT_REFUSED && exit_code <= EXIT_NOT_ALLOWED)
            exit_code = EXIT_INCOMPLETE;
    }
    reply_finish(&reply);
    return exit_code;
}

/* The detector is armed and nobody will trigger it: the run would wait for ever. */
static int give_up(const struct options *options, struct client *client, const struct error *error)
{
    struct reply reply;
    struct error ignored;
    client_request(client, "stop", NULL, &reply, &ignored);
    reply_finish(&reply);
    return command_failed(options, &(struct reply){0}, error->code, error);
}

/* Runs the program that stands behind --, if there is one, and waits for the run and for it. */
static int run_and_wait(const struct options *options, struct client *client, const char *id)
{
    struct companion companion;
    struct error error = {0};
    if (companion_start(&companion, options, &error) < 0)
        return give_up(options, client, &error);
    const int exit_code = wait_for_run(options, client, id);
    if (interrupt_caught() || companion_finish(&companion, options, &error) == 0)
        return exit_code;
    fprintf(stderr, "merlinctl: %s\n", error.text);
    return exit_code ? exit_code : EXIT_INCOMPLETE;
}

/* Sends a command that names a run in its answer, then waits for that run. */
static int ask_and_wait(const struct options *options, struct client *client, const char *command,
                        json_t *arguments)
{
    interrupt_watch();
    struct reply reply;
    struct error error = {0};
    const int result = client_request(client, command, arguments, &reply, &error);
    int exit_code;
    if (result == -EINTR)
        exit_code = say_interrupted(options, "");
    else if (result)
        exit_code = command_failed(options, &reply, result, &error);
    else
        exit_code = run_and_wait(options, client, member_text(reply.result, "id"));
    reply_finish(&reply);
    return exit_code;
}

static void print_started(const json_t *result)
{
    const char *const file = member_text(result, "file");
    const uint64_t expected = member_count(result, "expected");
    printf("%s: run %s", member_text(result, "state"), member_text(result, "id"));
    if (expected > 0)
        printf(", %s frames", text_of_count(expected).text);
    printf("\n");
    if (*file) /* often not known before the first frame */
        printf("  file      %s\n", file);
    summary_print_warnings(stdout, "  warning   ", json_object_get(result, "warnings"));
}

/* Says soon whether there is anybody, so that start itself may be waited for longer. */
static int look_for_daemon(const struct options *options, struct client *client)
{
    struct reply reply;
    struct error error = {0};
    const int result = client_request(client, "ping", NULL, &reply, &error);
    const int exit_code = result ? command_failed(options, &reply, result, &error) : 0;
    reply_finish(&reply);
    return exit_code;
}

static int start_and_wait_for_series(const struct options *options, struct client *client,
                                     json_t *arguments)
{
    struct reply reply;
    struct error error = {0};
    const int result = client_request(client, "start", arguments, &reply, &error);
    const int exit_code =
        result ? command_failed(options, &reply, result, &error) : command_series(options, client);
    reply_finish(&reply);
    return exit_code;
}

static int start(const struct options *options, struct client *client, const char *mode)
{
    struct error error = {0};
    json_t *const arguments = start_arguments(options, mode, &error);
    if (!arguments)
        return command_failed(options, &(struct reply){0}, error.code, &error);
    const int exit_code = look_for_daemon(options, client);
    if (exit_code) {
        json_decref(arguments);
        return exit_code;
    }
    client_set_timeout(client, fmax(options->timeout_s, START_TIMEOUT_S));
    if (options->given & OPTION_SERIES && options->given & OPTION_WAIT)
        return start_and_wait_for_series(options, client, arguments);
    if (options->given & OPTION_WAIT || options->has_program)
        return ask_and_wait(options, client, "start", arguments);
    return command_ask(options, client, "start", arguments, print_started);
}

int command_start(const struct options *options, struct client *client)
{
    return start(options, client, options->given & OPTION_PASSIVE ? "passive" : "active");
}

int command_view(const struct options *options, struct client *client)
{
    return start(options, client, "view");
}

int command_record(const struct options *options, struct client *client)
{
    if (options->given & OPTION_WAIT || options->has_program)
        return ask_and_wait(options, client, "record", NULL);
    return command_ask(options, client, "record", NULL, print_started);
}

static void print_state(const json_t *result)
{
    size_t i;
    json_t *action;
    json_array_foreach(json_object_get(result, "actions"), i, action)
        printf("%s%s", i > 0 ? ", " : "sent ", json_string_value(action));
    printf("%s%s\n", i > 0 ? ": " : "", member_text(result, "state"));
}

int command_stop(const struct options *options, struct client *client)
{
    const int exit_code = look_for_daemon(options, client);
    if (exit_code)
        return exit_code;
    client_set_timeout(client, fmax(options->timeout_s, STOP_TIMEOUT_S));
    return command_ask(options, client, "stop", NULL, print_state);
}

static void print_run(const json_t *json)
{
    struct summary summary;
    summary_read(&summary, json);
    printf("run %s, started %s\n", summary.id, text_of_time(json_object_get(json, "started")).text);
    if (!summary_is_finished(&summary))
        printf("%s, ", summary.state);
    summary_print(stdout, &summary);
}

int command_run(const struct options *options, struct client *client)
{
    json_t *const arguments =
        options->n_words > 0 ? json_pack("{s:s}", "id", options->words[0]) : NULL;
    if (options->given & OPTION_WAIT)
        return ask_and_wait(options, client, "run", arguments);
    return command_ask(options, client, "run", arguments, print_run);
}
