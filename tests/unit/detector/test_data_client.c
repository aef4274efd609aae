#include "examples.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <unistd.h>

#include "detector/data_client.h"

#define MIB (1024 * 1024)

/* The byte at a place of the stream; period 2^32, so that no piece can be taken for another. */
static uint8_t byte_at(uint64_t at)
{
    const uint32_t word = (uint32_t)(at >> 2) * UINT32_C(2654435761);
    return (uint8_t)(word >> (8 * (at & 3)));
}

/* ---- the server: a thread on a real socket ---- */

struct server {
    int listener;
    uint16_t port;
    int connections;
    void (*serve)(int fd);
    pthread_t thread;
};

/* Lets a server wait until the test has seen what it wanted to see. */
static sem_t go_on;

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

static void server_start(struct server *server, void (*serve)(int fd), int connections)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    sem_init(&go_on, 0, 0);
    server->serve = serve;
    server->connections = connections;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(listen(server->listener, 4), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, server_main, server), 0);
}

static void server_stop(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    sem_destroy(&go_on);
}

/* Sends the stream's bytes [from, to). */
static void send_stream(int fd, uint64_t from, uint64_t to)
{
    static uint8_t piece[MIB];
    while (from < to) {
        const size_t n = to - from < sizeof piece ? (size_t)(to - from) : sizeof piece;
        for (size_t i = 0; i < n; i++)
            piece[i] = byte_at(from + i);
        size_t sent = 0;
        while (sent < n) {
            const ssize_t result = send(fd, piece + sent, n - sent, MSG_NOSIGNAL);
            if (result < 0)
                return;
            sent += (size_t)result;
        }
        from += n;
    }
}

#define LONG_STREAM (UINT64_C(200) * MIB + 12345)

/* Pieces from 1 byte to 4 MiB, now and then with a pause, so that the client changes between load
 * and quiet. */
static void serve_long_stream(int fd)
{
    uint32_t random = 77;
    uint64_t at = 0;
    while (at < LONG_STREAM) {
        const uint32_t choice = example_random(&random);
        uint64_t n = choice % 4 ? choice % (4 * MIB) : 1 + choice % 3000;
        if (n > LONG_STREAM - at)
            n = LONG_STREAM - at;
        send_stream(fd, at, at + n);
        at += n;
        if (choice % 16 == 0)
            usleep(choice % 8192);
    }
    sem_wait(&go_on);
}

/* 64 MiB at full speed, then a little that lies below the mark of SO_RCVLOWAT, and no end of the
 * link. */
static void serve_tail_after_load(int fd)
{
    send_stream(fd, 0, 64 * MIB);
    usleep(200);
    send_stream(fd, 64 * MIB, 64 * MIB + 100);
    sem_wait(&go_on);
}

static void serve_a_little_and_close(int fd)
{
    send_stream(fd, 0, 1000);
}

/* The link ends as when the other machine lost its power and came back. */
static void serve_a_little_and_reset(int fd)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    send_stream(fd, 0, 1000);
    sem_wait(&go_on);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* A client that forgets its socket would keep this waiting for ever. */
static void serve_nothing_until_closed(int fd)
{
    char byte;
    while (recv(fd, &byte, 1, 0) > 0) {
    }
}

/* ---- the sink ---- */

struct session {
    uv_loop_t loop;
    uv_timer_t resume;
    struct data_client *client;
    uint8_t *memory;
    size_t room;           /* lent at a time */
    uint64_t received;     /* bytes on this link */
    uint64_t stop_at;      /* ends the loop when so many were received, 0: never */
    unsigned refuse_every; /* every so many reserves there is no room; 0: never */
    unsigned reserves, refusals;
    unsigned n_up, n_down, n_quiet;
    unsigned stop_at_up, stop_at_down, stop_at_quiet;
    bool paused, wrong_byte, quiet_while_paused, reserved_while_paused;
    uint64_t first_quiet_ns, last_quiet_ns;
    struct error last_error;
};

static void on_resume(uv_timer_t *timer)
{
    struct session *const session = timer->data;
    session->paused = false;
    data_client_resume(session->client);
}

static bool on_reserve(void *data, uint8_t **bytes, size_t *size)
{
    struct session *const session = data;
    session->reserves++;
    session->reserved_while_paused |= session->paused;
    if (session->refuse_every > 0 && session->reserves % session->refuse_every == 0) {
        session->refusals++;
        session->paused = true;
        uv_timer_start(&session->resume, on_resume, session->refusals % 7, 0);
        return false;
    }
    *bytes = session->memory;
    *size = 1 + (session->reserves * UINT32_C(7919)) % session->room;
    return true;
}

static void on_received(void *data, size_t size)
{
    struct session *const session = data;
    for (size_t i = 0; i < size; i++)
        session->wrong_byte |= session->memory[i] != byte_at(session->received + i);
    session->received += size;
    if (session->received == session->stop_at)
        uv_stop(&session->loop);
}

static void on_quiet(void *data, uint64_t quiet_ns)
{
    struct session *const session = data;
    if (session->n_quiet++ == 0)
        session->first_quiet_ns = quiet_ns;
    session->last_quiet_ns = quiet_ns;
    session->quiet_while_paused |= session->paused;
    if (session->n_quiet == session->stop_at_quiet)
        uv_stop(&session->loop);
}

static void on_link(void *data, bool connected, const struct error *error)
{
    struct session *const session = data;
    if (connected) {
        session->n_up++;
        session->received = 0;
        assert_null(error);
    } else {
        session->n_down++;
        session->last_error = *error;
    }
    if ((connected && session->n_up == session->stop_at_up) ||
        (!connected && session->n_down == session->stop_at_down))
        uv_stop(&session->loop);
}

static struct session *session_open(const char *host, uint16_t port, size_t room)
{
    struct session *const session = calloc(1, sizeof *session);
    const struct data_sink sink = {session, on_reserve, on_received, on_quiet, on_link};
    session->room = room;
    session->memory = malloc(room);
    assert_int_equal(uv_loop_init(&session->loop), 0);
    uv_timer_init(&session->loop, &session->resume);
    session->resume.data = session;
    assert_int_equal(data_client_create(&session->client, &session->loop, host, port, &sink), 0);
    return session;
}

static void session_close(struct session *session)
{
    data_client_destroy(session->client);
    uv_close((uv_handle_t *)&session->resume, NULL);
    uv_run(&session->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&session->loop), 0);
    free(session->memory);
    free(session);
}

/* ---- tests ---- */

static void every_byte_of_a_long_stream_arrives_in_order(void **state)
{
    struct server server;
    server_start(&server, serve_long_stream, 1);
    struct session *const session = session_open("127.0.0.1", server.port, 3 * MIB);
    session->stop_at = LONG_STREAM;
    session->refuse_every = 23;
    uv_run(&session->loop, UV_RUN_DEFAULT);
    assert_true(session->received == LONG_STREAM);
    assert_false(session->wrong_byte);
    assert_true(session->refusals > 3);
    assert_false(session->reserved_while_paused);
    assert_false(session->quiet_while_paused);
    sem_post(&go_on);
    session_close(session);
    server_stop(&server);
}

static void a_tail_below_the_mark_is_not_held_back(void **state)
{
    struct server server;
    server_start(&server, serve_tail_after_load, 1);
    struct session *const session = session_open("127.0.0.1", server.port, 8 * MIB);
    session->stop_at = 64 * MIB + 100; /* without the last bytes this would run for ever */
    uv_run(&session->loop, UV_RUN_DEFAULT);
    assert_false(session->wrong_byte);
    session->stop_at_quiet = session->n_quiet + 1;
    uv_run(&session->loop, UV_RUN_DEFAULT);
    sem_post(&go_on);
    session_close(session);
    server_stop(&server);
}

static void a_silent_link_is_told_again_and_again(void **state)
{
    struct server server;
    server_start(&server, serve_nothing_until_closed, 1);
    struct session *const session = session_open("127.0.0.1", server.port, MIB);
    session->stop_at_quiet = 4;
    uv_run(&session->loop, UV_RUN_DEFAULT);
    assert_int_equal(session->n_up, 1);
    assert_true(session->first_quiet_ns >= 2000000);
    assert_true(session->last_quiet_ns >= 2 * 40000000);
    session_close(session);
    server_stop(&server);
}

static void a_closed_link_is_made_again(void **state)
{
    struct server server;
    server_start(&server, serve_a_little_and_close, 2);
    struct session *const session = session_open("127.0.0.1", server.port, MIB);
    session->stop_at_down = 1;
    uv_run(&session->loop, UV_RUN_DEFAULT);
    assert_int_equal(session->received, 1000);
    assert_int_equal(session->last_error.code, -ECONNRESET);
    session->stop_at_down = 2;
    uv_run(&session->loop, UV_RUN_DEFAULT);
    assert_int_equal(session->n_up, 2);
    assert_int_equal(session->received, 1000);
    assert_false(session->wrong_byte);
    session_close(session);
    server_stop(&server);
}

static void a_reset_link_is_a_broken_link(void **state)
{
    struct server server;
    server_start(&server, serve_a_little_and_reset, 1);
    struct session *const session = session_open("127.0.0.1", server.port, MIB);
    session->stop_at = 1000;
    uv_run(&session->loop, UV_RUN_DEFAULT);
    session->stop_at_down = 1;
    sem_post(&go_on);
    uv_run(&session->loop, UV_RUN_DEFAULT);
    assert_int_equal(session->last_error.code, -ECONNRESET);
    assert_non_null(strstr(session->last_error.text, "broke"));
    session_close(session);
    server_stop(&server);
}

static void a_refusal_is_told_once(void **state)
{
    struct server server;
    server_start(&server, serve_nothing_until_closed, 0);
    pthread_join(server.thread, NULL);
    close(server.listener); /* now nobody listens there */
    struct session *const session = session_open("127.0.0.1", server.port, MIB);
    uv_timer_start(&session->resume, on_resume, 900, 0); /* long enough for two more refusals */
    while (session->n_down == 0 || uv_is_active((uv_handle_t *)&session->resume))
        uv_run(&session->loop, UV_RUN_ONCE);
    assert_int_equal(session->n_down, 1);
    assert_int_equal(session->last_error.code, -ECONNREFUSED);
    assert_non_null(strstr(session->last_error.text, "127.0.0.1:"));
    session_close(session);
    sem_destroy(&go_on);
}

static void every_address_of_a_name_is_tried(void **state)
{
    struct server server; /* serves IPv4 only, while the name often means IPv6 first */
    server_start(&server, serve_nothing_until_closed, 1);
    struct session *const session = session_open("localhost", server.port, MIB);
    session->stop_at_up = 1;
    uv_run(&session->loop, UV_RUN_DEFAULT);
    assert_int_equal(session->n_down, 0);
    session_close(session);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_of_a_long_stream_arrives_in_order),
        cmocka_unit_test(a_tail_below_the_mark_is_not_held_back),
        cmocka_unit_test(a_silent_link_is_told_again_and_again),
        cmocka_unit_test(a_closed_link_is_made_again),
        cmocka_unit_test(a_reset_link_is_a_broken_link),
        cmocka_unit_test(a_refusal_is_told_once),
        cmocka_unit_test(every_address_of_a_name_is_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
