#pragma once

#include <stddef.h>

#include "daemon/web/message.h"

/* Messages that wait, in order, for a viewer that must get every one of them: replies. */
struct outbox_item;

struct outbox {
    struct outbox_item *first, *last;
    size_t bytes; /* of all that wait */
};

/* Takes the reference on `message`, also when it fails; NULL is -ENOMEM, as from message_text. */
int outbox_push(struct outbox *outbox, struct message *message);

/* Hands over the reference; NULL: empty. */
struct message *outbox_pop(struct outbox *outbox);

void outbox_finish(struct outbox *outbox);
