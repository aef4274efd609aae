#pragma once

#include <jansson.h>
#include <stddef.h>

#include "common/error.h"
#include "daemon/control/caller.h"
#include "daemon/control/control.h"
#include "daemon/control/lease.h"

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

/* Answers one for which request_create had no memory. Of `body` (its JSON) only the id is looked
 * for, which the reply has as far as there is memory to find it. */
void request_refuse_unread(void *socket, const void *identity, size_t identity_size,
                           bool has_empty_frame, const void *body, size_t size);

/* The binary part that came behind the JSON, borrowed: gone when the command's handler returns.
 * NULL bytes: there was none. */
void request_set_part(struct request *request, const void *bytes, size_t size);
const void *request_part(const struct request *request, size_t *size);

/* Who asks, and what it shows for the lease (its token is borrowed as a part is). */
void request_set_caller(struct request *request, const struct caller *caller);
const struct caller *request_caller(const struct request *request);
void request_set_lease_token(struct request *request, const char *token);
struct lease_claim request_lease_claim(const struct request *request);

/* One that the daemon itself makes: `replied` gets the reply, borrowed, in place of a client. NULL:
 * no memory. */
struct request *request_create_internal(void (*replied)(void *data, const json_t *reply),
                                        void *data);
bool request_is_internal(const struct request *request);

/* Answers now with the id of an operation; the reply that is to come is kept with it. false: it was
 * refused, and the request is gone. */
struct operations;
bool request_to_background(struct request *request, struct operations *operations,
                           const char *command);

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

/* Whether a command changes the state of the daemon, of the detector or of what is kept. Those that
 * do are the operators', and are refused while another client holds the lease. */
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
    bool of_detector; /* only where there is a detector: not in a process that shows an old run */
    enum command_effect effect;
    const char *changed_by[4];
};

/* The table of commands, ended by a NULL name. */
extern const struct command commands[];

/* Whether it changes something with these args, an object or NULL. */
bool command_changes(const struct command *command, const json_t *args);

/* The role that it needs with these args. `what`: the parameter or command of the detector that
 * asks for an expert, borrowed from the args; NULL: none does. */
enum client_role command_role(const struct command *command, const json_t *args, const char **what);
