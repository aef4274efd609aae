#include "daemon/config/config_keys.h"

#define FIELD(member) offsetof(struct config, member), sizeof(((struct config *)0)->member)

#define RANGE(least, most) .minimum = (least), .maximum = (most)

static const char *const codecs[] = {"lz4", "zstd", "blosclz", "none", "auto", NULL};
static const char *const when_short[] = {"refuse", "warn", NULL};
static const char *const shuffles[] = {"none", "byte", "bit", NULL};
static const char *const scan_orders[] = {"raster", "serpentine", NULL};
static const char *const icom_methods[] = {"auto", "icom", "ricom", NULL};
static const char *const icom_descans[] = {"constant", "plane", "parabola", "none", NULL};
static const char *const icom_borders[] = {"mirror", "periodic", NULL};
static const char *const frames_formats[] = {"decoded", "compressed", "stream2", "stream2_bslz4",
                                             NULL};
static const char *const log_levels[] = {"error", "warning", "notice", "info", "debug", NULL};

static const char *const virtual_detector_examples[] = {
    "virtual_detectors:",
    "  - {name: bf, shape: disk, centre: [127.5, 127.5], radius: 20}",
    "  - {name: adf, shape: annulus, inner: 40, outer: 110}",
    "  - {name: dpc, shape: segmented, outer: 30, sectors: 4, start_angle: -45, edge: antialiased}",
    "  - {name: halo, shape: k_band, k_inner: 3.6, k_outer: 4.4, pixel_size_k: 0.05, mode: mean}",
    NULL,
};

const struct config_section config_sections[] = {
    {"detector", "The detector that merlind connects to."},
    {"ingest", NULL},
    {"ring", NULL},
    {"scan", "What a scan looks like when a start request does not say it. Of the frames in time "
             "order skip_start come before the first line, every line has nx frames followed by "
             "skip_line frames, and skip_end frames follow the last line of every pass."},
    {"recording", "The HDF5 file that every run is kept in."},
    {"recording.compression", "How Blosc packs the pixels."},
    {"control", NULL},
    {"results", NULL},
    {"frames", "The frame stream: every frame, for programs that want all of them (ZeroMQ PUSH; "
               "several pullers share them). merlind never waits for it: what nobody takes is "
               "counted, and is in the file all the same."},
    {"web", "The operator's page, in a browser, and what Prometheus may read there (/metrics)."},
    {"security", "Who may connect from other computers. Without keys only this computer may: the "
                 "endpoints must be on the loopback interface."},
    {"analysis", "Profiles and fluctuation microscopy. Rings are around a centre; bin b holds the "
                 "pixels whose corrected radius is at least b and less than b + 1 bin widths."},
    {"analysis.icom",
     "The integrated centre of mass (iCoM, riCOM) as a live map, with com_magnitude and com_angle. "
     "The command live_icom changes it while merlind runs."},
    {"bragg", "Bragg reflections: which patterns hold some, and of which kind. What cannot be "
              "searched with these settings is told, and the scan goes on without."},
    {"calibration",
     "What is known of the instrument. The command calibration and measurements change it "
     "while merlind runs; this is what it begins with."},
    {"hooks", "Programs that merlind runs by itself. No client can set them, or run another."},
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
    {"ingest.priority", &config_type_number, FIELD(ingest_priority), RANGE(0, 99),
     .default_text = "0",
     .text = "Real-time priority (SCHED_FIFO) of the thread that takes the frames from the socket. "
             "0: none. It is tried at the start; where it is not allowed, a warning says what "
             "allows it and merlind goes on. docs/tuning.md says when it is worth something."},
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
    {"scan.order", &config_type_choice, FIELD(scan.order), .choices = scan_orders,
     .default_text = "raster",
     .text = "raster: every line from left to right. serpentine: the second, fourth ... line of a "
             "pass from right to left."},
    {"scan.repeats", &config_type_number, FIELD(scan.repeats), RANGE(1, CONFIG_REPEATS_MAX),
     .unit = "passes", .default_text = "1",
     .text = "How often the scan is repeated in one run; the passes are the slowest axis of data "
             "and maps."},
    {"scan.skip_start", &config_type_number, FIELD(scan.skip_start), RANGE(0, 4294967295.0),
     .unit = "frames", .default_text = "0",
     .text = "Frames before the first line that belong to no position."},
    {"scan.skip_line", &config_type_number, FIELD(scan.skip_line), RANGE(0, 16777216),
     .unit = "frames", .default_text = "0",
     .text = "Frames after each line that belong to no position (flyback)."},
    {"scan.skip_end", &config_type_number, FIELD(scan.skip_end), RANGE(0, 4294967295.0),
     .unit = "frames", .default_text = "0",
     .text = "Frames after the last line of every pass that belong to no position."},
    {"recording.enabled", &config_type_bool, FIELD(recording.enabled), .default_text = "true",
     .text = "Whether runs are recorded when a start request does not say it."},
    {"recording.directory", &config_type_directory, FIELD(recording.directory), .default_text = ".",
     .shipped_text = "/var/lib/merlind",
     .text = "Where the files go. It must exist and be writable for the service; a path that is "
             "not absolute begins where merlind was started. Under systemd another directory than "
             "/var/lib/merlind also needs a ReadWritePaths= line, see merlind(8)."},
    {"recording.roots", &config_type_directories, FIELD(recording_roots), .default_text = "[]",
     .text = "Directories in and below which a start may choose another directory than "
             "recording.directory for its run (at most 8). Under systemd they need ReadWritePaths= "
             "lines too."},
    {"recording.name", &config_type_name_template, FIELD(recording.name),
     .default_text = "\"" RECORDING_NAME "\"",
     .text = "What files are called, without .h5; a slash makes a folder. {date}, {time}: of the "
             "first frame. {run}, {run:04}: one more than the highest number that is taken. {id}: "
             "of the run. {sample} and any other word: the label of that name which the run was "
             "started with. Nothing is overwritten: a name without {run} that is taken gets _2, _3 "
             "behind it."},
    {"recording.trash_hours", &config_type_real, FIELD(recording_trash_hours), RANGE(0.0001, 87600),
     .unit = "hours", .default_text = "24",
     .text = "How long files of discarded runs are kept, in the folder .trash of their directory "
             "of recordings."},
    {"recording.opened", &config_type_number, FIELD(recording_opened), RANGE(0, 8),
     .default_text = "2",
     .text = "How many old runs may be open at once (run_open, or the list of the page): each is "
             "analysed again by a process of its own, of the lowest priority. 0: none."},
    {"recording.links", &config_type_bool, FIELD(recording.links), .default_text = "false",
     .text = "Whether each file gets links beside it, NAME.hspy and NAME.nxs, for programs that go "
             "by the ending of a name (HyperSpy, silx). They are discarded with the file, and "
             "nothing is overwritten."},
    {"recording.profiles", &config_type_bool, FIELD(recording.profiles), .default_text = "true",
     .text = "Whether the file gets the radial profile of every position "
             "(/entry/results/radial_profile), where analysis.radial_profile is on. Up to 1 GiB of "
             "them are kept, and written when the run is over."},
    {"recording.compression.codec", &config_type_choice, FIELD(recording.codec), .choices = codecs,
     .default_text = "lz4",
     .text = "lz4 is the fastest by far, zstd packs closest. none stores without packing. auto "
             "begins with "
             "zstd, steps down to lz4 and none when compression is slower than the detector, and "
             "back; level does not apply to the last two."},
    {"recording.compression.shuffle", &config_type_choice, FIELD(recording.shuffle),
     .choices = shuffles, .default_text = "bit",
     .text = "Reordering of bits or bytes before the codec. bit is the best for counts."},
    {"recording.compression.level", &config_type_number, FIELD(recording.level), RANGE(0, 9),
     .default_text = "1",
     .text = "0 stores without packing, 9 packs closest and is the slowest; more than 1 gains lz4 "
             "very little."},
    {"recording.short_of_space", &config_type_choice, FIELD(recording_short_of_space),
     .choices = when_short, .default_text = "refuse",
     .text = "What becomes of a start when the disk will not suffice, going by the size and the "
             "compression of the frames of the run before. warn: it begins with a warning, and "
             "recording stops before the disk is full."},
    {"recording.flush", &config_type_real, FIELD(recording_flush_s), RANGE(0.1, 3600),
     .unit = "seconds", .default_text = "1",
     .text = "How often a program that reads the growing file sees news. What was flushed "
             "survives a crash of merlind (merlin-file recover)."},
    {"recording.sync", &config_type_real, FIELD(recording_sync_s), RANGE(0, 3600),
     .unit = "seconds", .default_text = "5",
     .text = "How often what was flushed is brought to the disk, so that it survives a loss of "
             "power as well. 0: only when the file is closed."},
    {"recording.recompute_wait", &config_type_real, FIELD(recording_recompute_wait_s),
     RANGE(0, 86400), .unit = "seconds", .default_text = "60",
     .text = "How long after its last frame a run waits for results that are computed again "
             "(merlinctl recompute), so that its file has them; the next scan waits as long. Then "
             "the file is closed without them and says how many frames they lack."},
    {"control.endpoint", &config_type_endpoint, FIELD(control_endpoint),
     .default_text = "tcp://127.0.0.1:6350",
     .text = "Where merlind takes requests (ZeroMQ ROUTER). An address that other computers reach "
             "needs "
             "keys, see security. Port 0 or *: any free port, named in the ready line."},
    {"control.rate", &config_type_real, FIELD(control_rate), RANGE(1, 1e6), .unit = "per second",
     .default_text = "5000",
     .text = "Requests that one connection may send; what is beyond is refused (busy)."},
    {"control.lease", &config_type_real, FIELD(control_lease_s), RANGE(0.1, 86400),
     .unit = "seconds", .default_text = "30",
     .text = "A client that holds control and is silent for so long has lost it."},
    {"results.endpoint", &config_type_endpoint, FIELD(results_endpoint),
     .default_text = "tcp://127.0.0.1:6351",
     .text = "Where merlind publishes live results (ZeroMQ XPUB). Port 0 or *: any free port, "
             "named in the ready line."},
    {"results.map_rate", &config_type_real, FIELD(results_map_rate), .reloads = true,
     RANGE(0.1, 100), .unit = "per second", .default_text = "10",
     .text = "Updates of each map, at most."},
    {"results.immediate", &config_type_bool, FIELD(results_immediate), .default_text = "false",
     .text =
         "Sends every line of a scan as soon as it is whole, beside the updates of map_rate. For "
         "programs that steer by it: wakes merlind every 2 ms while a scan runs."},
    {"results.pattern_rate", &config_type_real, FIELD(results_pattern_rate), .reloads = true,
     RANGE(0.1, 100), .unit = "per second", .default_text = "2",
     .text = "Updates of each pattern, at most; while aligning (mode view) 12 at least."},
    {"frames.enabled", &config_type_bool, FIELD(frames.enabled), .default_text = "false",
     .text = "Whether there is a frame stream."},
    {"frames.endpoint", &config_type_endpoint, FIELD(frames.endpoint),
     .default_text = "tcp://127.0.0.1:6352",
     .text = "Where pullers connect to. An address that other computers reach needs keys, see "
             "security. Port 0 or *: any free port, which the status tells."},
    {"frames.format", &config_type_choice, FIELD(frames.format), .choices = frames_formats,
     .default_text = "decoded",
     .text = "decoded: chunks of images. compressed: chunks as they go into the file. stream2: an "
             "image a message in the form of DECTRIS' stream V2 (CBOR), for programs that read "
             "that; stream2_bslz4: the same, packed (bitshuffle, LZ4), which takes a thread "
             "of its own some 0.7 s per GB."},
    {"frames.hwm", &config_type_number, FIELD(frames.hwm), RANGE(1, 65536), .unit = "chunks",
     .default_text = "64",
     .text = "How many chunks, of some 1 MiB of pixels each, may wait in memory for somebody who "
             "takes them."},
    {"web.enabled", &config_type_bool, FIELD(web.enabled), .default_text = "true",
     .text = "Whether there is a page."},
    {"web.listen", &config_type_listen, FIELD(web.listen), .default_text = "127.0.0.1:6380",
     .text = "HOST:PORT of the page. Port 0 or *: any free port, named in the ready line. Other "
             "addresses than those of this computer alone (127.0.0.1, [::1]) need tls_certificate "
             "and tls_key, or allow_insecure."},
    {"web.token", &config_type_token, FIELD(web.token), .default_text = "auto",
     .text = "Whoever has it may operate merlind from the page: open it as "
             "http://127.0.0.1:6380/#token=TOKEN. All others may only look. 16 to 128 letters, "
             "digits, _ and -. auto: made anew at every start, logged, and in the file page-token "
             "of the directory that systemd gives the service."},
    {"web.origins", &config_type_origins, FIELD(web.origins), .default_text = "[]",
     .text = "Origins (http://HOST:PORT) of other pages that may connect, and names by which this "
             "computer is reached. An address, localhost and the computer's own name need not be "
             "here."},
    {"web.viewers", &config_type_number, FIELD(web.viewers), RANGE(1, 1000), .default_text = "32",
     .text = "Viewers at once, at most."},
    {"web.patience", &config_type_real, FIELD(web.patience_s), RANGE(0.5, 3600), .unit = "seconds",
     .default_text = "30",
     .text = "A viewer that reads nothing, or does not answer pings, for so long is dropped."},
    {"web.tls_certificate", &config_type_file, FIELD(web.tls_certificate), .default_text = "none",
     .text = "A PEM file with the certificate, and those that signed it, for https."},
    {"web.tls_key", &config_type_file, FIELD(web.tls_key), .default_text = "none",
     .text = "A PEM file with the certificate's key."},
    {"web.allow_insecure", &config_type_bool, FIELD(web.allow_insecure), .default_text = "false",
     .text = "Whether the page may be on an address that other computers reach without TLS. What "
             "is sent, the token too, can then be read on the network."},
    {"security.server_key", &config_type_file, FIELD(security_server_key), .default_text = "none",
     .text = "Key pair of this merlind, a file as merlinctl keygen makes it. With it control, "
             "results and frames are encrypted (CURVE), also for clients on this computer, and "
             "only clients "
             "with a key of security.clients may connect."},
    {"security.clients", &config_type_file, FIELD(security_clients), .default_text = "none",
     .text = "Who may connect: lines NAME ROLE PUBLIC-KEY with the role viewer (reads), operator "
             "(runs scans and changes settings) or expert (may also send to the detector what can "
             "harm it, within detector.allow_dangerous). Read anew for every connection."},
    {"security.allow_insecure", &config_type_bool, FIELD(security_allow_insecure),
     .default_text = "false",
     .text = "Lets other computers connect without keys: whoever reaches the endpoints can operate "
             "the detector."},
    {"hooks.on_scan_end", &config_type_command, FIELD(hooks.on_scan_end), .reloads = true,
     .default_text = "[]",
     .text = "A program (its absolute path) and its arguments, started without a shell when a run "
             "is over and its file is closed. It reads the run's summary, JSON, from its standard "
             "input, and finds MERLIND_RUN, MERLIND_REASON, MERLIND_FILE and MERLIND_ENDPOINT in "
             "its environment; what it prints goes to the log. One at a time; a scan waits for "
             "none. []: nothing is started."},
    {"hooks.time_limit", &config_type_real, FIELD(hooks.time_limit_s), .reloads = true,
     RANGE(0.1, 86400), .unit = "seconds", .default_text = "60",
     .text = "How long it may take; then it and what it has started are ended."},
    {"log.level", &config_type_choice, FIELD(log_level), .reloads = true, .choices = log_levels,
     .default_text = "info", .text = "The least important lines that are logged."},
    {"virtual_detectors", &config_type_virtual_detectors,
     .offset = offsetof(struct config, virtual_detectors), .unit = "pixels", .default_text = "[]",
     .examples = virtual_detector_examples,
     .text =
         "Regions of the detector whose counts become maps. Every one has a name (letters, digits, "
         "_ and -, at most 47, and not that of another result) and a shape with these keys. disk: "
         "radius. annulus: inner, outer. sector: outer, angles ([start, stop]), inner (0). "
         "segmented: outer, sectors (2 to 64), inner (0), start_angle (0); makes a map NAME_1, "
         "NAME_2, ... of each sector, of which four are the quadrants for DPC. rectangle: size "
         "([height, width]). point: the pixel at centre. k_band: an annulus from k_inner to "
         "k_outer "
         "in nm^-1 (k = 1/d); pixel_size_k, nm^-1 per pixel, where it is not calibrated. mask: a "
         ".npy file with a weight for every pixel of a frame ([height, width] in C order, of bool, "
         "u1, i1, f4 or f8). centre is [y, x], (0, 0) being the centre of the first pixel; left "
         "out it is the centre of the frame. Lengths are pixels, angles degrees from +x (columns) "
         "towards +y (rows, down). edge: hard (a pixel belongs when its centre does, borders "
         "included; the stop of an angle is not) or antialiased (a pixel counts by the part of its "
         "area inside, in 1/256). mode: sum of the counts times weights, or mean, which is that "
         "over the sum of weights. Sums with weights that are whole numbers up to 2^30 are exact "
         "integers; other weights are rounded to 30 bits, 1e-9 of the largest."},
    {"analysis.radial_profile", &config_type_bool, FIELD(analysis.radial_profile),
     .default_text = "true",
     .text = "Radial profile of every pattern, I(k), and over all of them."},
    {"analysis.variance", &config_type_bool, FIELD(analysis.variance), .default_text = "false",
     .text = "Normalised variance V of fluctuation electron microscopy, as a pattern and as "
             "profiles with errors; not of 1-bit frames. It takes as long as all the rest, and "
             "memory: some 20 MiB per worker for frames of 256 x 256 pixels."},
    {"analysis.centre", &config_type_centre, FIELD(analysis.variance_settings.rings),
     RANGE(-100000, 100000), .unit = "pixels", .default_text = "auto",
     .text = "[y, x] of the rings, (0, 0) being the centre of the first pixel. auto: the centre of "
             "the frame."},
    {"analysis.bin_width", &config_type_real, FIELD(analysis.variance_settings.rings.bin_width),
     RANGE(0.1, 1000), .unit = "pixels", .default_text = "1", .text = "Width of a ring."},
    {"analysis.ellipse_ratio", &config_type_real,
     FIELD(analysis.variance_settings.rings.ellipse_ratio), RANGE(1, 2), .default_text = "1",
     .text =
         "Long axis over short axis of what should be a circle, from a reference and not from a "
         "strained specimen."},
    {"analysis.ellipse_angle", &config_type_real,
     FIELD(analysis.variance_settings.rings.ellipse_angle), RANGE(-360, 360), .unit = "degrees",
     .default_text = "0",
     .text = "Azimuth of the long axis, from +x (columns) towards +y (rows, down)."},
    {"analysis.counts_per_electron", &config_type_real,
     FIELD(analysis.variance_settings.counts_per_electron), RANGE(1, 100), .default_text = "1",
     .text =
         "Variance over mean of the noise of a ring's counts: 1 without charge sharing, 2 where "
         "every electron counts in two pixels."},
    {"analysis.backlog", &config_type_size_or_auto, FIELD(backlog_size), RANGE(0x1p20, 0x1p44),
     .unit = "B, KiB, MiB, GiB, TiB, kB, MB, GB or TB; bytes without one", .default_text = "auto",
     .text =
         "Memory for frames of a run that is not recorded, packed, while the analysis is slower "
         "than the detector: they are analysed when there is time. A run that is recorded has "
         "its file for that. auto: half of ring.size. It is only taken when it is needed."},
    {"analysis.icom.enabled", &config_type_bool, FIELD(icom.enabled), .default_text = "false",
     .text =
         "Whether the map is computed, some times a second. Off unless asked for: it tells of the "
         "specimen's potential in thin specimens only, and costs up to a tenth of a core."},
    {"analysis.icom.dpc", &config_type_name, FIELD(icom.dpc), .default_text = "none",
     .text = "A segmented virtual detector of four sectors: the shift is its differential phase "
             "contrast, and the map iDPC. none: the shift is the centre of mass."},
    {"analysis.icom.method", &config_type_choice, FIELD(icom.method), .choices = icom_methods,
     .default_text = "auto",
     .text =
         "icom: by Fourier transform. ricom: by sums around each position, right for a part of a "
         "scan too. auto: ricom while the scan grows, then icom."},
    {"analysis.icom.descan", &config_type_choice, FIELD(icom.descan), .choices = icom_descans,
     .default_text = "constant",
     .text =
         "What is taken away from the centre of mass: its fit to the map by a constant, a plane "
         "or a parabola; none: only the centre of the rings, or of the frame."},
    {"analysis.icom.rotation", &config_type_real_or_auto, FIELD(icom.rotation), RANGE(-360, 360),
     .unit = "degrees", .default_text = "auto",
     .text = "From detector to scan directions, after the flip. auto: calibration.scan_rotation, "
             "where it is known, else 0."},
    {"analysis.icom.flip", &config_type_bool, FIELD(icom.flip), .default_text = "false",
     .text = "Whether com_y turns its sign."},
    {"analysis.icom.border", &config_type_choice, FIELD(icom.border), .choices = icom_borders,
     .default_text = "mirror", .text = "Of icom: how the map goes on beyond its borders."},
    {"analysis.icom.high_pass", &config_type_real, FIELD(icom.high_pass), RANGE(0, 0.5),
     .unit = "waves per position", .default_text = "0",
     .text = "Of icom: slower waves are taken out, half is left at it. 0: none."},
    {"analysis.icom.radius", &config_type_number, FIELD(icom.radius), RANGE(1, 4096),
     .unit = "positions", .default_text = "16",
     .text = "Of ricom: how far a position reaches; less where many positions were measured, so "
             "that the map takes 0.2 s."},
    {"bragg.enabled", &config_type_bool, FIELD(bragg.enabled), .default_text = "false",
     .text = "Whether Bragg reflections are looked for in every pattern. Needs annulus and "
             "disk_radius, or reference; the request bragg_propose proposes them from a run."},
    {"bragg.centre", &config_type_pair_or_auto, FIELD(bragg.settings.centre_y),
     RANGE(-100000, 100000), .unit = "pixels", .default_text = "auto",
     .text = "[y, x] of the pattern's centre. auto: the calibration's, else the centre of the "
             "frame."},
    {"bragg.annulus", &config_type_pair_or_auto, FIELD(bragg.settings.inner), RANGE(0, 100000),
     .unit = "pixels", .default_text = "auto",
     .text = "[inner, outer] radius of the ring in which reflections are looked for, around the "
             "halo. auto: not known."},
    {"bragg.disk_radius", &config_type_real_or_auto, FIELD(bragg.settings.disk_radius),
     RANGE(0, 100000), .unit = "pixels", .default_text = "auto",
     .text = "Radius of a reflection: of the image of the probe-forming aperture. auto: from the "
             "calibration."},
    {"bragg.wide_radius", &config_type_real, FIELD(bragg.settings.wide_radius), RANGE(-1, 100000),
     .unit = "pixels", .default_text = "0",
     .text = "Radius of the second, wider disk for clusters smaller than the probe. 0: chosen from "
             "disk_radius; -1: none."},
    {"bragg.alpha", &config_type_real, FIELD(bragg.settings.alpha), RANGE(0, 1),
     .default_text = "0.01",
     .text = "False-alarm rate: the part of patterns without reflections in which one may be "
             "found all the same."},
    {"bragg.overdispersion", &config_type_real_or_measure, FIELD(bragg.settings.overdispersion),
     RANGE(0, 1000), .default_text = "2",
     .text = "F: variance over mean of the counts in a disk. 1 without charge sharing, about 2 at "
             "200 kV and a low threshold. measure: from the scan."},
    {"bragg.speckle", &config_type_real_or_measure, FIELD(bragg.settings.speckle), RANGE(0, 1000),
     .default_text = "measure",
     .text = "V: variance over squared mean of the speckle of the glass in a disk. measure: from "
             "the scan, as a profile over the ring."},
    {"bragg.contrast_min", &config_type_real, FIELD(bragg.settings.contrast_min), RANGE(0, 100000),
     .default_text = "2",
     .text = "Excess over background of the weakest reflection that the headline fraction counts "
             "(contrast): the one to compare where doses differ. 0: any counts."},
    {"bragg.centre_uncertainty", &config_type_real, FIELD(bragg.settings.centre_uncertainty),
     RANGE(0, 100), .unit = "pixels", .default_text = "0.5",
     .text = "How well the centre is known, per axis: g and -g may be off by twice as much."},
    {"bragg.reference", &config_type_name, FIELD(bragg.reference_name), .default_text = "none",
     .text = "A saved reference that all patterns are compared with, shared by the scans of a "
             "series; its settings are used in place of those above. none: every run learns from "
             "its own patterns, and its classes are provisional until it is over."},
    {"bragg.counts", &config_type_pair_or_auto, FIELD(bragg.counts_min), RANGE(0, 1e9),
     .unit = "counts per pixel", .default_text = "auto",
     .text = "[least, most] mean count per pixel of the ring; patterns outside of that (vacuum, "
             "holes, cap) are excluded. auto: none are."},
    {"bragg.tile", &config_type_number, FIELD(bragg.tile), RANGE(1, 65536),
     .unit = "scan positions", .default_text = "10",
     .text = "Side of the square regions that fractions are also told of."},
    {"bragg.block", &config_type_number, FIELD(bragg.block_length), RANGE(1, 1024),
     .unit = "scan positions", .default_text = "3",
     .text = "Positions over which patterns may be alike: at least two probe diameters."},
    {"bragg.phase", &config_type_name, FIELD(bragg.phase.map), .default_text = "none",
     .text = "A map whose bright part is a phase: while a scan runs and in its file the statistics "
             "tell whether reflections sit on it. It must not look at pixels of the ring."},
    {"bragg.phase_threshold", &config_type_threshold, FIELD(bragg.phase.threshold),
     .default_text = "half",
     .text = "Above what the map is bright. half: the middle of its grey scale, whose 0.5 and 99.5 "
             "percentiles are black and white. otsu: where two classes differ most. A number is in "
             "the map's unit."},
    {"calibration.kv", &config_type_real_or_auto, FIELD(calibration.kv), RANGE(1, 10000),
     .unit = "kV", .default_text = "auto", .text = "Accelerating voltage. auto: not known."},
    {"calibration.camera_length", &config_type_real_or_auto, FIELD(calibration.camera_length),
     RANGE(0.1, 1e6), .unit = "mm", .default_text = "auto",
     .text = "Camera length at the detector. auto: not known."},
    {"calibration.pixel_size_k", &config_type_real_or_auto, FIELD(calibration.pixel_size_k),
     RANGE(1e-6, 1000), .unit = "nm^-1 per pixel", .default_text = "auto",
     .text = "k per pixel, k = 1/d. auto: from kv and camera_length, where both are known, and "
             "pixels of 55 micrometres."},
    {"calibration.scan_step", &config_type_real_or_auto, FIELD(calibration.scan_step),
     RANGE(1e-6, 1e6), .unit = "nm", .default_text = "auto",
     .text = "From one scan position to the next. auto: not known."},
    {"calibration.scan_rotation", &config_type_real_or_auto, FIELD(calibration.scan_rotation),
     RANGE(-360, 360), .unit = "degrees", .default_text = "auto",
     .text = "Turns detector directions into scan directions, positive from +x (columns) towards "
             "+y (rows, down). auto: not known."},
    {"calibration.beam_current", &config_type_real_or_auto, FIELD(calibration.beam_current),
     RANGE(1e-6, 1e9), .unit = "pA", .default_text = "auto",
     .text = "Current of the beam on the specimen, for the dose. The series beam_current, where a "
             "client tells it, comes before it. auto: not known."},
    {"calibration.bad_pixels", &config_type_file, FIELD(calibration.bad_pixels),
     .default_text = "none",
     .text = "A .npy file ([height, width] of bool or u1) that is not 0 where a pixel is dead or "
             "hot. Virtual detectors, profiles and variance leave these pixels out; stored frames "
             "keep them. It applies to frames of its size."},
    {"calibration.gain", &config_type_file, FIELD(calibration.gain), .default_text = "none",
     .text =
         "A .npy file ([height, width] of f4 or f8) by which the counts of each pixel are to be "
         "multiplied. It is folded into the weights of virtual detectors; stored frames, "
         "profiles, patterns and centre of mass are as counted. It applies to frames of its "
         "size."},
    {"calibration.directory", &config_type_directory_or_auto, FIELD(calibration.directory),
     .default_text = "auto",
     .text = "Where references (vacuum, halo) and the table of calibrations are kept through "
             "restarts; made when something is kept. auto: calibration in the state directory "
             "that systemd gives the service, else in recording.directory."},
    {"calibration.reference_age", &config_type_real, FIELD(calibration.reference_age),
     RANGE(0.01, 100000), .unit = "hours", .default_text = "24",
     .text = "A run with a reference that is older gets a warning."},
    {"debug.worker_delay_us", &config_type_number, FIELD(debug_worker_delay_us), RANGE(0, 10000000),
     .unit = "microseconds", .default_text = "0",
     .text = "Makes the workers slower by this much per frame."},
    {"debug.analysis_delay_us", &config_type_number, FIELD(debug_analysis_delay_us),
     RANGE(0, 10000000), .unit = "microseconds", .default_text = "0",
     .text = "Makes the analysis slower by this much per frame, and not its recording."},
};
