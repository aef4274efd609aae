#include "daemon/record/file_layout.h"
#include "daemon/record/detector_pixels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/cpu.h"
#include "common/crc32c.h"
#include "daemon/record/nexus.h"
#include "daemon/record/reader_views.h"
#include "daemon/record/run_facts.h"
#include "daemon/record/run_file.h"
#include "daemon/record/settings_text.h"

#define FILE_FORMAT_VERSION "2"
#define STATISTICS_CAPACITY 4096
#define END_REASON_CAPACITY 32

void iso_time(char text[ISO_TIME_SIZE], uint64_t unix_ns)
{
    const time_t seconds = (time_t)(unix_ns / NS_PER_S);
    struct tm local;
    char date[24], zone[8];
    text[0] = '\0';
    if (unix_ns == 0 || !localtime_r(&seconds, &local))
        return;
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &local);
    strftime(zone, sizeof zone, "%z", &local);
    snprintf(text, ISO_TIME_SIZE, "%s.%06u%.3s:%.2s", date,
             (unsigned)(unix_ns % NS_PER_S / NS_PER_US), zone, zone + 3);
}

static int describe_root(hid_t file)
{
    const hid_t root = H5Gopen2(file, "/", H5P_DEFAULT);
    if (root < 0)
        return -1;
    const int r = nexus_class(root, "NXroot") < 0 ||
                          nexus_attribute(root, "default", "entry") < 0 ||
                          nexus_attribute(root, "creator", "merlind") < 0 ||
                          nexus_attribute(root, "creator_version", MERLIND_VERSION) < 0 ||
                          nexus_attribute(root, "merlind_format_version", FILE_FORMAT_VERSION) < 0
                      ? -1
                      : 0;
    H5Gclose(root);
    return r;
}

static int create_times(struct file_datasets *datasets, hid_t entry, const struct run *run)
{
    char started[ISO_TIME_SIZE];
    iso_time(started, run->started_ns);
    if (nexus_text(entry, "start_time", started, strlen(started)) < 0 ||
        nexus_text(entry, "entry_identifier", run->plan->id, strlen(run->plan->id)) < 0)
        return -1;
    datasets->end_time = nexus_text_create(entry, "end_time", ISO_TIME_SIZE);
    datasets->end_reason = nexus_text_create(entry, "end_reason", END_REASON_CAPACITY);
    return datasets->end_time < 0 || datasets->end_reason < 0 ? -1 : 0;
}

/* Room for the summary that comes at the end; of this one only the length is known, and numbers
 * grow. */
static int create_statistics(struct file_datasets *datasets, hid_t entry, const char *summary)
{
    const size_t size = summary ? strlen(summary) : 0;
    datasets->statistics_capacity = STATISTICS_CAPACITY;
    while (datasets->statistics_capacity < size + STATISTICS_CAPACITY / 2)
        datasets->statistics_capacity += STATISTICS_CAPACITY;
    datasets->statistics = nexus_text_create(entry, "statistics", datasets->statistics_capacity);
    if (datasets->statistics < 0)
        return -1;
    return summary ? nexus_text_write(datasets->statistics, summary, size) : 0;
}

static int write_detector(hid_t detector, const struct run *run)
{
    static const char row_order[] =
        "as in Merlin's processed files: row 0 is the first one that the detector sent";
    const char *const pixel_type = pixel_type_name(run->format.pixel_type);
    const char *const layout = sensor_layout_name(run->format.layout);
    if (nexus_number(detector, "counter_depth", run->format.counter_depth) < 0 ||
        nexus_number(detector, "n_layers", run->n_layers) < 0 ||
        nexus_text(detector, "pixel_type", pixel_type, strlen(pixel_type)) < 0 ||
        nexus_text(detector, "layout", layout, strlen(layout)) < 0 ||
        nexus_text(detector, "row_order", row_order, strlen(row_order)) < 0)
        return -1;
    if (nexus_attribute(detector, "layout_published",
                        run->format.layout_published ? "true" : "false") < 0 ||
        detector_pixels_write(detector, run) < 0)
        return -1;
    const char *const parameters = run->plan->detector_parameters;
    if (parameters && nexus_text(detector, "parameters", parameters, strlen(parameters)) < 0)
        return -1;
    /* Byte for byte with its padding, so that it can be given back. */
    if (!run->hdr)
        return 0;
    const crc32c_fn crc32c = crc32c_function(cpu_isa_best());
    return nexus_text(detector, "acquisition_header", run->hdr, run->hdr_size) < 0 ||
                   nexus_number(detector, "acquisition_header_crc32c",
                                crc32c(run->hdr, run->hdr_size)) < 0
               ? -1
               : 0;
}

static int write_source(hid_t source, double kv)
{
    if (nexus_text(source, "probe", "electron", strlen("electron")) < 0 ||
        nexus_real(source, "energy", kv) < 0)
        return -1;
    const hid_t energy = H5Dopen2(source, "energy", H5P_DEFAULT);
    const int r = energy < 0 ? -1 : nexus_attribute(energy, "units", "keV");
    if (energy >= 0)
        H5Dclose(energy);
    return r;
}

/* Only where it is known. */
static int create_source(hid_t instrument, const struct run *run)
{
    const double kv = calibration_number(&run->plan->calibration, CALIBRATION_KV, 0);
    if (kv <= 0)
        return 0;
    const hid_t source = nexus_group(instrument, "source", "NXsource");
    const int r = source < 0 ? -1 : write_source(source, kv);
    if (source >= 0)
        H5Gclose(source);
    return r;
}

static int create_instrument(hid_t entry, const struct run *run)
{
    const hid_t instrument = nexus_group(entry, "instrument", "NXinstrument");
    if (instrument < 0)
        return -1;
    const hid_t detector = nexus_group(instrument, "detector", "NXdetector");
    int r = detector < 0 ? -1 : write_detector(detector, run);
    if (r >= 0)
        r = create_source(instrument, run);
    if (detector >= 0)
        H5Gclose(detector);
    H5Gclose(instrument);
    return r;
}

static int create_settings(hid_t entry, const struct run *run)
{
    char *const text = settings_text(run);
    const hid_t group = text ? nexus_group(entry, "settings", "NXcollection") : -1;
    const int r = group < 0 ? -1 : nexus_text(group, "1", text, strlen(text));
    if (group >= 0)
        H5Gclose(group);
    free(text);
    return r;
}

static int create_entry(struct file_datasets *datasets, hid_t entry, const struct run *run,
                        const char *summary, const struct run_file_extras *extras)
{
    int r = nexus_attribute(entry, "default", "data");
    if (r >= 0)
        r = create_times(datasets, entry, run);
    if (r >= 0)
        r = file_mark_create(&datasets->mark, entry);
    if (r >= 0)
        r = create_statistics(datasets, entry, summary);
    if (r >= 0)
        r = saturation_text_create(&datasets->saturation, entry, run);
    if (r >= 0)
        r = data_groups_create(&datasets->data, entry, run);
    if (r >= 0)
        r = create_instrument(entry, run);
    if (r >= 0)
        r = create_settings(entry, run);
    if (r >= 0)
        r = frame_datasets_create(&datasets->frames, entry, run);
    if (r >= 0)
        r = message_datasets_create(&datasets->messages, entry, run);
    if (r >= 0)
        r = extra_datasets_create(&datasets->extra, entry, run);
    if (r >= 0)
        r = geometry_datasets_create(&datasets->geometry, entry, run);
    if (r >= 0)
        r = result_datasets_create(&datasets->results, entry, run);
    if (r >= 0)
        r = run_facts_write(entry, extras->configuration);
    if (r >= 0)
        r = run_facts_write_sample(entry, run);
    if (r >= 0)
        r = log_datasets_create(&datasets->log, entry, run, extras->logbook, extras->first_note);
    return r;
}

int file_layout_create(struct file_datasets *datasets, hid_t file, const struct run *run,
                       const char *summary, const struct run_file_extras *extras)
{
    memset(datasets, 0, sizeof *datasets);
    datasets->mark.address = HADDR_UNDEF;
    if (describe_root(file) < 0)
        return -1;
    const hid_t entry = nexus_group(file, "entry", "NXentry");
    if (entry < 0)
        return -1;
    int r = create_entry(datasets, entry, run, summary, extras);
    H5Gclose(entry);
    /* A stack that grows gets them when it is over: they tell its length. */
    if (r >= 0 && run->scan.ny > 0)
        r = reader_views_create(file);
    return r;
}

void file_datasets_finish(struct file_datasets *datasets)
{
    frame_datasets_finish(&datasets->frames);
    message_datasets_finish(&datasets->messages);
    result_datasets_finish(&datasets->results);
}
