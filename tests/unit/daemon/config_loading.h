#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/config.h"

/* How the tests of the configuration load one and look at what was said. */

/* A configuration and everything that was said while it was loaded. */
struct loaded {
    struct config config;
    char path[64];
    char *messages;
    int result;
};

static inline char *slurp(const char *path)
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
static inline void load(struct loaded *loaded, const char *text, size_t size, const char *option)
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

static inline void load_text(struct loaded *loaded, const char *text)
{
    load(loaded, text, strlen(text), NULL);
}

static inline void load_option(struct loaded *loaded, const char *option)
{
    load(loaded, NULL, 0, option);
}

static inline void finish(struct loaded *loaded)
{
    config_finish(&loaded->config);
    free(loaded->messages);
}

static inline void assert_loads(struct loaded *loaded)
{
    assert_string_equal(loaded->messages, "");
    assert_int_equal(loaded->result, 0);
}

/* The errors of `text` are those in `expected`, "LINE:COLUMN: error: BEGINNING" each, in this
 * order, and no more. */
static inline void assert_errors(const char *text, const char *const *expected)
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
