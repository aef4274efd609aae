#include "daemon/web/http.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/assets.h"
#include "daemon/web/gate.h"
#include "daemon/web/health.h"
#include "daemon/web/metrics.h"
#include "daemon/web/web_internal.h"

#define HEADERS_SIZE 2048
#define TEXT_SIZE 512

/* What is answered. */
struct answer {
    unsigned status;
    const char *type;
    const char *etag;     /* NULL: none */
    const char *encoding; /* NULL: as it is */
    const void *body;
    size_t size;
    char *owned; /* the body, to be freed */
};

/* ---- headers ---- */

static const struct {
    const char *name, *value;
} common_headers[] = {
    {"content-security-policy:",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
     "font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"x-content-type-options:", "nosniff"},
    {"referrer-policy:", "no-referrer"},
    {"x-frame-options:", "DENY"},
    {"cross-origin-resource-policy:", "same-origin"},
    {"cross-origin-opener-policy:", "same-origin"},
};

struct headers {
    struct lws *wsi;
    uint8_t buffer[LWS_PRE + HEADERS_SIZE];
    uint8_t *at, *end;
    bool failed;
};

static void add(struct headers *headers, const char *name, const char *value)
{
    headers->failed |= lws_add_http_header_by_name(headers->wsi, (const unsigned char *)name,
                                                   (const unsigned char *)value, (int)strlen(value),
                                                   &headers->at, headers->end);
}

static void add_all(struct headers *headers, const struct answer *answer)
{
    for (size_t i = 0; i < sizeof common_headers / sizeof common_headers[0]; i++)
        add(headers, common_headers[i].name, common_headers[i].value);
    add(headers, "cache-control:", answer->etag ? "no-cache" : "no-store");
    add(headers, "vary:", "accept-encoding");
    if (answer->etag)
        add(headers, "etag:", answer->etag);
    if (answer->encoding)
        add(headers, "content-encoding:", answer->encoding);
    if (answer->status == HTTP_STATUS_METHOD_NOT_ALLOWED)
        add(headers, "allow:", "GET, HEAD");
    if (answer->status == HTTP_STATUS_METHOD_NOT_ALLOWED)
        add(headers, "connection:", "close");
    if (answer->type)
        add(headers, "content-type:", answer->type);
}

static int send_headers(struct lws *wsi, const struct answer *answer)
{
    struct headers headers = {.wsi = wsi};
    uint8_t *const start = headers.buffer + LWS_PRE;
    headers.at = start;
    headers.end = headers.buffer + sizeof headers.buffer;
    headers.failed = lws_add_http_header_status(wsi, answer->status, &headers.at, headers.end);
    add_all(&headers, answer);
    if (answer->status != HTTP_STATUS_NOT_MODIFIED)
        headers.failed |=
            lws_add_http_header_content_length(wsi, answer->size, &headers.at, headers.end);
    if (headers.failed)
        return -1;
    return lws_finalize_write_http_header(wsi, start, &headers.at, headers.end);
}

/* ---- what there is ---- */

static struct answer text_answer(unsigned status, const char *text)
{
    return (struct answer){
        .status = status, .type = "text/plain; charset=utf-8", .body = text, .size = strlen(text)};
}

static struct answer owned_answer(unsigned status, const char *type, char *text)
{
    if (!text)
        return text_answer(HTTP_STATUS_INTERNAL_SERVER_ERROR, "no memory\n");
    return (struct answer){
        .status = status, .type = type, .body = text, .size = strlen(text), .owned = text};
}

static bool header_has(struct lws *wsi, enum lws_token_indexes header, const char *word)
{
    char value[TEXT_SIZE];
    return lws_hdr_copy(wsi, value, sizeof value, header) > 0 && strstr(value, word);
}

static struct answer asset_answer(struct lws *wsi, const struct asset *asset)
{
    const bool packed = asset->packed && header_has(wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, "gzip");
    struct answer answer = {
        .status = HTTP_STATUS_OK,
        .type = asset->type,
        .etag = packed ? asset->etag_packed : asset->etag,
        .encoding = packed ? "gzip" : NULL,
        .body = packed ? asset->packed : asset->bytes,
        .size = packed ? asset->packed_size : asset->size,
    };
    if (header_has(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, answer.etag)) {
        answer.status = HTTP_STATUS_NOT_MODIFIED;
        answer.type = answer.encoding = NULL;
        answer.size = 0;
    }
    return answer;
}

static struct answer schema_list(void)
{
    json_t *const names = json_array();
    for (const struct asset *asset = schema_assets; asset->path; asset++)
        json_array_append_new(names, json_string(strrchr(asset->path, '/') + 1));
    json_t *const list = json_pack("{s:o}", "schemas", names);
    char *const text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return owned_answer(HTTP_STATUS_OK, "application/json", text);
}

static struct answer health_answer(const struct web *web)
{
    bool healthy = false;
    char *const text = health_text(web->status, web->status_ns, &healthy);
    return owned_answer(healthy ? HTTP_STATUS_OK : HTTP_STATUS_SERVICE_UNAVAILABLE,
                        "application/json", text);
}

static struct answer find(const struct web *web, struct lws *wsi, const char *path)
{
    const struct asset *asset = asset_find(page_assets, path);
    if (!asset)
        asset = asset_find(schema_assets, path);
    if (asset)
        return asset_answer(wsi, asset);
    if (strcmp(path, "/schema/") == 0)
        return schema_list();
    if (strcmp(path, "/healthz") == 0)
        return health_answer(web);
    if (strcmp(path, "/metrics") == 0)
        return owned_answer(HTTP_STATUS_OK, "text/plain; version=0.0.4; charset=utf-8",
                            metrics_text(web));
    return text_answer(HTTP_STATUS_NOT_FOUND, "There is nothing of this name.\n");
}

/* ---- who asks ---- */

static void copy_header(struct lws *wsi, enum lws_token_indexes header, char value[TEXT_SIZE])
{
    if (lws_hdr_copy(wsi, value, TEXT_SIZE, header) < 0)
        strcpy(value, lws_hdr_total_length(wsi, header) > 0 ? "?" : "");
}

bool http_is_welcome(struct web *web, struct lws *wsi)
{
    char host[TEXT_SIZE], origin[TEXT_SIZE];
    copy_header(wsi, WSI_TOKEN_HOST, host);
    copy_header(wsi, WSI_TOKEN_ORIGIN, origin);
    if (!gate_host_allowed(host, web->config->web.origins)) {
        refuse(&web->refusals, REFUSAL_HOST,
               "a request for the host '%.100s' was refused: it is not this computer; if it is, "
               "name it in web.origins",
               host);
        return false;
    }
    if (!gate_origin_allowed(origin, host, web->config->web.origins)) {
        refuse(&web->refusals, REFUSAL_ORIGIN,
               "a request from a page of '%.100s' was refused: it is not in web.origins", origin);
        return false;
    }
    return true;
}

static struct answer judge(struct web *web, struct lws *wsi, int method, const char *path)
{
    if (!http_is_welcome(web, wsi))
        return text_answer(HTTP_STATUS_FORBIDDEN, "Not for this host or origin.\n");
    if (method == LWSHUMETH_GET || method == LWSHUMETH_HEAD) {
        const struct answer answer = find(web, wsi, path);
        if (answer.status == HTTP_STATUS_NOT_FOUND)
            refuse(&web->refusals, REFUSAL_PATH, "there is nothing at '%.100s'", path);
        return answer;
    }
    refuse(&web->refusals, REFUSAL_REQUEST, "a request to change %.100s was refused: GET only",
           path);
    return text_answer(HTTP_STATUS_METHOD_NOT_ALLOWED, "GET and HEAD only.\n");
}

/* ---- sending ---- */

/* What else comes with a request that is not served, ten megabytes perhaps, nobody reads. */
static int end_with(struct web *web, struct lws *wsi, const struct http_response *response)
{
    uint8_t *const at = web->scratch + LWS_PRE;
    memcpy(at, response->body, response->size);
    lws_write(wsi, at, response->size, LWS_WRITE_HTTP_FINAL);
    return -1;
}

int http_answer(struct web *web, struct lws *wsi, struct http_response *response)
{
    char *uri = NULL, path[TEXT_SIZE];
    int length = 0;
    const int method = lws_http_get_uri_and_method(wsi, &uri, &length);
    snprintf(path, sizeof path, "%.*s", length, uri ? uri : "");
    const struct answer answer = judge(web, wsi, method, path);
    http_finish(response);
    *response =
        (struct http_response){.body = answer.body, .size = answer.size, .owned = answer.owned};
    web->counts.http++;
    if (send_headers(wsi, &answer) < 0)
        return -1;
    if (method == LWSHUMETH_HEAD || answer.size == 0)
        return lws_http_transaction_completed(wsi) ? -1 : 0;
    if (method != LWSHUMETH_GET)
        return end_with(web, wsi, response);
    lws_callback_on_writable(wsi);
    return 0;
}

int http_writable(struct web *web, struct lws *wsi, struct http_response *response)
{
    if (!response->body)
        return 0;
    const size_t left = response->size - response->sent;
    const size_t size = left < WEB_CHUNK ? left : WEB_CHUNK;
    uint8_t *const at = web->scratch + LWS_PRE;
    memcpy(at, response->body + response->sent, size);
    if (lws_write(wsi, at, size, size == left ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)size)
        return -1;
    response->sent += size;
    if (size < left) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    http_finish(response);
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

void http_finish(struct http_response *response)
{
    free(response->owned);
    *response = (struct http_response){0};
}
