#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/config/options.h"

enum { ARGUMENTS_MAX = 8 };

/* options_load of `merlind ARGUMENTS`. */
static int load(struct options *options, struct config *config, const char *const *arguments)
{
    static char texts[ARGUMENTS_MAX + 1][256];
    char *argv[ARGUMENTS_MAX + 2] = {(char[]){"merlind"}};
    int argc = 1;
    for (; arguments[argc - 1]; argc++) {
        argv[argc] = texts[argc - 1];
        snprintf(argv[argc], sizeof texts[0], "%s", arguments[argc - 1]);
    }
    *options = (struct options){.exit_code = -1};
    return options_load(argc, argv, options, config);
}

/* What the process would return, and print on stdout and stderr together. */
static int run(char *output, size_t size, const char *const *arguments)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct options options;
        struct config config;
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        const bool going_on = load(&options, &config, arguments) == 0;
        if (going_on)
            config_finish(&config);
        fflush(stdout);
        _exit(going_on ? 111 : options.exit_code);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got;
         length + 1 < size && (got = read(ends[0], output + length, size - 1 - length)) > 0;)
        length += (size_t)got;
    output[length] = 0;
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define RUN(...) run(output, sizeof output, (const char *const[]){__VA_ARGS__, NULL})

static void write_file(char *path, const char *text)
{
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void without_arguments_the_defaults_hold(void **unused)
{
    struct options options;
    struct config config;
    assert_int_equal(load(&options, &config, (const char *const[]){NULL}), 0);
    assert_int_equal(config.detector_command_port, 6341);
    assert_int_equal(config.log_level, LOG_LEVEL_INFO);
    config_finish(&config);
}

static void options_win_over_the_file_wherever_they_stand_and_the_last_wins(void **unused)
{
    struct options options;
    struct config config;
    char path[] = "/tmp/merlind-test-options-XXXXXX";
    write_file(path, "workers: 2\ndetector: {host: from-file, data_port: 7000}\n");
    const char *const arguments[] = {
        "-o", "workers=3", "-c", path, "--option=workers=4", "-odetector.host=from-option", NULL};
    assert_int_equal(load(&options, &config, arguments), 0);
    assert_int_equal(config.workers, 4);
    assert_string_equal(config.detector_host, "from-option");
    assert_int_equal(config.detector_data_port, 7000);
    config_finish(&config);
    unlink(path);
}

static void verbosity_moves_the_level_of_the_configuration_within_its_range(void **unused)
{
    static const struct {
        const char *arguments[ARGUMENTS_MAX];
        enum log_level level;
    } cases[] = {
        {{"-v"}, LOG_LEVEL_DEBUG},
        {{"-vvv"}, LOG_LEVEL_DEBUG},
        {{"-q"}, LOG_LEVEL_NOTICE},
        {{"-qqqqqq"}, LOG_LEVEL_ERROR},
        {{"-v", "-o", "log.level=error"}, LOG_LEVEL_WARNING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct options options;
        struct config config;
        assert_int_equal(load(&options, &config, cases[i].arguments), 0);
        assert_int_equal(config.log_level, cases[i].level);
        config_finish(&config);
    }
}

static void wrong_usage_is_64(void **unused)
{
    char output[4000];
    assert_int_equal(RUN("--frobnicate"), 64);
    assert_non_null(strstr(output, "--frobnicate"));
    assert_int_equal(RUN("merlind.yaml"), 64);
    assert_non_null(strstr(output, "merlind.yaml"));
    assert_int_equal(RUN("-c"), 64);
}

static void wrong_configuration_is_78_and_all_of_it_is_told(void **unused)
{
    char output[4000];
    char path[] = "/tmp/merlind-test-options-XXXXXX";
    write_file(path, "wrkers: 2\n");
    assert_int_equal(RUN("-c", path, "-o", "ring.size=much", "-o", "web.lisen=x"), 78);
    assert_non_null(strstr(output, ":1:1: error: unknown key 'wrkers'"));
    assert_non_null(strstr(output, "ring.size"));
    assert_non_null(strstr(output, "web.listen"));
    assert_int_equal(RUN("-c", path, "--check-config"), 78);
    assert_int_equal(RUN("-c", path, "--print-config"), 78);
    assert_null(strstr(output, "# default"));
    assert_int_equal(RUN("--check-config", "-c", "/nobody/is/here.yaml"), 78);
    assert_non_null(strstr(output, "/nobody/is/here.yaml"));
    assert_int_equal(RUN("-o", "detector.data_port=6341"), 78);
    unlink(path);
}

static void checking_and_printing_end_with_0(void **unused)
{
    char output[100000]; /* all of it: a child that writes more than is read would be killed */
    assert_int_equal(RUN("--check-config"), 0);
    assert_non_null(strstr(output, "right"));
    assert_int_equal(RUN("--print-config", "-o", "workers=5"), 0);
    assert_non_null(strstr(output, "workers: 5  # -o\n"));
    assert_int_equal(RUN("--print-example"), 0);
    assert_non_null(strstr(output, "#workers: auto\n"));
    assert_int_equal(RUN("--version"), 0);
    assert_memory_equal(output, "merlind ", 8);
    assert_int_equal(RUN("--help"), 0);
    assert_non_null(strstr(output, "--check-config"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_arguments_the_defaults_hold),
        cmocka_unit_test(options_win_over_the_file_wherever_they_stand_and_the_last_wins),
        cmocka_unit_test(verbosity_moves_the_level_of_the_configuration_within_its_range),
        cmocka_unit_test(wrong_usage_is_64),
        cmocka_unit_test(wrong_configuration_is_78_and_all_of_it_is_told),
        cmocka_unit_test(checking_and_printing_end_with_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
