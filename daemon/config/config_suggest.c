#include <limits.h>
#include <string.h>

#include "daemon/config/config_keys.h"

enum { WORD_MAX = 64 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters to insert, delete, replace or swap with their neighbour to make one word of the
 * other. */
static unsigned edit_distance(const char *a, const char *b)
{
    const size_t n_a = strlen(a), n_b = strlen(b);
    unsigned rows[3][WORD_MAX + 1];
    if (n_a > WORD_MAX || n_b > WORD_MAX)
        return WORD_MAX;
    unsigned *before = rows[0], *previous = rows[1], *row = rows[2];
    for (size_t j = 0; j <= n_b; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= n_a; i++) {
        unsigned *const oldest = before;
        before = previous;
        previous = row;
        row = oldest;
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n_b; j++) {
            row[j] = least(previous[j] + 1, row[j - 1] + 1);
            row[j] = least(row[j], previous[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return row[n_b];
}

static const char *last_part(const char *path)
{
    const char *const dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

static unsigned count_dots(const char *path)
{
    unsigned n = 0;
    for (; *path; path++)
        n += *path == '.';
    return n;
}

/* The right key in the wrong section is one mistake, however long the section's name is; else a key
 * is mistaken for a key of its own level. */
static unsigned path_distance(const char *word, const char *candidate)
{
    if (strcmp(last_part(word), last_part(candidate)) == 0)
        return 1;
    if (count_dots(word) != count_dots(candidate))
        return UINT_MAX;
    return edit_distance(word, candidate);
}

const char *config_suggest(const char *word, const char *const *candidates, size_t n_candidates)
{
    const char *nearest = NULL;
    unsigned best = (unsigned)strlen(word) / 3 + 2;
    for (size_t i = 0; i < n_candidates; i++) {
        const unsigned distance = path_distance(word, candidates[i]);
        if (distance < best) {
            nearest = candidates[i];
            best = distance;
        }
    }
    return nearest;
}

const char *config_suggestion(const char *word, const char *const *candidates, size_t n_candidates,
                              char *text, size_t size)
{
    const char *const nearest = config_suggest(word, candidates, n_candidates);
    if (nearest)
        snprintf(text, size, " (did you mean '%s'?)", nearest);
    else
        text[0] = 0;
    return text;
}
