#include "examples.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "detector/command_client.h"

/*
 * A server thread on a real socket. It listens on `listener`, accepts connections one after another
 * and lets `serve` deal with each until `connections` were served.
 */
struct server {
    int listener;
    uint16_t port;
    int connections;
    void (*serve)(int fd);
    pthread_t thread;
};

static void *server_main(void *data)
{
    const struct server *const server = data;
    for (int i = 0; i < server->connections; i++) {
        const int fd = accept(server->listener, NULL, NULL);
        if (fd < 0)
            break;
        server->serve(fd);
        close(fd);
    }
    return NULL;
}

/* Takes a free port and listens on it only when `listening`. */
static void server_open(struct server *server, bool listening)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    if (listening)
        assert_int_equal(listen(server->listener, 4), 0);
}

static void server_start(struct server *server, void (*serve)(int fd), int connections)
{
    server->serve = serve;
    server->connections = connections;
    assert_int_equal(pthread_create(&server->thread, NULL, server_main, server), 0);
}

static void server_stop(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

/* ---- the server's words ---- */

/* Reads one command. Returns its body's size, 0 at the end of the link. */
static size_t read_command(int fd, char *body, size_t room)
{
    char prefix[16] = "";
    if (recv(fd, prefix, 15, MSG_WAITALL) != 15)
        return 0;
    const size_t size = strtoul(prefix + 4, NULL, 10) - 1;
    example_require(size < room);
    example_require(recv(fd, body, size, MSG_WAITALL) == (ssize_t)size);
    body[size] = '\0';
    return size;
}

#define REPLY_ROOM 512

/* `text` has REPLY_ROOM bytes. */
static size_t format_reply(char *text, const char *body)
{
    const int size = snprintf(text, REPLY_ROOM, "MPX,%010zu,%s", strlen(body) + 1, body);
    example_require(size > 0 && size < REPLY_ROOM);
    return (size_t)size;
}

static void send_reply(int fd, const char *body)
{
    char text[REPLY_ROOM];
    const size_t size = format_reply(text, body);
    example_require(send(fd, text, size, MSG_NOSIGNAL) == (ssize_t)size);
}

/* Answers every GET with its own name in lower case as the value, everything else with 0. */
static void serve_faithfully(int fd)
{
    char body[1200];
    while (read_command(fd, body, sizeof body) > 0) {
        char answer[200];
        if (strncmp(body, "GET,", 4) == 0)
            snprintf(answer, sizeof answer, "%.100s,value of %.60s,0", body, body + 4);
        else
            snprintf(answer, sizeof answer, "%.*s,0", 4 + (int)strcspn(body + 4, ","), body);
        send_reply(fd, answer);
    }
}

/* Sends the answers to three commands: two stale ones and the first right one in a packet, the next
 * bytewise, then NULs before the last. */
static void serve_oddly(int fd)
{
    char body[200], text[4 * REPLY_ROOM];
    read_command(fd, body, sizeof body);
    size_t n = format_reply(text, "GET,HVBIAS,90,0");
    n += format_reply(text + n, "SET,GAIN,0");
    memcpy(text + n, "\r\n", 2);
    n += 2;
    n += format_reply(text + n, "GET,GAIN,2,0");
    send(fd, text, n, MSG_NOSIGNAL);
    read_command(fd, body, sizeof body);
    n = format_reply(text, "SET,GAIN,3");
    for (size_t i = 0; i < n; i++) {
        send(fd, text + i, 1, MSG_NOSIGNAL);
        usleep(500);
    }
    read_command(fd, body, sizeof body);
    send(fd, "\0\0stray", 7, MSG_NOSIGNAL);
    send_reply(fd, "CMD,SOFTTRIGGER,1");
    read_command(fd, body, sizeof body);
}

/* Keeps the first command without an answer until the second comes, as a server does that was busy
 * for long. */
static void serve_late(int fd)
{
    char body[200];
    read_command(fd, body, sizeof body);
    read_command(fd, body, sizeof body);
    send_reply(fd, "GET,FIRST,late,0");
    send_reply(fd, "GET,SECOND,2,0");
    read_command(fd, body, sizeof body);
}

static void serve_and_hang_up(int fd)
{
    char body[200];
    read_command(fd, body, sizeof body);
}

static void serve_badly(int fd)
{
    char body[200];
    read_command(fd, body, sizeof body);
    send_reply(fd, "GET,GAIN,2,none");
    read_command(fd, body, sizeof body);
}

/* ---- the client's side ---- */

struct answer {
    int status, code;
    char name[64], value[200];
};

struct session {
    uv_loop_t loop;
    struct command_client *client;
    struct answer answers[1100];
    unsigned n_answers, wanted_answers;
    unsigned n_up, n_down, wanted_up, wanted_down;
    struct error last_error;
    bool in_send;
};

static void stop_when_satisfied(struct session *session)
{
    if (session->n_answers >= session->wanted_answers && session->n_up >= session->wanted_up &&
        session->n_down >= session->wanted_down)
        uv_stop(&session->loop);
}

static void on_answer(void *data, const struct command_reply *reply)
{
    struct session *const session = data;
    struct answer *const answer = &session->answers[session->n_answers++];
    assert_false(session->in_send);
    answer->status = reply->status;
    answer->code = reply->code;
    snprintf(answer->name, sizeof answer->name, "%s", reply->name);
    snprintf(answer->value, sizeof answer->value, "%s", reply->value);
    stop_when_satisfied(session);
}

static void on_link(void *data, bool connected, const struct error *error)
{
    struct session *const session = data;
    if (connected) {
        session->n_up++;
        assert_null(error);
    } else {
        session->n_down++;
        session->last_error = *error;
    }
    stop_when_satisfied(session);
}

static struct session *session_open(uint16_t port)
{
    struct session *const session = calloc(1, sizeof *session);
    assert_int_equal(uv_loop_init(&session->loop), 0);
    assert_int_equal(command_client_create(&session->client, &session->loop, "127.0.0.1", port,
                                           on_link, session),
                     0);
    return session;
}

static void session_close(struct session *session)
{
    session->wanted_answers = UINT32_MAX; /* nothing ends the loop but its last handle */
    command_client_destroy(session->client);
    uv_run(&session->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&session->loop), 0);
    free(session);
}

static void run_until(struct session *session, unsigned answers, unsigned up, unsigned down)
{
    session->wanted_answers = answers;
    session->wanted_up = up;
    session->wanted_down = down;
    if (session->n_answers < answers || session->n_up < up || session->n_down < down)
        uv_run(&session->loop, UV_RUN_DEFAULT);
}

static void on_time_is_up(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void run_for(struct session *session, uint64_t ms)
{
    uv_timer_t timer;
    uv_timer_init(&session->loop, &timer);
    uv_timer_start(&timer, on_time_is_up, ms, 0);
    session->wanted_answers = UINT32_MAX;
    uv_run(&session->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&session->loop, UV_RUN_NOWAIT);
}

static int send_command(struct session *session, enum command_type type, const char *name,
                        const char *value)
{
    session->in_send = true;
    const int result = command_client_send(session->client, type, name, value, on_answer, session);
    session->in_send = false;
    return result;
}

static void expect_answer(const struct session *session, unsigned i, const char *name, int status,
                          int code, const char *value)
{
    assert_string_equal(session->answers[i].name, name);
    assert_int_equal(session->answers[i].status, status);
    assert_int_equal(session->answers[i].code, code);
    assert_string_equal(session->answers[i].value, value);
}

/* ---- tests ---- */

static void answers_come_in_the_order_of_the_commands(void **state)
{
    struct server server;
    server_open(&server, true);
    server_start(&server, serve_faithfully, 1);
    struct session *const session = session_open(server.port);
    run_until(session, 0, 1, 0);
    assert_true(command_client_connected(session->client));
    send_command(session, COMMAND_GET, "SOFTWAREVERSION", NULL);
    send_command(session, COMMAND_SET, "FILENAME", "a, b, c");
    send_command(session, COMMAND_CMD, "STARTACQUISITION", NULL);
    run_until(session, 3, 0, 0);
    expect_answer(session, 0, "SOFTWAREVERSION", 0, 0, "value of SOFTWAREVERSION");
    expect_answer(session, 1, "FILENAME", 0, 0, "");
    expect_answer(session, 2, "STARTACQUISITION", 0, 0, "");
    session_close(session);
    server_stop(&server);
}

static void stale_split_and_padded_replies_are_sorted_out(void **state)
{
    struct server server;
    server_open(&server, true);
    server_start(&server, serve_oddly, 1);
    struct session *const session = session_open(server.port);
    run_until(session, 0, 1, 0);
    send_command(session, COMMAND_GET, "GAIN", NULL);
    send_command(session, COMMAND_SET, "GAIN", "7");
    send_command(session, COMMAND_CMD, "SoftTrigger", NULL);
    run_until(session, 3, 0, 0);
    expect_answer(session, 0, "GAIN", 0, 0, "2");
    expect_answer(session, 1, "GAIN", 0, COMMAND_CODE_OUT_OF_RANGE, "");
    expect_answer(session, 2, "SoftTrigger", 0, COMMAND_CODE_BUSY, "");
    assert_int_equal(command_client_dropped_replies(session->client), 2);
    session_close(session);
    server_stop(&server);
}

static void a_late_reply_is_not_taken_for_the_next_commands(void **state)
{
    struct server server;
    server_open(&server, true);
    server_start(&server, serve_late, 1);
    struct session *const session = session_open(server.port);
    run_until(session, 0, 1, 0);
    send_command(session, COMMAND_GET, "FIRST", NULL);
    send_command(session, COMMAND_GET, "SECOND", NULL);
    run_until(session, 2, 0, 0);
    expect_answer(session, 0, "FIRST", -ETIMEDOUT, 0, "");
    expect_answer(session, 1, "SECOND", 0, 0, "2");
    assert_int_equal(command_client_dropped_replies(session->client), 1);
    session_close(session);
    server_stop(&server);
}

/* Longer than the time-out of a reply: the loop has something else to do. */
static void be_busy(void)
{
    usleep(2100 * 1000);
}

static void a_loop_that_was_busy_takes_replies_for_what_they_are(void **state)
{
    struct server server;
    server_open(&server, true);
    server_start(&server, serve_faithfully, 1);
    struct session *const session = session_open(server.port);
    run_until(session, 0, 1, 0);
    send_command(session, COMMAND_GET, "BEFORE", NULL);
    be_busy();
    run_until(session, 1, 0, 0);
    expect_answer(session, 0, "BEFORE", 0, 0, "value of BEFORE");
    be_busy();
    send_command(session, COMMAND_GET, "AFTER", NULL);
    run_until(session, 2, 0, 0);
    expect_answer(session, 1, "AFTER", 0, 0, "value of AFTER");
    session_close(session);
    server_stop(&server);
}

static void a_reply_without_a_code_is_a_bad_message(void **state)
{
    struct server server;
    server_open(&server, true);
    server_start(&server, serve_badly, 1);
    struct session *const session = session_open(server.port);
    run_until(session, 0, 1, 0);
    send_command(session, COMMAND_GET, "GAIN", NULL);
    run_until(session, 1, 0, 0);
    expect_answer(session, 0, "GAIN", -EBADMSG, 0, "");
    session_close(session);
    server_stop(&server);
}

static void a_refused_connection_is_reported_once_and_tried_again(void **state)
{
    struct server server;
    server_open(&server, false);
    struct session *const session = session_open(server.port);
    run_until(session, 0, 0, 1);
    assert_int_equal(session->last_error.code, -ECONNREFUSED);
    assert_false(command_client_connected(session->client));
    send_command(session, COMMAND_GET, "GAIN", NULL);
    run_until(session, 1, 0, 0);
    expect_answer(session, 0, "GAIN", -ENOTCONN, 0, "");
    run_for(session, 900); /* two more refusals */
    assert_int_equal(listen(server.listener, 4), 0);
    server_start(&server, serve_faithfully, 1);
    run_until(session, 1, 1, 1);
    assert_int_equal(session->n_down, 1);
    send_command(session, COMMAND_GET, "GAIN", NULL);
    run_until(session, 2, 0, 0);
    expect_answer(session, 1, "GAIN", 0, 0, "value of GAIN");
    session_close(session);
    server_stop(&server);
}

static void a_drop_fails_what_was_asked_and_the_link_comes_back(void **state)
{
    struct server server;
    server_open(&server, true);
    server_start(&server, serve_and_hang_up, 2);
    struct session *const session = session_open(server.port);
    run_until(session, 0, 1, 0);
    send_command(session, COMMAND_GET, "GAIN", NULL);
    send_command(session, COMMAND_GET, "HVBIAS", NULL);
    run_until(session, 2, 1, 1);
    expect_answer(session, 0, "GAIN", -ENOTCONN, 0, "");
    expect_answer(session, 1, "HVBIAS", -ENOTCONN, 0, "");
    assert_int_equal(session->last_error.code, -ECONNRESET);
    run_until(session, 2, 2, 1);
    assert_true(command_client_connected(session->client));
    session_close(session);
    server_stop(&server);
}

static void destruction_cancels_what_waits(void **state)
{
    struct server server;
    server_open(&server, true);
    server_start(&server, serve_and_hang_up, 1);
    struct session *const session = session_open(server.port);
    run_until(session, 0, 1, 0);
    send_command(session, COMMAND_GET, "GAIN", NULL);
    send_command(session, COMMAND_GET, "HVBIAS", NULL);
    session->wanted_answers = UINT32_MAX;
    command_client_destroy(session->client);
    assert_int_equal(session->n_answers, 2);
    expect_answer(session, 0, "GAIN", -ECANCELED, 0, "");
    expect_answer(session, 1, "HVBIAS", -ECANCELED, 0, "");
    session->client = NULL;
    session_close(session);
    server_stop(&server);
}

static void names_and_values_that_would_break_the_line_are_refused(void **state)
{
    struct session *const session = session_open(1);
    char value[1002];
    memset(value, 'x', sizeof value);
    value[1001] = '\0';
    assert_int_equal(send_command(session, COMMAND_SET, "FILENAME", value), -EINVAL);
    value[1000] = '\0';
    assert_int_equal(send_command(session, COMMAND_SET, "FILENAME", value), 0);
    assert_int_equal(send_command(session, COMMAND_SET, "FILENAME", "a\nb"), -EINVAL);
    assert_int_equal(send_command(session, COMMAND_SET, "FILENAME", "a\x7f"), -EINVAL);
    assert_int_equal(send_command(session, COMMAND_SET, "FILENAME", NULL), -EINVAL);
    assert_int_equal(send_command(session, COMMAND_SET, "FILE,NAME", "a"), -EINVAL);
    assert_int_equal(send_command(session, COMMAND_GET, "", NULL), -EINVAL);
    session_close(session);
}

static void the_queue_is_bounded(void **state)
{
    struct session *const session = session_open(1);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(send_command(session, COMMAND_GET, "GAIN", NULL), 0);
    assert_int_equal(send_command(session, COMMAND_GET, "GAIN", NULL), -ENOBUFS);
    session_close(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_in_the_order_of_the_commands),
        cmocka_unit_test(stale_split_and_padded_replies_are_sorted_out),
        cmocka_unit_test(a_late_reply_is_not_taken_for_the_next_commands),
        cmocka_unit_test(a_loop_that_was_busy_takes_replies_for_what_they_are),
        cmocka_unit_test(a_reply_without_a_code_is_a_bad_message),
        cmocka_unit_test(a_refused_connection_is_reported_once_and_tried_again),
        cmocka_unit_test(a_drop_fails_what_was_asked_and_the_link_comes_back),
        cmocka_unit_test(destruction_cancels_what_waits),
        cmocka_unit_test(names_and_values_that_would_break_the_line_are_refused),
        cmocka_unit_test(the_queue_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
