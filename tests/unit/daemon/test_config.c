#include <math.h>

#include "daemon/config/config_keys.h"
#include "tests/unit/daemon/config_loading.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
