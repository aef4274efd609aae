#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clients/ctl/commands.h"
#include "clients/ctl/interrupt.h"
#include "clients/ctl/output.h"

/* series: the scans of the newest series as a table, and waiting for its end. */

static void print_drift(const json_t *drift)
{
    const json_t *const values = json_object_get(drift, "drift");
    if (json_is_true(json_object_get(drift, "found")))
        printf("  %+.2f %+.2f", json_number_value(json_array_get(values, 0)),
               json_number_value(json_array_get(values, 1)));
    else
        printf("  %s", json_is_object(drift) ? "no drift found" : "");
}

static void print_row(const json_t *row)
{
    const char *const reason = member_text(row, "reason");
    printf("%6llu  %s  %-9s", (unsigned long long)member_count(row, "scan"),
           member_text(row, "run"), *reason ? reason : "goes on");
    if (json_is_number(json_object_get(row, "gap_s")))
        printf("  %5.2f s", member_number(row, "gap_s"));
    else
        printf("  %7s", "");
    print_drift(json_object_get(row, "drift"));
    printf("  %s\n", member_text(row, "file"));
}

static void print_series(const json_t *result)
{
    size_t i;
    const json_t *row;
    printf("  scan  %-36s  end        gap      drift y x (positions)  file\n", "run");
    json_array_foreach(json_object_get(result, "rows"), i, row) print_row(row);
    if (json_is_true(json_object_get(result, "going_on")))
        printf("it goes on: scan %llu of %llu\n", (unsigned long long)member_count(result, "scan"),
               (unsigned long long)member_count(result, "scans"));
}

/* All scans that were asked for are there and complete. */
static bool is_complete(const json_t *result)
{
    const json_t *const rows = json_object_get(result, "rows");
    size_t i;
    const json_t *row;
    bool complete = json_array_size(rows) == member_count(result, "scans");
    json_array_foreach(rows, i, row) complete &=
        strcmp(member_text(row, "reason"), "complete") == 0;
    return complete;
}

static int tell(const struct options *options, const json_t *result)
{
    if (options->json)
        output_json(result);
    else
        print_series(result);
    return !(options->given & OPTION_WAIT) || is_complete(result) ? 0 : EXIT_INCOMPLETE;
}

static int say_interrupted(const struct options *options)
{
    fprintf(stderr, "merlinctl: no longer waiting, but the series goes on; \"merlinctl series "
                    "--wait\" waits for it again, \"merlinctl stop\" ends it\n");
    output_error(options, "interrupted", "no longer waiting, but the series goes on", NULL);
    return 128 + interrupt_caught();
}

int command_series(const struct options *options, struct client *client)
{
    const struct timespec pause = {.tv_nsec = 200000000};
    struct reply reply;
    struct error error = {0};
    bool goes_on = true;
    int exit_code = 0;
    if (options->given & OPTION_WAIT)
        interrupt_watch();
    while (goes_on && exit_code == 0) {
        const int result = client_request(client, "series", NULL, &reply, &error);
        goes_on =
            options->given & OPTION_WAIT && json_is_true(json_object_get(reply.result, "going_on"));
        if (interrupt_caught())
            exit_code = say_interrupted(options);
        else if (result)
            exit_code = command_failed(options, &reply, result, &error);
        else if (goes_on)
            nanosleep(&pause, NULL);
        else
            exit_code = tell(options, reply.result);
        reply_finish(&reply);
    }
    return exit_code;
}
