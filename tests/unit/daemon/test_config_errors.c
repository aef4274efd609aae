#include "daemon/config/config_keys.h"
#include "tests/unit/daemon/config_loading.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_shows_place_line_and_suggestion),
        cmocka_unit_test(the_caret_stands_below_its_character),
        cmocka_unit_test(keys_that_are_unknown_misplaced_or_repeated),
        cmocka_unit_test(values_of_the_wrong_type_or_range),
        cmocka_unit_test(a_text_that_is_too_long_is_refused_and_not_cut),
        cmocka_unit_test(a_bad_option_leaves_the_value_as_it_was),
        cmocka_unit_test(an_option_has_a_key_and_a_value),
        cmocka_unit_test(what_is_no_plain_yaml_is_refused),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(messages_cannot_command_the_terminal),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(keys_that_contradict_each_other),
        cmocka_unit_test(repeats_of_a_scan_may_be_too_many_frames),
        cmocka_unit_test(endpoints_of_any_port_do_not_clash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
