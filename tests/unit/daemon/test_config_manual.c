#include "daemon/config/config_keys.h"
#include "tests/unit/daemon/config_loading.h"

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
        cmocka_unit_test(the_shipped_file_is_what_the_table_prints),
        cmocka_unit_test(the_manual_has_what_the_table_prints),
        cmocka_unit_test(the_shipped_file_loads_as_it_is_and_with_every_setting_uncommented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
