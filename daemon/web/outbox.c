#include "daemon/web/outbox.h"

#include <errno.h>
#include <stdlib.h>

struct outbox_item {
    struct outbox_item *next;
    struct message *message;
};

int outbox_push(struct outbox *outbox, struct message *message)
{
    struct outbox_item *const item = message ? malloc(sizeof *item) : NULL;
    if (!item) {
        message_unref(message);
        return -ENOMEM;
    }
    *item = (struct outbox_item){.message = message};
    if (outbox->last)
        outbox->last->next = item;
    else
        outbox->first = item;
    outbox->last = item;
    outbox->bytes += message->size;
    return 0;
}

struct message *outbox_pop(struct outbox *outbox)
{
    struct outbox_item *const item = outbox->first;
    if (!item)
        return NULL;
    struct message *const message = item->message;
    outbox->first = item->next;
    if (!outbox->first)
        outbox->last = NULL;
    outbox->bytes -= message->size;
    free(item);
    return message;
}

void outbox_finish(struct outbox *outbox)
{
    struct message *message;
    while ((message = outbox_pop(outbox)))
        message_unref(message);
}
