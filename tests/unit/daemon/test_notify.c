#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/notify.h"

/* systemd's end: a datagram socket at `name`, which NOTIFY_SOCKET points to. */
struct listener {
    int fd;
    struct sockaddr_un address;
};

static void listen_at(struct listener *listener, const char *name)
{
    const size_t length = strlen(name);
    listener->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(listener->fd >= 0);
    listener->address = (struct sockaddr_un){.sun_family = AF_UNIX};
    assert_true(length < sizeof listener->address.sun_path);
    memcpy(listener->address.sun_path, name, length);
    if (name[0] == '@')
        listener->address.sun_path[0] = 0;
    assert_int_equal(bind(listener->fd, (struct sockaddr *)&listener->address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
}

static void listen_anywhere(struct listener *listener)
{
    char name[64];
    snprintf(name, sizeof name, "@merlind-test-notify-%d", (int)getpid());
    listen_at(listener, name);
}

static void assert_told(const struct listener *listener, const char *expected)
{
    char message[2000];
    const ssize_t size = recv(listener->fd, message, sizeof message - 1, 0);
    assert_true(size >= 0);
    message[size] = 0;
    assert_string_equal(message, expected);
}

static int forget(void **unused)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return 0;
}

static void each_event_is_one_datagram_in_systemds_words(void **unused)
{
    struct listener listener;
    listen_anywhere(&listener);
    assert_int_equal(notify_ready("waiting for the detector"), 0);
    assert_told(&listener, "READY=1\nSTATUS=waiting for the detector");
    assert_int_equal(notify_ready(NULL), 0);
    assert_told(&listener, "READY=1");
    assert_int_equal(notify_status("run %d: %.0f frames/s", 42, 18234.0), 0);
    assert_told(&listener, "STATUS=run 42: 18234 frames/s");
    assert_int_equal(notify_stopping(), 0);
    assert_told(&listener, "STOPPING=1");
    assert_int_equal(notify_watchdog(), 0);
    assert_told(&listener, "WATCHDOG=1");
    assert_int_equal(notify_extend_timeout(5000), 0);
    assert_told(&listener, "EXTEND_TIMEOUT_USEC=5000000000");
    close(listener.fd);
}

static void a_reload_tells_its_time(void **unused)
{
    struct listener listener;
    char message[200] = "";
    unsigned long long us = 0;
    listen_anywhere(&listener);
    assert_int_equal(notify_reloading(), 0);
    assert_true(recv(listener.fd, message, sizeof message - 1, 0) > 0);
    assert_int_equal(sscanf(message, "RELOADING=1\nMONOTONIC_USEC=%llu", &us), 1);
    assert_true(us > 0);
    close(listener.fd);
}

static void a_socket_with_a_path_works_too(void **unused)
{
    struct listener listener;
    char directory[] = "/tmp/merlind-test-notify-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/socket", directory);
    listen_at(&listener, path);
    assert_int_equal(notify_stopping(), 0);
    assert_told(&listener, "STOPPING=1");
    close(listener.fd);
    unlink(path);
    rmdir(directory);
}

static void without_systemd_nothing_happens(void **unused)
{
    assert_int_equal(notify_ready("x"), 0);
    assert_int_equal(notify_status("%s", "x"), 0);
    assert_int_equal(notify_stopping(), 0);
    assert_int_equal(notify_watchdog_interval_us(), 0);
}

static void a_status_cannot_smuggle_in_another_assignment(void **unused)
{
    struct listener listener;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    listen_anywhere(&listener);
    assert_int_equal(notify_status("%s", "fine\nSTOPPING=1"), 0);
    assert_told(&listener, "STATUS=fine");
    assert_int_equal(notify_ready("fine\nSTOPPING=1"), 0);
    assert_told(&listener, "READY=1\nSTATUS=fine");
    assert_int_equal(notify_status("%s", text), 0);
    assert_int_equal(recv(listener.fd, text, sizeof text, 0), strlen("STATUS=") + 499);
    close(listener.fd);
}

static void a_socket_that_takes_nothing_does_not_block(void **unused)
{
    struct listener listener;
    int result = 0;
    listen_anywhere(&listener);
    for (int i = 0; i < 100000 && result == 0; i++)
        result = notify_watchdog();
    assert_int_equal(result, -EAGAIN);
    close(listener.fd);
}

static void bad_addresses_are_errors(void **unused)
{
    char name[300];
    memset(name, 'x', sizeof name - 1);
    name[0] = '@';
    name[sizeof name - 1] = 0;
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(notify_stopping(), -E2BIG);
    setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
    assert_int_equal(notify_stopping(), -EAFNOSUPPORT);
    setenv("NOTIFY_SOCKET", "@", 1);
    assert_int_equal(notify_stopping(), -EAFNOSUPPORT);
    setenv("NOTIFY_SOCKET", "/nobody/is/here", 1);
    assert_int_equal(notify_stopping(), -ENOENT);
}

static void the_watchdog_is_ours_only_when_it_names_us(void **unused)
{
    char pid[32];
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(notify_watchdog_interval_us(), 30000000);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(notify_watchdog_interval_us(), 30000000);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(notify_watchdog_interval_us(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_event_is_one_datagram_in_systemds_words, forget),
        cmocka_unit_test_setup(a_reload_tells_its_time, forget),
        cmocka_unit_test_setup(a_socket_with_a_path_works_too, forget),
        cmocka_unit_test_setup(without_systemd_nothing_happens, forget),
        cmocka_unit_test_setup(a_status_cannot_smuggle_in_another_assignment, forget),
        cmocka_unit_test_setup(a_socket_that_takes_nothing_does_not_block, forget),
        cmocka_unit_test_setup(bad_addresses_are_errors, forget),
        cmocka_unit_test_setup(the_watchdog_is_ours_only_when_it_names_us, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
