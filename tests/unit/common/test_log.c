#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"

/* stderr of the test is a pipe: what the log writes can be read from `reader`. */
struct capture {
    int reader, saved;
};

static void capture_begin(struct capture *capture)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    capture->saved = dup(STDERR_FILENO);
    capture->reader = ends[0];
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
}

/* Reads to the end; the caller frees it. */
static void *read_all(void *data)
{
    const struct capture *const capture = data;
    char *text = NULL;
    size_t length = 0;
    for (;;) {
        text = realloc(text, length + 65537);
        assert_non_null(text);
        const ssize_t got = read(capture->reader, text + length, 65536);
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    text[length] = 0;
    return text;
}

static void capture_close(struct capture *capture)
{
    dup2(capture->saved, STDERR_FILENO);
    close(capture->saved);
}

/* Gives stderr back and returns everything that was written. */
static char *capture_end(struct capture *capture)
{
    capture_close(capture);
    char *const text = read_all(capture);
    close(capture->reader);
    return text;
}

enum { FLOOD = 5000 };

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

static int reset(void **unused)
{
    unsetenv("JOURNAL_STREAM");
    log_set_journal("/nowhere/socket");
    log_set_level(LOG_LEVEL_INFO);
    return 0;
}

static void a_line_has_time_level_component_and_text(void **unused)
{
    struct capture capture;
    capture_begin(&capture);
    assert_int_equal(log_init(LOG_LEVEL_INFO), 0);
    log_notice("ring", "%d frames", 7);
    log_finish();
    char *const text = capture_end(&capture);
    int year, ms;
    char level[16], component[16], rest[32];
    assert_int_equal(sscanf(text, "%d-%*d-%*dT%*d:%*d:%*d.%dZ %15s %15s %31[^\n]", &year, &ms,
                            level, component, rest),
                     5);
    assert_true(year >= 2026);
    assert_string_equal(level, "notice");
    assert_string_equal(component, "ring:");
    assert_string_equal(rest, "7 frames");
    assert_int_equal(text[strlen(text) - 1], '\n');
    free(text);
}

static void all_lines_arrive_in_order_with_and_without_the_thread(void **unused)
{
    struct capture capture;
    capture_begin(&capture);
    log_info("test", "line 1 of 4");
    assert_int_equal(log_init(LOG_LEVEL_INFO), 0);
    log_info("test", "line 2 of 4");
    log_info("test", "line 3 of 4");
    log_finish();
    log_info("test", "line 4 of 4");
    char *const text = capture_end(&capture);
    const char *at = text;
    for (int i = 1; i <= 4; i++) {
        char line[16];
        snprintf(line, sizeof line, "line %d of 4", i);
        at = strstr(at, line);
        assert_non_null(at);
    }
    free(text);
}

static void lines_above_the_level_are_left_out(void **unused)
{
    struct capture capture;
    capture_begin(&capture);
    assert_int_equal(log_init(LOG_LEVEL_WARNING), 0);
    log_info("test", "hidden");
    log_warning("test", "shown");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("test", "shown");
    log_finish();
    char *const text = capture_end(&capture);
    assert_int_equal(count(text, "hidden"), 0);
    assert_int_equal(count(text, "shown"), 2);
    free(text);
}

/* As systemd says it to a service whose stderr is the journal. */
static void say_that_stderr_is_the_journal(void)
{
    struct stat status;
    char stream[64];
    fstat(STDERR_FILENO, &status);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
}

static void a_journal_without_its_socket_gets_a_priority_instead_of_a_time(void **unused)
{
    struct capture capture;
    capture_begin(&capture);
    say_that_stderr_is_the_journal();
    log_set_level(LOG_LEVEL_DEBUG);
    log_error("test", "a");
    log_warning("test", "b");
    log_notice("test", "c");
    log_info("test", "d");
    log_debug("test", "e");
    char *const text = capture_end(&capture);
    assert_string_equal(text, "<3>test: a\n<4>test: b\n<5>test: c\n<6>test: d\n<7>test: e\n");
    free(text);
}

/* A socket as journald's, in a directory of its own. */
struct journal {
    char directory[32], path[64];
    int fd;
};

static void journal_begin(struct journal *journal)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(journal->directory, sizeof journal->directory, "/tmp/test-log-XXXXXX");
    assert_non_null(mkdtemp(journal->directory));
    snprintf(journal->path, sizeof journal->path, "%s/socket", journal->directory);
    memcpy(address.sun_path, journal->path, strlen(journal->path) + 1);
    journal->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(journal->fd >= 0);
    assert_int_equal(bind(journal->fd, (const struct sockaddr *)&address, sizeof address), 0);
    log_set_journal(journal->path);
}

static void journal_end(struct journal *journal)
{
    close(journal->fd);
    unlink(journal->path);
    rmdir(journal->directory);
}

static void the_journal_gets_fields(void **unused)
{
    struct capture capture;
    struct journal journal;
    char run[] = "0b5c9dbe-2a7c-4f0e-9d2b-5d1f6a3c7e80";
    char entry[4096] = "", second[4096] = "";
    journal_begin(&journal);
    capture_begin(&capture);
    say_that_stderr_is_the_journal();
    assert_int_equal(log_init(LOG_LEVEL_INFO), 0);
    log_write(LOG_ABOUT(WARNING, .message_id = "aeb48f4b29fb4989bc583358aa078d4d", .run = run,
                        .frame = 77, .lost = 3),
              "workers", "%s", "bad\nMESSAGE_ID=forged");
    memset(run, 'x', sizeof run - 1); /* it was copied */
    log_info("test", "plain");
    log_finish();
    char *const text = capture_end(&capture);
    assert_true(recv(journal.fd, entry, sizeof entry - 1, MSG_DONTWAIT) > 0);
    assert_true(recv(journal.fd, second, sizeof second - 1, MSG_DONTWAIT) > 0);
    assert_string_equal(text, "");
    assert_non_null(strstr(entry, "MESSAGE=workers: bad MESSAGE_ID=forged\nPRIORITY=4\n"));
    assert_non_null(strstr(entry, "\nMESSAGE_ID=aeb48f4b29fb4989bc583358aa078d4d\n"));
    assert_non_null(strstr(entry, "\nMERLIND_COMPONENT=workers\n"));
    assert_non_null(strstr(entry, "\nMERLIND_RUN=0b5c9dbe-2a7c-4f0e-9d2b-5d1f6a3c7e80\n"));
    assert_non_null(strstr(entry, "\nMERLIND_FRAME=77\nMERLIND_LOST=3\n"));
    assert_non_null(strstr(entry, "test_log.c\nCODE_LINE="));
    assert_int_equal(count(entry, "\nMESSAGE_ID="), 1);
    assert_int_equal(count(second, "MESSAGE_ID="), 0);
    assert_int_equal(count(second, "MERLIND_RUN="), 0);
    free(text);
    journal_end(&journal);
}

/* journald that was stopped, as SIGSTOP or a full disk does it. */
static void a_journal_that_never_reads_costs_lines_and_never_time(void **unused)
{
    struct capture capture;
    struct journal journal;
    journal_begin(&journal);
    capture_begin(&capture);
    say_that_stderr_is_the_journal();
    const uint64_t dropped_before = log_dropped();
    assert_int_equal(log_init(LOG_LEVEL_INFO), 0);
    for (int i = 0; i < FLOOD; i++)
        log_info("flood", "%0200d", i);
    log_finish();
    assert_true(log_dropped() - dropped_before > FLOOD / 2);
    free(capture_end(&capture));
    journal_end(&journal);
}

/* JOURNAL_STREAM is inherited: behind `2> file` it names a stream that stderr is not. */
static void a_redirected_stderr_is_not_the_journal(void **unused)
{
    struct capture capture;
    capture_begin(&capture);
    setenv("JOURNAL_STREAM", "1:1", 1);
    log_info("test", "a");
    char *const text = capture_end(&capture);
    assert_int_equal(count(text, "info test: a\n"), 1);
    assert_int_equal(text[0], '2');
    free(text);
}

static void a_message_cannot_forge_a_second_line(void **unused)
{
    struct capture capture;
    capture_begin(&capture);
    log_info("test", "%s", "bad\n<3>kernel: fire\r\x1b[2J\tend");
    char *const text = capture_end(&capture);
    assert_int_equal(count(text, "\n"), 1);
    assert_int_equal(count(text, "bad <3>kernel: fire??[2J end\n"), 1);
    free(text);
}

static void an_endless_message_is_cut(void **unused)
{
    struct capture capture;
    char *const message = malloc(100000);
    memset(message, 'a', 99999);
    message[99999] = 0;
    capture_begin(&capture);
    log_info(message, "%s", message);
    char *const text = capture_end(&capture);
    assert_true(strlen(text) < 1000);
    assert_int_equal(count(text, "\n"), 1);
    free(text);
    free(message);
}

static void errno_survives_a_line(void **unused)
{
    struct capture capture;
    capture_begin(&capture);
    errno = ENOSPC;
    log_info("test", "a");
    const int after = errno;
    free(capture_end(&capture));
    assert_int_equal(after, ENOSPC);
}

/* The loss may be told in several lines. */
static uint64_t count_lost(const char *text)
{
    uint64_t lost = 0;
    while ((text = strstr(text, "warning log: "))) {
        text += strlen("warning log: ");
        lost += strtoull(text, NULL, 10);
        assert_non_null(strstr(text, " log lines lost"));
    }
    return lost;
}

/* The pipe is full and nobody reads: the caller must get through, and the loss be told once
 * somebody reads. */
static void a_full_pipe_costs_lines_and_never_time(void **unused)
{
    struct capture capture;
    capture_begin(&capture);
    assert_int_equal(log_init(LOG_LEVEL_INFO), 0);
    const uint64_t dropped_before = log_dropped();
    for (int i = 0; i < FLOOD; i++)
        log_info("flood", "%0200d", i);
    const uint64_t dropped = log_dropped() - dropped_before;
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_all, &capture), 0);
    log_finish();
    capture_close(&capture);
    void *text;
    pthread_join(reader, &text);
    close(capture.reader);
    assert_true(dropped > FLOOD / 2 && dropped < FLOOD);
    assert_int_equal(count(text, "info flood"), FLOOD - dropped);
    assert_int_equal(count_lost(text), dropped);
    free(text);
}

static void a_reader_who_never_reads_cannot_hold_up_the_end(void **unused)
{
    struct capture capture;
    capture_begin(&capture);
    assert_int_equal(log_init(LOG_LEVEL_INFO), 0);
    for (int i = 0; i < FLOOD; i++)
        log_info("flood", "%0200d", i);
    log_finish();
    log_info("test", "after the end");
    free(capture_end(&capture));
    assert_true(log_dropped() > 0);
}

static void *write_some(void *data)
{
    for (int i = 0; i < 100; i++)
        log_info(data, "number");
    return NULL;
}

static void lines_of_many_threads_are_not_mixed(void **unused)
{
    struct capture capture;
    capture_begin(&capture);
    assert_int_equal(log_init(LOG_LEVEL_INFO), 0);
    pthread_t threads[3];
    char names[3][4] = {"t-a", "t-b", "t-c"};
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_some, names[i]), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    log_finish();
    char *const text = capture_end(&capture);
    assert_int_equal(count(text, "Z info t-a: number\n"), 100);
    assert_int_equal(count(text, "Z info t-b: number\n"), 100);
    assert_int_equal(count(text, "Z info t-c: number\n"), 100);
    free(text);
}

/* The thread sanitizer ends a process that starts threads after it forked with threads running. */
#if defined(__SANITIZE_THREAD__)
#    define THREADS_AFTER_FORK 0
#elif defined(__has_feature)
#    if __has_feature(thread_sanitizer)
#        define THREADS_AFTER_FORK 0
#    endif
#endif
#ifndef THREADS_AFTER_FORK
#    define THREADS_AFTER_FORK 1
#endif

static void a_forked_child_can_log_and_start_its_own_thread(void **unused)
{
    struct capture capture;
    capture_begin(&capture);
    assert_int_equal(log_init(LOG_LEVEL_INFO), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        log_info("child", "direct");
        log_finish(); /* there is no thread to wait for */
        const int result = THREADS_AFTER_FORK ? log_init(LOG_LEVEL_INFO) : 0;
        log_info("child", "queued");
        log_finish();
        _exit(result);
    }
    int status = -1;
    waitpid(child, &status, 0);
    log_info("parent", "still here");
    log_finish();
    char *const text = capture_end(&capture);
    assert_int_equal(status, 0);
    assert_int_equal(count(text, "child: direct"), 1);
    assert_int_equal(count(text, "child: queued"), 1);
    assert_int_equal(count(text, "parent: still here"), 1);
    free(text);
}

static void a_closed_stderr_does_not_kill(void **unused)
{
    struct capture capture;
    capture_begin(&capture);
    close(capture.reader);
    assert_int_equal(log_init(LOG_LEVEL_INFO), 0);
    log_info("test", "nobody is there");
    log_finish();
    capture_close(&capture);
}

static void level_names_are_read_and_written(void **unused)
{
    const char *const names[] = {"error", "warning", "notice", "info", "debug"};
    for (int i = 0; i < 5; i++) {
        enum log_level level = LOG_LEVEL_ERROR;
        assert_true(log_level_from_name(names[i], &level));
        assert_int_equal(level, i);
        assert_string_equal(log_level_name(level), names[i]);
    }
    enum log_level level = LOG_LEVEL_NOTICE;
    assert_false(log_level_from_name("loud", &level));
    assert_int_equal(level, LOG_LEVEL_NOTICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_line_has_time_level_component_and_text, reset),
        cmocka_unit_test_setup(all_lines_arrive_in_order_with_and_without_the_thread, reset),
        cmocka_unit_test_setup(lines_above_the_level_are_left_out, reset),
        cmocka_unit_test_setup(a_journal_without_its_socket_gets_a_priority_instead_of_a_time,
                               reset),
        cmocka_unit_test_setup(the_journal_gets_fields, reset),
        cmocka_unit_test_setup(a_redirected_stderr_is_not_the_journal, reset),
        cmocka_unit_test_setup(a_message_cannot_forge_a_second_line, reset),
        cmocka_unit_test_setup(an_endless_message_is_cut, reset),
        cmocka_unit_test_setup(errno_survives_a_line, reset),
        cmocka_unit_test_setup(a_full_pipe_costs_lines_and_never_time, reset),
        cmocka_unit_test_setup(lines_of_many_threads_are_not_mixed, reset),
        cmocka_unit_test_setup(a_forked_child_can_log_and_start_its_own_thread, reset),
        cmocka_unit_test_setup(a_closed_stderr_does_not_kill, reset),
        cmocka_unit_test_setup(level_names_are_read_and_written, reset),
        cmocka_unit_test_setup(a_reader_who_never_reads_cannot_hold_up_the_end, reset),
        cmocka_unit_test_setup(a_journal_that_never_reads_costs_lines_and_never_time, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
