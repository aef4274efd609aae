#include "clients/ctl/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clients/ctl/output.h"
#include "common/clock.h"

#define BAR_WIDTH 24

void progress_init(struct progress *progress, bool always)
{
    const bool terminal = isatty(STDERR_FILENO);
    *progress = (struct progress){.shown = always || terminal, .terminal = terminal};
}

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

/* "[#######.......]  45 %  7,400/16,384", or the frames alone where no number is expected. */
static void print_done(FILE *out, const struct summary *summary)
{
    const struct text placed = text_of_count(summary->placed);
    if (summary->expected == 0) {
        fprintf(out, "%s frames", placed.text);
        return;
    }
    const double part = (double)summary->placed / (double)summary->expected;
    const int filled = part >= 1 ? BAR_WIDTH : (int)(part * BAR_WIDTH);
    char bar[BAR_WIDTH + 1];
    memset(bar, '#', (size_t)filled);
    memset(bar + filled, '.', (size_t)(BAR_WIDTH - filled));
    bar[BAR_WIDTH] = '\0';
    /* Rounded down: 100 % is for the last frame alone. */
    fprintf(out, "[%s] %3d %%  %s/%s", bar, (int)(part * 100), placed.text,
            text_of_count(summary->expected).text);
}

static void print_line(FILE *out, const struct summary *summary, double ring_fill)
{
    print_done(out, summary);
    if (!strcmp(summary->state, "acquiring")) {
        fprintf(out, "  %s frames/s", text_of_count((uint64_t)(summary->rate + 0.5)).text);
        if (summary->frame_bytes > 0)
            fprintf(out, " %.0f MB/s", summary->rate * summary->frame_bytes / 1e6);
    } else {
        fprintf(out, "  %s", summary->state);
    }
    if (ring_fill >= 0)
        fprintf(out, "  ring %.0f %%", ring_fill * 100);
    fprintf(out, "  lost %s", text_of_count(summary->lost).text);
    if (summary->rate > 0 && summary->expected > summary->placed)
        fprintf(
            out, "  %s left",
            text_of_duration((double)(summary->expected - summary->placed) / summary->rate).text);
}

void progress_draw(struct progress *progress, const struct summary *summary, double ring_fill)
{
    if (!progress->shown)
        return;
    const uint64_t now = clock_monotonic_ns();
    if (!progress->terminal && progress->drawn_ns > 0 && now - progress->drawn_ns < NS_PER_S)
        return;
    char line[sizeof progress->line] = "";
    FILE *const out = fmemopen(line, sizeof line, "w");
    if (!out)
        return;
    print_line(out, summary, ring_fill);
    fclose(out);
    line[sizeof line - 1] = '\0';
    if (!progress->terminal && !strcmp(line, progress->line)) /* a log learns nothing from it */
        return;
    progress->drawn_ns = now;
    memcpy(progress->line, line, sizeof line);
    if (progress->terminal) /* a line that wraps could not be drawn over */
        fprintf(stderr, "\r%.*s\033[K", (int)terminal_width() - 1, line);
    else
        fprintf(stderr, "%s\n", line);
    fflush(stderr);
}

void progress_finish(struct progress *progress)
{
    if (progress->shown && progress->terminal && progress->drawn_ns > 0)
        fprintf(stderr, "\r\033[K");
    progress->drawn_ns = 0;
}
