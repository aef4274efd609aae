#include "processing/statistics/bragg_statistics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define CONFIDENCE 0.95
#define BLOCK 3
#define TILE 10
#define RESAMPLES 1999
#define AZIMUTH_STEP 10
#define TOLERANCE 1.5
#define TEXTURE_FRACTION 0.5
#define SPACING_TOLERANCE 0.02

static struct bragg_statistics_settings with_defaults(
    const struct bragg_statistics_settings *settings)
{
    struct bragg_statistics_settings s = *settings;
    s.confidence = s.confidence != 0 ? s.confidence : CONFIDENCE;
    s.block = s.block ? s.block : BLOCK;
    s.tile_y = s.tile_y ? s.tile_y : TILE;
    s.tile_x = s.tile_x ? s.tile_x : TILE;
    s.n_resamples = s.n_resamples ? s.n_resamples : RESAMPLES;
    s.azimuth_step = s.azimuth_step != 0 ? s.azimuth_step : AZIMUTH_STEP;
    s.g_step = s.g_step != 0 ? s.g_step : 1;
    s.tolerance = s.tolerance != 0 ? s.tolerance : TOLERANCE;
    s.texture_fraction = s.texture_fraction != 0 ? s.texture_fraction : TEXTURE_FRACTION;
    s.spacing_tolerance = s.spacing_tolerance != 0 ? s.spacing_tolerance : SPACING_TOLERANCE;
    return s;
}

static bool are_rates(const struct error_rates *rates)
{
    return rates->false_positive >= 0 && rates->true_positive <= 1 &&
           rates->true_positive > rates->false_positive && rates->false_positive_error >= 0 &&
           rates->true_positive_error >= 0;
}

static int check(const struct bragg_scan_results *scan,
                 const struct bragg_statistics_settings *settings, struct error *error)
{
    if (scan->ny == 0 || scan->nx == 0 || (uint64_t)scan->ny * scan->nx > INT32_MAX)
        return error_set(error, -EINVAL, "a map of %u x %u positions has no statistics", scan->ny,
                         scan->nx);
    if (!(settings->confidence > 0 && settings->confidence < 1))
        return error_set(error, -EINVAL, "confidence is %g, but must be between 0 and 1",
                         settings->confidence);
    if (settings->min_contrast != 0 && (!scan->contrast || !(settings->min_contrast > 0)))
        return error_set(error, -EINVAL,
                         "min_contrast is %g: it must be above 0 and needs the map of contrasts",
                         settings->min_contrast);
    if ((settings->rates_known && !are_rates(&settings->rates)) ||
        (settings->contrast_rates_known && !are_rates(&settings->contrast_rates)))
        return error_set(error, -EINVAL,
                         "the rates of errors must be from 0 to 1, with the true positive rate "
                         "above the false positive rate");
    return 0;
}

static int fill_fraction(struct bragg_statistics *statistics, const struct bragg_scan_results *scan,
                         const struct bragg_statistics_settings *s, uint8_t *binary,
                         struct error *error)
{
    class_binary_map(binary, scan->classes, NULL, 0, (size_t)scan->ny * scan->nx);
    const double x = (double)statistics->bragg, n = (double)statistics->n;
    statistics->wilson = wilson_interval(x, n, s->confidence);
    statistics->clopper_pearson = clopper_pearson_interval(x, n, s->confidence);
    int result = effective_size_of_map(&statistics->effective, binary, scan->ny, scan->nx, s->block,
                                       s->confidence, error);
    if (result || statistics->n == 0)
        return result;
    result = block_bootstrap(&statistics->bootstrap, binary, scan->ny, scan->nx, s->block,
                             s->n_resamples, s->seed, s->confidence, error);
    statistics->bootstrap_known = result == 0;
    statistics->corrected_known = s->rates_known;
    statistics->rates = s->rates;
    statistics->alarms = s->alarms;
    if (s->rates_known)
        statistics->corrected = rogan_gladen(statistics->fraction, statistics->effective.interval,
                                             &s->rates, s->confidence);
    return result;
}

static int fill_contrast(struct bragg_contrast_statistics *contrast,
                         const struct bragg_scan_results *scan,
                         const struct bragg_statistics_settings *s, uint8_t *binary,
                         struct error *error)
{
    *contrast = (struct bragg_contrast_statistics){
        .asked = s->min_contrast > 0,
        .min_contrast = s->min_contrast,
        .rates = s->contrast_rates,
        .fraction = NAN,
    };
    if (!contrast->asked)
        return 0;
    if (s->found.contrast == s->min_contrast)
        contrast->found = s->found;
    if (s->contrast_alarms.contrast == s->min_contrast)
        contrast->alarms = s->contrast_alarms;
    class_binary_map(binary, scan->classes, scan->contrast, s->min_contrast,
                     (size_t)scan->ny * scan->nx);
    const int result = effective_size_of_map(&contrast->effective, binary, scan->ny, scan->nx,
                                             s->block, s->confidence, error);
    if (result || contrast->effective.n == 0)
        return result;
    contrast->count = contrast->effective.x;
    contrast->fraction = (double)contrast->count / (double)contrast->effective.n;
    contrast->corrected_known =
        s->contrast_rates_known ||
        found_rates_tested(&contrast->rates, &contrast->alarms, &contrast->found);
    if (contrast->corrected_known)
        contrast->corrected = rogan_gladen(contrast->fraction, contrast->effective.interval,
                                           &contrast->rates, s->confidence);
    return 0;
}

static int fill_phase(struct bragg_phase_statistics *phase, const struct bragg_scan_results *scan,
                      const struct bragg_statistics_settings *s, uint8_t *binary,
                      struct error *error)
{
    phase->asked = scan->phase != NULL;
    if (!phase->asked)
        return 0;
    const size_t n = (size_t)scan->ny * scan->nx;
    class_binary_map(binary, scan->classes, NULL, 0, n);
    phase->table = two_by_two_of(binary, scan->phase, n);
    const int result = association_of(&phase->association, &phase->table, s->confidence, error);
    if (result)
        return result;
    return toroidal_shift_test(&phase->shift, binary, scan->phase, scan->ny, scan->nx,
                               s->max_shifts, s->seed, error);
}

static int fill_tiles(struct bragg_statistics *statistics, const struct bragg_scan_results *scan,
                      const struct bragg_statistics_settings *s, struct error *error)
{
    statistics->tile_y = s->tile_y;
    statistics->tile_x = s->tile_x;
    class_tiles_shape(statistics->tiles_shape, scan->ny, scan->nx, s->tile_y, s->tile_x);
    statistics->tiles = calloc((size_t)statistics->tiles_shape[0] * statistics->tiles_shape[1],
                               sizeof *statistics->tiles);
    if (!statistics->tiles)
        return error_set(error, -ENOMEM, "no memory for the tiles of a scan");
    class_counts_tiles(statistics->tiles, scan->classes, scan->ny, scan->nx, s->tile_y, s->tile_x);
    return 0;
}

static uint64_t positions_of(const struct class_counts *counts)
{
    return class_counts_n(counts) + counts->excluded + counts->not_analysed;
}

static int fill_areas(struct bragg_statistics *statistics, const struct bragg_scan_results *scan,
                      struct error *error)
{
    if (!scan->areas)
        return 0;
    struct class_counts *const labels = malloc(256 * sizeof *labels);
    statistics->areas = calloc(255, sizeof *statistics->areas);
    if (!labels || !statistics->areas) {
        free(labels);
        return error_set(error, -ENOMEM, "no memory for the areas of a scan");
    }
    class_counts_labels(labels, scan->classes, scan->areas, (size_t)scan->ny * scan->nx);
    for (unsigned label = 1; label < 256; label++)
        if (positions_of(&labels[label]) > 0)
            statistics->areas[statistics->n_areas++] =
                (struct bragg_area){(uint8_t)label, labels[label]};
    free(labels);
    return 0;
}

static double longest(const struct scan_reflection *reflections, size_t n)
{
    double length = 1;
    for (size_t i = 0; i < n; i++)
        length = fmax(length, hypot(reflections[i].gy, reflections[i].gx));
    return length;
}

static int fill_crystals(struct bragg_statistics *statistics, const struct bragg_scan_results *scan,
                         const struct bragg_statistics_settings *s, struct error *error)
{
    statistics->pixel_size = scan->pixel_size;
    if (s->n_crystals == 0)
        return 0;
    if (!(scan->pixel_size > 0))
        return error_set(error, -EINVAL,
                         "reflections cannot be named by their spacings: the size of a pixel in "
                         "nm^-1 is not known");
    statistics->crystals = s->crystals;
    statistics->n_crystals = s->n_crystals;
    statistics->spacing_tolerance = s->spacing_tolerance;
    int32_t *const phases = malloc((scan->n_reflections + 1) * sizeof *phases);
    statistics->crystal_counts = malloc((s->n_crystals + 2) * sizeof *statistics->crystal_counts);
    if (phases && statistics->crystal_counts)
        reflection_phases(phases, statistics->crystal_counts, scan->reflections,
                          scan->n_reflections, scan->pixel_size, s->crystals, s->n_crystals,
                          s->spacing_tolerance);
    const bool done = phases && statistics->crystal_counts;
    free(phases);
    return done ? 0 : error_set(error, -ENOMEM, "no memory for the phases of reflections");
}

static int fill_reflections(struct bragg_statistics *statistics,
                            const struct bragg_scan_results *scan,
                            const struct bragg_statistics_settings *s, struct error *error)
{
    if (!scan->reflections)
        return 0;
    const size_t n = scan->n_reflections;
    statistics->reflections_known = true;
    statistics->n_reflections = n;
    /* The longest belongs into the last bin, not above it. */
    const double end = s->g_max > 0
                           ? s->g_max
                           : (floor(longest(scan->reflections, n) / s->g_step) + 1) * s->g_step;
    int result = fill_crystals(statistics, scan, s, error);
    if (result == 0)
        result = reflection_lengths(&statistics->lengths, scan->reflections, n, 1, s->g_step, end,
                                    error);
    if (result == 0)
        result = reflection_azimuths(&statistics->azimuths, scan->reflections, n, s->azimuth_step,
                                     error);
    if (result == 0)
        result = domains_init(&statistics->domains, scan->reflections, n, scan->ny, scan->nx,
                              s->tolerance, error);
    if (result == 0)
        result = static_reflections(statistics->texture, BRAGG_STATISTICS_TEXTURE_MAX,
                                    &statistics->n_texture, scan->reflections, n, statistics->n,
                                    s->tolerance, s->texture_fraction, error);
    return result;
}

int bragg_statistics_init(struct bragg_statistics *statistics,
                          const struct bragg_scan_results *scan,
                          const struct bragg_statistics_settings *settings, struct error *error)
{
    const struct bragg_statistics_settings s = with_defaults(settings);
    *statistics = (struct bragg_statistics){0};
    int result = check(scan, &s, error);
    if (result)
        return result;
    const size_t n_positions = (size_t)scan->ny * scan->nx;
    uint8_t *const binary = malloc(n_positions);
    if (!binary)
        return error_set(error, -ENOMEM, "no memory for the statistics of a scan");
    statistics->confidence = s.confidence;
    statistics->ny = scan->ny;
    statistics->nx = scan->nx;
    statistics->counts = class_counts_of(scan->classes, n_positions);
    statistics->n = class_counts_n(&statistics->counts);
    statistics->bragg = class_counts_bragg(&statistics->counts);
    statistics->fraction = class_counts_fraction(&statistics->counts);
    result = fill_fraction(statistics, scan, &s, binary, error);
    if (result == 0)
        result = fill_contrast(&statistics->contrast, scan, &s, binary, error);
    if (result == 0)
        result = fill_phase(&statistics->phase, scan, &s, binary, error);
    if (result == 0)
        result = fill_tiles(statistics, scan, &s, error);
    if (result == 0)
        result = fill_areas(statistics, scan, error);
    if (result == 0)
        result = fill_reflections(statistics, scan, &s, error);
    free(binary);
    if (result)
        bragg_statistics_finish(statistics);
    return result;
}

void bragg_statistics_finish(struct bragg_statistics *statistics)
{
    free(statistics->tiles);
    free(statistics->areas);
    free(statistics->crystal_counts);
    histogram_finish(&statistics->lengths);
    histogram_finish(&statistics->azimuths);
    domains_finish(&statistics->domains);
    *statistics = (struct bragg_statistics){0};
}
