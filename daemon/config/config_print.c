#include <stdlib.h>
#include <string.h>

#include "daemon/config/config_keys.h"

/* The three texts that come from the table: the effective configuration, the shipped example, the
 * keys for the manual. */

enum { WIDTH = 100 };

static size_t depth_of(const char *path)
{
    size_t depth = 0;
    for (; *path; path++)
        depth += *path == '.';
    return depth;
}

static const char *leaf_of(const char *path)
{
    const char *const dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

static void indent(size_t depth, FILE *out)
{
    fprintf(out, "%*s", (int)(2 * depth), "");
}

/* Writes sentences in lines of at most WIDTH columns, each after `depth` steps and `mark`. */
static void print_wrapped(const char *text, size_t depth, const char *mark, FILE *out)
{
    const size_t room = WIDTH - 2 * depth - strlen(mark);
    while (*text) {
        size_t length = strlen(text);
        if (length > room) {
            length = room;
            while (length > 0 && text[length] != ' ')
                length--;
        }
        indent(depth, out);
        fprintf(out, "%s%.*s\n", mark, (int)length, text);
        text += length;
        text += strspn(text, " ");
    }
}

/* Calls `print` for every section that `path` enters and `previous` was not in. */
static void enter_sections(const char *previous, const char *path,
                           void (*print)(const struct config_section *section, FILE *out),
                           FILE *out)
{
    for (size_t i = 0; i < config_n_sections; i++) {
        const char *const section = config_sections[i].path;
        const size_t length = strlen(section);
        const bool inside = strncmp(path, section, length) == 0 && path[length] == '.';
        const bool was_inside = strncmp(previous, section, length) == 0 && previous[length] == '.';
        if (inside && !was_inside)
            print(&config_sections[i], out);
    }
}

static void print_section(const struct config_section *section, FILE *out)
{
    indent(depth_of(section->path), out);
    fprintf(out, "%s:\n", leaf_of(section->path));
}

static void print_origin(const struct config *config, size_t i, FILE *out)
{
    const struct config_origin *const origin = &config->origins[i];
    switch (origin->kind) {
    case CONFIG_FROM_DEFAULT:
        fputs("  # default\n", out);
        break;
    case CONFIG_FROM_FILE:
        fprintf(out, "  # from %s:%u\n", config->file, origin->line);
        break;
    case CONFIG_FROM_OPTION:
        fputs("  # -o\n", out);
        break;
    case CONFIG_FROM_CLIENT:
        fputs("  # set while merlind ran\n", out);
        break;
    }
}

char *config_value_text(const struct config_key *key, const struct config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const memory = open_memstream(&text, &size);
    if (!memory)
        return NULL;
    key->type->print(key, config, memory);
    fclose(memory);
    return text;
}

void config_print(const struct config *config, FILE *out)
{
    const char *previous = "";
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *const key = &config_keys[i];
        enter_sections(previous, key->path, print_section, out);
        indent(depth_of(key->path), out);
        fprintf(out, "%s: ", leaf_of(key->path));
        key->type->print(key, config, out);
        print_origin(config, i, out);
        previous = key->path;
    }
}

static bool is_real(const struct config_key *key)
{
    return key->type == &config_type_real || key->type == &config_type_real_or_auto;
}

/* "Value: whole number, 1 to 65535" */
static void describe_values(const struct config_key *key, FILE *out)
{
    fprintf(out, "Value: %s", key->type->name);
    for (size_t i = 0; key->choices && key->choices[i]; i++)
        fprintf(out, "%s %s", i ? "," : "", key->choices[i]);
    if (key->type == &config_type_size_or_auto)
        fputs(", 1MiB to 16TiB", out);
    else if (key->maximum > 0)
        fprintf(out, is_real(key) ? ", %g to %g" : ", %.0f to %.0f", key->minimum, key->maximum);
    if (key->unit)
        fprintf(out, " (%s)", key->unit);
}

static const char *reload_text(const struct config_key *key)
{
    return key->reloads ? "; changes with a reload" : "";
}

static void print_example_section(const struct config_section *section, FILE *out)
{
    fputs("\n", out);
    if (section->text)
        print_wrapped(section->text, depth_of(section->path), "# ", out);
    print_section(section, out);
}

static void print_example_setting(const struct config_key *key, size_t depth, FILE *out)
{
    if (key->shipped_text) {
        indent(depth, out);
        fprintf(out, "%s: %s\n", leaf_of(key->path), key->shipped_text);
        return;
    }
    if (!key->examples) {
        indent(depth, out);
        fprintf(out, "#%s: %s\n", leaf_of(key->path), key->default_text);
        return;
    }
    for (size_t i = 0; key->examples[i]; i++) {
        indent(depth, out);
        fprintf(out, "#%s\n", key->examples[i]);
    }
}

void config_print_example(FILE *out)
{
    const char *previous = "";
    print_wrapped("The configuration of merlind, the Merlin acquisition service. Every key is here "
                  "with its default; remove the # "
                  "of a setting to change it. merlind --check-config -c FILE says whether a file "
                  "is right, merlind.yaml(5) has the "
                  "same texts.",
                  0, "# ", out);
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *const key = &config_keys[i];
        const size_t depth = depth_of(key->path);
        enter_sections(previous, key->path, print_example_section, out);
        fputs("\n", out);
        print_wrapped(key->text, depth, "# ", out);
        indent(depth, out);
        fputs("# ", out);
        describe_values(key, out);
        fprintf(out, "; default: %s%s\n", key->default_text, reload_text(key));
        print_example_setting(key, depth, out);
        previous = key->path;
    }
}

/* scdoc takes these for markup. */
static void print_escaped(const char *text, FILE *out)
{
    for (; *text; text++) {
        if (strchr("*_\\`[", *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void print_escaped_values(const struct config_key *key, FILE *out)
{
    char *values = NULL;
    size_t size = 0;
    FILE *const memory = open_memstream(&values, &size);
    if (!memory)
        return;
    describe_values(key, memory);
    fprintf(memory, "; default: %s%s", key->default_text, reload_text(key));
    fclose(memory);
    print_escaped(values, out);
    free(values);
}

void config_print_scdoc(FILE *out)
{
    for (size_t i = 0; i < CONFIG_KEYS; i++) {
        const struct config_key *const key = &config_keys[i];
        fputs(i ? "\n*" : "*", out);
        print_escaped(key->path, out);
        fputs("*\n\t", out);
        print_escaped(key->text, out);
        fputs("++\n", out);
        print_escaped_values(key, out);
        fputs("\n", out);
    }
}
