#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The daemon's log. A line goes into a bounded queue and a thread of its own writes it to stderr,
 * so that a full pipe or a slow journal can hold up nobody; lines that find the queue full are
 * counted and the count is logged later.
 *
 * Form: `<time> <level> <component>: <text>`, time in UTC; when stderr is the journal
 * (JOURNAL_STREAM names it) an entry with the fields of struct log_about, or where the journal's
 * socket cannot be reached `<N><component>: <text>` with the syslog priority N. Text beyond 699
 * bytes is cut, control characters are replaced.
 *
 * After a fork the child writes its lines directly until it calls log_init itself.
 */
enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG
};

/* Starts the writing thread. Before log_init and after log_finish lines are written directly.
 * Returns 0 or -errno. */
int log_init(enum log_level level);

/* Writes what waits, for 2 s at most when nobody reads stderr, and ends the thread. */
void log_finish(void);

void log_set_level(enum log_level level);

/* "error", "warning", "notice", "info", "debug"; false when the name is none of these. */
bool log_level_from_name(const char *name, enum log_level *level);
const char *log_level_name(enum log_level level);

/* Lines lost since the start because the queue was full. */
uint64_t log_dropped(void);

/* What a line is about besides its words: fields of the journal (merlind(8), "JOURNAL"). */
struct log_about {
    enum log_level level;
    const char *message_id; /* common/message_id.h, NULL: of no class */
    const char *run;        /* its UUID, NULL: none */
    uint64_t frame;         /* the exposure's number, from 1; 0: none */
    uint64_t lost;          /* frames that this episode cost; 0: none */
    const char *file;       /* of the source, and the line in it */
    unsigned line;
};

/* Never blocks, never allocates; usable from every thread. `about` and what it points to are
 * copied, but for message_id and file. */
__attribute__((format(printf, 3, 4))) void log_write(const struct log_about *about,
                                                     const char *component, const char *format,
                                                     ...);

/* LOG_ABOUT(ERROR, .run = id): a level, and members of struct log_about. */
#define LOG_ABOUT(...)                                                                             \
    (&(const struct log_about){                                                                    \
        .file = __FILE__, .line = __LINE__, .level = LOG_LEVEL_##__VA_ARGS__})

#define log_error(component, ...) log_write(LOG_ABOUT(ERROR), component, __VA_ARGS__)
#define log_warning(component, ...) log_write(LOG_ABOUT(WARNING), component, __VA_ARGS__)
#define log_notice(component, ...) log_write(LOG_ABOUT(NOTICE), component, __VA_ARGS__)
#define log_info(component, ...) log_write(LOG_ABOUT(INFO), component, __VA_ARGS__)
#define log_debug(component, ...) log_write(LOG_ABOUT(DEBUG), component, __VA_ARGS__)

/* Where the journal listens, for tests; before log_init. */
void log_set_journal(const char *socket_path);
