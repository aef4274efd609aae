#pragma once

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct web;

/* A response on its way; the library keeps one for every connection. */
struct http_response {
    const uint8_t *body;
    size_t size, sent;
    char *owned; /* the body, where it was made for this response */
};

/* Answers GET and HEAD of what is served, and everything else with what is wrong with it. The
 * result is for the library's callback. */
int http_answer(struct web *web, struct lws *wsi, struct http_response *response);
/* The socket takes more of the body. */
int http_writable(struct web *web, struct lws *wsi, struct http_response *response);
void http_finish(struct http_response *response);

/* Whether Host and Origin are those of somebody who may talk to us; else logged. */
bool http_is_welcome(struct web *web, struct lws *wsi);
