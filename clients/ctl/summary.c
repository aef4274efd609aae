#include "clients/ctl/summary.h"

#include <stdlib.h>
#include <string.h>

#include "clients/ctl/geometry.h"
#include "clients/ctl/output.h"

static double frame_bytes(const json_t *json)
{
    const json_t *const image = json_object_get(json, "image");
    const char *const dtype = member_text(json, "dtype");
    if (json_array_size(image) != 2 || strlen(dtype) != 3)
        return 0;
    return json_number_value(json_array_get(image, 0)) *
           json_number_value(json_array_get(image, 1)) * atoi(dtype + 2);
}

void summary_read(struct summary *summary, const json_t *json)
{
    const json_t *const frames = json_object_get(json, "frames");
    const json_t *const recording = json_object_get(json, "recording");
    const json_t *const stalls = json_object_get(json, "stalls");
    *summary = (struct summary){
        .id = member_text(json, "id"),
        .state = member_text(json, "state"),
        .reason = member_text(json, "reason"),
        .detail = member_text(json, "detail"),
        .file = member_text(json, "file"),
        .recording_state = member_text(recording, "state"),
        .recording_error = member_text(recording, "error"),
        .bytes_raw = member_count(recording, "bytes_raw"),
        .bytes_written = member_count(recording, "bytes_written"),
        .expected = member_count(frames, "expected"),
        .received = member_count(frames, "received"),
        .placed = member_count(frames, "placed"),
        .recorded = member_count(frames, "recorded"),
        .unrecorded = member_count(frames, "unrecorded"),
        .missing = member_count(frames, "missing"),
        .lost = member_count(frames, "lost"),
        .analysed = member_count(frames, "analysed"),
        .not_analysed = member_count(frames, "not_analysed"),
        .rate = member_number(json, "rate"),
        .elapsed_s = member_number(json, "elapsed_s"),
        .frame_bytes = frame_bytes(json),
        .maps = json_object_get(json, "maps"),
        .geometry = json_object_get(json, "geometry"),
        .warnings = json_object_get(json, "warnings"),
        .stalls = member_count(stalls, "episodes"),
        .held_up_s = member_number(stalls, "held_up_s"),
    };
}

bool summary_is_finished(const struct summary *summary)
{
    return !strcmp(summary->state, "finished");
}

bool summary_is_complete(const struct summary *summary, bool must_record)
{
    if (!summary_is_finished(summary) || strcmp(summary->reason, "complete") != 0 ||
        summary->missing > 0)
        return false;
    if (!strcmp(summary->recording_state, "off"))
        return !must_record;
    return !strcmp(summary->recording_state, "closed") && summary->unrecorded == 0;
}

static void print_file(FILE *out, const struct summary *summary)
{
    if (!strcmp(summary->recording_state, "off")) {
        fprintf(out, "  not recorded\n");
        return;
    }
    fprintf(out, "  file      %s\n", *summary->file ? summary->file : "none");
    if (strcmp(summary->recording_state, "closed") != 0)
        fprintf(out, "            recording %s: %s\n", summary->recording_state,
                summary->recording_error);
    if (summary->bytes_written > 0)
        fprintf(out, "            %s of pixels in %s (%.1f : 1)\n",
                text_of_bytes((double)summary->bytes_raw).text,
                text_of_bytes((double)summary->bytes_written).text,
                (double)summary->bytes_raw / (double)summary->bytes_written);
    if (summary->unrecorded > 0)
        fprintf(out, "            %s frames are NOT in the file\n",
                text_of_count(summary->unrecorded).text);
}

void summary_print_warnings(FILE *out, const char *head, const json_t *warnings)
{
    size_t i;
    const json_t *warning;
    json_array_foreach(warnings, i, warning)
        fprintf(out, "%s%s\n", head, json_is_string(warning) ? json_string_value(warning) : "?");
}

void summary_print(FILE *out, const struct summary *summary)
{
    fprintf(out, "%s%s%s\n", *summary->reason ? summary->reason : "ended",
            *summary->detail ? ": " : "", summary->detail);
    fprintf(out, "  frames    %s", text_of_count(summary->placed).text);
    if (summary->expected > 0)
        fprintf(out, " of %s", text_of_count(summary->expected).text);
    fprintf(out, ", %s lost", text_of_count(summary->lost).text);
    if (summary->elapsed_s > 0)
        fprintf(out, ", in %s (%s frames/s, %s/s)", text_of_duration(summary->elapsed_s).text,
                text_of_count((uint64_t)((double)summary->received / summary->elapsed_s)).text,
                text_of_bytes((double)summary->received * summary->frame_bytes / summary->elapsed_s)
                    .text);
    fprintf(out, "\n");
    if (summary->not_analysed > 0)
        fprintf(out, "            %s frames are not in the maps\n",
                text_of_count(summary->not_analysed).text);
    if (summary->stalls > 0)
        fprintf(out, "            held up %s times, %s in all\n",
                text_of_count(summary->stalls).text, text_of_duration(summary->held_up_s).text);
    if (summary->geometry) {
        fprintf(out, "  seen as   ");
        geometry_print(out, summary->geometry);
        fprintf(out, "\n");
    }
    print_file(out, summary);
    if (json_array_size(summary->maps) > 0) {
        fprintf(out, "  maps      ");
        output_names(out, summary->maps);
        fprintf(out, "\n");
    }
    summary_print_warnings(out, "  warning   ", summary->warnings);
}
