#pragma once

#include <jansson.h>
#include <stddef.h>

#include "common/error.h"
#include "daemon/control/control.h"

/* A raw part of a reply. */
struct reply_part {
    const void *bytes;
    size_t size;
};

/*
 * One request on its way to its reply. Made by the control socket, handed to a command's handler,
 * ended by exactly one of the request_* replies, which frees it.
 */
struct request;

struct request *request_create(void *socket, const void *identity, size_t identity_size,
                               bool has_empty_frame);

/* The binary part that came behind the JSON, borrowed: gone when the command's handler returns.
 * NULL bytes: there was none. */
void request_set_part(struct request *request, const void *bytes, size_t size);
const void *request_part(const struct request *request, size_t *size);

/* The request's id, echoed in the reply; null until it is known. Takes the reference. */
void request_set_id(struct request *request, json_t *id);

/* The command that is asked for, and {command: {result: number}}, where its answer is counted; both
 * borrowed. Without a command it counts as "unknown". */
void request_count_in(struct request *request, const char *command, json_t *counts);

/* Takes the reference on `result`. */
void request_succeed(struct request *request, json_t *result, const struct reply_part *parts,
                     unsigned n_parts);

/* The daemon is ending: no reply, there is no socket any more. */
void request_abandon(struct request *request);

/* `field` may be NULL. */
__attribute__((format(printf, 4, 5))) void request_fail(struct request *request, const char *code,
                                                        const char *field, const char *format, ...);

/* What a command does with a request whose members are known to be allowed. `args` is an object. */
typedef void (*command_fn)(const struct control_service *service, struct request *request,
                           json_t *args);

/* Whether a command changes the state of the daemon, of the detector or of what is kept. */
enum command_effect {
    COMMAND_CHANGES, /* also what a row of the table says nothing about: the safe side */
    COMMAND_READS,
    COMMAND_CHANGES_GIVEN /* when args has one of `changed_by`; NULL there: any member */
};

struct command {
    const char *name;
    command_fn run;
    const char *members[20]; /* allowed in args */
    bool takes_part;         /* a binary part follows the JSON */
    enum command_effect effect;
    const char *changed_by[4];
};

/* The table of commands, ended by a NULL name. */
extern const struct command commands[];

/* Whether it changes something with these args, an object or NULL. */
bool command_changes(const struct command *command, const json_t *args);
