#include "detector/command_queue.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detector/command_reply.h"

#define MAX_NAME_SIZE 100
#define MAX_VALUE_SIZE 1000

static bool name_is_valid(const char *name)
{
    const size_t size = strnlen(name, MAX_NAME_SIZE + 1);
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    }
    return size > 0 && size <= MAX_NAME_SIZE;
}

static bool value_is_valid(const char *value)
{
    const size_t size = strnlen(value, MAX_VALUE_SIZE + 1);
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)value[i] < ' ' || value[i] == '\x7f')
            return false;
    }
    return size <= MAX_VALUE_SIZE;
}

int command_create(struct command **out, enum command_type type, const char *name,
                   const char *value)
{
    if (type != COMMAND_SET)
        value = "";
    if (!value || !name_is_valid(name) || !value_is_valid(value))
        return -EINVAL;
    const size_t name_room = strlen(name) + 1;
    const size_t body_room = sizeof "SET,," + strlen(name) + strlen(value);
    struct command *const command = calloc(1, sizeof *command + name_room + body_room);
    if (!command)
        return -ENOMEM;
    memcpy(command->name, name, name_room);
    char *const body = command->name + name_room;
    const char *const comma = type == COMMAND_SET ? "," : "";
    command->type = type;
    command->body = body;
    command->body_size =
        (size_t)snprintf(body, body_room, "%s,%s%s%s", command_type_name(type), name, comma, value);
    *out = command;
    return 0;
}

void command_settle(struct command *command, int status, int code, const char *value)
{
    const struct command_reply reply = {status, code, command->name, value};
    if (command->reply)
        command->reply(command->data, &reply);
    free(command);
}

void command_queue_append(struct command_queue *queue, struct command *command)
{
    if (queue->last)
        queue->last->next = command;
    else
        queue->first = command;
    queue->last = command;
    queue->length++;
}

struct command *command_queue_take(struct command_queue *queue)
{
    struct command *const command = queue->first;
    if (!command)
        return NULL;
    queue->first = command->next;
    if (!queue->first)
        queue->last = NULL;
    queue->length--;
    return command;
}
