#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/web/http.h"
#include "daemon/web/viewer.h"
#include "daemon/web/web_internal.h"

/*
 * libwebsockets on the web thread's loop. HTTP/1.1 only: over HTTP/2 this version of the library
 * writes before the start of large WebSocket messages.
 */

#define PROTOCOL "merlind.v1"
#define HEADER_SIZE 8192
#define HANDSHAKE_S 10
/* Beside viewers: pages being loaded, scrapers, and half-open ones that soon time out. */
#define OTHER_CONNECTIONS 64
#define RECEIVE_SIZE 65536

struct connection {
    struct viewer *viewer;
};

static struct web *web_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

/* A connection on which something was asked is marked, so that its end tells of the others. */
static void mark_asked(struct lws *wsi)
{
    lws_set_opaque_user_data(wsi, web_of(wsi));
}

static void end_connection(struct web *web, struct lws *wsi)
{
    web->counts.connections -= web->counts.connections > 0;
    if (!lws_get_opaque_user_data(wsi) && !web->stopping)
        refuse(&web->refusals, REFUSAL_HALF,
               "a connection ended that had said nothing, half a request or nonsense");
}

/* ---- HTTP ---- */

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t size)
{
    struct web *const web = web_of(wsi);
    switch (reason) {
    case LWS_CALLBACK_WSI_DESTROY:
        end_connection(web, wsi);
        return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        mark_asked(wsi);
        refuse(&web->refusals, REFUSAL_REQUEST,
               "a WebSocket without the subprotocol " PROTOCOL " was refused");
        return -1;
    case LWS_CALLBACK_HTTP:
        mark_asked(wsi);
        return http_answer(web, wsi, user);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return http_writable(web, wsi, user);
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        if (user)
            http_finish(user);
        return 0;
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return -1;
    default:
        (void)in;
        (void)size;
        return 0;
    }
}

/* ---- WebSocket ---- */

static int filter(struct web *web, struct lws *wsi)
{
    char path[16] = "";
    mark_asked(wsi);
    if (!http_is_welcome(web, wsi))
        return -1;
    if (lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) > 0 && strcmp(path, "/ws") == 0)
        return 0;
    refuse(&web->refusals, REFUSAL_REQUEST, "a WebSocket to another path than /ws was refused");
    return -1;
}

static int establish(struct web *web, struct lws *wsi, struct connection *connection)
{
    static const char full[] = "as many viewers as web.viewers allows are there";
    if (web->counts.viewers < web->config->web.viewers)
        connection->viewer = viewer_create(web, wsi);
    else
        refuse(&web->refusals, REFUSAL_FULL, "a viewer was refused: %s", full);
    if (connection->viewer)
        return 0;
    unsigned char text[sizeof full];
    memcpy(text, full, sizeof full);
    lws_close_reason(wsi, VIEWER_TRY_AGAIN_LATER, text, sizeof full - 1);
    return -1;
}

static int on_websocket(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t size)
{
    struct connection *const connection = user;
    struct viewer *const viewer = connection ? connection->viewer : NULL;
    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return filter(web_of(wsi), wsi);
    case LWS_CALLBACK_ESTABLISHED:
        return connection ? establish(web_of(wsi), wsi, connection) : -1;
    case LWS_CALLBACK_RECEIVE:
        return viewer ? viewer_receive(viewer, in, size) : -1;
    case LWS_CALLBACK_RECEIVE_PONG:
        if (viewer)
            viewer_heard(viewer);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return viewer ? viewer_writable(viewer) : 0;
    case LWS_CALLBACK_CLOSED:
        if (viewer)
            viewer_gone(viewer);
        if (connection)
            connection->viewer = NULL;
        return 0;
    default:
        return 0;
    }
}

/* The first is taken where the client names none. */
static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = on_http, .per_session_data_size = sizeof(struct http_response)},
    {.name = PROTOCOL,
     .callback = on_websocket,
     .per_session_data_size = sizeof(struct connection),
     .rx_buffer_size = RECEIVE_SIZE},
    {.name = NULL},
};

/* ---- connections ---- */

void web_server_adopt(void *data, int fd)
{
    struct web *const web = data;
    if (web->counts.connections >= web->config->web.viewers + OTHER_CONNECTIONS) {
        refuse(&web->refusals, REFUSAL_FULL, "a connection was refused: there are %llu already",
               (unsigned long long)web->counts.connections);
        close(fd);
        return;
    }
    web->counts.connections++; /* the library says when it is gone, also when it fails here */
    lws_adopt_socket_vhost(web->vhost, fd);
}

/* ---- the context ---- */

static void log_line(int level, const char *line)
{
    const int length = (int)strcspn(line, "\n");
    if (level == LLL_ERR)
        log_error("web", "%.*s", length, line);
    else
        log_debug("web", "%.*s", length, line);
}

static int check_readable(const char *key, const char *path, struct error *error)
{
    if (access(path, R_OK) == 0)
        return 0;
    return error_set(error, -errno, "%s %s cannot be read: %s", key, path, strerror(errno));
}

static int check_tls(const struct web_settings *settings, struct error *error)
{
    if (!*settings->tls_certificate)
        return 0;
    const int r = check_readable("web.tls_certificate", settings->tls_certificate, error);
    return r < 0 ? r : check_readable("web.tls_key", settings->tls_key, error);
}

int web_server_create(struct web *web, struct error *error)
{
    const struct web_settings *const settings = &web->config->web;
    const bool tls = *settings->tls_certificate;
    void *loops[] = {&web->loop};
    const struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .user = web,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_VALIDATE_UTF8 |
                   LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN |
                   (tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .foreign_loops = loops,
        .alpn = "http/1.1",
        .server_string = "merlind",
        .max_http_header_data = HEADER_SIZE,
        .timeout_secs = HANDSHAKE_S,
        .keepalive_timeout = HANDSHAKE_S,
        .ssl_cert_filepath = tls ? settings->tls_certificate : NULL,
        .ssl_private_key_filepath = tls ? settings->tls_key : NULL,
    };
    const int r = check_tls(settings, error);
    if (r < 0)
        return r;
    lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
    web->context = lws_create_context(&info);
    web->vhost = web->context ? lws_get_vhost_by_name(web->context, "default") : NULL;
    if (web->vhost)
        return 0;
    return error_set(error, -EIO,
                     "the page's server cannot be made%s: is the Debian package "
                     "libwebsockets-evlib-uv installed?",
                     tls ? " (its certificate and key do not fit together, perhaps)" : "");
}
