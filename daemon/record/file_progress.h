#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A line on stderr that tells how far a long piece of work is; nothing where stderr is no
 * terminal. */
struct file_progress {
    bool shown;
    uint64_t total; /* frames */
    uint64_t started_ns, drawn_ns;
};

void file_progress_init(struct file_progress *progress, uint64_t total);
void file_progress_draw(struct file_progress *progress, uint64_t done);
/* Takes the line away. */
void file_progress_finish(struct file_progress *progress);

/* Numbers in words. */
struct file_text {
    char text[48];
};
struct file_text file_text_of_count(uint64_t count);    /* "16,384" */
struct file_text file_text_of_bytes(double bytes);      /* "1.07 GB", powers of 1000 */
struct file_text file_text_of_duration(double seconds); /* "2 min 05 s" */
