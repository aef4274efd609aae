#pragma once

#include "clients/ctl/client.h"
#include "clients/ctl/options.h"

/* Exit codes beside 0; 64 and up are those of sysexits.h. */
enum exit_code {
    EXIT_INCOMPLETE = 1,  /* the run ended otherwise than complete */
    EXIT_REFUSED = 2,     /* by the daemon or the detector */
    EXIT_NOT_NOW = 3,     /* busy, not connected, or no such data (yet) */
    EXIT_NOT_ALLOWED = 4, /* somebody else holds control, or the role or configuration forbids it */
    EXIT_BAD_USAGE = 64,  /* EX_USAGE */
    EXIT_NO_DAEMON = 69,  /* EX_UNAVAILABLE */
    EXIT_INTERNAL = 70,   /* EX_SOFTWARE */
    EXIT_NO_OUTPUT = 73,  /* EX_CANTCREAT: the output file or stdout cannot be written */
    EXIT_BAD_PROTOCOL = 76 /* EX_PROTOCOL */
};

typedef int (*command_fn)(const struct options *options, struct client *client);

struct command {
    const char *name;
    unsigned min_words, max_words;
    unsigned allowed;  /* enum option_set */
    const char *words; /* as in a usage line */
    command_fn run;    /* returns the exit code */
};

int command_status(const struct options *options, struct client *client);
int command_watch(const struct options *options, struct client *client);
int command_ping(const struct options *options, struct client *client);
int command_start(const struct options *options, struct client *client);
int command_view(const struct options *options, struct client *client);
int command_record(const struct options *options, struct client *client);
int command_nudge(const struct options *options, struct client *client);
int command_geometry(const struct options *options, struct client *client);
int command_stop(const struct options *options, struct client *client);
int command_run(const struct options *options, struct client *client);
int command_series(const struct options *options, struct client *client);
int command_note(const struct options *options, struct client *client);
int command_samples(const struct options *options, struct client *client);
int command_keep(const struct options *options, struct client *client);
int command_discard(const struct options *options, struct client *client);
int command_discarded(const struct options *options, struct client *client);
int command_runs(const struct options *options, struct client *client);
int command_open(const struct options *options, struct client *client);
int command_close(const struct options *options, struct client *client);
int command_get(const struct options *options, struct client *client);
int command_set(const struct options *options, struct client *client);
int command_command(const struct options *options, struct client *client);
int command_map(const struct options *options, struct client *client);
int command_put(const struct options *options, struct client *client);
int command_pattern(const struct options *options, struct client *client);
int command_profile(const struct options *options, struct client *client);
int command_detectors(const struct options *options, struct client *client);
int command_detector(const struct options *options, struct client *client);
int command_remove_detector(const struct options *options, struct client *client);
int command_recompute(const struct options *options, struct client *client);
int command_analyse(const struct options *options, struct client *client);
int command_bragg(const struct options *options, struct client *client);
int command_request(const struct options *options, struct client *client);
int command_log_level(const struct options *options, struct client *client);
int command_save_config(const struct options *options, struct client *client);
int command_keygen(const struct options *options, struct client *client);
int command_lease(const struct options *options, struct client *client);
int command_calibration(const struct options *options, struct client *client);
int command_measure(const struct options *options, struct client *client);
int command_save_bad_pixels(const struct options *options, struct client *client);
int command_save_gain(const struct options *options, struct client *client);
int command_calibrations(const struct options *options, struct client *client);
int command_save_calibration(const struct options *options, struct client *client);
int command_remove_calibration(const struct options *options, struct client *client);
int command_references(const struct options *options, struct client *client);
int command_reference(const struct options *options, struct client *client);
int command_attach(const struct options *options, struct client *client);
int command_remove_reference(const struct options *options, struct client *client);
int command_shutdown(const struct options *options, struct client *client);

/* The status as one screen. */
void status_print(const json_t *status);

/* The command of that name, or NULL. */
const struct command *command_find(const char *name);

/*
 * Tells why a request failed (`code`: what client_request returned): a sentence on stderr and, with
 * --json, {"error": {...}} on stdout. Returns the exit code.
 */
int command_failed(const struct options *options, const struct reply *reply, int code,
                   const struct error *error);

/*
 * Sends a command and tells its answer: as JSON with --json, else through `print`. Takes over
 * `arguments`. Returns the exit code.
 */
int command_ask(const struct options *options, struct client *client, const char *command,
                json_t *arguments, void (*print)(const json_t *result));

/* Writes the part of a reply to the file of -o, as numbers or as a picture. Returns the exit code.
 */
int command_save_part(const struct options *options, struct reply *reply, const char *part);

/* A result that is a tree of numbers with names, without the description of its raw parts: JSON for
 * a person too, indented. */
void command_print_tree(const struct options *options, json_t *result);
