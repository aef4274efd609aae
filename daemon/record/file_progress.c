#include "daemon/record/file_progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

#define BAR_WIDTH 24
#define REDRAW_NS (100 * NS_PER_MS)

void file_progress_init(struct file_progress *progress, uint64_t total)
{
    *progress = (struct file_progress){
        .shown = isatty(STDERR_FILENO),
        .total = total,
        .started_ns = clock_monotonic_ns(),
    };
}

/* "[#######.......]  45 %  7,400/16,384 frames  1.8 s left" */
void file_progress_draw(struct file_progress *progress, uint64_t done)
{
    if (!progress->shown || progress->total == 0)
        return;
    const uint64_t now = clock_monotonic_ns();
    if (now - progress->drawn_ns < REDRAW_NS)
        return;
    progress->drawn_ns = now;
    const double part = (double)done / (double)progress->total;
    const double elapsed = (double)(now - progress->started_ns) / (double)NS_PER_S;
    char bar[BAR_WIDTH + 1] = "";
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < (int)(part * BAR_WIDTH) ? '#' : '.';
    fprintf(stderr, "\r[%s] %3d %%  %s/%s frames", bar, (int)(part * 100),
            file_text_of_count(done).text, file_text_of_count(progress->total).text);
    if (done > 0)
        fprintf(stderr, "  %s left", file_text_of_duration(elapsed / part - elapsed).text);
    fprintf(stderr, "\033[K");
    fflush(stderr);
}

void file_progress_finish(struct file_progress *progress)
{
    if (progress->shown && progress->drawn_ns > 0)
        fprintf(stderr, "\r\033[K");
    progress->shown = false;
}

struct file_text file_text_of_count(uint64_t count)
{
    struct file_text text = {""};
    char digits[24];
    const int n = snprintf(digits, sizeof digits, "%" PRIu64, count);
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            text.text[at++] = ',';
        text.text[at++] = digits[i];
    }
    return text;
}

struct file_text file_text_of_bytes(double bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    struct file_text text;
    unsigned unit = 0;
    while (bytes >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        bytes /= 1000;
        unit++;
    }
    const int digits = unit == 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
    snprintf(text.text, sizeof text.text, "%.*f %s", digits, bytes, units[unit]);
    return text;
}

struct file_text file_text_of_duration(double seconds)
{
    struct file_text text;
    const uint64_t whole = seconds > 0 && seconds < 1e9 ? (uint64_t)(seconds + 0.5) : 0;
    if (seconds < 99.95)
        snprintf(text.text, sizeof text.text, "%.1f s", seconds > 0 ? seconds : 0);
    else if (whole < 3600)
        snprintf(text.text, sizeof text.text, "%" PRIu64 " min %02" PRIu64 " s", whole / 60,
                 whole % 60);
    else
        snprintf(text.text, sizeof text.text, "%" PRIu64 " h %02" PRIu64 " min", whole / 3600,
                 whole / 60 % 60);
    return text;
}
