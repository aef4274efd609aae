#include <jansson.h>
#include <string.h>

#include "daemon/config/config_keys.h"

/* The configuration as JSON Schema, for editors and programs that write one. It says of each key
 * alone what the loader says of it; what concerns several keys at once only the loader knows. */

/* Where a type does not depend on its key. */
static const struct {
    const struct config_type *type;
    const char *schema;
} fixed[] = {
    {&config_type_bool, "{'type': 'boolean'}"},
    {&config_type_size_or_auto,
     "{'anyOf': [{'type': 'integer', 'minimum': 0}, {'type': 'string', 'pattern': "
     "'^(auto|[0-9]+ *([KMGT]iB|[kMGT]?B)?)$'}]}"},
    {&config_type_name, "{'type': 'string', 'pattern': '^[A-Za-z0-9_-]+$'}"},
    {&config_type_threshold,
     "{'anyOf': [{'type': 'number'}, {'enum': ['half', 'median', 'otsu']}]}"},
    {&config_type_host, "{'type': 'string', 'pattern': '^[A-Za-z0-9._:%-]+$'}"},
    {&config_type_directory, "{'type': 'string', 'minLength': 1}"},
    {&config_type_directory_or_auto, "{'type': 'string', 'minLength': 1}"},
    {&config_type_file, "{'type': 'string', 'minLength': 1}"},
    {&config_type_name_template, "{'type': 'string', 'minLength': 1}"},
    {&config_type_directories,
     "{'type': 'array', 'maxItems': 8, 'items': {'type': 'string', 'pattern': '^/'}}"},
    {&config_type_command, "{'type': 'array', 'prefixItems': [{'type': 'string', 'pattern': "
                           "'^/'}], 'items': {'type': 'string'}}"},
    {&config_type_endpoint,
     "{'type': 'string', 'pattern': '^(tcp://.+:([0-9]+|\\\\*)|ipc://.+)$'}"},
    {&config_type_listen, "{'type': 'string', 'pattern': '^.+:([0-9]+|\\\\*)$'}"},
    {&config_type_token, "{'type': 'string', 'pattern': '^(auto|[A-Za-z0-9_-]{16,128})$'}"},
    {&config_type_origins,
     "{'type': 'array', 'items': {'type': 'string', 'pattern': '^https?://[^/]+$'}}"},
    {&config_type_virtual_detectors,
     "{'type': ['array', 'null'], 'maxItems': 64, 'items': {'type': 'object', 'required': ['name', "
     "'shape'], 'properties': {'name': {'type': 'string', 'pattern': '^[A-Za-z0-9_-]{1,47}$'}, "
     "'shape': {'enum': ['disk', 'annulus', 'sector', 'segmented', 'rectangle', 'point', 'k_band', "
     "'mask']}, 'centre': {'$ref': '#/$defs/pair'}, 'radius': {'type': 'number'}, 'inner': "
     "{'type': 'number'}, 'outer': {'type': 'number'}, 'angles': {'$ref': '#/$defs/pair'}, "
     "'sectors': {'type': 'integer', 'minimum': 2, 'maximum': 64}, 'start_angle': {'type': "
     "'number'}, 'size': {'$ref': '#/$defs/pair'}, 'k_inner': {'type': 'number'}, 'k_outer': "
     "{'type': 'number'}, 'pixel_size_k': {'type': 'number'}, 'mask': {'type': 'string'}, 'edge': "
     "{'enum': ['hard', 'antialiased']}, 'mode': {'enum': ['sum', 'mean']}}, "
     "'additionalProperties': false}}"},
};

/* Numbers of the key's range, in pairs or with a word beside them. */
static const struct {
    const struct config_type *type;
    const char *number; /* of JSON Schema */
    bool pair;
    const char *word; /* NULL: none */
} ranged[] = {
    {&config_type_number, "integer", false, NULL},
    {&config_type_number_or_auto, "integer", false, "auto"},
    {&config_type_real, "number", false, NULL},
    {&config_type_real_or_auto, "number", false, "auto"},
    {&config_type_real_or_measure, "number", false, "measure"},
    {&config_type_pair_or_auto, "number", true, "auto"},
    {&config_type_centre, "number", true, "auto"},
    {&config_type_scan_shape, "integer", true, "auto"},
};

/* Quotes of C's strings are in the way of JSON's. */
static json_t *parse(const char *text)
{
    char json[2048];
    size_t n = 0;
    for (; text[n] && n < sizeof json - 1; n++)
        json[n] = text[n] == '\'' ? '"' : text[n];
    json[n] = '\0';
    return json_loads(json, JSON_DECODE_ANY, NULL);
}

static json_t *bound(double value)
{
    return value == (double)(json_int_t)value ? json_integer((json_int_t)value) : json_real(value);
}

/* 0 stands for auto, beside the range. */
static json_t *range_schema(const struct config_key *key, const char *type, bool with_zero)
{
    json_t *const schema = json_pack("{s:s}", "type", type);
    if (key->maximum > 0 || key->minimum < 0) {
        json_object_set_new(schema, "minimum", bound(with_zero ? 0 : key->minimum));
        json_object_set_new(schema, "maximum", bound(key->maximum));
    }
    return schema;
}

static json_t *ranged_schema(const struct config_key *key, size_t i)
{
    const char *const word = ranged[i].word;
    const bool with_zero = key->type == &config_type_number_or_auto;
    json_t *schema = range_schema(key, ranged[i].number, with_zero);
    if (ranged[i].pair)
        schema = json_pack("{s:s, s:i, s:i, s:o}", "type", "array", "minItems", 2, "maxItems", 2,
                           "items", schema);
    return word ? json_pack("{s:[o, {s:s}]}", "anyOf", schema, "const", word) : schema;
}

static json_t *choice_schema(const struct config_key *key)
{
    json_t *const words = json_array();
    for (size_t i = 0; key->choices[i]; i++)
        json_array_append_new(words, json_string(key->choices[i]));
    return json_pack("{s:o}", "enum", words);
}

static json_t *type_schema(const struct config_key *key)
{
    if (key->choices)
        return choice_schema(key);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (key->type == fixed[i].type)
            return parse(fixed[i].schema);
    }
    for (size_t i = 0; i < sizeof ranged / sizeof *ranged; i++) {
        if (key->type == ranged[i].type)
            return ranged_schema(key, i);
    }
    return json_object();
}

static json_t *default_value(const char *text)
{
    json_t *const value = json_loads(text, JSON_DECODE_ANY, NULL);
    return value ? value : json_string(text);
}

static json_t *key_schema(const struct config_key *key)
{
    json_t *const schema = json_pack("{s:s}", "description", key->text);
    json_t *const type = type_schema(key);
    if (key->unit)
        json_object_set_new(schema, "$comment", json_sprintf("in %s", key->unit));
    json_object_update(schema, type);
    json_object_set_new(schema, "default", default_value(key->default_text));
    json_decref(type);
    return schema;
}

static const char *section_text(const char *path)
{
    for (size_t i = 0; i < config_n_sections; i++) {
        if (strcmp(config_sections[i].path, path) == 0)
            return config_sections[i].text;
    }
    return NULL;
}

/* The section of that path below `parent`, borrowed; made where it is not there yet. */
static json_t *section_schema(json_t *parent, const char *path)
{
    const char *const dot = strrchr(path, '.'), *const name = dot ? dot + 1 : path;
    json_t *const members = json_object_get(parent, "properties");
    json_t *section = json_object_get(members, name);
    if (section)
        return section;
    section = json_pack("{s:s*, s:[s, s], s:{}, s:b}", "description", section_text(path), "type",
                        "object", "null", "properties", "additionalProperties", 0);
    json_object_set_new(members, name, section);
    return section;
}

static void add_key(json_t *root, const struct config_key *key)
{
    char path[128];
    json_t *section = root;
    const char *leaf = key->path;
    for (const char *dot; (dot = strchr(leaf, '.')); leaf = dot + 1) {
        snprintf(path, sizeof path, "%.*s", (int)(dot - key->path), key->path);
        section = section_schema(section, path);
    }
    json_object_set_new(json_object_get(section, "properties"), leaf, key_schema(key));
}

void config_print_schema(FILE *out)
{
    json_t *const root = json_pack(
        "{s:s, s:s, s:s, s:s, s:[s, s], s:{}, s:b, s:o}", "$schema",
        "https://json-schema.org/draft/2020-12/schema", "$id", "configuration.json", "title",
        "The configuration of merlind", "description",
        "merlind.yaml(5) as YAML has it in JSON's types. merlind --print-schema prints this.",
        "type", "object", "null", "properties", "additionalProperties", 0, "$defs",
        parse("{'pair': {'type': 'array', 'minItems': 2, 'maxItems': 2, 'items': {'type': "
              "'number'}}}"));
    for (size_t i = 0; i < CONFIG_KEYS; i++)
        add_key(root, &config_keys[i]);
    json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    fputc('\n', out);
    json_decref(root);
}
