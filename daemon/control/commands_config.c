#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/text_file.h"
#include "daemon/config/config_keys.h"
#include "daemon/config/config_save.h"
#include "daemon/control/commands.h"
#include "daemon/control/running_config.h"

/* log_level, and config_save: the configuration in force as a file. */

void command_log_level(const struct control_service *service, struct request *request, json_t *args)
{
    const json_t *const given = json_object_get(args, "level");
    enum log_level level = service->config->log_level;
    if (given &&
        (!json_is_string(given) || !log_level_from_name(json_string_value(given), &level))) {
        request_fail(request, "bad_value", "args.level",
                     "level must be error, warning, notice, info or debug");
        return;
    }
    if (given) {
        config_change_log_level(service->config, level);
        log_write(&(const struct log_about){.level = level}, "control",
                  "the log has lines from the level %s on, as %s asks", log_level_name(level),
                  request_caller(request)->name);
    }
    request_succeed(request, json_pack("{s:s}", "level", log_level_name(level)), NULL, 0);
}

/* ---- config_save ---- */

/* On its way to the disk, which may be slow. */
struct saving {
    struct request *request;
    char path[1024], *text;
    enum text_file_way way;
    json_t *result;
    struct error error;
};

/* Where it goes when nobody says it: a file of our own, which is replaced. */
static void own_path(const struct config *config, char path[1024])
{
    const char *const state = getenv("STATE_DIRECTORY");
    const int length = state ? (int)strcspn(state, ":") : 0;
    if (length > 0)
        snprintf(path, 1024, "%.*s/saved.yaml", length, state);
    else
        snprintf(path, 1024, "%.1000s/merlind-saved.yaml", config->recording.directory);
}

static bool take_path(struct saving *saving, const struct config *config, struct request *request,
                      const json_t *args)
{
    const json_t *const given = json_object_get(args, "path");
    const char *const path = json_string_value(given);
    const size_t length = json_string_length(given);
    saving->way = given ? TEXT_FILE_NEW : TEXT_FILE_REPLACE;
    if (!given)
        own_path(config, saving->path);
    else if (length >= 7 && length < sizeof saving->path && path[0] == '/' &&
             strlen(path) == length && strcmp(path + length - 5, ".yaml") == 0)
        memcpy(saving->path, path, length + 1);
    else
        request_fail(request, "bad_value", "args.path",
                     "path must be the absolute path of a file that ends in .yaml");
    return saving->path[0];
}

static json_t *changed_keys(const struct config *running)
{
    json_t *const changed = json_array();
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        if (running->origins[i].kind == CONFIG_FROM_CLIENT)
            json_array_append_new(changed, json_string(config_keys[i].path));
    }
    return changed;
}

static int make_text(struct saving *saving, const struct control_service *service)
{
    struct config running;
    json_t *left_out;
    if (running_config_init(&running, service, &left_out) < 0)
        return error_set(&saving->error, -ENOMEM, "no memory");
    const int r = config_text(&running, &saving->text, &saving->error);
    saving->result = json_pack("{s:s, s:o, s:o}", "path", saving->path, "changed",
                               changed_keys(&running), "left_out", left_out);
    config_finish(&running);
    return r;
}

static void saving_destroy(struct saving *saving)
{
    json_decref(saving->result);
    free(saving->text);
    free(saving);
}

/* Only its owner may read it: the page's token may be in it. */
static void write_it(void *data)
{
    struct saving *const saving = data;
    text_file_write(saving->path, saving->text, saving->way, 0600, &saving->error);
}

static void on_written(void *data, bool cancelled)
{
    struct saving *const saving = data;
    const struct error *const error = &saving->error;
    if (cancelled)
        request_abandon(saving->request);
    else if (error->code)
        request_fail(saving->request, "bad_value", "args.path", "%s%s", error->text,
                     error->code == -EEXIST ? ": give another name" : "");
    else {
        log_notice("control", "the configuration was saved as %s", saving->path);
        request_succeed(saving->request, json_incref(saving->result), NULL, 0);
    }
    saving_destroy(saving);
}

void command_config_save(const struct control_service *service, struct request *request,
                         json_t *args)
{
    struct saving *const saving = calloc(1, sizeof *saving);
    if (!saving) {
        request_fail(request, "internal", NULL, "no memory");
        return;
    }
    saving->request = request;
    if (!take_path(saving, service->config, request, args)) {
        saving_destroy(saving);
        return;
    }
    int r = make_text(saving, service);
    if (r == 0) {
        r = jobs_start(service->jobs, write_it, on_written, saving);
        if (r < 0)
            error_set(&saving->error, r, "no thread to write it: %s", strerror(-r));
    }
    if (r < 0) {
        request_fail(request, "internal", NULL, "%s", saving->error.text);
        saving_destroy(saving);
    }
}
