#include "daemon/config_keys.h"

#define FIELD(member) offsetof(struct config, member), sizeof(((struct config *)0)->member)

#define RANGE(least, most) .minimum = (least), .maximum = (most)

static const char *const codecs[] = {"lz4", "zstd", "blosclz", NULL};
static const char *const shuffles[] = {"none", "byte", "bit", NULL};
static const char *const log_levels[] = {"error", "warning", "notice", "info", "debug", NULL};

static const char *const virtual_detector_examples[] = {
    "virtual_detectors:",
    "  - {name: bf, shape: disk, centre: [127.5, 127.5], radius: 20}",
    "  - {name: adf, shape: annulus, inner: 40, outer: 110}",
    NULL,
};

const struct config_section config_sections[] = {
    {"detector", "The detector that merlind connects to."},
    {"ring", NULL},
    {"scan", "What a scan looks like when a start request does not say it. Of the frames in time "
             "order skip_start come before the first line, every line has nx frames followed by "
             "skip_line frames, and skip_end frames follow the last line."},
    {"recording", "The HDF5 file that every run is kept in."},
    {"recording.compression", "How Blosc packs the pixels."},
    {"control", NULL},
    {"results", NULL},
    {"web", NULL},
    {"log", NULL},
    {"debug", "For tests of merlind itself."},
};

const size_t config_n_sections = sizeof config_sections / sizeof config_sections[0];

/* In the order of the shipped file; the keys of a section stand together. */
const struct config_key config_keys[] = {
    {"detector.host", &config_type_host, FIELD(detector_host), .default_text = "127.0.0.1",
     .text = "Name or address of the computer that runs the Merlin software."},
    {"detector.command_port", &config_type_number, FIELD(detector_command_port), RANGE(1, 65535),
     .default_text = "6341", .text = "TCP port of the Merlin software's command server."},
    {"detector.data_port", &config_type_number, FIELD(detector_data_port), RANGE(1, 65535),
     .default_text = "6342", .text = "TCP port of the Merlin software's data server."},
    {"detector.gap", &config_type_number, FIELD(detector_gap), RANGE(0, 8), .unit = "pixels",
     .default_text = "0",
     .text = "Width of the gap between the chips of a 2x2G detector, which its raw frames do not "
             "tell. 0: taken from the detector (IMAGEX) or from processed frames."},
    {"detector.allow_dangerous", &config_type_bool, FIELD(detector_allow_dangerous),
     .default_text = "false",
     .text = "Whether clients may do what can damage the detector or its calibration, or takes it "
             "away from others: HVBIAS, writing DACs and the pixel matrix, STANDBY, RESTART and "
             "RESET. Each use is logged."},
    {"ring.size", &config_type_size_or_auto, FIELD(ring_size), RANGE(0x1p20, 0x1p44),
     .unit = "B, KiB, MiB, GiB, TiB, kB, MB, GB or TB; bytes without one", .default_text = "auto",
     .text =
         "Memory that takes up frames while workers and disk fall behind. auto: a quarter of the "
         "memory that the service may use, at most 8 GiB. It is reserved as a whole at "
         "the start, in steps of 2 MiB. A frame may take a quarter of it."},
    {"workers", &config_type_number_or_auto, FIELD(workers), RANGE(1, 1024), .default_text = "auto",
     .text = "Threads that analyse and compress. auto: as many as there are CPUs that the service "
             "may use."},
    {"scan.shape", &config_type_scan_shape, FIELD(scan), RANGE(1, 16777216),
     .unit = "scan positions", .default_text = "auto",
     .text = "[ny, nx]: lines, and positions in a line. auto: what the detector's acquisition "
             "header tells, else a stack of frames."},
    {"scan.skip_start", &config_type_number, FIELD(scan.skip_start), RANGE(0, 4294967295.0),
     .unit = "frames", .default_text = "0",
     .text = "Frames before the first line that belong to no position."},
    {"scan.skip_line", &config_type_number, FIELD(scan.skip_line), RANGE(0, 16777216),
     .unit = "frames", .default_text = "0",
     .text = "Frames after each line that belong to no position (flyback)."},
    {"scan.skip_end", &config_type_number, FIELD(scan.skip_end), RANGE(0, 4294967295.0),
     .unit = "frames", .default_text = "0",
     .text = "Frames after the last line that belong to no position."},
    {"recording.enabled", &config_type_bool, FIELD(recording.enabled), .default_text = "true",
     .text = "Whether runs are recorded when a start request does not say it."},
    {"recording.directory", &config_type_directory, FIELD(recording.directory), .default_text = ".",
     .shipped_text = "/var/lib/merlind",
     .text = "Where the files go. It must exist and be writable for the service; a path that is "
             "not absolute begins where merlind was started. Under systemd another directory than "
             "/var/lib/merlind also needs a ReadWritePaths= line, see merlind(8)."},
    {"recording.compression.codec", &config_type_choice, FIELD(recording.codec), .choices = codecs,
     .default_text = "lz4", .text = "lz4 is the fastest by far, zstd packs closest."},
    {"recording.compression.shuffle", &config_type_choice, FIELD(recording.shuffle),
     .choices = shuffles, .default_text = "bit",
     .text = "Reordering of bits or bytes before the codec. bit is the best for counts."},
    {"recording.compression.level", &config_type_number, FIELD(recording.level), RANGE(0, 9),
     .default_text = "1",
     .text = "0 stores without packing, 9 packs closest and is the slowest; more than 1 gains lz4 "
             "very little."},
    {"recording.flush", &config_type_real, FIELD(recording_flush_s), RANGE(0.1, 3600),
     .unit = "seconds", .default_text = "1",
     .text = "How often a program that reads the growing file sees news."},
    {"control.endpoint", &config_type_endpoint, FIELD(control_endpoint),
     .default_text = "tcp://127.0.0.1:6350",
     .text = "Where merlind takes requests (ZeroMQ ROUTER). Whoever reaches it can operate the "
             "detector. Port 0 or *: any free port, named in the ready line."},
    {"results.endpoint", &config_type_endpoint, FIELD(results_endpoint),
     .default_text = "tcp://127.0.0.1:6351",
     .text = "Where merlind publishes live results (ZeroMQ XPUB). Port 0 or *: any free port, "
             "named in the ready line."},
    {"results.map_rate", &config_type_real, FIELD(results_map_rate), RANGE(0.1, 100),
     .unit = "per second", .default_text = "10", .text = "Updates of each map, at most."},
    {"results.pattern_rate", &config_type_real, FIELD(results_pattern_rate), RANGE(0.1, 100),
     .unit = "per second", .default_text = "2", .text = "Updates of each pattern, at most."},
    {"web.listen", &config_type_listen, FIELD(web_listen), .default_text = "127.0.0.1:6380",
     .text = "HOST:PORT of the operator's page. Accepted already, used once there is a page."},
    {"log.level", &config_type_choice, FIELD(log_level), .choices = log_levels,
     .default_text = "info", .text = "The least important lines that are logged."},
    {"virtual_detectors", &config_type_virtual_detectors,
     .offset = offsetof(struct config, virtual_detectors), .unit = "pixels", .default_text = "[]",
     .examples = virtual_detector_examples,
     .text = "One map each: the sum of the counts of all pixels whose centre lies within `radius` "
             "of `centre` (shape: disk), or from `inner` to `outer` of it (shape: annulus), the "
             "borders included. centre is [y, x], (0, 0) being the centre of the first pixel; left "
             "out it is the centre of the frame. name: letters, digits, _ and -, at most 47, but "
             "not com_y, com_x, sum, latest, measured or bragg."},
    {"debug.worker_delay_us", &config_type_number, FIELD(debug_worker_delay_us), RANGE(0, 10000000),
     .unit = "microseconds", .default_text = "0",
     .text = "Makes the workers slower by this much per frame."},
};
