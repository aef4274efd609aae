#include "daemon/opened/run_list.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/files/walk.h"
#include "daemon/json_time.h"
#include "daemon/opened/helper.h"
#include "daemon/opened/run_card.h"
#include "daemon/opened/run_cards.h"

/* For one file: a disk that does not answer must not keep a list for ever. The helper has the
 * lowest priority, and may have to wait for a scan. */
#define PATIENCE_MS 60000
#define QUESTIONS_MAX 8
#define PICTURE_SIZE ((size_t)RUN_CARD_SIDE * RUN_CARD_SIDE)

struct found_file {
    char *path;
    uint64_t bytes, modified_ns;
};

/* One request. `files` and `n_files` are the job's until it is done. */
struct question {
    struct run_list *list;
    struct question *next;
    uint64_t offset, limit;
    run_list_answer_fn answer;
    void *data;
    char directories[1 + CONFIG_DIRECTORIES_MAX][1024];
    size_t n_directories;
    struct found_file *files;
    size_t n_files, room;
    json_t *cards[RUN_LIST_PAGE_MAX]; /* of files[offset + i]; NULL: not read yet */
    size_t n_cards;
    size_t asked_to; /* the helper reads cards up to here */
    struct helper *helper;
    bool has_job, orphaned;
};

struct run_list {
    uv_loop_t *loop;
    struct jobs *jobs;
    const struct config *config;
    struct run_cards cards;
    struct question *questions;
    unsigned n_questions;
    uv_timer_t patience; /* of the helper that has begun first */
    uint64_t progress_ns;
};

static void question_free(struct question *question)
{
    for (size_t i = 0; i < question->n_files; i++)
        free(question->files[i].path);
    for (size_t i = 0; i < question->n_cards; i++)
        json_decref(question->cards[i]);
    free(question->files);
    free(question);
}

static void take_out(struct question *question)
{
    struct question **at = &question->list->questions;
    while (*at != question)
        at = &(*at)->next;
    *at = question->next;
    question->list->n_questions--;
}

/* ---- which files ---- */

static void note_file(void *data, const char *path, const struct stat *facts)
{
    struct question *const question = data;
    if (question->n_files == question->room) {
        const size_t room = question->room ? 2 * question->room : 64;
        struct found_file *const more = realloc(question->files, room * sizeof *more);
        if (!more)
            return;
        question->files = more;
        question->room = room;
    }
    char *const copy = strdup(path);
    if (copy)
        question->files[question->n_files++] = (struct found_file){
            copy,
            (uint64_t)facts->st_size,
            (uint64_t)facts->st_mtim.tv_sec * NS_PER_S + (uint64_t)facts->st_mtim.tv_nsec,
        };
}

static int newest_first(const void *a, const void *b)
{
    const struct found_file *const one = a, *const other = b;
    if (one->modified_ns != other->modified_ns)
        return one->modified_ns > other->modified_ns ? -1 : 1;
    return strcmp(other->path, one->path);
}

static void find_files(void *data)
{
    struct question *const question = data;
    for (size_t i = 0; i < question->n_directories; i++)
        walk_files(question->directories[i], ".h5", note_file, question);
    if (question->n_files > 0)
        qsort(question->files, question->n_files, sizeof *question->files, newest_first);
}

/* The directories as they really are, each once and none that lies in another. */
static void take_directory(struct question *question, const char *directory)
{
    char real[PATH_MAX];
    if (!realpath(directory, real) || strlen(real) >= sizeof question->directories[0])
        return;
    for (size_t i = 0; i < question->n_directories; i++) {
        const size_t n = strlen(question->directories[i]);
        if (strncmp(real, question->directories[i], n) == 0 && (real[n] == '/' || !real[n]))
            return;
    }
    strcpy(question->directories[question->n_directories++], real);
}

/* ---- the answer ---- */

static unsigned digit(char character)
{
    return character <= '9' ? (unsigned)(character - '0') : (unsigned)(character - 'a' + 10);
}

/* The pixels of a card into its plane; the card's own copy is for us alone. */
static json_t *take_picture(json_t *thumbnail, uint8_t *plane)
{
    const char *const text = json_string_value(json_object_get(thumbnail, "pixels"));
    const json_t *const shape = json_object_get(thumbnail, "shape");
    const size_t height = (size_t)json_integer_value(json_array_get(shape, 0));
    const size_t width = (size_t)json_integer_value(json_array_get(shape, 1));
    if (!text || height > RUN_CARD_SIDE || width > RUN_CARD_SIDE ||
        strlen(text) != 2 * height * width || strspn(text, "0123456789abcdef") != strlen(text))
        return json_null();
    for (size_t i = 0; i < height * width; i++)
        plane[i / width * RUN_CARD_SIDE + i % width] =
            (uint8_t)(16 * digit(text[2 * i]) + digit(text[2 * i + 1]));
    json_t *const without = json_copy(thumbnail);
    json_object_del(without, "pixels");
    return without;
}

static const char *name_of(const struct question *question, const char *path)
{
    for (size_t i = 0; i < question->n_directories; i++) {
        const size_t n = strlen(question->directories[i]);
        if (strncmp(path, question->directories[i], n) == 0)
            return path + n + 1;
    }
    return path;
}

static json_t *run_json(const struct question *question, size_t i, uint8_t *plane)
{
    const struct found_file *const file = &question->files[question->offset + i];
    json_t *const json = json_copy(question->cards[i]);
    json_object_set_new(json, "name", json_string(name_of(question, file->path)));
    json_object_set_new(json, "modified", json_time(file->modified_ns));
    json_object_set_new(json, "thumbnail", take_picture(json_object_get(json, "thumbnail"), plane));
    return json;
}

static json_t *part_json(size_t n)
{
    return json_pack("[{s:s, s:s, s:[I, i, i], s:[s, s, s], s:s, s:I, s:s}]", "name", "thumbnails",
                     "dtype", "|u1", "shape", (json_int_t)n, RUN_CARD_SIDE, RUN_CARD_SIDE, "dims",
                     "run", "y", "x", "units", "", "nbytes",
                     (json_int_t)n * (json_int_t)PICTURE_SIZE, "encoding", "raw");
}

static void give(struct question *question)
{
    const size_t n = question->n_cards;
    uint8_t *const pictures = calloc(n + 1, PICTURE_SIZE);
    const struct error error = {.code = -ENOMEM, .text = "no memory for the list of recordings"};
    json_t *const runs = json_array();
    for (size_t i = 0; pictures && i < n; i++)
        json_array_append_new(runs, run_json(question, i, pictures + i * PICTURE_SIZE));
    json_t *const result =
        pictures ? json_pack("{s:I, s:I, s:o, s:o}", "total", (json_int_t)question->n_files,
                             "offset", (json_int_t)question->offset, "runs", json_incref(runs),
                             "parts", part_json(n))
                 : NULL;
    json_decref(runs);
    take_out(question);
    question->answer(question->data, result, pictures, n * PICTURE_SIZE, &error);
    free(pictures);
    question_free(question);
}

/* ---- reading ---- */

static size_t first_unread(const struct question *question)
{
    size_t i = 0;
    while (i < question->n_cards && question->cards[i])
        i++;
    return i;
}

static void keep_card(struct question *question, size_t i, json_t *card)
{
    const struct found_file *const file = &question->files[question->offset + i];
    question->cards[i] = json_incref(card);
    run_cards_put(&question->list->cards, file->path, file->bytes, file->modified_ns, card);
}

static void on_line(void *data, char *line)
{
    struct question *const question = data;
    json_t *const card = json_loads(line, 0, NULL);
    const char *const path = json_string_value(json_object_get(card, "file"));
    const size_t i = first_unread(question);
    question->list->progress_ns = clock_monotonic_ns();
    if (path && i < question->n_cards &&
        strcmp(path, question->files[question->offset + i].path) == 0)
        keep_card(question, i, card);
    else
        json_decref(card);
}

static void read_on(struct question *question);

/* A process that did not come to its end was ended by the file that it was at. */
static void on_ended(void *data, int64_t status, int signal)
{
    struct question *const question = data;
    const size_t i = first_unread(question);
    question->helper = NULL;
    if (i < question->asked_to) {
        const struct found_file *const file = &question->files[question->offset + i];
        const char *const how = signal ? strsignal(signal) : "it ended without a word";
        log_error("opened", "the process that reads %s came to nothing: %s (exit code %d)",
                  file->path, how, (int)status);
        keep_card(question, i,
                  json_pack("{s:s, s:s+, s:I}", "file", file->path, "error",
                            "it cannot be read, the process that tried came to nothing: ", how,
                            "bytes", (json_int_t)file->bytes));
    }
    read_on(question);
}

static void on_patience(uv_timer_t *timer)
{
    struct run_list *const list = timer->data;
    if (clock_monotonic_ns() < list->progress_ns + PATIENCE_MS * NS_PER_MS)
        return;
    for (struct question *question = list->questions; question; question = question->next) {
        if (question->helper)
            helper_end(question->helper);
    }
    list->progress_ns = clock_monotonic_ns();
}

/* Files are read one after the other, in the order of the page; those that are known are passed
 * over by beginning behind them. */
static void read_on(struct question *question)
{
    char option[] = "--cards";
    char *arguments[2 + RUN_LIST_PAGE_MAX] = {option};
    size_t n = 1;
    struct error error = {0};
    size_t i = first_unread(question);
    for (; i < question->n_cards && !question->cards[i]; i++)
        arguments[n++] = question->files[question->offset + i].path;
    question->asked_to = i;
    if (n == 1) {
        give(question);
        return;
    }
    const struct helper_events events = {question, on_line, on_ended};
    question->list->progress_ns = clock_monotonic_ns();
    if (helper_start(&question->helper, question->list->loop, question->list->config, arguments,
                     &events, &error) == 0)
        return;
    take_out(question);
    question->answer(question->data, NULL, NULL, 0, &error);
    question_free(question);
}

static void on_found(void *data, bool cancelled)
{
    struct question *const question = data;
    question->has_job = false;
    if (cancelled || question->orphaned) {
        question_free(question);
        return;
    }
    const uint64_t left =
        question->offset < question->n_files ? question->n_files - question->offset : 0;
    question->n_cards = left < question->limit ? left : question->limit;
    for (size_t i = 0; i < question->n_cards; i++) {
        const struct found_file *const file = &question->files[question->offset + i];
        question->cards[i] = json_incref(
            run_cards_find(&question->list->cards, file->path, file->bytes, file->modified_ns));
    }
    read_on(question);
}

/* ---- asking ---- */

static int begin(struct question *question, struct error *error)
{
    struct run_list *const list = question->list;
    const struct config *const config = list->config;
    if (list->n_questions >= QUESTIONS_MAX)
        return error_set(error, -EBUSY, "%d lists of recordings are being made already",
                         QUESTIONS_MAX);
    take_directory(question, config->recording.directory);
    for (size_t i = 0; i < config->recording_roots.n; i++)
        take_directory(question, config->recording_roots.paths[i]);
    const int r = jobs_start(list->jobs, find_files, on_found, question);
    return r < 0 ? error_set(error, r, "no list of recordings: %s", strerror(-r)) : 0;
}

void run_list_ask(struct run_list *list, uint64_t offset, uint64_t limit, run_list_answer_fn answer,
                  void *data)
{
    struct error error = {.code = -ENOMEM, .text = "no memory for the list of recordings"};
    struct question *const question = calloc(1, sizeof *question);
    if (question) {
        *question = (struct question){
            .list = list,
            .offset = offset,
            .limit = limit < RUN_LIST_PAGE_MAX ? limit : RUN_LIST_PAGE_MAX,
            .answer = answer,
            .data = data,
        };
    }
    if (!question || begin(question, &error) < 0) {
        answer(data, NULL, NULL, 0, &error);
        free(question);
        return;
    }
    question->has_job = true;
    question->next = list->questions;
    list->questions = question;
    list->n_questions++;
}

/* ---- life ---- */

int run_list_create(struct run_list **out, uv_loop_t *loop, struct jobs *jobs,
                    const struct config *config, struct error *error)
{
    struct run_list *const list = calloc(1, sizeof *list);
    if (!list)
        return error_set(error, -ENOMEM, "no memory");
    list->loop = loop;
    list->jobs = jobs;
    list->config = config;
    uv_timer_init(loop, &list->patience);
    list->patience.data = list;
    uv_timer_start(&list->patience, on_patience, PATIENCE_MS, PATIENCE_MS / 4);
    *out = list;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct run_list *const list = handle->data;
    run_cards_finish(&list->cards);
    free(list);
}

void run_list_destroy(struct run_list *list)
{
    if (!list)
        return;
    const struct error error = {.code = -ESHUTDOWN, .text = "merlind is stopping"};
    while (list->questions) {
        struct question *const question = list->questions;
        list->questions = question->next;
        question->answer(question->data, NULL, NULL, 0, &error);
        helper_destroy(question->helper);
        question->orphaned = true;
        if (!question->has_job)
            question_free(question);
    }
    uv_close((uv_handle_t *)&list->patience, on_closed);
}
