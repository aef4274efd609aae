#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The text of a request, taken apart: {"id": any, "cmd": text, "args": {...}, "lease": text,
 * "background": bool}.
 * Whatever comes from a socket goes through here, so it trusts nothing.
 */
#define REQUEST_MAX_DEPTH 32

struct request_text {
    json_t *body; /* owned, what follows is borrowed from it */
    json_t *id;
    const char *command;
    json_t *args;      /* NULL: none */
    const char *lease; /* a token; NULL: none */
    bool background;   /* it is to be answered at once */
};

/* Why a text is no request. */
struct request_fault {
    const char *field; /* borrowed from the body; NULL: none */
    char message[300];
};

/* 0, or -EINVAL with its reason; then the id may be known all the same. Either way the text is to
 * be given to request_text_finish, the fault before. */
int request_text_init(struct request_text *text, const void *bytes, size_t size,
                      struct request_fault *fault);
void request_text_finish(struct request_text *text);
