#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "daemon/record/file_info.h"
#include "daemon/record/file_progress.h"

/* ---- members that may be missing or of another kind ---- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *const text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static uint64_t count_of(const json_t *object, const char *name)
{
    const json_int_t value = json_integer_value(json_object_get(object, name));
    return value > 0 ? (uint64_t)value : 0;
}

static double number_of(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static void print_extent(FILE *out, const json_t *extent)
{
    for (size_t i = 0; i < json_array_size(extent); i++)
        fprintf(out, "%s%" JSON_INTEGER_FORMAT, i ? " x " : "",
                json_integer_value(json_array_get(extent, i)));
}

/* ---- lines ---- */

static void print_head(FILE *out, const json_t *info)
{
    fprintf(out, "%s  %s\n", text_of(info, "file"),
            file_text_of_bytes(number_of(info, "bytes")).text);
    fprintf(out, "run       %s, %s %s\n", text_of(info, "run"), text_of(info, "creator"),
            text_of(info, "creator_version"));
    fprintf(out, "started   %s\n", text_of(info, "start_time"));
}

static void print_end(FILE *out, const json_t *info)
{
    const json_t *const statistics = json_object_get(info, "statistics");
    const char *const detail = text_of(statistics, "detail");
    if (json_is_true(json_object_get(info, "growing"))) {
        fprintf(out, "ended     not yet: it is being written, or was left by a crash\n");
        return;
    }
    fprintf(out, "ended     %s, %s", text_of(info, "end_time"),
            *text_of(info, "end_reason") ? text_of(info, "end_reason") : "nobody knows why");
    if (json_is_number(json_object_get(statistics, "elapsed_s")))
        fprintf(out, ", after %s", file_text_of_duration(number_of(statistics, "elapsed_s")).text);
    fprintf(out, "%s%s\n", *detail ? ": " : "", detail);
}

/* "12 bit counters" and so on, as far as it is known. */
static void print_pixels(FILE *out, const json_t *info)
{
    const json_t *const data = json_object_get(info, "data");
    const json_t *const layers = json_object_get(info, "layers");
    fprintf(out, "data      ");
    print_extent(out, json_object_get(data, "shape"));
    fprintf(out, " pixels %s", text_of(data, "dtype"));
    if (count_of(info, "counter_depth") > 0)
        fprintf(out, ", %" PRIu64 "-bit counters", count_of(info, "counter_depth"));
    if (*text_of(info, "pixel_type"))
        fprintf(out, ", %s", text_of(info, "pixel_type"));
    if (*text_of(info, "layout"))
        fprintf(out, ", %s", text_of(info, "layout"));
    fputc('\n', out);
    if (json_array_size(layers) == 0)
        return;
    fprintf(out, "layers    ");
    for (size_t i = 0; i < json_array_size(layers); i++)
        fprintf(out, "%s%s", i ? ", " : "", json_string_value(json_array_get(layers, i)));
    fputc('\n', out);
}

static void print_compression(FILE *out, const json_t *info)
{
    const json_t *const data = json_object_get(info, "data");
    const json_t *const codec = json_object_get(data, "compression");
    fprintf(out, "stored    ");
    if (json_is_object(codec))
        fprintf(out, "blosc %s, level %" PRIu64 ", %s shuffle", text_of(codec, "codec"),
                count_of(codec, "level"), text_of(codec, "shuffle"));
    else
        fprintf(out, "%s",
                strcmp(text_of(data, "compression"), "none") == 0
                    ? "not compressed"
                    : "compressed, not with Blosc alone");
    fprintf(out, ": %s of pixels in %s", file_text_of_bytes(number_of(data, "bytes_raw")).text,
            file_text_of_bytes(number_of(data, "bytes_stored")).text);
    if (number_of(data, "ratio") > 0)
        fprintf(out, ", %.1f to 1", number_of(data, "ratio"));
    if (count_of(data, "chunk_frames") > 0)
        fprintf(out, "; chunks of %" PRIu64, count_of(data, "chunk_frames"));
    fputc('\n', out);
}

/* Times of the history are [s, ns] since 1970. */
static void print_time(FILE *out, const json_t *time)
{
    const time_t seconds = (time_t)json_integer_value(json_array_get(time, 0));
    struct tm local;
    char text[32];
    if (seconds > 0 && localtime_r(&seconds, &local) &&
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local) > 0)
        fprintf(out, "  %s", text);
}

static void print_entry(FILE *out, const json_t *entry, bool stored)
{
    const json_t *const scan = json_object_get(entry, "scan");
    const json_t *const skip = json_object_get(entry, "skip");
    fprintf(out, "%-9s %c %" PRIu64 ": ", "", stored ? '*' : ' ', count_of(entry, "version"));
    print_extent(out, scan);
    fprintf(out, "%s%s", json_array_size(scan) ? " " : "no shape",
            json_array_size(scan) ? text_of(entry, "order") : "");
    if (count_of(entry, "repeats") > 1)
        fprintf(out, ", %" PRIu64 " times", count_of(entry, "repeats"));
    if (count_of(skip, "start") + count_of(skip, "line") + count_of(skip, "end") > 0)
        fprintf(out, ", skip %" PRIu64 "/%" PRIu64 "/%" PRIu64, count_of(skip, "start"),
                count_of(skip, "line"), count_of(skip, "end"));
    const json_int_t shift = json_integer_value(json_object_get(entry, "shift"));
    if (shift != 0)
        fprintf(out, ", shift %+" JSON_INTEGER_FORMAT, shift);
    fprintf(out, "  (%s, frame %" PRIu64 ")", text_of(entry, "source"), count_of(entry, "frame"));
    print_time(out, json_object_get(entry, "time"));
    fputc('\n', out);
}

/* A history of one geometry says no more than the line above it. */
#define ENTRIES_SHOWN 8

static void print_geometry(FILE *out, const json_t *info)
{
    const json_t *const history = json_object_get(info, "history");
    const size_t n = json_array_size(history);
    fprintf(out, "scan      %s\n", text_of(info, "geometry_words"));
    if (n < 2)
        return;
    fprintf(out, "geometries (* stored; skip start/line/end)\n");
    for (size_t i = 0; i < n; i++) {
        const bool stored = i == count_of(info, "stored_as");
        if (stored || i == 0 || i + ENTRIES_SHOWN > n)
            print_entry(out, json_array_get(history, i), stored);
        else if (i == 1)
            fprintf(out, "%-9s   ...\n", "");
    }
}

static void print_count(FILE *out, const json_t *frames, const char *name, const char *word)
{
    const uint64_t n = count_of(frames, name);
    if (n > 0)
        fprintf(out, ", %s %s", file_text_of_count(n).text, word);
}

static void print_told_count(FILE *out, const json_t *frames, const char *name, bool *first)
{
    const uint64_t n = count_of(frames, name);
    if (n == 0)
        return;
    fprintf(out, "%s%s %s", *first ? "" : ", ", file_text_of_count(n).text, name);
    *first = false;
}

static void print_statistics(FILE *out, const json_t *info)
{
    static const char *const names[] = {
        "expected", "received", "placed",     "missing",          "skipped",  "duplicate",
        "surplus",  "rejected", "unrecorded", "extra_unrecorded", "deferred", "not_analysed"};
    const json_t *const frames = json_object_get(json_object_get(info, "statistics"), "frames");
    bool first = true;
    fprintf(out, "measured  ");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        print_told_count(out, frames, names[i], &first);
    fprintf(out, "%s\n", first ? "nobody tells" : "");
}

static void print_frames(FILE *out, const json_t *info)
{
    const json_t *const frames = json_object_get(info, "frames");
    fprintf(out, "frames    %s came, %s in place",
            file_text_of_count(count_of(frames, "came")).text,
            file_text_of_count(count_of(frames, "placed")).text);
    print_count(out, frames, "skipped", "skipped");
    print_count(out, frames, "surplus", "surplus");
    fprintf(out, ", %s in /entry/extra\n", file_text_of_count(count_of(frames, "extra")).text);
    fprintf(out, "          %s missing, %s saturated, %s stalled",
            file_text_of_count(count_of(frames, "missing")).text,
            file_text_of_count(count_of(frames, "saturated")).text,
            file_text_of_count(count_of(frames, "stalled")).text);
    print_count(out, frames, "late", "late");
    print_count(out, frames, "duplicate", "sent twice");
    print_count(out, frames, "deferred", "analysed later");
    fputc('\n', out);
}

static void print_calibration(FILE *out, const json_t *info)
{
    static const char *const items[][2] = {
        {"kv", "voltage"},
        {"camera_length_mm", "camera length"},
        {"convergence_mrad", "convergence"},
        {"scan_step_nm", "step"},
        {"beam_current_pa", "beam current"},
    };
    const json_t *const calibration = json_object_get(info, "calibration");
    bool first = true;
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        const json_t *const item = json_object_get(calibration, items[i][0]);
        const json_t *const value = json_object_get(item, "value");
        if (!json_is_number(value))
            continue;
        fprintf(out, "%s%s %g %s", first ? "with      " : ", ", items[i][1],
                json_number_value(value), text_of(item, "unit"));
        first = false;
    }
    if (!first)
        fputc('\n', out);
}

static void print_dose(FILE *out, const json_t *info)
{
    const json_t *const dose = json_object_get(json_object_get(info, "statistics"), "dose");
    const json_t *const beam = json_object_get(dose, "beam");
    if (!json_is_object(dose))
        return;
    /* Files of older versions have it of counts only, and do not say so. */
    const bool counted = strcmp(text_of(dose, "source"), "beam_current") != 0;
    if (counted)
        fprintf(out, "dose      %.4g e/nm^2, %.4g electrons counted in a pattern\n",
                number_of(dose, "e_per_nm2"), number_of(dose, "electrons"));
    if (json_is_object(beam))
        fprintf(out, "%s%.4g e/nm^2 during exposures, from %.4g pA (%s)\n",
                counted ? "          " : "dose      ", number_of(beam, "e_per_nm2"),
                number_of(beam, "current_pa"), text_of(beam, "source"));
}

/* "sample Zr50, strain 8". */
static void print_labels(FILE *out, const json_t *info)
{
    json_t *const labels = json_object_get(json_object_get(info, "statistics"), "labels");
    const char *name;
    json_t *value;
    bool first = true;
    json_object_foreach(labels, name, value)
    {
        fprintf(out, "%s%s ", first ? "labels    " : ", ", name);
        if (json_is_string(value))
            fprintf(out, "%s", json_string_value(value));
        else
            fprintf(out, "%g", json_number_value(value));
        first = false;
    }
    if (!first)
        fputc('\n', out);
}

static void print_logbook(FILE *out, const json_t *info)
{
    const json_t *const series = json_object_get(info, "series");
    if (count_of(info, "notes") > 0)
        fprintf(out, "notes     %s, in /entry/notes\n",
                file_text_of_count(count_of(info, "notes")).text);
    for (size_t i = 0; i < json_array_size(series); i++)
        fprintf(out, "%s%s%s", i ? ", " : "series    ", text_of(json_array_get(series, i), "name"),
                i + 1 < json_array_size(series) ? "" : "\n");
}

static void print_warnings(FILE *out, const json_t *info)
{
    const json_t *const warnings = json_object_get(json_object_get(info, "statistics"), "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++)
        fprintf(out, "%s%s\n", i ? "          " : "warnings  ",
                json_string_value(json_array_get(warnings, i)));
}

static void print_results(FILE *out, const json_t *info, const char *kind, const char *title)
{
    const json_t *const results = json_object_get(info, "results");
    bool any = false;
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *const result = json_array_get(results, i);
        if (strcmp(text_of(result, "kind"), kind) != 0)
            continue;
        fprintf(out, "%s%s", any ? ", " : title, text_of(result, "name"));
        any = true;
    }
    if (any)
        fputc('\n', out);
}

void file_info_print(FILE *out, const json_t *info)
{
    print_head(out, info);
    print_end(out, info);
    if (*text_of(info, "recording_error"))
        fprintf(out, "DOUBTFUL  %s\n", text_of(info, "recording_error"));
    print_geometry(out, info);
    print_pixels(out, info);
    print_compression(out, info);
    print_statistics(out, info);
    print_frames(out, info);
    print_results(out, info, "map", "maps      ");
    print_results(out, info, "array", "arrays    ");
    print_labels(out, info);
    print_calibration(out, info);
    print_dose(out, info);
    print_logbook(out, info);
    print_warnings(out, info);
}
