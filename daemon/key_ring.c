#include "daemon/key_ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/clock.h"
#include "common/key_file.h"
#include "common/log.h"
#include "common/message_id.h"
#include "daemon/config/config.h"
#include "daemon/zmq_poll.h"

#define ZAP_DOMAIN "merlind"
#define RAW_KEY_SIZE 32

struct key_ring {
    void *socket;
    struct zmq_poll poll;
    const struct config *config;
    struct key_pair pair;
    uint64_t told_ns; /* monotonic: when a refusal was last logged */
};

/* One question: version, request id, domain, address, identity, mechanism, credentials. */
enum zap_frame { ZAP_VERSION, ZAP_ID, ZAP_DOMAIN_NAME, ZAP_ADDRESS, ZAP_IDENTITY, ZAP_MECHANISM };
enum { ZAP_KEY = ZAP_MECHANISM + 1, ZAP_FRAMES };

struct zap_question {
    int n;
    zmq_msg_t frames[ZAP_FRAMES]; /* the first n are initialised */
};

static void receive(struct zap_question *question, void *socket)
{
    bool more = true;
    question->n = 0;
    while (more) {
        zmq_msg_t spare;
        const bool wanted = question->n < ZAP_FRAMES;
        zmq_msg_t *const frame = wanted ? &question->frames[question->n] : &spare;
        zmq_msg_init(frame);
        more = zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(frame);
        if (wanted)
            question->n++;
        else
            zmq_msg_close(frame);
    }
}

static bool is_text(zmq_msg_t *frame, const char *text)
{
    return zmq_msg_size(frame) == strlen(text) &&
           memcmp(zmq_msg_data(frame), text, strlen(text)) == 0;
}

/* ROLE/NAME of the key; "": it is not in the list. */
static void find_user(const struct key_ring *ring, zmq_msg_t *key, char user[96])
{
    char text[KEY_TEXT_SIZE];
    struct key_clients clients;
    struct error error = {0};
    *user = '\0';
    if (zmq_msg_size(key) != RAW_KEY_SIZE || !zmq_z85_encode(text, zmq_msg_data(key), RAW_KEY_SIZE))
        return;
    if (key_clients_read(&clients, ring->config->security_clients, &error) < 0) {
        log_error("security", "%s: nobody is let in", error.text);
        return;
    }
    const struct key_client *const client = key_clients_find(&clients, text);
    if (client)
        snprintf(user, 96, "%s/%s", client_role_name(client->role), client->name);
    key_clients_finish(&clients);
}

/* At most one a second: whoever tries may try often. */
static void tell(struct key_ring *ring, struct zap_question *question, const char *user)
{
    zmq_msg_t *const address = &question->frames[ZAP_ADDRESS];
    const uint64_t now = clock_monotonic_ns();
    const int size = (int)zmq_msg_size(address);
    const char *const text = zmq_msg_data(address);
    if (*user) {
        log_info("security", "%.*s is let in as %s", size, text, user);
    } else if (now - ring->told_ns >= NS_PER_S) {
        ring->told_ns = now;
        log_write(LOG_ABOUT(WARNING, .message_id = MESSAGE_TURNED_AWAY), "security",
                  "%.*s is turned away: its key is not in %s", size, text,
                  ring->config->security_clients);
    }
}

static void answer(struct key_ring *ring, struct zap_question *question, const char *user)
{
    const char *const status = *user ? "200" : "400";
    const char *const text = *user ? "OK" : "this key is not among security.clients";
    zmq_send(ring->socket, "1.0", 3, ZMQ_SNDMORE);
    zmq_msg_send(&question->frames[ZAP_ID], ring->socket, ZMQ_SNDMORE);
    zmq_send(ring->socket, status, 3, ZMQ_SNDMORE);
    zmq_send(ring->socket, text, strlen(text), ZMQ_SNDMORE);
    zmq_send(ring->socket, user, strlen(user), ZMQ_SNDMORE);
    zmq_send(ring->socket, "", 0, 0);
}

static void on_question(void *data)
{
    struct key_ring *const ring = data;
    struct zap_question question;
    char user[96] = "";
    receive(&question, ring->socket);
    if (question.n > ZAP_ID) {
        if (question.n == ZAP_FRAMES && is_text(&question.frames[ZAP_MECHANISM], "CURVE"))
            find_user(ring, &question.frames[ZAP_KEY], user);
        if (question.n > ZAP_ADDRESS)
            tell(ring, &question, user);
        answer(ring, &question, user);
    }
    for (int i = 0; i < question.n; i++)
        zmq_msg_close(&question.frames[i]);
}

static int check_files(struct key_ring *ring, struct error *error)
{
    struct key_clients clients = {0};
    int r = key_pair_read(&ring->pair, ring->config->security_server_key, error);
    if (r == 0)
        r = key_clients_read(&clients, ring->config->security_clients, error);
    if (r < 0) {
        error_prefix(error, "security");
        return r;
    }
    log_notice("security", "%zu keys are let in; the public key of this merlind is %s", clients.n,
               ring->pair.public_key);
    key_clients_finish(&clients);
    return 0;
}

int key_ring_create(struct key_ring **out, uv_loop_t *loop, void *zmq_context,
                    const struct config *config, struct error *error)
{
    *out = NULL;
    if (!*config->security_server_key)
        return 0;
    struct key_ring *const ring = calloc(1, sizeof *ring);
    if (!ring)
        return error_set(error, -ENOMEM, "no memory");
    ring->config = config;
    int r = check_files(ring, error);
    if (r < 0)
        goto fail;
    ring->socket = zmq_socket(zmq_context, ZMQ_REP);
    if (!ring->socket || zmq_bind(ring->socket, "inproc://zeromq.zap.01") != 0) {
        r = error_set(error, -errno, "security: nobody can be asked for keys: %s",
                      zmq_strerror(errno));
        goto fail;
    }
    r = zmq_poll_init(&ring->poll, loop, ring->socket, on_question, ring);
    if (r < 0) {
        error_set(error, r, "security: cannot watch the socket for keys");
        goto fail;
    }
    *out = ring;
    return 0;

fail:
    if (ring->socket)
        zmq_close(ring->socket);
    free(ring);
    return r;
}

static void on_poll_closed(void *data)
{
    struct key_ring *const ring = data;
    zmq_close(ring->socket);
    free(ring);
}

void key_ring_destroy(struct key_ring *ring)
{
    if (ring)
        zmq_poll_close(&ring->poll, on_poll_closed);
}

void key_ring_protect(const struct key_ring *ring, void *socket)
{
    const int is_server = 1;
    if (!ring)
        return;
    zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN));
    zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &is_server, sizeof is_server);
    zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, ring->pair.secret_key, KEY_TEXT_SIZE);
}
