#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * A YAML text as a tree of texts that know where they stand. Nothing is interpreted: `true`, `12`
 * and `null` are scalars like any other, so that the type of a value is decided by the key it
 * belongs to. Aliases, tags, duplicate keys and a second document are refused: a configuration says
 * each thing once, in its place.
 */
enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
    enum yaml_kind kind;
    unsigned line, column; /* from 1; columns count characters */
    char *text;            /* of a scalar, and never NULL there */
    bool plain;            /* a scalar without quotes */
    size_t n;              /* items of a sequence, pairs of a mapping */
    struct yaml_node *keys, *items;
};

/* What is read, and where its errors are told. */
struct yaml_source {
    const char *name;  /* of the file, "-o" for an option */
    const char *shown; /* the text as its author wrote it, to quote from */
    FILE *messages;
    unsigned n_errors;
    unsigned line, column; /* of the first of them */
};

/*
 * Reads one document of `size` bytes into *root: NULL when there is nothing in it. On a syntax
 * error reports it and returns -EINVAL; -ENOMEM without memory. Errors that leave the tree usable
 * (a duplicate key) are reported and counted only.
 */
int yaml_parse(struct yaml_source *source, const char *text, size_t size, struct yaml_node **root);

/* NULL does nothing. */
void yaml_destroy(struct yaml_node *root);

/* Prints `name:line:column: error: text`, the line and a caret below the column, and counts it. */
__attribute__((format(printf, 4, 5))) void yaml_report(struct yaml_source *source, unsigned line,
                                                       unsigned column, const char *format, ...);

/* An empty scalar, `null` or `~`: a key whose value was left out. NULL too. */
bool yaml_is_empty(const struct yaml_node *node);

/* "this list", "this mapping" or "'the text'", for error sentences; cut to `size`. */
const char *yaml_describe(const struct yaml_node *node, char *text, size_t size);
