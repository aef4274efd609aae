#include <math.h>
#include <string.h>

#include "clients/ctl/commands.h"
#include "clients/ctl/geometry.h"
#include "clients/ctl/output.h"
#include "clients/ctl/summary.h"

/* status: one screen about everything that matters at the microscope. */

static void print_detector(const json_t *detector)
{
    printf("detector    %s: command %s, data %s\n", member_text(detector, "host"),
           member_text(detector, "command"), member_text(detector, "data"));
    static const char *const errors[] = {"command_error", "data_error"};
    for (size_t i = 0; i < 2; i++)
        if (*member_text(detector, errors[i]))
            printf("            %s\n", member_text(detector, errors[i]));
}

static void print_progress(const struct summary *run)
{
    printf("            %s", text_of_count(run->placed).text);
    if (run->expected > 0)
        printf(" of %s frames (%.0f %%)", text_of_count(run->expected).text,
               floor(100.0 * (double)run->placed / (double)run->expected));
    else
        printf(" frames");
    if (!summary_is_finished(run))
        printf(", %s frames/s, %s/s", text_of_count((uint64_t)(run->rate + 0.5)).text,
               text_of_bytes(run->rate * run->frame_bytes).text);
    printf(", %s lost, %s analysed\n", text_of_count(run->lost).text,
           text_of_count(run->analysed).text);
}

static void print_newest_run(const json_t *json)
{
    if (!json_is_object(json)) {
        printf("run         none yet\n");
        return;
    }
    struct summary run;
    summary_read(&run, json);
    printf("run         %s: %s%s%s, since %s\n", run.id, run.state, *run.reason ? ", " : "",
           run.reason, text_of_time(json_object_get(json, "started")).text);
    if (*run.detail)
        printf("            %s\n", run.detail);
    print_progress(&run);
    if (run.stalls > 0)
        printf("            held up %s times, %s in all\n", text_of_count(run.stalls).text,
               text_of_duration(run.held_up_s).text);
    if (run.geometry) {
        printf("            seen as ");
        geometry_print(stdout, run.geometry);
        printf("\n");
    }
    if (*run.file)
        printf("            %s\n", run.file);
    summary_print_warnings(stdout, "warning     ", run.warnings);
}

static void print_ring(const json_t *ring)
{
    /* In MiB, as it is configured. */
    printf("ring        %.0f %% of %.0f MiB full, at most %.0f %%",
           100 * member_number(ring, "fill"), member_number(ring, "size") / (1 << 20),
           100 * member_number(ring, "high_water"));
    if (member_count(ring, "full_stalls") > 0)
        printf("; FULL %s times, %s in all", text_of_count(member_count(ring, "full_stalls")).text,
               text_of_duration(member_number(ring, "full_stall_s")).text);
    printf("\n");
}

static void print_compression(const json_t *compression)
{
    const char *const codec = member_text(compression, "codec");
    if (!*codec)
        return;
    printf("            %s", codec);
    if (strcmp(codec, "none") != 0)
        printf(" level %llu", (unsigned long long)member_count(compression, "level"));
    printf(", %s/s of pixels, %s/s written\n",
           text_of_bytes(member_number(compression, "raw_per_s")).text,
           text_of_bytes(member_number(compression, "written_per_s")).text);
}

static void print_recording(const json_t *recording)
{
    printf("recording   %s", member_text(recording, "state"));
    if (*member_text(recording, "directory"))
        printf(", in %s, %s free", member_text(recording, "directory"),
               text_of_bytes(member_number(recording, "bytes_free")).text);
    printf("\n");
    if (*member_text(recording, "error"))
        printf("            %s\n", member_text(recording, "error"));
    const double raw = member_number(recording, "bytes_raw");
    const double written = member_number(recording, "bytes_written");
    if (!(written > 0))
        return;
    printf("            %s of pixels in %s (%.1f : 1)\n", text_of_bytes(raw).text,
           text_of_bytes(written).text, raw / written);
    print_compression(json_object_get(recording, "compression"));
}

/* Bytes that belong to no run: not there on a good day, and then not shown. */
static void print_stray(const json_t *stray)
{
    const uint64_t frames = member_count(stray, "frames"),
                   skipped = member_count(stray, "skipped_bytes");
    if (frames > 0)
        printf("stray       %s frames outside of any run were thrown away\n",
               text_of_count(frames).text);
    if (skipped > 0)
        printf("stray       %s bytes that are no MPX were skipped, %s times\n",
               text_of_count(skipped).text, text_of_count(member_count(stray, "resyncs")).text);
}

static void print_lease(const json_t *lease)
{
    if (json_is_object(lease))
        printf("control     held by %s since %s\n", member_text(lease, "name"),
               text_of_time(json_object_get(lease, "since")).text);
}

void status_print(const json_t *status)
{
    const char *const why = member_text(status, "why");
    printf("merlind     %s%s%s\n", member_text(status, "state"), *why ? ": " : "", why);
    print_lease(json_object_get(status, "lease"));
    print_detector(json_object_get(status, "detector"));
    const json_t *const run = json_object_get(status, "run");
    print_newest_run(run);
    print_ring(json_object_get(status, "ring"));
    print_recording(json_object_get(status, "recording"));
    print_stray(json_object_get(status, "stray"));
    printf("results     %s", member_text(json_object_get(status, "endpoints"), "results"));
    const json_t *const maps = json_object_get(run, "maps");
    if (json_array_size(maps) > 0) {
        printf(", maps ");
        output_names(stdout, maps);
    }
    printf("\n");
    printf("version     %s, %llu workers, %s\n", member_text(status, "version"),
           (unsigned long long)member_count(status, "workers"), member_text(status, "isa"));
}

int command_status(const struct options *options, struct client *client)
{
    return command_ask(options, client, "status", NULL, status_print);
}
