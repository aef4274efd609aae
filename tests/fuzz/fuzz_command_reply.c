#include "detector/command_reply.h"
#include "fuzz_target.h"

static void require_within(struct text text, const uint8_t *bytes, size_t size)
{
    fuzz_require(text.at >= bytes && text.at + text.size <= bytes + size);
}

/* Takes all replies as the client does: texts lie within what is consumed, and every step but the
 * last moves on. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    for (;;) {
        struct command_reply_text reply;
        size_t consumed, stray;
        const enum command_reply_result result =
            command_reply_next(bytes, size, &reply, &consumed, &stray);
        fuzz_require(consumed <= size && stray <= consumed);
        if (result == COMMAND_REPLY_MORE)
            return 0;
        fuzz_require(consumed > 0);
        if (result == COMMAND_REPLY_TAKEN) {
            require_within(reply.name, bytes, consumed);
            require_within(reply.value, bytes, consumed);
            fuzz_require(reply.code >= -1 && reply.type <= COMMAND_CMD);
        }
        bytes += consumed;
        size -= consumed;
    }
}
