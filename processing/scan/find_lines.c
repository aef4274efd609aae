#include "processing/scan/find_lines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* How a frame stands out. */
enum { USUAL, LONG, VERY_LONG, UNKNOWN };

enum {
    MEDIAN_FRAMES = 4096,  /* enough for the usual exposure */
    CANDIDATE_GROUPS = 64, /* groups of long frames whose distances are tried as a line's length */
    MIN_MATCHES = 3,       /* long frames with another one a line later */
    MAX_GROUPS = 2,        /* of long frames in one line */
};

/* ---- what stands out ---- */

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Median of the first values that are not 0; 0: there are none. */
static uint64_t median(const uint64_t *values, size_t n)
{
    uint64_t known[MEDIAN_FRAMES];
    size_t count = 0;
    for (size_t i = 0; i < n && count < MEDIAN_FRAMES; i++) {
        if (values[i] > 0)
            known[count++] = values[i];
    }
    qsort(known, count, sizeof *known, compare);
    return count > 0 ? known[count / 2] : 0;
}

static uint8_t level_of(uint64_t value, uint64_t usual)
{
    if (value == 0)
        return UNKNOWN;
    if ((double)value >= 2.5 * (double)usual)
        return VERY_LONG;
    return (double)value >= 1.5 * (double)usual ? LONG : USUAL;
}

/* Returns how many stand out. */
static size_t set_levels(uint8_t *levels, const uint64_t *values, size_t n)
{
    const uint64_t usual = median(values, n);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        levels[i] = level_of(values[i], usual);
        count += levels[i] == LONG || levels[i] == VERY_LONG;
    }
    return count;
}

static size_t levels_of_exposures(uint8_t *levels, uint64_t *values,
                                  const struct line_frame *frames, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = frames[i].exposure_ns;
    return set_levels(levels, values, n);
}

/* A frame stands out that came after a pause. */
static size_t levels_of_pauses(uint8_t *levels, uint64_t *values, const struct line_frame *frames,
                               size_t n)
{
    values[0] = 0;
    for (size_t i = 1; i < n; i++) {
        const uint64_t before = frames[i - 1].timestamp_ns, now = frames[i].timestamp_ns;
        values[i] = before > 0 && now > before ? now - before : 0;
    }
    size_t count = set_levels(levels, values, n);
    /* However long the pause, the frame after it is no flyback. */
    for (size_t i = 0; i < n; i++)
        levels[i] = levels[i] == VERY_LONG ? LONG : levels[i];
    return count;
}

static bool stands_out(const uint8_t *levels, size_t i)
{
    return levels[i] == LONG || levels[i] == VERY_LONG;
}

static bool begins_group(const uint8_t *levels, size_t i)
{
    return stands_out(levels, i) && (i == 0 || !stands_out(levels, i - 1));
}

/* ---- how often ---- */

/* Does nearly everything that stands out do so again `period` frames later, and before? */
static bool repeats(const uint8_t *levels, size_t n, size_t period)
{
    size_t matches = 0, misses = 0;
    for (size_t i = 0; i + period < n; i++) {
        if (levels[i] == UNKNOWN || levels[i + period] == UNKNOWN)
            continue;
        const bool now = stands_out(levels, i), then = stands_out(levels, i + period);
        matches += now && then;
        misses += now && !then;
    }
    return matches >= MIN_MATCHES && 10 * misses <= matches;
}

/* The shortest distance between groups of what stands out at which all of it repeats; 0: none. */
static size_t find_period(const uint8_t *levels, size_t n, size_t *n_groups)
{
    size_t starts[CANDIDATE_GROUPS];
    size_t count = 0, best = 0;
    *n_groups = 0;
    for (size_t i = 0; i < n; i++) {
        if (!begins_group(levels, i))
            continue;
        (*n_groups)++;
        if (count < CANDIDATE_GROUPS)
            starts[count++] = i;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t apart = 1; apart <= MAX_GROUPS && i + apart < count; apart++) {
            const size_t period = starts[i + apart] - starts[i];
            if ((best == 0 || period < best) && repeats(levels, n, period))
                best = period;
        }
    }
    return best;
}

/* ---- one line, folded from all ---- */

struct line {
    bool pauses;     /* what stands out does so by the pause before it: it begins a line */
    uint8_t *levels; /* [period], from `origin` on */
    size_t period;
    size_t origin; /* where a whole group begins */
    size_t first;  /* the first frame that stands out and does so again a line later */
    size_t n_groups;
    struct {
        size_t start, length;
    } groups[MAX_GROUPS];
};

/* What most lines have at each place. */
static void fold(struct line *line, const uint8_t *levels, size_t n)
{
    for (size_t phase = 0; phase < line->period; phase++) {
        size_t counts[UNKNOWN + 1] = {0};
        for (size_t i = line->origin + phase; i < n; i += line->period)
            counts[levels[i]]++;
        if (counts[USUAL] >= counts[LONG] + counts[VERY_LONG])
            line->levels[phase] = USUAL;
        else
            line->levels[phase] = counts[VERY_LONG] > counts[LONG] ? VERY_LONG : LONG;
    }
}

/* The line is a circle that begins with a group. false: too many groups. */
static bool find_groups(struct line *line)
{
    line->n_groups = 0;
    for (size_t i = 0; i < line->period; i++) {
        if (!stands_out(line->levels, i))
            continue;
        if (!begins_group(line->levels, i)) {
            line->groups[line->n_groups - 1].length++;
            continue;
        }
        if (line->n_groups == MAX_GROUPS)
            return false;
        line->groups[line->n_groups].start = i;
        line->groups[line->n_groups++].length = 1;
    }
    return line->n_groups > 0;
}

/* First place and length of the very long frames, which are in one row; length 0: there are none.
 */
static size_t very_long_row(const struct line *line, size_t *first)
{
    size_t length = 0;
    for (size_t i = 0; i < line->period; i++) {
        if (line->levels[i] == VERY_LONG && length++ == 0)
            *first = i;
    }
    return length;
}

/* Of two groups: the frames between them on the shorter way, and where that way ends. */
static size_t shorter_way(const struct line *line, size_t *end)
{
    const size_t first_end = line->groups[0].start + line->groups[0].length;
    const size_t second_end = line->groups[1].start + line->groups[1].length;
    const size_t between = line->groups[1].start - first_end;
    const size_t around = line->period - second_end;
    *end = between < around ? line->groups[1].start : line->period;
    return between < around ? between : around;
}

/* Nobody said how long a line is: how many frames are flyback, and where the next line begins. */
static size_t flyback_by_marks(const struct line *line, size_t *begin)
{
    size_t first = 0;
    const size_t very_long = very_long_row(line, &first);
    if (very_long > 0) {
        *begin = first + very_long;
        return very_long;
    }
    if (line->n_groups == 2)
        return shorter_way(line, begin);
    const size_t length = line->groups[0].length;
    *begin = length == 2 ? 1 : 0; /* last frame of a line and first of the next, or the first */
    if (length < 3)
        return 0;
    *begin = length;
    return length;
}

/* Where a line begins whose flyback is known to be `flyback` frames. */
static size_t begin_by_length(const struct line *line, size_t flyback)
{
    size_t first = 0, end;
    if (line->pauses)
        return 0;
    const size_t very_long = very_long_row(line, &first);
    if (flyback > 0 && very_long == flyback)
        return first + very_long;
    if (flyback > 0 && line->n_groups == 2 && shorter_way(line, &end) == flyback)
        return end;
    const size_t length = line->groups[0].length;
    if (length == flyback)
        return length;
    if (length > flyback) /* edges of lines are long too: the first frame, or also the last one */
        return flyback + (length - flyback >= 2 ? 1 : 0);
    return 0; /* the first frame is the long one */
}

/* ---- all together ---- */

static int place_lines(struct found_lines *found, const struct line *line, size_t n, uint32_t nx,
                       struct error *error)
{
    if (nx > line->period)
        return error_set(error, -EINVAL,
                         "a line has %zu frames, which are fewer than the %" PRIu32
                         " positions asked for",
                         line->period, nx);
    size_t begin = 0;
    size_t flyback = line->period - nx;
    if (nx > 0)
        begin = begin_by_length(line, flyback);
    else
        flyback = flyback_by_marks(line, &begin);
    /* Whatever came before the line of the first frame that stands out was no scan yet. */
    size_t start = (line->origin + begin) % line->period;
    while (start + line->period <= line->first)
        start += line->period;
    *found = (struct found_lines){
        .skip_start = start,
        .nx = (uint32_t)(line->period - flyback),
        .skip_line = (uint32_t)flyback,
        .lines = n + flyback > start ? (n + flyback - start) / line->period : 0,
    };
    return 0;
}

/* A long frame that stands alone (the detector was held up) is no beginning, and a group whose
 * first frames are not there is none of a group. */
static void find_beginnings(struct line *line, const uint8_t *levels, size_t n)
{
    bool any = false;
    for (size_t i = 0; i + line->period < n; i++) {
        if (!stands_out(levels, i) || levels[i + line->period] == USUAL)
            continue;
        line->first = any ? line->first : i;
        any = true;
        line->origin = i;
        if (i > 0 && levels[i - 1] == USUAL)
            return;
    }
}

static int find_in_levels(struct found_lines *found, const uint8_t *levels, size_t n, bool pauses,
                          uint32_t nx, struct error *error)
{
    size_t n_groups;
    struct line line = {.pauses = pauses, .period = find_period(levels, n, &n_groups)};
    if (n_groups <= MIN_MATCHES)
        return error_set(error, -EAGAIN, "fewer than four lines can be seen so far");
    if (line.period < 2)
        return error_set(
            error, -EINVAL,
            "%zu frames stand out by their exposure or a pause before them, but not at "
            "regular distances",
            n_groups);
    find_beginnings(&line, levels, n);
    line.levels = calloc(line.period, 1);
    if (!line.levels)
        return error_set(error, -ENOMEM, "no memory for a line of %zu frames", line.period);
    fold(&line, levels, n);
    const int r = find_groups(&line)
                      ? place_lines(found, &line, n, nx, error)
                      : error_set(error, -EINVAL,
                                  "more than two places of a line have long exposures: none can be "
                                  "told from the others");
    free(line.levels);
    return r;
}

static int look_everywhere(struct found_lines *lines, uint8_t *levels, uint64_t *values,
                           const struct line_frame *frames, size_t n, uint32_t nx,
                           struct error *error)
{
    const bool by_exposure = levels_of_exposures(levels, values, frames, n) > 0;
    int r = by_exposure ? find_in_levels(lines, levels, n, false, nx, error) : -EINVAL;
    if (r == 0 || r == -ENOMEM)
        return r;
    /* Long exposures may also be those of a detector that was held up now and then. */
    const bool by_pause = levels_of_pauses(levels, values, frames, n) > 0;
    if (by_pause && (!by_exposure || find_in_levels(lines, levels, n, true, nx, NULL) == 0))
        return by_exposure ? 0 : find_in_levels(lines, levels, n, true, nx, error);
    if (!by_exposure)
        error_set(error, r,
                  "all exposures are the same and no pause between frames stands out: nothing "
                  "tells where a line begins");
    return r;
}

int find_lines(struct found_lines *lines, const struct line_frame *frames, size_t n, uint32_t nx,
               struct error *error)
{
    if (n == 0)
        return error_set(error, -EAGAIN, "no frame has come");
    uint8_t *const levels = malloc(n);
    uint64_t *const values = malloc(n * sizeof *values);
    const int r = levels && values ? look_everywhere(lines, levels, values, frames, n, nx, error)
                                   : error_set(error, -ENOMEM, "no memory for %zu frames", n);
    free(levels);
    free(values);
    return r;
}
