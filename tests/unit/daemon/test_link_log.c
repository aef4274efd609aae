#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "daemon/acquisition/link_log.h"

/* What the log says of a link that is held by another client, or by nobody for long. */

#define HALF_S (NS_PER_S / 2)

static FILE *said;
static int saved;

/* From here on stderr, where a log without its thread writes, is a file. */
static int listen_to_log(void **state)
{
    (void)state;
    said = tmpfile();
    saved = dup(STDERR_FILENO);
    return said && saved >= 0 && dup2(fileno(said), STDERR_FILENO) >= 0 ? 0 : -1;
}

static int stop_listening(void **state)
{
    (void)state;
    dup2(saved, STDERR_FILENO);
    close(saved);
    return fclose(said);
}

/* Lines with `words` in them so far. */
static unsigned count_lines(const char *words)
{
    char line[1024];
    unsigned n = 0;
    rewind(said);
    while (fgets(line, sizeof line, said))
        n += strstr(line, words) != NULL;
    fseek(said, 0, SEEK_END);
    return n;
}

static struct link_log make_log(void)
{
    return (struct link_log){.name = "data link", .host = "merlin", .port = 6342};
}

static struct error lose(struct link_log *log, uint64_t now)
{
    struct error error;
    error_set(&error, -ECONNRESET, "it broke");
    link_log_down(log, now, &error);
    return error;
}

static void a_link_that_is_closed_at_once_is_told_twice_and_not_all_day(void **state)
{
    (void)state;
    struct link_log log = make_log();
    uint64_t now = NS_PER_S;
    for (unsigned i = 0; i < 1000; i++, now += 2 * NS_PER_S) {
        if (i % 3 != 1) /* else it hung up before we knew that we were connected */
            link_log_up(&log, now);
        assert_non_null(strstr(lose(&log, now + 1).text, "another client"));
        assert_int_equal(link_log_is_quiet(&log), i > 1);
    }
    assert_int_equal(count_lines("is up"), 1);
    assert_int_equal(count_lines("warning detector: data link to merlin:6342 is down: it broke"),
                     2);
    assert_int_equal(count_lines("told again when a link lasts"), 1);

    link_log_up(&log, now);
    link_log_look(&log, now + HALF_S);
    assert_int_equal(count_lines("is up"), 1);
    link_log_look(&log, now + 2 * HALF_S);
    link_log_look(&log, now + 3 * HALF_S);
    assert_int_equal(count_lines("is up"), 2);
    assert_false(link_log_is_quiet(&log));
    assert_null(strstr(lose(&log, now + 4 * HALF_S).text, "another client"));
    assert_int_equal(count_lines("is down"), 3);
}

static void links_that_last_are_told_each_time(void **state)
{
    (void)state;
    struct link_log log = make_log();
    for (uint64_t now = NS_PER_S; now < 50 * NS_PER_S; now += 5 * NS_PER_S) {
        link_log_up(&log, now);
        link_log_look(&log, now + 2 * NS_PER_S);
        lose(&log, now + 3 * NS_PER_S);
    }
    assert_int_equal(count_lines("is up"), 10);
    assert_int_equal(count_lines("is down"), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_link_that_is_closed_at_once_is_told_twice_and_not_all_day,
                                        listen_to_log, stop_listening),
        cmocka_unit_test_setup_teardown(links_that_last_are_told_each_time, listen_to_log,
                                        stop_listening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
