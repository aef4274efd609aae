#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/config/config.h"
#include "daemon/config/config_keys.h"
#include "daemon/config/virtual_detector_text.h"

/* A configuration and everything that was said while it was loaded. */
struct loaded {
    struct config config;
    char path[64];
    char *messages;
    int result;
};

static char *slurp(const char *path)
{
    FILE *const file = fopen(path, "r");
    assert_non_null(file);
    char *const text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

/* Loads `text` as a file when `option` is NULL, else the option. */
static void load(struct loaded *loaded, const char *text, size_t size, const char *option)
{
    size_t length;
    *loaded = (struct loaded){.path = "/tmp/merlind-test-config-XXXXXX"};
    config_init(&loaded->config);
    FILE *const messages = open_memstream(&loaded->messages, &length);
    assert_non_null(messages);
    if (option) {
        loaded->result = config_set_option(&loaded->config, option, messages);
    } else {
        const int fd = mkstemp(loaded->path);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, size), size);
        close(fd);
        loaded->result = config_load_file(&loaded->config, loaded->path, messages);
        unlink(loaded->path);
    }
    fclose(messages);
}

static void load_text(struct loaded *loaded, const char *text)
{
    load(loaded, text, strlen(text), NULL);
}

static void load_option(struct loaded *loaded, const char *option)
{
    load(loaded, NULL, 0, option);
}

static void finish(struct loaded *loaded)
{
    config_finish(&loaded->config);
    free(loaded->messages);
}

static void assert_loads(struct loaded *loaded)
{
    assert_string_equal(loaded->messages, "");
    assert_int_equal(loaded->result, 0);
}

/* The errors of `text` are those in `expected`, "LINE:COLUMN: error: BEGINNING" each, in this
 * order, and no more. */
static void assert_errors(const char *text, const char *const *expected)
{
    struct loaded loaded;
    load_text(&loaded, text);
    assert_int_equal(loaded.result, -EINVAL);
    const char *at = loaded.messages;
    for (; *expected; expected++) {
        char wanted[600];
        snprintf(wanted, sizeof wanted, "%s:%s", loaded.path, *expected);
        const char *const found = strstr(at, wanted);
        if (!found)
            print_message("wanted %s in\n%s", wanted, at);
        assert_non_null(found);
        at = found + strlen(wanted);
    }
    assert_null(strstr(at, ": error: "));
    finish(&loaded);
}

#define ASSERT_ERRORS(text, ...) assert_errors(text, (const char *const[]){__VA_ARGS__, NULL})

static void the_defaults_are_those_of_the_manual(void **unused)
{
    struct config config;
    char here[1024];
    config_init(&config);
    assert_string_equal(config.detector_host, "127.0.0.1");
    assert_int_equal(config.detector_command_port, 6341);
    assert_int_equal(config.detector_data_port, 6342);
    assert_int_equal(config.ring_size, 0);
    assert_int_equal(config.workers, 0);
    assert_int_equal(config.scan.ny, 0);
    assert_int_equal(config.scan.order, SCAN_ORDER_RASTER);
    assert_int_equal(config.scan.repeats, 1);
    assert_true(config.recording.enabled);
    assert_string_equal(config.recording.directory, getcwd(here, sizeof here));
    assert_int_equal(config.recording.codec, RECORDING_CODEC_LZ4);
    assert_int_equal(config.recording.shuffle, RECORDING_SHUFFLE_BIT);
    assert_int_equal(config.recording.level, 1);
    assert_true(config.recording_flush_s == 1);
    assert_true(config.recording_sync_s == 5);
    assert_true(config.recording_recompute_wait_s == 60);
    assert_string_equal(config.control_endpoint, "tcp://127.0.0.1:6350");
    assert_string_equal(config.results_endpoint, "tcp://127.0.0.1:6351");
    assert_true(config.results_map_rate == 10 && config.results_pattern_rate == 2);
    assert_false(config.frames.enabled);
    assert_string_equal(config.frames.endpoint, "tcp://127.0.0.1:6352");
    assert_int_equal(config.frames.format, FRAMES_DECODED);
    assert_int_equal(config.frames.hwm, 64);
    assert_string_equal(config.web.listen, "127.0.0.1:6380");
    assert_int_equal(config.log_level, LOG_LEVEL_INFO);
    assert_int_equal(config.n_virtual_detectors, 0);
    assert_int_equal(config.debug_worker_delay_us, 0);
    config_finish(&config);
}

static const char full_text[] =
    "detector: {host: merlin-pc.local, command_port: 1, data_port: 65535, gap: 8, "
    "allow_dangerous: true}\n"
    "ingest: {priority: 10}\n"
    "ring: {size: 512MiB}\n"
    "workers: 7\n"
    "scan: {shape: [64, 128], order: serpentine, repeats: 5, skip_start: 1, skip_line: 2, "
    "skip_end: 3}\n"
    "recording:\n"
    "  enabled: false\n"
    "  directory: /data/a b\n"
    "  compression: {codec: zstd, shuffle: byte, level: 9}\n"
    "  flush: 2.5\n"
    "  short_of_space: warn\n"
    "  roots: [/data/one, '/data/two']\n"
    "  name: '{date}/{sample}_{run:04}'\n"
    "  trash_hours: 0.5\n"
    "  opened: 5\n"
    "  links: true\n"
    "  profiles: false\n"
    "  sync: 7.5\n"
    "  recompute_wait: 600\n"
    "control: {endpoint: 'ipc:///run/merlind/control', rate: 250, lease: 12.5}\n"
    "results: {endpoint: 'tcp://[::1]:*', map_rate: 0.5, immediate: true, pattern_rate: 20}\n"
    "frames: {enabled: true, endpoint: 'tcp://127.0.0.1:31001', format: stream2_bslz4, hwm: 7}\n"
    "web: {enabled: false, listen: '*:0', token: 0123456789abcdef, viewers: 5, patience: 12.5,\n"
    "  origins: ['http://lab:8080', 'https://[::1]:1'], allow_insecure: true,\n"
    "  tls_certificate: /etc/merlind/page.pem, tls_key: /etc/merlind/page.key}\n"
    "security: {server_key: /etc/merlind/key, clients: '/etc/merlind/who may', allow_insecure: "
    "true}\n"
    "log: {level: debug}\n"
    "virtual_detectors:\n"
    "  - {name: bf, shape: disk, centre: [127.5, 126.25], radius: 20.1}\n"
    "  - {name: adf-2, shape: annulus, inner: 30, outer: 30}\n"
    "analysis: {radial_profile: false, variance: true, centre: [127.5, 120], bin_width: 0.5, "
    "ellipse_ratio: 1.02, ellipse_angle: -30, counts_per_electron: 1.5, backlog: 3GiB,\n"
    "  icom: {enabled: true, dpc: four, method: ricom, descan: plane, rotation: -70.5, flip: true, "
    "border: "
    "periodic, high_pass: 0.02, radius: 40}}\n"
    "bragg: {enabled: true, centre: [127, 128.5], annulus: [25, 46], disk_radius: 3.36, "
    "wide_radius: 5.5, alpha: 0.02, overdispersion: measure, speckle: 0.03, contrast_min: 1.5, "
    "centre_uncertainty: 0.25, reference: film-1, counts: [0.1, 5], tile: 20, block: 4, "
    "phase: haadf, phase_threshold: 0.25}\n"
    "calibration: {kv: 200, camera_length: 196.5, pixel_size_k: 0.1183, scan_step: 0.5, "
    "scan_rotation: -12.5, beam_current: 50.5, bad_pixels: '/etc/merlind/bad pixels.npy', gain: "
    "/etc/merlind/gain.npy, "
    "directory: /srv/kept, reference_age: 36.5}\n"
    "hooks: {on_scan_end: [/usr/bin/after, 'a \"b\" c', ''], time_limit: 2.5}\n"
    "debug: {worker_delay_us: 12, analysis_delay_us: 13}\n";

static void assert_full_bragg(const struct bragg_plan *plan)
{
    const struct bragg_settings *const settings = &plan->settings;
    assert_true(plan->enabled && settings->centre_y == 127 && settings->centre_x == 128.5);
    assert_true(settings->inner == 25 && settings->outer == 46 && settings->disk_radius == 3.36);
    assert_true(settings->wide_radius == 5.5 && settings->alpha == 0.02);
    assert_true(isnan(settings->overdispersion) && settings->speckle == 0.03);
    assert_true(settings->contrast_min == 1.5 && settings->centre_uncertainty == 0.25);
    assert_string_equal(plan->reference_name, "film-1");
    assert_true(plan->counts_min == 0.1 && plan->counts_max == 5);
    assert_true(plan->tile == 20 && plan->block_length == 4);
    assert_string_equal(plan->phase.map, "haadf");
    assert_int_equal(plan->phase.threshold.rule, THRESHOLD_VALUE);
    assert_true(plan->phase.threshold.level == 0.25);
}

static void assert_full_web(const struct web_settings *web)
{
    assert_true(!web->enabled && web->allow_insecure);
    assert_string_equal(web->listen, "*:0");
    assert_string_equal(web->token, "0123456789abcdef");
    assert_string_equal(web->origins, "http://lab:8080 https://[::1]:1");
    assert_int_equal(web->viewers, 5);
    assert_true(web->patience_s == 12.5);
    assert_string_equal(web->tls_certificate, "/etc/merlind/page.pem");
    assert_string_equal(web->tls_key, "/etc/merlind/page.key");
}

static void assert_full_hooks(const struct hook_settings *hooks)
{
    static const char words[] = "/usr/bin/after\0a \"b\" c\0";
    assert_int_equal(hooks->on_scan_end.n, 3);
    assert_memory_equal(hooks->on_scan_end.text, words, sizeof words);
    assert_true(hooks->time_limit_s == 2.5);
}

static void assert_full(const struct config *config)
{
    assert_full_web(&config->web);
    assert_full_bragg(&config->bragg);
    assert_string_equal(config->detector_host, "merlin-pc.local");
    assert_int_equal(config->detector_command_port, 1);
    assert_int_equal(config->detector_data_port, 65535);
    assert_int_equal(config->detector_gap, 8);
    assert_true(config->detector_allow_dangerous);
    assert_int_equal(config->ingest_priority, 10);
    assert_true(config->ring_size == UINT64_C(512) << 20);
    assert_int_equal(config->workers, 7);
    assert_int_equal(config->scan.ny, 64);
    assert_int_equal(config->scan.nx, 128);
    assert_int_equal(config->scan.order, SCAN_ORDER_SERPENTINE);
    assert_int_equal(config->scan.repeats, 5);
    assert_int_equal(config->scan.skip_start, 1);
    assert_int_equal(config->scan.skip_line, 2);
    assert_int_equal(config->scan.skip_end, 3);
    assert_false(config->recording.enabled);
    assert_string_equal(config->recording.directory, "/data/a b");
    assert_int_equal(config->recording.codec, RECORDING_CODEC_ZSTD);
    assert_int_equal(config->recording.shuffle, RECORDING_SHUFFLE_BYTE);
    assert_int_equal(config->recording.level, 9);
    assert_true(config->recording_flush_s == 2.5);
    assert_int_equal(config->recording_short_of_space, DISK_WARN);
    assert_int_equal(config->recording_roots.n, 2);
    assert_string_equal(config->recording_roots.paths[1], "/data/two");
    assert_string_equal(config->recording.name, "{date}/{sample}_{run:04}");
    assert_true(config->recording_trash_hours == 0.5);
    assert_int_equal(config->recording_opened, 5);
    assert_true(config->recording.links && !config->recording.profiles);
    assert_true(config->recording_sync_s == 7.5);
    assert_true(config->recording_recompute_wait_s == 600);
    assert_string_equal(config->control_endpoint, "ipc:///run/merlind/control");
    assert_true(config->control_rate == 250 && config->control_lease_s == 12.5);
    assert_string_equal(config->security_server_key, "/etc/merlind/key");
    assert_string_equal(config->security_clients, "/etc/merlind/who may");
    assert_true(config->security_allow_insecure);
    assert_string_equal(config->results_endpoint, "tcp://[::1]:*");
    assert_true(config->results_immediate);
    assert_true(config->results_map_rate == 0.5 && config->results_pattern_rate == 20);
    assert_true(config->frames.enabled && config->frames.hwm == 7);
    assert_string_equal(config->frames.endpoint, "tcp://127.0.0.1:31001");
    assert_int_equal(config->frames.format, FRAMES_STREAM2_BSLZ4);
    assert_int_equal(config->log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(config->debug_worker_delay_us, 12);
    const struct variance_settings *const variance = &config->analysis.variance_settings;
    assert_true(!config->analysis.radial_profile && config->analysis.variance);
    assert_true(variance->rings.centre_given && variance->rings.centre_y == 127.5 &&
                variance->rings.centre_x == 120);
    assert_true(variance->rings.bin_width == 0.5 && variance->rings.ellipse_ratio == 1.02);
    assert_true(variance->rings.ellipse_angle == -30 && variance->counts_per_electron == 1.5);
    const struct icom_settings *const icom = &config->icom;
    assert_string_equal(icom->dpc, "four");
    assert_true(icom->enabled && icom->flip && icom->method == ICOM_METHOD_RICOM);
    assert_true(icom->descan == ICOM_DESCAN_PLANE && icom->border == ICOM_BORDER_PERIODIC);
    assert_true(icom->rotation == -70.5 && icom->high_pass == 0.02 && icom->radius == 40);
    const struct calibration_settings *const calibration = &config->calibration;
    assert_true(calibration->kv == 200 && calibration->camera_length == 196.5);
    assert_true(calibration->pixel_size_k == 0.1183 && calibration->scan_step == 0.5);
    assert_true(calibration->scan_rotation == -12.5 && calibration->beam_current == 50.5);
    assert_string_equal(calibration->bad_pixels, "/etc/merlind/bad pixels.npy");
    assert_string_equal(calibration->gain, "/etc/merlind/gain.npy");
    assert_string_equal(calibration->directory, "/srv/kept");
    assert_true(calibration->reference_age == 36.5);
    assert_true(config->backlog_size == UINT64_C(3) << 30);
    assert_full_hooks(&config->hooks);
}

static void assert_full_detectors(const struct config *config)
{
    assert_int_equal(config->n_virtual_detectors, 2);
    const struct virtual_detector_settings *const bf = &config->virtual_detectors[0];
    assert_string_equal(bf->name, "bf");
    assert_int_equal(bf->shape, VIRTUAL_DETECTOR_DISK);
    assert_true(bf->centre_given && bf->centre_y == 127.5 && bf->centre_x == 126.25);
    assert_true(bf->inner == 0 && bf->outer == 20.1);
    const struct virtual_detector_settings *const adf = &config->virtual_detectors[1];
    assert_string_equal(adf->name, "adf-2");
    assert_int_equal(adf->shape, VIRTUAL_DETECTOR_ANNULUS);
    assert_true(!adf->centre_given && adf->inner == 30 && adf->outer == 30);
}

static void every_key_can_be_set_in_the_file(void **unused)
{
    struct loaded loaded;
    load_text(&loaded, full_text);
    assert_loads(&loaded);
    assert_full(&loaded.config);
    assert_full_detectors(&loaded.config);
    for (size_t i = 0; i < CONFIG_KEYS; i++)
        assert_int_equal(loaded.config.origins[i].kind, CONFIG_FROM_FILE);
    finish(&loaded);
}

static void what_is_printed_loads_to_the_same_and_says_where_it_is_from(void **unused)
{
    struct loaded loaded, again;
    char *printed, comment[128];
    size_t size;
    load_text(&loaded, full_text);
    assert_int_equal(config_set_option(&loaded.config, "workers=7", stderr), 0);
    FILE *const out = open_memstream(&printed, &size);
    config_print(&loaded.config, out);
    fclose(out);
    load_text(&again, printed);
    assert_loads(&again);
    assert_full(&again.config);
    assert_full_detectors(&again.config);
    snprintf(comment, sizeof comment, "  directory: \"/data/a b\"  # from %s:8\n", loaded.path);
    assert_non_null(strstr(printed, comment));
    assert_non_null(strstr(printed, "workers: 7  # -o\n"));
    free(printed);
    finish(&again);
    finish(&loaded);
}

static void a_calibration_that_is_not_known_stays_unknown(void **unused)
{
    struct loaded loaded;
    load_text(&loaded, "calibration: {kv: auto, bad_pixels: none}\n");
    assert_loads(&loaded);
    const struct calibration_settings *const calibration = &loaded.config.calibration;
    assert_true(isnan(calibration->kv) && isnan(calibration->camera_length));
    assert_true(isnan(calibration->pixel_size_k) && isnan(calibration->scan_step));
    assert_true(isnan(calibration->scan_rotation));
    assert_string_equal(calibration->bad_pixels, "");
    finish(&loaded);
    static const char *const bad[] = {"calibration.kv=0", "calibration.camera_length=none",
                                      "calibration.pixel_size_k=-1", "calibration.bad_pixels=[a]"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        load_option(&loaded, bad[i]);
        assert_int_equal(loaded.result, -EINVAL);
        finish(&loaded);
    }
}

static void odd_texts_survive_printing(void **unused)
{
    static const char *const options[] = {
        "recording.directory=\"/a \\\"b\\\" \\\\ #c: d\"",
        "recording.directory='/ends with:'",
        "virtual_detectors=[{name: '-', shape: disk, radius: 1e5}]",
        "virtual_detectors=[{name: 'null', shape: disk, radius: 0.1}]",
        "detector.host=null.example",
        "ring.size=2GB",
        "ring.size=1048577",
        "recording.flush=0.30000000000000004",
        "virtual_detectors=[]",
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        struct loaded loaded, again;
        char *printed, *reprinted;
        size_t size;
        load_option(&loaded, options[i]);
        assert_loads(&loaded);
        loaded.config.origins[0] = (struct config_origin){0};
        FILE *out = open_memstream(&printed, &size);
        config_print(&loaded.config, out);
        fclose(out);
        load_text(&again, printed);
        assert_loads(&again);
        memcpy(again.config.origins, loaded.config.origins, sizeof loaded.config.origins);
        out = open_memstream(&reprinted, &size);
        config_print(&again.config, out);
        fclose(out);
        assert_string_equal(printed, reprinted);
        assert_string_equal(loaded.config.recording.directory, again.config.recording.directory);
        assert_true(loaded.config.ring_size == again.config.ring_size);
        assert_true(loaded.config.recording_flush_s == again.config.recording_flush_s);
        assert_true(loaded.config.recording_sync_s == again.config.recording_sync_s);
        free(reprinted);
        free(printed);
        finish(&again);
        finish(&loaded);
    }
}

static void sizes_have_units(void **unused)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } sizes[] = {
        {"2097152", 2097152},
        {"2097152B", 2097152},
        {"2048KiB", 2097152},
        {"2MiB", 2097152},
        {"3GiB", UINT64_C(3) << 30},
        {"1TiB", UINT64_C(1) << 40},
        {"2000kB", 2000000},
        {"2MB", 2000000},
        {"2 GB", UINT64_C(2000000000)},
        {"1TB", UINT64_C(1000000000000)},
        {"auto", 0},
        {"0", 0},
        {"1MiB", 1 << 20},
        {"16TiB", UINT64_C(1) << 44},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct loaded loaded;
        char option[64];
        snprintf(option, sizeof option, "ring.size=%s", sizes[i].text);
        load_option(&loaded, option);
        assert_loads(&loaded);
        assert_true(loaded.config.ring_size == sizes[i].bytes);
        finish(&loaded);
    }
}

static void an_option_takes_yaml_and_sections(void **unused)
{
    struct loaded loaded;
    load_option(&loaded, "scan.shape=[64, 65]");
    assert_loads(&loaded);
    assert_int_equal(loaded.config.scan.ny, 64);
    assert_int_equal(loaded.config.scan.nx, 65);
    finish(&loaded);
    load_option(&loaded, "recording={enabled: false, compression: {codec: blosclz, level: 3}}");
    assert_loads(&loaded);
    assert_false(loaded.config.recording.enabled);
    assert_int_equal(loaded.config.recording.codec, RECORDING_CODEC_BLOSCLZ);
    assert_int_equal(loaded.config.recording.level, 3);
    finish(&loaded);
    load_option(&loaded, "recording.compression.shuffle=none");
    assert_loads(&loaded);
    assert_int_equal(loaded.config.recording.shuffle, RECORDING_SHUFFLE_NONE);
    finish(&loaded);
}

static void a_list_is_replaced_and_not_added_to(void **unused)
{
    struct loaded loaded;
    load_text(&loaded, full_text);
    assert_int_equal(config_set_option(&loaded.config,
                                       "virtual_detectors=[{name: one, shape: disk, radius: 1}]",
                                       stderr),
                     0);
    assert_int_equal(loaded.config.n_virtual_detectors, 1);
    assert_string_equal(loaded.config.virtual_detectors[0].name, "one");
    finish(&loaded);
}

static void a_relative_directory_is_made_absolute(void **unused)
{
    struct loaded loaded;
    char here[1000], expected[1100];
    assert_non_null(getcwd(here, sizeof here));
    load_option(&loaded, "recording.directory=./data/../x");
    assert_loads(&loaded);
    snprintf(expected, sizeof expected, "%s/data/../x", here);
    assert_string_equal(loaded.config.recording.directory, expected);
    finish(&loaded);
    load_option(&loaded, "recording.directory=.hidden");
    snprintf(expected, sizeof expected, "%s/.hidden", here);
    assert_string_equal(loaded.config.recording.directory, expected);
    finish(&loaded);
}

static void a_file_may_say_nothing(void **unused)
{
    static const char *const texts[] = {"", "# only a comment\n", "---\n",
                                        "detector:\nscan: ~\nrecording: {}\n",
                                        "virtual_detectors:\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct loaded loaded;
        load_text(&loaded, texts[i]);
        assert_loads(&loaded);
        assert_int_equal(loaded.config.detector_data_port, 6342);
        finish(&loaded);
    }
}

static void an_error_shows_place_line_and_suggestion(void **unused)
{
    struct loaded loaded;
    char expected[300];
    load_text(&loaded, "detector:\n\thost: a\n");
    assert_int_equal(loaded.result, -EINVAL);
    finish(&loaded);
    load_text(&loaded, "detector:\n  hots: a\n");
    snprintf(expected, sizeof expected,
             "%s:2:3: error: unknown key 'detector.hots' (did you mean 'detector.host'?)\n"
             "    hots: a\n"
             "    ^\n",
             loaded.path);
    assert_string_equal(loaded.messages, expected);
    finish(&loaded);
    load_option(&loaded, "detctor.host=a");
    assert_string_equal(
        loaded.messages,
        "-o:1:1: error: unknown key 'detctor.host' (did you mean 'detector.host'?)\n"
        "  detctor.host=a\n"
        "  ^\n");
    finish(&loaded);
    load_option(&loaded, "workers=many");
    assert_string_equal(
        loaded.messages,
        "-o:1:9: error: 'workers' must be auto or a whole number from 1 to 1024, not 'many'\n"
        "  workers=many\n"
        "          ^\n");
    finish(&loaded);
}

static void the_caret_stands_below_its_character(void **unused)
{
    struct loaded loaded;
    load_text(&loaded, "detector: {host: \"\xc3\xa4\xc3\xb6\",\tdata_port: 0}\n");
    assert_non_null(strstr(loaded.messages, ":1:35: error: 'detector.data_port'"));
    assert_non_null(strstr(loaded.messages, "\n                        \t           ^\n"));
    finish(&loaded);
}

static void keys_that_are_unknown_misplaced_or_repeated(void **unused)
{
    ASSERT_ERRORS("detctor: {host: a}\ncolour: 1\n",
                  "1:1: error: unknown key 'detctor' (did you mean 'detector'?)",
                  "2:1: error: unknown key 'colour'\n");
    ASSERT_ERRORS("host: a\n", "1:1: error: unknown key 'host' (did you mean 'detector.host'?)");
    ASSERT_ERRORS(
        "recording: {codec: lz4}\n",
        "1:13: error: unknown key 'recording.codec' (did you mean 'recording.compression.codec'?)");
    ASSERT_ERRORS("ring.size: 1GiB\n", "1:1: error: 'ring.size' is written in parts");
    ASSERT_ERRORS("workers: 1\nworkers: 2\n",
                  "2:1: error: key 'workers' is here for a second time, first in line 1");
    ASSERT_ERRORS("ring: 512MiB\n", "1:7: error: 'ring' is a section");
    ASSERT_ERRORS("recording: {compression: [lz4]}\n",
                  "1:26: error: 'recording.compression' is a section");
    ASSERT_ERRORS("[1, 2]\n", "1:1: error: a configuration is made of");
    ASSERT_ERRORS("[a]: 1\n", "1:1: error: a key must be a plain word");
}

static void values_of_the_wrong_type_or_range(void **unused)
{
    static const char *const bad[] = {
        "detector.command_port=0",
        "detector.command_port=65536",
        "detector.command_port=-1",
        "detector.command_port=6341.0",
        "detector.command_port=0x10",
        "detector.command_port=",
        "detector.command_port=[1]",
        "detector.command_port={a: 1}",
        "detector.command_port=18446744073709551617",
        "detector.command_port= +5",
        "detector.host=",
        "detector.host=a b",
        "detector.host=a/b",
        "detector.host=~",
        "detector.host=[a]",
        "ring.size=512",
        "ring.size=512Mb",
        "ring.size=1.5GiB",
        "ring.size=17TiB",
        "ring.size=99999999999TiB",
        "ring.size=MiB",
        "ring.size=-1GiB",
        "workers=1025",
        "workers=-1",
        "scan.shape=[64]",
        "scan.shape=[64, 64, 64]",
        "scan.shape=[0, 4]",
        "scan.shape=[4, 4.5]",
        "scan.shape=64x64",
        "scan.shape=[70000, 70000]",
        "scan.shape=[[1], 1]",
        "scan.skip_line=-1",
        "scan.order=list",
        "scan.repeats=0",
        "scan.repeats=1000001",
        "recording.enabled=yes",
        "recording.enabled=1",
        "recording.enabled=True",
        "recording.directory=",
        "recording.directory=''",
        "recording.directory=[a]",
        "recording.directory=\"/a\\nb\"",
        "recording.directory=\"/a\\0b\"",
        "recording.compression.codec=gzip",
        "recording.compression.level=10",
        "recording.compression=lz4",
        "recording.flush=0",
        "recording.flush=inf",
        "recording.flush=nan",
        "recording.flush=0x1p3",
        "recording.flush=1s",
        "control.endpoint=127.0.0.1:1",
        "control.endpoint=udp://127.0.0.1:1",
        "control.endpoint=tcp://127.0.0.1",
        "control.endpoint=tcp://:1",
        "control.endpoint=tcp://127.0.0.1:65536",
        "control.endpoint=tcp://a:b:1",
        "control.endpoint=tcp://127.0.0.1:",
        "control.endpoint=ipc://",
        "results.map_rate=0",
        "results.map_rate=101",
        "web.listen=6380",
        "web.listen=localhost",
        "web.token=short",
        "web.token=with a blank in it",
        "web.origins=http://one",
        "web.origins=[lab:8080]",
        "web.origins=['http://']",
        "web.origins=['http://lab/path']",
        "web.viewers=0",
        "log.level=loud",
        "log.level=3",
        "debug.worker_delay_us=10000001",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct loaded loaded;
        char key[64], named[80];
        snprintf(key, sizeof key, "%.*s", (int)strcspn(bad[i], "="), bad[i]);
        load_option(&loaded, bad[i]);
        if (loaded.result != -EINVAL)
            print_message("taken: %s\n", bad[i]);
        assert_int_equal(loaded.result, -EINVAL);
        snprintf(named, sizeof named, "error: '%s' ", key);
        if (!strstr(bad[i], "\\0"))
            assert_non_null(strstr(loaded.messages, named));
        finish(&loaded);
    }
}

static void a_text_that_is_too_long_is_refused_and_not_cut(void **unused)
{
    struct loaded loaded;
    char option[3000];
    snprintf(option, sizeof option, "detector.host=%0256d", 0);
    load_option(&loaded, option);
    assert_int_equal(loaded.result, -EINVAL);
    finish(&loaded);
    snprintf(option, sizeof option, "detector.host=%0255d", 0);
    load_option(&loaded, option);
    assert_loads(&loaded);
    assert_int_equal(strlen(loaded.config.detector_host), 255);
    finish(&loaded);
    snprintf(option, sizeof option, "recording.directory=%01020d", 0);
    load_option(&loaded, option);
    assert_int_equal(loaded.result, -EINVAL);
    finish(&loaded);
    snprintf(option, sizeof option, "control.endpoint=ipc://%0108d", 0);
    load_option(&loaded, option);
    assert_int_equal(loaded.result, -EINVAL);
    finish(&loaded);
}

static void a_bad_option_leaves_the_value_as_it_was(void **unused)
{
    struct loaded loaded;
    load_option(&loaded, "detector.data_port=99999");
    assert_int_equal(loaded.config.detector_data_port, 6342);
    for (size_t i = 0; i < CONFIG_KEYS; i++)
        assert_int_equal(loaded.config.origins[i].kind, CONFIG_FROM_DEFAULT);
    finish(&loaded);
    load_option(&loaded, "virtual_detectors=[{name: a, shape: disk, radius: 1}, {name: b}]");
    assert_int_equal(loaded.config.n_virtual_detectors, 0);
    finish(&loaded);
}

static void an_option_has_a_key_and_a_value(void **unused)
{
    static const char *const bad[] = {"",
                                      "workers",
                                      "=3",
                                      "  ",
                                      "workers=[",
                                      "scan.shape=[64, 64",
                                      "workers=a: b: c",
                                      ".=1",
                                      "detector.=1",
                                      "workers.=1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct loaded loaded;
        load_option(&loaded, bad[i]);
        assert_int_equal(loaded.result, -EINVAL);
        assert_memory_equal(loaded.messages, "-o:1:", 5);
        finish(&loaded);
    }
}

static void bad_entries_of_the_list_of_virtual_detectors(void **unused)
{
    ASSERT_ERRORS("virtual_detectors:\n"
                  "  - {name: bf, shape: disk, centre: [1, b], radius: 20}\n"
                  "  - {name: bf, shape: disk, centre: 5, radius: 20}\n"
                  "  - {name: a b, shape: annulus, inner: 5, outer: 3}\n"
                  "  - {shape: disk, radius: -1}\n"
                  "  - {name: sum, shape: disk}\n"
                  "  - bf\n"
                  "  - {name: x, shape: circle, radius: 3}\n"
                  "  - {name: y, shape: annulus, inner: 1, outr: 3}\n"
                  "  - {name: z, shape: disk, radius: 1, outer: 3}\n"
                  "  - {name: w, shape: annulus, inner: 1, outer: 3, radius: 2}\n"
                  "  - {name: v}\n"
                  "colour: 1\n",
                  "2:41: error: 'centre'", "3:37: error: 'centre' must be [y, x]",
                  "3:5: error: two virtual detectors", "4:12: error: 'name'",
                  "4:50: error: outer (3) is smaller than inner (5)",
                  "5:5: error: this virtual detector needs a name", "5:27: error: 'radius'",
                  "6:12: error: 'sum' is the name of a result",
                  "6:5: error: this virtual detector needs 'radius', being a disk",
                  "7:5: error: 'virtual_detectors'", "8:22: error: unknown shape 'circle'",
                  "9:41: error: unknown key 'outr' of a virtual detector (did you mean 'outer'?)",
                  "9:5: error: this virtual detector needs 'outer', being an annulus",
                  "10:46: error: a disk has no 'outer'", "11:59: error: an annulus has no 'radius'",
                  "12:5: error: this virtual detector needs a shape",
                  "13:1: error: unknown key 'colour'");
    ASSERT_ERRORS("virtual_detectors: {name: bf}\n",
                  "1:20: error: 'virtual_detectors' must be a list");
}

static void bad_entries_of_every_shape_of_virtual_detector(void **unused)
{
    ASSERT_ERRORS(
        "virtual_detectors:\n"
        "  - {name: a, shape: sector, outer: 3}\n"
        "  - {name: b, shape: sector, outer: 3, angles: [20, 10]}\n"
        "  - {name: c, shape: sector, outer: 3, angles: 20}\n"
        "  - {name: d, shape: segmented, outer: 3, sectors: 1}\n"
        "  - {name: e, shape: segmented, outer: 3, sectors: 2.5}\n"
        "  - {name: f, shape: segmented, outer: 3, sectors: 4, angles: [0, 1]}\n"
        "  - {name: g, shape: rectangle, size: [1, -1]}\n"
        "  - {name: h, shape: point}\n"
        "  - {name: i, shape: point, centre: [1, 2], edge: hard}\n"
        "  - {name: j, shape: k_band, k_inner: 3, k_outer: 2}\n"
        "  - {name: k, shape: k_band, k_inner: 1, k_outer: 2, pixel_size_k: 0}\n"
        "  - {name: l, shape: mask}\n"
        "  - {name: m, shape: mask, mask: [1]}\n"
        "  - {name: n, shape: mask, mask: /a.npy, centre: [1, 2]}\n"
        "  - {name: o, shape: disk, radius: 1, edge: soft, mode: meen}\n"
        "  - {name: p, shape: [disk], radius: 1}\n",
        "2:5: error: this virtual detector needs 'angles', being a sector",
        "3:48: error: angles must be [start, stop]", "4:48: error: 'angles' must be [start, stop]",
        "5:52: error: 'sectors' must be a number from 2 to 64",
        "6:52: error: 'sectors' must be a whole number",
        "7:63: error: a segmented detector has no 'angles'",
        "8:43: error: 'size' must be a number from 0",
        "9:5: error: this virtual detector needs 'centre', being a point",
        "10:51: error: a point has no 'edge'",
        "11:51: error: k_outer (2) is smaller than k_inner (3)", "12:68: error: 'pixel_size_k'",
        "13:5: error: this virtual detector needs 'mask', being a mask",
        "14:34: error: 'mask' must be the path", "15:50: error: a mask has no 'centre'",
        "16:45: error: unknown edge 'soft': hard and antialiased exist",
        "16:57: error: unknown mode 'meen' (did you mean 'mean'?)",
        "17:22: error: 'shape' must be a single word");
}

/* Those of a segmented detector are numbered. */
static void maps_of_virtual_detectors_need_different_names(void **unused)
{
    ASSERT_ERRORS("virtual_detectors:\n"
                  "  - {name: a_2, shape: disk, radius: 1}\n"
                  "  - {name: a, shape: segmented, outer: 3, sectors: 2}\n",
                  "3:5: error: the virtual detectors 'a_2' and 'a' have maps of the same name");
}

static const char every_shape[] =
    "virtual_detectors:\n"
    "  - {name: a, shape: disk, centre: [1, -2.5], radius: 3, edge: antialiased, mode: mean}\n"
    "  - {name: b, shape: annulus, inner: 3, outer: 4.25}\n"
    "  - {name: c, shape: sector, inner: 1, outer: 9, angles: [350, 370.5]}\n"
    "  - {name: d, shape: segmented, outer: 30, sectors: 4, start_angle: -45}\n"
    "  - {name: e, shape: rectangle, centre: [10, 20], size: [3.5, 6]}\n"
    "  - {name: f, shape: point, centre: [7, 8]}\n"
    "  - {name: g, shape: k_band, k_inner: 3.6, k_outer: 4.4, pixel_size_k: 0.05}\n"
    "  - {name: h, shape: k_band, k_inner: 3.6, k_outer: 4.4}\n"
    "  - {name: i, shape: mask, mask: '/data/a \"b\" \\c.npy', mode: mean}\n";

static void assert_every_shape(const struct config *config)
{
    const struct virtual_detector_settings *const all = config->virtual_detectors;
    assert_int_equal(config->n_virtual_detectors, 9);
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(all[i].shape, i);
    assert_true(all[0].centre_given && all[0].centre_y == 1 && all[0].centre_x == -2.5);
    assert_true(all[0].outer == 3 && all[0].inner == 0);
    assert_int_equal(all[0].edge, VIRTUAL_DETECTOR_ANTIALIASED);
    assert_int_equal(all[0].mode, VIRTUAL_DETECTOR_MEAN);
    assert_true(!all[1].centre_given && all[1].inner == 3 && all[1].outer == 4.25);
    assert_int_equal(all[1].edge, VIRTUAL_DETECTOR_HARD);
    assert_int_equal(all[1].mode, VIRTUAL_DETECTOR_SUM);
    assert_true(all[2].start_angle == 350 && all[2].stop_angle == 370.5 && all[2].inner == 1);
    assert_true(all[3].start_angle == -45 && all[3].n_sectors == 4 && all[3].outer == 30);
    assert_true(all[4].height == 3.5 && all[4].width == 6 && all[4].centre_x == 20);
    assert_true(all[5].centre_y == 7 && all[5].centre_x == 8);
    assert_true(all[6].k_inner == 3.6 && all[6].k_outer == 4.4 && all[6].pixel_size_k == 0.05);
    assert_true(all[7].shape == VIRTUAL_DETECTOR_K_BAND && all[7].pixel_size_k == 0);
    assert_int_equal(all[8].shape, VIRTUAL_DETECTOR_MASK);
    assert_string_equal(all[8].mask_path, "/data/a \"b\" \\c.npy");
    assert_null(all[8].mask);
}

static void every_shape_of_virtual_detector_loads_and_survives_printing(void **unused)
{
    struct loaded loaded, again;
    char *printed;
    size_t size;
    load_text(&loaded, every_shape);
    assert_loads(&loaded);
    assert_every_shape(&loaded.config);
    FILE *const out = open_memstream(&printed, &size);
    config_print(&loaded.config, out);
    fclose(out);
    load_text(&again, printed);
    assert_loads(&again);
    assert_every_shape(&again.config);
    free(printed);
    finish(&again);
    finish(&loaded);
}

static void a_relative_mask_begins_where_merlind_was_started(void **unused)
{
    struct loaded loaded;
    char here[1000], expected[1100];
    assert_non_null(getcwd(here, sizeof here));
    snprintf(expected, sizeof expected, "%s/masks/a.npy", here);
    load_option(&loaded, "virtual_detectors=[{name: a, shape: mask, mask: masks/a.npy}]");
    assert_loads(&loaded);
    assert_string_equal(loaded.config.virtual_detectors[0].mask_path, expected);
    finish(&loaded);
}

static void a_virtual_detector_of_a_request_is_read_by_the_same_rules(void **unused)
{
    struct virtual_detector_settings settings;
    struct error error = {0};
    const char *key;
    assert_int_equal(
        virtual_detector_from_text(
            &settings, "{\"name\": \"a\", \"shape\": \"disk\", \"radius\": 4.5}", &key, &error),
        0);
    assert_string_equal(settings.name, "a");
    assert_true(settings.outer == 4.5);
    assert_int_equal(
        virtual_detector_from_text(&settings, "{name: m, shape: mask, mode: mean}", &key, &error),
        0);
    assert_int_equal(settings.mode, VIRTUAL_DETECTOR_MEAN);
    assert_int_equal(virtual_detector_from_text(&settings, "{\"shape\": \"disk\", \"radius\": -1}",
                                                &key, &error),
                     -EINVAL);
    assert_string_equal(error.text, "this virtual detector needs a name; 'radius' must be a number "
                                    "from 0 to 100000, not '-1'");
    static const char *const bad[] = {"", "[]", "{", "1", "{}", "{name: a, name: b}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        error.text[0] = '\0';
        assert_int_equal(virtual_detector_from_text(&settings, bad[i], &key, &error), -EINVAL);
        assert_true(error.text[0] != '\0');
    }
}

static void an_error_in_a_virtual_detector_of_a_request_names_the_key_at_fault(void **unused)
{
    static const struct {
        const char *text, *key;
    } cases[] = {
        {"{\"name\": \"a\", \"shape\": \"disk\", \"radius\": -1}", "radius"},
        {"{\"name\": \"a\", \"shape\": \"disk\", \"radius\": 1, \"centre\": [1, \"x\"]}", "centre"},
        {"{\"name\": \"a b\", \"shape\": \"disk\", \"radius\": 1}", "name"},
        {"{\"radius\": 1, \"name\": \"a\", \"shape\": \"disc\"}", "shape"},
        {"{\"name\": \"a\", \"shape\": \"annulus\", \"inner\": 5, \"outer\": 4}", "outer"},
        {"{\"name\": \"a\", \"shape\": \"disk\", \"radius\": 1, \"angles\": [0, 1]}", "angles"},
        {"{\"name\": \"a\", \"shape\": \"annulus\", \"inner\": 5}", "outer"},
        {"{\"name\": \"a\", \"radius\": 5}", "shape"},
        {"{\"shape\": \"disk\", \"radius\": 5}", "name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct virtual_detector_settings settings;
        struct error error = {0};
        const char *key = NULL;
        assert_int_equal(virtual_detector_from_text(&settings, cases[i].text, &key, &error),
                         -EINVAL);
        assert_non_null(key);
        assert_string_equal(key, cases[i].key);
    }
    struct virtual_detector_settings settings;
    struct error error = {0};
    const char *key = "";
    assert_int_equal(virtual_detector_from_text(&settings, "[1]", &key, &error), -EINVAL);
    assert_null(key);
}

static void names_of_other_results_are_taken(void **unused)
{
    static const char *const names[] = {"com_y", "com_x", "sum", "latest", "measured", "bragg"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct loaded loaded;
        char option[100];
        snprintf(option, sizeof option, "virtual_detectors=[{name: %s, shape: disk, radius: 1}]",
                 names[i]);
        load_option(&loaded, option);
        assert_int_equal(loaded.result, -EINVAL);
        finish(&loaded);
    }
}

static void too_many_virtual_detectors_are_refused(void **unused)
{
    for (int n = CONFIG_VIRTUAL_DETECTORS_MAX; n <= CONFIG_VIRTUAL_DETECTORS_MAX + 1; n++) {
        struct loaded loaded;
        char option[8000] = "virtual_detectors=[";
        for (int i = 0; i < n; i++)
            sprintf(option + strlen(option), "%s{name: n%d, shape: disk, radius: 1}", i ? ", " : "",
                    i);
        strcat(option, "]");
        load_option(&loaded, option);
        assert_int_equal(loaded.result, n > CONFIG_VIRTUAL_DETECTORS_MAX ? -EINVAL : 0);
        finish(&loaded);
    }
}

static void what_is_no_plain_yaml_is_refused(void **unused)
{
    ASSERT_ERRORS("detector: {host: [\n", "1:19: error: this is not YAML");
    ASSERT_ERRORS("a: &x 1\nworkers: *x\n", "2:10: error: aliases");
    ASSERT_ERRORS("workers: !!int 3\n", "1:16: error: tags");
    ASSERT_ERRORS("workers: 3\n---\nworkers: 4\n", "2:1: error: a second document");
    ASSERT_ERRORS("workers: [[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
                  "1:26: error: nested too deeply");
}

static void what_is_no_text_is_refused(void **unused)
{
    struct loaded loaded;
    load(&loaded, "workers: 3\0\nx", 13, NULL);
    assert_int_equal(loaded.result, -EINVAL);
    assert_non_null(strstr(loaded.messages, "zero byte at offset 10"));
    finish(&loaded);
    load(&loaded, "work\xff\xfers: 3\n", 12, NULL);
    assert_int_equal(loaded.result, -EINVAL);
    assert_non_null(strstr(loaded.messages, "error: "));
    finish(&loaded);
}

static void messages_cannot_command_the_terminal(void **unused)
{
    struct loaded loaded;
    load_option(&loaded, "detector.host=\"\\e[2J\\x7f\"");
    assert_int_equal(loaded.result, -EINVAL);
    assert_null(strchr(loaded.messages, 0x1b));
    assert_null(strchr(loaded.messages, 0x7f));
    finish(&loaded);
}

static void a_file_that_cannot_be_read_is_named(void **unused)
{
    struct config config;
    char *messages;
    size_t size;
    config_init(&config);
    FILE *const out = open_memstream(&messages, &size);
    assert_int_equal(config_load_file(&config, "/nobody/is/here.yaml", out), -ENOENT);
    assert_int_equal(config_load_file(&config, "/tmp", out), -EISDIR);
    assert_int_equal(config_load_file(&config, "/dev/zero", out), -EFBIG);
    fclose(out);
    assert_non_null(strstr(messages, "/nobody/is/here.yaml: error: "));
    assert_non_null(strstr(messages, "/tmp: error: "));
    free(messages);
    config_finish(&config);
}

static void keys_that_contradict_each_other(void **unused)
{
    static const struct {
        const char *option;
        int result;
        const char *message;
    } cases[] = {
        {"workers=1", 0, ""},
        {"results.endpoint=tcp://127.0.0.1:6350", -EINVAL,
         "-o: error: control.endpoint and results.endpoint"},
        {"detector.data_port=6341", -EINVAL,
         "-o: error: detector.command_port and detector.data_port"},
        {"control.endpoint=tcp://0.0.0.0:6350", -EINVAL,
         "-o: error: control.endpoint tcp://0.0.0.0:6350 can be reached"},
        {"results.endpoint=tcp://0.0.0.0:6350", -EINVAL,
         "-o: error: results.endpoint tcp://0.0.0.0:6350 can be reached"},
        {"control.endpoint=tcp://127.example.org:6350", -EINVAL, "-o: error: "},
        {"frames={enabled: true, endpoint: 'tcp://0.0.0.0:6352'}", -EINVAL,
         "-o: error: frames.endpoint tcp://0.0.0.0:6352 can be reached"},
        {"frames={enabled: false, endpoint: 'tcp://0.0.0.0:6352'}", 0, ""},
        {"frames={enabled: true, endpoint: 'tcp://127.0.0.1:6351'}", -EINVAL,
         "-o: error: results.endpoint and frames.endpoint are both tcp://127.0.0.1:6351"},
        {"security.server_key=/etc/key", -EINVAL,
         "-o: error: security.server_key without security.clients"},
        {"control.endpoint=tcp://[::1]:6350", 0, ""},
        {"control.endpoint=ipc:///tmp/x", 0, ""},
        {"web.listen=0.0.0.0:6380", -EINVAL, "-o: error: web.listen 0.0.0.0:6380 can be reached"},
        {"web={listen: '*:6380', allow_insecure: true}", 0, ""},
        {"web={listen: '*:6380', enabled: false}", 0, ""},
        {"web={listen: '*:1', tls_certificate: /a, tls_key: /b}", 0, ""},
        {"web.tls_key=/a", -EINVAL, "-o: error: web.tls_certificate and web.tls_key belong"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct loaded loaded;
        char *messages;
        size_t size;
        load_option(&loaded, cases[i].option);
        assert_loads(&loaded);
        FILE *const out = open_memstream(&messages, &size);
        assert_int_equal(config_check(&loaded.config, out), cases[i].result);
        fclose(out);
        if (*cases[i].message)
            assert_memory_equal(messages, cases[i].message, strlen(cases[i].message));
        else
            assert_string_equal(messages, "");
        free(messages);
        finish(&loaded);
    }
}

static void repeats_of_a_scan_may_be_too_many_frames(void **unused)
{
    struct config config;
    char *messages;
    size_t size;
    config_init(&config);
    FILE *const out = open_memstream(&messages, &size);
    assert_int_equal(config_set_option(&config, "scan.shape=[4096, 4096]", out), 0);
    assert_int_equal(config_set_option(&config, "scan.repeats=255", out), 0);
    assert_int_equal(config_check(&config, out), 0);
    assert_int_equal(config_set_option(&config, "scan.repeats=256", out), 0);
    assert_int_equal(config_check(&config, out), -EINVAL);
    fclose(out);
    assert_non_null(strstr(messages, "-o: error: scan.repeats 256 of a scan of 4096 x 4096"));
    free(messages);
    config_finish(&config);
}

static void endpoints_of_any_port_do_not_clash(void **unused)
{
    struct config config;
    config_init(&config);
    assert_int_equal(config_set_option(&config, "control.endpoint=tcp://127.0.0.1:0", stderr), 0);
    assert_int_equal(config_set_option(&config, "results.endpoint=tcp://127.0.0.1:0", stderr), 0);
    assert_int_equal(config_check(&config, stderr), 0);
    config_finish(&config);
}

static char *print_with(void (*print)(FILE *))
{
    char *text;
    size_t size;
    FILE *const out = open_memstream(&text, &size);
    assert_non_null(out);
    print(out);
    fclose(out);
    return text;
}

static void the_shipped_file_is_what_the_table_prints(void **unused)
{
    char *const printed = print_with(config_print_example);
    char *const shipped = slurp(TOP "/systemd/merlind.yaml");
    assert_string_equal(printed, shipped);
    free(shipped);
    free(printed);
}

static void the_manual_has_what_the_table_prints(void **unused)
{
    char *const printed = print_with(config_print_scdoc);
    char *const manual = slurp(TOP "/docs/man/merlind.yaml.5.scd");
    const char *const found = strstr(manual, printed);
    assert_non_null(found);
    assert_memory_equal(found - 2, ".\n", 2);
    assert_memory_equal(found + strlen(printed), "\n; End of the printed part.", 27);
    free(manual);
    free(printed);
}

/* `#key: value` becomes a setting, `# prose` does not. */
static void remove_hashes(char *text)
{
    char *to = text;
    bool in_comment = false;
    for (const char *from = text; *from; from++) {
        const bool hash = *from == '#' && !in_comment;
        in_comment = *from == '\n' ? false : in_comment || hash;
        if (hash && from[1] != ' ')
            continue;
        /* The list's own lines are indented by two. */
        if (hash && from[1] == ' ' && from[2] == ' ')
            continue;
        *to++ = *from;
    }
    *to = 0;
}

static void the_shipped_file_loads_as_it_is_and_with_every_setting_uncommented(void **unused)
{
    struct loaded loaded;
    char *const text = print_with(config_print_example);
    load_text(&loaded, text);
    assert_loads(&loaded);
    assert_string_equal(loaded.config.recording.directory, "/var/lib/merlind");
    assert_int_equal(loaded.config.n_virtual_detectors, 0);
    finish(&loaded);
    remove_hashes(text);
    load_text(&loaded, text);
    assert_loads(&loaded);
    for (size_t i = 0; i < CONFIG_KEYS; i++)
        assert_int_equal(loaded.config.origins[i].kind, CONFIG_FROM_FILE);
    assert_int_equal(loaded.config.n_virtual_detectors, 4);
    assert_int_equal(loaded.config.detector_command_port, 6341);
    finish(&loaded);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_manual),
        cmocka_unit_test(every_key_can_be_set_in_the_file),
        cmocka_unit_test(what_is_printed_loads_to_the_same_and_says_where_it_is_from),
        cmocka_unit_test(a_calibration_that_is_not_known_stays_unknown),
        cmocka_unit_test(odd_texts_survive_printing),
        cmocka_unit_test(sizes_have_units),
        cmocka_unit_test(an_option_takes_yaml_and_sections),
        cmocka_unit_test(a_list_is_replaced_and_not_added_to),
        cmocka_unit_test(a_relative_directory_is_made_absolute),
        cmocka_unit_test(a_file_may_say_nothing),
        cmocka_unit_test(an_error_shows_place_line_and_suggestion),
        cmocka_unit_test(the_caret_stands_below_its_character),
        cmocka_unit_test(keys_that_are_unknown_misplaced_or_repeated),
        cmocka_unit_test(values_of_the_wrong_type_or_range),
        cmocka_unit_test(a_text_that_is_too_long_is_refused_and_not_cut),
        cmocka_unit_test(a_bad_option_leaves_the_value_as_it_was),
        cmocka_unit_test(an_option_has_a_key_and_a_value),
        cmocka_unit_test(bad_entries_of_the_list_of_virtual_detectors),
        cmocka_unit_test(bad_entries_of_every_shape_of_virtual_detector),
        cmocka_unit_test(maps_of_virtual_detectors_need_different_names),
        cmocka_unit_test(every_shape_of_virtual_detector_loads_and_survives_printing),
        cmocka_unit_test(a_relative_mask_begins_where_merlind_was_started),
        cmocka_unit_test(a_virtual_detector_of_a_request_is_read_by_the_same_rules),
        cmocka_unit_test(an_error_in_a_virtual_detector_of_a_request_names_the_key_at_fault),
        cmocka_unit_test(names_of_other_results_are_taken),
        cmocka_unit_test(too_many_virtual_detectors_are_refused),
        cmocka_unit_test(what_is_no_plain_yaml_is_refused),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(messages_cannot_command_the_terminal),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(keys_that_contradict_each_other),
        cmocka_unit_test(repeats_of_a_scan_may_be_too_many_frames),
        cmocka_unit_test(endpoints_of_any_port_do_not_clash),
        cmocka_unit_test(the_shipped_file_is_what_the_table_prints),
        cmocka_unit_test(the_manual_has_what_the_table_prints),
        cmocka_unit_test(the_shipped_file_loads_as_it_is_and_with_every_setting_uncommented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
