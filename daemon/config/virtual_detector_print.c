#include <ctype.h>
#include <string.h>

#include "daemon/config/config_keys.h"
#include "daemon/config/virtual_detector_text.h"

static void print_real(const char *key, double value, FILE *out)
{
    fprintf(out, ", %s: ", key);
    config_print_real(value, out);
}

static void print_pair(const char *key, double first, double second, FILE *out)
{
    fprintf(out, ", %s: [", key);
    config_print_real(first, out);
    fputs(", ", out);
    config_print_real(second, out);
    fputs("]", out);
}

static void print_name(const char *name, FILE *out)
{
    /* A name may look like something else to YAML: "-", "null". */
    const bool plain = isalpha((unsigned char)name[0]) && strcmp(name, "null") != 0;
    const char *const quote = plain ? "" : "\"";
    fprintf(out, "{name: %s%s%s", quote, name, quote);
}

static void print_ring(const struct virtual_detector_settings *settings, FILE *out)
{
    print_real("inner", settings->inner, out);
    print_real("outer", settings->outer, out);
}

static void print_k_band(const struct virtual_detector_settings *settings, FILE *out)
{
    print_real("k_inner", settings->k_inner, out);
    print_real("k_outer", settings->k_outer, out);
    if (settings->pixel_size_k > 0)
        print_real("pixel_size_k", settings->pixel_size_k, out);
}

static void print_mask(const struct virtual_detector_settings *settings, FILE *out)
{
    if (!settings->mask_path[0])
        return;
    fputs(", mask: ", out);
    config_print_quoted(settings->mask_path, out);
}

static void print_shape(const struct virtual_detector_settings *settings, FILE *out)
{
    switch (settings->shape) {
    case VIRTUAL_DETECTOR_DISK:
        print_real("radius", settings->outer, out);
        break;
    case VIRTUAL_DETECTOR_ANNULUS:
        print_ring(settings, out);
        break;
    case VIRTUAL_DETECTOR_SECTOR:
        print_ring(settings, out);
        print_pair("angles", settings->start_angle, settings->stop_angle, out);
        break;
    case VIRTUAL_DETECTOR_SEGMENTED:
        print_ring(settings, out);
        fprintf(out, ", sectors: %u", settings->n_sectors);
        print_real("start_angle", settings->start_angle, out);
        break;
    case VIRTUAL_DETECTOR_RECTANGLE:
        print_pair("size", settings->height, settings->width, out);
        break;
    case VIRTUAL_DETECTOR_POINT:
        break;
    case VIRTUAL_DETECTOR_K_BAND:
        print_k_band(settings, out);
        break;
    case VIRTUAL_DETECTOR_MASK:
        print_mask(settings, out);
        break;
    }
}

void virtual_detector_print(const struct virtual_detector_settings *settings, FILE *out)
{
    print_name(settings->name, out);
    fprintf(out, ", shape: %s", virtual_detector_shape_name(settings->shape));
    if (settings->shape != VIRTUAL_DETECTOR_MASK && settings->centre_given)
        print_pair("centre", settings->centre_y, settings->centre_x, out);
    print_shape(settings, out);
    if (settings->edge != VIRTUAL_DETECTOR_HARD)
        fprintf(out, ", edge: %s", virtual_detector_edge_name(settings->edge));
    if (settings->mode != VIRTUAL_DETECTOR_SUM)
        fprintf(out, ", mode: %s", virtual_detector_mode_name(settings->mode));
    fputs("}", out);
}
