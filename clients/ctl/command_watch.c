#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "clients/ctl/array.h"
#include "clients/ctl/commands.h"
#include "clients/ctl/interrupt.h"
#include "clients/ctl/output.h"
#include "clients/ctl/thumbnail.h"

/* watch: the status and a map, again and again until Ctrl-C; once where stdout is no terminal. */

#define PERIOD_NS 500000000L
#define STATUS_LINES 18 /* at most, beside the map */

struct screen {
    bool terminal;
    unsigned columns, rows;
};

static void look_at_screen(struct screen *screen)
{
    struct winsize size;
    *screen = (struct screen){.terminal = isatty(STDOUT_FILENO), .columns = 80, .rows = 40};
    if (screen->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        screen->columns = size.ws_col;
        screen->rows = size.ws_row;
    }
}

/* A map that is not there (yet) leaves its place empty. */
static void print_map(struct client *client, const char *name, const struct screen *screen)
{
    struct reply reply;
    struct error error;
    struct array map, measured;
    const unsigned rows = screen->rows > STATUS_LINES + 4 ? screen->rows - STATUS_LINES : 4;
    if (client_request(client, "map", json_pack("{s:s}", "name", name), &reply, &error) == 0 &&
        array_from_reply(&map, &reply, "data", &error) == 0) {
        const bool has_measured = array_from_reply(&measured, &reply, "measured", &error) == 0;
        printf("%s\n", name);
        thumbnail_print(stdout, &map, has_measured ? &measured : NULL, screen->columns, rows);
    }
    reply_finish(&reply);
}

/* The one that was asked for, else the first of the newest run. */
static const char *map_name(const struct options *options, const json_t *status)
{
    const json_t *const maps = json_object_get(json_object_get(status, "run"), "maps");
    return options->n_words > 0 ? options->words[0] : json_string_value(json_array_get(maps, 0));
}

static void draw(const struct options *options, struct client *client, const json_t *status,
                 const struct screen *screen)
{
    const char *const name = map_name(options, status);
    if (screen->terminal)
        fputs("\033[H\033[2J", stdout);
    status_print(status);
    if (name)
        print_map(client, name, screen);
}

/* One look. An exit code, 0: it may go on. */
static int look(const struct options *options, struct client *client)
{
    struct reply reply;
    struct screen screen;
    struct error error = {0};
    look_at_screen(&screen);
    const int r = client_request(client, "status", NULL, &reply, &error);
    if (r < 0) {
        const int exit_code = r == -EINTR ? 0 : command_failed(options, &reply, r, &error);
        reply_finish(&reply);
        return exit_code;
    }
    if (options->json)
        output_json(reply.result);
    else
        draw(options, client, reply.result, &screen);
    fflush(stdout);
    reply_finish(&reply);
    return 0;
}

int command_watch(const struct options *options, struct client *client)
{
    interrupt_watch();
    int exit_code = look(options, client);
    while (exit_code == 0 && isatty(STDOUT_FILENO) && !interrupt_caught()) {
        nanosleep(&(struct timespec){.tv_nsec = PERIOD_NS}, NULL);
        if (!interrupt_caught())
            exit_code = look(options, client);
    }
    /* Ctrl-C may come into the middle of a drawing; what is cut of that is no failure. */
    if (interrupt_caught())
        clearerr(stdout);
    return exit_code;
}
