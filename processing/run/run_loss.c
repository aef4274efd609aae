#include "processing/run/run_loss.h"

#include <inttypes.h>

#include "common/log.h"
#include "common/message_id.h"
#include "processing/run/run.h"

static void tell(const struct run *run, uint64_t frames, const char *why)
{
    if (frames == 0)
        return;
    log_write(
        LOG_ABOUT(ERROR, .message_id = MESSAGE_FRAMES_LOST, .run = run->plan->id, .lost = frames),
        "run", "run %s: %" PRIu64 " frames that were received are incomplete: %s", run->plan->id,
        frames, why);
}

void run_tell_loss(struct run *run, uint64_t frames, const char *why)
{
    tell(run, episode_add(&run->loss, frames), why);
}

void run_tell_last_loss(struct run *run)
{
    tell(run, episode_end(&run->loss), "as was told before");
}
