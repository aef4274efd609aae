#pragma once

#include <stddef.h>
#include <stdio.h>

#include "daemon/config/config.h"
#include "daemon/config/config_yaml.h"

/*
 * The table of keys, and the types of their values. Loading, checking and printing know the keys
 * only from here.
 */
struct config_key;

struct config_type {
    const char *name; /* for the man page: "whole number", "size" */
    /* Checks `node` and stores its value in `config`; 0, or -EINVAL with a report to `source` that
     * names the key. */
    int (*load)(const struct config_key *key, const struct yaml_node *node, struct config *config,
                struct yaml_source *source);
    /* Prints the value as YAML that `load` takes. */
    void (*print)(const struct config_key *key, const struct config *config, FILE *out);
};

struct config_key {
    const char *path; /* "recording.compression.codec" */
    const struct config_type *type;
    size_t offset, size; /* of the field in struct config */
    bool reloads;        /* may change while merlind runs; the field is plain memory */
    double minimum, maximum;
    const char *const *choices; /* NULL-terminated, in the order of their enum */
    const char *unit;           /* NULL: none */
    const char *default_text;   /* YAML */
    const char *shipped_text;   /* what the shipped file sets it to; NULL: leaves the default */
    const char *const
        *examples;    /* NULL-terminated lines for the shipped file in place of the default */
    const char *text; /* sentences for the person who sets it */
};

struct config_section {
    const char *path;
    const char *text; /* NULL: nothing to say */
};

extern const struct config_key config_keys[CONFIG_KEYS];
extern const struct config_section config_sections[];
extern const size_t config_n_sections;

extern const struct config_type config_type_bool;
extern const struct config_type config_type_number;            /* of the field's size */
extern const struct config_type config_type_number_or_auto;    /* auto is 0 */
extern const struct config_type config_type_size_or_auto;      /* uint64_t bytes, auto is 0 */
extern const struct config_type config_type_real;              /* double */
extern const struct config_type config_type_real_or_auto;      /* double, auto is NaN */
extern const struct config_type config_type_real_or_measure;   /* double, measure is NaN */
extern const struct config_type config_type_pair_or_auto;      /* two doubles, auto is NaN */
extern const struct config_type config_type_threshold;         /* struct threshold */
extern const struct config_type config_type_name;              /* char array, "none" is "" */
extern const struct config_type config_type_choice;            /* an enum */
extern const struct config_type config_type_host;              /* char array, as the following */
extern const struct config_type config_type_directory;         /* made absolute */
extern const struct config_type config_type_directories;       /* struct directory_list */
extern const struct config_type config_type_command;           /* struct command_words */
extern const struct config_type config_type_name_template;     /* char array */
extern const struct config_type config_type_directory_or_auto; /* the same; auto is "" */
extern const struct config_type config_type_file;              /* made absolute, "none" is "" */
extern const struct config_type config_type_endpoint;          /* of ZeroMQ */
extern const struct config_type config_type_listen;            /* HOST:PORT */
extern const struct config_type config_type_token;             /* char array, auto is "" */
extern const struct config_type config_type_origins;           /* char array, blanks between */
extern const struct config_type config_type_scan_shape; /* struct scan_geometry, its shape only */
extern const struct config_type config_type_centre; /* struct radial_settings, its centre only */
extern const struct config_type config_type_virtual_detectors;

/* The key's field of the configuration. */
void *config_field(const struct config_key *key, struct config *config);
const void *config_const_field(const struct config_key *key, const struct config *config);

/* "auto", or 0. */
bool config_is_auto(const struct yaml_node *node);

/* Reports "'path' must be WANTED, not WHAT IT IS" and returns -EINVAL. */
int config_refuse(const char *path, const struct yaml_node *node, struct yaml_source *source,
                  const char *wanted);

/* A finite number within [minimum, maximum]. */
int config_load_real(const char *path, const struct yaml_node *node, double minimum, double maximum,
                     double *value, struct yaml_source *source);

/* The shortest text that reads back as `value`. */
void config_print_real(double value, FILE *out);

/* The value as --print-config shows it, to be freed; NULL: no memory. */
char *config_value_text(const struct config_key *key, const struct config *config);

/* In quotes, as YAML reads it back. */
void config_print_quoted(const char *text, FILE *out);

/* The candidate nearest to a mistyped word; NULL when none is near. */
const char *config_suggest(const char *word, const char *const *candidates, size_t n_candidates);

/* " (did you mean 'NEAREST'?)", or "". */
const char *config_suggestion(const char *word, const char *const *candidates, size_t n_candidates,
                              char *text, size_t size);
